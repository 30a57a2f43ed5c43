// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/hdf5_inside.h"

#include "base/numbers.h"
#include "base/threads.h"

#include <zlib.h>

// Chunks are decoded here and not by the library: its deflate filter takes memory for whatever a
// chunk grows to, ours for what the chunk may hold; and ours run in parallel.

// Stored bytes read in one go before they are decoded together.
enum { BATCH_CHUNKS = 64, BATCH_BYTES = 1 << 24, CHECKSUM = 4 };

typedef char corner_text[192];

// "(100, 0, 0)": the chunk's first element.
static const char *print_corner(const mb_h5_dataset *dataset, const hsize_t *start, char *text) {
    size_t used = 0;
    for (unsigned i = 0; i < dataset->rank; i++) {
        used += (size_t)mb_format(text + used, sizeof(corner_text) - used, "%s%llu",
            i == 0 ? "(" : ", ", (unsigned long long)start[i]);
    }
    mb_format(text + used, sizeof(corner_text) - used, ")");
    return text;
}

static mb_status fail_fetch(const mb_h5_dataset *dataset, const hsize_t *start, const char *what) {
    corner_text corner;
    return mb_fail(dataset->file->ctx, MB_ERR_FORMAT,
        "%s: %s: a chunk %s, at %s; the file is "
        "damaged",
        dataset->file->name, dataset->path, what, print_corner(dataset, start, corner));
}

// Where a chunk lies is asked of the library only now: it walks over all chunks for that.
static mb_status fail_chunk(
    const mb_h5_dataset *dataset, mb_context *ctx, const hsize_t *start, const char *what) {
    corner_text corner;
    unsigned mask = 0;
    haddr_t address = 0;
    hsize_t length = 0;
    mb_h5_guard guard;
    mb_h5_enter(&guard);
    (void)H5Dget_chunk_info_by_coord(dataset->id, start, &mask, &address, &length);
    mb_h5_leave(&guard);
    return mb_fail(ctx, MB_ERR_FORMAT, "%s: byte %llu: %s: a chunk %s, at %s; the file is damaged",
        dataset->file->name, (unsigned long long)(dataset->file->base + address), dataset->path,
        what, print_corner(dataset, start, corner));
}

static uint32_t fold(uint32_t sum) {
    return (sum & 0xFFFF) + (sum >> 16);
}

static uint32_t fletcher32(const unsigned char *bytes, size_t length) {
    uint32_t low = 0, high = 0;
    size_t n_words = length / 2;
    while (n_words > 0) {
        // 360 words are the most before the sums could overflow.
        size_t n = mb_min_size(n_words, 360);
        n_words -= n;
        for (; n > 0; n--, bytes += 2) {
            low += (uint32_t)bytes[0] << 8 | bytes[1];
            high += low;
        }
        low = fold(low);
        high = fold(high);
    }
    if (length % 2 != 0) {
        low += (uint32_t)bytes[0] << 8;
        high += low;
        low = fold(low);
        high = fold(high);
    }
    return fold(high) << 16 | fold(low);
}

// What undoes a filter returns NULL, or what is wrong with the chunk.
static const char *undo_checksum(const unsigned char *bytes, size_t *length) {
    if (*length < CHECKSUM) {
        return "is shorter than its checksum";
    }
    *length -= CHECKSUM;
    uint32_t stored;
    memcpy(&stored, bytes + *length, CHECKSUM);
    const uint32_t sum = fletcher32(bytes, *length);
    // HDF5 1.6.2 and older swapped the bytes of each half.
    const uint32_t old = (sum & 0x00FF00FFU) << 8 | (sum >> 8 & 0x00FF00FFU);
    return stored == sum || stored == old ? NULL : "has a wrong checksum";
}

static const char *undo_deflate(
    const unsigned char *from, size_t *length, unsigned char *to, size_t room) {
    uLongf n_made = (uLongf)room;
    if (uncompress(to, &n_made, from, (uLong)*length) != Z_OK || n_made != room) {
        return "does not decompress to its size";
    }
    *length = room;
    return NULL;
}

static void undo_shuffle(const unsigned char *from, unsigned char *to, size_t length, size_t size) {
    const size_t n = length / size;
    for (size_t byte = 0; byte < size; byte++) {
        for (size_t i = 0; i < n; i++) {
            to[i * size + byte] = from[byte * n + i];
        }
    }
    memcpy(to + n * size, from + n * size, length - n * size);
}

typedef struct chunk_piece {
    hsize_t start[MB_MAX_RANK]; // of the chunk in the dataset
    size_t offset, length;      // of its stored bytes in the batch; no length: never written
    uint32_t mask;
} chunk_piece;

