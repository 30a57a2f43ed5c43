// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "barrel_study.h"
#include "world.h"

#include "base/buffer.h"

#include <stdio.h>
#include <stdlib.h>

// What load makes of files, options and pairs.

static noting_world world;

static int open_world(void **state) {
    (void)state;
    noting_world_open(&world, 2);
    return 0;
}

static int close_world(void **state) {
    (void)state;
    noting_world_close(&world);
    return 0;
}

#define HIT(id, barcode, volid, layid, xyz)                                                        \
#id ", " #barcode ", " #volid ", " #layid ", [ 1, 2], [ 0, 0],[ " xyz "], [[ 1, 2, 0.5]], "    \
        "[], []\n"
#define TRACK(barcode, p) #barcode ", [ 0, 0, 1], [ " #p ", 1.5, 0.2], 1\n"
#define EVENT_1           HIT(1, 5, 8, 2, "32, 1, 10") HIT(2, 5, 13, 2, "260, 9, 80")
#define EVENT_2           HIT(1, 6, 8, 4, "72, 1, 10")
#define EVENT_3           HIT(1, 7, 17, 2, "820, 1, 73") HIT(2, 7, 9, 2, "50, 50, 600")
#define TRUTH_1           TRACK(5, 3)
#define TRUTH_2           TRACK(6, 1.5) TRACK(66, 9)
#define TRUTH_3           TRACK(7, 4)

static void write_pair(const char *number, const char *hits, const char *particles) {
    char name[64];
    snprintf(name, sizeof name, "clusters_%s.csv", number);
    barrel_write(world.directory, name, hits);
    snprintf(name, sizeof name, "particles_%s.csv", number);
    if (particles != NULL) {
        barrel_write(world.directory, name, particles);
    }
}

#define PARTICLES "particles: 'particles_*'\n"

static mb_status load(const char *data, mb_dataset *out) {
    world.notices[0] = '\0';
    return barrel_load(world.ctx, data, world.directory, out);
}

// Events of the rows, as "0 2 3".
static void assert_events(const char *data, const char *wanted) {
    mb_dataset dataset;
    char text[256] = "";
    assert_ok(world.ctx, load(data, &dataset));
    for (size_t i = 0; i < dataset.n_rows; i++) {
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%lld", i > 0 ? " " : "",
            (long long)dataset.event[i]);
    }
    assert_string_equal(text, wanted);
    mb_dataset_clear(&dataset);
}

static void assert_load_fails(const char *data, mb_status status, const char *part) {
    mb_dataset dataset;
    assert_fails(world.ctx, load(data, &dataset), status, part);
    assert_null(dataset.columns);
}

static void test_load__columns_have_their_names_types_and_shapes(void **state) {
    (void)state;
    write_pair("1", "\n" EVENT_1 "\n\n" EVENT_2 "\n", "\n" TRUTH_1 "\n\n" TRUTH_2 "\n");
    mb_dataset dataset;
    assert_ok(world.ctx, load(PARTICLES, &dataset));
    assert_int_equal(dataset.n_rows, 2);
    assert_int_equal(dataset.n_columns, 6);
    static const size_t shapes[3][3] = {{4, 128, 128}, {4, 128, 128}, {2, 128, 21}};
    for (int i = 0; i < 3; i++) {
        char name[32];
        snprintf(name, sizeof name, "volume%d", i);
        const mb_column *column = mb_dataset_find(&dataset, name);
        assert_non_null(column);
        assert_int_equal(column->role, MB_ROLE_INPUT);
        assert_int_equal(column->kind, MB_COLUMN_SPARSE);
        assert_int_equal(column->dtype, MB_U16);
        assert_int_equal(column->rank, 3);
        assert_memory_equal(column->shape, shapes[i], sizeof shapes[i]);
    }
    // A volume without hits is an empty image.
    assert_int_equal(mb_dataset_find(&dataset, "volume2")->offset[2], 0);
    assert_int_equal(mb_dataset_find(&dataset, "volume0")->offset[2], 2);
    assert_int_equal(mb_dataset_target(&dataset)->role, MB_ROLE_TARGET);
    assert_int_equal(mb_dataset_find(&dataset, "n_tracks")->dtype, MB_I32);
    assert_int_equal(mb_dataset_find(&dataset, "third_track_pt")->role, MB_ROLE_EXTRA);
    assert_int_equal(dataset.n_files, 1);
    assert_non_null(strstr(dataset.file_names[0], "clusters_1.csv"));
    mb_dataset_clear(&dataset);
}

