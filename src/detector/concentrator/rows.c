// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/concentrator/rows.h"

#include "base/random.h"

enum { CELLS = MB_CALQ_CELLS };

static mb_status make_room(mb_calq_rows *rows, mb_context *ctx, size_t n) {
    if (n > UINT32_MAX) {
        return mb_fail(ctx, MB_ERR_LIMIT,
            "data.files: more than %u rows; set data.max_rows or data.rows_per_file", UINT32_MAX);
    }
    if (n <= rows->capacity) {
        return MB_OK;
    }
    // One capacity for all arrays: each has at least that much.
    size_t capacity[4] = {
        rows->capacity * CELLS, rows->capacity, rows->capacity, rows->capacity * MB_CALQ_ENERGIES};
    const size_t wanted = mb_max_size(n, mb_max_size(2 * rows->capacity, 1024));
    MB_TRY(mb_grow(ctx, &rows->charge, &capacity[0], wanted * CELLS, sizeof *rows->charge));
    MB_TRY(mb_grow(ctx, &rows->event, &capacity[1], wanted, sizeof *rows->event));
    MB_TRY(mb_grow(ctx, &rows->file, &capacity[2], wanted, sizeof *rows->file));
    if (rows->settings->save_energy) {
        MB_TRY(mb_grow(
            ctx, &rows->energy, &capacity[3], wanted * MB_CALQ_ENERGIES, sizeof *rows->energy));
    }
    rows->capacity = wanted;
    return MB_OK;
}

static bool is_selected(mb_calq_rows *rows, const mb_calq_layout *layout, const mb_calq_row *row) {
    const mb_calq_settings *s = rows->settings;
    if (s->mask_partials && !row->is_whole) {
        rows->tally.n_partial++;
        return false;
    }
    if (s->mask_energies && layout->has[MB_CALQ_ENERGY_FRACTION] && !(row->energy[2] > 0.05)) {
        rows->tally.n_no_energy++;
        return false;
    }
    for (size_t i = 0; i < CELLS; i++) {
        if ((float)row->charge[i] > 0) {
            return true;
        }
    }
    rows->tally.n_empty++;
    return false;
}

static void put_charges(
    const mb_calq_settings *s, const mb_calq_row *row, bool is_added, float *to) {
    for (size_t i = 0; i < CELLS; i++) {
        const size_t cell = s->is_ae_order ? mb_arrangement_ae_cell(i) : i;
        to[cell] = (float)(row->charge[i] + (is_added ? (double)to[cell] : 0));
    }
}

static mb_status add_row(
    mb_calq_rows *rows, mb_context *ctx, const mb_calq_row *row, uint32_t file) {
    const mb_calq_settings *s = rows->settings;
    const bool is_second = rows->is_pair_open;
    rows->is_pair_open = s->double_rows && !is_second;
    if (!is_second) {
        MB_TRY(make_room(rows, ctx, rows->n + 1));
        rows->event[rows->n] = row->entry;
        rows->file[rows->n++] = file;
    }
    const size_t k = rows->n - 1;
    put_charges(s, row, is_second, rows->charge + k * CELLS);
    for (size_t i = 0; rows->energy != NULL && i < MB_CALQ_ENERGIES; i++) {
        float *energy = &rows->energy[k * MB_CALQ_ENERGIES + i];
        *energy = (float)(row->energy[i] + (is_second ? (double)*energy : 0));
    }
    return MB_OK;
}

static mb_status check_columns(
    mb_calq_rows *rows, mb_context *ctx, const mb_calq_layout *layout, const mb_lines *lines) {
    const mb_calq_settings *s = rows->settings;
    if (s->mask_partials && !layout->has[MB_CALQ_MODULE_TYPE]) {
        return mb_lines_fail(lines,
            "there is no column ModType, which data.mask_partials needs; add it, or leave "
            "data.mask_partials out");
    }
    if (s->mask_energies && !layout->has[MB_CALQ_ENERGY_FRACTION] && !rows->lacks_fraction) {
        rows->lacks_fraction = true;
        mb_notice(ctx, MB_NOTICE_WARNING, lines->name,
            "there is no column SimEnergyFraction: data.mask_energies keeps all rows");
    }
    for (size_t i = 0; i < MB_CALQ_ENERGIES; i++) {
        rows->has_energy[i] = rows->has_energy[i] || layout->has[MB_CALQ_ENERGY_TOTAL + i];
    }
    return MB_OK;
}

// The first line that says something, or NULL.
static mb_status next_line(mb_lines *lines, char **text, size_t *length) {
    do {
        MB_TRY(mb_lines_next(lines, text, length));
    } while (*text != NULL && *length == 0);
    return MB_OK;
}

