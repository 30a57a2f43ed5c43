// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/calo/file.h"

#include "base/threads.h"
#include "files/hdf5.h"

#include <math.h>

enum { BLOCK_ROWS = 2048, N = MB_CALO_N_REGIONS };

static const char regions_name[] = "CaloRegions", variant_name[] = "X";
static const char accepted_name[] = "AcceptanceFlag";

static mb_status fail_absent(mb_context *ctx, mb_h5_file *file, const char *path) {
    mb_names names = {0};
    MB_TRY(mb_h5_list(file, "/", &names));
    mb_buffer text;
    mb_buffer_init(&text, ctx);
    for (size_t i = 0; i < names.n && i < 12; i++) {
        mb_buffer_format(&text, "%s%.40s", i > 0 ? ", " : "", names.name[i]);
    }
    if (names.n > 12) {
        mb_buffer_format(&text, " ... (%zu)", names.n);
    }
    mb_status status = text.status;
    if (status == MB_OK) {
        status = mb_fail(ctx, MB_ERR_FORMAT,
            "%s: there is no dataset %s; the file holds %s: name a file of regions", path,
            regions_name, names.n > 0 ? text.data : "nothing");
    }
    mb_buffer_clear(&text);
    mb_names_clear(&names);
    return status;
}

static bool is_shape_known(const mb_h5_info *info) {
    const size_t *s = info->shape;
    return (info->rank == 2 && s[1] == N) ||
           (info->rank == 3 && s[1] == MB_CALO_N_PHI && s[2] == MB_CALO_N_ETA) ||
           (info->rank == 4 && s[1] == MB_CALO_N_PHI && s[2] == MB_CALO_N_ETA && s[3] == 1);
}

static mb_status look_at_regions(mb_context *ctx, mb_h5_file *h5, mb_calo_file *out) {
    const char *path = out->path;
    out->dataset = mb_h5_is_listed(h5, regions_name)   ? regions_name
                   : mb_h5_is_listed(h5, variant_name) ? variant_name
                                                       : NULL;
    if (out->dataset == NULL) {
        return fail_absent(ctx, h5, path);
    }
    mb_h5_info info;
    MB_TRY(mb_h5_get_info(h5, out->dataset, &info));
    if (!is_shape_known(&info)) {
        mb_array shape = {.dtype = info.dtype, .rank = info.rank};
        memcpy(shape.shape, info.shape, sizeof shape.shape);
        char text[160];
        return mb_fail(ctx, MB_ERR_SHAPE,
            "%s: %s has the shape %s; expected (events, 18, 14): phi, eta", path, out->dataset,
            mb_array_shape_text(&shape, text, sizeof text));
    }
    if (info.dtype == MB_BOOL) {
        return mb_fail(ctx, MB_ERR_FORMAT,
            "%s: %s holds true and false, not energies; name a file of regions", path,
            out->dataset);
    }
    if (info.shape[0] == 0) {
        return mb_fail(
            ctx, MB_ERR_FORMAT, "%s: %s holds no events; name another file", path, out->dataset);
    }
    out->dtype = info.dtype;
    out->n_events = out->n_accepted = info.shape[0];
    out->chunk_rows = info.chunk_rows;
    return MB_OK;
}

static mb_status look_at_flags(mb_context *ctx, mb_h5_file *h5, mb_calo_file *out) {
    if (!mb_h5_is_listed(h5, accepted_name)) {
        return MB_OK;
    }
    mb_array flags = {0};
    MB_TRY(mb_h5_read(h5, accepted_name, &flags));
    const size_t n = mb_array_count(&flags);
    mb_status status = MB_OK;
    if (n != 0 && (n != out->n_events || flags.rank < 1)) {
        status = mb_fail(ctx, MB_ERR_SHAPE,
            "%s: %s has %zu entries for %zu events; write one for each, or none", out->path,
            accepted_name, n, out->n_events);
    } else if (n != 0) {
        out->is_accepted = mb_allocate(ctx, n, 1);
        status = out->is_accepted != NULL ? MB_OK : MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < n && status == MB_OK; i++) {
        const double flag = mb_array_get(&flags, i);
        if (!(flag >= 0 && flag <= 1) || (flag > 0 && flag < 1)) {
            status =
                mb_fail(ctx, MB_ERR_RANGE, "%s: %s, row %zu: %g is neither 0 nor 1; correct it",
                    out->path, accepted_name, i, flag);
        } else {
            out->is_accepted[i] = flag > 0;
            out->n_accepted -= flag <= 0;
        }
    }
    mb_array_clear(&flags);
    return status;
}

mb_status mb_calo_file_open(mb_context *ctx, const char *path, mb_calo_file *out) {
    *out = (mb_calo_file){.path = path};
    mb_h5_file *h5 = NULL;
    MB_TRY(mb_h5_open(ctx, path, &h5));
    mb_status status = look_at_regions(ctx, h5, out);
    if (status == MB_OK) {
        status = look_at_flags(ctx, h5, out);
    }
    mb_h5_close(h5);
    return status;
}

