// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef FILES_ZIP_H
#define FILES_ZIP_H

#include "base/buffer.h"
#include "base/output.h"

// Zip archives (.npz, .keras). Reading takes stored and deflated members only, refuses names that
// lead out of the archive, names given twice, and members that claim or hold more than mb_limits.

typedef struct mb_zip mb_zip;
// The caller closes *out; on failure it is NULL.
mb_status mb_zip_open(mb_context *ctx, const char *path, mb_zip **out) MB_MUST_CHECK;
// The bytes must outlive the archive; name is for messages.
mb_status mb_zip_open_bytes(mb_context *ctx, const char *name, const void *bytes, size_t length,
    mb_zip **out) MB_MUST_CHECK;
void mb_zip_close(mb_zip *zip);
size_t mb_zip_n_members(const mb_zip *zip);
// Borrowed, lives with the archive.
const char *mb_zip_name(const mb_zip *zip, size_t member);
// Index of a member, or SIZE_MAX.
size_t mb_zip_find(const mb_zip *zip, const char *name);
// Size of a member after decompression, as the archive claims it; a read checks it.
uint64_t mb_zip_size(const mb_zip *zip, size_t member);
// Reads a whole member. The caller frees *bytes with mb_release; a zero byte follows.
mb_status mb_zip_read(mb_zip *zip, size_t member, char **bytes, size_t *length) MB_MUST_CHECK;
// Reads at most length bytes from a member's start into bytes.
mb_status mb_zip_read_start(
    mb_zip *zip, size_t member, void *bytes, size_t length, size_t *n_read) MB_MUST_CHECK;

// An archive being made in memory. Same calls, same bytes: every member is dated 1980-01-01.
typedef struct mb_zip_writer mb_zip_writer;
mb_status mb_zip_create(mb_context *ctx, mb_zip_writer **out) MB_MUST_CHECK;
// Copies length bytes.
mb_status mb_zip_add(mb_zip_writer *writer, const char *name, const void *bytes, size_t length,
    bool is_compressed) MB_MUST_CHECK;
// Makes the file appear whole. The writer is gone whatever the result.
mb_status mb_zip_commit(mb_zip_writer *writer, const char *path) MB_MUST_CHECK;
mb_status mb_zip_commit_buffer(mb_zip_writer *writer, mb_buffer *buffer) MB_MUST_CHECK;
// Accepts NULL. Not after commit.
void mb_zip_abandon(mb_zip_writer *writer);

#endif
