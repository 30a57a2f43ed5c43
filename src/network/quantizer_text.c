// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// Quantisers as people and QKeras write them. A text becomes the map that it stands for, so that
// all spellings are read in one place.

#include "network/quantizer.h"

#include "base/numbers.h"
#include "base/options_field.h"
#include "base/runtime.h"

// Longer texts are no quantiser.
enum { MOST_TEXT = 1024, MOST_NAMES = 64 };

typedef struct reading {
    mb_context *ctx;
    mb_document *document;
    const mb_node *node; // for the line of errors
    const char *what;
} reading;

static const mb_quantizer_ops *find_ops(const char *name, size_t length) {
    for (size_t i = 0; mb_quantizer_list[i] != NULL; i++) {
        const char *known = mb_quantizer_list[i]->name;
        if (strlen(known) == length && memcmp(known, name, length) == 0) {
            return mb_quantizer_list[i];
        }
    }
    return NULL;
}

static size_t name_length(const char *text) {
    return strcspn(text, "( \t");
}

bool mb_quantizer_is_text(const char *text) {
    return text != NULL && find_ops(text, name_length(text)) != NULL;
}

static mb_status fail_unknown(const reading *r, const char *name) {
    const char *names[MOST_NAMES];
    size_t n = 0;
    for (size_t i = 0; mb_quantizer_list[i] != NULL && n < MOST_NAMES; i++) {
        if (mb_quantizer_list[i]->refused == NULL) {
            names[n++] = mb_quantizer_list[i]->name;
        }
    }
    char list[512];
    const char *near = mb_nearest_name(name, names, n);
    mb_text_list(list, sizeof list, names, n);
    return near != NULL
               ? mb_fail_at(r->ctx, r->document, r->node,
                     "%s: unknown quantiser '%.60s'; did you mean '%s'?", r->what, name, near)
               : mb_fail_at(r->ctx, r->document, r->node,
                     "%s: unknown quantiser '%.60s'; write one of %s", r->what, name, list);
}

static mb_status fail_text(const reading *r, const char *text, const char *why) {
    return mb_fail_at(r->ctx, r->document, r->node,
        "%s: '%.80s': %s; write it as quantized_bits(8,1,1,alpha=1)", r->what, text, why);
}

static const char *skip_blanks(const char *at) {
    return at + strspn(at, " \t");
}

// One argument's value: True, None, a number, or a text in quotes. Up to a comma or the end.
static mb_status read_value(const reading *r, const char *text, const char **at, mb_node **out) {
    char value[MOST_TEXT];
    const char quote = **at == '\'' || **at == '"' ? **at : '\0';
    const char *begin = quote != '\0' ? *at + 1 : *at;
    const char ends[] = {quote, '\0'};
    size_t n = quote != '\0' ? strcspn(begin, ends) : strcspn(begin, ",)");
    *at = begin + n;
    if (quote != '\0' && **at != quote) {
        return fail_text(r, text, "a quote is not closed");
    }
    *at = skip_blanks(*at + (quote != '\0' ? 1 : 0));
    while (quote == '\0' && n > 0 && (begin[n - 1] == ' ' || begin[n - 1] == '\t')) {
        n--;
    }
    if (n == 0 || n >= sizeof value) {
        return fail_text(r, text, "an argument is empty");
    }
    memcpy(value, begin, n);
    value[n] = '\0';
    const bool is_none = quote == '\0' && strcmp(value, "None") == 0;
    *out = is_none ? mb_node_make(r->document, r->ctx, MB_NODE_NULL)
                   : mb_node_make_scalar(r->document, r->ctx, value, quote != '\0');
    return *out != NULL ? MB_OK : mb_fail_within(r->ctx, "%s", r->what);
}

