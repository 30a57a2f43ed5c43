// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tools.h"

static mb_status run(mb_session *session) {
    const char *output = option_text(session, "output", NULL);
    if (output == NULL) {
        return usage_fail(
            session, "calo towers-to-regions: -o OUT.h5 is missing; name the region file");
    }
    mb_calo_towers settings = MB_CALO_TOWERS_INIT;
    const uint64_t phi_offset = option_count(session, "phi-offset", settings.phi_offset);
    settings.phi_offset = phi_offset < UINT32_MAX ? (unsigned)phi_offset : UINT32_MAX;
    settings.has_veto_bits = option_is_given(session, "veto-bits");
    settings.is_split = option_is_given(session, "split");
    settings.jets = option_list(session, "jets", &settings.n_jets);
    mb_answer *answer = NULL;
    const mb_status status = mb_calo_towers_to_regions(session->ctx, session->arguments.operands,
        session->arguments.n_operands, &settings, output, session->is_forced, &answer);
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    return status;
}

static const option options[] = {{"output", 'o', OPTION_NEEDED_TEXT, "OUT.h5", "the region file"},
    {"phi-offset", 0, OPTION_COUNT, "N",
        "a tower's row is (iphi + N) mod 72 (default 1; 2 as before August 2022)"},
    {"veto-bits", 0, OPTION_FLAG, NULL, "write EGBit and TauBit too; needs iem or ihad"},
    {"split", 0, OPTION_FLAG, NULL, "cut the events into 60, 20 and 20 %: OUT_0.h5, _1 and _2"},
    {"jets", 0, OPTION_LIST, "FILE",
        "generator jets of a FILE, a table event,pt,eta; once for each FILE, in their order"},
    {NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {
    {"FILE", true, false, "towers: a table (.csv, also gzip) or .h5"}, {NULL, false, false, NULL}};

const mb_command calo_towers_to_regions = {.name = "calo towers-to-regions",
    .summary = "region files from tables of calorimeter towers",
    .details =
        "Towers with 1 <= |ieta| <= 28 fill an image of 72 x 56, of two in one place the later "
        "one; sums of 4 x 4 give 18 x 14 regions, at most 1023.\n\n"
        "A table has a header and one row a tower, sorted by event: event,iet,ieta,iphi and, for "
        "veto bits, iem or ihad. Other columns are left out. An event without towers is a row "
        "whose other fields are empty.\n\n"
        "An .h5 has the datasets iet, ieta, iphi (iem, ihad): flat, with offsets (events + 1), or "
        "(events, most towers), filled up with ieta 0. It may have event and AcceptanceFlag "
        "(events), or jet_pt and jet_eta, flat with jet_offsets or filled up with zeros.\n\n"
        "With jets, or flags in the input, the result has AcceptanceFlag: a jet of pt > 30 GeV "
        "and |eta| < 2.4. Events of several FILEs follow one another. Files are never in memory "
        "whole.",
    .options = options,
    .operands = operands,
    .example = "minbias calo towers-to-regions towers.csv --veto-bits --split -o ZeroBias.h5",
    .run = run};
