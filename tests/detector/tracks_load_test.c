// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tracks_study.h"

#include "files/npy.h"
#include "files/pickle.h"
#include "files/pickle_write.h"
#include "files/zip.h"

#include <math.h>
#include <stdio.h>

static void read_golden(mb_context *ctx, const char *name, mb_array *out) {
    assert_ok(ctx, mb_npz_read(ctx, mb_test_source("tests/golden/tracks.npz"), name, out));
}

static void assert_offsets(
    mb_context *ctx, const mb_dataset *dataset, const char *axis, const char *golden) {
    mb_array wanted;
    read_golden(ctx, golden, &wanted);
    const mb_dataset_axis *got = mb_dataset_find_axis(dataset, axis);
    assert_non_null(got);
    assert_int_equal(wanted.shape[0], dataset->n_rows + 1);
    for (size_t i = 0; i < wanted.shape[0]; i++) {
        assert_int_equal(got->offset[i], mb_array_get(&wanted, i));
    }
    mb_array_clear(&wanted);
}

static void assert_column(
    mb_context *ctx, const mb_dataset *dataset, const char *column, const char *golden) {
    mb_array wanted;
    read_golden(ctx, golden, &wanted);
    const mb_column *got = mb_dataset_find(dataset, column);
    assert_non_null(got);
    assert_int_equal(mb_array_count(&got->dense), mb_array_count(&wanted));
    assert_int_equal(got->dense.dtype, wanted.dtype);
    mb_test_assert_same_bits(
        got->dense.data, wanted.data, mb_array_count(&wanted), mb_dtype_size(wanted.dtype), column);
    mb_array_clear(&wanted);
}

static void assert_is_golden(mb_context *ctx, const mb_dataset *dataset) {
    static const char *const kinds[] = {"pred", "loss", "true"};
    assert_offsets(ctx, dataset, "nodes", "node_offset");
    assert_column(ctx, dataset, "features", "features");
    assert_column(ctx, dataset, "particle", "particle");
    assert_column(ctx, dataset, "target", "target");
    for (size_t i = 0; i < 3; i++) {
        char axis[32], offset[32], edges[32];
        snprintf(axis, sizeof axis, "edges.%s", kinds[i]);
        snprintf(offset, sizeof offset, "offset_%s", kinds[i]);
        snprintf(edges, sizeof edges, "edges_%s", kinds[i]);
        assert_offsets(ctx, dataset, axis, offset);
        mb_array wanted;
        read_golden(ctx, edges, &wanted);
        const size_t n = wanted.shape[1];
        const mb_dataset_axis *got = mb_dataset_find_axis(dataset, axis);
        mb_test_assert_same_bits(got->source, wanted.data, n, 4, "sources");
        mb_test_assert_same_bits(
            got->destination, (const int32_t *)wanted.data + n, n, 4, "destinations");
        mb_array_clear(&wanted);
    }
}

// Also those where a list is reached on two ways, and where one ends at a frame.
static void test_tracks_load__pickles_of_all_protocols_are_read(void **state) {
    (void)state;
    noting_world world;
    mb_zip *zip;
    noting_world_open(&world, 1);
    assert_ok(world.ctx, mb_zip_open(world.ctx, mb_test_source("tests/golden/tracks.zip"), &zip));
    for (size_t i = 0; i < 6; i++) {
        char name[32];
        char *bytes;
        size_t length;
        mb_dataset dataset;
        snprintf(name, sizeof name, "protocol%zu", i);
        assert_ok(world.ctx, mb_zip_read(zip, mb_zip_find(zip, name), &bytes, &length));
        tracks_write(&world, "tracks.pickle", bytes, length);
        mb_release(world.ctx, bytes);
        assert_ok(world.ctx, tracks_load(&world, "{}", NULL, &dataset, NULL));
        assert_is_golden(world.ctx, &dataset);
        mb_dataset_clear(&dataset);
    }
    mb_zip_close(zip);
    noting_world_close(&world);
}

// A sample of n hits on a line, written with errors that the tests ask for.
typedef struct faults {
    const char *lacks;  // a key that is not written
    int64_t neighbour;  // of hit 1 in pred
    float nan_at_hit_1; // added to x of hit 1
    double particle;    // of hit 1, as a float
    size_t n_emb;       // rows of emb
    bool is_short;      // pred lacks its last row
    bool has_text;      // pred names a neighbour in words
    const char *extra;  // another array
    size_t width;       // its columns
} faults;

