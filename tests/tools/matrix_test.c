// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tool.h"

#include "files/csv.h"
#include "files/npy.h"

#include <math.h>
#include <stdio.h>

// Two signals, the blend, made-up deposits and a baseline on few toy events.
static const char study[] =
    "study: few\n"
    "seed: 3\n"
    "simulate: {events: 2600, signal_events: 300}\n"
    "data:\n"
    "  source: calo\n"
    "  dir: calo\n"
    "  background: {file: ZeroBias.h5, limit: 2200}\n"
    "  signals:\n"
    "    TTBar: {file: TTBar.h5, title: TT}\n"
    "    Haa4b: {file: Haa4b.h5}\n"
    "  synthetic: {events: 300}\n"
    "  blend: {each: 60}\n"
    "  train_size: 200\n"
    "models:\n"
    "  supervised: {builtin: cicada_supervised}\n"
    "  file: missing.h5\n"
    "fits:\n"
    "  - {name: m_TTBar, model: supervised, on: TTBar}\n"
    "  - {name: m_blend, model: supervised, on: blend}\n"
    "train: {loss: categorical_crossentropy, optimizer: {adam: {}}, metrics: [accuracy], batch: "
    "64,\n"
    "  epochs: 3, repeats: 2, jobs: 0, validation: {fraction: 0.2, take: random}}\n"
    "evaluate:\n"
    "  on: [TTBar, Haa4b, synthetic]\n"
    "  scores: {Baseline: frobenius, File: file}\n"
    "  rates: [1MHz, 30kHz, 1kHz]\n"
    "  figures: false\n";

static void write_study(mb_tool_world *world) {
    mb_tool_write(world, "few.yaml", study);
}

static void run_once(mb_tool_world *world) {
    if (!mb_path_exists(mb_tool_path(world, "few/metrics.json"))) {
        write_study(world);
        mb_tool_expect(world, 0, "run few.yaml -o few");
    }
}

// Scores of a column of scores.npz, split by label; of signal only events of one file.
typedef struct classes {
    mb_array score, label, file;
    double *background, *signal;
    size_t n_background, n_signal;
} classes;

static void read_classes(mb_tool_world *world, const char *column, unsigned file, classes *out) {
    mb_context *ctx = world->base.ctx;
    const char *path = mb_tool_path(world, "few/scores.npz");
    memset(out, 0, sizeof *out);
    assert_ok(ctx, mb_npz_read(ctx, path, column, &out->score));
    assert_ok(ctx, mb_npz_read(ctx, path, "label", &out->label));
    assert_ok(ctx, mb_npz_read(ctx, path, "file", &out->file));
    const size_t n = mb_array_count(&out->score);
    out->background = mb_allocate(ctx, n, sizeof(double));
    out->signal = mb_allocate(ctx, n, sizeof(double));
    for (size_t i = 0; i < n; i++) {
        if (mb_array_get(&out->label, i) < 0.5) {
            out->background[out->n_background++] = mb_array_get(&out->score, i);
        } else if ((unsigned)mb_array_get(&out->file, i) == file) {
            out->signal[out->n_signal++] = mb_array_get(&out->score, i);
        }
    }
}

static void clear_classes(mb_tool_world *world, classes *c) {
    mb_release(world->base.ctx, c->background);
    mb_release(world->base.ctx, c->signal);
    mb_array_clear(&c->score);
    mb_array_clear(&c->label);
    mb_array_clear(&c->file);
}

// By counting pairs.
static double count_auc(const classes *c) {
    double twice = 0;
    for (size_t i = 0; i < c->n_signal; i++) {
        for (size_t j = 0; j < c->n_background; j++) {
            twice += c->signal[i] > c->background[j] ? 2 : c->signal[i] == c->background[j];
        }
    }
    return twice / 2 / (double)c->n_signal / (double)c->n_background;
}

// The most signal that any existing threshold keeps within a number of background events.
static double count_efficiency(const classes *c, double allowed) {
    double best = -1;
    for (size_t pass = 0; pass < 2; pass++) {
        const double *thresholds = pass == 0 ? c->signal : c->background;
        for (size_t t = 0; t < (pass == 0 ? c->n_signal : c->n_background); t++) {
            size_t k = 0;
            size_t b = 0;
            for (size_t i = 0; i < c->n_signal; i++) {
                k += c->signal[i] >= thresholds[t];
            }
            for (size_t i = 0; i < c->n_background; i++) {
                b += c->background[i] >= thresholds[t];
            }
            const double efficiency = (double)k / (double)c->n_signal;
            best = (double)b <= allowed && efficiency > best ? efficiency : best;
        }
    }
    return best;
}

