// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// Our side of the bench of track graphs: random graphs through the fit, the dataset's prediction
// and the plan; points through clustering; files through the reader. One JSON line a figure.

#include "base/numbers.h"
#include "base/output.h"
#include "base/random.h"
#include "detector/detector.h"
#include "detector/tracks/reader.h"
#include "files/npy.h"
#include "files/yaml.h"
#include "measure/dbscan.h"
#include "minbias/predictor.h"
#include "network/layer.h"
#include "program.h"
#include "training/fit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { WIDTH = 6, N_OUT = 2, N_LAYERS = 4, MOST_SECONDS = 1000000, N_WARM = 100 };

typedef struct bench {
    mb_context *ctx;
    const char *command, *path;
    int64_t threads, nodes, edges, graphs, epochs;
    double budget; // seconds of one measurement
    mb_document document;
    mb_train train;
    mb_dataset dataset;
    mb_model *model;
    float *features, *embedding; // of all nodes
    uint32_t *rows;
    double *seconds; // MOST_SECONDS
    mb_status status;
} bench;

static const char train_text[] =
    "{loss: {hinge_embedding: {edges: loss, margin: 1}}, optimizer: {adamax: {learning_rate: "
    "0.001, epsilon: 1e-8, epsilon_inside: true}}, metrics: [distance_accuracy], batch: 4, "
    "validation: 0, epochs: %lld}";

static mb_status parse(bench *b, const char *text, mb_node **node) {
    return mb_yaml_parse_node(b->ctx, &b->document, "bench", text, strlen(text), node);
}

static mb_status add_layer(bench *b, const char *kind, const char *options, size_t *value) {
    const mb_layer_ops *ops = mb_layer_find(kind);
    mb_node *node = NULL;
    mb_layer *layer = NULL;
    MB_TRY(parse(b, options, &node));
    if (ops->expand != NULL) {
        const mb_expansion request = {NULL, &b->document, node, true};
        return ops->expand(b->ctx, b->model, &request, *value, value);
    }
    MB_TRY(mb_model_add_layer(b->ctx, b->model, kind, NULL, &b->document, node, &layer));
    return mb_model_call(b->ctx, b->model, layer, value, 1, value);
}

static mb_status build_model(bench *b) {
    mb_value_type type = {.rank = 1, .dim = {WIDTH}};
    size_t value = 0;
    MB_TRY(mb_model_begin(b->ctx, "tracks", &b->model));
    MB_TRY(mb_model_add_axis(b->ctx, b->model, "nodes", 0, &type.axis));
    MB_TRY(mb_model_add_input(b->ctx, b->model, "features", &type, &value));
    for (size_t i = 0; i < N_LAYERS; i++) {
        MB_TRY(add_layer(b, "batch_normalization",
            "{epsilon: 1e-5, momentum: 0.9, unbiased_variance: true}", &value));
        MB_TRY(add_layer(b, "graph_conv", "{units: 16}", &value));
    }
    MB_TRY(add_layer(b, "dense", "{units: 2}", &value));
    MB_TRY(mb_model_finish(b->ctx, b->model, NULL, 0, &value, 1));
    return mb_model_initialize(b->ctx, b->model, 1, b->model->parameters);
}

static mb_status add_axis(bench *b, const char *name, const char *joins, size_t each) {
    mb_dataset_axis *axis = NULL;
    mb_random random = mb_random_stream(1, MB_PURPOSE_TEST, 0, (uint32_t)each);
    MB_TRY(mb_dataset_add_axis(&b->dataset, b->ctx, name, joins, &axis));
    for (size_t i = 0; i < (size_t)b->graphs; i++) {
        axis->offset[i + 1] = axis->offset[i] + each;
    }
    if (joins == NULL) {
        return MB_OK;
    }
    const size_t n = axis->offset[b->graphs];
    axis->source = mb_allocate(b->ctx, n, sizeof *axis->source);
    axis->destination = mb_allocate(b->ctx, n, sizeof *axis->destination);
    if (axis->source == NULL || axis->destination == NULL) {
        return MB_ERR_MEMORY;
    }
    // By source, as neighbour lists give them.
    for (size_t i = 0; i < n; i++) {
        axis->source[i] = (int32_t)(i % each * (size_t)b->nodes / each);
        axis->destination[i] = (int32_t)mb_random_below(&random, (uint64_t)b->nodes);
    }
    return MB_OK;
}

