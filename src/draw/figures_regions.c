// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "draw/figures_regions.h"

#include "base/numbers.h"
#include "draw/figure.h"

#include <math.h>

enum { N_PHI = 18, N_ETA = 14, LONGEST_TITLE = 160, MOST_CHOSEN_COLUMNS = 3 };

static const char default_title[] = "Region deposits";
static const char default_label[] = "ET";

// One image of a figure.
typedef struct region_panel {
    const char *title, *color_label;
    size_t n_phi, n_eta;
    mb_color_scale colors;
} region_panel;

static mb_status add_image(
    mb_figure *figure, mb_context *ctx, const region_panel *look, mb_values et) {
    const size_t n = look->n_phi * look->n_eta;
    if (et.n != n) {
        return mb_fail(ctx, MB_ERR_SHAPE,
            "figure of regions: %zu numbers; an image of %zu x %zu has %zu", et.n, look->n_phi,
            look->n_eta, n);
    }
    double *place = mb_allocate(ctx, n, 2 * sizeof *place);
    if (place == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < n; i++) {
        place[i] = (double)(i % look->n_eta);
        place[n + i] = (double)(i / look->n_eta);
    }
    const double aspect = (double)look->n_phi / (double)look->n_eta;
    mb_panel *panel = mb_figure_panel(figure, &(mb_panel_settings){.title = look->title,
                                                  .x = {.label = "eta",
                                                      .has_range = true,
                                                      .low = -0.5,
                                                      .high = (double)look->n_eta - 0.5,
                                                      .hides_numbers = true},
                                                  .y = {.label = "phi",
                                                      .has_range = true,
                                                      .low = -0.5,
                                                      .high = (double)look->n_phi - 0.5,
                                                      .hides_numbers = true},
                                                  .legend = MB_LEGEND_NONE,
                                                  .color_label = look->color_label,
                                                  .colors = look->colors,
                                                  .aspect = aspect});
    mb_panel_series(panel, &(mb_series){.kind = MB_SERIES_CELLS,
                               .x = mb_values_f64(place, n),
                               .y = mb_values_f64(place + n, n),
                               .value = et,
                               .cell_width = 1,
                               .cell_height = 1});
    mb_release(ctx, place);
    return MB_OK;
}

static mb_color_scale scale_of(mb_values values) {
    mb_color_scale scale = {MB_PALETTE_SEQUENTIAL, true, INFINITY, -INFINITY};
    for (size_t i = 0; i < values.n; i++) {
        const double value = mb_values_get(values, i);
        if (isfinite(value)) {
            scale.low = fmin(scale.low, value);
            scale.high = fmax(scale.high, value);
        }
    }
    return scale;
}

mb_status mb_draw_regions(mb_gallery *gallery, mb_context *ctx, const mb_region_settings *settings,
    const mb_region_image *images, size_t n) {
    const size_t most = settings->n_columns > 0 ? settings->n_columns : MOST_CHOSEN_COLUMNS;
    const size_t n_columns = mb_max_size(1, mb_min_size(most, n));
    const size_t n_rows = mb_max_size(1, (n + n_columns - 1) / n_columns);
    mb_figure *figure = mb_figure_create(ctx, settings->name, fmin(4.5 * (double)n_columns, 100),
        fmin(5 * (double)n_rows + 0.4, 100));
    const char *title = settings->title != NULL ? settings->title : default_title;
    mb_figure_title(figure, title);
    mb_figure_columns(figure, n_columns);
    if (settings->caption != NULL) {
        mb_figure_caption(figure, "%s", settings->caption);
    } else {
        mb_figure_caption(
            figure, "%s: transverse energy of the regions, eta to the right, phi up.", title);
    }
    region_panel look = {
        .color_label = settings->color_label != NULL ? settings->color_label : default_label,
        .n_phi = settings->n_phi > 0 ? settings->n_phi : N_PHI,
        .n_eta = settings->n_eta > 0 ? settings->n_eta : N_ETA};
    mb_status status = MB_OK;
    for (size_t i = 0; status == MB_OK && i < n; i++) {
        look.title = images[i].title;
        look.colors = settings->has_own_scales ? scale_of(images[i].et)
                                               : (mb_color_scale){.palette = MB_PALETTE_SEQUENTIAL};
        status = add_image(figure, ctx, &look, images[i].et);
    }
    return mb_gallery_finish(gallery, ctx, figure, status);
}

