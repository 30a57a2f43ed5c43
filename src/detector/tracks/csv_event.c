// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/math.h"
#include "detector/tracks/reader.h"
#include "detector/tracks/ids.h"
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

struct mb_tracks_event {
    mb_context *ctx;
    const mb_tracks_reader *reader; // the settings are read, nothing is written
    mb_zip *zip;                    // NULL: files
    char *prefix;                   // "DIR/event000001000", in the archive without DIR
    char name[1200];                // of the table at work, for messages
    mb_number_column hit[N_HIT], truth[N_TRUTH], particle[N_PARTICLE], cell[N_CELL];
    size_t n_hits, n_truth, n_particles, n_cells, first;
    mb_tracks_ids by_id;       // hits by hit_id
    mb_tracks_ids of_particle; // particles by id
    float *pt, *eta;           // of particles
    bool *is_told;             // hits that the truth has named
    bool has_table[N_TABLES];
};
typedef struct mb_tracks_event event;

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
        status = mb_number_table_parse(e->ctx, name, bytes, length, columns, n, n_rows);
    }
    mb_release(e->ctx, bytes);
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
            MB_TRY(mb_number_table_read(e->ctx, e->name, columns, n, n_rows));
        }
    }
    return MB_OK;
}

static mb_status fail_absent(const event *e, size_t kind) {
    return mb_fail(e->ctx, MB_ERR_FORMAT,
        "%s-%s.csv: there is no such table; put it beside the hits", e->prefix, table_names[kind]);
}

static int64_t id_at(const mb_number_column *column, size_t row) {
    return ((const int64_t *)column->value)[row];
}

static float float_at(const mb_number_column *column, size_t row) {
    return ((const float *)column->value)[row];
}

static mb_status make_index(
    event *e, mb_tracks_ids *index, const mb_number_column *ids, size_t n, const char *what) {
    size_t twice;
    MB_TRY(mb_tracks_ids_make(index, e->ctx, ids->value, n, &twice));
    for (size_t i = 0; twice != SIZE_MAX; i++) {
        if (id_at(ids, i) == id_at(ids, twice)) {
            return mb_fail(e->ctx, MB_ERR_FORMAT,
                "%s:%zu: %s %lld is in line %zu already; give each once", e->name, twice + 2, what,
                (long long)id_at(ids, twice), i + 2);
        }
    }
    return MB_OK;
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

static bool needs_cells(const event *e) {
    const mb_tracks_settings *settings = e->reader->settings;
    return is_wanted(&settings->features, "cells") || is_wanted(&settings->builder.of, "cells");
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
        return mb_fail(e->ctx, MB_ERR_LIMIT, "%s: more than 2^31 hits; cut it", e->name);
    }
    return make_index(e, &e->by_id, &e->hit[HIT_ID], e->n_hits, "hit_id");
}

// Events bring the same arrays, or what one lacks would be left unfilled.
static mb_status check_tables(const event *e, const mb_tracks_store *store) {
    const bool had_table[] = {
        [TRUTH] = store->has_particle, [PARTICLES] = mb_tracks_store_find(store, "pt") != NULL};
    const bool has_table[] = {[TRUTH] = e->has_table[TRUTH],
        [PARTICLES] = e->has_table[TRUTH] && e->has_table[PARTICLES]};
    for (size_t kind = TRUTH; kind <= PARTICLES && store->n > 0; kind++) {
        if (had_table[kind] != has_table[kind]) {
            return mb_fail(e->ctx, MB_ERR_FORMAT,
                "%s-%s.csv: this event %s such a table, those before %s; give all events the same",
                e->prefix, table_names[kind], has_table[kind] ? "has" : "lacks",
                had_table[kind] ? "have one" : "lack it");
        }
    }
    return MB_OK;
}

