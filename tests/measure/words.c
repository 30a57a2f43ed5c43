// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "words.h"

#include "base/numbers.h"
#include "base/output.h"

#include <math.h>

void words_open(words *out, mb_context *ctx, const char *file) {
    size_t length;
    *out = (words){.ctx = ctx};
    assert_ok(ctx, mb_read_file(ctx, mb_test_source(file), &out->text, &length));
    out->next = out->text;
    out->end = out->text + length;
}

void words_close(words *w) {
    mb_release(w->ctx, w->text);
}

const char *next_word(words *w) {
    char *word = w->next + strspn(w->next, " \n");
    if (word >= w->end) {
        return NULL;
    }
    char *end = word + strcspn(word, " \n");
    w->next = end < w->end ? end + 1 : end;
    *end = '\0';
    return word;
}

double next_number(words *w) {
    const char *word = next_word(w);
    assert_non_null(word);
    double number = INFINITY;
    assert_true(strcmp(word, "inf") == 0 || mb_text_to_double(word, &number));
    return number;
}
