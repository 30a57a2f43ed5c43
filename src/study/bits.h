// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_BITS_H
#define STUDY_BITS_H

#include "twin/twin.h"

// How many bits each layer of an integer twin needs, without training: a figure of merit against
// the bits of one place at a time.

typedef enum mb_bits_part {
    MB_BITS_WEIGHT,
    MB_BITS_BIAS,
    MB_BITS_ACCUMULATOR,
    MB_BITS_RESULT,
    MB_BITS_PARTS
} mb_bits_part;
extern const char *const mb_bits_part_names[]; // "weight", "bias", "accumulator", "result"

// What a twin is worth: the smaller the better, such as the largest error of its scores.
typedef mb_status (*mb_bits_figure)(void *user, mb_context *ctx, const mb_twin *twin, double *out);

typedef struct mb_bits_request {
    const mb_twin *twin; // with the formats to start from
    bool parts[MB_BITS_PARTS];
    mb_bits_figure figure;
    void *user;
    double limit;  // formats are good enough when the figure is below it
    bool is_joint; // layer by layer, those found before stay; else each alone, all others as they
                   // are
} mb_bits_request;

typedef struct mb_bits_point {
    int bits;
    double figure; // infinite where no twin can have these formats
} mb_bits_point;

// One place of one layer.
typedef struct mb_bits_line {
    const char *layer; // borrowed from the twin
    size_t index;      // of the layer
    mb_bits_part part;
    mb_fixed start;        // the layer's own format; where it has none, one that holds every value
    bool is_exact;         // it has none: the value stays exact
    mb_fixed chosen;       // the fewest bits within the limit; bits 0: not even start is
    double figure;         // of chosen, or of start
    mb_bits_point *points; // (n_points) start's integer bits and ever more fraction bits
    size_t n_points;
} mb_bits_line;

typedef struct mb_bits_scan {
    mb_runtime *runtime;
    mb_bits_line *lines; // (n) layer by layer
    size_t n;
    double start_figure; // of the twin as it is
    double joint_figure; // with all formats chosen at once
    size_t n_twins;      // judged
} mb_bits_scan;

// For each place: fewer fraction bits by binary search, then fewer integer bits, as long as the
// figure is below the limit; then the figure for every number of bits. The search takes it that the
// figure falls with more bits. The caller clears *out; on failure it is empty. Fails as the figure
// does, and with MEMORY.
mb_status mb_bits_run(
    mb_context *ctx, const mb_bits_request *request, mb_bits_scan *out) MB_MUST_CHECK;
void mb_bits_clear(mb_bits_scan *scan);

#endif
