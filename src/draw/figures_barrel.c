// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/math.h"
#include "base/numbers.h"
#include "draw/histograms.h"

#include <math.h>

// The names are those of the barrel's pictures (see its header).
enum { MOST_VOLUMES = 3, MOST_VOLIDS = 16, LONGEST_NAME = 64, MOST_EVENTS = 3 };

static const mb_axis z_axis = {.label = "z (mm)"};
static const mb_axis r_axis = {.label = "r (mm)"};

// True when all named arrays are there as rows of the same length; says what lacks.
static bool has_arrays(const mb_bundle *pictures, mb_context *ctx, const char *figure,
    const char *const *names, const mb_array **out) {
    for (size_t i = 0; names[i] != NULL; i++) {
        out[i] = mb_bundle_array(pictures, names[i]);
        if (out[i] == NULL || out[i]->rank != 1 || out[i]->shape[0] != out[0]->shape[0]) {
            mb_gallery_leave_out(ctx, figure, names[i]);
            return false;
        }
    }
    return true;
}

// Rows of z and the other coordinate where a key has a value, as one series of dots.
typedef struct scatter {
    mb_context *ctx;
    const mb_array *key, *x, *y, *shade; // shade may be NULL
    const mb_array *second_key;          // rows must have second_value here too; may be NULL
    double second_value;
} scatter;

static mb_status add_scatter(
    mb_panel *panel, const scatter *s, double key, const char *label, int color) {
    const size_t n = mb_array_count(s->x);
    double *memory = mb_allocate(s->ctx, n, 3 * sizeof *memory);
    if (memory == NULL) {
        return MB_ERR_MEMORY;
    }
    size_t n_chosen = 0;
    for (size_t i = 0; i < n; i++) {
        if (mb_array_get(s->key, i) == key &&
            (s->second_key == NULL || mb_array_get(s->second_key, i) == s->second_value)) {
            memory[n_chosen] = mb_array_get(s->x, i);
            memory[n + n_chosen] = mb_array_get(s->y, i);
            memory[2 * n + n_chosen] = s->shade != NULL ? mb_array_get(s->shade, i) : 0;
            n_chosen++;
        }
    }
    mb_panel_series(panel,
        &(mb_series){
            .kind = s->shade != NULL || s->second_key != NULL ? MB_SERIES_POINTS : MB_SERIES_DOTS,
            .label = label,
            .x = mb_values_f64(memory, n_chosen),
            .y = mb_values_f64(memory + n, n_chosen),
            .shade = mb_values_f64(memory + 2 * n, s->shade != NULL ? n_chosen : 0),
            .color = color});
    mb_release(s->ctx, memory);
    return MB_OK;
}

// The different values of an array, rising; at most MOST_VOLIDS.
static size_t distinct(const mb_array *array, double *out) {
    size_t n = 0;
    for (size_t i = 0; i < mb_array_count(array); i++) {
        const double value = mb_array_get(array, i);
        size_t place = 0;
        while (place < n && out[place] < value) {
            place++;
        }
        if ((place < n && out[place] == value) || n == MOST_VOLIDS) {
            continue;
        }
        memmove(out + place + 1, out + place, (n - place) * sizeof *out);
        out[place] = value;
        n++;
    }
    return n;
}

static mb_status draw_zr(mb_gallery *gallery, mb_context *ctx, const mb_bundle *pictures,
    const char *name, const char *title, const char *caption, const char *const *names) {
    const mb_array *arrays[3] = {NULL};
    if (!has_arrays(pictures, ctx, name, names, arrays)) {
        return MB_OK;
    }
    double key[MOST_VOLIDS + 1];
    const size_t n_keys = distinct(arrays[0], key);
    mb_figure *figure = mb_figure_create(ctx, name, 10, 4.5);
    mb_figure_caption(figure, "%s", caption);
    mb_panel *panel = mb_figure_panel(figure, &(mb_panel_settings){.title = title,
                                                  .x = z_axis,
                                                  .y = r_axis,
                                                  .legend = MB_LEGEND_OUTSIDE,
                                                  .legend_title = "Volume"});
    const scatter s = {.ctx = ctx, .key = arrays[0], .x = arrays[1], .y = arrays[2]};
    for (size_t i = 0; i < n_keys; i++) {
        char label[LONGEST_NAME];
        mb_format(label, sizeof label, "%g", key[i]);
        const mb_status status = add_scatter(panel, &s, key[i], label, i < 8 ? (int)i + 1 : 9);
        if (status != MB_OK) {
            mb_figure_destroy(figure);
            return status;
        }
    }
    return mb_gallery_add(gallery, ctx, figure);
}

