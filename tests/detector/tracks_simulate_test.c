// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tracks_study.h"

#include "base/random.h"
#include "detector/tracks/build.h"
#include "detector/tracks/simulate.h"
#include "base/numbers.h"
#include "files/csv.h"
#include "detector/tracks/truth.h"
#include "files/npy.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static mb_tracks_simulate_record defaults(size_t events, int variant) {
    return (mb_tracks_simulate_record){.events = events,
        .protocol = 4,
        .variant = variant,
        .particles = 8.5,
        .noise = 0.04,
        .false_links = 0.08,
        .pickle = true};
}

// What the samples are like, over many: hits, particles, judged edges and the true ones of them.
typedef struct figures {
    double hits, noise, particles, edges, true_share, isolated;
} figures;

static figures measure(int variant) {
    noting_world world;
    mb_dataset dataset;
    const mb_tracks_simulate_record record = defaults(1000, variant);
    noting_world_open(&world, 2);
    assert_ok(
        world.ctx, detector_named("tracks")->simulate(world.ctx, &record, 1, world.directory));
    assert_ok(world.ctx, tracks_load(&world, "{}", NULL, &dataset, NULL));
    const size_t n_hits = mb_dataset_axis_rows(&dataset, "nodes");
    const mb_dataset_axis *nodes = mb_dataset_find_axis(&dataset, "nodes");
    const mb_dataset_axis *pred = mb_dataset_find_axis(&dataset, "edges.pred");
    const int64_t *particle = mb_dataset_find(&dataset, "particle")->dense.data;
    const mb_column *target = mb_dataset_target(&dataset);
    figures f = {.hits = (double)n_hits / 1000, .edges = (double)target->dense.shape[0] / 1000};
    bool *is_reached = mb_allocate_zeroed(world.ctx, n_hits, sizeof *is_reached);
    for (size_t i = 0; i < 1000; i++) {
        for (uint64_t e = pred->offset[i]; e < pred->offset[i + 1]; e++) {
            is_reached[nodes->offset[i] + (uint64_t)pred->destination[e]] = true;
        }
        for (uint64_t a = nodes->offset[i]; a < nodes->offset[i + 1]; a++) {
            bool is_first = particle[a] != 0;
            for (uint64_t b = nodes->offset[i]; b < a; b++) {
                is_first = is_first && particle[b] != particle[a];
            }
            f.particles += is_first / 1000.0;
            f.noise += (particle[a] == 0) / 1000.0;
            f.isolated += !is_reached[a] / (double)n_hits;
        }
    }
    for (size_t e = 0; e < target->dense.shape[0]; e++) {
        f.true_share += (double)((const float *)target->dense.data)[e];
    }
    f.true_share /= (double)target->dense.shape[0];
    mb_release(world.ctx, is_reached);
    mb_dataset_clear(&dataset);
    noting_world_close(&world);
    return f;
}

static void assert_near(double got, double wanted, double tolerance, const char *what) {
    if (!(fabs(got - wanted) <= tolerance)) {
        fail_msg("%s: %g, wanted %g +- %g", what, got, wanted, tolerance);
    }
}

// The wanted numbers of docs/tracks.md, which are without noise; noise adds its part.
static void test_tracks_simulate__samples_have_the_wanted_figures(void **state) {
    (void)state;
    const figures usual = measure(MB_TRACKS_DEFAULT);
    assert_near(usual.hits - usual.noise, 76, 5, "hits");
    assert_near(usual.noise, 0.04 * (usual.hits - usual.noise), 0.4, "noise");
    assert_near(usual.particles, 8.5, 0.8, "particles");
    assert_near(usual.edges, 1185, 0.12 * 1185, "edges");
    assert_near(usual.isolated, 0, 0, "isolated");
    const figures easy = measure(MB_TRACKS_EASY);
    assert_near(easy.edges, 635, 0.12 * 635, "edges, easy");
    assert_near(easy.true_share, 0.926, 0.05, "true share, easy");
    const figures hard = measure(MB_TRACKS_HARD);
    assert_near(hard.edges, 795, 0.12 * 795, "edges, hard");
    assert_near(hard.true_share, 0.739, 0.05, "true share, hard");
    assert_near(hard.isolated, 0.035, 0.025, "isolated, hard");
}

