// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/barrel/pictures.h"

#include "base/numbers.h"
#include "detector/barrel/images.h"
#include "detector/barrel/pairs.h"
#include "detector/barrel/part.h"

#include <math.h>

enum {
    EVENTS_WITH_HITS = 10, // whose hits are drawn one by one
    EVENTS_WITH_IMAGES = 3
};

// A column of the pictures that grows by one value at a time.
typedef struct column {
    const char *name;
    mb_dtype dtype; // I64, I32 or F32
    size_t width;   // values in a row; 0 counts as 1
    char *data;
    size_t n, capacity; // values
} column;

enum {
    HITS_EVENT,
    HITS_VOLID,
    HITS_LAYID,
    HITS_Z,
    HITS_R,
    HITS_PHI,
    SELECTED_EVENT,
    SELECTED_LAYER,
    SELECTED_VOLUME,
    SELECTED_Z,
    SELECTED_R,
    SELECTED_PHI,
    COUNTS_EVENT,
    COUNTS_HITS,
    COUNTS_ALL_HITS,
    COUNTS_LAYERS,
    SELECTED_PARTICLE, // from here on with truth only
    COUNTS_PARTICLES,
    COUNTS_TRACKS,
    COUNTS_PASSING,
    N_COLUMNS
};

static const column columns[N_COLUMNS] = {
    [HITS_EVENT] = {.name = "hits/event", .dtype = MB_I64},
    [HITS_VOLID] = {.name = "hits/volid", .dtype = MB_I32},
    [HITS_LAYID] = {.name = "hits/layid", .dtype = MB_I32},
    [HITS_Z] = {.name = "hits/z", .dtype = MB_F32},
    [HITS_R] = {.name = "hits/r", .dtype = MB_F32},
    [HITS_PHI] = {.name = "hits/phi", .dtype = MB_F32},
    [SELECTED_EVENT] = {.name = "selected/event", .dtype = MB_I64},
    [SELECTED_LAYER] = {.name = "selected/layer", .dtype = MB_I32},
    [SELECTED_VOLUME] = {.name = "selected/volume", .dtype = MB_I32},
    [SELECTED_Z] = {.name = "selected/z", .dtype = MB_F32},
    [SELECTED_R] = {.name = "selected/r", .dtype = MB_F32},
    [SELECTED_PHI] = {.name = "selected/phi", .dtype = MB_F32},
    [COUNTS_EVENT] = {.name = "counts/event", .dtype = MB_I64},
    [COUNTS_HITS] = {.name = "counts/hits", .dtype = MB_I64},
    [COUNTS_ALL_HITS] = {.name = "counts/all_hits", .dtype = MB_I64},
    [COUNTS_LAYERS] = {.name = "counts/layers", .dtype = MB_I64, .width = MB_BARREL_N_LAYERS},
    [SELECTED_PARTICLE] = {.name = "selected/particle", .dtype = MB_I32},
    [COUNTS_PARTICLES] = {.name = "counts/particles", .dtype = MB_I64},
    [COUNTS_TRACKS] = {.name = "counts/tracks", .dtype = MB_I64},
    [COUNTS_PASSING] = {.name = "counts/passing", .dtype = MB_I64},
};

typedef struct gatherer {
    mb_context *ctx;
    const mb_barrel_settings *settings;
    const mb_barrel_particles *particles; // NULL: no truth
    const char *path;
    column column[N_COLUMNS];
    mb_barrel_index barcodes;
    uint32_t *layers;
    size_t layers_capacity;
    size_t n_events;  // with barrel hits
    mb_status status; // the first failure of add
} gatherer;

