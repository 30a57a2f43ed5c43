// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tool.h"

#include "files/arrays.h"
#include "files/csv.h"
#include "files/hdf5.h"
#include "files/npy.h"
#include "minbias/calo.h"

#include <math.h>
#include <stdio.h>

enum { N = 252 };

static mb_array load(mb_tool_world *world, const char *name, const char *member) {
    mb_array array = {.data = NULL};
    mb_context *ctx = world->base.ctx;
    assert_ok(ctx, mb_arrays_read(ctx, mb_tool_path(world, name), member, &array));
    return array;
}

static const char *const tools[] = {"towers-to-regions", "link-decode", "link-encode", "profile",
    "acceptance", "rate-curve", "roc-folds", "overlap", "reconstruct", "equivariance", "phi-roll",
    "saliency", "firmware-export", "firmware-check", "precision-tuner"};

static void test_calo__explains_its_tools_from_one_list(void **state) {
    MB_TOOL_WORLD(world)
    mb_context *ctx = world->base.ctx;
    mb_tool_expect(world, 0, "help calo");
    char *list = mb_copy_text(ctx, world->last.out);
    mb_tool_expect(world, 2, "calo");
    assert_string_equal(world->last.err, list);
    mb_tool_expect(world, 0, "calo --help");
    assert_string_equal(world->last.out, list);
    mb_tool_expect(world, 0, "help --man");
    char *man = mb_copy_text(ctx, world->last.out);
    mb_tool_expect(world, 0, "help --completion bash");
    char *bash = mb_copy_text(ctx, world->last.out);
    mb_tool_expect(world, 0, "help --completion zsh");
    for (size_t i = 0; i < MB_COUNT_OF(tools); i++) {
        char text[80];
        snprintf(text, sizeof text, "\n  %s ", tools[i]);
        assert_non_null(strstr(list, text));
        snprintf(text, sizeof text, "            %s) words=", tools[i]);
        assert_non_null(strstr(bash, text));
        snprintf(text, sizeof text, "            %s) compadd --", tools[i]);
        assert_non_null(strstr(world->last.out, text));
    }
    assert_non_null(strstr(man, ".SS \"minbias calo TOOL\""));
    assert_non_null(strstr(man, ".SS \"minbias calo roc\\-folds SCORES LABELS\""));
    for (size_t i = 0; i < MB_COUNT_OF(tools); i++) {
        mb_tool_expect(world, 0, "help calo %s", tools[i]);
        char *help = mb_copy_text(ctx, world->last.out);
        char wanted[80];
        snprintf(wanted, sizeof wanted, "usage: minbias calo %s ", tools[i]);
        assert_non_null(strstr(help, wanted));
        mb_tool_expect(world, 0, "--quiet calo %s -h", tools[i]);
        assert_string_equal(world->last.out, help);
        mb_release(ctx, help);
    }
    mb_release(ctx, list);
    mb_release(ctx, man);
    mb_release(ctx, bash);
}