static void test_load__channels_last_puts_the_layer_last(void **state) {
    (void)state;
    write_pair("1", "\n" EVENT_1 "\n\n" EVENT_2 "\n\n" EVENT_3 "\n", NULL);
    mb_dataset first, last;
    assert_ok(world.ctx, load("", &first));
    assert_ok(world.ctx, load("data_format: channels_last\n", &last));
    for (size_t i = 0; i < 3; i++) {
        const mb_column *a = &first.columns[i], *b = &last.columns[i];
        const size_t n_layers = a->shape[0], n_phi = a->shape[1], n_z = a->shape[2];
        const size_t shape[3] = {n_phi, n_z, n_layers};
        assert_memory_equal(b->shape, shape, sizeof shape);
        float *from = calloc(a->size, sizeof *from), *to = calloc(b->size, sizeof *to);
        assert_true(from != NULL && to != NULL);
        for (uint32_t row = 0; row < 3; row++) {
            assert_ok(world.ctx, mb_column_gather(a, world.ctx, &row, 1, from));
            assert_ok(world.ctx, mb_column_gather(b, world.ctx, &row, 1, to));
            for (size_t k = 0; k < a->size; k++) {
                const size_t layer = k / (n_phi * n_z), pixel = k % (n_phi * n_z);
                assert_true(from[k] == to[pixel * n_layers + layer]);
            }
        }
        free(from);
        free(to);
    }
    mb_dataset_clear(&first);
    mb_dataset_clear(&last);
}

static void test_load__separators_of_all_kinds_end_one_event(void **state) {
    (void)state;
    write_pair("1", "\xEF\xBB\xBF# head\r\n\r\n" EVENT_1 " \t\r\n# c\n\n\n" EVENT_2 "#\n" EVENT_3,
        "\n\n" TRUTH_1 "\n" TRUTH_2 "# x\n# y\n" TRUTH_3);
    assert_events(PARTICLES, "0 1 2");
    assert_ptr_equal(strstr(world.notices, "note"), world.notices);
    noting_world_assert_notice(&world, "no blank line behind the last event; accepted");
    assert_load_fails(
        PARTICLES "strict_event_end: true\n", MB_ERR_FORMAT, "no blank line behind the last event");
}

static void test_load__a_last_line_without_line_feed_counts(void **state) {
    (void)state;
    write_pair(
        "1", EVENT_1 "\n8, 6, 8, 4, [1], [2],[ 72, 1, 10], [], [], []", TRUTH_1 "\n" TRUTH_2);
    assert_events(PARTICLES, "0 1");
    assert_events("", "0 1");
}

static void test_load__clusters_alone_give_images_without_labels(void **state) {
    (void)state;
    write_pair("1", EVENT_1 "\n" EVENT_2 "\n", NULL);
    mb_dataset dataset;
    assert_ok(world.ctx, load("", &dataset));
    assert_int_equal(dataset.n_columns, 3);
    assert_null(mb_dataset_target(&dataset));
    mb_dataset_clear(&dataset);
    detector_study study;
    barrel_study_open(&study, world.ctx, "hits: 'clusters_*'\n", world.directory);
    study.request.wants_label = true;
    assert_fails(world.ctx,
        detector_named("barrel")->load(world.ctx, &study.request, &dataset, NULL), MB_ERR_FORMAT,
        "data.particles: training and evaluation need labels");
    detector_study_close(&study);
}

