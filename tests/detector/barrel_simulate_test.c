// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "barrel_study.h"

#include "base/numbers.h"
#include "base/random.h"
#include "detector/barrel/events.h"
#include "detector/barrel/images.h"
#include "detector/barrel/simulate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void test_simulate__numbers_are_written_as_printf_does(void **state) {
    (void)state;
    static const double special[] = {0, -0.0, 1, -1, 0.1, 100000, 999999, 999999.4, 999999.5, 1e6,
        123456.5, 123457.5, 0.0001, 0.00009999995, 0.000099999949, 1.0000005, 12.34565, 1e-7, 1e20,
        0.999999, 0.9999995, 0.99999949, 9.999995, 99999.95, -600, 1.5e-4};
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 0, 0);
    for (size_t i = 0; i < 300000; i++) {
        double value;
        if (i < MB_COUNT_OF(special)) {
            value = special[i];
        } else {
            const double scale = (double[]){1e-5, 1e-3, 1e-2, 1, 10, 1e3, 1e5, 1e7}[i % 8];
            value = scale * (2 * mb_random_uniform(&random) - 1);
            // Half-way cases and short numbers.
            value = i % 3 == 0 ? floor(value * 2e6) / 2e6 : i % 5 == 0 ? floor(value) / 8 : value;
        }
        char got[32], wanted[32];
        *mb_barrel_write_number(got, value) = '\0';
        mb_format(wanted, sizeof wanted, "%.6g", value);
        assert_string_equal(got, wanted);
    }
}

static void simulate(unsigned n_threads, uint64_t seed, const mb_barrel_simulate_record *options,
    const char *directory) {
    mb_test_world world;
    mb_test_world_open(&world, n_threads, MB_CPU_ALL);
    assert_ok(world.ctx, detector_named("barrel")->simulate(world.ctx, options, seed, directory));
    mb_test_world_close(&world);
}

static char *read_whole(const char *directory, const char *name, size_t *length) {
    char path[4200];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *bytes = malloc(1 << 24);
    *length = fread(bytes, 1, 1 << 24, file);
    fclose(file);
    return bytes;
}

static bool same_file(const char *a, const char *b, const char *name) {
    size_t n_a, n_b;
    char *bytes_a = read_whole(a, name, &n_a), *bytes_b = read_whole(b, name, &n_b);
    const bool is_same = n_a == n_b && n_a > 1000 && memcmp(bytes_a, bytes_b, n_a) == 0;
    free(bytes_a);
    free(bytes_b);
    return is_same;
}

static void test_simulate__bytes_depend_on_the_seed_alone(void **state) {
    (void)state;
    char *one = mb_test_directory(), *three = mb_test_directory(), *other = mb_test_directory();
    const mb_barrel_simulate_record options = {3, 4, 10, 1, false};
    simulate(1, 5, &options, one);
    simulate(3, 5, &options, three);
    simulate(3, 6, &options, other);
    static const char *const names[] = {"clusters_1.csv", "clusters_2.csv", "clusters_3.csv",
        "particles_1.csv", "particles_2.csv", "particles_3.csv"};
    for (size_t i = 0; i < MB_COUNT_OF(names); i++) {
        assert_true(same_file(one, three, names[i]));
        assert_false(same_file(one, other, names[i]));
    }
    mb_test_remove_directory(one);
    mb_test_remove_directory(three);
    mb_test_remove_directory(other);
}

// The figures that toy events are judged by.
typedef struct figures {
    const mb_barrel_particles *particles;
    uint64_t n_events, n_empty, n_all_hits, n_hits, n_track_layers, n_complete, n_passing, n_label;
    uint64_t by_layer[MB_BARREL_N_LAYERS];
    double particles_sum, particles_square, largest_turn;
} figures;

static double turn_between(float a, float b) {
    const double turn = fabs((double)a - (double)b);
    return turn > 3.141592653589793 ? 6.283185307179586 - turn : turn;
}

