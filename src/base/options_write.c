// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/options_field.h"

#include "base/numbers.h"

#include <math.h>

// Room for any field, to hold a default beside a record's value.
typedef union any_field {
    bool boolean;
    int64_t integer;
    size_t size;
    double real;
    const char *text;
    int choice;
    mb_sizes sizes;
    mb_reals reals;
    mb_texts texts;
    const mb_node *node;
} any_field;

void mb_text_list(char *out, size_t size, const char *const *texts, size_t n) {
    static const char more[] = ", ...";
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        const size_t length = strlen(texts[i]) + 2;
        if (used + length + sizeof more > size) {
            mb_format(out + used, size - used, "%s", more);
            return;
        }
        mb_format(out + used, size - used, "%s%s", i > 0 ? ", " : "", texts[i]);
        used += strlen(out + used);
    }
}

// Appends to a list that is NULL once something failed.
static mb_node *append_to(mb_node *list, mb_node *child) {
    if (list == NULL || child == NULL) {
        return NULL;
    }
    mb_node_append(list, child);
    return list;
}

static mb_node *sizes_node(mb_context *ctx, mb_document *document, const mb_sizes *sizes) {
    mb_node *list = mb_node_make(document, ctx, MB_NODE_LIST);
    for (size_t i = 0; i < sizes->n; i++) {
        list = append_to(list, mb_node_make_int(document, ctx, (int64_t)sizes->value[i]));
    }
    return list;
}

static mb_node *reals_node(mb_context *ctx, mb_document *document, const mb_reals *reals) {
    mb_node *list = mb_node_make(document, ctx, MB_NODE_LIST);
    for (size_t i = 0; i < reals->n; i++) {
        list = append_to(list, mb_node_make_real(document, ctx, reals->value[i]));
    }
    return list;
}

static mb_node *texts_node(mb_context *ctx, mb_document *document, const mb_texts *texts) {
    mb_node *list = mb_node_make(document, ctx, MB_NODE_LIST);
    for (size_t i = 0; i < texts->n; i++) {
        list = append_to(list, mb_node_make_text(document, ctx, texts->value[i]));
    }
    return list;
}

static mb_node *text_node(mb_context *ctx, mb_document *document, const char *text) {
    return text == NULL ? mb_node_make(document, ctx, MB_NODE_NULL)
                        : mb_node_make_text(document, ctx, text);
}

static mb_node *field_node(
    mb_context *ctx, mb_document *document, const mb_option *option, const void *field) {
    switch (option->type) {
    case MB_OPTION_BOOL:
        return mb_node_make_bool(document, ctx, *(const bool *)field);
    case MB_OPTION_INT:
        return mb_node_make_int(document, ctx, *(const int64_t *)field);
    case MB_OPTION_SIZE:
        return mb_node_make_int(document, ctx, (int64_t) * (const size_t *)field);
    case MB_OPTION_REAL:
        return mb_node_make_real(document, ctx, *(const double *)field);
    case MB_OPTION_TEXT:
        return text_node(ctx, document, *(const char *const *)field);
    case MB_OPTION_CHOICE:
        return mb_node_make_text(document, ctx, option->choices[*(const int *)field]);
    case MB_OPTION_SIZES:
        return sizes_node(ctx, document, field);
    case MB_OPTION_REALS:
        return reals_node(ctx, document, field);
    case MB_OPTION_TEXTS:
        return texts_node(ctx, document, field);
    case MB_OPTION_NODE: {
        const mb_node *node = *(const mb_node *const *)field;
        return node == NULL ? mb_node_make(document, ctx, MB_NODE_NULL)
                            : mb_node_copy(document, ctx, node);
    }
    }
    return NULL;
}

static bool is_same_tree(const mb_node *a, const mb_node *b) {
    if (a->kind != b->kind || a->n_children != b->n_children) {
        return false;
    }
    if (mb_node_is_scalar(a)) {
        return strcmp(mb_node_text(a), mb_node_text(b)) == 0;
    }
    const mb_node *x = a->first;
    const mb_node *y = b->first;
    for (; x != NULL; x = x->next, y = y->next) {
        if ((x->key != NULL && strcmp(x->key, y->key) != 0) || !is_same_tree(x, y)) {
            return false;
        }
    }
    return true;
}

