// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/npy.h"

#include "files/npy_header.h"
#include "files/zip.h"

static const char suffix[] = ".npy";

mb_status mb_npz_list(mb_context *ctx, const char *path, mb_names *names) {
    *names = (mb_names){.ctx = ctx};
    mb_zip *zip = NULL;
    MB_TRY(mb_zip_open(ctx, path, &zip));
    mb_status status = MB_OK;
    for (size_t i = 0; i < mb_zip_n_members(zip) && status == MB_OK; i++) {
        const char *name = mb_zip_name(zip, i);
        const size_t length = strlen(name), end = strlen(suffix);
        if (length <= end || strcmp(name + length - end, suffix) != 0) {
            continue;
        }
        status = mb_names_add(names, name, length - end);
    }
    mb_zip_close(zip);
    return status;
}

static mb_status find_member(mb_zip *zip, mb_context *ctx, const char *path, const char *name,
    mb_buffer *label, size_t *member) {
    mb_buffer full;
    mb_buffer_init(&full, ctx);
    mb_buffer_format(&full, "%s%s", name, suffix);
    mb_buffer_format(label, "%s: %s", path, name);
    mb_status status = full.status != MB_OK ? full.status : label->status;
    if (status == MB_OK) {
        *member = mb_zip_find(zip, full.data);
        if (*member == SIZE_MAX) {
            *member = mb_zip_find(zip, name); // somebody may name the member in full
        }
        if (*member == SIZE_MAX) {
            status = mb_fail(ctx, MB_ERR_FORMAT,
                "%s: no array called '%s'; `minbias inspect` lists what is in it", path, name);
        }
    }
    mb_buffer_clear(&full);
    return status;
}

mb_status mb_npz_get_info(mb_context *ctx, const char *path, const char *name, mb_npy_info *info) {
    mb_zip *zip = NULL;
    MB_TRY(mb_zip_open(ctx, path, &zip));
    mb_buffer label;
    mb_buffer_init(&label, ctx);
    size_t member = 0, length = 0;
    char *start = NULL;
    mb_status status = find_member(zip, ctx, path, name, &label, &member);
    if (status == MB_OK) {
        start = mb_allocate(ctx, MB_NPY_HEADER_MAX, 1);
        status = start == NULL ? MB_ERR_MEMORY
                               : mb_zip_read_start(zip, member, start, MB_NPY_HEADER_MAX, &length);
    }
    if (status == MB_OK) {
        mb_npy_header header;
        status =
            mb_npy_header_parse(ctx, label.data, start, length, mb_zip_size(zip, member), &header);
        if (status == MB_OK) {
            mb_npy_header_info(&header, info);
        }
    }
    mb_release(ctx, start);
    mb_buffer_clear(&label);
    mb_zip_close(zip);
    return status;
}

mb_status mb_npz_read(mb_context *ctx, const char *path, const char *name, mb_array *out) {
    *out = (mb_array){.data = NULL};
    mb_zip *zip = NULL;
    MB_TRY(mb_zip_open(ctx, path, &zip));
    mb_buffer label;
    mb_buffer_init(&label, ctx);
    size_t member = 0, length = 0;
    char *bytes = NULL;
    mb_status status = find_member(zip, ctx, path, name, &label, &member);
    if (status == MB_OK) {
        status = mb_zip_read(zip, member, &bytes, &length);
    }
    if (status == MB_OK) {
        status = mb_npy_parse(ctx, label.data, bytes, length, out);
    }
    mb_release(ctx, bytes);
    mb_buffer_clear(&label);
    mb_zip_close(zip);
    return status;
}

static mb_status add_array(
    mb_zip_writer *writer, mb_context *ctx, const char *name, const mb_array *array, bool smaller) {
    mb_buffer bytes, member;
    mb_buffer_init(&bytes, ctx);
    mb_buffer_init(&member, ctx);
    mb_npy_append(&bytes, array);
    mb_buffer_format(&member, "%s%s", name, suffix);
    mb_status status = bytes.status != MB_OK ? bytes.status : member.status;
    if (status == MB_OK) {
        status = mb_zip_add(writer, member.data, bytes.data, bytes.length, smaller);
    }
    mb_buffer_clear(&member);
    mb_buffer_clear(&bytes);
    return status;
}

mb_status mb_npz_write(mb_context *ctx, const char *path, const char *const *names,
    const mb_array *const *arrays, size_t n, bool is_compressed) {
    mb_zip_writer *writer = NULL;
    MB_TRY(mb_zip_create(ctx, &writer));
    for (size_t i = 0; i < n; i++) {
        const mb_status status = add_array(writer, ctx, names[i], arrays[i], is_compressed);
        if (status != MB_OK) {
            mb_zip_abandon(writer);
            return status;
        }
    }
    return mb_zip_commit(writer, path);
}
