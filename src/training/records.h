// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TRAINING_RECORDS_H
#define TRAINING_RECORDS_H

#include "base/options.h"

// How losses, optimisers and callbacks are written in a study: NAME or {NAME: {options}}. Shared by
// their lists.

// The names that one entry of a list answers to; NULLs are none.
typedef struct mb_record_names {
    const char *name, *class_name, *alias;
} mb_record_names;

bool mb_record_has_name(const mb_record_names *names, const char *text);
// Fails with FORMAT and the nearest name, or all of them. what: "loss".
mb_status mb_record_unknown(mb_context *ctx, const mb_document *document, const mb_node *node,
    const char *what, const char *text, const mb_record_names *names, size_t n);
// Parses the options of a record into memory of the document.
mb_status mb_record_options(mb_context *ctx, mb_document *document, const mb_option *table,
    size_t size, const mb_node *map, const char *what, const void **out) MB_MUST_CHECK;
// NAME for a record without options, else {NAME: {all options}}. NULL on failure.
mb_node *mb_record_to_node(mb_context *ctx, mb_document *document, const char *name,
    const mb_option *table, const void *options);

#endif
