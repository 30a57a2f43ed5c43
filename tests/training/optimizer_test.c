// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "golden.h"

#include "files/yaml.h"
#include "training/optimizer.h"

#include <math.h>
#include <stdio.h>

static golden_list list;

// Two weights of 4 and 2 numbers, without a network around them.
typedef struct small_model {
    mb_layer layer;
    mb_weight weights[2];
    mb_weight *list[2];
    mb_model model;
} small_model;

static void make_model(small_model *small) {
    *small = (small_model){.layer = {.name = "dense", .is_trainable = true}};
    for (size_t i = 0; i < 2; i++) {
        small->weights[i] = (mb_weight){.name = i == 0 ? "kernel" : "bias",
            .layer = &small->layer,
            .count = i == 0 ? 4 : 2,
            .offset = i == 0 ? 0 : 4,
            .is_trainable = true};
        small->list[i] = &small->weights[i];
    }
    small->model = (mb_model){.n_weights = 2, .weights = small->list, .n_parameters = 6};
}

static const float first_weights[6] = {1.0F, -0.5F, 0.25F, 2.0F, -1.5F, 0.75F};

static void follow_trace(mb_context *ctx, mb_document *document, mb_node *entry, const char *what) {
    small_model small;
    make_model(&small);
    mb_optimizer_choice choice;
    mb_optimizer optimizer;
    assert_ok(ctx, mb_optimizer_read(ctx, document, golden_member(entry, "optimizer"), &choice));
    assert_ok(ctx, mb_optimizer_init(&optimizer, ctx, &choice, &small.model));
    float parameters[6];
    memcpy(parameters, first_weights, sizeof parameters);
    const mb_node *gradient = golden_member(document->root, "gradients")->first;
    const mb_node *wanted = golden_member(entry, "weights")->first;
    size_t step = 0;
    for (; wanted != NULL; wanted = wanted->next, gradient = gradient->next, step++) {
        golden_floats(gradient, &list);
        mb_optimizer_step(&optimizer, 0.0, parameters, list.value);
        golden_floats(wanted, &list);
        char place[256];
        snprintf(place, sizeof place, "%.100s: %s step %zu", what, choice.ops->name, step + 1);
        // Roundings of single steps, which add up.
        mb_test_assert_close(parameters, list.value, 6, 1.5e-6, 1e-6, place);
    }
    assert_true(step >= 50);
    mb_optimizer_clear(&optimizer);
}

static void check_file(const char *name, bool *is_seen) {
    mb_test_world world;
    mb_document document;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    golden_open(world.ctx, name, &document);
    mb_node *cases = golden_member(document.root, "cases");
    size_t i = 0;
    for (mb_node *entry = cases->first; entry != NULL; entry = entry->next, i++) {
        char what[128];
        snprintf(what, sizeof what, "%s case %zu", name, i);
        follow_trace(world.ctx, &document, entry, what);
        const char *kind = golden_member(entry, "optimizer")->first->key;
        for (size_t k = 0; mb_optimizer_list[k] != NULL; k++) {
            is_seen[k] = is_seen[k] || mb_optimizer_list[k] == mb_optimizer_find(kind);
        }
    }
    for (size_t k = 0; mb_optimizer_list[k] != NULL; k++) {
        if (!is_seen[k]) {
            fail_msg("optimizer %s has no trace in %s", mb_optimizer_list[k]->name, name);
        }
    }
    mb_document_clear(&document);
    mb_test_world_close(&world);
}

static void test_optimizer__steps_are_those_of_keras_2(void **state) {
    (void)state;
    bool is_seen[32] = {false};
    check_file("optimizers_keras2.yaml", is_seen);
}

static void test_optimizer__steps_are_those_of_keras_3(void **state) {
    (void)state;
    bool is_seen[32] = {false};
    check_file("optimizers_keras3.yaml", is_seen);
}

static void read_choice(
    mb_context *ctx, mb_document *document, const char *text, mb_optimizer_choice *out) {
    assert_ok(ctx, mb_yaml_parse(ctx, "case", text, strlen(text), document));
    assert_ok(ctx, mb_optimizer_read(ctx, document, document->root, out));
}

static void gradient_of(size_t step, float *out) {
    for (size_t i = 0; i < 6; i++) {
        out[i] = sinf((float)(7 * step + 3 * i)) + 0.1F;
    }
}

// The formula of torch.optim.Adamax, written out in double.
static void test_optimizer__adamax_takes_epsilon_inside_as_pytorch(void **state) {
    (void)state;
    mb_test_world world;
    mb_document document;
    mb_optimizer_choice choice;
    mb_optimizer optimizer;
    small_model small;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    make_model(&small);
    read_choice(world.ctx, &document,
        "{adamax: {learning_rate: 0.01, epsilon: 0.5, epsilon_inside: true}}", &choice);
    assert_ok(world.ctx, mb_optimizer_init(&optimizer, world.ctx, &choice, &small.model));
    float parameters[6], gradient[6], wanted[6];
    double w[6], m[6] = {0}, u[6] = {0};
    memcpy(parameters, first_weights, sizeof parameters);
    for (size_t i = 0; i < 6; i++) {
        w[i] = (double)first_weights[i];
    }
    for (size_t step = 0; step < 30; step++) {
        gradient_of(step, gradient);
        for (size_t i = 0; i < 6; i++) {
            m[i] = 0.9 * m[i] + 0.1 * (double)gradient[i];
            u[i] = fmax(0.999 * u[i], fabs((double)gradient[i]) + 0.5);
            w[i] -= 0.01 / (1.0 - pow(0.9, (double)(step + 1))) * m[i] / u[i];
            wanted[i] = (float)w[i];
        }
        mb_optimizer_step(&optimizer, 0.0, parameters, gradient);
        mb_test_assert_close(parameters, wanted, 6, 1e-6, 1e-6, "adamax");
    }
    mb_optimizer_clear(&optimizer);
    mb_document_clear(&document);
    mb_test_world_close(&world);
}

