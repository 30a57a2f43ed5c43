// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tool.h"

#include "base/numbers.h"

static const char *const tools[] = {
    "allocate", "split", "skim", "shuffle", "emulate", "verify", "pack", "unpack", "weights"};

static void test_elinks__explains_its_tools(void **state) {
    MB_TOOL_WORLD(world)
    mb_tool_expect(world, 0, "help elinks");
    for (size_t i = 0; i < MB_COUNT_OF(tools); i++) {
        assert_non_null(strstr(world->last.out, tools[i]));
    }
    for (size_t i = 0; i < MB_COUNT_OF(tools); i++) {
        mb_tool_expect(world, 0, "help elinks %s", tools[i]);
        assert_non_null(strstr(world->last.out, tools[i]));
    }
}

static void test_elinks__makes_training_data_of_simulated_modules(void **state) {
    MB_TOOL_WORLD(world)
    mb_tool_write(world, "modules.csv",
        "Layer,ModU,ModV,ECONT_eTX,HD_LD,ModType\n9,3,2,7,HD,FI\n11,0,1,2,LD,FM\n");
    mb_tool_expect(world, 0,
        "simulate concentrator -o sim --set events=600 --set header=full --set name=toy --seed 4");
    mb_tool_expect(world, 0, "elinks emulate sim/nElinks_5/toy.csv -a none -o chip");
    mb_tool_expect(world, 0,
        "elinks split chip/calq.csv --modules modules.csv --module 9,3,2 --allocation signal "
        "-o split");
    mb_tool_expect(world, 0, "elinks skim split -o skimmed");
    mb_tool_expect(world, 0,
        "elinks shuffle skimmed -o data/nElinks_5/shuffled --rows-per-file 100 --seed 3 --json");
    mb_document document = mb_tool_json(world, world->last.out);
    const double rows = mb_tool_number(document.root, "rows");
    assert_true(rows > 100 && rows < 600);
    assert_true(mb_tool_number(document.root, "files") >= rows / 100);
    mb_document_clear(&document);
    mb_tool_expect(world, 0, "inspect data/nElinks_5/shuffled/shuffled_0.csv");
}

static void test_elinks__shuffles_tables_without_names_whole(void **state) {
    MB_TOOL_WORLD(world)
    mb_tool_expect(
        world, 0, "simulate concentrator -o bare --set events=50 --set files=2 --set header=none");
    mb_tool_expect(world, 0, "elinks shuffle bare/nElinks_5 -o bare/shuffled --seed 3");
    assert_int_equal(mb_tool_count_lines(world, "bare/shuffled/shuffled_0.csv"), 100);
    // No row may end up as the names of another table.
    mb_tool_expect(world, 0, "simulate concentrator -o named --set events=50");
    mb_tool_expect(world, 1, "elinks shuffle bare/nElinks_5 named/nElinks_5 -o mixed");
    assert_non_null(strstr(world->last.err, "shuffle files of one kind together"));
}

static void test_elinks__emulates_and_compares(void **state) {
    MB_TOOL_WORLD(world)
    mb_tool_expect(world, 0,
        "simulate concentrator -o sim2 --set events=300 --set name=toy --set ports=high_density");
    mb_tool_expect(
        world, 0, "elinks pack sim2/nElinks_5/toy.csv -a ports --high-density -o ports.csv");
    char *packed = mb_tool_read(world, "ports.csv");
    char *simulated = mb_tool_read(world, "sim2/ports/toy.csv");
    assert_string_equal(packed, simulated);
    mb_release(world->base.ctx, packed);
    mb_release(world->base.ctx, simulated);
    mb_tool_expect(world, 0, "elinks emulate ports.csv -a threshold -n 3 --high-density -o one");
    mb_tool_write(world, "commands.txt", "0 40 FIXEDPATTERN 1 0x0\n");
    mb_tool_expect(world, 0,
        "elinks emulate ports.csv -a threshold -n 3 --high-density --commands commands.txt -o two");
    mb_tool_expect(world, 0, "elinks verify one one");
    mb_tool_expect(world, 1, "elinks verify one two");
    assert_non_null(strstr(world->last.out, "1 differ, first row 40: ePortRxDataGroup_"));
    mb_tool_expect(world, 0,
        "elinks unpack one/formatter.csv -a threshold -n 3 --high-density --charges --centre -o "
        "back.csv");
}

static void assert_same_file(mb_tool_world *world, const char *one, const char *other) {
    char *wanted = mb_tool_read(world, one);
    char *got = mb_tool_read(world, other);
    assert_string_equal(got, wanted);
    mb_release(world->base.ctx, wanted);
    mb_release(world->base.ctx, got);
}

