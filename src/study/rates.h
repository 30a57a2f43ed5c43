// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_RATES_H
#define STUDY_RATES_H

#include "measure/roc.h"
#include "study/answer.h"
#include "study/study.h"

// target_khz, efficiency, efficiency_interpolated, threshold, background_events, error of a rate
// point; null where no threshold exists.
void mb_answer_put_rate(mb_answer *answer, mb_node *map, const mb_rate_point *point);
// threshold.json, what `predict --accept` decides by: the rates of evaluate, measured on a split.
mb_status mb_thresholds_write(mb_context *ctx, const mb_study *study, const mb_roc *roc, int split,
    const char *path) MB_MUST_CHECK;

#endif
