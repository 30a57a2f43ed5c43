// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef NETWORK_QUANTIZE_H
#define NETWORK_QUANTIZE_H

#include "network/model.h"

// Puts quantisers on a model that has none, or others: `quantize:` of a study.
//   {kernel: Q, bias: Q, activation: Q, layers: {NAME: {kernel: Q, ...}, ...}}
// kernel, bias: of all layers that take such a quantiser and have none of their own. activation: in
// place of every relu. layers: by name, whatever is there; kernel and bias null take a quantiser
// off, activation null leaves the layer's as it is.

extern const mb_option mb_quantize_option_table[];

// Everything that can be said without a model. Errors name file and line.
mb_status mb_quantize_check(
    mb_context *ctx, mb_document *document, const mb_node *map) MB_MUST_CHECK;
// The members of more in place of those of map, layer by layer. Either may be NULL.
mb_status mb_quantize_merge(mb_context *ctx, mb_document *document, const mb_node *map,
    const mb_node *more, mb_node **out) MB_MUST_CHECK;
// Changes a finished model. An unknown layer name fails with the nearest.
mb_status mb_model_quantize(mb_context *ctx, mb_model *model, const mb_document *document,
    const mb_node *map) MB_MUST_CHECK;

#endif
