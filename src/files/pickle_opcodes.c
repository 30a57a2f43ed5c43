// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/pickle_inside.h"

#include "base/numbers.h"

#include <math.h>

// The opcodes of Python's pickletools.py, protocols 0 to 5, but those of texts and names.

static mb_pickle_value integer_value(int64_t integer) {
    return (mb_pickle_value){.kind = MB_PICKLE_INT, .as = {.integer = integer}};
}

static mb_pickle_value real_value(double real) {
    return (mb_pickle_value){.kind = MB_PICKLE_FLOAT, .as = {.real = real}};
}

static mb_pickle_value truth_value(bool truth) {
    return (mb_pickle_value){.kind = MB_PICKLE_BOOL, .as = {.truth = truth}};
}

static mb_status run_proto(pickle_machine *m) {
    uint64_t protocol = 0;
    MB_TRY(mb_pickle_take_number(m, 1, &protocol));
    if (protocol > 5) {
        return mb_pickle_fail(m, MB_ERR_UNSUPPORTED,
            "protocol %u is newer than 5; write the file with protocol=5", (unsigned)protocol);
    }
    return MB_OK;
}

// A frame promises bytes to come; the opcodes in it are read as if there was none.
static mb_status run_frame(pickle_machine *m) {
    uint64_t length = 0;
    MB_TRY(mb_pickle_take_number(m, 8, &length));
    const unsigned char *within = m->at;
    const unsigned char *ignored = NULL;
    MB_TRY(mb_pickle_take(m, length, &ignored));
    m->at = within;
    return MB_OK;
}

static mb_status run_stop(pickle_machine *m) {
    if (m->n_marks > 0) {
        return mb_pickle_fail(m, MB_ERR_FORMAT,
            "comes while a container is open; the file is damaged, write it again");
    }
    m->is_done = true;
    return MB_OK;
}

static mb_status run_mark(pickle_machine *m) {
    if (m->n_marks == m->mark_capacity) {
        MB_TRY(mb_pickle_reserve(m, (m->n_marks + 1) * sizeof *m->marks));
        MB_TRY(mb_grow(m->ctx, &m->marks, &m->mark_capacity, m->n_marks + 1, sizeof *m->marks));
    }
    m->marks[m->n_marks++] = m->n;
    return MB_OK;
}

static mb_status run_pop(pickle_machine *m) {
    if (m->n_marks > 0 && m->marks[m->n_marks - 1] == m->n) {
        m->n_marks--;
        return MB_OK;
    }
    mb_pickle_value ignored;
    return mb_pickle_pop(m, &ignored);
}

static mb_status run_pop_mark(pickle_machine *m) {
    const mb_pickle_value *values;
    size_t n;
    return mb_pickle_pop_mark(m, &values, &n);
}

static mb_status run_dup(pickle_machine *m) {
    mb_pickle_value value;
    MB_TRY(mb_pickle_pop(m, &value));
    MB_TRY(mb_pickle_push(m, value));
    return mb_pickle_push(m, value);
}

static mb_status run_none(pickle_machine *m) {
    return mb_pickle_push(m, (mb_pickle_value){.kind = MB_PICKLE_NONE});
}

static mb_status run_true(pickle_machine *m) {
    return mb_pickle_push(m, truth_value(true));
}

static mb_status run_false(pickle_machine *m) {
    return mb_pickle_push(m, truth_value(false));
}

static mb_status push_line(pickle_machine *m, const char *line, size_t length) {
    const char *end = line + length;
    int64_t integer = 0;
    if (mb_parse_int64(line, end, &integer) != end || length == 0) {
        char quoted[40];
        return mb_pickle_fail(m, MB_ERR_RANGE,
            "'%s' is not an integer of 64 bits; write smaller numbers, or floats",
            mb_pickle_quote(quoted, sizeof quoted, line, length));
    }
    return mb_pickle_push(m, integer_value(integer));
}

static mb_status run_int(pickle_machine *m) {
    const char *line = NULL;
    size_t length = 0;
    MB_TRY(mb_pickle_take_line(m, &line, &length));
    if (length == 2 && line[0] == '0' && (line[1] == '0' || line[1] == '1')) {
        return mb_pickle_push(m, truth_value(line[1] == '1'));
    }
    return push_line(m, line, length);
}

