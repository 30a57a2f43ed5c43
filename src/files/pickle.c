// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/pickle_inside.h"

#include "base/numbers.h"
#include "base/output.h"

mb_status mb_pickle_fail(pickle_machine *m, mb_status status, const char *format, ...) {
    char text[512];
    va_list list;
    va_start(list, format);
    (void)mb_format_list(text, sizeof text, format, list);
    va_end(list);
    return mb_fail(
        m->ctx, status, "%s: byte %zu: %s: %s", m->name, m->opcode_at, m->opcode_name, text);
}

const char *mb_pickle_quote(char *out, size_t size, const char *bytes, size_t length) {
    const size_t n = mb_min_size(size - 1, length);
    for (size_t i = 0; i < n; i++) {
        out[i] = bytes[i];
        if ((unsigned char)bytes[i] < ' ' || (unsigned char)bytes[i] > '~') {
            out[i] = '?';
        }
    }
    out[n] = '\0';
    return out;
}

mb_status mb_pickle_reserve(pickle_machine *m, uint64_t bytes) {
    const uint64_t limit = mb_context_limits(m->ctx)->bytes;
    const uint64_t used = m->out->arena.total + m->array_bytes;
    if (used > limit || bytes > limit - used) {
        return mb_pickle_fail(m, MB_ERR_LIMIT,
            "takes more than %llu bytes of memory; split the file, or raise the limit",
            (unsigned long long)limit);
    }
    return MB_OK;
}

void *mb_pickle_allocate(pickle_machine *m, size_t count, size_t size) {
    const uint64_t limit = mb_context_limits(m->ctx)->bytes;
    if (mb_pickle_reserve(m, count > limit / size ? UINT64_MAX : count * size) != MB_OK) {
        return NULL;
    }
    return mb_arena_allocate(&m->out->arena, m->ctx, count, size);
}

mb_status mb_pickle_push(pickle_machine *m, mb_pickle_value value) {
    if (m->n == m->capacity) {
        MB_TRY(mb_pickle_reserve(m, (m->n + 1) * sizeof value));
        MB_TRY(mb_grow(m->ctx, &m->stack, &m->capacity, m->n + 1, sizeof value));
    }
    m->stack[m->n++] = value;
    return MB_OK;
}

mb_status mb_pickle_pop(pickle_machine *m, mb_pickle_value *value) {
    const size_t floor = m->n_marks > 0 ? m->marks[m->n_marks - 1] : 0;
    if (m->n == floor) {
        return mb_pickle_fail(
            m, MB_ERR_FORMAT, "finds nothing on the stack; the file is damaged, write it again");
    }
    *value = m->stack[--m->n];
    return MB_OK;
}

mb_status mb_pickle_pop_mark(pickle_machine *m, const mb_pickle_value **values, size_t *n) {
    if (m->n_marks == 0) {
        return mb_pickle_fail(
            m, MB_ERR_FORMAT, "finds no mark on the stack; the file is damaged, write it again");
    }
    const size_t mark = m->marks[--m->n_marks];
    *n = m->n - mark;
    *values = m->stack == NULL ? NULL : m->stack + mark;
    m->n = mark;
    return MB_OK;
}

mb_status mb_pickle_take(pickle_machine *m, uint64_t length, const unsigned char **bytes) {
    const size_t left = (size_t)(m->end - m->at);
    if (length > left) {
        return mb_pickle_fail(m, MB_ERR_FORMAT,
            "needs %llu bytes, but %zu are left; the file is cut or damaged, write it again",
            (unsigned long long)length, left);
    }
    *bytes = m->at;
    m->at += length;
    return MB_OK;
}

mb_status mb_pickle_take_line(pickle_machine *m, const char **line, size_t *length) {
    const unsigned char *end =
        m->at == m->end ? NULL : memchr(m->at, '\n', (size_t)(m->end - m->at));
    if (end == NULL) {
        return mb_pickle_fail(m, MB_ERR_FORMAT,
            "has a line without an end; the file is cut or damaged, write it again");
    }
    *line = (const char *)m->at;
    *length = (size_t)(end - m->at);
    m->at = end + 1;
    return MB_OK;
}

mb_status mb_pickle_take_number(pickle_machine *m, size_t size, uint64_t *number) {
    const unsigned char *bytes = NULL;
    MB_TRY(mb_pickle_take(m, size, &bytes));
    *number = 0;
    memcpy(number, bytes, size);
    return MB_OK;
}

static mb_status run(pickle_machine *m) {
    while (!m->is_done) {
        m->opcode_at = (size_t)(m->at - m->start);
        m->opcode_name = "end of file";
        if (m->at == m->end) {
            return mb_pickle_fail(
                m, MB_ERR_FORMAT, "has no STOP before it; the file is cut, write it again");
        }
        const unsigned char byte = *m->at++;
        const pickle_opcode *opcode = &mb_pickle_opcodes[byte];
        m->opcode_name = opcode->name;
        if (opcode->name == NULL) {
            m->opcode_name = "opcode";
            return mb_pickle_fail(m, MB_ERR_FORMAT,
                "0x%02X is none of Python's; this is not a pickle, or it is damaged", byte);
        }
        if (opcode->run == NULL) {
            return mb_pickle_fail(m, MB_ERR_UNSUPPORTED,
                "this opcode is refused, only plain data is read; write the file with "
                "dictionaries, lists and NumPy arrays alone");
        }
        MB_TRY(opcode->run(m));
    }
    if (m->at != m->end) {
        return mb_pickle_fail(m, MB_ERR_FORMAT, "%zu bytes follow; write one pickle a file",
            (size_t)(m->end - m->at));
    }
    mb_pickle_value root;
    MB_TRY(mb_pickle_pop(m, &root));
    if (m->n != 0) {
        return mb_pickle_fail(m, MB_ERR_FORMAT,
            "leaves %zu values on the stack; the file is damaged, write it again", m->n);
    }
    MB_TRY(mb_pickle_check(m, root));
    m->out->root = root;
    return MB_OK;
}

