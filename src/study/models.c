// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/options_field.h"
#include "exchange/firmware.h"
#include "exchange/shipped.h"
#include "files/yaml.h"
#include "study/module_models.h"
#include "study/open.h"
#include "study/shipped_text.h"

// model: and models: checked, and built-in ones written out.

static mb_status fail_builtin(mb_context *ctx, const mb_study *study, const mb_node *at) {
    const char *names[128];
    size_t n = 0;
    for (; n < mb_n_shipped_models && n < MB_COUNT_OF(names); n++) {
        names[n] = mb_shipped_models[n].name;
    }
    for (size_t i = 0; mb_module_model_name(i) != NULL && n < MB_COUNT_OF(names); i++) {
        names[n++] = mb_module_model_name(i);
    }
    const char *name = mb_node_text(at);
    const char *near = name != NULL ? mb_nearest_name(name, names, n) : NULL;
    char all[2048];
    mb_text_list(all, sizeof all, names, n);
    return mb_fail_at(ctx, &study->document, at,
        "models: there is no built-in model '%.60s'; %s%s%s", name != NULL ? name : "",
        near != NULL ? "did you mean '" : "there are ", near != NULL ? near : all,
        near != NULL ? "'?" : "");
}

static mb_status copy_member(
    mb_context *ctx, mb_document *document, const mb_node *member, mb_node *to) {
    mb_node *copy = mb_node_copy(document, ctx, member);
    return copy == NULL ? MB_ERR_MEMORY : mb_node_set(document, ctx, to, member->key, copy);
}

// What is written beside a model's name takes the place of what the model has; of train: key by
// key, so that a learning rate takes no loss away.
static mb_status write_beside(
    mb_context *ctx, mb_document *document, const mb_node *member, mb_node *made) {
    mb_node *own = mb_node_find(made, member->key);
    if (strcmp(member->key, "train") != 0 || own == NULL || own->kind != MB_NODE_MAP ||
        member->kind != MB_NODE_MAP) {
        return copy_member(ctx, document, member, made);
    }
    for (const mb_node *key = member->first; key != NULL; key = key->next) {
        MB_TRY(copy_member(ctx, document, key, own));
    }
    return MB_OK;
}

// {autoencoder: {...}} and what is written beside it, as layers.
static mb_status expand_autoencoder(
    mb_context *ctx, mb_study *study, const mb_node *model, mb_node **out) {
    const mb_node *keys = mb_node_find(model, "autoencoder");
    MB_TRY(mb_module_model_expand(ctx, &study->document, keys, out));
    for (const mb_node *member = model->first; member != NULL; member = member->next) {
        if (member != keys) {
            MB_TRY(write_beside(ctx, &study->document, member, *out));
        }
    }
    return MB_OK;
}

// The layers of a built-in model, in the place of its name.
static mb_status read_builtin(mb_context *ctx, mb_study *study, const mb_node *at, mb_node **out) {
    const char *name = mb_node_text(at);
    for (size_t i = 0; name != NULL && i < mb_n_shipped_models; i++) {
        const mb_shipped_text *model = &mb_shipped_models[i];
        if (strcmp(model->name, name) == 0) {
            MB_TRY(mb_yaml_parse_node(
                ctx, &study->document, model->name, model->text, strlen(model->text), out));
            (*out)->line = at->line;
            return MB_OK;
        }
    }
    if (name != NULL && mb_module_model_is_known(name)) {
        mb_node *entry = NULL;
        MB_TRY(mb_module_model_read(ctx, &study->document, name, &entry));
        MB_TRY(expand_autoencoder(ctx, study, entry, out));
        (*out)->line = at->line;
        return MB_OK;
    }
    return fail_builtin(ctx, study, at);
}

