// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// binary and ternary: a sign, or a sign and zero, times a scale; and those that are not offered.

#include "network/quantizers/common.h"

#include "base/math.h"

typedef struct sign_options {
    bool use_01, use_stochastic_rounding;
    const mb_node *alpha, *threshold;
    size_t number_of_unrolls;
    mb_alpha scale; // alpha, read
    bool is_ternary;
    float threshold_at; // threshold, read
} sign_options;

#define ALPHA                                                                                      \
    {                                                                                              \
        "alpha", MB_OPTION_NODE, offsetof(sign_options, alpha), "", 0, 0, NULL, NULL,              \
            "scale: a number, 'auto' or 'auto_po2' (found for each channel), null (1, with tanh's" \
            " gradient; of a kernel auto_po2)"                                                     \
    }

static const mb_option binary_options[] = {
    {"use_01", MB_OPTION_BOOL, offsetof(sign_options, use_01), "false", 0, 0, NULL, NULL,
        "0 and 1 instead of -1 and 1"},
    ALPHA, MB_STOCHASTIC_OPTION(sign_options), MB_OPTIONS_END};
static const mb_option ternary_options[] = {ALPHA,
    {"threshold", MB_OPTION_NODE, offsetof(sign_options, threshold), "", 0, 0, NULL, NULL,
        "smaller values are 0; null: 0.33, or half of an automatic scale"},
    MB_STOCHASTIC_OPTION(sign_options),
    {"number_of_unrolls", MB_OPTION_SIZE, offsetof(sign_options, number_of_unrolls), "5", 1, 100,
        NULL, NULL, "rounds of looking for an automatic scale"},
    MB_OPTIONS_END};

static mb_status check_binary(
    mb_context *ctx, mb_document *document, mb_quantizer_use use, void *record) {
    sign_options *options = record;
    MB_TRY(mb_quantizer_refuse_random(ctx, options->use_stochastic_rounding));
    return mb_alpha_read(ctx, document, &options->alpha, use, &options->scale);
}

static mb_status check_ternary(
    mb_context *ctx, mb_document *document, mb_quantizer_use use, void *record) {
    sign_options *options = record;
    bool is_given = false;
    options->is_ternary = true;
    MB_TRY(mb_quantizer_refuse_random(ctx, options->use_stochastic_rounding));
    MB_TRY(mb_alpha_read(ctx, document, &options->alpha, use, &options->scale));
    MB_TRY(mb_quantizer_number(
        ctx, options->threshold, "threshold", 0, 1e30, &is_given, &options->threshold_at));
    if (is_given && mb_alpha_is_auto(&options->scale)) {
        return mb_fail(ctx, MB_ERR_ARG,
            "a threshold and an automatic alpha exclude each other; leave one out");
    }
    options->threshold_at = is_given ? options->threshold_at : 0.33F;
    return MB_OK;
}

// The level of a value: -1, 0 or 1; scale and threshold as the automatic search has them.
static float ternary_level(float x, float scale, float threshold) {
    const float value = scale * mb_round_even(x / scale);
    return fabsf(value) >= threshold ? (float)((x > 0) - (x < 0)) : 0;
}

static float level_of(const sign_options *options, float x) {
    if (options->is_ternary) {
        return fabsf(x) >= options->threshold_at ? (float)((x > 0) - (x < 0)) : 0;
    }
    const float sign = x < 0 ? -1.0F : 1.0F;
    return options->use_01 ? (sign + 1) / 2 : sign;
}

// A channel's scale, and what its levels are found with. A channel of zeros has scale 0.
typedef struct sign_scale {
    float scale, last, threshold;
} sign_scale;

static sign_scale find_binary(const sign_options *options, const mb_channel *channel) {
    double sum_xq = 0;
    double sum_qq = 0;
    MB_EACH_OF_CHANNEL(channel, i) {
        const float q = level_of(options, channel->x[i]);
        sum_xq += (double)(channel->x[i] * q);
        sum_qq += (double)(q * q);
    }
    const float scale = mb_least_squares_scale(
        sum_xq, sum_qq, channel->outer * channel->inner, options->scale.kind == MB_ALPHA_AUTO_PO2);
    return (sign_scale){scale, scale, 0};
}

static sign_scale find_ternary(const sign_options *options, const mb_channel *channel, float most) {
    const bool is_power_of_two = options->scale.kind == MB_ALPHA_AUTO_PO2;
    sign_scale found = {.scale = 2 * most / 3.0F};
    if (is_power_of_two) {
        found.scale = mb_nearest_power_of_two(found.scale + mb_keras_epsilon);
    }
    for (size_t round = 0; round < options->number_of_unrolls && found.scale > 0; round++) {
        double sum_xq = 0;
        double sum_qq = 0;
        found.last = found.scale;
        found.threshold = found.scale / 2;
        MB_EACH_OF_CHANNEL(channel, i) {
            const float q = ternary_level(channel->x[i], found.last, found.threshold);
            sum_xq += (double)(channel->x[i] * q);
            sum_qq += (double)(q * q);
        }
        found.scale = mb_least_squares_scale(
            sum_xq, sum_qq, channel->outer * channel->inner, is_power_of_two);
    }
    return found;
}

