// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tracks_study.h"

#include "base/random.h"
#include "detector/tracks/ids.h"

#include <stdio.h>

// Two events of TrackML tables; hit ids are neither sorted nor dense.
static void write_event(noting_world *world, size_t number) {
    static const struct {
        const char *kind, *text;
    } tables[] = {
        {"hits", "hit_id,x,y,z,volume_id,layer_id,module_id\n"
                 "7,32,0,1,8,2,1\n9,72,1,2,8,4,1\r\n3,116,3,3,8,6,2\n20,0,-32,5,8,2,1\n"},
        {"truth", "hit_id,particle_id,tx,ty,tz,tpx,tpy,tpz,weight\n"
                  "3,4503668346847232,0,0,0,0,0,0,0.25\n7,4503668346847232,0,0,0,0,0,0,0.5\n"
                  "9,4503668346847232,0,0,0,0,0,0,0.25\n20,0,0,0,0,0,0,0,0\n"},
        {"particles", "particle_id,vx,vy,vz,px,py,pz,q,nhits\n4503668346847232,0,0,0,3,4,0,1,3\n"},
        {"cells", "hit_id,ch0,ch1,value\n7,1,1,0.5\n7,2,1,0.25\n20,0,0,1\n"},
    };
    for (size_t i = 0; i < MB_COUNT_OF(tables); i++) {
        char name[64];
        snprintf(name, sizeof name, "event%09zu-%s.csv", number, tables[i].kind);
        tracks_write(world, name, tables[i].text, strlen(tables[i].text));
    }
}

static void test_tracks_csv__trackml_tables_are_joined(void **state) {
    (void)state;
    noting_world world;
    mb_dataset dataset;
    noting_world_open(&world, 2);
    write_event(&world, 1000);
    write_event(&world, 1002);
    assert_ok(world.ctx, tracks_load(&world,
                             "{file: 'event*-hits.csv', features: [xyz, cells], graph: {segments: "
                             "{phi_slope: 0.01}}}",
                             NULL, &dataset, NULL));
    assert_int_equal(dataset.n_rows, 2);
    assert_int_equal(dataset.event[1], 1002);
    const float *features = mb_dataset_find(&dataset, "features")->dense.data;
    const float wanted[] = {32, 0, 1, 2, 0.75F, 72, 1, 2, 0, 0};
    mb_test_assert_same_bits(features, wanted, 10, sizeof *features, "features");
    const float *pt = mb_dataset_find(&dataset, "pt")->dense.data;
    const float *weight = mb_dataset_find(&dataset, "weight")->dense.data;
    const int64_t *particle = mb_dataset_find(&dataset, "particle")->dense.data;
    assert_float_equal(pt[1], 5, 0);
    assert_float_equal(pt[3], 0, 0);
    assert_float_equal(weight[0], 0.5, 0);
    assert_true(particle[2] == 4503668346847232 && particle[3] == 0);
    // Layer 0 to 1 and 1 to 2, there and back; the fourth hit is far away in phi.
    const mb_dataset_axis *pred = mb_dataset_find_axis(&dataset, "edges.pred");
    const int32_t source[] = {0, 1, 1, 2}, destination[] = {1, 0, 2, 1};
    assert_int_equal(pred->offset[1], 4);
    assert_memory_equal(pred->source, source, sizeof source);
    assert_memory_equal(pred->destination, destination, sizeof destination);
    // All pairs of the particle are true, and judged.
    assert_int_equal(mb_dataset_find_axis(&dataset, "edges.true")->offset[1], 6);
    assert_int_equal(mb_dataset_find_axis(&dataset, "edges.loss")->offset[1], 6);
    mb_dataset_clear(&dataset);
    assert_fails(world.ctx, tracks_load(&world, "{file: 'event*-hits.csv'}", NULL, &dataset, NULL),
        MB_ERR_UNSUPPORTED, "hold no graphs");
    noting_world_close(&world);
}

