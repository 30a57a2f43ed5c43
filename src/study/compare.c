// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/output.h"
#include "draw/figures.h"
#include "draw/report.h"
#include "study/compare.h"
#include "study/keras_folder.h"
#include "study/scan_file.h"
#include "study/scored.h"

#include <math.h>

// `report` of one run, or of several overlaid.

// The evaluated events of one run.
typedef struct compared {
    const char *directory, *name;
    const char *split; // name of the evaluated one
    mb_document metrics;
    mb_stored_scores stored;
    mb_scored_part part;
    int64_t *event;
    uint32_t *file;
    mb_roc roc;
} compared;

static mb_status find_split(mb_context *ctx, compared *c, int *split) {
    MB_TRY(mb_run_read_json(ctx, c->directory, "metrics.json", &c->metrics));
    c->split = mb_node_text(mb_node_find(c->metrics.root, "evaluated_on"));
    *split = -1;
    for (int i = 0; c->split != NULL && mb_evaluate_split_names[i] != NULL; i++) {
        if (strcmp(c->split, mb_evaluate_split_names[i]) == 0) {
            *split = i;
        }
    }
    if (*split >= 0) {
        return MB_OK;
    }
    return mb_fail(ctx, MB_ERR_FORMAT,
        "%s: has no ROC curve to compare: nothing in it is scored by labels 0 and 1; report it "
        "alone",
        c->directory);
}

static mb_status pack(mb_context *ctx, compared *c, int split) {
    MB_TRY(mb_stored_scores_part(&c->part, ctx, &c->stored, split));
    const size_t n = mb_array_count(&c->stored.split);
    c->event = mb_allocate(ctx, n, sizeof *c->event);
    c->file = mb_allocate(ctx, n, sizeof *c->file);
    if (c->event == NULL || c->file == NULL) {
        return MB_ERR_MEMORY;
    }
    const uint8_t *splits = c->stored.split.data;
    size_t n_taken = 0;
    for (size_t i = 0; i < n; i++) {
        if (split == MB_EVALUATE_ALL || splits[i] == split) {
            c->event[n_taken] = (int64_t)mb_array_get(&c->stored.event, i);
            c->file[n_taken++] = (uint32_t)mb_array_get(&c->stored.file, i);
        }
    }
    return mb_roc_make(&c->roc, ctx, mb_values_f32(c->part.score, c->part.n),
        mb_values_f32(c->part.label, c->part.n));
}

