// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/output.h"
#include "files/npy.h"
#include "study/alternate_run.h"
#include "study/trained.h"
#include "study/scored.h"

#include <math.h>

// How well students follow their teacher, and how both see signals.

typedef struct judging {
    mb_run *run;
    mb_context *ctx;
    uint8_t *split; // per row of the data
    float *label;   // per score, or NULL
    bool has_classes;
    mb_alternate_scores scores;
    mb_alternate_groups groups;
} judging;

// Events that are scored: all, or where other fits have the data those that are set aside.
static mb_status list_rows(judging *j, uint32_t **rows, size_t *n) {
    const size_t n_rows = j->run->dataset.n_rows;
    const bool takes_all = mb_alternate_is_alone(j->run->study);
    *n = 0;
    *rows = mb_allocate(j->ctx, mb_max_size(n_rows, 1), sizeof **rows);
    if (*rows == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < n_rows; i++) {
        if (takes_all || j->split[i] == MB_SPLIT_TRAIN || j->split[i] == MB_SPLIT_VALIDATION) {
            (*rows)[(*n)++] = (uint32_t)i;
        }
    }
    return MB_OK;
}

static mb_status add_group(judging *j, const char *name, bool is_signal, const uint8_t *is_in) {
    size_t n = 0;
    for (size_t i = 0; i < j->scores.n; i++) {
        n += is_in[i];
    }
    if (n == 0) {
        return MB_OK;
    }
    uint32_t *index = mb_arena_allocate(&j->scores.arena, j->ctx, n, sizeof *index);
    if (index == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0, k = 0; i < j->scores.n; i++) {
        if (is_in[i]) {
            index[k++] = (uint32_t)i;
        }
    }
    j->groups.group[j->groups.n++] = (mb_alternate_group){name, is_signal, index, n};
    return MB_OK;
}

static bool is_signal(const judging *j, size_t i) {
    return j->has_classes && j->label[i] > 0.5F;
}

// Labels that are all 1 tell nothing apart: then all events are what the teacher calls usual.
static bool has_background(const judging *j) {
    bool is_any = false;
    for (size_t i = 0; j->label != NULL && i < j->scores.n; i++) {
        is_any = is_any || j->label[i] <= 0.5F;
    }
    return is_any;
}

static mb_status add_background(judging *j, uint8_t *is_in) {
    for (uint8_t split = MB_SPLIT_TRAIN; split <= MB_SPLIT_TEST; split++) {
        for (size_t i = 0; i < j->scores.n; i++) {
            is_in[i] = j->split[j->scores.row[i]] == split && !is_signal(j, i);
        }
        const size_t n = j->groups.n;
        MB_TRY(add_group(j, mb_evaluate_split_names[split], false, is_in));
        j->groups.judged = j->groups.n > n ? n : j->groups.judged;
    }
    return MB_OK;
}

// The signals are the data's named sets of which each has its own; without sets all signal is one.
static mb_status add_signals(judging *j, uint8_t *is_in) {
    static const char *const joined[] = {"background", "aside", "blend"};
    const mb_dataset *dataset = &j->run->dataset;
    if (!j->has_classes || !mb_alternate_is_alone(j->run->study)) {
        return MB_OK;
    }
    if (dataset->n_sets == 0) {
        for (size_t i = 0; i < j->scores.n; i++) {
            is_in[i] = j->split[j->scores.row[i]] == MB_SPLIT_TEST && is_signal(j, i);
        }
        return add_group(j, "signal", true, is_in);
    }
    for (size_t s = 0; s < dataset->n_sets; s++) {
        const mb_row_set *set = &dataset->sets[s];
        bool is_joined = false;
        for (size_t k = 0; k < MB_COUNT_OF(joined); k++) {
            is_joined = is_joined || strcmp(set->name, joined[k]) == 0;
        }
        memset(is_in, 0, j->scores.n);
        // All rows are scored, so a row is its own place.
        for (size_t k = 0; k < set->n_test && !is_joined; k++) {
            is_in[set->test[k]] = is_signal(j, set->test[k]);
        }
        MB_TRY(add_group(j, set->name, true, is_in));
    }
    return MB_OK;
}

