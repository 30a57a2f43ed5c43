// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "exchange/frozen.h"

#include "base/output.h"
#include "network/layer.h"

// From a model to a graph, layer by layer.

typedef struct writing {
    mb_context *ctx;
    const mb_model *model;
    const float *parameters;
    mb_document document; // of the layers' options
    mb_frozen_graph graph;
    const char **nodes; // the node of each value
    // Of the call that is written:
    const mb_call *call;
    const mb_layer *layer;
    const mb_node *options;
} writing;

static const mb_value_type *type_of(const writing *w, size_t value) {
    return &w->model->values[value].type;
}

static mb_status refuse(const writing *w, const char *what) {
    return mb_fail(w->ctx, MB_ERR_UNSUPPORTED,
        "%s: %s has no nodes in a frozen graph; write the model as .h5 or .keras", w->layer->name,
        what);
}

// "SCOPE/PART", or the part alone.
static const char *join(writing *w, const char *scope, const char *part) {
    return mb_arena_format(&w->graph.arena, w->ctx, "%s/%s", scope, part);
}

static mb_status set_type(writing *w, mb_frozen_node *node, const char *key, int type) {
    mb_frozen_attribute *a = mb_frozen_node_attribute(&w->graph, node, key, MB_FROZEN_TYPE);
    if (a == NULL) {
        return mb_context_status(w->ctx);
    }
    a->integer = type;
    return MB_OK;
}

static mb_status set_int(
    writing *w, mb_frozen_node *node, const char *key, mb_frozen_kind kind, int64_t value) {
    mb_frozen_attribute *a = mb_frozen_node_attribute(&w->graph, node, key, kind);
    if (a == NULL) {
        return mb_context_status(w->ctx);
    }
    a->integer = value;
    return MB_OK;
}

static mb_status set_text(writing *w, mb_frozen_node *node, const char *key, const char *text) {
    mb_frozen_attribute *a = mb_frozen_node_attribute(&w->graph, node, key, MB_FROZEN_TEXT);
    if (a == NULL) {
        return mb_context_status(w->ctx);
    }
    a->text = text;
    return MB_OK;
}

// {1, rows, columns, 1}, or with planes before the rows.
static mb_status set_window(
    writing *w, mb_frozen_node *node, const char *key, const size_t *window, unsigned n) {
    mb_frozen_attribute *a = mb_frozen_node_attribute(&w->graph, node, key, MB_FROZEN_INTS);
    if (a == NULL) {
        return mb_context_status(w->ctx);
    }
    a->n_ints = n + 2;
    a->ints[0] = a->ints[n + 1] = 1;
    for (unsigned i = 0; i < n; i++) {
        a->ints[1 + i] = (int64_t)window[i];
    }
    return MB_OK;
}

// A node of float32 with up to two inputs.
static mb_status add(writing *w, const char *name, const char *op, const char *first,
    const char *second, mb_frozen_node **out) {
    *out = name != NULL ? mb_frozen_graph_add(&w->graph, name, op) : NULL;
    if (*out == NULL) {
        return MB_ERR_MEMORY;
    }
    if (first != NULL) {
        MB_TRY(mb_frozen_node_input(&w->graph, *out, first));
    }
    if (second != NULL) {
        MB_TRY(mb_frozen_node_input(&w->graph, *out, second));
    }
    return set_type(w, *out, "T", MB_FROZEN_FLOAT);
}

static mb_status add_simple(
    writing *w, const char *name, const char *op, const char *first, const char *second) {
    mb_frozen_node *node = NULL;
    return add(w, name, op, first, second, &node);
}

static mb_status add_constant(writing *w, const char *name, const mb_frozen_tensor *tensor) {
    mb_frozen_node *node = name != NULL ? mb_frozen_graph_add(&w->graph, name, "Const") : NULL;
    float *values =
        mb_arena_allocate(&w->graph.arena, w->ctx, mb_max_size(tensor->count, 1), sizeof *values);
    if (node == NULL || values == NULL) {
        return MB_ERR_MEMORY;
    }
    memcpy(values, tensor->values, tensor->count * sizeof *values);
    MB_TRY(set_type(w, node, "dtype", tensor->type));
    mb_frozen_attribute *a = mb_frozen_node_attribute(&w->graph, node, "value", MB_FROZEN_TENSOR);
    if (a == NULL) {
        return mb_context_status(w->ctx);
    }
    a->tensor = *tensor;
    a->tensor.values = values;
    return MB_OK;
}

