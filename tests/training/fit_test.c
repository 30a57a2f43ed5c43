// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "golden.h"
#include "problem.h"

#include <math.h>

static const char usual[] =
    "{loss: binary_crossentropy, optimizer: {adam: {learning_rate: 0.02}}, metrics: [accuracy, "
    "auc, mse], batch: 16, epochs: 4, validation: 0.25, checkpoint_steps: 2, callbacks: "
    "[{early_stopping: {patience: 30, restore_best_weights: true}}, {reduce_lr_on_plateau: "
    "{patience: 1, factor: 0.5, min_delta: 0.2}}]}";

typedef struct outcome {
    char hash[65];
    size_t n_epochs, best_epoch;
    double history[32 * 8]; // without seconds
} outcome;

static void keep_outcome(const problem *p, const mb_fit_result *result, outcome *out) {
    memset(out, 0, sizeof *out);
    mb_model_hash(p->model, result->last, out->hash);
    out->n_epochs = result->n_epochs;
    out->best_epoch = result->best_epoch;
    const size_t n = result->n_columns - 1;
    for (size_t epoch = 0; epoch < result->n_epochs; epoch++) {
        memcpy(out->history + epoch * n, result->history + epoch * result->n_columns,
            n * sizeof(double));
    }
}

static void assert_same_outcome(const outcome *got, const outcome *wanted, const char *what) {
    if (strcmp(got->hash, wanted->hash) != 0) {
        fail_msg("%s: other weights", what);
    }
    assert_int_equal(got->n_epochs, wanted->n_epochs);
    assert_int_equal(got->best_epoch, wanted->best_epoch);
    mb_test_assert_same_bits(
        got->history, wanted->history, MB_COUNT_OF(got->history), sizeof(double), what);
}

static void run_usual(unsigned n_threads, uint32_t cpu, outcome *out) {
    mb_test_world world;
    problem p;
    mb_fit_result result;
    mb_test_world_open(&world, n_threads, cpu);
    problem_open(&p, world.ctx, usual);
    assert_ok(world.ctx, mb_fit(world.ctx, &p.request, &result));
    keep_outcome(&p, &result, out);
    mb_fit_result_clear(&result);
    problem_close(&p, world.ctx);
    mb_test_world_close(&world);
}

static void test_fit__bits_do_not_depend_on_threads(void **state) {
    (void)state;
    static const unsigned counts[] = {2, 3, 7};
    static outcome wanted, got;
    run_usual(1, MB_CPU_ALL, &wanted);
    for (size_t i = 0; i < MB_COUNT_OF(counts); i++) {
        run_usual(counts[i], MB_CPU_ALL, &got);
        assert_same_outcome(&got, &wanted, "threads");
    }
}

static void test_fit__bits_do_not_depend_on_instruction_sets(void **state) {
    (void)state;
    static const uint32_t masks[] = {MB_CPU_AVX2, MB_CPU_ALL};
    static const char *const names[] = {"AVX2", "AVX-512"};
    static outcome wanted, got;
    run_usual(2, 0, &wanted);
    for (size_t i = 0; i < MB_COUNT_OF(masks); i++) {
        mb_test_world world;
        mb_test_world_open(&world, 1, masks[i]);
        const bool is_there = mb_runtime_cpu(world.runtime) == masks[i];
        mb_test_world_close(&world);
        if (!is_there) {
            print_message("SKIPPED: this machine or build has no %s\n", names[i]);
            continue;
        }
        run_usual(2, masks[i], &got);
        assert_same_outcome(&got, &wanted, names[i]);
    }
}

static void test_fit__every_checkpoint_resumes_to_the_same_bits(void **state) {
    (void)state;
    static outcome wanted, got;
    static checkpoint_log log;
    mb_test_world world;
    problem p;
    mb_fit_result result;
    mb_test_world_open(&world, 2, MB_CPU_ALL);
    problem_open(&p, world.ctx, usual);
    p.request.hooks = (mb_fit_hooks){.user = &log, .save_checkpoint = checkpoint_keep};
    assert_ok(world.ctx, mb_fit(world.ctx, &p.request, &result));
    keep_outcome(&p, &result, &wanted);
    mb_fit_result_clear(&result);
    // Six steps an epoch: three checkpoints within it and one at its end.
    assert_int_equal(log.n, 16);
    p.request.hooks = (mb_fit_hooks){.user = NULL};
    p.request.parameters = NULL;
    for (size_t i = 0; i < log.n; i++) {
        p.request.resume = &log.bundles[i];
        assert_ok(world.ctx, mb_fit(world.ctx, &p.request, &result));
        keep_outcome(&p, &result, &got);
        mb_fit_result_clear(&result);
        assert_same_outcome(&got, &wanted, "resumed");
    }
    p.request.seed++;
    assert_fails(world.ctx, mb_fit(world.ctx, &p.request, &result), MB_ERR_FORMAT,
        "checkpoint: it is of another model");
    mb_fit_result_clear(&result);
    checkpoint_clear(&log);
    problem_close(&p, world.ctx);
    mb_test_world_close(&world);
}

