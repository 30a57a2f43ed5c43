// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "command.h"

#include "minbias/measure.h"

static mb_status run(mb_session *session) {
    mb_answer *answer = NULL;
    const mb_status status = mb_roc_of_files(session->ctx, session->arguments.operands[0],
        session->arguments.operands[1], option_text(session, "input-rate", "28.61MHz"),
        option_text(session, "at", "5kHz,3kHz,1kHz"), &answer);
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    return status;
}

static const option options[] = {
    {"input-rate", 0, OPTION_TEXT, "RATE",
        "rate of the events that the labels call 0 (default 28.61MHz)"},
    {"at", 0, OPTION_TEXT, "RATES", "rates to give efficiencies at (default 5kHz,3kHz,1kHz)"},
    {NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {{"SCORES", false, false,
                                       "one score an event: .npy, .npz or .h5, a member as "
                                       "FILE:NAME, or a column of a .csv likewise"},
    {"LABELS", false, false, "one label an event, 0 or 1, likewise"}, {NULL, false, false, NULL}};

const mb_command command_roc = {.name = "roc",
    .summary = "area under the ROC curve, efficiencies at fixed rates",
    .details = "An event is accepted when its score is at least the threshold. Efficiencies are "
               "quoted at thresholds that exist, with errors and the number of background events "
               "behind them.",
    .options = options,
    .operands = operands,
    .example = "minbias roc run/scores.npz:score run/scores.npz:label --at 100kHz",
    .run = run};
