// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/scorer.h"

#include "base/math.h"
#include "base/threads.h"
#include "exchange/firmware.h"

#include <float.h>
#include <math.h>

const char *const mb_score_origin_names[] = {
    "trained", "baseline", "retrained", "loaded", "firmware", NULL};

static double frobenius(const float *x, const double *mean, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        const double d = (double)x[i] - mean[i];
        sum += d * d;
    }
    return sqrt(sum);
}

static double mean_of(const float *x, const double *mean, size_t n) {
    (void)mean;
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)x[i];
    }
    return sum / (double)n;
}

static double mean_square(const float *x, const double *mean, size_t n) {
    (void)mean;
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)x[i] * (double)x[i];
    }
    return sum / (double)n;
}

static double max_square(const float *x, const double *mean, size_t n) {
    (void)mean;
    double most = 0;
    for (size_t i = 0; i < n; i++) {
        const double square = (double)x[i] * (double)x[i];
        most = square > most ? square : most;
    }
    return most;
}

const mb_baseline mb_baseline_list[] = {
    {"frobenius", "distance from the mean background event", frobenius},
    {"mean", "mean of the inputs", mean_of}, {"mean_square", "mean of their squares", mean_square},
    {"max_square", "largest square", max_square}, {NULL, NULL, NULL}};

static const mb_baseline *find_baseline(const char *name) {
    for (const mb_baseline *b = mb_baseline_list; b->name != NULL; b++) {
        if (strcmp(b->name, name) == 0) {
            return b;
        }
    }
    return NULL;
}

static mb_status fail_score(mb_context *ctx, const mb_study *study, const mb_node *entry) {
    const char *names[128];
    size_t n = 0;
    for (; mb_baseline_list[n].name != NULL; n++) {
        names[n] = mb_baseline_list[n].name;
    }
    const mb_node *models = mb_node_find(study->document.root, "models");
    const mb_node *model = models != NULL ? models->first : NULL;
    for (; model != NULL && n < MB_COUNT_OF(names); model = model->next) {
        names[n++] = model->key;
    }
    const char *name = mb_node_text(entry);
    const char *near = name != NULL ? mb_nearest_name(name, names, n) : NULL;
    return mb_fail_at(ctx, &study->document, entry,
        "evaluate: score %.60s: there is no model or baseline '%.60s'; %s'%s'%s", entry->key,
        name != NULL ? name : "", near != NULL ? "did you mean " : "write for instance ",
        near != NULL ? near : names[0], near != NULL ? "?" : "");
}

static const mb_node *find_model(const mb_study *study, const char *name) {
    return mb_node_find(mb_node_find(study->document.root, "models"), name);
}

// Scores lie beside these in a benchmark's scores.npz.
static mb_status check_name(
    mb_context *ctx, const mb_study *study, const mb_node *at, const char *name) {
    static const char *const taken[] = {"event", "file", "label"};
    for (size_t i = 0; i < MB_COUNT_OF(taken); i++) {
        if (strcmp(name, taken[i]) == 0) {
            return mb_fail_at(ctx, &study->document, at,
                "evaluate: the scores of '%s' would have the name of an array of their own in "
                "scores.npz; give it another name than event, file and label",
                name);
        }
    }
    return MB_OK;
}

static mb_status check_fit_names(mb_context *ctx, const mb_study *study) {
    const mb_node *fits = mb_node_find(study->document.root, "fits");
    for (size_t i = 0; study->evaluate.on.n > 0 && i < study->n_fits; i++) {
        MB_TRY(check_name(ctx, study,
            fits != NULL ? mb_node_at(fits, i) : mb_node_find(study->document.root, "models"),
            study->fits[i].name));
    }
    return MB_OK;
}

mb_status mb_scorers_check(mb_context *ctx, const mb_study *study) {
    const mb_node *scores = study->evaluate.scores;
    MB_TRY(check_fit_names(ctx, study));
    if (scores == NULL) {
        return MB_OK;
    }
    if (scores->kind != MB_NODE_MAP) {
        return mb_fail_at(ctx, &study->document, scores,
            "evaluate: scores is not a map; write scores: {Baseline: frobenius}");
    }
    for (const mb_node *entry = scores->first; entry != NULL; entry = entry->next) {
        const char *name = mb_node_text(entry);
        if (name == NULL || (find_baseline(name) == NULL && find_model(study, name) == NULL)) {
            return fail_score(ctx, study, entry);
        }
        MB_TRY(check_name(ctx, study, entry, entry->key));
        for (size_t i = 0; i < study->n_fits; i++) {
            if (strcmp(study->fits[i].name, entry->key) == 0) {
                return mb_fail_at(ctx, &study->document, entry,
                    "evaluate: a fit is called '%.60s', too; give the score another name",
                    entry->key);
            }
        }
    }
    return MB_OK;
}

