// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include "base/base.h"

// What every target defines: hands the bytes to one reader. Returns 0; a broken promise of the
// reader aborts.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
