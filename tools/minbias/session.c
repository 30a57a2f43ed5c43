// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "command.h"

#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { LEAST_BAR = 6, MOST_BAR = 30 };

static volatile sig_atomic_t is_interrupted;

static void on_interrupt(int number) {
    is_interrupted = 1;
    // A second one ends the program at once.
    signal(number, SIG_DFL);
}

static bool is_cancelled(void *user) {
    (void)user;
    return is_interrupted != 0;
}

void session_end_bar(mb_session *session) {
    if (session->is_bar_drawn) {
        fputs("\r\x1b[K", stderr);
        session->is_bar_drawn = false;
    }
}

void session_notice(void *user, mb_notice_level level, const char *where, const char *text) {
    mb_session *session = user;
    if (session->is_quiet && level != MB_NOTICE_WARNING) {
        return;
    }
    session_end_bar(session);
    const char *kind = level == MB_NOTICE_WARNING ? "warning: " : "";
    fprintf(stderr, "minbias: %s%s: %s\n", kind, where, text);
}

static void print_line(void *user, const char *text) {
    mb_session *session = user;
    if (session->is_quiet) {
        return;
    }
    session_end_bar(session);
    fprintf(stderr, "%s\n", text);
}

static const char *time_text(double seconds, char *text, size_t size) {
    const unsigned long whole = seconds < 0     ? 0
                                : seconds > 1e8 ? 100000000
                                                : (unsigned long)seconds;
    if (whole >= 3600) {
        snprintf(text, size, "%lu:%02lu:%02lu", whole / 3600, whole / 60 % 60, whole % 60);
    } else {
        snprintf(text, size, "%lu:%02lu", whole / 60, whole % 60);
    }
    return text;
}

// Columns of the terminal, so that a line of the bar never wraps: a wrapped one cannot be redrawn.
static size_t terminal_width(void) {
    enum { USUAL = 80 };
#ifdef TIOCGWINSZ
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        return size.ws_col;
    }
#endif
    return USUAL;
}

static void add(char *line, size_t size, const char *format, ...) MB_PRINTF(3, 4);
static void add(char *line, size_t size, const char *format, ...) {
    const size_t used = strlen(line);
    va_list list;
    va_start(list, format);
    vsnprintf(line + used, size - used, format, list);
    va_end(list);
}

static void draw_bar(void *user, const mb_progress *progress) {
    mb_session *session = user;
    if (session->is_quiet || !session->is_terminal) {
        return;
    }
    char head[160] = "";
    char tail[320] = "";
    if (progress->what[0] != '\0') {
        add(head, sizeof head, "%.40s ", progress->what);
    }
    add(head, sizeof head, "Epoch %zu/%zu", progress->epoch, progress->n_epochs);
    add(tail, sizeof tail, "%zu/%zu", progress->n_samples, progress->n_total);
    if (progress->samples_per_second > 0) {
        char left[32];
        add(tail, sizeof tail, " %.0f/s ETA %s", progress->samples_per_second,
            time_text(progress->seconds_left, left, sizeof left));
    }
    for (size_t i = 0; i < progress->n_figures; i++) {
        add(tail, sizeof tail, " %s %.4f", progress->names[i], progress->figures[i]);
    }
    // What does not fit goes from the end: loss and accuracy come first among the figures.
    const size_t width = terminal_width() - 1;
    const size_t taken = strlen(head) + strlen(tail) + 4;
    const size_t room = width > taken ? width - taken : 0;
    const size_t n_cells = room < LEAST_BAR ? 0 : room < MOST_BAR ? room : MOST_BAR;
    const double part =
        progress->n_total > 0 ? (double)progress->n_samples / (double)progress->n_total : 0;
    char line[640] = "";
    add(line, sizeof line, "%s ", head);
    if (n_cells > 0) {
        char bar[MOST_BAR + 1];
        for (size_t i = 0; i < n_cells; i++) {
            bar[i] = (double)i < part * (double)n_cells ? '#' : '.';
        }
        bar[n_cells] = '\0';
        add(line, sizeof line, "[%s] ", bar);
    }
    add(line, sizeof line, "%s", tail);
    fprintf(stderr, "\r\x1b[K%.*s", (int)width, line);
    fflush(stderr);
    session->is_bar_drawn = true;
}

mb_run_settings session_settings(mb_session *session, const char *directory) {
    // Batch systems end a job that is over its time with SIGTERM.
    signal(SIGINT, on_interrupt);
    signal(SIGTERM, on_interrupt);
    return (mb_run_settings){.directory = directory,
        .is_forced = session->is_forced,
        .line = print_line,
        .progress = draw_bar,
        .is_cancelled = is_cancelled,
        .user = session};
}

void session_answer(mb_session *session, mb_answer *answer) {
    session_end_bar(session);
    if (session->wants_json) {
        printf("%s\n", mb_answer_json(answer));
    } else {
        fputs(mb_answer_text(answer), stdout);
    }
    mb_answer_destroy(answer);
}

mb_study_settings session_study_settings(const mb_session *session) {
    mb_study_settings settings = {.seed = session->seed};
    settings.overrides = option_list(session, "set", &settings.n_overrides);
    return settings;
}

mb_status session_open_study(mb_session *session, mb_study **out) {
    const mb_study_settings settings = session_study_settings(session);
    return mb_study_open(session->ctx, session->arguments.operands[0], &settings, out);
}

mb_status session_run_study(mb_session *session, bool is_training_only) {
    const char *directory = option_text(session, "output", NULL);
    if (directory == NULL) {
        return usage_fail(session, "%s: -o RUN is missing; name the folder of the run",
            is_training_only ? "train" : "run");
    }
    const char *initial = option_text(session, "init", NULL);
    if (initial != NULL) {
        initial = session_model_path(session, initial);
        if (initial == NULL) {
            return MB_ERR_IO;
        }
    }
    mb_study *study = NULL;
    mb_answer *answer = NULL;
    mb_status status = session_open_study(session, &study);
    if (status == MB_OK) {
        mb_run_settings settings = session_settings(session, directory);
        settings.is_training_only = is_training_only;
        settings.initial_model = initial;
        settings.is_resumed = option_is_given(session, "resume");
        status = mb_study_run(session->ctx, study, &settings, &answer);
    }
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    mb_study_destroy(study);
    return status;
}

static bool has_inside(const char *folder, const char *name) {
    char path[4096];
    const int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    return n > 0 && (size_t)n < sizeof path && access(path, F_OK) == 0;
}

static void fail_model(const char *run) {
    const char *what = has_inside(run, "fits") ? "name one of the folders below its fits/"
                       : has_inside(run, "trials.jsonl")
                           ? "it is a scan: name best/ in it"
                           : "it was stopped before it stored any weights: train or run with "
                             "--resume";
    fprintf(stderr, "minbias: %s: has no model of its own; %s\n", run, what);
}

const char *session_model_path(mb_session *session, const char *name) {
    if (!mb_run_is_directory(name)) {
        return name;
    }
    const int n = snprintf(session->model_path, sizeof session->model_path, "%s/model.h5", name);
    if (n <= 0 || (size_t)n >= sizeof session->model_path) {
        return name;
    }
    if (access(session->model_path, F_OK) != 0) {
        fail_model(name);
        return NULL;
    }
    return session->model_path;
}
