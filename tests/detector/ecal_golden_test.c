// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "ecal_study.h"

#include "files/npy.h"

#include <math.h>
#include <stdio.h>

// Against tests/golden/ecal.py, which takes the formulas literally, with whole arrays in NumPy.

typedef struct golden_case {
    const char *name, *data;
    const char *compat[4]; // "all": compat: true
    bool has_vectorised;
} golden_case;

static const golden_case cases[] = {
    {"default", "", {NULL}, true},
    {"original", "", {"all"}, true},
    {"single", "cumulative: false", {NULL}, true},
    {"single_original", "cumulative: false", {"all"}, true},
    {"last_frame", "", {"last_frame"}, true},
    {"single_last_frame", "cumulative: false", {"last_frame"}, true},
    {"early_hits", "", {"early_hits"}, true},
    {"single_early_hits", "cumulative: false", {"early_hits"}, true},
    {"edges", "min_t: -0.5880000000000001, max_t: 0.5880000000000001, t_step: 0.049", {"edges"},
        true},
    {"rounded", "min_t: -0.5880000000000001, max_t: 0.5880000000000001, t_step: 0.049", {NULL},
        true},
    {"all_pixels", "remove_empty: false", {NULL}, false},
    {"all_pixels_nan", "remove_empty: false", {"nan"}, false},
    {"all_pixels_original", "remove_empty: false", {"all"}, false},
    {"single_nan", "remove_empty: false, cumulative: false", {"all"}, false},
    {"exact", "min_t: -0.125, max_t: 0.125, t_step: 0.0625", {NULL}, true},
    {"single_exact", "cumulative: false, min_t: -0.125, max_t: 0.125, t_step: 0.0625", {NULL},
        true},
    {"single_exact_original", "cumulative: false, min_t: -0.125, max_t: 0.125, t_step: 0.0625",
        {"all"}, true},
    {"crop_12", "crop: 12", {NULL}, true},
    {"crop_13", "crop: 13", {"all"}, true},
    {"high", "low_e: 0.05, min_t: -0.0102, max_t: 0.02, t_step: 0.004", {NULL}, true},
};

enum { N_IMAGES = 6 };

static void read_golden(noting_world *world, const char *name, mb_array *out) {
    char path[4096];
    snprintf(path, sizeof path, "%s", mb_test_source("tests/golden/ecal.npz"));
    assert_ok(world->ctx, mb_npz_read(world->ctx, path, name, out));
}

static void write_images(noting_world *world) {
    mb_array x;
    mb_array y;
    read_golden(world, "X", &x);
    read_golden(world, "y", &y);
    assert_int_equal(x.shape[0], N_IMAGES);
    const size_t half = N_IMAGES / 2;
    const float *images = x.data;
    ecal_write(world, "photons.h5", images, half, y.data);
    ecal_write(world, "electrons.h5", images + half * MB_ECAL_PIXELS * 2, half,
        (const float *)y.data + half);
    mb_array_clear(&x);
    mb_array_clear(&y);
}

static void assert_equal(const float *got, const float *wanted, size_t n, const char *what) {
    for (size_t i = 0; i < n; i++) {
        const bool is_nan = isnan(got[i]) && isnan(wanted[i]);
        if (!is_nan && memcmp(&got[i], &wanted[i], sizeof *got) != 0) {
            fail_msg("%s: element %zu is %g, not %g", what, i, (double)got[i], (double)wanted[i]);
        }
    }
}

