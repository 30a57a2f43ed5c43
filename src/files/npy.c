// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/npy.h"

#include "files/npy_header.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

mb_status mb_npy_parse(
    mb_context *ctx, const char *name, const void *bytes, size_t length, mb_array *out) {
    *out = (mb_array){.data = NULL};
    mb_npy_header header;
    MB_TRY(mb_npy_header_parse(ctx, name, bytes, length, length, &header));
    MB_TRY(mb_array_init(out, ctx, header.type.dtype, header.rank, header.shape));
    if (header.count > 0) {
        memcpy(mb_raw_place(&header.type, out->data, header.count),
            (const char *)bytes + header.offset, header.count * header.type.size);
    }
    const mb_status status = mb_npy_finish(ctx, &header, out);
    if (status != MB_OK) {
        mb_array_clear(out);
    }
    return status;
}

static mb_status read_at(mb_context *ctx, const char *path, int descriptor, void *bytes,
    size_t length, uint64_t offset) {
    char *at = bytes;
    while (length > 0) {
        const ssize_t n = pread(descriptor, at, length, (off_t)offset);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            char reason[MB_REASON_SIZE];
            return mb_fail(ctx, MB_ERR_IO, "%s: %s while reading; check the disk", path,
                n < 0 ? mb_system_reason(errno, reason) : "the file became shorter");
        }
        at += n;
        length -= (size_t)n;
        offset += (uint64_t)n;
    }
    return MB_OK;
}

