// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "problem.h"

#include "files/yaml.h"

#include <math.h>
#include <stdio.h>

static const char plain[] = "{loss: binary_crossentropy, batch: 16, epochs: 2, validation: 0.25}";

typedef struct notes {
    char text[1024];
} notes;

static void take_note(void *user, mb_notice_level level, const char *where, const char *text) {
    (void)level;
    notes *notes_taken = user;
    const size_t used = strlen(notes_taken->text);
    snprintf(notes_taken->text + used, sizeof notes_taken->text - used, "%s: %s\n", where, text);
}

// Fails with a text that holds part, after spoil has had its way.
static void check_failure(const char *train_text, void (*spoil)(problem *p, mb_context *ctx),
    mb_status status, const char *part) {
    mb_test_world world;
    problem p;
    mb_fit_result result;
    mb_test_world_open(&world, 2, MB_CPU_ALL);
    problem_open(&p, world.ctx, train_text);
    if (spoil != NULL) {
        spoil(&p, world.ctx);
    }
    assert_fails(world.ctx, mb_fit(world.ctx, &p.request, &result), status, part);
    mb_fit_result_clear(&result);
    problem_close(&p, world.ctx);
    mb_test_world_close(&world);
}

static void spoil_target(problem *p, mb_context *ctx) {
    (void)ctx;
    problem_column(p, "target")[7] = NAN;
}

static void spoil_input(problem *p, mb_context *ctx) {
    (void)ctx;
    problem_column(p, "extra")[30] = NAN;
}

static void spoil_parameters(problem *p, mb_context *ctx) {
    (void)ctx;
    p->parameters[3] = INFINITY;
}

static void spoil_labels(problem *p, mb_context *ctx) {
    (void)ctx;
    problem_column(p, "target")[7] = -1;
}

static void drop_training(problem *p, mb_context *ctx) {
    (void)ctx;
    p->request.n_train = 0;
}

static void rename_target(problem *p, mb_context *ctx) {
    (void)ctx;
    for (size_t i = 0; i < p->dataset.n_columns; i++) {
        if (p->dataset.columns[i].role == MB_ROLE_TARGET) {
            p->dataset.columns[i].role = MB_ROLE_EXTRA;
        }
    }
}

static void narrow_extra(problem *p, mb_context *ctx) {
    (void)ctx;
    for (size_t i = 0; i < p->dataset.n_columns; i++) {
        if (strcmp(p->dataset.columns[i].name, "extra") == 0) {
            p->dataset.columns[i].shape[0] = p->dataset.columns[i].size = 2;
        }
    }
}

static void rename_extra(problem *p, mb_context *ctx) {
    (void)ctx;
    for (size_t i = 0; i < p->dataset.n_columns; i++) {
        if (strcmp(p->dataset.columns[i].name, "extra") == 0) {
            p->dataset.columns[i].name = "other";
        }
    }
}

static void test_fit__what_does_not_fit_is_refused_by_name(void **state) {
    (void)state;
    check_failure(plain, spoil_target, MB_ERR_RANGE, "the target of row 7 is not a number");
    check_failure(plain, spoil_labels, MB_ERR_RANGE,
        "the target -1 of row 7 is not from 0 to 1, as binary_crossentropy takes it");
    check_failure(plain, spoil_parameters, MB_ERR_NUMERIC, "layer conv2d");
    check_failure(plain, drop_training, MB_ERR_RANGE, "train.validation: no rows are left");
    check_failure(plain, rename_target, MB_ERR_SHAPE, "no target column");
    check_failure(plain, narrow_extra, MB_ERR_SHAPE,
        "column 'extra' has rows of shape (2,), the model's input 'extra' wants (3,)");
    check_failure(plain, rename_extra, MB_ERR_SHAPE, "no column for the model's input 'extra'");
    check_failure("{loss: mse, batch: 200, drop_last: true}", NULL, MB_ERR_RANGE,
        "train.drop_last: 120 training rows are less than one batch of 200");
    check_failure("{loss: sparse_categorical_crossentropy}", NULL, MB_ERR_RANGE,
        "is not a whole number from 0 to 0");
    check_failure(
        "{loss: mse, sample_weight: wieght}", NULL, MB_ERR_FORMAT, "train.sample_weight: 'wieght'");
    check_failure("{loss: mse, callbacks: [early_stopping]}", NULL, MB_ERR_FORMAT,
        "early_stopping monitors 'val_loss'");
    check_failure("{loss: mse, metrics: [accuracy], validation: 0.2, callbacks: [{early_stopping: "
                  "{monitor: val_acuracy}}]}",
        NULL, MB_ERR_FORMAT, "write 'val_accuracy'");
    check_failure("{loss: mse, validation: 0.2, class_weight: {0: 1, 1: 2, 7: 3}}", NULL,
        MB_ERR_RANGE,
        "train.class_weight: class 7 is in none of the 120 events; name those that are there: 0, "
        "1");
}

