// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "calo_study.h"

#include "detector/calo/plan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

// Splits, blocks, overlay and synthetic events: who goes where, and that nobody is in two places.

enum { N = MB_CALO_N_REGIONS };

static mb_test_world world;
static char *folder;

static int open_world(void **state) {
    (void)state;
    mb_test_world_open(&world, 2, MB_CPU_ALL);
    folder = mb_test_directory();
    calo_write_events(world.ctx, folder, "zb.h5", 0, 300);
    calo_write_events(world.ctx, folder, "a.h5", 1, 80);
    calo_write_events(world.ctx, folder, "b.h5", 2, 70);
    return 0;
}

static int close_world(void **state) {
    (void)state;
    mb_test_remove_directory(folder);
    mb_test_world_close(&world);
    return 0;
}

#define SIGNALS                                                                                    \
    "signals:\n"                                                                                   \
    "  A: {file: a.h5, title: 'the first'}\n"                                                      \
    "  B: {file: b.h5, overlay: background, overlay_events: 30}\n"
#define STUDY                                                                                      \
    "background: {file: zb.h5, limit: 200}\n" SIGNALS "synthetic: {events: 90}\n"                  \
    "blend: {each: 20}\n"                                                                          \
    "train_size: 50\n"

static void load_study(
    const char *data, const char *const *compat, size_t set_aside, mb_dataset *out) {
    assert_ok(world.ctx, calo_load(world.ctx, data, compat, folder, set_aside, out, NULL));
}

static void assert_load_fails(const char *data, const char *const *compat, size_t set_aside,
    mb_status status, const char *part) {
    mb_dataset dataset;
    assert_fails(world.ctx, calo_load(world.ctx, data, compat, folder, set_aside, &dataset, NULL),
        status, part);
    mb_dataset_clear(&dataset);
}

// Rows that have a code.
static size_t count_split(const mb_dataset *dataset, size_t first, size_t n, uint8_t code) {
    size_t count = 0;
    for (size_t i = first; i < first + n; i++) {
        count += dataset->split[i] == code;
    }
    return count;
}

static void assert_rows(
    const mb_dataset *dataset, const uint32_t *rows, size_t n, int64_t sample, uint8_t split) {
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(calo_extra(dataset, "sample", rows[i]), sample);
        assert_int_equal(dataset->split[rows[i]], split);
        for (size_t k = 0; k < i; k++) {
            assert_int_not_equal(rows[i], rows[k]);
        }
    }
}

static void test_split__rows_lie_in_the_order_of_the_header(void **state) {
    (void)state;
    mb_dataset d;
    load_study(STUDY, NULL, 25, &d);
    // 200 own, 30 overlay, 25 aside, 80 A, 70 B, 90 synthetic, 40 with pileup.
    assert_int_equal(d.n_rows, 535);
    assert_int_equal(count_split(&d, 0, 200, MB_SPLIT_TRAIN), 50);
    assert_int_equal(count_split(&d, 0, 200, MB_SPLIT_TEST), 150);
    assert_int_equal(count_split(&d, 200, 30, MB_CALO_SPLIT_OVERLAY), 30);
    assert_int_equal(count_split(&d, 230, 25, MB_CALO_SPLIT_ASIDE), 25);
    assert_int_equal(count_split(&d, 255, 80, MB_SPLIT_TRAIN), 50);
    assert_int_equal(count_split(&d, 335, 70, MB_SPLIT_TEST), 20);
    assert_int_equal(count_split(&d, 405, 90, MB_SPLIT_TRAIN), 50);
    assert_int_equal(count_split(&d, 495, 40, MB_SPLIT_TEST), 40);
    static const char *const names[] = {"ZeroBias", "A", "B", "synthetic", "synthetic_pileup"};
    static const size_t first[] = {0, 255, 335, 405, 495, 535};
    for (size_t s = 0; s < 5; s++) {
        assert_string_equal(mb_dataset_find(&d, "sample")->value_names[s], names[s]);
        for (size_t row = first[s]; row < first[s + 1]; row++) {
            assert_int_equal(calo_extra(&d, "sample", row), s);
            const float *target = (const float *)mb_dataset_target(&d)->dense.data + 2 * row;
            assert_true(target[s > 0] > 0.5f && target[s == 0] < 0.5f);
            assert_true(s == 4 || d.event[row] == (int64_t)(row - first[s]));
        }
    }
    assert_string_equal(d.file_names[d.file[410]], "synthetic");
    mb_dataset_clear(&d);
}

