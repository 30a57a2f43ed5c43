// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tools.h"

static mb_status run(mb_session *session) {
    mb_answer *answer = NULL;
    const mb_status status = mb_econt_models(session->ctx, &answer);
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    return status;
}

static const option options[] = {{NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {{NULL, false, false, NULL}};

const mb_command econt_models = {.name = "econt models",
    .summary = "the names of the dictionary, with parameters and operations",
    .details = "Names stand under models: of a study, and behind --models. Trained ones that are "
               "part of the program are files by the names shipped:8x8_c8_S2_tele, "
               "shipped:8x8_c8_S2_tele_qK_6bit and shipped:ae_huber.",
    .options = options,
    .operands = operands,
    .example = "minbias econt models",
    .run = run};
