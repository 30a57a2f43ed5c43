// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "base/random.h"
#include "detector/chip/chip.h"

// Frames are checked against texts of bits that are put together field by field.
typedef struct bit_text {
    char bit[512];
    size_t n;
} bit_text;

static void put(bit_text *text, uint32_t value, unsigned bits) {
    for (unsigned i = bits; i-- > 0;) {
        text->bit[text->n++] = i < 32 && (value >> i & 1U) != 0 ? '1' : '0';
    }
}

static void check_frame(const mb_chip_frame *frame, bit_text *text, unsigned unit) {
    while (text->n % (16 * (size_t)unit) != 0) {
        put(text, 0, 1);
    }
    assert_int_equal(frame->n_words * 16, text->n);
    for (size_t i = 0; i < text->n; i++) {
        const bool is_set = ((unsigned)frame->word[i / 16] >> (15 - i % 16) & 1U) != 0;
        if (is_set != (text->bit[i] == '1')) {
            fail_msg("bit %zu of the frame", i);
        }
    }
}

static const mb_chip_algorithm *find(const char *name) {
    for (size_t i = 0; mb_chip_algorithms[i] != NULL; i++) {
        if (strcmp(mb_chip_algorithms[i]->name, name) == 0) {
            return mb_chip_algorithms[i];
        }
    }
    fail_msg("no algorithm %s", name);
    return NULL;
}

static mb_chip_content random_outputs(mb_random *random) {
    mb_chip_content content = {.n = MB_CHIP_OUTPUTS};
    content.sum = (uint32_t)mb_random_below(random, 512);
    for (size_t i = 0; i < MB_CHIP_OUTPUTS; i++) {
        content.code[i] = (uint16_t)mb_random_below(random, 512);
    }
    return content;
}

static void test_chip__autoencoder_frames_have_the_written_fields(void **state) {
    (void)state;
    static const unsigned bits[] = {1, 3, 5, 7, 9};
    static const unsigned data[] = {18, 50, 82, 114, 146};
    const mb_chip_algorithm *algorithm = find("autoencoder");
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 0, 1);
    for (unsigned n = 1; n <= 5; n++) {
        for (unsigned header = 4; header <= 5; header++) {
            mb_chip_settings settings;
            mb_chip_frame frame;
            bit_text text = {.n = 0};
            mb_chip_settings_init(&settings, n);
            settings.header_bits = header;
            mb_chip_content content = random_outputs(&random);
            content.header = 0xaU;
            algorithm->pack(algorithm, &settings, &content, &frame);
            put(&text, 0xaU, header);
            put(&text, content.sum, 9);
            put(&text, 0, data[n - 1] + (5 - header) - 16 * bits[n - 1]);
            for (size_t i = MB_CHIP_OUTPUTS; i-- > 0;) {
                put(&text, (uint32_t)content.code[i] >> (9 - bits[n - 1]), bits[n - 1]);
            }
            assert_int_equal(text.n, 32 * n);
            check_frame(&frame, &text, 2);
        }
    }
}

static void test_chip__a_keep_mask_picks_bits_of_single_outputs(void **state) {
    (void)state;
    const mb_chip_algorithm *algorithm = find("autoencoder");
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 0, 2);
    mb_chip_settings settings;
    mb_chip_frame frame;
    mb_chip_content back;
    mb_chip_settings_init(&settings, 2);
    memset(settings.keep, 0, sizeof settings.keep);
    settings.keep[15] = 0x1ff;
    settings.keep[3] = 0x101;
    mb_chip_content content = random_outputs(&random);
    bit_text text = {.n = 0};
    put(&text, 0, 5);
    put(&text, content.sum, 9);
    put(&text, 0, 50 - 11);
    put(&text, content.code[15], 9);
    put(&text, (uint32_t)content.code[3] >> 8, 1);
    put(&text, content.code[3] & 1U, 1);
    algorithm->pack(algorithm, &settings, &content, &frame);
    check_frame(&frame, &text, 2);
    assert_true(algorithm->unpack(algorithm, &settings, &frame, &back));
    assert_int_equal(back.code[15], content.code[15]);
    assert_int_equal(back.code[3], content.code[3] & 0x101U);
    assert_int_equal(back.code[0], 0);
}

