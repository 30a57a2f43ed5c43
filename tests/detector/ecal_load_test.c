// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "ecal_study.h"

#include "detector/ecal/simulate.h"
#include "files/hdf5.h"

#include <math.h>
#include <stdio.h>

// Energy of the one hit of a row, which tells file and row: see ecal_fill. -1: no hit.
static double energy_of(mb_context *ctx, const mb_dataset *dataset, uint32_t row) {
    const mb_column *frames = mb_dataset_find(dataset, "frames");
    assert_non_null(frames);
    assert_true(mb_column_is_sparse_feed(frames));
    const size_t n = mb_column_entries(frames, &row, 1);
    uint32_t offset[2];
    uint32_t *index = mb_allocate(ctx, n, sizeof *index);
    float *value = mb_allocate(ctx, n, sizeof *value);
    mb_column_gather_sparse(frames, &row, 1, offset, index, value);
    const double energy = n > 0 ? (double)value[0] : -1;
    mb_release(ctx, index);
    mb_release(ctx, value);
    return energy;
}

static void assert_row(noting_world *world, const mb_dataset *dataset, uint32_t row,
    int class_index, size_t event, uint8_t set) {
    float target[2];
    const double energy = (double)(float)((double)(event + 1) / 1000 + 1 + class_index);
    assert_float_equal(energy_of(world->ctx, dataset, row), energy, 0);
    assert_int_equal(dataset->event[row], event);
    assert_int_equal(dataset->split[row], set);
    assert_ok(
        world->ctx, mb_column_gather(mb_dataset_target(dataset), world->ctx, &row, 1, target));
    assert_float_equal(target[class_index], 1, 0);
    assert_float_equal(target[1 - class_index], 0, 0);
}

static void test_ecal_load__rows_of_each_file_come_set_by_set_photons_first(void **state) {
    (void)state;
    noting_world world;
    mb_dataset dataset;
    noting_world_open(&world, 2);
    ecal_write_both(&world, 10);
    assert_ok(world.ctx,
        ecal_load(&world, "{max_t: 1, rows: {train: [0, 3], validation: [4, 6], test: [8, 9]}}",
            NULL, &dataset, NULL));
    assert_int_equal(dataset.n_rows, 12);
    static const size_t first[] = {0, 4, 8};
    static const size_t last[] = {3, 6, 9};
    uint32_t row = 0;
    for (uint8_t set = 0; set < 3; set++) {
        for (int c = 0; c < 2; c++) {
            for (size_t k = first[set]; k < last[set]; k++) {
                assert_int_equal(dataset.file[row], c);
                assert_row(&world, &dataset, row++, c, k, set);
            }
        }
    }
    assert_int_equal(dataset.n_files, 2);
    assert_non_null(strstr(dataset.file_names[0], "photons.h5"));
    mb_dataset_clear(&dataset);
    // A set may be left out.
    assert_ok(
        world.ctx, ecal_load(&world, "{max_t: 1, rows: {test: [8, 10]}}", NULL, &dataset, NULL));
    assert_int_equal(dataset.n_rows, 4);
    assert_row(&world, &dataset, 3, 1, 9, MB_SPLIT_TEST);
    mb_dataset_clear(&dataset);
    noting_world_close(&world);
}

