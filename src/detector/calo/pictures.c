// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/calo/pictures.h"

#include "base/numbers.h"
#include "detector/calo/plan.h"
#include "detector/calo/samples.h"

#include <math.h>

enum {
    N = MB_CALO_N_REGIONS,
    N_PHI = MB_CALO_N_PHI,
    N_ETA = MB_CALO_N_ETA,
    N_BINS = 100,
    SHOWN = 2 // synthetic events
};

typedef struct painter {
    mb_context *ctx;
    mb_calo_settings settings;
    mb_calo_samples samples;
    mb_calo_plan plan;
    mb_bundle *out;
    float *regions, *background; // MB_CALO_PICTURE_EVENTS each
    int64_t *event;
    uint32_t *file;
    size_t n_background;
} painter;

static mb_status put_edges(painter *p, const char *name, size_t n, double first, double step) {
    double edges[N_BINS + 1];
    for (size_t i = 0; i < n; i++) {
        edges[i] = first + step * (double)i;
    }
    return mb_bundle_put_doubles(p->out, p->ctx, name, edges, n);
}

static mb_status put_mean(painter *p, const char *name, const double *sum, size_t n_events) {
    mb_array mean;
    MB_TRY(mb_array_init(&mean, p->ctx, MB_F32, 2, (const size_t[]){N_PHI, N_ETA}));
    for (size_t i = 0; i < N; i++) {
        ((float *)mean.data)[i] = (float)(sum[i] / (double)n_events);
    }
    return mb_bundle_put(p->out, p->ctx, name, &mean);
}

static mb_status put_spectrum(painter *p, const char *name, const float *regions, size_t n_events) {
    mb_array spectrum;
    MB_TRY(mb_array_init(&spectrum, p->ctx, MB_I64, 1, (const size_t[]){N_BINS}));
    int64_t *counts = spectrum.data;
    for (size_t i = 0; i < n_events * N; i++) {
        // Sums that are not clipped may be above the last edge.
        const double bin = floor((double)regions[i] * N_BINS / (MB_CALO_MAX_ET + 1));
        if (bin < N_BINS) {
            counts[(size_t)bin]++;
        }
    }
    return mb_bundle_put(p->out, p->ctx, name, &spectrum);
}

static mb_status put_figures(painter *p, size_t sample, size_t n_events) {
    double sum[N] = {0}, eta[N_ETA] = {0}, phi[N_PHI] = {0};
    for (size_t k = 0; k < n_events; k++) {
        for (size_t i = 0; i < N; i++) {
            sum[i] += (double)p->regions[k * N + i];
        }
    }
    for (size_t i = 0; i < N; i++) {
        phi[i / N_ETA] += sum[i];
        eta[i % N_ETA] += sum[i];
    }
    char name[40];
    mb_format(name, sizeof name, "sample/%zu/n_events", sample);
    MB_TRY(mb_bundle_put_int(p->out, p->ctx, name, (int64_t)n_events));
    mb_format(name, sizeof name, "sample/%zu/mean", sample);
    MB_TRY(put_mean(p, name, sum, n_events));
    mb_format(name, sizeof name, "sample/%zu/et", sample);
    MB_TRY(put_spectrum(p, name, p->regions, n_events));
    mb_format(name, sizeof name, "sample/%zu/eta", sample);
    MB_TRY(mb_bundle_put_doubles(p->out, p->ctx, name, eta, N_ETA));
    mb_format(name, sizeof name, "sample/%zu/phi", sample);
    return mb_bundle_put_doubles(p->out, p->ctx, name, phi, N_PHI);
}

static mb_status put_names(
    painter *p, size_t sample, const char *title, size_t n_read, size_t n_accepted) {
    char name[40];
    mb_format(name, sizeof name, "sample/%zu/name", sample);
    MB_TRY(mb_bundle_put_text(p->out, p->ctx, name, mb_calo_sample_name(&p->settings, sample)));
    mb_format(name, sizeof name, "sample/%zu/title", sample);
    MB_TRY(mb_bundle_put_text(p->out, p->ctx, name, title));
    mb_format(name, sizeof name, "sample/%zu/n_read", sample);
    MB_TRY(mb_bundle_put_int(p->out, p->ctx, name, (int64_t)n_read));
    mb_format(name, sizeof name, "sample/%zu/n_accepted", sample);
    return mb_bundle_put_int(p->out, p->ctx, name, (int64_t)n_accepted);
}

