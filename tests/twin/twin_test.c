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

static void run_all(mb_context *ctx, const random_program *p, const float *x, float *values,
    int64_t *integers, const char **arithmetic) {
    mb_twin *twin = NULL;
    const mb_twin_rows rows = {.f32 = x};
    assert_ok(ctx, mb_twin_create(ctx, &p->program, NULL, 0, &twin));
    compare_layers(ctx, twin, &p->program, x);
    assert_ok(ctx, mb_twin_predict(ctx, twin, &rows, EVENTS, integers, values));
    mb_twin_report report;
    mb_twin_describe(twin, 0, &report);
    *arithmetic = report.arithmetic;
    mb_twin_destroy(twin);
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
            run_all(worlds[m].ctx, &p, x, values[m], integers[m], &arithmetic);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_twin__random_programs_agree_with_the_definition_in_all_kernels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
