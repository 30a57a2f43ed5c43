// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "measure/ranking.h"

#include "base/threads.h"

#include <math.h>

enum {
    DIGIT_BITS = 9,
    N_DIGITS = 1 << DIGIT_BITS,
    CHUNK = 1 << 16, // rows or keys of one task, at least
    MOST_CHUNKS = 16 // of keys: each has counts of its own
};

// Integers above this are not all doubles: two scores could become one.
static const double LARGEST_EXACT = 9007199254740992.0;

static uint64_t key_of_float(float score) {
    const float positive_zero = score == 0.0F ? 0.0F : score;
    uint32_t bits;
    memcpy(&bits, &positive_zero, sizeof bits);
    return bits >> 31 != 0 ? (uint32_t)~bits : bits | UINT32_C(0x80000000);
}

static uint64_t key_of_double(double score) {
    const double positive_zero = score == 0.0 ? 0.0 : score;
    uint64_t bits;
    memcpy(&bits, &positive_zero, sizeof bits);
    return bits >> 63 != 0 ? ~bits : bits | UINT64_C(0x8000000000000000);
}

uint64_t mb_ranking_key(mb_values scores, size_t i) {
    return scores.dtype == MB_F32 ? key_of_float(((const float *)scores.data)[i])
                                  : key_of_double(mb_values_get(scores, i));
}

double mb_ranking_score(const mb_ranking *ranking, uint64_t key) {
    if (ranking->bits == 32) {
        const uint32_t low = (uint32_t)key;
        const uint32_t bits = low >> 31 != 0 ? low & UINT32_C(0x7FFFFFFF) : ~low;
        float score;
        memcpy(&score, &bits, sizeof score);
        return (double)score;
    }
    const uint64_t bits = key >> 63 != 0 ? key & UINT64_C(0x7FFFFFFFFFFFFFFF) : ~key;
    double score;
    memcpy(&score, &bits, sizeof score);
    return score;
}

// A sort of keys, least digit first. Each chunk of keys is counted and moved by a task of its own;
// equal keys are alike, so the result does not tell how many chunks there were.
typedef struct sorting {
    uint64_t *from, *to;
    uint64_t n;
    size_t n_chunks;
    unsigned shift;
    uint32_t (*count)[N_DIGITS]; // (n_chunks) of a chunk; then where its next key goes
} sorting;

static uint64_t chunk_begin(const sorting *s, size_t chunk) {
    return s->n * chunk / s->n_chunks;
}

static mb_status count_chunk(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)ctx;
    (void)worker;
    const sorting *s = user;
    uint32_t *count = s->count[task];
    const uint64_t *keys = s->from;
    const unsigned shift = s->shift;
    const uint64_t end = chunk_begin(s, task + 1);
    memset(count, 0, sizeof *s->count);
    for (uint64_t i = chunk_begin(s, task); i < end; i++) {
        count[keys[i] >> shift & (N_DIGITS - 1)]++;
    }
    return MB_OK;
}

static mb_status move_chunk(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)ctx;
    (void)worker;
    const sorting *s = user;
    uint32_t *place = s->count[task];
    const uint64_t *keys = s->from;
    uint64_t *to = s->to;
    const unsigned shift = s->shift;
    const uint64_t end = chunk_begin(s, task + 1);
    for (uint64_t i = chunk_begin(s, task); i < end; i++) {
        const uint64_t key = keys[i];
        to[place[key >> shift & (N_DIGITS - 1)]++] = key;
    }
    return MB_OK;
}

// Turns counts into places. False when all keys share the digit: nothing need move.
static bool place_digits(const sorting *s) {
    uint32_t start = 0;
    for (size_t digit = 0; digit < N_DIGITS; digit++) {
        const uint32_t before = start;
        for (size_t chunk = 0; chunk < s->n_chunks; chunk++) {
            const uint32_t size = s->count[chunk][digit];
            s->count[chunk][digit] = start;
            start += size;
        }
        if (start - before == s->n) {
            return false;
        }
    }
    return true;
}

