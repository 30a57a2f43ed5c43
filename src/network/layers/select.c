// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/layers/index_map.h"

// Layers that pick elements of a row by their place: permute, slice, gather_index.

typedef struct permute_options {
    mb_sizes dims;
} permute_options;

static const mb_option options_of_permute[] = {
    {"dims", MB_OPTION_SIZES, offsetof(permute_options, dims), NULL, 1, MB_MAX_DIMS, NULL, NULL,
        "which axis of the input, counted from 1, comes where"},
    MB_OPTIONS_END};

static mb_status infer_permute(mb_context *ctx, mb_model *model, mb_layer *layer,
    const mb_value_type *inputs, size_t n_inputs, mb_value_type *output) {
    const mb_sizes *dims = &((const permute_options *)layer->options)->dims;
    bool is_used[MB_MAX_DIMS] = {false};
    (void)model;
    (void)n_inputs;
    *output = *inputs;
    bool is_good = dims->n == inputs->rank;
    for (size_t d = 0; d < dims->n && is_good; d++) {
        is_good = dims->value[d] <= inputs->rank && !is_used[dims->value[d] - 1];
        if (is_good) {
            is_used[dims->value[d] - 1] = true;
            output->dim[d] = inputs->dim[dims->value[d] - 1];
        }
    }
    if (!is_good) {
        return mb_fail(ctx, MB_ERR_SHAPE,
            "dims must name each of the row's %u axes once, counted from 1; correct it",
            inputs->rank);
    }
    return MB_OK;
}

static mb_status plan_permute(mb_context *ctx, mb_plan_site *site) {
    const mb_sizes *dims = &((const permute_options *)site->layer->options)->dims;
    const mb_step *step = site->step;
    uint32_t *map = NULL;
    MB_TRY(mb_index_map_plan(ctx, site, &map));
    for (size_t i = 0; i < step->out_size; i++) {
        size_t at[MB_MAX_DIMS];
        size_t from[MB_MAX_DIMS] = {0};
        mb_index_map_split(&step->out, i, at);
        for (size_t d = 0; d < dims->n; d++) {
            from[dims->value[d] - 1] = at[d];
        }
        map[i] = (uint32_t)mb_index_map_join(&step->in[0], from);
    }
    return MB_OK;
}

typedef struct slice_options {
    mb_sizes begin, end, step;
} slice_options;

static const mb_option options_of_slice[] = {
    {"begin", MB_OPTION_SIZES, offsetof(slice_options, begin), "0", 0, 1 << 30, NULL, NULL,
        "first element, per axis of a row"},
    {"end", MB_OPTION_SIZES, offsetof(slice_options, end), "0", 0, 1 << 30, NULL, NULL,
        "element after the last, per axis; 0: to the end"},
    {"step", MB_OPTION_SIZES, offsetof(slice_options, step), "1", 1, 1 << 30, NULL, NULL,
        "every how many elements, per axis"},
    MB_OPTIONS_END};

static size_t value_at(const mb_sizes *list, size_t d) {
    return list->value[list->n == 1 ? 0 : d];
}

static mb_status infer_slice(mb_context *ctx, mb_model *model, mb_layer *layer,
    const mb_value_type *inputs, size_t n_inputs, mb_value_type *output) {
    const slice_options *slice = layer->options;
    const mb_sizes *lists[3] = {&slice->begin, &slice->end, &slice->step};
    static const char *const names[3] = {"begin", "end", "step"};
    (void)model;
    (void)n_inputs;
    *output = *inputs;
    for (size_t i = 0; i < 3; i++) {
        if (lists[i]->n != 1 && lists[i]->n != inputs->rank) {
            return mb_fail(ctx, MB_ERR_SHAPE, "%s has %zu numbers; give %u, or one for all",
                names[i], lists[i]->n, inputs->rank);
        }
    }
    for (size_t d = 0; d < inputs->rank; d++) {
        const size_t begin = value_at(&slice->begin, d);
        const size_t written_end = value_at(&slice->end, d);
        const size_t end = written_end == 0 ? inputs->dim[d] : written_end;
        if (begin >= end || end > inputs->dim[d]) {
            return mb_fail(ctx, MB_ERR_SHAPE,
                "begin %zu and end %zu do not lie in an axis of length %zu; correct them", begin,
                end, inputs->dim[d]);
        }
        const size_t step = value_at(&slice->step, d);
        output->dim[d] = (end - begin - 1) / step + 1;
    }
    return MB_OK;
}

