// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TRAINING_METRIC_H
#define TRAINING_METRIC_H

#include "base/options.h"
#include "training/loss.h"

// Metrics with Keras's names. Most are means of one number a row; the others look at all scores of
// an epoch at its end.
typedef struct mb_metric_ops {
    const char *name;
    const char *alias;  // a short form, or NULL
    const char *column; // what its column is called; NULL: as the user wrote it
    const char *help;
    bool is_better_higher; // what mode "auto" of a callback means
    bool is_of_pairs;      // the fraction of pairs whose distance says what their target says
    bool takes_labels;     // also MB_TARGET_LABELS, whose rows are shorter than the output's
    // One row's number. target: as kind says. NULL for metrics of all scores.
    float (*row)(
        mb_target_kind kind, const float *target, const float *output, size_t n, size_t channels);
    // The same of MB_SAMPLES rows in lanes, with the bits of row, for kinds but MB_TARGET_LABELS.
    // NULL where row is.
    void (*lanes)(mb_target_kind kind, const float *target, const float *output, size_t n,
        size_t channels, float *value);
    // From n scores and their labels (0 or not); work holds n words. NULL for means.
    double (*scores)(const float *scores, const uint8_t *labels, size_t n, uint64_t *work);
} mb_metric_ops;

#define MB_METRIC(name) extern const mb_metric_ops mb_metric_##name;
#include "training/metrics/metric_list.h"
#undef MB_METRIC

extern const mb_metric_ops *const mb_metric_list[]; // NULL-terminated
const mb_metric_ops *mb_metric_find(const char *name);

enum { MB_MOST_METRICS = 8 };

// A metric under the name of its column.
typedef struct mb_metric {
    const mb_metric_ops *ops;
    const char *name;
} mb_metric;

// Reads a list of names. Fails for unknown ones with the nearest name, for repeats, and for those
// that cannot judge by what the loss takes as target. at: for the line of errors.
mb_status mb_metrics_read(mb_context *ctx, const mb_document *document, const mb_node *at,
    const mb_texts *names, const mb_loss_ops *loss, mb_metric out[MB_MOST_METRICS],
    size_t *n) MB_MUST_CHECK;

#endif