static void test_ecal_load__without_sets_all_is_one_set(void **state) {
    (void)state;
    noting_world world;
    mb_dataset dataset;
    noting_world_open(&world, 1);
    ecal_write_both(&world, 5);
    assert_ok(world.ctx, ecal_load(&world, "{max_t: 1}", NULL, &dataset, NULL));
    assert_int_equal(dataset.n_rows, 10);
    assert_row(&world, &dataset, 4, 0, 4, MB_SPLIT_TRAIN);
    assert_row(&world, &dataset, 5, 1, 0, MB_SPLIT_TRAIN);
    mb_dataset_clear(&dataset);
    assert_ok(world.ctx, ecal_load(&world, "{max_t: 1, rows: [2, 4]}", NULL, &dataset, NULL));
    assert_int_equal(dataset.n_rows, 4);
    assert_row(&world, &dataset, 1, 0, 3, MB_SPLIT_TRAIN);
    assert_row(&world, &dataset, 2, 1, 2, MB_SPLIT_TRAIN);
    // Parts of it come from fractions.
    const mb_part part = {0.5, MB_TAKE_LAST};
    const mb_split_options options = {.has_rows = true, .is_bare = true, .rows = {{2, 4}}};
    assert_ok(world.ctx, mb_split_apply(&dataset, world.ctx, &options, &part, 1));
    assert_int_equal(dataset.split[1], MB_SPLIT_TRAIN);
    assert_int_equal(dataset.split[2], MB_SPLIT_VALIDATION);
    mb_dataset_clear(&dataset);
    noting_world_close(&world);
}

static void test_ecal_load__a_part_of_one_class_is_warned_about(void **state) {
    (void)state;
    noting_world world;
    detector_study study;
    mb_dataset dataset;
    const mb_part last = {0.25, MB_TAKE_LAST};
    noting_world_open(&world, 1);
    ecal_write_both(&world, 8);
    detector_study_open(&study, world.ctx, world.directory, "{max_t: 1}", NULL);
    study.request.validation = &last;
    assert_ok(world.ctx, detector_named("ecal")->load(world.ctx, &study.request, &dataset, NULL));
    noting_world_assert_notice(&world, "the rows for validation are all electrons");
    mb_dataset_clear(&dataset);
    const mb_part random = {0.5, MB_TAKE_RANDOM};
    study.request.validation = &random;
    assert_ok(world.ctx, detector_named("ecal")->load(world.ctx, &study.request, &dataset, NULL));
    assert_string_equal(world.notices, "");
    mb_dataset_clear(&dataset);
    detector_study_close(&study);
    noting_world_close(&world);
}

static void test_ecal_load__rows_beyond_the_end_are_clipped_and_said(void **state) {
    (void)state;
    noting_world world;
    mb_dataset dataset;
    noting_world_open(&world, 1);
    ecal_write_both(&world, 10);
    assert_ok(world.ctx, ecal_load(&world, "{max_t: 1, rows: {train: [0, 4], test: [8, 30]}}", NULL,
                             &dataset, NULL));
    assert_int_equal(dataset.n_rows, 12);
    noting_world_assert_notice(
        &world, "rows [8, 30] were asked for (test) but it has 10: [8, 10] are taken");
    mb_dataset_clear(&dataset);
    assert_fails(world.ctx,
        ecal_load(&world, "{rows: {train: [0, 4], test: [10, 30]}}", NULL, &dataset, NULL),
        MB_ERR_RANGE, "the range [10, 30] for test takes no row of files of 10 rows");
    assert_fails(world.ctx,
        ecal_load(&world, "{rows: {train: [0, 4], validation: [4, 4]}}", NULL, &dataset, NULL),
        MB_ERR_RANGE, "the range [4, 4] for validation takes no row");
    assert_fails(world.ctx,
        ecal_load(&world, "{rows: {train: [0, 4], test: [3, 9]}}", NULL, &dataset, NULL),
        MB_ERR_FORMAT, "[0, 4] for train and [3, 9] for test overlap");
    assert_fails(world.ctx, ecal_load(&world, "{rows: {}}", NULL, &dataset, NULL), MB_ERR_FORMAT,
        "names no set");
    noting_world_close(&world);
}

