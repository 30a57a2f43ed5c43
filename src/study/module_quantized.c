// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/output.h"
#include "base/random.h"
#include "files/csv.h"
#include "minbias/model.h"
#include "study/bits.h"
#include "study/module_run.h"
#include "twin/model.h"

#include <math.h>

// A quantised encoder as the chip computes it: what its integers reach, how many bits each place
// needs, and what flipped bits of its weights do.

// Rows that are looked at slowly, and that a scan judges every format by.
enum { EXAMINED = 2000, SCANNED = 500 };

typedef struct work {
    mb_module_evaluation *e;
    mb_module_result *result;
    mb_model *encoder, *decoder;
    size_t n; // rows of the scan
    float *codes, *cells, *pixels;
    double *values;
} work;

static bool is_quantized(const mb_model *model) {
    for (size_t i = 0; i < model->n_weights; i++) {
        if (model->weights[i]->quantizer.ops != NULL) {
            return true;
        }
    }
    return false;
}

static void put_format(mb_buffer *text, const mb_fixed *format) {
    if (format->bits == 0) {
        mb_buffer_text(text, ",,");
    } else {
        mb_buffer_format(text, ",%d,%d", format->bits, format->integer);
    }
}

static void put_report(mb_buffer *text, const mb_twin_report *r) {
    const double numbers[] = {
        r->proven_least, r->proven_most, r->least, r->most, r->result_least, r->result_most};
    mb_buffer_format(text, "%s,%s,%s,%zu,%zu,%zu", r->name, r->kind, r->arithmetic, r->n_weights,
        r->n_weights_rounded, r->n_weights_outside);
    put_format(text, &r->weight);
    put_format(text, &r->bias);
    put_format(text, &r->accumulator);
    put_format(text, &r->result);
    for (size_t i = 0; i < MB_COUNT_OF(numbers); i++) {
        mb_csv_put_double(text, false, numbers[i]);
    }
    mb_csv_put_int64(text, false, (int64_t)r->n_values);
    mb_csv_put_int64(text, false, (int64_t)r->n_accumulator_outside);
    mb_csv_put_int64(text, false, (int64_t)r->n_result_outside);
    mb_csv_end_row(text);
}

// ranges.csv; and a word on what left its format.
static mb_status write_ranges(work *w, const mb_twin *twin) {
    mb_context *ctx = w->e->run->ctx;
    const size_t n = mb_twin_layers(twin);
    const mb_twin_rows rows = {.f32 = w->result->images};
    mb_twin_report *reports = mb_arena_allocate(&w->e->arena, ctx, n, sizeof *reports);
    const char *path = mb_run_file(ctx, &w->e->arena, w->result->directory, "ranges.csv");
    mb_buffer text;
    if (reports == NULL || path == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_twin_examine(ctx, twin, &rows, mb_min_size(w->e->n, EXAMINED), reports));
    mb_buffer_init(&text, ctx);
    mb_buffer_text(&text,
        "layer,kind,arithmetic,weights,weights_rounded,weights_outside,weight_bits,weight_integer,"
        "bias_bits,bias_integer,accumulator_bits,accumulator_integer,result_bits,result_integer,"
        "proven_least,proven_most,least,most,result_least,result_most,values,overflows,"
        "saturations\n");
    uint64_t outside = 0;
    for (size_t i = 0; i < n; i++) {
        put_report(&text, &reports[i]);
        outside += reports[i].n_accumulator_outside + reports[i].n_result_outside;
    }
    mb_journal_line(&w->e->run->journal,
        "%s: %llu values left their formats; ranges.csv has them "
        "layer by layer",
        w->result->name, (unsigned long long)outside);
    return mb_write_buffer(&text, path);
}

