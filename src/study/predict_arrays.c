// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/predict_arrays.h"

#include "minbias/inspect.h"

#include "base/output.h"
#include "files/arrays.h"
#include "files/hdf5.h"
#include "files/npy.h"
#include "study/answer.h"
#include "study/predict_graphs.h"
#include "study/study.h"

#include <math.h>

// `predict MODEL INPUT -o OUTPUT`: arrays in, arrays out.

static bool is_h5(const char *path) {
    return mb_path_has_suffix(path, ".h5") || mb_path_has_suffix(path, ".hdf5") ||
           mb_path_has_suffix(path, ".hdf");
}

// The array for a model input: by name, in an .h5 also below /inputs; the only array for an only
// input.
static mb_status find_array(mb_context *ctx, const char *path, const mb_arrays_list *list,
    const mb_model *model, size_t input, const mb_arrays_entry **out) {
    const char *name = mb_model_input_name(model, input);
    for (size_t i = 0; i < list->n; i++) {
        const char *entry = list->entry[i].name;
        const char *bare = entry[0] == '/' ? entry + 1 : entry;
        if (strcmp(bare, name) == 0 ||
            (strncmp(bare, "inputs/", 7) == 0 && strcmp(bare + 7, name) == 0)) {
            *out = &list->entry[i];
            return MB_OK;
        }
    }
    if (model->n_inputs == 1 && list->n == 1) {
        *out = &list->entry[0];
        return MB_OK;
    }
    char names[256];
    size_t used = 0;
    names[0] = '\0';
    for (size_t i = 0; i < list->n && used + 70 < sizeof names; i++) {
        used += (size_t)mb_format(
            names + used, sizeof names - used, "%s%.60s", i > 0 ? ", " : "", list->entry[i].name);
    }
    return mb_fail(ctx, MB_ERR_FORMAT,
        "%s: has no array for the model's input '%s'; it holds %s; name one like the input", path,
        name, list->n > 0 ? names : "nothing");
}

// Whether the rows have the model's shape, but for axes of length 1 at the end, which prepared
// files leave out.
static bool has_shape_of(const mb_array *array, const mb_value_type *type) {
    size_t rank = array->rank;
    size_t wanted = type->rank;
    while (rank > 1 && array->shape[rank - 1] == 1) {
        rank--;
    }
    while (wanted > 0 && type->dim[wanted - 1] == 1) {
        wanted--;
    }
    return rank == wanted + 1 &&
           memcmp(array->shape + 1, type->dim, wanted * sizeof *type->dim) == 0;
}

// Messages would carry what is no number over to the neighbours, and on from there.
static mb_status check_nodes(mb_context *ctx, const mb_dataset *dataset, const char *path,
    const char *name, const char *axis, const mb_array *array) {
    const uint64_t *offset = mb_dataset_find_axis(dataset, axis)->offset;
    const size_t n = mb_array_count(array);
    const size_t width = n / mb_max_size(array->shape[0], 1);
    size_t graph = 0;
    for (size_t i = 0; i < n; i++) {
        const double value = mb_array_get(array, i);
        if (!isfinite(value)) {
            while (i / width >= offset[graph + 1]) {
                graph++;
            }
            return mb_fail(ctx, MB_ERR_RANGE,
                "%s: %s: graph %zu, row %zu of its %s, column %zu is %g; correct it or leave the "
                "graph out",
                path, name, graph, i / width - (size_t)offset[graph], axis, i % width, value);
        }
    }
    return MB_OK;
}

static mb_status add_column(mb_context *ctx, mb_dataset *dataset, const mb_model *model,
    size_t input, mb_array *array, const char *path) {
    const mb_value_type *type = &model->values[model->inputs[input]].type;
    const size_t size = mb_value_size(type);
    const size_t n_rows = array->rank > 0 ? array->shape[0] : 0;
    if (array->rank == 0 || !has_shape_of(array, type)) {
        char has[128];
        char wanted[128];
        return mb_fail(ctx, MB_ERR_SHAPE,
            "%s: the array for input '%s' has shape %s but the model takes %s an event; reshape it",
            path, mb_model_input_name(model, input), mb_array_shape_text(array, has, sizeof has),
            mb_value_text(type, wanted, sizeof wanted));
    }
    const char *axis = type->axis != MB_AXIS_EVENTS ? model->axes[type->axis].name : NULL;
    if (input == 0 && model->n_axes == 1) {
        MB_TRY(mb_dataset_set_rows(dataset, ctx, n_rows));
    } else if (axis != NULL && n_rows != mb_dataset_axis_rows(dataset, axis)) {
        return mb_fail(ctx, MB_ERR_SHAPE,
            "%s: the array for input '%s' has %zu rows, but the events have %zu %s; make it anew",
            path, mb_model_input_name(model, input), n_rows, mb_dataset_axis_rows(dataset, axis),
            axis);
    } else if (axis == NULL && n_rows != dataset->n_rows) {
        return mb_fail(ctx, MB_ERR_SHAPE,
            "%s: inputs '%s' and '%s' have %zu and %zu events; give arrays of equal length", path,
            mb_model_input_name(model, 0), mb_model_input_name(model, input), dataset->n_rows,
            n_rows);
    }
    if (axis != NULL) {
        MB_TRY(check_nodes(ctx, dataset, path, mb_model_input_name(model, input), axis, array));
    }
    mb_column *column = NULL;
    MB_TRY(mb_dataset_add_column(
        dataset, ctx, mb_model_input_name(model, input), MB_ROLE_INPUT, &column));
    column->axis = axis;
    column->kind = MB_COLUMN_DENSE;
    column->dtype = array->dtype;
    column->rank = type->rank;
    memcpy(column->shape, type->dim, type->rank * sizeof *type->dim);
    column->size = size;
    column->dense = *array;
    *array = (mb_array){0};
    return MB_OK;
}