static mb_status run_long(pickle_machine *m) {
    const char *line = NULL;
    size_t length = 0;
    MB_TRY(mb_pickle_take_line(m, &line, &length));
    length -= length > 0 && line[length - 1] == 'L';
    return push_line(m, line, length);
}

static int64_t signed_of(uint64_t bits, size_t size) {
    if (size > 0 && size < 8 && (bits >> (8 * size - 1)) != 0) {
        bits |= UINT64_MAX << (8 * size);
    }
    int64_t integer;
    memcpy(&integer, &bits, sizeof integer);
    return integer;
}

static mb_status push_long(pickle_machine *m, uint64_t size) {
    if (size > 8) {
        return mb_pickle_fail(m, MB_ERR_RANGE,
            "has an integer of %llu bytes, 8 are read; write smaller numbers, or floats",
            (unsigned long long)size);
    }
    uint64_t bits = 0;
    MB_TRY(mb_pickle_take_number(m, (size_t)size, &bits));
    return mb_pickle_push(m, integer_value(signed_of(bits, (size_t)size)));
}

static mb_status run_long1(pickle_machine *m) {
    uint64_t size = 0;
    MB_TRY(mb_pickle_take_number(m, 1, &size));
    return push_long(m, size);
}

static mb_status run_long4(pickle_machine *m) {
    uint64_t size = 0;
    MB_TRY(mb_pickle_take_number(m, 4, &size));
    return push_long(m, size);
}

static mb_status run_binint(pickle_machine *m, size_t size) {
    uint64_t bits = 0;
    MB_TRY(mb_pickle_take_number(m, size, &bits));
    return mb_pickle_push(m, integer_value(size == 4 ? signed_of(bits, 4) : (int64_t)bits));
}

// Graphs are long runs of short integers, which are taken in one go while the stack has room.
static mb_status run_short_integers(pickle_machine *m, size_t first_size) {
    MB_TRY(run_binint(m, first_size));
    const unsigned char *at = m->at;
    mb_pickle_value *top = m->stack + m->n;
    const mb_pickle_value *const full = m->stack + m->capacity;
    while (m->end - at >= 3 && top < full) {
        if (at[0] == 'K') {
            *top++ = integer_value(at[1]);
            at += 2;
        } else if (at[0] == 'M') {
            *top++ = integer_value(at[1] | at[2] << 8);
            at += 3;
        } else {
            break;
        }
    }
    m->n = (size_t)(top - m->stack);
    m->at = at;
    return MB_OK;
}

static mb_status run_binint1(pickle_machine *m) {
    return run_short_integers(m, 1);
}

static mb_status run_binint2(pickle_machine *m) {
    return run_short_integers(m, 2);
}

static mb_status run_binint4(pickle_machine *m) {
    return run_binint(m, 4);
}

static mb_status run_float(pickle_machine *m) {
    const char *line = NULL;
    size_t length = 0;
    MB_TRY(mb_pickle_take_line(m, &line, &length));
    double real = 0;
    const char *end = line + length;
    if (length == 3 && memcmp(line, "nan", 3) == 0) {
        real = NAN;
    } else if ((length == 3 || (length == 4 && line[0] == '-')) && memcmp(end - 3, "inf", 3) == 0) {
        real = line[0] == '-' ? -INFINITY : INFINITY;
    } else if (mb_parse_double(line, end, &real) != end || length == 0) {
        char quoted[40];
        return mb_pickle_fail(m, MB_ERR_FORMAT, "'%s' is not a number; write the file again",
            mb_pickle_quote(quoted, sizeof quoted, line, length));
    }
    return mb_pickle_push(m, real_value(real));
}

static mb_status run_binfloat(pickle_machine *m) {
    const unsigned char *bytes = NULL;
    MB_TRY(mb_pickle_take(m, 8, &bytes));
    uint64_t bits = 0;
    for (int i = 0; i < 8; i++) {
        bits = bits << 8 | bytes[i];
    }
    double real;
    memcpy(&real, &bits, sizeof real);
    return mb_pickle_push(m, real_value(real));
}

