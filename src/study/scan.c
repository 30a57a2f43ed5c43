// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/scan.h"

#include "base/bundle.h"
#include "base/threads.h"

#include <math.h>
#include <unistd.h>

// The data of some trials, read when the first of them needs it and dropped after the last.
typedef struct shared_data {
    mb_dataset dataset;
    size_t n_left; // trials of this stretch that need it still
    bool is_loaded;
    mb_status status; // of reading
    char error[600];
} shared_data;

// One stretch of the scan: some trials, up to a rung.
typedef struct stretch {
    mb_scan_state *scan;
    size_t rung;
    size_t *trials;
    size_t n_trials;
    shared_data *data; // by group
    bool is_loading;
    pthread_mutex_t lock;
    pthread_cond_t loaded;
} stretch;

static void put_time(char *out, size_t size, double seconds) {
    const unsigned long whole = seconds > 0 && seconds < 1e9 ? (unsigned long)seconds : 0;
    if (whole >= 3600) {
        mb_format(out, size, "%lu:%02lu:%02lu", whole / 3600, whole / 60 % 60, whole % 60);
    } else {
        mb_format(out, size, "%02lu:%02lu", whole / 60, whole % 60);
    }
}

// "14/14 [01:47<00:00, 7.69s/it]"; the pace is that of this start, not of those before it.
static void tell_progress(mb_scan_state *scan) {
    pthread_mutex_lock(&scan->best_lock);
    const int64_t best = scan->best;
    pthread_mutex_unlock(&scan->best_lock);
    pthread_mutex_lock(&scan->lock);
    const size_t done = ++scan->n_finished;
    pthread_mutex_unlock(&scan->lock);
    const double seconds = mb_seconds_now() - scan->start_seconds;
    const double each = seconds / (double)mb_max_size(1, done - scan->n_before);
    char spent[32];
    char left[32];
    char told[120] = "";
    put_time(spent, sizeof spent, seconds);
    put_time(left, sizeof left, each * (double)(scan->n_trials - done));
    if (best != MB_SCAN_NO_TRIAL) {
        mb_format(told, sizeof told, " best %.40s %.4f (trial %lld)", scan->options.sort,
            scan->trials[best].figure[scan->sort], (long long)best);
    }
    mb_journal_line(&scan->journal, "%zu/%zu [%s<%s, %.2fs/it]%s", done, scan->n_trials, spent,
        left, each, told);
}

static mb_status load(const stretch *s, mb_context *ctx, size_t trial, mb_dataset *dataset) {
    mb_scan_state *scan = s->scan;
    mb_study *study = NULL;
    mb_buffer report;
    mb_buffer_init(&report, ctx);
    mb_status status = mb_scan_open_trial(scan, ctx, &scan->trials[trial], &study);
    // A source may fit scales on the training rows.
    if (status == MB_OK) {
        status = mb_scan_validation(scan, ctx, study, &study->validation);
    }
    if (status == MB_OK) {
        const mb_source_request request = {.wants_label = true, .for_models = true};
        status = mb_study_load(ctx, study, &request, dataset, &report);
        mb_journal_log(&scan->journal, report.length > 0 ? report.data : "");
    }
    mb_buffer_clear(&report);
    mb_study_destroy(study);
    return status;
}

// Whoever comes first reads, the others wait: also those for other data, which may be about to
// simulate the same files. The error of reading is told to each of them.
static mb_status acquire(stretch *s, mb_context *ctx, size_t trial, shared_data **out) {
    shared_data *data = &s->data[s->scan->trials[trial].group];
    *out = data;
    pthread_mutex_lock(&s->lock);
    while (!data->is_loaded && s->is_loading) {
        pthread_cond_wait(&s->loaded, &s->lock);
    }
    const bool is_mine = !data->is_loaded;
    s->is_loading = s->is_loading || is_mine;
    pthread_mutex_unlock(&s->lock);
    if (is_mine) {
        mb_dataset_init(&data->dataset, ctx);
        data->status = load(s, ctx, trial, &data->dataset);
        mb_format(data->error, sizeof data->error, "%.590s",
            data->status != MB_OK ? mb_context_error_text(ctx) : "");
        pthread_mutex_lock(&s->lock);
        data->is_loaded = true;
        s->is_loading = false;
        pthread_cond_broadcast(&s->loaded);
        pthread_mutex_unlock(&s->lock);
        return data->status;
    }
    return data->status == MB_OK ? MB_OK : mb_fail(ctx, data->status, "%s", data->error);
}

