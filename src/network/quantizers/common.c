// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/quantizers/common.h"

#include "base/math.h"

mb_status mb_alpha_read(mb_context *ctx, mb_document *document, const mb_node **node,
    mb_quantizer_use use, mb_alpha *out) {
    *out = (mb_alpha){MB_ALPHA_NONE, 1};
    if (*node == NULL || (*node)->kind == MB_NODE_NULL) {
        if (use != MB_QUANTIZER_KERNEL) {
            return MB_OK;
        }
        *node = mb_node_make_text(document, ctx, "auto_po2");
        out->kind = MB_ALPHA_AUTO_PO2;
        return *node != NULL ? MB_OK : MB_ERR_MEMORY;
    }
    if ((*node)->kind == MB_NODE_INT || (*node)->kind == MB_NODE_REAL) {
        *out = (mb_alpha){MB_ALPHA_NUMBER, (float)(*node)->real};
        return out->value > 0 && isfinite(out->value)
                   ? MB_OK
                   : mb_fail(
                         ctx, MB_ERR_RANGE, "alpha is %g; write a number above 0", (*node)->real);
    }
    const char *text = mb_node_text(*node);
    if (text != NULL && strcmp(text, "auto") == 0) {
        out->kind = MB_ALPHA_AUTO;
    } else if (text != NULL && strcmp(text, "auto_po2") == 0) {
        out->kind = MB_ALPHA_AUTO_PO2;
    } else {
        return mb_fail(ctx, MB_ERR_FORMAT,
            "alpha is '%.40s'; write a number above 0, 'auto', 'auto_po2' or null",
            text != NULL ? text : "a list or map");
    }
    return use != MB_QUANTIZER_ACTIVATION
               ? MB_OK
               : mb_fail(ctx, MB_ERR_UNSUPPORTED,
                     "alpha '%s' of an activation would depend on the other events of a batch; "
                     "write a number or null",
                     text);
}

mb_status mb_quantizer_number(mb_context *ctx, const mb_node *node, const char *name, double least,
    double most, bool *is_given, float *out) {
    *is_given = node != NULL && node->kind != MB_NODE_NULL;
    *out = 0;
    if (!*is_given) {
        return MB_OK;
    }
    if ((node->kind != MB_NODE_INT && node->kind != MB_NODE_REAL) || node->real < least ||
        node->real > most) {
        const char *text = mb_node_text(node);
        return mb_fail(ctx, MB_ERR_FORMAT, "%s is '%.40s'; write a number from %g to %g, or null",
            name, text != NULL ? text : "a list or map", least, most);
    }
    *out = (float)node->real;
    return MB_OK;
}

mb_status mb_quantizer_refuse_random(mb_context *ctx, bool use_stochastic_rounding) {
    return !use_stochastic_rounding
               ? MB_OK
               : mb_fail(ctx, MB_ERR_UNSUPPORTED,
                     "use_stochastic_rounding is not offered: a quantiser here is a function of "
                     "its argument; set it to false");
}

mb_status mb_quantizer_check_slope(mb_context *ctx, double slope) {
    int exponent = 0;
    return slope == 0 || mb_exponent_of(slope, &exponent)
               ? MB_OK
               : mb_fail(ctx, MB_ERR_RANGE,
                     "negative_slope is %g; write 0 or a power of two, such as 0.125", slope);
}

bool mb_exponent_of(double value, int *exponent) {
    const double mantissa = frexp(value, exponent);
    *exponent -= 1;
    return mantissa == 0.5;
}

float mb_nearest_power_of_two(float x) {
    const float log2 = 0.693147182F; // np.log(2.0) as float32
    if (!(x > 0) || isinf(x)) {
        return x;
    }
    const float logarithm = (float)mb_log((double)x) / log2;
    return mb_power_of_two((int)mb_round_even(logarithm));
}

mb_channel mb_channel_of(const mb_quantizer_shape *shape, const float *x, size_t channel) {
    return (mb_channel){
        x + channel * shape->inner, shape->outer, shape->n_channels * shape->inner, shape->inner};
}

float mb_channel_most(const mb_channel *channel) {
    float most = 0;
    MB_EACH_OF_CHANNEL(channel, i) {
        const float size = fabsf(channel->x[i]);
        most = size > most ? size : most;
    }
    return most;
}

float mb_least_squares_scale(double sum_xq, double sum_qq, size_t n, bool is_power_of_two) {
    const float mean_xq = (float)(sum_xq / (double)n);
    const float mean_qq = (float)(sum_qq / (double)n);
    const float scale = mean_xq / (mean_qq + mb_keras_epsilon);
    return is_power_of_two ? mb_nearest_power_of_two(scale + mb_keras_epsilon) : scale;
}

void mb_grid_apply(const mb_quantizer_grid *grid, const float *x, float *y, size_t n) {
    const mb_quantizer_grid g = *grid;
    const float exact = 4194304.0F; // up to here 1.5 * 2^23 rounds
    const float big = 12582912.0F;
    if (g.low >= -exact && g.high <= exact) {
        for (size_t i = 0; i < n; i++) {
            y[i] = ((mb_clip(x[i] * g.inverse_step, g.low, g.high) + big) - big) * g.step;
        }
        return;
    }
    for (size_t i = 0; i < n; i++) {
        y[i] = mb_round_even(mb_clip(x[i] * g.inverse_step, g.low, g.high)) * g.step + 0.0F;
    }
}
