// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "elinks_bench.h"

#include "base/random.h"
#include "geometry/arrange.h"
#include "study/elinks.h"
#include "twin/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void make_words(uint8_t words[MB_ENCODER_WEIGHTS]) {
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 1, 2);
    for (size_t i = 0; i < MB_ENCODER_WEIGHTS; i++) {
        const uint64_t n = mb_random_below(&random, 16);
        words[i] = (uint8_t)((n + 64 - 7) % 64); // -7 .. 8
    }
}

static const char *save_words(mb_bench *b, const char *name) {
    uint8_t words[MB_ENCODER_WEIGHTS];
    mb_buffer text;
    make_words(words);
    mb_buffer_init(&text, b->ctx);
    mb_buffer_text(&text, "weight\n");
    for (size_t i = 0; i < MB_ENCODER_WEIGHTS; i++) {
        mb_buffer_format(&text, "0x%02x\n", words[i]);
    }
    const char *path = mb_bench_path(b, name);
    assert_ok(b->ctx, mb_write_buffer(&text, path));
    return path;
}

static double to_even(double x) {
    return rint(x);
}

static double clip(double x, double most) {
    return x < 0 ? 0 : x > most ? most : x;
}

// The encoder once more, in doubles, which hold all its numbers exactly.
static void encode_plainly(const uint8_t *words, double step, const uint32_t *charges, int *out) {
    const mb_arrangement *image = mb_arrangement_find("8x8");
    double x[8][8];
    double hidden[4][4][8];
    double sum = 0;
    for (size_t i = 0; i < 48; i++) {
        sum += charges[i];
    }
    double scale = 1;
    while (scale * 2 <= sum) {
        scale *= 2;
    }
    for (size_t p = 0; p < 64; p++) {
        const double value = image->mask[p] ? charges[image->cell[p]] : 0;
        x[p / 8][p % 8] = to_even(to_even(value / scale * 256) / 256 * 128) / 128;
    }
    double w[MB_ENCODER_WEIGHTS];
    for (size_t i = 0; i < MB_ENCODER_WEIGHTS; i++) {
        w[i] = step * (words[i] < 32 ? words[i] : words[i] - 64);
    }
    for (size_t r = 0; r < 4; r++) {
        for (size_t c = 0; c < 4; c++) {
            for (size_t f = 0; f < 8; f++) {
                double total = w[72 + f];
                for (size_t ky = 0; ky < 3; ky++) {
                    for (size_t kx = 0; kx < 3; kx++) {
                        const size_t y = 2 * r + ky;
                        const size_t z = 2 * c + kx;
                        total += y < 8 && z < 8 ? x[y][z] * w[(ky * 3 + kx) * 8 + f] : 0;
                    }
                }
                hidden[r][c][f] = clip(to_even(total * 512), 4095) / 512;
            }
        }
    }
    for (size_t o = 0; o < 16; o++) {
        double total = w[80 + 2048 + o];
        for (size_t i = 0; i < 128; i++) {
            total += hidden[i / 32][i / 8 % 4][i % 8] * w[80 + i * 16 + o];
        }
        out[o] = (int)clip(to_even(total * 256), 511);
    }
}

