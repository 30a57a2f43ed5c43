// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/layers/message_parts.h"

static const float *kernel_of(const mb_layer *layer, const float *flat) {
    return flat + layer->weights[0].offset;
}

static bool has_bias(const mb_layer *layer) {
    return layer->n_weights > 1;
}

static void refresh_normalization(
    const mb_message *message, const float *parameters, float *packed) {
    const size_t n = message->n_out, width = message->matrices[MB_MESSAGE_UPDATE].width;
    float *as_it_is = packed + message->at_normalization;
    float *wide = as_it_is + MB_NORMALIZATION_PACKED * n;
    mb_normalization_pack(&message->normalization, parameters, as_it_is);
    for (size_t o = 0; o < n; o++) {
        wide[o] = as_it_is[MB_NORMALIZATION_MEAN * n + o];
        wide[width + o] =
            as_it_is[MB_NORMALIZATION_INVERSE * n + o] * as_it_is[MB_NORMALIZATION_GAMMA * n + o];
        wide[2 * width + o] = as_it_is[MB_NORMALIZATION_BETA * n + o];
    }
}

static void refresh(const mb_step *step, const float *parameters, float *packed) {
    const mb_message *message = step->data;
    for (size_t j = 0; j < MB_MESSAGE_MATRICES; j++) {
        const mb_message_matrix *m = &message->matrices[j];
        if (m->layer == NULL) {
            continue;
        }
        const size_t units = m->layer->weights[0].dim[1];
        const float *kernel = kernel_of(m->layer, parameters) + m->row * units;
        for (size_t i = 0; i < m->n_in; i++) {
            for (size_t o = 0; o < m->n_out; o++) {
                packed[m->at + i * m->width + o] =
                    m->is_back ? kernel[o * units + i] : kernel[i * units + o];
            }
        }
        for (size_t o = 0; o < m->n_out && m->at_bias != message->at_zero; o++) {
            packed[m->at_bias + o] = parameters[m->layer->weights[1].offset + o];
        }
    }
    for (size_t i = 0; i < message->last->weights[0].dim[0]; i++) {
        packed[message->at_weights + i] = kernel_of(message->last, parameters)[i];
    }
    packed[message->at_shift] =
        has_bias(message->last) ? parameters[message->last->weights[1].offset] : 0.0F;
    if (message->is_normalized) {
        refresh_normalization(message, parameters, packed);
    }
}

static void unpack(const mb_step *step, const float *packed_gradient, float *gradient) {
    const mb_message *message = step->data;
    const float *last = packed_gradient + message->at_last_gradient;
    const size_t n_last = message->last->weights[0].dim[0];
    for (size_t j = 0; j < MB_MESSAGE_MATRICES; j++) {
        const mb_message_matrix *m = &message->matrices[j];
        if (m->layer == NULL || m->is_back) {
            continue;
        }
        const float *packed = packed_gradient + m->at_gradient;
        float *kernel = gradient + m->layer->weights[0].offset + m->row * m->n_out;
        for (size_t i = 0; i < m->n_in; i++) {
            for (size_t o = 0; o < m->n_out; o++) {
                kernel[i * m->n_out + o] += packed[i * m->width + o];
            }
        }
        for (size_t o = 0; o < m->n_out && m->at_bias != message->at_zero; o++) {
            gradient[m->layer->weights[1].offset + o] += packed[m->n_in * m->width + o];
        }
    }
    for (size_t i = 0; i < n_last; i++) {
        gradient[message->last->weights[0].offset + i] += last[i * MB_LANES];
    }
    if (has_bias(message->last)) {
        gradient[message->last->weights[1].offset] +=
            last[mb_message_last_width(message) * MB_LANES];
    }
}

// What a matrix takes of packed and of the gradient.
typedef struct extent {
    size_t packed, gradient, widest;
} extent;

static mb_message_matrix *add_matrix(
    mb_message *message, size_t which, const mb_layer *layer, bool is_back, extent *used) {
    mb_message_matrix *m = &message->matrices[which];
    const size_t n_units = layer->weights[0].dim[1];
    const size_t n_rows = which == MB_MESSAGE_UPDATE  ? 2 * message->n_in
                          : which < MB_MESSAGE_HIDDEN ? message->n_in
                                                      : layer->weights[0].dim[0];
    const bool is_second = which == MB_MESSAGE_DESTINATION ||
                           which == MB_MESSAGE_DESTINATION_BACK || which == MB_MESSAGE_SUM_BACK;
    m->layer = layer;
    m->row = is_second ? message->n_in : 0;
    m->is_back = is_back;
    m->n_in = is_back ? n_units : n_rows;
    m->n_out = is_back ? n_rows : n_units;
    m->width = mb_round_up(m->n_out, MB_LANES);
    m->stride =
        is_back || which >= MB_MESSAGE_HIDDEN ? mb_round_up(m->n_in, MB_LANES) : message->stride;
    m->footprint = (mb_footprint){1, m->n_in, mb_round_up(m->n_in, MB_LANES), &m->run_offset};
    for (size_t i = 0; i < MB_MESSAGE_BLOCK; i++) {
        m->base[i] = (uint32_t)(i * m->stride);
    }
    m->at = used->packed;
    used->packed += m->n_in * m->width;
    used->widest = mb_max_size(used->widest, mb_max_size(m->width, m->footprint.run_pad));
    if (!is_back) {
        m->at_gradient = used->gradient;
        used->gradient += (m->n_in + 1) * m->width;
    }
    return m;
}

// Of a matrix that has its layer's bias.
static void add_bias(mb_message_matrix *m, extent *used) {
    m->at_bias = SIZE_MAX;
    if (has_bias(m->layer)) {
        m->at_bias = used->packed;
        used->packed += m->width;
    }
}

