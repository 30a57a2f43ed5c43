// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/calo/load.h"

#include "base/threads.h"

enum { N = MB_CALO_N_REGIONS, MAKE_ROWS = 1024 };

typedef struct loader {
    mb_context *ctx;
    const mb_detector_request *request;
    bool is_given; // files in place of the study's: no truth, no sets
    mb_calo_settings settings;
    mb_calo_samples samples;
    mb_calo_plan plan;
    mb_calo_account account;
    mb_dataset *out;
    float *regions; // of all rows
} loader;

static size_t wanted_of(const loader *l, size_t sample) {
    const size_t n_accepted = l->samples.sample[sample].n_accepted;
    if (l->is_given) {
        return n_accepted;
    }
    if (sample > 0) {
        return mb_min_size(n_accepted, l->settings.signals[sample - 1].limit);
    }
    const size_t wanted = l->settings.is_benchmark ? mb_calo_background_wanted(&l->settings)
                                                   : l->settings.background.limit;
    return mb_min_size(n_accepted, wanted);
}

// Room for the most rows that there can be; events dropped while reading only make it fewer.
static mb_status make_room(loader *l) {
    size_t n_most = 2 * l->settings.n_synthetic;
    for (size_t i = 0; i < l->samples.n; i++) {
        n_most += wanted_of(l, i);
    }
    MB_TRY(mb_dataset_set_rows(l->out, l->ctx, n_most));
    mb_column *column;
    MB_TRY(mb_dataset_add_column(l->out, l->ctx, "regions", MB_ROLE_INPUT, &column));
    column->kind = MB_COLUMN_DENSE;
    column->dtype = MB_F32;
    column->rank = 3;
    column->shape[0] = MB_CALO_N_PHI;
    column->shape[1] = MB_CALO_N_ETA;
    column->shape[2] = 1;
    column->size = N;
    // Not zeroed: every row is written, and pages never touched cost nothing.
    l->regions = mb_allocate(l->ctx, n_most, N * sizeof *l->regions);
    if (l->regions == NULL) {
        return MB_ERR_MEMORY;
    }
    column->dense = (mb_array){.dtype = MB_F32,
        .rank = 4,
        .shape = {n_most, MB_CALO_N_PHI, MB_CALO_N_ETA, 1},
        .data = l->regions,
        .runtime = mb_context_runtime(l->ctx)};
    return MB_OK;
}

static mb_status put_file_names(loader *l) {
    size_t n = l->settings.n_synthetic > 0;
    for (size_t i = 0; i < l->samples.n; i++) {
        n += l->samples.sample[i].paths.n;
    }
    l->out->file_names = mb_arena_allocate(&l->out->arena, l->ctx, n, sizeof *l->out->file_names);
    if (l->out->file_names == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < l->samples.n; i++) {
        for (size_t k = 0; k < l->samples.sample[i].paths.n; k++) {
            const char *name =
                mb_arena_text(&l->out->arena, l->ctx, l->samples.sample[i].paths.name[k]);
            if (name == NULL) {
                return MB_ERR_MEMORY;
            }
            l->out->file_names[l->out->n_files++] = name;
        }
    }
    if (l->settings.n_synthetic > 0) {
        l->out->file_names[l->out->n_files++] = "synthetic";
    }
    return MB_OK;
}

static void tell(const loader *l, size_t i) {
    const mb_calo_sample_files *sample = &l->samples.sample[i];
    const mb_calo_tally *tally = &l->account.tally[i];
    if (sample->n_accepted < sample->n_events) {
        mb_notice(l->ctx, MB_NOTICE_INFO, sample->paths.name[0],
            "%zu of %zu events of %s are left out: their AcceptanceFlag is 0",
            sample->n_events - sample->n_accepted, sample->n_events, sample->name);
    }
    if (tally->n_bad_values > 0) {
        mb_notice(l->ctx, MB_NOTICE_WARNING, sample->paths.name[0],
            "%zu values in %zu events of %s are no whole numbers 0 .. %d: %s", tally->n_bad_values,
            tally->n_bad_events, sample->name, MB_CALO_MAX_ET,
            l->settings.on_bad == MB_CALO_ON_BAD_DROP ? "these events were dropped"
                                                      : "these values were clipped");
    }
}