// The name before "=", or that of the place; NULL in *key when there is no such place.
static mb_status read_key(const reading *r, const char *text, const mb_quantizer_ops *ops,
    size_t place, const char **at, const char **key) {
    const size_t length = strcspn(*at, "=,()'\" \t");
    const char *after = skip_blanks(*at + length);
    if (*after == '=') {
        char *name = mb_arena_allocate(&r->document->arena, r->ctx, length + 1, 1);
        if (name == NULL) {
            return MB_ERR_MEMORY;
        }
        memcpy(name, *at, length);
        *at = skip_blanks(after + 1);
        *key = name;
        return MB_OK;
    }
    if (place >= ops->n_positional) {
        return fail_text(r, text,
            "more arguments than it has places for, or one without its name "
            "behind one with it");
    }
    *key = ops->options[place].name;
    return MB_OK;
}

static mb_status read_arguments(
    const reading *r, const char *text, const mb_quantizer_ops *ops, const char *at, mb_node *map) {
    size_t place = 0;
    at = skip_blanks(at);
    while (*at != ')') {
        const char *key = NULL;
        const char *before = at;
        mb_node *value = NULL;
        MB_TRY(read_key(r, text, ops, place, &at, &key));
        place = at == before ? place + 1 : ops->n_positional;
        if (mb_node_find(map, key) != NULL) {
            return fail_text(r, text, "an argument comes twice");
        }
        MB_TRY(read_value(r, text, &at, &value));
        MB_TRY(mb_node_set(r->document, r->ctx, map, key, value));
        value->line = r->node != NULL ? r->node->line : 0;
        if (*at == ',') {
            at = skip_blanks(at + 1);
        } else if (*at != ')') {
            return fail_text(r, text, "a comma or the closing bracket is missing");
        }
    }
    at = skip_blanks(at + 1);
    return *at == '\0' ? MB_OK : fail_text(r, text, "something follows the closing bracket");
}

static mb_status read_text(
    const reading *r, const char *text, const mb_quantizer_ops **ops, mb_node **map) {
    const size_t length = name_length(text);
    char name[64];
    if (strlen(text) >= MOST_TEXT) {
        return fail_text(r, text, "is too long");
    }
    mb_format(name, sizeof name, "%.*s", (int)mb_min_size(length, sizeof name - 1), text);
    *ops = find_ops(text, length);
    if (*ops == NULL) {
        return fail_unknown(r, name);
    }
    *map = mb_node_make(r->document, r->ctx, MB_NODE_MAP);
    if (*map == NULL) {
        return MB_ERR_MEMORY;
    }
    (*map)->line = r->node != NULL ? r->node->line : 0;
    const char *at = skip_blanks(text + length);
    if (*at == '\0' || (*ops)->refused != NULL) {
        return MB_OK;
    }
    return *at == '(' ? read_arguments(r, text, *ops, at + 1, *map)
                      : fail_text(r, text, "an opening bracket is missing");
}

// Keras's {class_name, config}, or {name: {options}}.
static mb_status read_map(
    const reading *r, const mb_node *node, const mb_quantizer_ops **ops, mb_node **map) {
    const mb_node *class_name = mb_node_find(node, "class_name");
    const char *name = mb_node_text(class_name);
    const mb_node *options = mb_node_find(node, "config");
    if (class_name == NULL) {
        MB_TRY(mb_named_options(r->ctx, r->document, node, r->what, &name, &options));
    }
    *ops = name != NULL ? find_ops(name, strlen(name)) : NULL;
    if (*ops == NULL) {
        return fail_unknown(r, name != NULL ? name : "(an object)");
    }
    if (options != NULL && options->kind != MB_NODE_MAP && options->kind != MB_NODE_NULL) {
        return mb_fail_at(r->ctx, r->document, r->node,
            "%s: the options of %s are no map; write {bits: 8}", r->what, name);
    }
    *map = options != NULL && options->kind == MB_NODE_MAP
               ? mb_node_copy(r->document, r->ctx, options)
               : mb_node_make(r->document, r->ctx, MB_NODE_MAP);
    if (*map == NULL) {
        return MB_ERR_MEMORY;
    }
    (*map)->key = NULL;
    return MB_OK;
}

