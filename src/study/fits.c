// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/yaml.h"
#include "study/module_run.h"
#include "study/open.h"

// fits: and train: become the list of fits.

typedef struct fit_options {
    const char *name, *model, *on;
    const mb_node *train;
    size_t repeats, folds;
} fit_options;

#define FIELD(name) offsetof(fit_options, name)

static const mb_option fit_table[] = {{"name", MB_OPTION_TEXT, FIELD(name), NULL, 0, 0, NULL, NULL,
                                          "of the fit: its folder below fits/"},
    {"model", MB_OPTION_TEXT, FIELD(model), "", 0, 0, NULL, NULL,
        "name of one of models:; may be left out where there is one model"},
    {"on", MB_OPTION_TEXT, FIELD(on), "", 0, 0, NULL, NULL,
        "the sample of the data that it is trained and judged on, where the data has named ones"},
    {"train", MB_OPTION_NODE, FIELD(train), "", 0, 0, NULL, NULL,
        "keys that differ from the study's train:"},
    {"repeats", MB_OPTION_SIZE, FIELD(repeats), "0", 0, 10000, NULL, NULL,
        "short for train: {repeats: N}"},
    {"folds", MB_OPTION_SIZE, FIELD(folds), "0", 0, 10000, NULL, NULL,
        "short for train: {folds: N}"},
    MB_OPTIONS_END};

static mb_status overlay(mb_context *ctx, mb_document *document, mb_node *map, const mb_node *own) {
    for (const mb_node *member = own != NULL ? own->first : NULL; member != NULL;
         member = member->next) {
        mb_node *copy = mb_node_copy(document, ctx, member);
        if (copy == NULL) {
            return MB_ERR_MEMORY;
        }
        MB_TRY(mb_node_set(document, ctx, map, member->key, copy));
    }
    return MB_OK;
}

// The study's train: with what a model brings along. What a model says of itself counts, but for
// its loss where the study has one for all.
static mb_status join_train(mb_context *ctx, mb_document *document, const mb_node *usual,
    const mb_node *model, mb_node **out) {
    mb_node *map = usual != NULL && usual->kind == MB_NODE_MAP
                       ? mb_node_copy(document, ctx, usual)
                       : mb_node_make(document, ctx, MB_NODE_MAP);
    if (map == NULL) {
        return MB_ERR_MEMORY;
    }
    *out = map;
    MB_TRY(overlay(ctx, document, map, mb_node_find(model, "train")));
    const mb_node *loss = mb_node_find(usual, "loss");
    mb_node *copy = loss != NULL ? mb_node_copy(document, ctx, loss) : NULL;
    return copy != NULL ? mb_node_set(document, ctx, map, "loss", copy) : MB_OK;
}

// The study-level map with some keys of a model and of a fit in place.
static mb_status merge_train(mb_context *ctx, mb_document *document, const mb_node *usual,
    const mb_node *model, const fit_options *fit, mb_node **out) {
    mb_node *map = NULL;
    MB_TRY(join_train(ctx, document, usual, model, &map));
    MB_TRY(overlay(ctx, document, map, fit->train));
    const struct {
        const char *key;
        size_t value;
    } counts[] = {{"repeats", fit->repeats}, {"folds", fit->folds}};
    for (size_t i = 0; i < MB_COUNT_OF(counts); i++) {
        if (counts[i].value > 0) {
            mb_node *count = mb_node_make_int(document, ctx, (int64_t)counts[i].value);
            if (count == NULL) {
                return MB_ERR_MEMORY;
            }
            MB_TRY(mb_node_set(document, ctx, map, counts[i].key, count));
        }
    }
    *out = map;
    return MB_OK;
}

static mb_status check_folder_name(
    mb_context *ctx, mb_study *study, const mb_node *at, const char *name) {
    for (const char *p = name; *p != '\0'; p++) {
        if (*p == '/' || (p == name && *p == '.')) {
            return mb_fail_at(ctx, &study->document, at,
                "fits: '%.60s' cannot be a folder's name; use letters, digits, - and _", name);
        }
    }
    for (size_t i = 0; i < study->n_fits; i++) {
        if (strcmp(study->fits[i].name, name) == 0) {
            return mb_fail_at(ctx, &study->document, at,
                "fits: two fits are called '%.60s'; give each its own name", name);
        }
    }
    return name[0] == '\0' ? mb_fail_at(ctx, &study->document, at, "fits: name is empty; write one")
                           : MB_OK;
}

