// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "exchange/frozen_read.h"

// What each node of a frozen graph is, in order.

// Of an axis. Files may hold any number, also none that an integer has.
#define MOST_SIZE 1e9F

static mb_status take_placeholder(mb_frozen_reading *r, size_t node) {
    const mb_frozen_node *n = &r->graph.nodes[node];
    const mb_frozen_attribute *shape = mb_frozen_node_find(n, "shape", MB_FROZEN_SHAPE);
    mb_value_type type = {.axis = MB_AXIS_EVENTS};
    size_t value = 0;
    if (r->n_placeholders++ > 0) {
        return mb_frozen_refuse(r, n, "a second placeholder");
    }
    if (shape == NULL || shape->n_ints < 2 || shape->n_ints > MB_MAX_DIMS + 1) {
        return mb_frozen_refuse(r, n, "a placeholder without a shape of rows");
    }
    for (size_t i = 1; i < shape->n_ints; i++) {
        if (shape->ints[i] < 1) {
            return mb_frozen_refuse(r, n, "a placeholder of open size beside the batch");
        }
        type.dim[type.rank++] = (size_t)shape->ints[i];
    }
    if (mb_model_add_input(r->ctx, r->model, n->name, &type, &value) != MB_OK) {
        return mb_fail_within(r->ctx, "%s", r->file);
    }
    r->symbols[node] = (mb_frozen_symbol){
        .kind = MB_FROZEN_IS_VALUE, .base = node, .origin = node, .is_added = true, .value = value};
    return MB_OK;
}

static mb_status take_constant(mb_frozen_reading *r, size_t node) {
    const mb_frozen_node *n = &r->graph.nodes[node];
    const mb_frozen_attribute *a = mb_frozen_node_find(n, "value", MB_FROZEN_TENSOR);
    mb_frozen_symbol *symbol = &r->symbols[node];
    if (a == NULL) {
        return mb_frozen_refuse(r, n, "a constant without a value");
    }
    symbol->base = symbol->origin = node;
    if (a->tensor.type == MB_FROZEN_FLOAT && a->tensor.rank > 0) {
        symbol->kind = MB_FROZEN_IS_WEIGHT;
        return MB_OK;
    }
    if (a->tensor.count > MB_FROZEN_MOST_RANK) {
        return mb_frozen_refuse(r, n, "a list of so many whole numbers");
    }
    symbol->kind = MB_FROZEN_IS_NUMBERS;
    symbol->n_numbers = a->tensor.count;
    memcpy(symbol->numbers, a->tensor.values, a->tensor.count * sizeof(float));
    return MB_OK;
}

static mb_status take_same(mb_frozen_reading *r, size_t node) {
    r->symbols[node] = r->symbols[r->inputs[node][0]];
    return MB_OK;
}

// Constants, number by number; a single one stands for as many as the others have.
static mb_status fold(mb_frozen_reading *r, size_t node) {
    const mb_frozen_node *n = &r->graph.nodes[node];
    mb_frozen_symbol *symbol = &r->symbols[node];
    float values[3][MB_FROZEN_MOST_RANK];
    const float *operands[3] = {values[0], values[1], values[2]};
    const size_t n_operands = mb_min_size(r->n_inputs[node], 3);
    *symbol = (mb_frozen_symbol){
        .kind = MB_FROZEN_IS_NUMBERS, .base = node, .origin = node, .n_numbers = 1};
    for (size_t i = 0; i < n_operands; i++) {
        const size_t count = r->symbols[r->inputs[node][i]].n_numbers;
        symbol->n_numbers = count != 1 ? count : symbol->n_numbers;
    }
    for (size_t i = 0; i < n_operands; i++) {
        const mb_frozen_symbol *input = &r->symbols[r->inputs[node][i]];
        if (input->n_numbers != 1 && input->n_numbers != symbol->n_numbers) {
            return mb_frozen_refuse(r, n, "arithmetic of lists of other lengths");
        }
        for (size_t k = 0; k < symbol->n_numbers; k++) {
            values[i][k] = input->numbers[input->n_numbers > 1 ? k : 0];
        }
    }
    return mb_frozen_apply(r->ctx, n, operands, n_operands, symbol->n_numbers, symbol->numbers);
}

