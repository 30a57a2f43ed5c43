// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef FILES_TENSOR_BUNDLE_H
#define FILES_TENSOR_BUNDLE_H

#include "base/base.h"
#include "minbias/array.h"

// TensorFlow's checkpoint of tensors by name: PREFIX.index, a sorted table, and the numbers in
// shards PREFIX.data-00000-of-00002. Checksums of the table and of every tensor read are verified.

typedef struct mb_tensor_bundle mb_tensor_bundle;

// Opens PREFIX.index; shards are opened when a tensor is read. The caller closes *out; on failure
// it is NULL. Fails with IO, FORMAT, UNSUPPORTED (compressed, big-endian), LIMIT.
mb_status mb_tensor_bundle_open(
    mb_context *ctx, const char *prefix, mb_tensor_bundle **out) MB_MUST_CHECK;
// The same of one shard from memory, which must outlive the bundle; name stands in messages.
mb_status mb_tensor_bundle_open_bytes(mb_context *ctx, const char *name, const void *index,
    size_t index_length, const void *shard, size_t shard_length,
    mb_tensor_bundle **out) MB_MUST_CHECK;
void mb_tensor_bundle_close(mb_tensor_bundle *bundle);

// Reads a tensor of numbers (half precision becomes float32). The caller clears *out; on failure it
// is empty. Fails with IO (a missing shard), FORMAT (no such key, cut off, wrong checksum, shape
// and size that differ), UNSUPPORTED (a type that is no numbers, named; a tensor in slices), LIMIT.
mb_status mb_tensor_bundle_read(
    mb_tensor_bundle *bundle, const char *key, mb_array *out) MB_MUST_CHECK;
// Reads a tensor that is one text of *length bytes. The caller frees *out with mb_release.
mb_status mb_tensor_bundle_read_text(
    mb_tensor_bundle *bundle, const char *key, char **out, size_t *length) MB_MUST_CHECK;

#endif
