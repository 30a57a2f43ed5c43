// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "command.h"

static mb_status run(mb_session *session) {
    mb_study *study = NULL;
    mb_answer *answer = NULL;
    mb_status status = session_open_study(session, &study);
    if (status == MB_OK) {
        const mb_run_settings settings = session_settings(session, NULL);
        status = mb_study_check(session->ctx, study, &settings, &answer);
    }
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    mb_study_destroy(study);
    return status;
}

static const option options[] = {
    {"set", 0, OPTION_LIST, "KEY=VALUE", set_help}, {NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {
    {"STUDY", false, false, "the study file"}, {NULL, false, false, NULL}};

const mb_command command_check = {.name = "check",
    .summary = "dry run of a study: events, balance, memory, time",
    .details =
        "Reads the study and its data, builds the model and says how many events there "
        "are, how the labels are balanced, how much memory a training takes and how long "
        "about. Nothing is written, but for toy events where the study simulates absent data.",
    .options = options,
    .operands = operands,
    .example = "minbias check barrel-trigger.yaml",
    .run = run};
