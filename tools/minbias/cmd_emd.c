// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "command.h"

#include "minbias/emd.h"

static mb_status run(mb_session *session) {
    mb_answer *answer = NULL;
    const mb_status status = mb_emd_of_files(session->ctx, session->arguments.operands[0],
        session->arguments.operands[1], option_text(session, "metric", "hex48"),
        option_text(session, "threshold", "0"), option_text(session, "output", NULL),
        session->is_forced, &answer);
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    return status;
}

static const option options[] = {
    {"output", 'o', OPTION_TEXT, "FILE", "the distances: .npy, .npz, .h5 or .csv"},
    {"metric", 0, OPTION_TEXT, "NAME",
        "distance between cells; hex48, the trigger cells of a hexagonal module (default)"},
    {"threshold", 0, OPTION_TEXT, "SHARE",
        "charges below this share of their row's sum count as 0 (default 0)"},
    {NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {
    {"A", false, false, "rows of charges: .npy, .npz, .h5 (a member as FILE:NAME) or .csv"},
    {"B", false, false, "as many rows, likewise"}, {NULL, false, false, NULL}};

const mb_command command_emd = {.name = "emd",
    .summary = "exact earth mover's distance between rows of charges",
    .details = "Brings each row to unit sum and finds the least total of charge times way that "
               "turns the row of A into the row of B. A row is -1 where A is empty, else -0.5 "
               "where B is; the mean leaves these out. A table's charges are its 48 columns, or "
               "those that its header calls CALQ_0 to CALQ_47.",
    .options = options,
    .operands = operands,
    .example = "minbias emd charges.npy decoded.npy -o distances.npy",
    .run = run};
