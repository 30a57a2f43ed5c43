// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "measure/ranking.h"

#include "base/threads.h"

#include <math.h>

enum {
    DIGIT_BITS = 11,
    N_DIGITS = 1 << DIGIT_BITS,
    MAX_PASSES = (64 + DIGIT_BITS - 1) / DIGIT_BITS
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

// Least digit first; a digit that all keys share costs nothing. The result is in *keys: the two
// arrays change places.
static void sort_keys(
    uint64_t **keys, uint64_t **scratch, uint64_t n, unsigned bits, uint32_t (*count)[N_DIGITS]) {
    const unsigned n_passes = (bits + DIGIT_BITS - 1) / DIGIT_BITS;
    memset(count, 0, n_passes * sizeof *count);
    for (uint64_t i = 0; i < n; i++) {
        for (unsigned pass = 0; pass < n_passes; pass++) {
            count[pass][(*keys)[i] >> (pass * DIGIT_BITS) & (N_DIGITS - 1)]++;
        }
    }
    for (unsigned pass = 0; pass < n_passes; pass++) {
        const unsigned shift = pass * DIGIT_BITS;
        if (n == 0 || count[pass][(*keys)[0] >> shift & (N_DIGITS - 1)] == n) {
            continue;
        }
        uint32_t start = 0;
        for (size_t digit = 0; digit < N_DIGITS; digit++) {
            const uint32_t size = count[pass][digit];
            count[pass][digit] = start;
            start += size;
        }
        for (uint64_t i = 0; i < n; i++) {
            const uint64_t key = (*keys)[i];
            (*scratch)[count[pass][key >> shift & (N_DIGITS - 1)]++] = key;
        }
        uint64_t *const other = *keys;
        *keys = *scratch;
        *scratch = other;
    }
}

static mb_status sort_class(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)worker;
    mb_ranking *ranking = user;
    const uint64_t n = ranking->n[task];
    uint64_t *scratch = mb_allocate(ctx, n, sizeof *scratch);
    uint32_t(*count)[N_DIGITS] = mb_allocate(ctx, MAX_PASSES, sizeof *count);
    const bool is_ready = scratch != NULL && count != NULL;
    if (is_ready) {
        sort_keys(&ranking->key[task], &scratch, n, ranking->bits, count);
    }
    mb_release(ctx, count);
    mb_release(ctx, scratch);
    return is_ready ? MB_OK : MB_ERR_MEMORY;
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

// The usual types, without asking for the type of every element. The class is an index, not a
// branch: labels come in no order.
static mb_status fill_floats(
    mb_ranking *ranking, mb_context *ctx, mb_values scores, mb_values labels) {
    const float *score = scores.data;
    const float *label = labels.data;
    for (size_t i = 0; i < scores.n; i++) {
        const unsigned class_index = label[i] != 0.0F ? 1 : 0;
        if (isnan(score[i])) {
            return fail_score(ctx, scores, i);
        }
        if (label[i] != (float)class_index) {
            return fail_label(ctx, labels, i);
        }
        ranking->key[class_index][ranking->n[class_index]++] = key_of_float(score[i]);
    }
    return MB_OK;
}

static mb_status fill_any(
    mb_ranking *ranking, mb_context *ctx, mb_values scores, mb_values labels) {
    const bool is_wide = scores.dtype == MB_I64 || scores.dtype == MB_U64;
    for (size_t i = 0; i < scores.n; i++) {
        const double score = mb_values_get(scores, i);
        const double label = mb_values_get(labels, i);
        const unsigned class_index = label != 0.0 ? 1 : 0;
        if (isnan(score) || (is_wide && fabs(score) >= LARGEST_EXACT)) {
            return fail_score(ctx, scores, i);
        }
        if (label != (double)class_index) {
            return fail_label(ctx, labels, i);
        }
        ranking->key[class_index][ranking->n[class_index]++] = mb_ranking_key(scores, i);
    }
    return MB_OK;
}

static mb_status fill(mb_ranking *ranking, mb_context *ctx, mb_values scores, mb_values labels) {
    const bool are_floats = scores.dtype == MB_F32 && labels.dtype == MB_F32;
    MB_TRY(are_floats ? fill_floats(ranking, ctx, scores, labels)
                      : fill_any(ranking, ctx, scores, labels));
    for (unsigned class_index = 0; class_index < 2; class_index++) {
        if (ranking->n[class_index] == 0) {
            return mb_fail(ctx, MB_ERR_FORMAT,
                "labels: all %zu are %u; a comparison of classes needs events of both", labels.n,
                1 - class_index);
        }
    }
    return MB_OK;
}

mb_status mb_ranking_make(mb_ranking *out, mb_context *ctx, mb_values scores, mb_values labels) {
    *out =
        (mb_ranking){.bits = scores.dtype == MB_F32 ? 32 : 64, .runtime = mb_context_runtime(ctx)};
    MB_TRY(check_lengths(ctx, scores, labels));
    mb_status status = MB_ERR_MEMORY;
    out->key[0] = mb_allocate(ctx, scores.n, sizeof *out->key[0]);
    out->key[1] = mb_allocate(ctx, scores.n, sizeof *out->key[1]);
    if (out->key[0] != NULL && out->key[1] != NULL) {
        status = fill(out, ctx, scores, labels);
    }
    if (status == MB_OK) {
        status = mb_parallel(ctx, 2, sort_class, out);
    }
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