static mb_status make_groups(judging *j) {
    mb_context *ctx = j->ctx;
    const size_t most = 4 + j->run->dataset.n_sets;
    uint8_t *is_in = mb_allocate_zeroed(ctx, mb_max_size(j->scores.n, 1), 1);
    j->groups.group = mb_arena_allocate(&j->scores.arena, ctx, most, sizeof *j->groups.group);
    mb_status status = is_in == NULL || j->groups.group == NULL ? MB_ERR_MEMORY : MB_OK;
    status = status != MB_OK ? status : add_background(j, is_in);
    status = status != MB_OK ? status : add_signals(j, is_in);
    mb_release(ctx, is_in);
    return status;
}

static void put_agreement(mb_answer *answer, mb_node *map, const judging *j,
    const mb_alternate_group *group, const float *score) {
    double mean_x = 0, mean_y = 0, xx = 0, yy = 0, xy = 0, distance = 0;
    const double n = (double)group->n;
    for (size_t i = 0; i < group->n; i++) {
        const double x = (double)j->scores.target[group->index[i]];
        const double y = (double)score[group->index[i]];
        mean_x += x / n;
        mean_y += y / n;
        distance += fabs(x - y) / n;
    }
    for (size_t i = 0; i < group->n; i++) {
        const double x = (double)j->scores.target[group->index[i]] - mean_x;
        const double y = (double)score[group->index[i]] - mean_y;
        xx += x * x;
        yy += y * y;
        xy += x * y;
    }
    mb_answer_put_int(answer, map, "events", (int64_t)group->n);
    mb_answer_put_real(answer, map, "correlation", xy / sqrt(xx * yy));
    mb_answer_put_real(answer, map, "mean_absolute_error", distance);
    mb_answer_put_real(answer, map, "mean_target", mean_x);
    mb_answer_put_real(answer, map, "mean_score", mean_y);
}

// The area of one signal against the judged background.
static mb_status measure_area(const judging *j, const mb_alternate_group *signal,
    const float *score, double *area, double *error) {
    const mb_alternate_group *background = &j->groups.group[j->groups.judged];
    const size_t n = background->n + signal->n;
    float *scores = mb_allocate(j->ctx, n, sizeof *scores);
    float *labels = mb_allocate_zeroed(j->ctx, n, sizeof *labels);
    mb_roc roc = {0};
    mb_status status = scores == NULL || labels == NULL ? MB_ERR_MEMORY : MB_OK;
    if (status == MB_OK) {
        for (size_t i = 0; i < n; i++) {
            const bool is_in = i >= background->n;
            scores[i] = score[is_in ? signal->index[i - background->n] : background->index[i]];
            labels[i] = is_in ? 1.0F : 0.0F;
        }
        status = mb_roc_make(&roc, j->ctx, mb_values_f32(scores, n), mb_values_f32(labels, n));
    }
    if (status == MB_OK) {
        *area = roc.auc;
        *error = roc.auc_error;
    }
    mb_roc_clear(&roc);
    mb_release(j->ctx, scores);
    mb_release(j->ctx, labels);
    return status;
}

static mb_status put_groups(mb_answer *answer, const judging *j, size_t k) {
    const float *score = j->scores.score[k];
    mb_node *agreement = k > 0 ? mb_answer_put_map(answer, NULL, "against_teacher") : NULL;
    mb_node *signals = NULL;
    for (size_t g = 0; g < j->groups.n; g++) {
        const mb_alternate_group *group = &j->groups.group[g];
        if (!group->is_signal) {
            if (k > 0) {
                put_agreement(
                    answer, mb_answer_put_map(answer, agreement, group->name), j, group, score);
            }
            continue;
        }
        double area = 0;
        double error = 0;
        MB_TRY(measure_area(j, group, score, &area, &error));
        signals = signals != NULL ? signals : mb_answer_put_list(answer, NULL, "signals");
        mb_node *map = mb_answer_add_map(answer, signals);
        mb_answer_put_text(answer, map, "name", group->name);
        if (k > 0) {
            put_agreement(answer, map, j, group, score);
        } else {
            mb_answer_put_int(answer, map, "events", (int64_t)group->n);
        }
        mb_answer_put_real(answer, map, "auc", area);
        mb_answer_put_real(answer, map, "auc_error", error);
    }
    return MB_OK;
}

