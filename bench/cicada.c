// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// Our side of the bench of the calorimeter-region networks: random events of the real shape through
// the fit, the dataset's prediction and the predictor. One JSON line a figure. Without a model file
// the network is the supervised one of the benchmark: 3 filters of 3 x 3, stride 2, then 20 and 2
// outputs.

#include "base/numbers.h"
#include "base/output.h"
#include "base/random.h"
#include "base/threads.h"
#include "files/yaml.h"
#include "minbias/predictor.h"
#include "network/plan.h"
#include "program.h"
#include "training/fit.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_LATENCIES = 1000000, LEAST_EVENTS = 2048, TASK_EVENTS = 512, N_WARM = 1000 };

typedef struct bench {
    mb_context *ctx;
    const char *command, *path; // of the model, or of write's folder
    int64_t threads, events, epochs;
    double budget; // seconds of one measurement
    mb_document document;
    mb_train train;
    mb_dataset dataset;
    mb_model *model;
    float *regions, *target; // of the dataset
    size_t n_train;          // of its rows; the others validate
    uint32_t *rows;
    float *scores; // events x n_outputs
    size_t n_outputs;
    double *seconds; // MAX_LATENCIES
} bench;

static const char train_text[] = "{loss: categorical_crossentropy, optimizer: adam, "
                                 "metrics: [accuracy], batch: 2048, epochs: %lld, "
                                 "validation: 0%s}";
// As the benchmark's study watches its trainings.
static const char callbacks_text[] =
    ", callbacks: [early_stopping: {monitor: val_loss, patience: 64}, "
    "reduce_lr_on_plateau: {monitor: val_loss, factor: 0.7, patience: 5}]";

static const mb_value_type regions_type = {.axis = MB_AXIS_EVENTS, .rank = 3, .dim = {18, 14, 1}};

static mb_status add_layer(bench *b, const char *kind, const char *options, size_t *value) {
    mb_node *node = NULL;
    mb_layer *layer = NULL;
    MB_TRY(mb_yaml_parse_node(b->ctx, &b->document, "bench", options, strlen(options), &node));
    MB_TRY(mb_model_add_layer(b->ctx, b->model, kind, NULL, &b->document, node, &layer));
    return mb_model_call(b->ctx, b->model, layer, value, 1, value);
}

static mb_status build_model(bench *b) {
    size_t value = 0;
    MB_TRY(mb_model_begin(b->ctx, "supervised", &b->model));
    MB_TRY(mb_model_add_input(b->ctx, b->model, "regions", &regions_type, &value));
    MB_TRY(add_layer(b, "conv2d", "{filters: 3, kernel: 3, stride: 2, padding: valid}", &value));
    MB_TRY(add_layer(b, "activation", "{activation: relu}", &value));
    MB_TRY(add_layer(b, "flatten", "{}", &value));
    MB_TRY(add_layer(b, "dense", "{units: 20, activation: relu}", &value));
    MB_TRY(add_layer(b, "dense", "{units: 2, activation: softmax}", &value));
    MB_TRY(mb_model_finish(b->ctx, b->model, NULL, 0, &value, 1));
    return mb_model_initialize(b->ctx, b->model, 1, b->model->parameters);
}

static mb_status add_column(
    bench *b, const char *name, mb_column_role role, const mb_value_type *type, float **values) {
    mb_column *column = NULL;
    size_t shape[MB_MAX_RANK] = {b->dataset.n_rows};
    MB_TRY(mb_dataset_add_column(&b->dataset, b->ctx, name, role, &column));
    column->kind = MB_COLUMN_DENSE;
    column->dtype = MB_F32;
    column->rank = type->rank;
    column->size = mb_value_size(type);
    for (unsigned d = 0; d < type->rank; d++) {
        column->shape[d] = shape[d + 1] = type->dim[d];
    }
    MB_TRY(mb_array_init(&column->dense, b->ctx, MB_F32, type->rank + 1, shape));
    *values = column->dense.data;
    return MB_OK;
}

