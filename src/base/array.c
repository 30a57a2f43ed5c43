// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "minbias/array.h"

#include "base/base.h"
#include "base/numbers.h"

#include <math.h>

size_t mb_dtype_size(mb_dtype dtype) {
    static const uint8_t sizes[] = {[MB_F32] = 4,
        [MB_F64] = 8,
        [MB_I8] = 1,
        [MB_U8] = 1,
        [MB_I16] = 2,
        [MB_U16] = 2,
        [MB_I32] = 4,
        [MB_U32] = 4,
        [MB_I64] = 8,
        [MB_U64] = 8,
        [MB_BOOL] = 1};
    return sizes[dtype];
}

const char *mb_dtype_name(mb_dtype dtype) {
    static const char *const names[] = {[MB_F32] = "float32",
        [MB_F64] = "float64",
        [MB_I8] = "int8",
        [MB_U8] = "uint8",
        [MB_I16] = "int16",
        [MB_U16] = "uint16",
        [MB_I32] = "int32",
        [MB_U32] = "uint32",
        [MB_I64] = "int64",
        [MB_U64] = "uint64",
        [MB_BOOL] = "bool"};
    return names[dtype];
}

size_t mb_array_count(const mb_array *array) {
    if (array->data == NULL) {
        return 0;
    }
    size_t count = 1;
    for (unsigned i = 0; i < array->rank; i++) {
        count *= array->shape[i];
    }
    return count;
}

size_t mb_array_bytes(const mb_array *array) {
    return mb_array_count(array) * mb_dtype_size(array->dtype);
}

// Zero lengths do not hide an overflow: every product of a prefix must fit, so that any later
// reshape may multiply.
static bool size_fits(mb_dtype dtype, unsigned rank, const size_t *shape, size_t *count) {
    size_t product = 1, padded = mb_dtype_size(dtype);
    for (unsigned i = 0; i < rank; i++) {
        const size_t length = mb_max_size(shape[i], 1);
        if (padded > PTRDIFF_MAX / length) {
            return false;
        }
        padded *= length;
        product *= shape[i];
    }
    *count = product;
    return true;
}

mb_status mb_array_init(
    mb_array *array, mb_context *ctx, mb_dtype dtype, unsigned rank, const size_t *shape) {
    *array = (mb_array){.dtype = dtype, .data = NULL};
    if ((unsigned)dtype > MB_BOOL) {
        return mb_fail(ctx, MB_ERR_ARG, "array: no type has the number %u; use one of mb_dtype",
            (unsigned)dtype);
    }
    if (rank > MB_MAX_RANK) {
        return mb_fail(
            ctx, MB_ERR_SHAPE, "array: %u axes; at most %d are offered", rank, MB_MAX_RANK);
    }
    size_t count;
    if (!size_fits(dtype, rank, shape, &count)) {
        return mb_fail(
            ctx, MB_ERR_SHAPE, "array: more bytes than an address can count; use smaller axes");
    }
    void *data = mb_allocate_zeroed(ctx, count, mb_dtype_size(dtype));
    if (data == NULL) {
        return MB_ERR_MEMORY;
    }
    array->rank = rank;
    for (unsigned i = 0; i < rank; i++) {
        array->shape[i] = shape[i];
    }
    array->data = data;
    array->runtime = mb_context_runtime(ctx);
    return MB_OK;
}

void mb_array_clear(mb_array *array) {
    if (array->data != NULL) {
        mb_runtime_release(array->runtime, array->data);
    }
    *array = (mb_array){.data = NULL};
}