static mb_status add_column(bench *b, const char *name, mb_column_role role, const char *axis,
    size_t size, float **values) {
    const mb_dataset_axis *found = mb_dataset_find_axis(&b->dataset, axis);
    const size_t shape[] = {found->offset[b->graphs], size};
    mb_column *column = NULL;
    MB_TRY(mb_dataset_add_column(&b->dataset, b->ctx, name, role, &column));
    column->axis = found->name;
    column->dtype = MB_F32;
    column->rank = size > 1 ? 1 : 0;
    column->shape[0] = column->size = size;
    MB_TRY(mb_array_init(&column->dense, b->ctx, MB_F32, size > 1 ? 2 : 1, shape));
    *values = column->dense.data;
    return MB_OK;
}

static mb_status make_graphs(bench *b) {
    mb_random random = mb_random_stream(2, MB_PURPOSE_TEST, 0, 0);
    float *target = NULL;
    MB_TRY(mb_dataset_set_rows(&b->dataset, b->ctx, (size_t)b->graphs));
    MB_TRY(add_axis(b, "nodes", NULL, (size_t)b->nodes));
    MB_TRY(add_axis(b, "edges.pred", "nodes", (size_t)b->edges));
    MB_TRY(add_axis(b, "edges.loss", "nodes", (size_t)b->edges));
    MB_TRY(add_column(b, "features", MB_ROLE_INPUT, "nodes", WIDTH, &b->features));
    MB_TRY(add_column(b, "target", MB_ROLE_TARGET, "edges.loss", 1, &target));
    for (size_t i = 0; i < (size_t)(b->graphs * b->nodes) * WIDTH; i++) {
        b->features[i] = (float)mb_random_normal(&random);
    }
    for (size_t i = 0; i < (size_t)(b->graphs * b->edges); i++) {
        target[i] = (float)mb_random_below(&random, 2);
    }
    return MB_OK;
}

static mb_status open_bench(bench *b) {
    char text[512];
    mb_format(text, sizeof text, train_text, (long long)b->epochs);
    MB_TRY(mb_yaml_parse(b->ctx, "bench", text, strlen(text), &b->document));
    MB_TRY(mb_train_read(b->ctx, &b->document, b->document.root, &b->train));
    MB_TRY(build_model(b));
    MB_TRY(make_graphs(b));
    b->rows = mb_allocate(b->ctx, (size_t)b->graphs, sizeof *b->rows);
    b->embedding = mb_allocate(b->ctx, (size_t)(b->graphs * b->nodes), N_OUT * sizeof(float));
    if (b->rows == NULL || b->embedding == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < (size_t)b->graphs; i++) {
        b->rows[i] = (uint32_t)i;
    }
    return MB_OK;
}

static void print_figure(
    const char *metric, const char *unit, double value, double best, size_t n, double other) {
    const bench_figure figure = {
        .metric = metric, .unit = unit, .value = value, .best = best, .n = n, .other = other};
    bench_print("minbias", &figure);
}

// work in one of n times of b->seconds.
static void print_rate(bench *b, const char *name, double work, size_t n, double other) {
    char metric[64];
    mb_format(
        metric, sizeof metric, "%s_n%lld_t%lld", name, (long long)b->nodes, (long long)b->threads);
    bench_print_rate(metric, "graphs/s", work, b->seconds, n, other);
}

// All epochs but the first, which pays for what comes into the caches.
static mb_status bench_train(void *user) {
    bench *b = user;
    MB_TRY(open_bench(b));
    const mb_fit_request request = {.model = b->model,
        .parameters = b->model->parameters,
        .dataset = &b->dataset,
        .train_rows = b->rows,
        .n_train = (size_t)b->graphs,
        .train = &b->train,
        .seed = 1};
    mb_fit_result result;
    const bench_load since = bench_load_now();
    const mb_status status = mb_fit(b->ctx, &request, &result);
    const double other = bench_load_other(&since);
    for (size_t i = 1; status == MB_OK && i < result.n_epochs; i++) {
        b->seconds[i - 1] = result.history[i * result.n_columns + result.n_columns - 1];
    }
    mb_fit_result_clear(&result);
    if (status == MB_OK) {
        print_rate(b, "train_b4", (double)b->graphs, (size_t)b->epochs - 1, other);
    }
    return status;
}

static void predict(void *user) {
    bench *b = user;
    float *outputs[1] = {b->embedding};
    b->status = mb_predict_dataset(
        b->ctx, b->model, b->model->parameters, &b->dataset, b->rows, (size_t)b->graphs, outputs);
}

// From the dataset's edges as they are stored: sorting them is part of it.
static mb_status bench_infer(void *user) {
    bench *b = user;
    MB_TRY(open_bench(b));
    const bench_load since = bench_load_now();
    const size_t n = bench_repeat(predict, b, b->budget, 3, MOST_SECONDS, b->seconds);
    const double other = bench_load_other(&since);
    if (b->status == MB_OK) {
        print_rate(b, "infer", (double)b->graphs, n, other);
    }
    return b->status;
}

