// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/numbers.h"
#include "detector/concentrator/settings.h"
#include "study/module_models.h"

// Columns image_ARRANGEMENT of a dataset of modules: models of one run take different ones.

static const char prefix[] = "image_";
static const char duplicates[] = "_dup";

// The arrangement in a column's name; NULL: it is none of these columns.
static const mb_arrangement *find_arrangement(const char *column, bool *with_duplicates) {
    const size_t begin = strlen(prefix);
    const size_t length = strlen(column);
    const size_t end = strlen(duplicates);
    char name[32];
    *with_duplicates = length > end && strcmp(column + length - end, duplicates) == 0;
    const size_t rest = length - (*with_duplicates ? end : 0);
    if (strncmp(column, prefix, begin) != 0 || rest <= begin || rest - begin >= sizeof name) {
        return NULL;
    }
    memcpy(name, column + begin, rest - begin);
    name[rest - begin] = '\0';
    return mb_arrangement_find(name);
}

static mb_calq_normalise normalise_of(const mb_study *study) {
    static const char *const names[] = {"power2", "max", "sum"};
    const char *text = mb_node_text(mb_node_find(study->data, "normalise"));
    for (size_t i = 0; text != NULL && i < MB_COUNT_OF(names); i++) {
        if (strcmp(names[i], text) == 0) {
            return (mb_calq_normalise)i;
        }
    }
    return MB_CALQ_POWER2;
}

mb_status mb_module_add_images(mb_context *ctx, const mb_study *study, mb_dataset *dataset) {
    for (size_t i = 0; i < study->n_fits && study->detector == &mb_detector_concentrator; i++) {
        const char *column = study->fits[i].target;
        bool with_duplicates = false;
        const mb_arrangement *arrangement =
            column != NULL ? find_arrangement(column, &with_duplicates) : NULL;
        if (arrangement != NULL && mb_dataset_find(dataset, column) == NULL) {
            MB_TRY(mb_concentrator_image_add(ctx, dataset, column, MB_ROLE_INPUT, arrangement,
                normalise_of(study), with_duplicates));
        }
    }
    return MB_OK;
}

mb_status mb_module_add_shapes(mb_context *ctx, mb_dataset *dataset) {
    MB_TRY(mb_dataset_set_rows(dataset, ctx, 0));
    for (size_t i = 0; mb_arrangements[i] != NULL; i++) {
        const mb_arrangement *a = mb_arrangements[i];
        for (size_t k = 0; k < 2; k++) {
            char name[32];
            mb_column *column = NULL;
            mb_format(name, sizeof name, "%s%s%s", prefix, a->name, k > 0 ? duplicates : "");
            MB_TRY(mb_dataset_add_column(dataset, ctx, name, MB_ROLE_INPUT, &column));
            column->rank = a->rank;
            memcpy(column->shape, a->shape, a->rank * sizeof *a->shape);
            column->size = a->n_pixels;
        }
    }
    return MB_OK;
}
