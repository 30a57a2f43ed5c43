// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "measure/efficiency.h"

#include <math.h>

enum { FEW_EVENTS = 5 };

mb_efficiency mb_efficiency_of(uint64_t k, uint64_t n) {
    mb_efficiency out = {.k = k, .n = n};
    if (n == 0) {
        out.value = out.error = out.low = out.high = NAN;
        return out;
    }
    const double total = (double)n;
    out.value = (double)k / total;
    out.is_wilson = k < FEW_EVENTS || n - k < FEW_EVENTS;
    if (!out.is_wilson) {
        out.error = sqrt(out.value * (1 - out.value) / total);
        out.low = out.value - out.error;
        out.high = out.value + out.error;
        return out;
    }
    // Wilson's interval with z = 1.
    const double center = (out.value + 0.5 / total) / (1 + 1 / total);
    const double half =
        sqrt(out.value * (1 - out.value) / total + 0.25 / (total * total)) / (1 + 1 / total);
    out.low = k == 0 ? 0 : center - half;
    out.high = k == n ? 1 : center + half;
    out.error = half;
    return out;
}

static size_t bin_of(const double *edge, size_t n_bins, double x) {
    if (!(x >= edge[0] && x <= edge[n_bins])) {
        return n_bins;
    }
    size_t low = 0;
    size_t high = n_bins - 1;
    while (low < high) {
        const size_t middle = low + (high - low + 1) / 2;
        if (edge[middle] <= x) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    return low;
}

static mb_status check(
    mb_context *ctx, mb_values x, mb_values scores, const double *edge, size_t n_bins) {
    if (x.n != scores.n) {
        return mb_fail(ctx, MB_ERR_SHAPE,
            "turn-on: %zu scores for %zu events; give one score for each event", scores.n, x.n);
    }
    for (size_t i = 0; i < n_bins; i++) {
        if (!(edge[i] < edge[i + 1])) {
            return mb_fail(ctx, MB_ERR_RANGE,
                "turn-on: edge %zu is not below the next; let the "
                "edges rise",
                i);
        }
    }
    return n_bins > 0 ? MB_OK
                      : mb_fail(ctx, MB_ERR_RANGE,
                            "turn-on: no bins; give two edges or "
                            "more");
}

mb_status mb_turn_on_make(mb_turn_on *out, mb_context *ctx, mb_values x, mb_values scores,
    double threshold, const double *edge, size_t n_bins) {
    *out = (mb_turn_on){.runtime = mb_context_runtime(ctx)};
    MB_TRY(check(ctx, x, scores, edge, n_bins));
    out->edge = mb_allocate(ctx, n_bins + 1, sizeof *out->edge);
    out->bin = mb_allocate_zeroed(ctx, n_bins, sizeof *out->bin);
    if (out->edge == NULL || out->bin == NULL) {
        mb_turn_on_clear(out);
        return MB_ERR_MEMORY;
    }
    out->n_bins = n_bins;
    memcpy(out->edge, edge, (n_bins + 1) * sizeof *edge);
    for (size_t i = 0; i < x.n; i++) {
        const size_t bin = bin_of(edge, n_bins, mb_values_get(x, i));
        if (bin == n_bins) {
            out->n_outside++;
            continue;
        }
        out->bin[bin].n++;
        out->bin[bin].k += mb_values_get(scores, i) >= threshold ? 1 : 0;
    }
    for (size_t i = 0; i < n_bins; i++) {
        out->bin[i] = mb_efficiency_of(out->bin[i].k, out->bin[i].n);
    }
    return MB_OK;
}

void mb_turn_on_clear(mb_turn_on *turn_on) {
    if (turn_on->runtime != NULL) {
        mb_runtime_release(turn_on->runtime, turn_on->edge);
        mb_runtime_release(turn_on->runtime, turn_on->bin);
    }
    *turn_on = (mb_turn_on){.runtime = NULL};
}
