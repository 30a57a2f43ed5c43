// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "base/output.h"
#include "detector/calo/calo.h"
#include "detector/calo/region_stream.h"
#include "detector/calo/regions_text.h"
#include "files/npy.h"

#include <stdio.h>

enum { N = MB_CALO_N_REGIONS };

MB_TEST_WORLD_AND_FOLDER(1, MB_CPU_ALL)

// n values a line: 0, 1, 2 ... over all lines, modulo 1024.
static void write_lines(mb_buffer *text, size_t n_lines, size_t n, const char *gap) {
    for (size_t i = 0; i < n_lines * n; i++) {
        mb_buffer_format(text, "%zu%s", i % 1024,
            i % n + 1 < n    ? gap
            : i / n % 2 == 0 ? "\n"
                             : "\r\n");
    }
}

static mb_status parse(const char *text, mb_calo_table *out) {
    return mb_calo_table_parse(world.ctx, "table", text, strlen(text), out);
}

static void assert_rising(const mb_calo_table *table, size_t n_events, size_t step) {
    assert_int_equal(table->regions.rank, 2);
    assert_int_equal(table->regions.dtype, MB_F32);
    assert_int_equal(table->regions.shape[0], n_events);
    assert_int_equal(table->regions.shape[1], N);
    const float *value = table->regions.data;
    for (size_t i = 0; i < n_events * N; i++) {
        const size_t wanted = i / N * step + i % N;
        assert_true(value[i] == (float)(wanted % 1024));
    }
}

static void test_table__reads_events_as_lines_and_as_images(void **state) {
    (void)state;
    static const struct {
        size_t n_lines, n;
        const char *head, *gap;
        size_t n_events;
    } cases[] = {{3, 252, "", ",", 3}, {5, 253, "# regions\n\n# and a score\n", " , ", 5},
        {18, 14, "", ",\t", 1}};
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        mb_buffer text;
        mb_buffer_init(&text, world.ctx);
        mb_buffer_text(&text, cases[i].head);
        write_lines(&text, cases[i].n_lines, cases[i].n, cases[i].gap);
        mb_calo_table table;
        assert_ok(world.ctx, parse(text.data, &table));
        assert_rising(&table, cases[i].n_events, cases[i].n == 14 ? N : cases[i].n);
        const double *reference = table.reference.data;
        assert_true((reference != NULL) == (cases[i].n == 253));
        for (size_t k = 0; reference != NULL && k < cases[i].n_events; k++) {
            assert_true(reference[k] == (double)((253 * k + 252) % 1024));
        }
        assert_ok(world.ctx, mb_calo_table_check(world.ctx, "table", &table));
        mb_calo_table_clear(&table);
        mb_buffer_clear(&text);
    }
}

static void test_table__comes_back_as_it_was_written(void **state) {
    (void)state;
    float regions[2 * N];
    for (size_t i = 0; i < 2 * N; i++) {
        regions[i] = (float)i * 1.37F - 3;
    }
    mb_buffer text;
    mb_buffer_init(&text, world.ctx);
    mb_calo_table_write(&text, regions, 2);
    mb_calo_table table;
    assert_ok(world.ctx, parse(text.data, &table));
    mb_test_assert_same_bits(table.regions.data, regions, 2 * N, sizeof *regions, "regions");
    assert_null(table.reference.data);
    mb_calo_table_clear(&table);
    mb_buffer_clear(&text);
}

static const char *save(const char *name, mb_dtype dtype, unsigned rank, const size_t *shape) {
    static char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    mb_array array = {.data = NULL};
    assert_ok(world.ctx, mb_array_init(&array, world.ctx, MB_F64, rank, shape));
    for (size_t i = 0; i < mb_array_count(&array); i++) {
        ((double *)array.data)[i] = (double)(i % 1000);
    }
    assert_ok(world.ctx, mb_array_convert(&array, world.ctx, dtype));
    assert_ok(world.ctx, mb_npy_write(world.ctx, path, &array));
    mb_array_clear(&array);
    return path;
}

static void test_table__reads_arrays_of_all_shapes_and_types(void **state) {
    (void)state;
    static const struct {
        mb_dtype dtype;
        unsigned rank;
        size_t shape[4], n_events;
    } cases[] = {{MB_F64, 2, {3, 252}, 3}, {MB_F32, 3, {2, 18, 14}, 2},
        {MB_I32, 4, {4, 18, 14, 1}, 4}, {MB_I64, 2, {18, 14}, 1}, {MB_U16, 2, {1, 252}, 1}};
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        const char *path = save("a.npy", cases[i].dtype, cases[i].rank, cases[i].shape);
        mb_calo_table table;
        assert_ok(world.ctx, mb_calo_table_read(world.ctx, path, &table));
        assert_int_equal(table.regions.shape[0], cases[i].n_events);
        for (size_t k = 0; k < cases[i].n_events * N; k++) {
            assert_true(((float *)table.regions.data)[k] == (float)(k % 1000));
        }
        mb_calo_table_clear(&table);
    }
    static const struct {
        unsigned rank;
        size_t shape[5];
        const char *wanted;
    } bad[] = {{2, {3, 250}, "has shape (3, 250); give regions as (n, 252)"},
        {1, {252}, "has shape (252,)"}, {3, {2, 14, 18}, "has shape (2, 14, 18)"},
        {4, {2, 18, 14, 3}, "has shape (2, 18, 14, 3)"}, {5, {1, 1, 18, 14, 1}, "more than 4"},
        {2, {0, 252}, "no event"}};
    for (size_t i = 0; i < MB_COUNT_OF(bad); i++) {
        const char *path = save("bad.npy", MB_F32, bad[i].rank, bad[i].shape);
        mb_calo_table table;
        const mb_status status = mb_calo_table_read(world.ctx, path, &table);
        assert_true(status == MB_ERR_SHAPE || status == MB_ERR_FORMAT);
        assert_non_null(strstr(mb_context_error_text(world.ctx), bad[i].wanted));
        assert_null(table.regions.data);
        mb_context_clear(world.ctx);
    }
}