static void test_fit__a_loss_that_is_no_number_names_step_and_layer(void **state) {
    (void)state;
    check_failure("{loss: mse, batch: 4, shuffle: false}", spoil_input, MB_ERR_NUMERIC,
        "at epoch 1, step 3 (output layer dense_1");
    check_failure("{loss: mse, batch: 4, shuffle: false}", spoil_input, MB_ERR_NUMERIC,
        "number 0 of the input 'extra' of row 10 is NaN: correct or leave out that row");
}

// Targets near the largest float make gradients infinite while the loss still is finite.
static void enlarge_target(problem *p, mb_context *ctx) {
    (void)ctx;
    for (size_t i = 40; i < PROBLEM_ROWS; i++) {
        problem_column(p, "target")[i] = 1e38F;
    }
}

static void test_fit__weights_that_are_no_numbers_name_step_and_layer(void **state) {
    (void)state;
    check_failure("{loss: mae, optimizer: {sgd: {learning_rate: 1e6, momentum: 1}}, batch: 8, "
                  "shuffle: false, epochs: 200}",
        enlarge_target, MB_ERR_NUMERIC, "train: epoch ");
}

static void test_fit__checkpoints_before_a_failure_are_good_ones(void **state) {
    (void)state;
    static checkpoint_log log;
    mb_test_world world;
    problem p;
    mb_fit_result result;
    mb_test_world_open(&world, 2, MB_CPU_ALL);
    problem_open(&p, world.ctx,
        "{loss: mae, optimizer: {sgd: {learning_rate: 1e6, momentum: 1}}, batch: 8, shuffle: "
        "false, epochs: 200, checkpoint_steps: 4}");
    enlarge_target(&p, world.ctx);
    p.request.hooks = (mb_fit_hooks){.user = &log, .save_checkpoint = checkpoint_keep};
    assert_fails(world.ctx, mb_fit(world.ctx, &p.request, &result), MB_ERR_NUMERIC, "train: ");
    mb_test_assert_same_bits(&result.n_columns, &(size_t){3}, 1, sizeof(size_t), "columns");
    for (size_t i = 0; i < log.n; i++) {
        const mb_array *parameters = mb_bundle_array(&log.bundles[i], "fit/parameters");
        assert_non_null(parameters);
        assert_ok(world.ctx, mb_model_check_finite(world.ctx, p.model, parameters->data));
    }
    assert_ok(world.ctx, mb_model_check_finite(world.ctx, p.model, result.best));
    assert_true(log.n > 0);
    mb_fit_result_clear(&result);
    checkpoint_clear(&log);
    problem_close(&p, world.ctx);
    mb_test_world_close(&world);
}

