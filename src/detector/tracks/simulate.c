// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/tracks/simulate.h"

#include "base/math.h"
#include "base/numbers.h"
#include "base/output.h"
#include "detector/tracks/modules.h"
#include "files/csv.h"
#include "files/pickle_write.h"

#define FIELD(name) offsetof(mb_tracks_simulate_record, name)

static const char *const variants[] = {"default", "easy", "hard", NULL};
static const char *const numpy_names[] = {"core", "_core", NULL};

const mb_option mb_tracks_simulate_options[] = {
    {"events", MB_OPTION_SIZE, FIELD(events), "100", 1, 1e6, NULL, "samples", "samples"},
    {"variant", MB_OPTION_CHOICE, FIELD(variant), "default", 0, 0, variants, NULL,
        "default: false links and self loops; easy: none; hard: as easy, hits half as far apart"},
    {"particles", MB_OPTION_REAL, FIELD(particles), "8.5", 0, 100000, NULL, NULL,
        "mean number of particles in a sample (at least 3 are made)"},
    {"noise", MB_OPTION_REAL, FIELD(noise), "0.04", 0, 10, NULL, NULL,
        "noise hits in units of the particles' hits"},
    {"false_links", MB_OPTION_REAL, FIELD(false_links), "0.08", 0, 1, NULL, NULL,
        "chance of a false link between two hits (variant default)"},
    {"adjacent_only", MB_OPTION_BOOL, FIELD(adjacent_only), "false", 0, 0, NULL, NULL,
        "true links join hits of adjacent layers alone, without self loops"},
    {"pickle", MB_OPTION_BOOL, FIELD(pickle), "true", 0, 0, NULL, NULL, "write tracks.pickle"},
    {"protocol", MB_OPTION_SIZE, FIELD(protocol), "4", 0, 5, NULL, NULL, "of the pickle"},
    {"numpy", MB_OPTION_CHOICE, FIELD(numpy), "core", 0, 0, numpy_names, NULL,
        "module of arrays in the pickle: numpy.core (any NumPy reads it) or numpy._core (NumPy 2)"},
    {"csv", MB_OPTION_BOOL, FIELD(csv), "false", 0, 0, NULL, NULL,
        "write the events as TrackML CSV files, too, and the modules as detectors.csv"},
    MB_OPTIONS_END,
};

// Links are a table of pairs: larger samples are for CSV files and graphs built from these.
enum { MOST_HITS_IN_GRAPH = 20000 };
static const double link_distance = 0.6;

typedef struct simulation {
    mb_context *ctx;
    const mb_tracks_simulate_record *options;
    const char *directory;
    mb_tracks_toy toy;
    uint8_t *link; // (hits, hits): bit of each graph
    size_t link_capacity;
    mb_random random;
} simulation;

static bool is_pred(const simulation *s, size_t i, size_t k) {
    double sum = 0;
    for (size_t c = 0; c < 3; c++) {
        const double d = (double)s->toy.emb[3 * i + c] - (double)s->toy.emb[3 * k + c];
        sum += d * d;
    }
    return sum <= link_distance * link_distance;
}

static bool is_true(const simulation *s, size_t i, size_t k) {
    const mb_tracks_toy *toy = &s->toy;
    if (toy->particle_id[i] == 0 || toy->particle_id[i] != toy->particle_id[k]) {
        return false;
    }
    const int32_t step = toy->layer[i] - toy->layer[k];
    return !s->options->adjacent_only || step == 1 || step == -1;
}

static mb_status make_links(simulation *s) {
    const size_t n = s->toy.n_hits;
    const bool is_default = s->options->variant == MB_TRACKS_DEFAULT;
    if (n > MOST_HITS_IN_GRAPH) {
        return mb_fail(s->ctx, MB_ERR_LIMIT,
            "simulate: a sample has %zu hits, too many for a pickle's graphs (at most %d); take "
            "fewer particles, or pickle: false and csv: true",
            n, MOST_HITS_IN_GRAPH);
    }
    MB_TRY(mb_grow(s->ctx, &s->link, &s->link_capacity, n * n, 1));
    for (size_t i = 0; i < n; i++) {
        for (size_t k = i; k < n; k++) {
            const bool is_self = i == k;
            bool pred = is_self ? is_default : is_pred(s, i, k);
            if (is_default && !is_self && mb_random_uniform(&s->random) < s->options->false_links) {
                pred = true;
            }
            const bool truth = is_self ? is_default && is_true(s, i, i) : is_true(s, i, k);
            const unsigned bits = (unsigned)pred << MB_TRACKS_PRED |
                                  (unsigned)truth << MB_TRACKS_TRUE |
                                  (unsigned)(pred || truth) << MB_TRACKS_LOSS;
            s->link[i * n + k] = s->link[k * n + i] = (uint8_t)bits;
        }
    }
    return MB_OK;
}

static void put_array(mb_pickle_writer *writer, const char *name, mb_dtype dtype, size_t n,
    size_t width, const void *data) {
    const mb_array array = {.dtype = dtype,
        .rank = width > 0 ? 2 : 1,
        .shape = {n, width},
        .data = (void *)(uintptr_t)data};
    mb_pickle_put_text(writer, name);
    mb_pickle_put_array(writer, &array);
}

