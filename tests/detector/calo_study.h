// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_DETECTOR_CALO_STUDY_H
#define TESTS_DETECTOR_CALO_STUDY_H

#include "detector_study.h"

#include "detector/calo/calo.h"

// A study of the calorimeter (seed 42), and region files for it to read.
void calo_study_open(detector_study *study, mb_context *ctx, const char *data,
    const char *const *compat, const char *directory);

// How a region file is written.
typedef struct calo_form {
    const char *dataset; // NULL: CaloRegions
    mb_dtype dtype;
    unsigned rank;     // 2, 3 or 4
    size_t chunk_rows; // 0: not in chunks
    int deflate;
} calo_form;
#define CALO_FORM ((calo_form){NULL, MB_F64, 3, 0, 0})

// The value of a region in a test file: whole, 0 .. 1023, different for different events.
double calo_value(size_t sample, size_t event, size_t region);
// Writes n events of a sample; values of NULL: calo_value, else n * 252 of them. accepted:
// n_accepted flags, or NULL for no such dataset.
typedef struct calo_content {
    size_t n, sample;
    const double *values;
    const uint8_t *accepted;
    size_t n_accepted;
    mb_dtype flag_dtype;
} calo_content;
void calo_write(mb_context *ctx, const char *directory, const char *name, const calo_form *form,
    const calo_content *content);
// The usual form, calo_value, no flags.
void calo_write_events(
    mb_context *ctx, const char *directory, const char *name, size_t sample, size_t n);

// Opens a study, loads and closes it. report may be NULL.
mb_status calo_load(mb_context *ctx, const char *data, const char *const *compat,
    const char *directory, size_t set_aside, mb_dataset *out, mb_buffer *report);
// Region of a row.
float calo_region(const mb_dataset *dataset, size_t row, size_t region);
// Entry of an integer extra column.
int64_t calo_extra(const mb_dataset *dataset, const char *name, size_t row);

#endif