void mb_calo_file_clear(mb_calo_file *file, mb_context *ctx) {
    mb_release(ctx, file->is_accepted);
    *file = (mb_calo_file){0};
}

// The rows of one task, and what was found in them.
typedef struct block {
    size_t first, n; // rows of the file
    size_t place;    // of its first accepted event in the output
    size_t n_bad_values, n_bad_events;
    size_t row, region; // of the first bad value
    double value;
} block;

typedef struct reader {
    const mb_calo_file *file;
    int on_bad;
    float *regions;
    int64_t *event;
    uint8_t *is_bad; // per output event
    block *blocks;
} reader;

static float clip(double value) {
    if (!(value > 0)) {
        return 0;
    }
    return value >= MB_CALO_MAX_ET ? MB_CALO_MAX_ET : (float)floor(value + 0.5);
}

// One event, value by value: for the rows that hold something bad.
static void take_bad_row(block *b, const mb_array *array, size_t at, size_t row, float *out) {
    b->n_bad_events++;
    for (size_t i = 0; i < N; i++) {
        const double value = mb_array_get(array, at * N + i);
        const bool is_good = value >= 0 && value <= MB_CALO_MAX_ET && !(floor(value) < value);
        out[i] = clip(value);
        if (!is_good && b->n_bad_values++ == 0) {
            b->row = row;
            b->region = i;
            b->value = value;
        }
    }
}

// Whether n values are whole numbers 0 .. 1023; without branches, so that it runs as vectors.
#define TAKE_FLOATS(name, type)                                                                    \
    static bool name(const type *from, float *to) {                                                \
        int n_bad = 0;                                                                             \
        for (size_t i = 0; i < N; i++) {                                                           \
            const type value = from[i];                                                            \
            const bool is_inside = value >= 0 && value <= MB_CALO_MAX_ET;                          \
            const int whole = (int)(is_inside ? value : 0);                                        \
            to[i] = (float)whole;                                                                  \
            n_bad += !is_inside || (type)whole < value;                                            \
        }                                                                                          \
        return n_bad == 0;                                                                         \
    }
#define TAKE_INTEGERS(name, type)                                                                  \
    static bool name(const type *from, float *to) {                                                \
        int n_bad = 0;                                                                             \
        for (size_t i = 0; i < N; i++) {                                                           \
            const type value = from[i];                                                            \
            n_bad += (uint64_t)value > MB_CALO_MAX_ET;                                             \
            to[i] = (float)value;                                                                  \
        }                                                                                          \
        return n_bad == 0;                                                                         \
    }
TAKE_FLOATS(take_f32, float)
TAKE_FLOATS(take_f64, double)
TAKE_INTEGERS(take_i8, int8_t)
TAKE_INTEGERS(take_i16, int16_t)
TAKE_INTEGERS(take_u16, uint16_t)
TAKE_INTEGERS(take_i32, int32_t)
TAKE_INTEGERS(take_u32, uint32_t)
TAKE_INTEGERS(take_i64, int64_t)
TAKE_INTEGERS(take_u64, uint64_t)

// Bytes are always in range.
static bool take_u8(const uint8_t *from, float *to) {
    for (size_t i = 0; i < N; i++) {
        to[i] = from[i];
    }
    return true;
}

static bool take_row(const mb_array *array, size_t at, float *to) {
    const char *from = (const char *)array->data + at * N * mb_dtype_size(array->dtype);
    switch (array->dtype) {
    case MB_F32:
        return take_f32((const float *)(const void *)from, to);
    case MB_F64:
        return take_f64((const double *)(const void *)from, to);
    case MB_I8:
        return take_i8((const int8_t *)(const void *)from, to);
    case MB_U8:
        return take_u8((const uint8_t *)(const void *)from, to);
    case MB_I16:
        return take_i16((const int16_t *)(const void *)from, to);
    case MB_U16:
        return take_u16((const uint16_t *)(const void *)from, to);
    case MB_I32:
        return take_i32((const int32_t *)(const void *)from, to);
    case MB_U32:
        return take_u32((const uint32_t *)(const void *)from, to);
    case MB_I64:
        return take_i64((const int64_t *)(const void *)from, to);
    case MB_U64:
        return take_u64((const uint64_t *)(const void *)from, to);
    case MB_BOOL:
        break;
    }
    return false;
}

