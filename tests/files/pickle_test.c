// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "base/numbers.h"
#include "base/output.h"
#include "files/pickle.h"
#include "files/zip.h"
#include "pickle_tell.h"

#include <stdlib.h>

MB_TEST_WORLD(1, 0)

static void assert_told(const mb_pickle_value *root, const char *wanted, const char *what) {
    mb_buffer told;
    mb_buffer_init(&told, world.ctx);
    tell_pickle(&told, root);
    if (strcmp(told.data, wanted) != 0) {
        fail_msg("%s: reads as\n%s\nnot\n%s", what, told.data, wanted);
    }
    mb_buffer_clear(&told);
}

// The tree that the golden text names; freed by the caller.
static char *golden_tree(const char *name) {
    char *text = NULL;
    size_t length = 0;
    assert_ok(world.ctx,
        mb_read_file(world.ctx, mb_test_source("tests/golden/pickles.txt"), &text, &length));
    char *tree = NULL;
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        const size_t n = strlen(name);
        if (strncmp(line, name, n) == 0 && line[n] == ' ') {
            tree = mb_copy_text(world.ctx, line + n + 1);
        }
    }
    mb_release(world.ctx, text);
    if (tree == NULL) {
        fail_msg("pickles.txt has no %s", name);
    }
    return tree;
}

typedef void (*each_pickle)(const char *name, const char *bytes, size_t length);

static void for_each_golden(each_pickle call) {
    for (int version = 1; version <= 2; version++) {
        char path[64];
        mb_zip *zip = NULL;
        (void)mb_format(path, sizeof path, "tests/golden/pickles_numpy%d.zip", version);
        assert_ok(world.ctx, mb_zip_open(world.ctx, mb_test_source(path), &zip));
        assert_true(mb_zip_n_members(zip) >= 120);
        for (size_t i = 0; i < mb_zip_n_members(zip); i++) {
            char *bytes = NULL;
            size_t length = 0;
            assert_ok(world.ctx, mb_zip_read(zip, i, &bytes, &length));
            call(mb_zip_name(zip, i), bytes, length);
            mb_release(world.ctx, bytes);
        }
        mb_zip_close(zip);
    }
}

static void assert_reads_as_python(const char *name, const char *bytes, size_t length) {
    char plain[32];
    mb_pickle pickle;
    (void)mb_format(plain, sizeof plain, "%.*s", (int)strcspn(name, "."), name);
    char *wanted = golden_tree(plain);
    for (int is_packed = 0; is_packed <= 1; is_packed++) {
        // A copy that is gone before the tree is looked at.
        char *copy = malloc(length);
        assert_non_null(copy);
        memcpy(copy, bytes, length);
        assert_ok(world.ctx, (is_packed ? mb_pickle_parse_packed : mb_pickle_parse)(
                                 world.ctx, name, copy, length, &pickle));
        memset(copy, 0, length);
        free(copy);
        assert_told(&pickle.root, wanted, name);
        mb_pickle_clear(&pickle);
    }
    mb_release(world.ctx, wanted);
}

static void test_pickle__reads_what_python_and_both_numpys_write(void **state) {
    (void)state;
    for_each_golden(assert_reads_as_python);
}

static void assert_cut_fails(const char *name, const char *bytes, size_t length) {
    for (size_t n = 0; n < length; n += n < 400 ? 1 : 97) {
        mb_pickle pickle;
        char *copy = malloc(n + 1);
        assert_non_null(copy);
        memcpy(copy, bytes, n);
        const mb_status status = (n % 2 == 0 ? mb_pickle_parse : mb_pickle_parse_packed)(
            world.ctx, name, copy, n, &pickle);
        if (status != MB_ERR_FORMAT ||
            strstr(mb_context_error_text(world.ctx), ": byte ") == NULL) {
            fail_msg("%s cut at %zu: %s", name, n, mb_context_error_text(world.ctx));
        }
        assert_null(pickle.arena.blocks);
        mb_context_clear(world.ctx);
        mb_pickle_clear(&pickle);
        free(copy);
    }
}

#define BYTES(text) (text), sizeof(text) - 1

