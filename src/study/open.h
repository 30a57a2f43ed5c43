// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_OPEN_H
#define STUDY_OPEN_H

#include "study/study.h"

// Part of mb_study_open: model:, models:, fits: and train: into study->fits, checked and written
// out. Leaves no fit where there is no model.
mb_status mb_study_read_fits(mb_context *ctx, mb_study *study) MB_MUST_CHECK;

#endif
