// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tools.h"

#include <string.h>

static mb_status run(mb_session *session) {
    const char *output = option_text(session, "output", NULL);
    const char *on_bad = option_text(session, "on-bad", "error");
    const mb_elinks_split settings = {.modules = option_text(session, "modules", NULL),
        .allocation = option_text(session, "allocation", NULL),
        .module = option_text(session, "module", NULL),
        .job = option_count(session, "job", 0),
        .is_negative = option_is_given(session, "negative"),
        .is_dropping = strcmp(on_bad, "drop") == 0};
    if (output == NULL) {
        return usage_fail(session, "elinks split: -o DIR is missing; name the folder to fill");
    }
    if (settings.modules == NULL) {
        return usage_fail(session,
            "elinks split: --modules TABLE is missing; it says which module has which links");
    }
    if (!settings.is_dropping && strcmp(on_bad, "error") != 0) {
        return usage_fail(
            session, "elinks split: --on-bad '%s' is not known; take error or drop", on_bad);
    }
    mb_answer *answer = NULL;
    const mb_status status = mb_elinks_split_files(session->ctx, session->arguments.operands,
        session->arguments.n_operands, &settings, output, session->is_forced, &answer);
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    return status;
}

static const option options[] = {{"output", 'o', OPTION_NEEDED_TEXT, "DIR", "folder to fill"},
    {"modules", 0, OPTION_NEEDED_TEXT, "TABLE",
        "table Layer, ModU, ModV, ECONT_eTX, HD_LD, ModType"},
    {"allocation", 0, OPTION_TEXT, "NAME", "signal or pu (default: both)"},
    {"module", 0, OPTION_TEXT, "L,U,V",
        "the module of all rows, where they have no layer, waferu, waferv"},
    {"job", 0, OPTION_COUNT, "N", "adds 10000 N to the column entry"},
    {"negative", 0, OPTION_FLAG, NULL, "rows of the negative side: adds 5000 to entry"},
    {"on-bad", 0, OPTION_TEXT, "WHAT", "rows of modules without links: error (default), or drop"},
    {NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {
    {"FILE", true, false, "tables with CALQ_0 .. CALQ_47, or folders of such"},
    {NULL, false, false, NULL}};

const mb_command elinks_split = {.name = "elinks split",
    .summary = "charges into a file for each layer and number of links",
    .details =
        "Writes NAME_TrainingData_SignalAllocation/nElinks_N/NAME_LayerL_NLinks.csv, and the same "
        "for PU. Rows without charge are left out; layer, waferu, waferv, HD_LD and ModType are "
        "added where a file does not have them.",
    .options = options,
    .operands = operands,
    .example = "minbias elinks split chip/calq.csv --modules ModuleLinkSummary.csv --module 9,3,2 "
               "-o split",
    .run = run};
