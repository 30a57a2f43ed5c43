// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tool.h"

#include "files/csv.h"
#include "files/npy.h"
#include "minbias/study.h"

#include <math.h>
#include <stdio.h>

static void read_hash(mb_tool_world *world, const char *directory, char hash[65]) {
    char name[256];
    snprintf(name, sizeof name, "%s/training.json", directory);
    char *text = mb_tool_read(world, name);
    mb_document record = mb_tool_json(world, text);
    snprintf(hash, 65, "%s", mb_node_text(mb_node_find(record.root, "last_weights_sha256")));
    assert_int_equal(strlen(hash), 64);
    mb_document_clear(&record);
    mb_release(world->base.ctx, text);
}

static void assert_exists(mb_tool_world *world, const char *name) {
    if (!mb_path_exists(mb_tool_path(world, name))) {
        fail_msg("%s is missing", name);
    }
}

static void test_run__writes_every_file_of_a_run(void **state) {
    MB_TOOL_WORLD(world)
    static const char *const names[] = {"full/study.yaml", "full/model.h5", "full/last.h5",
        "full/history.csv", "full/metrics.json", "full/scores.npz", "full/predictions.csv",
        "full/threshold.json", "full/log.txt", "full/report.html", "full/checkpoint.h5",
        "full/plots/roc.gp", "full/plots/history.csv", "full/plots/hits_zr.gp"};
    const mb_tool_run *run = mb_tool_expect(
        world, 0, "run small.yaml -o full --json --set evaluate.figures=true --set train.epochs=1");
    mb_document answer = mb_tool_json(world, run->out);
    const mb_node *training = mb_node_find(answer.root, "training");
    assert_int_equal(strlen(mb_node_text(mb_node_find(training, "weights_sha256"))), 64);
    mb_document_clear(&answer);
    assert_non_null(strstr(run->err, "Train on "));
    for (size_t i = 0; i < MB_COUNT_OF(names); i++) {
        assert_exists(world, names[i]);
    }
    char *log = mb_tool_read(world, "full/log.txt");
    assert_non_null(strstr(log, "Epoch 1/1"));
    mb_release(world->base.ctx, log);
}

static void test_run__gives_the_same_bits_for_any_threads_and_instructions(void **state) {
    MB_TOOL_WORLD(world)
    static const char *const ways[] = {"--threads 1", "--threads 3", "--cpu c", "--cpu avx2"};
    char first[65];
    char hash[65];
    for (size_t i = 0; i < MB_COUNT_OF(ways); i++) {
        mb_tool_expect(world, 0, "train small.yaml -o ways%zu --quiet %s", i, ways[i]);
        char name[32];
        snprintf(name, sizeof name, "ways%zu", i);
        read_hash(world, name, i == 0 ? first : hash);
        if (i > 0) {
            assert_string_equal(hash, first);
        }
    }
    mb_tool_expect(world, 0, "train small.yaml -o ways_seed --quiet --seed 6");
    read_hash(world, "ways_seed", hash);
    assert_string_not_equal(hash, first);
}

// Killed at several moments, and resumed until it is done: the same weights as without.
static void test_run__survives_kills_with_the_same_bits(void **state) {
    MB_TOOL_WORLD(world)
    static const char options[] =
        "--threads 1 --set train.epochs=60 --set train.checkpoint_steps=3";
    char whole[65];
    char resumed[65];
    mb_tool_expect(world, 0, "train small.yaml -o whole --quiet %s", options);
    read_hash(world, "whole", whole);
    mb_tool_kill(world, 120, "train small.yaml -o killed %s", options);
    size_t n_kills = 0;
    for (unsigned i = 0; i < 4; i++) {
        n_kills +=
            mb_tool_kill(world, 90 + 35 * i, "train small.yaml -o killed --resume %s", options);
    }
    print_message("killed %zu times while resuming\n", n_kills);
    if (!mb_path_exists(mb_tool_path(world, "killed/study.yaml"))) {
        skip();
    }
    mb_tool_expect(world, 0, "train small.yaml -o killed --resume --quiet %s", options);
    read_hash(world, "killed", resumed);
    assert_string_equal(resumed, whole);
    mb_tool_expect(world, 1, "train small.yaml -o killed --resume --set train.epochs=2");
    assert_non_null(strstr(world->last.err, "--resume needs the study as the run began"));
}

