// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "draw/figures_rate.h"

#include "base/numbers.h"
#include "draw/figure.h"

#include <math.h>

enum { ROC_POINTS = 401, LONGEST_LABEL = 160, MOST_LINE_POINTS = 2000 };

// Of the input rate: where the axis of a ROC in rate starts.
static const double lowest_fraction = 1e-5;
static const double lowest_efficiency = 0.01;

// Mean and standard deviation (divisor n) of one number of each ROC.
static void spread_of(const double *values, size_t n, double *mean, double *deviation) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += values[i];
    }
    *mean = sum / (double)n;
    double squares = 0;
    for (size_t i = 0; i < n; i++) {
        squares += (values[i] - *mean) * (values[i] - *mean);
    }
    *deviation = sqrt(squares / (double)n);
}

static void rate_label(const mb_rate_roc *curve, double *values, char *label, size_t size) {
    for (size_t i = 0; i < curve->n_rocs; i++) {
        values[i] = curve->rocs[i].auc;
    }
    double mean;
    double deviation;
    spread_of(values, curve->n_rocs, &mean, &deviation);
    deviation = curve->n_rocs > 1 ? deviation : curve->rocs[0].auc_error;
    if (isnan(deviation)) {
        mb_format(label, size, "%s: AUC %.4f", curve->label, mean);
    } else {
        mb_format(label, size, "%s: AUC %.4f ± %.4f", curve->label, mean, deviation);
    }
}

static mb_status add_rate_roc(
    mb_panel *panel, mb_context *ctx, const mb_rate_roc *curve, double input, int color) {
    enum { X, Y, LOW, HIGH, N_COLUMNS };
    if (curve->n_rocs == 0) {
        return MB_OK;
    }
    double *memory = mb_allocate(ctx, N_COLUMNS * ROC_POINTS + curve->n_rocs, sizeof *memory);
    if (memory == NULL) {
        return MB_ERR_MEMORY;
    }
    double *column[N_COLUMNS];
    for (size_t c = 0; c < N_COLUMNS; c++) {
        column[c] = memory + c * ROC_POINTS;
    }
    double *values = memory + N_COLUMNS * ROC_POINTS;
    mb_false_rates_log(column[X], ROC_POINTS, lowest_fraction);
    for (size_t i = 0; i < ROC_POINTS; i++) {
        for (size_t k = 0; k < curve->n_rocs; k++) {
            values[k] = mb_roc_true_rate_at(&curve->rocs[k], column[X][i]);
        }
        double deviation;
        spread_of(values, curve->n_rocs, &column[Y][i], &deviation);
        column[LOW][i] = column[Y][i] - deviation;
        column[HIGH][i] = column[Y][i] + deviation;
        column[X][i] *= input;
    }
    char label[LONGEST_LABEL];
    rate_label(curve, values, label, sizeof label);
    const bool has_band = curve->n_rocs > 1;
    mb_panel_series(panel, &(mb_series){.kind = has_band ? MB_SERIES_BAND : MB_SERIES_LINE,
                               .label = label,
                               .name = curve->label,
                               .x = mb_values_f64(column[X], ROC_POINTS),
                               .y = mb_values_f64(column[Y], ROC_POINTS),
                               .low = mb_values_f64(column[LOW], has_band ? ROC_POINTS : 0),
                               .high = mb_values_f64(column[HIGH], has_band ? ROC_POINTS : 0),
                               .color = color});
    mb_release(ctx, memory);
    return MB_OK;
}

