// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tool.h"

#include "files/hdf5.h"
#include "files/npy.h"

#include <stdio.h>
#include <stdlib.h>

// The shipped study of ECAL showers, as a user runs it, at a size of seconds.

static const char small[] =
    "--set data.crop=12 --set data.rows.train=[0,20] --set data.rows.validation=[20,30] "
    "--set data.rows.test=[30,40] --set simulate.events=40 --set params.filters_1=4 --set "
    "params.filters_2=4 "
    "--set train.batch=10 --set train.epochs=3";

static char *weights_of(mb_tool_world *world, const char *name) {
    char *text = mb_tool_read(world, name);
    mb_document metrics = mb_tool_json(world, text);
    const char *sum = mb_node_text(mb_node_find(metrics.root, "weights_sha256"));
    char *copy = mb_copy_text(world->base.ctx, sum != NULL ? sum : "");
    mb_document_clear(&metrics);
    mb_release(world->base.ctx, text);
    return copy;
}

static void test_ecal__the_shipped_study_gives_the_same_bits_twice(void **state) {
    mb_tool_world *world = *state;
    mb_context *ctx = world->base.ctx;
    mb_tool_expect(world, 0, "new ecal-shower -o ecal.yaml --force");
    mb_tool_expect(world, 0, "run ecal.yaml -o run1 --force --threads 1 %s", small);
    assert_non_null(strstr(world->last.err, "toy events are simulated"));
    mb_tool_expect(world, 0,
        "run ecal.yaml -o run2 --force --threads 2 %s --set evaluate.figures=false", small);
    char *first = weights_of(world, "run1/training.json");
    char *second = weights_of(world, "run2/training.json");
    assert_int_equal(strlen(first), 64);
    assert_string_equal(first, second);
    mb_release(ctx, first);
    mb_release(ctx, second);
    // The score is the electron's output.
    char *table = mb_tool_read(world, "run1/predictions.csv");
    assert_memory_equal(table, "file,event,label,score,split\n", 29);
    assert_non_null(strstr(table, "photons.h5,0,0,0."));
    assert_non_null(strstr(table, "electrons.h5,39,1,0."));
    mb_release(ctx, table);
    char *figures = mb_tool_read(world, "run1/metrics.json");
    assert_non_null(strstr(figures, "\"test_loss\": 0."));
    assert_non_null(strstr(figures, "\"test_accuracy\": 0."));
    mb_release(ctx, figures);
    char *history = mb_tool_read(world, "run1/history.csv");
    assert_non_null(strstr(history, "epoch,loss,accuracy,val_loss,val_accuracy"));
    assert_null(strstr(history, "nan"));
    mb_release(ctx, history);
}

static void test_ecal__prepared_frames_feed_the_model(void **state) {
    mb_tool_world *world = *state;
    mb_context *ctx = world->base.ctx;
    mb_h5_file *file = NULL;
    mb_tool_expect(world, 0,
        "prepare ecal.yaml -o frames.h5 --force %s --set 'data.arrays=[frames, vectorised, "
        "sequence]'",
        small);
    assert_ok(ctx, mb_h5_open(ctx, mb_tool_path(world, "frames.h5"), &file));
    mb_tool_assert_shape(ctx, file, "/inputs/frames", MB_F32, (const size_t[]){80, 21, 12, 12}, 4);
    mb_tool_assert_shape(
        ctx, file, "/inputs/vectorised", MB_F32, (const size_t[]){80, 21, 12, 12, 2}, 5);
    mb_tool_assert_shape(ctx, file, "/target", MB_F32, (const size_t[]){80, 2}, 2);
    mb_tool_assert_shape(ctx, file, "/event", MB_I64, (const size_t[]){80}, 1);
    mb_tool_assert_shape(ctx, file, "/split", MB_U8, (const size_t[]){80}, 1);
    mb_tool_assert_shape(ctx, file, "/time_edges", MB_F64, (const size_t[]){22}, 1);
    mb_tool_assert_shape(ctx, file, "/sequence_scale", MB_F32, (const size_t[]){2, 4}, 2);
    mb_h5_close(file);
    mb_tool_expect(world, 0, "prepare ecal.yaml -o frames/ --force %s", small);
    mb_array frames;
    assert_ok(ctx, mb_npy_read(ctx, mb_tool_path(world, "frames/frames.npy"), &frames));
    assert_int_equal(frames.shape[0], 80);
    assert_int_equal(frames.rank, 4);
    mb_array_clear(&frames);
    static const char *const names[] = {"target", "event", "split", "time_edges"};
    for (size_t i = 0; i < MB_COUNT_OF(names); i++) {
        char name[64];
        mb_npy_info info;
        snprintf(name, sizeof name, "frames/%s.npy", names[i]);
        assert_ok(ctx, mb_npy_get_info(ctx, mb_tool_path(world, name), &info));
    }
    // Frames without their last axis of length 1 are the model's input.
    mb_tool_expect(world, 0, "predict run1/model.h5 frames.h5 -o scores.npy --force");
    mb_array scores;
    assert_ok(ctx, mb_npy_read(ctx, mb_tool_path(world, "scores.npy"), &scores));
    assert_int_equal(scores.shape[0], 80);
    assert_int_equal(scores.shape[1], 2);
    mb_array_clear(&scores);
}

