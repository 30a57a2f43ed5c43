// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/numbers.h"
#include "base/output.h"
#include "draw/figures_training.h"
#include "files/yaml.h"
#include "study/history.h"
#include "study/page.h"
#include "study/scan_file.h"

#include <math.h>

// report.html of a scan, made from the files in its folder, or from a table alone.

enum { FIRST_ROWS = 10, MOST_ROWS = 200 };

typedef struct scan_page {
    mb_page page;
    const mb_scan_file *file;
    const char *folder; // of the scan; NULL: a table alone
    const char *best;   // folder of the best trial; NULL: none
    mb_gallery *gallery;
    bool has_figures;
} scan_page;

static bool is_csv(const char *path) {
    const size_t n = strlen(path);
    return n > 4 && strcmp(path + n - 4, ".csv") == 0 && mb_path_exists(path) &&
           !mb_path_is_directory(path);
}

bool mb_scan_is_report_of(const char *path) {
    char table[4096];
    mb_format(table, sizeof table, "%s/trials.csv", path);
    return is_csv(path) || (mb_path_is_directory(path) && mb_path_exists(table));
}

static double sum_of(const mb_scan_file *file, const char *name) {
    double sum = 0;
    for (size_t j = 0; j < file->csv.n_columns; j++) {
        for (size_t i = 0;
             strcmp(mb_csv_column_name(&file->csv, j), name) == 0 && i < file->csv.n_rows; i++) {
            double value = 0;
            sum += mb_text_to_double(mb_csv_field(&file->csv, i, j), &value) ? value : 0;
        }
    }
    return sum;
}

static void add_tiles(const scan_page *s) {
    const mb_scan_columns *columns = &s->file->columns;
    const mb_page *p = &s->page;
    mb_report_tile tiles[4];
    size_t n = 0;
    const size_t n_rows = s->file->csv.n_rows;
    tiles[n++] = (mb_report_tile){mb_page_number(p, (double)n_rows, "%.0f"), "trials",
        columns->n == n_rows
            ? NULL
            : mb_arena_format(p->arena, p->ctx, "%zu trained to the end", columns->n)};
    if (columns->n > 0) {
        tiles[n++] = (mb_report_tile){mb_page_number(p, columns->value[columns->order[0]], "%.4f"),
            mb_arena_format(p->arena, p->ctx, "best %s", columns->figure), "of the last epoch"};
    }
    tiles[n++] = (mb_report_tile){mb_page_number(p, (double)columns->n_slices, "%.0f"),
        "parameters", "with more than one value"};
    const double seconds = sum_of(s->file, "duration");
    if (seconds > 0) {
        tiles[n++] = (mb_report_tile){
            mb_page_number(p, seconds, "%.1f s"), "training time", "of all trials together"};
    }
    mb_report_tiles(p->report, tiles, n);
}

// Numbers are cut to what a person reads; the CSV has them all.
static const char *cell_of(const scan_page *s, size_t row, size_t column) {
    const char *text = mb_csv_field(&s->file->csv, row, column);
    double value = 0;
    const bool is_number = s->file->kinds[column] != MB_SCAN_COLUMN_PARAMETER &&
                           s->file->kinds[column] != MB_SCAN_COLUMN_ERROR && strlen(text) > 7 &&
                           mb_text_to_double(text, &value);
    return is_number ? mb_page_number(&s->page, value, "%.5g") : text;
}

static bool is_shown(const scan_page *s, size_t column) {
    const char *name = mb_csv_column_name(&s->file->csv, column);
    if (s->file->kinds[column] == MB_SCAN_COLUMN_ERROR) {
        return s->file->columns.n < s->file->csv.n_rows;
    }
    return strcmp(name, "start") != 0 && strcmp(name, "end") != 0;
}

