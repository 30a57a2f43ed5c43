// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef BASE_NODE_H
#define BASE_NODE_H

#include "base/arena.h"
#include "base/buffer.h"

// A small tree of values: what a study (YAML) and a model configuration (JSON) are read into. Every
// node knows its line.
typedef enum mb_node_kind {
    MB_NODE_NULL,
    MB_NODE_BOOL,
    MB_NODE_INT,
    MB_NODE_REAL,
    MB_NODE_TEXT,
    MB_NODE_LIST,
    MB_NODE_MAP
} mb_node_kind;

typedef struct mb_node mb_node;
struct mb_node {
    mb_node_kind kind;
    const char *key; // of a map's member, else NULL
    int line;        // of the key where there is one; 0: not from a file
    int column;
    bool boolean;
    bool quoted; // a text that was written in quotes: never a number
    int64_t integer;
    double real;      // also set for INT
    const char *text; // TEXT, and for BOOL, INT, REAL the text as written (may be NULL when made by
                      // the program)
    mb_node *first, *last, *next; // children in order
    size_t n_children;
    bool used; // set by mb_node_find and option parsing
};

// A tree with its memory and the name that errors quote.
typedef struct mb_document {
    mb_arena arena;
    const char *name; // file as the user wrote it
    mb_node *root;
} mb_document;

void mb_document_init(mb_document *document, mb_context *ctx, const char *name);
void mb_document_clear(mb_document *document);

// Child by key (marks it used) or NULL; map may be NULL or not a map.
mb_node *mb_node_find(const mb_node *map, const char *key);
const mb_node *mb_node_at(const mb_node *list, size_t index);
// Texts of any scalar; NULL for lists and maps.
const char *mb_node_text(const mb_node *node);
bool mb_node_is_scalar(const mb_node *node);

// A number of a map; NaN where there is none.
double mb_node_number(const mb_node *map, const char *key);
// A text of a map; "" where there is none.
const char *mb_node_words(const mb_node *map, const char *key);

// Making trees. All return NULL on failure (recorded).
mb_node *mb_node_make(mb_document *document, mb_context *ctx, mb_node_kind kind);
mb_node *mb_node_make_text(mb_document *document, mb_context *ctx, const char *text);
mb_node *mb_node_make_int(mb_document *document, mb_context *ctx, int64_t value);
mb_node *mb_node_make_real(mb_document *document, mb_context *ctx, double value);
mb_node *mb_node_make_bool(mb_document *document, mb_context *ctx, bool value);
// A scalar read as YAML's core schema would: null, true, false, integers, reals, else text.
// Numbers that do not fit, .inf and .nan fail with FORMAT and a text that does not say where.
mb_node *mb_node_make_scalar(mb_document *document, mb_context *ctx, const char *text, bool quoted);
void mb_node_append(mb_node *list, mb_node *child);
// Adds or replaces a member. key is copied.
mb_status mb_node_set(mb_document *document, mb_context *ctx, mb_node *map, const char *key,
    mb_node *value) MB_MUST_CHECK;
void mb_node_remove(mb_node *map, const char *key);
mb_node *mb_node_copy(mb_document *document, mb_context *ctx, const mb_node *node);

// Fails with FORMAT and "FILE:LINE: ...". node may be NULL.
mb_status mb_fail_at(mb_context *ctx, const mb_document *document, const mb_node *node,
    const char *format, ...) MB_PRINTF(4, 5);

// indent: blanks a level; < 0: everything on one line. Numbers that are not finite become null.
void mb_node_write_json(mb_buffer *buffer, const mb_node *node, int indent);
void mb_node_write_yaml(mb_buffer *buffer, const mb_node *node);

// The name nearest to text among n names (edit distance), or NULL when none is near.
const char *mb_nearest_name(const char *text, const char *const *names, size_t n);
// What to do about a name that is none of n: "did you mean 'barrel'?" or "write one of barrel,
// arrays", cut short where they are many. Returns out.
enum { MB_CHOICE_SIZE = 256 };
const char *mb_name_choice(
    char *out, size_t size, const char *text, const char *const *names, size_t n);

#endif
