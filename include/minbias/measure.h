// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef MINBIAS_MEASURE_H
#define MINBIAS_MEASURE_H

#include "minbias/answer.h"

#ifdef __cplusplus
extern "C" {
#endif

// Area under the ROC curve and efficiencies at fixed rates, from array files (.npy, .npz, .h5; a
// member as FILE:NAME). Labels are 0 and 1. input_rate: "28.61MHz"; at: "5kHz,3kHz,1kHz". Fails
// with FORMAT, SHAPE, RANGE.
MB_API mb_status mb_roc_of_files(mb_context *ctx, const char *scores, const char *labels,
    const char *input_rate, const char *at, mb_answer **out) MB_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
