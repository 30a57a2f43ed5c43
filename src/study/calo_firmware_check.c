// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/calo/links.h"
#include "draw/figures_compare.h"
#include "files/csv.h"
#include "measure/sorted.h"
#include "study/calo_firmware.h"
#include "study/score_files.h"

#include <math.h>

enum { MOST_TOLD = 10, BINS = 100 };

// Firmware's scores of events against what hardware, or another program, said.
typedef struct work {
    mb_context *ctx;
    mb_calo_folder folder;
    mb_calo_model none; // firmware has no model behind it
    mb_calo_events events;
    mb_twin *twin;
    uint16_t *counts;
    double *score, *reference; // reference NULL: none
    char name[256];            // of the reference, for people
    size_t n_differing;
} work;

static bool is_array_file(const char *path) {
    static const char *const suffixes[] = {".csv", ".npy", ".npz", ".h5", ".hdf5", ".hdf"};
    for (size_t i = 0; i < MB_COUNT_OF(suffixes); i++) {
        if (strstr(path, suffixes[i]) != NULL) {
            return true;
        }
    }
    return false;
}

static mb_status take_reference(work *w, const double *from, size_t n, const char *name) {
    mb_format(w->name, sizeof w->name, "%s", name);
    if (n != w->events.n) {
        return mb_fail(w->ctx, MB_ERR_SHAPE,
            "%s: %zu reference scores for the %zu events of %s; give one for each", name, n,
            w->events.n, w->events.path);
    }
    w->reference = mb_allocate(w->ctx, n, sizeof *w->reference);
    if (w->reference == NULL) {
        return MB_ERR_MEMORY;
    }
    memcpy(w->reference, from, n * sizeof *from);
    return MB_OK;
}

static mb_status read_reference(work *w, const mb_calo_check *settings) {
    const char *path = settings->reference;
    if (path == NULL) {
        return w->events.reference.data == NULL ? MB_OK
                                                : take_reference(w, w->events.reference.data,
                                                      w->events.n, "the 253rd number of each line");
    }
    if (!is_array_file(path)) {
        double *scores = NULL;
        size_t n = 0;
        MB_TRY(mb_calo_scores_read(w->ctx, path, settings->link, &scores, &n));
        const mb_status status = take_reference(w, scores, n, path);
        mb_release(w->ctx, scores);
        return status;
    }
    mb_array array;
    MB_TRY(mb_score_file_read(w->ctx, path, "score", &array));
    const size_t n = mb_array_count(&array);
    double *scores = mb_allocate(w->ctx, n, sizeof *scores);
    for (size_t i = 0; scores != NULL && i < n; i++) {
        scores[i] = mb_values_get(mb_values_of(&array), i);
    }
    const mb_status status = scores != NULL ? take_reference(w, scores, n, path) : MB_ERR_MEMORY;
    mb_release(w->ctx, scores);
    mb_array_clear(&array);
    return status;
}

static mb_status tell_scores(work *w) {
    static const double shares[] = {0.05, 0.5, 0.95};
    static const char *const keys[] = {"score_5", "score_50", "score_95"};
    const size_t n = w->events.n;
    double *sorted = mb_allocate(w->ctx, n, sizeof *sorted);
    if (sorted == NULL) {
        return MB_ERR_MEMORY;
    }
    memcpy(sorted, w->score, n * sizeof *sorted);
    mb_sort_doubles(sorted, n);
    double at[MB_COUNT_OF(shares)];
    mb_answer *answer = w->folder.answer;
    mb_answer_put_int(answer, NULL, "events", (int64_t)n);
    mb_answer_put_real(answer, NULL, "first", w->score[0]);
    for (size_t i = 0; i < MB_COUNT_OF(shares); i++) {
        at[i] = mb_quantile_of_sorted(sorted, n, shares[i]);
        mb_answer_put_real(answer, NULL, keys[i], at[i]);
    }
    mb_answer_line(answer, "%zu events: scores %.8g / %.8g / %.8g (5/50/95 %%), from %.8g to %.8g",
        n, at[0], at[1], at[2], sorted[0], sorted[n - 1]);
    mb_release(w->ctx, sorted);
    return MB_OK;
}

