// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_BARREL_PART_H
#define DETECTOR_BARREL_PART_H

#include "detector/barrel/events.h"
#include "detector/barrel/settings.h"

// What is kept of a pair of files: sparse images and labels of its events.

enum { MB_BARREL_TEXT = 1024 }; // of a reason

// One image column, all events: entries of event i are those from first[i] to first[i + 1].
typedef struct mb_barrel_sparse {
    uint64_t *first;
    size_t first_capacity;
    uint32_t *index;
    uint16_t *value;
    size_t n, capacity;
    uint64_t n_dropped; // hits outside the phi or z range
} mb_barrel_sparse;

// Hits in a file that have no particle.
typedef struct mb_barrel_unmatched {
    uint64_t n, first_line, first_barcode, n_checked;
} mb_barrel_unmatched;

typedef struct mb_barrel_part {
    mb_barrel_sparse images[MB_BARREL_MAX_IMAGES];
    size_t n_rows;
    int64_t *event; // in the file; after joining, over the files
    uint8_t *label;
    uint32_t *n_tracks; // that pass the label's cuts
    float *track_pt;    // GeV, of the label.tracks-th highest
    uint32_t *file;     // only in joined parts
    size_t capacity, file_capacity;
    uint64_t n_hits, n_selected, n_particles, n_empty, n_unknown_volid;
    uint32_t unknown_volid; // the first
    mb_barrel_unmatched unmatched;
    mb_barrel_ending hits_ending, particles_ending;
    bool has_truth;
    char *dropped; // why the pair was dropped, or NULL
} mb_barrel_part;

// Reads a pair of files; particles may be NULL. event_shift: event e of the hits has the particles
// of event e + event_shift. With on_bad: drop a pair that does not fit gives a part without rows
// and its reason.
mb_status mb_barrel_part_read(mb_context *ctx, const mb_barrel_settings *settings, const char *hits,
    const char *particles, int64_t event_shift, mb_barrel_part *out) MB_MUST_CHECK;
void mb_barrel_part_clear(mb_barrel_part *part, mb_context *ctx);
// Makes room for rows and entries (one number an image), exactly.
mb_status mb_barrel_part_reserve(mb_barrel_part *part, mb_context *ctx, size_t n_images,
    size_t n_rows, const size_t *n_entries) MB_MUST_CHECK;
// Appends the rows of part (file number file, its events shifted) and clears it.
mb_status mb_barrel_part_append(mb_barrel_part *all, mb_context *ctx, size_t n_images,
    mb_barrel_part *part, uint32_t file, int64_t event_offset) MB_MUST_CHECK;

#endif
