// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "study/scan_file.h"

#include <math.h>
#include <string.h>

static void open_table(
    mb_test_world *world, mb_scan_file *file, const char *text, const char *sort) {
    mb_test_world_open(world, 1, MB_CPU_ALL);
    assert_ok(
        world->ctx, mb_scan_file_parse(file, world->ctx, "table.csv", text, strlen(text), sort));
}

static void close_table(mb_test_world *world, mb_scan_file *file) {
    mb_scan_file_clear(file);
    mb_test_world_close(world);
}

// Means 0.3 and 0.7 at the two values: 0.16 of 0.2 of the sum of squares.
static void test_scan_file__shares_are_of_the_variance(void **state) {
    (void)state;
    mb_test_world world;
    mb_scan_file file;
    open_table(&world, &file,
        "round_epochs,loss,val_loss,units,luck\n1,0,0.2,8,1\n1,0,0.4,8,2\n1,0,0.6,16,1\n"
        "1,0,0.8,16,2\n",
        NULL);
    assert_int_equal(file.columns.n_slices, 2);
    const mb_scan_slice *units = &file.columns.slices[0];
    assert_string_equal(units->name, "units");
    assert_true(fabs(units->share - 0.8) < 1e-12);
    assert_true(fabs(units->share_above_chance - 0.7) < 1e-12);
    assert_true(fabs(units->mean[0] - 0.3) < 1e-12 && fabs(units->mean[1] - 0.7) < 1e-12);
    assert_true(fabs(units->spread[0] - sqrt(0.02)) < 1e-12);
    assert_true(fabs(file.columns.slices[1].share - 0.2) < 1e-12);
    assert_true(file.columns.slices[1].share_above_chance == 0);
    close_table(&world, &file);
}

static void test_scan_file__tells_figures_from_parameters(void **state) {
    (void)state;
    mb_test_world world;
    mb_scan_file file;
    open_table(&world, &file,
        "start,end,duration,round_epochs,loss,accuracy,val_loss,val_accuracy,lr,val_size,best_loss,"
        "best_lr,loss_std,error\n"
        "a,b,1,20,0.5,0.5,0.5,0.5,0.001,3,0.5,0.1,0.1,\n",
        NULL);
    static const mb_scan_column_kind wanted[] = {MB_SCAN_COLUMN_TIME, MB_SCAN_COLUMN_TIME,
        MB_SCAN_COLUMN_TIME, MB_SCAN_COLUMN_TIME, MB_SCAN_COLUMN_FIGURE, MB_SCAN_COLUMN_FIGURE,
        MB_SCAN_COLUMN_FIGURE, MB_SCAN_COLUMN_FIGURE, MB_SCAN_COLUMN_FIGURE,
        MB_SCAN_COLUMN_PARAMETER, MB_SCAN_COLUMN_BEST, MB_SCAN_COLUMN_BEST, MB_SCAN_COLUMN_SPREAD,
        MB_SCAN_COLUMN_ERROR};
    for (size_t j = 0; j < MB_COUNT_OF(wanted); j++) {
        assert_int_equal(file.kinds[j], wanted[j]);
    }
    close_table(&world, &file);
}

static void test_scan_file__failed_rows_come_last_and_count_for_nothing(void **state) {
    (void)state;
    mb_test_world world;
    mb_scan_file file;
    open_table(&world, &file,
        "round_epochs,loss,accuracy,val_loss,val_accuracy,units,best_loss,error\n"
        "0,,,,,8,,too large\n2,1,1,0.1,0.9,8,1,stopped\n4,1,1,0.4,0.6,16,1,\n4,1,1,0.3,0.7,32,1,\n",
        "val_accuracy");
    assert_true(file.is_better_higher);
    assert_int_equal(file.columns.n, 2);
    assert_int_equal(file.rows[0], 3);
    assert_int_equal(file.rows[1], 2);
    assert_int_equal(file.rows[2], 0);
    assert_int_equal(file.columns.slices[0].n_values, 2);
    close_table(&world, &file);
}

static void test_scan_file__takes_tables_without_rows_or_many_values(void **state) {
    (void)state;
    mb_test_world world;
    mb_scan_file file;
    open_table(&world, &file, "round_epochs,loss,val_loss,units\n", NULL);
    assert_int_equal(file.columns.n, 0);
    assert_int_equal(file.columns.n_slices, 0);
    mb_scan_file_clear(&file);
    mb_buffer text;
    mb_buffer_init(&text, world.ctx);
    mb_buffer_text(&text, "loss,val_loss,drawn,kind\n");
    for (int i = 0; i < 200; i++) {
        mb_buffer_format(&text, "1,%d,%d.5,%c\n", i, i, i % 2 == 0 ? 'a' : 'b');
    }
    assert_ok(
        world.ctx, mb_scan_file_parse(&file, world.ctx, "table.csv", text.data, text.length, NULL));
    assert_int_equal(file.columns.n_slices, 1);
    assert_string_equal(file.columns.slices[0].name, "kind");
    mb_buffer_clear(&text);
    close_table(&world, &file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scan_file__shares_are_of_the_variance),
        cmocka_unit_test(test_scan_file__tells_figures_from_parameters),
        cmocka_unit_test(test_scan_file__failed_rows_come_last_and_count_for_nothing),
        cmocka_unit_test(test_scan_file__takes_tables_without_rows_or_many_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
