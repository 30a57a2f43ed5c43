// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/output.h"
#include "exchange/frozen.h"
#include "exchange/keras.h"
#include "files/csv.h"
#include "measure/module.h"
#include "minbias/econt.h"
#include "minbias/model.h"
#include "study/array_files.h"
#include "study/module_models.h"
#include "study/run.h"
#include "study/summary.h"

#include <float.h>

// The small tools of `minbias econt`.

// The model of a name of the dictionary, with weights of zero.
static mb_status build_named(mb_context *ctx, const char *name, mb_model **out) {
    mb_study study = {.runtime = mb_context_runtime(ctx), .name = name, .path = name};
    mb_dataset dataset;
    mb_node *entry = NULL;
    mb_node *map = NULL;
    bool has_weights = false;
    mb_dataset_init(&dataset, ctx);
    mb_document_init(&study.document, ctx, name);
    mb_status status = mb_module_model_read(ctx, &study.document, name, &entry);
    if (status == MB_OK) {
        study.document.root = entry;
        status =
            mb_module_model_expand(ctx, &study.document, mb_node_find(entry, "autoencoder"), &map);
    }
    if (status == MB_OK) {
        status = mb_module_add_shapes(ctx, &dataset);
    }
    if (status == MB_OK) {
        const mb_fit_spec fit = {.name = "", .model = map};
        status = mb_study_build_model(ctx, &study, &fit, &dataset, out, &has_weights);
    }
    mb_document_clear(&study.document);
    mb_dataset_clear(&dataset);
    return status;
}

static void put_layers(mb_answer *answer, const mb_model *model) {
    mb_node *list = mb_answer_put_list(answer, NULL, "layers");
    mb_answer_line(answer, "%-32s %-18s %10s %12s", "layer", "kind", "parameters", "FLOPs");
    for (size_t i = 0; i < model->n_calls; i++) {
        const mb_call *call = &model->calls[i];
        if (call->n_inputs == 0) {
            continue;
        }
        const mb_costs costs = mb_call_costs(model, i);
        mb_node *map = mb_answer_add_map(answer, list);
        mb_answer_put_text(answer, map, "name", call->layer->name);
        mb_answer_put_int(answer, map, "parameters", (int64_t)costs.parameters);
        mb_answer_put_int(answer, map, "flops", (int64_t)costs.flops);
        mb_answer_line(answer, "%-32s %-18s %10llu %12llu", call->layer->name,
            mb_keras_class_of(call->layer), (unsigned long long)costs.parameters,
            (unsigned long long)costs.flops);
    }
}

static void put_total(mb_answer *answer, const mb_model *model, const char *part) {
    const mb_costs costs = mb_model_costs(model, part);
    if (part != NULL && costs.flops == 0 && costs.parameters == 0) {
        return;
    }
    mb_node *map = mb_answer_put_map(answer, NULL, part != NULL ? part : "total");
    mb_answer_put_int(answer, map, "parameters", (int64_t)costs.parameters);
    mb_answer_put_int(answer, map, "flops", (int64_t)costs.flops);
    mb_answer_line(answer, "%-32s %-18s %10llu %12llu", part != NULL ? part : "total", "",
        (unsigned long long)costs.parameters, (unsigned long long)costs.flops);
}

mb_status mb_econt_flops(mb_context *ctx, const char *path, mb_answer **out) {
    mb_model *model = NULL;
    mb_answer *answer = NULL;
    *out = NULL;
    MB_TRY(mb_module_model_is_known(path) ? build_named(ctx, path, &model)
                                          : mb_model_load(ctx, path, &model));
    mb_status status = mb_answer_create(ctx, &answer);
    if (status != MB_OK) {
        mb_model_destroy(model);
        return status;
    }
    put_layers(answer, model);
    put_total(answer, model, "encoder");
    put_total(answer, model, "decoder");
    put_total(answer, model, NULL);
    mb_model_destroy(model);
    return mb_answer_finish(answer, status, out);
}

mb_status mb_econt_models(mb_context *ctx, mb_answer **out) {
    mb_answer *answer = NULL;
    *out = NULL;
    MB_TRY(mb_answer_create(ctx, &answer));
    mb_node *list = mb_answer_put_list(answer, NULL, "models");
    mb_status status = MB_OK;
    mb_answer_line(
        answer, "%-26s %9s %9s %12s %12s", "name", "en_pams", "tot_pams", "en_flops", "tot_flops");
    for (size_t i = 0; mb_module_model_name(i) != NULL && status == MB_OK; i++) {
        mb_model *model = NULL;
        const char *name = mb_module_model_name(i);
        status = build_named(ctx, name, &model);
        if (status == MB_OK) {
            const mb_costs encoder = mb_model_costs(model, "encoder");
            const mb_costs all = mb_model_costs(model, NULL);
            mb_node *map = mb_answer_add_map(answer, list);
            mb_answer_put_text(answer, map, "name", name);
            mb_answer_put_int(answer, map, "en_pams", (int64_t)encoder.parameters);
            mb_answer_put_int(answer, map, "tot_pams", (int64_t)all.parameters);
            mb_answer_put_int(answer, map, "en_flops", (int64_t)encoder.flops);
            mb_answer_put_int(answer, map, "tot_flops", (int64_t)all.flops);
            mb_answer_line(answer, "%-26s %9llu %9llu %12llu %12llu", name,
                (unsigned long long)encoder.parameters, (unsigned long long)all.parameters,
                (unsigned long long)encoder.flops, (unsigned long long)all.flops);
        }
        mb_model_destroy(model);
    }
    return mb_answer_finish(answer, status, out);
}

