// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/numbers.h"
#include "draw/histograms.h"
#include "draw/style.h"

#include <math.h>

enum { LONGEST_LABEL = 160, ROC_STEPS = 500, MOST_TRACK_BINS = 60 };

// The vertices that a picture can show: a curve of a million events has too many. Returns how many.
static size_t thin(const mb_roc *roc, double scale, double *false_rate, double *true_rate) {
    size_t n = 0;
    size_t last = 0;
    for (size_t i = 0; i < roc->n_vertices; i++) {
        const double x = mb_roc_false_rate(roc, i);
        const double y = mb_roc_true_rate(roc, i);
        const double last_x = mb_roc_false_rate(roc, last);
        const double step = 1.0 / ROC_STEPS;
        const bool is_far = x - last_x >= step || y - mb_roc_true_rate(roc, last) >= step ||
                            x > last_x * (1 + 5 * step);
        if (i == 0 || i + 1 == roc->n_vertices || is_far) {
            false_rate[n] = x * scale;
            true_rate[n++] = y;
            last = i;
        }
    }
    return n;
}

// label NULL: none.
static mb_status add_roc_line(mb_panel *panel, mb_context *ctx, const mb_roc *roc,
    const char *label, double scale, int color) {
    double *rates = mb_allocate(ctx, roc->n_vertices, 2 * sizeof *rates);
    if (rates == NULL) {
        return MB_ERR_MEMORY;
    }
    const size_t n = thin(roc, scale, rates, rates + roc->n_vertices);
    mb_panel_series(panel, &(mb_series){.kind = MB_SERIES_LINE,
                               .label = label,
                               .x = mb_values_f64(rates, n),
                               .y = mb_values_f64(rates + roc->n_vertices, n),
                               .color = color});
    mb_release(ctx, rates);
    return MB_OK;
}

static mb_status add_roc_curve(
    mb_panel *panel, mb_context *ctx, const mb_roc_curve *curve, double scale, int color) {
    char label[LONGEST_LABEL];
    if (isnan(curve->roc->auc_error)) {
        mb_format(label, sizeof label, "%s: AUC %.4f", curve->label, curve->roc->auc);
    } else {
        mb_format(label, sizeof label, "%s: AUC %.4f ± %.4f", curve->label, curve->roc->auc,
            curve->roc->auc_error);
    }
    return add_roc_line(panel, ctx, curve->roc, label, scale, color);
}

static void add_chance(mb_panel *panel, const char *label, int color) {
    static const double diagonal[2] = {0, 1};
    mb_panel_series(panel, &(mb_series){.kind = MB_SERIES_LINE,
                               .label = label,
                               .x = mb_values_f64(diagonal, 2),
                               .y = mb_values_f64(diagonal, 2),
                               .color = color,
                               .is_dashed = true});
}

static const mb_axis signal_axis = {
    .label = "Signal efficiency", .has_range = true, .low = 0, .high = 1};

// The lowest rate that any curve can have, for the left end of the logarithmic axis.
static double lowest_rate(const mb_roc_curve *curves, size_t n_curves) {
    double lowest = 0.1;
    for (size_t i = 0; i < n_curves; i++) {
        lowest = fmin(lowest, 1.0 / (double)curves[i].roc->n_background);
    }
    return lowest;
}

