// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tool.h"

#include "base/numbers.h"
#include "files/csv.h"

#include <math.h>
#include <stdlib.h>

// 18 combinations, 14 of them drawn.
#define SCAN                                                                                       \
    "over: {model.hidden.units: [2, 4, 8], train.batch: [8, 16, 32], bins: [8, 16]}, "             \
    "fraction: 0.8, seed: 2, validation: 0.3"

// small.yaml with another scan.
static void write_study(mb_tool_world *world, const char *name, const char *scan) {
    char *text = mb_tool_read(world, "small.yaml");
    char *end = strstr(text, "scan: {");
    assert_non_null(end);
    *end = '\0';
    mb_buffer all;
    mb_buffer_init(&all, world->base.ctx);
    mb_buffer_format(&all, "%sscan: {%s}\n", text, scan);
    mb_tool_write(world, name, all.data);
    mb_buffer_clear(&all);
    mb_release(world->base.ctx, text);
}

// All of a scan's table but the times.
static char *timeless(mb_tool_world *world, const char *name) {
    mb_csv table = {0};
    mb_context *ctx = world->base.ctx;
    assert_ok(ctx, mb_csv_read(&table, ctx, mb_tool_path(world, name), true));
    assert_string_equal(mb_csv_column_name(&table, 0), "start");
    assert_string_equal(mb_csv_column_name(&table, 1), "end");
    assert_string_equal(mb_csv_column_name(&table, 2), "duration");
    mb_buffer text;
    mb_buffer_init(&text, ctx);
    for (size_t i = 0; i < table.n_rows; i++) {
        for (size_t j = 3; j < table.n_columns; j++) {
            mb_csv_put_text(&text, j == 3, mb_csv_field(&table, i, j));
        }
        mb_csv_end_row(&text);
    }
    char *copy = mb_copy_text(ctx, text.data);
    mb_buffer_clear(&text);
    mb_csv_clear(&table);
    return copy;
}

static size_t count(const char *text, const char *what) {
    size_t n = 0;
    for (const char *p = text; (p = strstr(p, what)) != NULL; p++) {
        n++;
    }
    return n;
}

static size_t count_in(mb_tool_world *world, const char *name, const char *what) {
    char *text = mb_tool_read(world, name);
    const size_t n = count(text, what);
    mb_release(world->base.ctx, text);
    return n;
}

// The scan's log as a kill in the middle of a line leaves it.
static void cut_log(mb_tool_world *world, const char *name, size_t n_lines) {
    char *text = mb_tool_read(world, name);
    char *p = text;
    for (size_t i = 0; i < n_lines; i++) {
        p = strchr(p, '\n');
        assert_non_null(p);
        p++;
    }
    p[strlen(p) / 2 < 20 ? 5 : 20] = '\0';
    mb_tool_write(world, name, text);
    mb_release(world->base.ctx, text);
}

static void expect_table(mb_tool_world *world, const char *name, const char *wanted) {
    char *text = timeless(world, name);
    assert_string_equal(text, wanted);
    mb_release(world->base.ctx, text);
}

static void test_scan__draws_a_fraction_and_has_the_known_columns(void **state) {
    MB_TOOL_WORLD(world)
    write_study(world, "part.yaml", SCAN);
    mb_tool_expect(world, 0, "scan part.yaml -o part --threads 2 --workers 1");
    assert_non_null(strstr(world->last.err, "18 combinations, 14 trials of 1 training each"));
    assert_non_null(strstr(world->last.err, "14/14 [00:"));
    assert_non_null(strstr(world->last.err, "s/it] best val_loss 0."));
    char *text = mb_tool_read(world, "part/trials.csv");
    static const char head[] =
        "start,end,duration,round_epochs,loss,accuracy,val_loss,val_accuracy,bins,"
        "model.hidden.units,train.batch,best_loss,best_accuracy,best_val_loss,best_val_accuracy,"
        "error\n";
    assert_memory_equal(text, head, strlen(head));
    assert_int_equal(count(text, "\n"), 15);
    const char *stamp = text + strlen(head);
    assert_true(stamp[2] == '/' && stamp[5] == '/' && stamp[8] == '-' && stamp[15] == ',');
    mb_release(world->base.ctx, text);
}

