// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/numbers.h"
#include "exchange/firmware.h"

#include <math.h>

// Weight lists.

typedef struct list_text {
    mb_context *ctx;
    const char *name;
    const char *at, *end;
    size_t line;
} list_text;

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

static void skip_blanks(list_text *text) {
    while (text->at < text->end && is_blank(*text->at)) {
        text->at++;
    }
}

static bool take_word(list_text *text, const char *word) {
    const size_t length = strlen(word);
    skip_blanks(text);
    if ((size_t)(text->end - text->at) < length || memcmp(text->at, word, length) != 0) {
        return false;
    }
    text->at += length;
    return true;
}

static mb_status fail_header(const list_text *text) {
    return mb_fail(text->ctx, MB_ERR_FORMAT,
        "%s:1: begins without a shape of 1 to %d lengths; write \"# shape 252, 15\" before the "
        "numbers",
        text->name, MB_MAX_RANK);
}

static mb_status read_header(list_text *text, unsigned *rank, size_t *shape, size_t *count) {
    *rank = 0;
    *count = 1;
    if (!take_word(text, "#") || !take_word(text, "shape")) {
        return fail_header(text);
    }
    for (;;) {
        uint64_t length;
        skip_blanks(text);
        if (text->at == text->end || *text->at == '\n') {
            break;
        }
        const char *after = mb_parse_uint64(text->at, text->end, &length);
        if (after == NULL || *rank == MB_MAX_RANK) {
            return fail_header(text);
        }
        // Each number takes a byte at least, so that a count beyond the text cannot be true.
        if (length == 0 || length > (uint64_t)(text->end - text->at) / *count) {
            return mb_fail(text->ctx, MB_ERR_FORMAT,
                "%s:1: the shape has a length of 0, or more numbers than the file; correct it",
                text->name);
        }
        shape[(*rank)++] = (size_t)length;
        *count *= (size_t)length;
        text->at = after;
        skip_blanks(text);
        if (text->at < text->end && *text->at == ',') {
            text->at++;
        }
    }
    return *rank == 0 ? fail_header(text) : MB_OK;
}

// Steps over what may stand between numbers.
static void skip_separators(list_text *text) {
    while (text->at < text->end && (is_blank(*text->at) || *text->at == ',' || *text->at == '\n')) {
        text->line += *text->at == '\n';
        text->at++;
    }
}

static mb_status read_numbers(list_text *text, float *out, size_t count) {
    size_t n = 0;
    for (skip_separators(text); text->at < text->end; skip_separators(text)) {
        double value = 0;
        const char *after = mb_parse_double(text->at, text->end, &value);
        if (after == NULL || !isfinite((float)value) ||
            (after < text->end && !is_blank(*after) && *after != ',' && *after != '\n')) {
            return mb_fail(text->ctx, MB_ERR_FORMAT,
                "%s:%zu: number %zu is not a number of float32; write digits such as -0.125",
                text->name, text->line, n + 1);
        }
        if (n < count) {
            out[n] = (float)value;
        }
        n++;
        text->at = after;
    }
    if (n != count) {
        return mb_fail(text->ctx, MB_ERR_FORMAT,
            "%s: has %zu numbers where its shape needs %zu; correct the shape or the list",
            text->name, n, count);
    }
    return MB_OK;
}

mb_status mb_firmware_parse_list(
    mb_context *ctx, const char *name, const char *text, size_t length, mb_array *out) {
    list_text list = {ctx, name, text, text + length, 1};
    unsigned rank;
    size_t count;
    size_t shape[MB_MAX_RANK] = {0};
    *out = (mb_array){0};
    MB_TRY(read_header(&list, &rank, shape, &count));
    MB_TRY(mb_array_init(out, ctx, MB_F32, rank, shape));
    const mb_status status = read_numbers(&list, out->data, count);
    if (status != MB_OK) {
        mb_array_clear(out);
    }
    return status;
}