static void test_elinks__the_encoder_is_exact_in_both_formats(void **state) {
    (void)state;
    enum { N = 300 };
    mb_bench b;
    mb_bench_open(&b);
    uint8_t words[MB_ENCODER_WEIGHTS];
    make_words(words);
    uint32_t(*charges)[48] = calloc(N, sizeof *charges);
    mb_chip_content *contents = calloc(N, sizeof *contents);
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 1, 3);
    for (size_t i = 1; i < N; i++) {
        for (size_t k = 0; k < 48; k++) {
            charges[i][k] =
                mb_random_below(&random, 3) == 0 ? (uint32_t)mb_random_below(&random, 40 * i) : 0;
        }
    }
    for (size_t f = 0; f < 2; f++) {
        mb_encoder *encoder = NULL;
        size_t n_inside = 0;
        assert_ok(b.ctx, mb_encoder_create(b.ctx, words, f == 0 ? "2.4" : "1.5", &encoder));
        assert_ok(b.ctx, mb_encoder_run(b.ctx, encoder, charges[0], N, contents));
        for (size_t i = 0; i < N; i++) {
            int wanted[16];
            uint32_t sum = 0;
            encode_plainly(words, f == 0 ? 1.0 / 16 : 1.0 / 32, charges[i], wanted);
            for (size_t k = 0; k < 48; k++) {
                sum += charges[i][k];
            }
            assert_int_equal(contents[i].sum, mb_float_encode(mb_float_5e4m(), sum));
            for (size_t o = 0; o < 16; o++) {
                assert_int_equal(contents[i].code[o], wanted[o]);
                n_inside += wanted[o] > 0 && wanted[o] < 511;
            }
        }
        assert_true(n_inside > N);
        mb_encoder_destroy(encoder);
    }
    free(charges);
    free(contents);
    mb_bench_close(&b);
}

static void test_elinks__the_published_encoder_is_its_twin(void **state) {
    (void)state;
    enum { N = 100 };
    mb_bench b;
    mb_bench_open(&b);
    const char *path =
        mb_test_shared("econt_fastml_apache2/qk_6bit_tele/encoder_8x8_c8_S2_tele_qK_6bit.json");
    uint8_t words[MB_ENCODER_WEIGHTS];
    size_t n_clipped = 0;
    mb_encoder *encoder = NULL;
    mb_model *model = NULL;
    mb_twin *twin = NULL;
    assert_ok(b.ctx, mb_encoder_weights_read(b.ctx, path, "2.4", false, words, &n_clipped));
    assert_int_equal(n_clipped, 0);
    assert_ok(b.ctx, mb_encoder_create(b.ctx, words, "2.4", &encoder));
    assert_ok(b.ctx, mb_model_load(b.ctx, path, &model));
    assert_ok(b.ctx, mb_twin_from_model(b.ctx, model, NULL, &twin));
    uint32_t(*charges)[48] = calloc(N, sizeof *charges);
    float(*images)[64] = calloc(N, sizeof *images);
    int64_t(*outputs)[16] = calloc(N, sizeof *outputs);
    mb_chip_content *contents = calloc(N, sizeof *contents);
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 1, 4);
    for (size_t i = 0; i < N; i++) {
        uint32_t sum = 0;
        float cells[48];
        for (size_t k = 0; k < 48; k++) {
            charges[i][k] = (uint32_t)mb_random_below(&random, 200);
            sum += charges[i][k];
        }
        const double scale = ldexp(1, (int)floor(log2((double)sum)));
        for (size_t k = 0; k < 48; k++) {
            cells[k] = (float)(rint(charges[i][k] / scale * 256) / 256);
        }
        mb_arrangement_image(mb_arrangement_find("8x8"), cells, images[i]);
    }
    const mb_twin_rows rows = {.f32 = images[0]};
    assert_ok(b.ctx, mb_twin_predict(b.ctx, twin, &rows, N, outputs[0], NULL));
    assert_ok(b.ctx, mb_encoder_run(b.ctx, encoder, charges[0], N, contents));
    for (size_t i = 0; i < N; i++) {
        for (size_t o = 0; o < 16; o++) {
            assert_int_equal(contents[i].code[o], outputs[i][o]);
        }
    }
    free(charges);
    free(images);
    free(outputs);
    free(contents);
    mb_twin_destroy(twin);
    mb_model_destroy(model);
    mb_encoder_destroy(encoder);
    mb_bench_close(&b);
}

