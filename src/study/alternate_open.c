// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/output.h"
#include "study/alternate_run.h"
#include "training/reconstruct.h"

// Which events a teacher and its students see, and their models.

bool mb_alternate_is_alone(const mb_study *study) {
    return study->alternate != NULL && study->n_fits == 0;
}

const char *mb_alternate_directory(
    mb_context *ctx, mb_arena *arena, const char *directory, const char *name) {
    return mb_arena_format(arena, ctx, "%s/fits/%s", directory, name);
}

static mb_status split_by_set(mb_run *run, uint8_t *split) {
    const mb_alternate *alternate = run->study->alternate;
    const mb_dataset *dataset = &run->dataset;
    const char *name = alternate->events > 0 ? "aside" : "background";
    const mb_row_set *set = mb_dataset_find_set(dataset, name);
    if (set == NULL) {
        return mb_fail(run->ctx, MB_ERR_FORMAT,
            "%s: the data has no events %s, which the teacher and its students need; %s",
            run->study->path, alternate->events > 0 ? "set aside" : "of background alone",
            alternate->events > 0 ? "write events: 0 for those of the study's own split"
                                  : "write events: with how many to set aside");
    }
    MB_TRY(mb_split_set(
        split, dataset->n_rows, run->ctx, set, &alternate->validation, run->study->seed));
    for (size_t i = 0; i < dataset->n_sets; i++) {
        for (size_t k = 0; k < dataset->sets[i].n_test; k++) {
            split[dataset->sets[i].test[k]] = MB_SPLIT_TEST;
        }
    }
    return MB_OK;
}

mb_status mb_alternate_split(mb_run *run, uint8_t *split) {
    mb_dataset *dataset = &run->dataset;
    const mb_alternate *alternate = run->study->alternate;
    if (dataset->n_sets > 0 || alternate->events > 0) {
        MB_TRY(split_by_set(run, split));
    } else {
        MB_TRY(mb_split_apply(
            dataset, run->ctx, &run->study->split, &alternate->validation, run->study->seed));
        memcpy(split, dataset->split, dataset->n_rows);
    }
    size_t n_train = 0;
    for (size_t i = 0; i < dataset->n_rows; i++) {
        if (split[i] == MB_SPLIT_TRAIN && n_train++ >= run->study->train_events) {
            split[i] = MB_SPLIT_NONE;
        }
    }
    return MB_OK;
}

static mb_status find_input(const mb_run *run, const mb_dataset *dataset, const mb_column **out) {
    size_t n = 0;
    for (size_t i = 0; i < dataset->n_columns; i++) {
        if (dataset->columns[i].role == MB_ROLE_INPUT) {
            *out = &dataset->columns[i];
            n++;
        }
    }
    return n == 1 ? MB_OK
                  : mb_fail(run->ctx, MB_ERR_SHAPE,
                        "%s: the data has %zu inputs; a teacher reconstructs one, so name one",
                        run->study->path, n);
}

static mb_status check_outliers(const mb_run *run, const char *path) {
    if (path == NULL || mb_path_exists(path)) {
        return MB_OK;
    }
    return mb_fail(run->ctx, MB_ERR_IO,
        "%s: there is no such file, which outliers: names; correct the path or remove it", path);
}

static mb_status load_outliers(mb_alternate_run *work) {
    mb_run *run = work->run;
    const char *const paths[] = {
        work->alternate->outliers_train, work->alternate->outliers_validation};
    for (size_t i = 0; i < MB_COUNT_OF(paths); i++) {
        mb_dataset_init(&work->outliers[i], run->ctx);
        if (paths[i] == NULL) {
            continue;
        }
        MB_TRY(check_outliers(run, paths[i]));
        const mb_source_request request = {.files = &paths[i], .n_files = 1};
        MB_TRY(mb_study_load(run->ctx, run->study, &request, &work->outliers[i], NULL));
        MB_TRY(find_input(run, &work->outliers[i], &work->parts[1 + i]));
        mb_journal_line(&run->journal, "Read %zu outlier events for %s from %s",
            work->outliers[i].n_rows, i == 0 ? "training" : "validation", paths[i]);
    }
    return MB_OK;
}

// Rows of the data and, behind them, those of the outliers.
static mb_status make_joined(
    const mb_column *column, mb_context *ctx, const uint32_t *rows, size_t n, float *out) {
    const mb_alternate_run *work = column->state;
    for (size_t i = 0; i < n; i++) {
        size_t part = 0;
        while (rows[i] >= work->part_end[part]) {
            part++;
        }
        const uint32_t row = rows[i] - (uint32_t)(part > 0 ? work->part_end[part - 1] : 0);
        MB_TRY(mb_column_gather(work->parts[part], ctx, &row, 1, out + i * column->size));
    }
    return MB_OK;
}

