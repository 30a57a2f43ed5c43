// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_DETECTOR_ECAL_STUDY_H
#define TESTS_DETECTOR_ECAL_STUDY_H

#include "../testing.h"

#include "detector/ecal/ecal.h"

// A world that keeps its notices, with a folder of its own.
typedef struct ecal_world {
    mb_runtime *runtime;
    mb_context *ctx;
    char *directory;
    char notices[16384];
} ecal_world;

void ecal_world_open(ecal_world *world, unsigned n_threads);
void ecal_world_close(ecal_world *world);
// Path of a file in the folder. Borrowed until the next call.
const char *ecal_path(const ecal_world *world, const char *name);
// Fails when no notice holds part, and forgets them all.
void ecal_assert_notice(ecal_world *world, const char *part);

// A study: data is YAML of the data: map, compat a NULL-terminated list, NULL, or ecal_compat_all.
typedef struct ecal_study {
    mb_document document;
    mb_compat compat;
    mb_detector_request request;
} ecal_study;
extern const char *const ecal_compat_all[];
void ecal_study_open(
    ecal_study *study, const ecal_world *world, const char *data, const char *const *compat);
void ecal_study_close(ecal_study *study);
const mb_detector_ops *ecal(void);
// load with such a study.
mb_status ecal_load(ecal_world *world, const char *data, const char *const *compat, mb_dataset *out,
    mb_buffer *report);

// Images with one or two hits that tell which they are: image i of a file has energy
// (i + 1) / 1000 + code at pixel (16, i % 32), at time code / 100.
void ecal_fill(float *images, size_t n, double code);
// Writes images and labels (all label; NULL y: none) as .h5, .npy or .npz, by the name's suffix.
void ecal_write(
    ecal_world *world, const char *name, const float *images, size_t n, const float *labels);
// photons.h5 and electrons.h5 of n such images each, codes 1 and 2.
void ecal_write_both(ecal_world *world, size_t n);

#endif
