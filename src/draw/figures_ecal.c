// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "draw/figures_ecal.h"

#include "base/numbers.h"
#include "draw/histograms.h"
#include "draw/shower.h"

#include <math.h>

enum { LONGEST_TEXT = 160, N_QUANTITIES = 2, N_SHARES = 50, MOST_LINES = 26 };

static const char time_label[] = "Absolute Time";

// What a time distribution counts: pixels or their energy.
typedef struct time_kind {
    const char *part, *density, *cdf, *what;
} time_kind;

static const time_kind time_kinds[N_QUANTITIES] = {
    {"time_counts", "time_density", "time_cdf", "Pixels"},
    {"time_energy", "time_density_energy", "time_cdf_energy", "Energy"}};

// One line of a time plot, or nothing where it lacks its numbers. Density: share for each unit of
// time; else percent below the upper edge. Of all there is at all times, so that both plots agree.
static mb_status add_time(mb_shower *shower, mb_panel *panel, size_t quantity, size_t class_index,
    mb_values edges, bool is_density) {
    const mb_array *counts =
        mb_shower_array(shower, class_index, time_kinds[quantity].part, MB_F64, 1);
    const mb_array *totals = mb_shower_array(shower, class_index, "time_totals", MB_F64, 1);
    const bool has_all = counts != NULL && totals != NULL && totals->shape[0] == N_QUANTITIES &&
                         counts->shape[0] + 1 == edges.n && mb_array_get(totals, quantity) > 0;
    if (!has_all) {
        return MB_OK;
    }
    const size_t n = counts->shape[0];
    double *x = mb_arena_allocate(&shower->arena, shower->ctx, n + 1, 2 * sizeof *x);
    if (x == NULL) {
        return MB_ERR_MEMORY;
    }
    double *y = x + n + 1;
    const double total = mb_array_get(totals, quantity);
    double sum = 0;
    x[0] = mb_values_get(edges, 0);
    for (size_t i = 0; i < n; i++) {
        x[i + 1] = mb_values_get(edges, i + 1);
        sum += mb_array_get(counts, i);
        y[i + 1] = 100 * sum / total;
    }
    for (size_t i = 0; is_density && i < n; i++) {
        y[i] = mb_array_get(counts, i) / (total * (x[i + 1] - x[i]));
    }
    const size_t n_points = is_density ? n : n + 1;
    mb_panel_series(panel, &(mb_series){.kind = is_density ? MB_SERIES_STEPS : MB_SERIES_LINE,
                               .label = shower->name[class_index],
                               .x = mb_values_f64(x, n + 1),
                               .y = mb_values_f64(y, n_points)});
    return MB_OK;
}

static mb_status draw_time(mb_shower *shower, size_t quantity, mb_values edges, bool is_density) {
    const time_kind *kind = &time_kinds[quantity];
    mb_figure *figure =
        mb_figure_create(shower->ctx, is_density ? kind->density : kind->cdf, 7, 4.5);
    mb_figure_caption(figure,
        "%s of the hit crystals by size of the arrival time%s. Shares are of all times, also those "
        "beyond the right end.",
        kind->what, is_density ? ", logarithmic" : ": the share that is not later");
    mb_panel *panel = mb_figure_panel(
        figure, &(mb_panel_settings){.x = {.label = time_label,
                                         .has_range = true,
                                         .low = mb_values_get(edges, 0),
                                         .high = mb_values_get(edges, edges.n - 1)},
                    .y = {.label = is_density ? "Density" : "Cumulative Percent",
                        .is_log = is_density,
                        .has_range = !is_density,
                        .high = 100},
                    .legend = is_density ? MB_LEGEND_TOP_RIGHT : MB_LEGEND_BOTTOM_RIGHT});
    mb_status status = MB_OK;
    for (size_t k = 0; k < MB_SHOWER_CLASSES && status == MB_OK; k++) {
        status = add_time(shower, panel, quantity, k, edges, is_density);
    }
    return mb_shower_finish(shower, figure, status);
}

static mb_status draw_times(mb_shower *shower) {
    const mb_values edges = mb_values_of(mb_bundle_array(shower->pictures, "time_edges"));
    const bool has_any = mb_shower_array(shower, 0, "time_counts", MB_F64, 1) != NULL ||
                         mb_shower_array(shower, 1, "time_counts", MB_F64, 1) != NULL;
    if (edges.n < 2 || !has_any) {
        mb_gallery_leave_out(
            shower->ctx, time_kinds[0].density, has_any ? "time_edges" : time_kinds[0].part);
        return MB_OK;
    }
    for (size_t quantity = 0; quantity < N_QUANTITIES; quantity++) {
        MB_TRY(draw_time(shower, quantity, edges, true));
        MB_TRY(draw_time(shower, quantity, edges, false));
    }
    return MB_OK;
}

// Mean over the finite values; NaN where there are none.
static double mean_of(mb_values values) {
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < values.n; i++) {
        const double value = mb_values_get(values, i);
        sum += isfinite(value) ? value : 0;
        n += isfinite(value) ? 1 : 0;
    }
    return n > 0 ? sum / (double)n : (double)NAN;
}

