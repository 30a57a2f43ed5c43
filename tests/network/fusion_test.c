// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/random.h"
#include "cases.h"
#include "network/plan_parts.h"

#include <stdio.h>
#include <stdlib.h>

// Layers that a convolution takes over: fewer steps, the same bits.

enum { MOST_LAYERS = 8, ROWS = 5, MOST_SIZE = 4096 };

typedef struct chain {
    const char *name;
    mb_value_type input;
    struct {
        const char *kind, *options;
    } layers[MOST_LAYERS];
    size_t n_steps; // of the plan over dense rows
} chain;

#define FIRST "\"data_format\": \"channels_first\""
#define BLOCK(filters)                                                                             \
    "{\"filters\": " filters                                                                       \
    ", \"kernel_size\": 3, \"padding\": \"same\", \"activation\": \"relu\"}"
#define CONV "{\"filters\": 5, \"kernel_size\": 3, \"padding\": \"same\"}"

static const chain chains[] = {
    {"activation", {.rank = 3, .dim = {9, 8, 2}},
        {{"conv2d", CONV}, {"activation", "{\"activation\": \"tanh\"}"}}, 1},
    {"activation, pool", {.rank = 3, .dim = {9, 8, 2}},
        {{"conv2d", CONV}, {"activation", "{\"activation\": \"relu\"}"}, {"max_pooling2d", "{}"}},
        1},
    {"rectifier, pool, and on", {.rank = 3, .dim = {40, 40, 1}},
        {{"conv2d", CONV}, {"re_lu", "{}"}, {"max_pooling2d", "{}"}, {"conv2d", CONV}}, 2},
    {"leaky rectifier, which stays before the pool", {.rank = 3, .dim = {9, 8, 2}},
        {{"conv2d", CONV}, {"leaky_re_lu", "{}"}, {"max_pooling2d", "{}"}}, 2},
    {"rectifier with a slope", {.rank = 3, .dim = {9, 8, 2}},
        {{"conv2d", CONV}, {"re_lu", "{\"negative_slope\": 0.125}"}}, 1},
    {"exponential unit", {.rank = 3, .dim = {9, 8, 2}},
        {{"conv2d", CONV}, {"elu", "{\"alpha\": 0.5}"}}, 1},
    {"limited rectifier, which stays", {.rank = 3, .dim = {9, 8, 2}},
        {{"conv2d", CONV}, {"re_lu", "{\"max_value\": [0.25]}"}, {"max_pooling2d", "{}"}}, 3},
    {"softmax, which stays", {.rank = 3, .dim = {9, 8, 2}},
        {{"conv2d", CONV}, {"activation", "{\"activation\": \"softmax\"}"}}, 2},
    {"two activations", {.rank = 3, .dim = {9, 8, 2}},
        {{"conv2d", "{\"filters\": 3, \"kernel_size\": 2, \"activation\": \"relu\"}"},
            {"activation", "{\"activation\": \"sigmoid\"}"}, {"max_pooling2d", "{}"}},
        3},
    {"channels first, whose pool is not", {.rank = 3, .dim = {2, 9, 8}},
        {{"conv2d", "{\"filters\": 4, \"kernel_size\": 3, " FIRST "}"},
            {"activation", "{\"activation\": \"relu\"}"}, {"max_pooling2d", "{}"}},
        4}, // rows to channels last and back
    {"channels first", {.rank = 3, .dim = {2, 9, 8}},
        {{"conv2d", "{\"filters\": 4, \"kernel_size\": 3, " FIRST "}"},
            {"activation", "{\"activation\": \"relu\"}"}, {"max_pooling2d", "{" FIRST "}"},
            {"flatten", "{" FIRST "}"}},
        2}, // rows to channels last; flattening moves nothing
    {"activation, dropout, normalisation, pool", {.rank = 3, .dim = {9, 8, 2}},
        {{"conv2d", CONV}, {"activation", "{\"activation\": \"relu\"}"},
            {"dropout", "{\"rate\": 0.25}"}, {"batch_normalization", "{}"},
            {"max_pooling2d", "{}"}},
        1},
    {"dropout, pool", {.rank = 3, .dim = {9, 8, 2}},
        {{"conv2d", CONV}, {"dropout", "{\"rate\": 0.25}"}, {"max_pooling2d", "{}"}}, 1},
    {"normalisation that rises, pool", {.rank = 3, .dim = {9, 8, 2}},
        {{"conv2d", CONV}, {"batch_normalization", "{\"scale\": false}"}, {"max_pooling2d", "{}"}},
        1},
    {"normalisation alone, eight filters", {.rank = 3, .dim = {9, 8, 2}},
        {{"conv2d", "{\"filters\": 8, \"kernel_size\": 3, \"activation\": \"elu\"}"},
            {"batch_normalization", "{}"}},
        1},
    {"normalisation before the activation, which stays", {.rank = 3, .dim = {9, 8, 2}},
        {{"conv2d", CONV}, {"batch_normalization", "{}"},
            {"activation", "{\"activation\": \"relu\"}"}, {"max_pooling2d", "{}"}},
        3},
    {"softmax before a normalisation, which stays", {.rank = 3, .dim = {9, 8, 2}},
        {{"conv2d", "{\"filters\": 5, \"kernel_size\": 3, \"activation\": \"softmax\"}"},
            {"batch_normalization", "{}"}},
        2},
    {"two blocks of three dimensions", {.rank = 4, .dim = {9, 20, 20, 1}},
        {{"conv3d", BLOCK("3")}, {"dropout", "{\"rate\": 0.25}"}, {"batch_normalization", "{}"},
            {"max_pooling3d", "{}"}, {"conv3d", BLOCK("2")}, {"dropout", "{\"rate\": 0.25}"},
            {"batch_normalization", "{}"}, {"max_pooling3d", "{}"}},
        2},
    {"channels first, normalised last", {.rank = 3, .dim = {2, 9, 8}},
        {{"conv2d", "{\"filters\": 4, \"kernel_size\": 3, " FIRST "}"},
            {"batch_normalization", "{\"axis\": 3}"}},
        4}, // rows to channels last, back, and the normalisation's own two
    {"channels first, normalised first", {.rank = 3, .dim = {2, 9, 8}},
        {{"conv2d", "{\"filters\": 4, \"kernel_size\": 3, " FIRST "}"},
            {"batch_normalization", "{\"axis\": 1}"}},
        3},
    {"other layers than convolutions", {.rank = 2, .dim = {6, 4}},
        {{"average_pooling1d", "{}"}, {"re_lu", "{}"}, {"max_pooling1d", "{}"}}, 3},
};

