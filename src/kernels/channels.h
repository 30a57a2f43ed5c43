// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef KERNELS_CHANNELS_H
#define KERNELS_CHANNELS_H

#include "kernels/kernels.h"

// Batch normalisation of n rows of channels. Every channel has sums of its own, in double, which
// take their terms row by row; products of floats are exact there. Nothing else is fused.
typedef struct mb_channels {
    size_t n, channels;
    const float *in;      // n x channels
    const float *mean;    // per channel
    const float *inverse; // 1 / standard deviation
    const float *gamma;
} mb_channels;

struct mb_channel_kernels {
    // sum[c] += x, sum_of_squares[c] += x * x. Reads in alone.
    void (*statistics)(const mb_channels *rows, double *sum, double *sum_of_squares);
    // out = (x - mean) * (inverse * gamma) + beta
    void (*normalize)(const mb_channels *rows, const float *beta, float *out);
    // sum[c] += d, projection[c] += d * float((x - mean) * inverse). Does not read gamma.
    void (*d_statistics)(const mb_channels *rows, const float *d, double *sum, double *projection);
    // d_in += (d - d_mean - (x - mean) * inverse * d_projection) * (inverse * gamma)
    void (*back)(const mb_channels *rows, const float *d, const float *d_mean,
        const float *d_projection, float *d_in);
};

extern const mb_channel_kernels mb_channel_kernels_c;
#if defined(MB_HAVE_X86)
extern const mb_channel_kernels mb_channel_kernels_avx2;
extern const mb_channel_kernels mb_channel_kernels_avx512;
#endif

#endif
