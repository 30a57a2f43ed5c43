// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tool.h"

#include "files/csv.h"
#include "files/hdf5.h"
#include "files/npy.h"
#include "files/pickle_write.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

// The shipped study of tracks, as a user runs it: clusters, scores and predictions.

// Few samples and epochs, no pictures.
#define SMALL                                                                                      \
    "--set data.dir=toys --set train.epochs=2 --set evaluate.figures=false --threads 2 --quiet"

static void make_study(mb_tool_world *world) {
    if (!mb_path_exists(mb_tool_path(world, "track-graph.yaml"))) {
        mb_tool_expect(world, 0, "new track-graph -o track-graph.yaml");
        mb_tool_expect(world, 0, "simulate tracks -o toys --events 21 --seed 4 --set csv=true");
    }
}

static size_t count_rows(mb_tool_world *world, const char *name, size_t n_columns) {
    mb_csv table;
    assert_ok(
        world->base.ctx, mb_csv_read(&table, world->base.ctx, mb_tool_path(world, name), true));
    assert_int_equal(table.n_columns, n_columns);
    const size_t n = table.n_rows;
    mb_csv_clear(&table);
    return n;
}

static const mb_node *find_score(
    const mb_document *metrics, const char *space, const char *choice, const char *split) {
    const mb_node *list = mb_node_find(mb_node_find(metrics->root, "tracks"), "scores");
    assert_non_null(list);
    for (const mb_node *row = list->first; row != NULL; row = row->next) {
        if (strcmp(mb_node_text(mb_node_find(row, "space")), space) == 0 &&
            strcmp(mb_node_text(mb_node_find(row, "choice")), choice) == 0 &&
            strcmp(mb_node_text(mb_node_find(row, "split")), split) == 0) {
            return row;
        }
    }
    return NULL;
}

static void test_tool_tracks__a_run_clusters_and_scores_all_samples(void **state) {
    mb_tool_world *world = *state;
    make_study(world);
    const mb_tool_run *run = mb_tool_expect(world, 0, "run track-graph.yaml -o run " SMALL);
    assert_non_null(strstr(run->out, "tracks, means over the validation samples"));
    assert_non_null(strstr(run->out, "edges of pred"));
    char *text = mb_tool_read(world, "run/metrics.json");
    mb_document metrics = mb_tool_json(world, text);
    // The embedding that is given is easy to cluster with a radius of its own.
    const mb_node *row = find_score(&metrics, "emb", "chosen", "validation");
    assert_non_null(row);
    assert_true(mb_tool_number(row, "score") > 0.7 && mb_tool_number(row, "score") <= 1);
    assert_true(mb_tool_number(row, "samples") == 5);
    row = find_score(&metrics, "learned", "fixed", "train");
    assert_true(mb_tool_number(row, "eps") == 0.1 && mb_tool_number(row, "samples") == 16);
    assert_non_null(find_score(&metrics, "xyz", "fixed", "validation"));
    mb_document_clear(&metrics);
    mb_release(world->base.ctx, text);
    // A row a hit, an edge, a sample and choice.
    const size_t n_hits = count_rows(world, "run/clusters.csv", 7);
    assert_int_equal(count_rows(world, "run/submission.csv", 3), n_hits);
    assert_int_equal(count_rows(world, "run/track_scores.csv", 16), 21 * 3 * 2);
    assert_true(count_rows(world, "run/predictions.csv", 5) > 5 * n_hits);
    assert_true(mb_path_exists(mb_tool_path(world, "run/embeddings/sample_00020.npy")));
    text = mb_tool_read(world, "run/report.html");
    assert_non_null(strstr(text, "Edges and classes"));
    assert_null(strstr(text, "Events and classes"));
    assert_non_null(strstr(text, "No radius that was tried finds a track in the space xyz"));
    mb_release(world->base.ctx, text);
    text = mb_tool_read(world, "run/log.txt");
    assert_non_null(strstr(text, "Clusters of sample 0 (learned, eps 0.1):\n["));
    mb_release(world->base.ctx, text);
}

static void test_tool_tracks__predict_clusters_new_hits_with_the_chosen_radius(void **state) {
    mb_tool_world *world = *state;
    make_study(world);
    if (!mb_path_exists(mb_tool_path(world, "run/model.h5"))) {
        mb_tool_expect(world, 0, "run track-graph.yaml -o run " SMALL);
    }
    mb_tool_expect(world, 0, "predict run toys/tracks.pickle -o hits.csv --force");
    mb_csv all;
    mb_csv own;
    mb_context *ctx = world->base.ctx;
    assert_ok(ctx, mb_csv_read(&all, ctx, mb_tool_path(world, "run/clusters.csv"), true));
    assert_ok(ctx, mb_csv_read(&own, ctx, mb_tool_path(world, "hits.csv"), true));
    assert_int_equal(all.n_rows, own.n_rows);
    // The file's name comes first, then what the run wrote.
    for (size_t row = 0; row < all.n_rows; row += 7) {
        for (size_t column = 0; column < all.n_columns; column++) {
            assert_string_equal(
                mb_csv_field(&all, row, column), mb_csv_field(&own, row, column + 1));
        }
    }
    mb_csv_clear(&all);
    mb_csv_clear(&own);
    mb_tool_expect(world, 1, "predict run toys/tracks.pickle -o x.csv --accept 5kHz");
    assert_non_null(strstr(world->last.err, "accepts no events"));
}

