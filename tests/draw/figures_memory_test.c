// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "drawing.h"

#include "draw/figures_compare.h"
#include "draw/figures_matrix.h"
#include "draw/figures_rate.h"
#include "draw/figures_regions.h"
#include "draw/figures_training.h"

#include <math.h>

enum { N_REGIONS = 252 };

static const double rising[3] = {1, 2, 4};
static const double labels[3] = {0, 1, 1};

// One figure each: what is written costs more than what is tested.
typedef mb_status (*draw_call)(mb_gallery *gallery, mb_context *ctx);

static mb_status draw_matrix(mb_gallery *gallery, mb_context *ctx) {
    const mb_matrix_label names[2] = {{MB_LETTER_DATA, "a"}, {MB_LETTER_MODEL, "b"}};
    const double value[4] = {1, NAN, 2, 3};
    return mb_draw_matrix(gallery, ctx,
        &(mb_matrix_settings){.name = "matrix",
            .title = "t",
            .rows = names,
            .columns = names,
            .n_rows = 2,
            .n_columns = 2,
            .value = value,
            .spread = value},
        NULL);
}

static mb_status draw_trainings(mb_gallery *gallery, mb_context *ctx) {
    const mb_values values = mb_values_f64(rising, 3);
    const mb_training_columns fit = {
        .title = "t", .loss = values, .val_loss = values, .val_accuracy = values, .best_epoch = 2};
    return mb_draw_trainings(gallery, ctx, "trainings", &fit, 1, 0);
}

static mb_status draw_rate_roc(mb_gallery *gallery, mb_context *ctx) {
    mb_roc roc;
    MB_TRY(mb_roc_make(&roc, ctx, mb_values_f64(rising, 3), mb_values_f64(labels, 3)));
    const mb_rate_roc curve = {"c", &roc, 1};
    const mb_status status = mb_draw_rate_roc(
        gallery, ctx, &(mb_rate_roc_settings){"roc_rate", NULL, 28610, 3}, &curve, 1);
    mb_roc_clear(&roc);
    return status;
}

static mb_status draw_rate_curves(mb_gallery *gallery, mb_context *ctx) {
    mb_rate_curve rates;
    MB_TRY(mb_rate_curve_make(&rates, ctx, mb_values_f64(rising, 3), 28610));
    const mb_rate_line lines[2] = {{"a", &rates}, {"b", &rates}};
    const mb_status status = mb_draw_rate_curves(gallery, ctx, "rates", NULL, lines, 2);
    mb_rate_curve_clear(&rates);
    return status;
}

static mb_status draw_reconstruction(mb_gallery *gallery, mb_context *ctx) {
    const float et[N_REGIONS] = {3};
    const mb_values values = mb_values_f32(et, N_REGIONS);
    return mb_draw_reconstruction(
        gallery, ctx, "reconstruction", &(mb_reconstruction){"t", values, values, NAN});
}

static mb_status draw_pairs(mb_gallery *gallery, mb_context *ctx) {
    const mb_values values = mb_values_f64(rising, 3);
    return mb_draw_pairs(gallery, ctx,
        &(mb_pairs){.name = "pairs", .x_label = "x", .y_label = "y", .x = values, .y = values});
}

static mb_status draw_phi_roll(mb_gallery *gallery, mb_context *ctx) {
    const mb_values values = mb_values_f64(rising, 3);
    return mb_draw_phi_roll(gallery, ctx, "phi_roll", values, values, values);
}

static mb_status draw_counted(mb_gallery *gallery, mb_context *ctx) {
    const mb_counted_set set = {"s", mb_values_f64(rising, 2)};
    return mb_draw_counted(gallery, ctx,
        &(mb_counted_settings){
            .name = "counted", .edges = mb_values_f64(rising, 3), .is_density = true},
        &set, 1);
}

typedef struct scarce {
    const char *directory;
    draw_call draw;
} scarce;

static mb_status draw_one(void *user, mb_context *ctx) {
    const scarce *s = user;
    mb_gallery *gallery = NULL;
    MB_TRY(mb_gallery_open(ctx, s->directory, NULL, &gallery));
    const mb_status status = s->draw(gallery, ctx);
    mb_gallery_destroy(gallery);
    return status;
}

static void test_figures_memory__any_lack_of_memory_ends_cleanly(void **state) {
    drawing *f = *state;
    static const draw_call calls[] = {draw_matrix, draw_trainings, draw_rate_roc, draw_rate_curves,
        draw_reconstruction, draw_pairs, draw_phi_roll, draw_counted};
    for (size_t i = 0; i < MB_COUNT_OF(calls); i++) {
        scarce s = {f->directory, calls[i]};
        assert_true(mb_test_each_lack_of_memory(draw_one, &s) > 10);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_figures_memory__any_lack_of_memory_ends_cleanly, open_drawing, close_drawing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