// The same images as .npy and as .npz give what .h5 gives.
static void test_ecal_load__npy_and_npz_are_read_alike(void **state) {
    (void)state;
    noting_world world;
    noting_world_open(&world, 1);
    float *images = mb_allocate(world.ctx, 6 * MB_ECAL_PIXELS * 2, sizeof *images);
    static const float labels[2][6] = {{0, 0, 0, 0, 0, 0}, {1, 1, 1, 1, 1, 1}};
    static const char *const names[2][2] = {{"p.npy", "e.npy"}, {"p.npz", "e.npz"}};
    static const char *const data[2] = {
        "{max_t: 1, photons: p.npy, electrons: e.npy, rows: [2, 5]}",
        "{max_t: 1, photons: p.npz, electrons: e.npz, rows: [2, 5]}"};
    for (size_t form = 0; form < 2; form++) {
        mb_dataset dataset;
        for (size_t c = 0; c < 2; c++) {
            ecal_fill(images, 6, 1 + (double)c);
            ecal_write(&world, names[form][c], images, 6, labels[c]);
        }
        assert_ok(world.ctx, ecal_load(&world, data[form], NULL, &dataset, NULL));
        assert_int_equal(dataset.n_rows, 6);
        assert_row(&world, &dataset, 0, 0, 2, MB_SPLIT_TRAIN);
        assert_row(&world, &dataset, 5, 1, 4, MB_SPLIT_TRAIN);
        mb_dataset_clear(&dataset);
    }
    mb_release(world.ctx, images);
    noting_world_close(&world);
}

static void test_ecal_load__one_file_may_hold_both_classes(void **state) {
    (void)state;
    noting_world world;
    mb_dataset dataset;
    noting_world_open(&world, 1);
    float *images = mb_allocate(world.ctx, 4 * MB_ECAL_PIXELS * 2, sizeof *images);
    static const float labels[] = {1, 0, 0, 1};
    ecal_fill(images, 4, 1);
    ecal_write(&world, "both.h5", images, 4, labels);
    assert_ok(world.ctx, ecal_load(&world, "{file: both.h5}", NULL, &dataset, NULL));
    assert_int_equal(dataset.n_rows, 4);
    const float *target = mb_dataset_target(&dataset)->dense.data;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(target[2 * i + 1] > 0.5F, labels[i] > 0.5F);
    }
    mb_dataset_clear(&dataset);
    // Without labels nothing tells them apart.
    ecal_write(&world, "none.h5", images, 4, NULL);
    assert_fails(world.ctx,
        ecal_load(&world, "{file: none.h5, trust_file: true}", NULL, &dataset, NULL), MB_ERR_FORMAT,
        "name the classes' files in data.photons and data.electrons");
    mb_release(world.ctx, images);
    noting_world_close(&world);
}

static void test_ecal_load__labels_are_held_against_the_file(void **state) {
    (void)state;
    noting_world world;
    mb_dataset dataset;
    noting_world_open(&world, 1);
    ecal_write_both(&world, 4);
    float *images = mb_allocate(world.ctx, 4 * MB_ECAL_PIXELS * 2, sizeof *images);
    static const float swapped[] = {0, 0, 1, 0};
    static const float strange[] = {0, 2, 0, 0};
    ecal_fill(images, 4, 1);
    ecal_write(&world, "swapped.h5", images, 4, swapped);
    ecal_write(&world, "strange.h5", images, 4, strange);
    ecal_write(&world, "none.h5", images, 4, NULL);
    assert_fails(world.ctx, ecal_load(&world, "{photons: swapped.h5}", NULL, &dataset, NULL),
        MB_ERR_RANGE, "swapped.h5: row 2: label is 1, of an electron, in the file of photons");
    assert_fails(world.ctx, ecal_load(&world, "{photons: strange.h5}", NULL, &dataset, NULL),
        MB_ERR_RANGE, "strange.h5: row 1: label is 2, not 0 (photon) or 1 (electron)");
    assert_fails(world.ctx, ecal_load(&world, "{photons: none.h5}", NULL, &dataset, NULL),
        MB_ERR_FORMAT, "there are no labels y");
    static const char *const trusted[] = {"{photons: swapped.h5, trust_file: true}",
        "{photons: strange.h5, trust_file: true}", "{photons: none.h5, trust_file: true}"};
    for (size_t i = 0; i < MB_COUNT_OF(trusted); i++) {
        assert_ok(world.ctx, ecal_load(&world, trusted[i], NULL, &dataset, NULL));
        assert_row(&world, &dataset, 2, 0, 2, MB_SPLIT_TRAIN);
        mb_dataset_clear(&dataset);
    }
    mb_release(world.ctx, images);
    noting_world_close(&world);
}