// "(volid, layid)" of a barrel layer.
static void layer_title(const mb_array *layers, size_t layer, char *text, size_t size) {
    mb_format(text, size, "(%g, %g)", mb_array_get(layers, 2 * layer),
        mb_array_get(layers, 2 * layer + 1));
}

static bool has_layers(const mb_bundle *pictures, const mb_array **layers) {
    *layers = mb_bundle_array(pictures, "layers");
    return *layers != NULL && (*layers)->rank == 2 && (*layers)->shape[1] == 2;
}

static mb_status draw_zphi(mb_gallery *gallery, mb_context *ctx, const mb_bundle *pictures) {
    static const char *const names[] = {
        "selected/event", "selected/layer", "selected/z", "selected/phi", NULL};
    const mb_array *arrays[4] = {NULL};
    const mb_array *layers;
    if (!has_arrays(pictures, ctx, "hits_zphi", names, arrays) || !has_layers(pictures, &layers)) {
        return MB_OK;
    }
    const size_t n_hits = mb_array_count(arrays[0]);
    const mb_array *particle = mb_bundle_array(pictures, "selected/particle");
    if (particle != NULL && mb_array_count(particle) != n_hits) {
        particle = NULL;
    }
    const double event = n_hits > 0 ? mb_array_get(arrays[0], 0) : 0;
    mb_figure *figure = mb_figure_create(ctx, "hits_zphi", 16, 7);
    mb_figure_columns(figure, 5);
    mb_figure_caption(figure, "Barrel hits of event %.0f, one panel for each (volume, layer)%s.",
        event,
        particle != NULL ? ", one colour for each particle (eight colours, used again)" : "");
    const scatter s = {.ctx = ctx,
        .key = arrays[1],
        .x = arrays[2],
        .y = arrays[3],
        .shade = particle,
        .second_key = arrays[0],
        .second_value = event};
    for (size_t layer = 0; layer < layers->shape[0]; layer++) {
        char title[LONGEST_NAME];
        layer_title(layers, layer, title, sizeof title);
        const double half = mb_array_get(layers, 2 * layer) == 8 ? 500 : 1100;
        mb_panel *panel = mb_figure_panel(
            figure, &(mb_panel_settings){.title = title,
                        .x = {.label = "z (mm)", .has_range = true, .low = -half, .high = half},
                        .y = {.label = "phi", .has_range = true, .low = -MB_PI, .high = MB_PI},
                        .legend = MB_LEGEND_NONE});
        const mb_status status = add_scatter(panel, &s, (double)layer, NULL, 1);
        if (status != MB_OK) {
            mb_figure_destroy(figure);
            return status;
        }
    }
    return mb_gallery_add(gallery, ctx, figure);
}

// One volume's image of the figure's event.
typedef struct image {
    const mb_array *counts;  // (events, layers, phi, z)
    const mb_array *phi, *z; // edges
} image;

static bool find_image(const mb_bundle *pictures, size_t volume, image *out) {
    char name[LONGEST_NAME];
    mb_format(name, sizeof name, "images/volume%zu", volume);
    out->counts = mb_bundle_array(pictures, name);
    mb_format(name, sizeof name, "images/volume%zu_phi_edges", volume);
    out->phi = mb_bundle_array(pictures, name);
    mb_format(name, sizeof name, "images/volume%zu_z_edges", volume);
    out->z = mb_bundle_array(pictures, name);
    return out->counts != NULL && out->counts->rank == 4 && out->phi != NULL && out->z != NULL &&
           mb_array_count(out->phi) == out->counts->shape[2] + 1 &&
           mb_array_count(out->z) == out->counts->shape[3] + 1;
}

