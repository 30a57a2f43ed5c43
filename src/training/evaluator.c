// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "training/evaluator.h"

#include "base/threads.h"
#include "training/fit.h"

// Rows of one task: enough to pay for waking a thread, few enough to share out small sets. In lanes
// a row takes a fraction of the time, and there is nothing to gather.
enum { BLOCK_ROWS = 32, LANE_BLOCK_ROWS = 256, GRAPH_BLOCK_ROWS = 4 };

// What one worker has for itself.
typedef struct work_place {
    mb_feeder *feeder;
    void *scratch;
    float **outputs;
    mb_input *inputs;
    mb_graph_batch graphs;
} work_place;

struct mb_evaluator {
    mb_runtime *runtime;
    const mb_model *model;
    mb_plan *plan;
    size_t block_rows;
    const mb_graph_data *graphs;
    size_t most_rows[MB_MOST_AXES]; // of a block, by axis
    bool *is_sparse;
    work_place *places;
    size_t n_places;
};

static mb_status make_place(mb_context *ctx, const mb_evaluator *evaluator,
    const mb_feeder_settings *settings, work_place *place) {
    const mb_model *model = evaluator->model;
    MB_TRY(mb_feeder_create(ctx, settings, &place->feeder));
    place->scratch = mb_allocate(ctx, mb_plan_scratch_bytes(evaluator->plan), 1);
    place->inputs = mb_allocate_zeroed(ctx, model->n_inputs, sizeof *place->inputs);
    place->outputs = mb_allocate_zeroed(ctx, model->n_outputs, sizeof *place->outputs);
    if (place->scratch == NULL || place->inputs == NULL || place->outputs == NULL) {
        return MB_ERR_MEMORY;
    }
    if (evaluator->graphs != NULL) {
        MB_TRY(mb_graph_batch_open(ctx, evaluator->graphs, evaluator->block_rows, &place->graphs));
    }
    for (size_t i = 0; i < model->n_outputs; i++) {
        const mb_value_type *type = &model->values[model->outputs[i]].type;
        place->outputs[i] =
            mb_allocate(ctx, evaluator->most_rows[type->axis] * mb_value_size(type), sizeof(float));
        if (place->outputs[i] == NULL) {
            return MB_ERR_MEMORY;
        }
    }
    return MB_OK;
}

static mb_status fill_evaluator(
    mb_context *ctx, const mb_feeder_settings *given, mb_evaluator *evaluator) {
    const mb_model *model = evaluator->model;
    mb_feeder_settings settings = *given;
    evaluator->is_sparse = mb_allocate_zeroed(ctx, model->n_inputs, sizeof(bool));
    if (evaluator->is_sparse == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < model->n_inputs; i++) {
        evaluator->is_sparse[i] = mb_column_is_sparse_feed(settings.inputs[i]);
    }
    const bool has_graphs = model->n_axes > 1;
    size_t most_of_one[MB_MOST_AXES];
    if (has_graphs) {
        MB_TRY(mb_graph_data_most(ctx, evaluator->graphs, 1, most_of_one));
        MB_TRY(mb_graph_data_most(ctx, evaluator->graphs, GRAPH_BLOCK_ROWS, evaluator->most_rows));
    }
    const mb_plan_settings plan = {.max_rows = LANE_BLOCK_ROWS,
        .sparse_inputs = evaluator->is_sparse,
        .axis_rows = has_graphs ? most_of_one : NULL};
    MB_TRY(mb_plan_create(ctx, model, &plan, &evaluator->plan));
    settings.leaves_rows = mb_plan_takes_row_numbers(evaluator->plan);
    settings.max_rows = has_graphs             ? GRAPH_BLOCK_ROWS
                        : settings.leaves_rows ? LANE_BLOCK_ROWS
                                               : BLOCK_ROWS;
    evaluator->block_rows = evaluator->most_rows[MB_AXIS_EVENTS] = settings.max_rows;
    evaluator->n_places = mb_runtime_threads(mb_context_runtime(ctx));
    evaluator->places = mb_allocate_zeroed(ctx, evaluator->n_places, sizeof *evaluator->places);
    if (evaluator->places == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < evaluator->n_places; i++) {
        MB_TRY(make_place(ctx, evaluator, &settings, &evaluator->places[i]));
    }
    return MB_OK;
}

mb_status mb_evaluator_create(mb_context *ctx, const mb_model *model,
    const mb_feeder_settings *settings, const mb_graph_data *graphs, mb_evaluator **out) {
    *out = NULL;
    mb_evaluator *evaluator = mb_allocate_zeroed(ctx, 1, sizeof *evaluator);
    if (evaluator == NULL) {
        return MB_ERR_MEMORY;
    }
    evaluator->runtime = mb_context_runtime(ctx);
    evaluator->model = model;
    evaluator->graphs = graphs != NULL && graphs->n_axes > 1 ? graphs : NULL;
    const mb_status status = fill_evaluator(ctx, settings, evaluator);
    if (status != MB_OK) {
        mb_evaluator_destroy(evaluator);
        return status;
    }
    *out = evaluator;
    return MB_OK;
}

