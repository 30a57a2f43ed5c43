// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/page.h"

#include "base/output.h"
#include "files/csv.h"
#include "study/run.h"

#include <math.h>

// The report of scores judged side by side, from `matrix` of metrics.json, tables/ and plots/.

static const mb_node *part(const mb_node *map, const char *key) {
    return mb_node_find(map, key);
}

static size_t count(const mb_node *list) {
    return list != NULL ? list->n_children : 0;
}

static const char *name_of(const mb_node *entry) {
    const char *name = mb_node_text(part(entry, "name"));
    return name != NULL ? name : "";
}

static const char *cell_text(const mb_page *p, const mb_node *cell) {
    const double mean = mb_node_number(cell, "mean");
    const double spread = mb_node_number(cell, "std");
    if (!isfinite(mean)) {
        return "n/a";
    }
    // No break behind the sign: a narrow cell has the spread below the mean.
    return isfinite(spread)
               ? mb_arena_format(p->arena, p->ctx, "%.4f \xC2\xB1\xC2\xA0%.4f", mean, spread)
               : mb_page_number(p, mean, "%.4f");
}

// A part of the columns, from the first on.
static void add_part(const mb_page *p, const mb_node *matrix, const char *key, const char *title,
    const mb_node *first, size_t n_columns) {
    const mb_node *rows = part(matrix, "rows");
    const size_t width = n_columns + 1;
    const char **head = mb_arena_allocate(p->arena, p->ctx, width, sizeof *head);
    const char **cells =
        mb_arena_allocate(p->arena, p->ctx, width * mb_max_size(count(rows), 1), sizeof *cells);
    if (head == NULL || cells == NULL) {
        return;
    }
    head[0] = "sample";
    const mb_node *c = first;
    for (size_t i = 1; i < width; i++, c = c->next) {
        head[i] = name_of(c);
    }
    size_t n = 0;
    for (const mb_node *r = rows->first; r != NULL; r = r->next) {
        const mb_node *values = part(part(matrix, key), name_of(r));
        cells[n++] = name_of(r);
        c = first;
        for (size_t i = 1; i < width; i++, c = c->next) {
            cells[n++] = cell_text(p, part(values, name_of(c)));
        }
    }
    mb_report_table(p->report, title, head, width, cells, count(rows));
}

// Eleven columns are wider than a page: the baseline and the like go below the trainings.
static void add_table(const mb_page *p, const mb_node *matrix, const char *key, const char *title) {
    enum { COLUMNS_A_TABLE = 7 };
    size_t left = count(part(matrix, "columns"));
    const mb_node *first = part(matrix, "columns")->first;
    while (left > 0) {
        const size_t n = mb_min_size(COLUMNS_A_TABLE, left);
        add_part(p, matrix, key, title, first, n);
        title = NULL;
        left -= n;
        for (size_t i = 0; i < n; i++) {
            first = first->next;
        }
    }
}

// Figures of plots/ whose names begin so, in order; *n counts them.
static void add_figures(const mb_page *p, const mb_gallery *gallery, const char *prefix) {
    for (size_t i = 0; i < mb_gallery_count(gallery); i++) {
        const mb_gallery_entry *entry = mb_gallery_entry_at(gallery, i);
        if (strncmp(entry->name, prefix, strlen(prefix)) == 0) {
            mb_report_figure(p->report, entry);
        }
    }
}

// The AUC table first, the efficiencies from the tightest rate last, each with its map.
static void add_matrices(const mb_page *p, const mb_node *matrix, const mb_gallery *gallery) {
    for (const mb_node *m = matrix->first; m != NULL; m = m->next) {
        const bool is_auc = strcmp(m->key, "auc") == 0;
        if (!is_auc && strncmp(m->key, "efficiency_", 11) != 0) {
            continue;
        }
        const char *title =
            is_auc ? "ROC AUC" : mb_arena_format(p->arena, p->ctx, "Efficiency at %s", m->key + 11);
        char name[128];
        mb_report_heading(p->report, 2, title != NULL ? title : m->key);
        add_table(p, matrix, m->key,
            is_auc ? "Area under the ROC curve: mean of the trainings \xC2\xB1 standard deviation "
                     "of the population."
                   : "Signal efficiency at the lowest existing threshold within the rate, unless "
                     "the study asks for interpolation; n/a: less than one background event is "
                     "allowed, or no threshold exists. Counts and errors: tables/cells.csv.");
        mb_format(name, sizeof name, "matrix_%s", m->key);
        const mb_gallery_entry *entry = mb_gallery_find(gallery, name);
        if (entry != NULL) {
            mb_report_figure(p->report, entry);
        }
    }
}