// Every value is an output when nothing may be taken over: then all are needed as they are.
static void build(mb_context *ctx, const chain *c, bool is_apart, mb_model **model) {
    size_t values[MOST_LAYERS + 1] = {0};
    size_t n = 0;
    assert_ok(ctx, mb_model_begin(ctx, c->name, model));
    assert_ok(ctx, mb_model_add_input(ctx, *model, "x", &c->input, &values[0]));
    for (; n < MOST_LAYERS && c->layers[n].kind != NULL; n++) {
        char name[32];
        mb_layer *layer = NULL;
        snprintf(name, sizeof name, "layer%zu", n);
        assert_ok(ctx,
            case_add_layer(ctx, *model, c->layers[n].kind, name, c->layers[n].options, &layer));
        assert_ok(ctx, mb_model_call(ctx, *model, layer, &values[n], 1, &values[n + 1]));
    }
    assert_ok(ctx, mb_model_finish(
                       ctx, *model, NULL, 0, is_apart ? &values[1] : &values[n], is_apart ? n : 1));
    for (size_t i = 0; i < (*model)->n_layers; i++) {
        case_parameters(*model, (*model)->layers[i]->name, (*model)->parameters);
    }
}

typedef struct rows {
    uint32_t offset[ROWS + 1];
    uint32_t index[ROWS * MOST_SIZE];
    float value[ROWS * MOST_SIZE], dense[ROWS * MOST_SIZE];
} rows;