static const struct {
    int code;
    const char *arguments, *wanted;
} wrong_usages[] = {
    {2, "calo proflie", "calo proflie: unknown tool; did you mean 'profile'?"},
    {2, "calo xyzzy", "'minbias help calo' lists them"},
    {2, "clao profile", "did you mean 'calo'?"},
    {2, "help calo proflie", "did you mean 'profile'?"},
    {2, "help run fast", "'run' has no tools"},
    {2, "calo --jsn", "'minbias help calo' shows the usage"},
    {2, "calo profile", "FILE is missing; 'minbias help calo profile'"},
    {2, "calo profile a.h5", "calo profile: -o DIR is missing"},
    {2, "calo profile a.h5 -o x --forse", "did you mean --force?"},
    {1, "calo profile absent.h5 -o x", "absent.h5"},
    {1, "calo profile row.csv -o x", "row.csv:1: 3 values"},
    {2, "calo acceptance row.csv -o x.txt", "write .md or .csv"},
    {2, "calo towers-to-regions t.csv -o x", "name it FILE.h5"},
    {2, "calo towers-to-regions t.csv -o x.h5 --jets a --jets b", "2 tables for 1 files"},
    {2, "calo towers-to-regions t.csv -o x.h5 --phi-offset 72", "phi offset 72"},
    {1, "calo towers-to-regions t.csv -o x.h5 --veto-bits", "neither iem nor ihad"},
    {2, "calo link-decode cut.txt -o x.txt", "the suffix says no format"},
    {2, "calo link-decode cut.txt -o x.npy --fields", "a table of fields is a .csv"},
    {2, "calo link-decode cut.txt -o x.npy --link 3", "write --scores with it"},
    {2, "calo link-decode cut.txt -o x.npy --fields --scores", "exclude each other"},
    {1, "calo link-decode cut.txt -o x.csv", "cut.txt:2: 2 columns"},
    {1, "calo link-decode cut.txt -o x.csv --scores", "it has 1 of 6 lines"},
    {1, "calo link-encode row.csv -o x", "row.csv:1: 3 values"},
    {2, "calo rate-curve s.npy -o x --input-rate 5", "'5' is not a positive rate"},
    {1, "calo rate-curve nan.npy -o x", "nan.npy"},
    {2, "calo roc-folds s.npy l.npy -o x --folds 1", "1 folds"},
    {1, "calo roc-folds s.npy l.npy -o x --folds 3", "fold"},
    {1, "calo roc-folds short.npy l.npy -o x", "3 scores"},
    {2, "calo overlap s.npy s.npy l.npy --at 3", "'3' is not a positive rate"},
    {1, "calo overlap s.npy short.npy", "s.npy has 4 events but short.npy has 3"},
    {1, "calo overlap s.npy nan.npy", "nan.npy: event 3: the score is no number"},
};

static void test_calo__names_what_is_wrong_in_one_line(void **state) {
    MB_TOOL_WORLD(world)
    static const float scores[] = {1, 2, 3, 4};
    static const float not_finite[] = {1, 2, 3, NAN};
    static const int32_t labels[] = {0, 1, 0, 1};
    mb_tool_write_array(world, "s.npy", MB_F32, 1, (const size_t[]){4}, scores);
    mb_tool_write_array(world, "short.npy", MB_F32, 1, (const size_t[]){3}, scores);
    mb_tool_write_array(world, "nan.npy", MB_F32, 1, (const size_t[]){4}, not_finite);
    mb_tool_write_array(world, "l.npy", MB_I32, 1, (const size_t[]){4}, labels);
    mb_tool_write(world, "row.csv", "1,2,3\n");
    mb_tool_write(world, "t.csv", "event,iet,ieta,iphi\n0,1,1,1\n");
    mb_tool_write(world, "cut.txt", "#BeginData\n0x0000 12\n");
    for (size_t i = 0; i < MB_COUNT_OF(wrong_usages); i++) {
        mb_tool_expect(world, wrong_usages[i].code, "%s", wrong_usages[i].arguments);
        const char *err = world->last.err;
        const char *end = strchr(err, '\n');
        if (strstr(err, wrong_usages[i].wanted) == NULL || strncmp(err, "minbias: ", 9) != 0 ||
            end == NULL || end[1] != '\0') {
            fail_msg("%s: stderr is \"%s\"", wrong_usages[i].arguments, err);
        }
        assert_string_equal(world->last.out, "");
        assert_false(mb_path_exists(mb_tool_path(world, "x")));
        assert_false(mb_path_exists(mb_tool_path(world, "x.h5")));
    }
}

// A table of n events; event i has a tower of ET i at a place of its own.
static void save_towers(mb_tool_world *world, const char *name, size_t n, size_t first) {
    mb_buffer text;
    mb_buffer_init(&text, world->base.ctx);
    mb_buffer_text(&text, "event,iet,ieta,iphi,iem\n");
    for (size_t i = first; i < first + n; i++) {
        mb_buffer_format(
            &text, "%zu,%zu,%zu,%zu,%zu\n", i, i % 1000, 1 + i % 28, 1 + i % 72, i % 1000 / 2);
    }
    assert_ok(world->base.ctx, mb_write_buffer(&text, mb_tool_path(world, name)));
}