static void test_split__sets_join_background_and_signal(void **state) {
    (void)state;
    mb_dataset d;
    load_study(STUDY, NULL, 25, &d);
    static const struct {
        const char *name;
        int64_t sample;
        size_t n_train, n_test;
    } wanted[] = {{"A", 1, 50, 30}, {"B", 2, 50, 20}, {"synthetic", 3, 50, 40},
        {"synthetic_pileup", 4, 0, 40}, {"background", 0, 0, 0}};
    const mb_row_set *background = mb_dataset_find_set(&d, "background");
    for (size_t i = 0; i < MB_COUNT_OF(wanted); i++) {
        const mb_row_set *set = mb_dataset_find_set(&d, wanted[i].name);
        assert_non_null(set);
        const size_t n_before = wanted[i].sample == 4 ? 0 : 50;
        assert_int_equal(set->n_train, n_before + wanted[i].n_train);
        assert_int_equal(set->n_test, 150 + wanted[i].n_test);
        assert_rows(&d, set->train, n_before, 0, MB_SPLIT_TRAIN);
        assert_rows(&d, set->test, 150, 0, MB_SPLIT_TEST);
        assert_rows(&d, set->train + n_before, wanted[i].n_train, wanted[i].sample, MB_SPLIT_TRAIN);
        assert_rows(&d, set->test + 150, wanted[i].n_test, wanted[i].sample, MB_SPLIT_TEST);
        assert_memory_equal(set->test, background->test, 150 * sizeof *set->test);
    }
    const mb_row_set *aside = mb_dataset_find_set(&d, "aside");
    assert_int_equal(aside->n_train, 25);
    assert_int_equal(aside->n_test, 0);
    assert_rows(&d, aside->train, 25, 0, MB_CALO_SPLIT_ASIDE);
    assert_null(mb_dataset_find_set(&d, "C"));
    mb_dataset_clear(&d);
}

static void test_split__blend_takes_the_first_of_every_signal(void **state) {
    (void)state;
    mb_dataset d;
    load_study(STUDY, NULL, 0, &d);
    const mb_row_set *blend = mb_dataset_find_set(&d, "blend");
    const mb_row_set *a = mb_dataset_find_set(&d, "A"), *b = mb_dataset_find_set(&d, "B");
    assert_int_equal(blend->n_train, 50 + 20 + 20);
    assert_int_equal(blend->n_test, 150 + 30 + 20);
    assert_memory_equal(blend->train, a->train, 70 * sizeof(uint32_t));
    assert_memory_equal(blend->train + 70, b->train + 50, 20 * sizeof(uint32_t));
    assert_memory_equal(blend->test, a->test, 180 * sizeof(uint32_t));
    assert_memory_equal(blend->test + 180, b->test + 150, 20 * sizeof(uint32_t));
    assert_null(mb_dataset_find_set(&d, "aside"));
    mb_dataset_clear(&d);
}

static void test_split__training_and_test_events_share_no_overlay(void **state) {
    (void)state;
    mb_dataset d;
    load_study(STUDY, NULL, 25, &d);
    // The block of 30 is cut as B's 70 events: 50 to 20.
    const size_t first_test = 200 + 21;
    bool is_used[300] = {false};
    for (size_t k = 0; k < 70; k++) {
        const size_t row = 335 + k, added = (size_t)calo_extra(&d, "overlay", row);
        const bool is_test = d.split[row] == MB_SPLIT_TEST;
        assert_true(added >= (is_test ? first_test : 200) && added < (is_test ? 230 : first_test));
        is_used[added] = true;
        for (size_t i = 0; i < N; i++) {
            const double sum = calo_value(2, k, i) + calo_value(0, added, i);
            assert_int_equal(calo_region(&d, row, i), (int)sum);
        }
    }
    size_t n_used = 0;
    for (size_t i = 0; i < 300; i++) {
        n_used += is_used[i];
    }
    assert_true(n_used > 20);
    for (size_t row = 0; row < 335; row++) {
        assert_int_equal(calo_extra(&d, "overlay", row), -1);
    }
    // Synthetic events with pileup: the test part alone.
    const mb_row_set *synthetic = mb_dataset_find_set(&d, "synthetic");
    for (size_t k = 0; k < 40; k++) {
        const size_t row = 495 + k, added = (size_t)calo_extra(&d, "overlay", row);
        const size_t plain = synthetic->test[150 + k];
        assert_int_equal(d.event[row], d.event[plain]);
        assert_true(added >= first_test && added < 230);
        for (size_t i = 0; i < N; i++) {
            const float sum = calo_region(&d, plain, i) + (float)calo_value(0, added, i);
            const float got = calo_region(&d, row, i), wanted = sum > 1023 ? 1023 : sum;
            assert_memory_equal(&got, &wanted, sizeof got);
        }
    }
    mb_dataset_clear(&d);
}