static void test_run__keeps_outputs_unless_forced(void **state) {
    MB_TOOL_WORLD(world)
    mb_tool_expect(world, 0, "train small.yaml -o kept --quiet");
    mb_tool_expect(world, 1, "train small.yaml -o kept");
    assert_non_null(strstr(world->last.err, "use --resume or --force"));
    mb_tool_expect(world, 0, "train small.yaml -o kept --quiet --force");
    mb_tool_expect(world, 1, "simulate barrel -o data --events 2 --files 1");
    mb_tool_expect(world, 0, "convert kept/model.h5 kept.keras");
    mb_tool_expect(world, 1, "convert kept/model.h5 kept.keras");
    mb_tool_expect(world, 0, "new barrel-trigger -o new.yaml");
    mb_tool_expect(world, 1, "new barrel-trigger -o new.yaml");
}

static void test_run__keeps_what_a_folder_holds_already(void **state) {
    MB_TOOL_WORLD(world)
    mb_context *ctx = world->base.ctx;
    mb_tool_expect(world, 0, "simulate barrel -o mine --events 2 --files 1");
    mb_tool_write(world, "mine/history.csv", "mine");
    mb_tool_expect(world, 1, "train small.yaml -o mine --quiet");
    assert_non_null(strstr(world->last.err, "--force"));
    char *text = mb_tool_read(world, "mine/history.csv");
    assert_string_equal(text, "mine");
    mb_release(ctx, text);
    assert_false(mb_path_exists(mb_tool_path(world, "mine/study.yaml")));
}

static void test_run__does_not_write_over_a_study(void **state) {
    MB_TOOL_WORLD(world)
    mb_tool_expect(world, 0, "new barrel-trigger -o study.yaml");
    mb_tool_expect(world, 1, "train study.yaml -o . --quiet --force");
    assert_non_null(strstr(world->last.err, "is a study, not the record of a run"));
    char *text = mb_tool_read(world, "study.yaml");
    assert_string_equal(text, mb_shipped_study_text("barrel-trigger"));
    mb_release(world->base.ctx, text);
}

static void test_run__names_the_models_of_a_run_of_several(void **state) {
    MB_TOOL_WORLD(world)
    static const char *const commands[] = {"summary bare", "inspect bare",
        "convert bare bare.keras", "calo saliency bare e.csv -o z",
        "calo reconstruct bare e.csv -o z", "calo phi-roll bare e.csv -o z",
        "calo equivariance bare e.csv -o z", "calo firmware-export bare -o z",
        "calo precision-tuner bare e.csv -o z", "elinks weights bare -o z.txt"};
    assert_ok(world->base.ctx, mb_make_directory(world->base.ctx, mb_tool_path(world, "bare")));
    mb_tool_write(world, "bare/study.yaml", "study: x\n");
    for (size_t i = 0; i < MB_COUNT_OF(commands); i++) {
        mb_tool_expect(world, 1, "%s", commands[i]);
        assert_non_null(strstr(world->last.err, "bare: has no model of its own; it was stopped"));
        assert_string_equal(strchr(world->last.err, '\n'), "\n");
    }
}

