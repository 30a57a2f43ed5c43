// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "base/output.h"
#include "detector/calo/tower_file.h"
#include "files/hdf5.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = MB_CALO_N_REGIONS };

MB_TEST_WORLD_AND_FOLDER(1, MB_CPU_ALL)

static const char *save(const char *name, const char *text) {
    static char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_ok(world.ctx, mb_write_file(world.ctx, path, text, strlen(text)));
    return path;
}

// The golden file is a table, then the lines "= OFFSET EVENT" with 252 lines "ET EG TAU" each.
typedef struct golden {
    char *text, *next;
} golden;

static void open_golden(golden *g) {
    size_t length = 0;
    assert_ok(world.ctx,
        mb_read_file(world.ctx, mb_test_source("tests/golden/calo_towers.txt"), &g->text, &length));
    g->next = strstr(g->text, "\n= ");
    assert_non_null(g->next);
    *g->next++ = '\0';
}

static void assert_golden_event(golden *g, unsigned offset, const mb_calo_tower_event *event,
    const float *region, const uint8_t *eg, const uint8_t *tau) {
    assert_int_equal(strncmp(g->next, "= ", 2), 0);
    assert_int_equal(strtol(g->next + 2, &g->next, 10), offset);
    assert_int_equal(strtol(g->next, &g->next, 10), event->number);
    for (size_t r = 0; r < N; r++) {
        assert_int_equal((long)region[r], strtol(g->next, &g->next, 10));
        assert_int_equal(eg[r], strtol(g->next, &g->next, 10));
        assert_int_equal(tau[r], strtol(g->next, &g->next, 10));
    }
    g->next += strspn(g->next, "\n");
}

// All events of a file, with both offsets, against NumPy.
static void assert_golden(const char *path, golden g) {
    static mb_calo_tower_image image;
    for (unsigned offset = 1; offset <= 2; offset++) {
        mb_calo_tower_file *file = NULL;
        assert_ok(world.ctx, mb_calo_tower_file_open(world.ctx, path,
                                 &(mb_calo_tower_settings){.needs_ecal = true}, &file));
        assert_int_equal(mb_calo_tower_file_events(file), 4);
        assert_false(mb_calo_tower_file_has_acceptance(file));
        for (size_t i = 0; i < 4; i++) {
            mb_calo_tower_event event;
            float region[N];
            uint8_t eg[N];
            uint8_t tau[N];
            assert_ok(world.ctx, mb_calo_tower_file_next(file, &event));
            assert_true(event.is_accepted);
            mb_calo_towers_place(&image, event.tower, event.n, offset);
            mb_calo_towers_sum(&image, region);
            mb_calo_towers_bits(&image, region, eg, tau);
            assert_golden_event(&g, offset, &event, region, eg, tau);
        }
        mb_calo_tower_file_close(file);
    }
    assert_string_equal(g.next, "");
}

static void test_towers__become_the_regions_and_bits_that_numpy_makes(void **state) {
    (void)state;
    golden g;
    open_golden(&g);
    assert_golden(save("towers.csv", g.text), g);
    // The hadronic part alone says the same of the electromagnetic one.
    char *iem = strstr(g.text, "iem");
    assert_non_null(iem);
    memcpy(iem, "abc", 3);
    assert_golden(save("hadronic.csv", g.text), g);
    mb_release(world.ctx, g.text);
}

enum { MOST_TOWERS = 2000, N_COLUMNS = 4, N_EVENTS = 4 };

// The towers of the golden table as columns, flat or filled up.
typedef struct columns {
    size_t n[N_EVENTS];
    int64_t number[N_EVENTS];
    int32_t value[N_COLUMNS][N_EVENTS][MOST_TOWERS];
} columns;
static const char *const column_names[N_COLUMNS] = {"/iet", "/ieta", "/iphi", "/iem"};

