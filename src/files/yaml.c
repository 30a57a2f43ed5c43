// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/yaml.h"

#include "base/numbers.h"
#include "base/output.h"
#include "base/runtime.h"

#include <stdlib.h>
#include <yaml.h>

// Aliases are for people who repeat a block a few times; a file of a few hundred bytes must not
// become gigabytes of nodes.
enum { MOST_ALIAS_NODES = 100000, MOST_ANCHORS = 1024 };

typedef struct anchor {
    const char *name;
    const mb_node *node; // NULL while its own value is still being read
} anchor;

typedef struct reader {
    mb_context *ctx;
    mb_document *document;
    const char *name;
    const char *text; // the input, to find lines of bytes that are not UTF-8
    yaml_parser_t parser;
    anchor *anchors;
    size_t n_anchors, capacity;
    uint64_t n_nodes, n_alias_nodes;
} reader;

static mb_status fail_here(
    reader *in, mb_status status, const yaml_mark_t *mark, const char *format, ...) MB_PRINTF(4, 5);

static mb_status fail_here(
    reader *in, mb_status status, const yaml_mark_t *mark, const char *format, ...) {
    char text[MB_ERROR_TEXT_SIZE];
    va_list list;
    va_start(list, format);
    mb_format_list(text, sizeof text, format, list);
    va_end(list);
    return mb_fail(
        in->ctx, status, "%s:%zu:%zu: %s", in->name, mark->line + 1, mark->column + 1, text);
}

static mb_status fail_syntax(reader *in) {
    yaml_parser_t *parser = &in->parser;
    const char *problem = parser->problem != NULL ? parser->problem : "cannot be read";
    if (parser->error == YAML_MEMORY_ERROR) {
        return mb_fail(in->ctx, MB_ERR_MEMORY, "%s: memory ran out; free some", in->name);
    }
    yaml_mark_t mark = parser->problem_mark;
    if (parser->error == YAML_READER_ERROR) {
        memset(&mark, 0, sizeof mark);
        for (size_t i = 0; i < parser->problem_offset; i++) {
            mark.column = in->text[i] == '\n' ? 0 : mark.column + 1;
            mark.line += in->text[i] == '\n';
        }
        return fail_here(in, MB_ERR_FORMAT, &mark, "%s; save the file as UTF-8 text", problem);
    }
    const bool has_context = parser->context != NULL;
    if (has_context && strcmp(parser->context, "while scanning an alias") == 0) {
        return fail_here(in, MB_ERR_FORMAT, &parser->context_mark,
            "a text cannot begin with *; quote it, as in '*.csv'");
    }
    if (strstr(problem, "cannot start any token") != NULL) {
        return fail_here(in, MB_ERR_FORMAT, &mark,
            "a text cannot begin with this character; quote it, and indent with spaces");
    }
    return fail_here(in, MB_ERR_FORMAT, &mark,
        "%s%s%s; check the indentation, quotes and brackets here and above",
        has_context ? parser->context : "", has_context ? ": " : "", problem);
}

static mb_status next_event(reader *in, yaml_event_t *event) {
    return yaml_parser_parse(&in->parser, event) ? MB_OK : fail_syntax(in);
}

static mb_status check_depth(reader *in, uint32_t depth, const yaml_mark_t *mark) {
    const uint32_t most = mb_context_limits(in->ctx)->depth;
    if (depth <= most) {
        return MB_OK;
    }
    return fail_here(
        in, MB_ERR_LIMIT, mark, "is nested deeper than %u levels; make it flatter", most);
}

static mb_status count_node(reader *in, const yaml_mark_t *mark) {
    const uint64_t most = mb_context_limits(in->ctx)->objects;
    if (++in->n_nodes <= most) {
        return MB_OK;
    }
    return fail_here(in, MB_ERR_LIMIT, mark, "has more than %llu values; split the file",
        (unsigned long long)most);
}