// QKeras takes 1 for True and null for a default, and writes what changes nothing here.
static mb_status adapt(const reading *r, const mb_quantizer_ops *ops, mb_node *map) {
    static const char *const settled[] = {"var_name", "use_variables"};
    // QKeras's quantized_hswish writes keep_negative and does not read it.
    const mb_node *keep = mb_node_find(map, "keep_negative");
    if (ops == &mb_quantizer_quantized_hswish && keep != NULL && keep->boolean) {
        mb_node_remove(map, "keep_negative");
    }
    for (size_t i = 0; i < MB_COUNT_OF(settled); i++) {
        mb_node *node = mb_node_find(map, settled[i]);
        if (node != NULL &&
            (node->kind == MB_NODE_NULL || (node->kind == MB_NODE_BOOL && !node->boolean))) {
            mb_node_remove(map, settled[i]);
        }
    }
    mb_node *next = NULL;
    for (mb_node *node = map->first; node != NULL; node = next) {
        next = node->next;
        const mb_option *option = ops->options;
        while (option->name != NULL && strcmp(option->name, node->key) != 0) {
            option++;
        }
        if (node->kind == MB_NODE_NULL && option->name != NULL) {
            mb_node_remove(map, node->key);
            continue;
        }
        const bool is_number = node->kind == MB_NODE_INT || node->kind == MB_NODE_REAL;
        const bool is_flag = is_number && (node->real == 0 || node->real == 1);
        mb_node *changed = NULL;
        if (option->name != NULL && option->type == MB_OPTION_BOOL && is_flag) {
            changed = mb_node_make_bool(r->document, r->ctx, node->real == 1);
        } else if (option->name != NULL && option->type == MB_OPTION_SIZE &&
                   node->kind == MB_NODE_BOOL) {
            changed = mb_node_make_int(r->document, r->ctx, node->boolean ? 1 : 0);
        } else {
            continue;
        }
        if (changed == NULL) {
            return MB_ERR_MEMORY;
        }
        changed->line = node->line;
        MB_TRY(mb_node_set(r->document, r->ctx, map, option->name, changed));
    }
    return MB_OK;
}

mb_status mb_quantizer_read(mb_context *ctx, mb_document *document, const mb_node *node,
    mb_quantizer_use use, const char *what, mb_quantizer *out) {
    const reading r = {ctx, document, node, what};
    *out = (mb_quantizer){NULL, NULL};
    if (node == NULL || node->kind == MB_NODE_NULL) {
        return MB_OK;
    }
    const mb_quantizer_ops *ops = NULL;
    mb_node *map = NULL;
    const char *text = mb_node_is_scalar(node) ? mb_node_text(node) : NULL;
    if (text != NULL && (strcmp(text, "null") == 0 || strcmp(text, "none") == 0)) {
        return MB_OK;
    }
    MB_TRY(text != NULL ? read_text(&r, text, &ops, &map) : read_map(&r, node, &ops, &map));
    if (ops->refused != NULL) {
        mb_fail_at(ctx, document, node, "%s: quantiser %s is not offered: %s", what, ops->name,
            ops->refused);
        return MB_ERR_UNSUPPORTED;
    }
    void *options = mb_arena_allocate(&document->arena, ctx, 1, ops->options_size);
    if (options == NULL) {
        return MB_ERR_MEMORY;
    }
    char place[160];
    mb_format(place, sizeof place, "%s: %s", what, ops->name);
    MB_TRY(adapt(&r, ops, map));
    MB_TRY(mb_options_parse(ctx, document, ops->options, map, place, NULL, options));
    const mb_status status = ops->check(ctx, document, use, options);
    if (status != MB_OK) {
        const char *where = document->name != NULL ? document->name : "quantiser";
        return node->line > 0 ? mb_fail_within(ctx, "%s:%d: %s", where, node->line, place)
                              : mb_fail_within(ctx, "%s: %s", where, place);
    }
    *out = (mb_quantizer){ops, options};
    return MB_OK;
}

static void write_value(mb_buffer *out, const mb_option *option, const mb_node *value) {
    if (value->kind == MB_NODE_BOOL) {
        mb_buffer_format(out, "%d", value->boolean ? 1 : 0);
    } else if (value->kind == MB_NODE_TEXT && option->type != MB_OPTION_SIZE) {
        mb_buffer_format(out, "'%s'", value->text);
    } else if (value->kind == MB_NODE_INT) {
        mb_buffer_format(out, "%lld", (long long)value->integer);
    } else if (value->kind == MB_NODE_REAL) {
        mb_node bare = *value;
        bare.key = NULL;
        bare.next = NULL;
        mb_node_write_json(out, &bare, -1);
    } else {
        mb_buffer_format(out, "None");
    }
}

