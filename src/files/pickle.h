// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef FILES_PICKLE_H
#define FILES_PICKLE_H

#include "base/arena.h"
#include "base/buffer.h"
#include "minbias/array.h"

// Python's pickle, protocols 0 to 5, as data alone: nothing is imported or executed. The opcodes
// and the names of makers (NumPy's arrays, dtypes and scalars, the built-in containers) are closed
// lists; anything else fails, named with its byte. Failures are "NAME: byte N: OPCODE: what; what
// to do": FORMAT, UNSUPPORTED (opcodes, names and types outside the lists), RANGE (numbers beyond
// 64 bits) or LIMIT (mb_limits; shared members count each time they are met).

typedef enum mb_pickle_kind {
    MB_PICKLE_NONE,
    MB_PICKLE_BOOL,
    MB_PICKLE_INT,
    MB_PICKLE_FLOAT,
    MB_PICKLE_TEXT,  // UTF-8
    MB_PICKLE_BYTES, // bytes and bytearray
    MB_PICKLE_LIST,
    MB_PICKLE_TUPLE,
    MB_PICKLE_SET,  // and frozenset; members in the file's order, a repeated one is kept
    MB_PICKLE_DICT, // and defaultdict, OrderedDict
    MB_PICKLE_ARRAY
} mb_pickle_kind;

typedef struct mb_pickle_value mb_pickle_value;

typedef struct mb_pickle_text {
    size_t length;
    const char *bytes; // a zero byte follows, which length does not count
} mb_pickle_text;

typedef struct mb_pickle_items {
    size_t n;               // of a dict: keys and values together
    mb_pickle_value *items; // of a dict: key, value, key, value ...
    // Of mb_pickle_read_packed, in place of items, which is then NULL: the members of a list that
    // is nothing but whole numbers, or, with row_end, of a list of n such lists, one behind the
    // other.
    const int32_t *integers;
    const size_t *row_end; // (n) where each of the lists ends in integers
} mb_pickle_items;

typedef struct mb_pickle_array {
    mb_array numbers;      // C order, native. Of an object array only rank and shape, data NULL
    mb_pickle_items items; // of an object array its members in C order
    bool has_objects;
} mb_pickle_array;

struct mb_pickle_value {
    mb_pickle_kind kind;
    union {
        bool truth;
        int64_t integer;
        double real;
        mb_pickle_text *text;   // also of bytes
        mb_pickle_items *items; // list, tuple, set, dict
        mb_pickle_array *array;
        const void *inside; // the reader's own
    } as;
};

// What was read. It does not change afterwards; one member may be reached on several ways, but
// never from itself.
typedef struct mb_pickle {
    mb_arena arena;
    mb_pickle_value root;
    struct mb_pickle_array_box *arrays; // those that own memory outside the arena
} mb_pickle;

// Reads a file of one pickle. The caller clears *out; on failure it is empty and safe to clear.
mb_status mb_pickle_read(mb_context *ctx, const char *path, mb_pickle *out) MB_MUST_CHECK;
// The same from memory, which may go afterwards; name is what errors quote.
mb_status mb_pickle_parse(mb_context *ctx, const char *name, const void *bytes, size_t length,
    mb_pickle *out) MB_MUST_CHECK;
// The same where lists of whole numbers of 32 bits, and lists of such lists, may come as integers:
// many times faster, for graphs. Such lists inside a list are no objects of their own: only the
// limit of bytes bounds their number.
mb_status mb_pickle_read_packed(mb_context *ctx, const char *path, mb_pickle *out) MB_MUST_CHECK;
mb_status mb_pickle_parse_packed(mb_context *ctx, const char *name, const void *bytes,
    size_t length, mb_pickle *out) MB_MUST_CHECK;
void mb_pickle_clear(mb_pickle *pickle);

// "dict", "list" ...
const char *mb_pickle_kind_name(mb_pickle_kind kind);
// The value of a text key, as in Python the last of several; NULL when there is none or dict is not
// a dict. Borrowed.
const mb_pickle_value *mb_pickle_find(const mb_pickle_value *dict, const char *key);
// A bool, int or float as a double, into *out.
bool mb_pickle_number(const mb_pickle_value *value, double *out);

#endif
