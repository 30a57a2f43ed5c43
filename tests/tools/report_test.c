// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tool.h"

#include <stdio.h>

// What the pages hold, and in which order.

static size_t place_of(const char *page, const char *part) {
    const char *found = strstr(page, part);
    if (found == NULL) {
        fail_msg("the page has no \"%s\"", part);
        return 0;
    }
    return (size_t)(found - page);
}

static void test_report__shows_training_first_and_single_events_last(void **state) {
    MB_TOOL_WORLD(world)
    static const char *const captions[] = {"Loss and accuracy after each epoch",
        "Signal efficiency against background efficiency", "Events by trigger score",
        "dashed line is the cut of the label", "Barrel hits of event 0",
        "Event 0 as the network sees it"};
    mb_tool_expect(world, 0, "run small.yaml -o order --quiet --set evaluate.figures=true");
    char *page = mb_tool_read(world, "order/report.html");
    for (size_t i = 1; i < MB_COUNT_OF(captions); i++) {
        if (place_of(page, captions[i - 1]) >= place_of(page, captions[i])) {
            fail_msg("\"%s\" comes before \"%s\"", captions[i], captions[i - 1]);
        }
    }
    assert_true(place_of(page, "Training and trigger</h2>") < place_of(page, "The events</h2>"));
    mb_release(world->base.ctx, page);
}

static void test_report__of_repeats_has_means_spreads_and_each_round(void **state) {
    MB_TOOL_WORLD(world)
    mb_tool_expect(world, 0,
        "run small.yaml -o repeated --quiet --set train.repeats=3 --set evaluate.figures=true");
    char *page = mb_tool_read(world, "repeated/report.html");
    char *text = mb_tool_read(world, "repeated/metrics.json");
    mb_document metrics = mb_tool_json(world, text);
    const mb_node *fit = mb_node_find(metrics.root, "fits")->first;
    const mb_node *auc = mb_node_find(fit, "auc");
    char cell[64];
    snprintf(cell, sizeof cell, "%.4f \xC2\xB1 %.4f", mb_tool_number(auc, "mean"),
        mb_tool_number(auc, "spread"));
    place_of(page, cell);
    place_of(page, "Figures of fit-0</h2>");
    const size_t overlay = place_of(page, "Signal efficiency against background efficiency");
    assert_true(overlay < place_of(page, "Rounds one by one</h2>"));
    place_of(page, "<summary>fit-2</summary>");
    mb_document_clear(&metrics);
    mb_release(world->base.ctx, text);
    mb_release(world->base.ctx, page);
}

static void test_report__of_several_runs_names_the_settings_that_differ(void **state) {
    MB_TOOL_WORLD(world)
    mb_tool_expect(world, 0, "run small.yaml -o left --quiet");
    mb_tool_expect(world, 0,
        "run small.yaml -o right --quiet --set train.batch=24 --set model.hidden.units=5");
    mb_tool_expect(world, 0, "report left right -o both.html");
    char *page = mb_tool_read(world, "both.html");
    place_of(page, "<td>train.batch</td>");
    place_of(page, "<td>model.layers.hidden.dense.units</td>");
    assert_null(strstr(page, "<td>train.epochs</td>"));
    mb_release(world->base.ctx, page);
    mb_tool_expect(world, 0, "report left left -o alike.html");
    page = mb_tool_read(world, "alike.html");
    place_of(page, "the runs are of one and the same study");
    mb_release(world->base.ctx, page);
}

static void test_report__says_what_a_run_lacks(void **state) {
    MB_TOOL_WORLD(world)
    mb_tool_expect(world, 0, "train small.yaml -o unjudged --quiet");
    mb_tool_expect(world, 1, "report unjudged");
    assert_non_null(strstr(world->last.err, "run 'minbias evaluate unjudged' first"));
    mb_tool_expect(world, 0, "train small.yaml -o unjudged3 --quiet --set train.repeats=2");
    mb_tool_expect(world, 1, "report unjudged3");
    assert_non_null(strstr(world->last.err, "run 'minbias evaluate unjudged3' first"));
    mb_tool_expect(world, 1, "report data");
    assert_non_null(strstr(world->last.err, "is not the folder of a run"));
}

static void test_report__overlays_all_fits_of_a_run(void **state) {
    MB_TOOL_WORLD(world)
    mb_tool_expect(world, 0, "run small.yaml -o alone --quiet --seed 9");
    mb_tool_expect(world, 0, "run small.yaml -o pair --quiet --set train.repeats=2");
    mb_tool_expect(world, 0, "report alone pair -o fits.html");
    place_of(world->last.out, "fit-0 - alone:");
    place_of(world->last.out, "fit-1 - alone:");
    char *page = mb_tool_read(world, "fits.html");
    place_of(page, "<td>fit-1</td>");
    mb_release(world->base.ctx, page);
    mb_tool_expect(world, 0, "run small.yaml -o many --quiet --set train.repeats=17");
    mb_tool_expect(world, 1, "report alone many -o more.html");
    place_of(world->last.err, "18 fits in the folders named; name up to 16");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_report__shows_training_first_and_single_events_last),
        cmocka_unit_test(test_report__of_repeats_has_means_spreads_and_each_round),
        cmocka_unit_test(test_report__of_several_runs_names_the_settings_that_differ),
        cmocka_unit_test(test_report__says_what_a_run_lacks),
        cmocka_unit_test(test_report__overlays_all_fits_of_a_run),
    };
    return cmocka_run_group_tests(tests, mb_tool_open, mb_tool_close);
}