static mb_status add_number(writing *w, const char *name, float value) {
    return add_constant(
        w, name, &(mb_frozen_tensor){.type = MB_FROZEN_FLOAT, .count = 1, .values = &value});
}

// A scalar for rank 0, else a list of n.
static mb_status add_ints(
    writing *w, const char *name, unsigned rank, const float *values, size_t n) {
    return add_constant(w, name,
        &(mb_frozen_tensor){
            .type = MB_FROZEN_INT32, .rank = rank, .dim = {n}, .count = n, .values = values});
}

// Rounds and clips, each step a node in scope; the last is called name.
static mb_status add_grid(writing *w, const char *scope, const char *input,
    const mb_quantizer_grid *grid, const char *name, const char **out) {
    const char *part[4];
    static const char *const parts[] = {"mul", "Round", "Minimum", "mul_1"};
    for (size_t i = 0; i < 4; i++) {
        part[i] = join(w, scope, parts[i]);
    }
    // A lower bound of 0 is a rectifier, so that the node can be called by that name.
    const bool is_relu = grid->low == 0;
    const char *last = name != NULL ? name : join(w, scope, is_relu ? "Relu" : "Maximum");
    const char *times = join(w, scope, "mul/y");
    const char *most = join(w, scope, "Minimum/y");
    const char *step = join(w, scope, "mul_1/y");
    MB_TRY(add_number(w, times, grid->inverse_step));
    MB_TRY(add_number(w, most, grid->high));
    MB_TRY(add_number(w, step, grid->step));
    MB_TRY(add_simple(w, part[0], "Mul", input, times));
    MB_TRY(add_simple(w, part[1], "Round", part[0], NULL));
    MB_TRY(add_simple(w, part[2], "Minimum", part[1], most));
    MB_TRY(add_simple(w, part[3], "Mul", part[2], step));
    *out = last;
    if (is_relu) {
        return add_simple(w, last, "Relu", part[3], NULL);
    }
    const char *least = join(w, scope, "Maximum/y");
    MB_TRY(add_number(w, least, grid->low * grid->step));
    return add_simple(w, last, "Maximum", part[3], least);
}

static bool grid_of(const mb_quantizer *quantizer, mb_quantizer_grid *out) {
    return mb_quantizer_find_grid(quantizer, out) && out->inverse_step * out->step == 1;
}

// A weight as it is, and behind it its quantiser; where that has a scale found from the values, the
// quantised values instead.
static mb_status add_weight(
    writing *w, const mb_weight *weight, const char *scope, const char **out) {
    const float *values = w->parameters + weight->offset;
    const bool is_quantized = weight->quantizer.ops != NULL;
    mb_quantizer_grid grid;
    const bool has_grid = is_quantized && grid_of(&weight->quantizer, &grid);
    mb_frozen_tensor tensor = {
        .type = MB_FROZEN_FLOAT, .rank = weight->rank, .count = weight->count, .values = values};
    memcpy(tensor.dim, weight->dim, weight->rank * sizeof *weight->dim);
    if (is_quantized && !has_grid) {
        float *quantized =
            mb_arena_allocate(&w->graph.arena, w->ctx, weight->count, sizeof *quantized);
        const mb_quantizer_shape shape = mb_quantizer_shape_of(weight->rank, weight->dim);
        if (quantized == NULL) {
            return MB_ERR_MEMORY;
        }
        mb_quantizer_apply(&weight->quantizer, &shape, values, quantized);
        tensor.values = quantized;
    }
    const char *constant = join(w, scope, "ReadVariableOp/resource");
    const char *read = join(w, scope, "ReadVariableOp");
    MB_TRY(add_constant(w, constant, &tensor));
    MB_TRY(add_simple(w, read, "Identity", constant, NULL));
    *out = read;
    return has_grid ? add_grid(w, join(w, scope, "quantized"), read, &grid, NULL, out) : MB_OK;
}

static void sizes_of(const writing *w, const char *option, size_t *out, size_t n) {
    const mb_node *node = mb_node_find(w->options, option);
    for (size_t i = 0; i < n; i++) {
        const bool is_list = node != NULL && node->kind == MB_NODE_LIST && node->n_children > 0;
        const mb_node *number = !is_list               ? node
                                : node->n_children > i ? mb_node_at(node, i)
                                                       : node->first;
        out[i] = number != NULL && number->kind == MB_NODE_INT ? (size_t)number->integer : 0;
    }
}