static void put_training(mb_answer *answer, const judging *j, size_t k, const mb_node *training) {
    mb_answer_put_int(answer, NULL, "format", 1);
    mb_answer_put_text(answer, NULL, "study", j->run->study->name);
    mb_answer_put_text(answer, NULL, "fit", j->scores.name[k]);
    mb_answer_put_text(answer, NULL, "role", k == 0 ? "teacher" : "student");
    mb_answer_put_int(answer, NULL, "events", (int64_t)j->scores.n);
    mb_answer_put_bool(answer, NULL, "simulated", mb_study_is_simulated(j->ctx, j->run->study));
    const mb_node *best = mb_node_find(training, "best_epoch_figures");
    for (const mb_node *m = best != NULL ? best->first : NULL; m != NULL; m = m->next) {
        mb_answer_put_copy(answer, NULL, m->key, m);
    }
    mb_answer_put_copy(answer, NULL, "training", training);
    mb_answer_put_text(answer, NULL, "evaluated_on", j->groups.group[j->groups.judged].name);
}

static mb_status write_metrics(judging *j, size_t k) {
    mb_arena *arena = &j->scores.arena;
    const char *folder =
        mb_alternate_directory(j->ctx, arena, j->run->directory, j->scores.name[k]);
    const char *path = folder != NULL ? mb_run_file(j->ctx, arena, folder, "metrics.json") : NULL;
    mb_document record;
    mb_answer *answer = NULL;
    if (path == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_run_read_json(j->ctx, folder, "training.json", &record));
    mb_status status = mb_answer_create(j->ctx, &answer);
    if (status == MB_OK) {
        put_training(answer, j, k, record.root);
        status = mb_answer_write(answer, put_groups(answer, j, k), path);
    }
    mb_document_clear(&record);
    return status;
}

// The arrays of a run's scores.npz, a score for each model.
static mb_status write_arrays(judging *j, const char *path) {
    static const char *const others[] = {"split", "event", "file", "label"};
    const mb_alternate_scores *s = &j->scores;
    const size_t most = s->n_models + MB_COUNT_OF(others);
    const mb_dataset *dataset = &j->run->dataset;
    mb_runtime *runtime = mb_context_runtime(j->ctx);
    const char **names = mb_allocate(j->ctx, most, sizeof *names);
    mb_array *arrays = mb_allocate(j->ctx, most, sizeof *arrays);
    const mb_array **pointers = mb_allocate(j->ctx, most, sizeof *pointers);
    uint8_t *split = mb_allocate(j->ctx, mb_max_size(s->n, 1), 1);
    int64_t *event = mb_allocate(j->ctx, mb_max_size(s->n, 1), sizeof *event);
    uint32_t *file = mb_allocate(j->ctx, mb_max_size(s->n, 1), sizeof *file);
    mb_status status = names == NULL || arrays == NULL || pointers == NULL || split == NULL ||
                               event == NULL || file == NULL
                           ? MB_ERR_MEMORY
                           : MB_OK;
    if (status == MB_OK) {
        memcpy(names, others, sizeof others);
        for (size_t i = 0; i < s->n; i++) {
            split[i] = j->split[s->row[i]];
            event[i] = dataset->event[s->row[i]];
            file[i] = dataset->file[s->row[i]];
        }
        arrays[0] = (mb_array){MB_U8, 1, {s->n}, split, runtime};
        arrays[1] = (mb_array){MB_I64, 1, {s->n}, event, runtime};
        arrays[2] = (mb_array){MB_U32, 1, {s->n}, file, runtime};
        size_t n = 3;
        if (j->label != NULL) {
            arrays[n++] = (mb_array){MB_F32, 1, {s->n}, j->label, runtime};
        }
        for (size_t k = 0; k < s->n_models; k++) {
            names[n] = s->title[k];
            arrays[n++] = (mb_array){MB_F32, 1, {s->n}, s->score[k], runtime};
        }
        for (size_t k = 0; k < n; k++) {
            pointers[k] = &arrays[k];
        }
        status = mb_npz_write(j->ctx, path, names, pointers, n, true);
    }
    mb_release(j->ctx, names);
    mb_release(j->ctx, arrays);
    mb_release(j->ctx, pointers);
    mb_release(j->ctx, split);
    mb_release(j->ctx, event);
    mb_release(j->ctx, file);
    return status;
}

