// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "base/output.h"
#include "detector/chip/commands.h"
#include "detector/chip/rows.h"
#include "detector/chip/tables.h"
#include "geometry/telescope.h"

#include <stdio.h>

static char *save(mb_test_world *world, const char *directory, const char *name, const char *text) {
    char *path = mb_path_join(world->ctx, directory, name);
    assert_ok(world->ctx, mb_write_file(world->ctx, path, text, strlen(text)));
    return path;
}

static mb_status parse(mb_test_world *world, const char *text, mb_chip_commands *out) {
    return mb_chip_commands_parse(world->ctx, "commands.txt", text, strlen(text), out);
}

static void refuse(mb_test_world *world, const char *text, const char *part) {
    mb_chip_commands commands;
    assert_fails(world->ctx, parse(world, text, &commands), MB_ERR_FORMAT, part);
    mb_chip_commands_clear(&commands);
}

static void test_chip_files__commands_are_read_in_any_case(void **state) {
    (void)state;
    mb_test_world world;
    mb_chip_commands commands;
    mb_test_world_open(&world, 1, 0);
    assert_ok(world.ctx, parse(&world,
                             "# a comment\n\n0 5 bcr\n 0\t5 OFFSET 11 31 # late\n"
                             "2 0 fixedPattern 3 0x00000ff\n2 1 LinkResetECONT\n",
                             &commands));
    assert_int_equal(commands.n, 4);
    assert_int_equal(commands.command[1].crossing, 5);
    assert_int_equal(commands.command[1].first, 11);
    assert_int_equal(commands.command[2].crossing, 2 * 3564);
    assert_int_equal(commands.command[2].second, 0xff);
    assert_int_equal(commands.command[3].kind, MB_CHIP_LINKRESETECONT);
    mb_chip_commands_clear(&commands);
    mb_test_world_close(&world);
}

static void test_chip_files__bad_commands_are_told_with_their_line(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, 0);
    refuse(&world, "0 1 BCR\n0 2 RESET\n", "commands.txt:2: 'RESET' is no command; take one of");
    refuse(&world, "0 1 BCR\n0 0 BCR\n", "commands.txt:2: time goes backwards");
    refuse(&world, "1 0 BCR\n0 3563 BCR\n", "commands.txt:2: time goes backwards");
    refuse(&world, "0 3564 BCR\n", "buckets go from 0 to 3563");
    refuse(&world, "0 BCR\n", "commands.txt:1: a command is written");
    refuse(&world, "0 1 BCR 3\n", "write 'orbit bucket BCR'");
    refuse(&world, "0 1 OFFSET 3\n", "OFFSET port bits");
    refuse(&world, "0 1 OFFSET 12 3\n", "0 .. 11");
    refuse(&world, "0 1 OFFSET 3 32\n", "0 .. 31");
    refuse(&world, "0 1 FIXEDPATTERN 3 0x10000000\n", "0 .. 268435455");
    refuse(&world, "0 1 FIXEDPATTERN 3 0xg\n", "is no number");
    mb_test_world_close(&world);
}

static void step(
    mb_chip_clock *clock, uint32_t word, uint32_t *words, unsigned *bucket, bool *is_sync) {
    for (size_t i = 0; i < MB_CHIP_PORTS; i++) {
        words[i] = word;
    }
    mb_chip_clock_step(clock, words, bucket, is_sync);
}

static void test_chip_files__commands_act_for_as_long_as_they_say(void **state) {
    (void)state;
    mb_test_world world;
    mb_chip_commands commands;
    mb_chip_clock clock;
    uint32_t words[MB_CHIP_PORTS];
    unsigned bucket = 0;
    bool is_sync = false;
    size_t n_sync = 0;
    size_t n_zero = 0;
    mb_test_world_open(&world, 1, 0);
    assert_ok(world.ctx, parse(&world,
                             "0 3 BCR\n0 5 FIXEDPATTERN 2 77\n0 10 LINKRESETECONT\n"
                             "0 400 LINKRESETROCT\n0 700 LINKRESET\n",
                             &commands));
    mb_chip_clock_init(&clock, &commands, 0);
    for (unsigned i = 0; i < 1000; i++) {
        step(&clock, 5, words, &bucket, &is_sync);
        assert_int_equal(bucket, i < 3 ? i : i - 3);
        assert_int_equal(is_sync, (i >= 10 && i < 266) || (i >= 700 && i < 956));
        n_sync += is_sync;
        n_zero += words[4] == 0;
        assert_true(words[4] == 0 || words[4] == (i == 5 || i == 6 ? 77U : 5U));
    }
    assert_int_equal(n_sync, 512);
    assert_int_equal(n_zero, 512);
    mb_chip_clock_init(&clock, &commands, 3563);
    step(&clock, 5, words, &bucket, &is_sync);
    assert_int_equal(bucket, 3563);
    step(&clock, 5, words, &bucket, &is_sync);
    assert_int_equal(bucket, 0);
    mb_chip_commands_clear(&commands);
    mb_test_world_close(&world);
}

