// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "calq_study.h"

#include "base/output.h"
#include "detector/concentrator/simulate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static mb_status load(noting_world *world, const char *data, mb_dataset *out) {
    return calq_load(world, data, NULL, NULL, true, out, NULL);
}

static void gather(noting_world *world, const mb_dataset *dataset, const char *name, float *out) {
    const uint32_t row = 0;
    const mb_column *column = mb_dataset_find(dataset, name);
    assert_non_null(column);
    assert_ok(world->ctx, mb_column_gather(column, world->ctx, &row, 1, out));
}

static void test_calq_select__masks_limits_and_empty_rows(void **state) {
    (void)state;
    noting_world world;
    mb_dataset dataset;
    char line[512];
    char text[8192] = "";
    static const char *const behind[] = {",FI,0.06", ",aO,0.5", ",FO,0.05", ",FM,", ",FO,1"};
    size_t n = 0;
    calq_world_open(&world, 1);
    for (size_t i = 0; i < MB_CALQ_CELLS; i++) {
        n += (size_t)snprintf(text + n, sizeof text - n, "CALQ_%zu,", i);
    }
    n += (size_t)snprintf(text + n, sizeof text - n, "ModType,SimEnergyFraction\n");
    for (size_t i = 0; i < MB_COUNT_OF(behind); i++) {
        calq_line(line, 2, i == 4 ? "0" : "7");
        line[strlen(line) - 1] = '\0';
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s\n", line, behind[i]);
    }
    calq_write(&world, "a.csv", text);
    static const struct {
        const char *data;
        size_t n;
    } cases[] = {
        {"{}", 4},
        {"{mask_partials: true}", 3},
        {"{mask_energies: true}", 2},
        {"{mask_partials: true, mask_energies: true}", 1},
        {"{max_rows: 2}", 2},
        {"{max_rows: 2, mask_partials: true}", 1},
        {"{rows_per_file: 3}", 3},
    };
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        assert_ok(world.ctx, load(&world, cases[i].data, &dataset));
        assert_int_equal(dataset.n_rows, cases[i].n);
        mb_dataset_clear(&dataset);
    }
    assert_fails(
        world.ctx, load(&world, "{max_rows: 0}", &dataset), MB_ERR_RANGE, "there are no rows");
    calq_write(&world, "a.csv", calq_line(line, 2, "0"));
    assert_fails(world.ctx, load(&world, "{}", &dataset), MB_ERR_RANGE,
        "of 1 rows none is left: 0 bad, 0 masked, 1 without charge");
    calq_write(&world, "a.csv", calq_line(line, 2, "1"));
    assert_fails(world.ctx, load(&world, "{mask_partials: true}", &dataset), MB_ERR_FORMAT,
        "there is no column ModType, which data.mask_partials needs");
    assert_ok(world.ctx, load(&world, "{mask_energies: true}", &dataset));
    assert_int_equal(dataset.n_rows, 1);
    noting_world_assert_notice(&world, "no column SimEnergyFraction");
    mb_dataset_clear(&dataset);
    noting_world_close(&world);
}

static void test_calq_select__rows_are_added_in_pairs_then_clipped(void **state) {
    (void)state;
    noting_world world;
    mb_dataset dataset;
    static const char *const extra[] = {",SimEnergyTotal", ",1", ",2", ",4"};
    calq_world_open(&world, 1);
    calq_write_plain(&world, "a.csv", 3, extra);
    assert_ok(world.ctx, load(&world, "{double: true, save_energy: true}", &dataset));
    assert_int_equal(dataset.n_rows, 1);
    calq_assert_near(calq_charges(&dataset, 0)[0], 1 + 49, 0);
    calq_assert_near(calq_charges(&dataset, 0)[47], 48 + 96, 0);
    float energy;
    gather(&world, &dataset, "SimEnergyTotal", &energy);
    calq_assert_near(energy, 3, 0);
    mb_dataset_clear(&dataset);
    assert_ok(world.ctx, load(&world, "{double: true, max_val: 60}", &dataset));
    calq_assert_near(calq_charges(&dataset, 0)[0], 50, 0);
    calq_assert_near(calq_charges(&dataset, 0)[47], 60, 0);
    mb_dataset_clear(&dataset);
    static const char *const compat[] = {"maxval_rows", NULL};
    assert_ok(world.ctx, calq_load(&world, "{max_val: 60}", compat, NULL, true, &dataset, NULL));
    calq_assert_near(calq_charges(&dataset, 2)[47], 144, 0);
    mb_dataset_clear(&dataset);
    noting_world_close(&world);
}

