// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/layer.h"
#include "twin/parts.h"

// The kinds of layers a program may have.

static mb_status no_image(mb_context *ctx, const mb_value_type *input) {
    char text[64];
    return mb_fail(ctx, MB_ERR_SHAPE,
        "takes images (rows, columns, channels) and gets %s; reshape the input",
        mb_value_text(input, text, sizeof text));
}

static mb_value_type vector_of(const mb_value_type *like, size_t n) {
    return (mb_value_type){.axis = like->axis, .rank = 1, .dim = {n}};
}

static mb_status shape_dense(mb_context *ctx, const mb_twin_layer *layer,
    const mb_value_type *input, mb_value_type *output, mb_value_type *weights) {
    if (input->rank != 1) {
        return mb_fail(ctx, MB_ERR_SHAPE, "takes a vector; put a flatten before it");
    }
    if (layer->units == 0) {
        return mb_fail(ctx, MB_ERR_SHAPE, "has no units; give it at least 1");
    }
    *output = vector_of(input, layer->units);
    *weights = *input;
    weights->rank = 2;
    weights->dim[1] = layer->units;
    return MB_OK;
}

static mb_status build_dense(twin_builder *builder, const mb_value_type *output) {
    const size_t n = builder->value.n;
    const size_t n_outputs = output->dim[0];
    twin_numbers numbers;
    uint32_t *index = mb_twin_allocate(builder, n, sizeof *index);
    if (index == NULL) {
        return mb_context_status(builder->ctx);
    }
    for (size_t i = 0; i < n; i++) {
        index[i] = (uint32_t)i;
    }
    MB_TRY(mb_twin_numbers_of(builder, n * n_outputs, n_outputs, &numbers));
    MB_TRY(mb_twin_add_sums(builder, &numbers, index, 1, n, n_outputs));
    return mb_twin_finish_layer(builder, false);
}

// Windows over an image: where each output's window begins, before the image with padding.
typedef struct windows {
    size_t n[2], stride[2], before[2];
} windows;

static mb_status find_windows(mb_context *ctx, const mb_twin_layer *layer,
    const mb_value_type *input, bool strides_by_window, windows *out) {
    *out = (windows){.n = {0}};
    if (input->rank != 3) {
        return no_image(ctx, input);
    }
    for (size_t i = 0; i < 2; i++) {
        const size_t usual = strides_by_window ? layer->window[i] : 1;
        out->stride[i] = layer->stride[i] == 0 ? usual : layer->stride[i];
        if (layer->window[i] == 0 || out->stride[i] == 0 || layer->window[i] > 1 << 12 ||
            (!layer->is_same && layer->window[i] > input->dim[i])) {
            return mb_fail(ctx, MB_ERR_SHAPE,
                "has a window of %zu over a length of %zu; make it smaller", layer->window[i],
                input->dim[i]);
        }
        out->n[i] = mb_window_output(input->dim[i], layer->window[i], out->stride[i], 1,
            layer->is_same ? MB_PADDING_SAME : MB_PADDING_VALID, &out->before[i]);
    }
    return MB_OK;
}

static mb_status shape_conv(mb_context *ctx, const mb_twin_layer *layer, const mb_value_type *input,
    mb_value_type *output, mb_value_type *weights) {
    windows w;
    MB_TRY(find_windows(ctx, layer, input, false, &w));
    if (layer->units == 0) {
        return mb_fail(ctx, MB_ERR_SHAPE, "has no filters; give it at least 1");
    }
    *output = (mb_value_type){input->axis, 3, {w.n[0], w.n[1], layer->units}};
    *weights = (mb_value_type){
        input->axis, 4, {layer->window[0], layer->window[1], input->dim[2], layer->units}};
    return MB_OK;
}

// The features under each window, for every channel in turn or, with each_channel, a group a
// channel. Outside the image stands outside, or a feature inside when that is SIZE_MAX.
static uint32_t *list_windows(twin_builder *builder, const mb_twin_layer *layer, const windows *w,
    bool each_channel, size_t outside, size_t *n_groups, size_t *n_terms) {
    const mb_value_type *in = &builder->value.type;
    const size_t n_channels = in->dim[2];
    const size_t n_repeats = each_channel ? n_channels : 1;
    const size_t n_inner = each_channel ? 1 : n_channels;
    *n_groups = w->n[0] * w->n[1] * n_repeats;
    *n_terms = layer->window[0] * layer->window[1] * n_inner;
    uint32_t *index = mb_twin_allocate(builder, *n_groups, *n_terms * sizeof *index);
    for (size_t g = 0; index != NULL && g < *n_groups; g++) {
        const size_t position = g / n_repeats;
        const size_t top = position / w->n[1] * w->stride[0];
        const size_t left = position % w->n[1] * w->stride[1];
        uint32_t *list = index + g * *n_terms;
        uint32_t inside = 0;
        for (size_t t = 0; t < *n_terms; t++) {
            const size_t row = top + t / n_inner / layer->window[1];
            const size_t column = left + t / n_inner % layer->window[1];
            const bool is_inside = row >= w->before[0] && row - w->before[0] < in->dim[0] &&
                                   column >= w->before[1] && column - w->before[1] < in->dim[1];
            const size_t channel = each_channel ? g % n_repeats : t % n_inner;
            const size_t feature =
                ((row - w->before[0]) * in->dim[1] + column - w->before[1]) * n_channels + channel;
            list[t] = is_inside ? (uint32_t)feature : (uint32_t)outside;
            inside = is_inside ? (uint32_t)feature : inside;
        }
        for (size_t t = 0; outside == SIZE_MAX && t < *n_terms; t++) {
            list[t] = list[t] == UINT32_MAX ? inside : list[t];
        }
    }
    return index;
}

