// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tool.h"

#include "files/npy.h"

#include <stdio.h>

// The study that comes with the program, as a user would try it.

static mb_array read_scores(mb_tool_world *world, const char *run) {
    char name[64];
    snprintf(name, sizeof name, "%s/scores.npz", run);
    mb_array score = {0};
    assert_ok(
        world->base.ctx, mb_npz_read(world->base.ctx, mb_tool_path(world, name), "score", &score));
    return score;
}

// The same weights on the same events: bit for bit the same scores in both orders of the axes.
static void test_shipped__both_data_formats_give_the_same_scores(void **state) {
    MB_TOOL_WORLD(world)
    static const char first[] = "--set model.flat0.data_format=channels_first "
                                "--set model.flat1.data_format=channels_first "
                                "--set model.flat2.data_format=channels_first";
    static const char last[] =
        "--set data.data_format=channels_last --set model.data_format=channels_last";
    static const char usual[] = "--quiet --set evaluate.figures=false";
    mb_tool_expect(world, 0, "new barrel-trigger -o formats.yaml");
    mb_tool_expect(world, 0, "run formats.yaml -o first %s --set train.epochs=1 %s", usual, first);
    mb_tool_expect(world, 0,
        "run formats.yaml -o last %s --set train.epochs=0 --init first/model.h5 %s", usual, last);
    mb_array a = read_scores(world, "first");
    mb_array b = read_scores(world, "last");
    assert_int_equal(mb_array_count(&a), mb_array_count(&b));
    assert_true(mb_array_count(&a) > 100);
    assert_memory_equal(a.data, b.data, mb_array_bytes(&a));
    mb_array_clear(&a);
    mb_array_clear(&b);
}

// A network whose single step takes minutes is judged from its work, not tried.
static void test_shipped__check_does_not_train_what_takes_long(void **state) {
    MB_TOOL_WORLD(world)
    mb_tool_expect(world, 0, "new barrel-trigger -o large.yaml");
    mb_tool_expect(world, 0,
        "check large.yaml --json --quiet --set model.conv0_0.filters=2048 "
        "--set model.conv0_1.filters=512");
    mb_document answer = mb_tool_json(world, world->last.out);
    const mb_node *fit = mb_node_find(answer.root, "fits")->first;
    assert_false(mb_node_find(fit, "is_measured")->boolean);
    assert_true(mb_tool_number(fit, "samples_per_second") < 1);
    assert_true(mb_tool_number(fit, "seconds") > 100);
    mb_document_clear(&answer);
    mb_tool_expect(world, 0, "check large.yaml --json");
    assert_null(strstr(world->last.err, "training labels"));
    answer = mb_tool_json(world, world->last.out);
    fit = mb_node_find(answer.root, "fits")->first;
    assert_true(mb_node_find(fit, "is_measured")->boolean);
    assert_true(mb_tool_number(fit, "samples_per_second") > 1);
    mb_document_clear(&answer);
}

static bool is_simulated(mb_tool_world *world, const char *answer_text) {
    mb_document answer = mb_tool_json(world, answer_text);
    const bool result = mb_node_find(answer.root, "simulated")->boolean;
    mb_document_clear(&answer);
    return result;
}

// Toy events are called so, and a simulation that was killed does not pass for a whole one.
static void test_shipped__toy_events_stay_toy_events(void **state) {
    MB_TOOL_WORLD(world)
    static const char run[] = "run small.yaml -o %s --json --set train.epochs=1 --force "
                              "--set data.dir=toys --set 'simulate={files: 2, events: 30}'";
    mb_tool_expect(world, 0, run, "toy1");
    assert_true(is_simulated(world, world->last.out));
    mb_tool_expect(world, 0, run, "toy2");
    assert_true(is_simulated(world, world->last.out));
    assert_non_null(strstr(world->last.err, "simulated, not measured"));
    char *page = mb_tool_read(world, "toy2/report.html");
    assert_non_null(strstr(page, "all events here are simulated"));
    mb_release(world->base.ctx, page);
    assert_int_equal(remove(mb_tool_path(world, "toys/clusters_2.csv")), 0);
    mb_tool_write(world, "toys/simulated.part", "");
    mb_tool_expect(world, 0, run, "toy3");
    assert_true(mb_path_exists(mb_tool_path(world, "toys/clusters_2.csv")));
    assert_false(mb_path_exists(mb_tool_path(world, "toys/simulated.part")));
    mb_tool_expect(world, 0, "run small.yaml -o no_toy --json --set train.epochs=1");
    assert_false(is_simulated(world, world->last.out));
}

// A mistyped name in a study: files that toy events would be called like are the user's.
static void test_shipped__toy_events_replace_no_file(void **state) {
    MB_TOOL_WORLD(world)
    mb_tool_expect(world, 0, "new track-graph -o tracks.yaml --force");
    assert_ok(world->base.ctx, mb_make_directory(world->base.ctx, mb_tool_path(world, "own")));
    mb_tool_write(world, "own/tracks.pickle", "precious");
    mb_tool_expect(world, 1,
        "check tracks.yaml --set data.dir=own --set data.file=track.pickle --set "
        "simulate.events=3");
    assert_non_null(strstr(world->last.err, "tracks.pickle: exists"));
    char *text = mb_tool_read(world, "own/tracks.pickle");
    assert_string_equal(text, "precious");
    mb_release(world->base.ctx, text);
    assert_false(mb_path_exists(mb_tool_path(world, "own/simulated.part")));
    assert_false(mb_path_exists(mb_tool_path(world, "own/simulated.txt")));
    // Beside files of other names there is room.
    mb_tool_expect(world, 0, "new ecal-shower -o ecal.yaml --force");
    mb_tool_expect(world, 0,
        "check ecal.yaml --set data.dir=own --set data.crop=12 --set data.rows=[0,10] --set "
        "simulate.events=10 --set params.filters_1=2 --set params.filters_2=2");
    assert_true(mb_path_exists(mb_tool_path(world, "own/photons.h5")));
}

