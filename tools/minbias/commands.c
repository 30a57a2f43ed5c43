// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "command.h"

#include <string.h>

const mb_command *const commands[] = {
#define COMMAND(name) &command_##name,
#include "command_list.h"
#undef COMMAND
    NULL};

const option global_options[] = {
    {"threads", 0, OPTION_COUNT, "N", "worker threads (default: as many as there are processors)"},
    {"seed", 0, OPTION_COUNT, "S", "seed of all random numbers, in place of the study's"},
    {"quiet", 'q', OPTION_FLAG, NULL, "no progress and no notes, only results and errors"},
    {"json", 0, OPTION_FLAG, NULL, "the result as one JSON object on stdout"},
    {"force", 0, OPTION_FLAG, NULL, "replace outputs that exist already"},
    {"cpu", 0, OPTION_TEXT, "SET",
        "most instructions to use: c, avx2 or avx512 (the results do not depend on it)"},
    {"help", 'h', OPTION_FLAG, NULL, "help for a command"},
    {"version", 0, OPTION_FLAG, NULL, "the version"}, {NULL, 0, OPTION_FLAG, NULL, NULL}};

const char set_help[] = "another value for a key of the study (train.epochs=3, "
                        "model.conv0.filters=16); may be repeated";
const char output_help[] = "folder of the run";

const mb_command *command_find(const char *name) {
    const char *names[sizeof commands / sizeof commands[0]];
    size_t n = 0;
    for (; commands[n] != NULL; n++) {
        if (strcmp(commands[n]->name, name) == 0) {
            return commands[n];
        }
        names[n] = commands[n]->name;
    }
    const char *near = nearest_name(name, names, n);
    if (near != NULL) {
        fprintf(stderr, "minbias: %s: unknown command; did you mean '%s'?\n", name, near);
    } else {
        fprintf(stderr, "minbias: %s: unknown command; 'minbias help' lists them\n", name);
    }
    return NULL;
}