// Rounding float to float and integer to integer: value is exact in a double.
static void add(gatherer *g, int which, double value) {
    column *c = &g->column[which];
    if (g->status != MB_OK) {
        return;
    }
    const size_t size = mb_dtype_size(c->dtype);
    g->status = mb_grow(g->ctx, &c->data, &c->capacity, c->n + 1, size);
    if (g->status != MB_OK) {
        return;
    }
    if (c->dtype == MB_F32) {
        ((float *)(void *)c->data)[c->n++] = (float)value;
    } else if (c->dtype == MB_I32) {
        ((int32_t *)(void *)c->data)[c->n++] = (int32_t)value;
    } else {
        ((int64_t *)(void *)c->data)[c->n++] = (int64_t)value;
    }
}

static void add_hit(gatherer *g, uint64_t number, const mb_barrel_hit *hit, int layer, int volume,
    uint32_t particle) {
    const double r = (double)sqrtf(hit->x * hit->x + hit->y * hit->y);
    const double phi = (double)mb_barrel_phi(hit->x, hit->y);
    add(g, HITS_EVENT, (double)number);
    add(g, HITS_VOLID, hit->volid);
    add(g, HITS_LAYID, hit->layid);
    add(g, HITS_Z, (double)hit->z);
    add(g, HITS_R, r);
    add(g, HITS_PHI, phi);
    if (volume < 0) {
        return;
    }
    add(g, SELECTED_EVENT, (double)number);
    add(g, SELECTED_LAYER, layer);
    add(g, SELECTED_VOLUME, volume);
    add(g, SELECTED_Z, (double)hit->z);
    add(g, SELECTED_R, r);
    add(g, SELECTED_PHI, phi);
    if (g->particles != NULL) {
        add(g, SELECTED_PARTICLE, particle == UINT32_MAX ? -1 : (double)particle);
    }
}

static mb_status start_event(gatherer *g, uint64_t number, size_t *first, size_t *n) {
    *first = *n = 0;
    if (g->particles == NULL || number >= g->particles->n_events) {
        return mb_barrel_index_start(&g->barcodes, g->ctx, 0);
    }
    *first = g->particles->first[number];
    *n = g->particles->first[number + 1] - *first;
    MB_TRY(mb_barrel_index_start(&g->barcodes, g->ctx, *n));
    MB_TRY(mb_grow(g->ctx, &g->layers, &g->layers_capacity, *n, sizeof *g->layers));
    for (size_t i = 0; i < *n; i++) {
        g->layers[i] = 0;
        mb_barrel_index_put(&g->barcodes, g->particles->barcode[*first + i], (uint32_t)i);
    }
    return MB_OK;
}

static void add_truth(gatherer *g, size_t first, size_t n) {
    size_t n_tracks = 0, n_passing = 0;
    for (size_t i = 0; i < n; i++) {
        size_t n_layers = 0;
        for (uint32_t mask = g->layers[i]; mask != 0; mask &= mask - 1) {
            n_layers++;
        }
        n_tracks += n_layers > 0;
        n_passing += n_layers >= g->settings->label.layers &&
                     (double)g->particles->pt[first + i] > g->settings->label.pt;
    }
    add(g, COUNTS_PARTICLES, (double)n);
    add(g, COUNTS_TRACKS, (double)n_tracks);
    add(g, COUNTS_PASSING, (double)n_passing);
}

