// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tools.h"

#include <stdlib.h>

static mb_status read_count(
    const mb_session *session, const char *name, int64_t otherwise, int64_t *out) {
    const char *text = option_text(session, name, NULL);
    *out = otherwise;
    if (text == NULL) {
        return MB_OK;
    }
    char *end = NULL;
    *out = strtoll(text, &end, 10);
    return end != text && *end == '\0' && *out > 0
               ? MB_OK
               : usage_fail(session, "econt train-emd: --%s '%s' is not a count; write one above 0",
                     name, text);
}

static mb_status run(mb_session *session) {
    static const char *const names[] = {"pairEMD", "aeEMD", "appEMD"};
    static const char *const pairs[] = {"real", "ae", "both"};
    mb_econt_emd emd = {.input = option_text(session, "input", NULL),
        .output = option_text(session, "output", "emd_net"),
        .no_header = option_is_given(session, "noHeader")};
    size_t n = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (option_is_given(session, names[i])) {
            emd.pairs = pairs[i];
            n++;
        }
    }
    if (n != 1) {
        return usage_fail(
            session, "econt train-emd: give exactly one of --pairEMD, --aeEMD and --appEMD");
    }
    if (emd.input == NULL) {
        return usage_fail(session, "econt train-emd: -i PATH is missing; name the charges");
    }
    mb_status status = read_count(session, "epoch", 64, &emd.epochs);
    if (status == MB_OK) {
        status = read_count(session, "nrowsPerFile", 500000, &emd.rows_per_file);
    }
    if (status == MB_OK) {
        status = read_count(session, "rows", 0, &emd.rows);
    }
    int64_t repeats = 0;
    if (status == MB_OK) {
        status = read_count(session, "repeats", 3, &repeats);
    }
    if (status != MB_OK) {
        return status;
    }
    emd.repeats = (size_t)repeats;
    const mb_run_settings settings = session_settings(session, emd.output);
    mb_answer *answer = NULL;
    status = mb_econt_train_emd(session->ctx, &emd, &settings, session->seed, &answer);
    session_end_bar(session);
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    return status;
}

static const option options[] = {
    {"input", 'i', OPTION_NEEDED_TEXT, "PATH",
        "CALQ table or folder; with --aeEMD or --appEMD a folder RUN/NAME of 'econt train'"},
    {"output", 'o', OPTION_TEXT, "DIR", "folder of the networks (default emd_net)"},
    {"epoch", 0, OPTION_TEXT, "N", "passes over the training pairs (default 64)"},
    {"repeats", 0, OPTION_TEXT, "N",
        "trainings, of which the best by validation loss is taken (default 3, as the original)"},
    {"rows", 0, OPTION_TEXT, "N",
        "modules that pairs are made of, the first (default 20000; 200 of each with each)"},
    {"noHeader", 0, OPTION_FLAG, NULL, "the first line of the tables is data"},
    {"nrowsPerFile", 0, OPTION_TEXT, "N", "rows read of each file (default 500000)"},
    {"pairEMD", 0, OPTION_FLAG, NULL, "pairs of modules"},
    {"aeEMD", 0, OPTION_FLAG, NULL, "modules and what an autoencoder restores of them"},
    {"appEMD", 0, OPTION_FLAG, NULL, "both"}, {NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {{NULL, false, false, NULL}};

const mb_command econt_train_emd = {.name = "econt train-emd",
    .summary = "train a network that tells the earth mover's distance: train_emdloss.py",
    .details = "The network takes two modules at unit sum; the first 60 % of the pairs train it. "
               "It is a loss as emd:FILE.",
    .options = options,
    .operands = operands,
    .example = "minbias econt train-emd -i run/8x8_c8_S2_tele/ --epoch 96 -aeEMD",
    .run = run};
