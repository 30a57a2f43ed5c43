// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "base/bundle.h"

static void test_bundle__gives_back_what_was_put_in(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, 0);
    mb_bundle bundle;
    mb_bundle_init(&bundle, world.ctx);
    const float floats[] = {1.5f, -2.25f, 3e-30f};
    const double doubles[] = {0.1, 1e300};
    assert_ok(world.ctx, mb_bundle_put_floats(&bundle, world.ctx, "w", floats, 3));
    assert_ok(world.ctx, mb_bundle_put_doubles(&bundle, world.ctx, "d", doubles, 2));
    assert_ok(world.ctx, mb_bundle_put_int(&bundle, world.ctx, "step", INT64_MIN + 1));
    assert_ok(world.ctx, mb_bundle_put_text(&bundle, world.ctx, "name", "adam"));
    assert_ok(world.ctx, mb_bundle_put_floats(&bundle, world.ctx, "nothing", NULL, 0));
    const size_t shape[] = {2, 3};
    mb_array array;
    assert_ok(world.ctx, mb_array_init(&array, world.ctx, MB_U16, 2, shape));
    const void *data = array.data;
    assert_ok(world.ctx, mb_bundle_put(&bundle, world.ctx, "image", &array));
    assert_null(array.data);

    assert_int_equal(bundle.n, 6);
    const char *const order[] = {"w", "d", "step", "name", "nothing", "image"};
    for (size_t i = 0; i < bundle.n; i++) {
        assert_string_equal(bundle.entries[i].name, order[i]);
    }
    float got_floats[3];
    double got_doubles[2];
    int64_t step = 0;
    assert_ok(world.ctx, mb_bundle_get_floats(&bundle, world.ctx, "w", got_floats, 3));
    mb_test_assert_same_bits(got_floats, floats, 3, sizeof *floats, "w");
    assert_ok(world.ctx, mb_bundle_get_doubles(&bundle, world.ctx, "d", got_doubles, 2));
    mb_test_assert_same_bits(got_doubles, doubles, 2, sizeof *doubles, "d");
    assert_ok(world.ctx, mb_bundle_get_int(&bundle, world.ctx, "step", &step));
    assert_true(step == INT64_MIN + 1);
    assert_ok(world.ctx, mb_bundle_get_floats(&bundle, world.ctx, "nothing", NULL, 0));
    assert_string_equal(mb_bundle_text(&bundle, "name"), "adam");
    const mb_array *image = mb_bundle_array(&bundle, "image");
    assert_non_null(image);
    assert_ptr_equal(image->data, data);
    assert_int_equal(image->shape[1], 3);
    assert_null(mb_bundle_array(&bundle, "name"));
    assert_null(mb_bundle_array(&bundle, "absent"));
    assert_null(mb_bundle_text(&bundle, "w"));
    mb_bundle_clear(&bundle);
    mb_bundle_clear(&bundle);
    mb_test_world_close(&world);
}

static void test_bundle__refuses_wrong_names_types_and_counts(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, 0);
    mb_bundle bundle;
    mb_bundle_init(&bundle, world.ctx);
    const float floats[] = {1.0f, 2.0f};
    float out[2];
    double wide[2];
    int64_t integer;
    assert_ok(world.ctx, mb_bundle_put_floats(&bundle, world.ctx, "w", floats, 2));
    assert_ok(world.ctx, mb_bundle_put_text(&bundle, world.ctx, "t", "text"));
    assert_fails(world.ctx, mb_bundle_put_int(&bundle, world.ctx, "w", 1), MB_ERR_ARG,
        "'w' is already there");
    assert_fails(world.ctx, mb_bundle_put_text(&bundle, world.ctx, "t", "x"), MB_ERR_ARG, "'t'");
    mb_array array;
    const size_t length = 4;
    assert_ok(world.ctx, mb_array_init(&array, world.ctx, MB_F32, 1, &length));
    assert_fails(world.ctx, mb_bundle_put(&bundle, world.ctx, "w", &array), MB_ERR_ARG, "'w'");
    assert_null(array.data);
    assert_int_equal(bundle.n, 2);
    assert_fails(world.ctx, mb_bundle_get_floats(&bundle, world.ctx, "v", out, 2), MB_ERR_FORMAT,
        "no array 'v'");
    assert_fails(world.ctx, mb_bundle_get_floats(&bundle, world.ctx, "t", out, 2), MB_ERR_FORMAT,
        "no array 't'");
    assert_fails(world.ctx, mb_bundle_get_floats(&bundle, world.ctx, "w", out, 1), MB_ERR_FORMAT,
        "wanted 1");
    assert_fails(world.ctx, mb_bundle_get_doubles(&bundle, world.ctx, "w", wide, 2), MB_ERR_FORMAT,
        "float64");
    assert_fails(
        world.ctx, mb_bundle_get_int(&bundle, world.ctx, "w", &integer), MB_ERR_FORMAT, "int64");
    mb_bundle_clear(&bundle);
    mb_test_world_close(&world);
}

static void test_bundle__holds_many_entries(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, 0);
    mb_bundle bundle;
    mb_bundle_init(&bundle, world.ctx);
    char name[] = "entry 000";
    for (int i = 0; i < 1000; i++) {
        name[6] = (char)('0' + i / 100);
        name[7] = (char)('0' + i / 10 % 10);
        name[8] = (char)('0' + i % 10);
        assert_ok(world.ctx, mb_bundle_put_int(&bundle, world.ctx, name, i));
    }
    int64_t value;
    assert_ok(world.ctx, mb_bundle_get_int(&bundle, world.ctx, "entry 737", &value));
    assert_int_equal(value, 737);
    mb_bundle_clear(&bundle);
    mb_test_world_close(&world);
}

// FIPS 180-4's examples and the empty message.
static void test_bundle__sha256_gives_the_published_digests(void **state) {
    (void)state;
    const struct {
        const char *text, *digest;
    } vectors[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrl"
         "mnopqrsmnopqrst"
         "nopqrstu",
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
    };
    for (size_t i = 0; i < MB_COUNT_OF(vectors); i++) {
        mb_sha256 sha;
        char hex[65];
        mb_sha256_init(&sha);
        mb_sha256_update(&sha, vectors[i].text, strlen(vectors[i].text));
        mb_sha256_hex(&sha, hex);
        assert_string_equal(hex, vectors[i].digest);
    }
}

static void test_bundle__sha256_does_not_depend_on_the_pieces(void **state) {
    (void)state;
    static uint8_t bytes[1000000];
    memset(bytes, 'a', sizeof bytes);
    const size_t pieces[] = {1, 63, 64, 65, 1000, sizeof bytes};
    for (size_t i = 0; i < MB_COUNT_OF(pieces); i++) {
        mb_sha256 sha;
        char hex[65];
        mb_sha256_init(&sha);
        for (size_t first = 0; first < sizeof bytes; first += pieces[i]) {
            mb_sha256_update(&sha, bytes + first, mb_min_size(pieces[i], sizeof bytes - first));
        }
        mb_sha256_hex(&sha, hex);
        assert_string_equal(
            hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bundle__gives_back_what_was_put_in),
        cmocka_unit_test(test_bundle__refuses_wrong_names_types_and_counts),
        cmocka_unit_test(test_bundle__holds_many_entries),
        cmocka_unit_test(test_bundle__sha256_gives_the_published_digests),
        cmocka_unit_test(test_bundle__sha256_does_not_depend_on_the_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
