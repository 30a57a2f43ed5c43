// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// ROC curve, AUC and efficiencies at three rates of the scores and labels of two .npy files: time,
// and the figures themselves for comparison.

#include "base/numbers.h"
#include "files/npy.h"
#include "measure.h"
#include "measure/roc.h"

#include <stdio.h>
#include <stdlib.h>

enum { N_RATES = 3, MOST_REPEATS = 10000 };

static const double input_khz = 28610.0;
static const double target_khz[N_RATES] = {5.0, 3.0, 1.0};

typedef struct bench {
    mb_runtime *runtime;
    mb_context *ctx;
    mb_array scores, labels;
    double auc, efficiency[N_RATES];
    mb_status status;
} bench;

static mb_status make(bench *b) {
    mb_roc roc;
    MB_TRY(mb_roc_make(&roc, b->ctx, mb_values_of(&b->scores), mb_values_of(&b->labels)));
    mb_status status = MB_OK;
    b->auc = roc.auc;
    for (size_t i = 0; status == MB_OK && i < N_RATES; i++) {
        mb_rate_point point;
        status = mb_roc_at_rate(&roc, b->ctx, input_khz, target_khz[i], &point);
        b->efficiency[i] = point.efficiency_interpolated;
    }
    mb_roc_clear(&roc);
    return status;
}

static void work(void *user) {
    bench *b = user;
    b->status = make(b);
}

// All digits: equality with the peer is judged from them.
static void print_exact(const char *metric, double value) {
    printf("{\"who\": \"minbias\", \"metric\": \"%s\", \"value\": %.17g, \"unit\": \"\"}\n", metric,
        value);
}

static mb_status run(
    bench *b, const char *scores, const char *labels, unsigned threads, double budget) {
    static double seconds[MOST_REPEATS];
    char metric[32];
    MB_TRY(mb_npy_read(b->ctx, scores, &b->scores));
    MB_TRY(mb_npy_read(b->ctx, labels, &b->labels));
    const bench_load since = bench_load_now();
    const size_t n = bench_repeat(work, b, budget, 3, MOST_REPEATS, seconds);
    MB_TRY(b->status);
    mb_format(metric, sizeof metric, "roc_t%u", threads);
    const bench_figure figure = {.metric = metric,
        .unit = "s",
        .value = bench_quantile(seconds, n, 0.5),
        .best = seconds[0],
        .n = n,
        .other = bench_load_other(&since)};
    bench_print("minbias", &figure);
    print_exact("auc", b->auc);
    for (size_t i = 0; i < N_RATES; i++) {
        mb_format(metric, sizeof metric, "efficiency_%.0fkHz", target_khz[i]);
        print_exact(metric, b->efficiency[i]);
    }
    return MB_OK;
}

int main(int argc, char **argv) {
    bench b = {.status = MB_OK};
    int64_t threads = 0;
    double budget = 0.0;
    if (argc != 5 || !mb_text_to_int64(argv[3], &threads) || !mb_text_to_double(argv[4], &budget) ||
        threads < 1 || threads > 256) {
        fprintf(stderr, "usage: bench_roc SCORES.npy LABELS.npy THREADS SECONDS\n");
        return 2;
    }
    mb_runtime_settings settings = MB_RUNTIME_SETTINGS_INIT;
    settings.n_threads = (unsigned)threads;
    if (mb_runtime_create(&settings, &b.runtime) != MB_OK ||
        mb_context_create(b.runtime, &b.ctx) != MB_OK) {
        fprintf(stderr, "bench_roc: no memory\n");
        return 1;
    }
    const mb_status status = run(&b, argv[1], argv[2], (unsigned)threads, budget);
    if (status != MB_OK) {
        fprintf(stderr, "bench_roc: %s\n", mb_context_error_text(b.ctx));
    }
    mb_array_clear(&b.labels);
    mb_array_clear(&b.scores);
    mb_context_destroy(b.ctx);
    mb_runtime_destroy(b.runtime);
    return status == MB_OK ? 0 : 1;
}
