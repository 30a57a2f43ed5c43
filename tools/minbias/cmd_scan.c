// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "command.h"

static mb_status run(mb_session *session) {
    const char *directory = option_text(session, "output", NULL);
    if (directory == NULL) {
        return usage_fail(session, "scan: -o DIR is missing; name the folder of the scan");
    }
    const mb_study_settings study = session_study_settings(session);
    mb_run_settings settings = session_settings(session, directory);
    settings.is_resumed = option_is_given(session, "resume");
    settings.n_workers = option_count(session, "workers", 0);
    const char *path = session->arguments.operands[0];
    mb_answer *answer = NULL;
    if (mb_run_is_directory(path)) {
        if (option_is_given(session, "trial") || settings.is_resumed ||
            option_is_given(session, "set")) {
            return usage_fail(session,
                "scan: the bits of a run's models are scanned without trials; leave --trial, "
                "--resume and --set out");
        }
        const mb_status status = mb_run_scan_bits(session->ctx, path, &settings, &answer);
        if (status == MB_OK) {
            session_answer(session, answer);
        }
        return status;
    }
    const mb_status status = option_is_given(session, "trial")
                                 ? mb_scan_trial(session->ctx, path, &study, &settings,
                                       option_count(session, "trial", 0), &answer)
                                 : mb_scan(session->ctx, path, &study, &settings, &answer);
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    return status;
}

static const option options[] = {{"output", 'o', OPTION_NEEDED_TEXT, "DIR", "folder of the scan"},
    {"workers", 0, OPTION_COUNT, "N",
        "trials at a time, each on its share of the threads (default: one a thread; fewer take "
        "less memory)"},
    {"resume", 0, OPTION_FLAG, NULL, "do the trials that are not done yet"},
    {"trial", 0, OPTION_COUNT, "N",
        "do this one alone, numbered from 0, for a cluster's scheduler; 'scan --resume' then puts "
        "all together"},
    {"set", 0, OPTION_LIST, "KEY=VALUE", set_help}, {NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {
    {"STUDY", false, false,
        "the study file; or the folder of a run on modules, whose bits are scanned"},
    {NULL, false, false, NULL}};

const mb_command command_scan = {.name = "scan",
    .summary = "train every combination that a study's scan asks for",
    .details = "Trains the combinations of the study's scan: and writes trials.jsonl (a line "
               "when a trial is claimed and when it ends), trials.csv, best/ (the model of the "
               "best trial, a folder as of a run) and report.html. The table does not depend on "
               "the number of workers, nor on stops and --resume, except for the columns start, "
               "end and duration. With --trial N exactly one trial is done: many such commands may "
               "run at a time, on many machines that share the folder. With the folder of a run "
               "on modules nothing is trained: each place of its quantised encoders gets fewer "
               "bits, and the distance of what is restored is drawn against them.",
    .options = options,
    .operands = operands,
    .example = "minbias scan barrel-trigger.yaml -o scan --workers 2",
    .run = run};