static void test_chip__threshold_frames_have_the_written_fields(void **state) {
    (void)state;
    const mb_chip_algorithm *algorithm = find("threshold");
    mb_chip_settings settings;
    mb_chip_settings_init(&settings, 3);
    for (unsigned n = 0; n <= MB_CHIP_CELLS; n += n < 9 ? 1 : 13) {
        uint32_t charges[MB_CHIP_CELLS] = {0};
        uint32_t sum = 0;
        mb_chip_content content;
        mb_chip_frame frame;
        bit_text text = {.n = 0};
        for (unsigned i = 0; i < n; i++) {
            charges[47 - i] = 47 + 11 * i;
            sum += charges[47 - i];
        }
        charges[0] += n < MB_CHIP_CELLS ? 46 : 0; // just below
        sum += n < MB_CHIP_CELLS ? 46 : 0;
        algorithm->work(algorithm, &settings, charges, &content);
        content.header = 9;
        algorithm->pack(algorithm, &settings, &content, &frame);
        put(&text, 9, 5);
        put(&text, n == 0 ? 0 : n < 8 ? 2 : 4, 3);
        put(&text, mb_float_encode(mb_float_5e3m(), sum), 8);
        if (n > 0 && n < 8) {
            put(&text, n, 3);
        }
        for (unsigned i = n < 8 ? n : 0; i-- > 0;) {
            put(&text, 47 - i, 6);
        }
        for (unsigned cell = 0; n >= 8 && cell < MB_CHIP_CELLS; cell++) {
            put(&text, cell >= MB_CHIP_CELLS - n, 1);
        }
        for (unsigned i = n; i-- > 0;) {
            put(&text, mb_float_encode(mb_float_4e3m(1), charges[47 - i]), 7);
        }
        check_frame(&frame, &text, 1);
    }
}

static void test_chip__best_choice_frames_have_the_written_fields(void **state) {
    (void)state;
    static const unsigned cells[] = {0, 1, 4, 6, 9, 14, 18, 23, 28, 32, 37, 41, 46, 48};
    const mb_chip_algorithm *algorithm = find("best_choice");
    for (unsigned n = 1; n <= MB_CHIP_MOST_LINKS; n++) {
        uint32_t charges[MB_CHIP_CELLS];
        uint64_t sum = 0;
        mb_chip_settings settings;
        mb_chip_content content;
        mb_chip_frame frame;
        bit_text text = {.n = 0};
        mb_chip_settings_init(&settings, n);
        assert_int_equal(mb_chip_best_cells(n), cells[n]);
        for (unsigned i = 0; i < MB_CHIP_CELLS; i++) {
            charges[i] = 10 * ((i * 29) % MB_CHIP_CELLS);
            sum += charges[i];
        }
        algorithm->work(algorithm, &settings, charges, &content);
        content.header = 5;
        algorithm->pack(algorithm, &settings, &content, &frame);
        put(&text, 5, 4);
        put(&text, mb_float_encode(mb_float_5e3m(), (uint32_t)sum), 8);
        for (unsigned pass = 0; pass < 2; pass++) {
            for (unsigned i = 0; i < MB_CHIP_CELLS; i++) {
                const bool is_sent = charges[i] >= 10 * (MB_CHIP_CELLS - cells[n]);
                if (pass == 0 && cells[n] >= 8) {
                    put(&text, is_sent, 1);
                } else if (is_sent) {
                    put(&text, pass == 0 ? i : mb_float_encode(mb_float_4e3m(1), charges[i]),
                        pass == 0 ? 6 : 7);
                }
            }
        }
        check_frame(&frame, &text, 2 * n);
        settings.is_rest = true;
        algorithm->work(algorithm, &settings, charges, &content);
        assert_int_equal(content.sum,
            n == MB_CHIP_MOST_LINKS
                ? 0
                : mb_float_encode(mb_float_5e3m(), 5 * (48 - cells[n]) * (47 - cells[n])));
    }
}

