// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "command.h"

static mb_status run(mb_session *session) {
    const char *directory = option_text(session, "output", NULL);
    if (directory == NULL) {
        return usage_fail(session, "run: -o RUN is missing; name the folder of the run");
    }
    mb_study *study = NULL;
    mb_answer *answer = NULL;
    mb_status status = session_open_study(session, &study);
    if (status == MB_OK) {
        mb_run_settings settings = session_settings(session, directory);
        settings.initial_model = option_text(session, "init", NULL);
        settings.is_resumed = option_is_given(session, "resume");
        status = mb_study_run(session->ctx, study, &settings, &answer);
    }
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    mb_study_destroy(study);
    return status;
}

static const option options[] = {{"output", 'o', OPTION_TEXT, "RUN", output_help},
    {"set", 0, OPTION_LIST, "KEY=VALUE", set_help},
    {"init", 0, OPTION_TEXT, "MODEL", "model file whose weights the training starts from"},
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
