// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/options.h"

#include "base/numbers.h"
#include "base/options_field.h"
#include "base/runtime.h"
#include "base/words.h"

#include <math.h>

// A record with more options and ignored keys than this gets no suggestion for the rest.
enum { MOST_NAMES = 256 };

// Whole numbers beyond this are not exact in a double.
static const double largest_whole = 9007199254740992.0;

// Where a value stands, for errors.
typedef struct place {
    mb_context *ctx;
    mb_document *document;
    const mb_option *option;
    const mb_node *node;
    const char *what;
} place;

static const char *kind_name(const mb_node *node) {
    switch (node->kind) {
    case MB_NODE_NULL:
        return "nothing";
    case MB_NODE_BOOL:
        return "true or false";
    case MB_NODE_INT:
    case MB_NODE_REAL:
        return "a number";
    case MB_NODE_TEXT:
        return "a text";
    case MB_NODE_LIST:
        return "a list";
    case MB_NODE_MAP:
        return "a map";
    }
    return "something else";
}

static mb_status fail_type(const place *at, const mb_node *node, const char *wanted) {
    const char *text = mb_node_text(node);
    if (text != NULL && node->kind != MB_NODE_NULL) {
        return mb_fail_at(at->ctx, at->document, at->node,
            "%s: %s is '%.60s', which is not %s; write %s", at->what, at->option->name, text,
            wanted, wanted);
    }
    return mb_fail_at(at->ctx, at->document, at->node, "%s: %s is %s; write %s", at->what,
        at->option->name, kind_name(node), wanted);
}

static mb_status check_range(const place *at, double value) {
    const mb_option *option = at->option;
    const bool is_limited =
        option->least < 0 || option->least > 0 || option->most < 0 || option->most > 0;
    if (!is_limited || (value >= option->least && value <= option->most)) {
        return MB_OK;
    }
    char least[40];
    char most[40];
    mb_format(least, sizeof least, "%.10g", option->least);
    mb_format(most, sizeof most, "%.10g", option->most);
    if (isinf(option->most)) {
        return mb_fail_at(at->ctx, at->document, at->node,
            "%s: %s is %.10g; write a number of at least %s", at->what, option->name, value, least);
    }
    return mb_fail_at(at->ctx, at->document, at->node,
        "%s: %s is %.10g; write a number from %s to %s", at->what, option->name, value, least,
        most);
}

static mb_status read_real(const place *at, const mb_node *node, double *out) {
    if (node->kind != MB_NODE_INT && node->kind != MB_NODE_REAL) {
        return fail_type(at, node, "a number");
    }
    *out = node->real;
    return check_range(at, node->real);
}

// 1e3 counts as whole: people write it for event counts.
static mb_status read_int(const place *at, const mb_node *node, int64_t *out) {
    if (node->kind == MB_NODE_INT) {
        *out = node->integer;
    } else if (node->kind == MB_NODE_REAL && fabs(node->real) <= largest_whole &&
               floor(node->real) == node->real) {
        *out = (int64_t)node->real;
    } else {
        return fail_type(at, node, "a whole number");
    }
    return check_range(at, (double)*out);
}

static mb_status read_size(const place *at, const mb_node *node, size_t *out) {
    int64_t value = 0;
    MB_TRY(read_int(at, node, &value));
    if (value < 0) {
        return fail_type(at, node, "a whole number of at least 0");
    }
    *out = (size_t)value;
    return MB_OK;
}

static mb_status read_choice(const place *at, const mb_node *node, int *out) {
    const char *const *choices = at->option->choices;
    const char *text = mb_node_text(node);
    if (text == NULL) {
        return fail_type(at, node, "one of the names offered");
    }
    size_t n = 0;
    for (; choices[n] != NULL; n++) {
        if (strcmp(choices[n], text) == 0) {
            *out = (int)n;
            return MB_OK;
        }
    }
    const char *nearest = mb_nearest_name(text, choices, n);
    if (nearest != NULL) {
        return mb_fail_at(at->ctx, at->document, at->node,
            "%s: unknown %s '%.60s'; did you mean '%s'?", at->what, at->option->name, text,
            nearest);
    }
    char offered[512];
    mb_text_list(offered, sizeof offered, choices, n);
    return mb_fail_at(at->ctx, at->document, at->node, "%s: unknown %s '%.60s'; write one of %s",
        at->what, at->option->name, text, offered);
}

