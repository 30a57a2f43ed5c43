// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/numbers.h"
#include "draw/shower.h"

#include <math.h>

enum {
    LONGEST_TITLE = 160,
    FRAME_MILLISECONDS = 200,
    SMALL_LETTERS = 9,
    N_FEATURES = 2,
    LEAST_SIDE = 8
};

static const char *const film_names[MB_SHOWER_CLASSES] = {"photon", "electron"};

static void write_title(
    char *title, size_t size, const char *name, const mb_array *edges, size_t frame) {
    mb_format(title, size, "%.80s: (%.2f,%.2f)", name, mb_array_get(edges, frame),
        mb_array_get(edges, frame + 1));
}

// The edges of n intervals, or NULL.
static const mb_array *edges_of(const mb_shower *shower, size_t n) {
    const mb_array *edges = mb_bundle_array(shower->pictures, "frame_edges");
    return edges != NULL && mb_array_count(edges) == n + 1 ? edges : NULL;
}

static mb_status draw_film(mb_shower *shower, size_t class_index) {
    const mb_array *frames = mb_shower_array(shower, class_index, "frames", MB_F32, 3);
    const mb_array *edges = frames != NULL ? edges_of(shower, frames->shape[0]) : NULL;
    if (edges == NULL) {
        mb_gallery_leave_out(
            shower->ctx, film_names[class_index], frames == NULL ? "frames" : "frame_edges");
        return MB_OK;
    }
    const size_t n = frames->shape[1] * frames->shape[2];
    const mb_values all = mb_values_of(frames);
    const double most = mb_shower_scale(&all, 1).high;
    mb_figure *figure = mb_figure_create(shower->ctx, film_names[class_index], 9, 6);
    mb_figure_animate(figure, FRAME_MILLISECONDS);
    mb_figure_caption(figure,
        "%s: the time frames of its first event as the network takes them, energy in units of 50 "
        "GeV. Above a frame are its edges in time.",
        shower->name[class_index]);
    mb_status status = MB_OK;
    for (size_t i = 0; i < frames->shape[0] && status == MB_OK; i++) {
        char title[LONGEST_TITLE];
        write_title(title, sizeof title, shower->name[class_index], edges, i);
        const mb_panel *panel = mb_shower_add_image(shower, figure,
            &(mb_shower_image){.title = title,
                .color_label = "Energy",
                .x_label = "Column",
                .y_label = "Row",
                .height = frames->shape[1],
                .width = frames->shape[2],
                .value = mb_shower_pick(shower, frames, i * n, n, 1, 0),
                .colors = {MB_PALETTE_SEQUENTIAL, true, 0, most}});
        status = panel != NULL ? MB_OK : MB_ERR_MEMORY;
    }
    return mb_shower_finish(shower, figure, status);
}

mb_status mb_shower_draw_films(mb_shower *shower) {
    for (size_t k = 0; k < MB_SHOWER_CLASSES; k++) {
        MB_TRY(draw_film(shower, k));
    }
    return MB_OK;
}

// The square of an image that holds all hits of an event: they are few and close together.
typedef struct film_window {
    size_t row, column, side;
} film_window;

// One row of the vectorised frames: a feature of an event, interval after interval.
typedef struct film_strip {
    const mb_array *frames, *edges;
    const char *name, *label;
    size_t feature, row, n_rows;
    film_window window;
} film_strip;

static size_t clip(size_t low, size_t high, size_t side, size_t n) {
    const size_t middle = (low + high + 1) / 2;
    const size_t first = middle > side / 2 ? middle - side / 2 : 0;
    return mb_min_size(first, n - side);
}

static film_window find_window(const mb_array *frames) {
    const size_t height = frames->shape[1];
    const size_t width = frames->shape[2];
    const size_t n_pixels = height * width;
    size_t low[2] = {height, width};
    size_t high[2] = {0, 0};
    const float *from = frames->data;
    for (size_t i = 0; i < frames->shape[0] * n_pixels; i++) {
        const size_t place[2] = {i % n_pixels / width, i % width};
        for (size_t axis = 0; axis < 2 && from[i * N_FEATURES] > 0; axis++) {
            low[axis] = mb_min_size(low[axis], place[axis]);
            high[axis] = mb_max_size(high[axis], place[axis]);
        }
    }
    const size_t least = mb_min_size(height, width);
    if (low[0] > high[0]) {
        return (film_window){0, 0, least};
    }
    const size_t longest = mb_max_size(high[0] - low[0], high[1] - low[1]) + 1;
    const size_t side = mb_min_size(mb_max_size(longest, LEAST_SIDE), least);
    return (film_window){
        clip(low[0], high[0], side, height), clip(low[1], high[1], side, width), side};
}

