// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tools.h"

static mb_status run(mb_session *session) {
    const char *output = option_text(session, "output", NULL);
    if (output == NULL) {
        return usage_fail(
            session, "calo roc-folds: -o DIR is missing; name the folder of the curves");
    }
    const mb_calo_folds settings = {.n_folds = (size_t)option_count(session, "folds", 10),
        .is_stratified = option_is_given(session, "stratified"),
        .seed = session->seed != NULL ? *session->seed : 42};
    mb_answer *answer = NULL;
    const mb_status status = mb_calo_roc_folds(session->ctx, session->arguments.operands[0],
        session->arguments.operands[1], &settings, output, session->is_forced, &answer);
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    return status;
}

static const option options[] = {
    {"output", 'o', OPTION_NEEDED_TEXT, "DIR", "folder for roc_folds.csv and plots/"},
    {"folds", 0, OPTION_COUNT, "N", "number of folds (default 10)"},
    {"stratified", 0, OPTION_FLAG, NULL,
        "draw the folds at random (--seed, default 42); else they are consecutive events"},
    {NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {
    {"SCORES", false, false,
        "one score an event: .npy, .npz, .h5 (a member as FILE:NAME) or .csv (a column likewise)"},
    {"LABELS", false, false, "one label an event, 0 or 1, likewise"}, {NULL, false, false, NULL}};

const mb_command calo_roc_folds = {.name = "calo roc-folds",
    .summary = "ROC curves of folds of the events, their mean and spread",
    .details = "Cuts the events of each class into folds, makes the ROC curve of each, puts all on "
               "common false positive rates (the true rate is 0 at 0 and 1 at 1), and gives mean "
               "and standard deviation.",
    .options = options,
    .operands = operands,
    .example = "minbias calo roc-folds scores.csv:score scores.csv:label --folds 3 --stratified -o "
               "folds",
    .run = run};
