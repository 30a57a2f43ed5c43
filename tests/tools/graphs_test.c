// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tool.h"

#include "files/hdf5.h"
#include "files/npy.h"

#include <stdio.h>

// Trainings over graphs, as a user runs them: what is said, stored and predicted.

#define NORMALIZATION                                                                              \
    "    - {batch_normalization: {epsilon: 1e-5, momentum: 0.9, unbiased_variance: true}}\n"
#define TORCH "kernel_initializer: torch_uniform, bias_initializer: torch_uniform"
#define HEAD                                                                                       \
    "study: graphs\nversion: 1\nseed: 3\ndata: {source: tracks, file: tracks.pickle, dir: toys, "  \
    "features: [xyz, emb]}\nmodel:\n  layers:\n    - {input: features, axis: "                     \
    "nodes}\n" NORMALIZATION
#define TAIL                                                                                       \
    "    - {dense: {units: 2, " TORCH "}, name: embedding}\n"                                      \
    "train:\n  loss: {hinge_embedding: {edges: loss, margin: 1}}\n"                                \
    "  optimizer: {adamax: {learning_rate: 0.001, epsilon: 1e-8, epsilon_inside: true}}\n"         \
    "  metrics: [distance_accuracy]\n  batch: 4\n  epochs: 3\n"

static const char short_form[] = HEAD "    - {graph_conv: {units: 16}, name: conv}\n" TAIL;
static const char chain[] =
    HEAD "    - {gather: {edges: pred}, name: conv_gather, from: start}\n"
         "    - {dense: {units: 16, activation: relu, " TORCH "}, name: conv_hidden}\n"
         "    - {dense: {units: 1, activation: sigmoid, " TORCH "}, name: conv_weight}\n"
         "    - {weighted_sum: {edges: pred}, from: [start, conv_weight], name: conv_sum}\n"
         "    - {concatenate: {}, from: [start, conv_sum], name: conv_concatenate}\n"
         "    - {dense: {units: 16, activation: relu, " TORCH "}, name: conv_dense}\n" TAIL;

// Both studies name the normalisation alike.
static void write_studies(mb_tool_world *world) {
    static const char mark[] = "unbiased_variance: true}}";
    const char *const texts[] = {short_form, chain};
    const char *const names[] = {"short.yaml", "chain.yaml"};
    for (size_t i = 0; i < 2; i++) {
        char text[4096];
        const char *end = strstr(texts[i], mark);
        assert_non_null(end);
        const int length = (int)(end - texts[i]) + (int)strlen(mark) - 1;
        snprintf(
            text, sizeof text, "%.*s, name: start}%s", length, texts[i], texts[i] + length + 1);
        mb_tool_write(world, names[i], text);
    }
    mb_tool_expect(world, 0, "simulate tracks -o toys --events 26 --seed 4 --force");
}

static char *sum_of(mb_tool_world *world, const char *name, const char *key) {
    char *text = mb_tool_read(world, name);
    mb_document record = mb_tool_json(world, text);
    const char *sum = mb_node_text(mb_node_find(record.root, key));
    char *copy = mb_copy_text(world->base.ctx, sum != NULL ? sum : "");
    mb_document_clear(&record);
    mb_release(world->base.ctx, text);
    return copy;
}

static void assert_same_weights(mb_tool_world *world, const char *first, const char *second) {
    char *a = sum_of(world, first, "last_weights_sha256");
    char *b = sum_of(world, second, "last_weights_sha256");
    assert_int_equal(strlen(a), 64);
    assert_string_equal(a, b);
    mb_release(world->base.ctx, a);
    mb_release(world->base.ctx, b);
}

static void test_graphs__a_training_says_what_the_original_says(void **state) {
    mb_tool_world *world = *state;
    write_studies(world);
    mb_tool_expect(world, 0, "train short.yaml -o run --force --threads 1");
    // 26 samples, a fifth of them for validation: 20 in 5 batches.
    static const char *const lines[] = {"Loaded 26 samples.", "graphs(",
        "  (start): BatchNormalization(nodes x 6 -> nodes x 6, 12 parameters)",
        "  (conv): GraphConv(", "    (gather): Gather(nodes x 6 -> edges.pred x 12)",
        "    (hidden): Dense(edges.pred x 12 -> edges.pred x 16, 208 parameters)",
        "  (embedding): Dense(nodes x 16 -> nodes x 2, 34 parameters)", "479 parameters",
        "\nTraining on 20 samples\n   8  Loss: 0.", "\n  16  Loss: 0.", "\n  20  Loss: 0.",
        "\n  validation  Loss: "};
    const char *at = world->last.err;
    for (size_t i = 0; i < MB_COUNT_OF(lines); i++) {
        const char *found = strstr(at, lines[i]);
        if (found == NULL) {
            fail_msg("'%s' is not said in its place", lines[i]);
        }
        at = found;
    }
    assert_non_null(strstr(at, "  Acc: "));
    char *history = mb_tool_read(world, "run/history.csv");
    assert_memory_equal(
        history, "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds\n", 64);
    mb_release(world->base.ctx, history);
}

