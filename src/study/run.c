// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/run.h"

#include "base/output.h"
#include "base/threads.h"
#include "exchange/keras.h"
#include "files/json.h"
#include "study/alternate_run.h"
#include "study/facts.h"
#include "study/fit_study.h"
#include "study/matrix.h"
#include "study/module_run.h"
#include "study/scan_file.h"
#include "study/track_run.h"
#include "study/trained.h"

#include <math.h>
#include <stdio.h>

const char *mb_run_file(mb_context *ctx, mb_arena *arena, const char *directory, const char *name) {
    char *path = mb_path_join(ctx, directory, name);
    const char *copy = path != NULL ? mb_arena_text(arena, ctx, path) : NULL;
    mb_release(ctx, path);
    return copy;
}

const char *mb_run_study_path(mb_context *ctx, mb_arena *arena, const char *directory) {
    const char *own = mb_run_file(ctx, arena, directory, "study.yaml");
    return own == NULL || mb_path_exists(own)
               ? own
               : mb_run_file(ctx, arena, directory, "../../study.yaml");
}

mb_status mb_run_read_json(
    mb_context *ctx, const char *directory, const char *name, mb_document *out) {
    char *path = mb_path_join(ctx, directory, name);
    if (path == NULL) {
        return MB_ERR_MEMORY;
    }
    const mb_status status = mb_json_read(ctx, path, out);
    mb_release(ctx, path);
    return status;
}

mb_status mb_run_read_record(mb_context *ctx, const char *directory, mb_document *out) {
    char *path = mb_path_join(ctx, directory, "metrics.json");
    if (path == NULL) {
        return MB_ERR_MEMORY;
    }
    const bool is_evaluated = mb_path_exists(path);
    mb_release(ctx, path);
    return mb_run_read_json(ctx, directory, is_evaluated ? "metrics.json" : "training.json", out);
}

const mb_node *mb_run_training_of(const mb_node *record) {
    const mb_node *training = mb_node_find(record, "training");
    return training != NULL ? training : record;
}

mb_status mb_run_open(mb_run *run, mb_context *ctx, const mb_study *study, const char *directory,
    const char *log, const mb_run_settings *settings) {
    *run = (mb_run){.ctx = ctx, .study = study, .directory = directory};
    mb_dataset_init(&run->dataset, ctx);
    mb_arena_init(&run->arena, ctx);
    MB_TRY(mb_journal_open(&run->journal, ctx, log, settings));
    mb_buffer report;
    mb_buffer_init(&report, ctx);
    const double start = mb_seconds_now();
    mb_journal_line(&run->journal, "Reading the events of %s", study->data_directory);
    const mb_source_request request = {.wants_label = true, .for_models = true};
    mb_status status = mb_study_load(ctx, study, &request, &run->dataset, &report);
    run->load_seconds = mb_seconds_now() - start;
    status = status != MB_OK ? status : report.status;
    if (status == MB_OK) {
        mb_journal_text(&run->journal, report.length > 0 ? report.data : "");
        if (mb_study_is_simulated(ctx, study)) {
            mb_journal_line(&run->journal, "These are toy events: simulated, not measured");
        }
        mb_journal_line(
            &run->journal, "Read %zu events in %.2f s", run->dataset.n_rows, run->load_seconds);
        status = mb_run_lay_out(run);
    }
    if (status == MB_OK) {
        status = mb_matrix_check(run);
    }
    mb_buffer_clear(&report);
    return status;
}

void mb_run_clear(mb_run *run) {
    mb_matrix_clear(run->matrix);
    mb_journal_close(&run->journal);
    mb_dataset_clear(&run->dataset);
    mb_arena_clear(&run->arena);
}

static mb_status remove_file(mb_context *ctx, const char *directory, const char *name) {
    char *path = mb_path_join(ctx, directory, name);
    mb_status status = path == NULL ? MB_ERR_MEMORY : MB_OK;
    if (path != NULL && mb_path_exists(path) && remove(path) != 0) {
        status = mb_fail(ctx, MB_ERR_IO, "%s: cannot be removed; check its permissions", path);
    }
    mb_release(ctx, path);
    return status;
}

// Whether a folder holds anything that a run would replace: of another run, or of the user.
static mb_status has_begun(mb_context *ctx, const char *directory, bool *out) {
    static const char *const names[] = {"checkpoint.h5", "model.h5", "last.h5", "history.csv",
        "training.json", "metrics.json", "scores.npz", "predictions.csv", "threshold.json",
        "report.html", "plots", "fits", "trials.jsonl", "trials"};
    *out = false;
    for (size_t i = 0; i < MB_COUNT_OF(names); i++) {
        char *path = mb_path_join(ctx, directory, names[i]);
        if (path == NULL) {
            return MB_ERR_MEMORY;
        }
        *out = *out || mb_path_exists(path);
        mb_release(ctx, path);
    }
    return MB_OK;
}

