// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/calo/load.h"

// Rows of a set being joined.
typedef struct row_list {
    uint32_t *row;
    size_t n;
} row_list;

typedef struct maker {
    mb_context *ctx;
    const mb_calo_settings *settings;
    const mb_calo_plan *plan;
    mb_dataset *out;
} maker;

static mb_status open_list(maker *m, size_t most, row_list *list) {
    *list = (row_list){mb_arena_allocate(&m->out->arena, m->ctx, most, sizeof(uint32_t)), 0};
    return list->row != NULL ? MB_OK : MB_ERR_MEMORY;
}

static size_t n_train_of(const mb_calo_sample_plan *sample) {
    return sample->n - sample->n_test;
}

static void add_test(row_list *list, const mb_calo_sample_plan *sample) {
    for (size_t k = 0; k < sample->n_test; k++) {
        list->row[list->n++] = (uint32_t)sample->first + sample->order[k];
    }
}

static void add_train(row_list *list, const mb_calo_sample_plan *sample, size_t n) {
    for (size_t k = 0; k < n; k++) {
        list->row[list->n++] = (uint32_t)sample->first + sample->order[sample->n_test + k];
    }
}

static void add_range(row_list *list, size_t first, size_t n) {
    for (size_t k = 0; k < n; k++) {
        list->row[list->n++] = (uint32_t)(first + k);
    }
}

static void put_set(maker *m, const char *name, const row_list *train, const row_list *test) {
    m->out->sets[m->out->n_sets++] = (mb_row_set){.name = name,
        .train = train->row,
        .n_train = train->n,
        .test = test->row,
        .n_test = test->n};
}

// Background and then what stands against it: first each of samples first .. first + n, in both
// parts.
static mb_status put_joined(
    maker *m, const char *name, size_t first, size_t n, size_t most_train_each) {
    const mb_calo_sample_plan *sample = m->plan->sample;
    row_list train, test;
    size_t n_train = n_train_of(&sample[0]), n_test = sample[0].n_test;
    for (size_t i = first; i < first + n; i++) {
        n_train += mb_min_size(most_train_each, n_train_of(&sample[i]));
        n_test += sample[i].n_test;
    }
    MB_TRY(open_list(m, n_train, &train));
    MB_TRY(open_list(m, n_test, &test));
    add_train(&train, &sample[0], n_train_of(&sample[0]));
    add_test(&test, &sample[0]);
    for (size_t i = first; i < first + n; i++) {
        add_train(&train, &sample[i], mb_min_size(most_train_each, n_train_of(&sample[i])));
        add_test(&test, &sample[i]);
    }
    put_set(m, name, &train, &test);
    return MB_OK;
}

static mb_status put_pileup(maker *m) {
    const mb_calo_plan *plan = m->plan;
    row_list train, test;
    MB_TRY(open_list(m, 0, &train));
    MB_TRY(open_list(m, plan->sample[0].n_test + plan->n_pileup, &test));
    add_test(&test, &plan->sample[0]);
    add_range(&test, plan->first_pileup, plan->n_pileup);
    put_set(m, "synthetic_pileup", &train, &test);
    return MB_OK;
}

static mb_status put_aside(maker *m) {
    row_list train, test;
    MB_TRY(open_list(m, m->plan->n_aside, &train));
    MB_TRY(open_list(m, 0, &test));
    add_range(&train, m->plan->first_aside, m->plan->n_aside);
    put_set(m, "aside", &train, &test);
    return MB_OK;
}

static void set_codes(maker *m) {
    const mb_calo_plan *plan = m->plan;
    uint8_t *split = m->out->split;
    for (size_t i = 0; i < plan->n_samples; i++) {
        const mb_calo_sample_plan *sample = &plan->sample[i];
        memset(split + sample->block, MB_CALO_SPLIT_OVERLAY, sample->n_block);
        for (size_t k = 0; k < sample->n; k++) {
            split[sample->first + sample->order[k]] =
                k < sample->n_test ? MB_SPLIT_TEST : MB_SPLIT_TRAIN;
        }
    }
    memset(split + plan->first_aside, MB_CALO_SPLIT_ASIDE, plan->n_aside);
    memset(split + plan->first_pileup, MB_SPLIT_TEST, plan->n_pileup);
}

mb_status mb_calo_sets_make(
    mb_context *ctx, const mb_calo_settings *settings, const mb_calo_plan *plan, mb_dataset *out) {
    maker m = {ctx, settings, plan, out};
    set_codes(&m);
    enum { OTHER_SETS = 5 };
    out->sets =
        mb_arena_allocate(&out->arena, ctx, settings->n_signals + OTHER_SETS, sizeof *out->sets);
    if (out->sets == NULL) {
        return MB_ERR_MEMORY;
    }
    out->n_sets = 0;
    for (size_t i = 1; i <= settings->n_signals; i++) {
        const char *name = mb_arena_text(&out->arena, ctx, settings->signals[i - 1].name);
        if (name == NULL) {
            return MB_ERR_MEMORY;
        }
        MB_TRY(put_joined(&m, name, i, 1, SIZE_MAX));
    }
    if (settings->blend_each > 0) {
        MB_TRY(put_joined(&m, "blend", 1, settings->n_signals, settings->blend_each));
    }
    if (settings->n_synthetic > 0) {
        MB_TRY(put_joined(&m, "synthetic", plan->n_samples - 1, 1, SIZE_MAX));
    }
    if (plan->pileup != NULL) {
        MB_TRY(put_pileup(&m));
    }
    MB_TRY(put_joined(&m, "background", 0, 0, 0));
    return plan->n_aside > 0 ? put_aside(&m) : MB_OK;
}