static void test_chip_files__an_offset_delays_the_bits_of_one_port(void **state) {
    (void)state;
    mb_test_world world;
    mb_chip_commands commands;
    mb_chip_clock clock;
    uint32_t words[MB_CHIP_PORTS];
    unsigned bucket = 0;
    bool is_sync = false;
    mb_test_world_open(&world, 1, 0);
    assert_ok(world.ctx, parse(&world, "0 2 OFFSET 3 8\n0 4 LINKRESETROCT\n", &commands));
    mb_chip_clock_init(&clock, &commands, 0);
    step(&clock, 0x1234567, words, &bucket, &is_sync);
    step(&clock, 0x1234567, words, &bucket, &is_sync);
    assert_int_equal(words[3], 0x1234567);
    step(&clock, 0xabcdef1, words, &bucket, &is_sync);
    assert_int_equal(words[2], 0xabcdef1);
    assert_int_equal(words[3], 0x7aabcde); // 0x67, then the header 10 and the first bits
    step(&clock, 0xabcdef1, words, &bucket, &is_sync);
    for (unsigned i = 0; i <= MB_CHIP_RESET_CROSSINGS; i++) {
        step(&clock, 0x1234567, words, &bucket, &is_sync);
    }
    assert_int_equal(words[3], 0x1234567); // aligned again
    mb_chip_commands_clear(&commands);
    mb_test_world_close(&world);
}

// A mapping whose numbers are all different permutations.
static void write_mapping(char *text, size_t size, unsigned doubled) {
    size_t n = (size_t)snprintf(
        text, size, "TC_Number, ECON_TC_Number_PostMux,other,ECON_TC_Number_PreMux\n");
    for (unsigned i = 0; i < 48; i++) {
        n += (size_t)snprintf(text + n, size - n, "%u,%u,x,%u%s", i == doubled ? 0 : i,
            (i * 5 + 3) % 48, (i * 7 + 1) % 48, i < 47 ? "\n" : "");
    }
}

static void test_chip_files__a_mapping_gives_both_orders(void **state) {
    (void)state;
    mb_test_world world;
    char text[2048];
    mb_chip_mux mux;
    mb_test_world_open(&world, 1, 0);
    char *directory = mb_test_directory();
    write_mapping(text, sizeof text, 99);
    char *path = save(&world, directory, "mapping.csv", text);
    assert_ok(world.ctx, mb_chip_mux_read(world.ctx, path, true, &mux));
    for (unsigned i = 0; i < 48; i++) {
        assert_int_equal(mux.charge[i], i);
        assert_int_equal(mux.input[i], (i * 7 + 1) % 48);
    }
    assert_ok(world.ctx, mb_chip_mux_read(world.ctx, path, false, &mux));
    for (unsigned i = 0; i < 48; i++) {
        assert_int_equal(mux.charge[(i * 5 + 3) % 48], i);
        assert_int_equal(mux.input[(i * 5 + 3) % 48], (i * 7 + 1) % 48);
    }
    mb_release(world.ctx, path);
    write_mapping(text, sizeof text, 7);
    path = save(&world, directory, "twice.csv", text);
    assert_fails(world.ctx, mb_chip_mux_read(world.ctx, path, true, &mux), MB_ERR_RANGE,
        "twice.csv:9: TC_Number 0 stands there twice");
    mb_release(world.ctx, path);
    write_mapping(text, sizeof text, 99);
    text[100] = '\0';
    *strrchr(text, '\n') = '\0';
    path = save(&world, directory, "short.csv", text);
    assert_fails(world.ctx, mb_chip_mux_read(world.ctx, path, true, &mux), MB_ERR_FORMAT,
        "one for each of 48 cells");
    mb_release(world.ctx, path);
    mb_test_remove_directory(directory);
    mb_test_world_close(&world);
}

