// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef FILES_LINES_H
#define FILES_LINES_H

#include "files/gzip.h"

// A text read line by line, however long it is: from a file, plain or gzip, or from memory. A line
// ends in LF or CR LF; a byte order mark before the first is skipped; the last may lack its end.
typedef struct mb_lines {
    mb_context *ctx;
    const char *name;       // for messages; borrowed
    uint64_t line;          // number of the line that was read last, from 1
    mb_text_reader *reader; // NULL: the text is in memory
    char *block;
    size_t begin, filled, capacity;
    bool is_at_end;
} mb_lines;

// The caller closes it, also after a failure. path must outlive it.
mb_status mb_lines_open(mb_lines *lines, mb_context *ctx, const char *path) MB_MUST_CHECK;
// The same from memory; the text is copied.
mb_status mb_lines_open_text(mb_lines *lines, mb_context *ctx, const char *name, const char *text,
    size_t length) MB_MUST_CHECK;
// The next line without its end, closed by a zero byte: *text .. *text + *length, valid until the
// next call. *text is NULL behind the last line. Fails with LIMIT (a line of more than 16 MiB), IO,
// FORMAT (damaged gzip).
mb_status mb_lines_next(mb_lines *lines, char **text, size_t *length) MB_MUST_CHECK;
void mb_lines_close(mb_lines *lines);

// Records "NAME:LINE: ..." with the number of the line that was read last. Returns FORMAT.
mb_status mb_lines_fail(const mb_lines *lines, const char *format, ...) MB_PRINTF(2, 3);

#endif
