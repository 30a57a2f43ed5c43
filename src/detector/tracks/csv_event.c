// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/math.h"
#include "detector/tracks/reader.h"
#include "detector/tracks/truth.h"
#include "files/number_table.h"
#include "geometry/barrel.h"

#include <math.h>
#include <stdlib.h>

// TrackML events: four tables PREFIX-KIND.csv, beside each other or inside one archive.

enum { HITS, TRUTH, PARTICLES, CELLS, N_TABLES };
static const char *const table_names[N_TABLES] = {"hits", "truth", "particles", "cells"};

// Columns, in the order of their tables.
enum { HIT_ID, HIT_X, HIT_Y, HIT_Z, HIT_VOLUME, HIT_LAYER, N_HIT };
enum { TRUTH_HIT, TRUTH_PARTICLE, TRUTH_Z, TRUTH_WEIGHT, N_TRUTH };
enum { PARTICLE_ID, PARTICLE_VZ, PARTICLE_PX, PARTICLE_PY, PARTICLE_PZ, N_PARTICLE };
enum { CELL_HIT, CELL_VALUE, N_CELL };

typedef struct event {
    mb_tracks_reader *reader;
    mb_zip *zip;        // NULL: files
    const char *prefix; // "DIR/event000001000", in the archive without DIR
    char name[1200];    // of the table at work, for messages
    int64_t number;
    mb_number_column hit[N_HIT], truth[N_TRUTH], particle[N_PARTICLE], cell[N_CELL];
    size_t n_hits, n_truth, n_particles, n_cells, first;
    mb_tracks_member *by_id;       // hits by hit_id
    mb_tracks_member *of_particle; // particles by id
    bool *is_told;                 // hits that the truth has named
    bool has_table[N_TABLES];
} event;

static mb_status read_member(event *e, const char *name, mb_number_column *columns, size_t n,
    size_t *n_rows, bool *is_there) {
    const size_t member = mb_zip_find(e->zip, name);
    *is_there = member != SIZE_MAX;
    if (!*is_there) {
        return MB_OK;
    }
    char *bytes = NULL;
    size_t length = 0;
    mb_status status = mb_zip_read(e->zip, member, &bytes, &length);
    if (status == MB_OK) {
        status = mb_number_table_parse(e->reader->ctx, name, bytes, length, columns, n, n_rows);
    }
    mb_release(e->reader->ctx, bytes);
    return status;
}

static mb_status read_table(
    event *e, size_t kind, mb_number_column *columns, size_t n, size_t *n_rows) {
    static const char *const suffixes[] = {".csv", ".csv.gz"};
    e->has_table[kind] = false;
    for (size_t i = 0; i < MB_COUNT_OF(suffixes) && !e->has_table[kind]; i++) {
        (void)mb_format(
            e->name, sizeof e->name, "%s-%s%s", e->prefix, table_names[kind], suffixes[i]);
        if (e->zip != NULL) {
            // A compressed table inside an archive would be compressed twice.
            MB_TRY(
                i > 0 ? MB_OK : read_member(e, e->name, columns, n, n_rows, &e->has_table[kind]));
        } else if (mb_path_exists(e->name)) {
            e->has_table[kind] = true;
            MB_TRY(mb_number_table_read(e->reader->ctx, e->name, columns, n, n_rows));
        }
    }
    return MB_OK;
}

static mb_status fail_absent(const event *e, size_t kind) {
    return mb_fail(e->reader->ctx, MB_ERR_FORMAT,
        "%s-%s.csv: there is no such table; put it beside the hits", e->prefix, table_names[kind]);
}

static int64_t id_at(const mb_number_column *column, size_t row) {
    return ((const int64_t *)column->value)[row];
}

static float float_at(const mb_number_column *column, size_t row) {
    return ((const float *)column->value)[row];
}