static void test_scan__prints_the_first_rows_in_order(void **state) {
    MB_TOOL_WORLD(world)
    write_study(world, "rows.yaml", SCAN ", sort: val_accuracy");
    mb_tool_expect(world, 0, "scan rows.yaml -o rows --json --quiet");
    mb_document answer = mb_tool_json(world, world->last.out);
    const mb_node *best = mb_node_find(answer.root, "best");
    assert_int_equal(best->n_children, 5);
    double last = INFINITY;
    for (const mb_node *row = best->first; row != NULL; row = row->next) {
        assert_true(mb_tool_number(row, "val_accuracy") <= last);
        last = mb_tool_number(row, "val_accuracy");
    }
    assert_true(mb_tool_number(answer.root, "best_trial") == mb_tool_number(best->first, "trial"));
    mb_document_clear(&answer);
}

static void test_scan__is_the_same_with_workers_and_after_kills(void **state) {
    MB_TOOL_WORLD(world)
    mb_tool_expect(world, 0, "scan part.yaml -o one --threads 1 --workers 1 --quiet");
    char *one = timeless(world, "one/trials.csv");
    assert_true(mb_tool_kill(world, 120, "scan part.yaml -o three --threads 3 --workers 3") ||
                mb_path_exists(mb_tool_path(world, "three/trials.csv")));
    mb_tool_kill(world, 200, "scan part.yaml -o three --threads 3 --workers 3 --resume");
    mb_tool_expect(world, 0, "scan part.yaml -o three --threads 3 --workers 3 --resume --quiet");
    expect_table(world, "three/trials.csv", one);
    assert_int_equal(count_in(world, "three/trials.jsonl", "\"state\": \"done\""), 14);
    mb_release(world->base.ctx, one);
}

static void test_scan__a_cut_log_loses_no_finished_trial(void **state) {
    MB_TOOL_WORLD(world)
    char *one = timeless(world, "one/trials.csv");
    cut_log(world, "one/trials.jsonl", 9);
    const size_t n_kept = count_in(world, "one/trials.jsonl", "\"state\": \"done\"");
    assert_true(n_kept > 0 && n_kept < 14);
    mb_tool_expect(world, 0, "scan part.yaml -o one --threads 2 --resume");
    assert_non_null(strstr(world->last.err, "of them are done already"));
    assert_int_equal(count(world->last.err, "s/it]"), 14 - n_kept);
    expect_table(world, "one/trials.csv", one);
    assert_int_equal(count_in(world, "one/trials.jsonl", "\"state\": \"done\""), 14);
    mb_tool_expect(world, 1, "scan part.yaml -o one --resume --set scan.seed=9");
    mb_release(world->base.ctx, one);
}

static void check_pruning(
    mb_tool_world *world, const char *rule, double n_trained, const char *rung) {
    char scan[300];
    char name[32];
    mb_format(scan, sizeof scan, SCAN ", prune: %s", rule);
    mb_format(name, sizeof name, "%s.yaml", rule);
    write_study(world, name, scan);
    mb_tool_expect(world, 0,
        "scan %s.yaml -o %s1 --threads 1 --workers 1 --set train.epochs=8 --json", rule, rule);
    assert_non_null(strstr(world->last.err, rung));
    mb_document answer = mb_tool_json(world, world->last.out);
    const double trained = mb_tool_number(answer.root, "trained");
    assert_true(n_trained > 0 ? trained == n_trained : trained > 1 && trained < 14);
    assert_true(trained + mb_tool_number(answer.root, "stopped") == 14);
    mb_document_clear(&answer);
    mb_format(name, sizeof name, "%s1/trials.csv", rule);
    char *one = timeless(world, name);
    mb_tool_expect(world, 0,
        "scan %s.yaml -o %s3 --threads 3 --workers 3 --set train.epochs=8 --quiet", rule, rule);
    mb_format(name, sizeof name, "%s3/trials.csv", rule);
    expect_table(world, name, one);
    // Stopped after some trials had reached the first rung, and again after some were judged.
    for (size_t i = 0; i < 2; i++) {
        mb_format(name, sizeof name, "%s3/trials.jsonl", rule);
        cut_log(world, name, i == 0 ? 34 : 11);
        mb_tool_expect(world, 0,
            "scan %s.yaml -o %s3 --threads 2 --set train.epochs=8 --quiet --resume", rule, rule);
        mb_format(name, sizeof name, "%s3/trials.csv", rule);
        expect_table(world, name, one);
    }
    mb_format(name, sizeof name, "%s3/trials", rule);
    assert_false(mb_path_exists(mb_tool_path(world, name)));
    mb_release(world->base.ctx, one);
}

