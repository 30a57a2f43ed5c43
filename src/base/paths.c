// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/numbers.h"
#include "base/output.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

bool mb_path_exists(const char *path) {
    struct stat info;
    return stat(path, &info) == 0;
}

bool mb_path_is_directory(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool mb_path_has_suffix(const char *path, const char *suffix) {
    const size_t n = strlen(path);
    const size_t m = strlen(suffix);
    return n > m && strcmp(path + n - m, suffix) == 0;
}

static mb_status fail_folder(mb_context *ctx, const char *path, const char *what, int error) {
    char reason[MB_REASON_SIZE];
    return mb_fail(ctx, MB_ERR_IO, "%s: %s: %s; check the name and its permissions", path, what,
        mb_system_reason(error, reason));
}

mb_status mb_make_directory(mb_context *ctx, const char *path) {
    size_t n_made;
    return mb_make_directories(ctx, path, &n_made);
}

mb_status mb_make_directories(mb_context *ctx, const char *path, size_t *n_made) {
    *n_made = 0;
    char *copy = mb_copy_text(ctx, path);
    if (copy == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_status status = MB_OK;
    for (char *p = copy + (*copy == '/'); status == MB_OK; p++) {
        if (*p != '/' && *p != '\0') {
            continue;
        }
        const char ending = *p;
        *p = '\0';
        if (*copy != '\0' && mkdir(copy, 0777) == 0) {
            ++*n_made;
        } else if (*copy != '\0') {
            const int error = errno;
            if (!mb_path_is_directory(copy)) {
                status = fail_folder(ctx, copy, "the folder cannot be made", error);
            }
        }
        *p = ending;
        if (ending == '\0') {
            break;
        }
    }
    mb_release(ctx, copy);
    return status;
}

void mb_unmake_directories(const char *path, size_t n_made) {
    char copy[PATH_MAX];
    size_t n = strlen(path);
    if (n >= sizeof copy) {
        return;
    }
    memcpy(copy, path, n + 1);
    for (; n_made > 0 && n > 0 && rmdir(copy) == 0; n_made--) {
        while (n > 0 && copy[n - 1] == '/') {
            n--;
        }
        while (n > 0 && copy[n - 1] != '/') {
            n--;
        }
        copy[n] = '\0';
    }
}

static void remove_below(const char *path, unsigned depth) {
    enum { DEEPEST = 16 };
    char child[PATH_MAX];
    DIR *folder = depth < DEEPEST ? opendir(path) : NULL;
    if (folder == NULL) {
        return;
    }
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        struct stat info;
        const int n = mb_format(child, sizeof child, "%s/%s", path, entry->d_name);
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 || n < 0 ||
            (size_t)n >= sizeof child || lstat(child, &info) != 0) {
            continue;
        }
        if (S_ISDIR(info.st_mode)) {
            remove_below(child, depth + 1);
        }
        remove(child);
    }
    closedir(folder);
}

void mb_empty_directory(const char *path) {
    remove_below(path, 0);
}

// Takes out "." steps and doubled slashes. ".." stays: across a symbolic link it is not the parent.
static void normalise(char *path) {
    char *out = path;
    const char *p = path;
    const bool is_absolute = *p == '/';
    if (is_absolute) {
        *out++ = *p++;
    }
    char *start = out;
    while (*p != '\0') {
        const size_t length = strcspn(p, "/");
        if (length > 0 && !(length == 1 && p[0] == '.')) {
            if (out > start) {
                *out++ = '/';
            }
            memmove(out, p, length);
            out += length;
        }
        p += length;
        p += *p == '/';
    }
    if (out == path) {
        *out++ = '.';
    }
    *out = '\0';
}

char *mb_path_join(mb_context *ctx, const char *directory, const char *name) {
    const bool is_alone = name[0] == '/' || directory == NULL || directory[0] == '\0';
    const size_t n_before = is_alone ? 0 : strlen(directory);
    const size_t n_name = strlen(name);
    char *path = mb_allocate(ctx, n_before + n_name + 3, 1);
    if (path == NULL) {
        return NULL;
    }
    if (!is_alone) {
        memcpy(path, directory, n_before);
        path[n_before] = '/';
    }
    memcpy(path + n_before + !is_alone, name, n_name + 1);
    normalise(path);
    return path;
}

