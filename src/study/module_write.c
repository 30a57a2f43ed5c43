// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/output.h"
#include "exchange/frozen.h"
#include "exchange/keras_part.h"
#include "files/csv.h"
#include "files/npy.h"
#include "minbias/model.h"
#include "study/module_run.h"

#include <math.h>

// The files of a judged model, and the table of all.

static mb_status write_pair(
    mb_module_evaluation *e, const mb_module_result *r, const char *prefix, const mb_model *model) {
    const char *path =
        mb_arena_format(&e->arena, e->run->ctx, "%s/%s%s.json", r->directory, prefix, r->name);
    return path == NULL ? MB_ERR_MEMORY
                        : mb_model_save_pair(e->run->ctx, model, model->parameters, path);
}

// Frozen graphs under the original's names of nodes, binary and as text.
static mb_status write_graphs(mb_module_evaluation *e, const mb_module_result *r,
    const char *prefix, const char *output, const mb_model *model) {
    static const char *const ends[] = {"pb", "pb.ascii"};
    for (size_t i = 0; i < MB_COUNT_OF(ends); i++) {
        const char *path = mb_arena_format(
            &e->arena, e->run->ctx, "%s/%s%s.%s", r->directory, prefix, r->name, ends[i]);
        mb_context *ctx = e->run->ctx;
        const mb_status status = path == NULL
                                     ? MB_ERR_MEMORY
                                     : mb_frozen_save(ctx, model, model->parameters, output, path);
        if (status == MB_ERR_UNSUPPORTED) {
            mb_journal_line(
                &e->run->journal, "%s: no frozen graph: %s", r->name, mb_context_error_text(ctx));
            mb_context_clear(ctx);
            return MB_OK;
        }
        MB_TRY(status);
    }
    return MB_OK;
}

static mb_status write_part(mb_module_evaluation *e, const mb_module_result *r,
    const mb_model *whole, const char *part, const char *prefix, const char *output) {
    mb_model *model = NULL;
    MB_TRY(mb_model_take_part(e->run->ctx, whole, whole->parameters, part, &model));
    mb_status status = write_pair(e, r, prefix, model);
    if (status == MB_OK) {
        status = write_graphs(e, r, prefix, output, model);
    }
    mb_model_destroy(model);
    return status;
}

// Quantised weights as numbers of their grid, one file each.
static mb_status write_quantized(
    mb_module_evaluation *e, const mb_module_result *r, const mb_model *model) {
    mb_context *ctx = e->run->ctx;
    for (size_t i = 0; i < model->n_weights; i++) {
        const mb_weight *weight = model->weights[i];
        if (weight->quantizer.ops == NULL) {
            continue;
        }
        const mb_quantizer_shape shape = mb_quantizer_shape_of(weight->rank, weight->dim);
        const char *slash = strrchr(weight->layer->name, '/');
        const char *path = mb_arena_format(&e->arena, ctx, "%s/%s_%s.csv", r->directory,
            slash != NULL ? slash + 1 : weight->layer->name, weight->name);
        float *values = mb_arena_allocate(&e->arena, ctx, weight->count, sizeof *values);
        if (path == NULL || values == NULL) {
            return MB_ERR_MEMORY;
        }
        mb_quantizer_apply(&weight->quantizer, &shape, model->parameters + weight->offset, values);
        mb_buffer text;
        mb_buffer_init(&text, ctx);
        const size_t width = weight->dim[weight->rank - 1];
        for (size_t k = 0; k < weight->count; k++) {
            mb_csv_put_float(&text, k % width == 0, values[k]);
            if ((k + 1) % width == 0) {
                mb_csv_end_row(&text);
            }
        }
        MB_TRY(mb_write_buffer(&text, path));
    }
    return MB_OK;
}