static mb_status read_text(const place *at, const mb_node *node, const char **out) {
    const char *text = mb_node_text(node);
    if (text == NULL) {
        return fail_type(at, node, "a text");
    }
    *out = mb_arena_text(&at->document->arena, at->ctx, text);
    return *out != NULL ? MB_OK : MB_ERR_MEMORY;
}

static mb_status check_length(const place *at, const mb_node *list) {
    if (list->n_children <= MB_OPTION_MAX_LIST) {
        return MB_OK;
    }
    return mb_fail_at(at->ctx, at->document, at->node, "%s: %s has %zu entries; write at most %d",
        at->what, at->option->name, list->n_children, MB_OPTION_MAX_LIST);
}

static mb_status read_sizes(const place *at, const mb_node *node, mb_sizes *out) {
    memset(out, 0, sizeof *out);
    if (node->kind != MB_NODE_LIST) {
        out->n = 1;
        return read_size(at, node, &out->value[0]);
    }
    MB_TRY(check_length(at, node));
    for (const mb_node *child = node->first; child != NULL; child = child->next) {
        MB_TRY(read_size(at, child, &out->value[out->n]));
        out->n++;
    }
    return MB_OK;
}

static mb_status read_reals(const place *at, const mb_node *node, mb_reals *out) {
    memset(out, 0, sizeof *out);
    if (node->kind != MB_NODE_LIST) {
        out->n = 1;
        return read_real(at, node, &out->value[0]);
    }
    MB_TRY(check_length(at, node));
    for (const mb_node *child = node->first; child != NULL; child = child->next) {
        MB_TRY(read_real(at, child, &out->value[out->n]));
        out->n++;
    }
    return MB_OK;
}

static mb_status read_texts(const place *at, const mb_node *node, mb_texts *out) {
    const bool is_list = node->kind == MB_NODE_LIST;
    const size_t n = is_list ? node->n_children : 1;
    memset(out, 0, sizeof *out);
    out->value =
        mb_arena_allocate(&at->document->arena, at->ctx, mb_max_size(n, 1), sizeof *out->value);
    if (out->value == NULL) {
        return MB_ERR_MEMORY;
    }
    for (const mb_node *child = is_list ? node->first : node; out->n < n; child = child->next) {
        MB_TRY(read_text(at, child, &out->value[out->n]));
        out->n++;
    }
    return MB_OK;
}

// Everything below a node that an option's owner reads itself counts as read.
static mb_status store(const place *at, const mb_node *node, void *field) {
    switch (at->option->type) {
    case MB_OPTION_BOOL:
        if (node->kind != MB_NODE_BOOL) {
            return fail_type(at, node, "true or false");
        }
        *(bool *)field = node->boolean;
        return MB_OK;
    case MB_OPTION_INT:
        return read_int(at, node, field);
    case MB_OPTION_SIZE:
        return read_size(at, node, field);
    case MB_OPTION_REAL:
        return read_real(at, node, field);
    case MB_OPTION_TEXT:
        return read_text(at, node, field);
    case MB_OPTION_CHOICE:
        return read_choice(at, node, field);
    case MB_OPTION_SIZES:
        return read_sizes(at, node, field);
    case MB_OPTION_REALS:
        return read_reals(at, node, field);
    case MB_OPTION_TEXTS:
        return read_texts(at, node, field);
    case MB_OPTION_NODE:
        *(const mb_node **)field = node;
        return MB_OK;
    }
    return mb_fail(at->ctx, MB_ERR_INTERNAL, "%s: option %s has no known type; report this",
        at->what, at->option->name);
}

