// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tool.h"

#include "files/npy.h"

#include <stdio.h>

// The study that comes with the program, as a user would try it.

#define WORLD(name)                                                                                \
    mb_tool_world *name = *state;                                                                  \
    if (name == NULL) {                                                                            \
        skip();                                                                                    \
    }

static mb_array read_scores(mb_tool_world *world, const char *run) {
    char name[64];
    snprintf(name, sizeof name, "%s/scores.npz", run);
    mb_array score = {0};
    assert_ok(
        world->base.ctx, mb_npz_read(world->base.ctx, mb_tool_path(world, name), "score", &score));
    return score;
}

// The same weights on the same events: bit for bit the same scores in both orders of the axes.
static void test_shipped__both_data_formats_give_the_same_scores(void **state) {
    WORLD(world)
    static const char first[] = "--set model.flat0.data_format=channels_first "
                                "--set model.flat1.data_format=channels_first "
                                "--set model.flat2.data_format=channels_first";
    static const char last[] =
        "--set data.data_format=channels_last --set model.data_format=channels_last";
    static const char usual[] = "--quiet --set evaluate.figures=false";
    mb_tool_expect(world, 0, "new barrel-trigger -o formats.yaml");
    mb_tool_expect(world, 0, "run formats.yaml -o first %s --set train.epochs=1 %s", usual, first);
    mb_tool_expect(world, 0,
        "run formats.yaml -o last %s --set train.epochs=0 --init first/model.h5 %s", usual, last);
    mb_array a = read_scores(world, "first");
    mb_array b = read_scores(world, "last");
    assert_int_equal(mb_array_count(&a), mb_array_count(&b));
    assert_true(mb_array_count(&a) > 100);
    assert_memory_equal(a.data, b.data, mb_array_bytes(&a));
    mb_array_clear(&a);
    mb_array_clear(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shipped__both_data_formats_give_the_same_scores),
    };
    return cmocka_run_group_tests(tests, mb_tool_open, mb_tool_close);
}
