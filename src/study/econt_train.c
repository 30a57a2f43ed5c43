// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/numbers.h"
#include "minbias/econt.h"
#include "study/econt.h"
#include "study/module_models.h"

// The command line of the original's training as a study.

static bool is_name_part(const char *text, size_t length, const char *whole) {
    return strlen(whole) == length && strncmp(text, whole, length) == 0;
}

static bool is_in_dictionary(const char *name, size_t length) {
    for (size_t i = 0; mb_module_model_name(i) != NULL; i++) {
        if (is_name_part(name, length, mb_module_model_name(i))) {
            return true;
        }
    }
    return false;
}

static mb_status fail_model(mb_context *ctx, const char *name, size_t length) {
    const char *names[128];
    char text[64];
    size_t n = 0;
    for (; mb_module_model_name(n) != NULL && n < MB_COUNT_OF(names); n++) {
        names[n] = mb_module_model_name(n);
    }
    mb_format(text, sizeof text, "%.*s", (int)mb_min_size(length, 60), name);
    const char *near = mb_nearest_name(text, names, n);
    mb_buffer all;
    mb_buffer_init(&all, ctx);
    for (size_t i = 0; i < n; i++) {
        mb_buffer_format(&all, "%s%s", i > 0 ? ", " : "", names[i]);
    }
    const mb_status status = mb_fail(ctx, MB_ERR_ARG,
        "--models: unknown model '%s'; %s%s%sknown are %s", text,
        near != NULL ? "did you mean '" : "", near != NULL ? near : "", near != NULL ? "'? " : "",
        all.data != NULL ? all.data : "those of 'minbias econt models'");
    mb_buffer_clear(&all);
    return status;
}

// Whether a quirk is among those asked for.
static bool has_quirk(const mb_econt_train *options, const char *name) {
    const char *list = options->compat != NULL ? options->compat : "";
    while (list[0] != '\0') {
        const size_t length = strcspn(list, ",");
        if (is_name_part(list, length, name) || is_name_part(list, length, "true")) {
            return true;
        }
        list += length + (list[length] == ',');
    }
    return false;
}

// Whether an entry of the dictionary has quantisers of its own.
static mb_status read_is_quantized(mb_context *ctx, const char *name, bool *out) {
    mb_document document;
    mb_node *node = NULL;
    mb_document_init(&document, ctx, name);
    const mb_status status = mb_module_model_read(ctx, &document, name, &node);
    *out = status == MB_OK && mb_node_find(mb_node_find(node, "autoencoder"), "quantize") != NULL;
    mb_document_clear(&document);
    return status;
}

// With quantisers: the entry itself where it has some, else its twin; "" where there is none.
static mb_status find_twin(mb_context *ctx, char *name, size_t size) {
    bool is_quantized = false;
    MB_TRY(read_is_quantized(ctx, name, &is_quantized));
    if (is_quantized) {
        return MB_OK;
    }
    const size_t length = strlen(name);
    mb_format(name + length, size - length, "_qK");
    if (!mb_module_model_is_known(name)) {
        name[0] = '\0';
    }
    return MB_OK;
}

static void put_model(mb_buffer *text, const char *name, bool *is_first) {
    mb_buffer_format(text, "%s\"%s\"", *is_first ? "" : ", ", name);
    *is_first = false;
}

static mb_status put_named(
    mb_context *ctx, mb_buffer *text, const char *list, bool is_quantized, bool *is_first) {
    char name[128];
    const size_t length = strcspn(list, ",");
    if (!is_in_dictionary(list, length)) {
        return fail_model(ctx, list, length);
    }
    mb_format(name, sizeof name, "%.*s", (int)mb_min_size(length, 64), list);
    if (is_quantized) {
        MB_TRY(find_twin(ctx, name, sizeof name));
    }
    if (name[0] == '\0') {
        return mb_fail(ctx, MB_ERR_ARG,
            "--quantize: the model '%.*s' has no quantised twin; leave it out of --models, or "
            "describe one in a study",
            (int)mb_min_size(length, 64), list);
    }
    put_model(text, name, is_first);
    return MB_OK;
}

// All, or all with quantisers: these have their twins among them.
static mb_status put_all(mb_context *ctx, mb_buffer *text, bool is_quantized, bool *is_first) {
    for (size_t i = 0; mb_module_model_name(i) != NULL; i++) {
        bool is_taken = true;
        if (is_quantized) {
            MB_TRY(read_is_quantized(ctx, mb_module_model_name(i), &is_taken));
        }
        if (is_taken) {
            put_model(text, mb_module_model_name(i), is_first);
        }
    }
    return MB_OK;
}

static mb_status put_models(mb_context *ctx, mb_buffer *text, const mb_econt_train *options) {
    const char *list = options->models != NULL ? options->models : "";
    bool is_first = true;
    // In the original the option says nothing.
    const bool is_quantized = options->quantize && !has_quirk(options, "quantize_noop");
    mb_buffer_text(text, "models: [");
    if (list[0] == '\0') {
        MB_TRY(put_all(ctx, text, is_quantized, &is_first));
    }
    while (list[0] != '\0') {
        const size_t length = strcspn(list, ",");
        MB_TRY(put_named(ctx, text, list, is_quantized, &is_first));
        list += length + (list[length] == ',');
    }
    mb_buffer_text(text, "]\n");
    return MB_OK;
}