// What the crop study has of one class.
typedef struct crop_class {
    const char *name;
    const mb_array *hits, *energy; // (crops, events)
} crop_class;

typedef struct crop_study {
    const mb_array *crops, *areas;
    size_t n_crops;
    crop_class classes[MB_SHOWER_CLASSES];
    size_t n_classes;
} crop_study;

static bool find_crops(const mb_shower *shower, crop_study *study) {
    *study = (crop_study){.crops = mb_bundle_array(shower->pictures, "crops"),
        .areas = mb_bundle_array(shower->pictures, "crop_areas")};
    study->n_crops = study->crops != NULL ? mb_array_count(study->crops) : 0;
    if (study->areas == NULL || mb_array_count(study->areas) != study->n_crops) {
        return false;
    }
    for (size_t k = 0; k < MB_SHOWER_CLASSES; k++) {
        const mb_array *hits = mb_shower_array(shower, k, "crop_hits", MB_F32, 2);
        const mb_array *energy = mb_shower_array(shower, k, "crop_energy", MB_F32, 2);
        const bool fits = hits != NULL && energy != NULL && hits->shape[0] == study->n_crops &&
                          energy->shape[0] == study->n_crops;
        if (fits) {
            study->classes[study->n_classes++] = (crop_class){shower->name[k], hits, energy};
        }
    }
    return study->n_classes > 0;
}

static mb_values row_of(const mb_array *array, size_t row) {
    const size_t n = array->shape[1];
    return mb_values_f32((const float *)array->data + row * n, n);
}

static mb_status add_crop(
    mb_shower *shower, mb_figure *figure, const crop_study *study, size_t crop, size_t k) {
    const crop_class *of = &study->classes[k];
    const double side = mb_array_get(study->crops, crop);
    const bool is_last = crop + 1 == study->n_crops;
    const mb_values values[N_QUANTITIES] = {row_of(of->hits, crop), row_of(of->energy, crop)};
    static const char *const names[N_QUANTITIES] = {"nhits", "ensum"};
    char title[LONGEST_TEXT];
    char y_label[LONGEST_TEXT];
    mb_format(title, sizeof title, "%.0fx%.0f: %.2f", side, side, mb_array_get(study->areas, crop));
    mb_format(y_label, sizeof y_label, "%.80s images", of->name);
    mb_panel *panel = mb_figure_panel(
        figure, &(mb_panel_settings){.title = title,
                    .x = {.label = is_last ? "Fraction kept" : NULL, .has_range = true, .high = 1},
                    .y = {.label = y_label, .most_numbers = 4},
                    .legend = MB_LEGEND_TOP_LEFT});
    for (size_t q = 0; q < N_QUANTITIES; q++) {
        char label[LONGEST_TEXT];
        mb_format(label, sizeof label, "%s avg:%.2f", names[q], mean_of(values[q]));
        MB_TRY(mb_panel_histogram(panel, shower->ctx, (mb_binning){N_SHARES, 0, 1},
            (mb_histogram_set){label, values[q]}, false, true));
    }
    return MB_OK;
}

// What people read of the table first: the means.
static mb_status add_means(mb_shower *shower, mb_figure *figure, const crop_study *study) {
    mb_figure_numbers(figure, "crop", mb_values_of(study->crops));
    mb_figure_numbers(figure, "area", mb_values_of(study->areas));
    for (size_t k = 0; k < study->n_classes; k++) {
        const crop_class *of = &study->classes[k];
        const mb_array *arrays[N_QUANTITIES] = {of->hits, of->energy};
        static const char *const names[N_QUANTITIES] = {"hits", "energy"};
        for (size_t q = 0; q < N_QUANTITIES; q++) {
            double *means =
                mb_arena_allocate(&shower->arena, shower->ctx, study->n_crops, sizeof *means);
            if (means == NULL) {
                return MB_ERR_MEMORY;
            }
            for (size_t i = 0; i < study->n_crops; i++) {
                means[i] = mean_of(row_of(arrays[q], i));
            }
            char name[LONGEST_TEXT];
            mb_format(name, sizeof name, "%.80s: mean fraction of %s", of->name, names[q]);
            mb_figure_numbers(figure, name, mb_values_f64(means, study->n_crops));
        }
    }
    return MB_OK;
}

static mb_status draw_crops(mb_shower *shower) {
    crop_study study;
    if (!find_crops(shower, &study)) {
        mb_gallery_leave_out(shower->ctx, "crop_study", "crop_hits");
        return MB_OK;
    }
    mb_figure *figure = mb_figure_create(shower->ctx, "crop_study", 5.5 * (double)study.n_classes,
        fmin(2.6 * (double)study.n_crops + 0.3, 100));
    mb_figure_columns(figure, study.n_classes);
    mb_figure_caption(figure,
        "What central squares keep of an image: fraction of its hits (nhits) and of its energy "
        "(ensum) with their means; above each its size and its share of the whole area.");
    mb_status status = add_means(shower, figure, &study);
    for (size_t i = 0; i < study.n_crops; i++) {
        for (size_t k = 0; k < study.n_classes && status == MB_OK; k++) {
            status = add_crop(shower, figure, &study, i, k);
        }
    }
    return mb_shower_finish(shower, figure, status);
}