mb_status mb_draw_roc(mb_gallery *gallery, mb_context *ctx, const char *name,
    const mb_roc_curve *curves, size_t n_curves, double input_khz) {
    mb_figure *figure = mb_figure_create(ctx, name, 13, 5);
    mb_figure_caption(figure,
        "Signal efficiency against background efficiency, every threshold one point%s. AUC is the "
        "chance that a signal event scores above a background event; its error is DeLong's, from "
        "the number of events alone.",
        input_khz > 0 ? " (right: against the trigger rate)"
                      : " (right: the same, background logarithmic)");
    mb_panel *left = mb_figure_panel(
        figure, &(mb_panel_settings){.title = "ROC",
                    .x = {.label = "Background efficiency", .has_range = true, .high = 1},
                    .y = signal_axis,
                    .legend = MB_LEGEND_OUTSIDE});
    const double scale = input_khz > 0 ? input_khz : 1;
    mb_panel *right = mb_figure_panel(
        figure, &(mb_panel_settings){.title = "Tight thresholds",
                    .x = {.label = input_khz > 0 ? "Trigger rate (kHz)" : "Background efficiency",
                        .is_log = true,
                        .has_range = true,
                        .low = lowest_rate(curves, n_curves) * scale,
                        .high = scale},
                    .y = signal_axis,
                    .legend = MB_LEGEND_NONE});
    mb_status status = MB_OK;
    for (size_t i = 0; status == MB_OK && i < n_curves; i++) {
        status = add_roc_curve(left, ctx, &curves[i], 1, 1 + (int)(i % 8));
        if (status == MB_OK) {
            status = add_roc_curve(right, ctx, &curves[i], scale, 1 + (int)(i % 8));
        }
    }
    if (status != MB_OK) {
        mb_figure_destroy(figure);
        return status;
    }
    add_chance(left, "chance", MB_COLOR_GREY);
    return mb_gallery_add(gallery, ctx, figure);
}

mb_status mb_draw_roc_alone(
    mb_gallery *gallery, mb_context *ctx, const char *name, const mb_roc *roc) {
    mb_figure *figure = mb_figure_create(ctx, name, 6, 5.6);
    char error[LONGEST_LABEL] = "";
    if (!isnan(roc->auc_error)) {
        mb_format(error, sizeof error, ", here with a statistical error of %.4f", roc->auc_error);
    }
    mb_figure_caption(figure,
        "Share of the signal that is accepted against share of the background, every threshold one "
        "point. AUC is the chance that a signal event scores above a background event%s; the "
        "dashed line is a guess.",
        error);
    char title[LONGEST_LABEL];
    mb_format(title, sizeof title, "ROC Curve (AUC = %.3f)", roc->auc);
    mb_panel *panel = mb_figure_panel(
        figure, &(mb_panel_settings){.title = title,
                    .x = {.label = "False Positive Rate", .has_range = true, .high = 1},
                    .y = {.label = "True Positive Rate", .has_range = true, .high = 1},
                    .legend = MB_LEGEND_NONE});
    add_chance(panel, NULL, MB_COLOR_BLACK);
    const mb_status status = add_roc_line(panel, ctx, roc, NULL, 1, 1);
    return mb_gallery_finish(gallery, ctx, figure, status);
}

// Scores of one class, or all of them where there are no labels.
static mb_status add_class(mb_panel *panel, mb_context *ctx, mb_binning binning, mb_values scores,
    mb_values labels, double wanted) {
    double *chosen = mb_allocate(ctx, scores.n, sizeof *chosen);
    if (chosen == NULL) {
        return MB_ERR_MEMORY;
    }
    size_t n = 0;
    for (size_t i = 0; i < scores.n; i++) {
        if (labels.n == 0 || mb_values_get(labels, i) == wanted) {
            chosen[n++] = mb_values_get(scores, i);
        }
    }
    char label[LONGEST_LABEL];
    mb_format(label, sizeof label, "%s (%zu)",
        labels.n == 0 ? "All"
        : wanted != 0 ? "Signal"
                      : "Background",
        n);
    const mb_status status = mb_panel_histogram(
        panel, ctx, binning, (mb_histogram_set){label, mb_values_f64(chosen, n)}, false, true);
    mb_release(ctx, chosen);
    return status;
}