static void simulate_and_load(noting_world *world, size_t protocol, int numpy, mb_dataset *out) {
    mb_tracks_simulate_record record = defaults(5, MB_TRACKS_DEFAULT);
    record.protocol = protocol;
    record.numpy = numpy;
    assert_ok(
        world->ctx, detector_named("tracks")->simulate(world->ctx, &record, 3, world->directory));
    assert_ok(world->ctx, tracks_load(world, "{}", NULL, out, NULL));
}

static void test_tracks_simulate__protocols_say_the_same(void **state) {
    (void)state;
    noting_world world;
    mb_dataset wanted;
    noting_world_open(&world, 1);
    simulate_and_load(&world, 4, 0, &wanted);
    for (size_t protocol = 0; protocol <= 5; protocol++) {
        mb_dataset got;
        simulate_and_load(&world, protocol, protocol % 2, &got);
        for (size_t i = 0; i < wanted.n_columns; i++) {
            const mb_column *column = mb_dataset_find(&got, wanted.columns[i].name);
            assert_non_null(column);
            assert_int_equal(
                mb_array_bytes(&column->dense), mb_array_bytes(&wanted.columns[i].dense));
            assert_memory_equal(
                column->dense.data, wanted.columns[i].dense.data, mb_array_bytes(&column->dense));
        }
        for (size_t i = 0; i < wanted.n_axes; i++) {
            assert_memory_equal(got.axes[i].offset, wanted.axes[i].offset, 6 * sizeof(uint64_t));
        }
        mb_dataset_clear(&got);
    }
    mb_dataset_clear(&wanted);
    noting_world_close(&world);
}

static void test_tracks_simulate__tables_hold_the_hits_of_the_pickle(void **state) {
    (void)state;
    noting_world world;
    mb_dataset pickled;
    mb_dataset table;
    mb_tracks_simulate_record record = defaults(2, MB_TRACKS_EASY);
    record.csv = true;
    noting_world_open(&world, 1);
    assert_ok(
        world.ctx, detector_named("tracks")->simulate(world.ctx, &record, 3, world.directory));
    assert_ok(world.ctx, tracks_load(&world, "{features: [xyz]}", NULL, &pickled, NULL));
    assert_ok(world.ctx,
        tracks_load(&world, "{file: 'event*-hits.csv', graph: {neighbours: {radius: 50}}}", NULL,
            &table, NULL));
    static const char *const same[] = {"features", "particle", "weight"};
    for (size_t i = 0; i < MB_COUNT_OF(same); i++) {
        const mb_array *a = &mb_dataset_find(&pickled, same[i])->dense;
        const mb_array *b = &mb_dataset_find(&table, same[i])->dense;
        assert_int_equal(mb_array_bytes(a), mb_array_bytes(b));
        assert_memory_equal(a->data, b->data, mb_array_bytes(a));
    }
    const float *pt = mb_dataset_find(&pickled, "pt")->dense.data;
    const float *of_table = mb_dataset_find(&table, "pt")->dense.data;
    mb_test_assert_close(of_table, pt, mb_dataset_axis_rows(&pickled, "nodes"), 0, 1e-5, "pt");
    mb_dataset_clear(&pickled);
    mb_dataset_clear(&table);
    noting_world_close(&world);
}

static double number_of(const mb_csv *table, size_t row, const char *name) {
    for (size_t i = 0; i < table->n_columns; i++) {
        if (strcmp(mb_csv_column_name(table, i), name) == 0) {
            double value = 0;
            assert_true(mb_text_to_double(mb_csv_field(table, row, i), &value));
            return value;
        }
    }
    fail_msg("no column %s", name);
    return 0;
}