static mb_status build_conv(twin_builder *builder, const mb_value_type *output) {
    const mb_twin_layer *layer = builder->source;
    twin_numbers numbers;
    windows w;
    size_t n_groups, n_terms;
    MB_TRY(find_windows(builder->ctx, layer, &builder->value.type, false, &w));
    const uint32_t *index =
        list_windows(builder, layer, &w, false, builder->value.n, &n_groups, &n_terms);
    if (index == NULL) {
        return mb_context_status(builder->ctx);
    }
    MB_TRY(mb_twin_numbers_of(builder, n_terms * layer->units, layer->units, &numbers));
    MB_TRY(mb_twin_add_sums(builder, &numbers, index, n_groups, n_terms, output->dim[2]));
    return mb_twin_finish_layer(builder, false);
}

static mb_status shape_same(mb_context *ctx, const mb_twin_layer *layer, const mb_value_type *input,
    mb_value_type *output, mb_value_type *weights) {
    (void)ctx;
    (void)layer;
    (void)weights;
    *output = *input;
    return MB_OK;
}

static mb_status shape_scale(mb_context *ctx, const mb_twin_layer *layer,
    const mb_value_type *input, mb_value_type *output, mb_value_type *weights) {
    MB_TRY(shape_same(ctx, layer, input, output, weights));
    *weights = vector_of(input, input->dim[input->rank - 1]);
    return MB_OK;
}

static void run_affine32(
    const mb_fixed_kernels *kernels, const twin_operation *o, void *in, void *out) {
    kernels->affine32(o->n, o->n_channels, o->scale, o->bias, in, out);
}

static void run_affine64(
    const mb_fixed_kernels *kernels, const twin_operation *o, void *in, void *out) {
    kernels->affine64(o->n, o->n_channels, o->scale, o->bias, in, out);
}

// Range of x * weight + bias over all channels.
static bool scale_range(const twin_value *value, const twin_numbers *numbers, int64_t *least,
    int64_t *most, int64_t *bound) {
    *least = INT64_MAX;
    *most = INT64_MIN;
    *bound = 0;
    for (size_t c = 0; c < numbers->n_weights; c++) {
        const int64_t ends[] = {value->least, value->most};
        for (size_t i = 0; i < 2; i++) {
            int64_t product, sum;
            if (!mb_twin_multiply(numbers->weights[c], ends[i], &product) ||
                !mb_twin_add(product, numbers->bias[c], &sum)) {
                return false;
            }
            const int64_t parts[] = {product, sum, numbers->weights[c], numbers->bias[c]};
            for (size_t k = 0; k < MB_COUNT_OF(parts); k++) {
                const int64_t magnitude = parts[k] < 0 ? -parts[k] : parts[k];
                *bound = magnitude > *bound ? magnitude : *bound;
            }
            *least = sum < *least ? sum : *least;
            *most = sum > *most ? sum : *most;
        }
    }
    return true;
}

static mb_status put_narrow(
    twin_builder *builder, const int64_t *from, size_t n, const void **out) {
    int32_t *narrow = mb_twin_allocate(builder, n, sizeof *narrow);
    if (narrow == NULL) {
        return mb_context_status(builder->ctx);
    }
    for (size_t i = 0; i < n; i++) {
        narrow[i] = (int32_t)from[i];
    }
    *out = narrow;
    return MB_OK;
}

