// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_DETECTOR_BARREL_STUDY_H
#define TESTS_DETECTOR_BARREL_STUDY_H

#include "detector_study.h"

// A study of the barrel (seed 42, no labels), and files for it to read.
void barrel_study_open(
    detector_study *study, mb_context *ctx, const char *data, const char *directory);
// Writes text as a file of directory.
void barrel_write(const char *directory, const char *name, const char *text);
// The same for bytes, compressed when compress.
void barrel_write_bytes(
    const char *directory, const char *name, const void *bytes, size_t length, bool compress);

// Opens a study, loads and closes it.
mb_status barrel_load(mb_context *ctx, const char *data, const char *directory, mb_dataset *out);

#endif