double mb_array_get(const mb_array *array, size_t i) {
    switch (array->dtype) {
    case MB_F32:
        return (double)((const float *)array->data)[i];
    case MB_F64:
        return ((const double *)array->data)[i];
    case MB_I8:
        return (double)((const int8_t *)array->data)[i];
    case MB_U8:
        return (double)((const uint8_t *)array->data)[i];
    case MB_I16:
        return (double)((const int16_t *)array->data)[i];
    case MB_U16:
        return (double)((const uint16_t *)array->data)[i];
    case MB_I32:
        return (double)((const int32_t *)array->data)[i];
    case MB_U32:
        return (double)((const uint32_t *)array->data)[i];
    case MB_I64:
        return (double)((const int64_t *)array->data)[i];
    case MB_U64:
        return (double)((const uint64_t *)array->data)[i];
    case MB_BOOL:
        return ((const uint8_t *)array->data)[i] != 0 ? 1.0 : 0.0;
    }
    return NAN;
}

// A conversion goes by blocks through one of three wide types, whichever holds the source exactly.
enum { BLOCK = 256 };
typedef enum wide { WIDE_REAL, WIDE_SIGNED, WIDE_UNSIGNED } wide;
typedef struct block {
    wide kind;
    double real[BLOCK];
    int64_t integer[BLOCK];
    uint64_t natural[BLOCK];
} block;

#define LOAD(type, member, wide_type, wide_kind)                                                   \
    do {                                                                                           \
        const type *from = (const type *)array->data + first;                                      \
        for (size_t i = 0; i < n; i++) {                                                           \
            to->member[i] = (wide_type)from[i];                                                    \
        }                                                                                          \
        to->kind = wide_kind;                                                                      \
    } while (0)

static void load(const mb_array *array, size_t first, size_t n, block *to) {
    switch (array->dtype) {
    case MB_F32:
        LOAD(float, real, double, WIDE_REAL);
        break;
    case MB_F64:
        LOAD(double, real, double, WIDE_REAL);
        break;
    case MB_I8:
        LOAD(int8_t, integer, int64_t, WIDE_SIGNED);
        break;
    case MB_U8:
        LOAD(uint8_t, integer, int64_t, WIDE_SIGNED);
        break;
    case MB_I16:
        LOAD(int16_t, integer, int64_t, WIDE_SIGNED);
        break;
    case MB_U16:
        LOAD(uint16_t, integer, int64_t, WIDE_SIGNED);
        break;
    case MB_I32:
        LOAD(int32_t, integer, int64_t, WIDE_SIGNED);
        break;
    case MB_U32:
        LOAD(uint32_t, integer, int64_t, WIDE_SIGNED);
        break;
    case MB_I64:
        LOAD(int64_t, integer, int64_t, WIDE_SIGNED);
        break;
    case MB_U64:
        LOAD(uint64_t, natural, uint64_t, WIDE_UNSIGNED);
        break;
    case MB_BOOL:
        // A file may hold any byte other than 0 for true.
        for (size_t i = 0; i < n; i++) {
            to->integer[i] = ((const uint8_t *)array->data)[first + i] != 0;
        }
        to->kind = WIDE_SIGNED;
        break;
    }
}

// Turns the block into unsigned or signed 64-bit integers, for a target that holds them. Returns
// the index of the first number with a fraction, that is not finite or that does not fit into 64
// bits of that sign; n when all do.
static size_t make_natural(block *b, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (b->kind == WIDE_SIGNED) {
            if (b->integer[i] < 0) {
                return i;
            }
            b->natural[i] = (uint64_t)b->integer[i];
        } else if (b->kind == WIDE_REAL) {
            if (!(b->real[i] >= 0.0 && b->real[i] < 0x1p64 && floor(b->real[i]) == b->real[i])) {
                return i;
            }
            b->natural[i] = (uint64_t)b->real[i];
        }
    }
    return n;
}

static size_t make_integer(block *b, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (b->kind == WIDE_UNSIGNED) {
            if (b->natural[i] > INT64_MAX) {
                return i;
            }
            b->integer[i] = (int64_t)b->natural[i];
        } else if (b->kind == WIDE_REAL) {
            if (!(b->real[i] >= -0x1p63 && b->real[i] < 0x1p63 &&
                    floor(b->real[i]) == b->real[i])) {
                return i;
            }
            b->integer[i] = (int64_t)b->real[i];
        }
    }
    return n;
}

