// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/math.h"
#include "base/numbers.h"
#include "draw/figures_econt.h"
#include "draw/histograms.h"
#include "measure/sorted.h"

#include <math.h>

enum {
    CELLS = MB_MODULE_CELLS,
    LONGEST_TEXT = 160,
    N_BINS = 60,
    MOST_BANDS = 2,
    FEW_WAYS = 4,
    LEAST_IN_BIN = 5
};
static const double counts_a_mipt = 35;

static bool is_empty(double value) {
    return value == MB_EMD_EMPTY_INPUT || value == MB_EMD_EMPTY_OUTPUT;
}

// The values without the numbers that stand for none; NULL on failure.
static double *take_values(mb_context *ctx, const double *values, size_t n, size_t *n_taken) {
    double *taken = mb_allocate(ctx, n, sizeof *taken);
    *n_taken = 0;
    for (size_t i = 0; taken != NULL && i < n; i++) {
        if (!is_empty(values[i]) && isfinite(values[i])) {
            taken[(*n_taken)++] = values[i];
        }
    }
    return taken;
}

// A range that a few far rows do not stretch.
static mb_status find_range(mb_context *ctx, const mb_econt_way *ways, size_t n_ways, size_t n,
    double share, double *low, double *high) {
    *low = 0;
    *high = 0;
    for (size_t k = 0; k < n_ways; k++) {
        size_t n_taken;
        double *taken = take_values(ctx, ways[k].values, n, &n_taken);
        if (taken == NULL) {
            return MB_ERR_MEMORY;
        }
        if (n_taken > 0) {
            mb_sort_doubles(taken, n_taken);
            *low = fmin(*low, mb_quantile_of_sorted(taken, n_taken, 1 - share));
            *high = fmax(*high, mb_quantile_of_sorted(taken, n_taken, share));
        }
        mb_release(ctx, taken);
    }
    *high = *high > *low ? *high : *low + 1;
    return MB_OK;
}

static mb_status add_histogram(mb_panel *panel, mb_context *ctx, const mb_econt_way *way, size_t n,
    mb_binning binning, bool is_filled) {
    mb_emd_summary s;
    size_t n_taken;
    MB_TRY(mb_module_summarise(&s, ctx, way->values, n, false));
    double *taken = take_values(ctx, way->values, n, &n_taken);
    if (taken == NULL) {
        return MB_ERR_MEMORY;
    }
    char label[LONGEST_TEXT];
    mb_format(label, sizeof label, "%.60s: %.3g (%.3g, %.3g), mean %.3g ± %.3g", way->label,
        s.median, s.low, s.high, s.mean, s.std);
    const mb_histogram_set set = {label, mb_values_f64(taken, n_taken)};
    const mb_status status = mb_panel_histogram(panel, ctx, binning, set, true, is_filled);
    mb_release(ctx, taken);
    return status;
}

mb_status mb_draw_metric_histogram(mb_gallery *gallery, mb_context *ctx,
    const mb_module_metric *metric, const mb_econt_way *ways, size_t n_ways, size_t n) {
    char name[LONGEST_TEXT];
    mb_binning binning = {.n_bins = N_BINS};
    MB_TRY(find_range(ctx, ways, n_ways, n, 0.995, &binning.low, &binning.high));
    mb_format(name, sizeof name, "hist_%s", metric->name);
    const bool has_many = n_ways > FEW_WAYS;
    mb_figure *figure = mb_figure_create(ctx, name, has_many ? 13 : 9, 5);
    mb_figure_font(figure, 12);
    mb_figure_caption(figure,
        "Rows by %s (%s). The legend has the median (16 and 84 %%), the mean and the spread; rows "
        "without charge on either side, and half a percent at each far end, are not shown.",
        metric->name, metric->help);
    mb_panel *panel =
        mb_figure_panel(figure, &(mb_panel_settings){.x = {.label = metric->label,
                                                         .has_range = true,
                                                         .low = binning.low,
                                                         .high = binning.high},
                                    .y = {.label = "Density of rows", .is_log = n_ways > 1},
                                    .legend = has_many ? MB_LEGEND_OUTSIDE : MB_LEGEND_TOP_RIGHT});
    mb_status status = MB_OK;
    for (size_t k = 0; k < n_ways && status == MB_OK; k++) {
        status = add_histogram(panel, ctx, &ways[k], n, binning, n_ways == 1);
    }
    return mb_gallery_finish(gallery, ctx, figure, status);
}

