// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tools.h"

static mb_status run(mb_session *session) {
    mb_answer *answer = NULL;
    const mb_status status = mb_econt_flops(session->ctx, session->arguments.operands[0], &answer);
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    return status;
}

static const option options[] = {{NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {
    {"MODEL", false, false,
        "a Keras file (.json with weights beside it, .h5, .keras), or a name "
        "that 'minbias econt models' lists"},
    {NULL, false, false, NULL}};

const mb_command econt_flops = {.name = "econt flops",
    .summary = "parameters and operations of a model, layer by layer",
    .details = "A multiplication and an addition are two operations, a bias is one, a maximum over "
               "four is four; activations count nothing.",
    .options = options,
    .operands = operands,
    .example = "minbias econt flops run/8x8_c8_S2_tele/encoder_8x8_c8_S2_tele.json",
    .run = run};
