// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "measure/emd.h"

#include "geometry/hex48.h"
#include "kernels/transport.h"
#include "measure/sorted.h"

#include <float.h>
#include <math.h>

mb_status mb_emd_metric_find(mb_emd_metric *out, mb_context *ctx, const char *name) {
    if (strcmp(name, "hex48") != 0) {
        return mb_fail(ctx, MB_ERR_ARG, "metric '%s': unknown; write hex48", name);
    }
    out->name = "hex48";
    out->n_cells = MB_HEX48_CELLS;
    for (size_t i = 0; i < MB_HEX48_CELLS; i++) {
        for (size_t j = 0; j < MB_HEX48_CELLS; j++) {
            out->distance[i][j] = mb_hex48_distance(i, j);
        }
    }
    return MB_OK;
}

// The charges times a power of two, so that no sum or product of sums leaves the range of double
// and whole charges stay whole. Returns their sum.
static double scale_charges(const double *from, size_t n, double threshold, double *to) {
    double most = 0;
    for (size_t i = 0; i < n; i++) {
        most = from[i] > most ? from[i] : most;
    }
    if (most == 0) {
        return 0;
    }
    int exponent = 0;
    if (most > 0x1p100 || most < 0x1p-100) {
        (void)frexp(most, &exponent);
    }
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        to[i] = exponent == 0 ? from[i] : ldexp(from[i], -exponent);
        sum += to[i];
    }
    if (threshold <= 0) {
        return sum;
    }
    const double whole = sum;
    sum = 0;
    for (size_t i = 0; i < n; i++) {
        to[i] = to[i] / whole < threshold ? 0 : to[i];
        sum += to[i];
    }
    return sum;
}

// What has to move, as a problem of its own.
typedef struct difference {
    size_t n_sources, n_sinks;
    uint8_t source[MB_EMD_CELLS], sink[MB_EMD_CELLS];
    double supply[MB_EMD_CELLS], demand[MB_EMD_CELLS];
    double cost[MB_EMD_CELLS * MB_EMD_CELLS / 4]; // (n_sources, n_sinks)
    bool is_turned; // sources are what b has more of: the solver likes few sources and many sinks
} difference;

static void take_difference(const mb_emd_metric *metric, const double *a, double sum_a,
    const double *b, double sum_b, difference *d) {
    double more[MB_EMD_CELLS];
    size_t n_more = 0;
    size_t n_less = 0;
    for (size_t i = 0; i < metric->n_cells; i++) {
        // Instead of a / sum_a - b / sum_b: whole charges give whole differences, which add up to
        // exactly 0.
        more[i] = a[i] * sum_b - b[i] * sum_a;
        n_more += more[i] > 0;
        n_less += more[i] < 0;
    }
    d->is_turned = n_more > n_less;
    d->n_sources = d->n_sinks = 0;
    for (size_t i = 0; i < metric->n_cells; i++) {
        const double left = d->is_turned ? -more[i] : more[i];
        if (left > 0) {
            d->source[d->n_sources] = (uint8_t)i;
            d->supply[d->n_sources++] = left;
        } else if (left < 0) {
            d->sink[d->n_sinks] = (uint8_t)i;
            d->demand[d->n_sinks++] = -left;
        }
    }
    for (size_t i = 0; i < d->n_sources; i++) {
        const double *row = metric->distance[d->source[i]];
        for (size_t j = 0; j < d->n_sinks; j++) {
            d->cost[i * d->n_sinks + j] = row[d->sink[j]];
        }
    }
}

// The duals of the sources, which are the few, carried to all cells: f(x) = max over sources of
// u - distance(source, x); the way back has the opposite sign.
static void fill_potential(
    const mb_emd_metric *metric, const difference *d, const mb_transport *work, double *potential) {
    const size_t n = metric->n_cells;
    double most[MB_EMD_CELLS];
    for (size_t x = 0; x < n; x++) {
        most[x] = -INFINITY;
    }
    for (size_t i = 0; i < d->n_sources; i++) {
        const double *row = metric->distance[d->source[i]];
        const double u = work->potential[i];
        for (size_t x = 0; x < n; x++) {
            const double f = u - row[x];
            most[x] = f > most[x] ? f : most[x];
        }
    }
    for (size_t x = 0; x < n; x++) {
        potential[x] = d->is_turned ? -most[x] : most[x];
    }
}

