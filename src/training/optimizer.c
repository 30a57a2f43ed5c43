// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "training/optimizer.h"

#include "base/numbers.h"
#include "training/records.h"

#include <math.h>

const mb_optimizer_ops *const mb_optimizer_list[] = {
#define MB_OPTIMIZER(name) &mb_optimizer_##name,
#include "training/optimizers/optimizer_list.h"
#undef MB_OPTIMIZER
    NULL,
};

static mb_record_names names_of(const mb_optimizer_ops *ops) {
    return (mb_record_names){ops->name, ops->class_name, NULL};
}

const mb_optimizer_ops *mb_optimizer_find(const char *name) {
    for (size_t i = 0; mb_optimizer_list[i] != NULL; i++) {
        const mb_record_names names = names_of(mb_optimizer_list[i]);
        if (mb_record_has_name(&names, name)) {
            return mb_optimizer_list[i];
        }
    }
    return NULL;
}

mb_status mb_optimizer_read(
    mb_context *ctx, mb_document *document, const mb_node *node, mb_optimizer_choice *out) {
    const char *name;
    const mb_node *options;
    MB_TRY(mb_named_options(ctx, document, node, "optimizer", &name, &options));
    out->ops = mb_optimizer_find(name);
    if (out->ops == NULL) {
        mb_record_names names[MB_COUNT_OF(mb_optimizer_list)];
        size_t n = 0;
        for (; mb_optimizer_list[n] != NULL; n++) {
            names[n] = names_of(mb_optimizer_list[n]);
        }
        return mb_record_unknown(ctx, document, node, "optimizer", name, names, n);
    }
    return mb_record_options(ctx, document, out->ops->options, out->ops->options_size, options,
        out->ops->name, &out->options);
}

mb_status mb_optimizer_init(mb_optimizer *optimizer, mb_context *ctx,
    const mb_optimizer_choice *choice, const mb_model *model) {
    const mb_optimizer_common *common = choice->options;
    *optimizer = (mb_optimizer){.choice = *choice,
        .model = model,
        .learning_rate = (float)common->learning_rate,
        .n_parameters = model->n_parameters,
        .runtime = mb_context_runtime(ctx)};
    memcpy(optimizer->kept, choice->ops->kept, sizeof optimizer->kept);
    for (size_t i = 0; i < choice->ops->n_slots; i++) {
        optimizer->slots[i] = mb_allocate_zeroed(ctx, model->n_parameters, sizeof(float));
        if (optimizer->slots[i] == NULL) {
            return MB_ERR_MEMORY;
        }
    }
    return MB_OK;
}

void mb_optimizer_clear(mb_optimizer *optimizer) {
    if (optimizer->runtime == NULL) {
        return;
    }
    for (size_t i = 0; i < MB_OPTIMIZER_MOST_SLOTS; i++) {
        mb_runtime_release(optimizer->runtime, optimizer->slots[i]);
    }
    *optimizer = (mb_optimizer){.runtime = NULL};
}

static bool is_updated(const mb_weight *weight) {
    return weight->is_trainable && weight->layer->is_trainable;
}

// Every eighth number has a sum of its own, so that additions do not wait for each other.
enum { N_SUMS = 8 };

// Of squares, or of sizes.
static double sum_of(const float *values, size_t n, bool is_squared) {
    double sum[N_SUMS] = {0.0};
    for (size_t i = 0; i < n; i += N_SUMS) {
        for (size_t k = 0; k < mb_min_size(N_SUMS, n - i); k++) {
            const double value = (double)values[i + k];
            sum[k] += is_squared ? value * value : fabs(value);
        }
    }
    return ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}

static double gradient_norm(const mb_model *model, const float *gradient) {
    double sum = 0.0;
    for (size_t k = 0; k < model->n_weights; k++) {
        const mb_weight *weight = model->weights[k];
        if (is_updated(weight)) {
            sum += sum_of(gradient + weight->offset, weight->count, true);
        }
    }
    return sqrt(sum);
}

static void clip_norm_to(float *values, size_t n, double norm, double most) {
    const float limit = (float)most;
    const float divisor = norm > most ? (float)norm : limit;
    for (size_t i = 0; i < n; i++) {
        values[i] = values[i] * limit / divisor;
    }
}

static void clip_value_to(float *values, size_t n, double most) {
    const float limit = (float)most;
    for (size_t i = 0; i < n; i++) {
        values[i] = values[i] > limit ? limit : values[i] < -limit ? -limit : values[i];
    }
}

static void clip_whole(const mb_model *model, double most, float *gradient) {
    const double norm = gradient_norm(model, gradient);
    if (norm > most) {
        clip_norm_to(gradient, model->n_parameters, norm, most);
    }
}

// Keras takes the first of the three that is set.
static void clip(const mb_model *model, const mb_optimizer_common *common, float *gradient) {
    if (common->clipnorm <= 0.0 && common->global_clipnorm > 0.0) {
        clip_whole(model, common->global_clipnorm, gradient);
        return;
    }
    for (size_t k = 0; k < model->n_weights; k++) {
        const mb_weight *weight = model->weights[k];
        float *values = gradient + weight->offset;
        if (common->clipnorm > 0.0) {
            const double norm = sqrt(sum_of(values, weight->count, true));
            clip_norm_to(values, weight->count, norm, common->clipnorm);
        } else if (common->clipvalue > 0.0) {
            clip_value_to(values, weight->count, common->clipvalue);
        }
    }
}