static mb_place place_in(const film_strip *strip, size_t i) {
    const double width = 0.9 / (double)strip->frames->shape[0];
    const double height = 0.92 / (double)strip->n_rows;
    const double left = 0.03 + width * (double)i;
    const double bottom = 0.02 + height * (double)(strip->n_rows - 1 - strip->row);
    return (mb_place){left, left + 0.92 * width, bottom, bottom + 0.78 * height};
}

// A pixel without energy has no time either.
static mb_values strip_values(mb_shower *shower, const film_strip *strip, size_t frame) {
    const film_window *window = &strip->window;
    const size_t n = window->side * window->side;
    double *value = mb_arena_allocate(&shower->arena, shower->ctx, n, sizeof *value);
    const float *from = strip->frames->data;
    for (size_t i = 0; value != NULL && i < n; i++) {
        const size_t row = frame * strip->frames->shape[1] + window->row + i / window->side;
        const size_t column = window->column + i % window->side;
        const float *pixel = from + (row * strip->frames->shape[2] + column) * N_FEATURES;
        value[i] = pixel[0] > 0 ? (double)pixel[strip->feature] : (double)NAN;
    }
    return mb_values_f64(value, value != NULL ? n : 0);
}

static mb_status add_strip(mb_shower *shower, mb_figure *figure, const film_strip *strip) {
    const size_t n_frames = strip->frames->shape[0];
    mb_values *values = mb_arena_allocate(&shower->arena, shower->ctx, n_frames, sizeof *values);
    if (values == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < n_frames; i++) {
        values[i] = strip_values(shower, strip, i);
    }
    const mb_color_scale colors = mb_shower_scale(values, n_frames);
    char name[LONGEST_TITLE];
    mb_format(name, sizeof name, "%.80s: %s", strip->name, strip->label);
    for (size_t i = 0; i < n_frames; i++) {
        char title[LONGEST_TITLE];
        mb_format(title, sizeof title, "(%.2f,%.2f)", mb_array_get(strip->edges, i),
            mb_array_get(strip->edges, i + 1));
        const mb_place place = place_in(strip, i);
        const mb_panel *panel = mb_shower_add_image(shower, figure,
            &(mb_shower_image){.title = title,
                .color_label = i + 1 == n_frames ? strip->label : NULL,
                .y_label = i == 0 ? name : NULL,
                .height = strip->window.side,
                .width = strip->window.side,
                .value = values[i],
                .colors = colors,
                .place = place,
                .color_bar = {0.945, 0.952, place.bottom, place.top},
                .hides_numbers = true});
        if (panel == NULL) {
            return MB_ERR_MEMORY;
        }
    }
    return MB_OK;
}

mb_status mb_shower_draw_vectorised(mb_shower *shower) {
    static const char *const labels[N_FEATURES] = {"Energy", "Time"};
    film_strip strips[MB_SHOWER_CLASSES * N_FEATURES];
    size_t n = 0;
    for (size_t k = 0; k < MB_SHOWER_CLASSES; k++) {
        const mb_array *frames = mb_shower_array(shower, k, "vectorised", MB_F32, 4);
        const bool has_both = frames != NULL && frames->shape[3] == N_FEATURES;
        const mb_array *edges = has_both ? edges_of(shower, frames->shape[0]) : NULL;
        for (size_t feature = 0; edges != NULL && feature < N_FEATURES; feature++) {
            strips[n] = (film_strip){.frames = frames,
                .edges = edges,
                .name = shower->name[k],
                .label = labels[feature],
                .feature = feature,
                .row = n,
                .window = find_window(frames)};
            n++;
        }
    }
    if (n == 0) {
        mb_gallery_leave_out(shower->ctx, "vectorised_frames", "vectorised");
        return MB_OK;
    }
    mb_figure *figure =
        mb_figure_create(shower->ctx, "vectorised_frames", 22, 0.4 + 1.4 * (double)n);
    mb_figure_font(figure, SMALL_LETTERS);
    mb_figure_caption(figure,
        "The first event of each class by intervals of time, each hit in its interval alone: "
        "energy "
        "in units of 50 GeV, and below it the time. Above the panels are the interval's edges; a "
        "panel is the square of the image that holds all hits.");
    mb_status status = MB_OK;
    for (size_t i = 0; i < n && status == MB_OK; i++) {
        strips[i].n_rows = n;
        status = add_strip(shower, figure, &strips[i]);
    }
    return mb_shower_finish(shower, figure, status);
}