// About half of the regions are empty, the others hold a few counts; labels are a coin's toss with
// a trace in one region, so that there is something to learn.
static mb_status make_events(bench *b) {
    const mb_value_type target_type = {.axis = MB_AXIS_EVENTS, .rank = 1, .dim = {b->n_outputs}};
    const mb_value_type *input = &b->model->values[b->model->inputs[0]].type;
    const size_t size = mb_value_size(input);
    mb_random random = mb_random_stream(1, MB_PURPOSE_TEST, 0, 0);
    MB_TRY(mb_dataset_set_rows(&b->dataset, b->ctx, (size_t)b->events));
    MB_TRY(add_column(b, "regions", MB_ROLE_INPUT, input, &b->regions));
    MB_TRY(add_column(b, "target", MB_ROLE_TARGET, &target_type, &b->target));
    for (size_t i = 0; i < b->dataset.n_rows; i++) {
        const size_t label = mb_random_u32(&random) % b->n_outputs;
        for (size_t k = 0; k < size; k++) {
            const uint32_t draw = mb_random_u32(&random);
            b->regions[i * size + k] = draw % 2 == 0 ? 0.0F : (float)(1 + draw / 2 % 7);
        }
        b->regions[i * size] += (float)label;
        b->target[i * b->n_outputs + label] = 1.0F;
    }
    return MB_OK;
}

static mb_status open_bench(bench *b) {
    const bool is_protocol = strncmp(b->command, "epoch", strlen("epoch")) == 0;
    const bool loads = b->path != NULL && strcmp(b->command, "write") != 0;
    char text[512];
    mb_format(
        text, sizeof text, train_text, (long long)b->epochs, is_protocol ? callbacks_text : "");
    b->n_train = (size_t)(is_protocol ? b->events / 5 * 4 : b->events);
    MB_TRY(mb_yaml_parse(b->ctx, "bench", text, strlen(text), &b->document));
    MB_TRY(mb_train_read(b->ctx, &b->document, b->document.root, &b->train));
    MB_TRY(loads ? mb_model_load(b->ctx, b->path, &b->model) : build_model(b));
    if (b->model->n_inputs != 1 || b->model->n_outputs != 1) {
        return mb_fail(b->ctx, MB_ERR_SHAPE,
            "bench: %s has %zu inputs and %zu outputs; take one of "
            "one input and one output",
            b->path, b->model->n_inputs, b->model->n_outputs);
    }
    b->n_outputs = mb_value_size(&b->model->values[b->model->outputs[0]].type);
    MB_TRY(make_events(b));
    b->rows = mb_allocate(b->ctx, (size_t)b->events, sizeof *b->rows);
    b->scores = mb_allocate(b->ctx, (size_t)b->events * b->n_outputs, sizeof *b->scores);
    b->seconds = mb_allocate(b->ctx, MAX_LATENCIES, sizeof *b->seconds);
    if (b->rows == NULL || b->scores == NULL || b->seconds == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < (size_t)b->events; i++) {
        b->rows[i] = (uint32_t)i;
    }
    return MB_OK;
}

static void print_rate(
    const bench *b, const char *name, const char *unit, double work, size_t n, double other) {
    char metric[64];
    mb_format(metric, sizeof metric, "%s_t%lld", name, (long long)b->threads);
    bench_print_rate(metric, unit, work, b->seconds, n, other);
}

