// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/layers/index_map.h"

// Layers that change the spatial lengths of rows without arithmetic: zero padding, cropping, and
// up-sampling by repetition. Keras's one-dimensional ones have no data_format.

typedef struct border_options {
    int data_format;
    const mb_node *amount; // of padding and cropping, as Keras writes it
    mb_sizes size;         // of up-sampling
    int interpolation;
} border_options;

static const char *const interpolation_names[] = {"nearest", "bilinear", NULL};

#define DATA_FORMAT                                                                                \
    {                                                                                              \
        "data_format", MB_OPTION_CHOICE, offsetof(border_options, data_format), "channels_last",   \
            0, 0, mb_data_format_names, NULL, "where the channels are"                             \
    }
#define AMOUNT(name, usual, help)                                                                  \
    { name, MB_OPTION_NODE, offsetof(border_options, amount), usual, 0, 0, NULL, NULL, help }
#define SIZE                                                                                       \
    {                                                                                              \
        "size", MB_OPTION_SIZES, offsetof(border_options, size), "2", 1, 1 << 16, NULL, NULL,      \
            "repetitions, per dimension"                                                           \
    }

static const char amount_help[] =
    "one number for all sides, or one, or a pair [before, after], per dimension; default 1";

static const mb_option padding1d_options[] = {AMOUNT("padding", "", amount_help), MB_OPTIONS_END};
static const mb_option padding_options[] = {
    AMOUNT("padding", "", amount_help), DATA_FORMAT, MB_OPTIONS_END};
static const mb_option cropping1d_options[] = {AMOUNT("cropping", "", amount_help), MB_OPTIONS_END};
static const mb_option cropping_options[] = {
    AMOUNT("cropping", "", amount_help), DATA_FORMAT, MB_OPTIONS_END};
static const mb_option up_sampling1d_options[] = {SIZE, MB_OPTIONS_END};
static const mb_option up_sampling2d_options[] = {SIZE, DATA_FORMAT,
    {"interpolation", MB_OPTION_CHOICE, offsetof(border_options, interpolation), "nearest", 0, 0,
        interpolation_names, NULL, "only nearest is offered"},
    MB_OPTIONS_END};
static const mb_option up_sampling3d_options[] = {SIZE, DATA_FORMAT, MB_OPTIONS_END};

static bool is_channels_first(const mb_layer *layer) {
    return ((const border_options *)layer->options)->data_format == 1;
}

static mb_status read_amount(mb_context *ctx, const mb_node *node, size_t *out) {
    if (node == NULL || node->kind != MB_NODE_INT || node->integer < 0 || node->integer > 1 << 30) {
        const char *text = node != NULL ? mb_node_text(node) : NULL;
        return mb_fail(ctx, MB_ERR_FORMAT,
            "padding or cropping has '%.40s'; write whole numbers of at least 0",
            text != NULL ? text : "a list");
    }
    *out = (size_t)node->integer;
    return MB_OK;
}

static mb_status read_pair(mb_context *ctx, const mb_node *node, size_t pair[2]) {
    if (node->kind != MB_NODE_LIST) {
        MB_TRY(read_amount(ctx, node, &pair[0]));
        pair[1] = pair[0];
        return MB_OK;
    }
    if (node->n_children != 2) {
        return mb_fail(ctx, MB_ERR_FORMAT,
            "padding or cropping has a list of %zu numbers; write [before, after]",
            node->n_children);
    }
    MB_TRY(read_amount(ctx, node->first, &pair[0]));
    return read_amount(ctx, node->last, &pair[1]);
}

// Keras's forms: a number; per dimension a number or a pair; in one dimension the pair itself.
static mb_status read_amounts(
    mb_context *ctx, const mb_node *node, size_t n_spatial, size_t amount[3][2]) {
    for (size_t d = 0; d < n_spatial; d++) {
        amount[d][0] = amount[d][1] = 1;
        if (node != NULL && node->kind != MB_NODE_LIST) {
            MB_TRY(read_pair(ctx, node, amount[d]));
        }
    }
    if (node == NULL || node->kind != MB_NODE_LIST) {
        return MB_OK;
    }
    if (n_spatial == 1 && node->n_children == 2) {
        return read_pair(ctx, node, amount[0]);
    }
    if (node->n_children != n_spatial) {
        return mb_fail(ctx, MB_ERR_FORMAT,
            "padding or cropping has %zu entries; write %zu, one per dimension", node->n_children,
            n_spatial);
    }
    size_t d = 0;
    for (const mb_node *child = node->first; child != NULL; child = child->next) {
        MB_TRY(read_pair(ctx, child, amount[d++]));
    }
    return MB_OK;
}

typedef enum border_kind { BORDER_PADDING, BORDER_CROPPING, BORDER_UP_SAMPLING } border_kind;

static mb_status infer_border(mb_context *ctx, const mb_layer *layer, const mb_value_type *inputs,
    border_kind kind, size_t n_spatial, mb_value_type *output) {
    const border_options *border = layer->options;
    mb_spatial spatial;
    size_t amount[3][2];
    size_t size[3];
    if (border->interpolation != 0) {
        return mb_fail(ctx, MB_ERR_UNSUPPORTED,
            "interpolation bilinear is not offered; use nearest, or a conv2d_transpose");
    }
    MB_TRY(mb_spatial_of(ctx, inputs, n_spatial, is_channels_first(layer), &spatial));
    if (kind == BORDER_UP_SAMPLING) {
        MB_TRY(mb_spatial_option(ctx, &border->size, n_spatial, "size", size));
    } else {
        MB_TRY(read_amounts(ctx, border->amount, n_spatial, amount));
    }
    for (size_t d = 0; d < n_spatial; d++) {
        if (kind == BORDER_UP_SAMPLING) {
            spatial.dim[d] *= size[d];
            continue;
        }
        const size_t total = amount[d][0] + amount[d][1];
        if (kind == BORDER_CROPPING && total >= spatial.dim[d]) {
            return mb_fail(ctx, MB_ERR_SHAPE, "cropping %zu of a length of %zu leaves nothing",
                total, spatial.dim[d]);
        }
        spatial.dim[d] = kind == BORDER_CROPPING ? spatial.dim[d] - total : spatial.dim[d] + total;
    }
    *output = mb_spatial_type(inputs, &spatial, is_channels_first(layer));
    return MB_OK;
}