static mb_status make_node(reader *in, mb_node_kind kind, const yaml_mark_t *mark, mb_node **out) {
    MB_TRY(count_node(in, mark));
    *out = mb_node_make(in->document, in->ctx, kind);
    if (*out == NULL) {
        return MB_ERR_MEMORY;
    }
    (*out)->line = (int)mark->line + 1;
    (*out)->column = (int)mark->column + 1;
    return MB_OK;
}

// A slot for the anchor's value, which is filled once that is complete. *slot stays SIZE_MAX
// without an anchor.
static mb_status open_anchor(
    reader *in, const yaml_char_t *name, const yaml_mark_t *mark, size_t *slot) {
    *slot = SIZE_MAX;
    if (name == NULL) {
        return MB_OK;
    }
    if (in->n_anchors >= MOST_ANCHORS) {
        return fail_here(
            in, MB_ERR_LIMIT, mark, "has more than %d anchors; use fewer", MOST_ANCHORS);
    }
    MB_TRY(mb_grow(in->ctx, &in->anchors, &in->capacity, in->n_anchors + 1, sizeof *in->anchors));
    const char *copy = mb_arena_text(&in->document->arena, in->ctx, (const char *)name);
    if (copy == NULL) {
        return MB_ERR_MEMORY;
    }
    *slot = in->n_anchors;
    in->anchors[in->n_anchors++] = (anchor){copy, NULL};
    return MB_OK;
}

static void close_anchor(reader *in, size_t slot, const mb_node *node) {
    if (slot != SIZE_MAX) {
        in->anchors[slot].node = node;
    }
}

// Texts are shared, not copied: they live in the same document.
static mb_status clone(
    reader *in, const mb_node *node, uint32_t depth, const yaml_mark_t *mark, mb_node **out) {
    MB_TRY(check_depth(in, depth, mark));
    MB_TRY(count_node(in, mark));
    if (++in->n_alias_nodes > MOST_ALIAS_NODES) {
        return fail_here(in, MB_ERR_LIMIT, mark,
            "aliases expand to more than %d values; write fewer of them", MOST_ALIAS_NODES);
    }
    mb_node *copy = mb_node_make(in->document, in->ctx, node->kind);
    if (copy == NULL) {
        return MB_ERR_MEMORY;
    }
    *copy = *node;
    copy->first = copy->last = copy->next = NULL;
    copy->n_children = 0;
    for (const mb_node *child = node->first; child != NULL; child = child->next) {
        mb_node *child_copy = NULL;
        MB_TRY(clone(in, child, depth + 1, mark, &child_copy));
        mb_node_append(copy, child_copy);
    }
    *out = copy;
    return MB_OK;
}

static mb_status read_alias(reader *in, const yaml_event_t *event, uint32_t depth, mb_node **out) {
    const char *name = (const char *)event->data.alias.anchor;
    const yaml_mark_t *mark = &event->start_mark;
    // The newest one counts: YAML lets a name be used again.
    for (size_t i = in->n_anchors; i > 0; i--) {
        const anchor *found = &in->anchors[i - 1];
        if (strcmp(found->name, name) != 0) {
            continue;
        }
        if (found->node == NULL) {
            return fail_here(in, MB_ERR_FORMAT, mark,
                "alias '*%s' stands inside its own anchor; write the value out", name);
        }
        MB_TRY(clone(in, found->node, depth, mark, out));
        (*out)->key = NULL;
        (*out)->line = (int)mark->line + 1;
        (*out)->column = (int)mark->column + 1;
        return MB_OK;
    }
    return fail_here(in, MB_ERR_FORMAT, mark,
        "alias '*%s' has no anchor '&%s' above it; define it first, or quote a text that "
        "begins with *",
        name, name);
}

static mb_status check_tag(reader *in, const yaml_char_t *tag, const yaml_mark_t *mark) {
    if (tag == NULL) {
        return MB_OK;
    }
    return fail_here(in, MB_ERR_UNSUPPORTED, mark,
        "tag '%.60s' is not allowed; remove it, or quote a text that begins with !",
        (const char *)tag);
}