static mb_status read_inputs(
    mb_context *ctx, const mb_model *model, const char *path, mb_dataset *dataset) {
    if (!mb_arrays_is_path(path)) {
        return mb_fail(ctx, MB_ERR_UNSUPPORTED,
            "%s: is no file of arrays; give .npy, .npz or .h5, or predict with a run's folder",
            path);
    }
    if (mb_path_has_suffix(path, ".npy") && model->n_axes > 1) {
        return mb_fail(ctx, MB_ERR_SHAPE,
            "%s: holds one array, but the model works with graphs; give what prepare wrote", path);
    }
    if (mb_path_has_suffix(path, ".npy") && model->n_inputs > 1) {
        return mb_fail(ctx, MB_ERR_SHAPE,
            "%s: holds one array but the model has %zu inputs; give an .npz or .h5 with one array "
            "for each",
            path, model->n_inputs);
    }
    mb_arrays_list list = {0};
    mb_status status = mb_arrays_list_read(&list, ctx, path);
    if (status == MB_OK && model->n_axes > 1) {
        status = mb_predict_read_axes(ctx, model, path, dataset);
    }
    for (size_t i = 0; i < model->n_inputs && status == MB_OK; i++) {
        const mb_arrays_entry *entry = NULL;
        mb_array array = {0};
        status = find_array(ctx, path, &list, model, i, &entry);
        if (status == MB_OK) {
            status = mb_arrays_read(ctx, path, entry->name, &array);
        }
        if (status == MB_OK) {
            status = add_column(ctx, dataset, model, i, &array, path);
        }
        mb_array_clear(&array);
    }
    mb_arrays_list_clear(&list);
    return status;
}

static mb_status write_h5(
    mb_context *ctx, const char *path, const char *const *names, const mb_array *arrays, size_t n) {
    mb_h5_writer *writer = NULL;
    MB_TRY(mb_h5_create(ctx, path, MB_H5_IN_MEMORY, &writer));
    mb_status status = MB_OK;
    for (size_t i = 0; i < n && status == MB_OK; i++) {
        char name[512];
        mb_format(name, sizeof name, "/%s", names[i]);
        status = mb_h5_write_array(writer, name, &arrays[i]);
    }
    if (status != MB_OK) {
        mb_h5_abandon(writer);
        return status;
    }
    return mb_h5_commit(writer);
}

static mb_status write_outputs(
    mb_context *ctx, const mb_model *model, const char *path, const mb_array *arrays) {
    const size_t n = model->n_outputs;
    const char **names = mb_allocate(ctx, n, sizeof *names);
    const mb_array **pointers = mb_allocate(ctx, n, sizeof *pointers);
    mb_status status = names == NULL || pointers == NULL ? MB_ERR_MEMORY : MB_OK;
    for (size_t i = 0; i < n && status == MB_OK; i++) {
        names[i] = mb_model_output_name(model, i);
        pointers[i] = &arrays[i];
    }
    if (status == MB_OK) {
        status = mb_path_has_suffix(path, ".npy") ? mb_npy_write(ctx, path, &arrays[0])
                 : is_h5(path)                    ? write_h5(ctx, path, names, arrays, n)
                               : mb_npz_write(ctx, path, names, pointers, n, false);
    }
    mb_release(ctx, names);
    mb_release(ctx, pointers);
    return status;
}

static mb_status check_output(
    mb_context *ctx, const mb_model *model, const char *path, bool is_forced) {
    if (!mb_path_has_suffix(path, ".npy") && !mb_path_has_suffix(path, ".npz") && !is_h5(path)) {
        return mb_fail(
            ctx, MB_ERR_ARG, "%s: the suffix says no format; write .npy, .npz or .h5", path);
    }
    if (mb_path_has_suffix(path, ".npy") && model->n_outputs > 1) {
        return mb_fail(ctx, MB_ERR_SHAPE,
            "%s: holds one array but the model has %zu outputs; write .npz or .h5", path,
            model->n_outputs);
    }
    return mb_check_absent(ctx, path, is_forced);
}

