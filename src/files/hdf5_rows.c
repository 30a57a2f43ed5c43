// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/hdf5_write_inside.h"

#include "base/threads.h"

#include <zlib.h>

// Compression is the bottleneck of prepared files: rows are compressed side by side here, and the
// library only stores them.

enum { BATCH_CHUNKS = 512, BATCH_BYTES = 1 << 26, MOST_DEFLATE = 9 };

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
    chunk[0] = rows->chunk_rows;
    return H5Pset_chunk(creation, (int)rows->rank, chunk) >= 0 &&
           (!rows->shuffles || H5Pset_shuffle(creation) >= 0) &&
           (rows->deflate == 0 || H5Pset_deflate(creation, (unsigned)rows->deflate) >= 0);
}

static hid_t make_space(const mb_h5_rows *rows) {
    if (rows->rank == 0) {
        return H5Screate(H5S_SCALAR);
    }
    hsize_t most[MB_MAX_RANK];
    memcpy(most, rows->shape, sizeof most);
    most[0] = H5S_UNLIMITED;
    return H5Screate_simple((int)rows->rank, rows->shape, rows->can_grow ? most : NULL);
}

static mb_status create_dataset(mb_h5_rows *rows, mb_dtype dtype) {
    mb_h5_writer *writer = rows->writer;
    MB_TRY(mb_h5_make_parents(writer, rows->path));
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    const hid_t space = make_space(rows);
    rows->type = mb_h5_make_type(dtype);
    // Without fill values nothing is written twice; commit sees to it that all rows are there.
    bool is_ready = rows->type >= 0 && space >= 0 && H5Pset_obj_track_times(creation, 0) >= 0 &&
                    H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER) >= 0;
    if (is_ready && rows->chunk_rows > 0) {
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
    rows->element = mb_dtype_size(dtype);
    rows->row_bytes = rows->element;
    rows->shape[0] = 1;
    for (unsigned i = 0; i < rank; i++) {
        rows->shape[i] = shape[i];
        if (i > 0 && !mb_raw_multiply(&rows->row_bytes, shape[i])) {
            return mb_fail(rows->writer->ctx, MB_ERR_SHAPE,
                "%s: %s: rows larger than can be addressed; use smaller axes", rows->writer->name,
                rows->path);
        }
    }
    if (!rows->can_grow && (rows->shape[0] == 0 || rows->row_bytes == 0)) {
        rows->deflate = 0; // there are no empty chunks
        rows->chunk_rows = 0;
    }
    rows->chunk_bytes = rows->row_bytes;
    if (rows->chunk_rows > 0 && (!mb_raw_multiply(&rows->chunk_bytes, rows->chunk_rows) ||
                                    rows->chunk_bytes > UINT32_MAX)) {
        return mb_fail(rows->writer->ctx, MB_ERR_SHAPE,
            "%s: %s: chunks of more than 4 GiB; use fewer rows in each", rows->writer->name,
            rows->path);
    }
    mb_h5_guard guard;
    mb_h5_enter(&guard);
    const mb_status status = create_dataset(rows, dtype);
    mb_h5_leave(&guard);
    return status;
}