// One graph in, its edges as they are stored, its embedding out, on this thread; another each time.
typedef struct one_event {
    const bench *bench;
    const mb_predictor *predictor;
    void *scratch;
} one_event;

static mb_status run_event(void *user, size_t i) {
    const one_event *e = user;
    const bench *b = e->bench;
    const mb_dataset_axis *axis = mb_dataset_find_axis(&b->dataset, "edges.pred");
    const size_t n_nodes = (size_t)b->nodes, event = i % (size_t)b->graphs;
    const uint64_t first = axis->offset[event];
    const mb_predictor_edges edges = {
        (size_t)b->edges, axis->source + first, axis->destination + first};
    const mb_predictor_input input = {.dense = b->features + event * n_nodes * WIDTH};
    float *outputs[1] = {b->embedding};
    return mb_predictor_run_graph(e->predictor, e->scratch, &input, n_nodes, &edges, outputs);
}

static mb_status measure_events(bench *b, one_event *event) {
    const bench_load since = bench_load_now();
    size_t n = 0;
    char name[64];
    MB_TRY(bench_time_events(run_event, event, b->budget, N_WARM, MOST_SECONDS, b->seconds, &n));
    mb_format(name, sizeof name, "latency_n%lld", (long long)b->nodes);
    bench_print_latencies(name, BENCH_P999 | BENCH_MAX, b->seconds, n, bench_load_other(&since));
    return MB_OK;
}

static mb_status bench_latency(void *user) {
    bench *b = user;
    const mb_predictor_settings settings = {
        .max_nodes = (size_t)b->nodes, .max_edges = (size_t)b->edges};
    mb_predictor *predictor = NULL;
    MB_TRY(open_bench(b));
    MB_TRY(mb_predictor_create(b->ctx, b->model, &settings, &predictor));
    void *scratch = mb_allocate(b->ctx, mb_predictor_scratch_bytes(predictor), 1);
    const mb_status status =
        scratch == NULL ? MB_ERR_MEMORY : measure_events(b, &(one_event){b, predictor, scratch});
    mb_release(b->ctx, scratch);
    mb_predictor_destroy(predictor);
    return status;
}

static double peak_megabytes(void) {
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? (double)usage.ru_maxrss / 1024 : 0;
}

static mb_status cluster(bench *b, const float *points, size_t n, mb_dbscan_counts *counts) {
    const mb_dbscan_settings settings = {.eps = 0.1, .min_samples = 3};
    int64_t *labels = mb_allocate(b->ctx, n, sizeof *labels);
    const mb_values values = mb_values_f32(points, n * N_OUT);
    mb_status status = labels == NULL ? MB_ERR_MEMORY : MB_OK;
    if (status == MB_OK) {
        status = mb_dbscan(b->ctx, "points", values, n, N_OUT, &settings, labels, counts);
    }
    mb_release(b->ctx, labels);
    return status;
}

// One large event through network and clustering. The network is not trained: its embedding is
// spread as the points of the clustering bench are, so that clusters have a size as tracks have.
static mb_status bench_event(void *user) {
    bench *b = user;
    MB_TRY(open_bench(b));
    mb_dbscan_counts counts;
    const bench_load since = bench_load_now();
    const size_t n = bench_repeat(predict, b, b->budget, 3, MOST_SECONDS, b->seconds);
    MB_TRY(b->status);
    char metric[64];
    mb_format(metric, sizeof metric, "event_network_t%lld", (long long)b->threads);
    print_figure(metric, "s", bench_quantile(b->seconds, n, 0.5), b->seconds[0], n,
        bench_load_other(&since));
    print_figure("event_network_memory", "MB", peak_megabytes(), peak_megabytes(), 1, 0);
    mb_random random = mb_random_stream(3, MB_PURPOSE_TEST, 0, 0);
    const double side = 0.5 * sqrt((double)b->nodes / 9);
    for (size_t i = 0; i < (size_t)b->nodes; i++) {
        mb_random centre = mb_random_stream(4, MB_PURPOSE_TEST, 0, (uint32_t)(i / 9));
        for (size_t k = 0; k < N_OUT; k++) {
            const double place = side * mb_random_uniform(&centre);
            b->embedding[i * N_OUT + k] = (float)(place + 0.03 * mb_random_normal(&random));
        }
    }
    const double begin = bench_seconds();
    MB_TRY(cluster(b, b->embedding, (size_t)b->nodes, &counts));
    const double seconds = bench_seconds() - begin;
    print_figure("event_dbscan", "s", seconds, seconds, 1, bench_load_other(&since));
    print_figure("event_memory", "MB", peak_megabytes(), peak_megabytes(), 1, 0);
    return MB_OK;
}

