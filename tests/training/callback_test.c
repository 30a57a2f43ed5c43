// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "golden.h"

#include "files/yaml.h"
#include "training/callback.h"

#include <math.h>
#include <stdio.h>

static golden_list figures, rates;

// What the callbacks saved, as a text.
typedef struct save_log {
    char text[2048];
} save_log;

static mb_status log_save(
    void *user, mb_context *ctx, const char *path, bool weights_only, const float *parameters) {
    (void)ctx;
    (void)weights_only;
    (void)parameters;
    save_log *log = user;
    const size_t used = strlen(log->text);
    snprintf(log->text + used, sizeof log->text - used, "%s\n", path);
    return MB_OK;
}

static void check_saved(const mb_node *list, const save_log *log) {
    char wanted[2048] = "";
    for (const mb_node *node = list->first; node != NULL; node = node->next) {
        const size_t used = strlen(wanted);
        snprintf(wanted + used, sizeof wanted - used, "%s\n", node->text);
    }
    assert_string_equal(log->text, wanted);
}

// The only parameter is the number of the epoch, so that restored ones tell where they are from.
static void follow(mb_context *ctx, mb_document *document, mb_node *entry) {
    golden_floats(golden_member(entry, "figures"), &figures);
    golden_floats(golden_member(entry, "rates"), &rates);
    mb_node *one = mb_node_make(document, ctx, MB_NODE_LIST);
    mb_node_append(one, mb_node_copy(document, ctx, golden_member(entry, "callback")));
    mb_callback_choice choice;
    mb_callback callback;
    size_t n;
    assert_ok(ctx, mb_callbacks_read(ctx, document, one, &choice, &n));
    assert_int_equal(n, 1);
    assert_ok(ctx, mb_callback_init(&callback, ctx, &choice, 1));
    const char *const names[] = {"val_loss"};
    const bool is_better_higher[] = {false};
    float parameter = 0.0F, learning_rate = 0.1F;
    double figure = 0.0;
    bool stop = false;
    save_log log = {""};
    mb_callback_site site = {.n_figures = 1,
        .names = names,
        .figures = &figure,
        .is_better_higher = is_better_higher,
        .parameters = &parameter,
        .n_parameters = 1,
        .learning_rate = &learning_rate,
        .stop = &stop,
        .save_model = log_save,
        .save_user = &log};
    const mb_node *value = golden_member(entry, "figures")->first;
    for (size_t epoch = 0; epoch < figures.n && !stop; epoch++, value = value->next) {
        site.epoch = epoch;
        parameter = (float)epoch;
        figure = value->real;
        assert_ok(ctx, choice.ops->epoch_end(&callback, ctx, &site));
        assert_true(epoch < rates.n);
        assert_true(fabsf(learning_rate - rates.value[epoch]) <= 1e-7F * learning_rate);
    }
    const int64_t stopped = golden_member(entry, "stopped")->integer;
    assert_int_equal(stop ? (int64_t)site.epoch : -1, stopped);
    if (choice.ops->end != NULL) {
        choice.ops->end(&callback, &site);
    }
    assert_int_equal((int64_t)parameter, golden_member(entry, "weights")->integer);
    check_saved(golden_member(entry, "saved"), &log);
    mb_callback_clear(&callback, mb_context_runtime(ctx));
}

static void test_callback__all_do_as_keras_does(void **state) {
    (void)state;
    mb_test_world world;
    mb_document document;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    golden_open(world.ctx, "callbacks_keras3.yaml", &document);
    size_t n = 0;
    mb_node *cases = golden_member(document.root, "cases");
    for (mb_node *entry = cases->first; entry != NULL; entry = entry->next, n++) {
        follow(world.ctx, &document, entry);
    }
    assert_true(n >= 24);
    mb_document_clear(&document);
    mb_test_world_close(&world);
}

static void read_one(mb_context *ctx, mb_document *document, const char *text,
    mb_callback_choice *choice, mb_status wanted, const char *part) {
    size_t n;
    assert_ok(ctx, mb_yaml_parse(ctx, "study.yaml", text, strlen(text), document));
    if (wanted == MB_OK) {
        assert_ok(ctx, mb_callbacks_read(ctx, document, document->root, choice, &n));
    } else {
        assert_fails(
            ctx, mb_callbacks_read(ctx, document, document->root, choice, &n), wanted, part);
    }
}

static void test_callback__mistakes_are_named(void **state) {
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"- early_stoping", "did you mean 'early_stopping'?"},
        {"- early_stopping: {patients: 3}", "did you mean 'patience'?"},
        {"- reduce_lr_on_plateau: {factor: 1}", "factor is 1 or more"},
        {"- model_checkpoint: {save_freq: sometimes}", "save_freq is 'sometimes'"},
        {"- model_checkpoint: {filepath: 'a{epoch.h5'}", "'{' without its '}'"},
        {"early_stopping", "is not a list"},
    };
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        mb_document document;
        mb_callback_choice choice[MB_MOST_CALLBACKS];
        read_one(world.ctx, &document, cases[i].text, choice, MB_ERR_FORMAT, cases[i].part);
        mb_document_clear(&document);
    }
    mb_test_world_close(&world);
}

static void test_callback__auto_mode_follows_the_figure(void **state) {
    (void)state;
    const bool is_better_higher[] = {false, true};
    const mb_callback_site site = {.is_better_higher = is_better_higher};
    assert_true(mb_monitor_improves(&site, 0, MB_MODE_AUTO, 0.0, 1.0, 2.0));
    assert_false(mb_monitor_improves(&site, 1, MB_MODE_AUTO, 0.0, 1.0, 2.0));
    assert_true(mb_monitor_improves(&site, 1, MB_MODE_MIN, 0.0, 1.0, 2.0));
    assert_false(mb_monitor_improves(&site, 0, MB_MODE_AUTO, 0.0, 1.0, 1.0));
    assert_false(mb_monitor_improves(&site, 0, MB_MODE_AUTO, 1.5, 1.0, 2.0));
    assert_false(mb_monitor_improves(&site, 0, MB_MODE_AUTO, 0.0, (double)NAN, 1.0));
}

static void test_callback__checkpoint_counts_batches_over_epochs(void **state) {
    (void)state;
    mb_test_world world;
    mb_document document;
    mb_callback_choice choice;
    mb_callback callback;
    save_log log = {""};
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    read_one(world.ctx, &document,
        "- model_checkpoint: {save_freq: 4, filepath: '{epoch}-{batch:03d}.h5'}", &choice, MB_OK,
        "");
    assert_ok(world.ctx, mb_callback_init(&callback, world.ctx, &choice, 1));
    mb_callback_site site = {.save_model = log_save, .save_user = &log};
    for (site.epoch = 0; site.epoch < 2; site.epoch++) {
        for (size_t step = 0; step < 6; step++) {
            assert_ok(world.ctx, choice.ops->step_end(&callback, world.ctx, &site, step));
        }
        assert_ok(world.ctx, choice.ops->epoch_end(&callback, world.ctx, &site));
    }
    assert_string_equal(log.text, "1-004.h5\n2-002.h5\n2-006.h5\n");
    mb_callback_clear(&callback, world.runtime);
    mb_document_clear(&document);
    mb_test_world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_callback__all_do_as_keras_does),
        cmocka_unit_test(test_callback__mistakes_are_named),
        cmocka_unit_test(test_callback__auto_mode_follows_the_figure),
        cmocka_unit_test(test_callback__checkpoint_counts_batches_over_epochs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
