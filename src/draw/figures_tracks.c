// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "draw/figures_tracks.h"

#include "base/math.h"
#include "base/numbers.h"
#include "measure/efficiency.h"

#include <math.h>

enum { GREY = 9, MOST_BINS = 32 };

// Coordinates and a whole number each, of those points that pass.
typedef struct picked {
    size_t n;
    double *x, *y, *shade;
} picked;

static void clear_picked(mb_context *ctx, picked *p) {
    mb_release(ctx, p->x);
    mb_release(ctx, p->y);
    mb_release(ctx, p->shade);
}

static mb_status open_picked(mb_context *ctx, picked *p, size_t n) {
    *p = (picked){.n = 0};
    p->x = mb_allocate(ctx, n, sizeof *p->x);
    p->y = mb_allocate(ctx, n, sizeof *p->y);
    p->shade = mb_allocate(ctx, n, sizeof *p->shade);
    return p->x == NULL || p->y == NULL || p->shade == NULL ? MB_ERR_MEMORY : MB_OK;
}

// Particles numbered as they are met, noise -1.
static mb_status number_particles(mb_context *ctx, const mb_track_sample *sample, int64_t **out) {
    int64_t *number = mb_allocate(ctx, sample->n, sizeof *number);
    int64_t *id = mb_allocate(ctx, sample->n, sizeof *id);
    *out = number;
    if (number == NULL || id == NULL) {
        mb_release(ctx, id);
        return MB_ERR_MEMORY;
    }
    size_t n_ids = 0;
    for (size_t i = 0; i < sample->n; i++) {
        number[i] = -1;
        if (sample->particle == NULL || sample->particle[i] == 0) {
            continue;
        }
        size_t k = 0;
        while (k < n_ids && id[k] != sample->particle[i]) {
            k++;
        }
        id[k] = sample->particle[i];
        n_ids = mb_max_size(n_ids, k + 1);
        number[i] = (int64_t)k;
    }
    mb_release(ctx, id);
    return MB_OK;
}

static mb_status add_points(mb_context *ctx, mb_panel *panel, const mb_track_points *space,
    size_t n, const int64_t *number, bool is_noise) {
    picked p;
    mb_status status = open_picked(ctx, &p, n);
    for (size_t i = 0; i < n && status == MB_OK; i++) {
        if ((number[i] < 0) == is_noise) {
            p.x[p.n] = (double)space->point[i * space->width];
            p.y[p.n] = space->width > 1 ? (double)space->point[i * space->width + 1] : 0;
            p.shade[p.n++] = (double)number[i];
        }
    }
    if (status == MB_OK && p.n > 0) {
        mb_panel_series(
            panel, &(mb_series){.kind = MB_SERIES_POINTS,
                       .name = is_noise ? "none" : "group",
                       .x = mb_values_f64(p.x, p.n),
                       .y = mb_values_f64(p.y, p.n),
                       .shade = is_noise ? mb_values_f64(NULL, 0) : mb_values_f64(p.shade, p.n),
                       .color = is_noise ? GREY : 1});
    }
    clear_picked(ctx, &p);
    return status;
}

static mb_status add_hits(mb_context *ctx, mb_figure *figure, const mb_track_sample *sample,
    const mb_track_points *space, const int64_t *number, const char *by) {
    char title[120];
    mb_format(title, sizeof title, "%.60s, by %.40s", space->title, by);
    mb_panel *panel = mb_figure_panel(figure, &(mb_panel_settings){.title = title,
                                                  .x = {.label = space->x, .most_numbers = 5},
                                                  .y = {.label = space->y},
                                                  .legend = MB_LEGEND_NONE});
    // Noise below, so that it hides nothing.
    MB_TRY(add_points(ctx, panel, space, sample->n, number, true));
    return add_points(ctx, panel, space, sample->n, number, false);
}

