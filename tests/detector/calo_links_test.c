// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "detector/calo/calo.h"
#include "detector/calo/links.h"
#include "detector/calo/regions_text.h"

#include <stdlib.h>

enum { N = MB_CALO_N_REGIONS };

MB_TEST_WORLD(1, MB_CPU_ALL)

static mb_status parse(const char *text, mb_calo_links *out) {
    return mb_calo_links_parse(out, world.ctx, "vectors", text, strlen(text));
}

static void test_links__unpack_and_pack_the_worked_example(void **state) {
    (void)state;
    static const uint32_t words[] = {0x00ac0300, 0x00000000, 0x06700300, 0x000000a0};
    static const uint16_t wanted[] = {0xac03, 0, 0, 0, 0x7003, 0xa006, 0};
    uint16_t bits[MB_CALO_LINK_REGIONS];
    uint32_t back[MB_CALO_LINK_WORDS];
    mb_calo_link_unpack(words, bits);
    assert_memory_equal(bits, wanted, sizeof bits);
    mb_calo_link_pack(bits, back);
    assert_memory_equal(back, words, sizeof back);
    static const mb_calo_field fields[] = {
        {3, 1, 1, 2, 2}, {0, 0, 0, 0, 0}, {3, 0, 0, 3, 1}, {6, 0, 0, 2, 2}};
    static const size_t places[] = {0, 1, 4, 5};
    for (size_t i = 0; i < MB_COUNT_OF(places); i++) {
        const mb_calo_field field = mb_calo_field_unpack(bits[places[i]]);
        assert_int_equal(field.et, fields[i].et);
        assert_int_equal(field.eg_veto, fields[i].eg_veto);
        assert_int_equal(field.tau_veto, fields[i].tau_veto);
        assert_int_equal(field.local_phi, fields[i].local_phi);
        assert_int_equal(field.local_eta, fields[i].local_eta);
        assert_int_equal(mb_calo_field_pack(field), bits[places[i]]);
    }
}

// Any fields come back, region 7 l + r where it was.
static void test_links__decode_what_they_wrote(void **state) {
    (void)state;
    enum { N_EVENTS = 20 };
    uint16_t *bits = malloc(N_EVENTS * N * sizeof *bits);
    assert_non_null(bits);
    for (size_t i = 0; i < N_EVENTS * N; i++) {
        bits[i] = (uint16_t)((i * 2654435761U) >> 7);
    }
    mb_buffer text;
    mb_buffer_init(&text, world.ctx);
    mb_calo_links_write(&text, bits, N_EVENTS);
    mb_calo_links links;
    assert_ok(world.ctx, mb_calo_links_parse(&links, world.ctx, "vectors", text.data, text.length));
    assert_int_equal(links.n_events, N_EVENTS);
    assert_int_equal(links.n_stray, 0);
    assert_memory_equal(links.bits, bits, N_EVENTS * N * sizeof *bits);
    mb_calo_links_clear(&links);
    mb_buffer_clear(&text);
    free(bits);
}

// One event with a word of link 1, in a head and with ends of a line's words that a case chooses.
static void write_event(mb_buffer *text, const char *head, const char *gap, const char *end) {
    static const char *const words[] = {"00ac0300", "0", "0x06700300", "000000A0"};
    mb_buffer_text(text, head);
    for (unsigned row = 0; row < 4; row++) {
        mb_buffer_format(text, "0x%04x", row);
        for (size_t link = 0; link < MB_CALO_N_LINKS; link++) {
            mb_buffer_format(text, "%s%s", gap, link == 1 ? words[row] : "00000000");
        }
        mb_buffer_text(text, end);
    }
}

static const char usual_head[] = "=====\nWordCnt LINK_00 LINK_01 LINK_02 LINK_03 LINK_04 LINK_05 "
                                 "LINK_06 LINK_07 LINK_08 LINK_09 LINK_10 LINK_11 LINK_12 LINK_13 "
                                 "LINK_14 LINK_15 LINK_16 LINK_17 LINK_18 LINK_19 LINK_20 LINK_21 "
                                 "LINK_22 LINK_23 LINK_24 LINK_25 LINK_26 LINK_27 LINK_28 LINK_29 "
                                 "LINK_30 LINK_31 LINK_32 LINK_33 LINK_34 LINK_35\n#BeginData\n";

