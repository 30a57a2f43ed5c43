// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "training/metric.h"

#include <math.h>

// Bits of a float in the order of its values, then the label: sorted keys are sorted scores.
static uint64_t key_of(float score, bool label) {
    const float positive_zero = score == 0.0F ? 0.0F : score;
    uint32_t bits;
    memcpy(&bits, &positive_zero, sizeof bits);
    bits = (bits & UINT32_C(0x80000000)) != 0 ? ~bits : bits | UINT32_C(0x80000000);
    return (uint64_t)bits << 1 | (uint64_t)label;
}

static void sift_down(uint64_t *heap, size_t root, size_t n) {
    const uint64_t moved = heap[root];
    for (size_t child = 2 * root + 1; child < n; child = 2 * root + 1) {
        child += child + 1 < n && heap[child + 1] > heap[child];
        if (heap[child] <= moved) {
            break;
        }
        heap[root] = heap[child];
        root = child;
    }
    heap[root] = moved;
}

// A heap sort: the C library's sort may allocate.
static void sort_keys(uint64_t *keys, size_t n) {
    for (size_t i = n / 2; i > 0; i--) {
        sift_down(keys, i - 1, n);
    }
    for (size_t last = n; last > 1; last--) {
        const uint64_t largest = keys[0];
        keys[0] = keys[last - 1];
        keys[last - 1] = largest;
        sift_down(keys, 0, last - 1);
    }
}

// The chance that a yes scores above a no, half for ties: exact in integers up to the last step.
static double exact_auc(const float *scores, const uint8_t *labels, size_t n, uint64_t *work) {
    for (size_t i = 0; i < n; i++) {
        if (scores[i] != scores[i]) {
            return NAN;
        }
        work[i] = key_of(scores[i], labels[i] != 0);
    }
    sort_keys(work, n);
    uint64_t n_no = 0, n_yes = 0, twice = 0;
    for (size_t i = 0; i < n;) {
        uint64_t no = 0, yes = 0;
        for (const uint64_t score = work[i] >> 1; i < n && work[i] >> 1 == score; i++) {
            const uint64_t is_yes = work[i] & 1;
            yes += is_yes;
            no += 1 - is_yes;
        }
        twice += yes * (2 * n_no + no);
        n_no += no;
        n_yes += yes;
    }
    return n_no == 0 || n_yes == 0 ? NAN : 0.5 * (double)twice / ((double)n_no * (double)n_yes);
}

enum { N_THRESHOLDS = 200 };

// Keras's thresholds: evenly between 0 and 1, the two ends just outside.
static float threshold_at(size_t i) {
    return i == 0                  ? -1e-7F
           : i == N_THRESHOLDS - 1 ? 1.0F + 1e-7F
                                   : (float)((double)i / (double)(N_THRESHOLDS - 1));
}

// How many thresholds lie below the score.
static size_t n_below(float score) {
    size_t low = 0, high = N_THRESHOLDS;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (threshold_at(middle) < score) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

// Keras's AUC: the curve at 200 thresholds, joined by straight lines.
static double threshold_auc(const float *scores, const uint8_t *labels, size_t n, uint64_t *work) {
    (void)work;
    uint64_t count[2][N_THRESHOLDS + 1] = {{0}};
    for (size_t i = 0; i < n; i++) {
        count[labels[i] != 0][n_below(scores[i])]++;
    }
    uint64_t total[2] = {0, 0};
    double area = 0.0, x = 0.0, y = 0.0;
    for (size_t i = 0; i <= N_THRESHOLDS; i++) {
        total[0] += count[0][i];
        total[1] += count[1][i];
    }
    // From the highest threshold down: above it are the scores of the bins that follow.
    uint64_t above[2] = {0, 0};
    for (size_t i = N_THRESHOLDS; i > 0; i--) {
        above[0] += count[0][i];
        above[1] += count[1][i];
        const double next_x = total[0] > 0 ? (double)above[0] / (double)total[0] : 0.0;
        const double next_y = total[1] > 0 ? (double)above[1] / (double)total[1] : 0.0;
        if (i < N_THRESHOLDS) {
            area += (next_x - x) * 0.5 * (next_y + y);
        }
        x = next_x;
        y = next_y;
    }
    return area;
}

const mb_metric_ops mb_metric_auc = {
    .name = "auc",
    .help = "area under the ROC curve, exact; not a number with one class only",
    .is_better_higher = true,
    .takes_labels = true,
    .scores = exact_auc,
};

const mb_metric_ops mb_metric_keras_auc = {
    .name = "keras_auc",
    .alias = "AUC",
    .help = "area under the ROC curve at 200 thresholds, as Keras estimates it",
    .is_better_higher = true,
    .takes_labels = true,
    .scores = threshold_auc,
};