static void test_run__forced_leaves_nothing_of_the_run_before(void **state) {
    MB_TOOL_WORLD(world)
    mb_tool_expect(world, 0,
        "run small.yaml -o forced --quiet --set evaluate.figures=true --set train.epochs=2");
    assert_exists(world, "forced/plots/roc.gp");
    mb_tool_expect(world, 0, "train small.yaml -o forced --quiet --force --set train.epochs=1");
    static const char *const names[] = {
        "forced/report.html", "forced/metrics.json", "forced/plots/roc.gp"};
    for (size_t i = 0; i < MB_COUNT_OF(names); i++) {
        assert_false(mb_path_exists(mb_tool_path(world, names[i])));
    }
    char *log = mb_tool_read(world, "forced/log.txt");
    assert_null(strstr(log, "Epoch 2/2"));
    assert_non_null(strstr(log, "Epoch 1/1"));
    mb_release(world->base.ctx, log);
}

static void test_run__starts_from_another_models_weights(void **state) {
    MB_TOOL_WORLD(world)
    char first[65];
    char second[65];
    mb_tool_expect(world, 0, "train small.yaml -o from --quiet");
    mb_tool_expect(world, 0, "train small.yaml -o onward --quiet --init from/last.h5 --seed 9");
    mb_tool_expect(world, 0, "train small.yaml -o afresh --quiet --seed 9");
    read_hash(world, "onward", first);
    read_hash(world, "afresh", second);
    assert_string_not_equal(first, second);
    mb_tool_expect(world, 0, "train small.yaml -o folder --quiet --init from --seed 9");
    read_hash(world, "folder", second);
    assert_string_equal(first, second);
    mb_tool_expect(
        world, 1, "train small.yaml -o wrong --set model.hidden.units=5 --init from/last.h5");
    assert_non_null(strstr(world->last.err, "hidden"));
}

static void test_run__gives_mean_and_spread_of_repeats_and_folds(void **state) {
    MB_TOOL_WORLD(world)
    mb_tool_expect(world, 0,
        "run small.yaml -o several --json --set train.epochs=1 --set train.folds=2 "
        "--set train.repeats=2 --set train.jobs=2");
    mb_document answer = mb_tool_json(world, world->last.out);
    const mb_node *fit = mb_node_at(mb_node_find(answer.root, "fits"), 0);
    assert_int_equal((int)mb_tool_number(fit, "rounds"), 4);
    const mb_node *auc = mb_node_find(fit, "auc");
    assert_true(isfinite(mb_tool_number(auc, "mean")) && mb_tool_number(auc, "spread") > 0);
    mb_document_clear(&answer);
    assert_exists(world, "several/fits/fit-3/model.h5");
    assert_exists(world, "several/report.html");
    assert_exists(world, "several/fits/fit-3/report.html");
    mb_tool_expect(world, 0, "evaluate several --quiet");
    mb_tool_expect(world, 0, "report several/fits/fit-0 several/fits/fit-1 -o both.html --json");
    answer = mb_tool_json(world, world->last.out);
    const mb_node *difference = mb_node_at(mb_node_find(answer.root, "differences"), 0);
    assert_true(mb_tool_number(difference, "error") > 0);
    mb_document_clear(&answer);
}

