// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "barrel_study.h"

#include "base/buffer.h"
#include "detector/barrel/simulate.h"

#include <math.h>
#include <stdio.h>

// The arrays for pictures, and what inspect tells.

MB_TEST_WORLD_AND_FOLDER(1, MB_CPU_ALL)

static void get_pictures(const char *data, mb_bundle *out) {
    detector_study study;
    barrel_study_open(&study, world.ctx, data, folder);
    assert_ok(world.ctx, detector_named("barrel")->pictures(world.ctx, &study.request, out));
    detector_study_close(&study);
}

// Hits of the published example: x and y are those six-digit numbers that give its r and phi.
static const char example[] =
    "1, 9007611571601408, 8, 2, [], [],[-31.6402, 6.11695,-47.8166], [], [], []\n"
    "2, 9007611571601408, 8, 4, [], [],[-69.8725, 13.0468,-78.4979], [], [], []\n"
    "3, 9007611571601408, 8, 6, [], [],[-113.875, 20.3567,-113.728], [], [], []\n"
    "4, 9007611571601408, 8, 8, [], [],[-169.129, 28.5905,-157.852], [], [], []\n"
    "5, 9007611571601408, 13, 2, [], [],[-256.298, 39.4143,-230], [], [], []\n"
    "6, 9007611571601408, 9, 2, [], [],[ 50, 50, 600], [], [], []\n\n";
static const char example_truth[] =
    "9007611571601408, [-0.004985, 0.004099, 71.3403], [ 2.2517, 2.23929, 2.94498], -1\n\n";

static void assert_ulps(const float *got, const double *wanted, size_t n, double printed) {
    for (size_t i = 0; i < n; i++) {
        const float nearest = (float)wanted[i];
        const double ulp = (double)nextafterf(fabsf(nearest), INFINITY) - fabs((double)nearest);
        // Two ulp beside what the example's printed digits leave open.
        assert_true(fabs((double)got[i] - wanted[i]) <= 2 * ulp + printed);
    }
}

static void test_pictures__the_published_example_is_reproduced(void **state) {
    (void)state;
    barrel_write(folder, "clusters_1.csv", example);
    barrel_write(folder, "particles_1.csv", example_truth);
    mb_bundle pictures;
    get_pictures("particles: 'particles_*'\n", &pictures);
    static const double phi[] = {2.950620, 2.956995, 2.964698, 2.974130, 2.989005};
    static const double r[] = {32.226063, 71.080132, 115.680214, 171.528519, 259.310913};
    static const double z[] = {-47.816601, -78.497902, -113.727997, -157.852005, -230.0};
    assert_ulps(mb_bundle_array(&pictures, "selected/phi")->data, phi, 5, 5e-7);
    assert_ulps(mb_bundle_array(&pictures, "selected/r")->data, r, 5, 5e-7);
    assert_ulps(mb_bundle_array(&pictures, "selected/z")->data, z, 5, 5e-7);
    static const double pt[] = {1.767035}, eta[] = {-0.724688};
    assert_ulps(mb_bundle_array(&pictures, "particles/pt")->data, pt, 1, 5e-7);
    assert_ulps(mb_bundle_array(&pictures, "particles/eta")->data, eta, 1, 5e-7);
    mb_bundle_clear(&pictures);
}

static void assert_shape(
    const mb_bundle *pictures, const char *name, mb_dtype dtype, size_t n, size_t width) {
    const mb_array *array = mb_bundle_array(pictures, name);
    if (array == NULL) {
        fail_msg("no array %s", name);
        return;
    }
    assert_int_equal(array->dtype, dtype);
    assert_int_equal(array->shape[0], n);
    assert_int_equal(array->rank, width > 0 ? 2 : 1);
    assert_true(width == 0 || array->shape[1] == width);
}

static int64_t integer(const mb_bundle *pictures, const char *name, size_t i) {
    return (int64_t)mb_array_get(mb_bundle_array(pictures, name), i);
}

