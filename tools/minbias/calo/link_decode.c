// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tools.h"

static mb_status run(mb_session *session) {
    const char *output = option_text(session, "output", NULL);
    if (output == NULL) {
        return usage_fail(session, "calo link-decode: -o OUT is missing; name the file of regions");
    }
    const bool wants_scores = option_is_given(session, "scores");
    if (option_is_given(session, "link") && !wants_scores) {
        return usage_fail(session,
            "calo link-decode: --link picks the link of the scores; write --scores with it");
    }
    if (option_is_given(session, "fields") && wants_scores) {
        return usage_fail(
            session, "calo link-decode: --fields and --scores exclude each other; leave one out");
    }
    mb_answer *answer = NULL;
    const char *file = session->arguments.operands[0];
    const mb_status status =
        wants_scores
            ? mb_calo_link_scores(session->ctx, file, (size_t)option_count(session, "link", 0),
                  output, session->is_forced, &answer)
            : mb_calo_link_decode(session->ctx, file, option_is_given(session, "fields"), output,
                  session->is_forced, &answer);
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    return status;
}

static const option options[] = {
    {"output", 'o', OPTION_NEEDED_TEXT, "OUT", "the regions: .csv, .npy or .h5; scores also .npz"},
    {"fields", 0, OPTION_FLAG, NULL,
        "a .csv with one row a region that is not 0, with veto bits and local position"},
    {"scores", 0, OPTION_FLAG, NULL, "FILE holds scores, six words an event"},
    {"link", 0, OPTION_COUNT, "N", "with --scores: the link that carries them (default 0)"},
    {NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {
    {"FILE", false, false, "link words, plain or gzip"}, {NULL, false, false, NULL}};

const mb_command calo_link_decode = {.name = "calo link-decode",
    .summary = "test vectors of the links to regions, or to scores",
    .details =
        "FILE has a line WordCnt LINK_00 ... LINK_35, a line #BeginData, then lines of a word "
        "counter 0xNNNN and 36 hexadecimal words, four lines an event. Region r of a link is the "
        "16-bit field at bit 8 + 16 r: bits 9:0 ET, 10 e/gamma veto, 11 tau veto, 13:12 local phi, "
        "15:14 local eta; region r of link l is number 7 l + r = 14 phi + eta.\n\n"
        "A .csv has 252 energies a line, an .npy uint16 (events, 252), an .h5 CaloRegions, EGBit, "
        "TauBit, LocalPhi and LocalEta.\n\n"
        "With --scores an event has six words, in as many lines of any number of links, or one "
        "behind the other without a head; the 16 bits of the score stand in the uppermost four of "
        "words 0 to 3.",
    .options = options,
    .operands = operands,
    .example = "minbias calo link-decode vectors.txt -o regions.csv",
    .run = run};
