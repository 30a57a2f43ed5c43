// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/model_parts.h"

#include <math.h>

// What the quantisers make of weights, as integers.

static bool is_power_of_two(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return x > 0 && isfinite(x) && (bits & ((UINT64_C(1) << 52) - 1)) == 0;
}

// The exponent of the lowest bit set in x, not 0, and of the power of two above |x|.
static void find_bits(double x, int *lowest, int *above) {
    *above = 0;
    double mantissa = frexp(fabs(x), above);
    for (*lowest = *above; mantissa != 0; mantissa -= floor(mantissa)) {
        mantissa *= 2;
        (*lowest)--;
    }
}

// The narrowest signed format that holds n numbers exactly; false beyond 32 bits.
static bool find_exact_format(const float *x, size_t n, mb_fixed *out) {
    int lowest = 0;
    int above = 0;
    bool is_first = true;
    for (size_t i = 0; i < n; i++) {
        int low, high;
        if (x[i] == 0 || !isfinite(x[i])) {
            continue;
        }
        find_bits((double)x[i], &low, &high);
        lowest = is_first || low < lowest ? low : lowest;
        above = is_first || high > above ? high : above;
        is_first = false;
    }
    *out = (mb_fixed){.bits = is_first ? 1 : above - lowest + 1,
        .integer = is_first ? 1 : above + 1,
        .is_signed = true,
        .rounding = MB_FIXED_ROUND_EVEN,
        .overflow = MB_FIXED_SATURATE};
    return out->bits <= 32;
}

static bool holds_all(const mb_fixed *format, const float *x, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const int64_t integer = mb_fixed_from_double(format, (double)x[i], NULL);
        if (mb_fixed_to_double(format, integer) != (double)x[i]) {
            return false;
        }
    }
    return true;
}

// Divides the values of each channel by its scale: whole multiples of the unscaled step stay.
static void take_levels(
    const mb_quantizer_shape *shape, const float *scale, double step, float *values) {
    for (size_t o = 0; o < shape->outer; o++) {
        for (size_t c = 0; c < shape->n_channels; c++) {
            float *channel = values + (o * shape->n_channels + c) * shape->inner;
            for (size_t k = 0; k < shape->inner; k++) {
                // The value is level * step * scale, rounded twice at most: the level is near.
                channel[k] =
                    scale[c] == 0
                        ? 0
                        : (float)(rint((double)channel[k] / ((double)scale[c] * step)) * step);
            }
        }
    }
}

static mb_status fail_no_quantizer(const twin_translation *t, const mb_weight *weight) {
    return mb_fail(t->ctx, MB_ERR_UNSUPPORTED,
        "%s: its %s has no quantiser, so that it has no integers; add quantize: to the model",
        t->layer->name, weight->name);
}

mb_status mb_twin_translate_values(twin_translation *t, const mb_weight *weight, const float *x,
    const float **values, const float **scale, mb_fixed *format) {
    const mb_quantizer_shape shape = mb_quantizer_shape_of(weight->rank, weight->dim);
    const mb_quantizer *quantizer = &weight->quantizer;
    float *out = mb_arena_allocate(&t->document.arena, t->ctx, weight->count, sizeof *out);
    float *factors =
        mb_arena_allocate(&t->document.arena, t->ctx, shape.n_channels, sizeof *factors);
    if (out == NULL || factors == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_quantizer_apply(quantizer, &shape, x, out);
    *values = out;
    *scale = NULL;
    if (quantizer->ops == NULL) {
        // Nothing but zeros needs no quantiser.
        return find_exact_format(out, weight->count, format) && format->bits == 1
                   ? MB_OK
                   : fail_no_quantizer(t, weight);
    }
    mb_quantizer_scales(quantizer, &shape, x, factors);
    bool is_common = true;
    bool is_real = false;
    for (size_t c = 0; c < shape.n_channels; c++) {
        is_common = is_common && factors[c] == factors[0];
        is_real = is_real || (factors[c] != 0 && !is_power_of_two((double)factors[c]));
    }
    if (is_real && mb_quantizer_format(quantizer, 1, format)) {
        take_levels(&shape, factors, mb_fixed_scale(1, mb_fixed_exponent(format)), out);
        *scale = factors;
        return MB_OK;
    }
    if (!is_real && is_common && mb_quantizer_format(quantizer, (double)factors[0], format) &&
        holds_all(format, out, weight->count)) {
        return MB_OK;
    }
    if (!find_exact_format(out, weight->count, format)) {
        return mb_fail(t->ctx, MB_ERR_UNSUPPORTED,
            "%s: the values of its %s need more than 32 bits; take a quantiser with fewer",
            t->layer->name, weight->name);
    }
    return MB_OK;
}