static mb_status build_scale(twin_builder *builder, const mb_value_type *output) {
    const size_t n = output->dim[output->rank - 1];
    twin_numbers numbers;
    int64_t least, most, bound;
    if (builder->source->scale != NULL) {
        return mb_twin_finish_layer(builder, false);
    }
    if (builder->value.store == STORE_REAL) {
        return mb_twin_fail_reals(builder);
    }
    MB_TRY(mb_twin_numbers_of(builder, n, n, &numbers));
    if (!scale_range(&builder->value, &numbers, &least, &most, &bound)) {
        return mb_fail(builder->ctx, MB_ERR_UNSUPPORTED,
            "products need more than 61 bits; give input, scale or bias fewer");
    }
    const bool narrow =
        bound <= INT32_MAX && builder->value.least >= INT32_MIN && builder->value.most <= INT32_MAX;
    MB_TRY(mb_twin_store_as(builder, narrow ? STORE_I32 : STORE_I64));
    twin_operation *operation = mb_twin_add_operation(builder);
    if (operation == NULL) {
        return mb_context_status(builder->ctx);
    }
    operation->run = narrow ? run_affine32 : run_affine64;
    operation->n_channels = n;
    operation->scale = numbers.weights;
    operation->bias = numbers.bias;
    if (narrow) {
        MB_TRY(put_narrow(builder, numbers.weights, n, &operation->scale));
        MB_TRY(put_narrow(builder, numbers.bias, n, &operation->bias));
    }
    builder->step->known.arithmetic = narrow ? "i32" : "i64";
    builder->value.exponent = numbers.exponent;
    builder->value.least = least;
    builder->value.most = most;
    return mb_twin_finish_layer(builder, false);
}

static mb_status build_convert(twin_builder *builder, const mb_value_type *output) {
    (void)output;
    return mb_twin_finish_layer(builder, false);
}

static mb_status build_relu(twin_builder *builder, const mb_value_type *output) {
    (void)output;
    return mb_twin_finish_layer(builder, true);
}

static mb_status shape_flatten(mb_context *ctx, const mb_twin_layer *layer,
    const mb_value_type *input, mb_value_type *output, mb_value_type *weights) {
    (void)ctx;
    (void)layer;
    (void)weights;
    *output = vector_of(input, mb_value_size(input));
    return MB_OK;
}

static mb_status shape_pool(mb_context *ctx, const mb_twin_layer *layer, const mb_value_type *input,
    mb_value_type *output, mb_value_type *weights) {
    windows w;
    (void)weights;
    MB_TRY(find_windows(ctx, layer, input, true, &w));
    *output = (mb_value_type){input->axis, 3, {w.n[0], w.n[1], input->dim[2]}};
    return MB_OK;
}

static void run_greatest32(
    const mb_fixed_kernels *kernels, const twin_operation *o, void *in, void *out) {
    kernels->greatest32(o->n, o->n_terms, o->index, in, out);
}

static void run_greatest64(
    const mb_fixed_kernels *kernels, const twin_operation *o, void *in, void *out) {
    kernels->greatest64(o->n, o->n_terms, o->index, in, out);
}

static mb_status add_greatest(
    twin_builder *builder, const uint32_t *index, size_t n_groups, size_t n_terms) {
    if (index == NULL) {
        return mb_context_status(builder->ctx);
    }
    if (builder->value.store != STORE_I64) {
        MB_TRY(mb_twin_store_as(builder, STORE_I32));
    }
    twin_operation *operation = mb_twin_add_operation(builder);
    if (operation == NULL) {
        return mb_context_status(builder->ctx);
    }
    operation->run = builder->value.store == STORE_I64 ? run_greatest64 : run_greatest32;
    operation->n = n_groups;
    operation->n_terms = n_terms;
    operation->index = index;
    builder->value.n = n_groups;
    mb_twin_note_tile(builder);
    return mb_twin_finish_layer(builder, false);
}

static mb_status build_max(twin_builder *builder, const mb_value_type *output) {
    windows w;
    size_t n_groups, n_terms;
    (void)output;
    MB_TRY(find_windows(builder->ctx, builder->source, &builder->value.type, true, &w));
    const uint32_t *index =
        list_windows(builder, builder->source, &w, true, SIZE_MAX, &n_groups, &n_terms);
    return add_greatest(builder, index, n_groups, n_terms);
}

static mb_status shape_average(mb_context *ctx, const mb_twin_layer *layer,
    const mb_value_type *input, mb_value_type *output, mb_value_type *weights) {
    MB_TRY(shape_pool(ctx, layer, input, output, weights));
    const size_t area = layer->window[0] * layer->window[1];
    if (layer->is_same || (area & (area - 1)) != 0) {
        return mb_fail(ctx, MB_ERR_UNSUPPORTED,
            "an average is exact only over whole windows of 1, 2, 4, 8 ... numbers; use padding "
            "\"valid\" and such a window");
    }
    return MB_OK;
}

