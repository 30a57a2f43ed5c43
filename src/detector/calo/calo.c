// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/calo/load.h"
#include "detector/calo/pictures.h"
#include "detector/calo/simulate.h"
#include "files/hdf5.h"

#include <math.h>

static mb_status has_files(mb_context *ctx, const mb_detector_request *request, bool *out) {
    mb_calo_settings settings;
    MB_TRY(mb_calo_settings_read(ctx, request, &settings));
    return mb_calo_has_files(ctx, request, &settings, out);
}

enum { INSPECT_ROWS = 4096 };

typedef struct summary {
    double least, most, sum;
    size_t n_nonzero, n_bad;
} summary;

static void look_at(summary *s, const mb_array *array) {
    const size_t n = mb_array_count(array);
    for (size_t i = 0; i < n; i++) {
        const double value = mb_array_get(array, i);
        if (!(value >= 0 && value <= MB_CALO_MAX_ET) || floor(value) < value) {
            s->n_bad++;
            continue;
        }
        s->least = fmin(s->least, value);
        s->most = fmax(s->most, value);
        s->sum += value;
        s->n_nonzero += value > 0;
    }
}

static mb_status describe(mb_context *ctx, const mb_calo_file *file, mb_buffer *text) {
    summary s = {.least = INFINITY};
    mb_h5_file *h5 = NULL;
    MB_TRY(mb_h5_open(ctx, file->path, &h5));
    mb_status status = MB_OK;
    for (size_t row = 0; row < file->n_events && status == MB_OK; row += INSPECT_ROWS) {
        mb_array array = {0};
        const size_t n = mb_min_size(INSPECT_ROWS, file->n_events - row);
        status = mb_h5_read_rows(h5, file->dataset, row, n, &array);
        if (status == MB_OK) {
            look_at(&s, &array);
        }
        mb_array_clear(&array);
    }
    mb_h5_close(h5);
    MB_TRY(status);
    const double n_values = (double)file->n_events * MB_CALO_N_REGIONS;
    mb_buffer_format(text,
        "calorimeter regions (calo): %zu events of %d x %d, %zu accepted; %s, %s\n", file->n_events,
        MB_CALO_N_PHI, MB_CALO_N_ETA, file->n_accepted, file->dataset, mb_dtype_name(file->dtype));
    const double n_good = n_values - (double)s.n_bad;
    if (n_good > 0) {
        mb_buffer_format(text,
            "  ET %g to %g, mean %.4g counts of 0.5 GeV; %.1f %% of the regions are not 0\n",
            s.least, s.most, s.sum / n_good, 100 * (double)s.n_nonzero / n_good);
    }
    if (s.n_bad > 0) {
        mb_buffer_format(text,
            "  %zu values are no whole numbers 0 .. %d: read it with data.on_bad: drop or clip\n",
            s.n_bad, MB_CALO_MAX_ET);
    }
    return text->status;
}

// X is a common name: only with the regions' own axes is it ours.
static mb_status is_region_file(mb_context *ctx, const char *path, bool *out) {
    mb_h5_file *h5 = NULL;
    *out = false;
    mb_status status = mb_h5_open(ctx, path, &h5);
    if (status == MB_OK) {
        *out = mb_h5_exists(h5, "CaloRegions");
        mb_h5_info info;
        if (!*out && mb_h5_exists(h5, "X") && mb_h5_get_info(h5, "X", &info) == MB_OK) {
            *out =
                info.rank >= 3 && info.shape[1] == MB_CALO_N_PHI && info.shape[2] == MB_CALO_N_ETA;
        }
        status = mb_context_status(ctx);
    }
    mb_h5_close(h5);
    return status;
}

static mb_status inspect(mb_context *ctx, const char *path, bool *is_mine, mb_buffer *text) {
    const mb_status status = is_region_file(ctx, path, is_mine);
    if (status != MB_OK && status != MB_ERR_MEMORY) {
        // Not HDF5: another reader's file.
        mb_context_clear(ctx);
        *is_mine = false;
        return MB_OK;
    }
    MB_TRY(status);
    if (!*is_mine) {
        return MB_OK;
    }
    mb_calo_file file;
    mb_status result = mb_calo_file_open(ctx, path, &file);
    if (result == MB_OK) {
        result = describe(ctx, &file, text);
    }
    mb_calo_file_clear(&file, ctx);
    return result;
}

const mb_detector_ops mb_detector_calo = {
    .name = "calo",
    .study = "cicada-benchmark",
    .help = "18 x 14 calorimeter regions in HDF5 files; background, signals, synthetic deposits",
    .data_options = mb_calo_data_options,
    .data_options_size = sizeof(mb_calo_settings),
    .compat_names = mb_calo_compat_names,
    .simulate_options = mb_calo_simulate_options,
    .simulate_options_size = sizeof(mb_calo_simulate_record),
    .simulate = mb_calo_simulate,
    .has_files = has_files,
    .load = mb_calo_load,
    .pictures = mb_calo_pictures,
    .inspect = inspect,
};
