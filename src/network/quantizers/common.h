// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef NETWORK_QUANTIZERS_COMMON_H
#define NETWORK_QUANTIZERS_COMMON_H

#include "network/quantizer.h"

#include <math.h>

// What the families of quantisers share.

enum { MB_QUANTIZER_MOST_BITS = 32 };

// Where the scale comes from.
typedef enum mb_alpha_kind {
    MB_ALPHA_NONE,
    MB_ALPHA_NUMBER,
    MB_ALPHA_AUTO,
    MB_ALPHA_AUTO_PO2,
} mb_alpha_kind;

typedef struct mb_alpha {
    mb_alpha_kind kind;
    float value; // 1 without a number
} mb_alpha;

// Reads the option "alpha"; a kernel's null becomes "auto_po2", in *node too.
mb_status mb_alpha_read(mb_context *ctx, mb_document *document, const mb_node **node,
    mb_quantizer_use use, mb_alpha *out) MB_MUST_CHECK;
static inline bool mb_alpha_is_auto(const mb_alpha *alpha) {
    return alpha->kind == MB_ALPHA_AUTO || alpha->kind == MB_ALPHA_AUTO_PO2;
}
// An option that is a number or null.
mb_status mb_quantizer_number(mb_context *ctx, const mb_node *node, const char *name, double least,
    double most, bool *is_given, float *out) MB_MUST_CHECK;
// Fails when an option that draws random numbers is on.
mb_status mb_quantizer_refuse_random(mb_context *ctx, bool use_stochastic_rounding) MB_MUST_CHECK;
mb_status mb_quantizer_check_slope(mb_context *ctx, double slope) MB_MUST_CHECK;

// K.epsilon(), QKeras's guard against logarithms of 0.
static const float mb_keras_epsilon = 1e-7F;

// Half to even. Adding 1.5 * 2^23 leaves no fraction; the vectoriser understands it, and rintf is a
// function call on older machines.
static inline float mb_round_even(float x) {
    const float big = 12582912.0F;
    if (x > -4194304.0F && x < 4194304.0F) {
        return (x + big) - big;
    }
    return rintf(x);
}

static inline float mb_clip(float x, float low, float high) {
    return x < low ? low : x > high ? high : x; // keeps NaN
}

// QKeras's "hard" sigmoid, which stands for the sigmoid everywhere.
static inline float mb_hard_sigmoid(float x) {
    return mb_clip(0.5F * x + 0.5F, 0, 1);
}

// What is left of the unquantised value: QKeras's qnoise_factor.
typedef struct mb_noise {
    double qnoise_factor;
    bool use_ste;
} mb_noise;

static inline float mb_noise_mix(const mb_noise *noise, float x, float quantized) {
    const float factor = (float)noise->qnoise_factor;
    if (factor == 1) {
        return quantized + 0.0F; // no -0
    }
    return noise->use_ste ? x + factor * (-x + quantized)
                          : (float)(1 - noise->qnoise_factor) * x + factor * quantized;
}

// The factor that the straight-through gradient gets.
static inline float mb_noise_slope(const mb_noise *noise) {
    return noise->use_ste ? 1 : (float)(1 - noise->qnoise_factor);
}

// 2^exponent, also beyond the integers.
static inline float mb_power_of_two(int exponent) {
    return ldexpf(1.0F, exponent);
}

// The exponent of a power of two; false: it is none.
bool mb_exponent_of(double value, int *exponent);
// 2^round(log2(x)) as TensorFlow computes it in float32.
float mb_nearest_power_of_two(float x);

// One channel's elements, whose scale is being found.
typedef struct mb_channel {
    const float *x;
    size_t outer, step, inner; // x[o * step + k], o < outer, k < inner
} mb_channel;
mb_channel mb_channel_of(const mb_quantizer_shape *shape, const float *x, size_t channel);
// Largest |x|.
float mb_channel_most(const mb_channel *channel);

#define MB_EACH_OF_CHANNEL(channel, i)                                                             \
    for (size_t o_ = 0; o_ < (channel)->outer; o_++)                                               \
        for (size_t i = o_ * (channel)->step; i < o_ * (channel)->step + (channel)->inner; i++)

// sum(x q) / sum(q q), or the power of two nearest to it.
float mb_least_squares_scale(double sum_xq, double sum_qq, size_t n, bool is_power_of_two);

void mb_grid_apply(const mb_quantizer_grid *grid, const float *x, float *y, size_t n);

#define MB_NOISE_OPTIONS(type)                                                                     \
    {"qnoise_factor", MB_OPTION_REAL, offsetof(type, noise.qnoise_factor), "1", 0, 1, NULL, NULL,  \
        "part of the quantised value; the rest is the value itself"},                              \
    {                                                                                              \
        "use_ste", MB_OPTION_BOOL, offsetof(type, noise.use_ste), "true", 0, 0, NULL, NULL,        \
            "the whole gradient passes, whatever qnoise_factor is"                                 \
    }
#define MB_STOCHASTIC_OPTION(type)                                                                 \
    {                                                                                              \
        "use_stochastic_rounding", MB_OPTION_BOOL, offsetof(type, use_stochastic_rounding),        \
            "false", 0, 0, NULL, NULL, "false: random rounding is not offered"                     \
    }

#endif
