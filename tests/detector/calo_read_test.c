// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "calo_study.h"

#include "base/output.h"
#include "files/hdf5.h"

#include <math.h>
#include <stdio.h>

enum { N = MB_CALO_N_REGIONS };

MB_TEST_WORLD_AND_FOLDER(2, MB_CPU_ALL)

static mb_status load(const char *data, mb_dataset *out) {
    return calo_load(world.ctx, data, NULL, folder, 0, out, NULL);
}

static void assert_load_fails(const char *data, mb_status status, const char *part) {
    mb_dataset dataset;
    assert_fails(world.ctx, load(data, &dataset), status, part);
    mb_dataset_clear(&dataset);
}

// Rows first .. first + n are events 0 .. n of a sample.
static void assert_events(const mb_dataset *dataset, size_t first, size_t n, size_t sample) {
    for (size_t k = 0; k < n; k++) {
        assert_int_equal(dataset->event[first + k], k);
        for (size_t i = 0; i < N; i++) {
            const float wanted = (float)calo_value(sample, k, i);
            const float got = calo_region(dataset, first + k, i);
            assert_memory_equal(&got, &wanted, sizeof got);
        }
    }
}

static void test_read__every_type_shape_and_storage_gives_the_same(void **state) {
    (void)state;
    static const mb_dtype types[] = {
        MB_F64, MB_F32, MB_I16, MB_I32, MB_U16, MB_I64, MB_U32, MB_U64};
    static const struct {
        size_t chunk_rows;
        int deflate;
    } storage[] = {{0, 0}, {7, 0}, {300, 0}, {64, 3}, {5000, 1}};
    enum { N_EVENTS = 2500 }; // more than one block
    for (size_t t = 0; t < MB_COUNT_OF(types); t++) {
        for (size_t s = 0; s < MB_COUNT_OF(storage); s++) {
            const calo_form form = {(t + s) % 3 == 2 ? "X" : NULL, types[t],
                2 + (unsigned)(t + s) % 3, storage[s].chunk_rows, storage[s].deflate};
            const calo_content content = {.n = N_EVENTS, .sample = t, .n_accepted = SIZE_MAX};
            calo_write(world.ctx, folder, "a.h5", &form, &content);
            mb_dataset dataset;
            assert_ok(world.ctx, load("background: {file: a.h5}", &dataset));
            assert_int_equal(dataset.n_rows, N_EVENTS);
            assert_int_equal(dataset.n_sets, 0);
            assert_events(&dataset, 0, N_EVENTS, t);
            mb_dataset_clear(&dataset);
        }
    }
}

static void test_read__bytes_are_read_too(void **state) {
    (void)state;
    static double values[3 * N];
    for (size_t i = 0; i < 3 * N; i++) {
        values[i] = (double)(i % 128);
    }
    static const mb_dtype types[] = {MB_U8, MB_I8};
    for (size_t t = 0; t < 2; t++) {
        const calo_form form = {NULL, types[t], 3, 0, 0};
        const calo_content content = {.n = 3, .values = values, .n_accepted = SIZE_MAX};
        calo_write(world.ctx, folder, "bytes.h5", &form, &content);
        mb_dataset dataset;
        assert_ok(world.ctx, load("background: {file: bytes.h5}", &dataset));
        for (size_t i = 0; i < 3 * N; i++) {
            assert_int_equal(calo_region(&dataset, i / N, i % N), i % 128);
        }
        mb_dataset_clear(&dataset);
    }
}

static void test_read__columns_are_as_the_header_says(void **state) {
    (void)state;
    calo_write_events(world.ctx, folder, "a.h5", 0, 4);
    mb_dataset dataset;
    assert_ok(world.ctx, load("background: {file: a.h5}", &dataset));
    const mb_column *regions = mb_dataset_find(&dataset, "regions");
    assert_int_equal(regions->role, MB_ROLE_INPUT);
    assert_int_equal(regions->rank, 3);
    assert_int_equal(regions->shape[0], 18);
    assert_int_equal(regions->shape[1], 14);
    assert_int_equal(regions->shape[2], 1);
    assert_int_equal(regions->dense.shape[0], 4);
    const float *target = mb_dataset_target(&dataset)->dense.data;
    assert_true(target[0] > 0.5f && target[1] < 0.5f);
    assert_string_equal(mb_dataset_find(&dataset, "sample")->value_names[0], "ZeroBias");
    assert_null(mb_dataset_find(&dataset, "sample")->value_names[1]);
    assert_int_equal(calo_extra(&dataset, "overlay", 3), -1);
    assert_int_equal(dataset.split[3], MB_SPLIT_TRAIN);
    assert_string_equal(dataset.split_names[4], "cicada");
    mb_dataset_clear(&dataset);
}