static mb_status sort_digits(mb_context *ctx, sorting *s, unsigned bits) {
    for (s->shift = 0; s->shift < bits; s->shift += DIGIT_BITS) {
        MB_TRY(mb_parallel(ctx, s->n_chunks, count_chunk, s));
        if (!place_digits(s)) {
            continue;
        }
        MB_TRY(mb_parallel(ctx, s->n_chunks, move_chunk, s));
        uint64_t *const moved = s->to;
        s->to = s->from;
        s->from = moved;
    }
    return MB_OK;
}

mb_status mb_keys_sort(mb_context *ctx, uint64_t **keys, uint64_t n, unsigned bits) {
    if (n < 2) {
        return MB_OK;
    }
    if (n > UINT32_MAX) {
        return mb_fail(ctx, MB_ERR_LIMIT,
            "scores: %llu are to be sorted, at most %lu are; give fewer", (unsigned long long)n,
            (unsigned long)UINT32_MAX);
    }
    sorting s = {.from = *keys, .n = n};
    s.n_chunks = mb_min_size((size_t)(n / CHUNK) + 1, MOST_CHUNKS);
    s.to = mb_allocate(ctx, n, sizeof *s.to);
    s.count = mb_allocate(ctx, s.n_chunks, sizeof *s.count);
    const mb_status status =
        s.to != NULL && s.count != NULL ? sort_digits(ctx, &s, bits) : MB_ERR_MEMORY;
    *keys = s.from;
    mb_release(ctx, s.to);
    mb_release(ctx, s.count);
    return status;
}

static mb_status fail_score(mb_context *ctx, mb_values scores, size_t i) {
    if (isnan(mb_values_get(scores, i))) {
        return mb_fail(ctx, MB_ERR_RANGE,
            "scores: row %zu is not a number; find out where the NaN comes from and leave such "
            "events out",
            i);
    }
    return mb_fail(ctx, MB_ERR_RANGE,
        "scores: row %zu is an integer beyond 2^53; give the scores as float64", i);
}

static mb_status fail_label(mb_context *ctx, mb_values labels, size_t i) {
    return mb_fail(ctx, MB_ERR_FORMAT,
        "labels: row %zu is %g; labels are 0 (background) or 1 (signal)", i,
        mb_values_get(labels, i));
}

static mb_status check_lengths(mb_context *ctx, mb_values scores, mb_values labels) {
    if (scores.n != labels.n) {
        return mb_fail(ctx, MB_ERR_SHAPE,
            "labels: %zu labels for %zu scores; give one label for each score", labels.n, scores.n);
    }
    if (scores.n == 0) {
        return mb_fail(
            ctx, MB_ERR_FORMAT, "scores: no rows; give at least one event of each class");
    }
    // The digit counts of the sort are 32-bit, and twice the pairs must fit into 64 bits.
    if (scores.n > UINT32_MAX) {
        return mb_fail(ctx, MB_ERR_LIMIT, "scores: %zu rows, at most %lu are ranked; give fewer",
            scores.n, (unsigned long)UINT32_MAX);
    }
    return MB_OK;
}

// Rows into classes: each chunk of rows is checked and counted, then written to its place.
typedef struct filling {
    mb_ranking *ranking;
    mb_values scores, labels;
    size_t n_chunks;
    uint64_t *place; // (n_chunks, 2) events of each class in a chunk; then where they go
} filling;

static bool are_floats(const filling *f) {
    return f->scores.dtype == MB_F32 && f->labels.dtype == MB_F32;
}

// The usual types, without asking for the type of every element, nor leaving at the first bad one.
static bool count_floats(const filling *f, size_t begin, size_t end, uint64_t *n_signal) {
    const float *score = f->scores.data;
    const float *label = f->labels.data;
    uint32_t n_ones = 0;
    uint32_t n_bad = 0;
    for (size_t i = begin; i < end; i++) {
        const uint32_t is_one = label[i] == 1.0F ? 1 : 0;
        const uint32_t is_zero = label[i] == 0.0F ? 1 : 0;
        const uint32_t is_number = score[i] == score[i] ? 1 : 0;
        n_ones += is_one;
        n_bad += 1 - (is_one | is_zero) + 1 - is_number;
    }
    *n_signal = n_ones;
    return n_bad == 0;
}

