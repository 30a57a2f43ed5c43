// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_BARREL_PICTURES_H
#define DETECTOR_BARREL_PICTURES_H

#include "detector/detector.h"

// The arrays that barrel.h names.
mb_status mb_barrel_pictures(
    mb_context *ctx, const mb_detector_request *request, mb_bundle *out) MB_MUST_CHECK;

#endif
