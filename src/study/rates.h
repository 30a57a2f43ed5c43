// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_RATES_H
#define STUDY_RATES_H

#include "measure/roc.h"
#include "study/answer.h"

// target_khz, efficiency, efficiency_interpolated, threshold, background_events, error of a rate
// point; null where no threshold exists.
void mb_answer_put_rate(mb_answer *answer, mb_node *map, const mb_rate_point *point);

#endif
