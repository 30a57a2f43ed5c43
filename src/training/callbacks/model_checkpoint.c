// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "training/callback.h"

#include "base/buffer.h"
#include "base/numbers.h"

typedef struct checkpoint_options {
    const char *filepath, *monitor;
    bool save_best_only, save_weights_only;
    int mode;
    const char *save_freq;
    mb_reals initial_value_threshold;
    size_t verbose;
} checkpoint_options;

static const mb_option option_table[] = {
    {"filepath", MB_OPTION_TEXT, offsetof(checkpoint_options, filepath), "checkpoint.keras", 0, 0,
        NULL, NULL, "file to save to; {epoch:02d}, {batch} and {val_loss:.4f} are filled in"},
    {"monitor", MB_OPTION_TEXT, offsetof(checkpoint_options, monitor), "val_loss", 0, 0, NULL, NULL,
        "figure to watch for save_best_only"},
    {"save_best_only", MB_OPTION_BOOL, offsetof(checkpoint_options, save_best_only), "false", 0, 0,
        NULL, NULL, "save only when the figure improves"},
    {"save_weights_only", MB_OPTION_BOOL, offsetof(checkpoint_options, save_weights_only), "false",
        0, 0, NULL, NULL, "save the weights without the model"},
    {"mode", MB_OPTION_CHOICE, offsetof(checkpoint_options, mode), "auto", 0, 0, mb_mode_names,
        NULL, "whether smaller or larger is better; auto: by the figure"},
    {"save_freq", MB_OPTION_TEXT, offsetof(checkpoint_options, save_freq), "epoch", 0, 0, NULL,
        NULL, "epoch, or a number of batches"},
    {"initial_value_threshold", MB_OPTION_REALS,
        offsetof(checkpoint_options, initial_value_threshold), "", 0, 0, NULL, NULL,
        "a value that the first save must beat"},
    {"verbose", MB_OPTION_SIZE, offsetof(checkpoint_options, verbose), "0", 0, 2, NULL, NULL,
        "above 0: say when it saves"},
    MB_OPTIONS_END,
};

enum { HAS_VALUE, BEST, BATCHES_SEEN };

// Batches between saves; 0: at each epoch's end.
static size_t batches_between(const checkpoint_options *options) {
    int64_t value = 0;
    return mb_text_to_int64(options->save_freq, &value) && value > 0 ? (size_t)value : 0;
}

static void begin(mb_callback *callback) {
    const checkpoint_options *options = callback->choice.options;
    memset(callback->state, 0, sizeof callback->state);
    if (options->initial_value_threshold.n > 0) {
        callback->state[HAS_VALUE] = 1.0;
        callback->state[BEST] = options->initial_value_threshold.value[0];
    }
}

// A field's name ends at ':' or '}'.
static mb_status check(
    mb_context *ctx, const mb_document *document, const mb_node *node, const void *options) {
    const checkpoint_options *record = options;
    if (strcmp(record->save_freq, "epoch") != 0 && batches_between(record) == 0) {
        return mb_fail_at(ctx, document, node,
            "model_checkpoint: save_freq is '%.40s'; write epoch or a number of batches",
            record->save_freq);
    }
    for (const char *p = strchr(record->filepath, '{'); p != NULL; p = strchr(p + 1, '{')) {
        if (strchr(p, '}') == NULL) {
            return mb_fail_at(ctx, document, node,
                "model_checkpoint: filepath '%.100s' has a '{' without its '}'; close it",
                record->filepath);
        }
    }
    return MB_OK;
}

// Python's ":02d" and ":.4f" as far as numbers in file names need them.
static mb_status put_number(mb_buffer *out, mb_context *ctx, const char *field, size_t length,
    double value, bool is_whole) {
    const char *format = memchr(field, ':', length);
    const char *end = field + length;
    uint64_t width = 0, digits = 6;
    const bool is_padded = format != NULL && format + 1 < end && format[1] == '0';
    const char *p = format != NULL ? format + 1 : end;
    const char *after = mb_parse_uint64(p, end, &width);
    p = after != NULL ? after : p;
    const bool has_digits = p < end && *p == '.';
    if (has_digits) {
        after = mb_parse_uint64(p + 1, end, &digits);
        p = after != NULL ? after : end;
    }
    const char kind = p < end ? *p : '\0';
    const bool is_known =
        kind == '\0' || (is_whole && kind == 'd') || kind == 'f' || kind == 'e' || kind == 'g';
    if (!is_known || p + 1 < end || width > 40 || digits > 40) {
        return mb_fail(ctx, MB_ERR_FORMAT,
            "train.callbacks: model_checkpoint cannot fill in '{%.*s}'; write for example "
            "{epoch:02d} or {val_loss:.4f}",
            (int)mb_min_size(length, 60), field);
    }
    if (is_whole && (kind == '\0' || kind == 'd')) {
        mb_buffer_format(out, is_padded ? "%0*lld" : "%*lld", (int)width, (long long)value);
    } else if (kind == '\0' && !has_digits) {
        mb_buffer_double(out, value);
    } else if (kind == 'e') {
        mb_buffer_format(out, is_padded ? "%0*.*e" : "%*.*e", (int)width, (int)digits, value);
    } else if (kind == 'f') {
        mb_buffer_format(out, is_padded ? "%0*.*f" : "%*.*f", (int)width, (int)digits, value);
    } else {
        mb_buffer_format(out, is_padded ? "%0*.*g" : "%*.*g", (int)width, (int)digits, value);
    }
    return MB_OK;
}

