// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "draw/figures_compare.h"
#include "files/csv.h"
#include "study/bits.h"
#include "study/calo_firmware.h"

#include <math.h>

enum { MOST_LINES = 64 };

// How few bits leave the scores of events within a limit.
typedef struct work {
    mb_context *ctx;
    const mb_calo_precision *settings;
    mb_calo_folder folder;
    mb_calo_model model;
    mb_calo_events events;
    mb_twin *twin;
    uint16_t *counts;
    double *reference, *score;
    mb_bits_scan scan;
    mb_arena arena;
    const char *labels[MOST_LINES];
} work;

static mb_status largest_error(void *user, mb_context *ctx, const mb_twin *twin, double *out) {
    work *w = user;
    MB_TRY(mb_calo_twin_score(ctx, twin, w->counts, w->events.n, w->score));
    *out = 0;
    for (size_t i = 0; i < w->events.n; i++) {
        *out = fmax(*out, fabs(w->score[i] - w->reference[i]));
    }
    return MB_OK;
}

static mb_status prepare(work *w, const mb_calo_network *network, const char *file) {
    MB_TRY(mb_calo_twin_open(w->ctx, network, w->settings->input, &w->model, &w->twin));
    MB_TRY(mb_calo_events_read(w->ctx, file, w->settings->most_events, &w->events));
    w->counts = mb_calo_events_counts(w->ctx, &w->events);
    w->reference = mb_allocate(w->ctx, w->events.n, sizeof *w->reference);
    w->score = mb_allocate(w->ctx, w->events.n, sizeof *w->score);
    if (w->counts == NULL || w->reference == NULL || w->score == NULL) {
        return MB_ERR_MEMORY;
    }
    if (w->model.model != NULL) {
        return mb_calo_model_score(
            w->ctx, &w->model, w->events.regions.data, w->events.n, w->reference);
    }
    return mb_calo_twin_score(w->ctx, w->twin, w->counts, w->events.n, w->reference);
}

static bool is_twice(const mb_bits_scan *scan, size_t which) {
    for (size_t i = 0; i < scan->n; i++) {
        if (scan->lines[i].index != scan->lines[which].index &&
            strcmp(scan->lines[i].layer, scan->lines[which].layer) == 0) {
            return true;
        }
    }
    return false;
}

// "dense1 result"; layers of one name are told apart by their place.
static mb_status label_lines(work *w) {
    if (w->scan.n > MOST_LINES) {
        return mb_fail(w->ctx, MB_ERR_LIMIT,
            "precision-tuner: the network has %zu places to tune; at most %d are offered",
            w->scan.n, MOST_LINES);
    }
    for (size_t i = 0; i < w->scan.n; i++) {
        const mb_bits_line *line = &w->scan.lines[i];
        const char *part = mb_bits_part_names[line->part];
        w->labels[i] = is_twice(&w->scan, i)
                           ? mb_arena_format(&w->arena, w->ctx, "%s (%zu) %s", line->layer,
                                 line->index + 1, part)
                           : mb_arena_format(&w->arena, w->ctx, "%s %s", line->layer, part);
        if (w->labels[i] == NULL) {
            return MB_ERR_MEMORY;
        }
    }
    return MB_OK;
}

static mb_status draw(work *w) {
    mb_plot_line lines[MOST_LINES];
    for (size_t i = 0; i < w->scan.n; i++) {
        const mb_bits_line *line = &w->scan.lines[i];
        double *x = mb_arena_allocate(&w->arena, w->ctx, line->n_points, sizeof *x);
        double *y = mb_arena_allocate(&w->arena, w->ctx, line->n_points, sizeof *y);
        if (x == NULL || y == NULL) {
            return MB_ERR_MEMORY;
        }
        for (size_t k = 0; k < line->n_points; k++) {
            x[k] = line->points[k].bits;
            y[k] = line->points[k].figure;
        }
        lines[i] = (mb_plot_line){.label = w->labels[i],
            .x = mb_values_f64(x, line->n_points),
            .y = mb_values_f64(y, line->n_points)};
    }
    return mb_draw_lines(w->folder.gallery, w->ctx,
        &(mb_plot_settings){.name = "precision",
            .title = "Largest error of the score",
            .caption = "One place at a time with so many bits, its integer bits as they are; all "
                       "others as they are. Errors of 0 have no point on this axis.",
            .x_label = "Bits",
            .y_label = "Largest error",
            .is_y_log = true,
            .is_x_whole = true,
            .has_limit = w->settings->limit > 0,
            .limit_y = w->settings->limit,
            .limit_text = "limit"},
        lines, w->scan.n);
}

