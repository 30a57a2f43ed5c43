// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/output.h"
#include "base/words.h"
#include "study/alternate_run.h"
#include "study/compare.h"
#include "study/run.h"
#include "study/summary.h"

#include <math.h>

// report.html of one run, made from the files in its folder alone.

const char *mb_page_number(const mb_page *p, double value, const char *format) {
    if (!isfinite(value)) {
        return "";
    }
    char text[64];
    mb_format(text, sizeof text, format, value);
    const char *copy = mb_arena_text(p->arena, p->ctx, text);
    return copy != NULL ? copy : "";
}

static const mb_node *part_of(const mb_node *metrics, const char *name) {
    return mb_node_find(metrics, name);
}

// What has a score: pairs of hits where tracks are learned.
static const char *noun_of(const mb_node *metrics) {
    return mb_node_find(metrics, "tracks") != NULL ? "edges" : "events";
}

static void add_tiles(const mb_page *p, const mb_node *metrics) {
    mb_report_tile tiles[5];
    size_t n = 0;
    const mb_node *training = part_of(metrics, "training");
    const double auc = mb_node_number(metrics, "auc");
    const char *split = mb_node_text(mb_node_find(metrics, "evaluated_on"));
    if (isfinite(auc)) {
        const char *error = mb_arena_format(p->arena, p->ctx, "\xC2\xB1 %.4f, %s %s",
            mb_node_number(metrics, "auc_error"), split != NULL ? split : "", noun_of(metrics));
        tiles[n++] =
            (mb_report_tile){mb_page_number(p, auc, "%.4f"), "area under the ROC curve", error};
    }
    const mb_node *judged = split != NULL ? part_of(metrics, split) : NULL;
    const double accuracy = mb_node_number(judged, "accuracy");
    if (isfinite(accuracy)) {
        tiles[n++] = (mb_report_tile){mb_page_number(p, accuracy, "%.4f"), "accuracy", split};
    }
    tiles[n++] = (mb_report_tile){mb_page_number(p, mb_node_number(metrics, "events"), "%.0f"),
        noun_of(metrics), "read, all sets"};
    tiles[n++] = (mb_report_tile){
        mb_page_number(p, mb_node_number(training, "parameters"), "%.0f"), "parameters", NULL};
    tiles[n++] = (mb_report_tile){
        mb_page_number(p, mb_node_number(training, "seconds"), "%.1f s"), "training time", NULL};
    mb_report_tiles(p->report, tiles, n);
}

static void add_balance(const mb_page *p, const mb_node *metrics, bool has_heading) {
    static const char *const names[] = {"train", "validation", "test"};
    const bool has_edges = mb_node_find(metrics, "tracks") != NULL;
    const char *const head[] = {
        "set", noun_of(metrics), "signal", "fraction", "accuracy", "AUC", "error"};
    const char *cells[3 * MB_COUNT_OF(head)];
    size_t n = 0;
    for (size_t i = 0; i < MB_COUNT_OF(names); i++) {
        const mb_node *part = part_of(metrics, names[i]);
        if (part == NULL) {
            continue;
        }
        const double events = mb_node_number(part, "events");
        const double signal = mb_node_number(part, "signal");
        const char **row = &cells[MB_COUNT_OF(head) * n++];
        row[0] = names[i];
        row[1] = mb_page_number(p, events, "%.0f");
        row[2] = mb_page_number(p, signal, "%.0f");
        row[3] = mb_page_number(p, signal / events, "%.3f");
        row[4] = mb_page_number(p, mb_node_number(part, "accuracy"), "%.4f");
        row[5] = mb_page_number(p, mb_node_number(part, "auc"), "%.4f");
        row[6] = mb_page_number(p, mb_node_number(part, "auc_error"), "%.4f");
    }
    if (n > 0) {
        if (has_heading) {
            mb_report_heading(p->report, 2, has_edges ? "Edges and classes" : "Events and classes");
        }
        mb_report_table(p->report,
            has_edges ? "Pairs of hits of the loss graph: signal is a pair of one particle, the "
                        "score 1 less the distance, accuracy at score 0.5."
                      : "Signal is label 1; accuracy at score 0.5.",
            head, MB_COUNT_OF(head), cells, n);
    } else {
        mb_report_paragraph(p->report,
            "The target is not 0 or 1 an event, or there is no truth: areas, efficiencies and "
            "turn-on curves are left out.");
    }
}

