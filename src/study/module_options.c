// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/options_field.h"
#include "base/words.h"
#include "files/yaml.h"
#include "measure/baseline.h"
#include "study/module_run.h"

// What a study on modules of the concentrator says beside others.

bool mb_module_is_study(const mb_study *study) {
    return study->detector == &mb_detector_concentrator;
}

static mb_status fail_name(mb_context *ctx, const mb_study *study, const char *key,
    const char *name, const char *const *known) {
    const size_t n = mb_count_words(known);
    const mb_node *at = mb_node_find(mb_node_find(study->document.root, "evaluate"), key);
    const char *near = mb_nearest_name(name, known, n);
    char all[512];
    mb_text_list(all, sizeof all, known, n);
    return mb_fail_at(ctx, &study->document, at, "evaluate: %s: unknown name '%.60s'; %s%s%s", key,
        name, near != NULL ? "did you mean '" : "there are ", near != NULL ? near : all,
        near != NULL ? "'?" : "");
}

static mb_status check_names(mb_context *ctx, const mb_study *study, const char *key,
    const mb_texts *texts, const char *const *known) {
    for (size_t i = 0; i < texts->n; i++) {
        if (!mb_is_one_of(texts->value[i], known)) {
            return fail_name(ctx, study, key, texts->value[i], known);
        }
    }
    return MB_OK;
}

mb_status mb_module_check_evaluate(mb_context *ctx, mb_study *study) {
    const mb_evaluate_options *options = &study->evaluate;
    const char *names[32];
    size_t n = 0;
    names[n++] = "ae";
    names[n++] = "all";
    for (size_t i = 0; mb_baselines[i] != NULL; i++) {
        names[n++] = mb_baselines[i]->name;
    }
    names[n] = NULL;
    MB_TRY(check_names(ctx, study, "algorithms", &options->algorithms, names));
    n = 0;
    for (size_t i = 0; mb_module_metrics[i] != NULL; i++) {
        names[n++] = mb_module_metrics[i]->name;
    }
    names[n] = NULL;
    return check_names(ctx, study, "metrics", &options->metrics, names);
}

static mb_status set_default(
    mb_context *ctx, mb_study *study, mb_node *train, const char *key, const char *text) {
    if (mb_node_find(train, key) != NULL) {
        return MB_OK;
    }
    mb_node *value = NULL;
    MB_TRY(mb_yaml_parse_node(ctx, &study->document, key, text, strlen(text), &value));
    value->line = train->line;
    return mb_node_set(&study->document, ctx, train, key, value);
}

mb_status mb_module_complete_train(mb_context *ctx, mb_study *study) {
    mb_node *root = study->document.root;
    mb_node *train = mb_node_find(root, "train");
    if (train == NULL) {
        train = mb_node_make(&study->document, ctx, MB_NODE_MAP);
        MB_TRY(mb_node_set(&study->document, ctx, root, "train", train));
    }
    if (train->kind != MB_NODE_MAP) {
        return MB_OK; // refused with its line when it is read
    }
    study->leaves_patience = mb_node_find(train, "callbacks") == NULL;
    MB_TRY(set_default(ctx, study, train, "optimizer", "{adam: {}}"));
    MB_TRY(set_default(ctx, study, train, "batch", "500"));
    MB_TRY(set_default(ctx, study, train, "epochs", "200"));
    MB_TRY(set_default(ctx, study, train, "validation", "{fraction: 0.2, take: first}"));
    const mb_node *part = mb_node_find(train, "validation");
    const bool is_validated =
        !(part != NULL && (part->kind == MB_NODE_INT || part->kind == MB_NODE_REAL) &&
            part->real == 0);
    return is_validated ? set_default(ctx, study, train, "callbacks",
                              "[{early_stopping: {monitor: val_loss, patience: 30}}]")
                        : MB_OK;
}

mb_status mb_module_adapt_loss(mb_context *ctx, mb_study *study, mb_node *train) {
    mb_loss loss;
    const mb_node *written = mb_node_find(train, "loss");
    if (!mb_compat_has(&study->compat, "emdcnn_raw_sum") || written == NULL) {
        return MB_OK;
    }
    MB_TRY(mb_loss_read(ctx, &study->document, written, &loss));
    if (loss.ops->network == NULL) {
        return MB_OK;
    }
    mb_node *map = mb_node_make(&study->document, ctx, MB_NODE_MAP);
    mb_node *options =
        mb_options_to_node(ctx, &study->document, loss.ops->options, loss.options, true);
    mb_node *no = mb_node_make_bool(&study->document, ctx, false);
    if (map == NULL || options == NULL || no == NULL) {
        return MB_ERR_MEMORY;
    }
    map->line = written->line;
    MB_TRY(mb_node_set(&study->document, ctx, options, "unit_sum", no));
    MB_TRY(mb_node_set(&study->document, ctx, map, loss.ops->name, options));
    return mb_node_set(&study->document, ctx, train, "loss", map);
}

// Fits of millions of rows see each of them often enough in few epochs.
enum { MANY_ROWS = 1000000 };

static mb_status shorten_patience(mb_run *run, mb_fit_spec *fit) {
    static const char text[] = "[{early_stopping: {monitor: val_loss, patience: 3}}]";
    mb_document *document = (mb_document *)(uintptr_t)&run->study->document;
    mb_node *list = NULL;
    MB_TRY(mb_yaml_parse_node(run->ctx, document, "callbacks", text, strlen(text), &list));
    return mb_callbacks_read(
        run->ctx, document, list, fit->train.callbacks, &fit->train.n_callbacks);
}

mb_status mb_module_begin(mb_run *run) {
    for (size_t r = 0; r < run->n_rounds; r++) {
        const mb_round *round = &run->rounds[r];
        size_t n = 0;
        for (size_t i = 0; i < run->dataset.n_rows; i++) {
            n += round->split[i] == MB_SPLIT_TRAIN;
        }
        if (run->study->leaves_patience && n >= MANY_ROWS) {
            MB_TRY(shorten_patience(run, (mb_fit_spec *)(uintptr_t)round->fit));
        }
        const mb_train_options *options = &round->fit->train.options;
        const size_t steps = (n + options->batch - 1) / options->batch;
        mb_journal_line(&run->journal, "%s: %zu steps an epoch, at most %zu in all",
            mb_module_name(round), steps, steps * options->epochs);
    }
    return MB_OK;
}
