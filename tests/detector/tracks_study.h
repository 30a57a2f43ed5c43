// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_DETECTOR_TRACKS_STUDY_H
#define TESTS_DETECTOR_TRACKS_STUDY_H

#include "detector_study.h"
#include "world.h"

#include "detector/tracks/tracks.h"

// Writes a file of the folder.
void tracks_write(noting_world *world, const char *name, const void *bytes, size_t length);

// load with a study of that data map.
mb_status tracks_load(noting_world *world, const char *data, const char *const *compat,
    mb_dataset *out, mb_buffer *report);

#endif
