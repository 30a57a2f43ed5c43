// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "golden.h"

#include "base/random.h"
#include "files/yaml.h"
#include "training/loss.h"
#include "training/metric.h"

#include <math.h>
#include <stdio.h>

static golden_list target, output, weights, gradient;

// Batch loss and gradients as the training makes them: weight / rows times each row's.
static double batch_loss(const mb_loss *loss, size_t n_rows, size_t channels, float *got) {
    const size_t target_size = target.n / n_rows;
    double sum = 0.0;
    for (size_t row = 0; row < n_rows; row++) {
        const float weight = weights.n > 0 ? weights.value[row] : 1.0F;
        float *slope = got + row * channels;
        sum += (double)(weight * loss->ops->row(loss->options, target.value + row * target_size,
                                     output.value + row * channels, channels, channels, slope));
        for (size_t i = 0; i < channels; i++) {
            slope[i] *= weight / (float)n_rows;
        }
    }
    return sum / (double)n_rows;
}

static void check_file(const char *name, size_t least_cases, double relative) {
    mb_test_world world;
    mb_document document;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    golden_open(world.ctx, name, &document);
    size_t n_cases = 0;
    mb_node *cases = golden_member(document.root, "cases");
    for (mb_node *entry = cases->first; entry != NULL; entry = entry->next, n_cases++) {
        mb_loss loss;
        assert_ok(
            world.ctx, mb_loss_read(world.ctx, &document, golden_member(entry, "loss"), &loss));
        golden_floats(golden_member(entry, "target"), &target);
        golden_floats(golden_member(entry, "output"), &output);
        golden_floats(golden_member(entry, "weights"), &weights);
        golden_floats(golden_member(entry, "gradient"), &gradient);
        const size_t n_rows = (size_t)golden_member(entry, "rows")->integer;
        const size_t channels = (size_t)golden_member(entry, "channels")->integer;
        float got[256] = {0};
        const double value = batch_loss(&loss, n_rows, channels, got);
        const double wanted = golden_member(entry, "value")->real;
        char what[128];
        snprintf(what, sizeof what, "%s case %zu (%s)", name, n_cases, loss.ops->name);
        if (!(fabs(value - wanted) <= 2e-6 * (1.0 + fabs(wanted)))) {
            fail_msg("%s: loss %.9g, wanted %.9g", what, value, wanted);
        }
        mb_test_assert_close(got, gradient.value, n_rows * channels, 1e-7, relative, what);
    }
    assert_true(n_cases >= least_cases);
    mb_document_clear(&document);
    mb_test_world_close(&world);
}

static void test_loss__values_and_gradients_are_those_of_keras_2(void **state) {
    (void)state;
    // Keras 2 adds 1e-7 to clipped probabilities once more.
    check_file("losses_keras2.yaml", 32, 2e-5);
}

static void test_loss__values_and_gradients_are_those_of_keras_3(void **state) {
    (void)state;
    check_file("losses_keras3.yaml", 36, 4e-6);
}

// Two positions of four channels, off every kink.
static void fill_case(
    const mb_loss_ops *ops, bool is_probability, mb_random *random, float *truth, float *guess) {
    for (size_t i = 0; i < 8; i++) {
        guess[i] = (float)(0.1 + 0.8 * mb_random_uniform(random));
        guess[i] = is_probability ? guess[i] : 4.0F * guess[i] - 1.5F;
        truth[i] = (float)(0.05 + 0.9 * mb_random_uniform(random));
    }
    if (ops->target == MB_TARGET_LABELS) {
        truth[0] = (float)mb_random_below(random, 4);
        truth[1] = (float)mb_random_below(random, 4);
    }
}

