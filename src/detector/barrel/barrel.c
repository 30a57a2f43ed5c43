// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/barrel/barrel.h"
#include "detector/barrel/events.h"
#include "detector/barrel/lines.h"
#include "detector/barrel/load.h"
#include "detector/barrel/pairs.h"
#include "detector/barrel/pictures.h"
#include "detector/barrel/simulate.h"

#include <math.h>

static mb_status has_files(mb_context *ctx, const mb_detector_request *request, bool *out) {
    mb_barrel_settings settings;
    MB_TRY(mb_barrel_settings_read(ctx, request, &settings));
    return mb_barrel_has_hits(ctx, request, &settings, out);
}

typedef struct summary {
    uint64_t n_hits, n_barrel, by_volume[MB_BARREL_N_VOLUMES];
    float lowest[3], highest[3]; // x, y, z
} summary;

static mb_status add_event(
    void *user, mb_context *ctx, uint64_t number, const mb_barrel_hit *hits, size_t n) {
    (void)ctx;
    (void)number;
    summary *s = user;
    for (size_t i = 0; i < n; i++) {
        const int volume = mb_barrel_volume_of(hits[i].volid);
        const float position[3] = {hits[i].x, hits[i].y, hits[i].z};
        s->n_hits++;
        if (volume >= 0) {
            s->n_barrel++;
            s->by_volume[volume]++;
        }
        for (int k = 0; k < 3; k++) {
            s->lowest[k] = fminf(s->lowest[k], position[k]);
            s->highest[k] = fmaxf(s->highest[k], position[k]);
        }
    }
    return MB_OK;
}

static const mb_barrel_event_rules any_rules = {false, false};

static mb_status describe_hits(mb_context *ctx, const char *path, mb_buffer *text) {
    summary s = {
        .lowest = {INFINITY, INFINITY, INFINITY}, .highest = {-INFINITY, -INFINITY, -INFINITY}};
    mb_barrel_ending ending;
    MB_TRY(mb_barrel_hits_read(ctx, path, &any_rules, add_event, &s, &ending));
    mb_buffer_format(text, "tracker hits (barrel): %llu events, %llu hits, %llu in the barrel\n",
        (unsigned long long)ending.n_events, (unsigned long long)s.n_hits,
        (unsigned long long)s.n_barrel);
    for (int i = 0; i < MB_BARREL_N_VOLUMES; i++) {
        mb_buffer_format(text, "  volume %d (volid %d): %llu hits\n", i, mb_barrel_volumes[i].volid,
            (unsigned long long)s.by_volume[i]);
    }
    for (int k = 0; k < 3; k++) {
        mb_buffer_format(
            text, "  %c: %g to %g mm\n", "xyz"[k], (double)s.lowest[k], (double)s.highest[k]);
    }
    return MB_OK;
}

static mb_status describe_particles(mb_context *ctx, const char *path, mb_buffer *text) {
    mb_barrel_particles particles;
    mb_status status = mb_barrel_particles_read(ctx, path, &any_rules, true, &particles);
    if (status == MB_OK) {
        float lowest = INFINITY, highest = 0;
        for (size_t i = 0; i < particles.n; i++) {
            lowest = fminf(lowest, particles.pt[i]);
            highest = fmaxf(highest, particles.pt[i]);
        }
        mb_buffer_format(text, "particles (barrel): %llu events, %zu particles, pt %g to %g GeV\n",
            (unsigned long long)particles.ending.n_events, particles.n, (double)lowest,
            (double)highest);
    }
    mb_barrel_particles_clear(&particles, ctx);
    return status;
}

// What the first data line is.
typedef enum kind { KIND_OTHER, KIND_HITS, KIND_PARTICLES } kind;

static mb_status probe(mb_context *ctx, const char *path, kind *out) {
    mb_barrel_lines lines;
    *out = KIND_OTHER;
    mb_status status = mb_barrel_lines_open(&lines, ctx, path);
    bool is_done = false;
    while (status == MB_OK && !is_done) {
        const char *line;
        bool is_there = false;
        status = mb_barrel_lines_next(&lines, &line, &is_there);
        if (status != MB_OK || !is_there) {
            break;
        }
        const char *end = memchr(line, '\n', lines.ready - lines.begin);
        is_done = *line != '#' && !mb_barrel_line_is_blank(line, end);
        if (is_done) {
            const mb_barrel_place place = {path, lines.line, lines.offset, false};
            mb_barrel_hit hit;
            mb_barrel_particle particle;
            if (mb_barrel_hit_parse(ctx, &place, line, end, &hit) == MB_OK) {
                *out = KIND_HITS;
            }
            mb_context_clear(ctx);
            if (mb_barrel_particle_parse(ctx, &place, line, end, &particle) == MB_OK) {
                *out = KIND_PARTICLES;
            }
            mb_context_clear(ctx);
        }
        mb_barrel_lines_skip(&lines, (size_t)(end - line));
    }
    mb_barrel_lines_close(&lines);
    return status;
}

static mb_status inspect(mb_context *ctx, const char *path, bool *is_mine, mb_buffer *text) {
    kind found = KIND_OTHER;
    *is_mine = false;
    const mb_status status = probe(ctx, path, &found);
    if (status == MB_ERR_LIMIT || status == MB_ERR_FORMAT) {
        // No lines of text: another reader's file.
        mb_context_clear(ctx);
        return MB_OK;
    }
    MB_TRY(status);
    *is_mine = found != KIND_OTHER;
    return found == KIND_HITS        ? describe_hits(ctx, path, text)
           : found == KIND_PARTICLES ? describe_particles(ctx, path, text)
                                     : MB_OK;
}

const mb_detector_ops mb_detector_barrel = {
    .name = "barrel",
    .study = "barrel-trigger",
    .help = "tracker hits and particles in text files; three images an event, label from truth",
    .data_options = mb_barrel_data_options,
    .data_options_size = sizeof(mb_barrel_settings),
    .compat_names = mb_barrel_compat_names,
    .simulate_options = mb_barrel_simulate_options,
    .simulate_options_size = sizeof(mb_barrel_simulate_record),
    .simulate = mb_barrel_simulate,
    .has_files = has_files,
    .load = mb_barrel_load,
    .pictures = mb_barrel_pictures,
    .inspect = inspect,
};
