// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef FILES_PICKLE_INSIDE_H
#define FILES_PICKLE_INSIDE_H

#include "files/pickle.h"
#include "files/raw.h"

// The stack machine of the reader. Numbers lie in the values themselves; texts, containers, arrays
// and dtypes are boxes in the arena, so that the memo and the stack mean the same thing.

// Kinds that live on the stack only; a finished tree has none.
enum { PICKLE_UNSET = 100, PICKLE_TAG, PICKLE_DTYPE, PICKLE_ROW };

// A list inside a packed table, while it is read: where it ends, and its slot in the memo.
typedef struct pickle_row {
    size_t end;
    uint64_t slot;
} pickle_row;

typedef enum pickle_state { PICKLE_NEW, PICKLE_ENTERED, PICKLE_CHECKED } pickle_state;

// What the last check knows of a box once it was there: a box that is met again costs nothing.
typedef struct pickle_visit {
    size_t offset; // of the opcode that made the box
    pickle_state state;
    uint32_t depth;   // levels below and with the box
    uint64_t n_boxes; // when shared members are counted each time
    uint64_t n_bytes; // the same
} pickle_visit;

typedef struct pickle_items_box {
    mb_pickle_items items; // first, so that one pointer serves both
    size_t capacity;
    bool has_boxes; // lists of numbers need no walk
    pickle_visit visit;
} pickle_items_box;

typedef struct mb_pickle_array_box {
    mb_pickle_array array; // first, so that one pointer serves both
    bool is_filled;
    pickle_visit visit;
    struct mb_pickle_array_box *next;
} pickle_array_box;

typedef struct pickle_dtype {
    char text[16]; // as NumPy wrote it, for messages
    bool has_objects;
    bool is_known; // one of the number types
    mb_raw_type type;
} pickle_dtype;

typedef struct pickle_machine {
    mb_context *ctx;
    mb_pickle *out;
    const char *name;
    const unsigned char *start, *at, *end;
    size_t opcode_at;        // of the opcode at work
    const char *opcode_name; // the same
    bool is_done;
    mb_pickle_value *stack;
    size_t n, capacity;
    size_t *marks; // places in the stack
    size_t n_marks, mark_capacity;
    mb_pickle_value *memo;
    size_t n_memo, memo_capacity; // slots that may be set
    size_t n_memoized;            // slots that are
    uint64_t n_boxes, array_bytes;
    bool has_packed_lists, has_packed_tables; // lists of integers are read as such; lists of these
    bool must_restart;                        // a row of a table was asked for: read without tables
    int32_t *packed;                          // scratch
    pickle_row *rows;                         // scratch
    size_t packed_capacity, row_capacity;
} pickle_machine;

typedef struct pickle_opcode {
    const char *name;
    mb_status (*run)(pickle_machine *m); // NULL: known, and refused
} pickle_opcode;
extern const pickle_opcode mb_pickle_opcodes[256];

// A maker of the closed list.
typedef struct pickle_name {
    const char *module, *name;
    // NULL: not to be called. The arguments are a tuple's; *out is set on success.
    mb_status (*make)(pickle_machine *m, const mb_pickle_items *arguments, mb_pickle_value *out);
} pickle_name;

// "NAME: byte N: OPCODE: ..."
mb_status mb_pickle_fail(pickle_machine *m, mb_status status, const char *format, ...)
    MB_PRINTF(3, 4);
// A text of the file for a message: its start, in printable characters. Returns out.
const char *mb_pickle_quote(char *out, size_t size, const char *bytes, size_t length);

// Memory of the tree, within the limits.
void *mb_pickle_allocate(pickle_machine *m, size_t count, size_t size);
// Whether bytes more fit into the limits; records the failure.
mb_status mb_pickle_reserve(pickle_machine *m, uint64_t bytes) MB_MUST_CHECK;

mb_status mb_pickle_push(pickle_machine *m, mb_pickle_value value) MB_MUST_CHECK;
mb_status mb_pickle_pop(pickle_machine *m, mb_pickle_value *value) MB_MUST_CHECK;
// Takes the values above the last mark off the stack. Borrowed until the next push.
mb_status mb_pickle_pop_mark(
    pickle_machine *m, const mb_pickle_value **values, size_t *n) MB_MUST_CHECK;
// The next length bytes of the file.
mb_status mb_pickle_take(
    pickle_machine *m, uint64_t length, const unsigned char **bytes) MB_MUST_CHECK;