static void assert_piece(mb_tool_world *world, const char *name, size_t first, size_t n) {
    mb_array regions = load(world, name, "/CaloRegions");
    mb_array event = load(world, name, "/event");
    mb_array eg = load(world, name, "/EGBit");
    assert_int_equal(regions.dtype, MB_F32);
    assert_int_equal(eg.dtype, MB_BOOL);
    assert_int_equal(regions.rank, 3);
    assert_int_equal(regions.shape[0], n);
    for (size_t k = 0; k < n; k++) {
        const size_t i = first + k;
        assert_true(mb_array_get(&event, k) == (double)i);
        const size_t eta = (1 + i % 28 + 27) / 4;
        const size_t phi = (1 + i % 72 + 1) % 72 / 4;
        const size_t et = i % 1000;
        for (size_t r = 0; r < N; r++) {
            const bool is_here = r == 14 * phi + eta;
            assert_true(mb_array_get(&regions, k * N + r) == (is_here ? (double)et : 0));
            // Half of the energy is not electromagnetic, more than a quarter.
            assert_true(mb_array_get(&eg, k * N + r) == (double)(is_here && et - et / 2 > et / 4));
        }
    }
    mb_array_clear(&regions);
    mb_array_clear(&event);
    mb_array_clear(&eg);
}

static void test_calo__sums_towers_to_pieces_of_regions(void **state) {
    MB_TOOL_WORLD(world)
    // More events than are written at once; floor(0.6 * 1504), floor(0.2 * 1504), the rest.
    save_towers(world, "a.csv", 1500, 0);
    save_towers(world, "b.csv", 4, 1500);
    mb_tool_expect(
        world, 0, "calo towers-to-regions a.csv b.csv -o z.h5 --veto-bits --split --json");
    mb_document answer = mb_tool_json(world, world->last.out);
    assert_true(mb_tool_number(answer.root, "events") == 1504);
    assert_true(mb_tool_number(answer.root, "towers") == 1504);
    mb_document_clear(&answer);
    assert_false(mb_path_exists(mb_tool_path(world, "z.h5")));
    assert_piece(world, "z_0.h5", 0, 902);
    assert_piece(world, "z_1.h5", 902, 300);
    assert_piece(world, "z_2.h5", 1202, 302);
    mb_tool_expect(world, 0, "calo towers-to-regions a.csv b.csv -o z.h5 --veto-bits");
    assert_piece(world, "z.h5", 0, 1504);
    mb_tool_expect(world, 1, "calo towers-to-regions b.csv -o z.h5");
    assert_piece(world, "z.h5", 0, 1504);
    // A failure halfway leaves what was there.
    mb_tool_write(world, "bad.csv", "event,iet,ieta,iphi\n0,1,1,1\n1,1,1,99\n");
    mb_tool_expect(world, 1, "calo towers-to-regions a.csv bad.csv -o z.h5 --force");
    assert_non_null(strstr(world->last.err, "bad.csv:3: iphi 99"));
    assert_piece(world, "z.h5", 0, 1504);
    mb_tool_expect(world, 0, "inspect z_2.h5");
    assert_non_null(strstr(world->last.out, "302"));
}

static void test_calo__few_events_leave_pieces_empty(void **state) {
    MB_TOOL_WORLD(world)
    mb_tool_write(world, "one.csv", "event,iet,ieta,iphi\n4,7,1,1\n");
    mb_tool_expect(world, 0, "calo towers-to-regions one.csv -o few.h5 --split --json");
    mb_document answer = mb_tool_json(world, world->last.out);
    static const double wanted[] = {0, 0, 1};
    for (size_t i = 0; i < 3; i++) {
        const mb_node *piece = mb_node_at(mb_node_find(answer.root, "files"), i);
        assert_true(mb_tool_number(piece, "events") == wanted[i]);
    }
    mb_document_clear(&answer);
    mb_array regions = load(world, "few_0.h5", "/CaloRegions");
    assert_int_equal(regions.shape[0], 0);
    mb_array_clear(&regions);
}

