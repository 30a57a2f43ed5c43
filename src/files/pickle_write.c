// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/pickle_write.h"

static void put_byte(mb_pickle_writer *writer, int byte) {
    const unsigned char bytes[1] = {(unsigned char)byte};
    mb_buffer_append(writer->buffer, bytes, 1);
}

// An opcode and the length bytes of a number, little-endian.
static void put_number(mb_pickle_writer *writer, int opcode, uint64_t number, size_t length) {
    put_byte(writer, opcode);
    mb_buffer_append(writer->buffer, &number, length);
}

// Counts a value that starts now.
static void count_member(mb_pickle_writer *writer) {
    writer->open[writer->depth].n++;
}

static void emit_int(mb_pickle_writer *writer, int64_t value) {
    if (value >= 0 && value <= UINT8_MAX) {
        put_number(writer, 'K', (uint64_t)value, 1);
    } else if (value >= 0 && value <= UINT16_MAX) {
        put_number(writer, 'M', (uint64_t)value, 2);
    } else if (value >= INT32_MIN && value <= INT32_MAX) {
        put_number(writer, 'J', (uint64_t)value, 4);
    } else {
        put_number(writer, 0x8A, 8, 1);
        mb_buffer_append(writer->buffer, &value, 8);
    }
}

// Which opcode says a length, by its size.
typedef struct length_opcodes {
    int one, four, eight;
} length_opcodes;

static void emit_counted(
    mb_pickle_writer *writer, length_opcodes opcodes, const void *bytes, size_t length) {
    if (length <= UINT8_MAX) {
        put_number(writer, opcodes.one, length, 1);
    } else if (length <= UINT32_MAX) {
        put_number(writer, opcodes.four, length, 4);
    } else {
        put_number(writer, opcodes.eight, length, 8);
    }
    if (length > 0) {
        mb_buffer_append(writer->buffer, bytes, length);
    }
}

static void emit_text(mb_pickle_writer *writer, const char *text, size_t length) {
    emit_counted(writer, (length_opcodes){0x8C, 'X', 0x8D}, text, length);
}

static void emit_bytes(mb_pickle_writer *writer, const void *bytes, size_t length) {
    emit_counted(writer, (length_opcodes){'C', 'B', 0x8E}, bytes, length);
}

static void emit_name(mb_pickle_writer *writer, const char *module, const char *name) {
    emit_text(writer, module, strlen(module));
    emit_text(writer, name, strlen(name));
    put_byte(writer, 0x93);
}

void mb_pickle_start(mb_pickle_writer *writer, mb_buffer *buffer) {
    *writer = (mb_pickle_writer){.buffer = buffer};
    writer->open[0].n_wanted = 1;
    put_number(writer, 0x80, 4, 1);
}

mb_status mb_pickle_finish(mb_pickle_writer *writer) {
    put_byte(writer, '.');
    if (writer->buffer->status != MB_OK) {
        return writer->buffer->status;
    }
    if (writer->is_wrong || writer->depth != 0 || writer->open[0].n != 1) {
        return mb_fail(writer->buffer->ctx, MB_ERR_INTERNAL,
            "pickle: its containers were not written as they were begun; report this");
    }
    return MB_OK;
}

void mb_pickle_put_none(mb_pickle_writer *writer) {
    count_member(writer);
    put_byte(writer, 'N');
}

void mb_pickle_put_bool(mb_pickle_writer *writer, bool value) {
    count_member(writer);
    put_byte(writer, value ? 0x88 : 0x89);
}

void mb_pickle_put_int(mb_pickle_writer *writer, int64_t value) {
    count_member(writer);
    emit_int(writer, value);
}

void mb_pickle_put_float(mb_pickle_writer *writer, double value) {
    uint64_t bits;
    unsigned char bytes[9] = {'G'};
    count_member(writer);
    memcpy(&bits, &value, sizeof bits);
    for (int i = 0; i < 8; i++) {
        bytes[1 + i] = (unsigned char)(bits >> (56 - 8 * i));
    }
    mb_buffer_append(writer->buffer, bytes, sizeof bytes);
}

void mb_pickle_put_text(mb_pickle_writer *writer, const char *text) {
    mb_pickle_put_text_of(writer, text, strlen(text));
}

void mb_pickle_put_text_of(mb_pickle_writer *writer, const char *text, size_t length) {
    count_member(writer);
    emit_text(writer, text, length);
}

void mb_pickle_put_bytes(mb_pickle_writer *writer, const void *bytes, size_t length) {
    count_member(writer);
    emit_bytes(writer, bytes, length);
}

