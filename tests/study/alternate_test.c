// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "base/math.h"
#include "base/output.h"
#include "exchange/keras.h"
#include "files/csv.h"
#include "files/npy.h"
#include "study/alternate_run.h"
#include "training/reconstruct.h"

#include <math.h>
#include <stdio.h>

// A small teacher and two students, one of them quantised, on few toy events.
static const char usual[] = "study: turns\n"
                            "seed: 5\n"
                            "simulate: {events: 900, signal_events: 120}\n"
                            "data:\n"
                            "  source: calo\n"
                            "  dir: data\n"
                            "  background: {file: ZeroBias.h5, limit: 900}\n"
                            "  split: {test: 0.4, take: random}\n"
                            "models:\n"
                            "  teacher:\n"
                            "    layers:\n"
                            "      - {input: regions}\n"
                            "      - {flatten: {}, name: flat}\n"
                            "      - {dense: {units: 9, activation: relu}, name: latent}\n"
                            "      - {dense: {units: 252, activation: relu}, name: spread}\n"
                            "      - {reshape: {target_shape: [18, 14, 1]}, name: image}\n"
                            "  wide:\n"
                            "    layers:\n"
                            "      - {input: {shape: [252]}, name: regions}\n"
                            "      - {dense: {units: 8, activation: relu}, name: hidden}\n"
                            "      - {dropout: {rate: 0.125}, name: drop}\n"
                            "      - {dense: {units: 1}, name: score}\n"
                            "  small: {builtin: cicada_v2}\n"
                            "teacher: teacher\n"
                            "students: [wide, small]\n"
                            "alternate: {rounds: 2, teacher_epochs: 2, student_epochs: 4}\n"
                            "train: {teacher: {batch: 64}, student: {batch: 32}}\n"
                            "evaluate: {figures: false}\n";

static const char *const names[] = {"teacher", "wide", "small"};
enum { N_MODELS = 3, N_TRAIN = 450, N_VALIDATION = 90, N_TEST = 360 };

typedef struct world {
    mb_test_world base;
    char *directory;
    char text[16384], path[4096];
    size_t asked, most; // how often the run asked whether to stop, and when it is told to
} world;

static void open_world(world *w, unsigned n_threads) {
    mb_test_world_open(&w->base, n_threads, MB_CPU_ALL);
    w->directory = mb_test_directory();
    w->asked = w->most = 0;
    snprintf(w->text, sizeof w->text, "%s", usual);
}

static void close_world(world *w) {
    mb_test_remove_directory(w->directory);
    mb_test_world_close(&w->base);
}

static const char *file(world *w, const char *name) {
    snprintf(w->path, sizeof w->path, "%s/%s", w->directory, name);
    return w->path;
}

static const char *fit_file(world *w, const char *run, const char *model, const char *name) {
    snprintf(w->path, sizeof w->path, "%s/%s/fits/%s/%s", w->directory, run, model, name);
    return w->path;
}

// One part of the study replaced.
static void edit(world *w, const char *part, const char *by) {
    char text[sizeof w->text];
    const char *at = strstr(w->text, part);
    assert_non_null(at);
    const int length = snprintf(
        text, sizeof text, "%.*s%s%s", (int)(at - w->text), w->text, by, at + strlen(part));
    assert_true(length > 0 && (size_t)length < sizeof text);
    memcpy(w->text, text, sizeof text);
}

static bool stops(void *user) {
    world *w = user;
    return ++w->asked > w->most;
}

static mb_status run(world *w, const char *name, bool is_resumed, bool is_training_only) {
    mb_study *study = NULL;
    char directory[4096];
    snprintf(directory, sizeof directory, "%s/%s", w->directory, name);
    const mb_run_settings settings = {.directory = directory,
        .is_resumed = is_resumed,
        .is_training_only = is_training_only,
        .is_cancelled = w->most > 0 ? stops : NULL,
        .user = w};
    assert_ok(
        w->base.ctx, mb_write_file(w->base.ctx, file(w, "study.yaml"), w->text, strlen(w->text)));
    mb_status status = mb_study_open(w->base.ctx, file(w, "study.yaml"), NULL, &study);
    if (status == MB_OK) {
        status = mb_study_run(w->base.ctx, study, &settings, NULL);
    }
    mb_study_destroy(study);
    return status;
}

