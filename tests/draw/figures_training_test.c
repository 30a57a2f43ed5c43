// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "drawing.h"

#include "draw/figures_training.h"

#include <math.h>

static const double loss[3] = {0.5, 0.25, 0.125};
static const double val_loss[3] = {0.75, 0.375, 0.5};
static const float accuracy[3] = {0.5F, 0.75F, 0.875F};

static mb_training_columns a_fit(void) {
    return (mb_training_columns){.title = "it's mine",
        .loss = mb_values_f64(loss, 3),
        .val_loss = mb_values_f64(val_loss, 3),
        .val_accuracy = mb_values_f32(accuracy, 3),
        .best_epoch = 2};
}

static void test_figures_training__accuracy_is_on_a_second_axis(void **state) {
    drawing *f = *state;
    mb_training_columns fit = a_fit();
    assert_ok(f->world.ctx, mb_draw_training(f->gallery, f->world.ctx, "training", &fit));
    assert_holds(f, "training.gp", "set title 'it''s mine, best epoch 2'", "set logscale y\n",
        "set y2label 'Validation accuracy'", "axes x1y2", "from first 2, graph 0",
        "title 'val_accuracy'");
    assert_holds(f, "training.csv",
        "\"Epoch\",\"Loss: loss\",\"Loss: val_loss\",\"Validation accuracy: val_accuracy\"",
        "\n2,0.25,0.375,0.75\n");
    assert_all_draw(f);
}

static void test_figures_training__a_fit_without_accuracy_has_one_axis(void **state) {
    drawing *f = *state;
    mb_training_columns fit = a_fit();
    fit.val_accuracy.n = 0;
    fit.best_epoch = NAN;
    assert_ok(f->world.ctx, mb_draw_training(f->gallery, f->world.ctx, "training", &fit));
    assert_lacks(f, "training.gp", "axes x1y2", "set y2label '", "set arrow from", "best epoch");
    // A loss that is not positive has no place on a logarithmic axis.
    const double negative[2] = {0.5, -0.5};
    fit.loss = mb_values_f64(negative, 2);
    fit.val_loss.n = 0;
    assert_ok(f->world.ctx, mb_draw_training(f->gallery, f->world.ctx, "training", &fit));
    assert_lacks(f, "training.gp", "set logscale y");
    fit.loss.n = 0;
    assert_ok(f->world.ctx, mb_draw_training(f->gallery, f->world.ctx, "training", &fit));
    assert_holds(f, "training.gp", "no entries");
    assert_all_draw(f);
}

static void test_figures_training__a_short_logarithmic_axis_has_numbers(void **state) {
    drawing *f = *state;
    mb_training_columns fit = a_fit();
    const double flat[3] = {74, 72, 71};
    fit.loss = fit.val_loss = mb_values_f64(flat, 3);
    assert_ok(f->world.ctx, mb_draw_training(f->gallery, f->world.ctx, "training", &fit));
    assert_holds(f, "training.gp", "set logscale y\n", "set ytics ('60' 60, '70' 70, '80' 80)\n");
    assert_all_draw(f);
}

static void test_figures_training__many_fits_share_a_figure(void **state) {
    drawing *f = *state;
    mb_training_columns fits[21];
    for (size_t i = 0; i < 21; i++) {
        fits[i] = a_fit();
    }
    assert_ok(f->world.ctx, mb_draw_trainings(f->gallery, f->world.ctx, "trainings", fits, 21, 3));
    assert_holds(f, "trainings.gp", "layout 7,3", "All 21 trainings");
    assert_ok(f->world.ctx, mb_draw_trainings(f->gallery, f->world.ctx, "few", fits, 2, 0));
    assert_holds(f, "few.gp", "layout 1,2");
    assert_ok(f->world.ctx, mb_draw_trainings(f->gallery, f->world.ctx, "none", fits, 0, 0));
    assert_all_draw(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_figures_training__accuracy_is_on_a_second_axis, open_drawing, close_drawing),
        cmocka_unit_test_setup_teardown(test_figures_training__a_fit_without_accuracy_has_one_axis,
            open_drawing, close_drawing),
        cmocka_unit_test_setup_teardown(test_figures_training__a_short_logarithmic_axis_has_numbers,
            open_drawing, close_drawing),
        cmocka_unit_test_setup_teardown(
            test_figures_training__many_fits_share_a_figure, open_drawing, close_drawing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