enum { N_HITS = 3 };
static const faults no_faults = {"", 2, 0, 5, N_HITS, false, false, "", 0};

static void put_numbers(mb_pickle_writer *w, const char *key, mb_dtype dtype, size_t n,
    size_t width, const void *data) {
    const mb_array array = {.dtype = dtype,
        .rank = width > 0 ? 2 : 1,
        .shape = {n, width},
        .data = (void *)(uintptr_t)data};
    mb_pickle_put_text(w, key);
    mb_pickle_put_array(w, &array);
}

static void put_rows(mb_pickle_writer *w, const char *key, const faults *f, bool is_pred) {
    mb_pickle_put_text(w, key);
    mb_pickle_begin_list(w);
    for (int64_t hit = 0; hit < N_HITS - (is_pred && f->is_short); hit++) {
        mb_pickle_begin_list(w);
        if (hit == 1 && is_pred && f->has_text) {
            mb_pickle_put_text(w, "first");
        } else if (hit == 1) {
            mb_pickle_put_int(w, is_pred ? f->neighbour : 2);
        }
        mb_pickle_end(w);
    }
    mb_pickle_end(w);
}

static void put_sample(mb_pickle_writer *w, const faults *f) {
    float xyz[3 * N_HITS] = {0, 0, 0, 1, 0, 0, 2, 0, 0};
    const float emb[3 * N_HITS + 3] = {0};
    double particle[N_HITS] = {5, 5, 5};
    xyz[3] += f->nan_at_hit_1;
    particle[1] = f->particle;
    mb_pickle_begin_dict(w);
    mb_pickle_put_text(w, "hits");
    mb_pickle_begin_dict(w);
    put_numbers(w, "xyz", MB_F32, N_HITS, 3, xyz);
    put_numbers(w, strcmp(f->lacks, "emb") == 0 ? "other" : "emb", MB_F32, f->n_emb, 3, emb);
    put_numbers(w, strcmp(f->lacks, "particle_id") == 0 ? "other" : "particle_id", MB_F64, N_HITS,
        0, particle);
    if (f->extra[0] != '\0') {
        const float extra[2 * N_HITS] = {0, 0, -0.25F};
        const mb_array array = {.dtype = MB_F32,
            .rank = 2,
            .shape = {N_HITS, f->width},
            .data = (void *)(uintptr_t)extra};
        mb_pickle_put_text(w, f->extra);
        mb_pickle_put_array(w, &array);
    }
    mb_pickle_end(w);
    mb_pickle_put_text(w, "graphs");
    mb_pickle_begin_dict(w);
    put_rows(w, "pred", f, true);
    put_rows(w, strcmp(f->lacks, "loss") == 0 ? "other" : "loss", f, false);
    put_rows(w, "true", f, false);
    mb_pickle_end(w);
    mb_pickle_end(w);
}

static void write_samples(noting_world *world, const faults *const *f, size_t n) {
    mb_buffer buffer;
    mb_pickle_writer w;
    mb_buffer_init(&buffer, world->ctx);
    mb_pickle_start(&w, &buffer);
    mb_pickle_begin_list(&w);
    for (size_t i = 0; i < n; i++) {
        put_sample(&w, f[i]);
    }
    mb_pickle_end(&w);
    assert_ok(world->ctx, mb_pickle_finish(&w));
    tracks_write(world, "tracks.pickle", buffer.data, buffer.length);
    mb_buffer_clear(&buffer);
}

// tracks.pickle of a good sample, one with faults, a good one.
static void write_faulty(noting_world *world, const faults *f) {
    const faults *const samples[] = {&no_faults, f, &no_faults};
    write_samples(world, samples, MB_COUNT_OF(samples));
}

