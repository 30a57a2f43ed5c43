// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "base/math.h"
#include "base/numbers.h"
#include "base/random.h"
#include "detector/barrel/scan.h"

#include <math.h>
#include <stdio.h>

static mb_test_world world;
static mb_barrel_scan scan;

static int open_world(void **state) {
    (void)state;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    return 0;
}

static int close_world(void **state) {
    (void)state;
    mb_test_world_close(&world);
    return 0;
}

static const mb_barrel_place place = {"hits.csv", 7, 1000, false};

static mb_status parse_hit(const char *line, mb_barrel_hit *hit) {
    return mb_barrel_hit_parse(world.ctx, &place, line, line + strlen(line), hit);
}

static mb_status parse_particle(const char *line, mb_barrel_particle *particle) {
    return mb_barrel_particle_parse(world.ctx, &place, line, line + strlen(line), particle);
}

// A line in memory as the quick reader wants it: slack on both sides, a line feed at the end.
typedef struct padded {
    char bytes[4096 + 2 * MB_BARREL_SLACK];
} padded;

static const char *pad(padded *p, const char *line, size_t length, char filler) {
    assert_true(length <= 4096 - 1);
    memset(p->bytes, filler, sizeof p->bytes);
    memcpy(p->bytes + MB_BARREL_SLACK, line, length);
    p->bytes[MB_BARREL_SLACK + length] = '\n';
    return p->bytes + MB_BARREL_SLACK;
}

// Whatever the quick reader takes, the careful one takes with the same values. Returns whether it
// took it.
static bool compare_readers(const char *line, size_t length) {
    padded p;
    mb_barrel_hit quick = {0}, careful = {0};
    size_t found;
    const char *start = pad(&p, line, length, '7');
    mb_barrel_scan_start(&scan, mb_runtime_cpu(world.runtime));
    if (!mb_barrel_scan_hit(&scan, start, length + 1, &quick, &found)) {
        return false;
    }
    const size_t line_length = (size_t)((const char *)memchr(start, '\n', length + 1) - start);
    assert_int_equal(found, line_length);
    assert_ok(
        world.ctx, mb_barrel_hit_parse(world.ctx, &place, start, start + line_length, &careful));
    quick.line = careful.line;
    assert_int_equal(quick.hitid, careful.hitid);
    assert_int_equal(quick.barcode, careful.barcode);
    assert_int_equal(quick.volid, careful.volid);
    assert_int_equal(quick.layid, careful.layid);
    assert_memory_equal(&quick.x, &careful.x, sizeof(float));
    assert_memory_equal(&quick.y, &careful.y, sizeof(float));
    assert_memory_equal(&quick.z, &careful.z, sizeof(float));
    return true;
}

static const char usual[] =
    "12, 9007611571601408, 8, 2, [ 1.2, -3.4], [ 0, 0],[ -31.6, 6.1,-47.8], "
    "[[ 12, 300, 0.1], [ 13, 300, 0.05]], [], []";

static void test_line__the_usual_line_is_read_by_both_readers(void **state) {
    (void)state;
    mb_barrel_hit hit;
    assert_ok(world.ctx, parse_hit(usual, &hit));
    assert_int_equal(hit.hitid, 12);
    assert_true(hit.barcode == UINT64_C(9007611571601408));
    assert_int_equal(hit.volid, 8);
    assert_int_equal(hit.layid, 2);
    assert_true(hit.x == -31.6f && hit.y == 6.1f && hit.z == -47.8f);
    assert_int_equal(hit.line, 7);
    assert_true(compare_readers(usual, strlen(usual)));
}

static void test_line__both_readers_agree_on_usual_lines_of_all_lengths(void **state) {
    (void)state;
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 0, 0);
    size_t n_quick = 0;
    for (int i = 0; i < 3000; i++) {
        char line[2048];
        const uint64_t barcode = mb_random_u64(&random) >> (1 + mb_random_below(&random, 60));
        int n = mb_format(line, sizeof line, "%u, %llu,%s%u, %u, [ %.4g], [ 0, 0],[%.*f, %d.,%.*f]",
            mb_random_u32(&random) >> mb_random_below(&random, 20), (unsigned long long)barcode,
            i % 3 == 0 ? "" : " ", 8 + mb_random_u32(&random) % 10, mb_random_u32(&random) % 12,
            1000 * mb_random_uniform(&random), (int)(mb_random_below(&random, 9)),
            2000 * mb_random_uniform(&random) - 1000, (int)mb_random_below(&random, 2000) - 1000,
            (int)(mb_random_below(&random, 8)), 6000 * mb_random_uniform(&random) - 3000);
        n += mb_format(line + n, sizeof line - (size_t)n, ", [");
        const uint64_t n_cells = mb_random_below(&random, 30);
        for (uint64_t k = 0; k < n_cells; k++) {
            n += mb_format(line + n, sizeof line - (size_t)n, "%s[ %u, %u, 0.%u]",
                k > 0 ? ", " : "", mb_random_u32(&random) % 2000, mb_random_u32(&random) % 2000,
                mb_random_u32(&random));
        }
        n += mb_format(line + n, sizeof line - (size_t)n, "], [[0.1, 0.2]], [1]");
        n_quick += compare_readers(line, (size_t)n);
    }
    // Ten digits of hitid or eight of a fraction go to the careful reader.
    assert_true(n_quick > 1500);
}

