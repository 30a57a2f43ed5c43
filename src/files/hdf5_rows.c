// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/hdf5_write_inside.h"

#include "base/threads.h"

#include <zlib.h>

// Compression is the bottleneck of prepared files: rows are compressed side by side here, and the
// library only stores them.

enum { BATCH_ROWS = 512, BATCH_BYTES = 1 << 26, MOST_DEFLATE = 9 };

hid_t mb_h5_make_type(mb_dtype dtype) {
    const hid_t types[] = {[MB_F32] = H5T_IEEE_F32LE,
        [MB_F64] = H5T_IEEE_F64LE,
        [MB_I8] = H5T_STD_I8LE,
        [MB_U8] = H5T_STD_U8LE,
        [MB_I16] = H5T_STD_I16LE,
        [MB_U16] = H5T_STD_U16LE,
        [MB_I32] = H5T_STD_I32LE,
        [MB_U32] = H5T_STD_U32LE,
        [MB_I64] = H5T_STD_I64LE,
        [MB_U64] = H5T_STD_U64LE};
    if (dtype != MB_BOOL) {
        return H5Tcopy(types[dtype]);
    }
    static const signed char values[2] = {0, 1};
    const hid_t type = H5Tenum_create(H5T_STD_I8LE);
    if (type >= 0 && (H5Tenum_insert(type, "FALSE", &values[0]) < 0 ||
                         H5Tenum_insert(type, "TRUE", &values[1]) < 0)) {
        mb_h5_close_id(type);
        return -1;
    }
    return type;
}

static bool set_chunks(const mb_h5_rows *rows, hid_t creation) {
    hsize_t chunk[MB_MAX_RANK];
    memcpy(chunk, rows->shape, sizeof chunk);
    chunk[0] = 1;
    return H5Pset_chunk(creation, (int)rows->rank, chunk) >= 0 &&
           H5Pset_deflate(creation, (unsigned)rows->deflate) >= 0;
}

static mb_status create_dataset(mb_h5_rows *rows, mb_dtype dtype) {
    mb_h5_writer *writer = rows->writer;
    MB_TRY(mb_h5_make_parents(writer, rows->path));
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    const hid_t space = rows->rank == 0 ? H5Screate(H5S_SCALAR)
                                        : H5Screate_simple((int)rows->rank, rows->shape, NULL);
    rows->type = mb_h5_make_type(dtype);
    // Without fill values nothing is written twice; commit sees to it that all rows are there.
    bool is_ready = rows->type >= 0 && space >= 0 && H5Pset_obj_track_times(creation, 0) >= 0 &&
                    H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER) >= 0;
    if (is_ready && rows->deflate > 0) {
        is_ready = set_chunks(rows, creation);
    }
    if (is_ready) {
        rows->id = H5Dcreate2(
            writer->file, rows->path, rows->type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    }
    mb_h5_close_id(space);
    mb_h5_close_id(creation);
    return rows->id >= 0 ? MB_OK : mb_h5_fail_write(writer, rows->path, "cannot be made a dataset");
}

static mb_status fill_rows(mb_h5_rows *rows, mb_dtype dtype, unsigned rank, const size_t *shape) {
    rows->rank = rank;
    rows->row_bytes = mb_dtype_size(dtype);
    rows->shape[0] = 1;
    for (unsigned i = 0; i < rank; i++) {
        rows->shape[i] = shape[i];
        if (i > 0 && !mb_raw_multiply(&rows->row_bytes, shape[i])) {
            return mb_fail(rows->writer->ctx, MB_ERR_SHAPE,
                "%s: %s: rows larger than can be addressed; use smaller axes", rows->writer->name,
                rows->path);
        }
    }
    if (rows->shape[0] == 0 || rows->row_bytes == 0) {
        rows->deflate = 0; // there are no empty chunks
    }
    mb_h5_guard guard;
    mb_h5_enter(&guard);
    const mb_status status = create_dataset(rows, dtype);
    mb_h5_leave(&guard);
    return status;
}

