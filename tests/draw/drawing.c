// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "drawing.h"

#include "base/output.h"

#include <stdio.h>
#include <stdlib.h>

int open_drawing(void **state) {
    drawing *f = calloc(1, sizeof *f);
    assert_non_null(f);
    mb_test_world_open(&f->world, 2, MB_CPU_ALL);
    f->directory = mb_test_directory();
    assert_ok(f->world.ctx, mb_gallery_open(f->world.ctx, f->directory, NULL, &f->gallery));
    *state = f;
    return 0;
}

int close_drawing(void **state) {
    drawing *f = *state;
    mb_gallery_destroy(f->gallery);
    mb_test_remove_directory(f->directory);
    mb_test_world_close(&f->world);
    free(f);
    return 0;
}

void assert_file_holds(drawing *f, const char *name, bool is_wanted, const char *const *parts) {
    char path[4096];
    char *text;
    size_t length;
    snprintf(path, sizeof path, "%s/%s", f->directory, name);
    assert_ok(f->world.ctx, mb_read_file(f->world.ctx, path, &text, &length));
    for (; *parts != NULL; parts++) {
        if ((strstr(text, *parts) != NULL) != is_wanted) {
            fail_msg(
                "%s %s \"%s\":\n%s", name, is_wanted ? "does not hold" : "holds", *parts, text);
        }
    }
    mb_release(f->world.ctx, text);
}

void assert_all_draw(drawing *f) {
    assert_ok(f->world.ctx, mb_gallery_draw(f->gallery, f->world.ctx));
    size_t n_drawn = 0;
    for (size_t i = 0; i < mb_gallery_count(f->gallery); i++) {
        n_drawn += mb_gallery_entry_at(f->gallery, i)->is_drawn ? 1 : 0;
    }
    // None where gnuplot is absent, else all.
    assert_true(n_drawn == 0 || n_drawn == mb_gallery_count(f->gallery));
}

void put_array(drawing *f, mb_bundle *bundle, const char *name, mb_dtype dtype, unsigned rank,
    const size_t *shape, const void *data) {
    mb_array array;
    assert_ok(f->world.ctx, mb_array_init(&array, f->world.ctx, dtype, rank, shape));
    memcpy(array.data, data, mb_array_bytes(&array));
    assert_ok(f->world.ctx, mb_bundle_put(bundle, f->world.ctx, name, &array));
}
