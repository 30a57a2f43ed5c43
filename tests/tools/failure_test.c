// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tool.h"

#include <stdio.h>

// What commands leave behind and say when something is not as it should be.

static void test_failure__leaves_no_folder_behind(void **state) {
    MB_TOOL_WORLD(world)
    static const char *const commands[] = {"simulate barrel -o fresh --events 50 --files 2",
        "simulate concentrator -o fresh --events 500", "prepare small.yaml -o fresh/ --quiet"};
    for (size_t i = 0; i < MB_COUNT_OF(commands); i++) {
        mb_test_limit_files(8192);
        const mb_tool_run *run = mb_tool(world, "%s", commands[i]);
        mb_test_limit_files(UINT64_MAX);
        assert_int_equal(run->code, 1);
        assert_non_null(strstr(run->err, "fresh/"));
        assert_false(mb_path_exists(mb_tool_path(world, "fresh")));
    }
}

static void test_failure__keeps_arrays_that_are_there(void **state) {
    MB_TOOL_WORLD(world)
    mb_tool_expect(world, 0, "prepare small.yaml -o theirs/ --quiet");
    remove(mb_tool_path(world, "theirs/split.npy"));
    mb_tool_expect(world, 1, "prepare small.yaml -o theirs/ --quiet");
    assert_non_null(strstr(world->last.err, ".npy: exists already"));
    mb_tool_expect(world, 0, "prepare small.yaml -o theirs/ --quiet --force");
}

static void test_failure__check_refuses_what_a_run_would(void **state) {
    MB_TOOL_WORLD(world)
    static const struct {
        const char *set, *wanted;
    } cases[] = {{"data.split.test=0.999", "no rows are left to train on"},
        {"'train.callbacks=[{early_stopping: {monitor: val_los}}]'", "write 'val_loss'"},
        {"train.validation=0 --set 'train.callbacks=[early_stopping]'", "monitors 'val_loss'"}};
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        mb_tool_expect(world, 1, "check small.yaml --quiet --set %s", cases[i].set);
        assert_non_null(strstr(world->last.err, cases[i].wanted));
        assert_string_equal(world->last.out, "");
    }
}

static void test_failure__resume_says_what_has_changed(void **state) {
    MB_TOOL_WORLD(world)
    mb_tool_expect(world, 0, "train small.yaml -o begun --quiet");
    mb_tool_expect(world, 1, "train small.yaml -o begun --resume --set train.epochs=8");
    assert_non_null(strstr(world->last.err, "with 'epochs: 3' where there is now 'epochs: 8'"));
}

static void test_failure__an_ended_job_leaves_weights_to_predict_with(void **state) {
    MB_TOOL_WORLD(world)
    // Batch systems end a job that is over its time so.
    assert_int_equal(1, mb_tool_terminate(world, "ended/log.txt",
                            "train small.yaml -o ended --set train.epochs=100000"));
    char *text = mb_tool_read(world, "ended/log.txt");
    assert_non_null(strstr(text, "Train on"));
    mb_release(world->base.ctx, text);
    assert_true(mb_path_exists(mb_tool_path(world, "ended/checkpoint.h5")));
    mb_tool_expect(world, 0, "predict ended data/clusters_1.csv -o ended.csv");
    assert_non_null(strstr(world->last.err, "ended: its training has not ended: these are its"));
    assert_true(mb_tool_count_lines(world, "ended.csv") > 1);
    mb_tool_expect(world, 0, "summary ended");
    mb_tool_expect(world, 1, "evaluate ended --quiet");
    assert_non_null(strstr(world->last.err, "--resume"));
    remove(mb_tool_path(world, "ended/model.h5"));
    mb_tool_expect(world, 1, "predict ended data/clusters_1.csv -o no.csv");
    assert_non_null(strstr(world->last.err, "train or run with --resume"));
}

static void test_failure__a_killed_simulation_can_be_begun_again(void **state) {
    MB_TOOL_WORLD(world)
    mb_context *ctx = world->base.ctx;
    const bool is_killed =
        mb_tool_kill(world, 150, "simulate barrel -o killed --events 100000 --files 2");
    // Not every file system has files without a name.
    const char *folder = mb_tool_path(world, "killed");
    if (!is_killed || !mb_path_exists(folder) || mb_test_count_entries(ctx, folder) > 0) {
        skip();
    }
    mb_tool_expect(world, 0, "simulate barrel -o killed --events 20 --files 1");
    assert_int_equal(2, mb_test_count_entries(ctx, mb_tool_path(world, "killed")));
}

static void test_failure__a_run_that_was_stopped_says_which_trainings_are_left_out(void **state) {
    MB_TOOL_WORLD(world)
    static const char train[] = "train small.yaml -o left --set train.repeats=3";
    mb_tool_terminate(world, "left/fits/fit-1/study.yaml", "%s --set train.epochs=150", train);
    mb_tool_expect(world, 0, "predict left data/clusters_1.csv -o left.csv");
    assert_non_null(strstr(world->last.err, "left/fits: 1 of 3 trainings have not begun"));
    assert_true(mb_tool_count_lines(world, "left.csv") > 1);
}

