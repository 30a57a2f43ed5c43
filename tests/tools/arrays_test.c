// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tool.h"

#include "files/npy.h"

// Runs on anybody's arrays, and what they say of other files of such.

enum { N_EVENTS = 120 };

static const char study[] =
    "study: arrays\n"
    "data: {source: arrays, file: known.npz, inputs: {x: points}, target: truth, event: number}\n"
    "model:\n  layers:\n    - {input: x}\n    - {dense: {units: 4, activation: relu}}\n"
    "    - {dense: {units: 1, activation: sigmoid}, name: score}\n"
    "train: {loss: binary_crossentropy, epochs: 2, batch: 16, validation: 0.2}\n";

static void write_events(
    mb_tool_world *world, const char *name, const char *const *names, size_t n) {
    mb_context *ctx = world->base.ctx;
    static const size_t shape[] = {N_EVENTS, 2};
    mb_array arrays[3] = {{0}};
    const mb_array *pointers[3];
    for (size_t k = 0; k < 3; k++) {
        assert_ok(
            ctx, mb_array_init(&arrays[k], ctx, k == 0 ? MB_F32 : MB_I64, k == 0 ? 2 : 1, shape));
        pointers[k] = &arrays[k];
    }
    for (size_t i = 0; i < N_EVENTS; i++) {
        ((float *)arrays[0].data)[2 * i] = (float)(i % 11);
        ((float *)arrays[0].data)[2 * i + 1] = (float)(i % 7);
        ((int64_t *)arrays[1].data)[i] = i % 11 > 5;
        ((int64_t *)arrays[2].data)[i] = (int64_t)(1000 + i);
    }
    assert_ok(ctx, mb_npz_write(ctx, mb_tool_path(world, name), names, pointers, n, false));
    for (size_t k = 0; k < 3; k++) {
        mb_array_clear(&arrays[k]);
    }
}

static void make_run(mb_tool_world *world) {
    static const char *const names[] = {"points", "truth", "number"};
    if (!mb_path_exists(mb_tool_path(world, "made/metrics.json"))) {
        write_events(world, "known.npz", names, 3);
        mb_tool_write(world, "arrays.yaml", study);
        mb_tool_expect(world, 0, "run arrays.yaml -o made --quiet");
    }
}

static void assert_has(mb_tool_world *world, const char *name, const char *wanted) {
    char *text = mb_tool_read(world, name);
    assert_non_null(strstr(text, wanted));
    mb_release(world->base.ctx, text);
}

static void test_arrays__a_run_scores_another_file(void **state) {
    MB_TOOL_WORLD(world)
    static const char *const bare[] = {"points"}, *const by_input[] = {"x", "truth"};
    make_run(world);
    mb_tool_expect(world, 0, "predict made known.npz -o known.csv --accept 0.5");
    assert_has(world, "known.csv", "file,event,label,score,accepted\nknown.npz,1000,0,");
    write_events(world, "new.npz", bare, 1);
    mb_tool_expect(world, 0, "predict made new.npz -o new.csv");
    assert_has(world, "new.csv", "file,event,label,score\nnew.npz,0,,");
    assert_int_equal(N_EVENTS + 1, mb_tool_count_lines(world, "new.csv"));
    write_events(world, "input.npz", by_input, 2);
    mb_tool_expect(world, 0, "predict made input.npz -o input.csv");
    assert_has(world, "input.csv", "input.npz,0,0,");
}

static void test_arrays__a_run_gives_what_its_model_gives(void **state) {
    MB_TOOL_WORLD(world)
    static const char *const by_input[] = {"x"};
    make_run(world);
    write_events(world, "plain.npz", by_input, 1);
    mb_tool_expect(world, 0, "predict made/model.h5 plain.npz -o model.npy");
    mb_tool_expect(world, 0, "predict made known.npz -o run.npy");
    mb_tool_assert_same(world, "model.npy", "run.npy");
    mb_tool_expect(world, 0, "prepare arrays.yaml -o prepared.h5 --quiet");
    mb_tool_expect(world, 0, "predict made prepared.h5 -o prepared.npy");
    mb_tool_assert_same(world, "model.npy", "prepared.npy");
    mb_tool_expect(world, 0, "predict made prepared.h5 -o prepared.csv");
    assert_has(world, "prepared.csv", "prepared.h5,1000,0,");
}

static void test_arrays__a_file_without_the_studys_arrays_is_named(void **state) {
    MB_TOOL_WORLD(world)
    static const char *const others[] = {"dots", "truth"};
    make_run(world);
    write_events(world, "other.npz", others, 2);
    static const struct {
        int code;
        const char *arguments, *wanted;
    } cases[] = {{1, "other.npz -o no.csv", "other.npz: has no array 'points', which the study"},
        {1, "arrays.yaml -o no.csv", "arrays.yaml: is no file of arrays"},
        {1, "known.npz known.npz -o no.csv", "one file of arrays is read at a time"},
        {2, "known.npz -o no.npy --accept 0.5", "name it as FILE.csv for decisions"},
        {2, "known.npz -o no.txt", "no.txt: the suffix says no format"}};
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        mb_tool_expect(world, cases[i].code, "predict made %s", cases[i].arguments);
        assert_non_null(strstr(world->last.err, cases[i].wanted));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arrays__a_run_scores_another_file),
        cmocka_unit_test(test_arrays__a_run_gives_what_its_model_gives),
        cmocka_unit_test(test_arrays__a_file_without_the_studys_arrays_is_named),
    };
    return cmocka_run_group_tests(tests, mb_tool_open, mb_tool_close);
}
