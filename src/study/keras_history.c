// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/keras_history.h"

typedef struct reader {
    mb_context *ctx;
    const char *path;
    mb_keras_history *out;
} reader;

static mb_status fail_key(const reader *r, const char *key, const char *what) {
    return mb_fail(r->ctx, MB_ERR_FORMAT,
        "%s: '%.60s' %s; a history is a dictionary of lists of numbers, one an epoch", r->path, key,
        what);
}

// A list or tuple of numbers, or an array of one axis, as n numbers.
static mb_status take_column(
    const reader *r, const char *key, const mb_pickle_value *value, double **column, size_t *n) {
    const bool is_list = value->kind == MB_PICKLE_LIST || value->kind == MB_PICKLE_TUPLE;
    const mb_array *array = value->kind == MB_PICKLE_ARRAY && !value->as.array->has_objects
                                ? &value->as.array->numbers
                                : NULL;
    if (!is_list && (array == NULL || array->rank != 1)) {
        return fail_key(r, key, "is not a list");
    }
    *n = is_list ? value->as.items->n : mb_array_count(array);
    *column = mb_arena_allocate(&r->out->pickle.arena, r->ctx, *n, sizeof **column);
    if (*column == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < *n; i++) {
        if (!is_list) {
            (*column)[i] = mb_array_get(array, i);
        } else if (!mb_pickle_number(&value->as.items->items[i], &(*column)[i])) {
            return fail_key(r, key, "has a member that is not a number");
        }
    }
    return MB_OK;
}

static mb_status take_columns(const reader *r) {
    mb_keras_history *out = r->out;
    const mb_pickle_value *root = &out->pickle.root;
    if (root->kind != MB_PICKLE_DICT) {
        return mb_fail(r->ctx, MB_ERR_FORMAT,
            "%s: is a %s; a history is a dictionary of lists of numbers, one an epoch", r->path,
            mb_pickle_kind_name(root->kind));
    }
    const size_t most = root->as.items->n / 2;
    out->names = mb_arena_allocate(&out->pickle.arena, r->ctx, most, sizeof *out->names);
    out->columns = mb_arena_allocate(&out->pickle.arena, r->ctx, most, sizeof *out->columns);
    if (out->names == NULL || out->columns == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < most; i++) {
        const mb_pickle_value *key = &root->as.items->items[2 * i];
        size_t n = 0;
        if (key->kind != MB_PICKLE_TEXT || strlen(key->as.text->bytes) != key->as.text->length) {
            return fail_key(r, "?", "is a key that is not a text");
        }
        const char *name = key->as.text->bytes;
        MB_TRY(take_column(r, name, key + 1, &out->columns[i], &n));
        if (i > 0 && n != out->n) {
            return fail_key(r, name, "has another number of epochs than the keys before it");
        }
        out->n = n;
        out->names[i] = name;
        out->n_columns = i + 1;
    }
    return MB_OK;
}

mb_status mb_keras_history_read(mb_keras_history *out, mb_context *ctx, const char *path) {
    *out = (mb_keras_history){.n = 0};
    MB_TRY(mb_pickle_read(ctx, path, &out->pickle));
    const reader r = {.ctx = ctx, .path = path, .out = out};
    return take_columns(&r);
}

void mb_keras_history_clear(mb_keras_history *history) {
    mb_pickle_clear(&history->pickle);
    *history = (mb_keras_history){.n = 0};
}

mb_values mb_keras_history_column(const mb_keras_history *history, const char *name) {
    for (size_t i = 0; i < history->n_columns; i++) {
        if (strcmp(history->names[i], name) == 0) {
            return mb_values_f64(history->columns[i], history->n);
        }
    }
    return (mb_values){.n = 0};
}
