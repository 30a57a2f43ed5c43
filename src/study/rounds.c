// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/run.h"

// From fits to rounds: which rows each trains, validates and is judged on.

static mb_status fail_set(const mb_run *run, const mb_fit_spec *fit) {
    const char *names[64];
    size_t n = 0;
    for (; n < run->dataset.n_sets && n < MB_COUNT_OF(names); n++) {
        names[n] = run->dataset.sets[n].name;
    }
    if (n == 0) {
        return mb_fail(run->ctx, MB_ERR_FORMAT,
            "%s: fits: on: is '%.60s', but this data has no named samples; remove on:",
            run->study->path, fit->on);
    }
    const char *near = fit->on != NULL ? mb_nearest_name(fit->on, names, n) : NULL;
    if (fit->on == NULL && fit->name[0] == '\0') {
        return mb_fail(run->ctx, MB_ERR_FORMAT,
            "%s: the data has several samples, and nothing says which to train on; write models: "
            "and fits: [{name: NAME, model: MODEL, on: %s}]",
            run->study->path, names[0]);
    }
    if (fit->on == NULL) {
        return mb_fail(run->ctx, MB_ERR_FORMAT,
            "%s: fits: the fit '%.60s' does not say which sample it is on; add on: with a name "
            "such as '%s'",
            run->study->path, fit->name, names[0]);
    }
    return mb_fail(run->ctx, MB_ERR_FORMAT,
        "%s: fits: the data has no sample '%.60s' to be on; %s'%s'%s", run->study->path, fit->on,
        near != NULL ? "did you mean " : "write a name such as ", near != NULL ? near : names[0],
        near != NULL ? "?" : "");
}

static mb_status split_set(mb_run *run, mb_round *round) {
    const mb_train *train = &round->fit->train;
    const mb_row_set *set =
        round->fit->on != NULL ? mb_dataset_find_set(&run->dataset, round->fit->on) : NULL;
    if (set == NULL) {
        return fail_set(run, round->fit);
    }
    const mb_part part = run->study->takes_last
                             ? (mb_part){train->validation.fraction, MB_TAKE_LAST}
                             : train->validation;
    MB_TRY(mb_split_set(round->split, run->dataset.n_rows, run->ctx, set, &part, run->study->seed));
    return train->options.folds > 1
               ? mb_split_fold(round->split, run->dataset.n_rows, run->ctx, train->options.folds,
                     round->index % train->options.folds, run->study->seed)
               : MB_OK;
}

static mb_status split_all(mb_run *run, mb_round *round) {
    const mb_train *train = &round->fit->train;
    mb_dataset *dataset = &run->dataset;
    MB_TRY(mb_split_apply(
        dataset, run->ctx, &run->study->split, &train->validation, run->study->seed));
    memcpy(round->split, dataset->split, dataset->n_rows);
    return train->options.folds > 1
               ? mb_split_fold(round->split, dataset->n_rows, run->ctx, train->options.folds,
                     round->index % train->options.folds, run->study->seed)
               : MB_OK;
}

// The rows that are scored: all of them, or those of the fit's set.
static mb_status list_rows(mb_run *run, mb_round *round) {
    const size_t n = run->dataset.n_rows;
    const bool takes_all = run->dataset.n_sets == 0;
    for (size_t i = 0; i < n; i++) {
        round->n_rows += takes_all || round->split[i] != MB_SPLIT_NONE;
    }
    uint32_t *rows =
        mb_arena_allocate(&run->arena, run->ctx, mb_max_size(round->n_rows, 1), sizeof *rows);
    if (rows == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0, k = 0; i < n; i++) {
        if (takes_all || round->split[i] != MB_SPLIT_NONE) {
            rows[k++] = (uint32_t)i;
        }
    }
    round->rows = rows;
    return MB_OK;
}

// Folds of one repeat share that repeat's seed.
static mb_status split_round(mb_run *run, mb_round *round) {
    const size_t n = run->dataset.n_rows;
    round->seed = run->study->seed + round->index / mb_max_size(round->fit->train.options.folds, 1);
    round->split = mb_arena_allocate(&run->arena, run->ctx, mb_max_size(n, 1), 1);
    if (round->split == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(run->dataset.n_sets > 0 || round->fit->on != NULL ? split_set(run, round)
                                                             : split_all(run, round));
    MB_TRY(list_rows(run, round));
    size_t n_train = 0;
    for (size_t i = 0; i < n; i++) {
        if (round->split[i] == MB_SPLIT_TRAIN && n_train++ >= run->study->train_events) {
            round->split[i] = MB_SPLIT_NONE;
        }
    }
    return MB_OK;
}

static mb_status add_round(mb_run *run, const mb_fit_spec *fit, size_t index, bool is_alone) {
    mb_round *round = &run->rounds[run->n_rounds++];
    *round = (mb_round){.fit = fit, .index = index, .name = "", .directory = run->directory};
    if (!is_alone) {
        round->name = mb_round_name(run->ctx, &run->arena, fit, index);
        round->directory = round->name == NULL ? NULL
                                               : mb_arena_format(&run->arena, run->ctx,
                                                     "%s/fits/%s", run->directory, round->name);
        if (round->directory == NULL) {
            return MB_ERR_MEMORY;
        }
    }
    return split_round(run, round);
}

const char *mb_round_name(mb_context *ctx, mb_arena *arena, const mb_fit_spec *fit, size_t index) {
    const char *name = fit->name[0] != '\0' ? fit->name : "fit";
    return fit->n_rounds == 1 ? name : mb_arena_format(arena, ctx, "%s-%zu", name, index);
}

bool mb_run_is_single(const mb_study *study) {
    return study->n_fits == 1 && study->fits[0].n_rounds == 1 && study->alternate == NULL &&
           study->evaluate.on.n == 0;
}

mb_status mb_run_lay_out(mb_run *run) {
    const mb_study *study = run->study;
    size_t n = 0;
    for (size_t i = 0; i < study->n_fits; i++) {
        n += study->fits[i].n_rounds;
    }
    if (n == 0 && study->alternate == NULL) {
        return mb_fail(
            run->ctx, MB_ERR_FORMAT, "%s: there is nothing to train; add model:", study->path);
    }
    run->rounds = mb_arena_allocate(&run->arena, run->ctx, n + 1, sizeof *run->rounds);
    if (run->rounds == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < study->n_fits; i++) {
        for (size_t j = 0; j < study->fits[i].n_rounds; j++) {
            MB_TRY(add_round(run, &study->fits[i], j, mb_run_is_single(study)));
        }
    }
    return MB_OK;
}

mb_status mb_round_rows(mb_run *run, mb_context *ctx, const mb_round *round, uint8_t split,
    uint32_t **rows, size_t *n) {
    const size_t n_rows = run->dataset.n_rows;
    *n = 0;
    *rows = mb_allocate(ctx, n_rows, sizeof **rows);
    if (*rows == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < n_rows; i++) {
        if (round->split[i] == split) {
            (*rows)[(*n)++] = (uint32_t)i;
        }
    }
    return MB_OK;
}
