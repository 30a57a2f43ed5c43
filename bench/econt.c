// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// Our side of the bench of the concentrator's autoencoder: modules of a CALQ table through the fit,
// the encoder, its integer twin, and the earth mover's distance. One JSON line a figure.

#include "base/numbers.h"
#include "base/output.h"
#include "base/random.h"
#include "exchange/keras_part.h"
#include "measure/emd.h"
#include "minbias/model.h"
#include "minbias/predictor.h"
#include "network/plan.h"
#include "program.h"
#include "study/module_run.h"
#include "twin/model.h"

#include <stdio.h>
#include <stdlib.h>

enum { CALL = 4096, CELLS = 48, PIXELS = 64, CODES = 16, MOST = 1000000, N_WARM = 1000 };

typedef struct bench {
    mb_context *ctx;
    const char *command, *folder;
    int64_t threads, epochs;
    double budget; // seconds of one measurement
    mb_study *study;
    mb_dataset dataset;
    mb_model *model, *encoder;
    float *images, *charges;
    uint32_t *rows;
    double *seconds; // MOST
} bench;

// The float model, its quantised form, and others that are only read.
static const char study_text[] =
    "study: bench\ndata: {source: concentrator, dir: \"%s\", files: nElinks_5/}\n"
    "models: [\"%s\"]\n"
    "train: {batch: 500, epochs: %lld, validation: 0, callbacks: []}\n";

static const char *model_name(const bench *b) {
    return strstr(b->command, "quantized") != NULL || strcmp(b->command, "twin") == 0
               ? "8x8_c8_S2_tele_qK_6bit"
               : "8x8_c8_S2_tele";
}

static mb_status open_bench(bench *b) {
    char text[1024];
    bool has_weights = false;
    const mb_source_request request = {.wants_label = true, .for_models = true};
    mb_format(text, sizeof text, study_text, b->folder, model_name(b), (long long)b->epochs);
    MB_TRY(mb_study_open_text(b->ctx, "bench", text, NULL, &b->study));
    MB_TRY(mb_study_load(b->ctx, b->study, &request, &b->dataset, NULL));
    MB_TRY(mb_study_build_model(
        b->ctx, b->study, &b->study->fits[0], &b->dataset, &b->model, &has_weights));
    MB_TRY(mb_model_initialize(b->ctx, b->model, 1, b->model->parameters));
    MB_TRY(mb_model_take_part(b->ctx, b->model, b->model->parameters, "encoder", &b->encoder));
    b->images = mb_dataset_find(&b->dataset, "image_8x8")->dense.data;
    b->charges = mb_dataset_find(&b->dataset, "charges")->dense.data;
    b->rows = mb_allocate(b->ctx, b->dataset.n_rows, sizeof *b->rows);
    b->seconds = mb_allocate(b->ctx, MOST, sizeof *b->seconds);
    if (b->rows == NULL || b->seconds == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < b->dataset.n_rows; i++) {
        b->rows[i] = (uint32_t)i;
    }
    return MB_OK;
}

// Seconds of the epochs but the first, validation left out.
static mb_status bench_train(void *user) {
    bench *b = user;
    char metric[64];
    const mb_fit_spec *fit = &b->study->fits[0];
    const mb_fit_request request = {.model = b->model,
        .parameters = b->model->parameters,
        .dataset = &b->dataset,
        .target = fit->target,
        .train_rows = b->rows,
        .n_train = b->dataset.n_rows,
        .train = &fit->train,
        .seed = 1};
    mb_fit_result result;
    const bench_load since = bench_load_now();
    const mb_status status = mb_fit(b->ctx, &request, &result);
    size_t n = 0;
    for (size_t i = 1; status == MB_OK && i < result.n_epochs; i++) {
        b->seconds[n++] = result.history[(i + 1) * result.n_columns - 1];
    }
    mb_format(metric, sizeof metric, "%s_b500_t%lld", b->command, (long long)b->threads);
    if (n > 0) {
        bench_sort(b->seconds, n);
        bench_print_rate(metric, "samples/s", (double)b->dataset.n_rows, b->seconds, n,
            bench_load_other(&since));
    }
    mb_fit_result_clear(&result);
    return status;
}

typedef struct prediction {
    const bench *bench;
    mb_plan *plan;
    mb_predictor *predictor;
    const mb_twin *twin;
    void *scratch;
    float *codes;
    int64_t *integers;
    size_t at;
} prediction;

static void predict_call(void *user) {
    prediction *p = user;
    const mb_input input = {.dense = p->bench->images + p->at * PIXELS};
    float *outputs[] = {p->codes};
    mb_plan_predict(p->plan, p->scratch, &input, CALL, outputs);
    p->at = (p->at + CALL) % (p->bench->dataset.n_rows - CALL);
}

