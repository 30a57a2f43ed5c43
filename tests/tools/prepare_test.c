// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tool.h"

#include "files/hdf5.h"
#include "files/npy.h"

// `prepare` of a source that splits its events itself: calorimeter regions.

static const char text[] = "study: regions\n"
                           "seed: 42\n"
                           "simulate: {events: 1300, signal_events: 300}\n"
                           "data:\n"
                           "  source: calo\n"
                           "  dir: regions\n"
                           "  background: {file: ZeroBias.h5, limit: 1000}\n"
                           "  signals:\n"
                           "    TTBar: {file: TTBar.h5}\n"
                           "    SUEP: {file: SUEP.h5, overlay: background, overlay_events: 90}\n"
                           "  synthetic: {events: 250}\n"
                           "  train_size: 200\n";

static mb_tool_world *prepared(void **state, const char *output) {
    mb_tool_world *world = *state;
    mb_tool_write(world, "regions.yaml", text);
    mb_tool_expect(world, 0, "prepare regions.yaml -o %s --force --json", output);
    return world;
}

static void assert_names(mb_h5_file *file, const char *path, const char *const *wanted, size_t n) {
    mb_names names;
    assert_true(mb_h5_attribute_texts(file, path, "names", &names) == MB_OK);
    assert_int_equal(names.n, n);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(names.name[i], wanted[i]);
    }
    mb_names_clear(&names);
}

static void test_prepare__writes_the_named_columns_of_regions(void **state) {
    mb_tool_world *world = prepared(state, "regions.h5");
    mb_context *ctx = world->base.ctx;
    static const char *const samples[] = {
        "ZeroBias", "TTBar", "SUEP", "synthetic", "synthetic_pileup"};
    static const char *const splits[] = {"train", "validation", "test", "overlay", "cicada"};
    // 1000 + 90 background, 300 + 300 signal, 250 synthetic events, 50 of these with pileup.
    const size_t shape[] = {1990, 18, 14, 1}, pair[] = {1990, 2};
    mb_h5_file *file = NULL;
    mb_array split, overlay;
    assert_ok(ctx, mb_h5_open(ctx, mb_tool_path(world, "regions.h5"), &file));
    mb_tool_assert_shape(ctx, file, "/inputs/regions", MB_F32, shape, 4);
    mb_tool_assert_shape(ctx, file, "/target", MB_F32, pair, 2);
    mb_tool_assert_shape(ctx, file, "/event", MB_I64, shape, 1);
    mb_tool_assert_shape(ctx, file, "/sample", MB_I32, shape, 1);
    assert_names(file, "/sample", samples, MB_COUNT_OF(samples));
    assert_names(file, "/split", splits, MB_COUNT_OF(splits));
    assert_ok(ctx, mb_h5_read(file, "/split", &split));
    assert_ok(ctx, mb_h5_read(file, "/overlay", &overlay));
    size_t count[5] = {0}, n_overlaid = 0;
    for (size_t i = 0; i < 1990; i++) {
        count[((const uint8_t *)split.data)[i]]++;
        n_overlaid += ((const int64_t *)overlay.data)[i] >= 0;
    }
    const size_t wanted[5] = {800, 0, 800 + 100 + 100 + 50 + 50, 90, 0};
    assert_memory_equal(count, wanted, sizeof wanted);
    assert_int_equal(n_overlaid, 300 + 50);
    mb_document answer = mb_tool_json(world, world->last.out);
    const mb_node *told = mb_node_find(answer.root, "split");
    assert_int_equal(mb_tool_number(told, "overlay"), 90);
    assert_int_equal(mb_tool_number(told, "test"), 1100);
    mb_document_clear(&answer);
    mb_array_clear(&split);
    mb_array_clear(&overlay);
    mb_h5_close(file);
}

static void test_prepare__writes_every_part_as_arrays(void **state) {
    mb_tool_world *world = prepared(state, "arrays/");
    static const struct {
        const char *name;
        size_t n;
    } files[] = {{"arrays/train_v0.npy", 800}, {"arrays/test_v0.npy", 1100},
        {"arrays/test_labels.npy", 1100}, {"arrays/overlay_v0.npy", 90},
        {"arrays/sample.npy", 1990}, {"arrays/overlay.npy", 1990}, {"arrays/split.npy", 1990}};
    for (size_t i = 0; i < MB_COUNT_OF(files); i++) {
        mb_npy_info info;
        assert_ok(world->base.ctx,
            mb_npy_get_info(world->base.ctx, mb_tool_path(world, files[i].name), &info));
        assert_int_equal(info.shape[0], files[i].n);
    }
    assert_false(mb_path_exists(mb_tool_path(world, "arrays/cicada_v0.npy")));
}

static void test_prepare__names_the_split_of_other_sources_too(void **state) {
    mb_tool_world *world = *state;
    static const char *const splits[] = {"train", "validation", "test"};
    mb_h5_file *file = NULL;
    mb_tool_expect(world, 0, "prepare small.yaml -o hits.h5 --quiet");
    assert_ok(world->base.ctx, mb_h5_open(world->base.ctx, mb_tool_path(world, "hits.h5"), &file));
    assert_names(file, "/split", splits, MB_COUNT_OF(splits));
    assert_true(mb_h5_exists(file, "/third_track_pt"));
    mb_h5_close(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prepare__writes_the_named_columns_of_regions),
        cmocka_unit_test(test_prepare__writes_every_part_as_arrays),
        cmocka_unit_test(test_prepare__names_the_split_of_other_sources_too),
    };
    return cmocka_run_group_tests(tests, mb_tool_open, mb_tool_close);
}
