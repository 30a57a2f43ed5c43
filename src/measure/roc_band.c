// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "measure/roc_band.h"

#include "base/math.h"
#include "base/random.h"
#include "base/threads.h"
#include "measure/roc.h"

#include <math.h>

static mb_status check_label(mb_context *ctx, mb_values labels, size_t i) {
    const double label = mb_values_get(labels, i);
    if (label == 0.0 || label == 1.0) {
        return MB_OK;
    }
    return mb_fail(ctx, MB_ERR_FORMAT,
        "labels: row %zu is %g; labels are 0 (background) or 1 (signal)", i, label);
}

// Every n-th of m places, from place i on.
static size_t count_every(size_t m, size_t n, size_t i) {
    return (m + n - 1 - i) / n;
}

// Events of each class in each fold: the classes are laid end to end, the one that is met first
// before the other, and dealt out one by one.
static mb_status size_folds(
    mb_context *ctx, mb_values labels, size_t n_folds, size_t n[2], unsigned *first) {
    n[0] = n[1] = 0;
    if (n_folds < 2 || n_folds > UINT32_MAX) {
        return mb_fail(ctx, MB_ERR_RANGE, "folds: %zu; take 2 or more", n_folds);
    }
    for (size_t i = 0; i < labels.n; i++) {
        MB_TRY(check_label(ctx, labels, i));
        n[mb_values_get(labels, i) == 1.0 ? 1 : 0]++;
    }
    for (unsigned c = 0; c < 2; c++) {
        if (n[c] < n_folds) {
            return mb_fail(ctx, MB_ERR_FORMAT,
                "folds: %zu folds of %zu %s events; every fold needs one of each class, take fewer "
                "folds",
                n_folds, n[c], c == 1 ? "signal" : "background");
        }
    }
    *first = mb_values_get(labels, 0) == 1.0 ? 1 : 0;
    return MB_OK;
}

// The folds of the events of a class in their order.
static void fill_class(uint32_t *folds, size_t n_folds, size_t before, size_t n) {
    size_t at = 0;
    for (size_t f = 0; f < n_folds; f++) {
        const size_t size = count_every(before + n, n_folds, f) - count_every(before, n_folds, f);
        for (size_t i = 0; i < size; i++) {
            folds[at++] = (uint32_t)f;
        }
    }
}

static mb_status make_folds(
    mb_context *ctx, mb_values labels, size_t n_folds, const uint64_t *seed, uint32_t *fold) {
    size_t n[2];
    unsigned first = 0;
    MB_TRY(size_folds(ctx, labels, n_folds, n, &first));
    uint32_t *of_class[2] = {
        mb_allocate(ctx, n[0], sizeof(uint32_t)), mb_allocate(ctx, n[1], sizeof(uint32_t))};
    const bool is_ready = of_class[0] != NULL && of_class[1] != NULL;
    for (unsigned c = 0; is_ready && c < 2; c++) {
        fill_class(of_class[c], n_folds, c == first ? 0 : n[first], n[c]);
        if (seed != NULL) {
            mb_random random = mb_random_stream(*seed, MB_PURPOSE_FOLDS, 0, c);
            mb_random_shuffle(&random, of_class[c], n[c]);
        }
    }
    size_t at[2] = {0, 0};
    for (size_t i = 0; is_ready && i < labels.n; i++) {
        const unsigned c = mb_values_get(labels, i) == 1.0 ? 1 : 0;
        fold[i] = of_class[c][at[c]++];
    }
    mb_release(ctx, of_class[0]);
    mb_release(ctx, of_class[1]);
    return is_ready ? MB_OK : MB_ERR_MEMORY;
}

mb_status mb_folds_consecutive(mb_context *ctx, mb_values labels, size_t n_folds, uint32_t *fold) {
    return make_folds(ctx, labels, n_folds, NULL, fold);
}

mb_status mb_folds_random(
    mb_context *ctx, mb_values labels, size_t n_folds, uint64_t seed, uint32_t *fold) {
    return make_folds(ctx, labels, n_folds, &seed, fold);
}

void mb_false_rates_log(double *false_rate, size_t n_points, double lowest) {
    const double step = mb_log(lowest) / (double)(n_points - 1);
    for (size_t i = 0; i < n_points; i++) {
        false_rate[i] = mb_exp((double)(n_points - 1 - i) * step);
    }
    false_rate[0] = lowest;
    false_rate[n_points - 1] = 1;
}

static mb_status check(mb_context *ctx, mb_values scores, mb_values labels, const uint32_t *fold,
    size_t n_folds, const double *false_rate, size_t n_points) {
    if (scores.n != labels.n) {
        return mb_fail(ctx, MB_ERR_SHAPE,
            "labels: %zu labels for %zu scores; give one label for each score", labels.n, scores.n);
    }
    if (n_folds < 2 || n_points < 2) {
        return mb_fail(ctx, MB_ERR_RANGE,
            "ROC band: %zu folds and %zu points; take 2 or more of each", n_folds, n_points);
    }
    for (size_t i = 0; i < n_points; i++) {
        if (!(false_rate[i] >= 0 && false_rate[i] <= 1) ||
            (i > 0 && !(false_rate[i - 1] < false_rate[i]))) {
            return mb_fail(ctx, MB_ERR_RANGE,
                "ROC band: false rate %zu is %g; they must rise within 0 to 1", i, false_rate[i]);
        }
    }
    for (size_t i = 0; i < scores.n; i++) {
        MB_TRY(check_label(ctx, labels, i));
        if (isnan(mb_values_get(scores, i))) {
            return mb_fail(ctx, MB_ERR_RANGE,
                "scores: row %zu is not a number; find out where the NaN comes from and leave such "
                "events out",
                i);
        }
        if (fold[i] >= n_folds) {
            return mb_fail(ctx, MB_ERR_RANGE,
                "ROC band: row %zu is in fold %lu of %zu; count from 0", i, (unsigned long)fold[i],
                n_folds);
        }
    }
    return MB_OK;
}

