// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "kernels/bits.h"
#include "kernels/channels.h"
#include "kernels/graph.h"
#include "kernels/lanes.h"

#include <math.h>

static void positions_c(size_t n, const uint32_t *base, const float *x,
    const mb_footprint *footprint, const float *w, const float *bias, size_t width, float *out,
    size_t out_stride) {
    for (size_t i = 0; i < n; i++) {
        float *y = out + i * out_stride;
        memcpy(y, bias, width * sizeof *y);
        for (size_t r = 0; r < footprint->n_runs; r++) {
            const float *run = x + base[i] + footprint->run_offset[r];
            for (size_t k = 0; k < footprint->run_length; k++) {
                const float *row = w + (r * footprint->run_length + k) * width;
                for (size_t o = 0; o < width; o++) {
                    y[o] = fmaf(run[k], row[o], y[o]);
                }
            }
        }
    }
}

static void positions_gradient_c(size_t n, const uint32_t *base, const float *x,
    const mb_footprint *footprint, const float *dy, size_t width, float *gradient) {
    for (size_t i = 0; i < n; i++) {
        for (size_t r = 0; r < footprint->n_runs; r++) {
            const float *run = x + base[i] + footprint->run_offset[r];
            for (size_t k = 0; k < footprint->run_length; k++) {
                float *row = gradient + (r * footprint->run_length + k) * width;
                for (size_t o = 0; o < width; o++) {
                    row[o] = fmaf(run[k], dy[i * width + o], row[o]);
                }
            }
        }
    }
}

// The piece [first_k, last_k) of a run, position by position.
static void back_piece(size_t first, size_t last, const uint32_t *base, const float *dy,
    size_t dy_stride, size_t n_out, const float *w, size_t run_pad, size_t first_k, size_t last_k,
    float *dx) {
    for (size_t i = first; i < last; i++) {
        for (size_t k = first_k; k < last_k; k++) {
            float sum = 0;
            for (size_t o = 0; o < n_out; o++) {
                sum = fmaf(dy[i * dy_stride + o], w[o * run_pad + k], sum);
            }
            dx[base[i] + k] += sum;
        }
    }
}

static void positions_back_c(size_t n, const uint32_t *base, const mb_footprint *footprint,
    const float *dy, size_t dy_stride, size_t n_out, const float *w, float *dx) {
    for (size_t first = 0; first < n; first += MB_BACK_BLOCK) {
        const size_t last = mb_min_size(first + MB_BACK_BLOCK, n);
        for (size_t r = 0; r < footprint->n_runs; r++) {
            for (size_t k = 0; k < footprint->run_length; k += MB_LANES) {
                back_piece(first, last, base, dy, dy_stride, n_out,
                    w + r * n_out * footprint->run_pad, footprint->run_pad, k,
                    mb_min_size(k + MB_LANES, footprint->run_length),
                    dx + footprint->run_offset[r]);
            }
        }
    }
}

static void winners_gradient_c(size_t n, const uint32_t *base, const float *dy, const float *x,
    const mb_footprint *footprint, float *gradient) {
    for (size_t i = 0; i < n; i++) {
        for (size_t r = 0; r < footprint->n_runs; r++) {
            const float *run = x + base[i] + footprint->run_offset[r];
            float *row = gradient + r * footprint->run_pad;
            for (size_t k = 0; k < footprint->run_pad; k++) {
                row[k] = fmaf(dy[i], run[k], row[k]);
            }
        }
    }
}

static void winners_back_c(size_t n, const uint32_t *base, const float *dy, const float *w,
    const mb_footprint *footprint, float *dx) {
    for (size_t i = 0; i < n; i++) {
        for (size_t r = 0; r < footprint->n_runs; r++) {
            float *run = dx + base[i] + footprint->run_offset[r];
            const float *row = w + r * footprint->run_pad;
            for (size_t k = 0; k < footprint->run_pad; k++) {
                run[k] = fmaf(dy[i], row[k], run[k]);
            }
        }
    }
}

static void pairs_c(const mb_pairs *pairs, const float *w, size_t width, float *out) {
    for (size_t i = 0; i < pairs->n; i++) {
        float *y = out + pairs->target[i] * width;
        const float *row = w + pairs->row[i] * width;
        for (size_t o = 0; o < width; o++) {
            y[o] = fmaf(pairs->value[i], row[o], y[o]);
        }
    }
}

static void pairs_gradient_c(
    const mb_pairs *pairs, const float *d_out, size_t width, float *gradient) {
    for (size_t i = 0; i < pairs->n; i++) {
        const float *dy = d_out + pairs->target[i] * width;
        float *row = gradient + pairs->row[i] * width;
        for (size_t o = 0; o < width; o++) {
            row[o] = fmaf(pairs->value[i], dy[o], row[o]);
        }
    }
}

static void max_windows_c(
    size_t n, size_t window, const float *in, size_t width, float *out, uint8_t *winner) {
    for (size_t c = 0; c < n; c++) {
        const float *rows = in + c * window * width;
        for (size_t o = 0; o < width; o++) {
            float best = rows[o];
            uint8_t best_j = 0;
            for (size_t j = 1; j < window; j++) {
                if (rows[j * width + o] > best) {
                    best = rows[j * width + o];
                    best_j = (uint8_t)j;
                }
            }
            out[c * width + o] = best;
            if (winner != NULL) {
                winner[c * width + o] = best_j;
            }
        }
    }
}

static void spread_windows_c(
    size_t n, size_t window, const float *d, const uint8_t *winner, size_t width, float *out) {
    for (size_t c = 0; c < n; c++) {
        for (size_t j = 0; j < window; j++) {
            for (size_t o = 0; o < width; o++) {
                out[(c * window + j) * width + o] =
                    winner[c * width + o] == j ? d[c * width + o] : 0;
            }
        }
    }
}

static void sum_rows_c(size_t n, const float *rows, size_t width, float *sum) {
    for (size_t i = 0; i < n; i++) {
        for (size_t o = 0; o < width; o++) {
            sum[o] += rows[i * width + o];
        }
    }
}

const mb_kernels mb_kernels_c = {"c", positions_c, positions_gradient_c, positions_back_c,
    winners_gradient_c, winners_back_c, pairs_c, pairs_gradient_c, max_windows_c, spread_windows_c,
    sum_rows_c, &mb_lane_kernels_c, &mb_graph_kernels_c, &mb_channel_kernels_c, &mb_bit_kernels_c};

size_t mb_kernels_all(uint32_t cpu, const mb_kernels *tables[3]) {
    size_t n = 0;
    tables[n++] = &mb_kernels_c;
#if defined(MB_HAVE_X86)
    if ((cpu & MB_CPU_AVX2) != 0) {
        tables[n++] = &mb_kernels_avx2;
    }
    if ((cpu & MB_CPU_AVX512) != 0) {
        tables[n++] = &mb_kernels_avx512;
    }
#endif
    (void)cpu;
    return n;
}

const mb_kernels *mb_kernels_for(uint32_t cpu) {
    const mb_kernels *tables[3];
    return tables[mb_kernels_all(cpu, tables) - 1];
}
