// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "cases.h"
#include "minbias/predictor.h"

#include <stdlib.h>

// Every allocation fails once: the call says so, gives nothing, and frees what it had.

typedef struct meter {
    size_t n_left; // allocations that still succeed
    size_t n_live;
} meter;

static void *allocate(void *user, size_t bytes) {
    meter *m = user;
    if (m->n_left == 0) {
        return NULL;
    }
    m->n_left--;
    m->n_live++;
    return aligned_alloc(64, mb_round_up(bytes, 64));
}

static void release(void *user, void *memory) {
    meter *m = user;
    m->n_live -= memory != NULL;
    free(memory);
}

static void open_metered(meter *m, mb_test_world *world) {
    mb_runtime_settings settings = MB_RUNTIME_SETTINGS_INIT;
    settings.allocator = (mb_allocator){allocate, release, m};
    settings.n_threads = 1;
    *m = (meter){.n_left = SIZE_MAX};
    assert_int_equal(mb_runtime_create(&settings, &world->runtime), MB_OK);
    assert_int_equal(mb_context_create(world->runtime, &world->ctx), MB_OK);
}

static mb_status add(mb_context *ctx, mb_model *model, const char *kind, const char *options,
    const size_t *inputs, size_t n_inputs, size_t *output) {
    mb_layer *layer = NULL;
    MB_TRY(case_add_layer(ctx, model, kind, NULL, options, &layer));
    return mb_model_call(ctx, model, layer, inputs, n_inputs, output);
}

// Most kinds of steps: convolutions fused and not, with and without activity, a transposition,
// statistics of a batch, tables of places.
static mb_status fill(mb_context *ctx, mb_model *model) {
    static const char *const chain[][2] = {
        {"conv2d", "{\"filters\": 3, \"kernel_size\": 3, \"data_format\": \"channels_first\"}"},
        {"activation", "{\"activation\": \"relu\"}"},
        {"max_pooling2d", "{\"data_format\": \"channels_first\"}"},
        {"conv2d", "{\"filters\": 2, \"kernel_size\": 3, \"data_format\": \"channels_first\"}"},
        {"batch_normalization", "{\"axis\": 1}"}, {"permute", "{\"dims\": [2, 3, 1]}"},
        {"separable_conv2d", "{\"filters\": 2, \"kernel_size\": 2}"},
        {"conv2d_transpose", "{\"filters\": 2, \"kernel_size\": 2}"}, {"average_pooling2d", "{}"},
        {"p_re_lu", "{}"}, {"dropout", "{\"rate\": 0.25}"}, {"flatten", "{}"},
        {"dense", "{\"units\": 3}"}, {"softmax", "{}"}};
    const mb_value_type grid = {.rank = 3, .dim = {2, 33, 30}};
    const mb_value_type row = {.rank = 1, .dim = {3}};
    size_t values[2] = {0, 0};
    MB_TRY(mb_model_add_input(ctx, model, "grid", &grid, &values[0]));
    MB_TRY(mb_model_add_input(ctx, model, "row", &row, &values[1]));
    for (size_t i = 0; i < MB_COUNT_OF(chain); i++) {
        MB_TRY(add(ctx, model, chain[i][0], chain[i][1], &values[0], 1, &values[0]));
    }
    MB_TRY(
        mb_model_add_group_call(ctx, model, "group", "Functional", &values[1], 1, &values[0], 1));
    MB_TRY(add(ctx, model, "concatenate", "{}", values, 2, &values[0]));
    MB_TRY(mb_model_finish(ctx, model, NULL, 0, values, 1));
    return mb_model_initialize(ctx, model, 1, model->parameters);
}

static mb_status make_model(mb_context *ctx, const mb_model *unused, void **out) {
    mb_model *model = NULL;
    (void)unused;
    MB_TRY(mb_model_begin(ctx, "metered", &model));
    const mb_status status = fill(ctx, model);
    if (status != MB_OK) {
        mb_model_destroy(model);
        return status;
    }
    *out = model;
    return MB_OK;
}

static void destroy_model(void *made) {
    mb_model_destroy(made);
}

// What a failing call must overwrite.
static void *not_null(void) {
    static char byte;
    return &byte;
}

static const bool sparse_first[2] = {true, false};

static mb_status make_plan(mb_context *ctx, const mb_model *model, void **out) {
    const mb_plan_settings settings = {.max_rows = 4, .sparse_inputs = sparse_first};
    mb_plan *plan = not_null();
    const mb_status status = mb_plan_create(ctx, model, &settings, &plan);
    *out = plan;
    return status;
}

static mb_status make_training(mb_context *ctx, const mb_model *model, void **out) {
    const mb_plan_settings settings = {.is_training = true, .max_rows = 4};
    mb_plan *plan = not_null();
    mb_status status = mb_plan_create(ctx, model, &settings, &plan);
    if (status == MB_OK && mb_plan_reserve(ctx, plan) != MB_OK) {
        status = MB_ERR_MEMORY;
        mb_plan_destroy(plan);
        plan = NULL;
    }
    *out = plan;
    return status;
}

static void destroy_plan(void *made) {
    mb_plan_destroy(made);
}

static mb_status make_predictor(mb_context *ctx, const mb_model *model, void **out) {
    mb_predictor *predictor = not_null();
    const mb_status status = mb_predictor_create(ctx, model, NULL, &predictor);
    *out = predictor;
    return status;
}

static void destroy_predictor(void *made) {
    mb_predictor_destroy(made);
}

static void fail_each(mb_status (*make)(mb_context *ctx, const mb_model *model, void **out),
    void (*destroy)(void *made), size_t least) {
    meter m;
    mb_test_world world;
    void *model = NULL;
    open_metered(&m, &world);
    assert_ok(world.ctx, make_model(world.ctx, NULL, &model));
    const size_t n_before = m.n_live;
    mb_status status = MB_ERR_MEMORY;
    size_t k = 0;
    for (; status != MB_OK; k++) {
        void *made = NULL;
        m.n_left = k;
        status = make(world.ctx, model, &made);
        m.n_left = SIZE_MAX;
        if (status == MB_OK) {
            assert_non_null(made);
            destroy(made);
        } else {
            assert_null(made);
            assert_fails(world.ctx, status, MB_ERR_MEMORY, "memory");
        }
        assert_int_equal(m.n_live, n_before);
    }
    assert_true(k > least);
    mb_model_destroy(model);
    mb_test_world_close(&world);
    assert_int_equal(m.n_live, 0);
}

static void test_failure__a_model_survives_a_lack_of_memory(void **state) {
    (void)state;
    fail_each(make_model, destroy_model, 10);
}

static void test_failure__a_plan_survives_a_lack_of_memory(void **state) {
    (void)state;
    fail_each(make_plan, destroy_plan, 4);
}

static void test_failure__a_training_survives_a_lack_of_memory(void **state) {
    (void)state;
    fail_each(make_training, destroy_plan, 5);
}

static void test_failure__a_predictor_survives_a_lack_of_memory(void **state) {
    (void)state;
    fail_each(make_predictor, destroy_predictor, 6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failure__a_model_survives_a_lack_of_memory),
        cmocka_unit_test(test_failure__a_plan_survives_a_lack_of_memory),
        cmocka_unit_test(test_failure__a_training_survives_a_lack_of_memory),
        cmocka_unit_test(test_failure__a_predictor_survives_a_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
