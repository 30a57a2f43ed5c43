// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tools.h"

static mb_status run(mb_session *session) {
    const char *output = option_text(session, "output", NULL);
    if (output == NULL) {
        return usage_fail(
            session, "calo phi-roll: -o DIR is missing; name the folder of the curve");
    }
    mb_answer *answer = NULL;
    const char *const *operands = session->arguments.operands;
    const char *model = session_model_path(session, operands[0]);
    if (model == NULL) {
        return MB_ERR_IO;
    }
    const mb_status status = mb_calo_phi_roll(session->ctx, model, operands[1],
        (size_t)option_count(session, "events", 1000), output, session->is_forced, &answer);
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    return status;
}

static const option options[] = {
    {"output", 'o', OPTION_NEEDED_TEXT, "DIR", "folder for index.html, phi_roll.csv, plots/"},
    {"events", 0, OPTION_COUNT, "N", "events of the file (default 1000, 0: all)"},
    {NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {
    {"MODEL", false, false, "an autoencoder, or a model that gives a score"},
    {"FILE", false, false, "region file: .h5, .npy or text"}, {NULL, false, false, NULL}};

const mb_command calo_phi_roll = {.name = "calo phi-roll",
    .summary = "how the score changes when events are turned in phi",
    .details = "Turns the events by 0 to 18 regions and gives the relative change of the score (of "
               "an autoencoder: the mean square error), mean and half a standard deviation over "
               "the events whose own score is above 0.",
    .options = options,
    .operands = operands,
    .example = "minbias calo phi-roll run/fits/teacher ZeroBias.h5 -o roll",
    .run = run};
