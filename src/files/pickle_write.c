// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/pickle_write.h"

#include "base/numbers.h"

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
    const bool is_long = value < INT32_MIN || value > INT32_MAX;
    if (writer->protocol == 0 || (writer->protocol == 1 && is_long)) {
        mb_buffer_format(writer->buffer, "%c%lld%s\n", is_long ? 'L' : 'I', (long long)value,
            is_long ? "L" : "");
    } else if (value >= 0 && value <= UINT8_MAX) {
        put_number(writer, 'K', (uint64_t)value, 1);
    } else if (value >= 0 && value <= UINT16_MAX) {
        put_number(writer, 'M', (uint64_t)value, 2);
    } else if (!is_long) {
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
    if (length <= UINT8_MAX && opcodes.one != 0) {
        put_number(writer, opcodes.one, length, 1);
    } else if (length <= UINT32_MAX) {
        put_number(writer, opcodes.four, length, 4);
    } else {
        writer->is_wrong = writer->is_wrong || opcodes.eight == 0;
        put_number(writer, opcodes.eight, length, 8);
    }
    if (length > 0) {
        mb_buffer_append(writer->buffer, bytes, length);
    }
}

// A byte as a character of a line of Python's raw-unicode-escape.
static void emit_escaped(mb_pickle_writer *writer, unsigned character) {
    if (character >= ' ' && character <= '~' && character != '\\') {
        put_byte(writer, (int)character);
    } else {
        mb_buffer_format(writer->buffer, character > 0xFFFF ? "\\U%08x" : "\\u%04x", character);
    }
}

// One character of UTF-8; *at moves behind it.
static unsigned take_character(const char **at, const char *end) {
    unsigned first = (unsigned char)*(*at)++;
    const unsigned n_more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : first >= 0xC0 ? 1 : 0;
    first &= n_more == 0 ? 0xFFU : 0x3FU >> n_more;
    for (unsigned i = 0; i < n_more && *at < end; i++) {
        first = first << 6 | ((unsigned char)*(*at)++ & 0x3FU);
    }
    return first;
}

static void emit_text(mb_pickle_writer *writer, const char *text, size_t length) {
    if (writer->protocol >= 4) {
        emit_counted(writer, (length_opcodes){0x8C, 'X', 0x8D}, text, length);
    } else if (writer->protocol > 0) {
        emit_counted(writer, (length_opcodes){0, 'X', 0}, text, length);
    } else {
        const char *end = text + length;
        put_byte(writer, 'V');
        for (const char *at = text; at < end;) {
            emit_escaped(writer, take_character(&at, end));
        }
        put_byte(writer, '\n');
    }
}

static void emit_name(mb_pickle_writer *writer, const char *module, const char *name) {
    if (writer->protocol < 4) {
        mb_buffer_format(writer->buffer, "c%s\n%s\n", module, name);
        return;
    }
    emit_text(writer, module, strlen(module));
    emit_text(writer, name, strlen(name));
    put_byte(writer, 0x93);
}

// Bytes that protocols below 3 do not know: a text of these characters, encoded as Latin-1.
static void emit_encoded(mb_pickle_writer *writer, const unsigned char *bytes, size_t length) {
    mb_buffer text;
    mb_buffer_init(&text, writer->buffer->ctx);
    for (size_t i = 0; i < length; i++) {
        const unsigned char pair[2] = {
            (unsigned char)(0xC0 | bytes[i] >> 6), (unsigned char)(0x80 | (bytes[i] & 0x3F))};
        mb_buffer_append(&text, bytes[i] < 0x80 ? &bytes[i] : pair, bytes[i] < 0x80 ? 1 : 2);
    }
    emit_name(writer, "_codecs", "encode");
    put_byte(writer, '(');
    emit_text(writer, text.length > 0 ? text.data : "", text.length);
    emit_text(writer, "latin1", 6);
    mb_buffer_append(writer->buffer, "tR", 2);
    writer->is_wrong = writer->is_wrong || text.status != MB_OK;
    mb_buffer_clear(&text);
}

static void emit_bytes(mb_pickle_writer *writer, const void *bytes, size_t length) {
    if (writer->protocol < 3) {
        emit_encoded(writer, bytes, length);
    } else {
        emit_counted(writer, (length_opcodes){'C', 'B', 0x8E}, bytes, length);
    }
}

static void emit_bool(mb_pickle_writer *writer, bool value) {
    if (writer->protocol < 2) {
        mb_buffer_text(writer->buffer, value ? "I01\n" : "I00\n");
    } else {
        put_byte(writer, value ? 0x88 : 0x89);
    }
}

void mb_pickle_start(mb_pickle_writer *writer, mb_buffer *buffer) {
    mb_pickle_start_as(writer, buffer, 4, false);
}

void mb_pickle_start_as(
    mb_pickle_writer *writer, mb_buffer *buffer, unsigned protocol, bool has_new_numpy) {
    *writer =
        (mb_pickle_writer){.buffer = buffer, .protocol = protocol, .has_new_numpy = has_new_numpy};
    writer->open[0].n_wanted = 1;
    if (protocol >= 2) {
        put_number(writer, 0x80, protocol, 1);
    }
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
    emit_bool(writer, value);
}

void mb_pickle_put_int(mb_pickle_writer *writer, int64_t value) {
    count_member(writer);
    emit_int(writer, value);
}

