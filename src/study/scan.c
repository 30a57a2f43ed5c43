// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/scan.h"

#include "base/bundle.h"
#include "base/threads.h"

#include <math.h>
#include <unistd.h>

// The trials that share their data, at work.
typedef struct shared_trials {
    mb_scan_state *scan;
    mb_dataset dataset;
    const size_t *trials;
} shared_trials;

// "14/14 [01:47<00:00, 7.69s/it]"
static void tell_progress(mb_scan_state *scan, const mb_trial *trial) {
    const double value = trial->figure[mb_scan_figure(scan, "val_loss")];
    pthread_mutex_lock(&scan->lock);
    scan->lowest = fmin(scan->lowest, value);
    const size_t done = ++scan->n_finished;
    const double seconds = mb_seconds_now() - scan->start_seconds;
    const double each = seconds / (double)done;
    const unsigned spent = (unsigned)seconds;
    const unsigned left =
        (unsigned)(each * (double)(scan->n_trials - mb_min_size(done, scan->n_trials)));
    const double best = scan->lowest;
    pthread_mutex_unlock(&scan->lock);
    mb_journal_line(&scan->journal, "%zu/%zu [%02u:%02u<%02u:%02u, %.2fs/it] lowest val_loss %.4f",
        done, scan->n_trials, spent / 60, spent % 60, left / 60, left % 60, each, best);
}

static mb_status do_trial(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)worker;
    shared_trials *shared = user;
    MB_TRY(mb_scan_run_trial(shared->scan, ctx, shared->trials[task], &shared->dataset));
    tell_progress(shared->scan, &shared->scan->trials[shared->trials[task]]);
    return MB_OK;
}

// What decides a trial's data: its data: without what only chooses among the events, and the seed.
static mb_status make_data_key(mb_scan_state *scan, mb_trial *trial) {
    mb_study *study = NULL;
    mb_status status = mb_scan_open_trial(scan, scan->ctx, trial, &study);
    if (status != MB_OK) {
        return status;
    }
    mb_buffer text;
    mb_buffer_init(&text, scan->ctx);
    mb_node_remove(study->source_data, "split");
    mb_node_remove(study->source_data, "rows");
    mb_node_write_json(&text, study->source_data, -1);
    mb_buffer_format(&text, "%llu", (unsigned long long)study->seed);
    mb_sha256 sha;
    mb_sha256_init(&sha);
    mb_sha256_update(&sha, text.data != NULL ? text.data : "", text.length);
    mb_sha256_hex(&sha, trial->data_key);
    status = text.status;
    mb_buffer_clear(&text);
    mb_study_destroy(study);
    return status;
}

static mb_status run_shared(mb_scan_state *scan, const size_t *trials, size_t n, size_t workers) {
    shared_trials shared = {.scan = scan, .trials = trials};
    mb_study *study = NULL;
    mb_buffer report;
    mb_buffer_init(&report, scan->ctx);
    mb_dataset_init(&shared.dataset, scan->ctx);
    mb_status status = mb_scan_open_trial(scan, scan->ctx, &scan->trials[trials[0]], &study);
    if (status == MB_OK) {
        const mb_source_request request = {.wants_label = true};
        mb_dataset_clear(&shared.dataset);
        status = mb_study_load(scan->ctx, study, &request, &shared.dataset, &report);
        mb_journal_log(&scan->journal, report.length > 0 ? report.data : "");
    }
    for (size_t i = 0; workers <= 1 && i < n && status == MB_OK; i++) {
        status = do_trial(&shared, scan->ctx, i, 0);
    }
    if (workers > 1 && status == MB_OK) {
        status = mb_parallel_at_most(
            scan->ctx, (unsigned)mb_min_size(workers, 4096), n, do_trial, &shared);
    }
    mb_buffer_clear(&report);
    mb_dataset_clear(&shared.dataset);
    mb_study_destroy(study);
    return status;
}

// Trials with the same data follow each other, so that one set is in memory at a time.
static mb_status run_trials(mb_scan_state *scan, size_t workers) {
    size_t *group = mb_arena_allocate(&scan->arena, scan->ctx, scan->n_trials, sizeof *group);
    bool *is_taken = mb_arena_allocate(&scan->arena, scan->ctx, scan->n_trials, sizeof *is_taken);
    if (group == NULL || is_taken == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < scan->n_trials; i++) {
        MB_TRY(make_data_key(scan, &scan->trials[i]));
        if (scan->trials[i].is_done) {
            scan->n_finished++;
            scan->lowest =
                fmin(scan->lowest, scan->trials[i].figure[mb_scan_figure(scan, "val_loss")]);
        }
    }
    for (size_t i = 0; i < scan->n_trials; i++) {
        size_t n = 0;
        for (size_t j = i; j < scan->n_trials && !is_taken[i]; j++) {
            if (strcmp(scan->trials[j].data_key, scan->trials[i].data_key) == 0 &&
                !scan->trials[j].is_done) {
                group[n++] = j;
            }
        }
        for (size_t j = 0; j < n; j++) {
            is_taken[group[j]] = true;
        }
        if (n > 0) {
            MB_TRY(run_shared(scan, group, n, workers));
        }
    }
    return MB_OK;
}

static mb_status run_scan(mb_scan_state *scan, const mb_run_settings *settings, mb_answer *answer) {
    MB_TRY(mb_study_open(scan->ctx, scan->study_path, scan->study_settings, &scan->study));
    MB_TRY(mb_scan_read(scan));
    MB_TRY(mb_run_claim(scan->ctx, scan->study, settings, &scan->arena));
    const char *log = mb_run_file(scan->ctx, &scan->arena, scan->directory, "log.txt");
    if (log == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_journal_open(&scan->journal, scan->ctx, log, settings));
    MB_TRY(mb_scan_log_open(scan, settings->is_resumed));
    mb_journal_line(&scan->journal, "%zu combinations, %zu trials of %zu trainings each",
        scan->n_combinations, scan->n_trials, scan->options.repeats);
    scan->start_seconds = mb_seconds_now();
    MB_TRY(run_trials(scan, settings->n_workers));
    return mb_scan_conclude(scan, answer);
}

mb_status mb_scan(mb_context *ctx, const char *study_path, const mb_study_settings *study,
    const mb_run_settings *settings, mb_answer **out) {
    if (out != NULL) {
        *out = NULL;
    }
    mb_scan_state scan = {.ctx = ctx,
        .study_path = study_path,
        .study_settings = study,
        .directory = settings->directory,
        .lowest = (double)NAN,
        .log = -1};
    mb_answer *answer = NULL;
    MB_TRY(mb_answer_create(ctx, &answer));
    if (pthread_mutex_init(&scan.lock, NULL) != 0) {
        mb_answer_destroy(answer);
        return mb_fail(ctx, MB_ERR_MEMORY, "scan: no lock to be had; free some memory");
    }
    mb_arena_init(&scan.arena, ctx);
    const mb_status status = run_scan(&scan, settings, answer);
    if (scan.log >= 0) {
        close(scan.log);
    }
    mb_journal_close(&scan.journal);
    mb_study_destroy(scan.study);
    mb_arena_clear(&scan.arena);
    pthread_mutex_destroy(&scan.lock);
    return mb_answer_finish(answer, status, out);
}