// Texts of two studies that differ: the first line that does is quoted from both.
static mb_status fail_changed(mb_context *ctx, const char *path, const char *old, const char *now) {
    size_t start = 0;
    for (size_t i = 0; old[i] == now[i]; i++) {
        start = old[i] == '\n' ? i + 1 : start;
    }
    old += start;
    now += start;
    old += strspn(old, " ");
    now += strspn(now, " ");
    return mb_fail(ctx, MB_ERR_FORMAT,
        "%s: --resume needs the study as the run began, with '%.*s' where there is now '%.*s'; "
        "undo the changes or choose another folder",
        path, (int)mb_min_size(strcspn(old, "\n"), 80), old,
        (int)mb_min_size(strcspn(now, "\n"), 80), now);
}

// A study.yaml that a person wrote is no output; that of a run is kept as it is while resuming.
static mb_status check_stored(
    mb_context *ctx, const char *path, const char *text, const mb_study *study, bool is_resumed) {
    const size_t mark = strlen(mb_study_stored_mark);
    if (strncmp(text, mb_study_stored_mark, mark) != 0) {
        return mb_fail(
            ctx, MB_ERR_IO, "%s: is a study, not the record of a run; choose another folder", path);
    }
    if (!is_resumed) {
        return MB_OK;
    }
    mb_buffer now;
    mb_buffer_init(&now, ctx);
    mb_node_write_yaml(&now, study->document.root);
    mb_status status = now.status;
    if (status == MB_OK && strcmp(text + mark, now.data) != 0) {
        status = fail_changed(ctx, path, text + mark, now.data);
    }
    mb_buffer_clear(&now);
    return status;
}

// A folder is for one run: what is in it is kept unless the caller says otherwise.
mb_status mb_run_claim(
    mb_context *ctx, const mb_study *study, const mb_run_settings *settings, mb_arena *arena) {
    const char *stored = mb_run_file(ctx, arena, settings->directory, "study.yaml");
    if (stored == NULL) {
        return MB_ERR_MEMORY;
    }
    bool is_kept = false;
    MB_TRY(has_begun(ctx, settings->directory, &is_kept));
    if (!settings->is_resumed && !settings->is_forced && is_kept) {
        return mb_fail(ctx, MB_ERR_IO,
            "%s: holds a run already; choose another folder, or use --resume or --force",
            settings->directory);
    }
    if (!mb_path_exists(stored)) {
        MB_TRY(mb_make_directory(ctx, settings->directory));
        return mb_study_write(ctx, study, stored);
    }
    char *old = NULL;
    size_t n_old = 0;
    MB_TRY(mb_read_file(ctx, stored, &old, &n_old));
    mb_status status = check_stored(ctx, stored, old, study, settings->is_resumed);
    mb_release(ctx, old);
    if (status == MB_OK && !settings->is_resumed) {
        status = remove_file(ctx, settings->directory, "log.txt");
    }
    return status != MB_OK || settings->is_resumed ? status : mb_study_write(ctx, study, stored);
}

// Pictures of an earlier run that this one may not draw again.
static mb_status clear_plots(mb_context *ctx, const char *directory) {
    static const char *const suffixes[] = {".svg", ".png", ".gp", ".csv"};
    char *folder = mb_path_join(ctx, directory, "plots");
    mb_names names = {0};
    mb_status status = folder == NULL ? MB_ERR_MEMORY : MB_OK;
    if (status == MB_OK && mb_path_is_directory(folder)) {
        status = mb_names_of_directory(&names, ctx, folder);
    }
    for (size_t i = 0; i < names.n && status == MB_OK; i++) {
        const char *dot = strrchr(names.name[i], '.');
        for (size_t k = 0; dot != NULL && k < MB_COUNT_OF(suffixes) && status == MB_OK; k++) {
            if (strcmp(dot, suffixes[k]) == 0) {
                status = remove_file(ctx, folder, names.name[i]);
                break;
            }
        }
    }
    mb_names_clear(&names);
    mb_release(ctx, folder);
    return status;
}