static void test_read__limit_and_several_files_count_events_in_order(void **state) {
    (void)state;
    calo_write_events(world.ctx, folder, "part_1.h5", 1, 10);
    calo_write_events(world.ctx, folder, "part_2.h5", 2, 10);
    mb_dataset dataset;
    assert_ok(world.ctx, load("background: {file: part_*.h5, limit: 15}", &dataset));
    assert_int_equal(dataset.n_rows, 15);
    assert_events(&dataset, 0, 10, 1);
    assert_events(&dataset, 10, 5, 2);
    assert_int_equal(dataset.n_files, 2);
    assert_int_equal(dataset.file[9], 0);
    assert_int_equal(dataset.file[10], 1);
    assert_non_null(strstr(dataset.file_names[1], "part_2.h5"));
    mb_dataset_clear(&dataset);
    assert_ok(world.ctx, load("background: {file: [part_2.h5, part_1.h5]}", &dataset));
    assert_events(&dataset, 0, 10, 2);
    mb_dataset_clear(&dataset);
    assert_load_fails("background: {file: [part_2.h5, 'part_*.h5']}", MB_ERR_FORMAT, "named twice");
}

static void test_read__only_accepted_events_count(void **state) {
    (void)state;
    enum { N_EVENTS = 3000 };
    static uint8_t flags[N_EVENTS];
    for (size_t i = 0; i < N_EVENTS; i++) {
        flags[i] = i % 3 != 1;
    }
    static const mb_dtype types[] = {MB_BOOL, MB_I8, MB_I32};
    for (size_t t = 0; t < MB_COUNT_OF(types); t++) {
        const calo_content content = {
            .n = N_EVENTS, .accepted = flags, .n_accepted = N_EVENTS, .flag_dtype = types[t]};
        calo_write(world.ctx, folder, "flags.h5", &CALO_FORM, &content);
        mb_dataset dataset;
        mb_buffer report;
        mb_buffer_init(&report, world.ctx);
        assert_ok(world.ctx, calo_load(world.ctx, "background: {file: flags.h5, limit: 1900}", NULL,
                                 folder, 0, &dataset, &report));
        assert_int_equal(dataset.n_rows, 1900);
        for (size_t k = 0; k < dataset.n_rows; k++) {
            const size_t event = k / 2 * 3 + (k % 2 == 0 ? 0 : 2);
            assert_int_equal(dataset.event[k], event);
            assert_int_equal(calo_region(&dataset, k, 0), event % 1024);
        }
        assert_non_null(strstr(report.data, "ZeroBias shape: (1900, 18, 14)"));
        assert_non_null(strstr(report.data, "Left out: 1000 of 3000 events"));
        mb_buffer_clear(&report);
        mb_dataset_clear(&dataset);
    }
}

static void test_read__flags_that_are_empty_accept_all_and_odd_ones_are_refused(void **state) {
    (void)state;
    static const uint8_t flags[] = {1, 0, 2, 1};
    calo_content content = {.n = 4, .n_accepted = 0, .flag_dtype = MB_BOOL};
    calo_write(world.ctx, folder, "flags.h5", &CALO_FORM, &content);
    mb_dataset dataset;
    assert_ok(world.ctx, load("background: {file: flags.h5}", &dataset));
    assert_int_equal(dataset.n_rows, 4);
    mb_dataset_clear(&dataset);
    content = (calo_content){.n = 4, .accepted = flags, .n_accepted = 2, .flag_dtype = MB_I8};
    calo_write(world.ctx, folder, "flags.h5", &CALO_FORM, &content);
    assert_load_fails(
        "background: {file: flags.h5}", MB_ERR_SHAPE, "AcceptanceFlag has 2 entries for 4 events");
    content.n_accepted = 4;
    calo_write(world.ctx, folder, "flags.h5", &CALO_FORM, &content);
    assert_load_fails(
        "background: {file: flags.h5}", MB_ERR_RANGE, "AcceptanceFlag, row 2: 2 is neither");
    static const uint8_t none[4] = {0};
    content.accepted = none;
    calo_write(world.ctx, folder, "flags.h5", &CALO_FORM, &content);
    assert_load_fails("background: {file: flags.h5}", MB_ERR_FORMAT, "none of 4 events");
}

