// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "calq_study.h"

#include "base/output.h"

#include <stdio.h>

static mb_status load(noting_world *world, const char *data, mb_dataset *out) {
    return calq_load(world, data, NULL, NULL, false, out, NULL);
}

static void assert_refused(
    noting_world *world, const char *data, mb_status status, const char *part) {
    mb_dataset dataset;
    assert_fails(world->ctx, load(world, data, &dataset), status, part);
}

static void test_calq_read__charges_are_found_by_name_in_any_order(void **state) {
    (void)state;
    noting_world world;
    mb_dataset dataset;
    calq_world_open(&world, 2);
    static const char *const extra[] = {
        ",entry , \"ModType\",SimEnergyTotal", ",7,FI,1.5", ",7.0,FM,", ",9,aO,nan"};
    calq_write_plain(&world, "a.csv", 3, extra);
    assert_ok(world.ctx, load(&world, "{save_energy: true}", &dataset));
    assert_int_equal(dataset.n_rows, 3);
    for (size_t i = 0; i < MB_CALQ_CELLS; i++) {
        calq_assert_near(calq_charges(&dataset, 2)[i], (double)(96 + i + 1), 0);
    }
    assert_int_equal(dataset.event[0], 7);
    assert_int_equal(dataset.event[1], 7);
    assert_int_equal(dataset.event[2], 9);
    const mb_column *energy = mb_dataset_find(&dataset, "SimEnergyTotal");
    assert_non_null(energy);
    calq_assert_near(((const float *)energy->dense.data)[0], 1.5, 0);
    assert_null(mb_dataset_find(&dataset, "SimEnergyFraction"));
    assert_null(mb_dataset_target(&dataset));
    mb_dataset_clear(&dataset);
    noting_world_close(&world);
}

static void test_calq_read__columns_in_another_order_are_put_right(void **state) {
    (void)state;
    noting_world world;
    mb_dataset dataset;
    char text[4096] = "";
    size_t n = 0;
    calq_world_open(&world, 1);
    for (int i = 47; i >= 0; i--) {
        n += (size_t)snprintf(text + n, sizeof text - n, "CALQ_%d%s", i, i > 0 ? "," : "\r\n");
    }
    for (int i = 47; i >= 0; i--) {
        n += (size_t)snprintf(text + n, sizeof text - n, "%d.0%s", i, i > 0 ? "," : "\r\n");
    }
    calq_write(&world, "a.csv", text);
    assert_ok(world.ctx, load(&world, "{}", &dataset));
    for (size_t i = 0; i < MB_CALQ_CELLS; i++) {
        calq_assert_near(calq_charges(&dataset, 0)[i], (double)i, 0);
    }
    mb_dataset_clear(&dataset);
    noting_world_close(&world);
}

static void test_calq_read__without_names_the_first_48_fields_are_charges(void **state) {
    (void)state;
    noting_world world;
    mb_dataset dataset;
    char line[512];
    char text[2048];
    calq_world_open(&world, 1);
    calq_line(line, 5, "12");
    line[strlen(line) - 1] = '\0';
    snprintf(text, sizeof text, "%s,1.5,x\n%s,-2,y\n", line, line);
    calq_write(&world, "a.csv", text);
    assert_ok(world.ctx, load(&world, "{header: false}", &dataset));
    assert_int_equal(dataset.n_rows, 2);
    calq_assert_near(calq_charges(&dataset, 1)[5], 12, 0);
    assert_int_equal(dataset.event[1], 1);
    mb_dataset_clear(&dataset);
    assert_ok(world.ctx, load(&world, "{}", &dataset));
    assert_int_equal(dataset.n_rows, 2);
    mb_dataset_clear(&dataset);
    // The original takes the first row for names.
    static const char *const compat[] = {"header_line", NULL};
    assert_ok(world.ctx, calq_load(&world, "{header: false}", compat, NULL, false, &dataset, NULL));
    assert_int_equal(dataset.n_rows, 1);
    mb_dataset_clear(&dataset);
    assert_refused(&world, "{header: true}", MB_ERR_FORMAT,
        "a.csv:1: column 1: 0 is a number, but data.header is true");
    noting_world_close(&world);
}

static void test_calq_read__columns_that_are_missing_doubled_or_unknown_are_named(void **state) {
    (void)state;
    noting_world world;
    calq_world_open(&world, 1);
    static const char *const twice[] = {",CALQ_3", ",1"};
    calq_write_plain(&world, "a.csv", 1, twice);
    assert_refused(&world, "{}", MB_ERR_FORMAT, "a.csv:1: column 49: 'CALQ_3' is there twice");
    static const char *const beyond[] = {",CALQ_48", ",1"};
    calq_write_plain(&world, "a.csv", 1, beyond);
    assert_refused(&world, "{}", MB_ERR_FORMAT,
        "a.csv:1: column 49: 'CALQ_48' is no charge of a module; they are CALQ_0 to CALQ_47");
    calq_write(&world, "a.csv", "CALQ_0,CALQ_1\n1,2\n");
    assert_refused(&world, "{}", MB_ERR_FORMAT, "a.csv:1: there is no column CALQ_2 among 2");
    calq_write(&world, "a.csv", "1,2,3\n");
    assert_refused(&world, "{}", MB_ERR_FORMAT, "a.csv:1: charge CALQ_3 is missing");
    calq_write_plain(&world, "a.csv", 1, NULL);
    assert_refused(&world, "{header: false}", MB_ERR_FORMAT,
        "a.csv:1: column 1: 'CALQ_0' is a name, but data.header is false");
    calq_write(&world, "a.csv", "");
    assert_refused(&world, "{}", MB_ERR_FORMAT, "the file is empty");
    noting_world_close(&world);
}