// Whether the record's value must be written. NULL nodes mean a failure already recorded.
static mb_status is_wanted(mb_context *ctx, mb_document *document, const mb_option *option,
    const mb_node *node, bool all, bool *out) {
    if (node->kind == MB_NODE_NULL || all || option->default_text == NULL) {
        *out = node->kind != MB_NODE_NULL;
        return MB_OK;
    }
    any_field field;
    MB_TRY(mb_option_store_default(ctx, document, option, &field));
    const mb_node *usual = field_node(ctx, document, option, &field);
    if (usual == NULL) {
        return MB_ERR_MEMORY;
    }
    *out = !is_same_tree(node, usual);
    return MB_OK;
}

mb_node *mb_options_to_node(mb_context *ctx, mb_document *document, const mb_option *options,
    const void *record, bool all) {
    mb_node *map = mb_node_make(document, ctx, MB_NODE_MAP);
    for (const mb_option *option = options; map != NULL && option->name != NULL; option++) {
        mb_node *node = field_node(ctx, document, option, (const char *)record + option->offset);
        bool wanted = false;
        if (node == NULL || is_wanted(ctx, document, option, node, all, &wanted) != MB_OK) {
            return NULL;
        }
        if (wanted && mb_node_set(document, ctx, map, option->name, node) != MB_OK) {
            return NULL;
        }
    }
    return map;
}

static const char *type_name(mb_option_type type) {
    static const char *const names[] = {[MB_OPTION_BOOL] = "true or false",
        [MB_OPTION_INT] = "integer",
        [MB_OPTION_SIZE] = "count",
        [MB_OPTION_REAL] = "number",
        [MB_OPTION_TEXT] = "text",
        [MB_OPTION_CHOICE] = "choice",
        [MB_OPTION_SIZES] = "count or list of counts",
        [MB_OPTION_REALS] = "number or list of numbers",
        [MB_OPTION_TEXTS] = "text or list of texts",
        [MB_OPTION_NODE] = "own structure"};
    return names[type];
}

// A bar would end the table's cell.
static void write_cell(mb_buffer *buffer, const char *text) {
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '|') {
            mb_buffer_text(buffer, "\\|");
        } else {
            mb_buffer_append(buffer, *p == '\n' ? " " : p, 1);
        }
    }
}

static void write_range(mb_buffer *buffer, const mb_option *option) {
    if (option->type == MB_OPTION_CHOICE) {
        for (size_t i = 0; option->choices[i] != NULL; i++) {
            mb_buffer_format(buffer, "%s`%s`", i > 0 ? ", " : "", option->choices[i]);
        }
    } else if (isinf(option->most)) {
        mb_buffer_format(buffer, "at least %.10g", option->least);
    } else if (option->least < option->most) {
        mb_buffer_format(buffer, "%.10g to %.10g", option->least, option->most);
    }
}

void mb_options_document(mb_buffer *buffer, const mb_option *options) {
    mb_buffer_text(buffer, "| name | type | default | range | help |\n|---|---|---|---|---|\n");
    for (const mb_option *option = options; option->name != NULL; option++) {
        mb_buffer_format(buffer, "| `%s`", option->name);
        if (option->alias != NULL) {
            mb_buffer_format(buffer, " (`%s`)", option->alias);
        }
        mb_buffer_format(buffer, " | %s | ", type_name(option->type));
        if (option->default_text == NULL) {
            mb_buffer_text(buffer, "required");
        } else if (option->default_text[0] != '\0') {
            mb_buffer_format(buffer, "`%s`", option->default_text);
        }
        mb_buffer_text(buffer, " | ");
        write_range(buffer, option);
        mb_buffer_text(buffer, " | ");
        write_cell(buffer, option->help != NULL ? option->help : "");
        mb_buffer_text(buffer, " |\n");
    }
}
