// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "data/arrays_source.h"

#include "data/split.h"
#include "files/arrays.h"

#define FIELD(name) offsetof(mb_arrays_options, name)

const mb_option mb_arrays_option_table[] = {
    {"file", MB_OPTION_TEXT, FIELD(file), "", 0, 0, NULL, NULL,
        "file of all arrays: .h5, .npz or .npy; without it every array is written FILE or "
        "FILE:NAME"},
    {"inputs", MB_OPTION_NODE, FIELD(inputs), NULL, 0, 0, NULL, NULL,
        "the model's inputs: {name: /path/in/file}"},
    {"target", MB_OPTION_TEXT, FIELD(target), "", 0, 0, NULL, NULL,
        "what is learnt: numbers, or integer labels where the loss takes classes"},
    {"event", MB_OPTION_TEXT, FIELD(event), "", 0, 0, NULL, NULL, "event numbers"},
    {"weight", MB_OPTION_TEXT, FIELD(weight), "", 0, 0, NULL, NULL, "a weight for each event"},
    {"parts", MB_OPTION_TEXT, FIELD(parts), "", 0, 0, NULL, NULL,
        "what each event is for, as /split that prepare writes: 0 train, 1 validation, 2 test"},
    MB_OPTIONS_END};

typedef struct reader {
    mb_context *ctx;
    const mb_arrays_options *options;
    const char *directory;
    mb_dataset *dataset;
    const char *first; // array that gave the number of events
    bool has_rows;
} reader;

// "FILE:NAME" or "FILE" without file:, a name in the file with it.
static mb_status read_array(const reader *r, const char *where, mb_array *out) {
    char *path = NULL;
    const char *name = where;
    if (r->options->file != NULL) {
        path = mb_path_join(r->ctx, r->directory, r->options->file);
    } else {
        path = mb_path_join(r->ctx, r->directory, where);
        char *colon = path != NULL ? strrchr(path, ':') : NULL;
        name = colon != NULL ? strrchr(where, ':') + 1 : NULL;
        if (colon != NULL) {
            *colon = '\0';
        }
    }
    if (path == NULL) {
        return MB_ERR_MEMORY;
    }
    const mb_status status = mb_arrays_read(r->ctx, path, name, out);
    mb_release(r->ctx, path);
    return status;
}

static mb_status check_rows(reader *r, const char *where, const mb_array *array) {
    if (array->rank == 0) {
        return mb_fail(r->ctx, MB_ERR_SHAPE,
            "data: %s is a single number; the first axis must count events", where);
    }
    if (!r->has_rows) {
        r->has_rows = true;
        r->first = where;
        return mb_dataset_set_rows(r->dataset, r->ctx, array->shape[0]);
    }
    if (array->shape[0] != r->dataset->n_rows) {
        return mb_fail(r->ctx, MB_ERR_SHAPE,
            "data: %s has %zu events but %s has %zu; give arrays of equal length", where,
            array->shape[0], r->first, r->dataset->n_rows);
    }
    return MB_OK;
}

static mb_status add_column(reader *r, const char *name, mb_column_role role, const char *where) {
    mb_array array = {0};
    mb_status status = read_array(r, where, &array);
    if (status == MB_OK) {
        status = check_rows(r, where, &array);
    }
    mb_column *column = NULL;
    if (status == MB_OK) {
        status = mb_dataset_add_column(r->dataset, r->ctx, name, role, &column);
    }
    if (status != MB_OK) {
        mb_array_clear(&array);
        return status;
    }
    column->kind = MB_COLUMN_DENSE;
    column->dtype = array.dtype;
    column->rank = array.rank - 1;
    column->size = 1;
    for (unsigned i = 0; i < column->rank; i++) {
        column->shape[i] = array.shape[i + 1];
        column->size *= array.shape[i + 1];
    }
    column->dense = array;
    return MB_OK;
}

static mb_status read_events(reader *r) {
    mb_array array = {0};
    mb_status status = read_array(r, r->options->event, &array);
    status = status != MB_OK ? status : check_rows(r, r->options->event, &array);
    status = status != MB_OK ? status : mb_array_convert(&array, r->ctx, MB_I64);
    if (status == MB_OK && mb_array_count(&array) != r->dataset->n_rows) {
        status = mb_fail(r->ctx, MB_ERR_SHAPE, "data: event %s has more than one number an event",
            r->options->event);
    }
    if (status == MB_OK) {
        memcpy(r->dataset->event, array.data, r->dataset->n_rows * sizeof(int64_t));
    }
    mb_array_clear(&array);
    return status;
}