static mb_status check_zero_bytes(
    reader *in, const yaml_char_t *text, size_t length, const yaml_mark_t *mark) {
    if (strlen((const char *)text) == length) {
        return MB_OK;
    }
    return fail_here(in, MB_ERR_FORMAT, mark, "a text has a zero byte in it; remove it");
}

static mb_status read_scalar(reader *in, const yaml_event_t *event, mb_node **out) {
    const yaml_mark_t *mark = &event->start_mark;
    const yaml_char_t *text = event->data.scalar.value;
    MB_TRY(check_tag(in, event->data.scalar.tag, mark));
    MB_TRY(check_zero_bytes(in, text, event->data.scalar.length, mark));
    MB_TRY(count_node(in, mark));
    size_t slot = SIZE_MAX;
    MB_TRY(open_anchor(in, event->data.scalar.anchor, mark, &slot));
    const bool is_quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    mb_node *node = mb_node_make_scalar(in->document, in->ctx, (const char *)text, is_quoted);
    if (node == NULL) {
        return mb_fail_within(in->ctx, "%s:%zu:%zu", in->name, mark->line + 1, mark->column + 1);
    }
    node->line = (int)mark->line + 1;
    node->column = (int)mark->column + 1;
    close_anchor(in, slot, node);
    *out = node;
    return MB_OK;
}

static mb_status read_value(reader *in, const yaml_event_t *event, uint32_t depth, mb_node **out);

static mb_status read_list(reader *in, const yaml_event_t *event, uint32_t depth, mb_node **out) {
    const yaml_mark_t *mark = &event->start_mark;
    size_t slot = SIZE_MAX;
    mb_node *list = NULL;
    MB_TRY(check_tag(in, event->data.sequence_start.tag, mark));
    MB_TRY(open_anchor(in, event->data.sequence_start.anchor, mark, &slot));
    MB_TRY(make_node(in, MB_NODE_LIST, mark, &list));
    for (;;) {
        yaml_event_t item;
        MB_TRY(next_event(in, &item));
        if (item.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&item);
            break;
        }
        mb_node *child = NULL;
        const mb_status status = read_value(in, &item, depth + 1, &child);
        yaml_event_delete(&item);
        MB_TRY(status);
        mb_node_append(list, child);
    }
    close_anchor(in, slot, list);
    *out = list;
    return MB_OK;
}

// Copies the members of a map, or of each map of a list, to the end of another map: that they come
// from may have an anchor, and is then needed as it was. What is below them is shared.
static mb_status merge(reader *in, mb_node *map, const mb_node *from, const yaml_mark_t *mark) {
    if (from->kind == MB_NODE_LIST) {
        for (const mb_node *part = from->first; part != NULL; part = part->next) {
            if (part->kind != MB_NODE_MAP) {
                return fail_here(in, MB_ERR_FORMAT, mark,
                    "'<<' takes a map or a list of maps; write << : *anchor");
            }
            MB_TRY(merge(in, map, part, mark));
        }
        return MB_OK;
    }
    if (from->kind != MB_NODE_MAP) {
        return fail_here(
            in, MB_ERR_FORMAT, mark, "'<<' takes a map or a list of maps; write << : *anchor");
    }
    for (const mb_node *member = from->first; member != NULL; member = member->next) {
        MB_TRY(count_node(in, mark));
        mb_node *copy = mb_node_make(in->document, in->ctx, member->kind);
        if (copy == NULL) {
            return MB_ERR_MEMORY;
        }
        *copy = *member;
        mb_node_append(map, copy);
    }
    return MB_OK;
}

typedef struct member_at {
    mb_node *node;
    size_t index;
} member_at;

static int compare_members(const void *a, const void *b) {
    const member_at *x = a;
    const member_at *y = b;
    const int order = strcmp(x->node->key, y->node->key);
    return order != 0 ? order : (x->index > y->index) - (x->index < y->index);
}

