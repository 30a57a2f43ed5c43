// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "draw/figures_training.h"

#include "base/numbers.h"
#include "draw/figure.h"

#include <math.h>

enum { FEW_EPOCHS = 40, MOST_CHOSEN_COLUMNS = 4, LONGEST_TITLE = 200, SMALL_FONT = 10 };

// What differs between a figure of one fit and one of many.
typedef struct training_look {
    mb_legend legend;
    bool hides_x, hides_left, hides_right; // labels of the axes
    size_t most_numbers;
} training_look;

static bool is_positive(mb_values values) {
    for (size_t i = 0; i < values.n; i++) {
        if (mb_values_get(values, i) <= 0) {
            return false;
        }
    }
    return true;
}

static void add_line(mb_panel *panel, const char *label, mb_values epoch, mb_values values,
    int color, bool is_right) {
    if (values.n == 0) {
        return;
    }
    mb_panel_series(
        panel, &(mb_series){.kind = values.n <= FEW_EPOCHS ? MB_SERIES_LINE_POINTS : MB_SERIES_LINE,
                   .label = label,
                   .x = epoch,
                   .y = values,
                   .color = color,
                   .is_thin = is_right,
                   .is_right = is_right});
}

static bool has_best(const mb_training_columns *fit) {
    return fit->best_epoch > 0 && isfinite(fit->best_epoch);
}

// The best epoch stands here and not beside its line, where curves would cross it.
static const char *title_of(const mb_training_columns *fit, char *text, size_t size) {
    if (!has_best(fit)) {
        return fit->title;
    }
    mb_format(text, size, "%s%sbest epoch %.0f", fit->title != NULL ? fit->title : "",
        fit->title != NULL ? ", " : "", fit->best_epoch);
    return text;
}

static mb_status add_fit(
    mb_figure *figure, mb_context *ctx, const mb_training_columns *fit, const training_look *look) {
    const size_t n = mb_max_size(fit->loss.n, mb_max_size(fit->val_loss.n, fit->val_accuracy.n));
    double *counted = mb_allocate(ctx, n, sizeof *counted);
    if (counted == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < n; i++) {
        counted[i] = (double)(i + 1);
    }
    const mb_values epoch = fit->epoch.n > 0 ? fit->epoch : mb_values_f64(counted, n);
    const bool has_accuracy = fit->val_accuracy.n > 0;
    char title[LONGEST_TITLE];
    mb_panel *panel = mb_figure_panel(
        figure, &(mb_panel_settings){.title = title_of(fit, title, sizeof title),
                    .x = {.label = "Epoch",
                        .is_whole = true,
                        .most_numbers = look->most_numbers,
                        .has_range = n > 1,
                        .high = n > 0 ? mb_values_get(epoch, n - 1) : 0,
                        .hides_label = look->hides_x},
                    .y = {.label = "Loss",
                        .is_log = is_positive(fit->loss) && is_positive(fit->val_loss),
                        .hides_label = look->hides_left},
                    .right = {.label = has_accuracy ? "Validation accuracy" : NULL,
                        .most_numbers = look->most_numbers,
                        .hides_label = look->hides_right},
                    .legend = look->legend});
    add_line(panel, "loss", epoch, fit->loss, 1, false);
    add_line(panel, "val_loss", epoch, fit->val_loss, 2, false);
    add_line(panel, "val_accuracy", epoch, fit->val_accuracy, 3, true);
    if (has_best(fit)) {
        mb_panel_vertical(panel, fit->best_epoch, NULL);
    }
    mb_release(ctx, counted);
    return MB_OK;
}

mb_status mb_draw_training(
    mb_gallery *gallery, mb_context *ctx, const char *name, const mb_training_columns *fit) {
    mb_figure *figure = mb_figure_create(ctx, name, 9, 5);
    mb_figure_caption(figure,
        "Training of %s: mean loss of each epoch and the loss of the validation events at its "
        "end%s.%s",
        fit->title != NULL ? fit->title : "the model",
        fit->val_accuracy.n > 0 ? ", and on the right their accuracy" : "",
        has_best(fit) ? " The dashed line is the epoch whose weights are kept." : "");
    const mb_status status =
        add_fit(figure, ctx, fit, &(training_look){.legend = MB_LEGEND_OUTSIDE});
    return mb_gallery_finish(gallery, ctx, figure, status);
}

mb_status mb_draw_trainings(mb_gallery *gallery, mb_context *ctx, const char *name,
    const mb_training_columns *fits, size_t n, size_t n_columns) {
    if (n_columns == 0) {
        n_columns = n <= MOST_CHOSEN_COLUMNS ? mb_max_size(n, 1) : n <= 9 ? 3 : MOST_CHOSEN_COLUMNS;
    }
    const size_t n_rows = mb_max_size(1, (n + n_columns - 1) / n_columns);
    mb_figure *figure = mb_figure_create(
        ctx, name, fmin(3.4 * (double)n_columns + 1.5, 100), fmin(2.3 * (double)n_rows + 0.8, 100));
    mb_figure_columns(figure, n_columns);
    mb_figure_font(figure, SMALL_FONT);
    mb_figure_caption(figure,
        "All %zu trainings: loss (left, logarithmic) and, where there is one, validation accuracy "
        "(right) against the epoch. Dashed lines are the epochs whose weights are kept.",
        n);
    mb_status status = MB_OK;
    for (size_t i = 0; status == MB_OK && i < n; i++) {
        const bool is_last_of_row = (i + 1) % n_columns == 0 || i + 1 == n;
        status = add_fit(figure, ctx, &fits[i],
            &(training_look){.legend = i == 0 ? MB_LEGEND_OUTSIDE : MB_LEGEND_NONE,
                .hides_x = i + n_columns < n,
                .hides_left = i % n_columns != 0,
                .hides_right = !is_last_of_row,
                .most_numbers = 5});
    }
    return mb_gallery_finish(gallery, ctx, figure, status);
}