void mb_evaluator_destroy(mb_evaluator *evaluator) {
    if (evaluator == NULL) {
        return;
    }
    mb_runtime *runtime = evaluator->runtime;
    for (size_t i = 0; evaluator->places != NULL && i < evaluator->n_places; i++) {
        work_place *place = &evaluator->places[i];
        for (size_t k = 0; place->outputs != NULL && k < evaluator->model->n_outputs; k++) {
            mb_runtime_release(runtime, place->outputs[k]);
        }
        mb_runtime_release(runtime, place->outputs);
        mb_graph_batch_close(&place->graphs, runtime);
        mb_runtime_release(runtime, place->inputs);
        mb_runtime_release(runtime, place->scratch);
        mb_feeder_destroy(place->feeder);
    }
    mb_runtime_release(runtime, evaluator->places);
    mb_plan_destroy(evaluator->plan);
    mb_runtime_release(runtime, evaluator->is_sparse);
    mb_runtime_release(runtime, evaluator);
}

typedef struct block_job {
    mb_evaluator *evaluator;
    const uint32_t *rows;
    size_t n;
    mb_block_fn block;
    void *user;
} block_job;

static mb_status block_task(void *user, mb_context *ctx, size_t task, unsigned worker) {
    const block_job *job = user;
    const mb_evaluator *evaluator = job->evaluator;
    work_place *place = &evaluator->places[worker];
    const size_t first = task * evaluator->block_rows;
    const size_t n = mb_min_size(evaluator->block_rows, job->n - first);
    MB_TRY(mb_feeder_fill(place->feeder, ctx, job->rows + first, n));
    const mb_feed_input *fed = mb_feeder_inputs(place->feeder);
    for (size_t i = 0; i < evaluator->model->n_inputs; i++) {
        place->inputs[i] =
            (mb_input){fed[i].dense, fed[i].row, fed[i].offset, fed[i].index, fed[i].value};
    }
    if (evaluator->graphs != NULL) {
        MB_TRY(mb_graph_batch_sort(ctx, &place->graphs, evaluator->graphs, job->rows + first, n));
        mb_graph_batch_fill(&place->graphs, evaluator->graphs, place->feeder, job->rows + first, n);
    }
    mb_plan_predict_graphs(
        evaluator->plan, place->scratch, place->inputs, place->graphs.axes, n, place->outputs);
    return job->block(
        job->user, ctx, first, n, place->feeder, (const float *const *)place->outputs);
}

mb_status mb_evaluator_run(mb_evaluator *evaluator, mb_context *ctx, const float *parameters,
    const uint32_t *rows, size_t n, mb_block_fn block, void *user) {
    mb_plan_load(evaluator->plan, parameters);
    block_job job = {evaluator, rows, n, block, user};
    return mb_parallel(
        ctx, (n + evaluator->block_rows - 1) / evaluator->block_rows, block_task, &job);
}

// Lengths of 1 say nothing about the order of elements.
static bool do_shapes_fit(const mb_column *column, const mb_value_type *type) {
    unsigned a = 0, b = 0;
    // Networks of triggers often take their image as one row of numbers.
    if ((column->rank == 1 || type->rank == 1) && column->size == mb_value_size(type)) {
        return true;
    }
    for (;;) {
        while (a < column->rank && column->shape[a] == 1) {
            a++;
        }
        while (b < type->rank && type->dim[b] == 1) {
            b++;
        }
        if (a == column->rank || b == type->rank) {
            return a == column->rank && b == type->rank;
        }
        if (column->shape[a++] != type->dim[b++]) {
            return false;
        }
    }
}

static const char *column_shape_text(const mb_column *column, char *text, size_t size) {
    mb_array shape = {.rank = column->rank};
    memcpy(shape.shape, column->shape, sizeof shape.shape);
    return mb_array_shape_text(&shape, text, size);
}

static const mb_column *nth_input(const mb_dataset *dataset, size_t n) {
    for (size_t i = 0; i < dataset->n_columns; i++) {
        if (dataset->columns[i].role == MB_ROLE_INPUT && n-- == 0) {
            return &dataset->columns[i];
        }
    }
    return NULL;
}

// A model of a file may have its own names for the inputs.
static bool is_by_order(const mb_model *model, const mb_dataset *dataset) {
    for (size_t i = 0; i < model->n_inputs; i++) {
        if (mb_dataset_find(dataset, mb_model_input_name(model, i)) != NULL) {
            return false;
        }
    }
    return nth_input(dataset, model->n_inputs) == NULL;
}

static mb_status check_axis(
    mb_context *ctx, const mb_model *model, const mb_column *column, const mb_value_type *type) {
    const char *wanted = model->axes[type->axis].name;
    const char *has = column->axis != NULL ? column->axis : model->axes[MB_AXIS_EVENTS].name;
    return strcmp(has, wanted) == 0
               ? MB_OK
               : mb_fail(ctx, MB_ERR_SHAPE,
                     "data: a row of column '%s' is one of %s, the model takes one for each of %s; "
                     "change the axis of the model's input, or the data",
                     column->name, has, wanted);
}