// Where the weights of an entry of evaluate.scores come from.
static mb_status find_source(mb_run *run, const mb_node *entry, mb_scorer *out) {
    const char *name = mb_node_text(entry);
    out->name = out->group = entry->key;
    out->baseline = find_baseline(name);
    if (out->baseline != NULL) {
        out->origin = MB_SCORE_BASELINE;
        return MB_OK;
    }
    const mb_node *model = find_model(run->study, name);
    out->firmware = mb_node_find(model, "firmware");
    if (out->firmware != NULL) {
        out->origin = MB_SCORE_FIRMWARE;
        return MB_OK;
    }
    out->path = mb_node_text(model);
    out->origin = MB_SCORE_LOADED;
    if (out->path == NULL) {
        out->origin = MB_SCORE_RETRAINED;
        out->path =
            mb_arena_format(&run->arena, run->ctx, "%s/fits/%s/model.h5", run->directory, name);
        return out->path == NULL ? MB_ERR_MEMORY : MB_OK;
    }
    return MB_OK;
}

mb_status mb_scorers_list(mb_run *run, mb_scorer **out, size_t *n) {
    const mb_node *scores = run->study->evaluate.scores;
    const size_t most = run->n_rounds + (scores != NULL ? scores->n_children : 0);
    mb_scorer *list = mb_arena_allocate(&run->arena, run->ctx, mb_max_size(most, 1), sizeof *list);
    *out = list;
    *n = 0;
    if (list == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < run->n_rounds; i++) {
        const mb_round *round = &run->rounds[i];
        mb_scorer *scorer = &list[(*n)++];
        *scorer = (mb_scorer){.name = round->name, .group = round->fit->name, .on = round->fit->on};
        scorer->path = mb_run_file(run->ctx, &run->arena, round->directory, "model.h5");
        if (scorer->path == NULL) {
            return MB_ERR_MEMORY;
        }
    }
    for (const mb_node *e = scores != NULL ? scores->first : NULL; e != NULL; e = e->next) {
        list[*n] = (mb_scorer){0};
        MB_TRY(find_source(run, e, &list[(*n)++]));
    }
    return MB_OK;
}

static const mb_column *input_of(const mb_dataset *dataset) {
    for (size_t i = 0; i < dataset->n_columns; i++) {
        if (dataset->columns[i].role == MB_ROLE_INPUT) {
            return &dataset->columns[i];
        }
    }
    return NULL;
}

enum { BLOCK = 512 };

// Mean of every input over some rows, which are gone through in order.
static mb_status take_mean(mb_context *ctx, const mb_column *column, const uint32_t *rows, size_t n,
    float *block, double *mean) {
    for (size_t first = 0; first < n; first += BLOCK) {
        const size_t count = mb_min_size(BLOCK, n - first);
        MB_TRY(mb_column_gather(column, ctx, rows + first, count, block));
        for (size_t i = 0; i < count * column->size; i++) {
            mean[i % column->size] += (double)block[i];
        }
    }
    for (size_t i = 0; i < column->size && n > 0; i++) {
        mean[i] /= (double)n;
    }
    return MB_OK;
}

typedef struct baseline_job {
    const mb_scorer *scorer;
    const mb_column *column;
    const uint32_t *rows;
    size_t n;
    const double *mean;
} baseline_job;

static mb_status score_block(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)worker;
    const baseline_job *job = user;
    const size_t size = job->column->size;
    const size_t first = task * BLOCK;
    const size_t n = mb_min_size(BLOCK, job->n - first);
    float *block = mb_allocate(ctx, n * size, sizeof *block);
    if (block == NULL) {
        return MB_ERR_MEMORY;
    }
    const mb_status status = mb_column_gather(job->column, ctx, job->rows + first, n, block);
    for (size_t i = 0; i < n && status == MB_OK; i++) {
        job->scorer->score[first + i] =
            (float)job->scorer->baseline->score(block + i * size, job->mean, size);
    }
    mb_release(ctx, block);
    return status;
}

