// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/sorted_table.h"

#include <inttypes.h>

enum { FOOTER = 48, TRAILER = 5, SNAPPY = 1 };

static const uint64_t MAGIC = UINT64_C(0xDB4775248B80FB57);

bool mb_read_varint(const unsigned char **at, const unsigned char *end, uint64_t *out) {
    *out = 0;
    for (unsigned shift = 0; shift < 64 && *at < end; shift += 7) {
        const unsigned char byte = *(*at)++;
        if (shift == 63 && byte > 1) {
            return false;
        }
        *out |= (uint64_t)(byte & 0x7FU) << shift;
        if (byte < 0x80U) {
            return true;
        }
    }
    return false;
}

typedef struct parser {
    mb_sorted_table *table;
    mb_context *ctx;
    const char *name;
    const mb_crc32c *crc;
    const unsigned char *bytes;
    size_t length;
    char *key; // the key being put together
    size_t key_length, key_capacity;
} parser;

typedef struct span {
    const unsigned char *at, *end;
} span;

static mb_status fail_damaged(const parser *p, const char *what) {
    return mb_fail(p->ctx, MB_ERR_FORMAT, "%s: %s; copy or save the model again", p->name, what);
}

static uint32_t read_u32(const unsigned char *bytes) {
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

// The entries of the block that stands at at; where they begin is a pair of numbers.
static mb_status open_block(const parser *p, span *handle, span *out) {
    uint64_t offset = 0;
    uint64_t size = 0;
    if (!mb_read_varint(&handle->at, handle->end, &offset) ||
        !mb_read_varint(&handle->at, handle->end, &size) || offset > p->length ||
        size > p->length - offset || p->length - offset - size < TRAILER || size < 4) {
        return fail_damaged(p, "is cut off or damaged: a block lies outside the file");
    }
    const unsigned char *block = p->bytes + offset;
    const uint32_t check = mb_crc32c_mask(mb_crc32c_extend(p->crc, 0, block, (size_t)size + 1));
    if (check != read_u32(block + size + 1)) {
        return mb_fail(p->ctx, MB_ERR_FORMAT,
            "%s: is damaged: the block at byte %" PRIu64
            " does not match its checksum; copy or save the model again",
            p->name, offset);
    }
    if (block[size] != 0) {
        return mb_fail(p->ctx, MB_ERR_UNSUPPORTED,
            "%s: its blocks are compressed (%s); load the model in TensorFlow and save it as .h5",
            p->name, block[size] == SNAPPY ? "snappy" : "unknown kind");
    }
    const uint64_t n_restarts = read_u32(block + size - 4);
    if (n_restarts > (size - 4) / 4) {
        return fail_damaged(p, "is damaged: a block is too short");
    }
    *out = (span){block, block + size - 4 - 4 * n_restarts};
    return MB_OK;
}

typedef struct entry_head {
    uint64_t shared, rest; // bytes of the key: as in the one before, and its own
    uint64_t size;         // of the value
} entry_head;

static mb_status read_head(const parser *p, span *block, entry_head *out) {
    if (!mb_read_varint(&block->at, block->end, &out->shared) ||
        !mb_read_varint(&block->at, block->end, &out->rest) ||
        !mb_read_varint(&block->at, block->end, &out->size) ||
        out->rest > (uint64_t)(block->end - block->at) ||
        out->size > (uint64_t)(block->end - block->at) - out->rest) {
        return fail_damaged(p, "is damaged: an entry does not end within its block");
    }
    return MB_OK;
}

// Reads an entry; its key is then p->key.
static mb_status read_entry(parser *p, span *block, span *value) {
    entry_head head;
    MB_TRY(read_head(p, block, &head));
    if (head.shared > p->key_length) {
        return fail_damaged(p, "is damaged: a key shares more than the one before has");
    }
    const size_t length = (size_t)(head.shared + head.rest);
    MB_TRY(mb_grow(p->ctx, &p->key, &p->key_capacity, length + 1, 1));
    memcpy(p->key + head.shared, block->at, (size_t)head.rest);
    p->key[length] = '\0';
    p->key_length = length;
    block->at += head.rest;
    *value = (span){block->at, block->at + head.size};
    block->at += head.size;
    return MB_OK;
}

static int compare_keys(const char *a, size_t n_a, const char *b, size_t n_b) {
    const int order = memcmp(a, b, mb_min_size(n_a, n_b));
    return order != 0 ? order : (n_a > n_b) - (n_a < n_b);
}

static mb_status add_entry(parser *p, span value) {
    mb_sorted_table *table = p->table;
    const mb_table_entry *last = table->n == 0 ? NULL : &table->entry[table->n - 1];
    const mb_limits *limits = mb_context_limits(p->ctx);
    if (last != NULL && compare_keys(last->key, last->key_length, p->key, p->key_length) >= 0) {
        return fail_damaged(p, "is damaged: its keys are not in order");
    }
    // Shared beginnings let a small file ask for much memory.
    if (table->n >= limits->objects || table->arena.total > limits->bytes) {
        return mb_fail(p->ctx, MB_ERR_LIMIT,
            "%s: holds more entries than allowed; raise the limit if the file is trusted", p->name);
    }
    MB_TRY(mb_grow(p->ctx, &table->entry, &table->capacity, table->n + 1, sizeof *table->entry));
    const char *key = mb_arena_text_of(&table->arena, p->ctx, p->key, p->key_length);
    if (key == NULL) {
        return MB_ERR_MEMORY;
    }
    table->entry[table->n++] =
        (mb_table_entry){key, p->key_length, value.at, (size_t)(value.end - value.at)};
    return MB_OK;
}

static mb_status read_block(parser *p, span handle) {
    span block;
    MB_TRY(open_block(p, &handle, &block));
    p->key_length = 0;
    while (block.at < block.end) {
        span value = {NULL, NULL};
        MB_TRY(read_entry(p, &block, &value));
        MB_TRY(add_entry(p, value));
    }
    return MB_OK;
}

static mb_status read_blocks(parser *p) {
    if (p->length < FOOTER || memcmp(p->bytes + p->length - sizeof MAGIC, &MAGIC, sizeof MAGIC)) {
        return fail_damaged(p, "is cut off or no table of tensors");
    }
    span footer = {p->bytes + p->length - FOOTER, p->bytes + p->length - sizeof MAGIC};
    uint64_t ignored = 0;
    span index;
    if (!mb_read_varint(&footer.at, footer.end, &ignored) ||
        !mb_read_varint(&footer.at, footer.end, &ignored)) {
        return fail_damaged(p, "is damaged at its end");
    }
    MB_TRY(open_block(p, &footer, &index));
    // The keys of the index tell blocks apart; as all blocks are read, they are not needed.
    while (index.at < index.end) {
        entry_head head;
        MB_TRY(read_head(p, &index, &head));
        index.at += head.rest;
        const span handle = {index.at, index.at + head.size};
        index.at += head.size;
        MB_TRY(read_block(p, handle));
    }
    return MB_OK;
}

mb_status mb_sorted_table_parse(mb_sorted_table *out, mb_context *ctx, const char *name,
    const mb_crc32c *crc, const void *bytes, size_t length) {
    *out = (mb_sorted_table){.entry = NULL};
    mb_arena_init(&out->arena, ctx);
    parser p = {
        .table = out, .ctx = ctx, .name = name, .crc = crc, .bytes = bytes, .length = length};
    const mb_status status = read_blocks(&p);
    mb_release(ctx, p.key);
    return status;
}

void mb_sorted_table_clear(mb_sorted_table *table, mb_context *ctx) {
    mb_release(ctx, table->entry);
    mb_arena_clear(&table->arena);
    *table = (mb_sorted_table){.entry = NULL};
}

const mb_table_entry *mb_sorted_table_find(const mb_sorted_table *table, const char *key) {
    const size_t length = strlen(key);
    size_t low = 0;
    size_t high = table->n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const mb_table_entry *entry = &table->entry[middle];
        const int order = compare_keys(entry->key, entry->key_length, key, length);
        if (order == 0) {
            return entry;
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return NULL;
}
