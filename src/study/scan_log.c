// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/scan.h"

#include "base/output.h"
#include "files/json.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <unistd.h>

// trials.jsonl: a line when a trial is claimed, one when it ends, each on the disk before the scan
// goes on. Nothing in it is ever changed.

static mb_status append(mb_scan_state *scan, mb_context *ctx, const char *text, size_t length) {
    pthread_mutex_lock(&scan->lock);
    bool is_good = true;
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
    pthread_mutex_unlock(&scan->lock);
    return is_good ? MB_OK
                   : mb_fail(ctx, MB_ERR_IO,
                         "%s/trials.jsonl: cannot be written; is the disk full?", scan->directory);
}

static void put_values(const mb_scan_state *scan, mb_answer *line, const mb_trial *trial) {
    mb_node *map = mb_answer_put_map(line, NULL, "params");
    for (size_t k = 0; k < scan->n_keys && map != NULL; k++) {
        mb_answer_put_copy(
            line, map, scan->keys[k].name, mb_node_at(scan->keys[k].values, trial->choice[k]));
    }
}

static mb_status write_line(mb_scan_state *scan, mb_context *ctx, mb_answer *line) {
    mb_answer *done = NULL;
    MB_TRY(mb_answer_finish(line, MB_OK, &done));
    mb_buffer text;
    mb_buffer_init(&text, ctx);
    mb_buffer_text(&text, mb_answer_json(done));
    mb_buffer_text(&text, "\n");
    const mb_status status =
        text.status != MB_OK ? text.status : append(scan, ctx, text.data, text.length);
    mb_buffer_clear(&text);
    mb_answer_destroy(done);
    return status;
}

mb_status mb_scan_log_claim(mb_scan_state *scan, mb_context *ctx, size_t trial) {
    mb_answer *line = NULL;
    MB_TRY(mb_answer_create(ctx, &line));
    mb_answer_put_int(line, NULL, "trial", (int64_t)trial);
    mb_answer_put_text(line, NULL, "state", "claimed");
    mb_answer_put_text(line, NULL, "start", scan->trials[trial].start);
    put_values(scan, line, &scan->trials[trial]);
    return write_line(scan, ctx, line);
}

static void put_figures(
    const mb_scan_state *scan, mb_answer *line, const char *key, const double *figures) {
    mb_node *map = mb_answer_put_map(line, NULL, key);
    for (size_t i = 0; i < scan->n_figures && map != NULL; i++) {
        mb_answer_put_real(line, map, scan->figures[i], figures[i]);
    }
}

mb_status mb_scan_log_end(mb_scan_state *scan, mb_context *ctx, size_t trial) {
    const mb_trial *t = &scan->trials[trial];
    mb_answer *line = NULL;
    MB_TRY(mb_answer_create(ctx, &line));
    mb_answer_put_int(line, NULL, "trial", (int64_t)trial);
    mb_answer_put_text(line, NULL, "state",
        t->is_failed     ? "failed"
        : t->is_left_out ? "left out"
                         : "done");
    mb_answer_put_text(line, NULL, "start", t->start);
    mb_answer_put_text(line, NULL, "end", t->end);
    mb_answer_put_real(line, NULL, "duration", t->duration);
    mb_answer_put_int(line, NULL, "round_epochs", (int64_t)t->epochs);
    mb_answer_put_int(line, NULL, "n_train", (int64_t)t->n_train);
    put_values(scan, line, t);
    put_figures(scan, line, "metrics", t->figure);
    put_figures(scan, line, "spread", t->spread);
    put_figures(scan, line, "best", t->best);
    mb_answer_put_real(line, NULL, "auc", t->auc);
    mb_answer_put_real(line, NULL, "val_auc", t->val_auc);
    if (t->error[0] != '\0') {
        mb_answer_put_text(line, NULL, "error", t->error);
    }
    return write_line(scan, ctx, line);
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

// One line of an earlier start: a trial that ended is not done again.
static void take_line(mb_scan_state *scan, const mb_node *line) {
    const double number = mb_node_number(line, "trial");
    const char *state = mb_node_text(mb_node_find(line, "state"));
    if (!(number >= 0 && number < (double)scan->n_trials) || state == NULL ||
        strcmp(state, "claimed") == 0) {
        return;
    }
    mb_trial *t = &scan->trials[(size_t)number];
    t->is_done = true;
    t->is_failed = strcmp(state, "failed") == 0;
    t->is_left_out = strcmp(state, "left out") == 0;
    get_text(t->start, sizeof t->start, line, "start");
    get_text(t->end, sizeof t->end, line, "end");
    get_text(t->error, sizeof t->error, line, "error");
    t->duration = mb_node_number(line, "duration");
    const double epochs = mb_node_number(line, "round_epochs");
    const double n_train = mb_node_number(line, "n_train");
    t->epochs = epochs > 0 ? (size_t)epochs : 0;
    t->n_train = n_train > 0 ? (size_t)n_train : 0;
    get_figures(scan, line, "metrics", t->figure);
    get_figures(scan, line, "spread", t->spread);
    get_figures(scan, line, "best", t->best);
    t->auc = mb_node_number(line, "auc");
    t->val_auc = mb_node_number(line, "val_auc");
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
    return is_cut ? append(scan, scan->ctx, "\n", 1) : MB_OK;
}