static mb_status make_index(
    event *e, const mb_number_column *ids, size_t n, mb_tracks_member **out, const char *what) {
    *out = mb_allocate(e->reader->ctx, n, sizeof **out);
    if (*out == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_tracks_sort_members(ids->value, n, *out);
    for (size_t i = 1; i < n; i++) {
        if ((*out)[i].particle == (*out)[i - 1].particle) {
            return mb_fail(e->reader->ctx, MB_ERR_FORMAT,
                "%s:%zu: %s %lld is in line %zu already; give each once", e->name,
                (size_t)(*out)[i].hit + 2, what, (long long)(*out)[i].particle,
                (size_t)(*out)[i - 1].hit + 2);
        }
    }
    return MB_OK;
}

// The row of an id, or SIZE_MAX.
static size_t find_row(const mb_tracks_member *index, size_t n, int64_t id) {
    size_t first = 0;
    for (size_t left = n; left > 0;) {
        const size_t half = left / 2;
        const bool is_below = index[first + half].particle < id;
        first += is_below ? half + 1 : 0;
        left = is_below ? left - half - 1 : half;
    }
    return first < n && index[first].particle == id ? (size_t)index[first].hit : SIZE_MAX;
}

static float layer_of(int64_t volume, int64_t layer) {
    const int v = volume >= 0 ? mb_barrel_volume_of((uint64_t)volume) : -1;
    if (v < 0 || layer < 2 || layer % 2 != 0 || layer / 2 > mb_barrel_volumes[v].n_layers) {
        return -1;
    }
    return (float)(mb_barrel_volumes[v].first_layer + (int)(layer / 2) - 1);
}

static bool is_wanted(const mb_texts *texts, const char *name) {
    for (size_t i = 0; i < texts->n; i++) {
        if (strcmp(texts->value[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static mb_status read_hits(event *e) {
    static const mb_number_column columns[N_HIT] = {{.name = "hit_id", .dtype = MB_I64},
        {.name = "x", .dtype = MB_F32}, {.name = "y", .dtype = MB_F32},
        {.name = "z", .dtype = MB_F32}, {.name = "volume_id", .dtype = MB_I64},
        {.name = "layer_id", .dtype = MB_I64}};
    memcpy(e->hit, columns, sizeof columns);
    MB_TRY(read_table(e, HITS, e->hit, N_HIT, &e->n_hits));
    if (!e->has_table[HITS]) {
        return fail_absent(e, HITS);
    }
    if (e->n_hits >= INT32_MAX) {
        return mb_fail(e->reader->ctx, MB_ERR_LIMIT, "%s: more than 2^31 hits; cut it", e->name);
    }
    return make_index(e, &e->hit[HIT_ID], e->n_hits, &e->by_id, "hit_id");
}

// Events bring the same arrays, or what one lacks would be left unfilled.
static mb_status check_tables(const event *e) {
    const mb_tracks_store *store = e->reader->store;
    const bool had_table[] = {
        [TRUTH] = store->has_particle, [PARTICLES] = mb_tracks_store_find(store, "pt") != NULL};
    const bool has_table[] = {[TRUTH] = e->has_table[TRUTH],
        [PARTICLES] = e->has_table[TRUTH] && e->has_table[PARTICLES]};
    for (size_t kind = TRUTH; kind <= PARTICLES && store->n > 0; kind++) {
        if (had_table[kind] != has_table[kind]) {
            return mb_fail(e->reader->ctx, MB_ERR_FORMAT,
                "%s-%s.csv: this event %s such a table, those before %s; give all events the same",
                e->prefix, table_names[kind], has_table[kind] ? "has" : "lacks",
                had_table[kind] ? "have one" : "lack it");
        }
    }
    return MB_OK;
}

static mb_status put_hits(event *e) {
    mb_tracks_store *store = e->reader->store;
    MB_TRY(check_tables(e));
    mb_tracks_field *field;
    const mb_tracks_settings *settings = e->reader->settings;
    MB_TRY(mb_tracks_store_field(store, "xyz", 3, &field));
    MB_TRY(mb_tracks_store_field(store, "layer", 1, &field));
    if (is_wanted(&settings->features, "cells") || is_wanted(&settings->builder.of, "cells")) {
        MB_TRY(mb_tracks_store_field(store, "cells", 2, &field));
    }
    if (e->has_table[TRUTH] && e->truth[TRUTH_WEIGHT].is_there) {
        MB_TRY(mb_tracks_store_field(store, "weight", 1, &field));
    }
    if (e->has_table[TRUTH] && e->has_table[PARTICLES]) {
        MB_TRY(mb_tracks_store_field(store, "pt", 1, &field));
        MB_TRY(mb_tracks_store_field(store, "eta", 1, &field));
    }
    if (e->has_table[TRUTH] && !e->truth[TRUTH_WEIGHT].is_there) {
        MB_TRY(mb_tracks_store_field(store, mb_tracks_way, 1, &field));
    }
    store->has_particle = e->has_table[TRUTH];
    MB_TRY(mb_tracks_store_begin(store, e->n_hits, &e->first));
    float *xyz = mb_tracks_store_find(store, "xyz")->value + 3 * e->first;
    float *layer = mb_tracks_store_find(store, "layer")->value + e->first;
    for (size_t i = 0; i < e->n_hits; i++) {
        for (size_t c = 0; c < 3; c++) {
            xyz[3 * i + c] = float_at(&e->hit[HIT_X + c], i);
            if (!isfinite(xyz[3 * i + c])) {
                return mb_fail(e->reader->ctx, MB_ERR_RANGE,
                    "%s-hits.csv:%zu: %s is too large; correct the line", e->prefix, i + 2,
                    e->hit[HIT_X + c].name);
            }
        }
        layer[i] = layer_of(id_at(&e->hit[HIT_VOLUME], i), id_at(&e->hit[HIT_LAYER], i));
    }
    return MB_OK;
}

static mb_status read_truth(event *e) {
    static const mb_number_column columns[N_TRUTH] = {{.name = "hit_id", .dtype = MB_I64},
        {.name = "particle_id", .dtype = MB_I64},
        {.name = "tz", .dtype = MB_F32, .is_optional = true},
        {.name = "weight", .dtype = MB_F32, .is_optional = true}};
    memcpy(e->truth, columns, sizeof columns);
    MB_TRY(read_table(e, TRUTH, e->truth, N_TRUTH, &e->n_truth));
    if (!e->has_table[TRUTH] && e->reader->needs_truth) {
        return fail_absent(e, TRUTH);
    }
    return MB_OK;
}

static mb_status read_particles(event *e) {
    static const mb_number_column columns[N_PARTICLE] = {{.name = "particle_id", .dtype = MB_I64},
        {.name = "vz", .dtype = MB_F32}, {.name = "px", .dtype = MB_F32},
        {.name = "py", .dtype = MB_F32}, {.name = "pz", .dtype = MB_F32}};
    memcpy(e->particle, columns, sizeof columns);
    MB_TRY(read_table(e, PARTICLES, e->particle, N_PARTICLE, &e->n_particles));
    return e->has_table[PARTICLES] ? make_index(e, &e->particle[PARTICLE_ID], e->n_particles,
                                         &e->of_particle, "particle_id")
                                   : MB_OK;
}

// asinh(pz / pt), that of a vanishing pt kept finite.
static float eta_of(double pt, double pz) {
    const double t = fabs(pz) / fmax(pt, 1e-9);
    const double eta = mb_log(t + sqrt(t * t + 1));
    return (float)(pz < 0 ? -eta : eta);
}

static void put_particle(event *e, size_t hit, int64_t id) {
    mb_tracks_store *store = e->reader->store;
    float *pt = mb_tracks_store_find(store, "pt")->value + e->first + hit;
    float *eta = mb_tracks_store_find(store, "eta")->value + e->first + hit;
    const size_t row = find_row(e->of_particle, e->n_particles, id);
    *pt = *eta = 0;
    if (row == SIZE_MAX) {
        return;
    }
    const double px = (double)float_at(&e->particle[PARTICLE_PX], row);
    const double py = (double)float_at(&e->particle[PARTICLE_PY], row);
    const double value = sqrt(px * px + py * py);
    *pt = (float)value;
    *eta = eta_of(value, (double)float_at(&e->particle[PARTICLE_PZ], row));
    mb_tracks_field *way = mb_tracks_store_find(store, mb_tracks_way);
    if (way != NULL) {
        way->value[e->first + hit] -= float_at(&e->particle[PARTICLE_VZ], row);
    }
}

static mb_status put_truth(event *e) {
    if (!e->has_table[TRUTH]) {
        return MB_OK;
    }
    mb_tracks_store *store = e->reader->store;
    int64_t *particle = store->particle + e->first;
    mb_tracks_field *weight = mb_tracks_store_find(store, "weight");
    mb_tracks_field *way = mb_tracks_store_find(store, mb_tracks_way);
    for (size_t i = 0; i < e->n_hits; i++) {
        particle[i] = 0;
        *(weight != NULL ? &weight->value[e->first + i] : &way->value[e->first + i]) = 0;
    }
    e->is_told = mb_allocate_zeroed(e->reader->ctx, e->n_hits, sizeof *e->is_told);
    if (e->is_told == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t row = 0; row < e->n_truth; row++) {
        const int64_t id = id_at(&e->truth[TRUTH_HIT], row);
        const size_t hit = find_row(e->by_id, e->n_hits, id);
        if (hit == SIZE_MAX) {
            return mb_fail(e->reader->ctx, MB_ERR_FORMAT,
                "%s-truth.csv:%zu: hit_id %lld is not among the hits; correct the line", e->prefix,
                row + 2, (long long)id);
        }
        if (e->is_told[hit]) {
            return mb_fail(e->reader->ctx, MB_ERR_FORMAT,
                "%s-truth.csv:%zu: hit_id %lld is in a line before already; give each once",
                e->prefix, row + 2, (long long)id);
        }
        e->is_told[hit] = true;
        particle[hit] = id_at(&e->truth[TRUTH_PARTICLE], row);
        if (weight != NULL) {
            weight->value[e->first + hit] = float_at(&e->truth[TRUTH_WEIGHT], row);
        } else {
            const bool has_z = e->truth[TRUTH_Z].is_there;
            way->value[e->first + hit] =
                has_z ? float_at(&e->truth[TRUTH_Z], row) : float_at(&e->hit[HIT_Z], hit);
        }
    }
    for (size_t hit = 0; e->has_table[PARTICLES] && hit < e->n_hits; hit++) {
        put_particle(e, hit, particle[hit]);
    }
    return MB_OK;
}

// Number of cells and their summed value, hit by hit.
static mb_status put_cells(event *e) {
    static const mb_number_column columns[N_CELL] = {
        {.name = "hit_id", .dtype = MB_I64}, {.name = "value", .dtype = MB_F32}};
    const mb_tracks_field *field = mb_tracks_store_find(e->reader->store, "cells");
    if (field == NULL) {
        return MB_OK;
    }
    memcpy(e->cell, columns, sizeof columns);
    MB_TRY(read_table(e, CELLS, e->cell, N_CELL, &e->n_cells));
    if (!e->has_table[CELLS]) {
        return fail_absent(e, CELLS);
    }
    float *cells = field->value + 2 * e->first;
    for (size_t i = 0; i < 2 * e->n_hits; i++) {
        cells[i] = 0;
    }
    for (size_t row = 0; row < e->n_cells; row++) {
        const int64_t id = id_at(&e->cell[CELL_HIT], row);
        const size_t hit = find_row(e->by_id, e->n_hits, id);
        if (hit == SIZE_MAX) {
            return mb_fail(e->reader->ctx, MB_ERR_FORMAT,
                "%s:%zu: hit_id %lld is not among the hits; correct the line", e->name, row + 2,
                (long long)id);
        }
        cells[2 * hit] += 1;
        cells[2 * hit + 1] += float_at(&e->cell[CELL_VALUE], row);
        if (!isfinite(cells[2 * hit + 1])) {
            return mb_fail(e->reader->ctx, MB_ERR_RANGE,
                "%s:%zu: value makes the sum of hit %lld too large; correct the line", e->name,
                row + 2, (long long)id);
        }
    }
    return MB_OK;
}

static mb_status read_event(event *e) {
    if (e->reader->settings->builder.kind == MB_TRACKS_AS_GIVEN) {
        return mb_fail(e->reader->ctx, MB_ERR_UNSUPPORTED,
            "%s: TrackML events hold no graphs; say how to build them in data.graph, such as "
            "{segments: {phi_slope: 0.0006, z0: 100}}",
            e->prefix);
    }
    MB_TRY(read_hits(e));
    MB_TRY(read_truth(e));
    MB_TRY(read_particles(e));
    MB_TRY(put_hits(e));
    MB_TRY(put_truth(e));
    MB_TRY(put_cells(e));
    return mb_tracks_end_sample(e->reader, e->first, e->n_hits, e->number);
}

// The number in "event000001000", or that of the sample.
static int64_t number_of(const char *prefix, int64_t otherwise) {
    const char *slash = strrchr(prefix, '/');
    const char *name = slash != NULL ? slash + 1 : prefix;
    int64_t number;
    return strncmp(name, "event", 5) == 0 && mb_text_to_int64(name + 5, &number) ? number
                                                                                 : otherwise;
}

static mb_status read_prefix(mb_tracks_reader *reader, mb_zip *zip, const char *prefix) {
    event *e = mb_allocate_zeroed(reader->ctx, 1, sizeof *e);
    if (e == NULL) {
        return MB_ERR_MEMORY;
    }
    e->reader = reader;
    e->zip = zip;
    e->prefix = prefix;
    e->number = number_of(prefix, reader->next_sample);
    if (reader->store->n == 0) {
        mb_tracks_store_forget_fields(reader->store);
    }
    const mb_status status = read_event(e);
    mb_number_columns_release(reader->ctx, e->hit, N_HIT);
    mb_number_columns_release(reader->ctx, e->truth, N_TRUTH);
    mb_number_columns_release(reader->ctx, e->particle, N_PARTICLE);
    mb_number_columns_release(reader->ctx, e->cell, N_CELL);
    mb_release(reader->ctx, e->by_id);
    mb_release(reader->ctx, e->of_particle);
    mb_release(reader->ctx, e->is_told);
    mb_release(reader->ctx, e);
    reader->next_sample++;
    return status != MB_OK && mb_tracks_may_drop(reader, status) ? MB_OK : status;
}

static mb_status read_name(mb_tracks_reader *reader, mb_zip *zip, const char *name) {
    const char *end = strstr(name, "-hits.csv");
    for (const char *next = end; next != NULL; next = strstr(next + 1, "-hits.csv")) {
        end = next;
    }
    char *prefix = mb_copy_text(reader->ctx, name);
    if (prefix == NULL) {
        return MB_ERR_MEMORY;
    }
    prefix[end != NULL ? (size_t)(end - name) : 0] = '\0';
    const mb_status status = read_prefix(reader, zip, prefix);
    mb_release(reader->ctx, prefix);
    return status;
}

mb_status mb_tracks_read_csv(mb_tracks_reader *reader, const char *path) {
    return read_name(reader, NULL, path);
}

mb_status mb_tracks_parse_zip(mb_tracks_reader *reader, const char *path, mb_zip *zip) {
    size_t n_found = 0;
    for (size_t i = 0; i < mb_zip_n_members(zip); i++) {
        const char *name = mb_zip_name(zip, i);
        if (mb_path_has_suffix(name, "-hits.csv")) {
            n_found++;
            MB_TRY(read_name(reader, zip, name));
        }
    }
    return n_found > 0 ? MB_OK
                       : mb_fail(reader->ctx, MB_ERR_FORMAT,
                             "%s: holds no event: no member ends in -hits.csv", path);
}

mb_status mb_tracks_read_zip(mb_tracks_reader *reader, const char *path) {
    mb_zip *zip = NULL;
    mb_status status = mb_zip_open(reader->ctx, path, &zip);
    if (status == MB_OK) {
        status = mb_tracks_parse_zip(reader, path, zip);
    }
    mb_zip_close(zip);
    return status;
}
