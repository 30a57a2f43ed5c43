// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tools.h"

static mb_status run(mb_session *session) {
    mb_answer *answer = NULL;
    const mb_status status = mb_elinks_allocate(session->ctx, session->arguments.operands[0],
        option_text(session, "allocation", NULL), option_text(session, "module", NULL),
        option_text(session, "output", NULL), session->is_forced, &answer);
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    return status;
}

static const option options[] = {
    {"output", 'o', OPTION_TEXT, "FILE", "a table with the links of every module (.csv)"},
    {"allocation", 0, OPTION_TEXT, "NAME",
        "signal, by layer, or pu, the table's ECONT_eTX (default: both)"},
    {"module", 0, OPTION_TEXT, "L,U,V", "one module: its layer and its two coordinates"},
    {NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {
    {"MODULES", false, false, "table Layer, ModU, ModV, ECONT_eTX, HD_LD, ModType"},
    {NULL, false, false, NULL}};

const mb_command elinks_allocate = {.name = "elinks allocate",
    .summary = "how many links each module has, in both allocations",
    .details = "The signal allocation goes by layer: 4 links in layers 7 and 11, 5 in 9, 3 in 13, "
               "2 in the others that are read out. The pu allocation is the table's.",
    .options = options,
    .operands = operands,
    .example = "minbias elinks allocate ModuleLinkSummary.csv --module 9,3,2",
    .run = run};
