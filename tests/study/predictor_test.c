// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "files/yaml.h"
#include "minbias/predictor.h"
#include "network/model.h"

#include <pthread.h>
#include <stdlib.h>

enum { N_EVENTS = 5, SIZE = 8 * 8 * 2 };

// conv, pool, flatten, dense over one (8, 8, 2) input.
static mb_model *make_model(mb_context *ctx, uint64_t seed) {
    static const struct {
        const char *kind, *options;
    } layers[] = {{"conv2d", "{filters: 3, kernel: 3, padding: same, activation: relu}"},
        {"max_pooling2d", "{pool: 2}"}, {"flatten", "{}"},
        {"dense", "{units: 1, activation: sigmoid}"}};
    const mb_value_type type = {.axis = MB_AXIS_EVENTS, .rank = 3, .dim = {8, 8, 2}};
    mb_model *model = NULL;
    size_t value = 0;
    assert_ok(ctx, mb_model_begin(ctx, "small", &model));
    assert_ok(ctx, mb_model_add_input(ctx, model, "x", &type, &value));
    for (size_t i = 0; i < MB_COUNT_OF(layers); i++) {
        mb_document document;
        mb_layer *layer = NULL;
        assert_ok(ctx,
            mb_yaml_parse(ctx, "options", layers[i].options, strlen(layers[i].options), &document));
        assert_ok(ctx,
            mb_model_add_layer(ctx, model, layers[i].kind, NULL, &document, document.root, &layer));
        assert_ok(ctx, mb_model_call(ctx, model, layer, &value, 1, &value));
        mb_document_clear(&document);
    }
    assert_ok(ctx, mb_model_finish(ctx, model, NULL, 0, &value, 1));
    assert_ok(ctx, mb_model_initialize(ctx, model, seed, model->parameters));
    return model;
}

static void make_events(float *dense, uint32_t *offset, uint32_t *index, float *value) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < N_EVENTS; i++) {
        offset[i] = n;
        for (uint32_t k = 0; k < SIZE; k++) {
            const bool is_hit = i > 0 && (k * 37 + i * 11) % 23 == 0;
            dense[i * SIZE + k] = is_hit ? (float)(1 + k % 3) : 0.0F;
            if (is_hit) {
                index[n] = k;
                value[n++] = dense[i * SIZE + k];
            }
        }
    }
    offset[N_EVENTS] = n;
}

static void *make_scratch(const mb_predictor *predictor) {
    return aligned_alloc(64, (mb_predictor_scratch_bytes(predictor) + 63) / 64 * 64);
}

static void test_predictor__gives_sparse_and_dense_inputs_the_same_bits(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    mb_model *model = make_model(world.ctx, 3);
    float dense[N_EVENTS * SIZE];
    float value[N_EVENTS * SIZE];
    uint32_t index[N_EVENTS * SIZE];
    uint32_t offset[N_EVENTS + 1];
    make_events(dense, offset, index, value);
    const bool sparse = true;
    mb_predictor *predictors[2] = {NULL, NULL};
    const mb_predictor_settings settings[] = {
        {.max_events = N_EVENTS}, {.max_events = N_EVENTS, .sparse_inputs = &sparse}};
    const mb_predictor_input inputs[] = {
        {.dense = dense}, {.offset = offset, .index = index, .value = value}};
    float scores[2][N_EVENTS];
    for (size_t k = 0; k < 2; k++) {
        assert_ok(world.ctx, mb_predictor_create(world.ctx, model, &settings[k], &predictors[k]));
        void *scratch = make_scratch(predictors[k]);
        float *out = scores[k];
        const uint64_t before = mb_runtime_allocations(world.runtime);
        assert_int_equal(
            mb_predictor_run(predictors[k], scratch, &inputs[k], N_EVENTS, &out), MB_OK);
        assert_int_equal(mb_runtime_allocations(world.runtime), before);
        free(scratch);
    }
    mb_test_assert_same_bits(scores[0], scores[1], N_EVENTS, sizeof(float), "scores");
    for (size_t k = 0; k < 2; k++) {
        mb_predictor_destroy(predictors[k]);
    }
    mb_model_destroy(model);
    mb_test_world_close(&world);
}

static void test_predictor__refuses_a_broken_call(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    mb_model *model = make_model(world.ctx, 3);
    mb_predictor *predictor = NULL;
    assert_ok(world.ctx, mb_predictor_create(world.ctx, model, NULL, &predictor));
    void *scratch = make_scratch(predictor);
    float dense[2 * SIZE] = {0};
    float score[2];
    float *out = score;
    mb_predictor_input input = {.dense = dense};
    assert_int_equal(mb_predictor_run(predictor, scratch, &input, 2, &out), MB_ERR_ARG);
    assert_int_equal(mb_predictor_run(predictor, NULL, &input, 1, &out), MB_ERR_ARG);
    assert_int_equal(mb_predictor_run(predictor, scratch, NULL, 1, &out), MB_ERR_ARG);
    assert_int_equal(mb_predictor_run(predictor, scratch, &input, 1, NULL), MB_ERR_ARG);
    assert_int_equal(mb_predictor_run(predictor, (char *)scratch + 4, &input, 1, &out), MB_ERR_ARG);
    out = NULL;
    assert_int_equal(mb_predictor_run(predictor, scratch, &input, 1, &out), MB_ERR_ARG);
    out = score;
    input.dense = NULL;
    assert_int_equal(mb_predictor_run(predictor, scratch, &input, 1, &out), MB_ERR_ARG);
    free(scratch);
    mb_predictor_destroy(predictor);
    mb_model_destroy(model);
    mb_test_world_close(&world);
}

