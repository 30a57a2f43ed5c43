// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_CALO_LINK_LINES_H
#define DETECTOR_CALO_LINK_LINES_H

#include "files/lines.h"

// The lines of a file of link words, frame by frame of as many lines as an event has.

enum { MB_CALO_LINE_MOST_LINKS = 128 };

typedef struct mb_calo_link_lines {
    mb_lines lines;   // opened and closed by the caller
    uint64_t counter; // of the next line
    size_t n_links;   // words of a line behind the counter
    size_t frame;     // lines of an event
    bool has_first;   // a counter was read
} mb_calo_link_lines;

// Reads on behind #BeginData. n_links: that a file must have; 0: as the line WordCnt says, or else
// the first line of data.
mb_status mb_calo_link_lines_begin(
    mb_calo_link_lines *lines, size_t n_links, size_t frame) MB_MUST_CHECK;
// A word of 1 to most hexadecimal digits, with or without 0x in front.
bool mb_calo_word_parse(const char *word, size_t length, size_t most, uint64_t *out);
// The words of the next event, row by row; *n is its number of lines, 0 behind the last event.
mb_status mb_calo_link_lines_next(
    mb_calo_link_lines *lines, uint32_t (*rows)[MB_CALO_LINE_MOST_LINKS], size_t *n) MB_MUST_CHECK;

#endif
