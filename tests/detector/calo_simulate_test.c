// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "calo_study.h"

#include "base/output.h"
#include "base/random.h"
#include "detector/calo/simulate.h"
#include "files/hdf5.h"
#include "measure/roc.h"

#include <math.h>
#include <stdlib.h>

enum { N = MB_CALO_N_REGIONS, N_BACKGROUND = 20000, N_SIGNAL = 2000, N_SYNTHETIC = 2000 };

static mb_test_world world;
static char *folder;

static void simulate(unsigned n_threads, uint64_t seed, const mb_calo_simulate_record *options,
    const char *directory) {
    mb_test_world own;
    mb_test_world_open(&own, n_threads, MB_CPU_ALL);
    assert_ok(own.ctx, detector_named("calo")->simulate(own.ctx, options, seed, directory));
    mb_test_world_close(&own);
}

static int open_world(void **state) {
    (void)state;
    mb_test_world_open(&world, 2, MB_CPU_ALL);
    folder = mb_test_directory();
    const mb_calo_simulate_record options = {N_BACKGROUND, N_SIGNAL, 0};
    simulate(2, 1, &options, folder);
    return 0;
}

static int close_world(void **state) {
    (void)state;
    mb_test_remove_directory(folder);
    mb_test_world_close(&world);
    return 0;
}

static const char *const files[] = {
    "ZeroBias.h5", "GluGluHToTauTau.h5", "GluGluToHHTo4B.h5", "TTBar.h5", "Haa4b.h5", "SUEP.h5"};

static bool same_file(const char *a, const char *b, const char *name) {
    char *bytes[2];
    size_t length[2];
    const char *const directories[] = {a, b};
    for (size_t i = 0; i < 2; i++) {
        char *path = mb_path_join(world.ctx, directories[i], name);
        assert_ok(world.ctx, mb_read_file(world.ctx, path, &bytes[i], &length[i]));
        mb_release(world.ctx, path);
    }
    const bool is_same = length[0] == length[1] && memcmp(bytes[0], bytes[1], length[0]) == 0;
    mb_release(world.ctx, bytes[0]);
    mb_release(world.ctx, bytes[1]);
    return is_same;
}

static mb_h5_file *open_file(const char *directory, const char *name) {
    mb_h5_file *file;
    char *path = mb_path_join(world.ctx, directory, name);
    assert_ok(world.ctx, mb_h5_open(world.ctx, path, &file));
    mb_release(world.ctx, path);
    return file;
}

static void test_simulate__bytes_depend_on_the_seed_alone(void **state) {
    (void)state;
    char *one = mb_test_directory(), *three = mb_test_directory(), *other = mb_test_directory();
    const mb_calo_simulate_record options = {700, 300, 1};
    simulate(1, 5, &options, one);
    simulate(3, 5, &options, three);
    simulate(3, 6, &options, other);
    for (size_t i = 0; i < MB_COUNT_OF(files); i++) {
        assert_true(same_file(one, three, files[i]));
        assert_false(same_file(one, other, files[i]));
    }
    mb_test_remove_directory(one);
    mb_test_remove_directory(three);
    mb_test_remove_directory(other);
}

static void test_simulate__events_are_the_same_however_many_and_however_packed(void **state) {
    (void)state;
    char *packed = mb_test_directory();
    const mb_calo_simulate_record options = {300, 257, 4};
    simulate(2, 1, &options, packed);
    for (size_t i = 0; i < MB_COUNT_OF(files); i++) {
        mb_h5_file *few = open_file(packed, files[i]), *many = open_file(folder, files[i]);
        mb_array a, b;
        const size_t n = i == 0 ? 300 : 257;
        assert_ok(world.ctx, mb_h5_read(few, "CaloRegions", &a));
        assert_ok(world.ctx, mb_h5_read_rows(many, "CaloRegions", 0, n, &b));
        assert_int_equal(a.shape[0], n);
        assert_int_equal(a.dtype, MB_F64);
        assert_memory_equal(a.data, b.data, n * N * sizeof(double));
        mb_array_clear(&a);
        mb_array_clear(&b);
        mb_h5_close(few);
        mb_h5_close(many);
    }
    mb_test_remove_directory(packed);
}

static void test_simulate__flags_are_absent_for_background_and_set_for_signals(void **state) {
    (void)state;
    for (size_t i = 0; i < MB_COUNT_OF(files); i++) {
        mb_h5_file *file = open_file(folder, files[i]);
        mb_h5_info info;
        mb_array flags;
        assert_ok(world.ctx, mb_h5_get_info(file, "CaloRegions", &info));
        assert_true(info.chunk_rows > 0);
        assert_ok(world.ctx, mb_h5_read(file, "AcceptanceFlag", &flags));
        assert_int_equal(flags.dtype, MB_BOOL);
        assert_int_equal(flags.shape[0], i == 0 ? 0 : N_SIGNAL);
        for (size_t k = 0; k < flags.shape[0]; k++) {
            assert_int_equal(((const uint8_t *)flags.data)[k], 1);
        }
        mb_array_clear(&flags);
        mb_h5_close(file);
    }
}