static mb_status write_models(mb_module_evaluation *e, const mb_module_result *r) {
    mb_model *model = NULL;
    const char *path = mb_run_file(e->run->ctx, &e->arena, r->round->directory, "model.h5");
    MB_TRY(path == NULL ? MB_ERR_MEMORY : mb_model_load(e->run->ctx, path, &model));
    mb_status status = write_pair(e, r, "", model);
    if (status == MB_OK && r->n_codes > 0) {
        status = write_part(e, r, model, "encoder", "encoder_", "encoded_vector/Relu");
    }
    if (status == MB_OK && r->n_codes > 0) {
        status = write_part(e, r, model, "decoder", "decoder_", "decoder_output/Sigmoid");
    }
    if (status == MB_OK) {
        status = write_quantized(e, r, model);
    }
    mb_model_destroy(model);
    return status;
}

static mb_status copy_history(mb_module_evaluation *e, const mb_module_result *r) {
    mb_context *ctx = e->run->ctx;
    const char *from = mb_run_file(ctx, &e->arena, r->round->directory, "history.csv");
    const char *to = mb_run_file(ctx, &e->arena, r->directory, "history.csv");
    if (from == NULL || to == NULL) {
        return MB_ERR_MEMORY;
    }
    if (!mb_path_exists(from)) {
        return MB_OK;
    }
    char *text = NULL;
    size_t length = 0;
    MB_TRY(mb_read_file(ctx, from, &text, &length));
    const mb_status status = mb_write_file(ctx, to, text, length);
    mb_release(ctx, text);
    return status;
}

static mb_status write_scores(mb_module_evaluation *e, const mb_module_result *r) {
    mb_context *ctx = e->run->ctx;
    mb_runtime *runtime = mb_context_runtime(ctx);
    enum { MOST = 8 + MB_MODULE_MOST_METRICS };
    const char *names[MOST];
    mb_array arrays[MOST];
    const mb_array *list[MOST];
    int64_t *event = mb_arena_allocate(&e->arena, ctx, mb_max_size(e->n, 1), sizeof *event);
    if (event == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < e->n; i++) {
        event[i] = e->run->dataset.event[e->rows[i]];
    }
    size_t n = 0;
    names[n] = "charges";
    arrays[n++] = (mb_array){MB_F32, 2, {e->n, MB_HEX48_CELLS}, e->charges, runtime};
    names[n] = "encoded";
    arrays[n] = (mb_array){MB_F32, 2, {e->n, r->n_codes}, r->codes, runtime};
    n += r->n_codes > 0;
    names[n] = "decoded";
    arrays[n++] = (mb_array){MB_F32, 2, {e->n, MB_HEX48_CELLS}, r->charges, runtime};
    names[n] = "event";
    arrays[n++] = (mb_array){MB_I64, 1, {e->n}, event, runtime};
    for (size_t i = 0; i < e->n_scores && n < MOST; i++) {
        if (strcmp(e->scores[i].model, r->name) == 0) {
            names[n] = e->scores[i].metric->name;
            arrays[n++] = (mb_array){MB_F64, 1, {e->n}, e->scores[i].values, runtime};
        }
    }
    for (size_t i = 0; i < n; i++) {
        list[i] = &arrays[i];
    }
    const char *path = mb_run_file(ctx, &e->arena, r->directory, "scores.npz");
    return path == NULL ? MB_ERR_MEMORY : mb_npz_write(ctx, path, names, list, n, true);
}

// A verification table: rows of numbers, times a factor a row.
static mb_status write_table(mb_module_evaluation *e, const mb_module_result *r, const char *name,
    const float *values, size_t width, const double *factor, double unit) {
    const int64_t asked = e->run->study->evaluate.csv_events;
    const size_t n = asked < 0 ? e->n : mb_min_size(e->n, (size_t)asked);
    mb_buffer text;
    mb_buffer_init(&text, e->run->ctx);
    for (size_t i = 0; i < n && text.status == MB_OK; i++) {
        for (size_t k = 0; k < width; k++) {
            const double value =
                (double)values[i * width + k] * (factor != NULL ? factor[i] : 1) / unit;
            mb_buffer_format(&text, "%s%.12f", k > 0 ? "," : "", value);
        }
        mb_buffer_text(&text, "\n");
    }
    const char *path = mb_run_file(e->run->ctx, &e->arena, r->directory, name);
    if (path == NULL) {
        mb_buffer_clear(&text);
        return MB_ERR_MEMORY;
    }
    return mb_write_buffer(&text, path);
}