static mb_status add_event(
    void *user, mb_context *ctx, uint64_t number, const mb_barrel_hit *hits, size_t n) {
    (void)ctx;
    figures *f = user;
    const size_t first = f->particles->first[number];
    const size_t n_particles = f->particles->first[number + 1] - first;
    uint32_t layers[4096] = {0};
    float first_phi[4096];
    assert_true(n_particles < 4096);
    uint64_t n_selected = 0;
    size_t particle = 0;
    for (size_t i = 0; i < n; i++) {
        // Both files are in order of barcodes.
        while (f->particles->barcode[first + particle] != hits[i].barcode) {
            particle++;
            assert_true(particle < n_particles);
        }
        const int volume = mb_barrel_volume_of(hits[i].volid);
        if (volume < 0) {
            continue;
        }
        n_selected++;
        const int layer = mb_barrel_layer_of(volume, hits[i].layid, false);
        assert_true(layer >= 0);
        const float phi = mb_barrel_phi(hits[i].x, hits[i].y);
        first_phi[particle] = layers[particle] == 0 ? phi : first_phi[particle];
        f->largest_turn = fmax(f->largest_turn, turn_between(phi, first_phi[particle]));
        layers[particle] |= UINT32_C(1) << layer;
        f->by_layer[layer]++;
    }
    uint64_t n_passing = 0;
    for (size_t i = 0; i < n_particles; i++) {
        unsigned n_layers = 0;
        for (uint32_t mask = layers[i]; mask != 0; mask &= mask - 1) {
            n_layers++;
        }
        f->n_track_layers += n_layers;
        f->n_complete += n_layers == MB_BARREL_N_LAYERS;
        n_passing += n_layers >= 7 && f->particles->pt[first + i] > 2.0f;
    }
    f->n_events++;
    f->n_empty += n_selected == 0;
    f->n_all_hits += n;
    f->n_hits += n_selected;
    f->n_passing += n_passing;
    f->n_label += n_passing >= 3;
    f->particles_sum += (double)n_particles;
    f->particles_square += (double)n_particles * (double)n_particles;
    return MB_OK;
}

static void assert_near(double value, double wanted, double tolerance, const char *what) {
    print_message("%s: %.4g (%.4g +- %.3g)\n", what, value, wanted, tolerance);
    if (!(fabs(value - wanted) <= tolerance)) {
        fail_msg("%s is %g, wanted %g +- %g", what, value, wanted, tolerance);
    }
}

static void gather(mb_context *ctx, const char *directory, size_t n_files, figures *f,
    uint64_t *n_particles, uint64_t *n_hard) {
    const mb_barrel_event_rules rules = {true, false};
    for (size_t i = 1; i <= n_files; i++) {
        char path[4200];
        mb_barrel_particles particles;
        mb_barrel_ending ending;
        snprintf(path, sizeof path, "%s/particles_%zu.csv", directory, i);
        assert_ok(ctx, mb_barrel_particles_read(ctx, path, &rules, true, &particles));
        snprintf(path, sizeof path, "%s/clusters_%zu.csv", directory, i);
        f->particles = &particles;
        assert_ok(ctx, mb_barrel_hits_read(ctx, path, &rules, add_event, f, &ending));
        assert_int_equal(ending.n_events, particles.n_events);
        *n_particles += particles.n;
        for (size_t k = 0; k < particles.n; k++) {
            *n_hard += particles.pt[k] > 2.0f;
            assert_true(particles.pt[k] > 0.999f && particles.pt[k] < 20.01f);
            assert_true(fabsf(particles.eta[k]) < 3.001f);
        }
        mb_barrel_particles_clear(&particles, ctx);
    }
}

