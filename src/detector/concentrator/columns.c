// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/concentrator/columns.h"

#include "base/threads.h"

#include <math.h>

enum { CELLS = MB_CALQ_CELLS, ROWS_A_TASK = 1024 };
// Up to here an image is kept, ready for training to read where it lies; larger ones are made batch
// by batch, of the charges.
static const size_t most_image_bytes = (size_t)1 << 29;

// The power of two at or below a sum; 1 for 0.
static double scale_of(double sum) {
    if (!(sum > 0)) {
        return 1;
    }
    int exponent;
    (void)frexp(sum, &exponent);
    return ldexp(1, exponent - 1);
}

typedef struct image {
    const mb_arrangement *arrangement;
    mb_calq_normalise normalise;
    bool with_duplicates;
    const float *charges; // (rows, 48), of the dataset's own column
} image;

static double sum_of(const float *charges) {
    double sum = 0;
    for (size_t i = 0; i < CELLS; i++) {
        sum += (double)charges[i];
    }
    return sum;
}

static double largest_of(const float *charges) {
    float largest = 0;
    for (size_t i = 0; i < CELLS; i++) {
        largest = charges[i] > largest ? charges[i] : largest;
    }
    return (double)largest;
}

static double divisor_of(mb_calq_normalise normalise, const float *charges) {
    const double whole = normalise == MB_CALQ_MAX ? largest_of(charges) : sum_of(charges);
    if (normalise == MB_CALQ_POWER2) {
        return scale_of(whole);
    }
    return whole > 0 ? whole : 1;
}

static void make_image(const image *it, const float *charges, float *out) {
    const mb_arrangement *a = it->arrangement;
    const double divisor = divisor_of(it->normalise, charges);
    float cells[CELLS];
    for (size_t i = 0; i < CELLS; i++) {
        cells[i] = (float)((double)charges[i] / divisor);
    }
    if (!it->with_duplicates) {
        mb_arrangement_image(a, cells, out);
        return;
    }
    for (size_t i = 0; i < a->n_pixels; i++) {
        out[i] = a->cell[i] != MB_ARRANGE_NO_CELL ? cells[a->cell[i]] : 0;
    }
}

static mb_status make_rows(
    const mb_column *column, mb_context *ctx, const uint32_t *rows, size_t n, float *out) {
    (void)ctx;
    const image *it = column->state;
    for (size_t i = 0; i < n; i++) {
        make_image(it, it->charges + (size_t)rows[i] * CELLS, out + i * column->size);
    }
    return MB_OK;
}

typedef struct whole {
    const image *it;
    size_t n_rows;
    float *out;
} whole;

static mb_status make_task(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)ctx;
    (void)worker;
    const whole *w = user;
    const size_t end = mb_min_size((task + 1) * ROWS_A_TASK, w->n_rows);
    for (size_t i = task * ROWS_A_TASK; i < end; i++) {
        make_image(w->it, w->it->charges + i * CELLS, w->out + i * w->it->arrangement->n_pixels);
    }
    return MB_OK;
}

static mb_status fill_whole(mb_context *ctx, mb_column *column, size_t n_rows, const image *it) {
    size_t shape[MB_MAX_RANK] = {n_rows};
    memcpy(shape + 1, column->shape, column->rank * sizeof *shape);
    column->kind = MB_COLUMN_DENSE;
    MB_TRY(mb_array_init(&column->dense, ctx, MB_F32, column->rank + 1, shape));
    whole w = {it, n_rows, column->dense.data};
    return mb_parallel(ctx, (n_rows + ROWS_A_TASK - 1) / ROWS_A_TASK, make_task, &w);
}

mb_status mb_concentrator_image_add(mb_context *ctx, mb_dataset *dataset, const char *column,
    mb_column_role role, const mb_arrangement *arrangement, mb_calq_normalise normalise,
    bool with_duplicates) {
    const mb_column *charges = mb_dataset_find(dataset, "charges");
    if (charges == NULL || charges->kind != MB_COLUMN_DENSE || charges->dense.dtype != MB_F32 ||
        charges->size != CELLS) {
        return mb_fail(ctx, MB_ERR_SHAPE,
            "data: there are no charges of a module to make '%s' of; take data.source: "
            "concentrator",
            column);
    }
    const image it = {arrangement, normalise, with_duplicates, charges->dense.data};
    mb_column *out;
    MB_TRY(mb_dataset_add_column(dataset, ctx, column, role, &out));
    out->dtype = MB_F32;
    out->rank = arrangement->rank;
    memcpy(out->shape, arrangement->shape, sizeof arrangement->shape);
    out->size = arrangement->n_pixels;
    if (dataset->n_rows <= most_image_bytes / (out->size * sizeof(float))) {
        return fill_whole(ctx, out, dataset->n_rows, &it);
    }
    image *state = mb_arena_allocate(&dataset->arena, ctx, 1, sizeof *state);
    if (state == NULL) {
        return MB_ERR_MEMORY;
    }
    *state = it;
    out->kind = MB_COLUMN_MADE;
    out->make = make_rows;
    out->state = state;
    return MB_OK;
}

