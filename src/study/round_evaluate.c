// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/output.h"
#include "files/csv.h"
#include "files/npy.h"
#include "study/rates.h"
#include "study/round_training.h"
#include "study/scored.h"
#include "study/track_run.h"

#include <math.h>

static mb_status write_scores(
    mb_context *ctx, const mb_scored *scored, const mb_dataset *dataset, const char *path) {
    mb_runtime *runtime = mb_context_runtime(ctx);
    int64_t *events = mb_allocate(ctx, scored->n, sizeof *events);
    uint32_t *files = mb_allocate(ctx, scored->n, sizeof *files);
    mb_status status = events == NULL || files == NULL ? MB_ERR_MEMORY : MB_OK;
    if (status == MB_OK) {
        for (size_t i = 0; i < scored->n; i++) {
            events[i] = dataset->event[scored->row[i]];
            files[i] = dataset->file[scored->row[i]];
        }
        const mb_array score = {MB_F32, scored->width == 1 ? 1 : 2, {scored->n, scored->width},
            scored->output, runtime};
        const mb_array label = {MB_F32, 1, {scored->n}, scored->label, runtime};
        const mb_array split = {MB_U8, 1, {scored->n}, scored->split, runtime};
        const mb_array event = {MB_I64, 1, {scored->n}, events, runtime};
        const mb_array file = {MB_U32, 1, {scored->n}, files, runtime};
        const char *const names[] = {"score", "split", "event", "file", "label"};
        const mb_array *const arrays[] = {&score, &split, &event, &file, &label};
        status = mb_npz_write(ctx, path, names, arrays, scored->label != NULL ? 5 : 4, true);
    }
    mb_release(ctx, events);
    mb_release(ctx, files);
    return status;
}

static void put_prediction(
    mb_buffer *table, const mb_scored *scored, const mb_dataset *dataset, size_t i) {
    // Of two outputs, the score is the second, which is judged.
    const float *scores = scored->score != NULL ? scored->score : scored->output;
    const size_t n_scores = scored->score != NULL ? 1 : scored->width;
    const uint32_t file = dataset->file[scored->row[i]];
    mb_csv_put_text(table, true, file < dataset->n_files ? dataset->file_names[file] : "");
    mb_csv_put_int64(table, false, dataset->event[scored->row[i]]);
    if (scored->label != NULL) {
        mb_csv_put_int64(table, false, scored->label[i] > 0.5F);
    } else {
        mb_csv_put_text(table, false, "");
    }
    for (size_t j = 0; j < n_scores; j++) {
        mb_csv_put_float(table, false, scores[i * n_scores + j]);
    }
    if (scored->split[i] == MB_SPLIT_NONE) {
        mb_csv_put_text(table, false, "");
    } else {
        mb_csv_put_int64(table, false, scored->split[i]);
    }
    mb_csv_end_row(table);
}

// Piece by piece: the edges of many graphs make a table of gigabytes.
static mb_status write_predictions(
    mb_context *ctx, const mb_scored *scored, const mb_dataset *dataset, const char *path) {
    enum { PIECE = 1 << 20 };
    mb_output output;
    mb_buffer table;
    MB_TRY(mb_output_open(&output, ctx, path));
    mb_buffer_init(&table, ctx);
    mb_buffer_text(&table, "file,event,label,score");
    for (size_t j = 1; j < scored->width && scored->score == NULL; j++) {
        mb_buffer_format(&table, ",score_%zu", j);
    }
    mb_buffer_text(&table, ",split\n");
    mb_status status = table.status;
    for (size_t i = 0; i < scored->n && status == MB_OK; i++) {
        put_prediction(&table, scored, dataset, i);
        status = table.status;
        if (status == MB_OK && table.length >= PIECE) {
            status = mb_output_write(&output, table.data, table.length);
            table.length = 0;
        }
    }
    if (status == MB_OK) {
        status = mb_output_write(&output, table.data, table.length);
    }
    if (status == MB_OK) {
        status = mb_output_commit(&output);
    }
    mb_output_abandon(&output);
    mb_buffer_clear(&table);
    return status;
}

