// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/journal.h"

#include "base/numbers.h"
#include "base/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

// One of several trainings. Its file is open while a line is written alone: there may be more
// trainings than a process may have files.
typedef struct mb_journal_share {
    char *name, *path;
} share;

// The log is for reading later: a full disk shows at the outputs, so a lost line is no failure.
static void write_to(int descriptor, const char *text) {
    size_t left = strlen(text);
    while (descriptor >= 0 && left > 0) {
        const ssize_t n = write(descriptor, text, left);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return;
        }
        text += n;
        left -= (size_t)n;
    }
}

static void write_log(mb_journal *journal, const char *text) {
    write_to(journal->descriptor, text);
}

static int open_log(const char *path) {
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
}

static void write_shares(const mb_journal *journal, const char *line) {
    for (size_t i = 0; i < journal->n_shares; i++) {
        const share *s = &journal->shares[i];
        const size_t length = strlen(s->name);
        if (strncmp(line, s->name, length) == 0 && strncmp(line + length, ": ", 2) == 0) {
            const int descriptor = open_log(s->path);
            write_to(descriptor, line + length + 2);
            write_to(descriptor, "\n");
            if (descriptor >= 0) {
                close(descriptor);
            }
        }
    }
}

static bool has_share(const mb_journal *journal, const char *name) {
    bool has = false;
    for (size_t i = 0; i < journal->n_shares && !has; i++) {
        has = strcmp(journal->shares[i].name, name) == 0;
    }
    return has;
}

static mb_status add_share(
    mb_journal *journal, mb_context *ctx, const char *name, const char *path) {
    if (has_share(journal, name)) {
        return MB_OK;
    }
    MB_TRY(mb_grow(ctx, &journal->shares, &journal->share_capacity, journal->n_shares + 1,
        sizeof *journal->shares));
    share *added = &journal->shares[journal->n_shares];
    *added = (share){.name = mb_copy_text(ctx, name), .path = mb_copy_text(ctx, path)};
    if (added->name == NULL || added->path == NULL) {
        mb_release(ctx, added->name);
        mb_release(ctx, added->path);
        return MB_ERR_MEMORY;
    }
    journal->n_shares++;
    return MB_OK;
}

mb_status mb_journal_share(
    mb_journal *journal, mb_context *ctx, const char *name, const char *path) {
    pthread_mutex_lock(&journal->lock);
    const mb_status status = add_share(journal, ctx, name, path);
    pthread_mutex_unlock(&journal->lock);
    return status;
}

static void tee_notice(void *user, mb_notice_level level, const char *where, const char *text) {
    mb_journal *journal = user;
    if (journal->is_muted) {
        return;
    }
    char line[1400];
    mb_format(line, sizeof line, "%s%s: %s\n", level == MB_NOTICE_WARNING ? "warning: " : "", where,
        text);
    pthread_mutex_lock(&journal->lock);
    write_log(journal, line);
    pthread_mutex_unlock(&journal->lock);
    if (journal->notice != NULL) {
        journal->notice(journal->notice_user, level, where, text);
    }
}

mb_status mb_journal_open(
    mb_journal *journal, mb_context *ctx, const char *path, const mb_run_settings *settings) {
    *journal = (mb_journal){.ctx = ctx, .settings = settings, .descriptor = -1};
    if (path != NULL) {
        journal->descriptor = open_log(path);
        if (journal->descriptor < 0) {
            return mb_fail(
                ctx, MB_ERR_IO, "%s: cannot be written; check the folder's permissions", path);
        }
    }
    if (pthread_mutex_init(&journal->lock, NULL) != 0) {
        close(journal->descriptor);
        return mb_fail(ctx, MB_ERR_MEMORY, "log: no lock to be had; free some memory");
    }
    atomic_init(&journal->cancel, false);
    mb_runtime *runtime = mb_context_runtime(ctx);
    pthread_mutex_lock(&runtime->notice_lock);
    journal->notice = runtime->notice;
    journal->notice_user = runtime->notice_user;
    runtime->notice = tee_notice;
    runtime->notice_user = journal;
    pthread_mutex_unlock(&runtime->notice_lock);
    journal->is_open = true;
    return MB_OK;
}

void mb_journal_close(mb_journal *journal) {
    if (!journal->is_open) {
        return;
    }
    mb_runtime *runtime = mb_context_runtime(journal->ctx);
    pthread_mutex_lock(&runtime->notice_lock);
    runtime->notice = journal->notice;
    runtime->notice_user = journal->notice_user;
    pthread_mutex_unlock(&runtime->notice_lock);
    pthread_mutex_destroy(&journal->lock);
    if (journal->descriptor >= 0) {
        close(journal->descriptor);
    }
    for (size_t i = 0; i < journal->n_shares; i++) {
        mb_release(journal->ctx, journal->shares[i].name);
        mb_release(journal->ctx, journal->shares[i].path);
    }
    mb_release(journal->ctx, journal->shares);
    journal->is_open = false;
}

static void put_line(mb_journal *journal, const char *line) {
    pthread_mutex_lock(&journal->lock);
    write_log(journal, line);
    write_log(journal, "\n");
    write_shares(journal, line);
    if (journal->settings != NULL && journal->settings->line != NULL) {
        journal->settings->line(journal->settings->user, line);
    }
    pthread_mutex_unlock(&journal->lock);
}

void mb_journal_line(mb_journal *journal, const char *format, ...) {
    char line[1024];
    va_list list;
    va_start(list, format);
    mb_format_list(line, sizeof line, format, list);
    va_end(list);
    put_line(journal, line);
}

void mb_journal_text(mb_journal *journal, const char *text) {
    while (*text != '\0') {
        const size_t length = strcspn(text, "\n");
        mb_journal_line(journal, "%.*s", (int)mb_min_size(length, 1000), text);
        text += length + (text[length] == '\n');
    }
}

void mb_journal_log(mb_journal *journal, const char *text) {
    pthread_mutex_lock(&journal->lock);
    write_log(journal, text);
    pthread_mutex_unlock(&journal->lock);
}

void mb_journal_progress(mb_journal *journal, const mb_progress *progress) {
    const mb_run_settings *settings = journal->settings;
    if (settings == NULL) {
        return;
    }
    pthread_mutex_lock(&journal->lock);
    if (settings->progress != NULL) {
        settings->progress(settings->user, progress);
    }
    if (settings->is_cancelled != NULL && settings->is_cancelled(settings->user)) {
        atomic_store(&journal->cancel, true);
    }
    pthread_mutex_unlock(&journal->lock);
}