mb_status mb_draw_rate_roc(mb_gallery *gallery, mb_context *ctx,
    const mb_rate_roc_settings *settings, const mb_rate_roc *curves, size_t n) {
    if (!(settings->input_khz > 0) || !isfinite(settings->input_khz)) {
        return mb_fail(ctx, MB_ERR_RANGE,
            "figure %s: the input rate is %g kHz; it must be a positive number", settings->name,
            settings->input_khz);
    }
    const bool is_mhz = settings->input_khz >= 1000;
    const double unit = is_mhz ? 1000 : 1;
    const double input = settings->input_khz / unit;
    bool has_band = false;
    for (size_t i = 0; i < n; i++) {
        has_band = has_band || curves[i].n_rocs > 1;
    }
    mb_figure *figure = mb_figure_create(ctx, settings->name, 11, 6);
    mb_figure_caption(figure,
        "Share of signal events kept against the trigger rate, both logarithmic. Higher is better; "
        "the left end is the tightest threshold.%s",
        has_band ? " Curves with a band are means over repeated trainings, the band is one "
                   "standard deviation."
                 : "");
    mb_panel *panel = mb_figure_panel(
        figure, &(mb_panel_settings){.title = settings->title,
                    .x = {.label = is_mhz ? "Trigger rate (MHz)" : "Trigger rate (kHz)",
                        .is_log = true,
                        .has_range = true,
                        .low = lowest_fraction * input,
                        .high = input},
                    .y = {.label = "Signal efficiency",
                        .is_log = true,
                        .has_range = true,
                        .low = lowest_efficiency,
                        .high = 1},
                    .legend = MB_LEGEND_OUTSIDE});
    mb_status status = MB_OK;
    for (size_t i = 0; status == MB_OK && i < n; i++) {
        status = add_rate_roc(panel, ctx, &curves[i], input, 0);
    }
    if (settings->working_khz > 0) {
        char text[32];
        mb_panel_vertical(panel, settings->working_khz / unit,
            mb_rate_format(settings->working_khz, text, sizeof text));
    }
    return mb_gallery_finish(gallery, ctx, figure, status);
}

// The mean with its band, edges kept within 0 .. 1.
static mb_status add_mean(mb_panel *panel, mb_context *ctx, const mb_roc_band *band) {
    const size_t n = band->n_points;
    double *edge = mb_allocate(ctx, n, 2 * sizeof *edge);
    if (edge == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < n; i++) {
        edge[i] = fmax(0, band->mean[i] - band->deviation[i]);
        edge[n + i] = fmin(1, band->mean[i] + band->deviation[i]);
    }
    char label[LONGEST_LABEL];
    mb_format(label, sizeof label, "mean: AUC %.4f ± %.4f", band->auc_mean, band->auc_deviation);
    mb_panel_series(panel, &(mb_series){.kind = MB_SERIES_BAND,
                               .label = label,
                               .name = "mean",
                               .x = mb_values_f64(band->false_rate, n),
                               .y = mb_values_f64(band->mean, n),
                               .low = mb_values_f64(edge, n),
                               .high = mb_values_f64(edge + n, n),
                               .color = 1});
    mb_release(ctx, edge);
    return MB_OK;
}

mb_status mb_draw_roc_band(mb_gallery *gallery, mb_context *ctx, const char *name,
    const char *title, const mb_roc_band *band) {
    static const double line[2] = {0, 1};
    mb_figure *figure = mb_figure_create(ctx, name, 9.5, 5.5);
    mb_figure_caption(figure,
        "ROC curve of each of %zu folds (thin), their mean, and one standard deviation around it.",
        band->n_folds);
    mb_panel *panel = mb_figure_panel(
        figure, &(mb_panel_settings){.title = title,
                    .x = {.label = "Background efficiency", .has_range = true, .high = 1},
                    .y = {.label = "Signal efficiency", .has_range = true, .high = 1.02},
                    .legend = MB_LEGEND_OUTSIDE});
    for (size_t fold = 0; fold < band->n_folds; fold++) {
        char label[LONGEST_LABEL];
        mb_format(label, sizeof label, "fold %zu: AUC %.4f", fold + 1, band->auc[fold]);
        mb_panel_series(
            panel, &(mb_series){.kind = MB_SERIES_LINE,
                       .label = label,
                       .x = mb_values_f64(band->false_rate, band->n_points),
                       .y = mb_values_f64(band->true_rate + fold * band->n_points, band->n_points),
                       .is_thin = true,
                       .color = 2 + (int)(fold % 7),
                       .is_dashed = fold >= 7});
    }
    const mb_status status = add_mean(panel, ctx, band);
    mb_panel_series(panel, &(mb_series){.kind = MB_SERIES_LINE,
                               .label = "chance",
                               .x = mb_values_f64(line, 2),
                               .y = mb_values_f64(line, 2),
                               .color = 9,
                               .is_dashed = true});
    return mb_gallery_finish(gallery, ctx, figure, status);
}

