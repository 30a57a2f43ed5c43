// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// Models with quantisers against QKeras 0.9.0 (tests/golden/quantized.txt): what they predict, and
// steps of gradient descent. And what the layers that fold a normalisation do without quantisers,
// against differences.

#include "qkeras_golden.h"

#include <math.h>

static qkeras_golden g;

static void check_close(
    const char *what, const float *got, const qkeras_numbers *wanted, double most) {
    for (size_t i = 0; i < wanted->n; i++) {
        if (!(fabs((double)got[i] - (double)wanted->value[i]) <= most)) {
            fail_msg("%s: %s[%zu] is %.9g, QKeras has %.9g", g.name, what, i, (double)got[i],
                (double)wanted->value[i]);
        }
    }
}

static void test_quantized__predictions_are_those_of_qkeras(void **state) {
    (void)state;
    static float out[QKERAS_MOST_VALUES];
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    FILE *file = qkeras_golden_open();
    size_t n = 0;
    for (; qkeras_golden_next(file, &g); n++) {
        mb_model *model = NULL;
        qkeras_golden_load(world.ctx, &g, &model);
        qkeras_golden_predict(world.ctx, model, g.x.value, qkeras_golden_rows(&g, model), out);
        check_close("prediction", out, &g.before, 2e-6);
        mb_model_destroy(model);
    }
    assert_true(n >= 8);
    fclose(file);
    mb_test_world_close(&world);
}

// Many rows go in lanes of samples where the layers can, one row does not.
static void test_quantized__one_row_gives_the_bits_of_many(void **state) {
    (void)state;
    static float many[QKERAS_MOST_VALUES];
    static float one[QKERAS_MOST_VALUES];
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    FILE *file = qkeras_golden_open();
    while (qkeras_golden_next(file, &g)) {
        mb_model *model = NULL;
        qkeras_golden_load(world.ctx, &g, &model);
        const size_t n = qkeras_golden_rows(&g, model);
        qkeras_golden_predict(world.ctx, model, g.x.value, n, many);
        for (size_t i = 0; i < n; i++) {
            qkeras_golden_predict(
                world.ctx, model, g.x.value + i * (g.x.n / n), 1, one + i * (g.before.n / n));
        }
        mb_test_assert_same_bits(one, many, g.before.n, sizeof(float), g.name);
        mb_model_destroy(model);
    }
    fclose(file);
    mb_test_world_close(&world);
}

// Mean squared error, row by row: blocks come from several threads.
typedef struct squares {
    const float *target;
    size_t size, n_rows;
    double loss[QKERAS_MOST_VALUES];
} squares;

static void take_loss(void *user, size_t first_row, size_t n_rows, const float *const *outputs,
    float *const *d_outputs) {
    squares *s = user;
    const double n = (double)(s->n_rows * s->size);
    for (size_t i = 0; i < n_rows * s->size; i++) {
        const double d = (double)outputs[0][i] - (double)s->target[first_row * s->size + i];
        d_outputs[0][i] = (float)(2 * d / n);
        s->loss[first_row * s->size + i] = d * d / n;
    }
}

static void descend(const mb_model *model, const float *gradient, float rate, float *parameters) {
    for (size_t i = 0; i < model->n_weights; i++) {
        const mb_weight *weight = model->weights[i];
        for (size_t k = weight->offset; weight->is_trainable && k < weight->offset + weight->count;
             k++) {
            parameters[k] -= rate * gradient[k];
        }
    }
}

static void train(mb_context *ctx, mb_model *model) {
    static float gradient[QKERAS_MOST_VALUES];
    static squares s;
    const size_t n = qkeras_golden_rows(&g, model);
    const mb_plan_settings settings = {.is_training = true, .max_rows = n};
    const mb_input input = {.dense = g.x.value};
    mb_plan *plan = NULL;
    assert_ok(ctx, mb_plan_create(ctx, model, &settings, &plan));
    assert_ok(ctx, mb_plan_reserve(ctx, plan));
    for (size_t step = 0; step < g.losses.n; step++) {
        s = (squares){.target = g.t.value, .size = g.t.n / n, .n_rows = n};
        const mb_train_batch batch = {
            .inputs = &input, .n_rows = n, .step = (uint32_t)step, .parameters = model->parameters};
        mb_plan_load(plan, model->parameters);
        assert_ok(ctx, mb_plan_gradient(ctx, plan, &batch, take_loss, &s, gradient));
        const double wanted = (double)g.losses.value[step];
        double loss = 0;
        for (size_t i = 0; i < n * s.size; i++) {
            loss += s.loss[i];
        }
        if (fabs(loss - wanted) > 2e-6 * (1 + wanted)) {
            fail_msg("%s: loss %zu is %.9g, QKeras has %.9g", g.name, step, loss, wanted);
        }
        descend(model, gradient, 0.05F, model->parameters);
    }
    mb_plan_destroy(plan);
}

