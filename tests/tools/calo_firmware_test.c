// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "calo_models.h"

#include "files/csv.h"

#include <math.h>
#include <stdio.h>

enum { N = CALO_REGIONS, EVENTS = 40 };

static void test_calo_firmware__exports_what_reads_back_to_the_same_scores(void **state) {
    MB_TOOL_WORLD(world)
    mb_context *ctx = world->base.ctx;
    uint16_t x[EVENTS * N];
    mb_csv table;
    calo_save_events(world, "events.npy", EVENTS, x);
    calo_save_score(world, "score.h5", 8);
    mb_tool_expect(world, 0, "calo firmware-export score.h5 -o lists --check events.npy --json");
    mb_document answer = mb_tool_json(world, world->last.out);
    assert_true(mb_tool_number(answer.root, "events") == EVENTS);
    assert_true(mb_tool_number(answer.root, "max_error") == 0);
    assert_true(mb_tool_number(answer.root, "events_read_back") == EVENTS);
    mb_document_clear(&answer);
    assert_ok(ctx, mb_csv_read(&table, ctx, mb_tool_path(world, "lists/check.csv"), true));
    assert_int_equal(table.n_rows, EVENTS);
    for (size_t i = 0; i < EVENTS; i++) {
        double exact = 0;
        double fixed = 0;
        assert_ok(ctx, mb_csv_number(&table, i, 1, &exact));
        assert_ok(ctx, mb_csv_number(&table, i, 2, &fixed));
        assert_true(fixed == calo_score_of(x + i * N, 8) && exact == fixed);
    }
    mb_csv_clear(&table);
    assert_true(mb_path_exists(mb_tool_path(world, "lists/plots/float_against_fixed.gp")));
    assert_true(mb_path_exists(mb_tool_path(world, "lists/index.html")));
    // Without events made-up ones are read back, and there is no page.
    mb_tool_expect(world, 0, "calo firmware-export score.h5 -o bare");
    assert_non_null(strstr(world->last.out, "bit for bit on 512 made-up events"));
    assert_true(mb_path_exists(mb_tool_path(world, "bare/types.yaml")));
    assert_false(mb_path_exists(mb_tool_path(world, "bare/index.html")));
    mb_tool_expect(world, 1, "calo firmware-export score.h5 -o bare");
    assert_non_null(strstr(world->last.err, "types.yaml: exists already"));
    // Regions of fewer bits wrap, and the picture of float against fixed shows it.
    mb_tool_expect(world, 0,
        "calo firmware-export score.h5 --input '<2,2>u' -o narrow --check events.npy --json");
    answer = mb_tool_json(world, world->last.out);
    assert_true(mb_tool_number(answer.root, "max_error") > 1);
    mb_document_clear(&answer);
}

// Six words an event with the score's nibbles on top of the first four.
static void save_words(mb_tool_world *world, const char *name, const uint16_t *x, size_t wrong) {
    mb_buffer text;
    mb_buffer_init(&text, world->base.ctx);
    for (size_t i = 0; i < EVENTS; i++) {
        const unsigned bits = (unsigned)(calo_score_of(x + i * N, 8) * 256) ^ (i == wrong ? 1U : 0);
        for (unsigned k = 0; k < 6; k++) {
            const unsigned nibble = k < 4 ? bits >> (12 - 4 * k) & 15U : 3U;
            mb_buffer_format(&text, "%08x\n", nibble << 28 | 0x60b4U);
        }
    }
    assert_ok(world->base.ctx, mb_write_buffer(&text, mb_tool_path(world, name)));
}

// A region table whose 253rd numbers are the scores, one of them wrong.
static void save_table(mb_tool_world *world, const char *name, const uint16_t *x, size_t wrong) {
    mb_buffer text;
    mb_buffer_init(&text, world->base.ctx);
    for (size_t i = 0; i < EVENTS; i++) {
        for (size_t r = 0; r < N; r++) {
            mb_buffer_format(&text, "%d,", (int)x[i * N + r]);
        }
        const double score = calo_score_of(x + i * N, 8) + (i == wrong ? 1.0 / 256 : 0);
        mb_buffer_double(&text, score);
        mb_buffer_text(&text, "\n");
    }
    assert_ok(world->base.ctx, mb_write_buffer(&text, mb_tool_path(world, name)));
}