static void test_ecal_load__energies_that_are_no_numbers_are_errors_or_empty(void **state) {
    (void)state;
    noting_world world;
    mb_dataset dataset;
    mb_buffer report;
    noting_world_open(&world, 2);
    ecal_write_both(&world, 40);
    float *images = mb_allocate(world.ctx, 40 * MB_ECAL_PIXELS * 2, sizeof *images);
    const float labels[40] = {0};
    ecal_fill(images, 40, 1);
    images[(33 * MB_ECAL_PIXELS + 2 * MB_ECAL_SIDE + 5) * 2] = NAN;
    images[(36 * MB_ECAL_PIXELS) * 2] = INFINITY;
    images[(3 * MB_ECAL_PIXELS) * 2] = -0.5F;
    ecal_write(&world, "bad.h5", images, 40, labels);
    assert_fails(world.ctx, ecal_load(&world, "{photons: bad.h5}", NULL, &dataset, NULL),
        MB_ERR_RANGE, "bad.h5: row 33, pixel (2, 5): energy is nan; correct it, or set");
    mb_buffer_init(&report, world.ctx);
    assert_ok(world.ctx, ecal_load(&world, "{photons: bad.h5, nan_as_empty: true, max_t: 1}", NULL,
                             &dataset, &report));
    assert_non_null(strstr(report.data, "2 pixels whose energy is no finite number are empty"));
    assert_non_null(strstr(report.data, "1 pixels have negative energy"));
    assert_non_null(strstr(report.data, "bad.h5: 40 of 40 rows read"));
    assert_non_null(strstr(report.data, "0 of 80 images are empty"));
    assert_row(&world, &dataset, 33, 0, 33, MB_SPLIT_TRAIN);
    mb_dataset_clear(&dataset);
    mb_buffer_clear(&report);
    mb_release(world.ctx, images);
    noting_world_close(&world);
}

static void test_ecal_load__images_without_hits_are_counted(void **state) {
    (void)state;
    noting_world world;
    mb_dataset dataset;
    mb_buffer report;
    noting_world_open(&world, 1);
    ecal_write_both(&world, 4);
    mb_buffer_init(&report, world.ctx);
    // Hits of electrons have time 0.02, photons' 0.01.
    assert_ok(world.ctx, ecal_load(&world, "{max_t: 0.015}", NULL, &dataset, &report));
    assert_non_null(strstr(report.data, "4 of 8 images are empty after cleaning"));
    assert_non_null(strstr(report.data, "images of 32 x 32, 12 time frames from -0.1 to 0.015"));
    assert_float_equal(energy_of(world.ctx, &dataset, 5), -1, 0);
    mb_dataset_clear(&dataset);
    mb_buffer_clear(&report);
    assert_ok(world.ctx, ecal_load(&world, "{crop: 13}", NULL, &dataset, NULL));
    noting_world_assert_notice(&world, "an odd crop of 13 keeps 14 x 14 cells");
    assert_int_equal(mb_dataset_find(&dataset, "frames")->shape[1], 14);
    mb_dataset_clear(&dataset);
    noting_world_close(&world);
}

