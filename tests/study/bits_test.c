// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/bits.h"

#include "testing.h"

#include <math.h>

// A scan over bits against every format tried one by one.

enum { IN = 6, HIDDEN = 4, EVENTS = 200 };

typedef struct scene {
    mb_test_world base;
    mb_twin *twin;
    uint16_t events[EVENTS * IN];
    double reference[EVENTS];
} scene;

static void make_twin(mb_context *ctx, mb_twin **out) {
    float first[IN * HIDDEN];
    float second[HIDDEN];
    for (size_t i = 0; i < IN * HIDDEN; i++) {
        first[i] = (float)((int)(i * 11 % 15) - 7) / 8;
    }
    for (size_t i = 0; i < HIDDEN; i++) {
        second[i] = (float)((int)(i * 5 % 7) - 2) / 4;
    }
    const mb_twin_layer layers[] = {
        {.kind = "dense",
            .name = "a",
            .units = HIDDEN,
            .weights = first,
            .weight = {.bits = 4, .integer = 1, .is_signed = true},
            .accumulator = {.bits = 16, .integer = 12, .is_signed = true},
            .result = {.bits = 14, .integer = 11, .is_signed = true}},
        {.kind = "relu",
            .name = "a",
            .result = {.bits = 10,
                .integer = 8,
                .rounding = MB_FIXED_ROUND_EVEN,
                .overflow = MB_FIXED_SATURATE}},
        {.kind = "dense",
            .name = "b",
            .units = 1,
            .weights = second,
            .weight = {.bits = 4, .integer = 2, .is_signed = true}},
    };
    const mb_twin_program program = {.input = {.rank = 1, .dim = {IN}},
        .input_format = {.bits = 10, .integer = 10},
        .layers = layers,
        .n_layers = MB_COUNT_OF(layers)};
    assert_ok(ctx, mb_twin_create(ctx, &program, NULL, 0, out));
}

static mb_status largest_error(void *user, mb_context *ctx, const mb_twin *twin, double *out) {
    const scene *s = user;
    float score[EVENTS];
    const mb_twin_rows rows = {.u16 = s->events};
    MB_TRY(mb_twin_predict(ctx, twin, &rows, EVENTS, NULL, score));
    *out = 0;
    for (size_t i = 0; i < EVENTS; i++) {
        *out = fmax(*out, fabs((double)score[i] - s->reference[i]));
    }
    return MB_OK;
}

static void open_scene(scene *s) {
    mb_test_world_open(&s->base, 2, MB_CPU_ALL);
    make_twin(s->base.ctx, &s->twin);
    for (size_t i = 0; i < EVENTS * IN; i++) {
        s->events[i] = (uint16_t)(i * 7919 % (i % 3 == 0 ? 300 : 20));
    }
    float score[EVENTS];
    const mb_twin_rows rows = {.u16 = s->events};
    assert_ok(s->base.ctx, mb_twin_predict(s->base.ctx, s->twin, &rows, EVENTS, NULL, score));
    for (size_t i = 0; i < EVENTS; i++) {
        s->reference[i] = (double)score[i];
    }
}

static void close_scene(scene *s) {
    mb_twin_destroy(s->twin);
    mb_test_world_close(&s->base);
}

static mb_bits_request request_of(scene *s, double limit, bool is_joint) {
    return (mb_bits_request){.twin = s->twin,
        .parts = {[MB_BITS_WEIGHT] = true, [MB_BITS_ACCUMULATOR] = true, [MB_BITS_RESULT] = true},
        .figure = largest_error,
        .user = s,
        .limit = limit,
        .is_joint = is_joint};
}

// The figure with some formats at their places.
static double figure_with(scene *s, const mb_bits_line *lines, const mb_fixed *formats, size_t n) {
    mb_twin_layer layers[3];
    mb_twin_program program = *mb_twin_program_of(s->twin);
    mb_twin *twin = NULL;
    double figure = 0;
    memcpy(layers, program.layers, sizeof layers);
    program.layers = layers;
    for (size_t i = 0; i < n; i++) {
        mb_twin_layer *layer = &layers[lines[i].index];
        *(lines[i].part == MB_BITS_WEIGHT          ? &layer->weight
            : lines[i].part == MB_BITS_ACCUMULATOR ? &layer->accumulator
                                                   : &layer->result) = formats[i];
    }
    assert_ok(s->base.ctx, mb_twin_create(s->base.ctx, &program, NULL, 0, &twin));
    assert_ok(s->base.ctx, largest_error(s, s->base.ctx, twin, &figure));
    mb_twin_destroy(twin);
    return figure;
}

