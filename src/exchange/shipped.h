// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef EXCHANGE_SHIPPED_H
#define EXCHANGE_SHIPPED_H

#include <stdbool.h>
#include <stddef.h>

// Trained models that are part of the program (share/econt): "shipped:NAME" stands for a file.
typedef struct mb_shipped_file {
    const char *name;
    const unsigned char *bytes; // of a Keras .h5
    size_t length;
} mb_shipped_file;

extern const mb_shipped_file mb_shipped_files[]; // made by cmake/shipped_models.cmake
extern const size_t mb_n_shipped_files;

// Whether a path begins with "shipped:".
bool mb_shipped_is_path(const char *path);
// The file of a path "shipped:NAME", or of NAME alone; NULL: there is none.
const mb_shipped_file *mb_shipped_find(const char *path);

#endif