static void store_nothing(const mb_option *option, void *field) {
    static const size_t sizes[] = {[MB_OPTION_BOOL] = sizeof(bool),
        [MB_OPTION_INT] = sizeof(int64_t),
        [MB_OPTION_SIZE] = sizeof(size_t),
        [MB_OPTION_REAL] = sizeof(double),
        [MB_OPTION_TEXT] = sizeof(const char *),
        [MB_OPTION_CHOICE] = sizeof(int),
        [MB_OPTION_SIZES] = sizeof(mb_sizes),
        [MB_OPTION_REALS] = sizeof(mb_reals),
        [MB_OPTION_TEXTS] = sizeof(mb_texts),
        [MB_OPTION_NODE] = sizeof(const mb_node *)};
    memset(field, 0, sizes[option->type]);
}

// A default is one scalar or one list of scalars, "[3, 3]".
static mb_node *default_node(mb_context *ctx, mb_document *document, const mb_option *option) {
    const char *text = option->default_text;
    const bool is_text = option->type == MB_OPTION_TEXT || option->type == MB_OPTION_CHOICE;
    if (is_text || text[0] != '[') {
        return mb_node_make_scalar(document, ctx, text, is_text);
    }
    mb_node *list = mb_node_make(document, ctx, MB_NODE_LIST);
    const char *p = text + 1;
    while (list != NULL && *p != '\0' && *p != ']') {
        p += strspn(p, " ,");
        const size_t length = strcspn(p, " ,]");
        if (length == 0) {
            continue;
        }
        const char *entry = mb_arena_text_of(&document->arena, ctx, p, length);
        mb_node *child = entry == NULL ? NULL : mb_node_make_scalar(document, ctx, entry, false);
        if (child == NULL) {
            return NULL;
        }
        mb_node_append(list, child);
        p += length;
    }
    return list;
}

mb_status mb_option_store_default(
    mb_context *ctx, mb_document *document, const mb_option *option, void *field) {
    store_nothing(option, field);
    if (option->default_text == NULL || option->default_text[0] == '\0') {
        return MB_OK;
    }
    const mb_node *node = default_node(ctx, document, option);
    if (node == NULL) {
        return mb_context_status(ctx);
    }
    const place at = {ctx, document, option, NULL, "default"};
    return store(&at, node, field);
}

mb_status mb_options_default(
    mb_context *ctx, mb_document *document, const mb_option *options, void *record) {
    for (const mb_option *option = options; option->name != NULL; option++) {
        MB_TRY(mb_option_store_default(ctx, document, option, (char *)record + option->offset));
    }
    return MB_OK;
}

static bool has_name(const mb_option *option, const char *key) {
    return strcmp(option->name, key) == 0 ||
           (option->alias != NULL && strcmp(option->alias, key) == 0);
}

static const mb_option *find_option(const mb_option *options, const char *key) {
    for (const mb_option *option = options; option->name != NULL; option++) {
        if (has_name(option, key)) {
            return option;
        }
    }
    return NULL;
}

static mb_status fail_unknown(mb_context *ctx, const mb_document *document,
    const mb_option *options, const char *const *ignored, const mb_node *member, const char *what) {
    const char *names[MOST_NAMES] = {NULL};
    size_t n = 0;
    for (const mb_option *option = options; option->name != NULL && n < MOST_NAMES; option++) {
        names[n++] = option->name;
    }
    for (size_t i = 0; ignored != NULL && ignored[i] != NULL && n < MOST_NAMES; i++) {
        names[n++] = ignored[i];
    }
    const size_t n_shown = n;
    for (const mb_option *option = options; option->name != NULL && n < MOST_NAMES; option++) {
        if (option->alias != NULL) {
            names[n++] = option->alias;
        }
    }
    const char *nearest = mb_nearest_name(member->key, names, n);
    if (nearest != NULL) {
        return mb_fail_at(ctx, document, member, "%s: unknown key '%.60s'; did you mean '%s'?",
            what, member->key, nearest);
    }
    if (n_shown == 0) {
        return mb_fail_at(ctx, document, member,
            "%s: unknown key '%.60s'; it takes no options, remove it", what, member->key);
    }
    char offered[512];
    mb_text_list(offered, sizeof offered, names, n_shown);
    return mb_fail_at(ctx, document, member, "%s: unknown key '%.60s'; write one of %s", what,
        member->key, offered);
}

