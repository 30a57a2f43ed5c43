// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/ecal/source.h"

#include "base/output.h"
#include "files/arrays.h"
#include "files/npy.h"

enum { BLOCK_ROWS = 1024, MOST_BLOCK_ROWS = 8192 };

// Ends a message: what the file has instead.
static mb_status fail_contents(mb_ecal_source *source, mb_status status, const char *problem) {
    mb_arrays_list list = {0};
    if (mb_arrays_list_read(&list, source->ctx, source->path) != MB_OK) {
        mb_arrays_list_clear(&list);
        return mb_context_status(source->ctx);
    }
    mb_buffer text;
    mb_buffer_init(&text, source->ctx);
    for (size_t i = 0; i < list.n && text.length < 400; i++) {
        const mb_array shown = {.rank = list.entry[i].rank};
        mb_array shape = shown;
        memcpy(shape.shape, list.entry[i].shape, sizeof shape.shape);
        char axes[128];
        mb_buffer_format(&text, "%s%s %s", i > 0 ? ", " : "", list.entry[i].name,
            mb_array_shape_text(&shape, axes, sizeof axes));
    }
    mb_status result = text.status;
    if (result == MB_OK) {
        result = mb_fail(source->ctx, status, "%s: %s; it holds %s; give a file of images",
            source->path, problem, list.n > 0 ? text.data : "nothing");
    }
    mb_buffer_clear(&text);
    mb_arrays_list_clear(&list);
    return result;
}

// What is looked at of X, whichever file it is in.
typedef struct outline {
    mb_dtype dtype;
    unsigned rank;
    size_t shape[MB_MAX_RANK], chunk_rows;
} outline;

static mb_status check_images(mb_ecal_source *source, const outline *x) {
    if (x->rank != 4) {
        return fail_contents(source, MB_ERR_SHAPE, "X has not the four axes (events, 32, 32, 2)");
    }
    if (x->shape[3] != 2) {
        return fail_contents(
            source, MB_ERR_SHAPE, "the last axis of X has not length 2, energy and time");
    }
    if (x->shape[1] != MB_ECAL_SIDE || x->shape[2] != MB_ECAL_SIDE) {
        return fail_contents(source, MB_ERR_SHAPE, "the images of X are not 32 x 32");
    }
    source->n_rows = x->shape[0];
    const size_t chunk = x->chunk_rows;
    source->block_rows = chunk == 0 || chunk > MOST_BLOCK_ROWS
                             ? BLOCK_ROWS
                             : mb_max_size(BLOCK_ROWS / chunk, 1) * chunk;
    return MB_OK;
}

static mb_status check_labels(mb_ecal_source *source) {
    const mb_array *y = &source->labels;
    if (y->data != NULL &&
        (y->rank == 0 || mb_array_count(y) != source->n_rows || y->shape[0] != source->n_rows)) {
        return fail_contents(source, MB_ERR_SHAPE, "X and y are not of one length");
    }
    return MB_OK;
}

static mb_status open_h5(mb_ecal_source *source) {
    MB_TRY(mb_h5_open(source->ctx, source->path, &source->h5));
    if (!mb_h5_is_listed(source->h5, "X")) {
        return fail_contents(source, MB_ERR_FORMAT, "there is no dataset X");
    }
    mb_h5_info info;
    MB_TRY(mb_h5_get_info(source->h5, "/X", &info));
    outline x = {.dtype = info.dtype, .rank = info.rank, .chunk_rows = info.chunk_rows};
    memcpy(x.shape, info.shape, sizeof x.shape);
    MB_TRY(check_images(source, &x));
    if (mb_h5_is_listed(source->h5, "y")) {
        MB_TRY(mb_h5_read(source->h5, "/y", &source->labels));
    }
    return mb_context_status(source->ctx);
}

