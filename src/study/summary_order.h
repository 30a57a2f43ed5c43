// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_SUMMARY_ORDER_H
#define STUDY_SUMMARY_ORDER_H

#include "network/model.h"

// The rows of a layer table: Keras's model.layers, in its order (by depth from the outputs, then by
// the walk from the outputs). A nested model is one row.

typedef struct mb_summary_unit {
    const char *name, *class_name;
    size_t n_parameters;
    bool is_input;
    size_t depth, visit; // visit: place in the walk
    bool is_visited;
} mb_summary_unit;

// One call of a unit.
typedef struct mb_summary_node {
    size_t unit;
    size_t call; // among the unit's calls
    size_t n_inputs, n_outputs;
    const size_t *inputs, *outputs; // values
    size_t depth;
    bool is_visited;
} mb_summary_node;

typedef struct mb_summary_source {
    size_t unit, call, tensor;
} mb_summary_source;

typedef struct mb_summary_order {
    mb_summary_unit *units;
    size_t n_units;
    size_t *sorted; // units in order
    mb_summary_node *nodes;
    size_t n_nodes;
    bool is_sequential; // as Keras judges: no layer has two inputs or two uses
} mb_summary_order;

mb_status mb_summary_order_make(
    mb_summary_order *order, mb_context *ctx, const mb_model *model) MB_MUST_CHECK;
void mb_summary_order_clear(mb_summary_order *order, mb_context *ctx);
mb_summary_source mb_summary_source_of(const mb_summary_order *order, size_t value);

#endif
