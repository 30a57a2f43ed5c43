// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/yaml.h"

#include "base/numbers.h"

enum { MOST_NAMES = 256, LONGEST_STEP = 128 };

// A place in the tree: a node, and for a layer of a list the record around it (which has name:).
typedef struct spot {
    mb_node *node;
    mb_node *record; // NULL unless node is the options map of a named record
} spot;

typedef struct walk {
    mb_context *ctx;
    mb_document *document;
    const char *path;
    size_t n_done; // bytes of path that were found
} walk;

static bool is_null(const mb_node *node) {
    return node->kind == MB_NODE_NULL;
}

static bool has_name(const mb_node *record, const char *name) {
    const mb_node *found = mb_node_find(record, "name");
    const char *text = mb_node_text(found);
    return text != NULL && strcmp(text, name) == 0;
}

// {conv2d: {...}, name: conv0}: the type comes first, its value are the options.
static mb_node *layer_options(const mb_node *record) {
    mb_node *first = record->first;
    const bool is_type = first != NULL && strcmp(first->key, "name") != 0;
    return is_type && (first->kind == MB_NODE_MAP || is_null(first)) ? first : NULL;
}

// The member of a list that a step names; an empty spot when there is none.
static spot find_in_list(const mb_node *list, const char *step, bool is_layers) {
    for (mb_node *record = list->first; record != NULL; record = record->next) {
        if (record->kind == MB_NODE_MAP && has_name(record, step)) {
            mb_node *options = is_layers ? layer_options(record) : NULL;
            return options != NULL ? (spot){options, record} : (spot){record, NULL};
        }
    }
    for (mb_node *record = list->first; record != NULL; record = record->next) {
        if (record->kind == MB_NODE_MAP && record->n_children == 1 &&
            strcmp(record->first->key, step) == 0) {
            return (spot){record->first, NULL};
        }
    }
    const char *end = step + strlen(step);
    uint64_t index = 0;
    if (mb_parse_uint64(step, end, &index) == end && index < list->n_children) {
        mb_node *record = list->first;
        for (uint64_t i = 0; i < index; i++) {
            record = record->next;
        }
        mb_node *options = is_layers && record->kind == MB_NODE_MAP ? layer_options(record) : NULL;
        return options != NULL ? (spot){options, record} : (spot){record, NULL};
    }
    return (spot){NULL, NULL};
}

static bool is_layers_key(const mb_node *node) {
    return node->key != NULL && strcmp(node->key, "layers") == 0;
}

static spot find_step(spot at, const char *step) {
    if (at.node->kind == MB_NODE_LIST) {
        return find_in_list(at.node, step, is_layers_key(at.node));
    }
    mb_node *found = mb_node_find(at.node, step);
    // `from` and `name` stand beside the options of a layer.
    if (found == NULL && at.record != NULL) {
        found = mb_node_find(at.record, step);
    }
    if (found != NULL) {
        return (spot){found, NULL};
    }
    const mb_node *layers = mb_node_find(at.node, "layers");
    if (layers != NULL && layers->kind == MB_NODE_LIST) {
        return find_in_list(layers, step, true);
    }
    return (spot){NULL, NULL};
}

static size_t add_names(const mb_node *node, const char **names, size_t n) {
    for (const mb_node *child = node->first; child != NULL && n < MOST_NAMES; child = child->next) {
        const char *name =
            child->key != NULL ? child->key : mb_node_text(mb_node_find(child, "name"));
        if (name != NULL) {
            names[n++] = name;
        }
    }
    return n;
}

static mb_status fail_step(const walk *in, const mb_node *node, const char *step) {
    const char *names[MOST_NAMES] = {NULL};
    size_t n = add_names(node, names, 0);
    const mb_node *layers = mb_node_find(node, "layers");
    if (layers != NULL) {
        n = add_names(layers, names, n);
    }
    const int n_done = (int)mb_min_size(in->n_done, LONGEST_STEP);
    const char *nearest = mb_nearest_name(step, names, n);
    if (nearest != NULL) {
        return mb_fail(in->ctx, MB_ERR_ARG, "--set %s: '%.*s' has no '%s'; did you mean '%s'?",
            in->path, n_done > 0 ? n_done : 9, n_done > 0 ? in->path : "the study", step, nearest);
    }
    return mb_fail(in->ctx, MB_ERR_ARG, "--set %s: '%.*s' has no '%s'; write a key that is there",
        in->path, n_done > 0 ? n_done : 9, n_done > 0 ? in->path : "the study", step);
}

