// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "command.h"

#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

mb_status usage_fail(const mb_session *session, const char *format, ...) {
    (void)session;
    va_list list;
    va_start(list, format);
    fputs("minbias: ", stderr);
    vfprintf(stderr, format, list);
    fputc('\n', stderr);
    va_end(list);
    return MB_ERR_ARG;
}

static bool read_cpu(const char *text, uint32_t *mask) {
    static const struct {
        const char *name;
        uint32_t mask;
    } sets[] = {{"c", 0}, {"avx2", MB_CPU_AVX2}, {"avx512", MB_CPU_AVX2 | MB_CPU_AVX512}};
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        if (strcmp(text, sets[i].name) == 0) {
            *mask = sets[i].mask;
            return true;
        }
    }
    fprintf(stderr, "minbias: --cpu '%s' is not offered; write c, avx2 or avx512\n", text);
    return false;
}

static uint64_t global_count(const mb_arguments *arguments, const char *name) {
    for (size_t i = 0; global_options[i].name != NULL; i++) {
        if (strcmp(global_options[i].name, name) == 0) {
            return arguments->global[i].count;
        }
    }
    return 0;
}

static bool read_globals(mb_session *session, mb_runtime_settings *settings) {
    const mb_arguments *arguments = &session->arguments;
    session->is_quiet = global_is_given(arguments, "quiet");
    session->wants_json = global_is_given(arguments, "json");
    session->is_forced = global_is_given(arguments, "force");
    session->is_terminal = isatty(STDERR_FILENO) == 1;
    if (global_is_given(arguments, "seed")) {
        session->seed_value = global_count(arguments, "seed");
        session->seed = &session->seed_value;
    }
    if (global_is_given(arguments, "threads")) {
        const uint64_t n = global_count(arguments, "threads");
        if (n == 0 || n > 4096) {
            fputs("minbias: --threads is out of range; write a number from 1 to 4096\n", stderr);
            return false;
        }
        settings->n_threads = (unsigned)n;
    }
    if (global_is_given(arguments, "cpu") &&
        !read_cpu(global_text(arguments, "cpu"), &settings->cpu_mask)) {
        return false;
    }
    settings->notice = session_notice;
    settings->notice_user = session;
    return true;
}

static int run(mb_session *session, const mb_command *command) {
    mb_runtime_settings settings = MB_RUNTIME_SETTINGS_INIT;
    if (!read_globals(session, &settings)) {
        return EXIT_USAGE;
    }
    if (mb_runtime_create(&settings, &session->runtime) != MB_OK ||
        mb_context_create(session->runtime, &session->ctx) != MB_OK) {
        fputs("minbias: start: no memory; free some\n", stderr);
        mb_runtime_destroy(session->runtime);
        return EXIT_FAILED;
    }
    const mb_status status = command->run(session);
    session_end_bar(session);
    int code = status == MB_OK ? EXIT_DONE : status == MB_ERR_ARG ? EXIT_USAGE : EXIT_FAILED;
    if (status != MB_OK && mb_context_status(session->ctx) != MB_OK) {
        fprintf(stderr, "minbias: %s\n", mb_context_error_text(session->ctx));
    }
    mb_context_destroy(session->ctx);
    mb_runtime_destroy(session->runtime);
    return code;
}

// Global options may also stand before the command's name.
static int find_command_at(int n, char **texts) {
    for (int i = 1; i < n; i++) {
        if (texts[i][0] != '-') {
            return i;
        }
        const bool takes_value = strcmp(texts[i], "--threads") == 0 ||
                                 strcmp(texts[i], "--seed") == 0 || strcmp(texts[i], "--cpu") == 0;
        i += takes_value;
    }
    return n;
}

// Takes the next word that names a command or tool out of the arguments, so that options on both
// its sides are read as one. NULL: there is none.
static const char *take_word(int *n, char **texts) {
    const int at = find_command_at(*n, texts);
    if (at >= *n) {
        return NULL;
    }
    const char *word = texts[at];
    memmove(texts + at, texts + at + 1, (size_t)(*n - at - 1) * sizeof *texts);
    (*n)--;
    return word;
}

static void show_help(FILE *out, const mb_command *command) {
    if (command != NULL) {
        help_command(out, command);
    } else {
        help_general(out);
    }
}

// What there is to do when no command (NULL), or none of the command's tools, is named.
static int start_without_name(const mb_command *command, int n, char **texts) {
    for (int i = 1; i < n; i++) {
        if (strcmp(texts[i], "--version") == 0) {
            printf("minbias %s\n", mb_version());
            return EXIT_DONE;
        }
        if (strcmp(texts[i], "--help") == 0 || strcmp(texts[i], "-h") == 0) {
            show_help(stdout, command);
            return EXIT_DONE;
        }
        fprintf(stderr, "minbias: %s: unknown option; 'minbias help%s%s' shows the usage\n",
            texts[i], command != NULL ? " " : "", command != NULL ? command->name : "");
        return EXIT_USAGE;
    }
    show_help(stderr, command);
    return EXIT_USAGE;
}

static int run_command(const mb_command *command, int n, char **texts) {
    mb_session *session = calloc(1, sizeof *session);
    if (session == NULL) {
        fputs("minbias: start: no memory; free some\n", stderr);
        return EXIT_FAILED;
    }
    int code = EXIT_USAGE;
    if (arguments_read(&session->arguments, command, n - 1, texts + 1)) {
        if (global_is_given(&session->arguments, "help")) {
            help_command(stdout, command);
            code = EXIT_DONE;
        } else if (global_is_given(&session->arguments, "version")) {
            printf("minbias %s\n", mb_version());
            code = EXIT_DONE;
        } else {
            code = run(session, command);
        }
    }
    free(session);
    return code;
}

static int start(int n, char **texts) {
    const char *word = take_word(&n, texts);
    if (word == NULL) {
        return start_without_name(NULL, n, texts);
    }
    const mb_command *command = command_find(word);
    if (command != NULL && command->tools != NULL) {
        word = take_word(&n, texts);
        if (word == NULL) {
            return start_without_name(command, n, texts);
        }
        command = command_find_tool(command, word);
    }
    return command != NULL ? run_command(command, n, texts) : EXIT_USAGE;
}

// Whoever reads the results has enough of them, as head does: nothing to complain of.
static bool is_reader_gone(void) {
    struct pollfd results = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&results, 1, 0) == 1 && (results.revents & POLLERR) != 0;
}

int main(int n, char **texts) {
    // A closed pipe or a full disk is an error to report, not a reason to die.
    signal(SIGPIPE, SIG_IGN);
#ifdef SIGXFSZ
    signal(SIGXFSZ, SIG_IGN);
#endif
    const int code = start(n, texts);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        if (!is_reader_gone()) {
            fputs("minbias: stdout: the result cannot be written; check the disk\n", stderr);
        }
        return code == EXIT_DONE ? EXIT_FAILED : code;
    }
    return code;
}