static mb_status read_samples(loader *l) {
    size_t row = 0;
    uint32_t file = 0;
    for (size_t i = 0; i < l->samples.n; i++) {
        const mb_calo_sample_files *sample = &l->samples.sample[i];
        MB_TRY(mb_calo_sample_read(l->ctx, sample, l->settings.on_bad, wanted_of(l, i), file,
            l->regions + row * N, l->out->event + row, l->out->file + row, &l->account.n_read[i],
            &l->account.tally[i]));
        row += l->account.n_read[i];
        file += (uint32_t)sample->paths.n;
        tell(l, i);
    }
    l->out->n_rows = row;
    return row > 0 ? MB_OK
                   : mb_fail(l->ctx, MB_ERR_FORMAT,
                         "%s: every event was dropped; look at the file, or set data.on_bad: clip",
                         l->samples.sample[0].paths.name[0]);
}

// A signal's events on the background's; the added rows are of the background, which stay.
static mb_status overlay_task(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)ctx;
    (void)worker;
    const loader *l = user;
    for (size_t i = 1; i <= l->settings.n_signals; i++) {
        const mb_calo_sample_plan *sample = &l->plan.sample[i];
        const size_t end = mb_min_size((task + 1) * MAKE_ROWS, sample->n);
        for (size_t k = task * MAKE_ROWS; sample->added != NULL && k < end; k++) {
            float *to = l->regions + (sample->first + k) * N;
            mb_calo_add_event(
                to, l->regions + sample->added[k] * (size_t)N, !l->settings.no_overlay_clip, to);
        }
    }
    return MB_OK;
}

static void make_synthetic(loader *l) {
    if (l->settings.n_synthetic == 0) {
        return;
    }
    const mb_calo_plan *plan = &l->plan;
    const mb_calo_sample_plan *sample = &plan->sample[plan->n_samples - 1];
    for (size_t k = 0; k < sample->n; k++) {
        mb_calo_deposit_image(&plan->synthetic[k], l->regions + (sample->first + k) * N);
        l->out->event[sample->first + k] = (int64_t)k;
        l->out->file[sample->first + k] = (uint32_t)l->out->n_files - 1;
    }
    for (size_t k = 0; k < plan->n_pileup; k++) {
        const size_t row = plan->first_pileup + k;
        mb_calo_add_event(l->regions + (sample->first + sample->order[k]) * N,
            l->regions + plan->pileup[k] * (size_t)N, true, l->regions + row * N);
        l->out->event[row] = (int64_t)sample->order[k];
        l->out->file[row] = (uint32_t)l->out->n_files - 1;
    }
}

static mb_status add_dense(loader *l, const char *name, mb_column_role role, mb_dtype dtype,
    size_t width, mb_column **column) {
    MB_TRY(mb_dataset_add_column(l->out, l->ctx, name, role, column));
    (*column)->kind = MB_COLUMN_DENSE;
    (*column)->dtype = dtype;
    (*column)->rank = width > 1;
    (*column)->shape[0] = width;
    (*column)->size = width;
    const size_t shape[2] = {l->out->n_rows, width};
    return mb_array_init(&(*column)->dense, l->ctx, dtype, 1 + (*column)->rank, shape);
}

static mb_status put_sample_names(loader *l, mb_column *column) {
    const size_t n = l->plan.n_samples + (l->plan.n_pileup > 0);
    const char **names = mb_arena_allocate(&l->out->arena, l->ctx, n + 1, sizeof *names);
    if (names == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < n; i++) {
        names[i] = mb_arena_text(&l->out->arena, l->ctx, mb_calo_sample_name(&l->settings, i));
        if (names[i] == NULL) {
            return MB_ERR_MEMORY;
        }
    }
    column->value_names = names;
    return MB_OK;
}