static void test_elinks__weights_do_not_saturate_in_silence(void **state) {
    (void)state;
    mb_bench b;
    mb_bench_open(&b);
    const char *path =
        mb_test_shared("econt_fastml_apache2/float_tele/encoder_8x8_c8_S2_tele.json");
    const char *output = mb_bench_path(&b, "w.txt");
    mb_answer *answer = NULL;
    assert_fails(b.ctx, mb_elinks_weights(b.ctx, path, "2.4", false, output, false, NULL),
        MB_ERR_RANGE, "weights lie outside -2 .. 1.9375");
    assert_false(mb_path_exists(output));
    assert_ok(b.ctx, mb_elinks_weights(b.ctx, path, "2.4", true, output, false, &answer));
    assert_non_null(strstr(mb_answer_json(answer), "\"clipped\": 1"));
    mb_answer_destroy(answer);
    uint8_t words[MB_ENCODER_WEIGHTS];
    size_t n_clipped = 0;
    assert_ok(b.ctx, mb_encoder_weights_read(b.ctx, output, "2.4", false, words, &n_clipped));
    assert_fails(b.ctx, mb_elinks_weights(b.ctx, path, "2.4", true, output, false, NULL), MB_ERR_IO,
        "w.txt");
    assert_fails(b.ctx,
        mb_elinks_weights(b.ctx, path, "3.3", true, mb_bench_path(&b, "x.txt"), false, NULL),
        MB_ERR_ARG, "take 2.4");
    assert_fails(b.ctx,
        mb_elinks_weights(b.ctx, path, "2.4", true, mb_bench_path(&b, "x.csv"), false, NULL),
        MB_ERR_ARG, ".txt");
    mb_bench_close(&b);
}

static void test_elinks__weight_words_are_checked(void **state) {
    (void)state;
    mb_bench b;
    mb_bench_open(&b);
    uint8_t words[MB_ENCODER_WEIGHTS];
    size_t n_clipped = 0;
    const char *bad = mb_bench_save(&b, "bad.txt", "weight\n0x3f\n0x40\n");
    assert_fails(b.ctx, mb_encoder_weights_read(b.ctx, bad, "2.4", false, words, &n_clipped),
        MB_ERR_RANGE, "bad.txt:3: column weight is 0x40; it goes up to 63");
    bad = mb_bench_save(&b, "bad.txt", "weight\n0x3f\n");
    assert_fails(b.ctx, mb_encoder_weights_read(b.ctx, bad, "2.4", false, words, &n_clipped),
        MB_ERR_FORMAT, "1 words; the encoder has 2144");
    mb_bench_close(&b);
}

static mb_status emulate(
    mb_bench *b, const char *file, const mb_elinks_emulation *settings, const char *folder) {
    return mb_elinks_emulate(b->ctx, file, settings, mb_bench_path(b, folder), true, NULL);
}

static void test_elinks__packing_undoes_unpacking_of_every_algorithm(void **state) {
    (void)state;
    static const char *const names[] = {"autoencoder", "threshold", "best_choice", "stc4_9",
        "stc4_7", "stc16_9", "ctc4_7", "repeater"};
    mb_bench b;
    mb_bench_open(&b);
    for (size_t a = 0; a < MB_COUNT_OF(names); a++) {
        for (uint64_t n = a == 7 ? 11 : 1; n <= (a == 7 ? 13 : 6); n++) {
            mb_elinks_emulation settings = MB_ELINKS_EMULATION_INIT;
            settings.format.algorithm = names[a];
            settings.format.n_links = n;
            settings.encoder = save_words(&b, "w.txt");
            const char *charges = mb_bench_save_charges(&b, "c.csv", 40, ",entry", ",7");
            assert_ok(b.ctx, emulate(&b, charges, &settings, "chip"));
            const char *words = mb_bench_path(&b, "chip/formatter.csv");
            const char *numbers = mb_bench_path(&b, "numbers.csv");
            const char *again = mb_bench_path(&b, "again.csv");
            const char *back = mb_bench_path(&b, "back.csv");
            assert_ok(b.ctx, mb_elinks_unpack(b.ctx, words, &settings.format, false, false, numbers,
                                 true, NULL));
            assert_ok(b.ctx, mb_elinks_pack(b.ctx, numbers, &settings.format, again, true, NULL));
            assert_ok(b.ctx,
                mb_elinks_unpack(b.ctx, again, &settings.format, false, false, back, true, NULL));
            char *one = mb_bench_load(&b, "numbers.csv");
            char *two = mb_bench_load(&b, "back.csv");
            assert_string_equal(one, two);
            mb_release(b.ctx, one);
            mb_release(b.ctx, two);
        }
    }
    mb_bench_close(&b);
}

