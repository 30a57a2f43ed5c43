// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/bundle.h"

void mb_bundle_init(mb_bundle *bundle, mb_context *ctx) {
    *bundle = (mb_bundle){.entries = NULL};
    mb_arena_init(&bundle->arena, ctx);
}

void mb_bundle_clear(mb_bundle *bundle) {
    for (size_t i = 0; i < bundle->n; i++) {
        mb_array_clear(&bundle->entries[i].array);
    }
    if (bundle->entries != NULL) {
        mb_runtime_release(bundle->arena.runtime, bundle->entries);
    }
    mb_arena_clear(&bundle->arena);
    bundle->entries = NULL;
    bundle->n = bundle->capacity = 0;
}

static const mb_bundle_entry *find(const mb_bundle *bundle, const char *name) {
    for (size_t i = 0; i < bundle->n; i++) {
        if (strcmp(bundle->entries[i].name, name) == 0) {
            return &bundle->entries[i];
        }
    }
    return NULL;
}

static mb_status add(mb_bundle *bundle, mb_context *ctx, const char *name, mb_bundle_entry **out) {
    if (find(bundle, name) != NULL) {
        return mb_fail(
            ctx, MB_ERR_ARG, "bundle: '%s' is already there; give every entry its own name", name);
    }
    MB_TRY(
        mb_grow(ctx, &bundle->entries, &bundle->capacity, bundle->n + 1, sizeof *bundle->entries));
    const char *kept = mb_arena_text(&bundle->arena, ctx, name);
    if (kept == NULL) {
        return MB_ERR_MEMORY;
    }
    *out = &bundle->entries[bundle->n];
    **out = (mb_bundle_entry){.name = kept};
    return MB_OK;
}

mb_status mb_bundle_put(mb_bundle *bundle, mb_context *ctx, const char *name, mb_array *array) {
    mb_bundle_entry *entry;
    const mb_status status = add(bundle, ctx, name, &entry);
    if (status != MB_OK) {
        mb_array_clear(array);
        return status;
    }
    entry->array = *array;
    *array = (mb_array){.data = NULL};
    bundle->n++;
    return MB_OK;
}

mb_status mb_bundle_put_text(
    mb_bundle *bundle, mb_context *ctx, const char *name, const char *text) {
    mb_bundle_entry *entry;
    MB_TRY(add(bundle, ctx, name, &entry));
    entry->text = mb_arena_text(&bundle->arena, ctx, text);
    if (entry->text == NULL) {
        return MB_ERR_MEMORY;
    }
    bundle->n++;
    return MB_OK;
}

static mb_status put_copy(mb_bundle *bundle, mb_context *ctx, const char *name, mb_dtype dtype,
    const void *values, size_t n) {
    mb_array array;
    MB_TRY(mb_array_init(&array, ctx, dtype, 1, &n));
    if (n > 0) {
        memcpy(array.data, values, mb_array_bytes(&array));
    }
    return mb_bundle_put(bundle, ctx, name, &array);
}

mb_status mb_bundle_put_int(mb_bundle *bundle, mb_context *ctx, const char *name, int64_t value) {
    return put_copy(bundle, ctx, name, MB_I64, &value, 1);
}

mb_status mb_bundle_put_floats(
    mb_bundle *bundle, mb_context *ctx, const char *name, const float *values, size_t n) {
    return put_copy(bundle, ctx, name, MB_F32, values, n);
}

mb_status mb_bundle_put_doubles(
    mb_bundle *bundle, mb_context *ctx, const char *name, const double *values, size_t n) {
    return put_copy(bundle, ctx, name, MB_F64, values, n);
}

const mb_array *mb_bundle_array(const mb_bundle *bundle, const char *name) {
    const mb_bundle_entry *entry = find(bundle, name);
    return entry != NULL && entry->text == NULL ? &entry->array : NULL;
}

const char *mb_bundle_text(const mb_bundle *bundle, const char *name) {
    const mb_bundle_entry *entry = find(bundle, name);
    return entry != NULL ? entry->text : NULL;
}

static mb_status get_copy(const mb_bundle *bundle, mb_context *ctx, const char *name,
    mb_dtype dtype, void *out, size_t n) {
    const mb_array *array = mb_bundle_array(bundle, name);
    if (array == NULL) {
        return mb_fail(ctx, MB_ERR_FORMAT,
            "bundle: no array '%s'; the file is of another model or of another version", name);
    }
    if (array->dtype != dtype || mb_array_count(array) != n) {
        return mb_fail(ctx, MB_ERR_FORMAT,
            "bundle: '%s' has %zu numbers of type %s, wanted %zu of type %s; the file is of "
            "another model",
            name, mb_array_count(array), mb_dtype_name(array->dtype), n, mb_dtype_name(dtype));
    }
    if (n > 0) {
        memcpy(out, array->data, mb_array_bytes(array));
    }
    return MB_OK;
}

mb_status mb_bundle_get_int(
    const mb_bundle *bundle, mb_context *ctx, const char *name, int64_t *out) {
    return get_copy(bundle, ctx, name, MB_I64, out, 1);
}

mb_status mb_bundle_get_floats(
    const mb_bundle *bundle, mb_context *ctx, const char *name, float *out, size_t n) {
    return get_copy(bundle, ctx, name, MB_F32, out, n);
}

mb_status mb_bundle_get_doubles(
    const mb_bundle *bundle, mb_context *ctx, const char *name, double *out, size_t n) {
    return get_copy(bundle, ctx, name, MB_F64, out, n);
}
