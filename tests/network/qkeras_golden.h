// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_NETWORK_QKERAS_GOLDEN_H
#define TESTS_NETWORK_QKERAS_GOLDEN_H

#include "testing.h"

#include "exchange/keras.h"
#include "network/plan.h"

#include <stdio.h>

// Models of QKeras in tests/golden/quantized.txt.

enum { QKERAS_MOST_LINE = 65536, QKERAS_MOST_VALUES = 4096 };

typedef struct qkeras_numbers {
    size_t n;
    float value[QKERAS_MOST_VALUES];
} qkeras_numbers;

// before, trained and after: see tests/golden/quantized.py.
typedef struct qkeras_golden {
    char name[32], json[QKERAS_MOST_LINE];
    qkeras_numbers weights, x, t, before, losses, trained, after;
} qkeras_golden;

FILE *qkeras_golden_open(void);
// The next model; false at the end of the file.
bool qkeras_golden_next(FILE *file, qkeras_golden *out);
// The model with its weights.
void qkeras_golden_load(mb_context *ctx, const qkeras_golden *golden, mb_model **model);
size_t qkeras_golden_rows(const qkeras_golden *golden, const mb_model *model);
void qkeras_golden_predict(
    mb_context *ctx, const mb_model *model, const float *x, size_t n, float *out);

#endif
