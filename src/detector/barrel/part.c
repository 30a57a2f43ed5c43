// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/numbers.h"
#include "detector/barrel/images.h"
#include "detector/barrel/part.h"

// One pair of files, event by event: what is kept of an event is in the part before the next one is
// read.

typedef struct builder {
    const mb_barrel_settings *settings;
    const char *path;
    mb_barrel_part *part;
    const mb_barrel_particles *particles; // NULL: no truth
    int64_t event_shift;
    mb_barrel_index barcodes, hitids;
    uint32_t *layers; // per particle of the event: bit l for a hit in barrel layer l
    size_t layers_capacity;
    uint32_t *keys[MB_BARREL_MAX_IMAGES]; // of the event's image entries
    uint32_t *spare;
    size_t n_keys[MB_BARREL_MAX_IMAGES], keys_capacity;
    unsigned key_bits[MB_BARREL_MAX_IMAGES];
    int32_t layer_bin[MB_BARREL_MAX_IMAGES][MB_BARREL_N_LAYERS]; // or -1
    float *highest;                                              // label.tracks pt, falling
} builder;

static mb_status grow_keys(builder *b, mb_context *ctx, size_t n) {
    if (n <= b->keys_capacity) {
        return MB_OK;
    }
    const size_t wanted = mb_max_size(n, 2 * b->keys_capacity);
    for (size_t i = 0; i <= b->settings->n_images; i++) {
        uint32_t **array = i < b->settings->n_images ? &b->keys[i] : &b->spare;
        mb_release(ctx, *array);
        *array = mb_allocate(ctx, wanted, sizeof **array);
        if (*array == NULL) {
            return MB_ERR_MEMORY;
        }
    }
    b->keys_capacity = wanted;
    return MB_OK;
}

static mb_status prepare(builder *b, mb_context *ctx) {
    for (size_t i = 0; i < b->settings->n_images; i++) {
        const mb_barrel_image *image = &b->settings->images[i];
        for (int layer = 0; layer < MB_BARREL_N_LAYERS; layer++) {
            const bool is_inside = layer >= image->first_layer && layer < image->last_layer;
            b->layer_bin[i][layer] =
                is_inside ? (int32_t)mb_barrel_axis_bin(&image->layer, (double)layer) : -1;
        }
        const uint64_t size = (uint64_t)image->layer.n * image->phi.n * image->z.n;
        while (size > UINT64_C(1) << b->key_bits[i]) {
            b->key_bits[i]++;
        }
    }
    b->highest = mb_allocate(ctx, b->settings->label.tracks, sizeof *b->highest);
    return b->highest != NULL ? MB_OK : MB_ERR_MEMORY;
}

static void clear(builder *b, mb_context *ctx) {
    for (size_t i = 0; i < MB_BARREL_MAX_IMAGES; i++) {
        mb_release(ctx, b->keys[i]);
    }
    mb_release(ctx, b->spare);
    mb_release(ctx, b->layers);
    mb_release(ctx, b->highest);
    mb_barrel_index_clear(&b->barcodes, ctx);
    mb_barrel_index_clear(&b->hitids, ctx);
}

static void note_unmatched(builder *b, const mb_barrel_hit *hit) {
    mb_barrel_unmatched *unmatched = &b->part->unmatched;
    if (unmatched->n++ == 0) {
        unmatched->first_line = hit->line;
        unmatched->first_barcode = hit->barcode;
    }
}

// Adds a barrel hit to the images that its layer belongs to.
static void add_to_images(builder *b, const mb_barrel_hit *hit, int layer) {
    for (size_t i = 0; i < b->settings->n_images; i++) {
        const int32_t layer_bin = b->layer_bin[i][layer];
        if (layer_bin < 0) {
            continue;
        }
        const mb_barrel_image *image = &b->settings->images[i];
        const int64_t phi =
            mb_barrel_phi_bin(&image->phi, b->settings->numpy_edges, hit->x, hit->y);
        const int64_t z = mb_barrel_axis_bin(&image->z, (double)hit->z);
        if (phi < 0 || z < 0) {
            b->part->images[i].n_dropped++;
            continue;
        }
        const size_t layer_at = (size_t)layer_bin, phi_at = (size_t)phi, z_at = (size_t)z;
        b->keys[i][b->n_keys[i]++] =
            (uint32_t)(b->settings->data_format == MB_BARREL_CHANNELS_LAST
                           ? (phi_at * image->z.n + z_at) * image->layer.n + layer_at
                           : (layer_at * image->phi.n + phi_at) * image->z.n + z_at);
    }
}

