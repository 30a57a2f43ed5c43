// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "training/loss.h"

#include "training/records.h"

const mb_loss_ops *const mb_loss_list[] = {
#define MB_LOSS(name) &mb_loss_##name,
#include "training/losses/loss_list.h"
#undef MB_LOSS
    NULL,
};

static mb_record_names names_of(const mb_loss_ops *ops) {
    return (mb_record_names){ops->name, ops->class_name, ops->alias};
}

// The option that a spelling of the loss sets, and to what; false: the text is none of them.
static bool find_spelling(
    const mb_loss_ops *ops, const char *text, const char **option, const char **value) {
    const mb_loss_spelling *spelling = ops->spellings;
    for (; spelling != NULL && spelling->text != NULL; spelling++) {
        if (strcmp(spelling->text, text) == 0) {
            *option = spelling->option;
            *value = spelling->value;
            return true;
        }
    }
    const size_t length = ops->prefix != NULL ? strlen(ops->prefix) : 0;
    if (length == 0 || strncmp(text, ops->prefix, length) != 0) {
        return false;
    }
    *option = ops->prefix_option;
    *value = text + length;
    return true;
}

static const mb_loss_ops *find(const char *text, const char **option, const char **value) {
    *option = *value = NULL;
    for (size_t i = 0; mb_loss_list[i] != NULL; i++) {
        const mb_record_names names = names_of(mb_loss_list[i]);
        if (mb_record_has_name(&names, text) ||
            find_spelling(mb_loss_list[i], text, option, value)) {
            return mb_loss_list[i];
        }
    }
    return NULL;
}

const mb_loss_ops *mb_loss_find(const char *name) {
    const char *option, *value;
    return find(name, &option, &value);
}

// The options map of a loss whose name says one of them.
static mb_status add_option(mb_context *ctx, mb_document *document, const mb_node **options,
    const char *option, const char *value) {
    mb_node *map = *options != NULL ? mb_node_copy(document, ctx, *options)
                                    : mb_node_make(document, ctx, MB_NODE_MAP);
    mb_node *text = mb_node_make_text(document, ctx, value);
    if (map == NULL || text == NULL) {
        return MB_ERR_MEMORY;
    }
    *options = map;
    return mb_node_find(map, option) != NULL ? MB_OK
                                             : mb_node_set(document, ctx, map, option, text);
}

mb_status mb_loss_read(mb_context *ctx, mb_document *document, const mb_node *node, mb_loss *out) {
    const char *name, *option, *value;
    const mb_node *options;
    MB_TRY(mb_named_options(ctx, document, node, "loss", &name, &options));
    out->ops = find(name, &option, &value);
    if (out->ops == NULL) {
        mb_record_names names[MB_COUNT_OF(mb_loss_list)];
        size_t n = 0;
        for (; mb_loss_list[n] != NULL; n++) {
            names[n] = names_of(mb_loss_list[n]);
        }
        return mb_record_unknown(ctx, document, node, "loss", name, names, n);
    }
    if (option != NULL) {
        MB_TRY(add_option(ctx, document, &options, option, value));
    }
    return mb_record_options(ctx, document, out->ops->options, out->ops->options_size, options,
        out->ops->name, &out->options);
}