static mb_status require(const writing *w, const char *option, const char *usual) {
    const char *text = mb_node_words(w->options, option);
    return text[0] == '\0' || strcmp(text, usual) == 0 ? MB_OK : refuse(w, option);
}

static const struct {
    const char *name, *op;
} activations[] = {{"relu", "Relu"}, {"sigmoid", "Sigmoid"}, {"tanh", "Tanh"}};

static mb_status add_activation(writing *w, const char *scope, const char *text, const char **io) {
    mb_quantizer_grid grid;
    if (w->layer->quantizer.ops != NULL) {
        if (!grid_of(&w->layer->quantizer, &grid)) {
            return refuse(w, w->layer->quantizer.ops->name);
        }
        const bool is_own = w->layer->n_weights > 0;
        const char *last = grid.low == 0 ? join(w, scope, "Relu") : NULL;
        const char *steps = is_own ? join(w, scope, "quantized") : w->layer->name;
        return add_grid(w, steps, *io, &grid, last, io);
    }
    if (text[0] == '\0' || strcmp(text, "linear") == 0) {
        return MB_OK;
    }
    for (size_t i = 0; i < MB_COUNT_OF(activations); i++) {
        if (strcmp(text, activations[i].name) == 0) {
            const char *name = join(w, scope, activations[i].op);
            MB_TRY(add_simple(w, name, activations[i].op, *io, NULL));
            *io = name;
            return MB_OK;
        }
    }
    return refuse(w, text);
}

// Behind a convolution or a product: bias and activation.
static mb_status add_rest(writing *w, const char **io) {
    const mb_weight *bias = mb_layer_find_weight(w->layer, "bias");
    if (bias != NULL) {
        mb_frozen_node *node = NULL;
        const char *weight = NULL;
        const char *name = join(w, w->layer->name, "BiasAdd");
        MB_TRY(add_weight(w, bias, name, &weight));
        MB_TRY(add(w, name, "BiasAdd", *io, weight, &node));
        MB_TRY(set_text(w, node, "data_format", "NHWC"));
        *io = name;
    }
    return add_activation(w, w->layer->name, mb_node_words(w->options, "activation"), io);
}

static mb_status set_convolution(writing *w, mb_frozen_node *node) {
    size_t strides[3];
    size_t dilations[3];
    const unsigned n = type_of(w, w->call->inputs[0])->rank - 1;
    sizes_of(w, "strides", strides, n);
    sizes_of(w, "dilation_rate", dilations, n);
    MB_TRY(set_window(w, node, "strides", strides, n));
    MB_TRY(set_window(w, node, "dilations", dilations, n));
    MB_TRY(set_text(w, node, "padding",
        strcmp(mb_node_words(w->options, "padding"), "same") == 0 ? "SAME" : "VALID"));
    MB_TRY(set_text(w, node, "data_format", n == 3 ? "NDHWC" : "NHWC"));
    return n == 3 ? MB_OK : set_int(w, node, "use_cudnn_on_gpu", MB_FROZEN_BOOL, 1);
}

static mb_status write_convolution(writing *w, const char **io) {
    mb_frozen_node *node = NULL;
    const char *kernel = NULL;
    MB_TRY(require(w, "data_format", "channels_last"));
    MB_TRY(require(w, "pad_phi", "zero"));
    MB_TRY(require(w, "groups", "1"));
    const char *op = strcmp(w->layer->ops->name, "conv3d") == 0 ? "Conv3D" : "Conv2D";
    const char *name = join(w, w->layer->name, op);
    MB_TRY(add_weight(w, mb_layer_find_weight(w->layer, "kernel"), name, &kernel));
    MB_TRY(add(w, name, op, *io, kernel, &node));
    MB_TRY(set_convolution(w, node));
    *io = name;
    return add_rest(w, io);
}

static mb_status write_dense(writing *w, const char **io) {
    mb_frozen_node *node = NULL;
    const char *kernel = NULL;
    if (type_of(w, w->call->inputs[0])->rank != 1) {
        return refuse(w, "a dense layer of images");
    }
    const char *name = join(w, w->layer->name, "MatMul");
    MB_TRY(add_weight(w, mb_layer_find_weight(w->layer, "kernel"), name, &kernel));
    MB_TRY(add(w, name, "MatMul", *io, kernel, &node));
    MB_TRY(set_int(w, node, "transpose_a", MB_FROZEN_BOOL, 0));
    MB_TRY(set_int(w, node, "transpose_b", MB_FROZEN_BOOL, 0));
    *io = name;
    return add_rest(w, io);
}

