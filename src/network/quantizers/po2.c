// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// quantized_po2 and quantized_relu_po2: powers of two, with a sign or without.

#include "network/quantizers/common.h"

#include "base/math.h"

typedef struct power_options {
    size_t bits;
    const mb_node *max_value;
    double negative_slope; // quantized_relu_po2
    bool use_stochastic_rounding, quadratic_approximation;
    int log2_rounding;
    mb_noise noise;
    bool is_bounded;
    float bound;     // max_value, read
    int least, most; // exponents
} power_options;

static const char *const rounding_names[] = {"rnd", "floor", NULL};

#define BITS                                                                                       \
    {"bits", MB_OPTION_SIZE, offsetof(power_options, bits), "8", 2, MB_QUANTIZER_MOST_BITS, NULL,  \
        NULL, "of sign and exponent together"},                                                    \
    {                                                                                              \
        "max_value", MB_OPTION_NODE, offsetof(power_options, max_value), "", 0, 0, NULL, NULL,     \
            "largest value; up to 1 saves the exponent's sign; null: none"                         \
    }
#define ROUNDING                                                                                   \
    MB_STOCHASTIC_OPTION(power_options),                                                           \
        {"quadratic_approximation", MB_OPTION_BOOL,                                                \
            offsetof(power_options, quadratic_approximation), "false", 0, 0, NULL, NULL,           \
            "even exponents only, so that a square root is exact"},                                \
    {                                                                                              \
        "log2_rounding", MB_OPTION_CHOICE, offsetof(power_options, log2_rounding), "rnd", 0, 0,    \
            rounding_names, NULL, "of the exponent"                                                \
    }

static const mb_option quantized_po2_options[] = {
    BITS, ROUNDING, MB_NOISE_OPTIONS(power_options), MB_OPTIONS_END};
static const mb_option quantized_relu_po2_options[] = {BITS,
    {"negative_slope", MB_OPTION_REAL, offsetof(power_options, negative_slope), "0", 0, 1, NULL,
        NULL, "below zero: 0 or a power of two"},
    ROUNDING, MB_NOISE_OPTIONS(power_options), MB_OPTIONS_END};

static mb_status check_powers(mb_context *ctx, void *record, int value_bits) {
    power_options *options = record;
    MB_TRY(mb_quantizer_refuse_random(ctx, options->use_stochastic_rounding));
    MB_TRY(mb_quantizer_check_slope(ctx, options->negative_slope));
    MB_TRY(mb_quantizer_number(
        ctx, options->max_value, "max_value", 0, 1e30, &options->is_bounded, &options->bound));
    const bool has_sign = !options->is_bounded || options->bound > 1;
    const double range = ldexp(1, value_bits - (has_sign ? 1 : 0));
    // Beyond the exponents of float32 the result is 0 or infinite anyway.
    options->least = (int)(range < 1000 ? -range : -1000);
    options->most = (int)(range < 1000 ? range - 1 : 1000);
    if (range < 1) {
        options->least = 0; // QKeras's int(2 ** -1) loses nothing else
        return mb_fail(ctx, MB_ERR_RANGE,
            "too few bits for a sign and an exponent; use one more, or a max_value of at most 1");
    }
    if (options->quadratic_approximation) {
        options->most = 2 * (options->most / 2);
    }
    return MB_OK;
}

static mb_status check_po2(
    mb_context *ctx, mb_document *document, mb_quantizer_use use, void *record) {
    (void)document;
    (void)use;
    return check_powers(ctx, record, (int)((const power_options *)record)->bits - 1);
}

static mb_status check_relu_po2(
    mb_context *ctx, mb_document *document, mb_quantizer_use use, void *record) {
    (void)document;
    (void)use;
    return check_powers(ctx, record, (int)((const power_options *)record)->bits);
}

// The exponent nearest to that of size; as TensorFlow, in float32.
static float power_near(const power_options *options, float size) {
    const float log2 = 0.693147182F;
    if (size < mb_keras_epsilon) {
        return mb_power_of_two(options->least);
    }
    float value = options->is_bounded && size >= options->bound ? options->bound : size;
    value = options->quadratic_approximation ? sqrtf(value) : value;
    const float logarithm = (float)mb_log((double)value) / log2;
    const float rounded =
        options->log2_rounding == 1 ? floorf(logarithm) : mb_round_even(logarithm);
    const float exponent = mb_clip(rounded, (float)options->least, (float)options->most);
    return mb_power_of_two((int)exponent * (options->quadratic_approximation ? 2 : 1));
}

static void apply_po2(
    const void *record, const mb_quantizer_shape *shape, const float *x, float *y) {
    const power_options *options = record;
    for (size_t i = 0; i < shape->outer * shape->n_channels * shape->inner; i++) {
        const float power = isnan(x[i]) ? x[i] : power_near(options, fabsf(x[i]));
        y[i] = mb_noise_mix(&options->noise, x[i], x[i] < 0 ? -power : power);
    }
}

static void differentiate_po2(const void *record, const float *x, float *gradient, size_t n) {
    const float slope = mb_noise_slope(&((const power_options *)record)->noise);
    (void)x;
    for (size_t i = 0; i < n && slope < 1; i++) {
        gradient[i] *= slope;
    }
}

static float rectify(const power_options *options, float x, float *slope) {
    if (options->is_bounded && x > options->bound) {
        *slope = 0;
        return options->bound;
    }
    *slope = x > 0 ? 1 : (float)options->negative_slope;
    return x > 0 ? x : (float)options->negative_slope * x;
}

static void apply_relu_po2(
    const void *record, const mb_quantizer_shape *shape, const float *x, float *y) {
    const power_options *options = record;
    for (size_t i = 0; i < shape->outer * shape->n_channels * shape->inner; i++) {
        const bool is_negative = x[i] < 0 && options->negative_slope > 0;
        float slope = 0;
        const float base = rectify(options, x[i], &slope);
        const float size =
            is_negative ? -x[i] * (float)options->negative_slope : (x[i] > 0 ? x[i] : 0);
        const float power = power_near(options, size);
        y[i] =
            isnan(x[i]) ? x[i] : mb_noise_mix(&options->noise, base, is_negative ? -power : power);
    }
}

static void differentiate_relu_po2(const void *record, const float *x, float *gradient, size_t n) {
    const power_options *options = record;
    for (size_t i = 0; i < n; i++) {
        float slope = 0;
        rectify(options, x[i], &slope);
        gradient[i] *= slope * mb_noise_slope(&options->noise);
    }
}

static unsigned bits(const void *record) {
    return (unsigned)((const power_options *)record)->bits;
}

#define POWERS(title, text, kind, n)                                                               \
    const mb_quantizer_ops mb_quantizer_##title = {                                                \
        .name = #title,                                                                            \
        .help = text,                                                                              \
        .options = title##_options,                                                                \
        .options_size = sizeof(power_options),                                                     \
        .n_positional = n,                                                                         \
        .check = check_##kind,                                                                     \
        .apply = apply_##kind,                                                                     \
        .differentiate = differentiate_##kind,                                                     \
        .bits = bits,                                                                              \
        .is_monotone = true,                                                                       \
    };

POWERS(quantized_po2, "a power of two with a sign", po2, 6)
POWERS(quantized_relu_po2, "a rectifier whose values are powers of two", relu_po2, 7)
