// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_ECAL_COLUMNS_H
#define DETECTOR_ECAL_COLUMNS_H

#include "detector/ecal/hits.h"

// What a network takes, made of kept hits a batch at a time.
//
// frames (n, side, side): the energy of a hit is in the frame of its time and, with cumulative, in
// all later ones; 0 elsewhere (compat nan without remove_empty: not a number elsewhere). As index
// lists, too: 20,000 images take some megabytes, not gigabytes.

enum { MB_ECAL_FEATURES = 4, MB_ECAL_MOST_TIMES = 1024 };

// Lists of hits as sequence writes them.
typedef struct mb_ecal_scale {
    float least[MB_ECAL_FEATURES], most[MB_ECAL_FEATURES];
} mb_ecal_scale;

// The memory of all columns of a dataset; the first of them owns it.
typedef struct mb_ecal_store {
    mb_ecal_settings settings;
    mb_ecal_hits hits;
    size_t sequence_length, hits_length; // of the lists: hits of the longest image, at least 1
    mb_ecal_scale scale;                 // of sequence
} mb_ecal_store;

mb_status mb_ecal_store_create(
    mb_context *ctx, const mb_ecal_settings *settings, mb_ecal_store **out) MB_MUST_CHECK;
void mb_ecal_store_destroy(mb_runtime *runtime, mb_ecal_store *store);

// Adds the columns that the settings name. lengths and scale must be set. Takes the store, also on
// failure: it is freed with the dataset, or at once.
mb_status mb_ecal_columns_add(mb_context *ctx, mb_ecal_store *store, mb_dataset *out) MB_MUST_CHECK;

// Hits of the longest row that have the mark.
size_t mb_ecal_longest(const mb_ecal_hits *hits, unsigned mark);
// Least and largest value of each feature over hits of rows with the mark; 0, 0 without any.
void mb_ecal_scale_fit(
    const mb_ecal_hits *hits, unsigned mark, const uint32_t *rows, size_t n, mb_ecal_scale *out);
// The hits of a row that have the mark, by time and then position, as (energy, time, row, column):
// at most most of them into out. Returns how many.
size_t mb_ecal_list(const mb_ecal_hits *hits, size_t row, unsigned mark, size_t most, float *out);
// One row of frames and of vectorised, whole.
void mb_ecal_make_frames(const mb_ecal_store *store, size_t row, float *out);
void mb_ecal_make_vectorised(const mb_ecal_store *store, size_t row, float *out);

#endif