static mb_status bench_infer(void *user) {
    bench *b = user;
    const mb_plan_settings settings = {.max_rows = CALL};
    prediction p = {.bench = b};
    MB_TRY(mb_plan_create(b->ctx, b->encoder, &settings, &p.plan));
    mb_plan_load(p.plan, b->encoder->parameters);
    p.scratch = mb_allocate(b->ctx, mb_plan_scratch_bytes(p.plan), 1);
    p.codes = mb_allocate(b->ctx, (size_t)CALL * CODES, sizeof *p.codes);
    if (p.scratch != NULL && p.codes != NULL) {
        const bench_load since = bench_load_now();
        const size_t n = bench_repeat(predict_call, &p, b->budget, 5, MOST, b->seconds);
        bench_print_rate(
            "encoder_t1", "events/s", (double)CALL, b->seconds, n, bench_load_other(&since));
    }
    const bool is_made = p.scratch != NULL && p.codes != NULL;
    mb_release(b->ctx, p.scratch);
    mb_release(b->ctx, p.codes);
    mb_plan_destroy(p.plan);
    return is_made ? MB_OK : MB_ERR_MEMORY;
}

typedef struct one_event {
    const bench *bench;
    const mb_predictor *predictor;
    void *scratch;
} one_event;

static mb_status encode_event(void *user, size_t i) {
    const one_event *e = user;
    float codes[CODES];
    float *outputs[] = {codes};
    const mb_predictor_input input = {.dense = e->bench->images + i % 1024 * PIXELS};
    return mb_predictor_run(e->predictor, e->scratch, &input, 1, outputs);
}

static mb_status bench_latency(void *user) {
    bench *b = user;
    const mb_predictor_settings settings = {.max_events = 1};
    mb_predictor *predictor = NULL;
    size_t n = 0;
    MB_TRY(mb_predictor_create(b->ctx, b->encoder, &settings, &predictor));
    void *scratch = mb_allocate(b->ctx, mb_predictor_scratch_bytes(predictor), 1);
    mb_status status = scratch == NULL ? MB_ERR_MEMORY : MB_OK;
    const bench_load since = bench_load_now();
    if (status == MB_OK) {
        one_event event = {b, predictor, scratch};
        status = bench_time_events(encode_event, &event, b->budget, N_WARM, MOST, b->seconds, &n);
    }
    if (status == MB_OK) {
        bench_print_latencies("latency", 0, b->seconds, n, bench_load_other(&since));
    }
    mb_release(b->ctx, scratch);
    mb_predictor_destroy(predictor);
    return status;
}

static void twin_call(void *user) {
    prediction *p = user;
    const mb_twin_rows rows = {.f32 = p->bench->images + p->at * PIXELS};
    mb_twin_run(p->twin, &rows, CALL, p->scratch, p->integers, NULL);
    p->at = (p->at + CALL) % (p->bench->dataset.n_rows - CALL);
}

static mb_status bench_twin(void *user) {
    bench *b = user;
    mb_twin *twin = NULL;
    prediction p = {.bench = b};
    MB_TRY(mb_twin_from_model(b->ctx, b->encoder, NULL, &twin));
    p.twin = twin;
    p.scratch = mb_allocate(b->ctx, 1, mb_twin_scratch(twin));
    p.integers = mb_allocate(b->ctx, (size_t)CALL * CODES, sizeof *p.integers);
    const bool is_made = p.scratch != NULL && p.integers != NULL;
    if (is_made) {
        const bench_load since = bench_load_now();
        const size_t n = bench_repeat(twin_call, &p, b->budget, 5, MOST, b->seconds);
        bench_print_rate(
            "twin_t1", "events/s", (double)CALL, b->seconds, n, bench_load_other(&since));
    }
    mb_release(b->ctx, p.scratch);
    mb_release(b->ctx, p.integers);
    mb_twin_destroy(twin);
    return is_made ? MB_OK : MB_ERR_MEMORY;
}

// Modules against their successors, as a decoder would restore them: all cells have some charge.
typedef struct pairs {
    mb_emd_metric metric;
    mb_context *ctx;
    double *a, *b;
    size_t n;
    double sum;
} pairs;

static void fill_pairs(const bench *b, pairs *p) {
    mb_random random = mb_random_stream(1, MB_PURPOSE_TEST, 0, 0);
    for (size_t i = 0; i < p->n * CELLS; i++) {
        p->a[i] = (double)b->charges[i];
        p->b[i] = p->a[i] * (0.7 + 0.6 * mb_random_uniform(&random)) + mb_random_uniform(&random);
    }
}

static void emd_call(void *user) {
    pairs *p = user;
    for (size_t i = 0; i < p->n; i++) {
        double distance = 0;
        if (mb_emd_of_pictures(&p->metric, p->ctx, p->a + i * CELLS, p->b + i * CELLS, 0, NULL,
                &distance) == MB_OK) {
            p->sum += distance;
        }
    }
}

