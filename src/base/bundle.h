// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef BASE_BUNDLE_H
#define BASE_BUNDLE_H

#include "minbias/array.h"
#include "base/arena.h"

// Named arrays and named texts, in the order they were put in: weights, optimiser state, counters.
// What a model file or a checkpoint holds, without saying how it is written.
typedef struct mb_bundle_entry {
    const char *name;
    mb_array array; // used when text is NULL
    const char *text;
} mb_bundle_entry;

typedef struct mb_bundle {
    mb_arena arena;
    mb_bundle_entry *entries;
    size_t n, capacity;
} mb_bundle;

void mb_bundle_init(mb_bundle *bundle, mb_context *ctx);
void mb_bundle_clear(mb_bundle *bundle);
// Adds an entry; names are unique (ARG otherwise). Arrays are moved in: *array is empty afterwards,
// whatever the result.
mb_status mb_bundle_put(
    mb_bundle *bundle, mb_context *ctx, const char *name, mb_array *array) MB_MUST_CHECK;
mb_status mb_bundle_put_text(
    mb_bundle *bundle, mb_context *ctx, const char *name, const char *text) MB_MUST_CHECK;
mb_status mb_bundle_put_int(
    mb_bundle *bundle, mb_context *ctx, const char *name, int64_t value) MB_MUST_CHECK;
// A copy of n floats or doubles as a one-dimensional array.
mb_status mb_bundle_put_floats(mb_bundle *bundle, mb_context *ctx, const char *name,
    const float *values, size_t n) MB_MUST_CHECK;
mb_status mb_bundle_put_doubles(mb_bundle *bundle, mb_context *ctx, const char *name,
    const double *values, size_t n) MB_MUST_CHECK;
// Borrowed, or NULL.
const mb_array *mb_bundle_array(const mb_bundle *bundle, const char *name);
const char *mb_bundle_text(const mb_bundle *bundle, const char *name);
// Must be there with the right type and count: FORMAT otherwise.
mb_status mb_bundle_get_int(
    const mb_bundle *bundle, mb_context *ctx, const char *name, int64_t *out) MB_MUST_CHECK;
mb_status mb_bundle_get_floats(
    const mb_bundle *bundle, mb_context *ctx, const char *name, float *out, size_t n) MB_MUST_CHECK;
mb_status mb_bundle_get_doubles(const mb_bundle *bundle, mb_context *ctx, const char *name,
    double *out, size_t n) MB_MUST_CHECK;

// SHA-256 (FIPS 180-4).
typedef struct mb_sha256 {
    uint32_t state[8];
    uint64_t length;
    uint8_t block[64];
} mb_sha256;
void mb_sha256_init(mb_sha256 *sha);
void mb_sha256_update(mb_sha256 *sha, const void *bytes, size_t length);
// 64 hexadecimal digits and a zero byte.
void mb_sha256_hex(mb_sha256 *sha, char out[65]);

#endif