static const mb_node *cell(
    const mb_document *metrics, const char *table, const char *row, const char *column) {
    const mb_node *matrix = mb_node_find(metrics->root, "matrix");
    return mb_node_find(mb_node_find(mb_node_find(matrix, table), row), column);
}

static void test_matrix__cells_are_what_counting_gives(void **state) {
    MB_TOOL_WORLD(world)
    run_once(world);
    char *text = mb_tool_read(world, "few/metrics.json");
    mb_document metrics = mb_tool_json(world, text);
    // Files are numbered as they are read: background, then the signals.
    static const char *const scores[] = {"m_TTBar-0", "m_TTBar-1", "Baseline"};
    double auc[3];
    double efficiency[3];
    for (size_t i = 0; i < 3; i++) {
        classes c;
        read_classes(world, scores[i], 1, &c);
        assert_int_equal(c.n_signal, 100);
        assert_int_equal(c.n_background, 2000);
        auc[i] = count_auc(&c);
        efficiency[i] = count_efficiency(&c, floor(1000.0 * 2000.0 / 28610.0));
        clear_classes(world, &c);
    }
    const mb_node *of_fit = cell(&metrics, "auc", "TTBar", "m_TTBar");
    assert_float_equal(mb_tool_number(of_fit, "mean"), (auc[0] + auc[1]) / 2, 1e-12);
    assert_float_equal(mb_tool_number(of_fit, "std"), fabs(auc[0] - auc[1]) / 2, 1e-12);
    assert_int_equal((int)mb_tool_number(of_fit, "n"), 2);
    assert_float_equal(
        mb_tool_number(cell(&metrics, "auc", "TTBar", "Baseline"), "mean"), auc[2], 1e-12);
    assert_float_equal(
        mb_tool_number(cell(&metrics, "efficiency_1MHz", "TTBar", "Baseline"), "mean"),
        efficiency[2], 1e-12);
    assert_float_equal(
        mb_tool_number(cell(&metrics, "efficiency_1MHz", "TTBar", "m_TTBar"), "mean"),
        (efficiency[0] + efficiency[1]) / 2, 1e-12);
    mb_document_clear(&metrics);
    mb_release(world->base.ctx, text);
}

static void test_matrix__leaves_cells_without_background_empty(void **state) {
    MB_TOOL_WORLD(world)
    run_once(world);
    char *text = mb_tool_read(world, "few/metrics.json");
    mb_document metrics = mb_tool_json(world, text);
    const mb_node *at = cell(&metrics, "efficiency_1kHz", "TTBar", "m_TTBar");
    assert_int_equal(mb_node_find(at, "mean")->kind, MB_NODE_NULL);
    mb_document_clear(&metrics);
    mb_release(world->base.ctx, text);
    char *table = mb_tool_read(world, "few/tables/efficiency_1kHz.csv");
    assert_non_null(strstr(table, "TTBar,,,,,,"));
    mb_release(world->base.ctx, table);
    const mb_tool_run *run = mb_tool_expect(world, 0, "evaluate few");
    assert_non_null(strstr(run->out, "less than one event is allowed"));
}

static void test_matrix__has_areas_without_rates(void **state) {
    MB_TOOL_WORLD(world)
    write_study(world);
    const mb_tool_run *run = mb_tool_expect(
        world, 0, "run few.yaml -o bare --set evaluate.rates=[] --set train.epochs=1");
    assert_null(strstr(run->out, "Background events behind each efficiency"));
    char *text = mb_tool_read(world, "bare/tables/cells.csv");
    mb_csv cells;
    assert_ok(
        world->base.ctx, mb_csv_parse(&cells, world->base.ctx, "cells", text, strlen(text), true));
    assert_int_equal(cells.n_columns, 6);
    assert_int_equal(cells.n_rows, 3 * (2 * 2 + 2));
    mb_csv_clear(&cells);
    mb_release(world->base.ctx, text);
}

