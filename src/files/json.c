// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/json.h"

#include "base/output.h"

#include <jansson.h>

typedef struct reader {
    mb_context *ctx;
    mb_document *document;
    const char *name;
} reader;

// Counts values and nesting before the parser makes a tree of its own of them, which takes many
// times the text's size and knows no limits.
static mb_status check_limits(const reader *in, const char *text, size_t length) {
    const mb_limits *limits = mb_context_limits(in->ctx);
    uint64_t n_values = 1;
    uint64_t depth = 1;
    size_t line = 1;
    bool is_text = false;
    for (size_t i = 0; i < length; i++) {
        const char c = text[i];
        line += c == '\n';
        // The parser would skip it without a word.
        if (c == '\0') {
            return mb_fail(in->ctx, MB_ERR_FORMAT,
                "%s:%zu: has a zero byte; save the file as UTF-8 text", in->name, line);
        }
        if (is_text) {
            // A quote after a backslash does not end a text.
            i += c == '\\' && i + 1 < length && text[i + 1] != '\0' && text[i + 1] != '\n';
            is_text = c != '"';
            continue;
        }
        is_text = c == '"';
        depth += c == '[' || c == '{';
        depth -= (c == ']' || c == '}') && depth > 1;
        n_values += c == '[' || c == '{' || c == ',';
        if (depth > limits->depth) {
            return mb_fail(in->ctx, MB_ERR_LIMIT,
                "%s:%zu: is nested deeper than %u levels; make it flatter", in->name, line,
                limits->depth);
        }
        if (n_values > limits->objects) {
            return mb_fail(in->ctx, MB_ERR_LIMIT,
                "%s:%zu: has more than %llu values; split the file", in->name, line,
                (unsigned long long)limits->objects);
        }
    }
    return MB_OK;
}

static mb_status convert(const reader *in, const json_t *value, mb_node **out);

static mb_status convert_map(const reader *in, const json_t *value, mb_node *map) {
    // The iterator takes its object without const although it only reads.
    json_t *object = (json_t *)value;
    for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at)) {
        mb_node *child = NULL;
        MB_TRY(convert(in, json_object_iter_value(at), &child));
        child->key = mb_arena_text(&in->document->arena, in->ctx, json_object_iter_key(at));
        if (child->key == NULL) {
            return MB_ERR_MEMORY;
        }
        mb_node_append(map, child);
    }
    return MB_OK;
}

static mb_status convert(const reader *in, const json_t *value, mb_node **out) {
    mb_context *ctx = in->ctx;
    mb_document *document = in->document;
    mb_node *node = NULL;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        node = mb_node_make(document, ctx, MB_NODE_MAP);
        break;
    case JSON_ARRAY:
        node = mb_node_make(document, ctx, MB_NODE_LIST);
        break;
    case JSON_STRING:
        node = mb_node_make_text(document, ctx, json_string_value(value));
        break;
    case JSON_INTEGER:
        node = mb_node_make_int(document, ctx, json_integer_value(value));
        break;
    case JSON_REAL:
        node = mb_node_make_real(document, ctx, json_real_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        node = mb_node_make_bool(document, ctx, json_is_true(value));
        break;
    case JSON_NULL:
        node = mb_node_make(document, ctx, MB_NODE_NULL);
        break;
    }
    if (node == NULL) {
        return MB_ERR_MEMORY;
    }
    node->quoted = node->kind == MB_NODE_TEXT;
    *out = node;
    if (node->kind == MB_NODE_MAP) {
        return convert_map(in, value, node);
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        mb_node *child = NULL;
        MB_TRY(convert(in, json_array_get(value, i), &child));
        mb_node_append(node, child);
    }
    return MB_OK;
}

static mb_status parse_tree(const reader *in, const char *text, size_t length, mb_node **root) {
    MB_TRY(check_limits(in, text, length));
    json_error_t error;
    json_t *tree = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (tree == NULL) {
        if (json_error_code(&error) == json_error_out_of_memory) {
            return mb_fail(in->ctx, MB_ERR_MEMORY, "%s: memory ran out; free some", in->name);
        }
        return mb_fail(in->ctx, MB_ERR_FORMAT, "%s:%d:%d: %s; mend the JSON there", in->name,
            error.line, error.column, error.text);
    }
    mb_node *node = NULL;
    const mb_status status = convert(in, tree, &node);
    json_decref(tree);
    *root = status == MB_OK ? node : NULL;
    return status;
}

mb_status mb_json_parse(
    mb_context *ctx, const char *name, const char *text, size_t length, mb_document *out) {
    mb_document_init(out, ctx, name);
    mb_status status = out->name != NULL ? MB_OK : MB_ERR_MEMORY;
    if (status == MB_OK) {
        const reader in = {ctx, out, name};
        status = parse_tree(&in, text, length, &out->root);
    }
    if (status != MB_OK) {
        mb_document_clear(out);
    }
    return status;
}

mb_status mb_json_read(mb_context *ctx, const char *path, mb_document *out) {
    memset(out, 0, sizeof *out);
    char *text = NULL;
    size_t length = 0;
    MB_TRY(mb_read_file(ctx, path, &text, &length));
    const mb_status status = mb_json_parse(ctx, path, text, length, out);
    mb_release(ctx, text);
    return status;
}