mb_status mb_quantizer_text(mb_context *ctx, const mb_quantizer *quantizer, mb_buffer *out) {
    if (quantizer->ops == NULL) {
        mb_buffer_format(out, "none");
        return out->status;
    }
    mb_document document;
    mb_document_init(&document, ctx, "quantiser");
    const mb_quantizer_ops *ops = quantizer->ops;
    const mb_node *all = mb_options_to_node(ctx, &document, ops->options, quantizer->options, true);
    const mb_node *unusual =
        mb_options_to_node(ctx, &document, ops->options, quantizer->options, false);
    mb_status status = all != NULL && unusual != NULL ? MB_OK : MB_ERR_MEMORY;
    // As people write it: bits and what is set behind them; the rest by name.
    size_t n_plain = 1;
    for (size_t i = 0; i < 3 && i < ops->n_positional && status == MB_OK; i++) {
        const bool is_simple = ops->options[i].type != MB_OPTION_NODE;
        n_plain =
            is_simple && mb_node_find(unusual, ops->options[i].name) != NULL ? i + 1 : n_plain;
        if (!is_simple) {
            break;
        }
    }
    n_plain = ops->options[0].type == MB_OPTION_SIZE ? n_plain : 0;
    mb_buffer_format(out, "%s(", ops->name);
    const char *comma = "";
    for (size_t i = 0; status == MB_OK && ops->options[i].name != NULL; i++) {
        const mb_option *option = &ops->options[i];
        const mb_node *value = mb_node_find(i < n_plain ? all : unusual, option->name);
        if (value != NULL && (i < n_plain || value->kind != MB_NODE_NULL)) {
            mb_buffer_format(out, i < n_plain ? "%s" : "%s%s=", comma, option->name);
            write_value(out, option, value);
            comma = ",";
        }
    }
    mb_buffer_format(out, ")");
    mb_document_clear(&document);
    return status != MB_OK ? status : out->status;
}

mb_node *mb_quantizer_config(
    mb_context *ctx, mb_document *document, const mb_quantizer *quantizer) {
    // QKeras's get_config leaves these out; it reads them, so that they are written where they
    // matter.
    static const char *const unwritten[] = {"scale_axis", "use_ste", "is_quantized_clip"};
    // Its arithmetic takes these as numbers.
    static const char *const counted[] = {"symmetric", "use_sigmoid"};
    const mb_quantizer_ops *ops = quantizer->ops;
    mb_node *config = mb_options_to_node(ctx, document, ops->options, quantizer->options, true);
    const mb_node *unusual =
        mb_options_to_node(ctx, document, ops->options, quantizer->options, false);
    if (config == NULL || unusual == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < MB_COUNT_OF(unwritten); i++) {
        if (mb_node_find(unusual, unwritten[i]) == NULL) {
            mb_node_remove(config, unwritten[i]);
        }
    }
    for (size_t i = 0; i < MB_COUNT_OF(counted); i++) {
        const mb_node *flag = mb_node_find(config, counted[i]);
        if (flag != NULL &&
            (mb_node_set(document, ctx, config, counted[i],
                 mb_node_make_int(document, ctx, flag->boolean ? 1 : 0)) != MB_OK)) {
            return NULL;
        }
    }
    for (const mb_option *option = ops->options; config != NULL && option->name != NULL; option++) {
        const bool is_null_left_out = option->type == MB_OPTION_NODE &&
                                      mb_node_find(config, option->name) == NULL &&
                                      strcmp(option->name, "scale_axis") != 0;
        if (is_null_left_out) {
            mb_node *nothing = mb_node_make(document, ctx, MB_NODE_NULL);
            if (nothing == NULL ||
                mb_node_set(document, ctx, config, option->name, nothing) != MB_OK) {
                return NULL;
            }
        }
    }
    return config;
}