static void test_table__names_the_line_of_what_is_wrong(void **state) {
    (void)state;
    static const struct {
        const char *text, *wanted;
    } cases[] = {{"", "table: no event"}, {"# none\n", "table: no event"},
        {"1,2,3\n", "table:1: 3 values; an event is"},
        {"\n1,,3\n", "table:2: value 2 is not a finite number"},
        {"1,nan,3\n", "table:1: value 2 is not a finite number"},
        {"1,2,1e39\n", "table:1: value 3 is not a finite number"},
        {"1;2;3\n", "table:1: value 1 is followed by something else than a comma"},
        {"event,region\n", "table:1: value 1 is not a finite number"},
        {"1,2,3,4,5,6,7,8,9,10,11,12,13,14\n", "table: 1 lines of 14 values; one event has 18"},
        {"1,2,3,4,5,6,7,8,9,10,11,12,13,14\n1,2\n",
            "table:2: 2 values, but the first line has 14"}};
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        mb_calo_table table;
        assert_fails(world.ctx, parse(cases[i].text, &table), MB_ERR_FORMAT, cases[i].wanted);
        assert_null(table.regions.data);
    }
    mb_buffer text;
    mb_buffer_init(&text, world.ctx);
    write_lines(&text, 2, 254, ",");
    mb_calo_table table;
    assert_fails(world.ctx, parse(text.data, &table), MB_ERR_FORMAT, "table:1: more than 253");
    mb_buffer_clear(&text);
}

static void test_table__check_tells_the_first_value_that_is_no_count(void **state) {
    (void)state;
    static const float bad[] = {-1, 1024, 0.5F};
    float regions[2 * N] = {0};
    for (size_t i = 0; i < MB_COUNT_OF(bad); i++) {
        regions[N + 3 * 14 + 5] = bad[i];
        regions[N + 200] = bad[i];
        mb_buffer text;
        mb_buffer_init(&text, world.ctx);
        mb_calo_table_write(&text, regions, 2);
        mb_calo_table table;
        assert_ok(world.ctx, parse(text.data, &table));
        assert_fails(world.ctx, mb_calo_table_check(world.ctx, "table", &table), MB_ERR_RANGE,
            "table: event 1, region 47 (phi 3, eta 5)");
        mb_calo_table_clear(&table);
        mb_buffer_clear(&text);
    }
}

static void test_table__streams_as_region_files_do(void **state) {
    (void)state;
    const char *path = save("stream.npy", MB_F32, 2, (const size_t[]){5000, 252});
    mb_calo_stream *stream = NULL;
    assert_ok(world.ctx, mb_calo_stream_open(world.ctx, path, &stream));
    assert_int_equal(mb_calo_stream_events(stream), 5000);
    assert_int_equal(mb_calo_stream_accepted(stream), 5000);
    size_t n = 0;
    mb_calo_block block;
    for (;;) {
        assert_ok(world.ctx, mb_calo_stream_next(stream, &block));
        if (block.n == 0) {
            break;
        }
        assert_int_equal(block.first, n);
        assert_true(block.regions[0] == (float)(n * N % 1000));
        n += block.n;
    }
    assert_int_equal(n, 5000);
    mb_calo_stream_close(stream);
}

static mb_status read_short(void *user, mb_context *ctx) {
    const char *text = user;
    mb_calo_table table;
    const mb_status status = mb_calo_table_parse(ctx, "table", text, strlen(text), &table);
    mb_calo_table_clear(&table);
    return status;
}

static void test_table__survives_lack_of_memory_at_every_step(void **state) {
    (void)state;
    mb_buffer text;
    mb_buffer_init(&text, world.ctx);
    write_lines(&text, 3, 253, ",");
    assert_true(mb_test_each_lack_of_memory(read_short, text.data) > 3);
    mb_buffer_clear(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table__reads_events_as_lines_and_as_images),
        cmocka_unit_test(test_table__comes_back_as_it_was_written),
        cmocka_unit_test(test_table__reads_arrays_of_all_shapes_and_types),
        cmocka_unit_test(test_table__names_the_line_of_what_is_wrong),
        cmocka_unit_test(test_table__check_tells_the_first_value_that_is_no_count),
        cmocka_unit_test(test_table__streams_as_region_files_do),
        cmocka_unit_test(test_table__survives_lack_of_memory_at_every_step),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