// Whether a hit lies in the module that it names, by detectors.csv alone: local = R^T (global - c).
static bool is_inside(const mb_csv *modules, size_t module, const mb_csv *hits, size_t hit) {
    static const char *const axes[] = {"x", "y", "z"};
    double local[3] = {0};
    for (size_t i = 0; i < 3; i++) {
        char name[8] = "cx";
        name[1] = axes[i][0];
        const double from_centre = number_of(hits, hit, axes[i]) - number_of(modules, module, name);
        for (size_t k = 0; k < 3; k++) {
            snprintf(name, sizeof name, "rot_%s%c", axes[i], "uvw"[k]);
            local[k] += number_of(modules, module, name) * from_centre;
        }
    }
    const double slack = 1e-3;
    return fabs(local[0]) <= number_of(modules, module, "module_maxhu") + slack &&
           fabs(local[1]) <= number_of(modules, module, "module_hv") + slack &&
           fabs(local[2]) <= number_of(modules, module, "module_t") + slack;
}

static void test_tracks_simulate__every_hit_lies_in_its_module(void **state) {
    (void)state;
    static const char *const ids[] = {"volume_id", "layer_id", "module_id"};
    noting_world world;
    mb_csv hits;
    mb_csv modules;
    mb_tracks_simulate_record record = defaults(1, MB_TRACKS_EASY);
    record.csv = true;
    record.particles = 40;
    noting_world_open(&world, 1);
    assert_ok(
        world.ctx, detector_named("tracks")->simulate(world.ctx, &record, 3, world.directory));
    assert_ok(world.ctx,
        mb_csv_read(&hits, world.ctx, noting_world_path(&world, "event000000000-hits.csv"), true));
    assert_ok(world.ctx,
        mb_csv_read(&modules, world.ctx, noting_world_path(&world, "detectors.csv"), true));
    assert_int_equal(modules.n_columns, 21);
    assert_true(hits.n_rows > 200);
    for (size_t i = 0; i < hits.n_rows; i++) {
        size_t n_found = 0;
        for (size_t k = 0; k < modules.n_rows; k++) {
            bool is_it = true;
            for (size_t c = 0; c < MB_COUNT_OF(ids) && is_it; c++) {
                is_it = strcmp(mb_csv_field(&hits, i, 4 + c), mb_csv_field(&modules, k, c)) == 0;
            }
            n_found += is_it;
            assert_true(!is_it || is_inside(&modules, k, &hits, i));
        }
        assert_int_equal(n_found, 1);
        for (size_t c = 0; c < MB_COUNT_OF(ids); c++) {
            assert_string_equal(mb_csv_column_name(&hits, 4 + c), ids[c]);
        }
    }
    mb_csv_clear(&hits);
    mb_csv_clear(&modules);
    noting_world_close(&world);
}

static int layer_of(const float *at) {
    static const double radii[] = {32, 72, 116, 172, 260, 360, 500, 660, 820, 1020};
    const double r = hypot((double)at[0], (double)at[1]);
    int layer = 0;
    while (fabs(r - radii[layer]) > 1) {
        layer++;
    }
    return layer;
}

static bool is_segment(const float *a, const float *b, double slope, double z0) {
    const double dr = hypot((double)b[0], (double)b[1]) - hypot((double)a[0], (double)a[1]);
    double turn = atan2((double)b[1], (double)b[0]) - atan2((double)a[1], (double)a[0]);
    turn = fmin(fabs(turn), fabs(fabs(turn) - 2 * 3.14159265358979323846));
    const double dz = (double)b[2] - (double)a[2];
    return layer_of(b) == layer_of(a) + 1 && turn <= slope * dr &&
           fabs((double)a[2] - hypot((double)a[0], (double)a[1]) * dz / dr) <= z0;
}

