// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_TRACKS_IDS_H
#define DETECTOR_TRACKS_IDS_H

#include "detector/tracks/truth.h"

// Finds the row of an id: by a list of all where the ids are dense (hits are counted), by hashing
// where they are not (particles). Ids that all hash to the same place are searched in order.
typedef struct mb_tracks_ids {
    size_t n;
    int64_t least;
    size_t n_slots;           // of row: a power of two where key is there
    int32_t *row;             // -1: none
    int64_t *key;             // NULL: slot i is of id least + i
    mb_tracks_member *sorted; // takes the place of row and key
} mb_tracks_ids;

// Ids of n < 2^31 rows. *twice is the row of an id that was there in a row before, or SIZE_MAX:
// then the index is not complete. The caller clears it, also after a failure.
mb_status mb_tracks_ids_make(mb_tracks_ids *index, mb_context *ctx, const int64_t *ids, size_t n,
    size_t *twice) MB_MUST_CHECK;
void mb_tracks_ids_clear(mb_tracks_ids *index, mb_context *ctx);
// SIZE_MAX: there is no such id.
size_t mb_tracks_ids_find(const mb_tracks_ids *index, int64_t id);

#endif