mb_status mb_names_of_directory(mb_names *names, mb_context *ctx, const char *path) {
    memset(names, 0, sizeof *names);
    names->ctx = ctx;
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return fail_folder(ctx, path, "the folder cannot be read", errno);
    }
    mb_status status = MB_OK;
    errno = 0;
    for (const struct dirent *entry = readdir(folder); entry != NULL && status == MB_OK;
         entry = readdir(folder)) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            status = names->n < mb_context_limits(ctx)->objects
                         ? mb_names_take(names, mb_copy_text(ctx, entry->d_name))
                         : mb_fail(ctx, MB_ERR_LIMIT,
                               "%s: has more entries than allowed; use a smaller folder", path);
        }
        errno = 0;
    }
    if (status == MB_OK && errno != 0) {
        status = fail_folder(ctx, path, "the folder cannot be read", errno);
    }
    closedir(folder);
    if (status != MB_OK) {
        mb_names_clear(names);
        return status;
    }
    mb_names_sort(names);
    return MB_OK;
}

// [abc], [a-z], [!a]: whether c is in it. *pattern is moved behind the bracket; one that is never
// closed stands for itself.
static bool is_in_bracket(const char **pattern, char c) {
    const char *p = *pattern + 1;
    const bool is_negated = *p == '!' || *p == '^';
    p += is_negated;
    bool is_in = false;
    const char *first = p;
    while (*p != '\0' && (*p != ']' || p == first)) {
        const bool is_range = p[1] == '-' && p[2] != '\0' && p[2] != ']';
        const unsigned char least = (unsigned char)p[0];
        const unsigned char most = (unsigned char)p[is_range ? 2 : 0];
        is_in = is_in || ((unsigned char)c >= least && (unsigned char)c <= most);
        p += is_range ? 3 : 1;
    }
    if (*p != ']') {
        (*pattern)++;
        return c == '[';
    }
    *pattern = p + 1;
    return is_in != is_negated;
}

// Own matching: the C library's depends on the locale. A leading point must be written, as in a
// shell. Going back only to the last star keeps it below |pattern| * |name| steps.
static bool is_match(const char *pattern, const char *name) {
    if (name[0] == '.' && pattern[0] != '.') {
        return false;
    }
    const char *star = NULL;
    const char *star_name = NULL;
    while (*name != '\0') {
        if (*pattern == '*') {
            star = ++pattern;
            star_name = name;
            continue;
        }
        const char *next = pattern;
        bool fits = false;
        if (*pattern == '[') {
            fits = is_in_bracket(&next, *name);
        } else if (*pattern != '\0') {
            fits = *pattern == '?' || *pattern == *name;
            next = pattern + 1;
        }
        if (fits) {
            pattern = next;
            name++;
        } else if (star != NULL) {
            pattern = star;
            name = ++star_name;
        } else {
            return false;
        }
    }
    while (*pattern == '*') {
        pattern++;
    }
    return *pattern == '\0';
}

static mb_status add_matches(
    mb_names *names, mb_context *ctx, const char *folder, const char *pattern) {
    mb_names entries = {0};
    mb_status status = mb_names_of_directory(&entries, ctx, folder);
    for (size_t i = 0; status == MB_OK && i < entries.n; i++) {
        if (is_match(pattern, entries.name[i])) {
            status = mb_names_take(names, mb_path_join(ctx, folder, entries.name[i]));
        }
    }
    mb_names_clear(&entries);
    return status;
}

// The folder part of a path, "/" and "." included. NULL on failure.
static char *folder_of(mb_context *ctx, const char *path) {
    const char *slash = strrchr(path, '/');
    char *folder = mb_copy_text(ctx, slash != NULL ? path : ".");
    if (folder != NULL && slash != NULL) {
        folder[slash == path ? 1 : slash - path] = '\0';
    }
    return folder;
}

mb_status mb_names_of_pattern(
    mb_names *names, mb_context *ctx, const char *directory, const char *pattern) {
    memset(names, 0, sizeof *names);
    names->ctx = ctx;
    char *path = mb_path_join(ctx, directory, pattern);
    if (path == NULL) {
        return MB_ERR_MEMORY;
    }
    // A file of exactly that name wins over the pattern's meaning.
    if (mb_path_exists(path)) {
        return mb_names_take(names, path);
    }
    mb_status status = MB_OK;
    const char *slash = strrchr(path, '/');
    const char *last = slash != NULL ? slash + 1 : path;
    if (strpbrk(last, "*?[") != NULL) {
        char *folder = folder_of(ctx, path);
        if (folder == NULL) {
            status = MB_ERR_MEMORY;
        } else if (mb_path_is_directory(folder)) {
            status = add_matches(names, ctx, folder, last);
        }
        mb_release(ctx, folder);
    }
    mb_release(ctx, path);
    if (status != MB_OK) {
        mb_names_clear(names);
    }
    return status;
}