static void test_chip__group_frames_have_the_written_fields(void **state) {
    (void)state;
    static const struct {
        const char *name;
        unsigned size, address, code, count[5];
    } kinds[] = {
        {"stc4_9", 4, 2, 9, {2, 5, 8, 11, 12}},
        {"stc4_7", 4, 2, 7, {3, 6, 10, 12, 12}},
        {"stc16_9", 16, 4, 9, {2, 3, 3, 3, 3}},
        {"ctc4_7", 4, 0, 7, {4, 8, 12, 12, 12}},
    };
    for (size_t k = 0; k < MB_COUNT_OF(kinds); k++) {
        const mb_chip_algorithm *algorithm = find(kinds[k].name);
        for (unsigned n = 1; n <= 6; n++) {
            const unsigned count = kinds[k].count[n < 5 ? n - 1 : 4];
            uint32_t charges[MB_CHIP_CELLS];
            mb_chip_settings settings;
            mb_chip_content content;
            mb_chip_frame frame;
            bit_text text = {.n = 0};
            mb_chip_settings_init(&settings, n);
            for (unsigned i = 0; i < MB_CHIP_CELLS; i++) {
                charges[i] = i % kinds[k].size == 2 ? 900 : i;
            }
            algorithm->work(algorithm, &settings, charges, &content);
            algorithm->pack(algorithm, &settings, &content, &frame);
            put(&text, 0, 4);
            for (unsigned g = 0; g < count; g++) {
                put(&text, 2, kinds[k].address);
            }
            for (unsigned g = 0; g < count; g++) {
                uint32_t sum = 0;
                for (unsigned i = 0; i < kinds[k].size; i++) {
                    sum += charges[g * kinds[k].size + i];
                }
                put(&text,
                    mb_float_encode(kinds[k].code == 9 ? mb_float_5e4m() : mb_float_4e3m(0), sum),
                    kinds[k].code);
            }
            check_frame(&frame, &text, 2);
            assert_true(frame.n_words <= 2 * n);
        }
    }
}

static void test_chip__of_equal_cells_the_last_is_named_or_the_first(void **state) {
    (void)state;
    const mb_chip_algorithm *algorithm = find("stc4_9");
    uint32_t charges[MB_CHIP_CELLS] = {0};
    mb_chip_settings settings;
    mb_chip_content content;
    mb_chip_settings_init(&settings, 5);
    charges[5] = charges[6] = 70;
    algorithm->work(algorithm, &settings, charges, &content);
    assert_int_equal(content.address[0], 3); // all 0
    assert_int_equal(content.address[1], 2);
    settings.is_first = true;
    algorithm->work(algorithm, &settings, charges, &content);
    assert_int_equal(content.address[0], 0);
    assert_int_equal(content.address[1], 1);
}

// What an algorithm says of random charges.
static mb_chip_content random_content(
    const mb_chip_algorithm *algorithm, const mb_chip_settings *settings, mb_random *random) {
    uint32_t charges[MB_CHIP_CELLS];
    mb_chip_content content;
    if (algorithm->work == NULL) {
        content = random_outputs(random);
        content.header = (unsigned)mb_random_below(random, 1U << settings->header_bits);
        for (size_t i = 0; i < MB_CHIP_OUTPUTS; i++) {
            content.code[i] &= settings->keep[i];
        }
        return content;
    }
    const uint64_t n = mb_random_below(random, 49);
    for (size_t i = 0; i < MB_CHIP_CELLS; i++) {
        charges[i] = mb_random_below(random, 48) < n ? (uint32_t)mb_random_below(random, 5000) : 0;
    }
    algorithm->work(algorithm, settings, charges, &content);
    content.header = (unsigned)mb_random_below(random, UINT64_C(1) << algorithm->header_bits);
    return content;
}