static void test_tool_tracks__predict_takes_prepared_graphs_to_a_run_as_to_its_model(void **state) {
    mb_tool_world *world = *state;
    mb_context *ctx = world->base.ctx;
    mb_array own;
    mb_array models;
    mb_array features;
    make_study(world);
    if (!mb_path_exists(mb_tool_path(world, "run/model.h5"))) {
        mb_tool_expect(world, 0, "run track-graph.yaml -o run " SMALL);
    }
    mb_tool_expect(world, 0, "prepare track-graph.yaml -o graphs.h5 --set data.dir=toys");
    mb_tool_expect(world, 0, "predict run graphs.h5 -o own.npy");
    mb_tool_expect(world, 0, "predict run/model.h5 graphs.h5 -o models.npy");
    assert_ok(ctx, mb_npy_read(ctx, mb_tool_path(world, "own.npy"), &own));
    assert_ok(ctx, mb_npy_read(ctx, mb_tool_path(world, "models.npy"), &models));
    assert_int_equal(own.shape[0], models.shape[0]);
    mb_test_assert_same_bits(own.data, models.data, mb_array_count(&own), 4, "embedding");
    mb_array_clear(&own);
    mb_array_clear(&models);
    mb_tool_expect(world, 2, "predict run graphs.h5 -o own.csv");
    assert_non_null(strstr(world->last.err, "graphs.h5 holds arrays, of which arrays are"));
    // What is no number is told by its place.
    mb_h5_file *file;
    mb_h5_writer *writer;
    mb_array arrays[4];
    static const char *const names[] = {
        "/node_offset", "/edge_offset", "/edges/pred", "/edges/loss"};
    assert_ok(ctx, mb_h5_open(ctx, mb_tool_path(world, "graphs.h5"), &file));
    assert_ok(ctx, mb_h5_read(file, "/inputs/features", &features));
    const size_t node = (size_t)9;
    ((float *)features.data)[node * features.shape[1] + 4] = NAN;
    assert_ok(ctx, mb_h5_create(ctx, mb_tool_path(world, "nan.h5"), MB_H5_IN_MEMORY, &writer));
    assert_ok(ctx, mb_h5_write_array(writer, "/inputs/features", &features));
    for (size_t i = 0; i < 4; i++) {
        assert_ok(ctx, mb_h5_read(file, names[i], &arrays[i]));
        assert_ok(ctx, mb_h5_write_array(writer, names[i], &arrays[i]));
        mb_array_clear(&arrays[i]);
    }
    assert_ok(ctx, mb_h5_commit(writer));
    mb_h5_close(file);
    mb_array_clear(&features);
    mb_tool_expect(world, 1, "predict run nan.h5 -o own.npy --force");
    assert_non_null(
        strstr(world->last.err, "nan.h5: features: graph 0, row 9 of its nodes, column 4 is nan"));
}

// Samples of two particles with three hits each: TrackML gives weight from four hits on.
static void write_weightless(mb_tool_world *world, const char *name, size_t n) {
    static const char *const graphs[] = {"pred", "loss", "true"};
    const int64_t particle[6] = {1, 1, 1, 2, 2, 2};
    float places[18];
    for (size_t i = 0; i < 18; i++) {
        places[i] = (float)i;
    }
    mb_runtime *runtime = mb_context_runtime(world->base.ctx);
    const mb_array xyz = {MB_F32, 2, {6, 3}, places, runtime};
    const mb_array ids = {MB_I64, 1, {6}, (void *)(uintptr_t)particle, runtime};
    mb_buffer out;
    mb_pickle_writer writer;
    mb_buffer_init(&out, world->base.ctx);
    mb_pickle_start(&writer, &out);
    mb_pickle_begin_list(&writer);
    for (size_t i = 0; i < n; i++) {
        mb_pickle_begin_dict(&writer);
        mb_pickle_put_text(&writer, "hits");
        mb_pickle_begin_dict(&writer);
        mb_pickle_put_text(&writer, "xyz");
        mb_pickle_put_array(&writer, &xyz);
        mb_pickle_put_text(&writer, "emb");
        mb_pickle_put_array(&writer, &xyz);
        mb_pickle_put_text(&writer, "particle_id");
        mb_pickle_put_array(&writer, &ids);
        mb_pickle_end(&writer);
        mb_pickle_put_text(&writer, "graphs");
        mb_pickle_begin_dict(&writer);
        for (size_t g = 0; g < 3; g++) {
            mb_pickle_put_text(&writer, graphs[g]);
            mb_pickle_begin_list(&writer);
            for (int64_t hit = 0; hit < 6; hit++) {
                mb_pickle_begin_list(&writer);
                mb_pickle_put_int(&writer, (hit + 1) % 6);
                mb_pickle_end(&writer);
            }
            mb_pickle_end(&writer);
        }
        mb_pickle_end(&writer);
        mb_pickle_end(&writer);
    }
    mb_pickle_end(&writer);
    assert_ok(world->base.ctx, mb_pickle_finish(&writer));
    assert_ok(world->base.ctx, mb_make_directory(world->base.ctx, mb_tool_path(world, "short")));
    assert_ok(world->base.ctx, mb_write_buffer(&out, mb_tool_path(world, name)));
}