static mb_document read_json(world *w, const char *run, const char *model, const char *name) {
    mb_document document;
    char folder[4096];
    snprintf(folder, sizeof folder, "%s/%s/fits/%s", w->directory, run, model);
    assert_ok(w->base.ctx, mb_run_read_json(w->base.ctx, folder, name, &document));
    return document;
}

static double number_of(world *w, const char *run, const char *model, const char *key) {
    mb_document record = read_json(w, run, model, "training.json");
    const double value = mb_node_number(record.root, key);
    mb_document_clear(&record);
    return value;
}

typedef struct hashes {
    char best[N_MODELS][65], last[N_MODELS][65];
} hashes;

static void read_hashes(world *w, const char *run, hashes *out) {
    for (size_t i = 0; i < N_MODELS; i++) {
        mb_document record = read_json(w, run, names[i], "training.json");
        snprintf(out->best[i], 65, "%s", mb_node_text(mb_node_find(record.root, "weights_sha256")));
        snprintf(
            out->last[i], 65, "%s", mb_node_text(mb_node_find(record.root, "last_weights_sha256")));
        assert_int_equal(strlen(out->last[i]), 64);
        mb_document_clear(&record);
    }
}

static void assert_same_hashes(const hashes *a, const hashes *b) {
    for (size_t i = 0; i < N_MODELS; i++) {
        assert_string_equal(a->best[i], b->best[i]);
        assert_string_equal(a->last[i], b->last[i]);
    }
}

static void test_alternate__targets_are_those_of_the_formula(void **state) {
    (void)state;
    static const struct {
        double error, target;
    } cases[] = {{0, 0}, {0.3, 0}, {1, 0}, {1.5, 12.9765625}, {2.718281828459045, 32},
        {10, 73.68359375}, {100, 147.3671875}, {2981, 255.99609375}, {1e9, 255.99609375}};
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        assert_true(
            mb_alternate_target_of(MB_ALTERNATE_LOG_MSE, cases[i].error) == cases[i].target);
        assert_true(mb_alternate_target_of(MB_ALTERNATE_MSE, cases[i].error) == cases[i].error);
    }
    assert_true(mb_alternate_target_of(MB_ALTERNATE_LOG1P_MSE, 0) == 0);
    assert_true(mb_alternate_target_of(MB_ALTERNATE_LOG1P_MSE, 100) == mb_log1p(100));
}

static void test_alternate__errors_are_means_of_squared_differences(void **state) {
    (void)state;
    enum { ROWS = 40 };
    world w;
    open_world(&w, 2);
    mb_context *ctx = w.base.ctx;
    assert_ok(ctx, run(&w, "run", false, true));
    mb_study *study = NULL;
    mb_dataset dataset;
    mb_model *model = NULL;
    assert_ok(ctx, mb_study_open(ctx, file(&w, "study.yaml"), NULL, &study));
    assert_ok(ctx, mb_study_load(ctx, study, &(mb_source_request){0}, &dataset, NULL));
    assert_ok(ctx, mb_model_load(ctx, fit_file(&w, "run", "teacher", "model.h5"), &model));
    uint32_t rows[ROWS];
    static float errors[ROWS], outputs[ROWS * 252], inputs[ROWS * 252];
    float *const out[] = {outputs};
    for (uint32_t i = 0; i < ROWS; i++) {
        rows[i] = 800 - 17 * i;
    }
    assert_ok(
        ctx, mb_reconstruction_errors(ctx, model, model->parameters, &dataset, rows, ROWS, errors));
    assert_ok(ctx, mb_predict_dataset(ctx, model, model->parameters, &dataset, rows, ROWS, out));
    assert_ok(ctx, mb_column_gather(mb_dataset_find(&dataset, "regions"), ctx, rows, ROWS, inputs));
    for (size_t i = 0; i < ROWS; i++) {
        double sum = 0;
        for (size_t j = 0; j < 252; j++) {
            const double d = (double)inputs[i * 252 + j] - (double)outputs[i * 252 + j];
            sum += d * d / 252;
        }
        assert_true(sum > 0.1 && fabs((double)errors[i] - sum) < 1e-5 * sum);
    }
    mb_model_destroy(model);
    assert_ok(ctx, mb_model_load(ctx, fit_file(&w, "run", "small", "model.h5"), &model));
    assert_fails(ctx,
        mb_reconstruction_errors(ctx, model, model->parameters, &dataset, rows, 1, errors),
        MB_ERR_SHAPE, "is no autoencoder");
    mb_model_destroy(model);
    mb_dataset_clear(&dataset);
    mb_study_destroy(study);
    close_world(&w);
}

