// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tools.h"

static mb_status run(mb_session *session) {
    mb_answer *answer = NULL;
    const mb_status status = mb_elinks_verify(
        session->ctx, session->arguments.operands[0], session->arguments.operands[1], &answer);
    if (answer != NULL) {
        session_answer(session, answer);
    }
    return status;
}

static const option options[] = {{NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {{"DIR", false, false, "folder of elinks emulate"},
    {"OTHER", false, false, "another one"}, {NULL, false, false, NULL}};

const mb_command elinks_verify = {.name = "elinks verify",
    .summary = "two emulations block by block, the first difference by row and bit",
    .details = "Exits with 1 when a block differs.",
    .options = options,
    .operands = operands,
    .example = "minbias elinks verify chip reference",
    .run = run};
