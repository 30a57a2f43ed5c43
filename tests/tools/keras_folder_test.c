// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tool.h"

#include "files/pickle_write.h"
#include "files/zip.h"

#include <stdio.h>

// A model folder as Keras saves it, with the history of its training.

static void put_file(mb_tool_world *world, const char *name, const void *bytes, size_t length) {
    assert_ok(
        world->base.ctx, mb_write_file(world->base.ctx, mb_tool_path(world, name), bytes, length));
}

static void make_folder(mb_tool_world *world) {
    static const char *const names[] = {"plain/keras_metadata.pb", "plain/saved_model.pb",
        "plain/variables/variables.data-00000-of-00001", "plain/variables/variables.index"};
    mb_context *ctx = world->base.ctx;
    mb_zip *zip = NULL;
    assert_ok(ctx, mb_zip_open(ctx, mb_test_source("tests/golden/saved_models.zip"), &zip));
    assert_ok(ctx, mb_make_directory(ctx, mb_tool_path(world, "plain/variables")));
    for (size_t i = 0; i < MB_COUNT_OF(names); i++) {
        char *bytes = NULL;
        size_t length = 0;
        const size_t member = mb_zip_find(zip, names[i]);
        assert_int_not_equal(member, SIZE_MAX);
        assert_ok(ctx, mb_zip_read(zip, member, &bytes, &length));
        put_file(world, names[i], bytes, length);
        mb_release(ctx, bytes);
    }
    mb_zip_close(zip);
}

typedef struct column {
    const char *name;
    size_t n;
    double values[3];
} column;

static void put_history(mb_tool_world *world, const column *columns, size_t n) {
    mb_pickle_writer writer;
    mb_buffer out;
    mb_buffer_init(&out, world->base.ctx);
    mb_pickle_start(&writer, &out);
    mb_pickle_begin_dict(&writer);
    for (size_t i = 0; i < n; i++) {
        mb_pickle_put_text(&writer, columns[i].name);
        mb_pickle_begin_list(&writer);
        for (size_t j = 0; j < columns[i].n; j++) {
            mb_pickle_put_float(&writer, columns[i].values[j]);
        }
        mb_pickle_end(&writer);
    }
    mb_pickle_end(&writer);
    assert_ok(world->base.ctx, mb_pickle_finish(&writer));
    put_file(world, "plain/history.pkl", out.data, out.length);
    mb_buffer_clear(&out);
}

static const column usual[] = {{"loss", 3, {0.5, 0.25, 0.125}}, {"accuracy", 3, {0.5, 0.75, 0.875}},
    {"val_loss", 3, {0.75, 0.5, 0.375}}, {"val_accuracy", 3, {0.25, 0.5, 0.625}},
    {"lr", 3, {0.001, 0.001, 0.0005}}};

static void assert_has(const char *text, const char *part) {
    if (strstr(text, part) == NULL) {
        fail_msg("no \"%s\" in:\n%s", part, text);
    }
}

static void test_keras_folder__summary_tells_the_end_of_the_training(void **state) {
    MB_TOOL_WORLD(world)
    make_folder(world);
    put_history(world, usual, MB_COUNT_OF(usual));
    const mb_tool_run *run = mb_tool_expect(world, 0, "summary plain");
    assert_has(run->out, "Model: \"plain\"");
    assert_has(run->out, "Training (history.pkl): 3 epochs");
    assert_has(run->out, "  val_accuracy   0.625\n");
    run = mb_tool_expect(world, 0, "summary plain --json");
    mb_document document = mb_tool_json(world, run->out);
    const mb_node *history = mb_node_find(document.root, "history");
    if (history == NULL) {
        history = mb_node_find(mb_node_find(document.root, "result"), "history");
    }
    assert_true(mb_tool_number(history, "epochs") == 3);
    assert_true(mb_tool_number(mb_node_find(history, "last"), "lr") == 0.0005);
    mb_document_clear(&document);
}

static void test_keras_folder__report_draws_history_and_layers(void **state) {
    MB_TOOL_WORLD(world)
    make_folder(world);
    put_history(world, usual, MB_COUNT_OF(usual));
    mb_tool_expect(world, 0, "report plain");
    char *page = mb_tool_read(world, "plain/report.html");
    assert_has(page, "Loss and accuracy after each epoch");
    assert_has(page, "3 epochs, from history.pkl.");
    assert_has(page, "0.0005");
    assert_has(page, "batch_normalization");
    mb_release(world->base.ctx, page);
    char *numbers = mb_tool_read(world, "plain/plots/history.csv");
    assert_has(numbers, "0.125");
    mb_release(world->base.ctx, numbers);
    mb_tool_expect(world, 0, "report plain -o page.html");
    const mb_tool_run *run = mb_tool_expect(world, 1, "report plain -o page.html");
    assert_has(run->err, "exists already");
}

