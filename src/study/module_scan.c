// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "draw/figures_compare.h"
#include "files/csv.h"
#include "study/calo_folder.h"
#include "study/module_run.h"

// `scan RUN`: how many bits each place of a run's quantised encoders needs, without training.

mb_status mb_module_draw_places(mb_module_evaluation *e, mb_gallery *gallery, const char *name,
    const mb_module_result *result) {
    mb_context *ctx = e->run->ctx;
    const size_t n = result->n_places;
    if (n == 0) {
        return MB_OK;
    }
    mb_plot_line *lines = mb_arena_allocate(&e->arena, ctx, n, sizeof *lines);
    const char *title = mb_arena_format(&e->arena, ctx, "%s: EMD against bits", result->name);
    if (lines == NULL || title == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < n; i++) {
        const mb_module_place *place = &result->places[i];
        lines[i] = (mb_plot_line){
            .label = mb_arena_format(&e->arena, ctx, "%s %s", place->layer, place->part),
            .x = mb_values_f64(place->bits, place->n),
            .y = mb_values_f64(place->emd, place->n)};
        if (lines[i].label == NULL) {
            return MB_ERR_MEMORY;
        }
    }
    return mb_draw_lines(gallery, ctx,
        &(mb_plot_settings){.name = name,
            .title = title,
            .caption = "One place of the encoder at a time with so many bits, its integer bits as "
                       "they are and all others as they are; no training.",
            .x_label = "Bits",
            .y_label = "EMD, mean",
            .is_x_whole = true,
            .has_limit = true,
            .limit_y = result->start_emd,
            .limit_text = "as trained"},
        lines, n);
}

typedef struct work {
    mb_module_evaluation e;
    mb_calo_folder folder;
    mb_buffer curves;
} work;

enum { N_COLUMNS = 5 };
static const char *const head[N_COLUMNS] = {"layer", "place", "from", "to", "emd"};

static mb_status put_place(work *w, const mb_module_result *r, const mb_module_place *place,
    mb_node *list, const char **cells) {
    mb_context *ctx = w->e.run->ctx;
    mb_answer *answer = w->folder.answer;
    char from[MB_FIXED_TEXT_SIZE];
    char to[MB_FIXED_TEXT_SIZE];
    mb_fixed_text(&place->start, from, sizeof from);
    mb_fixed_text(&place->chosen, to, sizeof to);
    cells[0] = place->layer;
    cells[1] = place->part;
    cells[2] = mb_arena_text(&w->e.arena, ctx, place->is_exact ? "exact" : from);
    cells[3] =
        mb_arena_text(&w->e.arena, ctx, place->chosen.bits != 0 ? to : "none is good enough");
    cells[4] = mb_arena_format(&w->e.arena, ctx, "%.4f", place->figure);
    if (cells[2] == NULL || cells[3] == NULL || cells[4] == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_csv_put_text(&w->folder.main, true, r->name);
    for (size_t i = 0; i < 3; i++) {
        mb_csv_put_text(&w->folder.main, false, cells[i]);
    }
    mb_csv_put_text(&w->folder.main, false, place->chosen.bits != 0 ? to : "");
    mb_csv_put_int64(&w->folder.main, false, place->chosen.bits);
    mb_csv_put_double(&w->folder.main, false, place->figure);
    mb_csv_end_row(&w->folder.main);
    for (size_t k = 0; k < place->n; k++) {
        mb_csv_put_text(&w->curves, true, r->name);
        mb_csv_put_text(&w->curves, false, place->layer);
        mb_csv_put_text(&w->curves, false, place->part);
        mb_csv_put_double(&w->curves, false, place->bits[k]);
        mb_csv_put_double(&w->curves, false, place->emd[k]);
        mb_csv_end_row(&w->curves);
    }
    mb_node *map = mb_answer_add_map(answer, list);
    mb_answer_put_text(answer, map, "model", r->name);
    mb_answer_put_text(answer, map, "layer", place->layer);
    mb_answer_put_text(answer, map, "place", place->part);
    mb_answer_put_int(answer, map, "bits", place->chosen.bits);
    mb_answer_put_int(answer, map, "bits_before", place->start.bits);
    mb_answer_put_real(answer, map, "emd", place->figure);
    mb_answer_line(answer, "  %-20s %-12s %-22s -> %-22s %.4f", place->layer, place->part, cells[2],
        cells[3], place->figure);
    return MB_OK;
}

static mb_status put_model(work *w, const mb_module_result *r, mb_node *list) {
    mb_context *ctx = w->e.run->ctx;
    const char **cells =
        mb_arena_allocate(&w->e.arena, ctx, r->n_places * N_COLUMNS + 1, sizeof *cells);
    const char *name = mb_arena_format(&w->e.arena, ctx, "bits_%s", r->name);
    const char *text = mb_arena_format(&w->e.arena, ctx,
        "%s: the fewest bits of each place alone whose EMD is less than a hundredth larger. As "
        "trained %.4f, with all of these at once %.4f.",
        r->name, r->start_emd, r->joint_emd);
    if (cells == NULL || name == NULL || text == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_answer_line(w->folder.answer, "%s", text);
    for (size_t i = 0; i < r->n_places; i++) {
        MB_TRY(put_place(w, r, &r->places[i], list, cells + i * N_COLUMNS));
    }
    mb_report_table(w->folder.report, text, head, N_COLUMNS, cells, r->n_places);
    return mb_module_draw_places(&w->e, w->folder.gallery, name, r);
}

static mb_status scan_models(work *w, mb_run *run) {
    size_t n_quantized = 0;
    MB_TRY(mb_module_open(&w->e, run));
    MB_TRY(mb_calo_folder_make(&w->folder));
    mb_node *list = mb_answer_put_list(w->folder.answer, NULL, "places");
    for (size_t i = 0; i < run->n_rounds; i++) {
        mb_module_result result;
        MB_TRY(mb_module_judge_model(&w->e, &run->rounds[i], &result));
        MB_TRY(mb_module_scan_places(&w->e, &result));
        if (result.n_places > 0) {
            MB_TRY(put_model(w, &result, list));
            n_quantized++;
        }
    }
    if (n_quantized == 0) {
        return mb_fail(run->ctx, MB_ERR_ARG,
            "%s: none of its models is quantised, so that there are no bits to scan; train one "
            "such "
            "as 8x8_c8_S2_tele_qK_6bit",
            run->directory);
    }
    return mb_calo_folder_write(&w->folder, "curves.csv", &w->curves);
}

mb_status mb_module_scan_run(mb_run *run, const char *output, bool is_forced, mb_answer **out) {
    work w = {.e = {.run = run}};
    mb_arena_init(&w.e.arena, run->ctx);
    mb_buffer_init(&w.curves, run->ctx);
    mb_buffer_text(&w.curves, "model,layer,place,bits,emd\n");
    mb_status status = mb_calo_folder_open(&w.folder, run->ctx, output, "bits.csv",
        "Bits of quantised encoders", run->directory, is_forced);
    if (status == MB_OK) {
        mb_buffer_text(&w.folder.main, "model,layer,place,from,to,bits,emd\n");
        status = scan_models(&w, run);
    }
    status = mb_calo_folder_finish(&w.folder, status, "curves.csv", out);
    mb_buffer_clear(&w.curves);
    mb_arena_clear(&w.e.arena);
    return status;
}
