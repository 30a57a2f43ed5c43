// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/tracks/truth.h"

#include <math.h>
#include <stdlib.h>

enum { N_BYTES = 8, N_VALUES = 256 };

// Sorts by one byte of the particle; members of the same byte keep their order.
static void sort_by_byte(const mb_tracks_member *from, mb_tracks_member *to, size_t n,
    unsigned shift, const size_t *count) {
    size_t start[N_VALUES];
    size_t sum = 0;
    for (size_t value = 0; value < N_VALUES; value++) {
        start[value] = sum;
        sum += count[value];
    }
    for (size_t i = 0; i < n; i++) {
        to[start[(uint64_t)from[i].particle >> shift & 255]++] = from[i];
    }
}

mb_status mb_tracks_sort_members(
    mb_context *ctx, const int64_t *particle, size_t n, mb_tracks_member *out) {
    const uint64_t sign = UINT64_C(1) << 63;
    size_t(*count)[N_VALUES] = mb_allocate_zeroed(ctx, N_BYTES, sizeof *count);
    mb_tracks_member *spare = mb_allocate(ctx, n, sizeof *spare);
    const mb_status status = count == NULL || spare == NULL ? MB_ERR_MEMORY : MB_OK;
    mb_tracks_member *from = out;
    mb_tracks_member *to = spare;
    for (size_t i = 0; i < n && status == MB_OK; i++) {
        // With its sign turned round, a number sorts as its bits do.
        const uint64_t bits = (uint64_t)particle[i] ^ sign;
        out[i] = (mb_tracks_member){(int64_t)bits, (int32_t)i};
        for (unsigned byte = 0; byte < N_BYTES; byte++) {
            count[byte][bits >> 8 * byte & 255]++;
        }
    }
    for (unsigned byte = 0; byte < N_BYTES && n > 0 && status == MB_OK; byte++) {
        // Where all have the same byte there is nothing to sort.
        if (count[byte][(uint64_t)out[0].particle >> 8 * byte & 255] < n) {
            sort_by_byte(from, to, n, 8 * byte, count[byte]);
            mb_tracks_member *sorted = to;
            to = from;
            from = sorted;
        }
    }
    for (size_t i = 0; i < n && status == MB_OK; i++) {
        out[i] = (mb_tracks_member){(int64_t)((uint64_t)from[i].particle ^ sign), from[i].hit};
    }
    mb_release(ctx, count);
    mb_release(ctx, spare);
    return status;
}

// Members of one particle: first .. the result.
static size_t end_of_particle(const mb_tracks_member *member, size_t first, size_t n) {
    size_t end = first + 1;
    while (end < n && member[end].particle == member[first].particle) {
        end++;
    }
    return end;
}

enum { N_PLACES = 9, MOST_HITS = 20 };
static const double place_weight[N_PLACES] = {10, 8, 6, 5, 3, 3, 3, 5, 6};

// The table stretched over n hits, at hit i, not yet normalised.
static double stretched(size_t i, size_t n) {
    const double at = (double)i * (N_PLACES - 1) / (double)(n - 1);
    const size_t low = mb_min_size((size_t)at, N_PLACES - 2);
    return place_weight[low] + (at - (double)low) * (place_weight[low + 1] - place_weight[low]);
}

static double weight_of_pt(double pt) {
    return pt <= 0.5 ? 0.2 : pt >= 3 ? 1.0 : 0.2 + 0.8 * (pt - 0.5) / 2.5;
}

typedef struct ranked {
    float way;
    int32_t hit;
} ranked;

static int compare_ways(const void *a, const void *b) {
    const ranked *x = a;
    const ranked *y = b;
    if (x->way < y->way || x->way > y->way) {
        return x->way < y->way ? -1 : 1;
    }
    return (x->hit > y->hit) - (x->hit < y->hit);
}

