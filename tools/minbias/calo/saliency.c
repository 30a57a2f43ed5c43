// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tools.h"

static mb_status run(mb_session *session) {
    const char *output = option_text(session, "output", NULL);
    if (output == NULL) {
        return usage_fail(
            session, "calo saliency: -o DIR is missing; name the folder of the picture");
    }
    mb_answer *answer = NULL;
    const char *const *operands = session->arguments.operands;
    const char *model = session_model_path(session, operands[0]);
    if (model == NULL) {
        return MB_ERR_IO;
    }
    const mb_status status = mb_calo_saliency(session->ctx, model, operands[1],
        (size_t)option_count(session, "event", 0), output, session->is_forced, &answer);
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    return status;
}

static const option options[] = {
    {"output", 'o', OPTION_NEEDED_TEXT, "DIR", "folder for index.html, saliency.csv, plots/"},
    {"event", 0, OPTION_COUNT, "N", "number of the event in the file (default 0)"},
    {NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {
    {"MODEL", false, false, "an autoencoder, or a model that gives a score"},
    {"REGIONS", false, false,
        "18 lines of 14 numbers, or any region file: .csv, .npy, .h5 (see --event)"},
    {NULL, false, false, NULL}};

const mb_command calo_saliency = {.name = "calo saliency",
    .summary = "the score of an event, and which regions move it",
    .details = "The saliency of a region is the size of the score's gradient by its ET, brought "
               "from least .. largest to 0 .. 1. Dropout is off, normalisations use their moving "
               "averages, and quantisers pass gradients straight on.",
    .options = options,
    .operands = operands,
    .example = "minbias calo saliency run/fits/cicada_v2 event.csv -o saliency",
    .run = run};
