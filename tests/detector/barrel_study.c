// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "barrel_study.h"

#include <stdio.h>
#include <zlib.h>

void barrel_study_open(
    detector_study *study, mb_context *ctx, const char *data, const char *directory) {
    detector_study_open(study, ctx, directory, data, NULL);
    study->request.seed = 42;
    study->request.wants_label = false;
}

void barrel_write_bytes(
    const char *directory, const char *name, const void *bytes, size_t length, bool compress) {
    char path[4200];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    // gzopen with T writes as it is.
    gzFile file = gzopen(path, compress ? "wb" : "wbT");
    assert_non_null(file);
    assert_int_equal(gzwrite(file, bytes, (unsigned)length), (int)length);
    assert_int_equal(gzclose(file), Z_OK);
}

void barrel_write(const char *directory, const char *name, const char *text) {
    barrel_write_bytes(directory, name, text, strlen(text), false);
}

mb_status barrel_load(mb_context *ctx, const char *data, const char *directory, mb_dataset *out) {
    detector_study study;
    barrel_study_open(&study, ctx, data, directory);
    const mb_status status = detector_named("barrel")->load(ctx, &study.request, out, NULL);
    detector_study_close(&study);
    return status;
}