static mb_status load(mb_context *ctx, compared *c, const char *directory) {
    c->directory = directory;
    const char *slash = strrchr(directory, '/');
    c->name = slash != NULL && slash[1] != '\0' ? slash + 1 : directory;
    int split = 0;
    MB_TRY(find_split(ctx, c, &split));
    char *path = mb_path_join(ctx, directory, "scores.npz");
    if (path == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_status status = mb_stored_scores_read(&c->stored, ctx, path);
    if (status == MB_OK && !c->stored.has_label) {
        status = mb_fail(
            ctx, MB_ERR_FORMAT, "%s: holds no labels; make it again with 'minbias evaluate'", path);
    }
    mb_release(ctx, path);
    return status == MB_OK ? pack(ctx, c, split) : status;
}

static void unload(mb_context *ctx, compared *c) {
    mb_document_clear(&c->metrics);
    mb_stored_scores_clear(&c->stored);
    mb_scored_part_clear(&c->part);
    mb_release(ctx, c->event);
    mb_release(ctx, c->file);
    mb_roc_clear(&c->roc);
}

static bool is_same_events(const compared *a, const compared *b) {
    return a->part.n == b->part.n &&
           memcmp(a->event, b->event, a->part.n * sizeof *a->event) == 0 &&
           memcmp(a->file, b->file, a->part.n * sizeof *a->file) == 0 &&
           memcmp(a->part.label, b->part.label, a->part.n * sizeof *a->part.label) == 0;
}

typedef struct comparison {
    mb_context *ctx;
    mb_arena *arena;
    compared *runs;
    size_t n;
    mb_answer *answer;
    mb_report *report;
} comparison;

static const char *number(const comparison *c, const char *format, double value) {
    const char *text = isfinite(value) ? mb_arena_format(c->arena, c->ctx, format, value) : NULL;
    return text != NULL ? text : "";
}

static void add_areas(const comparison *c) {
    static const char *const head[] = {"run", "events", "signal", "AUC", "error", "accuracy",
        "validation loss", "trained on", "parameters", "epoch kept", "seconds"};
    enum { COLUMNS = MB_COUNT_OF(head) };
    const char *cells[MB_MOST_COMPARED * COLUMNS];
    mb_node *list = mb_answer_put_list(c->answer, NULL, "runs");
    for (size_t i = 0; i < c->n; i++) {
        const compared *run = &c->runs[i];
        const mb_node *metrics = run->metrics.root;
        const mb_node *training = mb_node_find(metrics, "training");
        const char **row = &cells[i * COLUMNS];
        row[0] = run->name;
        row[1] = number(c, "%.0f", (double)run->part.n);
        row[2] = number(c, "%.0f", (double)run->roc.n_signal);
        row[3] = number(c, "%.5f", run->roc.auc);
        row[4] = number(c, "%.5f", run->roc.auc_error);
        row[5] = number(c, "%.4f", mb_node_number(mb_node_find(metrics, run->split), "accuracy"));
        row[6] = number(c, "%.4f", mb_node_number(metrics, "val_loss"));
        row[7] = number(c, "%.0f", mb_node_number(training, "n_train"));
        row[8] = number(c, "%.0f", mb_node_number(training, "parameters"));
        row[9] = number(c, "%.0f", mb_node_number(training, "best_epoch"));
        row[10] = number(c, "%.1f", mb_node_number(training, "seconds"));
        mb_answer_line(
            c->answer, "%-24s AUC %.5f +- %.5f", run->name, run->roc.auc, run->roc.auc_error);
        mb_node *map = mb_answer_add_map(c->answer, list);
        if (map != NULL) {
            mb_answer_put_text(c->answer, map, "run", run->directory);
            mb_answer_put_real(c->answer, map, "auc", run->roc.auc);
            mb_answer_put_real(c->answer, map, "auc_error", run->roc.auc_error);
        }
    }
    mb_report_heading(c->report, 2, "Areas under the ROC curves");
    mb_report_table(c->report, NULL, head, COLUMNS, cells, c->n);
}

static mb_status add_differences(const comparison *c) {
    static const char *const head[] = {"runs", "difference", "error", "sigmas", "events"};
    const char *cells[MB_MOST_COMPARED * MB_COUNT_OF(head)];
    mb_node *list = mb_answer_put_list(c->answer, NULL, "differences");
    for (size_t i = 1; i < c->n; i++) {
        const compared *a = &c->runs[0];
        const compared *b = &c->runs[i];
        mb_auc_comparison result = mb_auc_compare_independent(&a->roc, &b->roc);
        if (is_same_events(a, b)) {
            MB_TRY(mb_auc_compare_paired(c->ctx, mb_values_f32(a->part.score, a->part.n),
                mb_values_f32(b->part.score, b->part.n), mb_values_f32(a->part.label, a->part.n),
                &result));
        }
        const char **row = &cells[(i - 1) * MB_COUNT_OF(head)];
        row[0] = mb_arena_format(c->arena, c->ctx, "%s - %s", b->name, a->name);
        row[1] = number(c, "%+.5f", result.difference);
        row[2] = number(c, "%.5f", result.error);
        row[3] = number(c, "%.1f", result.sigmas);
        row[4] = result.is_paired ? "the same" : "different";
        mb_answer_line(c->answer, "%s - %s: %+.5f +- %.5f (%.1f sigma, %s events)", b->name,
            a->name, result.difference, result.error, result.sigmas, row[4]);
        mb_node *map = mb_answer_add_map(c->answer, list);
        if (map != NULL) {
            mb_answer_put_text(c->answer, map, "run", b->directory);
            mb_answer_put_text(c->answer, map, "reference", a->directory);
            mb_answer_put_real(c->answer, map, "difference", result.difference);
            mb_answer_put_real(c->answer, map, "error", result.error);
            mb_answer_put_bool(c->answer, map, "same_events", result.is_paired);
        }
    }
    mb_report_table(c->report,
        "Differences of the areas, with the error of the difference (DeLong 1988: on the same "
        "events the correlation is taken out).",
        head, MB_COUNT_OF(head), cells, c->n - 1);
    return MB_OK;
}

static mb_status draw_curves(mb_context *ctx, const compared *runs, size_t n, mb_gallery *gallery) {
    mb_roc_curve curves[MB_MOST_COMPARED];
    for (size_t i = 0; i < n; i++) {
        curves[i] = (mb_roc_curve){runs[i].name, &runs[i].roc};
    }
    MB_TRY(mb_draw_roc(gallery, ctx, "roc", curves, n, 0));
    return mb_gallery_draw(gallery, ctx);
}

// Runs of the same name in several folders go by their whole paths.
static void name_apart(compared *runs, size_t n) {
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            if (i != j && strcmp(runs[i].name, runs[j].name) == 0) {
                for (size_t k = 0; k < n; k++) {
                    runs[k].name = runs[k].directory;
                }
                return;
            }
        }
    }
}

