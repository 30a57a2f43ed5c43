// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "data/feeder.h"

#include "base/random.h"
#include "base/threads.h"

// Rows that one task gathers.
enum { ROWS_PER_TASK = 8 };

typedef struct input_buffer {
    const mb_column *column;
    bool is_sparse, is_left; // left: where it is in the dataset
    size_t axis;             // of its rows
    float *dense;            // max_rows x size
    uint32_t *offset, *index;
    float *value;
    size_t capacity; // entries, or floats of rows of another axis
} input_buffer;

struct mb_feeder {
    mb_runtime *runtime;
    mb_feeder_settings settings;
    input_buffer *buffers;
    mb_feed_input *inputs;
    float *labels; // the target as it is in the dataset
    float *target;
    size_t label_size, target_size;
    const uint32_t *target_rows; // the target is left in the dataset: where; NULL: it is gathered
    float *weights;
    bool has_weights;
    size_t *offset; // of all axes, max_rows + 1 each
};

static mb_status find_axis(
    mb_context *ctx, const mb_feeder_settings *settings, const mb_column *column, size_t *axis) {
    for (*axis = 1; *axis < settings->n_axes; (*axis)++) {
        if (strcmp(settings->axes[*axis]->name, column->axis) == 0) {
            return MB_OK;
        }
    }
    return mb_fail(ctx, MB_ERR_SHAPE,
        "data: a row of '%s' is one of %s, and the model takes one an event; write "
        "{input: %s, axis: %s}",
        column->name, column->axis, column->name, column->axis);
}

static mb_status make_input(
    mb_context *ctx, const mb_feeder_settings *settings, size_t index, input_buffer *out) {
    const mb_column *column = settings->inputs[index];
    const size_t max_rows = settings->max_rows;
    *out = (input_buffer){.column = column, .is_sparse = mb_column_is_sparse_feed(column)};
    if (column->axis != NULL) {
        return find_axis(ctx, settings, column, &out->axis); // as large as the batches turn out
    }
    out->is_left =
        settings->leaves_rows && column->kind == MB_COLUMN_DENSE && column->dense.dtype == MB_F32;
    if (out->is_left) {
        return MB_OK;
    }
    if (!out->is_sparse) {
        if (column->size > 0 && max_rows > SIZE_MAX / sizeof(float) / column->size) {
            return mb_fail(ctx, MB_ERR_LIMIT,
                "feeder: a batch of %zu rows of '%s' is too large; take a smaller batch", max_rows,
                column->name);
        }
        out->dense = mb_allocate(ctx, max_rows * column->size, sizeof(float));
        return out->dense != NULL ? MB_OK : MB_ERR_MEMORY;
    }
    out->offset = mb_allocate(ctx, max_rows + 1, sizeof(uint32_t));
    return out->offset != NULL ? MB_OK : MB_ERR_MEMORY;
}

static mb_status make_target(mb_context *ctx, mb_feeder *feeder) {
    const mb_feeder_settings *settings = &feeder->settings;
    if (settings->target == NULL) {
        return MB_OK;
    }
    feeder->label_size = settings->target->size;
    feeder->target_size = feeder->label_size * mb_max_size(settings->n_classes, 1);
    feeder->target = mb_allocate(ctx, settings->max_rows, feeder->target_size * sizeof(float));
    feeder->labels = feeder->target;
    if (settings->n_classes > 0) {
        feeder->labels = mb_allocate(ctx, settings->max_rows, feeder->label_size * sizeof(float));
    }
    return feeder->target != NULL && feeder->labels != NULL ? MB_OK : MB_ERR_MEMORY;
}

static mb_status make_buffers(mb_context *ctx, mb_feeder *feeder) {
    const mb_feeder_settings *settings = &feeder->settings;
    feeder->buffers = mb_allocate_zeroed(ctx, settings->n_inputs, sizeof *feeder->buffers);
    feeder->inputs = mb_allocate_zeroed(ctx, settings->n_inputs, sizeof *feeder->inputs);
    if (feeder->buffers == NULL || feeder->inputs == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < settings->n_inputs; i++) {
        MB_TRY(make_input(ctx, settings, i, &feeder->buffers[i]));
    }
    MB_TRY(make_target(ctx, feeder));
    feeder->offset = mb_allocate_zeroed(
        ctx, settings->n_axes * (settings->max_rows + 1), sizeof *feeder->offset);
    if (feeder->offset == NULL) {
        return MB_ERR_MEMORY;
    }
    feeder->has_weights = settings->sample_weight != NULL || settings->dataset->weight != NULL ||
                          settings->n_class_weights > 0;
    feeder->weights = mb_allocate(ctx, settings->max_rows, sizeof(float));
    return feeder->weights != NULL ? MB_OK : MB_ERR_MEMORY;
}

