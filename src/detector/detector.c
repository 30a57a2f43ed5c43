// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/detector.h"

bool mb_compat_has(const mb_compat *compat, const char *name) {
    if (compat == NULL || compat->all) {
        return compat != NULL;
    }
    for (size_t i = 0; i < compat->n; i++) {
        if (strcmp(compat->names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

const mb_node *mb_detector_node(const mb_detector_request *request, const char *key) {
    const mb_node *node = mb_node_find(request->data, key);
    return node != NULL ? node : request->data;
}

#define MB_DETECTOR(name) &mb_detector_##name,
const mb_detector_ops *const mb_detector_list[] = {
#include "detector/detector_list.h"
    NULL,
};
#undef MB_DETECTOR

const mb_detector_ops *mb_detector_find(const char *name) {
    for (size_t i = 0; mb_detector_list[i] != NULL; i++) {
        if (strcmp(mb_detector_list[i]->name, name) == 0) {
            return mb_detector_list[i];
        }
    }
    return NULL;
}
