// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tracks_study.h"

#include "base/output.h"

mb_status tracks_load(noting_world *world, const char *data, const char *const *compat,
    mb_dataset *out, mb_buffer *report) {
    detector_study study;
    detector_study_open(&study, world->ctx, world->directory, data, compat);
    const mb_status status =
        detector_named("tracks")->load(world->ctx, &study.request, out, report);
    detector_study_close(&study);
    return status;
}

void tracks_write(noting_world *world, const char *name, const void *bytes, size_t length) {
    assert_ok(world->ctx, mb_write_file(world->ctx, noting_world_path(world, name), bytes, length));
}
