// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/calo_statistics.h"

#include "detector/calo/region_stream.h"

#include <math.h>
#include <stdlib.h>

enum { N = MB_CALO_N_REGIONS };

const double mb_calo_shares[MB_CALO_SHARES] = {0.05, 0.5, 0.95};

// One number each for the accepted events so far.
typedef struct growing {
    float *sum, *most;
    size_t n;
} growing;

static void add_event(mb_calo_statistics *s, growing *events, const float *regions) {
    double sum = 0;
    float most = 0;
    for (size_t r = 0; r < N; r++) {
        const float et = regions[r];
        if (!mb_calo_is_count(et)) {
            s->n_bad++;
            continue;
        }
        s->n_counts[r]++;
        s->sum[r] += (double)et;
        s->with_et[(size_t)et]++;
        sum += (double)et;
        most = et > most ? et : most;
    }
    // At most 252 * 1023: a float holds it.
    events->sum[events->n] = (float)sum;
    events->most[events->n++] = most;
}

static int compare_floats(const void *a, const void *b) {
    const float x = *(const float *)a;
    const float y = *(const float *)b;
    return (x > y) - (x < y);
}

// As NumPy's percentile: linear between the two neighbours.
static void find_shares(float *values, size_t n, double out[MB_CALO_SHARES]) {
    if (n > 0) {
        qsort(values, n, sizeof *values, compare_floats);
    }
    for (size_t i = 0; i < MB_CALO_SHARES; i++) {
        const double place = mb_calo_shares[i] * (double)(n > 0 ? n - 1 : 0);
        const size_t below = (size_t)place;
        const size_t above = mb_min_size(below + 1, n > 0 ? n - 1 : 0);
        const double part = place - (double)below;
        out[i] = n == 0 ? (double)NAN
                        : (double)values[below] * (1 - part) + (double)values[above] * part;
    }
}

static mb_status read_all(mb_calo_statistics *out, mb_calo_stream *stream, growing *events) {
    for (;;) {
        mb_calo_block block;
        MB_TRY(mb_calo_stream_next(stream, &block));
        if (block.n == 0) {
            break;
        }
        for (size_t i = 0; i < block.n; i++) {
            if (block.is_accepted == NULL || block.is_accepted[i] != 0) {
                add_event(out, events, block.regions + i * N);
            }
        }
    }
    find_shares(events->sum, events->n, out->event_sum);
    find_shares(events->most, events->n, out->event_most);
    return MB_OK;
}

mb_status mb_calo_statistics_read(mb_calo_statistics *out, mb_context *ctx, const char *path) {
    *out = (mb_calo_statistics){.n_events = 0};
    mb_calo_stream *stream = NULL;
    MB_TRY(mb_calo_stream_open(ctx, path, &stream));
    out->n_events = mb_calo_stream_events(stream);
    out->n_accepted = mb_calo_stream_accepted(stream);
    growing events = {.sum = mb_allocate(ctx, out->n_accepted, sizeof *events.sum),
        .most = mb_allocate(ctx, out->n_accepted, sizeof *events.most)};
    const bool has_memory = events.sum != NULL && events.most != NULL;
    const mb_status status = has_memory ? read_all(out, stream, &events) : MB_ERR_MEMORY;
    mb_release(ctx, events.sum);
    mb_release(ctx, events.most);
    mb_calo_stream_close(stream);
    return status;
}

static size_t count_all(const mb_calo_statistics *statistics) {
    return statistics->n_accepted * N - statistics->n_bad;
}

double mb_calo_mean_et(const mb_calo_statistics *statistics) {
    const size_t n = count_all(statistics);
    double sum = 0;
    for (size_t r = 0; r < N; r++) {
        sum += statistics->sum[r];
    }
    return n > 0 ? sum / (double)n : (double)NAN;
}

double mb_calo_zero_fraction(const mb_calo_statistics *statistics) {
    const size_t n = count_all(statistics);
    return n > 0 ? (double)statistics->with_et[0] / (double)n : (double)NAN;
}
