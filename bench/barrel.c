// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// Our side of the barrel bench: the data of a study through the reader, the fit and the predictor.
// One JSON line a figure. bench/barrel.py runs it beside the peers.

#include "base/numbers.h"
#include "base/threads.h"
#include "files/npy.h"
#include "minbias/predictor.h"
#include "network/plan.h"
#include "program.h"
#include "study/study.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_INPUTS = 8, MAX_OVERRIDES = 2, TASK_EVENTS = 32, MAX_LATENCIES = 200000 };

typedef struct bench {
    mb_context *ctx;
    const char *command, *study_path, *data, *model_path, *output;
    int64_t threads, events, epochs, batch;
    double budget; // seconds of one measurement
    mb_study *study;
    mb_dataset dataset;
    mb_model *model;
    uint32_t *rows;
    mb_predictor_input sparse[MAX_INPUTS], dense[MAX_INPUTS];
    size_t row_size[MAX_INPUTS];
    void *memory[4 * MAX_INPUTS]; // of sparse and dense
    size_t n_memory;
    double *seconds; // MAX_LATENCIES
} bench;

static mb_status open_study(bench *b) {
    char directory[1024];
    char text[64];
    mb_format(directory, sizeof directory, "data.dir=%s", b->data);
    mb_format(text, sizeof text, "train.epochs=%lld", (long long)b->epochs);
    const char *overrides[MAX_OVERRIDES] = {directory, text};
    const mb_study_settings settings = {.overrides = overrides, .n_overrides = MAX_OVERRIDES};
    return mb_study_open(b->ctx, b->study_path, &settings, &b->study);
}

static mb_status load(bench *b) {
    const mb_source_request request = {.wants_label = true};
    mb_dataset_clear(&b->dataset);
    mb_dataset_init(&b->dataset, b->ctx);
    return mb_study_load(b->ctx, b->study, &request, &b->dataset, NULL);
}

// Hit text to images and labels, all files of the study.
static mb_status bench_read(void *user) {
    bench *b = user;
    MB_TRY(load(b)); // the files come into the page cache
    size_t n = 0;
    const bench_load since = bench_load_now();
    const double end = bench_seconds() + b->budget;
    while (n < 3 || (bench_seconds() < end && n < 50)) {
        const double begin = bench_seconds();
        MB_TRY(load(b));
        b->seconds[n++] = bench_seconds() - begin;
    }
    bench_sort(b->seconds, n);
    char metric[64];
    mb_format(metric, sizeof metric, "read_t%lld", (long long)b->threads);
    const bench_figure figure = {.metric = metric,
        .unit = "s",
        .value = bench_quantile(b->seconds, n, 0.5),
        .best = b->seconds[0],
        .n = n,
        .other = bench_load_other(&since)};
    bench_print("minbias", &figure);
    return MB_OK;
}

static mb_status load_model(bench *b) {
    MB_TRY(load(b));
    MB_TRY(mb_model_load(b->ctx, b->model_path, &b->model));
    if (b->model->n_inputs > MAX_INPUTS || (size_t)b->events > b->dataset.n_rows) {
        return mb_fail(b->ctx, MB_ERR_RANGE,
            "bench: %zu inputs and %zu events; at most %d and %lld", b->model->n_inputs,
            b->dataset.n_rows, MAX_INPUTS, (long long)b->events);
    }
    b->rows = mb_allocate(b->ctx, (size_t)b->events, sizeof *b->rows);
    if (b->rows == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < (size_t)b->events; i++) {
        b->rows[i] = (uint32_t)i;
    }
    return MB_OK;
}

// Epochs over the first events, with shuffling, loss, metrics and optimiser as the study says.
static mb_status bench_train(void *user) {
    bench *b = user;
    MB_TRY(load_model(b));
    const size_t n = (size_t)b->events;
    const mb_fit_request request = {.model = b->model,
        .parameters = b->model->parameters,
        .dataset = &b->dataset,
        .train_rows = b->rows,
        .n_train = n,
        .train = &b->study->fits[0].train,
        .seed = 1};
    mb_fit_result result;
    const bench_load since = bench_load_now();
    const mb_status status = mb_fit(b->ctx, &request, &result);
    const double other = bench_load_other(&since);
    if (status == MB_OK) {
        // The first epoch pays for what comes into the caches.
        for (size_t i = 1; i < result.n_epochs; i++) {
            b->seconds[i - 1] = result.history[i * result.n_columns + result.n_columns - 1];
        }
        bench_sort(b->seconds, result.n_epochs - 1);
        bench_print_rate(
            "train_b32", "samples/s", (double)n, b->seconds, result.n_epochs - 1, other);
    }
    mb_fit_result_clear(&result);
    return status;
}

static void *keep(bench *b, void *memory) {
    if (memory != NULL) {
        b->memory[b->n_memory++] = memory;
    }
    return memory;
}