// Seconds of all epochs but the first, which pays for what comes into the caches.
static mb_status train_once(const bench *b, mb_context *ctx, uint64_t seed, double *seconds) {
    const mb_fit_request request = {.model = b->model,
        .parameters = b->model->parameters,
        .dataset = &b->dataset,
        .train_rows = b->rows,
        .n_train = b->n_train,
        .validation_rows = b->rows + b->n_train,
        .n_validation = (size_t)b->events - b->n_train,
        .train = &b->train,
        .seed = seed};
    mb_fit_result result;
    const mb_status status = mb_fit(ctx, &request, &result);
    for (size_t i = 1; status == MB_OK && i < result.n_epochs; i++) {
        seconds[i - 1] = result.history[i * result.n_columns + result.n_columns - 1];
    }
    mb_fit_result_clear(&result);
    return status;
}

static mb_status bench_train(void *user) {
    bench *b = user;
    const bench_load since = bench_load_now();
    MB_TRY(train_once(b, b->ctx, 1, b->seconds));
    print_rate(b, "train_b2048", "samples/s", (double)b->events, (size_t)b->epochs - 1,
        bench_load_other(&since));
    return MB_OK;
}

static mb_status fit_task(void *user, mb_context *ctx, size_t task, unsigned worker) {
    const bench *b = user;
    (void)worker;
    return train_once(b, ctx, task + 1, b->seconds + task * (size_t)(b->epochs - 1));
}

// One fit a thread, all at once: samples of all together.
static mb_status bench_fits(void *user) {
    bench *b = user;
    const bench_load since = bench_load_now();
    MB_TRY(mb_parallel(b->ctx, (size_t)b->threads, fit_task, b));
    print_rate(b, "train_b2048_fits", "samples/s", (double)b->events * (double)b->threads,
        (size_t)(b->threads * (b->epochs - 1)), bench_load_other(&since));
    return MB_OK;
}

typedef struct prediction {
    bench *bench;
    mb_predictor *predictor;
    char *scratch; // of all workers
    size_t scratch_stride;
    size_t first, n; // events
    mb_status status;
} prediction;

static mb_status open_prediction(bench *b, size_t max_events, size_t n_workers, prediction *out) {
    const mb_predictor_settings settings = {.max_events = max_events};
    *out = (prediction){.bench = b, .n = (size_t)b->events};
    MB_TRY(mb_predictor_create(b->ctx, b->model, &settings, &out->predictor));
    out->scratch_stride = mb_round_up(mb_predictor_scratch_bytes(out->predictor), 64);
    out->scratch = mb_allocate(b->ctx, n_workers, out->scratch_stride);
    return out->scratch == NULL ? MB_ERR_MEMORY : MB_OK;
}

static void close_prediction(bench *b, prediction *p) {
    mb_release(b->ctx, p->scratch);
    mb_predictor_destroy(p->predictor);
}

static mb_status predict_some(const prediction *p, size_t first, size_t n, char *scratch) {
    const bench *b = p->bench;
    const size_t size = mb_value_size(&b->model->values[b->model->inputs[0]].type);
    const mb_predictor_input input = {.dense = b->regions + first * size};
    float *outputs[1] = {b->scores + first * b->n_outputs};
    return mb_predictor_run(p->predictor, scratch, &input, n, outputs);
}

static mb_status predict_task(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)ctx;
    const prediction *p = user;
    const size_t first = task * TASK_EVENTS;
    return predict_some(
        p, first, mb_min_size(TASK_EVENTS, p->n - first), p->scratch + worker * p->scratch_stride);
}

static void predict_events(void *user) {
    prediction *p = user;
    p->status = mb_parallel(p->bench->ctx, (p->n + TASK_EVENTS - 1) / TASK_EVENTS, predict_task, p);
}

static void predict_dataset(void *user) {
    prediction *p = user;
    const bench *b = p->bench;
    float *outputs[1] = {b->scores};
    p->status = mb_predict_dataset(
        b->ctx, b->model, b->model->parameters, &b->dataset, b->rows, p->n, outputs);
}

