// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/tracks/settings.h"

#define FIELD(name) offsetof(mb_tracks_settings, name)

const char *const mb_tracks_graph_names[] = {"pred", "loss", "true", NULL};
const char *const mb_tracks_compat_names[] = {
    "batch_cluster", "shuffled_eval", "isolated_zero", "no_validation", "print", "drop_last", NULL};
static const char *const on_bad_names[] = {"error", "drop", NULL};

const mb_option mb_tracks_data_options[] = {
    {"file", MB_OPTION_TEXTS, FIELD(file), "tracks.pickle", 0, 0, NULL, NULL,
        "files: a path, a glob or a list; .pickle (samples), NAME-hits.csv (TrackML events, plain, "
        ".gz or in a .zip), .npz (segment graphs)"},
    {"features", MB_OPTION_TEXTS, FIELD(features), "", 0, 0, NULL, NULL,
        "arrays of the hits that the network takes, side by side; default: [xyz, emb] of a pickle, "
        "xyz of CSV, X of .npz"},
    {"graph", MB_OPTION_NODE, FIELD(graph), "", 0, 0, NULL, NULL,
        "build the graphs: {neighbours: {of, radius}} or {segments: {phi_slope, z0}}; default: "
        "those of the files"},
    {"phi_sections", MB_OPTION_SIZE, FIELD(phi_sections), "8", 1, 1024, NULL, NULL,
        "of .npz graphs: phi is stored in units of pi / phi_sections"},
    {"on_bad", MB_OPTION_CHOICE, FIELD(on_bad), "error", 0, 0, on_bad_names, NULL,
        "a sample that cannot be used: stop, or leave it out and say so"},
    MB_OPTIONS_END,
};

#undef FIELD
#define FIELD(name) offsetof(mb_tracks_builder, name)

static const mb_option neighbour_options[] = {
    {"of", MB_OPTION_TEXTS, FIELD(of), "xyz", 0, 0, NULL, NULL,
        "arrays of the hits whose columns make the distance"},
    {"radius", MB_OPTION_REAL, FIELD(radius), NULL, 0, 1e30, NULL, NULL,
        "greatest distance of neighbours, in the arrays' units"},
    {"adjacent_layers", MB_OPTION_BOOL, FIELD(adjacent_layers), "false", 0, 0, NULL, NULL,
        "join hits of adjacent barrel layers alone"},
    {"self_loops", MB_OPTION_BOOL, FIELD(self_loops), "false", 0, 0, NULL, NULL,
        "join each hit with itself, too"},
    MB_OPTIONS_END,
};

static const mb_option segment_options[] = {
    {"phi_slope", MB_OPTION_REAL, FIELD(phi_slope), "0.0006", 0, 1e9, NULL, NULL,
        "greatest abs(dphi / dr) of a segment, rad/mm"},
    {"z0", MB_OPTION_REAL, FIELD(z0), "100", 0, 1e9, NULL, NULL,
        "greatest abs(z) at which a segment's line meets the beam, mm"},
    {"both_directions", MB_OPTION_BOOL, FIELD(both_directions), "true", 0, 0, NULL, NULL,
        "edges outwards and inwards; false: outwards alone"},
    MB_OPTIONS_END,
};

static mb_status read_graph(
    mb_context *ctx, const mb_detector_request *request, mb_tracks_settings *s) {
    mb_tracks_builder *builder = &s->builder;
    *builder = (mb_tracks_builder){.kind = MB_TRACKS_AS_GIVEN};
    if (s->graph == NULL || s->graph->kind == MB_NODE_NULL) {
        return MB_OK;
    }
    const char *name;
    const mb_node *options;
    MB_TRY(mb_named_options(ctx, request->document, s->graph, "data.graph", &name, &options));
    if (strcmp(name, "segments") == 0) {
        MB_TRY(mb_options_parse(
            ctx, request->document, segment_options, options, "segments", NULL, builder));
        builder->kind = MB_TRACKS_SEGMENTS;
        return MB_OK;
    }
    if (strcmp(name, "neighbours") != 0) {
        return mb_fail_at(ctx, request->document, s->graph,
            "data.graph: unknown way '%.60s'; write neighbours or segments", name);
    }
    MB_TRY(mb_options_parse(
        ctx, request->document, neighbour_options, options, "neighbours", NULL, builder));
    builder->kind = MB_TRACKS_NEIGHBOURS;
    if (!(builder->radius > 0)) {
        return mb_fail_at(ctx, request->document, options,
            "neighbours: radius is %g; write a distance above 0", builder->radius);
    }
    return builder->of.n > 0 ? MB_OK
                             : mb_fail_at(ctx, request->document, options,
                                   "neighbours: of is empty; name an array, such as xyz");
}

// New hits do not have it.
static mb_status check_features(
    mb_context *ctx, const mb_detector_request *request, const mb_tracks_settings *s) {
    for (size_t i = 0; i < s->features.n; i++) {
        if (strcmp(s->features.value[i], "particle_id") == 0) {
            return mb_fail_at(ctx, request->document, mb_node_find(request->data, "features"),
                "data.features: particle_id is the truth that the network is to find; take arrays "
                "that are measured, such as xyz");
        }
    }
    return MB_OK;
}

// source, dir, split and rows are the study's own.
static const char *const common_keys[] = {"source", "dir", "split", "rows", NULL};

mb_status mb_tracks_settings_read(
    mb_context *ctx, const mb_detector_request *request, mb_tracks_settings *out) {
    MB_TRY(mb_options_parse(
        ctx, request->document, mb_tracks_data_options, request->data, "data", common_keys, out));
    if (out->file.n == 0) {
        return mb_fail_at(ctx, request->document, request->data,
            "data.file: is an empty list; name a file, such as tracks.pickle");
    }
    MB_TRY(check_features(ctx, request, out));
    return read_graph(ctx, request, out);
}