// {builtin: NAME, quantize: ...}: what is written beside the name is kept.
static mb_status expand(mb_context *ctx, mb_study *study, mb_node *owner, const mb_node *model) {
    const mb_node *name = mb_node_find(model, "builtin");
    mb_node *made = NULL;
    if (model->kind == MB_NODE_MAP && mb_node_find(model, "autoencoder") != NULL) {
        MB_TRY(expand_autoencoder(ctx, study, model, &made));
        return mb_node_set(&study->document, ctx, owner, model->key, made);
    }
    if (model->kind != MB_NODE_MAP || name == NULL) {
        return MB_OK;
    }
    MB_TRY(read_builtin(ctx, study, name, &made));
    for (const mb_node *member = model->first; member != NULL; member = member->next) {
        if (member != name) {
            MB_TRY(write_beside(ctx, &study->document, member, made));
        }
    }
    return mb_node_set(&study->document, ctx, owner, model->key, made);
}

// An entry of a list of models that is no name: {name: NAME, filters: ...}, the keys of
// autoencoder:.
static mb_status read_entry(
    mb_context *ctx, mb_study *study, const mb_node *entry, const char **name, mb_node **out) {
    *name = mb_node_text(mb_node_find(entry, "name"));
    if (entry->kind != MB_NODE_MAP || *name == NULL) {
        return mb_fail_at(ctx, &study->document, entry,
            "models: an entry is neither a name nor {name: NAME, filters: ..., ...}; write one");
    }
    mb_node *keys = mb_node_copy(&study->document, ctx, entry);
    if (keys == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_node_remove(keys, "name");
    return mb_module_model_expand(ctx, &study->document, keys, out);
}

// models: [teacher, cicada_v1] is short for {teacher: {builtin: teacher}, ...}.
static mb_status name_list(mb_context *ctx, mb_study *study, const mb_node *list) {
    mb_node *map = mb_node_make(&study->document, ctx, MB_NODE_MAP);
    if (map == NULL) {
        return MB_ERR_MEMORY;
    }
    map->line = list->line;
    for (const mb_node *entry = list->first; entry != NULL; entry = entry->next) {
        mb_node *made = NULL;
        const char *name = mb_node_text(entry);
        MB_TRY(name != NULL ? read_builtin(ctx, study, entry, &made)
                            : read_entry(ctx, study, entry, &name, &made));
        if (mb_node_find(map, name) != NULL) {
            return mb_fail_at(ctx, &study->document, entry,
                "models: '%.60s' is there twice; give each its own name", name);
        }
        MB_TRY(mb_node_set(&study->document, ctx, map, name, made));
    }
    return mb_node_set(&study->document, ctx, study->document.root, "models", map);
}

// The member of a map at a place: setting one replaces its node.
static mb_node *member_at(const mb_node *map, size_t index) {
    mb_node *member = map->first;
    while (index-- > 0) {
        member = member->next;
    }
    return member;
}

mb_status mb_study_expand_models(mb_context *ctx, mb_study *study) {
    mb_node *root = study->document.root;
    const mb_node *single = mb_node_find(root, "model");
    if (single != NULL) {
        MB_TRY(expand(ctx, study, root, single));
    }
    mb_node *models = mb_node_find(root, "models");
    if (models != NULL && models->kind == MB_NODE_LIST && models->n_children > 0) {
        return name_list(ctx, study, models);
    }
    for (size_t i = 0; models != NULL && models->kind == MB_NODE_MAP && i < models->n_children;
         i++) {
        MB_TRY(expand(ctx, study, models, member_at(models, i)));
    }
    return MB_OK;
}

static mb_status set_absolute(
    mb_context *ctx, mb_study *study, mb_node *owner, const mb_node *member) {
    if (mb_shipped_is_path(mb_node_text(member))) {
        return MB_OK;
    }
    mb_node *path = mb_node_make_text(&study->document, ctx,
        mb_study_absolute(ctx, &study->document, study->directory, mb_node_text(member)));
    if (path == NULL) {
        return MB_ERR_MEMORY;
    }
    path->line = member->line;
    return mb_node_set(&study->document, ctx, owner, member->key, path);
}

typedef struct firmware_keys {
    const char *weights, *types;
} firmware_keys;

static const mb_option firmware_table[] = {
    {"weights", MB_OPTION_TEXT, offsetof(firmware_keys, weights), NULL, 0, 0, NULL, NULL,
        "folder of weight lists"},
    {"types", MB_OPTION_TEXT, offsetof(firmware_keys, types), NULL, 0, 0, NULL, NULL,
        "a version's name, or a file of types"},
    MB_OPTIONS_END};

// {firmware: {weights: DIR, types: NAME}}
static mb_status take_firmware(
    mb_context *ctx, mb_study *study, const mb_node *model, mb_node *firmware) {
    firmware_keys keys;
    const mb_node *other = model->first == firmware ? firmware->next : model->first;
    if (other != NULL) {
        return mb_fail_at(ctx, &study->document, other,
            "models: %s: is firmware, which is taken as it is; remove '%.60s'", model->key,
            other->key);
    }
    MB_TRY(
        mb_options_parse(ctx, &study->document, firmware_table, firmware, "firmware", NULL, &keys));
    MB_TRY(set_absolute(ctx, study, firmware, mb_node_find(firmware, "weights")));
    return mb_firmware_is_path(keys.types)
               ? set_absolute(ctx, study, firmware, mb_node_find(firmware, "types"))
               : MB_OK;
}

// A path becomes absolute, layers are checked.
static mb_status take_model(mb_context *ctx, mb_study *study, mb_node *owner, mb_node *model) {
    mb_node *firmware = mb_node_find(model, "firmware");
    if (model->kind == MB_NODE_MAP) {
        return firmware != NULL ? take_firmware(ctx, study, model, firmware)
                                : mb_study_check_model(ctx, &study->document, model);
    }
    if (mb_node_text(model) == NULL) {
        return mb_fail_at(ctx, &study->document, model,
            "model: is neither {layers: [...]} nor the path of a model file");
    }
    return set_absolute(ctx, study, owner, model);
}

mb_status mb_study_find_model(
    mb_context *ctx, mb_study *study, const mb_node *at, const char *name, mb_node **out) {
    mb_node *single = mb_node_find(study->document.root, "model");
    mb_node *models = mb_node_find(study->document.root, "models");
    if (name == NULL) {
        *out = single != NULL                              ? single
               : models != NULL && models->n_children == 1 ? models->first
                                                           : NULL;
    } else {
        *out = mb_node_find(models, name);
    }
    if (*out != NULL) {
        return MB_OK;
    }
    const char *names[64];
    size_t n = 0;
    for (const mb_node *m = models != NULL ? models->first : NULL;
         m != NULL && n < MB_COUNT_OF(names); m = m->next) {
        names[n++] = m->key;
    }
    const char *near = name != NULL ? mb_nearest_name(name, names, n) : NULL;
    return mb_fail_at(ctx, &study->document, at, "fits: %s%.60s%s; %s%s%s",
        name != NULL ? "there is no model '" : "the fit does not say which model it is of",
        name != NULL ? name : "", name != NULL ? "'" : "",
        near != NULL ? "did you mean '" : "name one of models:", near != NULL ? near : "",
        near != NULL ? "'?" : "");
}

mb_status mb_study_take_models(mb_context *ctx, mb_study *study) {
    mb_node *root = study->document.root;
    mb_node *single = mb_node_find(root, "model");
    mb_node *models = mb_node_find(root, "models");
    if (single != NULL && models != NULL) {
        return mb_fail_at(ctx, &study->document, models,
            "models: there is a model: too; keep one of the two keys");
    }
    if (single != NULL) {
        return take_model(ctx, study, root, single);
    }
    if (models == NULL) {
        return MB_OK;
    }
    if (models->kind != MB_NODE_MAP || models->n_children == 0) {
        return mb_fail_at(ctx, &study->document, models,
            "models: is not a map; write models: {name: {layers: [...]}}");
    }
    for (size_t i = 0; i < models->n_children; i++) {
        MB_TRY(take_model(ctx, study, models, member_at(models, i)));
    }
    return MB_OK;
}
