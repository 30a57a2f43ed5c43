// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_MEASURE_WORDS_H
#define TESTS_MEASURE_WORDS_H

#include "testing.h"

// A golden file of this room, word by word.
typedef struct words {
    mb_context *ctx;
    char *text, *next;
    const char *end;
} words;

void words_open(words *out, mb_context *ctx, const char *file);
void words_close(words *w);
// NULL at the end.
const char *next_word(words *w);
// Fails the test where there is none.
double next_number(words *w);

#endif