// An empty container, or one of the values above the mark.
static mb_status push_empty(pickle_machine *m, mb_pickle_kind kind) {
    mb_pickle_value made;
    MB_TRY(mb_pickle_make_items(m, kind, NULL, 0, &made));
    return mb_pickle_push(m, made);
}

static mb_status push_marked(pickle_machine *m, mb_pickle_kind kind) {
    const mb_pickle_value *values = NULL;
    size_t n = 0;
    mb_pickle_value made;
    MB_TRY(mb_pickle_pop_mark(m, &values, &n));
    MB_TRY(mb_pickle_make_items(m, kind, values, n, &made));
    return mb_pickle_push(m, made);
}

static mb_status run_empty_list(pickle_machine *m) {
    MB_TRY(push_empty(m, MB_PICKLE_LIST));
    return m->has_packed_lists ? mb_pickle_run_integers(m, m->stack[m->n - 1]) : MB_OK;
}

static mb_status run_empty_tuple(pickle_machine *m) {
    return push_empty(m, MB_PICKLE_TUPLE);
}

static mb_status run_empty_dict(pickle_machine *m) {
    return push_empty(m, MB_PICKLE_DICT);
}

static mb_status run_empty_set(pickle_machine *m) {
    return push_empty(m, MB_PICKLE_SET);
}

static mb_status run_list(pickle_machine *m) {
    return push_marked(m, MB_PICKLE_LIST);
}

static mb_status run_tuple(pickle_machine *m) {
    return push_marked(m, MB_PICKLE_TUPLE);
}

static mb_status run_dict(pickle_machine *m) {
    return push_marked(m, MB_PICKLE_DICT);
}

static mb_status run_frozenset(pickle_machine *m) {
    return push_marked(m, MB_PICKLE_SET);
}

static mb_status push_last(pickle_machine *m, size_t n) {
    mb_pickle_value values[3], made;
    for (size_t i = n; i-- > 0;) {
        MB_TRY(mb_pickle_pop(m, &values[i]));
    }
    MB_TRY(mb_pickle_make_items(m, MB_PICKLE_TUPLE, values, n, &made));
    return mb_pickle_push(m, made);
}

static mb_status run_tuple1(pickle_machine *m) {
    return push_last(m, 1);
}

static mb_status run_tuple2(pickle_machine *m) {
    return push_last(m, 2);
}

static mb_status run_tuple3(pickle_machine *m) {
    return push_last(m, 3);
}

// Adds to the container on the stack, which must be of a kind.
static mb_status add_to_top(
    pickle_machine *m, mb_pickle_kind kind, const mb_pickle_value *values, size_t n) {
    mb_pickle_value container;
    MB_TRY(mb_pickle_pop(m, &container));
    if (container.kind != kind) {
        return mb_pickle_fail(m, MB_ERR_FORMAT,
            "adds to a %s where a %s is due; the file is damaged, write it again",
            mb_pickle_kind_name(container.kind), mb_pickle_kind_name(kind));
    }
    MB_TRY(mb_pickle_add(m, container, values, n));
    return mb_pickle_push(m, container);
}

static mb_status add_marked(pickle_machine *m, mb_pickle_kind kind) {
    const mb_pickle_value *values = NULL;
    size_t n = 0;
    MB_TRY(mb_pickle_pop_mark(m, &values, &n));
    // The container is taken off below the values, which stay where they are meanwhile.
    return add_to_top(m, kind, values, n);
}

static mb_status run_append(pickle_machine *m) {
    mb_pickle_value value;
    MB_TRY(mb_pickle_pop(m, &value));
    return add_to_top(m, MB_PICKLE_LIST, &value, 1);
}

static mb_status run_appends(pickle_machine *m) {
    return add_marked(m, MB_PICKLE_LIST);
}

static mb_status run_setitem(pickle_machine *m) {
    mb_pickle_value pair[2];
    MB_TRY(mb_pickle_pop(m, &pair[1]));
    MB_TRY(mb_pickle_pop(m, &pair[0]));
    return add_to_top(m, MB_PICKLE_DICT, pair, 2);
}