static void test_calo__flags_events_by_their_jets(void **state) {
    MB_TOOL_WORLD(world)
    mb_tool_write(world, "two.csv", "event,iet,ieta,iphi\n1,7,1,1\n2,7,1,1\n5,1,1,1\n");
    mb_tool_write(world, "jets.csv", "event,pt,eta\n1,31,2.5\n2,29,0\n5,20,0\n5,31,-2.3\n");
    mb_tool_expect(world, 0, "calo towers-to-regions two.csv --jets jets.csv -o flags.h5");
    assert_non_null(strstr(world->last.out, "flags.h5: 3 events, 1 accepted"));
    mb_array flag = load(world, "flags.h5", "/AcceptanceFlag");
    assert_int_equal(flag.dtype, MB_BOOL);
    assert_memory_equal(flag.data, ((const uint8_t[]){0, 0, 1}), 3);
    mb_array_clear(&flag);
    mb_tool_expect(world, 0, "calo acceptance flags.h5 -o table.md");
    assert_non_null(strstr(world->last.out, "| flags | 3 | 1 | 0.3333 |"));
    char *table = mb_tool_read(world, "table.md");
    assert_string_equal(table, world->last.out);
    mb_release(world->base.ctx, table);
    mb_tool_expect(world, 1, "calo acceptance flags.h5 -o table.md");
    mb_tool_expect(world, 0, "calo acceptance flags.h5 -o table.csv --json");
    mb_document answer = mb_tool_json(world, world->last.out);
    const mb_node *sample = mb_node_at(mb_node_find(answer.root, "samples"), 0);
    assert_true(mb_tool_number(sample, "accepted") == 1);
    mb_document_clear(&answer);
    // Only accepted events are profiled: of energy 1.
    mb_tool_expect(world, 0, "calo profile flags.h5 -o flags --json --quiet");
    answer = mb_tool_json(world, world->last.out);
    sample = mb_node_at(mb_node_find(answer.root, "samples"), 0);
    assert_true(mb_tool_number(sample, "events") == 3);
    assert_true(mb_tool_number(sample, "accepted") == 1);
    assert_true(mb_tool_number(sample, "sum_50") == 1);
    mb_document_clear(&answer);
}

// Every field of every file comes back, whatever it goes through.
static void test_calo__link_words_go_there_and_back(void **state) {
    MB_TOOL_WORLD(world)
    mb_buffer text;
    mb_buffer_init(&text, world->base.ctx);
    mb_buffer_text(&text, "#BeginData\n");
    for (uint64_t row = 0; row < 12; row++) {
        mb_buffer_format(&text, "0x%04llx", (unsigned long long)row);
        for (uint64_t link = 0; link < 36; link++) {
            // Bits 7..0 and 127..120 belong to no region. The second event is empty.
            uint32_t word = (uint32_t)((row * 36 + link) * 2654435761U);
            word = row % 4 == 0 ? word & 0xffffff00U : row % 4 == 3 ? word & 0x00ffffffU : word;
            mb_buffer_format(&text, " %08x", row / 4 == 1 ? 0 : word);
        }
        mb_buffer_text(&text, "\n");
    }
    assert_ok(world->base.ctx, mb_write_buffer(&text, mb_tool_path(world, "v.txt")));
    mb_tool_expect(world, 0, "calo link-decode v.txt -o v.h5");
    mb_tool_expect(world, 0, "calo link-decode v.txt -o fields.csv --fields");
    mb_tool_expect(world, 0, "calo link-encode v.h5 -o from_h5.txt");
    mb_tool_expect(world, 0, "calo link-encode fields.csv -o from_csv.txt");
    mb_tool_assert_same(world, "from_h5.txt", "from_csv.txt");
    mb_tool_expect(world, 0, "calo link-decode from_h5.txt -o again.csv --fields");
    mb_tool_assert_same(world, "fields.csv", "again.csv");
    // Without veto bits: energies alone.
    mb_tool_expect(world, 0, "calo link-decode v.txt -o v.csv");
    mb_tool_expect(world, 0, "calo link-decode v.txt -o v.npy");
    mb_tool_expect(world, 0, "calo link-encode v.csv -o e_csv.txt");
    mb_tool_expect(world, 0, "calo link-encode v.npy -o e_npy.txt");
    mb_tool_assert_same(world, "e_csv.txt", "e_npy.txt");
    mb_tool_expect(world, 0, "calo link-decode e_csv.txt -o e.npy");
    mb_array a = load(world, "v.npy", NULL);
    mb_array b = load(world, "e.npy", NULL);
    mb_array c = load(world, "v.h5", "/CaloRegions");
    assert_int_equal(a.dtype, MB_U16);
    assert_int_equal(mb_array_count(&c), 3 * N);
    mb_test_assert_same_bits(b.data, a.data, 3 * N, sizeof(uint16_t), "energies");
    mb_test_assert_same_bits(c.data, a.data, 3 * N, sizeof(uint16_t), "CaloRegions");
    mb_array_clear(&a);
    mb_array_clear(&b);
    mb_array_clear(&c);
}

