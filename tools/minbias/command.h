// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TOOLS_MINBIAS_COMMAND_H
#define TOOLS_MINBIAS_COMMAND_H

#include "minbias/answer.h"
#include "minbias/study.h"

#include <stdio.h>

// A sub-command: one file cmd_<name>.c that ends in one constant record, and one line in
// command_list.h. The tables drive parsing, help, the man page and shell completion. A command may
// hold tools, `minbias COMMAND TOOL ...`, which are such records too: then it is a folder with
// <command>.c, one file a tool, and a line each in its tool_list.h.

typedef enum option_kind {
    OPTION_FLAG,  // --name
    OPTION_TEXT,  // --name VALUE or --name=VALUE
    OPTION_COUNT, // a whole number of at least 0
    OPTION_LIST,  // a text that may be given several times
    // The same without which there is nothing to do: the command says what is missing.
    OPTION_NEEDED_TEXT,
    OPTION_NEEDED_COUNT,
} option_kind;

typedef struct option {
    const char *name; // without the dashes; NULL ends a table
    char letter;      // -o, or 0
    option_kind kind;
    const char *value; // what help calls the value: "DIR"
    const char *help;
} option;

typedef struct operand {
    const char *name; // "STUDY"; NULL ends a table
    bool is_many;     // one or more
    bool is_optional;
    const char *help;
} operand;

enum { MOST_OPTIONS = 40, MOST_OPERANDS = 4096, MOST_LIST = 256 };

typedef struct mb_arguments {
    const option *options; // of the command
    struct {
        const char *text;
        uint64_t count;
        bool is_given;
        const char *list[MOST_LIST];
        size_t n_list;
    } value[MOST_OPTIONS], global[MOST_OPTIONS];
    const char *operands[MOST_OPERANDS];
    size_t n_operands;
} mb_arguments;

// What a command has to work with.
typedef struct mb_session {
    mb_runtime *runtime;
    mb_context *ctx;
    mb_arguments arguments;
    bool is_quiet, wants_json, is_forced;
    const uint64_t *seed; // NULL: not given
    uint64_t seed_value;
    bool is_terminal;  // stderr
    bool is_bar_drawn; // the last line of the terminal holds the bar
    char model_path[4096];
} mb_session;

typedef struct mb_command mb_command;
struct mb_command {
    const char *name;    // as typed behind "minbias": of a tool "COMMAND TOOL"
    const char *summary; // one line
    const char *details; // a few sentences for help and the man page
    const option *options;
    const operand *operands;
    const char *example;
    // MB_ERR_ARG means wrong usage (exit 2), every other failure exit 1.
    // NULL for a command that holds tools.
    mb_status (*run)(mb_session *session);
    const mb_command *const *tools; // NULL-terminated; NULL: no tools
};

#define COMMAND(name) extern const mb_command command_##name;
#include "command_list.h"
#undef COMMAND

extern const mb_command *const commands[]; // NULL-terminated
extern const option global_options[];

// Finds a command; on failure says so with the nearest name on stderr and returns NULL.
const mb_command *command_find(const char *name);
// The same among the tools of a command.
const mb_command *command_find_tool(const mb_command *command, const char *name);
// What is typed behind the command: "profile" of "calo profile".
const char *command_tool_name(const mb_command *tool);

// Reads the arguments behind the command's name. Says what is wrong on stderr and returns false.
bool arguments_read(
    mb_arguments *arguments, const mb_command *command, int n_arguments, char **texts);
// Of the running command; the name must be in its table.
const char *option_text(const mb_session *session, const char *name, const char *otherwise);
uint64_t option_count(const mb_session *session, const char *name, uint64_t otherwise);
bool option_is_given(const mb_session *session, const char *name);
const char *const *option_list(const mb_session *session, const char *name, size_t *n);
bool global_is_given(const mb_arguments *arguments, const char *name);
const char *global_text(const mb_arguments *arguments, const char *name);
// "minbias COMMAND: ..." on stderr. Returns MB_ERR_ARG.
mb_status usage_fail(const mb_session *session, const char *format, ...) MB_PRINTF(2, 3);
// The name nearest to text, or NULL.
const char *nearest_name(const char *text, const char *const *names, size_t n);

void help_general(FILE *out);
void help_command(FILE *out, const mb_command *command);
void help_man(FILE *out);
bool help_completion(FILE *out, const char *shell);

// The settings of a run with this session's terminal behind them.
mb_run_settings session_settings(mb_session *session, const char *directory);
// Prints an answer as the session asks for, and frees it.
void session_answer(mb_session *session, mb_answer *answer);
void session_notice(void *user, mb_notice_level level, const char *where, const char *text);
void session_end_bar(mb_session *session);
// Opens the study named by operand 0 with --set and --seed.
mb_status session_open_study(mb_session *session, mb_study **out) MB_MUST_CHECK;
// `run` and `train`: opens the study and goes through it into the folder of --output.
mb_status session_run_study(mb_session *session, bool is_training_only) MB_MUST_CHECK;
mb_study_settings session_study_settings(const mb_session *session);

// The model that a name means: that of a run for its folder, else the file itself. NULL, and said
// on stderr, for a run that has none of its own.
const char *session_model_path(mb_session *session, const char *name);

extern const char set_help[], output_help[];

#endif
