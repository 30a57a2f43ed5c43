// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tools.h"

#include <stdlib.h>

static mb_status read_eta(mb_session *session, double *eta) {
    const char *text = option_text(session, "eta", NULL);
    char *end = NULL;
    if (text == NULL) {
        return MB_OK;
    }
    *eta = strtod(text, &end);
    if (end == text || *end != '\0') {
        return usage_fail(session, "elinks emulate: --eta '%s' is no number", text);
    }
    return MB_OK;
}

static mb_status run(mb_session *session) {
    const char *output = option_text(session, "output", NULL);
    mb_elinks_emulation settings = MB_ELINKS_EMULATION_INIT;
    if (output == NULL) {
        return usage_fail(session, "elinks emulate: -o DIR is missing; name the folder to fill");
    }
    if (option_is_given(session, "eta") && option_is_given(session, "calibration")) {
        return usage_fail(
            session, "elinks emulate: --eta and --calibration say the same; leave one out");
    }
    mb_status status = read_eta(session, &settings.eta);
    if (status != MB_OK) {
        return status;
    }
    settings.format = elinks_format(session);
    settings.calibration = option_count(session, "calibration", settings.calibration);
    settings.threshold = option_count(session, "threshold", settings.threshold);
    settings.is_rest = option_is_given(session, "sum-rest");
    settings.is_first = option_is_given(session, "tie-first");
    settings.is_framed = option_is_given(session, "framed");
    settings.encoder = option_text(session, "encoder", NULL);
    if (settings.encoder != NULL) {
        settings.encoder = session_model_path(session, settings.encoder);
        if (settings.encoder == NULL) {
            return MB_ERR_IO;
        }
    }
    settings.weights = option_text(session, "chip-weights", settings.weights);
    settings.is_saturating = option_is_given(session, "saturate");
    settings.commands = option_text(session, "commands", NULL);
    mb_answer *answer = NULL;
    status = mb_elinks_emulate(session->ctx, session->arguments.operands[0], &settings, output,
        session->is_forced, &answer);
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    return status;
}

static const option options[] = {{"output", 'o', OPTION_NEEDED_TEXT, "DIR",
                                     "folder for ports.csv, mux.csv, calq.csv, algorithm.csv, "
                                     "formatter.csv, buffer.csv, links.csv"},
    ELINKS_FORMAT_OPTIONS,
    {"calibration", 0, OPTION_COUNT, "N",
        "charge = value N / 2048, cut off (default 2048; 12 bits)"},
    {"eta", 0, OPTION_TEXT, "ETA", "of the module: calibration 2048 / cosh(ETA)"},
    {"threshold", 0, OPTION_COUNT, "N", "least charge that threshold sends (default 47)"},
    {"sum-rest", 0, OPTION_FLAG, NULL, "module sums are of the cells that are not sent"},
    {"tie-first", 0, OPTION_FLAG, NULL,
        "of equal cells of a group the first is named, else the last"},
    {"framed", 0, OPTION_FLAG, NULL, "input words of 32 bits, a header of 9 or 10 in the first 4"},
    {"encoder", 0, OPTION_TEXT, "MODEL",
        "the autoencoder's network: a model, or words of elinks weights (.txt)"},
    {"chip-weights", 0, OPTION_TEXT, "FORMAT",
        "of the chip's weights, integer and fraction bits: 2.4 (default) or 1.5"},
    {"saturate", 0, OPTION_FLAG, NULL, "clip weights beyond that, and count them"},
    {"commands", 0, OPTION_TEXT, "FILE", "fast commands: orbit bucket COMMAND [arguments]"},
    {NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {
    {"FILE", false, false,
        "ePortRxDataGroup_0 .. _11, words of 28 bits; or CALQ_0 .. CALQ_47, charges"},
    {NULL, false, false, NULL}};

const mb_command elinks_emulate = {.name = "elinks emulate",
    .summary = "the chip, block by block and bit by bit",
    .details =
        "Ports, multiplexer, calibration, algorithm, formatter, buffer and links, a row a "
        "crossing. --algorithm none stops behind the calibration: training data.\n\n"
        "Commands: BCR, LINKRESETROCT, LINKRESETECONT, LINKRESET, OFFSET port bits, FIXEDPATTERN "
        "crossings word. A link reset of the readout chips makes charges 0 for 256 crossings, one "
        "of this chip sends sync words as long.",
    .options = options,
    .operands = operands,
    .example = "minbias elinks emulate ports.csv --mapping LDM_TC_Mapping.csv -a threshold -n 3 -o "
               "chip",
    .run = run};
