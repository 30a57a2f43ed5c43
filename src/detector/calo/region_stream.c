// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/calo/region_stream.h"

#include "base/numbers.h"
#include "base/output.h"
#include "detector/calo/file.h"
#include "detector/calo/regions_text.h"
#include "files/arrays.h"
#include "files/hdf5.h"

#include <math.h>

enum { BLOCK_EVENTS = 4096 };

struct mb_calo_stream {
    mb_context *ctx;
    bool is_table;
    mb_calo_table table; // all events
    mb_calo_file file;   // of an HDF5 file
    mb_h5_file *h5;
    mb_array block;
    size_t n_events, n_accepted, next;
};

static mb_status open_stream(mb_calo_stream *stream, const char *path) {
    const bool is_npy = mb_path_has_suffix(path, ".npy");
    stream->is_table = is_npy || !mb_arrays_is_path(path);
    if (stream->is_table) {
        MB_TRY(mb_calo_table_read(stream->ctx, path, &stream->table));
        stream->n_events = stream->table.regions.shape[0];
        stream->n_accepted = stream->n_events;
        return MB_OK;
    }
    MB_TRY(mb_calo_file_open(stream->ctx, path, &stream->file));
    stream->n_events = stream->file.n_events;
    stream->n_accepted = stream->file.n_accepted;
    return mb_h5_open(stream->ctx, path, &stream->h5);
}

mb_status mb_calo_stream_open(mb_context *ctx, const char *path, mb_calo_stream **out) {
    *out = NULL;
    mb_calo_stream *stream = mb_allocate_zeroed(ctx, 1, sizeof *stream);
    if (stream == NULL) {
        return MB_ERR_MEMORY;
    }
    stream->ctx = ctx;
    const mb_status status = open_stream(stream, path);
    if (status != MB_OK) {
        mb_calo_stream_close(stream);
        return status;
    }
    *out = stream;
    return MB_OK;
}

size_t mb_calo_stream_events(const mb_calo_stream *stream) {
    return stream->n_events;
}

size_t mb_calo_stream_accepted(const mb_calo_stream *stream) {
    return stream->n_accepted;
}

// Blocks end where chunks do, so that none is unpacked twice.
static size_t block_size(const mb_calo_stream *stream) {
    const size_t chunk = stream->file.chunk_rows;
    const size_t n = chunk > 0 && chunk <= BLOCK_EVENTS ? BLOCK_EVENTS / chunk * chunk
                                                        : mb_max_size(chunk, BLOCK_EVENTS);
    return mb_min_size(n, stream->n_events - stream->next);
}

mb_status mb_calo_stream_next(mb_calo_stream *stream, mb_calo_block *block) {
    *block = (mb_calo_block){.first = stream->next};
    block->n = block_size(stream);
    if (block->n == 0) {
        return MB_OK;
    }
    if (stream->is_table) {
        const float *regions = stream->table.regions.data;
        block->regions = regions + stream->next * MB_CALO_N_REGIONS;
    } else {
        char name[64];
        mb_format(name, sizeof name, "/%s", stream->file.dataset);
        mb_array_clear(&stream->block);
        MB_TRY(mb_h5_read_rows(stream->h5, name, stream->next, block->n, &stream->block));
        MB_TRY(mb_array_convert(&stream->block, stream->ctx, MB_F32));
        block->regions = stream->block.data;
        block->is_accepted =
            stream->file.is_accepted != NULL ? stream->file.is_accepted + stream->next : NULL;
    }
    stream->next += block->n;
    return MB_OK;
}

void mb_calo_stream_close(mb_calo_stream *stream) {
    if (stream != NULL) {
        mb_calo_table_clear(&stream->table);
        mb_calo_file_clear(&stream->file, stream->ctx);
        mb_h5_close(stream->h5);
        mb_array_clear(&stream->block);
        mb_release(stream->ctx, stream);
    }
}

bool mb_calo_is_count(float value) {
    return value >= 0 && value <= MB_CALO_MAX_ET && floorf(value) == value;
}
