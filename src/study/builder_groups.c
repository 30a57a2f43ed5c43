// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/builder_groups.h"

enum { MOST_ENDS = 64 };

typedef struct value_list {
    size_t n, value[MOST_ENDS];
} value_list;

static bool is_within(const mb_layer *layer, const char *group, size_t length) {
    return strncmp(layer->name, group, length) == 0 && layer->name[length] == '/';
}

static bool is_made_within(const mb_model *model, size_t value, const char *group, size_t length) {
    const size_t producer = model->values[value].producer;
    return producer < model->n_calls && is_within(model->calls[producer].layer, group, length);
}

static bool put(value_list *list, size_t value) {
    for (size_t i = 0; i < list->n; i++) {
        if (list->value[i] == value) {
            return true;
        }
    }
    if (list->n == MOST_ENDS) {
        return false;
    }
    list->value[list->n++] = value;
    return true;
}

static mb_status add_group(
    mb_context *ctx, mb_model *model, const char *group, size_t length, const value_list *outputs) {
    value_list in = {0};
    value_list out = {0};
    bool fits = true;
    for (size_t i = 0; i < model->n_calls; i++) {
        const mb_call *call = &model->calls[i];
        const bool is_member = is_within(call->layer, group, length);
        for (size_t k = 0; k < call->n_inputs; k++) {
            const bool is_made = is_made_within(model, call->inputs[k], group, length);
            if (is_member && !is_made) {
                fits = fits && put(&in, call->inputs[k]);
            } else if (!is_member && is_made) {
                fits = fits && put(&out, call->inputs[k]);
            }
        }
    }
    for (size_t i = 0; i < outputs->n; i++) {
        if (is_made_within(model, outputs->value[i], group, length)) {
            fits = fits && put(&out, outputs->value[i]);
        }
    }
    if (!fits) {
        return mb_fail(ctx, MB_ERR_LIMIT,
            "model: the layers of %.*s/ take or give more than %d values; join some", (int)length,
            group, MOST_ENDS);
    }
    const char *name = mb_arena_text_of(&model->document.arena, ctx, group, length);
    return name == NULL || in.n == 0 || out.n == 0
               ? (name == NULL ? MB_ERR_MEMORY : MB_OK)
               : mb_model_add_group_call(
                     ctx, model, name, "Functional", in.value, in.n, out.value, out.n);
}

mb_status mb_study_add_groups(
    mb_context *ctx, mb_model *model, const size_t *outputs, size_t n_outputs) {
    value_list ends = {0};
    for (size_t i = 0; i < n_outputs; i++) {
        if (!put(&ends, outputs[i])) {
            return MB_OK; // the plan says that these are too many
        }
    }
    for (size_t i = 0; i < model->n_calls; i++) {
        const char *name = model->calls[i].layer->name;
        const char *slash = strchr(name, '/');
        const size_t length = slash != NULL ? (size_t)(slash - name) : 0;
        bool is_first = length > 0;
        for (size_t k = 0; k < i && is_first; k++) {
            is_first = !is_within(model->calls[k].layer, name, length);
        }
        if (is_first) {
            MB_TRY(add_group(ctx, model, name, length, &ends));
        }
    }
    return MB_OK;
}
