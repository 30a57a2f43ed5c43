// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_SUMMARY_H
#define STUDY_SUMMARY_H

#include "network/model.h"

// The layer table as Keras 2 prints it.
void mb_summary_table(mb_buffer *out, const mb_model *model);
// Of one event's forward pass.
uint64_t mb_summary_flops(const mb_model *model);

#endif