static const double counts_a_mipt = 35;

static mb_status write_tables(mb_module_evaluation *e, const mb_module_result *r) {
    MB_TRY(write_table(e, r, "verify_input_ae.csv", r->images, r->n_pixels, NULL, 1));
    MB_TRY(write_table(e, r, "verify_input_ae_abs.csv", r->images, r->n_pixels, e->scale, 1));
    MB_TRY(write_table(
        e, r, "verify_input_calQ.csv", e->charges, MB_HEX48_CELLS, NULL, counts_a_mipt));
    if (r->n_codes > 0) {
        MB_TRY(write_table(e, r, "verify_output.csv", r->codes, r->n_codes, NULL, 1));
    }
    MB_TRY(write_table(e, r, "verify_decoded.csv", r->pixels, r->n_pixels, NULL, 1));
    return write_table(e, r, "verify_decoded_calQ.csv", r->cells, MB_HEX48_CELLS, NULL, 1);
}

// The energies of the same rows, where data.save_energy kept them.
static mb_status write_energies(mb_module_evaluation *e, const mb_module_result *r) {
    static const char *const names[] = {"SimEnergyTotal", "EventSimEnergy", "SimEnergyFraction"};
    mb_context *ctx = e->run->ctx;
    for (size_t i = 0; i < MB_COUNT_OF(names); i++) {
        const mb_column *column = mb_dataset_find(&e->run->dataset, names[i]);
        if (column == NULL || column->size != 1) {
            continue;
        }
        float *values = mb_arena_allocate(&e->arena, ctx, mb_max_size(e->n, 1), sizeof *values);
        const char *name = mb_arena_format(&e->arena, ctx, "verify_%s.csv", names[i]);
        if (values == NULL || name == NULL) {
            return MB_ERR_MEMORY;
        }
        MB_TRY(mb_column_gather(column, ctx, e->rows, e->n, values));
        MB_TRY(write_table(e, r, name, values, 1, NULL, 1));
    }
    return MB_OK;
}

// median, quantiles, mean and spread of a metric, as the original writes them.
static mb_status write_histograms(mb_module_evaluation *e, const mb_module_result *r) {
    for (size_t i = 0; i < e->n_scores; i++) {
        const mb_module_score *s = &e->scores[i];
        if (s->model[0] != '\0' && strcmp(s->model, r->name) != 0) {
            continue;
        }
        mb_buffer text;
        mb_buffer_init(&text, e->run->ctx);
        mb_buffer_format(&text, "%.6f, %.6f, %.6f, \t %.6f, %.6f,\n", s->summary.median,
            s->summary.low, s->summary.high, s->summary.mean, s->summary.std);
        const char *path = mb_arena_format(&e->arena, e->run->ctx, "%s/hist_%s_%s.txt",
            r->directory, s->metric->name, s->algorithm);
        if (path == NULL) {
            mb_buffer_clear(&text);
            return MB_ERR_MEMORY;
        }
        MB_TRY(mb_write_buffer(&text, path));
    }
    return MB_OK;
}

mb_status mb_module_write_model(mb_module_evaluation *e, const mb_module_result *result) {
    MB_TRY(mb_make_directory(e->run->ctx, result->directory));
    MB_TRY(write_models(e, result));
    MB_TRY(copy_history(e, result));
    MB_TRY(write_scores(e, result));
    MB_TRY(write_tables(e, result));
    MB_TRY(write_energies(e, result));
    return write_histograms(e, result);
}

static void put_fixed(mb_buffer *text, double value) {
    mb_buffer_format(text, isfinite(value) ? ",%.3f" : ",", value);
}

