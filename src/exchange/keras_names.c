// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "exchange/keras_graph.h"

bool mb_keras_ends_with(const char *text, const char *end) {
    const size_t n = strlen(text);
    const size_t m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}

static bool is_word(char c) {
    return is_upper(c) || is_lower(c) || (c >= '0' && c <= '9') || c == '_';
}

// Keras's two rules: "_" before a capital that a small letter follows, and between a small letter
// and a capital.
void mb_keras_snake_case(const char *name, char *out, size_t size) {
    size_t n = 0;
    char previous = '\0';
    for (const char *p = name; *p != '\0' && n + 2 < size; p++) {
        if (!is_word(*p)) {
            continue;
        }
        const bool begins_word = previous != '\0' && is_upper(*p) && is_lower(p[1]);
        if (begins_word || (is_lower(previous) && is_upper(*p))) {
            out[n++] = '_';
        }
        out[n++] = is_upper(*p) ? (char)(*p - 'A' + 'a') : *p;
        previous = *p;
    }
    out[n] = '\0';
}