static mb_status run_setitems(pickle_machine *m) {
    return add_marked(m, MB_PICKLE_DICT);
}

static mb_status run_additems(pickle_machine *m) {
    return add_marked(m, MB_PICKLE_SET);
}

static mb_status put_value(pickle_machine *m, uint64_t index, mb_pickle_value value) {
    const size_t size = (size_t)(m->end - m->start);
    // Each slot takes an opcode to fill, so an index beyond the bytes only asks for memory.
    if (index >= size) {
        return mb_pickle_fail(m, MB_ERR_FORMAT,
            "names memo slot %llu in a file of %zu bytes; the file is damaged, write it again",
            (unsigned long long)index, size);
    }
    const size_t slot = (size_t)index;
    if (slot >= m->memo_capacity) {
        MB_TRY(mb_pickle_reserve(m, (slot + 1) * sizeof value));
        MB_TRY(mb_grow(m->ctx, &m->memo, &m->memo_capacity, slot + 1, sizeof value));
    }
    while (m->n_memo <= slot) {
        m->memo[m->n_memo++] = (mb_pickle_value){.kind = (mb_pickle_kind)PICKLE_UNSET};
    }
    m->n_memoized += (int)m->memo[slot].kind == PICKLE_UNSET;
    m->memo[slot] = value;
    return MB_OK;
}

static mb_status put(pickle_machine *m, uint64_t index) {
    mb_pickle_value value;
    MB_TRY(mb_pickle_pop(m, &value));
    MB_TRY(mb_pickle_push(m, value));
    return put_value(m, index, value);
}

mb_status mb_pickle_put_row(pickle_machine *m, uint64_t index) {
    return put_value(m, index, (mb_pickle_value){.kind = (mb_pickle_kind)PICKLE_ROW});
}

static mb_status get(pickle_machine *m, uint64_t index) {
    if (index >= m->n_memo || (int)m->memo[index].kind == PICKLE_UNSET) {
        return mb_pickle_fail(m, MB_ERR_FORMAT,
            "memo slot %llu is empty; the file is damaged, write it again",
            (unsigned long long)index);
    }
    if ((int)m->memo[index].kind == PICKLE_ROW) {
        m->must_restart = true;
        return MB_ERR_UNSUPPORTED;
    }
    return mb_pickle_push(m, m->memo[index]);
}

static mb_status take_line_index(pickle_machine *m, uint64_t *index) {
    const char *line = NULL;
    size_t length = 0;
    MB_TRY(mb_pickle_take_line(m, &line, &length));
    if (length == 0 || mb_parse_uint64(line, line + length, index) != line + length) {
        return mb_pickle_fail(
            m, MB_ERR_FORMAT, "has no memo slot; the file is damaged, write it again");
    }
    return MB_OK;
}

static mb_status run_put(pickle_machine *m) {
    uint64_t index = 0;
    MB_TRY(take_line_index(m, &index));
    return put(m, index);
}

static mb_status run_binput(pickle_machine *m) {
    uint64_t index = 0;
    MB_TRY(mb_pickle_take_number(m, 1, &index));
    return put(m, index);
}

static mb_status run_long_binput(pickle_machine *m) {
    uint64_t index = 0;
    MB_TRY(mb_pickle_take_number(m, 4, &index));
    return put(m, index);
}

static mb_status run_memoize(pickle_machine *m) {
    return put(m, m->n_memoized);
}

static mb_status run_get(pickle_machine *m) {
    uint64_t index = 0;
    MB_TRY(take_line_index(m, &index));
    return get(m, index);
}

static mb_status run_binget(pickle_machine *m) {
    uint64_t index = 0;
    MB_TRY(mb_pickle_take_number(m, 1, &index));
    return get(m, index);
}

static mb_status run_long_binget(pickle_machine *m) {
    uint64_t index = 0;
    MB_TRY(mb_pickle_take_number(m, 4, &index));
    return get(m, index);
}

