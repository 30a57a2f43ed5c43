// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/plan.h"
#include "study/alternate_run.h"
#include "study/module_run.h"
#include "study/round_training.h"
#include "study/scan.h"
#include "study/summary.h"
#include "training/graph_data.h"

// `check`: what a run would do, without doing it.

// The trial training that the time is judged from: most batches, and how it grows towards them.
enum { TRIAL_BATCHES = 8, TRIAL_GROWTH = 4 };
// What it may take, and what a machine does where no trial can tell.
static const double trial_seconds = 2.0, usual_flops_per_second = 2e10;

static uint64_t dataset_bytes(const mb_dataset *dataset) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < dataset->n_columns; i++) {
        const mb_column *column = &dataset->columns[i];
        if (column->kind == MB_COLUMN_DENSE) {
            bytes += mb_array_bytes(&column->dense);
        } else if (column->kind == MB_COLUMN_SPARSE) {
            const uint64_t entries = column->offset[dataset->n_rows];
            bytes += (dataset->n_rows + 1) * sizeof(uint64_t) +
                     entries * (sizeof(uint32_t) + mb_dtype_size(column->dtype));
        } else {
            bytes += column->state_bytes;
        }
    }
    for (size_t i = 0; i < dataset->n_axes; i++) {
        const mb_dataset_axis *axis = &dataset->axes[i];
        bytes += (dataset->n_rows + 1) * sizeof *axis->offset;
        bytes += axis->joins != NULL ? axis->offset[dataset->n_rows] * 2 * sizeof *axis->source : 0;
    }
    return bytes;
}

static mb_status tell_events(mb_answer *answer, mb_run *run) {
    const mb_dataset *dataset = &run->dataset;
    char bytes[40];
    mb_answer_line(answer, "%zu events, %s in memory", dataset->n_rows,
        mb_format_bytes(bytes, sizeof bytes, dataset_bytes(dataset)));
    for (size_t i = 0; i < dataset->n_axes; i++) {
        const char *name = dataset->axes[i].name;
        mb_answer_line(answer, "  %-12s %zu", name, mb_dataset_axis_rows(dataset, name));
    }
    mb_answer_put_int(answer, NULL, "events", (int64_t)dataset->n_rows);
    const bool is_simulated = mb_study_is_simulated(run->ctx, run->study);
    if (is_simulated) {
        mb_answer_line(answer, "these are toy events: simulated, not measured");
    }
    mb_answer_put_bool(answer, NULL, "simulated", is_simulated);
    mb_answer_put_int(answer, NULL, "data_bytes", (int64_t)dataset_bytes(dataset));
    const mb_column *target = mb_dataset_target(dataset);
    if (target == NULL || target->size != 1) {
        return MB_OK;
    }
    size_t n_signal = 0;
    const size_t n_rows = mb_dataset_axis_rows(dataset, target->axis);
    for (uint32_t i = 0; i < n_rows; i++) {
        float value = 0;
        MB_TRY(mb_column_gather(target, run->ctx, &i, 1, &value));
        n_signal += value > 0.5F;
    }
    const double fraction = n_rows > 0 ? (double)n_signal / (double)n_rows : 0.0;
    mb_answer_line(
        answer, "balance: %zu of %zu of label 1 (%.1f %%)", n_signal, n_rows, 100 * fraction);
    mb_answer_put_int(answer, NULL, "signal", (int64_t)n_signal);
    return MB_OK;
}

