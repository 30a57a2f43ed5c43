// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "measure/track_score.h"

#include "base/math.h"

#include <math.h>
#include <stdlib.h>

static const uint32_t no_particle = UINT32_MAX; // noise

typedef struct cell {
    int64_t id;
    uint32_t hit;
} cell;

struct mb_track_scorer {
    mb_runtime *runtime;
    size_t n_hits, n_particles;
    mb_track_particle *particle;
    uint32_t *of_hit; // particle of a hit, or no_particle
    float *weight;
    double total;
    // Scratch of a scoring.
    size_t *start; // (n_hits + 2) of each track in by_track; the last is that of no track
    uint32_t *by_track;
    uint32_t *count; // (n_particles) hits of the track at work
    uint32_t *touched;
};

void mb_track_scorer_destroy(mb_track_scorer *scorer) {
    if (scorer == NULL) {
        return;
    }
    mb_runtime *runtime = scorer->runtime;
    mb_runtime_release(runtime, scorer->particle);
    mb_runtime_release(runtime, scorer->of_hit);
    mb_runtime_release(runtime, scorer->weight);
    mb_runtime_release(runtime, scorer->start);
    mb_runtime_release(runtime, scorer->by_track);
    mb_runtime_release(runtime, scorer->count);
    mb_runtime_release(runtime, scorer->touched);
    mb_runtime_release(runtime, scorer);
}

static int compare_cells(const void *a, const void *b) {
    const cell *x = a;
    const cell *y = b;
    if (x->id != y->id) {
        return x->id < y->id ? -1 : 1;
    }
    return (x->hit > y->hit) - (x->hit < y->hit);
}

static mb_status number_particles(mb_track_scorer *s, mb_context *ctx, const int64_t *particle) {
    cell *sorted = mb_allocate(ctx, s->n_hits, sizeof *sorted);
    if (sorted == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < s->n_hits; i++) {
        sorted[i] = (cell){particle[i], (uint32_t)i};
    }
    if (s->n_hits > 1) {
        qsort(sorted, s->n_hits, sizeof *sorted, compare_cells);
    }
    for (size_t i = 0; i < s->n_hits; i++) {
        if (sorted[i].id == 0) {
            s->of_hit[sorted[i].hit] = no_particle;
            continue;
        }
        if (s->n_particles == 0 || s->particle[s->n_particles - 1].id != sorted[i].id) {
            s->particle[s->n_particles++] =
                (mb_track_particle){.id = sorted[i].id, .first = sorted[i].hit};
        }
        s->particle[s->n_particles - 1].n_hits++;
        s->of_hit[sorted[i].hit] = (uint32_t)(s->n_particles - 1);
    }
    mb_release(ctx, sorted);
    return MB_OK;
}