static void test_fit__equal_labels_give_a_warning(void **state) {
    (void)state;
    notes taken = {""};
    mb_runtime_settings settings = MB_RUNTIME_SETTINGS_INIT;
    settings.notice = take_note;
    settings.notice_user = &taken;
    mb_runtime *runtime;
    mb_context *ctx;
    assert_int_equal(mb_runtime_create(&settings, &runtime), MB_OK);
    assert_int_equal(mb_context_create(runtime, &ctx), MB_OK);
    problem p;
    mb_fit_result result;
    problem_open(&p, ctx, plain);
    for (size_t i = 0; i < PROBLEM_ROWS; i++) {
        problem_column(&p, "target")[i] = 1.0F;
    }
    assert_ok(ctx, mb_fit(ctx, &p.request, &result));
    assert_non_null(strstr(taken.text, "train: all 90 training labels are 1"));
    mb_fit_result_clear(&result);
    problem_close(&p, ctx);
    mb_context_destroy(ctx);
    mb_runtime_destroy(runtime);
}

typedef struct cancelling {
    atomic_bool flag;
    checkpoint_log log;
    size_t n_reports, n_epoch_ends;
} cancelling;

static void cancel_later(void *user, const mb_fit_progress *progress) {
    cancelling *c = user;
    c->n_reports++;
    c->n_epoch_ends += progress->is_epoch_end;
    assert_string_equal(progress->names[0], "loss");
    if (progress->is_epoch_end && progress->epoch == 1) {
        assert_int_equal(progress->n_done, 90);
        atomic_store(&c->flag, true);
    }
}

static mb_status keep_in_cancelling(void *user, mb_context *ctx, const mb_bundle *bundle) {
    return checkpoint_keep(&((cancelling *)user)->log, ctx, bundle);
}

static void test_fit__a_cancelled_one_goes_on_to_the_same_weights(void **state) {
    (void)state;
    static cancelling c;
    mb_test_world world;
    problem p;
    mb_fit_result whole, part, rest;
    mb_test_world_open(&world, 2, MB_CPU_ALL);
    problem_open(&p, world.ctx, "{loss: mse, batch: 16, epochs: 4, validation: 0.25}");
    assert_ok(world.ctx, mb_fit(world.ctx, &p.request, &whole));
    p.request.cancel = &c.flag;
    p.request.hooks =
        (mb_fit_hooks){.user = &c, .progress = cancel_later, .save_checkpoint = keep_in_cancelling};
    assert_fails(
        world.ctx, mb_fit(world.ctx, &p.request, &part), MB_ERR_CANCELLED, "epoch 3, step 1");
    assert_int_equal(part.n_epochs, 2);
    assert_int_equal(c.n_epoch_ends, 2);
    p.request.cancel = NULL;
    p.request.hooks = (mb_fit_hooks){.user = NULL};
    p.request.resume = &c.log.bundles[c.log.n - 1];
    assert_ok(world.ctx, mb_fit(world.ctx, &p.request, &rest));
    assert_int_equal(rest.n_epochs, 4);
    mb_test_assert_same_bits(
        rest.last, whole.last, p.model->n_parameters, sizeof(float), "weights");
    mb_fit_result_clear(&whole);
    mb_fit_result_clear(&part);
    mb_fit_result_clear(&rest);
    checkpoint_clear(&c.log);
    problem_close(&p, world.ctx);
    mb_test_world_close(&world);
}

