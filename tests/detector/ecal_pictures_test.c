// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "ecal_study.h"

#include "base/bundle.h"
#include "detector/ecal/simulate.h"

#include <math.h>
#include <stdio.h>

// What ecal.h promises of the arrays, on toy images and on images made by hand.

static mb_status make_pictures(
    noting_world *world, const char *data, const char *const *compat, mb_bundle *out) {
    detector_study study;
    detector_study_open(&study, world->ctx, world->directory, data, compat);
    const mb_status status = detector_named("ecal")->pictures(world->ctx, &study.request, out);
    detector_study_close(&study);
    return status;
}

static const mb_array *find(const mb_bundle *bundle, int class_index, const char *what) {
    char name[64];
    snprintf(name, sizeof name, "class/%d/%s", class_index, what);
    const mb_array *array = mb_bundle_array(bundle, name);
    if (array == NULL) {
        fail_msg("no array %s", name);
    }
    return array;
}

static void assert_shape(
    const mb_array *array, mb_dtype dtype, unsigned rank, size_t a, size_t b, size_t c) {
    const size_t shape[] = {a, b, c};
    assert_int_equal(array->dtype, dtype);
    assert_int_equal(array->rank, rank);
    assert_memory_equal(array->shape, shape, mb_min_size(rank, 3) * sizeof *shape);
}

static void test_ecal_pictures__every_promised_array_is_there(void **state) {
    (void)state;
    noting_world world;
    mb_bundle bundle;
    noting_world_open(&world, 2);
    const mb_ecal_simulate_record record = {.events = 60};
    assert_ok(world.ctx, mb_ecal_simulate(world.ctx, &record, 3, world.directory));
    assert_ok(world.ctx,
        make_pictures(&world, "{rows: {train: [0, 40], test: [50, 60]}}", NULL, &bundle));
    assert_float_equal(mb_array_get(mb_bundle_array(&bundle, "own_scale"), 0), 0, 0);
    assert_shape(mb_bundle_array(&bundle, "frame_edges"), MB_F64, 1, 22, 0, 0);
    assert_shape(mb_bundle_array(&bundle, "time_edges"), MB_F64, 1, 251, 0, 0);
    assert_shape(mb_bundle_array(&bundle, "crops"), MB_I64, 1, 5, 0, 0);
    assert_float_equal(mb_array_get(mb_bundle_array(&bundle, "crop_areas"), 0), 144.0 / 1024, 0);
    assert_string_equal(mb_bundle_text(&bundle, "class/0/name"), "Photon");
    assert_string_equal(mb_bundle_text(&bundle, "class/1/name"), "Electron");
    for (int c = 0; c < 2; c++) {
        assert_float_equal(mb_array_get(find(&bundle, c, "n_events"), 0), 50, 0);
        assert_shape(find(&bundle, c, "event"), MB_I64, 1, 4, 0, 0);
        assert_shape(find(&bundle, c, "energy"), MB_F32, 3, 4, 32, 32);
        assert_shape(find(&bundle, c, "time"), MB_F32, 3, 4, 32, 32);
        assert_shape(find(&bundle, c, "frames"), MB_F32, 3, 21, 32, 32);
        assert_shape(find(&bundle, c, "vectorised"), MB_F32, 4, 21, 32, 32);
        assert_shape(find(&bundle, c, "time_counts"), MB_F64, 1, 250, 0, 0);
        assert_shape(find(&bundle, c, "time_energy"), MB_F64, 1, 250, 0, 0);
        assert_shape(find(&bundle, c, "time_totals"), MB_F64, 1, 2, 0, 0);
        assert_shape(find(&bundle, c, "crop_hits"), MB_F32, 2, 5, 50, 0);
        assert_shape(find(&bundle, c, "crop_energy"), MB_F32, 2, 5, 50, 0);
        assert_shape(find(&bundle, c, "n_hits"), MB_I64, 1, 50, 0, 0);
        const mb_array *hits = find(&bundle, c, "hits");
        assert_int_equal(hits->shape[1], 4);
        for (size_t i = 1; i < hits->shape[0]; i++) {
            assert_true(mb_array_get(hits, 4 * i + 1) >= mb_array_get(hits, 4 * i - 3));
        }
        assert_int_equal(find(&bundle, c, "sequence")->shape[0],
            (size_t)mb_array_get(find(&bundle, c, "n_hits"), 0));
        double n = 0;
        for (size_t i = 0; i < 250; i++) {
            n += mb_array_get(find(&bundle, c, "time_counts"), i);
        }
        const double n_all = mb_array_get(find(&bundle, c, "time_totals"), 0);
        assert_true(n > 0.5 * n_all && n < n_all);
    }
    mb_bundle_clear(&bundle);
    noting_world_close(&world);
}