// One of the lists `at` and `thresholds`, its members as columns.
static void add_list(const mb_page *p, const mb_node *list, const char *caption,
    const char *const *keys, const char *const *head, size_t n_columns) {
    if (list == NULL || list->n_children == 0) {
        return;
    }
    const char **cells =
        mb_arena_allocate(p->arena, p->ctx, list->n_children * n_columns, sizeof *cells);
    size_t n = 0;
    for (const mb_node *row = list->first; row != NULL && cells != NULL; row = row->next) {
        for (size_t j = 0; j < n_columns; j++) {
            cells[n++] = mb_page_number(p, mb_node_number(row, keys[j]), "%.4g");
        }
    }
    if (cells != NULL) {
        mb_report_table(p->report, caption, head, n_columns, cells, list->n_children);
    }
}

static void add_working_points(const mb_page *p, const mb_node *metrics) {
    static const char *const at_keys[] = {"target_khz", "efficiency", "error", "threshold",
        "background_events", "efficiency_interpolated"};
    static const char *const at_head[] = {
        "rate, kHz", "efficiency", "error", "threshold", "background events", "interpolated"};
    static const char *const keys[] = {
        "threshold", "efficiency", "error", "background_efficiency", "background_error"};
    static const char *const head[] = {
        "threshold", "efficiency", "error", "background accepted", "error"};
    const mb_node *at = mb_node_find(metrics, "at");
    const mb_node *thresholds = mb_node_find(metrics, "thresholds");
    if (at == NULL && thresholds == NULL) {
        return;
    }
    mb_report_heading(p->report, 2, "Working points");
    add_list(p, at,
        "Efficiency at the lowest existing score whose background rate is not above the target. An "
        "empty cell: less than one background event is allowed in this sample.",
        at_keys, at_head, MB_COUNT_OF(at_head));
    const char *caption = mb_arena_format(p->arena, p->ctx,
        "Fractions of %s with score >= threshold, binomial errors.", noun_of(metrics));
    add_list(p, thresholds, caption, keys, head, MB_COUNT_OF(head));
}

// What a meeting looks at first comes first: how the network does, then what it was given, single
// events last.
typedef enum figure_kind { FIGURES_OF_NETWORK, FIGURES_OF_EVENTS } figure_kind;

static const char *const figures_of_network[] = {"history", "eps_choice", "efficiency_pt",
    "efficiency_eta", "roc", "scores", "turn_on_pt", "turn_on_tracks", "learning_curve", NULL};
static const char *const figures_of_events[] = {"multiplicity", "pt_eta", "hits_per_layer",
    "hits_zr", "selected_zr", "hits_zphi", "energy_images", "timing_images", "photon", "electron",
    "spacetime_scatter", "time_density", "time_density_energy", "time_cdf", "time_cdf_energy",
    "crop_study", "hit_sequences", "vectorised_frames", "hits", "event_display", "graph_edges",
    NULL};

static void add_figures(const mb_page *p, const mb_gallery *gallery, figure_kind kind) {
    const char *const *names = kind == FIGURES_OF_NETWORK ? figures_of_network : figures_of_events;
    for (size_t i = 0; names[i] != NULL; i++) {
        const mb_gallery_entry *entry = mb_gallery_find(gallery, names[i]);
        if (entry != NULL) {
            mb_report_figure(p->report, entry);
        }
    }
    for (size_t i = 0; kind == FIGURES_OF_EVENTS && i < mb_gallery_count(gallery); i++) {
        const mb_gallery_entry *entry = mb_gallery_entry_at(gallery, i);
        if (!mb_is_one_of(entry->name, figures_of_network) &&
            !mb_is_one_of(entry->name, figures_of_events)) {
            mb_report_figure(p->report, entry);
        }
    }
}

