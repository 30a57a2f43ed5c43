// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/output.h"
#include "base/random.h"
#include "detector/concentrator/pictures.h"
#include "draw/figures_econt.h"
#include "minbias/model.h"
#include "study/history.h"
#include "study/module_run.h"

#include <math.h>

// RUN/plots: all models and algorithms over each other. RUN/NAME/plots: a model alone, with its
// training and weights; RUN/NAME/profiles: numbers.

enum { MOST_SHOWN = 7 }; // ways that stand side by side as modules

typedef struct ways {
    mb_econt_way *way;
    size_t n;
} ways;

// What was judged by a metric: the one model, or (NULL) all models and then the chip's algorithms.
static mb_status take_ways(
    mb_module_evaluation *e, const mb_module_metric *metric, const char *model, ways *out) {
    out->n = 0;
    out->way = mb_arena_allocate(&e->arena, e->run->ctx, e->n_scores + 1, sizeof *out->way);
    if (out->way == NULL) {
        return MB_ERR_MEMORY;
    }
    for (int is_baseline = 0; is_baseline < 2; is_baseline++) {
        for (size_t i = 0; i < e->n_scores; i++) {
            const mb_module_score *s = &e->scores[i];
            const bool is_meant = model == NULL || strcmp(s->model, model) == 0;
            if (s->metric == metric && is_meant && (s->model[0] == '\0') == (is_baseline == 1)) {
                out->way[out->n++] =
                    (mb_econt_way){is_baseline ? s->algorithm : s->model, s->shown, s->values};
            }
        }
    }
    return MB_OK;
}