static void test_calo_firmware__checks_scores_bit_for_bit(void **state) {
    MB_TOOL_WORLD(world)
    enum { CHECK_WRONG = 7 };
    mb_context *ctx = world->base.ctx;
    uint16_t x[EVENTS * N];
    mb_csv table;
    const char *check = "calo firmware-check --weights lists --types lists/types.yaml";
    calo_save_events(world, "events.npy", EVENTS, x);
    calo_save_score(world, "score.h5", 8);
    mb_tool_expect(world, 0, "calo firmware-export score.h5 -o lists --force");
    save_table(world, "same.csv", x, EVENTS);
    mb_tool_expect(world, 0, "%s same.csv -o same", check);
    assert_non_null(strstr(world->last.out, "40/40 identical"));
    assert_non_null(strstr(world->last.out, "events/s on one core"));
    save_table(world, "wrong.csv", x, CHECK_WRONG);
    mb_tool_expect(world, 1, "%s wrong.csv -o wrong --json", check);
    assert_non_null(strstr(world->last.err, "1 of 40 events differ"));
    mb_document answer = mb_tool_json(world, world->last.out);
    assert_true(mb_tool_number(answer.root, "identical") == 39);
    assert_true(mb_tool_number(answer.root, "max_difference") == 1.0 / 256);
    assert_true(mb_tool_number(answer.root, "events_per_second") > 0);
    assert_int_equal(mb_node_at(mb_node_find(answer.root, "differing"), 0)->integer, CHECK_WRONG);
    mb_document_clear(&answer);
    assert_ok(ctx, mb_csv_read(&table, ctx, mb_tool_path(world, "wrong/differing.csv"), true));
    assert_int_equal(table.n_rows, 1);
    assert_string_equal(mb_csv_field(&table, 0, 0), "7");
    mb_csv_clear(&table);
    save_words(world, "same.txt", x, EVENTS);
    mb_tool_expect(world, 0, "%s events.npy --reference same.txt -o words", check);
    save_words(world, "wrong.txt", x, 0);
    mb_tool_expect(world, 1, "%s events.npy --reference wrong.txt -o wrong_words", check);
    mb_tool_expect(world, 0, "%s events.npy --reference words/scores.csv -o scores", check);
    // Without a reference there is nothing to differ from.
    mb_tool_expect(world, 0, "%s events.npy -o alone", check);
    assert_non_null(strstr(world->last.out, "no reference"));
    assert_true(mb_path_exists(mb_tool_path(world, "alone/plots/scores.gp")));
    calo_save_counts(world, "few.npy", EVENTS - 1, x);
    mb_tool_expect(world, 1, "%s few.npy --reference same.txt -o few", check);
    assert_non_null(strstr(world->last.err, "40 reference scores for the 39 events"));
}

static void test_calo_firmware__reports_what_leaves_its_format(void **state) {
    MB_TOOL_WORLD(world)
    mb_context *ctx = world->base.ctx;
    uint16_t x[EVENTS * N];
    mb_csv table;
    size_t column = 0;
    size_t clipped = 0;
    double count = 0;
    calo_save_events(world, "events.npy", EVENTS, x);
    calo_save_score(world, "small_score.h5", 3);
    mb_tool_expect(world, 0, "calo firmware-export small_score.h5 -o small --check events.npy");
    for (size_t i = 0; i < EVENTS; i++) {
        clipped += calo_score_of(x + i * N, 8) > calo_score_of(x + i * N, 3) ? 1 : 0;
    }
    assert_true(clipped > 0 && clipped < EVENTS);
    assert_ok(ctx, mb_csv_read(&table, ctx, mb_tool_path(world, "small/layers.csv"), true));
    assert_ok(ctx, mb_csv_find_column(&table, "result_outside", &column));
    assert_ok(ctx, mb_csv_number(&table, table.n_rows - 1, column, &count));
    assert_true(count == (double)clipped);
    assert_ok(ctx, mb_csv_find_column(&table, "result_most", &column));
    assert_ok(ctx, mb_csv_number(&table, table.n_rows - 1, column, &count));
    assert_true(count == 8 - 1.0 / 256);
    mb_csv_clear(&table);
}

