// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/elinks.h"

// Rows of whole modules with simulated energy.

typedef struct skimming {
    mb_context *ctx;
    bool is_forced;
    uint64_t n_rows, n_kept, n_files;
} skimming;

static bool is_whole(const char *type) {
    return strcmp(type, "FI") == 0 || strcmp(type, "FM") == 0 || strcmp(type, "FO") == 0;
}

static void put_fields(mb_table *table, const char *const *fields, size_t n) {
    for (size_t i = 0; i < n; i++) {
        mb_csv_put_text(&table->text, i == 0, fields[i]);
    }
}

static mb_status skim_rows(skimming *s, mb_rows *rows, mb_table *table) {
    int energy = 0;
    int type = 0;
    if (mb_rows_column(rows, "SimEnergyTotal") < 0) {
        return mb_fail(s->ctx, MB_ERR_FORMAT,
            "%s:1: no column SimEnergyTotal, by which skim chooses: it keeps the rows of whole "
            "modules with simulated energy; give a table that tells it, or take the rows as they "
            "are",
            rows->lines.name);
    }
    MB_TRY(mb_rows_find(rows, "SimEnergyTotal", &energy));
    MB_TRY(mb_rows_find(rows, "ModType", &type));
    put_fields(table, rows->name, rows->n_columns);
    mb_csv_end_row(&table->text);
    for (;;) {
        bool has_row = false;
        double value = 0;
        MB_TRY(mb_rows_next(rows, &has_row));
        if (!has_row) {
            break;
        }
        MB_TRY(mb_rows_number(rows, energy, &value));
        s->n_rows++;
        if (value > 0 && is_whole(rows->field[type])) {
            put_fields(table, rows->field, rows->n_columns);
            MB_TRY(mb_table_end_row(table));
        }
    }
    s->n_kept += table->n_rows;
    s->n_files++;
    return mb_table_commit(table);
}

static mb_status skim_file(skimming *s, const char *input, const char *output) {
    mb_rows rows = {.header = NULL};
    mb_table table = {.n_rows = 0};
    mb_status status = mb_check_absent(s->ctx, output, s->is_forced);
    if (status == MB_OK) {
        status = mb_rows_open(&rows, s->ctx, input);
    }
    if (status == MB_OK) {
        status = mb_table_open(&table, s->ctx, output);
    }
    if (status == MB_OK) {
        status = skim_rows(s, &rows, &table);
    }
    mb_table_abandon(&table);
    mb_rows_close(&rows);
    return status;
}

// The same place below the other folder, without .gz.
static mb_status skim_below(skimming *s, const char *folder, const char *path, const char *output) {
    const char *rest = path + strlen(folder);
    rest += strspn(rest, "/");
    char *target = mb_path_join(s->ctx, output, rest);
    if (target == NULL) {
        return MB_ERR_MEMORY;
    }
    if (mb_path_has_suffix(target, ".gz")) {
        target[strlen(target) - 3] = '\0';
    }
    char *slash = strrchr(target, '/');
    *slash = '\0';
    size_t n_made = 0;
    mb_status status = mb_make_directories(s->ctx, target, &n_made);
    *slash = '/';
    if (status == MB_OK) {
        status = skim_file(s, path, target);
    }
    if (status != MB_OK) {
        *slash = '\0';
        mb_unmake_directories(target, n_made);
    }
    mb_release(s->ctx, target);
    return status;
}

static mb_status skim_folder(skimming *s, const char *input, const char *output) {
    char *folder = mb_path_join(s->ctx, input, "");
    mb_names names = {.ctx = s->ctx};
    if (folder == NULL) {
        return MB_ERR_MEMORY;
    }
    const char *const paths[] = {folder};
    mb_status status = mb_elinks_list(s->ctx, paths, 1, &names);
    for (size_t i = 0; status == MB_OK && i < names.n; i++) {
        status = skim_below(s, folder, names.name[i], output);
    }
    mb_names_clear(&names);
    mb_release(s->ctx, folder);
    return status;
}

mb_status mb_elinks_skim(
    mb_context *ctx, const char *input, const char *output, bool is_forced, mb_answer **out) {
    skimming s = {.ctx = ctx, .is_forced = is_forced};
    mb_answer *answer = NULL;
    MB_TRY(mb_answer_create(ctx, &answer));
    const mb_status status =
        mb_path_is_directory(input) ? skim_folder(&s, input, output) : skim_file(&s, input, output);
    if (status == MB_OK) {
        mb_answer_put_int(answer, NULL, "rows", (int64_t)s.n_rows);
        mb_answer_put_int(answer, NULL, "kept", (int64_t)s.n_kept);
        mb_answer_put_int(answer, NULL, "files", (int64_t)s.n_files);
        mb_answer_put_text(answer, NULL, "output", output);
        mb_answer_line(answer, "%s: %llu of %llu rows kept, %llu files", output,
            (unsigned long long)s.n_kept, (unsigned long long)s.n_rows,
            (unsigned long long)s.n_files);
    }
    return mb_answer_finish(answer, status, out);
}