static void read_columns(const char *path, columns *c) {
    mb_calo_tower_file *file = NULL;
    assert_ok(world.ctx, mb_calo_tower_file_open(world.ctx, path, NULL, &file));
    for (size_t i = 0; i < N_EVENTS; i++) {
        mb_calo_tower_event event;
        assert_ok(world.ctx, mb_calo_tower_file_next(file, &event));
        assert_true(event.n < MOST_TOWERS);
        c->n[i] = event.n;
        c->number[i] = event.number;
        for (size_t k = 0; k < event.n; k++) {
            c->value[0][i][k] = event.tower[k].et;
            c->value[1][i][k] = event.tower[k].ieta;
            c->value[2][i][k] = event.tower[k].iphi;
            c->value[3][i][k] = event.tower[k].ecal;
        }
    }
    mb_calo_tower_file_close(file);
}

static void put(mb_h5_writer *writer, const char *name, mb_dtype dtype, unsigned rank,
    const size_t *shape, const void *data) {
    mb_array array = {.data = NULL};
    assert_ok(world.ctx, mb_array_init(&array, world.ctx, dtype, rank, shape));
    memcpy(array.data, data, mb_array_bytes(&array));
    assert_ok(world.ctx, mb_h5_write_array(writer, name, &array));
    mb_array_clear(&array);
}

static const char *save_hdf5(const columns *c, bool is_flat) {
    static char path[1024];
    snprintf(path, sizeof path, "%s/%s.h5", folder, is_flat ? "flat" : "filled");
    mb_h5_writer *writer = NULL;
    int64_t offsets[N_EVENTS + 1] = {0};
    for (size_t i = 0; i < N_EVENTS; i++) {
        offsets[i + 1] = offsets[i] + (int64_t)c->n[i];
    }
    const size_t n_towers = (size_t)offsets[N_EVENTS];
    int32_t *flat = malloc(n_towers * sizeof *flat);
    assert_non_null(flat);
    assert_ok(world.ctx, mb_h5_create(world.ctx, path, MB_H5_IN_MEMORY, &writer));
    for (size_t k = 0; k < N_COLUMNS; k++) {
        for (size_t i = 0; i < N_EVENTS; i++) {
            memcpy(flat + offsets[i], c->value[k][i], c->n[i] * sizeof *flat);
        }
        const size_t shape[] = {is_flat ? n_towers : N_EVENTS, MOST_TOWERS};
        put(writer, column_names[k], MB_I32, is_flat ? 1 : 2, shape,
            is_flat ? (const void *)flat : c->value[k]);
    }
    if (is_flat) {
        put(writer, "/offsets", MB_I64, 1, (const size_t[]){N_EVENTS + 1}, offsets);
    }
    put(writer, "/event", MB_I64, 1, (const size_t[]){N_EVENTS}, c->number);
    assert_ok(world.ctx, mb_h5_commit(writer));
    free(flat);
    return path;
}

static void test_towers__are_the_same_from_hdf5(void **state) {
    (void)state;
    golden g;
    open_golden(&g);
    columns *c = calloc(1, sizeof *c);
    assert_non_null(c);
    read_columns(save("towers.csv", g.text), c);
    assert_golden(save_hdf5(c, true), g);
    assert_golden(save_hdf5(c, false), g);
    free(c);
    mb_release(world.ctx, g.text);
}

// One event of one tower in the place that the rule names, of two the later one, none of ieta 0
// and beyond 28; sums stop at 1023.
static void test_towers__fill_their_place(void **state) {
    (void)state;
    static mb_calo_tower_image image;
    static const struct {
        int32_t ieta, iphi;
        unsigned offset;
        int region; // -1: none
    } cases[] = {{-28, 71, 1, 0}, {28, 71, 1, 13}, {-1, 71, 1, 6}, {1, 71, 1, 7},
        {1, 70, 1, 17 * 14 + 7}, {1, 70, 2, 7}, {-25, 3, 1, 14}, {-24, 2, 1, 1}, {0, 5, 1, -1},
        {29, 5, 1, -1}, {-29, 5, 1, -1}, {41, 5, 1, -1}};
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        const mb_calo_tower towers[] = {{.et = 900, .ieta = cases[i].ieta, .iphi = cases[i].iphi},
            {.et = 7, .ieta = cases[i].ieta, .iphi = cases[i].iphi}};
        float region[N];
        mb_calo_towers_place(&image, towers, 2, cases[i].offset);
        mb_calo_towers_sum(&image, region);
        for (int r = 0; r < N; r++) {
            assert_true(region[r] == (r == cases[i].region ? 7.0F : 0.0F));
        }
    }
    const mb_calo_tower high[] = {
        {.et = 600, .ieta = 1, .iphi = 1}, {.et = 600, .ieta = 2, .iphi = 1}};
    float region[N];
    mb_calo_towers_place(&image, high, 2, 1);
    mb_calo_towers_sum(&image, region);
    assert_true(region[7] == 1023);
}