static void test_split__blocks_that_are_missing_are_cut_from_the_end(void **state) {
    (void)state;
    mb_dataset d;
    mb_buffer report;
    mb_buffer_init(&report, world.ctx);
    assert_ok(world.ctx,
        calo_load(world.ctx, "background: {file: zb.h5, limit: 280}\n" SIGNALS "train_size: 50",
            NULL, folder, 25, &d, &report));
    // 300 events in the file: 30 and 25 for the blocks leave 245.
    assert_int_equal(mb_dataset_find_set(&d, "background")->n_test, 195);
    assert_int_equal(d.n_rows, 245 + 30 + 25 + 80 + 70);
    assert_int_equal(count_split(&d, 245, 30, MB_CALO_SPLIT_OVERLAY), 30);
    assert_int_equal(count_split(&d, 275, 25, MB_CALO_SPLIT_ASIDE), 25);
    assert_int_equal(d.event[299], 299);
    assert_non_null(strstr(report.data, "ZeroBias shape: (245, 18, 14)"));
    assert_non_null(strstr(report.data, "the last 35 of the benchmark's own ZeroBias events"));
    mb_buffer_clear(&report);
    mb_dataset_clear(&d);
}

static void test_split__report_lists_what_was_read(void **state) {
    (void)state;
    static const char *const lines[] = {"ZeroBias shape: (200, 18, 14)\n",
        "A shape: (80, 18, 14)\n", "B shape: (70, 18, 14)\n",
        "synthetic                    90         50         40\n",
        "Blend: the first 20 training events of 2 signals\n",
        "Overlay: 30 ZeroBias events, 21 for the training and 9 for the test events of B\n",
        "Set aside: 25 ZeroBias events\n", "phi offset 2"};
    mb_dataset d;
    mb_buffer report;
    mb_buffer_init(&report, world.ctx);
    assert_ok(
        world.ctx, calo_load(world.ctx, STUDY "phi_offset: 2", NULL, folder, 25, &d, &report));
    for (size_t i = 0; i < MB_COUNT_OF(lines); i++) {
        if (strstr(report.data, lines[i]) == NULL) {
            fail_msg("'%s' is not in: %s", lines[i], report.data);
        }
    }
    mb_buffer_clear(&report);
    mb_dataset_clear(&d);
}

static void test_split__a_study_of_the_background_alone_is_left_to_the_study(void **state) {
    (void)state;
    mb_dataset d;
    load_study("background: {file: zb.h5, limit: 120}\nsplit: {test: 0.4}", NULL, 0, &d);
    assert_int_equal(d.n_rows, 120);
    assert_int_equal(d.n_sets, 0);
    assert_int_equal(count_split(&d, 0, 120, MB_SPLIT_TRAIN), 120);
    mb_dataset_clear(&d);
    assert_load_fails(STUDY "split: {test: 0.4}", NULL, 0, MB_ERR_FORMAT,
        "data.split: with signals or synthetic events train_size splits");
    assert_load_fails(STUDY "rows: [0, 5]", NULL, 0, MB_ERR_FORMAT, "data.rows: with signals");
}

static void test_split__synthetic_events_are_single_deposits(void **state) {
    (void)state;
    mb_dataset d;
    load_study(STUDY, NULL, 0, &d);
    size_t by_phi[16] = {0}, n_rows = 0;
    for (size_t row = 380; row < 470; row++, n_rows++) {
        size_t centre = 0;
        double sum = 0;
        for (size_t i = 0; i < N; i++) {
            sum += (double)calo_region(&d, row, i);
            centre = calo_region(&d, row, i) > calo_region(&d, row, centre) ? i : centre;
        }
        const double amplitude = (double)calo_region(&d, row, centre);
        assert_true(amplitude >= 20 && amplitude <= 100);
        assert_true(fabs(sum / amplitude - 1.614604) < 1e-5);
        assert_true(fabs((double)calo_region(&d, row, centre + 1) / amplitude - 0.135335) < 1e-5);
        assert_true(fabs((double)calo_region(&d, row, centre + 15) / amplitude - 0.018316) < 1e-5);
        assert_true(centre % 14 >= 1 && centre % 14 <= 12 && centre / 14 >= 1 && centre / 14 <= 16);
        by_phi[centre / 14 - 1]++;
    }
    assert_true(by_phi[0] < n_rows / 3);
    mb_dataset_clear(&d);
}