// Lists of whole numbers, and lists of these, in all the ways in which a pickle can build them.
static const struct {
    const char *bytes;
    size_t length;
    const char *tree;
    bool is_packed;
} packed_cases[] = {
    {BYTES("](K\x01M\x00\x01J\xFF\xFF\xFF\xFF"
           "e."),
        "[1, 256, -1]", true},
    {BYTES("]\x94K\x05"
           "a."),
        "[5]", true},
    {BYTES("]\x94(K\x05K\x06"
           "e(K\x07"
           "e."),
        "[5, 6, 7]", true},
    {BYTES("](K\x05K\x06"
           "eK\x08"
           "a."),
        "[5, 6, 8]", false},
    {BYTES("](K\x05K\x06"
           "e(NK\x01"
           "e."),
        "[5, 6, None, 1]", false},
    {BYTES("](K\x05Ne."), "[5, None]", false},
    {BYTES("](](K\x01K\x02"
           "e]]K\x03"
           "ae."),
        "[[1, 2], [], [3]]", true},
    {BYTES("]\x94(]\x94(K\x01K\x02"
           "e]\x94"
           "e(]q\x09K\x04"
           "ae."),
        "[[1, 2], [], [4]]", true},
    {BYTES("](](K\x01"
           "e]Ne."),
        "[[1], [], None]", false},
    {BYTES("](](K\x01"
           "e]e(Ne."),
        "[[1], [], None]", false},
    // The second list is the first row of the first, once more.
    {BYTES("]q\x00(]q\x01(K\x01K\x02"
           "e]q\x02"
           "eh\x01h\x02\x87."),
        "([[1, 2], []], [1, 2], [])", false},
    {BYTES("]\x94(]\x94(K\x01K\x02"
           "e]\x94"
           "e](h\x02h\x01"
           "e\x86."),
        "([[1, 2], []], [[], [1, 2]])", false},
    {BYTES("c__builtin__\nset\n(](K\x02K\x01"
           "etR."),
        "<2, 1>", false},
};

static void test_pickle__packed_lists_say_what_plain_ones_do(void **state) {
    (void)state;
    for (size_t i = 0; i < MB_COUNT_OF(packed_cases); i++) {
        for (int is_packed = 0; is_packed <= 1; is_packed++) {
            mb_pickle pickle;
            assert_ok(
                world.ctx, (is_packed ? mb_pickle_parse_packed : mb_pickle_parse)(world.ctx, "case",
                               packed_cases[i].bytes, packed_cases[i].length, &pickle));
            assert_told(&pickle.root, packed_cases[i].tree, packed_cases[i].tree);
            if (is_packed && packed_cases[i].is_packed) {
                assert_non_null(pickle.root.as.items->integers);
            }
            mb_pickle_clear(&pickle);
        }
    }
}

static void test_pickle__refuses_a_file_cut_at_any_byte(void **state) {
    (void)state;
    for_each_golden(assert_cut_fails);
}