static const char mapping_head[] = "TC_Number,ECON_TC_Number_PostMux,ECON_TC_Number_PreMux\n";

static const char *save_mapping(mb_bench *b) {
    mb_buffer text;
    mb_buffer_init(&text, b->ctx);
    mb_buffer_text(&text, mapping_head);
    for (size_t i = 0; i < 48; i++) {
        mb_buffer_format(&text, "%zu,%zu,%zu\n", i, (i * 5 + 3) % 48, (i * 7 + 1) % 48);
    }
    const char *path = mb_bench_path(b, "mapping.csv");
    assert_ok(b->ctx, mb_write_buffer(&text, path));
    return path;
}

// Lines of got are those of wanted behind two columns more.
static void assert_same_but_places(const char *wanted, const char *got) {
    while (*wanted != '\0') {
        const size_t n = strcspn(wanted, "\n") + 1;
        const char *bucket = strchr(got, ',');
        const char *rest = bucket != NULL ? strchr(bucket + 1, ',') : NULL;
        assert_non_null(rest);
        assert_memory_equal(rest + 1, wanted, n);
        wanted += n;
        got = rest + 1 + n;
    }
    assert_int_equal(*got, '\0');
}

static void test_elinks__charges_pass_the_ports_in_either_order(void **state) {
    (void)state;
    mb_bench b;
    mb_bench_open(&b);
    mb_elinks_emulation settings = MB_ELINKS_EMULATION_INIT;
    mb_elinks_format *format = &settings.format;
    format->algorithm = "ports";
    format->mapping = save_mapping(&b);
    const char *charges = mb_bench_save_charges(&b, "c.csv", 60, "", "");
    const char *ports = mb_bench_path(&b, "ports.csv");
    const char *plain = mb_bench_path(&b, "plain.csv");
    assert_ok(b.ctx, mb_elinks_pack(b.ctx, charges, format, ports, false, NULL));
    assert_ok(b.ctx, mb_elinks_unpack(b.ctx, ports, format, false, false, plain, false, NULL));
    for (size_t order = 0; order < 2; order++) {
        format->algorithm = "none";
        format->order = order == 0 ? "post" : "ae";
        assert_ok(b.ctx, emulate(&b, ports, &settings, "none"));
        assert_false(mb_path_exists(mb_bench_path(&b, "none/links.csv")));
        char *one = mb_bench_load(&b, "plain.csv");
        char *two = mb_bench_load(&b, "none/calq.csv");
        assert_string_equal(one, two);
        mb_release(b.ctx, two);
        format->algorithm = "repeater";
        format->n_links = 11;
        assert_ok(b.ctx, emulate(&b, ports, &settings, "chip"));
        assert_ok(b.ctx, mb_elinks_unpack(b.ctx, mb_bench_path(&b, "chip/formatter.csv"), format,
                             true, false, mb_bench_path(&b, "back.csv"), true, NULL));
        two = mb_bench_load(&b, "back.csv");
        assert_same_but_places(one, two);
        mb_release(b.ctx, one);
        mb_release(b.ctx, two);
    }
    mb_bench_close(&b);
}

