// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "exchange/frozen_expression.h"

#include "base/math.h"
#include "base/node.h"
#include "base/numbers.h"
#include "network/quantizer.h"

#include <math.h>

typedef float (*function)(float a, float b, float c);

static float take(float a, float b, float c) {
    (void)b;
    (void)c;
    return a;
}
static float negate(float a, float b, float c) {
    (void)b;
    (void)c;
    return -a;
}
static float round_even(float a, float b, float c) {
    (void)b;
    (void)c;
    return rintf(a);
}
static float rectify(float a, float b, float c) {
    (void)b;
    (void)c;
    return a > 0 ? a : 0;
}
static float sigmoid(float a, float b, float c) {
    (void)b;
    (void)c;
    return mb_sigmoidf(a);
}
static float hyperbolic_tangent(float a, float b, float c) {
    (void)b;
    (void)c;
    return mb_tanhf(a);
}
static float one(float a, float b, float c) {
    (void)a;
    (void)b;
    (void)c;
    return 1;
}
static float add(float a, float b, float c) {
    (void)c;
    return a + b;
}
static float subtract(float a, float b, float c) {
    (void)c;
    return a - b;
}
static float multiply(float a, float b, float c) {
    (void)c;
    return a * b;
}
static float divide(float a, float b, float c) {
    (void)c;
    return a / b;
}
static float least(float a, float b, float c) {
    (void)c;
    return a < b ? a : b;
}
static float most(float a, float b, float c) {
    (void)c;
    return a > b ? a : b;
}
static float is_at_most(float a, float b, float c) {
    (void)c;
    return a <= b ? 1.0F : 0.0F;
}
static float choose(float a, float b, float c) {
    return a != 0 ? b : c;
}
// Of the graphs that are read, bases are 2 and exponents whole.
static float power(float a, float b, float c) {
    (void)c;
    return a > 0 ? (float)mb_pow((double)a, (double)b) : 0;
}

static const struct {
    const char *op;
    size_t n;
    function apply;
} operations[] = {{"Identity", 1, take}, {"StopGradient", 1, take}, {"Cast", 1, take},
    {"Neg", 1, negate}, {"Round", 1, round_even}, {"Rint", 1, round_even}, {"Relu", 1, rectify},
    {"Sigmoid", 1, sigmoid}, {"Tanh", 1, hyperbolic_tangent}, {"OnesLike", 1, one},
    {"AddV2", 2, add}, {"Add", 2, add}, {"Sub", 2, subtract}, {"Mul", 2, multiply},
    {"RealDiv", 2, divide}, {"Minimum", 2, least}, {"Maximum", 2, most}, {"Pow", 2, power},
    {"LessEqual", 2, is_at_most}, {"SelectV2", 3, choose}};

static size_t find(const char *op) {
    size_t i = 0;
    while (i < MB_COUNT_OF(operations) && strcmp(operations[i].op, op) != 0) {
        i++;
    }
    return i;
}

size_t mb_frozen_operands(const char *op) {
    const size_t i = find(op);
    return i < MB_COUNT_OF(operations) ? operations[i].n : 0;
}

mb_status mb_frozen_apply(mb_context *ctx, const mb_frozen_node *node, const float *const *operands,
    size_t n_operands, size_t n, float *out) {
    const size_t k = find(node->op);
    if (k == MB_COUNT_OF(operations) || n_operands != operations[k].n) {
        return mb_fail(ctx, MB_ERR_UNSUPPORTED, "node %s: %s of %zu inputs is not read", node->name,
            node->op, n_operands);
    }
    const float *a = operands[0];
    const float *b = n_operands > 1 ? operands[1] : a;
    const float *c = n_operands > 2 ? operands[2] : a;
    for (size_t i = 0; i < n; i++) {
        out[i] = operations[k].apply(a[i], b[i], c[i]);
    }
    return MB_OK;
}

// Powers of two of both signs, first, then an even grid with offsets no quantiser is built on.
enum { LEAST_EXPONENT = -24, MOST_EXPONENT = 15, N_POWERS = MOST_EXPONENT - LEAST_EXPONENT + 1 };

void mb_frozen_probes(float *x) {
    for (size_t i = 0; i < N_POWERS; i++) {
        x[2 * i] = ldexpf(1, LEAST_EXPONENT + (int)i);
        x[2 * i + 1] = -x[2 * i];
    }
    for (size_t i = 2 * N_POWERS; i < MB_FROZEN_PROBES; i++) {
        const float t = (float)(i - 2 * N_POWERS) / (MB_FROZEN_PROBES - 2 * N_POWERS);
        x[i] = (i % 2 == 0 ? 1.0F : 9.0F) * (2 * t - 1) + 0.0137F;
    }
}

// The bound that values reach for growing probes of one sign (side 0 positive, 1 negative), whole
// steps; 0 when there is none.
static float find_bound(const float *x, const float *y, size_t side, float step) {
    for (size_t i = 0; i < N_POWERS; i++) {
        const float at = x[2 * i + side];
        const float value = y[2 * i + side];
        if (fabsf(at) > step && fabsf(value) < 0.75F * fabsf(at)) {
            return rintf(value / step) * step;
        }
    }
    return 0;
}

static bool is_quantizer(mb_context *ctx, const float *x, const float *y, const char *text) {
    mb_document document;
    mb_quantizer quantizer = {.ops = NULL};
    float *q = mb_allocate(ctx, MB_FROZEN_PROBES, sizeof *q);
    mb_document_init(&document, ctx, "quantiser");
    const mb_node *node = mb_node_make_text(&document, ctx, text);
    bool is_same = q != NULL && node != NULL &&
                   mb_quantizer_read(ctx, &document, node, MB_QUANTIZER_ACTIVATION, "activation",
                       &quantizer) == MB_OK;
    if (is_same) {
        mb_quantizer_apply_each(&quantizer, x, q, MB_FROZEN_PROBES);
    }
    for (size_t i = 0; is_same && i < MB_FROZEN_PROBES; i++) {
        // QKeras's x + (q - x) is off the grid by a rounding of x.
        is_same = fabsf(q[i] - y[i]) <= 1e-6F * (fabsf(x[i]) + fabsf(q[i]));
    }
    mb_document_clear(&document);
    mb_release(ctx, q);
    return is_same;
}

bool mb_frozen_find_quantizer(
    mb_context *ctx, const float *x, const float *y, char text[MB_FROZEN_QUANTIZER_TEXT]) {
    int step = LEAST_EXPONENT;
    while (step <= MOST_EXPONENT && !(y[2 * (step - LEAST_EXPONENT)] > 0.75F * ldexpf(1, step))) {
        step++;
    }
    if (step > MOST_EXPONENT) {
        return false;
    }
    const float size = ldexpf(1, step);
    const float high = find_bound(x, y, 0, size) + size;
    const float low = find_bound(x, y, 1, size);
    int integer = 0;
    if (!(high > 0) || frexpf(high, &integer) != 0.5F) {
        return false;
    }
    integer--;
    const int bits = integer - step + (low < 0 ? 1 : 0);
    if (bits < 1 || bits > 30 || integer < 0) {
        return false;
    }
    if (low < 0) {
        mb_format(text, MB_FROZEN_QUANTIZER_TEXT, "quantized_bits(%d,%d,%d,alpha=1)", bits, integer,
            low > -high ? 1 : 0);
    } else {
        mb_format(text, MB_FROZEN_QUANTIZER_TEXT, "quantized_relu(%d,%d)", bits, integer);
    }
    return is_quantizer(ctx, x, y, text);
}
