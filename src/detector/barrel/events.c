// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/barrel/events.h"

#include "base/math.h"
#include "detector/barrel/lines.h"
#include "detector/barrel/scan.h"

static mb_barrel_place place_of(const mb_barrel_lines *lines, size_t length) {
    return (mb_barrel_place){
        lines->path, lines->line, lines->offset, mb_barrel_lines_is_unfinished(lines, length)};
}

// What the end of the file leaves open. The separator of the last event may be missing.
static mb_status end_file(mb_context *ctx, const mb_barrel_lines *lines,
    const mb_barrel_event_rules *rules, mb_barrel_ending *ending) {
    if (ending->is_open && rules->strict_event_end) {
        return mb_fail(ctx, MB_ERR_FORMAT,
            "%s:%llu:1: no blank line behind the last event; put one, or leave out "
            "data.strict_event_end",
            lines->path, (unsigned long long)lines->line);
    }
    return MB_OK;
}

// A line that a reader refused: the cut end of a file may be dropped with its event.
static mb_status drop_if_cut(mb_context *ctx, const mb_barrel_event_rules *rules,
    const mb_barrel_place *place, mb_status status, bool *is_cut) {
    if (status == MB_ERR_FORMAT && place->is_unfinished && rules->skip_last_event) {
        mb_context_clear(ctx);
        *is_cut = true;
        return MB_OK;
    }
    return status;
}

typedef struct hit_reader {
    mb_context *ctx;
    mb_barrel_lines lines;
    mb_barrel_scan *scan;
    const mb_barrel_event_rules *rules;
    mb_barrel_hit *hits;
    size_t n, capacity;
    bool is_cut;
} hit_reader;

// Takes the line at begin into hits, or finds that it separates events.
static mb_status read_line(hit_reader *r, const char *line, bool *is_separator) {
    mb_barrel_lines *lines = &r->lines;
    mb_barrel_hit *hit = &r->hits[r->n];
    const size_t rest = lines->ready - lines->begin;
    size_t length;
    *is_separator = *line == '\n' || *line == '#';
    if (!*is_separator && mb_barrel_scan_hit(r->scan, line, rest, hit, &length)) {
        hit->line = lines->line;
        r->n++;
        mb_barrel_lines_skip(lines, length);
        return MB_OK;
    }
    const char *end = memchr(line, '\n', rest);
    length = (size_t)(end - line);
    *is_separator = *is_separator || mb_barrel_line_is_blank(line, end);
    if (!*is_separator) {
        const mb_barrel_place place = place_of(lines, length);
        const mb_status status = mb_barrel_hit_parse(r->ctx, &place, line, end, hit);
        MB_TRY(drop_if_cut(r->ctx, r->rules, &place, status, &r->is_cut));
        r->n += status == MB_OK;
    }
    mb_barrel_lines_skip(lines, length);
    return MB_OK;
}

static mb_status read_hits(
    hit_reader *r, mb_barrel_event_fn take, void *user, mb_barrel_ending *ending) {
    bool is_there = true;
    while (true) {
        const char *line;
        MB_TRY(mb_barrel_lines_next(&r->lines, &line, &is_there));
        if (!is_there) {
            break;
        }
        MB_TRY(mb_grow(r->ctx, &r->hits, &r->capacity, r->n + 1, sizeof *r->hits));
        bool is_separator;
        MB_TRY(read_line(r, line, &is_separator));
        if (is_separator && r->n > 0) {
            MB_TRY(take(user, r->ctx, ending->n_events++, r->hits, r->n));
            r->n = 0;
        }
    }
    ending->is_cut = r->is_cut;
    ending->is_open = r->n > 0 && !r->is_cut;
    MB_TRY(end_file(r->ctx, &r->lines, r->rules, ending));
    if (ending->is_open) {
        MB_TRY(take(user, r->ctx, ending->n_events++, r->hits, r->n));
    }
    return MB_OK;
}

mb_status mb_barrel_hits_read(mb_context *ctx, const char *path, const mb_barrel_event_rules *rules,
    mb_barrel_event_fn take, void *user, mb_barrel_ending *ending) {
    hit_reader reader = {.ctx = ctx, .rules = rules};
    *ending = (mb_barrel_ending){0};
    mb_status status = mb_barrel_lines_open(&reader.lines, ctx, path);
    if (status == MB_OK) {
        reader.scan = mb_allocate(ctx, 1, sizeof *reader.scan);
        status = reader.scan != NULL ? MB_OK : MB_ERR_MEMORY;
    }
    if (status == MB_OK) {
        mb_barrel_scan_start(reader.scan, mb_runtime_cpu(mb_context_runtime(ctx)));
        status = read_hits(&reader, take, user, ending);
    }
    mb_release(ctx, reader.scan);
    mb_release(ctx, reader.hits);
    mb_barrel_lines_close(&reader.lines);
    return status;
}

typedef struct particle_reader {
    mb_context *ctx;
    mb_barrel_lines lines;
    const mb_barrel_event_rules *rules;
    mb_barrel_particles *out;
    mb_barrel_index index;
    bool wants_eta, is_cut;
} particle_reader;

static mb_status grow_particles(particle_reader *r) {
    mb_barrel_particles *out = r->out;
    if (out->n < out->capacity) {
        return MB_OK;
    }
    const size_t count = out->n + 1;
    size_t capacity[4] = {out->capacity, out->capacity, out->capacity, out->capacity};
    MB_TRY(mb_grow(r->ctx, &out->barcode, &capacity[0], count, sizeof *out->barcode));
    MB_TRY(mb_grow(r->ctx, &out->pt, &capacity[1], count, sizeof *out->pt));
    MB_TRY(mb_grow(r->ctx, &out->line, &capacity[2], count, sizeof *out->line));
    if (r->wants_eta) {
        MB_TRY(mb_grow(r->ctx, &out->eta, &capacity[3], count, sizeof *out->eta));
    }
    out->capacity = capacity[0];
    return MB_OK;
}