static void test_calq_select__copies_have_their_cells_exchanged_alike(void **state) {
    (void)state;
    noting_world world;
    mb_dataset dataset;
    calq_world_open(&world, 1);
    calq_write_plain(&world, "a.csv", 2, NULL);
    assert_ok(world.ctx, load(&world, "{clone_copies: 2, clone_low: 10}", &dataset));
    assert_int_equal(dataset.n_rows, 6);
    for (size_t row = 2; row < 6; row += 2) {
        double sum = 0;
        size_t n_moved = 0;
        for (size_t i = 0; i < MB_CALQ_CELLS; i++) {
            calq_assert_near((double)calq_charges(&dataset, row + 1)[i],
                (double)calq_charges(&dataset, row)[i] + 48, 0);
            n_moved += calq_charges(&dataset, row)[i] != calq_charges(&dataset, 0)[i];
            sum += (double)calq_charges(&dataset, row)[i];
        }
        calq_assert_near(sum, 48 * 49 / 2, 0);
        assert_true(n_moved > 20);
    }
    mb_dataset_clear(&dataset);
    assert_ok(world.ctx, load(&world, "{clone_copies: 2, clone_high: 47}", &dataset));
    assert_int_equal(dataset.n_rows, 2);
    mb_dataset_clear(&dataset);
    noting_world_close(&world);
}

static void test_calq_select__images_are_normalised_and_arranged(void **state) {
    (void)state;
    noting_world world;
    mb_dataset dataset;
    float image[MB_ARRANGE_MAX_PIXELS];
    float target[MB_ARRANGE_MAX_PIXELS];
    float scale;
    calq_world_open(&world, 2);
    calq_write_plain(&world, "a.csv", 1, NULL);
    assert_ok(world.ctx, load(&world, "{}", &dataset));
    gather(&world, &dataset, "image", image);
    gather(&world, &dataset, "target", target);
    assert_memory_equal(image, target, 64 * sizeof *image);
    // The sum is 1176.
    gather(&world, &dataset, "scale", &scale);
    calq_assert_near(scale, 1024, 0);
    gather(&world, &dataset, "charge_sum", &scale);
    calq_assert_near(scale, 1176, 0);
    calq_assert_near(image[0], 29.0 / 1024, 0);
    calq_assert_near(image[4 * 8], 48.0 / 1024, 0);
    calq_assert_near(image[4 * 8 + 4], 0, 0);
    assert_ok(world.ctx, mb_concentrator_image_add(world.ctx, &dataset, "with", MB_ROLE_EXTRA,
                             mb_arrangement_find("8x8"), MB_CALQ_SUM, true));
    gather(&world, &dataset, "with", image);
    calq_assert_near(image[4 * 8 + 4], (float)(36.0 / 1176), 0);
    assert_ok(world.ctx, mb_concentrator_image_add(world.ctx, &dataset, "thirds", MB_ROLE_EXTRA,
                             mb_arrangement_find("4x4x3"), MB_CALQ_POWER2, false));
    gather(&world, &dataset, "thirds", image);
    calq_assert_near(image[1], 17.0 / 1024, 0);
    mb_dataset_clear(&dataset);
    assert_ok(world.ctx, load(&world, "{arrange: 6x6x3, normalise: max}", &dataset));
    gather(&world, &dataset, "image", image);
    calq_assert_near(image[0], 0, 0);
    calq_assert_near(image[1 * 6 + 5], (float)(33.0 / 48), 0);
    gather(&world, &dataset, "scale", &scale);
    calq_assert_near(scale, 1024, 0);
    const mb_column *column = mb_dataset_find(&dataset, "image");
    assert_int_equal(column->rank, 3);
    assert_int_equal(column->shape[0], 3);
    mb_dataset_clear(&dataset);
    static const char *const compat[] = {"rescale_input", NULL};
    assert_ok(world.ctx, calq_load(&world, "{normalise: max}", compat, NULL, true, &dataset, NULL));
    gather(&world, &dataset, "image", image);
    calq_assert_near(image[0], 29.0 / 1024, 0);
    mb_dataset_clear(&dataset);
    noting_world_close(&world);
}

