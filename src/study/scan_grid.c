// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/scan.h"

#include "base/random.h"

// scan: read, and its combinations listed.

static const char *const prune_names[] = {"none", NULL};

#define FIELD(name) offsetof(mb_scan_options, name)

static const mb_option scan_table[] = {{"over", MB_OPTION_NODE, FIELD(over), NULL, 0, 0, NULL, NULL,
                                           "what varies: {parameter or key: [values]}"},
    {"fraction", MB_OPTION_REAL, FIELD(fraction), "1", 0, 1, NULL, NULL,
        "part of all combinations, chosen at random by seed"},
    {"trials", MB_OPTION_SIZE, FIELD(trials), "0", 0, 1e6, NULL, NULL,
        "at most so many combinations; 0: no limit"},
    {"seed", MB_OPTION_INT, FIELD(seed), "1", 0, 9007199254740992.0, NULL, NULL, "of the choice"},
    {"repeats", MB_OPTION_SIZE, FIELD(repeats), "1", 1, 1000, NULL, NULL,
        "seeds for each combination"},
    {"prune", MB_OPTION_CHOICE, FIELD(prune), "none", 0, 0, prune_names, NULL,
        "ending of weak trials: not offered by this version"},
    {"sort", MB_OPTION_TEXT, FIELD(sort), "val_loss", 0, 0, NULL, NULL,
        "figure that the best trials are told by"},
    {"validation", MB_OPTION_NODE, FIELD(validation), "", 0, 0, NULL, NULL,
        "0.3 takes a random part; in place of train.validation"},
    MB_OPTIONS_END};

static const char *node_as_text(mb_scan_state *scan, const mb_node *node) {
    if (mb_node_text(node) != NULL) {
        return mb_node_text(node);
    }
    mb_buffer text;
    mb_buffer_init(&text, scan->ctx);
    mb_node_write_json(&text, node, -1);
    const char *copy =
        text.status == MB_OK ? mb_arena_text(&scan->arena, scan->ctx, text.data) : NULL;
    mb_buffer_clear(&text);
    return copy;
}

static mb_status add_key(mb_scan_state *scan, mb_node *member) {
    const mb_document *document = &scan->study->document;
    if (scan->n_keys == MB_SCAN_MOST_KEYS) {
        return mb_fail_at(
            scan->ctx, document, member, "scan: more than %d keys; vary fewer", MB_SCAN_MOST_KEYS);
    }
    if (member->kind != MB_NODE_LIST || member->n_children == 0) {
        return mb_fail_at(scan->ctx, document, member,
            "scan: '%s' has no list of values; write %s: [value, ...]", member->key, member->key);
    }
    mb_scan_key *key = &scan->keys[scan->n_keys++];
    const bool is_parameter = mb_node_find(scan->study->params, member->key) != NULL;
    *key = (mb_scan_key){.name = member->key,
        .values = member,
        .path = is_parameter ? mb_arena_format(&scan->arena, scan->ctx, "params.%s", member->key)
                             : member->key};
    key->texts = mb_arena_allocate(&scan->arena, scan->ctx, member->n_children, sizeof *key->texts);
    if (key->path == NULL || key->texts == NULL) {
        return MB_ERR_MEMORY;
    }
    size_t n = 0;
    for (const mb_node *value = member->first; value != NULL; value = value->next) {
        key->texts[n] = node_as_text(scan, value);
        if (key->texts[n++] == NULL) {
            return MB_ERR_MEMORY;
        }
    }
    return MB_OK;
}

// A key that is no parameter must lead somewhere in the study.
static mb_status check_key(mb_scan_state *scan, const mb_scan_key *key) {
    if (key->path != key->name || strchr(key->name, '.') != NULL) {
        return MB_OK;
    }
    const char *names[128];
    size_t n = 0;
    const mb_node *params = scan->study->params;
    for (const mb_node *m = params != NULL ? params->first : NULL;
         m != NULL && n < MB_COUNT_OF(names); m = m->next) {
        names[n++] = m->key;
    }
    const char *near = mb_nearest_name(key->name, names, n);
    return mb_fail_at(scan->ctx, &scan->study->document, key->values,
        "scan: '%.60s' is neither under params: nor a key such as train.batch; %s%s%s", key->name,
        near != NULL ? "did you mean '" : "name one", near != NULL ? near : "",
        near != NULL ? "'?" : "");
}

// Combination number i: the last key runs fastest.
static void decode(const mb_scan_state *scan, size_t i, mb_trial *trial) {
    for (size_t k = scan->n_keys; k > 0; k--) {
        const size_t n = scan->keys[k - 1].values->n_children;
        trial->choice[k - 1] = i % n;
        i /= n;
    }
}