// Hit ids are the files', tables beside the hits are no samples, and threads change nothing.
static void test_tracks_csv__events_are_read_by_any_number_of_threads(void **state) {
    (void)state;
    static const char data[] = "{file: '*.csv', features: [xyz, cells], on_bad: drop, graph: "
                               "{segments: {phi_slope: 0.01}}}";
    static const int64_t ids[] = {7, 9, 3, 20};
    static const char bad[] = "hit_id,particle_id,weight\n8,1,0.5\n";
    char reports[2][4096];
    int32_t edges[2][16];
    for (unsigned n_threads = 1; n_threads <= 2; n_threads++) {
        noting_world world;
        mb_dataset dataset;
        mb_buffer report;
        noting_world_open(&world, n_threads);
        mb_buffer_init(&report, world.ctx);
        for (size_t number = 1; number <= 5; number++) {
            write_event(&world, number);
        }
        tracks_write(&world, "detectors.csv", "volume_id\n", 10);
        tracks_write(&world, "event000000002-truth.csv", bad, sizeof bad - 1);
        assert_ok(world.ctx, tracks_load(&world, data, NULL, &dataset, &report));
        assert_int_equal(dataset.n_rows, 4);
        assert_int_equal(dataset.n_files, 5);
        static const int64_t events[] = {1, 3, 4, 5};
        static const uint32_t files[] = {0, 2, 3, 4};
        assert_memory_equal(dataset.event, events, sizeof events);
        assert_memory_equal(dataset.file, files, sizeof files);
        const int64_t *id = mb_dataset_find(&dataset, "hit_id")->dense.data;
        for (size_t i = 0; i < 16; i++) {
            assert_int_equal(id[i], ids[i % 4]);
        }
        const mb_dataset_axis *pred = mb_dataset_find_axis(&dataset, "edges.pred");
        assert_in_range(pred->offset[4], 4, 16);
        for (size_t i = 0; i < pred->offset[4]; i++) {
            edges[n_threads - 1][i] = 4 * pred->source[i] + pred->destination[i];
        }
        assert_memory_equal(edges[n_threads - 1], edges[0], pred->offset[4] * sizeof(int32_t));
        // The folder has another name each time.
        const char *said = strstr(report.data, "-truth.csv:2: hit_id 8 is not among the hits");
        assert_non_null(said);
        snprintf(reports[n_threads - 1], sizeof reports[0], "%s", said);
        mb_buffer_clear(&report);
        mb_dataset_clear(&dataset);
        noting_world_close(&world);
    }
    assert_string_equal(reports[0], reports[1]);
}

static void test_tracks_csv__a_folder_without_hits_is_named(void **state) {
    (void)state;
    noting_world world;
    mb_dataset dataset;
    noting_world_open(&world, 1);
    write_event(&world, 1);
    assert_int_equal(remove(noting_world_path(&world, "event000000001-hits.csv")), 0);
    assert_fails(world.ctx,
        tracks_load(
            &world, "{file: '*.csv', graph: {neighbours: {radius: 1}}}", NULL, &dataset, NULL),
        MB_ERR_IO, "holds tables of events but no hits");
    noting_world_close(&world);
}

static void check_ids(noting_world *world, const int64_t *ids, size_t n) {
    mb_tracks_ids index;
    size_t twice;
    assert_ok(world->ctx, mb_tracks_ids_make(&index, world->ctx, ids, n, &twice));
    assert_true(twice == SIZE_MAX);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(mb_tracks_ids_find(&index, ids[i]), i);
        assert_true(mb_tracks_ids_find(&index, ids[i] + 1) == SIZE_MAX);
    }
    assert_true(mb_tracks_ids_find(&index, INT64_MIN + 1) == SIZE_MAX);
    assert_true(mb_tracks_ids_find(&index, INT64_MAX) == SIZE_MAX);
    mb_tracks_ids_clear(&index, world->ctx);
}

// The hash takes the middle bits of a product: ids found by trial that fall into one place.
static size_t make_colliding(int64_t *ids, size_t n) {
    size_t found = 0;
    for (uint64_t id = 2; found < n; id += 2) {
        const uint64_t x = (id ^ id >> 32) * UINT64_C(0x9E3779B97F4A7C15);
        if (((x ^ x >> 32) & 1023) == 5) {
            ids[found++] = (int64_t)id;
        }
    }
    return found;
}