// Events of one call, which repeats; the best one counts, as it does for the peers.
static mb_status bench_calls(bench *b, prediction *p) {
    static const size_t calls[] = {2048, 4096, 16384};
    bench_figure best = {.unit = "events/s"};
    for (size_t i = 0; i < MB_COUNT_OF(calls) && calls[i] <= (size_t)b->events; i++) {
        const double budget = b->budget / (double)MB_COUNT_OF(calls);
        const bench_load since = bench_load_now();
        p->n = calls[i];
        const size_t n = bench_repeat(predict_events, p, budget, 3, MAX_LATENCIES, b->seconds);
        const double other = bench_load_other(&since);
        const double value = (double)p->n / bench_quantile(b->seconds, n, 0.5);
        MB_TRY(p->status);
        if (value > best.value) {
            best.value = value;
            best.best = (double)p->n / b->seconds[0];
            best.n = n;
            best.other = other;
        }
    }
    char metric[32];
    mb_format(metric, sizeof metric, "infer_t%lld", (long long)b->threads);
    best.metric = metric;
    bench_print("minbias", &best);
    return MB_OK;
}

// All events, which come from memory.
static mb_status bench_dataset(bench *b, prediction *p) {
    const bench_load since = bench_load_now();
    p->n = (size_t)b->events;
    const size_t n = bench_repeat(predict_dataset, p, b->budget, 3, MAX_LATENCIES, b->seconds);
    MB_TRY(p->status);
    print_rate(b, "infer_dataset", "events/s", (double)p->n, n, bench_load_other(&since));
    return MB_OK;
}

static mb_status bench_infer(void *user) {
    bench *b = user;
    prediction p;
    mb_status status = open_prediction(b, TASK_EVENTS, (size_t)b->threads, &p);
    if (status == MB_OK) {
        status = bench_calls(b, &p);
    }
    if (status == MB_OK) {
        status = bench_dataset(b, &p);
    }
    close_prediction(b, &p);
    return status;
}

static mb_status predict_event(void *user, size_t i) {
    const prediction *p = user;
    return predict_some(p, i % mb_min_size(p->n, 1024), 1, p->scratch);
}

// One event in, its scores out, on this thread; another event each time. The clock's own time,
// which is a tenth of the whole, counts as ours.
static mb_status bench_latency(void *user) {
    bench *b = user;
    prediction p;
    mb_status status = open_prediction(b, 1, 1, &p);
    size_t n = 0;
    const bench_load since = bench_load_now();
    if (status == MB_OK) {
        status =
            bench_time_events(predict_event, &p, b->budget, N_WARM, MAX_LATENCIES, b->seconds, &n);
    }
    if (status == MB_OK) {
        bench_print_latencies(
            "latency_b1", BENCH_P999 | BENCH_MAX, b->seconds, n, bench_load_other(&since));
    }
    close_prediction(b, &p);
    return status;
}

// One training of the benchmark, and one a thread at once: seconds of an epoch, validation and
// callbacks with it. At once, an epoch of each of them takes the time divided by how many they are.
static mb_status bench_epoch(void *user) {
    bench *b = user;
    const bool is_many = strcmp(b->command, "epochs") == 0;
    const size_t n_fits = is_many ? (size_t)b->threads : 1, n = n_fits * (size_t)(b->epochs - 1);
    char metric[32];
    mb_format(metric, sizeof metric, "%s_t%lld", b->command, (long long)b->threads);
    const bench_load since = bench_load_now();
    MB_TRY(
        is_many ? mb_parallel(b->ctx, n_fits, fit_task, b) : train_once(b, b->ctx, 1, b->seconds));
    bench_sort(b->seconds, n);
    const bench_figure figure = {.metric = metric,
        .unit = "s",
        .value = bench_quantile(b->seconds, n, 0.5) / (double)n_fits,
        .best = b->seconds[0] / (double)n_fits,
        .n = n,
        .other = bench_load_other(&since)};
    bench_print("minbias", &figure);
    return MB_OK;
}

