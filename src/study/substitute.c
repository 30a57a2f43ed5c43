// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/study.h"

#include "base/numbers.h"

// Names in reach: the innermost map first.
typedef struct name_scope {
    const mb_node *names; // a map
    const struct name_scope *outer;
} name_scope;

typedef struct place {
    mb_context *ctx;
    mb_document *document;
    uint64_t n_made; // nodes so far: repeats in repeats must end
    unsigned depth;
} place;

static bool is_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static const mb_node *look_up(const name_scope *scope, const char *name, size_t length) {
    for (; scope != NULL; scope = scope->outer) {
        const mb_node *member = scope->names != NULL ? scope->names->first : NULL;
        for (; member != NULL; member = member->next) {
            if (strlen(member->key) == length && memcmp(member->key, name, length) == 0) {
                return member;
            }
        }
    }
    return NULL;
}

static mb_status fail_name(const place *at, const name_scope *scope, const mb_node *node,
    const char *name, size_t length) {
    const char *names[128];
    size_t n = 0;
    for (; scope != NULL; scope = scope->outer) {
        const mb_node *member = scope->names != NULL ? scope->names->first : NULL;
        for (; member != NULL && n < MB_COUNT_OF(names); member = member->next) {
            names[n++] = member->key;
        }
    }
    char wanted[64];
    mb_format(wanted, sizeof wanted, "%.*s", (int)mb_min_size(length, 60), name);
    const char *near = mb_nearest_name(wanted, names, n);
    if (near != NULL) {
        return mb_fail_at(at->ctx, at->document, node,
            "unknown parameter '$%s'; did you mean '$%s'?", wanted, near);
    }
    return mb_fail_at(at->ctx, at->document, node,
        "unknown parameter '$%s'; give it a value under params:", wanted);
}

static void place_as(mb_node *node, const mb_node *written) {
    node->key = written->key;
    node->line = written->line;
    node->column = written->column;
}

// A text with ${name} inside.
static mb_status put_in_text(
    place *at, const name_scope *scope, const mb_node *node, mb_node **out) {
    mb_buffer text;
    mb_buffer_init(&text, at->ctx);
    mb_status status = MB_OK;
    const char *p = node->text;
    while (*p != '\0' && status == MB_OK) {
        const char *start = strstr(p, "${");
        const char *end = start != NULL ? strchr(start, '}') : NULL;
        if (end == NULL) {
            mb_buffer_text(&text, p);
            break;
        }
        mb_buffer_append(&text, p, (size_t)(start - p));
        const size_t length = (size_t)(end - start - 2);
        const mb_node *value = look_up(scope, start + 2, length);
        if (value == NULL) {
            status = fail_name(at, scope, node, start + 2, length);
        } else if (mb_node_text(value) == NULL) {
            status = mb_fail_at(at->ctx, at->document, node,
                "'${%s}' is a list or map; only a single value goes into a text", value->key);
        } else {
            mb_buffer_text(&text, mb_node_text(value));
        }
        p = end + 1;
    }
    status = status != MB_OK ? status : text.status;
    *out = status == MB_OK ? mb_node_make_text(at->document, at->ctx, text.data) : NULL;
    mb_buffer_clear(&text);
    return status != MB_OK ? status : *out == NULL ? MB_ERR_MEMORY : MB_OK;
}

static mb_status put_in(place *at, const name_scope *scope, const mb_node *node, mb_node **out);

static mb_status put_in_scalar(
    place *at, const name_scope *scope, const mb_node *node, mb_node **out) {
    if (node->kind == MB_NODE_TEXT && !node->quoted && node->text[0] == '$' &&
        is_name(node->text[1])) {
        const char *name = node->text + 1;
        size_t length = 0;
        while (is_name(name[length])) {
            length++;
        }
        if (name[length] == '\0') {
            const mb_node *value = look_up(scope, name, length);
            if (value == NULL) {
                return fail_name(at, scope, node, name, length);
            }
            *out = mb_node_copy(at->document, at->ctx, value);
            return *out == NULL ? MB_ERR_MEMORY : MB_OK;
        }
    }
    if (node->kind == MB_NODE_TEXT && strstr(node->text, "${") != NULL) {
        return put_in_text(at, scope, node, out);
    }
    *out = mb_node_copy(at->document, at->ctx, node);
    return *out == NULL ? MB_ERR_MEMORY : MB_OK;
}

// {choose: VALUE, of: {value: node, ...}}
static mb_status put_in_choice(
    place *at, const name_scope *scope, const mb_node *node, mb_node **out) {
    mb_node *value = NULL;
    MB_TRY(put_in(at, scope, mb_node_find(node, "choose"), &value));
    const mb_node *cases = mb_node_find(node, "of");
    const char *text = mb_node_text(value);
    if (node->n_children != 2 || cases == NULL || cases->kind != MB_NODE_MAP || text == NULL) {
        return mb_fail_at(at->ctx, at->document, node,
            "choose: is not understood; write {choose: $name, of: {value: ..., value: ...}}");
    }
    for (const mb_node *member = cases->first; member != NULL; member = member->next) {
        if (strcmp(member->key, text) == 0) {
            return put_in(at, scope, member, out);
        }
    }
    return mb_fail_at(at->ctx, at->document, node,
        "choose: there is no case for '%.60s'; add it under of:", text);
}

typedef struct repeat_options {
    size_t times;
    const mb_node *layers, *each;
} repeat_options;

