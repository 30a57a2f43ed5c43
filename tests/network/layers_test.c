// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "cases.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

// Every kind of layer that the list has, by the cases of tests/golden/layers.txt.

static case_list list;

static int read_cases(void **state) {
    (void)state;
    cases_read(&list);
    return 0;
}

static int free_cases(void **state) {
    (void)state;
    cases_free(&list);
    return 0;
}

static float *make_floats(size_t n) {
    float *floats = calloc(n > 0 ? n : 1, sizeof *floats);
    assert_non_null(floats);
    return floats;
}

static void test_layers__every_kind_has_three_cases(void **state) {
    (void)state;
    for (size_t i = 0; mb_layer_list[i] != NULL; i++) {
        const char *name = mb_layer_list[i]->name;
        // Graphs are held against PyTorch in graph_test.c. Kinds with quantisers: straight-through
        // gradients are not those of differences; these are held against QKeras in
        // quantized_test.c.
        size_t n = mb_layer_list[i]->moves_axes || strcmp(name, "input") == 0 ||
                           strncmp(name, "q_", 2) == 0
                       ? 3
                       : 0;
        for (size_t k = 0; k < list.n; k++) {
            n += strcmp(list.cases[k].kind, mb_layer_list[i]->name) == 0;
        }
        if (n < 3) {
            fail_msg("layer kind %s has %zu cases; add at least %zu to tests/golden/layers.py",
                mb_layer_list[i]->name, n, 3 - n);
        }
    }
}

static void test_layers__every_kind_is_found_by_both_names(void **state) {
    (void)state;
    for (size_t i = 0; mb_layer_list[i] != NULL; i++) {
        const mb_layer_ops *ops = mb_layer_list[i];
        assert_ptr_equal(mb_layer_find(ops->name), ops);
        assert_ptr_equal(mb_layer_find(ops->class_name), ops);
        assert_true(strlen(ops->help) > 5);
    }
    assert_null(mb_layer_find("conv4d"));
}

static void test_layers__shapes_are_those_of_keras(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    for (size_t i = 0; i < list.n; i++) {
        const layer_case *c = &list.cases[i];
        mb_model *model = NULL;
        case_model(world.ctx, c, &model);
        const mb_value_type *got = &model->values[model->outputs[0]].type;
        if (got->rank != c->output.rank ||
            memcmp(got->dim, c->output.dim, got->rank * sizeof *got->dim) != 0) {
            char a[96];
            char b[96];
            fail_msg("%s: shape %s, wanted %s", case_text(c), mb_value_text(got, a, sizeof a),
                mb_value_text(&c->output, b, sizeof b));
        }
        mb_model_destroy(model);
    }
    mb_test_world_close(&world);
}

// Predicts two rows of a case into out.
static void predict_case(mb_context *ctx, const layer_case *c, float *out) {
    enum { ROWS = 2 };
    mb_model *model = NULL;
    mb_plan *plan = NULL;
    mb_input inputs[CASE_MOST_INPUTS] = {{0}};
    float *rows[CASE_MOST_INPUTS];
    case_model(ctx, c, &model);
    case_parameters(model, "case", model->parameters);
    for (size_t i = 0; i < c->n_inputs; i++) {
        rows[i] = make_floats(ROWS * mb_value_size(&c->inputs[i]));
        case_numbers(rows[i], ROWS * mb_value_size(&c->inputs[i]), i);
        inputs[i].dense = rows[i];
    }
    const mb_plan_settings settings = {.max_rows = ROWS};
    assert_ok(ctx, mb_plan_create(ctx, model, &settings, &plan));
    mb_plan_load(plan, model->parameters);
    void *scratch = mb_allocate(ctx, mb_plan_scratch_bytes(plan), 1);
    assert_non_null(scratch);
    const uint64_t before = mb_runtime_allocations(mb_context_runtime(ctx));
    mb_plan_predict(plan, scratch, inputs, ROWS, &out);
    if (mb_runtime_allocations(mb_context_runtime(ctx)) != before) {
        fail_msg("%s: prediction allocates", case_text(c));
    }
    mb_release(ctx, scratch);
    mb_plan_destroy(plan);
    mb_model_destroy(model);
    for (size_t i = 0; i < c->n_inputs; i++) {
        free(rows[i]);
    }
}

