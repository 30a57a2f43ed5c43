// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tools.h"

static mb_status run(mb_session *session) {
    const char *output = option_text(session, "output", NULL);
    mb_elinks_shuffle settings = MB_ELINKS_SHUFFLE_INIT;
    const uint64_t megabytes = option_count(session, "memory", settings.memory >> 20);
    if (output == NULL) {
        return usage_fail(session, "elinks shuffle: -o DIR is missing; name the folder to fill");
    }
    if (megabytes == 0 || megabytes > UINT64_C(1) << 30) {
        return usage_fail(session, "elinks shuffle: --memory %llu; give at least 1 MiB",
            (unsigned long long)megabytes);
    }
    settings.memory = megabytes << 20;
    settings.seed = session->seed != NULL ? *session->seed : settings.seed;
    settings.rows_per_file = option_count(session, "rows-per-file", settings.rows_per_file);
    settings.name = option_text(session, "name", NULL);
    mb_answer *answer = NULL;
    const mb_status status = mb_elinks_shuffle_files(session->ctx, session->arguments.operands,
        session->arguments.n_operands, &settings, output, session->is_forced, &answer);
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    return status;
}

static const option options[] = {
    {"output", 'o', OPTION_NEEDED_TEXT, "DIR", "folder for NAME_0.csv, NAME_1.csv ..."},
    {"name", 0, OPTION_TEXT, "NAME", "begins the files' names (default shuffled)"},
    {"rows-per-file", 0, OPTION_COUNT, "N", "rows of a file (default 500000)"},
    {"memory", 0, OPTION_COUNT, "MIB",
        "that rows may take at a time (default 256); the order does not depend on it"},
    {NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {
    {"FILE", true, false, "tables of the same columns, or folders of such"},
    {NULL, false, false, NULL}};

const mb_command elinks_shuffle = {.name = "elinks shuffle",
    .summary = "rows of files in random order, however large",
    .details = "A uniform permutation of all rows that --seed names. Rows that memory does not "
               "hold go through temporary files in the folder.",
    .options = options,
    .operands = operands,
    .example = "minbias elinks shuffle skimmed/nElinks_5 -o data/nElinks_5/shuffled --seed 7",
    .run = run};
