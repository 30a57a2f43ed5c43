// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/npy_header.h"

// The head is a Python dictionary of three known keys; what Python would take beyond that is not
// taken here.
typedef struct scanner {
    mb_context *ctx;
    const char *name;
    const char *at, *end;
} scanner;

static mb_status fail_head(const scanner *s, const char *what) {
    return mb_fail(
        s->ctx, MB_ERR_FORMAT, "%s: npy head: %s; write it again with numpy.save", s->name, what);
}

static void skip_blanks(scanner *s) {
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\t')) {
        s->at++;
    }
}

static bool take(scanner *s, char wanted) {
    skip_blanks(s);
    if (s->at < s->end && *s->at == wanted) {
        s->at++;
        return true;
    }
    return false;
}

static bool take_word(scanner *s, const char *word) {
    skip_blanks(s);
    const size_t length = strlen(word);
    if ((size_t)(s->end - s->at) >= length && memcmp(s->at, word, length) == 0) {
        s->at += length;
        return true;
    }
    return false;
}

static bool take_text(scanner *s, char *text, size_t size) {
    skip_blanks(s);
    if (s->at == s->end || (*s->at != '\'' && *s->at != '"')) {
        return false;
    }
    const char quote = *s->at++;
    size_t length = 0;
    while (s->at < s->end && *s->at != quote) {
        if (length + 1 >= size || *s->at == '\\') {
            return false;
        }
        text[length++] = *s->at++;
    }
    text[length] = '\0';
    return take(s, quote);
}

static bool find_type(char kind, char size, mb_raw_type *type) {
    static const struct {
        char kind, size;
        mb_dtype dtype;
    } known[] = {{'f', '2', MB_F32}, {'f', '4', MB_F32}, {'f', '8', MB_F64}, {'i', '1', MB_I8},
        {'i', '2', MB_I16}, {'i', '4', MB_I32}, {'i', '8', MB_I64}, {'u', '1', MB_U8},
        {'u', '2', MB_U16}, {'u', '4', MB_U32}, {'u', '8', MB_U64}, {'b', '1', MB_BOOL}};
    for (size_t i = 0; i < MB_COUNT_OF(known); i++) {
        if (known[i].kind == kind && known[i].size == size) {
            type->dtype = known[i].dtype;
            type->size = (size_t)(size - '0');
            return true;
        }
    }
    return false;
}

static mb_status parse_type(scanner *s, mb_raw_type *type) {
    char text[32];
    if (!take_text(s, text, sizeof text)) {
        return mb_fail(s->ctx, MB_ERR_UNSUPPORTED,
            "%s: npy head: the type is not one plain number; save one array of numbers a file",
            s->name);
    }
    const bool has_order = text[0] != '\0' && strchr("<>|=", text[0]) != NULL;
    if (!has_order || strlen(text) != 3 || !find_type(text[1], text[2], type)) {
        return mb_fail(s->ctx, MB_ERR_UNSUPPORTED,
            "%s: npy head: type '%s' is not offered; convert it to a float, integer or bool type",
            s->name, text);
    }
    type->is_swapped = text[0] == '>';
    return MB_OK;
}

static mb_status parse_shape(scanner *s, mb_npy_header *header) {
    if (!take(s, '(')) {
        return fail_head(s, "no shape in parentheses");
    }
    bool has_comma = true;
    header->rank = 0;
    while (!take(s, ')')) {
        if (!has_comma) {
            return fail_head(s, "the shape is not a list of whole numbers");
        }
        if (header->rank == MB_MAX_RANK) {
            return mb_fail(s->ctx, MB_ERR_UNSUPPORTED,
                "%s: npy head: more than %d axes; reshape the array", s->name, MB_MAX_RANK);
        }
        size_t length = 0, n_digits = 0;
        skip_blanks(s);
        for (; s->at < s->end && *s->at >= '0' && *s->at <= '9'; s->at++, n_digits++) {
            if (!mb_raw_multiply(&length, 10) || length > PTRDIFF_MAX - 9) {
                return fail_head(s, "an axis is longer than can be addressed");
            }
            length += (size_t)(*s->at - '0');
        }
        if (n_digits == 0) {
            return fail_head(s, "the shape is not a list of whole numbers");
        }
        (void)take_word(s, "L"); // Python 2 wrote long integers so
        header->shape[header->rank++] = length;
        has_comma = take(s, ',');
    }
    return MB_OK;
}