static void test_elinks__eta_gives_the_written_calibrations(void **state) {
    (void)state;
    static const double etas[] = {1.5, -2.0, 2.5, 3.0};
    static const unsigned calibrations[] = {871, 544, 334, 203};
    mb_bench b;
    mb_bench_open(&b);
    const char *ports = mb_bench_save(&b, "ports.csv",
        "ePortRxDataGroup_0, ePortRxDataGroup_1, ePortRxDataGroup_2, ePortRxDataGroup_3, "
        "ePortRxDataGroup_4, ePortRxDataGroup_5, ePortRxDataGroup_6, ePortRxDataGroup_7, "
        "ePortRxDataGroup_8, ePortRxDataGroup_9, ePortRxDataGroup_10, ePortRxDataGroup_11\n"
        "88, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0\n"); // 0x58: 8 << 10, twice
    for (size_t i = 0; i < MB_COUNT_OF(etas); i++) {
        mb_elinks_emulation settings = MB_ELINKS_EMULATION_INIT;
        char wanted[32];
        settings.format.algorithm = "none";
        settings.eta = etas[i];
        assert_ok(b.ctx, emulate(&b, ports, &settings, "chip"));
        char *text = mb_bench_load(&b, "chip/calq.csv");
        snprintf(wanted, sizeof wanted, "\n%u,0,0", 16384 * calibrations[i] / 2048);
        assert_non_null(strstr(text, wanted));
        mb_release(b.ctx, text);
    }
    mb_bench_close(&b);
}

static void test_elinks__verify_names_the_first_row_and_bit(void **state) {
    (void)state;
    mb_bench b;
    mb_bench_open(&b);
    mb_elinks_emulation settings = MB_ELINKS_EMULATION_INIT;
    mb_answer *answer = NULL;
    settings.format.algorithm = "stc4_9";
    const char *charges = mb_bench_save_charges(&b, "c.csv", 30, "", "");
    assert_ok(b.ctx, emulate(&b, charges, &settings, "one"));
    assert_ok(b.ctx, emulate(&b, charges, &settings, "two"));
    assert_ok(b.ctx,
        mb_elinks_verify(b.ctx, mb_bench_path(&b, "one"), mb_bench_path(&b, "two"), &answer));
    assert_non_null(strstr(mb_answer_json(answer), "\"identical\": true"));
    mb_answer_destroy(answer);
    char *text = mb_bench_load(&b, "two/formatter.csv");
    char *line = text;
    for (size_t i = 0; i < 8; i++) {
        line = strchr(line, '\n') + 1;
    }
    char *field = strchr(strchr(strchr(line, ',') + 1, ',') + 1, ',') + 1;
    char *end = NULL;
    const unsigned long word = strtoul(field, &end, 10);
    mb_buffer changed;
    mb_buffer_init(&changed, b.ctx);
    mb_buffer_append(&changed, text, (size_t)(field - text));
    mb_buffer_format(&changed, "%lu%s", word ^ 0x20, end);
    assert_ok(b.ctx, mb_write_buffer(&changed, mb_bench_path(&b, "two/formatter.csv")));
    mb_release(b.ctx, text);
    assert_fails(b.ctx,
        mb_elinks_verify(b.ctx, mb_bench_path(&b, "one"), mb_bench_path(&b, "two"), &answer),
        MB_ERR_RANGE, "from the block 'formatter' on");
    assert_non_null(strstr(mb_answer_text(answer), "first row 7: WORD_0, bit 5"));
    mb_answer_destroy(answer);
    settings.format.algorithm = "none";
    assert_ok(b.ctx, emulate(&b, charges, &settings, "three"));
    assert_fails(b.ctx,
        mb_elinks_verify(b.ctx, mb_bench_path(&b, "one"), mb_bench_path(&b, "three"), NULL),
        MB_ERR_RANGE, "'algorithm'");
    assert_fails(b.ctx,
        mb_elinks_verify(b.ctx, mb_bench_path(&b, "no"), mb_bench_path(&b, "nothing"), NULL),
        MB_ERR_IO, "no block");
    mb_bench_close(&b);
}

