// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "training/fit.h"

#include "base/numbers.h"
#include "training/records.h"

// Labels that class_weight may name.
enum { MOST_CLASSES = 4096 };

const mb_option mb_train_option_table[] = {
    {"loss", MB_OPTION_NODE, offsetof(mb_train_options, loss), NULL, 0, 0, NULL, NULL,
        "what is made small: a name, or {name: {options}}"},
    {"optimizer", MB_OPTION_NODE, offsetof(mb_train_options, optimizer), "", 0, 0, NULL, NULL,
        "how: a name, or {name: {options}}; default rmsprop, as Keras"},
    {"metrics", MB_OPTION_TEXTS, offsetof(mb_train_options, metrics), "", 0, 0, NULL, NULL,
        "further figures of every epoch"},
    {"batch", MB_OPTION_SIZE, offsetof(mb_train_options, batch), "32", 1, 16777216, NULL,
        "batch_size", "events between two updates"},
    {"epochs", MB_OPTION_SIZE, offsetof(mb_train_options, epochs), "10", 0, 1e6, NULL, NULL,
        "passes over the training events"},
    {"validation", MB_OPTION_NODE, offsetof(mb_train_options, validation), "", 0, 0, NULL,
        "validation_split",
        "part kept for validation: 0.2 (the last), or {fraction: 0.2, take: last|first|random}"},
    {"shuffle", MB_OPTION_BOOL, offsetof(mb_train_options, shuffle), "true", 0, 0, NULL, NULL,
        "a new order of events in every epoch"},
    {"drop_last", MB_OPTION_BOOL, offsetof(mb_train_options, drop_last), "false", 0, 0, NULL, NULL,
        "leave out a last batch that is not full"},
    {"clip_quantized", MB_OPTION_BOOL, offsetof(mb_train_options, clip_quantized), "false", 0, 0,
        NULL, NULL,
        "after every update, weights with quantisers are clipped to the quantisers' range, as "
        "QKeras does"},
    {"callbacks", MB_OPTION_NODE, offsetof(mb_train_options, callbacks), "", 0, 0, NULL, NULL,
        "list of early_stopping, reduce_lr_on_plateau, model_checkpoint"},
    {"class_weight", MB_OPTION_NODE, offsetof(mb_train_options, class_weight), "", 0, 0, NULL, NULL,
        "weight of each class in the loss: {0: 1.0, 1: 2.5}"},
    {"sample_weight", MB_OPTION_TEXT, offsetof(mb_train_options, sample_weight), "", 0, 0, NULL,
        NULL, "column with the weight of each event in the loss"},
    {"clip_norm", MB_OPTION_REAL, offsetof(mb_train_options, clip_norm), "0", 0, 1e30, NULL, NULL,
        "largest norm of the whole gradient; 0: any"},
    {"repeats", MB_OPTION_SIZE, offsetof(mb_train_options, repeats), "1", 1, 10000, NULL, NULL,
        "trainings with other random numbers"},
    {"folds", MB_OPTION_SIZE, offsetof(mb_train_options, folds), "0", 0, 10000, NULL, NULL,
        "above 1: cross-validation with so many parts, in place of validation"},
    {"jobs", MB_OPTION_SIZE, offsetof(mb_train_options, jobs), "1", 0, 1024, NULL, NULL,
        "trainings at the same time; 0: as many as there are threads"},
    {"weights_dir", MB_OPTION_TEXT, offsetof(mb_train_options, weights_dir), "", 0, 0, NULL, NULL,
        "folder of trained models NAME.h5, NAME that of the round: taken in place of training"},
    {"max_rows", MB_OPTION_SIZE, offsetof(mb_train_options, max_rows), "0", 0, 1e12, NULL, NULL,
        "the first so many training rows alone; 0: all"},
    {"retrain", MB_OPTION_BOOL, offsetof(mb_train_options, retrain), "false", 0, 0, NULL, NULL,
        "modules: train although RUN/NAME/NAME.hdf5 is there; else its weights are judged"},
    {"eval_only", MB_OPTION_BOOL, offsetof(mb_train_options, eval_only), "false", 0, 0, NULL, NULL,
        "modules: judge the weights of RUN/NAME/NAME.hdf5 on all rows, without training"},
    {"checkpoint_seconds", MB_OPTION_REAL, offsetof(mb_train_options, checkpoint_seconds), "30", 0,
        1e9, NULL, NULL, "time between checkpoints within an epoch; 0: only at its end"},
    {"checkpoint_steps", MB_OPTION_SIZE, offsetof(mb_train_options, checkpoint_steps), "0", 0, 1e9,
        NULL, NULL, "steps between checkpoints within an epoch; 0: by time alone"},
    MB_OPTIONS_END,
};