static void test_calq_select__files_in_image_order_are_put_into_the_order_of_cells(void **state) {
    (void)state;
    noting_world world;
    mb_dataset dataset;
    float image[MB_ARRANGE_MAX_PIXELS];
    calq_world_open(&world, 1);
    calq_write_plain(&world, "a.csv", 1, NULL);
    assert_ok(world.ctx, load(&world, "{arrange: 8x8_ae}", &dataset));
    gather(&world, &dataset, "image", image);
    for (size_t i = 0; i < 32; i++) {
        calq_assert_near(image[i], (double)(i + 1) / 1024, 0);
    }
    calq_assert_near(image[5 * 8 + 1], 38.0 / 1024, 0);
    calq_assert_near(image[5 * 8 + 5], 0, 0);
    calq_assert_near(calq_charges(&dataset, 0)[28], 1, 0);
    mb_dataset_clear(&dataset);
    noting_world_close(&world);
}

static void test_calq_select__weights_are_of_the_training_rows(void **state) {
    (void)state;
    noting_world world;
    mb_dataset dataset;
    char line[512];
    char text[8192] = "";
    // Three rows of one cell above a MIPT, one of none, one of a large charge.
    static const char *const charges[] = {"40", "40", "40", "3", "400"};
    calq_world_open(&world, 1);
    for (size_t i = 0; i < MB_COUNT_OF(charges); i++) {
        strcat(text, calq_line(line, i, charges[i]));
    }
    calq_write(&world, "a.csv", text);
    const mb_part first = {0.2, MB_TAKE_FIRST};
    assert_ok(
        world.ctx, calq_load(&world, "{occ_reweight: true}", NULL, &first, true, &dataset, NULL));
    assert_non_null(dataset.weight);
    // Bins of training rows: largest 2, 1, 1; above 3 (two of 40, one of 400), 1.
    const double raw[] = {1.0 / 6, 1.0 / 6, 1.0 / 6, 1, 1.0 / 3};
    const double factor = 4 / (raw[1] + raw[2] + raw[3] + raw[4]);
    for (size_t i = 0; i < MB_COUNT_OF(raw); i++) {
        calq_assert_near(dataset.weight[i], raw[i] * factor, 1e-6);
        assert_int_equal(dataset.split[i], MB_SPLIT_TRAIN);
    }
    mb_dataset_clear(&dataset);
    noting_world_close(&world);
}

