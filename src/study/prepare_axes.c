// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/prepare_axes.h"

#include "base/numbers.h"
#include "files/npy.h"

// Where an array goes: into an HDF5 file, or a folder.
typedef struct axes_sink {
    mb_context *ctx;
    mb_h5_writer *writer; // NULL: a folder
    const char *directory;
} axes_sink;

static mb_status put(const axes_sink *to, const char *path, const mb_array *array) {
    if (to->writer != NULL) {
        return mb_h5_write_array(to->writer, path, array);
    }
    // "/edges/pred" is edges_pred.npy.
    char name[300];
    (void)mb_format(name, sizeof name, "%s.npy", path + 1);
    for (char *at = name; *at != '\0'; at++) {
        *at = *at == '/' ? '_' : *at;
    }
    char *file = mb_path_join(to->ctx, to->directory, name);
    const mb_status status = file == NULL ? MB_ERR_MEMORY : mb_npy_write(to->ctx, file, array);
    mb_release(to->ctx, file);
    return status;
}

// Offsets of one axis, or of several as rows of one table; an axis that is not there is empty.
static mb_status put_offsets(const axes_sink *to, const mb_dataset *dataset, const char *path,
    const char *const *names, size_t n_names) {
    const size_t n = dataset->n_rows + 1;
    mb_array array;
    const size_t shape[2] = {n_names, n};
    MB_TRY(mb_array_init(
        &array, to->ctx, MB_I64, n_names > 1 ? 2 : 1, n_names > 1 ? shape : shape + 1));
    for (size_t i = 0; i < n_names; i++) {
        const mb_dataset_axis *axis = mb_dataset_find_axis(dataset, names[i]);
        for (size_t row = 0; axis != NULL && row < n; row++) {
            ((int64_t *)array.data)[i * n + row] = (int64_t)axis->offset[row];
        }
    }
    const mb_status status = put(to, path, &array);
    mb_array_clear(&array);
    return status;
}

static mb_status put_edges(const axes_sink *to, const mb_dataset *dataset, const char *kind) {
    char name[64];
    char path[64];
    (void)mb_format(name, sizeof name, "edges.%s", kind);
    (void)mb_format(path, sizeof path, "/edges/%s", kind);
    const mb_dataset_axis *axis = mb_dataset_find_axis(dataset, name);
    if (axis == NULL) {
        return MB_OK;
    }
    const size_t shape[2] = {2, mb_dataset_axis_rows(dataset, name)};
    mb_array array;
    MB_TRY(mb_array_init(&array, to->ctx, MB_I32, 2, shape));
    if (shape[1] > 0) {
        memcpy(array.data, axis->source, shape[1] * sizeof *axis->source);
        memcpy((int32_t *)array.data + shape[1], axis->destination,
            shape[1] * sizeof *axis->destination);
    }
    const mb_status status = put(to, path, &array);
    mb_array_clear(&array);
    return status;
}

static mb_status put_axes(const axes_sink *to, const mb_dataset *dataset) {
    static const char *const nodes[] = {"nodes"};
    static const char *const edges[] = {"edges.pred", "edges.loss"};
    static const char *const links[] = {"edges.true"};
    static const char *const kinds[] = {"pred", "loss", "true"};
    MB_TRY(put_offsets(to, dataset, "/node_offset", nodes, MB_COUNT_OF(nodes)));
    MB_TRY(put_offsets(to, dataset, "/edge_offset", edges, MB_COUNT_OF(edges)));
    if (mb_dataset_find_axis(dataset, links[0]) != NULL) {
        MB_TRY(put_offsets(to, dataset, "/true_offset", links, MB_COUNT_OF(links)));
    }
    if (to->writer != NULL) {
        MB_TRY(mb_h5_make_group(to->writer, "/edges"));
    }
    for (size_t i = 0; i < MB_COUNT_OF(kinds); i++) {
        MB_TRY(put_edges(to, dataset, kinds[i]));
    }
    return MB_OK;
}

mb_status mb_prepare_axes_h5(mb_context *ctx, mb_h5_writer *writer, const mb_dataset *dataset) {
    return dataset->n_axes > 0 ? put_axes(&(axes_sink){ctx, writer, NULL}, dataset) : MB_OK;
}

mb_status mb_prepare_axes_npy(mb_context *ctx, const char *directory, const mb_dataset *dataset) {
    return dataset->n_axes > 0 ? put_axes(&(axes_sink){ctx, NULL, directory}, dataset) : MB_OK;
}