enum { N_COLUMNS = 5 };
static const char *const head[N_COLUMNS] = {"layer", "place", "from", "to", "largest error"};

static mb_status put_lines(work *w, mb_buffer *curves, mb_node *list, const char **cells) {
    mb_answer *answer = w->folder.answer;
    for (size_t i = 0; i < w->scan.n; i++) {
        const mb_bits_line *line = &w->scan.lines[i];
        const char *part = mb_bits_part_names[line->part];
        char from[MB_FIXED_TEXT_SIZE];
        char to[MB_FIXED_TEXT_SIZE];
        mb_fixed_text(&line->start, from, sizeof from);
        mb_fixed_text(&line->chosen, to, sizeof to);
        const char *chosen = line->chosen.bits != 0 ? to : "none is good enough";
        mb_csv_put_text(&w->folder.main, true, line->layer);
        mb_csv_put_text(&w->folder.main, false, part);
        mb_csv_put_text(&w->folder.main, false, line->is_exact ? "exact" : from);
        mb_csv_put_int64(&w->folder.main, false, line->start.bits);
        mb_csv_put_text(&w->folder.main, false, line->chosen.bits != 0 ? to : "");
        mb_csv_put_int64(&w->folder.main, false, line->chosen.bits);
        mb_csv_put_double(&w->folder.main, false, line->figure);
        mb_csv_end_row(&w->folder.main);
        for (size_t k = 0; k < line->n_points; k++) {
            mb_csv_put_text(curves, true, line->layer);
            mb_csv_put_text(curves, false, part);
            mb_csv_put_int64(curves, false, line->points[k].bits);
            mb_csv_put_double(curves, false, line->points[k].figure);
            mb_csv_end_row(curves);
        }
        mb_node *map = mb_answer_add_map(answer, list);
        mb_answer_put_text(answer, map, "layer", line->layer);
        mb_answer_put_text(answer, map, "place", part);
        mb_answer_put_int(answer, map, "bits", line->chosen.bits);
        mb_answer_put_int(answer, map, "integer", line->chosen.integer);
        mb_answer_put_int(answer, map, "bits_before", line->start.bits);
        mb_answer_put_real(answer, map, "max_error", line->figure);
        mb_answer_line(answer, "  %-24s %-22s -> %-22s %.4g", w->labels[i],
            line->is_exact ? "exact" : from, chosen, line->figure);
        cells[i * N_COLUMNS] = line->layer;
        cells[i * N_COLUMNS + 1] = part;
        cells[i * N_COLUMNS + 2] =
            mb_arena_format(&w->arena, w->ctx, "%s", line->is_exact ? "exact" : from);
        cells[i * N_COLUMNS + 3] = mb_arena_format(&w->arena, w->ctx, "%s", chosen);
        cells[i * N_COLUMNS + 4] = mb_arena_format(&w->arena, w->ctx, "%.4g", line->figure);
    }
    return mb_context_status(w->ctx);
}

