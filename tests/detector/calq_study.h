// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_DETECTOR_CALQ_STUDY_H
#define TESTS_DETECTOR_CALQ_STUDY_H

#include "detector_study.h"
#include "world.h"

#include "detector/concentrator/concentrator.h"

// A world with the folder nElinks_5.
void calq_world_open(noting_world *world, unsigned n_threads);
// Writes a text as nElinks_5/NAME.
void calq_write(noting_world *world, const char *name, const char *text);
// "CALQ_0,...,CALQ_47", then n lines: the charge of cell i in line k is k * 48 + i + 1. extra (NULL
// or n + 1 texts) is put behind the header and each line.
void calq_write_plain(noting_world *world, const char *name, size_t n, const char *const *extra);
// A line of 48 zeros but for charge text at cell, with its end, into out (of 512), which is
// returned.
const char *calq_line(char *out, size_t cell, const char *charge);

// load with a study: data is YAML of the data: map without files and elinks (taken from the
// folder), compat a NULL-terminated list or NULL.
mb_status calq_load(noting_world *world, const char *data, const char *const *compat,
    const mb_part *validation, bool wants_label, mb_dataset *out, mb_buffer *report);
void calq_assert_near(double got, double wanted, double tolerance);
// The charges (48) of a row.
const float *calq_charges(const mb_dataset *dataset, size_t row);

#endif