static const struct {
    const char *what, *bytes;
    size_t length;
    const char *tree;
} opcodes[] = {
    {"LONG4", BYTES("\x8B\x02\x00\x00\x00\x00\x80."), "-32768"},
    {"LONG1 of nothing", BYTES("\x8A\x00."), "0"},
    {"LONG without L", BYTES("L-5\n."), "-5"},
    {"INT", BYTES("(I00\nI01\nI7\nt."), "(False, True, 7)"},
    {"BININT", BYTES("J\xFF\xFF\xFF\xFF."), "-1"},
    {"FLOAT", BYTES("(F1.5\nFinf\nF-inf\nFnan\nt."), "(f0x1.8p+0, finf, f-inf, fnan)"},
    {"STRING", BYTES("S'a\\n\\x41\\\\\\''\n."), "t610a415c27"},
    {"STRING of bytes", BYTES("S\"\\xff\"\n."), "bff"},
    {"BINSTRING", BYTES("T\x02\x00\x00\x00hi."), "t6869"},
    {"SHORT_BINSTRING", BYTES("U\x01\xFE."), "bfe"},
    {"BINUNICODE8", BYTES("\x8D\x01\x00\x00\x00\x00\x00\x00\x00z."), "t7a"},
    {"BINBYTES8", BYTES("\x8E\x01\x00\x00\x00\x00\x00\x00\x00z."), "b7a"},
    {"BYTEARRAY8", BYTES("\x96\x01\x00\x00\x00\x00\x00\x00\x00z."), "b7a"},
    {"LIST, DICT",
        BYTES("(K\x01(K\x02K\x03"
              "dl."),
        "[1, {2, 3}]"},
    {"SETITEM, APPEND",
        BYTES("}K\x01]K\x02"
              "as."),
        "{1, [2]}"},
    {"POP, POP_MARK, DUP",
        BYTES("K\x01K\x09"
              "0(K\x08K\x07"
              "1(02\x86."),
        "(1, 1)"},
    {"PUT, GET", BYTES("K\x05p3\n0g3\n."), "5"},
    {"BINPUT, LONG_BINPUT",
        BYTES("K\x05q\x02K\x06r\x01\x00\x00\x00h\x02j\x01\x00\x00\x00\x86\x87."), "(5, 6, (5, 6))"},
    {"FROZENSET, ADDITEMS", BYTES("(K\x01\x91\x8F(K\x02\x90\x86."), "(<1>, <2>)"},
    {"NEWOBJ", BYTES("cbuiltins\nset\n)\x81."), "<>"},
    {"repeated key", BYTES("}(X\x01\x00\x00\x00zK\x01X\x01\x00\x00\x00zK\x02u."),
        "{t7a, 1, t7a, 2}"},
    {"pairs of Python 2", BYTES("ccollections\nOrderedDict\n((lp0\n(lp1\nS'a'\naI1\naatR."),
        "{t61, 1}"},
};

static void test_pickle__reads_opcodes_that_today_s_python_leaves_out(void **state) {
    (void)state;
    for (size_t i = 0; i < MB_COUNT_OF(opcodes); i++) {
        mb_pickle pickle;
        assert_ok(world.ctx, mb_pickle_parse(world.ctx, opcodes[i].what, opcodes[i].bytes,
                                 opcodes[i].length, &pickle));
        assert_told(&pickle.root, opcodes[i].tree, opcodes[i].what);
        mb_pickle_clear(&pickle);
    }
}

static void refuse(const char *bytes, size_t length, mb_status status, const char *part) {
    mb_pickle pickle;
    assert_fails(
        world.ctx, mb_pickle_parse(world.ctx, "t.pkl", bytes, length, &pickle), status, part);
    assert_null(pickle.arena.blocks);
    mb_pickle_clear(&pickle);
}

static void test_pickle__refuses_what_would_run_by_name_and_byte(void **state) {
    (void)state;
    refuse(BYTES("cos\nsystem\n(S'true'\ntR."), MB_ERR_UNSUPPORTED,
        "t.pkl: byte 0: GLOBAL: asks for 'os.system'");
    refuse(BYTES("\x80\x04\x8C\x08"
                 "builtins\x8C\x04"
                 "eval\x93."),
        MB_ERR_UNSUPPORTED, "t.pkl: byte 18: STACK_GLOBAL: asks for 'builtins.eval'");
    refuse(BYTES("cnumpy\nload\n."), MB_ERR_UNSUPPORTED, "'numpy.load'");
    refuse(BYTES("c\x1b[31m\nx\n."), MB_ERR_UNSUPPORTED, "'?[31m.x'");
    static const struct {
        const char *bytes, *name;
    } opcodes_refused[] = {{"P0\n.", "PERSID"}, {"K\1Q.", "BINPERSID"}, {"(ios\nsystem\n.", "INST"},
        {"(o.", "OBJ"}, {"\x92.", "NEWOBJ_EX"}, {"\x82\1.", "EXT1"}, {"\x83\1\1.", "EXT2"},
        {"\x84\1\1\1\1.", "EXT4"}, {"\x97.", "NEXT_BUFFER"}, {"\x98.", "READONLY_BUFFER"}};
    for (size_t i = 0; i < MB_COUNT_OF(opcodes_refused); i++) {
        refuse(opcodes_refused[i].bytes, strlen(opcodes_refused[i].bytes), MB_ERR_UNSUPPORTED,
            opcodes_refused[i].name);
    }
    refuse(BYTES("cnumpy\nndarray\n)R."), MB_ERR_UNSUPPORTED, "'numpy.ndarray' is not called");
    refuse(BYTES("}}b."), MB_ERR_UNSUPPORTED, "BUILD: sets up a dict");
    refuse(BYTES("cnumpy\ndtype\n."), MB_ERR_UNSUPPORTED, "holds a type or function");
    refuse(BYTES("]cnumpy\ndtype\na."), MB_ERR_UNSUPPORTED, "holds a type or function");
    refuse(BYTES("\x80\x06."), MB_ERR_UNSUPPORTED, "protocol 6");
}

