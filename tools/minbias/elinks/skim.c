// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tools.h"

static mb_status run(mb_session *session) {
    const char *output = option_text(session, "output", NULL);
    if (output == NULL) {
        return usage_fail(session,
            "elinks skim: -o OUT is missing; name a file for a file, a folder for a folder");
    }
    mb_answer *answer = NULL;
    const mb_status status = mb_elinks_skim(
        session->ctx, session->arguments.operands[0], output, session->is_forced, &answer);
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    return status;
}

static const option options[] = {
    {"output", 'o', OPTION_NEEDED_TEXT, "OUT", "a .csv, or a folder where INPUT is one"},
    {NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {
    {"INPUT", false, false, "a table, or a folder: its .csv and .csv.gz, also in folders below"},
    {NULL, false, false, NULL}};

const mb_command elinks_skim = {.name = "elinks skim",
    .summary = "rows of whole modules with simulated energy",
    .details = "Keeps rows with SimEnergyTotal above 0 and ModType FI, FM or FO, as they are.",
    .options = options,
    .operands = operands,
    .example = "minbias elinks skim split -o skimmed",
    .run = run};