static void check_differences(const mb_loss *loss, bool is_probability, const char *text) {
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 0, 0);
    for (size_t trial = 0; trial < 20; trial++) {
        float truth[8], guess[8], slope[8];
        fill_case(loss->ops, is_probability, &random, truth, guess);
        (void)loss->ops->row(loss->options, truth, guess, 8, 4, slope);
        for (size_t i = 0; i < 8; i++) {
            const float middle = guess[i];
            guess[i] = middle + 0.0078125F;
            const double up = (double)loss->ops->row(loss->options, truth, guess, 8, 4, NULL);
            guess[i] = middle - 0.0078125F;
            const double down = (double)loss->ops->row(loss->options, truth, guess, 8, 4, NULL);
            guess[i] = middle;
            const double difference = (up - down) / 0.015625;
            // A kink within the step is no error of the gradient.
            const bool is_kink =
                (loss->ops == &mb_loss_mean_absolute_error && fabsf(middle - truth[i]) < 0.01F) ||
                (loss->ops == &mb_loss_mean_squared_logarithmic_error && fabsf(middle) < 0.01F);
            if (!is_kink &&
                !(fabs(difference - (double)slope[i]) <= 2e-3 + 5e-3 * fabs(difference))) {
                fail_msg("%s: gradient %.6g, difference %.6g", text, (double)slope[i], difference);
            }
        }
    }
}

static void test_loss__gradients_are_finite_differences_of_the_values(void **state) {
    (void)state;
    static const char *const texts[] = {"binary_crossentropy",
        "{binary_crossentropy: {label_smoothing: 0.3}}",
        "{binary_crossentropy: {from_logits: true}}", "categorical_crossentropy",
        "{categorical_crossentropy: {label_smoothing: 0.3}}",
        "{categorical_crossentropy: {from_logits: true}}", "sparse_categorical_crossentropy",
        "{sparse_categorical_crossentropy: {from_logits: true}}", "mean_squared_error",
        "mean_absolute_error", "huber", "{huber: {delta: 0.3}}", "mean_squared_logarithmic_error",
        "weighted_mse"};
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    bool is_seen[64] = {false};
    for (size_t i = 0; i < MB_COUNT_OF(texts); i++) {
        mb_document document;
        mb_loss loss;
        assert_ok(
            world.ctx, mb_yaml_parse(world.ctx, "case", texts[i], strlen(texts[i]), &document));
        assert_ok(world.ctx, mb_loss_read(world.ctx, &document, document.root, &loss));
        check_differences(&loss,
            strstr(texts[i], "crossentropy") != NULL && strstr(texts[i], "logits") == NULL,
            texts[i]);
        for (size_t k = 0; mb_loss_list[k] != NULL; k++) {
            is_seen[k] = is_seen[k] || mb_loss_list[k] == loss.ops;
        }
        mb_document_clear(&document);
    }
    for (size_t k = 0; mb_loss_list[k] != NULL; k++) {
        // Those over a module's cells are in module_loss_test.c, over pairs in graph_fit_test.c.
        if (!is_seen[k] && mb_loss_list[k]->open == NULL && mb_loss_list[k]->pairs == NULL) {
            fail_msg("loss %s has no case here", mb_loss_list[k]->name);
        }
    }
    mb_test_world_close(&world);
}

static void test_loss__other_spellings_are_found_and_wrong_ones_named(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    assert_ptr_equal(mb_loss_find("mse"), &mb_loss_mean_squared_error);
    assert_ptr_equal(mb_loss_find("BinaryCrossentropy"), &mb_loss_binary_crossentropy);
    assert_null(mb_loss_find("hinge_of_a_door"));
    mb_document document;
    mb_document_init(&document, world.ctx, "study.yaml");
    mb_node *node = mb_node_make_text(&document, world.ctx, "binary_crosentropy");
    node->line = 12;
    mb_loss loss;
    assert_fails(world.ctx, mb_loss_read(world.ctx, &document, node, &loss), MB_ERR_FORMAT,
        "study.yaml:12: loss: unknown name 'binary_crosentropy'; did you mean "
        "'binary_crossentropy'?");
    mb_document_clear(&document);
    mb_test_world_close(&world);
}