static void test_run__scores_files_by_all_its_fits(void **state) {
    MB_TOOL_WORLD(world)
    mb_tool_expect(
        world, 0, "train small.yaml -o twice --quiet --set train.epochs=1 --set train.repeats=2");
    mb_tool_expect(world, 0, "predict twice data/clusters_1.csv -o all.csv");
    mb_tool_expect(world, 0, "predict twice/fits/fit-1 data/clusters_1.csv -o one.csv");
    mb_csv all = {0}, one = {0};
    assert_ok(
        world->base.ctx, mb_csv_read(&all, world->base.ctx, mb_tool_path(world, "all.csv"), true));
    assert_ok(
        world->base.ctx, mb_csv_read(&one, world->base.ctx, mb_tool_path(world, "one.csv"), true));
    assert_true(all.n_rows > 0 && all.n_rows == one.n_rows && all.n_columns == 5);
    assert_string_equal(mb_csv_column_name(&all, 3), "fit-0");
    for (size_t i = 0; i < all.n_rows; i++) {
        assert_string_equal(mb_csv_field(&all, i, 4), mb_csv_field(&one, i, 3));
    }
    mb_csv_clear(&one);
    // The folder of a fit says by itself what it is of.
    char *log = mb_tool_read(world, "twice/fits/fit-1/log.txt");
    assert_true(strncmp(log, "Train on ", 9) == 0);
    assert_non_null(strstr(log, "\nWeights SHA-256 "));
    assert_null(strstr(log, "fit-0"));
    mb_release(world->base.ctx, log);
    mb_tool_expect(world, 2, "evaluate twice/fits/fit-1");
    assert_non_null(strstr(world->last.err, "name the folder of the run, twice\n"));
    char from[1024];
    snprintf(from, sizeof from, "%s", mb_tool_path(world, "twice/fits/fit-1"));
    assert_int_equal(rename(from, mb_tool_path(world, "elsewhere")), 0);
    mb_tool_expect(world, 0, "predict elsewhere data/clusters_1.csv -o other.csv");
    assert_ok(world->base.ctx,
        mb_csv_read(&one, world->base.ctx, mb_tool_path(world, "other.csv"), true));
    for (size_t i = 0; i < all.n_rows; i++) {
        assert_string_equal(mb_csv_field(&all, i, 4), mb_csv_field(&one, i, 3));
    }
    mb_csv_clear(&all);
    mb_csv_clear(&one);
    mb_tool_expect(world, 1, "predict twice data/clusters_1.csv -o no.csv --accept 1MHz");
    assert_non_null(strstr(world->last.err, "twice holds several scores"));
}

// Scores of a run: in predictions.csv, from its prepared data, and from the raw files.
static void test_run__scores_the_same_events_the_same_everywhere(void **state) {
    MB_TOOL_WORLD(world)
    mb_context *ctx = world->base.ctx;
    mb_tool_expect(world, 0, "run small.yaml -o scored --quiet");
    mb_tool_expect(world, 0, "prepare small.yaml -o prepared.h5 --quiet");
    mb_tool_expect(world, 0, "predict scored/model.h5 prepared.h5 -o out.npz");
    mb_tool_expect(world, 0,
        "predict scored data/clusters_1.csv data/clusters_2.csv -o raw.csv --accept 10MHz");
    mb_csv stored = {0};
    mb_csv raw = {0};
    mb_array scores = {0};
    assert_ok(ctx, mb_csv_read(&stored, ctx, mb_tool_path(world, "scored/predictions.csv"), true));
    assert_ok(ctx, mb_csv_read(&raw, ctx, mb_tool_path(world, "raw.csv"), true));
    assert_ok(ctx, mb_npz_read(ctx, mb_tool_path(world, "out.npz"), "score", &scores));
    assert_int_equal(stored.n_rows, raw.n_rows);
    assert_int_equal(stored.n_rows, mb_array_count(&scores));
    double least_accepted = 2;
    double most_refused = -1;
    for (size_t i = 0; i < raw.n_rows; i++) {
        double a = 0;
        double b = 0;
        assert_ok(ctx, mb_csv_number(&stored, i, 3, &a));
        assert_ok(ctx, mb_csv_number(&raw, i, 3, &b));
        assert_true((float)a == (float)b && (float)a == (float)mb_array_get(&scores, i));
        assert_string_equal(mb_csv_field(&stored, i, 2), mb_csv_field(&raw, i, 2));
        if (strcmp(mb_csv_field(&raw, i, 4), "1") == 0) {
            least_accepted = fmin(least_accepted, b);
        } else {
            most_refused = fmax(most_refused, b);
        }
    }
    assert_true(most_refused < least_accepted && least_accepted < 2);
    mb_csv_clear(&stored);
    mb_csv_clear(&raw);
    mb_array_clear(&scores);
    mb_tool_expect(world, 1, "predict scored data/clusters_1.csv -o r2.csv --accept 1kHz");
    assert_non_null(strstr(world->last.err, "ask for a higher rate"));
}

