// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tools.h"

static mb_status run(mb_session *session) {
    const char *output = option_text(session, "output", NULL);
    if (output == NULL) {
        return usage_fail(
            session, "calo rate-curve: -o DIR is missing; name the folder of the curves");
    }
    mb_answer *answer = NULL;
    const mb_status status =
        mb_calo_rate_curve(session->ctx, session->arguments.operands, session->arguments.n_operands,
            option_text(session, "input-rate", "28.61MHz"), output, session->is_forced, &answer);
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    return status;
}

static const option options[] = {
    {"output", 'o', OPTION_NEEDED_TEXT, "DIR", "folder for rate_curve.csv, ratio.csv and plots/"},
    {"input-rate", 0, OPTION_TEXT, "RATE", "rate of all events (default 28.61MHz)"},
    {NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {
    {"SCORES", true, false,
        "background scores: .npy, .npz, .h5 (a member as FILE:NAME) or .csv (a column likewise)"},
    {NULL, false, false, NULL}};

const mb_command calo_rate_curve = {.name = "calo rate-curve",
    .summary = "trigger rate against threshold, with the ratio to the first score",
    .details = "Of n sorted scores the fraction above score i is 1 - i / (n - 1); the rate is that "
               "fraction of the input rate. Ratios are taken at 100 common thresholds.",
    .options = options,
    .operands = operands,
    .example = "minbias calo rate-curve v1.npy v2.npy -o rates",
    .run = run};