static mb_status put_read_sample(painter *p, size_t i) {
    const mb_calo_sample_files *sample = &p->samples.sample[i];
    const mb_calo_source *source = i == 0 ? &p->settings.background : &p->settings.signals[i - 1];
    size_t n = 0;
    mb_calo_tally tally = {0};
    const size_t n_wanted =
        mb_min_size(MB_CALO_PICTURE_EVENTS, mb_min_size(source->limit, sample->n_accepted));
    MB_TRY(mb_calo_sample_read(p->ctx, sample, p->settings.on_bad, n_wanted, 0, p->regions,
        p->event, p->file, &n, &tally));
    if (n == 0) {
        return mb_fail(p->ctx, MB_ERR_FORMAT, "%s: no good event is left to draw; look at the file",
            sample->paths.name[0]);
    }
    if (i == 0) {
        memcpy(p->background, p->regions, n * N * sizeof *p->regions);
        p->n_background = n;
    }
    for (size_t k = 0; source->overlay != 0 && k < n; k++) {
        float *to = p->regions + k * N;
        mb_calo_add_event(
            to, p->background + k % p->n_background * N, !p->settings.no_overlay_clip, to);
    }
    MB_TRY(put_names(p, i, source->title, sample->n_events, sample->n_accepted));
    return put_figures(p, i, n);
}

static mb_status put_synthetic(painter *p) {
    const size_t sample = p->plan.n_samples - 1;
    const size_t n = mb_min_size(MB_CALO_PICTURE_EVENTS, p->plan.sample[sample].n);
    for (size_t k = 0; k < n; k++) {
        mb_calo_deposit_image(&p->plan.synthetic[k], p->regions + k * N);
    }
    const size_t n_shown = mb_min_size(n, SHOWN);
    mb_array shown;
    MB_TRY(mb_array_init(&shown, p->ctx, MB_F32, 3, (const size_t[]){n_shown, N_PHI, N_ETA}));
    memcpy(shown.data, p->regions, n_shown * N * sizeof *p->regions);
    MB_TRY(mb_bundle_put(p->out, p->ctx, "synthetic", &shown));
    const size_t n_made = p->settings.n_synthetic;
    MB_TRY(put_names(p, sample, "Synthetic", n_made, n_made));
    return put_figures(p, sample, n);
}

static mb_status make_plan(painter *p) {
    size_t n_events[1 + MB_CALO_MOST_SIGNALS];
    for (size_t i = 0; i < p->samples.n; i++) {
        const size_t most = i == 0 ? p->settings.is_benchmark
                                         ? mb_calo_background_wanted(&p->settings)
                                         : p->settings.background.limit
                                   : p->settings.signals[i - 1].limit;
        n_events[i] = mb_min_size(p->samples.sample[i].n_accepted, most);
    }
    return mb_calo_plan_make(p->ctx, &p->settings, n_events, &p->plan);
}

static mb_status make_room(painter *p) {
    const size_t n = MB_CALO_PICTURE_EVENTS;
    p->regions = mb_allocate(p->ctx, n, N * sizeof *p->regions);
    p->background = mb_allocate(p->ctx, n, N * sizeof *p->background);
    p->event = mb_allocate(p->ctx, n, sizeof *p->event);
    p->file = mb_allocate(p->ctx, n, sizeof *p->file);
    return p->regions != NULL && p->background != NULL && p->event != NULL && p->file != NULL
               ? MB_OK
               : MB_ERR_MEMORY;
}

static mb_status run(painter *p, const mb_detector_request *request) {
    MB_TRY(mb_calo_settings_read(p->ctx, request, &p->settings));
    mb_detector_request own = *request;
    own.files = NULL;
    own.n_files = 0;
    MB_TRY(mb_calo_samples_open(p->ctx, &own, &p->settings, &p->samples));
    MB_TRY(make_plan(p));
    MB_TRY(make_room(p));
    MB_TRY(mb_bundle_put_int(p->out, p->ctx, "n_samples", (int64_t)p->plan.n_samples));
    MB_TRY(put_edges(p, "et_edges", N_BINS + 1, 0, (MB_CALO_MAX_ET + 1) / (double)N_BINS));
    MB_TRY(put_edges(p, "eta_edges", N_ETA + 1, MB_CALO_FIRST_IETA, 1));
    MB_TRY(put_edges(p, "phi_edges", N_PHI + 1, 0, 1));
    for (size_t i = 0; i < p->samples.n; i++) {
        MB_TRY(put_read_sample(p, i));
    }
    return p->settings.n_synthetic > 0 ? put_synthetic(p) : MB_OK;
}

mb_status mb_calo_pictures(mb_context *ctx, const mb_detector_request *request, mb_bundle *out) {
    mb_bundle_init(out, ctx);
    painter *p = mb_allocate_zeroed(ctx, 1, sizeof *p);
    if (p == NULL) {
        return MB_ERR_MEMORY;
    }
    p->ctx = ctx;
    p->out = out;
    const mb_status status = run(p, request);
    if (status != MB_OK) {
        mb_bundle_clear(out);
    }
    mb_release(ctx, p->regions);
    mb_release(ctx, p->background);
    mb_release(ctx, p->event);
    mb_release(ctx, p->file);
    mb_calo_plan_clear(&p->plan);
    mb_calo_samples_clear(&p->samples, ctx);
    mb_release(ctx, p);
    return status;
}
