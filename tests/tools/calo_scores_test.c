// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tool.h"

#include "files/csv.h"
#include "files/npy.h"

#include <math.h>

// Background scores 1 .. 1000 in a mixed order, and others that run against them.
static void save_scores(mb_tool_world *world) {
    enum { N_EVENTS = 1000 };
    double first[N_EVENTS];
    double second[N_EVENTS];
    int32_t label[N_EVENTS];
    mb_buffer text;
    mb_buffer_init(&text, world->base.ctx);
    mb_buffer_text(&text, "event,score,label\n");
    for (size_t i = 0; i < N_EVENTS; i++) {
        first[i] = (double)(i * 377 % 1000 + 1);
        // The upper half keeps its order, the lower half is turned round.
        second[i] = first[i] > 500 ? first[i] : 501 - first[i];
        label[i] = first[i] > 990 || first[i] < 3;
        mb_buffer_format(&text, "%zu,%g,%d\n", i, second[i], (int)label[i]);
    }
    mb_tool_write_array(world, "first.npy", MB_F64, 1, (const size_t[]){N_EVENTS}, first);
    mb_tool_write_array(world, "second.npy", MB_F64, 1, (const size_t[]){N_EVENTS}, second);
    mb_tool_write_array(world, "label.npy", MB_I32, 1, (const size_t[]){N_EVENTS}, label);
    assert_ok(world->base.ctx, mb_write_buffer(&text, mb_tool_path(world, "second.csv")));
}

static void test_calo_scores__draws_rates_against_thresholds(void **state) {
    MB_TOOL_WORLD(world)
    save_scores(world);
    mb_tool_expect(
        world, 0, "calo rate-curve first.npy second.csv:score --input-rate 999kHz -o rates --json");
    mb_document answer = mb_tool_json(world, world->last.out);
    const mb_node *sample = mb_node_at(mb_node_find(answer.root, "scores"), 1);
    assert_true(mb_tool_number(sample, "events") == 1000);
    const mb_node *at = mb_node_at(mb_node_find(sample, "at"), 1);
    assert_true(mb_tool_number(at, "rate_khz") == 3);
    assert_true(mb_tool_number(at, "threshold") == 997);
    mb_document_clear(&answer);
    mb_csv table;
    mb_context *ctx = world->base.ctx;
    assert_ok(ctx, mb_csv_read(&table, ctx, mb_tool_path(world, "rates/rate_curve.csv"), true));
    assert_int_equal(table.n_rows, 2000);
    for (size_t i = 0; i < 1000; i++) {
        double threshold = 0;
        double rate = 0;
        assert_ok(ctx, mb_csv_number(&table, i, 1, &threshold));
        assert_ok(ctx, mb_csv_number(&table, i, 2, &rate));
        assert_true(threshold == (double)i + 1);
        assert_true(fabs(rate - (999 - (double)i)) < 1e-9);
    }
    mb_csv_clear(&table);
    assert_ok(ctx, mb_csv_read(&table, ctx, mb_tool_path(world, "rates/ratio.csv"), true));
    assert_int_equal(table.n_rows, 100);
    double ratio = 0;
    assert_ok(ctx, mb_csv_number(&table, 0, 4, &ratio));
    assert_true(fabs(ratio - 1) < 1e-12);
    mb_csv_clear(&table);
    assert_true(mb_path_exists(mb_tool_path(world, "rates/plots/rate_curve.gp")));
    mb_tool_expect(world, 1, "calo rate-curve first.npy -o rates");
    // Scores of one name are told apart by their paths.
    mb_tool_expect(world, 0, "calo rate-curve first.npy ./first.npy -o same");
    assert_non_null(strstr(world->last.out, "first.npy: 1000 scores"));
    assert_non_null(strstr(world->last.out, "./first.npy: 1000 scores"));
}

static void test_calo_scores__makes_bands_of_folds(void **state) {
    MB_TOOL_WORLD(world)
    save_scores(world);
    mb_tool_expect(world, 0, "calo roc-folds first.npy label.npy --folds 3 -o folds --json");
    mb_document answer = mb_tool_json(world, world->last.out);
    assert_true(mb_tool_number(answer.root, "folds") == 3);
    double sum = 0;
    for (size_t i = 0; i < 3; i++) {
        const mb_node *auc = mb_node_at(mb_node_find(answer.root, "auc"), i);
        assert_non_null(auc);
        assert_true(auc->real > 0.5 && auc->real <= 1);
        sum += auc->real;
    }
    assert_true(fabs(mb_tool_number(answer.root, "auc_mean") - sum / 3) < 1e-12);
    mb_document_clear(&answer);
    mb_csv table;
    mb_context *ctx = world->base.ctx;
    assert_ok(ctx, mb_csv_read(&table, ctx, mb_tool_path(world, "folds/roc_folds.csv"), true));
    assert_int_equal(table.n_columns, 6);
    for (size_t column = 0; column < 6; column++) {
        double first = 1;
        double last = 0;
        assert_ok(ctx, mb_csv_number(&table, 0, column, &first));
        assert_ok(ctx, mb_csv_number(&table, table.n_rows - 1, column, &last));
        assert_true(first == 0);
        assert_true(last == (column == 2 ? 0 : 1));
    }
    mb_csv_clear(&table);
    assert_true(mb_path_exists(mb_tool_path(world, "folds/plots/roc_folds.gp")));
    // Drawn folds depend on the seed alone.
    static const char line[] =
        "calo roc-folds second.csv second.csv --folds 3 --stratified --quiet --force -o ";
    mb_tool_expect(world, 0, "%sd1 --seed 1 --threads 1", line);
    mb_tool_expect(world, 0, "%sd2 --seed 1 --threads 2", line);
    mb_tool_assert_same(world, "d1/roc_folds.csv", "d2/roc_folds.csv");
    char *one = mb_tool_read(world, "d1/roc_folds.csv");
    mb_tool_expect(world, 0, "%sd2 --seed 2", line);
    char *two = mb_tool_read(world, "d2/roc_folds.csv");
    assert_string_not_equal(one, two);
    mb_release(ctx, one);
    mb_release(ctx, two);
}

