// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "data/arrays_source.h"
#include "data/feeder.h"
#include "data/split.h"
#include "files/npy.h"
#include "files/yaml.h"

#include <stdio.h>

enum { ROWS = 4, SIZE = 3 };

static mb_test_world world;
static char *directory;

static void write_array(const char *name, mb_dtype dtype, unsigned rank, const size_t *shape) {
    char path[512];
    mb_array array;
    assert_ok(world.ctx, mb_array_init(&array, world.ctx, dtype, rank, shape));
    for (size_t i = 0; i < mb_array_count(&array); i++) {
        if (dtype == MB_F32) {
            ((float *)array.data)[i] = (float)i;
        } else {
            ((int64_t *)array.data)[i] = (int64_t)(i + 7);
        }
    }
    snprintf(path, sizeof path, "%s/%s", directory, name);
    assert_ok(world.ctx, mb_npy_write(world.ctx, path, &array));
    mb_array_clear(&array);
}

static int open_world(void **state) {
    (void)state;
    static const size_t image[] = {ROWS, SIZE, 2}, column[] = {ROWS}, longer[] = {ROWS + 1};
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    directory = mb_test_directory();
    write_array("x.npy", MB_F32, 3, image);
    write_array("y.npy", MB_F32, 1, column);
    write_array("event.npy", MB_I64, 1, column);
    write_array("longer.npy", MB_F32, 1, longer);
    return 0;
}

static int close_world(void **state) {
    (void)state;
    mb_test_remove_directory(directory);
    mb_test_world_close(&world);
    return 0;
}

static mb_status load(mb_context *ctx, const char *text, mb_dataset *dataset) {
    mb_document document;
    mb_dataset_init(dataset, ctx);
    mb_status status = mb_yaml_parse(ctx, "s.yaml", text, strlen(text), &document);
    if (status == MB_OK) {
        status = mb_arrays_source_load(ctx, &document, document.root, directory, true, dataset);
    }
    mb_document_clear(&document);
    return status;
}

static const char whole[] =
    "{source: arrays, inputs: {x: x.npy}, target: y.npy, event: event.npy, weight: y.npy}";

static void test_arrays_source__gives_columns_events_and_weights(void **state) {
    (void)state;
    mb_dataset dataset;
    assert_ok(world.ctx, load(world.ctx, whole, &dataset));
    const mb_column *x = mb_dataset_find(&dataset, "x");
    assert_non_null(x);
    assert_int_equal(dataset.n_rows, ROWS);
    assert_int_equal(x->rank, 2);
    assert_int_equal(x->size, SIZE * 2);
    assert_int_equal(mb_dataset_target(&dataset)->size, 1);
    assert_int_equal(dataset.event[3], 10);
    assert_true(dataset.weight[3] == 3.0F);
    assert_string_equal(dataset.file_names[0], "x.npy");
    mb_dataset_clear(&dataset);
}

// Validation rows of their own leave no room for a part; else it is of the training rows alone.
static void test_arrays_source__parts_stand_in_place_of_a_split(void **state) {
    (void)state;
    static const float parts[2][ROWS] = {{2, 0, 1, 0}, {2, 0, 0, 255}};
    static const uint8_t expected[2][ROWS] = {{2, 0, 1, 0}, {2, 0, 1, MB_SPLIT_NONE}};
    for (size_t k = 0; k < 2; k++) {
        const mb_array array = {MB_F32, 1, {ROWS}, (void *)(uintptr_t)parts[k], NULL};
        const mb_part half = {0.5, MB_TAKE_LAST};
        const mb_split_options none = {.has_rows = false};
        char path[512];
        mb_dataset dataset;
        snprintf(path, sizeof path, "%s/parts.npy", directory);
        assert_ok(world.ctx, mb_npy_write(world.ctx, path, &array));
        assert_ok(world.ctx,
            load(world.ctx, "{inputs: {x: x.npy}, target: y.npy, parts: parts.npy}", &dataset));
        assert_ok(world.ctx, mb_split_apply(&dataset, world.ctx, &none, &half, 1));
        assert_memory_equal(dataset.split, expected[k], ROWS);
        mb_dataset_clear(&dataset);
    }
}

static void test_arrays_source__mistakes_are_named(void **state) {
    (void)state;
    static const struct {
        const char *text;
        mb_status status;
        const char *part;
    } cases[] = {
        {"{inputs: x.npy, target: y.npy}", MB_ERR_FORMAT, "inputs is not a map"},
        {"{inputs: {x: [1]}, target: y.npy}", MB_ERR_FORMAT, "'x' is not a name"},
        {"{inputs: {x: x.npy}}", MB_ERR_FORMAT, "add target: NAME"},
        {"{inputs: {x: x.npy}, target: longer.npy}", MB_ERR_SHAPE,
            "longer.npy has 5 events but x.npy has 4"},
        {"{inputs: {x: x.npy}, target: y.npy, event: x.npy}", MB_ERR_SHAPE, "event x.npy"},
        {"{inputs: {x: x.npy}, target: y.npy, weight: x.npy}", MB_ERR_SHAPE, "weight x.npy"},
        {"{inputs: {x: x.npy}, target: y.npy, parts: x.npy}", MB_ERR_SHAPE, "parts x.npy"},
        {"{inputs: {x: x.npy}, target: y.npy, parts: y.npy}", MB_ERR_RANGE, "row 3 has 3"},
        {"{inputs: {x: x.npy}, target: y.npy, parts: y.npy, rows: [0, 1]}", MB_ERR_FORMAT,
            "rows and parts both"},
        {"{inputs: {target: x.npy}, target: y.npy}", MB_ERR_ARG, "'target' already"},
        {"{inputs: {x: absent.npy}, target: y.npy}", MB_ERR_IO, "absent.npy"},
    };
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        mb_dataset dataset;
        assert_fails(
            world.ctx, load(world.ctx, cases[i].text, &dataset), cases[i].status, cases[i].part);
        mb_dataset_clear(&dataset);
    }
}

static mb_status load_and_feed(void *user, mb_context *ctx) {
    (void)user;
    mb_dataset dataset;
    mb_feeder *feeder = NULL;
    mb_status status = load(ctx, whole, &dataset);
    const mb_column *x = mb_dataset_find(&dataset, "x");
    if (status == MB_OK) {
        const mb_feeder_settings settings = {.dataset = &dataset,
            .n_inputs = 1,
            .inputs = &x,
            .target = mb_dataset_target(&dataset),
            .n_classes = ROWS,
            .max_rows = ROWS};
        status = mb_feeder_create(ctx, &settings, &feeder);
    }
    if (status == MB_OK) {
        static const uint32_t rows[] = {2, 0, 3};
        status = mb_feeder_fill(feeder, ctx, rows, MB_COUNT_OF(rows));
    }
    mb_feeder_destroy(feeder);
    mb_dataset_clear(&dataset);
    return status;
}

static void test_arrays_source__any_lack_of_memory_ends_cleanly(void **state) {
    (void)state;
    assert_true(mb_test_each_lack_of_memory(load_and_feed, NULL) > 15);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arrays_source__gives_columns_events_and_weights),
        cmocka_unit_test(test_arrays_source__parts_stand_in_place_of_a_split),
        cmocka_unit_test(test_arrays_source__mistakes_are_named),
        cmocka_unit_test(test_arrays_source__any_lack_of_memory_ends_cleanly),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
