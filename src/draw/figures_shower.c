// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/numbers.h"
#include "draw/shower.h"

#include <math.h>

enum { SIDE = 2, N_IMAGES = SIDE * SIDE, LONGEST_TITLE = 160 };

// How energy or time of the images is drawn.
typedef struct image_kind {
    const char *figure, *part, *label, *what;
} image_kind;

static const image_kind kinds[2] = {
    {"energy_images", "energy", "Energy", "Energy of the crystals in units of 50 GeV"},
    {"timing_images", "time", "Timing", "Arrival time in the crystals"}};

// Fractions of the figure: the image in row and column of the eight, with room between the classes.
static mb_place place_of(size_t row, size_t column) {
    const double left = 0.06 + 0.2 * (double)column + (column >= SIDE ? 0.03 : 0);
    const double bottom = row == 0 ? 0.54 : 0.12;
    return (mb_place){left, left + 0.17, bottom, bottom + 0.31};
}

static const mb_place common_bar = {0.9, 0.915, 0.12, 0.85};

static mb_values image_of(mb_shower *shower, const mb_array *images, size_t i) {
    const size_t n = images->shape[1] * images->shape[2];
    return mb_shower_pick(shower, images, i * n, n, 1, -INFINITY);
}

static mb_status add_class(mb_shower *shower, mb_figure *figure, const image_kind *kind,
    size_t class_index, const mb_color_scale *common, bool has_bar) {
    const mb_array *images = mb_shower_array(shower, class_index, kind->part, MB_F32, 3);
    const mb_array *event = mb_shower_array(shower, class_index, "event", MB_I64, 1);
    const size_t n = images != NULL ? mb_min_size(images->shape[0], N_IMAGES) : 0;
    for (size_t i = 0; i < n; i++) {
        const bool is_last = has_bar && i + 1 == n;
        const bool has_event = event != NULL && i < event->shape[0];
        char title[LONGEST_TITLE];
        mb_format(title, sizeof title, "%.80s %.0f", shower->name[class_index],
            has_event ? mb_array_get(event, i) : (double)i);
        const mb_values value = image_of(shower, images, i);
        mb_panel *panel = mb_shower_add_image(shower, figure,
            &(mb_shower_image){.title = title,
                .color_label = is_last ? kind->label : NULL,
                .x_label = i >= SIDE ? "Column" : NULL,
                .y_label = class_index == 0 && i % SIDE == 0 ? "Row" : NULL,
                .height = images->shape[1],
                .width = images->shape[2],
                .value = value,
                .colors = common != NULL ? *common : mb_shower_scale(&value, 1),
                .place = place_of(i / SIDE, class_index * SIDE + i % SIDE),
                .color_bar = common_bar});
        if (panel == NULL) {
            return MB_ERR_MEMORY;
        }
        if (i == 0) {
            mb_format(title, sizeof title, "%.80ss", shower->name[class_index]);
            mb_panel_text(panel, 1.1, 1.28, title);
        }
    }
    return MB_OK;
}

static mb_status draw_kind(mb_shower *shower, const image_kind *kind, bool has_own_scales) {
    mb_values values[MB_SHOWER_CLASSES];
    size_t n = 0;
    size_t last = 0;
    for (size_t k = 0; k < MB_SHOWER_CLASSES; k++) {
        const mb_array *images = mb_shower_array(shower, k, kind->part, MB_F32, 3);
        if (images != NULL) {
            const size_t n_shown = mb_min_size(images->shape[0], N_IMAGES);
            values[n++] =
                mb_values_f32(images->data, n_shown * images->shape[1] * images->shape[2]);
            last = k;
        }
    }
    if (n == 0) {
        mb_gallery_leave_out(shower->ctx, kind->figure, kind->part);
        return MB_OK;
    }
    const mb_color_scale common = mb_shower_scale(values, n);
    mb_figure *figure = mb_figure_create(shower->ctx, kind->figure, 14, 7);
    mb_figure_caption(figure, "%s: the first images of each class with their rows in the file. %s",
        kind->what,
        has_own_scales
            ? "Every image has its own range of colours; the bar is that of the last one."
            : "All share one range of colours; white crystals are empty.");
    mb_status status = MB_OK;
    for (size_t k = 0; k < MB_SHOWER_CLASSES && status == MB_OK; k++) {
        status = add_class(shower, figure, kind, k, has_own_scales ? NULL : &common, k == last);
    }
    return mb_shower_finish(shower, figure, status);
}

mb_status mb_shower_draw_images(mb_shower *shower) {
    const mb_array *own = mb_bundle_array(shower->pictures, "own_scale");
    const bool has_own_scales =
        own != NULL && mb_array_count(own) == 1 && mb_array_get(own, 0) != 0;
    MB_TRY(draw_kind(shower, &kinds[0], has_own_scales));
    return draw_kind(shower, &kinds[1], has_own_scales);
}