static void add_tiles(const mb_page *p, const mb_node *matrix) {
    const mb_node *rows = part(matrix, "rows");
    const mb_node *rounds = part(p->metrics, "rounds");
    double seconds = 0;
    for (const mb_node *r = rounds != NULL ? rounds->first : NULL; r != NULL; r = r->next) {
        const double own = mb_node_number(part(part(r, "metrics"), "training"), "seconds");
        seconds += isfinite(own) ? own : 0;
    }
    const mb_report_tile tiles[] = {
        {mb_page_number(p, (double)count(rounds), "%.0f"), "trainings", "of all fits"},
        {mb_page_number(p, (double)count(part(matrix, "columns")), "%.0f"), "scores",
            "columns of the tables"},
        {mb_page_number(p, (double)count(rows), "%.0f"), "samples", "rows of the tables"},
        {mb_page_number(
             p, mb_node_number(rows != NULL ? rows->first : NULL, "background_events"), "%.0f"),
            "background events", "for testing"},
        {mb_page_number(p, seconds, "%.0f s"), "training time", "added up over the fits"}};
    mb_report_tiles(p->report, tiles, MB_COUNT_OF(tiles));
}

// Which column is best on each sample.
static void add_best(const mb_page *p, const mb_node *matrix) {
    static const char *const head[] = {"sample", "signal events", "background events",
        "best by AUC", "its AUC", "best of those not trained on this run's signals", "its AUC"};
    enum { WIDTH = MB_COUNT_OF(head) };
    const mb_node *rows = part(matrix, "rows");
    const char **cells =
        mb_arena_allocate(p->arena, p->ctx, WIDTH * mb_max_size(count(rows), 1), sizeof *cells);
    size_t n = 0;
    for (const mb_node *r = rows->first; r != NULL && cells != NULL; r = r->next) {
        const mb_node *values = part(part(matrix, "auc"), name_of(r));
        const char *best[2] = {"", ""};
        double most[2] = {-1, -1};
        for (const mb_node *c = part(matrix, "columns")->first; c != NULL; c = c->next) {
            const double auc = mb_node_number(part(values, name_of(c)), "mean");
            const char *origin = mb_node_text(part(c, "origin"));
            const bool is_trained = origin != NULL && strcmp(origin, "trained") == 0;
            for (size_t k = is_trained ? 1 : 2; k-- > 0;) {
                if (auc > most[k]) {
                    most[k] = auc;
                    best[k] = name_of(c);
                }
            }
        }
        cells[n++] = name_of(r);
        cells[n++] = mb_page_number(p, mb_node_number(r, "signal_events"), "%.0f");
        cells[n++] = mb_page_number(p, mb_node_number(r, "background_events"), "%.0f");
        for (size_t k = 0; k < 2; k++) {
            cells[n++] = best[k];
            cells[n++] = most[k] < 0 ? "" : mb_page_number(p, most[k], "%.4f");
        }
    }
    if (cells != NULL) {
        mb_report_table(p->report, "Which score tells each sample best from the background.", head,
            WIDTH, cells, count(rows));
    }
}

// overlap.csv as a table: how much of its rate each score shares with the baseline.
static mb_status add_overlap(const mb_page *p) {
    const char *path = mb_run_file(p->ctx, p->arena, p->directory, "tables/overlap.csv");
    if (path == NULL) {
        return MB_ERR_MEMORY;
    }
    if (!mb_path_exists(path)) {
        return MB_OK;
    }
    mb_csv table = {0};
    mb_status status = mb_csv_read(&table, p->ctx, path, true);
    if (status == MB_OK && table.n_rows > 0) {
        mb_report_heading(p->report, 2, "Pure rate and overlap");
        mb_report_paragraph(p->report,
            "Of the background each trigger accepts at its rate: what it accepts alone (pure), and "
            "what the reference accepts, too (shared). Rates in kHz with their Poisson errors; "
            "efficiencies of the sample's signal.");
        status = mb_page_add_file(p, "tables/overlap.csv", "All pairs, as CSV");
    }
    mb_csv_clear(&table);
    return status;
}

