// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "data/arrays_source.h"

#include "base/numbers.h"
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
    const char *given;         // a file in place of the study's, or NULL
    const mb_arrays_list *has; // what is in it
    mb_dataset *dataset;
    const char *first; // array that gave the number of events
    bool has_rows;
} reader;

static bool is_given(const reader *r, const char *name) {
    const char *bare = name[0] == '/' ? name + 1 : name;
    for (size_t i = 0; i < r->has->n; i++) {
        const char *entry = r->has->entry[i].name;
        if (strcmp(entry[0] == '/' ? entry + 1 : entry, bare) == 0) {
            return true;
        }
    }
    return false;
}

// The name in the given file of an array that the study says is at where: the same, or of one
// without a name that of the column; or that of a prepared file. NULL: it is not there.
static const char *find_given(const reader *r, const char *where, const char *column) {
    static const char *const folders[] = {"", "inputs/"};
    const char *colon = strrchr(where, ':');
    const char *name = r->options->file != NULL ? where : colon != NULL ? colon + 1 : column;
    for (size_t i = 0; i < MB_COUNT_OF(folders) && !is_given(r, name); i++) {
        char text[512];
        mb_format(text, sizeof text, "%s%s", folders[i], column);
        name = is_given(r, text) ? mb_arena_text(&r->dataset->arena, r->ctx, text) : name;
        if (name == NULL) {
            return NULL;
        }
    }
    return is_given(r, name) ? name : NULL;
}

// An only array is that of an only input, whatever its name.
static mb_status read_given(const reader *r, const char *where, const char *column, mb_array *out) {
    const bool is_only = r->has->n == 1 && r->options->inputs->n_children == 1;
    const char *name = is_only ? "" : find_given(r, where, column);
    return name != NULL
               ? mb_arrays_read(r->ctx, r->given, name, out)
               : mb_fail(r->ctx, MB_ERR_FORMAT,
                     "%s: has no array '%s', which the study calls %s; give one of either name",
                     r->given, where, column);
}

// "FILE:NAME" or "FILE" without file:, a name in the file with it.
static mb_status read_array(const reader *r, const char *where, const char *column, mb_array *out) {
    if (r->given != NULL) {
        return read_given(r, where, column, out);
    }
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
    mb_status status = read_array(r, where, name, &array);
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
    mb_status status = read_array(r, r->options->event, "event", &array);
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
    mb_status status = read_array(r, r->options->parts, "parts", &array);
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
    mb_status status = read_array(r, r->options->weight, "weight", &array);
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
    const char *name = r->given != NULL           ? r->given
                       : r->options->file != NULL ? r->options->file
                                                  : r->first;
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

static mb_status add_inputs(reader *r, const mb_document *document) {
    const mb_node *inputs = r->options->inputs;
    for (const mb_node *member = inputs->first; member != NULL; member = member->next) {
        const char *where = mb_node_text(member);
        if (where == NULL) {
            return mb_fail_at(r->ctx, document, member,
                "data: inputs: '%s' is not a name; write the array's name", member->key);
        }
        MB_TRY(add_column(r, member->key, MB_ROLE_INPUT, where));
    }
    return MB_OK;
}

static mb_status parse(
    reader *r, mb_document *document, const mb_node *data, mb_arrays_options *options) {
    static const char *const others[] = {"source", "dir", "split", "rows", NULL};
    MB_TRY(
        mb_options_parse(r->ctx, document, mb_arrays_option_table, data, "data", others, options));
    return options->inputs->kind == MB_NODE_MAP && options->inputs->n_children > 0
               ? MB_OK
               : mb_fail_at(r->ctx, document, options->inputs,
                     "data: inputs is not a map; write inputs: {name: /path/in/file}");
}

mb_status mb_arrays_source_load(mb_context *ctx, mb_document *document, const mb_node *data,
    const char *directory, bool wants_label, mb_dataset *out) {
    mb_arrays_options options;
    reader r = {.ctx = ctx, .options = &options, .directory = directory, .dataset = out};
    MB_TRY(parse(&r, document, data, &options));
    MB_TRY(add_inputs(&r, document));
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

// New events have no truth, and may have no numbers.
static mb_status load_given(reader *r, mb_document *document) {
    const mb_arrays_options *options = r->options;
    if (mb_path_has_suffix(r->given, ".npy") && options->inputs->n_children > 1) {
        return mb_fail(r->ctx, MB_ERR_SHAPE,
            "%s: holds one array but the study has %zu inputs; give an .npz or .h5 with one array "
            "for each",
            r->given, options->inputs->n_children);
    }
    MB_TRY(add_inputs(r, document));
    if (r->has->n > 1 && options->target != NULL &&
        find_given(r, options->target, "target") != NULL) {
        MB_TRY(add_column(r, "target", MB_ROLE_TARGET, options->target));
    }
    if (r->has->n > 1 && options->event != NULL && find_given(r, options->event, "event") != NULL) {
        MB_TRY(read_events(r));
    }
    return name_file(r);
}

mb_status mb_arrays_source_load_file(mb_context *ctx, mb_document *document, const mb_node *data,
    const char *path, mb_dataset *out) {
    if (!mb_arrays_is_path(path)) {
        return mb_fail(ctx, MB_ERR_UNSUPPORTED,
            "%s: is no file of arrays, which the study reads; give .npy, .npz or .h5", path);
    }
    mb_arrays_options options;
    mb_arrays_list list = {0};
    reader r = {.ctx = ctx, .options = &options, .given = path, .has = &list, .dataset = out};
    mb_status status = mb_arrays_list_read(&list, ctx, path);
    status = status != MB_OK ? status : parse(&r, document, data, &options);
    status = status != MB_OK ? status : load_given(&r, document);
    mb_arrays_list_clear(&list);
    return status;
}
