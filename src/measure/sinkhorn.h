// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef MEASURE_SINKHORN_H
#define MEASURE_SINKHORN_H

#include "geometry/hex48.h"

// Transport between two pictures of a module's 48 cells, softened by entropy: Sinkhorn's iteration
// (Cuturi 2013) with the distances of the module's published table, where neighbours are 2.4168
// apart, and regularisation 0.5; at most 1000 rounds, until the sums of columns hold to 1e-9.

// Both pictures (48 charges, finite, not negative) are brought to unit sum; cells without charge
// take no part. Returns the transport's cost: 0 where a picture has no charge. gradient (48, may be
// NULL) gets the derivative of the cost by b as it is given, 0 in cells without charge: the
// derivative at the iteration's fixed point, by implicit differentiation.
double mb_sinkhorn_of_pictures(
    const double a[MB_HEX48_CELLS], const double b[MB_HEX48_CELLS], double *gradient);

#endif
