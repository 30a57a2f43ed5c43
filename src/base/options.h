// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include "base/node.h"

// A record of options: a table beside a plain struct. It drives parsing, defaults, errors with the
// nearest name, help, documentation, and the way back to a tree.
typedef enum mb_option_type {
    MB_OPTION_BOOL,   // bool
    MB_OPTION_INT,    // int64_t
    MB_OPTION_SIZE,   // size_t
    MB_OPTION_REAL,   // double
    MB_OPTION_TEXT,   // const char * (NULL without default)
    MB_OPTION_CHOICE, // int: index into choices
    MB_OPTION_SIZES,  // mb_sizes: a list, or one number for all
    MB_OPTION_REALS,  // mb_reals
    MB_OPTION_TEXTS,  // mb_texts: a list, or one text
    MB_OPTION_NODE,   // const mb_node *: a subtree that the owner reads itself
} mb_option_type;

enum { MB_OPTION_MAX_LIST = 16 };

typedef struct mb_sizes {
    size_t n;
    size_t value[MB_OPTION_MAX_LIST];
} mb_sizes;

typedef struct mb_reals {
    size_t n;
    double value[MB_OPTION_MAX_LIST];
} mb_reals;

typedef struct mb_texts {
    size_t n;
    const char **value;
} mb_texts;

typedef struct mb_option {
    const char *name;
    mb_option_type type;
    size_t offset; // of the field in the struct
    // As a user would write it; NULL: required, "" for lists and nodes: empty.
    const char *default_text;
    double least, most;         // for numbers (each of a list); both 0: any
    const char *const *choices; // NULL-terminated, for CHOICE
    const char *alias;          // another accepted spelling, or NULL
    const char *help;           // with unit
} mb_option;

#define MB_OPTIONS_END                                                                             \
    { NULL, MB_OPTION_BOOL, 0, NULL, 0, 0, NULL, NULL, NULL }

// Fills *record from the table's defaults. Texts and lists live in the document's arena. Required
// fields stay zero.
mb_status mb_options_default(
    mb_context *ctx, mb_document *document, const mb_option *options, void *record) MB_MUST_CHECK;
// Defaults, then the members of map (NULL or a NULL node: none). what names the record in errors
// ("conv2d", "train"). A misspelt, repeated or unknown key, a wrong type and a number out of range
// fail with FILE:LINE; so does a missing required key. Keys in ignored (NULL-terminated, may be
// NULL) are left to the caller.
mb_status mb_options_parse(mb_context *ctx, mb_document *document, const mb_option *options,
    const mb_node *map, const char *what, const char *const *ignored, void *record) MB_MUST_CHECK;
// The record as a map; with all false, only what differs from the defaults.
mb_node *mb_options_to_node(
    mb_context *ctx, mb_document *document, const mb_option *options, const void *record, bool all);
// A reference table in Markdown: name, type, default, range, help.
void mb_options_document(mb_buffer *buffer, const mb_option *options);

// A member of a list of records as users write it: a bare name, or {name: {options}}. Gives the
// name and its options map (or NULL).
mb_status mb_named_options(mb_context *ctx, const mb_document *document, const mb_node *node,
    const char *what, const char **name, const mb_node **options) MB_MUST_CHECK;

#endif