// The sentences around the table.
static void tell(work *w, const char *file, const char **cells) {
    const bool is_good = w->scan.joint_figure < w->settings->limit;
    mb_answer *answer = w->folder.answer;
    mb_answer_put_int(answer, NULL, "events", (int64_t)w->events.n);
    mb_answer_put_real(answer, NULL, "limit", w->settings->limit);
    mb_answer_put_real(answer, NULL, "start_error", w->scan.start_figure);
    mb_answer_put_real(answer, NULL, "joint_error", w->scan.joint_figure);
    mb_answer_put_int(answer, NULL, "twins", (int64_t)w->scan.n_twins);
    const char *advice = is_good                 ? "within the limit"
                         : w->settings->is_joint ? "above the limit"
                                                 : "above the limit: --joint searches with those "
                                                   "found before";
    mb_answer_line(
        answer, "all these together: largest error %.4g, %s", w->scan.joint_figure, advice);
    mb_report_paragraph(w->folder.report,
        "Largest error of the scores of %zu events of %s against %s. It is %.4g with the formats "
        "as they are, and %.4g with all formats found at once (%s). Limit %.4g; %zu twins judged.",
        w->events.n, file,
        w->model.model != NULL ? "those of the model in float" : "those of the types given",
        w->scan.start_figure, w->scan.joint_figure, advice, w->settings->limit, w->scan.n_twins);
    mb_report_table(w->folder.report,
        "The fewest bits that leave the largest error below the limit: of fraction, then of "
        "integer bits.",
        head, N_COLUMNS, cells, w->scan.n);
}

static mb_status run(work *w, const mb_calo_network *network, const char *file) {
    MB_TRY(prepare(w, network, file));
    const mb_bits_request request = {.twin = w->twin,
        .parts = {[MB_BITS_ACCUMULATOR] = true, [MB_BITS_RESULT] = true},
        .figure = largest_error,
        .user = w,
        .limit = w->settings->limit,
        .is_joint = w->settings->is_joint};
    MB_TRY(mb_bits_run(w->ctx, &request, &w->scan));
    MB_TRY(label_lines(w));
    MB_TRY(mb_calo_folder_make(&w->folder));
    MB_TRY(draw(w));
    const char **cells =
        mb_arena_allocate(&w->arena, w->ctx, w->scan.n * N_COLUMNS + 1, sizeof *cells);
    mb_buffer curves;
    if (cells == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_buffer_init(&curves, w->ctx);
    mb_buffer_text(&curves, "layer,place,bits,max_error\n");
    mb_buffer_text(&w->folder.main, "layer,place,from,from_bits,to,to_bits,max_error\n");
    mb_answer_line(w->folder.answer, "%zu events, largest error %.4g as it is, limit %.4g",
        w->events.n, w->scan.start_figure, w->settings->limit);
    mb_node *list = mb_answer_put_list(w->folder.answer, NULL, "places");
    mb_status status = put_lines(w, &curves, list, cells);
    if (status == MB_OK) {
        tell(w, file, cells);
        status = mb_calo_folder_write(&w->folder, "curves.csv", &curves);
    }
    mb_buffer_clear(&curves);
    return status;
}

mb_status mb_calo_precision_tuner(mb_context *ctx, const mb_calo_network *network, const char *file,
    const mb_calo_precision *settings, const char *directory, bool is_forced, mb_answer **out) {
    *out = NULL;
    if (!(settings->limit > 0) || !isfinite(settings->limit)) {
        return mb_fail(ctx, MB_ERR_ARG,
            "precision-tuner: the limit of the error must be a positive number, such as 0.5");
    }
    work *w = mb_allocate_zeroed(ctx, 1, sizeof *w);
    if (w == NULL) {
        return MB_ERR_MEMORY;
    }
    w->ctx = ctx;
    w->settings = settings;
    mb_arena_init(&w->arena, ctx);
    mb_status status = mb_calo_folder_open(
        &w->folder, ctx, directory, "precision.csv", "Bits that are needed", file, is_forced);
    if (status == MB_OK) {
        status = run(w, network, file);
    }
    status = mb_calo_folder_finish(&w->folder, status, "curves.csv", out);
    mb_bits_clear(&w->scan);
    mb_calo_model_clear(&w->model);
    mb_calo_events_clear(&w->events);
    mb_twin_destroy(w->twin);
    mb_arena_clear(&w->arena);
    mb_release(ctx, w->counts);
    mb_release(ctx, w->reference);
    mb_release(ctx, w->score);
    mb_release(ctx, w);
    return status;
}