static void test_metric__auc_at_thresholds_is_that_of_keras(void **state) {
    (void)state;
    mb_test_world world;
    mb_document document;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    golden_open(world.ctx, "losses_keras3.yaml", &document);
    mb_node *entry = golden_member(document.root, "keras_auc");
    golden_floats(golden_member(entry, "target"), &target);
    golden_floats(golden_member(entry, "output"), &output);
    uint8_t labels[2048];
    uint64_t work[2048];
    for (size_t i = 0; i < target.n; i++) {
        labels[i] = target.value[i] > 0.5F;
    }
    const double wanted = golden_member(entry, "value")->real;
    const double area = mb_metric_keras_auc.scores(output.value, labels, output.n, work);
    assert_true(fabs(area - wanted) < 2e-6);
    const double exact = mb_metric_auc.scores(output.value, labels, output.n, work);
    assert_true(fabs(exact - wanted) < 5e-3 && fabs(exact - wanted) > 0.0);
    mb_document_clear(&document);
    mb_test_world_close(&world);
}

static void test_metric__exact_auc_counts_pairs_and_half_for_ties(void **state) {
    (void)state;
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 1, 0);
    float scores[200];
    uint8_t labels[200];
    uint64_t work[200];
    double pairs = 0.0, n_pairs = 0.0;
    for (size_t i = 0; i < 200; i++) {
        scores[i] = (float)mb_random_below(&random, 40) - 20.0F;
        labels[i] = mb_random_below(&random, 2) != 0;
    }
    scores[0] = -0.0F;
    scores[1] = 0.0F;
    for (size_t i = 0; i < 200; i++) {
        for (size_t k = 0; k < 200; k++) {
            if (labels[i] && !labels[k]) {
                pairs += scores[i] > scores[k] ? 1.0 : scores[i] == scores[k] ? 0.5 : 0.0;
                n_pairs += 1.0;
            }
        }
    }
    assert_true(mb_metric_auc.scores(scores, labels, 200, work) == pairs / n_pairs);
    memset(labels, 1, sizeof labels);
    assert_true(isnan(mb_metric_auc.scores(scores, labels, 200, work)));
}

static void test_metric__accuracy_follows_the_shape_of_the_output(void **state) {
    (void)state;
    const float one[] = {1.0F}, half[] = {0.5F}, much[] = {0.7F};
    assert_true(mb_metric_accuracy.row(MB_TARGET_SAME, one, much, 1, 1) == 1.0F);
    // Keras decides for no at exactly one half.
    assert_true(mb_metric_accuracy.row(MB_TARGET_SAME, one, half, 1, 1) == 0.0F);
    const float hot[] = {0.0F, 1.0F, 1.0F, 0.0F};
    const float votes[] = {0.1F, 0.3F, 0.4F, 0.4F};
    assert_true(mb_metric_accuracy.row(MB_TARGET_ONE_HOT, hot, votes, 4, 2) == 1.0F);
    const float classes[] = {0.0F, 0.0F};
    assert_true(mb_metric_accuracy.row(MB_TARGET_LABELS, classes, votes, 4, 2) == 0.5F);
    assert_true(mb_metric_binary_accuracy.row(MB_TARGET_SAME, hot, votes, 4, 2) == 0.5F);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loss__values_and_gradients_are_those_of_keras_2),
        cmocka_unit_test(test_loss__values_and_gradients_are_those_of_keras_3),
        cmocka_unit_test(test_loss__gradients_are_finite_differences_of_the_values),
        cmocka_unit_test(test_loss__other_spellings_are_found_and_wrong_ones_named),
        cmocka_unit_test(test_metric__auc_at_thresholds_is_that_of_keras),
        cmocka_unit_test(test_metric__exact_auc_counts_pairs_and_half_for_ties),
        cmocka_unit_test(test_metric__accuracy_follows_the_shape_of_the_output),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
