// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "barrel_study.h"

#include "files/yaml.h"

#include <stdio.h>
#include <zlib.h>

const mb_detector_ops *barrel(void) {
    const mb_detector_ops *ops = mb_detector_find("barrel");
    assert_non_null(ops);
    return ops;
}

void barrel_study_open(
    barrel_study *study, mb_context *ctx, const char *data, const char *directory) {
    *study = (barrel_study){.ctx = ctx};
    assert_ok(ctx, mb_yaml_parse(ctx, "study.yaml", data, strlen(data), &study->document));
    study->request = (mb_detector_request){
        .document = &study->document,
        .data = study->document.root,
        .compat = &study->compat,
        .directory = directory,
        .seed = 42,
    };
}

void barrel_study_close(barrel_study *study) {
    mb_document_clear(&study->document);
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
    barrel_study study;
    barrel_study_open(&study, ctx, data, directory);
    const mb_status status = barrel()->load(ctx, &study.request, out, NULL);
    barrel_study_close(&study);
    return status;
}
