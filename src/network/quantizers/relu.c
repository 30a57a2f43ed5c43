// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// quantized_relu: a rectifier with whole numbers times a step, or such a sigmoid's positive half.

#include "network/quantizers/common.h"

typedef struct relu_options {
    size_t bits;
    int64_t integer;
    bool use_sigmoid, use_stochastic_rounding, is_quantized_clip;
    double negative_slope;
    const mb_node *relu_upper_bound;
    mb_noise noise;
    bool is_bounded;
    float bound; // relu_upper_bound, read
} relu_options;

static const mb_option options_table[] = {
    {"bits", MB_OPTION_SIZE, offsetof(relu_options, bits), "8", 1, MB_QUANTIZER_MOST_BITS, NULL,
        NULL, "of a number; with a negative_slope one is the sign"},
    {"integer", MB_OPTION_INT, offsetof(relu_options, integer), "0", -32, 32, NULL, NULL,
        "of them before the binary point"},
    {"use_sigmoid", MB_OPTION_BOOL, offsetof(relu_options, use_sigmoid), "false", 0, 0, NULL, NULL,
        "a hard sigmoid instead of a line"},
    {"negative_slope", MB_OPTION_REAL, offsetof(relu_options, negative_slope), "0", 0, 1, NULL,
        NULL, "below zero: 0 or a power of two"},
    MB_STOCHASTIC_OPTION(relu_options),
    {"relu_upper_bound", MB_OPTION_NODE, offsetof(relu_options, relu_upper_bound), "", 0, 0, NULL,
        NULL, "largest value, where is_quantized_clip is false; null: none"},
    {"is_quantized_clip", MB_OPTION_BOOL, offsetof(relu_options, is_quantized_clip), "true", 0, 0,
        NULL, NULL, "no gradient above the largest number of the grid"},
    MB_NOISE_OPTIONS(relu_options), MB_OPTIONS_END};

static mb_status check(mb_context *ctx, mb_document *document, mb_quantizer_use use, void *record) {
    relu_options *options = record;
    (void)document;
    (void)use;
    MB_TRY(mb_quantizer_refuse_random(ctx, options->use_stochastic_rounding));
    MB_TRY(mb_quantizer_check_slope(ctx, options->negative_slope));
    if (options->bits == 1 && options->negative_slope > 0) {
        return mb_fail(ctx, MB_ERR_RANGE,
            "one bit is the sign that a negative_slope needs; use at least 2 bits");
    }
    return mb_quantizer_number(ctx, options->relu_upper_bound, "relu_upper_bound", 1e-30, 1e30,
        &options->is_bounded, &options->bound);
}

// What all elements share.
typedef struct relu_frame {
    float m, m_i, slope, neg_factor, most; // most: largest number of the grid
    bool is_cut;                           // values above bound become bound
    float bound;
} relu_frame;

static relu_frame frame_of(const relu_options *options) {
    const int n = (int)options->bits - (options->negative_slope > 0 ? 1 : 0);
    relu_frame frame = {.m = mb_power_of_two(n),
        .m_i = mb_power_of_two((int)options->integer),
        .slope = (float)options->negative_slope};
    frame.neg_factor = frame.slope > 0 ? 1 / (frame.slope * frame.m) : 0;
    frame.most = frame.m_i - mb_power_of_two((int)options->integer - n);
    frame.is_cut = options->is_bounded && !options->is_quantized_clip;
    frame.bound = options->bound;
    return frame;
}

static float quantize(const relu_options *options, const relu_frame *f, float x) {
    const float top = 1.0F - 1.0F / f->m;
    float y = 0;
    if (options->use_sigmoid) {
        const float p = mb_hard_sigmoid(x / f->m_i) * f->m;
        y = f->m_i * mb_clip(2 * (mb_round_even(p) / f->m) - 1, 0, top);
        if (f->slope > 0) {
            const float below = 2 * (mb_round_even(p * f->slope) * f->neg_factor) - 1;
            y += f->m_i * f->slope * mb_clip(below, -1, 0);
        }
    } else {
        // Clipped first, so that no product overflows; both ends are far beyond the grid's.
        const float p = mb_clip(x, -4 * f->m_i, 4 * f->m_i) * (f->m / f->m_i);
        y = f->m_i * mb_clip(mb_round_even(p) / f->m, 0, top);
        if (f->slope > 0) {
            const float below = mb_round_even(p * f->slope) * f->neg_factor;
            y += f->m_i * f->slope * mb_clip(below, -1, 0);
        }
    }
    return f->is_cut && y > f->bound ? f->bound : y;
}

// What the quantised value stands for, and its derivative.
static float rectify(const relu_options *options, const relu_frame *f, float x, float *slope) {
    const float limit = options->is_quantized_clip ? f->most : f->bound;
    const bool is_limited = options->is_quantized_clip || options->is_bounded;
    if (is_limited && x > limit) {
        *slope = 0;
        return limit;
    }
    *slope = x > 0 ? 1 : f->slope;
    return x > 0 ? x : f->slope * x;
}

static bool grid(const void *record, mb_quantizer_grid *out) {
    const relu_options *options = record;
    const relu_frame f = frame_of(options);
    if (options->use_sigmoid || f.slope > 0 || f.is_cut ||
        (float)options->noise.qnoise_factor != 1) {
        return false;
    }
    *out = (mb_quantizer_grid){f.m / f.m_i, 0, (1.0F - 1.0F / f.m) * f.m, f.m_i / f.m};
    return true;
}

static void apply(const void *record, const mb_quantizer_shape *shape, const float *x, float *y) {
    const relu_options *options = record;
    const relu_frame f = frame_of(options);
    const size_t n = shape->outer * shape->n_channels * shape->inner;
    mb_quantizer_grid g;
    if (grid(options, &g)) {
        mb_grid_apply(&g, x, y, n);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        float slope = 0;
        const float base = rectify(options, &f, x[i], &slope);
        y[i] = mb_noise_mix(&options->noise, base, quantize(options, &f, x[i]));
    }
}

static void differentiate(const void *record, const float *x, float *gradient, size_t n) {
    const relu_options *options = record;
    const relu_frame f = frame_of(options);
    const float factor = mb_noise_slope(&options->noise);
    for (size_t i = 0; i < n; i++) {
        float slope = 0;
        rectify(options, &f, x[i], &slope);
        gradient[i] *= slope * factor;
    }
}

static bool format(const void *record, double scale, mb_fixed *out) {
    const relu_options *options = record;
    mb_quantizer_grid g;
    if (scale != 1 || !grid(options, &g)) {
        return false;
    }
    *out = (mb_fixed){.bits = (int)options->bits,
        .integer = (int)options->integer,
        .is_signed = false,
        .rounding = MB_FIXED_ROUND_EVEN,
        .overflow = MB_FIXED_SATURATE};
    return true;
}

static unsigned bits(const void *record) {
    return (unsigned)((const relu_options *)record)->bits;
}

const mb_quantizer_ops mb_quantizer_quantized_relu = {
    .name = "quantized_relu",
    .help = "a rectifier with whole numbers times a step",
    .options = options_table,
    .options_size = sizeof(relu_options),
    .n_positional = 8,
    .check = check,
    .apply = apply,
    .differentiate = differentiate,
    .grid = grid,
    .format = format,
    .bits = bits,
    .is_monotone = true,
};