static float most_of_all(const mb_quantizer_shape *shape, const float *x) {
    const mb_channel all = {x, 1, 0, shape->n_channels};
    return mb_channel_most(&all);
}

static sign_scale find_scale(const sign_options *options, const mb_quantizer_shape *shape,
    const mb_channel *channel, float most) {
    if (!options->is_ternary) {
        return find_binary(options, channel);
    }
    return find_ternary(options, channel, shape->is_vector ? most : mb_channel_most(channel));
}

static void apply(const void *record, const mb_quantizer_shape *shape, const float *x, float *y) {
    const sign_options *options = record;
    if (!mb_alpha_is_auto(&options->scale)) {
        for (size_t i = 0; i < shape->outer * shape->n_channels * shape->inner; i++) {
            y[i] = isnan(x[i]) ? x[i] : options->scale.value * level_of(options, x[i]);
        }
        return;
    }
    const float most = shape->is_vector ? most_of_all(shape, x) : 0;
    for (size_t c = 0; c < shape->n_channels; c++) {
        const mb_channel channel = mb_channel_of(shape, x, c);
        const sign_scale found = find_scale(options, shape, &channel, most);
        float *out = y + c * shape->inner;
        MB_EACH_OF_CHANNEL(&channel, i) {
            const float level = options->is_ternary
                                    ? ternary_level(channel.x[i], found.last, found.threshold)
                                    : level_of(options, channel.x[i]);
            out[i] = found.last > 0 || !options->is_ternary ? found.scale * level + 0.0F : 0;
        }
    }
}

// Without alpha the values stand for tanh.
static void differentiate(const void *record, const float *x, float *gradient, size_t n) {
    const sign_options *options = record;
    for (size_t i = 0; i < n && options->scale.kind == MB_ALPHA_NONE; i++) {
        const float value = mb_tanhf(x[i]);
        gradient[i] *= 1 - value * value;
    }
}

static void scales(
    const void *record, const mb_quantizer_shape *shape, const float *x, float *scale) {
    const sign_options *options = record;
    const float most = shape->is_vector ? most_of_all(shape, x) : 0;
    for (size_t c = 0; c < shape->n_channels; c++) {
        const mb_channel channel = mb_channel_of(shape, x, c);
        scale[c] = mb_alpha_is_auto(&options->scale)
                       ? find_scale(options, shape, &channel, most).scale
                       : options->scale.value;
    }
}

// Two bits hold -1, 0 and 1; of 0 and 1 one is enough.
static bool format(const void *record, double scale, mb_fixed *out) {
    const sign_options *options = record;
    int exponent = 0;
    if (!mb_exponent_of(scale, &exponent)) {
        return false;
    }
    const bool is_signed = options->is_ternary || !options->use_01;
    *out = (mb_fixed){.bits = is_signed ? 2 : 1,
        .integer = exponent + (is_signed ? 2 : 1),
        .is_signed = is_signed,
        .rounding = MB_FIXED_ROUND,
        .overflow = is_signed ? MB_FIXED_SATURATE_SYMMETRIC : MB_FIXED_SATURATE};
    return true;
}

static unsigned bits(const void *record) {
    return ((const sign_options *)record)->is_ternary ? 2 : 1;
}

#define SIGNS(title, text, n)                                                                      \
    const mb_quantizer_ops mb_quantizer_##title = {                                                \
        .name = #title,                                                                            \
        .help = text,                                                                              \
        .options = title##_options,                                                                \
        .options_size = sizeof(sign_options),                                                      \
        .n_positional = n,                                                                         \
        .check = check_##title,                                                                    \
        .apply = apply,                                                                            \
        .differentiate = differentiate,                                                            \
        .scales = scales,                                                                          \
        .format = format,                                                                          \
        .bits = bits,                                                                              \
        .is_monotone = true,                                                                       \
    };

SIGNS(binary, "the sign, times a scale", 3)
SIGNS(ternary, "the sign or 0, times a scale", 4)

#define REFUSED(title, text)                                                                       \
    const mb_quantizer_ops mb_quantizer_##title = {.name = #title, .refused = text};

REFUSED(quantized_linear, "it came after QKeras 0.9.0; use quantized_bits, which has its grid")
REFUSED(stochastic_binary, "it draws random numbers; use binary")
REFUSED(stochastic_ternary, "it draws random numbers; use ternary")
REFUSED(bernoulli, "it draws random numbers; use binary with use_01")