static void test_pickle__refuses_damage_with_its_byte(void **state) {
    (void)state;
    refuse(BYTES(""), MB_ERR_FORMAT, "t.pkl: byte 0: end of file");
    refuse(BYTES("\xFFN."), MB_ERR_FORMAT, "byte 0: opcode: 0xFF");
    refuse(BYTES("K\1K\2."), MB_ERR_FORMAT, "leaves 1 values");
    refuse(BYTES("."), MB_ERR_FORMAT, "nothing on the stack");
    refuse(BYTES("N.N"), MB_ERR_FORMAT, "1 bytes follow");
    refuse(BYTES("(N."), MB_ERR_FORMAT, "container is open");
    refuse(BYTES("K\1(a."), MB_ERR_FORMAT, "byte 3: APPEND: finds nothing");
    refuse(BYTES("K\1K\2a."), MB_ERR_FORMAT, "adds to a int");
    refuse(BYTES("e."), MB_ERR_FORMAT, "no mark");
    refuse(BYTES("(K\1d."), MB_ERR_FORMAT, "key without a value");
    refuse(BYTES("}]K\1s."), MB_ERR_FORMAT, "a list as a key");
    refuse(BYTES("h\1."), MB_ERR_FORMAT, "memo slot 1 is empty");
    refuse(BYTES("Nr\xFF\xFF\xFF\xFF."), MB_ERR_FORMAT, "memo slot 4294967295 in a file of 7");
    refuse(BYTES("gx\n."), MB_ERR_FORMAT, "no memo slot");
    refuse(BYTES("\x95\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFFN."), MB_ERR_FORMAT, "FRAME: needs");
    refuse(BYTES("\x8E\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFFN."), MB_ERR_FORMAT, "BINBYTES8: needs");
    refuse(BYTES("X\xFF\xFF\xFF\x7FN."), MB_ERR_FORMAT, "BINUNICODE: needs 2147483647");
    refuse(BYTES("\x8A\x09\1\1\1\1\1\1\1\1\1."), MB_ERR_RANGE, "integer of 9 bytes");
    refuse(BYTES("L99999999999999999999L\n."), MB_ERR_RANGE, "'99999999999999999999'");
    refuse(BYTES("I\n."), MB_ERR_RANGE, "INT");
    refuse(BYTES("Fxinf\n."), MB_ERR_FORMAT, "'xinf' is not a number");
    refuse(BYTES("Sab\n."), MB_ERR_FORMAT, "without quotes");
    refuse(BYTES("S'\\q'\n."), MB_ERR_FORMAT, "wrong escape");
    refuse(BYTES("S'\\x4'\n."), MB_ERR_FORMAT, "wrong escape");
    refuse(BYTES("V\\ud800\n."), MB_ERR_FORMAT, "wrong escape");
    refuse(BYTES("\x8C\x02\xC0\x80."), MB_ERR_FORMAT, "not UTF-8");
    refuse(BYTES("c_codecs\nencode\n(V\\u0101\nVlatin1\ntR."), MB_ERR_FORMAT, "beyond 255");
}