static void test_tracks_load__bad_samples_are_named_or_left_out(void **state) {
    (void)state;
    static const struct {
        faults faults;
        mb_status status;
        const char *says;
    } cases[] = {
        {{"emb", 2, 0, 5, 3, false, false, "", 0}, MB_ERR_FORMAT, "sample 1, hits.emb: is missing"},
        {{"particle_id", 2, 0, 5, 3, false, false, "", 0}, MB_ERR_FORMAT,
            "hits.particle_id: is missing"},
        {{"loss", 2, 0, 5, 3, false, false, "", 0}, MB_ERR_FORMAT,
            "sample 1, graphs.loss: is missing"},
        {{"", 3, 0, 5, 3, false, false, "", 0}, MB_ERR_RANGE,
            "sample 1, graphs.pred, row 1: names hit 3 of 0 .. 2"},
        {{"", -1, 0, 5, 3, false, false, "", 0}, MB_ERR_RANGE, "row 1: names hit -1"},
        {{"", 2, (float)NAN, 5, 3, false, false, "", 0}, MB_ERR_RANGE,
            "sample 1, hits.xyz: hit 1, column 0 is not a number"},
        {{"", 2, (float)INFINITY, 5, 3, false, false, "", 0}, MB_ERR_RANGE, "is infinite"},
        {{"", 2, 0, 5.5, 3, false, false, "", 0}, MB_ERR_RANGE, "hits.particle_id: hit 1 is 5.5"},
        {{"", 2, 0, 5, 4, false, false, "", 0}, MB_ERR_SHAPE,
            "sample 1, hits.emb: expected (3, 3), found (4, 3)"},
        {{"", 2, 0, 5, 3, true, false, "", 0}, MB_ERR_SHAPE,
            "graphs.pred: has 2 rows, there are 3 hits"},
        {{"", 2, 0, 5, 3, false, true, "", 0}, MB_ERR_RANGE,
            "row 1: has a text among the neighbours"},
    };
    noting_world world;
    mb_dataset dataset;
    noting_world_open(&world, 1);
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        write_faulty(&world, &cases[i].faults);
        assert_fails(world.ctx, tracks_load(&world, "{}", NULL, &dataset, NULL), cases[i].status,
            cases[i].says);
        mb_buffer report;
        mb_buffer_init(&report, world.ctx);
        assert_ok(world.ctx, tracks_load(&world, "{on_bad: drop}", NULL, &dataset, &report));
        assert_int_equal(dataset.n_rows, 2);
        assert_int_equal(dataset.event[1], 2);
        assert_int_equal(mb_dataset_axis_rows(&dataset, "edges.loss"), 2);
        assert_non_null(strstr(report.data, cases[i].says));
        noting_world_assert_notice(&world, "1 samples were left out");
        mb_dataset_clear(&dataset);
        mb_buffer_clear(&report);
    }
    noting_world_close(&world);
}

static void test_tracks_load__arrays_of_a_wrong_width_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *array, *says, *data;
        size_t width;
    } cases[] = {
        {"weight", "hits.weight: has no columns", "{}", 0},
        {"weight", "hits.weight: expected (3), found (3, 2)", "{}", 2},
        {"pt", "hits.pt: has no columns", "{}", 0},
        {"eta", "hits.eta: expected (3), found (3, 2)", "{}", 2},
        {"layer", "hits.layer: expected (3), found (3, 2)", "{features: [layer]}", 2},
        {"cells", "hits.cells: has no columns", "{graph: {neighbours: {of: [cells], radius: 1}}}",
            0},
    };
    noting_world world;
    mb_dataset dataset;
    noting_world_open(&world, 1);
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        faults f = no_faults;
        f.extra = cases[i].array;
        f.width = cases[i].width;
        const faults *const samples[] = {&f};
        write_samples(&world, samples, 1);
        assert_fails(world.ctx, tracks_load(&world, cases[i].data, NULL, &dataset, NULL),
            MB_ERR_SHAPE, cases[i].says);
    }
    noting_world_close(&world);
}

static void test_tracks_load__weights_below_zero_are_refused(void **state) {
    (void)state;
    noting_world world;
    mb_dataset dataset;
    noting_world_open(&world, 1);
    faults f = no_faults;
    f.extra = "weight";
    f.width = 1;
    const faults *const samples[] = {&f};
    write_samples(&world, samples, 1);
    assert_fails(world.ctx, tracks_load(&world, "{}", NULL, &dataset, NULL), MB_ERR_RANGE,
        "hits.weight: hit 2 is -0.25");
    noting_world_close(&world);
}

static void test_tracks_load__a_file_without_samples_is_named(void **state) {
    (void)state;
    noting_world world;
    mb_dataset dataset;
    noting_world_open(&world, 1);
    write_samples(&world, NULL, 0);
    assert_fails(world.ctx, tracks_load(&world, "{}", NULL, &dataset, NULL), MB_ERR_FORMAT,
        "tracks.pickle: holds no samples");
    noting_world_close(&world);
}