// The trained forward pass and the integers are one thing: said, with the number of outputs.
static mb_status compare(work *w, const mb_twin *twin) {
    mb_context *ctx = w->e->run->ctx;
    const size_t n = mb_min_size(w->e->n, EXAMINED);
    const size_t size = w->result->n_codes;
    const mb_twin_rows rows = {.f32 = w->result->images};
    float *values = mb_allocate(ctx, mb_max_size(n * size, 1), sizeof *values);
    mb_status status =
        values == NULL ? MB_ERR_MEMORY : mb_twin_predict(ctx, twin, &rows, n, NULL, values);
    size_t n_equal = 0;
    for (size_t i = 0; status == MB_OK && i < n * size; i++) {
        n_equal += values[i] == w->result->codes[i];
    }
    if (status == MB_OK) {
        mb_journal_line(&w->e->run->journal,
            "%s: %zu of %zu outputs equal those of the integer "
            "twin",
            w->result->name, n_equal, n * size);
    }
    mb_release(ctx, values);
    return status;
}

// Mean distance of the first rows by their codes.
static mb_status judge_codes(work *w, size_t n, const float *codes, double *mean) {
    mb_context *ctx = w->e->run->ctx;
    mb_emd_summary summary;
    MB_TRY(mb_module_predict(ctx, w->decoder, codes, n, w->pixels));
    for (size_t i = 0; i < n; i++) {
        float *row = w->cells + i * MB_HEX48_CELLS;
        mb_arrangement_cells(w->result->arrangement, w->pixels + i * w->result->n_pixels, row);
        for (size_t k = 0; k < MB_HEX48_CELLS; k++) {
            row[k] = row[k] > 0 ? row[k] : 0;
        }
    }
    MB_TRY(mb_emd_of_rows(&w->e->tables.emd, ctx, "charges",
        mb_values_f32(w->e->charges, n * MB_HEX48_CELLS), w->result->name,
        mb_values_f32(w->cells, n * MB_HEX48_CELLS), 0, w->values));
    MB_TRY(mb_module_summarise(&summary, ctx, w->values, n, false));
    *mean = summary.n > 0 ? summary.mean : (double)INFINITY;
    return MB_OK;
}

static mb_status judge_twin(void *user, mb_context *ctx, const mb_twin *twin, double *out) {
    work *w = user;
    const mb_twin_rows rows = {.f32 = w->result->images};
    MB_TRY(mb_twin_predict(ctx, twin, &rows, w->n, NULL, w->codes));
    return judge_codes(w, w->n, w->codes, out);
}

// Kept behind the twin, whose names these are.
static mb_status keep_place(work *w, const mb_bits_line *line, mb_module_place *out) {
    mb_context *ctx = w->e->run->ctx;
    mb_arena *arena = &w->e->arena;
    *out = (mb_module_place){.layer = mb_arena_text(arena, ctx, line->layer),
        .part = mb_bits_part_names[line->part],
        .start = line->start,
        .chosen = line->chosen,
        .is_exact = line->is_exact,
        .figure = line->figure,
        .bits = mb_arena_allocate(arena, ctx, line->n_points + 1, sizeof(double)),
        .emd = mb_arena_allocate(arena, ctx, line->n_points + 1, sizeof(double)),
        .n = line->n_points};
    if (out->layer == NULL || out->bits == NULL || out->emd == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t k = 0; k < line->n_points; k++) {
        out->bits[k] = line->points[k].bits;
        out->emd[k] = line->points[k].figure;
    }
    return MB_OK;
}

static mb_status keep_places(work *w, const mb_bits_scan *scan) {
    mb_module_result *r = w->result;
    r->places = mb_arena_allocate(&w->e->arena, w->e->run->ctx, scan->n + 1, sizeof *r->places);
    if (r->places == NULL) {
        return MB_ERR_MEMORY;
    }
    r->n_places = scan->n;
    r->start_emd = scan->start_figure;
    r->joint_emd = scan->joint_figure;
    for (size_t i = 0; i < scan->n; i++) {
        MB_TRY(keep_place(w, &scan->lines[i], &r->places[i]));
    }
    return MB_OK;
}

