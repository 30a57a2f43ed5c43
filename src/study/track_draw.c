// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "draw/figures_tracks.h"
#include "study/track_run.h"

// The pictures of a run on tracks.

static const struct {
    const char *name, *title, *x, *y;
} axes_of[] = {
    {"learned", "learned", "learned 0", "learned 1"},
    {"emb", "embedding given", "emb 0", "emb 1"},
    {"xyz", "positions", "x", "y"},
};

static size_t axes_index(const char *name) {
    size_t k = 0;
    while (k + 1 < MB_COUNT_OF(axes_of) && strcmp(axes_of[k].name, name) != 0) {
        k++;
    }
    return k;
}

// The first clustered sample of the quoted split.
static size_t choose_sample(const mb_track_evaluation *e) {
    for (size_t i = 0; i < e->n_samples; i++) {
        if (e->split[i] == e->quoted && e->is_clustered[i] && e->offset[i + 1] > e->offset[i]) {
            return i;
        }
    }
    return e->n_samples;
}

static const float *positions(const mb_track_evaluation *e, size_t first) {
    const mb_column *xyz = mb_dataset_find(e->dataset, "xyz");
    return xyz != NULL && xyz->size == 3 && xyz->dense.dtype == MB_F32
               ? (const float *)xyz->dense.data + 3 * first
               : NULL;
}

static mb_status draw_sample(const mb_track_evaluation *e, mb_gallery *gallery, size_t i) {
    const size_t first = (size_t)e->offset[i];
    mb_track_points spaces[MB_TRACK_MOST_SPACES];
    for (size_t k = 0; k < e->n_spaces; k++) {
        const mb_track_space *space = &e->space[k];
        const size_t at = axes_index(space->name);
        spaces[k] = (mb_track_points){.title = axes_of[at].title,
            .x = axes_of[at].x,
            .y = axes_of[at].y,
            .point = space->points + first * space->width,
            .width = space->width,
            .cluster = space->label[MB_TRACK_CHOSEN] + first};
    }
    const mb_column *particle = mb_dataset_find(e->dataset, "particle");
    const mb_column *target = mb_dataset_find(e->dataset, "target");
    const mb_dataset_axis *loss = mb_dataset_find_axis(e->dataset, "edges.loss");
    mb_track_sample sample = {.number = e->dataset->event[i],
        .n = (size_t)e->offset[i + 1] - first,
        .particle = particle != NULL ? (const int64_t *)particle->dense.data + first : NULL,
        .spaces = spaces,
        .n_spaces = e->n_spaces,
        .xyz = positions(e, first)};
    if (loss != NULL && target != NULL && loss->source != NULL) {
        const size_t edge = (size_t)loss->offset[i];
        sample.edges = (mb_track_edges){loss->source + edge, loss->destination + edge,
            (const float *)target->dense.data + edge, (size_t)loss->offset[i + 1] - edge};
    }
    MB_TRY(mb_draw_track_hits(gallery, e->ctx, &sample));
    MB_TRY(mb_draw_track_edges(gallery, e->ctx, &sample));
    return mb_draw_track_space(gallery, e->ctx, &sample);
}

static mb_status draw_scan(const mb_track_evaluation *e, mb_gallery *gallery) {
    mb_track_scan scans[MB_TRACK_MOST_SPACES];
    for (size_t k = 0; k < e->n_spaces; k++) {
        scans[k] = (mb_track_scan){e->space[k].name, e->space[k].scan_eps, e->space[k].scan_score,
            MB_TRACK_N_SCAN, e->space[k].eps[MB_TRACK_CHOSEN]};
    }
    return mb_draw_track_scan(gallery, e->ctx, scans, e->n_spaces);
}

// Reconstructable particles of the quoted samples, and which spaces found them.
typedef struct particles {
    size_t n, most;
    float *pt, *eta;
    bool *is_found[MB_TRACK_MOST_SPACES];
} particles;