static void test_tool_tracks__samples_without_weight_are_refused_before_the_training(void **state) {
    mb_tool_world *world = *state;
    make_study(world);
    write_weightless(world, "short/empty.pickle", 0);
    mb_tool_expect(world, 1, "inspect short/empty.pickle");
    assert_non_null(strstr(world->last.err, "is a pickle of an empty list"));
    write_weightless(world, "short/tracks.pickle", 6);
    mb_tool_expect(world, 1, "run track-graph.yaml -o weightless " SMALL " --set data.dir=short");
    assert_non_null(strstr(world->last.err, "tracks.pickle: sample 0: no hit has any weight"));
    assert_false(mb_path_exists(mb_tool_path(world, "weightless/model.h5")));
    mb_tool_expect(world, 0,
        "run track-graph.yaml -o weightless " SMALL
        " --set data.dir=short --set data.on_bad=drop --force");
    assert_non_null(strstr(world->last.err, "6 samples have no hit of any weight"));
}

static void test_tool_tracks__compat_clusters_by_batch(void **state) {
    mb_tool_world *world = *state;
    make_study(world);
    const mb_tool_run *run =
        mb_tool_expect(world, 0, "run track-graph.yaml -o compat " SMALL " --set compat=true");
    assert_non_null(strstr(run->out, "(no others are clustered), clustered by batch"));
    // The batch that the loader drops is not clustered.
    assert_int_equal(count_rows(world, "compat/track_scores.csv", 16), 20 * 3 * 2);
    // Here that batch holds the one validation sample.
    run = mb_tool_expect(world, 0,
        "run track-graph.yaml -o shuffled " SMALL " --set 'compat=[shuffled_eval]' --seed 5 --set "
        "train.batch=11 --set 'train.validation={fraction: 0.05, take: random}'");
    assert_non_null(strstr(run->out, "means over the train samples (no others are clustered)"));
}

static void test_tool_tracks__tables_are_built_into_graphs(void **state) {
    mb_tool_world *world = *state;
    make_study(world);
    const mb_tool_run *run = mb_tool_expect(world, 0,
        "check track-graph.yaml " SMALL " --set 'data.file=event*-hits.csv' --set "
        "'data.features=[xyz]' --set 'data.graph={segments: {phi_slope: 0.001}}'");
    assert_non_null(strstr(run->out, "21 events"));
    assert_non_null(strstr(run->out, "edges.pred"));
}

// Neither dense nor sorted.
static long other_id(long id) {
    return id % 2 == 1 ? 1000 + 7 * id : 5000000 - 3 * id;
}

static void rename_hits(mb_tool_world *world, size_t event, const char *kind) {
    mb_context *ctx = world->base.ctx;
    char name[64];
    snprintf(name, sizeof name, "ids/event%09zu-%s.csv", event, kind);
    char *text = mb_tool_read(world, name);
    mb_buffer out;
    mb_buffer_init(&out, ctx);
    for (char *line = text, *end = NULL; *line != '\0'; line = end + 1) {
        end = strchr(line, '\n');
        *end = '\0';
        char *rest = line;
        const long id = strtol(line, &rest, 10);
        if (rest > line) {
            mb_buffer_format(&out, "%ld%s\n", other_id(id), rest);
        } else {
            mb_buffer_format(&out, "%s\n", line);
        }
    }
    assert_ok(ctx, mb_write_file(ctx, mb_tool_path(world, name), out.data, out.length));
    mb_buffer_clear(&out);
    mb_release(ctx, text);
}