static void test_ecal_pictures__values_are_those_of_the_images(void **state) {
    (void)state;
    noting_world world;
    mb_bundle bundle;
    noting_world_open(&world, 1);
    ecal_write_both(&world, 3);
    assert_ok(world.ctx, make_pictures(&world, "{rows: [1, 3]}", NULL, &bundle));
    const mb_array *energy = find(&bundle, 1, "energy");
    const mb_array *time = find(&bundle, 1, "time");
    assert_shape(energy, MB_F32, 3, 2, 32, 32);
    // Row 1 of the electrons: energy 2.002 at (16, 1), time 0.02; nothing else.
    for (size_t i = 0; i < MB_ECAL_PIXELS; i++) {
        const bool is_hit = i == 16 * 32 + 1;
        assert_int_equal(isnan(mb_array_get(energy, i)) != 0, !is_hit);
        assert_int_equal(isnan(mb_array_get(time, i)) != 0, !is_hit);
    }
    assert_float_equal(mb_array_get(energy, 16 * 32 + 1), 2.002, 1e-6);
    assert_float_equal(mb_array_get(time, 16 * 32 + 1), 0.02, 1e-7);
    assert_float_equal(mb_array_get(find(&bundle, 1, "event"), 0), 1, 0);
    const double near_time = mb_array_get(find(&bundle, 1, "time_counts"), 19) +
                             mb_array_get(find(&bundle, 1, "time_counts"), 20);
    assert_true(near_time >= 2 && near_time <= 2);
    // (16, 1) and (16, 2) lie outside 28 x 28 and inside it.
    assert_float_equal(mb_array_get(find(&bundle, 1, "crop_hits"), 4 * 2), 0, 0);
    assert_float_equal(mb_array_get(find(&bundle, 1, "crop_hits"), 4 * 2 + 1), 1, 0);
    assert_float_equal(mb_array_get(find(&bundle, 1, "crop_energy"), 0), 0, 0);
    mb_bundle_clear(&bundle);
    noting_world_close(&world);
}

static void test_ecal_pictures__the_empty_last_frame_is_left_out(void **state) {
    (void)state;
    noting_world world;
    mb_bundle bundle;
    noting_world_open(&world, 1);
    ecal_write_both(&world, 2);
    assert_ok(world.ctx, make_pictures(&world, "{remove_empty: false}", compat_all, &bundle));
    assert_float_equal(mb_array_get(mb_bundle_array(&bundle, "own_scale"), 0), 1, 0);
    assert_shape(mb_bundle_array(&bundle, "frame_edges"), MB_F64, 1, 21, 0, 0);
    assert_shape(find(&bundle, 0, "frames"), MB_F32, 3, 20, 32, 32);
    assert_float_equal(mb_array_get(find(&bundle, 0, "frames"), 0), 0, 0);
    assert_shape(find(&bundle, 0, "vectorised"), MB_F32, 4, 20, 32, 32);
    mb_bundle_clear(&bundle);
    noting_world_close(&world);
}

static void test_ecal_pictures__a_class_without_rows_has_no_arrays(void **state) {
    (void)state;
    noting_world world;
    mb_bundle bundle;
    noting_world_open(&world, 1);
    float *images = mb_allocate(world.ctx, 2 * MB_ECAL_PIXELS * 2, sizeof *images);
    static const float labels[] = {1, 1};
    ecal_fill(images, 2, 1);
    ecal_write(&world, "both.h5", images, 2, labels);
    assert_ok(world.ctx, make_pictures(&world, "{file: both.h5}", NULL, &bundle));
    assert_float_equal(mb_array_get(find(&bundle, 0, "n_events"), 0), 0, 0);
    assert_float_equal(mb_array_get(find(&bundle, 1, "n_events"), 0), 2, 0);
    assert_null(mb_bundle_array(&bundle, "class/0/energy"));
    assert_non_null(mb_bundle_array(&bundle, "class/1/energy"));
    mb_bundle_clear(&bundle);
    mb_release(world.ctx, images);
    noting_world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ecal_pictures__every_promised_array_is_there),
        cmocka_unit_test(test_ecal_pictures__values_are_those_of_the_images),
        cmocka_unit_test(test_ecal_pictures__the_empty_last_frame_is_left_out),
        cmocka_unit_test(test_ecal_pictures__a_class_without_rows_has_no_arrays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