static void test_pickle__refuses_loops_and_trees_that_grow_by_sharing(void **state) {
    (void)state;
    refuse(BYTES("]\x94h\0"
                 "a."),
        MB_ERR_FORMAT, "byte 0: value: holds itself");
    refuse(BYTES("}\x94(K\1h\0u."), MB_ERR_FORMAT, "holds itself");
    char bomb[1024];
    size_t n = 0;
    memcpy(bomb, "]\x94", 2);
    for (n = 2; n < 2 + 40 * 8; n += 8) {
        const char slot = (char)((n - 2) / 8);
        const char level[8] = {']', '(', 'h', slot, 'h', slot, 'e', '\x94'};
        memcpy(bomb + n, level, sizeof level);
    }
    // All but the last lie below it on the stack: a tuple of them all.
    memmove(bomb + 1, bomb, n);
    bomb[0] = '(';
    memcpy(bomb + n + 1, "t.", 2);
    refuse(bomb, n + 3, MB_ERR_LIMIT, "when shared ones count each time");
    char deep[256];
    memset(deep, ']', 65);
    memset(deep + 65, 'a', 64);
    deep[129] = '.';
    refuse(deep, 130, MB_ERR_LIMIT, "deeper than 64");
    mb_pickle pickle;
    memset(deep + 64, 'a', 63);
    deep[127] = '.';
    assert_ok(world.ctx, mb_pickle_parse(world.ctx, "deep", deep, 128, &pickle));
    mb_pickle_clear(&pickle);
}

static void test_pickle__keeps_to_the_limits_given(void **state) {
    (void)state;
    mb_runtime_settings settings = MB_RUNTIME_SETTINGS_INIT;
    settings.n_threads = 1;
    settings.limits = (mb_limits){.bytes = 65536, .objects = 100};
    mb_runtime *runtime = NULL;
    mb_context *ctx = NULL;
    assert_int_equal(mb_runtime_create(&settings, &runtime), MB_OK);
    assert_int_equal(mb_context_create(runtime, &ctx), MB_OK);
    char many[5000];
    mb_pickle pickle;
    memset(many, ']', sizeof many);
    assert_fails(ctx, mb_pickle_parse(ctx, "many", many, sizeof many, &pickle), MB_ERR_LIMIT,
        "byte 100: EMPTY_LIST: is beyond the limit of 100 objects");
    memset(many, 'N', sizeof many);
    assert_fails(ctx, mb_pickle_parse(ctx, "many", many, sizeof many, &pickle), MB_ERR_LIMIT,
        "NONE: takes more than 65536 bytes");
    // A table of rows of one number, in protocol 2 without memo.
    many[0] = ']';
    many[1] = '(';
    for (size_t i = 0; i < 600; i++) {
        memcpy(many + 2 + 4 * i, "]K\7a", 4);
    }
    memcpy(many + 2402, "e.", 2);
    assert_fails(ctx, mb_pickle_parse(ctx, "rows", many, 2404, &pickle), MB_ERR_LIMIT,
        "EMPTY_LIST: is beyond the limit of 100 objects");
    assert_ok(ctx, mb_pickle_parse_packed(ctx, "rows", many, 2404, &pickle));
    assert_int_equal(pickle.root.as.items->row_end[599], 600);
    mb_pickle_clear(&pickle);
    memset(many, ']', sizeof many);
    assert_fails(ctx, mb_pickle_parse_packed(ctx, "many", many, sizeof many, &pickle), MB_ERR_LIMIT,
        "is beyond the limit of 100 objects");
    mb_context_destroy(ctx);
    mb_runtime_destroy(runtime);
}

#define NEW_ARRAY "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\0tC\1btR"

