// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "world.h"

#include "base/output.h"
#include "draw/figures.h"
#include "draw/gnuplot.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

// A hostile text: it must end up as letters on a picture, whatever it says.
static const char hostile[] =
    "'''; a''''b'' system(\"touch x\") `touch x` \n!touch x\n\\n @a $b %d {/Bold c} "
    "\"<svg>&\x01\xff\xc3";

static int set_up(void **state) {
    noting_world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    noting_world_open(world, 2);
    *state = world;
    return 0;
}

static int tear_down(void **state) {
    noting_world_close(*state);
    free(*state);
    return 0;
}

static char *read_text(noting_world *world, const char *name) {
    char *path = mb_path_join(world->ctx, world->directory, name);
    char *text;
    size_t length;
    assert_ok(world->ctx, mb_read_file(world->ctx, path, &text, &length));
    mb_release(world->ctx, path);
    return text;
}

static bool has_file(noting_world *world, const char *name) {
    char *path = mb_path_join(world->ctx, world->directory, name);
    const bool is_there = mb_path_exists(path);
    mb_release(world->ctx, path);
    return is_there;
}

static bool has_gnuplot(noting_world *world) {
    char *program;
    assert_ok(world->ctx, mb_gnuplot_find(world->ctx, "gnuplot", &program));
    const bool is_there = program != NULL;
    mb_release(world->ctx, program);
    return is_there;
}

static void skip_without_gnuplot(noting_world *world) {
    if (!has_gnuplot(world)) {
        print_message("SKIPPED: gnuplot is absent\n");
        skip();
    }
}

static mb_gallery *open_gallery(noting_world *world, const mb_gallery_settings *settings) {
    mb_gallery *gallery;
    assert_ok(world->ctx, mb_gallery_open(world->ctx, world->directory, settings, &gallery));
    return gallery;
}

static mb_figure *small_figure(mb_context *ctx, const char *name, const char *title) {
    static const double x[3] = {1, 2, 3};
    static const float y[3] = {0.1F, NAN, 0.3F};
    mb_figure *figure = mb_figure_create(ctx, name, 4, 3);
    mb_figure_caption(figure, "A caption, %d%%", 7);
    mb_figure_title(figure, title);
    mb_panel *panel = mb_figure_panel(figure,
        &(mb_panel_settings){
            .title = title, .x = {.label = title}, .y = {.label = "Loss"}, .legend_title = title});
    mb_panel_series(panel, &(mb_series){.kind = MB_SERIES_LINE,
                               .label = title,
                               .x = mb_values_f64(x, 3),
                               .y = mb_values_f32(y, 3)});
    mb_panel_vertical(panel, 2, title);
    mb_panel_text(panel, 0.5, 0.5, title);
    return figure;
}

static void test_gallery__keeps_script_data_and_pictures(void **state) {
    noting_world *world = *state;
    mb_gallery *gallery = open_gallery(world, NULL);
    assert_ok(world->ctx,
        mb_gallery_add(gallery, world->ctx, small_figure(world->ctx, "small", "Title")));
    char *csv = read_text(world, "small.csv");
    // The point with a NaN is left out.
    assert_string_equal(csv, "\"Title\",\"Loss: Title\"\n1,0.1\n3,0.3\n");
    mb_release(world->ctx, csv);
    assert_true(has_file(world, "small.gp"));
    skip_without_gnuplot(world);
    assert_ok(world->ctx, mb_gallery_draw(gallery, world->ctx));
    const mb_gallery_entry *entry = mb_gallery_find(gallery, "small");
    assert_true(entry->is_drawn);
    assert_string_equal(entry->caption, "A caption, 7%");
    char *svg = read_text(world, "small.svg");
    assert_non_null(strstr(svg, "<svg"));
    assert_non_null(strstr(svg, "</svg>"));
    mb_release(world->ctx, svg);
    char *png = read_text(world, "small.png");
    assert_memory_equal(png, "\x89PNG", 4);
    mb_release(world->ctx, png);
    mb_gallery_destroy(gallery);

    assert_ok(world->ctx, mb_gallery_load(world->ctx, world->directory, &gallery));
    assert_int_equal(mb_gallery_count(gallery), 1);
    entry = mb_gallery_entry_at(gallery, 0);
    assert_string_equal(entry->caption, "A caption, 7%");
    assert_true(entry->is_drawn);
    mb_gallery_destroy(gallery);
}