static void test_load__truth_counts_tracks_by_layers_and_pt(void **state) {
    (void)state;
    write_pair("1",
        HIT(1, 5, 8, 2, "32, 1, 1") HIT(2, 5, 8, 4, "72, 1, 1") HIT(3, 5, 8, 4, "72, 2, 1") HIT(
            4, 6, 8, 2, "32, 2, 1") HIT(5, 6, 13, 2, "260, 2, 1") HIT(6, 7, 8, 2, "32, 3, 1") "\n",
        // theta = pi/2 within double: pt is p.
        "5, [0,0,0], [3, 1.5707963267948966, 0], 1\n6, [0,0,0], [2, 1.5707963267948966, 0], 1\n"
        "7, [0,0,0], [9, 1.5707963267948966, 0], 1\n8, [0,0,0], [9, 1, 0], 1\n");
    static const struct {
        const char *label;
        float target, n_tracks, pt;
    } cases[] = {
        {"{layers: 2, pt: 2.0, tracks: 1}", 1, 1, 3}, // pt must be above the cut
        {"{layers: 2, pt: 1.9, tracks: 2}", 1, 2, 2}, {"{layers: 2, pt: 1.9, tracks: 3}", 0, 2, 0},
        {"{layers: 1, pt: 2.5, tracks: 3}", 0, 2, 2}, {"{layers: 1, pt: 1.9, tracks: 2}", 1, 3, 3},
        {"{layers: 3, pt: 0, tracks: 1}", 0, 0, 0}, // two hits in a layer are one layer
    };
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        char data[128];
        mb_dataset dataset;
        const uint32_t row = 0;
        float value;
        snprintf(data, sizeof data, PARTICLES "label: %s\n", cases[i].label);
        assert_ok(world.ctx, load(data, &dataset));
        assert_ok(
            world.ctx, mb_column_gather(mb_dataset_target(&dataset), world.ctx, &row, 1, &value));
        assert_true(value == cases[i].target);
        assert_ok(world.ctx,
            mb_column_gather(mb_dataset_find(&dataset, "n_tracks"), world.ctx, &row, 1, &value));
        assert_true(value == cases[i].n_tracks);
        assert_ok(world.ctx, mb_column_gather(mb_dataset_find(&dataset, "third_track_pt"),
                                 world.ctx, &row, 1, &value));
        assert_true(value == cases[i].pt);
        mb_dataset_clear(&dataset);
    }
}

static void test_load__files_are_taken_in_byte_order_of_names(void **state) {
    (void)state;
    write_pair("1", EVENT_1 "\n", TRUTH_1 "\n");
    write_pair("2", EVENT_2 "\n" EVENT_2 "\n", TRUTH_2 "\n" TRUTH_2 "\n");
    write_pair(
        "10", EVENT_3 "\n" EVENT_3 "\n" EVENT_3 "\n", TRUTH_3 "\n" TRUTH_3 "\n" TRUTH_3 "\n");
    static const struct {
        const char *data, *first_rows;
    } cases[] = {
        {PARTICLES, "0 1 1 1 2 2"},
        {PARTICLES "order: numeric\n", "0 1 1 2 2 2"},
        {PARTICLES "n_files: 2\n", "0 1 1 1"},
        {PARTICLES "order: numeric\nn_files: 2\n", "0 1 1"},
        {"hits: [clusters_2.csv, clusters_1.csv, 'clusters_1*']\n" PARTICLES, "0 1 1 1 2 2"},
    };
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        mb_dataset dataset;
        char text[64] = "";
        assert_ok(world.ctx, load(cases[i].data, &dataset));
        for (size_t k = 0; k < dataset.n_rows; k++) {
            assert_int_equal(dataset.event[k], k);
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s%u", k > 0 ? " " : "",
                dataset.file[k]);
        }
        assert_string_equal(text, cases[i].first_rows);
        mb_dataset_clear(&dataset);
    }
    assert_events(PARTICLES "on_bad: drop\nn_files: 1\n", "0");
}

static void test_load__a_missing_partner_is_named(void **state) {
    (void)state;
    write_pair("1", EVENT_1 "\n", TRUTH_1 "\n");
    write_pair("2", EVENT_2 "\n", NULL);
    assert_load_fails(PARTICLES, MB_ERR_IO,
        "clusters_2.csv: no partner among hits (clusters_1.csv, clusters_2.csv) and particles "
        "(particles_1.csv)");
    assert_events(PARTICLES "on_bad: drop\n", "0");
    noting_world_assert_notice(&world, "clusters_2.csv: dropped: no partner");
    barrel_write(world.directory, "particles_3.csv", TRUTH_2 "\n");
    assert_load_fails(PARTICLES, MB_ERR_IO, "clusters_2.csv: no partner");
    assert_events(PARTICLES "pair_by_position: true\n", "0 1");
    assert_load_fails("particles: 'truth*'\n", MB_ERR_IO, "no file 'truth*'; set data.dir");
    assert_load_fails("hits: 'none*'\n", MB_ERR_IO, "no file 'none*'");
    mb_dataset dataset;
    assert_fails(world.ctx, barrel_load(world.ctx, "", "/nonexistent/place", &dataset), MB_ERR_IO,
        "/nonexistent/place: no such directory");
}

