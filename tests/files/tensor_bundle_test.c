// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// Tables of tensors put together byte by byte: what TensorFlow writes on other machines, in other
// types, and what no program writes.

#include "files/sorted_table.h"
#include "files/tensor_bundle.h"
#include "testing.h"

#include <stdlib.h>

enum { MOST = 4096 };

typedef struct bytes {
    unsigned char data[MOST];
    size_t n;
} bytes;

typedef struct world {
    mb_test_world base;
    mb_crc32c crc;
    bytes block, file;
    unsigned char shard[64];
} world;

static int open_world(void **state) {
    world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    mb_test_world_open(&w->base, 1, MB_CPU_ALL);
    mb_crc32c_init(&w->crc);
    for (size_t i = 0; i < sizeof w->shard; i++) {
        w->shard[i] = (unsigned char)(17 * i);
    }
    *state = w;
    return 0;
}

static int close_world(void **state) {
    world *w = *state;
    mb_test_world_close(&w->base);
    free(w);
    return 0;
}

static void put(bytes *to, const void *data, size_t n) {
    assert_true(to->n + n <= MOST);
    memcpy(to->data + to->n, data, n);
    to->n += n;
}

static void put_byte(bytes *to, size_t value) {
    const unsigned char byte = (unsigned char)value;
    put(to, &byte, 1);
}

static void put_u32(bytes *to, uint32_t value) {
    put(to, &value, sizeof value);
}

// All numbers here are below 128 and so one byte long.
static void put_entry(bytes *block, size_t n_shared, const char *rest, const bytes *value) {
    put_byte(block, n_shared);
    put_byte(block, strlen(rest));
    put_byte(block, value->n);
    put(block, rest, strlen(rest));
    put(block, value->data, value->n);
}

// Ends the block in w->block, moves it to the file, and gives where it is.
static void end_block(world *w, size_t kind, bytes *handle) {
    put_u32(&w->block, 0);
    put_u32(&w->block, 1);
    *handle = (bytes){.n = 0};
    size_t offset = w->file.n;
    for (; offset >= 128; offset >>= 7) {
        put_byte(handle, 128 | (offset & 127));
    }
    put_byte(handle, offset);
    assert_true(w->block.n < 128);
    put_byte(handle, w->block.n);
    put_byte(&w->block, kind);
    const uint32_t check = mb_crc32c_extend(&w->crc, 0, w->block.data, w->block.n);
    put_u32(&w->block, mb_crc32c_mask(check));
    put(&w->file, w->block.data, w->block.n);
    w->block.n = 0;
}

// The block in w->block as the only one of a whole table.
static void end_table(world *w, size_t kind) {
    static const unsigned char magic[] = {0x57, 0xFB, 0x80, 0x8B, 0x24, 0x75, 0x47, 0xDB};
    bytes data;
    bytes index;
    end_block(w, kind, &data);
    put_entry(&w->block, 0, "~", &data);
    end_block(w, 0, &index);
    bytes footer = {.n = 0};
    put_byte(&footer, 0);
    put_byte(&footer, 0);
    put(&footer, index.data, index.n);
    footer.n = 40;
    put(&footer, magic, sizeof magic);
    put(&w->file, footer.data, footer.n);
}

static void put_header(world *w, size_t n_shards, size_t endianness) {
    bytes header = {.n = 0};
    put_byte(&header, 0x08);
    put_byte(&header, n_shards);
    put_byte(&header, 0x10);
    put_byte(&header, endianness);
    put_entry(&w->block, 0, "", &header);
}

// A tensor of n numbers at the shard's start; a third dimension makes a wrong size.
static bytes tensor(const world *w, size_t type, size_t n, size_t size) {
    bytes value = {.n = 0};
    const unsigned char shape[] = {0x12, 4, 0x12, 2, 0x08, (unsigned char)n};
    put_byte(&value, 0x08);
    put_byte(&value, type);
    put(&value, shape, sizeof shape);
    put_byte(&value, 0x28);
    put_byte(&value, size);
    put_byte(&value, 0x35);
    put_u32(&value, mb_crc32c_mask(mb_crc32c_extend(&w->crc, 0, w->shard, size)));
    return value;
}

static mb_status open_bundle(world *w, mb_tensor_bundle **out) {
    return mb_tensor_bundle_open_bytes(
        w->base.ctx, "t", w->file.data, w->file.n, w->shard, sizeof w->shard, out);
}