static void release(stretch *s, shared_data *data) {
    pthread_mutex_lock(&s->lock);
    const bool is_last = --data->n_left == 0;
    pthread_mutex_unlock(&s->lock);
    if (is_last) {
        mb_dataset_clear(&data->dataset);
    }
}

// Data that no trial can read is the study's mistake; what only some combinations cannot read is
// theirs.
static bool is_own_failure(const mb_scan_state *scan, mb_status status) {
    return status != MB_ERR_IO && status != MB_ERR_CANCELLED && scan->n_groups > 1;
}

static bool is_late(mb_scan_state *scan) {
    if (!(scan->time_limit > 0) || mb_seconds_now() - scan->start_seconds < scan->time_limit) {
        return false;
    }
    pthread_mutex_lock(&scan->lock);
    scan->is_out_of_time = true;
    pthread_mutex_unlock(&scan->lock);
    return true;
}

static mb_status do_trial(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)worker;
    stretch *s = user;
    mb_scan_state *scan = s->scan;
    const size_t number = s->trials[task];
    if (is_late(scan)) {
        return MB_OK;
    }
    if (atomic_load(&scan->journal.cancel)) {
        return mb_fail(ctx, MB_ERR_CANCELLED, "scan: stopped as asked; go on with --resume");
    }
    mb_study *study = NULL;
    shared_data *data = NULL;
    mb_status status = mb_scan_open_trial(scan, ctx, &scan->trials[number], &study);
    mb_study_destroy(study);
    if (status == MB_ERR_FORMAT) {
        status = mb_scan_fail_trial(scan, ctx, number);
    } else if (status == MB_OK) {
        status = acquire(s, ctx, number, &data);
        if (status == MB_OK) {
            status = mb_scan_run_trial(scan, ctx, number, &data->dataset, s->rung);
        } else if (is_own_failure(scan, status)) {
            status = mb_scan_fail_trial(scan, ctx, number);
        }
        release(s, data);
    }
    if (status == MB_OK && scan->trials[number].state != MB_TRIAL_OPEN) {
        tell_progress(scan);
    }
    return status;
}

// What decides a trial's data: its data: and the seed. A detector may look at the sets of rows; of
// arrays they only choose among the events.
// A combination that is no study fails as a trial, when its turn comes.
static mb_status make_data_key(mb_scan_state *scan, mb_trial *trial) {
    mb_study *study = NULL;
    mb_status status = mb_scan_open_trial(scan, scan->ctx, trial, &study);
    if (status == MB_ERR_FORMAT) {
        mb_context_clear(scan->ctx);
        return MB_OK;
    }
    if (status != MB_OK) {
        return status;
    }
    trial->n_planned = mb_scan_fit(scan, study)->train.options.epochs;
    mb_buffer text;
    mb_buffer_init(&text, scan->ctx);
    mb_part part = {0};
    if (study->detector == NULL) {
        mb_node_remove(study->source_data, "split");
        mb_node_remove(study->source_data, "rows");
    } else {
        status = mb_scan_validation(scan, scan->ctx, study, &part);
    }
    mb_node_write_json(&text, study->source_data, -1);
    mb_buffer_format(
        &text, "%llu %g %d", (unsigned long long)study->seed, part.fraction, part.take);
    mb_sha256 sha;
    mb_sha256_init(&sha);
    mb_sha256_update(&sha, text.data != NULL ? text.data : "", text.length);
    mb_sha256_hex(&sha, trial->data_key);
    status = status != MB_OK ? status : text.status;
    mb_buffer_clear(&text);
    mb_study_destroy(study);
    return status;
}

