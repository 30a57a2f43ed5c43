// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "command.h"

#include "minbias/inspect.h"
#include "minbias/model.h"
#include <unistd.h>

static mb_status convert_history(mb_session *session, const char *from, const char *to) {
    mb_answer *answer = NULL;
    const mb_status status =
        mb_history_convert(session->ctx, from, to, session->is_forced, &answer);
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    return status;
}

static mb_status run(mb_session *session) {
    const char *from = session->arguments.operands[0];
    const char *to = session->arguments.operands[1];
    if (mb_history_is_path(from) || mb_history_is_path(to)) {
        return convert_history(session, from, to);
    }
    if (!session->is_forced && access(to, F_OK) == 0) {
        fprintf(stderr, "minbias: %s: exists already; choose another name or use --force\n", to);
        return MB_ERR_IO;
    }
    const char *path = session_model_path(session, from);
    if (path == NULL) {
        return MB_ERR_IO;
    }
    mb_model *model = NULL;
    mb_status status = mb_model_load(session->ctx, path, &model);
    if (status == MB_OK) {
        status = mb_model_save(session->ctx, model, to);
    }
    if (status == MB_OK && session->wants_json) {
        printf("{\"parameters\": %zu}\n", mb_model_n_parameters(model));
    } else if (status == MB_OK) {
        printf("%s: %zu parameters\n", to, mb_model_n_parameters(model));
    }
    mb_model_destroy(model);
    return status;
}

static const option options[] = {{NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {
    {"MODEL", false, false, "a model file, a SavedModel folder, or a history"},
    {"OUT", false, false,
        "the file to write; its suffix says the format: .h5, .keras, .json, .pb, .pb.ascii; .pkl, "
        ".csv"},
    {NULL, false, false, NULL}};

const mb_command command_convert = {.name = "convert",
    .summary = "a model from one file format into another",
    .details = "Reads a model of any kind and writes it as the suffix of OUT says; .pb is a frozen "
               "graph of TensorFlow, .pb.ascii the same as text. The history.csv "
               "of a run becomes the history.pkl that Keras users keep, and the other way round.",
    .options = options,
    .operands = operands,
    .example = "minbias convert run/model.h5 model.keras",
    .run = run};