static mb_status take_event(
    void *user, mb_context *ctx, uint64_t number, const mb_barrel_hit *hits, size_t n) {
    gatherer *g = user;
    size_t first, n_particles, n_selected = 0, by_layer[MB_BARREL_N_LAYERS] = {0};
    MB_TRY(start_event(g, number, &first, &n_particles));
    const bool is_drawn = g->n_events < EVENTS_WITH_HITS;
    for (size_t i = 0; i < n; i++) {
        const int volume = mb_barrel_volume_of(hits[i].volid);
        const int layer =
            volume < 0 ? -1
                       : mb_barrel_layer_of(volume, hits[i].layid, g->settings->accept_odd_layer);
        const uint32_t particle = mb_barrel_index_find(&g->barcodes, hits[i].barcode);
        if (volume >= 0 && layer < 0) {
            return mb_fail(ctx, MB_ERR_FORMAT,
                "%s:%llu:1: volume %u has no layer %u; correct the "
                "line",
                g->path, (unsigned long long)hits[i].line, hits[i].volid, hits[i].layid);
        }
        if (is_drawn) {
            add_hit(g, number, &hits[i], layer, volume, particle);
        }
        if (layer >= 0) {
            n_selected++;
            by_layer[layer]++;
            if (particle != UINT32_MAX) {
                g->layers[particle] |= UINT32_C(1) << layer;
            }
        }
    }
    if (n_selected == 0) {
        return g->status;
    }
    g->n_events++;
    add(g, COUNTS_EVENT, (double)number);
    add(g, COUNTS_HITS, (double)n_selected);
    add(g, COUNTS_ALL_HITS, (double)n);
    for (int layer = 0; layer < MB_BARREL_N_LAYERS; layer++) {
        add(g, COUNTS_LAYERS, (double)by_layer[layer]);
    }
    if (g->particles != NULL) {
        add_truth(g, first, n_particles);
    }
    return g->status;
}

static mb_status put_column(mb_context *ctx, column *c, mb_bundle *out) {
    mb_array array;
    const size_t width = mb_max_size(c->width, 1);
    const size_t shape[2] = {c->n / width, width};
    MB_TRY(mb_array_init(&array, ctx, c->dtype, c->width > 0 ? 2 : 1, shape));
    if (c->n > 0) {
        memcpy(array.data, c->data, c->n * mb_dtype_size(c->dtype));
    }
    return mb_bundle_put(out, ctx, c->name, &array);
}

static mb_status put_layers(mb_context *ctx, mb_bundle *out) {
    mb_array array;
    MB_TRY(mb_array_init(&array, ctx, MB_I32, 2, (const size_t[]){MB_BARREL_N_LAYERS, 2}));
    int32_t *values = array.data;
    for (int i = 0; i < MB_BARREL_N_LAYERS; i++) {
        values[2 * i] = mb_barrel_layers[i].volid;
        values[2 * i + 1] = mb_barrel_layers[i].layid;
    }
    return mb_bundle_put(out, ctx, "layers", &array);
}

static mb_status put_edges(
    mb_context *ctx, size_t i, const char *what, const mb_barrel_axis *axis, mb_bundle *out) {
    char name[40];
    mb_format(name, sizeof name, "images/volume%zu_%s_edges", i, what);
    mb_array array;
    MB_TRY(mb_array_init(&array, ctx, MB_F64, 1, (const size_t[]){axis->n + 1}));
    for (size_t k = 0; k <= axis->n; k++) {
        ((double *)array.data)[k] = mb_barrel_axis_edge(axis, k);
    }
    return mb_bundle_put(out, ctx, name, &array);
}

// Dense images of the first rows of a part.
static mb_status put_image(mb_context *ctx, const mb_barrel_settings *settings,
    const mb_barrel_part *part, size_t i, size_t n, mb_bundle *out) {
    char name[40];
    mb_format(name, sizeof name, "images/volume%zu", i);
    const mb_barrel_image *image = &settings->images[i];
    const mb_barrel_sparse *sparse = &part->images[i];
    const size_t shape[4] = {n, image->layer.n, image->phi.n, image->z.n};
    const size_t size = shape[1] * shape[2] * shape[3];
    mb_array array;
    MB_TRY(mb_array_init(&array, ctx, MB_U16, 4, shape));
    for (size_t row = 0; row < n; row++) {
        for (uint64_t e = sparse->first[row]; e < sparse->first[row + 1]; e++) {
            ((uint16_t *)array.data)[row * size + sparse->index[e]] = sparse->value[e];
        }
    }
    MB_TRY(mb_bundle_put(out, ctx, name, &array));
    MB_TRY(put_edges(ctx, i, "phi", &image->phi, out));
    return put_edges(ctx, i, "z", &image->z, out);
}

