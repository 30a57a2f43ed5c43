// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// Plain C that every version of the graph kernels is built from, compiled for its instruction set.
// NAME(x) is the version's name for x; NAME(exponents) turns n values x <= 0 into exp(x);
// NAME(judge_pairs) is given the differences of up to MB_DOT pairs (component by component, zeros
// behind the last), adds their losses to total and gives how many are right and in factor by what
// the differences are multiplied for the gradient.

#include "kernels/graph.h"

#include <math.h>

// Constants of exp(x) = 2^n exp(r), |r| <= ln(2) / 2: the polynomial for exp(r) is that of Cephes's
// expf (Moshier 1989). Below LOWEST the answer is that of LOWEST, the last that is a normal number.
#define EXP_LOWEST  (-87.0F)
#define EXP_LOG2E   0x1.715476p+0F
#define EXP_ROUNDER 0x1.8p23F
#define EXP_HIGH    0x1.62e4p-1F
#define EXP_LOW     0x1.7f7d1cp-20F
#define EXP_C6      1.9875691500e-4F
#define EXP_C5      1.3981999507e-3F
#define EXP_C4      8.3334519073e-3F
#define EXP_C3      4.1665795894e-2F
#define EXP_C2      1.6666665459e-1F
#define EXP_C1      5.0000001201e-1F

static bool NAME(are_nodes)(size_t n, const int32_t *numbers, size_t n_nodes) {
    uint32_t most = 0;
    for (size_t i = 0; i < n; i++) {
        const uint32_t number = (uint32_t)numbers[i];
        most = number > most ? number : most;
    }
    return n == 0 || most < mb_min_size(n_nodes, (size_t)INT32_MAX + 1);
}

// Adds up MB_DOT sums in pairs.
static inline float NAME(total)(const float *t) {
    float sum[MB_DOT / 2];
    for (size_t l = 0; l < 8; l++) {
        sum[l] = t[l] + t[l + 8];
    }
    for (size_t l = 0; l < 4; l++) {
        sum[l] = sum[l] + sum[l + 4];
    }
    return (sum[0] + sum[2]) + (sum[1] + sum[3]);
}

static void NAME(softmax)(const mb_graph *graph, float *values) {
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const size_t first = graph->in_offset[i], end = graph->in_offset[i + 1];
        float most = first < end ? values[first] : 0;
        for (size_t e = first; e < end; e++) {
            most = values[e] > most ? values[e] : most;
        }
        for (size_t e = first; e < end; e++) {
            values[e] -= most;
        }
    }
    NAME(exponents)(graph->n_edges, values);
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const size_t first = graph->in_offset[i], end = graph->in_offset[i + 1];
        float sum = 0;
        for (size_t e = first; e < end; e++) {
            sum += values[e];
        }
        for (size_t e = first; e < end; e++) {
            values[e] /= sum;
        }
    }
}

static float NAME(softmax_back)(const mb_graph *graph, const float *y, float *d) {
    float t[MB_DOT] = {0};
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const size_t first = graph->in_offset[i], end = graph->in_offset[i + 1];
        float sum = 0;
        for (size_t e = first; e < end; e++) {
            sum += d[e] * y[e];
        }
        for (size_t e = first; e < end; e++) {
            d[e] = y[e] * (d[e] - sum);
        }
    }
    for (size_t e = 0; e < graph->n_edges; e++) {
        t[e % MB_DOT] += d[e];
    }
    return NAME(total)(t);
}

static inline void NAME(subtract_pairs)(const mb_pair_loss *loss, size_t first, size_t n,
    const float *rows, size_t width, float *difference) {
    for (size_t i = n; i < MB_DOT; i++) {
        for (size_t k = 0; k < width; k++) {
            difference[k * MB_DOT + i] = 0;
        }
    }
    for (size_t i = 0; i < n; i++) {
        const float *a = rows + (size_t)loss->source[first + i] * width;
        const float *b = rows + (size_t)loss->destination[first + i] * width;
        for (size_t k = 0; k < width; k++) {
            difference[k * MB_DOT + i] = a[k] - b[k] + 1e-6F;
        }
    }
}

// The gradient of up to MB_DOT edges to their ends. sum: of the source's stretch, which begins and
// ends where the source changes.
static inline void NAME(spread_pairs)(const mb_pair_loss *loss, size_t first, size_t n,
    size_t width, const float *difference, const float *factor, float *sum, float *d_rows) {
    for (size_t i = 0; i < n; i++) {
        const size_t e = first + i;
        float *to = d_rows + (size_t)loss->destination[e] * width;
        for (size_t k = 0; k < width; k++) {
            const float g = difference[k * MB_DOT + i] * factor[i];
            sum[k] += g;
            to[k] -= g;
        }
        if (e + 1 == loss->n || loss->source[e + 1] != loss->source[e]) {
            float *from = d_rows + (size_t)loss->source[e] * width;
            for (size_t k = 0; k < width; k++) {
                from[k] += sum[k];
                sum[k] = 0;
            }
        }
    }
}

static inline double NAME(pairs_of_width)(const mb_pair_loss *loss, const float *rows, size_t width,
    float *d_rows, float *sum, float *difference, size_t *right) {
    double total[MB_DOT] = {0};
    float factor[MB_DOT];
    size_t n_right = 0;
    for (size_t k = 0; k < width; k++) {
        sum[k] = 0;
    }
    for (size_t first = 0; first < loss->n; first += MB_DOT) {
        const size_t n = mb_min_size(MB_DOT, loss->n - first);
        NAME(subtract_pairs)(loss, first, n, rows, width, difference);
        n_right +=
            NAME(judge_pairs)(loss, n, loss->truth + first, width, difference, factor, total);
        if (d_rows != NULL) {
            NAME(spread_pairs)(loss, first, n, width, difference, factor, sum, d_rows);
        }
    }
    *right = n_right;
    for (size_t half = MB_DOT / 2; half > 0; half /= 2) {
        for (size_t l = 0; l < half; l++) {
            total[l] += total[l + half];
        }
    }
    return total[0];
}

static double NAME(pairs)(const mb_pair_loss *loss, const float *rows, size_t width, float *d_rows,
    float *scratch, size_t *right) {
    float sum[2], difference[2 * MB_DOT];
    return width == 2
               ? NAME(pairs_of_width)(loss, rows, 2, d_rows, sum, difference, right)
               : NAME(pairs_of_width)(loss, rows, width, d_rows, scratch, scratch + width, right);
}
