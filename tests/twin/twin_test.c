// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "naive.h"
#include "testing.h"

#include "base/random.h"
#include "twin/twin.h"

#include <math.h>
#include <stdlib.h>

enum { MOST = 2600, EVENTS = 37, MOST_LAYERS = 8 };

static const uint32_t masks[] = {0, MB_CPU_AVX2, MB_CPU_ALL};

// A program of random layers with its memory.
typedef struct random_program {
    mb_twin_program program;
    mb_twin_layer layers[MOST_LAYERS];
    float numbers[1 << 15];
    size_t n_numbers;
} random_program;

static int between(mb_random *random, int least, int most) {
    return least + (int)mb_random_below(random, (uint64_t)(most - least + 1));
}

static mb_fixed random_format(mb_random *random, int least_bits, int most_bits) {
    const int bits = between(random, least_bits, most_bits);
    return (mb_fixed){.bits = bits,
        .integer = between(random, bits / 3, bits),
        .is_signed = between(random, 0, 2) != 0,
        .rounding = (mb_fixed_rounding)between(random, 0, 6),
        .overflow = (mb_fixed_overflow)between(random, 0, 3)};
}

static const float *random_numbers(random_program *p, mb_random *random, size_t n, double size) {
    float *numbers = p->numbers + p->n_numbers;
    assert_true(p->n_numbers + n <= MB_COUNT_OF(p->numbers));
    p->n_numbers += n;
    for (size_t i = 0; i < n; i++) {
        const bool is_zero = mb_random_below(random, 4) == 0;
        numbers[i] = is_zero ? 0 : (float)(size * (2 * mb_random_uniform(random) - 1));
    }
    return numbers;
}

static mb_twin_layer *add(random_program *p, const char *kind) {
    mb_twin_layer *layer = &p->layers[p->program.n_layers++];
    assert_true(p->program.n_layers <= MOST_LAYERS);
    *layer = (mb_twin_layer){.kind = kind, .name = kind};
    return layer;
}

static void add_conversions(mb_random *random, mb_twin_layer *layer) {
    if (between(random, 0, 2) != 0) {
        layer->accumulator = random_format(random, 8, 24);
    }
    layer->result = random_format(random, 3, 14);
}

static void add_dense(random_program *p, mb_random *random, size_t n_in, size_t units, int bits) {
    mb_twin_layer *layer = add(p, "dense");
    layer->units = units;
    layer->weight = random_format(random, 2, bits);
    layer->weight.is_signed = true;
    layer->weights = random_numbers(p, random, n_in * units, exp2(layer->weight.integer - 1) * 1.1);
    if (between(random, 0, 1) == 0) {
        layer->bias = random_numbers(p, random, units, 3);
        layer->bias_format = random_format(random, 3, 10);
    }
    add_conversions(random, layer);
}

static void add_conv(random_program *p, mb_random *random, size_t channels, int bits) {
    mb_twin_layer *layer = add(p, "conv2d");
    layer->units = (size_t)between(random, 1, 9);
    for (size_t i = 0; i < 2; i++) {
        layer->window[i] = (size_t)between(random, 1, 3);
        layer->stride[i] = (size_t)between(random, 0, 2);
    }
    layer->is_same = between(random, 0, 1) == 0;
    layer->weight = random_format(random, 2, bits);
    layer->weight.is_signed = true;
    layer->weights =
        random_numbers(p, random, layer->window[0] * layer->window[1] * channels * layer->units,
            exp2(layer->weight.integer - 1) * 1.1);
    if (between(random, 0, 1) == 0) {
        layer->bias = random_numbers(p, random, layer->units, 3);
        layer->bias_format = random_format(random, 3, 10);
    }
    if (between(random, 0, 3) == 0) {
        layer->scale = random_numbers(p, random, layer->units, 2);
    }
    add_conversions(random, layer);
}

static void add_small(random_program *p, mb_random *random, size_t channels) {
    mb_twin_layer *scale = add(p, "scale");
    scale->weight = random_format(random, 6, 18);
    scale->weight.is_signed = true;
    scale->weights = random_numbers(p, random, channels, exp2(scale->weight.integer - 1) * 1.1);
    scale->bias = random_numbers(p, random, channels, 4);
    scale->bias_format = random_format(random, 6, 18);
    scale->result = random_format(random, 6, 14);
    mb_twin_layer *relu = add(p, between(random, 0, 1) == 0 ? "relu" : "convert");
    if (between(random, 0, 3) != 0) {
        relu->result = random_format(random, 3, 9);
    }
}

