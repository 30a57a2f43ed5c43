// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_TRAINED_H
#define STUDY_TRAINED_H

#include "minbias/model.h"

// The model.h5 of a folder that a training writes. Of one that was stopped these are the best
// weights so far, which a notice tells; a folder without any fails with IO, and what to do.
mb_status mb_trained_load(mb_context *ctx, const char *directory, mb_model **out) MB_MUST_CHECK;
// The notice alone: nothing where the training ended.
mb_status mb_trained_tell(mb_context *ctx, const char *directory) MB_MUST_CHECK;
// Fails with IO, and what to do, where the training has not ended.
mb_status mb_trained_check(mb_context *ctx, const char *directory) MB_MUST_CHECK;

#endif
