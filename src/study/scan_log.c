// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/scan.h"

#include "base/output.h"
#include "files/json.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <unistd.h>

// trials.jsonl: a line when a trial is claimed, when it reaches a rung, and when it ends, each on
// the disk before the scan goes on. Nothing in it is ever changed.

// What a full disk left of a line is taken back: the next line must not grow together with it.
static mb_status append(mb_scan_state *scan, mb_context *ctx, const char *text, size_t length) {
    pthread_mutex_lock(&scan->lock);
    const off_t end = lseek(scan->log, 0, SEEK_END);
    bool is_good = end >= 0;
    while (length > 0 && is_good) {
        const ssize_t n = write(scan->log, text, length);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        is_good = n > 0;
        text += is_good ? n : 0;
        length -= is_good ? (size_t)n : 0;
    }
    is_good = is_good && fsync(scan->log) == 0;
    const bool is_clean = is_good || (end >= 0 && ftruncate(scan->log, end) == 0);
    pthread_mutex_unlock(&scan->lock);
    return is_good
               ? MB_OK
               : mb_fail(ctx, MB_ERR_IO,
                     "%s/trials.jsonl: cannot be written%s; make room on the disk, then go on with "
                     "--resume",
                     scan->directory, is_clean ? "" : " and its last line is cut");
}

static void put_values(const mb_scan_state *scan, mb_answer *line, const mb_trial *trial) {
    mb_node *map = mb_answer_put_map(line, NULL, "params");
    for (size_t k = 0; k < scan->n_keys && map != NULL; k++) {
        mb_answer_put_copy(
            line, map, scan->keys[k].name, mb_node_at(scan->keys[k].values, trial->choice[k]));
    }
}

// The line of a trial on its own goes into its own file: several of them may run at a time, on
// several machines.
static mb_status write_alone(
    mb_scan_state *scan, mb_context *ctx, size_t trial, const mb_buffer *text) {
    mb_arena arena;
    mb_arena_init(&arena, ctx);
    const char *folder = mb_scan_trial_file(scan, ctx, &arena, trial, "");
    const char *path = mb_scan_trial_file(scan, ctx, &arena, trial, "result.json");
    mb_status status =
        folder == NULL || path == NULL ? MB_ERR_MEMORY : mb_make_directory(ctx, folder);
    if (status == MB_OK) {
        status = mb_write_file(ctx, path, text->data, text->length);
    }
    mb_arena_clear(&arena);
    return status;
}

static mb_status write_line(mb_scan_state *scan, mb_context *ctx, size_t trial, mb_answer *line) {
    mb_answer *done = NULL;
    MB_TRY(mb_answer_finish(line, MB_OK, &done));
    mb_buffer text;
    mb_buffer_init(&text, ctx);
    mb_buffer_text(&text, mb_answer_json(done));
    mb_buffer_text(&text, "\n");
    mb_status status = text.status;
    if (status == MB_OK) {
        status = scan->is_alone ? write_alone(scan, ctx, trial, &text)
                                : append(scan, ctx, text.data, text.length);
    }
    mb_buffer_clear(&text);
    mb_answer_destroy(done);
    return status;
}

mb_status mb_scan_log_claim(mb_scan_state *scan, mb_context *ctx, size_t trial) {
    if (scan->is_alone) {
        return MB_OK;
    }
    mb_answer *line = NULL;
    MB_TRY(mb_answer_create(ctx, &line));
    mb_answer_put_int(line, NULL, "trial", (int64_t)trial);
    mb_answer_put_text(line, NULL, "state", "claimed");
    mb_answer_put_text(line, NULL, "start", scan->trials[trial].start);
    put_values(scan, line, &scan->trials[trial]);
    return write_line(scan, ctx, trial, line);
}

static void put_figures(
    const mb_scan_state *scan, mb_answer *line, const char *key, const double *figures) {
    mb_node *map = mb_answer_put_map(line, NULL, key);
    for (size_t i = 0; i < scan->n_figures && map != NULL; i++) {
        mb_answer_put_real(line, map, scan->figures[i], figures[i]);
    }
}

