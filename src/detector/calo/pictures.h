// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_CALO_PICTURES_H
#define DETECTOR_CALO_PICTURES_H

#include "detector/calo/calo.h"

mb_status mb_calo_pictures(
    mb_context *ctx, const mb_detector_request *request, mb_bundle *out) MB_MUST_CHECK;

#endif