static void make(world *w, const char *key, const bytes *value) {
    w->file.n = w->block.n = 0;
    put_header(w, 1, 0);
    put_entry(&w->block, 0, key, value);
    end_table(w, 0);
}

static void assert_read_fails(world *w, const bytes *value, mb_status status, const char *part) {
    mb_tensor_bundle *bundle = NULL;
    mb_array array;
    make(w, "k", value);
    assert_ok(w->base.ctx, open_bundle(w, &bundle));
    assert_fails(w->base.ctx, mb_tensor_bundle_read(bundle, "k", &array), status, part);
    mb_tensor_bundle_close(bundle);
}

static void test_crc32c__gives_the_published_check(void **state) {
    const world *w = *state;
    assert_int_equal(mb_crc32c_extend(&w->crc, 0, "123456789", 9), 0xE3069283);
    // In two parts, and masked: RFC 3720 has 32 bytes of zero as 0x8A9136AA.
    const unsigned char zeros[32] = {0};
    const uint32_t half = mb_crc32c_extend(&w->crc, 0, zeros, 13);
    assert_int_equal(mb_crc32c_extend(&w->crc, half, zeros, 19), 0x8A9136AA);
    assert_int_equal(mb_crc32c_mask(0), 0xA282EAD8);
}

static void test_sorted_table__finds_keys_that_share_beginnings(void **state) {
    world *w = *state;
    bytes value = {.n = 0};
    mb_sorted_table table;
    put_byte(&value, 1);
    put_entry(&w->block, 0, "layer/bias", &value);
    value.data[0] = 2;
    put_entry(&w->block, 6, "kernel", &value);
    value.data[0] = 3;
    put_entry(&w->block, 12, "s", &value);
    end_table(w, 0);
    assert_ok(w->base.ctx,
        mb_sorted_table_parse(&table, w->base.ctx, "t", &w->crc, w->file.data, w->file.n));
    assert_int_equal(table.n, 3);
    assert_int_equal(mb_sorted_table_find(&table, "layer/bias")->value[0], 1);
    assert_int_equal(mb_sorted_table_find(&table, "layer/kernel")->value[0], 2);
    assert_int_equal(mb_sorted_table_find(&table, "layer/kernels")->value[0], 3);
    assert_null(mb_sorted_table_find(&table, "layer/kerne"));
    assert_null(mb_sorted_table_find(&table, ""));
    mb_sorted_table_clear(&table, w->base.ctx);
}

static void assert_table_fails(world *w, mb_status status, const char *part) {
    mb_sorted_table table;
    assert_fails(w->base.ctx,
        mb_sorted_table_parse(&table, w->base.ctx, "t", &w->crc, w->file.data, w->file.n), status,
        part);
    mb_sorted_table_clear(&table, w->base.ctx);
    w->file.n = w->block.n = 0;
}

static void test_sorted_table__refuses_what_it_cannot_read(void **state) {
    world *w = *state;
    bytes value = {.n = 0};
    put_entry(&w->block, 0, "b", &value);
    put_entry(&w->block, 0, "a", &value);
    end_table(w, 0);
    assert_table_fails(w, MB_ERR_FORMAT, "keys are not in order");
    put_entry(&w->block, 0, "b", &value);
    put_entry(&w->block, 2, "c", &value);
    end_table(w, 0);
    assert_table_fails(w, MB_ERR_FORMAT, "shares more than the one before has");
    put_entry(&w->block, 0, "b", &value);
    end_table(w, 1);
    assert_table_fails(w, MB_ERR_UNSUPPORTED, "blocks are compressed (snappy)");
    put_byte(&w->block, 0);
    put_byte(&w->block, 9);
    put_byte(&w->block, 0);
    end_table(w, 0);
    assert_table_fails(w, MB_ERR_FORMAT, "does not end within its block");
    assert_table_fails(w, MB_ERR_FORMAT, "cut off or no table");
}

