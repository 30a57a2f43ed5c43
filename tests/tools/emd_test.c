// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tool.h"

#include "files/csv.h"
#include "files/npy.h"
#include "minbias/emd.h"

#include <math.h>

enum { ROWS = 4, CELLS = 48 };

// Cell 0 against cell 1, the spec's three cells, an empty input, an empty output.
static const float charges_a[ROWS][CELLS] = {{1}, {[0] = 3, [5] = 1}, {0}, {[9] = 4}};
static const float charges_b[ROWS][CELLS] = {{0, 1}, {[0] = 1, [5] = 1, [16] = 2}, {1}, {0}};
static const double distances[ROWS] = {2.0, 5.482922197, -1, -0.5};

static void write_npy(
    mb_tool_world *world, const char *name, const float *values, size_t n_rows, size_t n_columns) {
    mb_array array;
    mb_context *ctx = world->base.ctx;
    assert_ok(ctx, mb_array_init(&array, ctx, MB_F32, 2, (const size_t[]){n_rows, n_columns}));
    if (n_rows > 0) {
        memcpy(array.data, values, n_rows * n_columns * sizeof *values);
    }
    assert_ok(ctx, mb_npy_write(ctx, mb_tool_path(world, name), &array));
    mb_array_clear(&array);
}

// The columns run backwards where there is a header: they must be found by name.
static void write_csv(
    mb_tool_world *world, const char *name, const float rows[ROWS][CELLS], bool has_header) {
    mb_buffer text;
    mb_buffer_init(&text, world->base.ctx);
    for (size_t j = 0; j < CELLS && has_header; j++) {
        mb_buffer_format(&text, "%sCALQ_%zu", j == 0 ? "entry," : ",", CELLS - 1 - j);
    }
    if (has_header) {
        mb_csv_end_row(&text);
    }
    for (size_t i = 0; i < ROWS; i++) {
        if (has_header) {
            mb_csv_put_int64(&text, true, -7);
        }
        for (size_t j = 0; j < CELLS; j++) {
            mb_csv_put_float(&text, j == 0 && !has_header, rows[i][has_header ? CELLS - 1 - j : j]);
        }
        mb_csv_end_row(&text);
    }
    assert_ok(world->base.ctx, mb_write_buffer(&text, mb_tool_path(world, name)));
}

static void write_inputs(mb_tool_world *world) {
    write_npy(world, "a.npy", charges_a[0], ROWS, CELLS);
    write_npy(world, "b.npy", charges_b[0], ROWS, CELLS);
    write_csv(world, "plain.csv", charges_b, false);
    write_csv(world, "named.csv", charges_b, true);
    mb_array a, b;
    mb_context *ctx = world->base.ctx;
    assert_ok(ctx, mb_npy_read(ctx, mb_tool_path(world, "a.npy"), &a));
    assert_ok(ctx, mb_npy_read(ctx, mb_tool_path(world, "b.npy"), &b));
    const mb_array *const arrays[] = {&a, &b};
    const char *const names[] = {"in", "out"};
    assert_ok(ctx, mb_npz_write(ctx, mb_tool_path(world, "both.npz"), names, arrays, 2, true));
    mb_array_clear(&a);
    mb_array_clear(&b);
}

static void check_distances(mb_tool_world *world) {
    mb_document answer = mb_tool_json(world, world->last.out);
    const mb_node *list = mb_node_find(answer.root, "emd");
    assert_non_null(list);
    assert_int_equal(answer.root->n_children, 1);
    assert_int_equal(list->n_children, ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        assert_true(fabs(mb_node_at(list, i)->real - distances[i]) < 1e-9);
    }
    mb_document_clear(&answer);
}

