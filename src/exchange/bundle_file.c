// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "exchange/bundle_file.h"

#include "base/numbers.h"
#include "files/hdf5.h"

// Raised whenever older programs could no longer read what newer ones write.
enum { FORMAT_NUMBER = 1 };

static const char number_name[] = "minbias_bundle_format";

// An entry lies in a group of its own, named by its place, so that its name may be any text:
// attribute "name", and either a dataset "array" or an attribute "text".
static mb_status write_entry(mb_h5_writer *writer, const mb_bundle_entry *entry, size_t i) {
    char group[48];
    char path[64];
    mb_format(group, sizeof group, "/entries/%zu", i);
    mb_format(path, sizeof path, "%s/array", group);
    MB_TRY(mb_h5_make_group(writer, group));
    MB_TRY(mb_h5_put_text(writer, group, "name", entry->name));
    return entry->text != NULL ? mb_h5_put_text(writer, group, "text", entry->text)
                               : mb_h5_write_array(writer, path, &entry->array);
}

static mb_status write_all(mb_h5_writer *writer, const mb_bundle *bundle) {
    MB_TRY(mb_h5_put_int64(writer, "/", number_name, FORMAT_NUMBER));
    MB_TRY(mb_h5_put_int64(writer, "/", "entries", (int64_t)bundle->n));
    for (size_t i = 0; i < bundle->n; i++) {
        MB_TRY(write_entry(writer, &bundle->entries[i], i));
    }
    return MB_OK;
}

mb_status mb_bundle_save(mb_context *ctx, const mb_bundle *bundle, const char *path) {
    mb_h5_writer *writer = NULL;
    MB_TRY(mb_h5_create(ctx, path, MB_H5_IN_MEMORY, &writer));
    const mb_status status = write_all(writer, bundle);
    if (status != MB_OK) {
        mb_h5_abandon(writer);
        return status;
    }
    return mb_h5_commit(writer);
}

static mb_status read_entry(mb_context *ctx, mb_h5_file *file, size_t i, mb_bundle *out) {
    char group[48];
    char path[64];
    char *name = NULL;
    char *text = NULL;
    mb_array array = {0};
    mb_format(group, sizeof group, "/entries/%zu", i);
    mb_format(path, sizeof path, "%s/array", group);
    mb_status status = mb_h5_attribute_text(file, group, "name", &name);
    if (status == MB_OK && mb_h5_has_attribute(file, group, "text")) {
        status = mb_h5_attribute_text(file, group, "text", &text);
        if (status == MB_OK) {
            status = mb_bundle_put_text(out, ctx, name, text);
        }
    } else if (status == MB_OK) {
        status = mb_context_status(ctx);
        if (status == MB_OK) {
            status = mb_h5_read(file, path, &array);
        }
        if (status == MB_OK) {
            status = mb_bundle_put(out, ctx, name, &array);
        }
    }
    mb_array_clear(&array);
    mb_release(ctx, text);
    mb_release(ctx, name);
    return status;
}

static mb_status read_all(mb_context *ctx, mb_h5_file *file, const char *path, mb_bundle *out) {
    int64_t number = 0;
    int64_t n = 0;
    if (!mb_h5_has_attribute(file, "/", number_name)) {
        MB_TRY(mb_context_status(ctx));
        return mb_fail(ctx, MB_ERR_FORMAT,
            "%s: is no checkpoint (attribute %s is absent); name a checkpoint.h5", path,
            number_name);
    }
    MB_TRY(mb_h5_attribute_int64(file, "/", number_name, &number));
    if (number < 1) {
        return mb_fail(ctx, MB_ERR_FORMAT,
            "%s: its format number is %lld; the file is damaged, start anew", path,
            (long long)number);
    }
    if (number > FORMAT_NUMBER) {
        return mb_fail(ctx, MB_ERR_UNSUPPORTED,
            "%s: has format number %lld and this version reads up to %d; use a newer minbias", path,
            (long long)number, FORMAT_NUMBER);
    }
    MB_TRY(mb_h5_attribute_int64(file, "/", "entries", &n));
    if (n < 0 || (uint64_t)n > mb_context_limits(ctx)->objects) {
        return mb_fail(ctx, MB_ERR_LIMIT,
            "%s: claims %lld entries; the file is damaged, start anew", path, (long long)n);
    }
    for (int64_t i = 0; i < n; i++) {
        MB_TRY(read_entry(ctx, file, (size_t)i, out));
    }
    return MB_OK;
}

mb_status mb_bundle_load(mb_context *ctx, const char *path, mb_bundle *out) {
    mb_h5_file *file = NULL;
    mb_bundle_init(out, ctx);
    MB_TRY(mb_h5_open(ctx, path, &file));
    const mb_status status = read_all(ctx, file, path, out);
    mb_h5_close(file);
    return status;
}