static void assert_history(world *w, const char *model, size_t n_epochs) {
    mb_csv table;
    assert_ok(w->base.ctx,
        mb_csv_read(&table, w->base.ctx, fit_file(w, "run", model, "history.csv"), true));
    static const char *const columns[] = {"epoch", "loss", "val_loss", "learning_rate", "seconds"};
    assert_int_equal(table.n_columns, MB_COUNT_OF(columns));
    for (size_t i = 0; i < MB_COUNT_OF(columns); i++) {
        assert_string_equal(mb_csv_column_name(&table, i), columns[i]);
    }
    assert_int_equal(table.n_rows, n_epochs);
    mb_csv_clear(&table);
}

static void test_alternate__writes_every_file_and_all_epochs(void **state) {
    (void)state;
    static const char *const files[] = {"model.h5", "last.h5", "checkpoint.h5", "metrics.json"};
    static const char *const arrays[] = {"score_teacher", "score_wide", "score_small"};
    world w;
    open_world(&w, 2);
    assert_ok(w.base.ctx, run(&w, "run", false, false));
    for (size_t i = 0; i < N_MODELS; i++) {
        assert_history(&w, names[i], i == 0 ? 4 : 8);
        assert_true(number_of(&w, "run", names[i], "n_train") == N_TRAIN);
        assert_true(number_of(&w, "run", names[i], "n_validation") == N_VALIDATION);
        for (size_t k = 0; k < MB_COUNT_OF(files); k++) {
            assert_true(mb_path_exists(fit_file(&w, "run", names[i], files[k])));
        }
        mb_array score;
        assert_ok(
            w.base.ctx, mb_npz_read(w.base.ctx, file(&w, "run/scores.npz"), arrays[i], &score));
        assert_int_equal(mb_array_count(&score), 900);
        mb_array_clear(&score);
    }
    mb_csv table;
    assert_ok(w.base.ctx, mb_csv_read(&table, w.base.ctx, file(&w, "run/predictions.csv"), true));
    assert_int_equal(table.n_columns, 7);
    assert_string_equal(mb_csv_column_name(&table, 5), "score_small");
    mb_csv_clear(&table);
    assert_true(mb_path_exists(file(&w, "run/report.html")));
    close_world(&w);
}

static void test_alternate__keeps_the_scores_of_any_number_of_students(void **state) {
    (void)state;
    enum { STUDENTS = 70 };
    char models[12000] = "models:\n";
    char list[1000] = "students: [";
    world w;
    open_world(&w, 2);
    for (size_t i = 0; i < STUDENTS; i++) {
        snprintf(models + strlen(models), sizeof models - strlen(models),
            "  s%zu: {layers: [{input: {shape: [252]}, name: regions}, {dense: {units: 1}}]}\n", i);
        snprintf(list + strlen(list), sizeof list - strlen(list), "%ss%zu", i > 0 ? ", " : "", i);
    }
    edit(&w, "models:\n", models);
    edit(&w, "students: [wide, small", list);
    edit(&w, "limit: 900", "limit: 200");
    edit(&w, "rounds: 2, teacher_epochs: 2, student_epochs: 4",
        "rounds: 1, teacher_epochs: 1, student_epochs: 1");
    assert_ok(w.base.ctx, run(&w, "run", false, false));
    for (size_t i = 0; i < STUDENTS; i++) {
        char name[32];
        mb_array score;
        snprintf(name, sizeof name, "score_s%zu", i);
        assert_ok(w.base.ctx, mb_npz_read(w.base.ctx, file(&w, "run/scores.npz"), name, &score));
        mb_array_clear(&score);
    }
    close_world(&w);
}