static const mb_option repeat_table[] = {
    {"times", MB_OPTION_SIZE, offsetof(repeat_options, times), NULL, 0, 10000, NULL, NULL,
        "how often the layers come"},
    {"layers", MB_OPTION_NODE, offsetof(repeat_options, layers), NULL, 0, 0, NULL, NULL,
        "what comes again and again; $index counts from 0"},
    {"each", MB_OPTION_NODE, offsetof(repeat_options, each), "", 0, 0, NULL, NULL,
        "names with a list of values, one a time"},
    MB_OPTIONS_END};

// The names of one turn: index, and of each list of `each:` the value of that turn.
static mb_status make_turn(
    place *at, const mb_node *each, size_t index, size_t times, mb_node **out) {
    mb_node *names = mb_node_make(at->document, at->ctx, MB_NODE_MAP);
    mb_node *number = mb_node_make_int(at->document, at->ctx, (int64_t)index);
    if (names == NULL || number == NULL) {
        return MB_ERR_MEMORY;
    }
    char text[24];
    mb_format(text, sizeof text, "%zu", index);
    number->text = mb_arena_text(&at->document->arena, at->ctx, text);
    MB_TRY(mb_node_set(at->document, at->ctx, names, "index", number));
    for (const mb_node *member = each != NULL ? each->first : NULL; member != NULL;
         member = member->next) {
        if (member->kind != MB_NODE_LIST || member->n_children != times) {
            return mb_fail_at(at->ctx, at->document, member,
                "repeat: each: '%s' has %zu values for %zu times; write one for each time",
                member->key, member->kind == MB_NODE_LIST ? member->n_children : 1, times);
        }
        mb_node *value = mb_node_copy(at->document, at->ctx, mb_node_at(member, index));
        if (value == NULL) {
            return MB_ERR_MEMORY;
        }
        MB_TRY(mb_node_set(at->document, at->ctx, names, member->key, value));
    }
    *out = names;
    return MB_OK;
}

static mb_status put_in_list(place *at, const name_scope *scope, const mb_node *list, mb_node *out);

static mb_status put_in_repeat(
    place *at, const name_scope *outer, const mb_node *node, mb_node *out) {
    mb_node *options = mb_node_make(at->document, at->ctx, MB_NODE_MAP);
    if (options == NULL) {
        return MB_ERR_MEMORY;
    }
    place_as(options, node);
    // The layers keep their $names for the turns.
    for (const mb_node *member = node->first; member != NULL; member = member->next) {
        mb_node *copy = NULL;
        if (strcmp(member->key, "layers") == 0) {
            copy = mb_node_copy(at->document, at->ctx, member);
        } else {
            MB_TRY(put_in(at, outer, member, &copy));
        }
        if (copy == NULL) {
            return MB_ERR_MEMORY;
        }
        place_as(copy, member);
        mb_node_append(options, copy);
    }
    repeat_options record;
    MB_TRY(mb_options_parse(at->ctx, at->document, repeat_table, options, "repeat", NULL, &record));
    if (record.layers->kind != MB_NODE_LIST) {
        return mb_fail_at(at->ctx, at->document, record.layers,
            "repeat: layers is not a list; write layers: [...]");
    }
    for (size_t i = 0; i < record.times; i++) {
        name_scope inner = {NULL, outer};
        mb_node *names = NULL;
        MB_TRY(make_turn(at, record.each, i, record.times, &names));
        inner.names = names;
        MB_TRY(put_in_list(at, &inner, record.layers, out));
    }
    return MB_OK;
}

static mb_status put_in_list(
    place *at, const name_scope *scope, const mb_node *list, mb_node *out) {
    for (const mb_node *child = list->first; child != NULL; child = child->next) {
        if (child->kind == MB_NODE_MAP && child->n_children == 1 &&
            strcmp(child->first->key, "repeat") == 0 && child->first->kind == MB_NODE_MAP) {
            MB_TRY(put_in_repeat(at, scope, child->first, out));
            continue;
        }
        mb_node *copy = NULL;
        MB_TRY(put_in(at, scope, child, &copy));
        copy->key = NULL;
        mb_node_append(out, copy);
    }
    return MB_OK;
}

static mb_status put_in_map(place *at, const name_scope *scope, const mb_node *map, mb_node *out) {
    for (const mb_node *member = map->first; member != NULL; member = member->next) {
        mb_node *copy = NULL;
        MB_TRY(put_in(at, scope, member, &copy));
        copy->key = member->key;
        mb_node_append(out, copy);
    }
    return MB_OK;
}

static mb_status put_in(place *at, const name_scope *scope, const mb_node *node, mb_node **out) {
    *out = NULL;
    const mb_limits *limits = mb_context_limits(at->ctx);
    if (++at->n_made > limits->objects || at->depth > limits->depth) {
        return mb_fail_at(at->ctx, at->document, node,
            "the study grows beyond what is allowed; use smaller repeats");
    }
    at->depth++;
    mb_status status = MB_OK;
    if (mb_node_is_scalar(node)) {
        status = put_in_scalar(at, scope, node, out);
    } else if (node->kind == MB_NODE_MAP && mb_node_find(node, "choose") != NULL) {
        status = put_in_choice(at, scope, node, out);
    } else {
        *out = mb_node_make(at->document, at->ctx, node->kind);
        status = *out == NULL                 ? MB_ERR_MEMORY
                 : node->kind == MB_NODE_LIST ? put_in_list(at, scope, node, *out)
                                              : put_in_map(at, scope, node, *out);
    }
    at->depth--;
    if (status == MB_OK) {
        place_as(*out, node);
        (*out)->next = NULL;
    }
    return status;
}

mb_status mb_study_substitute(
    mb_context *ctx, mb_document *document, mb_node *params, const mb_node *node, mb_node **out) {
    place at = {.ctx = ctx, .document = document};
    const name_scope names = {params, NULL};
    return put_in(&at, &names, node, out);
}