static mb_status training_bytes(
    mb_run *run, const mb_dataset *dataset, const mb_model *model, size_t batch, size_t *bytes) {
    bool *sparse = mb_allocate_zeroed(run->ctx, model->n_inputs, sizeof *sparse);
    if (sparse == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < model->n_inputs; i++) {
        const mb_column *column = mb_dataset_find(dataset, mb_model_input_name(model, i));
        sparse[i] = column != NULL && mb_column_is_sparse_feed(column);
    }
    mb_plan *plan = NULL;
    size_t most[MB_MOST_AXES];
    size_t most_of_one[MB_MOST_AXES];
    mb_graph_data graphs;
    mb_status status = mb_graph_data_open(run->ctx, model, dataset, true, &graphs);
    if (status == MB_OK) {
        status = mb_graph_data_most(run->ctx, &graphs, batch, most);
    }
    if (status == MB_OK) {
        status = mb_graph_data_most(run->ctx, &graphs, 1, most_of_one);
    }
    if (status == MB_OK) {
        const mb_plan_settings settings = {.is_training = true,
            .max_rows = batch,
            .sparse_inputs = sparse,
            .axis_rows = most,
            .event_rows = most_of_one};
        status = mb_plan_create(run->ctx, model, &settings, &plan);
    }
    if (status == MB_OK) {
        status = mb_plan_lay_out(run->ctx, plan);
    }
    mb_graph_data_close(&graphs);
    *bytes = status == MB_OK ? mb_plan_training_bytes(plan) : 0;
    mb_plan_destroy(plan);
    mb_release(run->ctx, sparse);
    return status;
}

// What a round trains on.
typedef struct trial {
    mb_run *run;
    const mb_round *round;
    const mb_dataset *dataset;
    const mb_model *model;
    const uint32_t *rows;
    size_t n_rows;
    float *parameters;
    const mb_model *loss_network; // that the loss judges by; NULL: none, or one that is still to be
    bool is_waiting;              // ... trained
} trial;

static mb_status time_rows(const trial *t, size_t n, double *seconds) {
    mb_train train = t->round->fit->train;
    train.options.epochs = 1;
    train.options.batch = mb_min_size(train.options.batch, n);
    train.n_callbacks = 0;
    // Among few events not every class is found.
    train.class_weights.is_named = NULL;
    const mb_fit_request request = {.model = t->model,
        .parameters = t->parameters,
        .dataset = t->dataset,
        .train_rows = t->rows,
        .n_train = n,
        .train = &train,
        .loss_network = t->loss_network,
        .seed = t->round->seed};
    mb_fit_result result = {0};
    const double start = mb_seconds_now();
    const mb_status status = mb_fit(t->run->ctx, &request, &result);
    *seconds = mb_seconds_now() - start;
    mb_fit_result_clear(&result);
    return status;
}

// Trains on a few events, then on more as long as that is expected to end in time: one event of a
// large network may take longer than all batches of a small one. What a training takes before its
// first event does not count, once there are two lengths to tell it from.
static mb_status time_trial(const trial *t, double *per_second) {
    const size_t most = mb_min_size(t->n_rows, TRIAL_BATCHES * t->round->fit->train.options.batch);
    double spent = 0;
    double before = 0;
    size_t n_before = 0;
    for (size_t n = 1; n > 0; n = n < most ? mb_min_size(n * TRIAL_GROWTH, most) : 0) {
        const double expected = n_before > 1 ? before * TRIAL_GROWTH : before;
        if (spent + expected > trial_seconds) {
            break;
        }
        double seconds = 0;
        MB_TRY(time_rows(t, n, &seconds));
        spent += seconds;
        *per_second = seconds > before ? (double)(n - n_before) / (seconds - before) : *per_second;
        before = seconds;
        n_before = n;
    }
    return MB_OK;
}

// Of an event with as many nodes and edges as they have on average.
static uint64_t mean_flops(const mb_model *model, const mb_dataset *dataset) {
    uint64_t flops = mb_summary_flops(model);
    for (unsigned i = 1; i < model->n_axes && dataset->n_rows > 0; i++) {
        flops += mb_summary_axis_flops(model, i) *
                 mb_dataset_axis_rows(dataset, model->axes[i].name) / dataset->n_rows;
    }
    return flops;
}

// Backward takes about twice as long as forward.
static double seconds_from_work(const mb_model *model, const mb_dataset *dataset) {
    return 3 * (double)mean_flops(model, dataset) / usual_flops_per_second;
}