static void put_summary_row(const mb_module_evaluation *e, const mb_module_result *r,
    const mb_module_score *const *columns, size_t n, mb_buffer *text) {
    mb_buffer_format(text, "%s,%llu,%llu,%llu", r->name, (unsigned long long)r->encoder_parameters,
        (unsigned long long)r->parameters, (unsigned long long)r->encoder_flops);
    for (size_t i = 0; i < n; i++) {
        const mb_module_score *s =
            mb_module_find_score(e, r->name, columns[i]->algorithm, columns[i]->metric);
        put_fixed(text, s != NULL ? s->summary.mean : (double)NAN);
        put_fixed(text, s != NULL ? s->error : (double)NAN);
    }
    mb_buffer_text(text, "\n");
}

static mb_status write_bits(mb_module_evaluation *e) {
    const char *path = mb_run_file(e->run->ctx, &e->arena, e->run->directory, "bits.csv");
    mb_buffer text;
    mb_buffer_init(&text, e->run->ctx);
    mb_buffer_text(&text, "model,bits,emd,std,median\n");
    for (size_t i = 0; i < e->n_bits; i++) {
        const mb_module_bits *b = &e->bits[i];
        mb_buffer_format(&text, "%s,%u", b->model, b->bits);
        mb_csv_put_double(&text, false, b->summary.mean);
        mb_csv_put_double(&text, false, b->summary.std);
        mb_csv_put_double(&text, false, b->summary.median);
        mb_csv_end_row(&text);
    }
    if (path == NULL || e->n_bits == 0) {
        mb_buffer_clear(&text);
        return path == NULL ? MB_ERR_MEMORY : MB_OK;
    }
    return mb_write_buffer(&text, path);
}

// All that was judged, one line each; of the chip's algorithms with an empty model.
static mb_status write_scores_table(mb_module_evaluation *e) {
    const char *path = mb_run_file(e->run->ctx, &e->arena, e->run->directory, "scores.csv");
    mb_buffer text;
    mb_buffer_init(&text, e->run->ctx);
    mb_buffer_text(
        &text, "model,algorithm,metric,mean,error,std,median,q16,q84,rows,no_input,no_output\n");
    for (size_t i = 0; i < e->n_scores; i++) {
        const mb_module_score *s = &e->scores[i];
        const double numbers[] = {s->summary.mean, s->error, s->summary.std, s->summary.median,
            s->summary.low, s->summary.high};
        mb_buffer_format(&text, "%s,%s,%s", s->model, s->algorithm, s->metric->name);
        for (size_t k = 0; k < MB_COUNT_OF(numbers); k++) {
            mb_csv_put_double(&text, false, numbers[k]);
        }
        mb_csv_put_int64(&text, false, (int64_t)e->n);
        mb_csv_put_int64(&text, false, (int64_t)s->summary.n_empty_input);
        mb_csv_put_int64(&text, false, (int64_t)s->summary.n_empty_output);
        mb_csv_end_row(&text);
    }
    if (path == NULL) {
        mb_buffer_clear(&text);
        return MB_ERR_MEMORY;
    }
    return mb_write_buffer(&text, path);
}

mb_status mb_module_write_summary(mb_module_evaluation *e) {
    mb_context *ctx = e->run->ctx;
    const mb_module_score **columns =
        mb_arena_allocate(&e->arena, ctx, e->n_scores + 1, sizeof *columns);
    const char *path = mb_run_file(ctx, &e->arena, e->run->directory, "summary.csv");
    if (columns == NULL || path == NULL) {
        return MB_ERR_MEMORY;
    }
    // One column an algorithm and metric, whatever the number of models.
    size_t n = 0;
    for (size_t i = 0; i < e->n_scores; i++) {
        bool is_new = true;
        for (size_t k = 0; k < n; k++) {
            is_new = is_new && (columns[k]->metric != e->scores[i].metric ||
                                   strcmp(columns[k]->algorithm, e->scores[i].algorithm) != 0);
        }
        columns[n] = &e->scores[i];
        n += is_new;
    }
    mb_buffer text;
    mb_buffer_init(&text, ctx);
    mb_buffer_text(&text, "name,en_pams,tot_pams,en_flops");
    for (size_t i = 0; i < n; i++) {
        mb_buffer_format(&text, ",%s_%s,%s_%s_err", columns[i]->metric->name, columns[i]->algorithm,
            columns[i]->metric->name, columns[i]->algorithm);
    }
    mb_buffer_text(&text, "\n");
    for (size_t i = 0; i < e->n_results; i++) {
        put_summary_row(e, &e->results[i], columns, n, &text);
    }
    MB_TRY(mb_write_buffer(&text, path));
    MB_TRY(write_scores_table(e));
    return write_bits(e);
}

