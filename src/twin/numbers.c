// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/parts.h"

#include <math.h>

// Weights and bias as integers.

// The exponent of the lowest bit that is set in x, not 0.
static int lowest_bit(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    const int field = (int)(bits >> 52 & 0x7ff);
    uint64_t mantissa = bits & ((UINT64_C(1) << 52) - 1);
    mantissa |= field == 0 ? 0 : UINT64_C(1) << 52;
    int exponent = (field == 0 ? 1 : field) - 1075;
    for (; (mantissa & 1) == 0; mantissa >>= 1) {
        exponent++;
    }
    return exponent;
}

// Numbers without a format: the widest step that all of them are whole multiples of.
static mb_status take_exactly(
    mb_context *ctx, const float *x, size_t n, const char *what, int64_t *out, int *exponent) {
    bool is_zero = true;
    *exponent = 0;
    for (size_t i = 0; i < n; i++) {
        if (x[i] != 0) {
            const int lowest = lowest_bit((double)x[i]);
            *exponent = is_zero || lowest < *exponent ? lowest : *exponent;
            is_zero = false;
        }
    }
    for (size_t i = 0; i < n; i++) {
        const double scaled = mb_fixed_scale((double)x[i], -*exponent);
        if (fabs(scaled) > 0x1p53) {
            return mb_fail(ctx, MB_ERR_UNSUPPORTED,
                "the %s needs more than 53 bits to be an integer; quantize it or give it a format",
                what);
        }
        out[i] = (int64_t)scaled;
    }
    return MB_OK;
}

static void take_format(
    twin_builder *builder, const mb_fixed *format, const float *x, size_t n, int64_t *out) {
    mb_twin_report *known = &builder->step->known;
    for (size_t i = 0; i < n; i++) {
        bool is_outside;
        out[i] = mb_fixed_from_double(format, (double)x[i], &is_outside);
        known->n_weights_outside += is_outside;
        known->n_weights_rounded +=
            !is_outside && mb_fixed_to_double(format, out[i]) != (double)x[i];
    }
}

static mb_status take(twin_builder *builder, const mb_fixed *format, const float *x, size_t n,
    const char *what, int64_t **out, int *exponent) {
    *out = mb_twin_allocate(builder, n, sizeof **out);
    if (*out == NULL) {
        return mb_context_status(builder->ctx);
    }
    builder->step->known.n_weights += n;
    if (format->bits == 0) {
        return take_exactly(builder->ctx, x, n, what, *out, exponent);
    }
    take_format(builder, format, x, n, *out);
    *exponent = mb_fixed_exponent(format);
    return MB_OK;
}

// numbers * 2^places; false when one leaves 61 bits.
static bool shift_left(int64_t *numbers, size_t n, int places) {
    for (size_t i = 0; i < n; i++) {
        if (numbers[i] != 0 &&
            (places > 60 || !mb_twin_multiply(numbers[i], INT64_C(1) << places, &numbers[i]))) {
            return false;
        }
    }
    return true;
}

static bool is_all_zero(const int64_t *numbers, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (numbers[i] != 0) {
            return false;
        }
    }
    return true;
}

mb_status mb_twin_numbers_of(
    twin_builder *builder, size_t n_weights, size_t n_bias, twin_numbers *out) {
    const mb_twin_layer *layer = builder->source;
    const bool has_bias = layer->bias != NULL && layer->scale == NULL;
    int weight_exponent = 0;
    int bias_exponent = 0;
    *out = (twin_numbers){.n_weights = n_weights, .n_bias = n_bias};
    if (layer->weights == NULL) {
        return mb_fail(builder->ctx, MB_ERR_FORMAT, "has no weights; give it some");
    }
    MB_TRY(take(builder, &layer->weight, layer->weights, n_weights, "kernel", &out->weights,
        &weight_exponent));
    out->exponent = builder->value.exponent + weight_exponent;
    if (has_bias) {
        MB_TRY(take(
            builder, &layer->bias_format, layer->bias, n_bias, "bias", &out->bias, &bias_exponent));
    } else {
        out->bias = mb_twin_allocate(builder, n_bias, sizeof *out->bias);
        if (out->bias == NULL) {
            return mb_context_status(builder->ctx);
        }
    }
    if (is_all_zero(out->bias, n_bias)) {
        return MB_OK;
    }
    const int places = bias_exponent - out->exponent;
    const bool fits = places >= 0 ? shift_left(out->bias, n_bias, places)
                                  : shift_left(out->weights, n_weights, -places);
    if (!fits) {
        return mb_fail(builder->ctx, MB_ERR_UNSUPPORTED,
            "products and bias are too far apart to be added in 61 bits; give the bias another "
            "format");
    }
    out->exponent = places < 0 ? bias_exponent : out->exponent;
    return MB_OK;
}
