// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/ecal/settings.h"

#include <math.h>

const char *const mb_ecal_array_names[] = {
    "frames", "vectorised", "sequence", "hits", "unique_times", NULL};
const char *const mb_ecal_compat_names[] = {
    "last_frame", "early_hits", "edges", "columns", "scale", "scaler", "nan", NULL};
static const char *const on_bad_names[] = {"error", "drop", NULL};

#define FIELD(name) offsetof(mb_ecal_settings, name)

const mb_option mb_ecal_data_options[] = {
    {"photons", MB_OPTION_TEXTS, FIELD(photons), "photons.h5", 0, 0, NULL, NULL,
        "files of photons (label 0): a path, a glob or a list; .h5, .npy or .npz with X and y"},
    {"electrons", MB_OPTION_TEXTS, FIELD(electrons), "electrons.h5", 0, 0, NULL, NULL,
        "files of electrons (label 1)"},
    {"file", MB_OPTION_TEXTS, FIELD(file), "", 0, 0, NULL, NULL,
        "files that hold both classes, told apart by y, in place of photons and electrons"},
    {"cumulative", MB_OPTION_BOOL, FIELD(cumulative), "true", 0, 0, NULL, NULL,
        "a hit is in the frame of its time and in all later ones; false: in its own alone"},
    {"remove_empty", MB_OPTION_BOOL, FIELD(remove_empty), "true", 0, 0, NULL, NULL,
        "leave out pixels whose energy is not above low_e"},
    {"low_e", MB_OPTION_REAL, FIELD(low_e), "0.005", 0, 0, NULL, NULL,
        "energy that a pixel must exceed, units of 50 GeV"},
    {"min_t", MB_OPTION_REAL, FIELD(min_t), "-0.1", 0, 0, NULL, NULL,
        "start of the first frame, in the files' unit of time"},
    {"max_t", MB_OPTION_REAL, FIELD(max_t), "0.1", 0, 0, NULL, NULL, "end of the last frame"},
    {"t_step", MB_OPTION_REAL, FIELD(t_step), "0.0099", 0, 0, NULL, NULL, "length of a frame"},
    {"crop", MB_OPTION_SIZE, FIELD(crop), "32", 1, MB_ECAL_SIDE, NULL, NULL,
        "side of the central square that is kept; an odd one keeps one cell more"},
    {"arrays", MB_OPTION_TEXTS, FIELD(array_names), "frames", 0, 0, NULL, NULL,
        "inputs to make: frames, vectorised, sequence, hits, unique_times"},
    {"sequence_low_e", MB_OPTION_REAL, FIELD(sequence_low_e), "0.05", 0, 0, NULL, NULL,
        "energy that a hit of sequence must exceed, units of 50 GeV"},
    {"sequence_abstime", MB_OPTION_REAL, FIELD(sequence_abstime), "0.02", 0, 0, NULL, NULL,
        "what the abs(time) of a hit of sequence must stay below"},
    {"trust_file", MB_OPTION_BOOL, FIELD(trust_file), "false", 0, 0, NULL, NULL,
        "take the class from the file's place (photons, electrons), not from y"},
    {"nan_as_empty", MB_OPTION_BOOL, FIELD(nan_as_empty), "false", 0, 0, NULL, NULL,
        "a pixel whose energy is not a finite number is empty, not an error"},
    {"on_bad", MB_OPTION_CHOICE, FIELD(on_bad), "error", 0, 0, on_bad_names, NULL,
        "a file of several that cannot be used: stop, or leave it out and say so"},
    MB_OPTIONS_END,
};

