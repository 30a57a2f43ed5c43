// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/scan.h"

#include "base/numbers.h"
#include "base/random.h"

#include <math.h>

// scan: read, and its combinations listed.

static const char *const prune_names[] = {"none", "median", "halving", NULL};
static const char *const keep_names[] = {"best", "all", NULL};

#define FIELD(name) offsetof(mb_scan_options, name)

const mb_option mb_scan_option_table[] = {{"over", MB_OPTION_NODE, FIELD(over), NULL, 0, 0, NULL,
                                              NULL, "what varies: {parameter or key: [values]}"},
    {"fraction", MB_OPTION_REAL, FIELD(fraction), "1", 0, 1, NULL, NULL,
        "part of all combinations, chosen at random by seed; above 0"},
    {"trials", MB_OPTION_SIZE, FIELD(trials), "0", 0, 1e6, NULL, NULL,
        "at most so many combinations; 0: no limit"},
    {"seed", MB_OPTION_INT, FIELD(seed), "1", 0, 9007199254740992.0, NULL, NULL, "of the choice"},
    {"repeats", MB_OPTION_SIZE, FIELD(repeats), "1", 1, 1000, NULL, NULL,
        "seeds for each combination; figures are then means, FIGURE_std their spread"},
    {"prune", MB_OPTION_CHOICE, FIELD(prune), "none", 0, 0, prune_names, NULL,
        "ending of hopeless trials. halving: at 1/8, 1/4 and 1/2 of a trial's epochs the better "
        "half goes on; median: at 1/4, 1/2 and 3/4 those go on whose best epoch so far is not "
        "worse than the median of the trials' means over their epochs so far"},
    {"sort", MB_OPTION_TEXT, FIELD(sort), "val_loss", 0, 0, NULL, NULL,
        "figure that trials are ordered and judged by"},
    {"time_limit", MB_OPTION_TEXT, FIELD(time_limit), "", 0, 0, NULL, NULL,
        "no trial begins later than this after the start: 90s, 30min, 1h, 2d"},
    {"validation", MB_OPTION_NODE, FIELD(validation), "", 0, 0, NULL, NULL,
        "0.3 takes a random part, the same for all trials; in place of train.validation"},
    {"keep", MB_OPTION_CHOICE, FIELD(keep), "best", 0, 0, keep_names, NULL,
        "trained models that stay: that of the best trial (best/), or of all (trials/N/) too"},
    {"fit", MB_OPTION_TEXT, FIELD(fit), "", 0, 0, NULL, NULL,
        "of a study with several fits, the one to scan"},
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
        if (key->texts[n] == NULL) {
            return MB_ERR_MEMORY;
        }
        for (size_t i = 0; i < n; i++) {
            if (strcmp(key->texts[i], key->texts[n]) == 0) {
                return mb_fail_at(scan->ctx, document, value,
                    "scan: '%s' has the value %.60s twice; write each value once", member->key,
                    key->texts[n]);
            }
        }
        n++;
    }
    return MB_OK;
}

