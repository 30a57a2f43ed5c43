// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tool.h"

#include "files/json.h"
#include "files/npy.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// Pictures of 16 bins and a small network: a run takes a fraction of a second.
static const char study[] =
    "study: small\n"
    "seed: 5\n"
    "params: {bins: 16, events: all, depth: 1}\n"
    "data:\n"
    "  source: barrel\n"
    "  dir: data\n"
    "  hits: clusters_*.csv\n"
    "  particles: particles_*.csv\n"
    "  train_events: $events\n"
    "  volumes:\n"
    "    - {layers: [0, 4], bins: [4, $bins, $bins], z: [-500, 500]}\n"
    "    - {layers: [4, 8], bins: [4, $bins, $bins], z: [-1080, 1080]}\n"
    "model:\n"
    "  data_format: channels_first\n"
    "  layers:\n"
    "    - {input: volume0}\n"
    "    - repeat:\n"
    "        times: $depth\n"
    "        layers:\n"
    "          - {conv2d: {filters: 4, kernel: 3, padding: same, activation: relu}}\n"
    "          - {max_pooling2d: {pool: 4}}\n"
    "    - {flatten: {}, name: flat0}\n"
    "    - {input: volume1}\n"
    "    - {flatten: {}, name: flat1}\n"
    "    - {concatenate: {}, from: [flat0, flat1]}\n"
    "    - {dense: {units: 4, activation: relu}, name: hidden}\n"
    "    - {dense: {units: 1, activation: sigmoid}, name: score}\n"
    "train: {loss: binary_crossentropy, optimizer: adam, metrics: [accuracy], batch: 16,\n"
    "  epochs: 3, validation: 0.3}\n"
    "evaluate: {figures: false, at: [10MHz, 1kHz]}\n"
    "scan: {over: {bins: [8, 16], events: [40, 60, 9999], train.batch: [8, 16]}, repeats: 2}\n";

static void forget(mb_tool_world *world) {
    mb_release(world->base.ctx, world->last.out);
    mb_release(world->base.ctx, world->last.err);
    world->last = (mb_tool_run){0};
}

int mb_tool_open(void **state) {
    const char *tool = getenv("MB_TOOL");
    if (tool == NULL || tool[0] == '\0') {
        print_message("SKIPPED: the command is not built (MB_TOOL)\n");
        *state = NULL;
        return 0;
    }
    mb_tool_world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    mb_test_world_open(&world->base, 1, MB_CPU_ALL);
    world->directory = mb_test_directory();
    const char *path = mb_tool_path(world, "small.yaml");
    assert_ok(world->base.ctx, mb_write_file(world->base.ctx, path, study, strlen(study)));
    mb_tool_expect(world, 0, "simulate barrel -o data --events 60 --files 2 --seed 3");
    *state = world;
    return 0;
}

int mb_tool_close(void **state) {
    mb_tool_world *world = *state;
    if (world != NULL) {
        forget(world);
        mb_test_remove_directory(world->directory);
        mb_test_world_close(&world->base);
        free(world);
    }
    return 0;
}

const char *mb_tool_path(mb_tool_world *world, const char *name) {
    static char path[1024];
    snprintf(path, sizeof path, "%s/%s", world->directory, name);
    return path;
}

char *mb_tool_read(mb_tool_world *world, const char *name) {
    char *text = NULL;
    size_t length = 0;
    assert_ok(
        world->base.ctx, mb_read_file(world->base.ctx, mb_tool_path(world, name), &text, &length));
    return text;
}

void mb_tool_write(mb_tool_world *world, const char *name, const char *text) {
    mb_context *ctx = world->base.ctx;
    assert_ok(ctx, mb_write_file(ctx, mb_tool_path(world, name), text, strlen(text)));
}

void mb_tool_write_array(mb_tool_world *world, const char *name, mb_dtype dtype, unsigned rank,
    const size_t *shape, const void *values) {
    mb_array array = {.data = NULL};
    mb_context *ctx = world->base.ctx;
    assert_ok(ctx, mb_array_init(&array, ctx, dtype, rank, shape));
    memcpy(array.data, values, mb_array_bytes(&array));
    assert_ok(ctx, mb_npy_write(ctx, mb_tool_path(world, name), &array));
    mb_array_clear(&array);
}

