// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_ELINKS_H
#define STUDY_ELINKS_H

#include "base/output.h"
#include "detector/chip/chip.h"
#include "detector/chip/rows.h"
#include "detector/chip/tables.h"
#include "files/csv.h"
#include "minbias/elinks.h"
#include "study/answer.h"
#include "study/study.h"

// What the tools of `minbias elinks` share.

// A table written row by row: cells go into text, whose rows reach the file now and then.
typedef struct mb_table {
    mb_output output;
    mb_buffer text;
    uint64_t n_rows;
} mb_table;
mb_status mb_table_open(mb_table *table, mb_context *ctx, const char *path) MB_MUST_CHECK;
mb_status mb_table_end_row(mb_table *table) MB_MUST_CHECK;
mb_status mb_table_commit(mb_table *table) MB_MUST_CHECK;
// Safe after commit, and on a zeroed table.
void mb_table_abandon(mb_table *table);
// ",STEM0,STEM1..." or without the first comma.
void mb_table_put_series(mb_table *table, bool is_first, const char *stem, size_t n);

// The files that paths name: a file, a pattern, or a folder: its .csv and .csv.gz, also in folders
// below, each once. Fails with IO when there is none.
mb_status mb_elinks_list(
    mb_context *ctx, const char *const *paths, size_t n, mb_names *out) MB_MUST_CHECK;
// The name of a file without folder, .csv and .gz, into text.
void mb_elinks_stem(const char *path, char *text, size_t size);
// "9,-3,2" to a module's coordinates. Fails with ARG.
mb_status mb_elinks_module_parse(mb_context *ctx, const char *text, int out[3]) MB_MUST_CHECK;

// The chip's settings and algorithm of a format. "ports" and "none": *algorithm is NULL.
mb_status mb_elinks_format_read(mb_context *ctx, const mb_elinks_format *format,
    mb_chip_settings *settings, const mb_chip_algorithm **algorithm,
    mb_chip_mux *mux) MB_MUST_CHECK;

// The columns of contents in tables.
enum { MB_CONTENT_COLUMNS = 4 + 2 * MB_CHIP_CELLS };
void mb_content_put_header(
    mb_table *table, const mb_chip_algorithm *algorithm, const mb_chip_settings *settings);
void mb_content_put(mb_table *table, const mb_chip_algorithm *algorithm,
    const mb_chip_settings *settings, const mb_chip_content *content);
typedef struct mb_content_columns {
    int header, type, sum, n, address[MB_CHIP_CELLS], code[MB_CHIP_CELLS]; // -1: none
} mb_content_columns;
mb_status mb_content_find(const mb_rows *rows, const mb_chip_algorithm *algorithm,
    const mb_chip_settings *settings, mb_content_columns *out) MB_MUST_CHECK;
// Fails as mb_chip_content_check, with file and line.
mb_status mb_content_read(const mb_rows *rows, const mb_content_columns *columns,
    const mb_chip_algorithm *algorithm, const mb_chip_settings *settings,
    mb_chip_content *out) MB_MUST_CHECK;

// An encoder network in the chip's integers: 3 x 3 convolution to 8 channels with stride 2 on the
// image 8x8, dense layer to 16 outputs.
enum {
    MB_ENCODER_WEIGHTS = 2144,
    MB_ENCODER_WEIGHT_BITS = 6,
    MB_ENCODER_CONV = 72,
    MB_ENCODER_CONV_BIAS = 8,
    MB_ENCODER_DENSE = 2048,
};
// Weights as words of the chip, two's complement. path: a model, whose first four weights are
// those, or words (.txt). format: "1.5" or "2.4". *n_clipped: weights beyond it, when
// is_saturating; else they are an error (RANGE).
mb_status mb_encoder_weights_read(mb_context *ctx, const char *path, const char *format,
    bool is_saturating, uint8_t weights[MB_ENCODER_WEIGHTS], size_t *n_clipped) MB_MUST_CHECK;
// Words of a text, one a line. Fails with FORMAT, RANGE.
mb_status mb_encoder_words_parse(mb_context *ctx, const char *name, const char *text, size_t length,
    uint8_t weights[MB_ENCODER_WEIGHTS]) MB_MUST_CHECK;

typedef struct mb_encoder mb_encoder;
// The caller destroys *out; on failure it is NULL.
mb_status mb_encoder_create(mb_context *ctx, const uint8_t weights[MB_ENCODER_WEIGHTS],
    const char *format, mb_encoder **out) MB_MUST_CHECK;
void mb_encoder_destroy(mb_encoder *encoder); // accepts NULL
// n rows of 48 charges, as the module numbers them, to contents: 16 outputs and the sum's code.
// Sums beyond 22 bits count as their largest. Fails with MEMORY.
mb_status mb_encoder_run(mb_context *ctx, mb_encoder *encoder, const uint32_t *charges, size_t n,
    mb_chip_content *out) MB_MUST_CHECK;

#endif
