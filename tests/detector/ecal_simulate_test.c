// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "ecal_study.h"

#include "detector/ecal/simulate.h"
#include "files/hdf5.h"
#include "files/npy.h"
#include "measure/roc.h"

#include <math.h>

static void simulate(
    noting_world *world, const char *folder, size_t events, int format, uint64_t seed) {
    const mb_ecal_simulate_record record = {events, format};
    assert_ok(
        world->ctx, mb_ecal_simulate(world->ctx, &record, seed, noting_world_path(world, folder)));
}

static void read_images(noting_world *world, const char *name, mb_array *x, mb_array *y) {
    mb_h5_file *file;
    assert_ok(world->ctx, mb_h5_open(world->ctx, noting_world_path(world, name), &file));
    assert_ok(world->ctx, mb_h5_read(file, "/X", x));
    assert_ok(world->ctx, mb_h5_read(file, "/y", y));
    mb_h5_close(file);
}

static void assert_same_files(noting_world *world, const char *a, const char *b) {
    char *bytes[2];
    size_t length[2];
    assert_ok(
        world->ctx, mb_read_file(world->ctx, noting_world_path(world, a), &bytes[0], &length[0]));
    assert_ok(
        world->ctx, mb_read_file(world->ctx, noting_world_path(world, b), &bytes[1], &length[1]));
    assert_int_equal(length[0], length[1]);
    assert_memory_equal(bytes[0], bytes[1], length[0]);
    mb_release(world->ctx, bytes[0]);
    mb_release(world->ctx, bytes[1]);
}

static void test_ecal_simulate__bytes_depend_on_seed_and_options_alone(void **state) {
    (void)state;
    noting_world one;
    noting_world three;
    noting_world_open(&one, 1);
    noting_world_open(&three, 3);
    char *own = three.directory;
    three.directory = one.directory;
    simulate(&one, "a", 230, 0, 5);
    simulate(&three, "b", 230, 0, 5);
    assert_same_files(&one, "a/photons.h5", "b/photons.h5");
    assert_same_files(&one, "a/electrons.h5", "b/electrons.h5");
    // Fewer events are the first of more; another seed makes others.
    mb_array x[3];
    mb_array y[3];
    simulate(&one, "c", 30, 0, 5);
    simulate(&one, "d", 30, 0, 6);
    read_images(&one, "a/photons.h5", &x[0], &y[0]);
    read_images(&one, "c/photons.h5", &x[1], &y[1]);
    read_images(&one, "d/photons.h5", &x[2], &y[2]);
    assert_memory_equal(x[0].data, x[1].data, mb_array_bytes(&x[1]));
    assert_memory_not_equal(x[1].data, x[2].data, mb_array_bytes(&x[1]));
    for (size_t i = 0; i < 3; i++) {
        mb_array_clear(&x[i]);
        mb_array_clear(&y[i]);
    }
    three.directory = own;
    noting_world_close(&three);
    noting_world_close(&one);
}

static void test_ecal_simulate__npy_holds_the_same(void **state) {
    (void)state;
    noting_world world;
    mb_array x[2];
    mb_array y[2];
    noting_world_open(&world, 2);
    simulate(&world, "h5", 120, 0, 5);
    simulate(&world, "npy", 120, 1, 5);
    read_images(&world, "h5/electrons.h5", &x[0], &y[0]);
    assert_ok(
        world.ctx, mb_npy_read(world.ctx, noting_world_path(&world, "npy/electrons.npy"), &x[1]));
    assert_ok(
        world.ctx, mb_npy_read(world.ctx, noting_world_path(&world, "npy/electrons_y.npy"), &y[1]));
    assert_int_equal(mb_array_bytes(&x[1]), mb_array_bytes(&x[0]));
    assert_memory_equal(x[0].data, x[1].data, mb_array_bytes(&x[0]));
    assert_memory_equal(y[0].data, y[1].data, mb_array_bytes(&y[0]));
    for (size_t i = 0; i < 2; i++) {
        mb_array_clear(&x[i]);
        mb_array_clear(&y[i]);
    }
    // Read as a study does.
    mb_dataset dataset;
    assert_ok(
        world.ctx, ecal_load(&world, "{photons: npy/photons.npy, electrons: npy/electrons.npy}",
                       NULL, &dataset, NULL));
    assert_int_equal(dataset.n_rows, 240);
    mb_dataset_clear(&dataset);
    noting_world_close(&world);
}

enum { N_EVENTS = 2000, N_CDF = 5 };
static const double cdf_times[N_CDF] = {.025, .05, .075, .1, .2};

typedef struct figures {
    double n_hits, n_high, sum, most_sum, n_above, central, neighbours;
    double hits_in[2], energy_in; // within 24 x 24 and 12 x 12; energy within 12 x 12
    double cdf[N_CDF];
    float share[N_EVENTS]; // energy outside columns 15 - 17
} figures;

static bool is_within(size_t y, size_t x, size_t crop) {
    const size_t first = (MB_ECAL_SIDE - crop) / 2;
    return y - first < crop && x - first < crop;
}

