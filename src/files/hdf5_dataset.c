// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/hdf5_inside.h"

// No data shrinks more than deflate's 1032 to 1, so a dataset that claims more than this times the
// file's size is not there; small ones may be nothing but their fill value.
enum { MOST_SHRINKING = 1100, SMALL_DATASET = 1 << 24 };

static mb_status fail_dataset(const mb_h5_dataset *dataset, mb_status status, const char *what) {
    return mb_fail(
        dataset->file->ctx, status, "%s: %s: %s", dataset->file->name, dataset->path, what);
}

static mb_status check_claim(const mb_h5_dataset *dataset, uint64_t bytes) {
    const uint64_t file_size = dataset->file->file_size;
    if (bytes > SMALL_DATASET && bytes / MOST_SHRINKING > file_size) {
        return mb_fail(dataset->file->ctx, MB_ERR_LIMIT,
            "%s: %s claims %llu bytes, which a file of %llu bytes cannot hold; it is damaged",
            dataset->file->name, dataset->path, (unsigned long long)bytes,
            (unsigned long long)file_size);
    }
    return MB_OK;
}

static mb_status check_shape(mb_h5_dataset *dataset, hid_t space) {
    MB_TRY(mb_h5_get_shape(dataset->file, dataset->path, space, &dataset->rank, dataset->shape));
    if (!mb_raw_count(&dataset->raw, dataset->rank, dataset->shape, &dataset->count)) {
        return fail_dataset(
            dataset, MB_ERR_LIMIT, "more bytes than can be addressed; the file is damaged");
    }
    return check_claim(dataset, (uint64_t)dataset->count * dataset->raw.size);
}

static mb_status check_filters(mb_h5_dataset *dataset, hid_t creation) {
    const int n = H5Pget_nfilters(creation);
    if (n < 0 || n > MB_H5_MOST_FILTERS) {
        return fail_dataset(dataset, MB_ERR_UNSUPPORTED, "too many filters; write it with gzip");
    }
    for (unsigned i = 0; i < (unsigned)n; i++) {
        unsigned flags, config, value[1] = {0};
        size_t n_values = 1;
        const H5Z_filter_t id =
            H5Pget_filter2(creation, i, &flags, &n_values, value, 0, NULL, &config);
        if (id != H5Z_FILTER_DEFLATE && id != H5Z_FILTER_SHUFFLE && id != H5Z_FILTER_FLETCHER32) {
            return mb_fail(dataset->file->ctx, MB_ERR_UNSUPPORTED,
                "%s: %s: filter %d is not offered; write it with gzip, shuffle or fletcher32",
                dataset->file->name, dataset->path, (int)id);
        }
        if (id == H5Z_FILTER_SHUFFLE && (n_values < 1 || value[0] != dataset->raw.size)) {
            return fail_dataset(
                dataset, MB_ERR_FORMAT, "shuffled by another size than its own; it is damaged");
        }
        dataset->filters[i] = (mb_h5_filter){id, value[0]};
    }
    dataset->n_filters = (unsigned)n;
    return MB_OK;
}

static mb_status check_chunks(mb_h5_dataset *dataset, hid_t creation) {
    hsize_t chunk[MB_MAX_RANK];
    if (H5Pget_chunk(creation, MB_MAX_RANK, chunk) != (int)dataset->rank) {
        return fail_dataset(dataset, MB_ERR_FORMAT, "chunks of another rank; it is damaged");
    }
    dataset->chunk_bytes = dataset->raw.size;
    for (unsigned i = 0; i < dataset->rank; i++) {
        dataset->chunk[i] = (size_t)chunk[i];
        if (chunk[i] == 0 || !mb_raw_multiply(&dataset->chunk_bytes, dataset->chunk[i])) {
            return fail_dataset(dataset, MB_ERR_FORMAT, "impossible chunks; it is damaged");
        }
    }
    if (dataset->chunk_bytes > mb_context_limits(dataset->file->ctx)->bytes) {
        return fail_dataset(
            dataset, MB_ERR_LIMIT, "chunks larger than the limit; write smaller chunks");
    }
    MB_TRY(check_claim(dataset, dataset->chunk_bytes));
    return check_filters(dataset, creation);
}