static void fill(rows *r, size_t size) {
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 7, 0);
    memset(r, 0, sizeof *r);
    assert_true(size <= MOST_SIZE);
    for (size_t row = 0; row < ROWS; row++) {
        r->offset[row + 1] = r->offset[row];
        for (size_t i = 0; i < size; i++) {
            if (mb_random_uniform(&random) < 0.03 * (double)row) {
                r->dense[row * size + i] = (float)mb_random_normal(&random);
                r->index[r->offset[row + 1]] = (uint32_t)i;
                r->value[r->offset[row + 1]++] = r->dense[row * size + i];
            }
        }
    }
}

// The last output, as the caller's to free, and the number of steps.
static float *predict(
    mb_context *ctx, const mb_model *model, const rows *r, bool is_sparse, size_t *n_steps) {
    const mb_plan_settings settings = {.max_rows = ROWS, .sparse_inputs = &is_sparse};
    const mb_input input = {is_sparse ? NULL : r->dense, NULL, r->offset, r->index, r->value};
    float *outputs[MOST_LAYERS] = {NULL};
    mb_plan *plan = NULL;
    for (size_t i = 0; i < model->n_outputs; i++) {
        outputs[i] =
            calloc(ROWS * mb_value_size(&model->values[model->outputs[i]].type), sizeof(float));
        assert_non_null(outputs[i]);
    }
    assert_ok(ctx, mb_plan_create(ctx, model, &settings, &plan));
    mb_plan_load(plan, model->parameters);
    void *scratch = mb_allocate(ctx, mb_plan_scratch_bytes(plan), 1);
    assert_non_null(scratch);
    mb_plan_predict(plan, scratch, &input, ROWS, outputs);
    *n_steps = plan->n_steps;
    mb_release(ctx, scratch);
    mb_plan_destroy(plan);
    for (size_t i = 0; i + 1 < model->n_outputs; i++) {
        free(outputs[i]);
    }
    return outputs[model->n_outputs - 1];
}

static void project(void *user, size_t first_row, size_t n_rows, const float *const *outputs,
    float *const *d_outputs) {
    const mb_model *model = user;
    (void)outputs;
    for (size_t i = 0; i < model->n_outputs; i++) {
        const size_t size = mb_value_size(&model->values[model->outputs[i]].type);
        for (size_t k = 0; k < n_rows * size; k++) {
            const bool is_last = i + 1 == model->n_outputs;
            d_outputs[i][k] = is_last ? (float)((first_row * size + k) % 13) / 13.0F - 0.4F : 0.0F;
        }
    }
}

static float *differentiate(mb_context *ctx, mb_model *model, const rows *r, bool is_sparse) {
    const mb_plan_settings settings = {
        .is_training = true, .max_rows = ROWS, .sparse_inputs = &is_sparse};
    const mb_input input = {is_sparse ? NULL : r->dense, NULL, r->offset, r->index, r->value};
    const mb_train_batch batch = {
        .inputs = &input, .n_rows = ROWS, .parameters = model->parameters};
    mb_plan *plan = NULL;
    float *gradient = calloc(model->n_parameters + 1, sizeof *gradient);
    assert_non_null(gradient);
    assert_ok(ctx, mb_plan_create(ctx, model, &settings, &plan));
    mb_plan_load(plan, model->parameters);
    assert_ok(ctx, mb_plan_reserve(ctx, plan));
    assert_ok(ctx, mb_plan_gradient(ctx, plan, &batch, project, model, gradient));
    mb_plan_destroy(plan);
    return gradient;
}

typedef struct pair {
    mb_test_world world;
    mb_model *together, *apart;
    rows *r;
} pair;