// What one split of the events says.
static mb_status put_split(mb_answer *answer, mb_context *ctx, const mb_study *study,
    const mb_scored *scored, int split, const char *name) {
    mb_scored_part part;
    mb_roc roc = {0};
    mb_status status = mb_scored_part_make(&part, ctx, scored, split);
    if (status == MB_OK && part.n > 0) {
        mb_node *map = mb_answer_put_map(answer, NULL, name);
        mb_answer_put_int(answer, map, "events", (int64_t)part.n);
        mb_answer_put_int(answer, map, "signal", (int64_t)part.n_signal);
        size_t n_right = 0;
        for (size_t i = 0; i < part.n; i++) {
            n_right += (part.score[i] > 0.5F) == (part.label[i] > 0.5F);
        }
        mb_answer_put_real(answer, map, "accuracy", (double)n_right / (double)part.n);
        if (study->evaluate.roc && part.n_signal > 0 && part.n_signal < part.n) {
            status = mb_roc_make(
                &roc, ctx, mb_values_f32(part.score, part.n), mb_values_f32(part.label, part.n));
            if (status == MB_OK) {
                mb_answer_put_real(answer, map, "auc", roc.auc);
                mb_answer_put_real(answer, map, "auc_error", roc.auc_error);
            }
        }
    }
    mb_roc_clear(&roc);
    mb_scored_part_clear(&part);
    return status;
}

static void put_efficiency(
    mb_answer *answer, mb_node *map, const char *key, const char *error, uint64_t k, uint64_t n) {
    const mb_efficiency efficiency = mb_efficiency_of(k, n);
    mb_answer_put_real(answer, map, key, efficiency.value);
    mb_answer_put_real(answer, map, error, efficiency.error);
}

// Rates and thresholds of the split that the figures are made from: into metrics.json and
// threshold.json alike.
static mb_status put_working_points(
    mb_answer *answer, mb_context *ctx, const mb_evaluate_options *evaluate, const mb_roc *roc) {
    double input = 0;
    MB_TRY(mb_rate_parse(ctx, evaluate->input_rate, &input));
    mb_answer_put_real(answer, NULL, "threshold", evaluate->threshold);
    mb_answer_put_real(answer, NULL, "input_khz", input);
    mb_answer_put_int(answer, NULL, "background_events", (int64_t)roc->n_background);
    mb_answer_put_int(answer, NULL, "signal_events", (int64_t)roc->n_signal);
    mb_node *at = mb_answer_put_list(answer, NULL, "at");
    for (size_t i = 0; i < evaluate->at.n; i++) {
        double target = 0;
        mb_rate_point point;
        MB_TRY(mb_rate_parse(ctx, evaluate->at.value[i], &target));
        MB_TRY(mb_roc_at_rate(roc, ctx, input, target, &point));
        mb_answer_put_rate(answer, mb_answer_add_map(answer, at), &point);
    }
    mb_node *thresholds = mb_answer_put_list(answer, NULL, "thresholds");
    for (size_t i = 0; i < evaluate->thresholds.n; i++) {
        const double threshold = evaluate->thresholds.value[i];
        const size_t vertex = mb_roc_vertex_at(roc, threshold);
        mb_node *map = mb_answer_add_map(answer, thresholds);
        mb_answer_put_real(answer, map, "threshold", threshold);
        put_efficiency(answer, map, "efficiency", "error", roc->n_true[vertex], roc->n_signal);
        put_efficiency(answer, map, "background_efficiency", "background_error",
            roc->n_false[vertex], roc->n_background);
        mb_answer_put_int(answer, map, "background_accepted", (int64_t)roc->n_false[vertex]);
    }
    return MB_OK;
}

static const char *split_name(int split) {
    return split == MB_EVALUATE_ALL ? "all" : mb_evaluate_split_names[split];
}

mb_status mb_thresholds_write(
    mb_context *ctx, const mb_study *study, const mb_roc *roc, int split, const char *path) {
    mb_answer *answer = NULL;
    MB_TRY(mb_answer_create(ctx, &answer));
    mb_answer_put_int(answer, NULL, "format", 1);
    mb_answer_put_text(answer, NULL, "split", split_name(split));
    return mb_answer_write(answer, put_working_points(answer, ctx, &study->evaluate, roc), path);
}