static mb_status parse_order(scanner *s, bool *is_fortran) {
    *is_fortran = take_word(s, "True");
    return *is_fortran || take_word(s, "False") ? MB_OK
                                                : fail_head(s, "fortran_order is no truth value");
}

static mb_status parse_entries(scanner *s, mb_npy_header *header) {
    enum { TYPE = 1, ORDER = 2, SHAPE = 4, ALL = 7 };
    unsigned seen = 0;
    bool has_comma = true;
    if (!take(s, '{')) {
        return fail_head(s, "no dictionary");
    }
    while (!take(s, '}')) {
        char key[32];
        if (!has_comma || !take_text(s, key, sizeof key) || !take(s, ':')) {
            return fail_head(s, "the dictionary is damaged");
        }
        unsigned bit;
        if (strcmp(key, "descr") == 0) {
            bit = TYPE;
            MB_TRY(parse_type(s, &header->type));
        } else if (strcmp(key, "fortran_order") == 0) {
            bit = ORDER;
            MB_TRY(parse_order(s, &header->is_fortran));
        } else if (strcmp(key, "shape") == 0) {
            bit = SHAPE;
            MB_TRY(parse_shape(s, header));
        } else {
            return fail_head(s, "an unknown key");
        }
        if ((seen & bit) != 0) {
            return fail_head(s, "a key is given twice");
        }
        seen |= bit;
        has_comma = take(s, ',');
    }
    return seen == ALL ? MB_OK : fail_head(s, "descr, fortran_order or shape is missing");
}

static mb_status check_size(
    mb_context *ctx, const char *name, uint64_t file_size, mb_npy_header *header) {
    if (!mb_raw_count(&header->type, header->rank, header->shape, &header->count)) {
        return mb_fail(ctx, MB_ERR_LIMIT,
            "%s: npy head: the shape is larger than can be addressed; the file is damaged", name);
    }
    const uint64_t in_file = (uint64_t)header->count * header->type.size;
    if (file_size - header->offset != in_file) {
        return mb_fail(ctx, MB_ERR_FORMAT,
            "%s: the npy head promises %llu bytes of numbers but %llu follow; the file is cut or "
            "damaged",
            name, (unsigned long long)in_file, (unsigned long long)(file_size - header->offset));
    }
    const uint64_t bytes = (uint64_t)header->count * mb_dtype_size(header->type.dtype);
    if (bytes > mb_context_limits(ctx)->bytes) {
        return mb_fail(ctx, MB_ERR_LIMIT,
            "%s: %llu bytes are more than the limit of %llu; read fewer rows or raise the limit",
            name, (unsigned long long)bytes, (unsigned long long)mb_context_limits(ctx)->bytes);
    }
    return MB_OK;
}

mb_status mb_npy_header_parse(mb_context *ctx, const char *name, const void *bytes, size_t length,
    uint64_t file_size, mb_npy_header *header) {
    static const unsigned char magic[6] = {0x93, 'N', 'U', 'M', 'P', 'Y'};
    const unsigned char *at = bytes;
    scanner s = {.ctx = ctx, .name = name};
    *header = (mb_npy_header){.rank = 0};
    if (length < 10 || memcmp(at, magic, sizeof magic) != 0) {
        return mb_fail(ctx, MB_ERR_FORMAT, "%s: not an npy file; write it with numpy.save", name);
    }
    if (at[6] < 1 || at[6] > 3) {
        return mb_fail(ctx, MB_ERR_UNSUPPORTED, "%s: npy format %u.%u; formats 1 to 3 are read",
            name, at[6], at[7]);
    }
    const size_t start = at[6] == 1 ? 10 : 12;
    if (length < start) {
        return fail_head(&s, "the file ends inside");
    }
    size_t head_length = (size_t)at[8] | (size_t)at[9] << 8;
    if (at[6] > 1) {
        head_length |= (size_t)at[10] << 16 | (size_t)at[11] << 24;
    }
    if (head_length > MB_NPY_HEADER_MAX - start) {
        return mb_fail(ctx, MB_ERR_LIMIT,
            "%s: npy head of %zu bytes; at most %d are read: the file is damaged", name,
            head_length, MB_NPY_HEADER_MAX);
    }
    if (head_length > length - start) {
        return fail_head(&s, "the file ends inside");
    }
    s.at = (const char *)bytes + start;
    s.end = s.at + head_length;
    header->offset = start + head_length;
    MB_TRY(parse_entries(&s, header));
    return check_size(ctx, name, file_size, header);
}

