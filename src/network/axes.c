// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/layer.h"

mb_status mb_model_add_axis(
    mb_context *ctx, mb_model *model, const char *name, unsigned joins, unsigned *axis) {
    for (unsigned i = 0; i < model->n_axes; i++) {
        if (strcmp(model->axes[i].name, name) != 0) {
            continue;
        }
        *axis = i;
        return model->axes[i].joins == joins
                   ? MB_OK
                   : mb_fail(ctx, MB_ERR_FORMAT,
                         "axis %s joins rows of %s here and of %s elsewhere; use one", name,
                         model->axes[joins].name, model->axes[model->axes[i].joins].name);
    }
    if (model->n_axes == MB_MOST_AXES) {
        return mb_fail(ctx, MB_ERR_LIMIT,
            "model %s: has more than %d axes; use fewer kinds of edges", model->name, MB_MOST_AXES);
    }
    const char *own_name = mb_arena_text(&model->document.arena, ctx, name);
    if (own_name == NULL) {
        return MB_ERR_MEMORY;
    }
    *axis = (unsigned)model->n_axes;
    model->axes[model->n_axes++] = (mb_model_axis){own_name, joins};
    return MB_OK;
}

mb_status mb_model_check_axes(mb_context *ctx, const mb_model *model, const mb_layer *layer,
    const mb_value_type *inputs, size_t n_inputs) {
    for (size_t i = 1; i < n_inputs && !layer->ops->moves_axes; i++) {
        if (inputs[i].axis != inputs[0].axis) {
            return mb_fail(ctx, MB_ERR_SHAPE,
                "%s takes rows of one axis, but its inputs are of %s and %s; bring them together "
                "with gather or weighted_sum",
                layer->ops->name, model->axes[inputs[0].axis].name,
                model->axes[inputs[i].axis].name);
        }
    }
    return MB_OK;
}
