// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/round_training.h"

#include "base/output.h"
#include "exchange/bundle_file.h"
#include "exchange/keras.h"
#include "files/csv.h"
#include "study/summary.h"

// Of epochs that pass too fast to be read, one a second is told; history.csv has them all.
static void tell_epoch(mb_training *t, const mb_fit_progress *progress) {
    char line[1024];
    const double now = mb_seconds_now();
    const bool is_told =
        progress->epoch == 0 || progress->epoch + 1 == progress->n_epochs || now - t->told >= 1;
    size_t used = (size_t)mb_format(line, sizeof line, "%sEpoch %zu/%zu - %.1f s - %.0f samples/s",
        t->prefix, progress->epoch + 1, progress->n_epochs, now - t->epoch_start,
        progress->rows_per_second);
    for (size_t i = 0; i < progress->n_figures && used + 80 < sizeof line; i++) {
        used += (size_t)mb_format(line + used, sizeof line - used, " - %s: %.4f",
            progress->names[i], progress->figures[i]);
    }
    if (is_told) {
        mb_journal_line(&t->run->journal, "%s", line);
        t->told = now;
    }
    t->epoch_start = now;
}

static bool is_over_graphs(const mb_training *t) {
    return t->round->fit->train.loss.ops->pairs != NULL;
}

void mb_training_show(
    mb_journal *journal, const char *what, size_t n_epochs, const mb_fit_progress *progress) {
    const mb_progress shown = {.what = what,
        .epoch = progress->epoch + 1,
        .n_epochs = n_epochs > 0 ? n_epochs : progress->n_epochs,
        .n_samples = progress->n_done,
        .n_total = progress->n_rows,
        .samples_per_second = progress->rows_per_second,
        .seconds_left = progress->eta_seconds,
        .names = progress->names,
        .figures = progress->figures,
        .n_figures = progress->n_figures};
    mb_journal_progress(journal, &shown);
}

static void on_progress(void *user, const mb_fit_progress *progress) {
    mb_training *t = user;
    mb_training_show(&t->run->journal, t->round->name, t->n_epochs, progress);
    if (progress->is_epoch_end && is_over_graphs(t)) {
        mb_graph_log_epoch(&t->run->journal, t->prefix, progress);
    } else if (progress->is_epoch_end && !t->is_in_turns) {
        tell_epoch(t, progress);
    }
}

static void on_step(void *user, const mb_fit_progress *progress) {
    mb_training *t = user;
    if (is_over_graphs(t)) {
        mb_graph_log_step(&t->graphs, &t->run->journal, t->prefix, progress,
            mb_compat_has(&t->run->study->compat, "print"));
    }
}

static mb_status on_checkpoint(void *user, mb_context *ctx, const mb_bundle *bundle) {
    const mb_training *t = user;
    return mb_bundle_save(ctx, bundle, t->checkpoint_path);
}

static mb_status on_best(void *user, mb_context *ctx, const float *parameters) {
    const mb_training *t = user;
    return mb_model_save_parameters(ctx, t->model, parameters, t->best_path);
}

