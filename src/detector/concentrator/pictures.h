// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_CONCENTRATOR_PICTURES_H
#define DETECTOR_CONCENTRATOR_PICTURES_H

#include "detector/concentrator/concentrator.h"

// mb_detector_ops.pictures of the concentrator:
// charges      MB_F32 (e, 48): charges of at most MB_CALQ_PICTURE_MODULES rows drawn by the seed
// event        MB_I64 (e)
// occupancy    MB_F32 (n): hit cells of a row, all rows
// above        MB_F32 (n): cells above a MIPT
// largest      MB_F32 (n): largest charge, MIPT
// sum          MB_F32 (n): sum of charges, MIPT

enum { MB_CALQ_PICTURE_MODULES = 8 };

mb_status mb_concentrator_pictures(
    mb_context *ctx, const mb_detector_request *request, mb_bundle *out) MB_MUST_CHECK;

// The same of a dataset that is loaded already.
mb_status mb_concentrator_pictures_of(
    mb_context *ctx, const mb_dataset *dataset, uint64_t seed, mb_bundle *out) MB_MUST_CHECK;

#endif