// scratch holds twice most bytes.
static const char *decode(const mb_h5_dataset *dataset, const chunk_piece *piece,
    const unsigned char *stored, unsigned char *scratch, size_t most, unsigned char *out) {
    size_t sums = 0; // bytes that checksums made before a filter added to what it saw
    for (unsigned i = 0; i < dataset->n_filters; i++) {
        if ((piece->mask >> i & 1) == 0 && dataset->filters[i].id == H5Z_FILTER_FLETCHER32) {
            sums += CHECKSUM;
        }
    }
    const char *problem = NULL;
    const unsigned char *from = stored;
    size_t length = piece->length;
    for (unsigned i = dataset->n_filters; i-- > 0 && problem == NULL;) {
        unsigned char *to = from == scratch ? scratch + most : scratch;
        if ((piece->mask >> i & 1) != 0) {
            continue;
        }
        if (dataset->filters[i].id == H5Z_FILTER_FLETCHER32) {
            problem = undo_checksum(from, &length);
            sums -= CHECKSUM;
        } else if (dataset->filters[i].id == H5Z_FILTER_DEFLATE) {
            problem = undo_deflate(from, &length, to, dataset->chunk_bytes + sums);
            from = to;
        } else if (length > most) {
            problem = "is larger than it may be";
        } else {
            undo_shuffle(from, to, length, dataset->filters[i].element);
            from = to;
        }
    }
    if (problem == NULL && length != dataset->chunk_bytes) {
        problem = "has not the size it must have";
    }
    if (problem == NULL) {
        memcpy(out, from, length);
    }
    return problem;
}

// Undoes the filters of one chunk, whose stored bytes are given, into chunk_bytes at out.
static mb_status decode_chunk(const mb_h5_dataset *dataset, mb_context *ctx,
    const chunk_piece *piece, const unsigned char *stored, unsigned char *out) {
    const size_t most = dataset->chunk_bytes + MB_H5_MOST_FILTERS * CHECKSUM;
    unsigned char *scratch = mb_allocate(ctx, most, 2);
    if (scratch == NULL) {
        return MB_ERR_MEMORY;
    }
    const char *problem = decode(dataset, piece, stored, scratch, most, out);
    mb_release(ctx, scratch);
    return problem == NULL ? MB_OK : fail_chunk(dataset, ctx, piece->start, problem);
}

typedef struct chunk_batch {
    mb_h5_dataset *dataset;
    size_t first, n; // rows wanted
    unsigned char *bytes;
    chunk_piece piece[BATCH_CHUNKS];
    size_t n_pieces;
    unsigned char *stored;
    size_t capacity, used;
} chunk_batch;

// Copies what of a decoded chunk lies in the rows wanted.
static void place_chunk(
    const chunk_batch *batch, const chunk_piece *piece, const unsigned char *chunk) {
    const mb_h5_dataset *dataset = batch->dataset;
    const unsigned last = dataset->rank - 1;
    size_t low[MB_MAX_RANK], high[MB_MAX_RANK], at[MB_MAX_RANK];
    for (unsigned i = 0; i < dataset->rank; i++) {
        const size_t start = (size_t)piece->start[i];
        low[i] = start;
        high[i] = start + mb_min_size(dataset->chunk[i], dataset->shape[i] - start);
    }
    low[0] = mb_max_size(low[0], batch->first);
    high[0] = mb_min_size(high[0], batch->first + batch->n);
    memcpy(at, low, sizeof at);
    for (;;) {
        size_t from = 0, to = 0;
        for (unsigned i = 0; i < dataset->rank; i++) {
            from = from * dataset->chunk[i] + (at[i] - (size_t)piece->start[i]);
            to = to * dataset->shape[i] + at[i] - (i == 0 ? batch->first : 0);
        }
        memcpy(batch->bytes + to * dataset->raw.size, chunk + from * dataset->raw.size,
            (high[last] - low[last]) * dataset->raw.size);
        unsigned axis = last;
        while (axis > 0 && ++at[axis - 1] == high[axis - 1]) {
            at[axis - 1] = low[axis - 1];
            axis--;
        }
        if (axis == 0) {
            return;
        }
    }
}

static mb_status decode_task(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)worker;
    const chunk_batch *batch = user;
    const mb_h5_dataset *dataset = batch->dataset;
    const chunk_piece *piece = &batch->piece[task];
    if (dataset->n_filters == 0 && piece->length == dataset->chunk_bytes) {
        place_chunk(batch, piece, batch->stored + piece->offset);
        return MB_OK;
    }
    unsigned char *chunk = mb_allocate(ctx, dataset->chunk_bytes, 1);
    if (chunk == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_status status = MB_OK;
    if (piece->length == 0) {
        for (size_t i = 0; i < dataset->chunk_bytes; i += dataset->raw.size) {
            memcpy(chunk + i, dataset->fill, dataset->raw.size);
        }
    } else {
        status = decode_chunk(dataset, ctx, piece, batch->stored + piece->offset, chunk);
    }
    if (status == MB_OK) {
        place_chunk(batch, piece, chunk);
    }
    mb_release(ctx, chunk);
    return status;
}

