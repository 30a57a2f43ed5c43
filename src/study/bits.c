// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/bits.h"

#include "base/runtime.h"

#include <math.h>

const char *const mb_bits_part_names[] = {"weight", "bias", "accumulator", "result", NULL};

// Of a place without a format: enough that rounding hardly shows, few enough that sums still fit.
enum { EXACT_FRACTION = 16, MOST_INTEGER = 40 };

typedef struct search {
    mb_context *ctx;
    const mb_bits_request *request;
    mb_bits_scan *scan;
    mb_twin_layer *layers; // the twin's, with the formats on trial: names need not be unique
    size_t n_layers;
} search;

static mb_fixed *format_of(mb_twin_layer *layer, mb_bits_part part) {
    mb_fixed *const formats[] = {
        &layer->weight, &layer->bias_format, &layer->accumulator, &layer->result};
    return formats[part];
}

// The figure with the formats on trial; infinite where no twin can have them.
static mb_status judge(search *s, double *figure) {
    mb_twin_program program = *mb_twin_program_of(s->request->twin);
    mb_twin *twin = NULL;
    program.layers = s->layers;
    s->scan->n_twins++;
    mb_status status = mb_twin_create(s->ctx, &program, NULL, 0, &twin);
    if (status == MB_ERR_UNSUPPORTED) {
        mb_context_clear(s->ctx);
        *figure = INFINITY;
        return MB_OK;
    }
    if (status == MB_OK) {
        status = s->request->figure(s->request->user, s->ctx, twin, figure);
    }
    mb_twin_destroy(twin);
    return status;
}

static mb_status judge_format(
    search *s, const mb_bits_line *line, mb_fixed format, double *figure) {
    mb_fixed *place = format_of(&s->layers[line->index], line->part);
    const mb_fixed before = *place;
    *place = format;
    const mb_status status = judge(s, figure);
    *place = before;
    return status;
}

static mb_fixed with(const mb_fixed *start, int integer, int fraction) {
    mb_fixed format = *start;
    format.integer = integer;
    format.bits = integer + fraction;
    return format;
}

// The fewest fraction bits, or integer bits, between least (which is not known to be good) and most
// (which is).
static mb_status search_fewest(search *s, mb_bits_line *line, bool is_integer) {
    const mb_fixed best = line->chosen;
    const int fraction = best.bits - best.integer;
    int most = is_integer ? best.integer : fraction;
    int least = is_integer ? 1 - fraction : 1 - best.integer;
    while (least < most) {
        const int middle = least + (most - least) / 2;
        const mb_fixed tried =
            is_integer ? with(&best, middle, fraction) : with(&best, best.integer, middle);
        double figure = 0;
        MB_TRY(judge_format(s, line, tried, &figure));
        if (figure < s->request->limit) {
            line->chosen = tried;
            line->figure = figure;
            most = middle;
        } else {
            least = middle + 1;
        }
    }
    return MB_OK;
}

// With start's integer bits and ever more fraction bits.
static mb_status take_points(search *s, mb_bits_line *line) {
    line->points = mb_allocate_zeroed(s->ctx, (size_t)line->start.bits, sizeof *line->points);
    if (line->points == NULL) {
        return MB_ERR_MEMORY;
    }
    for (int bits = 1; bits <= line->start.bits; bits++) {
        mb_bits_point *point = &line->points[line->n_points];
        mb_fixed format = line->start;
        format.bits = bits;
        point->bits = bits;
        MB_TRY(judge_format(s, line, format, &point->figure));
        line->n_points++;
    }
    return MB_OK;
}

static mb_status search_line(search *s, mb_bits_line *line) {
    MB_TRY(take_points(s, line));
    line->figure = line->points[line->n_points - 1].figure;
    if (!(line->figure < s->request->limit)) {
        return MB_OK;
    }
    line->chosen = line->start;
    MB_TRY(search_fewest(s, line, false));
    MB_TRY(search_fewest(s, line, true));
    if (s->request->is_joint) {
        *format_of(&s->layers[line->index], line->part) = line->chosen;
    }
    return MB_OK;
}

// Signed, and with so many integer bits that the layer's sums never leave it.
static mb_fixed holding_format(const mb_twin_report *report) {
    const double most = fmax(fabs(report->proven_least), fabs(report->proven_most));
    int integer = 2;
    while (integer < MOST_INTEGER && ldexp(1, integer - 1) <= most) {
        integer++;
    }
    return (mb_fixed){.bits = integer + EXACT_FRACTION, .integer = integer, .is_signed = true};
}

// Whether a layer has such a place, and from where the search starts there.
static bool find_start(const mb_twin_report *report, mb_bits_part part, mb_bits_line *line) {
    const mb_fixed formats[] = {report->weight, report->bias, report->accumulator, report->result};
    const bool has_sums = report->arithmetic[0] != '\0';
    line->start = formats[part];
    line->is_exact = line->start.bits == 0;
    if (line->is_exact && has_sums && part >= MB_BITS_ACCUMULATOR) {
        line->start = holding_format(report);
    }
    return line->start.bits != 0;
}

static mb_status list_lines(search *s) {
    mb_bits_scan *scan = s->scan;
    scan->lines = mb_allocate_zeroed(s->ctx, s->n_layers * MB_BITS_PARTS, sizeof *scan->lines);
    s->layers = mb_allocate(s->ctx, s->n_layers, sizeof *s->layers);
    if (scan->lines == NULL || s->layers == NULL) {
        return MB_ERR_MEMORY;
    }
    memcpy(
        s->layers, mb_twin_program_of(s->request->twin)->layers, s->n_layers * sizeof *s->layers);
    for (size_t i = 0; i < s->n_layers; i++) {
        mb_twin_report report;
        mb_twin_describe(s->request->twin, i, &report);
        for (mb_bits_part part = 0; part < MB_BITS_PARTS; part++) {
            mb_bits_line *line = &scan->lines[scan->n];
            *line = (mb_bits_line){.layer = report.name, .index = i, .part = part};
            scan->n += s->request->parts[part] && find_start(&report, part, line) ? 1 : 0;
        }
    }
    return MB_OK;
}

static mb_status run(search *s) {
    mb_bits_scan *scan = s->scan;
    MB_TRY(list_lines(s));
    MB_TRY(judge(s, &scan->start_figure));
    for (size_t i = 0; i < scan->n; i++) {
        MB_TRY(search_line(s, &scan->lines[i]));
    }
    for (size_t i = 0; i < scan->n; i++) {
        if (scan->lines[i].chosen.bits == 0) {
            continue;
        }
        *format_of(&s->layers[scan->lines[i].index], scan->lines[i].part) = scan->lines[i].chosen;
    }
    return judge(s, &scan->joint_figure);
}

mb_status mb_bits_run(mb_context *ctx, const mb_bits_request *request, mb_bits_scan *out) {
    *out = (mb_bits_scan){.runtime = mb_context_runtime(ctx)};
    search s = {
        .ctx = ctx, .request = request, .scan = out, .n_layers = mb_twin_layers(request->twin)};
    const mb_status status = run(&s);
    mb_release(ctx, s.layers);
    if (status != MB_OK) {
        mb_bits_clear(out);
    }
    return status;
}

void mb_bits_clear(mb_bits_scan *scan) {
    for (size_t i = 0; scan->lines != NULL && i < scan->n; i++) {
        mb_runtime_release(scan->runtime, scan->lines[i].points);
    }
    if (scan->runtime != NULL) {
        mb_runtime_release(scan->runtime, scan->lines);
    }
    *scan = (mb_bits_scan){0};
}