// How many rows there are, as a node.
static mb_status add_batch(writing *w, const char *input, const char **out) {
    static const char *const stacks[] = {
        "strided_slice/stack", "strided_slice/stack_1", "strided_slice/stack_2"};
    static const char *const masks[] = {
        "begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask"};
    mb_frozen_node *node = NULL;
    const char *shape = join(w, w->layer->name, "Shape");
    MB_TRY(add(w, shape, "Shape", input, NULL, &node));
    MB_TRY(set_type(w, node, "out_type", MB_FROZEN_INT32));
    const char *names[3];
    for (size_t i = 0; i < 3; i++) {
        names[i] = join(w, w->layer->name, stacks[i]);
        MB_TRY(add_ints(w, names[i], 1, &(float){i > 0 ? 1 : 0}, 1));
    }
    *out = join(w, w->layer->name, "strided_slice");
    node = *out != NULL ? mb_frozen_graph_add(&w->graph, *out, "StridedSlice") : NULL;
    if (node == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_frozen_node_input(&w->graph, node, shape));
    for (size_t i = 0; i < 3; i++) {
        MB_TRY(mb_frozen_node_input(&w->graph, node, names[i]));
    }
    MB_TRY(set_type(w, node, "T", MB_FROZEN_INT32));
    MB_TRY(set_type(w, node, "Index", MB_FROZEN_INT32));
    for (size_t i = 0; i < MB_COUNT_OF(masks); i++) {
        MB_TRY(set_int(w, node, masks[i], MB_FROZEN_INT, i == 4));
    }
    return MB_OK;
}

// The shape of a batch of rows of the call's output, as a node SCOPE/part.
static mb_status add_shape(writing *w, const char *input, const char *part, const char **out) {
    const mb_value_type *type = type_of(w, w->call->output);
    const char *batch = NULL;
    const char *sizes[MB_MAX_DIMS];
    MB_TRY(add_batch(w, input, &batch));
    *out = join(w, w->layer->name, part);
    for (unsigned i = 0; i < type->rank; i++) {
        const float size = (float)type->dim[i];
        sizes[i] = mb_arena_format(&w->graph.arena, w->ctx, "%s/%u", *out, i + 1);
        MB_TRY(add_ints(w, sizes[i], 0, &size, 1));
    }
    mb_frozen_node *node = *out != NULL ? mb_frozen_graph_add(&w->graph, *out, "Pack") : NULL;
    if (node == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_frozen_node_input(&w->graph, node, batch));
    for (unsigned i = 0; i < type->rank; i++) {
        MB_TRY(mb_frozen_node_input(&w->graph, node, sizes[i]));
    }
    MB_TRY(set_type(w, node, "T", MB_FROZEN_INT32));
    MB_TRY(set_int(w, node, "N", MB_FROZEN_INT, type->rank + 1));
    return set_int(w, node, "axis", MB_FROZEN_INT, 0);
}

static mb_status write_transposed(writing *w, const char **io) {
    mb_frozen_node *node = NULL;
    const char *kernel = NULL;
    const char *shape = NULL;
    size_t dilations[3];
    const bool has_planes = strcmp(w->layer->ops->name, "conv3d_transpose") == 0;
    MB_TRY(require(w, "data_format", "channels_last"));
    sizes_of(w, "dilation_rate", dilations, 3);
    const mb_node *extra = mb_node_find(w->options, "output_padding");
    if (dilations[0] > 1 || dilations[1] > 1 || dilations[2] > 1 ||
        (extra != NULL && extra->n_children > 0)) {
        return refuse(w, "a dilated or extended transposed convolution");
    }
    const char *name = join(w, w->layer->name, w->layer->ops->name);
    MB_TRY(add_shape(w, *io, "stack", &shape));
    MB_TRY(add_weight(w, mb_layer_find_weight(w->layer, "kernel"), name, &kernel));
    MB_TRY(add(w, name, has_planes ? "Conv3DBackpropInputV2" : "Conv2DBackpropInput", shape, kernel,
        &node));
    MB_TRY(mb_frozen_node_input(&w->graph, node, *io));
    if (has_planes) {
        MB_TRY(set_type(w, node, "Tshape", MB_FROZEN_INT32));
    }
    MB_TRY(set_convolution(w, node));
    *io = name;
    return add_rest(w, io);
}