static double middle(const mb_array *edges, size_t bin) {
    return (mb_array_get(edges, bin) + mb_array_get(edges, bin + 1)) / 2;
}

// Filled bins only. A bin thinner than 1/60 of the panel is drawn that wide: a projector would
// lose it.
static mb_status add_image(
    mb_panel *panel, mb_context *ctx, const image *from, size_t event, size_t layer) {
    const size_t n_phi = from->counts->shape[2];
    const size_t n_z = from->counts->shape[3];
    const size_t n_bins = n_phi * n_z;
    const size_t first = (event * from->counts->shape[1] + layer) * n_bins;
    double *memory = mb_allocate(ctx, n_bins, 3 * sizeof *memory);
    if (memory == NULL) {
        return MB_ERR_MEMORY;
    }
    size_t n = 0;
    for (size_t bin = 0; bin < n_bins; bin++) {
        const double count = mb_array_get(from->counts, first + bin);
        if (count > 0) {
            memory[n] = middle(from->z, bin % n_z);
            memory[n_bins + n] = middle(from->phi, bin / n_z);
            memory[2 * n_bins + n++] = count;
        }
    }
    const double z_span = mb_array_get(from->z, n_z) - mb_array_get(from->z, 0);
    const double phi_span = mb_array_get(from->phi, n_phi) - mb_array_get(from->phi, 0);
    mb_panel_series(panel, &(mb_series){.kind = MB_SERIES_CELLS,
                               .x = mb_values_f64(memory, n),
                               .y = mb_values_f64(memory + n_bins, n),
                               .value = mb_values_f64(memory + 2 * n_bins, n),
                               .cell_width = z_span * fmax(1.0 / (double)n_z, 0.016),
                               .cell_height = phi_span * fmax(1.0 / (double)n_phi, 0.016)});
    mb_release(ctx, memory);
    return MB_OK;
}

static mb_status add_images_of_volume(mb_figure *figure, mb_context *ctx, const image *from,
    const mb_array *layers, size_t event, size_t *next_layer) {
    const size_t n_z = from->counts->shape[3];
    for (size_t layer = 0; layer < from->counts->shape[1]; layer++) {
        char title[LONGEST_NAME] = "";
        if (*next_layer < layers->shape[0]) {
            layer_title(layers, *next_layer, title, sizeof title);
        }
        (*next_layer)++;
        mb_panel *panel = mb_figure_panel(
            figure, &(mb_panel_settings){.title = title,
                        .x = {.label = "z (mm)",
                            .has_range = true,
                            .low = mb_array_get(from->z, 0),
                            .high = mb_array_get(from->z, n_z)},
                        .y = {.label = "phi", .has_range = true, .low = -MB_PI, .high = MB_PI},
                        .legend = MB_LEGEND_NONE});
        MB_TRY(add_image(panel, ctx, from, event, layer));
    }
    return MB_OK;
}

static mb_status draw_image(mb_gallery *gallery, mb_context *ctx, const mb_bundle *pictures,
    const mb_array *layers, size_t event) {
    char name[LONGEST_NAME] = "event_images";
    if (event > 0) {
        mb_format(name, sizeof name, "event_images_%zu", event + 1);
    }
    const mb_array *number = mb_bundle_array(pictures, "images/event");
    const bool has_number = number != NULL && event < mb_array_count(number);
    mb_figure *figure = mb_figure_create(ctx, name, 16, 7);
    mb_figure_columns(figure, 5);
    mb_figure_caption(figure,
        "Event %.0f as the network sees it: hits counted in bins of z and phi, one panel for each "
        "(volume, layer). Empty bins are white; one hit is blue, more are purple, then red. "
        "Narrow bins are drawn wider than they are.",
        has_number ? mb_array_get(number, event) : (double)event);
    size_t layer = 0;
    image from;
    mb_status status = MB_OK;
    for (size_t volume = 0; status == MB_OK && volume < MOST_VOLUMES; volume++) {
        if (find_image(pictures, volume, &from) && event < from.counts->shape[0]) {
            status = add_images_of_volume(figure, ctx, &from, layers, event, &layer);
        }
    }
    return mb_gallery_finish(gallery, ctx, figure, status);
}