static void test_load__given_files_use_the_partners_beside_them(void **state) {
    (void)state;
    write_pair("1", EVENT_1 "\n", TRUTH_1 "\n");
    write_pair("2", EVENT_2 "\n", TRUTH_2 "\n");
    char first[4200], second[4200];
    snprintf(first, sizeof first, "%s/clusters_2.csv", world.directory);
    snprintf(second, sizeof second, "%s/clusters_1.csv", world.directory);
    const char *files[] = {first, second};
    for (int with_truth = 1; with_truth >= 0; with_truth--) {
        detector_study study;
        mb_dataset dataset;
        barrel_study_open(&study, world.ctx, "", "/nonexistent");
        study.request.files = files;
        study.request.n_files = 2;
        assert_ok(
            world.ctx, detector_named("barrel")->load(world.ctx, &study.request, &dataset, NULL));
        assert_int_equal(dataset.n_rows, 2);
        assert_string_equal(dataset.file_names[0], first);
        assert_int_equal(mb_dataset_target(&dataset) != NULL, with_truth);
        mb_dataset_clear(&dataset);
        detector_study_close(&study);
        char path[4200];
        snprintf(path, sizeof path, "%s/particles_1.csv", world.directory);
        remove(path);
    }
}

static void test_load__unequal_counts_of_events_are_refused(void **state) {
    (void)state;
    write_pair("1", EVENT_1 "\n" EVENT_3 "\n", TRUTH_1 "\n" TRUTH_2 "\n" TRUTH_3 "\n");
    write_pair("2", EVENT_2 "\n", TRUTH_2 "\n");
    assert_load_fails(PARTICLES, MB_ERR_FORMAT, "clusters_1.csv: 2 events, but ");
    assert_load_fails(PARTICLES, MB_ERR_FORMAT, "particles_1.csv has 3");
    assert_events(PARTICLES "on_bad: drop\n", "2");
    noting_world_assert_notice(&world, "dropped: ");
}

static void test_load__hits_without_particle_are_counted(void **state) {
    (void)state;
    write_pair("1", EVENT_1 "\n" EVENT_2 EVENT_3 "\n", TRUTH_1 "\n" TRUTH_2 "\n");
    write_pair("2", EVENT_2 "\n", TRUTH_2 "\n");
    assert_load_fails(PARTICLES, MB_ERR_FORMAT, "clusters_1.csv:5:1: barcode 7 has no particle in");
    assert_load_fails(PARTICLES, MB_ERR_FORMAT, "2 of 5 hits have none");
    assert_load_fails(
        PARTICLES "check_after_selection: true\n", MB_ERR_FORMAT, "1 of 4 hits have none");
    assert_events(PARTICLES "on_bad: drop\n", "2");
    // Without particles there is nothing to check.
    assert_events("", "0 1 2");
}

static void test_load__compat_implies_what_the_study_does_not_write(void **state) {
    (void)state;
    write_pair("1", EVENT_1 "\n" EVENT_2 EVENT_3 "\n", TRUTH_1 "\n" TRUTH_2 "\n");
    write_pair("2", EVENT_2 "\n" HIT(1, 6, 8, 3, "-32, 0, 1") "\n", TRUTH_2 "\n" TRUTH_2 "\n");
    static const char *const odd[] = {"accept_odd_layer"};
    const mb_compat all = {true, NULL, 0}, some = {false, odd, 1};
    const struct {
        const mb_compat *compat;
        const char *data, *failure;
        size_t n_rows;
    } cases[] = {
        {&all, PARTICLES, NULL, 2},
        {&all, PARTICLES "on_bad: error\n", "barcode 7 has no particle", 0},
        {&all, PARTICLES "accept_odd_layer: false\n", "volume 8 has no layer 3", 0},
        {&some, PARTICLES "on_bad: drop\n", NULL, 2},
        {&some, PARTICLES, "barcode 7 has no particle", 0},
    };
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        detector_study study;
        mb_dataset dataset;
        barrel_study_open(&study, world.ctx, cases[i].data, world.directory);
        study.request.compat = cases[i].compat;
        const mb_status status =
            detector_named("barrel")->load(world.ctx, &study.request, &dataset, NULL);
        if (cases[i].failure != NULL) {
            assert_fails(world.ctx, status, MB_ERR_FORMAT, cases[i].failure);
        } else {
            assert_ok(world.ctx, status);
            assert_int_equal(dataset.n_rows, cases[i].n_rows);
        }
        mb_dataset_clear(&dataset);
        detector_study_close(&study);
    }
    assert_true(mb_compat_has(&all, "shift_independently"));
    assert_true(mb_compat_has(&some, "accept_odd_layer"));
    assert_false(mb_compat_has(&some, "shift_independently"));
    assert_false(mb_compat_has(NULL, "shift_independently"));
}