static void add_matrices(mb_message *message, const mb_message_layers *layers, extent *used) {
    for (size_t j = 0; j < MB_MESSAGE_MATRICES; j++) {
        message->matrices[j].at_bias = SIZE_MAX;
    }
    add_matrix(message, MB_MESSAGE_SOURCE, layers->hidden[0], false, used);
    add_bias(add_matrix(message, MB_MESSAGE_DESTINATION, layers->hidden[0], false, used), used);
    add_matrix(message, MB_MESSAGE_SOURCE_BACK, layers->hidden[0], true, used);
    add_matrix(message, MB_MESSAGE_DESTINATION_BACK, layers->hidden[0], true, used);
    for (size_t l = 0; l < message->n_hidden; l++) {
        const mb_layer *layer = layers->hidden[l];
        message->width[l] = mb_round_up(layer->weights[0].dim[1], MB_LANES);
        if (l > 0) {
            add_bias(add_matrix(message, MB_MESSAGE_HIDDEN + l, layer, false, used), used);
            add_matrix(message, MB_MESSAGE_HIDDEN_BACK + l, layer, true, used);
        }
    }
    if (layers->update != NULL) {
        add_bias(add_matrix(message, MB_MESSAGE_UPDATE, layers->update, false, used), used);
        add_matrix(message, MB_MESSAGE_OWN_BACK, layers->update, true, used);
        add_matrix(message, MB_MESSAGE_SUM_BACK, layers->update, true, used);
    }
}

static void add_last(mb_message *message, extent *used) {
    const size_t width = mb_message_last_width(message);
    message->at_weights = used->packed;
    message->at_shift = message->at_weights + width;
    message->at_zero = message->at_shift + 1;
    used->packed = message->at_zero + used->widest;
    message->at_last_gradient = used->gradient;
    used->gradient += (width + 1) * MB_LANES;
    for (size_t j = 0; j < MB_MESSAGE_MATRICES; j++) {
        if (message->matrices[j].at_bias == SIZE_MAX) {
            message->matrices[j].at_bias = message->at_zero;
        }
    }
}

static void add_normalization(mb_message *message, const mb_layer *layer, extent *used) {
    message->is_normalized = layer != NULL;
    if (layer != NULL) {
        mb_normalization_read(layer, message->n_out, &message->normalization);
        message->at_normalization = used->packed;
        used->packed += MB_NORMALIZATION_PACKED * message->n_out +
                        3 * message->matrices[MB_MESSAGE_UPDATE].width;
    }
}

static mb_status check_layers(mb_context *ctx, const mb_message_layers *layers, size_t n_in) {
    if (layers->n_hidden == 0 || layers->n_hidden > MB_MESSAGE_MOST_HIDDEN) {
        return mb_fail(ctx, MB_ERR_INTERNAL, "messages: %zu hidden layers", layers->n_hidden);
    }
    // Places in a block of rows are counted in 32 bits.
    for (size_t l = 0; l < layers->n_hidden; l++) {
        n_in = mb_max_size(n_in, layers->hidden[l]->weights[0].dim[1]);
    }
    if (layers->update != NULL) {
        n_in = mb_max_size(n_in, layers->update->weights[0].dim[1]);
    }
    return n_in < UINT32_MAX / (4 * MB_MESSAGE_BLOCK)
               ? MB_OK
               : mb_fail(ctx, MB_ERR_LIMIT, "rows of %zu numbers are too many", n_in);
}

mb_status mb_message_plan(mb_context *ctx, mb_plan_site *site, const mb_message_layers *layers) {
    mb_step *step = site->step;
    extent used = {0, 0, 0};
    const size_t n_in = step->in_size[0];
    MB_TRY(check_layers(ctx, layers, n_in));
    mb_message *message = mb_arena_allocate(site->arena, ctx, 1, sizeof *message);
    if (message == NULL) {
        return MB_ERR_MEMORY;
    }
    message->last = layers->last;
    message->activation = layers->update != NULL ? layers->activation : NULL;
    message->is_softmax = layers->softmax != NULL;
    message->n_in = n_in;
    message->n_out = step->out_size;
    // The common width is the fast one.
    const bool is_widened = !step->is_training && layers->update != NULL && n_in < MB_DOT;
    message->stride = is_widened ? MB_DOT : n_in;
    message->n_hidden = layers->n_hidden;
    add_matrices(message, layers, &used);
    add_last(message, &used);
    add_normalization(message, layers->normalization, &used);
    message->block_floats = MB_MESSAGE_BLOCK * used.widest;
    step->data = message;
    step->forward = mb_message_forward;
    step->backward = mb_message_backward;
    step->refresh = refresh;
    step->unpack = unpack;
    step->packed_floats = used.packed;
    step->gradient_floats = used.gradient;
    const bool saves_sums = layers->update != NULL;
    const bool has_rows = step->is_training && layers->n_hidden > 1;
    step->scratch_bytes =
        (MB_MESSAGE_MOST_AREAS + layers->n_hidden) * message->block_floats * sizeof(float);
    step->scratch_node_bytes =
        (2 * message->width[0] + (is_widened ? 2 : 1) * message->stride) * sizeof(float);
    step->scratch_edge_bytes = (1 + (has_rows ? message->width[0] : 0)) * sizeof(float);
    if (step->is_training) {
        step->saved_bytes = (2 * message->width[0] + (saves_sums ? n_in : 0)) * sizeof(float);
        step->saved_edge_bytes = sizeof(float);
    }
    return MB_OK;
}