// Rows one after the other, through gather and, where there are such, through the index lists.
static void assert_column(noting_world *world, const mb_dataset *dataset, const char *name,
    const mb_array *wanted, const uint32_t *rows, size_t n_rows, const char *what) {
    const mb_column *column = mb_dataset_find(dataset, name);
    assert_non_null(column);
    assert_int_equal(mb_array_count(wanted), column->size * n_rows);
    for (unsigned i = 1; i < wanted->rank; i++) {
        assert_int_equal(wanted->shape[i], column->shape[i - 1]);
    }
    float *got = mb_allocate(world->ctx, n_rows * column->size, sizeof *got);
    assert_ok(world->ctx, mb_column_gather(column, world->ctx, rows, n_rows, got));
    assert_equal(got, wanted->data, n_rows * column->size, what);
    if (mb_column_is_sparse_feed(column)) {
        const size_t n = mb_column_entries(column, rows, n_rows);
        uint32_t *offset = mb_allocate(world->ctx, n_rows + 1, sizeof *offset);
        uint32_t *index = mb_allocate(world->ctx, n, sizeof *index);
        float *value = mb_allocate(world->ctx, n, sizeof *value);
        mb_column_gather_sparse(column, rows, n_rows, offset, index, value);
        assert_int_equal(offset[n_rows], n);
        memset(got, 0, n_rows * column->size * sizeof *got);
        for (size_t row = 0; row < n_rows; row++) {
            for (uint32_t e = offset[row]; e < offset[row + 1]; e++) {
                assert_true(e == offset[row] || index[e] > index[e - 1]);
                got[row * column->size + index[e]] = value[e];
            }
        }
        assert_equal(got, wanted->data, n_rows * column->size, what);
        mb_release(world->ctx, offset);
        mb_release(world->ctx, index);
        mb_release(world->ctx, value);
    }
    mb_release(world->ctx, got);
}

static const uint32_t in_order[N_IMAGES] = {0, 1, 2, 3, 4, 5};

static void assert_golden(noting_world *world, const mb_dataset *dataset, const golden_case *c,
    const char *column, const char *suffix) {
    char name[64];
    mb_array wanted;
    snprintf(name, sizeof name, "%s_%s", c->name, suffix);
    read_golden(world, name, &wanted);
    assert_column(world, dataset, column, &wanted, in_order, N_IMAGES, name);
    mb_array_clear(&wanted);
}

static void assert_edges(noting_world *world, const mb_dataset *dataset, const char *name) {
    char member[64];
    mb_array wanted;
    snprintf(member, sizeof member, "%s_edges", name);
    read_golden(world, member, &wanted);
    const mb_array *got = mb_bundle_array(&dataset->facts, "time_edges");
    assert_non_null(got);
    assert_int_equal(got->dtype, MB_F64);
    assert_int_equal(mb_array_count(got), mb_array_count(&wanted));
    mb_test_assert_same_bits(
        got->data, wanted.data, mb_array_count(&wanted), sizeof(double), member);
    mb_array_clear(&wanted);
}

static void test_ecal_golden__frames_and_edges_are_those_of_numpy(void **state) {
    (void)state;
    noting_world world;
    noting_world_open(&world, 2);
    write_images(&world);
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        const golden_case *c = &cases[i];
        char data[256];
        mb_dataset dataset;
        snprintf(data, sizeof data, "{%s%sarrays: [frames, vectorised]}", c->data,
            c->data[0] != '\0' ? ", " : "");
        const bool is_all = c->compat[0] != NULL && strcmp(c->compat[0], "all") == 0;
        assert_ok(
            world.ctx, ecal_load(&world, data, is_all ? compat_all : c->compat, &dataset, NULL));
        const mb_column *column = mb_dataset_find(&dataset, "frames");
        assert_int_equal(column->rank, 4);
        assert_int_equal(column->stored_rank, 3);
        assert_golden(&world, &dataset, c, "frames", "frames");
        assert_edges(&world, &dataset, c->name);
        if (c->has_vectorised) {
            assert_golden(&world, &dataset, c, "vectorised", "vectorised");
        }
        mb_dataset_clear(&dataset);
    }
    noting_world_close(&world);
}

static void test_ecal_golden__only_kept_nan_is_dense(void **state) {
    (void)state;
    noting_world world;
    mb_dataset dataset;
    static const char *const compat[] = {"nan", NULL};
    noting_world_open(&world, 1);
    write_images(&world);
    assert_ok(world.ctx, ecal_load(&world, "{}", compat, &dataset, NULL));
    assert_true(mb_column_is_sparse_feed(mb_dataset_find(&dataset, "frames")));
    mb_dataset_clear(&dataset);
    assert_ok(world.ctx, ecal_load(&world, "{remove_empty: false}", NULL, &dataset, NULL));
    assert_true(mb_column_is_sparse_feed(mb_dataset_find(&dataset, "frames")));
    mb_dataset_clear(&dataset);
    assert_ok(world.ctx, ecal_load(&world, "{remove_empty: false}", compat, &dataset, NULL));
    assert_false(mb_column_is_sparse_feed(mb_dataset_find(&dataset, "frames")));
    mb_dataset_clear(&dataset);
    noting_world_close(&world);
}