static void test_elinks__words_keep_their_places_in_time(void **state) {
    MB_TOOL_WORLD(world)
    mb_tool_expect(world, 0,
        "simulate concentrator -o sim3 --set events=40 --set name=toy --set ports=high_density");
    mb_tool_expect(
        world, 0, "elinks emulate sim3/ports/toy.csv -a threshold -n 3 --high-density -o chip3");
    mb_tool_expect(world, 0,
        "elinks unpack chip3/formatter.csv -a threshold -n 3 --high-density -o contents.csv");
    assert_same_file(world, "chip3/algorithm.csv", "contents.csv");
    mb_tool_expect(
        world, 0, "elinks pack contents.csv -a threshold -n 3 --high-density -o words.csv");
    assert_same_file(world, "chip3/formatter.csv", "words.csv");
    // Charges of ports, and ports of charges.
    mb_tool_expect(
        world, 0, "elinks unpack chip3/ports.csv -a ports --high-density -o charges3.csv");
    mb_tool_expect(world, 0, "elinks pack charges3.csv -a ports --high-density -o ports3.csv");
    assert_same_file(world, "chip3/ports.csv", "ports3.csv");
    // An orbit has 3564 crossings.
    char text[1024] = "orbit,bucket";
    for (size_t i = 0; i < 48; i++) {
        mb_format(text + strlen(text), sizeof text - strlen(text), ",CALQ_%zu", i);
    }
    mb_format(text + strlen(text), sizeof text - strlen(text), "\n0,3564");
    for (size_t i = 0; i < 48; i++) {
        mb_format(text + strlen(text), sizeof text - strlen(text), ",0");
    }
    mb_tool_write(world, "late.csv", text);
    mb_tool_expect(world, 1, "elinks pack late.csv -a ports -o late_ports.csv");
    assert_non_null(strstr(world->last.err, "bucket"));
}

static void test_elinks__says_what_is_missing(void **state) {
    MB_TOOL_WORLD(world)
    static const struct {
        int code;
        const char *arguments, *part;
    } cases[] = {
        {2, "elinks emulate x.csv", "-o DIR is missing"},
        {2, "elinks emulate x.csv -o y --eta two", "--eta 'two' is no number"},
        {2, "elinks emulate x.csv -o y --eta 2 --calibration 3", "leave one out"},
        {2, "elinks emulate x.csv -o y -a best", "take one of autoencoder, threshold"},
        {2, "elinks emulate x.csv -o y -a stc4_9 -n 14", "1 .. 13"},
        {1, "elinks emulate x.csv -o y -a stc4_9", "x.csv"},
        {2, "elinks split x.csv -o y", "--modules TABLE is missing"},
        {2, "elinks split x.csv -o y --modules z --on-bad clip", "take error or drop"},
        {2, "elinks shuffle x.csv", "-o DIR is missing"},
        {2, "elinks shuffle x.csv -o y --memory 0", "at least 1 MiB"},
        {2, "elinks shuffle x.csv -o y --rows-per-file 0", "at least 1"},
        {2, "elinks skim x.csv", "-o OUT is missing"},
        {2, "elinks pack x.csv", "-o FILE is missing"},
        {2, "elinks unpack x.csv", "-o FILE is missing"},
        {2, "elinks weights x.h5", "-o FILE.txt is missing"},
        {2, "elinks pack x.csv -a none -o y", "has no words"},
    };
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        mb_tool_expect(world, cases[i].code, "%s", cases[i].arguments);
        if (strstr(world->last.err, cases[i].part) == NULL) {
            fail_msg("%s: '%s' is not in '%s'", cases[i].arguments, cases[i].part, world->last.err);
        }
    }
}

static void test_elinks__what_fails_leaves_no_folder(void **state) {
    MB_TOOL_WORLD(world)
    static const char *const lines[] = {"emulate bad.csv -o new/chip -a threshold",
        "shuffle empty.csv -o new/shuffled", "skim in -o new/skimmed",
        "split bad.csv --modules modules.csv --module 9,3,2 -o new/split"};
    char text[1024] = "";
    for (size_t i = 0; i < 48; i++) {
        mb_format(text + strlen(text), sizeof text - strlen(text), "%sCALQ_%zu",
            i > 0 ? "," : "entry,", i);
    }
    mb_tool_write(world, "modules.csv", "Layer,ModU,ModV,ECONT_eTX,HD_LD,ModType\n9,3,2,7,HD,FI\n");
    mb_format(text + strlen(text), sizeof text - strlen(text), "\n");
    mb_tool_write(world, "empty.csv", text);
    // The first row is good, the second is not.
    for (size_t row = 0; row < 2; row++) {
        for (size_t i = 0; i < 49; i++) {
            mb_format(text + strlen(text), sizeof text - strlen(text), "%s%s", i > 0 ? "," : "",
                row == 1 && i == 7 ? "x" : "5");
        }
        mb_format(text + strlen(text), sizeof text - strlen(text), "\n");
    }
    mb_tool_write(world, "bad.csv", text);
    assert_ok(world->base.ctx, mb_make_directory(world->base.ctx, mb_tool_path(world, "in")));
    mb_tool_write(world, "in/bad.csv", text);
    for (size_t i = 0; i < MB_COUNT_OF(lines); i++) {
        mb_tool_expect(world, 1, "elinks %s", lines[i]);
        assert_false(mb_path_exists(mb_tool_path(world, "new")));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elinks__explains_its_tools),
        cmocka_unit_test(test_elinks__makes_training_data_of_simulated_modules),
        cmocka_unit_test(test_elinks__shuffles_tables_without_names_whole),
        cmocka_unit_test(test_elinks__emulates_and_compares),
        cmocka_unit_test(test_elinks__what_fails_leaves_no_folder),
        cmocka_unit_test(test_elinks__words_keep_their_places_in_time),
        cmocka_unit_test(test_elinks__says_what_is_missing),
    };
    return cmocka_run_group_tests(tests, mb_tool_open, mb_tool_close);
}
