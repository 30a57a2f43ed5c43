// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_DRAW_DRAWING_H
#define TESTS_DRAW_DRAWING_H

#include "testing.h"

#include "base/bundle.h"
#include "draw/gallery.h"

// A fresh gallery for each test.
typedef struct drawing {
    mb_test_world world;
    char *directory;
    mb_gallery *gallery;
} drawing;

int open_drawing(void **state);
int close_drawing(void **state);

// The file's text must hold each part; draws nothing, so it needs no gnuplot.
#define assert_holds(f, name, ...)                                                                 \
    assert_file_holds(f, name, true, (const char *const[]){__VA_ARGS__, NULL})
#define assert_lacks(f, name, ...)                                                                 \
    assert_file_holds(f, name, false, (const char *const[]){__VA_ARGS__, NULL})
void assert_file_holds(drawing *f, const char *name, bool is_wanted, const char *const *parts);

// gnuplot takes all scripts, where it is installed.
void assert_all_draw(drawing *f);

// Puts an array into a bundle.
void put_array(drawing *f, mb_bundle *bundle, const char *name, mb_dtype dtype, unsigned rank,
    const size_t *shape, const void *data);

#endif
