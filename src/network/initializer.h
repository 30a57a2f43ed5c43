// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef NETWORK_INITIALIZER_H
#define NETWORK_INITIALIZER_H

#include "base/random.h"
#include "network/model.h"

// Keras's initialisers; the numbers are ours (counter-based).
struct mb_initializer_ops {
    const char *name;       // "glorot_uniform"
    const char *class_name; // "GlorotUniform"; NULL: Keras has none such
    const mb_option *options;
    size_t options_size;
    mb_status (*fill)(mb_context *ctx, const void *options, const mb_weight *weight,
        mb_random *random, float *out);
};

extern const mb_initializer_ops *const mb_initializer_list[]; // NULL-terminated
// Reads "glorot_uniform", {glorot_uniform: {...}} or Keras's {class_name, config}. node NULL: the
// named default.
mb_status mb_initializer_read(mb_context *ctx, mb_document *document, const mb_node *node,
    const char *fallback, mb_initializer *out) MB_MUST_CHECK;

// The end of the range of PyTorch's first weights and biases of a linear layer: 1 / sqrt(fan_in) of
// the layer's first weight.
double mb_torch_limit(const mb_weight *weight);

// Reads {l1: .., l2: ..}, {l1_l2: {...}}, "l2" or Keras's {class_name, config}; NULL or null: no
// penalty.
mb_status mb_regularizer_read(mb_context *ctx, mb_document *document, const mb_node *node,
    double *l1, double *l2) MB_MUST_CHECK;

#endif
