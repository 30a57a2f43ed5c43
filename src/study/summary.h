// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_SUMMARY_H
#define STUDY_SUMMARY_H

#include "minbias/answer.h"
#include "network/model.h"

// The layer table as Keras 2 prints it.
void mb_summary_table(mb_buffer *out, const mb_model *model);
// Of one event's forward pass.
uint64_t mb_summary_flops(const mb_model *model);
// All that mb_model_summary tells, into an answer.
mb_status mb_summary_answer(
    mb_context *ctx, mb_answer *answer, const mb_model *model) MB_MUST_CHECK;

// FLOPs for one row of an axis: those of events are mb_summary_flops.
uint64_t mb_summary_axis_flops(const mb_model *model, unsigned axis);
// "FLOPs of one event: N", and a line for each other axis.
void mb_summary_flops_lines(mb_buffer *out, const mb_model *model);

// What a part of a model costs.
typedef struct mb_costs {
    uint64_t parameters, flops; // flops: of one module, a multiplication and an addition are two
} mb_costs;
// Of the layers below part ("encoder"); part NULL: of all.
mb_costs mb_model_costs(const mb_model *model, const char *part);
// Of one call: weights count at a layer's first.
mb_costs mb_call_costs(const mb_model *model, size_t call);

#endif