mb_status mb_draw_scores(mb_gallery *gallery, mb_context *ctx, bool are_edges, mb_values scores,
    mb_values labels, double threshold) {
    if (labels.n > 0 && labels.n != scores.n) {
        return mb_fail(ctx, MB_ERR_SHAPE,
            "figure scores: %zu labels for %zu scores; give one label for each score", labels.n,
            scores.n);
    }
    const mb_binning binning = mb_binning_choose(&(mb_histogram_set){NULL, scores}, 1, 0);
    mb_figure *figure = mb_figure_create(ctx, "scores", 7, 4.5);
    mb_figure_caption(figure,
        are_edges
            ? "Edges by score, 1 less the distance of their hits%s. The further the two classes "
              "are apart, the better; edges right of the dashed line are taken for one particle's."
            : "Events by trigger score%s. The further the two classes are apart, the better the "
              "trigger; events right of the dashed line are accepted.",
        labels.n > 0 ? ", each class on its own" : "");
    mb_panel *panel = mb_figure_panel(
        figure, &(mb_panel_settings){.title = are_edges ? "Score of edges" : "Trigger score",
                    .x = {.label = are_edges ? "1 - distance" : "Score"},
                    .y = {.label = are_edges ? "Edges" : "Events", .is_log = true},
                    .legend = MB_LEGEND_TOP_LEFT});
    mb_status status = add_class(panel, ctx, binning, scores, labels, 1);
    if (status == MB_OK && labels.n > 0) {
        status = add_class(panel, ctx, binning, scores, labels, 0);
    }
    if (status != MB_OK) {
        mb_figure_destroy(figure);
        return status;
    }
    if (isfinite(threshold)) {
        char text[LONGEST_LABEL];
        mb_format(text, sizeof text, "threshold %.4g", threshold);
        mb_panel_vertical(panel, threshold, text);
    }
    return mb_gallery_add(gallery, ctx, figure);
}

// What a turn-on figure is called and where its label cut lies.
typedef struct turn_on_look {
    const char *name, *title, *x_label, *cut_text;
    double cut;
} turn_on_look;

static mb_status add_turn_on(mb_panel *panel, mb_context *ctx, const mb_turn_on *curve) {
    enum { X, Y, LOW, HIGH, X_LOW, X_HIGH, N_COLUMNS };
    double *memory = mb_allocate(ctx, curve->n_bins, N_COLUMNS * sizeof *memory);
    if (memory == NULL) {
        return MB_ERR_MEMORY;
    }
    double *column[N_COLUMNS];
    mb_values values[N_COLUMNS];
    for (size_t c = 0; c < N_COLUMNS; c++) {
        column[c] = memory + c * curve->n_bins;
        values[c] = mb_values_f64(column[c], curve->n_bins);
    }
    for (size_t i = 0; i < curve->n_bins; i++) {
        column[X][i] = (curve->edge[i] + curve->edge[i + 1]) / 2;
        column[Y][i] = curve->bin[i].value;
        column[LOW][i] = curve->bin[i].low;
        column[HIGH][i] = curve->bin[i].high;
        column[X_LOW][i] = curve->edge[i];
        column[X_HIGH][i] = curve->edge[i + 1];
    }
    mb_panel_series(panel, &(mb_series){.kind = MB_SERIES_ERRORS,
                               .x = values[X],
                               .y = values[Y],
                               .low = values[LOW],
                               .high = values[HIGH],
                               .x_low = values[X_LOW],
                               .x_high = values[X_HIGH]});
    mb_release(ctx, memory);
    return MB_OK;
}

