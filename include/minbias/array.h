// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef MINBIAS_ARRAY_H
#define MINBIAS_ARRAY_H

#include "minbias/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum mb_dtype {
    MB_F32,
    MB_F64,
    MB_I8,
    MB_U8,
    MB_I16,
    MB_U16,
    MB_I32,
    MB_U32,
    MB_I64,
    MB_U64,
    MB_BOOL
} mb_dtype;

enum { MB_MAX_RANK = 8 };

// A dense array in C order. Owns its data.
typedef struct mb_array {
    mb_dtype dtype;
    unsigned rank;
    size_t shape[MB_MAX_RANK];
    void *data;
    mb_runtime *runtime; // whose allocator data came from
} mb_array;

MB_API size_t mb_dtype_size(mb_dtype dtype);
// "float32", "uint16" ...
MB_API const char *mb_dtype_name(mb_dtype dtype);
MB_API size_t mb_array_count(const mb_array *array);
MB_API size_t mb_array_bytes(const mb_array *array);
// Makes a zeroed array. The caller clears it; on failure it is empty and safe to clear. Fails with
// MEMORY, SHAPE (size overflow), ARG (a dtype that is none).
MB_API mb_status mb_array_init(mb_array *array, mb_context *ctx, mb_dtype dtype, unsigned rank,
    const size_t *shape) MB_MUST_CHECK;
MB_API void mb_array_clear(mb_array *array);
// Element i in C order as a double (integers above 2^53 lose their last bits).
MB_API double mb_array_get(const mb_array *array, size_t i);
// Converts to another type in place; float to integer must be exact, else RANGE.
MB_API mb_status mb_array_convert(mb_array *array, mb_context *ctx, mb_dtype dtype) MB_MUST_CHECK;
// "(3, 4)" into text, which is returned.
MB_API char *mb_array_shape_text(const mb_array *array, char *text, size_t size);

#ifdef __cplusplus
}
#endif

#endif
