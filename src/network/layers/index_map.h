// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef NETWORK_LAYERS_INDEX_MAP_H
#define NETWORK_LAYERS_INDEX_MAP_H

#include "network/layer.h"

// Layers that only move numbers: every output element is one input element, or zero.
#define MB_INDEX_MAP_ZERO UINT32_MAX

// The table to be filled, one entry per output element (step->out_size), and the step set up with
// it.
mb_status mb_index_map_plan(mb_context *ctx, mb_plan_site *site, uint32_t **map) MB_MUST_CHECK;

// Coordinates of an element of a row, and back; unused dimensions are 0.
void mb_index_map_split(const mb_value_type *type, size_t element, size_t at[MB_MAX_DIMS]);
size_t mb_index_map_join(const mb_value_type *type, const size_t at[MB_MAX_DIMS]);

#endif