static void test_scan__halving_ends_the_same_trials_however_it_runs(void **state) {
    MB_TOOL_WORLD(world)
    check_pruning(world, "halving", 2, "rung 1: 14 trials judged by val_loss, 7 go on");
}

static void test_scan__the_median_rule_ends_the_same_trials_however_it_runs(void **state) {
    MB_TOOL_WORLD(world)
    check_pruning(world, "median", 0, "rung 1: 14 trials judged by val_loss");
}

// Pictures of 16 bins are too small for three poolings, and no training survives such steps.
static void test_scan__a_failed_trial_is_a_row_with_its_reason(void **state) {
    MB_TOOL_WORLD(world)
    write_study(world, "fail.yaml",
        "over: {depth: [1, 3], train.optimizer: [adam, {sgd: {learning_rate: 1000000}}]}");
    static const char sets[] =
        "--set train.loss=mean_squared_error --set model.score.activation=linear";
    mb_tool_expect(world, 0, "scan fail.yaml -o fail --json %s", sets);
    assert_non_null(strstr(world->last.err, "4/4 ["));
    mb_document answer = mb_tool_json(world, world->last.out);
    assert_true(mb_tool_number(answer.root, "trained") == 1);
    assert_true(mb_tool_number(answer.root, "failed") == 3);
    mb_document_clear(&answer);
    mb_csv table = {0};
    mb_context *ctx = world->base.ctx;
    assert_ok(ctx, mb_csv_read(&table, ctx, mb_tool_path(world, "fail/trials.csv"), true));
    assert_int_equal(table.n_rows, 4);
    size_t error = 0;
    assert_ok(ctx, mb_csv_find_column(&table, "error", &error));
    assert_string_equal(mb_csv_field(&table, 0, error), "");
    assert_non_null(strstr(mb_csv_field(&table, 1, error), "finite"));
    assert_non_null(strstr(mb_csv_field(&table, 2, error), "would be empty"));
    mb_csv_clear(&table);
    mb_tool_expect(world, 0, "scan fail.yaml -o fail --resume --quiet %s", sets);
    assert_int_equal(count_in(world, "fail/trials.jsonl", "\"state\": \"failed\""), 3);
}

static double value_at(mb_tool_world *world, const char *name, size_t row, const char *column) {
    mb_csv table = {0};
    mb_context *ctx = world->base.ctx;
    size_t at = 0;
    double value = 0;
    assert_ok(ctx, mb_csv_read(&table, ctx, mb_tool_path(world, name), true));
    assert_ok(ctx, mb_csv_find_column(&table, column, &at));
    assert_ok(ctx, mb_csv_number(&table, row, at, &value));
    mb_csv_clear(&table);
    return value;
}

