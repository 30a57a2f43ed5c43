// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/concentrator/pictures.h"

#include "base/random.h"
#include "detector/concentrator/load.h"

enum { CELLS = MB_CALQ_CELLS };

static mb_status put_modules(
    mb_context *ctx, const mb_dataset *dataset, uint64_t seed, mb_bundle *out) {
    const size_t n_all = dataset->n_rows;
    const size_t n = mb_min_size(n_all, MB_CALQ_PICTURE_MODULES);
    const size_t shape[2] = {n, CELLS};
    const float *charges = mb_dataset_find(dataset, "charges")->dense.data;
    mb_array modules = {0};
    mb_array events = {0};
    mb_random random = mb_random_stream(seed, MB_PURPOSE_TEST, 0, 0);
    mb_status status = mb_array_init(&modules, ctx, MB_F32, 2, shape);
    if (status == MB_OK) {
        status = mb_array_init(&events, ctx, MB_I64, 1, shape);
    }
    for (size_t i = 0; i < n && status == MB_OK; i++) {
        // One of each n-th part: different ones, in the order of the files.
        const size_t first = n_all * i / n;
        const size_t row = first + (size_t)mb_random_below(&random, n_all * (i + 1) / n - first);
        memcpy((float *)modules.data + i * CELLS, charges + row * CELLS, CELLS * sizeof(float));
        ((int64_t *)events.data)[i] = dataset->event[row];
    }
    if (status == MB_OK) {
        status = mb_bundle_put(out, ctx, "charges", &modules);
    }
    if (status == MB_OK) {
        status = mb_bundle_put(out, ctx, "event", &events);
    }
    mb_array_clear(&modules);
    mb_array_clear(&events);
    return status;
}

enum { OCCUPANCY, ABOVE, LARGEST, SUM, N_FIGURES };
static const char *const figure_names[N_FIGURES] = {"occupancy", "above", "largest", "sum"};

static double figure_of(int which, const float *charge) {
    double value = 0;
    for (size_t i = 0; i < CELLS; i++) {
        const double q = (double)charge[i];
        value = which == OCCUPANCY ? value + (q > 0)
                : which == ABOVE   ? value + (q > MB_CALQ_COUNTS_A_MIPT)
                : which == SUM     ? value + q
                : q > value        ? q
                                   : value;
    }
    return which >= LARGEST ? value / MB_CALQ_COUNTS_A_MIPT : value;
}

static mb_status put_figure(mb_context *ctx, const mb_dataset *dataset, int which, mb_bundle *out) {
    const float *charges = mb_dataset_find(dataset, "charges")->dense.data;
    mb_array values;
    MB_TRY(mb_array_init(&values, ctx, MB_F32, 1, &dataset->n_rows));
    for (size_t i = 0; i < dataset->n_rows; i++) {
        ((float *)values.data)[i] = (float)figure_of(which, charges + i * CELLS);
    }
    return mb_bundle_put(out, ctx, figure_names[which], &values);
}

mb_status mb_concentrator_pictures_of(
    mb_context *ctx, const mb_dataset *dataset, uint64_t seed, mb_bundle *out) {
    mb_bundle_init(out, ctx);
    mb_status status = put_modules(ctx, dataset, seed, out);
    for (int which = 0; which < N_FIGURES && status == MB_OK; which++) {
        status = put_figure(ctx, dataset, which, out);
    }
    if (status != MB_OK) {
        mb_bundle_clear(out);
    }
    return status;
}

mb_status mb_concentrator_pictures(
    mb_context *ctx, const mb_detector_request *request, mb_bundle *out) {
    mb_dataset dataset;
    mb_bundle_init(out, ctx);
    mb_status status = mb_concentrator_load(ctx, request, &dataset, NULL);
    if (status == MB_OK) {
        status = mb_concentrator_pictures_of(ctx, &dataset, request->seed, out);
    }
    mb_dataset_clear(&dataset);
    return status;
}