static void test_chip__unpacking_gives_back_what_was_packed(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, 0);
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 0, 3);
    for (size_t a = 0; mb_chip_algorithms[a] != NULL; a++) {
        const mb_chip_algorithm *algorithm = mb_chip_algorithms[a];
        for (unsigned i = 0; i < 4000; i++) {
            mb_chip_settings settings;
            mb_chip_frame frame;
            mb_chip_content back;
            mb_chip_settings_init(&settings,
                algorithm->least_links + i % (MB_CHIP_MOST_LINKS + 1 - algorithm->least_links));
            settings.header_bits = 4 + i % 2;
            settings.drop = i % 4 < 2 ? 1 : 3;
            const mb_chip_content content = random_content(algorithm, &settings, &random);
            assert_ok(world.ctx, mb_chip_content_check(world.ctx, algorithm, &settings, &content));
            algorithm->pack(algorithm, &settings, &content, &frame);
            assert_true(algorithm->unpack(algorithm, &settings, &frame, &back));
            assert_memory_equal(&content, &back, sizeof back);
        }
    }
    mb_test_world_close(&world);
}

static void test_chip__words_that_are_no_frame_are_refused(void **state) {
    (void)state;
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 0, 4);
    size_t n_good = 0;
    for (unsigned i = 0; i < 40000; i++) {
        const mb_chip_algorithm *algorithm = mb_chip_algorithms[i % 8];
        mb_chip_settings settings;
        mb_chip_frame frame = {.n_words = (unsigned)mb_random_below(&random, 27)};
        mb_chip_frame back;
        mb_chip_content content;
        mb_chip_settings_init(&settings, 1 + i / 8 % 13);
        for (unsigned k = 0; k < frame.n_words; k++) {
            frame.word[k] = (uint16_t)(k < 2 || i % 3 == 0 ? mb_random_u32(&random) : 0);
        }
        // What is taken for a frame must be one.
        if (algorithm->unpack(algorithm, &settings, &frame, &content)) {
            algorithm->pack(algorithm, &settings, &content, &back);
            assert_int_equal(back.n_words, frame.n_words);
            assert_memory_equal(back.word, frame.word, frame.n_words * sizeof *frame.word);
            n_good++;
        }
    }
    assert_true(n_good > 100 && n_good < 10000);
}

static void test_chip__the_sorter_sorts_and_keeps_all_cells(void **state) {
    (void)state;
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 0, 5);
    for (unsigned i = 0; i < 3000; i++) {
        uint32_t values[MB_CHIP_CELLS];
        uint8_t order[MB_CHIP_CELLS];
        uint64_t seen = 0;
        for (unsigned k = 0; k < MB_CHIP_CELLS; k++) {
            values[k] = (uint32_t)mb_random_below(&random, i % 2 == 0 ? 2 : 1000);
        }
        mb_chip_sort(values, order);
        for (unsigned k = 0; k < MB_CHIP_CELLS; k++) {
            seen |= UINT64_C(1) << order[k];
            assert_true(k == 0 || values[order[k]] <= values[order[k - 1]]);
        }
        assert_true(seen == (UINT64_C(1) << MB_CHIP_CELLS) - 1);
    }
}

static void test_chip__the_counter_is_31_at_bucket_0(void **state) {
    (void)state;
    assert_int_equal(mb_chip_header(0, 5), 31);
    assert_int_equal(mb_chip_header(16, 5), 0);
    assert_int_equal(mb_chip_header(3563, 5), 11);
    assert_int_equal(mb_chip_header(0, 4), 15);
    assert_int_equal(mb_chip_header(13, 4), 5);
    assert_int_equal(mb_chip_idle_word(2), 2 << 11 | 0x333);
}

static void test_chip__ports_bring_the_first_input_in_the_low_bits(void **state) {
    (void)state;
    uint8_t codes[MB_CHIP_CELLS];
    uint32_t words[MB_CHIP_PORTS] = {0};
    uint32_t back[MB_CHIP_PORTS];
    words[1] = 0x01U | 0x02U << 7 | 0x03U << 14 | 0x7fU << 21;
    mb_chip_ports_unpack(words, codes);
    assert_int_equal(codes[4], 1);
    assert_int_equal(codes[5], 2);
    assert_int_equal(codes[6], 3);
    assert_int_equal(codes[7], 0x7f);
    mb_chip_ports_pack(codes, back);
    assert_memory_equal(words, back, sizeof back);
}

