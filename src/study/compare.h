// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_COMPARE_H
#define STUDY_COMPARE_H

#include "base/arena.h"
#include "draw/gallery.h"

enum { MB_MOST_COMPARED = 16 };

// Adds the ROC curves of some evaluated runs, at most MB_MOST_COMPARED, to a gallery and draws it.
mb_status mb_compare_draw(
    mb_context *ctx, const char *const *directories, size_t n, mb_gallery *gallery) MB_MUST_CHECK;

// The folders to compare: a run of several fits stands for all of them that have a ROC curve. Texts
// and *out live in the arena; more than MB_MOST_COMPARED are refused.
mb_status mb_compare_folders(mb_context *ctx, mb_arena *arena, const char *const *directories,
    size_t n, const char *const **out, size_t *n_out) MB_MUST_CHECK;

// A key in which studies differ, and its value in each: the text of "-" where it is not there.
typedef struct mb_study_difference {
    const char *key;
    const char *value[MB_MOST_COMPARED];
} mb_study_difference;

// The keys of study.yaml in which runs differ, in the order of the first. Names, seeds and folders
// count. Texts live in the arena, *out too; at most `most` keys, *n tells how many there are.
mb_status mb_compare_studies(mb_context *ctx, mb_arena *arena, const char *const *directories,
    size_t n_runs, size_t most, mb_study_difference **out, size_t *n) MB_MUST_CHECK;

#endif
