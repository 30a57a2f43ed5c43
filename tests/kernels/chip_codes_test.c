// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "files/csv.h"
#include "kernels/chip_codes.h"

typedef struct row {
    mb_float_format format;
    uint32_t value, code, edge, centre;
} row;

static const row rows[] = {
    {{4, 3, 0, false, false}, 7, 0x07, 7, 7},
    {{4, 3, 0, false, false}, 8, 0x08, 8, 8},
    {{4, 3, 0, false, false}, 15, 0x0f, 15, 15},
    {{4, 3, 0, false, false}, 17, 0x10, 16, 17},
    {{4, 3, 0, false, false}, 31, 0x17, 30, 31},
    {{4, 3, 0, false, false}, 100, 0x24, 96, 100},
    {{4, 3, 0, false, false}, 262143, 0x7f, 245760, 253952},
    {{4, 3, 0, false, false}, 262144, 0x7f, 245760, 253952},
    {{4, 3, 1, false, false}, 15, 0x07, 14, 15},
    {{4, 3, 1, false, false}, 100, 0x1c, 96, 100},
    {{4, 3, 1, false, false}, 1000, 0x37, 960, 992},
    {{4, 3, 3, false, false}, 7, 0x00, 0, 4},
    {{4, 3, 3, false, false}, 64, 0x08, 64, 68},
    {{4, 3, 3, false, false}, 5000, 0x39, 4608, 4864},
    {{5, 4, 0, false, false}, 31, 0x01f, 31, 31},
    {{5, 4, 0, false, false}, 33, 0x020, 32, 33},
    {{5, 4, 0, false, false}, 1000, 0x06f, 992, 1008},
    {{5, 4, 0, false, false}, 2011, 0x07f, 1984, 2016},
    {{5, 4, 0, false, false}, 4194303, 0x12f, 4063232, 4128768},
};

static void check_row(const row *r) {
    mb_float_format format = r->format;
    assert_int_equal(mb_float_encode(format, r->value), r->code);
    assert_int_equal(mb_float_decode(format, r->code), r->edge);
    format.is_centred = true;
    assert_int_equal(mb_float_decode(format, r->code), r->centre);
}

static void test_chip_codes__worked_values_come_out(void **state) {
    (void)state;
    for (size_t i = 0; i < MB_COUNT_OF(rows); i++) {
        check_row(&rows[i]);
    }
}

static void test_chip_codes__rounding_is_half_up_and_may_carry(void **state) {
    (void)state;
    const mb_float_format format = {4, 3, 0, true, false};
    assert_int_equal(mb_float_encode(format, 16), 0x10);
    assert_int_equal(mb_float_encode(format, 17), 0x11);
    assert_int_equal(mb_float_encode(format, 31), 0x18); // up to 32
    const mb_float_format dropping = {4, 3, 3, true, false};
    assert_int_equal(mb_float_encode(dropping, 3), 0);
    assert_int_equal(mb_float_encode(dropping, 4), 1);
    assert_int_equal(mb_float_encode(dropping, 60), 0x08); // up to 64
    assert_int_equal(mb_float_encode((mb_float_format){5, 4, 0, true, false}, UINT32_MAX), 0x1d0);
}

static void test_chip_codes__every_code_of_a_format_is_its_own_value(void **state) {
    (void)state;
    const mb_float_format formats[] = {
        mb_float_4e3m(0), mb_float_4e3m(1), mb_float_4e3m(3), mb_float_5e3m()};
    for (size_t i = 0; i < MB_COUNT_OF(formats); i++) {
        mb_float_format format = formats[i];
        for (uint32_t code = 0; code < 0x78; code++) {
            format.is_centred = false;
            assert_int_equal(mb_float_encode(format, mb_float_decode(format, code)), code);
            format.is_centred = true;
            assert_int_equal(mb_float_encode(format, mb_float_decode(format, code)), code);
        }
    }
}

static void test_chip_codes__outputs_keep_their_uppermost_bits(void **state) {
    (void)state;
    const unsigned bits[] = {1, 3, 5, 7, 9, 9};
    for (unsigned n = 1; n <= 6; n++) {
        assert_int_equal(mb_output_bits(n), bits[n - 1]);
        for (uint32_t output = 0; output <= MB_OUTPUT_MOST; output++) {
            const uint32_t cut = mb_output_cut(output, bits[n - 1]);
            assert_true(cut <= output && output - cut < 1U << (9 - bits[n - 1]));
            const float value = mb_output_cut_value((float)output / MB_OUTPUT_ONE, bits[n - 1]);
            assert_true(value * MB_OUTPUT_ONE == (float)cut);
        }
    }
    assert_true(mb_output_cut_value(-1.0F, 5) == 0.0F);
    assert_true(mb_output_cut_value(7.0F, 3) == 1.75F);
}

static uint32_t number(const mb_csv *table, size_t i, size_t column) {
    double value = 0;
    assert_int_equal(mb_csv_number(table, i, column, &value), MB_OK);
    return (uint32_t)value;
}

static void test_chip_codes__reference_table_comes_out(void **state) {
    (void)state;
    const char *path = mb_test_shared("golden_own/float_codes.csv");
    mb_test_world world;
    mb_csv table;
    mb_test_world_open(&world, 1, 0);
    assert_ok(world.ctx, mb_csv_read(&table, world.ctx, path, true));
    assert_true(table.n_rows > 30);
    for (size_t i = 0; i < table.n_rows; i++) {
        const char *name = mb_csv_field(&table, i, 0); // "4E3M"
        const row r = {{(unsigned)(name[0] - '0'), (unsigned)(name[2] - '0'), number(&table, i, 1),
                           false, false},
            number(&table, i, 2), number(&table, i, 5), number(&table, i, 6), number(&table, i, 7)};
        check_row(&r);
    }
    mb_csv_clear(&table);
    mb_test_world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chip_codes__worked_values_come_out),
        cmocka_unit_test(test_chip_codes__rounding_is_half_up_and_may_carry),
        cmocka_unit_test(test_chip_codes__every_code_of_a_format_is_its_own_value),
        cmocka_unit_test(test_chip_codes__outputs_keep_their_uppermost_bits),
        cmocka_unit_test(test_chip_codes__reference_table_comes_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