// Fewer bits place by place, as long as the mean distance grows by less than a hundredth.
static mb_status scan_bits(work *w, const mb_twin *twin) {
    mb_context *ctx = w->e->run->ctx;
    double start = 0;
    mb_bits_scan scan;
    MB_TRY(judge_twin(w, ctx, twin, &start));
    const mb_bits_request request = {.twin = twin,
        .parts = {true, true, true, true},
        .figure = judge_twin,
        .user = w,
        .limit = 1.01 * start};
    MB_TRY(mb_bits_run(ctx, &request, &scan));
    const mb_status status = keep_places(w, &scan);
    mb_journal_line(&w->e->run->journal,
        "%s: emd %.4f, and %.4f with the fewest bits that each place needs alone (%zu twins)",
        w->result->name, scan.start_figure, scan.joint_figure, scan.n_twins);
    mb_bits_clear(&scan);
    return status;
}

static mb_status write_places(work *w) {
    const char *path =
        mb_run_file(w->e->run->ctx, &w->e->arena, w->result->directory, "bits_scan.csv");
    mb_buffer text;
    if (path == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_buffer_init(&text, w->e->run->ctx);
    mb_buffer_text(&text, "layer,place,bits,emd\n");
    for (size_t i = 0; i < w->result->n_places; i++) {
        const mb_module_place *place = &w->result->places[i];
        for (size_t k = 0; k < place->n; k++) {
            mb_csv_put_text(&text, true, place->layer);
            mb_csv_put_text(&text, false, place->part);
            mb_csv_put_double(&text, false, place->bits[k]);
            mb_csv_put_double(&text, false, place->emd[k]);
            mb_csv_end_row(&text);
        }
    }
    return mb_write_buffer(&text, path);
}

// Each bit of a weight's integer is flipped with the given probability.
static void flip_bits(const mb_weight *weight, const mb_fixed *format, double probability,
    mb_random *random, float *values) {
    const double step = ldexp(1.0, format->integer - format->bits);
    const uint64_t all = (UINT64_C(1) << format->bits) - 1;
    for (size_t i = 0; i < weight->count; i++) {
        uint64_t code = (uint64_t)(int64_t)((double)values[i] / step) & all;
        for (int bit = 0; bit < format->bits; bit++) {
            if (mb_random_uniform(random) < probability) {
                code ^= UINT64_C(1) << bit;
            }
        }
        const bool is_negative = format->is_signed && (code >> (format->bits - 1) & 1) != 0;
        const int64_t number = is_negative ? (int64_t)code - (int64_t)all - 1 : (int64_t)code;
        values[i] = (float)((double)number * step);
    }
}

static mb_status judge_faults(
    work *w, double probability, const float *clean, double *mean, size_t repeat) {
    const mb_model *model = w->encoder;
    mb_random random =
        mb_random_stream(w->e->run->study->seed, MB_PURPOSE_TEST, 1, (uint32_t)repeat);
    for (size_t i = 0; i < model->n_weights; i++) {
        const mb_weight *weight = model->weights[i];
        const mb_quantizer_shape shape = mb_quantizer_shape_of(weight->rank, weight->dim);
        mb_fixed format;
        float *values = model->parameters + weight->offset;
        mb_quantizer_apply(&weight->quantizer, &shape, clean + weight->offset, values);
        if (weight->quantizer.ops != NULL && mb_quantizer_format(&weight->quantizer, 1, &format)) {
            flip_bits(weight, &format, probability, &random, values);
        }
    }
    const size_t n = mb_min_size(w->e->n, EXAMINED);
    MB_TRY(mb_module_predict(w->e->run->ctx, model, w->result->images, n, w->codes));
    return judge_codes(w, n, w->codes, mean);
}

// The probabilities of evaluate.bit_errors, or the model's own.
static mb_status write_faults(work *w, double own) {
    enum { REPEATS = 5 };
    mb_context *ctx = w->e->run->ctx;
    const mb_reals *asked = &w->e->run->study->evaluate.bit_errors;
    const size_t n = asked->n > 0 ? asked->n : own > 0 ? 1 : 0;
    const size_t bytes = w->encoder->n_parameters * sizeof(float);
    float *clean = mb_arena_allocate(&w->e->arena, ctx, w->encoder->n_parameters, sizeof *clean);
    const char *path = mb_run_file(ctx, &w->e->arena, w->result->directory, "bit_errors.csv");
    mb_buffer text;
    if (n == 0) {
        return MB_OK;
    }
    if (clean == NULL || path == NULL) {
        return MB_ERR_MEMORY;
    }
    memcpy(clean, w->encoder->parameters, bytes);
    mb_buffer_init(&text, ctx);
    mb_buffer_text(&text, "probability,repeat,emd\n");
    mb_status status = MB_OK;
    double sum = 0;
    for (size_t i = 0; i < n * REPEATS && status == MB_OK; i++) {
        const double probability = asked->n > 0 ? asked->value[i / REPEATS] : own;
        double mean = 0;
        status = judge_faults(w, probability, clean, &mean, i);
        mb_csv_put_double(&text, true, probability);
        mb_csv_put_int64(&text, false, (int64_t)(i % REPEATS));
        mb_csv_put_double(&text, false, mean);
        mb_csv_end_row(&text);
        sum = i % REPEATS == 0 ? mean : sum + mean;
        if (i % REPEATS + 1 == REPEATS && status == MB_OK) {
            mb_journal_line(&w->e->run->journal,
                "%s: emd %.4f with bits of its weights flipped at %.3g", w->result->name,
                sum / REPEATS, probability);
        }
    }
    memcpy(w->encoder->parameters, clean, bytes);
    if (status != MB_OK) {
        mb_buffer_clear(&text);
        return status;
    }
    return mb_write_buffer(&text, path);
}

static double faults_of(const mb_round *round) {
    const mb_node *node = mb_node_find(round->fit->model, "bit_faults");
    return node != NULL && (node->kind == MB_NODE_REAL || node->kind == MB_NODE_INT) ? node->real
                                                                                     : 0;
}

static mb_status make_room(work *w) {
    mb_context *ctx = w->e->run->ctx;
    const size_t n = mb_max_size(mb_min_size(w->e->n, EXAMINED), 1);
    w->n = mb_min_size(w->e->n, SCANNED);
    w->codes = mb_arena_allocate(&w->e->arena, ctx, n * w->result->n_codes, sizeof *w->codes);
    w->cells = mb_arena_allocate(&w->e->arena, ctx, n * MB_HEX48_CELLS, sizeof *w->cells);
    w->pixels = mb_arena_allocate(&w->e->arena, ctx, n * w->result->n_pixels, sizeof *w->pixels);
    w->values = mb_arena_allocate(&w->e->arena, ctx, n, sizeof *w->values);
    return w->codes == NULL || w->cells == NULL || w->pixels == NULL || w->values == NULL
               ? MB_ERR_MEMORY
               : MB_OK;
}

static mb_status look(work *w, const mb_twin *twin) {
    MB_TRY(write_ranges(w, twin));
    MB_TRY(compare(w, twin));
    if (w->e->run->study->evaluate.scan_bits) {
        MB_TRY(scan_bits(w, twin));
        MB_TRY(write_places(w));
    }
    return write_faults(w, faults_of(w->result->round));
}

static mb_status with_twin(mb_module_evaluation *e, mb_module_result *result,
    mb_status (*do_work)(work *w, const mb_twin *twin)) {
    work w = {.e = e, .result = result};
    mb_twin *twin = NULL;
    if (result->n_codes == 0 || e->n == 0) {
        return MB_OK;
    }
    mb_status status = mb_module_load_part(e, result, "encoder", &w.encoder);
    if (status == MB_OK && is_quantized(w.encoder)) {
        status = mb_module_load_part(e, result, "decoder", &w.decoder);
        status = status == MB_OK ? make_room(&w) : status;
        if (status == MB_OK) {
            status = mb_twin_from_model(e->run->ctx, w.encoder, NULL, &twin);
        }
        status = status == MB_OK ? do_work(&w, twin) : status;
    }
    mb_twin_destroy(twin);
    mb_model_destroy(w.encoder);
    mb_model_destroy(w.decoder);
    return status;
}

mb_status mb_module_look_at_integers(mb_module_evaluation *e, mb_module_result *result) {
    return with_twin(e, result, look);
}

mb_status mb_module_scan_places(mb_module_evaluation *e, mb_module_result *result) {
    return with_twin(e, result, scan_bits);
}