static mb_status fail_layer(mb_context *ctx, const builder *b, const mb_barrel_hit *hit) {
    return mb_fail(ctx, MB_ERR_FORMAT, "%s:%llu:1: volume %u has no layer %u; correct the line%s",
        b->path, (unsigned long long)hit->line, hit->volid, hit->layid,
        hit->layid % 2 != 0 ? ", or round odd layers down with data.accept_odd_layer: true" : "");
}

// Volume of the hit, or -1 outside the barrel.
static inline int volume_of(builder *b, const mb_barrel_hit *hit) {
    const int volume = mb_barrel_volume_of(hit->volid);
    if (volume < 0 && !mb_barrel_volid_is_known(hit->volid)) {
        b->part->unknown_volid =
            b->part->n_unknown_volid++ == 0 ? hit->volid : b->part->unknown_volid;
    }
    return volume;
}

// Takes all hits of an event into keys and layers; *n_selected counts barrel hits.
static mb_status take_hits(
    builder *b, mb_context *ctx, const mb_barrel_hit *hits, size_t n, size_t *n_selected) {
    const bool has_truth = b->particles != NULL;
    const bool checks_all = !b->settings->check_after_selection;
    uint64_t last_barcode = 0;
    uint32_t particle = UINT32_MAX;
    bool is_known = false;
    for (size_t i = 0; i < n; i++) {
        const mb_barrel_hit *hit = &hits[i];
        const int volume = volume_of(b, hit);
        if (has_truth && (volume >= 0 || checks_all)) {
            // Hits of a particle come one behind the other as a rule.
            if (!is_known || hit->barcode != last_barcode) {
                particle = mb_barrel_index_find(&b->barcodes, hit->barcode);
                last_barcode = hit->barcode;
                is_known = true;
            }
            b->part->unmatched.n_checked++;
            if (particle == UINT32_MAX) {
                note_unmatched(b, hit);
            }
        }
        if (volume < 0) {
            continue;
        }
        const int layer = mb_barrel_layer_of(volume, hit->layid, b->settings->accept_odd_layer);
        if (layer < 0) {
            return fail_layer(ctx, b, hit);
        }
        ++*n_selected;
        if (has_truth && particle != UINT32_MAX) {
            b->layers[particle] |= UINT32_C(1) << layer;
        }
        if (!b->settings->unique_hits ||
            mb_barrel_index_put(&b->hitids, hit->hitid, 0) == UINT32_MAX) {
            add_to_images(b, hit, layer);
        }
    }
    return MB_OK;
}

// Where the event's particles are in the table.
static void find_particles(const builder *b, uint64_t number, size_t *first, size_t *n) {
    *first = 0;
    *n = 0;
    const int64_t event = (int64_t)number + b->event_shift;
    if (b->particles != NULL && event >= 0 && (uint64_t)event < b->particles->n_events) {
        *first = b->particles->first[event];
        *n = b->particles->first[event + 1] - *first;
    }
}

static mb_status start_event(
    builder *b, mb_context *ctx, size_t first, size_t n_particles, size_t n_hits) {
    memset(b->n_keys, 0, sizeof b->n_keys);
    MB_TRY(grow_keys(b, ctx, n_hits));
    if (b->settings->unique_hits) {
        MB_TRY(mb_barrel_index_start(&b->hitids, ctx, n_hits));
    }
    if (b->particles == NULL) {
        return MB_OK;
    }
    MB_TRY(mb_barrel_index_start(&b->barcodes, ctx, n_particles));
    MB_TRY(mb_grow(ctx, &b->layers, &b->layers_capacity, n_particles, sizeof *b->layers));
    for (size_t i = 0; i < n_particles; i++) {
        b->layers[i] = 0;
        mb_barrel_index_put(&b->barcodes, b->particles->barcode[first + i], (uint32_t)i);
    }
    return MB_OK;
}

static mb_status grow_rows(mb_barrel_part *part, mb_context *ctx) {
    if (part->n_rows < part->capacity) {
        return MB_OK;
    }
    size_t capacity[4] = {part->capacity, part->capacity, part->capacity, part->capacity};
    const size_t count = part->n_rows + 1;
    MB_TRY(mb_grow(ctx, &part->event, &capacity[0], count, sizeof *part->event));
    MB_TRY(mb_grow(ctx, &part->label, &capacity[1], count, sizeof *part->label));
    MB_TRY(mb_grow(ctx, &part->n_tracks, &capacity[2], count, sizeof *part->n_tracks));
    MB_TRY(mb_grow(ctx, &part->track_pt, &capacity[3], count, sizeof *part->track_pt));
    part->capacity = capacity[0];
    return MB_OK;
}

