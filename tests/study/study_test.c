// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "base/numbers.h"
#include "base/output.h"
#include "study/facts.h"
#include "study/study.h"

#include <stdio.h>
#include <unistd.h>

static const char usual[] =
    "study: small\n"                                                     // 1
    "seed: 7\n"                                                          // 2
    "params: {width: 5, depth: 2}\n"                                     // 3
    "data:\n"                                                            // 4
    "  source: arrays\n"                                                 // 5
    "  file: x.npz\n"                                                    // 6
    "  inputs: {x: x}\n"                                                 // 7
    "  target: y\n"                                                      // 8
    "model:\n"                                                           // 9
    "  layers:\n"                                                        // 10
    "    - {input: x}\n"                                                 // 11
    "    - repeat:\n"                                                    // 12
    "        times: $depth\n"                                            // 13
    "        each: {units: {choose: $depth, of: {1: [3], 2: [3, 4]}}}\n" // 14
    "        layers:\n"                                                  // 15
    "          - {dense: {units: $units}, name: \"hidden${index}\"}\n"   // 16
    "    - {dense: {units: $width}, name: out}\n"                        // 17
    "train: {loss: mse, epochs: 3}\n";                                   // 18

typedef struct world {
    mb_test_world base;
    char *directory, *path;
} world;

static void open_world(world *w) {
    mb_test_world_open(&w->base, 1, MB_CPU_ALL);
    w->directory = mb_test_directory();
    w->path = mb_path_join(w->base.ctx, w->directory, "study.yaml");
}

static void close_world(world *w) {
    mb_release(w->base.ctx, w->path);
    mb_test_remove_directory(w->directory);
    mb_test_world_close(&w->base);
}

static mb_status open_text(world *w, const char *text, const char *override, mb_study **out) {
    const mb_study_settings settings = {
        .overrides = &override, .n_overrides = override != NULL ? 1 : 0};
    assert_ok(w->base.ctx, mb_write_file(w->base.ctx, w->path, text, strlen(text)));
    return mb_study_open(w->base.ctx, w->path, &settings, out);
}

// The usual study with one part of it replaced.
static char *edit(const char *part, const char *by) {
    static char text[4096];
    const char *at = strstr(usual, part);
    assert_non_null(at);
    const int length =
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - usual), usual, by, at + strlen(part));
    assert_true(length > 0 && (size_t)length < sizeof text);
    return text;
}

static const mb_node *layers_of(const mb_study *study) {
    return mb_node_find(study->fits[0].model, "layers");
}

static const char *layer_name(const mb_study *study, size_t i) {
    return mb_node_text(mb_node_find(mb_node_at(layers_of(study), i), "name"));
}

static void test_study__puts_parameters_choices_and_repeats_in_place(void **state) {
    (void)state;
    world w;
    open_world(&w);
    mb_study *study = NULL;
    assert_ok(w.base.ctx, open_text(&w, usual, NULL, &study));
    assert_int_equal(layers_of(study)->n_children, 4);
    assert_string_equal(layer_name(study, 1), "hidden0");
    assert_string_equal(layer_name(study, 2), "hidden1");
    const mb_node *second = mb_node_find(mb_node_at(layers_of(study), 2), "dense");
    assert_string_equal(mb_node_text(mb_node_find(second, "units")), "4");
    const mb_node *last = mb_node_find(mb_node_at(layers_of(study), 3), "dense");
    assert_string_equal(mb_node_text(mb_node_find(last, "units")), "5");
    mb_study_destroy(study);
    close_world(&w);
}

static void test_study__overrides_keys_parameters_and_repeated_layers(void **state) {
    (void)state;
    world w;
    open_world(&w);
    mb_study *study = NULL;
    assert_ok(w.base.ctx, open_text(&w, usual, "train.epochs=9", &study));
    assert_int_equal(study->fits[0].train.options.epochs, 9);
    mb_study_destroy(study);
    assert_ok(w.base.ctx, open_text(&w, usual, "params.depth=1", &study));
    assert_int_equal(layers_of(study)->n_children, 3);
    mb_study_destroy(study);
    assert_ok(w.base.ctx, open_text(&w, usual, "model.hidden1.units=17", &study));
    const mb_node *second = mb_node_find(mb_node_at(layers_of(study), 2), "dense");
    assert_string_equal(mb_node_text(mb_node_find(second, "units")), "17");
    mb_study_destroy(study);
    assert_fails(w.base.ctx, open_text(&w, usual, "params.dept=1", &study), MB_ERR_FORMAT,
        "did you mean 'depth'?");
    assert_fails(
        w.base.ctx, open_text(&w, usual, "train.epochs", &study), MB_ERR_ARG, "there is no '='");
    close_world(&w);
}

