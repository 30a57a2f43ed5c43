// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef FILES_HDF5_WRITE_INSIDE_H
#define FILES_HDF5_WRITE_INSIDE_H

#include "files/hdf5_inside.h"
#include "files/hdf5_sink.h"

// What the writing sources share.

struct mb_h5_rows {
    mb_h5_rows *next;
    mb_h5_writer *writer;
    char *path;
    hid_t id, type;
    unsigned rank;
    hsize_t shape[MB_MAX_RANK];
    size_t row_bytes, chunk_bytes, n_written;
    size_t chunk_rows; // 0: not chunked
    int deflate;       // 0: not compressed
    bool shuffles;     // before that
    size_t element;    // bytes of a number
    bool can_grow;     // by other programs, along the first axis
};

struct mb_h5_writer {
    mb_context *ctx;
    char *name;
    mb_h5_mode mode;
    mb_output output; // on disk: the temporary file
    mb_h5_sink sink;
    hid_t file;
    mb_h5_rows *rows;
};

// Between mb_h5_enter and mb_h5_leave.

// The stored type of numbers; closed by the caller.
hid_t mb_h5_make_type(mb_dtype dtype);
mb_status mb_h5_fail_write(mb_h5_writer *writer, const char *path, const char *what) MB_MUST_CHECK;
// Makes the groups above path.
mb_status mb_h5_make_parents(mb_h5_writer *writer, const char *path) MB_MUST_CHECK;

#endif
