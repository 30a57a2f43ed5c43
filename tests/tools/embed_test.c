// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "base/output.h"
#include "files/zip.h"

#include <stdio.h>
#include <stdlib.h>

static char *put_model(mb_context *ctx, mb_zip *zip, const char *directory, const char *name) {
    char *bytes = NULL;
    size_t length = 0;
    char *path = mb_path_join(ctx, directory, name);
    assert_ok(ctx, mb_zip_read(zip, mb_zip_find(zip, name), &bytes, &length));
    assert_ok(ctx, mb_write_file(ctx, path, bytes, length));
    mb_release(ctx, bytes);
    return path;
}

static void test_embed__scores_two_models_in_two_threads_without_allocating(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    mb_zip *zip = NULL;
    assert_ok(
        world.ctx, mb_zip_open(world.ctx, mb_test_source("tests/golden/keras/keras2.zip"), &zip));
    char *directory = mb_test_directory();
    char *first = put_model(world.ctx, zip, directory, "barrel.h5");
    char *second = put_model(world.ctx, zip, directory, "two_inputs_two_outputs.h5");
    char line[2048];
    snprintf(line, sizeof line, "'%s' '%s' '%s' >'%s/out.txt'", MB_EMBED, first, second, directory);
    assert_int_equal(system(line), 0);
    char *path = mb_path_join(world.ctx, directory, "out.txt");
    char *text = NULL;
    size_t length = 0;
    assert_ok(world.ctx, mb_read_file(world.ctx, path, &text, &length));
    double score[2][2];
    unsigned long n_allocations = 1;
    assert_int_equal(
        sscanf(text,
            "model 0, thread 0: last score %lf\nmodel 0, thread 1: last score %lf\n"
            "model 1, thread 0: last score %lf\nmodel 1, thread 1: last score %lf\n%lu allocations",
            &score[0][0], &score[0][1], &score[1][0], &score[1][1], &n_allocations),
        5);
    assert_true(score[0][0] == score[0][1] && score[1][0] == score[1][1]);
    assert_int_equal(n_allocations, 0);
    mb_release(world.ctx, text);
    mb_release(world.ctx, path);
    mb_release(world.ctx, first);
    mb_release(world.ctx, second);
    mb_zip_close(zip);
    mb_test_remove_directory(directory);
    mb_test_world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_embed__scores_two_models_in_two_threads_without_allocating)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
