// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// Our side of the bench of the shower films: toy images through the frames, the fit and the
// predictor of the shipped study's 3-D network. One JSON line a figure. bench/ecal.py runs it
// beside the peers.

#include "base/numbers.h"
#include "base/output.h"
#include "base/threads.h"
#include "minbias/predictor.h"
#include "network/plan.h"
#include "program.h"
#include "study/study.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_OVERRIDES = 5, TASK_EVENTS = 12, MAX_LATENCIES = 200000, N_WARM = 20, TRIAL_ROWS = 140 };

typedef struct bench {
    mb_context *ctx;
    const char *command, *study_path, *data, *folder;
    int64_t threads, events, epochs; // events: of both classes together
    double budget;                   // seconds of one measurement
    mb_study *study;
    mb_dataset dataset;
    const mb_column *frames;
    mb_model *model;
    uint32_t *rows; // of the dataset, photons and electrons in turns
    mb_predictor_input films;
    uint32_t *offset, *index; // of films
    float *value;
    float *scores;   // events x 2
    double *seconds; // MAX_LATENCIES
} bench;

static mb_status open_study(bench *b, size_t batch) {
    char text[MAX_OVERRIDES][1024];
    const char *overrides[MAX_OVERRIDES];
    mb_format(text[0], sizeof text[0], "data.dir=%s", b->data);
    mb_format(text[1], sizeof text[1], "data.rows=[0, %lld]", (long long)(b->events / 2));
    mb_format(text[2], sizeof text[2], "train.epochs=%lld", (long long)b->epochs);
    mb_format(text[3], sizeof text[3], "train.batch=%zu", batch);
    mb_format(text[4], sizeof text[4], "train.validation=0.3");
    for (size_t i = 0; i < MAX_OVERRIDES; i++) {
        overrides[i] = text[i];
    }
    const mb_study_settings settings = {.overrides = overrides, .n_overrides = MAX_OVERRIDES};
    mb_study_destroy(b->study);
    b->study = NULL;
    return mb_study_open(b->ctx, b->study_path, &settings, &b->study);
}

