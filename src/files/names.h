// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef FILES_NAMES_H
#define FILES_NAMES_H

#include "base/output.h"

// Appends a copy of length bytes as a text.
mb_status mb_names_add(mb_names *names, const char *text, size_t length) MB_MUST_CHECK;
void mb_names_sort(mb_names *names);

#endif
