// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_DETECTOR_BARREL_STUDY_H
#define TESTS_DETECTOR_BARREL_STUDY_H

#include "testing.h"

#include "detector/detector.h"

// A study's data map for the barrel, and files for it to read.
typedef struct barrel_study {
    mb_context *ctx;
    mb_document document;
    mb_compat compat;
    mb_detector_request request;
} barrel_study;

// data: the map as YAML, without indentation; "" for none. directory is where its files are.
void barrel_study_open(
    barrel_study *study, mb_context *ctx, const char *data, const char *directory);
void barrel_study_close(barrel_study *study);
const mb_detector_ops *barrel(void);
// Writes text as a file of directory.
void barrel_write(const char *directory, const char *name, const char *text);
// The same for bytes, compressed when compress.
void barrel_write_bytes(
    const char *directory, const char *name, const void *bytes, size_t length, bool compress);

// Opens a study, loads and closes it.
mb_status barrel_load(mb_context *ctx, const char *data, const char *directory, mb_dataset *out);

#endif
