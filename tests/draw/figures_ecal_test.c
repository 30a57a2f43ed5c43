// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "drawing.h"

#include "base/output.h"
#include "draw/figures.h"
#include "draw/figures_ecal.h"
#include "showers.h"

#include <math.h>
#include <stdio.h>

static const char *const plain_names[MB_SHOWER_CLASSES] = {"Photon", "Electron"};

enum { ALL_PARTS = SHOWER_WITH_IMAGES | SHOWER_WITH_FRAMES | SHOWER_WITH_DISTRIBUTIONS };

static void draw_showers(drawing *f, const char *const *names, int64_t own_scale) {
    mb_bundle bundle;
    mb_bundle_init(&bundle, f->world.ctx);
    assert_ok(f->world.ctx,
        put_showers(&bundle, f->world.ctx, names, MB_SHOWER_CLASSES, ALL_PARTS, own_scale));
    assert_ok(f->world.ctx, mb_draw_ecal(f->gallery, f->world.ctx, &bundle));
    mb_bundle_clear(&bundle);
}

static void test_figures_ecal__draws_all_pictures_of_showers(void **state) {
    drawing *f = *state;
    static const char *const names[] = {"energy_images", "timing_images", "event_0", "event_7",
        "spacetime_scatter", "photon", "electron", "vectorised_frames", "time_density",
        "time_density_energy", "time_cdf", "time_cdf_energy", "crop_study", "hit_sequences"};
    draw_showers(f, plain_names, 0);
    for (size_t i = 0; i < MB_COUNT_OF(names); i++) {
        assert_non_null(mb_gallery_find(f->gallery, names[i]));
    }
    assert_int_equal(mb_gallery_count(f->gallery), MB_COUNT_OF(names) + 6);
    assert_all_draw(f);
}

static void test_figures_ecal__images_share_one_scale_unless_each_has_its_own(void **state) {
    drawing *f = *state;
    draw_showers(f, plain_names, 0);
    assert_holds(f, "energy_images.gp", "'Photons'", "'Electrons'", "'Electron 300'", "#440154",
        "set cblabel 'Energy'", ":0.80000001192092896]");
    assert_lacks(f, "energy_images.gp", ":0.75]", ":0.64999997615814209]");
    assert_holds(f, "timing_images.gp", "set cblabel 'Timing'");
    // An empty crystal is an empty cell.
    assert_holds(f, "energy_images.csv", "\n0,0,,,,,,,,\n", "\"Column\",\"Row\",");
    draw_showers(f, plain_names, 1);
    assert_holds(f, "energy_images.gp", ":0.80000001192092896]", ":0.75]", ":0.64999997615814209]");
}

static void test_figures_ecal__single_events_have_energy_and_time(void **state) {
    drawing *f = *state;
    draw_showers(f, plain_names, 0);
    assert_holds(f, "event_0.gp", "title 'Photon'", "set title 'Energy'", "set title 'Time'",
        "set cblabel 'Energy'", "set cblabel 'Time'");
    assert_holds(f, "event_7.gp", "title 'Electron'", "row 300 of its file");
}

static void test_figures_ecal__scatter_is_seen_from_ten_degrees(void **state) {
    drawing *f = *state;
    draw_showers(f, plain_names, 0);
    assert_holds(f, "spacetime_scatter.gp", "set view 80,", "splot", "'X (row)'", "'Y (column)'",
        "set zlabel 'Time'", "set zrange [-0.10000000000000001:0.10000000000000001]",
        "(ball(1000 * $", "(glass($");
}

