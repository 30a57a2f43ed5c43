// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tools.h"

static mb_status run(mb_session *session) {
    const char *output = option_text(session, "output", NULL);
    if (output == NULL) {
        return usage_fail(
            session, "calo firmware-export: -o DIR is missing; name the folder of the lists");
    }
    mb_calo_export settings = MB_CALO_EXPORT_INIT;
    settings.check = option_text(session, "check", NULL);
    settings.input = option_text(session, "input", NULL);
    const char *model = session_model_path(session, session->arguments.operands[0]);
    if (model == NULL) {
        return MB_ERR_IO;
    }
    mb_answer *answer = NULL;
    const mb_status status = mb_calo_firmware_export(
        session->ctx, model, &settings, output, session->is_forced, &answer);
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    return status;
}

static const option options[] = {
    {"output", 'o', OPTION_NEEDED_TEXT, "DIR", "folder for types.yaml and the weight lists"},
    {"check", 0, OPTION_TEXT, "FILE",
        "region file: compare float and fixed point there (check.csv, layers.csv, index.html)"},
    {"input", 0, OPTION_TEXT, "TYPE", "fixed-point type of the regions (default <10,10>u)"},
    {NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {
    {"MODEL", false, false,
        "a quantised model: .h5, .keras, .json, a SavedModel or a run's folder"},
    {NULL, false, false, NULL}};

const mb_command calo_firmware_export = {.name = "calo firmware-export",
    .summary = "a quantised model as weight lists and fixed-point types",
    .details = "Writes each layer's weights as a list and all types as types.yaml, which `calo "
               "firmware-check` and studies read, and reads them back: the scores must be the "
               "same bit for bit. With --check, scores of the model in float against those in "
               "fixed point: scatter, histogram, largest error.",
    .options = options,
    .operands = operands,
    .example = "minbias calo firmware-export run/fits/cicada_v2 -o firmware --check ZeroBias.h5",
    .run = run};