// All pairs, by brute force, against the search; cuts from narrow to half a turn.
static void test_tracks_build__segments_are_all_pairs_within_the_cuts(void **state) {
    (void)state;
    static const double slopes[] = {0.0003, 0.003, 0.03, 0.2};
    noting_world world;
    noting_world_open(&world, 1);
    mb_tracks_simulate_record record = defaults(2, MB_TRACKS_EASY);
    record.particles = 40;
    assert_ok(
        world.ctx, detector_named("tracks")->simulate(world.ctx, &record, 6, world.directory));
    for (size_t g = 0; g < 2 * MB_COUNT_OF(slopes); g++) {
        const bool is_both = g % 2 == 0;
        char data[256];
        mb_dataset d;
        snprintf(data, sizeof data,
            "{graph: {segments: {phi_slope: %g, z0: 300, both_directions: %s}}}", slopes[g / 2],
            is_both ? "true" : "false");
        assert_ok(world.ctx, tracks_load(&world, data, NULL, &d, NULL));
        const mb_dataset_axis *pred = mb_dataset_find_axis(&d, "edges.pred");
        const uint64_t *offset = mb_dataset_find_axis(&d, "nodes")->offset;
        const float *xyz = mb_dataset_find(&d, "xyz")->dense.data;
        size_t e = 0;
        for (size_t i = 0; i < 2; i++) {
            const float *hits = xyz + 3 * offset[i];
            const int32_t n = (int32_t)(offset[i + 1] - offset[i]);
            for (int32_t a = 0; a < n; a++) {
                for (int32_t b = 0; b < n; b++) {
                    const float *from = hits + 3 * a;
                    const float *to = hits + 3 * b;
                    if (is_segment(from, to, slopes[g / 2], 300) ||
                        (is_both && is_segment(to, from, slopes[g / 2], 300))) {
                        assert_int_equal(pred->source[e], a);
                        assert_int_equal(pred->destination[e++], b);
                    }
                }
            }
        }
        assert_int_equal(e, pred->offset[2]);
        assert_true(e > 100);
        mb_dataset_clear(&d);
    }
    noting_world_close(&world);
}

// Pairs within a radius, by brute force, against the search; adjacent layers, too.
static void test_tracks_build__neighbours_are_those_within_the_radius(void **state) {
    (void)state;
    static const char *const graphs[] = {
        "{neighbours: {of: [emb], radius: 0.7, self_loops: true}}",
        "{neighbours: {of: [xyz, emb], radius: 90}}",
        "{neighbours: {of: [xyz], radius: 160, adjacent_layers: true}}",
    };
    noting_world world;
    noting_world_open(&world, 1);
    const mb_tracks_simulate_record record = defaults(3, MB_TRACKS_EASY);
    assert_ok(
        world.ctx, detector_named("tracks")->simulate(world.ctx, &record, 5, world.directory));
    for (size_t g = 0; g < MB_COUNT_OF(graphs); g++) {
        char data[256];
        mb_dataset d;
        snprintf(data, sizeof data, "{graph: %s}", graphs[g]);
        assert_ok(world.ctx, tracks_load(&world, data, NULL, &d, NULL));
        const mb_dataset_axis *pred = mb_dataset_find_axis(&d, "edges.pred");
        const float *xyz = mb_dataset_find(&d, "xyz")->dense.data;
        const float *emb = mb_dataset_find(&d, "emb")->dense.data;
        static const double radius[] = {0.7, 90, 160};
        size_t e = 0;
        for (size_t i = 0; i < 3; i++) {
            const uint64_t first = mb_dataset_find_axis(&d, "nodes")->offset[i];
            const uint64_t end = mb_dataset_find_axis(&d, "nodes")->offset[i + 1];
            for (uint64_t a = first; a < end; a++) {
                for (uint64_t b = first; b < end; b++) {
                    double sum = 0;
                    for (size_t c = 0; c < 3; c++) {
                        const double dx = (double)xyz[3 * a + c] - (double)xyz[3 * b + c];
                        const double de = (double)emb[3 * a + c] - (double)emb[3 * b + c];
                        sum += (g > 0 ? dx * dx : 0) + (g < 2 ? de * de : 0);
                    }
                    bool is_wanted = sqrt(sum) <= radius[g] && (a != b || g == 0);
                    if (g == 2 && is_wanted) {
                        is_wanted = abs(layer_of(xyz + 3 * a) - layer_of(xyz + 3 * b)) == 1;
                    }
                    if (is_wanted) {
                        assert_int_equal(pred->source[e], a - first);
                        assert_int_equal(pred->destination[e++], b - first);
                    }
                }
            }
        }
        assert_int_equal(e, pred->offset[3]);
        assert_true(e > 100);
        mb_dataset_clear(&d);
    }
    noting_world_close(&world);
}