static void test_run__prepares_the_originals_arrays(void **state) {
    MB_TOOL_WORLD(world)
    mb_context *ctx = world->base.ctx;
    mb_tool_expect(world, 0,
        "prepare small.yaml -o npy/ --json "
        "--set 'data.split={test: 0.1, take: random}'");
    mb_document answer = mb_tool_json(world, world->last.out);
    const mb_node *split = mb_node_find(answer.root, "split");
    const double n_test = mb_tool_number(split, "test");
    mb_npy_info info;
    assert_ok(ctx, mb_npy_get_info(ctx, mb_tool_path(world, "npy/test_v1.npy"), &info));
    assert_int_equal(info.dtype, MB_U16);
    assert_int_equal(info.rank, 4);
    assert_true((double)info.shape[0] == n_test && n_test > 0);
    assert_ok(ctx, mb_npy_get_info(ctx, mb_tool_path(world, "npy/train_labels.npy"), &info));
    assert_int_equal(info.dtype, MB_F32);
    assert_true((double)info.shape[0] ==
                mb_tool_number(split, "train") + mb_tool_number(split, "validation"));
    mb_document_clear(&answer);
}

static void test_run__works_on_hits_without_truth(void **state) {
    MB_TOOL_WORLD(world)
    mb_tool_expect(world, 0, "prepare small.yaml -o no_truth.h5 --set data.particles=null");
    mb_tool_expect(world, 0, "inspect no_truth.h5");
    assert_null(strstr(world->last.out, "/target"));
    assert_non_null(strstr(world->last.out, "/inputs/volume1"));
    mb_tool_expect(world, 1, "train small.yaml -o no_truth --set data.particles=null");
    assert_non_null(strstr(world->last.err, "data.particles"));
    assert_false(mb_path_exists(mb_tool_path(world, "no_truth")));
}

static void test_run__prepares_with_nothing_but_data(void **state) {
    MB_TOOL_WORLD(world)
    static const char text[] = "study: bare\nseed: 3\ndata:\n  source: barrel\n"
                               "  hits: data/clusters_1.csv\n";
    mb_tool_write(world, "bare.yaml", text);
    mb_tool_expect(world, 0, "prepare bare.yaml -o bare.h5 --quiet");
    assert_exists(world, "bare.h5");
    mb_tool_expect(world, 1, "train bare.yaml -o bare");
}

static void test_run__simulates_absent_data_and_says_so(void **state) {
    MB_TOOL_WORLD(world)
    mb_tool_expect(world, 0,
        "train small.yaml -o toy --set data.dir=toy_data --set train.epochs=1 "
        "--set 'simulate={files: 1, events: 40}'");
    assert_non_null(strstr(world->last.err, "simulated"));
    assert_exists(world, "toy_data/clusters_1.csv");
    mb_tool_expect(world, 0, "check small.yaml --quiet --set data.dir=toy_data");
    assert_non_null(strstr(world->last.out, "these are toy events"));
    mb_tool_expect(world, 0, "check small.yaml --quiet");
    assert_null(strstr(world->last.out, "these are toy events"));
}

