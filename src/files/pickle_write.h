// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef FILES_PICKLE_WRITE_H
#define FILES_PICKLE_WRITE_H

#include "base/buffer.h"
#include "minbias/array.h"

// Writes a pickle (protocol 4 unless told otherwise: Python 3.4 and later; arrays: any NumPy 1 or
// 2) value by value, without a tree in memory. Everything between a begin and its end are members;
// a dict's are keys and values in turn. Failures stick in the buffer; a begin without end and
// members that do not fit come out of mb_pickle_finish as INTERNAL.

enum { MB_PICKLE_WRITE_DEPTH = 64 };

typedef struct mb_pickle_writer {
    mb_buffer *buffer;
    unsigned protocol;  // 0 to 5
    bool has_new_numpy; // arrays name numpy._core, which NumPy 1 does not know
    unsigned depth;
    bool is_wrong;
    struct {
        uint8_t close[4]; // opcodes that end it
        uint8_t n_close;
        bool is_dict;
        size_t n, n_wanted;            // members, and how many there must be (SIZE_MAX: any number)
    } open[MB_PICKLE_WRITE_DEPTH + 1]; // the first is the pickle itself, of one value
} mb_pickle_writer;

void mb_pickle_start(mb_pickle_writer *writer, mb_buffer *buffer);
// The same with another protocol, 0 to 5, or NumPy 2's names.
void mb_pickle_start_as(
    mb_pickle_writer *writer, mb_buffer *buffer, unsigned protocol, bool has_new_numpy);
// Ends the pickle; the buffer's failure, if any, is returned.
mb_status mb_pickle_finish(mb_pickle_writer *writer) MB_MUST_CHECK;

void mb_pickle_put_none(mb_pickle_writer *writer);
void mb_pickle_put_bool(mb_pickle_writer *writer, bool value);
void mb_pickle_put_int(mb_pickle_writer *writer, int64_t value);
void mb_pickle_put_float(mb_pickle_writer *writer, double value);
// UTF-8
void mb_pickle_put_text(mb_pickle_writer *writer, const char *text);
void mb_pickle_put_text_of(mb_pickle_writer *writer, const char *text, size_t length);
void mb_pickle_put_bytes(mb_pickle_writer *writer, const void *bytes, size_t length);
// A numpy.ndarray of the array's type and shape.
void mb_pickle_put_array(mb_pickle_writer *writer, const mb_array *array);

void mb_pickle_begin_list(mb_pickle_writer *writer);
void mb_pickle_begin_tuple(mb_pickle_writer *writer);
void mb_pickle_begin_set(mb_pickle_writer *writer);
void mb_pickle_begin_frozenset(mb_pickle_writer *writer);
void mb_pickle_begin_dict(mb_pickle_writer *writer);
// A numpy.ndarray of objects, its members in C order.
void mb_pickle_begin_objects(mb_pickle_writer *writer, unsigned rank, const size_t *shape);
void mb_pickle_end(mb_pickle_writer *writer);

#endif