// Every task has a file of its own: one belongs to one thread at a time.
static mb_status read_task(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)worker;
    reader *r = user;
    block *b = &r->blocks[task];
    mb_h5_file *h5 = NULL;
    mb_array array = {0};
    mb_status status = mb_h5_open(ctx, r->file->path, &h5);
    if (status == MB_OK) {
        status = mb_h5_read_rows(h5, r->file->dataset, b->first, b->n, &array);
    }
    if (status == MB_OK && (mb_array_count(&array) != b->n * N || array.dtype == MB_BOOL)) {
        status = mb_fail(ctx, MB_ERR_FORMAT, "%s: %s changed while it was read; read it again",
            r->file->path, r->file->dataset);
    }
    size_t place = b->place;
    for (size_t i = 0; i < b->n && status == MB_OK; i++) {
        if (r->file->is_accepted != NULL && !r->file->is_accepted[b->first + i]) {
            continue;
        }
        float *to = r->regions + place * N;
        r->is_bad[place] = !take_row(&array, i, to);
        if (r->is_bad[place]) {
            take_bad_row(b, &array, i, b->first + i, to);
        }
        r->event[place++] = (int64_t)(b->first + i);
    }
    mb_array_clear(&array);
    mb_h5_close(h5);
    return status;
}

// Cuts rows [first, end) at multiples of whole chunks and gives each piece its place in the output.
static mb_status make_blocks(mb_context *ctx, reader *r, size_t first, size_t end, size_t *n) {
    const mb_calo_file *file = r->file;
    const size_t step = mb_round_up(BLOCK_ROWS, mb_max_size(file->chunk_rows, 1));
    const size_t from = first / step, to = (end + step - 1) / step;
    r->blocks = mb_allocate_zeroed(ctx, to - from, sizeof *r->blocks);
    if (r->blocks == NULL) {
        return MB_ERR_MEMORY;
    }
    size_t place = 0;
    for (size_t i = from; i < to; i++) {
        block *b = &r->blocks[i - from];
        b->first = mb_max_size(i * step, first);
        b->n = mb_min_size((i + 1) * step, end) - b->first;
        b->place = place;
        for (size_t k = 0; k < b->n; k++) {
            place += file->is_accepted == NULL || file->is_accepted[b->first + k];
        }
    }
    *n = to - from;
    return MB_OK;
}

static mb_status fail_bad(mb_context *ctx, const mb_calo_file *file, const block *first,
    size_t n_values, size_t n_events) {
    return mb_fail(ctx, MB_ERR_RANGE,
        "%s: %s, row %zu: %g at phi %zu, eta %zu is no whole number 0 .. %d (%zu such values in "
        "%zu "
        "events); correct the file, or set data.on_bad: drop or clip",
        file->path, file->dataset, first->row, first->value, first->region / MB_CALO_N_ETA,
        first->region % MB_CALO_N_ETA, MB_CALO_MAX_ET, n_values, n_events);
}

static size_t remove_bad(const reader *r, size_t n) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (!r->is_bad[i]) {
            if (kept < i) {
                memcpy(r->regions + kept * N, r->regions + i * N, N * sizeof *r->regions);
                r->event[kept] = r->event[i];
            }
            kept++;
        }
    }
    return kept;
}

// n_new: accepted events of rows [first, end).
static mb_status read_range(
    mb_context *ctx, reader *r, size_t first, size_t end, size_t *n_new, mb_calo_tally *tally) {
    size_t n_blocks = 0, n_values = 0, n_events = 0;
    r->is_bad = mb_allocate_zeroed(ctx, *n_new, 1);
    mb_status status =
        r->is_bad != NULL ? make_blocks(ctx, r, first, end, &n_blocks) : MB_ERR_MEMORY;
    if (status == MB_OK) {
        status = mb_parallel(ctx, n_blocks, read_task, r);
    }
    const block *first_bad = NULL;
    for (size_t i = 0; i < n_blocks && status == MB_OK; i++) {
        n_values += r->blocks[i].n_bad_values;
        n_events += r->blocks[i].n_bad_events;
        if (first_bad == NULL && r->blocks[i].n_bad_values > 0) {
            first_bad = &r->blocks[i];
        }
    }
    if (status == MB_OK && n_values > 0 && r->on_bad == MB_CALO_ON_BAD_ERROR) {
        status = fail_bad(ctx, r->file, first_bad, n_values, n_events);
    }
    if (status == MB_OK && n_values > 0 && r->on_bad == MB_CALO_ON_BAD_DROP) {
        *n_new = remove_bad(r, *n_new);
    }
    tally->n_bad_values += n_values;
    tally->n_bad_events += n_events;
    mb_release(ctx, r->blocks);
    mb_release(ctx, r->is_bad);
    r->blocks = NULL;
    r->is_bad = NULL;
    return status;
}

mb_status mb_calo_file_read(mb_context *ctx, const mb_calo_file *file, int on_bad, size_t n_wanted,
    float *regions, int64_t *event, size_t *n, mb_calo_tally *tally) {
    size_t row = 0;
    *n = 0;
    // Dropped events are made up for from what follows.
    while (row < file->n_events && *n < n_wanted) {
        size_t end = row, n_new = 0;
        while (end < file->n_events && *n + n_new < n_wanted) {
            n_new += file->is_accepted == NULL || file->is_accepted[end];
            end++;
        }
        reader r = {
            .file = file, .on_bad = on_bad, .regions = regions + *n * N, .event = event + *n};
        MB_TRY(read_range(ctx, &r, row, end, &n_new, tally));
        *n += n_new;
        row = end;
    }
    return MB_OK;
}
