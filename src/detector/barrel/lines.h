// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_BARREL_LINES_H
#define DETECTOR_BARREL_LINES_H

#include "detector/barrel/line.h"
#include "files/gzip.h"

// The lines of a file, plain or gzip, through one block of memory.
typedef struct mb_barrel_lines {
    mb_context *ctx;
    const char *path;
    mb_text_reader *reader;
    char *block; // MB_BARREL_SLACK bytes of slack on both sides of capacity bytes
    size_t capacity;
    size_t begin, ready, filled; // whole lines lie in begin .. ready, read bytes in begin .. filled
    uint64_t line;               // number of the line at begin, from 1
    uint64_t offset;             // bytes of the file before begin
    bool is_at_end;              // the file has given all
    bool is_unfinished;          // the last line had no line feed; one was put
} mb_barrel_lines;

mb_status mb_barrel_lines_open(
    mb_barrel_lines *lines, mb_context *ctx, const char *path) MB_MUST_CHECK;
void mb_barrel_lines_close(mb_barrel_lines *lines);
// Makes sure that a whole line stands at begin; *is_there false: the file has no more.
mb_status mb_barrel_lines_refill(mb_barrel_lines *lines, bool *is_there) MB_MUST_CHECK;

static inline mb_status mb_barrel_lines_next(
    mb_barrel_lines *lines, const char **line, bool *is_there) {
    if (lines->begin == lines->ready) {
        MB_TRY(mb_barrel_lines_refill(lines, is_there));
        *line = lines->block + lines->begin;
        return MB_OK;
    }
    *is_there = true;
    *line = lines->block + lines->begin;
    return MB_OK;
}

// Goes over a line of length bytes before its line feed.
static inline void mb_barrel_lines_skip(mb_barrel_lines *lines, size_t length) {
    lines->begin += length + 1;
    lines->offset += length + 1;
    lines->line++;
}

// The line at begin is the file's last and has no line feed of its own.
static inline bool mb_barrel_lines_is_unfinished(const mb_barrel_lines *lines, size_t length) {
    return lines->is_unfinished && lines->begin + length + 1 == lines->ready;
}

#endif
