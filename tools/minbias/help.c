// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "command.h"

#include <string.h>

// Columns of a line, and where the help of an argument or option begins.
enum { LINE = 100, HELP_COLUMN = 29 };

// Words of a text in lines; indent: of all but the first, which begins at column. A line that the
// text itself ends stays ended.
static void print_wrapped(FILE *out, const char *text, size_t column, size_t indent) {
    while (*text != '\0') {
        const size_t length = strcspn(text, " \n");
        if (column > indent && column + length > LINE) {
            fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
        }
        fprintf(out, "%.*s", (int)length, text);
        column += length;
        text += length;
        if (*text == '\n') {
            fputc('\n', out);
            column = 0;
            text++;
        } else if (*text == ' ') {
            text++;
            // A blank at the end of a line would be one too many.
            if (column + 1 + strcspn(text, " \n") <= LINE) {
                fputc(' ', out);
            }
            column++;
        }
    }
}

// One piece of a usage line, which may begin a new line but is never cut itself.
static size_t print_piece(FILE *out, size_t column, size_t indent, const char *piece) {
    const size_t length = strlen(piece) + 1;
    if (column + length > LINE) {
        fprintf(out, "\n%*s", (int)indent, "");
        column = indent;
    }
    fprintf(out, " %s", piece);
    return column + length;
}

static void print_usage(FILE *out, const mb_command *command) {
    char piece[96];
    size_t column = strlen("usage: minbias ") + strlen(command->name);
    const size_t indent = column;
    fprintf(out, "usage: minbias %s", command->name);
    for (const operand *o = command->operands; o->name != NULL; o++) {
        snprintf(piece, sizeof piece, o->is_optional ? "[%s%s]" : "%s%s", o->name,
            o->is_many ? "..." : "");
        column = print_piece(out, column, indent, piece);
    }
    for (const option *o = command->options; o->name != NULL; o++) {
        const bool is_needed = o->kind == OPTION_NEEDED_TEXT || o->kind == OPTION_NEEDED_COUNT;
        const char letter[2] = {o->letter, '\0'};
        snprintf(piece, sizeof piece, "%s%s%s%s%s%s%s", is_needed ? "" : "[",
            o->letter != 0 ? "-" : "--", o->letter != 0 ? letter : o->name,
            o->value != NULL ? " " : "", o->value != NULL ? o->value : "", is_needed ? "" : "]",
            o->kind == OPTION_LIST ? "..." : "");
        column = print_piece(out, column, indent, piece);
    }
    fputs(command->tools != NULL ? " TOOL ..." : "", out);
}

static void print_help(FILE *out, const char *name, const char *help) {
    const int width = fprintf(out, "  %-*s ", HELP_COLUMN - 3, name);
    print_wrapped(out, help, width > 0 ? (size_t)width : 0, HELP_COLUMN);
    fputc('\n', out);
}

static void print_options(FILE *out, const option *options) {
    for (const option *o = options; o->name != NULL; o++) {
        char name[64];
        snprintf(name, sizeof name, "%s%c%s--%s%s%s", o->letter != 0 ? "-" : "",
            o->letter != 0 ? o->letter : ' ', o->letter != 0 ? ", " : "   ", o->name,
            o->value != NULL ? " " : "", o->value != NULL ? o->value : "");
        print_help(out, name, o->help);
    }
}

void help_general(FILE *out) {
    fputs("minbias: small neural networks at particle detectors, from hit files to a trigger\n\n"
          "usage: minbias COMMAND ... [--threads N] [--seed S] [--quiet] [--json] [--force]\n\n"
          "commands:\n",
        out);
    for (size_t i = 0; commands[i] != NULL; i++) {
        fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    }
    fputs("\noptions of every command:\n", out);
    print_options(out, global_options);
    fputs("\n'minbias help COMMAND' says more. Start with 'minbias tour' or "
          "'minbias new barrel-trigger'.\n",
        out);
}

static void print_tools(FILE *out, const mb_command *command) {
    fputs("\ntools:\n", out);
    for (size_t i = 0; command->tools[i] != NULL; i++) {
        fprintf(
            out, "  %-18s %s\n", command_tool_name(command->tools[i]), command->tools[i]->summary);
    }
    fprintf(out, "\n'minbias help %s TOOL' says more.\n", command->name);
}