static mb_status put_columns(loader *l) {
    const mb_calo_plan *plan = &l->plan;
    const size_t n = l->out->n_rows;
    mb_column *column;
    MB_TRY(add_dense(l, "target", MB_ROLE_TARGET, MB_F32, 2, &column));
    float *target = column->dense.data;
    MB_TRY(add_dense(l, "overlay", MB_ROLE_EXTRA, MB_I64, 1, &column));
    int64_t *overlay = column->dense.data;
    MB_TRY(add_dense(l, "sample", MB_ROLE_EXTRA, MB_I32, 1, &column));
    int32_t *code = column->dense.data;
    MB_TRY(put_sample_names(l, column));
    for (size_t i = 1; i < plan->n_samples; i++) {
        const mb_calo_sample_plan *sample = &plan->sample[i];
        for (size_t k = 0; k < sample->n; k++) {
            code[sample->first + k] = (int32_t)i;
        }
    }
    for (size_t k = 0; k < plan->n_pileup; k++) {
        code[plan->first_pileup + k] = (int32_t)plan->n_samples;
    }
    for (size_t row = 0; row < n; row++) {
        target[2 * row + (code[row] != 0)] = 1;
        overlay[row] = -1;
    }
    for (size_t i = 1; i < plan->n_samples; i++) {
        const mb_calo_sample_plan *sample = &plan->sample[i];
        for (size_t k = 0; sample->added != NULL && k < sample->n; k++) {
            overlay[sample->first + k] = sample->added[k];
        }
    }
    for (size_t k = 0; k < plan->n_pileup; k++) {
        overlay[plan->first_pileup + k] = plan->pileup[k];
    }
    return MB_OK;
}

static const char *const split_names[] = {"train", "validation", "test", "overlay", "cicada", NULL};

static mb_status make_rows(loader *l) {
    MB_TRY(mb_calo_plan_make(l->ctx, &l->settings, l->account.n_read, &l->plan));
    l->out->n_rows = l->plan.n_rows;
    l->out->columns[0].dense.shape[0] = l->plan.n_rows;
    size_t n_most = 0;
    for (size_t i = 1; i <= l->settings.n_signals; i++) {
        n_most = mb_max_size(n_most, l->plan.sample[i].n);
    }
    MB_TRY(mb_parallel(l->ctx, (n_most + MAKE_ROWS - 1) / MAKE_ROWS, overlay_task, l));
    make_synthetic(l);
    MB_TRY(put_columns(l));
    l->out->split_names = mb_arena_allocate(
        &l->out->arena, l->ctx, MB_COUNT_OF(split_names), sizeof *l->out->split_names);
    if (l->out->split_names == NULL) {
        return MB_ERR_MEMORY;
    }
    memcpy(l->out->split_names, split_names, sizeof split_names);
    if (l->plan.n_missing > 0) {
        mb_notice(l->ctx, MB_NOTICE_WARNING, "data.background",
            "the files end early: the last %zu of the benchmark's own events went to overlay and "
            "set-aside events",
            l->plan.n_missing);
    }
    return l->settings.is_benchmark ? mb_calo_sets_make(l->ctx, &l->settings, &l->plan, l->out)
                                    : MB_OK;
}

static mb_status run(loader *l, mb_buffer *report) {
    MB_TRY(mb_calo_settings_read(l->ctx, l->request, &l->settings));
    if (l->is_given) {
        l->settings.n_synthetic = 0;
        l->settings.is_benchmark = false;
    }
    MB_TRY(mb_calo_samples_open(l->ctx, l->request, &l->settings, &l->samples));
    MB_TRY(make_room(l));
    MB_TRY(put_file_names(l));
    MB_TRY(read_samples(l));
    if (l->is_given) {
        l->out->columns[0].dense.shape[0] = l->out->n_rows;
    } else {
        MB_TRY(make_rows(l));
    }
    if (report != NULL) {
        mb_calo_report(&l->settings, &l->samples, &l->plan, &l->account, report);
        return report->status;
    }
    return MB_OK;
}

mb_status mb_calo_load(
    mb_context *ctx, const mb_detector_request *request, mb_dataset *out, mb_buffer *report) {
    mb_dataset_init(out, ctx);
    loader *l = mb_allocate_zeroed(ctx, 1, sizeof *l);
    if (l == NULL) {
        return MB_ERR_MEMORY;
    }
    l->ctx = ctx;
    l->request = request;
    l->out = out;
    l->is_given = request->files != NULL && request->n_files > 0;
    const mb_status status = run(l, report);
    if (status != MB_OK) {
        mb_dataset_clear(out);
    }
    mb_calo_plan_clear(&l->plan);
    mb_calo_samples_clear(&l->samples, ctx);
    mb_release(ctx, l);
    return status;
}
