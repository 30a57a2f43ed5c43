// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "data/split.h"

#include "base/random.h"

#include <math.h>

static const char *const take_names[] = {"last", "first", "random", NULL};
static const char *const set_names[] = {"train", "validation", "test"};

static const mb_option part_options[] = {
    {"fraction", MB_OPTION_REAL, offsetof(mb_part, fraction), "0", 0, 1, NULL, NULL,
        "part of the rows, from 0 to below 1"},
    {"take", MB_OPTION_CHOICE, offsetof(mb_part, take), "last", 0, 0, take_names, NULL,
        "which rows: last, first or random"},
    MB_OPTIONS_END,
};

static const mb_option test_options[] = {
    {"test", MB_OPTION_REAL, offsetof(mb_part, fraction), "0", 0, 1, NULL, NULL,
        "part of the rows that is kept for testing, from 0 to below 1"},
    {"take", MB_OPTION_CHOICE, offsetof(mb_part, take), "last", 0, 0, take_names, NULL,
        "which rows: last, first or random"},
    MB_OPTIONS_END,
};

static mb_status check_fraction(mb_context *ctx, const mb_document *document, const mb_node *node,
    const char *what, const mb_part *part) {
    if (!(part->fraction >= 0.0 && part->fraction < 1.0)) {
        return mb_fail_at(ctx, document, node,
            "%s: is %g; write a number from 0 to below 1, or {fraction: 0.2, take: random}", what,
            part->fraction);
    }
    return MB_OK;
}

mb_status mb_part_read(
    mb_context *ctx, mb_document *document, const mb_node *node, const char *what, mb_part *out) {
    *out = (mb_part){0.0, MB_TAKE_LAST};
    if (node != NULL && (node->kind == MB_NODE_INT || node->kind == MB_NODE_REAL)) {
        out->fraction = node->real;
        return check_fraction(ctx, document, node, what, out);
    }
    MB_TRY(mb_options_parse(ctx, document, part_options, node, what, NULL, out));
    return check_fraction(ctx, document, node, what, out);
}

mb_node *mb_part_to_node(mb_context *ctx, mb_document *document, const mb_part *part) {
    return part->take == MB_TAKE_LAST ? mb_node_make_real(document, ctx, part->fraction)
                                      : mb_options_to_node(ctx, document, part_options, part, true);
}

static mb_status read_range(
    mb_context *ctx, const mb_document *document, const mb_node *node, mb_row_range *out) {
    const bool is_pair = node->kind == MB_NODE_LIST && node->n_children == 2 &&
                         node->first->kind == MB_NODE_INT && node->last->kind == MB_NODE_INT;
    if (!is_pair || node->first->integer < 0 || node->last->integer < node->first->integer) {
        return mb_fail_at(ctx, document, node,
            "rows: a range is not [first, last] with 0 <= first <= last; write for example [0, "
            "1000] for the rows 0 to 999");
    }
    *out = (mb_row_range){(size_t)node->first->integer, (size_t)node->last->integer};
    return MB_OK;
}

static bool do_overlap(const mb_row_range *a, const mb_row_range *b) {
    return a->first < b->last && b->first < a->last;
}

typedef struct rows_nodes {
    const mb_node *set[3];
} rows_nodes;

static const mb_option rows_options[] = {
    {"train", MB_OPTION_NODE, offsetof(rows_nodes, set[MB_SPLIT_TRAIN]), "", 0, 0, NULL, NULL,
        "[first, last] of the rows to train on"},
    {"validation", MB_OPTION_NODE, offsetof(rows_nodes, set[MB_SPLIT_VALIDATION]), "", 0, 0, NULL,
        NULL, "[first, last] of the rows for validation"},
    {"test", MB_OPTION_NODE, offsetof(rows_nodes, set[MB_SPLIT_TEST]), "", 0, 0, NULL, NULL,
        "[first, last] of the rows for testing"},
    MB_OPTIONS_END,
};

static mb_status read_rows(
    mb_context *ctx, mb_document *document, const mb_node *rows, mb_split_options *out) {
    out->has_rows = true;
    if (rows->kind == MB_NODE_LIST) {
        out->is_bare = true;
        return read_range(ctx, document, rows, &out->rows[MB_SPLIT_TRAIN]);
    }
    rows_nodes nodes;
    MB_TRY(mb_options_parse(ctx, document, rows_options, rows, "rows", NULL, &nodes));
    for (size_t i = 0; i < 3; i++) {
        if (nodes.set[i] == NULL) {
            continue;
        }
        MB_TRY(read_range(ctx, document, nodes.set[i], &out->rows[i]));
        out->has_validation = out->has_validation || i == MB_SPLIT_VALIDATION;
        for (size_t k = 0; k < i; k++) {
            if (do_overlap(&out->rows[i], &out->rows[k])) {
                return mb_fail_at(ctx, document, nodes.set[i],
                    "rows: the rows [%zu, %zu] for %s and [%zu, %zu] for %s overlap; keep them "
                    "apart",
                    out->rows[k].first, out->rows[k].last, set_names[k], out->rows[i].first,
                    out->rows[i].last, set_names[i]);
            }
        }
    }
    return MB_OK;
}

mb_status mb_split_read(mb_context *ctx, mb_document *document, const mb_node *split,
    const mb_node *rows, mb_split_options *out) {
    *out = (mb_split_options){.has_rows = false};
    MB_TRY(mb_options_parse(ctx, document, test_options, split, "split", NULL, &out->test));
    MB_TRY(check_fraction(ctx, document, split, "split: test", &out->test));
    if (rows != NULL && rows->kind != MB_NODE_NULL) {
        MB_TRY(read_rows(ctx, document, rows, out));
    }
    return MB_OK;
}

