// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef BASE_OPTIONS_FIELD_H
#define BASE_OPTIONS_FIELD_H

#include "base/options.h"

// What reading and writing of options share; nobody else includes this.

// Puts the option's default into its field (zero for required and empty ones).
mb_status mb_option_store_default(
    mb_context *ctx, mb_document *document, const mb_option *option, void *field) MB_MUST_CHECK;
// "a, b, c" into out, cut with "..." where it does not fit.
void mb_text_list(char *out, size_t size, const char *const *texts, size_t n);

#endif
