// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tools.h"

static mb_status run(mb_session *session) {
    const char *output = option_text(session, "output", NULL);
    if (output == NULL) {
        return usage_fail(session, "elinks pack: -o FILE is missing; name the table of words");
    }
    const mb_elinks_format format = elinks_format(session);
    mb_answer *answer = NULL;
    const mb_status status = mb_elinks_pack(
        session->ctx, session->arguments.operands[0], &format, output, session->is_forced, &answer);
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    return status;
}

static const option options[] = {{"output", 'o', OPTION_NEEDED_TEXT, "FILE",
                                     "the words: n_words, WORD_0 .. WORD_25, of 16 bits"},
    ELINKS_FORMAT_OPTIONS, {NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {
    {"FILE", false, false, "numbers as algorithm.csv has them; of ports CALQ_0 .. CALQ_47"},
    {NULL, false, false, NULL}};

const mb_command elinks_pack = {.name = "elinks pack",
    .summary = "numbers into words of a frame",
    .details = "Columns header, type and n (threshold), sum, address_0 .., code_0 ..; of the "
               "autoencoder code_0 .. code_15 are its outputs times 256, 0 .. 511, of which as "
               "many bits go as the links carry.\n\n"
               "--algorithm ports makes the words of the chip's inputs, ePortRxDataGroup_0 .. _11, "
               "from charges.",
    .options = options,
    .operands = operands,
    .example = "minbias elinks pack chip/algorithm.csv -n 3 -o words.csv",
    .run = run};