typedef struct clustering {
    bench *bench;
    mb_array points;
    mb_dbscan_counts counts;
} clustering;

static void cluster_points(void *user) {
    clustering *c = user;
    c->bench->status = cluster(c->bench, c->points.data, c->points.shape[0], &c->counts);
}

// Points of a file, float32 (n, 2).
static mb_status bench_cluster(void *user) {
    bench *b = user;
    clustering c = {.bench = b};
    MB_TRY(mb_npy_read(b->ctx, b->path, &c.points));
    if (c.points.dtype != MB_F32 || c.points.rank != 2 || c.points.shape[1] != N_OUT) {
        mb_array_clear(&c.points);
        return mb_fail(b->ctx, MB_ERR_SHAPE, "%s: needs float32 (n, %d)", b->path, N_OUT);
    }
    const bench_load since = bench_load_now();
    const size_t n = bench_repeat(cluster_points, &c, b->budget, 3, MOST_SECONDS, b->seconds);
    const double other = bench_load_other(&since);
    char metric[64];
    mb_format(metric, sizeof metric, "dbscan_%zu", c.points.shape[0]);
    print_figure(
        metric, "ms", 1e3 * bench_quantile(b->seconds, n, 0.5), 1e3 * b->seconds[0], n, other);
    mb_format(metric, sizeof metric, "dbscan_%zu_clusters", c.points.shape[0]);
    print_figure(metric, "", (double)c.counts.n_clusters, (double)c.counts.n_clusters, n, 0);
    mb_format(metric, sizeof metric, "dbscan_%zu_noise", c.points.shape[0]);
    print_figure(metric, "", (double)c.counts.n_noise, (double)c.counts.n_noise, n, 0);
    mb_array_clear(&c.points);
    return b->status;
}

typedef struct reading {
    bench *bench;
    mb_detector_request request;
    mb_tracks_settings settings; // of events
    mb_names names;
    size_t n_hits;
} reading;

// The samples of a pickle with their graphs and labels, as a study reads them.
static void read_pickle(void *user) {
    reading *r = user;
    bench *b = r->bench;
    mb_dataset dataset;
    b->status = mb_detector_find("tracks")->load(b->ctx, &r->request, &dataset, NULL);
    if (b->status == MB_OK) {
        r->n_hits = mb_dataset_axis_rows(&dataset, "nodes");
        mb_dataset_clear(&dataset);
    }
}

// Hits, truth and particles of TrackML events, joined, as the peer does.
static void read_events(reading *r, bool leaves_graphs) {
    bench *b = r->bench;
    mb_tracks_store store;
    mb_tracks_reader reader = {.ctx = b->ctx,
        .settings = &r->settings,
        .store = &store,
        .needs_truth = true,
        .leaves_graphs = leaves_graphs};
    mb_tracks_store_init(&store, b->ctx);
    b->status = mb_tracks_read_each(
        &reader, mb_tracks_read_csv, (const char *const *)r->names.name, r->names.n);
    r->n_hits = b->status == MB_OK ? (size_t)store.node_offset[store.n] : 0;
    mb_tracks_store_clear(&store);
}

static void read_tables(void *user) {
    read_events(user, true);
}

// With the graphs that a study makes of them.
static void read_and_build(void *user) {
    read_events(user, false);
}

static mb_status bench_read(
    bench *b, const char *metric, const char *data, void (*work)(void *user)) {
    static const mb_compat compat = {0};
    mb_node *node = NULL;
    MB_TRY(parse(b, data, &node));
    reading r = {.bench = b,
        .request = {.document = &b->document,
            .data = node,
            .compat = &compat,
            .directory = b->path,
            .seed = 1}};
    MB_TRY(mb_tracks_settings_read(b->ctx, &r.request, &r.settings));
    MB_TRY(mb_names_of_pattern(&r.names, b->ctx, b->path, "event*-hits.csv"));
    const bench_load since = bench_load_now();
    const size_t n = bench_repeat(work, &r, b->budget, 3, MOST_SECONDS, b->seconds);
    const double other = bench_load_other(&since);
    if (b->status == MB_OK) {
        char name[64];
        print_figure(
            metric, "ms", 1e3 * bench_quantile(b->seconds, n, 0.5), 1e3 * b->seconds[0], n, other);
        mb_format(name, sizeof name, "%s_hits", metric);
        print_figure(name, "", (double)r.n_hits, (double)r.n_hits, n, 0);
    }
    mb_names_clear(&r.names);
    return b->status;
}