static mb_status add_reshape(writing *w, const char *shape, const char **io) {
    mb_frozen_node *node = NULL;
    const char *name = join(w, w->layer->name, "Reshape");
    MB_TRY(add(w, name, "Reshape", *io, shape, &node));
    *io = name;
    return set_type(w, node, "Tshape", MB_FROZEN_INT32);
}

static mb_status write_flatten(writing *w, const char **io) {
    const char *shape = join(w, w->layer->name, "Const");
    const float sizes[2] = {-1, (float)mb_value_size(type_of(w, w->call->output))};
    MB_TRY(require(w, "data_format", "channels_last"));
    MB_TRY(add_ints(w, shape, 1, sizes, 2));
    return add_reshape(w, shape, io);
}

static mb_status write_reshape(writing *w, const char **io) {
    const char *shape = NULL;
    MB_TRY(add_shape(w, *io, "Reshape/shape", &shape));
    return add_reshape(w, shape, io);
}

static mb_status write_permute(writing *w, const char **io) {
    mb_frozen_node *node = NULL;
    size_t dims[MB_MAX_DIMS];
    float order[MB_MAX_DIMS + 1] = {0};
    const unsigned rank = type_of(w, w->call->output)->rank;
    const char *name = join(w, w->layer->name, "transpose");
    const char *perm = join(w, w->layer->name, "transpose/perm");
    sizes_of(w, "dims", dims, rank);
    for (unsigned i = 0; i < rank; i++) {
        order[1 + i] = (float)dims[i];
    }
    MB_TRY(add_ints(w, perm, 1, order, rank + 1));
    MB_TRY(add(w, name, "Transpose", *io, perm, &node));
    *io = name;
    return set_type(w, node, "Tperm", MB_FROZEN_INT32);
}

static mb_status write_pool(writing *w, const char **io) {
    mb_frozen_node *node = NULL;
    size_t size[2];
    size_t strides[2];
    sizes_of(w, "pool_size", size, 2);
    sizes_of(w, "strides", strides, 2);
    const char *name = join(w, w->layer->name, "MaxPool");
    MB_TRY(require(w, "data_format", "channels_last"));
    MB_TRY(add(w, name, "MaxPool", *io, NULL, &node));
    MB_TRY(set_window(w, node, "ksize", size, 2));
    MB_TRY(set_window(w, node, "strides", strides[0] > 0 ? strides : size, 2));
    MB_TRY(set_text(w, node, "data_format", "NHWC"));
    *io = name;
    return set_text(w, node, "padding",
        strcmp(mb_node_words(w->options, "padding"), "same") == 0 ? "SAME" : "VALID");
}

static mb_status write_up_sampling(writing *w, const char **io) {
    mb_frozen_node *node = NULL;
    const mb_value_type *type = type_of(w, w->call->output);
    const float size[2] = {(float)type->dim[0], (float)type->dim[1]};
    const char *sizes = join(w, w->layer->name, "resize/size");
    const char *name = join(w, w->layer->name, "resize/ResizeNearestNeighbor");
    MB_TRY(require(w, "data_format", "channels_last"));
    MB_TRY(require(w, "interpolation", "nearest"));
    MB_TRY(add_ints(w, sizes, 1, size, 2));
    MB_TRY(add(w, name, "ResizeNearestNeighbor", *io, sizes, &node));
    MB_TRY(set_int(w, node, "align_corners", MB_FROZEN_BOOL, 0));
    *io = name;
    return set_int(w, node, "half_pixel_centers", MB_FROZEN_BOOL, 1);
}

// The layer before, when this quantiser is the model's last word: its rectifier bears that name.
static const char *scope_of(const writing *w) {
    const mb_model *model = w->model;
    const bool is_last = w->call->output == model->outputs[0] && w->layer->quantizer.ops != NULL;
    const mb_value *from = &model->values[w->call->inputs[0]];
    const mb_layer *before = model->calls[from->producer].layer;
    const bool has_weights = before->n_weights > 0;
    return is_last && has_weights ? before->name : w->layer->name;
}

static mb_status write_activation(writing *w, const char **io) {
    return add_activation(w, scope_of(w), mb_node_words(w->options, "activation"), io);
}

static mb_status write_nothing(writing *w, const char **io) {
    (void)w;
    (void)io;
    return MB_OK; // only training knows it
}