static void test_graphs__switches_bring_back_the_original(void **state) {
    mb_tool_world *world = *state;
    mb_tool_expect(world, 0, "train short.yaml -o old --force --set compat=true");
    // All samples train, in whole batches; the last odd one is not told.
    assert_non_null(strstr(world->last.err, "validate on 0"));
    assert_non_null(strstr(world->last.err, "Training on 24 samples\n  12  Loss: 0."));
    assert_non_null(strstr(world->last.err, "(mask): MaskIsolated("));
    assert_null(strstr(world->last.err, "  validation  Loss"));
    // The columns of a validation are there, and empty; who reads the table passes over them.
    char *history = mb_tool_read(world, "old/history.csv");
    static const char header[] =
        "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds\n1,0.";
    assert_memory_equal(history, header, sizeof header - 1);
    assert_non_null(strstr(history, ",,,0.001"));
    mb_release(world->base.ctx, history);
    mb_tool_expect(world, 0, "inspect old/history.csv");
    mb_tool_expect(world, 0, "convert old/history.csv old.pkl");
    mb_tool_expect(world, 0, "convert old.pkl old.csv");
    history = mb_tool_read(world, "old.csv");
    assert_memory_equal(history, "epoch,loss,accuracy,learning_rate\n", 34);
    mb_release(world->base.ctx, history);
    // A written key wins.
    mb_tool_expect(world, 0,
        "train short.yaml -o old --force --set compat=true --set train.drop_last=false --set "
        "train.validation=0.5");
    assert_non_null(strstr(world->last.err, "validate on 13"));
}

static void test_graphs__the_short_form_and_the_chain_train_alike(void **state) {
    mb_tool_world *world = *state;
    mb_tool_expect(world, 0, "train short.yaml -o short --force --threads 1 --cpu c");
    mb_tool_expect(world, 0, "train chain.yaml -o chain --force --threads 2");
    assert_same_weights(world, "short/training.json", "chain/training.json");
}

static void test_graphs__a_killed_training_goes_on_to_the_same_bits(void **state) {
    mb_tool_world *world = *state;
    static const char settings[] = "--set train.epochs=120 --set train.checkpoint_steps=3";
    mb_tool_expect(world, 0, "train short.yaml -o whole --force %s", settings);
    mb_tool_expect(world, 0, "help");
    if (!mb_tool_kill(world, 250, "train short.yaml -o killed --force %s", settings)) {
        print_message("SKIPPED: the training ended before it was killed\n");
        return;
    }
    mb_tool_expect(world, 0, "train short.yaml -o killed --resume --threads 1 %s", settings);
    assert_same_weights(world, "whole/training.json", "killed/training.json");
}

static void test_graphs__a_prepared_file_is_predicted_node_by_node(void **state) {
    mb_tool_world *world = *state;
    mb_context *ctx = world->base.ctx;
    mb_tool_expect(world, 0, "prepare short.yaml -o data.h5 --force");
    mb_tool_expect(world, 0, "predict run/model.h5 data.h5 -o a.npy --force --threads 1");
    mb_h5_file *file = NULL;
    mb_h5_info info;
    mb_array out;
    assert_ok(ctx, mb_h5_open(ctx, mb_tool_path(world, "data.h5"), &file));
    assert_ok(ctx, mb_h5_get_info(file, "/inputs/features", &info));
    mb_h5_close(file);
    assert_ok(ctx, mb_npy_read(ctx, mb_tool_path(world, "a.npy"), &out));
    assert_int_equal(out.rank, 2);
    assert_int_equal(out.shape[0], info.shape[0]);
    assert_int_equal(out.shape[1], 2);
    mb_array_clear(&out);
    // The model as another format keeps it.
    mb_tool_expect(world, 0, "convert run/model.h5 model.keras --force");
    mb_tool_expect(world, 0, "predict model.keras data.h5 -o b.npy --force --cpu c");
    mb_tool_assert_same(world, "a.npy", "b.npy");
    mb_tool_expect(world, 0, "summary model.keras");
    assert_non_null(strstr(world->last.out, "Trainable params: 479"));
    assert_non_null(strstr(world->last.out, "registered as minbias>MinbiasGather"));
    mb_tool_expect(world, 1, "predict model.keras a.npy -o c.npy --force");
    assert_non_null(
        strstr(world->last.err, "but the model works with graphs; give what prepare wrote"));
}

static void test_graphs__mistakes_of_a_study_are_told_by_line(void **state) {
    mb_tool_world *world = *state;
    static const struct {
        const char *setting, *part;
    } mistakes[] = {
        {"model.conv.edges=near", "works with edges.near, which the data does not have (it has"},
        {"model.conv.kernel=softmx", "softmax"},
        {"model.conv.kernel_layers=0", "kernel_layers"},
        {"train.loss.hinge_embedding.edges=los", "the data has no edges.los"},
        {"train.metrics=[accuracy]", "use distance_accuracy"},
        {"train.loss=mse", "take hinge_embedding as loss"},
    };
    for (size_t i = 0; i < MB_COUNT_OF(mistakes); i++) {
        mb_tool_expect(
            world, 1, "train short.yaml -o wrong --force --set '%s'", mistakes[i].setting);
        if (strstr(world->last.err, mistakes[i].part) == NULL) {
            fail_msg("%s: said %s", mistakes[i].setting, world->last.err);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_graphs__a_training_says_what_the_original_says),
        cmocka_unit_test(test_graphs__switches_bring_back_the_original),
        cmocka_unit_test(test_graphs__the_short_form_and_the_chain_train_alike),
        cmocka_unit_test(test_graphs__a_killed_training_goes_on_to_the_same_bits),
        cmocka_unit_test(test_graphs__a_prepared_file_is_predicted_node_by_node),
        cmocka_unit_test(test_graphs__mistakes_of_a_study_are_told_by_line),
    };
    return cmocka_run_group_tests(tests, mb_tool_open, mb_tool_close);
}
