// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tools.h"

static mb_status run(mb_session *session) {
    const char *output = option_text(session, "output", NULL);
    const bool has_charges = option_is_given(session, "charges");
    if (output == NULL) {
        return usage_fail(session, "elinks unpack: -o FILE is missing; name the table of numbers");
    }
    const mb_elinks_format format = elinks_format(session);
    mb_answer *answer = NULL;
    const mb_status status = mb_elinks_unpack(session->ctx, session->arguments.operands[0], &format,
        has_charges, option_is_given(session, "centre"), output, session->is_forced, &answer);
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    return status;
}

static const option options[] = {{"output", 'o', OPTION_NEEDED_TEXT, "FILE", "the numbers"},
    ELINKS_FORMAT_OPTIONS,
    {"charges", 0, OPTION_FLAG, NULL, "write charges CALQ_0 .. CALQ_47 instead of codes"},
    {"centre", 0, OPTION_FLAG, NULL,
        "charges in the middle of what has their code, else the least"},
    {NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {
    {"FILE", false, false,
        "words of elinks pack, or formatter.csv; of ports ePortRxDataGroup_0 .. _11"},
    {NULL, false, false, NULL}};

const mb_command elinks_unpack = {.name = "elinks unpack",
    .summary = "words of a frame into numbers, or charges",
    .details = "The way back from elinks pack, with the same options. A sum of a group goes to the "
               "cell that it names; where it names none, in equal parts to all.",
    .options = options,
    .operands = operands,
    .example = "minbias elinks unpack chip/formatter.csv -a best_choice -n 4 --charges -o back.csv",
    .run = run};
