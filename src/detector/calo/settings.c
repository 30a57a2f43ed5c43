// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/calo/settings.h"

const char mb_calo_background_name[] = "ZeroBias";

static const char *const on_bad_names[] = {"error", "drop", "clip", NULL};
static const char *const overlay_names[] = {"none", "background", NULL};
// What a fit may be trained on beside the signals.
static const char *const reserved_names[] = {
    mb_calo_background_name, "background", "synthetic", "synthetic_pileup", "blend", "aside"};

#define FIELD(name) offsetof(mb_calo_settings, name)

const mb_option mb_calo_data_options[] = {
    {"background", MB_OPTION_NODE, FIELD(background_node), NULL, 0, 0, NULL, NULL,
        "the ordinary collisions: {file, limit}"},
    {"signals", MB_OPTION_NODE, FIELD(signals_node), "", 0, 0, NULL, NULL,
        "a map from name to {file, limit, title, overlay: background, overlay_events}"},
    {"synthetic", MB_OPTION_NODE, FIELD(synthetic_node), "", 0, 0, NULL, NULL,
        "single deposits on empty images, made while reading: {events, amplitude: [20, 100]}"},
    {"blend", MB_OPTION_NODE, FIELD(blend_node), "", 0, 0, NULL, NULL,
        "a training set of the first events of all signals' training sets: {each}"},
    {"train_size", MB_OPTION_SIZE, FIELD(train_size), "40000", 1, 1e9, NULL, NULL,
        "training events of each sample; the rest is for testing"},
    {"on_bad", MB_OPTION_CHOICE, FIELD(on_bad), "error", 0, 0, on_bad_names, NULL,
        "a value that is no whole number 0 .. 1023: stop, drop the event, or clip the value"},
    {"phi_offset", MB_OPTION_SIZE, FIELD(phi_offset), "1", 1, 2, NULL, NULL,
        "tower offset that the files were made with, (iphi + offset) mod 72: 2 before August 2022; "
        "for the report"},
    MB_OPTIONS_END,
};

const char *const mb_calo_compat_names[] = {"validation_tail", "interpolated_rate",
    "no_overlay_clip", "overlay_leak", "numpy_random", NULL};

#define SOURCE(name) offsetof(mb_calo_source, name)

static const mb_option background_table[] = {
    {"file", MB_OPTION_TEXTS, SOURCE(files), NULL, 0, 0, NULL, NULL,
        "region files: a path, a glob or a list"},
    {"limit", MB_OPTION_SIZE, SOURCE(limit), "500000", 1, 1e9, NULL, NULL,
        "events used, at most; those behind are for overlay and for what is set aside"},
    {"title", MB_OPTION_TEXT, SOURCE(title), "", 0, 0, NULL, NULL, "name in pictures"},
    MB_OPTIONS_END,
};

static const mb_option signal_table[] = {
    {"file", MB_OPTION_TEXTS, SOURCE(files), NULL, 0, 0, NULL, NULL,
        "region files: a path, a glob or a list"},
    {"limit", MB_OPTION_SIZE, SOURCE(limit), "500000", 1, 1e9, NULL, NULL, "events used, at most"},
    {"title", MB_OPTION_TEXT, SOURCE(title), "", 0, 0, NULL, NULL, "name in pictures"},
    {"overlay", MB_OPTION_CHOICE, SOURCE(overlay), "none", 0, 0, overlay_names, NULL,
        "background: an event of it is added to each, for samples without pileup"},
    {"overlay_events", MB_OPTION_SIZE, SOURCE(overlay_events), "0", 0, 1e9, NULL, NULL,
        "background events kept for that; 0: a tenth of background.limit"},
    MB_OPTIONS_END,
};

static const mb_option synthetic_table[] = {
    {"events", MB_OPTION_SIZE, FIELD(n_synthetic), "100000", 1, 1e8, NULL, NULL, "events made"},
    {"amplitude", MB_OPTION_REALS, FIELD(amplitude), "[20, 100]", 0, 1023, NULL, NULL,
        "least and largest ET of the deposit's centre, counts of 0.5 GeV"},
    MB_OPTIONS_END,
};

static const mb_option blend_table[] = {
    {"each", MB_OPTION_SIZE, FIELD(blend_each), "8000", 1, 1e9, NULL, NULL,
        "training events taken of each signal"},
    MB_OPTIONS_END,
};

static bool is_given(const mb_node *node) {
    return node != NULL && node->kind != MB_NODE_NULL;
}

static mb_status check_source(mb_context *ctx, const mb_document *document, const mb_node *node,
    const char *what, mb_calo_source *source) {
    if (source->files.n == 0) {
        return mb_fail_at(ctx, document, node, "%s: file is an empty list; name a file", what);
    }
    if (source->title == NULL || source->title[0] == '\0') {
        source->title = source->name;
    }
    return MB_OK;
}

