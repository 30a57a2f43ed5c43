// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#define _XOPEN_SOURCE 700 // P_tmpdir
#include "fuzz.h"

#include "detector/barrel/part.h"
#include "detector/detector.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

// A pair of files, split at the first zero byte of the input, read with and without lenience.
static const mb_barrel_settings base_settings = {
    .images = {{{4, 0, 4}, {16, -3.2, 3.2}, {16, -500, 500}, 0, 4}},
    .n_images = 1,
    .label = {1, 1.0, 1},
};

static bool write_file(int descriptor, const uint8_t *data, size_t size) {
    return descriptor >= 0 && write(descriptor, data, size) == (ssize_t)size;
}

static void check_part(const mb_barrel_part *part) {
    const mb_barrel_sparse *image = &part->images[0];
    for (size_t row = 0; row < part->n_rows; row++) {
        for (uint64_t e = image->first[row]; e < image->first[row + 1]; e++) {
            const bool is_rising = e == image->first[row] || image->index[e - 1] < image->index[e];
            if (!is_rising || image->index[e] >= 4 * 16 * 16 || image->value[e] == 0) {
                abort();
            }
        }
    }
}

static void read_pair(mb_context *ctx, const char *hits, const char *particles) {
    for (int i = 0; i < 4; i++) {
        mb_barrel_settings settings = base_settings;
        settings.skip_last_event = i % 2 == 1;
        settings.on_bad = i / 2;
        settings.unique_hits = settings.keep_empty = settings.accept_odd_layer = i % 2 == 1;
        mb_barrel_part part;
        const mb_status status =
            mb_barrel_part_read(ctx, &settings, hits, i == 3 ? NULL : particles, 0, &part);
        if (status == MB_OK) {
            check_part(&part);
        } else if (mb_context_error_text(ctx)[0] == '\0') {
            abort();
        }
        mb_barrel_part_clear(&part, ctx);
        mb_context_clear(ctx);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char hits[] = P_tmpdir "/fuzz-hits-XXXXXX", particles[] = P_tmpdir "/fuzz-particles-XXXXXX";
    const uint8_t *middle = size > 0 ? memchr(data, 0, size) : NULL;
    const size_t n_hits = middle != NULL ? (size_t)(middle - data) : size;
    const size_t n_skipped = middle != NULL ? n_hits + 1 : size;
    mb_runtime_settings settings = MB_RUNTIME_SETTINGS_INIT;
    settings.limits.bytes = 1 << 24;
    settings.n_threads = 1;
    mb_runtime *runtime = NULL;
    mb_context *ctx = NULL;
    const int first = mkstemp(hits), second = mkstemp(particles);
    if (write_file(first, data, n_hits) && write_file(second, data + n_skipped, size - n_skipped) &&
        mb_runtime_create(&settings, &runtime) == MB_OK &&
        mb_context_create(runtime, &ctx) == MB_OK) {
        read_pair(ctx, hits, particles);
        bool is_mine;
        mb_buffer text;
        mb_buffer_init(&text, ctx);
        if (mb_detector_find("barrel")->inspect(ctx, hits, &is_mine, &text) != MB_OK &&
            mb_context_error_text(ctx)[0] == '\0') {
            abort();
        }
        mb_buffer_clear(&text);
    }
    mb_context_destroy(ctx);
    mb_runtime_destroy(runtime);
    close(first);
    close(second);
    unlink(hits);
    unlink(particles);
    return 0;
}
