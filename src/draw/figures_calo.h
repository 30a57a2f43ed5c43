// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DRAW_FIGURES_CALO_H
#define DRAW_FIGURES_CALO_H

#include "base/bundle.h"
#include "draw/gallery.h"

// The calorimeter's pictures from the arrays that its detector hands out (see its header):
// "region_deposits" (synthetic events 0 and 1), "mean_images", "et_spectrum", "eta_spectrum",
// "phi_spectrum". What lacks its arrays is left out with a notice.
mb_status mb_draw_calo(
    mb_gallery *gallery, mb_context *ctx, const mb_bundle *pictures) MB_MUST_CHECK;

#endif
