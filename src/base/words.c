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