static mb_status make_outputs(mb_context *ctx, const mb_model *model, const mb_dataset *dataset,
    mb_array *arrays, float **pointers) {
    for (size_t i = 0; i < model->n_outputs; i++) {
        const mb_value_type *type = &model->values[model->outputs[i]].type;
        const char *axis = type->axis != MB_AXIS_EVENTS ? model->axes[type->axis].name : NULL;
        size_t shape[MB_MAX_RANK] = {mb_dataset_axis_rows(dataset, axis)};
        memcpy(shape + 1, type->dim, type->rank * sizeof *type->dim);
        MB_TRY(mb_array_init(&arrays[i], ctx, MB_F32, type->rank + 1, shape));
        pointers[i] = arrays[i].data;
    }
    return MB_OK;
}

// Most often it is the inputs that are no numbers.
static void warn_of_bad(mb_context *ctx, const char *name, const mb_array *array) {
    const size_t n = mb_array_count(array);
    const size_t n_rows = array->shape[0];
    const size_t width = n / mb_max_size(n_rows, 1);
    const float *values = array->data;
    size_t n_bad = 0;
    size_t first = 0;
    for (size_t i = 0; i < n_rows; i++) {
        bool is_bad = false;
        for (size_t k = 0; k < width && !is_bad; k++) {
            is_bad = !isfinite(values[i * width + k]);
        }
        first = is_bad && n_bad == 0 ? i : first;
        n_bad += is_bad;
    }
    if (n_bad > 0) {
        mb_notice(ctx, MB_NOTICE_WARNING, name,
            "%zu of %zu rows hold NaN or infinity, the first is row %zu; look for such inputs",
            n_bad, n_rows, first);
    }
}

static mb_status predict(mb_context *ctx, const mb_model *model, const mb_dataset *dataset,
    const char *output, mb_answer *answer) {
    mb_array *arrays = mb_allocate_zeroed(ctx, model->n_outputs, sizeof *arrays);
    float **pointers = mb_allocate(ctx, model->n_outputs, sizeof *pointers);
    uint32_t *rows = mb_allocate(ctx, dataset->n_rows, sizeof *rows);
    mb_status status = arrays == NULL || pointers == NULL || rows == NULL ? MB_ERR_MEMORY : MB_OK;
    if (status == MB_OK) {
        status = make_outputs(ctx, model, dataset, arrays, pointers);
    }
    if (status == MB_OK) {
        for (size_t i = 0; i < dataset->n_rows; i++) {
            rows[i] = (uint32_t)i;
        }
        status = mb_predict_dataset(
            ctx, model, model->parameters, dataset, rows, dataset->n_rows, pointers);
    }
    if (status == MB_OK) {
        status = write_outputs(ctx, model, output, arrays);
    }
    mb_node *list = mb_answer_put_map(answer, NULL, "outputs");
    for (size_t i = 0; i < model->n_outputs && status == MB_OK; i++) {
        char shape[128];
        warn_of_bad(ctx, mb_model_output_name(model, i), &arrays[i]);
        mb_array_shape_text(&arrays[i], shape, sizeof shape);
        mb_answer_put_text(answer, list, mb_model_output_name(model, i), shape);
        mb_answer_line(answer, "%s: %s %s", output, mb_model_output_name(model, i), shape);
    }
    for (size_t i = 0; arrays != NULL && i < model->n_outputs; i++) {
        mb_array_clear(&arrays[i]);
    }
    mb_release(ctx, arrays);
    mb_release(ctx, pointers);
    mb_release(ctx, rows);
    return status;
}

mb_status mb_predict_to_arrays(mb_context *ctx, const mb_model *model, const mb_dataset *dataset,
    const char *output, mb_answer *answer) {
    MB_TRY(check_output(ctx, model, output, true));
    mb_answer_put_int(answer, NULL, "events", (int64_t)dataset->n_rows);
    return predict(ctx, model, dataset, output, answer);
}

mb_status mb_model_predict_file(mb_context *ctx, const mb_model *model, const char *input,
    const char *output, bool is_forced, mb_answer **out) {
    if (out != NULL) {
        *out = NULL;
    }
    MB_TRY(mb_check_present(ctx, input));
    MB_TRY(check_output(ctx, model, output, is_forced));
    mb_dataset dataset;
    mb_dataset_init(&dataset, ctx);
    mb_answer *answer = NULL;
    mb_status status = read_inputs(ctx, model, input, &dataset);
    if (status == MB_OK) {
        status = mb_answer_create(ctx, &answer);
    }
    if (status == MB_OK) {
        mb_answer_put_int(answer, NULL, "events", (int64_t)dataset.n_rows);
        status = predict(ctx, model, &dataset, output, answer);
    }
    mb_dataset_clear(&dataset);
    return answer == NULL ? status : mb_answer_finish(answer, status, out);
}