// Entries of another length or range are refused, not read.
static void test_fit__damaged_checkpoints_are_refused(void **state) {
    (void)state;
    static checkpoint_log log;
    mb_test_world world;
    problem p;
    mb_fit_result result;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    problem_open(&p, world.ctx,
        "{loss: mse, metrics: [auc], batch: 16, epochs: 1, validation: 0.25, checkpoint_steps: 2, "
        "callbacks: [{early_stopping: {restore_best_weights: true}}]}");
    p.request.hooks = (mb_fit_hooks){.user = &log, .save_checkpoint = checkpoint_keep};
    assert_ok(world.ctx, mb_fit(world.ctx, &p.request, &result));
    mb_fit_result_clear(&result);
    p.request.hooks = (mb_fit_hooks){.user = NULL};
    mb_bundle *bundle = &log.bundles[0];
    p.request.resume = bundle;
    for (size_t i = 0; i < bundle->n; i++) {
        mb_bundle_entry *entry = &bundle->entries[i];
        const char *name = entry->name;
        entry->name = "gone";
        // A callback without best parameters is a legal state.
        if (strcmp(name, "callback0/best") != 0 &&
            mb_fit(world.ctx, &p.request, &result) == MB_OK) {
            fail_msg("resumed without %s", name);
        } else {
            mb_context_clear(world.ctx);
        }
        mb_fit_result_clear(&result);
        entry->name = name;
    }
    // Epoch, step, rows done, ... history, scores: out of range, or not belonging together.
    static const struct {
        size_t at;
        double value;
    } damages[] = {{2, 1e9}, {0, -1}, {0, 0.5}, {0, NAN}, {1, 0}, {2, 0}, {7, 1}, {8, 0}, {8, 33}};
    double *position = mb_bundle_array(bundle, "fit/position")->data;
    for (size_t i = 0; i < MB_COUNT_OF(damages); i++) {
        const double good = position[damages[i].at];
        position[damages[i].at] = damages[i].value;
        assert_fails(world.ctx, mb_fit(world.ctx, &p.request, &result), MB_ERR_FORMAT,
            "'fit/position' does not fit");
        mb_fit_result_clear(&result);
        position[damages[i].at] = good;
    }
    checkpoint_clear(&log);
    problem_close(&p, world.ctx);
    mb_test_world_close(&world);
}

static void test_fit__any_lack_of_memory_ends_cleanly(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_memory memory;
    problem p;
    mb_test_world_open_short(&world, &memory);
    problem_open(&p, world.ctx,
        "{loss: mse, metrics: [auc], batch: 90, epochs: 1, validation: 0.25, callbacks: "
        "[{early_stopping: {restore_best_weights: true}}]}");
    const size_t n_held = memory.n_held;
    mb_status status = MB_ERR_MEMORY;
    size_t n = 0;
    for (; status != MB_OK; n++) {
        mb_fit_result result;
        memory.left = n;
        status = mb_fit(world.ctx, &p.request, &result);
        assert_true(status == MB_OK || status == MB_ERR_MEMORY);
        assert_int_equal(status, mb_context_status(world.ctx));
        mb_fit_result_clear(&result);
        assert_int_equal(memory.n_held, n_held);
        mb_context_clear(world.ctx);
        assert_true(n < 5000);
    }
    assert_true(n > 50);
    memory.left = SIZE_MAX;
    problem_close(&p, world.ctx);
    mb_test_world_close(&world);
}

// A longer training differs in its steps alone, and a step allocates nothing. What the history and
// the lists of sparse entries grow by is there before the epochs that are compared.
static void test_fit__steps_allocate_nothing(void **state) {
    (void)state;
    uint64_t n_allocations[2];
    for (size_t i = 0; i < 2; i++) {
        mb_test_world world;
        problem p;
        mb_fit_result result;
        mb_test_world_open(&world, 2, MB_CPU_ALL);
        problem_open(&p, world.ctx, plain);
        p.train.options.epochs = 20 + i;
        const uint64_t before = mb_runtime_allocations(world.runtime);
        assert_ok(world.ctx, mb_fit(world.ctx, &p.request, &result));
        n_allocations[i] = mb_runtime_allocations(world.runtime) - before;
        mb_fit_result_clear(&result);
        problem_close(&p, world.ctx);
        mb_test_world_close(&world);
    }
    assert_int_equal(n_allocations[0], n_allocations[1]);
}

