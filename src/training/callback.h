// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TRAINING_CALLBACK_H
#define TRAINING_CALLBACK_H

#include "base/bundle.h"
#include "base/options.h"

// Callbacks with Keras's names, options and behaviour.

// What a callback sees of a training and may change.
typedef struct mb_callback_site {
    size_t epoch; // from 0
    size_t n_figures;
    const char *const *names; // "loss", "accuracy", "val_loss" ...
    const double *figures;    // of this epoch; those of a step end are running means
    const bool *is_better_higher;
    float *parameters;
    size_t n_parameters;
    float *learning_rate;
    bool *stop;
    // Saves the model as it is now; path is what the user wrote, filled in.
    mb_status (*save_model)(
        void *user, mb_context *ctx, const char *path, bool weights_only, const float *parameters);
    void *save_user;
} mb_callback_site;

typedef struct mb_callback_ops mb_callback_ops;

// A callback with its options, which live in the document that it was read from.
typedef struct mb_callback_choice {
    const mb_callback_ops *ops;
    const void *options;
} mb_callback_choice;

enum { MB_CALLBACK_MOST_STATE = 8 };

// A callback at work. Everything that a resumed training needs is in state and best.
typedef struct mb_callback {
    mb_callback_choice choice;
    double state[MB_CALLBACK_MOST_STATE]; // each callback's own
    float *best;                          // parameters it keeps, or NULL
    bool has_best;
} mb_callback;

struct mb_callback_ops {
    const char *name;       // "early_stopping"
    const char *class_name; // "EarlyStopping"
    const char *help;
    const mb_option *options;
    size_t options_size;
    // NULL: nothing to check beyond the table.
    mb_status (*check)(
        mb_context *ctx, const mb_document *document, const mb_node *node, const void *options);
    bool (*keeps_best)(const void *options); // NULL: never
    void (*begin)(mb_callback *callback);
    mb_status (*step_end)(mb_callback *callback, mb_context *ctx, const mb_callback_site *site,
        size_t step); // NULL: nothing; step from 0 within the epoch
    mb_status (*epoch_end)(mb_callback *callback, mb_context *ctx, const mb_callback_site *site);
    void (*end)(mb_callback *callback, const mb_callback_site *site); // NULL: nothing
    // The figure it watches, and its mode; NULL: none. With is_judge it says which epoch was best.
    const char *(*monitor)(const void *options, int *mode);
    bool is_judge;
};

#define MB_CALLBACK(name) extern const mb_callback_ops mb_callback_##name;
#include "training/callbacks/callback_list.h"
#undef MB_CALLBACK

extern const mb_callback_ops *const mb_callback_list[]; // NULL-terminated

enum { MB_MOST_CALLBACKS = 8 };

// Reads a list of names or {name: {options}}; NULL: none.
mb_status mb_callbacks_read(mb_context *ctx, mb_document *document, const mb_node *list,
    mb_callback_choice *out, size_t *n) MB_MUST_CHECK;

mb_status mb_callback_init(mb_callback *callback, mb_context *ctx, const mb_callback_choice *choice,
    size_t n_parameters) MB_MUST_CHECK;
void mb_callback_clear(mb_callback *callback, mb_runtime *runtime);
// Entries "callback<i>/state" and "callback<i>/best".
mb_status mb_callback_save(const mb_callback *callback, mb_context *ctx, size_t i,
    size_t n_parameters, mb_bundle *bundle) MB_MUST_CHECK;
mb_status mb_callback_restore(mb_callback *callback, mb_context *ctx, size_t i, size_t n_parameters,
    const mb_bundle *bundle) MB_MUST_CHECK;

// Shared by the callbacks (Keras's MonitorCallback).
enum { MB_MODE_AUTO, MB_MODE_MIN, MB_MODE_MAX };
extern const char *const mb_mode_names[];
// The index of a figure. Fails with FORMAT, naming those there are, when it is unknown.
mb_status mb_monitor_find(mb_context *ctx, const mb_callback_site *site, const char *where,
    const char *monitor, size_t *index) MB_MUST_CHECK;
bool mb_monitor_improves(const mb_callback_site *site, size_t index, int mode, double min_delta,
    double value, double reference);

#endif
