// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "exchange/shipped.h"

#include <string.h>

static const char prefix[] = "shipped:";

bool mb_shipped_is_path(const char *path) {
    return strncmp(path, prefix, strlen(prefix)) == 0;
}

const mb_shipped_file *mb_shipped_find(const char *path) {
    const char *name = mb_shipped_is_path(path) ? path + strlen(prefix) : path;
    for (size_t i = 0; i < mb_n_shipped_files; i++) {
        if (strcmp(mb_shipped_files[i].name, name) == 0) {
            return &mb_shipped_files[i];
        }
    }
    return NULL;
}
