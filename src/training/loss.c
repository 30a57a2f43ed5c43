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

const mb_loss_ops *mb_loss_find(const char *name) {
    for (size_t i = 0; mb_loss_list[i] != NULL; i++) {
        const mb_record_names names = names_of(mb_loss_list[i]);
        if (mb_record_has_name(&names, name)) {
            return mb_loss_list[i];
        }
    }
    return NULL;
}

mb_status mb_loss_read(mb_context *ctx, mb_document *document, const mb_node *node, mb_loss *out) {
    const char *name;
    const mb_node *options;
    MB_TRY(mb_named_options(ctx, document, node, "loss", &name, &options));
    out->ops = mb_loss_find(name);
    if (out->ops == NULL) {
        mb_record_names names[MB_COUNT_OF(mb_loss_list)];
        size_t n = 0;
        for (; mb_loss_list[n] != NULL; n++) {
            names[n] = names_of(mb_loss_list[n]);
        }
        return mb_record_unknown(ctx, document, node, "loss", name, names, n);
    }
    return mb_record_options(ctx, document, out->ops->options, out->ops->options_size, options,
        out->ops->name, &out->options);
}
