// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "training/losses/module.h"

const char *const mb_module_arrange_names[] = {"8x8", "8x8_ae", "4x4x3", "6x6x3", "6x6x3_tp", NULL};

mb_status mb_module_arrangement(
    mb_context *ctx, const char *loss, int index, size_t n, const mb_arrangement **out) {
    const char *name = mb_module_arrange_names[index];
    MB_TRY(mb_arrangement_get(ctx, name, out));
    if ((*out)->n_pixels != n) {
        return mb_fail(ctx, MB_ERR_SHAPE,
            "train.loss: %s of arrangement %s judges images of %zu pixels, the model's output has "
            "%zu numbers; write the arrangement of the model, {%s: {arrange: ...}}",
            loss, name, (*out)->n_pixels, n, loss);
    }
    return MB_OK;
}

void mb_module_spread(const mb_arrangement *arrangement, const float *cells, float *gradient) {
    memset(gradient, 0, arrangement->n_pixels * sizeof *gradient);
    for (size_t i = 0; i < MB_HEX48_CELLS; i++) {
        gradient[arrangement->pixel[i]] = cells[i];
    }
}