static void test_calo__fields_refuse_what_does_not_fit(void **state) {
    MB_TOOL_WORLD(world)
    static const struct {
        const char *rows, *wanted;
    } cases[] = {{"", "no event"}, {"1,0,1\n", ":2: event 1, but event 0 comes next"},
        {"0,252,1\n", ":2: region 252 is not a whole number 0..251"},
        {"0,0,1024\n", ":2: et 1024 is not a whole number 0..1023"},
        {"0,0,1\n2,0,1\n", ":3: event 2, but event 1 comes next"}};
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        char text[128];
        snprintf(text, sizeof text, "event,region,et\n%s", cases[i].rows);
        mb_tool_write(world, "fields_bad.csv", text);
        mb_tool_expect(world, 1, "calo link-encode fields_bad.csv -o x");
        assert_non_null(strstr(world->last.err, cases[i].wanted));
        assert_false(mb_path_exists(mb_tool_path(world, "x")));
    }
    float regions[N] = {0};
    regions[20] = 0.5F;
    mb_tool_write_array(world, "half.npy", MB_F32, 2, (const size_t[]){1, N}, regions);
    mb_tool_expect(world, 1, "calo link-encode half.npy -o x");
    assert_non_null(strstr(world->last.err, "event 0, region 20: 0.5 is not a whole number"));
}

// The firmware's 256 events through words, tables and arrays.
static void test_calo__carries_the_firmwares_events(void **state) {
    MB_TOOL_WORLD(world)
    const char *path = mb_test_shared("cicada_links_nolicence/test3_regions_252.csv");
    mb_tool_expect(world, 0, "calo link-encode '%s' -o firmware.txt", path);
    mb_tool_expect(world, 0, "calo link-decode firmware.txt -o firmware.csv");
    mb_tool_expect(world, 0, "calo link-encode firmware.csv -o firmware2.txt");
    mb_tool_assert_same(world, "firmware.txt", "firmware2.txt");
    mb_csv wanted;
    mb_csv got;
    mb_context *ctx = world->base.ctx;
    char *text = NULL;
    size_t length = 0;
    assert_ok(ctx, mb_read_file(ctx, path, &text, &length));
    const char *rows = strchr(text, '\n') + 1;
    assert_ok(ctx, mb_csv_parse(&wanted, ctx, "wanted", rows, strlen(rows), false));
    char *mine = mb_tool_read(world, "firmware.csv");
    rows = strchr(mine, '\n') + 1;
    assert_ok(ctx, mb_csv_parse(&got, ctx, "got", rows, strlen(rows), false));
    assert_int_equal(got.n_rows, 256);
    for (size_t i = 0; i < 256; i++) {
        for (size_t r = 0; r < N; r++) {
            assert_string_equal(mb_csv_field(&got, i, r), mb_csv_field(&wanted, i, r));
        }
    }
    mb_csv_clear(&wanted);
    mb_csv_clear(&got);
    mb_release(ctx, text);
    mb_release(ctx, mine);
}

static void test_calo__scores_come_out_of_their_words(void **state) {
    MB_TOOL_WORLD(world)
    mb_tool_write(world, "words.txt", "030760b4 b4766000 34766000 c4766000 00000000 80000000\n");
    mb_tool_expect(world, 0, "calo link-decode words.txt --scores -o words.npy");
    assert_non_null(strstr(world->last.out, "1 scores, the first 11.23437500"));
    mb_array scores = load(world, "words.npy", NULL);
    assert_true(mb_array_get(&scores, 0) == 11.234375);
    mb_array_clear(&scores);
}

