// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/node.h"

#include "base/numbers.h"
#include "base/runtime.h"
#include "base/words.h"

#include <math.h>

// Names longer than this are compared by their beginnings only.
enum { LONGEST_NAME = 63 };

void mb_document_init(mb_document *document, mb_context *ctx, const char *name) {
    memset(document, 0, sizeof *document);
    mb_arena_init(&document->arena, ctx);
    document->name = name != NULL ? mb_arena_text(&document->arena, ctx, name) : NULL;
}

void mb_document_clear(mb_document *document) {
    mb_arena_clear(&document->arena);
    document->name = NULL;
    document->root = NULL;
}

mb_node *mb_node_find(const mb_node *map, const char *key) {
    if (map == NULL || map->kind != MB_NODE_MAP) {
        return NULL;
    }
    for (mb_node *child = map->first; child != NULL; child = child->next) {
        if (strcmp(child->key, key) == 0) {
            child->used = true;
            return child;
        }
    }
    return NULL;
}

const mb_node *mb_node_at(const mb_node *list, size_t index) {
    if (list == NULL || (list->kind != MB_NODE_LIST && list->kind != MB_NODE_MAP)) {
        return NULL;
    }
    const mb_node *child = list->first;
    while (child != NULL && index > 0) {
        child = child->next;
        index--;
    }
    return child;
}

double mb_node_number(const mb_node *map, const char *key) {
    const mb_node *node = mb_node_find(map, key);
    return node != NULL && (node->kind == MB_NODE_INT || node->kind == MB_NODE_REAL) ? node->real
                                                                                     : (double)NAN;
}

const char *mb_node_words(const mb_node *map, const char *key) {
    const char *text = mb_node_text(mb_node_find(map, key));
    return text != NULL ? text : "";
}

bool mb_node_is_scalar(const mb_node *node) {
    return node != NULL && node->kind != MB_NODE_LIST && node->kind != MB_NODE_MAP;
}

const char *mb_node_text(const mb_node *node) {
    if (!mb_node_is_scalar(node)) {
        return NULL;
    }
    return node->kind == MB_NODE_NULL ? "null" : node->text;
}

mb_node *mb_node_make(mb_document *document, mb_context *ctx, mb_node_kind kind) {
    mb_node *node = mb_arena_allocate(&document->arena, ctx, 1, sizeof *node);
    if (node != NULL) {
        node->kind = kind;
    }
    return node;
}

// Gives the node its text; NULL when that failed, so that makers can return the result.
static mb_node *with_text(mb_node *node, const char *text) {
    if (node == NULL || text == NULL) {
        return NULL;
    }
    node->text = text;
    return node;
}

mb_node *mb_node_make_text(mb_document *document, mb_context *ctx, const char *text) {
    return with_text(
        mb_node_make(document, ctx, MB_NODE_TEXT), mb_arena_text(&document->arena, ctx, text));
}

mb_node *mb_node_make_int(mb_document *document, mb_context *ctx, int64_t value) {
    mb_node *node = with_text(mb_node_make(document, ctx, MB_NODE_INT),
        mb_arena_format(&document->arena, ctx, "%lld", (long long)value));
    if (node != NULL) {
        node->integer = value;
        node->real = (double)value;
    }
    return node;
}

mb_node *mb_node_make_real(mb_document *document, mb_context *ctx, double value) {
    mb_buffer shortest;
    mb_buffer_init(&shortest, ctx);
    mb_buffer_double(&shortest, value);
    mb_node *node = NULL;
    if (shortest.status == MB_OK) {
        node = with_text(mb_node_make(document, ctx, MB_NODE_REAL),
            mb_arena_text(&document->arena, ctx, shortest.data));
    }
    if (node != NULL) {
        node->real = value;
    }
    mb_buffer_clear(&shortest);
    return node;
}