mb_status mb_draw_track_hits(mb_gallery *gallery, mb_context *ctx, const mb_track_sample *sample) {
    int64_t *particle = NULL;
    mb_status status = number_particles(ctx, sample, &particle);
    mb_figure *figure = mb_figure_create(ctx, "hits", 4.6 * (double)sample->n_spaces, 8.6);
    mb_figure_columns(figure, sample->n_spaces);
    mb_figure_caption(figure,
        "Hits of sample %lld. Above, each particle has a colour; below, each cluster of DBSCAN in "
        "that space (the radius chosen on the training samples). Colours repeat; grey hits are "
        "noise, or of no cluster.",
        (long long)sample->number);
    for (size_t k = 0; k < sample->n_spaces && status == MB_OK; k++) {
        status = add_hits(ctx, figure, sample, &sample->spaces[k], particle, "particle");
    }
    for (size_t k = 0; k < sample->n_spaces && status == MB_OK; k++) {
        status =
            add_hits(ctx, figure, sample, &sample->spaces[k], sample->spaces[k].cluster, "cluster");
    }
    mb_release(ctx, particle);
    return mb_gallery_finish(gallery, ctx, figure, status);
}

static mb_status add_grey_hits(mb_context *ctx, mb_panel *panel, const mb_track_sample *sample) {
    const mb_track_points hits = {.point = sample->xyz, .width = 3};
    int64_t *none = mb_allocate(ctx, sample->n, sizeof *none);
    if (none == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < sample->n; i++) {
        none[i] = -1;
    }
    const mb_status status = add_points(ctx, panel, &hits, sample->n, none, true);
    mb_release(ctx, none);
    return status;
}

static mb_status add_edges(
    mb_context *ctx, mb_figure *figure, const mb_track_sample *sample, bool is_true) {
    const mb_track_edges *edges = &sample->edges;
    picked from = {.n = 0};
    picked to = {.n = 0};
    mb_status status = open_picked(ctx, &from, edges->n);
    if (status == MB_OK) {
        status = open_picked(ctx, &to, edges->n);
    }
    for (size_t e = 0; e < edges->n && status == MB_OK; e++) {
        const int32_t a = edges->source[e];
        const int32_t b = edges->destination[e];
        if ((edges->label[e] > 0.5F) == is_true && a != b) {
            from.x[from.n] = (double)sample->xyz[3 * a];
            from.y[from.n++] = (double)sample->xyz[3 * a + 1];
            to.x[to.n] = (double)sample->xyz[3 * b];
            to.y[to.n++] = (double)sample->xyz[3 * b + 1];
        }
    }
    char title[80];
    mb_format(title, sizeof title, "%zu %s edges", from.n, is_true ? "true" : "false");
    mb_panel *panel = status != MB_OK
                          ? NULL
                          : mb_figure_panel(figure, &(mb_panel_settings){.title = title,
                                                        .x = {.label = "x (mm)", .most_numbers = 5},
                                                        .y = {.label = "y (mm)"},
                                                        .legend = MB_LEGEND_NONE,
                                                        .aspect = 1});
    if (status == MB_OK && from.n > 0) {
        mb_panel_series(panel, &(mb_series){.kind = MB_SERIES_SEGMENTS,
                                   .name = is_true ? "true" : "false",
                                   .x = mb_values_f64(from.x, from.n),
                                   .y = mb_values_f64(from.y, from.n),
                                   .x_high = mb_values_f64(to.x, to.n),
                                   .high = mb_values_f64(to.y, to.n),
                                   .color = is_true ? 1 : 2,
                                   .is_thin = true});
    }
    clear_picked(ctx, &from);
    clear_picked(ctx, &to);
    return status == MB_OK ? add_grey_hits(ctx, panel, sample) : status;
}

mb_status mb_draw_track_edges(mb_gallery *gallery, mb_context *ctx, const mb_track_sample *sample) {
    if (sample->xyz == NULL || sample->edges.n == 0) {
        return MB_OK;
    }
    mb_figure *figure = mb_figure_create(ctx, "graph_edges", 12, 6);
    mb_figure_caption(figure,
        "The judged graph of sample %lld (what was linked, and what should have been), across the "
        "beam: edges between hits of one particle, and all others.",
        (long long)sample->number);
    mb_status status = add_edges(ctx, figure, sample, true);
    if (status == MB_OK) {
        status = add_edges(ctx, figure, sample, false);
    }
    return mb_gallery_finish(gallery, ctx, figure, status);
}

