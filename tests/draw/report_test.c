// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "base/output.h"
#include "draw/figures.h"
#include "draw/report.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct fixture {
    mb_test_world world;
    char *directory;
} fixture;

static int set_up(void **state) {
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    mb_test_world_open(&f->world, 1, MB_CPU_ALL);
    f->directory = mb_test_directory();
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    fixture *f = *state;
    mb_test_remove_directory(f->directory);
    mb_test_world_close(&f->world);
    free(f);
    return 0;
}

static const char *path_in(fixture *f, const char *name) {
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", f->directory, name);
    return path;
}

// Writes and destroys the report; the page's text is freed by the caller.
static char *page_of(fixture *f, mb_report *report) {
    char *text;
    size_t length;
    assert_ok(f->world.ctx, mb_report_write(report, f->world.ctx, path_in(f, "report.html")));
    mb_report_destroy(report);
    assert_ok(f->world.ctx, mb_read_file(f->world.ctx, path_in(f, "report.html"), &text, &length));
    assert_int_equal(strlen(text), length);
    return text;
}

static void test_report__escapes_every_text(void **state) {
    fixture *f = *state;
    static const char bad[] = "<script>alert('x')</script>\" onload=\"y\" & \x01\xff";
    mb_report *report = mb_report_create(f->world.ctx, bad, bad);
    mb_report_heading(report, 2, bad);
    mb_report_paragraph(report, "%s", bad);
    mb_report_warning(report, "%s", bad);
    mb_report_tiles(report, &(mb_report_tile){bad, bad, bad}, 1);
    const char *cells[1] = {bad};
    mb_report_table(report, bad, cells, 1, cells, 1);
    mb_report_preformatted(report, bad);
    mb_report_details_begin(report, bad);
    mb_report_figure(
        report, &(mb_gallery_entry){.name = bad, .caption = bad, .svg = bad, .png = bad});
    mb_report_footer(report, "%s", bad);
    char *page = page_of(f, report);
    assert_null(strstr(page, "<script>alert"));
    assert_null(strstr(page, "onload=\""));
    assert_null(strchr(page, '\x01'));
    assert_null(strchr(page, '\xff'));
    size_t n = 0;
    for (const char *p = page; (p = strstr(p, "&lt;script&gt;alert(&#39;x&#39;)")) != NULL; p++) {
        n++;
    }
    // Title twice, subtitle, heading with its entry in the contents, paragraph, warning, tile
    // (three), table (three), preformatted, details, figure (two), footer.
    assert_int_equal(n, 18);
    // A fold left open is closed.
    assert_non_null(strstr(page, "</details>\n</main>"));
    mb_release(f->world.ctx, page);
}

static void test_report__holds_its_pictures(void **state) {
    fixture *f = *state;
    static const char svg[] = "<svg>ab</svg>";
    assert_ok(f->world.ctx, mb_write_file(f->world.ctx, path_in(f, "a.svg"), svg, sizeof svg - 1));
    char path[4096];
    snprintf(path, sizeof path, "%s", path_in(f, "a.svg"));
    const mb_gallery_entry entry = {
        .name = "a", .caption = "What it shows", .svg = path, .png = path, .is_drawn = true};
    mb_report *report = mb_report_create(f->world.ctx, "t", NULL);
    mb_report_figure(report, &entry);
    char *page = page_of(f, report);
    assert_non_null(strstr(page, "src=\"data:image/svg+xml;base64,PHN2Zz5hYjwvc3ZnPg==\""));
    assert_non_null(strstr(page, "<figcaption>What it shows</figcaption>"));
    assert_null(strstr(page, "http"));
    mb_release(f->world.ctx, page);
}

static void test_report__says_where_a_picture_is_missing(void **state) {
    fixture *f = *state;
    mb_report *report = mb_report_create(f->world.ctx, "t", NULL);
    mb_report_figure(report, &(mb_gallery_entry){.name = "roc",
                                 .caption = "c",
                                 .svg = "/no/such.svg",
                                 .png = "/no/such.png",
                                 .is_drawn = true});
    char *page = page_of(f, report);
    assert_non_null(strstr(page, "Not drawn: roc"));
    mb_release(f->world.ctx, page);
}

static void test_report__sets_numbers_to_the_right(void **state) {
    fixture *f = *state;
    const char *head[3] = {"Name", "AUC", "Mixed"};
    const char *cells[6] = {"a", "0.9 ± 0.1", "3", "b", NULL, "none"};
    mb_report *report = mb_report_create(f->world.ctx, "t", NULL);
    mb_report_table(report, NULL, head, 3, cells, 2);
    char *page = page_of(f, report);
    assert_non_null(strstr(page, "<td>a</td><td class=\"number\">0.9 ± 0.1</td><td>3</td>"));
    assert_non_null(strstr(page, "<td>b</td><td class=\"number\"></td><td>none</td>"));
    mb_release(f->world.ctx, page);
}

static void test_report__lists_its_chapters(void **state) {
    fixture *f = *state;
    mb_report *report = mb_report_create(f->world.ctx, "t", NULL);
    mb_report_heading(report, 2, "One");
    mb_report_heading(report, 3, "Inner");
    mb_report_heading(report, 2, "Two");
    char *page = page_of(f, report);
    assert_non_null(strstr(page, "<a href=\"#part1\">One</a>\n<a href=\"#part3\">Two</a>"));
    assert_non_null(strstr(page, "<h2 id=\"part3\">Two</h2>"));
    mb_release(f->world.ctx, page);
}

// A figure as script and data, and a report of it.
static mb_status fill_report(mb_context *ctx, const char *directory, mb_gallery *gallery) {
    static const double values[] = {0.1, 0.7, 0.3, 0.9};
    static const int32_t labels[] = {0, 1, 0, 1};
    char path[4096];
    const char *cells[] = {"1", "2 ± 1", "text", NULL};
    const mb_values numbers = mb_values_f64(values, 4);
    MB_TRY(mb_draw_scores(gallery, ctx, false, numbers, mb_values_i32(labels, 4), 0.5));
    MB_TRY(mb_gallery_draw(gallery, ctx));
    mb_report *report = mb_report_create(ctx, "title", NULL);
    mb_report_heading(report, 2, "part");
    mb_report_paragraph(report, "%d", 1);
    mb_report_table(report, "caption", cells, 2, cells, 2);
    mb_report_gallery(report, gallery);
    mb_report_footer(report, "%s", "end");
    snprintf(path, sizeof path, "%s/scarce.html", directory);
    const mb_status status = mb_report_write(report, ctx, path);
    mb_report_destroy(report);
    return status;
}

static mb_status draw_and_report(void *user, mb_context *ctx) {
    const char *directory = user;
    mb_gallery *gallery = NULL;
    const mb_gallery_settings settings = {.gnuplot = "no-such-program"};
    MB_TRY(mb_gallery_open(ctx, directory, &settings, &gallery));
    mb_status status = fill_report(ctx, directory, gallery);
    mb_gallery_destroy(gallery);
    if (status == MB_OK) {
        status = mb_gallery_load(ctx, directory, &gallery);
    }
    if (status == MB_OK) {
        mb_gallery_destroy(gallery);
    }
    return status;
}

static void test_report__any_lack_of_memory_ends_cleanly(void **state) {
    fixture *f = *state;
    assert_true(mb_test_each_lack_of_memory(draw_and_report, f->directory) > 30);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_report__escapes_every_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_report__holds_its_pictures, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_report__says_where_a_picture_is_missing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_report__sets_numbers_to_the_right, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_report__lists_its_chapters, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_report__any_lack_of_memory_ends_cleanly, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
