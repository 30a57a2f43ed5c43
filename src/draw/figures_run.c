// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/numbers.h"
#include "draw/figures.h"

#include <math.h>

enum { FEW_EPOCHS = 40 };

// A line of one point would be invisible.
static mb_series_kind kind_for(size_t n) {
    return n <= FEW_EPOCHS ? MB_SERIES_LINE_POINTS : MB_SERIES_LINE;
}

static const mb_history_words default_words = {
    "Training loss", "Training accuracy", "Epoch", "Training set", "Validation set"};

static void add_history_panel(
    mb_figure *figure, const mb_history_columns *history, bool is_loss, mb_values epoch) {
    const mb_history_words *words = history->words != NULL ? history->words : &default_words;
    mb_panel *panel = mb_figure_panel(
        figure, &(mb_panel_settings){.title = is_loss ? words->loss_title : words->accuracy_title,
                    .x = {.label = words->x_label, .is_whole = true},
                    .y = {.label = is_loss ? "Loss" : "Accuracy",
                        .has_range = !is_loss,
                        .low = 0,
                        .high = 1},
                    .legend = is_loss ? MB_LEGEND_TOP_RIGHT : MB_LEGEND_BOTTOM_RIGHT});
    const mb_values columns[2] = {is_loss ? history->loss : history->accuracy,
        is_loss ? history->val_loss : history->val_accuracy};
    const char *const labels[2] = {words->training, words->validation};
    for (size_t i = 0; i < 2; i++) {
        if (columns[i].n > 0) {
            mb_panel_series(panel, &(mb_series){.kind = kind_for(columns[i].n),
                                       .label = labels[i],
                                       .x = epoch,
                                       .y = columns[i],
                                       .color = (int)i + 1});
        }
    }
}

mb_status mb_draw_history(mb_gallery *gallery, mb_context *ctx, const mb_history_columns *history) {
    const size_t n = history->loss.n;
    double *counted = mb_allocate(ctx, n, sizeof *counted);
    if (counted == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < n; i++) {
        counted[i] = (double)(i + 1);
    }
    const mb_values epoch = history->epoch.n > 0 ? history->epoch : mb_values_f64(counted, n);
    const bool has_size = history->width > 0 && history->height > 0;
    mb_figure *figure = mb_figure_create(
        ctx, "history", has_size ? history->width : 9, has_size ? history->height : 4);
    const bool has_accuracy = history->accuracy.n > 0;
    mb_figure_caption(figure,
        "Loss%s after each epoch. Training figures are means over the epoch, while the weights "
        "still change; validation figures are taken at its end. Where the validation loss rises "
        "and the training loss falls, the network learns its events by heart.",
        has_accuracy ? " and accuracy" : "");
    add_history_panel(figure, history, true, epoch);
    if (has_accuracy) {
        add_history_panel(figure, history, false, epoch);
    }
    mb_release(ctx, counted);
    return mb_gallery_add(gallery, ctx, figure);
}

// The figures of a learning curve: where they are in a point, training first.
typedef struct curve_figure {
    const char *title, *label;
    size_t offset[2];
} curve_figure;

static const curve_figure curve_figures[] = {
    {"Loss", "Loss", {offsetof(mb_learning_point, loss), offsetof(mb_learning_point, val_loss)}},
    {"Accuracy", "Accuracy",
        {offsetof(mb_learning_point, accuracy), offsetof(mb_learning_point, val_accuracy)}},
    {"AUC", "AUC", {offsetof(mb_learning_point, auc), offsetof(mb_learning_point, val_auc)}},
};

static double member(const mb_learning_point *point, size_t offset) {
    double value;
    memcpy(&value, (const char *)point + offset, sizeof value);
    return value;
}

static bool is_same_line(const mb_learning_point *a, const mb_learning_point *b) {
    return a->bins == b->bins && a->depth == b->depth;
}

