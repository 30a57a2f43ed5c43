// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/layer.h"

typedef struct reshape_options {
    const mb_node *target_shape;
} reshape_options;

static const mb_option options[] = {
    {"target_shape", MB_OPTION_NODE, offsetof(reshape_options, target_shape), NULL, 0, 0, NULL,
        "shape", "lengths of a row; one may be -1, which is worked out"},
    MB_OPTIONS_END};

static mb_status read_shape(
    mb_context *ctx, const mb_node *node, mb_value_type *type, size_t *unknown, size_t *product) {
    const bool is_list = node->kind == MB_NODE_LIST;
    const mb_node *child = is_list ? node->first : node;
    *unknown = SIZE_MAX;
    *product = 1;
    for (; child != NULL; child = is_list ? child->next : NULL) {
        if (type->rank == MB_MAX_DIMS) {
            return mb_fail(
                ctx, MB_ERR_SHAPE, "target_shape has more than %d lengths; use fewer", MB_MAX_DIMS);
        }
        const int64_t length = child->integer;
        const bool is_unknown = length == -1 && *unknown == SIZE_MAX;
        if (child->kind != MB_NODE_INT || (length <= 0 && !is_unknown) ||
            (length > 0 && (uint64_t)length > SIZE_MAX / *product)) {
            const char *text = mb_node_text(child);
            return mb_fail(ctx, MB_ERR_SHAPE,
                "target_shape has '%.40s'; write whole numbers of at least 1, and -1 at most once",
                text != NULL ? text : "a list");
        }
        if (is_unknown) {
            *unknown = type->rank;
        } else {
            *product *= (size_t)length;
        }
        type->dim[type->rank++] = is_unknown ? 1 : (size_t)length;
    }
    return MB_OK;
}

static mb_status infer(mb_context *ctx, mb_model *model, mb_layer *layer,
    const mb_value_type *inputs, size_t n_inputs, mb_value_type *output) {
    const reshape_options *reshape = layer->options;
    const size_t size = mb_value_size(inputs);
    size_t unknown = 0;
    size_t product = 0;
    (void)model;
    (void)n_inputs;
    *output = (mb_value_type){.axis = inputs->axis};
    MB_TRY(read_shape(ctx, reshape->target_shape, output, &unknown, &product));
    if (unknown != SIZE_MAX && size % product == 0) {
        output->dim[unknown] = size / product;
        product = size;
    }
    if (product != size) {
        char text[96];
        return mb_fail(ctx, MB_ERR_SHAPE,
            "target_shape does not hold the %zu numbers of a row of shape %s; change a length",
            size, mb_value_text(inputs, text, sizeof text));
    }
    return MB_OK;
}

const mb_layer_ops mb_layer_reshape = {
    .name = "reshape",
    .class_name = "Reshape",
    .help = "the numbers of a row, in their written order, under another shape",
    .options = options,
    .options_size = sizeof(reshape_options),
    .least_inputs = 1,
    .most_inputs = 1,
    .layout = MB_LAYOUT_WRITTEN,
    .infer = infer,
    .plan = mb_layer_plan_copy,
};