static mb_status run_baseline(mb_scorer *scorer, mb_run *run, const uint32_t *rows, size_t n,
    const uint32_t *background, size_t n_background) {
    mb_context *ctx = run->ctx;
    const mb_column *column = input_of(&run->dataset);
    if (column == NULL) {
        return mb_fail(
            ctx, MB_ERR_SHAPE, "evaluate: the data has no input for the score '%s'", scorer->name);
    }
    double *mean = mb_allocate_zeroed(ctx, column->size, sizeof *mean);
    float *block = mb_allocate(ctx, BLOCK * column->size, sizeof *block);
    mb_status status = mean == NULL || block == NULL ? MB_ERR_MEMORY : MB_OK;
    if (status == MB_OK) {
        status = take_mean(ctx, column, background, n_background, block, mean);
    }
    if (status == MB_OK) {
        baseline_job job = {scorer, column, rows, n, mean};
        status = mb_parallel(ctx, (n + BLOCK - 1) / BLOCK, score_block, &job);
    }
    mb_release(ctx, block);
    mb_release(ctx, mean);
    return status;
}

// A softmax that rounds to 1 leaves what the event is worth in the other probability, down to the
// smallest of floats.
static mb_status take_logits(
    mb_context *ctx, const char *path, const float *pairs, size_t n, float *score) {
    for (size_t i = 0; i < n; i++) {
        const float *p = pairs + 2 * i;
        if (!(p[0] >= 0.0F && p[1] >= 0.0F)) {
            return mb_fail(ctx, MB_ERR_RANGE,
                "%s: gives %g and %g, which are no two probabilities; write evaluate.score: output",
                path, (double)p[0], (double)p[1]);
        }
        score[i] = (float)(mb_log((double)fmaxf(p[1], FLT_TRUE_MIN)) -
                           mb_log((double)fmaxf(p[0], FLT_TRUE_MIN)));
    }
    return MB_OK;
}

// The last number of the model's first output is what is cut on, or the logit of two.
static mb_status run_model(mb_scorer *scorer, mb_run *run, const uint32_t *rows, size_t n) {
    mb_context *ctx = run->ctx;
    mb_model *model = NULL;
    MB_TRY(mb_model_load(ctx, scorer->path, &model));
    const size_t width = mb_value_size(&model->values[model->outputs[0]].type);
    float **outputs = mb_allocate_zeroed(ctx, model->n_outputs, sizeof *outputs);
    mb_status status = outputs == NULL ? MB_ERR_MEMORY : MB_OK;
    if (status == MB_OK && (width == 0 || width > 2)) {
        status = mb_fail(ctx, MB_ERR_SHAPE,
            "%s: gives %zu numbers an event, not one score; name a model with one or two",
            scorer->path, width);
    }
    for (size_t i = 0; i < model->n_outputs && status == MB_OK; i++) {
        const size_t size = mb_value_size(&model->values[model->outputs[i]].type);
        outputs[i] = mb_allocate(ctx, n, size * sizeof(float));
        status = outputs[i] == NULL ? MB_ERR_MEMORY : MB_OK;
    }
    if (status == MB_OK) {
        mb_model_hash(model, model->parameters, scorer->weights_sha256);
        status = mb_predict_dataset(ctx, model, model->parameters, &run->dataset, rows, n, outputs);
    }
    const bool is_logit = run->study->evaluate.score == MB_SCORE_LOGIT && width == 2;
    if (status == MB_OK && is_logit) {
        status = take_logits(ctx, scorer->path, outputs[0], n, scorer->score);
    }
    for (size_t i = 0; i < n && status == MB_OK && !is_logit; i++) {
        scorer->score[i] = outputs[0][i * width + width - 1];
    }
    for (size_t i = 0; outputs != NULL && i < model->n_outputs; i++) {
        mb_release(ctx, outputs[i]);
    }
    mb_release(ctx, outputs);
    mb_model_destroy(model);
    return status;
}

static mb_status load_firmware(const mb_scorer *scorer, mb_context *ctx, mb_twin **out) {
    return mb_firmware_load(ctx, mb_node_text(mb_node_find(scorer->firmware, "weights")),
        mb_node_text(mb_node_find(scorer->firmware, "types")), NULL, 0, out);
}