// The figures of one kind below a heading, where there are any.
static mb_status add_gallery(
    const mb_page *p, const char *directory, figure_kind kind, const char *heading) {
    char *folder = mb_path_join(p->ctx, directory, "plots");
    mb_gallery *gallery = NULL;
    mb_status status = folder == NULL ? MB_ERR_MEMORY : MB_OK;
    if (status == MB_OK && mb_path_is_directory(folder)) {
        status = mb_gallery_load(p->ctx, folder, &gallery);
        bool has_any = false;
        for (size_t i = 0; status == MB_OK && i < mb_gallery_count(gallery); i++) {
            const char *name = mb_gallery_entry_at(gallery, i)->name;
            has_any =
                has_any || mb_is_one_of(name, figures_of_network) == (kind == FIGURES_OF_NETWORK);
        }
        if (has_any) {
            if (heading != NULL) {
                mb_report_heading(p->report, 2, heading);
            }
            add_figures(p, gallery, kind);
        }
    }
    mb_gallery_destroy(gallery);
    mb_release(p->ctx, folder);
    return status;
}

mb_status mb_page_add_model(const mb_page *p, const char *directory) {
    const char *path = mb_run_file(p->ctx, p->arena, directory, "model.h5");
    mb_model *model = NULL;
    if (path == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_model_load(p->ctx, path, &model));
    mb_buffer table;
    mb_buffer_init(&table, p->ctx);
    mb_summary_table(&table, model);
    mb_summary_flops_lines(&table, model);
    mb_report_details_begin(p->report, "Layers");
    mb_report_preformatted(p->report, table.data != NULL ? table.data : "");
    mb_report_details_end(p->report);
    const mb_status status = table.status;
    mb_buffer_clear(&table);
    mb_model_destroy(model);
    return status;
}

mb_status mb_page_add_file(const mb_page *p, const char *name, const char *summary) {
    const char *path = mb_run_file(p->ctx, p->arena, p->directory, name);
    if (path == NULL) {
        return MB_ERR_MEMORY;
    }
    if (!mb_path_exists(path)) {
        return MB_OK;
    }
    char *text = NULL;
    size_t length = 0;
    MB_TRY(mb_read_file(p->ctx, path, &text, &length));
    mb_report_details_begin(p->report, summary);
    mb_report_preformatted(p->report, text);
    mb_report_details_end(p->report);
    mb_release(p->ctx, text);
    return MB_OK;
}

void mb_page_add_provenance(const mb_page *p, const mb_node *metrics) {
    const mb_node *training = part_of(metrics, "training");
    const char *hash = mb_node_text(mb_node_find(training, "weights_sha256"));
    static const char *const names[] = {"seed", "epochs", "best_epoch", "n_train", "n_validation"};
    static const char *const shown[] = {
        "seed", "epochs trained", "epoch kept", "events trained on", "events validated on"};
    const char *cells[2 * MB_COUNT_OF(names) + 2];
    for (size_t i = 0; i < MB_COUNT_OF(names); i++) {
        cells[2 * i] = shown[i];
        cells[2 * i + 1] = mb_page_number(p, mb_node_number(training, names[i]), "%.0f");
    }
    cells[2 * MB_COUNT_OF(names)] = "SHA-256 of the weights";
    cells[2 * MB_COUNT_OF(names) + 1] = hash != NULL ? hash : "";
    mb_report_table(p->report, "Training", NULL, 2, cells, MB_COUNT_OF(names) + 1);
}

// A scan that was put below the run.
static mb_status add_scan(const mb_page *p) {
    const char *folder = mb_run_file(p->ctx, p->arena, p->directory, "scan");
    if (folder == NULL) {
        return MB_ERR_MEMORY;
    }
    if (!mb_path_is_directory(folder)) {
        return MB_OK;
    }
    mb_report_heading(p->report, 2, "Scan");
    MB_TRY(add_gallery(p, folder, FIGURES_OF_NETWORK, NULL));
    MB_TRY(add_gallery(p, folder, FIGURES_OF_EVENTS, NULL));
    return mb_page_add_file(p, "scan/conclusion.txt", "What the scan came to");
}