// The events as an embedding program has them: index lists, and dense floats.
static mb_status gather(bench *b) {
    const size_t n = (size_t)b->events;
    for (size_t i = 0; i < b->model->n_inputs; i++) {
        const mb_column *column = mb_dataset_find(&b->dataset, mb_model_input_name(b->model, i));
        if (column == NULL || column->kind != MB_COLUMN_SPARSE) {
            return mb_fail(b->ctx, MB_ERR_SHAPE, "bench: input %zu is no sparse column", i);
        }
        const size_t n_entries = mb_column_entries(column, b->rows, n);
        uint32_t *offset = keep(b, mb_allocate(b->ctx, n + 1, sizeof *offset));
        uint32_t *index = keep(b, mb_allocate(b->ctx, n_entries, sizeof *index));
        float *value = keep(b, mb_allocate(b->ctx, n_entries, sizeof *value));
        float *dense = keep(b, mb_allocate(b->ctx, n * column->size, sizeof *dense));
        if (offset == NULL || index == NULL || value == NULL || dense == NULL) {
            return MB_ERR_MEMORY;
        }
        mb_column_gather_sparse(column, b->rows, n, offset, index, value);
        MB_TRY(mb_column_gather(column, b->ctx, b->rows, n, dense));
        b->row_size[i] = column->size;
        b->sparse[i] = (mb_predictor_input){NULL, offset, index, value};
        b->dense[i] = (mb_predictor_input){dense, NULL, NULL, NULL};
    }
    return MB_OK;
}

static void view(const bench *b, bool is_sparse, size_t first, mb_predictor_input *out) {
    for (size_t i = 0; i < b->model->n_inputs; i++) {
        out[i] = is_sparse ? b->sparse[i] : b->dense[i];
        if (is_sparse) {
            out[i].offset += first;
        } else {
            out[i].dense += first * b->row_size[i];
        }
    }
}

typedef struct prediction {
    const bench *bench;
    mb_predictor *predictor;
    bool is_sparse;
    size_t first, n; // events
    char *scratch;   // of all workers
    size_t scratch_stride;
    float *scores; // of all events
    mb_status status;
} prediction;

static mb_status open_prediction(
    bench *b, bool is_sparse, size_t max_events, size_t n_workers, prediction *out) {
    const bool all[MAX_INPUTS] = {
        is_sparse, is_sparse, is_sparse, is_sparse, is_sparse, is_sparse, is_sparse, is_sparse};
    const mb_predictor_settings settings = {.max_events = max_events, .sparse_inputs = all};
    *out = (prediction){.bench = b, .is_sparse = is_sparse};
    MB_TRY(mb_predictor_create(b->ctx, b->model, &settings, &out->predictor));
    out->scratch_stride = mb_round_up(mb_predictor_scratch_bytes(out->predictor), 64);
    out->scratch = mb_allocate(b->ctx, n_workers, out->scratch_stride);
    out->scores = mb_allocate(b->ctx, (size_t)b->events, sizeof *out->scores);
    return out->scratch == NULL || out->scores == NULL ? MB_ERR_MEMORY : MB_OK;
}

static void close_prediction(bench *b, prediction *p) {
    mb_release(b->ctx, p->scores);
    mb_release(b->ctx, p->scratch);
    mb_predictor_destroy(p->predictor);
}

static mb_status predict_some(const prediction *p, size_t first, size_t n, char *scratch) {
    mb_predictor_input inputs[MAX_INPUTS];
    view(p->bench, p->is_sparse, first, inputs);
    float *outputs[1] = {p->scores + first};
    return mb_predictor_run(p->predictor, scratch, inputs, n, outputs);
}

static mb_status predict_task(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)ctx;
    const prediction *p = user;
    const size_t first = task * TASK_EVENTS;
    return predict_some(p, p->first + first, mb_min_size(TASK_EVENTS, p->n - first),
        p->scratch + worker * p->scratch_stride);
}

static void predict_batch(void *user) {
    prediction *p = user;
    const size_t n_tasks = (p->n + TASK_EVENTS - 1) / TASK_EVENTS;
    p->status = mb_parallel(p->bench->ctx, n_tasks, predict_task, p);
}

static mb_status bench_batches(bench *b, bool is_sparse) {
    prediction p;
    mb_status status = open_prediction(b, is_sparse, TASK_EVENTS, (size_t)b->threads, &p);
    if (status == MB_OK) {
        p.n = (size_t)b->batch;
        const bench_load since = bench_load_now();
        const size_t n = bench_repeat(predict_batch, &p, b->budget, 3, MAX_LATENCIES, b->seconds);
        const double other = bench_load_other(&since);
        status = p.status;
        if (status == MB_OK) {
            bench_print_rate(is_sparse ? "infer_b256" : "infer_b256_dense_input", "events/s",
                (double)p.n, b->seconds, n, other);
        }
    }
    close_prediction(b, &p);
    return status;
}

