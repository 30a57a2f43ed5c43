// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "command.h"

#include "minbias/simulate.h"

enum { SPACE = 64 };

static mb_status run(mb_session *session) {
    const char *directory = option_text(session, "output", NULL);
    if (directory == NULL) {
        return usage_fail(session, "simulate: -o DIR is missing; name the folder for the files");
    }
    const char *options[MOST_LIST + 2];
    char numbers[2][SPACE];
    size_t n = 0;
    size_t n_set = 0;
    const char *const *set = option_list(session, "set", &n_set);
    for (size_t i = 0; i < n_set; i++) {
        options[n++] = set[i];
    }
    static const char *const counts[] = {"events", "files"};
    for (size_t i = 0; i < 2; i++) {
        if (option_is_given(session, counts[i])) {
            snprintf(numbers[i], SPACE, "%s=%llu", counts[i],
                (unsigned long long)option_count(session, counts[i], 0));
            options[n++] = numbers[i];
        }
    }
    mb_answer *answer = NULL;
    const mb_status status = mb_simulate(session->ctx, session->arguments.operands[0], options, n,
        session->seed != NULL ? *session->seed : 1, directory, session->is_forced, &answer);
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    return status;
}

static const option options[] = {{"output", 'o', OPTION_NEEDED_TEXT, "DIR", "folder for the files"},
    {"events", 0, OPTION_COUNT, "N", "events in a file"},
    {"files", 0, OPTION_COUNT, "N", "number of files"},
    {"set", 0, OPTION_LIST, "KEY=VALUE", "another option of the generator; may be repeated"},
    {NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {
    {"KIND", false, false, "the generator; 'minbias help simulate' lists them with their options"},
    {NULL, false, false, NULL}};

const mb_command command_simulate = {.name = "simulate",
    .summary = "toy events in a detector's real file format",
    .details = "Writes toy events as the detector would. The bytes depend on the seed and the "
               "options alone, not on the number of threads.",
    .options = options,
    .operands = operands,
    .example = "minbias simulate barrel -o data --events 1000 --files 4 --seed 1",
    .run = run};