static mb_status add_fit(mb_context *ctx, mb_study *study, const char *name, mb_node *model,
    mb_node *train, mb_node **written) {
    mb_fit_spec *fit = &study->fits[study->n_fits];
    *fit = (mb_fit_spec){
        .name = name, .model = model, .target = mb_node_text(mb_node_find(model, "target"))};
    MB_TRY(mb_module_adapt_loss(ctx, study, train));
    MB_TRY(mb_train_read(ctx, &study->document, train, &fit->train));
    if (fit->train.options.weights_dir != NULL) {
        fit->train.options.weights_dir = mb_study_absolute(
            ctx, &study->document, study->directory, fit->train.options.weights_dir);
        if (fit->train.options.weights_dir == NULL) {
            return MB_ERR_MEMORY;
        }
    }
    fit->n_rounds =
        mb_max_size(fit->train.options.repeats, 1) * mb_max_size(fit->train.options.folds, 1);
    study->n_fits++;
    *written = mb_train_to_node(ctx, &study->document, &fit->train);
    return *written == NULL ? MB_ERR_MEMORY : MB_OK;
}

static mb_status add_listed_fit(
    mb_context *ctx, mb_study *study, mb_node *entry, const mb_node *usual) {
    fit_options options;
    MB_TRY(mb_options_parse(ctx, &study->document, fit_table, entry, "fits", NULL, &options));
    MB_TRY(check_folder_name(ctx, study, entry, options.name));
    if (options.train != NULL && options.train->kind != MB_NODE_MAP) {
        return mb_fail_at(ctx, &study->document, options.train, "fits: train is not a map");
    }
    mb_node *model = NULL;
    mb_node *train = NULL;
    mb_node *written = NULL;
    MB_TRY(mb_study_find_model(ctx, study, entry, options.model, &model));
    MB_TRY(merge_train(ctx, &study->document, usual, model, &options, &train));
    MB_TRY(add_fit(ctx, study, options.name, model, train, &written));
    study->fits[study->n_fits - 1].on =
        options.on != NULL && options.on[0] != '\0' ? options.on : NULL;
    mb_node_remove(entry, "repeats");
    mb_node_remove(entry, "folds");
    return mb_node_set(&study->document, ctx, entry, "train", written);
}

static bool says_train(const mb_node *model) {
    return model != NULL && model->kind == MB_NODE_MAP && mb_node_find(model, "train") != NULL;
}

static bool has_own_train(const mb_node *models) {
    for (const mb_node *m = models != NULL ? models->first : NULL; m != NULL; m = m->next) {
        if (says_train(m)) {
            return true;
        }
    }
    return false;
}

// Models that say how they are trained become fits: of their names.
static mb_status list_models(mb_context *ctx, mb_study *study, const mb_node *models) {
    mb_document *document = &study->document;
    mb_node *list = mb_node_make(document, ctx, MB_NODE_LIST);
    for (const mb_node *m = models->first; m != NULL; m = m->next) {
        mb_node *entry = mb_node_make(document, ctx, MB_NODE_MAP);
        mb_node *name = mb_node_make_text(document, ctx, m->key);
        mb_node *model = mb_node_make_text(document, ctx, m->key);
        if (list == NULL || entry == NULL || name == NULL || model == NULL) {
            return MB_ERR_MEMORY;
        }
        entry->line = m->line;
        MB_TRY(mb_node_set(document, ctx, entry, "name", name));
        MB_TRY(mb_node_set(document, ctx, entry, "model", model));
        mb_node_append(list, entry);
    }
    return mb_node_set(document, ctx, document->root, "fits", list);
}

