// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/graph_log.h"

#include "base/numbers.h"
#include "exchange/keras.h"
#include "network/layer.h"

#include <math.h>

// The name of a short form that a layer begins, such as "conv" of "conv_gather"; 0: it begins none.
static size_t branch_length(const mb_layer *layer) {
    static const char suffix[] = "_gather";
    const size_t length = strlen(layer->name);
    const size_t end = sizeof suffix - 1;
    return layer->ops == &mb_layer_gather && length > end &&
                   strcmp(layer->name + length - end, suffix) == 0
               ? length - end
               : 0;
}

static bool is_of_branch(const mb_layer *layer, const char *name, size_t length) {
    return strncmp(layer->name, name, length) == 0 && layer->name[length] == '_';
}

static size_t n_weights(const mb_layer *layer) {
    size_t n = 0;
    for (size_t i = 0; i < layer->n_weights; i++) {
        n += layer->weights[i].is_trainable ? layer->weights[i].count : 0;
    }
    return n;
}

static void put_value(char *text, size_t size, const mb_model *model, size_t value) {
    const mb_value_type *type = &model->values[value].type;
    mb_format(text, size, "%s x %zu", model->axes[type->axis].name, mb_value_size(type));
}

static void tell_layer(
    mb_journal *journal, const mb_model *model, const mb_call *call, size_t skipped, int indent) {
    char in[160] = "";
    char out[80];
    size_t used = 0;
    for (size_t i = 0; i < call->n_inputs && used + 90 < sizeof in; i++) {
        char value[80];
        put_value(value, sizeof value, model, call->inputs[i]);
        used += (size_t)mb_format(in + used, sizeof in - used, "%s%s", i > 0 ? ", " : "", value);
    }
    put_value(out, sizeof out, model, call->output);
    char count[48] = "";
    const size_t n = n_weights(call->layer);
    if (n > 0) {
        mb_format(count, sizeof count, ", %zu parameters", n);
    }
    const char *class_name = mb_keras_class_of(call->layer);
    const size_t own = strncmp(class_name, "Minbias", 7) == 0 ? 7 : 0;
    mb_journal_line(journal, "%*s(%s): %s(%s -> %s%s)", indent, "", call->layer->name + skipped,
        class_name + own, in, out, count);
}

void mb_graph_log_tree(mb_journal *journal, const mb_model *model) {
    const char *branch = NULL;
    size_t length = 0;
    size_t total = 0;
    mb_journal_line(journal, "%s(", model->name);
    for (size_t i = 0; i < model->n_calls; i++) {
        const mb_call *call = &model->calls[i];
        if (call->n_inputs == 0) {
            continue;
        }
        if (length > 0 && !is_of_branch(call->layer, branch, length)) {
            mb_journal_line(journal, "  )");
            length = 0;
        }
        if (branch_length(call->layer) > 0) {
            branch = call->layer->name;
            length = branch_length(call->layer);
            mb_journal_line(journal, "  (%.*s): GraphConv(", (int)length, branch);
        }
        tell_layer(journal, model, call, length > 0 ? length + 1 : 0, length > 0 ? 4 : 2);
        total += n_weights(call->layer);
    }
    if (length > 0) {
        mb_journal_line(journal, "  )");
    }
    mb_journal_line(journal, ")");
    mb_journal_line(journal, "%zu parameters", total);
}

static double figure(const mb_fit_progress *progress, const char *name) {
    for (size_t i = 0; i < progress->n_figures; i++) {
        if (strcmp(progress->names[i], name) == 0) {
            return progress->figures[i];
        }
    }
    return NAN;
}

static void tell_figures(
    mb_journal *journal, const char *prefix, const char *what, double loss, double accuracy) {
    if (isnan(accuracy)) {
        mb_journal_line(journal, "%s%s  Loss: %.3f", prefix, what, loss);
    } else {
        mb_journal_line(journal, "%s%s  Loss: %.3f  Acc: %.1f", prefix, what, loss, 100 * accuracy);
    }
}

void mb_graph_log_step(mb_graph_log *log, mb_journal *journal, const char *prefix,
    const mb_fit_progress *progress, bool is_original) {
    const size_t interval = mb_max_size(progress->n_steps / 2, 1);
    const bool is_last = progress->step == progress->n_steps;
    if (log->told_epoch != progress->epoch + 1) {
        log->told_epoch = progress->epoch + 1;
        const size_t whole = progress->n_steps * progress->batch;
        mb_journal_line(journal, "%s", "");
        mb_journal_line(journal, "%sTraining on %zu samples", prefix,
            is_original ? whole : mb_min_size(whole, progress->n_rows));
    }
    if (progress->step % interval == 0 || (is_last && !is_original)) {
        char what[32];
        mb_format(what, sizeof what, "  %2zu",
            is_original ? progress->step * progress->batch : progress->n_done);
        tell_figures(journal, prefix, what, figure(progress, "loss"), figure(progress, "accuracy"));
    }
}

void mb_graph_log_epoch(mb_journal *journal, const char *prefix, const mb_fit_progress *progress) {
    const double loss = figure(progress, "val_loss");
    if (!isnan(loss)) {
        tell_figures(journal, prefix, "  validation", loss, figure(progress, "val_accuracy"));
    }
}