static mb_status count_any(
    const filling *f, mb_context *ctx, size_t begin, size_t end, uint64_t *n_signal) {
    const bool is_wide = f->scores.dtype == MB_I64 || f->scores.dtype == MB_U64;
    *n_signal = 0;
    for (size_t i = begin; i < end; i++) {
        const double score = mb_values_get(f->scores, i);
        const double label = mb_values_get(f->labels, i);
        if (isnan(score) || (is_wide && fabs(score) >= LARGEST_EXACT)) {
            return fail_score(ctx, f->scores, i);
        }
        if (label != 0.0 && label != 1.0) {
            return fail_label(ctx, f->labels, i);
        }
        *n_signal += label == 1.0 ? 1 : 0;
    }
    return MB_OK;
}

static mb_status count_rows(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)worker;
    const filling *f = user;
    const size_t begin = task * CHUNK;
    const size_t end = mb_min_size(begin + CHUNK, f->scores.n);
    uint64_t n_signal = 0;
    if (!are_floats(f) || !count_floats(f, begin, end, &n_signal)) {
        MB_TRY(count_any(f, ctx, begin, end, &n_signal));
    }
    f->place[2 * task] = end - begin - n_signal;
    f->place[2 * task + 1] = n_signal;
    return MB_OK;
}

// The class is an index, not a branch: labels come in no order.
static mb_status write_rows(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)ctx;
    (void)worker;
    const filling *f = user;
    const size_t begin = task * CHUNK;
    const size_t end = mb_min_size(begin + CHUNK, f->scores.n);
    uint64_t *next[2];
    for (unsigned c = 0; c < 2; c++) {
        next[c] = f->ranking->key[c] + f->place[2 * task + c];
    }
    if (are_floats(f)) {
        const float *score = f->scores.data;
        const float *label = f->labels.data;
        for (size_t i = begin; i < end; i++) {
            *next[label[i] != 0.0F ? 1 : 0]++ = key_of_float(score[i]);
        }
    } else {
        for (size_t i = begin; i < end; i++) {
            *next[mb_values_get(f->labels, i) != 0.0 ? 1 : 0]++ = mb_ranking_key(f->scores, i);
        }
    }
    return MB_OK;
}

static mb_status fill(filling *f, mb_context *ctx) {
    mb_ranking *ranking = f->ranking;
    MB_TRY(mb_parallel(ctx, f->n_chunks, count_rows, f));
    for (size_t i = 0; i < 2 * f->n_chunks; i++) {
        const uint64_t size = f->place[i];
        f->place[i] = ranking->n[i % 2];
        ranking->n[i % 2] += size;
    }
    for (unsigned c = 0; c < 2; c++) {
        if (ranking->n[c] == 0) {
            return mb_fail(ctx, MB_ERR_FORMAT,
                "labels: all %zu are %u; a comparison of classes needs events of both", f->labels.n,
                1 - c);
        }
        ranking->key[c] = mb_allocate(ctx, ranking->n[c], sizeof *ranking->key[c]);
        if (ranking->key[c] == NULL) {
            return MB_ERR_MEMORY;
        }
    }
    return mb_parallel(ctx, f->n_chunks, write_rows, f);
}

mb_status mb_ranking_make(mb_ranking *out, mb_context *ctx, mb_values scores, mb_values labels) {
    *out =
        (mb_ranking){.bits = scores.dtype == MB_F32 ? 32 : 64, .runtime = mb_context_runtime(ctx)};
    MB_TRY(check_lengths(ctx, scores, labels));
    filling f = {.ranking = out, .scores = scores, .labels = labels};
    f.n_chunks = (scores.n - 1) / CHUNK + 1;
    f.place = mb_allocate(ctx, 2 * f.n_chunks, sizeof *f.place);
    mb_status status = f.place == NULL ? MB_ERR_MEMORY : fill(&f, ctx);
    for (unsigned c = 0; status == MB_OK && c < 2; c++) {
        status = mb_keys_sort(ctx, &out->key[c], out->n[c], out->bits);
    }
    mb_release(ctx, f.place);
    if (status != MB_OK) {
        mb_ranking_clear(out);
    }
    return status;
}

void mb_ranking_clear(mb_ranking *ranking) {
    if (ranking->runtime != NULL) {
        mb_runtime_release(ranking->runtime, ranking->key[0]);
        mb_runtime_release(ranking->runtime, ranking->key[1]);
    }
    *ranking = (mb_ranking){.runtime = NULL};
}