// What an earlier run left and this one would take for its own.
mb_status mb_round_clear(mb_context *ctx, const mb_round *round) {
    static const char *const names[] = {"checkpoint.h5", "model.h5", "last.h5", "training.json",
        "metrics.json", "history.csv", "scores.npz", "predictions.csv", "threshold.json",
        "report.html"};
    for (size_t i = 0; i < MB_COUNT_OF(names); i++) {
        MB_TRY(remove_file(ctx, round->directory, names[i]));
    }
    return clear_plots(ctx, round->directory);
}

typedef struct rounds_task {
    mb_run *run;
    bool evaluates, trains;
} rounds_task;

static mb_status do_round(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)worker;
    const rounds_task *work = user;
    const mb_round *round = &work->run->rounds[task];
    if (work->trains) {
        MB_TRY(mb_make_directory(ctx, round->directory));
        if (!work->run->is_resumed) {
            MB_TRY(mb_round_clear(ctx, round));
        }
        if (round->name[0] != '\0') {
            MB_TRY(mb_fit_study_write(ctx, work->run, round));
            MB_TRY(mb_fit_study_share_log(ctx, work->run, round, !work->run->is_resumed));
        }
        MB_TRY(mb_round_train(work->run, ctx, round));
    }
    // Modules are judged all together, beside the chip's own algorithms.
    return work->evaluates && !mb_module_is_study(work->run->study)
               ? mb_round_evaluate(work->run, ctx, round)
               : MB_OK;
}

static mb_status do_rounds(mb_run *run, bool trains, bool evaluates) {
    rounds_task task = {.run = run, .trains = trains, .evaluates = evaluates};
    if (evaluates && mb_track_is_study(run->study)) {
        MB_TRY(mb_track_check_weights(run->ctx, run->study, &run->dataset));
    }
    if (trains) {
        MB_TRY(mb_facts_write(run->ctx, &run->dataset.facts, run->directory));
    }
    size_t jobs = 1;
    for (size_t i = 0; i < run->study->n_fits; i++) {
        const size_t asked = run->study->fits[i].train.options.jobs;
        jobs =
            mb_max_size(jobs, asked > 0 ? asked : mb_runtime_threads(mb_context_runtime(run->ctx)));
    }
    // One at a time keeps all threads inside the training.
    if (jobs == 1 || run->n_rounds == 1) {
        for (size_t i = 0; i < run->n_rounds; i++) {
            MB_TRY(do_round(&task, run->ctx, i, 0));
        }
        return MB_OK;
    }
    return mb_parallel_at_most(
        run->ctx, (unsigned)mb_min_size(jobs, 4096), run->n_rounds, do_round, &task);
}

static mb_status do_all(mb_run *run, bool trains, bool evaluates) {
    const bool is_module = mb_module_is_study(run->study);
    if (is_module && trains) {
        MB_TRY(mb_module_begin(run));
    }
    if (is_module && trains && run->study->n_emd_nets > 0) {
        MB_TRY(mb_facts_write(run->ctx, &run->dataset.facts, run->directory));
        MB_TRY(mb_module_train_in_order(run));
    } else {
        MB_TRY(do_rounds(run, trains, evaluates));
    }
    return is_module && evaluates ? mb_module_evaluate(run) : MB_OK;
}

static mb_status do_alternate(mb_run *run, bool trains, bool evaluates) {
    if (run->study->alternate == NULL) {
        return MB_OK;
    }
    if (trains) {
        MB_TRY(mb_alternate_train(run));
    }
    return evaluates ? mb_alternate_evaluate(run) : MB_OK;
}

static mb_status do_work(mb_run *run, bool trains, bool evaluates) {
    MB_TRY(do_all(run, trains, evaluates));
    MB_TRY(do_alternate(run, trains, evaluates));
    return evaluates && run->study->evaluate.on.n > 0 ? mb_matrix_make(run, &run->matrix) : MB_OK;
}

// Of work that failed nobody gets an answer.
static mb_status give_answer(mb_status status, mb_answer **out) {
    if (status != MB_OK && out != NULL) {
        mb_answer_destroy(*out);
        *out = NULL;
    }
    return status;
}

// A run that ends before it began leaves nothing to --force.
static void drop_empty_run(mb_context *ctx, const char *directory) {
    static const char *const names[] = {"study.yaml", "log.txt", "facts.npz"};
    for (size_t i = 0; i < MB_COUNT_OF(names); i++) {
        char *path = mb_path_join(ctx, directory, names[i]);
        if (path != NULL) {
            remove(path);
        }
        mb_release(ctx, path);
    }
    remove(directory);
}

