// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "command.h"

static mb_status run(mb_session *session) {
    const char *path = option_text(session, "output", NULL);
    if (path == NULL) {
        return usage_fail(
            session, "prepare: -o FILE.h5 is missing; name the file, or a folder as DIR/");
    }
    mb_study *study = NULL;
    mb_answer *answer = NULL;
    mb_status status = session_open_study(session, &study);
    if (status == MB_OK) {
        const mb_run_settings settings = session_settings(session, NULL);
        status = mb_study_prepare(session->ctx, study, path, &settings, &answer);
    }
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    mb_study_destroy(study);
    return status;
}

static const option options[] = {
    {"output", 'o', OPTION_NEEDED_TEXT, "FILE.h5", "the file, or a folder of .npy files as DIR/"},
    {"set", 0, OPTION_LIST, "KEY=VALUE", set_help}, {NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {
    {"STUDY", false, false, "the study file"}, {NULL, false, false, NULL}};

const mb_command command_prepare = {.name = "prepare",
    .summary = "only the data part of a study, into a file",
    .details = "Writes inputs, target, event numbers and split of all events: HDF5 with one "
               "event a chunk, or with -o DIR/ the .npy files train_*, test_*, event and split. "
               "Needs only the keys study, seed and data.",
    .options = options,
    .operands = operands,
    .example = "minbias prepare barrel-trigger.yaml -o barrel.h5",
    .run = run};
