// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_BARREL_LOAD_H
#define DETECTOR_BARREL_LOAD_H

#include "detector/detector.h"

mb_status mb_barrel_load(mb_context *ctx, const mb_detector_request *request, mb_dataset *out,
    mb_buffer *report) MB_MUST_CHECK;

#endif
