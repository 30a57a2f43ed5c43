// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "measure/roc.h"

#include "base/numbers.h"

#include <math.h>

typedef struct unit {
    const char *name;
    int exponent; // of 10, in kHz
} unit;

static const unit units[] = {{"Hz", -3}, {"kHz", 0}, {"MHz", 3}, {"GHz", 6}};

static mb_status fail_rate(mb_context *ctx, const char *text) {
    return mb_fail(ctx, MB_ERR_FORMAT,
        "rate: '%s' is not a positive rate; write a number with Hz, kHz, MHz or GHz, such as 5kHz",
        text);
}

mb_status mb_rate_parse(mb_context *ctx, const char *text, double *khz) {
    const char *start = text + strspn(text, " ");
    double number;
    const char *end = mb_parse_double(start, start + strlen(start), &number);
    if (end == NULL) {
        return fail_rate(ctx, text);
    }
    const char *name = end + strspn(end, " ");
    const size_t length = strcspn(name, " ");
    for (size_t i = 0; i < MB_COUNT_OF(units); i++) {
        if (strlen(units[i].name) != length || strncmp(name, units[i].name, length) != 0 ||
            name[length + strspn(name + length, " ")] != '\0') {
            continue;
        }
        // The decimal point moves before the number is rounded: 28.61 MHz is 28610 kHz exactly.
        char shifted[64];
        const size_t n_digits = (size_t)(end - start);
        const bool is_plain = memchr(start, 'e', n_digits) == NULL &&
                              memchr(start, 'E', n_digits) == NULL && n_digits < 48;
        if (is_plain) {
            memcpy(shifted, start, n_digits);
            mb_format(shifted + n_digits, sizeof shifted - n_digits, "e%d", units[i].exponent);
            mb_parse_double(shifted, shifted + strlen(shifted), khz);
        } else {
            static const double factors[] = {1e-3, 1, 1e3, 1e6};
            *khz = number * factors[i];
        }
        return *khz > 0 && isfinite(*khz) ? MB_OK : fail_rate(ctx, text);
    }
    return fail_rate(ctx, text);
}

char *mb_rate_format(double khz, char *text, size_t size) {
    if (khz < 1) {
        mb_format(text, size, "%.6g Hz", khz * 1e3);
    } else if (khz < 1e3) {
        mb_format(text, size, "%.6g kHz", khz);
    } else if (khz < 1e6) {
        mb_format(text, size, "%.6g MHz", khz / 1e3);
    } else {
        mb_format(text, size, "%.6g GHz", khz / 1e6);
    }
    return text;
}

// The last vertex with at most n_allowed background events.
static size_t last_vertex_within(const mb_roc *roc, uint64_t n_allowed) {
    size_t low = 0;
    size_t high = roc->n_vertices - 1;
    while (low < high) {
        const size_t middle = low + (high - low + 1) / 2;
        if (roc->n_false[middle] <= n_allowed) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    return low;
}

// The true rate on the straight lines between the vertices; in a vertical part its upper end.
static double interpolate(const mb_roc *roc, double n_background) {
    if (n_background <= 0) {
        return mb_roc_true_rate(roc, last_vertex_within(roc, 0));
    }
    if (n_background >= (double)roc->n_background) {
        return 1;
    }
    const size_t i = last_vertex_within(roc, (uint64_t)n_background);
    const double left = (double)roc->n_false[i];
    if (left == n_background) {
        return mb_roc_true_rate(roc, i);
    }
    const double fraction = (n_background - left) / ((double)roc->n_false[i + 1] - left);
    const double lower = mb_roc_true_rate(roc, i);
    return lower + fraction * (mb_roc_true_rate(roc, i + 1) - lower);
}

double mb_roc_true_rate_at(const mb_roc *roc, double false_rate) {
    size_t low = 0;
    size_t high = roc->n_vertices - 1;
    while (low < high) {
        const size_t middle = low + (high - low + 1) / 2;
        if (mb_roc_false_rate(roc, middle) <= false_rate) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    const double left = mb_roc_false_rate(roc, low);
    const double lower = mb_roc_true_rate(roc, low);
    if (low + 1 == roc->n_vertices || !(left < false_rate)) {
        return lower;
    }
    const double fraction = (false_rate - left) / (mb_roc_false_rate(roc, low + 1) - left);
    return lower + fraction * (mb_roc_true_rate(roc, low + 1) - lower);
}

mb_status mb_roc_at_rate(
    const mb_roc *roc, mb_context *ctx, double input_khz, double target_khz, mb_rate_point *out) {
    if (!(input_khz > 0) || !isfinite(input_khz) || !(target_khz > 0) || !isfinite(target_khz)) {
        return mb_fail(ctx, MB_ERR_RANGE, "rate: %g kHz of %g kHz; both rates are positive numbers",
            target_khz, input_khz);
    }
    const double n_background = (double)roc->n_background;
    *out = (mb_rate_point){.target_khz = target_khz, .input_khz = input_khz};
    out->allowed_events = target_khz * n_background / input_khz;
    out->efficiency_interpolated = interpolate(roc, out->allowed_events);
    if (out->allowed_events < 1) {
        out->verdict = MB_RATE_TOO_FEW;
        return MB_OK;
    }
    const uint64_t n_allowed = out->allowed_events >= n_background
                                   ? roc->n_background
                                   : (uint64_t)floor(out->allowed_events);
    const size_t vertex = last_vertex_within(roc, n_allowed);
    if (vertex == 0) {
        out->verdict = MB_RATE_TIED;
        out->next_background_events = roc->n_false[1];
        return MB_OK;
    }
    const uint64_t n_false = roc->n_false[vertex];
    const double khz_per_event = input_khz / n_background;
    out->threshold = roc->threshold[vertex];
    out->signal = mb_efficiency_of(roc->n_true[vertex], roc->n_signal);
    out->background_events = n_false;
    out->background_error = sqrt((double)n_false);
    out->rate_khz = (double)n_false * khz_per_event;
    out->rate_error_khz = out->background_error * khz_per_event;
    out->efficiency_low = interpolate(roc, (double)n_false - out->background_error);
    out->efficiency_high = interpolate(roc, (double)n_false + out->background_error);
    out->next_background_events = vertex + 1 < roc->n_vertices ? roc->n_false[vertex + 1] : n_false;
    return MB_OK;
}

char *mb_rate_point_text(const mb_rate_point *point, char *text, size_t size) {
    char rate[32];
    mb_rate_format(point->target_khz, rate, sizeof rate);
    switch (point->verdict) {
    case MB_RATE_TOO_FEW:
        // Not rounded up: 0.9996 must not become 1.
        mb_format(text, size,
            "no threshold at %s: the sample allows %.3g background events there, less than one; "
            "%.0f or more background events are needed",
            rate, fmin(point->allowed_events, 0.999), ceil(point->input_khz / point->target_khz));
        break;
    case MB_RATE_TIED:
        mb_format(text, size,
            "no threshold at %s: %llu background events share the highest score, %.4g are allowed",
            rate, (unsigned long long)point->next_background_events, point->allowed_events);
        break;
    case MB_RATE_OK:
        mb_format(text, size,
            "%.4f +- %.4f (%llu of %llu) at score >= %.6g, %llu +- %.1f background events",
            point->signal.value, point->signal.error, (unsigned long long)point->signal.k,
            (unsigned long long)point->signal.n, point->threshold,
            (unsigned long long)point->background_events, point->background_error);
        break;
    }
    return text;
}