static void test_layers__outputs_are_those_of_keras(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    for (size_t i = 0; i < list.n; i++) {
        const layer_case *c = &list.cases[i];
        float *out = make_floats(c->n_values);
        predict_case(world.ctx, c, out);
        mb_test_assert_close(out, c->values, c->n_values, 3e-6, 5e-6, case_text(c));
        free(out);
    }
    mb_test_world_close(&world);
}

// A training step on a case behind its sources: a loss with fixed random factors.
enum { ROWS = 19, SEEDS = 3 };

typedef struct trainee {
    mb_context *ctx;
    mb_model *model;
    mb_plan *plan;
    float *rows, *parameters, *work, *gradient, *factors, *outputs;
    double losses[ROWS];
    size_t out_size, n_rows;
} trainee;

static void project(void *user, size_t first_row, size_t n_rows, const float *const *outputs,
    float *const *d_outputs) {
    trainee *t = user;
    for (size_t r = 0; r < n_rows; r++) {
        const size_t row = first_row + r;
        t->losses[row] = 0;
        for (size_t i = 0; i < t->out_size; i++) {
            const float factor = t->factors[row * t->out_size + i];
            t->losses[row] += (double)factor * (double)outputs[0][r * t->out_size + i];
            t->outputs[row * t->out_size + i] = outputs[0][r * t->out_size + i];
            d_outputs[0][r * t->out_size + i] = factor;
        }
    }
}

static void open_trainee(trainee *t, mb_context *ctx, const layer_case *c, bool is_frozen) {
    memset(t, 0, sizeof *t);
    t->ctx = ctx;
    case_source_model(ctx, c, &t->model);
    ((mb_layer *)(uintptr_t)mb_model_find_layer(t->model, "case"))->is_trainable = !is_frozen;
    const size_t n = t->model->n_parameters;
    t->n_rows = ROWS;
    t->out_size = mb_value_size(&c->output);
    t->rows = make_floats(ROWS * SEEDS);
    t->parameters = make_floats(n);
    t->work = make_floats(n);
    t->gradient = make_floats(n);
    t->factors = make_floats(ROWS * t->out_size);
    t->outputs = make_floats(ROWS * t->out_size);
    case_numbers(t->rows, ROWS * SEEDS, 9);
    case_numbers(t->factors, ROWS * t->out_size, 4);
    case_parameters(t->model, "case", t->parameters);
    for (size_t i = 0; i < c->n_inputs; i++) {
        char name[32];
        snprintf(name, sizeof name, "source%zu", i);
        case_parameters(t->model, name, t->parameters);
        // Inputs must differ, or maxima would tie.
        for (size_t k = 0; k < mb_value_size(&c->inputs[i]); k++) {
            t->parameters[mb_model_find_weight(t->model, name, "bias")->offset + k] +=
                0.37F * (float)i;
        }
    }
    const mb_plan_settings settings = {.is_training = true, .max_rows = ROWS};
    assert_ok(ctx, mb_plan_create(ctx, t->model, &settings, &t->plan));
    assert_ok(ctx, mb_plan_reserve(ctx, t->plan));
}

static void close_trainee(trainee *t) {
    mb_plan_destroy(t->plan);
    mb_model_destroy(t->model);
    free(t->rows);
    free(t->parameters);
    free(t->work);
    free(t->gradient);
    free(t->factors);
    free(t->outputs);
}