// Written by their place in mb_trial_state; an open trial reached a rung.
static const char *const state_names[] = {"rung", "done", "failed", "left out", "stopped"};

static void put_rung(mb_answer *line, const mb_trial *t) {
    const mb_rung_figure *reached = &t->rung[t->n_rungs - 1];
    mb_answer_put_int(line, NULL, "rung", (int64_t)t->n_rungs);
    mb_answer_put_real(line, NULL, "rung_best", reached->best);
    mb_answer_put_real(line, NULL, "rung_mean", reached->mean);
    mb_answer_put_real(line, NULL, "rung_last", reached->last);
}

mb_status mb_scan_log_put(mb_scan_state *scan, mb_context *ctx, size_t trial) {
    const mb_trial *t = &scan->trials[trial];
    mb_answer *line = NULL;
    MB_TRY(mb_answer_create(ctx, &line));
    mb_answer_put_int(line, NULL, "trial", (int64_t)trial);
    mb_answer_put_text(line, NULL, "state", state_names[t->state]);
    mb_answer_put_text(line, NULL, "start", t->start);
    mb_answer_put_text(line, NULL, "end", t->end);
    mb_answer_put_real(line, NULL, "duration", t->duration);
    mb_answer_put_int(line, NULL, "round_epochs", (int64_t)t->epochs);
    mb_answer_put_int(line, NULL, "epochs_planned", (int64_t)t->n_planned);
    mb_answer_put_int(line, NULL, "n_train", (int64_t)t->n_train);
    if (t->state == MB_TRIAL_OPEN && t->n_rungs > 0) {
        put_rung(line, t);
    }
    put_values(scan, line, t);
    put_figures(scan, line, "metrics", t->figure);
    put_figures(scan, line, "spread", t->spread);
    put_figures(scan, line, "best", t->best);
    mb_answer_put_real(line, NULL, "auc", t->auc);
    mb_answer_put_real(line, NULL, "val_auc", t->val_auc);
    if (t->error[0] != '\0') {
        mb_answer_put_text(line, NULL, "error", t->error);
    }
    return write_line(scan, ctx, trial, line);
}

static void get_text(char *out, size_t size, const mb_node *map, const char *key) {
    const char *text = mb_node_text(mb_node_find(map, key));
    mb_format(out, size, "%s", text != NULL ? text : "");
}

static void get_figures(
    const mb_scan_state *scan, const mb_node *line, const char *key, double *figures) {
    const mb_node *map = mb_node_find(line, key);
    for (size_t i = 0; i < scan->n_figures; i++) {
        figures[i] = mb_node_number(map, scan->figures[i]);
    }
}

static size_t get_count(const mb_node *line, const char *key) {
    const double value = mb_node_number(line, key);
    return value > 0 && value < 9e15 ? (size_t)value : 0;
}

static void take_rung(mb_trial *t, const mb_node *line) {
    const size_t n = get_count(line, "rung");
    if (n >= 1 && n <= MB_SCAN_MOST_RUNGS) {
        t->n_rungs = n;
        t->rung[n - 1] = (mb_rung_figure){.best = mb_node_number(line, "rung_best"),
            .mean = mb_node_number(line, "rung_mean"),
            .last = mb_node_number(line, "rung_last")};
    }
}

// One line of an earlier start: a trial that ended is not done again.
static void take_line(mb_scan_state *scan, const mb_node *line) {
    const double number = mb_node_number(line, "trial");
    const char *name = mb_node_text(mb_node_find(line, "state"));
    size_t state = 0;
    while (
        name != NULL && state < MB_COUNT_OF(state_names) && strcmp(name, state_names[state]) != 0) {
        state++;
    }
    if (!(number >= 0 && number < (double)scan->n_trials) || name == NULL ||
        state == MB_COUNT_OF(state_names)) {
        return;
    }
    mb_trial *t = &scan->trials[(size_t)number];
    t->state = (mb_trial_state)state;
    get_text(t->start, sizeof t->start, line, "start");
    get_text(t->end, sizeof t->end, line, "end");
    get_text(t->error, sizeof t->error, line, "error");
    t->duration = mb_node_number(line, "duration");
    t->epochs = get_count(line, "round_epochs");
    t->n_planned = get_count(line, "epochs_planned");
    t->n_train = get_count(line, "n_train");
    if (t->state == MB_TRIAL_OPEN) {
        take_rung(t, line);
    }
    get_figures(scan, line, "metrics", t->figure);
    get_figures(scan, line, "spread", t->spread);
    get_figures(scan, line, "best", t->best);
    t->auc = mb_node_number(line, "auc");
    t->val_auc = mb_node_number(line, "val_auc");
}