static void test_calo__profiles_samples(void **state) {
    MB_TOOL_WORLD(world)
    // Three events: one empty, one with energy 10 everywhere, one with 1023 in region (2, 3).
    float regions[3 * N] = {0};
    for (size_t r = 0; r < N; r++) {
        regions[N + r] = 10;
    }
    regions[2 * N + 2 * 14 + 3] = 1023;
    mb_tool_write_array(world, "three.npy", MB_F32, 2, (const size_t[]){3, N}, regions);
    regions[5] = -1;
    regions[6] = NAN;
    mb_tool_write_array(world, "flawed.npy", MB_F32, 2, (const size_t[]){3, N}, regions);
    mb_tool_expect(world, 0, "calo profile three.npy flawed.npy -o profile --json");
    assert_non_null(strstr(world->last.err, "flawed.npy: 2 values are no whole numbers 0..1023"));
    mb_document answer = mb_tool_json(world, world->last.out);
    const mb_node *samples = mb_node_find(answer.root, "samples");
    const mb_node *sample = mb_node_at(samples, 0);
    assert_true(mb_tool_number(sample, "events") == 3);
    assert_true(fabs(mb_tool_number(sample, "mean_et") - 3543.0 / (3 * N)) < 1e-12);
    assert_true(fabs(mb_tool_number(sample, "zero_fraction") - 503.0 / (3 * N)) < 1e-12);
    assert_true(mb_tool_number(sample, "sum_50") == 1023);
    assert_true(fabs(mb_tool_number(sample, "sum_95") - (1023 + 0.9 * 1497)) < 1e-9);
    assert_true(mb_tool_number(sample, "most_50") == 10);
    assert_true(mb_tool_number(mb_node_at(samples, 1), "bad_values") == 2);
    assert_true(fabs(mb_tool_number(mb_node_at(samples, 1), "zero_fraction") -
                     501.0 / (3 * N - 2)) < 1e-12);
    assert_true(
        fabs(mb_tool_number(mb_node_at(samples, 1), "mean_et") - 3543.0 / (3 * N - 2)) < 1e-12);
    mb_document_clear(&answer);
    static const char *const files[] = {"profile/index.html", "profile/profile.csv",
        "profile/plots/mean_images.csv", "profile/plots/et_spectrum.gp",
        "profile/plots/eta_spectrum.csv", "profile/plots/phi_spectrum.csv"};
    for (size_t i = 0; i < MB_COUNT_OF(files); i++) {
        assert_true(mb_path_exists(mb_tool_path(world, files[i])));
    }
    mb_tool_expect(world, 1, "calo profile three.npy -o profile");
    assert_non_null(strstr(world->last.err, "profile/profile.csv: exists already"));
}

typedef struct converted {
    char *towers, *regions;
} converted;

static mb_status convert(void *user, mb_context *ctx) {
    const converted *files = user;
    const mb_calo_towers settings = MB_CALO_TOWERS_INIT;
    const char *const towers[] = {files->towers};
    mb_answer *answer = NULL;
    const mb_status status =
        mb_calo_towers_to_regions(ctx, towers, 1, &settings, files->regions, true, &answer);
    mb_answer_destroy(answer);
    return status;
}

static void test_calo__survives_lack_of_memory_at_every_step(void **state) {
    MB_TOOL_WORLD(world)
    mb_tool_write(world, "short.csv", "event,iet,ieta,iphi\n0,1,1,1\n");
    mb_context *ctx = world->base.ctx;
    converted files = {.towers = mb_copy_text(ctx, mb_tool_path(world, "short.csv"))};
    files.regions = mb_copy_text(ctx, mb_tool_path(world, "short.h5"));
    assert_true(mb_test_each_lack_of_memory(convert, &files) > 5);
    mb_release(ctx, files.towers);
    mb_release(ctx, files.regions);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calo__explains_its_tools_from_one_list),
        cmocka_unit_test(test_calo__names_what_is_wrong_in_one_line),
        cmocka_unit_test(test_calo__sums_towers_to_pieces_of_regions),
        cmocka_unit_test(test_calo__few_events_leave_pieces_empty),
        cmocka_unit_test(test_calo__flags_events_by_their_jets),
        cmocka_unit_test(test_calo__link_words_go_there_and_back),
        cmocka_unit_test(test_calo__fields_refuse_what_does_not_fit),
        cmocka_unit_test(test_calo__carries_the_firmwares_events),
        cmocka_unit_test(test_calo__scores_come_out_of_their_words),
        cmocka_unit_test(test_calo__profiles_samples),
        cmocka_unit_test(test_calo__survives_lack_of_memory_at_every_step),
    };
    return cmocka_run_group_tests(tests, mb_tool_open, mb_tool_close);
}