mb_status mb_draw_metric_compare(mb_gallery *gallery, mb_context *ctx,
    const mb_module_metric *metric, const mb_econt_way *ways, size_t n_ways, size_t n) {
    char name[LONGEST_TEXT];
    enum { X, MEDIAN, LOW, HIGH, MEAN, N_COLUMNS };
    double *columns = mb_allocate(ctx, n_ways, N_COLUMNS * sizeof *columns);
    mb_tick *ticks = mb_allocate_zeroed(ctx, n_ways, sizeof *ticks);
    mb_status status = columns != NULL && ticks != NULL ? MB_OK : MB_ERR_MEMORY;
    for (size_t k = 0; k < n_ways && status == MB_OK; k++) {
        mb_emd_summary s;
        status = mb_module_summarise(&s, ctx, ways[k].values, n, false);
        const double row[N_COLUMNS] = {(double)k, s.median, s.low, s.high, s.mean};
        for (size_t c = 0; c < N_COLUMNS; c++) {
            columns[c * n_ways + k] = row[c];
        }
        ticks[k].text = ways[k].label;
    }
    if (status == MB_OK) {
        mb_format(name, sizeof name, "compare_%s", metric->name);
        mb_figure *figure = mb_figure_create(ctx, name, fmin(4 + 0.8 * (double)n_ways, 20), 5);
        mb_figure_caption(figure,
            "%s: median with the middle 68 %% of the rows, and mean, of each way to encode.",
            metric->label);
        mb_panel *panel =
            // Room for the turned name of the first.
            mb_figure_panel(figure, &(mb_panel_settings){.place = {0.16, 0.97, 0.3, 0.95},
                                        .x = {.label = "Encoded by",
                                            .hides_label = true,
                                            .has_range = true,
                                            .low = -0.5,
                                            .high = (double)n_ways - 0.5,
                                            .ticks = ticks,
                                            .n_ticks = n_ways,
                                            .tick_angle = n_ways > 3 ? 30 : 0},
                                        .y = {.label = metric->label}});
        mb_panel_series(panel, &(mb_series){.kind = MB_SERIES_ERRORS,
                                   .label = "median, middle 68 %",
                                   .x = mb_values_f64(columns, n_ways),
                                   .y = mb_values_f64(columns + MEDIAN * n_ways, n_ways),
                                   .low = mb_values_f64(columns + LOW * n_ways, n_ways),
                                   .high = mb_values_f64(columns + HIGH * n_ways, n_ways)});
        mb_panel_series(panel, &(mb_series){.kind = MB_SERIES_POINTS,
                                   .label = "mean",
                                   .x = mb_values_f64(columns, n_ways),
                                   .y = mb_values_f64(columns + MEAN * n_ways, n_ways)});
        status = mb_gallery_add(gallery, ctx, figure);
    }
    mb_release(ctx, columns);
    mb_release(ctx, ticks);
    return status;
}

static double log_to_ten(double x) {
    return mb_log(x) * 0.43429448190325182765;
}

