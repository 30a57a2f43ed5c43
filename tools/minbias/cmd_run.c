// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "command.h"

static mb_status run(mb_session *session) {
    return session_run_study(session, false);
}

static const option options[] = {{"output", 'o', OPTION_NEEDED_TEXT, "RUN", output_help},
    {"set", 0, OPTION_LIST, "KEY=VALUE", set_help},
    {"init", 0, OPTION_TEXT, "MODEL",
        "model file, or folder of a run, whose weights the training starts from"},
    {"resume", 0, OPTION_FLAG, NULL, "go on from the checkpoint of a run that was stopped"},
    {NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {
    {"STUDY", false, false, "the study file"}, {NULL, false, false, NULL}};

const mb_command command_run = {.name = "run",
    .summary = "data, fits, evaluation and report of a study",
    .details = "Does everything a study says: reads the data (or simulates it, where the study "
               "allows that and the files are absent), trains, evaluates and writes report.html "
               "into the folder of the run.",
    .options = options,
    .operands = operands,
    .example = "minbias run barrel-trigger.yaml -o run --set train.epochs=3",
    .run = run};
