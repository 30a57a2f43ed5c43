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
    const mb_status status = mb_model_file_summary(session->ctx, path, &answer);
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    return status;
}

static const option options[] = {{NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {
    {"MODEL", false, false,
        "a model (.h5, .keras, .json, a SavedModel folder), or the folder of a run"},
    {NULL, false, false, NULL}};

const mb_command command_summary = {.name = "summary",
    .summary = "the layers of a model as Keras prints them, FLOPs, bytes",
    .details = "Prints the layer table in the form of Keras 2, the numbers of parameters, "
               "floating-point operations and bytes, and what opens the file elsewhere. "
               "Of a SavedModel folder with a history.pkl it adds the epochs of the training.",
    .options = options,
    .operands = operands,
    .example = "minbias summary run/model.h5",
    .run = run};