static void test_pickle__refuses_arrays_that_do_not_fit(void **state) {
    (void)state;
    mb_pickle pickle;
    static const char good[] =
        NEW_ARRAY "(K\1K\2\x85"
                  "cnumpy\ndtype\n(U\2i2K\0K\1tR(K\3U\1>"
                  "NNNJ\xFF\xFF\xFF\xFFJ\xFF\xFF\xFF\xFFK\0tb\x89U\4\0\1\1\0tb.";
    assert_ok(world.ctx, mb_pickle_parse(world.ctx, "good", BYTES(good), &pickle));
    assert_told(&pickle.root, "a(2) int16 01000001", "good");
    mb_pickle_clear(&pickle);
    char odd[sizeof good];
    memcpy(odd, good, sizeof good);
    odd[sizeof NEW_ARRAY - 1 + 4] = 3;
    refuse(odd, sizeof good - 1, MB_ERR_FORMAT, "array of 3 elements, 6 bytes");
    refuse(BYTES(NEW_ARRAY "."), MB_ERR_FORMAT, "stays empty");
    refuse(BYTES(NEW_ARRAY "}b."), MB_ERR_FORMAT, "state is not one");
    refuse(BYTES("cnumpy.core.multiarray\n_reconstruct\n(ccollections\nOrderedDict\n(K\0tC\1btR."),
        MB_ERR_FORMAT, "not numpy.ndarray");
    refuse(BYTES("cnumpy\ndtype\n(U\3V12K\0K\1tR(K\3U\1|N(U\1zt}K\x0CK\1K\0tb."),
        MB_ERR_UNSUPPORTED, "array of records (key 'z' ...)");
    refuse(BYTES("cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(U\2M8K\0K\1tRC\1btR."),
        MB_ERR_UNSUPPORTED, "dtype 'M8'");
    refuse(BYTES("cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(U\2i2K\0K\1tRC\1btR."),
        MB_ERR_FORMAT, "another size");
    refuse(
        BYTES("cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(U\2u8K\0K\1tRC\x08\xFF\xFF\xFF\xFF"
              "\xFF\xFF\xFF\xFFtR."),
        MB_ERR_RANGE, "beyond 2^63");
    refuse(
        BYTES("cnumpy.core.numeric\n_frombuffer\n(C\1acnumpy\ndtype\n(U\2u1K\0K\1tR(K\1tU\1KtR."),
        MB_ERR_UNSUPPORTED, "another order than C or F");
    refuse(BYTES("cnumpy.core.numeric\n_frombuffer\n(C\1acnumpy\ndtype\n(U\2u1K\0K\1tR"
                 "(\x8A\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F\x8A\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F"
                 "tU\1CtR."),
        MB_ERR_FORMAT, "larger than any memory");
}

static void test_pickle__finds_keys_and_numbers(void **state) {
    (void)state;
    mb_pickle pickle;
    assert_ok(
        world.ctx, mb_pickle_parse(world.ctx, "d",
                       BYTES("}(X\1\0\0\0aK\1X\1\0\0\0b\x88X\1\0\0\0aK\2X\1\0\0\0cNu."), &pickle));
    double number = 0;
    assert_true(mb_pickle_number(mb_pickle_find(&pickle.root, "a"), &number));
    assert_true(number == 2);
    assert_true(mb_pickle_number(mb_pickle_find(&pickle.root, "b"), &number));
    assert_true(number == 1);
    assert_false(mb_pickle_number(mb_pickle_find(&pickle.root, "c"), &number));
    assert_null(mb_pickle_find(&pickle.root, "d"));
    assert_null(mb_pickle_find(mb_pickle_find(&pickle.root, "a"), "d"));
    mb_pickle_clear(&pickle);
}

typedef struct text {
    const char *bytes;
    size_t length;
} text;

static mb_status parse_once(void *user, mb_context *ctx) {
    const text *from = user;
    mb_pickle pickle;
    const mb_status status = mb_pickle_parse(ctx, "short", from->bytes, from->length, &pickle);
    mb_pickle_clear(&pickle);
    return status;
}

static void lack_memory(const char *name, const char *bytes, size_t length) {
    if (strncmp(name, "graph", 5) == 0 || strncmp(name, "fortran", 7) == 0) {
        text from = {bytes, length};
        assert_true(mb_test_each_lack_of_memory(parse_once, &from) > 3);
    }
}

static void test_pickle__survives_lack_of_memory_at_every_step(void **state) {
    (void)state;
    for_each_golden(lack_memory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pickle__reads_what_python_and_both_numpys_write),
        cmocka_unit_test(test_pickle__packed_lists_say_what_plain_ones_do),
        cmocka_unit_test(test_pickle__refuses_a_file_cut_at_any_byte),
        cmocka_unit_test(test_pickle__reads_opcodes_that_today_s_python_leaves_out),
        cmocka_unit_test(test_pickle__refuses_what_would_run_by_name_and_byte),
        cmocka_unit_test(test_pickle__refuses_damage_with_its_byte),
        cmocka_unit_test(test_pickle__refuses_loops_and_trees_that_grow_by_sharing),
        cmocka_unit_test(test_pickle__keeps_to_the_limits_given),
        cmocka_unit_test(test_pickle__refuses_arrays_that_do_not_fit),
        cmocka_unit_test(test_pickle__finds_keys_and_numbers),
        cmocka_unit_test(test_pickle__survives_lack_of_memory_at_every_step),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
