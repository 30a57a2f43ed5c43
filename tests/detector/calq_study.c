// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "calq_study.h"

#include "base/output.h"

#include <math.h>
#include <stdio.h>

void calq_world_open(noting_world *world, unsigned n_threads) {
    noting_world_open(world, n_threads);
    assert_ok(world->ctx, mb_make_directory(world->ctx, noting_world_path(world, "nElinks_5")));
}

void calq_write(noting_world *world, const char *name, const char *text) {
    char path[256];
    snprintf(path, sizeof path, "nElinks_5/%s", name);
    assert_ok(
        world->ctx, mb_write_file(world->ctx, noting_world_path(world, path), text, strlen(text)));
}

void calq_write_plain(noting_world *world, const char *name, size_t n, const char *const *extra) {
    mb_buffer text;
    mb_buffer_init(&text, world->ctx);
    for (size_t line = 0; line <= n; line++) {
        for (size_t i = 0; i < MB_CALQ_CELLS; i++) {
            mb_buffer_text(&text, i > 0 ? "," : "");
            if (line == 0) {
                mb_buffer_format(&text, "CALQ_%zu", i);
            } else {
                mb_buffer_format(&text, "%zu", (line - 1) * MB_CALQ_CELLS + i + 1);
            }
        }
        mb_buffer_text(&text, extra != NULL ? extra[line] : "");
        mb_buffer_text(&text, "\n");
    }
    assert_ok(world->ctx, text.status);
    calq_write(world, name, text.data);
    mb_buffer_clear(&text);
}

const char *calq_line(char *out, size_t cell, const char *charge) {
    size_t n = 0;
    for (size_t i = 0; i < MB_CALQ_CELLS; i++) {
        n += (size_t)snprintf(
            out + n, 512 - n, "%s%s", i == cell ? charge : "0", i < 47 ? "," : "\n");
    }
    return out;
}

mb_status calq_load(noting_world *world, const char *data, const char *const *compat,
    const mb_part *validation, bool wants_label, mb_dataset *out, mb_buffer *report) {
    detector_study study;
    detector_study_open(&study, world->ctx, world->directory, data, compat);
    study.request.seed = 1;
    study.request.validation = validation;
    study.request.wants_label = wants_label;
    const mb_status status =
        detector_named("concentrator")->load(world->ctx, &study.request, out, report);
    detector_study_close(&study);
    return status;
}

const float *calq_charges(const mb_dataset *dataset, size_t row) {
    const mb_column *column = mb_dataset_find(dataset, "charges");
    assert_non_null(column);
    return (const float *)column->dense.data + row * MB_CALQ_CELLS;
}

void calq_assert_near(double got, double wanted, double tolerance) {
    if (!(fabs(got - wanted) <= tolerance)) {
        fail_msg("%.9g is not %.9g within %g", got, wanted, tolerance);
    }
}