static mb_status put_images(mb_context *ctx, const mb_barrel_settings *settings,
    const mb_barrel_pair *pair, mb_bundle *out) {
    mb_barrel_part part;
    MB_TRY(mb_barrel_part_read(ctx, settings, pair->hits, NULL, 0, &part));
    const size_t n = mb_min_size(part.n_rows, EVENTS_WITH_IMAGES);
    mb_array array;
    mb_status status = mb_array_init(&array, ctx, MB_I64, 1, &n);
    if (status == MB_OK) {
        if (n > 0) {
            memcpy(array.data, part.event, n * sizeof *part.event);
        }
        status = mb_bundle_put(out, ctx, "images/event", &array);
    }
    for (size_t i = 0; status == MB_OK && i < settings->n_images; i++) {
        status = put_image(ctx, settings, &part, i, n, out);
    }
    mb_barrel_part_clear(&part, ctx);
    return status;
}

static mb_status gather(gatherer *g, const mb_barrel_pair *pair, mb_bundle *out) {
    const mb_barrel_settings *settings = g->settings;
    const mb_barrel_event_rules rules = {settings->strict_event_end, settings->skip_last_event};
    mb_barrel_particles particles = {0};
    mb_barrel_ending ending;
    mb_status status = MB_OK;
    if (pair->particles != NULL) {
        status = mb_barrel_particles_read(g->ctx, pair->particles, &rules, true, &particles);
        g->particles = &particles;
    }
    if (status == MB_OK) {
        status = mb_barrel_hits_read(g->ctx, pair->hits, &rules, take_event, g, &ending);
    }
    const int n_columns = pair->particles != NULL ? N_COLUMNS : SELECTED_PARTICLE;
    for (int i = 0; status == MB_OK && i < n_columns; i++) {
        status = put_column(g->ctx, &g->column[i], out);
    }
    if (status == MB_OK && pair->particles != NULL) {
        status = mb_bundle_put_floats(out, g->ctx, "particles/pt", particles.pt, particles.n);
        if (status == MB_OK) {
            status = mb_bundle_put_floats(out, g->ctx, "particles/eta", particles.eta, particles.n);
        }
    }
    mb_barrel_particles_clear(&particles, g->ctx);
    g->particles = NULL;
    return status;
}

static mb_status fill(mb_context *ctx, const mb_barrel_settings *settings,
    const mb_barrel_pair *pair, mb_bundle *out) {
    gatherer g = {.ctx = ctx, .settings = settings, .path = pair->hits};
    memcpy(g.column, columns, sizeof columns);
    MB_TRY(mb_bundle_put_text(out, ctx, "has_truth", pair->particles != NULL ? "1" : "0"));
    MB_TRY(put_layers(ctx, out));
    mb_status status = gather(&g, pair, out);
    for (int i = 0; i < N_COLUMNS; i++) {
        mb_release(ctx, g.column[i].data);
    }
    mb_barrel_index_clear(&g.barcodes, ctx);
    mb_release(ctx, g.layers);
    return status == MB_OK ? put_images(ctx, settings, pair, out) : status;
}

mb_status mb_barrel_pictures(mb_context *ctx, const mb_detector_request *request, mb_bundle *out) {
    mb_barrel_settings settings;
    mb_barrel_pairs pairs;
    mb_bundle_init(out, ctx);
    MB_TRY(mb_barrel_settings_read(ctx, request, &settings));
    settings.data_format = MB_BARREL_CHANNELS_FIRST; // a panel a layer
    MB_TRY(mb_barrel_pairs_find(ctx, request, &settings, &pairs));
    mb_status status =
        pairs.n > 0
            ? fill(ctx, &settings, &pairs.pair[0], out)
            : mb_fail(ctx, MB_ERR_IO, "data.hits: no pair of files is left; look at their names");
    mb_barrel_pairs_clear(&pairs, ctx);
    if (status != MB_OK) {
        mb_bundle_clear(out);
    }
    return status;
}
