// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/parts.h"

#include <math.h>

// Integers stay below 2^61, so that rounding and aligning cannot leave 64 bits.
#define MOST_MAGNITUDE ((INT64_C(1) << 61) - 1)

bool mb_twin_add(int64_t a, int64_t b, int64_t *out) {
    *out = a + b;
    return *out <= MOST_MAGNITUDE && *out >= -MOST_MAGNITUDE;
}

bool mb_twin_multiply(int64_t a, int64_t b, int64_t *out) {
    const uint64_t left = a < 0 ? 0 - (uint64_t)a : (uint64_t)a;
    const uint64_t right = b < 0 ? 0 - (uint64_t)b : (uint64_t)b;
    if (left != 0 && right > (uint64_t)MOST_MAGNITUDE / left) {
        return false;
    }
    const int64_t magnitude = (int64_t)(left * right);
    *out = (a < 0) != (b < 0) ? -magnitude : magnitude;
    return true;
}

void *mb_twin_allocate(twin_builder *builder, size_t count, size_t size) {
    const uint64_t used = builder->twin->arena.total;
    const uint64_t most = mb_context_limits(builder->ctx)->bytes;
    if (used > most || (size != 0 && count > (most - used) / size)) {
        mb_fail(builder->ctx, MB_ERR_LIMIT,
            "needs more memory than the limit of %llu bytes; make the network smaller or allow "
            "more",
            (unsigned long long)most);
        return NULL;
    }
    return mb_arena_allocate(&builder->twin->arena, builder->ctx, count, size);
}

size_t mb_twin_row_bytes(twin_store store) {
    return MB_TILE * (store == STORE_I64 ? sizeof(int64_t) : sizeof(int32_t));
}

static size_t tile_rows(const twin_value *value) {
    return value->store == STORE_PAIRS ? (value->n + 1) / 2 : value->n;
}

void mb_twin_note_tile(twin_builder *builder) {
    // One row more: the zeros that padding reads.
    const size_t bytes = (tile_rows(&builder->value) + 1) * mb_twin_row_bytes(builder->value.store);
    builder->twin->tile_bytes = mb_max_size(builder->twin->tile_bytes, bytes);
}

twin_operation *mb_twin_add_operation(twin_builder *builder) {
    mb_twin *twin = builder->twin;
    if (twin->n_operations == twin->operation_capacity) {
        const size_t capacity = 2 * twin->operation_capacity + 8;
        twin_operation *grown = mb_twin_allocate(builder, capacity, sizeof *grown);
        if (grown == NULL) {
            return NULL;
        }
        if (twin->n_operations > 0) {
            memcpy(grown, twin->operations, twin->n_operations * sizeof *grown);
        }
        twin->operations = grown;
        twin->operation_capacity = capacity;
    }
    twin_operation *operation = &twin->operations[twin->n_operations++];
    operation->step = builder->layer;
    operation->n = builder->value.n;
    operation->taken = builder->value.store;
    operation->exponent = builder->value.exponent;
    return operation;
}

void mb_twin_end_stage(twin_builder *builder, mb_twin_stage stage) {
    builder->step->stages[stage] = (twin_stage){builder->twin->n_operations, builder->value};
}

static void run_to_pairs(
    const mb_fixed_kernels *kernels, const twin_operation *o, void *in, void *out) {
    kernels->to_pairs(o->n, in, out);
}

static void run_to_f32(
    const mb_fixed_kernels *kernels, const twin_operation *o, void *in, void *out) {
    kernels->to_f32(o->n, in, out);
}

static void run_to_i64(
    const mb_fixed_kernels *kernels, const twin_operation *o, void *in, void *out) {
    kernels->to_i64(o->n, in, out);
}

static void run_to_i32(
    const mb_fixed_kernels *kernels, const twin_operation *o, void *in, void *out) {
    kernels->to_i32(o->n, in, out);
}