// MB_TEST_EVENTS=10000 takes the figures at the published tolerances.
static void test_simulate__events_look_like_the_real_ones(void **state) {
    (void)state;
    const char *wanted_events = getenv("MB_TEST_EVENTS");
    const size_t n_files = wanted_events != NULL ? (size_t)atol(wanted_events) / 500 : 2;
    const double wide = n_files < 20 ? 2 : 1; // tolerances are for 10,000 events
    char *directory = mb_test_directory();
    simulate(2, 42, &(mb_barrel_simulate_record){n_files, 500, 10, 1, false}, directory);
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    figures f = {0};
    uint64_t n_particles = 0, n_hard = 0;
    gather(world.ctx, directory, n_files, &f, &n_particles, &n_hard);
    const double n = (double)f.n_events, mean = f.particles_sum / n;
    assert_near(mean, 43, 2 * wide, "particles an event");
    assert_near(sqrt(f.particles_square / n - mean * mean), 26, 3 * wide, "their deviation");
    assert_near((double)f.n_empty / n, 0, 0.01, "events without barrel hits");
    assert_near((double)f.n_hits / n, 330, 20 * wide, "barrel hits an event");
    assert_near((double)f.n_hits / (double)n_particles, 7.6, 0.25 * wide, "barrel hits a particle");
    assert_near((double)f.n_hits / (double)f.n_track_layers, 1.24, 0.03 * wide, "hits a layer");
    assert_near((double)n_hard / (double)n_particles, 0.172, 0.005 * wide, "pt above 2 GeV");
    assert_near((double)f.n_complete / n, 13, 1.5 * wide, "tracks on all layers");
    assert_near((double)f.n_passing / n, 3.7, 0.3 * wide, "passing tracks");
    assert_near((double)f.n_label / n, 0.60, 0.04 * wide, "label fraction");
    assert_near(f.largest_turn, 0.305, 0.015, "largest turn");
    assert_near((double)f.n_all_hits / (double)n_particles, 11.5, 1.5, "hits a particle");
    static const double layers[] = {60.1, 46.6, 38.6, 32.2, 38.4, 33.0, 27.4, 22.8, 18.6, 15.9};
    for (int i = 0; i < MB_BARREL_N_LAYERS; i++) {
        const double scaled = layers[i] * mean / 44.2;
        assert_near((double)f.by_layer[i] / n, scaled, 0.08 * scaled, "hits in a layer");
    }
    mb_test_world_close(&world);
    mb_test_remove_directory(directory);
}

static void test_simulate__options_change_what_they_say(void **state) {
    (void)state;
    char *plain = mb_test_directory(), *scattered = mb_test_directory(),
         *busy = mb_test_directory();
    simulate(1, 9, &(mb_barrel_simulate_record){1, 30, 10, 1, false}, plain);
    simulate(1, 9, &(mb_barrel_simulate_record){1, 30, 10, 1, true}, scattered);
    simulate(1, 9, &(mb_barrel_simulate_record){1, 30, 50, 0.5, false}, busy);
    assert_false(same_file(plain, scattered, "clusters_1.csv"));
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    const mb_barrel_event_rules rules = {true, false};
    char path[4200];
    mb_barrel_particles particles;
    snprintf(path, sizeof path, "%s/particles_1.csv", busy);
    assert_ok(world.ctx, mb_barrel_particles_read(world.ctx, path, &rules, false, &particles));
    assert_int_equal(particles.n_events, 30);
    size_t n_soft = 0;
    for (size_t i = 0; i < particles.n; i++) {
        n_soft += particles.pt[i] < 1;
        assert_true(particles.pt[i] > 0.4999f);
    }
    assert_true(n_soft > particles.n / 2);
    assert_near((double)particles.n / 30, 50 * 4.33, 60, "particles at 50 collisions");
    mb_barrel_particles_clear(&particles, world.ctx);
    mb_test_world_close(&world);
    mb_test_remove_directory(plain);
    mb_test_remove_directory(scattered);
    mb_test_remove_directory(busy);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_simulate__numbers_are_written_as_printf_does),
        cmocka_unit_test(test_simulate__bytes_depend_on_the_seed_alone),
        cmocka_unit_test(test_simulate__events_look_like_the_real_ones),
        cmocka_unit_test(test_simulate__options_change_what_they_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
