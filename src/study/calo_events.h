// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_CALO_EVENTS_H
#define STUDY_CALO_EVENTS_H

#include "detector/calo/calo.h"
#include "network/model.h"
#include "twin/twin.h"

// Events in memory, and the models and firmware that tools of `minbias calo` judge on them.

typedef struct mb_calo_events {
    const char *path;   // borrowed
    mb_array regions;   // MB_F32 (n, 252), counts of 0.5 GeV, whole numbers 0 .. 1023
    mb_array reference; // MB_F64 (n): the 253rd number of each line of a table; data NULL: none
    size_t n;
} mb_calo_events;

// The first events of any region file, accepted or not; most 0: all. The caller clears *out; on
// failure it is empty. Fails with RANGE (a value that is no count; no event), IO, FORMAT, SHAPE,
// LIMIT.
mb_status mb_calo_events_read(
    mb_context *ctx, const char *path, size_t most, mb_calo_events *out) MB_MUST_CHECK;
void mb_calo_events_clear(mb_calo_events *events);
const float *mb_calo_event_at(const mb_calo_events *events, size_t event); // its 252 numbers
// The same as unsigned integers, for firmware; NULL on failure, freed with mb_release.
uint16_t *mb_calo_events_counts(mb_context *ctx, const mb_calo_events *events);

// A model of 252 regions with one output.
typedef struct mb_calo_model {
    mb_model *model;
    const char *path;       // borrowed
    size_t n_outputs;       // numbers an event
    bool is_autoencoder;    // as many as regions
    const char *score_name; // "mean square error" of an autoencoder, else "score"
} mb_calo_model;

// The caller clears *out; on failure it is empty. Fails with SHAPE for other models, and as
// mb_model_load.
mb_status mb_calo_model_open(mb_context *ctx, const char *path, mb_calo_model *out) MB_MUST_CHECK;
// The same, and it must be an autoencoder: SHAPE, saying that what (a tool) is about those.
mb_status mb_calo_autoencoder_open(
    mb_context *ctx, const char *path, const char *what, mb_calo_model *out) MB_MUST_CHECK;
void mb_calo_model_clear(mb_calo_model *model);
// Outputs (n, n_outputs) for regions (n, 252).
mb_status mb_calo_model_run(mb_context *ctx, const mb_calo_model *model, const float *regions,
    size_t n, float *outputs) MB_MUST_CHECK;
// The score of each event: of an autoencoder the mean square error, else the last number of the
// output. Fails with SHAPE for a model of more than two.
mb_status mb_calo_model_score(mb_context *ctx, const mb_calo_model *model, const float *regions,
    size_t n, double *score) MB_MUST_CHECK;
// Mean of (a - b)^2 over an image.
double mb_calo_image_error(const float *a, const float *b);

// Fails with SHAPE unless the twin takes 252 numbers and gives one. name: of the model or folder.
mb_status mb_calo_twin_check(mb_context *ctx, const char *name, const mb_twin *twin) MB_MUST_CHECK;

#endif