static double part_of(const mb_document *answer, size_t part, const char *key) {
    return mb_tool_number(mb_node_at(mb_node_find(answer->root, "parts"), part), key);
}

static void test_calo_scores__tells_what_two_triggers_share(void **state) {
    MB_TOOL_WORLD(world)
    save_scores(world);
    // Of 1000 background events, 600 and 600 pass; the scores agree on the upper 500 and turn the
    // others round.
    mb_tool_expect(world, 0,
        "calo overlap first.npy second.npy --input-rate 1MHz --at 600kHz --json -o overlap.csv");
    mb_document answer = mb_tool_json(world, world->last.out);
    static const double wanted[] = {600, 600, 500, 100, 100, 700};
    for (size_t i = 0; i < MB_COUNT_OF(wanted); i++) {
        assert_true(part_of(&answer, i, "background_events") == wanted[i]);
        assert_true(fabs(part_of(&answer, i, "rate_khz") - wanted[i]) < 1e-9);
        assert_true(fabs(part_of(&answer, i, "rate_error_khz") - sqrt(wanted[i])) < 1e-9);
        assert_true(isnan(part_of(&answer, i, "signal_efficiency")));
    }
    assert_true(mb_tool_number(mb_node_find(answer.root, "first"), "threshold") == 401);
    assert_true(fabs(mb_tool_number(answer.root, "background_shared") - 5.0 / 7) < 1e-12);
    mb_document_clear(&answer);
    assert_true(mb_path_exists(mb_tool_path(world, "overlap.csv")));
    // Ten signal events lie on top of both scores, two at the lower end of the first alone. Of 988
    // background events 100 and 50 may pass.
    mb_tool_expect(world, 0,
        "calo overlap first.npy second.csv label.npy --input-rate 988kHz --at 100kHz,50kHz --json");
    answer = mb_tool_json(world, world->last.out);
    static const double background[] = {100, 50, 50, 50, 0, 100};
    static const double signal[] = {10, 10, 10, 0, 0, 10};
    for (size_t i = 0; i < MB_COUNT_OF(background); i++) {
        assert_true(part_of(&answer, i, "background_events") == background[i]);
        assert_true(fabs(part_of(&answer, i, "signal_efficiency") - signal[i] / 12) < 1e-12);
    }
    mb_document_clear(&answer);
    // Less than one event: said in words, not an error.
    mb_tool_expect(world, 0, "calo overlap first.npy second.npy --input-rate 1MHz --at 1Hz");
    assert_non_null(strstr(world->last.out, "first.npy accepts nothing at 1 Hz"));
}

// Of tied scores all or none pass.
static void test_calo_scores__tied_scores_pass_together(void **state) {
    MB_TOOL_WORLD(world)
    static const float tied[] = {5, 5, 5, 4, 3, 2, 1, 1, 1, 0};
    mb_tool_write_array(world, "tied.npy", MB_F32, 1, (const size_t[]){10}, tied);
    static const struct {
        const char *at;
        double n, threshold;
    } cases[] = {{"2kHz", 0, (double)NAN}, {"3kHz", 3, 5}, {"3.9kHz", 3, 5}, {"8kHz", 6, 2},
        {"10kHz", 10, 0}};
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        mb_tool_expect(world, 0, "calo overlap tied.npy tied.npy --input-rate 10kHz --at %s --json",
            cases[i].at);
        mb_document answer = mb_tool_json(world, world->last.out);
        assert_true(part_of(&answer, 2, "background_events") == cases[i].n);
        const double threshold = mb_tool_number(mb_node_find(answer.root, "second"), "threshold");
        assert_true(
            threshold == cases[i].threshold || (isnan(threshold) && isnan(cases[i].threshold)));
        mb_document_clear(&answer);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calo_scores__draws_rates_against_thresholds),
        cmocka_unit_test(test_calo_scores__makes_bands_of_folds),
        cmocka_unit_test(test_calo_scores__tells_what_two_triggers_share),
        cmocka_unit_test(test_calo_scores__tied_scores_pass_together),
    };
    return cmocka_run_group_tests(tests, mb_tool_open, mb_tool_close);
}