static mb_status build_average(twin_builder *builder, const mb_value_type *output) {
    const mb_twin_layer *layer = builder->source;
    twin_numbers numbers = {.exponent = builder->value.exponent};
    windows w;
    size_t n_groups, n_terms;
    (void)output;
    MB_TRY(find_windows(builder->ctx, layer, &builder->value.type, true, &w));
    const uint32_t *index =
        list_windows(builder, layer, &w, true, builder->value.n, &n_groups, &n_terms);
    numbers.weights = mb_twin_allocate(builder, n_terms, sizeof(int64_t));
    numbers.bias = mb_twin_allocate(builder, 1, sizeof(int64_t));
    if (index == NULL || numbers.weights == NULL || numbers.bias == NULL) {
        return mb_context_status(builder->ctx);
    }
    for (size_t t = 0; t < n_terms; t++) {
        numbers.weights[t] = 1;
    }
    for (size_t area = n_terms; area > 1; area /= 2) {
        numbers.exponent--;
    }
    MB_TRY(mb_twin_add_sums(builder, &numbers, index, n_groups, n_terms, 1));
    return mb_twin_finish_layer(builder, false);
}

static mb_status shape_up(mb_context *ctx, const mb_twin_layer *layer, const mb_value_type *input,
    mb_value_type *output, mb_value_type *weights) {
    (void)weights;
    if (input->rank != 3) {
        return no_image(ctx, input);
    }
    *output = *input;
    for (size_t i = 0; i < 2; i++) {
        if (layer->window[i] == 0 || layer->window[i] > 1 << 12) {
            return mb_fail(
                ctx, MB_ERR_SHAPE, "repeats %zu times; take 1 to 4096", layer->window[i]);
        }
        output->dim[i] *= layer->window[i];
    }
    return MB_OK;
}

static mb_status build_up(twin_builder *builder, const mb_value_type *output) {
    const mb_value_type *in = &builder->value.type;
    const size_t n = mb_value_size(output);
    uint32_t *index = mb_twin_allocate(builder, n, sizeof *index);
    for (size_t i = 0; index != NULL && i < n; i++) {
        const size_t channel = i % output->dim[2];
        const size_t column = i / output->dim[2] % output->dim[1];
        const size_t row = i / output->dim[2] / output->dim[1];
        index[i] = (uint32_t)((row / builder->source->window[0] * in->dim[1] +
                                  column / builder->source->window[1]) *
                                  in->dim[2] +
                              channel);
    }
    return add_greatest(builder, index, n, 1);
}

static const twin_kind kinds[] = {
    {"dense", false, shape_dense, build_dense},
    {"conv2d", false, shape_conv, build_conv},
    {"scale", true, shape_scale, build_scale},
    {"convert", true, shape_same, build_convert},
    {"relu", true, shape_same, build_relu},
    {"flatten", true, shape_flatten, build_convert},
    {"max_pooling", false, shape_pool, build_max},
    {"average_pooling", false, shape_average, build_average},
    {"up_sampling", false, shape_up, build_up},
};

const twin_kind *mb_twin_kind_find(const char *name) {
    for (size_t i = 0; i < MB_COUNT_OF(kinds); i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            return &kinds[i];
        }
    }
    return NULL;
}

mb_status mb_twin_check_size(
    mb_context *ctx, const char *name, const char *what, const mb_value_type *type, size_t most) {
    size_t n = 1;
    for (unsigned i = 0; i < type->rank; i++) {
        if (type->dim[i] == 0 || type->dim[i] > most / n) {
            return mb_fail(ctx, MB_ERR_SHAPE,
                "%s: the %s would be empty or of more than %zu numbers; correct the sizes", name,
                what, most);
        }
        n *= type->dim[i];
    }
    return MB_OK;
}

mb_status mb_twin_layer_shape(mb_context *ctx, const mb_twin_layer *layer,
    const mb_value_type *input, mb_value_type *output, mb_value_type *weights) {
    const twin_kind *kind = mb_twin_kind_find(layer->kind);
    *weights = (mb_value_type){.axis = input->axis};
    MB_TRY(mb_twin_check_size(ctx, layer->name, "input", input, TWIN_MOST_ROW));
    if (kind == NULL) {
        const char *names[MB_COUNT_OF(kinds)];
        for (size_t i = 0; i < MB_COUNT_OF(kinds); i++) {
            names[i] = kinds[i].name;
        }
        const char *nearest = mb_nearest_name(layer->kind, names, MB_COUNT_OF(kinds));
        return mb_fail(ctx, MB_ERR_UNSUPPORTED, "%s: no kind of integer layer is called %s; %s%s%s",
            layer->name, layer->kind, nearest == NULL ? "take " : "did you mean ",
            nearest == NULL ? "dense, conv2d, scale, convert, relu, flatten ..." : nearest,
            nearest == NULL ? "" : "?");
    }
    if (kind->shape(ctx, layer, input, output, weights) != MB_OK) {
        return mb_fail_within(ctx, "%s", layer->name);
    }
    MB_TRY(mb_twin_check_size(ctx, layer->name, "output", output, TWIN_MOST_ROW));
    return mb_twin_check_size(ctx, layer->name, "weights", weights, TWIN_MOST_WEIGHTS);
}
