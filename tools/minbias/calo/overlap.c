// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tools.h"

static mb_status run(mb_session *session) {
    const char *const *operands = session->arguments.operands;
    mb_answer *answer = NULL;
    const mb_status status = mb_calo_overlap(session->ctx, operands[0], operands[1],
        session->arguments.n_operands > 2 ? operands[2] : NULL,
        option_text(session, "input-rate", "28.61MHz"), option_text(session, "at", "3kHz"),
        option_text(session, "output", NULL), session->is_forced, &answer);
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    return status;
}

static const option options[] = {{"output", 'o', OPTION_TEXT, "FILE", "the table too, as .csv"},
    {"at", 0, OPTION_TEXT, "RATE", "rate of both triggers, or one each: 3kHz,5kHz (default 3kHz)"},
    {"input-rate", 0, OPTION_TEXT, "RATE",
        "rate of the events that the labels call 0 (default 28.61MHz)"},
    {NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {
    {"A", false, false,
        "scores of a trigger: .npy, .npz, .h5 (a member as FILE:NAME) or .csv (a column likewise)"},
    {"B", false, false, "scores of another for the same events, in the same order"},
    {"LABELS", false, true, "0 or 1 for each event; without them all are background"},
    {NULL, false, false, NULL}};

const mb_command calo_overlap = {.name = "calo overlap",
    .summary = "rates that two triggers share, and the pure rate of each",
    .details = "Each trigger accepts events at or above the lowest existing score whose rate is at "
               "most the given one. Shown are the events that the first, the second, both, only "
               "one, or either accepts.",
    .options = options,
    .operands = operands,
    .example = "minbias calo overlap v1.npy v2.npy labels.npy --at 3kHz",
    .run = run};
