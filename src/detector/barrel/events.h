// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_BARREL_EVENTS_H
#define DETECTOR_BARREL_EVENTS_H

#include "detector/barrel/index.h"
#include "detector/barrel/line.h"

// Files of events: blocks of lines between blank and comment lines. Memory for one event of hits;
// the particles of one file.

typedef struct mb_barrel_ending {
    uint64_t n_events;
    bool is_open; // no separator behind the last event
    bool is_cut;  // the file ended inside a line: its event was dropped (skip_last_event)
} mb_barrel_ending;

typedef struct mb_barrel_event_rules {
    bool strict_event_end; // refuse a file without separator behind its last event
    bool skip_last_event;  // drop the event that the file's end cuts
} mb_barrel_event_rules;

// Receives the hits of one event; number counts from 0.
typedef mb_status (*mb_barrel_event_fn)(
    void *user, mb_context *ctx, uint64_t number, const mb_barrel_hit *hits, size_t n);

mb_status mb_barrel_hits_read(mb_context *ctx, const char *path, const mb_barrel_event_rules *rules,
    mb_barrel_event_fn take, void *user, mb_barrel_ending *ending) MB_MUST_CHECK;

typedef struct mb_barrel_particles {
    size_t n;
    uint64_t *barcode;
    float *pt, *eta; // GeV, -
    uint32_t *line;
    uint32_t *first; // of each event, n_events + 1
    size_t capacity, first_capacity;
    size_t n_events;
    mb_barrel_ending ending;
} mb_barrel_particles;

// Two particles of one event with the same barcode are an error. wants_eta: else eta is NULL.
mb_status mb_barrel_particles_read(mb_context *ctx, const char *path,
    const mb_barrel_event_rules *rules, bool wants_eta, mb_barrel_particles *out) MB_MUST_CHECK;
void mb_barrel_particles_clear(mb_barrel_particles *particles, mb_context *ctx);

// Events of a file without looking into its lines.
mb_status mb_barrel_events_count(mb_context *ctx, const char *path, uint64_t *n) MB_MUST_CHECK;

#endif
