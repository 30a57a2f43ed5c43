// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/buffer.h"
#include "base/random.h"

#include "testing.h"
#include "world.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static float from_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

// The shortest of 6 to 9 digits that the C library reads back as the same float.
static void assert_shortest(mb_buffer *buffer, float value) {
    char text[40];
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, (double)value);
        if ((float)strtod(text, NULL) == value) {
            break;
        }
    }
    buffer->length = 0;
    mb_buffer_float(buffer, value);
    assert_string_equal(buffer->data, text);
}

static void test_buffer__floats_are_as_short_as_they_can_be(void **state) {
    (void)state;
    static const float hard[] = {0, 1, -1, 0.1F, 0.3F, 0.5F, 1e-4F, 9.9999997e-5F, 1.0000001e-4F,
        0.99999994F, 0.9999996F, 0.99999857F, 9.9999952F, 999999, 999999.44F, 999999.56F, 1e6F,
        99999.992F, 123456.5F, 123455.5F, 16777216, 0.001F, 0.00099999993F, 0.0625F, 2097151.75F,
        3.4028235e38F, 1.1754944e-38F, 1e-45F};
    noting_world world;
    mb_buffer buffer;
    noting_world_open(&world, 1);
    mb_buffer_init(&buffer, world.ctx);
    for (size_t i = 0; i < MB_COUNT_OF(hard); i++) {
        assert_shortest(&buffer, hard[i]);
        assert_shortest(&buffer, -hard[i]);
    }
    mb_random random = mb_random_stream(1, MB_PURPOSE_TEST, 0, 0);
    for (size_t i = 0; i < 40000; i++) {
        assert_shortest(&buffer, (float)mb_random_uniform(&random));
        // 2^-14 to 2^21.
        const uint32_t exponent = 113 + (uint32_t)mb_random_below(&random, 35);
        assert_shortest(&buffer, from_bits(exponent << 23 | mb_random_u32(&random) >> 9));
        // Few digits and their neighbours.
        const float few = (float)((double)mb_random_below(&random, 100000) / 1e5);
        assert_shortest(&buffer, few);
        assert_shortest(&buffer, nextafterf(few, 1));
    }
    buffer.length = 0;
    mb_buffer_float(&buffer, from_bits(0x7F800000));
    mb_buffer_float(&buffer, from_bits(0xFF800000));
    mb_buffer_float(&buffer, from_bits(0x7FC00000));
    assert_string_equal(buffer.data, "inf-infnan");
    mb_buffer_clear(&buffer);
    noting_world_close(&world);
}

static void test_buffer__whole_numbers_are_printed_whole(void **state) {
    (void)state;
    static const int64_t numbers[] = {0, 9, 10, -1, -10, 1234567890123, INT64_MAX, INT64_MIN};
    noting_world world;
    mb_buffer buffer;
    noting_world_open(&world, 1);
    mb_buffer_init(&buffer, world.ctx);
    for (size_t i = 0; i < MB_COUNT_OF(numbers); i++) {
        mb_buffer_int64(&buffer, numbers[i]);
        mb_buffer_text(&buffer, " ");
    }
    assert_string_equal(
        buffer.data, "0 9 10 -1 -10 1234567890123 9223372036854775807 -9223372036854775808 ");
    mb_buffer_clear(&buffer);
    noting_world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buffer__floats_are_as_short_as_they_can_be),
        cmocka_unit_test(test_buffer__whole_numbers_are_printed_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
