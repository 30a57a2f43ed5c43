// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tools.h"

static mb_status run(mb_session *session) {
    mb_answer *answer = NULL;
    const mb_status status = mb_econt_telescope(session->ctx, session->arguments.operands[0],
        session->arguments.operands[1], option_text(session, "output", NULL), session->is_forced,
        &answer);
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    return status;
}

static const option options[] = {
    {"output", 'o', OPTION_TEXT, "FILE", "the metric of each row: .csv, .npy, .npz or .h5"},
    {NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {
    {"TRUTH", false, false, "rows of 48 charges: .csv without header, .npy, .npz or .h5"},
    {"PREDICTION", false, false, "as many rows"}, {NULL, false, false, NULL}};

const mb_command econt_telescope = {.name = "econt telescope",
    .summary = "the telescope metric of two tables of charges",
    .details = "4 times the mean over cells, twice the weighted mean over sums of four, and the "
               "mean over thirds of (a - b)^2 max(a, b); the numbers as they are given.",
    .options = options,
    .operands = operands,
    .example = "minbias econt telescope verify_input_calQ.csv verify_decoded_calQ.csv",
    .run = run};
