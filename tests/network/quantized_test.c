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

// Mean squared error; adds each block's to *loss.
typedef struct squares {
    const float *target;
    size_t size, n_rows;
    double loss;
} squares;

static void take_loss(void *user, size_t first_row, size_t n_rows, const float *const *outputs,
    float *const *d_outputs) {
    squares *s = user;
    const double n = (double)(s->n_rows * s->size);
    for (size_t i = 0; i < n_rows * s->size; i++) {
        const double d = (double)outputs[0][i] - (double)s->target[first_row * s->size + i];
        d_outputs[0][i] = (float)(2 * d / n);
        s->loss += d * d / n;
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
    const size_t n = qkeras_golden_rows(&g, model);
    const mb_plan_settings settings = {.is_training = true, .max_rows = n};
    const mb_input input = {.dense = g.x.value};
    mb_plan *plan = NULL;
    assert_ok(ctx, mb_plan_create(ctx, model, &settings, &plan));
    assert_ok(ctx, mb_plan_reserve(ctx, plan));
    for (size_t step = 0; step < g.losses.n; step++) {
        squares s = {g.t.value, g.t.n / n, n, 0};
        const mb_train_batch batch = {
            .inputs = &input, .n_rows = n, .step = (uint32_t)step, .parameters = model->parameters};
        mb_plan_load(plan, model->parameters);
        assert_ok(ctx, mb_plan_gradient(ctx, plan, &batch, take_loss, &s, gradient));
        const double wanted = (double)g.losses.value[step];
        if (fabs(s.loss - wanted) > 2e-6 * (1 + wanted)) {
            fail_msg("%s: loss %zu is %.9g, QKeras has %.9g", g.name, step, s.loss, wanted);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quantized__predictions_are_those_of_qkeras),
        cmocka_unit_test(test_quantized__steps_of_training_are_those_of_qkeras),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
