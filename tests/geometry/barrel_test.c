// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "geometry/barrel.h"

static void test_barrel__volumes_hold_all_layers_in_order(void **state) {
    (void)state;
    int next = 0;
    for (int v = 0; v < MB_BARREL_N_VOLUMES; v++) {
        const mb_barrel_volume *volume = &mb_barrel_volumes[v];
        assert_int_equal(volume->first_layer, next);
        assert_int_equal(mb_barrel_volume_of((uint64_t)volume->volid), v);
        for (int i = 0; i < volume->n_layers; i++, next++) {
            assert_int_equal(mb_barrel_layers[next].volid, volume->volid);
            assert_int_equal(mb_barrel_layers[next].layid, 2 * i + 2);
        }
    }
    assert_int_equal(next, MB_BARREL_N_LAYERS);
}

static void test_barrel__modules_leave_no_gap_round_the_beam(void **state) {
    (void)state;
    for (int i = 0; i < MB_BARREL_N_LAYERS; i++) {
        const mb_barrel_layer *layer = &mb_barrel_layers[i];
        assert_true(layer->n_phi * 2 * layer->half_x > 2 * 3.14159265 * layer->radius);
        assert_true(i == 0 || layer->radius > mb_barrel_layers[i - 1].radius);
    }
}

static void test_barrel__layer_ids_of_disks_grow_with_z(void **state) {
    (void)state;
    for (int i = 0; i < MB_BARREL_N_DISKS; i++) {
        const mb_barrel_disk *disk = &mb_barrel_disks[i];
        assert_true(mb_barrel_volid_is_known((uint64_t)disk->volid));
        assert_int_equal(mb_barrel_volume_of((uint64_t)disk->volid), -1);
        assert_int_equal(disk->layid, 2 * (i % 6) + 2);
        assert_true(i % 6 == 0 || disk->z > mb_barrel_disks[i - 1].z);
    }
    assert_true(mb_barrel_disks[0].z < -1499 && mb_barrel_disks[0].volid == 7);
    for (uint64_t volid = 0; volid < 30; volid++) {
        const bool is_known = volid > 6 && volid < 19 && volid != 10 && volid != 11 && volid != 15;
        assert_int_equal(mb_barrel_volid_is_known(volid), is_known);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_barrel__volumes_hold_all_layers_in_order),
        cmocka_unit_test(test_barrel__modules_leave_no_gap_round_the_beam),
        cmocka_unit_test(test_barrel__layer_ids_of_disks_grow_with_z),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
