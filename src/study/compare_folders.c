// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/compare.h"
#include "study/run.h"

#include <math.h>

typedef struct folders {
    mb_context *ctx;
    mb_arena *arena;
    const char **name;
    size_t n, n_wanted; // of name; further ones are counted only
} folders;

static mb_status add(folders *f, const char *name) {
    if (name == NULL) {
        return MB_ERR_MEMORY;
    }
    f->n_wanted++;
    if (f->n < MB_MOST_COMPARED) {
        f->name[f->n++] = name;
    }
    return MB_OK;
}

// A run of several fits stands for those that have a curve; what has none is refused when read.
static mb_status add_run(folders *f, const char *directory) {
    mb_document metrics = {0};
    MB_TRY(mb_run_read_json(f->ctx, directory, "metrics.json", &metrics));
    const mb_node *rounds = mb_node_find(metrics.root, "rounds");
    const size_t n_before = f->n_wanted;
    mb_status status = MB_OK;
    for (const mb_node *r = rounds != NULL ? rounds->first : NULL; r != NULL && status == MB_OK;
         r = r->next) {
        const char *name = mb_node_text(mb_node_find(r, "name"));
        if (name != NULL && isfinite(mb_node_number(mb_node_find(r, "metrics"), "auc"))) {
            status = add(f, mb_arena_format(f->arena, f->ctx, "%s/fits/%s", directory, name));
        }
    }
    if (status == MB_OK && f->n_wanted == n_before) {
        status = add(f, directory);
    }
    mb_document_clear(&metrics);
    return status;
}

mb_status mb_compare_folders(mb_context *ctx, mb_arena *arena, const char *const *directories,
    size_t n, const char *const **out, size_t *n_out) {
    folders f = {.ctx = ctx, .arena = arena};
    f.name = mb_arena_allocate(arena, ctx, MB_MOST_COMPARED, sizeof *f.name);
    if (f.name == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < n; i++) {
        MB_TRY(add_run(&f, directories[i]));
    }
    if (f.n_wanted > MB_MOST_COMPARED) {
        return mb_fail(ctx, MB_ERR_RANGE,
            "report: %zu fits in the folders named; name up to %d of those below their fits/",
            f.n_wanted, MB_MOST_COMPARED);
    }
    *out = f.name;
    *n_out = f.n;
    return MB_OK;
}