static void test_ecal_load__a_bad_file_of_several_may_be_left_out(void **state) {
    (void)state;
    noting_world world;
    mb_dataset dataset;
    mb_buffer report;
    noting_world_open(&world, 1);
    ecal_write_both(&world, 4);
    assert_ok(world.ctx,
        mb_write_file(world.ctx, noting_world_path(&world, "photons0.h5"), "no HDF5", 7));
    assert_fails(world.ctx, ecal_load(&world, "{photons: photons*.h5}", NULL, &dataset, NULL),
        MB_ERR_FORMAT, "photons0.h5");
    mb_buffer_init(&report, world.ctx);
    assert_ok(world.ctx,
        ecal_load(&world, "{photons: photons*.h5, on_bad: drop}", NULL, &dataset, &report));
    assert_int_equal(dataset.n_rows, 8);
    assert_int_equal(dataset.n_files, 2);
    noting_world_assert_notice(&world, "photons0.h5: left out");
    assert_non_null(strstr(report.data, "left out: "));
    mb_dataset_clear(&dataset);
    mb_buffer_clear(&report);
    // The only file of a class cannot be left out.
    assert_fails(world.ctx,
        ecal_load(&world, "{photons: photons0.h5, on_bad: drop}", NULL, &dataset, NULL),
        MB_ERR_FORMAT, "photons0.h5");
    noting_world_close(&world);
}

// A file whose bytes are of another: cut, or with some overwritten.
static void write_damaged(noting_world *world, const char *name, size_t length, size_t at) {
    char *bytes;
    size_t n;
    assert_ok(
        world->ctx, mb_read_file(world->ctx, noting_world_path(world, "photons.h5"), &bytes, &n));
    if (at < n) {
        memset(bytes + at, 0xff, mb_min_size(64, n - at));
    }
    assert_ok(world->ctx,
        mb_write_file(world->ctx, noting_world_path(world, name), bytes, mb_min_size(length, n)));
    mb_release(world->ctx, bytes);
}

static void test_ecal_load__damage_is_told_with_its_place(void **state) {
    (void)state;
    noting_world world;
    mb_dataset dataset;
    noting_world_open(&world, 2);
    const mb_ecal_simulate_record record = {.events = 300};
    assert_ok(world.ctx, mb_ecal_simulate(world.ctx, &record, 1, world.directory));
    char *bytes;
    size_t n;
    assert_ok(
        world.ctx, mb_read_file(world.ctx, noting_world_path(&world, "photons.h5"), &bytes, &n));
    mb_release(world.ctx, bytes);
    char text[128];
    write_damaged(&world, "cut.h5", n / 2, SIZE_MAX);
    snprintf(text, sizeof text, "cut.h5: byte %zu: the file ends, but it says that it has %zu",
        n / 2, n);
    assert_fails(world.ctx, ecal_load(&world, "{photons: cut.h5}", NULL, &dataset, NULL),
        MB_ERR_FORMAT, text);
    // The middle of the file lies in the middle one of three chunks; the others stay readable.
    write_damaged(&world, "broken.h5", SIZE_MAX, n / 2);
    assert_fails(world.ctx, ecal_load(&world, "{photons: broken.h5}", NULL, &dataset, NULL),
        MB_ERR_FORMAT, "/X: a chunk does not decompress to its size, at (100, 0, 0, 0)");
    assert_fails(world.ctx, ecal_load(&world, "{photons: broken.h5}", NULL, &dataset, NULL),
        MB_ERR_FORMAT, "broken.h5: byte ");
    static const char *const others[] = {
        "{photons: broken.h5, rows: [0, 100]}", "{photons: broken.h5, rows: [200, 300]}"};
    for (size_t i = 0; i < MB_COUNT_OF(others); i++) {
        assert_ok(world.ctx, ecal_load(&world, others[i], NULL, &dataset, NULL));
        assert_int_equal(dataset.n_rows, 200);
        mb_dataset_clear(&dataset);
    }
    noting_world_close(&world);
}

static void write_array(
    mb_context *ctx, mb_h5_writer *writer, const char *name, unsigned rank, const size_t *shape) {
    mb_array array;
    assert_ok(ctx, mb_array_init(&array, ctx, MB_F32, rank, shape));
    assert_ok(ctx, mb_h5_write_array(writer, name, &array));
    mb_array_clear(&array);
}

