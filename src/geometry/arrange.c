// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "geometry/arrange.h"

#include "base/node.h"

#define NO MB_ARRANGE_NO_CELL

// clang-format off
static const mb_arrangement arranged_8x8 = {
    .name = "8x8",
    .help = "thirds side by side, the last with its duplicate, masked",
    .rank = 3,
    .shape = {8, 8, 1},
    .n_pixels = 64,
    .cell = {
        28, 29, 30, 31,  0,  4,  8, 12,
        24, 25, 26, 27,  1,  5,  9, 13,
        20, 21, 22, 23,  2,  6, 10, 14,
        16, 17, 18, 19,  3,  7, 11, 15,
        47, 43, 39, 35, 35, 34, 33, 32,
        46, 42, 38, 34, 39, 38, 37, 36,
        45, 41, 37, 33, 43, 42, 41, 40,
        44, 40, 36, 32, 47, 46, 45, 44,
    },
    .mask = {
         1,  1,  1,  1,  1,  1,  1,  1,
         1,  1,  1,  1,  1,  1,  1,  1,
         1,  1,  1,  1,  1,  1,  1,  1,
         1,  1,  1,  1,  1,  1,  1,  1,
         1,  1,  1,  1,  0,  0,  0,  0,
         1,  1,  1,  1,  0,  0,  0,  0,
         1,  1,  1,  1,  0,  0,  0,  0,
         1,  1,  1,  1,  0,  0,  0,  0,
    },
    .pixel = {
         4, 12, 20, 28,  5, 13, 21, 29,  6, 14, 22, 30,  7, 15, 23, 31,
        24, 25, 26, 27, 16, 17, 18, 19,  8,  9, 10, 11,  0,  1,  2,  3,
        59, 51, 43, 35, 58, 50, 42, 34, 57, 49, 41, 33, 56, 48, 40, 32,
    },
};
static const mb_arrangement arranged_8x8_ae = {
    .name = "8x8_ae",
    .help = "the same without duplicates; of files that are in this order already",
    .rank = 3,
    .shape = {8, 8, 1},
    .n_pixels = 64,
    .cell = {
        28, 29, 30, 31,  0,  4,  8, 12,
        24, 25, 26, 27,  1,  5,  9, 13,
        20, 21, 22, 23,  2,  6, 10, 14,
        16, 17, 18, 19,  3,  7, 11, 15,
        47, 43, 39, 35, NO, NO, NO, NO,
        46, 42, 38, 34, NO, NO, NO, NO,
        45, 41, 37, 33, NO, NO, NO, NO,
        44, 40, 36, 32, NO, NO, NO, NO,
    },
    .mask = {
         1,  1,  1,  1,  1,  1,  1,  1,
         1,  1,  1,  1,  1,  1,  1,  1,
         1,  1,  1,  1,  1,  1,  1,  1,
         1,  1,  1,  1,  1,  1,  1,  1,
         1,  1,  1,  1,  0,  0,  0,  0,
         1,  1,  1,  1,  0,  0,  0,  0,
         1,  1,  1,  1,  0,  0,  0,  0,
         1,  1,  1,  1,  0,  0,  0,  0,
    },
    .pixel = {
         4, 12, 20, 28,  5, 13, 21, 29,  6, 14, 22, 30,  7, 15, 23, 31,
        24, 25, 26, 27, 16, 17, 18, 19,  8,  9, 10, 11,  0,  1,  2,  3,
        59, 51, 43, 35, 58, 50, 42, 34, 57, 49, 41, 33, 56, 48, 40, 32,
    },
};
static const mb_arrangement arranged_4x4x3 = {
    .name = "4x4x3",
    .help = "a third in each channel",
    .rank = 3,
    .shape = {4, 4, 3},
    .n_pixels = 48,
    .cell = {
         0, 16, 32,  1, 17, 33,  2, 18, 34,  3, 19, 35,
         4, 20, 36,  5, 21, 37,  6, 22, 38,  7, 23, 39,
         8, 24, 40,  9, 25, 41, 10, 26, 42, 11, 27, 43,
        12, 28, 44, 13, 29, 45, 14, 30, 46, 15, 31, 47,
    },
    .mask = {
         1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,
         1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,
         1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,
         1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,
    },
    .pixel = {
         0,  3,  6,  9, 12, 15, 18, 21, 24, 27, 30, 33, 36, 39, 42, 45,
         1,  4,  7, 10, 13, 16, 19, 22, 25, 28, 31, 34, 37, 40, 43, 46,
         2,  5,  8, 11, 14, 17, 20, 23, 26, 29, 32, 35, 38, 41, 44, 47,
    },
};
static const mb_arrangement arranged_6x6x3 = {
    .name = "6x6x3",
    .help = "a third with its neighbours' edges in each of three planes",
    .rank = 3,
    .shape = {3, 6, 6},
    .n_pixels = 108,
    .cell = {
        NO, NO, NO, NO, NO, NO,
        NO, 12, 13, 14, 15, 32,
        NO,  8,  9, 10, 11, 33,
        NO,  4,  5,  6,  7, 34,
        NO,  0,  1,  2,  3, 35,
        NO, 31, 27, 23, 19, NO,
        NO, NO, NO, NO, NO, NO,
        NO, 28, 29, 30, 31,  0,
        NO, 24, 25, 26, 27,  1,
        NO, 20, 21, 22, 23,  2,
        NO, 16, 17, 18, 19,  3,
        NO, 47, 43, 39, 35, NO,
        NO, NO, NO, NO, NO, NO,
        NO, 44, 45, 46, 47, 16,
        NO, 40, 41, 42, 43, 17,
        NO, 36, 37, 38, 39, 18,
        NO, 32, 33, 34, 35, 19,
        NO, 15, 11,  7,  3, NO,
    },
    .mask = {
         0,  0,  0,  0,  0,  0,
         0,  1,  1,  1,  1,  1,
         0,  1,  1,  1,  1,  1,
         0,  1,  1,  1,  1,  1,
         0,  1,  1,  1,  1,  1,
         0,  1,  1,  1,  1,  0,
         0,  0,  0,  0,  0,  0,
         0,  1,  1,  1,  1,  1,
         0,  1,  1,  1,  1,  1,
         0,  1,  1,  1,  1,  1,
         0,  1,  1,  1,  1,  1,
         0,  1,  1,  1,  1,  0,
         0,  0,  0,  0,  0,  0,
         0,  1,  1,  1,  1,  1,
         0,  1,  1,  1,  1,  1,
         0,  1,  1,  1,  1,  1,
         0,  1,  1,  1,  1,  1,
         0,  1,  1,  1,  1,  0,
    },
    .pixel = {
        25, 26, 27, 28, 19, 20, 21, 22, 13, 14, 15, 16,  7,  8,  9, 10,
        61, 62, 63, 64, 55, 56, 57, 58, 49, 50, 51, 52, 43, 44, 45, 46,
        97, 98, 99, 100, 91, 92, 93, 94, 85, 86, 87, 88, 79, 80, 81, 82,
    },
};
static const mb_arrangement arranged_6x6x3_tp = {
    .name = "6x6x3_tp",
    .help = "the same, channels last",
    .rank = 3,
    .shape = {6, 6, 3},
    .n_pixels = 108,
    .cell = {
        NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
        NO, NO, NO, 12, 28, 44, 13, 29, 45, 14, 30, 46, 15, 31, 47, 32,  0, 16,
        NO, NO, NO,  8, 24, 40,  9, 25, 41, 10, 26, 42, 11, 27, 43, 33,  1, 17,
        NO, NO, NO,  4, 20, 36,  5, 21, 37,  6, 22, 38,  7, 23, 39, 34,  2, 18,
        NO, NO, NO,  0, 16, 32,  1, 17, 33,  2, 18, 34,  3, 19, 35, 35,  3, 19,
        NO, NO, NO, 31, 47, 15, 27, 43, 11, 23, 39,  7, 19, 35,  3, NO, NO, NO,
    },
    .mask = {
         0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
         0,  0,  0,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,
         0,  0,  0,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,
         0,  0,  0,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,
         0,  0,  0,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,
         0,  0,  0,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  0,  0,  0,
    },
    .pixel = {
        75, 78, 81, 84, 57, 60, 63, 66, 39, 42, 45, 48, 21, 24, 27, 30,
        76, 79, 82, 85, 58, 61, 64, 67, 40, 43, 46, 49, 22, 25, 28, 31,
        77, 80, 83, 86, 59, 62, 65, 68, 41, 44, 47, 50, 23, 26, 29, 32,
    },
};
// clang-format on