static mb_status put_field(mb_buffer *out, mb_context *ctx, const mb_callback_site *site,
    const char *field, size_t length, size_t batch) {
    const char *colon = memchr(field, ':', length);
    const size_t name_length = colon != NULL ? (size_t)(colon - field) : length;
    char name[64];
    mb_format(name, sizeof name, "%.*s", (int)mb_min_size(name_length, 63), field);
    if (strcmp(name, "epoch") == 0) {
        return put_number(out, ctx, field, length, (double)(site->epoch + 1), true);
    }
    if (strcmp(name, "batch") == 0) {
        return put_number(out, ctx, field, length, (double)batch, true);
    }
    size_t index;
    MB_TRY(mb_monitor_find(ctx, site, "model_checkpoint", name, &index));
    return put_number(out, ctx, field, length, site->figures[index], false);
}

static mb_status fill_path(
    mb_buffer *out, mb_context *ctx, const mb_callback_site *site, const char *path, size_t batch) {
    while (*path != '\0') {
        const size_t plain = strcspn(path, "{");
        mb_buffer_append(out, path, plain);
        path += plain;
        if (*path == '{') {
            const size_t length = strcspn(path + 1, "}");
            MB_TRY(put_field(out, ctx, site, path + 1, length, batch));
            path += length + 2;
        }
    }
    return out->status;
}

static mb_status should_save(
    mb_callback *callback, mb_context *ctx, const mb_callback_site *site, bool *out) {
    const checkpoint_options *options = callback->choice.options;
    double *state = callback->state;
    *out = true;
    if (!options->save_best_only) {
        return MB_OK;
    }
    size_t index;
    MB_TRY(mb_monitor_find(ctx, site, "model_checkpoint", options->monitor, &index));
    const double current = site->figures[index];
    *out = state[HAS_VALUE] == 0.0 ||
           mb_monitor_improves(site, index, options->mode, 0.0, current, state[BEST]);
    if (*out) {
        state[HAS_VALUE] = 1.0;
        state[BEST] = current;
    }
    return MB_OK;
}

static mb_status save(
    mb_callback *callback, mb_context *ctx, const mb_callback_site *site, size_t batch) {
    const checkpoint_options *options = callback->choice.options;
    bool is_wanted;
    MB_TRY(should_save(callback, ctx, site, &is_wanted));
    if (!is_wanted || site->save_model == NULL) {
        return MB_OK;
    }
    mb_buffer path;
    mb_buffer_init(&path, ctx);
    mb_status status = fill_path(&path, ctx, site, options->filepath, batch);
    if (status == MB_OK) {
        status = site->save_model(
            site->save_user, ctx, path.data, options->save_weights_only, site->parameters);
    }
    if (status == MB_OK && options->verbose > 0) {
        mb_notice(ctx, MB_NOTICE_INFO, "model_checkpoint", "epoch %zu: saved %s", site->epoch + 1,
            path.data);
    }
    mb_buffer_clear(&path);
    return status;
}

static mb_status step_end(
    mb_callback *callback, mb_context *ctx, const mb_callback_site *site, size_t step) {
    const size_t between = batches_between(callback->choice.options);
    if (between == 0) {
        return MB_OK;
    }
    callback->state[BATCHES_SEEN] += 1.0;
    if (callback->state[BATCHES_SEEN] < (double)between) {
        return MB_OK;
    }
    callback->state[BATCHES_SEEN] = 0.0;
    return save(callback, ctx, site, step + 1);
}

static mb_status epoch_end(mb_callback *callback, mb_context *ctx, const mb_callback_site *site) {
    return batches_between(callback->choice.options) > 0 ? MB_OK : save(callback, ctx, site, 0);
}

static const char *monitor(const void *options, int *mode) {
    const checkpoint_options *record = options;
    *mode = record->mode;
    return record->save_best_only ? record->monitor : NULL;
}

const mb_callback_ops mb_callback_model_checkpoint = {
    .name = "model_checkpoint",
    .class_name = "ModelCheckpoint",
    .help = "save the model during the training",
    .options = option_table,
    .options_size = sizeof(checkpoint_options),
    .check = check,
    .begin = begin,
    .step_end = step_end,
    .epoch_end = epoch_end,
    .monitor = monitor,
    .is_judge = true,
};