static mb_status check_repeats(mb_context *ctx, const mb_document *document, const mb_node *map,
    const mb_option *option, const mb_node *member, const char *what) {
    for (const mb_node *earlier = map->first; earlier != member; earlier = earlier->next) {
        if (has_name(option, earlier->key)) {
            return mb_fail_at(ctx, document, member,
                "%s: '%s' repeats '%s' of line %d; keep one of them", what, member->key,
                earlier->key, earlier->line);
        }
    }
    return MB_OK;
}

static mb_status check_required(mb_context *ctx, const mb_document *document,
    const mb_option *options, const mb_node *map, const char *what) {
    for (const mb_option *option = options; option->name != NULL; option++) {
        bool is_there = option->default_text != NULL;
        const mb_node *member = map != NULL ? map->first : NULL;
        for (; member != NULL && !is_there; member = member->next) {
            is_there = has_name(option, member->key) && member->kind != MB_NODE_NULL;
        }
        if (!is_there) {
            return mb_fail_at(ctx, document, map, "%s: '%s' is missing; add it (%s)", what,
                option->name, option->help != NULL ? option->help : "required");
        }
    }
    return MB_OK;
}

// An option that may be empty may be written as null.
static bool may_be_null(const mb_option *option) {
    return option->default_text == NULL || option->default_text[0] == '\0';
}

mb_status mb_options_parse(mb_context *ctx, mb_document *document, const mb_option *options,
    const mb_node *map, const char *what, const char *const *ignored, void *record) {
    MB_TRY(mb_options_default(ctx, document, options, record));
    if (map != NULL && map->kind == MB_NODE_NULL) {
        map = NULL;
    }
    if (map != NULL && map->kind != MB_NODE_MAP) {
        return mb_fail_at(
            ctx, document, map, "%s: is %s; write a map of options", what, kind_name(map));
    }
    for (mb_node *member = map != NULL ? map->first : NULL; member != NULL; member = member->next) {
        const mb_option *option = find_option(options, member->key);
        if (option == NULL) {
            if (ignored != NULL && mb_is_one_of(member->key, ignored)) {
                continue;
            }
            return fail_unknown(ctx, document, options, ignored, member, what);
        }
        MB_TRY(check_repeats(ctx, document, map, option, member, what));
        member->used = true;
        void *field = (char *)record + option->offset;
        if (member->kind == MB_NODE_NULL && may_be_null(option)) {
            store_nothing(option, field);
            continue;
        }
        const place at = {ctx, document, option, member, what};
        MB_TRY(store(&at, member, field));
    }
    return check_required(ctx, document, options, map, what);
}

mb_status mb_named_options(mb_context *ctx, const mb_document *document, const mb_node *node,
    const char *what, const char **name, const mb_node **options) {
    *name = NULL;
    *options = NULL;
    if (node != NULL && node->kind == MB_NODE_TEXT) {
        *name = node->text;
        return MB_OK;
    }
    if (node == NULL || node->kind != MB_NODE_MAP || node->n_children != 1) {
        return mb_fail_at(ctx, document, node,
            "%s: is neither a name nor one name with its options; write %s as NAME or "
            "{NAME: {option: value}}",
            what, what);
    }
    node->first->used = true;
    *name = node->first->key;
    *options = node->first->kind == MB_NODE_NULL ? NULL : node->first;
    return MB_OK;
}