static void test_chip_files__the_reference_mapping_puts_tiling_groups_together(void **state) {
    (void)state;
    const char *path = mb_test_shared("econt_tables_nolicence/LDM_TC_Mapping.csv");
    mb_test_world world;
    mb_chip_mux mux;
    mb_test_world_open(&world, 1, 0);
    assert_ok(world.ctx, mb_chip_mux_read(world.ctx, path, false, &mux));
    for (unsigned group = 0; group < 12; group++) {
        uint64_t cells = 0;
        size_t n_same = 0;
        for (unsigned i = 0; i < 4; i++) {
            cells |= UINT64_C(1) << mux.charge[4 * group + i];
        }
        for (unsigned t = 0; t < 12; t++) {
            uint64_t wanted = 0;
            for (unsigned i = 0; i < 4; i++) {
                wanted |= UINT64_C(1) << mb_telescope_groups[t].cell[i];
            }
            n_same += wanted == cells;
        }
        assert_int_equal(n_same, 1);
    }
    mb_test_world_close(&world);
}

static const char modules_text[] = "Layer,ModU,ModV,ECOND_eTX,ECONT_eTX,HD_LD,ModType,MB,Cassette\n"
                                   "9,3,-2,1,7,HD,FI,5,3\n"
                                   "1,-10,-8,0,0,LD,cO,6,3\n"
                                   "2,0,1,1,0,LD,FO,5,3\n";

static void test_chip_files__links_come_from_table_or_layer(void **state) {
    (void)state;
    mb_test_world world;
    mb_chip_modules modules;
    mb_test_world_open(&world, 1, 0);
    char *directory = mb_test_directory();
    char *path = save(&world, directory, "modules.csv", modules_text);
    assert_ok(world.ctx, mb_chip_modules_read(world.ctx, path, &modules));
    const mb_chip_module *m = mb_chip_module_find(&modules, 9, 3, -2);
    assert_non_null(m);
    assert_int_equal(mb_chip_module_links(m, false), 7);
    assert_int_equal(mb_chip_module_links(m, true), 5);
    assert_true(m->is_high_density);
    assert_string_equal(m->type, "FI");
    m = mb_chip_module_find(&modules, 2, 0, 1);
    assert_int_equal(mb_chip_module_links(m, true), 0);
    assert_null(mb_chip_module_find(&modules, 9, 3, 2));
    mb_chip_modules_clear(&modules);
    const unsigned links[] = {0, 2, 0, 2, 0, 2, 0, 4, 0, 5, 0, 4, 0, 3, 0, 2};
    for (int layer = 0; layer < 16; layer++) {
        assert_int_equal(mb_chip_signal_links(layer), links[layer]);
    }
    assert_int_equal(mb_chip_signal_links(29), 2);
    assert_int_equal(mb_chip_signal_links(30), 2);
    assert_int_equal(mb_chip_signal_links(50), 2);
    assert_int_equal(mb_chip_signal_links(51), 0);
    mb_release(world.ctx, path);
    mb_test_remove_directory(directory);
    mb_test_world_close(&world);
}

static void test_chip_files__bad_module_tables_are_told_with_their_line(void **state) {
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"Layer,ModU,ModV,ECONT_eTX,HD_LD\n1,2,3,4,LD\n", ":1: no column ModType"},
        {"Layer,ModU,ModV,ECONT_eTX,HD_LD,ModType\n1,2,3,4,XD,FI\n", ":2: column HD_LD is 'XD'"},
        {"Layer,ModU,ModV,ECONT_eTX,HD_LD,ModType\n1,2,3,-4,LD,FI\n", ":2: column ECONT_eTX"},
        {"Layer,ModU,ModV,ECONT_eTX,HD_LD,ModType\n1,2,3,4,LD,FI\n1,2,3,4,LD,FI\n",
            "stands there twice"},
        {"Layer,ModU,ModV,ECONT_eTX,HD_LD,ModType\n", "no row"},
        {"Layer,Layer\n", ":1: column Layer stands there twice"},
        {"Layer,ModU,ModV,ECONT_eTX,HD_LD,ModType\n1,2\n", ":2: 2 fields; the header has 6"},
        {"", "the file is empty"},
    };
    mb_test_world world;
    mb_test_world_open(&world, 1, 0);
    char *directory = mb_test_directory();
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        mb_chip_modules modules;
        char *path = save(&world, directory, "bad.csv", cases[i].text);
        assert_true(mb_chip_modules_read(world.ctx, path, &modules) != MB_OK);
        if (strstr(mb_context_error_text(world.ctx), cases[i].part) == NULL) {
            fail_msg("'%s' is not in '%s'", cases[i].part, mb_context_error_text(world.ctx));
        }
        mb_context_clear(world.ctx);
        mb_chip_modules_clear(&modules);
        mb_release(world.ctx, path);
    }
    mb_test_remove_directory(directory);
    mb_test_world_close(&world);
}

