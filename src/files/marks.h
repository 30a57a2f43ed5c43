// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef FILES_MARKS_H
#define FILES_MARKS_H

#include "base/base.h"

// Where commas and line feeds stand in a piece of a table.

enum { MB_MARKS_PIECE = 8192 };

typedef struct mb_marks {
    size_t n; // up to the last line feed; 0: no line ends in the piece
    uint16_t at[MB_MARKS_PIECE + 16];
} mb_marks;

// The marks of the first MB_MARKS_PIECE bytes of text, or of all that there is.
void mb_marks_find(mb_marks *marks, const char *text, size_t length);

#endif