#define STORE_INTEGER(type, low, high)                                                             \
    do {                                                                                           \
        const size_t fitting = make_integer(from, n);                                              \
        for (size_t i = 0; i < fitting; i++) {                                                     \
            if (from->integer[i] < (low) || from->integer[i] > (high)) {                           \
                return i;                                                                          \
            }                                                                                      \
            ((type *)data)[first + i] = (type)from->integer[i];                                    \
        }                                                                                          \
        return fitting;                                                                            \
    } while (0)

#define STORE_REAL(type)                                                                           \
    do {                                                                                           \
        for (size_t i = 0; i < n; i++) {                                                           \
            ((type *)data)[first + i] = from->kind == WIDE_REAL     ? (type)from->real[i]          \
                                        : from->kind == WIDE_SIGNED ? (type)from->integer[i]       \
                                                                    : (type)from->natural[i];      \
        }                                                                                          \
        return n;                                                                                  \
    } while (0)

// Returns the index of the first number the target type does not hold; n when it holds all.
static size_t store(void *data, mb_dtype dtype, size_t first, size_t n, block *from) {
    switch (dtype) {
    case MB_F32:
        STORE_REAL(float);
    case MB_F64:
        STORE_REAL(double);
    case MB_I8:
        STORE_INTEGER(int8_t, INT8_MIN, INT8_MAX);
    case MB_U8:
        STORE_INTEGER(uint8_t, 0, UINT8_MAX);
    case MB_I16:
        STORE_INTEGER(int16_t, INT16_MIN, INT16_MAX);
    case MB_U16:
        STORE_INTEGER(uint16_t, 0, UINT16_MAX);
    case MB_I32:
        STORE_INTEGER(int32_t, INT32_MIN, INT32_MAX);
    case MB_U32:
        STORE_INTEGER(uint32_t, 0, UINT32_MAX);
    case MB_BOOL:
        STORE_INTEGER(uint8_t, 0, 1);
    case MB_I64: {
        const size_t fitting = make_integer(from, n);
        memcpy((int64_t *)data + first, from->integer, fitting * sizeof(int64_t));
        return fitting;
    }
    case MB_U64: {
        const size_t fitting = make_natural(from, n);
        memcpy((uint64_t *)data + first, from->natural, fitting * sizeof(uint64_t));
        return fitting;
    }
    }
    return 0;
}

mb_status mb_array_convert(mb_array *array, mb_context *ctx, mb_dtype dtype) {
    if (array->dtype == dtype) {
        return MB_OK;
    }
    mb_array converted;
    MB_TRY(mb_array_init(&converted, ctx, dtype, array->rank, array->shape));
    const size_t count = mb_array_count(array);
    block wide_block;
    for (size_t first = 0; first < count; first += BLOCK) {
        const size_t n = mb_min_size(BLOCK, count - first);
        load(array, first, n, &wide_block);
        const size_t stored = store(converted.data, dtype, first, n, &wide_block);
        if (stored < n) {
            mb_array_clear(&converted);
            return mb_fail(ctx, MB_ERR_RANGE,
                "array: number %zu is %.17g, which %s does not hold; keep type %s", first + stored,
                mb_array_get(array, first + stored), mb_dtype_name(dtype),
                mb_dtype_name(array->dtype));
        }
    }
    mb_array_clear(array);
    *array = converted;
    return MB_OK;
}

char *mb_array_shape_text(const mb_array *array, char *text, size_t size) {
    size_t used = (size_t)mb_format(text, size, "(");
    for (unsigned i = 0; i < array->rank && used < size; i++) {
        used +=
            (size_t)mb_format(text + used, size - used, i == 0 ? "%zu" : ", %zu", array->shape[i]);
    }
    if (used < size) {
        (void)mb_format(text + used, size - used, array->rank == 1 ? ",)" : ")");
    }
    return text;
}