static mb_status draw_event(mb_shower *shower, size_t class_index, size_t i, size_t number) {
    static const char *const titles[2] = {"Energy", "Time"};
    const mb_array *event = mb_shower_array(shower, class_index, "event", MB_I64, 1);
    char name[LONGEST_TITLE];
    mb_format(name, sizeof name, "event_%zu", number);
    mb_figure *figure = mb_figure_create(shower->ctx, name, 13, 5);
    mb_figure_title(figure, shower->name[class_index]);
    if (event != NULL && i < event->shape[0]) {
        mb_figure_caption(figure,
            "%s, row %.0f of its file: energy in units of 50 GeV and arrival "
            "time of the crystals; white ones are empty.",
            shower->name[class_index], mb_array_get(event, i));
    }
    mb_status status = MB_OK;
    for (size_t k = 0; k < 2 && status == MB_OK; k++) {
        const mb_array *images = mb_shower_array(shower, class_index, kinds[k].part, MB_F32, 3);
        if (images == NULL || i >= images->shape[0]) {
            continue;
        }
        const mb_values value = image_of(shower, images, i);
        const mb_panel *panel = mb_shower_add_image(shower, figure,
            &(mb_shower_image){.title = titles[k],
                .color_label = titles[k],
                .x_label = "Column",
                .y_label = "Row",
                .height = images->shape[1],
                .width = images->shape[2],
                .value = value,
                .colors = mb_shower_scale(&value, 1),
                .place = {0.07 + 0.48 * (double)k, 0.36 + 0.48 * (double)k, 0.14, 0.83}});
        status = panel != NULL ? MB_OK : MB_ERR_MEMORY;
    }
    return mb_shower_finish(shower, figure, status);
}

mb_status mb_shower_draw_events(mb_shower *shower) {
    size_t number = 0;
    for (size_t k = 0; k < MB_SHOWER_CLASSES; k++) {
        const mb_array *images = mb_shower_array(shower, k, "energy", MB_F32, 3);
        const size_t n = images != NULL ? mb_min_size(images->shape[0], N_IMAGES) : 0;
        for (size_t i = 0; i < n; i++) {
            MB_TRY(draw_event(shower, k, i, number++));
        }
    }
    if (number == 0) {
        mb_gallery_leave_out(shower->ctx, "event_0", "energy");
    }
    return MB_OK;
}

static mb_status add_scatter(mb_shower *shower, mb_figure *figure, size_t class_index,
    const mb_array *hits, const mb_color_scale *colors) {
    const mb_array *image = mb_shower_array(shower, class_index, "energy", MB_F32, 3);
    const double side = image != NULL ? (double)mb_max_size(image->shape[1], image->shape[2]) : 32;
    const size_t n = hits->shape[0];
    mb_values column[MB_SHOWER_HIT];
    for (size_t c = 0; c < MB_SHOWER_HIT; c++) {
        column[c] = mb_shower_pick(shower, hits, c, n, MB_SHOWER_HIT, -INFINITY);
        if (column[c].n != n) {
            return MB_ERR_MEMORY;
        }
    }
    const bool is_right = class_index > 0;
    mb_panel *panel = mb_figure_panel(
        figure, &(mb_panel_settings){.title = shower->name[class_index],
                    .x = {.label = "X (row)", .has_range = true, .low = 0, .high = side},
                    .y = {.label = "Y (column)", .has_range = true, .low = 0, .high = side},
                    .z = {.label = "Time", .has_range = true, .low = -0.1, .high = 0.1},
                    .elevation = 10,
                    .legend = MB_LEGEND_NONE,
                    .color_label = is_right ? "Energy" : NULL,
                    .colors = *colors,
                    .color_bar = {0.912, 0.924, 0.35, 0.82}});
    mb_panel_series(panel, &(mb_series){.kind = MB_SERIES_BALLS,
                               .x = column[2],
                               .y = column[3],
                               .z = column[1],
                               .value = column[0],
                               .area = 1000});
    return MB_OK;
}

mb_status mb_shower_draw_scatter(mb_shower *shower) {
    const mb_array *hits[MB_SHOWER_CLASSES];
    double most = 0;
    for (size_t k = 0; k < MB_SHOWER_CLASSES; k++) {
        hits[k] = mb_shower_array(shower, k, "hits", MB_F32, 2);
        hits[k] = hits[k] != NULL && hits[k]->shape[1] == MB_SHOWER_HIT ? hits[k] : NULL;
        for (size_t i = 0; hits[k] != NULL && i < hits[k]->shape[0]; i++) {
            most = fmax(most, mb_array_get(hits[k], i * MB_SHOWER_HIT));
        }
    }
    if (hits[0] == NULL && hits[1] == NULL) {
        mb_gallery_leave_out(shower->ctx, "spacetime_scatter", "hits");
        return MB_OK;
    }
    const mb_color_scale colors = {MB_PALETTE_SEQUENTIAL, true, 0, most};
    mb_figure *figure = mb_figure_create(shower->ctx, "spacetime_scatter", 13, 5.5);
    mb_figure_caption(figure, "Hits of the first event of each class in space and time: area and "
                              "colour of a ball are its "
                              "energy, in units of 50 GeV. Hits beyond a time of 0.1 are outside.");
    mb_status status = MB_OK;
    for (size_t k = 0; k < MB_SHOWER_CLASSES && status == MB_OK; k++) {
        if (hits[k] != NULL) {
            status = add_scatter(shower, figure, k, hits[k], &colors);
        }
    }
    return mb_shower_finish(shower, figure, status);
}