static mb_status bench_pickle(void *user) {
    bench *b = user;
    return bench_read(b, "read_pickle",
        "{source: tracks, file: tracks.pickle, features: [xyz, emb]}", read_pickle);
}

static mb_status bench_csv(void *user) {
    bench *b = user;
    static const char data[] =
        "{source: tracks, file: event*-hits.csv, features: [xyz], graph: {segments: {phi_slope: "
        "0.0006, z0: 100}}}";
    char name[32];
    mb_format(name, sizeof name, "read_csv_t%lld", (long long)b->threads);
    MB_TRY(bench_read(b, name, data, read_tables));
    mb_format(name, sizeof name, "read_csv_graphs_t%lld", (long long)b->threads);
    return bench_read(b, name, data, read_and_build);
}

static mb_status write_edges(
    const bench *b, const char *axis, const char *source, const char *destination) {
    const mb_dataset_axis *edges = mb_dataset_find_axis(&b->dataset, axis);
    const size_t graphs = (size_t)b->graphs, each = (size_t)b->edges;
    MB_TRY(bench_write_array(b->ctx, b->path, source, MB_I32, edges->source, graphs, each));
    return bench_write_array(
        b->ctx, b->path, destination, MB_I32, edges->destination, graphs, each);
}

// What the peers take: weights in the model's order, graphs, and our embedding to compare with.
static mb_status bench_write(void *user) {
    bench *b = user;
    const size_t graphs = (size_t)b->graphs, nodes = (size_t)b->nodes;
    MB_TRY(open_bench(b));
    const mb_column *target = mb_dataset_target(&b->dataset);
    predict(b);
    MB_TRY(b->status);
    MB_TRY(bench_write_array(
        b->ctx, b->path, "weights.npy", MB_F32, b->model->parameters, 1, b->model->n_parameters));
    MB_TRY(bench_write_array(
        b->ctx, b->path, "features.npy", MB_F32, b->features, graphs, nodes * WIDTH));
    MB_TRY(bench_write_array(
        b->ctx, b->path, "embedding.npy", MB_F32, b->embedding, graphs, nodes * N_OUT));
    MB_TRY(bench_write_array(
        b->ctx, b->path, "target.npy", MB_F32, target->dense.data, graphs, (size_t)b->edges));
    MB_TRY(write_edges(b, "edges.pred", "pred_source.npy", "pred_destination.npy"));
    return write_edges(b, "edges.loss", "loss_source.npy", "loss_destination.npy");
}

static const bench_command commands[] = {{"train", bench_train, false},
    {"infer", bench_infer, false}, {"latency", bench_latency, false}, {"event", bench_event, false},
    {"write", bench_write, true}, {"cluster", bench_cluster, true}, {"pickle", bench_pickle, true},
    {"csv", bench_csv, true}};

static mb_status run(void *user) {
    bench *b = user;
    const bench_command *command = NULL;
    mb_dataset_init(&b->dataset, b->ctx);
    MB_TRY(
        bench_find_command(b->ctx, commands, MB_COUNT_OF(commands), b->command, b->path, &command));
    b->seconds = mb_allocate(b->ctx, MOST_SECONDS, sizeof *b->seconds);
    return b->seconds == NULL ? MB_ERR_MEMORY : command->run(b);
}

static void close_bench(void *user) {
    bench *b = user;
    mb_release(b->ctx, b->seconds);
    mb_release(b->ctx, b->embedding);
    mb_release(b->ctx, b->rows);
    mb_model_destroy(b->model);
    mb_dataset_clear(&b->dataset);
    mb_document_clear(&b->document);
}

int main(int argc, char **argv) {
    bench b = {.command = ""};
    const bench_number numbers[] = {{&b.threads, 1, 256}, {&b.nodes, 1, 10000000},
        {&b.edges, 1, 100000000}, {&b.graphs, 1, 100000}, {&b.epochs, 2, MOST_SECONDS - 1}};
    if (argc < 8 || argc > 9 ||
        !bench_read_numbers(argv + 2, numbers, MB_COUNT_OF(numbers), &b.budget)) {
        fprintf(stderr, "usage: bench_tracks train|infer|latency|event|write|cluster|pickle|csv "
                        "THREADS NODES EDGES GRAPHS EPOCHS SECONDS [PATH]\n");
        return 2;
    }
    b.command = argv[1];
    b.path = argc > 8 ? argv[8] : NULL;
    const bench_program program = {"bench_tracks", run, close_bench, &b.ctx};
    return bench_run(&program, &b, b.threads);
}
