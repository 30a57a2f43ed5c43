// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "drawing.h"

#include "base/numbers.h"
#include "draw/figures_calo.h"
#include "draw/figures_regions.h"

#include <math.h>

enum { N_REGIONS = 252 };

static void test_figures_calo__regions_have_no_ticks_and_phi_up(void **state) {
    drawing *f = *state;
    float et[2][N_REGIONS] = {{0}};
    et[0][14 * 17 + 2] = 7;
    et[1][5] = 3;
    const mb_region_image images[2] = {
        {"Event 0", mb_values_f32(et[0], N_REGIONS)}, {"it's 1", mb_values_f32(et[1], N_REGIONS)}};
    mb_region_settings settings = {.name = "regions"};
    assert_ok(f->world.ctx, mb_draw_regions(f->gallery, f->world.ctx, &settings, images, 2));
    assert_holds(f, "regions.gp", "title 'Region deposits'", "set cblabel 'ET'", "unset xtics",
        "unset ytics", "set xlabel 'eta'", "set ylabel 'phi'", "set title 'it''s 1'",
        "set cbrange [0:7]", "layout 1,2", "set size ratio 1.28571");
    assert_holds(f, "regions.csv", "\n2,17,7,0\n", "\n5,0,0,3\n");
    assert_lacks(f, "regions.gp", "set cbrange [0:3]");
    settings.has_own_scales = true;
    assert_ok(f->world.ctx, mb_draw_regions(f->gallery, f->world.ctx, &settings, images, 2));
    assert_holds(f, "regions.gp", "set cbrange [0:7]", "set cbrange [0:3]");
    settings.n_phi = 4;
    assert_fails(f->world.ctx, mb_draw_regions(f->gallery, f->world.ctx, &settings, images, 2),
        MB_ERR_SHAPE, "252 numbers; an image of 4 x 14 has 56");
    assert_all_draw(f);
}

static void test_figures_calo__reconstruction_names_its_mean_square_error(void **state) {
    drawing *f = *state;
    float original[N_REGIONS] = {0};
    const float reconstruction[N_REGIONS] = {0};
    original[0] = 63;
    mb_reconstruction event = {"event 7", mb_values_f32(original, N_REGIONS),
        mb_values_f32(reconstruction, N_REGIONS), NAN};
    assert_ok(
        f->world.ctx, mb_draw_reconstruction(f->gallery, f->world.ctx, "reconstruction", &event));
    assert_holds(f, "reconstruction.gp", "title 'event 7: MSE 15.75'", "set cbrange [-63:63]",
        "set cbrange [0:63]", "'Original'", "'Reconstruction'", "'Difference in ET'");
    event.mse = 2;
    event.title = NULL;
    assert_ok(
        f->world.ctx, mb_draw_reconstruction(f->gallery, f->world.ctx, "reconstruction", &event));
    assert_holds(f, "reconstruction.gp", "title 'MSE 2'");
    event.reconstruction.n = 3;
    assert_fails(f->world.ctx,
        mb_draw_reconstruction(f->gallery, f->world.ctx, "reconstruction", &event), MB_ERR_SHAPE,
        "252 and 3 numbers");
    assert_all_draw(f);
}

static void test_figures_calo__saliency_is_on_a_scale_of_its_own(void **state) {
    drawing *f = *state;
    float regions[N_REGIONS] = {0};
    float saliency[N_REGIONS] = {0};
    regions[3] = 40;
    saliency[4] = 1;
    assert_ok(f->world.ctx,
        mb_draw_saliency(f->gallery, f->world.ctx, "saliency", mb_values_f32(regions, N_REGIONS),
            mb_values_f32(saliency, N_REGIONS), 26.8515625));
    assert_holds(
        f, "saliency.gp", "title 'Score 26.8516'", "set cbrange [0:40]", "set cbrange [0:1]");
    assert_fails(f->world.ctx,
        mb_draw_saliency(f->gallery, f->world.ctx, "saliency", mb_values_f32(regions, N_REGIONS),
            mb_values_f32(saliency, 18), NAN),
        MB_ERR_SHAPE, "18 numbers");
    assert_all_draw(f);
}

static void put_texts(drawing *f, mb_bundle *bundle, size_t sample, const char *name) {
    char key[64];
    mb_format(key, sizeof key, "sample/%zu/name", sample);
    assert_ok(f->world.ctx, mb_bundle_put_text(bundle, f->world.ctx, key, name));
    mb_format(key, sizeof key, "sample/%zu/title", sample);
    assert_ok(f->world.ctx, mb_bundle_put_text(bundle, f->world.ctx, key, name));
}

static void put_edges(
    drawing *f, mb_bundle *bundle, const char *name, size_t n, double first, double width) {
    double edges[101];
    for (size_t i = 0; i < n; i++) {
        edges[i] = first + width * (double)i;
    }
    assert_ok(f->world.ctx, mb_bundle_put_doubles(bundle, f->world.ctx, name, edges, n));
}

