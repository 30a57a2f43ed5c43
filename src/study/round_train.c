// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/run.h"

#include "base/output.h"
#include "exchange/bundle_file.h"
#include "exchange/keras.h"
#include "files/csv.h"
#include "study/summary.h"

// What the hooks of one training need.
typedef struct training {
    mb_run *run;
    const mb_round *round;
    mb_context *ctx;
    const mb_model *model;
    mb_arena *arena;
    const char *best_path, *checkpoint_path;
    double epoch_start;
} training;

static void tell_epoch(training *t, const mb_fit_progress *progress) {
    char line[1024];
    size_t used =
        (size_t)mb_format(line, sizeof line, "%s%sEpoch %zu/%zu - %.1f s - %.0f samples/s",
            t->round->name, t->round->name[0] != '\0' ? ": " : "", progress->epoch + 1,
            progress->n_epochs, mb_seconds_now() - t->epoch_start, progress->rows_per_second);
    for (size_t i = 0; i < progress->n_figures && used + 80 < sizeof line; i++) {
        used += (size_t)mb_format(line + used, sizeof line - used, " - %s: %.4f",
            progress->names[i], progress->figures[i]);
    }
    mb_journal_line(&t->run->journal, "%s", line);
    t->epoch_start = mb_seconds_now();
}

static void on_progress(void *user, const mb_fit_progress *progress) {
    training *t = user;
    const mb_progress shown = {.what = t->round->name,
        .epoch = progress->epoch + 1,
        .n_epochs = progress->n_epochs,
        .n_samples = progress->n_done,
        .n_total = progress->n_rows,
        .samples_per_second = progress->rows_per_second,
        .seconds_left = progress->eta_seconds,
        .names = progress->names,
        .figures = progress->figures,
        .n_figures = progress->n_figures};
    mb_journal_progress(&t->run->journal, &shown);
    if (progress->is_epoch_end) {
        tell_epoch(t, progress);
    }
}

static mb_status on_checkpoint(void *user, mb_context *ctx, const mb_bundle *bundle) {
    const training *t = user;
    return mb_bundle_save(ctx, bundle, t->checkpoint_path);
}

static mb_status on_best(void *user, mb_context *ctx, const float *parameters) {
    const training *t = user;
    return mb_model_save_parameters(ctx, t->model, parameters, t->best_path);
}

static mb_status on_model(
    void *user, mb_context *ctx, const char *path, bool weights_only, const float *parameters) {
    const training *t = user;
    if (weights_only) {
        return mb_fail(ctx, MB_ERR_UNSUPPORTED,
            "model_checkpoint: save_weights_only is not offered; whole models hold the weights "
            "too");
    }
    char *whole = mb_path_join(ctx, t->round->directory, path);
    if (whole == NULL) {
        return MB_ERR_MEMORY;
    }
    const mb_status status = mb_model_save_parameters(ctx, t->model, parameters, whole);
    mb_release(ctx, whole);
    return status;
}

static mb_status write_history(
    mb_context *ctx, const mb_round *round, const mb_fit_result *result) {
    mb_buffer table;
    mb_buffer_init(&table, ctx);
    mb_csv_put_text(&table, true, "epoch");
    for (size_t j = 0; j < result->n_columns; j++) {
        mb_csv_put_text(&table, false, result->columns[j]);
    }
    mb_csv_end_row(&table);
    for (size_t i = 0; i < result->n_epochs; i++) {
        mb_csv_put_int64(&table, true, (int64_t)i + 1);
        for (size_t j = 0; j < result->n_columns; j++) {
            mb_csv_put_double(&table, false, result->history[i * result->n_columns + j]);
        }
        mb_csv_end_row(&table);
    }
    char *path = mb_path_join(ctx, round->directory, "history.csv");
    if (path == NULL) {
        mb_buffer_clear(&table);
        return MB_ERR_MEMORY;
    }
    const mb_status status = mb_write_buffer(&table, path);
    mb_release(ctx, path);
    return status;
}

// The hash goes over the layers in the order of the file, which is Keras's, not the study's. That
// the file reads back is then known, too.
static mb_status hash_file(const training *t, const char *name, char hash[65]) {
    const char *path = mb_run_file(t->ctx, t->arena, t->round->directory, name);
    mb_model *model = NULL;
    if (path == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_model_load(t->ctx, path, &model));
    mb_model_hash(model, model->parameters, hash);
    mb_model_destroy(model);
    return MB_OK;
}