static mb_status check_storage(mb_h5_dataset *dataset, hid_t creation) {
    const H5D_layout_t layout = H5Pget_layout(creation);
    if (H5Pget_external_count(creation) > 0 || layout == H5D_VIRTUAL) {
        return fail_dataset(dataset, MB_ERR_UNSUPPORTED,
            "its numbers lie in other files, which is refused; copy them in");
    }
    H5D_fill_value_t fill;
    if (H5Pfill_value_defined(creation, &fill) >= 0 && fill == H5D_FILL_VALUE_USER_DEFINED &&
        H5Pget_fill_value(creation, dataset->type, dataset->fill) < 0) {
        return fail_dataset(dataset, MB_ERR_FORMAT, "its fill value is damaged; write it again");
    }
    dataset->layout = layout;
    if (layout == H5D_CHUNKED) {
        return check_chunks(dataset, creation);
    }
    dataset->stored = H5Dget_storage_size(dataset->id);
    const bool is_unwritten = layout == H5D_CONTIGUOUS && dataset->stored == 0;
    if (!is_unwritten && dataset->stored < dataset->count * dataset->raw.size) {
        return fail_dataset(
            dataset, MB_ERR_FORMAT, "less is stored than its shape says; the file is damaged");
    }
    return layout == H5D_CONTIGUOUS || layout == H5D_COMPACT
               ? MB_OK
               : fail_dataset(dataset, MB_ERR_UNSUPPORTED, "its layout is not offered; copy it");
}

static mb_status open_dataset(mb_h5_file *file, const char *path, mb_h5_dataset *dataset) {
    *dataset = (mb_h5_dataset){.file = file, .path = path, .id = -1, .type = -1};
    MB_TRY(mb_h5_open_object(file, path, &dataset->id));
    if (H5Iget_type(dataset->id) != H5I_DATASET) {
        return fail_dataset(dataset, MB_ERR_FORMAT, "a group, not an array; name a dataset");
    }
    dataset->type = H5Dget_type(dataset->id);
    if (dataset->type < 0 || !mb_h5_find_type(dataset->type, &dataset->raw)) {
        return fail_dataset(dataset, MB_ERR_UNSUPPORTED,
            "not of a float, integer or bool type of 1 to 8 bytes; convert it");
    }
    const hid_t space = H5Dget_space(dataset->id);
    const hid_t creation = H5Dget_create_plist(dataset->id);
    mb_status status = MB_OK;
    if (space < 0 || creation < 0) {
        status = fail_dataset(dataset, MB_ERR_FORMAT, "cannot be opened; the file is damaged");
    }
    if (status == MB_OK) {
        status = check_shape(dataset, space);
    }
    if (status == MB_OK) {
        status = check_storage(dataset, creation);
    }
    mb_h5_close_id(creation);
    mb_h5_close_id(space);
    return status;
}

static void close_dataset(mb_h5_dataset *dataset) {
    mb_h5_close_id(dataset->type);
    mb_h5_close_id(dataset->id);
    dataset->type = dataset->id = -1;
}

static mb_status open_guarded(mb_h5_file *file, const char *path, mb_h5_dataset *dataset) {
    mb_h5_guard guard;
    mb_h5_enter(&guard);
    const mb_status status = open_dataset(file, path, dataset);
    mb_h5_leave(&guard);
    return status;
}

static void close_guarded(mb_h5_dataset *dataset) {
    mb_h5_guard guard;
    mb_h5_enter(&guard);
    close_dataset(dataset);
    mb_h5_leave(&guard);
}

mb_status mb_h5_get_info(mb_h5_file *file, const char *path, mb_h5_info *info) {
    mb_h5_dataset dataset;
    const mb_status status = open_guarded(file, path, &dataset);
    if (status == MB_OK) {
        *info = (mb_h5_info){.dtype = dataset.raw.dtype, .rank = dataset.rank};
        memcpy(info->shape, dataset.shape, sizeof info->shape);
        info->chunk_rows = dataset.layout == H5D_CHUNKED ? dataset.chunk[0] : 0;
    }
    close_guarded(&dataset);
    return status;
}

