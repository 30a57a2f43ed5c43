// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/elinks.h"

// Rows of charges into a file for each allocation, layer and number of links.

enum { ADDED = 5, MOST_FILES = 256 };
static const char *const added[ADDED] = {"layer", "waferu", "waferv", "HD_LD", "ModType"};

typedef struct target {
    bool is_signal;
    int layer;
    unsigned links;
    mb_table table;
    size_t n_made; // folders
} target;

typedef struct splitting {
    mb_context *ctx;
    const mb_elinks_split *given;
    const char *directory;
    bool is_forced;
    bool is_wanted[2]; // pu, signal
    mb_chip_modules modules;
    int module[3]; // of all rows
    mb_rows rows;
    int charges[MB_CHIP_CELLS], place[ADDED], entry;
    char stem[256];
    target *targets;
    size_t n_targets;
    uint64_t n_rows, n_empty, n_dropped, n_written[2], n_files;
} splitting;

static mb_status find_columns(splitting *s) {
    MB_TRY(mb_rows_find_series(&s->rows, "CALQ_", MB_CHIP_CELLS, s->charges));
    for (size_t i = 0; i < ADDED; i++) {
        s->place[i] = mb_rows_column(&s->rows, added[i]);
    }
    s->entry = mb_rows_column(&s->rows, "entry");
    if (s->given->module == NULL && (s->place[0] < 0 || s->place[1] < 0 || s->place[2] < 0)) {
        return mb_fail(s->ctx, MB_ERR_FORMAT,
            "%s:1: no columns layer, waferu, waferv; say of which module the rows are with "
            "--module LAYER,U,V",
            s->rows.lines.name);
    }
    if (s->entry < 0 && (s->given->job > 0 || s->given->is_negative)) {
        return mb_fail(s->ctx, MB_ERR_FORMAT,
            "%s:1: no column entry to add the job's and the side's offset to; leave --job and "
            "--negative out",
            s->rows.lines.name);
    }
    return MB_OK;
}

static char *folder_of(const splitting *s, const target *t) {
    char path[768];
    const char *kind = t->is_signal ? "Signal" : "PU";
    mb_format(
        path, sizeof path, "%s_TrainingData_%sAllocation/nElinks_%u", s->stem, kind, t->links);
    return mb_path_join(s->ctx, s->directory, path);
}

static mb_status open_target(splitting *s, target *t) {
    char path[768];
    char *folder = folder_of(s, t);
    mb_format(path, sizeof path, "%s_Layer%d_%uLinks.csv", s->stem, t->layer, t->links);
    char *file = folder != NULL ? mb_path_join(s->ctx, folder, path) : NULL;
    mb_status status =
        file != NULL ? mb_make_directories(s->ctx, folder, &t->n_made) : MB_ERR_MEMORY;
    if (status == MB_OK) {
        status = mb_check_absent(s->ctx, file, s->is_forced);
    }
    if (status == MB_OK) {
        status = mb_table_open(&t->table, s->ctx, file);
    }
    mb_release(s->ctx, folder);
    mb_release(s->ctx, file);
    MB_TRY(status);
    for (size_t i = 0; i < s->rows.n_columns; i++) {
        mb_csv_put_text(&t->table.text, i == 0, s->rows.name[i]);
    }
    for (size_t i = 0; i < ADDED; i++) {
        if (s->place[i] < 0) {
            mb_csv_put_text(&t->table.text, false, added[i]);
        }
    }
    mb_csv_end_row(&t->table.text);
    return MB_OK;
}

static mb_status find_target(
    splitting *s, bool is_signal, int layer, unsigned links, target **out) {
    for (size_t i = 0; i < s->n_targets; i++) {
        target *t = &s->targets[i];
        if (t->is_signal == is_signal && t->layer == layer && t->links == links) {
            *out = t;
            return MB_OK;
        }
    }
    if (s->n_targets == MOST_FILES) {
        return mb_fail(s->ctx, MB_ERR_LIMIT,
            "%s: rows for more than %d files; split the layers apart first", s->rows.lines.name,
            MOST_FILES);
    }
    *out = &s->targets[s->n_targets++];
    **out = (target){.is_signal = is_signal, .layer = layer, .links = links};
    return open_target(s, *out);
}

