// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/study.h"

#include "base/numbers.h"
#include "base/options_field.h"
#include "base/output.h"
#include "data/arrays_source.h"
#include "files/yaml.h"
#include "network/quantize.h"
#include "study/emd_net.h"
#include "study/module_run.h"
#include "study/open.h"
#include "study/scorer.h"

#include <unistd.h>

typedef struct top_options {
    const char *study;
    int64_t version, seed;
    const mb_node *compat, *simulate, *data, *params, *model, *models, *fits, *train, *evaluate,
        *scan, *quantize, *alternate, *outliers, *emd_nets;
    const char *teacher, *target;
    mb_texts students;
} top_options;

#define FIELD(name) offsetof(top_options, name)

enum { STUDY_VERSION = 1 };

static const mb_option top_table[] = {
    {"study", MB_OPTION_TEXT, FIELD(study), NULL, 0, 0, NULL, NULL, "a free name"},
    {"version", MB_OPTION_INT, FIELD(version), "1", 0, 0, NULL, NULL, "of the study format: 1"},
    {"seed", MB_OPTION_INT, FIELD(seed), "1", 0, 9007199254740992.0, NULL, NULL,
        "of all random numbers"},
    {"compat", MB_OPTION_NODE, FIELD(compat), "", 0, 0, NULL, NULL,
        "quirks of the original to reproduce: true, or names"},
    {"simulate", MB_OPTION_NODE, FIELD(simulate), "", 0, 0, NULL, NULL,
        "toy events to make where the data files are absent"},
    {"data", MB_OPTION_NODE, FIELD(data), "", 0, 0, NULL, NULL, "where the events come from"},
    {"params", MB_OPTION_NODE, FIELD(params), "", 0, 0, NULL, NULL, "values for $names"},
    {"model", MB_OPTION_NODE, FIELD(model), "", 0, 0, NULL, NULL,
        "the network: {layers: [...]} or a model file"},
    {"models", MB_OPTION_NODE, FIELD(models), "", 0, 0, NULL, NULL, "several networks by name"},
    {"fits", MB_OPTION_NODE, FIELD(fits), "", 0, 0, NULL, NULL,
        "several trainings: a list of {name, model, train}"},
    {"train", MB_OPTION_NODE, FIELD(train), "", 0, 0, NULL, NULL, "how to train"},
    {"teacher", MB_OPTION_TEXT, FIELD(teacher), "", 0, 0, NULL, NULL,
        "model that reconstructs the events, in a study of a teacher and its students"},
    {"students", MB_OPTION_TEXTS, FIELD(students), "", 0, 0, NULL, NULL,
        "models that learn the teacher's error"},
    {"target", MB_OPTION_TEXT, FIELD(target), "", 0, 0, NULL, NULL,
        "what the students learn: log_mse, mse or log1p_mse"},
    {"alternate", MB_OPTION_NODE, FIELD(alternate), "", 0, 0, NULL, NULL,
        "turns of the teacher and its students"},
    {"outliers", MB_OPTION_NODE, FIELD(outliers), "", 0, 0, NULL, NULL,
        "files of events that only the students see"},
    {"emd_nets", MB_OPTION_NODE, FIELD(emd_nets), "", 0, 0, NULL, NULL,
        "networks that tell the earth mover's distance of two modules, by name: for emd:NAME"},
    {"evaluate", MB_OPTION_NODE, FIELD(evaluate), "", 0, 0, NULL, NULL, "which figures to make"},
    {"scan", MB_OPTION_NODE, FIELD(scan), "", 0, 0, NULL, NULL, "what `minbias scan` varies"},
    {"quantize", MB_OPTION_NODE, FIELD(quantize), "", 0, 0, NULL, NULL,
        "quantisers of every model: kernel, bias, activation, and by layer"},
    MB_OPTIONS_END};

bool mb_study_is_key(const char *name) {
    for (const mb_option *option = top_table; option->name != NULL; option++) {
        if (strcmp(option->name, name) == 0) {
            return true;
        }
    }
    return false;
}

const char *mb_study_absolute(
    mb_context *ctx, mb_document *document, const char *folder, const char *path) {
    char *joined = mb_path_join(ctx, folder, path);
    char here[4096];
    const char *copy = NULL;
    if (joined != NULL && joined[0] != '/' && getcwd(here, sizeof here) != NULL) {
        char *whole = mb_path_join(ctx, here, joined);
        mb_release(ctx, joined);
        joined = whole;
    }
    if (joined != NULL) {
        copy = mb_arena_text(&document->arena, ctx, joined);
    }
    mb_release(ctx, joined);
    return copy;
}

