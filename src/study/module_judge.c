// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/numbers.h"
#include "exchange/keras_part.h"
#include "minbias/model.h"
#include "study/module_run.h"
#include "study/summary.h"

// A trained autoencoder on the judged rows.

// The only model of a study goes by its own name under models:, if it has one that can be a
// folder's.
static const char *model_name(const mb_node *model) {
    const char *key = model != NULL ? model->key : NULL;
    const bool is_name = key != NULL && key[0] != '\0' && key[0] != '.' && strchr(key, '/') == NULL;
    return is_name && strcmp(key, "model") != 0 ? key : "autoencoder";
}

const char *mb_module_name(const mb_round *round) {
    return round->name[0] != '\0'        ? round->name
           : round->fit->name[0] != '\0' ? round->fit->name
                                         : model_name(round->fit->model);
}

mb_status mb_module_predict(
    mb_context *ctx, const mb_model *model, const float *in, size_t n, float *out) {
    mb_dataset dataset;
    mb_column *column = NULL;
    const mb_value_type *type = &model->values[model->inputs[0]].type;
    mb_dataset_init(&dataset, ctx);
    uint32_t *rows = mb_allocate(ctx, mb_max_size(n, 1), sizeof *rows);
    mb_status status = rows == NULL ? MB_ERR_MEMORY : mb_dataset_set_rows(&dataset, ctx, n);
    if (status == MB_OK) {
        status = mb_dataset_add_column(
            &dataset, ctx, mb_model_input_name(model, 0), MB_ROLE_INPUT, &column);
    }
    if (status == MB_OK) {
        size_t shape[MB_MAX_RANK] = {n};
        column->kind = MB_COLUMN_DENSE;
        column->dtype = MB_F32;
        column->rank = type->rank;
        column->size = mb_value_size(type);
        memcpy(column->shape, type->dim, type->rank * sizeof *shape);
        memcpy(shape + 1, type->dim, type->rank * sizeof *shape);
        status = mb_array_init(&column->dense, ctx, MB_F32, type->rank + 1, shape);
    }
    if (status == MB_OK) {
        memcpy(column->dense.data, in, n * column->size * sizeof *in);
        for (size_t i = 0; i < n; i++) {
            rows[i] = (uint32_t)i;
        }
        status = mb_predict_dataset(ctx, model, model->parameters, &dataset, rows, n, &out);
    }
    mb_release(ctx, rows);
    mb_dataset_clear(&dataset);
    return status;
}

// That of the column, or of the data's images.
mb_status mb_module_arrangement_of(
    const mb_run *run, const char *column, const mb_arrangement **out) {
    const char *text = mb_node_text(mb_node_find(run->study->data, "arrange"));
    char name[32];
    const bool is_own = strncmp(column, "image_", 6) == 0;
    mb_format(name, sizeof name, "%s", is_own ? column + 6 : text != NULL ? text : "8x8");
    char *end = strstr(name, "_dup");
    if (end != NULL) {
        *end = '\0';
    }
    return mb_arrangement_get(run->ctx, name, out);
}

static float *make_floats(mb_module_evaluation *e, size_t n_each) {
    return mb_arena_allocate(
        &e->arena, e->run->ctx, mb_max_size(e->n * mb_max_size(n_each, 1), 1), sizeof(float));
}

static mb_status make_room(mb_module_evaluation *e, mb_module_result *out) {
    out->images = make_floats(e, out->n_pixels);
    out->codes = make_floats(e, out->n_codes);
    out->pixels = make_floats(e, out->n_pixels);
    out->cells = make_floats(e, MB_HEX48_CELLS);
    out->charges = make_floats(e, MB_HEX48_CELLS);
    return out->images != NULL && out->codes != NULL && out->pixels != NULL && out->cells != NULL &&
                   out->charges != NULL
               ? MB_OK
               : MB_ERR_MEMORY;
}

// Charges again, by the rule of evaluate.restore. Outputs below zero are no charge.
static void restore(mb_module_evaluation *e, const float *cells, float *charges) {
    for (size_t i = 0; i < e->n; i++) {
        double input[MB_HEX48_CELLS];
        double output[MB_HEX48_CELLS];
        for (size_t k = 0; k < MB_HEX48_CELLS; k++) {
            const double value = (double)cells[i * MB_HEX48_CELLS + k];
            input[k] = (double)e->charges[i * MB_HEX48_CELLS + k];
            output[k] = value > 0 ? value : 0;
        }
        const double factor = mb_module_restore_factor(
            (mb_module_restore)e->run->study->evaluate.restore, input, output);
        for (size_t k = 0; k < MB_HEX48_CELLS; k++) {
            charges[i * MB_HEX48_CELLS + k] = (float)(output[k] * factor);
        }
    }
}

static void read_back(const mb_module_evaluation *e, const mb_module_result *result,
    const float *pixels, float *cells) {
    for (size_t i = 0; i < e->n; i++) {
        mb_arrangement_cells(
            result->arrangement, pixels + i * result->n_pixels, cells + i * MB_HEX48_CELLS);
    }
}