static mb_status put_row(splitting *s, target *t, const mb_chip_module *m) {
    mb_buffer *text = &t->table.text;
    for (size_t i = 0; i < s->rows.n_columns; i++) {
        if ((int)i == s->entry) {
            uint64_t entry = 0;
            MB_TRY(mb_rows_count(&s->rows, s->entry, UINT64_C(1) << 53, &entry));
            entry += 10000 * s->given->job + (s->given->is_negative ? 5000 : 0);
            mb_csv_put_int64(text, i == 0, (int64_t)entry);
        } else {
            mb_csv_put_text(text, i == 0, s->rows.field[i]);
        }
    }
    const int numbers[3] = {m->layer, m->u, m->v};
    for (size_t i = 0; i < ADDED; i++) {
        if (s->place[i] >= 0) {
            continue;
        }
        if (i < 3) {
            mb_csv_put_int64(text, false, numbers[i]);
        } else {
            mb_csv_put_text(text, false, i == 4 ? m->type : m->is_high_density ? "HD" : "LD");
        }
    }
    s->n_written[t->is_signal]++;
    return mb_table_end_row(&t->table);
}

static mb_status read_place(splitting *s, int at[3]) {
    memcpy(at, s->module, sizeof s->module);
    for (size_t i = 0; s->given->module == NULL && i < 3; i++) {
        double value = 0;
        MB_TRY(mb_rows_number(&s->rows, s->place[i], &value));
        if (!(value >= -1000 && value <= 1000) || value != (int)value) {
            return mb_lines_fail(&s->rows.lines, "column %s is %.40s; it is a whole number",
                added[i], s->rows.field[s->place[i]]);
        }
        at[i] = (int)value;
    }
    return MB_OK;
}

static mb_status sum_charges(splitting *s, uint64_t *sum) {
    *sum = 0;
    for (size_t i = 0; i < MB_CHIP_CELLS; i++) {
        uint64_t charge = 0;
        MB_TRY(mb_rows_count(&s->rows, s->charges[i], MB_CHIP_CHARGE_MOST, &charge));
        *sum += charge;
    }
    return MB_OK;
}

static mb_status split_row(splitting *s) {
    int at[3];
    uint64_t sum = 0;
    MB_TRY(sum_charges(s, &sum));
    MB_TRY(read_place(s, at));
    s->n_rows++;
    if (sum == 0) {
        s->n_empty++;
        return MB_OK;
    }
    const mb_chip_module *m = mb_chip_module_find(&s->modules, at[0], at[1], at[2]);
    if (m == NULL) {
        return mb_fail(s->ctx, MB_ERR_RANGE,
            "%s:%llu: module %d,%d,%d is not in %s; take the table of this geometry",
            s->rows.lines.name, (unsigned long long)s->rows.lines.line, at[0], at[1], at[2],
            s->given->modules);
    }
    for (size_t is_signal = 0; is_signal < 2; is_signal++) {
        target *t = NULL;
        const unsigned links = mb_chip_module_links(m, is_signal == 1);
        if (!s->is_wanted[is_signal]) {
            continue;
        }
        if (links == 0 && !s->given->is_dropping) {
            return mb_fail(s->ctx, MB_ERR_RANGE,
                "%s:%llu: module %d,%d,%d has no links in the %s allocation, it is not read out; "
                "leave such rows out with --on-bad drop",
                s->rows.lines.name, (unsigned long long)s->rows.lines.line, at[0], at[1], at[2],
                is_signal == 1 ? "signal" : "pu");
        }
        if (links == 0) {
            s->n_dropped++;
            continue;
        }
        MB_TRY(find_target(s, is_signal == 1, m->layer, links, &t));
        MB_TRY(put_row(s, t, m));
    }
    return MB_OK;
}

static mb_status split_rows(splitting *s, const char *path) {
    MB_TRY(mb_rows_open(&s->rows, s->ctx, path));
    MB_TRY(find_columns(s));
    mb_elinks_stem(path, s->stem, sizeof s->stem);
    for (;;) {
        bool has_row = false;
        MB_TRY(mb_rows_next(&s->rows, &has_row));
        if (!has_row) {
            break;
        }
        MB_TRY(split_row(s));
    }
    for (size_t i = 0; i < s->n_targets; i++) {
        MB_TRY(mb_table_commit(&s->targets[i].table));
    }
    s->n_files += s->n_targets;
    return MB_OK;
}

