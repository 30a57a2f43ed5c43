// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#define _XOPEN_SOURCE 700 // P_tmpdir
#include "fuzz.h"

#include "detector/calo/file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

// A region file, read with every rule for bad values.

enum { MOST_EVENTS = 64, N = MB_CALO_N_REGIONS };

static void check_events(const float *regions, const int64_t *event, size_t n, size_t n_events) {
    for (size_t k = 0; k < n; k++) {
        if (event[k] < 0 || (size_t)event[k] >= n_events) {
            abort();
        }
        for (size_t i = 0; i < N; i++) {
            const float et = regions[k * N + i];
            if (!(et >= 0 && et <= MB_CALO_MAX_ET) || floorf(et) < et) {
                abort();
            }
        }
    }
}

static void read_file(mb_context *ctx, const char *path) {
    static float regions[MOST_EVENTS * N];
    static int64_t event[MOST_EVENTS];
    for (int on_bad = MB_CALO_ON_BAD_ERROR; on_bad <= MB_CALO_ON_BAD_CLIP; on_bad++) {
        mb_calo_file file;
        mb_calo_tally tally = {0};
        size_t n = 0;
        mb_status status = mb_calo_file_open(ctx, path, &file);
        if (status == MB_OK) {
            status = mb_calo_file_read(ctx, &file, on_bad, MOST_EVENTS, regions, event, &n, &tally);
        }
        if (status == MB_OK) {
            check_events(regions, event, n, file.n_events);
        } else if (mb_context_error_text(ctx)[0] == '\0') {
            abort();
        }
        mb_calo_file_clear(&file, ctx);
        mb_context_clear(ctx);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char path[] = P_tmpdir "/fuzz-regions-XXXXXX";
    mb_runtime_settings settings = MB_RUNTIME_SETTINGS_INIT;
    settings.limits.bytes = 1 << 24;
    settings.limits.objects = 10000;
    settings.n_threads = 1;
    mb_runtime *runtime = NULL;
    mb_context *ctx = NULL;
    const int descriptor = mkstemp(path);
    if (descriptor >= 0 && write(descriptor, data, size) == (ssize_t)size &&
        mb_runtime_create(&settings, &runtime) == MB_OK &&
        mb_context_create(runtime, &ctx) == MB_OK) {
        read_file(ctx, path);
        bool is_mine;
        mb_buffer text;
        mb_buffer_init(&text, ctx);
        if (mb_detector_find("calo")->inspect(ctx, path, &is_mine, &text) != MB_OK &&
            mb_context_error_text(ctx)[0] == '\0') {
            abort();
        }
        mb_buffer_clear(&text);
    }
    mb_context_destroy(ctx);
    mb_runtime_destroy(runtime);
    close(descriptor);
    unlink(path);
    return 0;
}
