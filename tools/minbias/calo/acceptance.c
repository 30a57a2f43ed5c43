// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tools.h"

static mb_status run(mb_session *session) {
    mb_answer *answer = NULL;
    const mb_status status =
        mb_calo_acceptance(session->ctx, session->arguments.operands, session->arguments.n_operands,
            option_text(session, "output", NULL), session->is_forced, &answer);
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    return status;
}

static const option options[] = {{"output", 'o', OPTION_TEXT, "FILE", "the table too: .md or .csv"},
    {NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {
    {"FILE", true, false, "region files"}, {NULL, false, false, NULL}};

const mb_command calo_acceptance = {.name = "calo acceptance",
    .summary = "accepted and all events of samples, as a Markdown table",
    .details = "Counts the acceptance flags of region files. A file without flags has all its "
               "events accepted.",
    .options = options,
    .operands = operands,
    .example = "minbias calo acceptance ZeroBias.h5 TTBar.h5 -o acceptance.md",
    .run = run};
