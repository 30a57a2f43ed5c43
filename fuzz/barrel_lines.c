// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "fuzz.h"

#include "detector/barrel/scan.h"

#include <stdlib.h>

// The quick reader of hit lines may take only what the careful one takes, with the same values.
static void compare_readers(
    mb_context *ctx, mb_barrel_scan *scan, const char *line, const char *end, size_t rest) {
    const mb_barrel_place place = {"fuzz", 1, 0, false};
    mb_barrel_hit quick = {0}, careful = {0};
    size_t length = 0;
    const bool is_quick = mb_barrel_scan_hit(scan, line, rest, &quick, &length);
    const mb_status status = mb_barrel_hit_parse(ctx, &place, line, end, &careful);
    if (status != MB_OK && mb_context_error_text(ctx)[0] == '\0') {
        abort();
    }
    mb_context_clear(ctx);
    if (!is_quick) {
        return;
    }
    if (status != MB_OK || length != (size_t)(end - line) || quick.hitid != careful.hitid ||
        quick.barcode != careful.barcode || quick.volid != careful.volid ||
        quick.layid != careful.layid || memcmp(&quick.x, &careful.x, sizeof quick.x) != 0 ||
        memcmp(&quick.y, &careful.y, sizeof quick.y) != 0 ||
        memcmp(&quick.z, &careful.z, sizeof quick.z) != 0) {
        abort();
    }
}

static void read_lines(mb_context *ctx, mb_barrel_scan *scan, const char *text, size_t size) {
    mb_barrel_scan_start(scan, mb_runtime_cpu(mb_context_runtime(ctx)));
    for (const char *line = text; line < text + size;) {
        const char *end = memchr(line, '\n', (size_t)(text + size - line) + 1);
        const mb_barrel_place place = {"fuzz", 1, 0, true};
        mb_barrel_particle particle;
        compare_readers(ctx, scan, line, end, (size_t)(text + size + 1 - line));
        if (mb_barrel_particle_parse(ctx, &place, line, end, &particle) == MB_OK &&
            !(particle.p > 0)) {
            abort();
        }
        mb_context_clear(ctx);
        line = end + 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    mb_runtime *runtime = NULL;
    mb_context *ctx = NULL;
    char *padded = malloc(size + 2 * MB_BARREL_SLACK + 1);
    mb_barrel_scan *scan = malloc(sizeof *scan);
    if (padded != NULL && scan != NULL && mb_runtime_create(NULL, &runtime) == MB_OK &&
        mb_context_create(runtime, &ctx) == MB_OK) {
        memset(padded, '\n', size + 2 * MB_BARREL_SLACK + 1);
        if (size > 0) {
            memcpy(padded + MB_BARREL_SLACK, data, size);
        }
        read_lines(ctx, scan, padded + MB_BARREL_SLACK, size);
    }
    mb_context_destroy(ctx);
    mb_runtime_destroy(runtime);
    free(scan);
    free(padded);
    return 0;
}
