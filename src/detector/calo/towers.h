// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_CALO_TOWERS_H
#define DETECTOR_CALO_TOWERS_H

#include "detector/calo/calo.h"

// Calorimeter towers to regions. Towers with 1 <= |ieta| <= 28 fill an image of 72 x 56: row
// (iphi + phi_offset) mod 72, column ieta + 28 below 0 and ieta + 27 above. A region is the sum of
// 4 x 4 towers, at most 1023.

enum {
    MB_CALO_TOWER_ROWS = 72,
    MB_CALO_TOWER_COLUMNS = 56,
    MB_CALO_REGION_SIDE = 4,
    MB_CALO_TOWER_MOST_IETA = 28,
    MB_CALO_TOWER_MOST_ET = 65535
};

// Counts of 0.5 GeV.
typedef struct mb_calo_tower {
    int32_t et;   // 0 .. 65535
    int32_t ecal; // the part in the electromagnetic calorimeter, as et; 0 where it is not known
    int32_t ieta; // any; those of no column are left out
    int32_t iphi; // 0 .. 72 where ieta has a column
} mb_calo_tower;

typedef struct mb_calo_tower_image {
    int32_t et[MB_CALO_TOWER_ROWS * MB_CALO_TOWER_COLUMNS];
    int32_t ecal[MB_CALO_TOWER_ROWS * MB_CALO_TOWER_COLUMNS];
} mb_calo_tower_image;

// Fills an image with the towers of one event; of two in the same place the later one counts.
void mb_calo_towers_place(
    mb_calo_tower_image *image, const mb_calo_tower *towers, size_t n, unsigned phi_offset);
void mb_calo_towers_sum(const mb_calo_tower_image *image, float region[MB_CALO_N_REGIONS]);
// The electron/photon and the tau veto of each region (0 or 1). A tower is active when its ET is
// above region / 8, rounded down. Active towers are projected onto 4 eta and 4 phi strips; patterns
// that are not one narrow deposit veto both. The first is vetoed too where more than region / 4
// lies outside the electromagnetic part, the second where more than that lies outside the active
// towers. region: as mb_calo_towers_sum gave it.
void mb_calo_towers_bits(const mb_calo_tower_image *image, const float region[MB_CALO_N_REGIONS],
    uint8_t eg[MB_CALO_N_REGIONS], uint8_t tau[MB_CALO_N_REGIONS]);

#endif