static void test_tracks_load__edges_that_are_not_judged_are_counted(void **state) {
    (void)state;
    noting_world world;
    mb_dataset dataset;
    faults f = no_faults;
    f.neighbour = 0;
    noting_world_open(&world, 1);
    write_faulty(&world, &f);
    assert_ok(world.ctx, tracks_load(&world, "{}", NULL, &dataset, NULL));
    noting_world_assert_notice(&world, "1 edges of pred are not in loss");
    mb_dataset_clear(&dataset);
    noting_world_close(&world);
}

static void test_tracks_load__a_cut_pickle_fails_at_every_byte(void **state) {
    (void)state;
    noting_world world;
    char *bytes;
    size_t length;
    noting_world_open(&world, 1);
    write_faulty(&world, &no_faults);
    assert_ok(world.ctx,
        mb_read_file(world.ctx, noting_world_path(&world, "tracks.pickle"), &bytes, &length));
    for (size_t n = 0; n < length; n++) {
        mb_pickle pickle;
        // A copy of its own: reading beyond the end is then seen.
        char *cut = mb_allocate(world.ctx, n, 1);
        memcpy(cut, bytes, n);
        assert_fails(world.ctx, mb_pickle_parse_packed(world.ctx, "cut", cut, n, &pickle),
            MB_ERR_FORMAT, "cut: byte");
        mb_release(world.ctx, cut);
    }
    mb_release(world.ctx, bytes);
    noting_world_close(&world);
}

static mb_array list_of(int64_t *numbers, size_t n) {
    return (mb_array){.dtype = MB_I64, .rank = 1, .shape = {n}, .data = numbers};
}

// A graph of three hits and two edges, 0 to 1 (true) and 2 to 1; faults go into what = value.
static void write_graph(
    noting_world *world, const char *name, size_t member, size_t entry, int64_t value) {
    static const char *const names[] = {"X", "Ri_rows", "Ri_cols", "Ro_rows", "Ro_cols", "y"};
    float x[9] = {0.1F, 0, 0.2F, 0.2F, 1, 0.3F, 0.3F, 2, 0.4F};
    int64_t lists[5][2] = {{1, 1}, {0, 1}, {2, 0}, {1, 0}, {1, 0}};
    if (member > 0) {
        lists[member - 1][entry] = value;
    } else if (value != 0) {
        x[entry] = 1e20F * (float)value;
    }
    mb_array arrays[6] = {{.dtype = MB_F32, .rank = 2, .shape = {3, 3}, .data = x}};
    const mb_array *pointers[6] = {&arrays[0]};
    for (size_t i = 0; i < 5; i++) {
        arrays[i + 1] = list_of(lists[i], 2);
        pointers[i + 1] = &arrays[i + 1];
    }
    assert_ok(world->ctx,
        mb_npz_write(world->ctx, noting_world_path(world, name), names, pointers, 6, true));
}