static mb_status parse_once(mb_context *ctx, const char *name, const void *bytes, size_t length,
    bool has_lists, bool has_tables, bool *must_restart, mb_pickle *out) {
    *out = (mb_pickle){.root = {.kind = MB_PICKLE_NONE}};
    mb_arena_init(&out->arena, ctx);
    pickle_machine m = {.ctx = ctx,
        .out = out,
        .name = name,
        .has_packed_lists = has_lists,
        .has_packed_tables = has_tables,
        .start = bytes,
        .at = bytes,
        .end = length == 0 ? bytes : (const unsigned char *)bytes + length};
    const mb_status status = run(&m);
    mb_release(ctx, m.stack);
    mb_release(ctx, m.marks);
    mb_release(ctx, m.memo);
    mb_release(ctx, m.packed);
    mb_release(ctx, m.rows);
    if (status != MB_OK) {
        mb_pickle_clear(out);
    }
    *must_restart = m.must_restart;
    return status;
}

static mb_status parse(mb_context *ctx, const char *name, const void *bytes, size_t length,
    bool is_packed, mb_pickle *out) {
    bool must_restart = false;
    const mb_status status =
        parse_once(ctx, name, bytes, length, is_packed, is_packed, &must_restart, out);
    // Lists that are reached on several ways need boxes of their own.
    return must_restart ? parse_once(ctx, name, bytes, length, true, false, &must_restart, out)
                        : status;
}

mb_status mb_pickle_parse(
    mb_context *ctx, const char *name, const void *bytes, size_t length, mb_pickle *out) {
    return parse(ctx, name, bytes, length, false, out);
}

mb_status mb_pickle_parse_packed(
    mb_context *ctx, const char *name, const void *bytes, size_t length, mb_pickle *out) {
    return parse(ctx, name, bytes, length, true, out);
}

static mb_status read(mb_context *ctx, const char *path, bool is_packed, mb_pickle *out) {
    char *bytes = NULL;
    size_t length = 0;
    *out = (mb_pickle){.root = {.kind = MB_PICKLE_NONE}};
    mb_status status = mb_read_file(ctx, path, &bytes, &length);
    if (status == MB_OK) {
        status = parse(ctx, path, bytes, length, is_packed, out);
    }
    mb_release(ctx, bytes);
    return status;
}

mb_status mb_pickle_read(mb_context *ctx, const char *path, mb_pickle *out) {
    return read(ctx, path, false, out);
}

mb_status mb_pickle_read_packed(mb_context *ctx, const char *path, mb_pickle *out) {
    return read(ctx, path, true, out);
}

void mb_pickle_clear(mb_pickle *pickle) {
    for (pickle_array_box *box = pickle->arrays; box != NULL; box = box->next) {
        mb_array_clear(&box->array.numbers);
    }
    mb_arena_clear(&pickle->arena);
    *pickle = (mb_pickle){.root = {.kind = MB_PICKLE_NONE}};
}

const char *mb_pickle_kind_name(mb_pickle_kind kind) {
    static const char *const names[] = {[MB_PICKLE_NONE] = "None",
        [MB_PICKLE_BOOL] = "bool",
        [MB_PICKLE_INT] = "int",
        [MB_PICKLE_FLOAT] = "float",
        [MB_PICKLE_TEXT] = "text",
        [MB_PICKLE_BYTES] = "bytes",
        [MB_PICKLE_LIST] = "list",
        [MB_PICKLE_TUPLE] = "tuple",
        [MB_PICKLE_SET] = "set",
        [MB_PICKLE_DICT] = "dict",
        [MB_PICKLE_ARRAY] = "array"};
    return (size_t)kind < MB_COUNT_OF(names) ? names[kind] : "name";
}

bool mb_pickle_is_text(const mb_pickle_value *value, const char *text) {
    return value->kind == MB_PICKLE_TEXT && value->as.text->length == strlen(text) &&
           memcmp(value->as.text->bytes, text, value->as.text->length) == 0;
}

const mb_pickle_value *mb_pickle_find(const mb_pickle_value *dict, const char *key) {
    if (dict == NULL || dict->kind != MB_PICKLE_DICT) {
        return NULL;
    }
    const mb_pickle_items *pairs = dict->as.items;
    for (size_t i = pairs->n; i >= 2; i -= 2) {
        if (mb_pickle_is_text(&pairs->items[i - 2], key)) {
            return &pairs->items[i - 1];
        }
    }
    return NULL;
}

bool mb_pickle_number(const mb_pickle_value *value, double *out) {
    switch ((int)value->kind) {
    case MB_PICKLE_BOOL:
        *out = value->as.truth ? 1 : 0;
        return true;
    case MB_PICKLE_INT:
        *out = (double)value->as.integer;
        return true;
    case MB_PICKLE_FLOAT:
        *out = value->as.real;
        return true;
    default:
        return false;
    }
}