static mb_status load_all(
    mb_context *ctx, const char *const *directories, size_t n, compared **out) {
    *out = mb_allocate_zeroed(ctx, n, sizeof **out);
    mb_status status = *out == NULL ? MB_ERR_MEMORY : MB_OK;
    for (size_t i = 0; i < n && status == MB_OK; i++) {
        status = load(ctx, &(*out)[i], directories[i]);
    }
    if (status == MB_OK) {
        name_apart(*out, n);
    }
    return status;
}

static void unload_all(mb_context *ctx, compared *runs, size_t n) {
    for (size_t i = 0; runs != NULL && i < n; i++) {
        unload(ctx, &runs[i]);
    }
    mb_release(ctx, runs);
}

mb_status mb_compare_draw(
    mb_context *ctx, const char *const *directories, size_t n, mb_gallery *gallery) {
    compared *runs = NULL;
    mb_status status = load_all(ctx, directories, n, &runs);
    if (status == MB_OK) {
        status = draw_curves(ctx, runs, n, gallery);
    }
    unload_all(ctx, runs, n);
    return status;
}

static mb_status add_curves(const comparison *c, const char *path) {
    const char *dot = strrchr(path, '.');
    const size_t length =
        dot != NULL && strchr(dot, '/') == NULL ? (size_t)(dot - path) : strlen(path);
    const char *folder = mb_arena_format(c->arena, c->ctx, "%.*s-plots", (int)length, path);
    if (folder == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_gallery *gallery = NULL;
    MB_TRY(mb_gallery_open(c->ctx, folder, NULL, &gallery));
    const mb_status status = draw_curves(c->ctx, c->runs, c->n, gallery);
    if (status == MB_OK) {
        mb_report_heading(c->report, 2, "ROC curves");
        mb_report_gallery(c->report, gallery);
    }
    mb_gallery_destroy(gallery);
    return status;
}

// Why the runs differ, as far as their studies say.
static mb_status add_settings(const comparison *c, const char *const *directories) {
    enum { MOST_KEYS = 40 };
    mb_study_difference *differences = NULL;
    size_t n = 0;
    MB_TRY(mb_compare_studies(c->ctx, c->arena, directories, c->n, MOST_KEYS, &differences, &n));
    mb_report_heading(c->report, 2, "Settings that differ");
    if (n == 0) {
        mb_report_paragraph(c->report, "None: the runs are of one and the same study.");
        return MB_OK;
    }
    const size_t n_shown = mb_min_size(n, MOST_KEYS);
    const size_t n_columns = c->n + 1;
    const char *head[MB_MOST_COMPARED + 1] = {"key"};
    const char **cells = mb_arena_allocate(c->arena, c->ctx, n_shown * n_columns, sizeof *cells);
    if (cells == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t j = 0; j < c->n; j++) {
        head[j + 1] = c->runs[j].name;
    }
    for (size_t i = 0; i < n_shown; i++) {
        cells[i * n_columns] = differences[i].key;
        memcpy(&cells[i * n_columns + 1], differences[i].value, c->n * sizeof *cells);
    }
    mb_report_table(c->report, NULL, head, n_columns, cells, n_shown);
    if (n > n_shown) {
        mb_report_paragraph(c->report, "And %zu more.", n - n_shown);
    }
    return MB_OK;
}

static mb_status compare(comparison *c, const char *const *directories, const char *path) {
    MB_TRY(load_all(c->ctx, directories, c->n, &c->runs));
    c->report = mb_report_create(c->ctx, "Comparison of runs", NULL);
    if (c->report == NULL) {
        return MB_ERR_MEMORY;
    }
    add_areas(c);
    MB_TRY(add_differences(c));
    MB_TRY(add_curves(c, path));
    MB_TRY(add_settings(c, directories));
    mb_report_footer(c->report, "minbias %s", mb_version());
    return mb_report_write(c->report, c->ctx, path);
}

static mb_status report_several(mb_context *ctx, const char *const *directories, size_t n,
    const char *path, mb_answer *answer) {
    mb_arena arena;
    mb_arena_init(&arena, ctx);
    comparison c = {.ctx = ctx, .arena = &arena, .answer = answer};
    mb_status status = mb_compare_folders(ctx, &arena, directories, n, &directories, &c.n);
    if (status == MB_OK) {
        status = compare(&c, directories, path);
    }
    unload_all(ctx, c.runs, c.n);
    mb_report_destroy(c.report);
    mb_arena_clear(&arena);
    return status;
}

// What a report is made from must be there; what to do depends on how far the run came.
static mb_status check_evaluated(mb_context *ctx, const char *directory) {
    if (!mb_path_is_directory(directory)) {
        return mb_fail(ctx, MB_ERR_IO,
            "%s: is not the folder of a run; name one that 'minbias run' made", directory);
    }
    mb_arena arena;
    mb_arena_init(&arena, ctx);
    const char *metrics = mb_run_file(ctx, &arena, directory, "metrics.json");
    const char *training = mb_run_file(ctx, &arena, directory, "training.json");
    const char *study = mb_run_file(ctx, &arena, directory, "study.yaml");
    mb_status status = metrics == NULL || training == NULL || study == NULL ? MB_ERR_MEMORY : MB_OK;
    if (status == MB_OK && !mb_path_exists(metrics)) {
        status = mb_path_exists(training)
                     ? mb_fail(ctx, MB_ERR_IO,
                           "%s: is trained but not evaluated; run 'minbias evaluate %s' first",
                           directory, directory)
                 : mb_path_exists(study)
                     ? mb_fail(ctx, MB_ERR_IO, "%s: its training did not end; go on with --resume",
                           directory)
                     : mb_fail(ctx, MB_ERR_IO,
                           "%s: is not the folder of a run; name one that 'minbias run' made",
                           directory);
    }
    mb_document document = {0};
    if (status == MB_OK) {
        status = mb_run_read_json(ctx, directory, "metrics.json", &document);
    }
    // Of several fits there are means already after the training. Modules are judged in one table.
    const mb_node *rounds = mb_node_find(document.root, "rounds");
    const mb_node *first = rounds != NULL ? mb_node_find(rounds->first, "metrics") : NULL;
    if (status == MB_OK && first != NULL && mb_node_find(first, "training") == NULL &&
        mb_node_find(document.root, "scores") == NULL) {
        status = mb_fail(ctx, MB_ERR_IO,
            "%s: is trained but not evaluated; run 'minbias evaluate %s' first", directory,
            directory);
    }
    mb_document_clear(&document);
    mb_arena_clear(&arena);
    return status;
}

mb_status mb_run_report(mb_context *ctx, const char *const *directories, size_t n, const char *path,
    bool is_forced, mb_answer **out) {
    if (out != NULL) {
        *out = NULL;
    }
    if (n == 0 || n > MB_MOST_COMPARED) {
        return mb_fail(
            ctx, MB_ERR_ARG, "report: %zu runs; name 1 to %d folders of runs", n, MB_MOST_COMPARED);
    }
    if (n == 1 && mb_scan_is_report_of(directories[0])) {
        return mb_scan_report(ctx, directories[0], path, is_forced, out);
    }
    if (n == 1 && mb_keras_folder_is(directories[0])) {
        return mb_keras_folder_report(ctx, directories[0], path, is_forced, out);
    }
    for (size_t i = 0; i < n; i++) {
        MB_TRY(check_evaluated(ctx, directories[i]));
    }
    // The page of one run belongs to it and is made again; a comparison is an output of its own.
    char *own = mb_path_join(ctx, directories[0], n == 1 ? "report.html" : "comparison.html");
    mb_answer *answer = NULL;
    mb_status status = own == NULL ? MB_ERR_MEMORY : mb_answer_create(ctx, &answer);
    if (status == MB_OK && path != NULL) {
        status = mb_check_absent(ctx, path, is_forced);
    }
    const char *target = path != NULL ? path : own;
    if (status == MB_OK) {
        status = n == 1 ? mb_run_make_report(ctx, directories, 1, target)
                        : report_several(ctx, directories, n, target, answer);
    }
    if (status == MB_OK) {
        mb_answer_put_text(answer, NULL, "report", target);
        mb_answer_line(answer, "%s: the report", target);
    }
    mb_release(ctx, own);
    return answer == NULL ? status : mb_answer_finish(answer, status, out);
}
