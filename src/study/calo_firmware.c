// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/calo_firmware.h"

#include "base/output.h"
#include "exchange/firmware.h"
#include "files/csv.h"
#include "twin/model.h"

const mb_fixed mb_calo_region_format = {.bits = 10, .integer = 10};

static mb_status read_input(mb_context *ctx, const char *text, mb_fixed *out) {
    *out = mb_calo_region_format;
    if (text == NULL || mb_fixed_parse(ctx, "input", text, out) == MB_OK) {
        return MB_OK;
    }
    char said[256];
    mb_format(said, sizeof said, "%s", mb_context_error_text(ctx));
    mb_context_clear(ctx);
    return mb_fail(ctx, MB_ERR_ARG, "%s", said);
}

static mb_status check_network(mb_context *ctx, const mb_calo_network *network) {
    if (network->model != NULL && (network->weights != NULL || network->types != NULL)) {
        return mb_fail(ctx, MB_ERR_ARG,
            "%s and weight lists are given; give a model or --weights with --types, not both",
            network->model);
    }
    if (network->model == NULL && (network->weights == NULL || network->types == NULL)) {
        return mb_fail(ctx, MB_ERR_ARG, "%s; give a model, or both --weights DIR and --types V",
            network->weights != NULL ? "--types is missing"
            : network->types != NULL ? "--weights is missing"
                                     : "no network is given");
    }
    if (network->weights != NULL && !mb_path_is_directory(network->weights)) {
        return mb_fail(ctx, MB_ERR_IO,
            "%s: no such folder; --weights names the folder of the weight lists", network->weights);
    }
    return MB_OK;
}

mb_status mb_calo_twin_open(mb_context *ctx, const mb_calo_network *network, const char *input,
    mb_calo_model *model, mb_twin **twin) {
    *twin = NULL;
    *model = (mb_calo_model){.path = NULL};
    MB_TRY(check_network(ctx, network));
    if (network->model == NULL) {
        MB_TRY(mb_firmware_load(ctx, network->weights, network->types, NULL, 0, twin));
        return mb_calo_twin_check(ctx, network->weights, *twin);
    }
    mb_twin_model_settings settings = {.parameters = NULL};
    MB_TRY(read_input(ctx, input, &settings.input));
    MB_TRY(mb_calo_model_open(ctx, network->model, model));
    if (mb_twin_from_model(ctx, model->model, &settings, twin) != MB_OK) {
        return mb_fail_within(ctx, "%s", network->model);
    }
    return mb_calo_twin_check(ctx, network->model, *twin);
}

mb_status mb_calo_twin_score(
    mb_context *ctx, const mb_twin *twin, const uint16_t *counts, size_t n, double *score) {
    const mb_twin_rows rows = {.u16 = counts};
    float *values = mb_allocate(ctx, n, sizeof *values);
    mb_status status = values != NULL ? MB_OK : MB_ERR_MEMORY;
    if (status == MB_OK) {
        status = mb_twin_predict(ctx, twin, &rows, n, NULL, values);
    }
    for (size_t i = 0; status == MB_OK && i < n; i++) {
        score[i] = (double)values[i];
    }
    mb_release(ctx, values);
    return status;
}

enum { N_COLUMNS = 9 };
static const char *const columns[N_COLUMNS] = {"layer", "kind", "weight", "accumulator", "result",
    "sums", "results", "accumulator outside", "result outside"};

static void put_row(mb_buffer *table, const mb_twin_report *r) {
    char text[MB_FIXED_TEXT_SIZE];
    const mb_fixed *const formats[] = {&r->weight, &r->bias, &r->accumulator, &r->result};
    const double ranges[] = {
        r->proven_least, r->proven_most, r->least, r->most, r->result_least, r->result_most};
    mb_csv_put_text(table, true, r->name);
    mb_csv_put_text(table, false, r->kind);
    mb_csv_put_text(table, false, r->arithmetic);
    for (size_t i = 0; i < MB_COUNT_OF(formats); i++) {
        mb_csv_put_text(table, false, mb_fixed_text(formats[i], text, sizeof text));
    }
    mb_csv_put_int64(table, false, (int64_t)r->n_weights);
    mb_csv_put_int64(table, false, (int64_t)r->n_weights_rounded);
    mb_csv_put_int64(table, false, (int64_t)r->n_weights_outside);
    for (size_t i = 0; i < MB_COUNT_OF(ranges); i++) {
        mb_csv_put_double(table, false, ranges[i]);
    }
    mb_csv_put_int64(table, false, (int64_t)r->n_values);
    mb_csv_put_int64(table, false, (int64_t)r->n_accumulator_outside);
    mb_csv_put_int64(table, false, (int64_t)r->n_result_outside);
    mb_csv_end_row(table);
}

