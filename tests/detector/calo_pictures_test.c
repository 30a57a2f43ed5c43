// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "calo_study.h"

#include "base/bundle.h"
#include "base/numbers.h"
#include "base/output.h"

#include <math.h>
#include <stdio.h>

enum { N = MB_CALO_N_REGIONS };

static mb_test_world world;
static char *folder;

static int open_world(void **state) {
    (void)state;
    mb_test_world_open(&world, 2, MB_CPU_ALL);
    folder = mb_test_directory();
    static const uint8_t flags[8] = {1, 1, 0, 1, 1, 0, 1, 1};
    calo_write_events(world.ctx, folder, "zb.h5", 0, 40);
    calo_write_events(world.ctx, folder, "b.h5", 2, 12);
    const calo_content content = {
        .n = 8, .sample = 1, .accepted = flags, .n_accepted = 8, .flag_dtype = MB_BOOL};
    calo_write(world.ctx, folder, "a.h5", &CALO_FORM, &content);
    return 0;
}

static int close_world(void **state) {
    (void)state;
    mb_test_remove_directory(folder);
    mb_test_world_close(&world);
    return 0;
}

#define STUDY                                                                                      \
    "background: {file: zb.h5, limit: 30}\n"                                                       \
    "signals:\n"                                                                                   \
    "  A: {file: a.h5, title: 'the first'}\n"                                                      \
    "  B: {file: b.h5, overlay: background, overlay_events: 6}\n"                                  \
    "synthetic: {events: 9}\n"                                                                     \
    "train_size: 4\n"

static void make_pictures(const char *data, const char *const *compat, mb_bundle *out) {
    detector_study study;
    calo_study_open(&study, world.ctx, data, compat, folder);
    assert_ok(world.ctx, detector_named("calo")->pictures(world.ctx, &study.request, out));
    detector_study_close(&study);
}

static const mb_array *entry(const mb_bundle *bundle, size_t sample, const char *what) {
    char name[40];
    mb_format(name, sizeof name, "sample/%zu/%s", sample, what);
    const mb_array *array = mb_bundle_array(bundle, name);
    assert_non_null(array);
    return array;
}

static int64_t count(const mb_bundle *bundle, size_t sample, const char *what) {
    return *(const int64_t *)entry(bundle, sample, what)->data;
}

static void assert_edges(
    const mb_bundle *bundle, const char *name, size_t n, double first, double last) {
    const mb_array *edges = mb_bundle_array(bundle, name);
    assert_non_null(edges);
    assert_int_equal(edges->shape[0], n);
    assert_true(fabs(mb_array_get(edges, 0) - first) < 1e-12);
    assert_true(fabs(mb_array_get(edges, n - 1) - last) < 1e-12);
}

// What a sample of the test files has, computed apart.
static void assert_figures(
    const mb_bundle *bundle, size_t sample, const size_t *events, size_t n, bool has_overlay) {
    double mean[N] = {0}, eta[14] = {0}, phi[18] = {0};
    int64_t et[100] = {0};
    for (size_t k = 0; k < n; k++) {
        for (size_t i = 0; i < N; i++) {
            double value = calo_value(sample, events[k], i);
            value += has_overlay ? calo_value(0, k % 30, i) : 0;
            mean[i] += value / (double)n;
            eta[i % 14] += value;
            phi[i / 14] += value;
            et[(size_t)(value * 100 / 1024)]++;
        }
    }
    for (size_t i = 0; i < N; i++) {
        assert_true(fabs(mb_array_get(entry(bundle, sample, "mean"), i) - mean[i]) < 1e-4);
    }
    for (size_t i = 0; i < 14; i++) {
        assert_true(fabs(mb_array_get(entry(bundle, sample, "eta"), i) - eta[i]) < 1e-6);
    }
    for (size_t i = 0; i < 18; i++) {
        assert_true(fabs(mb_array_get(entry(bundle, sample, "phi"), i) - phi[i]) < 1e-6);
    }
    assert_memory_equal(entry(bundle, sample, "et")->data, et, sizeof et);
}