static mb_status list_trials(mb_scan_state *scan) {
    const mb_scan_options *options = &scan->options;
    size_t size = 1;
    for (size_t k = 0; k < scan->n_keys; k++) {
        size *= scan->keys[k].values->n_children;
        if (size > 1000000) {
            return mb_fail_at(scan->ctx, &scan->study->document, options->over,
                "scan: more than a million combinations; vary fewer values");
        }
    }
    scan->n_combinations = size;
    scan->n_trials = (size_t)((double)size * options->fraction);
    if (options->trials > 0) {
        scan->n_trials = mb_min_size(scan->n_trials, options->trials);
    }
    if (scan->n_trials == 0) {
        return mb_fail_at(scan->ctx, &scan->study->document, options->over,
            "scan: fraction %g of %zu combinations is less than one; use a larger fraction",
            options->fraction, size);
    }
    scan->trials = mb_arena_allocate(&scan->arena, scan->ctx, scan->n_trials, sizeof *scan->trials);
    uint32_t *order = mb_arena_allocate(&scan->arena, scan->ctx, size, sizeof *order);
    if (scan->trials == NULL || order == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < size; i++) {
        order[i] = (uint32_t)i;
    }
    if (scan->n_trials < size) {
        mb_random random = mb_random_stream((uint64_t)options->seed, MB_PURPOSE_SCAN, 0, 0);
        mb_random_shuffle(&random, order, size);
    }
    for (size_t i = 0; i < scan->n_trials; i++) {
        decode(scan, order[i], &scan->trials[i]);
    }
    return MB_OK;
}

mb_status mb_scan_read(mb_scan_state *scan) {
    mb_study *study = scan->study;
    if (study->scan == NULL) {
        return mb_fail(scan->ctx, MB_ERR_FORMAT,
            "%s: there is no scan: to run; add scan: {over: {key: [values]}}", study->path);
    }
    MB_TRY(mb_options_parse(
        scan->ctx, &study->document, scan_table, study->scan, "scan", NULL, &scan->options));
    if (scan->options.over->kind != MB_NODE_MAP || scan->options.over->n_children == 0) {
        return mb_fail_at(scan->ctx, &study->document, scan->options.over,
            "scan: over is not a map; write over: {key: [values]}");
    }
    if (study->n_fits != 1) {
        return mb_fail_at(scan->ctx, &study->document, study->scan,
            "scan: the study has %zu fits; a scan varies one", study->n_fits);
    }
    for (mb_node *m = mb_node_find(study->scan, "over")->first; m != NULL; m = m->next) {
        MB_TRY(add_key(scan, m));
        MB_TRY(check_key(scan, &scan->keys[scan->n_keys - 1]));
    }
    const mb_train *train = &study->fits[0].train;
    scan->figures[scan->n_figures++] = "loss";
    for (size_t i = 0; i < train->n_metrics && scan->n_figures < MB_SCAN_MOST_FIGURES / 2; i++) {
        scan->figures[scan->n_figures++] = train->metrics[i].name;
    }
    const size_t n = scan->n_figures;
    for (size_t i = 0; i < n; i++) {
        scan->figures[scan->n_figures] =
            mb_arena_format(&scan->arena, scan->ctx, "val_%s", scan->figures[i]);
        if (scan->figures[scan->n_figures++] == NULL) {
            return MB_ERR_MEMORY;
        }
    }
    if (mb_scan_figure(scan, scan->options.sort) == SIZE_MAX) {
        const char *near = mb_nearest_name(scan->options.sort, scan->figures, scan->n_figures);
        return mb_fail_at(scan->ctx, &study->document, mb_node_find(study->scan, "sort"),
            "scan: there is no figure '%.60s'; write %s", scan->options.sort,
            near != NULL ? near : "val_loss");
    }
    return list_trials(scan);
}

size_t mb_scan_figure(const mb_scan_state *scan, const char *name) {
    for (size_t i = 0; i < scan->n_figures; i++) {
        if (strcmp(scan->figures[i], name) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

mb_status mb_scan_open_trial(
    mb_scan_state *scan, mb_context *ctx, const mb_trial *trial, mb_study **out) {
    const mb_study_settings *own = scan->study_settings;
    const size_t n_own = own != NULL ? own->n_overrides : 0;
    mb_arena arena;
    mb_arena_init(&arena, ctx);
    const char **texts = mb_arena_allocate(&arena, ctx, n_own + scan->n_keys, sizeof *texts);
    mb_status status = texts == NULL ? MB_ERR_MEMORY : MB_OK;
    for (size_t i = 0; i < n_own && status == MB_OK; i++) {
        texts[i] = own->overrides[i];
    }
    for (size_t k = 0; k < scan->n_keys && status == MB_OK; k++) {
        const mb_scan_key *key = &scan->keys[k];
        texts[n_own + k] =
            mb_arena_format(&arena, ctx, "%s=%s", key->path, key->texts[trial->choice[k]]);
        status = texts[n_own + k] == NULL ? MB_ERR_MEMORY : MB_OK;
    }
    if (status == MB_OK) {
        const mb_study_settings settings = {.overrides = texts,
            .n_overrides = n_own + scan->n_keys,
            .seed = own != NULL ? own->seed : NULL};
        status = mb_study_open(ctx, scan->study_path, &settings, out);
    }
    mb_arena_clear(&arena);
    return status;
}
