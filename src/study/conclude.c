// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/output.h"
#include "measure/histogram.h"
#include "study/alternate_run.h"
#include "study/matrix.h"
#include "study/module_run.h"
#include "study/run.h"
#include "study/track_run.h"

#include <math.h>

// The end of a run: the table that a person sees, and over several rounds the means and spreads.

// What is averaged: a member of metrics.json, or of one of its maps.
static const struct {
    const char *map, *key, *shown;
} figures[] = {
    {NULL, "auc", "AUC"},
    {"test", "accuracy", "test accuracy"},
    {NULL, "test_loss", "test loss"},
    {"validation", "accuracy", "validation accuracy"},
    {"train", "accuracy", "training accuracy"},
    {"best_epoch_figures", "val_loss", "validation loss"},
    {"best_epoch_figures", "loss", "training loss"},
    {"training", "seconds", "training seconds"},
};

// metrics.json of a round, or training.json where nothing was evaluated.
static double figure_of(const mb_node *record, size_t figure) {
    const mb_node *map = record;
    if (figures[figure].map != NULL && strcmp(figures[figure].map, "training") == 0) {
        map = mb_run_training_of(record);
    } else if (figures[figure].map != NULL) {
        map = mb_node_find(record, figures[figure].map);
        map = map != NULL ? map : mb_node_find(mb_run_training_of(record), figures[figure].map);
    }
    return mb_node_number(map, figures[figure].key);
}

static void put_key(char *out, size_t size, size_t figure) {
    mb_format(out, size, "%s%s%s", figures[figure].map != NULL ? figures[figure].map : "",
        figures[figure].map != NULL ? "_" : "", figures[figure].key);
}

static void tell_round(mb_answer *answer, const mb_round *round, const mb_node *record) {
    const mb_node *training = mb_run_training_of(record);
    if (round->name[0] != '\0') {
        mb_answer_line(answer, "%s", round->name);
    }
    for (size_t i = 0; i < MB_COUNT_OF(figures); i++) {
        const double value = figure_of(record, i);
        const double error = i == 0 ? mb_node_number(record, "auc_error") : (double)NAN;
        if (isfinite(value) && isfinite(error)) {
            mb_answer_line(answer, "  %-20s %.4f +- %.4f", figures[i].shown, value, error);
        } else if (isfinite(value)) {
            mb_answer_line(answer, "  %-20s %.6g", figures[i].shown, value);
        }
    }
    const char *split = mb_node_text(mb_node_find(record, "evaluated_on"));
    if (split != NULL) {
        mb_answer_line(answer, "  %-20s %s events", "evaluated on", split);
    }
    const double epochs = mb_node_number(training, "epochs");
    const mb_node *by = mb_node_find(training, "monitor");
    const char *monitor = by != NULL && by->kind == MB_NODE_TEXT ? by->text : NULL;
    if (epochs > 0) {
        mb_answer_line(answer, "  %-20s %.0f of %.0f, %s%s", "epoch kept",
            mb_node_number(training, "best_epoch"), epochs,
            monitor != NULL ? "the best by " : "the last", monitor != NULL ? monitor : "");
    }
    const char *hash = mb_node_text(mb_node_find(training, "weights_sha256"));
    mb_answer_line(answer, "  %-20s %s", "weights SHA-256", hash != NULL ? hash : "");
    mb_track_tell(answer, record);
}

static void put_spread(
    mb_answer *answer, mb_node *map, size_t figure, const double *values, size_t n, bool is_told) {
    const mb_moments moments = mb_moments_of(mb_values_f64(values, n));
    if (moments.n == 0) {
        return;
    }
    char key[64];
    put_key(key, sizeof key, figure);
    mb_node *own = mb_answer_put_map(answer, map, key);
    mb_answer_put_real(answer, own, "mean", moments.mean);
    mb_answer_put_real(answer, own, "spread", moments.sample_deviation);
    mb_answer_put_int(answer, own, "n", (int64_t)moments.n);
    if (is_told) {
        mb_answer_line(answer, "  %-20s %.6g, spread %.2g", figures[figure].shown, moments.mean,
            moments.sample_deviation);
    }
}

