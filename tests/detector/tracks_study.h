// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_DETECTOR_TRACKS_STUDY_H
#define TESTS_DETECTOR_TRACKS_STUDY_H

#include "../testing.h"

#include "detector/tracks/tracks.h"

// A world that keeps its notices, with a folder of its own.
typedef struct tracks_world {
    mb_runtime *runtime;
    mb_context *ctx;
    char *directory;
    char notices[16384];
} tracks_world;

void tracks_world_open(tracks_world *world, unsigned n_threads);
void tracks_world_close(tracks_world *world);
// Path of a file in the folder. Borrowed until the next call.
const char *tracks_path(const tracks_world *world, const char *name);
// Fails when no notice holds part, and forgets them all.
void tracks_assert_notice(tracks_world *world, const char *part);
// Writes a file of the folder.
void tracks_write(tracks_world *world, const char *name, const void *bytes, size_t length);

// A study: data is YAML of the data: map, compat a NULL-terminated list, NULL, or
// tracks_compat_all.
typedef struct tracks_study {
    mb_document document;
    mb_compat compat;
    mb_detector_request request;
} tracks_study;
extern const char *const tracks_compat_all[];
void tracks_study_open(
    tracks_study *study, const tracks_world *world, const char *data, const char *const *compat);
void tracks_study_close(tracks_study *study);
const mb_detector_ops *tracks(void);
// load with such a study.
mb_status tracks_load(tracks_world *world, const char *data, const char *const *compat,
    mb_dataset *out, mb_buffer *report);

#endif
