// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "training/callback.h"

typedef struct early_stopping_options {
    const char *monitor;
    double min_delta;
    size_t patience;
    int mode;
    mb_reals baseline;
    bool restore_best_weights;
    size_t start_from_epoch;
    size_t verbose;
} early_stopping_options;

static const mb_option option_table[] = {
    {"monitor", MB_OPTION_TEXT, offsetof(early_stopping_options, monitor), "val_loss", 0, 0, NULL,
        NULL, "figure to watch"},
    {"min_delta", MB_OPTION_REAL, offsetof(early_stopping_options, min_delta), "0", -1e30, 1e30,
        NULL, NULL, "a change of no more than this is no improvement"},
    {"patience", MB_OPTION_SIZE, offsetof(early_stopping_options, patience), "0", 0, 1e9, NULL,
        NULL, "epochs without improvement before stopping"},
    {"mode", MB_OPTION_CHOICE, offsetof(early_stopping_options, mode), "auto", 0, 0, mb_mode_names,
        NULL, "whether smaller or larger is better; auto: by the figure"},
    {"baseline", MB_OPTION_REALS, offsetof(early_stopping_options, baseline), "", 0, 0, NULL, NULL,
        "a value that must be beaten for the waiting to begin anew"},
    {"restore_best_weights", MB_OPTION_BOOL, offsetof(early_stopping_options, restore_best_weights),
        "false", 0, 0, NULL, NULL, "end with the weights of the best epoch"},
    {"start_from_epoch", MB_OPTION_SIZE, offsetof(early_stopping_options, start_from_epoch), "0", 0,
        1e9, NULL, NULL, "epochs at the start that are not watched"},
    {"verbose", MB_OPTION_SIZE, offsetof(early_stopping_options, verbose), "0", 0, 2, NULL, NULL,
        "above 0: say when it stops"},
    MB_OPTIONS_END,
};

enum { WAIT, HAS_VALUE, BEST, STOPPED_EPOCH, BEST_EPOCH };

static void begin(mb_callback *callback) {
    memset(callback->state, 0, sizeof callback->state);
    callback->has_best = false;
}

static bool keeps_best(const void *options) {
    return ((const early_stopping_options *)options)->restore_best_weights;
}

static void keep(mb_callback *callback, const mb_callback_site *site) {
    if (callback->best != NULL) {
        memcpy(callback->best, site->parameters, site->n_parameters * sizeof(float));
        callback->has_best = true;
    }
}

// The order of Keras's tests, which decides what patience 0, a baseline and the first epoch mean.
static mb_status epoch_end(mb_callback *callback, mb_context *ctx, const mb_callback_site *site) {
    const early_stopping_options *options = callback->choice.options;
    double *state = callback->state;
    size_t index;
    MB_TRY(mb_monitor_find(ctx, site, "early_stopping", options->monitor, &index));
    if (site->epoch < options->start_from_epoch) {
        return MB_OK;
    }
    const double current = site->figures[index];
    if (callback->best != NULL && !callback->has_best) {
        keep(callback, site);
        state[BEST_EPOCH] = (double)site->epoch;
    }
    state[WAIT] += 1.0;
    if (state[HAS_VALUE] == 0.0 ||
        mb_monitor_improves(site, index, options->mode, options->min_delta, current, state[BEST])) {
        state[HAS_VALUE] = 1.0;
        state[BEST] = current;
        state[BEST_EPOCH] = (double)site->epoch;
        keep(callback, site);
        if (options->baseline.n == 0 ||
            mb_monitor_improves(site, index, options->mode, options->min_delta, current,
                options->baseline.value[0])) {
            state[WAIT] = 0.0;
        }
        return MB_OK;
    }
    if (state[WAIT] >= (double)options->patience && site->epoch > 0) {
        state[STOPPED_EPOCH] = (double)site->epoch;
        *site->stop = true;
        if (options->verbose > 0) {
            mb_notice(ctx, MB_NOTICE_INFO, "early_stopping",
                "%s did not improve: stopped after "
                "epoch %zu",
                options->monitor, site->epoch + 1);
        }
    }
    return MB_OK;
}

static void end(mb_callback *callback, const mb_callback_site *site) {
    if (callback->has_best) {
        memcpy(site->parameters, callback->best, site->n_parameters * sizeof(float));
    }
}

static const char *monitor(const void *options, int *mode) {
    const early_stopping_options *record = options;
    *mode = record->mode;
    return record->monitor;
}

const mb_callback_ops mb_callback_early_stopping = {
    .name = "early_stopping",
    .class_name = "EarlyStopping",
    .help = "stop when a figure no longer improves",
    .options = option_table,
    .options_size = sizeof(early_stopping_options),
    .keeps_best = keeps_best,
    .begin = begin,
    .epoch_end = epoch_end,
    .end = end,
    .monitor = monitor,
    .is_judge = true,
};