mb_status mb_twin_store_as(twin_builder *builder, twin_store store) {
    static void (*const from_i32[])(
        const mb_fixed_kernels *, const twin_operation *, void *, void *) = {
        [STORE_PAIRS] = run_to_pairs, [STORE_F32] = run_to_f32, [STORE_I64] = run_to_i64};
    if (builder->value.store == store) {
        return MB_OK;
    }
    if (builder->twin->n_operations == 0 && store != STORE_I64) {
        // Nothing has touched the input yet: it is read into that store.
        builder->value.store = store;
        builder->twin->input.store = store;
        mb_twin_note_tile(builder);
        return MB_OK;
    }
    if (builder->value.store == STORE_I64) {
        twin_operation *narrow = mb_twin_add_operation(builder);
        if (narrow == NULL) {
            return mb_context_status(builder->ctx);
        }
        narrow->run = run_to_i32;
        builder->value.store = STORE_I32;
    }
    if (store != STORE_I32) {
        twin_operation *operation = mb_twin_add_operation(builder);
        if (operation == NULL) {
            return mb_context_status(builder->ctx);
        }
        operation->run = from_i32[store];
        builder->value.store = store;
    }
    mb_twin_note_tile(builder);
    return MB_OK;
}

// The input: read as int32, unless the first layer wants another store.
static mb_status begin(twin_builder *builder, const mb_twin_program *program) {
    const mb_fixed *format = &program->input_format;
    if (program->input.rank < 1 || program->input.rank > 3) {
        return mb_fail(builder->ctx, MB_ERR_SHAPE,
            "twin: the input has rank %u; integer networks take vectors or images",
            program->input.rank);
    }
    MB_TRY(mb_twin_check_size(builder->ctx, "twin", "input", &program->input, TWIN_MOST_ROW));
    if (!mb_fixed_is_valid(format) || format->bits > (format->is_signed ? 32 : 31)) {
        return mb_fail(builder->ctx, MB_ERR_UNSUPPORTED,
            "twin: the input's format must have 1 to 31 bits; give it one");
    }
    builder->value = (twin_value){.type = program->input,
        .n = mb_value_size(&program->input),
        .store = STORE_I32,
        .exponent = mb_fixed_exponent(format),
        .least = mb_fixed_least(format),
        .most = mb_fixed_most(format)};
    mb_twin_note_tile(builder);
    return MB_OK;
}

mb_status mb_twin_fail_reals(twin_builder *builder) {
    return mb_fail(builder->ctx, MB_ERR_UNSUPPORTED,
        "takes integers, and the layer before gives real numbers; give that one a result format");
}

static mb_status build_layer(twin_builder *builder) {
    const mb_twin_layer *layer = builder->source;
    const twin_kind *kind = mb_twin_kind_find(layer->kind);
    mb_value_type output, weights;
    MB_TRY(mb_twin_layer_shape(builder->ctx, layer, &builder->value.type, &output, &weights));
    if (builder->value.store == STORE_REAL && !kind->takes_reals) {
        mb_twin_fail_reals(builder);
        return mb_fail_within(builder->ctx, "%s", layer->name);
    }
    mb_twin_report *known = &builder->step->known;
    known->kind = kind->name;
    known->name = layer->name;
    known->arithmetic = "";
    known->is_real = layer->scale != NULL;
    known->weight = layer->weight;
    known->bias = layer->bias_format;
    known->accumulator = layer->accumulator;
    known->result = layer->result;
    if (kind->build(builder, &output) != MB_OK) {
        return mb_fail_within(builder->ctx, "%s", layer->name);
    }
    builder->value.type = output;
    for (size_t i = 0; i < MB_TWIN_STAGES; i++) {
        builder->step->stages[i].value.type = output;
    }
    const twin_value *sum = &builder->step->stages[MB_TWIN_SUM].value;
    if (sum->store != STORE_REAL) {
        known->proven_least = mb_fixed_scale((double)sum->least, sum->exponent);
        known->proven_most = mb_fixed_scale((double)sum->most, sum->exponent);
    }
    return MB_OK;
}

static void plan_reading(mb_twin *twin) {
    const mb_fixed *format = &twin->program.input_format;
    twin->has_reader = mb_twin_reader_of(format, &twin->reader);
    const size_t words = twin->input.store == STORE_PAIRS ? (twin->input.n + 1) / 2 : twin->input.n;
    twin->row_words = mb_round_up(words, MB_TILE);
    twin->tile_bytes = mb_round_up(
        mb_max_size(twin->tile_bytes, twin->row_words * mb_twin_row_bytes(STORE_I32)), 64);
    if (twin->input.store == STORE_PAIRS && mb_fixed_exponent(format) == 0 && !format->is_signed) {
        // Pairs: the format has at most 15 bits.
        const uint16_t most = (uint16_t)mb_fixed_most(format);
        twin->has_short = format->overflow != MB_FIXED_SATURATE_ZERO;
        twin->short_mask = format->overflow == MB_FIXED_WRAP ? most : UINT16_MAX;
        twin->short_most = most;
    }
}

