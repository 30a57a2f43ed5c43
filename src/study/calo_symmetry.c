// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "minbias/calo.h"

#include "draw/figures_compare.h"
#include "files/csv.h"
#include "study/calo_events.h"
#include "study/calo_folder.h"

#include <math.h>

enum { N = MB_CALO_N_REGIONS, ROLLS = MB_CALO_N_PHI + 1 };

// Whether a model treats an image and its mirror image, or the image turned in phi, alike.
typedef struct work {
    mb_context *ctx;
    mb_calo_folder folder;
    mb_calo_events events;
    mb_calo_model model;
    bool is_eta; // mirrored in eta, else in phi
    float *moved, *outputs, *moved_outputs;
    double *first, *second, *between; // per event
} work;

static void clear(work *w) {
    mb_calo_model_clear(&w->model);
    mb_calo_events_clear(&w->events);
    mb_release(w->ctx, w->moved);
    mb_release(w->ctx, w->outputs);
    mb_release(w->ctx, w->moved_outputs);
    mb_release(w->ctx, w->first);
    mb_release(w->ctx, w->second);
    mb_release(w->ctx, w->between);
}

static void mirror(const float *from, bool is_eta, float *to) {
    for (size_t phi = 0; phi < MB_CALO_N_PHI; phi++) {
        for (size_t eta = 0; eta < MB_CALO_N_ETA; eta++) {
            const size_t p = is_eta ? phi : MB_CALO_N_PHI - 1 - phi;
            const size_t e = is_eta ? MB_CALO_N_ETA - 1 - eta : eta;
            to[phi * MB_CALO_N_ETA + eta] = from[p * MB_CALO_N_ETA + e];
        }
    }
}

// Row phi of the event comes to row phi + roll.
static void turn(const float *from, size_t roll, float *to) {
    const size_t by = roll % MB_CALO_N_PHI * MB_CALO_N_ETA;
    memcpy(to + by, from, (N - by) * sizeof *to);
    memcpy(to, from + N - by, by * sizeof *to);
}

static mb_status compare_mirrors(work *w) {
    const size_t n = w->events.n;
    w->moved = mb_allocate(w->ctx, n, N * sizeof(float));
    w->outputs = mb_allocate(w->ctx, n, N * sizeof(float));
    w->moved_outputs = mb_allocate(w->ctx, n, N * sizeof(float));
    w->first = mb_allocate(w->ctx, n, sizeof(double));
    w->second = mb_allocate(w->ctx, n, sizeof(double));
    w->between = mb_allocate(w->ctx, n, sizeof(double));
    if (w->moved == NULL || w->outputs == NULL || w->moved_outputs == NULL || w->first == NULL ||
        w->second == NULL || w->between == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < n; i++) {
        mirror(mb_calo_event_at(&w->events, i), w->is_eta, w->moved + i * N);
    }
    MB_TRY(mb_calo_model_run(w->ctx, &w->model, w->events.regions.data, n, w->outputs));
    MB_TRY(mb_calo_model_run(w->ctx, &w->model, w->moved, n, w->moved_outputs));
    for (size_t i = 0; i < n; i++) {
        float mirrored[N];
        const float *made = w->outputs + i * N;
        mirror(made, w->is_eta, mirrored);
        w->first[i] = mb_calo_image_error(mirrored, made);
        w->second[i] = mb_calo_image_error(w->moved_outputs + i * N, made);
        w->between[i] = mb_calo_image_error(mirrored, w->moved_outputs + i * N);
    }
    return MB_OK;
}

static double mean_of(const double *values, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += values[i];
    }
    return sum / (double)n;
}

static mb_status draw_mirrors(work *w) {
    return mb_draw_pairs(w->folder.gallery, w->ctx,
        &(mb_pairs){.name = "equivariance",
            .title = w->is_eta ? "Mirrored in eta" : "Mirrored in phi",
            .caption = "Of each event x the mean square error of mirror(f(x)) against f(x), and of "
                       "f(mirror(x)) against f(x). They are equal where the network treats mirror "
                       "images alike.",
            .x_label = "MSE of mirror(f(x)) and f(x)",
            .y_label = "MSE of f(mirror(x)) and f(x)",
            .difference_label = "mirror(f(x)) - f(mirror(x))",
            .x = mb_values_f64(w->first, w->events.n),
            .y = mb_values_f64(w->second, w->events.n),
            .is_log = true});
}