// In one round all targets are of the teacher that is kept, so a student's validation loss is what
// scoring finds again.
static void test_alternate__students_learn_from_the_best_teacher(void **state) {
    (void)state;
    world w;
    open_world(&w, 1);
    edit(&w, "rounds: 2, teacher_epochs: 2, student_epochs: 4",
        "rounds: 1, teacher_epochs: 12, student_epochs: 60");
    assert_ok(w.base.ctx, run(&w, "run", false, false));
    mb_document record = read_json(&w, "run", "wide", "metrics.json");
    const mb_node *agreement = mb_node_find(record.root, "against_teacher");
    const mb_node *part = mb_node_find(agreement, "validation");
    const mb_node *test = mb_node_find(agreement, "test");
    const double loss = mb_node_number(record.root, "val_loss");
    const double distance = mb_node_number(part, "mean_absolute_error");
    assert_true(fabs(loss - distance) < 1e-5 * distance);
    assert_true(mb_node_number(part, "events") == N_VALIDATION);
    assert_true(mb_node_number(test, "events") == N_TEST);
    assert_true(mb_node_number(test, "correlation") > 0.6);
    assert_true(mb_node_number(test, "mean_target") > 30);
    mb_document_clear(&record);
    close_world(&w);
}

static void test_alternate__threads_change_no_bit(void **state) {
    (void)state;
    hashes first;
    for (unsigned n = 1; n <= 3; n++) {
        world w;
        hashes own;
        open_world(&w, n);
        assert_ok(w.base.ctx, run(&w, "run", false, true));
        read_hashes(&w, "run", n == 1 ? &first : &own);
        if (n > 1) {
            assert_same_hashes(&first, &own);
        }
        close_world(&w);
    }
}

static void test_alternate__goes_on_to_the_same_bits(void **state) {
    (void)state;
    world w;
    hashes whole;
    hashes resumed;
    open_world(&w, 1);
    edit(&w, "{batch: 64}", "{batch: 64, checkpoint_steps: 5}");
    edit(&w, "{batch: 32}", "{batch: 32, checkpoint_steps: 25}");
    assert_ok(w.base.ctx, run(&w, "whole", false, true));
    read_hashes(&w, "whole", &whole);
    size_t n_stops = 0;
    for (w.most = 1; w.most < 100; w.most += 1 + w.most / 3) {
        w.asked = 0;
        const mb_status status = run(&w, "stopped", n_stops > 0, true);
        if (status == MB_OK) {
            break;
        }
        assert_int_equal(status, MB_ERR_CANCELLED);
        mb_context_clear(w.base.ctx);
        n_stops++;
    }
    w.most = 0;
    assert_true(n_stops >= 3);
    assert_ok(w.base.ctx, run(&w, "stopped", true, true));
    read_hashes(&w, "stopped", &resumed);
    assert_same_hashes(&whole, &resumed);
    // A run that ended stays as it is.
    assert_ok(w.base.ctx, run(&w, "stopped", true, true));
    close_world(&w);
}

static void test_alternate__only_students_see_outliers(void **state) {
    (void)state;
    world w;
    hashes with;
    hashes without;
    open_world(&w, 2);
    assert_ok(w.base.ctx, run(&w, "without", false, true));
    edit(&w, "teacher: teacher\n",
        "teacher: teacher\noutliers: {train: TTBar.h5, validation: Haa4b.h5}\n");
    assert_ok(w.base.ctx, run(&w, "with", false, true));
    assert_true(number_of(&w, "with", "teacher", "n_train") == N_TRAIN);
    assert_true(number_of(&w, "with", "wide", "n_train") == N_TRAIN + 120);
    assert_true(number_of(&w, "with", "wide", "n_validation") == N_VALIDATION + 120);
    read_hashes(&w, "without", &without);
    read_hashes(&w, "with", &with);
    assert_string_equal(with.last[0], without.last[0]);
    assert_string_not_equal(with.last[1], without.last[1]);
    close_world(&w);
}

// In one study with other fits: events of their own, and no scores of the run.
static void test_alternate__takes_the_events_set_aside(void **state) {
    (void)state;
    world w;
    open_world(&w, 2);
    edit(&w, "limit: 900", "limit: 700");
    edit(&w, "  split: {test: 0.4, take: random}\n",
        "  signals: {TTBar: {file: TTBar.h5}}\n  train_size: 100\n");
    edit(&w, "teacher: teacher\nstudents: [wide, small]\n",
        "fits:\n  - name: cicada\n    teacher: teacher\n    students: [wide, small]\n"
        "    events: 180\n    train: {teacher: {batch: 64}, student: {batch: 32}}\n");
    edit(&w, "alternate: {rounds", "    alternate: {rounds");
    edit(&w, "\ntrain: {teacher: {batch: 64}, student: {batch: 32}}\n", "\n");
    assert_ok(w.base.ctx, run(&w, "run", false, false));
    assert_true(number_of(&w, "run", "wide", "n_train") == 150);
    assert_true(number_of(&w, "run", "wide", "n_validation") == 30);
    close_world(&w);
}