static void test_figures_ecal__films_have_a_frame_for_each_interval(void **state) {
    drawing *f = *state;
    char path[4096];
    draw_showers(f, plain_names, 0);
    assert_holds(f, "photon.gp", "gif animate delay 20 loop 0 size 864,576",
        "'Photon: (-0.10,-0.06)'", "'Photon: (0.06,0.10)'", "photon_04.png",
        "set cbrange [0:0.80000001192092896]");
    assert_lacks(f, "photon.gp", "photon_05.png");
    assert_all_draw(f);
    const mb_gallery_entry *film = mb_gallery_find(f->gallery, "photon");
    const mb_gallery_entry *still = mb_gallery_find(f->gallery, "event_0");
    assert_false(still->is_animated);
    if (!film->is_animated) {
        return;
    }
    char *bytes;
    size_t length;
    assert_ok(f->world.ctx, mb_read_file(f->world.ctx, film->gif, &bytes, &length));
    assert_memory_equal(bytes, "GIF89a\x60\x03\x40\x02", 10);
    size_t n_frames = 0;
    bool is_endless = false;
    for (size_t i = 0; i + 19 < length; i++) {
        // Graphic control: 20 hundredths of a second.
        n_frames +=
            memcmp(bytes + i, "\x21\xF9\x04", 3) == 0 && memcmp(bytes + i + 4, "\x14", 2) == 0;
        is_endless = is_endless || memcmp(bytes + i, "NETSCAPE2.0\x03\x01\0\0\0", 16) == 0;
    }
    mb_release(f->world.ctx, bytes);
    assert_int_equal(n_frames, SHOWER_FRAMES);
    assert_true(is_endless);
    snprintf(path, sizeof path, "%s/photon_04.png", f->directory);
    assert_true(mb_path_exists(path));
    mb_gallery *again;
    assert_ok(f->world.ctx, mb_gallery_load(f->world.ctx, f->directory, &again));
    assert_true(mb_gallery_find(again, "photon")->is_animated);
    assert_false(mb_gallery_find(again, "event_0")->is_animated);
    mb_gallery_destroy(again);
    // A new film has no frames of the old one.
    draw_showers(f, plain_names, 0);
    assert_false(mb_path_exists(path));
    assert_false(mb_path_exists(film->gif));
}

static void test_figures_ecal__distributions_are_shares_of_everything(void **state) {
    drawing *f = *state;
    draw_showers(f, plain_names, 0);
    // 2000 of 4000 pixels in the first hundredth, 500 more in the second.
    assert_holds(f, "time_cdf.csv", "\n0,0,0\n", "\n0.01,50,50\n", "\n0.02,62.5,62.5\n");
    assert_holds(f, "time_density.csv", "\n0,50,50\n");
    assert_holds(f, "time_cdf_energy.csv", "\n0.01,57.5,57.5\n");
    assert_holds(f, "time_cdf.gp", "'Absolute Time'", "'Cumulative Percent'", "'Photon'");
    assert_holds(f, "time_density.gp", "'Absolute Time'", "'Density'", "'Electron'");
}

static void test_figures_ecal__crops_name_area_and_means(void **state) {
    drawing *f = *state;
    draw_showers(f, plain_names, 0);
    // Hits: 0.5 + mean of 0 .. 0.19.
    assert_holds(f, "crop_study.gp", "'6x6: 0.25'", "'8x8: 0.44'", "'nhits avg:0.59'",
        "'nhits avg:0.84'", "'ensum avg:1.00'", "'Electron images'");
    assert_holds(f, "crop_study.csv", "\"crop\",\"area\",\"Photon: mean fraction of hits\"",
        "\n6,0.25,0.59");
    assert_holds(f, "hit_sequences.gp", "'Hits per image'", "'energy'", "'time'");
    assert_holds(
        f, "vectorised_frames.gp", "'Photon: Energy'", "'Electron: Time'", "'(0.06,0.10)'");
}

static void test_figures_ecal__hostile_names_stay_texts(void **state) {
    drawing *f = *state;
    static const char *const names[MB_SHOWER_CLASSES] = {"it's `date`", "a'\nset output '/x'\xFF"};
    draw_showers(f, names, 0);
    assert_holds(f, "photon.gp", "'it''s `date`: (-0.10,-0.06)'");
    assert_lacks(f, "electron.gp", "\nset output '/x'");
    assert_all_draw(f);
}

static void test_figures_ecal__what_lacks_its_arrays_is_left_out(void **state) {
    drawing *f = *state;
    mb_bundle bundle;
    mb_bundle_init(&bundle, f->world.ctx);
    assert_ok(f->world.ctx, mb_draw_ecal(f->gallery, f->world.ctx, &bundle));
    assert_int_equal(mb_gallery_count(f->gallery), 0);
    // Images without any hit, of one class, and lists without rows.
    const float zero = 0;
    float empty[9];
    for (size_t i = 0; i < MB_COUNT_OF(empty); i++) {
        empty[i] = NAN;
    }
    put_array(f, &bundle, "class/1/energy", MB_F32, 3, (const size_t[]){1, 3, 3}, empty);
    put_array(f, &bundle, "class/1/time", MB_F32, 3, (const size_t[]){1, 3, 3}, empty);
    put_array(f, &bundle, "class/1/hits", MB_F32, 2, (const size_t[]){0, 4}, &zero);
    put_array(f, &bundle, "class/1/frames", MB_F32, 3, (const size_t[]){1, 3, 3}, empty);
    put_array(f, &bundle, "frame_edges", MB_F64, 1, (const size_t[]){2}, (const double[]){0, 1});
    // Of another form than it should be.
    put_array(f, &bundle, "class/1/sequence", MB_F32, 1, (const size_t[]){1}, &zero);
    put_array(f, &bundle, "class/1/vectorised", MB_F32, 4, (const size_t[]){1, 1, 1, 1}, &zero);
    assert_ok(f->world.ctx, mb_draw_ecal(f->gallery, f->world.ctx, &bundle));
    mb_bundle_clear(&bundle);
    assert_int_equal(mb_gallery_count(f->gallery), 4);
    assert_non_null(mb_gallery_find(f->gallery, "energy_images"));
    assert_non_null(mb_gallery_find(f->gallery, "electron"));
    assert_all_draw(f);
}