static void test_ecal_load__files_of_other_shapes_are_told_what_they_hold(void **state) {
    (void)state;
    static const struct {
        const char *x;
        unsigned rank;
        size_t shape[4];
        size_t n_labels;
        mb_status status;
        const char *text;
    } cases[] = {
        {"/Z", 4, {3, 32, 32, 2}, 3, MB_ERR_FORMAT, "no dataset X; it holds /Z (3, 32, 32, 2), /y"},
        {"/X", 3, {3, 32, 32}, 3, MB_ERR_SHAPE, "not the four axes (events, 32, 32, 2); it holds"},
        {"/X", 4, {3, 32, 32, 3}, 3, MB_ERR_SHAPE, "the last axis of X has not length 2"},
        {"/X", 4, {3, 30, 32, 2}, 3, MB_ERR_SHAPE, "are not 32 x 32; it holds /X (3, 30, 32, 2)"},
        {"/X", 4, {3, 32, 32, 2}, 4, MB_ERR_SHAPE, "X and y are not of one length; it holds"},
    };
    noting_world world;
    noting_world_open(&world, 1);
    ecal_write_both(&world, 4);
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        mb_dataset dataset;
        mb_h5_writer *writer;
        assert_ok(world.ctx, mb_h5_create(world.ctx, noting_world_path(&world, "other.h5"),
                                 MB_H5_IN_MEMORY, &writer));
        write_array(world.ctx, writer, cases[i].x, cases[i].rank, cases[i].shape);
        write_array(world.ctx, writer, "/y", 1, &cases[i].n_labels);
        assert_ok(world.ctx, mb_h5_commit(writer));
        assert_fails(world.ctx, ecal_load(&world, "{photons: other.h5}", NULL, &dataset, NULL),
            cases[i].status, cases[i].text);
    }
    noting_world_close(&world);
}

// y has a layout that the library does not know: it must not pass for absent.
static void test_ecal_load__arrays_that_cannot_be_read_are_no_absent_ones(void **state) {
    (void)state;
    static const char layout[] = {8, 0, 24, 0, 0, 0, 0, 0, 3, 1};
    static const char *const names[] = {"/X", "/y"};
    static const size_t shape[] = {3, 32, 32, 2};
    noting_world world;
    noting_world_open(&world, 1);
    ecal_write_both(&world, 4);
    for (size_t i = 0; i < MB_COUNT_OF(names); i++) {
        mb_dataset dataset;
        mb_h5_writer *writer;
        mb_buffer bytes;
        char text[64];
        mb_buffer_init(&bytes, world.ctx);
        assert_ok(world.ctx, mb_h5_create(world.ctx, "other.h5", MB_H5_IN_MEMORY, &writer));
        write_array(world.ctx, writer, names[i], i == 0 ? 4 : 1, shape);
        write_array(world.ctx, writer, names[1 - i], i == 0 ? 1 : 4, shape);
        assert_ok(world.ctx, mb_h5_commit_buffer(writer, &bytes));
        size_t at = 0;
        while (memcmp(bytes.data + at, layout, sizeof layout) != 0) {
            at++;
            assert_true(at + sizeof layout <= bytes.length);
        }
        bytes.data[at + 8] = 5;
        assert_ok(world.ctx, mb_write_file(world.ctx, noting_world_path(&world, "other.h5"),
                                 bytes.data, bytes.length));
        mb_buffer_clear(&bytes);
        snprintf(text, sizeof text, "other.h5: %s: layout of version 5", names[i]);
        assert_fails(world.ctx, ecal_load(&world, "{photons: other.h5}", NULL, &dataset, NULL),
            MB_ERR_UNSUPPORTED, text);
    }
    noting_world_close(&world);
}