static void test_load__volumes_are_taken_as_written(void **state) {
    (void)state;
    write_pair("1", EVENT_1 EVENT_2 EVENT_3 "\n", NULL);
    mb_dataset dataset;
    assert_ok(world.ctx,
        load("volumes:\n- {layers: [0, 10], bins: [10, 8, 4], z: [-100, 100], phi: [0, 0.1]}\n"
             "- {layers: [8, 9], bins: [1, 1, 1], z: [0, 50]}\n",
            &dataset));
    assert_int_equal(dataset.n_columns, 2);
    const mb_column *column = mb_dataset_find(&dataset, "volume0");
    // (layer, phi 1/32 .. 1/72 .. of 0.1, z) of the three hits inside; the fourth is an endcap's.
    static const uint32_t index[] = {
        0 * 32 + 2 * 4 + 2, 1 * 32 + 1 * 4 + 2, 4 * 32 + 2 * 4 + 3, 8 * 32 + 0 * 4 + 3};
    assert_int_equal(column->offset[1], 4);
    assert_memory_equal(column->index, index, sizeof index);
    assert_int_equal(mb_dataset_find(&dataset, "volume1")->offset[1], 0);
    mb_dataset_clear(&dataset);
}

static void test_load__options_out_of_range_name_their_key(void **state) {
    (void)state;
    write_pair("1", EVENT_1 "\n", TRUTH_1 "\n");
    static const struct {
        const char *data, *part;
    } cases[] = {
        {"volumes: [{layers: [0, 4], bins: [4, 0, 128], z: [-1, 1]}]\n", "bins"},
        {"volumes: [{layers: [0, 4], bins: [4, 128], z: [-1, 1]}]\n", "bins has 2 numbers"},
        {"volumes: [{layers: [0, 4], bins: [4, 128, 128], z: [1, 1]}]\n", "z is not [low, high]"},
        {"volumes: [{layers: [4, 0], bins: [4, 128, 128], z: [-1, 1]}]\n", "layers is not"},
        {"volumes: [{layers: [0, 4], bins: [4, 9, 9], z: [-1, 1], phi: [2, 1]}]\n", "phi is not"},
        {"volumes: [{layers: [0, 44], bins: [4, 9, 9], z: [-1, 1]}]\n", "layers"},
        {"volumes: [{layers: [0, 4], bins: [1e6, 1e6, 1e6], z: [-1, 1]}]\n", "more than 2^32"},
        {"volumes: []\n", "data.volumes"},
        {"volumes: 3\n", "data.volumes"},
        {"label: {tracks: 0}\n", "tracks"},
        {"label: {layers: 11}\n", "layers"},
        {"label: {track: 3}\n", "did you mean 'tracks'"},
        {"on_bad: ignore\n", "on_bad"},
        {"numpy_edges: '1.16'\n", "numpy_edges"},
        {"uniqe_hits: true\n", "did you mean 'unique_hits'"},
    };
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        assert_load_fails(cases[i].data, MB_ERR_FORMAT, cases[i].part);
        assert_load_fails(cases[i].data, MB_ERR_FORMAT, "study.yaml:1");
    }
}

static void test_load__warnings_name_volumes_and_equal_labels(void **state) {
    (void)state;
    write_pair(
        "1", EVENT_1 HIT(8, 5, 44, 2, "1, 1, 1") HIT(9, 5, 45, 3, "1, 1, 1") "\n", TRUTH_1 "\n");
    detector_study study;
    mb_dataset dataset;
    barrel_study_open(&study, world.ctx, PARTICLES, world.directory);
    study.request.wants_label = true;
    world.notices[0] = '\0';
    assert_ok(world.ctx, detector_named("barrel")->load(world.ctx, &study.request, &dataset, NULL));
    assert_non_null(strstr(
        world.notices, "warning data.hits: 2 hits are in unknown volumes (the first in 44)"));
    noting_world_assert_notice(&world, "warning data.label: all 1 labels are 0");
    mb_dataset_clear(&dataset);
    detector_study_close(&study);
}

