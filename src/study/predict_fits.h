// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_PREDICT_FITS_H
#define STUDY_PREDICT_FITS_H

#include "study/answer.h"
#include "study/run.h"

// Events of raw files scored by all fits of a run: a table with a column for each that gives one
// score, in the order of their names.
mb_status mb_predict_fits(mb_context *ctx, const mb_study *study, const char *directory,
    const mb_source_request *request, const char *output, mb_answer *answer) MB_MUST_CHECK;

#endif
