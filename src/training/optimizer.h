// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TRAINING_OPTIMIZER_H
#define TRAINING_OPTIMIZER_H

#include "base/bundle.h"
#include "base/options.h"
#include "network/model.h"

// Optimisers with Keras's names and float32 arithmetic.

enum { MB_OPTIMIZER_MOST_SLOTS = 3, MB_OPTIMIZER_MOST_SCALARS = 2 };

// The options that all have; the first member of every record.
typedef struct mb_optimizer_common {
    double learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm;
} mb_optimizer_common;

typedef struct mb_optimizer_ops mb_optimizer_ops;

// One update of a stretch of parameters: every element by itself.
typedef struct mb_update {
    const void *options;
    const float *scalar; // what begin worked out
    size_t n;
    float *parameters;
    const float *gradient;
    float *slot[MB_OPTIMIZER_MOST_SLOTS];
} mb_update;

enum { MB_OPTIMIZER_MOST_STEP_SCALARS = 8 };

struct mb_optimizer_ops {
    const char *name;       // "adam"
    const char *class_name; // "Adam"
    const char *help;
    const mb_option *options;
    size_t options_size;
    size_t n_slots;
    const char *slot_names[MB_OPTIMIZER_MOST_SLOTS];
    size_t n_kept;                         // scalars carried from step to step
    float kept[MB_OPTIMIZER_MOST_SCALARS]; // their first values
    // The scalars of step t (counted from 1); may change kept.
    void (*begin)(const void *options, float learning_rate, uint64_t t, float *kept, float *scalar);
    void (*update)(const mb_update *update);
};

#define MB_OPTIMIZER(name) extern const mb_optimizer_ops mb_optimizer_##name;
#include "training/optimizers/optimizer_list.h"
#undef MB_OPTIMIZER

extern const mb_optimizer_ops *const mb_optimizer_list[]; // NULL-terminated
// By name or Keras class name; NULL when there is none.
const mb_optimizer_ops *mb_optimizer_find(const char *name);

// An optimiser's kind with its options, which live in the document that it was read from.
typedef struct mb_optimizer_choice {
    const mb_optimizer_ops *ops;
    const void *options;
} mb_optimizer_choice;

// Reads "adam" or {adam: {learning_rate: 0.01}}.
mb_status mb_optimizer_read(mb_context *ctx, mb_document *document, const mb_node *node,
    mb_optimizer_choice *out) MB_MUST_CHECK;

// An optimiser at work on the parameters of a model. Frozen layers and weights stay as they are.
typedef struct mb_optimizer {
    mb_optimizer_choice choice;
    const mb_model *model;
    float learning_rate; // now: callbacks change it
    uint64_t n_steps;    // done
    size_t n_parameters;
    float *slots[MB_OPTIMIZER_MOST_SLOTS];
    float kept[MB_OPTIMIZER_MOST_SCALARS];
    mb_runtime *runtime;
} mb_optimizer;

mb_status mb_optimizer_init(mb_optimizer *optimizer, mb_context *ctx,
    const mb_optimizer_choice *choice, const mb_model *model) MB_MUST_CHECK;
void mb_optimizer_clear(mb_optimizer *optimizer);
// Clips the gradient (clip_norm > 0: all of it to that norm, first) and updates the parameters.
// gradient is changed. Allocates nothing.
void mb_optimizer_step(
    mb_optimizer *optimizer, double clip_norm, float *parameters, float *gradient);
// Entries "optimizer/<slot>", "optimizer/kept", "optimizer/step", "optimizer/learning_rate".
mb_status mb_optimizer_save(
    const mb_optimizer *optimizer, mb_context *ctx, mb_bundle *bundle) MB_MUST_CHECK;
mb_status mb_optimizer_restore(
    mb_optimizer *optimizer, mb_context *ctx, const mb_bundle *bundle) MB_MUST_CHECK;

// The penalties of the weights (l1 * sum|w| + l2 * sum w^2); adds their gradients when gradient is
// not NULL.
double mb_penalty(const mb_model *model, const float *parameters, float *gradient);

#endif
