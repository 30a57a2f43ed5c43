// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_TWIN_NAIVE_H
#define TESTS_TWIN_NAIVE_H

#include "twin/twin.h"

// The twin once more, as the definitions read: values are doubles, exact while they need no more
// than 53 bits, and nothing is shared with the program's own arithmetic.

// A value into a format.
double naive_convert(const mb_fixed *format, double value, bool *outside);

// Runs one event through a program. sums and results (may be NULL) get each layer's values before
// any conversion and behind all, layer after layer. Returns how many numbers the last layer gives,
// left in values (room for most numbers). NULL is never returned: too little room fails the test.
size_t naive_run(const mb_twin_program *program, const double *input, size_t most, double *values,
    double *sums, double *results);

#endif