static mb_status run_mirrors(work *w, const char *model, const char *file, size_t most) {
    static const char *const keys[] = {
        "mse_mirrored_output", "mse_output_of_mirrored", "mse_between"};
    MB_TRY(mb_calo_autoencoder_open(w->ctx, model, "a check of mirror images", &w->model));
    MB_TRY(mb_calo_events_read(w->ctx, file, most, &w->events));
    MB_TRY(compare_mirrors(w));
    MB_TRY(mb_calo_folder_make(&w->folder));
    MB_TRY(draw_mirrors(w));
    const double *const columns[] = {w->first, w->second, w->between};
    mb_buffer_format(&w->folder.main, "event,%s,%s,%s\n", keys[0], keys[1], keys[2]);
    for (size_t i = 0; i < w->events.n; i++) {
        mb_csv_put_int64(&w->folder.main, true, (int64_t)i);
        for (size_t k = 0; k < MB_COUNT_OF(columns); k++) {
            mb_csv_put_double(&w->folder.main, false, columns[k][i]);
        }
        mb_csv_end_row(&w->folder.main);
    }
    mb_answer *answer = w->folder.answer;
    double means[MB_COUNT_OF(columns)];
    mb_answer_put_int(answer, NULL, "events", (int64_t)w->events.n);
    mb_answer_put_text(answer, NULL, "axis", w->is_eta ? "eta" : "phi");
    for (size_t k = 0; k < MB_COUNT_OF(columns); k++) {
        means[k] = mean_of(columns[k], w->events.n);
        mb_answer_put_real(answer, NULL, keys[k], means[k]);
    }
    mb_answer_line(answer,
        "%zu events, mirrored in %s; mean square errors, means over events:", w->events.n,
        w->is_eta ? "eta" : "phi");
    mb_answer_line(answer, "  mirror(f(x)) against f(x)          %.6g", means[0]);
    mb_answer_line(answer, "  f(mirror(x)) against f(x)          %.6g", means[1]);
    mb_answer_line(answer, "  mirror(f(x)) against f(mirror(x))  %.6g", means[2]);
    mb_report_paragraph(w->folder.report,
        "%zu events x of %s and what %s makes of them, f(x). Means over events: mirror(f(x)) "
        "against f(x) %.6g, f(mirror(x)) against f(x) %.6g, mirror(f(x)) against f(mirror(x)) "
        "%.6g; the last is 0 where the network treats mirror images alike.",
        w->events.n, file, model, means[0], means[1], means[2]);
    return MB_OK;
}

mb_status mb_calo_equivariance(mb_context *ctx, const char *model, const char *file,
    size_t most_events, bool is_eta, const char *directory, bool is_forced, mb_answer **out) {
    *out = NULL;
    work w = {.ctx = ctx, .is_eta = is_eta};
    mb_status status = mb_calo_folder_open(
        &w.folder, ctx, directory, "equivariance.csv", "Mirror images", file, is_forced);
    if (status == MB_OK) {
        status = run_mirrors(&w, model, file, most_events);
    }
    status = mb_calo_folder_finish(&w.folder, status, NULL, out);
    clear(&w);
    return status;
}

typedef struct roll_point {
    double mean, half_spread;
} roll_point;