// The loss; gradient in t->gradient, parameters after the step in t->work.
static double step_trainee(trainee *t) {
    const mb_input input = {.dense = t->rows};
    const mb_train_batch batch = {
        .inputs = &input, .n_rows = t->n_rows, .seed = 5, .step = 7, .parameters = t->work};
    double loss = 0;
    memcpy(t->work, t->parameters, t->model->n_parameters * sizeof *t->work);
    mb_plan_load(t->plan, t->work);
    assert_ok(t->ctx, mb_plan_gradient(t->ctx, t->plan, &batch, project, t, t->gradient));
    for (size_t i = 0; i < t->n_rows; i++) {
        loss += t->losses[i];
    }
    return loss;
}

static bool is_in_layer(const mb_weight *weight, const char *layer) {
    return strcmp(weight->layer->name, layer) == 0;
}

// Whether a difference quotient is near enough to wanted: a central one at some width, or, where a
// kink lies on one side, that of the other side.
static bool agrees(trainee *t, size_t parameter, double wanted, double *nearest) {
    static const float widths[] = {0.015625F, 0.00390625F, 0.0009765625F, 0.000244140625F};
    const float value = t->parameters[parameter];
    const double here = step_trainee(t);
    *nearest = INFINITY;
    for (size_t i = 0; i < MB_COUNT_OF(widths); i++) {
        const float above = value + widths[i];
        const float below = value - widths[i];
        t->parameters[parameter] = above;
        const double loss_above = step_trainee(t);
        t->parameters[parameter] = below;
        const double loss_below = step_trainee(t);
        t->parameters[parameter] = value;
        const double slopes[] = {(loss_above - loss_below) / ((double)above - (double)below),
            (loss_above - here) / ((double)above - (double)value),
            (here - loss_below) / ((double)value - (double)below)};
        for (size_t k = 0; k < MB_COUNT_OF(slopes); k++) {
            if (fabs(slopes[k] - wanted) < fabs(*nearest - wanted)) {
                *nearest = slopes[k];
            }
        }
        if (fabs(*nearest - wanted) <= 2e-3 + 4e-3 * fabs(wanted)) {
            return true;
        }
    }
    return false;
}

static void check_gradient(mb_context *ctx, const layer_case *c, bool is_frozen) {
    trainee t;
    open_trainee(&t, ctx, c, is_frozen);
    float *gradient = make_floats(t.model->n_parameters);
    step_trainee(&t);
    memcpy(gradient, t.gradient, t.model->n_parameters * sizeof *gradient);
    for (size_t i = 0; i < t.model->n_weights; i++) {
        const mb_weight *weight = t.model->weights[i];
        // Every weight of the layer, its inputs' biases, and some of what makes rows differ.
        const bool is_source = !is_in_layer(weight, "case");
        const size_t stride =
            is_source ? (strcmp(weight->name, "kernel") == 0 ? 7 : 1) : 1 + weight->count / 50;
        for (size_t k = 0; k < weight->count && (is_source || !is_frozen); k += stride) {
            double slope = 0;
            if (weight->is_trainable &&
                !agrees(&t, weight->offset + k, (double)gradient[weight->offset + k], &slope)) {
                fail_msg("%s: gradient by %s/%s[%zu] is %g, differences give %g", case_text(c),
                    weight->layer->name, weight->name, k, (double)gradient[weight->offset + k],
                    slope);
            }
        }
    }
    free(gradient);
    close_trainee(&t);
}

static void test_layers__gradients_are_those_of_differences(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    for (size_t i = 0; i < list.n; i++) {
        check_gradient(world.ctx, &list.cases[i], false);
    }
    mb_test_world_close(&world);
}

static void test_layers__a_frozen_normalization_uses_moving_averages(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    for (size_t i = 0; i < list.n; i++) {
        if (strcmp(list.cases[i].kind, "batch_normalization") == 0) {
            trainee t;
            check_gradient(world.ctx, &list.cases[i], true);
            open_trainee(&t, world.ctx, &list.cases[i], true);
            step_trainee(&t);
            mb_test_assert_same_bits(t.work, t.parameters, t.model->n_parameters, sizeof(float),
                "parameters after a step with a frozen layer");
            close_trainee(&t);
        }
    }
    mb_test_world_close(&world);
}