static void put_graph(simulation *s, mb_pickle_writer *writer, size_t graph) {
    const size_t n = s->toy.n_hits;
    mb_pickle_put_text(writer, mb_tracks_graph_names[graph]);
    mb_pickle_begin_list(writer);
    for (size_t i = 0; i < n; i++) {
        mb_pickle_begin_list(writer);
        for (size_t k = 0; k < n; k++) {
            if (((unsigned)s->link[i * n + k] >> graph & 1U) != 0) {
                mb_pickle_put_int(writer, (int64_t)k);
            }
        }
        mb_pickle_end(writer);
    }
    mb_pickle_end(writer);
}

static mb_status put_sample(simulation *s, mb_pickle_writer *writer) {
    const mb_tracks_toy *toy = &s->toy;
    const size_t n = toy->n_hits;
    MB_TRY(make_links(s));
    mb_pickle_begin_dict(writer);
    mb_pickle_put_text(writer, "hits");
    mb_pickle_begin_dict(writer);
    put_array(writer, "xyz", MB_F32, n, 3, toy->xyz);
    put_array(writer, "emb", MB_F32, n, 3, toy->emb);
    put_array(writer, "particle_id", MB_I64, n, 0, toy->particle_id);
    put_array(writer, "weight", MB_F32, n, 0, toy->weight);
    put_array(writer, "cells", MB_F32, n, 2, toy->cells);
    put_array(writer, "pt", MB_F32, n, 0, toy->pt);
    put_array(writer, "eta", MB_F32, n, 0, toy->eta);
    mb_pickle_end(writer);
    mb_pickle_put_text(writer, "graphs");
    mb_pickle_begin_dict(writer);
    for (size_t graph = 0; graph < MB_TRACKS_N_GRAPHS; graph++) {
        put_graph(s, writer, graph);
    }
    mb_pickle_end(writer);
    mb_pickle_end(writer);
    return writer->buffer->status;
}

static void put_hits(const simulation *s, mb_buffer *out) {
    const mb_tracks_toy *toy = &s->toy;
    mb_buffer_text(out, "hit_id,x,y,z,volume_id,layer_id,module_id\n");
    for (size_t i = 0; i < toy->n_hits; i++) {
        const size_t layer = (size_t)toy->layer[i];
        int64_t volume = 0;
        int64_t id = 0;
        mb_tracks_layer_ids(layer, &volume, &id);
        mb_csv_put_int64(out, true, (int64_t)i + 1);
        for (size_t c = 0; c < 3; c++) {
            mb_csv_put_float(out, false, toy->xyz[3 * i + c]);
        }
        mb_csv_put_int64(out, false, volume);
        mb_csv_put_int64(out, false, id);
        mb_csv_put_int64(out, false, mb_tracks_module_of(layer, &toy->xyz[3 * i]));
        mb_csv_end_row(out);
    }
}

// Counts are whole numbers, so each cell has its share of the hit's charge.
static void put_cells(const simulation *s, mb_buffer *out) {
    const mb_tracks_toy *toy = &s->toy;
    mb_buffer_text(out, "hit_id,ch0,ch1,value\n");
    for (size_t i = 0; i < toy->n_hits; i++) {
        const float n_cells = toy->cells[2 * i];
        for (int64_t cell = 0; cell < (int64_t)n_cells; cell++) {
            mb_csv_put_int64(out, true, (int64_t)i + 1);
            mb_csv_put_int64(out, false, cell);
            mb_csv_put_int64(out, false, 0);
            mb_csv_put_float(out, false, toy->cells[2 * i + 1] / n_cells);
            mb_csv_end_row(out);
        }
    }
}

static void put_particles(const simulation *s, mb_buffer *out) {
    const mb_tracks_toy *toy = &s->toy;
    mb_buffer_text(out, "particle_id,vx,vy,vz,px,py,pz,q,nhits\n");
    for (size_t i = 0; i < toy->n_particles; i++) {
        const mb_tracks_toy_particle *p = &toy->particle[i];
        const double momentum[3] = {
            p->pt * mb_cos(p->phi), p->pt * mb_sin(p->phi), p->pt * mb_sinh(p->eta)};
        mb_csv_put_int64(out, true, p->id);
        mb_csv_put_int64(out, false, 0);
        mb_csv_put_int64(out, false, 0);
        mb_csv_put_float(out, false, (float)p->vz);
        for (size_t c = 0; c < 3; c++) {
            mb_csv_put_float(out, false, (float)momentum[c]);
        }
        mb_csv_put_int64(out, false, p->charge);
        mb_csv_put_int64(out, false, (int64_t)p->n_hits);
        mb_csv_end_row(out);
    }
}

static const mb_tracks_toy_particle *particle_of(const mb_tracks_toy *toy, int64_t id) {
    const uint64_t vertex = (uint64_t)id >> 52;
    const uint64_t primary = (uint64_t)id >> 36 & 0xFFFF;
    return id == 0 ? NULL : &toy->particle[(vertex - 1) * 65535 + primary - 1];
}