static mb_status take_each(mb_frozen_reading *r, size_t node) {
    const mb_frozen_node *n = &r->graph.nodes[node];
    bool has_base = false;
    bool has_list = false;
    size_t base = 0;
    if (r->n_inputs[node] != mb_frozen_operands(n->op)) {
        return mb_frozen_refuse(r, n, "this number of inputs");
    }
    for (size_t i = 0; i < r->n_inputs[node]; i++) {
        const mb_frozen_symbol *input = &r->symbols[r->inputs[node][i]];
        if (input->kind == MB_FROZEN_IS_NUMBERS) {
            has_list = has_list || input->n_numbers != 1;
            continue;
        }
        if (input->kind != MB_FROZEN_IS_WEIGHT && input->kind != MB_FROZEN_IS_VALUE &&
            input->kind != MB_FROZEN_IS_EACH) {
            return mb_frozen_refuse(r, n, "arithmetic with shapes or lists");
        }
        if (has_base && input->base != base) {
            return mb_frozen_refuse(r, n, "arithmetic of two values");
        }
        base = input->base;
        has_base = true;
    }
    if (!has_base) {
        return fold(r, node);
    }
    if (has_list) {
        return mb_frozen_refuse(r, n, "arithmetic with shapes or lists");
    }
    r->symbols[node] = (mb_frozen_symbol){.kind = MB_FROZEN_IS_EACH, .base = base, .origin = node};
    return MB_OK;
}

static mb_status take_product(mb_frozen_reading *r, size_t node) {
    const mb_frozen_node *n = &r->graph.nodes[node];
    const bool is_dense = strcmp(n->op, "MatMul") == 0;
    const bool is_transposed = strstr(n->op, "BackpropInput") != NULL;
    const bool has_planes = mb_frozen_has_planes(n);
    static const char *const turns[] = {"transpose_a", "transpose_b"};
    for (size_t i = 0; i < 2; i++) {
        const mb_frozen_attribute *turned = mb_frozen_node_find(n, turns[i], MB_FROZEN_BOOL);
        if (turned != NULL && turned->integer != 0) {
            return mb_frozen_refuse(r, n, "a transposed factor");
        }
    }
    r->symbols[node] = (mb_frozen_symbol){.kind = MB_FROZEN_IS_VALUE,
        .base = node,
        .origin = node,
        .layer = is_dense        ? "dense"
                 : is_transposed ? has_planes ? "conv3d_transpose" : "conv2d_transpose"
                 : has_planes    ? "conv3d"
                                 : "conv2d",
        .product = node,
        .data = r->inputs[node][is_transposed ? 2 : 0],
        .kernel = r->inputs[node][1]};
    return MB_OK;
}

static mb_status take_bias(mb_frozen_reading *r, size_t node) {
    const size_t base = r->symbols[r->inputs[node][0]].base;
    const mb_frozen_symbol *product = &r->symbols[base];
    if (r->symbols[r->inputs[node][0]].kind != MB_FROZEN_IS_VALUE || product->layer == NULL ||
        product->is_added || product->has_bias || r->n_users[base] != 1) {
        return mb_frozen_refuse(
            r, &r->graph.nodes[node], "a bias that is not behind a convolution or product alone");
    }
    r->symbols[node] = *product;
    r->symbols[node].base = r->symbols[node].origin = node;
    r->symbols[node].bias = r->inputs[node][1];
    r->symbols[node].has_bias = true;
    return MB_OK;
}

static mb_status take_shape(mb_frozen_reading *r, size_t node) {
    r->symbols[node] = (mb_frozen_symbol){
        .kind = MB_FROZEN_IS_SHAPE, .base = node, .origin = node, .data = r->inputs[node][0]};
    return MB_OK;
}

static bool is_number(const mb_frozen_symbol *symbol, float *out) {
    *out = symbol->numbers[0];
    return symbol->kind == MB_FROZEN_IS_NUMBERS && symbol->n_numbers == 1;
}