mb_status mb_econt_to_graph(mb_context *ctx, const char *path, const char *folder,
    const char *output, const char *name, bool is_forced, mb_answer **out) {
    static const char *const ends[] = {"pb", "pb.ascii"};
    mb_model *model = NULL;
    mb_answer *answer = NULL;
    mb_arena arena;
    *out = NULL;
    MB_TRY(mb_model_load(ctx, path, &model));
    mb_arena_init(&arena, ctx);
    mb_status status = mb_make_directory(ctx, folder);
    if (status == MB_OK) {
        status = mb_answer_create(ctx, &answer);
    }
    for (size_t i = 0; i < MB_COUNT_OF(ends) && status == MB_OK; i++) {
        const char *to =
            mb_arena_format(&arena, ctx, "%s/%s_constantgraph.%s", folder, name, ends[i]);
        status = to == NULL ? MB_ERR_MEMORY : mb_check_absent(ctx, to, is_forced);
        if (status == MB_OK) {
            status = mb_frozen_save(ctx, model, model->parameters, output, to);
        }
        if (status == MB_OK) {
            mb_answer_line(answer, "%s", to);
        }
    }
    if (answer != NULL) {
        mb_answer_put_text(answer, NULL, "folder", folder);
    }
    mb_model_destroy(model);
    mb_arena_clear(&arena);
    return answer == NULL ? status : mb_answer_finish(answer, status, out);
}

static mb_status check_charges(mb_context *ctx, const char *path, const mb_array *array) {
    for (size_t i = 0; i < mb_array_count(array); i++) {
        const double charge = mb_array_get(array, i);
        if (!(charge >= 0 && charge <= DBL_MAX)) {
            return mb_fail(ctx, MB_ERR_RANGE,
                "%s:%zu: column %zu is %g; charges are finite and not negative", path,
                i / MB_MODULE_CELLS + 1, i % MB_MODULE_CELLS + 1, charge);
        }
    }
    return MB_OK;
}

// Rows of 48 charges: an array file, or a table without a header.
static mb_status read_charges(mb_context *ctx, const char *path, mb_array *out) {
    if (mb_path_has_suffix(path, ".csv")) {
        mb_csv table;
        mb_status status = mb_csv_read(&table, ctx, path, false);
        status = status == MB_OK ? mb_csv_to_array(&table, out) : status;
        mb_csv_clear(&table);
        MB_TRY(status);
    } else {
        MB_TRY(mb_array_file_read(ctx, path, out));
    }
    if (out->rank == 2 && out->shape[1] == MB_MODULE_CELLS) {
        return check_charges(ctx, path, out);
    }
    mb_array_clear(out);
    return mb_fail(ctx, MB_ERR_SHAPE,
        "%s: has no rows of 48 charges; give a table of 48 columns without a header, or an array "
        "(n, 48)",
        path);
}

static void take_row(const mb_array *array, size_t row, double *out) {
    for (size_t i = 0; i < MB_MODULE_CELLS; i++) {
        out[i] = mb_array_get(array, row * MB_MODULE_CELLS + i);
    }
}

static mb_status judge_rows(
    mb_context *ctx, const mb_array *a, const mb_array *b, const char *output, mb_answer *answer) {
    const size_t n = a->shape[0];
    mb_array values;
    MB_TRY(mb_array_init(&values, ctx, MB_F64, 1, &n));
    double *value = values.data;
    double sum = 0;
    for (size_t row = 0; row < n; row++) {
        double truth[MB_MODULE_CELLS];
        double prediction[MB_MODULE_CELLS];
        take_row(a, row, truth);
        take_row(b, row, prediction);
        value[row] = mb_module_telescope(truth, prediction);
        sum += value[row];
    }
    mb_answer_put_int(answer, NULL, "rows", (int64_t)n);
    mb_answer_put_real(answer, NULL, "mean", n > 0 ? sum / (double)n : 0);
    mb_answer_line(answer, "%zu rows, telescope mean %.9g", n, n > 0 ? sum / (double)n : 0);
    const mb_status status =
        output != NULL ? mb_array_file_write(ctx, output, "telescope", &values) : MB_OK;
    mb_array_clear(&values);
    return status;
}

mb_status mb_econt_telescope(mb_context *ctx, const char *path_a, const char *path_b,
    const char *output, bool is_forced, mb_answer **out) {
    mb_array a = {.data = NULL};
    mb_array b = {.data = NULL};
    mb_answer *answer = NULL;
    *out = NULL;
    if (output != NULL) {
        MB_TRY(mb_check_absent(ctx, output, is_forced));
    }
    MB_TRY(mb_answer_create(ctx, &answer));
    mb_status status = read_charges(ctx, path_a, &a);
    if (status == MB_OK) {
        status = read_charges(ctx, path_b, &b);
    }
    if (status == MB_OK && a.shape[0] != b.shape[0]) {
        status = mb_fail(ctx, MB_ERR_SHAPE, "%s has %zu rows, %s has %zu; give as many", path_a,
            a.shape[0], path_b, b.shape[0]);
    }
    if (status == MB_OK) {
        status = judge_rows(ctx, &a, &b, output, answer);
    }
    mb_array_clear(&a);
    mb_array_clear(&b);
    return mb_answer_finish(answer, status, out);
}
