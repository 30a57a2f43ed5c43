// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/elinks.h"

// Two folders of the emulation side by side, block by block.

typedef struct block {
    const char *name, *file;
} block;

static const block blocks[] = {
    {"ports", "ports.csv"},
    {"multiplexer", "mux.csv"},
    {"charges", "calq.csv"},
    {"algorithm", "algorithm.csv"},
    {"formatter", "formatter.csv"},
    {"buffer", "buffer.csv"},
    {"serialiser", "links.csv"},
};

typedef struct comparison {
    mb_context *ctx;
    mb_rows rows[2];
    uint64_t n_rows, n_differing; // rows
    uint64_t first_row;           // from 0
    char first[160];              // what differs there
} comparison;

static void note(comparison *c, const char *format, ...) MB_PRINTF(2, 3);
static void note(comparison *c, const char *format, ...) {
    if (c->n_differing++ == 0) {
        va_list list;
        va_start(list, format);
        c->first_row = c->n_rows;
        mb_format_list(c->first, sizeof c->first, format, list);
        va_end(list);
    }
}

static int top_bit(uint64_t bits) {
    int n = -1;
    for (; bits != 0; bits >>= 1) {
        n++;
    }
    return n;
}

static void compare_row(comparison *c) {
    for (size_t i = 0; i < c->rows[0].n_columns; i++) {
        const char *a = c->rows[0].field[i];
        const char *b = c->rows[1].field[i];
        uint64_t x = 0;
        uint64_t y = 0;
        if (strcmp(a, b) == 0) {
            continue;
        }
        const bool is_number = mb_parse_uint64(a, a + strlen(a), &x) == a + strlen(a) &&
                               mb_parse_uint64(b, b + strlen(b), &y) == b + strlen(b);
        if (is_number && x != y) {
            note(c, "%s, bit %d: %.40s against %.40s", c->rows[0].name[i], top_bit(x ^ y), a, b);
            return;
        }
        if (!is_number) {
            note(c, "%s: %.40s against %.40s", c->rows[0].name[i], a, b);
            return;
        }
    }
}

static mb_status compare_rows(comparison *c) {
    bool is_same = c->rows[0].n_columns == c->rows[1].n_columns;
    for (size_t i = 0; is_same && i < c->rows[0].n_columns; i++) {
        is_same = strcmp(c->rows[0].name[i], c->rows[1].name[i]) == 0;
    }
    if (!is_same) {
        note(c, "the columns are not the same");
        return MB_OK;
    }
    for (;;) {
        bool has_row[2];
        MB_TRY(mb_rows_next(&c->rows[0], &has_row[0]));
        MB_TRY(mb_rows_next(&c->rows[1], &has_row[1]));
        if (!has_row[0] && !has_row[1]) {
            return MB_OK;
        }
        if (has_row[0] != has_row[1]) {
            note(c, "the %s ends here", has_row[0] ? "second" : "first");
            return MB_OK;
        }
        compare_row(c);
        c->n_rows++;
    }
}

static void tell(const comparison *c, const block *b, mb_answer *answer, mb_node *list) {
    mb_node *map = mb_answer_add_map(answer, list);
    mb_answer_put_text(answer, map, "block", b->name);
    mb_answer_put_int(answer, map, "rows", (int64_t)c->n_rows);
    mb_answer_put_int(answer, map, "differing", (int64_t)c->n_differing);
    if (c->n_differing == 0) {
        mb_answer_line(
            answer, "%-12s %llu rows, identical", b->name, (unsigned long long)c->n_rows);
        return;
    }
    mb_answer_put_int(answer, map, "first_row", (int64_t)c->first_row);
    mb_answer_put_text(answer, map, "first", c->first);
    mb_answer_line(answer, "%-12s %llu rows, %llu differ, first row %llu: %s", b->name,
        (unsigned long long)c->n_rows, (unsigned long long)c->n_differing,
        (unsigned long long)c->first_row, c->first);
}

// *is_there: whether either folder has the block.
static mb_status compare_block(
    comparison *c, const block *b, const char *const folders[2], bool *is_there) {
    char *paths[2] = {
        mb_path_join(c->ctx, folders[0], b->file), mb_path_join(c->ctx, folders[1], b->file)};
    mb_status status = paths[0] != NULL && paths[1] != NULL ? MB_OK : MB_ERR_MEMORY;
    const bool has[2] = {
        status == MB_OK && mb_path_exists(paths[0]), status == MB_OK && mb_path_exists(paths[1])};
    *is_there = has[0] || has[1];
    if (has[0] != has[1]) {
        note(c, "%s has no %s", folders[has[0] ? 1 : 0], b->file);
    } else if (has[0]) {
        status = mb_rows_open(&c->rows[0], c->ctx, paths[0]);
        if (status == MB_OK) {
            status = mb_rows_open(&c->rows[1], c->ctx, paths[1]);
        }
        if (status == MB_OK) {
            status = compare_rows(c);
        }
    }
    mb_rows_close(&c->rows[0]);
    mb_rows_close(&c->rows[1]);
    mb_release(c->ctx, paths[0]);
    mb_release(c->ctx, paths[1]);
    return status;
}

mb_status mb_elinks_verify(
    mb_context *ctx, const char *first, const char *second, mb_answer **out) {
    const char *const folders[2] = {first, second};
    mb_answer *answer = NULL;
    size_t n = 0;
    const char *differing = NULL;
    if (out != NULL) {
        *out = NULL;
    }
    MB_TRY(mb_answer_create(ctx, &answer));
    mb_node *list = mb_answer_put_list(answer, NULL, "blocks");
    mb_status status = MB_OK;
    for (size_t i = 0; status == MB_OK && i < MB_COUNT_OF(blocks); i++) {
        comparison c = {.ctx = ctx};
        bool is_there = false;
        status = compare_block(&c, &blocks[i], folders, &is_there);
        if (status == MB_OK && is_there) {
            n++;
            differing = c.n_differing > 0 && differing == NULL ? blocks[i].name : differing;
            tell(&c, &blocks[i], answer, list);
        }
    }
    if (status == MB_OK && n == 0) {
        status = mb_fail(ctx, MB_ERR_IO,
            "%s, %s: no block of the chip in either; give two folders of elinks emulate", first,
            second);
    }
    mb_answer_put_bool(answer, NULL, "identical", differing == NULL);
    MB_TRY(mb_answer_finish(answer, status, out));
    return differing == NULL
               ? MB_OK
               : mb_fail(ctx, MB_ERR_RANGE,
                     "%s, %s: they differ from the block '%s' on; look at its first row above",
                     first, second, differing);
}
