// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "draw/figures_calo.h"

#include "base/numbers.h"
#include "draw/figures_compare.h"
#include "draw/figures_matrix.h"
#include "draw/figures_regions.h"

// The names are those of the calorimeter's pictures (see its header).
enum { MOST_SAMPLES = 32, LONGEST_NAME = 64, N_PHI = 18, N_ETA = 14, N_SYNTHETIC = 2 };

static const char et_label[] = "ET [counts of 0.5 GeV]";

static size_t count_samples(const mb_bundle *pictures) {
    const mb_array *n = mb_bundle_array(pictures, "n_samples");
    const double count = n != NULL && mb_array_count(n) == 1 ? mb_array_get(n, 0) : 0;
    return count > 0 ? mb_min_size((size_t)count, MOST_SAMPLES) : 0;
}

static const mb_array *array_of(const mb_bundle *pictures, size_t sample, const char *part) {
    char name[LONGEST_NAME];
    mb_format(name, sizeof name, "sample/%zu/%s", sample, part);
    return mb_bundle_array(pictures, name);
}

static const char *title_of(const mb_bundle *pictures, size_t sample) {
    char name[LONGEST_NAME];
    mb_format(name, sizeof name, "sample/%zu/name", sample);
    const char *sample_name = mb_bundle_text(pictures, name);
    mb_format(name, sizeof name, "sample/%zu/title", sample);
    const char *title = mb_bundle_text(pictures, name);
    return mb_sample_title(sample_name != NULL ? sample_name : "", title);
}

static mb_status draw_synthetic(mb_gallery *gallery, mb_context *ctx, const mb_bundle *pictures) {
    const mb_array *events = mb_bundle_array(pictures, "synthetic");
    if (events == NULL || events->dtype != MB_F32 ||
        mb_array_count(events) != N_SYNTHETIC * N_PHI * N_ETA) {
        mb_gallery_leave_out(ctx, "region_deposits", "synthetic");
        return MB_OK;
    }
    const float *et = events->data;
    const mb_region_image images[N_SYNTHETIC] = {
        {"Synthetic event 0", mb_values_f32(et, N_PHI * N_ETA)},
        {"Synthetic event 1", mb_values_f32(et + N_PHI * N_ETA, N_PHI * N_ETA)}};
    return mb_draw_regions(gallery, ctx,
        &(mb_region_settings){.name = "region_deposits",
            .caption = "The first two synthetic events: transverse energy of the regions in counts "
                       "of 0.5 GeV, eta to the right, phi up.",
            .has_own_scales = true},
        images, N_SYNTHETIC);
}

static mb_status draw_means(mb_gallery *gallery, mb_context *ctx, const mb_bundle *pictures) {
    mb_region_image images[MOST_SAMPLES];
    size_t n = 0;
    for (size_t k = 0; k < count_samples(pictures); k++) {
        const mb_array *mean = array_of(pictures, k, "mean");
        if (mean != NULL) {
            images[n++] = (mb_region_image){title_of(pictures, k), mb_values_of(mean)};
        }
    }
    if (n == 0) {
        mb_gallery_leave_out(ctx, "mean_images", "sample/0/mean");
        return MB_OK;
    }
    return mb_draw_regions(gallery, ctx,
        &(mb_region_settings){.name = "mean_images",
            .title = "Mean region deposits",
            .caption = "Mean transverse energy of each region in counts of 0.5 GeV, one picture "
                       "for each sample with its own range of colours; eta to the right, phi up.",
            .has_own_scales = true},
        images, n);
}

// One histogram of all samples.
typedef struct spectrum {
    const char *name, *part, *edges; // of the figure, the samples' arrays, the common edges
    const char *title, *x_label, *y_label, *caption;
    bool is_log;
} spectrum;

static const spectrum spectra[] = {
    {"et_spectrum", "et", "et_edges", "Transverse energy of the regions", et_label,
        "Share of regions per count",
        "Regions by transverse energy, each sample at unit area, logarithmic.", true},
    {"eta_spectrum", "eta", "eta_edges", "Transverse energy along eta", "eta (region, 4 .. 17)",
        "Share of ET", "Sum of transverse energy in each column of eta, each sample at unit area.",
        false},
    {"phi_spectrum", "phi", "phi_edges", "Transverse energy around phi", "phi (region, 0 .. 17)",
        "Share of ET", "Sum of transverse energy in each row of phi, each sample at unit area.",
        false},
};

static mb_status draw_spectrum(
    mb_gallery *gallery, mb_context *ctx, const mb_bundle *pictures, const spectrum *look) {
    const mb_array *edges = mb_bundle_array(pictures, look->edges);
    mb_counted_set sets[MOST_SAMPLES];
    size_t n = 0;
    for (size_t k = 0; k < count_samples(pictures); k++) {
        const mb_array *heights = array_of(pictures, k, look->part);
        if (heights != NULL) {
            sets[n++] = (mb_counted_set){title_of(pictures, k), mb_values_of(heights)};
        }
    }
    if (edges == NULL || n == 0) {
        mb_gallery_leave_out(ctx, look->name, edges == NULL ? look->edges : look->part);
        return MB_OK;
    }
    return mb_draw_counted(gallery, ctx,
        &(mb_counted_settings){.name = look->name,
            .title = look->title,
            .x_label = look->x_label,
            .y_label = look->y_label,
            .caption = look->caption,
            .edges = mb_values_of(edges),
            .is_log = look->is_log,
            .is_density = true},
        sets, n);
}

mb_status mb_draw_calo(mb_gallery *gallery, mb_context *ctx, const mb_bundle *pictures) {
    MB_TRY(draw_synthetic(gallery, ctx, pictures));
    MB_TRY(draw_means(gallery, ctx, pictures));
    for (size_t i = 0; i < MB_COUNT_OF(spectra); i++) {
        MB_TRY(draw_spectrum(gallery, ctx, pictures, &spectra[i]));
    }
    return MB_OK;
}