static mb_status put_classification(mb_answer *answer, mb_run *run, mb_context *ctx,
    const mb_scored *scored, int split, const char *threshold_path) {
    static const char *const names[] = {"train", "validation", "test"};
    for (int i = 0; i < 3; i++) {
        MB_TRY(put_split(answer, ctx, run->study, scored, i, names[i]));
    }
    mb_answer_put_text(answer, NULL, "evaluated_on", split_name(split));
    mb_scored_part part;
    mb_roc roc = {0};
    mb_status status = mb_scored_part_make(&part, ctx, scored, split);
    const bool has_both = status == MB_OK && part.n_signal > 0 && part.n_signal < part.n;
    if (has_both && run->study->evaluate.roc) {
        status = mb_roc_make(
            &roc, ctx, mb_values_f32(part.score, part.n), mb_values_f32(part.label, part.n));
        if (status == MB_OK) {
            mb_answer_put_real(answer, NULL, "auc", roc.auc);
            mb_answer_put_real(answer, NULL, "auc_error", roc.auc_error);
            status = put_working_points(answer, ctx, &run->study->evaluate, &roc);
        }
        if (status == MB_OK) {
            status = mb_thresholds_write(ctx, run->study, &roc, split, threshold_path);
        }
    } else if (status == MB_OK && run->study->evaluate.roc) {
        mb_notice(ctx, MB_NOTICE_WARNING, "evaluate",
            "the %s events are all of one class: there is no ROC curve", split_name(split));
    }
    mb_roc_clear(&roc);
    mb_scored_part_clear(&part);
    return status;
}

// The loss and the metrics of the rows for testing, as an epoch has those for validation.
static mb_status put_test(mb_answer *answer, mb_run *run, mb_context *ctx, const mb_round *round,
    const mb_model *model, mb_arena *arena) {
    const mb_train *train = &round->fit->train;
    const char *path = NULL;
    uint32_t *rows = NULL;
    mb_model *network = NULL;
    double *figures = mb_arena_allocate(arena, ctx, 1 + train->n_metrics, sizeof *figures);
    // What was trained elsewhere (train.weights_dir) may have more outputs than a loss takes.
    if (model->n_outputs != 1) {
        return MB_OK;
    }
    mb_fit_request request = {.model = model,
        .parameters = model->parameters,
        .dataset = &run->dataset,
        .train = train,
        .target = round->fit->target,
        .seed = round->seed};
    mb_status status = figures == NULL ? MB_ERR_MEMORY : MB_OK;
    if (status == MB_OK) {
        status = mb_round_rows(run, ctx, round, MB_SPLIT_TEST, &rows, &request.n_validation);
    }
    if (status == MB_OK && request.n_validation > 0) {
        status = mb_round_load_loss_network(run, ctx, arena, round, &path, &network);
    }
    if (status == MB_OK && request.n_validation > 0) {
        request.validation_rows = rows;
        request.loss_network = network;
        status = mb_fit_measure(ctx, &request, figures);
        for (size_t i = 0; i <= train->n_metrics && status == MB_OK && !isnan(figures[0]); i++) {
            char key[96];
            mb_format(key, sizeof key, "test_%s", i == 0 ? "loss" : train->metrics[i - 1].name);
            mb_answer_put_real(answer, NULL, key, figures[i]);
        }
    }
    mb_model_destroy(network);
    mb_release(ctx, rows);
    return status;
}