static void test_tracks_csv__ids_are_found_whatever_they_are(void **state) {
    (void)state;
    enum { N = 512 };
    int64_t ids[N];
    noting_world world;
    noting_world_open(&world, 1);
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 0, 1);
    check_ids(&world, ids, 0);
    for (size_t i = 0; i < N; i++) {
        ids[i] = (int64_t)(2 * (N - i)) - 300; // dense
    }
    check_ids(&world, ids, N);
    ids[3] = INT64_MIN;
    ids[4] = INT64_MAX - 1;
    check_ids(&world, ids, N);
    for (size_t i = 0; i < N; i++) {
        ids[i] = (int64_t)(((uint64_t)mb_random_u32(&random) << 20 | i) << 2); // sparse
    }
    check_ids(&world, ids, N);
    check_ids(&world, ids, make_colliding(ids, N));
    for (size_t kind = 0; kind < 3; kind++) {
        for (size_t i = 0; i < N; i++) {
            ids[i] = kind == 0 ? (int64_t)i : (int64_t)i << 40;
        }
        if (kind == 2) {
            (void)make_colliding(ids, N);
        }
        ids[N - 1] = ids[17];
        mb_tracks_ids index;
        size_t twice;
        assert_ok(world.ctx, mb_tracks_ids_make(&index, world.ctx, ids, N, &twice));
        assert_int_equal(twice, N - 1);
        mb_tracks_ids_clear(&index, world.ctx);
    }
    noting_world_close(&world);
}

// An event, one of whose tables has this text instead.
static void assert_refused(
    noting_world *world, mb_status status, const char *kind, const char *text, const char *says) {
    mb_dataset dataset;
    char name[64];
    write_event(world, 1);
    snprintf(name, sizeof name, "event000000001-%s.csv", kind);
    tracks_write(world, name, text, strlen(text));
    assert_fails(world->ctx,
        tracks_load(world,
            "{file: 'event*-hits.csv', features: [xyz, cells], graph: {neighbours: {radius: 1}}}",
            NULL, &dataset, NULL),
        status, says);
}

static void test_tracks_csv__bad_tables_are_named_by_line(void **state) {
    (void)state;
    static const struct {
        const char *kind, *text, *says;
    } cases[] = {
        {"hits", "hit_id,x,y,z,volume_id\n", "-hits.csv:1: there is no column 'layer_id'"},
        {"hits", "hit_id,x,y,z,volume_id,layer_id\n7,1,1,1,8,2\n7,2,2,2,8,2\n",
            "-hits.csv:3: hit_id 7 is in line 2 already"},
        {"hits", "hit_id,x,y,z,volume_id,layer_id\n7,1,one,1,8,2\n",
            "-hits.csv:2:5: y is no number"},
        {"hits", "hit_id,x,y,z,volume_id,layer_id\n7,1,1,1,8\n",
            "-hits.csv:2: has fewer than the 6"},
        {"hits", "", "the file is empty"},
        {"truth", "hit_id,particle_id,weight\n8,1,0.5\n", "-truth.csv:2: hit_id 8 is not among"},
        {"truth", "hit_id,particle_id,weight\n7,1,0.5\n7,1,0.5\n",
            "-truth.csv:3: hit_id 7 is in a line before"},
        {"particles", "particle_id,vz,px,py,pz\n5,0,0,0,0\n5,0,0,0,0\n",
            "-particles.csv:3: particle_id 5 is in line 2 already"},
        {"cells", "hit_id,value\n99,1\n", "-cells.csv:2: hit_id 99 is not among the hits"},
    };
    noting_world world;
    noting_world_open(&world, 1);
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        assert_refused(&world, MB_ERR_FORMAT, cases[i].kind, cases[i].text, cases[i].says);
    }
    noting_world_close(&world);
}