static mb_status draw_images(mb_gallery *gallery, mb_context *ctx, const mb_bundle *pictures) {
    const mb_array *layers;
    image first;
    if (!has_layers(pictures, &layers) || !find_image(pictures, 0, &first)) {
        mb_gallery_leave_out(ctx, "event_images", "images/volume0");
        return MB_OK;
    }
    for (size_t event = 0; event < mb_min_size(first.counts->shape[0], MOST_EVENTS); event++) {
        MB_TRY(draw_image(gallery, ctx, pictures, layers, event));
    }
    return MB_OK;
}

// A panel of step histograms of whole arrays; absent ones are left out.
static mb_status add_histogram_panel(mb_figure *figure, mb_context *ctx, const mb_bundle *pictures,
    const char *title, mb_axis x, mb_axis y, const char *const *names, const char *const *labels) {
    mb_histogram_set sets[4] = {{.label = NULL}};
    size_t n = 0;
    for (size_t i = 0; names[i] != NULL && n < MB_COUNT_OF(sets); i++) {
        const mb_array *array = mb_bundle_array(pictures, names[i]);
        if (array != NULL) {
            sets[n++] = (mb_histogram_set){labels[i], mb_values_of(array)};
        }
    }
    const mb_binning binning = mb_binning_choose(sets, n, 0);
    mb_panel *panel = mb_figure_panel(figure, &(mb_panel_settings){.title = title, .x = x, .y = y});
    for (size_t i = 0; i < n; i++) {
        MB_TRY(mb_panel_histogram(panel, ctx, binning, sets[i], false, true));
    }
    return MB_OK;
}

static mb_status draw_multiplicity(
    mb_gallery *gallery, mb_context *ctx, const mb_bundle *pictures) {
    static const char *const hits[] = {"counts/hits", "counts/all_hits", NULL};
    static const char *const hit_labels[] = {"Barrel", "All"};
    static const char *const tracks[] = {"counts/tracks", "counts/particles", NULL};
    static const char *const track_labels[] = {"Tracks in the barrel", "Particles"};
    if (mb_bundle_array(pictures, "counts/hits") == NULL) {
        mb_gallery_leave_out(ctx, "multiplicity", "counts/hits");
        return MB_OK;
    }
    const bool has_truth = mb_bundle_array(pictures, "counts/tracks") != NULL;
    mb_figure *figure = mb_figure_create(ctx, "multiplicity", has_truth ? 11 : 6, 4.5);
    mb_figure_caption(figure, "Hits%s of each event.", has_truth ? " and tracks" : "");
    const mb_axis events = {.label = "Events"};
    mb_status status = add_histogram_panel(figure, ctx, pictures, "Hits per event",
        (mb_axis){.label = "Hits"}, events, hits, hit_labels);
    if (status == MB_OK && has_truth) {
        status = add_histogram_panel(figure, ctx, pictures, "Tracks per event",
            (mb_axis){.label = "Tracks"}, events, tracks, track_labels);
    }
    return mb_gallery_finish(gallery, ctx, figure, status);
}

