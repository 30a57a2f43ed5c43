// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "drawing.h"

#include "draw/figures.h"

#include <math.h>

static void test_figures__history_has_the_words_of_the_spec(void **state) {
    drawing *f = *state;
    const double loss[2] = {0.5, 0.25};
    const float accuracy[2] = {0.75F, 0.875F};
    mb_history_columns history = {.loss = mb_values_f64(loss, 2),
        .accuracy = mb_values_f32(accuracy, 2),
        .val_loss = mb_values_f64(loss, 2)};
    assert_ok(f->world.ctx, mb_draw_history(f->gallery, f->world.ctx, &history));
    assert_holds(f, "history.csv", "\"Epoch\"", "Training loss: Loss: Training set",
        "Training accuracy: Accuracy: Training set", "\n1,0.5,0.5,0.75\n2,0.25,0.25,0.875\n");
    assert_holds(f, "history.gp", "set title 'Training loss'", "set title 'Training accuracy'",
        "set xlabel 'Epoch'", "set ylabel 'Loss'", "set yrange [0:1]", "title 'Validation set'",
        "size 864,384");
    history = (mb_history_columns){.width = 12, .height = 5};
    assert_ok(f->world.ctx, mb_draw_history(f->gallery, f->world.ctx, &history));
    assert_holds(f, "history.gp", "size 1152,480", "no entries");
    assert_all_draw(f);
}

static void test_figures__roc_names_auc_and_its_error(void **state) {
    drawing *f = *state;
    const float score[6] = {0.1F, 0.4F, 0.35F, 0.8F, 0.7F, 0.2F};
    const float label[6] = {0, 0, 1, 1, 1, 0};
    mb_roc roc;
    assert_ok(f->world.ctx,
        mb_roc_make(&roc, f->world.ctx, mb_values_f32(score, 6), mb_values_f32(label, 6)));
    const mb_roc_curve curve = {"it's mine", &roc};
    assert_ok(f->world.ctx, mb_draw_roc(f->gallery, f->world.ctx, "roc", &curve, 1, 28610));
    assert_holds(
        f, "roc.gp", "'it''s mine: AUC 0.8889 ± 0.1571'", "Trigger rate (kHz)", "set logscale x");
    mb_roc_clear(&roc);
    assert_all_draw(f);
}

static void test_figures__scores_are_split_by_class(void **state) {
    drawing *f = *state;
    const float score[4] = {0.01F, 0.01F, 0.99F, NAN};
    const int64_t label[4] = {0, 0, 1, 1};
    assert_ok(f->world.ctx, mb_draw_scores(f->gallery, f->world.ctx, false, mb_values_f32(score, 4),
                                mb_values_i64(label, 4), 0.5));
    assert_holds(f, "scores.gp", "Background (2)", "Signal (2)", "threshold 0.5", "set logscale y");
    assert_holds(f, "scores.csv", "\n0,0,2\n", "\n0.98,1,0\n");
    assert_ok(f->world.ctx, mb_draw_scores(f->gallery, f->world.ctx, false, mb_values_f32(score, 4),
                                mb_values_i64(NULL, 0), NAN));
    assert_holds(f, "scores.gp", "All (4)");
    assert_ok(f->world.ctx, mb_draw_scores(f->gallery, f->world.ctx, true, mb_values_f32(score, 4),
                                mb_values_i64(label, 4), 0.5));
    assert_holds(f, "scores.gp", "Score of edges", "1 - distance");
    assert_fails(f->world.ctx,
        mb_draw_scores(
            f->gallery, f->world.ctx, false, mb_values_f32(score, 4), mb_values_i64(label, 3), 0.5),
        MB_ERR_SHAPE, "3 labels");
    assert_all_draw(f);
}

static void test_figures__turn_on_has_a_bin_at_zero_and_the_cuts(void **state) {
    drawing *f = *state;
    const float score[5] = {0.1F, 0.6F, 0.4F, 0.9F, 0.8F};
    const float pt[5] = {0, 0, 1.1F, 2.1F, 40};
    const int32_t tracks[5] = {0, 1, 1, 3, 4};
    const mb_turn_on_columns columns = {
        mb_values_f32(score, 5), mb_values_f32(pt, 5), mb_values_i32(tracks, 5), 0.5, 2.0, 3, 7};
    assert_ok(f->world.ctx, mb_draw_turn_on(f->gallery, f->world.ctx, &columns));
    // Centre and value, then the limits of the Wilson interval, then the bin.
    assert_holds(f, "turn_on_pt.csv", "\n0,0.5,", ",-0.25,0.25\n", ",8,40\n");
    assert_holds(f, "turn_on_pt.gp", "label: pt > 2 GeV", "on 7 layers or more",
        "Share of 5 events with score >= 0.5");
    assert_holds(f, "turn_on_tracks.csv", "\n1,0.5,", "\n3,1,", "\n4,1,");
    assert_holds(f, "turn_on_tracks.gp", "from first 2.5,", "label: 3 tracks or more");
    assert_all_draw(f);
}

