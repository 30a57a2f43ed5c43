// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/words.h"

#include <stdlib.h>

bool mb_is_one_of(const char *word, const char *const *words) {
    while (*words != NULL && strcmp(word, *words) != 0) {
        words++;
    }
    return *words != NULL;
}

size_t mb_count_words(const char *const *words) {
    size_t n = 0;
    while (words[n] != NULL) {
        n++;
    }
    return n;
}

int mb_hex_digit(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

size_t mb_utf8_length(const char *text) {
    const unsigned char *p = (const unsigned char *)text;
    if (p[0] < 0x80) {
        return 1;
    }
    const size_t length = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
    if (p[0] < 0xC2 || p[0] > 0xF4) {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xC0u) != 0x80u) {
            return 0;
        }
    }
    // Overlong forms, surrogates and what lies above the last code point.
    const bool is_bad = (p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) ||
                        (p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F);
    return is_bad ? 0 : length;
}

const char *mb_system_reason(int error, char out[MB_REASON_SIZE]) {
    if (strerror_r(error, out, MB_REASON_SIZE) != 0) {
        memcpy(out, "unknown error", sizeof "unknown error");
    }
    return out;
}

mb_status mb_names_take(mb_names *names, char *name) {
    if (name == NULL) {
        return MB_ERR_MEMORY;
    }
    const mb_status status =
        mb_grow(names->ctx, &names->name, &names->capacity, names->n + 1, sizeof *names->name);
    if (status != MB_OK) {
        mb_release(names->ctx, name);
        return status;
    }
    names->name[names->n++] = name;
    return MB_OK;
}

mb_status mb_names_add(mb_names *names, const char *text, size_t length) {
    char *copy = mb_allocate(names->ctx, length + 1, 1);
    if (copy != NULL) {
        // An empty text may come without an address.
        memcpy(copy, length > 0 ? text : "", length);
        copy[length] = '\0';
    }
    return mb_names_take(names, copy);
}

bool mb_names_have(const mb_names *names, const char *name) {
    for (size_t i = 0; i < names->n; i++) {
        if (strcmp(names->name[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static int compare(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void mb_names_sort(mb_names *names) {
    if (names->n > 1) {
        qsort(names->name, names->n, sizeof *names->name, compare);
    }
}

void mb_names_clear(mb_names *names) {
    if (names->ctx == NULL) {
        return;
    }
    for (size_t i = 0; i < names->n; i++) {
        mb_release(names->ctx, names->name[i]);
    }
    mb_release(names->ctx, names->name);
    memset(names, 0, sizeof *names);
}