static mb_status draw_pt_eta(mb_gallery *gallery, mb_context *ctx, const mb_bundle *pictures) {
    static const char *const pt[] = {"particles/pt", NULL};
    static const char *const eta[] = {"particles/eta", NULL};
    static const char *const no_labels[] = {NULL};
    if (mb_bundle_array(pictures, pt[0]) == NULL || mb_bundle_array(pictures, eta[0]) == NULL) {
        mb_gallery_leave_out(ctx, "pt_eta", "truth");
        return MB_OK;
    }
    mb_figure *figure = mb_figure_create(ctx, "pt_eta", 11, 4.5);
    mb_figure_caption(
        figure, "Transverse momentum (logarithmic) and pseudorapidity of the generated particles.");
    mb_status status = add_histogram_panel(figure, ctx, pictures, "Transverse momentum",
        (mb_axis){.label = "pt (GeV)"}, (mb_axis){.label = "Particles", .is_log = true}, pt,
        no_labels);
    if (status == MB_OK) {
        status = add_histogram_panel(figure, ctx, pictures, "Pseudorapidity",
            (mb_axis){.label = "eta"}, (mb_axis){.label = "Particles"}, eta, no_labels);
    }
    return mb_gallery_finish(gallery, ctx, figure, status);
}

static mb_status add_layer_histograms(mb_panel *panel, mb_context *ctx, const mb_array *counts) {
    const size_t n_events = counts->shape[0];
    const size_t n_layers = counts->shape[1];
    const mb_histogram_set all = {NULL, mb_values_of(counts)};
    const mb_binning binning = mb_binning_choose(&all, 1, 40);
    double *column = mb_allocate(ctx, n_events, sizeof *column);
    mb_status status = column != NULL ? MB_OK : MB_ERR_MEMORY;
    for (size_t layer = 0; status == MB_OK && layer < n_layers; layer++) {
        char label[LONGEST_NAME];
        mb_format(label, sizeof label, "%zu", layer);
        for (size_t i = 0; i < n_events; i++) {
            column[i] = mb_array_get(counts, i * n_layers + layer);
        }
        status = mb_panel_histogram(panel, ctx, binning,
            (mb_histogram_set){label, mb_values_f64(column, n_events)}, false, false);
    }
    mb_release(ctx, column);
    return status;
}

static mb_status draw_layers(mb_gallery *gallery, mb_context *ctx, const mb_bundle *pictures) {
    const mb_array *counts = mb_bundle_array(pictures, "counts/layers");
    if (counts == NULL || counts->rank != 2) {
        mb_gallery_leave_out(ctx, "hits_per_layer", "counts/layers");
        return MB_OK;
    }
    mb_figure *figure = mb_figure_create(ctx, "hits_per_layer", 9, 4.5);
    mb_figure_caption(
        figure, "Hits of each event in each barrel layer, from the innermost (0) out.");
    mb_panel *panel = mb_figure_panel(figure, &(mb_panel_settings){.title = "Hits per layer",
                                                  .x = {.label = "Hits of an event in the layer"},
                                                  .y = {.label = "Events"},
                                                  .legend = MB_LEGEND_OUTSIDE,
                                                  .legend_title = "Layer"});
    const mb_status status = add_layer_histograms(panel, ctx, counts);
    return mb_gallery_finish(gallery, ctx, figure, status);
}

mb_status mb_draw_barrel(mb_gallery *gallery, mb_context *ctx, const mb_bundle *pictures) {
    static const char *const all[] = {"hits/volid", "hits/z", "hits/r", NULL};
    static const char *const selected[] = {"selected/volume", "selected/z", "selected/r", NULL};
    MB_TRY(draw_images(gallery, ctx, pictures));
    MB_TRY(draw_zr(gallery, ctx, pictures, "hits_zr", "All hits",
        "All hits of some events along the beam (z) and away from it (r), one colour for each "
        "volume of the detector.",
        all));
    MB_TRY(draw_zr(gallery, ctx, pictures, "selected_zr", "Barrel hits",
        "The hits that are kept: those of the three barrel volumes.", selected));
    MB_TRY(draw_zphi(gallery, ctx, pictures));
    MB_TRY(draw_multiplicity(gallery, ctx, pictures));
    MB_TRY(draw_layers(gallery, ctx, pictures));
    return draw_pt_eta(gallery, ctx, pictures);
}