enum { N_BAD = 2600 };
static double bad_values[N_BAD * N];

// Six values in five events that no region can have.
static void write_bad(mb_dtype dtype) {
    for (size_t i = 0; i < (size_t)N_BAD * N; i++) {
        bad_values[i] = calo_value(0, i / N, i % N);
    }
    if (dtype == MB_F64) {
        bad_values[17 * N + 14 * 2 + 5] = -3;
        bad_values[17 * N + 14 * 2 + 6] = 2.25;
        bad_values[18 * N + 3] = (double)NAN;
        bad_values[1500 * N + 4] = (double)INFINITY;
        bad_values[2599 * N + 5] = 1024;
        bad_values[2100 * N + 5] = 1e300;
    } else {
        bad_values[17 * N + 14 * 2 + 5] = -3;
        bad_values[1500 * N + 4] = 1024;
    }
    const calo_form form = {NULL, dtype, 3, 0, 0};
    const calo_content content = {.n = N_BAD, .values = bad_values, .n_accepted = SIZE_MAX};
    calo_write(world.ctx, folder, "bad.h5", &form, &content);
}

static void test_read__bad_values_are_counted_and_the_first_is_shown(void **state) {
    (void)state;
    write_bad(MB_F64);
    assert_load_fails("background: {file: bad.h5}", MB_ERR_RANGE,
        "bad.h5: CaloRegions, row 17: -3 at phi 2, eta 5 is no whole number 0 .. 1023 (6 such "
        "values in 5 events)");
    static const mb_dtype integers[] = {MB_I16, MB_I32, MB_I64};
    for (size_t t = 0; t < MB_COUNT_OF(integers); t++) {
        write_bad(integers[t]);
        assert_load_fails("background: {file: bad.h5}", MB_ERR_RANGE,
            "row 17: -3 at phi 2, eta 5 is no whole number 0 .. 1023 (2 such values in 2 events)");
    }
    // Values beyond the events that are used do not matter.
    write_bad(MB_F64);
    mb_dataset dataset;
    assert_ok(world.ctx, load("background: {file: bad.h5, limit: 17}", &dataset));
    assert_int_equal(dataset.n_rows, 17);
    mb_dataset_clear(&dataset);
}

static void test_read__bad_events_are_dropped_and_made_up_for(void **state) {
    (void)state;
    write_bad(MB_F64);
    mb_dataset dataset;
    mb_buffer report;
    mb_buffer_init(&report, world.ctx);
    assert_ok(world.ctx, calo_load(world.ctx, "background: {file: bad.h5}\non_bad: drop", NULL,
                             folder, 0, &dataset, &report));
    assert_int_equal(dataset.n_rows, N_BAD - 5);
    assert_non_null(strstr(report.data, "Dropped: 6 values in 5 events of ZeroBias"));
    mb_buffer_clear(&report);
    for (size_t k = 0; k < dataset.n_rows; k++) {
        const size_t event = (size_t)dataset.event[k];
        assert_true(event != 17 && event != 18 && event != 1500 && event != 2100 && event != 2599);
        assert_true(k == 0 || dataset.event[k] > dataset.event[k - 1]);
        assert_int_equal(calo_region(&dataset, k, 0), event % 1024);
        assert_int_equal(calo_region(&dataset, k, 251), calo_value(0, event, 251));
    }
    mb_dataset_clear(&dataset);
    assert_ok(world.ctx, load("background: {file: bad.h5, limit: 2000}\non_bad: drop", &dataset));
    assert_int_equal(dataset.n_rows, 2000);
    assert_int_equal(dataset.event[1999], 2002);
    mb_dataset_clear(&dataset);
}

