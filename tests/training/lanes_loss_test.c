// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/random.h"
#include "files/yaml.h"
#include "kernels/lanes.h"
#include "testing.h"
#include "training/loss.h"
#include "training/metric.h"

#include <math.h>

// Losses and metrics of samples in lanes against those of rows.

// Values at and beyond the ends of what losses expect, and labels between yes and no.
static void fill_tile(mb_random *random, bool is_probability, size_t n, float *target, float *x) {
    static const float edges[] = {0.0F, 1.0F, -0.0F, 1e-8F, 1.5F, -0.25F, 1e-7F, 0.9999999F};
    for (size_t i = 0; i < n; i++) {
        const size_t draw = (size_t)mb_random_below(random, 40);
        const float at = (float)mb_random_uniform(random);
        x[i] = draw < MB_COUNT_OF(edges) ? edges[draw] : is_probability ? at : 8.0F * at - 4.0F;
        target[i] = draw % 3 == 0 ? at : (float)(draw % 2);
    }
}

static bool is_same(float a, float b) {
    return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b));
}

static void check_lanes(const mb_loss *loss, bool is_probability, const char *text) {
    enum { MOST = 12 };
    const mb_kernels *tables[3];
    const size_t n_tables = mb_kernels_all(MB_CPU_ALL, tables);
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 0, 0);
    for (size_t trial = 0; trial < 300; trial++) {
        const size_t channels = 1 + trial % 4;
        const size_t n = channels * (1 + trial / 4 % 3);
        float target[MOST * MB_SAMPLES], x[MOST * MB_SAMPLES], got[MOST * MB_SAMPLES];
        float sums[MB_SAMPLES], alone[MB_SAMPLES];
        fill_tile(&random, is_probability, n * MB_SAMPLES, target, x);
        const mb_lane_kernels *kernels = tables[trial % n_tables]->lanes;
        loss->ops->lanes(loss->options, kernels, target, x, n, channels, sums, got);
        loss->ops->lanes(loss->options, kernels, target, x, n, channels, alone, NULL);
        for (size_t s = 0; s < MB_SAMPLES; s++) {
            float truth[MOST], guess[MOST], slope[MOST];
            for (size_t i = 0; i < n; i++) {
                truth[i] = target[i * MB_SAMPLES + s];
                guess[i] = x[i * MB_SAMPLES + s];
            }
            const float sum = loss->ops->row(loss->options, truth, guess, n, channels, slope);
            if (!is_same(sum, sums[s]) || !is_same(sum, alone[s])) {
                fail_msg("%s: %a in lanes, %a in rows", text, (double)sums[s], (double)sum);
            }
            for (size_t i = 0; i < n; i++) {
                if (!is_same(slope[i], got[i * MB_SAMPLES + s])) {
                    fail_msg("%s: gradient %a in lanes, %a in rows", text,
                        (double)got[i * MB_SAMPLES + s], (double)slope[i]);
                }
            }
        }
    }
}

static void test_lanes_loss__values_and_gradients_have_the_bits_of_rows(void **state) {
    (void)state;
    static const char *const texts[] = {"binary_crossentropy",
        "{binary_crossentropy: {label_smoothing: 0.3}}",
        "{binary_crossentropy: {from_logits: true}}", "categorical_crossentropy",
        "{categorical_crossentropy: {label_smoothing: 0.3}}",
        "{categorical_crossentropy: {from_logits: true}}", "mean_squared_error",
        "mean_absolute_error", "huber", "{huber: {delta: 0.3}}", "mean_squared_logarithmic_error"};
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    for (size_t i = 0; i < MB_COUNT_OF(texts); i++) {
        mb_document document;
        mb_loss loss;
        assert_ok(
            world.ctx, mb_yaml_parse(world.ctx, "case", texts[i], strlen(texts[i]), &document));
        assert_ok(world.ctx, mb_loss_read(world.ctx, &document, document.root, &loss));
        assert_true(loss.ops->lanes != NULL);
        check_lanes(&loss, strstr(texts[i], "logits") == NULL, texts[i]);
        mb_document_clear(&document);
    }
    mb_test_world_close(&world);
}

static void test_lanes_loss__metrics_have_the_bits_of_rows(void **state) {
    (void)state;
    enum { MOST = 12 };
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 0, 0);
    for (size_t k = 0; mb_metric_list[k] != NULL; k++) {
        const mb_metric_ops *ops = mb_metric_list[k];
        assert_true((ops->row == NULL) == (ops->lanes == NULL));
        for (size_t trial = 0; ops->row != NULL && trial < 100; trial++) {
            const size_t channels = 1 + trial % 4;
            const size_t n = channels * (1 + trial / 4 % 3);
            float target[MOST * MB_SAMPLES], x[MOST * MB_SAMPLES], got[MB_SAMPLES];
            fill_tile(&random, true, n * MB_SAMPLES, target, x);
            ops->lanes(MB_TARGET_SAME, target, x, n, channels, got);
            for (size_t s = 0; s < MB_SAMPLES; s++) {
                float truth[MOST], guess[MOST];
                for (size_t i = 0; i < n; i++) {
                    truth[i] = target[i * MB_SAMPLES + s];
                    guess[i] = x[i * MB_SAMPLES + s];
                }
                assert_true(is_same(ops->row(MB_TARGET_SAME, truth, guess, n, channels), got[s]));
            }
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lanes_loss__values_and_gradients_have_the_bits_of_rows),
        cmocka_unit_test(test_lanes_loss__metrics_have_the_bits_of_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