static mb_status split_file(splitting *s, const char *path) {
    const mb_status status = split_rows(s, path);
    // Backwards, as a folder may lie in one that was made for a file before.
    for (size_t i = s->n_targets; i-- > 0;) {
        mb_table_abandon(&s->targets[i].table);
        char *folder = status != MB_OK ? folder_of(s, &s->targets[i]) : NULL;
        if (folder != NULL) {
            mb_unmake_directories(folder, s->targets[i].n_made);
        }
        mb_release(s->ctx, folder);
    }
    s->n_targets = 0;
    mb_rows_close(&s->rows);
    return status;
}

static mb_status open_splitting(splitting *s) {
    const char *allocation = s->given->allocation;
    s->is_wanted[0] = allocation == NULL || strcmp(allocation, "pu") == 0;
    s->is_wanted[1] = allocation == NULL || strcmp(allocation, "signal") == 0;
    if (!s->is_wanted[0] && !s->is_wanted[1]) {
        return mb_fail(
            s->ctx, MB_ERR_ARG, "allocation: '%s' is not known; take signal or pu", allocation);
    }
    if (s->given->job > 1000000000) {
        return mb_fail(s->ctx, MB_ERR_ARG, "job: %llu is too large; number jobs from 0",
            (unsigned long long)s->given->job);
    }
    if (s->given->module != NULL) {
        MB_TRY(mb_elinks_module_parse(s->ctx, s->given->module, s->module));
    }
    s->targets = mb_allocate_zeroed(s->ctx, MOST_FILES, sizeof *s->targets);
    return s->targets != NULL ? mb_chip_modules_read(s->ctx, s->given->modules, &s->modules)
                              : MB_ERR_MEMORY;
}

static void tell(const splitting *s, mb_answer *answer) {
    mb_answer_put_int(answer, NULL, "rows", (int64_t)s->n_rows);
    mb_answer_put_int(answer, NULL, "empty", (int64_t)s->n_empty);
    mb_answer_put_int(answer, NULL, "dropped", (int64_t)s->n_dropped);
    mb_answer_put_int(answer, NULL, "pu", (int64_t)s->n_written[0]);
    mb_answer_put_int(answer, NULL, "signal", (int64_t)s->n_written[1]);
    mb_answer_put_int(answer, NULL, "files", (int64_t)s->n_files);
    mb_answer_line(answer,
        "%s: %llu rows, %llu of them empty; %llu rows for signal, %llu for pu, %llu left out, in "
        "%llu files",
        s->directory, (unsigned long long)s->n_rows, (unsigned long long)s->n_empty,
        (unsigned long long)s->n_written[1], (unsigned long long)s->n_written[0],
        (unsigned long long)s->n_dropped, (unsigned long long)s->n_files);
}

mb_status mb_elinks_split_files(mb_context *ctx, const char *const *files, size_t n,
    const mb_elinks_split *settings, const char *directory, bool is_forced, mb_answer **out) {
    splitting s = {.ctx = ctx, .given = settings, .directory = directory, .is_forced = is_forced};
    mb_names names = {.ctx = ctx};
    mb_answer *answer = NULL;
    MB_TRY(mb_answer_create(ctx, &answer));
    mb_status status = open_splitting(&s);
    if (status == MB_OK) {
        status = mb_elinks_list(ctx, files, n, &names);
    }
    for (size_t i = 0; status == MB_OK && i < names.n; i++) {
        status = split_file(&s, names.name[i]);
    }
    if (status == MB_OK && s.n_files == 0) {
        status = mb_fail(
            ctx, MB_ERR_RANGE, "%s: no row with charge; nothing is left to split", names.name[0]);
    }
    if (status == MB_OK) {
        tell(&s, answer);
    }
    mb_names_clear(&names);
    mb_chip_modules_clear(&s.modules);
    mb_release(ctx, s.targets);
    return mb_answer_finish(answer, status, out);
}
