// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tracks_study.h"

#include "base/output.h"
#include "files/yaml.h"

#include <stdio.h>

const char *const tracks_compat_all[] = {"all", NULL};

static void keep_notice(void *user, mb_notice_level level, const char *where, const char *text) {
    tracks_world *world = user;
    const size_t n = strlen(world->notices);
    (void)level;
    snprintf(world->notices + n, sizeof world->notices - n, "%s: %s\n", where, text);
}

void tracks_world_open(tracks_world *world, unsigned n_threads) {
    mb_runtime_settings settings = MB_RUNTIME_SETTINGS_INIT;
    world->notices[0] = '\0';
    settings.n_threads = n_threads;
    settings.notice = keep_notice;
    settings.notice_user = world;
    assert_int_equal(mb_runtime_create(&settings, &world->runtime), MB_OK);
    assert_int_equal(mb_context_create(world->runtime, &world->ctx), MB_OK);
    world->directory = mb_test_directory();
}

void tracks_world_close(tracks_world *world) {
    mb_context_destroy(world->ctx);
    mb_runtime_destroy(world->runtime);
    mb_test_remove_directory(world->directory);
}

const char *tracks_path(const tracks_world *world, const char *name) {
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", world->directory, name);
    return path;
}

void tracks_assert_notice(tracks_world *world, const char *part) {
    if (strstr(world->notices, part) == NULL) {
        fail_msg("no notice with \"%s\" in \"%s\"", part, world->notices);
    }
    world->notices[0] = '\0';
}

const mb_detector_ops *tracks(void) {
    const mb_detector_ops *ops = mb_detector_find("tracks");
    assert_non_null(ops);
    return ops;
}

void tracks_study_open(
    tracks_study *study, const tracks_world *world, const char *data, const char *const *compat) {
    *study = (tracks_study){.compat = {.all = compat == tracks_compat_all}};
    if (compat != NULL && !study->compat.all) {
        study->compat.names = compat;
        while (compat[study->compat.n] != NULL) {
            study->compat.n++;
        }
    }
    mb_context *ctx = world->ctx;
    assert_ok(ctx, mb_yaml_parse(ctx, "study.yaml", data, strlen(data), &study->document));
    study->request = (mb_detector_request){
        .document = &study->document,
        .data = study->document.root,
        .compat = &study->compat,
        .directory = world->directory,
        .seed = 7,
        .wants_label = true,
    };
}

void tracks_study_close(tracks_study *study) {
    mb_document_clear(&study->document);
}

mb_status tracks_load(tracks_world *world, const char *data, const char *const *compat,
    mb_dataset *out, mb_buffer *report) {
    tracks_study study;
    tracks_study_open(&study, world, data, compat);
    const mb_status status = tracks()->load(world->ctx, &study.request, out, report);
    tracks_study_close(&study);
    return status;
}

void tracks_write(tracks_world *world, const char *name, const void *bytes, size_t length) {
    assert_ok(world->ctx, mb_write_file(world->ctx, tracks_path(world, name), bytes, length));
}
