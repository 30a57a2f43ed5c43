// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/hdf5_write_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { MEMORY_STEP = 1 << 20 };

mb_status mb_h5_fail_write(mb_h5_writer *writer, const char *path, const char *what) {
    if (writer->sink.error != 0) {
        char reason[MB_REASON_SIZE];
        return mb_fail(writer->ctx, MB_ERR_IO, "%s: %s; free some space, or choose another place",
            writer->name, mb_system_reason(writer->sink.error, reason));
    }
    return mb_fail(
        writer->ctx, MB_ERR_IO, "%s: %s %s; check memory and disk", writer->name, path, what);
}

// The file of an mb_output: HDF5 reads back its indices, too.
static mb_status open_sink(mb_h5_writer *writer, const char *path) {
    MB_TRY(mb_output_open(&writer->output, writer->ctx, path));
    if (writer->output.temporary == NULL) {
        return mb_fail(
            writer->ctx, MB_ERR_IO, "%s: not a regular file; give the name of a file", path);
    }
    writer->sink.descriptor = fcntl(writer->output.descriptor, F_DUPFD_CLOEXEC, 0);
    if (writer->sink.descriptor < 0) {
        char reason[MB_REASON_SIZE];
        return mb_fail(writer->ctx, MB_ERR_IO, "%s: %s; check the folder and its permissions", path,
            mb_system_reason(errno, reason));
    }
    return MB_OK;
}

static mb_status create_library(mb_h5_writer *writer) {
    char memory_name[64];
    mb_h5_memory_name(writer, memory_name, sizeof memory_name);
    mb_h5_guard guard;
    mb_h5_enter(&guard);
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS), creation = H5Pcreate(H5P_FILE_CREATE);
    bool is_ready = H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) >= 0 &&
                    H5Pset_obj_track_times(creation, 0) >= 0;
    if (is_ready) {
        is_ready = writer->mode == MB_H5_IN_MEMORY ? H5Pset_fapl_core(access, MEMORY_STEP, 0) >= 0
                                                   : mb_h5_sink_set(&writer->sink, access);
    }
    if (is_ready) {
        writer->file = H5Fcreate(memory_name, H5F_ACC_TRUNC, creation, access);
    }
    const mb_status status =
        writer->file >= 0 ? MB_OK : mb_h5_fail_write(writer, "/", "cannot be made");
    mb_h5_close_id(creation);
    mb_h5_close_id(access);
    mb_h5_leave(&guard);
    return status;
}

mb_status mb_h5_create(mb_context *ctx, const char *path, mb_h5_mode mode, mb_h5_writer **out) {
    mb_h5_writer *writer = mb_allocate_zeroed(ctx, 1, sizeof *writer);
    *out = NULL;
    if (writer == NULL) {
        return MB_ERR_MEMORY;
    }
    writer->ctx = ctx;
    writer->mode = mode;
    writer->file = writer->sink.driver = -1;
    writer->sink.descriptor = -1;
    writer->name = mb_copy_text(ctx, path);
    mb_status status = writer->name == NULL ? MB_ERR_MEMORY : MB_OK;
    if (status == MB_OK && mode == MB_H5_ON_DISK) {
        status = open_sink(writer, path);
    }
    if (status == MB_OK) {
        status = create_library(writer);
    }
    if (status != MB_OK) {
        mb_h5_abandon(writer);
        return status;
    }
    *out = writer;
    return MB_OK;
}

static mb_status make_one_group(mb_h5_writer *writer, const char *path) {
    if (H5Lexists(writer->file, path, H5P_DEFAULT) > 0) {
        return MB_OK;
    }
    const hid_t creation = H5Pcreate(H5P_GROUP_CREATE);
    hid_t group = -1;
    if (H5Pset_obj_track_times(creation, 0) >= 0) {
        group = H5Gcreate2(writer->file, path, H5P_DEFAULT, creation, H5P_DEFAULT);
    }
    mb_h5_close_id(creation);
    if (group < 0) {
        return mb_h5_fail_write(writer, path, "cannot be made a group");
    }
    mb_h5_close_id(group);
    return MB_OK;
}

