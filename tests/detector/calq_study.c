// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "calq_study.h"

#include "base/output.h"
#include "files/yaml.h"

#include <math.h>
#include <stdio.h>

static void keep_notice(void *user, mb_notice_level level, const char *where, const char *text) {
    calq_world *world = user;
    const size_t n = strlen(world->notices);
    (void)level;
    snprintf(world->notices + n, sizeof world->notices - n, "%s: %s\n", where, text);
}

void calq_world_open(calq_world *world, unsigned n_threads) {
    mb_runtime_settings settings = MB_RUNTIME_SETTINGS_INIT;
    world->notices[0] = '\0';
    settings.n_threads = n_threads;
    settings.notice = keep_notice;
    settings.notice_user = world;
    assert_int_equal(mb_runtime_create(&settings, &world->runtime), MB_OK);
    assert_int_equal(mb_context_create(world->runtime, &world->ctx), MB_OK);
    world->directory = mb_test_directory();
    assert_ok(world->ctx, mb_make_directory(world->ctx, calq_path(world, "nElinks_5")));
}

void calq_world_close(calq_world *world) {
    mb_context_destroy(world->ctx);
    mb_runtime_destroy(world->runtime);
    mb_test_remove_directory(world->directory);
}

const char *calq_path(const calq_world *world, const char *name) {
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", world->directory, name);
    return path;
}

void calq_assert_notice(calq_world *world, const char *part) {
    if (strstr(world->notices, part) == NULL) {
        fail_msg("no notice with \"%s\" in \"%s\"", part, world->notices);
    }
    world->notices[0] = '\0';
}

void calq_write(calq_world *world, const char *name, const char *text) {
    char path[256];
    snprintf(path, sizeof path, "nElinks_5/%s", name);
    assert_ok(world->ctx, mb_write_file(world->ctx, calq_path(world, path), text, strlen(text)));
}

void calq_write_plain(calq_world *world, const char *name, size_t n, const char *const *extra) {
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

mb_status calq_load(calq_world *world, const char *data, const char *const *compat,
    const mb_part *validation, bool wants_label, mb_dataset *out, mb_buffer *report) {
    const mb_detector_ops *ops = mb_detector_find("concentrator");
    mb_document document;
    mb_compat names = {.names = compat};
    assert_non_null(ops);
    while (compat != NULL && compat[names.n] != NULL) {
        names.n++;
    }
    assert_ok(world->ctx, mb_yaml_parse(world->ctx, "study.yaml", data, strlen(data), &document));
    const mb_detector_request request = {.document = &document,
        .data = document.root,
        .compat = &names,
        .directory = world->directory,
        .seed = 1,
        .validation = validation,
        .wants_label = wants_label};
    const mb_status status = ops->load(world->ctx, &request, out, report);
    mb_document_clear(&document);
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
