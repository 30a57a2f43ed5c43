// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "command.h"

static mb_status run(mb_session *session) {
    mb_run_settings settings =
        session_settings(session, option_text(session, "output", "minbias-tour"));
    mb_answer *answer = NULL;
    const mb_status status = mb_tour(session->ctx, &settings, &answer);
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    return status;
}

static const option options[] = {
    {"output", 'o', OPTION_TEXT, "DIR",
        "folder for everything the tour writes (default minbias-tour)"},
    {NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {{NULL, false, false, NULL}};

const mb_command command_tour = {.name = "tour",
    .summary = "all studies at a small size on toy events, one report",
    .details = "Simulates toy events, runs every shipped study on them at a small size, and "
               "names the HTML report at the end. Takes minutes.",
    .options = options,
    .operands = operands,
    .example = "minbias tour -o tour",
    .run = run};
