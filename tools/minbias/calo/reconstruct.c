// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tools.h"

static mb_status run(mb_session *session) {
    const char *output = option_text(session, "output", NULL);
    if (output == NULL) {
        return usage_fail(
            session, "calo reconstruct: -o DIR is missing; name the folder of the pictures");
    }
    mb_answer *answer = NULL;
    const char *const *operands = session->arguments.operands;
    const char *model = session_model_path(session, operands[0]);
    if (model == NULL) {
        return MB_ERR_IO;
    }
    const mb_status status = mb_calo_reconstruct(session->ctx, model, operands[1],
        option_text(session, "events", "5"), output, session->is_forced, &answer);
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    return status;
}

static const option options[] = {{"output", 'o', OPTION_NEEDED_TEXT, "DIR",
                                     "folder for index.html, reconstruct.csv, regions.csv, plots/"},
    {"events", 0, OPTION_TEXT, "LIST",
        "event numbers with commas (0,5,7), or how many from the first on (default 5)"},
    {NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {
    {"MODEL", false, false, "an autoencoder: .h5, .keras, .json, a SavedModel or a run's folder"},
    {"FILE", false, false, "region file: .h5, .npy or text"}, {NULL, false, false, NULL}};

const mb_command calo_reconstruct = {.name = "calo reconstruct",
    .summary = "single events as an autoencoder reconstructs them",
    .details = "Draws original, reconstruction and difference of each event, and gives the mean "
               "square error over its 252 regions.",
    .options = options,
    .operands = operands,
    .example = "minbias calo reconstruct run/fits/teacher ZeroBias.h5 --events 0,5,7 -o events",
    .run = run};
