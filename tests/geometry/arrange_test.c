// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "geometry/arrange.h"
#include "geometry/telescope.h"
#include "testing.h"

static void test_arrange__every_table_is_one_to_one(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, 0);
    size_t n = 0;
    for (; mb_arrangements[n] != NULL; n++) {
        const mb_arrangement *a = mb_arrangements[n];
        assert_ok(world.ctx, mb_arrangement_check(a, world.ctx));
        assert_ptr_equal(mb_arrangement_find(a->name), a);
        float cells[MB_HEX48_CELLS];
        float back[MB_HEX48_CELLS];
        float pixels[MB_ARRANGE_MAX_PIXELS];
        for (size_t i = 0; i < MB_HEX48_CELLS; i++) {
            cells[i] = (float)(i + 1);
        }
        mb_arrangement_image(a, cells, pixels);
        mb_arrangement_cells(a, pixels, back);
        assert_memory_equal(cells, back, sizeof cells);
    }
    assert_int_equal(n, 5);
    mb_test_world_close(&world);
}

static void test_arrange__tables_that_are_not_one_to_one_are_refused(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, 0);
    mb_arrangement a = *mb_arrangement_find("8x8");
    a.pixel[3] = a.pixel[4];
    assert_fails(
        world.ctx, mb_arrangement_check(&a, world.ctx), MB_ERR_SHAPE, "cell 3 is not read back");
    a = *mb_arrangement_find("8x8");
    a.mask[a.pixel[7]] = 0;
    assert_fails(world.ctx, mb_arrangement_check(&a, world.ctx), MB_ERR_SHAPE, "cell 7");
    a = *mb_arrangement_find("6x6x3");
    a.mask[0] = 1;
    assert_fails(world.ctx, mb_arrangement_check(&a, world.ctx), MB_ERR_SHAPE, "pixel 0");
    a = *mb_arrangement_find("6x6x3");
    a.shape[1] = 5;
    assert_fails(world.ctx, mb_arrangement_check(&a, world.ctx), MB_ERR_SHAPE, "do not fill");
    const mb_arrangement *found;
    assert_fails(world.ctx, mb_arrangement_get(world.ctx, "4x4x2", &found), MB_ERR_ARG,
        "unknown arrangement '4x4x2'; did you mean 4x4x3");
    mb_test_world_close(&world);
}

static void test_arrange__duplicates_and_padding_are_as_published(void **state) {
    (void)state;
    const mb_arrangement *a = mb_arrangement_find("8x8");
    assert_int_equal(a->cell[4 * 8 + 4], 35);
    assert_int_equal(a->mask[4 * 8 + 4], 0);
    assert_int_equal(a->cell[7 * 8], 44);
    const mb_arrangement *thirds = mb_arrangement_find("4x4x3");
    assert_int_equal(thirds->cell[3], 1);
    assert_int_equal(thirds->cell[47], 47);
    const mb_arrangement *planes = mb_arrangement_find("6x6x3");
    const mb_arrangement *last = mb_arrangement_find("6x6x3_tp");
    size_t n_shown = 0;
    for (size_t plane = 0; plane < 3; plane++) {
        for (size_t k = 0; k < 36; k++) {
            assert_int_equal(planes->cell[plane * 36 + k], last->cell[k * 3 + plane]);
            assert_int_equal(planes->mask[plane * 36 + k], last->mask[k * 3 + plane]);
            n_shown += planes->mask[plane * 36 + k];
        }
    }
    assert_int_equal(n_shown, 3 * 24);
    assert_int_equal(planes->cell[36 + 1 * 6 + 5], 0);
    assert_int_equal(planes->cell[72 + 5 * 6 + 1], 15);
    // Value 0 of such a file lies on the image's first pixel, value 32 on row 4.
    assert_int_equal(mb_arrangement_ae_cell(0), 28);
    assert_int_equal(mb_arrangement_ae_cell(31), 15);
    assert_int_equal(mb_arrangement_ae_cell(32), 47);
    assert_int_equal(mb_arrangement_ae_cell(47), 32);
}

static void test_telescope__groups_tile_the_module_and_weigh_as_published(void **state) {
    (void)state;
    double weight = 0;
    unsigned count[MB_HEX48_CELLS] = {0};
    for (size_t i = 0; i < MB_TELESCOPE_GROUPS; i++) {
        weight += mb_telescope_groups[i].weight;
        for (size_t k = 0; k < MB_TELESCOPE_GROUP_CELLS && i < MB_TELESCOPE_TILES; k++) {
            count[mb_telescope_groups[i].cell[k]]++;
        }
    }
    assert_float_equal(weight, 12.5625, 1e-12);
    for (size_t i = 0; i < MB_HEX48_CELLS; i++) {
        assert_int_equal(count[i], 1);
    }
}

static void test_telescope__cells_of_a_group_are_neighbours(void **state) {
    (void)state;
    for (size_t i = 0; i < MB_TELESCOPE_GROUPS; i++) {
        const uint8_t *cell = mb_telescope_groups[i].cell;
        for (size_t a = 0; a < MB_TELESCOPE_GROUP_CELLS; a++) {
            for (size_t b = 0; b < a; b++) {
                assert_true(cell[a] != cell[b]);
                assert_true(mb_hex48_distance(cell[a], cell[b]) < 6.1);
            }
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arrange__every_table_is_one_to_one),
        cmocka_unit_test(test_arrange__tables_that_are_not_one_to_one_are_refused),
        cmocka_unit_test(test_arrange__duplicates_and_padding_are_as_published),
        cmocka_unit_test(test_telescope__groups_tile_the_module_and_weigh_as_published),
        cmocka_unit_test(test_telescope__cells_of_a_group_are_neighbours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