mb_status mb_feeder_create(mb_context *ctx, const mb_feeder_settings *settings, mb_feeder **out) {
    *out = NULL;
    mb_feeder *feeder = mb_allocate_zeroed(ctx, 1, sizeof *feeder);
    if (feeder == NULL) {
        return MB_ERR_MEMORY;
    }
    feeder->runtime = mb_context_runtime(ctx);
    feeder->settings = *settings;
    const mb_status status = make_buffers(ctx, feeder);
    if (status != MB_OK) {
        mb_feeder_destroy(feeder);
        return status;
    }
    *out = feeder;
    return MB_OK;
}

void mb_feeder_destroy(mb_feeder *feeder) {
    if (feeder == NULL) {
        return;
    }
    mb_runtime *runtime = feeder->runtime;
    for (size_t i = 0; feeder->buffers != NULL && i < feeder->settings.n_inputs; i++) {
        mb_runtime_release(runtime, feeder->buffers[i].dense);
        mb_runtime_release(runtime, feeder->buffers[i].offset);
        mb_runtime_release(runtime, feeder->buffers[i].index);
        mb_runtime_release(runtime, feeder->buffers[i].value);
    }
    if (feeder->labels != feeder->target) {
        mb_runtime_release(runtime, feeder->labels);
    }
    mb_runtime_release(runtime, feeder->target);
    mb_runtime_release(runtime, feeder->weights);
    mb_runtime_release(runtime, feeder->offset);
    mb_runtime_release(runtime, feeder->buffers);
    mb_runtime_release(runtime, feeder->inputs);
    mb_runtime_release(runtime, feeder);
}

typedef struct gather_job {
    const mb_column *column;
    const uint32_t *rows;
    size_t n;
    float *out;
} gather_job;

static mb_status gather_task(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)worker;
    const gather_job *job = user;
    const size_t first = task * ROWS_PER_TASK;
    return mb_column_gather(job->column, ctx, job->rows + first,
        mb_min_size(ROWS_PER_TASK, job->n - first), job->out + first * job->column->size);
}

static mb_status gather_dense(
    mb_context *ctx, const mb_column *column, const uint32_t *rows, size_t n, float *out) {
    gather_job job = {column, rows, n, out};
    return mb_parallel(ctx, (n + ROWS_PER_TASK - 1) / ROWS_PER_TASK, gather_task, &job);
}

static mb_status gather_sparse(
    mb_context *ctx, input_buffer *buffer, const uint32_t *rows, size_t n) {
    const size_t n_entries = mb_column_entries(buffer->column, rows, n);
    if (n_entries > UINT32_MAX) {
        return mb_fail(ctx, MB_ERR_LIMIT,
            "feeder: a batch of '%s' has more than %u entries; take a smaller batch",
            buffer->column->name, UINT32_MAX);
    }
    size_t capacity = buffer->capacity;
    MB_TRY(mb_grow(ctx, &buffer->index, &capacity, n_entries, sizeof *buffer->index));
    MB_TRY(mb_grow(ctx, &buffer->value, &buffer->capacity, n_entries, sizeof *buffer->value));
    mb_column_gather_sparse(buffer->column, rows, n, buffer->offset, buffer->index, buffer->value);
    return MB_OK;
}

static size_t *offset_of(const mb_feeder *feeder, size_t axis) {
    return feeder->offset + axis * (feeder->settings.max_rows + 1);
}

static void count_rows(mb_feeder *feeder, const uint32_t *rows, size_t n) {
    for (size_t a = 1; a < feeder->settings.n_axes; a++) {
        const uint64_t *from = feeder->settings.axes[a]->offset;
        size_t *offset = offset_of(feeder, a);
        for (size_t i = 0; i < n; i++) {
            offset[i + 1] = offset[i] + (size_t)(from[rows[i] + 1] - from[rows[i]]);
        }
    }
}

// The rows that events have of another axis, one event behind the other.
static mb_status gather_axis(
    mb_feeder *feeder, mb_context *ctx, input_buffer *buffer, const uint32_t *rows, size_t n) {
    const mb_column *column = buffer->column;
    const uint64_t *from = feeder->settings.axes[buffer->axis]->offset;
    const size_t *offset = offset_of(feeder, buffer->axis);
    MB_TRY(mb_grow(ctx, &buffer->dense, &buffer->capacity, mb_max_size(offset[n] * column->size, 1),
        sizeof *buffer->dense));
    for (size_t i = 0; i < n; i++) {
        if (column->dense.dtype == MB_F32 && offset[i + 1] > offset[i]) {
            memcpy(buffer->dense + offset[i] * column->size,
                (const float *)column->dense.data + from[rows[i]] * column->size,
                (offset[i + 1] - offset[i]) * column->size * sizeof(float));
            continue;
        }
        for (uint64_t k = from[rows[i]]; k < from[rows[i] + 1]; k++) {
            const uint32_t row = (uint32_t)k;
            MB_TRY(mb_column_gather(column, ctx, &row, 1,
                buffer->dense + (offset[i] + (size_t)(k - from[rows[i]])) * column->size));
        }
    }
    return MB_OK;
}