// numpy.dtype(name) and its state, which says the order of bytes.
static void emit_dtype(mb_pickle_writer *writer, const char *name, const char *order, int flags) {
    emit_name(writer, "numpy", "dtype");
    emit_text(writer, name, strlen(name));
    // (name, align = False, copy = True), REDUCE
    mb_buffer_append(writer->buffer, "\x89\x88\x87R", 4);
    put_byte(writer, '(');
    emit_int(writer, 3);
    emit_text(writer, order, 1);
    mb_buffer_append(writer->buffer, "NNN", 3);
    emit_int(writer, -1);
    emit_int(writer, -1);
    emit_int(writer, flags);
    mb_buffer_append(writer->buffer, "tb", 2);
}

// An array up to its data: _reconstruct(ndarray, (0,), b'b') and (1, shape, dtype, False, ...
static void begin_array(mb_pickle_writer *writer, unsigned rank, const size_t *shape,
    const char *dtype, const char *order, int flags) {
    // The old name of the module: NumPy 2 knows it for pickles, NumPy 1 knows no other.
    emit_name(writer, "numpy.core.multiarray", "_reconstruct");
    emit_name(writer, "numpy", "ndarray");
    emit_int(writer, 0);
    put_byte(writer, 0x85);
    emit_bytes(writer, "b", 1);
    mb_buffer_append(writer->buffer, "\x87R(", 3);
    emit_int(writer, 1);
    put_byte(writer, '(');
    for (unsigned i = 0; i < rank; i++) {
        emit_int(writer, (int64_t)shape[i]);
    }
    put_byte(writer, 't');
    emit_dtype(writer, dtype, order, flags);
    put_byte(writer, 0x89);
}

void mb_pickle_put_array(mb_pickle_writer *writer, const mb_array *array) {
    static const char *const names[] = {[MB_F32] = "f4",
        [MB_F64] = "f8",
        [MB_I8] = "i1",
        [MB_U8] = "u1",
        [MB_I16] = "i2",
        [MB_U16] = "u2",
        [MB_I32] = "i4",
        [MB_U32] = "u4",
        [MB_I64] = "i8",
        [MB_U64] = "u8",
        [MB_BOOL] = "b1"};
    count_member(writer);
    begin_array(writer, array->rank, array->shape, names[array->dtype],
        mb_dtype_size(array->dtype) == 1 ? "|" : "<", 0);
    emit_bytes(writer, array->data, mb_array_bytes(array));
    mb_buffer_append(writer->buffer, "tb", 2);
}

// Bytes that open a container, and those that will close it.
static void begin(mb_pickle_writer *writer, const char *open, const char *close, bool is_dict) {
    if (writer->depth == MB_PICKLE_WRITE_DEPTH) {
        writer->is_wrong = true;
        return;
    }
    mb_buffer_text(writer->buffer, open);
    writer->depth++;
    writer->open[writer->depth].n = 0;
    writer->open[writer->depth].n_wanted = SIZE_MAX;
    writer->open[writer->depth].is_dict = is_dict;
    writer->open[writer->depth].n_close = (uint8_t)strlen(close);
    memcpy(writer->open[writer->depth].close, close, strlen(close));
}

void mb_pickle_begin_list(mb_pickle_writer *writer) {
    count_member(writer);
    begin(writer, "](", "e", false);
}

void mb_pickle_begin_tuple(mb_pickle_writer *writer) {
    count_member(writer);
    begin(writer, "(", "t", false);
}

void mb_pickle_begin_set(mb_pickle_writer *writer) {
    count_member(writer);
    begin(writer, "\x8F(", "\x90", false);
}

void mb_pickle_begin_frozenset(mb_pickle_writer *writer) {
    count_member(writer);
    begin(writer, "(", "\x91", false);
}

void mb_pickle_begin_dict(mb_pickle_writer *writer) {
    count_member(writer);
    begin(writer, "}(", "u", true);
}

void mb_pickle_begin_objects(mb_pickle_writer *writer, unsigned rank, const size_t *shape) {
    enum { OBJECT_FLAGS = 63 };
    size_t count = 1;
    count_member(writer);
    for (unsigned i = 0; i < rank; i++) {
        count *= shape[i];
    }
    begin_array(writer, rank, shape, "O8", "|", OBJECT_FLAGS);
    begin(writer, "](", "etb", false);
    writer->open[writer->depth].n_wanted = count;
}

void mb_pickle_end(mb_pickle_writer *writer) {
    if (writer->depth == 0) {
        writer->is_wrong = true;
        return;
    }
    const size_t n = writer->open[writer->depth].n;
    const size_t wanted = writer->open[writer->depth].n_wanted;
    writer->is_wrong = writer->is_wrong || (wanted != SIZE_MAX && n != wanted) ||
                       (writer->open[writer->depth].is_dict && n % 2 != 0);
    mb_buffer_append(
        writer->buffer, writer->open[writer->depth].close, writer->open[writer->depth].n_close);
    writer->depth--;
}