// Of equal keys the first stays, if the later ones came by a merge; else the file is wrong. Sorted,
// because a search for each key would take a hostile file's square.
static mb_status settle_map(reader *in, mb_node *map, size_t n_own) {
    const size_t n = map->n_children;
    if (n < 2) {
        return MB_OK;
    }
    member_at *members = mb_allocate(in->ctx, n, sizeof *members);
    if (members == NULL) {
        return MB_ERR_MEMORY;
    }
    size_t n_members = 0;
    for (mb_node *child = map->first; child != NULL; child = child->next) {
        members[n_members] = (member_at){child, n_members};
        n_members++;
    }
    qsort(members, n, sizeof *members, compare_members);
    mb_status status = MB_OK;
    const mb_node *kept = members[0].node;
    for (size_t i = 1; i < n && status == MB_OK; i++) {
        mb_node *node = members[i].node;
        if (strcmp(kept->key, node->key) != 0) {
            kept = node;
        } else if (members[i].index < n_own) {
            status = mb_fail(in->ctx, MB_ERR_FORMAT,
                "%s:%d:%d: key '%.60s' repeats line %d; keep one of them", in->name, node->line,
                node->column, node->key, kept->line);
        } else {
            node->key = NULL;
        }
    }
    mb_release(in->ctx, members);
    mb_node *child = map->first;
    map->first = map->last = NULL;
    map->n_children = 0;
    while (child != NULL) {
        mb_node *next = child->next;
        if (child->key != NULL) {
            mb_node_append(map, child);
        }
        child = next;
    }
    return status;
}

static mb_status read_key(reader *in, const yaml_event_t *event, const char **out) {
    const yaml_mark_t *mark = &event->start_mark;
    if (event->type != YAML_SCALAR_EVENT) {
        return fail_here(in, MB_ERR_UNSUPPORTED, mark,
            "a key is not a word; write `key: value` with a word before the colon");
    }
    const yaml_char_t *text = event->data.scalar.value;
    MB_TRY(check_tag(in, event->data.scalar.tag, mark));
    MB_TRY(check_zero_bytes(in, text, event->data.scalar.length, mark));
    if (event->data.scalar.anchor != NULL) {
        return fail_here(in, MB_ERR_UNSUPPORTED, mark, "a key has an anchor; put it on the value");
    }
    if (event->data.scalar.length == 0) {
        return fail_here(in, MB_ERR_FORMAT, mark, "a key is empty; write a word before the colon");
    }
    *out = mb_arena_text(&in->document->arena, in->ctx, (const char *)text);
    return *out != NULL ? MB_OK : MB_ERR_MEMORY;
}

// One `key: value`; merges are set aside in their own list.
static mb_status read_member(
    reader *in, const yaml_event_t *key_event, uint32_t depth, mb_node *map, mb_node *merges) {
    const yaml_mark_t *mark = &key_event->start_mark;
    const char *key = NULL;
    MB_TRY(read_key(in, key_event, &key));
    const bool is_merge =
        key_event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && strcmp(key, "<<") == 0;
    yaml_event_t event;
    MB_TRY(next_event(in, &event));
    mb_node *value = NULL;
    const mb_status status = read_value(in, &event, depth + 1, &value);
    yaml_event_delete(&event);
    MB_TRY(status);
    if (!is_merge) {
        value->key = key;
    }
    value->line = (int)mark->line + 1;
    value->column = (int)mark->column + 1;
    mb_node_append(is_merge ? merges : map, value);
    return MB_OK;
}

static mb_status read_map(reader *in, const yaml_event_t *event, uint32_t depth, mb_node **out) {
    const yaml_mark_t *mark = &event->start_mark;
    size_t slot = SIZE_MAX;
    mb_node *map = NULL;
    mb_node merges = {.kind = MB_NODE_LIST};
    MB_TRY(check_tag(in, event->data.mapping_start.tag, mark));
    MB_TRY(open_anchor(in, event->data.mapping_start.anchor, mark, &slot));
    MB_TRY(make_node(in, MB_NODE_MAP, mark, &map));
    for (;;) {
        yaml_event_t key;
        MB_TRY(next_event(in, &key));
        if (key.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&key);
            break;
        }
        const mb_status status = read_member(in, &key, depth, map, &merges);
        yaml_event_delete(&key);
        MB_TRY(status);
    }
    const size_t n_own = map->n_children;
    for (const mb_node *from = merges.first; from != NULL; from = from->next) {
        MB_TRY(merge(in, map, from, mark));
    }
    MB_TRY(settle_map(in, map, n_own));
    close_anchor(in, slot, map);
    *out = map;
    return MB_OK;
}