// Which events differ: into the tables, the first of them to people.
static mb_status compare_scores(work *w) {
    mb_answer *answer = w->folder.answer;
    mb_buffer differing;
    mb_buffer_init(&differing, w->ctx);
    mb_buffer_text(&differing, "event,score,reference,difference\n");
    mb_buffer_text(&w->folder.main, "event,score,reference\n");
    mb_node *list = w->reference != NULL ? mb_answer_put_list(answer, NULL, "differing") : NULL;
    double most = 0;
    for (size_t i = 0; i < w->events.n; i++) {
        mb_csv_put_int64(&w->folder.main, true, (int64_t)i);
        mb_csv_put_double(&w->folder.main, false, w->score[i]);
        if (w->reference != NULL) {
            mb_csv_put_double(&w->folder.main, false, w->reference[i]);
        } else {
            mb_csv_put_text(&w->folder.main, false, "");
        }
        mb_csv_end_row(&w->folder.main);
        if (w->reference == NULL || w->score[i] == w->reference[i]) {
            continue;
        }
        const double difference = w->score[i] - w->reference[i];
        most = fmax(most, fabs(difference));
        mb_csv_put_int64(&differing, true, (int64_t)i);
        mb_csv_put_double(&differing, false, w->score[i]);
        mb_csv_put_double(&differing, false, w->reference[i]);
        mb_csv_put_double(&differing, false, difference);
        mb_csv_end_row(&differing);
        mb_answer_add_int(answer, list, (int64_t)i);
        if (w->n_differing++ < MOST_TOLD) {
            mb_answer_line(
                answer, "  event %zu: score %.8g, reference %.8g", i, w->score[i], w->reference[i]);
        }
    }
    if (w->reference == NULL) {
        mb_answer_line(answer, "no reference to compare with: give 253 numbers a line, or "
                               "--reference");
        mb_buffer_clear(&differing);
        return MB_OK;
    }
    const size_t same = w->events.n - w->n_differing;
    mb_answer_put_int(answer, NULL, "identical", (int64_t)same);
    mb_answer_put_real(answer, NULL, "max_difference", most);
    mb_answer_line(answer, "%zu/%zu identical to the reference (%s)", same, w->events.n, w->name);
    return mb_calo_folder_write(&w->folder, "differing.csv", &differing);
}

static mb_status draw(work *w) {
    if (w->reference != NULL) {
        return mb_draw_pairs(w->folder.gallery, w->ctx,
            &(mb_pairs){.name = "score_against_reference",
                .title = "Firmware's scores against their reference",
                .x_label = "Reference",
                .y_label = "Score",
                .difference_label = "Reference - score",
                .x = mb_values_f64(w->reference, w->events.n),
                .y = mb_values_f64(w->score, w->events.n)});
    }
    double edges[BINS + 1];
    double heights[BINS] = {0};
    double low = w->score[0];
    double high = w->score[0];
    for (size_t i = 0; i < w->events.n; i++) {
        low = fmin(low, w->score[i]);
        high = fmax(high, w->score[i]);
    }
    high = high > low ? high : low + 1;
    for (size_t i = 0; i <= BINS; i++) {
        edges[i] = low + (high - low) * (double)i / BINS;
    }
    for (size_t i = 0; i < w->events.n; i++) {
        const size_t bin = (size_t)((w->score[i] - low) / (high - low) * BINS);
        heights[mb_min_size(bin, BINS - 1)] += 1;
    }
    const mb_counted_set set = {"events", mb_values_f64(heights, BINS)};
    return mb_draw_counted(w->folder.gallery, w->ctx,
        &(mb_counted_settings){.name = "scores",
            .title = "Firmware's scores",
            .x_label = "Score",
            .y_label = "Events",
            .edges = mb_values_f64(edges, BINS + 1),
            .is_log = true},
        &set, 1);
}