// Of a batch's shape: the number of rows, or sizes behind it, which are known.
static mb_status take_slice(mb_frozen_reading *r, size_t node) {
    const mb_frozen_node *n = &r->graph.nodes[node];
    const mb_frozen_attribute *mask = mb_frozen_node_find(n, "shrink_axis_mask", MB_FROZEN_INT);
    const mb_frozen_symbol *shape = &r->symbols[r->inputs[node][0]];
    const bool is_single = mask != NULL && mask->integer == 1;
    float begin = 0;
    float end = 0;
    size_t value = 0;
    mb_frozen_symbol symbol = {.kind = MB_FROZEN_IS_ROWS, .base = node, .origin = node};
    if (shape->kind != MB_FROZEN_IS_SHAPE || !is_number(&r->symbols[r->inputs[node][1]], &begin) ||
        !is_number(&r->symbols[r->inputs[node][2]], &end) || (begin == 0) != is_single) {
        return mb_frozen_refuse(r, n, "such a slice of a shape");
    }
    if (begin != 0) {
        MB_TRY(mb_frozen_value_of(r, shape->data, &value));
        const mb_value_type *type = &r->model->values[value].type;
        if (!(begin > 0 && begin < end && end <= (float)(type->rank + 1))) {
            return mb_frozen_refuse(r, n, "such a slice of a shape");
        }
        symbol.kind = MB_FROZEN_IS_NUMBERS;
        for (size_t i = (size_t)begin; i < (size_t)end; i++) {
            symbol.numbers[symbol.n_numbers++] = (float)type->dim[i - 1];
        }
    }
    r->symbols[node] = symbol;
    return MB_OK;
}

static mb_status take_sizes(mb_frozen_reading *r, size_t node) {
    mb_frozen_symbol *symbol = &r->symbols[node];
    *symbol = (mb_frozen_symbol){.kind = MB_FROZEN_IS_SIZES, .base = node, .origin = node};
    for (size_t i = 0; i < r->n_inputs[node]; i++) {
        const mb_frozen_symbol *input = &r->symbols[r->inputs[node][i]];
        if (i == 0 ? input->kind != MB_FROZEN_IS_ROWS
                   : input->kind != MB_FROZEN_IS_NUMBERS || input->n_numbers != 1) {
            return mb_frozen_refuse(r, &r->graph.nodes[node], "a list other than a batch's shape");
        }
        if (i > 0) {
            symbol->numbers[symbol->n_numbers++] = input->numbers[0];
        }
    }
    return MB_OK;
}

static mb_status take_filled(mb_frozen_reading *r, size_t node) {
    const mb_frozen_symbol *number = &r->symbols[r->inputs[node][1]];
    if (r->symbols[r->inputs[node][0]].kind != MB_FROZEN_IS_SHAPE ||
        number->kind != MB_FROZEN_IS_NUMBERS || number->n_numbers != 1) {
        return mb_frozen_refuse(r, &r->graph.nodes[node], "such a filled tensor");
    }
    r->symbols[node] = *number;
    return MB_OK;
}

static mb_status take_reshape(mb_frozen_reading *r, size_t node) {
    const mb_frozen_symbol shape = r->symbols[r->inputs[node][1]];
    // Behind the rows, which are open.
    const size_t skip = shape.kind == MB_FROZEN_IS_NUMBERS ? 1 : 0;
    const bool is_open = skip == 0 || (shape.n_numbers > 1 && shape.numbers[0] == -1);
    int64_t sizes[MB_FROZEN_MOST_RANK];
    size_t input = 0;
    if ((shape.kind != MB_FROZEN_IS_NUMBERS && shape.kind != MB_FROZEN_IS_SIZES) || !is_open ||
        shape.n_numbers < skip + 1) {
        return mb_frozen_refuse(r, &r->graph.nodes[node], "a shape that is no batch's");
    }
    const size_t n = shape.n_numbers - skip;
    for (size_t i = 0; i < n; i++) {
        const float number = shape.numbers[skip + i];
        if (!(number >= -1 && number <= MOST_SIZE)) {
            return mb_frozen_refuse(r, &r->graph.nodes[node], "a shape of such numbers");
        }
        sizes[i] = (int64_t)number;
    }
    MB_TRY(mb_frozen_value_of(r, r->inputs[node][0], &input));
    mb_node *options = mb_frozen_options(r);
    const size_t size = mb_value_size(&r->model->values[input].type);
    if (n == 1 && (sizes[0] == -1 || (size_t)sizes[0] == size)) {
        return mb_frozen_add_layer(r, node, "flatten", options, input);
    }
    if (n == 1) {
        return mb_frozen_refuse(r, &r->graph.nodes[node], "a row of another size than its data");
    }
    MB_TRY(mb_frozen_set_ints(r, options, "target_shape", sizes, n));
    return mb_frozen_add_layer(r, node, "reshape", options, input);
}

