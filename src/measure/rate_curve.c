// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "measure/rate_curve.h"

#include "measure/ranking.h"

#include <math.h>

static mb_status check(mb_context *ctx, mb_values scores, double input_khz) {
    if (scores.n < 2) {
        return mb_fail(ctx, MB_ERR_FORMAT,
            "rate curve: %zu scores; a curve needs at least two events", scores.n);
    }
    if (!(input_khz > 0) || !isfinite(input_khz)) {
        return mb_fail(ctx, MB_ERR_RANGE,
            "rate curve: the input rate is %g kHz; it must be a positive number", input_khz);
    }
    for (size_t i = 0; i < scores.n; i++) {
        if (!isfinite(mb_values_get(scores, i))) {
            return mb_fail(ctx, MB_ERR_RANGE,
                "scores: row %zu is not a finite number; leave such events out", i);
        }
    }
    return MB_OK;
}

mb_status mb_rate_curve_make(
    mb_rate_curve *out, mb_context *ctx, mb_values scores, double input_khz) {
    *out = (mb_rate_curve){.runtime = mb_context_runtime(ctx), .input_khz = input_khz};
    MB_TRY(check(ctx, scores, input_khz));
    const mb_ranking type = {.bits = scores.dtype == MB_F32 ? 32 : 64};
    uint64_t *keys = mb_allocate(ctx, scores.n, sizeof *keys);
    out->threshold = mb_allocate(ctx, scores.n, sizeof *out->threshold);
    out->rate_khz = mb_allocate(ctx, scores.n, sizeof *out->rate_khz);
    mb_status status = MB_ERR_MEMORY;
    if (keys != NULL && out->threshold != NULL && out->rate_khz != NULL) {
        for (size_t i = 0; i < scores.n; i++) {
            keys[i] = mb_ranking_key(scores, i);
        }
        status = mb_keys_sort(ctx, &keys, scores.n, type.bits);
    }
    if (status == MB_OK) {
        out->n = scores.n;
        for (size_t i = 0; i < out->n; i++) {
            out->threshold[i] = mb_ranking_score(&type, keys[i]);
            out->rate_khz[i] = (1 - (double)i / (double)(out->n - 1)) * input_khz;
        }
    } else {
        mb_rate_curve_clear(out);
    }
    mb_release(ctx, keys);
    return status;
}

void mb_rate_curve_clear(mb_rate_curve *curve) {
    if (curve->runtime != NULL) {
        mb_runtime_release(curve->runtime, curve->threshold);
        mb_runtime_release(curve->runtime, curve->rate_khz);
    }
    *curve = (mb_rate_curve){.runtime = NULL};
}

double mb_rate_curve_at(const mb_rate_curve *curve, double threshold) {
    if (!(threshold >= curve->threshold[0])) {
        return curve->input_khz;
    }
    // The last score that is not above the threshold.
    size_t low = 0;
    size_t high = curve->n - 1;
    while (low < high) {
        const size_t middle = low + (high - low + 1) / 2;
        if (curve->threshold[middle] <= threshold) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    if (low + 1 == curve->n || curve->threshold[low] == threshold) {
        return curve->rate_khz[low];
    }
    const double fraction =
        (threshold - curve->threshold[low]) / (curve->threshold[low + 1] - curve->threshold[low]);
    return curve->rate_khz[low] + fraction * (curve->rate_khz[low + 1] - curve->rate_khz[low]);
}

mb_status mb_rate_curve_ratio(mb_context *ctx, const mb_rate_curve *first,
    const mb_rate_curve *second, mb_rate_ratio out[MB_RATE_RATIO_POINTS]) {
    const double low = fmax(first->threshold[0], second->threshold[0]);
    const double high = fmin(first->threshold[first->n - 1], second->threshold[second->n - 1]);
    if (!(low < high)) {
        return mb_fail(ctx, MB_ERR_RANGE,
            "rate curve: scores of %g to %g and of %g to %g have no common range; compare scores "
            "of one scale",
            first->threshold[0], first->threshold[first->n - 1], second->threshold[0],
            second->threshold[second->n - 1]);
    }
    const double step = (high - low) / (MB_RATE_RATIO_POINTS - 1);
    for (size_t i = 0; i < MB_RATE_RATIO_POINTS; i++) {
        const double at = i + 1 == MB_RATE_RATIO_POINTS ? high : low + (double)i * step;
        out[i] = (mb_rate_ratio){.threshold = at};
        out[i].rate_khz[0] = mb_rate_curve_at(first, at);
        out[i].rate_khz[1] = mb_rate_curve_at(second, at);
        out[i].ratio = out[i].rate_khz[1] > 0 ? out[i].rate_khz[0] / out[i].rate_khz[1] : NAN;
    }
    return MB_OK;
}