static bool same_dataset(const mb_dataset *a, const mb_dataset *b) {
    bool is_same =
        a->n_rows == b->n_rows && memcmp(a->split, b->split, a->n_rows) == 0 &&
        memcmp(mb_dataset_find(a, "regions")->dense.data, mb_dataset_find(b, "regions")->dense.data,
            a->n_rows * N * sizeof(float)) == 0;
    for (size_t i = 0; is_same && i < a->n_sets; i++) {
        is_same =
            memcmp(a->sets[i].train, b->sets[i].train, a->sets[i].n_train * sizeof(uint32_t)) == 0;
    }
    return is_same;
}

static mb_status load_seeded(mb_context *ctx, uint64_t seed, mb_dataset *out) {
    detector_study study;
    calo_study_open(&study, ctx, STUDY, NULL, folder);
    study.request.seed = seed;
    const mb_status status = detector_named("calo")->load(ctx, &study.request, out, NULL);
    detector_study_close(&study);
    return status;
}

static void test_split__depends_on_the_seed_and_not_on_threads(void **state) {
    (void)state;
    mb_test_world one;
    mb_test_world_open(&one, 1, MB_CPU_ALL);
    mb_dataset a, b, c;
    assert_ok(world.ctx, load_seeded(world.ctx, 1, &a));
    assert_ok(one.ctx, load_seeded(one.ctx, 1, &b));
    assert_ok(one.ctx, load_seeded(one.ctx, 2, &c));
    assert_true(same_dataset(&a, &b));
    assert_false(same_dataset(&a, &c));
    mb_dataset_clear(&a);
    mb_dataset_clear(&b);
    mb_dataset_clear(&c);
    mb_test_world_close(&one);
}

// The numbers of a line of the golden file; n of them.
static double *golden(const char *name, size_t n) {
    FILE *file = fopen(mb_test_source("tests/golden/calo_numpy.txt"), "r");
    double *values = calloc(n, sizeof *values);
    assert_true(file != NULL && values != NULL);
    char word[64];
    size_t count;
    while (fscanf(file, "%63s %zu", word, &count) == 2 && strcmp(word, name) != 0) {
        assert_int_equal(fscanf(file, "%*[^\n]"), 0);
    }
    assert_int_equal(count, n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(fscanf(file, "%lf", &values[i]), 1);
    }
    fclose(file);
    return values;
}

static void assert_golden_rows(const char *name, const uint32_t *rows, size_t n, size_t first_row) {
    double *wanted = golden(name, n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(rows[i], first_row + (size_t)wanted[i]);
    }
    free(wanted);
}

static const char *const original[] = {"numpy_random", "overlay_leak", NULL};
#define SMALL                                                                                      \
    "background: {file: zb.h5}\n"                                                                  \
    "signals: {B: {file: b.h5, overlay: background}}\n"                                            \
    "synthetic: {events: 90}\n"                                                                    \
    "train_size: 50\n"

static void test_split__compat_gives_the_draws_of_the_original(void **state) {
    (void)state;
    mb_dataset d;
    load_study(SMALL, original, 0, &d);
    assert_int_equal(d.n_rows, 300 + 70 + 90);
    assert_null(mb_dataset_find_set(&d, "synthetic_pileup"));
    const mb_row_set *b = mb_dataset_find_set(&d, "B"),
                     *synthetic = mb_dataset_find_set(&d, "synthetic");
    assert_golden_rows("train_background", b->train, 50, 0);
    assert_golden_rows("train_signal", b->train + 50, 50, 300);
    assert_golden_rows("test_background", b->test, 250, 0);
    assert_golden_rows("test_signal", b->test + 250, 20, 300);
    assert_golden_rows("train_synthetic", synthetic->train + 50, 50, 370);
    assert_golden_rows("test_synthetic", synthetic->test + 250, 40, 370);
    double *added = golden("small_overlay", 70);
    for (size_t k = 0; k < 70; k++) {
        assert_int_equal(calo_extra(&d, "overlay", 300 + k), added[k]);
        assert_int_equal(
            calo_region(&d, 300 + k, 5), calo_value(2, k, 5) + calo_value(0, (size_t)added[k], 5));
    }
    double *amplitude = golden("small_amplitude", 90), *eta = golden("small_eta", 90);
    double *phi = golden("small_phi", 90);
    for (size_t k = 0; k < 90; k++) {
        const size_t centre = ((size_t)phi[k] + 1) * 14 + (size_t)eta[k] + 1;
        const float got = calo_region(&d, 370 + k, centre), wanted = (float)amplitude[k];
        assert_memory_equal(&got, &wanted, sizeof got);
    }
    free(added);
    free(amplitude);
    free(eta);
    free(phi);
    mb_dataset_clear(&d);
}