static void test_gallery__hostile_texts_stay_texts(void **state) {
    noting_world *world = *state;
    skip_without_gnuplot(world);
    mb_gallery *gallery = open_gallery(world, NULL);
    assert_ok(world->ctx,
        mb_gallery_add(gallery, world->ctx, small_figure(world->ctx, "small", hostile)));
    assert_ok(world->ctx, mb_gallery_draw(gallery, world->ctx));
    assert_true(mb_gallery_find(gallery, "small")->is_drawn);
    assert_false(has_file(world, "x"));
    char *svg = read_text(world, "small.svg");
    assert_non_null(strstr(svg, "touch x"));
    assert_non_null(strstr(svg, "&lt;svg>&amp;"));
    assert_null(strchr(svg, '\x01'));
    mb_release(world->ctx, svg);
    mb_gallery_destroy(gallery);
}

static void test_gallery__without_gnuplot_data_stay_and_a_notice_is_given(void **state) {
    noting_world *world = *state;
    mb_gallery *gallery =
        open_gallery(world, &(mb_gallery_settings){.gnuplot = "no-such-program-anywhere"});
    assert_ok(
        world->ctx, mb_gallery_add(gallery, world->ctx, small_figure(world->ctx, "small", "t")));
    assert_ok(world->ctx, mb_gallery_draw(gallery, world->ctx));
    assert_false(mb_gallery_find(gallery, "small")->is_drawn);
    assert_true(has_file(world, "small.gp") && has_file(world, "small.csv"));
    assert_non_null(strstr(world->notices, "is not installed"));
    mb_gallery_destroy(gallery);
}

static void write_program(noting_world *world, const char *body, char *path, size_t size) {
    snprintf(path, size, "%s/fake", world->directory);
    assert_ok(world->ctx, mb_write_file(world->ctx, path, body, strlen(body)));
    assert_int_equal(chmod(path, 0700), 0);
}

static void draw_with(noting_world *world, const char *program_text, double timeout) {
    char program[4096];
    write_program(world, program_text, program, sizeof program);
    mb_gallery *gallery =
        open_gallery(world, &(mb_gallery_settings){.gnuplot = program, .timeout_seconds = timeout});
    for (int i = 0; i < 5; i++) {
        char name[32];
        snprintf(name, sizeof name, "figure%d", i);
        assert_ok(
            world->ctx, mb_gallery_add(gallery, world->ctx, small_figure(world->ctx, name, "t")));
    }
    assert_ok(world->ctx, mb_gallery_draw(gallery, world->ctx));
    for (size_t i = 0; i < 5; i++) {
        assert_false(mb_gallery_entry_at(gallery, i)->is_drawn);
    }
    mb_gallery_destroy(gallery);
}

static void test_gallery__a_failing_gnuplot_is_a_notice(void **state) {
    noting_world *world = *state;
    draw_with(world,
        "#!/bin/sh\necho first\necho 'line 5: no such thing' >&2\ntouch figure3.svg\nexit 1\n", 10);
    assert_non_null(strstr(world->notices, "figure3: line 5: no such thing;"));
    assert_false(has_file(world, "figure3.svg"));
}

static void test_gallery__a_hanging_gnuplot_is_killed(void **state) {
    noting_world *world = *state;
    draw_with(world, "#!/bin/sh\nexec sleep 100\n", 0.1);
    assert_non_null(strstr(world->notices, "it took too long"));
}

static void test_gallery__much_output_does_not_block(void **state) {
    noting_world *world = *state;
    draw_with(
        world, "#!/bin/sh\nhead -c 300000 /dev/zero | tr '\\0' 'x'\necho\necho last\nexit 3\n", 30);
    assert_non_null(strstr(world->notices, "figure0: last;"));
}

