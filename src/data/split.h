// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DATA_SPLIT_H
#define DATA_SPLIT_H

#include "base/options.h"
#include "data/dataset.h"

// Which rows are for training, validation and test: written into dataset->split. Rows that take no
// part are MB_SPLIT_NONE.

enum { MB_SPLIT_NONE = 255 };
enum { MB_TAKE_LAST, MB_TAKE_FIRST, MB_TAKE_RANDOM };

// A part of some rows: of n rows, the n - floor(n * (1 - fraction)) last or random ones, as Keras
// counts, or the round(n * fraction) first ones, as training of the concentrator's networks does.
typedef struct mb_part {
    double fraction; // [0, 1)
    int take;
} mb_part;

// Reads 0.2 or {fraction: 0.2, take: random}. NULL: 0. what names the key in errors.
mb_status mb_part_read(mb_context *ctx, mb_document *document, const mb_node *node,
    const char *what, mb_part *out) MB_MUST_CHECK;
mb_node *mb_part_to_node(mb_context *ctx, mb_document *document, const mb_part *part);

// The `split:` and `rows:` keys of `data:`.
typedef struct mb_row_range {
    size_t first, last; // [first, last)
} mb_row_range;
typedef struct mb_split_options {
    mb_part test;
    bool has_rows;
    mb_row_range rows[3]; // by MB_SPLIT_; empty where not given
    bool is_bare;         // rows: [a, b], one set that parts are taken of
    bool has_validation;  // given by rows: `train.validation` does not count
} mb_split_options;
// split: {test: 0.1, take: random}; rows: {train: [a, b], validation: [a, b], test: [a, b]} or
// [a, b]. Either may be NULL.
mb_status mb_split_read(mb_context *ctx, mb_document *document, const mb_node *split,
    const mb_node *rows, mb_split_options *out) MB_MUST_CHECK;

// Sets the whole dataset->split: the rows given, or the test part out of all and then the
// validation part out of the rest. Where the source took the rows itself (own_split), its choice
// stands in place of the rows given, and its validation rows in place of a part. Random parts
// depend on seed alone. Fails with RANGE when a range goes beyond the dataset, naming both.
mb_status mb_split_apply(mb_dataset *dataset, mb_context *ctx, const mb_split_options *options,
    const mb_part *validation, uint64_t seed) MB_MUST_CHECK;
// The same for a named set: into split (n_rows), its test rows for testing, a part of its training
// rows, in the set's order, for validation, all other rows MB_SPLIT_NONE.
mb_status mb_split_set(uint8_t *split, size_t n_rows, mb_context *ctx, const mb_row_set *set,
    const mb_part *validation, uint64_t seed) MB_MUST_CHECK;
// Fold fold of n_folds: of the rows that are for training or validation now, a random n-th part is
// for validation and the rest for training; the parts of all folds together are all rows.
mb_status mb_split_fold(uint8_t *split, size_t n_rows, mb_context *ctx, size_t n_folds, size_t fold,
    uint64_t seed) MB_MUST_CHECK;
// How many of n rows stay when a part is taken.
size_t mb_part_rest(const mb_part *part, size_t n);

#endif
