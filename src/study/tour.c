// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/output.h"
#include "base/words.h"
#include "study/run.h"

// `tour`: the shipped studies at a small size, on toy events, into one folder.

// What makes a study small.
typedef struct tour_stop {
    const char *study;
    const char *const *run;  // overrides of the run
    const char *const *scan; // and of its scan, on top; NULL: none
} tour_stop;

static const char *const barrel_run[] = {
    "simulate={files: 4, events: 500}", "train.epochs=6", NULL};
static const char *const barrel_scan[] = {
    "scan={over: {bins: [64, 128], events: [200, 1000], depth: [2, 4]}, repeats: 1}",
    "train.epochs=3", NULL};

// At least 60,000 background events for testing: fewer allow none at 1 kHz.
static const char *const cicada_run[] = {"simulate={events: 92000, signal_events: 10000}",
    "data.background={file: ZeroBias.h5, limit: 72000}",
    "data.signals.SUEP={file: SUEP.h5, title: SUEP, overlay: background, overlay_events: 5000}",
    "data.synthetic.events=10000", "data.train_size=8000", "data.blend.each=1600",
    "fits.cicada.events=15000", "fits.cicada.alternate.rounds=4",
    "fits.cicada.train={teacher: {batch: 128}, student: {batch: 128}}", "train.epochs=60", NULL};

static const char *const econt_run[] = {"simulate={events: 50000}", "train.epochs=20", NULL};

// A network of a quarter of the filters, on the middle of the images.
static const char *const ecal_run[] = {"simulate={events: 2000}", "data.crop=16",
    "data.rows={train: [0, 1200], validation: [1200, 1500], test: [1500, 2000]}", "train.epochs=8",
    "params.filters_1=16", "params.filters_2=16", NULL};
static const char *const ecal_scan[] = {
    "scan={over: {filters_1: [4, 8, 16], kernal_1: [1, 3]}, validation: 0.3, sort: val_loss}",
    "data.rows=[0, 400]", "train.epochs=6", NULL};

static const char *const track_run[] = {"simulate={events: 100}", "train.epochs=10", NULL};

static const tour_stop stops[] = {{"barrel-trigger", barrel_run, barrel_scan},
    {"ecal-shower", ecal_run, ecal_scan}, {"track-graph", track_run, NULL},
    {"cicada-benchmark", cicada_run, NULL}, {"econt-autoencoder", econt_run, NULL}};

static mb_status write_study(mb_context *ctx, const char *path, const char *name) {
    const char *text = mb_shipped_study_text(name);
    return text == NULL
               ? mb_fail(ctx, MB_ERR_INTERNAL, "tour: study %s is not shipped; report this", name)
               : mb_write_file(ctx, path, text, strlen(text));
}

static mb_status run_study(mb_context *ctx, const tour_stop *stop, const char *path,
    const mb_run_settings *settings, mb_answer **answer) {
    const mb_study_settings study_settings = {
        .overrides = stop->run, .n_overrides = mb_count_words(stop->run)};
    mb_study *study = NULL;
    MB_TRY(mb_study_open(ctx, path, &study_settings, &study));
    const mb_status status = mb_study_run(ctx, study, settings, answer);
    mb_study_destroy(study);
    return status;
}

static mb_status scan_study(mb_context *ctx, mb_arena *arena, const tour_stop *stop,
    const char *path, const mb_run_settings *run) {
    const size_t n_run = mb_count_words(stop->run);
    const size_t n_scan = mb_count_words(stop->scan);
    const char **overrides = mb_arena_allocate(arena, ctx, n_run + n_scan, sizeof *overrides);
    const char *folder = mb_run_file(ctx, arena, run->directory, "scan");
    if (overrides == NULL || folder == NULL) {
        return MB_ERR_MEMORY;
    }
    memcpy(overrides, stop->run, n_run * sizeof *overrides);
    memcpy(overrides + n_run, stop->scan, n_scan * sizeof *overrides);
    const mb_study_settings study = {.overrides = overrides, .n_overrides = n_run + n_scan};
    mb_run_settings settings = *run;
    settings.directory = folder;
    return mb_scan(ctx, path, &study, &settings, NULL);
}

static mb_status visit(mb_context *ctx, mb_arena *arena, const tour_stop *stop,
    const mb_run_settings *settings, mb_answer *answer, const char **run) {
    const char *folder = mb_run_file(ctx, arena, settings->directory, stop->study);
    const char *path =
        folder == NULL ? NULL : mb_arena_format(arena, ctx, "%s/%s.yaml", folder, stop->study);
    *run = folder == NULL ? NULL : mb_run_file(ctx, arena, folder, "run");
    if (path == NULL || *run == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_make_directory(ctx, folder));
    MB_TRY(write_study(ctx, path, stop->study));
    mb_run_settings own = *settings;
    own.directory = *run;
    mb_answer *result = NULL;
    MB_TRY(run_study(ctx, stop, path, &own, &result));
    mb_answer_line(answer, "%s", stop->study);
    mb_buffer_text(&answer->text, mb_answer_text(result));
    mb_answer_put_copy(answer, NULL, stop->study, result->document.root);
    mb_answer_destroy(result);
    return stop->scan != NULL ? scan_study(ctx, arena, stop, path, &own) : MB_OK;
}

static mb_status check_folder(mb_context *ctx, mb_arena *arena, const mb_run_settings *settings) {
    const char *page = mb_run_file(ctx, arena, settings->directory, "report.html");
    return page == NULL ? MB_ERR_MEMORY : mb_check_absent(ctx, page, settings->is_forced);
}

mb_status mb_tour(mb_context *ctx, const mb_run_settings *settings, mb_answer **out) {
    if (out != NULL) {
        *out = NULL;
    }
    mb_answer *answer = NULL;
    mb_arena arena;
    mb_arena_init(&arena, ctx);
    MB_TRY(mb_answer_create(ctx, &answer));
    const char *runs[MB_COUNT_OF(stops)];
    const char *page = mb_run_file(ctx, &arena, settings->directory, "report.html");
    mb_status status = page == NULL ? MB_ERR_MEMORY : check_folder(ctx, &arena, settings);
    for (size_t i = 0; i < MB_COUNT_OF(stops) && status == MB_OK; i++) {
        status = visit(ctx, &arena, &stops[i], settings, answer, &runs[i]);
    }
    if (status == MB_OK) {
        status = mb_run_make_report(ctx, runs, MB_COUNT_OF(stops), page);
        mb_answer_put_text(answer, NULL, "report", page);
        mb_answer_line(answer, "%s: the report", page);
    }
    mb_arena_clear(&arena);
    return mb_answer_finish(answer, status, out);
}
