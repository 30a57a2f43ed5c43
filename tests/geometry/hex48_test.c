// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "files/csv.h"
#include "geometry/hex48.h"

#include <math.h>

static void test_hex48__distances_are_the_published_ones(void **state) {
    (void)state;
    static const struct {
        size_t a, b;
        double distance, error;
    } wanted[] = {{0, 1, 2, 1e-9}, {0, 12, 6, 1e-5}, {0, 16, 10.965844, 1e-6},
        {0, 31, 1.802778, 1e-6}, {12, 47, 13.756812, 1e-6}};
    double most = 0;
    double x = 0, y = 0, xx = 0, yy = 0;
    for (size_t i = 0; i < MB_COUNT_OF(wanted); i++) {
        assert_true(fabs(mb_hex48_distance(wanted[i].a, wanted[i].b) - wanted[i].distance) <
                    wanted[i].error);
    }
    for (size_t i = 0; i < MB_HEX48_CELLS; i++) {
        const mb_hex48_cell cell = mb_hex48_cell_at(i);
        x += cell.x / 48, y += cell.y / 48, xx += cell.x * cell.x / 48, yy += cell.y * cell.y / 48;
        for (size_t j = 0; j < MB_HEX48_CELLS; j++) {
            const double distance = mb_hex48_distance(i, j);
            assert_true(i == j ? distance == 0 : distance > 1.8);
            most = distance > most ? distance : most;
        }
    }
    assert_true(most == mb_hex48_distance(12, 47));
    assert_true(fabs(sqrt(xx - x * x) - 3.611322) < 1e-5);
    assert_true(fabs(sqrt(yy - y * y) - 3.611322) < 1e-5);
}

static void test_hex48__cells_are_three_rhombi(void **state) {
    (void)state;
    const double unit = 1.20840075;
    for (size_t i = 0; i < MB_HEX48_CELLS; i++) {
        const double column = (double)(i % 4);
        const double row = (double)(i % 16 / 4);
        double x, y;
        if (i < 16) {
            x = 2.09301 * row, y = -2.4168015 * column - 1.2083969 * row;
        } else if (i < 32) {
            x = -8.37204 + 2.09301 * column, y = -10.271393 + 1.208398 * column + 2.4168 * row;
        } else {
            x = 4.7092705 - 2.0930105 * column - 2.0930105 * row;
            y = -12.386101 + 1.2084 * column - 1.2084 * row;
        }
        assert_true(fabs(mb_hex48_cell_at(i).x - x / unit) < 1e-5);
        assert_true(fabs(mb_hex48_cell_at(i).y - y / unit) < 1e-5);
    }
}

static void test_hex48__no_detour_is_shorter(void **state) {
    (void)state;
    for (size_t i = 0; i < MB_HEX48_CELLS; i++) {
        for (size_t j = 0; j < MB_HEX48_CELLS; j++) {
            assert_true(mb_hex48_distance(i, j) == mb_hex48_distance(j, i));
            for (size_t k = 0; k < MB_HEX48_CELLS; k++) {
                assert_true(mb_hex48_distance(i, k) <=
                            mb_hex48_distance(i, j) + mb_hex48_distance(j, k) + 1e-14);
            }
        }
    }
}

static void test_hex48__cells_stand_where_the_reference_table_has_them(void **state) {
    (void)state;
    const char *path = mb_test_shared("golden_own/hex_coords_48.csv");
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    mb_csv table;
    assert_ok(world.ctx, mb_csv_read(&table, world.ctx, path, true));
    assert_int_equal(table.n_rows, MB_HEX48_CELLS);
    for (size_t i = 0; i < table.n_rows; i++) {
        double x, y;
        assert_ok(world.ctx, mb_csv_number(&table, i, 3, &x));
        assert_ok(world.ctx, mb_csv_number(&table, i, 4, &y));
        assert_true(fabs(mb_hex48_cell_at(i).x - x) < 1e-8);
        assert_true(fabs(mb_hex48_cell_at(i).y - y) < 1e-8);
    }
    mb_csv_clear(&table);
    mb_test_world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hex48__distances_are_the_published_ones),
        cmocka_unit_test(test_hex48__cells_are_three_rhombi),
        cmocka_unit_test(test_hex48__no_detour_is_shorter),
        cmocka_unit_test(test_hex48__cells_stand_where_the_reference_table_has_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
