// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/elinks.h"

#include "base/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

// Every row gets a random key; rows in the order of their keys are a uniform permutation. They are
// first dealt into buckets by key, each small enough for memory, so the order does not depend on
// how many there are.

enum { MOST_BUCKETS = 240, FLUSH = 1 << 16 };

typedef struct record {
    uint64_t key, row;
    uint32_t length; // of the text that follows
} record;

typedef struct bucket {
    mb_output output;
    mb_buffer text;
    char *path;
} bucket;

typedef struct shuffling {
    mb_context *ctx;
    const mb_elinks_shuffle *given;
    const char *directory, *name;
    bool is_forced;
    size_t n_made; // folders
    char *header;
    bucket *buckets;
    size_t n_buckets;
    uint64_t n_rows;
    mb_table table; // that is being filled
    bool is_open;
    uint64_t n_files;
} shuffling;

static mb_status open_buckets(shuffling *s, const mb_names *names) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < names->n; i++) {
        struct stat info;
        const bool is_packed = mb_path_has_suffix(names->name[i], ".gz");
        if (stat(names->name[i], &info) == 0) {
            // Packed rows of charges are a fifth of their text.
            bytes += (uint64_t)info.st_size * (is_packed ? 6 : 1);
        }
    }
    s->n_buckets = (size_t)(bytes / (s->given->memory / 2 + 1)) + 1;
    s->n_buckets = mb_min_size(s->n_buckets, MOST_BUCKETS);
    s->buckets = mb_allocate_zeroed(s->ctx, s->n_buckets, sizeof *s->buckets);
    if (s->buckets == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < s->n_buckets; i++) {
        char name[64];
        bucket *b = &s->buckets[i];
        mb_format(name, sizeof name, ".shuffle-%zu", i);
        b->path = mb_path_join(s->ctx, s->directory, name);
        mb_buffer_init(&b->text, s->ctx);
        if (b->path == NULL) {
            return MB_ERR_MEMORY;
        }
        MB_TRY(mb_output_open(&b->output, s->ctx, b->path));
    }
    return MB_OK;
}

static void close_buckets(shuffling *s) {
    for (size_t i = 0; s->buckets != NULL && i < s->n_buckets; i++) {
        bucket *b = &s->buckets[i];
        if (b->text.ctx != NULL) {
            mb_buffer_clear(&b->text);
        }
        mb_output_abandon(&b->output);
        if (b->path != NULL) {
            remove(b->path);
        }
        mb_release(s->ctx, b->path);
    }
    mb_release(s->ctx, s->buckets);
}

static mb_status flush(bucket *b) {
    MB_TRY(b->text.status);
    MB_TRY(mb_output_write(&b->output, b->text.data, b->text.length));
    b->text.length = 0;
    return MB_OK;
}

static mb_status deal(shuffling *s, const char *text, size_t length) {
    mb_random random = mb_random_stream(
        s->given->seed, MB_PURPOSE_SHUFFLE, (uint32_t)(s->n_rows >> 32), (uint32_t)s->n_rows);
    const record r = {.key = mb_random_u64(&random), .row = s->n_rows, .length = (uint32_t)length};
    bucket *b = &s->buckets[(r.key >> 32) * s->n_buckets >> 32];
    mb_buffer_append(&b->text, &r, sizeof r);
    mb_buffer_append(&b->text, text, length);
    s->n_rows++;
    return b->text.length >= FLUSH ? flush(b) : b->text.status;
}

// As training data are read: a first line of numbers alone begins a table without names.
static bool is_row(const char *text) {
    return text[strspn(text, "+-.0123456789eE \t\r,")] == '\0';
}

static mb_status deal_lines(shuffling *s, mb_lines *lines) {
    for (bool is_first = true;; is_first = false) {
        char *text = NULL;
        size_t length = 0;
        MB_TRY(mb_lines_next(lines, &text, &length));
        if (text == NULL) {
            return is_first ? mb_fail(s->ctx, MB_ERR_FORMAT,
                                  "%s: the file is empty; give a table with a header", lines->name)
                            : MB_OK;
        }
        const bool is_named = is_first && !is_row(text);
        const char *header = is_named ? text : "";
        if (is_first && s->header == NULL) {
            s->header = mb_copy_text(s->ctx, header);
            if (s->header == NULL) {
                return MB_ERR_MEMORY;
            }
        }
        if (is_first && strcmp(s->header, header) != 0) {
            return mb_lines_fail(
                lines, "other columns than the files before; shuffle files of one kind together");
        }
        if (!is_named && text[strspn(text, " \t")] != '\0') {
            MB_TRY(deal(s, text, length));
        }
    }
}

static mb_status deal_file(shuffling *s, const char *path) {
    mb_lines lines;
    mb_status status = mb_lines_open(&lines, s->ctx, path);
    if (status == MB_OK) {
        status = deal_lines(s, &lines);
    }
    mb_lines_close(&lines);
    return status;
}

