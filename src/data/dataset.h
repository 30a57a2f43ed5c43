// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DATA_DATASET_H
#define DATA_DATASET_H

#include "base/bundle.h"
#include "minbias/array.h"

// Events in columns: what a detector or an array file gives, and what training, prediction and
// prepared files take.

typedef enum mb_column_role { MB_ROLE_INPUT, MB_ROLE_TARGET, MB_ROLE_EXTRA } mb_column_role;
typedef enum mb_column_kind {
    MB_COLUMN_DENSE,  // an array (rows, shape...)
    MB_COLUMN_SPARSE, // per row a rising index list with values; everything else is background
    MB_COLUMN_MADE,   // rows are made when asked for
} mb_column_kind;

// Parts of which an event has any number, none included: its nodes, its edges of one kind. Edges
// join rows of another axis, counted in their event.
typedef struct mb_dataset_axis {
    const char *name;  // "nodes", "edges.pred", "edges.loss", "edges.true"; in the arena
    uint64_t *offset;  // dataset rows + 1: where each event's part begins
    const char *joins; // edges: the axis whose rows they join ("nodes"); NULL for nodes
    int32_t *source, *destination; // edges, in stored order, counted in their event; NULL for nodes
} mb_dataset_axis;

typedef struct mb_column mb_column;
struct mb_column {
    const char *name; // as in the model's inputs; the target's is "target"
    const char *axis; // a row is a part of this axis (offset[n_rows] rows, dense); NULL: an event
    mb_column_role role;
    mb_column_kind kind;
    mb_dtype dtype; // as a prepared file stores it
    unsigned rank;
    size_t shape[MB_MAX_RANK]; // of one row
    size_t size;               // elements in a row
    unsigned stored_rank;      // axes of a row in prepared files, where fewer than rank: those left
                               // out, at the end, have length 1; 0: all
    mb_array dense;
    uint64_t *offset; // sparse: rows + 1
    uint32_t *index;  // sparse: position in the row, rising
    void *value;      // sparse: uint16_t (dtype MB_U16) or float (MB_F32) per entry
    float background;
    const char *const *value_names; // of an integer column: NULL-terminated, by value, or NULL
    // made: fills n rows (row numbers in rows) of size floats. Thread-safe.
    mb_status (*make)(
        const mb_column *column, mb_context *ctx, const uint32_t *rows, size_t n, float *out);
    // made, and fed as index lists with background 0 (both or neither): how many entries n rows
    // have, and these, as mb_column_gather_sparse gives them. Thread-safe.
    size_t (*count)(const mb_column *column, const uint32_t *rows, size_t n);
    void (*fill)(const mb_column *column, const uint32_t *rows, size_t n, uint32_t *offset,
        uint32_t *index, float *value);
    void *state;
    size_t state_bytes; // memory that state takes, for the reckoning of what a run needs
    void (*release_state)(mb_runtime *runtime, void *state);
};

enum { MB_SPLIT_TRAIN = 0, MB_SPLIT_VALIDATION = 1, MB_SPLIT_TEST = 2 };

// A named choice of rows that a fit may be trained and judged on (`fits: on:`), in the order in
// which the source joins them.
typedef struct mb_row_set {
    const char *name;
    const uint32_t *train, *test; // rows; in the dataset's arena
    size_t n_train, n_test;       // validation is a part of train, drawn for each fit
} mb_row_set;

typedef struct mb_dataset {
    mb_runtime *runtime;
    mb_arena arena; // names
    size_t n_rows;
    mb_column *columns;
    size_t n_columns, column_capacity;
    int64_t *event;           // per row: event number in the source's numbering
    uint32_t *file;           // per row: index into file_names
    uint8_t *split;           // per row: MB_SPLIT_
    const uint8_t *own_split; // the source took data.rows itself and this is its choice, in the
                              // arena: where mb_split_apply starts from; NULL: it did not
    float *weight;            // per row sample weight, or NULL
    const char **file_names;
    size_t n_files;
    const char **split_names; // NULL-terminated, by value of split; NULL: train, validation, test
    mb_row_set *sets;         // NULL: every fit takes all rows
    size_t n_sets;
    // Arrays about the data as a whole (edges of bins, scales fitted on training rows): prepared
    // files have them beside the columns, a run keeps them and hands them to the source again when
    // it predicts.
    mb_bundle facts;
    mb_dataset_axis *axes; // NULL: one row an event in every column
    size_t n_axes, axis_capacity;
    bool whole_files; // a prepared folder holds each column in one file NAME.npy, all sets together
} mb_dataset;

void mb_dataset_init(mb_dataset *dataset, mb_context *ctx);
void mb_dataset_clear(mb_dataset *dataset);
// Sets n_rows and makes event (0, 1, ...), file (0) and split (train) columns.
mb_status mb_dataset_set_rows(mb_dataset *dataset, mb_context *ctx, size_t n_rows) MB_MUST_CHECK;
// Adds a zeroed column whose name is copied; the caller fills kind, shape and contents. Borrowed
// until the next add.
mb_status mb_dataset_add_column(mb_dataset *dataset, mb_context *ctx, const char *name,
    mb_column_role role, mb_column **out) MB_MUST_CHECK;
const mb_column *mb_dataset_find(const mb_dataset *dataset, const char *name);
const mb_column *mb_dataset_target(const mb_dataset *dataset); // first of role TARGET, or NULL
// Adds an axis whose name is copied and whose offsets (rows + 1, after set_rows) are 0; joins: the
// name of the axis whose rows its edges join, or NULL. The caller fills offset, and source and
// destination with mb_allocate; the dataset frees them. Borrowed until the next add.
mb_status mb_dataset_add_axis(mb_dataset *dataset, mb_context *ctx, const char *name,
    const char *joins, mb_dataset_axis **out) MB_MUST_CHECK;
const mb_dataset_axis *mb_dataset_find_axis(const mb_dataset *dataset, const char *name);
// Rows of all events of an axis; of events where name is NULL; 0 for an axis that is not there.
size_t mb_dataset_axis_rows(const mb_dataset *dataset, const char *name);
// n rows of a column as floats (background filled in); rows of its axis, where it has one.
mb_status mb_column_gather(const mb_column *column, mb_context *ctx, const uint32_t *rows, size_t n,
    float *out) MB_MUST_CHECK;
// Whether a column can be had as index lists with background 0: a sparse one, or a made one with
// count and fill.
bool mb_column_is_sparse_feed(const mb_column *column);
// Entries of rows of such a column, appended to a batch view: offset (n + 1), index and value
// arrays that the caller owns and that hold at least mb_column_entries(...) entries.
size_t mb_column_entries(const mb_column *column, const uint32_t *rows, size_t n);
void mb_column_gather_sparse(const mb_column *column, const uint32_t *rows, size_t n,
    uint32_t *offset, uint32_t *index, float *value);
// The set of a name, or NULL.
const mb_row_set *mb_dataset_find_set(const mb_dataset *dataset, const char *name);
// Row numbers of one split, in order. Freed with mb_release.
mb_status mb_dataset_rows_of(const mb_dataset *dataset, mb_context *ctx, uint8_t split,
    uint32_t **rows, size_t *n) MB_MUST_CHECK;

#endif
