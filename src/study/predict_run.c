// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/output.h"
#include "files/csv.h"
#include "files/hdf5.h"
#include "exchange/shipped.h"
#include "minbias/inspect.h"
#include "study/alternate_run.h"
#include "study/facts.h"
#include "study/module_run.h"
#include "study/scan_file.h"
#include "study/predict_arrays.h"
#include "study/predict_fits.h"
#include "study/scored.h"
#include "study/track_run.h"
#include "study/trained.h"

#include <math.h>

// `predict RUN FILES... -o scores.csv`: raw detector files in, one score an event out.

typedef struct scoring {
    mb_context *ctx;
    mb_arena arena;
    const char *directory;
    mb_study *study;
    mb_model *model;
    mb_dataset dataset;
    mb_bundle facts; // of the training
    mb_scored scored;
    bool has_fits; // several, and no model of its own
    bool decides;
    double threshold;
} scoring;

bool mb_run_is_directory(const char *path) {
    static const char *const places[] = {"study.yaml", "../../study.yaml"};
    char file[4096];
    bool is_there = false;
    for (size_t i = 0; i < MB_COUNT_OF(places); i++) {
        mb_format(file, sizeof file, "%s/%s", path, places[i]);
        is_there = is_there || mb_path_exists(file);
    }
    return is_there && mb_path_is_directory(path);
}

static mb_status find_model(scoring *s, const char **path, bool *has_fits) {
    const char *model = *path = mb_run_file(s->ctx, &s->arena, s->directory, "model.h5");
    const char *fits = mb_run_file(s->ctx, &s->arena, s->directory, "fits");
    if (model == NULL || fits == NULL) {
        return MB_ERR_MEMORY;
    }
    const bool is_there = mb_path_exists(model) || mb_shipped_is_path(model);
    *has_fits = !is_there && mb_path_is_directory(fits);
    return MB_OK;
}

static mb_status need_model(scoring *s, const char **path) {
    bool has_fits = false;
    MB_TRY(find_model(s, path, &has_fits));
    if (!mb_path_exists(*path) && !mb_shipped_is_path(*path)) {
        return mb_fail(s->ctx, MB_ERR_IO, "%s: has no model.h5; %s", s->directory,
            has_fits ? "it holds several fits: name one of the folders below its fits/"
            : mb_scan_is_report_of(s->directory)
                ? "it is a scan: name best/ in it"
                : "it was stopped before it stored any weights: train or run with --resume");
    }
    return MB_OK;
}

static mb_status load_model(scoring *s) {
    const char *path = NULL;
    MB_TRY(need_model(s, &path));
    MB_TRY(mb_trained_tell(s->ctx, s->directory));
    return mb_model_load(s->ctx, path, &s->model);
}

