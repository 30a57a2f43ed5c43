// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/output.h"
#include "base/random.h"
#include "draw/figures_compare.h"
#include "exchange/firmware.h"
#include "files/csv.h"
#include "study/calo_firmware.h"
#include "study/study.h"

#include <math.h>

// A model as weight lists and types, what was written read back, and its scores against the model's
// own.
typedef struct work {
    mb_context *ctx;
    mb_calo_folder folder;
    mb_calo_model model;
    mb_calo_events events;
    mb_twin *twin, *again;
    uint16_t *counts;
    double *exact, *fixed; // scores by the model and by its twin
} work;

enum { MADE_UP = 512 };

// Events of any size, from empty to full.
static mb_status make_up(mb_context *ctx, uint16_t **out, size_t *n) {
    uint16_t *counts = mb_allocate(ctx, MADE_UP * MB_CALO_N_REGIONS, sizeof *counts);
    if (counts == NULL) {
        return MB_ERR_MEMORY;
    }
    for (uint32_t i = 0; i < MADE_UP; i++) {
        mb_random random = mb_random_stream(0, MB_PURPOSE_NOISE, 0, i);
        const uint64_t most = i % 3 == 0 ? 8 : i % 3 == 1 ? 64 : 1024;
        for (size_t r = 0; r < MB_CALO_N_REGIONS; r++) {
            const bool is_empty = mb_random_below(&random, MADE_UP) > i;
            counts[i * MB_CALO_N_REGIONS + r] =
                is_empty ? 0 : (uint16_t)mb_random_below(&random, most);
        }
    }
    *out = counts;
    *n = MADE_UP;
    return MB_OK;
}

static mb_status compare_bits(
    work *w, const mb_twin *a, const mb_twin *b, const uint16_t *counts, size_t n) {
    double *score = mb_allocate(w->ctx, n, 2 * sizeof *score);
    mb_status status = score != NULL ? MB_OK : MB_ERR_MEMORY;
    if (status == MB_OK) {
        status = mb_calo_twin_score(w->ctx, a, counts, n, score);
    }
    if (status == MB_OK) {
        status = mb_calo_twin_score(w->ctx, b, counts, n, score + n);
    }
    for (size_t i = 0; status == MB_OK && i < n; i++) {
        if (score[i] != score[n + i]) {
            status = mb_fail(w->ctx, MB_ERR_INTERNAL,
                "%s: what was written scores event %zu as %.17g, not %.17g; please report this "
                "model",
                w->folder.directory, i, score[n + i], score[i]);
        }
    }
    mb_release(w->ctx, score);
    return status;
}

// Bit for bit, on events of the file, or on made-up ones.
static mb_status read_back(work *w) {
    uint16_t *counts = NULL;
    size_t n = w->events.n;
    char *types = mb_path_join(w->ctx, w->folder.directory, "types.yaml");
    mb_status status = types != NULL ? MB_OK : MB_ERR_MEMORY;
    if (status == MB_OK) {
        status = mb_firmware_load(w->ctx, w->folder.directory, types, NULL, 0, &w->again);
    }
    if (status == MB_OK && w->counts == NULL) {
        status = make_up(w->ctx, &counts, &n);
    }
    if (status == MB_OK) {
        status = compare_bits(w, w->twin, w->again, w->counts != NULL ? w->counts : counts, n);
    }
    if (status == MB_OK) {
        mb_answer_line(w->folder.answer,
            "read back: %zu layers, the same scores bit for bit on %zu %s events",
            mb_twin_layers(w->again), n, w->counts != NULL ? "given" : "made-up");
        mb_answer_put_int(w->folder.answer, NULL, "layers", (int64_t)mb_twin_layers(w->again));
        mb_answer_put_int(w->folder.answer, NULL, "events_read_back", (int64_t)n);
    }
    mb_release(w->ctx, counts);
    mb_release(w->ctx, types);
    return status;
}

static mb_status score(work *w) {
    w->exact = mb_allocate(w->ctx, w->events.n, sizeof *w->exact);
    w->fixed = mb_allocate(w->ctx, w->events.n, sizeof *w->fixed);
    if (w->exact == NULL || w->fixed == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_calo_model_score(w->ctx, &w->model, w->events.regions.data, w->events.n, w->exact));
    return mb_calo_twin_score(w->ctx, w->twin, w->counts, w->events.n, w->fixed);
}

