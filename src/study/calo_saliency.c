// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "minbias/calo.h"

#include "draw/figures_regions.h"
#include "files/csv.h"
#include "network/sensitivity.h"
#include "study/calo_events.h"
#include "study/calo_folder.h"

#include <math.h>

enum { N = MB_CALO_N_REGIONS };

// One event, its score, and how that moves with each region.
typedef struct work {
    mb_context *ctx;
    mb_calo_folder folder;
    mb_calo_events events;
    mb_calo_model model;
    const float *x;
    double score;
    float gradient[N], saliency[N];
} work;

// The last number of the output.
static void ask_score(void *user, size_t first_row, size_t n_rows, const float *const *outputs,
    float *const *d_outputs) {
    (void)first_row;
    work *w = user;
    const size_t width = w->model.n_outputs;
    for (size_t i = 0; i < n_rows * width; i++) {
        d_outputs[0][i] = i % width == width - 1 ? 1 : 0;
    }
    w->score = (double)outputs[0][width - 1];
}

// The mean of (x - f(x))^2: this is its part through f.
static void ask_error(void *user, size_t first_row, size_t n_rows, const float *const *outputs,
    float *const *d_outputs) {
    (void)first_row;
    (void)n_rows;
    work *w = user;
    for (size_t i = 0; i < N; i++) {
        d_outputs[0][i] = (float)(-2 * ((double)w->x[i] - (double)outputs[0][i]) / N);
    }
    // ... and this the part of x itself.
    for (size_t i = 0; i < N; i++) {
        w->saliency[i] = -d_outputs[0][i];
    }
    w->score = mb_calo_image_error(w->x, outputs[0]);
}

static mb_status differentiate(work *w) {
    const mb_model *model = w->model.model;
    if (!w->model.is_autoencoder && w->model.n_outputs > 2) {
        return mb_fail(w->ctx, MB_ERR_SHAPE,
            "%s: gives %zu numbers an event, neither a score nor an image; give a model with one "
            "or two, or an autoencoder",
            w->model.path, w->model.n_outputs);
    }
    MB_TRY(mb_sensitivity(w->ctx, model, model->parameters, w->x, 1,
        w->model.is_autoencoder ? ask_error : ask_score, w, w->gradient));
    float least = INFINITY;
    float most = 0;
    for (size_t i = 0; i < N; i++) {
        w->gradient[i] += w->model.is_autoencoder ? w->saliency[i] : 0;
        least = fminf(least, fabsf(w->gradient[i]));
        most = fmaxf(most, fabsf(w->gradient[i]));
    }
    for (size_t i = 0; i < N; i++) {
        w->saliency[i] = most > least ? (fabsf(w->gradient[i]) - least) / (most - least) : 0;
    }
    if (most == least) {
        mb_notice(w->ctx, MB_NOTICE_WARNING, w->model.path,
            "the score moves alike with every region (|gradient| %g), so the saliency is 0 "
            "everywhere: it may be clipped at an end of its range",
            (double)most);
    }
    return MB_OK;
}

static mb_status check_event(work *w, size_t event) {
    if (event < w->events.n) {
        w->x = mb_calo_event_at(&w->events, event);
        return MB_OK;
    }
    return mb_fail(w->ctx, MB_ERR_RANGE,
        "%s: has %zu events, so no event %zu; choose from 0 to %zu", w->events.path, w->events.n,
        event, w->events.n - 1);
}

// The three regions that move the score most.
static void tell_regions(work *w) {
    bool is_told[N] = {false};
    mb_node *list = mb_answer_put_list(w->folder.answer, NULL, "strongest");
    for (size_t k = 0; k < 3; k++) {
        size_t best = N;
        for (size_t i = 0; i < N; i++) {
            if (!is_told[i] && (best == N || w->saliency[i] > w->saliency[best])) {
                best = i;
            }
        }
        is_told[best] = true;
        const size_t phi = best / MB_CALO_N_ETA;
        const size_t eta = best % MB_CALO_N_ETA;
        mb_node *map = mb_answer_add_map(w->folder.answer, list);
        mb_answer_put_int(w->folder.answer, map, "phi", (int64_t)phi);
        mb_answer_put_int(w->folder.answer, map, "eta", (int64_t)eta);
        mb_answer_put_real(w->folder.answer, map, "et", (double)w->x[best]);
        mb_answer_put_real(w->folder.answer, map, "gradient", (double)w->gradient[best]);
        mb_answer_line(w->folder.answer, "  phi %2zu, eta %2zu: ET %4g, gradient %+.6g", phi, eta,
            (double)w->x[best], (double)w->gradient[best]);
    }
}

static mb_status run(work *w, const char *model, const char *file, size_t event) {
    MB_TRY(mb_calo_model_open(w->ctx, model, &w->model));
    MB_TRY(mb_calo_events_read(w->ctx, file, event + 1, &w->events));
    MB_TRY(check_event(w, event));
    MB_TRY(differentiate(w));
    MB_TRY(mb_calo_folder_make(&w->folder));
    MB_TRY(mb_draw_saliency(w->folder.gallery, w->ctx, "saliency", mb_values_f32(w->x, N),
        mb_values_f32(w->saliency, N), w->score));
    mb_buffer_text(&w->folder.main, "phi,eta,et,gradient,saliency\n");
    for (size_t i = 0; i < N; i++) {
        mb_csv_put_int64(&w->folder.main, true, (int64_t)(i / MB_CALO_N_ETA));
        mb_csv_put_int64(&w->folder.main, false, (int64_t)(i % MB_CALO_N_ETA));
        mb_csv_put_float(&w->folder.main, false, w->x[i]);
        mb_csv_put_float(&w->folder.main, false, w->gradient[i]);
        mb_csv_put_float(&w->folder.main, false, w->saliency[i]);
        mb_csv_end_row(&w->folder.main);
    }
    mb_answer_put_int(w->folder.answer, NULL, "event", (int64_t)event);
    mb_answer_put_real(w->folder.answer, NULL, "score", w->score);
    mb_answer_line(w->folder.answer, "event %zu: %s %.6g; the regions that move it most:", event,
        w->model.score_name, w->score);
    tell_regions(w);
    mb_report_paragraph(w->folder.report,
        "Event %zu of %s: %s gives the %s %.6g. The saliency is the size of its gradient by each "
        "region's ET (straight through quantisers), from 0, the least, to 1, the largest.",
        event, file, model, w->model.score_name, w->score);
    return MB_OK;
}

mb_status mb_calo_saliency(mb_context *ctx, const char *model, const char *file, size_t event,
    const char *directory, bool is_forced, mb_answer **out) {
    *out = NULL;
    work *w = mb_allocate_zeroed(ctx, 1, sizeof *w);
    if (w == NULL) {
        return MB_ERR_MEMORY;
    }
    w->ctx = ctx;
    mb_status status = mb_calo_folder_open(
        &w->folder, ctx, directory, "saliency.csv", "Saliency", file, is_forced);
    if (status == MB_OK) {
        status = run(w, model, file, event);
    }
    status = mb_calo_folder_finish(&w->folder, status, NULL, out);
    mb_calo_model_clear(&w->model);
    mb_calo_events_clear(&w->events);
    mb_release(ctx, w);
    return status;
}