static void test_chip_files__the_reference_table_has_its_links(void **state) {
    (void)state;
    const char *path = mb_test_shared("econt_tables_nolicence/ModuleLinkSummary.csv");
    static const size_t wanted[12] = {510, 696, 7878, 564, 240, 186, 114, 90, 30, 24, 48, 12};
    mb_test_world world;
    mb_chip_modules modules;
    size_t found[12] = {0};
    mb_test_world_open(&world, 1, 0);
    assert_ok(world.ctx, mb_chip_modules_read(world.ctx, path, &modules));
    assert_int_equal(modules.n, 10392);
    for (size_t i = 0; i < modules.n; i++) {
        assert_true(modules.module[i].pu_links < 12);
        found[modules.module[i].pu_links]++;
        assert_true(mb_chip_module_links(&modules.module[i], true) > 0);
    }
    assert_memory_equal(found, wanted, sizeof wanted);
    mb_chip_modules_clear(&modules);
    mb_test_world_close(&world);
}

static void check_count(
    mb_test_world *world, const char *field, mb_status status, const char *part, uint64_t wanted) {
    char text[128];
    mb_rows rows;
    bool has_row = false;
    uint64_t value = 0;
    const int n = snprintf(text, sizeof text, "a,b\n\n 1 ,%s \n", field);
    assert_ok(world->ctx, mb_rows_open_text(&rows, world->ctx, "t.csv", text, (size_t)n));
    assert_ok(world->ctx, mb_rows_next(&rows, &has_row));
    assert_true(has_row);
    if (status == MB_OK) {
        assert_ok(world->ctx, mb_rows_count(&rows, 1, 1000, &value));
        assert_int_equal(value, wanted);
    } else {
        assert_fails(world->ctx, mb_rows_count(&rows, 1, 1000, &value), status, part);
    }
    mb_rows_close(&rows);
}

static void test_chip_files__numbers_are_whole_and_in_range(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, 0);
    check_count(&world, "12", MB_OK, NULL, 12);
    check_count(&world, "12.0", MB_OK, NULL, 12);
    check_count(&world, "0x1F", MB_OK, NULL, 31);
    check_count(&world, "1e3", MB_OK, NULL, 1000);
    check_count(&world, "1001", MB_ERR_RANGE, "t.csv:3: column b is 1001; it goes up to 1000", 0);
    check_count(&world, "-1", MB_ERR_RANGE, "whole number", 0);
    check_count(&world, "1.5", MB_ERR_RANGE, "whole number", 0);
    check_count(&world, "nan", MB_ERR_FORMAT, "t.csv:3: column b, 'nan', is no number", 0);
    check_count(&world, "inf", MB_ERR_FORMAT, "is no number", 0);
    check_count(&world, "1e99", MB_ERR_RANGE, "whole number", 0);
    check_count(&world, "x", MB_ERR_FORMAT, "'x', is no number", 0);
    check_count(&world, "", MB_ERR_FORMAT, "is no number", 0);
    check_count(&world, "0x", MB_ERR_FORMAT, "hexadecimal", 0);
    check_count(&world, "0x11111111111111111", MB_ERR_FORMAT, "hexadecimal", 0);
    mb_test_world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chip_files__commands_are_read_in_any_case),
        cmocka_unit_test(test_chip_files__bad_commands_are_told_with_their_line),
        cmocka_unit_test(test_chip_files__commands_act_for_as_long_as_they_say),
        cmocka_unit_test(test_chip_files__an_offset_delays_the_bits_of_one_port),
        cmocka_unit_test(test_chip_files__a_mapping_gives_both_orders),
        cmocka_unit_test(test_chip_files__the_reference_mapping_puts_tiling_groups_together),
        cmocka_unit_test(test_chip_files__links_come_from_table_or_layer),
        cmocka_unit_test(test_chip_files__bad_module_tables_are_told_with_their_line),
        cmocka_unit_test(test_chip_files__the_reference_table_has_its_links),
        cmocka_unit_test(test_chip_files__numbers_are_whole_and_in_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
