// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE // O_TMPFILE

#include "base/output.h"

#include "base/numbers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

// Names tried for the temporary file before giving up; leftovers of killed runs take some.
enum { MOST_TEMPORARIES = 1000, READ_STEP = 65536 };

static mb_status fail_system(mb_context *ctx, const char *path, const char *what, int error) {
    char reason[MB_REASON_SIZE];
    const bool is_full = error == ENOSPC || error == EDQUOT || error == EFBIG;
    return mb_fail(ctx, MB_ERR_IO, "%s: %s: %s; %s", path, what, mb_system_reason(error, reason),
        is_full ? "free some space, or choose another place"
                : "check the name, the folder and its permissions");
}

// The folder of a file's path, which is cut.
static const char *cut_to_folder(char *path) {
    char *slash = strrchr(path, '/');
    if (slash == NULL) {
        return ".";
    }
    slash[slash == path ? 1 : 0] = '\0';
    return path;
}

// Where the system shows a file that has no name.
enum { SHOWN_SIZE = 48 };
static void show(const mb_output *output, char shown[SHOWN_SIZE]) {
    mb_format(shown, SHOWN_SIZE, "/proc/self/fd/%d", output->descriptor);
}

static bool open_nameless(mb_output *output) {
#ifdef O_TMPFILE
    char shown[SHOWN_SIZE];
    char *folder = output->temporary; // room for a path, not in use yet
    memcpy(folder, output->path, strlen(output->path) + 1);
    output->descriptor = open(cut_to_folder(folder), O_RDWR | O_TMPFILE | O_CLOEXEC, 0666);
    if (output->descriptor < 0) {
        return false;
    }
    show(output, shown);
    output->is_nameless = access(shown, F_OK) == 0;
    if (!output->is_nameless) {
        close(output->descriptor);
        output->descriptor = -1;
    }
#endif
    return output->is_nameless;
}