static void save_ones(world *w, const char *name, unsigned rank, const size_t *shape) {
    mb_array array;
    assert_ok(w->base.ctx, mb_array_init(&array, w->base.ctx, MB_F32, rank, shape));
    for (size_t i = 0; i < mb_array_count(&array); i++) {
        ((float *)array.data)[i] = 1;
    }
    assert_ok(w->base.ctx, mb_npy_write(w->base.ctx, file(w, name), &array));
    mb_array_clear(&array);
}

// Labels that are all of signal leave no background to hold it against.
static void test_alternate__takes_labels_of_one_class_for_none(void **state) {
    (void)state;
    static const char study[] = "study: signal\n"
                                "data: {source: arrays, inputs: {x: x.npy}, target: y.npy}\n"
                                "models:\n"
                                "  teacher: {layers: [{input: x}, {dense: {units: 3}}]}\n"
                                "  student: {layers: [{input: x}, {dense: {units: 1}}]}\n"
                                "teacher: teacher\n"
                                "students: [student]\n"
                                "alternate: {rounds: 1}\n"
                                "train: {teacher: {batch: 4}, student: {batch: 4}}\n"
                                "evaluate: {figures: false}\n";
    world w;
    open_world(&w, 1);
    snprintf(w.text, sizeof w.text, "%s", study);
    save_ones(&w, "x.npy", 2, (const size_t[]){30, 3});
    save_ones(&w, "y.npy", 1, (const size_t[]){30});
    assert_ok(w.base.ctx, run(&w, "run", false, false));
    char *text = NULL;
    size_t length = 0;
    assert_ok(w.base.ctx,
        mb_read_file(w.base.ctx, fit_file(&w, "run", "student", "metrics.json"), &text, &length));
    assert_non_null(strstr(text, "\"evaluated_on\": \"validation\""));
    assert_non_null(strstr(text, "\"against_teacher\": {\"train\": {\"events\": 25"));
    mb_release(w.base.ctx, text);
    close_world(&w);
}

static void test_alternate__refuses_what_cannot_be_trained(void **state) {
    (void)state;
    static const struct {
        const char *part, *by, *wanted;
        mb_status status;
    } cases[] = {
        {"teacher: teacher\n", "teacher: teacher\noutliers: {train: nothing.h5}\n",
            "nothing.h5: there is no such file, which outliers: names", MB_ERR_IO},
        {"{batch: 64}", "{batch: 512}", "teacher has 450 training events, less than one batch",
            MB_ERR_RANGE},
        {"{batch: 32}", "{batch: 32, epochs: 9}",
            "epochs is not for a teacher and its students; write teacher_epochs", MB_ERR_FORMAT},
        {"teacher: teacher\n", "teacher: small\n", "is no autoencoder", MB_ERR_SHAPE},
        {"[wide, small]", "[wide, smal]", "did you mean 'small'?", MB_ERR_FORMAT},
        {"rounds: 2", "round: 2", "did you mean 'rounds'?", MB_ERR_FORMAT},
    };
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        world w;
        open_world(&w, 1);
        edit(&w, cases[i].part, cases[i].by);
        assert_fails(w.base.ctx, run(&w, "run", false, true), cases[i].status, cases[i].wanted);
        close_world(&w);
    }
}

// The layers of a model in the study become the path of a file of an earlier run.
static void take_from_file(world *w, const char *model, const char *run) {
    char begin[64];
    char by[4600];
    snprintf(begin, sizeof begin, "\n  %s:", model);
    char *at = strstr(w->text, begin);
    assert_non_null(at);
    at++;
    const char *end = strchr(at, '\n') + 1;
    while (strncmp(end, "    ", 4) == 0) {
        end = strchr(end, '\n') + 1;
    }
    char rest[sizeof w->text];
    snprintf(rest, sizeof rest, "%s", end);
    snprintf(by, sizeof by, "  %s: %s\n", model, fit_file(w, run, model, "model.h5"));
    snprintf(at, sizeof w->text - (size_t)(at - w->text), "%s%s", by, rest);
}

