// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef FUZZ_KERAS_H
#define FUZZ_KERAS_H

#include "fuzz.h"

#include "exchange/keras.h"

#include <stdlib.h>

typedef mb_status (*fuzz_keras_load)(
    mb_context *ctx, const char *name, const void *bytes, size_t length, mb_model **out);

// Whatever the bytes are: a model, or no model and a text that says why.
static inline void fuzz_keras(fuzz_keras_load load, const uint8_t *data, size_t size) {
    mb_runtime_settings settings = MB_RUNTIME_SETTINGS_INIT;
    settings.limits.bytes = 1 << 24;
    settings.limits.objects = 10000;
    settings.n_threads = 1;
    mb_runtime *runtime = NULL;
    mb_context *ctx = NULL;
    if (mb_runtime_create(&settings, &runtime) == MB_OK &&
        mb_context_create(runtime, &ctx) == MB_OK) {
        mb_model *model = NULL;
        const mb_status status = load(ctx, "fuzz", data, size, &model);
        if ((status == MB_OK) != (model != NULL) ||
            (status != MB_OK && mb_context_error_text(ctx)[0] == '\0')) {
            abort();
        }
        mb_model_destroy(model);
    }
    mb_context_destroy(ctx);
    mb_runtime_destroy(runtime);
}

#endif