static mb_status fill(
    mb_track_scorer *s, mb_context *ctx, const int64_t *particle, const float *weight) {
    const size_t n = s->n_hits;
    s->particle = mb_allocate(ctx, n, sizeof *s->particle);
    s->of_hit = mb_allocate(ctx, n, sizeof *s->of_hit);
    s->weight = mb_allocate(ctx, n, sizeof *s->weight);
    s->start = mb_allocate(ctx, n + 2, sizeof *s->start);
    s->by_track = mb_allocate(ctx, n, sizeof *s->by_track);
    s->count = mb_allocate_zeroed(ctx, n, sizeof *s->count);
    s->touched = mb_allocate(ctx, n, sizeof *s->touched);
    if (s->particle == NULL || s->of_hit == NULL || s->weight == NULL || s->start == NULL ||
        s->by_track == NULL || s->count == NULL || s->touched == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(number_particles(s, ctx, particle));
    for (size_t i = 0; i < n; i++) {
        s->weight[i] = weight != NULL ? weight[i] : s->of_hit[i] == no_particle ? 0.0F : 1.0F;
        if (!(s->weight[i] >= 0 && isfinite(s->weight[i]))) {
            return mb_fail(ctx, MB_ERR_RANGE, "weight of hit %zu is %g; weights are numbers from 0",
                i, (double)s->weight[i]);
        }
        s->total += (double)s->weight[i];
    }
    return MB_OK;
}

mb_status mb_track_scorer_create(mb_context *ctx, const int64_t *particle, const float *weight,
    size_t n_hits, mb_track_scorer **out) {
    *out = NULL;
    if (n_hits >= no_particle) {
        return mb_fail(
            ctx, MB_ERR_LIMIT, "an event has %zu hits; cut it into smaller ones", n_hits);
    }
    mb_track_scorer *scorer = mb_allocate_zeroed(ctx, 1, sizeof *scorer);
    if (scorer == NULL) {
        return MB_ERR_MEMORY;
    }
    scorer->runtime = mb_context_runtime(ctx);
    scorer->n_hits = n_hits;
    const mb_status status = fill(scorer, ctx, particle, weight);
    if (status != MB_OK) {
        mb_track_scorer_destroy(scorer);
        return status;
    }
    *out = scorer;
    return MB_OK;
}

const mb_track_particle *mb_track_scorer_particles(const mb_track_scorer *scorer, size_t *n) {
    *n = scorer->n_particles;
    return scorer->particle;
}

// Sorts hits by track, those of no track last.
static mb_status sort_by_track(mb_track_scorer *s, mb_context *ctx, const int64_t *track) {
    const size_t n = s->n_hits;
    memset(s->start, 0, (n + 2) * sizeof *s->start);
    for (size_t i = 0; i < n; i++) {
        if (track[i] < -1 || track[i] >= (int64_t)n) {
            return mb_fail(ctx, MB_ERR_RANGE,
                "track of hit %zu is %lld; tracks of %zu hits are numbered 0 .. %zu, -1 is none", i,
                (long long)track[i], n, n - 1);
        }
        s->start[(track[i] < 0 ? n : (size_t)track[i]) + 1]++;
    }
    for (size_t t = 0; t <= n; t++) {
        s->start[t + 1] += s->start[t];
    }
    // Places are taken from each track's end downwards, which moves its end to its beginning.
    for (size_t i = n; i-- > 0;) {
        s->by_track[--s->start[(track[i] < 0 ? n : (size_t)track[i]) + 1]] = (uint32_t)i;
    }
    memmove(s->start, s->start + 1, (n + 1) * sizeof *s->start);
    s->start[n + 1] = n;
    return MB_OK;
}

// What the clusters say of hits that are no noise.
typedef struct agreement {
    double n, pairs, track_pairs; // hits; ordered pairs of one particle and track; of one track
    double entropy_track, joint;  // sums of n log n
} agreement;

static double n_log_n(double n) {
    return n > 0 ? n * mb_log(n) : 0;
}

static void add_count(agreement *a, double n) {
    a->pairs += n * n;
    a->joint += n_log_n(n);
}

static void add_track(agreement *a, double n) {
    a->n += n;
    a->track_pairs += n * n;
    a->entropy_track += n_log_n(n);
}

// Counts the particles of one track into count and touched.
static size_t count_particles(mb_track_scorer *s, size_t first, size_t end) {
    size_t n_touched = 0;
    for (size_t k = first; k < end; k++) {
        const uint32_t particle = s->of_hit[s->by_track[k]];
        if (particle != no_particle && s->count[particle]++ == 0) {
            s->touched[n_touched++] = particle;
        }
    }
    return n_touched;
}

// The majority of a track: no_particle, or a particle with at least as many hits as noise. On ties
// the smallest id, and that of noise is 0: smaller than those of particles, which are not negative.
static uint32_t majority_of(const mb_track_scorer *s, size_t n_touched, size_t n_noise) {
    uint32_t best = no_particle;
    for (size_t k = 0; k < n_touched; k++) {
        const uint32_t particle = s->touched[k];
        if (best == no_particle || s->count[particle] > s->count[best] ||
            (s->count[particle] == s->count[best] && particle < best)) {
            best = particle;
        }
    }
    return best != no_particle && s->count[best] >= n_noise ? best : no_particle;
}

static double weight_of(const mb_track_scorer *s, size_t first, size_t end, uint32_t particle) {
    double sum = 0;
    for (size_t k = first; k < end; k++) {
        const uint32_t hit = s->by_track[k];
        sum += s->of_hit[hit] == particle ? (double)s->weight[hit] : 0;
    }
    return sum;
}

static void score_track(mb_track_scorer *s, size_t track, mb_track_score *out, agreement *a) {
    const size_t first = s->start[track];
    const size_t end = s->start[track + 1];
    if (first == end) {
        return;
    }
    const size_t n_touched = count_particles(s, first, end);
    size_t n_known = 0;
    for (size_t k = 0; k < n_touched; k++) {
        n_known += s->count[s->touched[k]];
        add_count(a, (double)s->count[s->touched[k]]);
    }
    add_track(a, (double)n_known);
    if (track < s->n_hits) {
        const uint32_t majority = majority_of(s, n_touched, end - first - n_known);
        out->n_tracks++;
        const size_t n_shared = majority != no_particle ? s->count[majority] : 0;
        if (majority != no_particle && 2 * n_shared > end - first &&
            2 * n_shared > s->particle[majority].n_hits) {
            out->n_good++;
            out->score += weight_of(s, first, end, majority);
            out->hit_purity += (double)n_shared / (double)(end - first);
            out->hit_efficiency += (double)n_shared / (double)s->particle[majority].n_hits;
            s->particle[majority].is_found = true;
        }
    }
    for (size_t k = 0; k < n_touched; k++) {
        s->count[s->touched[k]] = 0;
    }
}

// Hubert and Arabie 1985, from ordered pairs, as scikit-learn counts them.
static double adjusted_rand(const agreement *a, double particle_pairs) {
    const double both = a->pairs - a->n;
    const double track_only = a->track_pairs - a->pairs;
    const double particle_only = particle_pairs - a->pairs;
    const double neither = a->n * a->n - track_only - particle_only - a->pairs;
    if (!(track_only > 0) && !(particle_only > 0)) {
        return 1;
    }
    return 2 * (both * neither - track_only * particle_only) /
           ((both + particle_only) * (particle_only + neither) +
               (both + track_only) * (track_only + neither));
}

// Rosenberg and Hirschberg 2007, beta 1.
static double v_measure(const agreement *a, double entropy_particle) {
    if (!(a->n > 0)) {
        return 1;
    }
    const double log_n = mb_log(a->n);
    const double of_particle = log_n - entropy_particle / a->n;
    const double of_track = log_n - a->entropy_track / a->n;
    const double shared = fmax(0, log_n + (a->joint - entropy_particle - a->entropy_track) / a->n);
    const double least = 1e-15 * (1 + log_n); // what rounding leaves of an entropy of 0
    const double homogeneity = of_particle > least ? shared / of_particle : 1;
    const double completeness = of_track > least ? shared / of_track : 1;
    const double sum = homogeneity + completeness;
    return sum > 0 ? 2 * homogeneity * completeness / sum : 0;
}

static double ratio(double a, double b) {
    return b > 0 ? a / b : (double)NAN;
}

mb_status mb_track_scorer_run(mb_track_scorer *s, mb_context *ctx, const int64_t *track,
    size_t min_hits, mb_track_score *out) {
    *out = (mb_track_score){.n_hits = s->n_hits};
    agreement a = {.n = 0};
    double particle_pairs = 0;
    double entropy_particle = 0;
    MB_TRY(sort_by_track(s, ctx, track));
    for (size_t i = 0; i < s->n_particles; i++) {
        s->particle[i].is_found = false;
        particle_pairs += (double)s->particle[i].n_hits * (double)s->particle[i].n_hits;
        entropy_particle += n_log_n((double)s->particle[i].n_hits);
    }
    for (size_t t = 0; t <= s->n_hits; t++) {
        score_track(s, t, out, &a);
    }
    for (size_t i = 0; i < s->n_particles; i++) {
        const bool is_counted = s->particle[i].n_hits >= min_hits;
        out->n_particles += is_counted;
        out->n_found += is_counted && s->particle[i].is_found;
    }
    out->n_unassigned = s->n_hits - s->start[s->n_hits];
    out->score = ratio(out->score, s->total);
    out->efficiency = ratio((double)out->n_found, (double)out->n_particles);
    out->fake_rate = 1 - ratio((double)out->n_good, (double)out->n_tracks);
    out->hit_purity = ratio(out->hit_purity, (double)out->n_good);
    out->hit_efficiency = ratio(out->hit_efficiency, (double)out->n_good);
    out->adjusted_rand = adjusted_rand(&a, particle_pairs);
    out->v_measure = v_measure(&a, entropy_particle);
    return MB_OK;
}

static int compare_keys(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static uint64_t *sorted_keys(mb_context *ctx, const mb_edge_list *edges) {
    uint64_t *key = mb_allocate(ctx, edges->n, sizeof *key);
    for (size_t e = 0; key != NULL && e < edges->n; e++) {
        key[e] = (uint64_t)(uint32_t)edges->source[e] << 32 | (uint32_t)edges->destination[e];
    }
    if (key != NULL && edges->n > 1) {
        qsort(key, edges->n, sizeof *key, compare_keys);
    }
    return key;
}

static size_t count_shared(const uint64_t *a, size_t n_a, const uint64_t *b, size_t n_b) {
    size_t n = 0;
    for (size_t i = 0, k = 0; i < n_a; i++) {
        while (k < n_b && b[k] < a[i]) {
            k++;
        }
        n += k < n_b && b[k] == a[i];
    }
    return n;
}

mb_status mb_edge_score_make(
    mb_context *ctx, const mb_edge_list *pred, const mb_edge_list *truth, mb_edge_score *out) {
    uint64_t *in_pred = sorted_keys(ctx, pred);
    uint64_t *in_truth = sorted_keys(ctx, truth);
    const bool is_short = in_pred == NULL || in_truth == NULL;
    *out = (mb_edge_score){.n_true = truth->n, .n_pred = pred->n};
    if (!is_short) {
        out->n_true_found = count_shared(in_truth, truth->n, in_pred, pred->n);
        out->n_pred_true = count_shared(in_pred, pred->n, in_truth, truth->n);
    }
    mb_release(ctx, in_pred);
    mb_release(ctx, in_truth);
    return is_short ? MB_ERR_MEMORY : MB_OK;
}