typedef struct scarce {
    const char *directory;
    unsigned parts;
} scarce;

// One class: what is written costs more than what is tested.
static mb_status draw_scarce(void *user, mb_context *ctx) {
    const scarce *s = user;
    mb_gallery *gallery = NULL;
    mb_bundle bundle;
    mb_bundle_init(&bundle, ctx);
    mb_status status = put_showers(&bundle, ctx, plain_names, 1, s->parts, 0);
    if (status == MB_OK) {
        status = mb_gallery_open(ctx, s->directory, NULL, &gallery);
    }
    if (status == MB_OK) {
        status = mb_draw_ecal(gallery, ctx, &bundle);
    }
    mb_gallery_destroy(gallery);
    mb_bundle_clear(&bundle);
    return status;
}

static void test_figures_ecal__any_lack_of_memory_ends_cleanly(void **state) {
    drawing *f = *state;
    for (unsigned parts = SHOWER_WITH_IMAGES; parts <= SHOWER_WITH_DISTRIBUTIONS; parts *= 2) {
        scarce s = {f->directory, parts};
        assert_true(mb_test_each_lack_of_memory(draw_scarce, &s) > 10);
    }
}

static void test_figures_ecal__roc_alone_has_the_auc_in_its_title(void **state) {
    drawing *f = *state;
    const double scores[6] = {1, 2, 3, 4, 5, 6};
    const double labels[6] = {0, 0, 1, 0, 1, 1};
    mb_roc roc;
    assert_ok(f->world.ctx,
        mb_roc_make(&roc, f->world.ctx, mb_values_f64(scores, 6), mb_values_f64(labels, 6)));
    assert_ok(f->world.ctx, mb_draw_roc_alone(f->gallery, f->world.ctx, "roc", &roc));
    assert_holds(f, "roc.gp", "'ROC Curve (AUC = 0.889)'", "'False Positive Rate'",
        "'True Positive Rate'", "lt 10 dt 2");
    mb_roc_clear(&roc);
    const mb_history_words words = {
        "Binary Cross Entropy Loss", "Accuracy", "Epochs", "Training", "Validation"};
    const mb_history_columns history = {.loss = mb_values_f64(scores, 6),
        .accuracy = mb_values_f64(labels, 6),
        .val_loss = mb_values_f64(scores, 6),
        .words = &words};
    assert_ok(f->world.ctx, mb_draw_history(f->gallery, f->world.ctx, &history));
    assert_holds(f, "history.gp", "set title 'Binary Cross Entropy Loss'", "set title 'Accuracy'",
        "set xlabel 'Epochs'", "title 'Training'", "title 'Validation'");
    assert_all_draw(f);
}

#define drawing_test(name) cmocka_unit_test_setup_teardown(name, open_drawing, close_drawing)

int main(void) {
    const struct CMUnitTest tests[] = {
        drawing_test(test_figures_ecal__draws_all_pictures_of_showers),
        drawing_test(test_figures_ecal__images_share_one_scale_unless_each_has_its_own),
        drawing_test(test_figures_ecal__single_events_have_energy_and_time),
        drawing_test(test_figures_ecal__scatter_is_seen_from_ten_degrees),
        drawing_test(test_figures_ecal__films_have_a_frame_for_each_interval),
        drawing_test(test_figures_ecal__distributions_are_shares_of_everything),
        drawing_test(test_figures_ecal__crops_name_area_and_means),
        drawing_test(test_figures_ecal__hostile_names_stay_texts),
        drawing_test(test_figures_ecal__what_lacks_its_arrays_is_left_out),
        drawing_test(test_figures_ecal__any_lack_of_memory_ends_cleanly),
        drawing_test(test_figures_ecal__roc_alone_has_the_auc_in_its_title),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
