// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_ECAL_HITS_H
#define DETECTOR_ECAL_HITS_H

#include "detector/ecal/settings.h"

// The pixels of images that pass some cut: about 50 of 1024, and all that the columns are made of.

enum {
    MB_ECAL_PLACE = MB_ECAL_PIXELS - 1, // mask of the position, row * side + column
    MB_ECAL_IN_FRAMES = 1 << 13,        // passes the cleaning of frames
    MB_ECAL_IN_SEQUENCE = 1 << 14,      // passes the cuts of sequence
    MB_ECAL_EARLY = 1 << 15,            // not later than the first edge: in no interval
    MB_ECAL_NO_FRAME = 0xffff
};

typedef struct mb_ecal_hit {
    float energy, time;
    uint16_t place; // position and marks
    uint16_t frame; // first interval whose end is not before the time, or MB_ECAL_NO_FRAME
} mb_ecal_hit;

typedef struct mb_ecal_tally {
    size_t n_images;
    size_t n_empty;    // images without a hit that frames keeps
    size_t n_negative; // pixels of negative energy
    size_t n_nan;      // pixels made empty
} mb_ecal_tally;

typedef struct mb_ecal_hits {
    const mb_ecal_settings *settings;
    size_t n_rows, row_capacity;
    uint64_t *offset; // n_rows + 1
    mb_ecal_hit *hit; // by row, by position
    size_t capacity;
    mb_ecal_hit *block; // scratch of add
    uint32_t *count;
    size_t block_rows;
    mb_ecal_tally tally;
} mb_ecal_hits;

// Sets time, frame and marks (not the position). is_high, is_sequence: whether the energy passes
// the cuts of frames and of sequence, compared by the caller in the file's precision. Whether the
// hit is to be kept at all.
bool mb_ecal_hit_make(
    const mb_ecal_settings *s, double time, bool is_high, bool is_sequence, mb_ecal_hit *hit);
void mb_ecal_hits_init(mb_ecal_hits *hits, const mb_ecal_settings *settings);
// Adds images (n, 32, 32, 2), MB_F32 or MB_F64, on all threads. Energies are compared in the
// images' precision, times in double. path and first_row are for messages. Fails with RANGE for an
// energy that is not finite.
mb_status mb_ecal_hits_add(mb_ecal_hits *hits, mb_context *ctx, const mb_array *images,
    const char *path, size_t first_row) MB_MUST_CHECK;
// Frees scratch of add.
void mb_ecal_hits_pack(mb_ecal_hits *hits, mb_context *ctx);
void mb_ecal_hits_clear(mb_ecal_hits *hits, mb_runtime *runtime);
static inline size_t mb_ecal_hits_of(
    const mb_ecal_hits *hits, size_t row, const mb_ecal_hit **first) {
    *first = hits->hit + hits->offset[row];
    return (size_t)(hits->offset[row + 1] - hits->offset[row]);
}

#endif