static mb_dataset borrow(const mb_alternate_run *work, mb_column *columns, size_t n_rows) {
    return (mb_dataset){.runtime = mb_context_runtime(work->run->ctx),
        .n_rows = n_rows,
        .columns = columns,
        .n_columns = 2,
        .weight = n_rows == work->run->dataset.n_rows ? work->run->dataset.weight : NULL};
}

static mb_status make_events(mb_alternate_run *work) {
    mb_context *ctx = work->run->ctx;
    const mb_column *input = work->parts[0];
    size_t n = work->run->dataset.n_rows;
    work->part_end[0] = n;
    for (size_t i = 0; i < 2; i++) {
        n += work->outliers[i].n_rows;
        work->part_end[1 + i] = n;
    }
    if (n > UINT32_MAX) {
        return mb_fail(
            ctx, MB_ERR_LIMIT, "outliers: %zu events with them are too many; give fewer", n);
    }
    work->targets = mb_allocate_zeroed(ctx, n, sizeof *work->targets);
    if (work->targets == NULL) {
        return MB_ERR_MEMORY;
    }
    work->teacher_columns[0] = *input;
    work->teacher_columns[1] = *input;
    work->teacher_columns[1].name = "target";
    work->teacher_columns[1].role = MB_ROLE_TARGET;
    work->student_columns[0] = *input;
    if (n > work->run->dataset.n_rows) {
        mb_column *joined = &work->student_columns[0];
        joined->kind = MB_COLUMN_MADE;
        joined->make = make_joined;
        joined->state = work;
    }
    work->student_columns[1] = (mb_column){.name = "target",
        .role = MB_ROLE_TARGET,
        .kind = MB_COLUMN_DENSE,
        .dtype = MB_F32,
        .size = 1,
        .dense = {MB_F32, 1, {n}, work->targets, mb_context_runtime(ctx)}};
    work->teacher_events = borrow(work, work->teacher_columns, work->run->dataset.n_rows);
    work->student_events = borrow(work, work->student_columns, n);
    return MB_OK;
}

static size_t put_rows(mb_alternate_run *work, size_t at, uint8_t split) {
    for (size_t i = 0; i < work->run->dataset.n_rows; i++) {
        if (work->split[i] == split) {
            work->rows[at++] = (uint32_t)i;
        }
    }
    return at;
}

static size_t put_outliers(mb_alternate_run *work, size_t at, size_t which) {
    for (size_t i = 0; i < work->outliers[which].n_rows; i++) {
        work->rows[at++] = (uint32_t)(work->part_end[which] + i);
    }
    return at;
}

// The teacher's rows are the first of the students' in each part.
static mb_status list_rows(mb_alternate_run *work) {
    mb_context *ctx = work->run->ctx;
    work->rows = mb_allocate(ctx, work->student_events.n_rows, sizeof *work->rows);
    work->errors = mb_allocate(ctx, work->student_events.n_rows, sizeof *work->errors);
    if (work->rows == NULL || work->errors == NULL) {
        return MB_ERR_MEMORY;
    }
    const size_t n_own = put_rows(work, 0, MB_SPLIT_TRAIN);
    const size_t n_train = put_outliers(work, n_own, 0);
    const size_t n_own_validation = put_rows(work, n_train, MB_SPLIT_VALIDATION) - n_train;
    work->n_rows = put_outliers(work, n_train + n_own_validation, 1);
    for (size_t i = 0; i < work->n_models; i++) {
        mb_alternate_model *m = &work->models[i];
        m->train = work->rows;
        m->validation = work->rows + n_train;
        m->n_train = i == 0 ? n_own : n_train;
        m->n_validation = i == 0 ? n_own_validation : work->n_rows - n_train;
    }
    return MB_OK;
}

static mb_status name_models(mb_alternate_run *work) {
    const mb_alternate *alternate = work->alternate;
    mb_run *run = work->run;
    work->n_models = 1 + alternate->n_students;
    work->models = mb_arena_allocate(&run->arena, run->ctx, work->n_models, sizeof *work->models);
    if (work->models == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < work->n_models; i++) {
        mb_alternate_model *m = &work->models[i];
        const mb_alternate_student *student = i > 0 ? &alternate->students[i - 1] : NULL;
        m->fit = (mb_fit_spec){.name = i == 0 ? alternate->teacher : student->name,
            .model = i == 0 ? alternate->teacher_model : student->model,
            .train = i == 0 ? alternate->teacher_train : alternate->student_train,
            .n_rounds = 1};
        m->is_given = mb_node_is_scalar(m->fit.model);
        m->turn_epochs = i == 0 ? alternate->teacher_epochs : alternate->student_epochs;
        m->fit.train.options.epochs = alternate->rounds * m->turn_epochs;
        m->fit.train.options.drop_last = alternate->drop_remainder;
        m->events = i == 0 ? &work->teacher_events : &work->student_events;
        m->round = (mb_round){.fit = &m->fit,
            .name = m->fit.name,
            .seed = run->study->seed + i,
            .split = work->split,
            .directory =
                mb_alternate_directory(run->ctx, &run->arena, run->directory, m->fit.name)};
        if (m->round.directory == NULL) {
            return MB_ERR_MEMORY;
        }
    }
    return MB_OK;
}

