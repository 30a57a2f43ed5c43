// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "fuzz.h"

#include "files/hdf5.h"

#include <stdlib.h>

// Attributes that Keras's files have, and those of the corpus.
static const char *const names[] = {"model_config", "layer_names", "weight_names", "a", "b"};

static void read_attributes(mb_context *ctx, mb_h5_file *file, const char *path) {
    for (size_t i = 0; i < MB_COUNT_OF(names); i++) {
        mb_names texts;
        mb_array array;
        char *text = NULL;
        (void)(mb_h5_attribute_texts(file, path, names[i], &texts) == MB_OK);
        (void)(mb_h5_attribute_text(file, path, names[i], &text) == MB_OK);
        (void)(mb_h5_attribute_array(file, path, names[i], &array) == MB_OK);
        mb_names_clear(&texts);
        mb_release(ctx, text);
        mb_array_clear(&array);
        mb_context_clear(ctx);
    }
}

static void read_object(mb_context *ctx, mb_h5_file *file, const char *path, int depth) {
    read_attributes(ctx, file, path);
    if (!mb_h5_is_group(file, path)) {
        mb_array array;
        if (mb_h5_read(file, path, &array) != MB_OK &&
            (array.data != NULL || mb_context_error_text(ctx)[0] == '\0')) {
            abort();
        }
        mb_array_clear(&array);
        mb_context_clear(ctx);
        return;
    }
    if (depth == 4) {
        return;
    }
    mb_names members;
    const mb_status status = mb_h5_list(file, path, &members);
    for (size_t i = 0; status == MB_OK && i < members.n && i < 16; i++) {
        mb_buffer full;
        mb_buffer_init(&full, ctx);
        mb_buffer_format(&full, "%s/%s", depth == 0 ? "" : path, members.name[i]);
        read_object(ctx, file, full.data, depth + 1);
        mb_buffer_clear(&full);
    }
    mb_names_clear(&members);
    mb_context_clear(ctx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    mb_runtime_settings settings = MB_RUNTIME_SETTINGS_INIT;
    settings.limits.bytes = 1 << 24;
    settings.limits.objects = 10000;
    settings.n_threads = 1;
    mb_runtime *runtime = NULL;
    mb_context *ctx = NULL;
    if (mb_runtime_create(&settings, &runtime) == MB_OK &&
        mb_context_create(runtime, &ctx) == MB_OK) {
        mb_h5_file *file = NULL;
        if (mb_h5_open_bytes(ctx, "fuzz", data, size, &file) == MB_OK) {
            read_object(ctx, file, "/", 0);
        } else if (file != NULL || mb_context_error_text(ctx)[0] == '\0') {
            abort();
        }
        mb_h5_close(file);
    }
    mb_context_destroy(ctx);
    mb_runtime_destroy(runtime);
    return 0;
}
