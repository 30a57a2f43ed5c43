// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef EXCHANGE_FIRMWARE_H
#define EXCHANGE_FIRMWARE_H

#include "minbias/array.h"
#include "twin/twin.h"

// Weight sets of firmware: a folder of weight lists, and the fixed-point types that go with them.
//
// A weight list is a text: "# shape 252, 15", then so many numbers, separated by commas, blanks or
// line ends, in C order of that shape; with transposed, outputs first: (15, 252), or for a
// convolution (filters, rows, columns, channels).
//
// Types are a name below, or a file (YAML or JSON):
//
//     minbias_firmware: 1
//     input: {shape: [252], type: "<10,10>u"}
//     layers:
//       - dense: {name: dense1, units: 15, weights: w2, weight_type: "<2,1>", result: "<14,13>"}
//       - relu: {name: relu1, result: "<5,2>u RND SAT"}
//     activation: sigmoid      # in float32, behind the integers; left out: none
//
// kinds as in twin/twin.h; w2 is the file w2, w2.csv or w2.txt of the folder.

// A set of types that needs no file.
typedef struct mb_firmware_types {
    const char *name; // "v1.1.1"
    const char *help;
    const char *text; // the YAML above
} mb_firmware_types;
extern const mb_firmware_types mb_firmware_list[]; // ends with a NULL name

// Whether types names a file rather than a set of mb_firmware_list.
bool mb_firmware_is_path(const char *types);
// Reads a weight set. types: a name of mb_firmware_list, or a path (with a "/", or ending in .yaml,
// .yml or .json). The caller owns *out; on failure it is NULL. Weights outside their types are
// counted (mb_twin_describe) and told in a notice. Fails with IO, FORMAT ("FILE:LINE: ..."), SHAPE,
// LIMIT, and as mb_twin_create.
mb_status mb_firmware_load(mb_context *ctx, const char *directory, const char *types,
    const mb_twin_override *overrides, size_t n_overrides, mb_twin **out) MB_MUST_CHECK;

// Writes a twin as a weight set: types.yaml and its lists, w1.csv, b1.csv, a1.csv (real scales) of
// the first layer and so on, plain order. mb_firmware_load(directory, "directory/types.yaml") gives
// the same twin. The folder is made; types.yaml is written last. Fails with IO, MEMORY.
mb_status mb_firmware_save(
    mb_context *ctx, const mb_twin *twin, const char *directory) MB_MUST_CHECK;

// Parses one weight list into float32 of the shape of its header. The caller clears *out; on
// failure it is empty. name stands in messages. Fails with FORMAT, SHAPE, LIMIT.
mb_status mb_firmware_parse_list(mb_context *ctx, const char *name, const char *text, size_t length,
    mb_array *out) MB_MUST_CHECK;
// Parses types and reads the lists they name from directory; NULL: from nowhere, each list of zeros
// (to check types alone). name stands in messages.
mb_status mb_firmware_parse(mb_context *ctx, const char *name, const char *text, size_t length,
    const char *directory, const mb_twin_override *overrides, size_t n_overrides,
    mb_twin **out) MB_MUST_CHECK;

#endif