static void decay(float *parameters, size_t n, float rate, float part) {
    for (size_t i = 0; i < n; i++) {
        parameters[i] -= parameters[i] * part * rate;
    }
}

void mb_optimizer_step(
    mb_optimizer *optimizer, double clip_norm, float *parameters, float *gradient) {
    const mb_optimizer_ops *ops = optimizer->choice.ops;
    const mb_optimizer_common *common = optimizer->choice.options;
    const mb_model *model = optimizer->model;
    if (clip_norm > 0.0) {
        clip_whole(model, clip_norm, gradient);
    }
    clip(model, common, gradient);
    float scalar[MB_OPTIMIZER_MOST_STEP_SCALARS] = {0};
    optimizer->n_steps++;
    ops->begin(optimizer->choice.options, optimizer->learning_rate, optimizer->n_steps,
        optimizer->kept, scalar);
    for (size_t k = 0; k < model->n_weights; k++) {
        const mb_weight *weight = model->weights[k];
        if (!is_updated(weight)) {
            continue;
        }
        mb_update update = {.options = optimizer->choice.options,
            .scalar = scalar,
            .n = weight->count,
            .parameters = parameters + weight->offset,
            .gradient = gradient + weight->offset};
        for (size_t i = 0; i < ops->n_slots; i++) {
            update.slot[i] = optimizer->slots[i] + weight->offset;
        }
        if (common->weight_decay > 0.0) {
            decay(
                update.parameters, update.n, optimizer->learning_rate, (float)common->weight_decay);
        }
        ops->update(&update);
    }
}

static void slot_entry(char *out, size_t size, const char *name) {
    mb_format(out, size, "optimizer/%s", name);
}

mb_status mb_optimizer_save(const mb_optimizer *optimizer, mb_context *ctx, mb_bundle *bundle) {
    const mb_optimizer_ops *ops = optimizer->choice.ops;
    char name[64];
    MB_TRY(mb_bundle_put_text(bundle, ctx, "optimizer/name", ops->name));
    for (size_t i = 0; i < ops->n_slots; i++) {
        slot_entry(name, sizeof name, ops->slot_names[i]);
        MB_TRY(
            mb_bundle_put_floats(bundle, ctx, name, optimizer->slots[i], optimizer->n_parameters));
    }
    MB_TRY(mb_bundle_put_floats(
        bundle, ctx, "optimizer/kept", optimizer->kept, MB_OPTIMIZER_MOST_SCALARS));
    MB_TRY(
        mb_bundle_put_floats(bundle, ctx, "optimizer/learning_rate", &optimizer->learning_rate, 1));
    return mb_bundle_put_int(bundle, ctx, "optimizer/step", (int64_t)optimizer->n_steps);
}

mb_status mb_optimizer_restore(mb_optimizer *optimizer, mb_context *ctx, const mb_bundle *bundle) {
    const mb_optimizer_ops *ops = optimizer->choice.ops;
    const char *kind = mb_bundle_text(bundle, "optimizer/name");
    if (kind == NULL || strcmp(kind, ops->name) != 0) {
        return mb_fail(ctx, MB_ERR_FORMAT,
            "checkpoint: it is of the optimizer '%s', the study has '%s'; start afresh",
            kind != NULL ? kind : "?", ops->name);
    }
    char name[64];
    for (size_t i = 0; i < ops->n_slots; i++) {
        slot_entry(name, sizeof name, ops->slot_names[i]);
        MB_TRY(
            mb_bundle_get_floats(bundle, ctx, name, optimizer->slots[i], optimizer->n_parameters));
    }
    MB_TRY(mb_bundle_get_floats(
        bundle, ctx, "optimizer/kept", optimizer->kept, MB_OPTIMIZER_MOST_SCALARS));
    MB_TRY(
        mb_bundle_get_floats(bundle, ctx, "optimizer/learning_rate", &optimizer->learning_rate, 1));
    int64_t n_steps;
    MB_TRY(mb_bundle_get_int(bundle, ctx, "optimizer/step", &n_steps));
    if (n_steps < 0) {
        return mb_fail(ctx, MB_ERR_FORMAT,
            "checkpoint: 'optimizer/step' is %lld; delete the checkpoint and start afresh",
            (long long)n_steps);
    }
    optimizer->n_steps = (uint64_t)n_steps;
    return MB_OK;
}

static float sign(float x) {
    return (float)(x > 0.0F) - (float)(x < 0.0F);
}

static double weight_penalty(const mb_weight *weight, const float *values, float *gradient) {
    const float l1 = (float)weight->l1, l2 = (float)weight->l2;
    for (size_t i = 0; gradient != NULL && i < weight->count; i++) {
        gradient[i] += l1 * sign(values[i]) + 2.0F * l2 * values[i];
    }
    const double size = weight->l1 > 0.0 ? weight->l1 * sum_of(values, weight->count, false) : 0.0;
    return size + weight->l2 * sum_of(values, weight->count, true);
}

double mb_penalty(const mb_model *model, const float *parameters, float *gradient) {
    double sum = 0.0;
    for (size_t k = 0; k < model->n_weights; k++) {
        const mb_weight *weight = model->weights[k];
        if (weight->l1 > 0.0 || weight->l2 > 0.0) {
            sum += weight_penalty(weight, parameters + weight->offset,
                gradient != NULL ? gradient + weight->offset : NULL);
        }
    }
    return sum;
}
