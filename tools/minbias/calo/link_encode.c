// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tools.h"

static mb_status run(mb_session *session) {
    const char *output = option_text(session, "output", NULL);
    if (output == NULL) {
        return usage_fail(session, "calo link-encode: -o FILE is missing; name the test vectors");
    }
    mb_answer *answer = NULL;
    const mb_status status = mb_calo_link_encode(
        session->ctx, session->arguments.operands[0], output, session->is_forced, &answer);
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    return status;
}

static const option options[] = {
    {"output", 'o', OPTION_NEEDED_TEXT, "FILE", "the test vectors, text"},
    {NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {
    {"REGIONS", false, false, "a region file: .h5, .npy, or a table of 252 numbers a line"},
    {NULL, false, false, NULL}};

const mb_command calo_link_encode = {.name = "calo link-encode",
    .summary = "regions to test vectors of the links",
    .details = "The way back of link-decode. Veto bits and local positions are taken where REGIONS "
               "has them: from an .h5 with EGBit, TauBit, LocalPhi, LocalEta, or from a table made "
               "with link-decode --fields. Reference scores (253rd numbers) are left out.",
    .options = options,
    .operands = operands,
    .example = "minbias calo link-encode regions.csv -o vectors.txt",
    .run = run};
