// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/calo_events.h"

#include "detector/calo/region_stream.h"
#include "detector/calo/regions_text.h"
#include "training/fit.h"

static const size_t n_regions = MB_CALO_N_REGIONS;

static bool is_hdf5(const char *path) {
    const char *dot = strrchr(path, '.');
    return dot != NULL &&
           (strcmp(dot, ".h5") == 0 || strcmp(dot, ".hdf5") == 0 || strcmp(dot, ".hdf") == 0);
}

static mb_status read_blocks(
    mb_context *ctx, mb_calo_stream *stream, size_t most, mb_calo_events *out) {
    const size_t all = mb_calo_stream_events(stream);
    out->n = most != 0 ? mb_min_size(most, all) : all;
    const size_t shape[] = {out->n, n_regions};
    MB_TRY(mb_array_init(&out->regions, ctx, MB_F32, 2, shape));
    size_t done = 0;
    while (done < out->n) {
        mb_calo_block block;
        MB_TRY(mb_calo_stream_next(stream, &block));
        const size_t n = mb_min_size(block.n, out->n - done);
        memcpy((float *)out->regions.data + done * n_regions, block.regions,
            n * n_regions * sizeof(float));
        done += n;
    }
    return MB_OK;
}

// Tables come whole, and bring their reference.
static mb_status read_table(mb_context *ctx, const char *path, size_t most, mb_calo_events *out) {
    mb_calo_table table;
    MB_TRY(mb_calo_table_read(ctx, path, &table));
    out->regions = table.regions;
    out->reference = table.reference;
    out->n = table.regions.shape[0];
    if (most != 0 && most < out->n) {
        out->n = out->regions.shape[0] = most;
        if (out->reference.data != NULL) {
            out->reference.shape[0] = most;
        }
    }
    return MB_OK;
}

static mb_status check(mb_context *ctx, const mb_calo_events *events) {
    const mb_calo_table table = {.regions = events->regions};
    if (events->n == 0) {
        return mb_fail(
            ctx, MB_ERR_RANGE, "%s: holds no event; give a file with events", events->path);
    }
    return mb_calo_table_check(ctx, events->path, &table);
}

mb_status mb_calo_events_read(mb_context *ctx, const char *path, size_t most, mb_calo_events *out) {
    *out = (mb_calo_events){.path = path};
    mb_calo_stream *stream = NULL;
    mb_status status;
    if (is_hdf5(path)) {
        status = mb_calo_stream_open(ctx, path, &stream);
        status = status == MB_OK ? read_blocks(ctx, stream, most, out) : status;
        mb_calo_stream_close(stream);
    } else {
        status = read_table(ctx, path, most, out);
    }
    status = status == MB_OK ? check(ctx, out) : status;
    if (status != MB_OK) {
        mb_calo_events_clear(out);
    }
    return status;
}

void mb_calo_events_clear(mb_calo_events *events) {
    mb_array_clear(&events->regions);
    mb_array_clear(&events->reference);
    *events = (mb_calo_events){0};
}

const float *mb_calo_event_at(const mb_calo_events *events, size_t event) {
    return (const float *)events->regions.data + event * n_regions;
}

uint16_t *mb_calo_events_counts(mb_context *ctx, const mb_calo_events *events) {
    const float *from = events->regions.data;
    uint16_t *counts = mb_allocate(ctx, events->n, n_regions * sizeof *counts);
    for (size_t i = 0; counts != NULL && i < events->n * n_regions; i++) {
        counts[i] = (uint16_t)from[i];
    }
    return counts;
}

mb_status mb_calo_model_open(mb_context *ctx, const char *path, mb_calo_model *out) {
    *out = (mb_calo_model){.path = path};
    MB_TRY(mb_model_load(ctx, path, &out->model));
    const mb_model *model = out->model;
    char text[128];
    mb_status status = MB_OK;
    if (model->n_inputs != 1 || model->n_outputs != 1) {
        status = mb_fail(ctx, MB_ERR_SHAPE,
            "%s: has %zu inputs and %zu outputs; give a model with one of each", path,
            model->n_inputs, model->n_outputs);
    } else if (mb_value_size(&model->values[model->inputs[0]].type) != n_regions) {
        status = mb_fail(ctx, MB_ERR_SHAPE,
            "%s: takes %s an event; give a model of the 18 x 14 regions: (252), (18, 14) or (18, "
            "14, 1)",
            path, mb_value_text(&model->values[model->inputs[0]].type, text, sizeof text));
    }
    if (status != MB_OK) {
        mb_calo_model_clear(out);
        return status;
    }
    out->n_outputs = mb_value_size(&model->values[model->outputs[0]].type);
    out->is_autoencoder = out->n_outputs == n_regions;
    out->score_name = out->is_autoencoder ? "mean square error" : "score";
    return MB_OK;
}