static mb_status plan_border(
    mb_context *ctx, mb_plan_site *site, border_kind kind, size_t n_spatial) {
    const border_options *border = site->layer->options;
    const mb_step *step = site->step;
    size_t amount[3][2] = {{0}};
    size_t size[3] = {1, 1, 1};
    uint32_t *map = NULL;
    if (kind == BORDER_UP_SAMPLING) {
        MB_TRY(mb_spatial_option(ctx, &border->size, n_spatial, "size", size));
    } else {
        MB_TRY(read_amounts(ctx, border->amount, n_spatial, amount));
    }
    MB_TRY(mb_index_map_plan(ctx, site, &map));
    for (size_t i = 0; i < step->out_size; i++) {
        size_t at[MB_MAX_DIMS];
        bool is_inside = true;
        mb_index_map_split(&step->out, i, at);
        for (size_t d = 0; d < n_spatial; d++) {
            if (kind == BORDER_PADDING) {
                is_inside =
                    is_inside && at[d] >= amount[d][0] && at[d] - amount[d][0] < step->in[0].dim[d];
                at[d] -= is_inside ? amount[d][0] : 0;
            } else {
                at[d] = at[d] / size[d] + amount[d][0];
            }
        }
        map[i] = is_inside ? (uint32_t)mb_index_map_join(&step->in[0], at) : MB_INDEX_MAP_ZERO;
    }
    return MB_OK;
}

// Keras 3 writes the data_format of one-dimensional layers too.
static mb_status drop_data_format(
    mb_context *ctx, mb_document *document, mb_node *config, unsigned keras_major) {
    const mb_node *format = mb_node_find(config, "data_format");
    (void)document;
    (void)keras_major;
    if (format != NULL && format->kind == MB_NODE_TEXT &&
        strcmp(format->text, "channels_first") == 0) {
        return mb_fail(ctx, MB_ERR_UNSUPPORTED,
            "data_format channels_first of a one-dimensional layer is not offered; permute first");
    }
    mb_node_remove(config, "data_format");
    return MB_OK;
}

#define BORDER_LAYER(title, class, kind, dimensions, table, text, from)                            \
    static mb_status infer_##title(mb_context *ctx, mb_model *model, mb_layer *layer,              \
        const mb_value_type *inputs, size_t n_inputs, mb_value_type *output) {                     \
        (void)model;                                                                               \
        (void)n_inputs;                                                                            \
        return infer_border(ctx, layer, inputs, kind, dimensions, output);                         \
    }                                                                                              \
    static mb_status plan_##title(mb_context *ctx, mb_plan_site *site) {                           \
        return plan_border(ctx, site, kind, dimensions);                                           \
    }                                                                                              \
    const mb_layer_ops mb_layer_##title = {                                                        \
        .name = #title,                                                                            \
        .class_name = class,                                                                       \
        .help = text,                                                                              \
        .options = table,                                                                          \
        .options_size = sizeof(border_options),                                                    \
        .least_inputs = 1,                                                                         \
        .most_inputs = 1,                                                                          \
        .layout = MB_LAYOUT_CHANNELS,                                                              \
        .is_channels_first = is_channels_first,                                                    \
        .infer = infer_##title,                                                                    \
        .plan = plan_##title,                                                                      \
        .from_keras = from,                                                                        \
    };

BORDER_LAYER(zero_padding1d, "ZeroPadding1D", BORDER_PADDING, 1, padding1d_options,
    "zeros around rows of one dimension", drop_data_format)
BORDER_LAYER(zero_padding2d, "ZeroPadding2D", BORDER_PADDING, 2, padding_options,
    "zeros around rows of two dimensions", NULL)
BORDER_LAYER(zero_padding3d, "ZeroPadding3D", BORDER_PADDING, 3, padding_options,
    "zeros around rows of three dimensions", NULL)
BORDER_LAYER(cropping1d, "Cropping1D", BORDER_CROPPING, 1, cropping1d_options,
    "rows of one dimension without their borders", drop_data_format)
BORDER_LAYER(cropping2d, "Cropping2D", BORDER_CROPPING, 2, cropping_options,
    "rows of two dimensions without their borders", NULL)
BORDER_LAYER(cropping3d, "Cropping3D", BORDER_CROPPING, 3, cropping_options,
    "rows of three dimensions without their borders", NULL)
BORDER_LAYER(up_sampling1d, "UpSampling1D", BORDER_UP_SAMPLING, 1, up_sampling1d_options,
    "every element of one dimension several times", drop_data_format)
BORDER_LAYER(up_sampling2d, "UpSampling2D", BORDER_UP_SAMPLING, 2, up_sampling2d_options,
    "every element of two dimensions several times", NULL)
BORDER_LAYER(up_sampling3d, "UpSampling3D", BORDER_UP_SAMPLING, 3, up_sampling3d_options,
    "every element of three dimensions several times", NULL)