static void test_pictures__arrays_have_the_names_and_sizes_of_the_header(void **state) {
    (void)state;
    barrel_write(folder, "clusters_1.csv", example);
    barrel_write(folder, "particles_1.csv", example_truth);
    mb_bundle pictures;
    get_pictures("particles: 'particles_*'\nlabel: {layers: 5, pt: 1, tracks: 1}\n", &pictures);
    assert_string_equal(mb_bundle_text(&pictures, "has_truth"), "1");
    assert_shape(&pictures, "layers", MB_I32, 10, 2);
    static const char *const of_hits[] = {
        "hits/event", "hits/volid", "hits/layid", "hits/z", "hits/r", "hits/phi"};
    static const char *const of_selected[] = {"selected/event", "selected/layer", "selected/volume",
        "selected/particle", "selected/z", "selected/r", "selected/phi"};
    static const char *const of_events[] = {"counts/event", "counts/hits", "counts/all_hits",
        "counts/particles", "counts/tracks", "counts/passing"};
    for (size_t i = 0; i < MB_COUNT_OF(of_hits); i++) {
        assert_shape(&pictures, of_hits[i], i == 0 ? MB_I64 : i < 3 ? MB_I32 : MB_F32, 6, 0);
    }
    for (size_t i = 0; i < MB_COUNT_OF(of_selected); i++) {
        assert_shape(&pictures, of_selected[i], i == 0 ? MB_I64 : i < 4 ? MB_I32 : MB_F32, 5, 0);
    }
    for (size_t i = 0; i < MB_COUNT_OF(of_events); i++) {
        assert_shape(&pictures, of_events[i], MB_I64, 1, 0);
    }
    assert_shape(&pictures, "counts/layers", MB_I64, 1, 10);
    assert_int_equal(integer(&pictures, "counts/hits", 0), 5);
    assert_int_equal(integer(&pictures, "counts/all_hits", 0), 6);
    assert_int_equal(integer(&pictures, "counts/layers", 4), 1);
    assert_int_equal(integer(&pictures, "counts/layers", 5), 0);
    assert_int_equal(integer(&pictures, "counts/tracks", 0), 1);
    assert_int_equal(integer(&pictures, "counts/passing", 0), 1);
    assert_int_equal(integer(&pictures, "selected/layer", 4), 4);
    assert_int_equal(integer(&pictures, "selected/volume", 4), 1);
    assert_int_equal(integer(&pictures, "selected/particle", 4), 0);
    const mb_array *image = mb_bundle_array(&pictures, "images/volume0");
    static const size_t shape[] = {1, 4, 128, 128};
    assert_int_equal(image->rank, 4);
    assert_memory_equal(image->shape, shape, sizeof shape);
    double sum = 0;
    for (size_t i = 0; i < mb_array_count(image); i++) {
        sum += mb_array_get(image, i);
    }
    assert_true(sum == 4);
    assert_shape(&pictures, "images/event", MB_I64, 1, 0);
    assert_shape(&pictures, "images/volume0_phi_edges", MB_F64, 129, 0);
    assert_shape(&pictures, "images/volume2_z_edges", MB_F64, 22, 0);
    assert_true(mb_array_get(mb_bundle_array(&pictures, "images/volume2_z_edges"), 21) == 1031);
    mb_bundle_clear(&pictures);
}

static void test_pictures__without_particles_truth_is_left_out(void **state) {
    (void)state;
    barrel_write(folder, "clusters_1.csv", example);
    mb_bundle pictures;
    get_pictures("", &pictures);
    assert_string_equal(mb_bundle_text(&pictures, "has_truth"), "0");
    assert_non_null(mb_bundle_array(&pictures, "selected/z"));
    static const char *const absent[] = {"selected/particle", "counts/particles", "counts/tracks",
        "counts/passing", "particles/pt", "particles/eta"};
    for (size_t i = 0; i < MB_COUNT_OF(absent); i++) {
        assert_null(mb_bundle_array(&pictures, absent[i]));
    }
    mb_bundle_clear(&pictures);
}