static void test_shipped__toy_events_of_other_settings_are_kept(void **state) {
    MB_TOOL_WORLD(world)
    static const char check[] =
        "check tracks.yaml --quiet --set data.dir=kept --set simulate.events=%d --seed %d %s";
    static const char other[] = "--set data.file=track.pickle";
    mb_context *ctx = world->base.ctx;
    mb_tool_expect(world, 0, "new track-graph -o tracks.yaml --force");
    mb_tool_expect(world, 0, check, 5, 1, "");
    char *before = NULL;
    char *after = NULL;
    size_t n_before = 0;
    size_t n_after = 0;
    const char *path = mb_tool_path(world, "kept/tracks.pickle");
    assert_ok(ctx, mb_read_file(ctx, path, &before, &n_before));
    assert_int_equal(mb_tool_expect(world, 0, check, 5, 1, "")->err[0], '\0');
    mb_tool_expect(world, 0, check, 6, 1, "");
    assert_non_null(strstr(world->last.err, "kept: the toy events there were made with another"));
    mb_tool_expect(world, 0, check, 5, 2, "");
    assert_non_null(strstr(world->last.err, "are taken as they are"));
    mb_tool_expect(world, 1, check, 6, 1, other);
    assert_non_null(strstr(world->last.err, "kept/tracks.pickle: is of toy events that another"));
    // The same settings make the same again.
    mb_tool_expect(world, 1, check, 5, 1, other);
    assert_non_null(strstr(world->last.err, "track.pickle: there is no such file"));
    path = mb_tool_path(world, "kept/tracks.pickle");
    assert_ok(ctx, mb_read_file(ctx, path, &after, &n_after));
    assert_int_equal(n_after, n_before);
    assert_memory_equal(after, before, n_before);
    mb_release(ctx, before);
    mb_release(ctx, after);
}

static void test_shipped__toy_events_never_stand_in_for_lost_data(void **state) {
    MB_TOOL_WORLD(world)
    mb_tool_expect(world, 0, "simulate barrel -o mine --events 30 --files 2");
    mb_tool_expect(world, 0,
        "run small.yaml -o on_mine --quiet --set train.epochs=1 --set data.dir=mine "
        "--set 'simulate={files: 2, events: 30}'");
    char from[1024];
    snprintf(from, sizeof from, "%s", mb_tool_path(world, "mine"));
    assert_int_equal(rename(from, mb_tool_path(world, "mine.lost")), 0);
    mb_tool_expect(world, 1, "evaluate on_mine --quiet");
    assert_non_null(strstr(world->last.err, "mine"));
    assert_false(mb_path_exists(mb_tool_path(world, "mine/clusters_1.csv")));
}

static void test_shipped__the_folder_of_a_run_stands_for_its_model(void **state) {
    MB_TOOL_WORLD(world)
    mb_tool_expect(world, 0, "run small.yaml -o whole --quiet --set train.epochs=1");
    mb_tool_expect(world, 0, "summary whole --json");
    char *folder = mb_copy_text(world->base.ctx, world->last.out);
    mb_tool_expect(world, 0, "summary whole/model.h5 --json");
    assert_string_equal(world->last.out, folder);
    mb_release(world->base.ctx, folder);
    mb_tool_expect(world, 0, "convert whole whole.keras");
    mb_tool_expect(world, 0, "inspect whole");
    mb_tool_expect(world, 0, "inspect whole/study.yaml");
    assert_non_null(strstr(world->last.out, "the study small"));
    mb_tool_expect(world, 0, "inspect whole/history.csv");
    assert_non_null(strstr(world->last.out, "val_loss"));
    mb_tool_expect(world, 1, "inspect whole/metrics.json");
    mb_tool_expect(world, 2, "predict whole data/clusters_1.csv -o scores.npy");
    assert_non_null(strstr(world->last.err, "FILE.csv"));
}

// The page would show figures that are no longer those of the files beside it.
static void test_shipped__evaluating_again_renews_the_report(void **state) {
    MB_TOOL_WORLD(world)
    mb_tool_expect(world, 0, "run small.yaml -o again --quiet --set train.epochs=1");
    mb_tool_write(world, "again/report.html", "old");
    mb_tool_expect(world, 0, "evaluate again");
    assert_non_null(strstr(world->last.out, "again/report.html"));
    char *page = mb_tool_read(world, "again/report.html");
    assert_non_null(strstr(page, "Events and classes"));
    mb_release(world->base.ctx, page);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shipped__both_data_formats_give_the_same_scores),
        cmocka_unit_test(test_shipped__check_does_not_train_what_takes_long),
        cmocka_unit_test(test_shipped__toy_events_stay_toy_events),
        cmocka_unit_test(test_shipped__toy_events_replace_no_file),
        cmocka_unit_test(test_shipped__toy_events_of_other_settings_are_kept),
        cmocka_unit_test(test_shipped__toy_events_never_stand_in_for_lost_data),
        cmocka_unit_test(test_shipped__the_folder_of_a_run_stands_for_its_model),
        cmocka_unit_test(test_shipped__evaluating_again_renews_the_report),
    };
    return cmocka_run_group_tests(tests, mb_tool_open, mb_tool_close);
}