// The formulas are taken as they stand, in double: counts depend on their rounding.
static mb_status make_film(
    mb_context *ctx, const mb_detector_request *request, mb_ecal_settings *s) {
    const mb_document *document = request->document;
    if (!(s->t_step > 0)) {
        return mb_fail_at(ctx, document, mb_detector_node(request, "t_step"),
            "data.t_step: is %g; write a number above 0", s->t_step);
    }
    if (!(s->max_t > s->min_t)) {
        return mb_fail_at(ctx, document, mb_detector_node(request, "max_t"),
            "data.max_t: is %g, min_t is %g; max_t must be the larger", s->max_t, s->min_t);
    }
    const double ratio = (s->max_t - s->min_t) / s->t_step;
    double n = ceil(ratio);
    if (!s->literal_edges && fabs(ratio - floor(ratio + 0.5)) <= 1e-9) {
        n = floor(ratio + 0.5);
    }
    if (!(n >= 2 && n <= MB_ECAL_MOST_FRAMES)) {
        return mb_fail_at(ctx, document, mb_detector_node(request, "t_step"),
            "data.t_step: %g makes %g frames from min_t %g to max_t %g; choose it so that there "
            "are 2 to %d",
            s->t_step, n, s->min_t, s->max_t, MB_ECAL_MOST_FRAMES);
    }
    mb_ecal_film *film = &s->film;
    film->n = (size_t)n;
    film->n_intervals = film->n - s->last_frame;
    const double step = (s->min_t + s->t_step) - s->min_t;
    for (size_t i = 0; i < film->n; i++) {
        film->edge[i] = s->min_t + (double)i * step;
    }
    if (!s->last_frame) {
        film->edge[film->n] = s->max_t;
    }
    return MB_OK;
}

static mb_status read_arrays(
    mb_context *ctx, const mb_detector_request *request, mb_ecal_settings *s) {
    for (size_t i = 0; i < s->array_names.n; i++) {
        const char *name = s->array_names.value[i];
        size_t k = 0;
        while (k < MB_ECAL_N_ARRAYS && strcmp(mb_ecal_array_names[k], name) != 0) {
            k++;
        }
        if (k == MB_ECAL_N_ARRAYS) {
            const char *near = mb_nearest_name(name, mb_ecal_array_names, MB_ECAL_N_ARRAYS);
            return mb_fail_at(ctx, request->document, mb_detector_node(request, "arrays"),
                "data.arrays: unknown array '%.60s'; %s%s", name,
                near != NULL ? "did you mean " : "write some of ",
                near != NULL ? near : "frames, vectorised, sequence, hits, unique_times");
        }
        s->arrays |= 1U << k;
    }
    return s->arrays != 0 ? MB_OK
                          : mb_fail_at(ctx, request->document, mb_detector_node(request, "arrays"),
                                "data.arrays: is empty; name an array, such as frames");
}

static mb_status check_files(
    mb_context *ctx, const mb_detector_request *request, const mb_ecal_settings *s) {
    if (s->file.n > 0) {
        return MB_OK;
    }
    if (s->photons.n == 0 || s->electrons.n == 0) {
        const char *key = s->photons.n == 0 ? "photons" : "electrons";
        return mb_fail_at(ctx, request->document, mb_detector_node(request, key),
            "data.%s: is an empty list; name a file", key);
    }
    return MB_OK;
}

// source, dir, split and rows are the study's own.
static const char *const common_keys[] = {"source", "dir", "split", "rows", NULL};

mb_status mb_ecal_settings_read(
    mb_context *ctx, const mb_detector_request *request, mb_ecal_settings *out) {
    MB_TRY(mb_options_parse(
        ctx, request->document, mb_ecal_data_options, request->data, "data", common_keys, out));
    out->last_frame = mb_compat_has(request->compat, "last_frame");
    out->early_hits = mb_compat_has(request->compat, "early_hits");
    out->literal_edges = mb_compat_has(request->compat, "edges");
    out->own_scale = mb_compat_has(request->compat, "scale");
    out->fits_all = mb_compat_has(request->compat, "scaler");
    out->keeps_nan = mb_compat_has(request->compat, "nan") && !out->remove_empty;
    out->arrays = 0;
    out->first = (MB_ECAL_SIDE - out->crop) / 2;
    out->side = MB_ECAL_SIDE - 2 * out->first;
    MB_TRY(check_files(ctx, request, out));
    MB_TRY(read_arrays(ctx, request, out));
    return make_film(ctx, request, out);
}
