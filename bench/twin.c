// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// Events a second and thread of integer twins, at the shapes of the two calorimeter students and
// with weights drawn for them: u16 and float rows, in every instruction set of this machine.

#include "base/numbers.h"
#include "base/random.h"
#include "measure.h"
#include "twin/twin.h"

#include <stdio.h>
#include <stdlib.h>

enum { EVENTS = 4096, INPUTS = 252, MOST_WEIGHTS = 252 * 16, MOST_REPEATS = 1000 };

typedef struct job {
    const mb_twin *twin;
    mb_twin_rows rows;
    void *scratch;
    int64_t *scores;
} job;

static void run(void *user) {
    job *j = user;
    mb_twin_run(j->twin, &j->rows, EVENTS, j->scratch, j->scores, NULL);
}

static mb_fixed format(int bits, int integer, bool is_signed) {
    return (mb_fixed){.bits = bits,
        .integer = integer,
        .is_signed = is_signed,
        .rounding = MB_FIXED_ROUND_EVEN,
        .overflow = MB_FIXED_SATURATE};
}

static const float *weights_of(mb_random *random, float *at, double size) {
    for (size_t i = 0; i < MOST_WEIGHTS; i++) {
        at[i] = (float)(size * (2 * mb_random_uniform(random) - 1));
    }
    return at;
}

// Dense 15, scale and bias, relu, dense 1, relu.
static mb_status make_first(mb_context *ctx, mb_random *random, float *numbers, mb_twin **out) {
    const float *first = weights_of(random, numbers, 1);
    const float *small = weights_of(random, numbers + MOST_WEIGHTS, 0.05);
    const mb_twin_layer layers[] = {
        {.kind = "dense",
            .name = "dense1",
            .units = 15,
            .weights = first,
            .weight = format(2, 1, true),
            .accumulator = format(15, 14, true),
            .result = format(14, 13, true)},
        {.kind = "scale",
            .name = "norm",
            .weights = small,
            .bias = small,
            .weight = format(16, 1, true),
            .bias_format = format(10, 2, true),
            .result = format(13, 7, true)},
        {.kind = "relu", .name = "relu1", .result = format(5, 2, false)},
        {.kind = "dense",
            .name = "output",
            .units = 1,
            .weights = first,
            .weight = format(4, 1, true),
            .result = format(16, 8, true)},
        {.kind = "relu", .name = "relu2", .result = format(16, 8, false)},
    };
    const mb_twin_program program = {.input = {.rank = 1, .dim = {INPUTS}},
        .input_format = {.bits = 10, .integer = 10},
        .layers = layers,
        .n_layers = MB_COUNT_OF(layers)};
    return mb_twin_create(ctx, &program, NULL, 0, out);
}

// Convolution 4 filters 2x2, relu, dense 16, relu, dense 1, relu.
static mb_status make_second(mb_context *ctx, mb_random *random, float *numbers, mb_twin **out) {
    const float *weights = weights_of(random, numbers, 1);
    const mb_twin_layer layers[] = {
        {.kind = "conv2d",
            .name = "conv",
            .units = 4,
            .window = {2, 2},
            .stride = {2, 2},
            .weights = weights,
            .weight = format(12, 4, true)},
        {.kind = "relu", .name = "relu0", .result = format(10, 6, false)},
        {.kind = "flatten", .name = "flatten"},
        {.kind = "dense",
            .name = "dense1",
            .units = 16,
            .weights = weights,
            .bias = weights,
            .weight = format(8, 2, true),
            .bias_format = format(8, 4, true),
            .accumulator = format(26, 14, true)},
        {.kind = "relu", .name = "relu1", .result = format(10, 6, false)},
        {.kind = "dense",
            .name = "output",
            .units = 1,
            .weights = weights,
            .weight = format(12, 4, true),
            .accumulator = format(26, 14, true)},
        {.kind = "relu", .name = "relu2", .result = format(16, 8, false)},
    };
    const mb_twin_program program = {.input = {.rank = 3, .dim = {18, 14, 1}},
        .input_format = {.bits = 10, .integer = 10},
        .layers = layers,
        .n_layers = MB_COUNT_OF(layers)};
    return mb_twin_create(ctx, &program, NULL, 0, out);
}

static const struct {
    const char *name;
    mb_status (*make)(mb_context *ctx, mb_random *random, float *numbers, mb_twin **out);
} networks[] = {{"student_dense15", make_first}, {"student_conv4", make_second}};

static void measure(const char *name, const char *form, job *j) {
    static double seconds[MOST_REPEATS];
    char metric[96];
    const bench_load before = bench_load_now();
    const size_t n = bench_repeat(run, j, 0.5, 5, MOST_REPEATS, seconds);
    mb_format(metric, sizeof metric, "twin_%s_%s", name, form);
    const bench_figure figure = {.metric = metric,
        .unit = "events/s",
        .value = EVENTS / bench_quantile(seconds, n, 0.5),
        .best = EVENTS / seconds[0],
        .n = n,
        .other = bench_load_other(&before)};
    bench_print("minbias", &figure);
}

static int measure_all(uint32_t mask, const char *set) {
    static float reals[EVENTS * INPUTS], numbers[2 * MOST_WEIGHTS];
    static uint16_t shorts[EVENTS * INPUTS];
    static int64_t scores[EVENTS];
    mb_runtime_settings settings = MB_RUNTIME_SETTINGS_INIT;
    mb_runtime *runtime = NULL;
    mb_context *ctx = NULL;
    settings.cpu_mask = mask;
    if (mb_runtime_create(&settings, &runtime) != MB_OK ||
        mb_context_create(runtime, &ctx) != MB_OK) {
        return 1;
    }
    int failed = 0;
    mb_random random = mb_random_stream(1, MB_PURPOSE_TEST, 0, 0);
    for (size_t i = 0; i < EVENTS * INPUTS; i++) {
        shorts[i] = (uint16_t)mb_random_poisson(&random, 2);
        reals[i] = shorts[i];
    }
    for (size_t i = 0; i < MB_COUNT_OF(networks) && !failed; i++) {
        mb_twin *twin = NULL;
        failed = networks[i].make(ctx, &random, numbers, &twin) != MB_OK;
        job j = {.twin = twin, .scores = scores};
        j.scratch = failed ? NULL : mb_allocate(ctx, 1, mb_twin_scratch(twin));
        failed = failed || j.scratch == NULL;
        for (int k = 0; k < 2 && !failed; k++) {
            char form[32];
            j.rows = k == 0 ? (mb_twin_rows){.u16 = shorts} : (mb_twin_rows){.f32 = reals};
            mb_format(form, sizeof form, "%s_%s", k == 0 ? "u16" : "f32", set);
            measure(networks[i].name, form, &j);
        }
        mb_release(ctx, j.scratch);
        mb_twin_destroy(twin);
    }
    if (failed) {
        fprintf(stderr, "%s\n", mb_context_error_text(ctx));
    }
    mb_context_destroy(ctx);
    mb_runtime_destroy(runtime);
    return failed;
}

int main(void) {
    return measure_all(0, "c") != 0 || measure_all(MB_CPU_AVX2, "avx2") != 0 ||
           measure_all(MB_CPU_ALL, "avx512") != 0;
}
