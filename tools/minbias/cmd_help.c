// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "command.h"

#include "minbias/simulate.h"

#include <string.h>

// The generators' own options, which --set takes.
static mb_status help_simulators(const mb_session *session) {
    for (size_t i = 0; mb_simulator_name(i) != NULL; i++) {
        mb_answer *answer = NULL;
        const mb_status status = mb_simulator_options(session->ctx, mb_simulator_name(i), &answer);
        if (status != MB_OK) {
            return status;
        }
        printf("\noptions of %s (%s), for --set:\n%s", mb_simulator_name(i), mb_simulator_help(i),
            mb_answer_text(answer));
        mb_answer_destroy(answer);
    }
    return MB_OK;
}

static mb_status run(mb_session *session) {
    const char *shell = option_text(session, "completion", NULL);
    if (option_is_given(session, "man")) {
        help_man(stdout);
        return MB_OK;
    }
    if (shell != NULL) {
        return help_completion(stdout, shell)
                   ? MB_OK
                   : usage_fail(session, "help: no completion for '%s'; write bash or zsh", shell);
    }
    if (session->arguments.n_operands == 0) {
        help_general(stdout);
        return MB_OK;
    }
    const mb_command *command = command_find(session->arguments.operands[0]);
    if (command != NULL && session->arguments.n_operands > 1) {
        if (command->tools == NULL) {
            return usage_fail(
                session, "help: '%s' has no tools; write help %s", command->name, command->name);
        }
        command = command_find_tool(command, session->arguments.operands[1]);
    }
    if (command == NULL) {
        return MB_ERR_ARG;
    }
    help_command(stdout, command);
    return strcmp(command->name, "simulate") == 0 ? help_simulators(session) : MB_OK;
}

static const option options[] = {{"man", 0, OPTION_FLAG, NULL, "print the manual page (roff)"},
    {"completion", 0, OPTION_TEXT, "SHELL", "print the completion script of a shell: bash or zsh"},
    {NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {{"COMMAND", false, true, "a command"},
    {"TOOL", false, true, "one of its tools, where it has any"}, {NULL, false, false, NULL}};

const mb_command command_help = {.name = "help",
    .summary = "help for a command",
    .details = "Explains a command, or one of its tools. The manual page and the completion script "
               "are made from the "
               "same tables.",
    .options = options,
    .operands = operands,
    .example = "minbias help run",
    .run = run};