// As mb_split_apply takes it; 255 is for nothing.
static mb_status read_parts(reader *r) {
    mb_dataset *dataset = r->dataset;
    mb_array array = {0};
    uint8_t *parts = NULL;
    mb_status status = read_array(r, r->options->parts, &array);
    status = status != MB_OK ? status : check_rows(r, r->options->parts, &array);
    if (status == MB_OK && mb_array_count(&array) != dataset->n_rows) {
        status = mb_fail(r->ctx, MB_ERR_SHAPE, "data: parts %s has more than one number an event",
            r->options->parts);
    }
    if (status == MB_OK) {
        parts = mb_arena_allocate(&dataset->arena, r->ctx, mb_max_size(dataset->n_rows, 1), 1);
        status = parts == NULL ? MB_ERR_MEMORY : MB_OK;
    }
    for (size_t i = 0; status == MB_OK && i < dataset->n_rows; i++) {
        const double part = mb_array_get(&array, i);
        if (part == MB_SPLIT_TRAIN || part == MB_SPLIT_VALIDATION || part == MB_SPLIT_TEST ||
            part == MB_SPLIT_NONE) {
            parts[i] = (uint8_t)part;
        } else {
            status = mb_fail(r->ctx, MB_ERR_RANGE,
                "data: parts %s: row %zu has %g; write 0 (train), 1 (validation), 2 (test) or 255 "
                "(none)",
                r->options->parts, i, part);
        }
    }
    dataset->own_split = parts;
    mb_array_clear(&array);
    return status;
}

static mb_status read_weights(reader *r) {
    mb_array array = {0};
    mb_status status = read_array(r, r->options->weight, &array);
    status = status != MB_OK ? status : check_rows(r, r->options->weight, &array);
    if (status == MB_OK && mb_array_count(&array) != r->dataset->n_rows) {
        status = mb_fail(r->ctx, MB_ERR_SHAPE, "data: weight %s has more than one number an event",
            r->options->weight);
    }
    if (status == MB_OK) {
        r->dataset->weight = mb_allocate(r->ctx, r->dataset->n_rows, sizeof(float));
        status = r->dataset->weight == NULL ? MB_ERR_MEMORY : MB_OK;
    }
    for (size_t i = 0; status == MB_OK && i < r->dataset->n_rows; i++) {
        r->dataset->weight[i] = (float)mb_array_get(&array, i);
    }
    mb_array_clear(&array);
    return status;
}

static mb_status name_file(reader *r) {
    mb_dataset *dataset = r->dataset;
    const char *name = r->options->file != NULL ? r->options->file : r->first;
    dataset->file_names =
        mb_arena_allocate(&dataset->arena, r->ctx, 1, sizeof *dataset->file_names);
    const char *copy = mb_arena_text(&dataset->arena, r->ctx, name);
    if (dataset->file_names == NULL || copy == NULL) {
        return MB_ERR_MEMORY;
    }
    dataset->file_names[0] = copy;
    dataset->n_files = 1;
    return MB_OK;
}

mb_status mb_arrays_source_load(mb_context *ctx, mb_document *document, const mb_node *data,
    const char *directory, bool wants_label, mb_dataset *out) {
    static const char *const others[] = {"source", "dir", "split", "rows", NULL};
    mb_arrays_options options;
    MB_TRY(mb_options_parse(ctx, document, mb_arrays_option_table, data, "data", others, &options));
    reader r = {.ctx = ctx, .options = &options, .directory = directory, .dataset = out};
    if (options.inputs->kind != MB_NODE_MAP || options.inputs->n_children == 0) {
        return mb_fail_at(ctx, document, options.inputs,
            "data: inputs is not a map; write inputs: {name: /path/in/file}");
    }
    for (const mb_node *member = options.inputs->first; member != NULL; member = member->next) {
        const char *where = mb_node_text(member);
        if (where == NULL) {
            return mb_fail_at(ctx, document, member,
                "data: inputs: '%s' is not a name; write the array's name", member->key);
        }
        MB_TRY(add_column(&r, member->key, MB_ROLE_INPUT, where));
    }
    if (options.target != NULL) {
        MB_TRY(add_column(&r, "target", MB_ROLE_TARGET, options.target));
    } else if (wants_label) {
        return mb_fail_at(
            ctx, document, data, "data: there is no target to learn from; add target: NAME");
    }
    if (options.event != NULL) {
        MB_TRY(read_events(&r));
    }
    if (options.weight != NULL) {
        MB_TRY(read_weights(&r));
    }
    const mb_node *rows = mb_node_find(data, "rows");
    if (options.parts != NULL && rows != NULL && rows->kind != MB_NODE_NULL) {
        return mb_fail_at(
            ctx, document, rows, "data: rows and parts both say what events are for; keep one");
    }
    if (options.parts != NULL) {
        MB_TRY(read_parts(&r));
    }
    return name_file(&r);
}