mb_status mb_h5_make_parents(mb_h5_writer *writer, const char *path) {
    char *prefix = mb_copy_text(writer->ctx, path);
    if (prefix == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_status status = MB_OK;
    char *slash = prefix[0] == '/' ? strchr(prefix + 1, '/') : strchr(prefix, '/');
    while (slash != NULL && status == MB_OK) {
        *slash = '\0';
        status = make_one_group(writer, prefix);
        *slash = '/';
        slash = strchr(slash + 1, '/');
    }
    mb_release(writer->ctx, prefix);
    return status;
}

mb_status mb_h5_make_group(mb_h5_writer *writer, const char *path) {
    mb_h5_guard guard;
    mb_h5_enter(&guard);
    mb_status status = mb_h5_make_parents(writer, path);
    if (status == MB_OK && strcmp(path, "/") != 0) {
        status = make_one_group(writer, path);
    }
    mb_h5_leave(&guard);
    return status;
}

static mb_status check_rows(mb_h5_writer *writer) {
    for (const mb_h5_rows *rows = writer->rows; rows != NULL; rows = rows->next) {
        if (rows->n_written != rows->shape[0]) {
            return mb_fail(writer->ctx, MB_ERR_ARG,
                "%s: %s: %zu rows written of the %zu announced; write them all", writer->name,
                rows->path, rows->n_written, (size_t)rows->shape[0]);
        }
    }
    return MB_OK;
}

static void close_library(mb_h5_writer *writer) {
    mb_h5_guard guard;
    mb_h5_enter(&guard);
    for (mb_h5_rows *rows = writer->rows; rows != NULL; rows = rows->next) {
        mb_h5_close_id(rows->type);
        mb_h5_close_id(rows->id);
    }
    if (writer->file >= 0) {
        (void)H5Fclose(writer->file);
    }
    mb_h5_sink_forget(&writer->sink);
    mb_h5_leave(&guard);
    writer->file = -1;
    while (writer->rows != NULL) {
        mb_h5_rows *rows = writer->rows;
        writer->rows = rows->next;
        mb_release(writer->ctx, rows->path);
        mb_release(writer->ctx, rows);
    }
}

static mb_status take_image(mb_h5_writer *writer, mb_buffer *buffer) {
    mb_h5_guard guard;
    mb_h5_enter(&guard);
    mb_status status = MB_OK;
    void *image = NULL;
    ssize_t length = -1;
    if (H5Fflush(writer->file, H5F_SCOPE_GLOBAL) >= 0) {
        length = H5Fget_file_image(writer->file, NULL, 0);
    }
    if (length < 0) {
        status = mb_h5_fail_write(writer, "/", "cannot be written");
    } else if ((image = mb_allocate(writer->ctx, (size_t)length, 1)) == NULL) {
        status = MB_ERR_MEMORY;
    } else if (H5Fget_file_image(writer->file, image, (size_t)length) != length) {
        status = mb_h5_fail_write(writer, "/", "cannot be written");
    }
    mb_h5_leave(&guard);
    if (status == MB_OK) {
        mb_buffer_append(buffer, image, (size_t)length);
        status = buffer->status;
    }
    mb_release(writer->ctx, image);
    return status;
}

static mb_status commit_disk(mb_h5_writer *writer) {
    close_library(writer);
    if (writer->sink.error != 0) {
        return mb_h5_fail_write(writer, "/", "cannot be written");
    }
    return mb_output_commit(&writer->output);
}

mb_status mb_h5_commit_buffer(mb_h5_writer *writer, mb_buffer *buffer) {
    mb_status status = check_rows(writer);
    if (status == MB_OK && writer->mode != MB_H5_IN_MEMORY) {
        status = mb_fail(writer->ctx, MB_ERR_ARG,
            "%s: written on disk, so not in memory; choose the other mode", writer->name);
    }
    if (status == MB_OK) {
        status = take_image(writer, buffer);
    }
    mb_h5_abandon(writer);
    return status;
}

mb_status mb_h5_commit(mb_h5_writer *writer) {
    mb_status status = check_rows(writer);
    if (status == MB_OK && writer->mode == MB_H5_ON_DISK) {
        status = commit_disk(writer);
    } else if (status == MB_OK) {
        mb_buffer image;
        mb_buffer_init(&image, writer->ctx);
        status = take_image(writer, &image);
        if (status == MB_OK) {
            status = mb_write_buffer(&image, writer->name);
        }
        mb_buffer_clear(&image);
    }
    mb_h5_abandon(writer);
    return status;
}

void mb_h5_abandon(mb_h5_writer *writer) {
    if (writer == NULL) {
        return;
    }
    // Nobody will read it: what closing writes need not reach the disk.
    if (writer->file >= 0 && writer->sink.error == 0) {
        writer->sink.error = ECANCELED;
    }
    close_library(writer);
    if (writer->sink.descriptor >= 0) {
        (void)close(writer->sink.descriptor);
    }
    mb_output_abandon(&writer->output);
    mb_release(writer->ctx, writer->name);
    mb_release(writer->ctx, writer);
}
