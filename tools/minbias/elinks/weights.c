// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tools.h"

static mb_status run(mb_session *session) {
    const char *output = option_text(session, "output", NULL);
    if (output == NULL) {
        return usage_fail(session, "elinks weights: -o FILE.txt is missing; name the words' file");
    }
    const char *model = session_model_path(session, session->arguments.operands[0]);
    if (model == NULL) {
        return MB_ERR_IO;
    }
    mb_answer *answer = NULL;
    const mb_status status =
        mb_elinks_weights(session->ctx, model, option_text(session, "chip-weights", "2.4"),
            option_is_given(session, "saturate"), output, session->is_forced, &answer);
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    return status;
}

static const option options[] = {{"output", 'o', OPTION_NEEDED_TEXT, "FILE", "a text, .txt"},
    {"chip-weights", 0, OPTION_TEXT, "FORMAT",
        "integer and fraction bits: 2.4 (default), steps of 1/16 as in training, or 1.5"},
    {"saturate", 0, OPTION_FLAG, NULL, "clip weights beyond that, and count them"},
    {NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {
    {"MODEL", false, false, "an encoder, or an autoencoder that begins with one"},
    {NULL, false, false, NULL}};

const mb_command elinks_weights = {.name = "elinks weights",
    .summary = "an encoder's weights as the chip's slow control has them",
    .details = "2144 words of 6 bits, two's complement, one a line: 72 of the convolution, its 8 "
               "biases, 2048 of the dense layer, its 16 biases, in the order of Keras. Weights "
               "beyond the format are an error unless --saturate clips them.",
    .options = options,
    .operands = operands,
    .example = "minbias elinks weights qk_6bit.json -o weights.txt",
    .run = run};