static double figure_of(const mb_fit_result *result, size_t epoch, const char *name) {
    for (size_t i = 0; i < result->n_columns; i++) {
        if (strcmp(result->columns[i], name) == 0) {
            return result->history[epoch * result->n_columns + i];
        }
    }
    fail_msg("no column %s", name);
    return 0.0;
}

static void test_fit__a_separable_problem_is_learnt(void **state) {
    (void)state;
    mb_test_world world;
    problem p;
    mb_fit_result result;
    mb_test_world_open(&world, 2, MB_CPU_ALL);
    problem_open(&p, world.ctx,
        "{loss: binary_crossentropy, optimizer: {nadam: {learning_rate: 0.01}}, metrics: "
        "[accuracy, auc], batch: 8, epochs: 25, validation: 0.2}");
    assert_ok(world.ctx, mb_fit(world.ctx, &p.request, &result));
    assert_int_equal(result.n_epochs, 25);
    assert_true(figure_of(&result, 24, "loss") < 0.25);
    assert_true(figure_of(&result, 24, "accuracy") > 0.9);
    assert_true(figure_of(&result, 24, "val_auc") > 0.9);
    assert_true(figure_of(&result, 24, "loss") < 0.5 * figure_of(&result, 0, "loss"));
    assert_null(result.monitor);
    mb_test_assert_same_bits(
        result.best, result.last, p.model->n_parameters, sizeof(float), "best without monitor");
    mb_fit_result_clear(&result);
    problem_close(&p, world.ctx);
    mb_test_world_close(&world);
}

// The last epoch's validation figures must be those of the last parameters.
static void test_fit__validation_agrees_with_predictions_of_the_result(void **state) {
    (void)state;
    mb_test_world world;
    problem p;
    mb_fit_result result;
    mb_test_world_open(&world, 3, MB_CPU_ALL);
    problem_open(&p, world.ctx,
        "{loss: mse, optimizer: sgd, metrics: [accuracy], batch: 50, epochs: 2, validation: 0.4}");
    assert_ok(world.ctx, mb_fit(world.ctx, &p.request, &result));
    float scores[PROBLEM_ROWS];
    float *outputs[] = {scores};
    assert_ok(world.ctx, mb_predict_dataset(world.ctx, p.model, result.last, &p.dataset,
                             p.validation_rows, p.n_validation, outputs));
    const float *target = problem_column(&p, "target");
    double loss = 0.0, right = 0.0;
    for (size_t i = 0; i < p.n_validation; i++) {
        const double truth = (double)target[p.validation_rows[i]];
        const double error = (double)scores[i] - truth;
        loss += error * error / (double)p.n_validation;
        right += (scores[i] > 0.5F) == (truth > 0.5) ? 1.0 / (double)p.n_validation : 0.0;
    }
    loss += mb_penalty(p.model, result.last, NULL);
    assert_true(fabs(figure_of(&result, 1, "val_loss") - loss) < 1e-6);
    assert_true(fabs(figure_of(&result, 1, "val_accuracy") - right) < 1e-6);
    assert_int_equal(p.n_validation, 48);
    // Rows for testing are measured as those for validation are, be they less than a batch.
    double measured[2];
    p.request.parameters = result.last;
    p.train.options.drop_last = true;
    assert_ok(world.ctx, mb_fit_measure(world.ctx, &p.request, measured));
    assert_true(measured[0] == figure_of(&result, 1, "val_loss"));
    assert_true(measured[1] == figure_of(&result, 1, "val_accuracy"));
    problem_column(&p, "target")[p.validation_rows[7]] = NAN;
    assert_fails(world.ctx, mb_fit_measure(world.ctx, &p.request, measured), MB_ERR_RANGE,
        "is not a number; correct or leave out that row");
    mb_fit_result_clear(&result);
    problem_close(&p, world.ctx);
    mb_test_world_close(&world);
}

