// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_ECAL_SETTINGS_H
#define DETECTOR_ECAL_SETTINGS_H

#include "detector/ecal/ecal.h"

enum { MB_ECAL_ON_BAD_ERROR, MB_ECAL_ON_BAD_DROP };

// What data.arrays may name, as bits by their order.
typedef enum mb_ecal_array {
    MB_ECAL_FRAMES,
    MB_ECAL_VECTORISED,
    MB_ECAL_SEQUENCE,
    MB_ECAL_HITS,
    MB_ECAL_UNIQUE_TIMES,
    MB_ECAL_N_ARRAYS
} mb_ecal_array;
extern const char *const mb_ecal_array_names[]; // NULL-terminated

enum { MB_ECAL_MOST_FRAMES = 1000 };

// The time axis: n frames. Interval k is (edge[k], edge[k + 1]]; there are as many as frames, but
// with compat last_frame one less: nothing is written into the last frame then.
typedef struct mb_ecal_film {
    size_t n, n_intervals;
    double edge[MB_ECAL_MOST_FRAMES + 1]; // n_intervals + 1
} mb_ecal_film;

typedef struct mb_ecal_settings {
    mb_texts file, photons, electrons, array_names;
    bool cumulative, remove_empty, trust_file, nan_as_empty;
    double low_e, min_t, max_t, t_step, sequence_low_e, sequence_abstime;
    size_t crop;
    int on_bad;
    bool last_frame, early_hits, literal_edges, own_scale, fits_all, keeps_nan; // compat
    // Worked out:
    unsigned arrays;    // bits of mb_ecal_array
    size_t first, side; // of the cropped square: rows and columns first .. first + side
    mb_ecal_film film;
} mb_ecal_settings;

extern const mb_option mb_ecal_data_options[];
extern const char *const mb_ecal_compat_names[];

// Fails with FILE:LINE for values that cannot be.
mb_status mb_ecal_settings_read(
    mb_context *ctx, const mb_detector_request *request, mb_ecal_settings *out) MB_MUST_CHECK;

#endif