void mb_econt_put_text(mb_buffer *text, const char *key, const char *value) {
    mb_buffer_format(text, "%s: \"", key);
    for (const char *p = value; *p != '\0'; p++) {
        mb_buffer_format(text, *p == '"' || *p == '\\' ? "\\%c" : "%c", *p);
    }
    mb_buffer_text(text, "\"\n");
}

static void put_flag(mb_buffer *text, const char *key, bool is_set) {
    if (is_set) {
        mb_buffer_format(text, "  %s: true\n", key);
    }
}

static void put_count(mb_buffer *text, const char *key, int64_t value) {
    if (value >= 0) {
        mb_buffer_format(text, "  %s: %lld\n", key, (long long)value);
    }
}

static void put_data(mb_buffer *text, const mb_econt_train *options) {
    mb_buffer_text(text, "data:\n  source: concentrator\n  ");
    mb_econt_put_text(text, "files", options->input != NULL ? options->input : "nElinks_5/");
    mb_buffer_format(
        text, "  elinks: %lld\n", (long long)(options->elinks >= 0 ? options->elinks : 5));
    if (options->no_header) {
        mb_buffer_text(text, "  header: false\n");
    }
    put_count(text, "rows_per_file", options->rows_per_file);
    put_count(text, "max_val", options->max_val);
    put_flag(text, "double", options->double_rows);
    put_flag(text, "override_input", options->override_input);
    put_flag(text, "mask_partials", options->mask_partials);
    put_flag(text, "mask_energies", options->mask_energies);
    put_flag(text, "save_energy", options->save_energy);
    put_flag(text, "occ_reweight", options->occ_reweight);
    if (options->rescale_input_to_max) {
        mb_buffer_text(text, "  normalise: max\n");
    }
}

static void put_train(mb_buffer *text, const mb_econt_train *options) {
    mb_buffer_format(text, "train:\n  optimizer: {adam: {}}\n  epochs: %lld\n",
        (long long)(options->epochs >= 0 ? options->epochs : 200));
    if (options->loss != NULL) {
        mb_buffer_text(text, "  ");
        mb_econt_put_text(text, "loss", options->loss);
    }
    put_flag(text, "retrain", options->retrain);
    put_flag(text, "eval_only", options->eval_only);
    if (options->quick_train) {
        mb_buffer_text(text, "  max_rows: 5000\n");
    }
}

static void put_evaluate(mb_buffer *text, const mb_econt_train *options) {
    mb_buffer_text(text, "evaluate:\n");
    mb_buffer_format(text, "  algorithms: %s\n",
        options->full           ? "all"
        : options->ae_only != 0 ? "[ae]"
                                : "[ae, threshold, best_choice, stc16, stc4]");
    if (options->full) {
        mb_buffer_text(text, "  metrics: [emd, dMean, dRMS, zero_frac, SSD]\n");
    }
    if (options->csv_events >= -1) {
        mb_buffer_format(text, "  csv_events: %lld\n", (long long)options->csv_events);
    }
    if (options->rescale_output_to_max) {
        mb_buffer_text(text, "  restore: max\n");
    }
    if (options->skip_plot) {
        mb_buffer_text(text, "  plots: false\n");
    }
}

// The study that a command line of `econt train` stands for. ARG for models that are not known.
static mb_status write_study(mb_context *ctx, const mb_econt_train *options, mb_buffer *text) {
    mb_buffer_text(text, "study: econt-autoencoder\nseed: 42\n");
    if (options->compat != NULL) {
        const bool is_all = strcmp(options->compat, "true") == 0;
        mb_buffer_format(text, is_all ? "compat: %s\n" : "compat: [%s]\n", options->compat);
    }
    put_data(text, options);
    MB_TRY(put_models(ctx, text, options));
    put_train(text, options);
    put_evaluate(text, options);
    return text->status;
}

mb_status mb_econt_train_run(mb_context *ctx, const mb_econt_train *options,
    const mb_run_settings *settings, const uint64_t *seed, mb_answer **out) {
    mb_buffer text;
    mb_study *study = NULL;
    if (out != NULL) {
        *out = NULL;
    }
    mb_buffer_init(&text, ctx);
    const mb_study_settings study_settings = {.seed = seed};
    // Weights of an earlier run stay where they are, below the names of their models.
    mb_run_settings own = *settings;
    own.is_forced = true;
    mb_status status = write_study(ctx, options, &text);
    if (status == MB_OK) {
        status = mb_study_open_text(ctx, "econt train", text.data, &study_settings, &study);
    }
    if (status == MB_OK) {
        status = mb_study_run(ctx, study, &own, out);
    }
    mb_study_destroy(study);
    mb_buffer_clear(&text);
    return status;
}