// What a picture can show of a curve: points evenly by threshold, and the last ones all, which are
// the tightest.
static mb_status add_rates(mb_panel *panel, mb_context *ctx, const mb_rate_line *line, int color) {
    const mb_rate_curve *curve = line->curve;
    double *memory = mb_allocate(ctx, curve->n, 2 * sizeof *memory);
    if (memory == NULL) {
        return MB_ERR_MEMORY;
    }
    double *x = memory;
    double *y = memory + curve->n;
    const double span = curve->threshold[curve->n - 1] - curve->threshold[0];
    size_t n = 0;
    for (size_t i = 0; i < curve->n; i++) {
        const bool is_end = i == 0 || i + 1 == curve->n;
        if (is_end || curve->threshold[i] - x[n - 1] >= span / MOST_LINE_POINTS) {
            x[n] = curve->threshold[i];
            y[n++] = curve->rate_khz[i];
        }
    }
    mb_panel_series(panel, &(mb_series){.kind = MB_SERIES_LINE,
                               .label = line->label,
                               .x = mb_values_f64(x, n),
                               .y = mb_values_f64(y, n),
                               .color = color});
    mb_release(ctx, memory);
    return MB_OK;
}

static bool have_common_range(const mb_rate_curve *a, const mb_rate_curve *b) {
    return fmax(a->threshold[0], b->threshold[0]) <
           fmin(a->threshold[a->n - 1], b->threshold[b->n - 1]);
}

static mb_status add_ratio(mb_panel *panel, mb_context *ctx, const mb_rate_line *line,
    const mb_rate_line *first, int color) {
    mb_rate_ratio ratio[MB_RATE_RATIO_POINTS];
    double x[MB_RATE_RATIO_POINTS];
    double y[MB_RATE_RATIO_POINTS];
    MB_TRY(mb_rate_curve_ratio(ctx, line->curve, first->curve, ratio));
    for (size_t i = 0; i < MB_RATE_RATIO_POINTS; i++) {
        x[i] = ratio[i].threshold;
        y[i] = ratio[i].ratio;
    }
    char name[LONGEST_LABEL];
    mb_format(name, sizeof name, "%s over %s", line->label, first->label);
    mb_panel_series(panel, &(mb_series){.kind = MB_SERIES_LINE,
                               .name = name,
                               .x = mb_values_f64(x, MB_RATE_RATIO_POINTS),
                               .y = mb_values_f64(y, MB_RATE_RATIO_POINTS),
                               .color = color});
    return MB_OK;
}

static mb_status add_rate_panels(
    mb_figure *figure, mb_context *ctx, const char *x_label, const mb_rate_line *lines, size_t n) {
    double low = INFINITY;
    double high = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        low = fmin(low, lines[i].curve->threshold[0]);
        high = fmax(high, lines[i].curve->threshold[lines[i].curve->n - 1]);
    }
    const bool has_ratio = n > 1;
    const mb_axis x = {.label = x_label, .has_range = true, .low = low, .high = high};
    mb_axis upper_x = x;
    upper_x.hides_label = has_ratio;
    mb_panel *upper =
        mb_figure_panel(figure, &(mb_panel_settings){.x = upper_x,
                                    .y = {.label = "Rate (kHz)", .is_log = true},
                                    .legend = MB_LEGEND_TOP_RIGHT,
                                    .place = {0.11, 0.97, has_ratio ? 0.4 : 0.12, 0.96}});
    mb_panel *lower = NULL;
    if (has_ratio) {
        lower = mb_figure_panel(figure, &(mb_panel_settings){.x = x,
                                            .y = {.label = "Ratio to first"},
                                            .legend = MB_LEGEND_NONE,
                                            .place = {0.11, 0.97, 0.1, 0.32}});
        mb_panel_horizontal(lower, 1, NULL);
    }
    for (size_t i = 0; i < n; i++) {
        MB_TRY(add_rates(upper, ctx, &lines[i], 1 + (int)(i % 8)));
        if (i > 0 && have_common_range(lines[i].curve, lines[0].curve)) {
            MB_TRY(add_ratio(lower, ctx, &lines[i], &lines[0], 1 + (int)(i % 8)));
        }
    }
    return MB_OK;
}

mb_status mb_draw_rate_curves(mb_gallery *gallery, mb_context *ctx, const char *name,
    const char *x_label, const mb_rate_line *lines, size_t n) {
    mb_figure *figure = mb_figure_create(ctx, name, 9, n > 1 ? 7.5 : 5.5);
    mb_figure_columns(figure, 1);
    mb_figure_caption(figure, "Trigger rate against the threshold on the score%s%s%s.",
        n > 1 ? "; below, the rate of each further curve over that of the first (" : "",
        n > 1 ? lines[0].label : "", n > 1 ? ")" : "");
    return mb_gallery_finish(gallery, ctx, figure,
        add_rate_panels(figure, ctx, x_label != NULL ? x_label : "Threshold", lines, n));
}
