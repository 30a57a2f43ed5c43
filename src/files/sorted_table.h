// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef FILES_SORTED_TABLE_H
#define FILES_SORTED_TABLE_H

#include "base/arena.h"
#include "files/crc32c.h"

// A sorted string table (LevelDB's file format): blocks of keys that share beginnings, each with a
// check, and a block that finds them. Compressed blocks are not offered.

typedef struct mb_table_entry {
    const char *key; // of key_length bytes, and a zero byte
    size_t key_length;
    const unsigned char *value; // within the bytes that were parsed
    size_t value_length;
} mb_table_entry;

typedef struct mb_sorted_table {
    mb_arena arena;
    mb_table_entry *entry; // (n) rising keys
    size_t n, capacity;
} mb_sorted_table;

// Parses a whole file, which must outlive the table; name stands in messages. The caller clears
// *out, also after a failure. Fails with FORMAT (damaged, cut off, keys that do not rise),
// UNSUPPORTED (compressed), LIMIT, MEMORY.
mb_status mb_sorted_table_parse(mb_sorted_table *out, mb_context *ctx, const char *name,
    const mb_crc32c *crc, const void *bytes, size_t length) MB_MUST_CHECK;
void mb_sorted_table_clear(mb_sorted_table *table, mb_context *ctx);
// NULL when there is none.
const mb_table_entry *mb_sorted_table_find(const mb_sorted_table *table, const char *key);

// A number of up to 64 bits in groups of seven, low ones first, from *at on; false when it does not
// end before end.
bool mb_read_varint(const unsigned char **at, const unsigned char *end, uint64_t *out);

#endif
