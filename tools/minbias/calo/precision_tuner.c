// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tools.h"

#include <stdlib.h>

// A positive number in plain digits.
static bool read_limit(const char *text, double *out) {
    char *end = NULL;
    *out = strtod(text, &end);
    return end != text && *end == '\0' && *out > 0 && *out < 1e30;
}

static mb_status run(mb_session *session) {
    const char *output = option_text(session, "output", NULL);
    const size_t n = session->arguments.n_operands;
    const char *const *operands = session->arguments.operands;
    mb_calo_network network = {
        NULL, option_text(session, "weights", NULL), option_text(session, "types", NULL)};
    mb_calo_precision settings = MB_CALO_PRECISION_INIT;
    if (n > 2) {
        return usage_fail(session, "calo precision-tuner: %zu files; give MODEL and FILE", n);
    }
    if (n == 1 && network.weights == NULL && network.types == NULL) {
        return usage_fail(session,
            "calo precision-tuner: one of MODEL and FILE is missing; give MODEL FILE, or --weights "
            "DIR --types V FILE");
    }
    if (output == NULL) {
        return usage_fail(
            session, "calo precision-tuner: -o DIR is missing; name the folder of the table");
    }
    if (!read_limit(option_text(session, "limit", "0.5"), &settings.limit)) {
        return usage_fail(session,
            "calo precision-tuner: --limit '%.40s' is no positive number; write one such as 0.5",
            option_text(session, "limit", "0.5"));
    }
    settings.most_events = (size_t)option_count(session, "events", settings.most_events);
    settings.is_joint = option_is_given(session, "joint");
    settings.input = option_text(session, "input", NULL);
    if (n == 2) {
        network.model = session_model_path(session, operands[0]);
        if (network.model == NULL) {
            return MB_ERR_IO;
        }
    }
    mb_answer *answer = NULL;
    const mb_status status = mb_calo_precision_tuner(
        session->ctx, &network, operands[n - 1], &settings, output, session->is_forced, &answer);
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    return status;
}

static const option options[] = {{"output", 'o', OPTION_NEEDED_TEXT, "DIR",
                                     "folder for index.html, precision.csv, curves.csv, plots/"},
    {"weights", 0, OPTION_TEXT, "DIR", "folder of weight lists, in place of MODEL"},
    {"types", 0, OPTION_TEXT, "V", "their fixed-point types: a name such as v1.1.1, or a file"},
    {"limit", 0, OPTION_TEXT, "ERROR",
        "formats are good enough while the largest error of a score is below it (default 0.5)"},
    {"events", 0, OPTION_COUNT, "N", "events of the file (default 10000, 0: all)"},
    {"joint", 0, OPTION_FLAG, NULL,
        "search each place with the formats found before it, so that all together keep the limit"},
    {"input", 0, OPTION_TEXT, "TYPE", "of MODEL: type of the regions (default <10,10>u)"},
    {NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {
    {"MODEL", true, false, "a quantised model (left out with --weights), then the region FILE"},
    {NULL, false, false, NULL}};

const mb_command calo_precision_tuner = {.name = "calo precision-tuner",
    .summary = "the fewest bits of each layer that leave the scores as they are",
    .details =
        "For the accumulator and the result of each layer, one at a time, searches the fewest "
        "fraction bits and then the fewest integer bits with which no score moves by the limit, "
        "and draws the largest error against the bits. A model is compared with itself in float, "
        "weight lists with their own types. Nothing is trained.",
    .options = options,
    .operands = operands,
    .example =
        "minbias calo precision-tuner --weights lists --types v1.1.1 events.csv -o precision",
    .run = run};
