// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef BASE_OUTPUT_H
#define BASE_OUTPUT_H

#include "base/buffer.h"
#include "base/words.h"

// Files of our own, never half-written: bytes go to a file without a name where the system has such
// (what is left of it goes with the process, however that ends), else to a temporary name beside
// the target; it is synced, and renamed.

// Writes a whole file. IO on failure (disk full included); the old file, if any, is then untouched.
mb_status mb_write_file(
    mb_context *ctx, const char *path, const void *bytes, size_t length) MB_MUST_CHECK;
// Writes a buffer (its sticky failure is returned) and clears it.
mb_status mb_write_buffer(mb_buffer *buffer, const char *path) MB_MUST_CHECK;

// A file written piece by piece, at first without its name.
typedef struct mb_output {
    mb_context *ctx;
    char *path;
    char *temporary;  // the name before path's; NULL: a device, written to as it is
    bool is_nameless; // it has not even that one yet
    int descriptor;   // for reading too, but that of a device
} mb_output;
mb_status mb_output_open(mb_output *output, mb_context *ctx, const char *path) MB_MUST_CHECK;
mb_status mb_output_write(mb_output *output, const void *bytes, size_t length) MB_MUST_CHECK;
// Syncs and renames; the output is closed whatever the result.
mb_status mb_output_commit(mb_output *output) MB_MUST_CHECK;
// Drops what was written. Safe after commit, and on a zeroed output.
void mb_output_abandon(mb_output *output);

// Reads a whole file, within the limits. The caller frees *out with mb_release; a zero byte follows
// the length bytes.
mb_status mb_read_file(mb_context *ctx, const char *path, char **out, size_t *length) MB_MUST_CHECK;
// Makes a directory and its parents; an existing one is fine.
mb_status mb_make_directory(mb_context *ctx, const char *path) MB_MUST_CHECK;
// The same; *n_made is how many of the path's last steps were not there, for work that may fail.
mb_status mb_make_directories(mb_context *ctx, const char *path, size_t *n_made) MB_MUST_CHECK;
// Removes these again, as far as they are empty.
void mb_unmake_directories(const char *path, size_t n_made);
// Removes all that a folder holds: of work that failed in one it had made.
void mb_empty_directory(const char *path);
bool mb_path_exists(const char *path);
bool mb_path_is_directory(const char *path);
// Whether path ends in suffix (".csv") with something before it.
bool mb_path_has_suffix(const char *path, const char *suffix);
// Joins and normalises: an absolute name stays. Freed with mb_release.
char *mb_path_join(mb_context *ctx, const char *directory, const char *name);
// Names of the entries of a directory (without . and ..) in byte order. Freed with mb_names_clear.
mb_status mb_names_of_directory(mb_names *names, mb_context *ctx, const char *path) MB_MUST_CHECK;
// Paths that a pattern (glob of the last part, or a plain path) names under directory, in byte
// order of names.
mb_status mb_names_of_pattern(
    mb_names *names, mb_context *ctx, const char *directory, const char *pattern) MB_MUST_CHECK;

#endif