static void test_keras_folder__is_read_without_a_history(void **state) {
    MB_TOOL_WORLD(world)
    make_folder(world);
    mb_tool_expect(world, 0, "summary plain");
    (void)remove(mb_tool_path(world, "plain/history.pkl"));
    const mb_tool_run *run = mb_tool_expect(world, 0, "summary plain");
    assert_null(strstr(run->out, "history.pkl"));
    mb_tool_expect(world, 0, "report plain");
    char *page = mb_tool_read(world, "plain/report.html");
    assert_has(page, "no history.pkl");
    assert_has(page, "batch_normalization");
    mb_release(world->base.ctx, page);
    put_history(world, (const column[]){{"loss", 0, {0}}}, 1);
    mb_tool_expect(world, 0, "report plain");
    assert_has(mb_tool_expect(world, 0, "summary plain")->out, "0 epochs");
}

static void test_keras_folder__refuses_a_history_that_is_none(void **state) {
    MB_TOOL_WORLD(world)
    static const char system[] = "cos\nsystem\n(S'touch ran'\ntR.";
    make_folder(world);
    put_file(world, "plain/history.pkl", system, sizeof system - 1);
    assert_has(mb_tool_expect(world, 1, "report plain")->err,
        "plain/history.pkl: byte 0: GLOBAL: asks for 'os.system'");
    assert_has(mb_tool_expect(world, 1, "summary plain")->err, "asks for 'os.system'");
    assert_false(mb_path_exists(mb_tool_path(world, "ran")));
    put_history(world, (const column[]){{"loss", 2, {1, 2}}, {"auc", 1, {1}}}, 2);
    assert_has(mb_tool_expect(world, 1, "report plain")->err, "'auc' has another number of epochs");
    put_file(world, "plain/history.pkl", "}X\4\0\0\0lossNs.", 13);
    assert_has(mb_tool_expect(world, 1, "report plain")->err, "'loss' is not a list");
    put_file(world, "plain/history.pkl", "}X\4\0\0\0loss]Nas.", 15);
    assert_has(mb_tool_expect(world, 1, "report plain")->err, "a member that is not a number");
    put_file(world, "plain/history.pkl", "].", 2);
    assert_has(mb_tool_expect(world, 1, "report plain")->err, "history.pkl: is a list");
}

static void test_keras_folder__history_goes_to_a_table_and_back(void **state) {
    MB_TOOL_WORLD(world)
    make_folder(world);
    put_history(world, usual, MB_COUNT_OF(usual));
    mb_tool_expect(world, 0, "convert plain/history.pkl history.csv");
    char *table = mb_tool_read(world, "history.csv");
    assert_string_equal(table, "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate\n"
                               "1,0.5,0.5,0.75,0.25,0.001\n"
                               "2,0.25,0.75,0.5,0.5,0.001\n"
                               "3,0.125,0.875,0.375,0.625,0.0005\n");
    // As a run writes it: its seconds, which Keras has not, are left out.
    static const char ours[] = "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds\n"
                               "1,0.5,0.5,0.75,0.25,0.001,7\n"
                               "2,0.25,0.75,0.5,0.5,0.001,8\n"
                               "3,0.125,0.875,0.375,0.625,0.0005,9\n";
    put_file(world, "history.csv", ours, sizeof ours - 1);
    mb_tool_expect(world, 0, "convert history.csv back.pkl");
    // The same bytes as those of the first.
    mb_context *ctx = world->base.ctx;
    char *first = NULL, *back = NULL;
    size_t n_first = 0, n_back = 0;
    assert_ok(ctx, mb_read_file(ctx, mb_tool_path(world, "plain/history.pkl"), &first, &n_first));
    assert_ok(ctx, mb_read_file(ctx, mb_tool_path(world, "back.pkl"), &back, &n_back));
    assert_int_equal(n_first, n_back);
    assert_memory_equal(first, back, n_back);
    mb_release(ctx, first);
    mb_release(ctx, back);
    mb_release(ctx, table);
    assert_has(mb_tool_expect(world, 1, "convert history.csv back.pkl")->err, "exists already");
    assert_has(mb_tool_expect(world, 2, "convert plain other.pkl")->err, "from .csv to .pkl");
    assert_has(mb_tool_expect(world, 2, "convert back.pkl model.h5")->err, "from .csv to .pkl");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keras_folder__summary_tells_the_end_of_the_training),
        cmocka_unit_test(test_keras_folder__report_draws_history_and_layers),
        cmocka_unit_test(test_keras_folder__is_read_without_a_history),
        cmocka_unit_test(test_keras_folder__refuses_a_history_that_is_none),
        cmocka_unit_test(test_keras_folder__history_goes_to_a_table_and_back),
    };
    return cmocka_run_group_tests(tests, mb_tool_open, mb_tool_close);
}
