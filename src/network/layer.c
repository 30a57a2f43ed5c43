// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/lanes.h"

#define MB_LAYER(name) &mb_layer_##name,
const mb_layer_ops *const mb_layer_list[] = {
#include "network/layers/layer_list.h"
    NULL};
#undef MB_LAYER

const char *const mb_padding_names[] = {"valid", "same", "causal", NULL};
const char *const mb_data_format_names[] = {"channels_last", "channels_first", NULL};

const mb_layer_ops *mb_layer_find(const char *name) {
    for (size_t i = 0; mb_layer_list[i] != NULL; i++) {
        const mb_layer_ops *ops = mb_layer_list[i];
        if (strcmp(ops->name, name) == 0 || strcmp(ops->class_name, name) == 0) {
            return ops;
        }
    }
    for (size_t i = 0; mb_layer_list[i] != NULL; i++) {
        const char *quantized = mb_layer_list[i]->quantized_class;
        if (quantized != NULL && strcmp(quantized, name) == 0) {
            return mb_layer_list[i];
        }
    }
    return NULL;
}

const mb_option *mb_layer_option(const mb_layer_ops *ops, const char *name) {
    for (const mb_option *option = ops->options; option != NULL && option->name != NULL; option++) {
        if (strcmp(option->name, name) == 0) {
            return option;
        }
    }
    return NULL;
}

static void forward_copy(const mb_step *step, const mb_rows *rows) {
    memcpy(rows->out, rows->in[0], rows->n * step->out_size * sizeof(float));
}

static void backward_copy(const mb_step *step, const mb_rows *rows) {
    for (size_t i = 0; i < rows->n * step->out_size && rows->d_in[0] != NULL; i++) {
        rows->d_in[0][i] += rows->d_out[i];
    }
}

mb_status mb_layer_plan_copy(mb_context *ctx, mb_plan_site *site) {
    (void)ctx;
    site->step->forward = forward_copy;
    site->step->backward = backward_copy;
    mb_lanes_take_rows(site->step);
    return MB_OK;
}

static void forward_quantized(const mb_step *step, const mb_rows *rows) {
    mb_quantizer_apply_each(
        &step->layer->quantizer, rows->in[0], rows->out, rows->n * step->out_size);
}

// Row by row, as scratch holds one.
static void backward_quantized(const mb_step *step, const mb_rows *rows) {
    float *d = rows->scratch;
    for (size_t i = 0; i < rows->n && rows->d_in[0] != NULL; i++) {
        const size_t at = i * step->out_size;
        memcpy(d, rows->d_out + at, step->out_size * sizeof *d);
        mb_quantizer_differentiate(&step->layer->quantizer, rows->in[0] + at, d, step->out_size);
        for (size_t k = 0; k < step->out_size; k++) {
            rows->d_in[0][at + k] += d[k];
        }
    }
}

void mb_layer_plan_quantizer(mb_plan_site *site) {
    site->step->forward = forward_quantized;
    site->step->backward = backward_quantized;
    site->step->scratch_bytes = site->step->out_size * sizeof(float);
    mb_lanes_take_rows(site->step);
    site->quantizer_taken = true;
}

bool mb_layer_is_copy(const mb_step *step) {
    return step->forward == forward_copy;
}

uint64_t mb_layer_flops_each(const mb_layer *layer, const mb_value_type *inputs, size_t n_inputs,
    const mb_value_type *output) {
    (void)layer;
    (void)inputs;
    (void)n_inputs;
    return mb_value_size(output);
}

void mb_layer_differentiate(const mb_kernels *kernels, const mb_activation_ops *activation,
    const double *parameters, const float *out, const float *d_out, size_t n, size_t n_out,
    size_t width, float *d, float *d_bias) {
    memcpy(d, d_out, n * n_out * sizeof *d);
    activation->backward(parameters, out, d, n * n_out, n_out);
    for (size_t i = n; n_out != width && i-- > 0;) {
        memmove(d + i * width, d + i * n_out, n_out * sizeof *d);
        memset(d + i * width + n_out, 0, (width - n_out) * sizeof *d);
    }
    kernels->sum_rows(n, d, width, d_bias);
}

mb_status mb_layer_add_bias(mb_context *ctx, mb_model *model, mb_layer *layer, size_t n,
    const mb_node *initializer, const mb_node *regularizer, const mb_node *quantizer) {
    const mb_weight_spec spec = {.name = "bias",
        .rank = 1,
        .dim = {n},
        .fan_in = n,
        .fan_out = n,
        .initializer = initializer,
        .default_initializer = "zeros",
        .regularizer = regularizer,
        .is_trainable = true,
        .quantizer = quantizer,
        .use = MB_QUANTIZER_BIAS};
    return mb_layer_add_weight(ctx, model, layer, &spec);
}