static void test_scan__repeats_give_means_and_their_spread(void **state) {
    MB_TOOL_WORLD(world)
    write_study(world, "repeat.yaml", "over: {model.hidden.units: [2, 4]}, repeats: 3");
    write_study(world, "single.yaml", "over: {model.hidden.units: [2, 4]}");
    mb_tool_expect(world, 0, "scan repeat.yaml -o repeat --quiet");
    double value[3];
    double mean = 0;
    double squares = 0;
    for (unsigned i = 0; i < 3; i++) {
        mb_tool_expect(world, 0, "scan single.yaml -o single --quiet --force --seed %u", 5 + i);
        value[i] = value_at(world, "single/trials.csv", 1, "val_loss");
        mean += value[i] / 3;
    }
    for (unsigned i = 0; i < 3; i++) {
        squares += (value[i] - mean) * (value[i] - mean);
    }
    assert_true(fabs(value_at(world, "repeat/trials.csv", 1, "val_loss") - mean) < 1e-9);
    const double spread = value_at(world, "repeat/trials.csv", 1, "val_loss_std");
    assert_true(spread > 0 && fabs(spread - sqrt(squares / 2)) < 1e-9);
}

static void test_scan__trials_that_ran_alone_are_put_together(void **state) {
    MB_TOOL_WORLD(world)
    write_study(world, "alone.yaml", "over: {model.hidden.units: [2, 4], bins: [8, 16]}");
    mb_tool_expect(world, 0, "scan alone.yaml -o together --quiet");
    char *wanted = timeless(world, "together/trials.csv");
    for (unsigned i = 4; i > 1; i--) {
        mb_tool_expect(world, 0, "scan alone.yaml -o alone --trial %u --quiet", i - 1);
        assert_non_null(strstr(world->last.out, "of 0 to 3: done"));
    }
    // What is done is not done again.
    char *first = mb_tool_read(world, "alone/trials/2/result.json");
    mb_tool_expect(world, 0, "scan alone.yaml -o alone --trial 2 --quiet");
    char *second = mb_tool_read(world, "alone/trials/2/result.json");
    assert_string_equal(first, second);
    mb_tool_expect(world, 0, "scan alone.yaml -o alone --resume");
    assert_non_null(strstr(world->last.err, "3 of them are done already"));
    assert_int_equal(count(world->last.err, "s/it]"), 1);
    expect_table(world, "alone/trials.csv", wanted);
    mb_tool_expect(world, 2, "scan alone.yaml -o alone --trial 4");
    assert_non_null(strstr(world->last.err, "0 to 3"));
    mb_tool_expect(world, 2, "scan alone.yaml -o other --trial 1 --set scan.prune=halving");
    assert_non_null(strstr(world->last.err, "none can run alone"));
    char *best = mb_tool_read(world, "alone/best/history.csv");
    assert_non_null(strstr(best, "val_loss"));
    mb_release(world->base.ctx, best);
    mb_release(world->base.ctx, first);
    mb_release(world->base.ctx, second);
    mb_release(world->base.ctx, wanted);
}

static void test_scan__the_best_model_is_a_run_of_its_own(void **state) {
    MB_TOOL_WORLD(world)
    static const char *const commands[] = {
        "evaluate part", "summary part", "predict part data/clusters_1.csv -o no.csv"};
    for (size_t i = 0; i < MB_COUNT_OF(commands); i++) {
        mb_tool_expect(world, 1, "%s", commands[i]);
        assert_non_null(strstr(world->last.err, "best/"));
    }
    mb_tool_expect(world, 0, "summary part/best");
    mb_tool_expect(world, 0, "evaluate part/best --json --quiet");
    mb_document answer = mb_tool_json(world, world->last.out);
    const mb_node *training = mb_node_find(answer.root, "training");
    const size_t trial = (size_t)mb_tool_number(training, "trial");
    const double kept = mb_tool_number(mb_node_find(training, "best_epoch_figures"), "val_loss");
    const double last = mb_tool_number(mb_node_find(training, "last_epoch"), "val_loss");
    for (size_t i = 0; i < 14; i++) {
        assert_true(value_at(world, "part/trials.csv", i, "val_loss") >= last);
    }
    assert_true(value_at(world, "part/trials.csv", trial, "val_loss") == last);
    assert_true(value_at(world, "part/trials.csv", trial, "best_val_loss") == kept);
    mb_document_clear(&answer);
}