static void open_pair(pair *p, const chain *c) {
    mb_test_world_open(&p->world, 1, MB_CPU_ALL);
    build(p->world.ctx, c, false, &p->together);
    build(p->world.ctx, c, true, &p->apart);
    p->r = malloc(sizeof *p->r);
    assert_non_null(p->r);
    fill(p->r, mb_value_size(&c->input));
}

static void close_pair(pair *p) {
    free(p->r);
    mb_model_destroy(p->together);
    mb_model_destroy(p->apart);
    mb_test_world_close(&p->world);
}

static void test_fusion__predictions_have_the_bits_of_separate_layers(void **state) {
    (void)state;
    for (size_t i = 0; i < MB_COUNT_OF(chains); i++) {
        pair p = {0};
        open_pair(&p, &chains[i]);
        const size_t n = ROWS * mb_value_size(&p.together->values[p.together->outputs[0]].type);
        for (int is_sparse = 0; is_sparse < 2; is_sparse++) {
            size_t n_together = 0;
            size_t n_apart = 0;
            float *a = predict(p.world.ctx, p.together, p.r, is_sparse == 1, &n_together);
            float *b = predict(p.world.ctx, p.apart, p.r, is_sparse == 1, &n_apart);
            mb_test_assert_same_bits(a, b, n, sizeof *a, chains[i].name);
            if (is_sparse == 0 && n_together != chains[i].n_steps) {
                fail_msg(
                    "%s: %zu steps, wanted %zu", chains[i].name, n_together, chains[i].n_steps);
            }
            assert_true(n_together <= n_apart);
            free(a);
            free(b);
        }
        close_pair(&p);
    }
}

static void test_fusion__gradients_are_those_of_separate_layers(void **state) {
    (void)state;
    for (size_t i = 0; i < MB_COUNT_OF(chains); i++) {
        pair p = {0};
        open_pair(&p, &chains[i]);
        for (int is_sparse = 0; is_sparse < 2; is_sparse++) {
            float *a = differentiate(p.world.ctx, p.together, p.r, is_sparse == 1);
            float *b = differentiate(p.world.ctx, p.apart, p.r, is_sparse == 1);
            mb_test_assert_close(a, b, p.together->n_parameters, 2e-5, 1e-4, chains[i].name);
            free(a);
            free(b);
        }
        close_pair(&p);
    }
}

// However it is written, a training is the same.
static void test_fusion__an_activation_of_its_own_trains_as_an_option_does(void **state) {
    (void)state;
    static const chain option = {"option", {.rank = 3, .dim = {33, 30, 2}},
        {{"conv2d", "{\"filters\": 5, \"kernel_size\": 3, \"activation\": \"relu\"}"},
            {"max_pooling2d", "{}"}},
        1};
    static const chain layer = {"layer", {.rank = 3, .dim = {33, 30, 2}},
        {{"conv2d", "{\"filters\": 5, \"kernel_size\": 3}"},
            {"activation", "{\"activation\": \"relu\"}"}, {"max_pooling2d", "{}"}},
        1};
    mb_test_world world;
    mb_model *models[2] = {NULL, NULL};
    rows *r = malloc(sizeof *r);
    assert_non_null(r);
    mb_test_world_open(&world, 2, MB_CPU_ALL);
    build(world.ctx, &option, false, &models[0]);
    build(world.ctx, &layer, false, &models[1]);
    fill(r, mb_value_size(&option.input));
    for (int is_sparse = 0; is_sparse < 2; is_sparse++) {
        float *a = differentiate(world.ctx, models[0], r, is_sparse == 1);
        float *b = differentiate(world.ctx, models[1], r, is_sparse == 1);
        mb_test_assert_same_bits(a, b, models[0]->n_parameters, sizeof *a, "gradient");
        free(a);
        free(b);
    }
    free(r);
    mb_model_destroy(models[0]);
    mb_model_destroy(models[1]);
    mb_test_world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fusion__predictions_have_the_bits_of_separate_layers),
        cmocka_unit_test(test_fusion__gradients_are_those_of_separate_layers),
        cmocka_unit_test(test_fusion__an_activation_of_its_own_trains_as_an_option_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
