// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tool.h"

#include "files/csv.h"
#include "files/npy.h"
#include "minbias/study.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
    int code;
    const char *arguments, *wanted;
} wrong_lines[] = {
    {2, "rnu small.yaml", "minbias: rnu: unknown command; did you mean 'run'?"},
    {2, "run small.yaml -o x --forse", "did you mean --force?"},
    {2, "simulate calo -o x --signal-events 3", "keys are given as --set KEY=VALUE"},
    {2, "run small.yaml", "-o RUN is missing"},
    {2, "run", "STUDY is missing"},
    {2, "run a b -o x", "'b' is one argument too many"},
    {2, "run small.yaml -o", "--output needs a value"},
    {2, "run small.yaml -o --force", "--output needs a value"},
    {2, "run small.yaml -o ''", "--output is empty; write --output RUN"},
    {2, "run '' -o x", "STUDY is empty"},
    {2, "predict x.h5 '' -o x", "INPUT is empty"},
    {2, "run small.yaml -o x -o y", "given twice"},
    {2, "run small.yaml -o x --threads 0", "--threads is out of range"},
    {2, "run small.yaml -o x --threads many", "'many' is not a count"},
    {2, "run small.yaml -o x --cpu sse", "write c, avx2 or avx512"},
    {2, "run small.yaml -o x --quiet=1", "--quiet takes no value"},
    {2, "new barrel-triger", "did you mean 'barrel-trigger'?"},
    {2, "simulate barell -o x", "did you mean 'barrel'?"},
    {2, "simulate nothing -o x", "write one of barrel, calo"},
    {1, "simulate barrel -o x --events 0", "minbias: barrel: simulate: events is 0"},
    {2, "run small.yaml -o x --out y", "did you mean --output?"},
    {2, "check small.yaml --set train.epochs", "there is no '='"},
    {1, "check small.yaml --set data.source=hits", "write one of arrays, barrel"},
    {2, "help runn", "did you mean 'run'?"},
    {2, "predict none.h5 in.npy", "-o OUTPUT is missing"},
    {1, "simulate barrel -o x --set evens=3", "did you mean 'events'?"},
    {1, "run absent.yaml -o x", "absent.yaml"},
    {1, "check small.yaml --set train.epohcs=1", "did you mean 'epochs'?"},
    {1, "check small.yaml --set data.dir=nowhere", "nowhere"},
    {1, "check small.yaml --set data.splt.test=0.1", "did you mean 'split'?"},
    {1, "check small.yaml --set modle.x=1", "did you mean 'model'?"},
    {1, "check small.yaml --set params.bns.x=1", "did you mean 'bins'?"},
    {2, "check small.yaml --set model.hiden.units=1", "did you mean 'hidden'?"},
    {2, "roc absent.npy absent.npy --at five", "'five' is not a positive rate"},
    {2, "prepare small.yaml -o x", "write FILE.h5, or DIR/"},
    {1, "train small.yaml -o x --init absent.h5", "absent.h5"},
    {1, "inspect stdout.txt", "is no file this program reads"},
    {1, "run small.yaml -o x --set evaluate.at=5", "evaluate"},
    {1, "summary absent.h5", "absent.h5"},
    {1, "inspect absent.npy", "absent.npy"},
    {1, "evaluate data", "is not the folder of a run"},
    {1, "report data", "is not the folder of a run"},
    {1, "predict absent.h5 in.npy -o out.npy", "absent.h5"},
    {1, "prepare small.yaml -o /proc/none.h5", "/proc"},
};

static void test_command__names_what_is_wrong_in_one_line(void **state) {
    MB_TOOL_WORLD(world)
    for (size_t i = 0; i < MB_COUNT_OF(wrong_lines); i++) {
        const mb_tool_run *run =
            mb_tool_expect(world, wrong_lines[i].code, "--quiet %s", wrong_lines[i].arguments);
        if (strstr(run->err, wrong_lines[i].wanted) == NULL) {
            fail_msg("%s: stderr is \"%s\"", wrong_lines[i].arguments, run->err);
        }
        assert_true(strncmp(run->err, "minbias: ", 9) == 0);
        const char *end = strchr(run->err, '\n');
        assert_true(end != NULL && end[1] == '\0');
        assert_string_equal(run->out, "");
        assert_false(mb_path_exists(mb_tool_path(world, "x")));
    }
}

