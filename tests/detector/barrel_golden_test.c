// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "barrel_study.h"

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

// Images and labels against those of tests/golden/barrel.py (NumPy's histogramdd and joins), by
// CRC-32 of the dense images.

static mb_test_world world;
static char *expected;

static int open_world(void **state) {
    (void)state;
    mb_test_world_open(&world, 3, MB_CPU_ALL);
    FILE *file = fopen(mb_test_source("tests/golden/barrel/expected.txt"), "rb");
    assert_non_null(file);
    expected = calloc(1, 100000);
    assert_true(fread(expected, 1, 99999, file) > 1000);
    fclose(file);
    return 0;
}

static int close_world(void **state) {
    (void)state;
    free(expected);
    mb_test_world_close(&world);
    return 0;
}

// "event label n_tracks" and per volume "filled sum crc32", as the script writes them.
static void describe_row(const mb_dataset *dataset, uint32_t row, char *text, size_t size) {
    float label, n_tracks;
    assert_ok(world.ctx, mb_column_gather(mb_dataset_target(dataset), world.ctx, &row, 1, &label));
    assert_ok(world.ctx,
        mb_column_gather(mb_dataset_find(dataset, "n_tracks"), world.ctx, &row, 1, &n_tracks));
    int n = snprintf(
        text, size, "%lld %d %d", (long long)dataset->event[row], (int)label, (int)n_tracks);
    for (int v = 0; v < 3; v++) {
        const mb_column *column = &dataset->columns[v];
        float *values = calloc(column->size, sizeof *values);
        uint16_t *counts = calloc(column->size, sizeof *counts);
        unsigned filled = 0, sum = 0;
        assert_ok(world.ctx, mb_column_gather(column, world.ctx, &row, 1, values));
        for (size_t i = 0; i < column->size; i++) {
            counts[i] = (uint16_t)values[i];
            filled += counts[i] > 0;
            sum += counts[i];
        }
        const uLong crc = crc32(0, (const Bytef *)counts, (uInt)(column->size * sizeof *counts));
        n += snprintf(text + n, size - (size_t)n, " %u %u %lu", filled, sum, crc);
        free(values);
        free(counts);
    }
}

// All expected lines of a case, in order, and no others.
static void compare_case(const char *name, const char *folder, const char *data) {
    char directory[4200], prefix[64], line[512];
    mb_dataset dataset;
    snprintf(directory, sizeof directory, "%s", mb_test_source("tests/golden/barrel"));
    snprintf(directory + strlen(directory), 100, "/%s", folder);
    const mb_status status = barrel_load(world.ctx, data, directory, &dataset);
    snprintf(prefix, sizeof prefix, "%s ", name);
    uint32_t row = 0;
    for (const char *p = expected; *p != '\0'; p = strchr(p, '\n') + 1) {
        if (strncmp(p, prefix, strlen(prefix)) != 0) {
            continue;
        }
        assert_ok(world.ctx, status);
        assert_true(row < dataset.n_rows);
        describe_row(&dataset, row++, line, sizeof line);
        const char *wanted = p + strlen(prefix);
        const size_t length = (size_t)(strchr(p, '\n') - wanted);
        if (strlen(line) != length || memcmp(line, wanted, length) != 0) {
            fail_msg("%s: got '%s', wanted '%.*s'", name, line, (int)length, wanted);
        }
    }
    if (row == 0) {
        // Every pair was dropped.
        assert_fails(world.ctx, status, MB_ERR_FORMAT, "no event with barrel hits is left");
    } else {
        assert_int_equal(row, dataset.n_rows);
    }
    mb_dataset_clear(&dataset);
}

#define PARTICLES "particles: 'particles_*'\n"

static void test_golden__default_images_and_labels(void **state) {
    (void)state;
    compare_case("default", "plain", PARTICLES);
}

static void test_golden__numpy_edges(void **state) {
    (void)state;
    compare_case("numpy_1.14", "plain", PARTICLES "numpy_edges: '1.14'\n");
    compare_case("numpy_1.15", "plain", PARTICLES "numpy_edges: '1.15'\n");
}

static void test_golden__unique_hits(void **state) {
    (void)state;
    compare_case("unique_hits", "plain", PARTICLES "unique_hits: true\n");
}

static void test_golden__keep_empty(void **state) {
    (void)state;
    compare_case("keep_empty", "plain", PARTICLES "keep_empty: true\n");
}

static void test_golden__label_cuts(void **state) {
    (void)state;
    compare_case("label", "plain", PARTICLES "label: {layers: 5, pt: 1.5, tracks: 2}\n");
}

static void test_golden__odd_layers_are_rounded_down_when_asked(void **state) {
    (void)state;
    compare_case("odd_layer", "odd", PARTICLES "accept_odd_layer: true\n");
}

static void test_golden__slipped_events(void **state) {
    (void)state;
    compare_case("slipped_drop", "slipped", PARTICLES "on_bad: drop\n");
    compare_case(
        "slipped_independent", "slipped", PARTICLES "on_bad: drop\nshift_independently: true\n");
}

static void test_golden__unmatched_endcap_hits(void **state) {
    (void)state;
    compare_case("endcap_unmatched", "unmatched", PARTICLES "on_bad: drop\n");
    compare_case(
        "endcap_check_after", "unmatched", PARTICLES "on_bad: drop\ncheck_after_selection: true\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden__default_images_and_labels),
        cmocka_unit_test(test_golden__numpy_edges),
        cmocka_unit_test(test_golden__unique_hits),
        cmocka_unit_test(test_golden__keep_empty),
        cmocka_unit_test(test_golden__label_cuts),
        cmocka_unit_test(test_golden__odd_layers_are_rounded_down_when_asked),
        cmocka_unit_test(test_golden__slipped_events),
        cmocka_unit_test(test_golden__unmatched_endcap_hits),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