static void test_ecal_load__settings_that_cannot_be_are_named(void **state) {
    (void)state;
    static const struct {
        const char *data, *text;
    } cases[] = {
        {"{t_step: 0}", "study.yaml:1: data.t_step: is 0; write a number above 0"},
        {"{t_step: -0.1}", "data.t_step"},
        {"{max_t: -0.1}", "data.max_t: is -0.1, min_t is -0.1"},
        {"{min_t: 0.2}", "data.max_t"},
        {"{t_step: 0.2}", "data.t_step: 0.2 makes 1 frames"},
        {"{t_step: 1.0e-9}", "choose it so that there are 2 to 1000"},
        {"{arrays: [frame]}", "did you mean frames"},
        {"{arrays: []}", "data.arrays: is empty"},
        {"{photons: []}", "data.photons: is an empty list"},
        {"{crop: 33}", "crop"},
        {"{croq: 12}", "crop"},
    };
    noting_world world;
    noting_world_open(&world, 1);
    ecal_write_both(&world, 2);
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        mb_dataset dataset;
        assert_fails(world.ctx, ecal_load(&world, cases[i].data, NULL, &dataset, NULL),
            MB_ERR_FORMAT, cases[i].text);
    }
    mb_dataset dataset;
    assert_fails(world.ctx, ecal_load(&world, "{photons: absent.h5}", NULL, &dataset, NULL),
        MB_ERR_IO, "no file 'absent.h5'; set data.dir or data.photons");
    assert_fails(world.ctx,
        ecal_load(&world, "{photons: [photons.h5, photons.h5]}", NULL, &dataset, NULL),
        MB_ERR_FORMAT, "named twice");
    noting_world_close(&world);
}

// Files named for prediction: all their rows, the classes of y, and lists as the run's training
// fitted them.
static void test_ecal_load__predictions_take_the_facts_of_the_training(void **state) {
    (void)state;
    noting_world world;
    detector_study study;
    mb_dataset trained;
    mb_dataset dataset;
    noting_world_open(&world, 1);
    ecal_write_both(&world, 6);
    static const char data[] = "{arrays: [sequence], sequence_abstime: 1, rows: {train: [0, 3]}}";
    assert_ok(world.ctx, ecal_load(&world, data, NULL, &trained, NULL));
    detector_study_open(&study, world.ctx, world.directory, data, NULL);
    const char *path = noting_world_path(&world, "electrons.h5");
    study.request.files = &path;
    study.request.n_files = 1;
    study.request.facts = &trained.facts;
    assert_ok(world.ctx, detector_named("ecal")->load(world.ctx, &study.request, &dataset, NULL));
    assert_int_equal(dataset.n_rows, 6);
    const float *target = mb_dataset_target(&dataset)->dense.data;
    assert_true(target[0] == 0 && target[1] == 1);
    const mb_column *sequence = mb_dataset_find(&dataset, "sequence");
    assert_int_equal(sequence->shape[0], 1);
    float list[6][4];
    const uint32_t rows[] = {0, 1, 2, 3, 4, 5};
    assert_ok(world.ctx, mb_column_gather(sequence, world.ctx, rows, 6, list[0]));
    // Energies 1.001 .. 2.003 and times 0.01, 0.02 were seen; row 5 of the electrons has 2.006.
    assert_float_equal(list[2][0], 1, 1e-6);
    assert_float_equal(list[5][0], 1.002994F, 1e-6);
    assert_float_equal(list[0][1], 1, 1e-6);
    mb_dataset_clear(&dataset);
    mb_bundle damaged;
    mb_bundle_init(&damaged, world.ctx);
    assert_ok(world.ctx, mb_bundle_put_int(&damaged, world.ctx, "sequence_length", 0));
    study.request.facts = &damaged;
    assert_fails(world.ctx, detector_named("ecal")->load(world.ctx, &study.request, &dataset, NULL),
        MB_ERR_FORMAT, "sequence_length of the run is 0");
    mb_bundle_clear(&damaged);
    mb_dataset_clear(&trained);
    detector_study_close(&study);
    noting_world_close(&world);
}