static void test_tracks_truth__weights_follow_the_rule(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, 0);
    // Noise, a short particle, one of 5 hits at 0.5 GeV, one of 4 at 3 GeV.
    const int64_t particle[] = {0, 8, 8, 8, 5, 5, 5, 5, 5, 6, 6, 6, 6};
    const float pt[] = {0, 9, 9, 9, 0.5F, 0.5F, 0.5F, 0.5F, 0.5F, 3, 3, 3, 3};
    const float way[] = {0, 1, 2, 3, 50, 40, 30, 20, 10, 1, 2, 3, 4};
    float weight[13];
    assert_ok(world.ctx, mb_tracks_weights(world.ctx, 13, particle, pt, way, weight));
    // 10 8 6 5 3 3 3 5 6 at 5 and at 4 places: 10 6 3 3 6, 10 17/3 3 6 less steep.
    const double five[] = {10, 6, 3, 3, 6};
    const double four[] = {10, 5 + (6.0 - 5) / 3, 3, 6};
    const double sum_four = four[0] + four[1] + four[2] + four[3];
    for (size_t i = 0; i < 4; i++) {
        assert_float_equal(weight[i], 0, 0);
        assert_float_equal(weight[9 + i], (float)(four[i] / sum_four / 1.2), 1e-6);
    }
    for (size_t i = 0; i < 5; i++) {
        assert_float_equal(weight[8 - i], (float)(0.2 * five[i] / 28 / 1.2), 1e-6);
    }
    assert_ok(world.ctx, mb_tracks_weights(world.ctx, 13, particle, NULL, NULL, weight));
    assert_float_equal(weight[4], 1.0F / 9, 1e-6);
    assert_float_equal(weight[1], 0, 0);
    mb_test_world_close(&world);
}

// Hits of one distance share the mean of their ranks; one particle may have all hits.
static void test_tracks_truth__ties_share_their_mean_rank(void **state) {
    (void)state;
    enum { N = 500, N_PLACES = 20 };
    static const double table[] = {10, 8, 6, 5, 3, 3, 3, 5, 6};
    int64_t particle[N];
    float pt[N];
    float way[N];
    float weight[N];
    double wanted[N];
    double sum = 0;
    mb_test_world world;
    mb_test_world_open(&world, 1, 0);
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 0, 1);
    for (size_t i = 0; i < N; i++) {
        particle[i] = -5;
        pt[i] = 4;
        way[i] = (float)(mb_random_u32(&random) % 60);
    }
    for (size_t i = 0; i < N; i++) {
        size_t n_below = 0;
        size_t n_same = 0;
        for (size_t k = 0; k < N; k++) {
            n_below += way[k] < way[i];
            n_same += !(way[k] < way[i]) && !(way[k] > way[i]);
        }
        const size_t rank = n_below + (n_same - 1) / 2;
        const double at = (double)(rank < N_PLACES - 1 ? rank : N_PLACES - 1) * 8 / (N_PLACES - 1);
        const size_t low = at < 7 ? (size_t)at : 7;
        wanted[i] = table[low] + (at - (double)low) * (table[low + 1] - table[low]);
        sum += wanted[i];
    }
    assert_ok(world.ctx, mb_tracks_weights(world.ctx, N, particle, pt, way, weight));
    for (size_t i = 0; i < N; i++) {
        assert_float_equal(weight[i], (float)(wanted[i] / sum), 1e-8);
    }
    mb_test_world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tracks_simulate__samples_have_the_wanted_figures),
        cmocka_unit_test(test_tracks_simulate__protocols_say_the_same),
        cmocka_unit_test(test_tracks_simulate__every_hit_lies_in_its_module),
        cmocka_unit_test(test_tracks_simulate__tables_hold_the_hits_of_the_pickle),
        cmocka_unit_test(test_tracks_build__segments_are_all_pairs_within_the_cuts),
        cmocka_unit_test(test_tracks_build__neighbours_are_those_within_the_radius),
        cmocka_unit_test(test_tracks_truth__weights_follow_the_rule),
        cmocka_unit_test(test_tracks_truth__ties_share_their_mean_rank),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
