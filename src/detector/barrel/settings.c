// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/barrel/settings.h"

#include "base/math.h"

static const char *const on_bad_names[] = {"error", "drop", NULL};
static const char *const order_names[] = {"name", "numeric", NULL};
static const char *const format_names[] = {"channels_first", "channels_last", NULL};
static const char *const numpy_names[] = {"none", "1.14", "1.15", NULL};

#define FIELD(name) offsetof(mb_barrel_settings, name)

const mb_option mb_barrel_data_options[] = {
    {"hits", MB_OPTION_TEXTS, FIELD(hits), "clusters*", 0, 0, NULL, NULL,
        "files of hits: a path, a glob or a list"},
    {"particles", MB_OPTION_TEXTS, FIELD(particles), "", 0, 0, NULL, NULL,
        "files of particles, paired with those of hits; without them there are no labels"},
    {"n_files", MB_OPTION_SIZE, FIELD(n_files), "0", 0, 1e9, NULL, NULL,
        "read the first so many of each list of files; 0: all"},
    {"volumes", MB_OPTION_NODE, FIELD(volumes_node), "", 0, 0, NULL, NULL,
        "images: a list of {layers, bins, z, phi}"},
    {"data_format", MB_OPTION_CHOICE, FIELD(data_format), "channels_first", 0, 0, format_names,
        NULL, "images as (layer, phi, z) or, channels_last, as (phi, z, layer)"},
    {"label", MB_OPTION_NODE, FIELD(label_node), "", 0, 0, NULL, NULL,
        "what makes an event worth keeping: {layers, pt, tracks}"},
    {"on_bad", MB_OPTION_CHOICE, FIELD(on_bad), "error", 0, 0, on_bad_names, NULL,
        "a pair of files that does not fit: stop, or drop it and go on"},
    {"order", MB_OPTION_CHOICE, FIELD(order), "name", 0, 0, order_names, NULL,
        "order of the files: by the bytes of their names, or by the number in them"},
    {"numpy_edges", MB_OPTION_CHOICE, FIELD(numpy_edges), "none", 0, 0, numpy_names, NULL,
        "hits at phi = +-pi as this NumPy bins them; none: all are kept"},
    {"strict_event_end", MB_OPTION_BOOL, FIELD(strict_event_end), "false", 0, 0, NULL, NULL,
        "refuse a file without separator behind its last event"},
    {"skip_last_event", MB_OPTION_BOOL, FIELD(skip_last_event), "false", 0, 0, NULL, NULL,
        "drop the event in whose middle a file ends"},
    {"keep_empty", MB_OPTION_BOOL, FIELD(keep_empty), "false", 0, 0, NULL, NULL,
        "keep events without barrel hits, with label 0"},
    {"unique_hits", MB_OPTION_BOOL, FIELD(unique_hits), "false", 0, 0, NULL, NULL,
        "count a hit once that is listed for several particles"},
    {"pair_by_position", MB_OPTION_BOOL, FIELD(pair_by_position), "false", 0, 0, NULL, NULL,
        "pair files by their place in the two lists (compat)"},
    {"shift_independently", MB_OPTION_BOOL, FIELD(shift_independently), "false", 0, 0, NULL, NULL,
        "number the events of hits and of particles apart (compat)"},
    {"check_after_selection", MB_OPTION_BOOL, FIELD(check_after_selection), "false", 0, 0, NULL,
        NULL, "look for the particles of barrel hits only (compat)"},
    {"accept_odd_layer", MB_OPTION_BOOL, FIELD(accept_odd_layer), "false", 0, 0, NULL, NULL,
        "round odd layer numbers down (compat)"},
    MB_OPTIONS_END,
};

const char *const mb_barrel_compat_names[] = {
    "pair_by_position", "shift_independently", "check_after_selection", "accept_odd_layer", NULL};

typedef struct volume_options {
    mb_reals layers, z, phi;
    mb_sizes bins;
} volume_options;

static const mb_option volume_table[] = {
    {"layers", MB_OPTION_REALS, offsetof(volume_options, layers), NULL, 0, MB_BARREL_N_LAYERS, NULL,
        NULL, "barrel layers [from, to) of 0 .. 10"},
    {"bins", MB_OPTION_SIZES, offsetof(volume_options, bins), NULL, 1, 1 << 20, NULL, NULL,
        "bins in layer, phi and z"},
    {"z", MB_OPTION_REALS, offsetof(volume_options, z), NULL, 0, 0, NULL, NULL, "z range, mm"},
    {"phi", MB_OPTION_REALS, offsetof(volume_options, phi), "", 0, 0, NULL, NULL,
        "phi range, rad; all round when left out"},
    MB_OPTIONS_END,
};

static const mb_option label_table[] = {
    {"layers", MB_OPTION_SIZE, offsetof(mb_barrel_label, layers), "7", 1, MB_BARREL_N_LAYERS, NULL,
        NULL, "barrel layers that a track must reach"},
    {"pt", MB_OPTION_REAL, offsetof(mb_barrel_label, pt), "2.0", 0, 1e6, NULL, NULL,
        "a track's pt must be above, GeV"},
    {"tracks", MB_OPTION_SIZE, offsetof(mb_barrel_label, tracks), "3", 1, 1e6, NULL, NULL,
        "tracks that an event must have"},
    MB_OPTIONS_END,
};

