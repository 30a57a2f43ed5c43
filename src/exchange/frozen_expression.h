// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef EXCHANGE_FROZEN_EXPRESSION_H
#define EXCHANGE_FROZEN_EXPRESSION_H

#include "files/frozen_graph.h"

// Nodes that work number by number: what they make of numbers, and which quantiser that is.

// How many operands an operation has that works number by number; 0: it does not.
size_t mb_frozen_operands(const char *op);
// n numbers of one or more operands (each n numbers); out may be an operand.
// Fails with UNSUPPORTED where the number of operands is not the operation's.
mb_status mb_frozen_apply(mb_context *ctx, const mb_frozen_node *node, const float *const *operands,
    size_t n_operands, size_t n, float *out) MB_MUST_CHECK;

// Numbers at which functions are looked at.
enum { MB_FROZEN_PROBES = 512 };
void mb_frozen_probes(float *x);
enum { MB_FROZEN_QUANTIZER_TEXT = 64 };
// The quantiser that turns the probes into values, as text; false: it is none that is known.
bool mb_frozen_find_quantizer(
    mb_context *ctx, const float *x, const float *y, char text[MB_FROZEN_QUANTIZER_TEXT]);

#endif