static void test_ecal_load__twenty_thousand_images_take_megabytes(void **state) {
    (void)state;
    noting_world world;
    mb_dataset dataset;
    enum { N = 500 };
    noting_world_open(&world, 2);
    // As full as simulated images are: 48 hits.
    float *images = mb_allocate_zeroed(world.ctx, (size_t)N * MB_ECAL_PIXELS * 2, sizeof *images);
    const float labels[N] = {0};
    for (size_t i = 0; i < N; i++) {
        for (size_t k = 0; k < 48; k++) {
            images[(i * MB_ECAL_PIXELS + 13 * k) * 2] = 0.01F;
        }
    }
    ecal_write(&world, "photons.h5", images, N, labels);
    ecal_write(&world, "electrons.h5", images, N, labels);
    assert_ok(world.ctx, ecal_load(&world, "{trust_file: true}", NULL, &dataset, NULL));
    const mb_column *frames = mb_dataset_find(&dataset, "frames");
    assert_int_equal(frames->size, 21 * 32 * 32);
    assert_true(frames->state_bytes > 0);
    assert_true(frames->state_bytes / dataset.n_rows < 2000);
    // 0 lies in frame 10 and all after it.
    const uint32_t row = 7;
    assert_int_equal(mb_column_entries(frames, &row, 1), 48 * 11);
    mb_dataset_clear(&dataset);
    mb_release(world.ctx, images);
    noting_world_close(&world);
}

static mb_status load_once(void *user, mb_context *ctx) {
    const char *directory = user;
    mb_document document;
    mb_compat compat = {0};
    mb_dataset dataset;
    mb_buffer report;
    mb_document_init(&document, ctx, "study.yaml");
    mb_node *root = mb_node_make(&document, ctx, MB_NODE_MAP);
    mb_node *arrays = mb_node_make_text(&document, ctx, "sequence");
    mb_status status = MB_ERR_MEMORY;
    if (root != NULL && arrays != NULL) {
        status = mb_node_set(&document, ctx, root, "arrays", arrays);
    }
    if (status == MB_OK) {
        const mb_detector_request request = {.document = &document,
            .data = root,
            .compat = &compat,
            .directory = directory,
            .wants_label = true};
        mb_buffer_init(&report, ctx);
        status = detector_named("ecal")->load(ctx, &request, &dataset, &report);
        if (status == MB_OK) {
            mb_dataset_clear(&dataset);
        }
        mb_buffer_clear(&report);
    }
    mb_document_clear(&document);
    return status;
}

static void test_ecal_load__memory_that_runs_out_is_an_error(void **state) {
    (void)state;
    noting_world world;
    noting_world_open(&world, 1);
    ecal_write_both(&world, 3);
    assert_true(mb_test_each_lack_of_memory(load_once, world.directory) > 20);
    noting_world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ecal_load__rows_of_each_file_come_set_by_set_photons_first),
        cmocka_unit_test(test_ecal_load__without_sets_all_is_one_set),
        cmocka_unit_test(test_ecal_load__a_part_of_one_class_is_warned_about),
        cmocka_unit_test(test_ecal_load__rows_beyond_the_end_are_clipped_and_said),
        cmocka_unit_test(test_ecal_load__npy_and_npz_are_read_alike),
        cmocka_unit_test(test_ecal_load__one_file_may_hold_both_classes),
        cmocka_unit_test(test_ecal_load__labels_are_held_against_the_file),
        cmocka_unit_test(test_ecal_load__energies_that_are_no_numbers_are_errors_or_empty),
        cmocka_unit_test(test_ecal_load__images_without_hits_are_counted),
        cmocka_unit_test(test_ecal_load__a_bad_file_of_several_may_be_left_out),
        cmocka_unit_test(test_ecal_load__damage_is_told_with_its_place),
        cmocka_unit_test(test_ecal_load__arrays_that_cannot_be_read_are_no_absent_ones),
        cmocka_unit_test(test_ecal_load__files_of_other_shapes_are_told_what_they_hold),
        cmocka_unit_test(test_ecal_load__settings_that_cannot_be_are_named),
        cmocka_unit_test(test_ecal_load__predictions_take_the_facts_of_the_training),
        cmocka_unit_test(test_ecal_load__twenty_thousand_images_take_megabytes),
        cmocka_unit_test(test_ecal_load__memory_that_runs_out_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
