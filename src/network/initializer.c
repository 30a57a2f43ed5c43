// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/initializer.h"

#include <math.h>

typedef struct constant_options {
    double value;
} constant_options;

typedef struct spread_options {
    double mean, stddev, minval, maxval;
} spread_options;

typedef struct scaling_options {
    double scale;
    int mode;
    int distribution;
} scaling_options;

static mb_status fill_zeros(
    mb_context *ctx, const void *options, const mb_weight *weight, mb_random *random, float *out) {
    (void)ctx;
    (void)options;
    (void)random;
    memset(out, 0, weight->count * sizeof *out);
    return MB_OK;
}

static mb_status fill_value(const mb_weight *weight, float *out, float value) {
    for (size_t i = 0; i < weight->count; i++) {
        out[i] = value;
    }
    return MB_OK;
}

static mb_status fill_ones(
    mb_context *ctx, const void *options, const mb_weight *weight, mb_random *random, float *out) {
    (void)ctx;
    (void)options;
    (void)random;
    return fill_value(weight, out, 1);
}

static mb_status fill_constant(
    mb_context *ctx, const void *options, const mb_weight *weight, mb_random *random, float *out) {
    (void)ctx;
    (void)random;
    return fill_value(weight, out, (float)((const constant_options *)options)->value);
}

static void fill_uniform(
    const mb_weight *weight, mb_random *random, float *out, double low, double high) {
    for (size_t i = 0; i < weight->count; i++) {
        out[i] = (float)(low + (high - low) * mb_random_uniform(random));
    }
}

static void fill_normal(const mb_weight *weight, mb_random *random, float *out, double mean,
    double stddev, bool is_truncated) {
    for (size_t i = 0; i < weight->count; i++) {
        double value = mb_random_normal(random);
        while (is_truncated && fabs(value) > 2) {
            value = mb_random_normal(random);
        }
        out[i] = (float)(mean + stddev * value);
    }
}

static mb_status fill_random_uniform(
    mb_context *ctx, const void *options, const mb_weight *weight, mb_random *random, float *out) {
    const spread_options *spread = options;
    (void)ctx;
    fill_uniform(weight, random, out, spread->minval, spread->maxval);
    return MB_OK;
}

static mb_status fill_random_normal(
    mb_context *ctx, const void *options, const mb_weight *weight, mb_random *random, float *out) {
    const spread_options *spread = options;
    (void)ctx;
    fill_normal(weight, random, out, spread->mean, spread->stddev, false);
    return MB_OK;
}

static mb_status fill_truncated_normal(
    mb_context *ctx, const void *options, const mb_weight *weight, mb_random *random, float *out) {
    const spread_options *spread = options;
    (void)ctx;
    fill_normal(weight, random, out, spread->mean, spread->stddev, true);
    return MB_OK;
}

enum { FAN_IN, FAN_OUT, FAN_AVERAGE };
enum { TRUNCATED_NORMAL, UNTRUNCATED_NORMAL, UNIFORM, NORMAL };

// Keras's VarianceScaling: the standard deviation of a normal cut at two sigma is 0.8796 of the
// uncut one's.
static void fill_scaled(const mb_weight *weight, mb_random *random, float *out, double scale,
    int mode, int distribution) {
    const double fan_in = (double)mb_max_size(weight->fan_in, 1);
    const double fan_out = (double)mb_max_size(weight->fan_out, 1);
    const double variance = scale / (mode == FAN_IN       ? fan_in
                                        : mode == FAN_OUT ? fan_out
                                                          : (fan_in + fan_out) / 2);
    if (distribution == UNIFORM) {
        const double limit = sqrt(3 * variance);
        fill_uniform(weight, random, out, -limit, limit);
    } else if (distribution == UNTRUNCATED_NORMAL) {
        fill_normal(weight, random, out, 0, sqrt(variance), false);
    } else {
        fill_normal(weight, random, out, 0, sqrt(variance) / 0.87962566103423978, true);
    }
}

static mb_status fill_variance_scaling(
    mb_context *ctx, const void *options, const mb_weight *weight, mb_random *random, float *out) {
    const scaling_options *scaling = options;
    (void)ctx;
    fill_scaled(weight, random, out, scaling->scale, scaling->mode, scaling->distribution);
    return MB_OK;
}

