// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/concentrator/files.h"
#include "detector/concentrator/load.h"
#include "detector/concentrator/pictures.h"
#include "detector/concentrator/rows.h"
#include "detector/concentrator/simulate.h"

static mb_status has_files(mb_context *ctx, const mb_detector_request *request, bool *out) {
    mb_calq_settings settings;
    MB_TRY(mb_calq_settings_read(ctx, request, &settings));
    return mb_calq_has_files(ctx, request, &settings, out);
}

static mb_status describe(mb_context *ctx, mb_lines *lines, const mb_calq_layout *layout,
    char *text, size_t length, mb_buffer *out) {
    size_t n = 0;
    size_t n_bad = 0;
    size_t n_empty = 0;
    size_t n_hits = 0;
    double most = 0;
    double all = 0;
    while (text != NULL) {
        mb_calq_row row;
        mb_calq_problem problem;
        size_t n_forced;
        const bool is_good =
            mb_calq_row_read(layout, text, length, false, &row, &n_forced, &problem);
        n_bad += !is_good;
        double sum = 0;
        for (size_t i = 0; i < MB_CALQ_CELLS && is_good; i++) {
            sum += row.charge[i];
            n_hits += row.charge[i] > 0;
            most = row.charge[i] > most ? row.charge[i] : most;
        }
        n_empty += is_good && !(sum > 0);
        all += sum;
        n++;
        MB_TRY(mb_lines_next(lines, &text, &length));
    }
    (void)ctx;
    const double n_good = n > n_bad ? (double)(n - n_bad) : 1;
    mb_buffer_format(out, "%s: charges of modules, %zu rows of %zu fields, %s names\n", lines->name,
        n, layout->n_columns, layout->has_header ? "with" : "without");
    mb_buffer_format(out, "  %zu rows without charge, %zu bad rows\n", n_empty, n_bad);
    mb_buffer_format(out, "  hit cells %.2f, sum %.1f counts, on average; largest charge %g\n",
        (double)n_hits / n_good, all / n_good, most);
    return out->status;
}

// A table whose first line names charges. Without names, any table of numbers might be one.
static mb_status inspect_lines(mb_context *ctx, mb_lines *lines, bool *is_mine, mb_buffer *text) {
    char *line;
    size_t length;
    mb_calq_layout layout;
    MB_TRY(mb_lines_next(lines, &line, &length));
    *is_mine = line != NULL && strstr(line, "CALQ_") != NULL;
    if (!*is_mine) {
        return MB_OK;
    }
    MB_TRY(mb_calq_layout_read(&layout, lines, line, length, MB_CALQ_HEADER_AUTO));
    MB_TRY(mb_lines_next(lines, &line, &length));
    return describe(ctx, lines, &layout, line, length, text);
}

static mb_status inspect(mb_context *ctx, const char *path, bool *is_mine, mb_buffer *text) {
    *is_mine = false;
    if (!mb_path_has_suffix(path, ".csv") && !mb_path_has_suffix(path, ".csv.gz")) {
        return MB_OK;
    }
    mb_lines lines = {0};
    mb_status status = mb_lines_open(&lines, ctx, path);
    if (status == MB_OK) {
        status = inspect_lines(ctx, &lines, is_mine, text);
    }
    mb_lines_close(&lines);
    return status;
}

const mb_detector_ops mb_detector_concentrator = {
    .name = "concentrator",
    .study = "econt-autoencoder",
    .help = "48 trigger-cell charges of a module, CSV; encoders that fit into its links",
    .data_options = mb_calq_data_options,
    .data_options_size = sizeof(mb_calq_settings),
    .compat_names = mb_calq_compat_names,
    .simulate_options = mb_calq_simulate_options,
    .simulate_options_size = sizeof(mb_calq_simulate_record),
    .simulate = mb_calq_simulate,
    .has_files = has_files,
    .load = mb_concentrator_load,
    .pictures = mb_concentrator_pictures,
    .inspect = inspect,
};
