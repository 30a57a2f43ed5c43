// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "measure/profile.h"

#include "measure/sorted.h"

#include <math.h>
#include <stdlib.h>

typedef struct point {
    size_t bin;
    double y;
} point;

static int compare(const void *left, const void *right) {
    const point *a = left;
    const point *b = right;
    if (a->bin != b->bin) {
        return a->bin > b->bin ? 1 : -1;
    }
    return (a->y > b->y) - (a->y < b->y);
}

static bool find_bin(double x, const mb_profile *profile, double low, double high, size_t *bin) {
    if (!(x >= low && x <= high)) {
        return false;
    }
    const double place = (x - low) / (high - low) * (double)profile->n_bins;
    *bin = mb_min_size((size_t)place, profile->n_bins - 1);
    return true;
}

static void fill_bin(mb_profile_bin *bin, const point *points, double *values) {
    for (size_t i = 0; i < bin->n; i++) {
        values[i] = points[i].y;
    }
    if (bin->n > 0) {
        bin->median = mb_quantile_of_sorted(values, bin->n, 0.5);
        bin->low = mb_quantile_of_sorted(values, bin->n, 0.16);
        bin->high = mb_quantile_of_sorted(values, bin->n, 0.84);
    }
}

mb_status mb_profile_make(mb_profile *out, mb_context *ctx, mb_values x, mb_values y,
    const bool *use, size_t n_bins, double low, double high) {
    *out = (mb_profile){.runtime = mb_context_runtime(ctx)};
    if (n_bins == 0 || !(low < high)) {
        return mb_fail(ctx, MB_ERR_RANGE,
            "profile: %zu bins of %g .. %g; give at least one bin and a range", n_bins, low, high);
    }
    if (x.n != y.n) {
        return mb_fail(
            ctx, MB_ERR_SHAPE, "profile: %zu numbers against %zu; give one for each", y.n, x.n);
    }
    point *points = mb_allocate(ctx, x.n, sizeof *points);
    double *values = mb_allocate(ctx, x.n, sizeof *values);
    out->bin = mb_allocate_zeroed(ctx, n_bins, sizeof *out->bin);
    const bool has_room = points != NULL && values != NULL && out->bin != NULL;
    out->n_bins = has_room ? n_bins : 0;
    size_t n = 0;
    for (size_t i = 0; has_room && i < x.n; i++) {
        point *p = &points[n];
        p->y = mb_values_get(y, i);
        if ((use == NULL || use[i]) && isfinite(p->y) &&
            find_bin(mb_values_get(x, i), out, low, high, &p->bin)) {
            out->bin[p->bin].n++;
            n++;
        }
    }
    if (has_room && n > 1) {
        qsort(points, n, sizeof *points, compare);
    }
    size_t first = 0;
    for (size_t b = 0; b < out->n_bins; b++) {
        mb_profile_bin *bin = &out->bin[b];
        bin->centre = low + (high - low) * ((double)b + 0.5) / (double)n_bins;
        bin->median = bin->low = bin->high = NAN;
        fill_bin(bin, points + first, values);
        first += bin->n;
    }
    mb_release(ctx, points);
    mb_release(ctx, values);
    if (!has_room) {
        mb_profile_clear(out);
        return MB_ERR_MEMORY;
    }
    return MB_OK;
}

void mb_profile_clear(mb_profile *profile) {
    mb_runtime_release(profile->runtime, profile->bin);
    profile->bin = NULL;
    profile->n_bins = 0;
}
