// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "minbias/study.h"

#include "detector/detector.h"
#include "study/shipped_text.h"

// The texts of studies/*.yaml, put into the library when it is built, so that `new` works wherever
// the program is.

const char *mb_shipped_study_name(size_t index) {
    return index < mb_n_shipped_texts ? mb_shipped_texts[index].name : NULL;
}

const char *mb_shipped_study_text(const char *name) {
    // A detector's name stands for its study.
    const mb_detector_ops *detector = mb_detector_find(name);
    if (detector != NULL && detector->study != NULL) {
        name = detector->study;
    }
    for (size_t i = 0; i < mb_n_shipped_texts; i++) {
        if (strcmp(mb_shipped_texts[i].name, name) == 0) {
            return mb_shipped_texts[i].text;
        }
    }
    return NULL;
}

const char *mb_shipped_study_help(size_t index) {
    const char *name = mb_shipped_study_name(index);
    for (size_t i = 0; name != NULL && mb_detector_list[i] != NULL; i++) {
        const char *study = mb_detector_list[i]->study;
        if (study != NULL && strcmp(name, study) == 0) {
            return mb_detector_list[i]->help;
        }
    }
    return name != NULL ? mb_shipped_texts[index].help : NULL;
}
