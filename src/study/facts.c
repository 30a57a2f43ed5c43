// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/facts.h"

#include "base/output.h"
#include "files/npy.h"

#include <stdio.h>

static const char file_name[] = "facts.npz";

// Those of an earlier run in the same folder would be taken for this one's.
static mb_status remove_facts(mb_context *ctx, const char *directory) {
    char *path = mb_path_join(ctx, directory, file_name);
    mb_status status = path == NULL ? MB_ERR_MEMORY : MB_OK;
    if (status == MB_OK && mb_path_exists(path) && remove(path) != 0) {
        status = mb_fail(ctx, MB_ERR_IO, "%s: cannot be removed; check its permissions", path);
    }
    mb_release(ctx, path);
    return status;
}

mb_status mb_facts_write(mb_context *ctx, const mb_bundle *facts, const char *directory) {
    if (facts->n == 0) {
        return remove_facts(ctx, directory);
    }
    const char **names = mb_allocate(ctx, facts->n, sizeof *names);
    const mb_array **arrays = mb_allocate(ctx, facts->n, sizeof *arrays);
    char *path = mb_path_join(ctx, directory, file_name);
    mb_status status = names == NULL || arrays == NULL || path == NULL ? MB_ERR_MEMORY : MB_OK;
    for (size_t i = 0; i < facts->n && status == MB_OK; i++) {
        names[i] = facts->entries[i].name;
        arrays[i] = &facts->entries[i].array;
    }
    if (status == MB_OK) {
        status = mb_npz_write(ctx, path, names, arrays, facts->n, false);
    }
    mb_release(ctx, path);
    mb_release(ctx, arrays);
    mb_release(ctx, names);
    return status;
}

static mb_status read_all(mb_context *ctx, const char *path, mb_bundle *out) {
    mb_names names = {0};
    mb_status status = mb_npz_list(ctx, path, &names);
    for (size_t i = 0; i < names.n && status == MB_OK; i++) {
        mb_array array = {0};
        status = mb_npz_read(ctx, path, names.name[i], &array);
        if (status == MB_OK) {
            status = mb_bundle_put(out, ctx, names.name[i], &array);
        }
    }
    mb_names_clear(&names);
    return status;
}

mb_status mb_facts_read(mb_context *ctx, const char *study, mb_bundle *out) {
    mb_bundle_init(out, ctx);
    mb_arena arena;
    mb_arena_init(&arena, ctx);
    const char *slash = strrchr(study, '/');
    const int length = slash != NULL ? (int)(slash - study) + 1 : 0;
    const char *path = mb_arena_format(&arena, ctx, "%.*s%s", length, study, file_name);
    mb_status status = path == NULL ? MB_ERR_MEMORY : MB_OK;
    if (status == MB_OK && mb_path_exists(path)) {
        status = read_all(ctx, path, out);
    }
    mb_arena_clear(&arena);
    return status;
}