static mb_status plan_slice(mb_context *ctx, mb_plan_site *site) {
    const slice_options *slice = site->layer->options;
    const mb_step *step = site->step;
    uint32_t *map = NULL;
    MB_TRY(mb_index_map_plan(ctx, site, &map));
    for (size_t i = 0; i < step->out_size; i++) {
        size_t at[MB_MAX_DIMS];
        mb_index_map_split(&step->out, i, at);
        for (size_t d = 0; d < step->out.rank; d++) {
            at[d] = value_at(&slice->begin, d) + at[d] * value_at(&slice->step, d);
        }
        map[i] = (uint32_t)mb_index_map_join(&step->in[0], at);
    }
    return MB_OK;
}

typedef struct gather_options {
    int64_t axis;
    const mb_node *indices;
} gather_options;

static const mb_option options_of_gather[] = {
    {"axis", MB_OPTION_INT, offsetof(gather_options, axis), "-1", -MB_MAX_DIMS, MB_MAX_DIMS, NULL,
        NULL, "counted as Keras does: 0 would be the events, -1 is the last"},
    {"indices", MB_OPTION_NODE, offsetof(gather_options, indices), NULL, 0, 0, NULL, NULL,
        "list of places along the axis; a place may come more than once, -1 gives zero"},
    MB_OPTIONS_END};

static mb_status gather_axis(
    mb_context *ctx, const gather_options *gather, unsigned rank, size_t *axis) {
    const int64_t at = gather->axis < 0 ? gather->axis + (int64_t)rank : gather->axis - 1;
    if (at < 0 || at >= (int64_t)rank) {
        return mb_fail(ctx, MB_ERR_SHAPE, "axis %lld is not one of a row's; use 1 to %u or -1",
            (long long)gather->axis, rank);
    }
    *axis = (size_t)at;
    return MB_OK;
}

static mb_status infer_gather(mb_context *ctx, mb_model *model, mb_layer *layer,
    const mb_value_type *inputs, size_t n_inputs, mb_value_type *output) {
    const gather_options *gather = layer->options;
    size_t axis = 0;
    (void)model;
    (void)n_inputs;
    MB_TRY(gather_axis(ctx, gather, inputs->rank, &axis));
    if (gather->indices->kind != MB_NODE_LIST) {
        return mb_fail(ctx, MB_ERR_FORMAT, "indices is no list; write [0, 5, ...]");
    }
    for (const mb_node *child = gather->indices->first; child != NULL; child = child->next) {
        if (child->kind != MB_NODE_INT || child->integer < -1 ||
            child->integer >= (int64_t)inputs->dim[axis]) {
            const char *text = mb_node_text(child);
            return mb_fail(ctx, MB_ERR_RANGE,
                "indices has '%.40s'; write whole numbers from 0 to %zu, or -1 for zero",
                text != NULL ? text : "a list", inputs->dim[axis] - 1);
        }
    }
    *output = *inputs;
    output->dim[axis] = gather->indices->n_children;
    return MB_OK;
}

static mb_status plan_gather(mb_context *ctx, mb_plan_site *site) {
    const gather_options *gather = site->layer->options;
    const mb_step *step = site->step;
    size_t axis = 0;
    size_t inner = 1;
    uint32_t *map = NULL;
    MB_TRY(gather_axis(ctx, gather, step->in[0].rank, &axis));
    MB_TRY(mb_index_map_plan(ctx, site, &map));
    for (size_t d = axis + 1; d < step->out.rank; d++) {
        inner *= step->out.dim[d];
    }
    const size_t outer_in = step->in[0].dim[axis] * inner;
    const size_t n_outer = step->in_size[0] / outer_in;
    size_t place = 0;
    for (const mb_node *child = gather->indices->first; child != NULL; child = child->next) {
        for (size_t outer = 0; outer < n_outer; outer++) {
            uint32_t *to = map + (outer * step->out.dim[axis] + place) * inner;
            for (size_t i = 0; i < inner; i++) {
                to[i] = child->integer < 0
                            ? MB_INDEX_MAP_ZERO
                            : (uint32_t)(outer * outer_in + (size_t)child->integer * inner + i);
            }
        }
        place++;
    }
    return MB_OK;
}

#define SELECT_LAYER(kind, symbol, title, class, text)                                             \
    const mb_layer_ops mb_layer_##symbol = {                                                       \
        .name = title,                                                                             \
        .class_name = class,                                                                       \
        .help = text,                                                                              \
        .options = options_of_##kind,                                                              \
        .options_size = sizeof(kind##_options),                                                    \
        .least_inputs = 1,                                                                         \
        .most_inputs = 1,                                                                          \
        .layout = MB_LAYOUT_WRITTEN,                                                               \
        .infer = infer_##kind,                                                                     \
        .plan = plan_##kind,                                                                       \
    };

SELECT_LAYER(permute, permute, "permute", "Permute", "the axes of a row in another order")
SELECT_LAYER(slice, slice, "slice", "MinbiasSlice", "part of a row along its axes")
SELECT_LAYER(gather, gather_index, "gather_index", "MinbiasGatherIndex",
    "elements of a row along an axis, by a fixed list of places")