static mb_status take_line(mb_calq_rows *rows, mb_context *ctx, const mb_calq_layout *layout,
    const mb_lines *lines, const char *text, size_t length, uint32_t file, size_t n_before) {
    mb_calq_row row;
    mb_calq_problem problem;
    size_t n_forced;
    const int on_bad = rows->settings->on_bad;
    rows->tally.n_read++;
    if (!mb_calq_row_read(
            layout, text, length, on_bad == MB_CALQ_ON_BAD_CLIP, &row, &n_forced, &problem)) {
        if (on_bad != MB_CALQ_ON_BAD_DROP) {
            return mb_calq_fail(layout, lines, &problem);
        }
        rows->tally.n_bad++;
        return MB_OK;
    }
    rows->tally.n_forced += n_forced;
    rows->tally.n_forced_rows += n_forced > 0;
    if (!layout->has[MB_CALQ_ENTRY]) {
        row.entry = (int64_t)n_before;
    }
    return is_selected(rows, layout, &row) ? add_row(rows, ctx, &row, file) : MB_OK;
}

mb_status mb_calq_rows_read_lines(
    mb_calq_rows *rows, mb_context *ctx, mb_lines *lines, uint32_t file) {
    const mb_calq_settings *s = rows->settings;
    const size_t most = s->max_rows < 0 ? SIZE_MAX : (size_t)s->max_rows;
    char *text;
    size_t length;
    mb_calq_layout layout;
    MB_TRY(next_line(lines, &text, &length));
    if (text == NULL) {
        return mb_fail(lines->ctx, MB_ERR_FORMAT, "%s: the file is empty; give a file of charges",
            lines->name);
    }
    MB_TRY(mb_calq_layout_read(&layout, lines, text, length, s->header));
    MB_TRY(check_columns(rows, ctx, &layout, lines));
    if (layout.has_header || s->loses_first_line) {
        MB_TRY(next_line(lines, &text, &length));
    }
    for (size_t n = 0; text != NULL && n < s->rows_per_file && rows->tally.n_read < most; n++) {
        MB_TRY(take_line(rows, ctx, &layout, lines, text, length, file, n));
        MB_TRY(next_line(lines, &text, &length));
    }
    return MB_OK;
}

mb_status mb_calq_rows_read(mb_calq_rows *rows, mb_context *ctx, const char *path, uint32_t file) {
    mb_lines lines = {0};
    mb_status status = mb_lines_open(&lines, ctx, path);
    if (status == MB_OK) {
        status = mb_calq_rows_read_lines(rows, ctx, &lines, file);
    }
    mb_lines_close(&lines);
    return status;
}

static size_t count_hits(const float *charge) {
    size_t n = 0;
    for (size_t i = 0; i < CELLS; i++) {
        n += charge[i] > 0;
    }
    return n;
}

static mb_status make_clones(mb_calq_rows *rows, mb_context *ctx, uint64_t seed) {
    const mb_calq_settings *s = rows->settings;
    const size_t n = rows->n;
    for (size_t copy = 0; copy < s->clone_copies; copy++) {
        uint32_t order[CELLS];
        for (uint32_t i = 0; i < CELLS; i++) {
            order[i] = i;
        }
        mb_random random = mb_random_stream(seed, MB_PURPOSE_SYNTHETIC, (uint32_t)copy, 0);
        mb_random_shuffle(&random, order, CELLS);
        for (size_t k = 0; k < n; k++) {
            const size_t n_hits = count_hits(rows->charge + k * CELLS);
            if (n_hits <= s->clone_low || n_hits > s->clone_high) {
                continue;
            }
            MB_TRY(make_room(rows, ctx, rows->n + 1));
            for (size_t i = 0; i < CELLS; i++) {
                rows->charge[rows->n * CELLS + i] = rows->charge[k * CELLS + order[i]];
            }
            for (size_t i = 0; rows->energy != NULL && i < MB_CALQ_ENERGIES; i++) {
                rows->energy[rows->n * MB_CALQ_ENERGIES + i] =
                    rows->energy[k * MB_CALQ_ENERGIES + i];
            }
            rows->event[rows->n] = rows->event[k];
            rows->file[rows->n++] = rows->file[k];
        }
    }
    rows->tally.n_clones = rows->n - n;
    return MB_OK;
}

mb_status mb_calq_rows_finish(mb_calq_rows *rows, mb_context *ctx, uint64_t seed) {
    const mb_calq_settings *s = rows->settings;
    if (rows->is_pair_open) {
        rows->n--;
        rows->tally.n_odd = 1;
        rows->is_pair_open = false;
    }
    for (size_t i = 0; s->max_val >= 0 && i < rows->n * CELLS; i++) {
        if ((double)rows->charge[i] > (double)s->max_val) {
            rows->charge[i] = (float)s->max_val;
            rows->tally.n_clipped++;
        }
    }
    return make_clones(rows, ctx, seed);
}

void mb_calq_rows_clear(mb_calq_rows *rows, mb_context *ctx) {
    mb_release(ctx, rows->charge);
    mb_release(ctx, rows->event);
    mb_release(ctx, rows->file);
    mb_release(ctx, rows->energy);
    rows->charge = rows->energy = NULL;
    rows->event = NULL;
    rows->file = NULL;
    rows->n = rows->capacity = 0;
}