// metrics.json: the training's record and what the scores say.
static mb_status write_metrics(mb_run *run, mb_context *ctx, const mb_round *round,
    const mb_model *model, const mb_scored *scored, int split, mb_arena *arena) {
    const char *path = mb_run_file(ctx, arena, round->directory, "metrics.json");
    const char *thresholds = mb_run_file(ctx, arena, round->directory, "threshold.json");
    if (path == NULL || thresholds == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_document record;
    MB_TRY(mb_run_read_json(ctx, round->directory, "training.json", &record));
    mb_answer *answer = NULL;
    mb_status status = mb_answer_create(ctx, &answer);
    if (status != MB_OK) {
        mb_document_clear(&record);
        return status;
    }
    mb_answer_put_int(answer, NULL, "format", 1);
    mb_answer_put_text(answer, NULL, "study", run->study->name);
    mb_answer_put_text(answer, NULL, "fit", round->name);
    mb_answer_put_int(answer, NULL, "events", (int64_t)scored->n);
    mb_answer_put_bool(answer, NULL, "simulated", mb_study_is_simulated(ctx, run->study));
    const mb_node *best = mb_node_find(record.root, "best_epoch_figures");
    for (const mb_node *m = best != NULL ? best->first : NULL; m != NULL; m = m->next) {
        mb_answer_put_copy(answer, NULL, m->key, m);
    }
    status = put_test(answer, run, ctx, round, model, arena);
    mb_answer_put_copy(answer, NULL, "training", record.root);
    if (status == MB_OK && scored->label != NULL) {
        status = put_classification(answer, run, ctx, scored, split, thresholds);
    } else if (status == MB_OK && run->study->evaluate.roc) {
        mb_notice(ctx, MB_NOTICE_INFO, "evaluate",
            "the target is not 0 or 1 an event: ROC, rates and thresholds are left out");
    }
    mb_document_clear(&record);
    if (status == MB_OK && scored->tracks != NULL) {
        status = mb_track_put(scored->tracks, answer);
    }
    return mb_answer_write(answer, status, path);
}

static mb_status write_all(mb_run *run, mb_context *ctx, const mb_round *round,
    const mb_model *model, const mb_scored *scored, mb_arena *arena) {
    const char *npz = mb_run_file(ctx, arena, round->directory, "scores.npz");
    const char *csv = mb_run_file(ctx, arena, round->directory, "predictions.csv");
    if (npz == NULL || csv == NULL) {
        return MB_ERR_MEMORY;
    }
    const int split = mb_scored_choose(scored, run->study->evaluate.split);
    MB_TRY(write_scores(ctx, scored, &run->dataset, npz));
    if (run->study->evaluate.predictions) {
        MB_TRY(write_predictions(ctx, scored, &run->dataset, csv));
    }
    MB_TRY(write_metrics(run, ctx, round, model, scored, split, arena));
    return run->study->evaluate.figures ? mb_round_draw(run, ctx, round, scored, split) : MB_OK;
}

static mb_status evaluate_events(
    mb_run *run, mb_context *ctx, const mb_round *round, const mb_model *model, mb_arena *arena) {
    mb_scored scored;
    const double start = mb_seconds_now();
    mb_status status = mb_scored_make(
        &scored, ctx, model, &run->dataset, round->split, round->rows, round->n_rows);
    if (status == MB_OK) {
        mb_journal_line(&run->journal, "%s%sScored %zu events in %.2f s", round->name,
            round->name[0] != '\0' ? ": " : "", scored.n, mb_seconds_now() - start);
        status = write_all(run, ctx, round, model, &scored, arena);
    }
    mb_scored_clear(&scored);
    return status;
}

static mb_status evaluate_tracks(
    mb_run *run, mb_context *ctx, const mb_round *round, const mb_model *model, mb_arena *arena) {
    mb_track_evaluation tracks;
    mb_scored scored = {0};
    const double start = mb_seconds_now();
    mb_status status =
        mb_track_open(&tracks, ctx, run->study, model, &run->dataset, round->split, NULL);
    if (status == MB_OK) {
        status = mb_track_score_edges(&tracks, &scored);
        scored.tracks = &tracks;
    }
    if (status == MB_OK) {
        mb_journal_line(&run->journal, "%s%sClustered %zu samples in %.2f s", round->name,
            round->name[0] != '\0' ? ": " : "", tracks.n_order, mb_seconds_now() - start);
        status = mb_track_write(&tracks, round->directory);
    }
    if (status == MB_OK) {
        status = write_all(run, ctx, round, model, &scored, arena);
    }
    if (status == MB_OK) {
        status = mb_track_tell_labels(&tracks, &run->journal);
    }
    mb_scored_clear(&scored);
    mb_track_close(&tracks);
    return status;
}

mb_status mb_round_evaluate(mb_run *run, mb_context *ctx, const mb_round *round) {
    mb_arena arena;
    mb_arena_init(&arena, ctx);
    mb_model *model = NULL;
    const char *path = mb_run_file(ctx, &arena, round->directory, "model.h5");
    mb_status status = path == NULL ? MB_ERR_MEMORY : mb_model_load(ctx, path, &model);
    if (status == MB_OK) {
        status = mb_track_is_study(run->study) ? evaluate_tracks(run, ctx, round, model, &arena)
                                               : evaluate_events(run, ctx, round, model, &arena);
    }
    mb_model_destroy(model);
    mb_arena_clear(&arena);
    return status;
}
