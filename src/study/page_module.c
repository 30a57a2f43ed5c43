// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/output.h"
#include "base/words.h"
#include "draw/gallery.h"
#include "files/csv.h"
#include "study/page.h"
#include "study/run.h"

// Modules of the concentrator in report.html: what each way to encode them loses.

enum { N_COLUMNS = 9 };

static mb_status add_row(const mb_page *p, const mb_csv *table, size_t row, const char **cells) {
    double number[9];
    for (size_t k = 0; k < MB_COUNT_OF(number); k++) {
        MB_TRY(mb_csv_number(table, row, k + 3, &number[k]));
    }
    const char *model = mb_csv_field(table, row, 0);
    const char *algorithm = mb_csv_field(table, row, 1);
    const double rows = number[6] > 0 ? number[6] : 1;
    cells[0] = mb_arena_text(p->arena, p->ctx, model[0] != '\0' ? model : algorithm);
    cells[1] = mb_arena_text(p->arena, p->ctx, mb_csv_field(table, row, 2));
    cells[2] = mb_page_number(p, number[0], "%.4f");
    cells[3] = mb_page_number(p, number[1], "%.4f");
    cells[4] = mb_page_number(p, number[2], "%.4f");
    cells[5] = mb_page_number(p, number[3], "%.4f");
    cells[6] = mb_page_number(p, number[4], "%.4f");
    cells[7] = mb_page_number(p, number[5], "%.4f");
    cells[8] = mb_page_number(p, 100 * number[8] / rows, "%.2f");
    return cells[0] != NULL && cells[1] != NULL ? MB_OK : MB_ERR_MEMORY;
}

static mb_status add_scores(const mb_page *p, const mb_csv *table) {
    static const char *const head[N_COLUMNS] = {"encoded by", "metric", "mean", "its error",
        "spread", "median", "16 %", "84 %", "nothing left, %"};
    const char **cells =
        mb_arena_allocate(p->arena, p->ctx, table->n_rows * N_COLUMNS + 1, sizeof *cells);
    if (cells == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t row = 0; row < table->n_rows; row++) {
        MB_TRY(add_row(p, table, row, cells + row * N_COLUMNS));
    }
    mb_report_table(p->report,
        "What each way to encode the modules loses, on rows that no model was trained on. Modules "
        "of which nothing is left have no value.",
        head, N_COLUMNS, cells, table->n_rows);
    return MB_OK;
}

// The figures of a folder: those named first, then with_others all others.
static mb_status add_figures(
    const mb_page *p, const char *directory, const char *const *first, bool with_others) {
    const char *folder = mb_run_file(p->ctx, p->arena, directory, "plots");
    mb_gallery *gallery = NULL;
    if (folder == NULL) {
        return MB_ERR_MEMORY;
    }
    if (!mb_path_is_directory(folder)) {
        return MB_OK;
    }
    MB_TRY(mb_gallery_load(p->ctx, folder, &gallery));
    for (size_t i = 0; first[i] != NULL; i++) {
        const mb_gallery_entry *entry = mb_gallery_find(gallery, first[i]);
        if (entry != NULL) {
            mb_report_figure(p->report, entry);
        }
    }
    for (size_t i = 0; with_others && i < mb_gallery_count(gallery); i++) {
        const mb_gallery_entry *entry = mb_gallery_entry_at(gallery, i);
        if (!mb_is_one_of(entry->name, first)) {
            mb_report_figure(p->report, entry);
        }
    }
    mb_gallery_destroy(gallery);
    return MB_OK;
}

// Each model's own figures, folded.
static mb_status add_models(const mb_page *p, const mb_csv *table) {
    static const char *const figures[] = {
        "history", "weights", "bits_scan", "hist_emd", "profile_emd", NULL};
    const char *last = "";
    for (size_t row = 0; row < table->n_rows; row++) {
        const char *model = mb_csv_field(table, row, 0);
        if (model[0] == '\0' || strcmp(model, last) == 0) {
            continue;
        }
        last = model;
        const char *folder = mb_run_file(p->ctx, p->arena, p->directory, model);
        if (folder == NULL) {
            return MB_ERR_MEMORY;
        }
        mb_report_details_begin(p->report, model);
        const mb_status status = add_figures(p, folder, figures, false);
        mb_report_details_end(p->report);
        MB_TRY(status);
    }
    return MB_OK;
}

static mb_status add_all(const mb_page *p, const mb_csv *table) {
    static const char *const first[] = {
        "compare_emd", "hist_emd", "profile_emd", "bits", "modules_restored", NULL};
    MB_TRY(add_scores(p, table));
    MB_TRY(add_figures(p, p->directory, first, true));
    return add_models(p, table);
}

// A file of that name alone may be what somebody predicted into the folder.
bool mb_page_has_modules(const mb_page *p) {
    const char *path = mb_run_file(p->ctx, p->arena, p->directory, "scores.csv");
    return mb_node_find(p->metrics, "scores") != NULL && path != NULL && mb_path_exists(path);
}

mb_status mb_page_add_modules(const mb_page *p) {
    if (!mb_page_has_modules(p)) {
        return MB_OK;
    }
    const char *path = mb_run_file(p->ctx, p->arena, p->directory, "scores.csv");
    mb_csv table = {0};
    mb_report_heading(p->report, 2, "Modules and what is left of them");
    mb_status status = path == NULL ? MB_ERR_MEMORY : mb_csv_read(&table, p->ctx, path, true);
    if (status == MB_OK) {
        status = add_all(p, &table);
    }
    mb_csv_clear(&table);
    return status;
}