static mb_status build_all(mb_context *ctx, mb_twin *twin) {
    twin_builder builder = {.ctx = ctx, .twin = twin};
    MB_TRY(begin(&builder, &twin->program));
    twin->input = builder.value;
    for (size_t i = 0; i < twin->program.n_layers; i++) {
        builder.layer = i;
        builder.step = &twin->steps[i];
        builder.source = &twin->program.layers[i];
        MB_TRY(build_layer(&builder));
    }
    twin->output = builder.value;
    plan_reading(twin);
    return mb_activation_read(ctx,
        twin->program.activation == NULL ? "linear" : twin->program.activation, &twin->activation);
}

static const char *copy_name(mb_context *ctx, mb_twin *twin, const char *text, bool *ok) {
    const char *copy = mb_arena_text(&twin->arena, ctx, text);
    *ok = *ok && copy != NULL;
    return copy;
}

static const float *copy_floats(
    mb_context *ctx, mb_twin *twin, const float *from, size_t n, bool *ok) {
    if (from == NULL) {
        return NULL;
    }
    float *copy = mb_arena_allocate(&twin->arena, ctx, n, sizeof *copy);
    *ok = *ok && copy != NULL;
    if (copy != NULL && n > 0) {
        memcpy(copy, from, n * sizeof *copy);
    }
    return copy;
}

static mb_status check_finite(
    mb_context *ctx, const char *name, const char *what, const float *numbers, size_t n) {
    for (size_t i = 0; numbers != NULL && i < n; i++) {
        if (!isfinite(numbers[i])) {
            return mb_fail(ctx, MB_ERR_RANGE,
                "%s: %s %zu is not a number; load weights that are finite", name, what, i);
        }
    }
    return MB_OK;
}

static mb_status check_format(
    mb_context *ctx, const char *name, const char *what, const mb_fixed *format) {
    if (format->bits != 0 && !mb_fixed_is_valid(format)) {
        return mb_fail(ctx, MB_ERR_UNSUPPORTED,
            "%s: the %s format has %d bits, %d of them integer; take 1 to %d bits", name, what,
            format->bits, format->integer, MB_FIXED_MOST_BITS);
    }
    return MB_OK;
}

static void override_layer(mb_twin_layer *layer, const mb_twin_override *by) {
    layer->weight = by->weight.bits != 0 ? by->weight : layer->weight;
    layer->bias_format = by->bias.bits != 0 ? by->bias : layer->bias_format;
    layer->accumulator = by->accumulator.bits != 0 ? by->accumulator : layer->accumulator;
    layer->result = by->result.bits != 0 ? by->result : layer->result;
}

static mb_status copy_layer(mb_context *ctx, mb_twin *twin, const mb_twin_layer *from,
    const mb_value_type *input, mb_twin_layer *to, mb_value_type *output) {
    mb_value_type weights;
    bool ok = true;
    MB_TRY(mb_twin_layer_shape(ctx, from, input, output, &weights));
    const size_t n_channels = output->dim[output->rank - 1];
    const size_t n_weights = weights.rank == 0 ? 0 : mb_value_size(&weights);
    MB_TRY(check_finite(ctx, from->name, "weight", from->weights, n_weights));
    MB_TRY(check_finite(ctx, from->name, "bias", from->bias, n_channels));
    MB_TRY(check_finite(ctx, from->name, "scale", from->scale, n_channels));
    MB_TRY(check_format(ctx, from->name, "weight", &to->weight));
    MB_TRY(check_format(ctx, from->name, "bias", &to->bias_format));
    MB_TRY(check_format(ctx, from->name, "accumulator", &to->accumulator));
    MB_TRY(check_format(ctx, from->name, "result", &to->result));
    to->kind = copy_name(ctx, twin, from->kind, &ok);
    to->name = copy_name(ctx, twin, from->name, &ok);
    to->weights = copy_floats(ctx, twin, from->weights, n_weights, &ok);
    to->bias = copy_floats(ctx, twin, from->bias, n_channels, &ok);
    to->scale = copy_floats(ctx, twin, from->scale, n_channels, &ok);
    return ok ? MB_OK : MB_ERR_MEMORY;
}

