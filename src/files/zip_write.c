// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/zip.h"

#include <stdlib.h>
#include <zip.h>

// 1980-01-01, the first day that DOS dates know: day 1, month 1, year 0.
enum { FIRST_DAY = 1 | 1 << 5 };

struct mb_zip_writer {
    mb_context *ctx;
    zip_t *archive;
    zip_source_t *sink; // where the archive's bytes come to lie
};

static mb_status fail_write(const mb_zip_writer *writer, const char *name, const char *reason) {
    return mb_fail(writer->ctx, MB_ERR_IO, "%s: zip archive cannot be made: %s; free some memory",
        name, reason);
}

mb_status mb_zip_create(mb_context *ctx, mb_zip_writer **out) {
    mb_zip_writer *writer = mb_allocate_zeroed(ctx, 1, sizeof *writer);
    *out = writer;
    if (writer == NULL) {
        return MB_ERR_MEMORY;
    }
    writer->ctx = ctx;
    zip_error_t error;
    zip_error_init(&error);
    writer->sink = zip_source_buffer_create(NULL, 0, 0, &error);
    if (writer->sink != NULL) {
        zip_source_keep(writer->sink);
        writer->archive = zip_open_from_source(writer->sink, ZIP_CREATE | ZIP_TRUNCATE, &error);
    }
    mb_status status = MB_OK;
    if (writer->archive == NULL) {
        status = fail_write(writer, "zip", zip_error_strerror(&error));
        if (writer->sink != NULL) {
            zip_source_free(writer->sink); // the archive's share
        }
        mb_zip_abandon(writer);
        *out = NULL;
    }
    zip_error_fini(&error);
    return status;
}

mb_status mb_zip_add(
    mb_zip_writer *writer, const char *name, const void *bytes, size_t length, bool is_compressed) {
    // libzip reads the bytes when the archive is closed and frees them then, with free; but it
    // forgets those of no length.
    void *copy = NULL;
    if (length > 0) {
        copy = malloc(length);
        if (copy == NULL) {
            return mb_fail(writer->ctx, MB_ERR_MEMORY,
                "%s: no memory for %zu bytes of an archive; free some", name, length);
        }
        memcpy(copy, bytes, length);
    }
    zip_source_t *source = zip_source_buffer(writer->archive, copy, length, 1);
    if (source == NULL) {
        free(copy);
        return fail_write(writer, name, zip_strerror(writer->archive));
    }
    const zip_int64_t member = zip_file_add(writer->archive, name, source, ZIP_FL_ENC_UTF_8);
    if (member < 0) {
        zip_source_free(source);
        return fail_write(writer, name, zip_strerror(writer->archive));
    }
    const zip_uint64_t index = (zip_uint64_t)member;
    const zip_int32_t method = is_compressed ? ZIP_CM_DEFLATE : ZIP_CM_STORE;
    if (zip_set_file_compression(writer->archive, index, method, 6) != 0 ||
        zip_file_set_dostime(writer->archive, index, 0, FIRST_DAY, 0) != 0) {
        return fail_write(writer, name, zip_strerror(writer->archive));
    }
    return MB_OK;
}

// libzip deletes an archive without members: this is the end record of an empty one.
static const char empty_archive[22] = "PK\x05\x06";

static mb_status read_sink(mb_zip_writer *writer, mb_buffer *buffer) {
    zip_stat_t about;
    if (zip_source_stat(writer->sink, &about) != 0 || (about.valid & ZIP_STAT_SIZE) == 0 ||
        zip_source_open(writer->sink) != 0) {
        return fail_write(writer, "zip", zip_error_strerror(zip_source_error(writer->sink)));
    }
    mb_status status = MB_OK;
    char block[16384];
    for (uint64_t left = about.size; left > 0 && status == MB_OK;) {
        const zip_int64_t n = zip_source_read(writer->sink, block, sizeof block);
        if (n <= 0) {
            status = fail_write(writer, "zip", "its end is missing");
        } else {
            mb_buffer_append(buffer, block, (size_t)n);
            status = buffer->status;
            left -= (uint64_t)n;
        }
    }
    zip_source_close(writer->sink);
    return status;
}

mb_status mb_zip_commit_buffer(mb_zip_writer *writer, mb_buffer *buffer) {
    mb_status status = MB_OK;
    if (zip_get_num_entries(writer->archive, 0) == 0) {
        mb_buffer_append(buffer, empty_archive, sizeof empty_archive);
        status = buffer->status;
    } else if (zip_close(writer->archive) != 0) {
        status = fail_write(writer, "zip", zip_strerror(writer->archive));
    } else {
        writer->archive = NULL;
        status = read_sink(writer, buffer);
    }
    mb_zip_abandon(writer);
    return status;
}

mb_status mb_zip_commit(mb_zip_writer *writer, const char *path) {
    mb_buffer buffer;
    mb_buffer_init(&buffer, writer->ctx);
    const mb_status status = mb_zip_commit_buffer(writer, &buffer);
    if (status != MB_OK) {
        mb_buffer_clear(&buffer);
        return status;
    }
    return mb_write_buffer(&buffer, path);
}

void mb_zip_abandon(mb_zip_writer *writer) {
    if (writer == NULL) {
        return;
    }
    if (writer->archive != NULL) {
        zip_discard(writer->archive);
    }
    if (writer->sink != NULL) {
        zip_source_free(writer->sink);
    }
    mb_release(writer->ctx, writer);
}
