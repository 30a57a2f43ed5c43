// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/concentrator/load.h"

#include "detector/concentrator/columns.h"
#include "detector/concentrator/files.h"

typedef struct loader {
    mb_context *ctx;
    const mb_detector_request *request;
    mb_calq_settings settings;
    mb_names files;
    mb_calq_rows rows;
    mb_dataset *out;
} loader;

static mb_status keep_names(loader *l) {
    mb_arena *arena = &l->out->arena;
    l->out->file_names = mb_arena_allocate(arena, l->ctx, l->files.n, sizeof *l->out->file_names);
    if (l->out->file_names == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < l->files.n; i++) {
        const char *name = mb_arena_text(arena, l->ctx, l->files.name[i]);
        if (name == NULL) {
            return MB_ERR_MEMORY;
        }
        l->out->file_names[l->out->n_files++] = name;
    }
    return MB_OK;
}

static mb_status read_files(loader *l) {
    const mb_calq_settings *s = &l->settings;
    l->rows.settings = s;
    for (size_t i = 0; i < l->files.n; i++) {
        if (s->max_rows >= 0 && l->rows.tally.n_read >= (size_t)s->max_rows) {
            break;
        }
        MB_TRY(mb_calq_rows_read(&l->rows, l->ctx, l->files.name[i], (uint32_t)i));
    }
    MB_TRY(mb_calq_rows_finish(&l->rows, l->ctx, l->request->seed));
    if (l->rows.n > 0) {
        return MB_OK;
    }
    const mb_calq_tally *tally = &l->rows.tally;
    if (tally->n_read == 0) {
        return mb_fail(l->ctx, MB_ERR_RANGE, "%s: there are no rows; give files with charges",
            l->files.name[0]);
    }
    return mb_fail(l->ctx, MB_ERR_RANGE,
        "%s: of %zu rows none is left: %zu bad, %zu masked, %zu without charge; check the files "
        "and data.mask_partials, data.mask_energies",
        l->files.name[0], tally->n_read, tally->n_bad, tally->n_partial + tally->n_no_energy,
        tally->n_empty);
}

// Weights are of the training rows, so the study's split is made here, too; the run makes it again.
static mb_status weigh(loader *l) {
    const mb_part none = {0, MB_TAKE_LAST};
    const mb_part *part = l->request->validation != NULL ? l->request->validation : &none;
    mb_split_options split;
    MB_TRY(mb_split_read(l->ctx, l->request->document, mb_node_find(l->request->data, "split"),
        mb_node_find(l->request->data, "rows"), &split));
    MB_TRY(mb_split_apply(l->out, l->ctx, &split, part, l->request->seed));
    MB_TRY(mb_calq_weights_set(l->ctx, l->out));
    memset(l->out->split, MB_SPLIT_TRAIN, l->out->n_rows);
    return MB_OK;
}

static void tell_count(mb_buffer *report, size_t n, const char *what) {
    if (n > 0) {
        mb_buffer_format(report, "%zu %s\n", n, what);
    }
}

static void tell(const loader *l, mb_buffer *report) {
    const mb_calq_tally *tally = &l->rows.tally;
    const mb_calq_settings *s = &l->settings;
    mb_buffer_format(
        report, "%zu rows read from %zu files, %zu kept\n", tally->n_read, l->files.n, l->rows.n);
    tell_count(report, tally->n_bad, "rows are bad and left out");
    if (tally->n_forced > 0) {
        mb_buffer_format(report, "%zu charges in %zu rows were forced to 0 .. 4194303\n",
            tally->n_forced, tally->n_forced_rows);
    }
    tell_count(report, tally->n_partial, "rows of partial modules are masked");
    tell_count(
        report, tally->n_no_energy, "rows with an energy fraction of 0.05 or less are masked");
    tell_count(report, tally->n_empty, "rows have no charge and are left out");
    tell_count(report, tally->n_odd, "row has no second to be added and is left out");
    tell_count(report, tally->n_clipped, "charges above data.max_val were clipped");
    tell_count(report, tally->n_clones, "rows are copies with exchanged cells");
    const float *charges = mb_dataset_find(l->out, "charges")->dense.data;
    size_t n_hits = 0;
    size_t n_above = 0;
    for (size_t i = 0; i < l->rows.n * MB_CALQ_CELLS; i++) {
        n_hits += charges[i] > 0;
        n_above += charges[i] > MB_CALQ_COUNTS_A_MIPT;
    }
    mb_buffer_format(report,
        "a row has %.2f hit cells, %.2f above a MIPT, on average; images are %s\n",
        (double)n_hits / (double)l->rows.n, (double)n_above / (double)l->rows.n,
        s->arrangement->name);
}

// What was done to bad rows is said even where nobody asks for a report.
static void warn(const loader *l) {
    const mb_calq_tally *tally = &l->rows.tally;
    if (tally->n_bad > 0) {
        mb_notice(l->ctx, MB_NOTICE_WARNING, "data.on_bad", "%zu of %zu rows are bad and left out",
            tally->n_bad, tally->n_read);
    }
    if (tally->n_forced > 0) {
        mb_notice(l->ctx, MB_NOTICE_WARNING, "data.on_bad",
            "%zu charges in %zu rows were forced to 0 .. 4194303", tally->n_forced,
            tally->n_forced_rows);
    }
}

static mb_status run(loader *l, mb_buffer *report) {
    MB_TRY(mb_calq_settings_read(l->ctx, l->request, &l->settings));
    MB_TRY(mb_calq_files_find(l->ctx, l->request, &l->settings, &l->files));
    MB_TRY(read_files(l));
    warn(l);
    MB_TRY(keep_names(l));
    MB_TRY(mb_calq_columns_make(l->ctx, &l->settings, &l->rows, l->request->wants_label, l->out));
    if (l->settings.occ_reweight && l->request->n_files == 0) {
        MB_TRY(weigh(l));
    }
    if (report != NULL) {
        tell(l, report);
        MB_TRY(report->status);
    }
    return MB_OK;
}

mb_status mb_concentrator_load(
    mb_context *ctx, const mb_detector_request *request, mb_dataset *out, mb_buffer *report) {
    mb_dataset_init(out, ctx);
    loader *l = mb_allocate_zeroed(ctx, 1, sizeof *l);
    if (l == NULL) {
        return MB_ERR_MEMORY;
    }
    l->ctx = ctx;
    l->request = request;
    l->out = out;
    const mb_status status = run(l, report);
    if (status != MB_OK) {
        mb_dataset_clear(out);
    }
    mb_calq_rows_clear(&l->rows, ctx);
    mb_names_clear(&l->files);
    mb_release(ctx, l);
    return status;
}