static void test_line__the_quick_reader_takes_nothing_that_the_careful_one_refuses(void **state) {
    (void)state;
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 1, 0);
    static const char alphabet[] = "0123456789,,,, [[]]..--+e#\t\n\0x";
    for (int i = 0; i < 200000; i++) {
        char line[sizeof usual];
        memcpy(line, usual, sizeof usual);
        const uint64_t n_changes = 1 + mb_random_below(&random, 3);
        for (uint64_t k = 0; k < n_changes; k++) {
            line[mb_random_below(&random, sizeof usual - 1)] =
                alphabet[mb_random_below(&random, sizeof alphabet - 1)];
        }
        compare_readers(line, sizeof usual - 1);
    }
}

// Reads all lines of text in turn; takes note of what the quick reader takes.
static size_t scan_lines(
    uint32_t cpu, const char *text, size_t n, bool *is_quick, mb_barrel_hit *hits) {
    size_t n_lines = 0;
    mb_barrel_scan_start(&scan, cpu);
    for (const char *line = text; line < text + n;) {
        const char *end = memchr(line, '\n', (size_t)(text + n - line));
        size_t length = 0;
        is_quick[n_lines] =
            mb_barrel_scan_hit(&scan, line, (size_t)(text + n - line), &hits[n_lines], &length);
        assert_true(!is_quick[n_lines] || line + length == end);
        n_lines++;
        line = end + 1;
    }
    return n_lines;
}

static void test_line__lines_in_a_row_are_read_as_each_alone(void **state) {
    (void)state;
    enum { LINES = 600 };
    static char text[LINES * sizeof usual + (size_t)2 * MB_BARREL_SLACK];
    static mb_barrel_hit plain[LINES], fast[LINES];
    static bool is_plain[LINES], is_fast[LINES];
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 3, 0);
    static const char alphabet[] = "0123456789,,, [[]].-e#\t\xB0\xFF";
    for (int round = 0; round < 20; round++) {
        memset(text, '7', sizeof text);
        char *end = text + MB_BARREL_SLACK;
        for (int i = 0; i < LINES; i++) {
            // Blank lines, lines cut and lines with a wrong byte stand between good ones.
            const uint64_t kind = mb_random_below(&random, 20);
            const size_t length =
                kind == 0 ? 0 : sizeof usual - 1 - (kind == 1 ? mb_random_below(&random, 100) : 0);
            memcpy(end, usual, length);
            if (kind == 2) {
                end[mb_random_below(&random, length)] =
                    alphabet[mb_random_below(&random, sizeof alphabet - 1)];
            }
            end[length] = '\n';
            end += length + 1;
        }
        const char *begin = text + MB_BARREL_SLACK;
        const size_t n = (size_t)(end - begin);
        const size_t n_lines = scan_lines(0, begin, n, is_plain, plain);
        assert_int_equal(n_lines, LINES);
        assert_int_equal(
            scan_lines(mb_runtime_cpu(world.runtime), begin, n, is_fast, fast), n_lines);
        const char *line = begin;
        size_t n_quick = 0;
        for (size_t i = 0; i < n_lines; i++) {
            const char *feed = memchr(line, '\n', (size_t)(end - line));
            assert_int_equal(is_plain[i], is_fast[i]);
            assert_int_equal(is_plain[i], compare_readers(line, (size_t)(feed - line)));
            if (is_plain[i]) {
                assert_true(plain[i].barcode == fast[i].barcode && plain[i].x == fast[i].x &&
                            plain[i].y == fast[i].y && plain[i].z == fast[i].z);
                n_quick++;
            }
            line = feed + 1;
        }
        assert_true(n_quick > LINES * 8 / 10);
    }
}