static void test_elinks__bad_input_of_the_chip_is_told(void **state) {
    (void)state;
    mb_bench b;
    mb_bench_open(&b);
    mb_elinks_emulation settings = MB_ELINKS_EMULATION_INIT;
    const char *charges = mb_bench_save_charges(&b, "c.csv", 3, "", "");
    assert_fails(b.ctx, emulate(&b, charges, &settings, "x"), MB_ERR_ARG, "needs its weights");
    settings.format.algorithm = "stc4_9";
    assert_fails(b.ctx, emulate(&b, mb_bench_save(&b, "a.csv", "a,b\n1,2\n"), &settings, "x"),
        MB_ERR_FORMAT, "a.csv:1: neither");
    assert_fails(b.ctx,
        emulate(&b, mb_bench_save(&b, "a.csv", "CALQ_0,CALQ_1\n1,2\n"), &settings, "x"),
        MB_ERR_FORMAT, "a.csv:1: no column CALQ_2");
    const char *cut = mb_bench_save_charges(&b, "c.csv", 0, "", "");
    assert_fails(b.ctx, emulate(&b, cut, &settings, "x"), MB_ERR_FORMAT, "no row behind");
    const char *beyond = mb_bench_save_charges(&b, "c.csv", 1, ",CALQ_48", ",1");
    assert_fails(b.ctx, emulate(&b, beyond, &settings, "x"), MB_ERR_FORMAT, "CALQ_48");
    settings.format.n_links = 0;
    assert_fails(b.ctx, emulate(&b, charges, &settings, "x"), MB_ERR_ARG, "links: 0");
    settings.format.n_links = 3;
    settings.format.order = "chip";
    assert_fails(b.ctx, emulate(&b, charges, &settings, "x"), MB_ERR_ARG, "order: 'chip'");
    settings.format.order = "post";
    settings.commands = mb_bench_save(&b, "commands.txt", "0 1 BCR\n");
    charges = mb_bench_save_charges(&b, "c.csv", 3, "", "");
    assert_fails(b.ctx, emulate(&b, charges, &settings, "x"), MB_ERR_ARG, "behind the ports");
    settings.commands = NULL;
    settings.eta = 11;
    assert_fails(b.ctx, emulate(&b, charges, &settings, "x"), MB_ERR_ARG, "eta: 11");
    settings.eta = 0;
    settings.format.keep = "12";
    assert_fails(b.ctx, emulate(&b, charges, &settings, "x"), MB_ERR_ARG, "36 hexadecimal");
    assert_false(mb_path_exists(mb_bench_path(&b, "x/links.csv")));
    mb_bench_close(&b);
}

static mb_status emulate_short(void *user, mb_context *ctx) {
    mb_bench *b = user;
    mb_elinks_emulation settings = MB_ELINKS_EMULATION_INIT;
    settings.encoder = mb_bench_path(b, "w.txt");
    return mb_elinks_emulate(
        ctx, mb_bench_path(b, "c.csv"), &settings, mb_bench_path(b, "chip"), true, NULL);
}

static void test_elinks__lack_of_memory_leaves_nothing(void **state) {
    (void)state;
    mb_bench b;
    mb_bench_open(&b);
    save_words(&b, "w.txt");
    mb_bench_save_charges(&b, "c.csv", 20, "", "");
    assert_true(mb_test_each_lack_of_memory(emulate_short, &b) > 20);
    mb_bench_close(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elinks__the_encoder_is_exact_in_both_formats),
        cmocka_unit_test(test_elinks__the_published_encoder_is_its_twin),
        cmocka_unit_test(test_elinks__weights_do_not_saturate_in_silence),
        cmocka_unit_test(test_elinks__weight_words_are_checked),
        cmocka_unit_test(test_elinks__packing_undoes_unpacking_of_every_algorithm),
        cmocka_unit_test(test_elinks__charges_pass_the_ports_in_either_order),
        cmocka_unit_test(test_elinks__eta_gives_the_written_calibrations),
        cmocka_unit_test(test_elinks__verify_names_the_first_row_and_bit),
        cmocka_unit_test(test_elinks__bad_input_of_the_chip_is_told),
        cmocka_unit_test(test_elinks__lack_of_memory_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
