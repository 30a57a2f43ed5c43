// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_SUMMARY_QUANTIZERS_H
#define STUDY_SUMMARY_QUANTIZERS_H

#include "network/model.h"
#include "study/answer.h"

// The quantisers of a model's weights and activations, their scales as QKeras reports them, and the
// bits that all weights take with them.
mb_status mb_summary_quantizers(
    mb_context *ctx, mb_answer *answer, const mb_model *model) MB_MUST_CHECK;

#endif
