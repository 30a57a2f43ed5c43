// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_BARREL_SCAN_H
#define DETECTOR_BARREL_SCAN_H

#include "detector/barrel/line.h"
#include "kernels/text.h"

// The quick reader of hit lines, for lines in their usual form: no exponents, tabs or carriage
// returns, lists in lists only as the cells of a cluster have them. It works in two steps: marks of
// many lines at once, without looking where a line ends, then one line at a time from its marks.
// What it takes, the careful reader takes with the same result.

enum {
    MB_BARREL_SCAN_WORDS = 256, // of 64 bytes: the text that is marked at once
    MB_BARREL_SCAN_BYTES = 64 * MB_BARREL_SCAN_WORDS,
    MB_BARREL_SCAN_LISTS = 6 // in no list, on a line
};

typedef struct mb_barrel_scan {
    mb_text_masks_fn masks;
    const char *text; // what the marks count from: the first byte of a line
    size_t begin;     // of the next line
    size_t n_lines, next_line, next_list;
    // Ends of whole lines; opening brackets of lists that lie in no list, then UINT16_MAX.
    uint16_t feeds[MB_BARREL_SCAN_BYTES + 1];
    uint16_t lists[MB_BARREL_SCAN_BYTES + MB_BARREL_SCAN_LISTS + 1];
    // Bit i for byte i: digits and points, points and minuses.
    uint64_t numbers[MB_BARREL_SCAN_WORDS + 1], signs[MB_BARREL_SCAN_WORDS + 1];
} mb_barrel_scan;

// Before the first line; cpu as mb_runtime_cpu tells.
void mb_barrel_scan_start(mb_barrel_scan *scan, uint32_t cpu);

// Reads the hit on a line; n bytes from there are whole lines, with MB_BARREL_SLACK on both sides.
// Lines come one after the other. False: look with the careful reader. hit->line is not set.
// *length counts the bytes before the line feed.
bool mb_barrel_scan_hit(
    mb_barrel_scan *scan, const char *line, size_t n, mb_barrel_hit *hit, size_t *length);

// Marks whole lines of text as far as they have the usual form. Sets begin, n_lines and the marks.
void mb_barrel_scan_mark(mb_barrel_scan *scan, const char *text, size_t n);

#endif