// Without fits: every model is trained once, one of several under its own name.
static mb_status fit_each_model(mb_context *ctx, mb_study *study, mb_node *train) {
    mb_node *root = study->document.root;
    mb_node *models = mb_node_find(root, "models");
    mb_node *single = mb_node_find(root, "model");
    mb_node *model = single != NULL ? single : models != NULL ? models->first : NULL;
    mb_node *written = NULL;
    for (; model != NULL; model = models != NULL ? model->next : NULL) {
        const bool is_alone = models == NULL || models->n_children == 1;
        if (!is_alone) {
            MB_TRY(check_folder_name(ctx, study, model, model->key));
        }
        mb_node *own = NULL;
        MB_TRY(join_train(ctx, &study->document, train, model, &own));
        MB_TRY(add_fit(ctx, study, is_alone ? "" : model->key, model, own, &written));
    }
    return written == NULL ? MB_OK : mb_node_set(&study->document, ctx, root, "train", written);
}

// What the data's kind says of keys that the study does not write.
static mb_status complete_train(mb_context *ctx, mb_study *study) {
    mb_node *root = study->document.root;
    mb_node *train = mb_node_find(root, "train");
    const mb_train_default *usual =
        study->detector != NULL ? study->detector->train_defaults : NULL;
    if (usual == NULL || (train != NULL && train->kind != MB_NODE_MAP)) {
        return MB_OK; // one that is no map is refused with its line when it is read
    }
    if (train == NULL) {
        train = mb_node_make(&study->document, ctx, MB_NODE_MAP);
        MB_TRY(mb_node_set(&study->document, ctx, root, "train", train));
    }
    for (; usual->key != NULL; usual++) {
        const bool applies = usual->compat == NULL || mb_compat_has(&study->compat, usual->compat);
        if (!applies || mb_node_find(train, usual->key) != NULL) {
            continue;
        }
        mb_node *value = NULL;
        MB_TRY(mb_yaml_parse_node(
            ctx, &study->document, "train", usual->value, strlen(usual->value), &value));
        MB_TRY(mb_node_set(&study->document, ctx, train, usual->key, value));
    }
    return MB_OK;
}

mb_status mb_study_read_fits(mb_context *ctx, mb_study *study) {
    mb_node *root = study->document.root;
    MB_TRY(mb_study_take_models(ctx, study));
    MB_TRY(complete_train(ctx, study));
    const mb_node *named = mb_node_find(root, "models");
    if (mb_module_is_study(study) && (named != NULL || mb_node_find(root, "model") != NULL)) {
        MB_TRY(mb_module_complete_train(ctx, study));
    }
    if (mb_node_find(root, "fits") == NULL && has_own_train(named)) {
        MB_TRY(list_models(ctx, study, named));
    }
    mb_node *train = mb_node_find(root, "train");
    mb_node *fits = mb_node_find(root, "fits");
    const mb_node *models = mb_node_find(root, "models");
    const size_t most =
        (fits != NULL ? fits->n_children : 0) + (models != NULL ? models->n_children : 0) + 1;
    study->fits = mb_arena_allocate(&study->document.arena, ctx, most, sizeof *study->fits);
    if (study->fits == NULL) {
        return MB_ERR_MEMORY;
    }
    // Preparing needs no loss and no model, only the split.
    MB_TRY(mb_part_read(ctx, &study->document, mb_node_find(train, "validation"),
        "train.validation", &study->validation));
    if (mb_node_find(root, "model") == NULL && models == NULL && fits == NULL) {
        return MB_OK;
    }
    if (mb_node_find(root, "students") != NULL || mb_node_find(root, "alternate") != NULL) {
        return mb_alternate_read(ctx, study, root);
    }
    // Where models bring their losses along, the common keys need none.
    const bool is_loss_known =
        has_own_train(named) || (fits == NULL && says_train(mb_node_find(root, "model")));
    if (train != NULL && (mb_node_find(train, "loss") != NULL || !is_loss_known)) {
        mb_train usual;
        MB_TRY(mb_train_read(ctx, &study->document, train, &usual));
    }
    if (fits == NULL) {
        return fit_each_model(ctx, study, train);
    }
    if (fits->kind != MB_NODE_LIST || fits->n_children == 0) {
        return mb_fail_at(ctx, &study->document, fits,
            "fits: is not a list; write fits: [{name: ..., model: ...}]");
    }
    for (mb_node *entry = fits->first; entry != NULL; entry = entry->next) {
        MB_TRY(mb_alternate_is_entry(entry) ? mb_alternate_read(ctx, study, entry)
                                            : add_listed_fit(ctx, study, entry, train));
    }
    return MB_OK;
}