void mb_page_add_origin(const mb_page *p, const mb_node *metrics) {
    const mb_node *simulated = mb_node_find(metrics, "simulated");
    if (simulated != NULL && simulated->kind == MB_NODE_BOOL && simulated->boolean) {
        mb_report_warning(
            p->report, "Toy events: there were no data files, so all events here are simulated.");
    }
}

static mb_status add_single(const mb_page *p) {
    mb_page_add_origin(p, p->metrics);
    add_tiles(p, p->metrics);
    add_balance(p, p->metrics, true);
    add_working_points(p, p->metrics);
    // Those of modules have had their place.
    const bool has_figures = !mb_page_has_modules(p);
    if (has_figures) {
        MB_TRY(add_gallery(p, p->directory, FIGURES_OF_NETWORK, "Training and trigger"));
    }
    MB_TRY(add_scan(p));
    if (has_figures) {
        MB_TRY(add_gallery(p, p->directory, FIGURES_OF_EVENTS, "The events"));
    }
    mb_report_heading(p->report, 2, "Model and training");
    mb_page_add_provenance(p, p->metrics);
    return mb_page_add_model(p, p->directory);
}

// A table of the columns in which any row has something.
static void add_filled_columns(const mb_page *p, const char *caption, const char *const *head,
    size_t n_columns, const char **cells, size_t n_rows) {
    const char *kept_head[16];
    size_t n_kept = 0;
    for (size_t j = 0; j < n_columns && n_kept < MB_COUNT_OF(kept_head); j++) {
        bool is_filled = false;
        for (size_t i = 0; i < n_rows; i++) {
            const char *cell = cells[i * n_columns + j];
            is_filled = is_filled || (cell != NULL && cell[0] != '\0');
        }
        if (is_filled) {
            kept_head[n_kept++] = head[j];
        }
    }
    const char **kept = mb_arena_allocate(p->arena, p->ctx, n_rows * n_columns, sizeof *kept);
    size_t n = 0;
    for (size_t i = 0; i < n_rows && kept != NULL; i++) {
        size_t column = 0;
        for (size_t j = 0; j < n_columns && column < n_kept; j++) {
            if (head[j] == kept_head[column]) {
                kept[n++] = cells[i * n_columns + j];
                column++;
            }
        }
    }
    if (kept != NULL) {
        mb_report_table(p->report, caption, kept_head, n_kept, kept, n_rows);
    }
}

static const char *mean_text(const mb_page *p, const mb_node *figure) {
    const double mean = mb_node_number(figure, "mean");
    if (!isfinite(mean)) {
        return "";
    }
    const double spread = mb_node_number(figure, "spread");
    return isfinite(spread) ? mb_arena_format(p->arena, p->ctx, "%.4f \xC2\xB1 %.4f", mean, spread)
                            : mb_arena_format(p->arena, p->ctx, "%.4f", mean);
}

static void add_fit_table(const mb_page *p, const mb_node *fits) {
    static const char *const keys[] = {"auc", "test_accuracy", "validation_accuracy",
        "train_accuracy", "best_epoch_figures_val_loss", "best_epoch_figures_loss"};
    static const char *const head[] = {"fit", "rounds", "AUC", "test accuracy",
        "validation accuracy", "training accuracy", "validation loss", "training loss"};
    const char **cells =
        mb_arena_allocate(p->arena, p->ctx, fits->n_children * MB_COUNT_OF(head), sizeof *cells);
    size_t n = 0;
    for (const mb_node *fit = fits->first; fit != NULL && cells != NULL; fit = fit->next) {
        cells[n++] = mb_node_text(mb_node_find(fit, "name"));
        cells[n++] = mb_page_number(p, mb_node_number(fit, "rounds"), "%.0f");
        for (size_t i = 0; i < MB_COUNT_OF(keys); i++) {
            cells[n++] = mean_text(p, mb_node_find(fit, keys[i]));
        }
    }
    if (cells != NULL) {
        add_filled_columns(p,
            "Mean of the rounds of each fit \xC2\xB1 their standard deviation (that of one round, "
            "not of the mean).",
            head, MB_COUNT_OF(head), cells, fits->n_children);
    }
}

