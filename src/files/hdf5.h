// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef FILES_HDF5_H
#define FILES_HDF5_H

#include "base/buffer.h"
#include "base/output.h"
#include "minbias/array.h"

// HDF5 files. The C library of Debian is not thread-safe: every call into it is made under one
// process-wide lock, so any number of threads may use files of their own. A file belongs to the
// context it was opened with and is used by one thread at a time. Names of objects are absolute
// paths, "/inputs/volume0".

typedef struct mb_h5_file mb_h5_file;

// Opens for reading. Plugins are off, links to other places (soft, external), external and virtual
// storage and filters other than deflate, shuffle and fletcher32 are refused; what a dataset claims
// is held against mb_limits and the size of the file before memory is taken. The caller closes
// *out; on failure it is NULL. Fails with IO, FORMAT, LIMIT.
mb_status mb_h5_open(mb_context *ctx, const char *path, mb_h5_file **out) MB_MUST_CHECK;
// The same for a file in memory (a member of an archive), which is copied; name is for messages.
mb_status mb_h5_open_bytes(mb_context *ctx, const char *name, const void *bytes, size_t length,
    mb_h5_file **out) MB_MUST_CHECK;
void mb_h5_close(mb_h5_file *file);

// Questions that a bool answers leave no failure behind, but for lack of memory: then the answer is
// false and the context of the file holds MEMORY, so that a false that decides something is to be
// followed by a look at mb_context_status.

// A group or an array that can be read; false for texts and records.
bool mb_h5_exists(mb_h5_file *file, const char *path);
bool mb_h5_is_group(mb_h5_file *file, const char *path);
// The root names it, readable or not: what must not be passed over is asked so, and a read that
// fails says why.
bool mb_h5_is_listed(mb_h5_file *file, const char *name);
// Names of what a group holds, in byte order. Freed with mb_names_clear, also after a failure.
mb_status mb_h5_list(mb_h5_file *file, const char *path, mb_names *names) MB_MUST_CHECK;

// The type is the one a read gives: half precision is read as float32, h5py's booleans as MB_BOOL.
typedef struct mb_h5_info {
    mb_dtype dtype;
    unsigned rank;
    size_t shape[MB_MAX_RANK];
    size_t chunk_rows; // rows that are stored together and read best together; 0: not in chunks
} mb_h5_info;
mb_status mb_h5_get_info(mb_h5_file *file, const char *path, mb_h5_info *info) MB_MUST_CHECK;
// Reads a whole dataset. The caller clears *out; on failure it is empty.
mb_status mb_h5_read(mb_h5_file *file, const char *path, mb_array *out) MB_MUST_CHECK;
// Reads rows first..first+n of the first axis.
mb_status mb_h5_read_rows(
    mb_h5_file *file, const char *path, size_t first, size_t n, mb_array *out) MB_MUST_CHECK;

// Attributes of the object at path. Those in dense storage (an object with more than 8 of them in a
// file of the newest format) are refused by name.
bool mb_h5_has_attribute(mb_h5_file *file, const char *path, const char *name);
// One text; also one that Keras split into name0, name1 ... The caller frees *text with mb_release.
mb_status mb_h5_attribute_text(
    mb_h5_file *file, const char *path, const char *name, char **text) MB_MUST_CHECK;
// A list of texts; also one that Keras split into name0, name1 ... Freed with mb_names_clear, also
// after a failure. An empty list may have any type.
mb_status mb_h5_attribute_texts(
    mb_h5_file *file, const char *path, const char *name, mb_names *texts) MB_MUST_CHECK;
mb_status mb_h5_attribute_array(
    mb_h5_file *file, const char *path, const char *name, mb_array *out) MB_MUST_CHECK;
// One whole number.
mb_status mb_h5_attribute_int64(
    mb_h5_file *file, const char *path, const char *name, int64_t *out) MB_MUST_CHECK;

// A file being written. Same calls, same bytes: no times are kept. Groups above a path are made as
// needed. After a failed call only mb_h5_abandon is useful.
typedef struct mb_h5_writer mb_h5_writer;
// Rows of one dataset being written, owned by its writer.
typedef struct mb_h5_rows mb_h5_rows;

typedef enum mb_h5_mode {
    MB_H5_IN_MEMORY, // built in memory, written in one go
    MB_H5_ON_DISK,   // under a temporary name beside the target: for what memory does not hold
} mb_h5_mode;

mb_status mb_h5_create(
    mb_context *ctx, const char *path, mb_h5_mode mode, mb_h5_writer **out) MB_MUST_CHECK;
mb_status mb_h5_make_group(mb_h5_writer *writer, const char *path) MB_MUST_CHECK;
mb_status mb_h5_write_array(
    mb_h5_writer *writer, const char *path, const mb_array *array) MB_MUST_CHECK;
// A dataset whose rows come piece by piece, shape[0] of them in all. With deflate 1..9 each row is
// one chunk, compressed by the runtime's threads (bytes do not depend on them); with 0 the rows
// lie one behind the other.
mb_status mb_h5_create_rows(mb_h5_writer *writer, const char *path, mb_dtype dtype, unsigned rank,
    const size_t *shape, int deflate, mb_h5_rows **out) MB_MUST_CHECK;
// The same for files that other programs add rows to: the first axis can grow, and chunk_rows rows
// are one chunk, the last filled up with zeros. Rows are then written in multiples of chunk_rows,
// but for the last call. MB_H5_SHUFFLE may be added to a deflate of 1..9: bytes of equal weight are
// put together first, which packs floats better.
enum { MB_H5_SHUFFLE = 16 };
mb_status mb_h5_create_growing_rows(mb_h5_writer *writer, const char *path, mb_dtype dtype,
    unsigned rank, const size_t *shape, size_t chunk_rows, int deflate,
    mb_h5_rows **out) MB_MUST_CHECK;
// Appends n rows, packed in C order.
mb_status mb_h5_write_rows(mb_h5_rows *rows, const void *data, size_t n) MB_MUST_CHECK;
// Attributes of a group or dataset that exists; "/" is the file's root.
mb_status mb_h5_put_text(
    mb_h5_writer *writer, const char *path, const char *name, const char *text) MB_MUST_CHECK;
// A list of texts, split into name0, name1 ... as Keras does when it is too long for one attribute.
mb_status mb_h5_put_texts(mb_h5_writer *writer, const char *path, const char *name,
    const char *const *texts, size_t n) MB_MUST_CHECK;
mb_status mb_h5_put_int64(
    mb_h5_writer *writer, const char *path, const char *name, int64_t value) MB_MUST_CHECK;
mb_status mb_h5_put_array(
    mb_h5_writer *writer, const char *path, const char *name, const mb_array *array) MB_MUST_CHECK;
// Makes the file appear whole. The writer is gone whatever the result. Fails when a dataset of rows
// is not complete.
mb_status mb_h5_commit(mb_h5_writer *writer) MB_MUST_CHECK;
// The same, into a buffer (in-memory mode only; path is for messages).
mb_status mb_h5_commit_buffer(mb_h5_writer *writer, mb_buffer *buffer) MB_MUST_CHECK;
// Drops what was written. Accepts NULL. Not after commit.
void mb_h5_abandon(mb_h5_writer *writer);

#endif