static void test_split__numpy_draws_stay_in_the_block_without_the_leak(void **state) {
    (void)state;
    static const char *const numpy[] = {"numpy_random", NULL};
    mb_dataset d;
    load_study(STUDY, numpy, 0, &d);
    for (size_t row = 310; row < 380; row++) {
        const int64_t added = calo_extra(&d, "overlay", row);
        const bool is_test = d.split[row] == MB_SPLIT_TEST;
        assert_true(added >= (is_test ? 221 : 200) && added < (is_test ? 230 : 221));
    }
    mb_dataset_clear(&d);
    detector_study study;
    calo_study_open(&study, world.ctx, STUDY, numpy, folder);
    study.request.seed = (uint64_t)1 << 32;
    assert_fails(world.ctx, detector_named("calo")->load(world.ctx, &study.request, &d, NULL),
        MB_ERR_RANGE, "numpy_random has seeds below 2^32");
    mb_dataset_clear(&d);
    detector_study_close(&study);
}

static void test_split__sums_are_clipped_unless_compat_says_not(void **state) {
    (void)state;
    static double values[60 * N];
    for (size_t i = 0; i < 60 * N; i++) {
        values[i] = 800;
    }
    const calo_content content = {.n = 60, .values = values, .n_accepted = SIZE_MAX};
    calo_write(world.ctx, folder, "high.h5", &CALO_FORM, &content);
    static const char *const unclipped[] = {"no_overlay_clip", NULL};
    for (size_t i = 0; i < 2; i++) {
        mb_dataset d;
        load_study("background: {file: high.h5, limit: 40}\n"
                   "signals: {S: {file: high.h5, overlay: background, overlay_events: 20}}\n"
                   "synthetic: {events: 20, amplitude: [900, 900]}\n"
                   "train_size: 10",
            i == 0 ? NULL : unclipped, 0, &d);
        // Signal rows follow 40 + 20 of the background, pileup rows all others.
        assert_int_equal(calo_region(&d, 60, 7), i == 0 ? 1023 : 1600);
        float most = 0;
        for (size_t k = 0; k < N; k++) {
            most = fmaxf(most, calo_region(&d, d.n_rows - 1, k));
        }
        assert_int_equal(calo_extra(&d, "sample", d.n_rows - 1), 3);
        assert_int_equal(most, 1023);
        mb_dataset_clear(&d);
    }
}

static void test_split__samples_too_small_are_named_with_what_fits(void **state) {
    (void)state;
    assert_load_fails("background: {file: zb.h5, limit: 200}\n" SIGNALS "train_size: 75", NULL, 0,
        MB_ERR_RANGE,
        "data: B has 70 events, too few for a train_size of 75; set data.train_size to at most 69");
    assert_load_fails("background: {file: zb.h5, limit: 200}\n" SIGNALS "train_size: 70", NULL, 0,
        MB_ERR_RANGE, "at most 69");
    assert_load_fails("background: {file: zb.h5, limit: 60}\n"
                      "signals: {A: {file: a.h5}}\ntrain_size: 62",
        NULL, 0, MB_ERR_RANGE, "ZeroBias");
    assert_load_fails("background: {file: zb.h5}\nsignals: {A: {file: a.h5}}\ntrain_size: 40", NULL,
        280, MB_ERR_RANGE, "ZeroBias: 300 events, of which overlay and set-aside events take 280");
    assert_load_fails(
        "background: {file: zb.h5, limit: 200}\nsynthetic: {events: 50}\ntrain_size: 50", NULL, 0,
        MB_ERR_RANGE, "synthetic has 50 events");
    mb_dataset d;
    load_study("background: {file: zb.h5, limit: 200}\n" SIGNALS "train_size: 69", NULL, 0, &d);
    assert_int_equal(mb_dataset_find_set(&d, "B")->n_test, 131 + 1);
    mb_dataset_clear(&d);
}