static mb_status write_page_of_fit(mb_context *ctx, mb_arena *arena, const char *folder) {
    const char *metrics = mb_run_file(ctx, arena, folder, "metrics.json");
    const char *page = mb_run_file(ctx, arena, folder, "report.html");
    if (metrics == NULL || page == NULL) {
        return MB_ERR_MEMORY;
    }
    return mb_path_exists(metrics) ? mb_run_make_report(ctx, &folder, 1, page) : MB_OK;
}

// The report of a run and, of several fits, one of each of them.
static mb_status write_pages(
    mb_context *ctx, mb_arena *arena, const char *directory, mb_answer **out) {
    const char *page = mb_run_file(ctx, arena, directory, "report.html");
    const char *fits = mb_run_file(ctx, arena, directory, "fits");
    mb_names names = {0};
    mb_status status = page == NULL || fits == NULL ? MB_ERR_MEMORY : MB_OK;
    if (status == MB_OK && mb_path_is_directory(fits)) {
        status = mb_names_of_directory(&names, ctx, fits);
    }
    for (size_t i = 0; i < names.n && status == MB_OK; i++) {
        const char *folder = mb_run_file(ctx, arena, fits, names.name[i]);
        status = folder == NULL ? MB_ERR_MEMORY : write_page_of_fit(ctx, arena, folder);
    }
    mb_names_clear(&names);
    if (status == MB_OK) {
        status = mb_run_make_report(ctx, &directory, 1, page);
    }
    if (status == MB_OK && out != NULL) {
        mb_answer_line(*out, "  %-20s %s", "report", page);
    }
    return status;
}

mb_status mb_run_check_models(mb_context *ctx, const mb_study *study, const char *initial_model) {
    if (initial_model != NULL) {
        MB_TRY(mb_model_check_path(ctx, initial_model));
    }
    for (size_t i = 0; i < study->n_fits; i++) {
        const char *path = mb_node_text(study->fits[i].model);
        if (path != NULL) {
            MB_TRY(mb_model_check_path(ctx, path));
        }
    }
    return MB_OK;
}

mb_status mb_study_run(
    mb_context *ctx, const mb_study *study, const mb_run_settings *settings, mb_answer **out) {
    if (out != NULL) {
        *out = NULL;
    }
    MB_TRY(mb_run_check_models(ctx, study, settings->initial_model));
    mb_arena arena;
    mb_arena_init(&arena, ctx);
    mb_run run = {0};
    const bool is_new = !mb_path_exists(settings->directory);
    mb_status status = mb_run_claim(ctx, study, settings, &arena);
    const char *log = mb_run_file(ctx, &arena, settings->directory, "log.txt");
    if (status == MB_OK && log == NULL) {
        status = MB_ERR_MEMORY;
    }
    if (status == MB_OK) {
        status = mb_run_open(&run, ctx, study, settings->directory, log, settings);
        run.is_resumed = settings->is_resumed;
        run.initial_model = settings->initial_model;
    }
    if (status == MB_OK && study->alternate != NULL) {
        status = mb_alternate_check(&run);
    }
    if (status == MB_OK) {
        status = do_work(&run, true, !settings->is_training_only);
    }
    bool is_kept = true;
    if (status != MB_OK && is_new && has_begun(ctx, settings->directory, &is_kept) == MB_OK &&
        !is_kept) {
        drop_empty_run(ctx, settings->directory);
    }
    if (status == MB_OK) {
        status = mb_run_conclude(&run, out);
    }
    if (status == MB_OK && !settings->is_training_only) {
        status = write_pages(ctx, &arena, settings->directory, out);
    }
    if (status != MB_OK && run.journal.is_open) {
        mb_journal_log(&run.journal, mb_context_error_text(ctx));
        mb_journal_log(&run.journal, "\n");
    }
    mb_run_clear(&run);
    mb_arena_clear(&arena);
    return give_answer(status, out);
}