static void add_pool(random_program *p, mb_random *random) {
    static const char *const kinds[] = {"max_pooling", "average_pooling", "up_sampling"};
    mb_twin_layer *pool = add(p, kinds[between(random, 0, 2)]);
    pool->window[0] = (size_t)between(random, 1, 2);
    pool->window[1] = (size_t)between(random, 1, 2);
    pool->is_same = strcmp(pool->kind, "max_pooling") == 0 && between(random, 0, 1) == 0;
}

// bits: of weights; decides which arithmetic holds the sums.
static void make_program(random_program *p, mb_random *random, int bits) {
    memset(p, 0, sizeof *p);
    p->program.layers = p->layers;
    p->program.input_format = random_format(random, 2, bits > 14 ? 20 : 12);
    if (between(random, 0, 1) == 0) {
        const size_t n = (size_t)between(random, 1, 40);
        const size_t units = (size_t)between(random, 1, 20);
        p->program.input = (mb_value_type){.rank = 1, .dim = {n}};
        add_dense(p, random, n, units, bits);
        add_small(p, random, units);
        add_dense(p, random, units, 2, bits);
        return;
    }
    const size_t channels = (size_t)between(random, 1, 3);
    p->program.input = (mb_value_type){
        .rank = 3, .dim = {(size_t)between(random, 6, 9), (size_t)between(random, 6, 8), channels}};
    add_conv(p, random, channels, bits);
    add_small(p, random, p->layers[0].units);
    add_pool(p, random);
    add(p, "flatten");
}

static size_t size_of(const mb_value_type *type) {
    return mb_value_size(type);
}

static void compare_numbers(const double *found, const double *wanted, size_t n, const char *what,
    const char *layer, size_t event) {
    for (size_t i = 0; i < n; i++) {
        if (found[i] != wanted[i]) {
            fail_msg("%s of %s, event %zu, number %zu: %.17g, not %.17g", what, layer, event, i,
                found[i], wanted[i]);
        }
    }
}

// All layers of a twin against the naive run of the same events.
static void compare_layers(
    mb_context *ctx, const mb_twin *twin, const mb_twin_program *program, const float *x) {
    const size_t n_in = size_of(&program->input);
    static double sums[EVENTS][MOST_LAYERS * MOST], results[EVENTS][MOST_LAYERS * MOST];
    static double values[MOST], found[EVENTS * MOST];
    const mb_twin_rows rows = {.f32 = x};
    for (size_t i = 0; i < EVENTS; i++) {
        double input[MOST];
        for (size_t k = 0; k < n_in; k++) {
            input[k] = (double)x[i * n_in + k];
        }
        naive_run(program, input, MOST, values, sums[i], results[i]);
    }
    size_t before = 0;
    for (size_t layer = 0; layer < program->n_layers; layer++) {
        const size_t n = mb_twin_stage_size(twin, layer, MB_TWIN_SUM);
        assert_ok(ctx, mb_twin_look(ctx, twin, layer, MB_TWIN_SUM, &rows, EVENTS, found));
        for (size_t i = 0; i < EVENTS; i++) {
            compare_numbers(
                found + i * n, sums[i] + before, n, "sum", program->layers[layer].name, i);
        }
        assert_ok(ctx, mb_twin_look(ctx, twin, layer, MB_TWIN_RESULT, &rows, EVENTS, found));
        for (size_t i = 0; i < EVENTS; i++) {
            compare_numbers(
                found + i * n, results[i] + before, n, "result", program->layers[layer].name, i);
        }
        before += n;
    }
}

static void fill(mb_random *random, const mb_twin_program *program, float *x) {
    const double size = exp2(program->input_format.integer) * 1.3;
    for (size_t i = 0; i < EVENTS * size_of(&program->input); i++) {
        const double u = mb_random_uniform(random);
        x[i] = (float)(between(random, 0, 1) == 0 ? floor(u * size) : (2 * u - 1) * size);
    }
}

static size_t run_all(mb_context *ctx, const random_program *p, const float *x, float *values,
    int64_t *integers, const char **arithmetic) {
    mb_twin *twin = NULL;
    const mb_twin_rows rows = {.f32 = x};
    assert_ok(ctx, mb_twin_create(ctx, &p->program, NULL, 0, &twin));
    compare_layers(ctx, twin, &p->program, x);
    assert_ok(ctx, mb_twin_predict(ctx, twin, &rows, EVENTS, integers, values));
    mb_twin_report report;
    mb_twin_describe(twin, 0, &report);
    *arithmetic = report.arithmetic;
    const size_t n = EVENTS * mb_twin_outputs(twin);
    // Integers are the values in units of the last bit.
    for (size_t i = 0; mb_twin_is_integer(twin) && i < n; i++) {
        assert_true((float)ldexp((double)integers[i], mb_twin_output_exponent(twin)) == values[i]);
    }
    mb_twin_destroy(twin);
    return n;
}

