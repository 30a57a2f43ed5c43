// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "draw/shower.h"

#include "base/numbers.h"

#include <math.h>

enum { LONGEST_NAME = 64 };

const mb_array *mb_shower_array(
    const mb_shower *shower, size_t class_index, const char *part, mb_dtype dtype, unsigned rank) {
    char name[LONGEST_NAME];
    mb_format(name, sizeof name, "class/%zu/%s", class_index, part);
    const mb_array *array = mb_bundle_array(shower->pictures, name);
    const bool fits =
        array != NULL && array->dtype == dtype && array->rank == rank && mb_array_count(array) > 0;
    return fits ? array : NULL;
}

mb_values mb_shower_pick(
    mb_shower *shower, const mb_array *array, size_t first, size_t n, size_t stride, double least) {
    double *picked = mb_arena_allocate(&shower->arena, shower->ctx, n, sizeof *picked);
    const float *from = array->data;
    for (size_t i = 0; picked != NULL && i < n; i++) {
        const double value = (double)from[first + i * stride];
        picked[i] = value > least ? value : (double)NAN;
    }
    return mb_values_f64(picked, picked != NULL ? n : 0);
}

mb_color_scale mb_shower_scale(const mb_values *values, size_t n) {
    mb_color_scale scale = {MB_PALETTE_SEQUENTIAL, true, INFINITY, -INFINITY};
    for (size_t k = 0; k < n; k++) {
        for (size_t i = 0; i < values[k].n; i++) {
            const double value = mb_values_get(values[k], i);
            if (isfinite(value)) {
                scale.low = fmin(scale.low, value);
                scale.high = fmax(scale.high, value);
            }
        }
    }
    if (!(scale.low <= scale.high)) {
        scale.low = 0;
        scale.high = 1;
    }
    return scale;
}

mb_panel *mb_shower_add_image(mb_shower *shower, mb_figure *figure, const mb_shower_image *image) {
    const size_t n = image->height * image->width;
    double *place = mb_arena_allocate(&shower->arena, shower->ctx, n, 2 * sizeof *place);
    if (place == NULL || image->value.n != n) {
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        place[i] = (double)(i % image->width);
        place[n + i] = (double)(i / image->width);
    }
    const mb_axis x = {.label = image->x_label != NULL ? image->x_label : "Column",
        .has_range = true,
        .low = -0.5,
        .high = (double)image->width - 0.5,
        .hides_label = image->x_label == NULL,
        .hides_numbers = image->hides_numbers};
    const mb_axis y = {.label = image->y_label != NULL ? image->y_label : "Row",
        .has_range = true,
        .low = -0.5,
        .high = (double)image->height - 0.5,
        .hides_label = image->y_label == NULL,
        .hides_numbers = image->hides_numbers};
    mb_panel *panel =
        mb_figure_panel(figure, &(mb_panel_settings){.title = image->title,
                                    .x = x,
                                    .y = y,
                                    .legend = MB_LEGEND_NONE,
                                    .color_label = image->color_label,
                                    .colors = image->colors,
                                    .color_bar = image->color_bar,
                                    .place = image->place,
                                    .aspect = (double)image->height / (double)image->width});
    mb_panel_series(panel, &(mb_series){.kind = MB_SERIES_CELLS,
                               .x = mb_values_f64(place, n),
                               .y = mb_values_f64(place + n, n),
                               .value = image->value,
                               .cell_width = 1,
                               .cell_height = 1});
    return panel;
}

mb_status mb_shower_finish(mb_shower *shower, mb_figure *figure, mb_status status) {
    return mb_gallery_finish(shower->gallery, shower->ctx, figure, status);
}