// Column score of a table of scores, by row.
static size_t read_scores(mb_tool_world *world, const char *name, double *out, size_t most) {
    char *text = mb_tool_read(world, name);
    size_t n = 0;
    for (char *line = strchr(text, '\n'); line != NULL && line[1] != '\0' && n < most;
         line = strchr(line + 1, '\n')) {
        const char *at = line;
        for (int comma = 0; comma < 3; comma++) {
            at = strchr(at, ',') + 1;
        }
        out[n++] = strtod(at, NULL);
    }
    mb_release(world->base.ctx, text);
    return n;
}

// A network on sequences: new files are scaled as the training was, whatever they hold themselves.
static void test_ecal__predictions_scale_as_the_training_did(void **state) {
    mb_tool_world *world = *state;
    static const char text[] =
        "study: sequences\nseed: 1\n"
        "data:\n  source: ecal\n  dir: data\n  arrays: [sequence]\n"
        "  rows: {train: [0, 10], test: [30, 40]}\n"
        "model:\n  layers:\n    - {input: sequence}\n    - {flatten: {}}\n"
        "    - {dense: {units: 2, activation: softmax}}\n"
        "train: {loss: binary_crossentropy, optimizer: {adam: {}}, epochs: 1}\n";
    mb_tool_write(world, "sequence.yaml", text);
    mb_tool_expect(world, 0, "run sequence.yaml -o sequence --force --set evaluate.figures=false");
    assert_true(mb_path_exists(mb_tool_path(world, "sequence/facts.npz")));
    mb_tool_expect(world, 0, "predict sequence data/electrons.h5 -o electrons.csv --force");
    double run[40];
    double predicted[40];
    // The run's rows: 10 photons and 10 electrons that trained, 10 and 10 that test.
    assert_int_equal(read_scores(world, "sequence/predictions.csv", run, 40), 40);
    assert_int_equal(read_scores(world, "electrons.csv", predicted, 40), 40);
    for (size_t i = 0; i < 10; i++) {
        assert_float_equal(predicted[i], run[10 + i], 0);
        assert_float_equal(predicted[30 + i], run[30 + i], 0);
    }
    char *table = mb_tool_read(world, "electrons.csv");
    assert_non_null(strstr(table, "label,score\ndata/electrons.h5,0,1,"));
    mb_release(world->base.ctx, table);
    // One file without labels: no label of any can be told.
    mb_tool_expect(world, 0, "simulate ecal -o plain --events 4 --set format=npy");
    assert_int_equal(remove(mb_tool_path(world, "plain/photons_y.npy")), 0);
    mb_tool_expect(world, 0, "predict sequence plain/electrons.npy plain/photons.npy -o plain.csv");
    table = mb_tool_read(world, "plain.csv");
    assert_non_null(strstr(table, "label,score\nplain/electrons.npy,0,,"));
    mb_release(world->base.ctx, table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ecal__the_shipped_study_gives_the_same_bits_twice),
        cmocka_unit_test(test_ecal__prepared_frames_feed_the_model),
        cmocka_unit_test(test_ecal__predictions_scale_as_the_training_did),
    };
    return cmocka_run_group_tests(tests, mb_tool_open, mb_tool_close);
}
