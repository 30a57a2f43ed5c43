// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef FILES_GZIP_H
#define FILES_GZIP_H

#include "base/base.h"

// A file read block by block, plain or gzip (told by its first two bytes; several gzip members one
// behind the other are one text, as gzip has it).
typedef struct mb_text_reader mb_text_reader;

// The caller closes *out; on failure it is NULL.
mb_status mb_text_reader_open(
    mb_context *ctx, const char *path, mb_text_reader **out) MB_MUST_CHECK;
// Fills bytes with the next *n_read <= size bytes; fewer than size only at the end, 0 after it.
// Fails with IO, FORMAT (damaged or cut gzip), LIMIT (more than mb_limits after decompression).
mb_status mb_text_reader_read(
    mb_text_reader *reader, void *bytes, size_t size, size_t *n_read) MB_MUST_CHECK;
bool mb_text_reader_is_compressed(const mb_text_reader *reader);
// Size of the file on disk.
uint64_t mb_text_reader_file_size(const mb_text_reader *reader);
void mb_text_reader_close(mb_text_reader *reader);

#endif