// original - reconstruction into difference. Returns the mean of its squares.
static double subtract(const mb_reconstruction *event, double *difference) {
    double sum = 0;
    for (size_t i = 0; i < N_PHI * N_ETA; i++) {
        difference[i] = mb_values_get(event->original, i) - mb_values_get(event->reconstruction, i);
        sum += difference[i] * difference[i];
    }
    return sum / (N_PHI * N_ETA);
}

static mb_color_scale around_zero(mb_values difference) {
    mb_color_scale scale = scale_of(difference);
    const double most = fmax(fabs(scale.low), fabs(scale.high));
    return (mb_color_scale){MB_PALETTE_DIVERGING, true, -most, most};
}

static mb_status add_reconstruction(
    mb_figure *figure, mb_context *ctx, const mb_reconstruction *event) {
    double difference[N_PHI * N_ETA];
    const double mse = subtract(event, difference);
    const mb_values d = mb_values_f64(difference, N_PHI * N_ETA);
    char title[LONGEST_TITLE];
    mb_format(title, sizeof title, "%.100s%sMSE %.4g", event->title != NULL ? event->title : "",
        event->title != NULL ? ": " : "", isnan(event->mse) ? mse : event->mse);
    mb_figure_title(figure, title);
    const region_panel looks[3] = {
        {"Original", default_label, N_PHI, N_ETA, {.palette = MB_PALETTE_SEQUENTIAL}},
        {"Reconstruction", default_label, N_PHI, N_ETA, {.palette = MB_PALETTE_SEQUENTIAL}},
        {"Difference in ET", "", N_PHI, N_ETA, around_zero(d)}};
    MB_TRY(add_image(figure, ctx, &looks[0], event->original));
    MB_TRY(add_image(figure, ctx, &looks[1], event->reconstruction));
    return add_image(figure, ctx, &looks[2], d);
}

mb_status mb_draw_reconstruction(
    mb_gallery *gallery, mb_context *ctx, const char *name, const mb_reconstruction *event) {
    if (event->original.n != N_PHI * N_ETA || event->reconstruction.n != N_PHI * N_ETA) {
        return mb_fail(ctx, MB_ERR_SHAPE,
            "figure %s: %zu and %zu numbers; original and reconstruction have %d regions each",
            name, event->original.n, event->reconstruction.n, N_PHI * N_ETA);
    }
    mb_figure *figure = mb_figure_create(ctx, name, 13.5, 5.4);
    mb_figure_caption(figure,
        "An event, what the autoencoder makes of it, and the difference: blue where the "
        "autoencoder gives too much, red where it gives too little. The mean square error of the "
        "regions is in the title.");
    return mb_gallery_finish(gallery, ctx, figure, add_reconstruction(figure, ctx, event));
}

static mb_status add_saliency(
    mb_figure *figure, mb_context *ctx, mb_values regions, mb_values saliency) {
    const region_panel looks[2] = {{default_title, default_label, N_PHI, N_ETA, scale_of(regions)},
        {"Saliency", "|gradient|, scaled to 0 .. 1", N_PHI, N_ETA,
            {MB_PALETTE_SEQUENTIAL, true, 0, 1}}};
    MB_TRY(add_image(figure, ctx, &looks[0], regions));
    return add_image(figure, ctx, &looks[1], saliency);
}

mb_status mb_draw_saliency(mb_gallery *gallery, mb_context *ctx, const char *name,
    mb_values regions, mb_values saliency, double score) {
    mb_figure *figure = mb_figure_create(ctx, name, 9, 5.4);
    mb_figure_caption(figure,
        "The regions of an event, and how much the score changes with each of them: size of the "
        "gradient, smallest 0, largest 1.");
    if (!isnan(score)) {
        char title[LONGEST_TITLE];
        mb_format(title, sizeof title, "Score %.6g", score);
        mb_figure_title(figure, title);
    }
    return mb_gallery_finish(gallery, ctx, figure, add_saliency(figure, ctx, regions, saliency));
}
