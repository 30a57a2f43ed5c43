// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/fit_study.h"

#include "base/output.h"
#include "study/facts.h"

// What a fit takes from its study as it is. Other fits, scans, and scores that compare several are
// not its own.
static const char *const common_keys[] = {"study", "version", "seed", "compat", "simulate", "data",
    "params", "emd_nets", "evaluate", "quantize"};

static mb_status put_copy(
    mb_context *ctx, mb_document *document, const char *key, const mb_node *from) {
    mb_node *copy = mb_node_copy(document, ctx, from);
    return copy == NULL ? MB_ERR_MEMORY : mb_node_set(document, ctx, document->root, key, copy);
}

static mb_status put_text(
    mb_context *ctx, mb_document *document, mb_node *map, const char *key, const char *text) {
    mb_node *node = mb_node_make_text(document, ctx, text);
    return node == NULL ? MB_ERR_MEMORY : mb_node_set(document, ctx, map, key, node);
}

// Keys of train: that the model brings along are among the written ones already.
static mb_status put_model(mb_context *ctx, mb_document *document, const mb_round *round) {
    mb_train train = round->fit->train;
    train.options.repeats = 1;
    mb_node *written = mb_train_to_node(ctx, document, &train);
    if (written == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_node_set(document, ctx, document->root, "train", written));
    MB_TRY(put_copy(ctx, document, "model", round->fit->model));
    mb_node *model = mb_node_find(document->root, "model");
    if (model->kind == MB_NODE_MAP) {
        mb_node_remove(model, "train");
    }
    return MB_OK;
}

static mb_status put_fit(mb_context *ctx, mb_document *document, const mb_round *round) {
    mb_node *fits = mb_node_make(document, ctx, MB_NODE_LIST);
    mb_node *fit = mb_node_make(document, ctx, MB_NODE_MAP);
    if (fits == NULL || fit == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(put_text(ctx, document, fit, "name", round->name));
    if (round->fit->on != NULL) {
        MB_TRY(put_text(ctx, document, fit, "on", round->fit->on));
    }
    mb_node_append(fits, fit);
    return mb_node_set(document, ctx, document->root, "fits", fits);
}

static mb_status put_all(
    mb_context *ctx, mb_document *document, const mb_study *study, const mb_round *round) {
    document->root = mb_node_make(document, ctx, MB_NODE_MAP);
    if (document->root == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < MB_COUNT_OF(common_keys); i++) {
        const mb_node *from = mb_node_find(study->document.root, common_keys[i]);
        if (from != NULL) {
            MB_TRY(put_copy(ctx, document, common_keys[i], from));
        }
    }
    mb_node *evaluate = mb_node_find(document->root, "evaluate");
    if (evaluate != NULL && evaluate->kind == MB_NODE_MAP) {
        mb_node_remove(evaluate, "on");
        mb_node_remove(evaluate, "scores");
    }
    MB_TRY(put_model(ctx, document, round));
    return put_fit(ctx, document, round);
}

static void put_heading(mb_buffer *text, const mb_run *run, const mb_round *round) {
    mb_buffer_text(text, mb_study_stored_mark);
    mb_buffer_format(text, "# One of several trainings of %s", run->study->name);
    if (round->fit->n_rounds > 1) {
        mb_buffer_format(text, ": number %zu of %zu of the fit '%s', trained with seed %llu",
            round->index + 1, round->fit->n_rounds,
            round->fit->name[0] != '\0' ? round->fit->name : "fit",
            (unsigned long long)round->seed);
    }
    mb_buffer_text(text, "\n");
}

mb_status mb_fit_study_write(mb_context *ctx, const mb_run *run, const mb_round *round) {
    mb_document document;
    mb_buffer text;
    char *path = mb_path_join(ctx, round->directory, "study.yaml");
    mb_document_init(&document, ctx, "study.yaml");
    mb_buffer_init(&text, ctx);
    mb_status status = path == NULL ? MB_ERR_MEMORY : put_all(ctx, &document, run->study, round);
    if (status == MB_OK) {
        put_heading(&text, run, round);
        mb_node_write_yaml(&text, document.root);
        status = mb_write_buffer(&text, path);
    } else {
        mb_buffer_clear(&text);
    }
    if (status == MB_OK) {
        status = mb_facts_write(ctx, &run->dataset.facts, round->directory);
    }
    mb_document_clear(&document);
    mb_release(ctx, path);
    return status;
}

mb_status mb_fit_study_share_log(mb_context *ctx, mb_run *run, const mb_round *round, bool begins) {
    char *path = mb_path_join(ctx, round->directory, "log.txt");
    mb_status status = path == NULL ? MB_ERR_MEMORY : MB_OK;
    if (status == MB_OK && begins) {
        status = mb_write_file(ctx, path, "", 0);
    }
    if (status == MB_OK) {
        status = mb_journal_share(&run->journal, ctx, round->name, path);
    }
    mb_release(ctx, path);
    return status;
}

static bool has_file(const char *directory, const char *name) {
    char path[4096];
    mb_format(path, sizeof path, "%s/%s", directory, name);
    return mb_path_exists(path);
}

bool mb_fit_study_is_part(const char *directory) {
    char fits[4096];
    mb_format(fits, sizeof fits, "%s/../../fits", directory);
    return has_file(directory, "../../study.yaml") && mb_path_is_directory(fits);
}

mb_status mb_fit_study_refuse_part(mb_context *ctx, const char *directory) {
    if (!mb_fit_study_is_part(directory)) {
        return MB_OK;
    }
    // The folder of the run as the user wrote it, where two parts of the path can be left out.
    const char *fits = strstr(directory, "/fits/");
    for (const char *next = fits; next != NULL; next = strstr(next + 1, "/fits/")) {
        fits = next;
    }
    return mb_fail(ctx, MB_ERR_ARG,
        "%s: is one training of several; name the folder of the run, %.*s%s", directory,
        (int)(fits != NULL ? (size_t)(fits - directory) : strlen(directory)), directory,
        fits != NULL ? "" : "/../..");
}