// order: room for n.
static void weigh_particle(const mb_tracks_member *member, size_t n, const float *pt,
    const float *way, ranked *order, float *weight) {
    const size_t n_places = mb_min_size(n, MOST_HITS);
    double sum = 0;
    for (size_t i = 0; i < n_places; i++) {
        sum += stretched(i, n_places);
    }
    for (size_t i = 0; i < n; i++) {
        order[i] = (ranked){way[member[i].hit], member[i].hit};
    }
    qsort(order, n, sizeof *order, compare_ways);
    for (size_t first = 0, end; first < n; first = end) {
        end = first + 1;
        while (end < n && !(order[end].way > order[first].way)) {
            end++;
        }
        // Mean rank on ties, minus 1, truncated.
        const size_t place = mb_min_size(first + (end - first - 1) / 2, n_places - 1);
        for (size_t i = first; i < end; i++) {
            const int32_t hit = order[i].hit;
            weight[hit] = (float)(weight_of_pt((double)pt[hit]) * stretched(place, n_places) / sum);
        }
    }
}

mb_status mb_tracks_weights(mb_context *ctx, size_t n, const int64_t *particle, const float *pt,
    const float *way, float *weight) {
    mb_tracks_member *member = mb_allocate(ctx, n, sizeof *member);
    ranked *order = mb_allocate(ctx, n, sizeof *order);
    mb_status status = member == NULL || order == NULL ? MB_ERR_MEMORY : MB_OK;
    if (status == MB_OK) {
        status = mb_tracks_sort_members(ctx, particle, n, member);
    }
    memset(weight, 0, n * sizeof *weight);
    for (size_t first = 0, end; status == MB_OK && first < n; first = end) {
        end = end_of_particle(member, first, n);
        if (member[first].particle == 0 || end - first < MB_TRACKS_LEAST_WEIGHTED) {
            continue;
        }
        if (pt != NULL) {
            weigh_particle(member + first, end - first, pt, way, order, weight);
            continue;
        }
        for (size_t i = first; i < end; i++) {
            weight[member[i].hit] = 1;
        }
    }
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)weight[i];
    }
    for (size_t i = 0; i < n && sum > 0; i++) {
        weight[i] = (float)((double)weight[i] / sum);
    }
    mb_release(ctx, member);
    mb_release(ctx, order);
    return status;
}

// How many links the particles make, noise having none.
static size_t count_links(const mb_tracks_member *member, size_t n, bool has_self) {
    size_t n_links = 0;
    for (size_t first = 0, end; first < n; first = end) {
        end = end_of_particle(member, first, n);
        const size_t k = end - first;
        n_links += member[first].particle == 0 ? 0 : k * (k - !has_self);
    }
    return n_links;
}

mb_status mb_tracks_make_true(
    mb_tracks_store *store, const int64_t *particle, size_t n, bool has_self) {
    mb_tracks_edges *graph = &store->graph[MB_TRACKS_TRUE];
    mb_tracks_member *member = mb_allocate(store->ctx, n, sizeof *member);
    size_t *place = mb_allocate(store->ctx, n, sizeof *place); // of a hit's particle in member
    mb_status status = member == NULL || place == NULL ? MB_ERR_MEMORY : MB_OK;
    if (status == MB_OK) {
        status = mb_tracks_sort_members(store->ctx, particle, n, member);
    }
    if (status == MB_OK) {
        status = mb_tracks_store_reserve(store, graph, count_links(member, n, has_self));
    }
    for (size_t first = 0, end; status == MB_OK && first < n; first = end) {
        end = end_of_particle(member, first, n);
        for (size_t i = first; i < end; i++) {
            place[member[i].hit] = first;
        }
    }
    for (size_t hit = 0; hit < n && status == MB_OK; hit++) {
        for (size_t i = place[hit]; particle[hit] != 0 && i < n; i++) {
            if (member[i].particle != particle[hit]) {
                break;
            }
            if (has_self || (size_t)member[i].hit != hit) {
                graph->source[graph->n] = (int32_t)hit;
                graph->destination[graph->n++] = member[i].hit;
            }
        }
    }
    mb_release(store->ctx, member);
    mb_release(store->ctx, place);
    return status;
}

