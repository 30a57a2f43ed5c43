// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "command.h"

static mb_status run(mb_session *session) {
    return session_run_study(session, true);
}

static const option options[] = {{"output", 'o', OPTION_NEEDED_TEXT, "RUN", output_help},
    {"set", 0, OPTION_LIST, "KEY=VALUE", set_help},
    {"init", 0, OPTION_TEXT, "MODEL",
        "model file, or folder of a run, whose weights the training starts from"},
    {"resume", 0, OPTION_FLAG, NULL, "go on from the checkpoint of a run that was stopped"},
    {NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {
    {"STUDY", false, false, "the study file"}, {NULL, false, false, NULL}};

const mb_command command_train = {.name = "train",
    .summary = "only the training of a study",
    .details = "Reads the data and trains. With --init all weights of a model file are taken, by "
               "layer and weight name, with a fresh optimiser. A training that was stopped goes "
               "on with --resume and ends with the same bits.",
    .options = options,
    .operands = operands,
    .example = "minbias train barrel-trigger.yaml -o run --init run0/model.h5",
    .run = run};