static void test_tool_tracks__hits_keep_the_ids_of_their_files(void **state) {
    enum { EVENTS = 5 };
    mb_tool_world *world = *state;
    mb_csv submission;
    make_study(world);
    mb_tool_expect(world, 0, "simulate tracks -o ids --events %d --seed 9 --set csv=true", EVENTS);
    for (size_t i = 0; i < EVENTS; i++) {
        rename_hits(world, i, "hits");
        rename_hits(world, i, "truth");
        rename_hits(world, i, "cells");
    }
    mb_tool_expect(world, 0,
        "run track-graph.yaml -o ids_run --threads 2 --quiet --set data.dir=ids --set "
        "'data.file=*.csv' --set 'data.features=[xyz]' --set 'data.graph={segments: {phi_slope: "
        "0.001}}' --set train.epochs=1 --set 'evaluate.cluster.of=[learned]' --set "
        "evaluate.figures=false");
    assert_ok(world->base.ctx, mb_csv_read(&submission, world->base.ctx,
                                   mb_tool_path(world, "ids_run/submission.csv"), true));
    size_t row = 0;
    for (size_t event = 0; event < EVENTS; event++) {
        char name[64];
        char number[16];
        mb_csv hits;
        snprintf(name, sizeof name, "ids/event%09zu-hits.csv", event);
        snprintf(number, sizeof number, "%zu", event);
        assert_ok(
            world->base.ctx, mb_csv_read(&hits, world->base.ctx, mb_tool_path(world, name), true));
        for (size_t i = 0; i < hits.n_rows; i++, row++) {
            assert_string_equal(mb_csv_field(&submission, row, 0), number);
            assert_string_equal(mb_csv_field(&submission, row, 1), mb_csv_field(&hits, i, 0));
        }
        mb_csv_clear(&hits);
    }
    assert_int_equal(row, submission.n_rows);
    assert_string_equal(mb_csv_field(&submission, 0, 1), "1007");
    mb_csv_clear(&submission);
    // So do those of new files.
    mb_csv predicted;
    mb_csv hits;
    mb_tool_expect(world, 0, "predict ids_run ids/event000000003-hits.csv -o ids.csv");
    assert_ok(world->base.ctx,
        mb_csv_read(&predicted, world->base.ctx, mb_tool_path(world, "ids.csv"), true));
    assert_ok(world->base.ctx, mb_csv_read(&hits, world->base.ctx,
                                   mb_tool_path(world, "ids/event000000003-hits.csv"), true));
    assert_int_equal(predicted.n_rows, hits.n_rows);
    assert_string_equal(mb_csv_column_name(&predicted, 3), "hit_id");
    for (size_t i = 0; i < hits.n_rows; i++) {
        assert_string_equal(mb_csv_field(&predicted, i, 3), mb_csv_field(&hits, i, 0));
    }
    mb_csv_clear(&predicted);
    mb_csv_clear(&hits);
}

static void test_tool_tracks__wrong_keys_are_named(void **state) {
    static const struct {
        const char *set, *says;
    } cases[] = {
        {"evaluate.cluster.epz=1", "did you mean"},
        {"evaluate.cluster.eps=0", "eps is 0; write a distance above 0"},
        {"evaluate.cluster.min_samples=0", "min_samples"},
        {"'evaluate.cluster.of=[learned, xy]'", "of names 'xy'; write some of learned, emb, xyz"},
        {"evaluate.tracks.min_hits=0", "min_hits"},
        {"'data.graph={neighbours: {radius: 0}}'", "radius is 0"},
        {"'data.features=[xyz, particle_id]'", "particle_id is the truth"},
        {"'data.graph={circles: {}}'", "unknown way 'circles'"},
        {"'compat=[isolated_zeros]'", "did you mean 'isolated_zero'"},
        {"train.validation=1.5", "validation"},
    };
    mb_tool_world *world = *state;
    make_study(world);
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        mb_tool_expect(
            world, 1, "check track-graph.yaml --set data.dir=toys --set %s", cases[i].set);
        if (strstr(world->last.err, cases[i].says) == NULL) {
            fail_msg("%s: %s", cases[i].set, world->last.err);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tool_tracks__a_run_clusters_and_scores_all_samples),
        cmocka_unit_test(test_tool_tracks__predict_clusters_new_hits_with_the_chosen_radius),
        cmocka_unit_test(test_tool_tracks__predict_takes_prepared_graphs_to_a_run_as_to_its_model),
        cmocka_unit_test(test_tool_tracks__samples_without_weight_are_refused_before_the_training),
        cmocka_unit_test(test_tool_tracks__compat_clusters_by_batch),
        cmocka_unit_test(test_tool_tracks__tables_are_built_into_graphs),
        cmocka_unit_test(test_tool_tracks__hits_keep_the_ids_of_their_files),
        cmocka_unit_test(test_tool_tracks__wrong_keys_are_named),
    };
    return cmocka_run_group_tests(tests, mb_tool_open, mb_tool_close);
}