static void test_predictor__refuses_hits_that_are_not_of_the_input(void **state) {
    (void)state;
    static const struct {
        uint32_t offset[3], index[4];
    } broken[] = {
        {{0, 2, 4}, {3, 5, 0, SIZE}},       // beyond the row
        {{0, 2, 4}, {3, 5, 0, UINT32_MAX}}, // far beyond
        {{0, 2, 4}, {5, 3, 0, 1}},          // falling
        {{0, 2, 4}, {3, 3, 0, 1}},          // twice
        {{2, 1, 4}, {0, 1, 2, 3}},          // an event that ends before it begins
    };
    const float value[4] = {1, 1, 1, 1};
    const bool is_sparse = true;
    const mb_predictor_settings settings = {.max_events = 2, .sparse_inputs = &is_sparse};
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    mb_model *model = make_model(world.ctx, 3);
    mb_predictor *predictor = NULL;
    assert_ok(world.ctx, mb_predictor_create(world.ctx, model, &settings, &predictor));
    void *scratch = make_scratch(predictor);
    float score[2] = {7, 7};
    float *out = score;
    for (size_t i = 0; i < MB_COUNT_OF(broken); i++) {
        const mb_predictor_input input = {NULL, broken[i].offset, broken[i].index, value};
        assert_int_equal(mb_predictor_run(predictor, scratch, &input, 2, &out), MB_ERR_ARG);
    }
    const mb_predictor_input no_values = {NULL, broken[0].offset, broken[0].index, NULL};
    assert_int_equal(mb_predictor_run(predictor, scratch, &no_values, 1, &out), MB_ERR_ARG);
    assert_true(score[0] == 7 && score[1] == 7);
    const uint32_t none[3] = {4, 4, 4};
    const mb_predictor_input no_hits = {.offset = none};
    assert_int_equal(mb_predictor_run(predictor, scratch, &no_hits, 2, &out), MB_OK);
    assert_true(score[0] > 0 && score[0] < 1 && score[0] == score[1]);
    free(scratch);
    mb_predictor_destroy(predictor);
    mb_model_destroy(model);
    mb_test_world_close(&world);
}

static void test_predictor__takes_no_events(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    mb_model *model = make_model(world.ctx, 3);
    mb_predictor *predictor = NULL;
    assert_ok(world.ctx, mb_predictor_create(world.ctx, model, NULL, &predictor));
    const mb_predictor_input nothing = {0};
    float *out = NULL;
    assert_int_equal(mb_predictor_run(predictor, NULL, &nothing, 0, &out), MB_OK);
    mb_predictor_destroy(predictor);
    mb_model_destroy(model);
    mb_test_world_close(&world);
}

typedef struct thread_work {
    const mb_predictor *predictor;
    const float *dense;
    float scores[N_EVENTS];
} thread_work;

static void *score_often(void *argument) {
    thread_work *work = argument;
    void *scratch = make_scratch(work->predictor);
    for (int round = 0; round < 50; round++) {
        for (size_t i = 0; i < N_EVENTS; i++) {
            const mb_predictor_input input = {.dense = work->dense + i * SIZE};
            float *out = &work->scores[i];
            if (mb_predictor_run(work->predictor, scratch, &input, 1, &out) != MB_OK) {
                work->scores[i] = -1;
            }
        }
    }
    free(scratch);
    return NULL;
}

static void test_predictor__is_shared_by_threads(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    mb_model *models[2] = {make_model(world.ctx, 1), make_model(world.ctx, 2)};
    float dense[N_EVENTS * SIZE];
    float value[N_EVENTS * SIZE];
    uint32_t index[N_EVENTS * SIZE];
    uint32_t offset[N_EVENTS + 1];
    make_events(dense, offset, index, value);
    mb_predictor *predictors[2];
    thread_work work[4];
    pthread_t threads[4];
    for (size_t k = 0; k < 2; k++) {
        assert_ok(world.ctx, mb_predictor_create(world.ctx, models[k], NULL, &predictors[k]));
    }
    for (size_t t = 0; t < 4; t++) {
        work[t] = (thread_work){.predictor = predictors[t % 2], .dense = dense};
        assert_int_equal(pthread_create(&threads[t], NULL, score_often, &work[t]), 0);
    }
    for (size_t t = 0; t < 4; t++) {
        assert_int_equal(pthread_join(threads[t], NULL), 0);
    }
    for (size_t k = 0; k < 2; k++) {
        mb_test_assert_same_bits(
            work[k].scores, work[k + 2].scores, N_EVENTS, sizeof(float), "scores");
        assert_true(work[k].scores[1] > 0 && work[k].scores[1] < 1);
        mb_predictor_destroy(predictors[k]);
        mb_model_destroy(models[k]);
    }
    assert_true(memcmp(work[0].scores, work[1].scores, sizeof work[0].scores) != 0);
    mb_test_world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_predictor__gives_sparse_and_dense_inputs_the_same_bits),
        cmocka_unit_test(test_predictor__refuses_a_broken_call),
        cmocka_unit_test(test_predictor__refuses_hits_that_are_not_of_the_input),
        cmocka_unit_test(test_predictor__takes_no_events),
        cmocka_unit_test(test_predictor__is_shared_by_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
