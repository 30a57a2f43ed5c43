// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tools.h"

static mb_status run(mb_session *session) {
    const char *output = option_text(session, "output", NULL);
    if (output == NULL) {
        return usage_fail(session, "calo profile: -o DIR is missing; name the folder of the page");
    }
    mb_answer *answer = NULL;
    const mb_status status = mb_calo_profile(session->ctx, session->arguments.operands,
        session->arguments.n_operands, output, session->is_forced, &answer);
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    return status;
}

static const option options[] = {
    {"output", 'o', OPTION_NEEDED_TEXT, "DIR", "folder for index.html, profile.csv and plots/"},
    {NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {
    {"FILE", true, false, "region files: .h5, .npy, or tables of 252 numbers a line"},
    {NULL, false, false, NULL}};

const mb_command calo_profile = {.name = "calo profile",
    .summary = "mean images, spectra of ET, eta and phi, sums of samples",
    .details = "One page over all files: mean image of each, ET spectrum, ET-weighted eta and phi, "
               "number of events, share of regions without energy, and what 5, 50 and 95 % of the "
               "events have as sum and as largest region. Only accepted events count.",
    .options = options,
    .operands = operands,
    .example = "minbias calo profile ZeroBias.h5 TTBar.h5 SUEP.h5 -o profile",
    .run = run};