// The hits of one event as lines of text, and as columns of the CSV.
static mb_status add_list(
    mb_shower *shower, mb_figure *figure, const char *class_name, const mb_array *hits) {
    static const char *const heads[MB_SHOWER_HIT] = {"energy", "time", "x", "y"};
    static const int decimals[MB_SHOWER_HIT] = {3, 4, 0, 0};
    const size_t n = hits->shape[0];
    const size_t n_shown = mb_min_size(n, MOST_LINES);
    char text[LONGEST_TEXT];
    mb_format(text, sizeof text, "%.80s: %zu of %zu hits", class_name, n_shown, n);
    mb_panel *panel = mb_figure_panel(
        figure, &(mb_panel_settings){.title = text, .legend = MB_LEGEND_NONE, .is_bare = true});
    for (size_t c = 0; c < MB_SHOWER_HIT; c++) {
        const double x = 0.1 + 0.27 * (double)c;
        const mb_values values = mb_shower_pick(shower, hits, c, n, MB_SHOWER_HIT, -INFINITY);
        if (values.n != n) {
            return MB_ERR_MEMORY;
        }
        mb_format(text, sizeof text, "%.80s: %s", class_name, heads[c]);
        mb_figure_numbers(figure, text, values);
        mb_panel_text(panel, x, 1, heads[c]);
        for (size_t i = 0; i < n_shown; i++) {
            mb_format(text, sizeof text, "%.*f", decimals[c], mb_values_get(values, i));
            mb_panel_text(panel, x, 1 - (double)(i + 1) / (MOST_LINES + 1), text);
        }
    }
    return MB_OK;
}

static mb_status draw_sequences(mb_shower *shower) {
    mb_histogram_set sets[MB_SHOWER_CLASSES];
    size_t n = 0;
    for (size_t k = 0; k < MB_SHOWER_CLASSES; k++) {
        const mb_array *n_hits = mb_shower_array(shower, k, "n_hits", MB_I64, 1);
        if (n_hits != NULL) {
            sets[n++] = (mb_histogram_set){shower->name[k], mb_values_of(n_hits)};
        }
    }
    if (n == 0) {
        mb_gallery_leave_out(shower->ctx, "hit_sequences", "n_hits");
        return MB_OK;
    }
    mb_figure *figure = mb_figure_create(shower->ctx, "hit_sequences", 14, 6.5);
    mb_figure_caption(figure,
        "Left: hits of an image that pass the cuts of sequences. Right: the first event of each "
        "class as list of its hits by time, energy in units of 50 GeV, x the row, y the column.");
    mb_panel *panel = mb_figure_panel(figure, &(mb_panel_settings){.title = "Hits per image",
                                                  .x = {.label = "Hits", .is_whole = true},
                                                  .y = {.label = "Images"}});
    const mb_binning binning = mb_binning_choose(sets, n, 0);
    mb_status status = MB_OK;
    for (size_t i = 0; i < n && status == MB_OK; i++) {
        status = mb_panel_histogram(panel, shower->ctx, binning, sets[i], false, true);
    }
    for (size_t k = 0; k < MB_SHOWER_CLASSES && status == MB_OK; k++) {
        const mb_array *hits = mb_shower_array(shower, k, "sequence", MB_F32, 2);
        if (hits != NULL && hits->shape[1] == MB_SHOWER_HIT) {
            status = add_list(shower, figure, shower->name[k], hits);
        }
    }
    return mb_shower_finish(shower, figure, status);
}

static mb_status draw_all(mb_shower *shower) {
    MB_TRY(mb_shower_draw_images(shower));
    MB_TRY(mb_shower_draw_events(shower));
    MB_TRY(mb_shower_draw_scatter(shower));
    MB_TRY(mb_shower_draw_films(shower));
    MB_TRY(mb_shower_draw_vectorised(shower));
    MB_TRY(draw_times(shower));
    MB_TRY(draw_crops(shower));
    return draw_sequences(shower);
}

mb_status mb_draw_ecal(mb_gallery *gallery, mb_context *ctx, const mb_bundle *pictures) {
    static const char *const default_names[MB_SHOWER_CLASSES] = {"Photon", "Electron"};
    mb_shower shower = {.gallery = gallery, .ctx = ctx, .pictures = pictures};
    mb_arena_init(&shower.arena, ctx);
    for (size_t k = 0; k < MB_SHOWER_CLASSES; k++) {
        char name[LONGEST_TEXT];
        mb_format(name, sizeof name, "class/%zu/name", k);
        const char *given = mb_bundle_text(pictures, name);
        shower.name[k] = given != NULL ? given : default_names[k];
    }
    const mb_status status = draw_all(&shower);
    mb_arena_clear(&shower.arena);
    return status;
}
