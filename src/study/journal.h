// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_JOURNAL_H
#define STUDY_JOURNAL_H

#include "base/base.h"
#include "minbias/study.h"

#include <pthread.h>
#include <stdatomic.h>

// Lines for people: to the caller of a run, and into its log.txt. While a journal is open the
// runtime's notices go into the log, too. Lines may come from any thread.
typedef struct mb_journal {
    mb_context *ctx;
    const mb_run_settings *settings;
    int descriptor; // of log.txt; -1: none
    struct mb_journal_share *shares;
    size_t n_shares, share_capacity;
    pthread_mutex_t lock;
    mb_notice_fn notice; // the runtime's own
    void *notice_user;
    bool is_open, is_muted; // muted: notices go nowhere
    atomic_bool cancel;     // set once the caller asks to stop
} mb_journal;

// path: log.txt, appended to; NULL: no file. settings and their members may be NULL.
mb_status mb_journal_open(mb_journal *journal, mb_context *ctx, const char *path,
    const mb_run_settings *settings) MB_MUST_CHECK;
// Safe on a zeroed journal.
void mb_journal_close(mb_journal *journal);
// Lines that begin with "NAME: " go, without that, into a log of their own, too: what one of
// several trainings says. Appended to. A name that is there already stays.
mb_status mb_journal_share(
    mb_journal *journal, mb_context *ctx, const char *name, const char *path) MB_MUST_CHECK;
void mb_journal_line(mb_journal *journal, const char *format, ...) MB_PRINTF(2, 3);
// Text of several lines.
void mb_journal_text(mb_journal *journal, const char *text);
// Into the log only.
void mb_journal_log(mb_journal *journal, const char *text);
// Hands progress on and asks whether to stop.
void mb_journal_progress(mb_journal *journal, const mb_progress *progress);

#endif