// A layer's row in the page; false without memory.
static bool list_cells(
    mb_arena *arena, mb_context *ctx, const mb_twin_report *r, const char **cells) {
    char format[MB_FIXED_TEXT_SIZE];
    const bool has_sums = r->arithmetic[0] != '\0';
    cells[0] = r->name;
    cells[1] = r->is_real ? mb_arena_format(arena, ctx, "%s, real scale", r->kind) : r->kind;
    cells[2] = mb_arena_format(arena, ctx, "%s", mb_fixed_text(&r->weight, format, sizeof format));
    cells[3] =
        mb_arena_format(arena, ctx, "%s", mb_fixed_text(&r->accumulator, format, sizeof format));
    cells[4] = mb_arena_format(arena, ctx, "%s", mb_fixed_text(&r->result, format, sizeof format));
    cells[5] = has_sums ? mb_arena_format(arena, ctx, "%.6g .. %.6g", r->least, r->most) : "";
    cells[6] = mb_arena_format(arena, ctx, "%.6g .. %.6g", r->result_least, r->result_most);
    cells[7] = mb_arena_format(arena, ctx, "%llu", (unsigned long long)r->n_accumulator_outside);
    cells[8] = mb_arena_format(arena, ctx, "%llu", (unsigned long long)r->n_result_outside);
    for (size_t i = 0; i < N_COLUMNS; i++) {
        if (cells[i] == NULL) {
            return false;
        }
    }
    return true;
}

static void tell_layer(mb_answer *answer, mb_node *list, const mb_twin_report *r) {
    mb_node *map = mb_answer_add_map(answer, list);
    mb_answer_put_text(answer, map, "layer", r->name);
    mb_answer_put_text(answer, map, "kind", r->kind);
    mb_answer_put_real(answer, map, "least", r->least);
    mb_answer_put_real(answer, map, "most", r->most);
    mb_answer_put_int(answer, map, "accumulator_outside", (int64_t)r->n_accumulator_outside);
    mb_answer_put_int(answer, map, "result_outside", (int64_t)r->n_result_outside);
    mb_answer_put_int(answer, map, "weights_outside", (int64_t)r->n_weights_outside);
    mb_answer_line(answer, "  %-10s %-8s %11.6g .. %-11.6g outside: accumulator %llu, result %llu",
        r->name, r->kind, r->result_least, r->result_most,
        (unsigned long long)r->n_accumulator_outside, (unsigned long long)r->n_result_outside);
}

static mb_status report_layers(mb_calo_folder *folder, mb_arena *arena,
    const mb_twin_report *reports, size_t n_layers, size_t n_events) {
    const char **cells = mb_arena_allocate(arena, folder->ctx, n_layers * N_COLUMNS, sizeof *cells);
    mb_buffer table;
    if (cells == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_buffer_init(&table, folder->ctx);
    mb_buffer_text(&table,
        "layer,kind,arithmetic,weight,bias,accumulator,result,weights,weights_rounded,"
        "weights_outside,proven_least,proven_most,least,most,result_least,result_most,values,"
        "accumulator_outside,result_outside\n");
    mb_node *list = mb_answer_put_list(folder->answer, NULL, "layers");
    mb_answer_line(folder->answer, "layers, their results over %zu events:", n_events);
    for (size_t i = 0; i < n_layers; i++) {
        put_row(&table, &reports[i]);
        tell_layer(folder->answer, list, &reports[i]);
        if (!list_cells(arena, folder->ctx, &reports[i], cells + i * N_COLUMNS)) {
            mb_buffer_clear(&table);
            return MB_ERR_MEMORY;
        }
    }
    mb_report_table(folder->report,
        "Layers, over the events: formats, least and largest sum and result, and how many "
        "conversions left their format, so that they wrapped or were clipped (what a rectifier "
        "raises to 0 does not count).",
        columns, N_COLUMNS, cells, n_layers);
    return mb_calo_folder_write(folder, "layers.csv", &table);
}

mb_status mb_calo_layers_report(
    mb_calo_folder *folder, const mb_twin *twin, const uint16_t *counts, size_t n) {
    const size_t n_layers = mb_twin_layers(twin);
    const mb_twin_rows rows = {.u16 = counts};
    mb_arena arena;
    mb_arena_init(&arena, folder->ctx);
    mb_twin_report *reports = mb_arena_allocate(&arena, folder->ctx, n_layers, sizeof *reports);
    mb_status status = reports != NULL ? MB_OK : MB_ERR_MEMORY;
    if (status == MB_OK) {
        status = mb_twin_examine(folder->ctx, twin, &rows, n, reports);
    }
    if (status == MB_OK) {
        status = report_layers(folder, &arena, reports, n_layers, n);
    }
    mb_arena_clear(&arena);
    return status;
}