static mb_status add_particles(
    const mb_track_evaluation *e, size_t sample, size_t k, particles *out, size_t *at) {
    const size_t first = (size_t)e->offset[sample];
    const size_t n = (size_t)e->offset[sample + 1] - first;
    const float *pt = mb_dataset_find(e->dataset, "pt")->dense.data;
    const float *eta = mb_dataset_find(e->dataset, "eta")->dense.data;
    const int64_t *particle = mb_dataset_find(e->dataset, "particle")->dense.data;
    mb_track_scorer *scorer = NULL;
    mb_track_score score;
    MB_TRY(mb_track_scorer_create(e->ctx, particle + first, NULL, n, &scorer));
    // Labels of a batch are counted over its samples: not a sample's own numbers.
    int64_t *own = mb_allocate(e->ctx, n, sizeof *own);
    mb_status status = own == NULL ? MB_ERR_MEMORY : MB_OK;
    if (status == MB_OK) {
        status = mb_track_number_anew(e->ctx, e->space[k].label[MB_TRACK_CHOSEN] + first, n, own);
    }
    if (status == MB_OK) {
        status = mb_track_scorer_run(scorer, e->ctx, own, e->options->min_hits, &score);
    }
    mb_release(e->ctx, own);
    size_t n_particles = 0;
    const mb_track_particle *list = mb_track_scorer_particles(scorer, &n_particles);
    for (size_t p = 0; p < n_particles && status == MB_OK; p++) {
        if (list[p].n_hits >= e->options->min_hits && *at < out->most) {
            out->pt[*at] = pt[first + list[p].first];
            out->eta[*at] = eta[first + list[p].first];
            out->is_found[k][(*at)++] = list[p].is_found;
        }
    }
    mb_track_scorer_destroy(scorer);
    return status;
}

static mb_status gather_particles(const mb_track_evaluation *e, particles *out) {
    out->most = mb_dataset_axis_rows(e->dataset, "nodes");
    out->pt = mb_allocate(e->ctx, out->most, sizeof *out->pt);
    out->eta = mb_allocate(e->ctx, out->most, sizeof *out->eta);
    bool is_short = out->pt == NULL || out->eta == NULL;
    for (size_t k = 0; k < e->n_spaces; k++) {
        out->is_found[k] = mb_allocate(e->ctx, out->most, sizeof *out->is_found[k]);
        is_short = is_short || out->is_found[k] == NULL;
    }
    if (is_short) {
        return MB_ERR_MEMORY;
    }
    for (size_t k = 0; k < e->n_spaces; k++) {
        out->n = 0;
        for (size_t i = 0; i < e->n_samples; i++) {
            if (e->split[i] == e->quoted && e->is_clustered[i]) {
                MB_TRY(add_particles(e, i, k, out, &out->n));
            }
        }
    }
    return MB_OK;
}

static mb_status draw_efficiency(const mb_track_evaluation *e, mb_gallery *gallery) {
    if (!e->has_truth || mb_dataset_find(e->dataset, "pt") == NULL ||
        mb_dataset_find(e->dataset, "eta") == NULL) {
        return MB_OK;
    }
    particles p = {.n = 0};
    mb_track_found spaces[MB_TRACK_MOST_SPACES];
    mb_status status = gather_particles(e, &p);
    for (size_t k = 0; k < e->n_spaces; k++) {
        spaces[k] = (mb_track_found){e->space[k].name, p.is_found[k]};
    }
    mb_track_efficiency settings = {.figure = "efficiency_pt",
        .x_label = "pt (GeV)",
        .what = "transverse momentum",
        .x = p.pt,
        .n = p.n,
        .low = 0.5,
        .high = 20,
        .n_bins = 8,
        .is_log = true,
        .spaces = spaces,
        .n_spaces = e->n_spaces};
    if (status == MB_OK) {
        status = mb_draw_track_efficiency(gallery, e->ctx, &settings);
    }
    settings = (mb_track_efficiency){.figure = "efficiency_eta",
        .x_label = "eta",
        .what = "pseudorapidity",
        .x = p.eta,
        .n = p.n,
        .low = -3,
        .high = 3,
        .n_bins = 12,
        .spaces = spaces,
        .n_spaces = e->n_spaces};
    if (status == MB_OK) {
        status = mb_draw_track_efficiency(gallery, e->ctx, &settings);
    }
    mb_release(e->ctx, p.pt);
    mb_release(e->ctx, p.eta);
    for (size_t k = 0; k < e->n_spaces; k++) {
        mb_release(e->ctx, p.is_found[k]);
    }
    return status;
}

mb_status mb_track_draw(const mb_track_evaluation *e, mb_gallery *gallery) {
    const size_t sample = choose_sample(e);
    if (e->n_spaces == 0) {
        return MB_OK;
    }
    if (sample < e->n_samples) {
        MB_TRY(draw_sample(e, gallery, sample));
    }
    if (e->has_truth) {
        MB_TRY(draw_scan(e, gallery));
    }
    return draw_efficiency(e, gallery);
}