static void add_round_table(const mb_page *p, const mb_node *rounds) {
    static const char *const head[] = {"round", "AUC", "error", "test accuracy",
        "validation accuracy", "training accuracy", "validation loss", "epoch kept", "seconds"};
    const char **cells =
        mb_arena_allocate(p->arena, p->ctx, rounds->n_children * MB_COUNT_OF(head), sizeof *cells);
    size_t n = 0;
    for (const mb_node *r = rounds->first; r != NULL && cells != NULL; r = r->next) {
        const mb_node *metrics = mb_node_find(r, "metrics");
        const mb_node *training = part_of(metrics, "training");
        cells[n++] = mb_node_text(mb_node_find(r, "name"));
        cells[n++] = mb_page_number(p, mb_node_number(metrics, "auc"), "%.4f");
        cells[n++] = mb_page_number(p, mb_node_number(metrics, "auc_error"), "%.4f");
        static const char *const parts[] = {"test", "validation", "train"};
        for (size_t i = 0; i < MB_COUNT_OF(parts); i++) {
            cells[n++] =
                mb_page_number(p, mb_node_number(part_of(metrics, parts[i]), "accuracy"), "%.4f");
        }
        cells[n++] = mb_page_number(p, mb_node_number(metrics, "val_loss"), "%.4f");
        cells[n++] = mb_page_number(p, mb_node_number(training, "best_epoch"), "%.0f");
        cells[n++] = mb_page_number(p, mb_node_number(training, "seconds"), "%.1f");
    }
    if (cells != NULL) {
        add_filled_columns(p, "Each round; the error of an AUC is that of its events alone.", head,
            MB_COUNT_OF(head), cells, rounds->n_children);
    }
}

