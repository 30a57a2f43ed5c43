// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_BARREL_LINE_H
#define DETECTOR_BARREL_LINE_H

#include "base/base.h"

// One line of text to one hit or one particle: the careful reader, which takes every legal form and
// says what is wrong and where. scan.h has the quick one.

typedef struct mb_barrel_hit {
    uint64_t hitid, barcode;
    uint64_t line; // from 1
    float x, y, z; // mm
    uint16_t volid, layid;
} mb_barrel_hit;

typedef struct mb_barrel_particle {
    uint64_t barcode;
    double vertex[3];     // mm
    double p, theta, phi; // GeV, rad
    int64_t charge;
} mb_barrel_particle;

// Where a line is, for messages.
typedef struct mb_barrel_place {
    const char *path;
    uint64_t line;      // from 1
    uint64_t offset;    // bytes before the line
    bool is_unfinished; // the file ends in this line, without a line feed
} mb_barrel_place;

enum {
    // Bytes that may be read, whatever they are, before a line and beyond its line feed.
    MB_BARREL_SLACK = 64,
    MB_BARREL_DEPTH = 16, // of nested lists
};

// line up to end, without the line feed. FORMAT and "path:line:column: ..." when it is not a hit.
mb_status mb_barrel_hit_parse(mb_context *ctx, const mb_barrel_place *place, const char *line,
    const char *end, mb_barrel_hit *hit) MB_MUST_CHECK;
mb_status mb_barrel_particle_parse(mb_context *ctx, const mb_barrel_place *place, const char *line,
    const char *end, mb_barrel_particle *particle) MB_MUST_CHECK;

// Only blanks before end.
bool mb_barrel_line_is_blank(const char *line, const char *end);

#endif