static void test_scan__varies_one_of_several_fits(void **state) {
    MB_TOOL_WORLD(world)
    static const char study[] =
        "study: two\nseed: 5\n"
        "data: {source: barrel, dir: data, hits: clusters_*.csv, particles: particles_*.csv,\n"
        "  volumes: [{layers: [0, 4], bins: [4, 8, 8], z: [-500, 500]}]}\n"
        "models:\n"
        "  a: {layers: [{input: volume0}, {flatten: {}}, {dense: {units: 1, activation: "
        "sigmoid}}]}\n"
        "  b: {layers: [{input: volume0}, {flatten: {}}, {dense: {units: 3}, name: hidden},\n"
        "    {dense: {units: 1, activation: sigmoid}}]}\n"
        "train: {loss: binary_crossentropy, optimizer: adam, batch: 16, epochs: 2}\n"
        "evaluate: {figures: false}\n"
        "fits: [{name: plain, model: a}, {name: deep, model: b}]\n"
        "scan: {over: {models.b.hidden.units: [2, 4]}, validation: 0.3, fit: deep}\n";
    mb_tool_write(world, "two.yaml", study);
    mb_tool_expect(world, 0, "scan two.yaml -o two --quiet");
    assert_true(value_at(world, "two/trials.csv", 0, "val_loss") !=
                value_at(world, "two/trials.csv", 1, "val_loss"));
    mb_tool_expect(world, 0, "evaluate two/best --quiet --json");
    mb_document answer = mb_tool_json(world, world->last.out);
    const mb_node *training = mb_node_find(answer.root, "training");
    assert_true(mb_tool_number(training, "parameters") > 500);
    mb_document_clear(&answer);
    mb_tool_expect(world, 1, "scan two.yaml -o other --set scan.fit=deap");
    assert_non_null(strstr(world->last.err, "did you mean 'deep'?"));
}

static void test_scan__a_time_limit_begins_no_further_trial(void **state) {
    MB_TOOL_WORLD(world)
    write_study(world, "late.yaml", SCAN ", time_limit: 0.05s");
    char *wanted = timeless(world, "part/trials.csv");
    mb_tool_expect(world, 0, "scan late.yaml -o late --threads 1");
    assert_non_null(strstr(world->last.err, "time limit 0.05s"));
    bool is_late = strstr(world->last.out, "--resume does the others") != NULL;
    assert_true(is_late);
    for (unsigned i = 0; i < 40 && is_late; i++) {
        mb_tool_expect(world, 0, "scan late.yaml -o late --threads 1 --quiet --resume");
        is_late = strstr(world->last.out, "--resume does the others") != NULL;
    }
    expect_table(world, "late/trials.csv", wanted);
    mb_release(world->base.ctx, wanted);
}

// A file may grow no further than that, as on a full disk.
static void test_scan__a_full_disk_loses_nothing_finished(void **state) {
    MB_TOOL_WORLD(world)
    write_study(world, "full.yaml", SCAN);
    char line[2048];
    mb_format(line, sizeof line,
        "cd '%s' && trap '' XFSZ && ulimit -f 12 && '%s' scan full.yaml -o full --threads 2 "
        ">/dev/null 2>full.txt </dev/null",
        world->directory, getenv("MB_TOOL"));
    assert_true(system(line) != 0);
    assert_int_equal(count_in(world, "full.txt", "minbias: full/"), 1);
    const size_t n = count_in(world, "full/trials.jsonl", "\"state\": \"done\"");
    assert_true(n < 14);
    mb_tool_expect(world, 0, "scan full.yaml -o full --threads 2 --resume --quiet");
    char *wanted = timeless(world, "part/trials.csv");
    expect_table(world, "full/trials.csv", wanted);
    assert_int_equal(count_in(world, "full/trials.jsonl", "\"state\": \"done\""), 14);
    mb_release(world->base.ctx, wanted);
}