// A graph's edges by source: those of the sample at work, first .. n.
static mb_status index_by_source(mb_context *ctx, const mb_tracks_edges *graph, size_t first,
    size_t n_hits, size_t **start, int32_t **by_source) {
    const size_t n = graph->n - first;
    *start = mb_allocate_zeroed(ctx, n_hits + 1, sizeof **start);
    *by_source = mb_allocate(ctx, n, sizeof **by_source);
    if (*start == NULL || *by_source == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t e = first; e < graph->n; e++) {
        (*start)[graph->source[e] + 1]++;
    }
    for (size_t i = 0; i < n_hits; i++) {
        (*start)[i + 1] += (*start)[i];
    }
    for (size_t e = graph->n; e-- > first;) {
        (*by_source)[--(*start)[graph->source[e] + 1]] = graph->destination[e];
    }
    // The loop above moved each end to its beginning.
    memmove(*start, *start + 1, n_hits * sizeof **start);
    (*start)[n_hits] = n;
    return MB_OK;
}

static int compare_indices(const void *a, const void *b) {
    const int32_t x = *(const int32_t *)a;
    const int32_t y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static bool is_ascending(const int32_t *list, size_t n) {
    bool is = true;
    for (size_t i = 1; i < n; i++) {
        is &= list[i - 1] <= list[i];
    }
    return is;
}

static void merge(int32_t *out, const int32_t *const list[2], const size_t n[2]) {
    size_t a = 0;
    size_t b = 0;
    while (a < n[0] && b < n[1]) {
        *out++ = list[0][a] <= list[1][b] ? list[0][a++] : list[1][b++];
    }
    memcpy(out, list[0] + a, (n[0] - a) * sizeof *out);
    memcpy(out + n[0] - a, list[1] + b, (n[1] - b) * sizeof *out);
}

// Two lists of one source as one, ascending, each once.
static void add_union(
    mb_tracks_edges *loss, int32_t source, const int32_t *const list[2], const size_t n[2]) {
    int32_t *out = loss->destination + loss->n;
    const size_t total = n[0] + n[1];
    merge(out, list, n);
    if (!is_ascending(list[0], n[0]) || !is_ascending(list[1], n[1])) {
        qsort(out, total, sizeof *out, compare_indices);
    }
    size_t kept = 0;
    for (size_t i = 0; i < total; i++) {
        if (kept == 0 || out[i] != out[kept - 1]) {
            out[kept] = out[i];
            loss->source[loss->n + kept++] = source;
        }
    }
    loss->n += kept;
}

mb_status mb_tracks_make_loss(mb_tracks_store *store, size_t n) {
    mb_context *ctx = store->ctx;
    const mb_tracks_edges *graphs[2] = {
        &store->graph[MB_TRACKS_PRED], &store->graph[MB_TRACKS_TRUE]};
    mb_tracks_edges *loss = &store->graph[MB_TRACKS_LOSS];
    size_t *start[2] = {NULL, NULL};
    int32_t *by_source[2] = {NULL, NULL};
    size_t total = 0;
    mb_status status = MB_OK;
    for (size_t k = 0; k < 2 && status == MB_OK; k++) {
        const size_t first = store->n > 0 ? (size_t)graphs[k]->offset[store->n] : 0;
        status = index_by_source(ctx, graphs[k], first, n, &start[k], &by_source[k]);
        total += graphs[k]->n - first;
    }
    if (status == MB_OK) {
        status = mb_tracks_store_reserve(store, loss, total);
    }
    for (size_t hit = 0; hit < n && status == MB_OK; hit++) {
        const int32_t *const list[2] = {by_source[0] + start[0][hit], by_source[1] + start[1][hit]};
        const size_t count[2] = {
            start[0][hit + 1] - start[0][hit], start[1][hit + 1] - start[1][hit]};
        add_union(loss, (int32_t)hit, list, count);
    }
    for (size_t k = 0; k < 2; k++) {
        mb_release(ctx, start[k]);
        mb_release(ctx, by_source[k]);
    }
    return status;
}

// Marks destinations of one source at a time.
typedef struct marker {
    uint64_t *mark; // per hit: the source that reached it, plus 1, over all samples
    uint64_t stamp;
} marker;

typedef struct span {
    size_t first, end;
} span;

static span span_of(const mb_tracks_edges *graph, size_t sample) {
    return (span){(size_t)graph->offset[sample], (size_t)graph->offset[sample + 1]};
}

// The run of edges with the same source that begins at first.
static size_t end_of_run(const mb_tracks_edges *graph, span s) {
    size_t end = s.first + 1;
    while (end < s.end && graph->source[end] == graph->source[s.first]) {
        end++;
    }
    return end;
}

// Calls back for each edge of inner with whether outer has it. Both are ordered by source.
typedef void (*edge_fn)(void *user, size_t edge, bool is_in);

static void compare_graphs(const mb_tracks_edges *inner, const mb_tracks_edges *outer,
    size_t sample, marker *m, edge_fn tell, void *user) {
    span in = span_of(inner, sample);
    span out = span_of(outer, sample);
    while (in.first < in.end) {
        const int32_t source = inner->source[in.first];
        const size_t in_end = end_of_run(inner, in);
        m->stamp++;
        while (out.first < out.end && outer->source[out.first] < source) {
            out.first++;
        }
        for (; out.first < out.end && outer->source[out.first] == source; out.first++) {
            m->mark[outer->destination[out.first]] = m->stamp;
        }
        for (size_t e = in.first; e < in_end; e++) {
            tell(user, e, m->mark[inner->destination[e]] == m->stamp);
        }
        in.first = in_end;
    }
}

static void set_target(void *user, size_t edge, bool is_in) {
    ((float *)user)[edge] = is_in ? 1.0F : 0.0F;
}

static void count_missing(void *user, size_t edge, bool is_in) {
    (void)edge;
    *(uint64_t *)user += !is_in;
}

static void tally_sample(
    const mb_tracks_store *store, size_t sample, marker *m, mb_tracks_tally *tally) {
    const mb_tracks_edges *pred = &store->graph[MB_TRACKS_PRED];
    const mb_tracks_edges *truth = &store->graph[MB_TRACKS_TRUE];
    const span of_pred = span_of(pred, sample);
    const span of_true = span_of(truth, sample);
    const span of_loss = span_of(&store->graph[MB_TRACKS_LOSS], sample);
    const size_t first = (size_t)store->node_offset[sample];
    const size_t n = (size_t)store->node_offset[sample + 1] - first;
    tally->n_no_loss += of_loss.first == of_loss.end;
    tally->n_empty_pred += of_pred.first == of_pred.end;
    const uint64_t stamp = ++m->stamp;
    for (size_t e = of_pred.first; e < of_pred.end; e++) {
        m->mark[pred->destination[e]] = stamp;
    }
    for (size_t i = 0; i < n; i++) {
        tally->n_isolated += m->mark[i] != stamp;
    }
    for (size_t e = of_true.first; e < of_true.end && store->has_particle; e++) {
        const int64_t a = store->particle[first + (size_t)truth->source[e]];
        const int64_t b = store->particle[first + (size_t)truth->destination[e]];
        tally->n_true_mixed += a == 0 || a != b;
    }
}

mb_status mb_tracks_label_edges(
    const mb_tracks_store *store, float *target, mb_tracks_tally *tally) {
    const mb_tracks_edges *graph = store->graph;
    size_t most = 0;
    for (size_t i = 0; i < store->n; i++) {
        most = mb_max_size(most, (size_t)(store->node_offset[i + 1] - store->node_offset[i]));
    }
    marker m = {.mark = mb_allocate_zeroed(store->ctx, most, sizeof *m.mark)};
    if (m.mark == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < store->n; i++) {
        if (!store->has_label) {
            compare_graphs(
                &graph[MB_TRACKS_LOSS], &graph[MB_TRACKS_TRUE], i, &m, set_target, target);
            compare_graphs(&graph[MB_TRACKS_PRED], &graph[MB_TRACKS_LOSS], i, &m, count_missing,
                &tally->n_pred_not_loss);
        }
        tally_sample(store, i, &m, tally);
    }
    if (store->has_label && graph[MB_TRACKS_LOSS].n > 0) {
        memcpy(target, store->label, graph[MB_TRACKS_LOSS].n * sizeof *target);
    }
    mb_release(store->ctx, m.mark);
    return MB_OK;
}