static mb_status check_batch(const mb_alternate_run *work, const mb_alternate_model *m) {
    const size_t batch = m->fit.train.options.batch;
    const bool has_all = m == work->models || work->alternate->outliers_train == NULL ||
                         work->outliers[0].n_rows > 0;
    if (!has_all || m->is_given || m->n_train >= batch || !work->alternate->drop_remainder) {
        return MB_OK;
    }
    return mb_fail(work->run->ctx, MB_ERR_RANGE,
        "alternate.drop_remainder: %s has %zu training events, less than one batch of %zu; make "
        "train.%s.batch smaller, or drop_remainder false",
        m->fit.name, m->n_train, batch, m == work->models ? "teacher" : "student");
}

static mb_status build(const mb_alternate_run *work, mb_alternate_model *m) {
    mb_context *ctx = work->run->ctx;
    bool has_weights = false;
    MB_TRY(mb_study_build_model(
        ctx, work->run->study, &m->fit, &work->run->dataset, &m->model, &has_weights));
    const size_t n = m->model->n_parameters;
    m->first = mb_allocate(ctx, n, sizeof *m->first);
    m->best = mb_allocate(ctx, n, sizeof *m->best);
    if (m->first == NULL || m->best == NULL) {
        return MB_ERR_MEMORY;
    }
    if (m->is_given) {
        memcpy(m->best, m->model->parameters, n * sizeof *m->best);
    }
    if (m == work->models) {
        MB_TRY(mb_reconstruction_check(ctx, m->model, m->events));
    }
    return check_batch(work, m);
}

mb_status mb_alternate_open(mb_alternate_run *out, mb_run *run) {
    *out = (mb_alternate_run){.run = run, .alternate = run->study->alternate};
    const size_t n = mb_max_size(run->dataset.n_rows, 1);
    out->split = mb_arena_allocate(&run->arena, run->ctx, n, 1);
    if (out->split == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(find_input(run, &run->dataset, &out->parts[0]));
    MB_TRY(mb_alternate_split(run, out->split));
    MB_TRY(name_models(out));
    MB_TRY(load_outliers(out));
    MB_TRY(make_events(out));
    MB_TRY(list_rows(out));
    for (size_t i = 0; i < out->n_models; i++) {
        MB_TRY(build(out, &out->models[i]));
    }
    return MB_OK;
}

void mb_alternate_close(mb_alternate_run *work) {
    mb_runtime *runtime = mb_context_runtime(work->run->ctx);
    for (size_t i = 0; work->models != NULL && i < work->n_models; i++) {
        mb_model_destroy(work->models[i].model);
        mb_runtime_release(runtime, work->models[i].first);
        mb_runtime_release(runtime, work->models[i].best);
    }
    mb_dataset_clear(&work->outliers[0]);
    mb_dataset_clear(&work->outliers[1]);
    mb_runtime_release(runtime, work->rows);
    mb_runtime_release(runtime, work->errors);
    mb_runtime_release(runtime, work->targets);
}

mb_status mb_alternate_check(mb_run *run) {
    const mb_alternate *alternate = run->study->alternate;
    if (alternate->n_students == 0) {
        return MB_OK;
    }
    MB_TRY(check_outliers(run, alternate->outliers_train));
    MB_TRY(check_outliers(run, alternate->outliers_validation));
    mb_alternate_run work = {.run = run, .alternate = alternate};
    work.split = mb_arena_allocate(&run->arena, run->ctx, mb_max_size(run->dataset.n_rows, 1), 1);
    if (work.split == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_status status = find_input(run, &run->dataset, &work.parts[0]);
    status = status != MB_OK ? status : mb_alternate_split(run, work.split);
    status = status != MB_OK ? status : name_models(&work);
    status = status != MB_OK ? status : make_events(&work);
    status = status != MB_OK ? status : list_rows(&work);
    for (size_t i = 0; i < work.n_models && status == MB_OK; i++) {
        status = build(&work, &work.models[i]);
    }
    mb_alternate_close(&work);
    return status;
}
