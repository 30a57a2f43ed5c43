// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "exchange/frozen_read.h"

#include <stdlib.h>

// Names, inputs and order of a graph's nodes, and functions of numbers among them.

mb_status mb_frozen_refuse(
    const mb_frozen_reading *r, const mb_frozen_node *node, const char *what) {
    return mb_fail(r->ctx, MB_ERR_UNSUPPORTED,
        "%s: node %s (%s): %s is not read from frozen graphs; give the model as .h5, .keras or "
        ".json",
        r->file, node->name, node->op, what);
}

typedef struct named {
    const char *name;
    size_t node;
} named;

static int compare_names(const void *a, const void *b) {
    return strcmp(((const named *)a)->name, ((const named *)b)->name);
}

static mb_status find_node(const mb_frozen_reading *r, const named *names,
    const mb_frozen_node *from, const char *input, size_t *out) {
    char name[1024];
    const char *colon = strrchr(input, ':');
    const size_t length = colon != NULL ? (size_t)(colon - input) : strlen(input);
    if ((colon != NULL && strcmp(colon, ":0") != 0) || length >= sizeof name) {
        return mb_frozen_refuse(r, from, "a further output of a node");
    }
    memcpy(name, input, length);
    name[length] = '\0';
    const named key = {.name = name};
    const named *found = bsearch(&key, names, r->graph.n, sizeof *names, compare_names);
    if (found == NULL) {
        return mb_fail(r->ctx, MB_ERR_FORMAT,
            "%s: node %s takes '%s', which is no node of the graph; freeze it again", r->file,
            from->name, name);
    }
    *out = found->node;
    return MB_OK;
}

static mb_status find_inputs(mb_frozen_reading *r, const named *names) {
    for (size_t i = 0; i < r->graph.n; i++) {
        const mb_frozen_node *node = &r->graph.nodes[i];
        for (size_t k = 0; k < node->n_inputs; k++) {
            if (node->inputs[k][0] == '^') {
                continue; // an order, which ours keeps
            }
            if (r->n_inputs[i] == MB_FROZEN_MOST_INPUTS) {
                return mb_frozen_refuse(r, node, "so many inputs");
            }
            size_t *input = &r->inputs[i][r->n_inputs[i]++];
            MB_TRY(find_node(r, names, node, node->inputs[k], input));
            r->n_users[*input]++;
        }
    }
    return MB_OK;
}

// Each node as soon as all its inputs are there.
static mb_status order_nodes(mb_frozen_reading *r) {
    const size_t n = r->graph.n;
    size_t *missing = mb_allocate(r->ctx, n, sizeof *missing);
    size_t *first = mb_allocate_zeroed(r->ctx, n + 1, sizeof *first);
    size_t n_edges = 0;
    for (size_t i = 0; i < n; i++) {
        n_edges += r->n_inputs[i];
    }
    size_t *users = mb_allocate(r->ctx, n_edges, sizeof *users);
    size_t n_done = 0;
    if (missing != NULL && first != NULL && users != NULL) {
        for (size_t i = 0; i < n; i++) {
            first[i + 1] = first[i] + r->n_users[i];
        }
        for (size_t i = n; i-- > 0;) {
            missing[i] = r->n_inputs[i];
            for (size_t k = 0; k < r->n_inputs[i]; k++) {
                users[--first[r->inputs[i][k] + 1]] = i;
            }
        }
        for (size_t i = 0; i < n; i++) {
            if (missing[i] == 0) {
                r->order[n_done++] = i;
            }
        }
        for (size_t done = 0; done < n_done; done++) {
            const size_t from = r->order[done];
            for (size_t k = 0; k < r->n_users[from]; k++) {
                const size_t user = users[first[from + 1] + k];
                if (--missing[user] == 0) {
                    r->order[n_done++] = user;
                }
            }
        }
    }
    const bool has_memory = missing != NULL && first != NULL && users != NULL;
    mb_release(r->ctx, missing);
    mb_release(r->ctx, first);
    mb_release(r->ctx, users);
    if (!has_memory) {
        return MB_ERR_MEMORY;
    }
    return n_done == n ? MB_OK
                       : mb_fail(r->ctx, MB_ERR_FORMAT,
                             "%s: its nodes depend on each other in a circle; freeze a graph "
                             "without loops",
                             r->file);
}