static void test_optimizer__a_restored_one_gives_the_same_bits(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    for (size_t kind = 0; mb_optimizer_list[kind] != NULL; kind++) {
        mb_document document;
        mb_optimizer_choice choice;
        mb_optimizer one, other;
        small_model small;
        make_model(&small);
        read_choice(world.ctx, &document, mb_optimizer_list[kind]->name, &choice);
        assert_ok(world.ctx, mb_optimizer_init(&one, world.ctx, &choice, &small.model));
        assert_ok(world.ctx, mb_optimizer_init(&other, world.ctx, &choice, &small.model));
        float a[6], b[6], gradient[6];
        memcpy(a, first_weights, sizeof a);
        for (size_t step = 0; step < 7; step++) {
            gradient_of(step, gradient);
            mb_optimizer_step(&one, 0.0, a, gradient);
        }
        one.learning_rate *= 0.5F;
        mb_bundle bundle;
        mb_bundle_init(&bundle, world.ctx);
        assert_ok(world.ctx, mb_optimizer_save(&one, world.ctx, &bundle));
        assert_ok(world.ctx, mb_optimizer_restore(&other, world.ctx, &bundle));
        mb_bundle_clear(&bundle);
        memcpy(b, a, sizeof b);
        for (size_t step = 7; step < 12; step++) {
            gradient_of(step, gradient);
            mb_optimizer_step(&one, 0.0, a, gradient);
            gradient_of(step, gradient);
            mb_optimizer_step(&other, 0.0, b, gradient);
        }
        mb_test_assert_same_bits(a, b, 6, sizeof *a, choice.ops->name);
        mb_optimizer_clear(&one);
        mb_optimizer_clear(&other);
        mb_document_clear(&document);
    }
    mb_test_world_close(&world);
}

static void test_optimizer__frozen_weights_stay(void **state) {
    (void)state;
    mb_test_world world;
    mb_document document;
    mb_optimizer_choice choice;
    mb_optimizer optimizer;
    small_model small;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    make_model(&small);
    small.weights[1].is_trainable = false;
    read_choice(world.ctx, &document, "{adamw: {weight_decay: 0.5}}", &choice);
    assert_ok(world.ctx, mb_optimizer_init(&optimizer, world.ctx, &choice, &small.model));
    float parameters[6], gradient[6];
    memcpy(parameters, first_weights, sizeof parameters);
    gradient_of(0, gradient);
    mb_optimizer_step(&optimizer, 0.0, parameters, gradient);
    assert_true(parameters[0] != first_weights[0]);
    mb_test_assert_same_bits(parameters + 4, first_weights + 4, 2, sizeof *parameters, "frozen");
    mb_optimizer_clear(&optimizer);
    mb_document_clear(&document);
    mb_test_world_close(&world);
}

static void test_optimizer__clip_norm_limits_the_whole_gradient(void **state) {
    (void)state;
    mb_test_world world;
    mb_document document;
    mb_optimizer_choice choice;
    mb_optimizer optimizer;
    small_model small;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    make_model(&small);
    read_choice(world.ctx, &document, "{sgd: {learning_rate: 1}}", &choice);
    assert_ok(world.ctx, mb_optimizer_init(&optimizer, world.ctx, &choice, &small.model));
    float parameters[6] = {0}, gradient[6] = {3, 0, 0, 0, 4, 0};
    mb_optimizer_step(&optimizer, 2.5, parameters, gradient);
    const float wanted[6] = {-1.5F, 0, 0, 0, -2.0F, 0};
    mb_test_assert_close(parameters, wanted, 6, 1e-6, 0, "clipped");
    float small_gradient[6] = {0.3F, 0, 0, 0, 0.4F, 0};
    float before[6];
    memcpy(before, parameters, sizeof before);
    mb_optimizer_step(&optimizer, 2.5, parameters, small_gradient);
    assert_true(parameters[0] == before[0] - 0.3F && parameters[4] == before[4] - 0.4F);
    mb_optimizer_clear(&optimizer);
    mb_document_clear(&document);
    mb_test_world_close(&world);
}

static void test_optimizer__penalties_and_their_gradients_agree(void **state) {
    (void)state;
    small_model small;
    make_model(&small);
    small.weights[0].l1 = 0.1;
    small.weights[1].l2 = 0.25;
    float gradient[6] = {0};
    const double penalty = mb_penalty(&small.model, first_weights, gradient);
    assert_true(fabs(penalty - (0.1 * 3.75 + 0.25 * (2.25 + 0.5625))) < 1e-9);
    const float wanted[6] = {0.1F, -0.1F, 0.1F, 0.1F, -0.75F, 0.375F};
    mb_test_assert_close(gradient, wanted, 6, 1e-7, 0, "penalty");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_optimizer__steps_are_those_of_keras_2),
        cmocka_unit_test(test_optimizer__steps_are_those_of_keras_3),
        cmocka_unit_test(test_optimizer__adamax_takes_epsilon_inside_as_pytorch),
        cmocka_unit_test(test_optimizer__a_restored_one_gives_the_same_bits),
        cmocka_unit_test(test_optimizer__frozen_weights_stay),
        cmocka_unit_test(test_optimizer__clip_norm_limits_the_whole_gradient),
        cmocka_unit_test(test_optimizer__penalties_and_their_gradients_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
