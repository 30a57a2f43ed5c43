// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "kernels/lanes.h"

#include "base/math.h"

#include <math.h>

static void fill_c(size_t n, size_t size, const float *const *rows, float *lanes) {
    for (size_t i = 0; i < size; i++) {
        for (size_t s = 0; s < MB_SAMPLES; s++) {
            lanes[i * MB_SAMPLES + s] = s < n ? rows[s][i] : 0;
        }
    }
}

// Plain C has no way to ask.
static void fetch_c(const float *floats, size_t n) {
    (void)floats;
    (void)n;
}

static void store_c(size_t n, size_t size, const float *lanes, float *rows, size_t stride) {
    for (size_t s = 0; s < n; s++) {
        for (size_t i = 0; i < size; i++) {
            rows[s * stride + i] = lanes[i * MB_SAMPLES + s];
        }
    }
}

static void multiply_add(float *sum, const float *x, float w) {
    for (size_t s = 0; s < MB_SAMPLES; s++) {
        sum[s] = fmaf(x[s], w, sum[s]);
    }
}

static void positions_c(size_t n, const uint32_t *base, const float *x,
    const mb_footprint *footprint, const float *w, const float *bias, size_t width, size_t n_out,
    bool rectifies, float *out) {
    for (size_t i = 0; i < n * n_out; i++) {
        const size_t o = i % n_out;
        float *y = out + i * MB_SAMPLES;
        for (size_t s = 0; s < MB_SAMPLES; s++) {
            y[s] = bias[o];
        }
        for (size_t r = 0; r < footprint->n_runs; r++) {
            const float *run = x + (base[i / n_out] + footprint->run_offset[r]) * MB_SAMPLES;
            for (size_t k = 0; k < footprint->run_length; k++) {
                multiply_add(
                    y, run + k * MB_SAMPLES, w[(r * footprint->run_length + k) * width + o]);
            }
        }
        for (size_t s = 0; s < MB_SAMPLES && rectifies; s++) {
            y[s] = 0 > y[s] ? 0 : y[s];
        }
    }
}

static void back_number(const float *dy, const float *w, size_t n_out, float *dx) {
    float sum[MB_SAMPLES] = {0};
    for (size_t o = 0; o < n_out; o++) {
        multiply_add(sum, dy + o * MB_SAMPLES, w[o]);
    }
    for (size_t s = 0; s < MB_SAMPLES; s++) {
        dx[s] += sum[s];
    }
}

static void back_c(size_t n, const uint32_t *base, const mb_footprint *footprint, const float *dy,
    const float *w, size_t width, size_t n_out, float *dx) {
    const size_t length = footprint->run_length;
    const size_t n_pieces = (length + MB_LANES - 1) / MB_LANES;
    for (size_t first = 0; first < n; first += MB_BACK_BLOCK) {
        const size_t last = mb_min_size(first + MB_BACK_BLOCK, n);
        for (size_t piece = 0; piece < footprint->n_runs * n_pieces; piece++) {
            const size_t r = piece / n_pieces;
            const size_t begin = piece % n_pieces * MB_LANES;
            for (size_t i = first; i < last; i++) {
                float *run = dx + (base[i] + footprint->run_offset[r]) * MB_SAMPLES;
                for (size_t k = begin; k < mb_min_size(begin + MB_LANES, length); k++) {
                    back_number(dy + i * n_out * MB_SAMPLES, w + (r * length + k) * width, n_out,
                        run + k * MB_SAMPLES);
                }
            }
        }
    }
}

static void gradient_c(size_t n, const uint32_t *base, const float *x,
    const mb_footprint *footprint, const float *dy, size_t n_out, float *gradient) {
    for (size_t row = 0; row < footprint->n_runs * footprint->run_length; row++) {
        const size_t place =
            footprint->run_offset[row / footprint->run_length] + row % footprint->run_length;
        for (size_t o = 0; o < n_out; o++) {
            float *sum = gradient + (row * n_out + o) * MB_SAMPLES;
            for (size_t i = 0; i < n; i++) {
                const float *from = x + (base[i] + place) * MB_SAMPLES;
                const float *d = dy + (i * n_out + o) * MB_SAMPLES;
                for (size_t s = 0; s < MB_SAMPLES; s++) {
                    sum[s] = fmaf(from[s], d[s], sum[s]);
                }
            }
        }
    }
}

static void outer_c(
    size_t n, size_t n_in, const float *x, const float *dy, size_t width, float *gradient) {
    for (size_t k = 0; k < n_in; k++) {
        float *row = gradient + k * width;
        for (size_t s = 0; s < n; s++) {
            for (size_t o = 0; o < width; o++) {
                row[o] = fmaf(x[k * MB_SAMPLES + s], dy[s * width + o], row[o]);
            }
        }
    }
}

static void sum_c(size_t n, size_t n_out, const float *rows, float *sum) {
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < n_out * MB_SAMPLES; k++) {
            sum[k] += rows[i * n_out * MB_SAMPLES + k];
        }
    }
}

static void rectify_c(size_t n, float *values) {
    for (size_t i = 0; i < n * MB_SAMPLES; i++) {
        values[i] = 0 > values[i] ? 0 : values[i];
    }
}

static void rectify_back_c(size_t n, const float *y, const float *dy, float *d) {
    for (size_t i = 0; i < n * MB_SAMPLES; i++) {
        d[i] = y[i] > 0 ? dy[i] : 0;
    }
}

static void softmax_c(size_t n, size_t channels, float *values) {
    const size_t end = channels * MB_SAMPLES;
    for (size_t i = 0; i < n * MB_SAMPLES; i++) {
        float *group = values + i / MB_SAMPLES * end + i % MB_SAMPLES;
        float most = group[0];
        float sum = 0;
        for (size_t c = MB_SAMPLES; c < end; c += MB_SAMPLES) {
            most = group[c] > most ? group[c] : most;
        }
        for (size_t c = 0; c < end; c += MB_SAMPLES) {
            group[c] = mb_expf(group[c] - most);
            sum += group[c];
        }
        for (size_t c = 0; c < end; c += MB_SAMPLES) {
            group[c] /= sum;
        }
    }
}

static void exponential_c(size_t n, const float *x, float *y) {
    for (size_t i = 0; i < n * MB_SAMPLES; i++) {
        y[i] = mb_expf(x[i]);
    }
}

static void logarithm_c(size_t n, const float *x, float *y) {
    for (size_t i = 0; i < n * MB_SAMPLES; i++) {
        y[i] = (float)mb_log((double)x[i]);
    }
}

static void sigmoid_c(size_t n, const float *x, float *y) {
    for (size_t i = 0; i < n * MB_SAMPLES; i++) {
        y[i] = mb_sigmoidf(x[i]);
    }
}

const mb_lane_kernels mb_lane_kernels_c = {fill_c, fetch_c, store_c, positions_c, back_c,
    gradient_c, outer_c, sum_c, rectify_c, rectify_back_c, softmax_c, exponential_c, logarithm_c,
    sigmoid_c};