static mb_status read_value(reader *in, const yaml_event_t *event, uint32_t depth, mb_node **out) {
    MB_TRY(check_depth(in, depth, &event->start_mark));
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return read_alias(in, event, depth, out);
    case YAML_SCALAR_EVENT:
        return read_scalar(in, event, out);
    case YAML_SEQUENCE_START_EVENT:
        return read_list(in, event, depth, out);
    case YAML_MAPPING_START_EVENT:
        return read_map(in, event, depth, out);
    default:
        return fail_here(in, MB_ERR_INTERNAL, &event->start_mark,
            "the YAML parser gave an event that cannot stand here; report this");
    }
}

// Stream start, then documents of which only one may be there.
static mb_status read_stream(reader *in, mb_node **root) {
    mb_status status = MB_OK;
    bool is_done = false;
    while (status == MB_OK && !is_done) {
        yaml_event_t event;
        MB_TRY(next_event(in, &event));
        switch (event.type) {
        case YAML_STREAM_END_EVENT:
            is_done = true;
            break;
        case YAML_STREAM_START_EVENT:
        case YAML_DOCUMENT_END_EVENT:
            break;
        case YAML_DOCUMENT_START_EVENT:
            if (*root != NULL) {
                status = fail_here(in, MB_ERR_UNSUPPORTED, &event.start_mark,
                    "a second document begins; keep one in a file");
            }
            break;
        default:
            status = read_value(in, &event, 1, root);
            break;
        }
        yaml_event_delete(&event);
    }
    return status;
}

mb_status mb_yaml_parse_node(mb_context *ctx, mb_document *document, const char *name,
    const char *text, size_t length, mb_node **out) {
    reader in = {.ctx = ctx, .document = document, .name = name, .text = text};
    *out = NULL;
    if (!yaml_parser_initialize(&in.parser)) {
        return mb_fail(ctx, MB_ERR_MEMORY, "%s: memory ran out; free some", name);
    }
    // Some editors begin a file with a byte order mark; with a set encoding it would be text.
    static const char mark[] = "\xEF\xBB\xBF";
    if (length >= 3 && memcmp(text, mark, 3) == 0) {
        text += 3;
        length -= 3;
        in.text = text;
    }
    yaml_parser_set_encoding(&in.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&in.parser, (const unsigned char *)text, length);
    mb_node *root = NULL;
    mb_status status = read_stream(&in, &root);
    if (status == MB_OK && root == NULL) {
        root = mb_node_make(document, ctx, MB_NODE_NULL);
        status = root != NULL ? MB_OK : MB_ERR_MEMORY;
    }
    yaml_parser_delete(&in.parser);
    mb_release(ctx, in.anchors);
    *out = status == MB_OK ? root : NULL;
    return status;
}

mb_status mb_yaml_parse(
    mb_context *ctx, const char *name, const char *text, size_t length, mb_document *out) {
    mb_document_init(out, ctx, name);
    mb_status status = out->name != NULL ? MB_OK : MB_ERR_MEMORY;
    if (status == MB_OK) {
        status = mb_yaml_parse_node(ctx, out, name, text, length, &out->root);
    }
    if (status != MB_OK) {
        mb_document_clear(out);
    }
    return status;
}

mb_status mb_yaml_read(mb_context *ctx, const char *path, mb_document *out) {
    memset(out, 0, sizeof *out);
    char *text = NULL;
    size_t length = 0;
    MB_TRY(mb_read_file(ctx, path, &text, &length));
    const mb_status status = mb_yaml_parse(ctx, path, text, length, out);
    mb_release(ctx, text);
    return status;
}
