// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/output.h"
#include "minbias/model.h"
#include "study/emd_net.h"
#include "study/module_run.h"

// A run of autoencoders and of networks that judge them: a network may need a model's
// reconstructions, and a model a network as its loss.

static mb_status gather(mb_run *run, const char *name, const uint32_t *rows, size_t n, float *out) {
    const mb_column *column = mb_dataset_find(&run->dataset, name);
    return column == NULL ? mb_fail(run->ctx, MB_ERR_INTERNAL, "emd_nets: the data has no %s", name)
                          : mb_column_gather(column, run->ctx, rows, n, out);
}

// What a trained model makes of rows (n, 48).
static mb_status restore(
    mb_run *run, const mb_round *round, const uint32_t *rows, size_t n, float *cells) {
    mb_context *ctx = run->ctx;
    mb_model *model = NULL;
    const mb_arrangement *arrangement = NULL;
    const char *column = round->fit->target != NULL ? round->fit->target : "image";
    const char *path = mb_run_file(ctx, &run->arena, round->directory, "model.h5");
    MB_TRY(path == NULL ? MB_ERR_MEMORY : mb_model_load(ctx, path, &model));
    const size_t size = mb_value_size(&model->values[model->outputs[0]].type);
    float *images = mb_allocate(ctx, n * size, sizeof *images);
    float *pixels = mb_allocate(ctx, n * size, sizeof *pixels);
    mb_status status = images == NULL || pixels == NULL ? MB_ERR_MEMORY : MB_OK;
    if (status == MB_OK) {
        status = mb_module_arrangement_of(run, column, &arrangement);
    }
    if (status == MB_OK) {
        status = gather(run, column, rows, n, images);
    }
    if (status == MB_OK) {
        status = mb_module_predict(ctx, model, images, n, pixels);
    }
    for (size_t i = 0; i < n && status == MB_OK; i++) {
        float *row = cells + i * MB_HEX48_CELLS;
        mb_arrangement_cells(arrangement, pixels + i * size, row);
        for (size_t k = 0; k < MB_HEX48_CELLS; k++) {
            row[k] = row[k] > 0 ? row[k] : 0;
        }
    }
    mb_release(ctx, images);
    mb_release(ctx, pixels);
    mb_model_destroy(model);
    return status;
}

static const mb_round *find_round(const mb_run *run, const char *name) {
    for (size_t i = 0; i < run->n_rounds; i++) {
        if (strcmp(mb_module_name(&run->rounds[i]), name) == 0) {
            return &run->rounds[i];
        }
    }
    return NULL;
}

// The training rows of the model, or of the first one.
static mb_status train_net(mb_run *run, const mb_emd_net *net) {
    mb_context *ctx = run->ctx;
    const mb_round *round = net->of != NULL ? find_round(run, net->of) : &run->rounds[0];
    const char *folder = mb_run_file(ctx, &run->arena, run->directory, "emd_nets");
    uint32_t *rows = NULL;
    size_t n = 0;
    if (folder == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_make_directory(ctx, folder));
    MB_TRY(mb_round_rows(run, ctx, round, MB_SPLIT_TRAIN, &rows, &n));
    n = mb_min_size(n, net->rows > 0 ? net->rows : 20000);
    float *charges = mb_allocate(ctx, mb_max_size(n, 1) * MB_HEX48_CELLS, sizeof *charges);
    float *restored = mb_allocate(ctx, mb_max_size(n, 1) * MB_HEX48_CELLS, sizeof *restored);
    mb_status status = charges == NULL || restored == NULL ? MB_ERR_MEMORY : MB_OK;
    if (status == MB_OK) {
        status = gather(run, "charges", rows, n, charges);
    }
    if (status == MB_OK && net->of != NULL) {
        status = restore(run, round, rows, n, restored);
    }
    if (status == MB_OK) {
        const mb_emd_net_data data = {charges, net->of != NULL ? restored : NULL, n};
        status = mb_emd_net_train(
            run, net, &data, run->study->seed, folder, run->study->evaluate.figures);
    }
    mb_release(ctx, charges);
    mb_release(ctx, restored);
    mb_release(ctx, rows);
    return status;
}

size_t mb_module_loss_net(const mb_run *run, const mb_round *round) {
    const mb_loss *loss = &round->fit->train.loss;
    const char *name = loss->ops->network != NULL ? loss->ops->network(loss->options) : NULL;
    for (size_t i = 0; name != NULL && i < run->study->n_emd_nets; i++) {
        if (strcmp(run->study->emd_nets[i].name, name) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

static mb_status check(const mb_run *run) {
    for (size_t i = 0; i < run->study->n_emd_nets; i++) {
        const mb_emd_net *net = &run->study->emd_nets[i];
        if (net->of != NULL && find_round(run, net->of) == NULL) {
            const char *names[64];
            size_t n = 0;
            for (size_t k = 0; k < run->n_rounds && n < MB_COUNT_OF(names); k++) {
                names[n++] = mb_module_name(&run->rounds[k]);
            }
            const char *near = mb_nearest_name(net->of, names, n);
            return mb_fail(run->ctx, MB_ERR_FORMAT,
                "%s: emd_nets: %s: of: there is no model '%.60s' in this run%s%s%s",
                run->study->path, net->name, net->of, near != NULL ? "; did you mean '" : "",
                near != NULL ? near : "", near != NULL ? "'?" : "");
        }
    }
    return MB_OK;
}

static mb_status train_round(mb_run *run, const mb_round *round) {
    MB_TRY(mb_make_directory(run->ctx, round->directory));
    if (!run->is_resumed) {
        MB_TRY(mb_round_clear(run->ctx, round));
    }
    return mb_round_train(run, run->ctx, round);
}

mb_status mb_module_train_in_order(mb_run *run) {
    const size_t n_nets = run->study->n_emd_nets;
    MB_TRY(check(run));
    bool *is_done =
        mb_arena_allocate(&run->arena, run->ctx, run->n_rounds + n_nets, sizeof *is_done);
    if (is_done == NULL) {
        return MB_ERR_MEMORY;
    }
    memset(is_done, 0, (run->n_rounds + n_nets) * sizeof *is_done);
    bool *net_is_done = is_done + run->n_rounds;
    for (bool goes_on = true; goes_on;) {
        goes_on = false;
        for (size_t i = 0; i < run->n_rounds; i++) {
            const size_t net = mb_module_loss_net(run, &run->rounds[i]);
            if (!is_done[i] && (net == SIZE_MAX || net_is_done[net])) {
                MB_TRY(train_round(run, &run->rounds[i]));
                is_done[i] = goes_on = true;
            }
        }
        for (size_t i = 0; i < n_nets; i++) {
            const mb_emd_net *net = &run->study->emd_nets[i];
            const mb_round *of = net->of != NULL ? find_round(run, net->of) : NULL;
            if (!net_is_done[i] && (of == NULL || is_done[of - run->rounds])) {
                MB_TRY(train_net(run, net));
                net_is_done[i] = goes_on = true;
            }
        }
    }
    for (size_t i = 0; i < run->n_rounds; i++) {
        if (!is_done[i]) {
            return mb_fail(run->ctx, MB_ERR_FORMAT,
                "%s: emd_nets: the loss of the model %s is a network that needs a model which "
                "waits for it; take another model's reconstructions",
                run->study->path, mb_module_name(&run->rounds[i]));
        }
    }
    return MB_OK;
}