static mb_status set_text(
    mb_context *ctx, mb_document *document, mb_node *map, const char *key, const char *text) {
    const mb_node *old = mb_node_find(map, key);
    mb_node *node = text != NULL ? mb_node_make_text(document, ctx, text) : NULL;
    if (node == NULL) {
        return MB_ERR_MEMORY;
    }
    node->line = old != NULL ? old->line : 0;
    return mb_node_set(document, ctx, map, key, node);
}

static mb_status set_int(
    mb_context *ctx, mb_document *document, mb_node *map, const char *key, int64_t value) {
    const mb_node *old = mb_node_find(map, key);
    mb_node *node = mb_node_make_int(document, ctx, value);
    if (node == NULL) {
        return MB_ERR_MEMORY;
    }
    node->line = old != NULL ? old->line : 0;
    return mb_node_set(document, ctx, map, key, node);
}

static mb_status fail_compat(mb_context *ctx, const mb_study *study, const mb_node *entry,
    const char *const *known, size_t n_known) {
    const char *text = mb_node_text(entry);
    const char *near = text != NULL ? mb_nearest_name(text, known, n_known) : NULL;
    if (near != NULL) {
        return mb_fail_at(ctx, &study->document, entry,
            "compat: unknown name '%.60s'; did you mean '%s'?", text, near);
    }
    char names[512];
    mb_text_list(names, sizeof names, known, n_known);
    return mb_fail_at(ctx, &study->document, entry, "compat: unknown name '%.60s'; %s%s",
        text != NULL ? text : "?", n_known > 0 ? "write true, or some of " : "write compat: []",
        names);
}

static mb_status read_compat(mb_context *ctx, mb_study *study, const mb_node *node) {
    if (node == NULL) {
        return MB_OK;
    }
    if (node->kind == MB_NODE_BOOL) {
        study->compat.all = node->boolean;
        return MB_OK;
    }
    const char *const *known = study->detector != NULL ? study->detector->compat_names : NULL;
    size_t n_known = 0;
    while (known != NULL && known[n_known] != NULL) {
        n_known++;
    }
    if (node->kind != MB_NODE_LIST) {
        return mb_fail_at(ctx, &study->document, node,
            "compat: is neither true nor a list; write compat: [name, ...]");
    }
    const char **names =
        mb_arena_allocate(&study->document.arena, ctx, node->n_children + 1, sizeof *names);
    if (names == NULL) {
        return MB_ERR_MEMORY;
    }
    for (const mb_node *child = node->first; child != NULL; child = child->next) {
        const char *text = mb_node_text(child);
        bool is_known = false;
        for (size_t i = 0; text != NULL && i < n_known; i++) {
            is_known = is_known || strcmp(known[i], text) == 0;
        }
        // Of the table of a scan, whatever the detector.
        is_known = is_known || (text != NULL && strcmp(text, "columns") == 0);
        if (!is_known) {
            return fail_compat(ctx, study, child, known, n_known);
        }
        names[study->compat.n++] = text;
    }
    study->compat.names = names;
    return MB_OK;
}

typedef struct common_data {
    const char *source, *dir, *train_events;
    const mb_node *split, *rows;
} common_data;

#undef FIELD
#define FIELD(name) offsetof(common_data, name)

static const mb_option common_table[] = {{"source", MB_OPTION_TEXT, FIELD(source), NULL, 0, 0, NULL,
                                             NULL, "a detector (barrel), or arrays"},
    {"dir", MB_OPTION_TEXT, FIELD(dir), "", 0, 0, NULL, NULL,
        "folder of the data files, from the study's own folder"},
    {"split", MB_OPTION_NODE, FIELD(split), "", 0, 0, NULL, NULL,
        "events for testing: {test: 0.1, take: random}"},
    {"rows", MB_OPTION_NODE, FIELD(rows), "", 0, 0, NULL, NULL,
        "row ranges of each set, in place of fractions"},
    {"train_events", MB_OPTION_TEXT, FIELD(train_events), "all", 0, 0, NULL, NULL,
        "training events used: the first so many, or all"},
    MB_OPTIONS_END};

static mb_status find_detector(
    mb_context *ctx, mb_study *study, const mb_node *data, const char *source) {
    if (strcmp(source, "arrays") == 0) {
        return MB_OK;
    }
    study->detector = mb_detector_find(source);
    if (study->detector != NULL) {
        return MB_OK;
    }
    const char *names[32] = {"arrays"};
    size_t n = 1;
    for (size_t i = 0; mb_detector_list[i] != NULL && n < MB_COUNT_OF(names); i++) {
        names[n++] = mb_detector_list[i]->name;
    }
    char choice[MB_CHOICE_SIZE];
    return mb_fail_at(ctx, &study->document, mb_node_find(data, "source"),
        "data: unknown source '%.60s'; %s", source,
        mb_name_choice(choice, sizeof choice, source, names, n));
}