// A compact dataset lies in the head of its object and is small.
static bool read_compact(mb_h5_dataset *dataset, size_t skipped, void *bytes, size_t length) {
    unsigned char *all = mb_allocate(dataset->file->ctx, dataset->count, dataset->raw.size);
    if (all == NULL) {
        return false;
    }
    mb_h5_guard guard;
    mb_h5_enter(&guard);
    // Memory type and file type are one, so the library converts nothing.
    const bool is_read =
        H5Dread(dataset->id, dataset->type, H5S_ALL, H5S_ALL, H5P_DEFAULT, all) >= 0;
    mb_h5_leave(&guard);
    if (is_read) {
        memcpy(bytes, all + skipped, length);
    }
    mb_release(dataset->file->ctx, all);
    return is_read;
}

// The numbers lie one behind the other in the file: nobody else is needed to read them.
static bool read_contiguous(mb_h5_dataset *dataset, size_t skipped, void *bytes, size_t length) {
    mb_h5_guard guard;
    mb_h5_enter(&guard);
    const haddr_t address = H5Dget_offset(dataset->id);
    mb_h5_leave(&guard);
    return address != HADDR_UNDEF && address <= UINT64_MAX - skipped &&
           mb_h5_source_read(&dataset->file->source, address + skipped, bytes, length);
}

static mb_status read_plain(mb_h5_dataset *dataset, size_t first, size_t count, void *bytes) {
    const size_t size = dataset->raw.size, length = count * size;
    if (dataset->stored == 0) {
        for (size_t i = 0; i < length; i += size) {
            memcpy((char *)bytes + i, dataset->fill, size);
        }
        return MB_OK;
    }
    const size_t row = dataset->rank == 0 ? 0 : dataset->count / dataset->shape[0] * size;
    const bool is_read = dataset->layout == H5D_COMPACT
                             ? read_compact(dataset, first * row, bytes, length)
                             : read_contiguous(dataset, first * row, bytes, length);
    return is_read
               ? MB_OK
               : fail_dataset(dataset, MB_ERR_FORMAT, "cannot be read; the file is cut or damaged");
}

// n is SIZE_MAX for all rows.
static mb_status read_dataset(mb_h5_dataset *dataset, size_t first, size_t n, mb_array *out) {
    const size_t n_rows = dataset->rank == 0 ? 1 : dataset->shape[0];
    if (n == SIZE_MAX) {
        n = n_rows;
    } else if (dataset->rank == 0 || first > n_rows || n > n_rows - first) {
        return mb_fail(dataset->file->ctx, MB_ERR_RANGE,
            "%s: %s: rows %zu to %zu were asked for but it has %zu; ask for rows it has",
            dataset->file->name, dataset->path, first, first + n, n_rows);
    }
    size_t shape[MB_MAX_RANK];
    memcpy(shape, dataset->shape, sizeof shape);
    const size_t count = n_rows == 0 ? 0 : dataset->count / n_rows * n;
    const uint64_t most = mb_context_limits(dataset->file->ctx)->bytes;
    if ((uint64_t)count * mb_dtype_size(dataset->raw.dtype) > most) {
        return mb_fail(dataset->file->ctx, MB_ERR_LIMIT,
            "%s: %s: more than the limit of %llu bytes; read fewer rows or raise the limit",
            dataset->file->name, dataset->path, (unsigned long long)most);
    }
    if (dataset->rank > 0) {
        shape[0] = n;
    }
    MB_TRY(mb_array_init(out, dataset->file->ctx, dataset->raw.dtype, dataset->rank, shape));
    if (count > 0) {
        void *bytes = mb_raw_place(&dataset->raw, out->data, count);
        MB_TRY(dataset->layout == H5D_CHUNKED ? mb_h5_read_chunked(dataset, first, n, bytes)
                                              : read_plain(dataset, first, count, bytes));
        mb_raw_finish(&dataset->raw, out->data, count);
    }
    return MB_OK;
}

mb_status mb_h5_read_rows(
    mb_h5_file *file, const char *path, size_t first, size_t n, mb_array *out) {
    *out = (mb_array){.data = NULL};
    mb_h5_dataset dataset;
    mb_status status = open_guarded(file, path, &dataset);
    if (status == MB_OK) {
        status = read_dataset(&dataset, first, n, out);
    }
    close_guarded(&dataset);
    if (status != MB_OK) {
        mb_array_clear(out);
    }
    return status;
}

mb_status mb_h5_read(mb_h5_file *file, const char *path, mb_array *out) {
    return mb_h5_read_rows(file, path, 0, SIZE_MAX, out);
}
