// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/concentrator/files.h"

#include "base/numbers.h"

static mb_status add_file(mb_names *names, mb_context *ctx, const char *path) {
    for (size_t i = 0; i < names->n; i++) {
        if (strcmp(names->name[i], path) == 0) {
            return mb_fail(ctx, MB_ERR_FORMAT, "%s: named twice; name every file once", path);
        }
    }
    MB_TRY(mb_grow(ctx, &names->name, &names->capacity, names->n + 1, sizeof *names->name));
    names->name[names->n] = mb_copy_text(ctx, path);
    return names->name[names->n] != NULL ? (names->n++, MB_OK) : MB_ERR_MEMORY;
}

// The mark of simulated data and hidden files are no charges.
static bool is_other(const char *name) {
    return name[0] == '.' || strncmp(name, "simulated.", strlen("simulated.")) == 0;
}

static mb_status add_folder(mb_names *names, mb_context *ctx, const char *folder) {
    mb_names entries = {0};
    mb_status status = mb_names_of_directory(&entries, ctx, folder);
    for (size_t i = 0; i < entries.n && status == MB_OK; i++) {
        if (is_other(entries.name[i])) {
            continue;
        }
        char *path = mb_path_join(ctx, folder, entries.name[i]);
        if (path == NULL) {
            status = MB_ERR_MEMORY;
        } else if (!mb_path_is_directory(path)) {
            status = add_file(names, ctx, path);
        }
        mb_release(ctx, path);
    }
    mb_names_clear(&entries);
    return status;
}

static mb_status add_pattern(
    mb_names *names, mb_context *ctx, const char *directory, const char *pattern) {
    mb_names found = {0};
    mb_status status = mb_names_of_pattern(&found, ctx, directory, pattern);
    for (size_t i = 0; i < found.n && status == MB_OK; i++) {
        status = mb_path_is_directory(found.name[i]) ? add_folder(names, ctx, found.name[i])
                                                     : add_file(names, ctx, found.name[i]);
    }
    mb_names_clear(&found);
    return status;
}

static mb_status collect(mb_context *ctx, const mb_detector_request *request,
    const mb_calq_settings *settings, mb_names *out) {
    *out = (mb_names){.ctx = ctx};
    for (size_t i = 0; i < settings->files.n; i++) {
        MB_TRY(add_pattern(out, ctx, request->directory, settings->files.value[i]));
    }
    return MB_OK;
}

// Whether a path tells a number of links (nElinks_<n>): the last that it tells, or 0.
static size_t elinks_of(const char *path) {
    static const char mark[] = "nElinks_";
    size_t n = 0;
    for (const char *p = strstr(path, mark); p != NULL; p = strstr(p, mark)) {
        uint64_t number;
        p += strlen(mark);
        if (mb_parse_uint64(p, p + strlen(p), &number) != NULL) {
            n = (size_t)number;
        }
    }
    return n;
}

static mb_status check_links(mb_context *ctx, const mb_calq_settings *settings, const char *path) {
    const size_t n = elinks_of(path);
    if (n == settings->elinks) {
        return MB_OK;
    }
    if (n == 0) {
        return mb_fail(ctx, MB_ERR_FORMAT,
            "%s: the path does not tell its number of links; move it to a folder nElinks_%zu, or "
            "set data.override_input: true",
            path, settings->elinks);
    }
    return mb_fail(ctx, MB_ERR_FORMAT,
        "%s: the path tells %zu links, the study %zu; set data.elinks: %zu, or "
        "data.override_input: true",
        path, n, settings->elinks, n);
}

static mb_status fail_none(
    mb_context *ctx, const mb_detector_request *request, const mb_calq_settings *settings) {
    const bool is_here = request->directory == NULL || request->directory[0] == '\0';
    const char *place = is_here ? "." : request->directory;
    if (!mb_path_is_directory(place)) {
        return mb_fail(ctx, MB_ERR_IO, "%s: no such directory; set data.dir", place);
    }
    return mb_fail(ctx, MB_ERR_IO,
        "%s: no charge file '%s'; set data.dir or data.files, or make toy files with minbias "
        "simulate concentrator",
        place, settings->files.value[0]);
}

mb_status mb_calq_files_find(mb_context *ctx, const mb_detector_request *request,
    const mb_calq_settings *settings, mb_names *out) {
    *out = (mb_names){.ctx = ctx};
    for (size_t i = 0; i < request->n_files; i++) {
        MB_TRY(add_file(out, ctx, request->files[i]));
    }
    if (request->n_files > 0) {
        return MB_OK;
    }
    MB_TRY(collect(ctx, request, settings, out));
    if (out->n == 0) {
        return fail_none(ctx, request, settings);
    }
    for (size_t i = 0; i < out->n && !settings->override_input; i++) {
        MB_TRY(check_links(ctx, settings, out->name[i]));
    }
    return MB_OK;
}

mb_status mb_calq_has_files(mb_context *ctx, const mb_detector_request *request,
    const mb_calq_settings *settings, bool *out) {
    mb_names names;
    const mb_status status = collect(ctx, request, settings, &names);
    *out = names.n > 0;
    mb_names_clear(&names);
    return status;
}