// The shipped study at a small size: films of two kinds, 40 of them. Trials with the same films
// share them.
#define ECAL                                                                                       \
    "--set data.rows=[0,20] --set data.crop=12 --set train.epochs=3 --set train.batch=10 "         \
    "--set params.kernal_2=1 --set params.filters_2=2 --set params.dense_1=4 "                     \
    "--set 'scan={over: {filters_1: [2, 3, 4], kernal_1: [1, 3], activation: [relu, elu], "        \
    "data.cumulative: [true, false]}, fraction: 0.6, seed: 1, validation: 0.3}' --quiet"

static void test_scan__showers_scan_the_same_with_workers_and_after_a_kill(void **state) {
    MB_TOOL_WORLD(world)
    mb_tool_expect(world, 0, "new ecal-shower -o ecal.yaml");
    mb_tool_expect(world, 0, "simulate ecal -o ecal --events 20 --quiet");
    mb_tool_expect(world, 0, "scan ecal.yaml -o ecal1 --workers 1 --set data.dir=ecal " ECAL);
    char *one = timeless(world, "ecal1/trials.csv");
    assert_int_equal(count(one, "\n"), 14);
    assert_non_null(strstr(one, ",True,"));
    mb_tool_kill(world, 400, "scan ecal.yaml -o ecal3 --threads 3 --set data.dir=ecal " ECAL);
    mb_tool_expect(world, 0,
        "scan ecal.yaml -o ecal3 --threads 3 --workers 3 --resume --set data.dir=ecal " ECAL);
    expect_table(world, "ecal3/trials.csv", one);
    assert_int_equal(count_in(world, "ecal3/trials.jsonl", "\"state\": \"done\""), 14);
    mb_tool_expect(world, 0, "evaluate ecal3/best --quiet");
    mb_release(world->base.ctx, one);
}

static void test_scan__mistakes_are_told_with_their_line(void **state) {
    MB_TOOL_WORLD(world)
    static const struct {
        const char *scan, *message;
    } cases[] = {
        {"over: {bns: [8, 16]}", "'bns' is neither under params: nor a key such as train.batch; "
                                 "did you mean 'bins'?"},
        {"over: {bins: []}", "'bins' has no list of values"},
        {"over: {bins: 8}", "'bins' has no list of values"},
        {"over: {}", "over is not a map"},
        {"over: {bins: [8, 8]}", "'bins' has the value 8 twice"},
        {"over: {bins: [8, 16]}, fraction: 0.4", "less than one"},
        {"over: {bins: [8, 16]}, fraction: 0", "fraction is 0; write a number above 0"},
        {"over: {bins: [8, 16]}, fraction: 1.5", "fraction"},
        {"over: {bins: [8, 16]}, fraction: -0.5", "fraction"},
        {"over: {train.bach: [8, 16]}", "did you mean 'batch'"},
        {"over: {train.batch: [8, -1]}", "train.batch = -1"},
        {"over: {bins: [8, 16]}, prune: halve", "prune"},
        {"over: {bins: [8, 16]}, sort: val_los", "there is no figure 'val_los'; write val_loss"},
        {"over: {bins: [8, 16]}, time_limit: soon", "write a time such as 90s"},
        {"over: {bins: [8, 16]}, validation: 1.5", "validation"},
        {"over: {bins: [8, 16]}, fit: other", "there is no fit 'other'"},
    };
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        write_study(world, "wrong.yaml", cases[i].scan);
        mb_tool_expect(world, 1, "scan wrong.yaml -o wrong");
        if (strstr(world->last.err, cases[i].message) == NULL ||
            strstr(world->last.err, "wrong.yaml:31") == NULL) {
            fail_msg("scan: {%s}: %s", cases[i].scan, world->last.err);
        }
        assert_false(mb_path_exists(mb_tool_path(world, "wrong")));
    }
}