static void test_matrix__goes_on_without_a_model(void **state) {
    MB_TOOL_WORLD(world)
    run_once(world);
    const mb_tool_run *run = mb_tool_expect(world, 0, "evaluate few");
    assert_non_null(strstr(run->err, "no score 'File' (n/a in the tables)"));
    assert_non_null(strstr(run->err, "missing.h5"));
    char *text = mb_tool_read(world, "few/metrics.json");
    mb_document metrics = mb_tool_json(world, text);
    assert_int_equal(
        mb_node_find(cell(&metrics, "auc", "Haa4b", "File"), "mean")->kind, MB_NODE_NULL);
    assert_true(mb_tool_number(cell(&metrics, "auc", "Haa4b", "Baseline"), "mean") > 0.5);
    mb_document_clear(&metrics);
    mb_release(world->base.ctx, text);
}

// Sigmoids of logits are the probabilities.
static void assert_logits(mb_tool_world *world, const char *column) {
    mb_array p;
    mb_array logit;
    assert_ok(world->base.ctx,
        mb_npz_read(world->base.ctx, mb_tool_path(world, "few/scores.npz"), column, &p));
    assert_ok(world->base.ctx,
        mb_npz_read(world->base.ctx, mb_tool_path(world, "logit/scores.npz"), column, &logit));
    const size_t n = mb_array_count(&p);
    assert_int_equal(mb_array_count(&logit), n);
    assert_true(n > 0);
    for (size_t i = 0; i < n; i++) {
        const double x = mb_array_get(&p, i);
        const double y = mb_array_get(&logit, i);
        assert_true(fabs(1 / (1 + exp(-y)) - x) <= 1e-6);
    }
    mb_array_clear(&p);
    mb_array_clear(&logit);
}

static void test_matrix__judges_by_logits_where_asked(void **state) {
    MB_TOOL_WORLD(world)
    run_once(world);
    mb_tool_expect(world, 0, "run few.yaml -o logit --set evaluate.score=logit");
    assert_logits(world, "m_TTBar-0");
    assert_logits(world, "m_blend-1");
    const mb_tool_run *run =
        mb_tool_expect(world, 1, "run few.yaml -o none --set 'evaluate={score: logit}'");
    assert_non_null(strstr(run->err, "score says how models are judged"));
}

static void test_matrix__names_what_it_does_not_know(void **state) {
    MB_TOOL_WORLD(world)
    write_study(world);
    static const struct {
        const char *set, *error;
    } cases[] = {{"'evaluate.on=[TTbar]'", "the data has no sample 'TTbar'; did you mean 'TTBar'?"},
        {"'evaluate.on=[nothing_like_it]'", "write some of "},
        {"'evaluate.scores={B: frobenios}'", "did you mean 'frobenius'?"},
        {"compat=[foo]", "unknown name 'foo'; write true, or some of "},
        {"'evaluate.scores={m_blend: mean}'", "a fit is called 'm_blend', too"},
        {"'evaluate.scores={label: mean}'", "another name than event, file and label"},
        {"'fits=[{name: event, model: supervised, on: TTBar}]'", "the scores of 'event'"},
        {"fits.m_TTBar.on=Haa4", "the data has no sample 'Haa4' to be on; did you mean 'Haa4b'?"},
        {"'models.supervised={builtin: teachr}'", "did you mean 'teacher'?"},
        {"'models.file={firmware: {weights: w, typs: v1}}'", "did you mean 'types'?"},
        {"'models.file={firmware: {weights: w, types: v1}, quantize: {}}'",
            "models: file: is firmware, which is taken as it is; remove 'quantize'"}};
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        const mb_tool_run *run =
            mb_tool_expect(world, 1, "run few.yaml -o unknown --force --set %s", cases[i].set);
        if (strstr(run->err, cases[i].error) == NULL) {
            fail_msg("%s: \"%s\" lacks \"%s\"", cases[i].set, run->err, cases[i].error);
        }
    }
}

static void test_matrix__check_sees_what_evaluation_will_miss(void **state) {
    MB_TOOL_WORLD(world)
    write_study(world);
    const mb_tool_run *run = mb_tool_expect(world, 0, "check few.yaml");
    assert_non_null(strstr(run->err, "score 'File' will be n/a"));
    assert_non_null(strstr(run->err, "missing.h5: cannot be opened"));
    run_once(world);
    run = mb_tool_expect(world, 0, "check few.yaml --set models.file=few/fits/m_TTBar-0");
    assert_null(strstr(run->err, "will be n/a"));
    run = mb_tool_expect(world, 1, "check few.yaml --set 'evaluate.on=[TTbar]'");
    assert_non_null(strstr(run->err, "the data has no sample 'TTbar'; did you mean 'TTBar'?"));
}