static void test_twin__random_programs_agree_with_the_definition_in_all_kernels(void **state) {
    (void)state;
    static random_program p;
    static float x[EVENTS * MOST];
    static float values[3][EVENTS * MOST];
    static int64_t integers[3][EVENTS * MOST];
    static const char *const wanted[] = {"i16 pairs", "f32", "i32", "i64"};
    size_t n_seen[4] = {0};
    mb_test_world worlds[3];
    for (size_t m = 0; m < 3; m++) {
        mb_test_world_open(&worlds[m], 1, masks[m]);
    }
    for (uint32_t i = 0; i < 400; i++) {
        mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 1, i);
        const int bits = between(&random, 2, 26);
        make_program(&p, &random, bits);
        fill(&random, &p.program, x);
        for (size_t m = 0; m < 3; m++) {
            const char *arithmetic = NULL;
            const size_t n_values =
                run_all(worlds[m].ctx, &p, x, values[m], integers[m], &arithmetic);
            mb_test_assert_same_bits(values[m], values[0], n_values, sizeof(float), "values");
            for (size_t k = 0; k < 4; k++) {
                n_seen[k] += strcmp(arithmetic, wanted[k]) == 0;
            }
        }
    }
    for (size_t k = 0; k < 4; k++) {
        assert_true(n_seen[k] > 0);
    }
    for (size_t m = 0; m < 3; m++) {
        mb_test_world_close(&worlds[m]);
    }
}

// One random dense program and its twin.
static mb_twin *make_twin(mb_context *ctx, random_program *p, uint32_t sample, int bits) {
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 1, sample);
    mb_twin *twin = NULL;
    make_program(p, &random, bits);
    assert_ok(ctx, mb_twin_create(ctx, &p->program, NULL, 0, &twin));
    return twin;
}

static void test_twin__whole_numbers_give_the_same_in_all_forms_of_rows(void **state) {
    (void)state;
    static random_program p;
    static float reals[EVENTS * MOST];
    static int32_t wide[EVENTS * MOST];
    static uint16_t shorts[EVENTS * MOST];
    static float values[3][EVENTS * MOST];
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    for (uint32_t k = 0; k < 60; k++) {
        mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 5, k);
        mb_twin *twin = make_twin(world.ctx, &p, k, 8);
        const size_t n = EVENTS * mb_twin_inputs(twin);
        for (size_t i = 0; i < n; i++) {
            shorts[i] = (uint16_t)mb_random_below(&random, k % 2 == 0 ? 1024 : 65536);
            reals[i] = shorts[i];
            wide[i] = shorts[i];
        }
        const mb_twin_rows rows[3] = {{.f32 = reals}, {.i32 = wide}, {.u16 = shorts}};
        for (size_t i = 0; i < 3; i++) {
            assert_ok(
                world.ctx, mb_twin_predict(world.ctx, twin, &rows[i], EVENTS, NULL, values[i]));
        }
        const size_t n_out = EVENTS * mb_twin_outputs(twin);
        mb_test_assert_same_bits(values[1], values[0], n_out, sizeof(float), "int32");
        mb_test_assert_same_bits(values[2], values[0], n_out, sizeof(float), "uint16");
        mb_twin_destroy(twin);
    }
    mb_test_world_close(&world);
}

// Ten bits of whole numbers in pairs: the shortest way of reading, also past what the type holds.
static void test_twin__short_rows_wrap_and_saturate_as_their_type_says(void **state) {
    (void)state;
    static const float weights[2] = {1, 1};
    const mb_fixed exact = {.bits = 2, .integer = 2, .is_signed = true};
    const mb_twin_layer layer = {
        .kind = "dense", .name = "sum", .units = 1, .weights = weights, .weight = exact};
    static const uint16_t x[4] = {1000, 1023, 1024, 65535};
    static const int64_t wanted[2][2] = {{2023, 1023}, {2023, 2046}};
    for (size_t m = 0; m < 3; m++) {
        mb_test_world world;
        mb_test_world_open(&world, 1, masks[m]);
        for (size_t i = 0; i < 2; i++) {
            int64_t found[2];
            mb_twin *twin = NULL;
            const mb_twin_rows rows = {.u16 = x};
            const mb_twin_program program = {.input = {.rank = 1, .dim = {2}},
                .input_format = {.bits = 10,
                    .integer = 10,
                    .overflow = i == 0 ? MB_FIXED_WRAP : MB_FIXED_SATURATE},
                .layers = &layer,
                .n_layers = 1};
            assert_ok(world.ctx, mb_twin_create(world.ctx, &program, NULL, 0, &twin));
            assert_ok(world.ctx, mb_twin_predict(world.ctx, twin, &rows, 2, found, NULL));
            assert_true(found[0] == wanted[i][0] && found[1] == wanted[i][1]);
            mb_twin_destroy(twin);
        }
        mb_test_world_close(&world);
    }
}

