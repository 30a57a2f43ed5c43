// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "command.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

enum { LONGEST_NAME = 64 };

static size_t smallest(size_t a, size_t b, size_t c) {
    const size_t least = a < b ? a : b;
    return least < c ? least : c;
}

// Edits (put in, take out, replace) that lead from one name to the other.
static size_t distance(const char *a, const char *b) {
    size_t row[LONGEST_NAME + 1];
    const size_t n = strlen(b);
    if (n > LONGEST_NAME || strlen(a) > LONGEST_NAME) {
        return SIZE_MAX;
    }
    for (size_t j = 0; j <= n; j++) {
        row[j] = j;
    }
    for (size_t i = 0; a[i] != '\0'; i++) {
        size_t corner = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < n; j++) {
            const size_t above = row[j + 1];
            row[j + 1] = smallest(above + 1, row[j] + 1, corner + (a[i] != b[j]));
            corner = above;
        }
    }
    return row[n];
}

const char *nearest_name(const char *text, const char *const *names, size_t n) {
    const char *best = NULL;
    size_t least = strlen(text) / 3 + 2;
    // A beginning is more often a short form than a slip of the same length.
    for (size_t i = 0; i < n && text[0] != '\0'; i++) {
        if (strncmp(text, names[i], strlen(text)) == 0) {
            return names[i];
        }
    }
    for (size_t i = 0; i < n; i++) {
        const size_t edits = distance(text, names[i]);
        if (edits < least) {
            least = edits;
            best = names[i];
        }
    }
    return best;
}

static const option *find_option(const option *options, const char *name, size_t length) {
    for (const option *o = options; o->name != NULL; o++) {
        if (strlen(o->name) == length && memcmp(o->name, name, length) == 0) {
            return o;
        }
    }
    return NULL;
}

static const option *find_letter(const option *options, char letter) {
    for (const option *o = options; o->name != NULL; o++) {
        if (o->letter == letter) {
            return o;
        }
    }
    return NULL;
}

static bool fail_option(const mb_command *command, const char *text) {
    const char *names[2 * MOST_OPTIONS];
    size_t n = 0;
    for (const option *o = command->options; o->name != NULL; o++) {
        names[n++] = o->name;
    }
    for (const option *o = global_options; o->name != NULL; o++) {
        names[n++] = o->name;
    }
    char name[LONGEST_NAME + 1] = "";
    const char *start = text + strspn(text, "-");
    const size_t length = strcspn(start, "=");
    if (length <= LONGEST_NAME) {
        memcpy(name, start, length);
        name[length] = '\0';
    }
    const char *near = name[0] != '\0' ? nearest_name(name, names, n) : NULL;
    if (near != NULL) {
        fprintf(stderr, "minbias: %s: unknown option %s; did you mean --%s?\n", command->name, text,
            near);
    } else {
        bool takes_keys = false;
        for (const option *o = command->options; o->name != NULL; o++) {
            takes_keys = takes_keys || strcmp(o->name, "set") == 0;
        }
        fprintf(stderr, "minbias: %s: unknown option %s; 'minbias help %s' lists them%s\n",
            command->name, text, command->name,
            takes_keys ? ", and keys are given as --set KEY=VALUE" : "");
    }
    return false;
}

static bool read_count(
    const mb_command *command, const option *o, const char *text, uint64_t *out) {
    uint64_t value = 0;
    bool is_good = text[0] != '\0';
    for (const char *p = text; *p != '\0' && is_good; p++) {
        const uint64_t digit = (uint64_t)(*p - '0');
        is_good = *p >= '0' && *p <= '9' && value <= (UINT64_MAX - digit) / 10;
        value = value * 10 + digit;
    }
    if (!is_good) {
        fprintf(stderr,
            "minbias: %s: --%s '%s' is not a count; write a whole number of at least 0\n",
            command->name, o->name, text);
    }
    *out = value;
    return is_good;
}

static bool store(
    mb_arguments *arguments, const mb_command *command, const option *o, const char *text) {
    const bool is_global = find_option(command->options, o->name, strlen(o->name)) != o;
    const size_t index = (size_t)(o - (is_global ? global_options : command->options));
    if (o->kind != OPTION_LIST && o->kind != OPTION_FLAG &&
        (is_global ? arguments->global : arguments->value)[index].is_given) {
        fprintf(stderr, "minbias: %s: --%s is given twice; keep one\n", command->name, o->name);
        return false;
    }
    (is_global ? arguments->global : arguments->value)[index].is_given = true;
    (is_global ? arguments->global : arguments->value)[index].text = text;
    if (o->kind == OPTION_COUNT || o->kind == OPTION_NEEDED_COUNT) {
        return read_count(
            command, o, text, &(is_global ? arguments->global : arguments->value)[index].count);
    }
    if (o->kind == OPTION_LIST) {
        if (arguments->value[index].n_list == MOST_LIST) {
            fprintf(stderr, "minbias: %s: --%s is given more than %d times; use a study file\n",
                command->name, o->name, MOST_LIST);
            return false;
        }
        arguments->value[index].list[arguments->value[index].n_list++] = text;
    }
    return true;
}