static mb_status group_trials(mb_scan_state *scan) {
    for (size_t i = 0; i < scan->n_trials; i++) {
        mb_trial *trial = &scan->trials[i];
        MB_TRY(make_data_key(scan, trial));
        size_t first = 0;
        while (strcmp(scan->trials[first].data_key, trial->data_key) != 0) {
            first++;
        }
        trial->group = first < i ? scan->trials[first].group : scan->n_groups++;
    }
    return MB_OK;
}

// Trials with the same data follow each other, so that few sets are in memory at a time.
static void list_stretch(const mb_scan_state *scan, stretch *s) {
    for (size_t g = 0; g < scan->n_groups; g++) {
        for (size_t i = 0; i < scan->n_trials; i++) {
            const mb_trial *trial = &scan->trials[i];
            if (trial->group == g && trial->state == MB_TRIAL_OPEN && trial->n_rungs <= s->rung) {
                s->trials[s->n_trials++] = i;
                s->data[g].n_left++;
            }
        }
    }
}

static mb_status run_stretch(mb_scan_state *scan, size_t rung, size_t workers) {
    stretch s = {.scan = scan, .rung = rung};
    s.trials = mb_allocate(scan->ctx, scan->n_trials, sizeof *s.trials);
    s.data = mb_allocate_zeroed(scan->ctx, scan->n_groups, sizeof *s.data);
    mb_status status = s.trials == NULL || s.data == NULL ? MB_ERR_MEMORY : MB_OK;
    const bool has_lock = status == MB_OK && pthread_mutex_init(&s.lock, NULL) == 0;
    const bool has_signal = has_lock && pthread_cond_init(&s.loaded, NULL) == 0;
    if (status == MB_OK && !has_signal) {
        status = mb_fail(scan->ctx, MB_ERR_MEMORY, "scan: no lock to be had; free some memory");
    }
    shared_data *only = NULL;
    if (status == MB_OK) {
        list_stretch(scan, &s);
        // All threads read what all trials share.
        if (s.n_trials > 0 && scan->n_groups == 1) {
            status = acquire(&s, scan->ctx, s.trials[0], &only);
        }
    }
    if (status == MB_OK && s.n_trials > 0) {
        const size_t n_workers = mb_min_size(mb_max_size(workers, 1), 4096);
        status = mb_parallel_at_most(scan->ctx, (unsigned)n_workers, s.n_trials, do_trial, &s);
    }
    for (size_t g = 0; g < scan->n_groups && s.data != NULL; g++) {
        mb_dataset_clear(&s.data[g].dataset);
    }
    if (has_signal) {
        pthread_cond_destroy(&s.loaded);
    }
    if (has_lock) {
        pthread_mutex_destroy(&s.lock);
    }
    mb_release(scan->ctx, s.trials);
    mb_release(scan->ctx, s.data);
    return status;
}

// Whether a rung can be judged: nothing is on its way to it.
static bool is_reached(const mb_scan_state *scan, size_t rung) {
    for (size_t i = 0; i < scan->n_trials; i++) {
        if (scan->trials[i].state == MB_TRIAL_OPEN && scan->trials[i].n_rungs <= rung) {
            return false;
        }
    }
    return true;
}

static mb_status run_trials(mb_scan_state *scan, size_t workers) {
    const size_t n_rungs = mb_scan_rungs(scan);
    for (size_t i = 0; i < scan->n_trials; i++) {
        scan->n_finished += scan->trials[i].state != MB_TRIAL_OPEN;
    }
    scan->n_before = scan->n_finished;
    for (size_t rung = 0; rung <= n_rungs; rung++) {
        if (!mb_scan_rung_counts(scan, rung)) {
            continue;
        }
        MB_TRY(run_stretch(scan, rung, workers));
        if (rung == n_rungs || !is_reached(scan, rung)) {
            break;
        }
        MB_TRY(mb_scan_judge(scan, rung));
    }
    return MB_OK;
}