static void test_matrix__tells_of_how_many_trainings_means_are(void **state) {
    MB_TOOL_WORLD(world)
    run_once(world);
    const mb_tool_run *run = mb_tool_expect(world, 0, "evaluate few");
    assert_non_null(strstr(run->out, "(of the population) of 2 trainings"));
}

static void test_matrix__counts_operations_as_published(void **state) {
    MB_TOOL_WORLD(world)
    mb_tool_expect(world, 0, "new cicada-train -o count.yaml");
    const mb_tool_run *run = mb_tool_expect(world, 0,
        "check count.yaml --set 'simulate={events: 200, signal_events: 1}' --set data.dir=count "
        "--set alternate.drop_remainder=false");
    assert_non_null(strstr(run->out, "teacher: 323731 parameters, 5224922 FLOPs"));
    assert_non_null(strstr(run->out, "cicada_v1: 4129 parameters, 8112 FLOPs"));
    assert_non_null(strstr(run->out, "cicada_v2: 4145 parameters, 10128 FLOPs"));
}

// A teacher, a student, and no other training.
static const char turns[] =
    "study: turns\n"
    "seed: 3\n"
    "simulate: {events: 2600, signal_events: 300}\n"
    "data:\n"
    "  source: calo\n"
    "  dir: calo\n"
    "  background: {file: ZeroBias.h5, limit: 2200}\n"
    "  signals:\n"
    "    TTBar: {file: TTBar.h5}\n"
    "  train_size: 200\n"
    "models:\n"
    "  plain:\n"
    "    layers:\n"
    "      - {input: regions}\n"
    "      - {flatten: {}, name: flat}\n"
    "      - {dense: {units: 4, activation: relu}, name: latent}\n"
    "      - {dense: {units: 252, activation: relu}, name: spread}\n"
    "      - {reshape: {target_shape: [18, 14, 1]}, name: image}\n"
    "  small: {builtin: cicada_v1}\n"
    "fits:\n"
    "  - {name: turn, teacher: plain, students: [small], events: 300, alternate: {rounds: 1},\n"
    "     train: {teacher: {batch: 32}, student: {batch: 32}}}\n"
    "evaluate: {on: [TTBar], scores: {Small: small}, rates: [1MHz], figures: false}\n";

static void test_matrix__a_student_decides_by_its_own_threshold(void **state) {
    MB_TOOL_WORLD(world)
    mb_tool_write(world, "turns.yaml", turns);
    mb_tool_expect(world, 0, "run turns.yaml -o turns");
    const mb_tool_run *run = mb_tool_expect(
        world, 0, "predict turns/fits/small calo/TTBar.h5 -o decided.csv --accept 1MHz");
    assert_non_null(strstr(run->out, "accepted"));
    char *text = mb_tool_read(world, "decided.csv");
    assert_non_null(strstr(text, "file,event,label,score,accepted"));
    mb_release(world->base.ctx, text);
    run = mb_tool_expect(
        world, 1, "predict turns/fits/small calo/TTBar.h5 -o decided2.csv --accept 2MHz");
    assert_non_null(strstr(run->err, "ask for one of the study's evaluate.rates"));
}

// Of two probabilities the second is cut on, in the stored scores as in the table.
static void test_matrix__a_network_of_two_outputs_decides_at_any_rate(void **state) {
    MB_TOOL_WORLD(world)
    run_once(world);
    const mb_tool_run *run = mb_tool_expect(
        world, 0, "predict few/fits/m_TTBar-0 calo/TTBar.h5 -o two.csv --accept 2MHz --json");
    mb_document answer = mb_tool_json(world, run->out);
    const double threshold = mb_tool_number(answer.root, "threshold");
    mb_document_clear(&answer);
    mb_array score = {0}, label = {0}, split = {0};
    mb_context *ctx = world->base.ctx;
    const char *path = mb_tool_path(world, "few/fits/m_TTBar-0/scores.npz");
    assert_ok(ctx, mb_npz_read(ctx, path, "score", &score));
    assert_ok(ctx, mb_npz_read(ctx, path, "label", &label));
    assert_ok(ctx, mb_npz_read(ctx, path, "split", &split));
    size_t n = 0, n_above = 0;
    for (size_t i = 0; i < mb_array_count(&label); i++) {
        if (mb_array_get(&split, i) == 2 && mb_array_get(&label, i) < 0.5) {
            n++;
            n_above += mb_array_get(&score, 2 * i + 1) >= threshold;
        }
    }
    const size_t allowed = (size_t)(2.0 / 28.61 * (double)n);
    assert_true(n_above <= allowed && n_above + 2 >= allowed);
    mb_array_clear(&score);
    mb_array_clear(&label);
    mb_array_clear(&split);
}

