// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/summary_quantizers.h"

// Longer lists of scales are cut.
enum { MOST_SCALES = 8 };

typedef struct listing {
    mb_context *ctx;
    mb_answer *answer;
    mb_node *list; // of the JSON object
    const mb_model *model;
} listing;

static mb_status add_line(const listing *l, const mb_layer *layer, const char *what,
    const mb_quantizer *quantizer, const char *more) {
    mb_buffer text;
    mb_buffer_init(&text, l->ctx);
    mb_status status = mb_quantizer_text(l->ctx, quantizer, &text);
    if (status == MB_OK) {
        mb_answer_line(l->answer, "  %s/%s: %s%s", layer->name, what, text.data, more);
        mb_node *map = mb_answer_add_map(l->answer, l->list);
        mb_answer_put_text(l->answer, map, "layer", layer->name);
        mb_answer_put_text(l->answer, map, "of", what);
        mb_answer_put_text(l->answer, map, "quantizer", text.data);
        mb_answer_put_int(l->answer, map, "bits", (int64_t)mb_quantizer_bits(quantizer));
    }
    mb_buffer_clear(&text);
    return status;
}

// ", scales 0.25 0.5 ..." where the quantiser finds them.
static mb_status add_weight(const listing *l, const mb_weight *weight) {
    const mb_quantizer_shape shape = mb_quantizer_shape_of(weight->rank, weight->dim);
    mb_buffer more;
    mb_buffer_init(&more, l->ctx);
    mb_buffer_format(
        &more, ", %zu x %u bits", weight->count, mb_quantizer_bits(&weight->quantizer));
    mb_status status = MB_OK;
    if (weight->quantizer.ops->scales != NULL && !weight->is_folded) {
        float *scale = mb_allocate(l->ctx, shape.n_channels, sizeof *scale);
        status = scale != NULL ? MB_OK : MB_ERR_MEMORY;
        if (scale != NULL) {
            mb_quantizer_scales(
                &weight->quantizer, &shape, l->model->parameters + weight->offset, scale);
        }
        bool is_plain = true;
        for (size_t i = 0; scale != NULL && i < shape.n_channels; i++) {
            is_plain = is_plain && scale[i] == 1;
        }
        for (size_t i = 0; !is_plain && i < shape.n_channels && i < MOST_SCALES; i++) {
            mb_buffer_format(&more, i == 0 ? ", scale %.6g" : " %.6g", (double)scale[i]);
        }
        mb_buffer_text(&more, !is_plain && shape.n_channels > MOST_SCALES ? " ..." : "");
        mb_release(l->ctx, scale);
    }
    if (status == MB_OK) {
        status = more.status;
    }
    if (status == MB_OK) {
        status = add_line(l, weight->layer, weight->name, &weight->quantizer, more.data);
    }
    mb_buffer_clear(&more);
    return status;
}

static mb_status add_layer(const listing *l, const mb_layer *layer) {
    for (size_t i = 0; i < layer->n_weights; i++) {
        if (layer->weights[i].quantizer.ops != NULL) {
            MB_TRY(add_weight(l, &layer->weights[i]));
        }
    }
    return layer->quantizer.ops != NULL ? add_line(l, layer, "activation", &layer->quantizer, "")
                                        : MB_OK;
}

static bool has_any(const mb_model *model) {
    bool is_any = false;
    for (size_t i = 0; i < model->n_layers; i++) {
        is_any = is_any || model->layers[i]->quantizer.ops != NULL;
    }
    for (size_t i = 0; i < model->n_weights; i++) {
        is_any = is_any || model->weights[i]->quantizer.ops != NULL;
    }
    return is_any;
}

mb_status mb_summary_quantizers(mb_context *ctx, mb_answer *answer, const mb_model *model) {
    const bool is_any = has_any(model);
    uint64_t bits = 0;
    for (size_t i = 0; i < model->n_weights; i++) {
        const mb_weight *weight = model->weights[i];
        bits += (uint64_t)weight->count * mb_quantizer_bits(&weight->quantizer);
    }
    mb_answer_line(answer, is_any ? "Quantisers:" : "Quantisers: none");
    const listing l = {ctx, answer, mb_answer_put_list(answer, NULL, "quantizers"), model};
    for (size_t i = 0; i < model->n_layers && is_any; i++) {
        MB_TRY(add_layer(&l, model->layers[i]));
    }
    mb_answer_put_int(answer, NULL, "bits", (int64_t)bits);
    if (is_any) {
        char count[40];
        mb_answer_line(answer, "Bits of the weights: %s (32 for one without a quantiser)",
            mb_format_count(count, sizeof count, bits));
    }
    return MB_OK;
}