// Size of a chunk in the file, 0 when it was never written.
static bool find_chunk(const mb_h5_dataset *dataset, const hsize_t *start, hsize_t *length) {
    if (H5Dget_chunk_storage_size(dataset->id, start, length) >= 0) {
        return true;
    }
    // That fails for a filtered chunk never written as for a damaged index; this one tells them
    // apart, but walks over all chunks.
    unsigned mask;
    haddr_t address;
    return H5Dget_chunk_info_by_coord(dataset->id, start, &mask, &address, length) >= 0 &&
           *length == 0;
}

// Reads the stored bytes of one chunk behind those of the batch.
static mb_status fetch(chunk_batch *batch, chunk_piece *piece) {
    mb_h5_dataset *dataset = batch->dataset;
    mb_context *ctx = dataset->file->ctx;
    hsize_t length = 0;
    if (!find_chunk(dataset, piece->start, &length)) {
        return fail_fetch(dataset, piece->start, "cannot be found");
    }
    piece->offset = batch->used;
    piece->length = (size_t)length;
    piece->mask = 0;
    if (length == 0) {
        return MB_OK;
    }
    if (length > dataset->file->file_size) {
        return fail_fetch(dataset, piece->start, "is larger than the file");
    }
    MB_TRY(mb_grow(ctx, &batch->stored, &batch->capacity, batch->used + piece->length, 1));
    mb_h5_source *source = &dataset->file->source;
    source->room = piece->length;
    const bool is_read = H5Dread_chunk(dataset->id, H5P_DEFAULT, piece->start, &piece->mask,
                             batch->stored + batch->used) >= 0;
    source->room = SIZE_MAX;
    if (!is_read) {
        return fail_fetch(dataset, piece->start, "cannot be read");
    }
    batch->used += piece->length;
    return MB_OK;
}

// Goes to the next chunk of the rows wanted; false after the last.
static bool step(const chunk_batch *batch, hsize_t *start) {
    const mb_h5_dataset *dataset = batch->dataset;
    for (unsigned i = dataset->rank; i-- > 0;) {
        const size_t end = i == 0 ? batch->first + batch->n : dataset->shape[i];
        start[i] += dataset->chunk[i];
        if (start[i] < end) {
            return true;
        }
        start[i] = 0;
    }
    return false;
}

static mb_status fetch_batch(chunk_batch *batch, hsize_t *start, bool *has_more) {
    mb_status status = MB_OK;
    mb_h5_guard guard;
    mb_h5_enter(&guard);
    batch->n_pieces = batch->used = 0;
    while (*has_more && status == MB_OK && batch->n_pieces < BATCH_CHUNKS &&
           batch->used < BATCH_BYTES) {
        chunk_piece *piece = &batch->piece[batch->n_pieces++];
        memcpy(piece->start, start, sizeof piece->start);
        status = fetch(batch, piece);
        *has_more = step(batch, start);
    }
    mb_h5_leave(&guard);
    return status;
}

static mb_status check_number(const mb_h5_dataset *dataset, size_t first, size_t n) {
    uint64_t n_chunks = (first + n - 1) / dataset->chunk[0] - first / dataset->chunk[0] + 1;
    const uint64_t most = mb_context_limits(dataset->file->ctx)->objects;
    for (unsigned i = 1; i < dataset->rank && n_chunks <= most; i++) {
        n_chunks *= (dataset->shape[i] - 1) / dataset->chunk[i] + 1;
    }
    return n_chunks <= most ? MB_OK
                            : mb_fail(dataset->file->ctx, MB_ERR_LIMIT,
                                  "%s: %s: more than %llu chunks; write it with larger chunks",
                                  dataset->file->name, dataset->path, (unsigned long long)most);
}

mb_status mb_h5_read_chunked(mb_h5_dataset *dataset, size_t first, size_t n, void *bytes) {
    mb_context *ctx = dataset->file->ctx;
    MB_TRY(check_number(dataset, first, n));
    chunk_batch *batch = mb_allocate_zeroed(ctx, 1, sizeof *batch);
    if (batch == NULL) {
        return MB_ERR_MEMORY;
    }
    batch->dataset = dataset;
    batch->first = first;
    batch->n = n;
    batch->bytes = bytes;
    hsize_t start[MB_MAX_RANK] = {0};
    start[0] = first / dataset->chunk[0] * dataset->chunk[0];
    bool has_more = true;
    mb_status status = MB_OK;
    while (has_more && status == MB_OK) {
        status = fetch_batch(batch, start, &has_more);
        if (status == MB_OK) {
            status = mb_parallel(ctx, batch->n_pieces, decode_task, batch);
        }
    }
    mb_release(ctx, batch->stored);
    mb_release(ctx, batch);
    return status;
}