mb_status mb_h5_create_rows(mb_h5_writer *writer, const char *path, mb_dtype dtype, unsigned rank,
    const size_t *shape, int deflate, mb_h5_rows **out) {
    *out = NULL;
    if (rank > MB_MAX_RANK || deflate < 0 || deflate > MOST_DEFLATE || (rank == 0 && deflate > 0)) {
        return mb_fail(writer->ctx, MB_ERR_ARG,
            "%s: %s: rank %u, deflate %d; at most %d axes and deflate 0 to %d are offered",
            writer->name, path, rank, deflate, MB_MAX_RANK, MOST_DEFLATE);
    }
    mb_h5_rows *rows = mb_allocate_zeroed(writer->ctx, 1, sizeof *rows);
    if (rows == NULL) {
        return MB_ERR_MEMORY;
    }
    rows->id = rows->type = -1;
    rows->writer = writer;
    rows->deflate = deflate;
    rows->next = writer->rows;
    writer->rows = rows;
    rows->path = mb_copy_text(writer->ctx, path);
    if (rows->path == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(fill_rows(rows, dtype, rank, shape));
    *out = rows;
    return MB_OK;
}

static mb_status store_plain(mb_h5_rows *rows, const void *data, size_t n) {
    hsize_t start[MB_MAX_RANK] = {0}, count[MB_MAX_RANK];
    memcpy(count, rows->shape, sizeof count);
    start[0] = rows->n_written;
    count[0] = n;
    mb_h5_guard guard;
    mb_h5_enter(&guard);
    hid_t memory = H5S_ALL, stored = H5S_ALL;
    bool is_stored = true;
    if (rows->rank > 0) {
        stored = H5Dget_space(rows->id);
        memory = H5Screate_simple((int)rows->rank, count, NULL);
        is_stored = stored >= 0 && memory >= 0 &&
                    H5Sselect_hyperslab(stored, H5S_SELECT_SET, start, NULL, count, NULL) >= 0;
    }
    is_stored = is_stored &&
                H5Dwrite(rows->id, rows->type, memory, stored, H5P_DEFAULT, data) >= 0 &&
                rows->writer->sink.error == 0;
    if (rows->rank > 0) {
        mb_h5_close_id(stored);
        mb_h5_close_id(memory);
    }
    const mb_status status =
        is_stored ? MB_OK : mb_h5_fail_write(rows->writer, rows->path, "cannot be written");
    mb_h5_leave(&guard);
    return status;
}

typedef struct row_batch {
    const mb_h5_rows *rows;
    const unsigned char *data;
    unsigned char *packed; // slots of slot_bytes
    size_t slot_bytes;
    size_t length[BATCH_ROWS];
} row_batch;

static mb_status compress_row(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)worker;
    row_batch *batch = user;
    const size_t row_bytes = batch->rows->row_bytes;
    uLongf length = (uLongf)batch->slot_bytes;
    if (compress2(batch->packed + task * batch->slot_bytes, &length, batch->data + task * row_bytes,
            (uLong)row_bytes, batch->rows->deflate) != Z_OK) {
        return mb_fail(ctx, MB_ERR_MEMORY, "%s: %s: no memory to compress; free some",
            batch->rows->writer->name, batch->rows->path);
    }
    batch->length[task] = length;
    return MB_OK;
}

static mb_status store_chunks(mb_h5_rows *rows, const row_batch *batch, size_t n) {
    bool is_stored = true;
    mb_h5_guard guard;
    mb_h5_enter(&guard);
    for (size_t i = 0; i < n && is_stored; i++) {
        hsize_t start[MB_MAX_RANK] = {0};
        start[0] = rows->n_written + i;
        is_stored = H5Dwrite_chunk(rows->id, H5P_DEFAULT, 0, start, batch->length[i],
                        batch->packed + i * batch->slot_bytes) >= 0 &&
                    rows->writer->sink.error == 0;
    }
    const mb_status status =
        is_stored ? MB_OK : mb_h5_fail_write(rows->writer, rows->path, "cannot be written");
    mb_h5_leave(&guard);
    return status;
}

static mb_status write_packed(mb_h5_rows *rows, row_batch *batch, const void *data, size_t n) {
    mb_context *ctx = rows->writer->ctx;
    const size_t most = mb_max_size(BATCH_BYTES / batch->slot_bytes, 1);
    const size_t step = mb_min_size(mb_min_size(most, BATCH_ROWS), n);
    batch->packed = mb_allocate(ctx, step, batch->slot_bytes);
    if (batch->packed == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t done = 0; done < n;) {
        const size_t now = mb_min_size(step, n - done);
        batch->data = (const unsigned char *)data + done * rows->row_bytes;
        MB_TRY(mb_parallel(ctx, now, compress_row, batch));
        MB_TRY(store_chunks(rows, batch, now));
        rows->n_written += now;
        done += now;
    }
    return MB_OK;
}

mb_status mb_h5_write_rows(mb_h5_rows *rows, const void *data, size_t n) {
    mb_context *ctx = rows->writer->ctx;
    if (n > rows->shape[0] - rows->n_written) {
        return mb_fail(ctx, MB_ERR_ARG, "%s: %s: more rows than the %zu announced; announce all",
            rows->writer->name, rows->path, (size_t)rows->shape[0]);
    }
    if (n == 0 || rows->row_bytes == 0) {
        rows->n_written += n;
        return MB_OK;
    }
    if (rows->deflate == 0) {
        MB_TRY(store_plain(rows, data, n));
        rows->n_written += n;
        return MB_OK;
    }
    row_batch *batch = mb_allocate_zeroed(ctx, 1, sizeof *batch);
    if (batch == NULL) {
        return MB_ERR_MEMORY;
    }
    batch->rows = rows;
    batch->slot_bytes = compressBound((uLong)rows->row_bytes);
    const mb_status status = write_packed(rows, batch, data, n);
    mb_release(ctx, batch->packed);
    mb_release(ctx, batch);
    return status;
}

mb_status mb_h5_write_array(mb_h5_writer *writer, const char *path, const mb_array *array) {
    mb_h5_rows *rows = NULL;
    MB_TRY(mb_h5_create_rows(writer, path, array->dtype, array->rank, array->shape, 0, &rows));
    return mb_h5_write_rows(rows, array->data, (size_t)rows->shape[0]);
}
