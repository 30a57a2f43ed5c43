// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_FILES_VALUES_H
#define TESTS_FILES_VALUES_H

#include "testing.h"

#include "base/buffer.h"
#include "base/numbers.h"
#include "base/output.h"

// The rule of tests/golden/files.py.
static inline double golden_value(mb_dtype dtype, size_t i) {
    if (dtype == MB_BOOL) {
        return i % 3 == 0 ? 1.0 : 0.0;
    }
    const double value = (double)(37 * i % 101);
    const bool is_unsigned =
        dtype == MB_U8 || dtype == MB_U16 || dtype == MB_U32 || dtype == MB_U64;
    const bool is_float = dtype == MB_F32 || dtype == MB_F64;
    return value - (is_unsigned ? 0.0 : 50.0) + (is_float ? 0.25 : 0.0);
}

// Elements of array must be those of the rule from element first on.
static inline void assert_golden(const mb_array *array, size_t first, const char *what) {
    for (size_t i = 0; i < mb_array_count(array); i++) {
        const double wanted = golden_value(array->dtype, first + i);
        if (mb_array_get(array, i) != wanted) {
            fail_msg("%s: element %zu is %g, not %g", what, i, mb_array_get(array, i), wanted);
        }
    }
}

static inline void fill_golden(mb_array *array) {
    for (size_t i = 0; i < mb_array_count(array); i++) {
        const double value = golden_value(array->dtype, i);
        switch (array->dtype) {
        case MB_F32:
            ((float *)array->data)[i] = (float)value;
            break;
        case MB_F64:
            ((double *)array->data)[i] = value;
            break;
        case MB_I8:
        case MB_U8:
        case MB_BOOL:
            ((uint8_t *)array->data)[i] = (uint8_t)(int)value;
            break;
        case MB_I16:
        case MB_U16:
            ((uint16_t *)array->data)[i] = (uint16_t)(int)value;
            break;
        case MB_I32:
        case MB_U32:
            ((uint32_t *)array->data)[i] = (uint32_t)(int)value;
            break;
        case MB_I64:
        case MB_U64:
            ((uint64_t *)array->data)[i] = (uint64_t)(int)value;
            break;
        }
    }
}

// A path in the test's directory, or in the golden files, in text, which is returned.
static inline char *path_in(char *text, size_t size, const char *directory, const char *name) {
    (void)mb_format(text, size, "%s/%s", directory, name);
    return text;
}

static inline char *golden_path(char *text, size_t size, const char *name) {
    return path_in(text, size, mb_test_source("tests/golden/files"), name);
}

enum { PATH_SIZE = 1024 };

#endif