static mb_status check(work *w, const char *file) {
    double most = 0;
    double sum = 0;
    MB_TRY(score(w));
    mb_buffer_text(&w->folder.main, "event,float,fixed,difference\n");
    for (size_t i = 0; i < w->events.n; i++) {
        const double difference = w->exact[i] - w->fixed[i];
        most = fmax(most, fabs(difference));
        sum += difference;
        mb_csv_put_int64(&w->folder.main, true, (int64_t)i);
        mb_csv_put_double(&w->folder.main, false, w->exact[i]);
        mb_csv_put_double(&w->folder.main, false, w->fixed[i]);
        mb_csv_put_double(&w->folder.main, false, difference);
        mb_csv_end_row(&w->folder.main);
    }
    const double mean = sum / (double)w->events.n;
    mb_answer *answer = w->folder.answer;
    mb_answer_put_int(answer, NULL, "events", (int64_t)w->events.n);
    mb_answer_put_real(answer, NULL, "max_error", most);
    mb_answer_put_real(answer, NULL, "mean_difference", mean);
    mb_answer_line(answer, "float minus fixed point on %zu events: largest %.6g, mean %.6g",
        w->events.n, most, mean);
    mb_report_paragraph(w->folder.report,
        "Scores of %zu events of %s by the model in float and by its fixed-point twin: the largest "
        "difference is %.6g, the mean %.6g.",
        w->events.n, file, most, mean);
    MB_TRY(mb_draw_pairs(w->folder.gallery, w->ctx,
        &(mb_pairs){.name = "float_against_fixed",
            .title = "Float against fixed point",
            .x_label = "Float",
            .y_label = "Fixed point",
            .difference_label = "Float - fixed point",
            .x = mb_values_f64(w->exact, w->events.n),
            .y = mb_values_f64(w->fixed, w->events.n)}));
    return mb_calo_layers_report(&w->folder, w->twin, w->counts, w->events.n);
}

static mb_status check_types_absent(work *w, bool is_forced) {
    char *types = mb_path_join(w->ctx, w->folder.directory, "types.yaml");
    const mb_status status =
        types != NULL ? mb_check_absent(w->ctx, types, is_forced) : MB_ERR_MEMORY;
    mb_release(w->ctx, types);
    return status;
}

static mb_status run(
    work *w, const char *model, const mb_calo_export *settings, const char *directory) {
    const mb_calo_network network = {.model = model};
    MB_TRY(mb_calo_twin_open(w->ctx, &network, settings->input, &w->model, &w->twin));
    if (settings->check != NULL) {
        MB_TRY(mb_calo_events_read(w->ctx, settings->check, 0, &w->events));
        w->counts = mb_calo_events_counts(w->ctx, &w->events);
        if (w->counts == NULL) {
            return MB_ERR_MEMORY;
        }
    }
    MB_TRY(mb_firmware_save(w->ctx, w->twin, directory));
    mb_answer_line(w->folder.answer, "%s: types.yaml and the weight lists of %s", directory, model);
    mb_answer_put_text(w->folder.answer, NULL, "weights", directory);
    MB_TRY(read_back(w));
    if (settings->check == NULL) {
        return MB_OK;
    }
    MB_TRY(mb_calo_folder_make(&w->folder));
    return check(w, settings->check);
}

mb_status mb_calo_firmware_export(mb_context *ctx, const char *model,
    const mb_calo_export *settings, const char *directory, bool is_forced, mb_answer **out) {
    *out = NULL;
    work w = {.ctx = ctx};
    mb_status status = mb_calo_folder_open(
        &w.folder, ctx, directory, "check.csv", "Float against fixed point", model, is_forced);
    if (status == MB_OK) {
        status = check_types_absent(&w, is_forced);
    }
    if (status == MB_OK) {
        status = run(&w, model, settings, directory);
    }
    status = mb_calo_folder_finish(&w.folder, status, "layers.csv", out);
    mb_calo_model_clear(&w.model);
    mb_calo_events_clear(&w.events);
    mb_twin_destroy(w.twin);
    mb_twin_destroy(w.again);
    mb_release(ctx, w.counts);
    mb_release(ctx, w.exact);
    mb_release(ctx, w.fixed);
    return status;
}