mb_status mb_match_inputs(
    mb_context *ctx, const mb_model *model, const mb_dataset *dataset, const mb_column **columns) {
    const bool by_order = is_by_order(model, dataset);
    for (size_t i = 0; i < model->n_inputs; i++) {
        const char *name = mb_model_input_name(model, i);
        columns[i] = by_order ? nth_input(dataset, i) : mb_dataset_find(dataset, name);
        if (columns[i] == NULL) {
            return mb_fail(ctx, MB_ERR_SHAPE,
                "data: there is no column for the model's input '%s'; name it in data.inputs, or "
                "name the model's input as the data does",
                name);
        }
        const mb_value_type *type = &model->values[model->inputs[i]].type;
        MB_TRY(check_axis(ctx, model, columns[i], type));
        if (!do_shapes_fit(columns[i], type)) {
            char have[96], want[96];
            return mb_fail(ctx, MB_ERR_SHAPE,
                "data: column '%s' has rows of shape %s, the model's input '%s' wants %s; change "
                "one of them",
                columns[i]->name, column_shape_text(columns[i], have, sizeof have), name,
                mb_value_text(type, want, sizeof want));
        }
    }
    return MB_OK;
}

typedef struct copy_job {
    const mb_model *model;
    const mb_graph_data *graphs;
    const uint32_t *rows;
    const size_t *before; // per axis and row: rows of its axis that come out before it
    size_t n;
    float *const *outputs;
} copy_job;

static mb_status copy_block(void *user, mb_context *ctx, size_t first, size_t n,
    const mb_feeder *feeder, const float *const *outputs) {
    (void)ctx;
    (void)feeder;
    const copy_job *job = user;
    for (size_t i = 0; i < job->model->n_outputs; i++) {
        const mb_value_type *type = &job->model->values[job->model->outputs[i]].type;
        const size_t size = mb_value_size(type);
        const size_t *before = job->before + type->axis * (job->n + 1);
        memcpy(job->outputs[i] + before[first] * size, outputs[i],
            (before[first + n] - before[first]) * size * sizeof(float));
    }
    return MB_OK;
}

static mb_status count_before(mb_context *ctx, copy_job *job, size_t **memory) {
    size_t *before = mb_allocate_zeroed(ctx, job->graphs->n_axes * (job->n + 1), sizeof *before);
    *memory = before;
    job->before = before;
    for (size_t a = 0; before != NULL && a < job->graphs->n_axes; a++) {
        const uint64_t *offset = a > 0 ? job->graphs->axes[a]->offset : NULL;
        size_t *to = before + a * (job->n + 1);
        for (size_t i = 0; i < job->n; i++) {
            const uint32_t row = job->rows[i];
            to[i + 1] = to[i] + (offset != NULL ? (size_t)(offset[row + 1] - offset[row]) : 1);
        }
    }
    return before != NULL ? MB_OK : MB_ERR_MEMORY;
}

static mb_status predict(mb_context *ctx, const mb_dataset *dataset, const float *parameters,
    const mb_column *const *columns, copy_job *job) {
    mb_evaluator *evaluator = NULL;
    size_t *before = NULL;
    const mb_feeder_settings settings = {.dataset = dataset,
        .n_inputs = job->model->n_inputs,
        .inputs = columns,
        .n_axes = job->graphs->n_axes,
        .axes = job->graphs->axes};
    mb_status status = count_before(ctx, job, &before);
    if (status == MB_OK) {
        status = mb_evaluator_create(ctx, job->model, &settings, job->graphs, &evaluator);
    }
    if (status == MB_OK) {
        status = mb_evaluator_run(evaluator, ctx, parameters, job->rows, job->n, copy_block, job);
    }
    mb_evaluator_destroy(evaluator);
    mb_release(ctx, before);
    return status;
}

mb_status mb_predict_dataset(mb_context *ctx, const mb_model *model, const float *parameters,
    const mb_dataset *dataset, const uint32_t *rows, size_t n, float *const *outputs) {
    mb_graph_data graphs = {.n_axes = 0};
    const mb_column **columns = mb_allocate_zeroed(ctx, model->n_inputs, sizeof *columns);
    mb_status status = columns != NULL ? MB_OK : MB_ERR_MEMORY;
    if (status == MB_OK) {
        status = mb_match_inputs(ctx, model, dataset, columns);
    }
    if (status == MB_OK) {
        status = mb_graph_data_open(ctx, model, dataset, false, &graphs);
    }
    if (status == MB_OK) {
        copy_job job = {
            .model = model, .graphs = &graphs, .rows = rows, .n = n, .outputs = outputs};
        status = predict(ctx, dataset, parameters, columns, &job);
    }
    mb_graph_data_close(&graphs);
    mb_release(ctx, columns);
    return status;
}
