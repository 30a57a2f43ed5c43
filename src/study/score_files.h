// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_SCORE_FILES_H
#define STUDY_SCORE_FILES_H

#include "measure/values.h"

// What commands on scores share.

// One number an event: FILE or FILE:NAME of an .npy, .npz or .h5, or a column of a .csv, by name or
// else called otherwise ("score"), or the only one. The caller clears *out; on failure it is empty.
// Fails with SHAPE (more than one number an event), FORMAT (no row, no such column).
mb_status mb_score_file_read(
    mb_context *ctx, const char *where, const char *otherwise, mb_array *out) MB_MUST_CHECK;
// A rate as an argument: fails with ARG.
mb_status mb_rate_argument(
    mb_context *ctx, const char *what, const char *text, double *khz) MB_MUST_CHECK;
// What files are called in figures: each by its name without folder and suffix, a member with its
// name too; where two would be called the same, all as they were written. The caller frees each
// with mb_release, also after a failure.
mb_status mb_score_file_labels(
    mb_context *ctx, const char *const *files, size_t n, char **labels) MB_MUST_CHECK;
// A folder for results, whose main file must be absent unless is_forced: its path, freed with
// mb_release.
mb_status mb_result_path(mb_context *ctx, const char *directory, const char *name, bool is_forced,
    char **out) MB_MUST_CHECK;

#endif
