// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "minbias/calo.h"

#include "draw/figures_regions.h"
#include "files/csv.h"
#include "study/calo_events.h"
#include "study/calo_folder.h"

enum { MOST_EVENTS = 100, N = MB_CALO_N_REGIONS };

// What is asked for: some events by number.
typedef struct choice {
    size_t event[MOST_EVENTS];
    size_t n;
    size_t most_read; // events of the file that are needed
} choice;

// "5": the first five; "0,5,7" (or "5,"): these.
static mb_status choose(mb_context *ctx, const char *text, choice *out) {
    const char *end = text + strlen(text);
    const char *at = text;
    const bool is_list = strchr(text, ',') != NULL;
    *out = (choice){.n = 0};
    while (at != NULL && at < end) {
        uint64_t number = 0;
        at = mb_parse_uint64(at, end, &number);
        if (at == NULL || (*at != ',' && at < end) || number > UINT32_MAX) {
            at = NULL;
            break;
        }
        if (out->n == MOST_EVENTS || (!is_list && number > MOST_EVENTS)) {
            return mb_fail(
                ctx, MB_ERR_ARG, "events: '%.60s': at most %d events are drawn", text, MOST_EVENTS);
        }
        out->event[out->n++] = (size_t)number;
        out->most_read = mb_max_size(out->most_read, (size_t)number + 1);
        at += at < end ? 1 : 0;
    }
    if (at == NULL || out->n == 0 || (!is_list && out->event[0] == 0)) {
        return mb_fail(ctx, MB_ERR_ARG,
            "events: '%.60s' names no events; write how many from the first on (5), or numbers "
            "with commas (0,5,7)",
            text);
    }
    if (!is_list) {
        out->n = out->most_read = out->event[0];
        for (size_t i = 0; i < out->n; i++) {
            out->event[i] = i;
        }
    }
    return MB_OK;
}

typedef struct work {
    mb_context *ctx;
    mb_calo_folder folder;
    mb_calo_events events;
    mb_calo_model model;
    choice choice;
    float *outputs; // of the events chosen
} work;

static mb_status pick(work *w) {
    if (w->choice.most_read > w->events.n) {
        return mb_fail(w->ctx, MB_ERR_RANGE,
            "%s: has %zu events, so no event %zu; choose from 0 to %zu", w->events.path,
            w->events.n, w->choice.most_read - 1, w->events.n - 1);
    }
    float *chosen = mb_allocate(w->ctx, w->choice.n * N, sizeof *chosen);
    w->outputs = mb_allocate(w->ctx, w->choice.n * N, sizeof *w->outputs);
    mb_status status = chosen != NULL && w->outputs != NULL ? MB_OK : MB_ERR_MEMORY;
    if (status == MB_OK) {
        for (size_t i = 0; i < w->choice.n; i++) {
            memcpy(chosen + i * N, mb_calo_event_at(&w->events, w->choice.event[i]),
                N * sizeof *chosen);
        }
        status = mb_calo_model_run(w->ctx, &w->model, chosen, w->choice.n, w->outputs);
    }
    mb_release(w->ctx, chosen);
    return status;
}

static void put_event(work *w, size_t i, mb_buffer *regions, mb_node *list) {
    const size_t event = w->choice.event[i];
    const float *original = mb_calo_event_at(&w->events, event);
    const float *made = w->outputs + i * N;
    const double error = mb_calo_image_error(original, made);
    for (size_t r = 0; r < N; r++) {
        mb_csv_put_int64(regions, true, (int64_t)event);
        mb_csv_put_int64(regions, false, (int64_t)(r / MB_CALO_N_ETA));
        mb_csv_put_int64(regions, false, (int64_t)(r % MB_CALO_N_ETA));
        mb_csv_put_float(regions, false, original[r]);
        mb_csv_put_float(regions, false, made[r]);
        mb_csv_put_float(regions, false, original[r] - made[r]);
        mb_csv_end_row(regions);
    }
    mb_csv_put_int64(&w->folder.main, true, (int64_t)event);
    mb_csv_put_double(&w->folder.main, false, error);
    mb_csv_end_row(&w->folder.main);
    mb_node *map = mb_answer_add_map(w->folder.answer, list);
    mb_answer_put_int(w->folder.answer, map, "event", (int64_t)event);
    mb_answer_put_real(w->folder.answer, map, "mse", error);
    mb_answer_line(w->folder.answer, "event %zu: mean square error %.6g", event, error);
}

static mb_status draw_event(work *w, size_t i) {
    char name[48];
    char title[48];
    mb_format(name, sizeof name, "reconstruction_%zu", w->choice.event[i]);
    mb_format(title, sizeof title, "Event %zu", w->choice.event[i]);
    const mb_reconstruction event = {.title = title,
        .original = mb_values_f32(mb_calo_event_at(&w->events, w->choice.event[i]), N),
        .reconstruction = mb_values_f32(w->outputs + i * N, N),
        .mse = mb_calo_image_error(
            mb_calo_event_at(&w->events, w->choice.event[i]), w->outputs + i * N)};
    return mb_draw_reconstruction(w->folder.gallery, w->ctx, name, &event);
}

static mb_status run(work *w, const char *model, const char *file) {
    MB_TRY(mb_calo_autoencoder_open(w->ctx, model, "a reconstruction", &w->model));
    MB_TRY(mb_calo_events_read(w->ctx, file, w->choice.most_read, &w->events));
    MB_TRY(pick(w));
    MB_TRY(mb_calo_folder_make(&w->folder));
    mb_buffer regions;
    mb_buffer_init(&regions, w->ctx);
    mb_buffer_text(&regions, "event,phi,eta,original,reconstruction,difference\n");
    mb_buffer_text(&w->folder.main, "event,mse\n");
    mb_node *list = mb_answer_put_list(w->folder.answer, NULL, "events");
    mb_status status = MB_OK;
    for (size_t i = 0; status == MB_OK && i < w->choice.n; i++) {
        put_event(w, i, &regions, list);
        status = draw_event(w, i);
    }
    mb_report_paragraph(w->folder.report,
        "Single events of %s as %s reconstructs them; ET in counts of 0.5 GeV. The error is the "
        "mean over 252 regions of (original - reconstruction)^2.",
        file, model);
    if (status == MB_OK) {
        status = mb_calo_folder_write(&w->folder, "regions.csv", &regions);
    }
    mb_buffer_clear(&regions);
    return status;
}

mb_status mb_calo_reconstruct(mb_context *ctx, const char *model, const char *file,
    const char *events, const char *directory, bool is_forced, mb_answer **out) {
    *out = NULL;
    work w = {.ctx = ctx};
    MB_TRY(choose(ctx, events, &w.choice));
    mb_status status = mb_calo_folder_open(
        &w.folder, ctx, directory, "reconstruct.csv", "Reconstructed events", file, is_forced);
    if (status == MB_OK) {
        status = run(&w, model, file);
    }
    status = mb_calo_folder_finish(&w.folder, status, "regions.csv", out);
    mb_calo_model_clear(&w.model);
    mb_calo_events_clear(&w.events);
    mb_release(ctx, w.outputs);
    return status;
}