static void test_pictures__hold_what_the_header_names(void **state) {
    (void)state;
    mb_bundle bundle;
    make_pictures(STUDY, NULL, &bundle);
    assert_int_equal(*(const int64_t *)mb_bundle_array(&bundle, "n_samples")->data, 4);
    assert_edges(&bundle, "et_edges", 101, 0, 1024);
    assert_edges(&bundle, "eta_edges", 15, 4, 18);
    assert_edges(&bundle, "phi_edges", 19, 0, 18);
    size_t all[40];
    for (size_t i = 0; i < 40; i++) {
        all[i] = i;
    }
    static const size_t accepted[] = {0, 1, 3, 4, 6, 7};
    assert_figures(&bundle, 0, all, 30, false);
    assert_figures(&bundle, 1, accepted, 6, false);
    assert_figures(&bundle, 2, all, 12, true);
    static const int64_t counts[4][3] = {{30, 40, 40}, {6, 8, 6}, {12, 12, 12}, {9, 9, 9}};
    for (size_t s = 0; s < 4; s++) {
        assert_int_equal(count(&bundle, s, "n_events"), counts[s][0]);
        assert_int_equal(count(&bundle, s, "n_read"), counts[s][1]);
        assert_int_equal(count(&bundle, s, "n_accepted"), counts[s][2]);
    }
    assert_string_equal(mb_bundle_text(&bundle, "sample/0/name"), "ZeroBias");
    assert_string_equal(mb_bundle_text(&bundle, "sample/1/title"), "the first");
    assert_string_equal(mb_bundle_text(&bundle, "sample/2/title"), "B");
    assert_string_equal(mb_bundle_text(&bundle, "sample/3/name"), "synthetic");
    mb_bundle_clear(&bundle);
}

static void test_pictures__synthetic_events_are_those_of_the_dataset(void **state) {
    (void)state;
    static const char *const original[] = {"numpy_random", "overlay_leak", NULL};
    for (size_t i = 0; i < 2; i++) {
        const char *const *compat = i == 0 ? NULL : original;
        mb_bundle bundle;
        mb_dataset dataset;
        make_pictures(STUDY, compat, &bundle);
        assert_ok(world.ctx, calo_load(world.ctx, STUDY, compat, folder, 0, &dataset, NULL));
        const mb_array *shown = mb_bundle_array(&bundle, "synthetic");
        assert_int_equal(shown->shape[0], 2);
        const mb_row_set *set = mb_dataset_find_set(&dataset, "synthetic");
        size_t first = set->train[set->n_train - 1];
        while (calo_extra(&dataset, "sample", first - 1) == 3) {
            first--;
        }
        for (size_t k = 0; k < 2 * N; k++) {
            const float wanted = calo_region(&dataset, first + k / N, k % N);
            assert_memory_equal((const float *)shown->data + k, &wanted, sizeof wanted);
        }
        mb_bundle_clear(&bundle);
        mb_dataset_clear(&dataset);
    }
}

static void test_pictures__background_alone_has_one_sample(void **state) {
    (void)state;
    mb_bundle bundle;
    make_pictures("background: {file: zb.h5}", NULL, &bundle);
    assert_int_equal(*(const int64_t *)mb_bundle_array(&bundle, "n_samples")->data, 1);
    assert_int_equal(count(&bundle, 0, "n_events"), 40);
    assert_null(mb_bundle_array(&bundle, "synthetic"));
    mb_bundle_clear(&bundle);
}

static bool inspect(const char *name, mb_buffer *text) {
    char path[4200];
    bool is_mine = false;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    mb_buffer_init(text, world.ctx);
    assert_ok(world.ctx, detector_named("calo")->inspect(world.ctx, path, &is_mine, text));
    return is_mine;
}

static void test_pictures__inspect_tells_region_files_from_others(void **state) {
    (void)state;
    mb_buffer text;
    assert_true(inspect("a.h5", &text));
    assert_non_null(strstr(text.data, "8 events of 18 x 14, 6 accepted; CaloRegions, float64"));
    assert_non_null(strstr(text.data, "ET 0 to 119"));
    mb_buffer_clear(&text);
    static double values[N] = {-1, 0.5, 1024};
    values[3] = (double)NAN;
    const calo_form form = {"X", MB_F32, 3, 0, 0};
    const calo_content content = {.n = 1, .values = values, .n_accepted = SIZE_MAX};
    calo_write(world.ctx, folder, "x.h5", &form, &content);
    assert_true(inspect("x.h5", &text));
    assert_non_null(strstr(text.data, "4 values are no whole numbers"));
    mb_buffer_clear(&text);
    const calo_form flat = {"X", MB_F32, 2, 0, 0};
    calo_write(world.ctx, folder, "flat.h5", &flat, &content);
    assert_false(inspect("flat.h5", &text));
    mb_buffer_clear(&text);
    char path[4200];
    snprintf(path, sizeof path, "%s/table.csv", folder);
    assert_ok(world.ctx, mb_write_file(world.ctx, path, "a,b\n1,2\n", 8));
    assert_false(inspect("table.csv", &text));
    mb_buffer_clear(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pictures__hold_what_the_header_names),
        cmocka_unit_test(test_pictures__synthetic_events_are_those_of_the_dataset),
        cmocka_unit_test(test_pictures__background_alone_has_one_sample),
        cmocka_unit_test(test_pictures__inspect_tells_region_files_from_others),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