static void test_scan__compat_leaves_the_columns_of_the_original(void **state) {
    MB_TOOL_WORLD(world)
    write_study(world, "compat.yaml", "over: {bins: [8, 16]}");
    mb_tool_expect(world, 0, "scan compat.yaml -o compat --quiet --set compat=[columns]");
    char *text = mb_tool_read(world, "compat/trials.csv");
    static const char head[] =
        "start,end,duration,round_epochs,loss,accuracy,val_loss,val_accuracy,bins\n";
    assert_memory_equal(text, head, strlen(head));
    mb_release(world->base.ctx, text);
}

static void test_scan__reports_tables_of_the_original(void **state) {
    MB_TOOL_WORLD(world)
    static const char rows[] =
        "20,0.5,0.75,0.625,0.6875,relu,64,True\n20,0.25,0.875,0.5625,0.75,elu,64,False\n"
        "20,0.5,0.75,0.6875,0.625,relu,32,False\n";
    mb_buffer table;
    mb_buffer_init(&table, world->base.ctx);
    mb_buffer_format(&table,
        "round_epochs,loss,accuracy,val_loss,val_accuracy,activation,dense_1,cumulative\n%s", rows);
    mb_tool_write(world, "old.csv", table.data);
    mb_buffer_clear(&table);
    mb_tool_write(world, "new.csv",
        "start,end,duration,round_epochs,loss,accuracy,val_loss,val_accuracy,activation,dense_1\n"
        "04/01/22-101500,04/01/22-101507,7.5,20,0.5,0.75,0.625,0.6875,relu,64\n"
        "04/01/22-101507,04/01/22-101512,5.5,20,0.25,0.875,0.5625,0.75,elu,64\n");
    mb_tool_expect(world, 0, "report old.csv");
    assert_non_null(strstr(world->last.out, "old.html"));
    char *page = mb_tool_read(world, "old.html");
    assert_non_null(strstr(page, "cumulative"));
    assert_non_null(strstr(page, "0.5625"));
    mb_release(world->base.ctx, page);
    mb_tool_expect(world, 0, "report new.csv -o page.html");
    assert_true(mb_path_exists(mb_tool_path(world, "page.html")));
    mb_tool_expect(world, 1, "report new.csv -o page.html");
    mb_tool_write(world, "none.csv", "a,b\n1,2\n");
    mb_tool_expect(world, 1, "report none.csv");
    assert_non_null(strstr(world->last.err, "has no column val_loss or loss"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scan__draws_a_fraction_and_has_the_known_columns),
        cmocka_unit_test(test_scan__prints_the_first_rows_in_order),
        cmocka_unit_test(test_scan__is_the_same_with_workers_and_after_kills),
        cmocka_unit_test(test_scan__a_cut_log_loses_no_finished_trial),
        cmocka_unit_test(test_scan__halving_ends_the_same_trials_however_it_runs),
        cmocka_unit_test(test_scan__the_median_rule_ends_the_same_trials_however_it_runs),
        cmocka_unit_test(test_scan__a_failed_trial_is_a_row_with_its_reason),
        cmocka_unit_test(test_scan__repeats_give_means_and_their_spread),
        cmocka_unit_test(test_scan__trials_that_ran_alone_are_put_together),
        cmocka_unit_test(test_scan__the_best_model_is_a_run_of_its_own),
        cmocka_unit_test(test_scan__varies_one_of_several_fits),
        cmocka_unit_test(test_scan__a_time_limit_begins_no_further_trial),
        cmocka_unit_test(test_scan__a_full_disk_loses_nothing_finished),
        cmocka_unit_test(test_scan__showers_scan_the_same_with_workers_and_after_a_kill),
        cmocka_unit_test(test_scan__mistakes_are_told_with_their_line),
        cmocka_unit_test(test_scan__compat_leaves_the_columns_of_the_original),
        cmocka_unit_test(test_scan__reports_tables_of_the_original),
    };
    return cmocka_run_group_tests(tests, mb_tool_open, mb_tool_close);
}
