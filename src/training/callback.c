// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "training/callback.h"

#include "base/numbers.h"
#include "training/records.h"

#include <math.h>

const mb_callback_ops *const mb_callback_list[] = {
#define MB_CALLBACK(name) &mb_callback_##name,
#include "training/callbacks/callback_list.h"
#undef MB_CALLBACK
    NULL,
};

const char *const mb_mode_names[] = {"auto", "min", "max", NULL};

static mb_record_names names_of(const mb_callback_ops *ops) {
    return (mb_record_names){ops->name, ops->class_name, NULL};
}

static const mb_callback_ops *find_callback(const char *name) {
    for (size_t i = 0; mb_callback_list[i] != NULL; i++) {
        const mb_record_names names = names_of(mb_callback_list[i]);
        if (mb_record_has_name(&names, name)) {
            return mb_callback_list[i];
        }
    }
    return NULL;
}

static mb_status read_one(
    mb_context *ctx, mb_document *document, const mb_node *node, mb_callback_choice *out) {
    const char *name;
    const mb_node *options;
    MB_TRY(mb_named_options(ctx, document, node, "callbacks", &name, &options));
    out->ops = find_callback(name);
    if (out->ops == NULL) {
        mb_record_names names[MB_COUNT_OF(mb_callback_list)];
        size_t n = 0;
        for (; mb_callback_list[n] != NULL; n++) {
            names[n] = names_of(mb_callback_list[n]);
        }
        return mb_record_unknown(ctx, document, node, "callbacks", name, names, n);
    }
    MB_TRY(mb_record_options(ctx, document, out->ops->options, out->ops->options_size, options,
        out->ops->name, &out->options));
    return out->ops->check != NULL ? out->ops->check(ctx, document, node, out->options) : MB_OK;
}

mb_status mb_callbacks_read(mb_context *ctx, mb_document *document, const mb_node *list,
    mb_callback_choice *out, size_t *n) {
    *n = 0;
    if (list == NULL || list->kind == MB_NODE_NULL) {
        return MB_OK;
    }
    if (list->kind != MB_NODE_LIST) {
        return mb_fail_at(
            ctx, document, list, "callbacks: is not a list; write [early_stopping: {...}, ...]");
    }
    if (list->n_children > MB_MOST_CALLBACKS) {
        return mb_fail_at(ctx, document, list, "callbacks: %zu entries; write at most %d",
            list->n_children, MB_MOST_CALLBACKS);
    }
    for (const mb_node *node = list->first; node != NULL; node = node->next) {
        MB_TRY(read_one(ctx, document, node, &out[*n]));
        (*n)++;
    }
    return MB_OK;
}

mb_status mb_callback_init(
    mb_callback *callback, mb_context *ctx, const mb_callback_choice *choice, size_t n_parameters) {
    *callback = (mb_callback){.choice = *choice};
    if (choice->ops->keeps_best != NULL && choice->ops->keeps_best(choice->options)) {
        callback->best = mb_allocate_zeroed(ctx, n_parameters, sizeof(float));
        if (callback->best == NULL) {
            return MB_ERR_MEMORY;
        }
    }
    choice->ops->begin(callback);
    return MB_OK;
}

void mb_callback_clear(mb_callback *callback, mb_runtime *runtime) {
    mb_runtime_release(runtime, callback->best);
    *callback = (mb_callback){.best = NULL};
}

mb_status mb_callback_save(const mb_callback *callback, mb_context *ctx, size_t i,
    size_t n_parameters, mb_bundle *bundle) {
    char name[64];
    mb_format(name, sizeof name, "callback%zu/state", i);
    MB_TRY(mb_bundle_put_doubles(bundle, ctx, name, callback->state, MB_CALLBACK_MOST_STATE));
    mb_format(name, sizeof name, "callback%zu/name", i);
    MB_TRY(mb_bundle_put_text(bundle, ctx, name, callback->choice.ops->name));
    if (callback->has_best) {
        mb_format(name, sizeof name, "callback%zu/best", i);
        MB_TRY(mb_bundle_put_floats(bundle, ctx, name, callback->best, n_parameters));
    }
    return MB_OK;
}

mb_status mb_callback_restore(mb_callback *callback, mb_context *ctx, size_t i, size_t n_parameters,
    const mb_bundle *bundle) {
    char name[64];
    mb_format(name, sizeof name, "callback%zu/name", i);
    const char *kind = mb_bundle_text(bundle, name);
    if (kind == NULL || strcmp(kind, callback->choice.ops->name) != 0) {
        return mb_fail(ctx, MB_ERR_FORMAT,
            "checkpoint: callback %zu is '%s', the study has '%s'; start afresh", i,
            kind != NULL ? kind : "none", callback->choice.ops->name);
    }
    mb_format(name, sizeof name, "callback%zu/state", i);
    MB_TRY(mb_bundle_get_doubles(bundle, ctx, name, callback->state, MB_CALLBACK_MOST_STATE));
    mb_format(name, sizeof name, "callback%zu/best", i);
    callback->has_best = mb_bundle_array(bundle, name) != NULL;
    if (!callback->has_best) {
        return MB_OK;
    }
    if (callback->best == NULL) {
        return mb_fail(ctx, MB_ERR_FORMAT,
            "checkpoint: '%s' is not wanted by the study's callback; start afresh", name);
    }
    return mb_bundle_get_floats(bundle, ctx, name, callback->best, n_parameters);
}

mb_status mb_monitor_find(mb_context *ctx, const mb_callback_site *site, const char *where,
    const char *monitor, size_t *index) {
    for (size_t i = 0; i < site->n_figures; i++) {
        if (strcmp(site->names[i], monitor) == 0) {
            *index = i;
            return MB_OK;
        }
    }
    mb_buffer offered;
    mb_buffer_init(&offered, ctx);
    for (size_t i = 0; i < site->n_figures; i++) {
        mb_buffer_format(&offered, "%s%s", i > 0 ? ", " : "", site->names[i]);
    }
    const char *nearest = mb_nearest_name(monitor, site->names, site->n_figures);
    const mb_status status = mb_fail(ctx, MB_ERR_FORMAT,
        "train.callbacks: %s monitors '%s', which this training does not have; write '%s' (there "
        "are %s)",
        where, monitor, nearest != NULL ? nearest : site->names[0],
        offered.data != NULL ? offered.data : "others");
    mb_buffer_clear(&offered);
    return status;
}

bool mb_monitor_improves(const mb_callback_site *site, size_t index, int mode, double min_delta,
    double value, double reference) {
    const bool is_up =
        mode == MB_MODE_MAX || (mode == MB_MODE_AUTO && site->is_better_higher[index]);
    return is_up ? value - fabs(min_delta) > reference : value + fabs(min_delta) < reference;
}
