// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_CALO_SETTINGS_H
#define DETECTOR_CALO_SETTINGS_H

#include "detector/calo/calo.h"

enum { MB_CALO_MOST_SIGNALS = 32 };
enum { MB_CALO_ON_BAD_ERROR, MB_CALO_ON_BAD_DROP, MB_CALO_ON_BAD_CLIP };

// The background or a signal, as the study has it.
typedef struct mb_calo_source {
    const char *name, *title;
    mb_texts files; // paths or globs
    size_t limit;   // events used, at most
    int overlay;    // not 0: a background event is added to each
    size_t overlay_events;
} mb_calo_source;

typedef struct mb_calo_settings {
    const mb_node *background_node, *signals_node, *synthetic_node, *blend_node;
    size_t train_size, phi_offset;
    int on_bad;
    mb_calo_source background, signals[MB_CALO_MOST_SIGNALS];
    size_t n_signals;
    size_t n_synthetic; // 0: no such sample
    mb_reals amplitude; // low, high
    size_t blend_each;  // 0: no blend
    size_t set_aside;
    uint64_t seed;
    bool numpy_random, overlay_leak, no_overlay_clip;
    bool is_benchmark; // false: the background alone, split by the study
} mb_calo_settings;

extern const char mb_calo_background_name[]; // "ZeroBias"
extern const mb_option mb_calo_data_options[];
extern const char *const mb_calo_compat_names[];

mb_status mb_calo_settings_read(
    mb_context *ctx, const mb_detector_request *request, mb_calo_settings *out) MB_MUST_CHECK;

#endif
