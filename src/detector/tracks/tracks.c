// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/tracks/inspect.h"
#include "detector/tracks/load.h"
#include "detector/tracks/simulate.h"

static const mb_train_default train_defaults[] = {
    {"validation", "0", "no_validation"},
    {"validation", "{fraction: 0.2, take: random}", NULL},
    {"drop_last", "true", "drop_last"},
    {NULL, NULL, NULL},
};

const mb_detector_ops mb_detector_tracks = {
    .name = "tracks",
    .study = "track-graph",
    .help = "hits in tracker layers and graphs that join them; embeddings, clusters, tracks",
    .data_options = mb_tracks_data_options,
    .data_options_size = sizeof(mb_tracks_settings),
    .compat_names = mb_tracks_compat_names,
    .train_defaults = train_defaults,
    .simulate_options = mb_tracks_simulate_options,
    .simulate_options_size = sizeof(mb_tracks_simulate_record),
    .simulate = mb_tracks_simulate,
    .has_files = mb_tracks_has_files,
    .load = mb_tracks_load,
    .inspect = mb_tracks_inspect,
};