static bool make_named(mb_output *output) {
    output->descriptor = open(output->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return output->descriptor >= 0;
}

static bool give_name(mb_output *output) {
    char shown[SHOWN_SIZE];
    show(output, shown);
    output->is_nameless =
        linkat(AT_FDCWD, shown, AT_FDCWD, output->temporary, AT_SYMLINK_FOLLOW) != 0;
    return !output->is_nameless;
}

// Tries one temporary name after the other. Returns whether there is a file of that name; errno
// says why not.
static bool try_names(mb_output *output, size_t size, bool (*make)(mb_output *output)) {
    bool is_made = false;
    for (int i = 0; i < MOST_TEMPORARIES && !is_made && (i == 0 || errno == EEXIST); i++) {
        mb_format(output->temporary, size, "%s.part-%ld-%d", output->path, (long)getpid(), i);
        is_made = make(output);
    }
    return is_made;
}

static size_t temporary_size(const mb_output *output) {
    return strlen(output->path) + 48;
}

static mb_status open_temporary(mb_output *output) {
    mb_context *ctx = output->ctx;
    output->temporary = mb_allocate(ctx, temporary_size(output), 1);
    if (output->temporary == NULL) {
        return MB_ERR_MEMORY;
    }
    if (open_nameless(output) || try_names(output, temporary_size(output), make_named)) {
        return MB_OK;
    }
    const int error = errno;
    mb_release(ctx, output->temporary);
    output->temporary = NULL;
    return fail_system(ctx, output->path, "cannot be written", error);
}

mb_status mb_output_open(mb_output *output, mb_context *ctx, const char *path) {
    memset(output, 0, sizeof *output);
    output->ctx = ctx;
    output->descriptor = -1;
    output->path = mb_copy_text(ctx, path);
    if (output->path == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_status status = MB_OK;
    struct stat info;
    const bool exists = stat(path, &info) == 0;
    if (exists && S_ISDIR(info.st_mode)) {
        status = mb_fail(ctx, MB_ERR_IO, "%s: is a folder; give the name of a file", path);
    } else if (exists && !S_ISREG(info.st_mode)) {
        // A device or pipe cannot be replaced by a rename, and must not be.
        output->descriptor = open(path, O_WRONLY | O_CLOEXEC);
        status =
            output->descriptor >= 0 ? MB_OK : fail_system(ctx, path, "cannot be written", errno);
    } else {
        status = open_temporary(output);
    }
    if (status != MB_OK) {
        mb_output_abandon(output);
    }
    return status;
}

mb_status mb_output_write(mb_output *output, const void *bytes, size_t length) {
    const char *p = bytes;
    while (length > 0) {
        const ssize_t n = write(output->descriptor, p, length);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return fail_system(output->ctx, output->path, "writing failed", errno);
        }
        p += n;
        length -= (size_t)n;
    }
    return MB_OK;
}

// After a power cut the new name must be there too. Some file systems cannot sync a folder: then
// the file itself is still whole. Cuts the path.
static void sync_folder(char *path) {
    const int descriptor = open(cut_to_folder(path), O_RDONLY | O_CLOEXEC);
    if (descriptor >= 0) {
        fsync(descriptor);
        close(descriptor);
    }
}

mb_status mb_output_commit(mb_output *output) {
    mb_context *ctx = output->ctx;
    mb_status status = MB_OK;
    if (output->temporary != NULL && fsync(output->descriptor) != 0) {
        status = fail_system(ctx, output->path, "writing failed", errno);
    }
    if (status == MB_OK && output->is_nameless &&
        !try_names(output, temporary_size(output), give_name)) {
        status = fail_system(ctx, output->path, "cannot be written", errno);
    }
    const int closed = close(output->descriptor);
    output->descriptor = -1;
    if (status == MB_OK && closed != 0) {
        status = fail_system(ctx, output->path, "writing failed", errno);
    }
    if (status == MB_OK && output->temporary != NULL) {
        if (rename(output->temporary, output->path) != 0) {
            status = fail_system(ctx, output->path, "cannot be replaced", errno);
        } else {
            mb_release(ctx, output->temporary);
            output->temporary = NULL;
            sync_folder(output->path);
        }
    }
    mb_output_abandon(output);
    return status;
}

void mb_output_abandon(mb_output *output) {
    if (output->ctx == NULL) {
        return;
    }
    if (output->descriptor >= 0) {
        close(output->descriptor);
    }
    if (output->temporary != NULL && !output->is_nameless) {
        unlink(output->temporary);
    }
    mb_release(output->ctx, output->temporary);
    mb_release(output->ctx, output->path);
    memset(output, 0, sizeof *output);
}

mb_status mb_write_file(mb_context *ctx, const char *path, const void *bytes, size_t length) {
    mb_output output;
    MB_TRY(mb_output_open(&output, ctx, path));
    const mb_status status = mb_output_write(&output, bytes, length);
    if (status != MB_OK) {
        mb_output_abandon(&output);
        return status;
    }
    return mb_output_commit(&output);
}

mb_status mb_write_buffer(mb_buffer *buffer, const char *path) {
    mb_status status = buffer->status;
    if (status == MB_OK) {
        status = mb_write_file(buffer->ctx, path, buffer->data, buffer->length);
    }
    mb_buffer_clear(buffer);
    return status;
}

static mb_status fail_size(mb_context *ctx, const char *path, uint64_t most) {
    return mb_fail(ctx, MB_ERR_LIMIT,
        "%s: is larger than the %llu bytes allowed; raise the limit or split the file", path,
        (unsigned long long)most);
}

// Reads to the end whatever fstat said: a pipe has no size, a file may grow.
static mb_status read_all(mb_context *ctx, const char *path, int descriptor, size_t expected,
    char **out, size_t *length) {
    const uint64_t most = mb_context_limits(ctx)->bytes;
    size_t capacity = 0;
    size_t used = 0;
    mb_status status = mb_grow(ctx, out, &capacity, expected + 2, 1);
    while (status == MB_OK) {
        const ssize_t n = read(descriptor, *out + used, capacity - used - 1);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return fail_system(ctx, path, "reading failed", errno);
        }
        if (n == 0) {
            break;
        }
        used += (size_t)n;
        if (used > most) {
            return fail_size(ctx, path, most);
        }
        if (capacity - used < 2) {
            status = mb_grow(ctx, out, &capacity, used + READ_STEP, 1);
        }
    }
    if (status == MB_OK) {
        (*out)[used] = '\0';
        *length = used;
    }
    return status;
}

mb_status mb_read_file(mb_context *ctx, const char *path, char **out, size_t *length) {
    *out = NULL;
    *length = 0;
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        return fail_system(ctx, path, "cannot be read", errno);
    }
    mb_status status = MB_OK;
    struct stat info;
    const uint64_t most = mb_context_limits(ctx)->bytes;
    if (fstat(descriptor, &info) != 0) {
        status = fail_system(ctx, path, "cannot be read", errno);
    } else if (S_ISDIR(info.st_mode)) {
        status = mb_fail(ctx, MB_ERR_IO, "%s: is a folder; give the name of a file", path);
    } else if (S_ISREG(info.st_mode) && (uint64_t)info.st_size > most) {
        status = fail_size(ctx, path, most);
    } else {
        const size_t expected = S_ISREG(info.st_mode) ? (size_t)info.st_size : READ_STEP;
        status = read_all(ctx, path, descriptor, expected, out, length);
    }
    close(descriptor);
    if (status != MB_OK) {
        mb_release(ctx, *out);
        *out = NULL;
    }
    return status;
}
