// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "keras.h"

static mb_status load_config(
    mb_context *ctx, const char *name, const void *bytes, size_t length, mb_model **out) {
    return mb_model_load_config(ctx, name, bytes, length, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_keras(load_config, data, size);
    return 0;
}