mb_status mb_calo_autoencoder_open(
    mb_context *ctx, const char *path, const char *what, mb_calo_model *out) {
    MB_TRY(mb_calo_model_open(ctx, path, out));
    if (out->is_autoencoder) {
        return MB_OK;
    }
    const size_t n = out->n_outputs;
    mb_calo_model_clear(out);
    return mb_fail(ctx, MB_ERR_SHAPE,
        "%s: gives %zu of the 252 numbers of an image of regions; %s needs an autoencoder: give "
        "the "
        "teacher",
        path, n, what);
}

void mb_calo_model_clear(mb_calo_model *model) {
    mb_model_destroy(model->model);
    *model = (mb_calo_model){0};
}

mb_status mb_calo_model_run(
    mb_context *ctx, const mb_calo_model *model, const float *regions, size_t n, float *outputs) {
    const mb_value_type *type = &model->model->values[model->model->inputs[0]].type;
    mb_dataset dataset;
    mb_column *column = NULL;
    mb_dataset_init(&dataset, ctx);
    uint32_t *rows = mb_allocate(ctx, n, sizeof *rows);
    mb_status status = rows != NULL ? mb_dataset_set_rows(&dataset, ctx, n) : MB_ERR_MEMORY;
    if (status == MB_OK) {
        status = mb_dataset_add_column(&dataset, ctx, "regions", MB_ROLE_INPUT, &column);
    }
    if (status == MB_OK) {
        column->kind = MB_COLUMN_DENSE;
        column->dtype = MB_F32;
        column->rank = type->rank;
        memcpy(column->shape, type->dim, type->rank * sizeof *type->dim);
        column->size = n_regions;
        // Borrowed, and never written to.
        column->dense = (mb_array){.dtype = MB_F32,
            .rank = 2,
            .shape = {n, n_regions},
            .data = (void *)(uintptr_t)regions};
        for (size_t i = 0; i < n; i++) {
            rows[i] = (uint32_t)i;
        }
        status = mb_predict_dataset(
            ctx, model->model, model->model->parameters, &dataset, rows, n, &outputs);
        column->dense = (mb_array){.data = NULL};
    }
    mb_dataset_clear(&dataset);
    mb_release(ctx, rows);
    return status;
}

double mb_calo_image_error(const float *a, const float *b) {
    double sum = 0;
    for (size_t i = 0; i < n_regions; i++) {
        const double difference = (double)a[i] - (double)b[i];
        sum += difference * difference;
    }
    return sum / (double)n_regions;
}

mb_status mb_calo_model_score(
    mb_context *ctx, const mb_calo_model *model, const float *regions, size_t n, double *score) {
    const size_t width = model->n_outputs;
    if (!model->is_autoencoder && width > 2) {
        return mb_fail(ctx, MB_ERR_SHAPE,
            "%s: gives %zu numbers an event, neither a score nor an image; give a model with one "
            "or two, or an autoencoder",
            model->path, width);
    }
    float *outputs = mb_allocate(ctx, n, width * sizeof *outputs);
    mb_status status = outputs != NULL ? MB_OK : MB_ERR_MEMORY;
    if (status == MB_OK) {
        status = mb_calo_model_run(ctx, model, regions, n, outputs);
    }
    for (size_t i = 0; status == MB_OK && i < n; i++) {
        score[i] = model->is_autoencoder
                       ? mb_calo_image_error(regions + i * n_regions, outputs + i * n_regions)
                       : (double)outputs[i * width + width - 1];
    }
    mb_release(ctx, outputs);
    return status;
}

mb_status mb_calo_twin_check(mb_context *ctx, const char *name, const mb_twin *twin) {
    if (mb_twin_inputs(twin) == n_regions && mb_twin_outputs(twin) == 1) {
        return MB_OK;
    }
    return mb_fail(ctx, MB_ERR_SHAPE,
        "%s: takes %zu numbers an event and gives %zu; firmware of the regions takes 252 and gives "
        "one score",
        name, mb_twin_inputs(twin), mb_twin_outputs(twin));
}