static void add_image(figures *f, size_t i, const float *image) {
    double n = 0, sum = 0, inner = 0, in_24 = 0, in_12 = 0, energy_12 = 0;
    for (size_t y = 0; y < MB_ECAL_SIDE; y++) {
        for (size_t x = 0; x < MB_ECAL_SIDE; x++) {
            const float *pixel = image + (y * MB_ECAL_SIDE + x) * 2;
            const double energy = (double)pixel[0];
            const double time = fabs((double)pixel[1]);
            assert_true(energy > 0 || (energy >= 0 && time <= 0));
            assert_true(time <= 2.4001);
            n += energy > 0;
            sum += energy;
            f->n_high += energy > 0.005;
            inner += x >= 15 && x <= 17 ? energy : 0;
            in_24 += energy > 0 && is_within(y, x, 24);
            in_12 += energy > 0 && is_within(y, x, 12);
            energy_12 += is_within(y, x, 12) ? energy : 0;
            for (size_t k = 0; k < N_CDF; k++) {
                f->cdf[k] += time <= cdf_times[k] ? energy : 0;
            }
        }
    }
    const float *centre = image + (16 * MB_ECAL_SIDE + 16) * 2;
    const ptrdiff_t row = MB_ECAL_SIDE * 2;
    f->central += (double)centre[0];
    f->neighbours += (double)(centre[-2] + centre[2] + centre[-row] + centre[row]) / 4;
    f->n_hits += n;
    f->sum += sum;
    f->most_sum = fmax(f->most_sum, sum);
    f->n_above += sum > 0.95;
    f->hits_in[0] += in_24 / n;
    f->hits_in[1] += in_12 / n;
    f->energy_in += energy_12 / sum;
    f->share[i] = (float)(1 - inner / sum);
}

static void assert_within(double value, double least, double most, const char *what) {
    if (!(value >= least && value <= most)) {
        fail_msg("%s is %g, not %g to %g", what, value, least, most);
    }
}

static void assert_figures(const figures *f, bool is_electron) {
    static const double wanted[2][N_CDF] = {
        {.915, .943, .955, .963, .98}, {.905, .937, .950, .960, .98}};
    assert_within(f->n_hits / N_EVENTS, 40, 54, "pixels above 0");
    assert_within(f->n_high / N_EVENTS, 14, 21, "pixels above 0.005");
    assert_within(f->sum / N_EVENTS, 1.24, 1.30, "sum");
    assert_within(f->most_sum, 0, 1.95, "largest sum");
    assert_within(f->n_above / N_EVENTS, 0.95, 1, "sums above 0.95");
    assert_within(f->central / N_EVENTS, is_electron ? 0.5 : 0.60, 0.72, "central pixel");
    assert_within(f->neighbours / N_EVENTS, 0.08, 0.12, "its neighbours");
    assert_within(f->hits_in[0] / N_EVENTS, 0.98, 1, "hits within 24 x 24");
    assert_within(f->hits_in[1] / N_EVENTS, 0.85, 0.93, "hits within 12 x 12");
    assert_within(f->energy_in / N_EVENTS, 0.96, 0.995, "energy within 12 x 12");
    for (size_t k = 0; k < N_CDF; k++) {
        const double share = f->cdf[k] / f->sum;
        assert_within(
            share, wanted[is_electron][k] - 0.02, wanted[is_electron][k] + 0.02, "share in time");
    }
}

static void test_ecal_simulate__figures_are_those_of_the_published_plots(void **state) {
    (void)state;
    static const char *const names[2] = {"toy/photons.h5", "toy/electrons.h5"};
    noting_world world;
    noting_world_open(&world, 2);
    simulate(&world, "toy", N_EVENTS, 0, 1);
    figures *f = mb_allocate_zeroed(world.ctx, 2, sizeof *f);
    float *share = mb_allocate(world.ctx, 2 * N_EVENTS, sizeof *share);
    float *label = mb_allocate(world.ctx, 2 * N_EVENTS, sizeof *label);
    for (size_t c = 0; c < 2; c++) {
        mb_array x;
        mb_array y;
        read_images(&world, names[c], &x, &y);
        assert_int_equal(x.shape[0], N_EVENTS);
        for (size_t i = 0; i < N_EVENTS; i++) {
            assert_float_equal(((const float *)y.data)[i], c, 0);
            add_image(&f[c], i, (const float *)x.data + i * MB_ECAL_PIXELS * 2);
            share[c * N_EVENTS + i] = f[c].share[i];
            label[c * N_EVENTS + i] = (float)c;
        }
        assert_figures(&f[c], c == 1);
        mb_array_clear(&x);
        mb_array_clear(&y);
    }
    mb_roc roc;
    assert_ok(world.ctx, mb_roc_make(&roc, world.ctx, mb_values_f32(share, 2 * N_EVENTS),
                             mb_values_f32(label, 2 * N_EVENTS)));
    assert_within(roc.auc, 0.70, 0.75, "AUC of the energy outside columns 15 - 17");
    mb_roc_clear(&roc);
    mb_release(world.ctx, f);
    mb_release(world.ctx, share);
    mb_release(world.ctx, label);
    noting_world_close(&world);
}

static void test_ecal_simulate__files_have_the_layout_of_real_ones(void **state) {
    (void)state;
    noting_world world;
    mb_h5_file *file;
    mb_h5_info info;
    noting_world_open(&world, 1);
    simulate(&world, "toy", 130, 0, 1);
    assert_ok(world.ctx, mb_h5_open(world.ctx, noting_world_path(&world, "toy/photons.h5"), &file));
    assert_ok(world.ctx, mb_h5_get_info(file, "/X", &info));
    const size_t shape[] = {130, 32, 32, 2};
    assert_int_equal(info.dtype, MB_F32);
    assert_int_equal(info.rank, 4);
    assert_memory_equal(info.shape, shape, sizeof shape);
    assert_int_equal(info.chunk_rows, 100);
    assert_ok(world.ctx, mb_h5_get_info(file, "/y", &info));
    assert_int_equal(info.dtype, MB_F32);
    assert_int_equal(info.rank, 1);
    mb_h5_close(file);
    noting_world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ecal_simulate__bytes_depend_on_seed_and_options_alone),
        cmocka_unit_test(test_ecal_simulate__npy_holds_the_same),
        cmocka_unit_test(test_ecal_simulate__figures_are_those_of_the_published_plots),
        cmocka_unit_test(test_ecal_simulate__files_have_the_layout_of_real_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