static mb_status draw_turn_on(mb_gallery *gallery, mb_context *ctx, const turn_on_look *look,
    const mb_turn_on *curve, double threshold) {
    mb_figure *figure = mb_figure_create(ctx, look->name, 7, 4.5);
    uint64_t n_events = 0;
    for (size_t i = 0; i < curve->n_bins; i++) {
        n_events += curve->bin[i].n;
    }
    mb_figure_caption(figure,
        "Share of %llu events with score >= %.4g; vertical bars are binomial errors, horizontal "
        "ones the bins. The dashed line is the cut of the label: an ideal trigger steps from 0 to "
        "1 there.%s",
        (unsigned long long)n_events, threshold,
        strcmp(look->name, "turn_on_pt") == 0 ? " Events with fewer tracks stand at 0." : "");
    mb_panel *panel = mb_figure_panel(
        figure, &(mb_panel_settings){.title = look->title,
                    .x = {.label = look->x_label},
                    .y = {.label = "Efficiency", .has_range = true, .low = 0, .high = 1.05},
                    .legend = MB_LEGEND_NONE});
    const mb_status status = add_turn_on(panel, ctx, curve);
    if (status != MB_OK) {
        mb_figure_destroy(figure);
        return status;
    }
    mb_panel_vertical(panel, look->cut, look->cut_text);
    return mb_gallery_add(gallery, ctx, figure);
}

static mb_status draw_turn_on_pt(
    mb_gallery *gallery, mb_context *ctx, const mb_turn_on_columns *columns) {
    // The first bin holds the events without such a track.
    static const double edges[] = {
        -0.25, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.25, 2.5, 2.75, 3, 3.5, 4, 5, 6, 8, 1e9};
    enum { N_BINS = sizeof edges / sizeof edges[0] - 1 };
    double edge[N_BINS + 1];
    memcpy(edge, edges, sizeof edges);
    edge[N_BINS] = 10;
    for (size_t i = 0; i < columns->third_track_pt.n; i++) {
        const double pt = mb_values_get(columns->third_track_pt, i);
        edge[N_BINS] = pt > edge[N_BINS] && isfinite(pt) ? pt : edge[N_BINS];
    }
    char x_label[LONGEST_LABEL];
    char cut_text[LONGEST_LABEL];
    mb_format(x_label, sizeof x_label, "pt of track %d by pt, on %d layers or more (GeV)",
        columns->cut_tracks, columns->cut_layers);
    mb_format(cut_text, sizeof cut_text, "label: pt > %g GeV", columns->cut_pt);
    mb_turn_on curve;
    MB_TRY(mb_turn_on_make(
        &curve, ctx, columns->third_track_pt, columns->scores, columns->threshold, edge, N_BINS));
    const mb_status status = draw_turn_on(gallery, ctx,
        &(turn_on_look){"turn_on_pt", "Turn-on in track pt", x_label, cut_text, columns->cut_pt},
        &curve, columns->threshold);
    mb_turn_on_clear(&curve);
    return status;
}

static mb_status draw_turn_on_tracks(
    mb_gallery *gallery, mb_context *ctx, const mb_turn_on_columns *columns) {
    double edge[MOST_TRACK_BINS + 1];
    double most = 0;
    for (size_t i = 0; i < columns->n_tracks.n; i++) {
        most = fmax(most, mb_values_get(columns->n_tracks, i));
    }
    const size_t n_bins = (size_t)fmin(most + 1, MOST_TRACK_BINS);
    for (size_t i = 0; i <= n_bins; i++) {
        edge[i] = (double)i - 0.5;
    }
    edge[n_bins] = fmax(edge[n_bins], most + 0.5);
    char cut_text[LONGEST_LABEL];
    mb_format(cut_text, sizeof cut_text, "label: %d tracks or more", columns->cut_tracks);
    mb_turn_on curve;
    MB_TRY(mb_turn_on_make(
        &curve, ctx, columns->n_tracks, columns->scores, columns->threshold, edge, n_bins));
    const mb_status status = draw_turn_on(gallery, ctx,
        &(turn_on_look){"turn_on_tracks", "Turn-on in number of tracks",
            "Tracks that pass the cuts of the label", cut_text, columns->cut_tracks - 0.5},
        &curve, columns->threshold);
    mb_turn_on_clear(&curve);
    return status;
}

mb_status mb_draw_turn_on(mb_gallery *gallery, mb_context *ctx, const mb_turn_on_columns *columns) {
    MB_TRY(draw_turn_on_pt(gallery, ctx, columns));
    return draw_turn_on_tracks(gallery, ctx, columns);
}