static void test_failure__names_what_is_missing_before_anything_else(void **state) {
    MB_TOOL_WORLD(world)
    mb_tool_expect(world, 0, "train small.yaml -o short --quiet --set train.epochs=1");
    static const struct {
        const char *arguments, *wanted;
    } cases[] = {{"predict short nosuch.h5 -o x.npy", "nosuch.h5: there is no such file"},
        {"predict short data/clusters_1.csv nosuch.csv -o x.csv", "nosuch.csv: there is no such"},
        {"predict short/model.h5 nosuch.npz -o x.csv", "nosuch.npz: there is no such file"},
        {"train small.yaml -o y --init nosuch.h5", "nosuch.h5: cannot be opened"},
        {"run small.yaml -o y --set model=nosuch.h5", "/nosuch.h5: cannot be opened"},
        {"check small.yaml --set model=small.yaml", "/small.yaml: is no model file"},
        {"train small.yaml -o y --init data", "data: is a folder without a saved_model.pb"},
        {"train small.yaml -o y --init small.yaml", "small.yaml: is no model file"}};
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        mb_tool_expect(world, 1, "%s", cases[i].arguments);
        assert_non_null(strstr(world->last.err, cases[i].wanted));
        assert_null(strstr(world->last.err, "Loading"));
        assert_false(mb_path_exists(mb_tool_path(world, "y")));
    }
    mb_tool_expect(world, 0, "train small.yaml -o y --quiet --set model=short");
}

static void test_failure__patterns_need_no_quotes_of_their_own(void **state) {
    MB_TOOL_WORLD(world)
    mb_tool_expect(world, 0,
        "check small.yaml --quiet --set 'data.hits=*ers_1.csv' --set "
        "'data.particles=*les_1.csv'");
    assert_non_null(strstr(world->last.out, "60 events"));
    mb_tool_expect(world, 1, "check small.yaml --quiet --set 'data.hits=[*ers_1.csv, *2.csv]'");
    assert_non_null(strstr(world->last.err, "data.hits:1:2: a text cannot begin with *; quote it"));
}

static void test_failure__scores_beside_a_run_are_not_its_own(void **state) {
    MB_TOOL_WORLD(world)
    mb_tool_expect(world, 0, "run small.yaml -o beside --quiet");
    mb_tool_expect(world, 0, "predict beside data/clusters_1.csv -o beside/scores.csv");
    mb_tool_expect(world, 0, "report beside");
    mb_tool_expect(world, 0, "evaluate beside --quiet");
    mb_tool_expect(world, 1, "predict beside data/clusters_1.csv -o no.csv --accept 0.0001");
    assert_non_null(strstr(world->last.err, "of the run's background events, less than one; ask"));
}

static void test_failure__help_that_cannot_be_written_is_one(void **state) {
    MB_TOOL_WORLD(world)
    mb_tool(world, "--help >/dev/full 2>full.txt; test $? = 1 && echo told");
    assert_string_equal(world->last.out, "told\n");
}

static void test_failure__a_table_of_numbers_has_no_names(void **state) {
    MB_TOOL_WORLD(world)
    static const struct {
        const char *text, *wanted;
    } cases[] = {{"3,1\n0,2\n", "a table of 2 rows, 2 columns"},
        {"0,1\n5,2\n", "a table of 1 rows, 2 columns"},
        {"a,1\n5,2\n", "a table of 1 rows, 2 columns"}};
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        assert_ok(world->base.ctx, mb_write_file(world->base.ctx, mb_tool_path(world, "t.csv"),
                                       cases[i].text, strlen(cases[i].text)));
        mb_tool_expect(world, 0, "inspect t.csv");
        assert_non_null(strstr(world->last.out, cases[i].wanted));
    }
}

static void test_failure__scores_of_a_table_are_found_by_name(void **state) {
    MB_TOOL_WORLD(world)
    static const struct {
        int code;
        const char *text, *columns, *wanted;
    } cases[] = {{0, "label,score\n0,0.1\n1,0.9\n1,0.3\n0,0.5\n", "t.csv t.csv", "AUC 0.750000"},
        {0, "a,b\n0,0.1\n1,0.9\n", "t.csv:b t.csv:a", "AUC 1.000000"},
        {1, "a,b\n0,0.1\n1,0.9\n", "t.csv t.csv", "no column 'score'; it has: a, b"},
        {1, "0.5,3\n0,0.1\n", "t.csv t.csv", "its columns have no names"}};
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        assert_ok(world->base.ctx, mb_write_file(world->base.ctx, mb_tool_path(world, "t.csv"),
                                       cases[i].text, strlen(cases[i].text)));
        mb_tool_expect(world, cases[i].code, "roc %s", cases[i].columns);
        assert_non_null(
            strstr(cases[i].code == 0 ? world->last.out : world->last.err, cases[i].wanted));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failure__leaves_no_folder_behind),
        cmocka_unit_test(test_failure__keeps_arrays_that_are_there),
        cmocka_unit_test(test_failure__check_refuses_what_a_run_would),
        cmocka_unit_test(test_failure__resume_says_what_has_changed),
        cmocka_unit_test(test_failure__an_ended_job_leaves_weights_to_predict_with),
        cmocka_unit_test(test_failure__a_killed_simulation_can_be_begun_again),
        cmocka_unit_test(test_failure__a_run_that_was_stopped_says_which_trainings_are_left_out),
        cmocka_unit_test(test_failure__names_what_is_missing_before_anything_else),
        cmocka_unit_test(test_failure__patterns_need_no_quotes_of_their_own),
        cmocka_unit_test(test_failure__scores_beside_a_run_are_not_its_own),
        cmocka_unit_test(test_failure__help_that_cannot_be_written_is_one),
        cmocka_unit_test(test_failure__a_table_of_numbers_has_no_names),
        cmocka_unit_test(test_failure__scores_of_a_table_are_found_by_name),
    };
    return cmocka_run_group_tests(tests, mb_tool_open, mb_tool_close);
}