static void test_alternate__models_of_files_stay_as_they_are(void **state) {
    (void)state;
    world w;
    hashes first;
    open_world(&w, 1);
    assert_ok(w.base.ctx, run(&w, "first", false, true));
    read_hashes(&w, "first", &first);
    take_from_file(&w, "teacher", "first");
    take_from_file(&w, "wide", "first");
    assert_ok(w.base.ctx, run(&w, "second", false, false));
    mb_document record = read_json(&w, "second", "teacher", "training.json");
    const mb_node *hash = mb_node_find(record.root, "weights_sha256");
    assert_string_equal(mb_node_text(hash), first.best[0]);
    assert_true(mb_node_number(record.root, "epochs") == 0);
    mb_document_clear(&record);
    assert_true(number_of(&w, "second", "small", "epochs") == 8);
    assert_false(mb_path_exists(fit_file(&w, "second", "wide", "model.h5")));
    take_from_file(&w, "small", "first");
    assert_ok(w.base.ctx, run(&w, "third", false, false));
    assert_false(mb_path_exists(file(&w, "third/fits")));
    assert_true(mb_path_exists(file(&w, "third/metrics.json")));
    close_world(&w);
}

static void test_alternate__scores_other_files_and_tells_before(void **state) {
    (void)state;
    world w;
    open_world(&w, 2);
    mb_context *ctx = w.base.ctx;
    mb_answer *answer = NULL;
    mb_study *study = NULL;
    char path[4096];
    char run_path[4096];
    char output[4096];
    assert_ok(ctx, run(&w, "run", false, true));
    assert_ok(ctx, mb_study_open(ctx, file(&w, "study.yaml"), NULL, &study));
    assert_ok(ctx, mb_study_check(ctx, study, &(mb_run_settings){0}, &answer));
    assert_non_null(strstr(mb_answer_text(answer), "small: train on 450, validate on 90"));
    assert_non_null(strstr(mb_answer_text(answer), "for 8 epochs"));
    mb_answer_destroy(answer);
    mb_study_destroy(study);
    snprintf(path, sizeof path, "%s", file(&w, "data/TTBar.h5"));
    snprintf(run_path, sizeof run_path, "%s", file(&w, "run"));
    snprintf(output, sizeof output, "%s", file(&w, "scores.csv"));
    const char *const files[] = {path};
    assert_fails(ctx, mb_run_predict(ctx, run_path, files, 1, "5kHz", output, false, NULL),
        MB_ERR_UNSUPPORTED, "holds several scores");
    assert_ok(ctx, mb_run_predict(ctx, run_path, files, 1, NULL, output, false, NULL));
    mb_csv table;
    assert_ok(ctx, mb_csv_read(&table, ctx, output, true));
    assert_int_equal(table.n_rows, 120);
    assert_int_equal(table.n_columns, 3 + N_MODELS);
    assert_string_equal(mb_csv_column_name(&table, 3), "score_teacher");
    mb_csv_clear(&table);
    close_world(&w);
}

static void test_alternate__is_a_study_that_comes_with_a_word_of_help(void **state) {
    (void)state;
    bool is_there = false;
    for (size_t i = 0; mb_shipped_study_name(i) != NULL; i++) {
        assert_true(strlen(mb_shipped_study_help(i)) > 10);
        is_there = is_there || strcmp(mb_shipped_study_name(i), "cicada-train") == 0;
    }
    assert_true(is_there);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alternate__targets_are_those_of_the_formula),
        cmocka_unit_test(test_alternate__errors_are_means_of_squared_differences),
        cmocka_unit_test(test_alternate__writes_every_file_and_all_epochs),
        cmocka_unit_test(test_alternate__keeps_the_scores_of_any_number_of_students),
        cmocka_unit_test(test_alternate__students_learn_from_the_best_teacher),
        cmocka_unit_test(test_alternate__threads_change_no_bit),
        cmocka_unit_test(test_alternate__goes_on_to_the_same_bits),
        cmocka_unit_test(test_alternate__only_students_see_outliers),
        cmocka_unit_test(test_alternate__takes_the_events_set_aside),
        cmocka_unit_test(test_alternate__takes_labels_of_one_class_for_none),
        cmocka_unit_test(test_alternate__refuses_what_cannot_be_trained),
        cmocka_unit_test(test_alternate__models_of_files_stay_as_they_are),
        cmocka_unit_test(test_alternate__scores_other_files_and_tells_before),
        cmocka_unit_test(test_alternate__is_a_study_that_comes_with_a_word_of_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