// Hits of a group as balls, whose colour is the group's; noise is left out.
static mb_status add_balls(mb_context *ctx, mb_figure *figure, const mb_track_sample *sample,
    const int64_t *number, const char *title) {
    enum { BALL = 42 };
    double reach[3] = {1, 1, 1};
    picked p;
    picked more;
    mb_status status = open_picked(ctx, &p, sample->n);
    if (status != MB_OK) {
        clear_picked(ctx, &p);
        return status;
    }
    status = open_picked(ctx, &more, sample->n);
    int64_t n_groups = 1;
    for (size_t i = 0; i < sample->n && status == MB_OK; i++) {
        n_groups = number[i] >= n_groups ? number[i] + 1 : n_groups;
        for (size_t c = 0; c < 3; c++) {
            reach[c] = fmax(reach[c], fabs((double)sample->xyz[3 * i + c]));
        }
    }
    for (size_t i = 0; i < sample->n && status == MB_OK; i++) {
        if (number[i] >= 0) {
            p.x[p.n] = (double)sample->xyz[3 * i + 2];
            p.y[p.n] = (double)sample->xyz[3 * i];
            p.shade[p.n] = (double)sample->xyz[3 * i + 1];
            more.x[p.n++] = 1 + 0.2 * (double)number[i] / (double)n_groups;
        }
    }
    const double across = fmax(reach[0], reach[1]);
    mb_panel *panel =
        status != MB_OK
            ? NULL
            : mb_figure_panel(figure,
                  &(mb_panel_settings){.title = title,
                      .x = {.label = "z (mm)",
                          .has_range = true,
                          .low = -reach[2],
                          .high = reach[2]},
                      .y = {.label = "x (mm)", .has_range = true, .low = -across, .high = across},
                      .z = {.label = "y (mm)", .has_range = true, .low = -across, .high = across},
                      .elevation = 25,
                      .legend = MB_LEGEND_NONE,
                      .colors = {MB_PALETTE_SEQUENTIAL, true, 1, 1.2}});
    if (status == MB_OK && p.n > 0) {
        mb_panel_series(panel, &(mb_series){.kind = MB_SERIES_BALLS,
                                   .name = title,
                                   .x = mb_values_f64(p.x, p.n),
                                   .y = mb_values_f64(p.y, p.n),
                                   .z = mb_values_f64(p.shade, p.n),
                                   .value = mb_values_f64(more.x, p.n),
                                   .area = BALL});
    }
    clear_picked(ctx, &p);
    clear_picked(ctx, &more);
    return status;
}

mb_status mb_draw_track_space(mb_gallery *gallery, mb_context *ctx, const mb_track_sample *sample) {
    if (sample->xyz == NULL || sample->n_spaces == 0) {
        return MB_OK;
    }
    int64_t *particle = NULL;
    mb_status status = number_particles(ctx, sample, &particle);
    mb_figure *figure = mb_figure_create(ctx, "event_display", 13, 6);
    mb_figure_caption(figure,
        "Sample %lld in space: hits of a particle, and hits of a cluster (%s), have one colour. "
        "Noise and hits of no cluster are left out.",
        (long long)sample->number, sample->spaces[0].title);
    if (status == MB_OK && sample->particle != NULL) {
        status = add_balls(ctx, figure, sample, particle, "particles");
    }
    if (status == MB_OK) {
        status = add_balls(ctx, figure, sample, sample->spaces[0].cluster, "clusters");
    }
    mb_release(ctx, particle);
    return mb_gallery_finish(gallery, ctx, figure, status);
}