mb_status mb_spatial_check_activation(mb_context *ctx, const char *name, bool is_channels_first) {
    const mb_activation_ops *activation = NULL;
    MB_TRY(mb_activation_read(ctx, name, &activation));
    if (is_channels_first && strcmp(activation->name, "softmax") == 0) {
        return mb_fail(ctx, MB_ERR_UNSUPPORTED,
            "softmax over the columns of channels_first rows is not offered; use a softmax layer "
            "of its own");
    }
    return MB_OK;
}

mb_status mb_spatial_of(mb_context *ctx, const mb_value_type *type, size_t n_spatial,
    bool is_channels_first, mb_spatial *out) {
    if (type->rank != n_spatial + 1) {
        char text[96];
        return mb_fail(ctx, MB_ERR_SHAPE,
            "needs %zu spatial dimensions and channels, has rows of shape %s; reshape first",
            n_spatial, mb_value_text(type, text, sizeof text));
    }
    memset(out, 0, sizeof *out);
    out->n = n_spatial;
    for (size_t i = 0; i < n_spatial; i++) {
        out->dim[i] = type->dim[i + (is_channels_first ? 1 : 0)];
    }
    out->channels = type->dim[is_channels_first ? 0 : n_spatial];
    return MB_OK;
}

mb_value_type mb_spatial_type(
    const mb_value_type *like, const mb_spatial *spatial, bool is_channels_first) {
    mb_value_type type = {.axis = like->axis, .rank = (unsigned)spatial->n + 1};
    for (size_t i = 0; i < spatial->n; i++) {
        type.dim[i + (is_channels_first ? 1 : 0)] = spatial->dim[i];
    }
    type.dim[is_channels_first ? 0 : spatial->n] = spatial->channels;
    return type;
}

mb_status mb_spatial_option(
    mb_context *ctx, const mb_sizes *list, size_t n, const char *name, size_t out[3]) {
    if (list->n != n && list->n != 1) {
        return mb_fail(
            ctx, MB_ERR_SHAPE, "%s has %zu numbers; give %zu, or one for all", name, list->n, n);
    }
    for (size_t i = 0; i < 3; i++) {
        out[i] = i < n ? list->value[list->n == 1 ? 0 : i] : 1;
        if (out[i] == 0) {
            return mb_fail(ctx, MB_ERR_RANGE, "%s is 0; give at least 1", name);
        }
    }
    return MB_OK;
}

size_t mb_window_output(size_t length, size_t window, size_t stride, size_t dilation,
    mb_padding padding, size_t *pad_before) {
    const size_t reach = (window - 1) * dilation + 1;
    *pad_before = 0;
    if (padding == MB_PADDING_VALID) {
        return length < reach ? 0 : (length - reach) / stride + 1;
    }
    const size_t n = (length + stride - 1) / stride;
    if (padding == MB_PADDING_CAUSAL) {
        *pad_before = reach - 1;
        return n;
    }
    const size_t needed = n == 0 ? 0 : (n - 1) * stride + reach;
    *pad_before = needed > length ? (needed - length) / 2 : 0;
    return n;
}

// Sums of few rows in the kernels' registers, and a piece with the sums of a tree in the
// first-level cache. Small kernels are not worth a look at every chunk for each piece.
enum { PIECE_ROWS = 6, PIECE_FLOATS = 1536, LEAST_IN_PIECES = 1 << 14 };

void mb_layer_offer_pieces(mb_step *step, size_t n_rows, size_t width,
    void (*add_piece)(
        const mb_step *step, const mb_rows *rows, size_t first, size_t n, float *piece)) {
    if (n_rows * width < LEAST_IN_PIECES) {
        return;
    }
    const size_t rows = PIECE_FLOATS / width / PIECE_ROWS * PIECE_ROWS;
    step->n_in_pieces = n_rows * width;
    step->piece_floats = mb_max_size(rows, PIECE_ROWS) * width;
    step->add_piece = add_piece;
}

void mb_layer_add_kernel_rows(const mb_kernels *kernels, size_t n, const uint32_t *base,
    const float *x, const mb_footprint *footprint, const float *dy, size_t width, size_t first_row,
    size_t n_rows, float *gradient) {
    for (size_t done = 0; done < n_rows;) {
        const size_t run = (first_row + done) / footprint->run_length;
        const size_t k = (first_row + done) % footprint->run_length;
        const size_t length = mb_min_size(footprint->run_length - k, n_rows - done);
        const uint32_t offset = footprint->run_offset[run] + (uint32_t)k;
        const mb_footprint part = {1, length, mb_round_up(length, MB_LANES), &offset};
        kernels->positions_gradient(n, base, x, &part, dy, width, gradient + done * width);
        done += length;
    }
}
