// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "measure/sorted.h"

#include <stdlib.h>

static int compare(const void *left, const void *right) {
    const double a = *(const double *)left;
    const double b = *(const double *)right;
    return (a > b) - (a < b);
}

void mb_sort_doubles(double *values, size_t n) {
    if (n > 1) {
        qsort(values, n, sizeof *values, compare);
    }
}

double mb_quantile_of_sorted(const double *sorted, size_t n, double share) {
    const double place = share * (double)(n - 1);
    const size_t below = (size_t)place;
    const size_t above = mb_min_size(below + 1, n - 1);
    return sorted[below] + (place - (double)below) * (sorted[above] - sorted[below]);
}
