// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "training/records.h"

enum { MOST_NAMES = 64 };

bool mb_record_has_name(const mb_record_names *names, const char *text) {
    return strcmp(names->name, text) == 0 ||
           (names->class_name != NULL && strcmp(names->class_name, text) == 0) ||
           (names->alias != NULL && strcmp(names->alias, text) == 0);
}

mb_status mb_record_unknown(mb_context *ctx, const mb_document *document, const mb_node *node,
    const char *what, const char *text, const mb_record_names *names, size_t n) {
    const char *all[MOST_NAMES] = {NULL};
    size_t count = 0;
    mb_buffer offered;
    mb_buffer_init(&offered, ctx);
    for (size_t i = 0; i < n && count + 3 <= MOST_NAMES; i++) {
        const char *const spellings[] = {names[i].name, names[i].class_name, names[i].alias};
        for (size_t k = 0; k < MB_COUNT_OF(spellings); k++) {
            if (spellings[k] != NULL) {
                all[count++] = spellings[k];
            }
        }
        mb_buffer_format(&offered, "%s%s", i > 0 ? ", " : "", names[i].name);
    }
    const char *nearest = mb_nearest_name(text, all, count);
    mb_status status;
    if (nearest != NULL) {
        status = mb_fail_at(ctx, document, node, "%s: unknown name '%.60s'; did you mean '%s'?",
            what, text, nearest);
    } else {
        status = mb_fail_at(ctx, document, node, "%s: unknown name '%.60s'; write one of %s", what,
            text, offered.data != NULL ? offered.data : "those in the help");
    }
    mb_buffer_clear(&offered);
    return status;
}

mb_status mb_record_options(mb_context *ctx, mb_document *document, const mb_option *table,
    size_t size, const mb_node *map, const char *what, const void **out) {
    // A record without options still has an address.
    void *record = mb_arena_allocate(&document->arena, ctx, 1, mb_max_size(size, 1));
    if (record == NULL) {
        return MB_ERR_MEMORY;
    }
    *out = record;
    return mb_options_parse(ctx, document, table, map, what, NULL, record);
}

mb_node *mb_record_to_node(mb_context *ctx, mb_document *document, const char *name,
    const mb_option *table, const void *options) {
    if (table[0].name == NULL) {
        return mb_node_make_text(document, ctx, name);
    }
    mb_node *map = mb_node_make(document, ctx, MB_NODE_MAP);
    mb_node *values = mb_options_to_node(ctx, document, table, options, true);
    if (map == NULL || values == NULL || mb_node_set(document, ctx, map, name, values) != MB_OK) {
        return NULL;
    }
    return map;
}