static int compare(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void assert_percentiles(
    double *values, const double *wanted, double absolute, double relative) {
    static const double at[] = {0.05, 0.5, 0.95};
    qsort(values, N_BACKGROUND, sizeof *values, compare);
    for (size_t i = 0; i < 3; i++) {
        const double got = values[(size_t)(at[i] * (N_BACKGROUND - 1))];
        assert_true(fabs(got - wanted[i]) <= absolute + relative * wanted[i]);
    }
}

static void test_simulate__background_has_the_figures_of_the_recipe(void **state) {
    (void)state;
    static const double columns[] = {
        1.81, .91, .92, 2.08, 1.91, 2.26, 3.43, 3.08, 2.19, 1.54, 2.69, 1.03, 1.03, 2.13};
    static double sums[N_BACKGROUND], maxima[N_BACKGROUND];
    mb_h5_file *file = open_file(folder, files[0]);
    mb_array array;
    assert_ok(world.ctx, mb_h5_read(file, "CaloRegions", &array));
    const double *et = array.data;
    double by_column[MB_CALO_N_ETA] = {0}, total = 0;
    size_t n_nonzero = 0;
    for (size_t i = 0; i < (size_t)N_BACKGROUND * N; i++) {
        assert_true(et[i] >= 0 && et[i] <= 1023 && !(floor(et[i]) < et[i]));
        by_column[i % MB_CALO_N_ETA] += et[i];
        sums[i / N] += et[i];
        maxima[i / N] = fmax(maxima[i / N], et[i]);
        n_nonzero += et[i] > 0;
        total += et[i];
    }
    assert_true(fabs(total / N / N_BACKGROUND - 1.93) < 0.05);
    assert_true(fabs((double)n_nonzero / N / N_BACKGROUND - 0.479) < 0.01);
    for (size_t j = 0; j < MB_CALO_N_ETA; j++) {
        const double mean = by_column[j] / MB_CALO_N_PHI / N_BACKGROUND;
        assert_true(fabs(mean - columns[j]) < 0.05 * columns[j]);
    }
    assert_percentiles(sums, (const double[]){235, 464, 811}, 0, 0.04);
    assert_percentiles(maxima, (const double[]){12, 25, 51}, 2, 0);
    mb_array_clear(&array);
    mb_h5_close(file);
}

// Areas under the curve of the sum of ET and of the distance from the mean training image, on the
// test events of a set.
static void find_areas(
    const mb_dataset *dataset, const mb_row_set *set, double *sum_auc, double *norm_auc) {
    const mb_row_set *background = mb_dataset_find_set(dataset, "background");
    static double mean[N], scores[2][N_BACKGROUND + N_SIGNAL];
    static uint8_t labels[N_BACKGROUND + N_SIGNAL];
    memset(mean, 0, sizeof mean);
    for (size_t k = 0; k < background->n_train; k++) {
        for (size_t i = 0; i < N; i++) {
            mean[i] +=
                (double)calo_region(dataset, background->train[k], i) / (double)background->n_train;
        }
    }
    for (size_t k = 0; k < set->n_test; k++) {
        double sum = 0, square = 0;
        for (size_t i = 0; i < N; i++) {
            const double et = (double)calo_region(dataset, set->test[k], i);
            sum += et;
            square += (et - mean[i]) * (et - mean[i]);
        }
        scores[0][k] = sum;
        scores[1][k] = sqrt(square);
        labels[k] = calo_extra(dataset, "sample", set->test[k]) != 0;
    }
    double *const out[] = {sum_auc, norm_auc};
    for (size_t i = 0; i < 2; i++) {
        mb_roc roc;
        const mb_values s = {MB_F64, set->n_test, scores[i]}, y = {MB_U8, set->n_test, labels};
        assert_ok(world.ctx, mb_roc_make(&roc, world.ctx, s, y));
        *out[i] = roc.auc;
        mb_roc_clear(&roc);
    }
}

static void test_simulate__simple_scores_see_the_signals_as_the_recipe_says(void **state) {
    (void)state;
    static const struct {
        const char *name;
        double sum, norm, tolerance;
    } wanted[] = {{"GluGluHToTauTau", 0.676, 0.873, 0.015}, {"GluGluToHHTo4B", 0.878, 0.962, 0.015},
        {"TTBar", 0.966, 0.995, 0.015}, {"Haa4b", 0.672, 0.715, 0.015},
        {"SUEP", 0.943, 0.875, 0.015}, {"synthetic", -1, 0.663, 0.03}};
    mb_dataset dataset;
    assert_ok(world.ctx, calo_load(world.ctx,
                             "background: {file: ZeroBias.h5}\n"
                             "signals:\n"
                             "  GluGluHToTauTau: {file: GluGluHToTauTau.h5}\n"
                             "  GluGluToHHTo4B: {file: GluGluToHHTo4B.h5}\n"
                             "  TTBar: {file: TTBar.h5}\n"
                             "  Haa4b: {file: Haa4b.h5}\n"
                             "  SUEP: {file: SUEP.h5, overlay: background, overlay_events: 4000}\n"
                             "synthetic: {events: 2000}\n"
                             "train_size: 200\n",
                             NULL, folder, 0, &dataset, NULL));
    for (size_t i = 0; i < MB_COUNT_OF(wanted); i++) {
        double sum, norm;
        find_areas(&dataset, mb_dataset_find_set(&dataset, wanted[i].name), &sum, &norm);
        if (!(fabs(norm - wanted[i].norm) < wanted[i].tolerance) ||
            (wanted[i].sum > 0 && !(fabs(sum - wanted[i].sum) < 0.02))) {
            fail_msg("%s: areas %.4f and %.4f", wanted[i].name, sum, norm);
        }
    }
    mb_dataset_clear(&dataset);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_simulate__bytes_depend_on_the_seed_alone),
        cmocka_unit_test(test_simulate__events_are_the_same_however_many_and_however_packed),
        cmocka_unit_test(test_simulate__flags_are_absent_for_background_and_set_for_signals),
        cmocka_unit_test(test_simulate__background_has_the_figures_of_the_recipe),
        cmocka_unit_test(test_simulate__simple_scores_see_the_signals_as_the_recipe_says),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
