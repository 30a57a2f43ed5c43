// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/math.h"
#include "base/output.h"
#include "base/threads.h"
#include "study/alternate_run.h"
#include "study/fit_study.h"
#include "study/round_training.h"
#include "training/reconstruct.h"

#include <math.h>

// The turns. A model's state between two of its turns is its checkpoint on disk, so a run that is
// resumed goes on as one that was never stopped.

double mb_alternate_target_of(mb_alternate_target target, double error) {
    enum { STEPS = 256 };
    if (target == MB_ALTERNATE_MSE) {
        return error;
    }
    if (target == MB_ALTERNATE_LOG1P_MSE) {
        return mb_log1p(error);
    }
    if (!(error > 1.0)) {
        return 0.0;
    }
    const double most = (double)(256 * STEPS - 1) / STEPS;
    const double value = nearbyint(32.0 * mb_log(error) * STEPS) / STEPS;
    return value < most ? value : most;
}

static mb_status set_targets(mb_alternate_run *work) {
    mb_context *ctx = work->run->ctx;
    const mb_alternate_model *teacher = &work->models[0];
    MB_TRY(mb_reconstruction_errors(ctx, teacher->model, teacher->best, &work->student_events,
        work->rows, work->n_rows, work->errors));
    for (size_t i = 0; i < work->n_rows; i++) {
        const double error = (double)work->errors[i];
        if (!isfinite(error)) {
            return mb_fail(ctx, MB_ERR_NUMERIC,
                "%s: its error of event %u is not finite; lower its learning rate",
                teacher->fit.name, work->rows[i]);
        }
        work->targets[work->rows[i]] =
            (float)mb_alternate_target_of(work->alternate->target, error);
    }
    return MB_OK;
}

static void tell_turn(
    const mb_training *t, const mb_alternate_run *work, size_t turn, const mb_fit_result *result) {
    char line[1024];
    size_t used = (size_t)mb_format(line, sizeof line, "%sround %zu/%zu, epoch %zu", t->prefix,
        turn + 1, work->alternate->rounds, result->n_epochs);
    const double *last = result->history + (result->n_epochs - 1) * result->n_columns;
    // learning_rate and seconds come last.
    for (size_t i = 0; i + 2 < result->n_columns && used + 80 < sizeof line; i++) {
        used += (size_t)mb_format(
            line + used, sizeof line - used, " - %s: %.4f", result->columns[i], last[i]);
    }
    mb_journal_line(&t->run->journal, "%s - best: epoch %zu - %.1f s", line, result->best_epoch + 1,
        mb_seconds_now() - t->epoch_start);
}

// Trains a model up to the end of a turn.
static mb_status fit_turn(
    mb_alternate_run *work, mb_training *t, mb_alternate_model *m, size_t turn) {
    mb_train train = m->fit.train;
    train.options.epochs = m->turn_epochs * (turn + 1);
    mb_fit_request request = mb_training_request(t);
    request.train = &train;
    request.dataset = m->events;
    request.train_rows = m->train;
    request.n_train = m->n_train;
    request.validation_rows = m->validation;
    request.n_validation = m->n_validation;
    request.parameters = m->first;
    request.best_by = m->n_validation > 0 ? "val_loss" : "loss";
    mb_bundle checkpoint;
    mb_fit_result result = {0};
    bool is_there = false;
    mb_status status = mb_training_load(t, true, &checkpoint, &is_there);
    request.resume = is_there ? &checkpoint : NULL;
    if (status == MB_OK) {
        status = mb_fit(t->ctx, &request, &result);
    }
    if (result.n_epochs > m->n_done) {
        tell_turn(t, work, turn, &result);
        m->n_done = result.n_epochs;
    }
    if (status == MB_OK) {
        memcpy(m->best, result.best, m->model->n_parameters * sizeof *m->best);
    }
    if (status == MB_OK && turn + 1 == work->alternate->rounds) {
        status = mb_training_save(t, &result, m->n_train, m->n_validation);
    } else if (status != MB_OK && result.n_epochs > 0 &&
               mb_training_write_history(t, &result) != MB_OK) {
        mb_journal_line(&t->run->journal, "%sthe history of the epochs so far is lost", t->prefix);
    }
    mb_fit_result_clear(&result);
    mb_bundle_clear(&checkpoint);
    return status;
}

static mb_status take_turn(
    mb_alternate_run *work, mb_context *ctx, mb_alternate_model *m, size_t turn) {
    mb_arena arena;
    mb_training t;
    mb_arena_init(&arena, ctx);
    mb_status status = mb_training_begin(&t, work->run, ctx, &m->round, &arena);
    if (status == MB_OK) {
        t.model = m->model;
        t.n_epochs = m->fit.train.options.epochs;
        t.is_in_turns = true;
        status = fit_turn(work, &t, m, turn);
    }
    mb_arena_clear(&arena);
    return status;
}

typedef struct students_task {
    mb_alternate_run *work;
    size_t turn;
} students_task;