static void add_columns(const mb_page *p, const mb_node *matrix) {
    static const char *const head[] = {"column", "origin", "trained on", "SHA-256 of the weights"};
    const mb_node *columns = part(matrix, "columns");
    const char **cells =
        mb_arena_allocate(p->arena, p->ctx, 4 * mb_max_size(count(columns), 1), sizeof *cells);
    size_t n = 0;
    for (const mb_node *c = columns->first; c != NULL && cells != NULL; c = c->next) {
        const mb_node *absent = part(c, "is_absent");
        const char *origin = mb_node_text(part(c, "origin"));
        const mb_node *hashes = part(c, "weights_sha256");
        const char *hash = hashes != NULL ? mb_node_text(hashes->first) : NULL;
        const mb_node *sample = part(c, "on");
        const bool has_sample = sample != NULL && sample->kind != MB_NODE_NULL;
        cells[n++] = name_of(c);
        cells[n++] = absent != NULL && absent->boolean
                         ? mb_arena_format(p->arena, p->ctx, "%s: n/a", origin)
                         : origin;
        cells[n++] = has_sample ? mb_node_text(sample) : "";
        cells[n++] = count(hashes) > 1 ? mb_arena_format(p->arena, p->ctx, "%s and %zu more", hash,
                                             count(hashes) - 1)
                     : hash != NULL    ? hash
                                       : "";
    }
    if (cells != NULL) {
        mb_report_table(p->report, "Where the columns come from.", head, 4, cells, count(columns));
    }
}

static void add_rounds(const mb_page *p) {
    static const char *const head[] = {
        "training", "epochs", "epoch kept", "validation loss", "validation accuracy", "seconds"};
    const mb_node *rounds = part(p->metrics, "rounds");
    const char **cells = mb_arena_allocate(
        p->arena, p->ctx, MB_COUNT_OF(head) * mb_max_size(count(rounds), 1), sizeof *cells);
    size_t n = 0;
    for (const mb_node *r = rounds != NULL ? rounds->first : NULL; r != NULL && cells != NULL;
         r = r->next) {
        const mb_node *training = part(part(r, "metrics"), "training");
        const mb_node *best = part(training, "best_epoch_figures");
        cells[n++] = name_of(r);
        cells[n++] = mb_page_number(p, mb_node_number(training, "epochs"), "%.0f");
        cells[n++] = mb_page_number(p, mb_node_number(training, "best_epoch"), "%.0f");
        cells[n++] = mb_page_number(p, mb_node_number(best, "val_loss"), "%.4f");
        cells[n++] = mb_page_number(p, mb_node_number(best, "val_accuracy"), "%.4f");
        cells[n++] = mb_page_number(p, mb_node_number(training, "seconds"), "%.1f");
    }
    if (n > 0) {
        mb_report_table(p->report, NULL, head, MB_COUNT_OF(head), cells, count(rounds));
    }
}

static mb_status add_all(const mb_page *p, const mb_node *matrix, const mb_gallery *gallery) {
    static const char *const events[] = {
        "region_deposits", "mean_images", "et_spectrum", "eta_spectrum", "phi_spectrum"};
    const mb_node *rounds = part(p->metrics, "rounds");
    const mb_node *first = rounds != NULL ? rounds->first : NULL;
    mb_page_add_origin(p, part(first, "metrics"));
    add_tiles(p, matrix);
    add_best(p, matrix);
    add_matrices(p, matrix, gallery);
    mb_report_heading(p->report, 2, "ROC in trigger rate");
    add_figures(p, gallery, "roc_rate_");
    mb_report_heading(p->report, 2, "Scores");
    add_figures(p, gallery, "scores_");
    add_figures(p, gallery, "rate_threshold");
    MB_TRY(add_overlap(p));
    mb_report_heading(p->report, 2, "Trainings");
    add_rounds(p);
    add_figures(p, gallery, "trainings");
    mb_report_heading(p->report, 2, "The events");
    for (size_t i = 0; i < MB_COUNT_OF(events); i++) {
        add_figures(p, gallery, events[i]);
    }
    mb_report_heading(p->report, 2, "Models");
    add_columns(p, matrix);
    const char *folder = first == NULL ? NULL
                                       : mb_arena_format(p->arena, p->ctx, "%s/fits/%s",
                                             p->directory, name_of(first));
    return folder == NULL ? MB_OK : mb_page_add_model(p, folder);
}

mb_status mb_page_add_matrix(const mb_page *p) {
    const mb_node *matrix = part(p->metrics, "matrix");
    const char *folder = mb_run_file(p->ctx, p->arena, p->directory, "plots");
    if (part(matrix, "rows") == NULL || part(matrix, "columns") == NULL) {
        return mb_fail(p->ctx, MB_ERR_FORMAT,
            "%s/metrics.json: its matrix is not whole; make it again with 'minbias evaluate'",
            p->directory);
    }
    mb_gallery *gallery = NULL;
    mb_status status = folder == NULL ? MB_ERR_MEMORY : MB_OK;
    if (status == MB_OK) {
        status = mb_path_is_directory(folder) ? mb_gallery_load(p->ctx, folder, &gallery)
                                              : mb_gallery_open(p->ctx, folder, NULL, &gallery);
    }
    if (status == MB_OK) {
        status = add_all(p, matrix, gallery);
    }
    mb_gallery_destroy(gallery);
    return status;
}
