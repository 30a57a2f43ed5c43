// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "training/callback.h"

typedef struct plateau_options {
    const char *monitor;
    double factor;
    size_t patience;
    int mode;
    double min_delta;
    size_t cooldown;
    double min_lr;
    size_t verbose;
} plateau_options;

static const mb_option option_table[] = {
    {"monitor", MB_OPTION_TEXT, offsetof(plateau_options, monitor), "val_loss", 0, 0, NULL, NULL,
        "figure to watch"},
    {"factor", MB_OPTION_REAL, offsetof(plateau_options, factor), "0.1", 0, 1, NULL, NULL,
        "what the learning rate is multiplied by, below 1"},
    {"patience", MB_OPTION_SIZE, offsetof(plateau_options, patience), "10", 0, 1e9, NULL, NULL,
        "epochs without improvement before that"},
    {"mode", MB_OPTION_CHOICE, offsetof(plateau_options, mode), "auto", 0, 0, mb_mode_names, NULL,
        "whether smaller or larger is better; auto: by the figure"},
    {"min_delta", MB_OPTION_REAL, offsetof(plateau_options, min_delta), "1e-4", -1e30, 1e30, NULL,
        "epsilon", "a change of no more than this is no improvement"},
    {"cooldown", MB_OPTION_SIZE, offsetof(plateau_options, cooldown), "0", 0, 1e9, NULL, NULL,
        "epochs after a reduction that are not counted"},
    {"min_lr", MB_OPTION_REAL, offsetof(plateau_options, min_lr), "0", 0, 1e6, NULL, NULL,
        "smallest learning rate"},
    {"verbose", MB_OPTION_SIZE, offsetof(plateau_options, verbose), "0", 0, 2, NULL, NULL,
        "above 0: say when it reduces"},
    MB_OPTIONS_END,
};

enum { WAIT, HAS_VALUE, BEST, COOLDOWN };

static void begin(mb_callback *callback) {
    memset(callback->state, 0, sizeof callback->state);
}

static mb_status check(
    mb_context *ctx, const mb_document *document, const mb_node *node, const void *options) {
    if (((const plateau_options *)options)->factor >= 1.0) {
        return mb_fail_at(ctx, document, node,
            "reduce_lr_on_plateau: factor is 1 or more, which reduces nothing; write one below 1");
    }
    return MB_OK;
}

// In double from the stored float, as Keras does.
static bool reduce(const plateau_options *options, mb_context *ctx, const mb_callback_site *site) {
    const double old = (double)*site->learning_rate;
    if (!(old > (double)(float)options->min_lr)) {
        return false;
    }
    const double reduced = old * options->factor;
    *site->learning_rate = (float)(reduced > options->min_lr ? reduced : options->min_lr);
    if (options->verbose > 0) {
        mb_notice(ctx, MB_NOTICE_INFO, "reduce_lr_on_plateau",
            "epoch %zu: learning rate from %g to %g", site->epoch + 1, old,
            (double)*site->learning_rate);
    }
    return true;
}

static mb_status epoch_end(mb_callback *callback, mb_context *ctx, const mb_callback_site *site) {
    const plateau_options *options = callback->choice.options;
    double *state = callback->state;
    size_t index;
    MB_TRY(mb_monitor_find(ctx, site, "reduce_lr_on_plateau", options->monitor, &index));
    const double current = site->figures[index];
    if (state[COOLDOWN] > 0.0) {
        state[COOLDOWN] -= 1.0;
        state[WAIT] = 0.0;
    }
    if (state[HAS_VALUE] == 0.0 ||
        mb_monitor_improves(site, index, options->mode, options->min_delta, current, state[BEST])) {
        state[HAS_VALUE] = 1.0;
        state[BEST] = current;
        state[WAIT] = 0.0;
    } else if (!(state[COOLDOWN] > 0.0)) {
        state[WAIT] += 1.0;
        if (state[WAIT] >= (double)options->patience && reduce(options, ctx, site)) {
            state[COOLDOWN] = (double)options->cooldown;
            state[WAIT] = 0.0;
        }
    }
    return MB_OK;
}

static const char *monitor(const void *options, int *mode) {
    const plateau_options *record = options;
    *mode = record->mode;
    return record->monitor;
}

const mb_callback_ops mb_callback_reduce_lr_on_plateau = {
    .name = "reduce_lr_on_plateau",
    .class_name = "ReduceLROnPlateau",
    .help = "smaller learning rate when a figure no longer improves",
    .options = option_table,
    .options_size = sizeof(plateau_options),
    .check = check,
    .begin = begin,
    .epoch_end = epoch_end,
    .monitor = monitor,
};
