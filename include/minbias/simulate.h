// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef MINBIAS_SIMULATE_H
#define MINBIAS_SIMULATE_H

#include "minbias/answer.h"

#ifdef __cplusplus
extern "C" {
#endif

// The toy event generators. NULL for an index out of range.
MB_API const char *mb_simulator_name(size_t index);
MB_API const char *mb_simulator_help(size_t index);
// A table of a generator's options: name, type, default, range, help.
MB_API mb_status mb_simulator_options(
    mb_context *ctx, const char *kind, mb_answer **out) MB_MUST_CHECK;
// Writes toy events in the real file format into a folder. options: "events=1000". The bytes
// depend on kind, options and seed alone. Existing files of the same names are kept unless
// is_forced (IO).
MB_API mb_status mb_simulate(mb_context *ctx, const char *kind, const char *const *options,
    size_t n_options, uint64_t seed, const char *directory, bool is_forced,
    mb_answer **out) MB_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