// Defaults of the data are written out, except under compat: there an unwritten key has the
// original's value.
static mb_status complete_data(mb_context *ctx, mb_study *study, const mb_option *table,
    size_t size, const char *const *others) {
    void *record = mb_arena_allocate(&study->document.arena, ctx, 1, mb_max_size(size, 1));
    if (record == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_options_parse(ctx, &study->document, table, study->data, "data", others, record));
    if (study->compat.all || study->compat.n > 0) {
        return MB_OK;
    }
    const mb_node *all = mb_options_to_node(ctx, &study->document, table, record, true);
    if (all == NULL) {
        return MB_ERR_MEMORY;
    }
    for (const mb_node *member = all->first; member != NULL; member = member->next) {
        if (mb_node_find(study->data, member->key) == NULL) {
            mb_node *copy = mb_node_copy(&study->document, ctx, member);
            if (copy == NULL) {
                return MB_ERR_MEMORY;
            }
            MB_TRY(mb_node_set(&study->document, ctx, study->data, member->key, copy));
        }
    }
    return MB_OK;
}

static const char *const common_keys[] = {"source", "dir", "split", "rows", "train_events", NULL};

// How many training events are used is the study's affair: the source does not know the key.
static mb_status read_train_events(mb_context *ctx, mb_study *study, const char *text) {
    study->source_data = mb_node_copy(&study->document, ctx, study->data);
    if (study->source_data == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_node_remove(study->source_data, "train_events");
    int64_t n = 0;
    if (strcmp(text, "all") == 0) {
        study->train_events = SIZE_MAX;
        return set_text(ctx, &study->document, study->data, "train_events", text);
    }
    if (!mb_text_to_int64(text, &n) || n < 1) {
        return mb_fail_at(ctx, &study->document, mb_node_find(study->data, "train_events"),
            "data: train_events is '%.60s'; write a number of at least 1, or all", text);
    }
    study->train_events = (size_t)n;
    return MB_OK;
}

// Relative to the study's folder; one that was named on the command line and is not there may be
// meant from where the command runs, as with a study that is installed elsewhere.
static const char *data_directory(mb_context *ctx, mb_study *study, const char *name) {
    const char *own = mb_study_absolute(ctx, &study->document, study->directory, name);
    if (own != NULL && study->is_directory_set && !mb_path_is_directory(own) &&
        mb_path_is_directory(name)) {
        return mb_study_absolute(ctx, &study->document, ".", name);
    }
    return own;
}

static mb_status read_data(mb_context *ctx, mb_study *study, const top_options *top) {
    if (top->data == NULL) {
        study->data_directory = study->directory;
        return read_compat(ctx, study, top->compat);
    }
    study->data = mb_node_find(study->document.root, "data");
    if (study->data->kind != MB_NODE_MAP) {
        return mb_fail_at(ctx, &study->document, study->data,
            "data: is not a map; write source: and what it needs");
    }
    const char *source = mb_node_text(mb_node_find(study->data, "source"));
    if (source == NULL) {
        return mb_fail_at(ctx, &study->document, study->data,
            "data: 'source' is missing; add source: barrel, or source: arrays");
    }
    MB_TRY(find_detector(ctx, study, study->data, source));
    MB_TRY(read_compat(ctx, study, top->compat));
    if (study->detector == NULL) {
        MB_TRY(complete_data(
            ctx, study, mb_arrays_option_table, sizeof(mb_arrays_options), common_keys));
    } else {
        MB_TRY(complete_data(ctx, study, study->detector->data_options,
            study->detector->data_options_size, common_keys));
    }
    common_data common;
    const char *ignored[128];
    size_t n = 0;
    for (const mb_node *m = study->data->first; m != NULL && n + 1 < MB_COUNT_OF(ignored);
         m = m->next) {
        bool is_common = false;
        for (size_t i = 0; common_keys[i] != NULL; i++) {
            is_common = is_common || strcmp(common_keys[i], m->key) == 0;
        }
        if (!is_common) {
            ignored[n++] = m->key;
        }
    }
    ignored[n] = NULL;
    MB_TRY(mb_options_parse(
        ctx, &study->document, common_table, study->data, "data", ignored, &common));
    MB_TRY(mb_split_read(ctx, &study->document, common.split, common.rows, &study->split));
    MB_TRY(read_train_events(ctx, study, common.train_events));
    study->data_directory = data_directory(ctx, study, common.dir != NULL ? common.dir : ".");
    return set_text(ctx, &study->document, study->data, "dir", study->data_directory);
}

static mb_status read_simulate(mb_context *ctx, mb_study *study, const top_options *top) {
    if (top->simulate == NULL) {
        return MB_OK;
    }
    study->simulate = mb_node_find(study->document.root, "simulate");
    if (study->detector == NULL) {
        return mb_fail_at(ctx, &study->document, study->simulate,
            "simulate: there is no generator for this source; remove the key");
    }
    void *record = mb_arena_allocate(
        &study->document.arena, ctx, 1, mb_max_size(study->detector->simulate_options_size, 1));
    if (record == NULL) {
        return MB_ERR_MEMORY;
    }
    return mb_options_parse(ctx, &study->document, study->detector->simulate_options,
        study->simulate, "simulate", NULL, record);
}

static mb_status read_all(mb_context *ctx, mb_study *study, const uint64_t *seed) {
    mb_document *document = &study->document;
    top_options top;
    MB_TRY(mb_options_parse(ctx, document, top_table, document->root, "study", NULL, &top));
    if (top.version != STUDY_VERSION) {
        return mb_fail_at(ctx, document, mb_node_find(document->root, "version"),
            "study: format version %lld is not known to this program; it reads version %d",
            (long long)top.version, STUDY_VERSION);
    }
    if (top.quantize != NULL) {
        MB_TRY(mb_quantize_check(ctx, document, top.quantize));
    }
    study->name = top.study;
    study->seed = (uint64_t)top.seed;
    study->seed = seed != NULL ? *seed : study->seed;
    MB_TRY(set_int(ctx, document, document->root, "version", top.version));
    MB_TRY(set_int(ctx, document, document->root, "seed", (int64_t)study->seed));
    study->scan = mb_node_find(document->root, "scan");
    MB_TRY(read_data(ctx, study, &top));
    MB_TRY(read_simulate(ctx, study, &top));
    MB_TRY(mb_study_read_evaluate(ctx, study, top.evaluate));
    if (top.emd_nets != NULL && !mb_module_is_study(study)) {
        return mb_fail_at(
            ctx, document, top.emd_nets, "emd_nets: is for modules of the concentrator; remove it");
    }
    MB_TRY(mb_emd_nets_read(ctx, document, top.emd_nets, &study->emd_nets, &study->n_emd_nets));
    study->takes_last = mb_compat_has(&study->compat, "validation_tail");
    MB_TRY(mb_study_read_fits(ctx, study));
    return mb_scorers_check(ctx, study);
}

// A misspelt parameter on the command line would otherwise make a new one that nobody asks for.
static mb_status check_override(
    mb_context *ctx, const mb_study *study, const char *path, size_t length) {
    if (length <= 7 || memcmp(path, "params.", 7) != 0) {
        return MB_OK;
    }
    char name[64];
    mb_format(name, sizeof name, "%.*s", (int)mb_min_size(length - 7, 60), path + 7);
    name[strcspn(name, ".")] = '\0';
    const mb_node *params = mb_node_find(study->document.root, "params");
    if (mb_node_find(params, name) != NULL) {
        return MB_OK;
    }
    const char *names[128];
    size_t n = 0;
    const mb_node *member = params != NULL ? params->first : NULL;
    for (; member != NULL && n < MB_COUNT_OF(names); member = member->next) {
        names[n++] = member->key;
    }
    const char *near = mb_nearest_name(name, names, n);
    return mb_fail(ctx, MB_ERR_FORMAT, "--set params.%s: the study has no such parameter; %s%s%s",
        name, near != NULL ? "did you mean '" : "see its params:", near != NULL ? near : "",
        near != NULL ? "'?" : "");
}

// Layers get their names when repeats are laid out, so what is below model: is set after that.
static bool is_of_model(const char *path) {
    return strncmp(path, "model.", 6) == 0 || strncmp(path, "models.", 7) == 0;
}

static mb_status apply_overrides(
    mb_context *ctx, mb_study *study, const mb_study_settings *settings, bool of_model) {
    for (size_t i = 0; i < settings->n_overrides; i++) {
        const char *text = settings->overrides[i];
        const char *equals = strchr(text, '=');
        if (equals == NULL || equals == text) {
            return mb_fail(
                ctx, MB_ERR_ARG, "--set %.200s: there is no '='; write --set key=value", text);
        }
        if (is_of_model(text) != of_model) {
            continue;
        }
        MB_TRY(check_override(ctx, study, text, (size_t)(equals - text)));
        const char *path =
            mb_arena_text_of(&study->document.arena, ctx, text, (size_t)(equals - text));
        if (path == NULL) {
            return MB_ERR_MEMORY;
        }
        study->is_directory_set = study->is_directory_set || strcmp(path, "data.dir") == 0;
        MB_TRY(mb_yaml_set(ctx, &study->document, path, equals + 1));
    }
    return MB_OK;
}

// Puts parameters into the whole tree.
static mb_status substitute(mb_context *ctx, mb_study *study) {
    mb_document *document = &study->document;
    study->params = mb_node_find(document->root, "params");
    mb_node *params = NULL;
    if (study->params != NULL) {
        MB_TRY(mb_study_substitute(ctx, document, study->params, study->params, &params));
        MB_TRY(mb_node_set(document, ctx, document->root, "params", params));
    }
    mb_node *root = NULL;
    MB_TRY(mb_study_substitute(ctx, document, params, document->root, &root));
    document->root = root;
    study->params = mb_node_find(root, "params");
    return MB_OK;
}

static mb_status resolve(mb_context *ctx, mb_study *study, const mb_study_settings *settings) {
    const mb_document *document = &study->document;
    if (document->root == NULL || document->root->kind != MB_NODE_MAP) {
        return mb_fail(ctx, MB_ERR_FORMAT,
            "%s: is not a study; write keys and values, or start from 'minbias new'", study->path);
    }
    MB_TRY(apply_overrides(ctx, study, settings, false));
    MB_TRY(substitute(ctx, study));
    MB_TRY(mb_study_expand_models(ctx, study));
    MB_TRY(apply_overrides(ctx, study, settings, true));
    MB_TRY(mb_study_expand_models(ctx, study));
    MB_TRY(substitute(ctx, study));
    return read_all(ctx, study, settings->seed);
}

// text NULL: that of the file.
static mb_status open_study(mb_context *ctx, const char *path, const char *text,
    const mb_study_settings *settings, mb_study **out) {
    static const mb_study_settings usual = {0};
    *out = NULL;
    mb_study *study = mb_allocate_zeroed(ctx, 1, sizeof *study);
    if (study == NULL) {
        return MB_ERR_MEMORY;
    }
    study->runtime = mb_context_runtime(ctx);
    mb_status status = text == NULL
                           ? mb_yaml_read(ctx, path, &study->document)
                           : mb_yaml_parse(ctx, path, text, strlen(text), &study->document);
    if (status == MB_OK) {
        const char *slash = strrchr(path, '/');
        const size_t length = slash != NULL ? (size_t)(slash - path) : 0;
        study->path = mb_arena_text(&study->document.arena, ctx, path);
        study->directory = slash == NULL ? "."
                           : slash == path
                               ? "/"
                               : mb_arena_text_of(&study->document.arena, ctx, path, length);
        status = study->path == NULL || study->directory == NULL
                     ? MB_ERR_MEMORY
                     : resolve(ctx, study, settings != NULL ? settings : &usual);
    }
    if (status != MB_OK) {
        mb_study_destroy(study);
        return status;
    }
    *out = study;
    return MB_OK;
}

mb_status mb_study_open(
    mb_context *ctx, const char *path, const mb_study_settings *settings, mb_study **out) {
    return open_study(ctx, path, NULL, settings, out);
}

mb_status mb_study_open_text(mb_context *ctx, const char *name, const char *text,
    const mb_study_settings *settings, mb_study **out) {
    return open_study(ctx, name, text, settings, out);
}

void mb_study_destroy(mb_study *study) {
    if (study != NULL) {
        mb_runtime *runtime = study->runtime;
        mb_document_clear(&study->document);
        mb_runtime_release(runtime, study);
    }
}

const char mb_study_stored_mark[] =
    "# The study as it was run: parameters put in, defaults written out.\n";

mb_status mb_study_write(mb_context *ctx, const mb_study *study, const char *path) {
    mb_buffer buffer;
    mb_buffer_init(&buffer, ctx);
    mb_buffer_text(&buffer, mb_study_stored_mark);
    mb_node_write_yaml(&buffer, study->document.root);
    return mb_write_buffer(&buffer, path);
}

mb_status mb_check_present(mb_context *ctx, const char *path) {
    return mb_path_exists(path)
               ? MB_OK
               : mb_fail(ctx, MB_ERR_IO, "%s: there is no such file; check the name and the folder",
                     path);
}

mb_status mb_check_absent(mb_context *ctx, const char *path, bool is_forced) {
    if (!is_forced && mb_path_exists(path)) {
        return mb_fail(
            ctx, MB_ERR_IO, "%s: exists already; choose another name or use --force", path);
    }
    return MB_OK;
}
