// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "command.h"

#include "minbias/inspect.h"

static mb_status run(mb_session *session) {
    mb_answer *answer = NULL;
    const char *path = session_model_path(session, session->arguments.operands[0]);
    if (path == NULL) {
        return MB_ERR_IO;
    }
    const mb_status status = mb_inspect(session->ctx, path, &answer);
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    return status;
}

static const option options[] = {{NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {
    {"FILE", false, false,
        "arrays (.npy, .npz, .h5), a model, a run, a study, a table, or a raw detector file"},
    {NULL, false, false, NULL}};

const mb_command command_inspect = {.name = "inspect",
    .summary = "what is in a file: names, shapes, types, range, balance",
    .details = "Lists the arrays of a file with their shapes, types, ranges and numbers that are "
               "not finite, the balance of labels, or the events of a raw detector file.",
    .options = options,
    .operands = operands,
    .example = "minbias inspect barrel.h5",
    .run = run};