static void test_figures__learning_curve_averages_the_repeats(void **state) {
    drawing *f = *state;
    const mb_learning_point points[4] = {
        {1000, 64, 2, 0.25, 0.5, 0.5, 0.5, 0.5, 0.5},
        {500, 64, 2, 0.5, 0.5, 0.5, 0.75, 0.5, 0.5},
        {1000, 64, 2, 0.25, 0.5, 0.5, 0.25, 0.5, NAN},
        {500, 128, 3, 0.5, 0.5, NAN, 1, 0.5, NAN},
    };
    assert_ok(f->world.ctx, mb_draw_learning_curve(f->gallery, f->world.ctx, points, 4));
    assert_holds(f, "learning_curve.gp", "'64 bins, depth 2'", "'128 bins, depth 3'",
        "set logscale x", "dt 2");
    // Events, training loss, validation loss with its ends: 0.5 and 0.25 give 0.375 +- 0.125.
    assert_holds(f, "learning_curve.csv", "\n500,0.5,0.75,", "\n1000,0.25,0.375,0.25,0.5");
    assert_ok(f->world.ctx, mb_draw_learning_curve(f->gallery, f->world.ctx, NULL, 0));
    assert_holds(f, "learning_curve.gp", "no entries");
    assert_all_draw(f);
}

static void test_figures__histograms_put_whole_numbers_in_the_middle(void **state) {
    drawing *f = *state;
    const int64_t value[5] = {1, 1, 2, 4, 4};
    const mb_histogram_set set = {"Hits", mb_values_i64(value, 5)};
    const mb_histogram_settings settings = {.name = "hits", .x_label = "Hits", .y_label = "Events"};
    assert_ok(f->world.ctx, mb_draw_histograms(f->gallery, f->world.ctx, &settings, &set, 1));
    assert_holds(f, "hits.csv", "\n0.5,2\n1.5,1\n2.5,0\n3.5,2\n4.5,2\n");
    const mb_histogram_settings unit = {
        .name = "unit", .n_bins = 2, .low = 0, .high = 8, .is_density = true};
    assert_ok(f->world.ctx, mb_draw_histograms(f->gallery, f->world.ctx, &unit, &set, 1));
    assert_holds(f, "unit.csv", "\n0,0.15\n4,0.1\n");
    assert_all_draw(f);
}

static void test_figures__histograms_of_huge_numbers_have_a_range(void **state) {
    drawing *f = *state;
    static const double values[][2] = {
        {1e20, 1e20}, {-1.7e308, 1.7e308}, {1.7e308, 1.7e308}, {-1e17, 1e17}, {0.1, 0.1 + 1e-16}};
    for (size_t i = 0; i < MB_COUNT_OF(values); i++) {
        const mb_histogram_set set = {"Sum", mb_values_f64(values[i], 2)};
        const mb_histogram_settings settings = {.name = "huge"};
        assert_ok(f->world.ctx, mb_draw_histograms(f->gallery, f->world.ctx, &settings, &set, 1));
    }
}

// Two hits of one event: in the first and in the last barrel layer.
static void fill_bundle(drawing *f, mb_bundle *bundle, bool has_truth) {
    const size_t two = 2;
    const int32_t layers[4] = {8, 2, 17, 4};
    put_array(f, bundle, "layers", MB_I32, 2, (const size_t[]){2, 2}, layers);
    put_array(f, bundle, "hits/volid", MB_I32, 1, &two, (const int32_t[]){8, 17});
    put_array(f, bundle, "hits/z", MB_F32, 1, &two, (const float[]){10, -20});
    put_array(f, bundle, "hits/r", MB_F32, 1, &two, (const float[]){32, 1020});
    put_array(f, bundle, "selected/event", MB_I64, 1, &two, (const int64_t[]){5, 5});
    put_array(f, bundle, "selected/layer", MB_I32, 1, &two, (const int32_t[]){0, 1});
    put_array(f, bundle, "selected/volume", MB_I32, 1, &two, (const int32_t[]){0, 2});
    put_array(f, bundle, "selected/z", MB_F32, 1, &two, (const float[]){10, -20});
    put_array(f, bundle, "selected/r", MB_F32, 1, &two, (const float[]){32, 1020});
    put_array(f, bundle, "selected/phi", MB_F32, 1, &two, (const float[]){1, 2});
    put_array(f, bundle, "images/volume0", MB_U16, 4, (const size_t[]){1, 1, 2, 2},
        (const uint16_t[]){0, 0, 3, 0});
    put_array(f, bundle, "images/volume0_phi_edges", MB_F64, 1, (const size_t[]){3},
        (const double[]){-3, 0, 3});
    put_array(f, bundle, "images/volume0_z_edges", MB_F64, 1, (const size_t[]){3},
        (const double[]){-500, 0, 500});
    put_array(f, bundle, "counts/hits", MB_I64, 1, &two, (const int64_t[]){2, 4});
    put_array(f, bundle, "counts/layers", MB_I64, 2, (const size_t[]){2, 2},
        (const int64_t[]){1, 1, 2, 2});
    if (has_truth) {
        put_array(f, bundle, "selected/particle", MB_I32, 1, &two, (const int32_t[]){0, 9});
        put_array(f, bundle, "counts/tracks", MB_I64, 1, &two, (const int64_t[]){1, 2});
        put_array(f, bundle, "particles/pt", MB_F32, 1, &two, (const float[]){1, 3});
        put_array(f, bundle, "particles/eta", MB_F32, 1, &two, (const float[]){-1, 1});
    }
}