static mb_status read_class(mb_context *ctx, const mb_document *document, const mb_node *member,
    float *weights, bool *is_named) {
    int64_t label = 0;
    if (!mb_text_to_int64(member->key, &label) || label < 0 || label >= MOST_CLASSES) {
        return mb_fail_at(ctx, document, member,
            "class_weight: '%.40s' is not a class; write a whole number from 0 to %d", member->key,
            MOST_CLASSES - 1);
    }
    const bool is_number = member->kind == MB_NODE_INT || member->kind == MB_NODE_REAL;
    if (!is_number || !(member->real >= 0.0)) {
        return mb_fail_at(ctx, document, member,
            "class_weight: the weight of class %lld is not a number of at least 0; write one",
            (long long)label);
    }
    weights[label] = (float)member->real;
    is_named[label] = true;
    return MB_OK;
}

static mb_status read_class_weights(
    mb_context *ctx, mb_document *document, const mb_node *map, mb_class_weights *out) {
    if (map == NULL) {
        return MB_OK;
    }
    if (map->kind != MB_NODE_MAP) {
        return mb_fail_at(ctx, document, map, "class_weight: is not a map; write {0: 1.0, 1: 2.5}");
    }
    float *weights = mb_arena_allocate(&document->arena, ctx, MOST_CLASSES, sizeof *weights);
    bool *is_named = mb_arena_allocate(&document->arena, ctx, MOST_CLASSES, sizeof *is_named);
    if (weights == NULL || is_named == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < MOST_CLASSES; i++) {
        weights[i] = 1.0F;
        is_named[i] = false;
    }
    for (const mb_node *member = map->first; member != NULL; member = member->next) {
        MB_TRY(read_class(ctx, document, member, weights, is_named));
    }
    *out = (mb_class_weights){MOST_CLASSES, weights, is_named};
    return MB_OK;
}

mb_status mb_train_read(
    mb_context *ctx, mb_document *document, const mb_node *node, mb_train *out) {
    *out = (mb_train){.n_metrics = 0};
    mb_train_options *options = &out->options;
    MB_TRY(mb_options_parse(ctx, document, mb_train_option_table, node, "train", NULL, options));
    MB_TRY(mb_loss_read(ctx, document, options->loss, &out->loss));
    if (options->optimizer == NULL) {
        options->optimizer = mb_node_make_text(document, ctx, "rmsprop");
        if (options->optimizer == NULL) {
            return MB_ERR_MEMORY;
        }
    }
    MB_TRY(mb_optimizer_read(ctx, document, options->optimizer, &out->optimizer));
    MB_TRY(mb_metrics_read(
        ctx, document, node, &options->metrics, out->loss.ops, out->metrics, &out->n_metrics));
    MB_TRY(mb_callbacks_read(ctx, document, options->callbacks, out->callbacks, &out->n_callbacks));
    MB_TRY(mb_part_read(ctx, document, options->validation, "validation", &out->validation));
    MB_TRY(read_class_weights(ctx, document, options->class_weight, &out->class_weights));
    if (options->folds == 1) {
        return mb_fail_at(ctx, document, node,
            "train: folds is 1, which leaves nothing to train on; write 0 or at least 2");
    }
    return MB_OK;
}

static mb_node *callbacks_node(mb_context *ctx, mb_document *document, const mb_train *train) {
    mb_node *list = mb_node_make(document, ctx, MB_NODE_LIST);
    for (size_t i = 0; list != NULL && i < train->n_callbacks; i++) {
        const mb_callback_choice *choice = &train->callbacks[i];
        mb_node *node = mb_record_to_node(
            ctx, document, choice->ops->name, choice->ops->options, choice->options);
        if (node == NULL) {
            return NULL;
        }
        mb_node_append(list, node);
    }
    return list;
}

// mb_node_set fails by itself for a value that could not be made.
static mb_status set_records(
    mb_context *ctx, mb_document *document, const mb_train *train, mb_node *map) {
    const mb_loss *loss = &train->loss;
    MB_TRY(mb_node_set(document, ctx, map, "loss",
        mb_record_to_node(ctx, document, loss->ops->name, loss->ops->options, loss->options)));
    const mb_optimizer_choice *optimizer = &train->optimizer;
    MB_TRY(mb_node_set(document, ctx, map, "optimizer",
        mb_record_to_node(
            ctx, document, optimizer->ops->name, optimizer->ops->options, optimizer->options)));
    MB_TRY(mb_node_set(
        document, ctx, map, "validation", mb_part_to_node(ctx, document, &train->validation)));
    return mb_node_set(document, ctx, map, "callbacks", callbacks_node(ctx, document, train));
}

mb_node *mb_train_to_node(mb_context *ctx, mb_document *document, const mb_train *train) {
    mb_node *map = mb_options_to_node(ctx, document, mb_train_option_table, &train->options, true);
    if (map == NULL || set_records(ctx, document, train, map) != MB_OK) {
        return NULL;
    }
    return map;
}