static void test_quantized__steps_of_training_are_those_of_qkeras(void **state) {
    (void)state;
    static float out[QKERAS_MOST_VALUES];
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    FILE *file = qkeras_golden_open();
    while (qkeras_golden_next(file, &g)) {
        mb_model *model = NULL;
        qkeras_golden_load(world.ctx, &g, &model);
        train(world.ctx, model);
        check_close("trained weight", model->parameters, &g.trained, 3e-6);
        qkeras_golden_predict(world.ctx, model, g.x.value, qkeras_golden_rows(&g, model), out);
        check_close("prediction of the trained", out, &g.after, 2e-5);
        mb_model_destroy(model);
    }
    fclose(file);
    mb_test_world_close(&world);
}

// A model of layers that fold, without quantisers: then gradients are those of differences.
static const char folding_model[] =
    "{\"class_name\":\"Sequential\",\"config\":{\"name\":\"f\",\"layers\":["
    "{\"class_name\":\"InputLayer\",\"config\":{\"batch_input_shape\":[null,4,5,2],\"name\":\"in\"}"
    "},"
    "{\"class_name\":\"QConv2DBatchnorm\",\"config\":{\"name\":\"conv\",\"filters\":3,"
    "\"kernel_size\":[3,2],\"padding\":\"same\",\"activation\":\"tanh\",\"folding_mode\":\"%s\"%s}}"
    ","
    "{\"class_name\":\"Flatten\",\"config\":{\"name\":\"flat\"}},"
    "{\"class_name\":\"QDenseBatchnorm\",\"config\":{\"name\":\"dense\",\"units\":4,"
    "\"folding_mode\":\"%s\"%s}}]}}";

enum { FOLDING_ROWS = 9, FOLDING_IN = 40, FOLDING_OUT = 4 };

// The sum of outputs with fixed weights, and its gradient.
static void take_weighted(void *user, size_t first_row, size_t n_rows, const float *const *outputs,
    float *const *d_outputs) {
    double *sum = user;
    for (size_t i = 0; i < n_rows * FOLDING_OUT; i++) {
        const float weight = (float)((first_row * FOLDING_OUT + i) * 7 % 11) / 11 - 0.4F;
        d_outputs[0][i] = weight;
        *sum += (double)(weight * outputs[0][i]);
    }
}

// One pass with a copy of the parameters, as training moves averages.
static double run_pass(mb_context *ctx, mb_plan *plan, const mb_model *model,
    const float *parameters, const float *x, float *gradient) {
    static float moved[1024];
    double sum = 0;
    const mb_input input = {.dense = x};
    const mb_train_batch batch = {.inputs = &input, .n_rows = FOLDING_ROWS, .parameters = moved};
    assert_true(model->n_parameters <= MB_COUNT_OF(moved));
    memcpy(moved, parameters, model->n_parameters * sizeof *moved);
    mb_plan_load(plan, moved);
    assert_ok(ctx, mb_plan_gradient(ctx, plan, &batch, take_weighted, &sum, gradient));
    return sum;
}

static void fill(float *values, size_t n, size_t salt, float least) {
    for (size_t i = 0; i < n; i++) {
        values[i] = (float)((i * 7919 + salt * 104729) % 1009) / 1009 * 2 - 1;
        values[i] = least > 0 ? fabsf(values[i]) + least : values[i];
    }
}

static void check_differences(const char *mode, const char *more) {
    static float parameters[1024];
    static float gradient[1024];
    static float unused[1024];
    static float x[FOLDING_ROWS * FOLDING_IN];
    char text[1024];
    mb_test_world world;
    mb_model *model = NULL;
    mb_plan *plan = NULL;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    snprintf(text, sizeof text, folding_model, mode, more, mode, more);
    assert_ok(world.ctx, mb_model_load_config(world.ctx, "f", text, strlen(text), &model));
    fill(x, MB_COUNT_OF(x), 3, 0);
    for (size_t i = 0; i < model->n_weights; i++) {
        const mb_weight *w = model->weights[i];
        const bool is_positive = strstr(w->name, "gamma") != NULL || strstr(w->name, "var") != NULL;
        fill(parameters + w->offset, w->count, i, is_positive ? 0.5F : 0);
        if (strcmp(w->name, "iteration") == 0) {
            parameters[w->offset] = -1;
        }
    }
    const mb_plan_settings settings = {.is_training = true, .max_rows = FOLDING_ROWS};
    assert_ok(world.ctx, mb_plan_create(world.ctx, model, &settings, &plan));
    assert_ok(world.ctx, mb_plan_reserve(world.ctx, plan));
    run_pass(world.ctx, plan, model, parameters, x, gradient);
    for (size_t i = 0; i < model->n_weights; i++) {
        const mb_weight *w = model->weights[i];
        for (size_t k = w->offset; w->is_trainable && k < w->offset + w->count; k += 3) {
            const float kept = parameters[k];
            const float step = 4e-3F;
            parameters[k] = kept + step;
            const double above = run_pass(world.ctx, plan, model, parameters, x, unused);
            parameters[k] = kept - step;
            const double below = run_pass(world.ctx, plan, model, parameters, x, unused);
            parameters[k] = kept;
            const double wanted = (above - below) / (2 * (double)step);
            if (fabs((double)gradient[k] - wanted) > 4e-3 + 1e-2 * fabs(wanted)) {
                fail_msg("%s%s: %s/%s[%zu] has gradient %.6g, differences say %.6g", mode, more,
                    w->layer->name, w->name, k - w->offset, (double)gradient[k], wanted);
            }
        }
    }
    mb_plan_destroy(plan);
    mb_model_destroy(model);
    mb_test_world_close(&world);
}

