// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector_study.h"

#include "files/yaml.h"

const char *const compat_all[] = {"all", NULL};

void detector_study_open(detector_study *study, mb_context *ctx, const char *directory,
    const char *data, const char *const *compat) {
    *study = (detector_study){.compat = {.all = compat == compat_all}};
    if (compat != NULL && !study->compat.all) {
        study->compat.names = compat;
        while (compat[study->compat.n] != NULL) {
            study->compat.n++;
        }
    }
    assert_ok(ctx, mb_yaml_parse(ctx, "study.yaml", data, strlen(data), &study->document));
    study->request = (mb_detector_request){
        .document = &study->document,
        .data = study->document.root,
        .compat = &study->compat,
        .directory = directory,
        .seed = 7,
        .wants_label = true,
    };
}

void detector_study_close(detector_study *study) {
    mb_document_clear(&study->document);
}

const mb_detector_ops *detector_named(const char *name) {
    const mb_detector_ops *ops = mb_detector_find(name);
    assert_non_null(ops);
    return ops;
}