// The ROC curves of all rounds in one picture.
static mb_status add_overlay(const mb_page *p, const mb_node *rounds) {
    const char *directories[MB_MOST_COMPARED];
    size_t n = 0;
    for (const mb_node *r = rounds->first; r != NULL; r = r->next) {
        const char *name = mb_node_text(mb_node_find(r, "name"));
        if (n == MB_MOST_COMPARED || name == NULL ||
            !isfinite(mb_node_number(mb_node_find(r, "metrics"), "auc"))) {
            return MB_OK;
        }
        directories[n] = mb_arena_format(p->arena, p->ctx, "%s/fits/%s", p->directory, name);
        if (directories[n++] == NULL) {
            return MB_ERR_MEMORY;
        }
    }
    const char *folder = mb_run_file(p->ctx, p->arena, p->directory, "plots");
    if (folder == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_gallery *gallery = NULL;
    MB_TRY(mb_gallery_open(p->ctx, folder, NULL, &gallery));
    const mb_status status = mb_compare_draw(p->ctx, directories, n, gallery);
    if (status == MB_OK) {
        mb_report_gallery(p->report, gallery);
    }
    mb_gallery_destroy(gallery);
    return status;
}

static mb_status add_round(const mb_page *p, const mb_node *round, bool has_figures) {
    const char *name = mb_node_text(mb_node_find(round, "name"));
    const char *folder =
        name == NULL ? NULL : mb_arena_format(p->arena, p->ctx, "%s/fits/%s", p->directory, name);
    if (folder == NULL) {
        return MB_ERR_MEMORY;
    }
    const mb_node *metrics = mb_node_find(round, "metrics");
    mb_report_details_begin(p->report, name);
    add_tiles(p, metrics);
    add_balance(p, metrics, false);
    if (has_figures) {
        MB_TRY(add_gallery(p, folder, FIGURES_OF_NETWORK, NULL));
    }
    mb_page_add_provenance(p, metrics);
    MB_TRY(mb_page_add_model(p, folder));
    mb_report_details_end(p->report);
    return MB_OK;
}

static mb_status add_several(const mb_page *p) {
    const mb_node *fits = mb_node_find(p->metrics, "fits");
    const mb_node *rounds = mb_node_find(p->metrics, "rounds");
    const mb_node *first = rounds != NULL ? rounds->first : NULL;
    const char *name = mb_node_text(mb_node_find(first, "name"));
    if (fits == NULL || name == NULL) {
        return mb_fail(p->ctx, MB_ERR_FORMAT,
            "%s/metrics.json: names no fits; make it again with 'minbias evaluate'", p->directory);
    }
    mb_page_add_origin(p, mb_node_find(first, "metrics"));
    mb_report_heading(p->report, 2, "Fits");
    add_fit_table(p, fits);
    add_round_table(p, rounds);
    MB_TRY(add_overlay(p, rounds));
    const char *title = mb_arena_format(p->arena, p->ctx, "Figures of %s", name);
    const char *folder = mb_arena_format(p->arena, p->ctx, "%s/fits/%s", p->directory, name);
    if (title == NULL || folder == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(add_gallery(p, folder, FIGURES_OF_NETWORK, title));
    MB_TRY(add_scan(p));
    MB_TRY(add_gallery(p, folder, FIGURES_OF_EVENTS, "The events"));
    mb_report_heading(p->report, 2, "Rounds one by one");
    for (const mb_node *r = first; r != NULL; r = r->next) {
        MB_TRY(add_round(p, r, r != first));
    }
    return MB_OK;
}

static mb_status add_body(const mb_page *p) {
    const mb_node *rounds = mb_node_find(p->metrics, "rounds");
    MB_TRY(mb_page_add_modules(p));
    mb_page_add_tracks(p);
    if (mb_node_find(p->metrics, "matrix") != NULL) {
        MB_TRY(mb_page_add_matrix(p));
    } else if (rounds == NULL) {
        MB_TRY(add_single(p));
    } else if (rounds->n_children > 0) {
        MB_TRY(add_several(p));
    }
    return mb_alternate_page(p);
}

// All of one run. with_heading: of several, each begins with its study's name.
static mb_status add_run(mb_page *p, const char *directory, bool with_heading) {
    mb_document metrics = {0};
    p->directory = directory;
    mb_status status = mb_run_read_json(p->ctx, directory, "metrics.json", &metrics);
    if (status == MB_OK) {
        const char *study = mb_node_text(mb_node_find(metrics.root, "study"));
        p->metrics = metrics.root;
        if (with_heading) {
            mb_report_heading(p->report, 2,
                mb_arena_format(p->arena, p->ctx, "The study %s", study != NULL ? study : ""));
        }
        status = add_body(p);
    }
    if (status == MB_OK) {
        mb_report_heading(p->report, with_heading ? 3 : 2, "Settings");
        status = mb_page_add_file(p, "study.yaml", "The study as it was run");
    }
    if (status == MB_OK) {
        status = mb_page_add_file(p, "log.txt", "Log");
    }
    if (status == MB_OK) {
        const mb_node *training = part_of(metrics.root, "training");
        const char *hash = mb_node_text(mb_node_find(training, "weights_sha256"));
        mb_report_footer(p->report, "%s: minbias %s%s%s", directory, mb_version(),
            hash != NULL ? ", weights SHA-256 " : "", hash != NULL ? hash : "");
    }
    p->metrics = NULL;
    mb_document_clear(&metrics);
    return status;
}

mb_status mb_run_make_report(
    mb_context *ctx, const char *const *directories, size_t n, const char *path) {
    mb_arena arena;
    mb_arena_init(&arena, ctx);
    mb_page p = {.ctx = ctx, .arena = &arena};
    mb_document metrics = {0};
    mb_status status = mb_run_read_json(ctx, directories[0], "metrics.json", &metrics);
    if (status == MB_OK) {
        const char *study = mb_node_text(mb_node_find(metrics.root, "study"));
        p.report = mb_report_create(ctx,
            n > 1           ? "minbias"
            : study != NULL ? study
                            : "run",
            n > 1 ? "several studies" : directories[0]);
        status = p.report == NULL ? MB_ERR_MEMORY : MB_OK;
    }
    for (size_t i = 0; i < n && status == MB_OK; i++) {
        status = add_run(&p, directories[i], n > 1);
    }
    if (status == MB_OK) {
        status = mb_report_write(p.report, ctx, path);
    }
    mb_report_destroy(p.report);
    mb_document_clear(&metrics);
    mb_arena_clear(&arena);
    return status;
}
