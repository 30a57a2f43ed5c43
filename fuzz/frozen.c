// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "keras.h"

#include "exchange/frozen.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_keras(mb_frozen_load_bytes, data, size);
    return 0;
}
