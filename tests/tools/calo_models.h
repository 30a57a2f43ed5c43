// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_TOOLS_CALO_MODELS_H
#define TESTS_TOOLS_CALO_MODELS_H

#include "tool.h"

// Small models of the regions whose outputs a test can work out by itself, and events for them.

enum { CALO_REGIONS = 252 };

// Events with a few deposits each: unlike, none of them empty, the larger the later. x: n x 252,
// filled too.
void calo_save_events(mb_tool_world *world, const char *name, size_t n, uint16_t *x);
// Any counts as .npy.
void calo_save_counts(mb_tool_world *world, const char *name, size_t n, const uint16_t *x);

// An autoencoder whose output is each region times calo_weight; uneven: a weight of its own for
// each, else half for all.
void calo_save_autoencoder(mb_tool_world *world, const char *name, bool is_uneven);
double calo_weight(bool is_uneven, size_t region);

// A quantised model of one score: the sum of calo_score_weight times region, rounded half to even
// to 1/256 and clipped to 0 .. 256, by quantized_relu(bits + 8, bits).
void calo_save_score(mb_tool_world *world, const char *name, int bits);
double calo_score_weight(size_t region);
double calo_score_of(const uint16_t *x, int bits);

// A model of 4 numbers.
void calo_save_small(mb_tool_world *world, const char *name);

#endif
