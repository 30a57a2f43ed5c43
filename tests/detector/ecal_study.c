// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "ecal_study.h"

#include "files/hdf5.h"
#include "files/npy.h"
#include "files/yaml.h"

#include <stdio.h>

const char *const ecal_compat_all[] = {"all", NULL};

static void keep_notice(void *user, mb_notice_level level, const char *where, const char *text) {
    ecal_world *world = user;
    const size_t n = strlen(world->notices);
    (void)level;
    snprintf(world->notices + n, sizeof world->notices - n, "%s: %s\n", where, text);
}

void ecal_world_open(ecal_world *world, unsigned n_threads) {
    mb_runtime_settings settings = MB_RUNTIME_SETTINGS_INIT;
    world->notices[0] = '\0';
    settings.n_threads = n_threads;
    settings.notice = keep_notice;
    settings.notice_user = world;
    assert_int_equal(mb_runtime_create(&settings, &world->runtime), MB_OK);
    assert_int_equal(mb_context_create(world->runtime, &world->ctx), MB_OK);
    world->directory = mb_test_directory();
}

void ecal_world_close(ecal_world *world) {
    mb_context_destroy(world->ctx);
    mb_runtime_destroy(world->runtime);
    mb_test_remove_directory(world->directory);
}

const char *ecal_path(const ecal_world *world, const char *name) {
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", world->directory, name);
    return path;
}

void ecal_assert_notice(ecal_world *world, const char *part) {
    if (strstr(world->notices, part) == NULL) {
        fail_msg("no notice with \"%s\" in \"%s\"", part, world->notices);
    }
    world->notices[0] = '\0';
}

const mb_detector_ops *ecal(void) {
    const mb_detector_ops *ops = mb_detector_find("ecal");
    assert_non_null(ops);
    return ops;
}

void ecal_study_open(
    ecal_study *study, const ecal_world *world, const char *data, const char *const *compat) {
    *study = (ecal_study){.compat = {.all = compat == ecal_compat_all}};
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

void ecal_study_close(ecal_study *study) {
    mb_document_clear(&study->document);
}

mb_status ecal_load(ecal_world *world, const char *data, const char *const *compat, mb_dataset *out,
    mb_buffer *report) {
    ecal_study study;
    ecal_study_open(&study, world, data, compat);
    const mb_status status = ecal()->load(world->ctx, &study.request, out, report);
    ecal_study_close(&study);
    return status;
}

void ecal_fill(float *images, size_t n, double code) {
    memset(images, 0, n * MB_ECAL_PIXELS * 2 * sizeof *images);
    for (size_t i = 0; i < n; i++) {
        float *pixel = images + ((i * MB_ECAL_SIDE + 16) * MB_ECAL_SIDE + i % MB_ECAL_SIDE) * 2;
        pixel[0] = (float)((double)(i + 1) / 1000 + code);
        pixel[1] = (float)(code / 100);
    }
}

static bool ends_with(const char *name, const char *suffix) {
    const size_t n = strlen(name);
    return n > strlen(suffix) && strcmp(name + n - strlen(suffix), suffix) == 0;
}

static void write_npy(ecal_world *world, const char *name, const mb_array *x, const mb_array *y) {
    char labels[256];
    assert_ok(world->ctx, mb_npy_write(world->ctx, ecal_path(world, name), x));
    if (y->data != NULL) {
        snprintf(labels, sizeof labels, "%.*s_y.npy", (int)strlen(name) - 4, name);
        assert_ok(world->ctx, mb_npy_write(world->ctx, ecal_path(world, labels), y));
    }
}

void ecal_write(
    ecal_world *world, const char *name, const float *images, size_t n, const float *labels) {
    mb_context *ctx = world->ctx;
    const mb_array x = {.dtype = MB_F32,
        .rank = 4,
        .shape = {n, MB_ECAL_SIDE, MB_ECAL_SIDE, 2},
        .data = (void *)(uintptr_t)images};
    const mb_array y = {
        .dtype = MB_F32, .rank = 1, .shape = {n}, .data = (void *)(uintptr_t)labels};
    if (ends_with(name, ".npy")) {
        write_npy(world, name, &x, &y);
    } else if (ends_with(name, ".npz")) {
        const mb_array *arrays[] = {&x, &y};
        const char *names[] = {"X", "y"};
        assert_ok(ctx,
            mb_npz_write(ctx, ecal_path(world, name), names, arrays, labels != NULL ? 2 : 1, true));
    } else {
        mb_h5_writer *writer;
        assert_ok(ctx, mb_h5_create(ctx, ecal_path(world, name), MB_H5_IN_MEMORY, &writer));
        assert_ok(ctx, mb_h5_write_array(writer, "/X", &x));
        if (labels != NULL) {
            assert_ok(ctx, mb_h5_write_array(writer, "/y", &y));
        }
        assert_ok(ctx, mb_h5_commit(writer));
    }
}

void ecal_write_both(ecal_world *world, size_t n) {
    float *images = mb_allocate(world->ctx, n * MB_ECAL_PIXELS * 2, sizeof *images);
    float *labels = mb_allocate_zeroed(world->ctx, n, sizeof *labels);
    ecal_fill(images, n, 1);
    ecal_write(world, "photons.h5", images, n, labels);
    ecal_fill(images, n, 2);
    for (size_t i = 0; i < n; i++) {
        labels[i] = 1;
    }
    ecal_write(world, "electrons.h5", images, n, labels);
    mb_release(world->ctx, images);
    mb_release(world->ctx, labels);
}
