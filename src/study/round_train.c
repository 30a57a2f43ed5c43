// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/output.h"
#include "exchange/keras.h"
#include "exchange/shipped.h"
#include "study/module_run.h"
#include "study/round_training.h"

// Repeats, folds and fits of one network show its layers once.
static bool is_first_of_its_model(const mb_training *t) {
    const mb_round *rounds = t->run->rounds;
    size_t i = 0;
    while (&rounds[i] != t->round && rounds[i].fit->model != t->round->fit->model) {
        i++;
    }
    return &rounds[i] == t->round;
}

static void tell_model(const mb_training *t, size_t n_train, size_t n_validation) {
    if (is_first_of_its_model(t)) {
        mb_training_tell_layers(t);
    }
    mb_journal_line(&t->run->journal, "%sTrain on %zu samples, validate on %zu samples", t->prefix,
        n_train, n_validation);
}

static mb_status train_model(mb_training *t, mb_fit_request *request) {
    tell_model(t, request->n_train, request->n_validation);
    mb_bundle checkpoint;
    mb_fit_result result = {0};
    bool is_there = false;
    mb_status status = mb_training_load(t, false, &checkpoint, &is_there);
    if (is_there) {
        request->resume = &checkpoint;
        mb_journal_line(&t->run->journal, "Going on from %s", t->checkpoint_path);
    }
    t->epoch_start = mb_seconds_now();
    if (status == MB_OK) {
        status = mb_fit(t->ctx, request, &result);
    }
    if (status == MB_OK) {
        status = mb_training_save(t, &result, request->n_train, request->n_validation);
    } else if (result.n_epochs > 0 && mb_training_write_history(t, &result) != MB_OK) {
        mb_journal_line(&t->run->journal, "The history of the epochs so far is lost, too");
    }
    if (status == MB_OK && result.n_epochs > 0) {
        const double batches = (double)result.n_epochs *
                               ((double)request->n_train / (double)request->train->options.batch);
        mb_journal_line(&t->run->journal, "%sTrained %zu epochs in %.1f s, %.2f ms a step",
            t->prefix, result.n_epochs, result.seconds,
            batches > 0 ? 1e3 * result.seconds / batches : 0.0);
        mb_journal_line(&t->run->journal, "%s%s after epoch %zu, the best was epoch %zu", t->prefix,
            result.stopped_early ? "Stopped early" : "Ended", result.n_epochs,
            result.best_epoch + 1);
    }
    mb_fit_result_clear(&result);
    mb_bundle_clear(&checkpoint);
    return status;
}

// Weights that were trained elsewhere take the place of a training.
static mb_status take_trained(mb_training *t, mb_model *model, const char *path) {
    mb_fit_result result = {.best = model->parameters, .last = model->parameters};
    t->model = model;
    MB_TRY(mb_model_load_weights(t->ctx, model, path, model->parameters));
    mb_journal_line(&t->run->journal, "%sWeights taken from %s", t->prefix, path);
    return mb_training_save(t, &result, 0, 0);
}

// The file of such weights; NULL: there is none, and the round is to be trained.
static mb_status find_trained(mb_training *t, const char **out) {
    const mb_train_options *options = &t->round->fit->train.options;
    *out = NULL;
    if (options->weights_dir != NULL) {
        *out = mb_arena_format(t->arena, t->ctx, "%s/%s.h5", options->weights_dir,
            t->round->name[0] != '\0' ? t->round->name : "model");
        return *out != NULL ? MB_OK : MB_ERR_MEMORY;
    }
    if (!mb_module_is_study(t->run->study)) {
        return MB_OK;
    }
    const char *name = mb_module_name(t->round);
    const char *path =
        mb_arena_format(t->arena, t->ctx, "%s/%s/%s.hdf5", t->run->directory, name, name);
    if (path == NULL) {
        return MB_ERR_MEMORY;
    }
    if (options->eval_only && !mb_path_exists(path)) {
        return mb_fail(t->ctx, MB_ERR_IO,
            "%s: there are no weights to judge; train first, without train.eval_only "
            "(--evalOnly)",
            path);
    }
    const bool is_taken = mb_path_exists(path) && !options->retrain;
    if (is_taken && !options->eval_only) {
        mb_journal_line(&t->run->journal,
            "%sThere are weights already; train.retrain: true (--retrain) trains anew", t->prefix);
    }
    *out = is_taken ? path : NULL;
    return MB_OK;
}