// How fast a training would be; *is_measured tells whether that was tried.
static mb_status time_training(trial *t, double *per_second, bool *is_measured) {
    mb_run *run = t->run;
    const double expected = seconds_from_work(t->model, t->dataset);
    *is_measured = t->n_rows > 0 && expected < trial_seconds && !t->is_waiting;
    *per_second = expected > 0 ? 1 / expected : 0;
    if (!*is_measured) {
        return MB_OK;
    }
    t->parameters = mb_allocate(run->ctx, t->model->n_parameters, sizeof *t->parameters);
    if (t->parameters == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_status status = mb_model_initialize(run->ctx, t->model, t->round->seed, t->parameters);
    if (status == MB_OK) {
        // Its few events may well be of one class, which says nothing of the study.
        run->journal.is_muted = true;
        status = time_trial(t, per_second);
        run->journal.is_muted = false;
    }
    mb_release(run->ctx, t->parameters);
    return status;
}

// Digits behind the point of a number that is only about right.
static int decimals(double value) {
    return value < 1 ? 2 : value < 10 ? 1 : 0;
}

static const char *time_text(double seconds, char *text, size_t size) {
    static const struct {
        double seconds;
        const char *name;
    } units[] = {{86400, "days"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    size_t i = 0;
    while (i + 1 < MB_COUNT_OF(units) && seconds < 2 * units[i].seconds) {
        i++;
    }
    const double value = seconds / units[i].seconds;
    mb_format(text, size, "%.*f %s", decimals(value), value, units[i].name);
    return text;
}

static mb_status tell_training(mb_answer *answer, mb_node *list, trial *t, size_t n_validation) {
    const mb_train_options *options = &t->round->fit->train.options;
    const mb_model *model = t->model;
    const char *name = t->round->name;
    const char *colon = name[0] != '\0' ? ": " : "";
    size_t bytes = 0;
    double per_second = 0;
    bool is_measured = false;
    MB_TRY(training_bytes(t->run, t->dataset, model, options->batch, &bytes));
    MB_TRY(time_training(t, &per_second, &is_measured));
    const double seconds =
        per_second > 0 ? (double)options->epochs * (double)t->n_rows / per_second : 0.0;
    char text[40];
    char time[40];
    mb_answer_line(answer, "%s%s%zu parameters, %llu FLOPs an event, training memory %s", name,
        colon, model->n_parameters, (unsigned long long)mean_flops(model, t->dataset),
        mb_format_bytes(text, sizeof text, bytes));
    mb_answer_line(answer,
        "%s%strain on %zu, validate on %zu; about %.*f samples/s (%s), %s for %zu epochs", name,
        colon, t->n_rows, n_validation, decimals(per_second), per_second,
        is_measured ? "measured" : "judged from the FLOPs", time_text(seconds, time, sizeof time),
        options->epochs);
    mb_node *map = mb_answer_add_map(answer, list);
    mb_answer_put_text(answer, map, "name", name);
    mb_answer_put_int(answer, map, "parameters", (int64_t)model->n_parameters);
    mb_answer_put_int(answer, map, "flops", (int64_t)mean_flops(model, t->dataset));
    mb_answer_put_int(answer, map, "training_bytes", (int64_t)bytes);
    mb_answer_put_int(answer, map, "n_train", (int64_t)t->n_rows);
    mb_answer_put_int(answer, map, "n_validation", (int64_t)n_validation);
    mb_answer_put_real(answer, map, "samples_per_second", per_second);
    mb_answer_put_real(answer, map, "seconds", seconds);
    mb_answer_put_bool(answer, map, "is_measured", is_measured);
    return MB_OK;
}

static mb_status tell_round(mb_answer *answer, mb_run *run, const mb_round *round, mb_node *list) {
    mb_model *model = NULL;
    bool has_weights = false;
    uint32_t *train = NULL;
    uint32_t *validation = NULL;
    size_t n_train = 0;
    size_t n_validation = 0;
    mb_status status =
        mb_study_build_model(run->ctx, run->study, round->fit, &run->dataset, &model, &has_weights);
    if (status == MB_OK) {
        status = mb_round_rows(run, run->ctx, round, MB_SPLIT_TRAIN, &train, &n_train);
    }
    if (status == MB_OK) {
        status =
            mb_round_rows(run, run->ctx, round, MB_SPLIT_VALIDATION, &validation, &n_validation);
    }
    // A network that judges may itself be a result of the run.
    const bool is_waiting = mb_module_loss_net(run, round) != SIZE_MAX;
    mb_model *loss_network = NULL;
    const char *path = NULL;
    if (status == MB_OK && !is_waiting) {
        status =
            mb_round_load_loss_network(run, run->ctx, &run->arena, round, &path, &loss_network);
    }
    const mb_fit_request request = {.model = model,
        .dataset = &run->dataset,
        .train_rows = train,
        .validation_rows = validation,
        .n_train = n_train,
        .n_validation = n_validation,
        .train = &round->fit->train,
        .target = round->fit->target,
        .loss_network = loss_network,
        .seed = round->seed};
    if (status == MB_OK && !is_waiting) {
        status = mb_fit_check(run->ctx, &request);
    }
    if (status == MB_OK) {
        trial t = {.run = run,
            .round = round,
            .dataset = &run->dataset,
            .model = model,
            .rows = train,
            .n_rows = n_train,
            .loss_network = loss_network,
            .is_waiting = is_waiting};
        status = tell_training(answer, list, &t, n_validation);
    }
    mb_model_destroy(loss_network);
    mb_release(run->ctx, train);
    mb_release(run->ctx, validation);
    mb_model_destroy(model);
    return status;
}

// The teacher and its students, each with the epochs of all its turns.
static mb_status tell_alternate(mb_answer *answer, mb_run *run, mb_node *list) {
    if (run->study->alternate == NULL) {
        return MB_OK;
    }
    if (run->study->alternate->n_students == 0) {
        mb_answer_line(answer, "no student is to be trained: the teacher is left out, too");
        return MB_OK;
    }
    mb_alternate_run work;
    mb_status status = mb_alternate_open(&work, run);
    for (size_t i = 0; i < work.n_models && status == MB_OK; i++) {
        const mb_alternate_model *m = &work.models[i];
        trial t = {.run = run,
            .round = &m->round,
            .dataset = m->events,
            .model = m->model,
            .rows = m->train,
            .n_rows = m->n_train};
        if (m->is_given) {
            mb_answer_line(answer, "%s: taken as it is", m->fit.name);
        } else {
            status = tell_training(answer, list, &t, m->n_validation);
        }
    }
    mb_alternate_close(&work);
    return status;
}

mb_status mb_study_check(
    mb_context *ctx, const mb_study *study, const mb_run_settings *settings, mb_answer **out) {
    *out = NULL;
    mb_answer *answer = NULL;
    mb_run run = {0};
    MB_TRY(mb_run_check_models(ctx, study, NULL));
    MB_TRY(mb_answer_create(ctx, &answer));
    mb_status status = mb_run_open(&run, ctx, study, "", NULL, settings);
    if (status == MB_OK) {
        mb_answer_put_text(answer, NULL, "study", study->name);
        mb_answer_line(answer, "%s: the study is in order", study->path);
        status = tell_events(answer, &run);
    }
    mb_node *list = mb_answer_put_list(answer, NULL, "fits");
    for (size_t i = 0; i < run.n_rounds && status == MB_OK; i++) {
        // Repeats and folds of a fit are alike.
        if (run.rounds[i].index == 0) {
            status = tell_round(answer, &run, &run.rounds[i], list);
        }
    }
    if (status == MB_OK) {
        status = tell_alternate(answer, &run, list);
    }
    if (status == MB_OK) {
        status = mb_scan_tell_size(ctx, study, answer);
    }
    mb_run_clear(&run);
    return mb_answer_finish(answer, status, out);
}