// Takes ownership of nothing but the new rows, which the writer frees.
static mb_status create_rows(mb_h5_writer *writer, const char *path, mb_dtype dtype, unsigned rank,
    const size_t *shape, const mb_h5_rows *form, mb_h5_rows **out) {
    *out = NULL;
    if (rank > MB_MAX_RANK || form->deflate < 0 || form->deflate > MOST_DEFLATE ||
        (rank == 0 && form->chunk_rows > 0)) {
        return mb_fail(writer->ctx, MB_ERR_ARG,
            "%s: %s: rank %u, deflate %d; at most %d axes and deflate 0 to %d are offered",
            writer->name, path, rank, form->deflate, MB_MAX_RANK, MOST_DEFLATE);
    }
    mb_h5_rows *rows = mb_allocate_zeroed(writer->ctx, 1, sizeof *rows);
    if (rows == NULL) {
        return MB_ERR_MEMORY;
    }
    *rows = *form;
    rows->id = rows->type = -1;
    rows->writer = writer;
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

mb_status mb_h5_create_rows(mb_h5_writer *writer, const char *path, mb_dtype dtype, unsigned rank,
    const size_t *shape, int deflate, mb_h5_rows **out) {
    const mb_h5_rows form = {.deflate = deflate, .chunk_rows = deflate != 0};
    return create_rows(writer, path, dtype, rank, shape, &form, out);
}

mb_status mb_h5_create_growing_rows(mb_h5_writer *writer, const char *path, mb_dtype dtype,
    unsigned rank, const size_t *shape, size_t chunk_rows, int deflate, mb_h5_rows **out) {
    const bool shuffles = deflate > MB_H5_SHUFFLE;
    const mb_h5_rows form = {.deflate = shuffles ? deflate - MB_H5_SHUFFLE : deflate,
        .shuffles = shuffles,
        .chunk_rows = mb_max_size(chunk_rows, 1),
        .can_grow = true};
    return create_rows(writer, path, dtype, rank, shape, &form, out);
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

typedef struct chunk_batch {
    const mb_h5_rows *rows;
    const unsigned char *data;
    size_t n_chunks;
    const unsigned char *tail; // the last chunk of the dataset, filled up with zeros, or NULL
    unsigned char *packed;     // slots of slot_bytes; NULL when nothing is compressed
    size_t slot_bytes;
    size_t length[BATCH_CHUNKS];
} chunk_batch;

static const unsigned char *chunk_of(const chunk_batch *batch, size_t i) {
    return batch->tail != NULL && i + 1 == batch->n_chunks
               ? batch->tail
               : batch->data + i * batch->rows->chunk_bytes;
}

static void shuffle(const unsigned char *from, unsigned char *to, size_t length, size_t size) {
    const size_t n = length / size;
    for (size_t byte = 0; byte < size; byte++) {
        for (size_t i = 0; i < n; i++) {
            to[byte * n + i] = from[i * size + byte];
        }
    }
}

static mb_status compress_chunk(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)worker;
    chunk_batch *batch = user;
    const mb_h5_rows *rows = batch->rows;
    uLongf length = (uLongf)batch->slot_bytes;
    const unsigned char *from = chunk_of(batch, task);
    unsigned char *shuffled = NULL;
    if (rows->shuffles) {
        shuffled = mb_allocate(ctx, rows->chunk_bytes, 1);
        if (shuffled == NULL) {
            return MB_ERR_MEMORY;
        }
        shuffle(from, shuffled, rows->chunk_bytes, rows->element);
        from = shuffled;
    }
    const int result = compress2(batch->packed + task * batch->slot_bytes, &length, from,
        (uLong)rows->chunk_bytes, rows->deflate);
    mb_release(ctx, shuffled);
    if (result != Z_OK) {
        return mb_fail(ctx, MB_ERR_MEMORY, "%s: %s: no memory to compress; free some",
            batch->rows->writer->name, batch->rows->path);
    }
    batch->length[task] = length;
    return MB_OK;
}

static mb_status store_chunks(mb_h5_rows *rows, const chunk_batch *batch) {
    bool is_stored = true;
    mb_h5_guard guard;
    mb_h5_enter(&guard);
    for (size_t i = 0; i < batch->n_chunks && is_stored; i++) {
        hsize_t start[MB_MAX_RANK] = {0};
        start[0] = rows->n_written + i * rows->chunk_rows;
        const bool is_packed = batch->packed != NULL;
        is_stored =
            H5Dwrite_chunk(rows->id, H5P_DEFAULT, 0, start,
                is_packed ? batch->length[i] : rows->chunk_bytes,
                is_packed ? batch->packed + i * batch->slot_bytes : chunk_of(batch, i)) >= 0 &&
            rows->writer->sink.error == 0;
    }
    const mb_status status =
        is_stored ? MB_OK : mb_h5_fail_write(rows->writer, rows->path, "cannot be written");
    mb_h5_leave(&guard);
    return status;
}

// The rows of the last chunk with zeros behind them; *tail stays NULL when it is full.
static mb_status fill_tail(
    const mb_h5_rows *rows, const unsigned char *data, size_t n, unsigned char **tail) {
    const size_t n_left = n % rows->chunk_rows;
    if (n_left == 0) {
        return MB_OK;
    }
    *tail = mb_allocate_zeroed(rows->writer->ctx, rows->chunk_bytes, 1);
    if (*tail == NULL) {
        return MB_ERR_MEMORY;
    }
    memcpy(*tail, data + (n - n_left) * rows->row_bytes, n_left * rows->row_bytes);
    return MB_OK;
}

static mb_status write_chunks(
    mb_h5_rows *rows, chunk_batch *batch, const unsigned char *data, size_t n) {
    mb_context *ctx = rows->writer->ctx;
    const size_t n_all = (n + rows->chunk_rows - 1) / rows->chunk_rows;
    const size_t most = mb_max_size(BATCH_BYTES / batch->slot_bytes, 1);
    const size_t step = mb_min_size(mb_min_size(most, BATCH_CHUNKS), n_all);
    const unsigned char *tail = batch->tail;
    if (rows->deflate > 0) {
        batch->packed = mb_allocate(ctx, step, batch->slot_bytes);
        if (batch->packed == NULL) {
            return MB_ERR_MEMORY;
        }
    }
    for (size_t done = 0; done < n_all; done += batch->n_chunks) {
        batch->n_chunks = mb_min_size(step, n_all - done);
        batch->data = data + done * rows->chunk_bytes;
        batch->tail = done + batch->n_chunks == n_all ? tail : NULL;
        if (rows->deflate > 0) {
            MB_TRY(mb_parallel(ctx, batch->n_chunks, compress_chunk, batch));
        }
        MB_TRY(store_chunks(rows, batch));
        rows->n_written +=
            mb_min_size(batch->n_chunks * rows->chunk_rows, n - done * rows->chunk_rows);
    }
    return MB_OK;
}

static mb_status write_chunked(mb_h5_rows *rows, const void *data, size_t n) {
    mb_context *ctx = rows->writer->ctx;
    unsigned char *tail = NULL;
    chunk_batch *batch = mb_allocate_zeroed(ctx, 1, sizeof *batch);
    mb_status status = batch == NULL ? MB_ERR_MEMORY : fill_tail(rows, data, n, &tail);
    if (status == MB_OK) {
        batch->rows = rows;
        batch->tail = tail;
        batch->slot_bytes =
            rows->deflate > 0 ? compressBound((uLong)rows->chunk_bytes) : rows->chunk_bytes;
        status = write_chunks(rows, batch, data, n);
        mb_release(ctx, batch->packed);
    }
    mb_release(ctx, tail);
    mb_release(ctx, batch);
    return status;
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
    if (rows->chunk_rows == 0) {
        MB_TRY(store_plain(rows, data, n));
        rows->n_written += n;
        return MB_OK;
    }
    if (rows->n_written % rows->chunk_rows != 0) {
        return mb_fail(ctx, MB_ERR_ARG,
            "%s: %s: rows after a chunk that was not full; write multiples of %zu rows",
            rows->writer->name, rows->path, rows->chunk_rows);
    }
    return write_chunked(rows, data, n);
}

mb_status mb_h5_write_array(mb_h5_writer *writer, const char *path, const mb_array *array) {
    mb_h5_rows *rows = NULL;
    MB_TRY(mb_h5_create_rows(writer, path, array->dtype, array->rank, array->shape, 0, &rows));
    return mb_h5_write_rows(rows, array->data, (size_t)rows->shape[0]);
}