static mb_status on_model(
    void *user, mb_context *ctx, const char *path, bool weights_only, const float *parameters) {
    const mb_training *t = user;
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

mb_status mb_training_begin(
    mb_training *training, mb_run *run, mb_context *ctx, const mb_round *round, mb_arena *arena) {
    *training = (mb_training){.run = run,
        .round = round,
        .ctx = ctx,
        .arena = arena,
        .prefix = round->name[0] != '\0' ? mb_arena_format(arena, ctx, "%s: ", round->name) : "",
        .best_path = mb_run_file(ctx, arena, round->directory, "model.h5"),
        .last_path = mb_run_file(ctx, arena, round->directory, "last.h5"),
        .checkpoint_path = mb_run_file(ctx, arena, round->directory, "checkpoint.h5"),
        .record_path = mb_run_file(ctx, arena, round->directory, "training.json"),
        .epoch_start = mb_seconds_now()};
    const bool is_complete = training->best_path != NULL && training->last_path != NULL &&
                             training->checkpoint_path != NULL && training->record_path != NULL &&
                             training->prefix != NULL;
    return is_complete ? MB_OK : MB_ERR_MEMORY;
}

mb_fit_request mb_training_request(mb_training *training) {
    return (mb_fit_request){.model = training->model,
        .train = &training->round->fit->train,
        .seed = training->round->seed,
        .cancel = &training->run->journal.cancel,
        .hooks = {.user = training,
            .least_seconds = 1,
            .progress = on_progress,
            .step_end = on_step,
            .save_checkpoint = on_checkpoint,
            .save_best = on_best,
            .save_model = on_model}};
}

mb_status mb_training_load(
    const mb_training *training, bool is_needed, mb_bundle *out, bool *is_there) {
    mb_bundle_init(out, training->ctx);
    *is_there =
        (is_needed || training->run->is_resumed) && mb_path_exists(training->checkpoint_path);
    return *is_there ? mb_bundle_load(training->ctx, training->checkpoint_path, out) : MB_OK;
}

// Columns of figures, which stand before the others; without validation none is of it.
static size_t count_figures(const mb_fit_result *result, bool *lacks_validation) {
    size_t n = 0;
    *lacks_validation = true;
    while (n < result->n_columns && strcmp(result->columns[n], "learning_rate") != 0) {
        *lacks_validation = *lacks_validation && strncmp(result->columns[n], "val_", 4) != 0;
        n++;
    }
    return n;
}

void mb_training_put_history(mb_buffer *table, const mb_fit_result *result) {
    bool lacks_validation;
    const size_t n_figures = count_figures(result, &lacks_validation);
    const size_t n_empty = lacks_validation ? n_figures : 0;
    mb_csv_put_text(table, true, "epoch");
    for (size_t j = 0; j < n_figures; j++) {
        mb_csv_put_text(table, false, result->columns[j]);
    }
    for (size_t j = 0; j < n_empty; j++) {
        mb_buffer_format(table, ",val_%s", result->columns[j]);
    }
    for (size_t j = n_figures; j < result->n_columns; j++) {
        mb_csv_put_text(table, false, result->columns[j]);
    }
    mb_csv_end_row(table);
    for (size_t i = 0; i < result->n_epochs; i++) {
        mb_csv_put_int64(table, true, (int64_t)i + 1);
        for (size_t j = 0; j < result->n_columns; j++) {
            for (size_t k = 0; j == n_figures && k < n_empty; k++) {
                mb_csv_put_text(table, false, "");
            }
            mb_csv_put_double(table, false, result->history[i * result->n_columns + j]);
        }
        mb_csv_end_row(table);
    }
}

mb_status mb_training_write_history(const mb_training *training, const mb_fit_result *result) {
    mb_context *ctx = training->ctx;
    mb_buffer table;
    mb_buffer_init(&table, ctx);
    mb_training_put_history(&table, result);
    char *path = mb_path_join(ctx, training->round->directory, "history.csv");
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
static mb_status hash_file(const mb_training *t, const char *path, char hash[65]) {
    mb_model *model = NULL;
    MB_TRY(mb_model_load(t->ctx, path, &model));
    mb_model_hash(model, model->parameters, hash);
    mb_model_destroy(model);
    return MB_OK;
}

void mb_training_put_epochs(mb_answer *record, const mb_fit_result *result) {
    mb_node *last_epoch = mb_answer_put_map(record, NULL, "last_epoch");
    mb_node *best_epoch = mb_answer_put_map(record, NULL, "best_epoch_figures");
    for (size_t j = 0; j < result->n_columns && result->n_epochs > 0; j++) {
        mb_answer_put_real(record, last_epoch, result->columns[j],
            result->history[(result->n_epochs - 1) * result->n_columns + j]);
        mb_answer_put_real(record, best_epoch, result->columns[j],
            result->history[result->best_epoch * result->n_columns + j]);
    }
}

// The last file of a training: a round that has it is done.
static mb_status write_record(
    const mb_training *t, const mb_fit_result *result, size_t n_train, size_t n_validation) {
    mb_answer *record = NULL;
    MB_TRY(mb_answer_create(t->ctx, &record));
    char hash[65];
    char last[65];
    mb_status status = hash_file(t, t->best_path, hash);
    status = status != MB_OK ? status : hash_file(t, t->last_path, last);
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
    mb_training_put_epochs(record, result);
    status = mb_answer_write(record, MB_OK, t->record_path);
    mb_journal_line(&t->run->journal, "%sWeights SHA-256 %s", t->prefix, hash);
    return status;
}

mb_status mb_training_save(
    const mb_training *training, const mb_fit_result *result, size_t n_train, size_t n_validation) {
    mb_context *ctx = training->ctx;
    const mb_model *model = training->model;
    MB_TRY(mb_model_save_parameters(ctx, model, result->best, training->best_path));
    MB_TRY(mb_model_save_parameters(ctx, model, result->last, training->last_path));
    MB_TRY(mb_training_write_history(training, result));
    return write_record(training, result, n_train, n_validation);
}

mb_status mb_training_first(const mb_training *training, bool has_weights, float *parameters) {
    mb_context *ctx = training->ctx;
    const mb_model *model = training->model;
    const char *initial = training->run->initial_model;
    if (initial != NULL) {
        return mb_model_load_weights(ctx, model, initial, parameters);
    }
    if (has_weights) {
        memcpy(parameters, model->parameters, model->n_parameters * sizeof *parameters);
        return MB_OK;
    }
    return mb_model_initialize(ctx, model, training->round->seed, parameters);
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

void mb_training_tell_layers(const mb_training *training) {
    mb_buffer text;
    if (training->model->n_axes > 1) {
        mb_graph_log_tree(&training->run->journal, training->model);
        return;
    }
    mb_buffer_init(&text, training->ctx);
    mb_summary_table(&text, training->model);
    tell_table(&training->run->journal, text.length > 0 ? text.data : "");
    mb_buffer_clear(&text);
}