static void test_split__wrong_keys_are_errors_with_the_nearest_name(void **state) {
    (void)state;
    static const struct {
        const char *data, *part;
    } cases[] = {
        {"backgruond: {file: zb.h5}", "unknown key 'backgruond'; did you mean 'background'?"},
        {"signals: {A: {file: a.h5}}", "background"},
        {"background: {file: zb.h5, limits: 5}", "data.background: unknown key 'limits'"},
        {"background: {file: zb.h5, limit: 0}", "limit is 0"},
        {"background: {file: []}", "file is an empty list"},
        {"background: {file: zb.h5}\nsignals: [a.h5]", "data.signals: expected a map"},
        {"background: {file: zb.h5}\nsignals: {A: {fil: a.h5}}", "study.yaml:2: data.signals.A"},
        {"background: {file: zb.h5}\nsignals: {blend: {file: a.h5}}",
            "'blend' is the name of another"},
        {"background: {file: zb.h5}\nsignals: {A: {file: a.h5, overlay: bakground}}",
            "did you mean 'background'?"},
        {"background: {file: zb.h5}\nsignals: {A: {file: a.h5, overlay_events: 5}}",
            "overlay_events without overlay: background"},
        {"background: {file: zb.h5}\nsynthetic: {event: 5}", "did you mean 'events'?"},
        {"background: {file: zb.h5}\nsynthetic: {amplitude: [30, 20]}", "amplitude is not [least"},
        {"background: {file: zb.h5}\nsynthetic: {amplitude: 30}", "amplitude is not [least"},
        {"background: {file: zb.h5}\nblend: {each: 5}", "no signals to blend"},
        {"background: {file: zb.h5}\nsignals: {A: {file: a.h5}}\nblend: {each: 51}\ntrain_size: 50",
            "data.blend: each is 51, more than the train_size of 50"},
        {"background: {file: zb.h5}\non_bad: skip", "on_bad"},
        {"background: {file: zb.h5}\nphi_offset: 3", "phi_offset is 3; write a number from 1 to 2"},
    };
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        assert_load_fails(cases[i].data, NULL, 0, MB_ERR_FORMAT, cases[i].part);
    }
    assert_load_fails("background: {file: zb.h5, limit: 200}\n"
                      "signals: {A: {file: a.h5, overlay: background, overlay_events: 1}}\n"
                      "train_size: 50",
        NULL, 0, MB_ERR_RANGE, "overlay_events is 1; write at least 2");
}

static void test_split__files_are_looked_for_where_the_study_says(void **state) {
    (void)state;
    static const struct {
        const char *data;
        bool is_there;
    } cases[] = {{STUDY, true}, {"background: {file: none.h5}", false},
        {"background: {file: none.h5}\nsignals: {A: {file: 'a*.h5'}}", true}};
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        detector_study study;
        bool is_there = !cases[i].is_there;
        calo_study_open(&study, world.ctx, cases[i].data, NULL, folder);
        assert_ok(
            world.ctx, detector_named("calo")->has_files(world.ctx, &study.request, &is_there));
        assert_int_equal(is_there, cases[i].is_there);
        detector_study_close(&study);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split__rows_lie_in_the_order_of_the_header),
        cmocka_unit_test(test_split__sets_join_background_and_signal),
        cmocka_unit_test(test_split__blend_takes_the_first_of_every_signal),
        cmocka_unit_test(test_split__training_and_test_events_share_no_overlay),
        cmocka_unit_test(test_split__blocks_that_are_missing_are_cut_from_the_end),
        cmocka_unit_test(test_split__report_lists_what_was_read),
        cmocka_unit_test(test_split__a_study_of_the_background_alone_is_left_to_the_study),
        cmocka_unit_test(test_split__synthetic_events_are_single_deposits),
        cmocka_unit_test(test_split__depends_on_the_seed_and_not_on_threads),
        cmocka_unit_test(test_split__compat_gives_the_draws_of_the_original),
        cmocka_unit_test(test_split__numpy_draws_stay_in_the_block_without_the_leak),
        cmocka_unit_test(test_split__sums_are_clipped_unless_compat_says_not),
        cmocka_unit_test(test_split__samples_too_small_are_named_with_what_fits),
        cmocka_unit_test(test_split__wrong_keys_are_errors_with_the_nearest_name),
        cmocka_unit_test(test_split__files_are_looked_for_where_the_study_says),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