void mb_pickle_put_float(mb_pickle_writer *writer, double value) {
    uint64_t bits;
    unsigned char bytes[9] = {'G'};
    count_member(writer);
    if (writer->protocol == 0) {
        put_byte(writer, 'F');
        mb_buffer_double(writer->buffer, value);
        put_byte(writer, '\n');
        return;
    }
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

// A tuple of three.
static void begin_three(mb_pickle_writer *writer) {
    if (writer->protocol < 2) {
        put_byte(writer, '(');
    }
}

static void end_three(mb_pickle_writer *writer) {
    put_byte(writer, writer->protocol < 2 ? 't' : 0x87);
}

// numpy.dtype(name) and its state, which says the order of bytes.
static void emit_dtype(mb_pickle_writer *writer, const char *name, const char *order, int flags) {
    emit_name(writer, "numpy", "dtype");
    begin_three(writer);
    emit_text(writer, name, strlen(name));
    emit_bool(writer, false); // align
    emit_bool(writer, true);  // copy
    end_three(writer);
    put_byte(writer, 'R');
    put_byte(writer, '(');
    emit_int(writer, 3);
    emit_text(writer, order, 1);
    mb_buffer_append(writer->buffer, "NNN", 3);
    emit_int(writer, -1);
    emit_int(writer, -1);
    emit_int(writer, flags);
    mb_buffer_append(writer->buffer, "tb", 2);
}

static void emit_shape(mb_pickle_writer *writer, unsigned rank, const size_t *shape) {
    put_byte(writer, '(');
    for (unsigned i = 0; i < rank; i++) {
        emit_int(writer, (int64_t)shape[i]);
    }
    put_byte(writer, 't');
}

// An array up to its data: _reconstruct(ndarray, (0,), b'b') and (1, shape, dtype, False, ...
static void begin_array(mb_pickle_writer *writer, unsigned rank, const size_t *shape,
    const char *dtype, const char *order, int flags) {
    // The old name of the module: NumPy 2 knows it for pickles, NumPy 1 knows no other.
    emit_name(writer, writer->has_new_numpy ? "numpy._core.multiarray" : "numpy.core.multiarray",
        "_reconstruct");
    begin_three(writer);
    emit_name(writer, "numpy", "ndarray");
    mb_buffer_append(writer->buffer, "(", writer->protocol < 2 ? 1 : 0);
    emit_int(writer, 0);
    put_byte(writer, writer->protocol < 2 ? 't' : 0x85);
    emit_bytes(writer, "b", 1);
    end_three(writer);
    mb_buffer_append(writer->buffer, "R(", 2);
    emit_int(writer, 1);
    emit_shape(writer, rank, shape);
    emit_dtype(writer, dtype, order, flags);
    emit_bool(writer, false);
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
    const char *name = names[array->dtype];
    const char *order = mb_dtype_size(array->dtype) == 1 ? "|" : "<";
    const size_t n_bytes = mb_array_bytes(array);
    count_member(writer);
    if (writer->protocol < 5) {
        begin_array(writer, array->rank, array->shape, name, order, 0);
        emit_bytes(writer, array->data, n_bytes);
        mb_buffer_append(writer->buffer, "tb", 2);
        return;
    }
    // _frombuffer(bytearray, dtype, shape, order)
    emit_name(writer, writer->has_new_numpy ? "numpy._core.numeric" : "numpy.core.numeric",
        "_frombuffer");
    put_byte(writer, '(');
    put_number(writer, 0x96, n_bytes, 8);
    mb_buffer_append(writer->buffer, n_bytes > 0 ? array->data : "", n_bytes);
    emit_dtype(writer, name, order, 0);
    emit_shape(writer, array->rank, array->shape);
    emit_text(writer, "C", 1);
    mb_buffer_append(writer->buffer, "tR", 2);
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

// A list, with what stands before and behind it.
static void begin_items(mb_pickle_writer *writer, const char *before, const char *behind) {
    const bool is_text = writer->protocol == 0;
    char open[8];
    char close[8];
    (void)mb_format(open, sizeof open, "%s%s", before, is_text ? "(" : "](");
    (void)mb_format(close, sizeof close, "%s%s", is_text ? "l" : "e", behind);
    begin(writer, open, close, false);
}

void mb_pickle_begin_list(mb_pickle_writer *writer) {
    count_member(writer);
    begin_items(writer, "", "");
}

void mb_pickle_begin_tuple(mb_pickle_writer *writer) {
    count_member(writer);
    begin(writer, "(", "t", false);
}

void mb_pickle_begin_set(mb_pickle_writer *writer) {
    count_member(writer);
    if (writer->protocol >= 4) {
        begin(writer, "\x8F(", "\x90", false);
    } else {
        emit_name(writer, writer->protocol == 3 ? "builtins" : "__builtin__", "set");
        begin_items(writer, "(", "tR");
    }
}

void mb_pickle_begin_frozenset(mb_pickle_writer *writer) {
    count_member(writer);
    if (writer->protocol >= 4) {
        begin(writer, "(", "\x91", false);
    } else {
        emit_name(writer, writer->protocol == 3 ? "builtins" : "__builtin__", "frozenset");
        begin_items(writer, "(", "tR");
    }
}

void mb_pickle_begin_dict(mb_pickle_writer *writer) {
    count_member(writer);
    begin(writer, writer->protocol == 0 ? "(" : "}(", writer->protocol == 0 ? "d" : "u", true);
}

void mb_pickle_begin_objects(mb_pickle_writer *writer, unsigned rank, const size_t *shape) {
    enum { OBJECT_FLAGS = 63 };
    size_t count = 1;
    count_member(writer);
    for (unsigned i = 0; i < rank; i++) {
        count *= shape[i];
    }
    begin_array(writer, rank, shape, "O8", "|", OBJECT_FLAGS);
    begin_items(writer, "", "tb");
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
