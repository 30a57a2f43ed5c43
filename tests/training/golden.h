// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_TRAINING_GOLDEN_H
#define TESTS_TRAINING_GOLDEN_H

#include "testing.h"

#include "base/node.h"

// A list of numbers of a golden file.
typedef struct golden_list {
    size_t n;
    float value[2048];
} golden_list;

// Reads tests/golden/<name>.
void golden_open(mb_context *ctx, const char *name, mb_document *out);
mb_node *golden_member(mb_node *map, const char *key);
void golden_floats(const mb_node *list, golden_list *out);

#endif
