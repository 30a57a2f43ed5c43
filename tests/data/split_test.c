// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "data/split.h"
#include "files/yaml.h"

MB_TEST_WORLD(1, MB_CPU_ALL)

static size_t count(const mb_dataset *dataset, uint8_t set) {
    size_t n = 0;
    for (size_t i = 0; i < dataset->n_rows; i++) {
        n += dataset->split[i] == set;
    }
    return n;
}

static void make_rows(mb_dataset *dataset, size_t n) {
    mb_dataset_init(dataset, world.ctx);
    assert_ok(world.ctx, mb_dataset_set_rows(dataset, world.ctx, n));
}

static const mb_split_options everything = {.has_rows = false};

static void test_split__counts_are_those_of_keras(void **state) {
    (void)state;
    static const struct {
        size_t n;
        double fraction;
        size_t rest;
    } cases[] = {{55776, 0.2, 44620}, {3991, 0.2, 3192}, {10, 0.3, 7}, {3, 0.5, 1}, {1, 0.2, 0},
        {0, 0.2, 0}, {100, 0.0, 100}};
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        const mb_part part = {cases[i].fraction, MB_TAKE_LAST};
        assert_int_equal(mb_part_rest(&part, cases[i].n), cases[i].rest);
    }
    mb_dataset dataset;
    make_rows(&dataset, 55776);
    const mb_part part = {0.2, MB_TAKE_LAST};
    assert_ok(world.ctx, mb_split_apply(&dataset, world.ctx, &everything, &part, 1));
    assert_int_equal(count(&dataset, MB_SPLIT_TRAIN), 44620);
    assert_int_equal(count(&dataset, MB_SPLIT_VALIDATION), 11156);
    assert_int_equal(dataset.split[44619], MB_SPLIT_TRAIN);
    assert_int_equal(dataset.split[44620], MB_SPLIT_VALIDATION);
    mb_dataset_clear(&dataset);
}

static void test_split__first_rows_are_rounded_to_the_nearest(void **state) {
    (void)state;
    // Keras would take 3 of 12 and 1211 of 6051.
    static const struct {
        size_t n;
        double fraction;
        size_t taken;
    } cases[] = {{12, 0.2, 2}, {13, 0.2, 3}, {6050, 0.2, 1210}, {6051, 0.2, 1210}, {5, 0.3, 2},
        {1, 0.2, 0}, {0, 0.2, 0}, {7, 0.0, 0}};
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        const mb_part part = {cases[i].fraction, MB_TAKE_FIRST};
        assert_int_equal(mb_part_rest(&part, cases[i].n), cases[i].n - cases[i].taken);
    }
    mb_dataset dataset;
    make_rows(&dataset, 12);
    const mb_part part = {0.2, MB_TAKE_FIRST};
    assert_ok(world.ctx, mb_split_apply(&dataset, world.ctx, &everything, &part, 1));
    for (size_t i = 0; i < 12; i++) {
        assert_int_equal(dataset.split[i], i < 2 ? MB_SPLIT_VALIDATION : MB_SPLIT_TRAIN);
    }
    mb_dataset_clear(&dataset);
}

static void test_split__test_rows_come_out_first(void **state) {
    (void)state;
    mb_dataset dataset, other;
    make_rows(&dataset, 1000);
    make_rows(&other, 1000);
    const mb_split_options options = {.test = {0.1, MB_TAKE_RANDOM}};
    const mb_part part = {0.25, MB_TAKE_FIRST};
    assert_ok(world.ctx, mb_split_apply(&dataset, world.ctx, &options, &part, 42));
    assert_int_equal(count(&dataset, MB_SPLIT_TEST), 100);
    assert_int_equal(count(&dataset, MB_SPLIT_VALIDATION), 225);
    assert_int_equal(count(&dataset, MB_SPLIT_TRAIN), 675);
    size_t row = 0;
    for (size_t seen = 0; seen < 225; row++) {
        assert_int_not_equal(dataset.split[row], MB_SPLIT_TRAIN);
        seen += dataset.split[row] == MB_SPLIT_VALIDATION;
    }
    assert_ok(world.ctx, mb_split_apply(&other, world.ctx, &options, &part, 42));
    mb_test_assert_same_bits(dataset.split, other.split, 1000, 1, "same seed");
    assert_ok(world.ctx, mb_split_apply(&other, world.ctx, &options, &part, 43));
    assert_int_not_equal(memcmp(dataset.split, other.split, 1000), 0);
    mb_dataset_clear(&dataset);
    mb_dataset_clear(&other);
}

static void test_split__folds_together_are_all_rows_once(void **state) {
    (void)state;
    mb_dataset dataset;
    uint8_t n_validated[103] = {0};
    make_rows(&dataset, 103);
    const mb_split_options options = {.test = {0.1, MB_TAKE_LAST}};
    const mb_part none = {0.0, MB_TAKE_LAST};
    assert_ok(world.ctx, mb_split_apply(&dataset, world.ctx, &options, &none, 7));
    const size_t n_test = count(&dataset, MB_SPLIT_TEST);
    for (size_t fold = 0; fold < 4; fold++) {
        assert_ok(world.ctx, mb_split_fold(dataset.split, dataset.n_rows, world.ctx, 4, fold, 7));
        assert_int_equal(count(&dataset, MB_SPLIT_TEST), n_test);
        const size_t n = count(&dataset, MB_SPLIT_VALIDATION);
        assert_true(n == (103 - n_test) / 4 || n == (103 - n_test) / 4 + 1);
        for (size_t i = 0; i < 103; i++) {
            n_validated[i] = (uint8_t)(n_validated[i] + (dataset.split[i] == MB_SPLIT_VALIDATION));
        }
    }
    for (size_t i = 0; i < 103; i++) {
        assert_int_equal(n_validated[i], dataset.split[i] == MB_SPLIT_TEST ? 0 : 1);
    }
    assert_fails(world.ctx, mb_split_fold(dataset.split, dataset.n_rows, world.ctx, 1, 0, 7),
        MB_ERR_RANGE, "folds");
    assert_fails(world.ctx, mb_split_fold(dataset.split, dataset.n_rows, world.ctx, 500, 0, 7),
        MB_ERR_RANGE, "folds");
    mb_dataset_clear(&dataset);
}