static void test_twin__values_that_are_no_numbers_are_read_by_the_rules(void **state) {
    (void)state;
    const mb_twin_layer layer = {.kind = "convert", .name = "as is"};
    static const float x[6] = {NAN, INFINITY, -INFINITY, 3e38F, -1e-45F, 2.5F};
    static const float wanted[6] = {0, 7.5F, -8, 7.5F, -0.5F, 2.5F};
    float found[6];
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    mb_twin *twin = NULL;
    const mb_twin_rows rows = {.f32 = x};
    const mb_twin_program program = {.input = {.rank = 1, .dim = {6}},
        .input_format = {.bits = 5, .integer = 4, .is_signed = true, .overflow = MB_FIXED_SATURATE},
        .layers = &layer,
        .n_layers = 1};
    assert_ok(world.ctx, mb_twin_create(world.ctx, &program, NULL, 0, &twin));
    assert_ok(world.ctx, mb_twin_predict(world.ctx, twin, &rows, 1, NULL, found));
    for (size_t i = 0; i < 6; i++) {
        assert_true(found[i] == wanted[i]);
    }
    mb_twin_destroy(twin);
    mb_test_world_close(&world);
}

static void test_twin__running_allocates_nothing_and_threads_change_nothing(void **state) {
    (void)state;
    enum { MANY = 3000 };
    static random_program p;
    mb_test_world world;
    mb_test_world_open(&world, 3, MB_CPU_ALL);
    mb_twin *twin = make_twin(world.ctx, &p, 1, 6);
    const size_t n_in = mb_twin_inputs(twin);
    const size_t n_out = mb_twin_outputs(twin);
    float *x = malloc(MANY * n_in * sizeof *x);
    float *together = malloc(MANY * n_out * sizeof *together);
    float *alone = malloc(MANY * n_out * sizeof *alone);
    void *scratch = aligned_alloc(64, mb_round_up(mb_twin_scratch(twin), 64));
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 6, 0);
    for (size_t i = 0; i < MANY * n_in; i++) {
        x[i] = (float)(20 * mb_random_uniform(&random) - 5);
    }
    const mb_twin_rows rows = {.f32 = x};
    assert_ok(world.ctx, mb_twin_predict(world.ctx, twin, &rows, MANY, NULL, together));
    const uint64_t before = mb_runtime_allocations(world.runtime);
    mb_twin_run(twin, &rows, MANY, scratch, NULL, alone);
    assert_int_equal(mb_runtime_allocations(world.runtime), before);
    mb_test_assert_same_bits(together, alone, MANY * n_out, sizeof *alone, "scores");
    // One event by itself is what it is among others.
    const mb_twin_rows one = {.f32 = x + 1001 * n_in};
    mb_twin_run(twin, &one, 1, scratch, NULL, alone);
    mb_test_assert_same_bits(alone, together + 1001 * n_out, n_out, sizeof *alone, "one event");
    free(scratch);
    free(alone);
    free(together);
    free(x);
    mb_twin_destroy(twin);
    mb_test_world_close(&world);
}

