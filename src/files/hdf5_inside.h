// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef FILES_HDF5_INSIDE_H
#define FILES_HDF5_INSIDE_H

#include "files/hdf5.h"
#include "files/hdf5_source.h"
#include "files/raw.h"

#include <hdf5.h>

// What the sources behind hdf5.h share; nobody else includes it.

// Between enter and leave the calling thread alone is inside the library, which is silent and loads
// no plugins; leave puts back what the host program had set. Never held across mb_parallel: a task
// that opens a file would wait for ever.
typedef struct mb_h5_guard {
    H5E_auto2_t report;
    void *report_user;
    unsigned plugins;
} mb_h5_guard;
void mb_h5_enter(mb_h5_guard *guard);
void mb_h5_leave(const mb_h5_guard *guard);

struct mb_h5_file {
    mb_context *ctx;
    char *name;
    hid_t file;
    mb_h5_source source;
    void *copy; // of a file in memory
    uint64_t file_size;
    uint64_t base; // of addresses: the length of what lies before the HDF5 part
};

// A view of a file for a question: its failures go into a context of its own, and only a lack of
// memory comes back to the file's. begin fails with MEMORY, recorded.
typedef struct mb_h5_question {
    mb_h5_file *asked;
    mb_h5_file view;
} mb_h5_question;
mb_status mb_h5_question_begin(mb_h5_question *question, mb_h5_file *file) MB_MUST_CHECK;
void mb_h5_question_end(mb_h5_question *question);

// A name that no file has: HDF5's memory driver looks whether one exists, and tells files apart by
// it.
void mb_h5_memory_name(const void *owner, char *name, size_t size);

// The rest is called between enter and leave.

void mb_h5_close_id(hid_t id); // of any kind; accepts -1
// Opens the object at path by hard links only, as deep as the limits allow. *object is -1 on
// failure.
mb_status mb_h5_open_object(mb_h5_file *file, const char *path, hid_t *object) MB_MUST_CHECK;
// Refuses an object at an address whose head the library should not see.
mb_status mb_h5_check_object(mb_h5_file *file, const char *path, uint64_t address) MB_MUST_CHECK;
// The number type of a stored type; false when it is none that is offered.
bool mb_h5_find_type(hid_t type, mb_raw_type *raw);
// Rank and shape of a dataspace.
mb_status mb_h5_get_shape(
    mb_h5_file *file, const char *path, hid_t space, unsigned *rank, size_t *shape) MB_MUST_CHECK;

enum { MB_H5_MOST_FILTERS = 8 };
typedef struct mb_h5_filter {
    H5Z_filter_t id;
    size_t element; // of shuffle
} mb_h5_filter;

// A dataset that passed all checks.
typedef struct mb_h5_dataset {
    mb_h5_file *file;
    const char *path; // the caller's
    hid_t id, type;
    mb_raw_type raw;
    unsigned rank;
    size_t shape[MB_MAX_RANK];
    size_t count; // elements
    H5D_layout_t layout;
    uint64_t stored; // bytes, unless chunked; 0: never written
    size_t chunk[MB_MAX_RANK];
    size_t chunk_bytes;
    unsigned n_filters;
    mb_h5_filter filters[MB_H5_MOST_FILTERS]; // in the order of writing
    unsigned char fill[8];
} mb_h5_dataset;

// Outside of enter and leave. Reads rows into bytes, packed as in the file (mb_raw_place).
mb_status mb_h5_read_chunked(
    mb_h5_dataset *dataset, size_t first, size_t n, void *bytes) MB_MUST_CHECK;

#endif
