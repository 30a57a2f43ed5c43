// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tools.h"

#include <string.h>

static mb_status run(mb_session *session) {
    const char *output = option_text(session, "output", NULL);
    const char *axis = option_text(session, "axis", "phi");
    if (output == NULL) {
        return usage_fail(
            session, "calo equivariance: -o DIR is missing; name the folder of the comparison");
    }
    if (strcmp(axis, "phi") != 0 && strcmp(axis, "eta") != 0) {
        return usage_fail(
            session, "calo equivariance: --axis '%.40s' is none; write phi or eta", axis);
    }
    mb_answer *answer = NULL;
    const char *const *operands = session->arguments.operands;
    const char *model = session_model_path(session, operands[0]);
    if (model == NULL) {
        return MB_ERR_IO;
    }
    const mb_status status = mb_calo_equivariance(session->ctx, model, operands[1],
        (size_t)option_count(session, "events", 1000), strcmp(axis, "eta") == 0, output,
        session->is_forced, &answer);
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    return status;
}

static const option options[] = {
    {"output", 'o', OPTION_NEEDED_TEXT, "DIR", "folder for index.html, equivariance.csv, plots/"},
    {"events", 0, OPTION_COUNT, "N", "events of the file (default 1000, 0: all)"},
    {"axis", 0, OPTION_TEXT, "NAME", "axis along which images are mirrored: phi (default) or eta"},
    {NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {
    {"MODEL", false, false, "an autoencoder: .h5, .keras, .json, a SavedModel or a run's folder"},
    {"FILE", false, false, "region file: .h5, .npy or text"}, {NULL, false, false, NULL}};

const mb_command calo_equivariance = {.name = "calo equivariance",
    .summary = "whether an autoencoder treats mirror images alike",
    .details = "Of each event x and its reconstruction f(x): the mean square error of mirror(f(x)) "
               "against f(x), of f(mirror(x)) against f(x), and between the two, which is 0 where "
               "mirror images are treated alike.",
    .options = options,
    .operands = operands,
    .example = "minbias calo equivariance run/fits/teacher ZeroBias.h5 -o mirror",
    .run = run};