static unsigned count_bits(uint32_t mask) {
    unsigned n = 0;
    for (; mask != 0; mask &= mask - 1) {
        n++;
    }
    return n;
}

static void add_label(builder *b, size_t first, size_t n_particles) {
    const mb_barrel_label *label = &b->settings->label;
    uint32_t n_passing = 0;
    size_t n_kept = 0;
    for (size_t i = 0; i < n_particles; i++) {
        if (count_bits(b->layers[i]) < label->layers) {
            continue;
        }
        const float pt = b->particles->pt[first + i];
        n_passing += (double)pt > label->pt;
        size_t place = n_kept < label->tracks ? n_kept++ : n_kept;
        if (place == label->tracks && !(pt > b->highest[place - 1])) {
            continue;
        }
        place -= place == label->tracks;
        for (; place > 0 && b->highest[place - 1] < pt; place--) {
            b->highest[place] = b->highest[place - 1];
        }
        b->highest[place] = pt;
    }
    mb_barrel_part *part = b->part;
    part->n_tracks[part->n_rows] = n_passing;
    part->label[part->n_rows] = n_passing >= label->tracks;
    part->track_pt[part->n_rows] = n_kept == label->tracks ? b->highest[n_kept - 1] : 0;
}

// Keys to bins with counts, behind what the column has.
static mb_status add_image(builder *b, mb_context *ctx, size_t i, uint64_t number) {
    mb_barrel_sparse *out = &b->part->images[i];
    uint32_t *keys = b->keys[i];
    const size_t n = b->n_keys[i];
    mb_barrel_sort_keys(keys, b->spare, n, b->key_bits[i]);
    size_t capacity = out->capacity;
    MB_TRY(mb_grow(ctx, &out->value, &capacity, out->n + n, sizeof *out->value));
    MB_TRY(mb_grow(ctx, &out->index, &out->capacity, out->n + n, sizeof *out->index));
    MB_TRY(
        mb_grow(ctx, &out->first, &out->first_capacity, b->part->n_rows + 2, sizeof *out->first));
    out->first[b->part->n_rows] = out->n;
    for (size_t k = 0; k < n;) {
        size_t end = k + 1;
        while (end < n && keys[end] == keys[k]) {
            end++;
        }
        if (end - k > UINT16_MAX) {
            return mb_fail(ctx, MB_ERR_RANGE,
                "%s: event %llu: %zu hits in one bin of image %zu; at most 65535 can be counted",
                b->path, (unsigned long long)number, end - k, i);
        }
        out->index[out->n] = keys[k];
        out->value[out->n++] = (uint16_t)(end - k);
        k = end;
    }
    out->first[b->part->n_rows + 1] = out->n;
    return MB_OK;
}

static mb_status take_event(
    void *user, mb_context *ctx, uint64_t number, const mb_barrel_hit *hits, size_t n) {
    builder *b = user;
    mb_barrel_part *part = b->part;
    size_t first, n_particles, n_selected = 0;
    if (b->particles != NULL && b->particles->ending.is_cut &&
        (int64_t)number + b->event_shift >= (int64_t)b->particles->n_events) {
        return MB_OK; // the cut took its particles
    }
    find_particles(b, number, &first, &n_particles);
    MB_TRY(start_event(b, ctx, first, n_particles, n));
    MB_TRY(take_hits(b, ctx, hits, n, &n_selected));
    part->n_hits += n;
    part->n_selected += n_selected;
    part->n_empty += n_selected == 0;
    if (n_selected == 0 && !b->settings->keep_empty) {
        return MB_OK;
    }
    MB_TRY(grow_rows(part, ctx));
    for (size_t i = 0; i < b->settings->n_images; i++) {
        MB_TRY(add_image(b, ctx, i, number));
    }
    part->event[part->n_rows] = (int64_t)number;
    add_label(b, first, n_particles);
    part->n_rows++;
    return MB_OK;
}

