// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DRAW_FIGURES_H
#define DRAW_FIGURES_H

#include "base/bundle.h"
#include "draw/gallery.h"
#include "measure/roc.h"

// The figures of a run, from plain numbers. Each adds one or more figures to the gallery; call
// mb_gallery_draw when all are there.

// What stands in figure "history".
typedef struct mb_history_words {
    const char *loss_title, *accuracy_title, *x_label, *training, *validation;
} mb_history_words;

// Figure "history": loss on the left, accuracy on the right. Members without values are left out.
typedef struct mb_history_columns {
    mb_values epoch; // n = 0: 1, 2, 3 ...
    mb_values loss, accuracy, val_loss, val_accuracy;
    double width, height;          // inches; 0: 9 x 4
    const mb_history_words *words; // NULL: "Training loss", ..
} mb_history_columns;
mb_status mb_draw_history(
    mb_gallery *gallery, mb_context *ctx, const mb_history_columns *history) MB_MUST_CHECK;

typedef struct mb_roc_curve {
    const char *label;
    const mb_roc *roc;
} mb_roc_curve;
// Figure name (such as "roc"): all curves with AUC and its error, on the left both axes linear, on
// the right the background logarithmic. input_khz > 0: the right axis is the trigger rate.
mb_status mb_draw_roc(mb_gallery *gallery, mb_context *ctx, const char *name,
    const mb_roc_curve *curves, size_t n_curves, double input_khz) MB_MUST_CHECK;

// Figure name: one curve on linear axes with the AUC in its title, and the diagonal.
mb_status mb_draw_roc_alone(
    mb_gallery *gallery, mb_context *ctx, const char *name, const mb_roc *roc) MB_MUST_CHECK;

// Figure "scores": score histograms of each class, of events or of edges between hits, logarithmic
// y; labels may be empty. A NaN threshold draws no line.
mb_status mb_draw_scores(mb_gallery *gallery, mb_context *ctx, bool are_edges, mb_values scores,
    mb_values labels, double threshold) MB_MUST_CHECK;

typedef struct mb_turn_on_columns {
    mb_values scores;
    mb_values third_track_pt; // GeV; 0: fewer tracks
    mb_values n_tracks;       // passing tracks
    double threshold;
    double cut_pt;  // of the label, GeV
    int cut_tracks; // of the label
    int cut_layers; // of the label
} mb_turn_on_columns;
// Figures "turn_on_pt" and "turn_on_tracks".
mb_status mb_draw_turn_on(
    mb_gallery *gallery, mb_context *ctx, const mb_turn_on_columns *columns) MB_MUST_CHECK;

// One finished trial of the scan. NaN: not measured.
typedef struct mb_learning_point {
    double events;
    int bins, depth;
    double loss, accuracy, auc;             // training
    double val_loss, val_accuracy, val_auc; // validation
} mb_learning_point;
// Figure "learning_curve": against the number of training events, a line for each bins and depth
// (mean of the repeats with their spread), training figures dashed.
mb_status mb_draw_learning_curve(
    mb_gallery *gallery, mb_context *ctx, const mb_learning_point *points, size_t n) MB_MUST_CHECK;

typedef struct mb_histogram_set {
    const char *label; // may be NULL
    mb_values values;
} mb_histogram_set;
typedef struct mb_histogram_settings {
    const char *name, *title, *x_label, *y_label, *caption;
    size_t n_bins;    // 0: chosen from the data
    double low, high; // equal: from the data
    bool is_log;      // y
    bool is_density;  // unit area
} mb_histogram_settings;
// Step histograms of one or more sets on common bins.
mb_status mb_draw_histograms(mb_gallery *gallery, mb_context *ctx,
    const mb_histogram_settings *settings, const mb_histogram_set *sets, size_t n) MB_MUST_CHECK;

// The barrel's pictures from the arrays that its detector hands out (see the barrel's header):
// "event_images", "hits_zr", "selected_zr", "hits_zphi", "multiplicity", "hits_per_layer", and with
// truth "pt_eta". What lacks its arrays is left out with a notice.
mb_status mb_draw_barrel(
    mb_gallery *gallery, mb_context *ctx, const mb_bundle *pictures) MB_MUST_CHECK;

#endif