// One option at texts[*i]; moves *i over its value.
static bool read_option(
    mb_arguments *arguments, const mb_command *command, int n, char **texts, int *i) {
    const char *text = texts[*i];
    const option *o = NULL;
    const char *value = NULL;
    if (text[1] == '-') {
        const size_t length = strcspn(text + 2, "=");
        o = find_option(command->options, text + 2, length);
        o = o != NULL ? o : find_option(global_options, text + 2, length);
        value = text[2 + length] == '=' ? text + 3 + length : NULL;
    } else if (text[2] != '\0' &&
               find_option(command->options, text + 1, strlen(text + 1)) != NULL) {
        // A whole name behind one dash, as some write it.
        o = find_option(command->options, text + 1, strlen(text + 1));
    } else {
        o = find_letter(command->options, text[1]);
        o = o != NULL ? o : find_letter(global_options, text[1]);
        value = text[2] != '\0' ? text + 2 : NULL;
    }
    if (o == NULL) {
        return fail_option(command, text);
    }
    if (o->kind == OPTION_FLAG) {
        if (value != NULL) {
            fprintf(
                stderr, "minbias: %s: --%s takes no value; leave it out\n", command->name, o->name);
            return false;
        }
    } else if (value == NULL) {
        // An option as a value is a forgotten value; --name=--value says that it is meant.
        if (*i + 1 >= n || strncmp(texts[*i + 1], "--", 2) == 0) {
            fprintf(stderr, "minbias: %s: --%s needs a value; write --%s %s\n", command->name,
                o->name, o->name, o->value);
            return false;
        }
        value = texts[++*i];
    }
    // A shell's variable that was never set must not stand for the folder one is in.
    if ((o->kind == OPTION_TEXT || o->kind == OPTION_NEEDED_TEXT) && value[0] == '\0') {
        fprintf(stderr, "minbias: %s: --%s is empty; write --%s %s\n", command->name, o->name,
            o->name, o->value);
        return false;
    }
    return store(arguments, command, o, value);
}

static bool check_operands(const mb_arguments *arguments, const mb_command *command) {
    size_t least = 0;
    size_t most = 0;
    const char *missing = NULL;
    for (const operand *o = command->operands; o->name != NULL; o++) {
        if (!o->is_optional) {
            if (least == arguments->n_operands && missing == NULL) {
                missing = o->name;
            }
            least++;
        }
        most = o->is_many ? MOST_OPERANDS : most + 1;
    }
    if (missing != NULL) {
        fprintf(stderr, "minbias: %s: %s is missing; 'minbias help %s' shows the usage\n",
            command->name, missing, command->name);
        return false;
    }
    if (arguments->n_operands > most) {
        fprintf(stderr,
            "minbias: %s: '%s' is one argument too many; 'minbias help %s' shows the usage\n",
            command->name, arguments->operands[most], command->name);
        return false;
    }
    const operand *o = command->operands;
    for (size_t i = 0; i < arguments->n_operands; i++) {
        if (arguments->operands[i][0] == '\0') {
            fprintf(stderr, "minbias: %s: %s is empty; 'minbias help %s' shows the usage\n",
                command->name, o->name, command->name);
            return false;
        }
        o += !o->is_many;
    }
    return true;
}

bool arguments_read(
    mb_arguments *arguments, const mb_command *command, int n_arguments, char **texts) {
    arguments->options = command->options;
    bool is_end = false;
    for (int i = 0; i < n_arguments; i++) {
        const char *text = texts[i];
        if (!is_end && strcmp(text, "--") == 0) {
            is_end = true;
        } else if (!is_end && text[0] == '-' && text[1] != '\0') {
            if (!read_option(arguments, command, n_arguments, texts, &i)) {
                return false;
            }
        } else if (arguments->n_operands == MOST_OPERANDS) {
            fprintf(stderr, "minbias: %s: more than %d arguments; name a folder or a pattern\n",
                command->name, MOST_OPERANDS);
            return false;
        } else {
            arguments->operands[arguments->n_operands++] = text;
        }
    }
    return global_is_given(arguments, "help") || check_operands(arguments, command);
}

static size_t index_of(const option *options, const char *name) {
    const option *o = find_option(options, name, strlen(name));
    assert(o != NULL);
    return (size_t)(o - options);
}

const char *option_text(const mb_session *session, const char *name, const char *otherwise) {
    const size_t i = index_of(session->arguments.options, name);
    const bool is_given = session->arguments.value[i].is_given;
    return is_given ? session->arguments.value[i].text : otherwise;
}

uint64_t option_count(const mb_session *session, const char *name, uint64_t otherwise) {
    const size_t i = index_of(session->arguments.options, name);
    const bool is_given = session->arguments.value[i].is_given;
    return is_given ? session->arguments.value[i].count : otherwise;
}

bool option_is_given(const mb_session *session, const char *name) {
    return session->arguments.value[index_of(session->arguments.options, name)].is_given;
}

const char *const *option_list(const mb_session *session, const char *name, size_t *n) {
    const size_t i = index_of(session->arguments.options, name);
    *n = session->arguments.value[i].n_list;
    return session->arguments.value[i].list;
}

bool global_is_given(const mb_arguments *arguments, const char *name) {
    return arguments->global[index_of(global_options, name)].is_given;
}

const char *global_text(const mb_arguments *arguments, const char *name) {
    return arguments->global[index_of(global_options, name)].text;
}