// Mean and spread of the rounds of each fit.
static mb_status put_fits(
    mb_answer *answer, const mb_run *run, const mb_document *records, double *values) {
    mb_node *list = mb_answer_put_list(answer, NULL, "fits");
    for (size_t f = 0; f < run->study->n_fits; f++) {
        const mb_fit_spec *fit = &run->study->fits[f];
        mb_node *map = mb_answer_add_map(answer, list);
        mb_answer_put_text(answer, map, "name", fit->name[0] != '\0' ? fit->name : "fit");
        mb_answer_put_int(answer, map, "rounds", (int64_t)fit->n_rounds);
        const bool is_told = fit->n_rounds > 1 && run->matrix == NULL;
        if (is_told) {
            mb_answer_line(answer, "%s: mean of %zu rounds",
                fit->name[0] != '\0' ? fit->name : "fit", fit->n_rounds);
        }
        for (size_t i = 0; map != NULL && i < MB_COUNT_OF(figures); i++) {
            size_t n = 0;
            for (size_t r = 0; r < run->n_rounds; r++) {
                if (run->rounds[r].fit == fit) {
                    values[n++] = figure_of(records[r].root, i);
                }
            }
            put_spread(answer, map, i, values, n, is_told);
        }
    }
    return answer->status;
}

static mb_status conclude_several(
    mb_answer *answer, const mb_run *run, const mb_document *records) {
    mb_context *ctx = run->ctx;
    double *values = mb_allocate(ctx, run->n_rounds, sizeof *values);
    if (values == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_answer_put_int(answer, NULL, "format", 1);
    mb_answer_put_text(answer, NULL, "study", run->study->name);
    mb_status status = put_fits(answer, run, records, values);
    mb_node *rounds = mb_answer_put_list(answer, NULL, "rounds");
    for (size_t r = 0; r < run->n_rounds && status == MB_OK; r++) {
        mb_node *map = mb_answer_add_map(answer, rounds);
        if (map != NULL) {
            mb_answer_put_text(answer, map, "name", run->rounds[r].name);
            mb_answer_put_copy(answer, map, "metrics", records[r].root);
        }
    }
    mb_release(ctx, values);
    return status;
}

static mb_status write_top(mb_context *ctx, const mb_run *run, const mb_answer *answer) {
    char *path = mb_path_join(ctx, run->directory, "metrics.json");
    if (path == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_buffer json;
    mb_buffer_init(&json, ctx);
    mb_node_write_json(&json, answer->document.root, -1);
    const mb_status status = mb_write_buffer(&json, path);
    mb_release(ctx, path);
    return status;
}

mb_status mb_run_conclude(mb_run *run, mb_answer **out) {
    mb_context *ctx = run->ctx;
    mb_answer *answer = NULL;
    mb_document *records = mb_allocate_zeroed(ctx, run->n_rounds, sizeof *records);
    mb_status status = records == NULL ? MB_ERR_MEMORY : mb_answer_create(ctx, &answer);
    size_t n_read = 0;
    for (; n_read < run->n_rounds && status == MB_OK; n_read++) {
        status = mb_run_read_record(ctx, run->rounds[n_read].directory, &records[n_read]);
        // Where all trainings are judged side by side, those tables are the result.
        if (status == MB_OK && run->matrix == NULL) {
            tell_round(answer, &run->rounds[n_read], records[n_read].root);
        }
    }
    if (status == MB_OK && !mb_run_is_single(run->study)) {
        status = conclude_several(answer, run, records);
        if (status == MB_OK && run->study->alternate != NULL) {
            status = mb_alternate_tell(run, answer);
        }
        if (status == MB_OK && run->matrix != NULL) {
            mb_matrix_tell(run->matrix, answer);
        }
        if (status == MB_OK) {
            status = write_top(ctx, run, answer);
        }
    } else if (status == MB_OK) {
        const mb_node *m = records[0].root != NULL ? records[0].root->first : NULL;
        for (; m != NULL; m = m->next) {
            mb_answer_put_copy(answer, NULL, m->key, m);
        }
    }
    if (status == MB_OK && mb_module_is_study(run->study)) {
        status = mb_module_tell(run, answer);
    }
    if (status == MB_OK && mb_module_is_study(run->study)) {
        status = write_top(ctx, run, answer);
    }
    if (status == MB_OK) {
        mb_answer_put_text(answer, NULL, "directory", run->directory);
        mb_journal_log(&run->journal, mb_answer_text(answer));
    }
    for (size_t i = 0; i < n_read; i++) {
        mb_document_clear(&records[i]);
    }
    mb_release(ctx, records);
    return answer == NULL ? status : mb_answer_finish(answer, status, out);
}