static void test_line__every_legal_form_is_accepted(void **state) {
    (void)state;
    static const char *const lines[] = {
        "1,2,8,2,[1,2],[0,0],[1,2,3],[],[],[]",
        "\t1 ,\t2 , 8 , 2 , [ 1 , 2 ] , [ ] , [ 1 , 2 , 3 ] , [ [ 1 , 2 ] , [ ] ] , [ ] , [ ] \r",
        "1,2,8,2,[1,2,],[0,0],[1,2,3,],[[1,2,],],[],[]",
        "1,2,8,2,0,0,[+1.5e1,-2E-1,.5],3,[[1],2],[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]",
        "1,18446744073709551615,8,2,[1,2],[0,0],[1.,2.,3.],[],[],[]",
    };
    for (size_t i = 0; i < MB_COUNT_OF(lines); i++) {
        mb_barrel_hit hit;
        assert_ok(world.ctx, parse_hit(lines[i], &hit));
        compare_readers(lines[i], strlen(lines[i]));
    }
    mb_barrel_hit hit;
    assert_ok(world.ctx, parse_hit(lines[4], &hit));
    assert_true(hit.barcode == UINT64_MAX);
    assert_ok(world.ctx, parse_hit(lines[3], &hit));
    assert_true(hit.x == 15.0f && hit.y == -0.2f && hit.z == 0.5f);
}

static void test_line__bad_hits_are_refused_with_their_place(void **state) {
    (void)state;
    static const struct {
        const char *line, *text;
    } cases[] = {
        {"1,2,8,2,[1,2],[0,0],[1,2,3],[],[]", "hits.csv:7:34: expected ',' and 10 fields"},
        {"1,2,8,2,[1,2],[0,0],[1,2,3],[],[],[],4", "hits.csv:7:37: expected the end of the line"},
        {"1,2,8,2,[1,2],[0,0],[1,2,3],[],[],[]x", "hits.csv:7:37: expected the end of the line"},
        {"1,2,8,2,[1,2],[0,0],[1,2,3],[],[],[", "hits.csv:7:36: expected a number or a list"},
        {"1,2,8,2,[1,2],[0,0],[1,2,3],[],[1 2],[]",
            "hits.csv:7:35: expected ',' or ']', found '2'"},
        {"1,2,8,2,[1,,2],[0,0],[1,2,3],[],[],[]", "hits.csv:7:12: expected a number or a list"},
        {"1,2,8,2,[1,2],[0,0],[1,2],[],[],[]", "hits.csv:7:25: expected the 3 numbers"},
        {"1,2,8,2,[1,2],[0,0],[1,2,3,4],[],[],[]", "hits.csv:7:28: expected ']'"},
        {"1,2,8,2,[1,2],[0,0],[1,nan,3],[],[],[]", "hits.csv:7:24: expected the 3 numbers"},
        {"1,2,8,2,[1,2],[0,0],[1,inf,3],[],[],[]", "found 'inf'"},
        {"1,2,8,2,[1,2],[0,0],[1,1e999,3],[],[],[]",
            "hits.csv:7:24: expected a number that is not inf"},
        {"1,2,8,2,[1,2],[0,0],[1,1e39,3],[],[],[]", "32-bit"},
        {"1,2,8,2,[1,2],[0,0],[1,2-,3],[],[],[]", "hits.csv:7:24: expected the 3 numbers"},
        {"1,2,8,2,[1,2],[0,0],[1,1.2.3,3],[],[],[]", "hits.csv:7:24: expected the 3 numbers"},
        {"1,2,8,2,[1,1.2.3],[0,0],[1,2,3],[],[],[]", "hits.csv:7:12: expected a number"},
        {"1,2,8,2,[1,1e],[0,0],[1,2,3],[],[],[]", "hits.csv:7:12: expected a number"},
        {"1,2,8,2,[1,-],[0,0],[1,2,3],[],[],[]", "hits.csv:7:12: expected a number"},
        {"1,-2,8,2,[1,2],[0,0],[1,2,3],[],[],[]", "hits.csv:7:3: expected a barcode"},
        {"1,18446744073709551616,8,2,[1,2],[0,0],[1,2,3],[],[],[]",
            "hits.csv:7:3: expected a barc"},
        {"1,2.0,8,2,[1,2],[0,0],[1,2,3],[],[],[]", "hits.csv:7:3: expected a barcode"},
        {"1,2,8.5,2,[1,2],[0,0],[1,2,3],[],[],[]", "hits.csv:7:5: expected a volume"},
        {"1,2,99999,2,[1,2],[0,0],[1,2,3],[],[],[]", "hits.csv:7:5: expected a volume"},
        {"x,2,8,2,[1,2],[0,0],[1,2,3],[],[],[]", "hits.csv:7:1: expected a hit number"},
        {"1,2,8,2,[1,2]],[0,0],[1,2,3],[],[],[]", "hits.csv:7:14: expected ','"},
        {"1,2,8,2,[1,2],[0,0],[1,2,3],[],[],[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]", "16 levels"},
    };
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        mb_barrel_hit hit;
        assert_fails(world.ctx, parse_hit(cases[i].line, &hit), MB_ERR_FORMAT, cases[i].text);
        assert_false(compare_readers(cases[i].line, strlen(cases[i].line)));
    }
    mb_barrel_hit hit;
    static const char zero[] = "1,2,8,2,[1,\0 2],[0,0],[1,2,3],[],[],[]";
    assert_fails(world.ctx,
        mb_barrel_hit_parse(world.ctx, &place, zero, zero + sizeof zero - 1, &hit), MB_ERR_FORMAT,
        "hits.csv:7:12: expected a number or a list, found '?'");
}