mb_status mb_econt_rows_make(
    mb_econt_rows *out, mb_arena *arena, mb_context *ctx, const float *charges, size_t n) {
    double *memory = mb_arena_allocate(arena, ctx, mb_max_size(n, 1), 4 * sizeof *memory);
    if (memory == NULL) {
        return MB_ERR_MEMORY;
    }
    *out = (mb_econt_rows){n, memory, memory + n, memory + 2 * n, memory + 3 * n};
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        out->above[i] = 0;
        out->largest[i] = 0;
        for (size_t k = 0; k < CELLS; k++) {
            const double charge = (double)charges[i * CELLS + k] / counts_a_mipt;
            sum += charge;
            out->above[i] += charge > 1;
            out->largest[i] = fmax(out->largest[i], charge);
        }
        out->log_largest[i] = log_to_ten(out->largest[i]);
        out->log_sum[i] = log_to_ten(sum);
    }
    return MB_OK;
}

#define COLUMN(name) offsetof(mb_econt_rows, name)

static const char above_label[] = "Cells above a MIPT";
static const char largest_label[] = "Largest charge, log10 of MIPT";
static const char sum_label[] = "Sum of charges, log10 of MIPT";

#define OVER_OCCUPANCY above_label, NULL, COLUMN(above), 12, 0, 24
#define ALL_ROWS       COLUMN(above), -INFINITY, INFINITY
#define IN_OCCUPANCY(name, title, from, to)                                                        \
    { name, sum_label, title, COLUMN(log_sum), 20, 0, 2.5, COLUMN(above), from, to }
#define IN_CHARGE(name, title, from, to)                                                           \
    { name, above_label, title, COLUMN(above), 12, 0, 24, COLUMN(largest), from, to }

enum { N_WHOLE = 3, N_RANGES = 5 };

const mb_econt_slice mb_econt_slices[] = {
    {"occ", OVER_OCCUPANCY, ALL_ROWS},
    {"max", largest_label, NULL, COLUMN(log_largest), 20, 0, 2.5, ALL_ROWS},
    {"sum", sum_label, NULL, COLUMN(log_sum), 20, 0, 2.5, ALL_ROWS},
    IN_OCCUPANCY("sum_occ_0_2", "0 to 2 cells", -INFINITY, 2),
    IN_OCCUPANCY("sum_occ_2_5", "3 to 5 cells", 2, 5),
    IN_OCCUPANCY("sum_occ_5_10", "6 to 10 cells", 5, 10),
    IN_OCCUPANCY("sum_occ_10_15", "11 to 15 cells", 10, 15),
    IN_OCCUPANCY("sum_occ_15_inf", "more than 15 cells", 15, INFINITY),
    IN_CHARGE("occ_chg_0_2", "up to 2 MIPT", -INFINITY, 2),
    IN_CHARGE("occ_chg_2_5", "2 to 5 MIPT", 2, 5),
    IN_CHARGE("occ_chg_5_10", "5 to 10 MIPT", 5, 10),
    IN_CHARGE("occ_chg_10_50", "10 to 50 MIPT", 10, 50),
    IN_CHARGE("occ_chg_50_inf", "more than 50 MIPT", 50, INFINITY),
};
const size_t mb_econt_n_slices = MB_COUNT_OF(mb_econt_slices);

static const double *column_of(const mb_econt_rows *rows, size_t offset) {
    double *column;
    memcpy(&column, (const char *)rows + offset, sizeof column);
    return column;
}

mb_status mb_econt_profile_make(mb_profile *out, mb_context *ctx, const mb_econt_slice *slice,
    const mb_econt_rows *rows, const double *values) {
    *out = (mb_profile){.runtime = mb_context_runtime(ctx)};
    bool *use = mb_allocate(ctx, rows->n, sizeof *use);
    if (use == NULL) {
        return MB_ERR_MEMORY;
    }
    const double *in = column_of(rows, slice->in);
    for (size_t i = 0; i < rows->n; i++) {
        use[i] = !is_empty(values[i]) && in[i] > slice->from && in[i] <= slice->to;
    }
    const mb_status status =
        mb_profile_make(out, ctx, mb_values_f64(column_of(rows, slice->x), rows->n),
            mb_values_f64(values, rows->n), use, slice->n_bins, slice->low, slice->high);
    mb_release(ctx, use);
    return status;
}