static mb_status open_file(
    mb_context *ctx, const char *path, int *descriptor, mb_npy_header *header) {
    *descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (*descriptor < 0) {
        char reason[MB_REASON_SIZE];
        return mb_fail(ctx, MB_ERR_IO, "%s: %s; check the name and its rights", path,
            mb_system_reason(errno, reason));
    }
    struct stat about;
    if (fstat(*descriptor, &about) != 0 || !S_ISREG(about.st_mode)) {
        return mb_fail(ctx, MB_ERR_IO, "%s: not a regular file; name an .npy file", path);
    }
    const size_t length = mb_min_size((size_t)about.st_size, MB_NPY_HEADER_MAX);
    char *start = mb_allocate(ctx, length, 1);
    if (start == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_status status = read_at(ctx, path, *descriptor, start, length, 0);
    if (status == MB_OK) {
        status = mb_npy_header_parse(ctx, path, start, length, (uint64_t)about.st_size, header);
    }
    mb_release(ctx, start);
    return status;
}

static void close_file(int descriptor) {
    if (descriptor >= 0) {
        (void)close(descriptor);
    }
}

mb_status mb_npy_get_info(mb_context *ctx, const char *path, mb_npy_info *info) {
    int descriptor;
    mb_npy_header header;
    const mb_status status = open_file(ctx, path, &descriptor, &header);
    close_file(descriptor);
    if (status == MB_OK) {
        mb_npy_header_info(&header, info);
    }
    return status;
}

static mb_status read_all(
    mb_context *ctx, const char *path, int descriptor, const mb_npy_header *header, mb_array *out) {
    MB_TRY(mb_array_init(out, ctx, header->type.dtype, header->rank, header->shape));
    MB_TRY(read_at(ctx, path, descriptor, mb_raw_place(&header->type, out->data, header->count),
        header->count * header->type.size, header->offset));
    return mb_npy_finish(ctx, header, out);
}

mb_status mb_npy_read(mb_context *ctx, const char *path, mb_array *out) {
    *out = (mb_array){.data = NULL};
    int descriptor;
    mb_npy_header header;
    mb_status status = open_file(ctx, path, &descriptor, &header);
    if (status == MB_OK) {
        status = read_all(ctx, path, descriptor, &header, out);
    }
    close_file(descriptor);
    if (status != MB_OK) {
        mb_array_clear(out);
    }
    return status;
}

// In Fortran order a row lies scattered over the whole file, so all of it is read.
static mb_status cut_rows(mb_context *ctx, mb_array *array, size_t first, size_t n) {
    size_t shape[MB_MAX_RANK];
    memcpy(shape, array->shape, sizeof shape);
    shape[0] = n;
    mb_array cut;
    MB_TRY(mb_array_init(&cut, ctx, array->dtype, array->rank, shape));
    if (mb_array_bytes(&cut) > 0) {
        const size_t row_bytes = mb_array_bytes(array) / array->shape[0];
        memcpy(cut.data, (const char *)array->data + first * row_bytes, n * row_bytes);
    }
    mb_array_clear(array);
    *array = cut;
    return MB_OK;
}

static mb_status read_rows(mb_context *ctx, const char *path, int descriptor, mb_npy_header *header,
    size_t first, size_t n, mb_array *out) {
    if (header->rank == 0 || first > header->shape[0] || n > header->shape[0] - first) {
        return mb_fail(ctx, MB_ERR_RANGE,
            "%s: rows %zu to %zu were asked for but it has %zu; ask "
            "for rows it has",
            path, first, first + n, header->rank == 0 ? 0 : header->shape[0]);
    }
    if (header->is_fortran && header->rank > 1) {
        MB_TRY(read_all(ctx, path, descriptor, header, out));
        return cut_rows(ctx, out, first, n);
    }
    const size_t row = header->shape[0] == 0 ? 0 : header->count / header->shape[0];
    header->shape[0] = n;
    header->count = n * row;
    header->offset += first * row * header->type.size;
    return read_all(ctx, path, descriptor, header, out);
}

mb_status mb_npy_read_rows(
    mb_context *ctx, const char *path, size_t first, size_t n, mb_array *out) {
    *out = (mb_array){.data = NULL};
    int descriptor;
    mb_npy_header header;
    mb_status status = open_file(ctx, path, &descriptor, &header);
    if (status == MB_OK) {
        status = read_rows(ctx, path, descriptor, &header, first, n, out);
    }
    close_file(descriptor);
    if (status != MB_OK) {
        mb_array_clear(out);
    }
    return status;
}

void mb_npy_append(mb_buffer *buffer, const mb_array *array) {
    mb_npy_header_append(buffer, array->dtype, array->rank, array->shape);
    mb_buffer_append(buffer, array->data, mb_array_bytes(array));
}

mb_status mb_npy_write(mb_context *ctx, const char *path, const mb_array *array) {
    mb_npy_rows rows;
    MB_TRY(mb_npy_rows_open(&rows, ctx, path, array->dtype, array->rank, array->shape));
    const size_t n = array->rank == 0 ? 1 : array->shape[0];
    const mb_status status = mb_npy_rows_write(&rows, array->data, n);
    if (status != MB_OK) {
        mb_npy_rows_abandon(&rows);
        return status;
    }
    return mb_npy_rows_commit(&rows);
}

mb_status mb_npy_rows_open(mb_npy_rows *rows, mb_context *ctx, const char *path, mb_dtype dtype,
    unsigned rank, const size_t *shape) {
    *rows = (mb_npy_rows){.n_rows = rank == 0 ? 1 : shape[0], .row_bytes = mb_dtype_size(dtype)};
    for (unsigned i = 1; i < rank; i++) {
        if (!mb_raw_multiply(&rows->row_bytes, shape[i])) {
            return mb_fail(
                ctx, MB_ERR_SHAPE, "%s: rows larger than can be addressed; use smaller axes", path);
        }
    }
    MB_TRY(mb_output_open(&rows->output, ctx, path));
    mb_buffer head;
    mb_buffer_init(&head, ctx);
    mb_npy_header_append(&head, dtype, rank, shape);
    const mb_status status =
        head.status != MB_OK ? head.status : mb_output_write(&rows->output, head.data, head.length);
    mb_buffer_clear(&head);
    if (status != MB_OK) {
        mb_npy_rows_abandon(rows);
    }
    return status;
}

mb_status mb_npy_rows_write(mb_npy_rows *rows, const void *data, size_t n) {
    if (n > rows->n_rows - rows->n_written) {
        return mb_fail(rows->output.ctx, MB_ERR_ARG,
            "%s: more rows than the %zu announced; announce all", rows->output.path, rows->n_rows);
    }
    MB_TRY(mb_output_write(&rows->output, data, n * rows->row_bytes));
    rows->n_written += n;
    return MB_OK;
}

mb_status mb_npy_rows_commit(mb_npy_rows *rows) {
    if (rows->n_written != rows->n_rows) {
        const mb_status status = mb_fail(rows->output.ctx, MB_ERR_ARG,
            "%s: %zu rows written of the %zu announced; write them all", rows->output.path,
            rows->n_written, rows->n_rows);
        mb_npy_rows_abandon(rows);
        return status;
    }
    return mb_output_commit(&rows->output);
}

void mb_npy_rows_abandon(mb_npy_rows *rows) {
    mb_output_abandon(&rows->output);
}
