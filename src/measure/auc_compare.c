// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "measure/ranking.h"
#include "measure/roc.h"

#include <math.h>

// Keys below and up to (with ties) a key, in a rising array: the mid-rank is their mean.
static uint64_t count_below(const uint64_t *keys, uint64_t n, uint64_t key, bool with_ties) {
    uint64_t low = 0;
    uint64_t high = n;
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if (keys[middle] < key || (with_ties && keys[middle] == key)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

// DeLong's component of one event: the share of the other class on the right side of its score.
static double component(const mb_ranking *ranking, uint64_t key, unsigned class_index) {
    const unsigned other = 1 - class_index;
    const uint64_t n = ranking->n[other];
    const double rank = ((double)count_below(ranking->key[other], n, key, false) +
                            (double)count_below(ranking->key[other], n, key, true)) /
                        2;
    return class_index == 1 ? rank / (double)n : 1 - rank / (double)n;
}

// Variance of the difference of the two components over the events of each class.
static void compare(const mb_ranking ranking[2], const mb_values scores[2], mb_values labels,
    mb_auc_comparison *out) {
    double sum[2] = {0, 0};
    double squares[2] = {0, 0};
    for (size_t i = 0; i < labels.n; i++) {
        const unsigned c = mb_values_get(labels, i) != 0.0 ? 1 : 0;
        double part[2];
        for (unsigned s = 0; s < 2; s++) {
            part[s] = component(&ranking[s], mb_ranking_key(scores[s], i), c);
        }
        const double deviation = part[1] - part[0] - out->difference;
        sum[c] += deviation;
        squares[c] += deviation * deviation;
    }
    double variance = 0;
    for (unsigned c = 0; c < 2; c++) {
        const double n = (double)ranking[0].n[c];
        variance += ranking[0].n[c] > 1 ? (squares[c] - sum[c] * sum[c] / n) / (n - 1) / n : NAN;
    }
    out->error = sqrt(variance < 0 ? 0 : variance);
}

static double sigmas_of(const mb_auc_comparison *comparison) {
    return comparison->difference == 0 ? 0 : comparison->difference / comparison->error;
}

mb_status mb_auc_compare_paired(mb_context *ctx, mb_values scores_a, mb_values scores_b,
    mb_values labels, mb_auc_comparison *out) {
    const mb_values scores[2] = {scores_a, scores_b};
    mb_ranking ranking[2] = {{.runtime = NULL}, {.runtime = NULL}};
    *out = (mb_auc_comparison){.is_paired = true};
    mb_status status = MB_OK;
    for (unsigned s = 0; s < 2; s++) {
        mb_roc roc;
        status = mb_roc_make(&roc, ctx, scores[s], labels);
        if (status != MB_OK) {
            goto done;
        }
        out->auc[s] = roc.auc;
        mb_roc_clear(&roc);
        status = mb_ranking_make(&ranking[s], ctx, scores[s], labels);
        if (status != MB_OK) {
            goto done;
        }
    }
    out->difference = out->auc[1] - out->auc[0];
    compare(ranking, scores, labels, out);
    out->sigmas = sigmas_of(out);
done:
    mb_ranking_clear(&ranking[0]);
    mb_ranking_clear(&ranking[1]);
    return status;
}

mb_auc_comparison mb_auc_compare_independent(const mb_roc *a, const mb_roc *b) {
    mb_auc_comparison out = {.auc = {a->auc, b->auc}, .difference = b->auc - a->auc};
    out.error = sqrt(a->auc_error * a->auc_error + b->auc_error * b->auc_error);
    out.sigmas = sigmas_of(&out);
    return out;
}