void mb_econt_profile_write(const mb_profile *profile, mb_buffer *text) {
    for (size_t i = 0; i < profile->n_bins; i++) {
        const mb_profile_bin *bin = &profile->bin[i];
        if (bin->n > 0) {
            mb_buffer_format(text, "%.6f %.6f %.6f %.6f\n", bin->centre, bin->median,
                bin->median - bin->low, bin->high - bin->median);
        }
    }
}

// A band, or where there are too many to be told apart only its middle.
static mb_status add_profile(mb_panel *panel, mb_context *ctx, const mb_econt_slice *slice,
    const mb_econt_rows *rows, const mb_econt_way *way, bool is_band, bool has_label) {
    mb_profile profile;
    double columns[4][32];
    MB_TRY(mb_econt_profile_make(&profile, ctx, slice, rows, way->values));
    size_t n = 0;
    for (size_t i = 0; i < profile.n_bins && n < MB_COUNT_OF(columns[0]); i++) {
        const mb_profile_bin *bin = &profile.bin[i];
        if (bin->n >= LEAST_IN_BIN) {
            columns[0][n] = bin->centre;
            columns[1][n] = bin->median;
            columns[2][n] = bin->low;
            columns[3][n++] = bin->high;
        }
    }
    mb_panel_series(panel, &(mb_series){.kind = is_band ? MB_SERIES_BAND : MB_SERIES_LINE_POINTS,
                               .label = has_label ? way->label : NULL,
                               .name = way->label,
                               .x = mb_values_f64(columns[0], n),
                               .y = mb_values_f64(columns[1], n),
                               .low = mb_values_f64(columns[2], is_band ? n : 0),
                               .high = mb_values_f64(columns[3], is_band ? n : 0)});
    mb_profile_clear(&profile);
    return MB_OK;
}

typedef struct profiles {
    const char *suffix, *where;
    size_t first, n; // slices
    double width;
} profiles;

static mb_status draw_profiles(mb_gallery *gallery, mb_context *ctx, const profiles *p,
    const mb_module_metric *metric, const mb_econt_rows *rows, const mb_econt_way *ways,
    size_t n_ways) {
    char name[LONGEST_TEXT];
    double low;
    double high;
    MB_TRY(find_range(ctx, ways, n_ways, rows->n, 0.95, &low, &high));
    mb_format(name, sizeof name, "profile_%s%s", metric->name, p->suffix);
    mb_figure *figure = mb_figure_create(ctx, name, p->width, 4.2);
    mb_figure_font(figure, 11);
    mb_figure_caption(figure,
        "%s%s: median of the rows%s. Bins with fewer than 5 rows are left out.", metric->label,
        p->where, n_ways <= MOST_BANDS ? ", and in the band the middle 68 % of them" : "");
    mb_status status = MB_OK;
    for (size_t i = p->first; i < p->first + p->n; i++) {
        const mb_econt_slice *slice = &mb_econt_slices[i];
        const bool is_first = i == p->first;
        mb_panel *panel = mb_figure_panel(
            figure, &(mb_panel_settings){.title = slice->title,
                        .x = {.label = slice->label,
                            .has_range = true,
                            .low = slice->low,
                            .high = slice->high,
                            .most_numbers = 5},
                        .y = {.label = metric->label, .has_range = true, .low = low, .high = high},
                        .legend = is_first ? MB_LEGEND_TOP_RIGHT : MB_LEGEND_NONE});
        for (size_t k = 0; k < n_ways && status == MB_OK; k++) {
            status = add_profile(panel, ctx, slice, rows, &ways[k], n_ways <= MOST_BANDS, is_first);
        }
    }
    return mb_gallery_finish(gallery, ctx, figure, status);
}

