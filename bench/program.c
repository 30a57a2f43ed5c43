// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "program.h"

#include "base/numbers.h"
#include "base/output.h"
#include "files/npy.h"

#include <stdio.h>

bool bench_read_numbers(char **words, const bench_number *numbers, size_t n, double *budget) {
    for (size_t i = 0; i < n; i++) {
        if (!mb_text_to_int64(words[i], numbers[i].value) || *numbers[i].value < numbers[i].least ||
            *numbers[i].value > numbers[i].most) {
            return false;
        }
    }
    return mb_text_to_double(words[n], budget);
}

mb_status bench_find_command(mb_context *ctx, const bench_command *commands, size_t n,
    const char *name, const char *path, const bench_command **command) {
    for (size_t i = 0; i < n; i++) {
        if (strcmp(name, commands[i].name) == 0) {
            *command = &commands[i];
            return path != NULL || !commands[i].needs_path
                       ? MB_OK
                       : mb_fail(ctx, MB_ERR_ARG, "bench: %s needs a path; name it last", name);
        }
    }
    return mb_fail(ctx, MB_ERR_ARG, "bench: '%s' is no command", name);
}

int bench_run(const bench_program *program, void *bench, int64_t threads) {
    mb_runtime *runtime = NULL;
    mb_runtime_settings settings = MB_RUNTIME_SETTINGS_INIT;
    settings.n_threads = (unsigned)threads;
    if (mb_runtime_create(&settings, &runtime) != MB_OK ||
        mb_context_create(runtime, program->ctx) != MB_OK) {
        fprintf(stderr, "%s: no memory\n", program->name);
        mb_runtime_destroy(runtime);
        return 1;
    }
    const mb_status status = program->run(bench);
    if (status != MB_OK) {
        fprintf(stderr, "%s: %s\n", program->name, mb_context_error_text(*program->ctx));
    }
    program->close(bench);
    mb_context_destroy(*program->ctx);
    mb_runtime_destroy(runtime);
    return status == MB_OK ? 0 : 1;
}

void bench_print_rate(
    const char *metric, const char *unit, double work, double *seconds, size_t n, double other) {
    bench_sort(seconds, n);
    const bench_figure figure = {.metric = metric,
        .unit = unit,
        .value = work / bench_quantile(seconds, n, 0.5),
        .best = work / seconds[0],
        .n = n,
        .other = other};
    bench_print("minbias", &figure);
}

void bench_print_latencies(
    const char *name, unsigned mask, double *seconds, size_t n, double other) {
    static const struct {
        const char *name;
        double quantile;
        unsigned bit;
    } wanted[] = {
        {"p50", 0.5, 0}, {"p99", 0.99, 0}, {"p99.9", 0.999, BENCH_P999}, {"max", 1.0, BENCH_MAX}};
    bench_sort(seconds, n);
    for (size_t i = 0; i < MB_COUNT_OF(wanted); i++) {
        char metric[64];
        mb_format(metric, sizeof metric, "%s_%s", name, wanted[i].name);
        const bench_figure figure = {.metric = metric,
            .unit = "us",
            .value = 1e6 * bench_quantile(seconds, n, wanted[i].quantile),
            .best = 1e6 * seconds[0],
            .n = n,
            .other = other};
        if ((wanted[i].bit & ~mask) == 0) {
            bench_print("minbias", &figure);
        }
    }
}

mb_status bench_time_events(bench_event_call event, void *user, double budget, size_t n_warm,
    size_t most, double *seconds, size_t *n) {
    const double end = bench_seconds() + budget;
    *n = 0;
    for (size_t i = 0; *n < most; i++) {
        const double begin = bench_seconds();
        MB_TRY(event(user, i));
        const double now = bench_seconds();
        if (i >= n_warm) {
            seconds[(*n)++] = now - begin;
        }
        if (*n > 0 && now >= end) {
            break;
        }
    }
    return MB_OK;
}

mb_status bench_write_array(mb_context *ctx, const char *folder, const char *name, mb_dtype dtype,
    const void *values, size_t rows, size_t columns) {
    const size_t shape[2] = {rows, columns};
    char *path = mb_path_join(ctx, folder, name);
    mb_array array = {0};
    mb_status status = path == NULL ? MB_ERR_MEMORY : mb_array_init(&array, ctx, dtype, 2, shape);
    if (status == MB_OK) {
        memcpy(array.data, values, mb_array_bytes(&array));
        status = mb_npy_write(ctx, path, &array);
    }
    mb_array_clear(&array);
    mb_release(ctx, path);
    return status;
}
