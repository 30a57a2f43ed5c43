// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef MEASURE_SORTED_H
#define MEASURE_SORTED_H

#include "base/base.h"

// Numbers in rising order, and what is read off them.

// Sorts n numbers, none of them NaN.
void mb_sort_doubles(double *values, size_t n);
// A quantile of sorted numbers, interpolated between neighbours as NumPy does; n > 0, share 0 .. 1.
double mb_quantile_of_sorted(const double *sorted, size_t n, double share);

#endif