static void test_run__trains_on_anybodys_arrays(void **state) {
    MB_TOOL_WORLD(world)
    static const char text[] =
        "study: arrays\n"
        "data: {source: arrays, file: classes.npz, inputs: {x: x}, target: y}\n"
        "model:\n  layers:\n    - {input: x}\n    - {dense: {units: 8, activation: relu}}\n"
        "    - {dense: {units: 3, activation: softmax}, name: class}\n"
        "train: {loss: categorical_crossentropy, optimizer: {adam: {learning_rate: 0.02}},\n"
        "  metrics: [accuracy], epochs: 30, batch: 16, validation: 0.2}\n";
    mb_context *ctx = world->base.ctx;
    mb_array x = {0};
    mb_array y = {0};
    const size_t shape[] = {240, 2};
    assert_ok(ctx, mb_array_init(&x, ctx, MB_F32, 2, shape));
    assert_ok(ctx, mb_array_init(&y, ctx, MB_I64, 1, shape));
    for (size_t i = 0; i < shape[0]; i++) {
        const size_t label = i * 7 % 3;
        ((float *)x.data)[2 * i] = (float)label + 0.2F * (float)(i % 5) / 5;
        ((float *)x.data)[2 * i + 1] = (label == 1 ? 1.0F : -1.0F) + 0.1F * (float)(i % 4);
        ((int64_t *)y.data)[i] = (int64_t)label;
    }
    const char *const names[] = {"x", "y"};
    const mb_array *const arrays[] = {&x, &y};
    assert_ok(ctx, mb_npz_write(ctx, mb_tool_path(world, "classes.npz"), names, arrays, 2, false));
    mb_tool_write(world, "arrays.yaml", text);
    mb_tool_expect(world, 0, "run arrays.yaml -o arrays --json --quiet");
    mb_document answer = mb_tool_json(world, world->last.out);
    assert_true(mb_tool_number(answer.root, "val_accuracy") > 0.95);
    mb_document_clear(&answer);
    ((float *)x.data)[2 * 5] = NAN;
    assert_ok(ctx, mb_npy_write(ctx, mb_tool_path(world, "bad.npy"), &x));
    mb_tool_expect(world, 0, "predict arrays/model.h5 bad.npy -o bad_out.npy --quiet");
    assert_non_null(
        strstr(world->last.err, "1 of 240 rows hold NaN or infinity, the first is row 5"));
    // The folder of the run stands for its model.
    mb_tool_expect(world, 0, "predict arrays classes.npz -o of_run.npy");
    mb_tool_expect(world, 0, "predict arrays/model.h5 classes.npz -o of_model.npy");
    assert_int_equal(mb_tool(world, "--version && cmp of_run.npy of_model.npy")->code, 0);
    mb_tool_expect(world, 1, "predict arrays classes.npz -o of_run.csv");
    assert_non_null(strstr(world->last.err, "name the output as .npy, .npz or .h5"));
    mb_tool_expect(world, 1, "predict arrays classes.npz bad.npy -o two.npy");
    assert_non_null(strstr(world->last.err, "one file of arrays is read at a time"));
    mb_array_clear(&x);
    mb_array_clear(&y);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run__writes_every_file_of_a_run),
        cmocka_unit_test(test_run__gives_the_same_bits_for_any_threads_and_instructions),
        cmocka_unit_test(test_run__survives_kills_with_the_same_bits),
        cmocka_unit_test(test_run__keeps_outputs_unless_forced),
        cmocka_unit_test(test_run__keeps_what_a_folder_holds_already),
        cmocka_unit_test(test_run__does_not_write_over_a_study),
        cmocka_unit_test(test_run__names_the_models_of_a_run_of_several),
        cmocka_unit_test(test_run__forced_leaves_nothing_of_the_run_before),
        cmocka_unit_test(test_run__starts_from_another_models_weights),
        cmocka_unit_test(test_run__gives_mean_and_spread_of_repeats_and_folds),
        cmocka_unit_test(test_run__scores_files_by_all_its_fits),
        cmocka_unit_test(test_run__scores_the_same_events_the_same_everywhere),
        cmocka_unit_test(test_run__prepares_the_originals_arrays),
        cmocka_unit_test(test_run__works_on_hits_without_truth),
        cmocka_unit_test(test_run__prepares_with_nothing_but_data),
        cmocka_unit_test(test_run__simulates_absent_data_and_says_so),
        cmocka_unit_test(test_run__trains_on_anybodys_arrays),
    };
    return cmocka_run_group_tests(tests, mb_tool_open, mb_tool_close);
}