static void test_study__names_line_and_nearest_key(void **state) {
    (void)state;
    static const struct {
        const char *part, *by, *wanted;
    } cases[] = {
        {"seed: 7", "sed: 7", "study.yaml:2: study: unknown key 'sed'; did you mean 'seed'?"},
        {"source: arrays", "source: arrys",
            "study.yaml:5: data: unknown source 'arrys'; did you mean 'arrays'?"},
        {"target: y", "targt: y",
            "study.yaml:8: data: unknown key 'targt'; did you mean 'target'?"},
        {"times: $depth", "times: $dept",
            "study.yaml:13: unknown parameter '$dept'; did you mean '$depth'?"},
        {"2: [3, 4]", "3: [3, 4]", "choose: there is no case for '2'"},
        {"2: [3, 4]", "2: [3]", "'units' has 1 values for 2 times"},
        {"{dense: {units: $width}", "{dens: {units: $width}",
            "study.yaml:17: model: unknown layer 'dens'; did you mean 'dense'?"},
        {"{dense: {units: $width}", "{dense: {unit: $width}",
            "study.yaml:17: dense: unknown key 'unit'; did you mean 'units'?"},
        {"name: out", "name: out, from: hiden1", "study.yaml:17: model: no layer above is called"},
        {"name: out", "name: hidden1", "two layers are called 'hidden1'"},
        {"epochs: 3", "epoch: 3",
            "study.yaml:18: train: unknown key 'epoch'; did you mean 'epochs'?"},
        {"epochs: 3", "epochs: 3, epochs: 4", "study.yaml:18"},
        {"seed: 7", "version: 2", "version 2 is not known"},
        {"seed: 7", "quantize: {kernal: binary}", "did you mean 'kernel'?"},
        {"seed: 7", "quantize: {kernel: quantized_bit(8)}",
            "quantize: kernel: unknown quantiser 'quantized_bit'; did you mean 'quantized_bits'?"},
        {"seed: 7", "simulate: {}", "no generator for this source"},
        {"seed: 7", "evaluate: {at: [5]}", "evaluate"},
        {"inputs: {x: x}", "inputs: {x: x}\n  split: {tst: 0.1}", "did you mean 'test'?"},
        {"inputs: {x: x}", "inputs: {x: x}\n  train_events: few", "write a number of at least 1"},
    };
    world w;
    open_world(&w);
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        mb_study *study = NULL;
        assert_fails(w.base.ctx, open_text(&w, edit(cases[i].part, cases[i].by), NULL, &study),
            MB_ERR_FORMAT, cases[i].wanted);
        assert_null(study);
    }
    close_world(&w);
}

static void test_study__stores_what_reads_back_the_same(void **state) {
    (void)state;
    world w;
    open_world(&w);
    mb_study *study = NULL;
    mb_study *again = NULL;
    mb_study *last = NULL;
    assert_ok(w.base.ctx, open_text(&w, usual, NULL, &study));
    char *first = mb_path_join(w.base.ctx, w.directory, "first.yaml");
    char *second = mb_path_join(w.base.ctx, w.directory, "second.yaml");
    char *third = mb_path_join(w.base.ctx, w.directory, "third.yaml");
    assert_ok(w.base.ctx, mb_study_write(w.base.ctx, study, first));
    assert_ok(w.base.ctx, mb_study_open(w.base.ctx, first, NULL, &again));
    assert_ok(w.base.ctx, mb_study_write(w.base.ctx, again, second));
    assert_ok(w.base.ctx, mb_study_open(w.base.ctx, second, NULL, &last));
    assert_ok(w.base.ctx, mb_study_write(w.base.ctx, last, third));
    char *a = NULL;
    char *b = NULL;
    size_t n = 0;
    assert_ok(w.base.ctx, mb_read_file(w.base.ctx, second, &a, &n));
    assert_ok(w.base.ctx, mb_read_file(w.base.ctx, third, &b, &n));
    assert_string_equal(a, b);
    assert_non_null(strstr(a, "batch: 32"));
    assert_non_null(strstr(a, "version: 1"));
    assert_non_null(strstr(a, "train_events: all"));
    mb_release(w.base.ctx, a);
    mb_release(w.base.ctx, b);
    mb_release(w.base.ctx, first);
    mb_release(w.base.ctx, second);
    mb_release(w.base.ctx, third);
    mb_study_destroy(study);
    mb_study_destroy(again);
    mb_study_destroy(last);
    close_world(&w);
}