static void assert_list(noting_world *world, const mb_dataset *dataset, const char *name,
    const char *golden, const uint32_t *rows) {
    mb_array wanted;
    read_golden(world, golden, &wanted);
    assert_column(world, dataset, name, &wanted, rows, N_IMAGES, golden);
    mb_array_clear(&wanted);
}

static void assert_scale(noting_world *world, const mb_dataset *dataset, const char *golden) {
    mb_array wanted;
    read_golden(world, golden, &wanted);
    const mb_array *got = mb_bundle_array(&dataset->facts, "sequence_scale");
    assert_non_null(got);
    assert_int_equal(mb_array_count(got), 8);
    assert_equal(got->data, wanted.data, 8, golden);
    mb_array_clear(&wanted);
}

static void test_ecal_golden__lists_are_those_of_numpy(void **state) {
    (void)state;
    noting_world world;
    mb_dataset dataset;
    noting_world_open(&world, 2);
    write_images(&world);
    assert_ok(world.ctx, ecal_load(&world, "{arrays: [hits, unique_times]}", NULL, &dataset, NULL));
    assert_list(&world, &dataset, "hits", "hits", in_order);
    assert_list(&world, &dataset, "unique_times", "unique_times", in_order);
    mb_dataset_clear(&dataset);
    // Images 1, 2 of each class train: rows 0 .. 3, then 0 of each tests.
    static const uint32_t by_image[N_IMAGES] = {4, 0, 1, 5, 2, 3};
    static const char data[] = "{arrays: [sequence], rows: {train: [1, 3], test: [0, 1]}}";
    static const char *const compat[] = {"scaler", NULL};
    assert_ok(world.ctx, ecal_load(&world, data, NULL, &dataset, NULL));
    assert_list(&world, &dataset, "sequence", "sequence", by_image);
    assert_scale(&world, &dataset, "sequence_scale");
    mb_dataset_clear(&dataset);
    assert_ok(world.ctx, ecal_load(&world, data, compat, &dataset, NULL));
    assert_list(&world, &dataset, "sequence", "sequence_all", by_image);
    assert_scale(&world, &dataset, "sequence_all_scale");
    mb_dataset_clear(&dataset);
    noting_world_close(&world);
}

// Counts that depend on rounding.
static void test_ecal_golden__counts_of_other_ranges_are_those_published(void **state) {
    (void)state;
    static const struct {
        double end, step;
        size_t literal, corrected;
    } ranges[] = {
        {0.099, 0.0099, 20, 20},
        {12 * 0.00249, 0.00249, 24, 24},
        {12 * 0.0049, 0.0049, 24, 24},
        {12 * 0.0099, 0.0099, 24, 24},
        {12 * 0.0249, 0.0249, 24, 24},
        {12 * 0.049, 0.049, 25, 24},
    };
    noting_world world;
    noting_world_open(&world, 1);
    write_images(&world);
    for (size_t i = 0; i < MB_COUNT_OF(ranges); i++) {
        mb_dataset dataset;
        char data[128];
        snprintf(data, sizeof data, "{min_t: %.17g, max_t: %.17g, t_step: %.17g}", -ranges[i].end,
            ranges[i].end, ranges[i].step);
        assert_ok(world.ctx, ecal_load(&world, data, compat_all, &dataset, NULL));
        assert_int_equal(mb_dataset_find(&dataset, "frames")->shape[0], ranges[i].literal);
        mb_dataset_clear(&dataset);
        assert_ok(world.ctx, ecal_load(&world, data, NULL, &dataset, NULL));
        assert_int_equal(mb_dataset_find(&dataset, "frames")->shape[0], ranges[i].corrected);
        mb_dataset_clear(&dataset);
    }
    noting_world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ecal_golden__frames_and_edges_are_those_of_numpy),
        cmocka_unit_test(test_ecal_golden__only_kept_nan_is_dense),
        cmocka_unit_test(test_ecal_golden__lists_are_those_of_numpy),
        cmocka_unit_test(test_ecal_golden__counts_of_other_ranges_are_those_published),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