// The arrays that the event's tables give.
static mb_status make_fields(const event *e, mb_tracks_store *store) {
    mb_tracks_field *field;
    MB_TRY(mb_tracks_store_field(store, "xyz", 3, &field));
    MB_TRY(mb_tracks_store_field(store, "layer", 1, &field));
    if (needs_cells(e)) {
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
    store->has_hit_id = true;
    return MB_OK;
}

static mb_status put_hits(event *e, mb_tracks_store *store) {
    MB_TRY(check_tables(e, store));
    MB_TRY(make_fields(e, store));
    MB_TRY(mb_tracks_store_begin(store, e->n_hits, &e->first));
    float *xyz = mb_tracks_store_find(store, "xyz")->value + 3 * e->first;
    float *layer = mb_tracks_store_find(store, "layer")->value + e->first;
    for (size_t i = 0; i < e->n_hits; i++) {
        for (size_t c = 0; c < 3; c++) {
            xyz[3 * i + c] = float_at(&e->hit[HIT_X + c], i);
            if (!isfinite(xyz[3 * i + c])) {
                return mb_fail(e->ctx, MB_ERR_RANGE,
                    "%s-hits.csv:%zu: %s is too large; correct the line", e->prefix, i + 2,
                    e->hit[HIT_X + c].name);
            }
        }
        layer[i] = layer_of(id_at(&e->hit[HIT_VOLUME], i), id_at(&e->hit[HIT_LAYER], i));
    }
    if (e->n_hits > 0) {
        memcpy(store->hit_id + e->first, e->hit[HIT_ID].value, e->n_hits * sizeof *store->hit_id);
    }
    return MB_OK;
}

static mb_status read_truth(event *e) {
    static const mb_number_column columns[N_TRUTH] = {{.name = "hit_id", .dtype = MB_I64},
        {.name = "particle_id", .dtype = MB_I64},
        {.name = "tz", .dtype = MB_F32, .is_optional = true, .unless = "weight"},
        {.name = "weight", .dtype = MB_F32, .is_optional = true}};
    memcpy(e->truth, columns, sizeof columns);
    MB_TRY(read_table(e, TRUTH, e->truth, N_TRUTH, &e->n_truth));
    if (!e->has_table[TRUTH] && e->reader->needs_truth) {
        return fail_absent(e, TRUTH);
    }
    return MB_OK;
}

// asinh(pz / pt), that of a vanishing pt kept finite.
static float eta_of(double pt, double pz) {
    const double t = fabs(pz) / fmax(pt, 1e-9);
    const double eta = mb_log(t + sqrt(t * t + 1));
    return (float)(pz < 0 ? -eta : eta);
}

static mb_status weigh_particles(event *e) {
    e->pt = mb_allocate(e->ctx, e->n_particles, sizeof *e->pt);
    e->eta = mb_allocate(e->ctx, e->n_particles, sizeof *e->eta);
    if (e->pt == NULL || e->eta == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t row = 0; row < e->n_particles; row++) {
        for (size_t c = PARTICLE_VZ; c < N_PARTICLE; c++) {
            if (!isfinite(float_at(&e->particle[c], row))) {
                return mb_fail(e->ctx, MB_ERR_RANGE,
                    "%s-particles.csv:%zu: %s is too large; correct the line", e->prefix, row + 2,
                    e->particle[c].name);
            }
        }
        const double px = (double)float_at(&e->particle[PARTICLE_PX], row);
        const double py = (double)float_at(&e->particle[PARTICLE_PY], row);
        const double pt = sqrt(px * px + py * py);
        e->pt[row] = (float)pt;
        e->eta[row] = eta_of(pt, (double)float_at(&e->particle[PARTICLE_PZ], row));
    }
    return MB_OK;
}

static mb_status read_particles(event *e) {
    static const mb_number_column columns[N_PARTICLE] = {{.name = "particle_id", .dtype = MB_I64},
        {.name = "vz", .dtype = MB_F32}, {.name = "px", .dtype = MB_F32},
        {.name = "py", .dtype = MB_F32}, {.name = "pz", .dtype = MB_F32}};
    memcpy(e->particle, columns, sizeof columns);
    MB_TRY(read_table(e, PARTICLES, e->particle, N_PARTICLE, &e->n_particles));
    if (!e->has_table[PARTICLES]) {
        return MB_OK;
    }
    if (e->n_particles >= INT32_MAX) {
        return mb_fail(e->ctx, MB_ERR_LIMIT, "%s: more than 2^31 particles; cut it", e->name);
    }
    MB_TRY(
        make_index(e, &e->of_particle, &e->particle[PARTICLE_ID], e->n_particles, "particle_id"));
    return weigh_particles(e);
}

// What a hit takes from its particle.
static void put_particles(const event *e, mb_tracks_store *store) {
    const int64_t *particle = store->particle + e->first;
    float *pt = mb_tracks_store_find(store, "pt")->value + e->first;
    float *eta = mb_tracks_store_find(store, "eta")->value + e->first;
    mb_tracks_field *way = mb_tracks_store_find(store, mb_tracks_way);
    for (size_t hit = 0; hit < e->n_hits; hit++) {
        const size_t row = mb_tracks_ids_find(&e->of_particle, particle[hit]);
        const bool is_known = row != SIZE_MAX;
        pt[hit] = is_known ? e->pt[row] : 0;
        eta[hit] = is_known ? e->eta[row] : 0;
        if (is_known && way != NULL) {
            way->value[e->first + hit] -= float_at(&e->particle[PARTICLE_VZ], row);
        }
    }
}

// The hit of a line of the truth.
static mb_status find_told(event *e, size_t row, size_t *hit) {
    const int64_t id = id_at(&e->truth[TRUTH_HIT], row);
    *hit = mb_tracks_ids_find(&e->by_id, id);
    if (*hit == SIZE_MAX) {
        return mb_fail(e->ctx, MB_ERR_FORMAT,
            "%s-truth.csv:%zu: hit_id %lld is not among the hits; correct the line", e->prefix,
            row + 2, (long long)id);
    }
    if (e->is_told[*hit]) {
        return mb_fail(e->ctx, MB_ERR_FORMAT,
            "%s-truth.csv:%zu: hit_id %lld is in a line before already; give each once", e->prefix,
            row + 2, (long long)id);
    }
    e->is_told[*hit] = true;
    return MB_OK;
}

static mb_status put_truth(event *e, mb_tracks_store *store) {
    if (!e->has_table[TRUTH]) {
        return MB_OK;
    }
    int64_t *particle = store->particle + e->first;
    const bool has_weight = e->truth[TRUTH_WEIGHT].is_there;
    float *to =
        mb_tracks_store_find(store, has_weight ? "weight" : mb_tracks_way)->value + e->first;
    const mb_number_column *from = &e->truth[has_weight ? TRUTH_WEIGHT : TRUTH_Z];
    e->is_told = mb_allocate_zeroed(e->ctx, e->n_hits, sizeof *e->is_told);
    if (e->is_told == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < e->n_hits; i++) {
        particle[i] = 0;
        to[i] = 0;
    }
    for (size_t row = 0; row < e->n_truth; row++) {
        size_t hit;
        MB_TRY(find_told(e, row, &hit));
        particle[hit] = id_at(&e->truth[TRUTH_PARTICLE], row);
        to[hit] = from->is_there ? float_at(from, row) : float_at(&e->hit[HIT_Z], hit);
        if (!isfinite(to[hit]) || (has_weight && to[hit] < 0)) {
            return mb_fail(e->ctx, MB_ERR_RANGE, "%s-truth.csv:%zu: %s is %g; correct the line",
                e->prefix, row + 2, from->name, (double)to[hit]);
        }
    }
    if (e->has_table[PARTICLES]) {
        put_particles(e, store);
    }
    return MB_OK;
}

static mb_status read_cells(event *e) {
    static const mb_number_column columns[N_CELL] = {
        {.name = "hit_id", .dtype = MB_I64}, {.name = "value", .dtype = MB_F32}};
    memcpy(e->cell, columns, sizeof columns);
    MB_TRY(read_table(e, CELLS, e->cell, N_CELL, &e->n_cells));
    return e->has_table[CELLS] ? MB_OK : fail_absent(e, CELLS);
}

// Number of cells and their summed value, hit by hit.
static mb_status put_cells(const event *e, mb_tracks_store *store) {
    if (!needs_cells(e)) {
        return MB_OK;
    }
    float *cells = mb_tracks_store_find(store, "cells")->value + 2 * e->first;
    for (size_t i = 0; i < 2 * e->n_hits; i++) {
        cells[i] = 0;
    }
    for (size_t row = 0; row < e->n_cells; row++) {
        const int64_t id = id_at(&e->cell[CELL_HIT], row);
        const size_t hit = mb_tracks_ids_find(&e->by_id, id);
        if (hit == SIZE_MAX) {
            return mb_fail(e->ctx, MB_ERR_FORMAT,
                "%s:%zu: hit_id %lld is not among the hits; correct the line", e->name, row + 2,
                (long long)id);
        }
        cells[2 * hit] += 1;
        cells[2 * hit + 1] += float_at(&e->cell[CELL_VALUE], row);
        if (!isfinite(cells[2 * hit + 1])) {
            return mb_fail(e->ctx, MB_ERR_RANGE,
                "%s:%zu: value makes the sum of hit %lld too large; correct the line", e->name,
                row + 2, (long long)id);
        }
    }
    return MB_OK;
}

static mb_status read_tables(event *e) {
    MB_TRY(read_hits(e));
    MB_TRY(read_truth(e));
    MB_TRY(read_particles(e));
    return needs_cells(e) ? read_cells(e) : MB_OK;
}

static void clear_event(event *e) {
    mb_number_columns_release(e->ctx, e->hit, N_HIT);
    mb_number_columns_release(e->ctx, e->truth, N_TRUTH);
    mb_number_columns_release(e->ctx, e->particle, N_PARTICLE);
    mb_number_columns_release(e->ctx, e->cell, N_CELL);
    mb_tracks_ids_clear(&e->by_id, e->ctx);
    mb_tracks_ids_clear(&e->of_particle, e->ctx);
    mb_release(e->ctx, e->pt);
    mb_release(e->ctx, e->eta);
    mb_release(e->ctx, e->is_told);
    mb_release(e->ctx, e->prefix);
    *e = (event){.ctx = e->ctx};
}

// Begins the event whose hits are in a file or a member of this name.
static mb_status begin_event(
    event *e, mb_context *ctx, const mb_tracks_reader *reader, mb_zip *zip, const char *hits) {
    *e = (event){.ctx = ctx, .reader = reader, .zip = zip, .prefix = mb_copy_text(ctx, hits)};
    if (e->prefix == NULL) {
        return MB_ERR_MEMORY;
    }
    char *end = e->prefix;
    for (char *at = strstr(e->prefix, "-hits.csv"); at != NULL; at = strstr(at + 1, "-hits.csv")) {
        end = at;
    }
    *end = '\0';
    return MB_OK;
}

static mb_status check_settings(const event *e) {
    return e->reader->settings->builder.kind != MB_TRACKS_AS_GIVEN
               ? MB_OK
               : mb_fail(e->ctx, MB_ERR_UNSUPPORTED,
                     "%s: TrackML events hold no graphs; say how to build them in data.graph, such "
                     "as {segments: {phi_slope: 0.0006, z0: 100}}",
                     e->prefix);
}

// The number in "event000001000", or that of the sample.
static int64_t number_of(const char *prefix, int64_t otherwise) {
    const char *slash = strrchr(prefix, '/');
    const char *name = slash != NULL ? slash + 1 : prefix;
    int64_t number;
    return strncmp(name, "event", 5) == 0 && mb_text_to_int64(name + 5, &number) ? number
                                                                                 : otherwise;
}

// Appends an event whose tables were read.
static mb_status put_event(mb_tracks_reader *reader, event *e) {
    mb_tracks_store *store = reader->store;
    if (store->n == 0) {
        mb_tracks_store_forget_fields(store);
    }
    MB_TRY(put_hits(e, store));
    MB_TRY(put_truth(e, store));
    MB_TRY(put_cells(e, store));
    return mb_tracks_end_sample(
        reader, e->first, e->n_hits, number_of(e->prefix, reader->next_sample));
}

static mb_status read_event(mb_tracks_reader *reader, mb_zip *zip, const char *hits) {
    event *e = mb_allocate_zeroed(reader->ctx, 1, sizeof *e);
    if (e == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_status status = begin_event(e, reader->ctx, reader, zip, hits);
    if (status == MB_OK) {
        status = check_settings(e);
    }
    if (status == MB_OK) {
        status = read_tables(e);
    }
    if (status == MB_OK) {
        status = put_event(reader, e);
    }
    clear_event(e);
    mb_release(reader->ctx, e);
    return status;
}

static mb_status count_event(mb_tracks_reader *reader, mb_status status) {
    reader->next_sample++;
    return status != MB_OK && mb_tracks_may_drop(reader, status) ? MB_OK : status;
}

mb_status mb_tracks_read_csv(mb_tracks_reader *reader, const char *path) {
    return count_event(reader, read_event(reader, NULL, path));
}

mb_status mb_tracks_parse_zip(mb_tracks_reader *reader, const char *path, mb_zip *zip) {
    size_t n_found = 0;
    for (size_t i = 0; i < mb_zip_n_members(zip); i++) {
        const char *name = mb_zip_name(zip, i);
        if (mb_path_has_suffix(name, "-hits.csv")) {
            n_found++;
            MB_TRY(count_event(reader, read_event(reader, zip, name)));
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
