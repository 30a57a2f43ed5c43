// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_DETECTOR_DETECTOR_STUDY_H
#define TESTS_DETECTOR_DETECTOR_STUDY_H

#include "testing.h"

#include "detector/detector.h"

// A study's data map for a detector, as its functions take it.
typedef struct detector_study {
    mb_document document;
    mb_compat compat;
    mb_detector_request request; // seed 7, wants labels; to be changed by the test
} detector_study;

// A list of compat names that stands for all there are.
extern const char *const compat_all[];
// data: the map as YAML, without indentation; "" for none. compat: names, NULL-terminated, NULL for
// none, or compat_all. directory is where its files are.
void detector_study_open(detector_study *study, mb_context *ctx, const char *directory,
    const char *data, const char *const *compat);
void detector_study_close(detector_study *study);
// The detector of a name, which there must be.
const mb_detector_ops *detector_named(const char *name);

#endif