static void test_emd__measures_files_of_all_kinds(void **state) {
    MB_TOOL_WORLD(world)
    write_inputs(world);
    static const char *const lines[] = {"a.npy b.npy", "a.npy plain.csv", "a.npy named.csv",
        "both.npz:in both.npz:out", "a.npy b.npy --metric hex48 --threshold 0.1 --threads 3"};
    for (size_t i = 0; i < MB_COUNT_OF(lines); i++) {
        mb_tool_expect(world, 0, "emd %s --json", lines[i]);
        check_distances(world);
    }
    mb_tool_expect(world, 0, "emd a.npy b.npy");
    assert_non_null(strstr(world->last.out, "row 2: -1 (empty input)\n"));
    assert_non_null(strstr(world->last.out, "row 3: -0.5 (empty output)\n"));
    assert_non_null(
        strstr(world->last.out, "4 rows, 1 with an empty input, 1 with an empty output\n"));
    assert_non_null(strstr(world->last.out, "EMD 3.741461 +- 1.741461"));
}

static void test_emd__writes_what_it_measured(void **state) {
    MB_TOOL_WORLD(world)
    write_inputs(world);
    mb_context *ctx = world->base.ctx;
    static const char *const names[] = {"out.npy", "out.npz", "out.h5", "out.csv"};
    for (size_t i = 0; i < MB_COUNT_OF(names); i++) {
        mb_tool_expect(world, 0, "emd a.npy b.npy -o %s --json", names[i]);
        check_distances(world);
        mb_tool_expect(world, 1, "emd a.npy b.npy -o %s", names[i]);
        mb_tool_expect(world, 0, "emd a.npy b.npy -o %s --force", names[i]);
    }
    for (size_t i = 0; i < MB_COUNT_OF(names) - 1; i++) {
        mb_tool_expect(world, 0, "inspect %s --json", names[i]);
        assert_non_null(strstr(world->last.out, "float64"));
    }
    mb_array out;
    assert_ok(ctx, mb_npy_read(ctx, mb_tool_path(world, "out.npy"), &out));
    mb_csv table;
    assert_ok(ctx, mb_csv_read(&table, ctx, mb_tool_path(world, "out.csv"), true));
    assert_int_equal(out.shape[0], ROWS);
    assert_int_equal(table.n_rows, ROWS);
    assert_string_equal(mb_csv_column_name(&table, 0), "emd");
    for (size_t i = 0; i < ROWS; i++) {
        double value;
        assert_ok(ctx, mb_csv_number(&table, i, 0, &value));
        assert_true(value == mb_array_get(&out, i));
        assert_true(fabs(value - distances[i]) < 1e-9);
    }
    mb_csv_clear(&table);
    mb_array_clear(&out);
}

static void test_emd__no_rows_have_no_distances(void **state) {
    MB_TOOL_WORLD(world)
    write_npy(world, "none.npy", NULL, 0, CELLS);
    mb_tool_expect(world, 0, "emd none.npy none.npy --json");
    assert_string_equal(world->last.out, "{\"emd\": []}\n");
    mb_tool_expect(world, 0, "emd none.npy none.npy");
    assert_non_null(strstr(world->last.out, "0 rows"));
}