// The last file of a training: a round that has it is done.
static mb_status write_record(
    const training *t, const mb_fit_result *result, size_t n_train, size_t n_validation) {
    mb_answer *record = NULL;
    MB_TRY(mb_answer_create(t->ctx, &record));
    char hash[65];
    char last[65];
    mb_status status = hash_file(t, "model.h5", hash);
    status = status != MB_OK ? status : hash_file(t, "last.h5", last);
    if (status != MB_OK) {
        mb_answer_destroy(record);
        return status;
    }
    mb_answer_put_text(record, NULL, "weights_sha256", hash);
    mb_answer_put_text(record, NULL, "last_weights_sha256", last);
    mb_answer_put_int(record, NULL, "seed", (int64_t)t->round->seed);
    mb_answer_put_bool(record, NULL, "simulated", mb_study_is_simulated(t->ctx, t->run->study));
    mb_answer_put_int(record, NULL, "parameters", (int64_t)t->model->n_parameters);
    mb_answer_put_int(record, NULL, "n_train", (int64_t)n_train);
    mb_answer_put_int(record, NULL, "n_validation", (int64_t)n_validation);
    mb_answer_put_int(record, NULL, "epochs", (int64_t)result->n_epochs);
    mb_answer_put_int(
        record, NULL, "best_epoch", result->n_epochs > 0 ? (int64_t)result->best_epoch + 1 : 0);
    mb_answer_put_text(record, NULL, "monitor", result->monitor);
    mb_answer_put_bool(record, NULL, "stopped_early", result->stopped_early);
    mb_answer_put_real(record, NULL, "seconds", result->seconds);
    mb_node *last_epoch = mb_answer_put_map(record, NULL, "last_epoch");
    mb_node *best_epoch = mb_answer_put_map(record, NULL, "best_epoch_figures");
    for (size_t j = 0; j < result->n_columns && result->n_epochs > 0; j++) {
        mb_answer_put_real(record, last_epoch, result->columns[j],
            result->history[(result->n_epochs - 1) * result->n_columns + j]);
        mb_answer_put_real(record, best_epoch, result->columns[j],
            result->history[result->best_epoch * result->n_columns + j]);
    }
    mb_answer *done = NULL;
    MB_TRY(mb_answer_finish(record, MB_OK, &done));
    char *path = mb_path_join(t->ctx, t->round->directory, "training.json");
    const char *json = mb_answer_json(done);
    status = path == NULL ? MB_ERR_MEMORY : mb_write_file(t->ctx, path, json, strlen(json));
    mb_release(t->ctx, path);
    mb_answer_destroy(done);
    mb_journal_line(&t->run->journal, "%s%sWeights SHA-256 %s", t->round->name,
        t->round->name[0] != '\0' ? ": " : "", hash);
    return status;
}

static mb_status save_all(
    const training *t, const mb_fit_result *result, size_t n_train, size_t n_validation) {
    MB_TRY(mb_model_save_parameters(t->ctx, t->model, result->best, t->best_path));
    const char *last = mb_run_file(t->ctx, t->arena, t->round->directory, "last.h5");
    if (last == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_model_save_parameters(t->ctx, t->model, result->last, last));
    MB_TRY(write_history(t->ctx, t->round, result));
    return write_record(t, result, n_train, n_validation);
}

static mb_status first_parameters(const training *t, bool has_weights, float *parameters) {
    if (t->run->initial_model != NULL) {
        return mb_model_load_weights(t->ctx, t->model, t->run->initial_model, parameters);
    }
    if (has_weights) {
        memcpy(parameters, t->model->parameters, t->model->n_parameters * sizeof *parameters);
        return MB_OK;
    }
    return mb_model_initialize(t->ctx, t->model, t->round->seed, parameters);
}

// Keras leaves a line of blanks between layers: half of a screen that is wanted for the training.
static void tell_table(mb_journal *journal, const char *text) {
    while (*text != '\0') {
        const size_t length = strcspn(text, "\n");
        if (strspn(text, " ") < length) {
            mb_journal_line(journal, "%.*s", (int)mb_min_size(length, 1000), text);
        }
        text += length + (text[length] == '\n');
    }
}

static void tell_model(const training *t, size_t n_train, size_t n_validation) {
    if (t->round->index == 0) {
        mb_buffer text;
        mb_buffer_init(&text, t->ctx);
        mb_summary_table(&text, t->model);
        tell_table(&t->run->journal, text.length > 0 ? text.data : "");
        mb_buffer_clear(&text);
    }
    mb_journal_line(&t->run->journal, "%s%sTrain on %zu samples, validate on %zu samples",
        t->round->name, t->round->name[0] != '\0' ? ": " : "", n_train, n_validation);
}