static void test_train__mistakes_are_named_with_their_line(void **state) {
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"loss: mse\nepoch: 3", "t.yaml:2: train: unknown key 'epoch'; did you mean 'epochs'?"},
        {"batch: 3", "'loss' is missing"},
        {"loss: mse\noptimizer: adan", "did you mean 'adam'?"},
        {"loss: mse\noptimizer: {adam: {learning_rat: 1}}", "did you mean 'learning_rate'?"},
        {"loss: mse\nmetrics: [accuracy, accuracy]", "'accuracy' is there twice"},
        {"loss: mse\nmetrics: [acuracy]", "did you mean 'accuracy'?"},
        {"loss: sparse_categorical_crossentropy\nmetrics: [accuracy, mse]",
            "'mse' compares number by number"},
        {"loss: mse\nvalidation: 1", "validation: is 1"},
        {"loss: mse\nvalidation: {fraction: 0.5, take: some}", "unknown take 'some'"},
        {"loss: mse\nclass_weight: {yes: 2}", "'yes' is not a class"},
        {"loss: mse\nclass_weight: {0: -1}", "t.yaml:2: class_weight: the weight of class 0"},
        {"loss: mse\nfolds: 1", "folds is 1"},
        {"loss: mse\nbatch: 0", "batch is 0"},
    };
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        mb_document document;
        mb_train train;
        assert_ok(world.ctx,
            mb_yaml_parse(world.ctx, "t.yaml", cases[i].text, strlen(cases[i].text), &document));
        assert_fails(world.ctx, mb_train_read(world.ctx, &document, document.root, &train),
            MB_ERR_FORMAT, cases[i].part);
        mb_document_clear(&document);
    }
    mb_test_world_close(&world);
}

static void test_train__the_resolved_map_reads_back_the_same(void **state) {
    (void)state;
    static const char text[] =
        "{loss: {huber: {delta: 2}}, optimizer: nadam, metrics: [mae], validation: {fraction: 0.1, "
        "take: random}, class_weight: {1: 2.5}, callbacks: [{early_stopping: {baseline: 0.5}}]}";
    mb_test_world world;
    mb_document document;
    mb_train train, again;
    mb_buffer first, second;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    assert_ok(world.ctx, mb_yaml_parse(world.ctx, "t.yaml", text, strlen(text), &document));
    assert_ok(world.ctx, mb_train_read(world.ctx, &document, document.root, &train));
    const mb_node *node = mb_train_to_node(world.ctx, &document, &train);
    assert_non_null(node);
    assert_ok(world.ctx, mb_train_read(world.ctx, &document, node, &again));
    const mb_node *node_again = mb_train_to_node(world.ctx, &document, &again);
    mb_buffer_init(&first, world.ctx);
    mb_buffer_init(&second, world.ctx);
    mb_node_write_yaml(&first, node);
    mb_node_write_yaml(&second, node_again);
    assert_string_equal(first.data, second.data);
    assert_non_null(strstr(first.data, "schedule_decay"));
    assert_non_null(strstr(first.data, "baseline"));
    assert_true(again.class_weights.weight[1] == 2.5F && again.class_weights.weight[0] == 1.0F);
    mb_buffer_clear(&first);
    mb_buffer_clear(&second);
    mb_document_clear(&document);
    mb_test_world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fit__what_does_not_fit_is_refused_by_name),
        cmocka_unit_test(test_fit__a_loss_that_is_no_number_names_step_and_layer),
        cmocka_unit_test(test_fit__weights_that_are_no_numbers_name_step_and_layer),
        cmocka_unit_test(test_fit__checkpoints_before_a_failure_are_good_ones),
        cmocka_unit_test(test_fit__equal_labels_give_a_warning),
        cmocka_unit_test(test_fit__a_cancelled_one_goes_on_to_the_same_weights),
        cmocka_unit_test(test_fit__damaged_checkpoints_are_refused),
        cmocka_unit_test(test_fit__any_lack_of_memory_ends_cleanly),
        cmocka_unit_test(test_fit__steps_allocate_nothing),
        cmocka_unit_test(test_train__mistakes_are_named_with_their_line),
        cmocka_unit_test(test_train__the_resolved_map_reads_back_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