mb_status mb_frozen_sort(mb_frozen_reading *r) {
    const size_t n = r->graph.n;
    mb_arena *arena = &r->graph.arena;
    named *names = mb_arena_allocate(arena, r->ctx, n, sizeof *names);
    r->order = mb_arena_allocate(arena, r->ctx, n, sizeof *r->order);
    r->inputs = mb_arena_allocate(arena, r->ctx, n, sizeof *r->inputs);
    r->n_inputs = mb_arena_allocate(arena, r->ctx, n, sizeof *r->n_inputs);
    r->n_users = mb_arena_allocate(arena, r->ctx, n, sizeof *r->n_users);
    r->place = mb_arena_allocate(arena, r->ctx, n, sizeof *r->place);
    if (names == NULL || r->order == NULL || r->inputs == NULL || r->n_inputs == NULL ||
        r->n_users == NULL || r->place == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < n; i++) {
        names[i] = (named){.name = r->graph.nodes[i].name, .node = i};
    }
    qsort(names, n, sizeof *names, compare_names);
    for (size_t i = 1; i < n; i++) {
        if (strcmp(names[i].name, names[i - 1].name) == 0) {
            return mb_fail(r->ctx, MB_ERR_FORMAT,
                "%s: two nodes are called %s; freeze the graph again", r->file, names[i].name);
        }
    }
    MB_TRY(find_inputs(r, names));
    MB_TRY(order_nodes(r));
    for (size_t i = 0; i < n; i++) {
        r->place[r->order[i]] = i;
    }
    return MB_OK;
}

// The nodes between a base and a function of it, in order; more than this are no quantiser.
enum { MOST_STEPS = 256 };

typedef struct steps {
    size_t n;
    size_t node[MOST_STEPS];
    float *values; // (MOST_STEPS, MB_FROZEN_PROBES), then those of a constant operand each
} steps;

static bool is_step(const steps *s, size_t node) {
    for (size_t i = 0; i < s->n; i++) {
        if (s->node[i] == node) {
            return true;
        }
    }
    return false;
}

// Collects backwards, and puts what was found into order.
static bool collect(const mb_frozen_reading *r, size_t node, steps *s) {
    s->n = 0;
    s->node[s->n++] = node;
    for (size_t i = 0; i < s->n; i++) {
        for (size_t k = 0; k < r->n_inputs[s->node[i]]; k++) {
            const size_t input = r->inputs[s->node[i]][k];
            if (r->symbols[input].kind != MB_FROZEN_IS_EACH || is_step(s, input)) {
                continue;
            }
            if (s->n == MOST_STEPS) {
                return false;
            }
            s->node[s->n++] = input;
        }
    }
    for (size_t i = 1; i < s->n; i++) {
        const size_t moved = s->node[i];
        size_t k = i;
        for (; k > 0 && r->place[s->node[k - 1]] > r->place[moved]; k--) {
            s->node[k] = s->node[k - 1];
        }
        s->node[k] = moved;
    }
    return true;
}

static const float *operand_of(
    const mb_frozen_reading *r, const steps *s, size_t input, const float *x, float *constant) {
    const mb_frozen_symbol *symbol = &r->symbols[input];
    if (symbol->kind == MB_FROZEN_IS_NUMBERS) {
        for (size_t i = 0; i < MB_FROZEN_PROBES; i++) {
            constant[i] = symbol->numbers[0];
        }
        return constant;
    }
    for (size_t i = 0; i < s->n; i++) {
        if (s->node[i] == input) {
            return s->values + i * MB_FROZEN_PROBES;
        }
    }
    return x;
}

static mb_status evaluate(const mb_frozen_reading *r, const steps *s, const float *x) {
    float *constants = s->values + (size_t)MOST_STEPS * MB_FROZEN_PROBES;
    for (size_t i = 0; i < s->n; i++) {
        const size_t node = s->node[i];
        const float *operands[3];
        const size_t n = mb_min_size(r->n_inputs[node], 3);
        for (size_t k = 0; k < n; k++) {
            operands[k] = operand_of(r, s, r->inputs[node][k], x, constants + k * MB_FROZEN_PROBES);
        }
        MB_TRY(mb_frozen_apply(r->ctx, &r->graph.nodes[node], operands, n, MB_FROZEN_PROBES,
            s->values + i * MB_FROZEN_PROBES));
    }
    return MB_OK;
}

mb_status mb_frozen_quantizer_of(
    mb_frozen_reading *r, size_t node, char text[MB_FROZEN_QUANTIZER_TEXT]) {
    steps s;
    float x[MB_FROZEN_PROBES];
    if (!collect(r, node, &s)) {
        return mb_frozen_refuse(r, &r->graph.nodes[node], "a function of so many nodes");
    }
    s.values = mb_allocate(r->ctx, (size_t)(MOST_STEPS + 3) * MB_FROZEN_PROBES, sizeof *s.values);
    if (s.values == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_frozen_probes(x);
    mb_status status = evaluate(r, &s, x);
    if (status == MB_OK &&
        !mb_frozen_find_quantizer(r->ctx, x, s.values + (s.n - 1) * MB_FROZEN_PROBES, text)) {
        status = mb_context_status(r->ctx);
        if (status == MB_OK) {
            status = mb_frozen_refuse(
                r, &r->graph.nodes[node], "a function of numbers that is no quantiser");
        }
    }
    mb_release(r->ctx, s.values);
    return status;
}