static void test_read__bad_values_are_clipped(void **state) {
    (void)state;
    write_bad(MB_F64);
    mb_dataset dataset;
    mb_buffer report;
    mb_buffer_init(&report, world.ctx);
    assert_ok(world.ctx, calo_load(world.ctx, "background: {file: bad.h5}\non_bad: clip", NULL,
                             folder, 0, &dataset, &report));
    assert_int_equal(dataset.n_rows, N_BAD);
    assert_int_equal(calo_region(&dataset, 17, 14 * 2 + 5), 0);
    assert_int_equal(calo_region(&dataset, 17, 14 * 2 + 6), 2);
    assert_int_equal(calo_region(&dataset, 17, 14 * 2 + 7), calo_value(0, 17, 14 * 2 + 7));
    assert_int_equal(calo_region(&dataset, 18, 3), 0);
    assert_int_equal(calo_region(&dataset, 1500, 4), 1023);
    assert_int_equal(calo_region(&dataset, 2100, 5), 1023);
    assert_int_equal(calo_region(&dataset, 2599, 5), 1023);
    assert_non_null(strstr(report.data, "Clipped: 6 values in 5 events of ZeroBias"));
    mb_buffer_clear(&report);
    mb_dataset_clear(&dataset);
}

static void test_read__absent_files_and_folders_are_named(void **state) {
    (void)state;
    assert_load_fails("background: {file: none.h5}", MB_ERR_IO,
        "no file 'none.h5'; set data.dir or data.background.file");
    calo_write_events(world.ctx, folder, "a.h5", 0, 4);
    assert_load_fails("background: {file: a.h5}\nsignals: {TTBar: {file: 'none*.h5'}}", MB_ERR_IO,
        "no file 'none*.h5'; set data.dir or data.signals.TTBar.file");
    mb_dataset dataset;
    assert_fails(world.ctx,
        calo_load(world.ctx, "background: {file: a.h5}", NULL, "no/such/folder", 0, &dataset, NULL),
        MB_ERR_IO, "no/such/folder: no such directory");
    mb_dataset_clear(&dataset);
}