static void test_line__a_cut_line_says_at_which_byte(void **state) {
    (void)state;
    const mb_barrel_place last = {"hits.csv", 9, 5000, true};
    mb_barrel_hit hit;
    for (size_t n = 1; n + 1 < sizeof usual; n++) {
        char text[64];
        snprintf(text, sizeof text, "in the middle of a line, at byte %zu;", 5000 + n);
        assert_fails(world.ctx, mb_barrel_hit_parse(world.ctx, &last, usual, usual + n, &hit),
            MB_ERR_FORMAT, text);
    }
}

static void test_line__the_particle_of_the_description_is_read(void **state) {
    (void)state;
    mb_barrel_particle particle;
    assert_ok(world.ctx,
        parse_particle("9007611571601408, [ -0.004985, 0.004099, 71.3403], [ 2.2517, 2.23929, "
                       "2.94498], -1",
            &particle));
    assert_true(particle.barcode == UINT64_C(9007611571601408));
    assert_true(particle.vertex[0] == -0.004985 && particle.vertex[2] == 71.3403);
    assert_true(particle.p == 2.2517 && particle.theta == 2.23929 && particle.phi == 2.94498);
    assert_int_equal(particle.charge, -1);
}

static void test_line__bad_particles_are_refused_with_their_place(void **state) {
    (void)state;
    static const struct {
        const char *line, *text;
    } cases[] = {
        {"1,[0,0,0],[0,1,1],1", "hits.csv:7:11: expected a momentum above 0"},
        {"1,[0,0,0],[-1,1,1],1", "hits.csv:7:11: expected a momentum above 0"},
        {"1,[0,0,0],[1e300,1,1],1", "hits.csv:7:11: expected a momentum"},
        {"1,[0,0,0],[1,0,1],1", "hits.csv:7:11: expected theta between 0 and pi"},
        {"1,[0,0,0],[1,3.1415927,1],1", "expected theta between 0 and pi"},
        {"1,[0,0,0],[1,nan,1],1", "hits.csv:7:14: expected p, theta, phi"},
        {"1,[0,0,0],[1,1,1],1.5", "hits.csv:7:19: expected an integer charge, found '1.5'"},
        {"1,[0,0,0],[1,1,1],", "hits.csv:7:19: expected an integer charge"},
        {"1,[0,0,0],[1,1,1]", "hits.csv:7:18: expected ',' and 4 fields"},
        {"1,[0,0,0],[1,1,1],1,2", "hits.csv:7:20: expected the end of the line"},
        {"1,[0,0],[1,1,1],1", "expected the 3 numbers of the vertex"},
        {"-1,[0,0,0],[1,1,1],1", "hits.csv:7:1: expected a barcode"},
    };
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        mb_barrel_particle particle;
        assert_fails(
            world.ctx, parse_particle(cases[i].line, &particle), MB_ERR_FORMAT, cases[i].text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line__the_usual_line_is_read_by_both_readers),
        cmocka_unit_test(test_line__both_readers_agree_on_usual_lines_of_all_lengths),
        cmocka_unit_test(test_line__the_quick_reader_takes_nothing_that_the_careful_one_refuses),
        cmocka_unit_test(test_line__lines_in_a_row_are_read_as_each_alone),
        cmocka_unit_test(test_line__every_legal_form_is_accepted),
        cmocka_unit_test(test_line__bad_hits_are_refused_with_their_place),
        cmocka_unit_test(test_line__a_cut_line_says_at_which_byte),
        cmocka_unit_test(test_line__the_particle_of_the_description_is_read),
        cmocka_unit_test(test_line__bad_particles_are_refused_with_their_place),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
