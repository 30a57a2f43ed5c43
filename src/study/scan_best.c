// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/scan.h"

#include "base/output.h"
#include "exchange/keras.h"
#include "study/facts.h"
#include "study/round_training.h"

#include <math.h>
#include <stdio.h>

// The models of a scan: best/ is a folder that evaluate, predict and summary take as they take a
// run's. A model is written before its trial's last line in the log: what is in best/ is never
// worse than what the log knows.

static const char *const model_files[] = {
    "model.h5", "last.h5", "history.csv", "study.yaml", "training.json"};
// Of a trial that was the best before, if there are any.
static const char *const other_files[] = {
    "facts.npz", "metrics.json", "scores.npz", "predictions.csv", "threshold.json", "report.html"};

static bool is_ranked(const mb_scan_state *scan, const mb_trial *trial) {
    return trial->state == MB_TRIAL_DONE && isfinite(trial->figure[scan->sort]);
}

// Trained to the end; then stopped on the way; then without a figure; then failed.
static int class_of(const mb_scan_state *scan, const mb_trial *trial) {
    if (is_ranked(scan, trial)) {
        return 0;
    }
    if (trial->state == MB_TRIAL_STOPPED && isfinite(trial->figure[scan->sort])) {
        return 1;
    }
    return trial->state == MB_TRIAL_DONE || trial->state == MB_TRIAL_STOPPED ? 2 : 3;
}

mb_scan_rank mb_scan_rank_of(const mb_scan_state *scan, size_t trial) {
    const mb_trial *t = &scan->trials[trial];
    const double figure = t->figure[scan->sort];
    const int class = class_of(scan, t);
    return (mb_scan_rank){class,
        class > 1                            ? 0
        : scan->is_better_higher[scan->sort] ? -figure
                                             : figure,
        trial};
}

// a comes before b: a figure, ties by number. Trials that did not end well come last.
static bool is_before(const mb_scan_state *scan, size_t a, size_t b) {
    const mb_scan_rank x = mb_scan_rank_of(scan, a);
    const mb_scan_rank y = mb_scan_rank_of(scan, b);
    return mb_scan_rank_compare(&x, &y) < 0;
}

bool mb_scan_is_kept(mb_scan_state *scan, size_t trial) {
    if (scan->is_alone || scan->options.keep == MB_KEEP_ALL) {
        return true;
    }
    pthread_mutex_lock(&scan->best_lock);
    const bool is_best =
        scan->best == MB_SCAN_NO_TRIAL || is_before(scan, trial, (size_t)scan->best);
    pthread_mutex_unlock(&scan->best_lock);
    return is_best;
}

const char *mb_scan_trial_file(
    const mb_scan_state *scan, mb_context *ctx, mb_arena *arena, size_t trial, const char *name) {
    return mb_arena_format(
        arena, ctx, "%s/trials/%zu%s%s", scan->directory, trial, name[0] != '\0' ? "/" : "", name);
}