static void test_quantized__gradients_through_folding_are_those_of_differences(void **state) {
    (void)state;
    check_differences("ema_stats_folding", "");
    check_differences("batch_stats_folding", "");
    check_differences("ema_stats_folding", ",\"ema_freeze_delay\":-2");
    check_differences("batch_stats_folding", ",\"use_bias\":false");
    check_differences("ema_stats_folding", ",\"scale\":false,\"center\":false");
}

// All models, two steps, on so many threads and with so many instructions.
static void hash_training(unsigned n_threads, uint32_t cpu, char (*hashes)[65]) {
    mb_test_world world;
    mb_test_world_open(&world, n_threads, cpu);
    FILE *file = qkeras_golden_open();
    for (size_t i = 0; qkeras_golden_next(file, &g); i++) {
        mb_model *model = NULL;
        qkeras_golden_load(world.ctx, &g, &model);
        train(world.ctx, model);
        mb_model_hash(model, model->parameters, hashes[i]);
        mb_model_destroy(model);
    }
    fclose(file);
    mb_test_world_close(&world);
}

static void test_quantized__bits_do_not_depend_on_threads_or_instruction_sets(void **state) {
    (void)state;
    static char wanted[16][65];
    static char got[16][65];
    const uint32_t masks[] = {0, MB_CPU_ALL};
    hash_training(1, 0, wanted);
    for (unsigned n_threads = 1; n_threads <= 3; n_threads++) {
        for (size_t m = 0; m < MB_COUNT_OF(masks); m++) {
            hash_training(n_threads, masks[m], got);
            for (size_t i = 0; i < MB_COUNT_OF(wanted); i++) {
                assert_string_equal(got[i], wanted[i]);
            }
        }
    }
}

static void test_quantized__steps_allocate_nothing(void **state) {
    (void)state;
    static float gradient[QKERAS_MOST_VALUES];
    mb_test_world world;
    mb_test_memory memory;
    mb_test_world_open_short(&world, &memory);
    FILE *file = qkeras_golden_open();
    while (qkeras_golden_next(file, &g)) {
        mb_model *model = NULL;
        mb_plan *plan = NULL;
        qkeras_golden_load(world.ctx, &g, &model);
        const size_t n = qkeras_golden_rows(&g, model);
        const mb_plan_settings settings = {.is_training = true, .max_rows = n};
        const mb_input input = {.dense = g.x.value};
        const mb_train_batch batch = {
            .inputs = &input, .n_rows = n, .parameters = model->parameters};
        static squares s;
        s = (squares){.target = g.t.value, .size = g.t.n / n, .n_rows = n};
        assert_ok(world.ctx, mb_plan_create(world.ctx, model, &settings, &plan));
        assert_ok(world.ctx, mb_plan_reserve(world.ctx, plan));
        memory.left = 0;
        mb_plan_load(plan, model->parameters);
        assert_ok(world.ctx, mb_plan_gradient(world.ctx, plan, &batch, take_loss, &s, gradient));
        memory.left = SIZE_MAX;
        mb_plan_destroy(plan);
        mb_model_destroy(model);
    }
    fclose(file);
    mb_test_world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quantized__predictions_are_those_of_qkeras),
        cmocka_unit_test(test_quantized__one_row_gives_the_bits_of_many),
        cmocka_unit_test(test_quantized__steps_of_training_are_those_of_qkeras),
        cmocka_unit_test(test_quantized__gradients_through_folding_are_those_of_differences),
        cmocka_unit_test(test_quantized__bits_do_not_depend_on_threads_or_instruction_sets),
        cmocka_unit_test(test_quantized__steps_allocate_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