static mb_status fill_one_hot(mb_feeder *feeder, mb_context *ctx, const uint32_t *rows, size_t n) {
    const size_t n_classes = feeder->settings.n_classes;
    memset(feeder->target, 0, n * feeder->target_size * sizeof(float));
    for (size_t i = 0; i < n * feeder->label_size; i++) {
        const float label = feeder->labels[i];
        const size_t class_index = label >= 0.0F && label < (float)n_classes ? (size_t)label : 0;
        if ((float)class_index != label) {
            return mb_fail(ctx, MB_ERR_RANGE,
                "target: label %g of row %u is not a whole number from 0 to %zu; correct it, or "
                "give the network more outputs",
                (double)label, rows[i / feeder->label_size], n_classes - 1);
        }
        feeder->target[i * n_classes + class_index] = 1.0F;
    }
    return MB_OK;
}

size_t mb_feeder_class(const float *target, size_t size) {
    if (size == 1) {
        return target[0] >= 0.0F && target[0] < 1e9F ? (size_t)target[0] : 0;
    }
    size_t best = 0;
    for (size_t i = 1; i < size; i++) {
        best = target[i] > target[best] ? i : best;
    }
    return best;
}

static mb_status fill_weights(mb_feeder *feeder, mb_context *ctx, const uint32_t *rows, size_t n) {
    const mb_feeder_settings *settings = &feeder->settings;
    if (!feeder->has_weights) {
        return MB_OK;
    }
    if (settings->sample_weight != NULL) {
        MB_TRY(mb_column_gather(settings->sample_weight, ctx, rows, n, feeder->weights));
    } else {
        const float *weight = settings->dataset->weight;
        for (size_t i = 0; i < n; i++) {
            feeder->weights[i] = weight != NULL ? weight[rows[i]] : 1.0F;
        }
    }
    const bool has_classes = settings->n_class_weights > 0 && feeder->target != NULL;
    for (size_t i = 0; has_classes && i < n; i++) {
        const size_t label =
            mb_feeder_class(feeder->target + i * feeder->target_size, feeder->target_size);
        if (label < settings->n_class_weights) {
            feeder->weights[i] *= settings->class_weights[label];
        }
    }
    return MB_OK;
}

// Class weights and one-hot rows are worked out from a gathered target.
static bool is_target_left(const mb_feeder_settings *settings) {
    return settings->leaves_target && settings->target != NULL && settings->n_classes == 0 &&
           settings->n_class_weights == 0 && settings->target->kind == MB_COLUMN_DENSE &&
           settings->target->dense.dtype == MB_F32;
}

mb_status mb_feeder_fill(mb_feeder *feeder, mb_context *ctx, const uint32_t *rows, size_t n) {
    count_rows(feeder, rows, n);
    for (size_t i = 0; i < feeder->settings.n_inputs; i++) {
        input_buffer *buffer = &feeder->buffers[i];
        if (buffer->axis > 0) {
            MB_TRY(gather_axis(feeder, ctx, buffer, rows, n));
            feeder->inputs[i] = (mb_feed_input){.dense = buffer->dense};
        } else if (buffer->is_left) {
            feeder->inputs[i] = (mb_feed_input){.dense = buffer->column->dense.data, .row = rows};
        } else if (buffer->is_sparse) {
            MB_TRY(gather_sparse(ctx, buffer, rows, n));
            feeder->inputs[i] = (mb_feed_input){
                .offset = buffer->offset, .index = buffer->index, .value = buffer->value};
        } else {
            MB_TRY(gather_dense(ctx, buffer->column, rows, n, buffer->dense));
            feeder->inputs[i] = (mb_feed_input){.dense = buffer->dense};
        }
    }
    feeder->target_rows = is_target_left(&feeder->settings) ? rows : NULL;
    if (feeder->target != NULL && feeder->target_rows == NULL) {
        MB_TRY(mb_column_gather(feeder->settings.target, ctx, rows, n, feeder->labels));
        if (feeder->settings.n_classes > 0) {
            MB_TRY(fill_one_hot(feeder, ctx, rows, n));
        }
    }
    return fill_weights(feeder, ctx, rows, n);
}

const mb_feed_input *mb_feeder_inputs(const mb_feeder *feeder) {
    return feeder->inputs;
}

const float *mb_feeder_target(const mb_feeder *feeder) {
    return feeder->target;
}

const float *mb_feeder_target_row(const mb_feeder *feeder, size_t i) {
    return feeder->target_rows != NULL ? (const float *)feeder->settings.target->dense.data +
                                             feeder->target_rows[i] * feeder->target_size
                                       : feeder->target + i * feeder->target_size;
}

const size_t *mb_feeder_offset(const mb_feeder *feeder, size_t axis) {
    return offset_of(feeder, axis);
}

const float *mb_feeder_weights(const mb_feeder *feeder) {
    return feeder->has_weights ? feeder->weights : NULL;
}

void mb_feeder_shuffle(
    const uint32_t *rows, size_t n, uint64_t seed, size_t epoch, uint32_t *order) {
    if (n > 0) {
        memcpy(order, rows, n * sizeof *order);
    }
    mb_random random = mb_random_stream(seed, MB_PURPOSE_SHUFFLE, (uint32_t)epoch, 0);
    mb_random_shuffle(&random, order, n);
}