static void test_twin__reports_count_what_wraps_and_saturates(void **state) {
    (void)state;
    static const float weights[2] = {1, -2};
    const mb_twin_layer layers[2] = {
        {.kind = "dense",
            .name = "sum",
            .units = 1,
            .weights = weights,
            .accumulator = {.bits = 4, .integer = 4, .is_signed = true},
            .result = {.bits = 3, .integer = 3, .is_signed = true, .overflow = MB_FIXED_SATURATE}},
        {.kind = "relu",
            .name = "relu",
            .result = {.bits = 1, .integer = 1, .overflow = MB_FIXED_SATURATE}}};
    static const float x[8] = {7, 0, 3, 0, 0, 7, 4, 1};
    static const double sums[4] = {7, 3, -14, 2};
    static const double accumulated[4] = {7, 3, 2, 2};
    double found[4];
    mb_twin_report reports[2];
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    mb_twin *twin = NULL;
    const mb_twin_rows rows = {.f32 = x};
    const mb_twin_program program = {.input = {.rank = 1, .dim = {2}},
        .input_format = {.bits = 3, .integer = 3},
        .layers = layers,
        .n_layers = 2};
    assert_ok(world.ctx, mb_twin_create(world.ctx, &program, NULL, 0, &twin));
    assert_ok(world.ctx, mb_twin_examine(world.ctx, twin, &rows, 4, reports));
    assert_string_equal(reports[0].arithmetic, "i16 pairs");
    assert_true(reports[0].proven_least == -14 && reports[0].proven_most == 7);
    assert_true(reports[0].least == -14 && reports[0].most == 7);
    assert_int_equal(reports[0].n_values, 4);
    assert_int_equal(reports[0].n_accumulator_outside, 1);
    assert_int_equal(reports[0].n_result_outside, 1);
    assert_true(reports[0].result_least == 2 && reports[0].result_most == 3);
    assert_int_equal(reports[1].n_result_outside, 4);
    assert_true(reports[1].result_least == 1 && reports[1].result_most == 1);
    assert_ok(world.ctx, mb_twin_look(world.ctx, twin, 0, MB_TWIN_SUM, &rows, 4, found));
    compare_numbers(found, sums, 4, "sum", "sum", 0);
    assert_ok(world.ctx, mb_twin_look(world.ctx, twin, 0, MB_TWIN_ACCUMULATOR, &rows, 4, found));
    compare_numbers(found, accumulated, 4, "accumulator", "sum", 0);
    mb_twin_destroy(twin);
    mb_test_world_close(&world);
}

static void test_twin__sums_beyond_61_bits_are_refused_by_name(void **state) {
    (void)state;
    static const float weights[2] = {1, 0x1p-50F};
    static const float bad[2] = {1, NAN};
    mb_twin_layer layer = {.kind = "dense", .name = "wide", .units = 1, .weights = weights};
    const mb_twin_program program = {.input = {.rank = 1, .dim = {2}},
        .input_format = {.bits = 30, .integer = 30},
        .layers = &layer,
        .n_layers = 1};
    mb_test_world world;
    mb_twin *twin = NULL;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    assert_fails(world.ctx, mb_twin_create(world.ctx, &program, NULL, 0, &twin), MB_ERR_UNSUPPORTED,
        "wide: a sum needs more than 61 bits");
    layer.weights = bad;
    assert_fails(world.ctx, mb_twin_create(world.ctx, &program, NULL, 0, &twin), MB_ERR_RANGE,
        "wide: weight 1 is not a number");
    mb_test_world_close(&world);
}

static mb_status create_and_run(void *user, mb_context *ctx) {
    const random_program *p = user;
    static float x[MOST], values[MOST];
    const mb_twin_rows rows = {.f32 = x};
    mb_twin_report reports[MOST_LAYERS];
    mb_twin *twin = NULL;
    mb_status status = mb_twin_create(ctx, &p->program, NULL, 0, &twin);
    if (status == MB_OK) {
        status = mb_twin_predict(ctx, twin, &rows, 1, NULL, values);
    }
    if (status == MB_OK) {
        status = mb_twin_examine(ctx, twin, &rows, 1, reports);
    }
    mb_twin_destroy(twin);
    return status;
}

static void test_twin__lack_of_memory_is_told_and_leaves_nothing(void **state) {
    (void)state;
    static random_program p;
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 1, 3);
    make_program(&p, &random, 8);
    assert_true(mb_test_each_lack_of_memory(create_and_run, &p) > 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_twin__random_programs_agree_with_the_definition_in_all_kernels),
        cmocka_unit_test(test_twin__whole_numbers_give_the_same_in_all_forms_of_rows),
        cmocka_unit_test(test_twin__short_rows_wrap_and_saturate_as_their_type_says),
        cmocka_unit_test(test_twin__values_that_are_no_numbers_are_read_by_the_rules),
        cmocka_unit_test(test_twin__running_allocates_nothing_and_threads_change_nothing),
        cmocka_unit_test(test_twin__reports_count_what_wraps_and_saturates),
        cmocka_unit_test(test_twin__sums_beyond_61_bits_are_refused_by_name),
        cmocka_unit_test(test_twin__lack_of_memory_is_told_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
