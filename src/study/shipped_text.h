// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_SHIPPED_TEXT_H
#define STUDY_SHIPPED_TEXT_H

#include <stddef.h>

// Made by cmake/shipped.cmake from studies/*.yaml.
typedef struct mb_shipped_text {
    const char *name, *text;
    const char *help; // its first line
} mb_shipped_text;

extern const mb_shipped_text mb_shipped_texts[];
extern const size_t mb_n_shipped_texts;
// studies/models/*.yaml: what {builtin: NAME} stands for.
extern const mb_shipped_text mb_shipped_models[];
extern const size_t mb_n_shipped_models;

#endif