static void test_gallery__refuses_names_that_leave_the_folder(void **state) {
    noting_world *world = *state;
    mb_gallery *gallery = open_gallery(world, NULL);
    static const char *const bad[] = {"", "../x", "a/b", "-d", "a.b", "a b", "a'b"};
    for (size_t i = 0; i < MB_COUNT_OF(bad); i++) {
        assert_fails(world->ctx,
            mb_gallery_add(gallery, world->ctx, small_figure(world->ctx, bad[i], "t")), MB_ERR_ARG,
            "is no name");
    }
    assert_int_equal(mb_gallery_count(gallery), 0);
    mb_gallery_destroy(gallery);
    assert_fails(world->ctx, mb_gallery_load(world->ctx, "/nowhere/at/all", &gallery), MB_ERR_IO,
        "no folder");
}

static void test_gallery__refuses_columns_of_unequal_length(void **state) {
    noting_world *world = *state;
    mb_gallery *gallery = open_gallery(world, NULL);
    const double x[3] = {1, 2, 3};
    mb_figure *figure = mb_figure_create(world->ctx, "a", 4, 3);
    mb_panel *panel = mb_figure_panel(figure, &(mb_panel_settings){.title = "t"});
    mb_panel_series(panel,
        &(mb_series){.kind = MB_SERIES_LINE, .x = mb_values_f64(x, 3), .y = mb_values_f64(x, 2)});
    assert_fails(world->ctx, mb_gallery_add(gallery, world->ctx, figure), MB_ERR_SHAPE,
        "3 values for 2 points");
    mb_gallery_destroy(gallery);
}

static void test_gallery__every_kind_and_axis_without_points_is_still_a_figure(void **state) {
    noting_world *world = *state;
    skip_without_gnuplot(world);
    mb_gallery *gallery = open_gallery(world, NULL);
    const double zero[2] = {0, 0};
    const double one = 1;
    for (int log = 0; log < 2; log++) {
        mb_figure *figure = mb_figure_create(world->ctx, log ? "log" : "linear", 12, 8);
        mb_figure_columns(figure, 4);
        for (int kind = MB_SERIES_LINE; kind <= MB_SERIES_CELLS; kind++) {
            for (size_t n = 0; n < 2; n++) {
                mb_panel *panel = mb_figure_panel(figure,
                    &(mb_panel_settings){.x = {.is_log = log == 1}, .y = {.is_log = log == 1}});
                const double *x = n == 0 ? NULL : log ? zero : &one;
                const size_t edges = kind == MB_SERIES_STEPS && n > 0 ? 1 : 0;
                const mb_values values = mb_values_f64(x, n);
                mb_panel_series(panel, &(mb_series){.kind = (mb_series_kind)kind,
                                           .x = mb_values_f64(edges > 0 ? zero : x, n + edges),
                                           .y = values,
                                           .low = values,
                                           .high = values,
                                           .value = values,
                                           .cell_width = 1,
                                           .cell_height = 1});
            }
        }
        assert_ok(world->ctx, mb_gallery_add(gallery, world->ctx, figure));
    }
    mb_figure *figure = mb_figure_create(world->ctx, "nothing", 4, 3);
    assert_ok(world->ctx, mb_gallery_add(gallery, world->ctx, figure));
    assert_ok(world->ctx, mb_gallery_draw(gallery, world->ctx));
    assert_string_equal(world->notices, "");
    for (size_t i = 0; i < 3; i++) {
        assert_true(mb_gallery_entry_at(gallery, i)->is_drawn);
    }
    char *svg = read_text(world, "log.svg");
    assert_non_null(strstr(svg, "no entries"));
    mb_release(world->ctx, svg);
    mb_gallery_destroy(gallery);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_gallery__keeps_script_data_and_pictures, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_gallery__hostile_texts_stay_texts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_gallery__without_gnuplot_data_stay_and_a_notice_is_given, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_gallery__a_failing_gnuplot_is_a_notice, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_gallery__a_hanging_gnuplot_is_killed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_gallery__much_output_does_not_block, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_gallery__refuses_names_that_leave_the_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_gallery__refuses_columns_of_unequal_length, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_gallery__every_kind_and_axis_without_points_is_still_a_figure, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