static void test_figures__barrel_draws_all_of_the_spec(void **state) {
    drawing *f = *state;
    mb_bundle bundle;
    mb_bundle_init(&bundle, f->world.ctx);
    fill_bundle(f, &bundle, true);
    assert_ok(f->world.ctx, mb_draw_barrel(f->gallery, f->world.ctx, &bundle));
    static const char *const names[] = {"event_images", "hits_zr", "selected_zr", "hits_zphi",
        "multiplicity", "hits_per_layer", "pt_eta"};
    for (size_t i = 0; i < MB_COUNT_OF(names); i++) {
        assert_non_null(mb_gallery_find(f->gallery, names[i]));
    }
    // Row 1, column 0 of the image: phi 0 .. 3, z -500 .. 0.
    assert_holds(f, "event_images.csv", "\n-250,1.5,3\n");
    assert_holds(f, "event_images.gp", "set title '(8, 2)'");
    assert_holds(f, "hits_zphi.gp", "set title '(17, 4)'", "set xrange [-500:500]",
        "set xrange [-1100:1100]", "shade($");
    assert_holds(f, "hits_per_layer.gp", "title 'Layer'");
    assert_holds(f, "pt_eta.gp", "set logscale y");
    assert_holds(f, "multiplicity.gp", "Tracks per event");
    mb_bundle_clear(&bundle);
    assert_all_draw(f);
}

static void test_figures__barrel_without_truth_leaves_out_what_needs_it(void **state) {
    drawing *f = *state;
    mb_bundle bundle;
    mb_bundle_init(&bundle, f->world.ctx);
    fill_bundle(f, &bundle, false);
    assert_ok(f->world.ctx, mb_draw_barrel(f->gallery, f->world.ctx, &bundle));
    assert_null(mb_gallery_find(f->gallery, "pt_eta"));
    assert_int_equal(mb_gallery_count(f->gallery), 6);
    mb_bundle_clear(&bundle);
    mb_bundle_init(&bundle, f->world.ctx);
    assert_ok(f->world.ctx, mb_draw_barrel(f->gallery, f->world.ctx, &bundle));
    assert_int_equal(mb_gallery_count(f->gallery), 6);
    mb_bundle_clear(&bundle);
    assert_all_draw(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_figures__history_has_the_words_of_the_spec, open_drawing, close_drawing),
        cmocka_unit_test_setup_teardown(
            test_figures__roc_names_auc_and_its_error, open_drawing, close_drawing),
        cmocka_unit_test_setup_teardown(
            test_figures__scores_are_split_by_class, open_drawing, close_drawing),
        cmocka_unit_test_setup_teardown(
            test_figures__turn_on_has_a_bin_at_zero_and_the_cuts, open_drawing, close_drawing),
        cmocka_unit_test_setup_teardown(
            test_figures__learning_curve_averages_the_repeats, open_drawing, close_drawing),
        cmocka_unit_test_setup_teardown(
            test_figures__histograms_put_whole_numbers_in_the_middle, open_drawing, close_drawing),
        cmocka_unit_test_setup_teardown(
            test_figures__histograms_of_huge_numbers_have_a_range, open_drawing, close_drawing),
        cmocka_unit_test_setup_teardown(
            test_figures__barrel_draws_all_of_the_spec, open_drawing, close_drawing),
        cmocka_unit_test_setup_teardown(test_figures__barrel_without_truth_leaves_out_what_needs_it,
            open_drawing, close_drawing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
