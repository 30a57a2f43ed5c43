// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "command.h"

#include <signal.h>
#include <string.h>

enum { BAR_WIDTH = 24 };

static volatile sig_atomic_t is_interrupted;

static void on_interrupt(int number) {
    (void)number;
    is_interrupted = 1;
    // A second one ends the program at once.
    signal(SIGINT, SIG_DFL);
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

static void print_time(FILE *out, double seconds) {
    const unsigned long whole = seconds < 0     ? 0
                                : seconds > 1e8 ? 100000000
                                                : (unsigned long)seconds;
    if (whole >= 3600) {
        fprintf(out, "%lu:%02lu:%02lu", whole / 3600, whole / 60 % 60, whole % 60);
    } else {
        fprintf(out, "%lu:%02lu", whole / 60, whole % 60);
    }
}

static void draw_bar(void *user, const mb_progress *progress) {
    mb_session *session = user;
    if (session->is_quiet || !session->is_terminal) {
        return;
    }
    char bar[BAR_WIDTH + 1];
    const double part =
        progress->n_total > 0 ? (double)progress->n_samples / (double)progress->n_total : 0;
    for (int i = 0; i < BAR_WIDTH; i++) {
        bar[i] = (double)i < part * BAR_WIDTH ? '#' : '.';
    }
    bar[BAR_WIDTH] = '\0';
    fputs("\r\x1b[K", stderr);
    if (progress->what[0] != '\0') {
        fprintf(stderr, "%s ", progress->what);
    }
    fprintf(stderr, "Epoch %zu/%zu [%s] %zu/%zu", progress->epoch, progress->n_epochs, bar,
        progress->n_samples, progress->n_total);
    if (progress->samples_per_second > 0) {
        fprintf(stderr, " %.0f/s ETA ", progress->samples_per_second);
        print_time(stderr, progress->seconds_left);
    }
    for (size_t i = 0; i < progress->n_figures; i++) {
        fprintf(stderr, " %s %.4f", progress->names[i], progress->figures[i]);
    }
    fflush(stderr);
    session->is_bar_drawn = true;
}

mb_run_settings session_settings(mb_session *session, const char *directory) {
    signal(SIGINT, on_interrupt);
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