static void test_towers__are_accepted_by_their_jets(void **state) {
    (void)state;
    char jets[1024];
    snprintf(jets, sizeof jets, "%s",
        save("jets.csv",
            "pt,event,eta\n99,1,0\n30.5,2,2.4\n31,2,-2.3\n,7,\n30,8,0\n200,8,3\n40,9,1\n"));
    const char *path = save("four.csv", "event,iet,ieta,iphi\n2,1,1,1\n7,1,1,1\n8,1,1,1\n9,,,\n");
    static const bool wanted[] = {true, false, false, true};
    static const int64_t numbers[] = {2, 7, 8, 9};
    mb_calo_tower_file *file = NULL;
    assert_ok(world.ctx,
        mb_calo_tower_file_open(world.ctx, path, &(mb_calo_tower_settings){.jets = jets}, &file));
    assert_true(mb_calo_tower_file_has_acceptance(file));
    assert_int_equal(mb_calo_tower_file_events(file), 4);
    for (size_t i = 0; i < MB_COUNT_OF(wanted); i++) {
        mb_calo_tower_event event;
        assert_ok(world.ctx, mb_calo_tower_file_next(file, &event));
        assert_int_equal(event.number, numbers[i]);
        assert_int_equal(event.is_accepted, wanted[i]);
        assert_int_equal(event.n, i < 3 ? 1 : 0);
    }
    mb_calo_tower_file_close(file);
}

static mb_status read_file(const char *path, bool needs_ecal) {
    mb_calo_tower_file *file = NULL;
    MB_TRY(mb_calo_tower_file_open(
        world.ctx, path, &(mb_calo_tower_settings){.needs_ecal = needs_ecal}, &file));
    mb_status status = MB_OK;
    for (size_t i = 0; i < mb_calo_tower_file_events(file) && status == MB_OK; i++) {
        mb_calo_tower_event event;
        status = mb_calo_tower_file_next(file, &event);
    }
    mb_calo_tower_file_close(file);
    return status;
}

static void test_towers__name_the_line_of_what_is_wrong(void **state) {
    (void)state;
    static const struct {
        const char *text, *wanted;
        bool needs_ecal;
    } cases[] = {{"", "no column 'event'", false}, {"event,iet,ieta\n", "no column 'iphi'", false},
        {"event,iet,ieta,iphi,iet\n", ":1: column 'iet' stands there twice", false},
        {"event,iet,ieta,iphi\n1,2,3,4\n", "neither iem nor ihad is there", true},
        {"event,iet,ieta,iphi\n1,2,3\n", ":2: 3 fields, but the header names 4", false},
        {"event,iet,ieta,iphi\n1,2,3,4,5\n", ":2: 5 fields", false},
        {"event,iet,ieta,iphi\n1,2,,4\n", ":2: some fields are empty", false},
        {"event,iet,ieta,iphi\n1,2,3,4\n0,2,3,4\n", ":3: event 0 follows event 1", false},
        {"event,iet,ieta,iphi\n1.5,2,3,4\n", ":2: event '1.5' is not a whole number", false},
        {"event,iet,ieta,iphi\n1,x,3,4\n", ":2: iet 'x' is not a finite number", false},
        {"event,iet,ieta,iphi\n1,-2,3,4\n", ":2: iet -2 is not a whole number 0..65535", false},
        {"event,iet,ieta,iphi\n1,2.5,3,4\n", ":2: iet 2.5 is not a whole number", false},
        {"event,iet,ieta,iphi\n\n1,2,3,73\n", ":3: iphi 73 is not a whole number 0..72", false},
        {"event,iet,ieta,iphi\n1,2,300,4\n", ":2: ieta 300 is not a whole number", false}};
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        const char *path = save("bad.csv", cases[i].text);
        assert_fails(
            world.ctx, read_file(path, cases[i].needs_ecal), MB_ERR_FORMAT, cases[i].wanted);
    }
    assert_fails(
        world.ctx, read_file("towers.npy", false), MB_ERR_ARG, "towers are read from tables");
    assert_fails(world.ctx, read_file("absent.csv", false), MB_ERR_IO, "absent.csv");
}