static mb_status next_file(shuffling *s) {
    char name[320];
    mb_format(name, sizeof name, "%s_%llu.csv", s->name, (unsigned long long)s->n_files);
    char *path = mb_path_join(s->ctx, s->directory, name);
    mb_status status = path != NULL ? mb_check_absent(s->ctx, path, s->is_forced) : MB_ERR_MEMORY;
    if (status == MB_OK) {
        status = mb_table_open(&s->table, s->ctx, path);
    }
    mb_release(s->ctx, path);
    MB_TRY(status);
    s->is_open = true;
    s->n_files++;
    if (s->header[0] != '\0') {
        mb_buffer_text(&s->table.text, s->header);
        mb_csv_end_row(&s->table.text);
    }
    return MB_OK;
}

static mb_status end_file(shuffling *s) {
    if (!s->is_open) {
        return MB_OK;
    }
    s->is_open = false;
    return mb_table_commit(&s->table);
}

static int compare_records(const void *left, const void *right) {
    record a;
    record b;
    memcpy(&a, *(const char *const *)left, sizeof a);
    memcpy(&b, *(const char *const *)right, sizeof b);
    return a.key != b.key ? (a.key > b.key) - (a.key < b.key) : (a.row > b.row) - (a.row < b.row);
}

static mb_status gather_rows(shuffling *s, const char *bytes, size_t length) {
    size_t n = 0;
    size_t capacity = 0;
    const char **rows = NULL;
    mb_status status = MB_OK;
    for (size_t at = 0; status == MB_OK && at < length;) {
        record r;
        memcpy(&r, bytes + at, sizeof r);
        status = mb_grow(s->ctx, &rows, &capacity, n + 1, sizeof *rows);
        if (status == MB_OK) {
            rows[n++] = bytes + at;
        }
        at += sizeof r + r.length;
    }
    if (status == MB_OK && n > 0) {
        qsort(rows, n, sizeof *rows, compare_records);
    }
    for (size_t i = 0; status == MB_OK && i < n; i++) {
        record r;
        memcpy(&r, rows[i], sizeof r);
        if (s->is_open && s->table.n_rows == s->given->rows_per_file) {
            status = end_file(s);
        }
        if (status == MB_OK && !s->is_open) {
            status = next_file(s);
        }
        if (status == MB_OK) {
            mb_buffer_append(&s->table.text, rows[i] + sizeof r, r.length);
            status = mb_table_end_row(&s->table);
        }
    }
    mb_release(s->ctx, rows);
    return status;
}

static mb_status gather(shuffling *s) {
    for (size_t i = 0; i < s->n_buckets; i++) {
        bucket *b = &s->buckets[i];
        char *bytes = NULL;
        size_t length = 0;
        MB_TRY(flush(b));
        mb_buffer_clear(&b->text);
        MB_TRY(mb_output_commit(&b->output));
        MB_TRY(mb_read_file(s->ctx, b->path, &bytes, &length));
        remove(b->path);
        const mb_status status = gather_rows(s, bytes, length);
        mb_release(s->ctx, bytes);
        MB_TRY(status);
    }
    return end_file(s);
}

static mb_status shuffle(shuffling *s, const mb_names *names) {
    MB_TRY(mb_make_directories(s->ctx, s->directory, &s->n_made));
    MB_TRY(open_buckets(s, names));
    for (size_t i = 0; i < names->n; i++) {
        MB_TRY(deal_file(s, names->name[i]));
    }
    if (s->n_rows == 0) {
        return mb_fail(s->ctx, MB_ERR_FORMAT, "%s: no row behind the header; nothing to shuffle",
            names->name[0]);
    }
    return gather(s);
}

mb_status mb_elinks_shuffle_files(mb_context *ctx, const char *const *files, size_t n,
    const mb_elinks_shuffle *settings, const char *directory, bool is_forced, mb_answer **out) {
    shuffling s = {.ctx = ctx,
        .given = settings,
        .directory = directory,
        .name = settings->name != NULL ? settings->name : "shuffled",
        .is_forced = is_forced};
    mb_names names = {.ctx = ctx};
    mb_answer *answer = NULL;
    if (settings->rows_per_file == 0) {
        return mb_fail(ctx, MB_ERR_ARG, "rows per file: 0; give at least 1");
    }
    MB_TRY(mb_answer_create(ctx, &answer));
    mb_status status = mb_elinks_list(ctx, files, n, &names);
    if (status == MB_OK) {
        status = shuffle(&s, &names);
    }
    if (status == MB_OK) {
        mb_answer_put_int(answer, NULL, "rows", (int64_t)s.n_rows);
        mb_answer_put_int(answer, NULL, "files", (int64_t)s.n_files);
        mb_answer_put_int(answer, NULL, "parts", (int64_t)s.n_buckets);
        mb_answer_put_text(answer, NULL, "directory", directory);
        mb_answer_line(answer, "%s: %llu rows shuffled, %llu files, in %zu parts", directory,
            (unsigned long long)s.n_rows, (unsigned long long)s.n_files, s.n_buckets);
    }
    mb_table_abandon(&s.table);
    close_buckets(&s);
    if (status != MB_OK) {
        mb_unmake_directories(directory, s.n_made);
    }
    mb_release(ctx, s.header);
    mb_names_clear(&names);
    return mb_answer_finish(answer, status, out);
}