#define SCALED(name, scale, mode, distribution)                                                    \
    static mb_status fill_##name(mb_context *ctx, const void *options, const mb_weight *weight,    \
        mb_random *random, float *out) {                                                           \
        (void)ctx;                                                                                 \
        (void)options;                                                                             \
        fill_scaled(weight, random, out, scale, mode, distribution);                               \
        return MB_OK;                                                                              \
    }
SCALED(glorot_uniform, 1, FAN_AVERAGE, UNIFORM)
SCALED(glorot_normal, 1, FAN_AVERAGE, TRUNCATED_NORMAL)
SCALED(he_uniform, 2, FAN_IN, UNIFORM)
SCALED(he_normal, 2, FAN_IN, TRUNCATED_NORMAL)
SCALED(lecun_uniform, 1, FAN_IN, UNIFORM)
SCALED(lecun_normal, 1, FAN_IN, TRUNCATED_NORMAL)

double mb_torch_limit(const mb_weight *weight) {
    return 1 / sqrt((double)mb_max_size(weight->layer->weights[0].fan_in, 1));
}

static mb_status fill_torch_uniform(
    mb_context *ctx, const void *options, const mb_weight *weight, mb_random *random, float *out) {
    const double limit = mb_torch_limit(weight);
    (void)ctx;
    (void)options;
    fill_uniform(weight, random, out, -limit, limit);
    return MB_OK;
}

static const mb_option no_options[] = {MB_OPTIONS_END};
static const mb_option constant_table[] = {
    {"value", MB_OPTION_REAL, offsetof(constant_options, value), "0", 0, 0, NULL, NULL,
        "every element"},
    MB_OPTIONS_END};
static const mb_option uniform_table[] = {
    {"minval", MB_OPTION_REAL, offsetof(spread_options, minval), "-0.05", 0, 0, NULL, NULL,
        "lower end"},
    {"maxval", MB_OPTION_REAL, offsetof(spread_options, maxval), "0.05", 0, 0, NULL, NULL,
        "upper end"},
    MB_OPTIONS_END};
static const mb_option normal_table[] = {
    {"mean", MB_OPTION_REAL, offsetof(spread_options, mean), "0", 0, 0, NULL, NULL, "centre"},
    {"stddev", MB_OPTION_REAL, offsetof(spread_options, stddev), "0.05", 0, 1e30, NULL, NULL,
        "standard deviation"},
    MB_OPTIONS_END};
static const char *const mode_names[] = {"fan_in", "fan_out", "fan_avg", NULL};
static const char *const distribution_names[] = {
    "truncated_normal", "untruncated_normal", "uniform", "normal", NULL};
static const mb_option scaling_table[] = {
    {"scale", MB_OPTION_REAL, offsetof(scaling_options, scale), "1", 0, 1e30, NULL, NULL,
        "variance times fan"},
    {"mode", MB_OPTION_CHOICE, offsetof(scaling_options, mode), "fan_in", 0, 0, mode_names, NULL,
        "which fan"},
    {"distribution", MB_OPTION_CHOICE, offsetof(scaling_options, distribution), "truncated_normal",
        0, 0, distribution_names, NULL, "shape"},
    MB_OPTIONS_END};