// What the peers take: these weights, these events, and our scores to compare theirs with.
static mb_status bench_write(void *user) {
    bench *b = user;
    const size_t size = mb_value_size(&b->model->values[b->model->inputs[0]].type);
    char *path = mb_path_join(b->ctx, b->path, "model.h5");
    mb_status status = path == NULL ? MB_ERR_MEMORY : mb_model_save(b->ctx, b->model, path);
    mb_release(b->ctx, path);
    if (status == MB_OK) {
        prediction p = {.bench = b, .n = (size_t)b->events};
        predict_dataset(&p);
        status = p.status;
    }
    MB_TRY(status);
    MB_TRY(bench_write_array(
        b->ctx, b->path, "regions.npy", MB_F32, b->regions, (size_t)b->events, size));
    MB_TRY(bench_write_array(
        b->ctx, b->path, "target.npy", MB_F32, b->target, (size_t)b->events, b->n_outputs));
    return bench_write_array(
        b->ctx, b->path, "scores.npy", MB_F32, b->scores, (size_t)b->events, b->n_outputs);
}

static mb_status bench_plan(void *user) {
    bench *b = user;
    static const bool trainings[] = {false, true};
    mb_status status = MB_OK;
    for (size_t i = 0; status == MB_OK && i < MB_COUNT_OF(trainings); i++) {
        const mb_plan_settings settings = {
            .is_training = trainings[i], .max_rows = b->train.options.batch};
        mb_plan *plan = NULL;
        mb_buffer text;
        mb_buffer_init(&text, b->ctx);
        status = mb_plan_create(b->ctx, b->model, &settings, &plan);
        if (status == MB_OK) {
            mb_plan_describe(plan, &text);
            status = text.status;
        }
        if (status == MB_OK) {
            fputs(text.data, stdout);
        }
        mb_buffer_clear(&text);
        mb_plan_destroy(plan);
    }
    return status;
}

static const bench_command commands[] = {{"train", bench_train, false}, {"fits", bench_fits, false},
    {"infer", bench_infer, false}, {"latency", bench_latency, false}, {"epoch", bench_epoch, false},
    {"epochs", bench_epoch, false}, {"write", bench_write, true}, {"plan", bench_plan, false}};

static mb_status run(void *user) {
    bench *b = user;
    const bench_command *command = NULL;
    mb_dataset_init(&b->dataset, b->ctx);
    MB_TRY(
        bench_find_command(b->ctx, commands, MB_COUNT_OF(commands), b->command, b->path, &command));
    MB_TRY(open_bench(b));
    return command->run(b);
}

static void close_bench(void *user) {
    bench *b = user;
    mb_release(b->ctx, b->seconds);
    mb_release(b->ctx, b->scores);
    mb_release(b->ctx, b->rows);
    mb_model_destroy(b->model);
    mb_dataset_clear(&b->dataset);
    mb_document_clear(&b->document);
}

int main(int argc, char **argv) {
    bench b = {.command = ""};
    const bench_number numbers[] = {
        {&b.threads, 1, 256}, {&b.events, LEAST_EVENTS, INT64_MAX}, {&b.epochs, 2, MAX_LATENCIES}};
    if (argc < 6 || argc > 7 ||
        !bench_read_numbers(argv + 2, numbers, MB_COUNT_OF(numbers), &b.budget) ||
        b.epochs * b.threads > MAX_LATENCIES) {
        fprintf(stderr,
            "usage: bench_cicada train|fits|infer|latency|epoch|epochs|plan THREADS EVENTS EPOCHS "
            "SECONDS [MODEL]\n       bench_cicada write THREADS EVENTS EPOCHS SECONDS FOLDER\n"
            "       at least %d events and 2 epochs\n",
            LEAST_EVENTS);
        return 2;
    }
    b.command = argv[1];
    b.path = argc > 6 ? argv[6] : NULL;
    const bench_program program = {"bench_cicada", run, close_bench, &b.ctx};
    return bench_run(&program, &b, b.threads);
}
