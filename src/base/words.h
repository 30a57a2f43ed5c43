// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef BASE_WORDS_H
#define BASE_WORDS_H

#include "base/base.h"

// Constant lists of words, each closed by a NULL, and lists of names that grow.

bool mb_is_one_of(const char *word, const char *const *words);
size_t mb_count_words(const char *const *words);

// What a hexadecimal digit stands for, of either case; -1 for any other character.
int mb_hex_digit(char c);

// Bytes of the valid UTF-8 sequence at text, 0 where there is none. Looks no further than a zero
// byte.
size_t mb_utf8_length(const char *text);

// What an error number of the system means, into out, which is returned. From any thread.
enum { MB_REASON_SIZE = 128 };
const char *mb_system_reason(int error, char out[MB_REASON_SIZE]);

// Zeroed but for ctx it is empty; freed with mb_names_clear.
typedef struct mb_names {
    mb_context *ctx;
    char **name;
    size_t n, capacity;
} mb_names;

// Appends a copy of length bytes as a text.
mb_status mb_names_add(mb_names *names, const char *text, size_t length) MB_MUST_CHECK;
// Appends a text that mb_release frees and takes it, also on failure. name may be NULL: the failed
// allocation that is already recorded.
mb_status mb_names_take(mb_names *names, char *name) MB_MUST_CHECK;
bool mb_names_have(const mb_names *names, const char *name);
// In byte order.
void mb_names_sort(mb_names *names);
void mb_names_clear(mb_names *names);

#endif