const mb_arrangement *const mb_arrangements[] = {
    &arranged_8x8, &arranged_8x8_ae, &arranged_4x4x3, &arranged_6x6x3, &arranged_6x6x3_tp, NULL};

const mb_arrangement *mb_arrangement_find(const char *name) {
    for (size_t i = 0; mb_arrangements[i] != NULL; i++) {
        if (strcmp(mb_arrangements[i]->name, name) == 0) {
            return mb_arrangements[i];
        }
    }
    return NULL;
}

mb_status mb_arrangement_get(mb_context *ctx, const char *name, const mb_arrangement **out) {
    *out = mb_arrangement_find(name);
    if (*out != NULL) {
        return MB_OK;
    }
    const char *names[16];
    size_t n = 0;
    while (mb_arrangements[n] != NULL && n < MB_COUNT_OF(names)) {
        names[n] = mb_arrangements[n]->name;
        n++;
    }
    const char *near = mb_nearest_name(name, names, n);
    return mb_fail(ctx, MB_ERR_ARG, "arrange: unknown arrangement '%.60s'; %s%s", name,
        near != NULL ? "did you mean " : "write ",
        near != NULL ? near : "8x8, 8x8_ae, 4x4x3, 6x6x3 or 6x6x3_tp");
}

mb_status mb_arrangement_check(const mb_arrangement *a, mb_context *ctx) {
    size_t n = 1;
    for (unsigned i = 0; i < a->rank; i++) {
        n *= a->shape[i];
    }
    if (n != a->n_pixels || n > MB_ARRANGE_MAX_PIXELS) {
        return mb_fail(ctx, MB_ERR_SHAPE,
            "arrange %s: %zu pixels do not fill its shape of %zu; correct the table", a->name,
            a->n_pixels, n);
    }
    for (size_t i = 0; i < n; i++) {
        const bool is_cell = a->cell[i] < MB_HEX48_CELLS;
        if ((!is_cell && a->cell[i] != MB_ARRANGE_NO_CELL) || (a->mask[i] != 0 && !is_cell)) {
            return mb_fail(ctx, MB_ERR_SHAPE,
                "arrange %s: pixel %zu shows no cell of the module; correct the table", a->name, i);
        }
    }
    for (size_t cell = 0; cell < MB_HEX48_CELLS; cell++) {
        const size_t pixel = a->pixel[cell];
        if (pixel >= n || a->cell[pixel] != cell || a->mask[pixel] == 0) {
            return mb_fail(ctx, MB_ERR_SHAPE,
                "arrange %s: cell %zu is not read back from a pixel of its own; correct the table",
                a->name, cell);
        }
    }
    return MB_OK;
}

void mb_arrangement_image(const mb_arrangement *a, const float *cells, float *pixels) {
    for (size_t i = 0; i < a->n_pixels; i++) {
        pixels[i] = a->mask[i] != 0 ? cells[a->cell[i]] : 0;
    }
}

void mb_arrangement_cells(const mb_arrangement *a, const float *pixels, float *cells) {
    for (size_t i = 0; i < MB_HEX48_CELLS; i++) {
        cells[i] = pixels[a->pixel[i]];
    }
}

size_t mb_arrangement_ae_cell(size_t position) {
    // Rows 0 to 3 whole, then the left halves of rows 4 to 7.
    const size_t lower = position < 32 ? 0 : position - 32;
    return arranged_8x8_ae.cell[position < 32 ? position : 32 + lower / 4 * 8 + lower % 4];
}