// All that is known before the first trial begins.
static mb_status open_scan(mb_scan_state *scan, const mb_run_settings *settings) {
    MB_TRY(mb_study_open(scan->ctx, scan->study_path, scan->study_settings, &scan->study));
    MB_TRY(mb_scan_read(scan));
    MB_TRY(mb_scan_check_values(scan));
    MB_TRY(mb_run_claim(scan->ctx, scan->study, settings, &scan->arena));
    const char *log = mb_run_file(scan->ctx, &scan->arena, scan->directory, "log.txt");
    return log == NULL ? MB_ERR_MEMORY : mb_journal_open(&scan->journal, scan->ctx, log, settings);
}

static void tell_plan(mb_scan_state *scan) {
    static const char *const rules[] = {"", ", the hopeless half ends by the median rule",
        ", the weaker half ends at 1/8, 1/4 and 1/2 of the epochs"};
    mb_journal_line(&scan->journal, "%zu combinations, %zu trials of %zu training%s each%s",
        scan->n_combinations, scan->n_trials, scan->options.repeats,
        scan->options.repeats == 1 ? "" : "s", rules[scan->options.prune]);
    if (scan->n_before > 0) {
        mb_journal_line(&scan->journal, "%zu of them are done already", scan->n_before);
    }
    if (scan->time_limit > 0) {
        mb_journal_line(&scan->journal,
            "time limit %s: no trial begins later; which ones are done by then depends on the "
            "machine",
            scan->options.time_limit);
    }
}

static mb_status run_scan(mb_scan_state *scan, const mb_run_settings *settings, mb_answer *answer) {
    MB_TRY(open_scan(scan, settings));
    if (!settings->is_resumed) {
        MB_TRY(mb_scan_clear_trials(scan));
    }
    MB_TRY(mb_scan_log_open(scan, settings->is_resumed));
    MB_TRY(mb_scan_collect_best(scan));
    for (size_t i = 0; i < scan->n_trials; i++) {
        scan->n_before += scan->trials[i].state != MB_TRIAL_OPEN;
    }
    tell_plan(scan);
    MB_TRY(group_trials(scan));
    scan->start_seconds = mb_seconds_now();
    const size_t n_threads = mb_runtime_threads(mb_context_runtime(scan->ctx));
    MB_TRY(run_trials(scan, settings->n_workers > 0 ? settings->n_workers : n_threads));
    return mb_scan_conclude(scan, answer);
}

static mb_status tell_alone(mb_scan_state *scan, size_t number, mb_answer *answer) {
    const mb_trial *t = &scan->trials[number];
    static const char *const names[] = {"open", "done", "failed", "left out", "stopped"};
    mb_answer_put_int(answer, NULL, "trial", (int64_t)number);
    mb_answer_put_int(answer, NULL, "trials", (int64_t)scan->n_trials);
    mb_answer_put_text(answer, NULL, "state", names[t->state]);
    mb_answer_line(answer, "trial %zu of 0 to %zu: %s%s%s", number, scan->n_trials - 1,
        names[t->state], t->error[0] != '\0' ? ": " : "", t->error);
    for (size_t k = 0; k < scan->n_keys; k++) {
        mb_answer_line(answer, "  %-20s %s", scan->keys[k].name, scan->keys[k].texts[t->choice[k]]);
    }
    for (size_t i = 0; i < scan->n_figures && t->state == MB_TRIAL_DONE; i++) {
        mb_answer_put_real(answer, NULL, scan->figures[i], t->figure[i]);
        mb_answer_line(answer, "  %-20s %.6g", scan->figures[i], t->figure[i]);
    }
    mb_answer_line(answer, "when all trials are done, 'minbias scan --resume' puts them together");
    return MB_OK;
}