static void test_command__explains_every_command(void **state) {
    MB_TOOL_WORLD(world)
    static const char *const names[] = {"tour", "new", "check", "inspect", "simulate", "run",
        "prepare", "train", "evaluate", "report", "predict", "summary", "convert", "scan", "roc",
        "cluster", "emd", "calo", "econt", "elinks", "help"};
    char *man = NULL;
    mb_tool_expect(world, 0, "help --man");
    man = mb_copy_text(world->base.ctx, world->last.out);
    mb_tool_expect(world, 0, "help --completion bash");
    char *completion = mb_copy_text(world->base.ctx, world->last.out);
    for (size_t i = 0; i < MB_COUNT_OF(names); i++) {
        char wanted[64];
        snprintf(wanted, sizeof wanted, ".SS \"minbias %s", names[i]);
        assert_non_null(strstr(man, wanted));
        snprintf(wanted, sizeof wanted, "        %s) words=", names[i]);
        assert_non_null(strstr(completion, wanted));
        mb_tool_expect(world, 0, "help %s", names[i]);
        char *help = mb_copy_text(world->base.ctx, world->last.out);
        assert_non_null(strstr(help, "usage: minbias "));
        mb_tool_expect(world, 0, "%s -h", names[i]);
        assert_true(strncmp(world->last.out, help, strlen(world->last.out)) == 0);
        mb_release(world->base.ctx, help);
    }
    mb_release(world->base.ctx, man);
    mb_release(world->base.ctx, completion);
    mb_tool_expect(world, 0, "help run");
    assert_non_null(
        strstr(world->last.out, "usage: minbias run STUDY -o RUN [--set KEY=VALUE]..."));
    mb_tool_expect(world, 0, "help cluster");
    assert_non_null(strstr(world->last.out, "cluster POINTS --eps E --min-samples M -o LABELS\n"));
    mb_tool_expect(world, 0, "--version");
    assert_string_equal(world->last.out + strlen("minbias "), "0.1.0\n");
    mb_tool_expect(world, 2, "help --completion fish");
}

static void test_command__help_fits_on_a_screen(void **state) {
    MB_TOOL_WORLD(world)
    static const char *const names[] = {"run", "predict", "report", "calo precision-tuner",
        "econt train", "elinks emulate", "help"};
    for (size_t i = 0; i < MB_COUNT_OF(names); i++) {
        mb_tool_expect(world, 0, "help %s", names[i]);
        for (const char *line = world->last.out; *line != '\0';) {
            const size_t length = strcspn(line, "\n");
            assert_true(length <= 100);
            assert_true(length == 0 || line[length - 1] != ' ');
            line += length + (line[length] == '\n');
        }
    }
    // A reader that goes away early is no failure to tell of.
    mb_tool(world, "help econt train 2>pipe.txt | true; wc -c <pipe.txt");
    assert_int_equal(strtol(world->last.out, NULL, 10), 0);
}

static void test_command__answers_in_json(void **state) {
    MB_TOOL_WORLD(world)
    mb_tool_expect(world, 0, "train small.yaml -o json --quiet --set train.epochs=1");
    static const char *const lines[] = {"check small.yaml", "inspect data/clusters_1.csv",
        "summary json/model.h5", "evaluate json", "report json", "inspect json/scores.npz",
        "inspect json/model.h5", "roc json/scores.npz:score json/scores.npz:label",
        "prepare small.yaml -o json.h5", "predict json/model.h5 json.h5 -o json.npy",
        "predict json data/clusters_1.csv -o json.csv", "convert json/model.h5 json.keras",
        "simulate barrel -o json_data --events 2 --files 1", "new barrel-trigger -o json.yaml"};
    for (size_t i = 0; i < MB_COUNT_OF(lines); i++) {
        mb_tool_expect(world, 0, "%s --json --quiet", lines[i]);
        mb_document answer = mb_tool_json(world, world->last.out);
        assert_int_equal(answer.root->kind, MB_NODE_MAP);
        assert_true(answer.root->n_children > 0);
        mb_document_clear(&answer);
    }
}

static void write_column(mb_tool_world *world, const char *name, const float *values, size_t n) {
    mb_array array = {0};
    mb_context *ctx = world->base.ctx;
    assert_ok(ctx, mb_array_init(&array, ctx, MB_F32, 1, &n));
    memcpy(array.data, values, n * sizeof *values);
    assert_ok(ctx, mb_npy_write(ctx, mb_tool_path(world, name), &array));
    mb_array_clear(&array);
}