static void test_chip__calibration_cuts_off(void **state) {
    (void)state;
    mb_chip_settings settings;
    uint8_t codes[MB_CHIP_CELLS] = {0x24}; // 96 << drop
    uint32_t charges[MB_CHIP_CELLS];
    mb_chip_settings_init(&settings, 5);
    settings.calibration = 871;
    mb_chip_calibrate(&settings, codes, charges);
    assert_int_equal(charges[0], 192 * 871 / 2048);
    settings.drop = 3;
    mb_chip_calibrate(&settings, codes, charges);
    assert_int_equal(charges[0], 768 * 871 / 2048);
    assert_int_equal(charges[1], 0);
}

static void fill(mb_chip_frame *frame, unsigned n_words) {
    frame->n_words = n_words;
    for (unsigned i = 0; i < n_words; i++) {
        frame->word[i] = (uint16_t)(0x1000 + 0x400 + i);
    }
}

static void test_chip__a_full_buffer_cuts_frames(void **state) {
    (void)state;
    mb_chip_buffer buffer;
    mb_chip_frame frame;
    uint32_t links[MB_CHIP_MOST_LINKS];
    mb_chip_buffer_init(&buffer, 2); // t1 48, t2 23, takes out 4 words a crossing
    fill(&frame, 20);
    assert_int_equal(mb_chip_buffer_step(&buffer, &frame, 7, links), 4);
    assert_int_equal(links[0], 0x14001401);
    assert_int_equal(links[1], 0x14021403);
    assert_int_equal(buffer.n, 16);
    assert_int_equal(mb_chip_buffer_step(&buffer, &frame, 8, links), 4); // 36 - 4
    assert_int_equal(buffer.n, 32);
    assert_int_equal(mb_chip_buffer_step(&buffer, &frame, 9, links), 1); // 52 > 48
    assert_int_equal(buffer.n, 30);
    fill(&frame, 5);
    assert_int_equal(mb_chip_buffer_step(&buffer, &frame, 10, links), 2); // late, and short
    assert_int_equal(buffer.n, 28);
    fill(&frame, 26);
    mb_chip_buffer_init(&buffer, 3);                                     // t1 72, t2 47
    assert_int_equal(mb_chip_buffer_step(&buffer, &frame, 1, links), 4); // 26 - 6
    assert_int_equal(mb_chip_buffer_step(&buffer, &frame, 2, links), 4); // 46 - 6
    assert_int_equal(mb_chip_buffer_step(&buffer, &frame, 3, links), 4); // 66 - 6
    assert_int_equal(buffer.n, 60);
    assert_int_equal(mb_chip_buffer_step(&buffer, &frame, 4, links), 1);
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(mb_chip_buffer_step(&buffer, NULL, 5, links), 4);
    }
    assert_int_equal(buffer.n, 0);
    mb_chip_buffer_step(&buffer, NULL, 5, links);
    assert_int_equal(links[2], mb_chip_idle_word(5) * 0x10001U);
}

static void test_chip__long_frames_pass_a_late_buffer(void **state) {
    (void)state;
    mb_chip_buffer buffer;
    mb_chip_frame frame;
    uint32_t links[MB_CHIP_MOST_LINKS];
    mb_chip_buffer_init(&buffer, 4); // t1 96, t2 71
    buffer.n = 70;
    fill(&frame, 25);
    assert_int_equal(mb_chip_buffer_step(&buffer, &frame, 1, links), 4);
    buffer.n = 72;
    fill(&frame, 24);
    assert_int_equal(mb_chip_buffer_step(&buffer, &frame, 1, links), 2);
    mb_chip_buffer_init(&buffer, 13); // t1 312, t2 287
    buffer.n = 288;
    fill(&frame, 26);
    assert_int_equal(mb_chip_buffer_step(&buffer, &frame, 1, links), 1);
    buffer.t2 = 280;
    buffer.n = 281;
    assert_int_equal(mb_chip_buffer_step(&buffer, &frame, 1, links), 3);
}