static mb_status open_npz(mb_ecal_source *source) {
    mb_names names = {0};
    mb_status status = mb_npz_list(source->ctx, source->path, &names);
    if (status == MB_OK && !mb_names_have(&names, "X")) {
        status = fail_contents(source, MB_ERR_FORMAT, "there is no array X");
    }
    if (status == MB_OK) {
        status = mb_npz_read(source->ctx, source->path, "X", &source->whole);
    }
    if (status == MB_OK && mb_names_have(&names, "y")) {
        status = mb_npz_read(source->ctx, source->path, "y", &source->labels);
    }
    mb_names_clear(&names);
    MB_TRY(status);
    outline x = {.dtype = source->whole.dtype, .rank = source->whole.rank};
    memcpy(x.shape, source->whole.shape, sizeof x.shape);
    return check_images(source, &x);
}

static mb_status open_npy(mb_ecal_source *source) {
    mb_npy_info info;
    MB_TRY(mb_npy_get_info(source->ctx, source->path, &info));
    outline x = {.dtype = info.dtype, .rank = info.rank};
    memcpy(x.shape, info.shape, sizeof x.shape);
    MB_TRY(check_images(source, &x));
    mb_arena arena;
    mb_arena_init(&arena, source->ctx);
    const int stem = (int)(strlen(source->path) - strlen(".npy"));
    const char *path = mb_arena_format(&arena, source->ctx, "%.*s_y.npy", stem, source->path);
    mb_status status = path != NULL ? MB_OK : MB_ERR_MEMORY;
    if (status == MB_OK && mb_path_exists(path)) {
        status = mb_npy_read(source->ctx, path, &source->labels);
    }
    mb_arena_clear(&arena);
    return status;
}

mb_status mb_ecal_source_open(mb_context *ctx, const char *path, mb_ecal_source *out) {
    *out = (mb_ecal_source){.ctx = ctx, .path = path};
    const bool is_npy = mb_path_has_suffix(path, ".npy");
    const bool is_npz = mb_path_has_suffix(path, ".npz");
    MB_TRY(is_npy ? open_npy(out) : is_npz ? open_npz(out) : open_h5(out));
    return check_labels(out);
}

void mb_ecal_source_close(mb_ecal_source *source) {
    mb_h5_close(source->h5);
    mb_array_clear(&source->whole);
    mb_array_clear(&source->labels);
    source->h5 = NULL;
}

static mb_status copy_rows(mb_ecal_source *source, size_t first, size_t n, mb_array *out) {
    const mb_array *whole = &source->whole;
    const size_t row_bytes = MB_ECAL_PIXELS * 2 * mb_dtype_size(whole->dtype);
    const size_t shape[4] = {n, MB_ECAL_SIDE, MB_ECAL_SIDE, 2};
    MB_TRY(mb_array_init(out, source->ctx, whole->dtype, 4, shape));
    memcpy(out->data, (const char *)whole->data + first * row_bytes, n * row_bytes);
    return MB_OK;
}

mb_status mb_ecal_source_read(mb_ecal_source *source, size_t first, size_t n, mb_array *out) {
    *out = (mb_array){0};
    if (source->h5 != NULL) {
        MB_TRY(mb_h5_read_rows(source->h5, "/X", first, n, out));
    } else if (source->whole.data != NULL) {
        MB_TRY(copy_rows(source, first, n, out));
    } else {
        MB_TRY(mb_npy_read_rows(source->ctx, source->path, first, n, out));
    }
    if (out->dtype == MB_F32 || out->dtype == MB_F64) {
        return MB_OK;
    }
    const mb_status status = mb_array_convert(out, source->ctx, MB_F64);
    if (status != MB_OK) {
        mb_array_clear(out);
    }
    return status;
}

size_t mb_ecal_source_block(const mb_ecal_source *source, size_t first, size_t last) {
    const size_t end = (first / source->block_rows + 1) * source->block_rows;
    return mb_min_size(end, last) - first;
}
