// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "fuzz.h"

#include "files/zip.h"

#include <stdlib.h>

static void read_members(mb_context *ctx, mb_zip *zip) {
    for (size_t i = 0; i < mb_zip_n_members(zip) && i < 64; i++) {
        char *bytes = NULL;
        size_t length = 0;
        if (mb_zip_read(zip, i, &bytes, &length) == MB_OK) {
            if (length != mb_zip_size(zip, i) || bytes[length] != '\0') {
                abort();
            }
        } else if (bytes != NULL || mb_context_error_text(ctx)[0] == '\0') {
            abort();
        }
        mb_release(ctx, bytes);
        mb_context_clear(ctx);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    mb_runtime_settings settings = MB_RUNTIME_SETTINGS_INIT;
    settings.limits.bytes = 1 << 24;
    settings.limits.objects = 10000;
    mb_runtime *runtime = NULL;
    mb_context *ctx = NULL;
    if (mb_runtime_create(&settings, &runtime) == MB_OK &&
        mb_context_create(runtime, &ctx) == MB_OK) {
        mb_zip *zip = NULL;
        if (mb_zip_open_bytes(ctx, "fuzz", data, size, &zip) == MB_OK) {
            read_members(ctx, zip);
        } else if (zip != NULL || mb_context_error_text(ctx)[0] == '\0') {
            abort();
        }
        mb_zip_close(zip);
    }
    mb_context_destroy(ctx);
    mb_runtime_destroy(runtime);
    return 0;
}