static void test_calo_firmware__finds_the_fewest_bits(void **state) {
    MB_TOOL_WORLD(world)
    uint16_t x[EVENTS * N];
    calo_save_events(world, "events.npy", EVENTS, x);
    calo_save_score(world, "score.h5", 8);
    mb_tool_expect(world, 0, "calo firmware-export score.h5 -o lists --force");
    mb_tool_expect(world, 0, "calo precision-tuner score.h5 events.npy -o model --json");
    mb_document answer = mb_tool_json(world, world->last.out);
    assert_true(mb_tool_number(answer.root, "start_error") == 0);
    const mb_node *places = mb_node_find(answer.root, "places");
    double high = 0;
    for (size_t i = 0; i < EVENTS; i++) {
        high = fmax(high, calo_score_of(x + i * N, 8));
    }
    for (size_t i = 0; mb_node_at(places, i) != NULL; i++) {
        const mb_node *place = mb_node_at(places, i);
        assert_true(mb_tool_number(place, "max_error") < 0.5);
        if (strcmp(mb_node_text(mb_node_find(place, "layer")), "layer1") == 0) {
            // Rounding to halves moves a score by at most 1/4, to whole numbers by up to 1/2; the
            // clipped top may be missed by less than 1/2.
            const double fraction =
                mb_tool_number(place, "bits") - mb_tool_number(place, "integer");
            assert_true(fraction == 0 || fraction == 1);
            const double top = exp2(mb_tool_number(place, "integer")) - exp2(-fraction);
            assert_true(top > high - 0.5);
            assert_true(exp2(mb_tool_number(place, "integer") - 1) - exp2(-fraction) <= high - 0.5);
        }
    }
    mb_document_clear(&answer);
    mb_tool_expect(world, 0,
        "calo precision-tuner --weights lists --types lists/types.yaml events.npy --joint --limit "
        "0.1 -o joint --json");
    answer = mb_tool_json(world, world->last.out);
    assert_true(mb_tool_number(answer.root, "joint_error") < 0.1);
    mb_document_clear(&answer);
    assert_true(mb_path_exists(mb_tool_path(world, "joint/plots/precision.gp")));
    assert_true(mb_path_exists(mb_tool_path(world, "joint/precision.csv")));
    assert_true(mb_path_exists(mb_tool_path(world, "joint/curves.csv")));
}

static void test_calo_firmware__equals_the_words_of_hardware(void **state) {
    MB_TOOL_WORLD(world)
    char lists[4096];
    snprintf(lists, sizeof lists, "%s", mb_test_shared("cicada_hls_nolicence/CICADA_v1p1p1"));
    const char *events = mb_test_shared("cicada_links_nolicence/test3_regions_252.csv");
    mb_tool_expect(world, 0, "calo firmware-check --weights '%s' --types v1.1.1 '%s' -o hardware",
        lists, events);
    assert_non_null(strstr(world->last.out, "256/256 identical"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calo_firmware__exports_what_reads_back_to_the_same_scores),
        cmocka_unit_test(test_calo_firmware__checks_scores_bit_for_bit),
        cmocka_unit_test(test_calo_firmware__reports_what_leaves_its_format),
        cmocka_unit_test(test_calo_firmware__finds_the_fewest_bits),
        cmocka_unit_test(test_calo_firmware__equals_the_words_of_hardware),
    };
    return cmocka_run_group_tests(tests, mb_tool_open, mb_tool_close);
}