// Images as index lists of their films, as the feeder and an embedding program have them.
static mb_status gather(bench *b) {
    const size_t n = (size_t)b->events;
    const size_t n_entries = mb_column_entries(b->frames, b->rows, n);
    b->offset = mb_allocate(b->ctx, n + 1, sizeof *b->offset);
    b->index = mb_allocate(b->ctx, n_entries, sizeof *b->index);
    b->value = mb_allocate(b->ctx, n_entries, sizeof *b->value);
    if (b->offset == NULL || b->index == NULL || b->value == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_column_gather_sparse(b->frames, b->rows, n, b->offset, b->index, b->value);
    b->films = (mb_predictor_input){.offset = b->offset, .index = b->index, .value = b->value};
    return MB_OK;
}

static mb_status load(bench *b) {
    const mb_source_request request = {.wants_label = true};
    bool has_weights = false;
    MB_TRY(open_study(b, 100));
    MB_TRY(mb_study_load(b->ctx, b->study, &request, &b->dataset, NULL));
    if (b->dataset.n_rows != (size_t)b->events) {
        return mb_fail(b->ctx, MB_ERR_RANGE,
            "bench: %s has %zu of the %lld images; simulate at least %lld of each class", b->data,
            b->dataset.n_rows, (long long)b->events, (long long)(b->events / 2));
    }
    b->frames = mb_dataset_find(&b->dataset, "frames");
    MB_TRY(mb_study_build_model(
        b->ctx, b->study, &b->study->fits[0], &b->dataset, &b->model, &has_weights));
    MB_TRY(mb_model_initialize(b->ctx, b->model, 1, b->model->parameters));
    b->rows = mb_allocate(b->ctx, (size_t)b->events, sizeof *b->rows);
    b->scores = mb_allocate(b->ctx, 2 * (size_t)b->events, sizeof *b->scores);
    b->seconds = mb_allocate(b->ctx, MAX_LATENCIES, sizeof *b->seconds);
    if (b->frames == NULL || b->rows == NULL || b->scores == NULL || b->seconds == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < (size_t)b->events; i++) {
        b->rows[i] = (uint32_t)(i / 2 + i % 2 * (size_t)b->events / 2);
    }
    return gather(b);
}

static void print_rate(
    const bench *b, const char *name, const char *unit, double work, size_t n, double other) {
    char metric[64];
    mb_format(metric, sizeof metric, "%s_t%lld", name, (long long)b->threads);
    bench_print_rate(metric, unit, work, b->seconds, n, other);
}

// Seconds of the epochs of a fit, the last n_rows of which validate.
static mb_status fit(bench *b, size_t n_train, size_t n_validation, size_t *n_epochs) {
    const mb_fit_request request = {.model = b->model,
        .parameters = b->model->parameters,
        .dataset = &b->dataset,
        .train_rows = b->rows,
        .n_train = n_train,
        .validation_rows = b->rows + n_train,
        .n_validation = n_validation,
        .train = &b->study->fits[0].train,
        .seed = 1};
    mb_fit_result result;
    const mb_status status = mb_fit(b->ctx, &request, &result);
    *n_epochs = result.n_epochs;
    for (size_t i = 0; status == MB_OK && i < result.n_epochs; i++) {
        b->seconds[i] = result.history[i * result.n_columns + result.n_columns - 1];
    }
    mb_fit_result_clear(&result);
    return status;
}

static mb_status bench_train(void *user) {
    bench *b = user;
    static const size_t batches[] = {100, 10};
    for (size_t i = 0; i < MB_COUNT_OF(batches); i++) {
        char metric[32];
        size_t n_epochs = 0;
        const size_t n = mb_min_size((size_t)b->events, 3 * batches[i]);
        mb_format(metric, sizeof metric, "train_b%zu", batches[i]);
        MB_TRY(open_study(b, batches[i]));
        const bench_load since = bench_load_now();
        MB_TRY(fit(b, n, 0, &n_epochs));
        // The first epoch pays for what comes into the caches.
        b->seconds[0] = b->seconds[--n_epochs];
        print_rate(b, metric, "images/s", (double)n, n_epochs, bench_load_other(&since));
    }
    return MB_OK;
}

// One trial of the original's scan: 140 images to train and 60 to validate, batch 10, 20 epochs.
static mb_status bench_trial(void *user) {
    bench *b = user;
    double seconds = 0;
    size_t n_epochs = 0;
    const size_t n_train = mb_min_size(TRIAL_ROWS, (size_t)b->events * 7 / 10);
    b->epochs = 20;
    MB_TRY(open_study(b, 10));
    const bench_load since = bench_load_now();
    MB_TRY(fit(b, n_train, mb_min_size(60, (size_t)b->events - n_train), &n_epochs));
    for (size_t i = 0; i < n_epochs; i++) {
        seconds += b->seconds[i];
    }
    char metric[32];
    mb_format(metric, sizeof metric, "trial_t%lld", (long long)b->threads);
    const bench_figure figure = {.metric = metric,
        .unit = "s",
        .value = seconds,
        .best = seconds,
        .n = 1,
        .other = bench_load_other(&since)};
    bench_print("minbias", &figure);
    return MB_OK;
}

typedef struct prediction {
    bench *bench;
    mb_predictor *predictor;
    char *scratch; // of all workers
    size_t scratch_stride;
    double *seconds; // of single events: per worker MAX_LATENCIES / threads; NULL: not wanted
    size_t n_seconds[64];
    mb_status status;
} prediction;

static mb_status open_prediction(bench *b, size_t max_events, prediction *out) {
    static const bool is_sparse = true;
    const mb_predictor_settings settings = {.max_events = max_events, .sparse_inputs = &is_sparse};
    *out = (prediction){.bench = b};
    MB_TRY(mb_predictor_create(b->ctx, b->model, &settings, &out->predictor));
    out->scratch_stride = mb_round_up(mb_predictor_scratch_bytes(out->predictor), 64);
    out->scratch = mb_allocate(b->ctx, (size_t)b->threads, out->scratch_stride);
    return out->scratch == NULL ? MB_ERR_MEMORY : MB_OK;
}

static void close_prediction(bench *b, prediction *p) {
    mb_release(b->ctx, p->scratch);
    mb_predictor_destroy(p->predictor);
}

static mb_status predict_some(const prediction *p, size_t first, size_t n, unsigned worker) {
    const bench *b = p->bench;
    mb_predictor_input input = b->films;
    float *outputs[1] = {b->scores + 2 * first};
    input.offset += first;
    return mb_predictor_run(
        p->predictor, p->scratch + worker * p->scratch_stride, &input, n, outputs);
}

static mb_status predict_task(void *user, mb_context *ctx, size_t task, unsigned worker) {
    const prediction *p = user;
    const size_t first = task * TASK_EVENTS;
    (void)ctx;
    return predict_some(
        p, first, mb_min_size(TASK_EVENTS, (size_t)p->bench->events - first), worker);
}

static void predict_all(void *user) {
    prediction *p = user;
    const size_t n_tasks = ((size_t)p->bench->events + TASK_EVENTS - 1) / TASK_EVENTS;
    p->status = mb_parallel(p->bench->ctx, n_tasks, predict_task, p);
}

static mb_status bench_infer(void *user) {
    bench *b = user;
    prediction p;
    mb_status status = open_prediction(b, TASK_EVENTS, &p);
    if (status == MB_OK) {
        const bench_load since = bench_load_now();
        const size_t n = bench_repeat(predict_all, &p, b->budget, 3, MAX_LATENCIES, b->seconds);
        status = p.status;
        print_rate(b, "infer", "images/s", (double)b->events, n, bench_load_other(&since));
    }
    close_prediction(b, &p);
    return status;
}

typedef struct one_thread {
    const prediction *prediction;
    size_t first;
    unsigned worker;
} one_thread;

static mb_status predict_event(void *user, size_t i) {
    const one_thread *thread = user;
    const prediction *p = thread->prediction;
    return predict_some(p, (i + thread->first) % (size_t)p->bench->events, 1, thread->worker);
}

// One film in, its scores out, on this thread; another film each time.
static mb_status time_events(void *user, mb_context *ctx, size_t task, unsigned worker) {
    prediction *p = user;
    const size_t most = MAX_LATENCIES / (size_t)p->bench->threads;
    one_thread thread = {p, task, worker};
    (void)ctx;
    return bench_time_events(predict_event, &thread, p->bench->budget, N_WARM, most,
        p->seconds + task * most, &p->n_seconds[task]);
}

// Each thread has events of its own, all at the same time: how much they slow each other.
static mb_status bench_latency(void *user) {
    bench *b = user;
    prediction p;
    mb_status status = open_prediction(b, 1, &p);
    p.seconds = b->seconds;
    if (status == MB_OK) {
        const bench_load since = bench_load_now();
        status = mb_parallel(b->ctx, (size_t)b->threads, time_events, &p);
        const size_t most = MAX_LATENCIES / (size_t)b->threads;
        size_t n = 0;
        for (size_t i = 0; status == MB_OK && i < (size_t)b->threads; i++) {
            memmove(b->seconds + n, b->seconds + i * most, p.n_seconds[i] * sizeof *b->seconds);
            n += p.n_seconds[i];
        }
        if (status == MB_OK) {
            char metric[32];
            mb_format(metric, sizeof metric, "latency_b1_t%lld", (long long)b->threads);
            bench_print_latencies(
                metric, BENCH_P999 | BENCH_MAX, b->seconds, n, bench_load_other(&since));
        }
    }
    close_prediction(b, &p);
    return status;
}

typedef struct framing {
    bench *bench;
    float *out; // TASK_EVENTS rows a worker
    mb_status status;
} framing;

static mb_status frame_task(void *user, mb_context *ctx, size_t task, unsigned worker) {
    const framing *f = user;
    const bench *b = f->bench;
    const size_t first = task * TASK_EVENTS;
    return mb_column_gather(b->frames, ctx, b->rows + first,
        mb_min_size(TASK_EVENTS, (size_t)b->events - first),
        f->out + worker * TASK_EVENTS * b->frames->size);
}

static void frame_all(void *user) {
    framing *f = user;
    const size_t n_tasks = ((size_t)f->bench->events + TASK_EVENTS - 1) / TASK_EVENTS;
    f->status = mb_parallel(f->bench->ctx, n_tasks, frame_task, f);
}

static void list_all(void *user) {
    framing *f = user;
    bench *b = f->bench;
    mb_column_gather_sparse(b->frames, b->rows, (size_t)b->events, b->offset, b->index, b->value);
    f->status = MB_OK;
}

// Images to films: whole ones, as the original makes them, and the index lists that our fit takes.
static mb_status bench_frames(void *user) {
    bench *b = user;
    static const struct {
        const char *name;
        void (*run)(void *user);
    } ways[] = {{"frames", frame_all}, {"frame_lists", list_all}};
    framing f = {.bench = b};
    f.out = mb_allocate(b->ctx, (size_t)b->threads * TASK_EVENTS * b->frames->size, sizeof *f.out);
    mb_status status = f.out == NULL ? MB_ERR_MEMORY : MB_OK;
    for (size_t i = 0; status == MB_OK && i < MB_COUNT_OF(ways); i++) {
        const bench_load since = bench_load_now();
        const size_t n = bench_repeat(ways[i].run, &f, b->budget, 3, MAX_LATENCIES, b->seconds);
        status = f.status;
        print_rate(b, ways[i].name, "images/s", (double)b->events, n, bench_load_other(&since));
    }
    mb_release(b->ctx, f.out);
    return status;
}

// What the peers take: the weights, these films and labels, and our scores to compare theirs with.
static mb_status bench_write(void *user) {
    bench *b = user;
    const size_t n = (size_t)b->events;
    char *path = mb_path_join(b->ctx, b->folder, "model.h5");
    float *values = mb_allocate(b->ctx, n * b->frames->size, sizeof *values);
    float *outputs[1] = {b->scores};
    mb_status status = path == NULL || values == NULL ? MB_ERR_MEMORY : MB_OK;
    if (status == MB_OK) {
        status = mb_model_save(b->ctx, b->model, path);
    }
    if (status == MB_OK) {
        status = mb_predict_dataset(
            b->ctx, b->model, b->model->parameters, &b->dataset, b->rows, n, outputs);
    }
    if (status == MB_OK) {
        status = bench_write_array(b->ctx, b->folder, "scores.npy", MB_F32, b->scores, n, 2);
    }
    if (status == MB_OK) {
        status = mb_column_gather(b->frames, b->ctx, b->rows, n, values);
    }
    if (status == MB_OK) {
        status =
            bench_write_array(b->ctx, b->folder, "frames.npy", MB_F32, values, n, b->frames->size);
    }
    if (status == MB_OK) {
        status = mb_column_gather(mb_dataset_target(&b->dataset), b->ctx, b->rows, n, values);
    }
    if (status == MB_OK) {
        status = bench_write_array(b->ctx, b->folder, "target.npy", MB_F32, values, n, 2);
    }
    mb_release(b->ctx, values);
    mb_release(b->ctx, path);
    return status;
}

// The plan and the work of one prediction of all images, and the memory of a training.
static mb_status bench_plan(void *user) {
    bench *b = user;
    static const bool is_sparse = true;
    const mb_plan_settings settings = {.max_rows = TASK_EVENTS, .sparse_inputs = &is_sparse};
    const mb_plan_settings training = {
        .is_training = true, .max_rows = 100, .sparse_inputs = &is_sparse};
    const mb_input films = {.offset = b->offset, .index = b->index, .value = b->value};
    mb_plan *plan = NULL;
    mb_buffer text;
    mb_buffer_init(&text, b->ctx);
    mb_status status = mb_plan_create(b->ctx, b->model, &settings, &plan);
    if (status == MB_OK) {
        uint64_t done = 0, full = 0;
        char *scratch = mb_allocate(b->ctx, mb_plan_scratch_bytes(plan), 1);
        mb_plan_load(plan, b->model->parameters);
        mb_plan_describe(plan, &text);
        if (scratch != NULL) {
            mb_plan_work(plan, scratch, &films, (size_t)b->events, &done, &full);
        }
        mb_buffer_format(&text, "an image: %llu of %llu multiply-adds\n",
            (unsigned long long)(done / (uint64_t)b->events),
            (unsigned long long)(full / (uint64_t)b->events));
        mb_release(b->ctx, scratch);
        mb_plan_destroy(plan);
        plan = NULL;
        status = mb_plan_create(b->ctx, b->model, &training, &plan);
    }
    if (status == MB_OK) {
        status = mb_plan_lay_out(b->ctx, plan);
        mb_plan_describe(plan, &text);
        mb_buffer_format(&text, "training at batch 100: %zu bytes\n", mb_plan_training_bytes(plan));
    }
    if (status == MB_OK && text.status == MB_OK) {
        fputs(text.data, stdout);
    }
    mb_buffer_clear(&text);
    mb_plan_destroy(plan);
    return status;
}

static const bench_command commands[] = {{"train", bench_train, false},
    {"trial", bench_trial, false}, {"infer", bench_infer, false}, {"latency", bench_latency, false},
    {"frames", bench_frames, false}, {"write", bench_write, true}, {"plan", bench_plan, false}};

static mb_status run(void *user) {
    bench *b = user;
    const bench_command *command = NULL;
    mb_dataset_init(&b->dataset, b->ctx);
    MB_TRY(bench_find_command(
        b->ctx, commands, MB_COUNT_OF(commands), b->command, b->folder, &command));
    MB_TRY(load(b));
    return command->run(b);
}

static void close_bench(void *user) {
    bench *b = user;
    mb_release(b->ctx, b->seconds);
    mb_release(b->ctx, b->scores);
    mb_release(b->ctx, b->rows);
    mb_release(b->ctx, b->offset);
    mb_release(b->ctx, b->index);
    mb_release(b->ctx, b->value);
    mb_model_destroy(b->model);
    mb_dataset_clear(&b->dataset);
    mb_study_destroy(b->study);
}

int main(int argc, char **argv) {
    bench b = {.command = ""};
    const bench_number numbers[] = {
        {&b.threads, 1, 64}, {&b.events, 20, INT64_MAX}, {&b.epochs, 2, MAX_LATENCIES}};
    if (argc < 8 || argc > 9 ||
        !bench_read_numbers(argv + 4, numbers, MB_COUNT_OF(numbers), &b.budget) ||
        b.events % 2 != 0) {
        fprintf(stderr, "usage: bench_ecal train|trial|infer|latency|frames|write|plan STUDY DATA "
                        "THREADS EVENTS EPOCHS SECONDS [FOLDER]\n"
                        "       an even number of events, at least 20, and 2 epochs\n");
        return 2;
    }
    b.command = argv[1];
    b.study_path = argv[2];
    b.data = argv[3];
    b.folder = argc > 8 ? argv[8] : NULL;
    const bench_program program = {"bench_ecal", run, close_bench, &b.ctx};
    return bench_run(&program, &b, b.threads);
}