mb_status mb_scan_log_take(mb_scan_state *scan, size_t trial, bool *is_there) {
    const char *path = mb_scan_trial_file(scan, scan->ctx, &scan->arena, trial, "result.json");
    if (path == NULL) {
        return MB_ERR_MEMORY;
    }
    *is_there = mb_path_exists(path);
    if (!*is_there) {
        return MB_OK;
    }
    mb_document line = {0};
    mb_status status = mb_json_read(scan->ctx, path, &line);
    if (status == MB_OK && mb_node_number(line.root, "trial") != (double)trial) {
        status = mb_fail(scan->ctx, MB_ERR_FORMAT,
            "%s: is not the result of trial %zu; remove that folder and run the trial again", path,
            trial);
    }
    if (status == MB_OK) {
        take_line(scan, line.root);
    }
    mb_document_clear(&line);
    return status;
}

// What trials on their own left is written into the log, as if it had been done here.
static mb_status merge(mb_scan_state *scan) {
    const char *folder = mb_run_file(scan->ctx, &scan->arena, scan->directory, "trials");
    if (folder == NULL) {
        return MB_ERR_MEMORY;
    }
    const bool has_any = mb_path_is_directory(folder);
    for (size_t i = 0; i < scan->n_trials && has_any; i++) {
        bool is_there = false;
        if (scan->trials[i].state == MB_TRIAL_OPEN) {
            MB_TRY(mb_scan_log_take(scan, i, &is_there));
        }
        if (is_there) {
            MB_TRY(mb_scan_log_put(scan, scan->ctx, i));
        }
    }
    return MB_OK;
}

// A kill may have cut the last line: it is then no line yet.
static mb_status read_log(mb_scan_state *scan, const char *path, bool *is_cut) {
    char *text = NULL;
    size_t length = 0;
    MB_TRY(mb_read_file(scan->ctx, path, &text, &length));
    *is_cut = length > 0 && text[length - 1] != '\n';
    mb_status status = MB_OK;
    for (char *p = text; *p != '\0' && status == MB_OK;) {
        const size_t n = strcspn(p, "\n");
        if (p[n] == '\0') {
            break;
        }
        mb_document line = {0};
        if (n > 0) {
            status = mb_json_parse(scan->ctx, path, p, n, &line);
            if (status == MB_ERR_FORMAT) {
                // A cut line that a later start ended.
                mb_context_clear(scan->ctx);
                status = MB_OK;
            } else if (status == MB_OK) {
                take_line(scan, line.root);
            }
            mb_document_clear(&line);
        }
        p += n + 1;
    }
    mb_release(scan->ctx, text);
    return status;
}

mb_status mb_scan_log_open(mb_scan_state *scan, bool is_resumed) {
    const char *path = mb_run_file(scan->ctx, &scan->arena, scan->directory, "trials.jsonl");
    if (path == NULL) {
        return MB_ERR_MEMORY;
    }
    bool is_cut = false;
    if (is_resumed && mb_path_exists(path)) {
        MB_TRY(read_log(scan, path, &is_cut));
    }
    scan->log =
        open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (is_resumed ? 0 : O_TRUNC), 0666);
    if (scan->log < 0) {
        return mb_fail(
            scan->ctx, MB_ERR_IO, "%s: cannot be written; check the folder's permissions", path);
    }
    if (is_cut) {
        MB_TRY(append(scan, scan->ctx, "\n", 1));
    }
    return is_resumed ? merge(scan) : MB_OK;
}