static void test_command__quotes_efficiencies_at_thresholds_that_exist(void **state) {
    MB_TOOL_WORLD(world)
    static const float scores[] = {0.9F, 0.8F, 0.7F, 0.6F, 0.5F, 0.4F, 0.3F, 0.2F};
    static const float labels[] = {1, 1, 0, 1, 0, 1, 0, 0};
    static const float ones[] = {1, 1, 1, 1, 1, 1, 1, 1};
    static const float numbers[] = {1, 2, 0, 1, 0, 1, 0, 0};
    const float not_finite[] = {NAN, 1, 0, 1, 0, 1, 0, 0};
    write_column(world, "scores.npy", scores, 8);
    write_column(world, "labels.npy", labels, 8);
    write_column(world, "ones.npy", ones, 8);
    write_column(world, "numbers.npy", numbers, 8);
    write_column(world, "nan.npy", not_finite, 8);
    write_column(world, "short.npy", scores, 7);
    // Of 4 background events 2 pass at half the input rate: score 0.4 is the lowest such.
    mb_tool_expect(world, 0, "roc scores.npy labels.npy --input-rate 4kHz --at 2kHz,900Hz --json");
    mb_document answer = mb_tool_json(world, world->last.out);
    assert_true(fabs(mb_tool_number(answer.root, "auc") - 13.0 / 16) < 1e-15);
    const mb_node *half = mb_node_at(mb_node_find(answer.root, "at"), 0);
    assert_true(fabs(mb_tool_number(half, "target_khz") - 2) < 1e-12);
    assert_true(fabs(mb_tool_number(half, "efficiency") - 1.0) < 1e-12);
    assert_true((float)mb_tool_number(half, "threshold") == 0.4F);
    assert_true(mb_tool_number(half, "background_events") == 2);
    const mb_node *few = mb_node_at(mb_node_find(answer.root, "at"), 1);
    assert_int_equal(mb_node_find(few, "efficiency")->kind, MB_NODE_NULL);
    mb_document_clear(&answer);
    mb_tool_expect(world, 1, "roc scores.npy ones.npy");
    mb_tool_expect(world, 1, "roc scores.npy numbers.npy");
    mb_tool_expect(world, 1, "roc nan.npy labels.npy");
    mb_tool_expect(world, 1, "roc short.npy labels.npy");
    assert_non_null(strstr(world->last.err, "7 scores"));
}

// All of a scan's table but the times.
static char *timeless(mb_tool_world *world, const char *name) {
    mb_csv table = {0};
    mb_context *ctx = world->base.ctx;
    assert_ok(ctx, mb_csv_read(&table, ctx, mb_tool_path(world, name), true));
    mb_buffer text;
    mb_buffer_init(&text, ctx);
    for (size_t i = 0; i < table.n_rows; i++) {
        for (size_t j = 3; j < table.n_columns; j++) {
            mb_csv_put_text(&text, j == 3, mb_csv_field(&table, i, j));
        }
        mb_csv_end_row(&text);
    }
    char *copy = mb_copy_text(ctx, text.data);
    mb_buffer_clear(&text);
    mb_csv_clear(&table);
    return copy;
}

static void test_command__scans_the_same_with_workers_and_after_kills(void **state) {
    MB_TOOL_WORLD(world)
    mb_context *ctx = world->base.ctx;
    mb_tool_expect(world, 0, "scan small.yaml -o scan1 --threads 1");
    assert_non_null(strstr(world->last.err, "12 combinations"));
    assert_non_null(strstr(world->last.out, "bins changes the mean val_loss"));
    assert_non_null(strstr(world->last.out, "9999 training events asked for"));
    char *one = timeless(world, "scan1/trials.csv");
    mb_tool_expect(world, 0, "scan small.yaml -o scan2 --threads 2 --workers 2 --quiet");
    char *two = timeless(world, "scan2/trials.csv");
    assert_string_equal(one, two);
    for (unsigned i = 0; i < 3; i++) {
        mb_tool_kill(world, 100 + 60 * i, "scan small.yaml -o scan3 --threads 1 %s",
            i > 0 ? "--resume" : "");
    }
    mb_tool_expect(world, 0, "scan small.yaml -o scan3 --threads 1 --quiet --resume");
    char *three = timeless(world, "scan3/trials.csv");
    assert_string_equal(one, three);
    mb_tool_expect(world, 1, "scan small.yaml -o scan1");
    mb_release(ctx, one);
    mb_release(ctx, two);
    mb_release(ctx, three);
}

static void test_command__new_lists_and_keeps_studies(void **state) {
    MB_TOOL_WORLD(world)
    mb_tool_expect(world, 0, "new --json");
    mb_document answer = mb_tool_json(world, world->last.out);
    const mb_node *first = mb_node_at(mb_node_find(answer.root, "studies"), 0);
    assert_string_equal(mb_node_text(first), "barrel-trigger");
    mb_document_clear(&answer);
    mb_tool_expect(world, 0, "new barrel-trigger -o twice.yaml");
    mb_tool_expect(world, 1, "new barrel-trigger -o twice.yaml");
    mb_tool_expect(world, 0, "new barrel-trigger -o twice.yaml --force");
    char *text = mb_tool_read(world, "twice.yaml");
    assert_string_equal(text, mb_shipped_study_text("barrel-trigger"));
    mb_release(world->base.ctx, text);
    assert_false(mb_path_exists(mb_tool_path(world, "twice.yaml.part")));
    mb_tool_expect(world, 1, "new barrel-trigger -o absent/twice.yaml");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_command__names_what_is_wrong_in_one_line),
        cmocka_unit_test(test_command__explains_every_command),
        cmocka_unit_test(test_command__help_fits_on_a_screen),
        cmocka_unit_test(test_command__answers_in_json),
        cmocka_unit_test(test_command__quotes_efficiencies_at_thresholds_that_exist),
        cmocka_unit_test(test_command__scans_the_same_with_workers_and_after_kills),
        cmocka_unit_test(test_command__new_lists_and_keeps_studies),
    };
    return cmocka_run_group_tests(tests, mb_tool_open, mb_tool_close);
}