static void test_bits__are_the_fewest_within_the_limit(void **state) {
    (void)state;
    scene s = {.twin = NULL};
    mb_bits_scan scan;
    open_scene(&s);
    const mb_bits_request request = request_of(&s, 6, false);
    assert_ok(s.base.ctx, mb_bits_run(s.base.ctx, &request, &scan));
    assert_true(scan.start_figure == 0);
    // Weights, accumulators and results of two dense layers, the result of the rectifier.
    assert_int_equal(scan.n, 7);
    for (size_t i = 0; i < scan.n; i++) {
        const mb_bits_line *line = &scan.lines[i];
        const bool is_last = line->index == 2;
        assert_true(line->is_exact == (is_last && line->part != MB_BITS_WEIGHT));
        assert_int_equal(line->n_points, line->start.bits);
        assert_true(line->figure < 6 && line->chosen.bits > 0);
        assert_true(line->figure == figure_with(&s, line, &line->chosen, 1));
        for (size_t k = 0; k < line->n_points; k++) {
            mb_fixed format = line->start;
            format.bits = line->points[k].bits;
            assert_int_equal(format.bits, k + 1);
            assert_true(line->points[k].figure == figure_with(&s, line, &format, 1));
        }
        // One bit fewer of either kind is too few.
        mb_fixed coarser = line->chosen;
        mb_fixed smaller = line->chosen;
        smaller.bits--;
        smaller.integer--;
        coarser.integer = line->start.integer;
        coarser.bits = coarser.integer + line->chosen.bits - line->chosen.integer - 1;
        assert_true(coarser.bits < 1 || figure_with(&s, line, &coarser, 1) >= 6);
        assert_true(smaller.bits < 1 || figure_with(&s, line, &smaller, 1) >= 6);
    }
    mb_bits_clear(&scan);
    close_scene(&s);
}

static void test_bits__found_together_keep_the_limit(void **state) {
    (void)state;
    scene s = {.twin = NULL};
    mb_bits_scan scans[2];
    mb_fixed formats[8];
    open_scene(&s);
    for (size_t k = 0; k < 2; k++) {
        const mb_bits_request request = request_of(&s, 6, k == 1);
        assert_ok(s.base.ctx, mb_bits_run(s.base.ctx, &request, &scans[k]));
        for (size_t i = 0; i < scans[k].n; i++) {
            formats[i] = scans[k].lines[i].chosen;
        }
        assert_true(scans[k].joint_figure == figure_with(&s, scans[k].lines, formats, scans[k].n));
    }
    assert_true(scans[1].joint_figure < 6);
    assert_true(scans[0].joint_figure >= 6);
    mb_bits_clear(&scans[0]);
    mb_bits_clear(&scans[1]);
    close_scene(&s);
}

// A limit that not even the formats as they are keep leaves them.
static void test_bits__tells_where_none_is_good_enough(void **state) {
    (void)state;
    scene s = {.twin = NULL};
    mb_bits_scan scan;
    open_scene(&s);
    for (size_t i = 0; i < EVENTS; i++) {
        s.reference[i] += 10;
    }
    const mb_bits_request request = request_of(&s, 6, false);
    assert_ok(s.base.ctx, mb_bits_run(s.base.ctx, &request, &scan));
    assert_true(scan.start_figure == 10 && scan.joint_figure == 10);
    for (size_t i = 0; i < scan.n; i++) {
        assert_int_equal(scan.lines[i].chosen.bits, 0);
        assert_true(scan.lines[i].figure >= 6);
    }
    mb_bits_clear(&scan);
    close_scene(&s);
}

static mb_status scan_once(void *user, mb_context *ctx) {
    const mb_bits_request *request = user;
    mb_bits_scan scan;
    const mb_status status = mb_bits_run(ctx, request, &scan);
    mb_bits_clear(&scan);
    return status;
}

static mb_status count_layers(void *user, mb_context *ctx, const mb_twin *twin, double *out) {
    (void)user;
    (void)ctx;
    *out = (double)mb_twin_layers(twin);
    return MB_OK;
}

static void test_bits__survive_lack_of_memory(void **state) {
    (void)state;
    scene s = {.twin = NULL};
    open_scene(&s);
    mb_bits_request request = request_of(&s, 4, true);
    // Two places, so that the calls stay few.
    request.parts[MB_BITS_ACCUMULATOR] = request.parts[MB_BITS_RESULT] = false;
    request.figure = count_layers;
    assert_true(mb_test_each_lack_of_memory(scan_once, &request) > 10);
    close_scene(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bits__are_the_fewest_within_the_limit),
        cmocka_unit_test(test_bits__found_together_keep_the_limit),
        cmocka_unit_test(test_bits__tells_where_none_is_good_enough),
        cmocka_unit_test(test_bits__survive_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