static void put_truth(const simulation *s, mb_buffer *out) {
    const mb_tracks_toy *toy = &s->toy;
    mb_buffer_text(out, "hit_id,particle_id,tx,ty,tz,tpx,tpy,tpz,weight\n");
    for (size_t i = 0; i < toy->n_hits; i++) {
        const mb_tracks_toy_particle *p = particle_of(toy, toy->particle_id[i]);
        const double x = (double)toy->xyz[3 * i];
        const double y = (double)toy->xyz[3 * i + 1];
        // The circle turns by twice the angle by which the hit lies beside the start.
        const double phi = p != NULL ? 2 * mb_atan2(y, x) - p->phi : 0;
        mb_csv_put_int64(out, true, (int64_t)i + 1);
        mb_csv_put_int64(out, false, toy->particle_id[i]);
        for (size_t c = 0; c < 3; c++) {
            mb_csv_put_float(out, false, toy->xyz[3 * i + c]);
        }
        mb_csv_put_float(out, false, p != NULL ? (float)(p->pt * mb_cos(phi)) : 0);
        mb_csv_put_float(out, false, p != NULL ? (float)(p->pt * mb_sin(phi)) : 0);
        mb_csv_put_float(out, false, p != NULL ? (float)(p->pt * mb_sinh(p->eta)) : 0);
        mb_csv_put_float(out, false, toy->weight[i]);
        mb_csv_end_row(out);
    }
}

static mb_status write_table(const simulation *s, mb_buffer *table, const char *name) {
    char *path = mb_path_join(s->ctx, s->directory, name);
    if (path == NULL) {
        mb_buffer_clear(table);
        return MB_ERR_MEMORY;
    }
    const mb_status status = mb_write_buffer(table, path);
    mb_release(s->ctx, path);
    return status;
}

static mb_status write_tables(const simulation *s, size_t event) {
    static const struct {
        const char *name;
        void (*put)(const simulation *s, mb_buffer *out);
    } tables[] = {{"hits", put_hits}, {"cells", put_cells}, {"particles", put_particles},
        {"truth", put_truth}};
    for (size_t i = 0; i < MB_COUNT_OF(tables); i++) {
        char name[64];
        mb_buffer out;
        mb_buffer_init(&out, s->ctx);
        (void)mb_format(name, sizeof name, "event%09zu-%s.csv", event, tables[i].name);
        tables[i].put(s, &out);
        MB_TRY(write_table(s, &out, name));
    }
    return MB_OK;
}

static mb_status write_detectors(const simulation *s) {
    mb_buffer out;
    mb_buffer_init(&out, s->ctx);
    mb_tracks_put_detectors(&out);
    return write_table(s, &out, "detectors.csv");
}

static mb_status make_events(simulation *s, uint64_t seed, mb_pickle_writer *writer) {
    if (s->options->csv) {
        MB_TRY(write_detectors(s));
    }
    for (size_t event = 0; event < s->options->events; event++) {
        s->random = mb_random_stream(seed, MB_PURPOSE_SIMULATE, 0, (uint32_t)event);
        MB_TRY(mb_tracks_toy_make(&s->toy, s->options, &s->random));
        if (s->options->pickle) {
            MB_TRY(put_sample(s, writer));
        }
        if (s->options->csv) {
            MB_TRY(write_tables(s, event));
        }
    }
    return MB_OK;
}

static mb_status run(simulation *s, uint64_t seed, mb_buffer *buffer) {
    mb_pickle_writer writer;
    mb_pickle_start_as(&writer, buffer, (unsigned)s->options->protocol, s->options->numpy != 0);
    mb_pickle_begin_list(&writer);
    MB_TRY(make_events(s, seed, &writer));
    mb_pickle_end(&writer);
    if (!s->options->pickle) {
        return MB_OK;
    }
    MB_TRY(mb_pickle_finish(&writer));
    char *path = mb_path_join(s->ctx, s->directory, "tracks.pickle");
    const mb_status status = path == NULL ? MB_ERR_MEMORY : mb_write_buffer(buffer, path);
    mb_release(s->ctx, path);
    return status;
}

mb_status mb_tracks_simulate(
    mb_context *ctx, const void *options, uint64_t seed, const char *directory) {
    simulation s = {.ctx = ctx, .options = options, .directory = directory, .toy = {.ctx = ctx}};
    if (!s.options->pickle && !s.options->csv) {
        return mb_fail(ctx, MB_ERR_ARG,
            "simulate: neither pickle nor csv is to be written; set one of them to true");
    }
    mb_buffer buffer;
    mb_buffer_init(&buffer, ctx);
    mb_status status = mb_make_directory(ctx, directory);
    if (status == MB_OK) {
        status = run(&s, seed, &buffer);
    }
    mb_buffer_clear(&buffer);
    mb_tracks_toy_clear(&s.toy);
    mb_release(ctx, s.link);
    return status;
}