mb_status mb_draw_metric_profiles(mb_gallery *gallery, mb_context *ctx,
    const mb_module_metric *metric, const mb_econt_rows *rows, const mb_econt_way *ways,
    size_t n_ways, bool with_ranges) {
    static const profiles all[] = {
        {"", " against occupancy, largest charge and sum", 0, N_WHOLE, 13},
        {"_by_occupancy", " against the sum of charges, by cells above a MIPT", N_WHOLE, N_RANGES,
            18},
        {"_by_charge", " against cells above a MIPT, by the largest charge", N_WHOLE + N_RANGES,
            N_RANGES, 18}};
    for (size_t i = 0; i < (with_ranges ? MB_COUNT_OF(all) : 1); i++) {
        MB_TRY(draw_profiles(gallery, ctx, &all[i], metric, rows, ways, n_ways));
    }
    return MB_OK;
}

static bool is_new_label(const mb_econt_bits *points, size_t i) {
    for (size_t k = 0; k < i; k++) {
        if (strcmp(points[k].label, points[i].label) == 0) {
            return false;
        }
    }
    return true;
}

mb_status mb_draw_metric_bits(mb_gallery *gallery, mb_context *ctx, const char *metric,
    const mb_econt_bits *points, size_t n) {
    enum { MOST = 64 };
    mb_figure *figure = mb_figure_create(ctx, "bits", 9, 4.5);
    mb_figure_caption(figure,
        "Mean %s when each output of the encoder keeps its uppermost bits only: 3, 5, 7 and 9 fit "
        "into 2, 3, 4 and 5 links.",
        metric);
    mb_panel *panel = mb_figure_panel(
        figure, &(mb_panel_settings){.x = {.label = "Bits of an encoder output", .is_whole = true},
                    .y = {.label = metric},
                    .legend = MB_LEGEND_OUTSIDE});
    for (size_t i = 0; i < n; i++) {
        double columns[4][MOST];
        size_t n_line = 0;
        for (size_t k = i; is_new_label(points, i) && k < n && n_line < MOST; k++) {
            if (strcmp(points[k].label, points[i].label) == 0) {
                columns[0][n_line] = points[k].bits;
                columns[1][n_line] = points[k].mean;
                columns[2][n_line] = points[k].mean - points[k].error;
                columns[3][n_line++] = points[k].mean + points[k].error;
            }
        }
        if (n_line > 0) {
            mb_panel_series(panel, &(mb_series){.kind = MB_SERIES_BAND,
                                       .label = points[i].label,
                                       .x = mb_values_f64(columns[0], n_line),
                                       .y = mb_values_f64(columns[1], n_line),
                                       .low = mb_values_f64(columns[2], n_line),
                                       .high = mb_values_f64(columns[3], n_line)});
        }
    }
    return mb_gallery_add(gallery, ctx, figure);
}

mb_status mb_draw_weights(
    mb_gallery *gallery, mb_context *ctx, const mb_histogram_set *weights, size_t n) {
    const size_t n_columns = mb_min_size(mb_max_size(n, 1), 4);
    const double n_rows = (double)((n + n_columns - 1) / n_columns);
    mb_figure *figure = mb_figure_create(
        ctx, "weights", 3.4 * (double)n_columns, fmin(2.6 * fmax(n_rows, 1) + 0.2, 100));
    mb_figure_font(figure, 10);
    mb_figure_columns(figure, n_columns);
    mb_figure_caption(figure,
        "The weights of the model, layer by layer; those with a quantiser as the layer computes "
        "with them.");
    mb_status status = MB_OK;
    for (size_t i = 0; i < n && status == MB_OK; i++) {
        mb_panel *panel = mb_figure_panel(figure, &(mb_panel_settings){.title = weights[i].label,
                                                      .x = {.label = "Weight", .most_numbers = 4},
                                                      .y = {.label = "Weights", .most_numbers = 4},
                                                      .legend = MB_LEGEND_NONE});
        const mb_histogram_set set = {NULL, weights[i].values};
        status = mb_panel_histogram(panel, ctx, mb_binning_choose(&set, 1, 40), set, false, true);
    }
    return mb_gallery_finish(gallery, ctx, figure, status);
}