size_t mb_part_rest(const mb_part *part, size_t n) {
    if (part->take == MB_TAKE_FIRST) {
        return n - (size_t)floor((double)n * part->fraction + 0.5);
    }
    return (size_t)floor((double)n * (1.0 - part->fraction));
}

// Moves a part of some rows, which it may reorder, to another set. which keeps the random numbers
// of several parts apart.
static void move_part(uint8_t *split, uint32_t *rows, size_t n, const mb_part *part, uint8_t set,
    uint64_t seed, uint32_t which) {
    if (part->take == MB_TAKE_RANDOM) {
        mb_random random = mb_random_stream(seed, MB_PURPOSE_SPLIT, which, 0);
        mb_random_shuffle(&random, rows, n);
    }
    const size_t rest = mb_part_rest(part, n);
    const uint32_t *taken = part->take == MB_TAKE_FIRST ? rows : rows + rest;
    for (size_t i = 0; i < n - rest; i++) {
        split[taken[i]] = set;
    }
}

static mb_status take_part(mb_dataset *dataset, mb_context *ctx, const mb_part *part, uint8_t set,
    uint64_t seed, uint32_t which) {
    if (!(part->fraction > 0.0)) {
        return MB_OK;
    }
    uint32_t *rows;
    size_t n;
    MB_TRY(mb_dataset_rows_of(dataset, ctx, MB_SPLIT_TRAIN, &rows, &n));
    move_part(dataset->split, rows, n, part, set, seed, which);
    mb_release(ctx, rows);
    return MB_OK;
}

mb_status mb_split_set(uint8_t *split, size_t n_rows, mb_context *ctx, const mb_row_set *set,
    const mb_part *validation, uint64_t seed) {
    memset(split, MB_SPLIT_NONE, n_rows);
    for (size_t i = 0; i < set->n_test; i++) {
        split[set->test[i]] = MB_SPLIT_TEST;
    }
    for (size_t i = 0; i < set->n_train; i++) {
        split[set->train[i]] = MB_SPLIT_TRAIN;
    }
    if (!(validation->fraction > 0.0)) {
        return MB_OK;
    }
    uint32_t *rows = mb_allocate(ctx, set->n_train, sizeof *rows);
    if (rows == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < set->n_train; i++) {
        rows[i] = set->train[i];
    }
    move_part(split, rows, set->n_train, validation, MB_SPLIT_VALIDATION, seed, 1);
    mb_release(ctx, rows);
    return MB_OK;
}

static mb_status apply_rows(mb_dataset *dataset, mb_context *ctx, const mb_split_options *options) {
    memset(dataset->split, MB_SPLIT_NONE, dataset->n_rows);
    for (uint8_t set = 0; set < 3; set++) {
        const mb_row_range *range = &options->rows[set];
        if (range->last > dataset->n_rows) {
            return mb_fail(ctx, MB_ERR_RANGE,
                "data.rows: the range [%zu, %zu] for %s goes beyond the %zu rows of the data; "
                "write smaller numbers",
                range->first, range->last, set_names[set], dataset->n_rows);
        }
        for (size_t row = range->first; row < range->last; row++) {
            dataset->split[row] = set;
        }
    }
    return MB_OK;
}

mb_status mb_split_apply(mb_dataset *dataset, mb_context *ctx, const mb_split_options *options,
    const mb_part *validation, uint64_t seed) {
    if (dataset->n_rows == 0) {
        return MB_OK;
    }
    if (dataset->own_split != NULL) {
        memcpy(dataset->split, dataset->own_split, dataset->n_rows);
    } else if (options->has_rows) {
        MB_TRY(apply_rows(dataset, ctx, options));
    } else {
        memset(dataset->split, MB_SPLIT_TRAIN, dataset->n_rows);
    }
    MB_TRY(take_part(dataset, ctx, &options->test, MB_SPLIT_TEST, seed, 0));
    const bool is_chosen = dataset->own_split != NULL &&
                           memchr(dataset->own_split, MB_SPLIT_VALIDATION, dataset->n_rows) != NULL;
    if (options->has_validation || is_chosen) {
        return MB_OK;
    }
    return take_part(dataset, ctx, validation, MB_SPLIT_VALIDATION, seed, 1);
}

mb_status mb_split_fold(
    uint8_t *split, size_t n_rows, mb_context *ctx, size_t n_folds, size_t fold, uint64_t seed) {
    uint32_t *rows = mb_allocate(ctx, n_rows, sizeof *rows);
    if (rows == NULL) {
        return MB_ERR_MEMORY;
    }
    size_t n = 0;
    for (size_t i = 0; i < n_rows; i++) {
        if (split[i] == MB_SPLIT_VALIDATION) {
            split[i] = MB_SPLIT_TRAIN;
        }
        if (split[i] == MB_SPLIT_TRAIN) {
            rows[n++] = (uint32_t)i;
        }
    }
    mb_status status = MB_OK;
    if (n_folds < 2 || fold >= n_folds || n_folds > n) {
        status = mb_fail(ctx, MB_ERR_RANGE,
            "train.folds: %zu folds of %zu rows; write a number from 2 to the number of rows",
            n_folds, n);
    } else {
        mb_random random = mb_random_stream(seed, MB_PURPOSE_FOLDS, 0, 0);
        mb_random_shuffle(&random, rows, n);
        // The first n % n_folds folds have one row more.
        const size_t each = n / n_folds, longer = n % n_folds;
        const size_t first = fold * each + mb_min_size(fold, longer);
        const size_t last = first + each + (fold < longer);
        for (size_t i = first; i < last; i++) {
            split[rows[i]] = MB_SPLIT_VALIDATION;
        }
    }
    mb_release(ctx, rows);
    return status;
}