static void test_tracks_csv__events_with_other_tables_are_refused(void **state) {
    (void)state;
    static const char *const tables[] = {"particles", "truth"};
    static const char graph[] = "{file: 'event*-hits.csv', graph: {neighbours: {radius: 1}}}";
    noting_world world;
    mb_dataset dataset;
    noting_world_open(&world, 1);
    for (size_t i = 0; i < MB_COUNT_OF(tables); i++) {
        char name[64];
        char says[96];
        write_event(&world, 1);
        write_event(&world, 2);
        snprintf(name, sizeof name, "event000000002-%s.csv", tables[i]);
        snprintf(says, sizeof says, "%s", i == 0 ? "lacks such a table" : "there is no such table");
        assert_int_equal(remove(noting_world_path(&world, name)), 0);
        assert_fails(
            world.ctx, tracks_load(&world, graph, NULL, &dataset, NULL), MB_ERR_FORMAT, says);
    }
    noting_world_close(&world);
}

static void test_tracks_csv__numbers_that_nothing_can_be_made_of_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *kind, *text, *says;
    } cases[] = {
        {"cells", "hit_id,value\n7,3e38\n7,3e38\n",
            "-cells.csv:3: value makes the sum of hit 7 too large"},
        {"hits", "hit_id,x,y,z,volume_id,layer_id\n7,1,1,1e39,8,2\n",
            "-hits.csv:2: z is too large"},
        {"truth", "hit_id,particle_id,weight\n7,1,0.5\n9,1,1e39\n", "-truth.csv:3: weight is inf"},
        {"truth", "hit_id,particle_id,weight\n7,1,-0.5\n", "-truth.csv:2: weight is -0.5"},
        {"truth", "hit_id,particle_id,tz\n7,1,-1e39\n", "-truth.csv:2: tz is -inf"},
        {"particles", "particle_id,vz,px,py,pz\n5,0,0,0,0\n6,0,0,1e39,0\n",
            "-particles.csv:3: py is too large"},
    };
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        noting_world world;
        noting_world_open(&world, 1);
        assert_refused(&world, MB_ERR_RANGE, cases[i].kind, cases[i].text, cases[i].says);
        noting_world_close(&world);
    }
}

static void test_tracks_csv__an_event_may_have_no_hits(void **state) {
    (void)state;
    static const struct {
        const char *kind, *text;
    } tables[] = {{"hits", "hit_id,x,y,z,volume_id,layer_id\n"},
        {"truth", "hit_id,particle_id,weight\n"}, {"cells", "hit_id,value\n"}};
    noting_world world;
    mb_dataset dataset;
    noting_world_open(&world, 1);
    write_event(&world, 1);
    for (size_t i = 0; i < MB_COUNT_OF(tables); i++) {
        char name[64];
        snprintf(name, sizeof name, "event000000001-%s.csv", tables[i].kind);
        tracks_write(&world, name, tables[i].text, strlen(tables[i].text));
    }
    assert_ok(world.ctx,
        tracks_load(&world,
            "{file: 'event*-hits.csv', features: [xyz, cells], graph: {neighbours: {radius: 1}}}",
            NULL, &dataset, NULL));
    assert_int_equal(dataset.n_rows, 1);
    assert_int_equal(mb_dataset_axis_rows(&dataset, "nodes"), 0);
    mb_dataset_clear(&dataset);
    noting_world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tracks_csv__trackml_tables_are_joined),
        cmocka_unit_test(test_tracks_csv__events_are_read_by_any_number_of_threads),
        cmocka_unit_test(test_tracks_csv__a_folder_without_hits_is_named),
        cmocka_unit_test(test_tracks_csv__ids_are_found_whatever_they_are),
        cmocka_unit_test(test_tracks_csv__bad_tables_are_named_by_line),
        cmocka_unit_test(test_tracks_csv__events_with_other_tables_are_refused),
        cmocka_unit_test(test_tracks_csv__numbers_that_nothing_can_be_made_of_are_refused),
        cmocka_unit_test(test_tracks_csv__an_event_may_have_no_hits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
