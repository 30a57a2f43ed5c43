// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// A trained network inside another program: two models in one process, two threads, no allocation
// and no lock while events are scored.
//
//   cc embed.c $(pkg-config --cflags --libs minbias) -lpthread -o embed
//   ./embed run1/model.h5 run2/model.h5

#include "minbias/predictor.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { N_MODELS = 2, N_THREADS = 2, N_EVENTS = 200, ALIGNMENT = 64 };

// The library takes all its memory from here, so the program can see that scoring takes none.
static atomic_ulong n_allocations;

static void *count_allocate(void *user, size_t bytes) {
    (void)user;
    atomic_fetch_add(&n_allocations, 1);
    return aligned_alloc(ALIGNMENT, (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
}

static void count_release(void *user, void *memory) {
    (void)user;
    free(memory);
}

typedef struct trigger_network {
    mb_model *model;
    mb_predictor *predictor; // shared by the threads: only read
    size_t n_inputs, n_outputs;
    size_t input_size[8], output_size[8]; // numbers of one event
} trigger_network;

// What one thread needs for one network: all of it made before the first event.
typedef struct thread_memory {
    void *scratch;
    float *input[8], *output[8];
} thread_memory;

typedef struct worker {
    pthread_t thread;
    const trigger_network *networks;
    thread_memory desks[N_MODELS];
    float last[N_MODELS]; // score of the last event
    bool has_failed;
} worker;

static bool open_network(mb_context *ctx, const char *path, trigger_network *out) {
    unsigned rank = 0;
    size_t shape[MB_MAX_RANK];
    if (mb_model_load(ctx, path, &out->model) != MB_OK ||
        mb_predictor_create(ctx, out->model, NULL, &out->predictor) != MB_OK) {
        return false;
    }
    out->n_inputs = mb_model_n_inputs(out->model);
    out->n_outputs = mb_model_n_outputs(out->model);
    if (out->n_inputs > 8 || out->n_outputs > 8) {
        return false;
    }
    for (size_t i = 0; i < out->n_inputs; i++) {
        if (mb_model_input_shape(ctx, out->model, i, &rank, shape) != MB_OK) {
            return false;
        }
        out->input_size[i] = 1;
        for (unsigned k = 0; k < rank; k++) {
            out->input_size[i] *= shape[k];
        }
    }
    for (size_t i = 0; i < out->n_outputs; i++) {
        if (mb_model_output_shape(ctx, out->model, i, &rank, shape) != MB_OK) {
            return false;
        }
        out->output_size[i] = 1;
        for (unsigned k = 0; k < rank; k++) {
            out->output_size[i] *= shape[k];
        }
    }
    return true;
}

static bool open_desk(const trigger_network *network, thread_memory *out) {
    const size_t bytes = mb_predictor_scratch_bytes(network->predictor);
    out->scratch = aligned_alloc(ALIGNMENT, (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
    bool is_good = out->scratch != NULL;
    for (size_t i = 0; i < network->n_inputs; i++) {
        out->input[i] = calloc(network->input_size[i], sizeof(float));
        is_good = is_good && out->input[i] != NULL;
    }
    for (size_t i = 0; i < network->n_outputs; i++) {
        out->output[i] = calloc(network->output_size[i], sizeof(float));
        is_good = is_good && out->output[i] != NULL;
    }
    return is_good;
}

static void close_desk(const trigger_network *network, thread_memory *out) {
    free(out->scratch);
    for (size_t i = 0; i < network->n_inputs; i++) {
        free(out->input[i]);
    }
    for (size_t i = 0; i < network->n_outputs; i++) {
        free(out->output[i]);
    }
}

// An event as a trigger sees it: almost everywhere nothing, here and there a hit.
static void make_event(const trigger_network *network, const thread_memory *desk, size_t event) {
    for (size_t i = 0; i < network->n_inputs; i++) {
        for (size_t k = 0; k < network->input_size[i]; k++) {
            desk->input[i][k] = (k * 7919 + event * 104729) % 97 == 0 ? 1.0F : 0.0F;
        }
    }
}

static void *score_events(void *argument) {
    worker *w = argument;
    for (size_t event = 0; event < N_EVENTS; event++) {
        for (size_t m = 0; m < N_MODELS; m++) {
            const trigger_network *network = &w->networks[m];
            const thread_memory *desk = &w->desks[m];
            mb_predictor_input inputs[8] = {0};
            make_event(network, desk, event);
            for (size_t i = 0; i < network->n_inputs; i++) {
                inputs[i].dense = desk->input[i];
            }
            if (mb_predictor_run(network->predictor, desk->scratch, inputs, 1, desk->output) !=
                MB_OK) {
                w->has_failed = true;
                return NULL;
            }
            w->last[m] = desk->output[0][0];
        }
    }
    return NULL;
}

// Runs all threads; false when one failed or they do not agree.
static bool run(const trigger_network *networks, unsigned long *n_taken) {
    worker workers[N_THREADS] = {0};
    bool is_good = true;
    for (size_t t = 0; t < N_THREADS; t++) {
        workers[t].networks = networks;
        for (size_t m = 0; m < N_MODELS; m++) {
            is_good = open_desk(&networks[m], &workers[t].desks[m]) && is_good;
        }
    }
    const unsigned long before = atomic_load(&n_allocations);
    size_t n_started = 0;
    while (
        is_good && n_started < N_THREADS &&
        pthread_create(&workers[n_started].thread, NULL, score_events, &workers[n_started]) == 0) {
        n_started++;
    }
    for (size_t t = 0; t < n_started; t++) {
        pthread_join(workers[t].thread, NULL);
        is_good = is_good && !workers[t].has_failed;
    }
    *n_taken = atomic_load(&n_allocations) - before;
    for (size_t m = 0; m < N_MODELS; m++) {
        for (size_t t = 0; t < n_started; t++) {
            printf("model %zu, thread %zu: last score %.9g\n", m, t, (double)workers[t].last[m]);
        }
    }
    for (size_t t = 0; t < N_THREADS; t++) {
        for (size_t m = 0; m < N_MODELS; m++) {
            close_desk(&networks[m], &workers[t].desks[m]);
        }
    }
    return is_good && n_started == N_THREADS;
}

int main(int n, char **texts) {
    if (n != 1 + N_MODELS) {
        fputs("usage: embed MODEL MODEL\n", stderr);
        return 2;
    }
    mb_runtime_settings settings = MB_RUNTIME_SETTINGS_INIT;
    settings.allocator = (mb_allocator){count_allocate, count_release, NULL};
    settings.n_threads = 1;
    mb_runtime *runtime = NULL;
    mb_context *ctx = NULL;
    trigger_network networks[N_MODELS] = {0};
    unsigned long n_taken = 0;
    bool is_good = mb_runtime_create(&settings, &runtime) == MB_OK &&
                   mb_context_create(runtime, &ctx) == MB_OK;
    for (size_t m = 0; m < N_MODELS && is_good; m++) {
        is_good = open_network(ctx, texts[1 + m], &networks[m]);
    }
    if (!is_good) {
        fprintf(stderr, "embed: %s\n", ctx != NULL ? mb_context_error_text(ctx) : "no memory");
    } else {
        is_good = run(networks, &n_taken);
        printf("%lu allocations while scoring %d events\n", n_taken, N_THREADS * N_EVENTS);
    }
    for (size_t m = 0; m < N_MODELS; m++) {
        mb_predictor_destroy(networks[m].predictor);
        mb_model_destroy(networks[m].model);
    }
    mb_context_destroy(ctx);
    mb_runtime_destroy(runtime);
    return is_good ? 0 : 1;
}
