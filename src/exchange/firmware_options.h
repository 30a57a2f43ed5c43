// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef EXCHANGE_FIRMWARE_OPTIONS_H
#define EXCHANGE_FIRMWARE_OPTIONS_H

#include "base/options.h"

// What a types file says, for its reader and its writer.

enum { FIRMWARE_FORMAT = 1 };
#define FIRMWARE_FORMAT_KEY "minbias_firmware"

typedef struct firmware_head {
    int64_t format;
    const mb_node *input, *layers;
    const char *activation;
} firmware_head;
extern const mb_option mb_firmware_head_options[];

typedef struct firmware_input {
    mb_sizes shape;
    const char *type;
} firmware_input;
extern const mb_option mb_firmware_input_options[];

typedef struct firmware_layer {
    const char *name;
    size_t units;
    mb_sizes window, stride;
    int padding; // of mb_padding_names
    const char *weights, *bias, *scale;
    bool transposed;
    const char *weight_type, *bias_type, *accumulator, *result;
} firmware_layer;
extern const mb_option mb_firmware_layer_options[];

#endif