// On one core, the best of the passes that fit into a tenth of a second.
static mb_status measure_speed(work *w) {
    const mb_twin_rows rows = {.u16 = w->counts};
    void *scratch = mb_allocate(w->ctx, 1, mb_twin_scratch(w->twin));
    float *values = mb_allocate(w->ctx, w->events.n, sizeof *values);
    mb_status status = scratch != NULL && values != NULL ? MB_OK : MB_ERR_MEMORY;
    double best = INFINITY;
    const double begin = mb_seconds_now();
    while (status == MB_OK && (best == INFINITY || mb_seconds_now() - begin < 0.1)) {
        const double start = mb_seconds_now();
        mb_twin_run(w->twin, &rows, w->events.n, scratch, NULL, values);
        best = fmin(best, mb_seconds_now() - start);
    }
    if (status == MB_OK && best > 0) {
        const double speed = (double)w->events.n / best;
        mb_answer_put_real(w->folder.answer, NULL, "events_per_second", speed);
        mb_answer_line(w->folder.answer, "speed: %.3g M events/s on one core", speed / 1e6);
    }
    mb_release(w->ctx, values);
    mb_release(w->ctx, scratch);
    return status;
}

static mb_status run(
    work *w, const mb_calo_network *network, const char *file, const mb_calo_check *settings) {
    MB_TRY(mb_calo_twin_open(w->ctx, network, NULL, &w->none, &w->twin));
    MB_TRY(mb_calo_events_read(w->ctx, file, 0, &w->events));
    MB_TRY(read_reference(w, settings));
    w->counts = mb_calo_events_counts(w->ctx, &w->events);
    w->score = mb_allocate(w->ctx, w->events.n, sizeof *w->score);
    if (w->counts == NULL || w->score == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_calo_twin_score(w->ctx, w->twin, w->counts, w->events.n, w->score));
    MB_TRY(mb_calo_folder_make(&w->folder));
    MB_TRY(tell_scores(w));
    MB_TRY(compare_scores(w));
    mb_report_paragraph(w->folder.report,
        "%zu events of %s, scored with the weights of %s and the types %s.", w->events.n, file,
        network->weights, network->types);
    if (w->reference != NULL) {
        mb_report_paragraph(w->folder.report, "%zu of %zu are identical to the reference (%s).",
            w->events.n - w->n_differing, w->events.n, w->name);
    }
    MB_TRY(mb_calo_layers_report(&w->folder, w->twin, w->counts, w->events.n));
    MB_TRY(draw(w));
    return measure_speed(w);
}

mb_status mb_calo_firmware_check(mb_context *ctx, const char *weights, const char *types,
    const char *file, const mb_calo_check *settings, const char *directory, bool is_forced,
    mb_answer **out) {
    *out = NULL;
    work w = {.ctx = ctx};
    const mb_calo_network network = {.weights = weights, .types = types};
    mb_status status = mb_calo_folder_open(
        &w.folder, ctx, directory, "scores.csv", "Firmware check", file, is_forced);
    if (status == MB_OK) {
        status = run(&w, &network, file, settings);
    }
    status = mb_calo_folder_finish(
        &w.folder, status, w.reference != NULL ? "differing.csv, layers.csv" : "layers.csv", out);
    if (status == MB_OK && w.n_differing > 0) {
        status = mb_fail(ctx, MB_ERR_RANGE,
            "firmware-check: %zu of %zu events differ from the reference (%s); see "
            "%s/differing.csv",
            w.n_differing, w.events.n, w.name, directory);
    }
    mb_calo_events_clear(&w.events);
    mb_twin_destroy(w.twin);
    mb_release(ctx, w.counts);
    mb_release(ctx, w.score);
    mb_release(ctx, w.reference);
    return status;
}