// One of each n-th part of the judged rows: different ones.
mb_status mb_module_choose_shown(mb_module_evaluation *e) {
    e->n_shown = mb_min_size(e->n, MB_ECONT_DISPLAYS);
    e->shown =
        mb_arena_allocate(&e->arena, e->run->ctx, mb_max_size(e->n_shown, 1), sizeof *e->shown);
    if (e->shown == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_random random = mb_random_stream(e->run->study->seed, MB_PURPOSE_TEST, 0, 0);
    for (size_t i = 0; i < e->n_shown; i++) {
        const size_t first = e->n * i / e->n_shown;
        const size_t width = e->n * (i + 1) / e->n_shown - first;
        e->shown[i] = (uint32_t)(first + (size_t)mb_random_below(&random, width));
    }
    return MB_OK;
}

static mb_status draw_displays(
    mb_module_evaluation *e, mb_gallery *gallery, const mb_module_metric *metric, const ways *all) {
    int64_t event[MB_ECONT_DISPLAYS];
    for (size_t i = 0; i < e->n_shown; i++) {
        event[i] = e->run->dataset.event[e->rows[e->shown[i]]];
    }
    return mb_draw_module_displays(gallery, e->run->ctx, "modules_restored", e->charges, e->shown,
        event, e->n_shown, all->way, mb_min_size(all->n, MOST_SHOWN), metric->label);
}

static mb_status draw_metrics(
    mb_module_evaluation *e, mb_gallery *gallery, const mb_econt_rows *rows, const char *model) {
    mb_context *ctx = e->run->ctx;
    bool has_displays = false;
    for (size_t i = 0; mb_module_metrics[i] != NULL; i++) {
        const mb_module_metric *metric = mb_module_metrics[i];
        ways all;
        MB_TRY(take_ways(e, metric, model, &all));
        if (all.n == 0) {
            continue;
        }
        if (!has_displays) {
            MB_TRY(draw_displays(e, gallery, metric, &all));
            has_displays = true;
        }
        MB_TRY(mb_draw_metric_histogram(gallery, ctx, metric, all.way, all.n, e->n));
        if (all.n > 1) {
            MB_TRY(mb_draw_metric_compare(gallery, ctx, metric, all.way, all.n, e->n));
        }
        MB_TRY(mb_draw_metric_profiles(gallery, ctx, metric, rows, all.way, all.n, model == NULL));
    }
    return MB_OK;
}

static mb_status draw_bits(mb_module_evaluation *e, mb_gallery *gallery) {
    if (e->n_bits == 0) {
        return MB_OK;
    }
    mb_econt_bits *points = mb_allocate(e->run->ctx, e->n_bits, sizeof *points);
    if (points == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < e->n_bits; i++) {
        const mb_emd_summary *s = &e->bits[i].summary;
        const double error = s->n > 0 ? s->std / sqrt((double)s->n) : 0;
        points[i] = (mb_econt_bits){e->bits[i].model, (double)e->bits[i].bits, s->mean, error};
    }
    const mb_status status = mb_draw_metric_bits(gallery, e->run->ctx, "EMD", points, e->n_bits);
    mb_release(e->run->ctx, points);
    return status;
}

// profiles/profile_<metric>_<slice>_<algorithm>.txt in a model's folder.
static mb_status write_profile(mb_module_evaluation *e, const mb_econt_rows *rows,
    const mb_module_score *s, const mb_econt_slice *slice, const char *folder) {
    mb_context *ctx = e->run->ctx;
    mb_profile profile;
    mb_buffer text;
    const char *path = mb_arena_format(&e->arena, ctx, "%s/profile_%s_%s_%s.txt", folder,
        s->metric->name, slice->name, s->algorithm);
    MB_TRY(path == NULL ? MB_ERR_MEMORY
                        : mb_econt_profile_make(&profile, ctx, slice, rows, s->values));
    mb_buffer_init(&text, ctx);
    mb_econt_profile_write(&profile, &text);
    mb_profile_clear(&profile);
    return mb_write_buffer(&text, path);
}

static mb_status write_profiles(
    mb_module_evaluation *e, const mb_econt_rows *rows, const mb_module_result *result) {
    const char *folder = mb_run_file(e->run->ctx, &e->arena, result->directory, "profiles");
    MB_TRY(folder == NULL ? MB_ERR_MEMORY : mb_make_directory(e->run->ctx, folder));
    for (size_t i = 0; i < e->n_scores; i++) {
        const mb_module_score *s = &e->scores[i];
        for (size_t k = 0; k < mb_econt_n_slices; k++) {
            if (s->model[0] == '\0' || strcmp(s->model, result->name) == 0) {
                MB_TRY(write_profile(e, rows, s, &mb_econt_slices[k], folder));
            }
        }
    }
    return MB_OK;
}

static mb_status draw_history(
    mb_module_evaluation *e, mb_gallery *gallery, const mb_module_result *result) {
    mb_history history;
    mb_status status = mb_history_read(&history, e->run->ctx, result->round->directory);
    if (status == MB_OK && history.n > 0) {
        const mb_history_columns columns = {
            .epoch = history.epoch, .loss = history.loss, .val_loss = history.val_loss};
        status = mb_draw_history(gallery, e->run->ctx, &columns);
    }
    mb_history_clear(&history);
    return status;
}

// A weight as its layer computes with it. NULL on failure.
static const float *values_of(
    mb_module_evaluation *e, const mb_model *model, const mb_weight *weight) {
    const float *stored = model->parameters + weight->offset;
    if (weight->quantizer.ops == NULL) {
        return stored;
    }
    const mb_quantizer_shape shape = mb_quantizer_shape_of(weight->rank, weight->dim);
    float *values = mb_arena_allocate(&e->arena, e->run->ctx, weight->count, sizeof *values);
    if (values != NULL) {
        mb_quantizer_apply(&weight->quantizer, &shape, stored, values);
    }
    return values;
}

static mb_status draw_weights(
    mb_module_evaluation *e, mb_gallery *gallery, const mb_module_result *result) {
    mb_context *ctx = e->run->ctx;
    mb_model *model = NULL;
    const char *path = mb_run_file(ctx, &e->arena, result->round->directory, "model.h5");
    MB_TRY(path == NULL ? MB_ERR_MEMORY : mb_model_load(ctx, path, &model));
    mb_histogram_set *sets = mb_arena_allocate(&e->arena, ctx, model->n_weights + 1, sizeof *sets);
    mb_status status = sets == NULL ? MB_ERR_MEMORY : MB_OK;
    for (size_t i = 0; i < model->n_weights && status == MB_OK; i++) {
        const mb_weight *weight = model->weights[i];
        const float *values = values_of(e, model, weight);
        sets[i].label = mb_arena_format(&e->arena, ctx, "%s %s", weight->layer->name, weight->name);
        status = values == NULL || sets[i].label == NULL ? MB_ERR_MEMORY : MB_OK;
        sets[i].values = mb_values_f32(values, weight->count);
    }
    if (status == MB_OK) {
        status = mb_draw_weights(gallery, ctx, sets, model->n_weights);
    }
    mb_model_destroy(model);
    return status;
}

static mb_status draw_data(mb_module_evaluation *e, mb_gallery *gallery) {
    mb_bundle pictures;
    MB_TRY(
        mb_concentrator_pictures_of(e->run->ctx, &e->run->dataset, e->run->study->seed, &pictures));
    const mb_status status = mb_draw_concentrator(gallery, e->run->ctx, &pictures);
    mb_bundle_clear(&pictures);
    return status;
}

// Of one model, or of all (NULL).
static mb_status add_figures(mb_module_evaluation *e, mb_gallery *gallery,
    const mb_econt_rows *rows, const mb_module_result *result) {
    MB_TRY(draw_metrics(e, gallery, rows, result != NULL ? result->name : NULL));
    if (result == NULL) {
        MB_TRY(draw_bits(e, gallery));
        return draw_data(e, gallery);
    }
    MB_TRY(draw_history(e, gallery, result));
    MB_TRY(mb_module_draw_places(e, gallery, "bits_scan", result));
    return draw_weights(e, gallery, result);
}

static mb_status draw_folder(mb_module_evaluation *e, const mb_econt_rows *rows, const char *folder,
    const mb_module_result *result) {
    mb_context *ctx = e->run->ctx;
    mb_gallery *gallery = NULL;
    const double start = mb_seconds_now();
    const char *path = mb_run_file(ctx, &e->arena, folder, "plots");
    MB_TRY(path == NULL ? MB_ERR_MEMORY : mb_gallery_open(ctx, path, NULL, &gallery));
    mb_status status = add_figures(e, gallery, rows, result);
    if (status == MB_OK) {
        status = mb_gallery_draw(gallery, ctx);
    }
    if (status == MB_OK) {
        mb_journal_line(&e->run->journal, "%s: drew %zu figures in %.2f s",
            result != NULL ? result->name : "all ways to encode", mb_gallery_count(gallery),
            mb_seconds_now() - start);
    }
    mb_gallery_destroy(gallery);
    return status;
}

mb_status mb_module_draw(mb_module_evaluation *e) {
    mb_econt_rows rows;
    MB_TRY(mb_econt_rows_make(&rows, &e->arena, e->run->ctx, e->charges, e->n));
    MB_TRY(draw_folder(e, &rows, e->run->directory, NULL));
    for (size_t i = 0; i < e->n_results; i++) {
        MB_TRY(write_profiles(e, &rows, &e->results[i]));
        MB_TRY(draw_folder(e, &rows, e->results[i].directory, &e->results[i]));
    }
    return MB_OK;
}
