// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// The input holds the three files of a SavedModel folder, before the first two their lengths in two
// bytes each: metadata, table of tensors, shard. Checksums are made right, or no changed byte would
// ever get past them.

#include "keras.h"

#include "files/crc32c.h"

static uint64_t read_number(const uint8_t **at, const uint8_t *end) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 28 && *at < end; shift += 7) {
        const uint8_t byte = *(*at)++;
        value |= (uint64_t)(byte & 127U) << shift;
        if (byte < 128) {
            break;
        }
    }
    return value;
}

// Of the block that a pair of numbers names.
static void mend_block(
    const mb_crc32c *crc, uint8_t *table, size_t length, const uint8_t **at, const uint8_t *end) {
    const uint64_t offset = read_number(at, end);
    const uint64_t size = read_number(at, end);
    if (offset + size + 5 <= length) {
        const uint32_t check =
            mb_crc32c_mask(mb_crc32c_extend(crc, 0, table + offset, (size_t)size + 1));
        memcpy(table + offset + size + 1, &check, sizeof check);
    }
}

static void mend(uint8_t *table, size_t length) {
    mb_crc32c crc;
    mb_crc32c_init(&crc);
    if (length < 48) {
        return;
    }
    const uint8_t *at = table + length - 48;
    const uint8_t *const end = table + length - 8;
    read_number(&at, end);
    read_number(&at, end);
    const uint8_t *of_index = at;
    const uint64_t offset = read_number(&at, end);
    const uint64_t size = read_number(&at, end);
    if (offset + size <= length && size > 8) {
        const uint8_t *entry = table + offset;
        const uint8_t *const last = table + offset + size - 8;
        while (entry < last) {
            read_number(&entry, last);
            const uint64_t n_key = read_number(&entry, last);
            const uint64_t n_value = read_number(&entry, last);
            if (n_key + n_value > (uint64_t)(last - entry)) {
                break;
            }
            entry += n_key;
            const uint8_t *handle = entry;
            mend_block(&crc, table, length, &handle, entry + n_value);
            entry += n_value;
        }
    }
    mend_block(&crc, table, length, &of_index, end);
}

static mb_status load(
    mb_context *ctx, const char *name, const void *bytes, size_t length, mb_model **out) {
    uint8_t *copy = malloc(length);
    mb_saved_model_bytes parts = {.metadata = NULL};
    uint16_t lengths[2];
    if (copy == NULL) {
        abort();
    }
    memcpy(copy, bytes, length);
    memcpy(lengths, bytes, sizeof lengths);
    const size_t rest = length - sizeof lengths;
    parts.metadata_length = lengths[0] < rest ? lengths[0] : rest;
    parts.index_length =
        lengths[1] < rest - parts.metadata_length ? lengths[1] : rest - parts.metadata_length;
    parts.shard_length = rest - parts.metadata_length - parts.index_length;
    uint8_t *index = copy + sizeof lengths + parts.metadata_length;
    parts.metadata = copy + sizeof lengths;
    parts.index = index;
    parts.shard = index + parts.index_length;
    mend(index, parts.index_length);
    const mb_status status = mb_model_load_saved_bytes(ctx, name, &parts, out);
    free(copy);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size >= 2 * sizeof(uint16_t)) {
        fuzz_keras(load, data, size);
    }
    return 0;
}