static mb_status make_pairs(bench *b, pairs *p) {
    *p = (pairs){.ctx = b->ctx, .n = 2000};
    MB_TRY(mb_emd_metric_find(&p->metric, b->ctx, "hex48"));
    p->a = mb_allocate(b->ctx, p->n * CELLS, sizeof *p->a);
    p->b = mb_allocate(b->ctx, p->n * CELLS, sizeof *p->b);
    if (p->a == NULL || p->b == NULL) {
        return MB_ERR_MEMORY;
    }
    fill_pairs(b, p);
    return MB_OK;
}

static void clear_pairs(bench *b, pairs *p) {
    mb_release(b->ctx, p->a);
    mb_release(b->ctx, p->b);
}

static mb_status bench_emd(void *user) {
    bench *b = user;
    pairs p;
    const mb_status status = make_pairs(b, &p);
    if (status == MB_OK) {
        const bench_load since = bench_load_now();
        const size_t n = bench_repeat(emd_call, &p, b->budget, 3, MOST, b->seconds);
        bench_print_rate("emd_t1", "pairs/s", (double)p.n, b->seconds, n, bench_load_other(&since));
    }
    clear_pairs(b, &p);
    return status;
}

// What the peers take: images, pairs, our weights, and our codes and distances to compare with.
static mb_status bench_write(void *user) {
    bench *b = user;
    pairs p;
    double distance[2000];
    char *path = mb_path_join(b->ctx, b->folder, "model.h5");
    mb_status status = path == NULL ? MB_ERR_MEMORY : mb_model_save(b->ctx, b->model, path);
    mb_release(b->ctx, path);
    MB_TRY(status);
    float *codes = mb_allocate(b->ctx, (size_t)CALL * CODES, sizeof *codes);
    status = codes == NULL ? MB_ERR_MEMORY : make_pairs(b, &p);
    if (codes == NULL) {
        return status;
    }
    for (size_t i = 0; i < p.n && status == MB_OK; i++) {
        status = mb_emd_of_pictures(
            &p.metric, b->ctx, p.a + i * CELLS, p.b + i * CELLS, 0, NULL, &distance[i]);
    }
    status =
        status == MB_OK ? mb_module_predict(b->ctx, b->encoder, b->images, CALL, codes) : status;
    const struct {
        const char *name;
        mb_dtype dtype;
        void *values;
        size_t n, width;
    } arrays[] = {{"images.npy", MB_F32, b->images, b->dataset.n_rows, PIXELS},
        {"codes.npy", MB_F32, codes, CALL, CODES}, {"pairs_a.npy", MB_F64, p.a, p.n, CELLS},
        {"pairs_b.npy", MB_F64, p.b, p.n, CELLS}, {"distances.npy", MB_F64, distance, p.n, 1}};
    for (size_t i = 0; i < MB_COUNT_OF(arrays) && status == MB_OK; i++) {
        status = bench_write_array(b->ctx, b->folder, arrays[i].name, arrays[i].dtype,
            arrays[i].values, arrays[i].n, arrays[i].width);
    }
    clear_pairs(b, &p);
    mb_release(b->ctx, codes);
    return status;
}

static const bench_command commands[] = {{"train", bench_train, false},
    {"train_quantized", bench_train, false}, {"infer", bench_infer, false},
    {"latency", bench_latency, false}, {"twin", bench_twin, false}, {"emd", bench_emd, false},
    {"write", bench_write, true}};

static mb_status run(void *user) {
    bench *b = user;
    const bench_command *command = NULL;
    mb_dataset_init(&b->dataset, b->ctx);
    MB_TRY(bench_find_command(
        b->ctx, commands, MB_COUNT_OF(commands), b->command, b->folder, &command));
    MB_TRY(open_bench(b));
    return command->run(b);
}

static void close_bench(void *user) {
    bench *b = user;
    mb_release(b->ctx, b->seconds);
    mb_release(b->ctx, b->rows);
    mb_model_destroy(b->encoder);
    mb_model_destroy(b->model);
    mb_dataset_clear(&b->dataset);
    mb_study_destroy(b->study);
}

int main(int argc, char **argv) {
    bench b = {.command = ""};
    const bench_number numbers[] = {{&b.threads, 1, 256}, {&b.epochs, 2, 10000}};
    if (argc != 6 || !bench_read_numbers(argv + 2, numbers, MB_COUNT_OF(numbers), &b.budget)) {
        fprintf(stderr,
            "usage: bench_econt train|train_quantized|infer|latency|twin|emd|write THREADS EPOCHS "
            "SECONDS FOLDER\n       at least 2 epochs; FOLDER holds nElinks_5/\n");
        return 2;
    }
    b.command = argv[1];
    b.folder = argv[5];
    const bench_program program = {"bench_econt", run, close_bench, &b.ctx};
    return bench_run(&program, &b, b.threads);
}