static void test_tracks_load__segment_graphs_are_read(void **state) {
    (void)state;
    noting_world world;
    mb_dataset dataset;
    noting_world_open(&world, 1);
    write_graph(&world, "graph.npz", 0, 0, 0);
    assert_ok(world.ctx, tracks_load(&world, "{file: graph.npz}", NULL, &dataset, NULL));
    const mb_dataset_axis *pred = mb_dataset_find_axis(&dataset, "edges.pred");
    assert_int_equal(pred->offset[1], 2);
    assert_int_equal(pred->source[0], 0);
    assert_int_equal(pred->destination[0], 1);
    assert_int_equal(pred->source[1], 2);
    const float *target = mb_dataset_target(&dataset)->dense.data;
    assert_true(target[0] > 0.5F && target[1] < 0.5F);
    assert_int_equal(mb_dataset_axis_rows(&dataset, "edges.true"), 1);
    const float *xyz = mb_dataset_find(&dataset, "xyz")->dense.data;
    assert_float_equal(xyz[3], 184.77591F, 1e-4);
    assert_float_equal(xyz[5], 300, 1e-4);
    mb_dataset_clear(&dataset);
    static const struct {
        size_t member, entry;
        int64_t value;
        mb_status status;
        const char *says;
    } cases[] = {
        {0, 3, INT64_C(1) << 60, MB_ERR_RANGE,
            "graph.npz: X: hit 1, column 0 is 1.15292e+38, which is no place in a detector; write"},
        {0, 7, 1, MB_ERR_RANGE, "X: hit 2, column 1 is 1e+20, which is no place"},
        {0, 8, -1000, MB_ERR_RANGE, "X: hit 2, column 2 is -1e+23, which is no place"},
        {2, 1, 0, MB_ERR_FORMAT, "Ri_cols: edge 0 is there twice"},
        {3, 0, 3, MB_ERR_RANGE, "Ro_rows: entry 0 is 3, there are 3 hits"},
        {4, 0, -1, MB_ERR_RANGE, "Ro_cols: entry 0 is -1"},
        {5, 1, 2, MB_ERR_RANGE, "y: edge 1 is 2; write 0 or 1"},
    };
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        write_graph(&world, "graph.npz", cases[i].member, cases[i].entry, cases[i].value);
        assert_fails(world.ctx, tracks_load(&world, "{file: graph.npz}", NULL, &dataset, NULL),
            cases[i].status, cases[i].says);
    }
    // An array of a pickle may have the name of one of a segment graph.
    write_graph(&world, "graph.npz", 0, 0, 0);
    write_faulty(&world, &no_faults);
    assert_fails(world.ctx,
        tracks_load(&world, "{file: [graph.npz, tracks.pickle]}", NULL, &dataset, NULL),
        MB_ERR_UNSUPPORTED, "tracks.pickle: is a file of samples, files before hold segment");
    noting_world_close(&world);
}

// Files of one graph each, of which one is bad and others differ in their labels.
static void test_tracks_load__segment_graphs_are_read_by_any_number_of_threads(void **state) {
    (void)state;
    static const char data[] = "{file: '*.npz', on_bad: drop}";
    static const float truth[] = {1, 0, 0, 0, 1, 1, 1, 0};
    static const int64_t events[] = {0, 1, 3, 4};
    static const uint32_t files[] = {0, 1, 3, 4};
    for (unsigned n_threads = 1; n_threads <= 3; n_threads++) {
        noting_world world;
        mb_dataset dataset;
        mb_buffer report;
        noting_world_open(&world, n_threads);
        mb_buffer_init(&report, world.ctx);
        write_graph(&world, "0.npz", 0, 0, 0);
        write_graph(&world, "1.npz", 5, 0, 0);
        write_graph(&world, "2.npz", 3, 0, 3);
        write_graph(&world, "3.npz", 5, 1, 1);
        write_graph(&world, "4.npz", 0, 0, 0);
        assert_ok(world.ctx, tracks_load(&world, data, NULL, &dataset, &report));
        assert_int_equal(dataset.n_rows, 4);
        assert_memory_equal(dataset.event, events, sizeof events);
        assert_memory_equal(dataset.file, files, sizeof files);
        assert_memory_equal(mb_dataset_target(&dataset)->dense.data, truth, sizeof truth);
        const mb_dataset_axis *pred = mb_dataset_find_axis(&dataset, "edges.pred");
        const mb_dataset_axis *of_true = mb_dataset_find_axis(&dataset, "edges.true");
        assert_int_equal(of_true->offset[4], 4);
        for (size_t i = 0; i < 4; i++) {
            assert_int_equal(pred->offset[i], 2 * i);
            assert_int_equal(pred->source[2 * i + 1], 2);
        }
        assert_non_null(strstr(report.data, "2.npz: Ro_rows: entry 0 is 3"));
        mb_buffer_clear(&report);
        mb_dataset_clear(&dataset);
        noting_world_close(&world);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tracks_load__pickles_of_all_protocols_are_read),
        cmocka_unit_test(test_tracks_load__bad_samples_are_named_or_left_out),
        cmocka_unit_test(test_tracks_load__arrays_of_a_wrong_width_are_refused),
        cmocka_unit_test(test_tracks_load__weights_below_zero_are_refused),
        cmocka_unit_test(test_tracks_load__a_file_without_samples_is_named),
        cmocka_unit_test(test_tracks_load__edges_that_are_not_judged_are_counted),
        cmocka_unit_test(test_tracks_load__a_cut_pickle_fails_at_every_byte),
        cmocka_unit_test(test_tracks_load__segment_graphs_are_read),
        cmocka_unit_test(test_tracks_load__segment_graphs_are_read_by_any_number_of_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