static void test_matrix__one_model_needs_to_know_its_sample(void **state) {
    MB_TOOL_WORLD(world)
    static const char text[] = "study: one\n"
                               "simulate: {events: 2600, signal_events: 300}\n"
                               "data: {source: calo, dir: calo, background: {file: ZeroBias.h5},\n"
                               "  signals: {TTBar: {file: TTBar.h5}}, train_size: 200}\n"
                               "model: {builtin: cicada_supervised}\n"
                               "train: {loss: categorical_crossentropy}\n";
    mb_tool_write(world, "one.yaml", text);
    const mb_tool_run *run = mb_tool_expect(world, 1, "check one.yaml");
    assert_non_null(
        strstr(run->err, "write models: and fits: [{name: NAME, model: MODEL, on: TTBar}]"));
}

static void read_hashes(mb_tool_world *world, const char *run, char hashes[4][65]) {
    static const char *const rounds[] = {"m_TTBar-0", "m_TTBar-1", "m_blend-0", "m_blend-1"};
    for (size_t i = 0; i < 4; i++) {
        char name[256];
        snprintf(name, sizeof name, "%s/fits/%s/training.json", run, rounds[i]);
        char *text = mb_tool_read(world, name);
        mb_document record = mb_tool_json(world, text);
        snprintf(
            hashes[i], 65, "%s", mb_node_text(mb_node_find(record.root, "last_weights_sha256")));
        mb_document_clear(&record);
        mb_release(world->base.ctx, text);
    }
}

static void test_matrix__trainings_do_not_depend_on_jobs_or_threads(void **state) {
    MB_TOOL_WORLD(world)
    run_once(world);
    char first[4][65];
    read_hashes(world, "few", first);
    static const char *const ways[] = {
        "--set train.jobs=1 --threads 1", "--set train.jobs=3 --threads 3"};
    for (size_t w = 0; w < MB_COUNT_OF(ways); w++) {
        char hashes[4][65];
        mb_tool_expect(world, 0, "train few.yaml -o way%zu %s", w, ways[w]);
        char run[16];
        snprintf(run, sizeof run, "way%zu", w);
        read_hashes(world, run, hashes);
        for (size_t i = 0; i < 4; i++) {
            assert_string_equal(hashes[i], first[i]);
        }
    }
}

static void test_matrix__goes_on_where_a_killed_run_was(void **state) {
    MB_TOOL_WORLD(world)
    write_study(world);
    mb_tool_expect(world, 0, "train few.yaml -o whole --set train.epochs=400");
    char whole[4][65];
    read_hashes(world, "whole", whole);
    for (unsigned wait = 400; !mb_tool_kill(world, wait,
             "train few.yaml -o killed --force --set "
             "train.epochs=400");
         wait /= 2) {
        assert_true(wait > 10);
    }
    mb_tool_expect(world, 0, "train few.yaml -o killed --resume --set train.epochs=400");
    char resumed[4][65];
    read_hashes(world, "killed", resumed);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(resumed[i], whole[i]);
    }
}

static void test_matrix__takes_weights_in_place_of_trainings(void **state) {
    MB_TOOL_WORLD(world)
    run_once(world);
    static const char taken[] = "-o taken --force --set train.weights_dir=w --set 'fits=[{name: "
                                "m_TTBar, model: supervised, on: TTBar}]'";
    const mb_tool_run *run = mb_tool_expect(world, 1, "run few.yaml %s", taken);
    assert_non_null(strstr(run->err, "m_TTBar-0.h5"));
    assert_ok(world->base.ctx, mb_make_directory(world->base.ctx, mb_tool_path(world, "w")));
    for (size_t i = 0; i < 2; i++) {
        char from[64];
        char to[64];
        char *bytes = NULL;
        size_t length = 0;
        snprintf(from, sizeof from, "few/fits/m_TTBar-%zu/model.h5", i);
        snprintf(to, sizeof to, "w/m_TTBar-%zu.h5", i);
        assert_ok(world->base.ctx,
            mb_read_file(world->base.ctx, mb_tool_path(world, from), &bytes, &length));
        assert_ok(world->base.ctx,
            mb_write_file(world->base.ctx, mb_tool_path(world, to), bytes, length));
        mb_release(world->base.ctx, bytes);
    }
    mb_tool_expect(world, 0, "run few.yaml %s", taken);
    char *here = mb_tool_read(world, "taken/tables/auc.csv");
    char *there = mb_tool_read(world, "few/tables/auc.csv");
    // Without the blend, the first columns are the same.
    const char *row = strstr(there, "Haa4b,");
    assert_non_null(row);
    char begin[40];
    snprintf(begin, sizeof begin, "%.30s", row);
    assert_non_null(strstr(here, begin));
    mb_release(world->base.ctx, here);
    mb_release(world->base.ctx, there);
}