mb_status mb_draw_track_scan(
    mb_gallery *gallery, mb_context *ctx, const mb_track_scan *scans, size_t n_scans) {
    mb_figure *figure = mb_figure_create(ctx, "eps_choice", 4.8 * (double)n_scans, 4.2);
    mb_figure_caption(figure,
        "Mean TrackML score of the training samples against the clustering radius, for each space; "
        "the dashed line is the radius that is taken: the best, the smallest of equals.");
    for (size_t k = 0; k < n_scans; k++) {
        mb_panel *panel = mb_figure_panel(
            figure, &(mb_panel_settings){.title = scans[k].name,
                        .x = {.label = strcmp(scans[k].name, "xyz") == 0 ? "eps (mm)" : "eps",
                            .is_log = true},
                        .y = {.label = "TrackML score", .has_range = true, .low = 0, .high = 1.02},
                        .legend = MB_LEGEND_NONE});
        mb_panel_series(panel, &(mb_series){.kind = MB_SERIES_LINE_POINTS,
                                   .name = "score",
                                   .x = mb_values_f64(scans[k].eps, scans[k].n),
                                   .y = mb_values_f64(scans[k].score, scans[k].n)});
        char text[48];
        mb_format(text, sizeof text, "%.3g", scans[k].chosen);
        mb_panel_vertical(panel, scans[k].chosen, text);
    }
    return mb_gallery_add(gallery, ctx, figure);
}

typedef struct bins {
    size_t n;
    double centre[MOST_BINS], left[MOST_BINS], right[MOST_BINS], value[MOST_BINS], low[MOST_BINS],
        high[MOST_BINS];
} bins;

static double edge_of(const mb_track_efficiency *s, size_t i) {
    const double share = (double)i / (double)s->n_bins;
    return s->is_log ? s->low * mb_pow(s->high / s->low, share)
                     : s->low + (s->high - s->low) * share;
}

// Bins without particles are left out.
static void fill_bins(const mb_track_efficiency *s, const mb_track_found *space, bins *out) {
    out->n = 0;
    for (size_t b = 0; b < mb_min_size(s->n_bins, MOST_BINS); b++) {
        const double left = edge_of(s, b);
        const double right = edge_of(s, b + 1);
        uint64_t n = 0;
        uint64_t n_found = 0;
        for (size_t i = 0; i < s->n; i++) {
            const bool is_in = (double)s->x[i] >= left && (double)s->x[i] < right;
            n += is_in;
            n_found += is_in && space->is_found[i];
        }
        if (n > 0) {
            const mb_efficiency e = mb_efficiency_of(n_found, n);
            const size_t k = out->n++;
            out->centre[k] = s->is_log ? sqrt(left * right) : (left + right) / 2;
            out->left[k] = left;
            out->right[k] = right;
            out->value[k] = e.value;
            out->low[k] = e.low;
            out->high[k] = e.high;
        }
    }
}

mb_status mb_draw_track_efficiency(
    mb_gallery *gallery, mb_context *ctx, const mb_track_efficiency *s) {
    bins *b = mb_allocate_zeroed(ctx, 1, sizeof *b);
    if (b == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_figure *figure = mb_figure_create(ctx, s->figure, 7, 4.6);
    mb_figure_caption(figure,
        "Share of the %zu reconstructable particles that are the majority of a good track, against "
        "%s, with 68 %% intervals; radii chosen on the training samples.",
        s->n, s->what);
    mb_panel *panel = mb_figure_panel(
        figure, &(mb_panel_settings){.x = {.label = s->x_label, .is_log = s->is_log},
                    .y = {.label = "track efficiency", .has_range = true, .low = 0, .high = 1.05},
                    .legend = MB_LEGEND_OUTSIDE});
    for (size_t k = 0; k < s->n_spaces; k++) {
        fill_bins(s, &s->spaces[k], b);
        mb_panel_series(panel, &(mb_series){.kind = MB_SERIES_ERRORS,
                                   .label = s->spaces[k].name,
                                   .x = mb_values_f64(b->centre, b->n),
                                   .y = mb_values_f64(b->value, b->n),
                                   .low = mb_values_f64(b->low, b->n),
                                   .high = mb_values_f64(b->high, b->n),
                                   .x_low = mb_values_f64(b->left, b->n),
                                   .x_high = mb_values_f64(b->right, b->n)});
    }
    mb_release(ctx, b);
    return mb_gallery_add(gallery, ctx, figure);
}