static mb_status write_input(writing *w, const char **io) {
    mb_frozen_node *node = mb_frozen_graph_add(&w->graph, "x", "Placeholder");
    const mb_value_type *type = type_of(w, w->call->output);
    mb_frozen_attribute *shape =
        node != NULL ? mb_frozen_node_attribute(&w->graph, node, "shape", MB_FROZEN_SHAPE) : NULL;
    if (shape == NULL) {
        return mb_context_status(w->ctx);
    }
    if (type->axis != MB_AXIS_EVENTS) {
        return refuse(w, "an input of rows other than events");
    }
    shape->ints[shape->n_ints++] = -1;
    for (unsigned i = 0; i < type->rank; i++) {
        shape->ints[shape->n_ints++] = (int64_t)type->dim[i];
    }
    *io = node->name;
    return set_type(w, node, "dtype", MB_FROZEN_FLOAT);
}

static const struct {
    const char *kind;
    mb_status (*write)(writing *w, const char **io);
} kinds[] = {{"input", write_input}, {"conv2d", write_convolution}, {"dense", write_dense},
    {"conv3d", write_convolution}, {"conv2d_transpose", write_transposed},
    {"conv3d_transpose", write_transposed}, {"permute", write_permute}, {"flatten", write_flatten},
    {"reshape", write_reshape}, {"max_pooling2d", write_pool}, {"up_sampling2d", write_up_sampling},
    {"activation", write_activation}, {"q_activation", write_activation},
    {"dropout", write_nothing}, {"gaussian_noise", write_nothing}};

static mb_status write_call(writing *w, const mb_call *call) {
    w->call = call;
    w->layer = call->layer;
    if (call->layer->n_calls > 1) {
        return refuse(w, "a layer that is called several times");
    }
    w->options =
        mb_options_to_node(w->ctx, &w->document, w->layer->ops->options, w->layer->options, true);
    if (w->options == NULL) {
        return mb_context_status(w->ctx);
    }
    for (size_t i = 0; i < MB_COUNT_OF(kinds); i++) {
        if (strcmp(kinds[i].kind, w->layer->ops->name) == 0) {
            const char *io = call->n_inputs > 0 ? w->nodes[call->inputs[0]] : NULL;
            MB_TRY(kinds[i].write(w, &io));
            w->nodes[call->output] = io;
            return io != NULL ? MB_OK : MB_ERR_MEMORY;
        }
    }
    return refuse(w, w->layer->ops->name);
}

// Cuts the list behind the node that is asked for: what comes later depends on it, not it on that.
static mb_status end_at(writing *w, const char *output) {
    const char *last = w->nodes[w->model->outputs[0]];
    for (size_t i = w->graph.n; i-- > 0;) {
        if (strcmp(w->graph.nodes[i].name, output != NULL ? output : last) == 0) {
            w->graph.n = i + 1;
            return MB_OK;
        }
    }
    return mb_fail(w->ctx, MB_ERR_ARG,
        "output: '%s' is no node of this graph; its last one is '%s'", output, last);
}

static mb_status write_model(writing *w, const char *output) {
    const mb_model *model = w->model;
    if (model->n_inputs != 1 || model->n_outputs != 1) {
        return mb_fail(w->ctx, MB_ERR_UNSUPPORTED,
            "%s: %zu inputs and %zu outputs; a frozen graph is written of a model with one each",
            model->name, model->n_inputs, model->n_outputs);
    }
    w->nodes = mb_arena_allocate(&w->graph.arena, w->ctx, model->n_values, sizeof *w->nodes);
    if (w->nodes == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < model->n_calls; i++) {
        MB_TRY(write_call(w, &model->calls[i]));
    }
    return end_at(w, output);
}

bool mb_frozen_is_path(const char *path) {
    return mb_path_has_suffix(path, ".pb") || mb_path_has_suffix(path, ".pb.ascii");
}

mb_status mb_frozen_save(mb_context *ctx, const mb_model *model, const float *parameters,
    const char *output, const char *path) {
    writing w = {.ctx = ctx, .model = model, .parameters = parameters};
    mb_buffer bytes;
    mb_buffer_init(&bytes, ctx);
    mb_document_init(&w.document, ctx, path);
    mb_frozen_graph_init(&w.graph, ctx);
    mb_status status = write_model(&w, output);
    if (status == MB_OK && mb_path_has_suffix(path, ".ascii")) {
        mb_frozen_graph_write_text(&bytes, &w.graph);
    } else if (status == MB_OK) {
        mb_frozen_graph_write(&bytes, &w.graph);
    }
    if (status == MB_OK) {
        status = mb_write_buffer(&bytes, path);
    }
    mb_buffer_clear(&bytes);
    mb_frozen_graph_clear(&w.graph);
    mb_document_clear(&w.document);
    return status;
}
