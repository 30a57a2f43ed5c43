// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tool.h"

#include "files/arrays.h"
#include "files/npy.h"
#include "minbias/cluster.h"

#include <math.h>

static void write_points(mb_tool_world *world, const char *name, mb_dtype dtype, unsigned rank,
    const size_t *shape, const void *values) {
    mb_array array = {0};
    mb_context *ctx = world->base.ctx;
    assert_ok(ctx, mb_array_init(&array, ctx, dtype, rank, shape));
    if (values != NULL) {
        memcpy(array.data, values, mb_array_bytes(&array));
    }
    assert_ok(ctx, mb_npy_write(ctx, mb_tool_path(world, name), &array));
    mb_array_clear(&array);
}

static void check_labels(mb_tool_world *world, const char *name, const int64_t *wanted, size_t n) {
    mb_array labels = {0};
    mb_context *ctx = world->base.ctx;
    assert_ok(ctx, mb_arrays_read(ctx, mb_tool_path(world, name), NULL, &labels));
    assert_int_equal(labels.dtype, MB_I64);
    assert_int_equal(labels.rank, 1);
    assert_int_equal(labels.shape[0], n);
    mb_test_assert_same_bits(labels.data, wanted, n, sizeof *wanted, name);
    mb_array_clear(&labels);
}

static void test_cluster__writes_a_label_for_each_point(void **state) {
    MB_TOOL_WORLD(world)
    static const size_t shape[] = {9, 1};
    static const double values[] = {-1, -1.25, -1.5, -1.75, 0, 1, 1.25, 1.5, 9};
    static const int64_t wanted[] = {0, 0, 0, 0, 0, 1, 1, 1, -1};
    static const int64_t by_three[] = {0, 0, 0, 0, 0, 0, 0, 0, -1};
    static const int32_t whole[] = {0, 1, 2, 5, 5, 5};
    static const int64_t of_whole[] = {0, 0, 0, 1, 1, 1};
    write_points(world, "p.npy", MB_F64, 2, shape, values);
    write_points(world, "whole.npy", MB_I32, 2, (const size_t[]){6, 1}, whole);
    mb_tool_expect(world, 0, "cluster p.npy --eps 1 --min-samples 4 -o l.npy --quiet");
    assert_non_null(
        strstr(world->last.out, "9 points: 2 clusters, 1 noise (5 core, 3 border points)"));
    check_labels(world, "l.npy", wanted, 9);
    mb_tool_expect(world, 0, "cluster p.npy --eps=1.0 --min-samples=3 -o l.npy --json --force");
    check_labels(world, "l.npy", by_three, 9);
    mb_document answer = mb_tool_json(world, world->last.out);
    assert_true(mb_tool_number(answer.root, "points") == 9);
    assert_true(mb_tool_number(answer.root, "clusters") == 1);
    assert_true(mb_tool_number(answer.root, "core") == 8);
    assert_true(mb_tool_number(answer.root, "noise") == 1);
    mb_document_clear(&answer);
    mb_tool_expect(world, 0, "cluster whole.npy --eps 1 --min-samples 2 -o l.npz");
    check_labels(world, "l.npz", of_whole, 6);
    mb_tool_expect(world, 1, "cluster l.npz:labels --eps 1 --min-samples 1 -o x.npy");
    assert_non_null(strstr(world->last.err, "l.npz:labels: has shape (6,); give one row a point"));
    // What exists is kept.
    mb_tool_expect(world, 1, "cluster p.npy --eps 1 --min-samples 4 -o l.npy");
    check_labels(world, "l.npy", by_three, 9);
}

static void test_cluster__gives_no_labels_for_no_points(void **state) {
    MB_TOOL_WORLD(world)
    write_points(world, "none.npy", MB_F32, 2, (const size_t[]){0, 3}, NULL);
    mb_tool_expect(world, 0, "cluster none.npy --eps 0.1 --min-samples 3 -o none_labels.npy");
    check_labels(world, "none_labels.npy", NULL, 0);
    assert_non_null(strstr(world->last.out, "0 points: 0 clusters, 0 noise"));
}