// The value is no longer where the file says: errors must not point at a line.
static void forget_lines(mb_node *node) {
    node->line = 0;
    node->column = 0;
    for (mb_node *child = node->first; child != NULL; child = child->next) {
        forget_lines(child);
    }
}

// Puts the value into the found node's place: whatever points at the node stays right.
static void replace(mb_node *node, const mb_node *value) {
    const char *key = node->key;
    mb_node *next = node->next;
    *node = *value;
    node->key = key;
    node->next = next;
}

// Takes the next step off the path into step. False when it is empty or too long.
static bool take_step(const char **path, char step[LONGEST_STEP]) {
    const size_t length = strcspn(*path, ".");
    if (length == 0 || length >= LONGEST_STEP) {
        return false;
    }
    memcpy(step, *path, length);
    step[length] = '\0';
    *path += length;
    if (**path == '.') {
        (*path)++;
        return **path != '\0';
    }
    return true;
}

static mb_status set_missing(const walk *in, spot at, const char *step, mb_node *value) {
    if (is_null(at.node)) {
        at.node->kind = MB_NODE_MAP;
    }
    if (at.node->kind != MB_NODE_MAP) {
        return fail_step(in, at.node, step);
    }
    return mb_node_set(in->document, in->ctx, at.node, step, value);
}

// A map that the file leaves out, to be filled: whether there is such a key shows when the options
// are read. What has layers has names of its own making.
static mb_status add_map(const walk *in, spot *at, const char *step) {
    const bool may_have = (at->node->kind == MB_NODE_MAP || is_null(at->node)) &&
                          at->record == NULL && mb_node_find(at->node, "layers") == NULL;
    if (!may_have) {
        return fail_step(in, at->node, step);
    }
    mb_node *map = mb_node_make(in->document, in->ctx, MB_NODE_MAP);
    if (map == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(set_missing(in, *at, step, map));
    *at = (spot){map, NULL};
    return MB_OK;
}

// YAML has another use for these signs at the beginning, but none that one value alone could have:
// *.csv is a text.
static mb_status parse_value(const walk *in, const char *where, const char *value, mb_node **out) {
    if (value[0] == '\0' || strchr("*@%`", value[0]) == NULL) {
        return mb_yaml_parse_node(in->ctx, in->document, where, value, strlen(value), out);
    }
    *out = mb_node_make_text(in->document, in->ctx, value);
    return *out != NULL ? MB_OK : MB_ERR_MEMORY;
}

mb_status mb_yaml_set(mb_context *ctx, mb_document *document, const char *path, const char *value) {
    walk in = {ctx, document, path, 0};
    char step[LONGEST_STEP];
    mb_node *node = NULL;
    char where[LONGEST_STEP];
    mb_format(where, sizeof where, "--set %s", path);
    MB_TRY(parse_value(&in, where, value, &node));
    forget_lines(node);
    spot at = {document->root, NULL};
    const char *rest = path;
    while (at.node != NULL) {
        if (!take_step(&rest, step)) {
            return mb_fail(ctx, MB_ERR_ARG,
                "--set %s: is not a path; write keys with points between them", path);
        }
        const spot found = find_step(at, step);
        const bool is_last = *rest == '\0';
        if (found.node == NULL) {
            if (is_last) {
                return set_missing(&in, at, step, node);
            }
            MB_TRY(add_map(&in, &at, step));
            in.n_done = (size_t)(rest - path) - 1;
            continue;
        }
        if (is_last) {
            replace(found.node, node);
            return MB_OK;
        }
        at = found;
        in.n_done = (size_t)(rest - path) - 1;
    }
    return mb_fail(ctx, MB_ERR_ARG, "--set %s: there is no study to set it in; read one", path);
}
