// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "command.h"

static mb_status run(mb_session *session) {
    mb_answer *answer = NULL;
    const mb_status status =
        mb_run_report(session->ctx, session->arguments.operands, session->arguments.n_operands,
            option_text(session, "output", NULL), session->is_forced, &answer);
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    return status;
}

static const option options[] = {
    {"output", 'o', OPTION_TEXT, "FILE.html",
        "the page (default: report.html in the first run; of several runs comparison.html)"},
    {NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {
    {"RUN", true, false,
        "folders of runs, or one of a scan, or the table of one (.csv), or a SavedModel folder"},
    {NULL, false, false, NULL}};

const mb_command command_report = {.name = "report",
    .summary = "an HTML page of a run, or of several overlaid",
    .details = "Writes one self-contained page with the figures of a run. Of several runs the "
               "curves are overlaid, and the difference of their areas under the ROC curve is "
               "given with its error. Of a scan (its folder, or its table alone) the page has the "
               "trials, what each parameter changes, and the best trial. Of a SavedModel folder "
               "of Keras it has the history.pkl of the training and the layers.",
    .options = options,
    .operands = operands,
    .example = "minbias report run1 run2 -o both.html",
    .run = run};
