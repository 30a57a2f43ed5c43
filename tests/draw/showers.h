// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_DRAW_SHOWERS_H
#define TESTS_DRAW_SHOWERS_H

#include "draw/shower.h"

// Made-up showers, in the arrays of the ECAL's pictures: a peak in the middle, fewer and later hits
// around it.
enum { SHOWER_SIDE = 12, SHOWER_IMAGES = 4, SHOWER_FRAMES = 5, SHOWER_EVENTS = 40 };

// Which arrays of a class, as bits.
enum { SHOWER_WITH_IMAGES = 1, SHOWER_WITH_FRAMES = 2, SHOWER_WITH_DISTRIBUTIONS = 4 };

mb_status put_showers(mb_bundle *bundle, mb_context *ctx, const char *const *names,
    size_t n_classes, unsigned parts, int64_t own_scale);

#endif