static mb_status take_transpose(mb_frozen_reading *r, size_t node) {
    const mb_frozen_symbol order = r->symbols[r->inputs[node][1]];
    int64_t dims[MB_FROZEN_MOST_RANK];
    size_t input = 0;
    // The events stay where they are; the layer looks at the rest.
    if (order.kind != MB_FROZEN_IS_NUMBERS || order.n_numbers < 2 || order.numbers[0] != 0) {
        return mb_frozen_refuse(r, &r->graph.nodes[node], "an order that moves the events");
    }
    const size_t n = order.n_numbers - 1;
    for (size_t i = 0; i < n; i++) {
        const float number = order.numbers[1 + i];
        if (!(number >= 1 && number <= MB_FROZEN_MOST_RANK)) {
            return mb_frozen_refuse(r, &r->graph.nodes[node], "such an order");
        }
        dims[i] = (int64_t)number;
    }
    MB_TRY(mb_frozen_value_of(r, r->inputs[node][0], &input));
    mb_node *options = mb_frozen_options(r);
    MB_TRY(mb_frozen_set_ints(r, options, "dims", dims, n));
    return mb_frozen_add_layer(r, node, "permute", options, input);
}

static mb_status take_pool(mb_frozen_reading *r, size_t node) {
    size_t input = 0;
    MB_TRY(mb_frozen_value_of(r, r->inputs[node][0], &input));
    mb_node *options = mb_frozen_options(r);
    MB_TRY(mb_frozen_set_window(r, options, node, "ksize", "pool_size"));
    MB_TRY(mb_frozen_set_window(r, options, node, "strides", "strides"));
    MB_TRY(mb_frozen_set_padding(r, options, node));
    return mb_frozen_add_layer(r, node, "max_pooling2d", options, input);
}

static mb_status take_resize(mb_frozen_reading *r, size_t node) {
    const mb_frozen_node *n = &r->graph.nodes[node];
    const mb_frozen_attribute *centers =
        mb_frozen_node_find(n, "half_pixel_centers", MB_FROZEN_BOOL);
    const mb_frozen_symbol sizes = r->symbols[r->inputs[node][1]];
    size_t input = 0;
    int64_t factors[2] = {0, 0};
    MB_TRY(mb_frozen_value_of(r, r->inputs[node][0], &input));
    const mb_value_type *type = &r->model->values[input].type;
    bool is_good = sizes.kind == MB_FROZEN_IS_NUMBERS && sizes.n_numbers == 2 && type->rank == 3 &&
                   centers != NULL && centers->integer != 0;
    for (size_t i = 0; is_good && i < 2; i++) {
        const float from = (float)type->dim[i];
        is_good = sizes.numbers[i] >= from && sizes.numbers[i] <= MOST_SIZE;
        factors[i] = is_good ? (int64_t)(sizes.numbers[i] / from) : 0;
        is_good = is_good && (float)factors[i] * from == sizes.numbers[i];
    }
    if (!is_good) {
        return mb_frozen_refuse(r, n, "another resizing than by whole factors");
    }
    mb_node *options = mb_frozen_options(r);
    MB_TRY(mb_frozen_set_ints(r, options, "size", factors, 2));
    return mb_frozen_add_layer(r, node, "up_sampling2d", options, input);
}

static const struct {
    const char *op;
    size_t least, most; // inputs
    mb_status (*take)(mb_frozen_reading *r, size_t node);
} operations[] = {{"Placeholder", 0, 0, take_placeholder}, {"Const", 0, 0, take_constant},
    {"Identity", 1, 1, take_same}, {"Conv2D", 2, 2, take_product}, {"MatMul", 2, 2, take_product},
    {"Conv2DBackpropInput", 3, 3, take_product}, {"Conv3D", 2, 2, take_product},
    {"Conv3DBackpropInputV2", 3, 3, take_product}, {"Transpose", 2, 2, take_transpose},
    {"BiasAdd", 2, 2, take_bias}, {"Shape", 1, 1, take_shape}, {"StridedSlice", 4, 4, take_slice},
    {"Pack", 1, MB_FROZEN_MOST_RANK, take_sizes}, {"Fill", 2, 2, take_filled},
    {"Reshape", 2, 2, take_reshape}, {"MaxPool", 1, 1, take_pool},
    {"ResizeNearestNeighbor", 2, 2, take_resize}};