static int compare(const void *a, const void *b) {
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void assert_spread(
    double *values, size_t n, const double wanted[3], double absolute, double relative) {
    static const double at[] = {0.16, 0.5, 0.84};
    qsort(values, n, sizeof *values, compare);
    for (size_t i = 0; i < 3; i++) {
        const double got = values[(size_t)(at[i] * (double)n)];
        if (fabs(got - wanted[i]) > absolute + relative * wanted[i]) {
            fail_msg("%g of the rows are below %g, not below %g", at[i], got, wanted[i]);
        }
    }
}

static void test_calq_simulate__rows_have_the_published_statistics(void **state) {
    (void)state;
    enum { N = 20000 };
    static double hits[N], above[N], sum[N], largest[N];
    double mean_hits = 0;
    double mean_above = 0;
    for (uint32_t row = 0; row < N; row++) {
        uint32_t charge[MB_CALQ_CELLS];
        mb_calq_simulate_row(42, 0, row, charge);
        for (size_t i = 0; i < MB_CALQ_CELLS; i++) {
            hits[row] += charge[i] > 0;
            above[row] += charge[i] > 35;
            sum[row] += charge[i] / 35.0;
            largest[row] = fmax(largest[row], charge[i] / 35.0);
        }
        mean_hits += hits[row] / N;
        mean_above += above[row] / N;
    }
    calq_assert_near(mean_hits, 16.4, 0.5);
    calq_assert_near(mean_above, 4.87, 0.3);
    assert_spread(hits, N, (const double[]){4, 11, 33}, 1, 0);
    assert_spread(above, N, (const double[]){1, 3, 9}, 1, 0);
    assert_spread(sum, N, (const double[]){3.0, 10.8, 31.9}, 0, 0.08);
    assert_spread(largest, N, (const double[]){1.2, 3.0, 7.1}, 0, 0.08);
}

static char *simulate(noting_world *world, unsigned n_threads, int header, size_t *length) {
    mb_runtime_settings settings = MB_RUNTIME_SETTINGS_INIT;
    mb_runtime *runtime;
    mb_context *ctx;
    settings.n_threads = n_threads;
    assert_int_equal(mb_runtime_create(&settings, &runtime), MB_OK);
    assert_int_equal(mb_context_create(runtime, &ctx), MB_OK);
    const mb_calq_simulate_record record = {
        .events = 3000, .files = 1, .elinks = 5, .name = "toy", .header = header};
    assert_ok(ctx, mb_calq_simulate(ctx, &record, 3, world->directory));
    mb_context_destroy(ctx);
    mb_runtime_destroy(runtime);
    char *text;
    assert_ok(world->ctx,
        mb_read_file(world->ctx, noting_world_path(world, "nElinks_5/toy.csv"), &text, length));
    return text;
}

static void test_calq_simulate__files_do_not_depend_on_threads_and_are_read_back(void **state) {
    (void)state;
    noting_world world;
    mb_dataset dataset;
    calq_world_open(&world, 2);
    for (int header = 0; header < 3; header++) {
        size_t n_one;
        size_t n_three;
        char *one = simulate(&world, 1, header, &n_one);
        char *three = simulate(&world, 3, header, &n_three);
        assert_int_equal(n_one, n_three);
        assert_memory_equal(one, three, n_one);
        mb_release(world.ctx, one);
        mb_release(world.ctx, three);
        assert_ok(world.ctx, load(&world, "{save_energy: true}", &dataset));
        assert_int_equal(dataset.n_rows, 3000);
        uint32_t charge[MB_CALQ_CELLS];
        mb_calq_simulate_row(3, 0, 2999, charge);
        for (size_t i = 0; i < MB_CALQ_CELLS; i++) {
            calq_assert_near(calq_charges(&dataset, 2999)[i], charge[i], 0);
        }
        assert_int_equal(mb_dataset_find(&dataset, "SimEnergyFraction") != NULL, header == 1);
        mb_dataset_clear(&dataset);
    }
    size_t n;
    mb_release(world.ctx, simulate(&world, 1, 1, &n));
    assert_ok(world.ctx, load(&world, "{mask_partials: true, mask_energies: true}", &dataset));
    assert_in_range(dataset.n_rows, 300, 2700);
    mb_dataset_clear(&dataset);
    noting_world_close(&world);
}

// A limit would leave events of a file without a prediction, and copies are none of its events.
static void test_calq_select__all_rows_of_files_to_predict_are_taken(void **state) {
    (void)state;
    noting_world world;
    detector_study study;
    mb_dataset dataset;
    calq_world_open(&world, 1);
    calq_write_plain(&world, "a.csv", 5, NULL);
    const char *path = noting_world_path(&world, "nElinks_5/a.csv");
    detector_study_open(&study, world.ctx, world.directory,
        "{max_rows: 3, rows_per_file: 2, clone_copies: 1, max_val: 100}", NULL);
    study.request.files = &path;
    study.request.n_files = 1;
    assert_ok(
        world.ctx, detector_named("concentrator")->load(world.ctx, &study.request, &dataset, NULL));
    assert_int_equal(dataset.n_rows, 5);
    assert_true(calq_charges(&dataset, 4)[47] == 100.0F);
    mb_dataset_clear(&dataset);
    detector_study_close(&study);
    noting_world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calq_select__all_rows_of_files_to_predict_are_taken),
        cmocka_unit_test(test_calq_select__masks_limits_and_empty_rows),
        cmocka_unit_test(test_calq_select__rows_are_added_in_pairs_then_clipped),
        cmocka_unit_test(test_calq_select__copies_have_their_cells_exchanged_alike),
        cmocka_unit_test(test_calq_select__images_are_normalised_and_arranged),
        cmocka_unit_test(test_calq_select__files_in_image_order_are_put_into_the_order_of_cells),
        cmocka_unit_test(test_calq_select__weights_are_of_the_training_rows),
        cmocka_unit_test(test_calq_simulate__rows_have_the_published_statistics),
        cmocka_unit_test(test_calq_simulate__files_do_not_depend_on_threads_and_are_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