// How many validation events of a training are background, and how many signal.
static void count_validation(mb_tool_world *world, const char *scores, size_t n[2]) {
    mb_array split = {0};
    mb_array label = {0};
    const char *path = mb_tool_path(world, scores);
    assert_ok(world->base.ctx, mb_npz_read(world->base.ctx, path, "split", &split));
    assert_ok(world->base.ctx, mb_npz_read(world->base.ctx, path, "label", &label));
    n[0] = n[1] = 0;
    for (size_t i = 0; i < mb_array_count(&split); i++) {
        if (mb_array_get(&split, i) == 1.0) {
            n[mb_array_get(&label, i) > 0.5]++;
        }
    }
    mb_array_clear(&split);
    mb_array_clear(&label);
}

static void test_matrix__validates_on_signal_alone_only_where_asked(void **state) {
    MB_TOOL_WORLD(world)
    run_once(world);
    size_t n[2];
    count_validation(world, "few/fits/m_TTBar-0/scores.npz", n);
    assert_int_equal(n[0] + n[1], 80);
    assert_true(n[0] > 0 && n[1] > 0);
    mb_tool_expect(world, 0, "run few.yaml -o tail --set 'compat=[validation_tail]'");
    count_validation(world, "tail/fits/m_TTBar-0/scores.npz", n);
    assert_int_equal(n[0], 0);
    assert_int_equal(n[1], 80);
}

static void test_matrix__shows_the_interpolated_rate_where_asked(void **state) {
    MB_TOOL_WORLD(world)
    run_once(world);
    const mb_tool_run *run =
        mb_tool_expect(world, 0, "run few.yaml -o between --set 'compat=[interpolated_rate]'");
    assert_non_null(strstr(run->out, "interpolated efficiencies rest on none"));
    assert_null(strstr(run->out, "its cells have no value"));
    char *text = mb_tool_read(world, "between/metrics.json");
    mb_document metrics = mb_tool_json(world, text);
    // Less than one event is allowed at 1 kHz, but a line can be drawn.
    const double value =
        mb_tool_number(cell(&metrics, "efficiency_1kHz", "TTBar", "Baseline"), "mean");
    assert_true(value >= 0 && value <= 1);
    mb_document_clear(&metrics);
    mb_release(world->base.ctx, text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matrix__cells_are_what_counting_gives),
        cmocka_unit_test(test_matrix__leaves_cells_without_background_empty),
        cmocka_unit_test(test_matrix__has_areas_without_rates),
        cmocka_unit_test(test_matrix__goes_on_without_a_model),
        cmocka_unit_test(test_matrix__judges_by_logits_where_asked),
        cmocka_unit_test(test_matrix__names_what_it_does_not_know),
        cmocka_unit_test(test_matrix__check_sees_what_evaluation_will_miss),
        cmocka_unit_test(test_matrix__tells_of_how_many_trainings_means_are),
        cmocka_unit_test(test_matrix__counts_operations_as_published),
        cmocka_unit_test(test_matrix__a_network_of_two_outputs_decides_at_any_rate),
        cmocka_unit_test(test_matrix__one_model_needs_to_know_its_sample),
        cmocka_unit_test(test_matrix__a_student_decides_by_its_own_threshold),
        cmocka_unit_test(test_matrix__trainings_do_not_depend_on_jobs_or_threads),
        cmocka_unit_test(test_matrix__goes_on_where_a_killed_run_was),
        cmocka_unit_test(test_matrix__takes_weights_in_place_of_trainings),
        cmocka_unit_test(test_matrix__validates_on_signal_alone_only_where_asked),
        cmocka_unit_test(test_matrix__shows_the_interpolated_rate_where_asked),
    };
    return cmocka_run_group_tests(tests, mb_tool_open, mb_tool_close);
}