static bool has_part(const mb_model *model, const char *name) {
    for (size_t i = 0; i < model->n_groups; i++) {
        if (strcmp(model->groups[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

mb_status mb_module_load_part(
    mb_module_evaluation *e, const mb_module_result *result, const char *part, mb_model **out) {
    mb_context *ctx = e->run->ctx;
    mb_model *model = NULL;
    *out = NULL;
    const char *path = mb_run_file(ctx, &e->arena, result->round->directory, "model.h5");
    MB_TRY(path == NULL ? MB_ERR_MEMORY : mb_model_load(ctx, path, &model));
    const mb_status status = mb_model_take_part(ctx, model, model->parameters, part, out);
    mb_model_destroy(model);
    return status;
}

mb_status mb_module_decode(
    mb_module_evaluation *e, const mb_module_result *result, const float *codes, float *cells) {
    mb_model *decoder = NULL;
    float *pixels =
        mb_allocate(e->run->ctx, mb_max_size(e->n * result->n_pixels, 1), sizeof *pixels);
    mb_status status =
        pixels == NULL ? MB_ERR_MEMORY : mb_module_load_part(e, result, "decoder", &decoder);
    if (status == MB_OK) {
        status = mb_module_predict(e->run->ctx, decoder, codes, e->n, pixels);
    }
    if (status == MB_OK) {
        read_back(e, result, pixels, cells);
    }
    mb_model_destroy(decoder);
    mb_release(e->run->ctx, pixels);
    return status;
}

// Encoder and decoder one after the other: the numbers between them are wanted, too.
static mb_status run_parts(
    mb_module_evaluation *e, const mb_column *column, mb_module_result *out) {
    mb_model *encoder = NULL;
    mb_model *decoder = NULL;
    mb_context *ctx = e->run->ctx;
    mb_status status = mb_module_load_part(e, out, "encoder", &encoder);
    if (status == MB_OK) {
        status = mb_module_load_part(e, out, "decoder", &decoder);
    }
    if (status == MB_OK) {
        out->n_codes = mb_value_size(&encoder->values[encoder->outputs[0]].type);
        status = make_room(e, out);
    }
    if (status == MB_OK) {
        status = mb_column_gather(column, ctx, e->rows, e->n, out->images);
    }
    if (status == MB_OK) {
        status = mb_module_predict(ctx, encoder, out->images, e->n, out->codes);
    }
    if (status == MB_OK) {
        status = mb_module_predict(ctx, decoder, out->codes, e->n, out->pixels);
    }
    mb_model_destroy(encoder);
    mb_model_destroy(decoder);
    return status;
}

static mb_status run_whole(mb_module_evaluation *e, const mb_model *model, const mb_column *column,
    mb_module_result *out) {
    mb_context *ctx = e->run->ctx;
    MB_TRY(make_room(e, out));
    MB_TRY(mb_column_gather(column, ctx, e->rows, e->n, out->images));
    return mb_module_predict(ctx, model, out->images, e->n, out->pixels);
}

static mb_status run_model(mb_module_evaluation *e, const mb_model *model, mb_module_result *out) {
    const char *target = out->round->fit->target;
    const mb_column *column = mb_dataset_find(&e->run->dataset, target != NULL ? target : "image");
    if (column == NULL || model->n_inputs != 1 || model->n_outputs != 1 ||
        mb_value_size(&model->values[model->outputs[0]].type) != column->size) {
        return mb_fail(e->run->ctx, MB_ERR_SHAPE,
            "evaluate: the model %s does not restore the image it is given; models of modules "
            "have one input and an output of its size",
            out->name);
    }
    MB_TRY(mb_module_arrangement_of(e->run, column->name, &out->arrangement));
    out->n_pixels = out->arrangement->n_pixels;
    out->parameters = mb_model_costs(model, NULL).parameters;
    const mb_costs encoder = mb_model_costs(model, "encoder");
    out->encoder_parameters = encoder.parameters;
    out->encoder_flops = encoder.flops;
    const bool has_parts = has_part(model, "encoder") && has_part(model, "decoder");
    MB_TRY(has_parts ? run_parts(e, column, out) : run_whole(e, model, column, out));
    read_back(e, out, out->pixels, out->cells);
    restore(e, out->cells, out->charges);
    return MB_OK;
}

mb_status mb_module_judge_model(
    mb_module_evaluation *e, const mb_round *round, mb_module_result *out) {
    mb_context *ctx = e->run->ctx;
    *out = (mb_module_result){.name = mb_module_name(round), .round = round};
    out->directory = mb_arena_format(&e->arena, ctx, "%s/%s", e->run->directory, out->name);
    const char *path = mb_run_file(ctx, &e->arena, round->directory, "model.h5");
    mb_model *model = NULL;
    MB_TRY(
        path == NULL || out->directory == NULL ? MB_ERR_MEMORY : mb_model_load(ctx, path, &model));
    const mb_status status = run_model(e, model, out);
    mb_model_destroy(model);
    return status;
}