typedef struct banding {
    mb_roc_band *band;
    mb_values scores, labels;
    const uint32_t *fold;
} banding;

// The events of one fold, scores in their own type.
static size_t gather(const banding *b, size_t fold, char *scores, float *labels) {
    const size_t size = mb_dtype_size(b->scores.dtype);
    size_t n = 0;
    for (size_t i = 0; i < b->scores.n; i++) {
        if (b->fold[i] == fold) {
            memcpy(scores + n * size, (const char *)b->scores.data + i * size, size);
            labels[n++] = (float)mb_values_get(b->labels, i);
        }
    }
    return n;
}

static mb_status make_fold(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)worker;
    const banding *b = user;
    mb_roc_band *band = b->band;
    mb_roc roc = {.runtime = NULL};
    char *scores = mb_allocate(ctx, b->scores.n, mb_dtype_size(b->scores.dtype));
    float *labels = mb_allocate(ctx, b->scores.n, sizeof *labels);
    mb_status status = scores == NULL || labels == NULL ? MB_ERR_MEMORY : MB_OK;
    if (status == MB_OK) {
        const size_t n = gather(b, task, scores, labels);
        status = mb_roc_make(
            &roc, ctx, (mb_values){b->scores.dtype, n, scores}, (mb_values){MB_F32, n, labels});
        status = status == MB_OK ? status : mb_fail_within(ctx, "fold %zu", task);
    }
    if (status == MB_OK) {
        double *true_rate = band->true_rate + task * band->n_points;
        for (size_t i = 0; i < band->n_points; i++) {
            const double at = band->false_rate[i];
            true_rate[i] = at == 0 ? 0 : at == 1 ? 1 : mb_roc_true_rate_at(&roc, at);
        }
        band->auc[task] = roc.auc;
    }
    mb_roc_clear(&roc);
    mb_release(ctx, labels);
    mb_release(ctx, scores);
    return status;
}

// Mean and deviation of n numbers, each step after the other.
static void summarise(const double *x, size_t n, size_t step, double *mean, double *deviation) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += x[i * step];
    }
    *mean = sum / (double)n;
    double squares = 0;
    for (size_t i = 0; i < n; i++) {
        const double difference = x[i * step] - *mean;
        squares += difference * difference;
    }
    *deviation = sqrt(squares / (double)n);
}

static void conclude(mb_roc_band *band) {
    for (size_t i = 0; i < band->n_points; i++) {
        summarise(band->true_rate + i, band->n_folds, band->n_points, &band->mean[i],
            &band->deviation[i]);
    }
    summarise(band->auc, band->n_folds, 1, &band->auc_mean, &band->auc_deviation);
    for (size_t i = 1; i < band->n_points; i++) {
        band->auc_of_mean += (band->false_rate[i] - band->false_rate[i - 1]) *
                             (band->mean[i] + band->mean[i - 1]) / 2;
    }
}

mb_status mb_roc_band_make(mb_roc_band *out, mb_context *ctx, mb_values scores, mb_values labels,
    const uint32_t *fold, size_t n_folds, const double *false_rate, size_t n_points) {
    *out = (mb_roc_band){.runtime = mb_context_runtime(ctx)};
    MB_TRY(check(ctx, scores, labels, fold, n_folds, false_rate, n_points));
    out->n_folds = n_folds;
    out->n_points = n_points;
    mb_status status = MB_ERR_MEMORY;
    if (n_points > SIZE_MAX / n_folds) {
        return mb_fail(
            ctx, MB_ERR_LIMIT, "ROC band: %zu folds of %zu points; take fewer", n_folds, n_points);
    }
    out->false_rate = mb_allocate(ctx, n_points, sizeof *out->false_rate);
    out->true_rate = mb_allocate(ctx, n_points * n_folds, sizeof *out->true_rate);
    out->mean = mb_allocate(ctx, n_points, sizeof *out->mean);
    out->deviation = mb_allocate(ctx, n_points, sizeof *out->deviation);
    out->auc = mb_allocate(ctx, n_folds, sizeof *out->auc);
    if (out->false_rate != NULL && out->true_rate != NULL && out->mean != NULL &&
        out->deviation != NULL && out->auc != NULL) {
        memcpy(out->false_rate, false_rate, n_points * sizeof *false_rate);
        banding b = {out, scores, labels, fold};
        status = mb_parallel(ctx, n_folds, make_fold, &b);
    }
    if (status == MB_OK) {
        conclude(out);
    } else {
        mb_roc_band_clear(out);
    }
    return status;
}

void mb_roc_band_clear(mb_roc_band *band) {
    if (band->runtime != NULL) {
        mb_runtime_release(band->runtime, band->false_rate);
        mb_runtime_release(band->runtime, band->true_rate);
        mb_runtime_release(band->runtime, band->mean);
        mb_runtime_release(band->runtime, band->deviation);
        mb_runtime_release(band->runtime, band->auc);
    }
    *band = (mb_roc_band){.runtime = NULL};
}
