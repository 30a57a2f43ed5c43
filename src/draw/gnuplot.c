// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "draw/gnuplot.h"

#include "base/numbers.h"
#include "base/output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    MOST_PROCESSES = 16,
    PAUSE_NANOSECONDS = 2000000,
    LONGEST_FOLDER = 4096,
    LONGEST_NAME = 256
};

typedef struct process {
    mb_gnuplot_job *job;
    pid_t id;
    int output; // the reading end of its standard output and error
    double deadline;
    char tail[512]; // the last bytes it printed
    size_t n_tail;
} process;

static bool is_program(const char *path) {
    return !mb_path_is_directory(path) && access(path, X_OK) == 0;
}

static char *absolute_path(mb_context *ctx, const char *path) {
    char folder[LONGEST_FOLDER];
    if (path[0] == '/' || getcwd(folder, sizeof folder) == NULL) {
        return mb_copy_text(ctx, path);
    }
    return mb_path_join(ctx, folder, path);
}

// *out stays NULL where folder (of length bytes) does not have the program.
static mb_status look_into(
    mb_context *ctx, const char *folder, size_t length, const char *program, char **out) {
    char name[LONGEST_FOLDER];
    if (length >= sizeof name) {
        return MB_OK;
    }
    memcpy(name, folder, length);
    name[length] = '\0';
    char *path = mb_path_join(ctx, length > 0 ? name : ".", program);
    if (path == NULL) {
        return MB_ERR_MEMORY;
    }
    if (is_program(path)) {
        *out = absolute_path(ctx, path);
    }
    const bool has_failed = is_program(path) && *out == NULL;
    mb_release(ctx, path);
    return has_failed ? MB_ERR_MEMORY : MB_OK;
}

mb_status mb_gnuplot_find(mb_context *ctx, const char *program, char **out) {
    *out = NULL;
    if (strchr(program, '/') != NULL) {
        if (is_program(program)) {
            *out = absolute_path(ctx, program);
            return *out != NULL ? MB_OK : MB_ERR_MEMORY;
        }
        return MB_OK;
    }
    const char *folder = getenv("PATH");
    while (folder != NULL && *out == NULL) {
        const size_t length = strcspn(folder, ":");
        MB_TRY(look_into(ctx, folder, length, program, out));
        folder = folder[length] == ':' ? folder + length + 1 : NULL;
    }
    return MB_OK;
}

// Between fork and exec: only calls that are safe there.
static void become(const char *program, const char *directory, char *script, int output) {
    char option[] = "-d";
    char name[] = "gnuplot";
    char *const arguments[] = {name, option, script, NULL};
    const int input = open("/dev/null", O_RDONLY);
    if (chdir(directory) == 0 && input >= 0 && dup2(input, STDIN_FILENO) >= 0 &&
        dup2(output, STDOUT_FILENO) >= 0 && dup2(output, STDERR_FILENO) >= 0) {
        execv(program, arguments);
    }
    _exit(127);
}

static void fail_job(mb_gnuplot_job *job, const char *what) {
    mb_format(job->message, sizeof job->message, "%s", what);
}

static void fail_job_by(mb_gnuplot_job *job, int error) {
    char reason[MB_REASON_SIZE];
    fail_job(job, mb_system_reason(error, reason));
}

static bool start(process *p, const char *program, const char *directory, mb_gnuplot_job *job) {
    char script[LONGEST_NAME];
    int ends[2];
    if (mb_format(script, sizeof script, "%s.gp", job->name) >= (int)sizeof script) {
        fail_job(job, "the name is too long");
        return false;
    }
    if (pipe(ends) != 0) {
        fail_job_by(job, errno);
        return false;
    }
    for (int i = 0; i < 2; i++) {
        fcntl(ends[i], F_SETFD, FD_CLOEXEC);
    }
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    const pid_t id = fork();
    if (id == 0) {
        become(program, directory, script, ends[1]);
    }
    const int error = errno;
    close(ends[1]);
    if (id < 0) {
        fail_job_by(job, error);
        close(ends[0]);
        return false;
    }
    *p = (process){.job = job, .id = id, .output = ends[0]};
    return true;
}

// Keeps the pipe empty, so that the process never waits for us, and the end of what it said.
static void drain(process *p) {
    char bytes[512];
    for (;;) {
        const ssize_t got = read(p->output, bytes, sizeof bytes);
        if (got <= 0) {
            return;
        }
        const size_t n = (size_t)got;
        const size_t room = sizeof p->tail - 1;
        const size_t keep = mb_min_size(p->n_tail, room - mb_min_size(n, room));
        memmove(p->tail, p->tail + p->n_tail - keep, keep);
        memcpy(p->tail + keep, bytes, mb_min_size(n, room));
        p->n_tail = keep + mb_min_size(n, room);
    }
}

// The last line that is not blank.
static void keep_message(process *p) {
    while (p->n_tail > 0 && strchr(" \n\r\t", p->tail[p->n_tail - 1]) != NULL) {
        p->n_tail--;
    }
    p->tail[p->n_tail] = '\0';
    const char *line = strrchr(p->tail, '\n');
    fail_job(p->job, p->n_tail == 0 ? "it ended without a word"
                     : line != NULL ? line + 1
                                    : p->tail);
}

// Returns true when the process is gone.
static bool look_after(process *p) {
    drain(p);
    int state = 0;
    const pid_t id = waitpid(p->id, &state, WNOHANG);
    if (id == 0 && mb_seconds_now() < p->deadline) {
        return false;
    }
    if (id == 0) {
        kill(p->id, SIGKILL);
        waitpid(p->id, &state, 0);
        fail_job(p->job, "it took too long");
    } else if (id == p->id && WIFEXITED(state) && WEXITSTATUS(state) == 0) {
        p->job->is_done = true;
    } else {
        drain(p);
        keep_message(p);
    }
    close(p->output);
    return true;
}

void mb_gnuplot_run(const char *program, const char *directory, mb_gnuplot_job *jobs, size_t n_jobs,
    size_t n_processes, double timeout_seconds) {
    process running[MOST_PROCESSES];
    size_t n_running = 0;
    size_t next = 0;
    const size_t most = mb_max_size(1, mb_min_size(n_processes, MOST_PROCESSES));
    while (next < n_jobs || n_running > 0) {
        while (next < n_jobs && n_running < most) {
            if (start(&running[n_running], program, directory, &jobs[next++])) {
                running[n_running++].deadline = mb_seconds_now() + timeout_seconds;
            }
        }
        for (size_t i = 0; i < n_running;) {
            if (look_after(&running[i])) {
                running[i] = running[--n_running];
            } else {
                i++;
            }
        }
        const struct timespec pause = {0, PAUSE_NANOSECONDS};
        nanosleep(&pause, NULL);
    }
}
