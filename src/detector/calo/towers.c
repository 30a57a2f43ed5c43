// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/calo/towers.h"

// Patterns of strips, bit by pattern: those in which strips between active ones are idle, and in
// eta also those of more than two neighbours.
static const uint32_t eta_vetoes =
    1U << 5 | 1U << 7 | 1U << 9 | 1U << 10 | 1U << 11 | 1U << 13 | 1U << 14 | 1U << 15;
static const uint32_t phi_vetoes = 1U << 5 | 1U << 9 | 1U << 10 | 1U << 11 | 1U << 13;

void mb_calo_towers_place(
    mb_calo_tower_image *image, const mb_calo_tower *towers, size_t n, unsigned phi_offset) {
    memset(image, 0, sizeof *image);
    for (size_t i = 0; i < n; i++) {
        const mb_calo_tower *tower = &towers[i];
        if (tower->ieta == 0 || tower->ieta < -MB_CALO_TOWER_MOST_IETA ||
            tower->ieta > MB_CALO_TOWER_MOST_IETA) {
            continue;
        }
        const size_t row = ((unsigned)tower->iphi + phi_offset) % MB_CALO_TOWER_ROWS;
        const int column = tower->ieta + MB_CALO_TOWER_MOST_IETA - (tower->ieta > 0);
        const size_t pixel = row * MB_CALO_TOWER_COLUMNS + (size_t)column;
        image->et[pixel] = tower->et;
        image->ecal[pixel] = tower->ecal;
    }
}

static size_t first_pixel(size_t region) {
    const size_t phi = region / MB_CALO_N_ETA;
    const size_t eta = region % MB_CALO_N_ETA;
    return MB_CALO_REGION_SIDE * (phi * MB_CALO_TOWER_COLUMNS + eta);
}

static int32_t sum_of(const int32_t *pixels) {
    int32_t sum = 0;
    for (size_t i = 0; i < MB_CALO_REGION_SIDE; i++) {
        for (size_t j = 0; j < MB_CALO_REGION_SIDE; j++) {
            sum += pixels[i * MB_CALO_TOWER_COLUMNS + j];
        }
    }
    return sum;
}

void mb_calo_towers_sum(const mb_calo_tower_image *image, float region[MB_CALO_N_REGIONS]) {
    for (size_t r = 0; r < MB_CALO_N_REGIONS; r++) {
        const int32_t sum = sum_of(image->et + first_pixel(r));
        region[r] = (float)(sum < MB_CALO_MAX_ET ? sum : MB_CALO_MAX_ET);
    }
}

void mb_calo_towers_bits(const mb_calo_tower_image *image, const float region[MB_CALO_N_REGIONS],
    uint8_t eg[MB_CALO_N_REGIONS], uint8_t tau[MB_CALO_N_REGIONS]) {
    for (size_t r = 0; r < MB_CALO_N_REGIONS; r++) {
        const int32_t *et = image->et + first_pixel(r);
        const int32_t total = (int32_t)region[r];
        unsigned eta_pattern = 0;
        unsigned phi_pattern = 0;
        int32_t active = 0;
        for (unsigned i = 0; i < MB_CALO_REGION_SIDE; i++) {
            for (unsigned j = 0; j < MB_CALO_REGION_SIDE; j++) {
                const int32_t tower = et[i * MB_CALO_TOWER_COLUMNS + j];
                if (tower > total / 8) {
                    phi_pattern |= 1U << i;
                    eta_pattern |= 1U << j;
                    active += tower;
                }
            }
        }
        const bool is_wide = (eta_vetoes >> eta_pattern & 1U) || (phi_vetoes >> phi_pattern & 1U);
        const int32_t ecal = sum_of(image->ecal + first_pixel(r));
        eg[r] = is_wide || total - ecal > total / 4;
        tau[r] = is_wide || total - active > total / 4;
    }
}