static void write_array(
    const char *name, const char *dataset, unsigned rank, const size_t *shape, mb_dtype dtype) {
    char path[4200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    mb_h5_writer *writer;
    mb_array array;
    assert_ok(world.ctx, mb_h5_create(world.ctx, path, MB_H5_IN_MEMORY, &writer));
    assert_ok(world.ctx, mb_array_init(&array, world.ctx, dtype, rank, shape));
    assert_ok(world.ctx, mb_h5_write_array(writer, dataset, &array));
    assert_ok(world.ctx, mb_h5_commit(writer));
    mb_array_clear(&array);
}

static void test_read__wrong_datasets_are_named(void **state) {
    (void)state;
    write_array("odd.h5", "Regions", 3, (const size_t[]){2, 18, 14}, MB_F32);
    assert_load_fails("background: {file: odd.h5}", MB_ERR_FORMAT,
        "odd.h5: there is no dataset CaloRegions; the file holds Regions");
    write_array("odd.h5", "CaloRegions", 3, (const size_t[]){2, 14, 18}, MB_F32);
    assert_load_fails("background: {file: odd.h5}", MB_ERR_SHAPE,
        "CaloRegions has the shape (2, 14, 18); expected (events, 18, 14)");
    write_array("odd.h5", "CaloRegions", 1, (const size_t[]){252}, MB_F32);
    assert_load_fails("background: {file: odd.h5}", MB_ERR_SHAPE, "has the shape (252,)");
    write_array("odd.h5", "CaloRegions", 4, (const size_t[]){2, 18, 14, 3}, MB_F32);
    assert_load_fails("background: {file: odd.h5}", MB_ERR_SHAPE, "(2, 18, 14, 3)");
    write_array("odd.h5", "CaloRegions", 3, (const size_t[]){0, 18, 14}, MB_F32);
    assert_load_fails("background: {file: odd.h5}", MB_ERR_FORMAT, "holds no events");
    write_array("odd.h5", "CaloRegions", 3, (const size_t[]){2, 18, 14}, MB_BOOL);
    assert_load_fails("background: {file: odd.h5}", MB_ERR_FORMAT, "holds true and false");
}

static void test_read__files_cut_or_of_another_kind_are_refused(void **state) {
    (void)state;
    char path[4200];
    snprintf(path, sizeof path, "%s/cut.h5", folder);
    calo_write_events(world.ctx, folder, "cut.h5", 0, 40);
    char *bytes;
    size_t length;
    assert_ok(world.ctx, mb_read_file(world.ctx, path, &bytes, &length));
    static const double parts[] = {0, 0.01, 0.3, 0.9};
    for (size_t i = 0; i < MB_COUNT_OF(parts); i++) {
        const size_t n = (size_t)(parts[i] * (double)length);
        assert_ok(world.ctx, mb_write_file(world.ctx, path, bytes, n));
        mb_dataset dataset;
        assert_int_not_equal(load("background: {file: cut.h5}", &dataset), MB_OK);
        assert_non_null(strstr(mb_context_error_text(world.ctx), "cut.h5"));
        mb_context_clear(world.ctx);
        mb_dataset_clear(&dataset);
    }
    mb_release(world.ctx, bytes);
    assert_ok(world.ctx, mb_write_file(world.ctx, path, "event,et\n1,2\n", 13));
    assert_load_fails("background: {file: cut.h5}", MB_ERR_FORMAT, "cut.h5");
}

static void test_read__files_named_for_prediction_have_no_truth(void **state) {
    (void)state;
    calo_write_events(world.ctx, folder, "new.h5", 3, 12);
    char path[4200];
    snprintf(path, sizeof path, "%s/new.h5", folder);
    const char *const files[] = {path};
    detector_study study;
    calo_study_open(&study, world.ctx,
        "background: {file: gone.h5, limit: 5}\n"
        "signals: {A: {file: gone.h5}}\n"
        "synthetic: {events: 10}",
        NULL, folder);
    study.request.files = files;
    study.request.n_files = 1;
    study.request.wants_label = false;
    mb_dataset dataset;
    assert_ok(world.ctx, detector_named("calo")->load(world.ctx, &study.request, &dataset, NULL));
    detector_study_close(&study);
    assert_int_equal(dataset.n_rows, 12);
    assert_events(&dataset, 0, 12, 3);
    assert_null(mb_dataset_target(&dataset));
    assert_int_equal(dataset.n_sets, 0);
    mb_dataset_clear(&dataset);
}

// Reads with a context whose memory runs out; the study's own memory does not.
static mb_status load_short(void *user, mb_context *ctx) {
    detector_study *study = user;
    mb_dataset dataset;
    mb_buffer report;
    mb_buffer_init(&report, ctx);
    mb_document document;
    mb_document_init(&document, ctx, "study.yaml");
    mb_detector_request request = study->request;
    request.document = &document;
    const mb_status status = detector_named("calo")->load(ctx, &request, &dataset, &report);
    mb_dataset_clear(&dataset);
    mb_buffer_clear(&report);
    mb_document_clear(&document);
    return status;
}

static void test_read__every_lack_of_memory_is_told(void **state) {
    (void)state;
    calo_write_events(world.ctx, folder, "a.h5", 0, 20);
    calo_write_events(world.ctx, folder, "b.h5", 1, 9);
    detector_study study;
    calo_study_open(&study, world.ctx,
        "background: {file: a.h5}\n"
        "signals: {A: {file: b.h5, overlay: background, overlay_events: 4}}\n"
        "synthetic: {events: 8}\nblend: {each: 2}\ntrain_size: 4",
        NULL, folder);
    study.request.set_aside = 3;
    assert_true(mb_test_each_lack_of_memory(load_short, &study) > 30);
    detector_study_close(&study);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read__every_type_shape_and_storage_gives_the_same),
        cmocka_unit_test(test_read__bytes_are_read_too),
        cmocka_unit_test(test_read__columns_are_as_the_header_says),
        cmocka_unit_test(test_read__limit_and_several_files_count_events_in_order),
        cmocka_unit_test(test_read__only_accepted_events_count),
        cmocka_unit_test(test_read__flags_that_are_empty_accept_all_and_odd_ones_are_refused),
        cmocka_unit_test(test_read__bad_values_are_counted_and_the_first_is_shown),
        cmocka_unit_test(test_read__bad_events_are_dropped_and_made_up_for),
        cmocka_unit_test(test_read__bad_values_are_clipped),
        cmocka_unit_test(test_read__absent_files_and_folders_are_named),
        cmocka_unit_test(test_read__wrong_datasets_are_named),
        cmocka_unit_test(test_read__files_cut_or_of_another_kind_are_refused),
        cmocka_unit_test(test_read__files_named_for_prediction_have_no_truth),
        cmocka_unit_test(test_read__every_lack_of_memory_is_told),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
