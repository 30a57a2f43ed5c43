// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_ECAL_PICTURES_H
#define DETECTOR_ECAL_PICTURES_H

#include "detector/ecal/ecal.h"

// mb_detector_ops.pictures of the ECAL: the arrays that ecal.h names.
mb_status mb_ecal_pictures(
    mb_context *ctx, const mb_detector_request *request, mb_bundle *out) MB_MUST_CHECK;

#endif