static mb_status student_task(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)worker;
    const students_task *turn = user;
    return take_turn(turn->work, ctx, &turn->work->models[1 + task], turn->turn);
}

// Where a resumed run goes on.
static mb_status count_epochs(mb_alternate_run *work, const mb_training *t, mb_alternate_model *m) {
    mb_bundle checkpoint;
    bool is_there = false;
    mb_status status = mb_training_load(t, false, &checkpoint, &is_there);
    if (status == MB_OK && is_there) {
        status = mb_fit_checkpoint_epochs(t->ctx, &checkpoint, &m->n_done);
    }
    if (status == MB_OK && m->n_done > 0) {
        mb_journal_line(&work->run->journal, "%sGoing on from %s", t->prefix, t->checkpoint_path);
    }
    mb_bundle_clear(&checkpoint);
    return status;
}

// Folder, first weights, and what is known already.
static mb_status begin_model(mb_alternate_run *work, mb_alternate_model *m) {
    mb_context *ctx = work->run->ctx;
    mb_arena arena;
    mb_training t;
    mb_arena_init(&arena, ctx);
    mb_status status = mb_make_directory(ctx, m->round.directory);
    if (status == MB_OK && !work->run->is_resumed) {
        status = mb_round_clear(ctx, &m->round);
    }
    status = status != MB_OK ? status : mb_fit_study_write(ctx, work->run, &m->round);
    if (status == MB_OK) {
        status = mb_fit_study_share_log(ctx, work->run, &m->round, !work->run->is_resumed);
    }
    status = status != MB_OK ? status : mb_training_begin(&t, work->run, ctx, &m->round, &arena);
    if (status == MB_OK) {
        t.model = m->model;
        status = mb_training_first(&t, m->is_given, m->first);
    }
    if (status == MB_OK && m->is_given) {
        mb_fit_result result = {.best = m->best, .last = m->best};
        mb_journal_line(
            &work->run->journal, "%sTaken from %s", t.prefix, mb_node_text(m->fit.model));
        status = mb_training_save(&t, &result, 0, 0);
    } else if (status == MB_OK) {
        mb_training_tell_layers(&t);
        mb_journal_line(&work->run->journal, "%sTrain on %zu samples, validate on %zu samples",
            t.prefix, m->n_train, m->n_validation);
        status = count_epochs(work, &t, m);
    }
    mb_arena_clear(&arena);
    return status;
}

// The first round that a model has not ended; the last one is always gone through, as it writes
// the files.
static size_t first_round(const mb_alternate_run *work) {
    size_t first = work->alternate->rounds - 1;
    for (size_t i = 0; i < work->n_models; i++) {
        const mb_alternate_model *m = &work->models[i];
        if (!m->is_given && m->turn_epochs > 0) {
            first = mb_min_size(first, m->n_done / m->turn_epochs);
        }
    }
    return first;
}

static mb_status take_round(mb_alternate_run *work, size_t round) {
    mb_context *ctx = work->run->ctx;
    students_task task = {work, round};
    if (!work->models[0].is_given) {
        MB_TRY(take_turn(work, ctx, &work->models[0], round));
    }
    bool is_wanted = round + 1 == work->alternate->rounds;
    for (size_t i = 1; i < work->n_models; i++) {
        const mb_alternate_model *m = &work->models[i];
        is_wanted = is_wanted || m->n_done < m->turn_epochs * (round + 1);
    }
    if (!is_wanted) {
        return MB_OK;
    }
    MB_TRY(set_targets(work));
    // A student alone has all threads for its own work.
    return work->n_models == 2 ? student_task(&task, ctx, 0, 0)
                               : mb_parallel(ctx, work->n_models - 1, student_task, &task);
}

static mb_status train_all(mb_alternate_run *work) {
    for (size_t i = 0; i < work->n_models; i++) {
        MB_TRY(begin_model(work, &work->models[i]));
    }
    for (size_t r = first_round(work); r < work->alternate->rounds; r++) {
        MB_TRY(take_round(work, r));
    }
    return MB_OK;
}

// All files of all models are there.
static bool is_done(mb_run *run, const mb_alternate_run *work) {
    bool is_there = run->is_resumed;
    for (size_t i = 0; i < work->n_models && is_there; i++) {
        const char *path =
            mb_run_file(run->ctx, &run->arena, work->models[i].round.directory, "training.json");
        is_there = path != NULL && mb_path_exists(path);
    }
    return is_there;
}

mb_status mb_alternate_train(mb_run *run) {
    if (run->study->alternate->n_students == 0) {
        mb_journal_line(&run->journal, "No student is to be trained: the teacher is left out, too");
        return MB_OK;
    }
    mb_alternate_run work;
    mb_status status = mb_alternate_open(&work, run);
    if (status == MB_OK && !is_done(run, &work)) {
        status = train_all(&work);
    }
    mb_alternate_close(&work);
    return status;
}