// Firmware's integers, in blocks of events.
static mb_status run_firmware(mb_scorer *scorer, mb_run *run, const uint32_t *rows, size_t n) {
    enum { EVENTS = 8192 };
    mb_context *ctx = run->ctx;
    const mb_column *column = input_of(&run->dataset);
    mb_twin *twin = NULL;
    MB_TRY(load_firmware(scorer, ctx, &twin));
    const size_t width = mb_twin_outputs(twin);
    mb_status status = MB_OK;
    if (column == NULL || mb_twin_inputs(twin) != column->size || width != 1) {
        status = mb_fail(ctx, MB_ERR_SHAPE,
            "the firmware takes %zu numbers and gives %zu, the data has %zu and one score is "
            "wanted",
            mb_twin_inputs(twin), width, column != NULL ? column->size : 0);
    }
    float *block = status == MB_OK ? mb_allocate(ctx, EVENTS * column->size, sizeof *block) : NULL;
    status = status == MB_OK && block == NULL ? MB_ERR_MEMORY : status;
    for (size_t first = 0; first < n && status == MB_OK; first += EVENTS) {
        const size_t count = mb_min_size(EVENTS, n - first);
        status = mb_column_gather(column, ctx, rows + first, count, block);
        if (status == MB_OK) {
            const mb_twin_rows events = {.f32 = block};
            status = mb_twin_predict(ctx, twin, &events, count, NULL, scorer->score + first);
        }
    }
    mb_release(ctx, block);
    mb_twin_destroy(twin);
    return status;
}

// What a run would find out only after its trainings.
static mb_status foresee(const mb_scorer *scorer, mb_run *run) {
    mb_context *ctx = run->ctx;
    mb_status status = MB_OK;
    if (scorer->firmware != NULL) {
        mb_twin *twin = NULL;
        status = load_firmware(scorer, ctx, &twin);
        mb_twin_destroy(twin);
    } else if (scorer->origin == MB_SCORE_LOADED) {
        mb_model *model = NULL;
        status = mb_model_load(ctx, scorer->path, &model);
        mb_model_destroy(model);
    }
    if (status == MB_OK || status == MB_ERR_MEMORY || status == MB_ERR_CANCELLED) {
        return status;
    }
    mb_notice(ctx, MB_NOTICE_WARNING, "evaluate", "score '%s' will be n/a: %s", scorer->name,
        mb_context_error_text(ctx));
    mb_context_clear(ctx);
    return MB_OK;
}

mb_status mb_scorers_foresee(mb_run *run) {
    const mb_node *scores = run->study->evaluate.scores;
    const mb_node *entry = scores != NULL ? scores->first : NULL;
    for (; entry != NULL; entry = entry->next) {
        mb_scorer scorer = {0};
        MB_TRY(find_source(run, entry, &scorer));
        MB_TRY(foresee(&scorer, run));
    }
    return MB_OK;
}

mb_status mb_scorer_run(mb_scorer *scorer, mb_run *run, const uint32_t *rows, size_t n,
    const uint32_t *background, size_t n_background) {
    mb_context *ctx = run->ctx;
    scorer->score = mb_allocate(ctx, n, sizeof *scorer->score);
    if (scorer->score == NULL) {
        return MB_ERR_MEMORY;
    }
    const mb_status status = scorer->baseline != NULL
                                 ? run_baseline(scorer, run, rows, n, background, n_background)
                             : scorer->firmware != NULL ? run_firmware(scorer, run, rows, n)
                                                        : run_model(scorer, run, rows, n);
    const bool may_lack = status != MB_OK && status != MB_ERR_MEMORY &&
                          status != MB_ERR_CANCELLED && scorer->origin != MB_SCORE_TRAINED;
    if (status != MB_OK) {
        mb_scorer_clear(scorer, ctx);
    }
    if (!may_lack) {
        return status;
    }
    mb_notice(ctx, MB_NOTICE_WARNING, "evaluate", "no score '%s' (n/a in the tables): %s",
        scorer->name, mb_context_error_text(ctx));
    mb_context_clear(ctx);
    scorer->is_absent = true;
    return MB_OK;
}

void mb_scorer_clear(mb_scorer *scorer, mb_context *ctx) {
    mb_release(ctx, scorer->score);
    scorer->score = NULL;
}