void help_command(FILE *out, const mb_command *command) {
    fprintf(out, "minbias %s: %s\n\n", command->name, command->summary);
    print_usage(out, command);
    fputs("\n\n", out);
    print_wrapped(out, command->details, 0, 0);
    fputc('\n', out);
    if (command->tools != NULL) {
        print_tools(out, command);
        return;
    }
    if (command->operands[0].name != NULL) {
        fputs("\narguments:\n", out);
        for (const operand *o = command->operands; o->name != NULL; o++) {
            print_help(out, o->name, o->help);
        }
    }
    if (command->options[0].name != NULL) {
        fputs("\noptions:\n", out);
        print_options(out, command->options);
    }
    fputs("\noptions of every command:\n", out);
    print_options(out, global_options);
    fprintf(out, "\nexample:\n  %s\n", command->example);
}

// A line that begins with a point or apostrophe would be a request to troff; a hyphen must not
// become a dash.
static void print_roff(FILE *out, const char *text) {
    if (*text == '.' || *text == '\'') {
        fputs("\\&", out);
    }
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '\\') {
            fputs("\\e", out);
        } else if (*p == '-') {
            fputs("\\-", out);
        } else {
            fputc(*p, out);
        }
    }
}

static void print_roff_options(FILE *out, const option *options) {
    for (const option *o = options; o->name != NULL; o++) {
        fputs(".TP\n\\fB", out);
        if (o->letter != 0) {
            fprintf(out, "\\-%c\\fR, \\fB", o->letter);
        }
        fputs("\\-\\-", out);
        print_roff(out, o->name);
        fputs("\\fR", out);
        if (o->value != NULL) {
            fprintf(out, " \\fI%s\\fR", o->value);
        }
        fputc('\n', out);
        print_roff(out, o->help);
        fputc('\n', out);
    }
}

static void print_roff_command(FILE *out, const mb_command *command) {
    fputs(".SS \"minbias ", out);
    print_roff(out, command->name);
    for (const operand *o = command->operands; o->name != NULL; o++) {
        fprintf(out, o->is_optional ? " [%s%s]" : " %s%s", o->name, o->is_many ? "..." : "");
    }
    fputs(command->tools != NULL ? " TOOL\"\n" : "\"\n", out);
    print_roff(out, command->summary);
    fputs(".\n.PP\n", out);
    print_roff(out, command->details);
    fputc('\n', out);
    for (const operand *o = command->operands; o->name != NULL; o++) {
        fprintf(out, ".TP\n\\fI%s\\fR\n", o->name);
        print_roff(out, o->help);
        fputc('\n', out);
    }
    print_roff_options(out, command->options);
    fputs(".PP\nExample: ", out);
    print_roff(out, command->example);
    fputc('\n', out);
}

void help_man(FILE *out) {
    fprintf(out, ".TH MINBIAS 1 \"\" \"minbias %s\" \"User commands\"\n", mb_version());
    fputs(
        ".SH NAME\nminbias \\- small neural networks at particle detectors\n"
        ".SH SYNOPSIS\n.B minbias\n.I COMMAND\n[options]\n"
        ".SH DESCRIPTION\nFrom the files a detector group has, to images, to a trained network, to "
        "the figures a trigger is judged by.\nResults go to stdout, progress and notes to stderr.\n"
        ".SH OPTIONS OF EVERY COMMAND\n",
        out);
    print_roff_options(out, global_options);
    fputs(".SH COMMANDS\n", out);
    for (size_t i = 0; commands[i] != NULL; i++) {
        print_roff_command(out, commands[i]);
        const mb_command *const *tools = commands[i]->tools;
        for (size_t j = 0; tools != NULL && tools[j] != NULL; j++) {
            print_roff_command(out, tools[j]);
        }
    }
    fputs(".SH EXIT STATUS\n0 done, 1 the work failed, 2 wrong usage.\n"
          "Errors are one line on stderr: minbias: where: what; what to do.\n",
        out);
}

static void print_words(FILE *out, const option *options) {
    for (const option *o = options; o->name != NULL; o++) {
        fprintf(out, " --%s", o->name);
        if (o->letter != 0) {
            fprintf(out, " -%c", o->letter);
        }
    }
}

static void print_command_names(FILE *out) {
    for (size_t i = 0; commands[i] != NULL; i++) {
        fprintf(out, " %s", commands[i]->name);
    }
}