mb_node *mb_node_make_bool(mb_document *document, mb_context *ctx, bool value) {
    mb_node *node = with_text(mb_node_make(document, ctx, MB_NODE_BOOL), value ? "true" : "false");
    if (node != NULL) {
        node->boolean = value;
    }
    return node;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// 0x1f and 0o17. Sets *fits to false for a number above INT64_MAX.
static bool is_prefixed_integer(const char *text, int64_t *out, bool *fits) {
    if (text[0] != '0' || (text[1] != 'x' && text[1] != 'o') || text[2] == '\0') {
        return false;
    }
    const int base = text[1] == 'x' ? 16 : 8;
    int64_t value = 0;
    *fits = true;
    for (const char *p = text + 2; *p != '\0'; p++) {
        const int digit = mb_hex_digit(*p);
        if (digit < 0 || digit >= base) {
            return false;
        }
        if (value > (INT64_MAX - digit) / base) {
            *fits = false;
            continue;
        }
        value = value * base + digit;
    }
    *out = value;
    return true;
}

static bool is_decimal_integer(const char *text) {
    const char *p = text + (*text == '-' || *text == '+');
    if (!is_digit(*p)) {
        return false;
    }
    while (is_digit(*p)) {
        p++;
    }
    return *p == '\0';
}

static bool is_not_finite(const char *text) {
    static const char *const words[] = {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN", NULL};
    return mb_is_one_of(text + (*text == '-' || *text == '+'), words);
}

typedef enum scalar_fault { FAULT_NONE, FAULT_TOO_LARGE, FAULT_NOT_FINITE } scalar_fault;

// YAML 1.2, core schema (chapter 10.3.2). Fills kind and value.
static scalar_fault resolve_scalar(const char *text, mb_node *node) {
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};
    bool fits = true;
    if (mb_is_one_of(text, nulls)) {
        node->kind = MB_NODE_NULL;
    } else if (mb_is_one_of(text, trues) || mb_is_one_of(text, falses)) {
        node->kind = MB_NODE_BOOL;
        node->boolean = mb_is_one_of(text, trues);
    } else if (is_prefixed_integer(text, &node->integer, &fits)) {
        node->kind = MB_NODE_INT;
        node->real = (double)node->integer;
        return fits ? FAULT_NONE : FAULT_TOO_LARGE;
    } else if (is_decimal_integer(text)) {
        node->kind = MB_NODE_INT;
        if (mb_parse_int64(text, text + strlen(text), &node->integer) == NULL) {
            return FAULT_TOO_LARGE;
        }
        node->real = (double)node->integer;
    } else if (is_not_finite(text)) {
        return FAULT_NOT_FINITE;
    } else {
        const char *end = text + strlen(text);
        if (*text != '\0' && mb_parse_double(text, end, &node->real) == end) {
            node->kind = MB_NODE_REAL;
            return isfinite(node->real) ? FAULT_NONE : FAULT_TOO_LARGE;
        }
        node->real = 0;
    }
    return FAULT_NONE;
}

mb_node *mb_node_make_scalar(
    mb_document *document, mb_context *ctx, const char *text, bool quoted) {
    mb_node *node = mb_node_make_text(document, ctx, text);
    if (node == NULL) {
        return NULL;
    }
    node->quoted = quoted;
    switch (quoted ? FAULT_NONE : resolve_scalar(text, node)) {
    case FAULT_NONE:
        return node;
    case FAULT_TOO_LARGE:
        mb_fail(ctx, MB_ERR_FORMAT,
            "'%.40s' is a number too large to hold; write a smaller one, or quote it as a text",
            text);
        return NULL;
    case FAULT_NOT_FINITE:
        mb_fail(ctx, MB_ERR_FORMAT, "'%s' is not a finite number; write a finite one", text);
        return NULL;
    }
    return NULL;
}

void mb_node_append(mb_node *list, mb_node *child) {
    child->next = NULL;
    if (list->last != NULL) {
        list->last->next = child;
    } else {
        list->first = child;
    }
    list->last = child;
    list->n_children++;
}

mb_status mb_node_set(
    mb_document *document, mb_context *ctx, mb_node *map, const char *key, mb_node *value) {
    if (value == NULL) {
        return mb_fail(ctx, MB_ERR_MEMORY, "memory: no value for '%s'; free some memory", key);
    }
    value->key = mb_arena_text(&document->arena, ctx, key);
    if (value->key == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_node *previous = NULL;
    for (mb_node *child = map->first; child != NULL; previous = child, child = child->next) {
        if (strcmp(child->key, key) != 0) {
            continue;
        }
        value->next = child->next;
        if (previous != NULL) {
            previous->next = value;
        } else {
            map->first = value;
        }
        map->last = map->last == child ? value : map->last;
        return MB_OK;
    }
    mb_node_append(map, value);
    return MB_OK;
}

void mb_node_remove(mb_node *map, const char *key) {
    mb_node *previous = NULL;
    for (mb_node *child = map->first; child != NULL; previous = child, child = child->next) {
        if (strcmp(child->key, key) != 0) {
            continue;
        }
        if (previous != NULL) {
            previous->next = child->next;
        } else {
            map->first = child->next;
        }
        map->last = map->last == child ? previous : map->last;
        map->n_children--;
        return;
    }
}

mb_node *mb_node_copy(mb_document *document, mb_context *ctx, const mb_node *node) {
    mb_node *copy = mb_node_make(document, ctx, node->kind);
    if (copy == NULL) {
        return NULL;
    }
    *copy = *node;
    copy->first = copy->last = copy->next = NULL;
    copy->n_children = 0;
    if (node->key != NULL) {
        copy->key = mb_arena_text(&document->arena, ctx, node->key);
    }
    if (node->text != NULL) {
        copy->text = mb_arena_text(&document->arena, ctx, node->text);
    }
    if ((node->key != NULL && copy->key == NULL) || (node->text != NULL && copy->text == NULL)) {
        return NULL;
    }
    for (const mb_node *child = node->first; child != NULL; child = child->next) {
        mb_node *child_copy = mb_node_copy(document, ctx, child);
        if (child_copy == NULL) {
            return NULL;
        }
        mb_node_append(copy, child_copy);
    }
    return copy;
}

mb_status mb_fail_at(
    mb_context *ctx, const mb_document *document, const mb_node *node, const char *format, ...) {
    char text[MB_ERROR_TEXT_SIZE];
    va_list list;
    va_start(list, format);
    mb_format_list(text, sizeof text, format, list);
    va_end(list);
    const char *name = document != NULL && document->name != NULL ? document->name : "input";
    if (node != NULL && node->line > 0) {
        return mb_fail(ctx, MB_ERR_FORMAT, "%s:%d: %s", name, node->line, text);
    }
    return mb_fail(ctx, MB_ERR_FORMAT, "%s: %s", name, text);
}

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

// Insertions, deletions, changes and swaps of neighbours (optimal string alignment).
static size_t edit_distance(const char *a, const char *b) {
    const size_t n = mb_min_size(strlen(a), LONGEST_NAME);
    const size_t m = mb_min_size(strlen(b), LONGEST_NAME);
    size_t rows[3][LONGEST_NAME + 1];
    size_t *older = rows[0];
    size_t *old = rows[1];
    size_t *row = rows[2];
    for (size_t j = 0; j <= m; j++) {
        older[j] = old[j] = j;
    }
    for (size_t i = 1; i <= n; i++) {
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            const char x = lower(a[i - 1]);
            const char y = lower(b[j - 1]);
            row[j] = mb_min_size(mb_min_size(old[j], row[j - 1]) + 1, old[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == lower(b[j - 2]) && lower(a[i - 2]) == y) {
                row[j] = mb_min_size(row[j], older[j - 2] + 1);
            }
        }
        size_t *free_row = older;
        older = old;
        old = row;
        row = free_row;
    }
    return old[m];
}

const char *mb_name_choice(
    char *out, size_t size, const char *text, const char *const *names, size_t n) {
    const char *near = mb_nearest_name(text, names, n);
    if (near != NULL) {
        mb_format(out, size, "did you mean '%s'?", near);
        return out;
    }
    mb_format(out, size, "write one of");
    for (size_t i = 0; i < n; i++) {
        const size_t used = strlen(out);
        mb_format(out + used, size - used, "%s %s", i > 0 ? "," : "", names[i]);
    }
    return out;
}

const char *mb_nearest_name(const char *text, const char *const *names, size_t n) {
    const char *nearest = NULL;
    size_t least = mb_max_size(1, strlen(text) / 3) + 1;
    for (size_t i = 0; i < n; i++) {
        const size_t distance = edit_distance(text, names[i]);
        if (distance < least) {
            least = distance;
            nearest = names[i];
        }
    }
    return nearest;
}