static mb_status add_table(const scan_page *s, const char *caption, size_t most) {
    const mb_csv *csv = &s->file->csv;
    const mb_page *p = &s->page;
    const size_t n_rows = mb_min_size(csv->n_rows, most);
    const char **head = mb_arena_allocate(p->arena, p->ctx, csv->n_columns + 1, sizeof *head);
    const char **cells =
        mb_arena_allocate(p->arena, p->ctx, n_rows * (csv->n_columns + 1) + 1, sizeof *cells);
    if (head == NULL || cells == NULL) {
        return MB_ERR_MEMORY;
    }
    size_t n = 1;
    head[0] = "row";
    for (size_t j = 0; j < csv->n_columns; j++) {
        if (is_shown(s, j)) {
            head[n++] = mb_csv_column_name(csv, j);
        }
    }
    size_t at = 0;
    for (size_t i = 0; i < n_rows; i++) {
        const size_t row = s->file->rows[i];
        cells[at++] = mb_page_number(p, (double)row, "%.0f");
        for (size_t j = 0; j < csv->n_columns; j++) {
            if (is_shown(s, j)) {
                cells[at++] = cell_of(s, row, j);
            }
        }
    }
    mb_report_table(p->report, caption, head, n, cells, n_rows);
    return MB_OK;
}

