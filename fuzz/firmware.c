// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "fuzz.h"

#include "exchange/firmware.h"

#include <stdlib.h>

static void check_list(mb_context *ctx, const char *text, size_t length) {
    mb_array array;
    const mb_status status = mb_firmware_parse_list(ctx, "fuzz", text, length, &array);
    if ((status == MB_OK) != (array.data != NULL) ||
        (status != MB_OK && mb_context_error_text(ctx)[0] == '\0')) {
        abort();
    }
    mb_array_clear(&array);
}

// One event, where it is small: a twin that was made must run.
static void run_event(mb_context *ctx, const mb_twin *twin) {
    const size_t n_in = mb_twin_inputs(twin);
    const size_t n_out = mb_twin_outputs(twin);
    if (mb_twin_scratch(twin) > 1 << 20 || n_out > 1 << 16) {
        return;
    }
    float *x = mb_allocate_zeroed(ctx, n_in, sizeof *x);
    float *y = mb_allocate_zeroed(ctx, n_out, sizeof *y);
    const mb_twin_rows rows = {.f32 = x};
    for (size_t i = 0; x != NULL && i < n_in; i++) {
        x[i] = (float)(i % 7) * 1e3F - 2e3F;
    }
    if (x == NULL || y == NULL || mb_twin_predict(ctx, twin, &rows, 1, NULL, y) != MB_OK) {
        abort();
    }
    mb_release(ctx, x);
    mb_release(ctx, y);
}

static void check_types(mb_context *ctx, const char *text, size_t length) {
    mb_twin *twin = NULL;
    const mb_status status = mb_firmware_parse(ctx, "fuzz", text, length, NULL, NULL, 0, &twin);
    if ((status == MB_OK) != (twin != NULL) ||
        (status != MB_OK && mb_context_error_text(ctx)[0] == '\0')) {
        abort();
    }
    if (twin != NULL) {
        run_event(ctx, twin);
    }
    mb_twin_destroy(twin);
}

// A text that begins with # is a weight list, any other is types.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    mb_runtime_settings settings = MB_RUNTIME_SETTINGS_INIT;
    settings.limits.bytes = 1 << 24;
    settings.limits.objects = 10000;
    settings.n_threads = 1;
    mb_runtime *runtime = NULL;
    mb_context *ctx = NULL;
    if (mb_runtime_create(&settings, &runtime) == MB_OK &&
        mb_context_create(runtime, &ctx) == MB_OK) {
        if (size > 0 && data[0] == '#') {
            check_list(ctx, (const char *)data, size);
        } else {
            check_types(ctx, (const char *)data, size);
        }
    }
    mb_context_destroy(ctx);
    mb_runtime_destroy(runtime);
    return 0;
}