static void test_chip__a_cut_frame_keeps_counter_and_sum(void **state) {
    (void)state;
    const mb_chip_algorithm *algorithm = find("threshold");
    mb_chip_settings settings;
    mb_chip_content content;
    mb_chip_frame frame;
    mb_chip_frame cut;
    uint32_t charges[MB_CHIP_CELLS] = {500, 600, 700};
    mb_chip_settings_init(&settings, 2);
    algorithm->work(algorithm, &settings, charges, &content);
    content.header = 21;
    algorithm->pack(algorithm, &settings, &content, &frame);
    mb_chip_frame_cut(&frame, &cut);
    mb_chip_content back;
    assert_true(algorithm->unpack(algorithm, &settings, &cut, &back));
    assert_int_equal(back.header, 21);
    assert_int_equal(back.type, MB_CHIP_TRUNCATED);
    assert_int_equal(back.sum, content.sum);
    assert_int_equal(back.n, 0);
    assert_int_equal(cut.n_words, 2);
}

static void test_chip__settings_out_of_range_are_refused(void **state) {
    (void)state;
    mb_test_world world;
    mb_chip_settings settings;
    const mb_chip_algorithm *algorithm = find("autoencoder");
    mb_test_world_open(&world, 1, 0);
    mb_context *ctx = world.ctx;
    mb_chip_settings_init(&settings, 3);
    assert_ok(ctx, mb_chip_settings_check(ctx, algorithm, &settings));
    settings.keep[0] = 0x1ff;
    assert_fails(ctx, mb_chip_settings_check(ctx, algorithm, &settings), MB_ERR_ARG, "carry 82");
    mb_chip_settings_init(&settings, 3);
    settings.header_bits = 6;
    assert_fails(ctx, mb_chip_settings_check(ctx, algorithm, &settings), MB_ERR_ARG, "5 or 4");
    mb_chip_settings_init(&settings, 3);
    settings.calibration = 4096;
    assert_fails(ctx, mb_chip_settings_check(ctx, algorithm, &settings), MB_ERR_ARG, "12 bits");
    assert_fails(
        ctx, mb_chip_settings_check(ctx, find("repeater"), &settings), MB_ERR_ARG, "needs 11");
    settings.n_links = 14;
    assert_fails(ctx, mb_chip_settings_check(ctx, algorithm, &settings), MB_ERR_ARG, "1 .. 13");
    settings.n_links = 0;
    assert_fails(ctx, mb_chip_settings_check(ctx, algorithm, &settings), MB_ERR_ARG, "read out");
    assert_fails(ctx, mb_chip_algorithm_find(ctx, "best", &algorithm), MB_ERR_ARG, "best_choice");
    mb_test_world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chip__autoencoder_frames_have_the_written_fields),
        cmocka_unit_test(test_chip__a_keep_mask_picks_bits_of_single_outputs),
        cmocka_unit_test(test_chip__threshold_frames_have_the_written_fields),
        cmocka_unit_test(test_chip__best_choice_frames_have_the_written_fields),
        cmocka_unit_test(test_chip__group_frames_have_the_written_fields),
        cmocka_unit_test(test_chip__of_equal_cells_the_last_is_named_or_the_first),
        cmocka_unit_test(test_chip__unpacking_gives_back_what_was_packed),
        cmocka_unit_test(test_chip__words_that_are_no_frame_are_refused),
        cmocka_unit_test(test_chip__the_sorter_sorts_and_keeps_all_cells),
        cmocka_unit_test(test_chip__the_counter_is_31_at_bucket_0),
        cmocka_unit_test(test_chip__ports_bring_the_first_input_in_the_low_bits),
        cmocka_unit_test(test_chip__calibration_cuts_off),
        cmocka_unit_test(test_chip__a_full_buffer_cuts_frames),
        cmocka_unit_test(test_chip__long_frames_pass_a_late_buffer),
        cmocka_unit_test(test_chip__a_cut_frame_keeps_counter_and_sum),
        cmocka_unit_test(test_chip__settings_out_of_range_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
