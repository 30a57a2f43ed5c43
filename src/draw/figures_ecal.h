// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DRAW_FIGURES_ECAL_H
#define DRAW_FIGURES_ECAL_H

#include "base/bundle.h"
#include "draw/gallery.h"

// The ECAL's pictures from the arrays that its detector hands out (see its header):
// "energy_images", "timing_images", "event_<n>" (the photons, then the electrons),
// "spacetime_scatter", the films "photon" and "electron", "vectorised_frames", "time_density",
// "time_cdf" and "_energy" of both, "crop_study", "hit_sequences". What lacks its arrays is left
// out with a notice.
mb_status mb_draw_ecal(
    mb_gallery *gallery, mb_context *ctx, const mb_bundle *pictures) MB_MUST_CHECK;

#endif