static mb_status open_run(scoring *s) {
    const char *study = mb_run_study_path(s->ctx, &s->arena, s->directory);
    const char *model = NULL;
    if (study == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(find_model(s, &model, &s->has_fits));
    MB_TRY(s->has_fits ? MB_OK : need_model(s, &model));
    MB_TRY(mb_facts_read(s->ctx, study, &s->facts));
    MB_TRY(mb_study_open(s->ctx, study, NULL, &s->study));
    s->has_fits = s->has_fits && !mb_module_is_study(s->study) && !mb_track_is_study(s->study);
    if (s->has_fits) {
        return MB_OK;
    }
    return load_model(s);
}

// A threshold that evaluate stored for this rate.
static bool find_stored(const mb_document *thresholds, double khz, double *out, bool *is_none) {
    const mb_node *at = mb_node_find(thresholds->root, "at");
    for (const mb_node *m = at != NULL ? at->first : NULL; m != NULL; m = m->next) {
        if (fabs(mb_node_number(m, "target_khz") - khz) <= 1e-9 * khz) {
            *out = mb_node_number(m, "threshold");
            *is_none = !isfinite(*out);
            return true;
        }
    }
    return false;
}

// No rate is told where the user gave the fraction of background that may pass.
static mb_status fail_threshold(
    scoring *s, const char *accept, bool is_fraction, const mb_rate_point *point) {
    char text[512];
    if (is_fraction && point->verdict == MB_RATE_TOO_FEW) {
        return mb_fail(s->ctx, MB_ERR_RANGE,
            "--accept %s: is %.3g of the run's background events, less than one; ask for a higher "
            "fraction, or evaluate on %.0f or more of them",
            accept, fmin(point->allowed_events, 0.999), ceil(point->input_khz / point->target_khz));
    }
    if (is_fraction) {
        return mb_fail(s->ctx, MB_ERR_RANGE,
            "--accept %s: %llu background events share the highest score, %.4g may pass; ask for a "
            "higher fraction",
            accept, (unsigned long long)point->next_background_events, point->allowed_events);
    }
    return mb_fail(s->ctx, MB_ERR_RANGE, "--accept %s: %s; ask for a higher rate", accept,
        mb_rate_point_text(point, text, sizeof text));
}

// From the run's own scores, for rates that were not asked for before.
static mb_status measure_threshold(
    scoring *s, const char *split, double input, double target, const char *accept) {
    mb_stored_scores stored;
    const char *path = mb_run_file(s->ctx, &s->arena, s->directory, "scores.npz");
    if (path == NULL) {
        return MB_ERR_MEMORY;
    }
    if (!mb_path_exists(path)) {
        return mb_fail(s->ctx, MB_ERR_IO,
            "--accept %s: %s stores no scores to find another threshold from; ask for one of the "
            "study's evaluate.rates",
            accept, s->directory);
    }
    mb_roc roc = {0};
    mb_scored_part part = {0};
    mb_rate_point point = {0};
    mb_status status = mb_stored_scores_read(&stored, s->ctx, path);
    if (status == MB_OK && !stored.has_label) {
        status = mb_fail(s->ctx, MB_ERR_FORMAT,
            "%s: holds no labels to find a threshold from; leave --accept out", path);
    }
    if (status == MB_OK) {
        int wanted = MB_EVALUATE_ALL;
        for (int i = 0; i < 3; i++) {
            wanted = strcmp(split, mb_evaluate_split_names[i]) == 0 ? i : wanted;
        }
        status = mb_stored_scores_part(&part, s->ctx, &stored, wanted);
    }
    if (status == MB_OK) {
        status = mb_roc_make(
            &roc, s->ctx, mb_values_f32(part.score, part.n), mb_values_f32(part.label, part.n));
    }
    if (status == MB_OK) {
        status = mb_roc_at_rate(&roc, s->ctx, input, target, &point);
    }
    if (status == MB_OK && point.verdict != MB_RATE_OK) {
        double fraction = 0;
        status = fail_threshold(s, accept, mb_text_to_double(accept, &fraction), &point);
    }
    s->threshold = point.threshold;
    mb_roc_clear(&roc);
    mb_scored_part_clear(&part);
    mb_stored_scores_clear(&stored);
    return status;
}

static mb_status find_threshold(scoring *s, const char *accept) {
    mb_document thresholds = {0};
    const char *path = mb_run_file(s->ctx, &s->arena, s->directory, "threshold.json");
    if (path == NULL) {
        return MB_ERR_MEMORY;
    }
    if (!mb_path_exists(path)) {
        return mb_fail(s->ctx, MB_ERR_IO,
            "%s: there is no stored threshold; run 'minbias evaluate %s' on data with labels", path,
            s->directory);
    }
    MB_TRY(mb_run_read_json(s->ctx, s->directory, "threshold.json", &thresholds));
    double target = 0;
    double input = mb_node_number(thresholds.root, "input_khz");
    bool is_none = false;
    mb_status status = MB_OK;
    const char *split = mb_node_text(mb_node_find(thresholds.root, "split"));
    // A bare number is the fraction of background that may pass.
    if (mb_text_to_double(accept, &target)) {
        input = 1;
        status = target > 0 && target <= 1
                     ? measure_threshold(s, split != NULL ? split : "all", input, target, accept)
                     : mb_fail(s->ctx, MB_ERR_RANGE,
                           "--accept %s: is no fraction; write a number above 0 and up to 1, or a "
                           "rate such as 5kHz",
                           accept);
    } else {
        status = mb_rate_parse(s->ctx, accept, &target);
        if (status == MB_OK && !find_stored(&thresholds, target, &s->threshold, &is_none)) {
            status = measure_threshold(s, split != NULL ? split : "all", input, target, accept);
        }
        if (status == MB_OK && is_none) {
            status = mb_fail(s->ctx, MB_ERR_RANGE,
                "--accept %s: the run's events allow no threshold at this rate; ask for a higher "
                "rate",
                accept);
        }
    }
    s->decides = true;
    mb_document_clear(&thresholds);
    return status;
}

static mb_status write_table(const scoring *s, const char *output) {
    mb_buffer table;
    mb_buffer_init(&table, s->ctx);
    mb_buffer_text(&table, "file,event,label,score");
    mb_buffer_text(&table, s->decides ? ",accepted\n" : "\n");
    for (size_t i = 0; i < s->scored.n && table.status == MB_OK; i++) {
        const uint32_t file = s->dataset.file[i];
        mb_csv_put_text(&table, true, file < s->dataset.n_files ? s->dataset.file_names[file] : "");
        mb_csv_put_int64(&table, false, s->dataset.event[i]);
        if (s->scored.label != NULL) {
            mb_csv_put_int64(&table, false, s->scored.label[i] > 0.5F);
        } else {
            mb_csv_put_text(&table, false, "");
        }
        mb_csv_put_float(&table, false, s->scored.score[i]);
        if (s->decides) {
            mb_csv_put_int64(&table, false, (double)s->scored.score[i] >= s->threshold);
        }
        mb_csv_end_row(&table);
    }
    return mb_write_buffer(&table, output);
}

static mb_status score(scoring *s, const char *const *files, size_t n_files) {
    const mb_source_request request = {
        .for_models = true, .files = files, .n_files = n_files, .facts = &s->facts};
    MB_TRY(mb_study_load(s->ctx, s->study, &request, &s->dataset, NULL));
    uint32_t *rows =
        mb_arena_allocate(&s->arena, s->ctx, mb_max_size(s->dataset.n_rows, 1), sizeof *rows);
    if (rows == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < s->dataset.n_rows; i++) {
        rows[i] = (uint32_t)i;
    }
    MB_TRY(mb_scored_make(
        &s->scored, s->ctx, s->model, &s->dataset, s->dataset.split, rows, s->dataset.n_rows));
    return s->scored.score != NULL
               ? MB_OK
               : mb_fail(s->ctx, MB_ERR_UNSUPPORTED,
                     "%s: its model gives %zu numbers an event, not one score; %s", s->directory,
                     s->scored.width,
                     s->study->detector == NULL ? "name the output as .npy, .npz or .h5"
                                                : "use predict MODEL INPUT");
}

static mb_status check_table(mb_context *ctx, const char *output) {
    return mb_path_has_suffix(output, ".csv")
               ? MB_OK
               : mb_fail(ctx, MB_ERR_ARG,
                     "%s: what this run says of its events is a table; name it as FILE.csv",
                     output);
}

// A study of arrays knows them itself, those of a prepared file too.
static mb_status is_of_arrays(mb_context *ctx, const char *directory, bool *out) {
    mb_arena arena;
    mb_study *study = NULL;
    mb_arena_init(&arena, ctx);
    const char *path = mb_run_study_path(ctx, &arena, directory);
    const mb_status status = path != NULL ? mb_study_open(ctx, path, NULL, &study) : MB_ERR_MEMORY;
    *out = study != NULL && study->detector == NULL;
    mb_study_destroy(study);
    mb_arena_clear(&arena);
    return status;
}

// Whether the input is one that prepare wrote: arrays as the model takes them, no raw events.
static mb_status find_prepared(mb_context *ctx, const char *directory, const char *const *files,
    size_t n_files, bool *is_prepared) {
    mb_context *quiet = NULL;
    mb_h5_file *file = NULL;
    bool has_inputs = false;
    *is_prepared = false;
    if (n_files != 1 || !mb_path_has_suffix(files[0], ".h5")) {
        return MB_OK;
    }
    // What cannot be opened is for the reader of raw files to tell.
    MB_TRY(mb_context_create(mb_context_runtime(ctx), &quiet));
    if (mb_h5_open(quiet, files[0], &file) == MB_OK) {
        has_inputs = mb_h5_is_group(file, "/inputs");
        mb_h5_close(file);
    }
    mb_context_destroy(quiet);
    bool has_arrays = false;
    MB_TRY(has_inputs ? is_of_arrays(ctx, directory, &has_arrays) : MB_OK);
    *is_prepared = has_inputs && !has_arrays;
    return MB_OK;
}

static mb_status predict_prepared(scoring *s, const char *input, const char *accept,
    const char *output, bool is_forced, mb_answer **out) {
    if (accept != NULL) {
        return mb_fail(s->ctx, MB_ERR_ARG,
            "--accept: %s holds arrays, of which no table is made; leave it out, or give raw files",
            input);
    }
    if (mb_path_has_suffix(output, ".csv")) {
        return mb_fail(s->ctx, MB_ERR_ARG,
            "%s: %s holds arrays, of which arrays are made; name the output as .npy, .npz or .h5, "
            "or give raw files",
            output, input);
    }
    MB_TRY(load_model(s));
    return mb_model_predict_file(s->ctx, s->model, input, output, is_forced, out);
}

// Hits in place of events: clusters of each, with the radii that the run chose.
static mb_status predict_tracks(scoring *s, const char *const *files, size_t n_files,
    const char *accept, const char *output, mb_answer *answer) {
    MB_TRY(check_table(s->ctx, output));
    if (accept != NULL) {
        return mb_fail(s->ctx, MB_ERR_UNSUPPORTED,
            "--accept: %s clusters hits, it accepts no events; leave the option out", s->directory);
    }
    const mb_source_request request = {
        .for_models = true, .files = files, .n_files = n_files, .facts = &s->facts};
    MB_TRY(mb_study_load(s->ctx, s->study, &request, &s->dataset, NULL));
    const char *metrics = mb_run_file(s->ctx, &s->arena, s->directory, "metrics.json");
    mb_document record = {0};
    mb_status status = MB_OK;
    if (metrics != NULL && mb_path_exists(metrics)) {
        status = mb_run_read_json(s->ctx, s->directory, "metrics.json", &record);
    }
    mb_track_evaluation tracks = {.ctx = NULL};
    if (status == MB_OK) {
        status = mb_track_open(&tracks, s->ctx, s->study, s->model, &s->dataset, s->dataset.split,
            mb_node_find(mb_node_find(record.root, "tracks"), "eps"));
    }
    if (status == MB_OK) {
        status = mb_track_write_clusters(&tracks, output, true);
    }
    if (status == MB_OK) {
        mb_answer_put_int(answer, NULL, "events", (int64_t)s->dataset.n_rows);
        mb_answer_put_text(answer, NULL, "output", output);
        mb_answer_line(answer, "%s: hits of %zu samples", output, s->dataset.n_rows);
        for (size_t k = 0; k < tracks.n_spaces; k++) {
            mb_answer_line(answer, "  %-8s eps %.4g", tracks.space[k].name,
                tracks.space[k].eps[MB_TRACK_CHOSEN]);
        }
    }
    mb_track_close(&tracks);
    mb_document_clear(&record);
    return status;
}

// Modules in place of events: what an autoencoder makes of each.
static mb_status predict_modules(scoring *s, const char *const *files, size_t n_files,
    const char *accept, const char *output, mb_answer *answer) {
    if (accept != NULL) {
        return mb_fail(s->ctx, MB_ERR_UNSUPPORTED,
            "--accept: %s restores modules, it accepts no events; leave the option out",
            s->directory);
    }
    if (!mb_path_has_suffix(output, ".csv") && !mb_path_has_suffix(output, ".npz")) {
        return mb_fail(s->ctx, MB_ERR_ARG,
            "%s: what this run says of modules is a table; name it as FILE.csv or FILE.npz",
            output);
    }
    const mb_source_request request = {
        .for_models = true, .files = files, .n_files = n_files, .facts = &s->facts};
    mb_run run = {.ctx = s->ctx, .study = s->study, .directory = s->directory};
    mb_status status = mb_study_load(s->ctx, s->study, &request, &run.dataset, NULL);
    if (status == MB_OK) {
        status = mb_module_predict_files(&run, s->directory, output, answer);
    }
    mb_dataset_clear(&run.dataset);
    return status;
}

static void tell(const scoring *s, mb_answer *answer, const char *output) {
    size_t n_accepted = 0;
    for (size_t i = 0; i < s->scored.n; i++) {
        n_accepted += s->decides && (double)s->scored.score[i] >= s->threshold;
    }
    mb_answer_put_int(answer, NULL, "events", (int64_t)s->scored.n);
    mb_answer_put_text(answer, NULL, "output", output);
    mb_answer_line(answer, "%s: %zu events", output, s->scored.n);
    if (s->decides) {
        mb_answer_put_real(answer, NULL, "threshold", s->threshold);
        mb_answer_put_int(answer, NULL, "accepted", (int64_t)n_accepted);
        mb_answer_line(answer, "accepted %zu at score >= %.9g", n_accepted, s->threshold);
    }
}

static mb_status predict_fits(scoring *s, const char *const *files, size_t n_files,
    const char *accept, const char *output, mb_answer *answer) {
    if (accept != NULL) {
        return mb_fail(s->ctx, MB_ERR_UNSUPPORTED,
            "--accept: %s holds several scores; name one of the folders below its fits/",
            s->directory);
    }
    const mb_source_request request = {
        .for_models = true, .files = files, .n_files = n_files, .facts = &s->facts};
    return mb_predict_fits(s->ctx, s->study, s->directory, &request, output, answer);
}

// Of a study of arrays a table of scores is not all that may be asked for.
static mb_status predict_arrays(scoring *s, const char *const *files, size_t n_files,
    const char *accept, const char *output, mb_answer *answer) {
    if (accept != NULL) {
        return mb_fail(s->ctx, MB_ERR_ARG,
            "--accept: %s is to hold the model's outputs; name it as FILE.csv for decisions",
            output);
    }
    const mb_source_request request = {.for_models = true, .files = files, .n_files = n_files};
    MB_TRY(mb_study_load(s->ctx, s->study, &request, &s->dataset, NULL));
    return mb_predict_to_arrays(s->ctx, s->model, &s->dataset, output, answer);
}

static mb_status predict_events(scoring *s, const char *const *files, size_t n_files,
    const char *accept, const char *output, mb_answer *answer) {
    if (s->study->detector == NULL && !s->has_fits && !mb_path_has_suffix(output, ".csv")) {
        return predict_arrays(s, files, n_files, accept, output, answer);
    }
    MB_TRY(check_table(s->ctx, output));
    if (s->has_fits) {
        return predict_fits(s, files, n_files, accept, output, answer);
    }
    if (accept != NULL) {
        MB_TRY(find_threshold(s, accept));
    }
    MB_TRY(score(s, files, n_files));
    MB_TRY(write_table(s, output));
    tell(s, answer, output);
    return MB_OK;
}

// A run of a teacher and its students alone has no model of its own but a score for each of them.
static mb_status predict_alternate(mb_context *ctx, const char *directory, const char *const *files,
    size_t n_files, const char *accept, const char *output, bool *is_theirs, mb_answer **out) {
    mb_arena arena;
    mb_study *study = NULL;
    mb_arena_init(&arena, ctx);
    const char *stored = mb_run_file(ctx, &arena, directory, "study.yaml");
    mb_status status = stored == NULL           ? MB_ERR_MEMORY
                       : mb_path_exists(stored) ? mb_study_open(ctx, stored, NULL, &study)
                                                : MB_OK;
    *is_theirs = study != NULL && mb_alternate_is_alone(study);
    if (status == MB_OK && *is_theirs) {
        status = check_table(ctx, output);
    }
    if (status == MB_OK && *is_theirs && accept != NULL) {
        status = mb_fail(ctx, MB_ERR_UNSUPPORTED,
            "--accept: %s holds several scores; name one of the folders below its fits/",
            directory);
    } else if (status == MB_OK && *is_theirs) {
        status = mb_alternate_predict(ctx, study, directory, files, n_files, output, out);
    }
    mb_study_destroy(study);
    mb_arena_clear(&arena);
    return status;
}

mb_status mb_run_predict(mb_context *ctx, const char *directory, const char *const *files,
    size_t n_files, const char *accept, const char *output, bool is_forced, mb_answer **out) {
    if (out != NULL) {
        *out = NULL;
    }
    for (size_t i = 0; i < n_files; i++) {
        MB_TRY(mb_check_present(ctx, files[i]));
    }
    MB_TRY(mb_check_absent(ctx, output, is_forced));
    bool is_theirs = false;
    bool is_prepared = false;
    MB_TRY(find_prepared(ctx, directory, files, n_files, &is_prepared));
    if (!is_prepared) {
        MB_TRY(predict_alternate(ctx, directory, files, n_files, accept, output, &is_theirs, out));
    }
    if (is_theirs) {
        return MB_OK;
    }
    scoring s = {.ctx = ctx, .directory = directory};
    mb_arena_init(&s.arena, ctx);
    mb_dataset_init(&s.dataset, ctx);
    mb_answer *answer = NULL;
    mb_status status =
        is_prepared ? predict_prepared(&s, files[0], accept, output, is_forced, out) : open_run(&s);
    if (status == MB_OK && !is_prepared) {
        status = mb_answer_create(ctx, &answer);
    }
    if (status == MB_OK && !is_prepared) {
        status = mb_module_is_study(s.study)
                     ? predict_modules(&s, files, n_files, accept, output, answer)
                 : mb_track_is_study(s.study)
                     ? predict_tracks(&s, files, n_files, accept, output, answer)
                     : predict_events(&s, files, n_files, accept, output, answer);
    }
    mb_scored_clear(&s.scored);
    mb_dataset_clear(&s.dataset);
    mb_bundle_clear(&s.facts);
    mb_model_destroy(s.model);
    mb_study_destroy(s.study);
    mb_arena_clear(&s.arena);
    return answer == NULL ? status : mb_answer_finish(answer, status, out);
}