static void test_emd__refuses_bad_input_by_name(void **state) {
    MB_TOOL_WORLD(world)
    write_inputs(world);
    float bad[ROWS][CELLS];
    memcpy(bad, charges_a, sizeof bad);
    bad[2][7] = -3;
    write_npy(world, "negative.npy", bad[0], ROWS, CELLS);
    write_csv(world, "negative.csv", (const float(*)[CELLS])bad, false);
    write_csv(world, "negative_named.csv", (const float(*)[CELLS])bad, true);
    bad[2][7] = NAN;
    write_npy(world, "nan.npy", bad[0], ROWS, CELLS);
    bad[0][0] = NAN;
    write_csv(world, "nan.csv", (const float(*)[CELLS])bad, false);
    bad[0][0] = charges_a[0][0];
    bad[2][7] = INFINITY;
    write_npy(world, "infinite.npy", bad[0], ROWS, CELLS);
    write_npy(world, "short.npy", charges_a[0], 3, CELLS);
    write_npy(world, "narrow.npy", charges_a[0], ROWS, 47);
    mb_tool_write(world, "narrow.csv", "1,2\n");
    mb_tool_write(world, "half.csv", "CALQ_0,x\n1,2\n");
    static const struct {
        int code;
        const char *arguments, *wanted;
    } cases[] = {
        {1, "a.npy negative.npy", "negative.npy: row 2, column 7 is -3"},
        {1, "nan.npy b.npy", "nan.npy: row 2, column 7 is nan"},
        {1, "a.npy infinite.npy", "infinite.npy: row 2, column 7 is inf"},
        {1, "nan.csv b.npy", "nan.csv:1: column 1 is nan"},
        {1, "negative.csv b.npy", "negative.csv:3: column 8 is -3"},
        {1, "negative_named.csv b.npy", "negative_named.csv:4: column 42 is -3"},
        {1, "a.npy short.npy", "a.npy has shape (4, 48) but short.npy has shape (3, 48)"},
        {1, "a.npy narrow.npy", "narrow.npy: has shape (4, 47)"},
        {1, "a.npy narrow.csv", "narrow.csv:1: has 2 columns"},
        {1, "a.npy half.csv", "CALQ_1"},
        {1, "a.npy absent.npy", "absent.npy"},
        {1, "both.npz b.npy", "both.npz"},
        {2, "a.npy b.npy --metric hex64", "metric 'hex64': unknown; write hex48"},
        {2, "a.npy b.npy --threshold most", "threshold 'most': not a number"},
        {2, "a.npy b.npy --threshold 1.5", "threshold 1.5: not a share"},
        {2, "a.npy b.npy -o bad.txt", "bad.txt: the suffix says no format"},
        {2, "a.npy", "minbias"},
    };
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        const bool has_output = strstr(cases[i].arguments, "-o") != NULL;
        const mb_tool_run *run = mb_tool_expect(
            world, cases[i].code, "emd %s %s", cases[i].arguments, has_output ? "" : "-o bad.npy");
        if (strstr(run->err, cases[i].wanted) == NULL) {
            fail_msg("%s: %s", cases[i].arguments, run->err);
        }
        const char *end = strchr(run->err, '\n');
        assert_true(end != NULL && end[1] == '\0');
        assert_string_equal(run->out, "");
        assert_false(mb_path_exists(mb_tool_path(world, "bad.npy")));
    }
}

typedef struct measured {
    char *a, *b, *output;
} measured;

static mb_status measure(void *user, mb_context *ctx) {
    const measured *m = user;
    mb_answer *answer = NULL;
    const mb_status status =
        mb_emd_of_files(ctx, m->a, m->b, "hex48", "0", m->output, true, &answer);
    assert_true((answer != NULL) == (status == MB_OK));
    mb_answer_destroy(answer);
    return status;
}

static void test_emd__lack_of_memory_leaves_nothing_behind(void **state) {
    MB_TOOL_WORLD(world)
    write_inputs(world);
    mb_context *ctx = world->base.ctx;
    measured m = {mb_copy_text(ctx, mb_tool_path(world, "a.npy")),
        mb_copy_text(ctx, mb_tool_path(world, "named.csv")),
        mb_copy_text(ctx, mb_tool_path(world, "short_of_memory.csv"))};
    assert_true(mb_test_each_lack_of_memory(measure, &m) > 10);
    assert_true(mb_path_exists(m.output));
    mb_release(ctx, m.a);
    mb_release(ctx, m.b);
    mb_release(ctx, m.output);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_emd__measures_files_of_all_kinds),
        cmocka_unit_test(test_emd__writes_what_it_measured),
        cmocka_unit_test(test_emd__no_rows_have_no_distances),
        cmocka_unit_test(test_emd__refuses_bad_input_by_name),
        cmocka_unit_test(test_emd__lack_of_memory_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, mb_tool_open, mb_tool_close);
}