static void test_fit__early_stopping_keeps_and_restores_the_best(void **state) {
    (void)state;
    mb_test_world world;
    problem p;
    mb_fit_result result;
    mb_test_world_open(&world, 2, MB_CPU_ALL);
    // A learning rate of 0: the loss never improves on the first epoch's by 0.5.
    problem_open(&p, world.ctx,
        "{loss: binary_crossentropy, optimizer: {sgd: {learning_rate: 0}}, batch: 32, epochs: 20, "
        "validation: 0.2, callbacks: [{early_stopping: {monitor: val_loss, patience: 2, "
        "min_delta: 0.5, restore_best_weights: true}}]}");
    assert_ok(world.ctx, mb_fit(world.ctx, &p.request, &result));
    assert_true(result.stopped_early);
    assert_int_equal(result.n_epochs, 3);
    assert_string_equal(result.monitor, "val_loss");
    mb_fit_result_clear(&result);
    problem_close(&p, world.ctx);
    mb_test_world_close(&world);
}

static mb_status count_best(void *user, mb_context *ctx, const float *parameters) {
    (void)ctx;
    (void)parameters;
    ++*(size_t *)user;
    return MB_OK;
}

static void test_fit__the_best_epoch_is_that_of_the_least_monitored_loss(void **state) {
    (void)state;
    mb_test_world world;
    problem p;
    mb_fit_result result;
    size_t n_saved = 0, n_better = 0, best = 0;
    mb_test_world_open(&world, 2, MB_CPU_ALL);
    problem_open(&p, world.ctx,
        "{loss: binary_crossentropy, optimizer: {adam: {learning_rate: 0.1}}, batch: 8, epochs: 8, "
        "validation: 0.3, callbacks: [{model_checkpoint: {save_best_only: true}}]}");
    p.request.hooks = (mb_fit_hooks){.user = &n_saved, .save_best = count_best};
    assert_ok(world.ctx, mb_fit(world.ctx, &p.request, &result));
    for (size_t epoch = 0; epoch < result.n_epochs; epoch++) {
        if (epoch == 0 ||
            figure_of(&result, epoch, "val_loss") < figure_of(&result, best, "val_loss")) {
            best = epoch;
            n_better++;
        }
    }
    assert_int_equal(result.best_epoch, best);
    assert_int_equal(n_saved, n_better);
    mb_fit_result_clear(&result);
    problem_close(&p, world.ctx);
    mb_test_world_close(&world);
}

typedef struct newest_log {
    size_t n_parameters, n_best, n_checkpoints;
    float best[512];
} newest_log;

static mb_status newest_best(void *user, mb_context *ctx, const float *parameters) {
    (void)ctx;
    newest_log *log = user;
    memcpy(log->best, parameters, log->n_parameters * sizeof *parameters);
    log->n_best++;
    return MB_OK;
}

static mb_status newest_checkpoint(void *user, mb_context *ctx, const mb_bundle *bundle) {
    newest_log *log = user;
    float stored[512];
    assert_ok(ctx, mb_bundle_get_floats(bundle, ctx, "fit/parameters", stored, log->n_parameters));
    log->n_checkpoints++;
    // Not of the last one: who trains stores its weights.
    if (log->n_best == log->n_checkpoints) {
        assert_memory_equal(stored, log->best, log->n_parameters * sizeof *stored);
    }
    return MB_OK;
}

static void test_fit__without_a_figure_to_choose_by_the_newest_weights_are_best(void **state) {
    (void)state;
    mb_test_world world;
    problem p;
    mb_fit_result result;
    mb_test_world_open(&world, 2, MB_CPU_ALL);
    problem_open(&p, world.ctx,
        "{loss: binary_crossentropy, optimizer: {adam: {}}, batch: 8, epochs: 3, "
        "validation: 0.3, checkpoint_steps: 2}");
    newest_log log = {.n_parameters = p.request.model->n_parameters};
    assert_true(log.n_parameters <= MB_COUNT_OF(log.best));
    p.request.hooks = (mb_fit_hooks){
        .user = &log, .save_best = newest_best, .save_checkpoint = newest_checkpoint};
    assert_ok(world.ctx, mb_fit(world.ctx, &p.request, &result));
    assert_true(log.n_best > 3);
    assert_int_equal(log.n_best, log.n_checkpoints - 1);
    mb_fit_result_clear(&result);
    problem_close(&p, world.ctx);
    mb_test_world_close(&world);
}

static golden_list x, weights, target, first, last, wanted;