static mb_status run_alone(
    mb_scan_state *scan, const mb_run_settings *settings, size_t number, mb_answer *answer) {
    mb_run_settings joining = *settings;
    joining.is_resumed = true;
    scan->is_alone = true;
    MB_TRY(open_scan(scan, &joining));
    if (number >= scan->n_trials) {
        return mb_fail(scan->ctx, MB_ERR_ARG, "scan: there is no trial %zu; the scan has 0 to %zu",
            number, scan->n_trials - 1);
    }
    if (scan->options.prune != MB_PRUNE_NONE) {
        return mb_fail(scan->ctx, MB_ERR_ARG,
            "scan: with prune trials are judged side by side and none can run alone; set "
            "scan.prune=none, or leave out --trial");
    }
    bool is_done = false;
    MB_TRY(mb_scan_log_take(scan, number, &is_done));
    if (!is_done) {
        scan->n_groups = 1;
        stretch s = {.scan = scan, .n_trials = 1, .trials = &number};
        mb_dataset dataset;
        mb_dataset_init(&dataset, scan->ctx);
        mb_status status = load(&s, scan->ctx, number, &dataset);
        if (status == MB_OK) {
            status = mb_scan_run_trial(scan, scan->ctx, number, &dataset, 0);
        } else if (status != MB_ERR_IO && status != MB_ERR_CANCELLED) {
            status = mb_scan_fail_trial(scan, scan->ctx, number);
        }
        mb_dataset_clear(&dataset);
        MB_TRY(status);
    }
    return tell_alone(scan, number, answer);
}

typedef struct scan_call {
    const mb_run_settings *settings;
    const size_t *number; // of the only trial; NULL: all
} scan_call;

static mb_status call(mb_scan_state *scan, const scan_call *c, mb_answer *answer) {
    return c->number != NULL ? run_alone(scan, c->settings, *c->number, answer)
                             : run_scan(scan, c->settings, answer);
}

static mb_status with_scan(mb_context *ctx, const char *study_path, const mb_study_settings *study,
    const scan_call *c, mb_answer **out) {
    if (out != NULL) {
        *out = NULL;
    }
    mb_scan_state scan = {.ctx = ctx,
        .study_path = study_path,
        .study_settings = study,
        .directory = c->settings->directory,
        .best = MB_SCAN_NO_TRIAL,
        .log = -1};
    mb_answer *answer = NULL;
    MB_TRY(mb_answer_create(ctx, &answer));
    const bool has_lock = pthread_mutex_init(&scan.lock, NULL) == 0;
    const bool has_locks = has_lock && pthread_mutex_init(&scan.best_lock, NULL) == 0;
    mb_arena_init(&scan.arena, ctx);
    const mb_status status =
        has_locks ? call(&scan, c, answer)
                  : mb_fail(ctx, MB_ERR_MEMORY, "scan: no lock to be had; free some memory");
    if (scan.log >= 0) {
        close(scan.log);
    }
    mb_journal_close(&scan.journal);
    mb_study_destroy(scan.study);
    mb_arena_clear(&scan.arena);
    if (has_locks) {
        pthread_mutex_destroy(&scan.best_lock);
    }
    if (has_lock) {
        pthread_mutex_destroy(&scan.lock);
    }
    return mb_answer_finish(answer, status, out);
}

mb_status mb_scan(mb_context *ctx, const char *study_path, const mb_study_settings *study,
    const mb_run_settings *settings, mb_answer **out) {
    const scan_call c = {.settings = settings};
    return with_scan(ctx, study_path, study, &c, out);
}

mb_status mb_scan_trial(mb_context *ctx, const char *study_path, const mb_study_settings *study,
    const mb_run_settings *settings, size_t trial, mb_answer **out) {
    const scan_call c = {.settings = settings, .number = &trial};
    return with_scan(ctx, study_path, study, &c, out);
}