// Relative changes of the events whose own score is above 0, in first; second has those scores.
static mb_status score_rolls(work *w, roll_point points[ROLLS], size_t *n_used) {
    const size_t n = w->events.n;
    w->moved = mb_allocate(w->ctx, n, N * sizeof(float));
    w->first = mb_allocate(w->ctx, n, sizeof(double));
    w->second = mb_allocate(w->ctx, n, sizeof(double));
    if (w->moved == NULL || w->first == NULL || w->second == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_calo_model_score(w->ctx, &w->model, w->events.regions.data, n, w->second));
    for (size_t roll = 0; roll < ROLLS; roll++) {
        for (size_t i = 0; i < n; i++) {
            turn(mb_calo_event_at(&w->events, i), roll, w->moved + i * N);
        }
        MB_TRY(mb_calo_model_score(w->ctx, &w->model, w->moved, n, w->first));
        size_t used = 0;
        for (size_t i = 0; i < n; i++) {
            if (w->second[i] > 0) {
                w->first[used++] = (w->first[i] - w->second[i]) / w->second[i];
            }
        }
        *n_used = used;
        if (used == 0) {
            return mb_fail(w->ctx, MB_ERR_RANGE,
                "%s: the %s of all %zu events is 0, so there is no relative change; give events "
                "that the model scores above 0",
                w->events.path, w->model.score_name, n);
        }
        const double mean = mean_of(w->first, used);
        double sum = 0;
        for (size_t i = 0; i < used; i++) {
            sum += (w->first[i] - mean) * (w->first[i] - mean);
        }
        points[roll] = (roll_point){mean, sqrt(sum / (double)used) / 2};
    }
    return MB_OK;
}

static mb_status draw_rolls(work *w, const roll_point points[ROLLS]) {
    double columns[3][ROLLS];
    for (size_t roll = 0; roll < ROLLS; roll++) {
        columns[0][roll] = (double)roll;
        columns[1][roll] = points[roll].mean;
        columns[2][roll] = points[roll].half_spread;
    }
    return mb_draw_phi_roll(w->folder.gallery, w->ctx, "phi_roll", mb_values_f64(columns[0], ROLLS),
        mb_values_f64(columns[1], ROLLS), mb_values_f64(columns[2], ROLLS));
}

static mb_status run_rolls(work *w, const char *model, const char *file, size_t most) {
    roll_point points[ROLLS];
    size_t n_used = 0;
    MB_TRY(mb_calo_model_open(w->ctx, model, &w->model));
    MB_TRY(mb_calo_events_read(w->ctx, file, most, &w->events));
    MB_TRY(score_rolls(w, points, &n_used));
    MB_TRY(mb_calo_folder_make(&w->folder));
    MB_TRY(draw_rolls(w, points));
    mb_answer *answer = w->folder.answer;
    mb_answer_put_int(answer, NULL, "events", (int64_t)w->events.n);
    mb_answer_put_int(answer, NULL, "events_used", (int64_t)n_used);
    mb_answer_put_text(answer, NULL, "score", w->model.score_name);
    mb_node *list = mb_answer_put_list(answer, NULL, "rolls");
    mb_answer_line(answer, "%zu events (%zu with a %s above 0): relative change of it by roll",
        w->events.n, n_used, w->model.score_name);
    mb_buffer_text(&w->folder.main, "roll,mean,half_std\n");
    for (size_t roll = 0; roll < ROLLS; roll++) {
        mb_csv_put_int64(&w->folder.main, true, (int64_t)roll);
        mb_csv_put_double(&w->folder.main, false, points[roll].mean);
        mb_csv_put_double(&w->folder.main, false, points[roll].half_spread);
        mb_csv_end_row(&w->folder.main);
        mb_node *map = mb_answer_add_map(answer, list);
        mb_answer_put_int(answer, map, "roll", (int64_t)roll);
        mb_answer_put_real(answer, map, "mean", points[roll].mean);
        mb_answer_put_real(answer, map, "half_std", points[roll].half_spread);
        mb_answer_line(
            answer, "  %2zu  %+.5f +- %.5f", roll, points[roll].mean, points[roll].half_spread);
    }
    mb_report_paragraph(w->folder.report,
        "%zu events of %s, turned in phi by 0 to 18 regions: relative change of the %s that %s "
        "gives, mean over the %zu events where it is above 0, with half a standard deviation.",
        w->events.n, file, w->model.score_name, model, n_used);
    return MB_OK;
}

mb_status mb_calo_phi_roll(mb_context *ctx, const char *model, const char *file, size_t most_events,
    const char *directory, bool is_forced, mb_answer **out) {
    *out = NULL;
    work w = {.ctx = ctx};
    mb_status status = mb_calo_folder_open(
        &w.folder, ctx, directory, "phi_roll.csv", "Turned in phi", file, is_forced);
    if (status == MB_OK) {
        status = run_rolls(&w, model, file, most_events);
    }
    status = mb_calo_folder_finish(&w.folder, status, NULL, out);
    clear(&w);
    return status;
}
