// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tools.h"

static mb_status run(mb_session *session) {
    const char *output = option_text(session, "output", NULL);
    const char *weights = option_text(session, "weights", NULL);
    const char *types = option_text(session, "types", NULL);
    if (weights == NULL || types == NULL) {
        return usage_fail(session,
            "calo firmware-check: --%s is missing; give --weights DIR --types V",
            weights == NULL ? "weights" : "types");
    }
    if (output == NULL) {
        return usage_fail(
            session, "calo firmware-check: -o DIR is missing; name the folder of the comparison");
    }
    mb_calo_check settings = MB_CALO_CHECK_INIT;
    settings.reference = option_text(session, "reference", NULL);
    settings.link = (size_t)option_count(session, "link", 0);
    if (option_is_given(session, "link") && settings.reference == NULL) {
        return usage_fail(session,
            "calo firmware-check: --link picks the link of reference words; give --reference with "
            "it");
    }
    mb_answer *answer = NULL;
    const mb_status status = mb_calo_firmware_check(session->ctx, weights, types,
        session->arguments.operands[0], &settings, output, session->is_forced, &answer);
    if (answer != NULL) {
        session_answer(session, answer);
    }
    return status;
}

static const option options[] = {
    {"output", 'o', OPTION_NEEDED_TEXT, "DIR",
        "folder for index.html, scores.csv, differing.csv, layers.csv, plots/"},
    {"weights", 0, OPTION_NEEDED_TEXT, "DIR", "folder of the weight lists"},
    {"types", 0, OPTION_NEEDED_TEXT, "V",
        "their fixed-point types: a name such as v1.1.1, or a file"},
    {"reference", 0, OPTION_TEXT, "FILE",
        "scores to compare with: six words an event, or .csv, .npy, .npz, .h5"},
    {"link", 0, OPTION_COUNT, "N", "link that carries the reference words (default 0)"},
    {NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {
    {"REGIONS", false, false,
        "region file; of a table with 253 numbers a line the last is the reference"},
    {NULL, false, false, NULL}};

const mb_command calo_firmware_check = {.name = "calo firmware-check",
    .summary = "firmware's scores of events, bit for bit against a reference",
    .details = "Scores events as the firmware does, lists the events whose score differs from the "
               "reference, and reports for every layer the range of its values and how many "
               "conversions wrapped or were clipped. Exits with 1 when an event differs.",
    .options = options,
    .operands = operands,
    .example = "minbias calo firmware-check --weights lists --types v1.1.1 events.csv -o check",
    .run = run};
