// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "command.h"

static mb_status run(mb_session *session) {
    mb_answer *answer = NULL;
    const mb_run_settings settings = session_settings(session, NULL);
    const mb_status status =
        mb_run_evaluate(session->ctx, session->arguments.operands[0], &settings, &answer);
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    return status;
}

static const option options[] = {{NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {
    {"RUN", false, false, "folder of a run"}, {NULL, false, false, NULL}};

const mb_command command_evaluate = {.name = "evaluate",
    .summary = "the figures of a run again",
    .details = "Reads the data of the run once more, scores it with the stored model and writes "
               "scores, predictions, metrics, threshold and plots again. These files are made "
               "from the others of the run, so they are replaced without --force.",
    .options = options,
    .operands = operands,
    .example = "minbias evaluate run",
    .run = run};