static void test_links__take_tabs_blanks_and_line_ends_of_all_kinds(void **state) {
    (void)state;
    static const struct {
        const char *head, *gap, *end;
    } cases[] = {{usual_head, " ", "\n"}, {usual_head, "\t", "\r\n"},
        {"#BeginData\r\n", "   ", "  \r\n"},
        {"# made by hand\n===\n\n#BeginData\n", " \t", "\n\n"}};
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        mb_buffer text;
        mb_buffer_init(&text, world.ctx);
        write_event(&text, cases[i].head, cases[i].gap, cases[i].end);
        mb_calo_links links;
        assert_ok(world.ctx, parse(text.data, &links));
        assert_int_equal(links.n_events, 1);
        for (size_t r = 0; r < N; r++) {
            const uint16_t wanted = r == 7 ? 0xac03 : r == 11 ? 0x7003 : r == 12 ? 0xa006 : 0;
            assert_int_equal(links.bits[r], wanted);
        }
        mb_calo_links_clear(&links);
        mb_buffer_clear(&text);
    }
}

// The text of one good event with one piece replaced.
static char *spoiled(const char *old, const char *new) {
    mb_buffer text;
    mb_buffer_init(&text, world.ctx);
    write_event(&text, usual_head, " ", "\n");
    char *place = strstr(text.data, old);
    assert_non_null(place);
    mb_buffer result;
    mb_buffer_init(&result, world.ctx);
    mb_buffer_append(&result, text.data, (size_t)(place - text.data));
    mb_buffer_text(&result, new);
    mb_buffer_text(&result, place + strlen(old));
    mb_buffer_clear(&text);
    assert_int_equal(result.status, MB_OK);
    char *copy = mb_copy_text(world.ctx, result.data);
    mb_buffer_clear(&result);
    return copy;
}

static void test_links__name_the_line_of_what_is_wrong(void **state) {
    (void)state;
    static const struct {
        const char *old, *new, *wanted;
    } cases[] = {
        {"#BeginData\n", "", "vectors:3: '0x0000 "},
        {"#BeginData\n", "#Data\n", "vectors:4: '0x0000 "},
        {"LINK_35", "", "vectors:2: the line WordCnt names 35 links, not 36"},
        {"00ac0300", "00ac0300 0", "vectors:4: 38 columns"},
        {" 00ac0300", "", "vectors:4: 36 columns"},
        {"00ac0300", "00ac030g", "vectors:4: column 3, '00ac030g', is no word of 32 bits"},
        {"00ac0300", "100ac0300", "vectors:4: column 3, '100ac0300', is no word"},
        {"00ac0300", "0x", "vectors:4: column 3, '0x', is no word"},
        {"0x0001", "0x0002", "vectors:5: word counter 0x0002 is out of order, 0x0001 comes next"},
        {"0x0000", "0x0001", "vectors:4: word counter 0x0001 is out of order, 0x0000 comes next"},
        {"0x0002", "word", "vectors:6: 'word' is no word counter"},
        {"0x0003", "#", "vectors:7: '#' is no word counter"},
    };
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        char *text = spoiled(cases[i].old, cases[i].new);
        mb_calo_links links;
        assert_fails(world.ctx, parse(text, &links), MB_ERR_FORMAT, cases[i].wanted);
        mb_calo_links_clear(&links);
        mb_release(world.ctx, text);
    }
    mb_calo_links links;
    assert_fails(world.ctx, parse("====\n", &links), MB_ERR_FORMAT, "vectors: no line #BeginData");
    mb_calo_links_clear(&links);
    char *text = spoiled("0x0003", "\n0x0003");
    *strstr(text, "0x0003") = '\0';
    assert_fails(world.ctx, parse(text, &links), MB_ERR_FORMAT, "it has 3 of 4 lines");
    mb_calo_links_clear(&links);
    mb_release(world.ctx, text);
}

static void test_links__start_a_counter_of_four_digits_again(void **state) {
    (void)state;
    mb_buffer text;
    mb_buffer_init(&text, world.ctx);
    mb_buffer_text(&text, "#BeginData\n");
    for (unsigned row = 0xfffc; row < 0x10004; row++) {
        mb_buffer_format(&text, "0x%04x", row & 0xffffU);
        for (size_t link = 0; link < MB_CALO_N_LINKS; link++) {
            mb_buffer_text(&text, " 0");
        }
        mb_buffer_text(&text, "\n");
    }
    mb_calo_links links;
    assert_ok(world.ctx, parse(text.data, &links));
    assert_int_equal(links.n_events, 2);
    mb_calo_links_clear(&links);
    mb_buffer_clear(&text);
}

static void test_links__count_bits_outside_all_regions(void **state) {
    (void)state;
    char *text = spoiled("00ac0300", "00ac0301");
    mb_calo_links links;
    assert_ok(world.ctx, parse(text, &links));
    assert_int_equal(links.n_stray, 1);
    assert_int_equal(links.bits[7], 0xac03);
    mb_calo_links_clear(&links);
    mb_release(world.ctx, text);
}