static void test_tensor_bundle__reads_every_type_of_numbers(void **state) {
    static const struct {
        size_t code, size;
        mb_dtype dtype;
    } cases[] = {{1, 4, MB_F32}, {2, 8, MB_F64}, {3, 4, MB_I32}, {4, 1, MB_U8}, {5, 2, MB_I16},
        {6, 1, MB_I8}, {9, 8, MB_I64}, {17, 2, MB_U16}, {22, 4, MB_U32}, {23, 8, MB_U64}};
    world *w = *state;
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        const bytes value = tensor(w, cases[i].code, 3, 3 * cases[i].size);
        mb_tensor_bundle *bundle = NULL;
        mb_array array;
        make(w, "k", &value);
        assert_ok(w->base.ctx, open_bundle(w, &bundle));
        assert_ok(w->base.ctx, mb_tensor_bundle_read(bundle, "k", &array));
        assert_int_equal(array.dtype, cases[i].dtype);
        assert_int_equal(array.rank, 1);
        assert_int_equal(array.shape[0], 3);
        assert_memory_equal(array.data, w->shard, 3 * cases[i].size);
        mb_array_clear(&array);
        mb_tensor_bundle_close(bundle);
    }
}

static void test_tensor_bundle__widens_half_precision(void **state) {
    world *w = *state;
    const unsigned char halves[] = {0x00, 0x3C, 0x00, 0xC0, 0x01, 0x00};
    memcpy(w->shard, halves, sizeof halves);
    const bytes value = tensor(w, 19, 3, 6);
    mb_tensor_bundle *bundle = NULL;
    mb_array array;
    make(w, "k", &value);
    assert_ok(w->base.ctx, open_bundle(w, &bundle));
    assert_ok(w->base.ctx, mb_tensor_bundle_read(bundle, "k", &array));
    const float *numbers = array.data;
    assert_true(numbers[0] == 1.0F && numbers[1] == -2.0F && numbers[2] == 0x1p-24F);
    mb_array_clear(&array);
    mb_tensor_bundle_close(bundle);
}

static void test_tensor_bundle__says_what_is_wrong_with_a_tensor(void **state) {
    world *w = *state;
    bytes value = tensor(w, 14, 3, 6);
    assert_read_fails(w, &value, MB_ERR_UNSUPPORTED, "tensor k: holds bfloat16");
    value = tensor(w, 99, 3, 6);
    assert_read_fails(w, &value, MB_ERR_UNSUPPORTED, "holds an unknown type");
    value = tensor(w, 1, 4, 12);
    assert_read_fails(w, &value, MB_ERR_FORMAT, "its shape does not fit its size");
    value = tensor(w, 1, 3, 12);
    value.data[value.n - 1] ^= 1;
    assert_read_fails(w, &value, MB_ERR_FORMAT, "its checksum does not match");
    value = tensor(w, 1, 3, 12);
    put_byte(&value, 0x3A);
    put_byte(&value, 0);
    assert_read_fails(w, &value, MB_ERR_UNSUPPORTED, "is stored in slices");
    value = tensor(w, 1, 3, 12);
    put_byte(&value, 0x20);
    put_byte(&value, 53);
    assert_read_fails(w, &value, MB_ERR_FORMAT, "t: ends before tensor k does");
    value = tensor(w, 1, 3, 12);
    put_byte(&value, 0x18);
    put_byte(&value, 1);
    assert_read_fails(w, &value, MB_ERR_FORMAT, "its place in the shards is damaged");
    value.data[0] = 0x0F;
    assert_read_fails(w, &value, MB_ERR_FORMAT, "not a table of tensors");
}

static void test_tensor_bundle__refuses_other_headers(void **state) {
    world *w = *state;
    mb_tensor_bundle *bundle = NULL;
    put_header(w, 1, 1);
    end_table(w, 0);
    assert_fails(w->base.ctx, open_bundle(w, &bundle), MB_ERR_UNSUPPORTED, "big-endian");
    w->file.n = 0;
    put_header(w, 0, 0);
    end_table(w, 0);
    assert_fails(w->base.ctx, open_bundle(w, &bundle), MB_ERR_FORMAT, "counts 0 shards");
    w->file.n = 0;
    end_table(w, 0);
    assert_fails(w->base.ctx, open_bundle(w, &bundle), MB_ERR_FORMAT, "it has no header");
    assert_null(bundle);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_crc32c__gives_the_published_check),
        TEST(test_sorted_table__finds_keys_that_share_beginnings),
        TEST(test_sorted_table__refuses_what_it_cannot_read),
        TEST(test_tensor_bundle__reads_every_type_of_numbers),
        TEST(test_tensor_bundle__widens_half_precision),
        TEST(test_tensor_bundle__says_what_is_wrong_with_a_tensor),
        TEST(test_tensor_bundle__refuses_other_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