// Of several fits the one that was scanned.
static mb_status keep_fit(const mb_scan_state *scan, mb_context *ctx, mb_study *study) {
    mb_document *document = &study->document;
    const mb_node *fits = mb_node_find(document->root, "fits");
    const char *name = mb_scan_fit(scan, study)->name;
    if (fits == NULL || fits->n_children < 2) {
        return MB_OK;
    }
    const mb_node *own = fits->first;
    for (const mb_node *fit = fits->first; fit != NULL; fit = fit->next) {
        const char *other = mb_node_text(mb_node_find(fit, "name"));
        own = other != NULL && strcmp(other, name) == 0 ? fit : own;
    }
    mb_node *list = mb_node_make(document, ctx, MB_NODE_LIST);
    mb_node *copy = mb_node_copy(document, ctx, own);
    if (list == NULL || copy == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_node_append(list, copy);
    return mb_node_set(document, ctx, document->root, "fits", list);
}

static mb_status change_train(
    const mb_scan_state *scan, mb_context *ctx, mb_study *study, mb_node *train) {
    mb_part part;
    if (train == NULL) {
        return MB_OK;
    }
    mb_node_remove(train, "repeats");
    mb_node_remove(train, "folds");
    if (scan->options.validation == NULL) {
        return MB_OK;
    }
    MB_TRY(mb_scan_validation(scan, ctx, study, &part));
    mb_node *node = mb_part_to_node(ctx, &study->document, &part);
    return node == NULL ? MB_ERR_MEMORY
                        : mb_node_set(&study->document, ctx, train, "validation", node);
}

// What makes one training of the trial: its fit and validation part, no repeats and no scan.
static mb_status make_study(const mb_scan_state *scan, mb_context *ctx, mb_study *study) {
    mb_node *root = study->document.root;
    mb_node_remove(root, "scan");
    MB_TRY(keep_fit(scan, ctx, study));
    MB_TRY(change_train(scan, ctx, study, mb_node_find(root, "train")));
    const mb_node *fits = mb_node_find(root, "fits");
    return fits == NULL ? MB_OK
                        : change_train(scan, ctx, study, mb_node_find(fits->first, "train"));
}

static mb_status write_record(const mb_scan_state *scan, mb_context *ctx, size_t trial,
    const mb_scan_model *model, const char *path) {
    const mb_fit_result *result = model->result;
    char best[65];
    char last[65];
    mb_model_hash(model->model, result->best, best);
    mb_model_hash(model->model, result->last, last);
    mb_answer *record = NULL;
    MB_TRY(mb_answer_create(ctx, &record));
    mb_answer_put_int(record, NULL, "trial", (int64_t)trial);
    mb_answer_put_text(record, NULL, "weights_sha256", best);
    mb_answer_put_text(record, NULL, "last_weights_sha256", last);
    mb_answer_put_int(record, NULL, "seed", (int64_t)model->seed);
    mb_answer_put_bool(record, NULL, "simulated", mb_study_is_simulated(ctx, model->study));
    mb_answer_put_int(record, NULL, "parameters", (int64_t)model->model->n_parameters);
    mb_answer_put_int(record, NULL, "n_train", (int64_t)model->n_train);
    mb_answer_put_int(record, NULL, "n_validation", (int64_t)model->n_validation);
    mb_answer_put_int(record, NULL, "epochs", (int64_t)result->n_epochs);
    mb_answer_put_int(record, NULL, "best_epoch", (int64_t)result->best_epoch + 1);
    mb_answer_put_text(record, NULL, "monitor", result->monitor);
    mb_answer_put_bool(record, NULL, "stopped_early", result->stopped_early);
    mb_answer_put_real(record, NULL, "seconds", result->seconds);
    mb_node *map = mb_answer_put_map(record, NULL, "params");
    for (size_t k = 0; k < scan->n_keys && map != NULL; k++) {
        mb_answer_put_copy(record, map, scan->keys[k].name,
            mb_node_at(scan->keys[k].values, scan->trials[trial].choice[k]));
    }
    mb_training_put_epochs(record, result);
    return mb_answer_write(record, MB_OK, path);
}

static mb_status remove_path(mb_context *ctx, const char *path) {
    return remove(path) == 0
               ? MB_OK
               : mb_fail(ctx, MB_ERR_IO, "%s: cannot be removed; check its permissions", path);
}

static mb_status remove_others(mb_context *ctx, const char *folder) {
    mb_status status = MB_OK;
    for (size_t i = 0; i < MB_COUNT_OF(other_files) && status == MB_OK; i++) {
        char *path = mb_path_join(ctx, folder, other_files[i]);
        status = path == NULL           ? MB_ERR_MEMORY
                 : mb_path_exists(path) ? remove_path(ctx, path)
                                        : MB_OK;
        mb_release(ctx, path);
    }
    return status;
}

static mb_status save_into(mb_scan_state *scan, mb_context *ctx, size_t trial,
    const mb_scan_model *model, const char *folder) {
    mb_arena arena;
    mb_arena_init(&arena, ctx);
    const char *paths[MB_COUNT_OF(model_files)];
    mb_status status = mb_make_directory(ctx, folder);
    for (size_t i = 0; i < MB_COUNT_OF(model_files) && status == MB_OK; i++) {
        paths[i] = mb_run_file(ctx, &arena, folder, model_files[i]);
        status = paths[i] == NULL ? MB_ERR_MEMORY : MB_OK;
    }
    if (status == MB_OK) {
        status = remove_others(ctx, folder);
    }
    if (status == MB_OK) {
        status = mb_facts_write(ctx, &model->dataset->facts, folder);
    }
    if (status == MB_OK) {
        status = mb_model_save_parameters(ctx, model->model, model->result->best, paths[0]);
    }
    if (status == MB_OK) {
        status = mb_model_save_parameters(ctx, model->model, model->result->last, paths[1]);
    }
    if (status == MB_OK) {
        const mb_round round = {.name = "", .directory = folder};
        const mb_training training = {.round = &round, .ctx = ctx};
        status = mb_training_write_history(&training, model->result);
    }
    if (status == MB_OK) {
        status = mb_study_write(ctx, model->study, paths[3]);
    }
    if (status == MB_OK) {
        status = write_record(scan, ctx, trial, model, paths[4]);
    }
    mb_arena_clear(&arena);
    return status;
}

// The lock is held while the folder is written, so that of two good trials the better stays.
static mb_status save_best(
    mb_scan_state *scan, mb_context *ctx, size_t trial, const mb_scan_model *model) {
    char *folder = mb_path_join(ctx, scan->directory, "best");
    mb_status status = folder == NULL ? MB_ERR_MEMORY : MB_OK;
    pthread_mutex_lock(&scan->best_lock);
    if (status == MB_OK &&
        (scan->best == MB_SCAN_NO_TRIAL || is_before(scan, trial, (size_t)scan->best))) {
        status = save_into(scan, ctx, trial, model, folder);
        scan->best = status == MB_OK ? (int64_t)trial : scan->best;
    }
    pthread_mutex_unlock(&scan->best_lock);
    mb_release(ctx, folder);
    return status;
}

mb_status mb_scan_save_model(
    mb_scan_state *scan, mb_context *ctx, size_t trial, mb_scan_model *model) {
    MB_TRY(make_study(scan, ctx, model->study));
    if (scan->is_alone || scan->options.keep == MB_KEEP_ALL) {
        mb_arena arena;
        mb_arena_init(&arena, ctx);
        const char *folder = mb_scan_trial_file(scan, ctx, &arena, trial, "");
        const mb_status status =
            folder == NULL ? MB_ERR_MEMORY : save_into(scan, ctx, trial, model, folder);
        mb_arena_clear(&arena);
        MB_TRY(status);
    }
    return scan->is_alone || !is_ranked(scan, &scan->trials[trial])
               ? MB_OK
               : save_best(scan, ctx, trial, model);
}

static mb_status copy_file(mb_context *ctx, const char *from, const char *to) {
    char *bytes = NULL;
    size_t length = 0;
    MB_TRY(mb_read_file(ctx, from, &bytes, &length));
    const mb_status status = mb_write_file(ctx, to, bytes, length);
    mb_release(ctx, bytes);
    return status;
}

mb_status mb_scan_collect_best(mb_scan_state *scan) {
    int64_t best = MB_SCAN_NO_TRIAL;
    for (size_t i = 0; i < scan->n_trials; i++) {
        if (is_ranked(scan, &scan->trials[i]) &&
            (best == MB_SCAN_NO_TRIAL || is_before(scan, i, (size_t)best))) {
            best = (int64_t)i;
        }
    }
    scan->best = best;
    if (best == MB_SCAN_NO_TRIAL) {
        return MB_OK;
    }
    mb_context *ctx = scan->ctx;
    const char *folder = mb_run_file(ctx, &scan->arena, scan->directory, "best");
    const char *record = mb_scan_trial_file(scan, ctx, &scan->arena, (size_t)best, "training.json");
    if (folder == NULL || record == NULL) {
        return MB_ERR_MEMORY;
    }
    if (!mb_path_exists(record)) {
        return MB_OK;
    }
    MB_TRY(mb_make_directory(ctx, folder));
    MB_TRY(remove_others(ctx, folder));
    const char *facts = mb_scan_trial_file(scan, ctx, &scan->arena, (size_t)best, "facts.npz");
    const char *own_facts = mb_run_file(ctx, &scan->arena, folder, "facts.npz");
    if (facts == NULL || own_facts == NULL) {
        return MB_ERR_MEMORY;
    }
    if (mb_path_exists(facts)) {
        MB_TRY(copy_file(ctx, facts, own_facts));
    }
    for (size_t i = 0; i < MB_COUNT_OF(model_files); i++) {
        const char *from =
            mb_scan_trial_file(scan, ctx, &scan->arena, (size_t)best, model_files[i]);
        const char *to = mb_run_file(ctx, &scan->arena, folder, model_files[i]);
        if (from == NULL || to == NULL) {
            return MB_ERR_MEMORY;
        }
        MB_TRY(copy_file(ctx, from, to));
    }
    return MB_OK;
}

// Files of a folder in whose names part occurs; the folder too once it is empty.
static mb_status remove_files(mb_context *ctx, const char *folder, const char *part) {
    if (!mb_path_is_directory(folder)) {
        return MB_OK;
    }
    mb_names names;
    mb_status status = mb_names_of_directory(&names, ctx, folder);
    size_t n_left = names.n;
    for (size_t i = 0; i < names.n && status == MB_OK; i++) {
        if (strstr(names.name[i], part) == NULL) {
            continue;
        }
        char *path = mb_path_join(ctx, folder, names.name[i]);
        status = path == NULL                 ? MB_ERR_MEMORY
                 : mb_path_is_directory(path) ? remove_files(ctx, path, "")
                                              : remove_path(ctx, path);
        mb_release(ctx, path);
        n_left--;
    }
    mb_names_clear(&names);
    return status == MB_OK && n_left == 0 ? remove_path(ctx, folder) : status;
}

mb_status mb_scan_drop_checkpoints(mb_scan_state *scan, mb_context *ctx, size_t trial) {
    mb_arena arena;
    mb_arena_init(&arena, ctx);
    const char *folder = mb_scan_trial_file(scan, ctx, &arena, trial, "");
    const mb_status status =
        folder == NULL ? MB_ERR_MEMORY : remove_files(ctx, folder, ".checkpoint.h5");
    mb_arena_clear(&arena);
    return status;
}

mb_status mb_scan_tidy(mb_scan_state *scan) {
    const char *folder = mb_run_file(scan->ctx, &scan->arena, scan->directory, "trials");
    if (folder == NULL) {
        return MB_ERR_MEMORY;
    }
    if (!mb_path_is_directory(folder)) {
        return MB_OK;
    }
    for (size_t i = 0; i < scan->n_trials; i++) {
        if (scan->trials[i].state != MB_TRIAL_OPEN) {
            MB_TRY(mb_scan_drop_checkpoints(scan, scan->ctx, i));
        }
    }
    // No name holds that.
    return remove_files(scan->ctx, folder, "/");
}

mb_status mb_scan_clear_trials(mb_scan_state *scan) {
    static const char *const names[] = {"trials", "best"};
    for (size_t i = 0; i < MB_COUNT_OF(names); i++) {
        const char *folder = mb_run_file(scan->ctx, &scan->arena, scan->directory, names[i]);
        if (folder == NULL) {
            return MB_ERR_MEMORY;
        }
        MB_TRY(remove_files(scan->ctx, folder, ""));
    }
    return MB_OK;
}