void mb_npy_header_info(const mb_npy_header *header, mb_npy_info *info) {
    *info = (mb_npy_info){.dtype = header->type.dtype, .rank = header->rank};
    memcpy(info->shape, header->shape, sizeof info->shape);
}

void mb_npy_header_append(mb_buffer *buffer, mb_dtype dtype, unsigned rank, const size_t *shape) {
    static const char *const names[] = {[MB_F32] = "<f4",
        [MB_F64] = "<f8",
        [MB_I8] = "|i1",
        [MB_U8] = "|u1",
        [MB_I16] = "<i2",
        [MB_U16] = "<u2",
        [MB_I32] = "<i4",
        [MB_U32] = "<u4",
        [MB_I64] = "<i8",
        [MB_U64] = "<u8",
        [MB_BOOL] = "|b1"};
    static const char magic[8] = "\x93NUMPY\x01";
    const size_t start = buffer->length;
    mb_buffer_append(buffer, magic, sizeof magic);
    mb_buffer_append(buffer, "\0\0", 2);
    mb_buffer_format(buffer, "{'descr': '%s', 'fortran_order': False, 'shape': (", names[dtype]);
    for (unsigned i = 0; i < rank; i++) {
        mb_buffer_format(buffer, i == 0 ? "%zu" : ", %zu", shape[i]);
    }
    mb_buffer_text(buffer, rank == 1 ? ",), }" : "), }");
    // NumPy pads so that the numbers start at a multiple of 64.
    while (buffer->status == MB_OK && (buffer->length - start + 1) % 64 != 0) {
        mb_buffer_append(buffer, " ", 1);
    }
    mb_buffer_append(buffer, "\n", 1);
    if (buffer->status == MB_OK) {
        const size_t length = buffer->length - start - 10;
        buffer->data[start + 8] = (char)(length & 0xFF);
        buffer->data[start + 9] = (char)(length >> 8);
    }
}

// Writes the elements of a Fortran-ordered array in C order: the last axis runs fastest in to.
static void reorder(const mb_npy_header *header, const char *from, char *to) {
    const size_t size = mb_dtype_size(header->type.dtype);
    size_t stride[MB_MAX_RANK], index[MB_MAX_RANK] = {0};
    size_t step = size;
    for (unsigned i = 0; i < header->rank; i++) {
        stride[i] = step;
        step *= header->shape[i];
    }
    size_t offset = 0;
    for (size_t n = 0; n < header->count; n++, to += size) {
        memcpy(to, from + offset, size);
        for (unsigned i = header->rank; i-- > 0;) {
            offset += stride[i];
            if (++index[i] < header->shape[i]) {
                break;
            }
            offset -= stride[i] * header->shape[i];
            index[i] = 0;
        }
    }
}

mb_status mb_npy_finish(mb_context *ctx, const mb_npy_header *header, mb_array *out) {
    mb_raw_finish(&header->type, out->data, mb_array_count(out));
    if (!header->is_fortran || header->rank < 2 || header->count == 0) {
        return MB_OK;
    }
    mb_array ordered;
    MB_TRY(mb_array_init(&ordered, ctx, out->dtype, out->rank, out->shape));
    reorder(header, out->data, ordered.data);
    mb_array_clear(out);
    *out = ordered;
    return MB_OK;
}
