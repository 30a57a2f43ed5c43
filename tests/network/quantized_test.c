// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// Models with quantisers against QKeras 0.9.0 (tests/golden/quantized.txt): what they predict, and
// steps of gradient descent. And what the layers that fold a normalisation do without quantisers,
// against differences.

#include "testing.h"

#include "base/numbers.h"
#include "exchange/keras.h"
#include "network/plan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_LINE = 65536, MOST_VALUES = 4096 };

typedef struct numbers {
    size_t n;
    float value[MOST_VALUES];
} numbers;

// A model of the golden file.
typedef struct golden {
    char name[32], json[MOST_LINE];
    numbers weights, x, t, before, losses, trained, after;
} golden;

static golden g;
static char line[MOST_LINE];

static void read_hexes(char *text, numbers *out) {
    out->n = 0;
    for (char *word = strtok(text, " \n"); word != NULL; word = strtok(NULL, " \n")) {
        const uint32_t bits = (uint32_t)strtoul(word, NULL, 16);
        assert_true(out->n < MOST_VALUES);
        memcpy(&out->value[out->n++], &bits, sizeof bits);
    }
}

static bool next_golden(FILE *file) {
    const struct {
        const char *key;
        numbers *into;
    } arrays[] = {{"weights", &g.weights}, {"x", &g.x}, {"t", &g.t}, {"before", &g.before},
        {"losses", &g.losses}, {"trained", &g.trained}, {"after", &g.after}};
    while (fgets(line, sizeof line, file) != NULL) {
        char *rest = strchr(line, ' ');
        assert_non_null(rest);
        *rest++ = '\0';
        rest[strcspn(rest, "\n")] = '\0';
        if (strcmp(line, "model") == 0) {
            snprintf(g.name, sizeof g.name, "%.31s", rest);
        } else if (strcmp(line, "json") == 0) {
            memcpy(g.json, rest, strlen(rest) + 1);
        }
        for (size_t i = 0; i < MB_COUNT_OF(arrays); i++) {
            if (strcmp(line, arrays[i].key) == 0) {
                read_hexes(rest, arrays[i].into);
            }
        }
        if (strcmp(line, "after") == 0) {
            return true;
        }
    }
    return false;
}

static FILE *open_golden(void) {
    FILE *file = fopen("tests/golden/quantized.txt", "r");
    assert_non_null(file);
    return file;
}

static void load_golden(mb_context *ctx, mb_model **model) {
    assert_ok(ctx, mb_model_load_config(ctx, g.name, g.json, strlen(g.json), model));
    if ((*model)->n_parameters != g.weights.n) {
        fail_msg("%s: %zu parameters, wanted %zu", g.name, (*model)->n_parameters, g.weights.n);
    }
    memcpy((*model)->parameters, g.weights.value, g.weights.n * sizeof(float));
}

static size_t rows_of(const mb_model *model) {
    return g.x.n / mb_value_size(&model->values[model->inputs[0]].type);
}

static void predict(mb_context *ctx, const mb_model *model, const float *x, size_t n, float *out) {
    const mb_plan_settings settings = {.max_rows = n};
    mb_plan *plan = NULL;
    assert_ok(ctx, mb_plan_create(ctx, model, &settings, &plan));
    mb_plan_load(plan, model->parameters);
    void *scratch = aligned_alloc(64, mb_round_up(mb_plan_scratch_bytes(plan), 64));
    const mb_input input = {.dense = x};
    mb_plan_predict(plan, scratch, &input, n, &out);
    free(scratch);
    mb_plan_destroy(plan);
}

static void check_close(const char *what, const float *got, const numbers *wanted, double most) {
    for (size_t i = 0; i < wanted->n; i++) {
        if (!(fabs((double)got[i] - (double)wanted->value[i]) <= most)) {
            fail_msg("%s: %s[%zu] is %.9g, QKeras has %.9g", g.name, what, i, (double)got[i],
                (double)wanted->value[i]);
        }
    }
}

static void test_quantized__predictions_are_those_of_qkeras(void **state) {
    (void)state;
    static float out[MOST_VALUES];
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    FILE *file = open_golden();
    size_t n = 0;
    for (; next_golden(file); n++) {
        mb_model *model = NULL;
        load_golden(world.ctx, &model);
        predict(world.ctx, model, g.x.value, rows_of(model), out);
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
    static float gradient[MOST_VALUES];
    const size_t n = rows_of(model);
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
    static float out[MOST_VALUES];
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    FILE *file = open_golden();
    while (next_golden(file)) {
        mb_model *model = NULL;
        load_golden(world.ctx, &model);
        train(world.ctx, model);
        check_close("trained weight", model->parameters, &g.trained, 3e-6);
        predict(world.ctx, model, g.x.value, rows_of(model), out);
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