// Mean and spread of the repeats at each number of events, numbers rising. Returns how many.
static size_t average(const mb_learning_point *points, size_t n, const mb_learning_point *line,
    size_t offset, double *columns[4]) {
    size_t n_out = 0;
    double last = -INFINITY;
    for (;;) {
        double next = INFINITY;
        for (size_t i = 0; i < n; i++) {
            if (is_same_line(&points[i], line) && points[i].events > last &&
                points[i].events < next) {
                next = points[i].events;
            }
        }
        if (next == INFINITY) {
            return n_out;
        }
        double sum = 0;
        double squares = 0;
        double count = 0;
        for (size_t i = 0; i < n; i++) {
            const double value = member(&points[i], offset);
            if (is_same_line(&points[i], line) && points[i].events == next && isfinite(value)) {
                sum += value;
                squares += value * value;
                count++;
            }
        }
        const double mean = sum / count;
        const double spread = count > 1 ? sqrt(fmax(0, squares / count - mean * mean)) : 0;
        columns[0][n_out] = next;
        columns[1][n_out] = mean;
        columns[2][n_out] = mean - spread;
        columns[3][n_out] = mean + spread;
        n_out += count > 0 ? 1 : 0;
        last = next;
    }
}

static void add_curve(mb_panel *panel, const mb_learning_point *points, size_t n,
    const mb_learning_point *line, const curve_figure *what, int color, double *columns[4]) {
    char label[64];
    char training_name[80];
    mb_format(label, sizeof label, "%d bins, depth %d", line->bins, line->depth);
    mb_format(training_name, sizeof training_name, "training, %s", label);
    for (size_t part = 0; part < 2; part++) {
        const size_t n_points = average(points, n, line, what->offset[part], columns);
        const bool is_training = part == 0;
        mb_series series = {.kind = MB_SERIES_LINE,
            .x = mb_values_f64(columns[0], n_points),
            .y = mb_values_f64(columns[1], n_points),
            .low = mb_values_f64(columns[2], n_points),
            .high = mb_values_f64(columns[3], n_points),
            .name = is_training ? training_name : label,
            .color = color,
            .is_dashed = is_training};
        if (is_training) {
            mb_panel_series(panel, &series);
            continue;
        }
        series.label = label;
        series.kind = MB_SERIES_LINE_POINTS;
        mb_panel_series(panel, &series);
        series.label = NULL;
        series.kind = MB_SERIES_ERRORS;
        mb_panel_series(panel, &series);
    }
}

static bool is_first_of_line(const mb_learning_point *points, size_t i) {
    for (size_t j = 0; j < i; j++) {
        if (is_same_line(&points[j], &points[i])) {
            return false;
        }
    }
    return true;
}

mb_status mb_draw_learning_curve(
    mb_gallery *gallery, mb_context *ctx, const mb_learning_point *points, size_t n) {
    double *memory = mb_allocate(ctx, 4 * n, sizeof *memory);
    if (memory == NULL) {
        return MB_ERR_MEMORY;
    }
    double *columns[4] = {memory, memory + n, memory + 2 * n, memory + 3 * n};
    mb_figure *figure = mb_figure_create(ctx, "learning_curve", 15, 4.5);
    mb_figure_caption(figure,
        "Figures against the number of training events, for the same validation events: "
        "validation solid, training dashed; points are means over the repeats, bars their spread. "
        "Lines that meet on the right say that more events would not help; a line that is lower "
        "throughout says that its bins or depth are better.");
    for (size_t k = 0; k < MB_COUNT_OF(curve_figures); k++) {
        const bool is_last = k + 1 == MB_COUNT_OF(curve_figures);
        mb_panel *panel =
            mb_figure_panel(figure, &(mb_panel_settings){.title = curve_figures[k].title,
                                        .x = {.label = "Training events", .is_log = true},
                                        .y = {.label = curve_figures[k].label},
                                        .legend = is_last ? MB_LEGEND_OUTSIDE : MB_LEGEND_NONE});
        int color = 0;
        for (size_t i = 0; i < n; i++) {
            if (is_first_of_line(points, i)) {
                add_curve(
                    panel, points, n, &points[i], &curve_figures[k], 1 + color++ % 8, columns);
            }
        }
    }
    mb_release(ctx, memory);
    return mb_gallery_add(gallery, ctx, figure);
}