static void test_cluster__refuses_bad_input_in_one_line(void **state) {
    MB_TOOL_WORLD(world)
    const float not_finite[] = {0, 1, 2, NAN};
    write_points(world, "good.npy", MB_F32, 2, (const size_t[]){2, 2}, NULL);
    write_points(world, "flat.npy", MB_F32, 1, (const size_t[]){4}, NULL);
    write_points(world, "bare.npy", MB_F32, 2, (const size_t[]){4, 0}, NULL);
    write_points(world, "nan.npy", MB_F32, 2, (const size_t[]){2, 2}, not_finite);
    static const struct {
        int code;
        const char *arguments, *wanted;
    } cases[] = {
        {2, "good.npy --eps 1 --min-samples 2", "-o LABELS is missing"},
        {2, "good.npy --min-samples 2 -o bad.npy", "--eps E is missing"},
        {2, "good.npy --eps 1 -o bad.npy", "--min-samples M is missing"},
        {2, "--eps 1 --min-samples 2 -o bad.npy", "POINTS is missing"},
        {2, "good.npy --eps 0 --min-samples 2 -o bad.npy", "eps: 0 is no distance"},
        {2, "good.npy --eps=-1 --min-samples 2 -o bad.npy", "eps: -1 is no distance"},
        {2, "good.npy --eps nan --min-samples 2 -o bad.npy", "eps: 'nan' is no number"},
        {2, "good.npy --eps 1 --min-samples 0 -o bad.npy", "min_samples: is 0"},
        {2, "good.npy --eps 1 --min-samples 1.5 -o bad.npy", "'1.5' is not a count"},
        {2, "good.npy --eps 1 --min-samples 2 -o bad.txt", "bad.txt"},
        {1, "absent.npy --eps 1 --min-samples 2 -o bad.npy", "absent.npy"},
        {1, "flat.npy --eps 1 --min-samples 2 -o bad.npy", "flat.npy: has shape (4,)"},
        {1, "bare.npy --eps 1 --min-samples 2 -o bad.npy", "bare.npy: points have no columns"},
        {1, "nan.npy --eps 1 --min-samples 2 -o bad.npy", "nan.npy: point 1, column 1"},
    };
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        mb_tool_expect(world, cases[i].code, "cluster %s", cases[i].arguments);
        if (strstr(world->last.err, cases[i].wanted) == NULL) {
            fail_msg("%s: stderr is \"%s\"", cases[i].arguments, world->last.err);
        }
        const char *end = strchr(world->last.err, '\n');
        assert_true(end != NULL && end[1] == '\0');
        assert_string_equal(world->last.out, "");
        assert_false(mb_path_exists(mb_tool_path(world, "bad.npy")));
    }
}

typedef struct clustered {
    char *points, *labels;
} clustered;

static mb_status cluster(void *user, mb_context *ctx) {
    const clustered *files = user;
    mb_answer *answer = NULL;
    const mb_status status =
        mb_cluster_of_file(ctx, files->points, "1.5", 2, files->labels, true, &answer);
    assert_true((answer != NULL) == (status == MB_OK));
    mb_answer_destroy(answer);
    return status;
}

static void test_cluster__lack_of_memory_leaves_nothing_behind(void **state) {
    MB_TOOL_WORLD(world)
    mb_context *ctx = world->base.ctx;
    static const int64_t wanted[] = {0, 0, -1};
    write_points(world, "few.npy", MB_F64, 2, (const size_t[]){3, 1}, (const double[]){0, 1, 9});
    clustered files = {mb_copy_text(ctx, mb_tool_path(world, "few.npy")),
        mb_copy_text(ctx, mb_tool_path(world, "few_labels.npy"))};
    assert_true(mb_test_each_lack_of_memory(cluster, &files) > 10);
    check_labels(world, "few_labels.npy", wanted, 3);
    mb_release(ctx, files.points);
    mb_release(ctx, files.labels);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cluster__writes_a_label_for_each_point),
        cmocka_unit_test(test_cluster__gives_no_labels_for_no_points),
        cmocka_unit_test(test_cluster__refuses_bad_input_in_one_line),
        cmocka_unit_test(test_cluster__lack_of_memory_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, mb_tool_open, mb_tool_close);
}
