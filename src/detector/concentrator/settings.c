// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/concentrator/settings.h"

#include "base/numbers.h"

const char *const mb_calq_compat_names[] = {"header_line", "maxval_rows", "rescale_input",
    "stc_typo", "image_order_baselines", "quantize_noop", "emdcnn_raw_sum", "sentinel_mean", NULL};
static const char *const header_names[] = {"auto", "true", "false", NULL};
static const char *const normalise_names[] = {"power2", "max", "sum", NULL};
static const char *const on_bad_names[] = {"error", "drop", "clip", NULL};

#define FIELD(name) offsetof(mb_calq_settings, name)

const mb_option mb_calq_data_options[] = {
    {"files", MB_OPTION_TEXTS, FIELD(files), "nElinks_5", 0, 0, NULL, NULL,
        "charge files: a path, a glob, a folder (all its files, by name) or a list of these"},
    {"elinks", MB_OPTION_SIZE, FIELD(elinks), "5", 1, 64, NULL, NULL,
        "links of the module; paths must hold nElinks_<n> with this number"},
    {"override_input", MB_OPTION_BOOL, FIELD(override_input), "false", 0, 0, NULL, NULL,
        "take files whose path does not tell the number of links"},
    {"header", MB_OPTION_CHOICE, FIELD(header), "auto", 0, 0, header_names, NULL,
        "whether files begin with column names; auto: when the first field is no number"},
    {"rows_per_file", MB_OPTION_SIZE, FIELD(rows_per_file), "500000", 1, 0x1p32, NULL, NULL,
        "rows that are read of each file, at most"},
    {"max_rows", MB_OPTION_INT, FIELD(max_rows), "-1", -1, 0x1p32, NULL, NULL,
        "rows that are read in all, at most; -1: no limit"},
    {"arrange", MB_OPTION_TEXT, FIELD(arrange), "8x8", 0, 0, NULL, NULL,
        "image of the charges: 8x8, 8x8_ae (the files' charges have that order), 4x4x3, 6x6x3, "
        "6x6x3_tp"},
    {"normalise", MB_OPTION_CHOICE, FIELD(normalise), "power2", 0, 0, normalise_names, NULL,
        "divide the charges of a row by the power of two at or below their sum, by the largest or "
        "by their sum"},
    {"double", MB_OPTION_BOOL, FIELD(double_rows), "false", 0, 0, NULL, NULL,
        "add rows in pairs: twice the pileup"},
    {"mask_partials", MB_OPTION_BOOL, FIELD(mask_partials), "false", 0, 0, NULL, NULL,
        "keep whole modules alone: ModType FI, FM, FO"},
    {"mask_energies", MB_OPTION_BOOL, FIELD(mask_energies), "false", 0, 0, NULL, NULL,
        "keep rows with SimEnergyFraction above 0.05"},
    {"occ_reweight", MB_OPTION_BOOL, FIELD(occ_reweight), "false", 0, 0, NULL, NULL,
        "weigh rows against the frequency of their largest charge and of their cells above a MIPT, "
        "in the training rows"},
    {"max_val", MB_OPTION_INT, FIELD(max_val), "-1", -1, 0x1p22, NULL, NULL,
        "charges above it become it, counts; -1: none"},
    {"save_energy", MB_OPTION_BOOL, FIELD(save_energy), "false", 0, 0, NULL, NULL,
        "keep SimEnergyTotal, EventSimEnergy and SimEnergyFraction for the outputs"},
    {"clone_copies", MB_OPTION_SIZE, FIELD(clone_copies), "0", 0, 1000, NULL, NULL,
        "copies, each with its cells exchanged, of rows with clone_low < hit cells <= clone_high"},
    {"clone_low", MB_OPTION_SIZE, FIELD(clone_low), "0", 0, 48, NULL, NULL,
        "hit cells that a row to copy must exceed"},
    {"clone_high", MB_OPTION_SIZE, FIELD(clone_high), "48", 0, 48, NULL, NULL,
        "hit cells that a row to copy has at most"},
    {"on_bad", MB_OPTION_CHOICE, FIELD(on_bad), "error", 0, 0, on_bad_names, NULL,
        "a row that cannot be: stop; leave it out; or force its charges to 0 .. 4194303"},
    MB_OPTIONS_END,
};

// source, dir, split and rows are the study's own.
static const char *const common_keys[] = {"source", "dir", "split", "rows", NULL};

mb_status mb_calq_settings_read(
    mb_context *ctx, const mb_detector_request *request, mb_calq_settings *out) {
    MB_TRY(mb_options_parse(
        ctx, request->document, mb_calq_data_options, request->data, "data", common_keys, out));
    if (out->files.n == 0) {
        return mb_fail_at(ctx, request->document, mb_detector_node(request, "files"),
            "data.files: is an empty list; name a file or a folder");
    }
    if (mb_arrangement_get(ctx, out->arrange, &out->arrangement) != MB_OK) {
        char text[256];
        mb_format(text, sizeof text, "%s", mb_context_error_text(ctx));
        mb_context_clear(ctx);
        return mb_fail_at(
            ctx, request->document, mb_detector_node(request, "arrange"), "data.%s", text);
    }
    MB_TRY(mb_arrangement_check(out->arrangement, ctx));
    if (out->max_val == 0) {
        return mb_fail_at(ctx, request->document, mb_detector_node(request, "max_val"),
            "data.max_val: is 0, which leaves no charge; write counts, or -1 for no limit");
    }
    out->is_ae_order = strcmp(out->arrangement->name, "8x8_ae") == 0;
    out->loses_first_line = mb_compat_has(request->compat, "header_line");
    if (mb_compat_has(request->compat, "rescale_input")) {
        out->normalise = MB_CALQ_POWER2;
    }
    if (mb_compat_has(request->compat, "maxval_rows")) {
        out->max_val = -1;
    }
    // Limits and copies are for the study's own files; of those to predict every row counts.
    if (request->n_files > 0) {
        out->max_rows = -1;
        out->rows_per_file = SIZE_MAX;
        out->clone_copies = 0;
    }
    return MB_OK;
}