mb_status mb_round_load_loss_network(const mb_run *run, mb_context *ctx, mb_arena *arena,
    const mb_round *round, const char **path, mb_model **out) {
    const mb_loss *loss = &round->fit->train.loss;
    *out = NULL;
    *path = NULL;
    if (loss->ops->network == NULL) {
        return MB_OK;
    }
    const char *name = loss->ops->network(loss->options);
    *path = mb_arena_format(arena, ctx, "%s/emd_nets/%s/model.h5", run->directory, name);
    if (*path != NULL && !mb_path_exists(*path)) {
        *path = mb_shipped_find(name) != NULL
                    ? mb_arena_format(arena, ctx, "shipped:%s", name)
                    : mb_study_absolute(ctx, (mb_document *)(uintptr_t)&run->study->document,
                          run->study->directory, name);
    }
    return *path == NULL ? MB_ERR_MEMORY : mb_model_load(ctx, *path, out);
}

static mb_status train_with(mb_training *t, mb_model *model, bool has_weights) {
    mb_model *network = NULL;
    const char *path = NULL;
    t->model = model;
    mb_fit_request request = mb_training_request(t);
    request.dataset = &t->run->dataset;
    request.target = t->round->fit->target;
    uint32_t *train = NULL;
    uint32_t *validation = NULL;
    float *parameters = mb_allocate(t->ctx, model->n_parameters, sizeof *parameters);
    mb_status status = parameters == NULL ? MB_ERR_MEMORY : MB_OK;
    if (status == MB_OK) {
        status = mb_round_rows(t->run, t->ctx, t->round, MB_SPLIT_TRAIN, &train, &request.n_train);
    }
    const size_t most = t->round->fit->train.options.max_rows;
    request.n_train = most > 0 ? mb_min_size(request.n_train, most) : request.n_train;
    if (status == MB_OK) {
        status = mb_round_rows(
            t->run, t->ctx, t->round, MB_SPLIT_VALIDATION, &validation, &request.n_validation);
    }
    if (status == MB_OK) {
        status = mb_training_first(t, has_weights, parameters);
    }
    if (status == MB_OK) {
        status = mb_round_load_loss_network(t->run, t->ctx, t->arena, t->round, &path, &network);
    }
    if (status == MB_OK && path != NULL) {
        mb_journal_line(&t->run->journal, "%sThe loss is told by the network %s", t->prefix, path);
    }
    if (status == MB_OK) {
        request.loss_network = network;
        request.train_rows = train;
        request.validation_rows = validation;
        request.parameters = parameters;
        status = train_model(t, &request);
    }
    mb_model_destroy(network);
    mb_release(t->ctx, parameters);
    mb_release(t->ctx, train);
    mb_release(t->ctx, validation);
    return status;
}

mb_status mb_round_train(mb_run *run, mb_context *ctx, const mb_round *round) {
    mb_arena arena;
    mb_arena_init(&arena, ctx);
    mb_training t;
    mb_model *model = NULL;
    bool has_weights = false;
    mb_status status = mb_training_begin(&t, run, ctx, round, &arena);
    // A round that an earlier start of this run finished stays as it is.
    const bool is_done = status == MB_OK && run->is_resumed && mb_path_exists(t.record_path);
    if (status == MB_OK && !is_done) {
        status =
            mb_study_build_model(ctx, run->study, round->fit, &run->dataset, &model, &has_weights);
        const char *trained = NULL;
        if (status == MB_OK) {
            status = find_trained(&t, &trained);
        }
        if (status == MB_OK) {
            status = trained != NULL ? take_trained(&t, model, trained)
                                     : train_with(&t, model, has_weights);
        }
    }
    mb_model_destroy(model);
    mb_arena_clear(&arena);
    return status;
}