// evaluate.on: writes tables of its own for all scores.
static mb_status write_scores(judging *j) {
    const mb_evaluate_options *evaluate = &j->run->study->evaluate;
    if (!mb_alternate_is_alone(j->run->study) || evaluate->on.n > 0) {
        return MB_OK;
    }
    mb_arena *arena = &j->scores.arena;
    const char *npz = mb_run_file(j->ctx, arena, j->run->directory, "scores.npz");
    const char *csv = mb_run_file(j->ctx, arena, j->run->directory, "predictions.csv");
    if (npz == NULL || csv == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(write_arrays(j, npz));
    return evaluate->predictions ? mb_alternate_write_table(j->ctx, &j->scores, &j->run->dataset,
                                       j->label, j->split, csv)
                                 : MB_OK;
}

static mb_status judge(judging *j) {
    mb_run *run = j->run;
    uint32_t *rows = NULL;
    size_t n = 0;
    j->split = mb_arena_allocate(&run->arena, j->ctx, mb_max_size(run->dataset.n_rows, 1), 1);
    if (j->split == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_alternate_split(run, j->split));
    const double start = mb_seconds_now();
    mb_status status = list_rows(j, &rows, &n);
    if (status == MB_OK) {
        status = mb_alternate_score(
            &j->scores, j->ctx, run->study->alternate, run->directory, &run->dataset, rows, n);
    }
    mb_release(j->ctx, rows);
    if (status == MB_OK) {
        mb_journal_line(&run->journal, "Scored %zu events by %zu models in %.2f s", n,
            j->scores.n_models, mb_seconds_now() - start);
        status = mb_labels_of(j->ctx, &run->dataset, j->scores.row, n, &j->label);
        j->has_classes = status == MB_OK && has_background(j);
    }
    status = status != MB_OK ? status : make_groups(j);
    status = status != MB_OK ? status : write_scores(j);
    for (size_t k = 0; k < j->scores.n_models && status == MB_OK; k++) {
        status = write_metrics(j, k);
    }
    return status != MB_OK || !run->study->evaluate.figures
               ? status
               : mb_alternate_draw(run, &j->scores, &j->groups);
}

static mb_status check_trained(mb_run *run, const char *name) {
    const char *folder = mb_alternate_directory(run->ctx, &run->arena, run->directory, name);
    return folder == NULL ? MB_ERR_MEMORY : mb_trained_check(run->ctx, folder);
}

mb_status mb_alternate_evaluate(mb_run *run) {
    const mb_alternate *alternate = run->study->alternate;
    if (alternate->n_students == 0) {
        return MB_OK;
    }
    MB_TRY(check_trained(run, alternate->teacher));
    for (size_t i = 0; i < alternate->n_students; i++) {
        MB_TRY(check_trained(run, alternate->students[i].name));
    }
    judging j = {.run = run, .ctx = run->ctx};
    const mb_status status = judge(&j);
    mb_release(run->ctx, j.label);
    mb_alternate_scores_clear(&j.scores);
    return status;
}
