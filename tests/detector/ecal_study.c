// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "ecal_study.h"

#include "base/output.h"
#include "files/hdf5.h"
#include "files/npy.h"

#include <stdio.h>

mb_status ecal_load(noting_world *world, const char *data, const char *const *compat,
    mb_dataset *out, mb_buffer *report) {
    detector_study study;
    detector_study_open(&study, world->ctx, world->directory, data, compat);
    const mb_status status = detector_named("ecal")->load(world->ctx, &study.request, out, report);
    detector_study_close(&study);
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

static void write_npy(noting_world *world, const char *name, const mb_array *x, const mb_array *y) {
    char labels[256];
    assert_ok(world->ctx, mb_npy_write(world->ctx, noting_world_path(world, name), x));
    if (y->data != NULL) {
        snprintf(labels, sizeof labels, "%.*s_y.npy", (int)strlen(name) - 4, name);
        assert_ok(world->ctx, mb_npy_write(world->ctx, noting_world_path(world, labels), y));
    }
}

void ecal_write(
    noting_world *world, const char *name, const float *images, size_t n, const float *labels) {
    mb_context *ctx = world->ctx;
    const mb_array x = {.dtype = MB_F32,
        .rank = 4,
        .shape = {n, MB_ECAL_SIDE, MB_ECAL_SIDE, 2},
        .data = (void *)(uintptr_t)images};
    const mb_array y = {
        .dtype = MB_F32, .rank = 1, .shape = {n}, .data = (void *)(uintptr_t)labels};
    if (mb_path_has_suffix(name, ".npy")) {
        write_npy(world, name, &x, &y);
    } else if (mb_path_has_suffix(name, ".npz")) {
        const mb_array *arrays[] = {&x, &y};
        const char *names[] = {"X", "y"};
        assert_ok(ctx, mb_npz_write(ctx, noting_world_path(world, name), names, arrays,
                           labels != NULL ? 2 : 1, true));
    } else {
        mb_h5_writer *writer;
        assert_ok(ctx, mb_h5_create(ctx, noting_world_path(world, name), MB_H5_IN_MEMORY, &writer));
        assert_ok(ctx, mb_h5_write_array(writer, "/X", &x));
        if (labels != NULL) {
            assert_ok(ctx, mb_h5_write_array(writer, "/y", &y));
        }
        assert_ok(ctx, mb_h5_commit(writer));
    }
}

void ecal_write_both(noting_world *world, size_t n) {
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
