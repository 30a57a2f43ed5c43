// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "kernels/channels.h"

#define FOR_EACH(rows, i, c)                                                                       \
    for (size_t base_ = 0; base_ < (rows)->n * (rows)->channels; base_ += (rows)->channels)        \
        for (size_t c = 0, i = base_; c < (rows)->channels; c++, i++)

static void statistics_c(const mb_channels *rows, double *sum, double *sum_of_squares) {
    FOR_EACH(rows, i, c) {
        const double x = (double)rows->in[i];
        sum[c] += x;
        sum_of_squares[c] += x * x;
    }
}

static void normalize_c(const mb_channels *rows, const float *beta, float *out) {
    FOR_EACH(rows, i, c) {
        const float factor = rows->inverse[c] * rows->gamma[c];
        out[i] = (rows->in[i] - rows->mean[c]) * factor + beta[c];
    }
}

static void d_statistics_c(
    const mb_channels *rows, const float *d, double *sum, double *projection) {
    FOR_EACH(rows, i, c) {
        const float normalized = (rows->in[i] - rows->mean[c]) * rows->inverse[c];
        sum[c] += (double)d[i];
        projection[c] += (double)d[i] * (double)normalized;
    }
}

static void back_c(const mb_channels *rows, const float *d, const float *d_mean,
    const float *d_projection, float *d_in) {
    FOR_EACH(rows, i, c) {
        const float normalized = (rows->in[i] - rows->mean[c]) * rows->inverse[c];
        const float factor = rows->inverse[c] * rows->gamma[c];
        d_in[i] += (d[i] - d_mean[c] - normalized * d_projection[c]) * factor;
    }
}

const mb_channel_kernels mb_channel_kernels_c = {statistics_c, normalize_c, d_statistics_c, back_c};