static mb_status add_numbers(
    mb_context *ctx, mb_dataset *dataset, const char *name, float **values) {
    mb_column *column;
    MB_TRY(mb_dataset_add_column(dataset, ctx, name, MB_ROLE_EXTRA, &column));
    column->kind = MB_COLUMN_DENSE;
    column->dtype = MB_F32;
    column->size = 1;
    const size_t shape[1] = {dataset->n_rows};
    MB_TRY(mb_array_init(&column->dense, ctx, MB_F32, 1, shape));
    *values = column->dense.data;
    return MB_OK;
}

// The rows' own memory becomes the column's: there may be gigabytes.
static mb_status add_charges(mb_context *ctx, mb_dataset *dataset, mb_calq_rows *rows) {
    mb_column *column;
    MB_TRY(mb_dataset_add_column(dataset, ctx, "charges", MB_ROLE_EXTRA, &column));
    column->kind = MB_COLUMN_DENSE;
    column->dtype = MB_F32;
    column->rank = 1;
    column->shape[0] = CELLS;
    column->size = CELLS;
    column->dense = (mb_array){.dtype = MB_F32,
        .rank = 2,
        .shape = {rows->n, CELLS},
        .data = rows->charge,
        .runtime = mb_context_runtime(ctx)};
    rows->charge = NULL;
    return MB_OK;
}

static mb_status add_sums(mb_context *ctx, mb_dataset *dataset) {
    float *scale;
    float *sum;
    MB_TRY(add_numbers(ctx, dataset, "scale", &scale));
    MB_TRY(add_numbers(ctx, dataset, "charge_sum", &sum));
    const float *charges = mb_dataset_find(dataset, "charges")->dense.data;
    for (size_t i = 0; i < dataset->n_rows; i++) {
        const double whole_sum = sum_of(charges + i * CELLS);
        scale[i] = (float)scale_of(whole_sum);
        sum[i] = (float)whole_sum;
    }
    return MB_OK;
}

static mb_status add_energies(mb_context *ctx, const mb_calq_rows *rows, mb_dataset *dataset) {
    for (size_t k = 0; rows->energy != NULL && k < MB_CALQ_ENERGIES; k++) {
        float *energy;
        if (!rows->has_energy[k]) {
            continue;
        }
        MB_TRY(add_numbers(ctx, dataset, mb_calq_energy_names[k], &energy));
        for (size_t i = 0; i < dataset->n_rows; i++) {
            energy[i] = rows->energy[i * MB_CALQ_ENERGIES + k];
        }
    }
    return MB_OK;
}

mb_status mb_calq_columns_make(mb_context *ctx, const mb_calq_settings *settings,
    mb_calq_rows *rows, bool wants_label, mb_dataset *out) {
    MB_TRY(mb_dataset_set_rows(out, ctx, rows->n));
    memcpy(out->event, rows->event, rows->n * sizeof *rows->event);
    memcpy(out->file, rows->file, rows->n * sizeof *rows->file);
    MB_TRY(add_charges(ctx, out, rows));
    const mb_calq_normalise normalise = (mb_calq_normalise)settings->normalise;
    MB_TRY(mb_concentrator_image_add(
        ctx, out, "image", MB_ROLE_INPUT, settings->arrangement, normalise, false));
    if (wants_label) {
        MB_TRY(mb_concentrator_image_add(
            ctx, out, "target", MB_ROLE_TARGET, settings->arrangement, normalise, false));
    }
    MB_TRY(add_sums(ctx, out));
    return add_energies(ctx, rows, out);
}

enum { BINS = 50 };

typedef struct bins {
    size_t largest, above;
} bins;

static size_t bin_of(double value) {
    return value >= BINS ? BINS - 1 : (size_t)value;
}

static bins bins_of(const float *charges) {
    size_t n_above = 0;
    for (size_t i = 0; i < CELLS; i++) {
        n_above += charges[i] > MB_CALQ_COUNTS_A_MIPT;
    }
    return (bins){bin_of(largest_of(charges) / MB_CALQ_COUNTS_A_MIPT), bin_of((double)n_above)};
}

mb_status mb_calq_weights_set(mb_context *ctx, mb_dataset *dataset) {
    const float *charges = mb_dataset_find(dataset, "charges")->dense.data;
    double n_largest[BINS] = {0};
    double n_above[BINS] = {0};
    double *weight = mb_allocate(ctx, dataset->n_rows, sizeof *weight);
    if (weight == NULL) {
        return MB_ERR_MEMORY;
    }
    double sum = 0;
    double n_train = 0;
    for (size_t i = 0; i < dataset->n_rows; i++) {
        if (dataset->split[i] == MB_SPLIT_TRAIN) {
            const bins b = bins_of(charges + i * CELLS);
            n_largest[b.largest]++;
            n_above[b.above]++;
            n_train++;
        }
    }
    for (size_t i = 0; i < dataset->n_rows; i++) {
        const bins b = bins_of(charges + i * CELLS);
        weight[i] = 1 / fmax(n_largest[b.largest], 1) / fmax(n_above[b.above], 1);
        sum += dataset->split[i] == MB_SPLIT_TRAIN ? weight[i] : 0;
    }
    const double factor = sum > 0 ? n_train / sum : 1;
    dataset->weight = mb_allocate(ctx, dataset->n_rows, sizeof *dataset->weight);
    for (size_t i = 0; dataset->weight != NULL && i < dataset->n_rows; i++) {
        dataset->weight[i] = (float)(weight[i] * factor);
    }
    mb_release(ctx, weight);
    return dataset->weight != NULL ? MB_OK : MB_ERR_MEMORY;
}
