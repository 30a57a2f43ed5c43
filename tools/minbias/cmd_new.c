// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "command.h"

#include <unistd.h>

static void list_studies(const mb_session *session) {
    if (session->wants_json) {
        printf("{\"studies\": [");
        for (size_t i = 0; mb_shipped_study_name(i) != NULL; i++) {
            printf("%s\"%s\"", i > 0 ? ", " : "", mb_shipped_study_name(i));
        }
        printf("]}\n");
        return;
    }
    for (size_t i = 0; mb_shipped_study_name(i) != NULL; i++) {
        printf("%-18s %s\n", mb_shipped_study_name(i), mb_shipped_study_help(i));
    }
}

static mb_status fail_kind(const mb_session *session, const char *kind) {
    const char *names[64];
    size_t n = 0;
    for (; n < sizeof names / sizeof names[0] && mb_shipped_study_name(n) != NULL; n++) {
        names[n] = mb_shipped_study_name(n);
    }
    const char *near = nearest_name(kind, names, n);
    return near != NULL
               ? usage_fail(session, "new: unknown study '%s'; did you mean '%s'?", kind, near)
               : usage_fail(session, "new: unknown study '%s'; 'minbias new' lists them", kind);
}

// Under another name first: what is there already stays whole when the disk is full.
static bool write_text(const char *path, const char *text) {
    char part[4096];
    const int n = snprintf(part, sizeof part, "%s.part", path);
    FILE *file = n > 0 && (size_t)n < sizeof part ? fopen(part, "w") : NULL;
    if (file == NULL) {
        return false;
    }
    const bool is_written = fputs(text, file) >= 0 && fflush(file) == 0 && fsync(fileno(file)) == 0;
    const bool is_whole = fclose(file) == 0 && is_written && rename(part, path) == 0;
    if (!is_whole) {
        remove(part);
    }
    return is_whole;
}

static mb_status run(mb_session *session) {
    if (session->arguments.n_operands == 0) {
        list_studies(session);
        return MB_OK;
    }
    const char *kind = session->arguments.operands[0];
    const char *text = mb_shipped_study_text(kind);
    if (text == NULL) {
        return fail_kind(session, kind);
    }
    char usual[128];
    snprintf(usual, sizeof usual, "%s.yaml", kind);
    const char *path = option_text(session, "output", usual);
    if (!session->is_forced && access(path, F_OK) == 0) {
        fprintf(stderr, "minbias: %s: exists already; choose another name with -o or use --force\n",
            path);
        return MB_ERR_IO;
    }
    if (!write_text(path, text)) {
        fprintf(stderr,
            "minbias: %s: cannot be written; check the folder, its permissions and the disk\n",
            path);
        return MB_ERR_IO;
    }
    if (session->wants_json) {
        printf("{\"study\": \"%s\"}\n", kind);
    } else {
        printf("%s: a study to start from; 'minbias check %s' tries it\n", path, path);
    }
    return MB_OK;
}

static const option options[] = {
    {"output", 'o', OPTION_TEXT, "FILE.yaml", "the file to write (default KIND.yaml)"},
    {NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {
    {"KIND", false, true, "the study to start from; without it, lists them"},
    {NULL, false, false, NULL}};

const mb_command command_new = {.name = "new",
    .summary = "a commented study to start from",
    .details = "Copies one of the studies that come with the program: a text to read and to "
               "change.",
    .options = options,
    .operands = operands,
    .example = "minbias new barrel-trigger -o mine.yaml",
    .run = run};