static const mb_barrel_image default_images[] = {
    {{4, 0, 4}, {128, -MB_PI, MB_PI}, {128, -500, 500}, 0, 4},
    {{4, 4, 8}, {128, -MB_PI, MB_PI}, {128, -1080, 1080}, 4, 8},
    {{2, 8, 10}, {128, -MB_PI, MB_PI}, {21, -1031, 1031}, 8, 10},
};

static mb_status take_range(mb_context *ctx, const mb_document *document, const mb_node *node,
    const char *key, const mb_reals *range, mb_barrel_axis *axis) {
    const mb_node *at = mb_node_find(node, key);
    if (range->n != 2 || !(range->value[0] < range->value[1])) {
        return mb_fail_at(ctx, document, at != NULL ? at : node,
            "data.volumes: %s is not [low, high] with low < high; write two rising numbers", key);
    }
    axis->low = range->value[0];
    axis->high = range->value[1];
    return MB_OK;
}

static mb_status read_image(
    mb_context *ctx, mb_document *document, const mb_node *node, mb_barrel_image *image) {
    volume_options options;
    MB_TRY(mb_options_parse(ctx, document, volume_table, node, "data.volumes", NULL, &options));
    if (options.bins.n != 3) {
        return mb_fail_at(ctx, document, mb_node_find(node, "bins"),
            "data.volumes: bins has %zu numbers; give 3: layer, phi, z", options.bins.n);
    }
    if (options.phi.n == 0) {
        options.phi = (mb_reals){2, {-MB_PI, MB_PI}};
    }
    mb_barrel_axis *axes[] = {&image->layer, &image->phi, &image->z};
    uint64_t size = 1;
    for (int i = 0; i < 3; i++) {
        axes[i]->n = options.bins.value[i];
        size *= axes[i]->n; // at most 2^60
        if (size > UINT32_MAX) {
            return mb_fail_at(ctx, document, mb_node_find(node, "bins"),
                "data.volumes: bins make an image of more than 2^32 numbers; use fewer");
        }
    }
    MB_TRY(take_range(ctx, document, node, "layers", &options.layers, &image->layer));
    MB_TRY(take_range(ctx, document, node, "phi", &options.phi, &image->phi));
    MB_TRY(take_range(ctx, document, node, "z", &options.z, &image->z));
    image->first_layer = (int)image->layer.low;
    image->first_layer += (double)image->first_layer < image->layer.low;
    image->last_layer = (int)image->layer.high;
    image->last_layer += (double)image->last_layer < image->layer.high;
    return MB_OK;
}

static mb_status read_images(mb_context *ctx, mb_document *document, mb_barrel_settings *settings) {
    const mb_node *node = settings->volumes_node;
    if (node == NULL || node->kind == MB_NODE_NULL) {
        memcpy(settings->images, default_images, sizeof default_images);
        settings->n_images = MB_COUNT_OF(default_images);
        return MB_OK;
    }
    if (node->kind != MB_NODE_LIST || node->n_children == 0 ||
        node->n_children > MB_BARREL_MAX_IMAGES) {
        return mb_fail_at(ctx, document, node,
            "data.volumes: expected a list of 1 to %d maps {layers, bins, z}",
            MB_BARREL_MAX_IMAGES);
    }
    for (const mb_node *child = node->first; child != NULL; child = child->next) {
        MB_TRY(read_image(ctx, document, child, &settings->images[settings->n_images++]));
    }
    return MB_OK;
}

// What the study writes wins over what compat implies.
static void apply_compat(const mb_detector_request *request, mb_barrel_settings *settings) {
    const struct {
        const char *name;
        bool *value;
    } switches[] = {
        {"pair_by_position", &settings->pair_by_position},
        {"shift_independently", &settings->shift_independently},
        {"check_after_selection", &settings->check_after_selection},
        {"accept_odd_layer", &settings->accept_odd_layer},
    };
    for (size_t i = 0; i < MB_COUNT_OF(switches); i++) {
        if (mb_node_find(request->data, switches[i].name) == NULL) {
            *switches[i].value = mb_compat_has(request->compat, switches[i].name);
        }
    }
    if (request->compat != NULL && request->compat->all) {
        if (mb_node_find(request->data, "on_bad") == NULL) {
            settings->on_bad = MB_BARREL_ON_BAD_DROP;
        }
        if (mb_node_find(request->data, "numpy_edges") == NULL) {
            settings->numpy_edges = MB_BARREL_NUMPY_1_14;
        }
    }
}

mb_status mb_barrel_settings_read(
    mb_context *ctx, const mb_detector_request *request, mb_barrel_settings *out) {
    // Keys under data: that are read by whoever called.
    static const char *const others[] = {"source", "dir", "split", "rows", NULL};
    *out = (mb_barrel_settings){0};
    MB_TRY(mb_options_parse(
        ctx, request->document, mb_barrel_data_options, request->data, "data", others, out));
    MB_TRY(mb_options_parse(
        ctx, request->document, label_table, out->label_node, "data.label", NULL, &out->label));
    MB_TRY(read_images(ctx, request->document, out));
    apply_compat(request, out);
    return MB_OK;
}
