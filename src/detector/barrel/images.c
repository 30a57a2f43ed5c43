// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/barrel/images.h"

#include "base/math.h"

#include <math.h>

// Largest error of phi_roughly, with much to spare.
#define ROUGH_ERROR 1e-5

double mb_barrel_axis_edge(const mb_barrel_axis *axis, size_t k) {
    return k == axis->n ? axis->high
                        : axis->low + (double)k * ((axis->high - axis->low) / (double)axis->n);
}

int64_t mb_barrel_axis_bin(const mb_barrel_axis *axis, double value) {
    if (!(value >= axis->low && value <= axis->high)) {
        return -1;
    }
    const double step = (axis->high - axis->low) / (double)axis->n;
    const double guess = (value - axis->low) / step;
    size_t bin = guess < (double)(axis->n - 1) ? (size_t)guess : axis->n - 1;
    // The quotient rounds; the edges decide.
    while (bin > 0 && value < axis->low + (double)bin * step) {
        bin--;
    }
    while (bin + 1 < axis->n && value >= axis->low + (double)(bin + 1) * step) {
        bin++;
    }
    return (int64_t)bin;
}

float mb_barrel_phi(float x, float y) {
    return (float)mb_atan2((double)y, (double)x);
}

// atan2 within ROUGH_ERROR: a polynomial in the smaller over the larger coordinate (Abramowitz and
// Stegun 4.4.49 gives 2e-8 for these coefficients).
static double phi_roughly(double x, double y) {
    const double a = fabs(x), b = fabs(y);
    const double small = b < a ? b : a, large = b < a ? a : b;
    const double t = small / large, s = t * t;
    double phi = 0.0028662257;
    phi = phi * s - 0.0161657367;
    phi = phi * s + 0.0429096138;
    phi = phi * s - 0.0752896400;
    phi = phi * s + 0.1065626393;
    phi = phi * s - 0.1420889944;
    phi = phi * s + 0.1999355085;
    phi = phi * s - 0.3333314528;
    phi = (phi * s + 1.0) * t;
    // Halves and signs without branches: which octant a hit is in looks random.
    const double steep = (double)(b > a), left = (double)(x < 0);
    phi = steep * (MB_PI / 2) + (1 - 2 * steep) * phi;
    phi = left * MB_PI + (1 - 2 * left) * phi;
    return copysign(phi, y);
}

static double apply_rule(const mb_barrel_axis *axis, int numpy_edges, float phi) {
    const double value = (double)phi;
    if (numpy_edges == MB_BARREL_CLAMP) {
        return value > MB_PI ? MB_PI : value < -MB_PI ? -MB_PI : value;
    }
    // NumPy up to 1.14 compared with the last edge after rounding to some decimals.
    const bool is_edge = value > axis->high && phi <= (float)axis->high;
    return numpy_edges == MB_BARREL_NUMPY_1_14 && is_edge ? axis->high : value;
}

int64_t mb_barrel_phi_bin(const mb_barrel_axis *axis, int numpy_edges, float x, float y) {
    const double per_radian = (double)axis->n / (axis->high - axis->low);
    const double place = (phi_roughly((double)x, (double)y) - axis->low) * per_radian;
    const double margin = ROUGH_ERROR * per_radian;
    // The sign of a zero decides between -pi and pi.
    if (y != 0 && place > margin && place < (double)axis->n - margin) {
        const int64_t bin = (int64_t)place;
        const double rest = place - (double)bin;
        if (rest > margin && rest < 1 - margin) {
            return bin;
        }
    }
    return mb_barrel_axis_bin(axis, apply_rule(axis, numpy_edges, mb_barrel_phi(x, y)));
}

static void sort_by_byte(const uint32_t *from, uint32_t *to, size_t n, unsigned shift) {
    uint32_t start[256] = {0};
    for (size_t i = 0; i < n; i++) {
        start[from[i] >> shift & 255]++;
    }
    uint32_t sum = 0;
    for (unsigned i = 0; i < 256; i++) {
        const uint32_t count = start[i];
        start[i] = sum;
        sum += count;
    }
    for (size_t i = 0; i < n; i++) {
        to[start[from[i] >> shift & 255]++] = from[i];
    }
}

void mb_barrel_sort_keys(uint32_t *keys, uint32_t *spare, size_t n, unsigned bits) {
    uint32_t *from = keys, *to = spare;
    for (unsigned shift = 0; shift < bits; shift += 8) {
        sort_by_byte(from, to, n, shift);
        uint32_t *other = from;
        from = to;
        to = other;
    }
    if (from != keys) {
        memcpy(keys, from, n * sizeof *keys);
    }
}

int mb_barrel_layer_of(int volume, uint32_t layid, bool accept_odd_layer) {
    const mb_barrel_volume *v = &mb_barrel_volumes[volume];
    if (layid < 2 || (layid % 2 != 0 && !accept_odd_layer)) {
        return -1;
    }
    const int layer = (int)(layid / 2) - 1;
    return layer < v->n_layers ? v->first_layer + layer : -1;
}