static void print_tool_names(FILE *out, const mb_command *command) {
    for (size_t i = 0; command->tools[i] != NULL; i++) {
        fprintf(out, " %s", command_tool_name(command->tools[i]));
    }
}

static void print_study_names(FILE *out) {
    for (size_t i = 0; mb_shipped_study_name(i) != NULL; i++) {
        fprintf(out, " %s", mb_shipped_study_name(i));
    }
}

// How a shell's script offers words in a case of its own; the word that names the tool.
typedef struct shell_style {
    const char *begin, *end, *tool_word, *tool_position;
} shell_style;

static void complete_options(FILE *out, const shell_style *style, const mb_command *command) {
    fprintf(out, "        %s) %s", command->name, style->begin);
    print_words(out, command->options);
    if (command->tools == NULL) {
        fprintf(out, "%s ;;\n", style->end);
        return;
    }
    fprintf(out, "%s\n            case %s in\n", style->end, style->tool_word);
    for (size_t i = 0; command->tools[i] != NULL; i++) {
        fprintf(out, "            %s) %s", command_tool_name(command->tools[i]), style->begin);
        print_words(out, command->tools[i]->options);
        fprintf(out, "%s ;;\n", style->end);
    }
    fputs("            esac ;;\n", out);
}

static void complete_tools(FILE *out, const shell_style *style) {
    for (size_t i = 0; commands[i] != NULL; i++) {
        if (commands[i]->tools != NULL) {
            fprintf(out, "        %s) if (( %s )); then %s", commands[i]->name,
                style->tool_position, style->begin);
            print_tool_names(out, commands[i]);
            fprintf(out, "%s; fi ;;\n", style->end);
        }
    }
}

static void complete_bash(FILE *out) {
    static const shell_style style = {"words=\"", "\"", "\"${COMP_WORDS[2]}\"", "COMP_CWORD == 2"};
    fputs("# bash completion for minbias; source it or put it into bash-completion's folder\n"
          "_minbias() {\n"
          "    local current=\"${COMP_WORDS[COMP_CWORD]}\" words=\"\"\n"
          "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        words=\"",
        out);
    print_command_names(out);
    fputs(
        "\"\n    elif [[ \"$current\" == -* ]]; then\n        case \"${COMP_WORDS[1]}\" in\n", out);
    for (size_t i = 0; commands[i] != NULL; i++) {
        complete_options(out, &style, commands[i]);
    }
    fputs("        esac\n        words=\"$words", out);
    print_words(out, global_options);
    fputs("\"\n    else\n        case \"${COMP_WORDS[1]}\" in\n", out);
    fputs("        new) words=\"", out);
    print_study_names(out);
    fputs("\" ;;\n        help) words=\"", out);
    print_command_names(out);
    fputs("\" ;;\n", out);
    complete_tools(out, &style);
    fputs("        esac\n    fi\n"
          "    if [ -n \"$words\" ]; then\n"
          "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
          "    else\n"
          "        mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
          "    fi\n}\ncomplete -o filenames -F _minbias minbias\n",
        out);
}

static void complete_zsh(FILE *out) {
    static const shell_style style = {"compadd --", "", "$words[3]", "CURRENT == 3"};
    fputs("#compdef minbias\n# zsh completion for minbias; put it into a folder of $fpath\n"
          "if (( CURRENT == 2 )); then\n    compadd --",
        out);
    print_command_names(out);
    fputs("\nelif [[ $PREFIX == -* ]]; then\n    case $words[2] in\n", out);
    for (size_t i = 0; commands[i] != NULL; i++) {
        complete_options(out, &style, commands[i]);
    }
    fputs("    esac\n    compadd --", out);
    print_words(out, global_options);
    fputs("\nelse\n    case $words[2] in\n        new) compadd --", out);
    print_study_names(out);
    fputs(" ;;\n        help) compadd --", out);
    print_command_names(out);
    fputs(" ;;\n", out);
    complete_tools(out, &style);
    fputs("    esac\n    (( compstate[nmatches] )) || _files\nfi\n", out);
}

bool help_completion(FILE *out, const char *shell) {
    if (strcmp(shell, "bash") == 0) {
        complete_bash(out);
    } else if (strcmp(shell, "zsh") == 0) {
        complete_zsh(out);
    } else {
        return false;
    }
    return true;
}
