// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "training/metric.h"

#include "training/records.h"

const mb_metric_ops *const mb_metric_list[] = {
#define MB_METRIC(name) &mb_metric_##name,
#include "training/metrics/metric_list.h"
#undef MB_METRIC
    NULL,
};

static mb_record_names names_of(const mb_metric_ops *ops) {
    return (mb_record_names){ops->name, NULL, ops->alias};
}

const mb_metric_ops *mb_metric_find(const char *name) {
    for (size_t i = 0; mb_metric_list[i] != NULL; i++) {
        const mb_record_names names = names_of(mb_metric_list[i]);
        if (mb_record_has_name(&names, name)) {
            return mb_metric_list[i];
        }
    }
    return NULL;
}

static mb_status fail_unknown(
    mb_context *ctx, const mb_document *document, const mb_node *at, const char *name) {
    mb_record_names names[MB_COUNT_OF(mb_metric_list)];
    size_t n = 0;
    for (; mb_metric_list[n] != NULL; n++) {
        names[n] = names_of(mb_metric_list[n]);
    }
    return mb_record_unknown(ctx, document, at, "metrics", name, names, n);
}

mb_status mb_metrics_read(mb_context *ctx, const mb_document *document, const mb_node *at,
    const mb_texts *names, const mb_loss_ops *loss, mb_metric out[MB_MOST_METRICS], size_t *n) {
    *n = 0;
    if (names->n > MB_MOST_METRICS) {
        return mb_fail_at(
            ctx, document, at, "metrics: %zu metrics; write at most %d", names->n, MB_MOST_METRICS);
    }
    for (size_t i = 0; i < names->n; i++) {
        const mb_metric_ops *ops = mb_metric_find(names->value[i]);
        if (ops == NULL) {
            return fail_unknown(ctx, document, at, names->value[i]);
        }
        if (loss->target == MB_TARGET_LABELS && !ops->takes_labels) {
            return mb_fail_at(ctx, document, at,
                "metrics: '%s' compares number by number, but %s takes one label for all classes; "
                "use accuracy, or categorical_crossentropy",
                names->value[i], loss->name);
        }
        if (ops->is_of_pairs != (loss->target == MB_TARGET_PAIRS)) {
            return mb_fail_at(ctx, document, at, "metrics: '%s' judges %s, but %s works on %s; %s",
                names->value[i], ops->is_of_pairs ? "pairs of nodes" : "events", loss->name,
                ops->is_of_pairs ? "events" : "pairs of nodes",
                ops->is_of_pairs ? "take hinge_embedding as loss" : "use distance_accuracy");
        }
        const char *name = ops->column != NULL ? ops->column : names->value[i];
        for (size_t k = 0; k < i; k++) {
            if (strcmp(out[k].name, name) == 0) {
                return mb_fail_at(
                    ctx, document, at, "metrics: '%s' is there twice; remove one", names->value[i]);
            }
        }
        out[(*n)++] = (mb_metric){ops, name};
    }
    return MB_OK;
}