static mb_status add_tables(const scan_page *s) {
    const mb_page *p = &s->page;
    const char *caption = mb_arena_format(p->arena, p->ctx,
        "By %s of the last epoch, the best first; trials that did not train to the end come last.",
        s->file->columns.figure);
    if (caption == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_report_heading(p->report, 2, "Trials");
    MB_TRY(add_table(s, caption, FIRST_ROWS));
    if (s->file->csv.n_rows > FIRST_ROWS) {
        const bool is_long = s->file->csv.n_rows > MOST_ROWS;
        mb_report_details_begin(p->report, "All trials");
        MB_TRY(add_table(
            s, is_long ? "The first two hundred; the table's file has all." : NULL, MOST_ROWS));
        mb_report_details_end(p->report);
    }
    return MB_OK;
}

static size_t best_value(const mb_scan_columns *columns, const mb_scan_slice *slice) {
    size_t best = 0;
    for (size_t v = 1; v < slice->n_values; v++) {
        const bool is_better = columns->is_better_higher ? slice->mean[v] > slice->mean[best]
                                                         : slice->mean[v] < slice->mean[best];
        best = is_better ? v : best;
    }
    return best;
}

static mb_status add_parameters(const scan_page *s) {
    const mb_scan_columns *columns = &s->file->columns;
    const mb_page *p = &s->page;
    enum { N_COLUMNS = 6 };
    const char *head[N_COLUMNS] = {"parameter", "values", "share of variance", "above chance",
        "best value on average", "mean there"};
    const char **cells =
        mb_arena_allocate(p->arena, p->ctx, N_COLUMNS * columns->n_slices + 1, sizeof *cells);
    if (cells == NULL) {
        return MB_ERR_MEMORY;
    }
    if (columns->n_slices == 0) {
        return MB_OK;
    }
    for (size_t k = 0; k < columns->n_slices; k++) {
        const mb_scan_slice *slice = &columns->slices[k];
        const size_t best = best_value(columns, slice);
        const char **row = &cells[k * N_COLUMNS];
        row[0] = slice->name;
        row[1] = mb_page_number(p, (double)slice->n_values, "%.0f");
        row[2] = mb_page_number(p, slice->share, "%.3f");
        row[3] = mb_page_number(p, slice->share_above_chance, "%.3f");
        row[4] = slice->values[best];
        row[5] = mb_page_number(p, slice->mean[best], "%.5g");
    }
    mb_report_heading(p->report, 2, "Parameters");
    mb_report_table(p->report,
        "Share: variance between the means at each value of the parameter, of all variance over "
        "the trials (the correlation ratio); above chance: with both variances estimated without "
        "bias, so that a parameter without effect has 0 on average. Only trials that trained to "
        "the end count.",
        head, N_COLUMNS, cells, columns->n_slices);
    return MB_OK;
}

static mb_status draw_history(const scan_page *s) {
    mb_history history;
    mb_document record = {0};
    mb_status status = mb_history_read(&history, s->page.ctx, s->best);
    if (status == MB_OK) {
        status = mb_run_read_json(s->page.ctx, s->best, "training.json", &record);
    }
    if (status == MB_OK && history.n > 0) {
        char title[64];
        mb_format(title, sizeof title, "trial %.0f", mb_node_number(record.root, "trial"));
        const mb_training_columns columns = {.title = title,
            .epoch = history.epoch,
            .loss = history.loss,
            .val_loss = history.val_loss,
            .val_accuracy = history.val_accuracy,
            .best_epoch = mb_node_number(record.root, "best_epoch")};
        status = mb_draw_training(s->gallery, s->page.ctx, "best_history", &columns);
    }
    mb_document_clear(&record);
    mb_history_clear(&history);
    return status;
}

// What the best trial's record says of the events holds for all trials.
static mb_status add_origin(const scan_page *s) {
    mb_document record = {0};
    MB_TRY(mb_run_read_json(s->page.ctx, s->best, "training.json", &record));
    mb_page_add_origin(&s->page, record.root);
    mb_document_clear(&record);
    return MB_OK;
}

static mb_status draw(const scan_page *s) {
    mb_context *ctx = s->page.ctx;
    MB_TRY(mb_draw_scan_slices(s->gallery, ctx, &s->file->columns));
    MB_TRY(mb_draw_scan_importance(s->gallery, ctx, &s->file->columns));
    MB_TRY(mb_draw_scan_parallel(s->gallery, ctx, &s->file->columns));
    if (s->best != NULL) {
        MB_TRY(draw_history(s));
    }
    return mb_gallery_draw(s->gallery, ctx);
}

static void add_figure(const scan_page *s, const char *name) {
    const mb_gallery_entry *entry = mb_gallery_find(s->gallery, name);
    if (entry != NULL) {
        mb_report_figure(s->page.report, entry);
    }
}

static mb_status add_body(const scan_page *s) {
    const mb_page *p = &s->page;
    if (s->best != NULL) {
        MB_TRY(add_origin(s));
    }
    add_tiles(s);
    if (s->has_figures) {
        MB_TRY(draw(s));
    }
    MB_TRY(add_tables(s));
    add_figure(s, "scan_parallel");
    MB_TRY(add_parameters(s));
    add_figure(s, "scan_importance");
    add_figure(s, "scan_slices");
    if (s->best != NULL) {
        mb_report_heading(p->report, 2, "The best trial");
        add_figure(s, "best_history");
        MB_TRY(mb_page_add_model(p, s->best));
        MB_TRY(mb_page_add_file(p, "best/study.yaml", "Its study, to be run again"));
    }
    if (s->folder != NULL) {
        mb_report_heading(p->report, 2, "Settings");
        MB_TRY(mb_page_add_file(p, "conclusion.txt", "What the scan came to"));
        MB_TRY(mb_page_add_file(p, "study.yaml", "The study that was scanned"));
        MB_TRY(mb_page_add_file(p, "log.txt", "Log"));
    }
    mb_report_footer(p->report, "minbias %s", mb_version());
    return MB_OK;
}

// scan.sort of the stored study, the study's name, and whether it wants figures.
static mb_status read_study(scan_page *s, const char **sort, const char **title) {
    mb_context *ctx = s->page.ctx;
    mb_arena *arena = s->page.arena;
    const char *path = mb_run_file(ctx, arena, s->folder, "study.yaml");
    if (path == NULL) {
        return MB_ERR_MEMORY;
    }
    if (!mb_path_exists(path)) {
        return MB_OK;
    }
    mb_document document = {0};
    MB_TRY(mb_yaml_read(ctx, path, &document));
    const mb_node *scan = mb_node_find(document.root, "scan");
    const char *name = mb_node_text(mb_node_find(document.root, "study"));
    const char *text = mb_node_text(mb_node_find(scan, "sort"));
    const mb_node *figures = mb_node_find(mb_node_find(document.root, "evaluate"), "figures");
    s->has_figures = figures == NULL || figures->kind != MB_NODE_BOOL || figures->boolean;
    *sort = text != NULL ? mb_arena_text(arena, ctx, text) : NULL;
    *title = name != NULL ? mb_arena_format(arena, ctx, "Scan of %s", name) : *title;
    mb_document_clear(&document);
    return *title != NULL && (text == NULL || *sort != NULL) ? MB_OK : MB_ERR_MEMORY;
}

static mb_status write_page(scan_page *s, const char *table, const char *plots, const char *path) {
    mb_context *ctx = s->page.ctx;
    const char *sort = NULL;
    const char *title = "Scan";
    mb_scan_file file = {.ctx = NULL};
    mb_status status = s->folder != NULL ? read_study(s, &sort, &title) : MB_OK;
    if (status == MB_OK) {
        status = mb_scan_file_read(&file, ctx, table, sort);
    }
    s->file = &file;
    if (status == MB_OK) {
        status = mb_gallery_open(ctx, plots, NULL, &s->gallery);
    }
    if (status == MB_OK) {
        s->page.report = mb_report_create(ctx, title, s->folder != NULL ? s->folder : table);
        status = s->page.report == NULL ? MB_ERR_MEMORY : add_body(s);
    }
    if (status == MB_OK) {
        status = mb_report_write(s->page.report, ctx, path);
    }
    mb_report_destroy(s->page.report);
    mb_gallery_destroy(s->gallery);
    mb_scan_file_clear(&file);
    return status;
}

// Without the last four letters of .csv or .html, or whole.
static int stem_of(const char *path) {
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(slash != NULL ? slash : path, '.');
    return (int)mb_min_size(dot != NULL ? (size_t)(dot - path) : strlen(path), 4000);
}

mb_status mb_scan_make_report(
    mb_context *ctx, mb_arena *arena, const char *path, const char *page, const char **written) {
    scan_page s = {.page = {.ctx = ctx, .arena = arena, .directory = path}, .has_figures = true};
    const char *table = path;
    const char *plots = NULL;
    if (mb_path_is_directory(path)) {
        s.folder = path;
        table = mb_run_file(ctx, arena, path, "trials.csv");
        plots = mb_run_file(ctx, arena, path, "plots");
        *written = page != NULL ? page : mb_run_file(ctx, arena, path, "report.html");
        const char *record = mb_run_file(ctx, arena, path, "best/training.json");
        if (record == NULL) {
            return MB_ERR_MEMORY;
        }
        s.best = mb_path_exists(record) ? mb_run_file(ctx, arena, path, "best") : NULL;
    } else {
        *written =
            page != NULL ? page : mb_arena_format(arena, ctx, "%.*s.html", stem_of(path), path);
        plots = *written != NULL
                    ? mb_arena_format(arena, ctx, "%.*s_plots", stem_of(*written), *written)
                    : NULL;
    }
    if (table == NULL || plots == NULL || *written == NULL) {
        return MB_ERR_MEMORY;
    }
    return write_page(&s, table, plots, *written);
}

mb_status mb_scan_report(
    mb_context *ctx, const char *path, const char *page, bool is_forced, mb_answer **out) {
    mb_answer *answer = NULL;
    const char *written = NULL;
    mb_arena arena;
    mb_arena_init(&arena, ctx);
    mb_status status = page != NULL ? mb_check_absent(ctx, page, is_forced) : MB_OK;
    if (status == MB_OK) {
        status = mb_answer_create(ctx, &answer);
    }
    if (status == MB_OK) {
        status = mb_scan_make_report(ctx, &arena, path, page, &written);
    }
    if (status == MB_OK) {
        mb_answer_put_text(answer, NULL, "report", written);
        mb_answer_line(answer, "%s: the report", written);
    }
    mb_arena_clear(&arena);
    return answer == NULL ? status : mb_answer_finish(answer, status, out);
}