void mb_tool_assert_same(mb_tool_world *world, const char *a, const char *b) {
    mb_context *ctx = world->base.ctx;
    char *first = NULL;
    char *second = NULL;
    size_t n_first = 0;
    size_t n_second = 0;
    assert_ok(ctx, mb_read_file(ctx, mb_tool_path(world, a), &first, &n_first));
    assert_ok(ctx, mb_read_file(ctx, mb_tool_path(world, b), &second, &n_second));
    assert_int_equal(n_first, n_second);
    assert_memory_equal(first, second, n_first);
    mb_release(ctx, first);
    mb_release(ctx, second);
}

void mb_tool_assert_shape(mb_context *ctx, mb_h5_file *file, const char *path, mb_dtype dtype,
    const size_t *shape, unsigned rank) {
    mb_h5_info info;
    assert_ok(ctx, mb_h5_get_info(file, path, &info));
    assert_int_equal(info.dtype, dtype);
    assert_int_equal(info.rank, rank);
    assert_memory_equal(info.shape, shape, rank * sizeof *shape);
}

size_t mb_tool_count_lines(mb_tool_world *world, const char *name) {
    char *text = mb_tool_read(world, name);
    size_t n = 0;
    for (const char *p = text; *p != '\0'; p++) {
        n += *p == '\n';
    }
    mb_release(world->base.ctx, text);
    return n;
}

static const mb_tool_run *run(mb_tool_world *world, const char *format, va_list list) {
    char arguments[1024];
    char line[2048];
    vsnprintf(arguments, sizeof arguments, format, list);
    snprintf(line, sizeof line, "cd '%s' && '%s' %s >stdout.txt 2>stderr.txt </dev/null",
        world->directory, getenv("MB_TOOL"), arguments);
    const int status = system(line);
    forget(world);
    world->last.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    world->last.out = mb_tool_read(world, "stdout.txt");
    world->last.err = mb_tool_read(world, "stderr.txt");
    return &world->last;
}

const mb_tool_run *mb_tool(mb_tool_world *world, const char *format, ...) {
    va_list list;
    va_start(list, format);
    const mb_tool_run *result = run(world, format, list);
    va_end(list);
    return result;
}

const mb_tool_run *mb_tool_expect(mb_tool_world *world, int code, const char *format, ...) {
    va_list list;
    va_start(list, format);
    const mb_tool_run *result = run(world, format, list);
    va_end(list);
    if (result->code != code) {
        fail_msg(
            "minbias %s: exit %d, wanted %d; stderr: %s", format, result->code, code, result->err);
    }
    return result;
}

static pid_t start(mb_tool_world *world, const char *format, va_list list) {
    char arguments[1024];
    char line[2048];
    vsnprintf(arguments, sizeof arguments, format, list);
    snprintf(line, sizeof line, "cd '%s' && exec '%s' %s >/dev/null 2>&1 </dev/null",
        world->directory, getenv("MB_TOOL"), arguments);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", line, (char *)NULL);
        _exit(127);
    }
    return child;
}

static int end(pid_t child, int number) {
    int status = 0;
    kill(child, number);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void wait_for(unsigned milliseconds) {
    const struct timespec pause = {milliseconds / 1000, (long)(milliseconds % 1000) * 1000000L};
    nanosleep(&pause, NULL);
}

bool mb_tool_kill(mb_tool_world *world, unsigned milliseconds, const char *format, ...) {
    va_list list;
    va_start(list, format);
    const pid_t child = start(world, format, list);
    va_end(list);
    wait_for(milliseconds);
    return WIFSIGNALED(end(child, SIGKILL));
}

int mb_tool_terminate(mb_tool_world *world, const char *file, const char *format, ...) {
    enum { STEP = 20, MOST_STEPS = 1500 };
    va_list list;
    va_start(list, format);
    const pid_t child = start(world, format, list);
    va_end(list);
    for (int i = 0; i < MOST_STEPS && !mb_path_exists(mb_tool_path(world, file)); i++) {
        wait_for(STEP);
    }
    const int status = end(child, SIGTERM);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

mb_document mb_tool_json(mb_tool_world *world, const char *text) {
    mb_document document = {0};
    assert_ok(
        world->base.ctx, mb_json_parse(world->base.ctx, "answer", text, strlen(text), &document));
    return document;
}

double mb_tool_number(const mb_node *map, const char *key) {
    const mb_node *node = mb_node_find(map, key);
    return node != NULL && (node->kind == MB_NODE_INT || node->kind == MB_NODE_REAL) ? node->real
                                                                                     : (double)NAN;
}
