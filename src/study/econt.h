// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_ECONT_H
#define STUDY_ECONT_H

#include "base/buffer.h"
#include "minbias/econt.h"

// The study that a command line of `econt train` stands for. ARG for models that are not known.
mb_status mb_econt_study_text(
    mb_context *ctx, const mb_econt_train *options, mb_buffer *text) MB_MUST_CHECK;

// A line KEY: "VALUE" of a study, whatever characters the value has.
void mb_econt_put_text(mb_buffer *text, const char *key, const char *value);

#endif
