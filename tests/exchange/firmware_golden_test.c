// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// Weight sets and scores beside the project; each test skips by name where they are absent.

#include "testing.h"

#include "base/output.h"
#include "exchange/firmware.h"
#include "files/csv.h"
#include "files/npy.h"

enum { REGIONS = 252, LINK_EVENTS = 256, VECTORS = 5 };

static const uint32_t masks[] = {0, MB_CPU_AVX2, MB_CPU_ALL};

static float *floats_of(mb_context *ctx, mb_array *array) {
    assert_ok(ctx, mb_array_convert(array, ctx, MB_F32));
    return array->data;
}

// A table with a header or, is_comment, a comment in its place.
static mb_array read_table(mb_context *ctx, const char *relative, bool is_comment) {
    mb_array array;
    mb_csv table;
    char *text = NULL;
    size_t length = 0;
    assert_ok(ctx, mb_read_file(ctx, mb_test_shared(relative), &text, &length));
    const char *body = is_comment ? strchr(text, '\n') + 1 : text;
    assert_ok(ctx,
        mb_csv_parse(&table, ctx, relative, body, length - (size_t)(body - text), !is_comment));
    assert_ok(ctx, mb_csv_to_array(&table, &array));
    mb_csv_clear(&table);
    mb_release(ctx, text);
    return array;
}

static mb_twin *load(mb_context *ctx, const char *folder, const char *types) {
    mb_twin *twin = NULL;
    assert_ok(ctx, mb_firmware_load(ctx, mb_test_shared(folder), types, NULL, 0, &twin));
    return twin;
}

static size_t count_equal(mb_context *ctx, const mb_twin *twin, const mb_array *regions, size_t n,
    size_t stride, const mb_array *scores, size_t column) {
    const mb_twin_rows rows = {.f32 = regions->data, .stride = stride};
    float values[LINK_EVENTS];
    size_t n_equal = 0;
    assert_ok(ctx, mb_twin_predict(ctx, twin, &rows, n, NULL, values));
    for (size_t i = 0; i < n; i++) {
        n_equal += (double)values[i] == mb_array_get(scores, i * scores->shape[1] + column);
    }
    return n_equal;
}

static const char links[] = "cicada_links_nolicence/test3_regions_252.csv";
static const char link_scores[] = "golden_own/cicada_scores_test3.csv";
static const char vectors[] = "cicada_models_nolicence/test_vectors.npy";
static const char vector_scores[] = "golden_own/cicada_scores_test_vectors.csv";

static void compare_links(const char *folder, const char *types, size_t column) {
    for (size_t m = 0; m < MB_COUNT_OF(masks); m++) {
        mb_test_world world;
        mb_test_world_open(&world, 2, masks[m]);
        mb_twin *twin = load(world.ctx, folder, types);
        mb_array regions = read_table(world.ctx, links, true);
        mb_array scores = read_table(world.ctx, link_scores, false);
        floats_of(world.ctx, &regions);
        assert_int_equal(regions.shape[0], LINK_EVENTS);
        assert_int_equal(
            count_equal(world.ctx, twin, &regions, LINK_EVENTS, REGIONS + 1, &scores, column),
            LINK_EVENTS);
        mb_array_clear(&regions);
        mb_array_clear(&scores);
        mb_twin_destroy(twin);
        mb_test_world_close(&world);
    }
}

static void compare_vectors(const char *folder, const char *types, size_t column) {
    mb_test_world world;
    mb_array regions;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    mb_twin *twin = load(world.ctx, folder, types);
    mb_array scores = read_table(world.ctx, vector_scores, false);
    assert_ok(world.ctx, mb_npy_read(world.ctx, mb_test_shared(vectors), &regions));
    floats_of(world.ctx, &regions);
    assert_int_equal(
        count_equal(world.ctx, twin, &regions, VECTORS, REGIONS, &scores, column), VECTORS);
    mb_array_clear(&regions);
    mb_array_clear(&scores);
    mb_twin_destroy(twin);
    mb_test_world_close(&world);
}

static void test_firmware_golden__v1_1_1_gives_every_firmware_score(void **state) {
    (void)state;
    compare_links("cicada_hls_nolicence/CICADA_v1p1p1", "v1.1.1", 1);
}

static void test_firmware_golden__v1_1_1_gives_the_scores_of_the_test_vectors(void **state) {
    (void)state;
    compare_vectors("cicada_hls_nolicence/CICADA_v1p1p1", "v1.1.1", 4);
}

static void test_firmware_golden__v2_gives_the_fixed_point_scores(void **state) {
    (void)state;
    compare_links("cicada_hls_nolicence/CICADA_v2", "v2", 4);
}

static void test_firmware_golden__v2_gives_the_scores_of_the_test_vectors(void **state) {
    (void)state;
    compare_vectors("cicada_hls_nolicence/CICADA_v2", "v2", 3);
}

// How its weights are laid out is not certain, so the scores are told and not judged.
static void test_firmware_golden__v2_2_0_loads_with_all_weights_on_their_grid(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    mb_twin *twin = load(world.ctx, "cicada_hls_nolicence/CICADA_v2p2p0", "v2.2.0");
    for (size_t i = 0; i < mb_twin_layers(twin); i++) {
        mb_twin_report report;
        mb_twin_describe(twin, i, &report);
        assert_int_equal(report.n_weights_rounded, 0);
        assert_int_equal(report.n_weights_outside, 0);
    }
    mb_array regions = read_table(world.ctx, links, true);
    mb_array scores = read_table(world.ctx, link_scores, false);
    floats_of(world.ctx, &regions);
    print_message("v2.2.0: %zu of %d scores as computed with the inferred layout\n",
        count_equal(world.ctx, twin, &regions, LINK_EVENTS, REGIONS + 1, &scores, 5), LINK_EVENTS);
    mb_array_clear(&regions);
    mb_array_clear(&scores);
    mb_twin_destroy(twin);
    mb_test_world_close(&world);
}

static void test_firmware_golden__first_event_has_the_dense_sums_of_the_specification(
    void **state) {
    (void)state;
    static const double wanted[15] = {-61, 5, 111.5, 57, 233.5, -124.5, 120.5, 198.5, 8, -279.5,
        -164.5, 200.5, -152.5, 99.5, 303.5};
    mb_test_world world;
    double sums[15];
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    mb_twin *twin = load(world.ctx, "cicada_hls_nolicence/CICADA_v1p1p1", "v1.1.1");
    mb_array regions = read_table(world.ctx, links, true);
    const mb_twin_rows rows = {.f32 = floats_of(world.ctx, &regions), .stride = REGIONS + 1};
    assert_int_equal(mb_twin_stage_size(twin, 0, MB_TWIN_SUM), 15);
    assert_ok(world.ctx, mb_twin_look(world.ctx, twin, 0, MB_TWIN_SUM, &rows, 1, sums));
    for (size_t i = 0; i < 15; i++) {
        assert_true(sums[i] == wanted[i]);
    }
    mb_array_clear(&regions);
    mb_twin_destroy(twin);
    mb_test_world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_firmware_golden__v1_1_1_gives_every_firmware_score),
        cmocka_unit_test(test_firmware_golden__v1_1_1_gives_the_scores_of_the_test_vectors),
        cmocka_unit_test(test_firmware_golden__v2_gives_the_fixed_point_scores),
        cmocka_unit_test(test_firmware_golden__v2_gives_the_scores_of_the_test_vectors),
        cmocka_unit_test(test_firmware_golden__v2_2_0_loads_with_all_weights_on_their_grid),
        cmocka_unit_test(test_firmware_golden__first_event_has_the_dense_sums_of_the_specification),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