// An HDF5 file of two events whose datasets a case chooses.
static void test_towers__name_the_dataset_of_what_is_wrong(void **state) {
    (void)state;
    static const int32_t good[] = {1, 2, 3, 4};
    static const int32_t negative[] = {1, 2, 3, -4};
    static const int64_t offsets[] = {0, 3, 4};
    static const int64_t falling[] = {0, 5, 4};
    static const int64_t huge[] = {0, INT64_MAX, 4};
    static const double numbers[] = {7, 9007199254740992, NAN};
    const struct {
        const int32_t *et;
        size_t n_phi;
        const int64_t *offsets;
        size_t n_offsets, n_event;
        const char *wanted;
        const double *numbers; // of the events, in place of whole ones
    } cases[] = {{good, 4, offsets, 3, 2, NULL, NULL},
        {good, 3, offsets, 3, 2, "iphi: wants one axis", NULL},
        {good, 4, NULL, 0, 2, "there is no offsets", NULL},
        {good, 4, falling, 3, 2, "offsets: does not rise", NULL},
        {good, 4, huge, 3, 2, "offsets: does not rise", NULL},
        {good, 4, offsets, 2, 1, "offsets: does not rise", NULL},
        {good, 4, offsets, 3, 3, "event: has 3 entries for 2 events", NULL},
        {good, 4, offsets, 3, 2, NULL, numbers},
        {good, 4, offsets, 3, 2, "event: array: number 1 is nan", numbers + 1},
        {negative, 4, offsets, 3, 2, "event 1, tower 0: iet -4", NULL},
        {NULL, 4, offsets, 3, 2, "no dataset iet (there is: event, ieta, iphi, offsets)", NULL}};
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        char path[1024];
        snprintf(path, sizeof path, "%s/bad.h5", folder);
        mb_h5_writer *writer = NULL;
        assert_ok(world.ctx, mb_h5_create(world.ctx, path, MB_H5_IN_MEMORY, &writer));
        if (cases[i].et != NULL) {
            put(writer, "/iet", MB_I32, 1, (const size_t[]){4}, cases[i].et);
        }
        put(writer, "/ieta", MB_I32, 1, (const size_t[]){4}, good);
        put(writer, "/iphi", MB_I32, 1, &cases[i].n_phi, good);
        if (cases[i].offsets != NULL) {
            put(writer, "/offsets", MB_I64, 1, &cases[i].n_offsets, cases[i].offsets);
        }
        const bool is_whole = cases[i].numbers == NULL;
        put(writer, "/event", is_whole ? MB_I64 : MB_F64, 1, &cases[i].n_event,
            is_whole ? (const void *)offsets : cases[i].numbers);
        assert_ok(world.ctx, mb_h5_commit(writer));
        const mb_status status = read_file(path, false);
        assert_true((status == MB_OK) == (cases[i].wanted == NULL));
        if (cases[i].wanted != NULL &&
            strstr(mb_context_error_text(world.ctx), cases[i].wanted) == NULL) {
            fail_msg("case %zu: %s", i, mb_context_error_text(world.ctx));
        }
        mb_context_clear(world.ctx);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_towers__become_the_regions_and_bits_that_numpy_makes),
        cmocka_unit_test(test_towers__are_the_same_from_hdf5),
        cmocka_unit_test(test_towers__fill_their_place),
        cmocka_unit_test(test_towers__are_accepted_by_their_jets),
        cmocka_unit_test(test_towers__name_the_line_of_what_is_wrong),
        cmocka_unit_test(test_towers__name_the_dataset_of_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