static void test_study__makes_a_fit_of_each_entry(void **state) {
    (void)state;
    world w;
    open_world(&w);
    mb_study *study = NULL;
    const char *text = edit("model:\n", "fits:\n"
                                        "  - {name: one, model: a, repeats: 3}\n"
                                        "  - {name: two, model: a, train: {epochs: 5, folds: 4}}\n"
                                        "models:\n a:\n");
    assert_ok(w.base.ctx, open_text(&w, text, NULL, &study));
    assert_int_equal(study->n_fits, 2);
    assert_int_equal(study->fits[0].n_rounds, 3);
    assert_int_equal(study->fits[0].train.options.epochs, 3);
    assert_int_equal(study->fits[1].n_rounds, 4);
    assert_int_equal(study->fits[1].train.options.epochs, 5);
    mb_study_destroy(study);
    text = edit("model:\n", "fits:\n  - {name: ../x, model: a}\nmodels:\n a:\n");
    assert_fails(
        w.base.ctx, open_text(&w, text, NULL, &study), MB_ERR_FORMAT, "cannot be a folder's name");
    text = edit("model:\n", "fits:\n  - {name: x, model: b}\nmodels:\n a:\n");
    assert_fails(
        w.base.ctx, open_text(&w, text, NULL, &study), MB_ERR_FORMAT, "there is no model 'b'");
    close_world(&w);
}

// Processes of containers all have few numbers: one that was killed may have had ours.
static void test_study__toy_events_are_without_those_of_a_killed_process(void **state) {
    (void)state;
    static const char toys[] = "study: toys\n"
                               "simulate: {events: 2}\n"
                               "data: {source: tracks, dir: toys, features: [xyz]}\n"
                               "model: {layers: [{input: features}, {dense: {units: 2}}]}\n"
                               "train: {loss: {hinge_embedding: {edges: loss}}, batch: 1}\n";
    world w;
    open_world(&w);
    mb_study *study = NULL;
    mb_dataset dataset;
    char part[4096];
    char file[4096];
    assert_ok(w.base.ctx, open_text(&w, toys, NULL, &study));
    mb_format(part, sizeof part, "%s/toys/simulated.part-%ld", w.directory, (long)getpid());
    assert_ok(w.base.ctx, mb_make_directory(w.base.ctx, part));
    mb_format(file, sizeof file, "%s/half", part);
    assert_ok(w.base.ctx, mb_write_file(w.base.ctx, file, "half", 4));
    assert_ok(
        w.base.ctx, mb_study_load(w.base.ctx, study, &(mb_source_request){0}, &dataset, NULL));
    assert_int_equal(dataset.n_rows, 2);
    assert_false(mb_path_exists(part));
    mb_format(file, sizeof file, "%s/toys/half", w.directory);
    assert_false(mb_path_exists(file));
    mb_dataset_clear(&dataset);
    mb_study_destroy(study);
    close_world(&w);
}

static void test_study__facts_of_an_earlier_run_do_not_stay(void **state) {
    (void)state;
    static const double values[] = {1, 2};
    world w;
    mb_bundle facts;
    mb_bundle read;
    char study_path[4096];
    open_world(&w);
    mb_context *ctx = w.base.ctx;
    mb_format(study_path, sizeof study_path, "%s/study.yaml", w.directory);
    mb_bundle_init(&facts, ctx);
    assert_ok(ctx, mb_bundle_put_doubles(&facts, ctx, "scale", values, 2));
    assert_ok(ctx, mb_facts_write(ctx, &facts, w.directory));
    assert_ok(ctx, mb_facts_read(ctx, study_path, &read));
    assert_int_equal(read.n, 1);
    mb_bundle_clear(&read);
    mb_bundle_clear(&facts);
    mb_bundle_init(&facts, ctx);
    assert_ok(ctx, mb_facts_write(ctx, &facts, w.directory));
    assert_ok(ctx, mb_facts_read(ctx, study_path, &read));
    assert_int_equal(read.n, 0);
    mb_bundle_clear(&read);
    mb_bundle_clear(&facts);
    close_world(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_study__puts_parameters_choices_and_repeats_in_place),
        cmocka_unit_test(test_study__overrides_keys_parameters_and_repeated_layers),
        cmocka_unit_test(test_study__names_line_and_nearest_key),
        cmocka_unit_test(test_study__stores_what_reads_back_the_same),
        cmocka_unit_test(test_study__makes_a_fit_of_each_entry),
        cmocka_unit_test(test_study__facts_of_an_earlier_run_do_not_stay),
        cmocka_unit_test(test_study__toy_events_are_without_those_of_a_killed_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
