// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef NETWORK_ACTIVATION_H
#define NETWORK_ACTIVATION_H

#include "base/options.h"

// The kernel of kernels/lanes.h that does the same, for samples in lanes.
typedef enum mb_activation_kernel {
    MB_ACTIVATION_NO_KERNEL,
    MB_ACTIVATION_RECTIFY,
    MB_ACTIVATION_SOFTMAX,
    MB_ACTIVATION_SIGMOID,
} mb_activation_kernel;

// Activations work on whole rows of channels: n values, in groups of channels (softmax runs over a
// group). Backward is given the output y and replaces the gradient by y with that by the input.
typedef struct mb_activation_ops {
    const char *name; // Keras's: "relu"
    bool is_monotone; // may move behind a maximum
    void (*forward)(const double *parameters, float *values, size_t n, size_t channels);
    void (*backward)(
        const double *parameters, const float *y, float *gradient, size_t n, size_t channels);
    double default_parameters[2]; // alpha or slope, threshold
    bool mixes_channels;          // a number depends on others of its group
    mb_activation_kernel kernel;
} mb_activation_ops;

// An activation and its parameters.
typedef struct mb_activation {
    const mb_activation_ops *ops;
    double parameters[2];
} mb_activation;

extern const mb_activation_ops *const mb_activation_list[]; // NULL-terminated
// NULL for an unknown name; "linear" for NULL, and for a quantiser's text: the layer then computes
// without an activation, and the plan puts the quantiser behind it.
const mb_activation_ops *mb_activation_find(const char *name);

// The same, failing with UNSUPPORTED and the nearest name.
mb_status mb_activation_read(
    mb_context *ctx, const char *name, const mb_activation_ops **out) MB_MUST_CHECK;

#endif