// One step's outputs, gradient and moved parameters with some threads and instruction sets.
static void check_same_bits(const layer_case *c, unsigned n_threads, uint32_t cpu) {
    mb_test_world plain_world;
    mb_test_world world;
    trainee plain;
    trainee t;
    char what[700];
    mb_test_world_open(&plain_world, 1, 0);
    mb_test_world_open(&world, n_threads, cpu);
    open_trainee(&plain, plain_world.ctx, c, false);
    open_trainee(&t, world.ctx, c, false);
    step_trainee(&plain);
    step_trainee(&t);
    const uint64_t before = mb_runtime_allocations(world.runtime);
    step_trainee(&t);
    if (mb_runtime_allocations(world.runtime) != before) {
        fail_msg("%s: a training step allocates", case_text(c));
    }
    snprintf(what, sizeof what, "%s with %u threads, instruction sets %u", case_text(c), n_threads,
        (unsigned)cpu);
    const size_t n = t.model->n_parameters;
    mb_test_assert_same_bits(t.outputs, plain.outputs, ROWS * t.out_size, sizeof(float), what);
    mb_test_assert_same_bits(t.gradient, plain.gradient, n, sizeof(float), what);
    mb_test_assert_same_bits(t.work, plain.work, n, sizeof(float), what);
    close_trainee(&t);
    close_trainee(&plain);
    mb_test_world_close(&world);
    mb_test_world_close(&plain_world);
}

static void test_layers__bits_do_not_depend_on_threads(void **state) {
    (void)state;
    static const unsigned threads[] = {2, 3, 7};
    for (size_t i = 0; i < list.n; i++) {
        check_same_bits(&list.cases[i], threads[i % MB_COUNT_OF(threads)], 0);
    }
}

static void test_layers__bits_do_not_depend_on_instruction_sets(void **state) {
    (void)state;
    static const uint32_t masks[] = {MB_CPU_AVX2, MB_CPU_ALL};
    static const char *const names[] = {"AVX2", "AVX-512"};
    size_t n_checked = 0;
    for (size_t m = 0; m < MB_COUNT_OF(masks); m++) {
        mb_test_world world;
        mb_test_world_open(&world, 1, masks[m]);
        const uint32_t has = mb_runtime_cpu(world.runtime);
        mb_test_world_close(&world);
        if (has != masks[m]) {
            print_message("SKIPPED: this build or machine lacks %s\n", names[m]);
            continue;
        }
        for (size_t i = 0; i < list.n; i++) {
            check_same_bits(&list.cases[i], 1, masks[m]);
        }
        n_checked++;
    }
    if (n_checked == 0) {
        skip();
    }
}

static void test_layers__no_rows_are_no_update(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 2, MB_CPU_ALL);
    for (size_t i = 0; i < list.n; i++) {
        trainee t;
        open_trainee(&t, world.ctx, &list.cases[i], false);
        t.n_rows = 0;
        memset(t.gradient, 1, t.model->n_parameters * sizeof *t.gradient);
        assert_true(step_trainee(&t) == 0);
        for (size_t k = 0; k < t.model->n_parameters; k++) {
            assert_true(t.gradient[k] == 0 && t.work[k] == t.parameters[k]);
        }
        close_trainee(&t);
    }
    mb_test_world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layers__every_kind_has_three_cases),
        cmocka_unit_test(test_layers__every_kind_is_found_by_both_names),
        cmocka_unit_test(test_layers__shapes_are_those_of_keras),
        cmocka_unit_test(test_layers__outputs_are_those_of_keras),
        cmocka_unit_test(test_layers__gradients_are_those_of_differences),
        cmocka_unit_test(test_layers__a_frozen_normalization_uses_moving_averages),
        cmocka_unit_test(test_layers__bits_do_not_depend_on_threads),
        cmocka_unit_test(test_layers__bits_do_not_depend_on_instruction_sets),
        cmocka_unit_test(test_layers__no_rows_are_no_update),
    };
    return cmocka_run_group_tests(tests, read_cases, free_cases);
}