static void test_pictures__counts_cover_all_events_and_hits_the_first_ten(void **state) {
    (void)state;
    const mb_barrel_simulate_record options = {1, 15, 10, 1, false};
    assert_ok(world.ctx, detector_named("barrel")->simulate(world.ctx, &options, 3, folder));
    mb_bundle pictures;
    get_pictures("particles: 'particles_*'\n", &pictures);
    assert_shape(&pictures, "counts/hits", MB_I64, 15, 0);
    size_t n_ten = 0, n_all = 0;
    for (size_t i = 0; i < 15; i++) {
        n_ten += i < 10 ? (size_t)integer(&pictures, "counts/all_hits", i) : 0;
        n_all += (size_t)integer(&pictures, "counts/particles", i);
        int64_t by_layer = 0;
        for (size_t k = 0; k < 10; k++) {
            by_layer += integer(&pictures, "counts/layers", 10 * i + k);
        }
        assert_int_equal(by_layer, integer(&pictures, "counts/hits", i));
    }
    assert_shape(&pictures, "hits/z", MB_F32, n_ten, 0);
    assert_shape(&pictures, "particles/eta", MB_F32, n_all, 0);
    assert_shape(&pictures, "images/event", MB_I64, 3, 0);
    mb_bundle_clear(&pictures);
}

static void assert_inspected(const char *name, bool is_mine, const char *part) {
    char path[4200];
    mb_buffer text;
    bool found = !is_mine;
    mb_buffer_init(&text, world.ctx);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_ok(world.ctx, detector_named("barrel")->inspect(world.ctx, path, &found, &text));
    assert_int_equal(found, is_mine);
    if (is_mine && strstr(text.data, part) == NULL) {
        fail_msg("no \"%s\" in \"%s\"", part, text.data);
    }
    mb_buffer_clear(&text);
}

static void test_pictures__inspect_knows_its_files(void **state) {
    (void)state;
    barrel_write(folder, "a.csv", example);
    barrel_write(folder, "b.csv", example_truth);
    barrel_write(folder, "c.csv", "x,y\n1,2\n");
    barrel_write(folder, "d.csv", "");
    barrel_write_bytes(folder, "e.csv.gz", example, sizeof example - 1, true);
    assert_inspected("a.csv", true, "1 events, 6 hits, 5 in the barrel");
    assert_inspected("a.csv", true, "volume 1 (volid 13): 1 hits");
    assert_inspected("b.csv", true, "1 events, 1 particles, pt 1.767");
    assert_inspected("c.csv", false, "");
    assert_inspected("d.csv", false, "");
    assert_inspected("e.csv.gz", true, "1 events, 6 hits");
}

static void test_pictures__has_files_looks_for_hits(void **state) {
    (void)state;
    detector_study study;
    bool found = true;
    barrel_study_open(&study, world.ctx, "hits: 'clusters_*.csv'\n", folder);
    assert_ok(world.ctx, detector_named("barrel")->has_files(world.ctx, &study.request, &found));
    assert_false(found);
    barrel_write(folder, "clusters_7.csv", example);
    assert_ok(world.ctx, detector_named("barrel")->has_files(world.ctx, &study.request, &found));
    assert_true(found);
    study.request.directory = "/nonexistent";
    assert_ok(world.ctx, detector_named("barrel")->has_files(world.ctx, &study.request, &found));
    assert_false(found);
    detector_study_close(&study);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_pictures__the_published_example_is_reproduced),
        TEST(test_pictures__arrays_have_the_names_and_sizes_of_the_header),
        TEST(test_pictures__without_particles_truth_is_left_out),
        TEST(test_pictures__counts_cover_all_events_and_hits_the_first_ten),
        TEST(test_pictures__inspect_knows_its_files),
        TEST(test_pictures__has_files_looks_for_hits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