static mb_status read_signal(mb_context *ctx, mb_document *document, const mb_node *node,
    const mb_calo_settings *settings, mb_calo_source *out) {
    for (size_t i = 0; i < MB_COUNT_OF(reserved_names); i++) {
        if (strcmp(node->key, reserved_names[i]) == 0) {
            return mb_fail_at(ctx, document, node,
                "data.signals: '%s' is the name of another set; name the signal otherwise",
                node->key);
        }
    }
    const char *what = mb_arena_format(&document->arena, ctx, "data.signals.%s", node->key);
    if (what == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_options_parse(ctx, document, signal_table, node, what, NULL, out));
    out->name = node->key;
    if (out->overlay == 0 && out->overlay_events > 0) {
        return mb_fail_at(ctx, document, mb_node_find(node, "overlay_events"),
            "%s: overlay_events without overlay: background; add it, or leave overlay_events out",
            what);
    }
    if (out->overlay != 0 && out->overlay_events == 0) {
        out->overlay_events = mb_max_size(settings->background.limit / 10, 2);
    }
    if (settings->overlay_leak) {
        out->overlay_events = 0;
    }
    return check_source(ctx, document, node, what, out);
}

static mb_status read_signals(mb_context *ctx, mb_document *document, mb_calo_settings *settings) {
    const mb_node *node = settings->signals_node;
    if (!is_given(node)) {
        return MB_OK;
    }
    if (node->kind != MB_NODE_MAP || node->n_children > MB_CALO_MOST_SIGNALS) {
        return mb_fail_at(ctx, document, node,
            "data.signals: expected a map of at most %d signals, NAME: {file: ...}",
            MB_CALO_MOST_SIGNALS);
    }
    for (const mb_node *child = node->first; child != NULL; child = child->next) {
        MB_TRY(
            read_signal(ctx, document, child, settings, &settings->signals[settings->n_signals++]));
    }
    return MB_OK;
}

static mb_status read_synthetic(
    mb_context *ctx, mb_document *document, mb_calo_settings *settings) {
    if (!is_given(settings->synthetic_node)) {
        return MB_OK;
    }
    MB_TRY(mb_options_parse(ctx, document, synthetic_table, settings->synthetic_node,
        "data.synthetic", NULL, settings));
    const mb_reals *amplitude = &settings->amplitude;
    if (amplitude->n != 2 || amplitude->value[0] > amplitude->value[1]) {
        return mb_fail_at(ctx, document, mb_node_find(settings->synthetic_node, "amplitude"),
            "data.synthetic: amplitude is not [least, largest]; write two rising numbers");
    }
    return MB_OK;
}

static mb_status read_blend(mb_context *ctx, mb_document *document, mb_calo_settings *settings) {
    if (!is_given(settings->blend_node)) {
        return MB_OK;
    }
    MB_TRY(mb_options_parse(
        ctx, document, blend_table, settings->blend_node, "data.blend", NULL, settings));
    if (settings->n_signals == 0) {
        return mb_fail_at(ctx, document, settings->blend_node,
            "data.blend: there are no signals to blend; add data.signals");
    }
    if (settings->blend_each > settings->train_size) {
        return mb_fail_at(ctx, document, settings->blend_node,
            "data.blend: each is %zu, more than the train_size of %zu; write at most that",
            settings->blend_each, settings->train_size);
    }
    return MB_OK;
}

// The benchmark's split is train_size: another would do nothing.
static mb_status check_split(
    mb_context *ctx, const mb_detector_request *request, const mb_calo_settings *settings) {
    static const char *const keys[] = {"split", "rows"};
    for (size_t i = 0; settings->is_benchmark && i < MB_COUNT_OF(keys); i++) {
        const mb_node *node = mb_node_find(request->data, keys[i]);
        if (is_given(node)) {
            return mb_fail_at(ctx, request->document, node,
                "data.%s: with signals or synthetic events train_size splits every sample; remove "
                "this key",
                keys[i]);
        }
    }
    return MB_OK;
}

mb_status mb_calo_settings_read(
    mb_context *ctx, const mb_detector_request *request, mb_calo_settings *out) {
    // Keys under data: that are read by whoever called.
    static const char *const others[] = {"source", "dir", "split", "rows", NULL};
    mb_document *document = request->document;
    *out = (mb_calo_settings){.seed = request->seed, .set_aside = request->set_aside};
    MB_TRY(
        mb_options_parse(ctx, document, mb_calo_data_options, request->data, "data", others, out));
    out->numpy_random = mb_compat_has(request->compat, "numpy_random");
    out->overlay_leak = mb_compat_has(request->compat, "overlay_leak");
    out->no_overlay_clip = mb_compat_has(request->compat, "no_overlay_clip");
    if (out->numpy_random && request->seed > UINT32_MAX) {
        return mb_fail(
            ctx, MB_ERR_RANGE, "compat: numpy_random has seeds below 2^32 only; use such a seed");
    }
    MB_TRY(mb_options_parse(ctx, document, background_table, out->background_node,
        "data.background", NULL, &out->background));
    out->background.name = mb_calo_background_name;
    MB_TRY(check_source(ctx, document, out->background_node, "data.background", &out->background));
    MB_TRY(read_signals(ctx, document, out));
    MB_TRY(read_synthetic(ctx, document, out));
    MB_TRY(read_blend(ctx, document, out));
    out->is_benchmark = out->n_signals > 0 || out->n_synthetic > 0 || out->set_aside > 0;
    return check_split(ctx, request, out);
}