mb_status mb_emd_of_pictures(const mb_emd_metric *metric, mb_context *ctx, const double *a,
    const double *b, double threshold, double *potential, double *out) {
    double scaled_a[MB_EMD_CELLS];
    double scaled_b[MB_EMD_CELLS];
    if (potential != NULL) {
        memset(potential, 0, metric->n_cells * sizeof *potential);
    }
    const double sum_a = scale_charges(a, metric->n_cells, threshold, scaled_a);
    if (sum_a == 0) {
        *out = MB_EMD_EMPTY_INPUT;
        return MB_OK;
    }
    const double sum_b = scale_charges(b, metric->n_cells, threshold, scaled_b);
    if (sum_b == 0) {
        *out = MB_EMD_EMPTY_OUTPUT;
        return MB_OK;
    }
    difference d;
    take_difference(metric, scaled_a, sum_a, scaled_b, sum_b, &d);
    // One side alone is rounding: the pictures are the same.
    if (d.n_sources == 0 || d.n_sinks == 0) {
        *out = 0;
        return MB_OK;
    }
    mb_transport work;
    if (!mb_transport_solve(&work, d.n_sources, d.n_sinks, d.supply, d.demand, d.cost, d.n_sinks)) {
        return mb_fail(ctx, MB_ERR_INTERNAL,
            "emd: no optimum after %zu steps; please report these charges", work.n_pivots);
    }
    *out = mb_transport_cost(&work, d.cost, d.n_sinks) / (sum_a * sum_b);
    if (potential != NULL) {
        fill_potential(metric, &d, &work, potential);
    }
    return MB_OK;
}

typedef struct row_measure {
    const mb_emd_metric *metric;
    double threshold;
} row_measure;

static mb_status measure_pair(
    const void *user, mb_context *ctx, const double *a, const double *b, double *out) {
    const row_measure *m = user;
    return mb_emd_of_pictures(m->metric, ctx, a, b, m->threshold, NULL, out);
}

mb_status mb_emd_of_rows(const mb_emd_metric *metric, mb_context *ctx, const char *name_a,
    mb_values a, const char *name_b, mb_values b, double threshold, double *out) {
    const row_measure measure = {metric, threshold};
    const mb_row_pairs pairs = {
        {name_a, name_b}, {a, b}, metric->n_cells, DBL_MAX, measure_pair, &measure};
    return mb_row_pairs_measure(&pairs, ctx, out);
}

void mb_emd_summary_fill(mb_emd_summary *summary, double *values) {
    const size_t n = summary->n;
    summary->mean = summary->std = summary->low = summary->median = summary->high = NAN;
    if (n == 0) {
        return;
    }
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += values[i];
    }
    const double mean = sum / (double)n;
    double squares = 0;
    for (size_t i = 0; i < n; i++) {
        squares += (values[i] - mean) * (values[i] - mean);
    }
    summary->mean = mean;
    summary->std = sqrt(squares / (double)n);
    mb_sort_doubles(values, n);
    summary->low = mb_quantile_of_sorted(values, n, 0.16);
    summary->median = mb_quantile_of_sorted(values, n, 0.5);
    summary->high = mb_quantile_of_sorted(values, n, 0.84);
}

mb_status mb_emd_summarise(
    mb_emd_summary *out, mb_context *ctx, const double *distances, size_t n) {
    *out = (mb_emd_summary){.n = 0};
    double *sorted = mb_allocate(ctx, n, sizeof *sorted);
    if (sorted == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < n; i++) {
        if (distances[i] >= 0) {
            sorted[out->n++] = distances[i];
        } else {
            out->n_empty_input += distances[i] == MB_EMD_EMPTY_INPUT;
            out->n_empty_output += distances[i] == MB_EMD_EMPTY_OUTPUT;
        }
    }
    mb_emd_summary_fill(out, sorted);
    mb_release(ctx, sorted);
    return MB_OK;
}