// Toy events may be simulated anew for a network that was trained on such. In place of data that is
// no longer there they would pass for it.
static mb_status forbid_toy_events(
    mb_context *ctx, mb_arena *arena, mb_study *study, const char *directory) {
    if (study->simulate == NULL) {
        return MB_OK;
    }
    const char *folder = directory;
    if (mb_alternate_is_alone(study)) {
        folder = mb_alternate_directory(ctx, arena, directory, study->alternate->teacher);
    } else if (!mb_run_is_single(study) && study->n_fits > 0) {
        const char *name = mb_round_name(ctx, arena, &study->fits[0], 0);
        folder = name != NULL ? mb_alternate_directory(ctx, arena, directory, name) : NULL;
    }
    const char *path = folder == NULL ? NULL : mb_run_file(ctx, arena, folder, "training.json");
    if (path == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_document record = {0};
    const mb_status status =
        mb_path_exists(path) ? mb_run_read_json(ctx, folder, "training.json", &record) : MB_OK;
    const mb_node *simulated = mb_node_find(record.root, "simulated");
    if (simulated != NULL && simulated->kind == MB_NODE_BOOL && !simulated->boolean) {
        study->simulate = NULL;
    }
    mb_document_clear(&record);
    return status;
}

mb_status mb_run_scan_bits(
    mb_context *ctx, const char *directory, const mb_run_settings *settings, mb_answer **out) {
    if (out != NULL) {
        *out = NULL;
    }
    MB_TRY(mb_fit_study_refuse_part(ctx, directory));
    mb_arena arena;
    mb_arena_init(&arena, ctx);
    mb_study *study = NULL;
    mb_run run = {0};
    const char *stored = mb_run_file(ctx, &arena, directory, "study.yaml");
    const char *log = mb_run_file(ctx, &arena, directory, "log.txt");
    mb_status status = stored == NULL || log == NULL ? MB_ERR_MEMORY : MB_OK;
    if (status == MB_OK) {
        status = mb_study_open(ctx, stored, NULL, &study);
    }
    if (status == MB_OK && !mb_module_is_study(study)) {
        status = mb_fail(ctx, MB_ERR_UNSUPPORTED,
            "%s: bits are scanned of runs on modules of the concentrator; 'minbias calo "
            "precision-tuner' does it for networks on regions, 'minbias scan STUDY' trains",
            directory);
    }
    if (status == MB_OK) {
        status = forbid_toy_events(ctx, &arena, study, directory);
    }
    if (status == MB_OK) {
        status = mb_run_open(&run, ctx, study, directory, log, settings);
    }
    if (status == MB_OK) {
        status = mb_module_scan_run(&run, settings->directory, settings->is_forced, out);
    }
    mb_run_clear(&run);
    mb_study_destroy(study);
    mb_arena_clear(&arena);
    return status;
}

static mb_status find_study_of_run(
    mb_context *ctx, mb_arena *arena, const char *directory, const char **out) {
    *out = mb_run_file(ctx, arena, directory, "study.yaml");
    if (*out == NULL) {
        return MB_ERR_MEMORY;
    }
    if (!mb_path_exists(*out)) {
        return mb_fail(ctx, MB_ERR_IO,
            "%s: is not the folder of a run (no study.yaml); name one that 'minbias run' made",
            directory);
    }
    if (mb_scan_is_report_of(directory)) {
        return mb_fail(ctx, MB_ERR_IO,
            "%s: is a scan; name best/ in it, or run 'minbias report %s'", directory, directory);
    }
    return MB_OK;
}

mb_status mb_run_evaluate(
    mb_context *ctx, const char *directory, const mb_run_settings *settings, mb_answer **out) {
    if (out != NULL) {
        *out = NULL;
    }
    MB_TRY(mb_fit_study_refuse_part(ctx, directory));
    mb_arena arena;
    mb_arena_init(&arena, ctx);
    mb_study *study = NULL;
    mb_run run = {0};
    const char *stored = NULL;
    const char *log = mb_run_file(ctx, &arena, directory, "log.txt");
    mb_status status =
        log == NULL ? MB_ERR_MEMORY : find_study_of_run(ctx, &arena, directory, &stored);
    if (status == MB_OK) {
        status = mb_study_open(ctx, stored, NULL, &study);
    }
    if (status == MB_OK) {
        status = forbid_toy_events(ctx, &arena, study, directory);
    }
    if (status == MB_OK) {
        status = mb_run_open(&run, ctx, study, directory, log, settings);
    }
    for (size_t i = 0; i < run.n_rounds && status == MB_OK; i++) {
        status = mb_trained_check(ctx, run.rounds[i].directory);
    }
    if (status == MB_OK) {
        status = do_work(&run, false, true);
    }
    if (status == MB_OK) {
        status = mb_run_conclude(&run, out);
    }
    // A report that is there already would show the figures before these.
    const char *page = mb_run_file(ctx, &arena, directory, "report.html");
    if (status == MB_OK && page != NULL && mb_path_exists(page)) {
        status = write_pages(ctx, &arena, directory, out);
    }
    mb_run_clear(&run);
    mb_study_destroy(study);
    mb_arena_clear(&arena);
    return give_answer(status, out);
}
