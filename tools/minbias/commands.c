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

const char *command_tool_name(const mb_command *tool) {
    const char *blank = strchr(tool->name, ' ');
    return blank != NULL ? blank + 1 : tool->name;
}

// Among the records of a list; above is the command that holds them, or NULL.
static const mb_command *find(
    const mb_command *const *list, const mb_command *above, const char *name) {
    enum { MOST_NAMES = 64 };
    const char *names[MOST_NAMES];
    size_t n = 0;
    for (size_t i = 0; list[i] != NULL; i++) {
        const char *word = command_tool_name(list[i]);
        if (strcmp(word, name) == 0) {
            return list[i];
        }
        if (n < MOST_NAMES) {
            names[n++] = word;
        }
    }
    const char *where = above != NULL ? above->name : "";
    const char *gap = above != NULL ? " " : "";
    const char *kind = above != NULL ? "tool" : "command";
    const char *near = nearest_name(name, names, n);
    if (near != NULL) {
        fprintf(stderr, "minbias: %s%s%s: unknown %s; did you mean '%s'?\n", where, gap, name, kind,
            near);
    } else {
        fprintf(stderr, "minbias: %s%s%s: unknown %s; 'minbias help%s%s' lists them\n", where, gap,
            name, kind, gap, where);
    }
    return NULL;
}

const mb_command *command_find(const char *name) {
    return find(commands, NULL, name);
}

const mb_command *command_find_tool(const mb_command *command, const char *name) {
    return find(command->tools, command, name);
}
