// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/yaml.h"
#include "study/compare.h"
#include "study/run.h"

// The keys in which the studies of some runs differ.

enum { LONGEST_VALUE = 60 };

typedef struct walk {
    mb_context *ctx;
    mb_arena *arena;
    size_t n_runs, most, n;
    mb_study_difference *out;
} walk;

static bool are_all(const walk *w, const mb_node *const *nodes, mb_node_kind kind) {
    for (size_t i = 0; i < w->n_runs; i++) {
        if (nodes[i] == NULL || nodes[i]->kind != kind) {
            return false;
        }
    }
    return true;
}

static mb_status write_value(const walk *w, const mb_node *node, const char **out) {
    if (node == NULL || mb_node_text(node) != NULL) {
        *out = node == NULL ? "-" : mb_arena_text(w->arena, w->ctx, mb_node_text(node));
        return *out == NULL ? MB_ERR_MEMORY : MB_OK;
    }
    mb_buffer text;
    mb_buffer_init(&text, w->ctx);
    mb_node_write_json(&text, node, -1);
    mb_status status = text.status;
    if (status == MB_OK) {
        *out = mb_arena_text(w->arena, w->ctx, text.data);
        status = *out == NULL ? MB_ERR_MEMORY : MB_OK;
    }
    mb_buffer_clear(&text);
    return status;
}

// A long value shortened, with room for the dots that say so.
static const char *shorten(const walk *w, const char *text) {
    return strlen(text) <= LONGEST_VALUE
               ? text
               : mb_arena_format(w->arena, w->ctx, "%.*s ...", LONGEST_VALUE, text);
}

static mb_status compare_values(walk *w, const char *path, const mb_node *const *nodes) {
    const char *values[MB_MOST_COMPARED];
    bool is_same = true;
    for (size_t i = 0; i < w->n_runs; i++) {
        MB_TRY(write_value(w, nodes[i], &values[i]));
        is_same = is_same && strcmp(values[i], values[0]) == 0;
    }
    if (is_same || w->n++ >= w->most) {
        return MB_OK;
    }
    mb_study_difference *difference = &w->out[w->n - 1];
    difference->key = path;
    for (size_t i = 0; i < w->n_runs; i++) {
        difference->value[i] = shorten(w, values[i]);
        if (difference->value[i] == NULL) {
            return MB_ERR_MEMORY;
        }
    }
    return MB_OK;
}

static bool has_equal_lengths(const walk *w, const mb_node *const *nodes) {
    for (size_t i = 1; i < w->n_runs; i++) {
        if (nodes[i]->n_children != nodes[0]->n_children) {
            return false;
        }
    }
    return true;
}

static mb_status compare_nodes(walk *w, const char *path, const mb_node *const *nodes);

static mb_status compare_lists(walk *w, const char *path, const mb_node *const *nodes) {
    for (size_t k = 0; k < nodes[0]->n_children; k++) {
        const mb_node *members[MB_MOST_COMPARED];
        for (size_t i = 0; i < w->n_runs; i++) {
            members[i] = mb_node_at(nodes[i], k);
        }
        const char *name = mb_node_text(mb_node_find(members[0], "name"));
        const char *inner = name != NULL ? mb_arena_format(w->arena, w->ctx, "%s.%s", path, name)
                                         : mb_arena_format(w->arena, w->ctx, "%s.%zu", path, k);
        MB_TRY(inner == NULL ? MB_ERR_MEMORY : compare_nodes(w, inner, members));
    }
    return MB_OK;
}

static bool is_in_earlier(const mb_node *const *nodes, size_t before, const char *key) {
    for (size_t i = 0; i < before; i++) {
        if (mb_node_find(nodes[i], key) != NULL) {
            return true;
        }
    }
    return false;
}

static mb_status compare_maps(walk *w, const char *path, const mb_node *const *nodes) {
    for (size_t r = 0; r < w->n_runs; r++) {
        for (const mb_node *member = nodes[r]->first; member != NULL; member = member->next) {
            if (is_in_earlier(nodes, r, member->key)) {
                continue;
            }
            const mb_node *members[MB_MOST_COMPARED];
            for (size_t i = 0; i < w->n_runs; i++) {
                members[i] = mb_node_find(nodes[i], member->key);
            }
            const char *inner = mb_arena_format(
                w->arena, w->ctx, "%s%s%s", path, *path != '\0' ? "." : "", member->key);
            MB_TRY(inner == NULL ? MB_ERR_MEMORY : compare_nodes(w, inner, members));
        }
    }
    return MB_OK;
}

static mb_status compare_nodes(walk *w, const char *path, const mb_node *const *nodes) {
    return are_all(w, nodes, MB_NODE_MAP) ? compare_maps(w, path, nodes)
           : are_all(w, nodes, MB_NODE_LIST) && has_equal_lengths(w, nodes)
               ? compare_lists(w, path, nodes)
               : compare_values(w, path, nodes);
}

mb_status mb_compare_studies(mb_context *ctx, mb_arena *arena, const char *const *directories,
    size_t n_runs, size_t most, mb_study_difference **out, size_t *n) {
    walk w = {.ctx = ctx, .arena = arena, .n_runs = n_runs, .most = most};
    mb_document documents[MB_MOST_COMPARED] = {{.name = NULL}};
    const mb_node *roots[MB_MOST_COMPARED] = {NULL};
    w.out = mb_arena_allocate(arena, ctx, most, sizeof *w.out);
    mb_status status = w.out == NULL ? MB_ERR_MEMORY : MB_OK;
    for (size_t i = 0; i < n_runs && status == MB_OK; i++) {
        const char *path = mb_run_study_path(ctx, arena, directories[i]);
        status = path == NULL ? MB_ERR_MEMORY : mb_yaml_read(ctx, path, &documents[i]);
        roots[i] = documents[i].root;
    }
    if (status == MB_OK) {
        status = compare_nodes(&w, "", roots);
    }
    for (size_t i = 0; i < n_runs; i++) {
        mb_document_clear(&documents[i]);
    }
    *out = w.out;
    *n = w.n;
    return status;
}