static mb_status add_particle(particle_reader *r, const mb_barrel_particle *particle) {
    MB_TRY(grow_particles(r));
    mb_barrel_particles *out = r->out;
    const float theta = (float)particle->theta;
    out->barcode[out->n] = particle->barcode;
    out->pt[out->n] = (float)particle->p * (float)mb_sin((double)theta);
    out->line[out->n] = (uint32_t)(r->lines.line < UINT32_MAX ? r->lines.line : UINT32_MAX);
    if (r->wants_eta) {
        const float tangent = (float)mb_tan((double)(theta / 2));
        out->eta[out->n] = -(float)mb_log((double)tangent);
    }
    out->n++;
    return MB_OK;
}

static mb_status end_particles(particle_reader *r) {
    mb_barrel_particles *out = r->out;
    const size_t first = out->first[out->n_events];
    if (out->n == first) {
        return MB_OK;
    }
    MB_TRY(mb_barrel_index_start(&r->index, r->ctx, out->n - first));
    for (size_t i = first; i < out->n; i++) {
        const uint32_t other =
            mb_barrel_index_put(&r->index, out->barcode[i], (uint32_t)(i - first));
        if (other != UINT32_MAX) {
            return mb_fail(r->ctx, MB_ERR_FORMAT,
                "%s:%u:1: barcode %llu is also that of line %u of the same event; remove one",
                r->lines.path, out->line[i], (unsigned long long)out->barcode[i],
                out->line[first + other]);
        }
    }
    MB_TRY(
        mb_grow(r->ctx, &out->first, &out->first_capacity, out->n_events + 2, sizeof *out->first));
    out->first[++out->n_events] = (uint32_t)out->n;
    return MB_OK;
}

static mb_status read_particle_line(particle_reader *r, const char *line, bool *is_separator) {
    const char *end = memchr(line, '\n', r->lines.ready - r->lines.begin);
    const size_t length = (size_t)(end - line);
    *is_separator = *line == '#' || mb_barrel_line_is_blank(line, end);
    if (!*is_separator) {
        const mb_barrel_place place = place_of(&r->lines, length);
        mb_barrel_particle particle;
        const mb_status status = mb_barrel_particle_parse(r->ctx, &place, line, end, &particle);
        MB_TRY(drop_if_cut(r->ctx, r->rules, &place, status, &r->is_cut));
        if (status == MB_OK) {
            MB_TRY(add_particle(r, &particle));
        }
    }
    mb_barrel_lines_skip(&r->lines, length);
    return MB_OK;
}

static mb_status read_particles(particle_reader *r) {
    mb_barrel_particles *out = r->out;
    MB_TRY(mb_grow(r->ctx, &out->first, &out->first_capacity, 1, sizeof *out->first));
    out->first[0] = 0;
    while (true) {
        const char *line;
        bool is_there;
        MB_TRY(mb_barrel_lines_next(&r->lines, &line, &is_there));
        if (!is_there) {
            break;
        }
        bool is_separator;
        MB_TRY(read_particle_line(r, line, &is_separator));
        if (is_separator) {
            MB_TRY(end_particles(r));
        }
    }
    if (r->is_cut) {
        out->n = out->first[out->n_events];
    }
    out->ending.is_cut = r->is_cut;
    out->ending.is_open = out->n > out->first[out->n_events];
    MB_TRY(end_file(r->ctx, &r->lines, r->rules, &out->ending));
    MB_TRY(end_particles(r));
    out->ending.n_events = out->n_events;
    return MB_OK;
}

mb_status mb_barrel_particles_read(mb_context *ctx, const char *path,
    const mb_barrel_event_rules *rules, bool wants_eta, mb_barrel_particles *out) {
    *out = (mb_barrel_particles){0};
    particle_reader reader = {.ctx = ctx, .rules = rules, .out = out, .wants_eta = wants_eta};
    mb_status status = mb_barrel_lines_open(&reader.lines, ctx, path);
    if (status == MB_OK) {
        status = read_particles(&reader);
    }
    mb_barrel_index_clear(&reader.index, ctx);
    mb_barrel_lines_close(&reader.lines);
    return status;
}

void mb_barrel_particles_clear(mb_barrel_particles *particles, mb_context *ctx) {
    mb_release(ctx, particles->barcode);
    mb_release(ctx, particles->pt);
    mb_release(ctx, particles->eta);
    mb_release(ctx, particles->line);
    mb_release(ctx, particles->first);
    *particles = (mb_barrel_particles){0};
}

mb_status mb_barrel_events_count(mb_context *ctx, const char *path, uint64_t *n) {
    mb_barrel_lines lines;
    *n = 0;
    mb_status status = mb_barrel_lines_open(&lines, ctx, path);
    bool is_inside = false;
    while (status == MB_OK) {
        const char *line;
        bool is_there = false;
        status = mb_barrel_lines_next(&lines, &line, &is_there);
        if (status != MB_OK || !is_there) {
            break;
        }
        const char *end = memchr(line, '\n', lines.ready - lines.begin);
        const bool is_separator = *line == '#' || mb_barrel_line_is_blank(line, end);
        *n += !is_separator && !is_inside;
        is_inside = !is_separator;
        mb_barrel_lines_skip(&lines, (size_t)(end - line));
    }
    mb_barrel_lines_close(&lines);
    return status;
}