static void test_links__put_the_nibbles_of_a_score_together(void **state) {
    (void)state;
    static const char plain[] =
        "030760b4 b4766000 34766000 c4766000 00000000 80000000\n"
        "# the highest score\nffffffff, f0000000, f0000000, f0000000\n0 0\n";
    double *scores = NULL;
    size_t n = 0;
    assert_ok(world.ctx,
        mb_calo_scores_parse(world.ctx, "words", plain, sizeof plain - 1, 0, &scores, &n));
    assert_int_equal(n, 2);
    assert_true(scores[0] == 11.234375);
    assert_true(scores[1] == 255.99609375);
    mb_release(world.ctx, scores);
    // The same words on link 1 of 2, six lines an event.
    static const char framed[] = "=\nWordCnt LINK_00 LINK_01\n#BeginData\n"
                                 "0x0000 f0000000 030760b4\n0x0001 f0000000 b4766000\n"
                                 "0x0002 f0000000 34766000\n0x0003 f0000000 c4766000\n"
                                 "0x0004 0 0\n0x0005 0 80000000\n";
    const size_t length = sizeof framed - 1;
    assert_ok(world.ctx, mb_calo_scores_parse(world.ctx, "words", framed, length, 1, &scores, &n));
    assert_int_equal(n, 1);
    assert_true(scores[0] == 11.234375);
    mb_release(world.ctx, scores);
    assert_fails(world.ctx,
        mb_calo_scores_parse(world.ctx, "words", framed, length, 2, &scores, &n), MB_ERR_RANGE,
        "words: has 2 links, no link 2");
    assert_null(scores);
    static const struct {
        const char *text, *wanted;
    } bad[] = {{"0 0 0\n0 0", "words:2: the file ends within an event: it has 5 of 6 words"},
        {"0 0 x 0 0 0", "words:1: 'x' is no word of 32 bits"}, {"# nothing\n", "words: no words"}};
    for (size_t i = 0; i < MB_COUNT_OF(bad); i++) {
        assert_fails(world.ctx,
            mb_calo_scores_parse(
                world.ctx, "words", bad[i].text, strlen(bad[i].text), 0, &scores, &n),
            MB_ERR_FORMAT, bad[i].wanted);
    }
}

// 256 events of the firmware's test: through the words and back they are the same.
static void test_links__carry_the_firmwares_events(void **state) {
    (void)state;
    const char *path = mb_test_shared("cicada_links_nolicence/test3_regions_252.csv");
    mb_calo_table table;
    assert_ok(world.ctx, mb_calo_table_read(world.ctx, path, &table));
    assert_int_equal(table.regions.shape[0], 256);
    assert_ok(world.ctx, mb_calo_table_check(world.ctx, path, &table));
    const double *reference = table.reference.data;
    assert_non_null(reference);
    assert_true(reference[0] == 11.234375);
    const float *regions = table.regions.data;
    uint16_t *bits = malloc((size_t)256 * N * sizeof *bits);
    assert_non_null(bits);
    for (size_t i = 0; i < (size_t)256 * N; i++) {
        bits[i] = (uint16_t)regions[i];
    }
    mb_buffer text;
    mb_buffer_init(&text, world.ctx);
    mb_calo_links_write(&text, bits, 256);
    mb_calo_links links;
    assert_ok(world.ctx, mb_calo_links_parse(&links, world.ctx, "vectors", text.data, text.length));
    assert_int_equal(links.n_events, 256);
    assert_memory_equal(links.bits, bits, (size_t)256 * N * sizeof *bits);
    mb_calo_links_clear(&links);
    mb_buffer_clear(&text);
    free(bits);
    mb_calo_table_clear(&table);
}

static mb_status read_short(void *user, mb_context *ctx) {
    const char *text = user;
    mb_calo_links links;
    const mb_status status = mb_calo_links_parse(&links, ctx, "vectors", text, strlen(text));
    mb_calo_links_clear(&links);
    return status;
}

static void test_links__survive_lack_of_memory_at_every_step(void **state) {
    (void)state;
    char *text = spoiled("0x0000", "0x0000");
    assert_true(mb_test_each_lack_of_memory(read_short, text) > 1);
    mb_release(world.ctx, text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_links__unpack_and_pack_the_worked_example),
        cmocka_unit_test(test_links__decode_what_they_wrote),
        cmocka_unit_test(test_links__take_tabs_blanks_and_line_ends_of_all_kinds),
        cmocka_unit_test(test_links__name_the_line_of_what_is_wrong),
        cmocka_unit_test(test_links__start_a_counter_of_four_digits_again),
        cmocka_unit_test(test_links__count_bits_outside_all_regions),
        cmocka_unit_test(test_links__put_the_nibbles_of_a_score_together),
        cmocka_unit_test(test_links__carry_the_firmwares_events),
        cmocka_unit_test(test_links__survive_lack_of_memory_at_every_step),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