// A key that is no parameter must lead somewhere in the study.
static mb_status check_key(mb_scan_state *scan, const mb_scan_key *key) {
    if (key->path != key->name || strchr(key->name, '.') != NULL || mb_study_is_key(key->name)) {
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

// "90s", "30min", "1h", "2d"; a bare number is seconds.
static mb_status read_time_limit(mb_scan_state *scan) {
    static const struct {
        const char *name;
        double seconds;
    } units[] = {{"", 1}, {"s", 1}, {"min", 60}, {"m", 60}, {"h", 3600}, {"d", 86400}};
    const char *text = scan->options.time_limit;
    if (text == NULL) {
        return MB_OK;
    }
    double value = 0;
    const char *rest = mb_parse_double(text, text + strlen(text), &value);
    while (rest != NULL && *rest == ' ') {
        rest++;
    }
    for (size_t i = 0; rest != NULL && i < MB_COUNT_OF(units); i++) {
        if (strcmp(rest, units[i].name) == 0 && value > 0 && isfinite(value)) {
            scan->time_limit = value * units[i].seconds;
            return MB_OK;
        }
    }
    return mb_fail_at(scan->ctx, &scan->study->document,
        mb_node_find(scan->study->scan, "time_limit"),
        "scan: time_limit is '%.60s'; write a time such as 90s, 30min, 1h or 2d", text);
}

static mb_status find_fit(mb_scan_state *scan) {
    const mb_study *study = scan->study;
    const char *names[64];
    size_t n = 0;
    for (; n < study->n_fits && n < MB_COUNT_OF(names); n++) {
        names[n] = study->fits[n].name;
        if (scan->options.fit != NULL && strcmp(names[n], scan->options.fit) == 0) {
            scan->fit = n;
            return MB_OK;
        }
    }
    if (n == 1 && scan->options.fit == NULL) {
        return MB_OK;
    }
    if (n == 0) {
        return mb_fail_at(scan->ctx, &study->document, study->scan,
            "scan: the study has no fit to vary (a teacher and its students are none); add "
            "model: and train:, or fits:");
    }
    if (scan->options.fit == NULL) {
        return mb_fail_at(scan->ctx, &study->document, study->scan,
            "scan: the study has %zu fits and a scan varies one; add fit: with a name such as '%s'",
            study->n_fits, names[0]);
    }
    const char *near = mb_nearest_name(scan->options.fit, names, n);
    return mb_fail_at(scan->ctx, &study->document, mb_node_find(study->scan, "fit"),
        "scan: there is no fit '%.60s'; %s'%s'%s", scan->options.fit,
        near != NULL ? "did you mean " : "write a name such as ", near != NULL ? near : names[0],
        near != NULL ? "?" : "");
}

const mb_fit_spec *mb_scan_fit(const mb_scan_state *scan, const mb_study *study) {
    return &study->fits[scan->fit < study->n_fits ? scan->fit : 0];
}

// Keras writes the learning rate into the history where a callback changes it.
static bool has_rate(const mb_train *train) {
    for (size_t i = 0; i < train->n_callbacks; i++) {
        if (strcmp(train->callbacks[i].ops->name, "reduce_lr_on_plateau") == 0) {
            return true;
        }
    }
    return false;
}

static mb_status name_figures(mb_scan_state *scan) {
    const mb_train *train = &mb_scan_fit(scan, scan->study)->train;
    scan->figures[scan->n_figures++] = "loss";
    for (size_t i = 0; i < train->n_metrics; i++) {
        scan->is_better_higher[scan->n_figures] = train->metrics[i].ops->is_better_higher;
        scan->figures[scan->n_figures++] = train->metrics[i].name;
    }
    const size_t n = scan->n_figures;
    for (size_t i = 0; i < n; i++) {
        scan->is_better_higher[scan->n_figures] = scan->is_better_higher[i];
        scan->figures[scan->n_figures] =
            mb_arena_format(&scan->arena, scan->ctx, "val_%s", scan->figures[i]);
        if (scan->figures[scan->n_figures++] == NULL) {
            return MB_ERR_MEMORY;
        }
    }
    if (has_rate(train)) {
        scan->figures[scan->n_figures++] = "lr";
    }
    scan->sort = mb_scan_figure(scan, scan->options.sort);
    if (scan->sort == SIZE_MAX) {
        const char *near = mb_nearest_name(scan->options.sort, scan->figures, scan->n_figures);
        return mb_fail_at(scan->ctx, &scan->study->document,
            mb_node_find(scan->study->scan, "sort"), "scan: there is no figure '%.60s'; write %s",
            scan->options.sort, near != NULL ? near : "val_loss");
    }
    return MB_OK;
}

mb_status mb_scan_read(mb_scan_state *scan) {
    mb_study *study = scan->study;
    if (study->scan == NULL) {
        return mb_fail(scan->ctx, MB_ERR_FORMAT,
            "%s: there is no scan: to run; add scan: {over: {key: [values]}}", study->path);
    }
    MB_TRY(mb_options_parse(scan->ctx, &study->document, mb_scan_option_table, study->scan, "scan",
        NULL, &scan->options));
    if (!(scan->options.fraction > 0)) {
        return mb_fail_at(scan->ctx, &study->document, mb_node_find(study->scan, "fraction"),
            "scan: fraction is %g; write a number above 0 and up to 1", scan->options.fraction);
    }
    if (scan->options.over->kind != MB_NODE_MAP || scan->options.over->n_children == 0) {
        return mb_fail_at(scan->ctx, &study->document, scan->options.over,
            "scan: over is not a map of keys; write over: {key: [values]}");
    }
    MB_TRY(find_fit(scan));
    for (mb_node *m = mb_node_find(study->scan, "over")->first; m != NULL; m = m->next) {
        MB_TRY(add_key(scan, m));
        MB_TRY(check_key(scan, &scan->keys[scan->n_keys - 1]));
    }
    MB_TRY(read_time_limit(scan));
    MB_TRY(name_figures(scan));
    mb_part part;
    MB_TRY(mb_scan_validation(scan, scan->ctx, study, &part));
    return list_trials(scan);
}

mb_status mb_scan_tell_size(mb_context *ctx, const mb_study *study, mb_answer *answer) {
    if (study->scan == NULL) {
        return MB_OK;
    }
    mb_scan_state scan = {.ctx = ctx, .study = (mb_study *)(uintptr_t)study};
    mb_arena_init(&scan.arena, ctx);
    const mb_status status = mb_scan_read(&scan);
    if (status == MB_OK) {
        mb_node *map = mb_answer_put_map(answer, NULL, "scan");
        mb_answer_put_int(answer, map, "combinations", (int64_t)scan.n_combinations);
        mb_answer_put_int(answer, map, "trials", (int64_t)scan.n_trials);
        mb_answer_put_int(answer, map, "repeats", (int64_t)scan.options.repeats);
        mb_answer_line(answer,
            "scan: %zu combinations, %zu trials (0 to %zu) of %zu training%s each",
            scan.n_combinations, scan.n_trials, scan.n_trials - 1, scan.options.repeats,
            scan.options.repeats == 1 ? "" : "s");
    }
    mb_arena_clear(&scan.arena);
    return status;
}

size_t mb_scan_figure(const mb_scan_state *scan, const char *name) {
    for (size_t i = 0; i < scan->n_figures; i++) {
        if (strcmp(scan->figures[i], name) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

// Values are told apart by place: texts[k] of key k, NULL for one that stays as the study has it.
static mb_status open_with(
    mb_scan_state *scan, mb_context *ctx, const char *const *values, mb_study **out) {
    const mb_study_settings *own = scan->study_settings;
    const size_t n_own = own != NULL ? own->n_overrides : 0;
    mb_arena arena;
    mb_arena_init(&arena, ctx);
    const char **texts = mb_arena_allocate(&arena, ctx, n_own + scan->n_keys, sizeof *texts);
    mb_status status = texts == NULL ? MB_ERR_MEMORY : MB_OK;
    size_t n = 0;
    for (; n < n_own && status == MB_OK; n++) {
        texts[n] = own->overrides[n];
    }
    for (size_t k = 0; k < scan->n_keys && status == MB_OK; k++) {
        if (values[k] != NULL) {
            texts[n] = mb_arena_format(&arena, ctx, "%s=%s", scan->keys[k].path, values[k]);
            status = texts[n++] == NULL ? MB_ERR_MEMORY : MB_OK;
        }
    }
    if (status == MB_OK) {
        const mb_study_settings settings = {
            .overrides = texts, .n_overrides = n, .seed = own != NULL ? own->seed : NULL};
        status = mb_study_open(ctx, scan->study_path, &settings, out);
    }
    mb_arena_clear(&arena);
    return status;
}

mb_status mb_scan_open_trial(
    mb_scan_state *scan, mb_context *ctx, const mb_trial *trial, mb_study **out) {
    const char *values[MB_SCAN_MOST_KEYS] = {NULL};
    for (size_t k = 0; k < scan->n_keys; k++) {
        values[k] = scan->keys[k].texts[trial->choice[k]];
    }
    return open_with(scan, ctx, values, out);
}

mb_status mb_scan_check_values(mb_scan_state *scan) {
    for (size_t k = 0; k < scan->n_keys; k++) {
        const mb_scan_key *key = &scan->keys[k];
        for (size_t v = 0; v < key->values->n_children; v++) {
            const char *values[MB_SCAN_MOST_KEYS] = {NULL};
            values[k] = key->texts[v];
            mb_study *study = NULL;
            const mb_status status = open_with(scan, scan->ctx, values, &study);
            mb_study_destroy(study);
            if (status == MB_OK || status == MB_ERR_MEMORY || status == MB_ERR_IO) {
                MB_TRY(status);
                continue;
            }
            char reason[600];
            mb_format(reason, sizeof reason, "%.590s", mb_context_error_text(scan->ctx));
            mb_context_clear(scan->ctx);
            return mb_fail_at(scan->ctx, &scan->study->document, mb_node_at(key->values, v),
                "scan: %.60s = %.60s: %s", key->name, key->texts[v], reason);
        }
    }
    return MB_OK;
}
