// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/barrel/line.h"

#include "base/math.h"
#include "base/numbers.h"

#include <math.h>

// A line being read; p moves.
typedef struct cursor {
    mb_context *ctx;
    const mb_barrel_place *place;
    const char *line, *p, *end;
} cursor;

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

static bool is_in_number(char c) {
    return (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z') || c == '_';
}

bool mb_barrel_line_is_blank(const char *line, const char *end) {
    while (line < end && is_blank(*line)) {
        line++;
    }
    return line == end;
}

static void skip_blanks(cursor *c) {
    while (c->p < c->end && is_blank(*c->p)) {
        c->p++;
    }
}

// What stands at p, for a message.
static const char *found(const cursor *c, char text[48]) {
    if (c->p >= c->end) {
        return "the end of the line";
    }
    size_t n = 0;
    text[n++] = '\'';
    for (const char *p = c->p; p < c->end && n < 40; p++) {
        if (p > c->p && !(is_in_number(*p) && is_in_number(*c->p))) {
            break;
        }
        text[n++] = (char)(*p >= ' ' && *p <= '~' ? *p : '?');
    }
    text[n++] = '\'';
    text[n] = '\0';
    return text;
}

static mb_status fail_expected(const cursor *c, const char *expected) {
    const mb_barrel_place *place = c->place;
    const unsigned long long line = place->line;
    const unsigned long long column = (unsigned long long)(c->p - c->line) + 1;
    if (place->is_unfinished) {
        return mb_fail(c->ctx, MB_ERR_FORMAT,
            "%s:%llu:%llu: the file ends in the middle of a line, at byte %llu; fetch it again, or "
            "drop its last event with data.skip_last_event: true",
            place->path, line, column,
            (unsigned long long)place->offset + (unsigned long long)(c->end - c->line));
    }
    char text[48];
    return mb_fail(c->ctx, MB_ERR_FORMAT, "%s:%llu:%llu: expected %s, found %s; correct the line",
        place->path, line, column, expected, found(c, text));
}

static mb_status take(cursor *c, char byte, const char *expected) {
    skip_blanks(c);
    if (c->p == c->end || *c->p != byte) {
        return fail_expected(c, expected);
    }
    c->p++;
    return MB_OK;
}

// A number that must end where its characters end: 12abc is none.
static mb_status take_double(cursor *c, const char *expected, double *out) {
    skip_blanks(c);
    const char *after = mb_parse_double(c->p, c->end, out);
    if (after == NULL || (after < c->end && is_in_number(*after))) {
        return fail_expected(c, expected);
    }
    if (!isfinite(*out)) {
        return fail_expected(c, "a number that is not infinite");
    }
    c->p = after;
    return MB_OK;
}

static mb_status take_uint64(cursor *c, const char *expected, uint64_t *out) {
    skip_blanks(c);
    const char *after = mb_parse_uint64(c->p, c->end, out);
    if (after == NULL || (after < c->end && is_in_number(*after))) {
        return fail_expected(c, expected);
    }
    c->p = after;
    return MB_OK;
}

// Any number, whose value is not wanted: sign, digits, fraction, exponent.
static mb_status skip_number(cursor *c) {
    const char *p = c->p;
    p += p < c->end && (*p == '-' || *p == '+');
    size_t digits = 0;
    for (; p < c->end && *p >= '0' && *p <= '9'; p++) {
        digits++;
    }
    if (p < c->end && *p == '.') {
        for (p++; p < c->end && *p >= '0' && *p <= '9'; p++) {
            digits++;
        }
    }
    bool is_number = digits > 0;
    if (is_number && p < c->end && (*p == 'e' || *p == 'E')) {
        p++;
        p += p < c->end && (*p == '-' || *p == '+');
        const char *exponent = p;
        while (p < c->end && *p >= '0' && *p <= '9') {
            p++;
        }
        is_number = p > exponent;
    }
    if (!is_number || (p < c->end && is_in_number(*p))) {
        return fail_expected(c, "a number or a list");
    }
    c->p = p;
    return MB_OK;
}

// A number or a list of any contents.
static mb_status skip_value(cursor *c) {
    int depth = 0;
    do {
        skip_blanks(c);
        if (c->p < c->end && *c->p == '[') {
            if (++depth > MB_BARREL_DEPTH) {
                return fail_expected(c, "lists of at most 16 levels");
            }
            c->p++;
            skip_blanks(c);
            if (c->p == c->end || *c->p != ']') {
                continue;
            }
        } else {
            MB_TRY(skip_number(c));
        }
        // Behind a value: close what closes, then a comma if the list goes on.
        for (bool is_open = true; depth > 0 && is_open;) {
            skip_blanks(c);
            if (c->p < c->end && *c->p == ',') {
                c->p++;
                skip_blanks(c);
                if (c->p == c->end || *c->p != ']') {
                    break;
                }
            }
            MB_TRY(take(c, ']', "',' or ']'"));
            depth--;
        }
    } while (depth > 0);
    return MB_OK;
}

static mb_status take_three(
    cursor *c, const char *open, const char *number, const char *close, double out[3]) {
    MB_TRY(take(c, '[', open));
    for (int i = 0; i < 3; i++) {
        if (i > 0) {
            MB_TRY(take(c, ',', number));
        }
        MB_TRY(take_double(c, number, &out[i]));
    }
    skip_blanks(c);
    if (c->p < c->end && *c->p == ',') {
        c->p++;
    }
    return take(c, ']', close);
}

static mb_status take_end(cursor *c, const char *expected) {
    skip_blanks(c);
    return c->p == c->end ? MB_OK : fail_expected(c, expected);
}

static mb_status take_comma(cursor *c, const char *expected) {
    return take(c, ',', expected);
}

static mb_status take_small(cursor *c, const char *expected, uint16_t *out) {
    skip_blanks(c);
    const char *before = c->p;
    uint64_t value;
    MB_TRY(take_uint64(c, expected, &value));
    if (value > UINT16_MAX) {
        c->p = before;
        return fail_expected(c, expected);
    }
    *out = (uint16_t)value;
    return MB_OK;
}

mb_status mb_barrel_hit_parse(mb_context *ctx, const mb_barrel_place *place, const char *line,
    const char *end, mb_barrel_hit *hit) {
    static const char fields[] = "',' and 10 fields";
    cursor c = {ctx, place, line, line, end};
    MB_TRY(take_uint64(&c, "a hit number", &hit->hitid));
    MB_TRY(take_comma(&c, fields));
    MB_TRY(take_uint64(&c, "a barcode from 0 to 2^64-1", &hit->barcode));
    MB_TRY(take_comma(&c, fields));
    MB_TRY(take_small(&c, "a volume number", &hit->volid));
    MB_TRY(take_comma(&c, fields));
    MB_TRY(take_small(&c, "a layer number", &hit->layid));
    for (int i = 0; i < 2; i++) {
        MB_TRY(take_comma(&c, fields));
        MB_TRY(skip_value(&c));
    }
    MB_TRY(take_comma(&c, fields));
    double position[3];
    MB_TRY(take_three(&c, "'[' and the 3 numbers of the global position",
        "the 3 numbers of the global position", "']' after the 3 numbers of the global position",
        position));
    for (int i = 0; i < 3; i++) {
        MB_TRY(take_comma(&c, fields));
        MB_TRY(skip_value(&c));
    }
    MB_TRY(take_end(&c, "the end of the line after 10 fields"));
    hit->x = (float)position[0];
    hit->y = (float)position[1];
    hit->z = (float)position[2];
    hit->line = place->line;
    if (!isfinite(hit->x) || !isfinite(hit->y) || !isfinite(hit->z)) {
        c.p = line;
        return fail_expected(&c, "a global position that fits into 32-bit numbers");
    }
    return MB_OK;
}

mb_status mb_barrel_particle_parse(mb_context *ctx, const mb_barrel_place *place, const char *line,
    const char *end, mb_barrel_particle *particle) {
    static const char fields[] = "',' and 4 fields";
    cursor c = {ctx, place, line, line, end};
    MB_TRY(take_uint64(&c, "a barcode from 0 to 2^64-1", &particle->barcode));
    MB_TRY(take_comma(&c, fields));
    MB_TRY(take_three(&c, "'[' and the 3 numbers of the vertex", "the 3 numbers of the vertex",
        "']' after the 3 numbers of the vertex", particle->vertex));
    MB_TRY(take_comma(&c, fields));
    skip_blanks(&c);
    const char *kinematics = c.p;
    double value[3];
    MB_TRY(
        take_three(&c, "'[' and p, theta, phi", "p, theta, phi", "']' after p, theta, phi", value));
    const char *after = c.p;
    c.p = kinematics;
    if (!(value[0] > 0) || value[0] > (double)3e38f) {
        return fail_expected(&c, "a momentum above 0");
    }
    if (!(value[1] > 0 && value[1] < MB_PI)) {
        return fail_expected(&c, "theta between 0 and pi");
    }
    c.p = after;
    MB_TRY(take_comma(&c, fields));
    skip_blanks(&c);
    const char *charge = mb_parse_int64(c.p, c.end, &particle->charge);
    if (charge == NULL || (charge < c.end && is_in_number(*charge))) {
        return fail_expected(&c, "an integer charge");
    }
    c.p = charge;
    MB_TRY(take_end(&c, "the end of the line after 4 fields"));
    particle->p = value[0];
    particle->theta = value[1];
    particle->phi = value[2];
    return MB_OK;
}