// The next line without its end.
mb_status mb_pickle_take_line(pickle_machine *m, const char **line, size_t *length) MB_MUST_CHECK;
// The next size bytes as a little-endian number.
mb_status mb_pickle_take_number(pickle_machine *m, size_t size, uint64_t *number) MB_MUST_CHECK;

// A text with room for length bytes, to be filled at *bytes; NULL on failure.
mb_pickle_text *mb_pickle_make_text(pickle_machine *m, size_t length, char **bytes);
// Makes a text that still lies in the file's bytes one of its own.
mb_status mb_pickle_own_text(pickle_machine *m, mb_pickle_text *text) MB_MUST_CHECK;
// A container with copies of n values.
mb_status mb_pickle_make_items(pickle_machine *m, mb_pickle_kind kind,
    const mb_pickle_value *values, size_t n, mb_pickle_value *out) MB_MUST_CHECK;
mb_status mb_pickle_add(pickle_machine *m, mb_pickle_value container, const mb_pickle_value *values,
    size_t n) MB_MUST_CHECK;
// Reads what follows EMPTY_LIST where it is nothing but integers, into the list on the stack.
mb_status mb_pickle_run_integers(pickle_machine *m, mb_pickle_value list) MB_MUST_CHECK;
// The memo's slot stands for a row of a table, which is not there by itself.
mb_status mb_pickle_put_row(pickle_machine *m, uint64_t index) MB_MUST_CHECK;
// Makes values of the integers or rows of a packed list.
mb_status mb_pickle_unpack(pickle_machine *m, mb_pickle_items *items) MB_MUST_CHECK;
// A text as the bytes that its characters number, which must all be below 256.
mb_status mb_pickle_encode_latin1(
    pickle_machine *m, const mb_pickle_text *text, mb_pickle_value *out) MB_MUST_CHECK;

bool mb_pickle_is_text(const mb_pickle_value *value, const char *text);

// The makers of NumPy's things, and what BUILD does with them.
mb_status mb_pickle_make_dtype(
    pickle_machine *m, const mb_pickle_items *arguments, mb_pickle_value *out) MB_MUST_CHECK;
mb_status mb_pickle_make_array(
    pickle_machine *m, const mb_pickle_items *arguments, mb_pickle_value *out) MB_MUST_CHECK;
mb_status mb_pickle_make_scalar(
    pickle_machine *m, const mb_pickle_items *arguments, mb_pickle_value *out) MB_MUST_CHECK;
mb_status mb_pickle_make_from_buffer(
    pickle_machine *m, const mb_pickle_items *arguments, mb_pickle_value *out) MB_MUST_CHECK;
mb_status mb_pickle_run_build(pickle_machine *m) MB_MUST_CHECK;

// Opcodes of texts.
mb_status mb_pickle_run_string(pickle_machine *m) MB_MUST_CHECK;
mb_status mb_pickle_run_binstring(pickle_machine *m) MB_MUST_CHECK;
mb_status mb_pickle_run_short_binstring(pickle_machine *m) MB_MUST_CHECK;
mb_status mb_pickle_run_binbytes(pickle_machine *m) MB_MUST_CHECK;
mb_status mb_pickle_run_short_binbytes(pickle_machine *m) MB_MUST_CHECK;
mb_status mb_pickle_run_binbytes8(pickle_machine *m) MB_MUST_CHECK;
mb_status mb_pickle_run_unicode(pickle_machine *m) MB_MUST_CHECK;
mb_status mb_pickle_run_binunicode(pickle_machine *m) MB_MUST_CHECK;
mb_status mb_pickle_run_short_binunicode(pickle_machine *m) MB_MUST_CHECK;
mb_status mb_pickle_run_binunicode8(pickle_machine *m) MB_MUST_CHECK;
// Opcodes of names.
mb_status mb_pickle_run_global(pickle_machine *m) MB_MUST_CHECK;
mb_status mb_pickle_run_stack_global(pickle_machine *m) MB_MUST_CHECK;
mb_status mb_pickle_run_reduce(pickle_machine *m) MB_MUST_CHECK;
mb_status mb_pickle_run_newobj(pickle_machine *m) MB_MUST_CHECK;

// Whether the value at the end is a tree within the limits, of finished things only.
mb_status mb_pickle_check(pickle_machine *m, mb_pickle_value root) MB_MUST_CHECK;

#endif