// One line a row of scores.csv: it is there also when an earlier call judged.
static mb_status tell_rows(const mb_csv *table, mb_answer *answer) {
    mb_node *list = mb_answer_put_list(answer, NULL, "scores");
    mb_answer_line(answer, "%-26s %-12s %-10s %9s %8s %9s %9s %9s %9s", "model", "algorithm",
        "metric", "mean", "error", "std", "median", "no input", "no output");
    for (size_t row = 0; row < table->n_rows; row++) {
        double number[9];
        for (size_t k = 0; k < MB_COUNT_OF(number); k++) {
            MB_TRY(mb_csv_number(table, row, k + 3, &number[k]));
        }
        const char *model = mb_csv_field(table, row, 0);
        const char *algorithm = mb_csv_field(table, row, 1);
        const char *metric = mb_csv_field(table, row, 2);
        mb_node *map = mb_answer_add_map(answer, list);
        mb_answer_put_text(answer, map, "model", model);
        mb_answer_put_text(answer, map, "algorithm", algorithm);
        mb_answer_put_text(answer, map, "metric", metric);
        mb_answer_put_real(answer, map, "mean", number[0]);
        mb_answer_put_real(answer, map, "error", number[1]);
        mb_answer_put_real(answer, map, "std", number[2]);
        mb_answer_put_real(answer, map, "median", number[3]);
        mb_answer_put_int(answer, map, "rows", (int64_t)number[6]);
        // Shares of the rows that have no metric.
        const double rows = number[6] > 0 ? number[6] : 1;
        mb_answer_put_real(answer, map, "no_input", number[7] / rows);
        mb_answer_put_real(answer, map, "no_output", number[8] / rows);
        mb_answer_line(answer, "%-26s %-12s %-10s %9.4f %8.4f %9.4f %9.4f %8.2f%% %8.2f%%", model,
            algorithm, metric, number[0], number[1], number[2], number[3], 100 * number[7] / rows,
            100 * number[8] / rows);
    }
    return MB_OK;
}

static mb_status tell_bits(const mb_csv *table, mb_answer *answer) {
    mb_node *list = mb_answer_put_list(answer, NULL, "bits");
    for (size_t row = 0; row < table->n_rows; row++) {
        double bits, emd;
        MB_TRY(mb_csv_number(table, row, 1, &bits));
        MB_TRY(mb_csv_number(table, row, 2, &emd));
        mb_node *map = mb_answer_add_map(answer, list);
        mb_answer_put_text(answer, map, "model", mb_csv_field(table, row, 0));
        mb_answer_put_int(answer, map, "bits", (int64_t)bits);
        mb_answer_put_real(answer, map, "emd", emd);
        mb_answer_line(
            answer, "%-26s outputs of %.0f bits: emd %.4f", mb_csv_field(table, row, 0), bits, emd);
    }
    return MB_OK;
}

static mb_status tell_file(mb_run *run, const char *name,
    mb_status (*tell)(const mb_csv *table, mb_answer *answer), mb_answer *answer) {
    mb_csv table = {.ctx = NULL};
    char *path = mb_path_join(run->ctx, run->directory, name);
    mb_status status = path == NULL ? MB_ERR_MEMORY : MB_OK;
    if (status == MB_OK && mb_path_exists(path)) {
        status = mb_csv_read(&table, run->ctx, path, true);
        status = status == MB_OK ? tell(&table, answer) : status;
        mb_csv_clear(&table);
    }
    mb_release(run->ctx, path);
    return status;
}

mb_status mb_module_tell(mb_run *run, mb_answer *answer) {
    MB_TRY(tell_file(run, "scores.csv", tell_rows, answer));
    return tell_file(run, "bits.csv", tell_bits, answer);
}
