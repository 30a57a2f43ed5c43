// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef MEASURE_VALUES_H
#define MEASURE_VALUES_H

#include "base/base.h"
#include "minbias/array.h"

// A borrowed row of n numbers of any type: what measures and figures take, so that nobody has to
// convert a column first.
typedef struct mb_values {
    mb_dtype dtype;
    size_t n;
    const void *data;
} mb_values;

static inline mb_values mb_values_f32(const float *data, size_t n) {
    return (mb_values){MB_F32, n, data};
}

static inline mb_values mb_values_f64(const double *data, size_t n) {
    return (mb_values){MB_F64, n, data};
}

static inline mb_values mb_values_i32(const int32_t *data, size_t n) {
    return (mb_values){MB_I32, n, data};
}

static inline mb_values mb_values_i64(const int64_t *data, size_t n) {
    return (mb_values){MB_I64, n, data};
}

static inline mb_values mb_values_u8(const uint8_t *data, size_t n) {
    return (mb_values){MB_U8, n, data};
}

// All elements of an array in C order. array may be NULL: no values.
static inline mb_values mb_values_of(const mb_array *array) {
    return array != NULL ? (mb_values){array->dtype, mb_array_count(array), array->data}
                         : (mb_values){MB_F64, 0, NULL};
}

// Element i as a double (64-bit integers above 2^53 lose their last bits).
double mb_values_get(mb_values values, size_t i);

#endif
