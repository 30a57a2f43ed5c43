// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "command.h"

#include "minbias/inspect.h"

static mb_status predict_arrays(mb_session *session, const char *output, mb_answer **answer) {
    if (session->arguments.n_operands != 2) {
        return usage_fail(session,
            "predict: a model file takes one INPUT file; write predict MODEL INPUT -o OUTPUT");
    }
    if (option_is_given(session, "accept")) {
        return usage_fail(session,
            "predict: --accept needs the stored thresholds of a run; write predict RUN FILES...");
    }
    mb_model *model = NULL;
    mb_status status = mb_model_load(session->ctx, session->arguments.operands[0], &model);
    if (status == MB_OK) {
        status = mb_model_predict_file(session->ctx, model, session->arguments.operands[1], output,
            session->is_forced, answer);
    }
    mb_model_destroy(model);
    return status;
}

static mb_status run(mb_session *session) {
    const char *output = option_text(session, "output", NULL);
    if (output == NULL) {
        return usage_fail(session, "predict: -o OUTPUT is missing; name the file of the scores");
    }
    if (session->arguments.n_operands < 2) {
        return usage_fail(
            session, "predict: the input is missing; name files behind the model or run");
    }
    mb_answer *answer = NULL;
    const bool is_run = mb_run_is_directory(session->arguments.operands[0]);
    const mb_status status =
        is_run ? mb_run_predict(session->ctx, session->arguments.operands[0],
                     session->arguments.operands + 1, session->arguments.n_operands - 1,
                     option_text(session, "accept", NULL), output, session->is_forced, &answer)
               : predict_arrays(session, output, &answer);
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    return status;
}

static const option options[] = {
    {"output", 'o', OPTION_NEEDED_TEXT, "FILE",
        "the scores: .npy, .npz or .h5 for a model, .csv for a run (.npz too on modules, all of "
        "them on arrays)"},
    {"accept", 0, OPTION_TEXT, "RATE",
        "decide too: the rate (5kHz) or background fraction (0.01) of a stored threshold"},
    {NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {
    {"MODEL", false, false, "a model file, a SavedModel folder, or the folder of a run"},
    {"INPUT", true, false,
        "arrays (.npy, .npz, .h5) for a model, raw detector files or a prepared .h5 for a run"},
    {NULL, false, false, NULL}};

const mb_command command_predict = {.name = "predict",
    .summary = "scores of arrays, or of raw detector files",
    .details =
        "With a model file: runs it over arrays, one per input name, and writes arrays "
        "named after the output layers. With the folder of a run: reads raw detector "
        "files, which need no truth, and writes one score per event; of hits their clusters, "
        "of modules the encoder's outputs and the restored charges; of a file that prepare wrote "
        "what the run's model.h5 gives, as arrays. A run on arrays takes a file of such arrays. A "
        "run of several fits writes a column for each; "
        "each has such a folder of its own below fits/.",
    .options = options,
    .operands = operands,
    .example = "minbias predict run data/clusters_1.csv -o scores.csv --accept 0.01",
    .run = run};
