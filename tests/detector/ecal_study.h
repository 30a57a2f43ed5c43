// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_DETECTOR_ECAL_STUDY_H
#define TESTS_DETECTOR_ECAL_STUDY_H

#include "detector_study.h"
#include "world.h"

#include "detector/ecal/ecal.h"

// load with a study of that data map.
mb_status ecal_load(noting_world *world, const char *data, const char *const *compat,
    mb_dataset *out, mb_buffer *report);

// Images with one or two hits that tell which they are: image i of a file has energy
// (i + 1) / 1000 + code at pixel (16, i % 32), at time code / 100.
void ecal_fill(float *images, size_t n, double code);
// Writes images and labels (all label; NULL y: none) as .h5, .npy or .npz, by the name's suffix.
void ecal_write(
    noting_world *world, const char *name, const float *images, size_t n, const float *labels);
// photons.h5 and electrons.h5 of n such images each, codes 1 and 2.
void ecal_write_both(noting_world *world, size_t n);

#endif