static mb_status take_node(mb_frozen_reading *r, size_t node) {
    const mb_frozen_node *n = &r->graph.nodes[node];
    if (strcmp(n->op, "NoOp") == 0) {
        return MB_OK;
    }
    for (size_t i = 0; i < MB_COUNT_OF(operations); i++) {
        if (strcmp(operations[i].op, n->op) == 0) {
            return r->n_inputs[node] >= operations[i].least &&
                           r->n_inputs[node] <= operations[i].most
                       ? operations[i].take(r, node)
                       : mb_frozen_refuse(r, n, "this number of inputs");
        }
    }
    return mb_frozen_operands(n->op) > 0 ? take_each(r, node)
                                         : mb_frozen_refuse(r, n, "this operation");
}

// "encoder/" where all names with parts begin so and have another part behind it.
static size_t find_prefix(const mb_frozen_graph *graph) {
    const char *first = NULL;
    size_t length = 0;
    for (size_t i = 0; i < graph->n; i++) {
        const char *name = graph->nodes[i].name;
        const char *slash = strchr(name, '/');
        if (slash == NULL) {
            continue;
        }
        if (first == NULL) {
            first = name;
            length = (size_t)(slash - name) + 1;
        }
        if (strncmp(name, first, length) != 0 || strchr(name + length, '/') == NULL) {
            return 0;
        }
    }
    return length;
}

// The last node that gives data and that no other takes.
static mb_status find_output(mb_frozen_reading *r, size_t *value) {
    for (size_t i = r->graph.n; i-- > 0;) {
        const mb_frozen_symbol_kind kind = r->symbols[i].kind;
        if (r->n_users[i] == 0 && (kind == MB_FROZEN_IS_VALUE || kind == MB_FROZEN_IS_EACH)) {
            return mb_frozen_value_of(r, i, value);
        }
    }
    return mb_fail(r->ctx, MB_ERR_FORMAT,
        "%s: no node gives data that no other takes; this is no frozen model", r->file);
}

static mb_status read_model(mb_frozen_reading *r) {
    size_t output = 0;
    r->symbols =
        mb_arena_allocate(&r->graph.arena, r->ctx, mb_max_size(r->graph.n, 1), sizeof *r->symbols);
    if (r->symbols == NULL) {
        return MB_ERR_MEMORY;
    }
    r->n_prefix = find_prefix(&r->graph);
    MB_TRY(mb_frozen_sort(r));
    MB_TRY(mb_model_begin(r->ctx, "frozen_graph", &r->model));
    for (size_t i = 0; i < r->graph.n; i++) {
        MB_TRY(take_node(r, r->order[i]));
    }
    MB_TRY(find_output(r, &output));
    if (mb_model_finish(r->ctx, r->model, NULL, 0, &output, 1) != MB_OK) {
        return mb_fail_within(r->ctx, "%s", r->file);
    }
    for (size_t i = 0; i < r->n_taken; i++) {
        const mb_frozen_taken *taken = &r->taken[i];
        const mb_weight *weight = mb_model_find_weight(r->model, taken->layer, taken->weight);
        const mb_frozen_tensor *tensor =
            &mb_frozen_node_find(&r->graph.nodes[taken->node], "value", MB_FROZEN_TENSOR)->tensor;
        memcpy(
            r->model->parameters + weight->offset, tensor->values, weight->count * sizeof(float));
    }
    return MB_OK;
}

mb_status mb_frozen_load_bytes(
    mb_context *ctx, const char *name, const void *bytes, size_t length, mb_model **out) {
    mb_frozen_reading r = {.ctx = ctx, .file = name};
    *out = NULL;
    mb_document_init(&r.document, ctx, name);
    mb_status status = mb_frozen_graph_parse(&r.graph, ctx, name, bytes, length);
    if (status == MB_OK) {
        status = read_model(&r);
    }
    if (status == MB_OK) {
        *out = r.model;
    } else {
        mb_model_destroy(r.model);
    }
    mb_release(ctx, r.taken);
    mb_frozen_graph_clear(&r.graph);
    mb_document_clear(&r.document);
    return status;
}