static mb_status read_text(const char *text, mb_document *document, mb_split_options *out) {
    assert_ok(world.ctx, mb_yaml_parse(world.ctx, "s.yaml", text, strlen(text), document));
    return mb_split_read(world.ctx, document, mb_node_find(document->root, "split"),
        mb_node_find(document->root, "rows"), out);
}

static void test_split__given_rows_are_taken_and_others_left_out(void **state) {
    (void)state;
    mb_dataset dataset;
    mb_document document;
    mb_split_options options;
    const mb_part part = {0.5, MB_TAKE_LAST};
    make_rows(&dataset, 100);
    assert_ok(world.ctx, read_text("rows: {train: [0, 40], test: [60, 80]}", &document, &options));
    assert_ok(world.ctx, mb_split_apply(&dataset, world.ctx, &options, &part, 1));
    assert_int_equal(count(&dataset, MB_SPLIT_TRAIN), 20);
    assert_int_equal(count(&dataset, MB_SPLIT_VALIDATION), 20);
    assert_int_equal(count(&dataset, MB_SPLIT_TEST), 20);
    assert_int_equal(count(&dataset, MB_SPLIT_NONE), 40);
    mb_document_clear(&document);
    assert_ok(
        world.ctx, read_text("rows: {train: [0, 40], validation: [40, 50]}", &document, &options));
    assert_true(options.has_validation);
    assert_ok(world.ctx, mb_split_apply(&dataset, world.ctx, &options, &part, 1));
    assert_int_equal(count(&dataset, MB_SPLIT_TRAIN), 40);
    assert_int_equal(count(&dataset, MB_SPLIT_VALIDATION), 10);
    mb_document_clear(&document);
    assert_ok(world.ctx, read_text("rows: [10, 110]", &document, &options));
    assert_fails(world.ctx, mb_split_apply(&dataset, world.ctx, &options, &part, 1), MB_ERR_RANGE,
        "data.rows: the range [10, 110] for train goes beyond the 100 rows");
    mb_document_clear(&document);
    mb_dataset_clear(&dataset);
}

static void test_split__mistakes_are_named(void **state) {
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"split: {test: 1.0}", "s.yaml:1: split: test: is 1"},
        {"split: {tests: 0.1}", "did you mean 'test'?"},
        {"rows: {train: [0, 40], test: [39, 80]}",
            "the rows [0, 40] for train and [39, 80] for test overlap"},
        {"rows: {train: [5, 4]}", "a range is not [first, last]"},
        {"rows: [1]", "a range is not [first, last]"},
    };
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        mb_document document;
        mb_split_options options;
        assert_fails(
            world.ctx, read_text(cases[i].text, &document, &options), MB_ERR_FORMAT, cases[i].part);
        mb_document_clear(&document);
    }
}

// The source's choice is where every split starts from, however often it is made.
static void test_split__rows_that_the_source_chose_stand(void **state) {
    (void)state;
    static const uint8_t own[] = {MB_SPLIT_TRAIN, MB_SPLIT_TRAIN, MB_SPLIT_TEST, MB_SPLIT_TRAIN,
        MB_SPLIT_TRAIN, MB_SPLIT_VALIDATION};
    static const uint8_t own_set[] = {MB_SPLIT_TRAIN, MB_SPLIT_TRAIN, MB_SPLIT_TEST, MB_SPLIT_TRAIN,
        MB_SPLIT_TRAIN, MB_SPLIT_TRAIN};
    const mb_split_options options = {
        .has_rows = true, .rows = {{0, 4}, {8, 9}, {5, 6}}, .has_validation = true};
    const mb_split_options bare = {.has_rows = true, .rows = {{0, 4}}, .is_bare = true};
    const mb_part part = {0.5, MB_TAKE_LAST};
    mb_dataset dataset;
    make_rows(&dataset, 6);
    dataset.own_split = own;
    assert_ok(world.ctx, mb_split_apply(&dataset, world.ctx, &options, &part, 1));
    assert_memory_equal(dataset.split, own, sizeof own);
    dataset.own_split = own_set;
    for (int again = 0; again < 2; again++) {
        assert_ok(world.ctx, mb_split_apply(&dataset, world.ctx, &bare, &part, 1));
        assert_int_equal(count(&dataset, MB_SPLIT_TRAIN), 2);
        assert_int_equal(count(&dataset, MB_SPLIT_VALIDATION), 3);
    }
    mb_dataset_clear(&dataset);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split__counts_are_those_of_keras),
        cmocka_unit_test(test_split__first_rows_are_rounded_to_the_nearest),
        cmocka_unit_test(test_split__test_rows_come_out_first),
        cmocka_unit_test(test_split__folds_together_are_all_rows_once),
        cmocka_unit_test(test_split__given_rows_are_taken_and_others_left_out),
        cmocka_unit_test(test_split__rows_that_the_source_chose_stand),
        cmocka_unit_test(test_split__mistakes_are_named),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