#define PLAIN(name, class_name)                                                                    \
    { #name, class_name, no_options, 0, fill_##name }
static const mb_initializer_ops list[] = {PLAIN(zeros, "Zeros"), PLAIN(ones, "Ones"),
    {"constant", "Constant", constant_table, sizeof(constant_options), fill_constant},
    PLAIN(glorot_uniform, "GlorotUniform"), PLAIN(glorot_normal, "GlorotNormal"),
    PLAIN(he_uniform, "HeUniform"), PLAIN(he_normal, "HeNormal"),
    PLAIN(lecun_uniform, "LecunUniform"), PLAIN(lecun_normal, "LecunNormal"),
    {"random_uniform", "RandomUniform", uniform_table, sizeof(spread_options), fill_random_uniform},
    {"random_normal", "RandomNormal", normal_table, sizeof(spread_options), fill_random_normal},
    {"truncated_normal", "TruncatedNormal", normal_table, sizeof(spread_options),
        fill_truncated_normal},
    {"variance_scaling", "VarianceScaling", scaling_table, sizeof(scaling_options),
        fill_variance_scaling},
    // Keras has no such class: files hold the limits that it comes to.
    {"torch_uniform", NULL, no_options, 0, fill_torch_uniform}};

const mb_initializer_ops *const mb_initializer_list[] = {&list[0], &list[1], &list[2], &list[3],
    &list[4], &list[5], &list[6], &list[7], &list[8], &list[9], &list[10], &list[11], &list[12],
    &list[13], NULL};

static const mb_initializer_ops *find(const char *name) {
    for (size_t i = 0; i < MB_COUNT_OF(list); i++) {
        const char *class_name = list[i].class_name;
        if (strcmp(list[i].name, name) == 0 ||
            (class_name != NULL && strcmp(class_name, name) == 0)) {
            return &list[i];
        }
    }
    return NULL;
}

// Splits "name", {name: {options}} and Keras's {class_name, config, ...}.
static mb_status split_named(mb_context *ctx, const mb_document *document, const mb_node *node,
    const char *what, const char **name, const mb_node **options) {
    const mb_node *class_name = node->kind == MB_NODE_MAP ? mb_node_find(node, "class_name") : NULL;
    if (class_name != NULL) {
        *name = mb_node_text(class_name);
        *options = mb_node_find(node, "config");
        return *name != NULL ? MB_OK
                             : mb_fail_at(ctx, document, node,
                                   "%s: class_name is not a text; write a name", what);
    }
    return mb_named_options(ctx, document, node, what, name, options);
}

mb_status mb_initializer_read(mb_context *ctx, mb_document *document, const mb_node *node,
    const char *fallback, mb_initializer *out) {
    static const char *const ignored[] = {"seed", "dtype", NULL};
    const char *name = fallback;
    const mb_node *options = NULL;
    if (node != NULL && node->kind != MB_NODE_NULL) {
        MB_TRY(split_named(ctx, document, node, "initializer", &name, &options));
    }
    out->ops = find(name);
    if (out->ops == NULL) {
        const char *names[MB_COUNT_OF(list)];
        for (size_t i = 0; i < MB_COUNT_OF(list); i++) {
            names[i] = list[i].name;
        }
        const char *near = mb_nearest_name(name, names, MB_COUNT_OF(list));
        return mb_fail_at(ctx, document, node, "unknown initializer '%s'; %s%s", name,
            near != NULL ? "did you mean " : "see the list in the manual",
            near != NULL ? near : "");
    }
    out->options =
        mb_arena_allocate(&document->arena, ctx, 1, mb_max_size(out->ops->options_size, 1));
    if (out->options == NULL) {
        return MB_ERR_MEMORY;
    }
    return mb_options_parse(ctx, document, out->ops->options, options, name, ignored, out->options);
}

mb_status mb_regularizer_read(
    mb_context *ctx, mb_document *document, const mb_node *node, double *l1, double *l2) {
    typedef struct penalty {
        double l1, l2;
    } penalty;
    // Keras's names "l1" and "l2" alone mean 0.01.
    static const mb_option table[] = {{"l1", MB_OPTION_REAL, offsetof(penalty, l1), "0", 0, 1e30,
                                          NULL, NULL, "times sum of absolute values"},
        {"l2", MB_OPTION_REAL, offsetof(penalty, l2), "0", 0, 1e30, NULL, NULL,
            "times sum of squares"},
        MB_OPTIONS_END};
    *l1 = *l2 = 0;
    if (node == NULL || node->kind == MB_NODE_NULL) {
        return MB_OK;
    }
    penalty parsed = {0, 0};
    const mb_node *options = node;
    if (mb_node_is_scalar(node)) {
        const char *name = mb_node_text(node);
        const bool is_l1 = strcmp(name, "l1") == 0 || strcmp(name, "L1") == 0;
        const bool is_l2 = strcmp(name, "l2") == 0 || strcmp(name, "L2") == 0;
        if (!is_l1 && !is_l2 && strcmp(name, "l1_l2") != 0 && strcmp(name, "L1L2") != 0) {
            return mb_fail_at(
                ctx, document, node, "unknown regularizer '%s'; use l1, l2 or l1_l2", name);
        }
        *l1 = is_l2 ? 0 : 0.01;
        *l2 = is_l1 ? 0 : 0.01;
        return MB_OK;
    }
    if (mb_node_find(node, "class_name") != NULL) {
        options = mb_node_find(node, "config");
    } else if (mb_node_find(node, "l1_l2") != NULL) {
        options = mb_node_find(node, "l1_l2");
    }
    MB_TRY(mb_options_parse(ctx, document, table, options, "regularizer", NULL, &parsed));
    *l1 = parsed.l1;
    *l2 = parsed.l2;
    return MB_OK;
}