static void put_sample(drawing *f, mb_bundle *bundle, size_t sample, const char *name) {
    static const size_t counts[3] = {100, 14, 18};
    char key[64];
    int64_t et[100] = {0};
    double eta[14] = {0};
    double phi[18] = {0};
    float mean[N_REGIONS] = {0};
    et[0] = 1000;
    et[99] = 24;
    eta[13] = 4;
    phi[0] = 4;
    mean[1] = 2;
    put_texts(f, bundle, sample, name);
    mb_format(key, sizeof key, "sample/%zu/et", sample);
    put_array(f, bundle, key, MB_I64, 1, &counts[0], et);
    mb_format(key, sizeof key, "sample/%zu/eta", sample);
    put_array(f, bundle, key, MB_F64, 1, &counts[1], eta);
    mb_format(key, sizeof key, "sample/%zu/phi", sample);
    put_array(f, bundle, key, MB_F64, 1, &counts[2], phi);
    mb_format(key, sizeof key, "sample/%zu/mean", sample);
    put_array(f, bundle, key, MB_F32, 2, (const size_t[]){18, 14}, mean);
}

static void test_figures_calo__draws_all_arrays_of_the_detector(void **state) {
    drawing *f = *state;
    mb_bundle bundle;
    mb_bundle_init(&bundle, f->world.ctx);
    const float synthetic[2 * N_REGIONS] = {[3] = 50, [N_REGIONS + 4] = 20};
    put_array(f, &bundle, "n_samples", MB_I64, 1, (const size_t[]){1}, (const int64_t[]){2});
    put_array(f, &bundle, "synthetic", MB_F32, 3, (const size_t[]){2, 18, 14}, synthetic);
    put_edges(f, &bundle, "et_edges", 101, 0, 10.24);
    put_edges(f, &bundle, "eta_edges", 15, 4, 1);
    put_edges(f, &bundle, "phi_edges", 19, 0, 1);
    put_sample(f, &bundle, 0, "ZeroBias");
    put_sample(f, &bundle, 1, "TTBar");
    assert_ok(f->world.ctx, mb_draw_calo(f->gallery, f->world.ctx, &bundle));
    static const char *const names[] = {
        "region_deposits", "mean_images", "et_spectrum", "eta_spectrum", "phi_spectrum"};
    assert_int_equal(mb_gallery_count(f->gallery), MB_COUNT_OF(names));
    for (size_t i = 0; i < MB_COUNT_OF(names); i++) {
        assert_non_null(mb_gallery_find(f->gallery, names[i]));
    }
    assert_holds(f, "region_deposits.gp", "'Synthetic event 0'", "'Synthetic event 1'",
        "set cbrange [0:50]", "set cbrange [0:20]");
    assert_holds(f, "mean_images.gp", "'ZeroBias'", "'T T\u0305'");
    assert_holds(
        f, "et_spectrum.gp", "ET [counts of 0.5 GeV]", "set logscale y", "set xrange [0:1024]");
    // 4 of 4 in a bin of width one.
    assert_holds(f, "eta_spectrum.csv", "\n17,1,1\n");
    assert_holds(f, "phi_spectrum.gp", "set xrange [0:18]");
    mb_bundle_clear(&bundle);
    assert_all_draw(f);
}

static void test_figures_calo__what_lacks_its_arrays_is_left_out(void **state) {
    drawing *f = *state;
    mb_bundle bundle;
    mb_bundle_init(&bundle, f->world.ctx);
    assert_ok(f->world.ctx, mb_draw_calo(f->gallery, f->world.ctx, &bundle));
    assert_int_equal(mb_gallery_count(f->gallery), 0);
    put_array(f, &bundle, "n_samples", MB_I64, 1, (const size_t[]){1}, (const int64_t[]){1});
    put_sample(f, &bundle, 0, "ZeroBias");
    assert_ok(f->world.ctx, mb_draw_calo(f->gallery, f->world.ctx, &bundle));
    assert_int_equal(mb_gallery_count(f->gallery), 1);
    assert_non_null(mb_gallery_find(f->gallery, "mean_images"));
    mb_bundle_clear(&bundle);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_figures_calo__regions_have_no_ticks_and_phi_up, open_drawing, close_drawing),
        cmocka_unit_test_setup_teardown(
            test_figures_calo__reconstruction_names_its_mean_square_error, open_drawing,
            close_drawing),
        cmocka_unit_test_setup_teardown(
            test_figures_calo__saliency_is_on_a_scale_of_its_own, open_drawing, close_drawing),
        cmocka_unit_test_setup_teardown(
            test_figures_calo__draws_all_arrays_of_the_detector, open_drawing, close_drawing),
        cmocka_unit_test_setup_teardown(
            test_figures_calo__what_lacks_its_arrays_is_left_out, open_drawing, close_drawing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