static mb_status copy_program(mb_context *ctx, mb_twin *twin, const mb_twin_program *from,
    const mb_twin_override *overrides, size_t n_overrides) {
    mb_twin_layer *layers = mb_arena_allocate(&twin->arena, ctx, from->n_layers, sizeof *layers);
    bool ok = layers != NULL;
    mb_value_type type = from->input;
    twin->program = *from;
    twin->program.layers = layers;
    if (from->activation != NULL) {
        twin->program.activation = copy_name(ctx, twin, from->activation, &ok);
    }
    for (size_t i = 0; ok && i < from->n_layers; i++) {
        mb_value_type output;
        layers[i] = from->layers[i];
        for (size_t k = 0; k < n_overrides; k++) {
            if (strcmp(overrides[k].layer, from->layers[i].name) == 0) {
                override_layer(&layers[i], &overrides[k]);
            }
        }
        MB_TRY(copy_layer(ctx, twin, &from->layers[i], &type, &layers[i], &output));
        type = output;
    }
    return ok ? MB_OK : MB_ERR_MEMORY;
}

static mb_status check_overrides(mb_context *ctx, const mb_twin_program *program,
    const mb_twin_override *overrides, size_t n_overrides) {
    for (size_t k = 0; k < n_overrides; k++) {
        bool is_known = false;
        for (size_t i = 0; i < program->n_layers; i++) {
            is_known = is_known || strcmp(overrides[k].layer, program->layers[i].name) == 0;
        }
        if (!is_known) {
            return mb_fail(ctx, MB_ERR_FORMAT,
                "twin: no layer is called %s; the summary of the network names them",
                overrides[k].layer);
        }
    }
    return MB_OK;
}

mb_status mb_twin_create(mb_context *ctx, const mb_twin_program *program,
    const mb_twin_override *overrides, size_t n_overrides, mb_twin **out) {
    *out = NULL;
    MB_TRY(check_overrides(ctx, program, overrides, n_overrides));
    mb_twin *twin = mb_allocate_zeroed(ctx, 1, sizeof *twin);
    if (twin == NULL) {
        return MB_ERR_MEMORY;
    }
    twin->runtime = mb_context_runtime(ctx);
    twin->kernels = mb_fixed_kernels_for(mb_runtime_cpu(twin->runtime));
    mb_arena_init(&twin->arena, ctx);
    mb_status status = copy_program(ctx, twin, program, overrides, n_overrides);
    if (status == MB_OK) {
        twin->steps = mb_arena_allocate(&twin->arena, ctx, program->n_layers, sizeof *twin->steps);
        status = twin->steps == NULL ? MB_ERR_MEMORY : build_all(ctx, twin);
    }
    if (status != MB_OK) {
        mb_twin_destroy(twin);
        return status;
    }
    *out = twin;
    return MB_OK;
}

void mb_twin_destroy(mb_twin *twin) {
    if (twin != NULL) {
        mb_arena_clear(&twin->arena);
        mb_runtime_release(twin->runtime, twin);
    }
}

size_t mb_twin_inputs(const mb_twin *twin) {
    return twin->input.n;
}

size_t mb_twin_outputs(const mb_twin *twin) {
    return twin->output.n;
}

bool mb_twin_is_integer(const mb_twin *twin) {
    return twin->output.store != STORE_REAL && twin->program.activation == NULL;
}

int mb_twin_output_exponent(const mb_twin *twin) {
    return twin->output.exponent;
}

const mb_twin_program *mb_twin_program_of(const mb_twin *twin) {
    return &twin->program;
}

size_t mb_twin_layers(const mb_twin *twin) {
    return twin->program.n_layers;
}

void mb_twin_describe(const mb_twin *twin, size_t layer, mb_twin_report *out) {
    *out = twin->steps[layer].known;
}

size_t mb_twin_stage_size(const mb_twin *twin, size_t layer, mb_twin_stage stage) {
    return twin->steps[layer].stages[stage].value.n;
}
