// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/names.h"

#include <stdlib.h>

mb_status mb_names_add(mb_names *names, const char *text, size_t length) {
    MB_TRY(mb_grow(names->ctx, &names->name, &names->capacity, names->n + 1, sizeof *names->name));
    char *copy = mb_allocate(names->ctx, length + 1, 1);
    if (copy == NULL) {
        return MB_ERR_MEMORY;
    }
    if (length > 0) {
        memcpy(copy, text, length);
    }
    copy[length] = '\0';
    names->name[names->n++] = copy;
    return MB_OK;
}

static int compare(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void mb_names_sort(mb_names *names) {
    if (names->n > 1) {
        qsort(names->name, names->n, sizeof *names->name, compare);
    }
}