const pickle_opcode mb_pickle_opcodes[256] = {
    [0x80] = {"PROTO", run_proto},
    [0x95] = {"FRAME", run_frame},
    ['.'] = {"STOP", run_stop},
    ['('] = {"MARK", run_mark},
    ['0'] = {"POP", run_pop},
    ['1'] = {"POP_MARK", run_pop_mark},
    ['2'] = {"DUP", run_dup},
    ['N'] = {"NONE", run_none},
    [0x88] = {"NEWTRUE", run_true},
    [0x89] = {"NEWFALSE", run_false},
    ['I'] = {"INT", run_int},
    ['J'] = {"BININT", run_binint4},
    ['K'] = {"BININT1", run_binint1},
    ['M'] = {"BININT2", run_binint2},
    ['L'] = {"LONG", run_long},
    [0x8A] = {"LONG1", run_long1},
    [0x8B] = {"LONG4", run_long4},
    ['F'] = {"FLOAT", run_float},
    ['G'] = {"BINFLOAT", run_binfloat},
    ['S'] = {"STRING", mb_pickle_run_string},
    ['T'] = {"BINSTRING", mb_pickle_run_binstring},
    ['U'] = {"SHORT_BINSTRING", mb_pickle_run_short_binstring},
    ['B'] = {"BINBYTES", mb_pickle_run_binbytes},
    ['C'] = {"SHORT_BINBYTES", mb_pickle_run_short_binbytes},
    [0x8E] = {"BINBYTES8", mb_pickle_run_binbytes8},
    [0x96] = {"BYTEARRAY8", mb_pickle_run_binbytes8},
    ['V'] = {"UNICODE", mb_pickle_run_unicode},
    ['X'] = {"BINUNICODE", mb_pickle_run_binunicode},
    [0x8C] = {"SHORT_BINUNICODE", mb_pickle_run_short_binunicode},
    [0x8D] = {"BINUNICODE8", mb_pickle_run_binunicode8},
    [']'] = {"EMPTY_LIST", run_empty_list},
    ['a'] = {"APPEND", run_append},
    ['e'] = {"APPENDS", run_appends},
    ['l'] = {"LIST", run_list},
    [')'] = {"EMPTY_TUPLE", run_empty_tuple},
    ['t'] = {"TUPLE", run_tuple},
    [0x85] = {"TUPLE1", run_tuple1},
    [0x86] = {"TUPLE2", run_tuple2},
    [0x87] = {"TUPLE3", run_tuple3},
    ['}'] = {"EMPTY_DICT", run_empty_dict},
    ['d'] = {"DICT", run_dict},
    ['s'] = {"SETITEM", run_setitem},
    ['u'] = {"SETITEMS", run_setitems},
    [0x8F] = {"EMPTY_SET", run_empty_set},
    [0x90] = {"ADDITEMS", run_additems},
    [0x91] = {"FROZENSET", run_frozenset},
    ['p'] = {"PUT", run_put},
    ['q'] = {"BINPUT", run_binput},
    ['r'] = {"LONG_BINPUT", run_long_binput},
    [0x94] = {"MEMOIZE", run_memoize},
    ['g'] = {"GET", run_get},
    ['h'] = {"BINGET", run_binget},
    ['j'] = {"LONG_BINGET", run_long_binget},
    ['c'] = {"GLOBAL", mb_pickle_run_global},
    [0x93] = {"STACK_GLOBAL", mb_pickle_run_stack_global},
    ['R'] = {"REDUCE", mb_pickle_run_reduce},
    ['b'] = {"BUILD", mb_pickle_run_build},
    [0x81] = {"NEWOBJ", mb_pickle_run_newobj},
    ['P'] = {"PERSID", NULL},
    ['Q'] = {"BINPERSID", NULL},
    ['i'] = {"INST", NULL},
    ['o'] = {"OBJ", NULL},
    [0x92] = {"NEWOBJ_EX", NULL},
    [0x82] = {"EXT1", NULL},
    [0x83] = {"EXT2", NULL},
    [0x84] = {"EXT4", NULL},
    [0x97] = {"NEXT_BUFFER", NULL},
    [0x98] = {"READONLY_BUFFER", NULL},
};