// Scores of all events, for the comparison with the peers' on the same weights.
static mb_status write_scores(bench *b) {
    prediction p;
    mb_status status = open_prediction(b, true, TASK_EVENTS, (size_t)b->threads, &p);
    mb_array scores = {0};
    const size_t shape[1] = {(size_t)b->events};
    if (status == MB_OK) {
        p.n = (size_t)b->events;
        predict_batch(&p);
        status = p.status;
    }
    if (status == MB_OK) {
        status = mb_array_init(&scores, b->ctx, MB_F32, 1, shape);
    }
    if (status == MB_OK) {
        memcpy(scores.data, p.scores, shape[0] * sizeof(float));
        status = mb_npy_write(b->ctx, b->output, &scores);
    }
    mb_array_clear(&scores);
    close_prediction(b, &p);
    return status;
}

static mb_status bench_infer(void *user) {
    bench *b = user;
    MB_TRY(load_model(b));
    MB_TRY(gather(b));
    if (b->output != NULL) {
        MB_TRY(write_scores(b));
    }
    MB_TRY(bench_batches(b, true));
    return bench_batches(b, false);
}

// One event in, one score out, on this thread; another event each time.
static mb_status predict_event(void *user, size_t i) {
    const prediction *p = user;
    return predict_some(p, i % (size_t)p->bench->events, 1, p->scratch);
}

static mb_status bench_single(bench *b, bool is_sparse) {
    prediction p;
    mb_status status = open_prediction(b, is_sparse, 1, 1, &p);
    size_t n = 0;
    const bench_load since = bench_load_now();
    if (status == MB_OK) {
        status = bench_time_events(
            predict_event, &p, b->budget, (size_t)b->batch, MAX_LATENCIES, b->seconds, &n);
    }
    if (status == MB_OK) {
        bench_print_latencies(is_sparse ? "latency_t1" : "latency_t1_dense_input", BENCH_MAX,
            b->seconds, n, bench_load_other(&since));
    }
    close_prediction(b, &p);
    return status;
}

static mb_status bench_latency(void *user) {
    bench *b = user;
    MB_TRY(load_model(b));
    MB_TRY(gather(b));
    MB_TRY(bench_single(b, true));
    return bench_single(b, false);
}

static mb_status bench_plan(void *user) {
    bench *b = user;
    const bool all[MAX_INPUTS] = {true, true, true, true, true, true, true, true};
    const mb_plan_settings settings = {.max_rows = (size_t)b->batch, .sparse_inputs = all};
    mb_plan *plan = NULL;
    MB_TRY(mb_model_load(b->ctx, b->model_path, &b->model));
    MB_TRY(mb_plan_create(b->ctx, b->model, &settings, &plan));
    mb_buffer text;
    mb_buffer_init(&text, b->ctx);
    mb_plan_describe(plan, &text);
    const mb_status status = text.status;
    if (status == MB_OK) {
        fputs(text.data, stdout);
    }
    mb_buffer_clear(&text);
    mb_plan_destroy(plan);
    return status;
}

static const bench_command commands[] = {{"read", bench_read, false}, {"train", bench_train, false},
    {"infer", bench_infer, false}, {"latency", bench_latency, false}, {"plan", bench_plan, false}};

static mb_status run(void *user) {
    bench *b = user;
    const bench_command *command = NULL;
    mb_dataset_init(&b->dataset, b->ctx);
    MB_TRY(bench_find_command(b->ctx, commands, MB_COUNT_OF(commands), b->command, NULL, &command));
    MB_TRY(open_study(b));
    b->seconds = mb_allocate(b->ctx, MAX_LATENCIES, sizeof *b->seconds);
    return b->seconds == NULL ? MB_ERR_MEMORY : command->run(b);
}

static void close_bench(void *user) {
    bench *b = user;
    for (size_t i = 0; i < b->n_memory; i++) {
        mb_release(b->ctx, b->memory[i]);
    }
    mb_release(b->ctx, b->seconds);
    mb_release(b->ctx, b->rows);
    mb_model_destroy(b->model);
    mb_dataset_clear(&b->dataset);
    mb_study_destroy(b->study);
}

int main(int argc, char **argv) {
    bench b = {.batch = 256};
    const bench_number numbers[] = {
        {&b.threads, 1, 256}, {&b.events, 256, INT64_MAX}, {&b.epochs, 2, MAX_LATENCIES}};
    if (argc < 9 || argc > 10 ||
        !bench_read_numbers(argv + 5, numbers, MB_COUNT_OF(numbers), &b.budget)) {
        fprintf(stderr,
            "usage: bench_barrel read|train|infer|latency|plan STUDY DATA MODEL THREADS EVENTS "
            "EPOCHS SECONDS [SCORES.npy]\n       at least 256 events and 2 epochs\n");
        return 2;
    }
    b.command = argv[1];
    b.study_path = argv[2];
    b.data = argv[3];
    b.model_path = argv[4];
    b.output = argc > 9 ? argv[9] : NULL;
    const bench_program program = {"bench_barrel", run, close_bench, &b.ctx};
    return bench_run(&program, &b, b.threads);
}