static void test_load__the_report_has_the_shapes_and_the_balance(void **state) {
    (void)state;
    write_pair("1", EVENT_1 "\n" HIT(1, 7, 9, 2, "50, 50, 600") "\n", TRUTH_1 "\n" TRUTH_3 "\n");
    write_pair("2", HIT(1, 6, 13, 8, "660, 1, 1081") "\n", TRUTH_2 "\n");
    write_pair("3", EVENT_1 EVENT_2 "\n", TRUTH_1 "\n");
    detector_study study;
    mb_dataset dataset;
    mb_buffer report;
    mb_buffer_init(&report, world.ctx);
    barrel_study_open(&study, world.ctx,
        PARTICLES "on_bad: drop\nlabel: {layers: 2, pt: 2, tracks: 1}\n", world.directory);
    assert_ok(
        world.ctx, detector_named("barrel")->load(world.ctx, &study.request, &dataset, &report));
    static const char *const parts[] = {"Loading ", "clusters_2.csv\n", "Invalid data file found! ",
        "clusters_3.csv:3:1: barcode 6 has no particle",
        "Loaded hits data with shapes: [(2, 6), (1, 6)]\n",
        "Loaded particles data with shapes: [(2, 6), (2, 6)]\n", "Hits: (3, 6)\n",
        "Particles: (4, 6)\n", "Images: [(2, 4, 128, 128), (2, 4, 128, 128), (2, 2, 128, 21)]\n",
        "Hits outside the images: [0, 1, 0]\n", "Events without barrel hits: 1 (left out)\n",
        "Labels: 1 of 2 are 1 (50.0 %)\n"};
    const char *p = report.data;
    for (size_t i = 0; i < MB_COUNT_OF(parts); i++) {
        p = strstr(p, parts[i]);
        if (p == NULL) {
            fail_msg("no \"%s\" in:\n%s", parts[i], report.data);
        }
    }
    mb_buffer_clear(&report);
    mb_dataset_clear(&dataset);
    detector_study_close(&study);
}

static void test_load__any_number_of_threads_gives_the_same(void **state) {
    (void)state;
    for (int i = 1; i <= 30; i++) {
        char number[16], hits[1024], particles[512];
        snprintf(number, sizeof number, "%d", i);
        snprintf(hits, sizeof hits,
            EVENT_1 "\n" EVENT_2 EVENT_2 "\n"
                    "1, 7, 8, 2, [1], [1], [%d, 3, 7], [], [], []\n\n",
            i);
        snprintf(particles, sizeof particles, TRUTH_1 "\n" TRUTH_2 "\n" TRUTH_3 "\n");
        write_pair(number, hits, particles);
    }
    mb_dataset one, many;
    mb_test_world single, several;
    mb_test_world_open(&single, 1, MB_CPU_ALL);
    mb_test_world_open(&several, 4, 0);
    assert_ok(single.ctx, barrel_load(single.ctx, PARTICLES, world.directory, &one));
    assert_ok(several.ctx, barrel_load(several.ctx, PARTICLES, world.directory, &many));
    assert_int_equal(one.n_rows, 90);
    assert_int_equal(many.n_rows, 90);
    assert_memory_equal(one.event, many.event, 90 * sizeof *one.event);
    assert_memory_equal(one.file, many.file, 90 * sizeof *one.file);
    for (int i = 0; i < 3; i++) {
        const mb_column *a = &one.columns[i], *b = &many.columns[i];
        assert_memory_equal(a->offset, b->offset, 91 * sizeof *a->offset);
        assert_memory_equal(a->index, b->index, a->offset[90] * sizeof *a->index);
        assert_memory_equal(a->value, b->value, a->offset[90] * sizeof(uint16_t));
    }
    mb_dataset_clear(&one);
    mb_dataset_clear(&many);
    mb_test_world_close(&single);
    mb_test_world_close(&several);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_load__columns_have_their_names_types_and_shapes),
        TEST(test_load__channels_last_puts_the_layer_last),
        TEST(test_load__separators_of_all_kinds_end_one_event),
        TEST(test_load__a_last_line_without_line_feed_counts),
        TEST(test_load__clusters_alone_give_images_without_labels),
        TEST(test_load__truth_counts_tracks_by_layers_and_pt),
        TEST(test_load__files_are_taken_in_byte_order_of_names),
        TEST(test_load__a_missing_partner_is_named),
        TEST(test_load__given_files_use_the_partners_beside_them),
        TEST(test_load__unequal_counts_of_events_are_refused),
        TEST(test_load__hits_without_particle_are_counted),
        TEST(test_load__compat_implies_what_the_study_does_not_write),
        TEST(test_load__volumes_are_taken_as_written),
        TEST(test_load__options_out_of_range_name_their_key),
        TEST(test_load__warnings_name_volumes_and_equal_labels),
        TEST(test_load__the_report_has_the_shapes_and_the_balance),
        TEST(test_load__any_number_of_threads_gives_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