static void open_golden_problem(problem *p, mb_context *ctx, mb_node *entry) {
    assert_ok(ctx, mb_train_read(ctx, &p->document, golden_member(entry, "train"), &p->train));
    golden_floats(golden_member(entry, "target"), &target);
    golden_floats(golden_member(entry, "first"), &first);
    golden_floats(golden_member(entry, "last"), &last);
    mb_dataset_init(&p->dataset, ctx);
    assert_ok(ctx, mb_dataset_set_rows(&p->dataset, ctx, target.n));
    memcpy(
        problem_add_dense(&p->dataset, ctx, "x", MB_ROLE_INPUT, 3), x.value, x.n * sizeof(float));
    memcpy(problem_add_dense(&p->dataset, ctx, "target", MB_ROLE_TARGET, 1), target.value,
        target.n * sizeof(float));
    memcpy(problem_add_dense(&p->dataset, ctx, "weight", MB_ROLE_EXTRA, 1), weights.value,
        weights.n * sizeof(float));
    problem_dense_model(ctx, &p->document, 3, (size_t)golden_member(entry, "outputs")->integer,
        golden_member(entry, "l2")->real, &p->model);
    assert_int_equal(p->model->n_parameters, first.n);
    const mb_split_options all = {.has_rows = false};
    assert_ok(ctx, mb_split_apply(&p->dataset, ctx, &all, &p->train.validation, 1));
    assert_ok(
        ctx, mb_dataset_rows_of(&p->dataset, ctx, MB_SPLIT_TRAIN, &p->train_rows, &p->n_train));
    assert_ok(ctx, mb_dataset_rows_of(&p->dataset, ctx, MB_SPLIT_VALIDATION, &p->validation_rows,
                       &p->n_validation));
    p->request = (mb_fit_request){.model = p->model,
        .parameters = first.value,
        .dataset = &p->dataset,
        .train_rows = p->train_rows,
        .validation_rows = p->validation_rows,
        .n_train = p->n_train,
        .n_validation = p->n_validation,
        .train = &p->train,
        .seed = 1};
}

static void compare_with_keras(mb_context *ctx, mb_document *document, mb_node *entry) {
    static const char *const columns[] = {"loss", "accuracy", "val_loss", "val_accuracy"};
    problem p = {.document = *document};
    mb_fit_result result;
    open_golden_problem(&p, ctx, entry);
    assert_ok(ctx, mb_fit(ctx, &p.request, &result));
    for (size_t i = 0; i < MB_COUNT_OF(columns); i++) {
        golden_floats(golden_member(entry, columns[i]), &wanted);
        assert_int_equal(wanted.n, result.n_epochs);
        for (size_t epoch = 0; epoch < wanted.n; epoch++) {
            const float got = (float)figure_of(&result, epoch, columns[i]);
            mb_test_assert_close(&got, &wanted.value[epoch], 1, 5e-6, 5e-6, columns[i]);
        }
    }
    mb_test_assert_close(result.last, last.value, last.n, 2e-5, 2e-5, "last weights");
    mb_fit_result_clear(&result);
    mb_release(ctx, p.train_rows);
    mb_release(ctx, p.validation_rows);
    mb_model_destroy(p.model);
    mb_dataset_clear(&p.dataset);
    *document = p.document;
}

static void check_golden(const char *name) {
    mb_test_world world;
    mb_document document;
    mb_test_world_open(&world, 2, MB_CPU_ALL);
    golden_open(world.ctx, name, &document);
    golden_floats(golden_member(document.root, "x"), &x);
    golden_floats(golden_member(document.root, "weights"), &weights);
    size_t n = 0;
    mb_node *cases = golden_member(document.root, "cases");
    for (mb_node *entry = cases->first; entry != NULL; entry = entry->next, n++) {
        compare_with_keras(world.ctx, &document, entry);
    }
    assert_int_equal(n, 3);
    mb_document_clear(&document);
    mb_test_world_close(&world);
}

static void test_fit__histories_and_weights_are_those_of_keras_2(void **state) {
    (void)state;
    check_golden("fits_keras2.yaml");
}

static void test_fit__histories_and_weights_are_those_of_keras_3(void **state) {
    (void)state;
    check_golden("fits_keras3.yaml");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fit__bits_do_not_depend_on_threads),
        cmocka_unit_test(test_fit__bits_do_not_depend_on_instruction_sets),
        cmocka_unit_test(test_fit__every_checkpoint_resumes_to_the_same_bits),
        cmocka_unit_test(test_fit__a_separable_problem_is_learnt),
        cmocka_unit_test(test_fit__validation_agrees_with_predictions_of_the_result),
        cmocka_unit_test(test_fit__early_stopping_keeps_and_restores_the_best),
        cmocka_unit_test(test_fit__without_a_figure_to_choose_by_the_newest_weights_are_best),
        cmocka_unit_test(test_fit__the_best_epoch_is_that_of_the_least_monitored_loss),
        cmocka_unit_test(test_fit__histories_and_weights_are_those_of_keras_2),
        cmocka_unit_test(test_fit__histories_and_weights_are_those_of_keras_3),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