// Line 2 good, line 3 bad.
static void write_bad(noting_world *world, const char *charge) {
    char good[512];
    char bad[512];
    char text[2048];
    snprintf(text, sizeof text, "%s%s%s", calq_line(good, 0, "5"), calq_line(bad, 7, charge),
        calq_line(good, 0, "5"));
    calq_write(world, "a.csv", text);
}

static void test_calq_read__bad_charges_are_told_with_file_line_and_column(void **state) {
    (void)state;
    static const struct {
        const char *charge, *part;
        double clipped; // < 0: cannot be
    } bad[] = {
        {"-5", "a.csv:2: column 8 (CALQ_7): charge -5 is negative", 0},
        {"nan", "a.csv:2: column 8 (CALQ_7): charge nan is not finite", 0},
        {"-inf", "charge -inf is not finite", 0},
        {"1e999", "charge 1e999 is not finite", 4194303},
        {"Infinity", "charge Infinity is not finite", 4194303},
        {"4194304", "charge 4194304 is above 22 bits (4194303)", 4194303},
        {"99999999999", "is above 22 bits", 4194303},
        {"12x", "a.csv:2: column 8 (CALQ_7): '12x' is not a number", -1},
        {"", "a.csv:2: column 8 (CALQ_7): '' is not a number", -1},
        {"1,2", "a.csv:2: 49 fields, but the first line has 48", -1},
    };
    noting_world world;
    mb_dataset dataset;
    calq_world_open(&world, 1);
    for (size_t i = 0; i < MB_COUNT_OF(bad); i++) {
        write_bad(&world, bad[i].charge);
        assert_refused(&world, "{}", MB_ERR_FORMAT, bad[i].part);
        assert_ok(world.ctx, load(&world, "{on_bad: drop}", &dataset));
        assert_int_equal(dataset.n_rows, 2);
        noting_world_assert_notice(&world, "data.on_bad: 1 of 3 rows are bad and left out");
        mb_dataset_clear(&dataset);
        if (bad[i].clipped < 0) {
            assert_refused(&world, "{on_bad: clip}", MB_ERR_FORMAT, bad[i].part);
            continue;
        }
        assert_ok(world.ctx, load(&world, "{on_bad: clip}", &dataset));
        assert_int_equal(dataset.n_rows, bad[i].clipped > 0 ? 3 : 2);
        calq_assert_near(calq_charges(&dataset, 1)[7], bad[i].clipped > 0 ? bad[i].clipped : 0, 0);
        noting_world_assert_notice(&world, "1 charges in 1 rows were forced to 0 .. 4194303");
        mb_dataset_clear(&dataset);
    }
    noting_world_close(&world);
}

static void test_calq_read__entries_and_energies_that_are_no_numbers_are_told(void **state) {
    (void)state;
    noting_world world;
    calq_world_open(&world, 1);
    static const char *const entry[] = {",entry", ",x"};
    calq_write_plain(&world, "a.csv", 1, entry);
    assert_refused(&world, "{}", MB_ERR_FORMAT, "a.csv:2: column 49 (entry): entry 'x'");
    static const char *const energy[] = {",SimEnergyTotal", ",1.2.3"};
    calq_write_plain(&world, "a.csv", 1, energy);
    assert_refused(&world, "{}", MB_ERR_FORMAT,
        "a.csv:2: column 49 (SimEnergyTotal): '1.2.3' is not a number");
    noting_world_close(&world);
}

static void test_calq_read__folders_tell_the_number_of_links(void **state) {
    (void)state;
    noting_world world;
    mb_dataset dataset;
    calq_world_open(&world, 1);
    assert_refused(&world, "{}", MB_ERR_IO, "no charge file 'nElinks_5'");
    calq_write_plain(&world, "b.csv", 2, NULL);
    calq_write_plain(&world, "a.csv", 1, NULL);
    assert_refused(&world, "{elinks: 3}", MB_ERR_FORMAT,
        "a.csv: the path tells 5 links, the study 3; set data.elinks: 5");
    assert_ok(world.ctx, load(&world, "{elinks: 3, override_input: true}", &dataset));
    assert_int_equal(dataset.n_rows, 3);
    // By name.
    assert_non_null(strstr(dataset.file_names[0], "a.csv"));
    assert_int_equal(dataset.file[1], 1);
    mb_dataset_clear(&dataset);
    char line[512];
    assert_ok(world.ctx, mb_write_file(world.ctx, noting_world_path(&world, "c.csv"),
                             calq_line(line, 1, "3"), strlen(line)));
    assert_refused(
        &world, "{files: c.csv}", MB_ERR_FORMAT, "the path does not tell its number of links");
    assert_refused(&world, "{files: [nElinks_5/a.csv, nElinks_5]}", MB_ERR_FORMAT, "named twice");
    assert_refused(&world, "{files: none.csv}", MB_ERR_IO, "no charge file 'none.csv'");
    assert_refused(&world, "{arrange: 8x9}", MB_ERR_FORMAT, "unknown arrangement '8x9'");
    assert_refused(&world, "{max_val: 0}", MB_ERR_FORMAT, "data.max_val: is 0");
    noting_world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calq_read__charges_are_found_by_name_in_any_order),
        cmocka_unit_test(test_calq_read__columns_in_another_order_are_put_right),
        cmocka_unit_test(test_calq_read__without_names_the_first_48_fields_are_charges),
        cmocka_unit_test(test_calq_read__columns_that_are_missing_doubled_or_unknown_are_named),
        cmocka_unit_test(test_calq_read__bad_charges_are_told_with_file_line_and_column),
        cmocka_unit_test(test_calq_read__entries_and_energies_that_are_no_numbers_are_told),
        cmocka_unit_test(test_calq_read__folders_tell_the_number_of_links),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
