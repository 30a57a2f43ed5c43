// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// Replays a corpus without a fuzzing engine: every file, and every file of every folder, given.

#include "fuzz.h"

#include "base/output.h"

#include <stdio.h>
#include <stdlib.h>

static mb_status replay_file(mb_context *ctx, const char *path) {
    char *bytes = NULL;
    size_t length = 0;
    MB_TRY(mb_read_file(ctx, path, &bytes, &length));
    // A copy of exactly this size lets the address sanitizer see one byte too many.
    uint8_t *exact = malloc(length > 0 ? length : 1);
    if (exact != NULL) {
        memcpy(exact, bytes, length);
        LLVMFuzzerTestOneInput(exact, length);
    }
    free(exact);
    mb_release(ctx, bytes);
    return exact != NULL ? MB_OK : mb_fail(ctx, MB_ERR_MEMORY, "%s: no memory; free some", path);
}

static mb_status replay(mb_context *ctx, const char *path, size_t *n_files) {
    if (!mb_path_is_directory(path)) {
        (*n_files)++;
        return replay_file(ctx, path);
    }
    mb_names names;
    MB_TRY(mb_names_of_directory(&names, ctx, path));
    mb_status status = MB_OK;
    for (size_t i = 0; i < names.n && status == MB_OK; i++) {
        char *file = mb_path_join(ctx, path, names.name[i]);
        status = file != NULL ? replay_file(ctx, file) : MB_ERR_MEMORY;
        mb_release(ctx, file);
        (*n_files)++;
    }
    mb_names_clear(&names);
    return status;
}

int main(int argc, char **argv) {
    mb_runtime *runtime = NULL;
    mb_context *ctx = NULL;
    size_t n_files = 0;
    mb_status status = mb_runtime_create(NULL, &runtime);
    if (status == MB_OK) {
        status = mb_context_create(runtime, &ctx);
    }
    for (int i = 1; i < argc && status == MB_OK; i++) {
        status = replay(ctx, argv[i], &n_files);
    }
    if (status != MB_OK) {
        fprintf(stderr, "%s\n", ctx != NULL ? mb_context_error_text(ctx) : "no memory");
    } else if (n_files == 0) {
        fprintf(stderr, "%s: no files were given; name a corpus folder\n", argv[0]);
    } else {
        printf("%zu files\n", n_files);
    }
    mb_context_destroy(ctx);
    mb_runtime_destroy(runtime);
    return status == MB_OK && n_files > 0 ? 0 : 1;
}
