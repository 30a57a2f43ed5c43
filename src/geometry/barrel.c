// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "geometry/barrel.h"

// clang-format off
#define PIXEL(layid, radius, n_phi) \
    {8, layid, radius, n_phi, 14, 8.4, 36, 0.14, 1, 2, 0.05, 0.05625, 0.015}
#define SHORT_STRIP(layid, radius, n_phi) \
    {13, layid, radius, n_phi, 21, 24, 54, -0.15, 3, 5, 0.08, 1.2, 0.025}
#define LONG_STRIP(layid, radius, n_phi) \
    {17, layid, radius, n_phi, 21, 24, 54, -0.15, 3, 5, 0.12, 108, 0.035}

const mb_barrel_layer mb_barrel_layers[MB_BARREL_N_LAYERS] = {
    PIXEL(2, 32, 16), PIXEL(4, 72, 32), PIXEL(6, 116, 52), PIXEL(8, 172, 78),
    SHORT_STRIP(2, 260, 40), SHORT_STRIP(4, 360, 56), SHORT_STRIP(6, 500, 78), SHORT_STRIP(8, 660, 102),
    LONG_STRIP(2, 820, 120), LONG_STRIP(4, 1020, 152),
};

// Layer ids grow with z, so those of the negative side run against |z|.
#define SIDES(minus, plus, r_min, r_max, z1, z2, z3, z4, z5, z6) \
    {minus, 2, -z6, r_min, r_max}, {minus, 4, -z5, r_min, r_max}, {minus, 6, -z4, r_min, r_max}, \
    {minus, 8, -z3, r_min, r_max}, {minus, 10, -z2, r_min, r_max}, {minus, 12, -z1, r_min, r_max}, \
    {plus, 2, z1, r_min, r_max}, {plus, 4, z2, r_min, r_max}, {plus, 6, z3, r_min, r_max}, \
    {plus, 8, z4, r_min, r_max}, {plus, 10, z5, r_min, r_max}, {plus, 12, z6, r_min, r_max}

const mb_barrel_disk mb_barrel_disks[MB_BARREL_N_DISKS] = {
    SIDES(7, 9, 30, 176, 600, 700, 820, 960, 1100, 1500),
    SIDES(12, 14, 240, 700, 1220, 1500, 1800, 2150, 2550, 2950),
    SIDES(16, 18, 750, 1020, 1220, 1500, 1800, 2150, 2550, 2950),
};

const mb_barrel_volume mb_barrel_volumes[MB_BARREL_N_VOLUMES] = {{8, 0, 4}, {13, 4, 4}, {17, 8, 2}};
// clang-format on

int mb_barrel_volume_of(uint64_t volid) {
    return volid == 8 ? 0 : volid == 13 ? 1 : volid == 17 ? 2 : -1;
}

bool mb_barrel_volid_is_known(uint64_t volid) {
    return (volid >= 7 && volid <= 9) || (volid >= 12 && volid <= 14) ||
           (volid >= 16 && volid <= 18);
}