static mb_status train_model(training *t, mb_fit_request *request) {
    tell_model(t, request->n_train, request->n_validation);
    mb_bundle checkpoint;
    mb_bundle_init(&checkpoint, t->ctx);
    mb_fit_result result = {0};
    mb_status status = MB_OK;
    if (t->run->is_resumed && mb_path_exists(t->checkpoint_path)) {
        mb_bundle_clear(&checkpoint);
        status = mb_bundle_load(t->ctx, t->checkpoint_path, &checkpoint);
        request->resume = &checkpoint;
        mb_journal_line(&t->run->journal, "Going on from %s", t->checkpoint_path);
    }
    t->epoch_start = mb_seconds_now();
    if (status == MB_OK) {
        status = mb_fit(t->ctx, request, &result);
    }
    if (status == MB_OK) {
        status = save_all(t, &result, request->n_train, request->n_validation);
    } else if (result.n_epochs > 0 && write_history(t->ctx, t->round, &result) != MB_OK) {
        mb_journal_line(&t->run->journal, "The history of the epochs so far is lost, too");
    }
    if (status == MB_OK && result.n_epochs > 0) {
        const double batches = (double)result.n_epochs *
                               ((double)request->n_train / (double)request->train->options.batch);
        const char *colon = t->round->name[0] != '\0' ? ": " : "";
        mb_journal_line(&t->run->journal, "%s%sTrained %zu epochs in %.1f s, %.2f ms a step",
            t->round->name, colon, result.n_epochs, result.seconds,
            batches > 0 ? 1e3 * result.seconds / batches : 0.0);
        mb_journal_line(&t->run->journal, "%s%s%s after epoch %zu, the best was epoch %zu",
            t->round->name, colon, result.stopped_early ? "Stopped early" : "Ended",
            result.n_epochs, result.best_epoch + 1);
    }
    mb_fit_result_clear(&result);
    mb_bundle_clear(&checkpoint);
    return status;
}

// train.weights_dir: models that were trained elsewhere take the place of a training.
static mb_status take_trained(training *t, mb_model *model) {
    const char *folder = t->round->fit->train.options.weights_dir;
    const char *path = mb_arena_format(
        t->arena, t->ctx, "%s/%s.h5", folder, t->round->name[0] != '\0' ? t->round->name : "model");
    mb_fit_result result = {.best = model->parameters, .last = model->parameters};
    t->model = model;
    if (path == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_model_load_weights(t->ctx, model, path, model->parameters));
    mb_journal_line(&t->run->journal, "%s%sWeights taken from %s", t->round->name,
        t->round->name[0] != '\0' ? ": " : "", path);
    return save_all(t, &result, 0, 0);
}

static mb_status train_with(training *t, mb_model *model, bool has_weights) {
    t->model = model;
    mb_fit_request request = {.model = model,
        .dataset = &t->run->dataset,
        .train = &t->round->fit->train,
        .seed = t->round->seed,
        .cancel = &t->run->journal.cancel,
        .hooks = {.user = t,
            .progress = on_progress,
            .save_checkpoint = on_checkpoint,
            .save_best = on_best,
            .save_model = on_model}};
    uint32_t *train = NULL;
    uint32_t *validation = NULL;
    float *parameters = mb_allocate(t->ctx, model->n_parameters, sizeof *parameters);
    mb_status status = parameters == NULL ? MB_ERR_MEMORY : MB_OK;
    if (status == MB_OK) {
        status = mb_round_rows(t->run, t->ctx, t->round, MB_SPLIT_TRAIN, &train, &request.n_train);
    }
    if (status == MB_OK) {
        status = mb_round_rows(
            t->run, t->ctx, t->round, MB_SPLIT_VALIDATION, &validation, &request.n_validation);
    }
    if (status == MB_OK) {
        status = first_parameters(t, has_weights, parameters);
    }
    if (status == MB_OK) {
        request.train_rows = train;
        request.validation_rows = validation;
        request.parameters = parameters;
        status = train_model(t, &request);
    }
    mb_release(t->ctx, parameters);
    mb_release(t->ctx, train);
    mb_release(t->ctx, validation);
    return status;
}

mb_status mb_round_train(mb_run *run, mb_context *ctx, const mb_round *round) {
    mb_arena arena;
    mb_arena_init(&arena, ctx);
    training t = {.run = run,
        .round = round,
        .ctx = ctx,
        .arena = &arena,
        .best_path = mb_run_file(ctx, &arena, round->directory, "model.h5"),
        .checkpoint_path = mb_run_file(ctx, &arena, round->directory, "checkpoint.h5")};
    const char *record = mb_run_file(ctx, &arena, round->directory, "training.json");
    mb_model *model = NULL;
    bool has_weights = false;
    mb_status status =
        t.best_path == NULL || t.checkpoint_path == NULL || record == NULL ? MB_ERR_MEMORY : MB_OK;
    // A round that an earlier start of this run finished stays as it is.
    const bool is_done = status == MB_OK && run->is_resumed && mb_path_exists(record);
    if (status == MB_OK && !is_done) {
        status =
            mb_study_build_model(ctx, run->study, round->fit, &run->dataset, &model, &has_weights);
        if (status == MB_OK) {
            status = round->fit->train.options.weights_dir != NULL
                         ? take_trained(&t, model)
                         : train_with(&t, model, has_weights);
        }
    }
    mb_model_destroy(model);
    mb_arena_clear(&arena);
    return status;
}