static void clear_rows(mb_barrel_part *part, mb_context *ctx) {
    for (size_t i = 0; i < MB_BARREL_MAX_IMAGES; i++) {
        mb_release(ctx, part->images[i].first);
        mb_release(ctx, part->images[i].index);
        mb_release(ctx, part->images[i].value);
        part->images[i] = (mb_barrel_sparse){0};
    }
    mb_release(ctx, part->event);
    mb_release(ctx, part->label);
    mb_release(ctx, part->n_tracks);
    mb_release(ctx, part->track_pt);
    mb_release(ctx, part->file);
    part->event = NULL;
    part->label = NULL;
    part->n_tracks = NULL;
    part->track_pt = NULL;
    part->file = NULL;
    part->n_rows = part->capacity = part->file_capacity = 0;
}

void mb_barrel_part_clear(mb_barrel_part *part, mb_context *ctx) {
    clear_rows(part, ctx);
    mb_release(ctx, part->dropped);
    *part = (mb_barrel_part){0};
}

// A pair that does not fit: an error, or no rows and a reason.
static mb_status refuse(mb_context *ctx, const mb_barrel_settings *settings, mb_barrel_part *part,
    const char *text, const char *advice) {
    if (settings->on_bad != MB_BARREL_ON_BAD_DROP) {
        return mb_fail(ctx, MB_ERR_FORMAT, "%s; %s", text, advice);
    }
    clear_rows(part, ctx);
    part->dropped = mb_copy_text(ctx, text);
    return part->dropped != NULL ? MB_OK : MB_ERR_MEMORY;
}

static const char drop_advice[] = "correct the files, or leave the pair out with data.on_bad: drop";

static mb_status check_pair(mb_context *ctx, const mb_barrel_settings *settings, const char *hits,
    const char *particles, mb_barrel_part *part) {
    char text[MB_BARREL_TEXT];
    const unsigned long long n_hits = part->hits_ending.n_events;
    const unsigned long long n_particles = part->particles_ending.n_events;
    // Where one of the files was cut, the events of the other go further.
    const bool may_differ =
        settings->shift_independently || part->hits_ending.is_cut || part->particles_ending.is_cut;
    if (n_hits == 0) {
        mb_format(text, sizeof text, "%s: no events in the file", hits);
        return refuse(ctx, settings, part, text, "remove it, or use data.on_bad: drop");
    }
    if (particles == NULL) {
        return MB_OK;
    }
    if (n_particles == 0) {
        mb_format(text, sizeof text, "%s: no events in the file", particles);
        return refuse(ctx, settings, part, text, "remove the pair, or use data.on_bad: drop");
    }
    if (n_hits != n_particles && !may_differ) {
        mb_format(text, sizeof text, "%s: %llu events, but %s has %llu", hits, n_hits, particles,
            n_particles);
        return refuse(ctx, settings, part, text, drop_advice);
    }
    const mb_barrel_unmatched *unmatched = &part->unmatched;
    if (unmatched->n > 0) {
        mb_format(text, sizeof text,
            "%s:%llu:1: barcode %llu has no particle in %s; %llu of %llu hits have none", hits,
            (unsigned long long)unmatched->first_line, (unsigned long long)unmatched->first_barcode,
            particles, (unsigned long long)unmatched->n, (unsigned long long)unmatched->n_checked);
        return refuse(ctx, settings, part, text, drop_advice);
    }
    return MB_OK;
}

mb_status mb_barrel_part_read(mb_context *ctx, const mb_barrel_settings *settings, const char *hits,
    const char *particles, int64_t event_shift, mb_barrel_part *out) {
    *out = (mb_barrel_part){.has_truth = particles != NULL};
    const mb_barrel_event_rules rules = {settings->strict_event_end, settings->skip_last_event};
    mb_barrel_particles table = {0};
    builder b = {.settings = settings, .path = hits, .part = out, .event_shift = event_shift};
    mb_status status = prepare(&b, ctx);
    if (status == MB_OK && particles != NULL) {
        status = mb_barrel_particles_read(ctx, particles, &rules, false, &table);
        b.particles = &table;
        out->n_particles = table.n;
        out->particles_ending = table.ending;
    }
    if (status == MB_OK) {
        status = mb_barrel_hits_read(ctx, hits, &rules, take_event, &b, &out->hits_ending);
    }
    if (status == MB_OK) {
        status = check_pair(ctx, settings, hits, particles, out);
    }
    clear(&b, ctx);
    mb_barrel_particles_clear(&table, ctx);
    if (status != MB_OK) {
        mb_barrel_part_clear(out, ctx);
    }
    return status;
}
