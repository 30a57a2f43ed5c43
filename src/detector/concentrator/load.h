// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_CONCENTRATOR_LOAD_H
#define DETECTOR_CONCENTRATOR_LOAD_H

#include "detector/concentrator/concentrator.h"

// mb_detector_ops.load of the concentrator.
mb_status mb_concentrator_load(mb_context *ctx, const mb_detector_request *request, mb_dataset *out,
    mb_buffer *report) MB_MUST_CHECK;

#endif
