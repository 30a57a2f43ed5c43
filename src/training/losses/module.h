// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TRAINING_LOSSES_MODULE_H
#define TRAINING_LOSSES_MODULE_H

#include "geometry/arrange.h"
#include "training/loss.h"

// What losses over the 48 cells of a module share: images are gathered to cells, and gradients by
// cells go to the pixels that cells are read back from.

typedef struct mb_module_options {
    int arrange; // index of mb_arrangements
} mb_module_options;

extern const char *const mb_module_arrange_names[];
#define MB_MODULE_ARRANGE_OPTION(record)                                                           \
    {                                                                                              \
        "arrange", MB_OPTION_CHOICE, offsetof(record, arrange), "8x8", 0, 0,                       \
            mb_module_arrange_names, NULL, "how the cells lie in the image"                        \
    }

// The arrangement of an index; SHAPE unless rows of the output have its number of pixels.
mb_status mb_module_arrangement(mb_context *ctx, const char *loss, int index, size_t n,
    const mb_arrangement **out) MB_MUST_CHECK;
// gradient (pixels) = 0 but for the pixels that cells are read back from.
void mb_module_spread(const mb_arrangement *arrangement, const float *cells, float *gradient);

// (t - p)^2 * max(t, p) and its slope by p; where t and p are equal the maximum is p.
static inline float mb_module_weighted(float t, float p, float *slope) {
    const float d = t - p;
    const bool is_p = p >= t;
    const float most = is_p ? p : t;
    *slope = (is_p ? d * d : 0.0F) - 2.0F * d * most;
    return d * d * most;
}

#endif
