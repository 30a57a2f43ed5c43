// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/zip.h"

#include <sys/stat.h>
#include <zip.h>

// Deflate cannot shrink more than 1032 to 1: a member that claims to is no honest one.
enum { MOST_SHRINKING = 1032, SMALL_MEMBER = 4096 };

struct mb_zip {
    mb_context *ctx;
    char *name;
    zip_t *archive;
    uint64_t file_size;
    mb_names members;
    zip_stat_t *about; // of each member
};

static mb_status check_name(const mb_zip *zip, const char *name) {
    bool is_bad = name[0] == '\0' || name[0] == '/' || strchr(name, '\\') != NULL ||
                  (name[0] != '\0' && name[1] == ':');
    for (const char *part = name; part != NULL && !is_bad;) {
        const char *slash = strchr(part, '/');
        const size_t length = slash == NULL ? strlen(part) : (size_t)(slash - part);
        is_bad = (length == 2 && memcmp(part, "..", 2) == 0) || (length == 1 && part[0] == '.') ||
                 (length == 0 && slash != NULL);
        part = slash == NULL ? NULL : slash + 1;
    }
    return is_bad ? mb_fail(zip->ctx, MB_ERR_FORMAT,
                        "%s: member '%s' has a name that leads out of the archive; do not trust "
                        "this file",
                        zip->name, name)
                  : MB_OK;
}

static mb_status check_member(const mb_zip *zip, const zip_stat_t *about) {
    const zip_uint64_t all =
        ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;
    if ((about->valid & all) != all) {
        return mb_fail(
            zip->ctx, MB_ERR_FORMAT, "%s: a member without a size; make it again", zip->name);
    }
    MB_TRY(check_name(zip, about->name));
    const bool is_encrypted =
        (about->valid & ZIP_STAT_ENCRYPTION_METHOD) != 0 && about->encryption_method != ZIP_EM_NONE;
    if (is_encrypted ||
        (about->comp_method != ZIP_CM_STORE && about->comp_method != ZIP_CM_DEFLATE)) {
        return mb_fail(zip->ctx, MB_ERR_UNSUPPORTED,
            "%s: member '%s' is encrypted or packed in a way that is not offered; use deflate",
            zip->name, about->name);
    }
    const bool is_stored = about->comp_method == ZIP_CM_STORE;
    const bool is_lie =
        about->comp_size > zip->file_size || (is_stored && about->size != about->comp_size) ||
        (about->size > SMALL_MEMBER && about->size / MOST_SHRINKING > about->comp_size);
    if (is_lie) {
        return mb_fail(zip->ctx, MB_ERR_FORMAT,
            "%s: member '%s' claims %llu bytes out of %llu, which cannot be; the file is damaged",
            zip->name, about->name, (unsigned long long)about->size,
            (unsigned long long)about->comp_size);
    }
    return MB_OK;
}

static mb_status check_twice(const mb_zip *zip) {
    const size_t n = zip->members.n;
    char **sorted = mb_allocate(zip->ctx, n, sizeof *sorted);
    if (sorted == NULL) {
        return MB_ERR_MEMORY;
    }
    memcpy(sorted, zip->members.name, n * sizeof *sorted);
    mb_names view = {.ctx = zip->ctx, .name = sorted, .n = n};
    mb_names_sort(&view);
    mb_status status = MB_OK;
    for (size_t i = 1; i < n && status == MB_OK; i++) {
        if (strcmp(sorted[i - 1], sorted[i]) == 0) {
            status = mb_fail(zip->ctx, MB_ERR_FORMAT,
                "%s: member '%s' is there twice; make the archive again", zip->name, sorted[i]);
        }
    }
    mb_release(zip->ctx, sorted);
    return status;
}

static mb_status list_members(mb_zip *zip) {
    const zip_int64_t n = zip_get_num_entries(zip->archive, 0);
    if (n < 0 || (uint64_t)n > mb_context_limits(zip->ctx)->objects) {
        return mb_fail(zip->ctx, MB_ERR_LIMIT,
            "%s: %lld members are more than the limit of %llu; raise the limit", zip->name,
            (long long)n, (unsigned long long)mb_context_limits(zip->ctx)->objects);
    }
    zip->about = mb_allocate_zeroed(zip->ctx, (size_t)n, sizeof *zip->about);
    if (zip->about == NULL) {
        return MB_ERR_MEMORY;
    }
    for (zip_int64_t i = 0; i < n; i++) {
        zip_stat_t *about = &zip->about[i];
        if (zip_stat_index(zip->archive, (zip_uint64_t)i, 0, about) != 0) {
            return mb_fail(zip->ctx, MB_ERR_FORMAT, "%s: member %lld: %s; the file is damaged",
                zip->name, (long long)i, zip_strerror(zip->archive));
        }
        MB_TRY(check_member(zip, about));
        MB_TRY(mb_names_add(&zip->members, about->name, strlen(about->name)));
    }
    return n > 1 ? check_twice(zip) : MB_OK;
}

static mb_status make(mb_context *ctx, const char *name, mb_zip **out) {
    *out = mb_allocate_zeroed(ctx, 1, sizeof **out);
    if (*out == NULL) {
        return MB_ERR_MEMORY;
    }
    (*out)->ctx = ctx;
    (*out)->members.ctx = ctx;
    (*out)->name = mb_copy_text(ctx, name);
    return (*out)->name == NULL ? MB_ERR_MEMORY : MB_OK;
}

// Closes on failure, so that the caller has nothing to free.
static mb_status finish_open(mb_zip **out, mb_status status) {
    if (status == MB_OK) {
        status = list_members(*out);
    }
    if (status != MB_OK) {
        mb_zip_close(*out);
        *out = NULL;
    }
    return status;
}

static mb_status fail_open(mb_context *ctx, const char *name, zip_error_t *error) {
    const bool is_system = zip_error_system_type(error) == ZIP_ET_SYS;
    return mb_fail(ctx, is_system ? MB_ERR_IO : MB_ERR_FORMAT, "%s: %s; %s", name,
        zip_error_strerror(error),
        is_system ? "check the name and its rights" : "give a whole zip archive");
}

mb_status mb_zip_open(mb_context *ctx, const char *path, mb_zip **out) {
    *out = NULL;
    struct stat info;
    // libzip would take a name that is not there for an archive to be made.
    if (stat(path, &info) != 0 || !S_ISREG(info.st_mode)) {
        return mb_fail(
            ctx, MB_ERR_IO, "%s: no such file, or not a regular one; check the name", path);
    }
    mb_status status = make(ctx, path, out);
    if (status == MB_OK) {
        int code = 0;
        (*out)->file_size = (uint64_t)info.st_size;
        (*out)->archive = zip_open(path, ZIP_RDONLY, &code);
        if ((*out)->archive == NULL) {
            zip_error_t error;
            zip_error_init_with_code(&error, code);
            status = fail_open(ctx, path, &error);
            zip_error_fini(&error);
        }
    }
    return finish_open(out, status);
}

mb_status mb_zip_open_bytes(
    mb_context *ctx, const char *name, const void *bytes, size_t length, mb_zip **out) {
    mb_status status = make(ctx, name, out);
    if (status == MB_OK) {
        (*out)->file_size = length;
        zip_error_t error;
        zip_error_init(&error);
        zip_source_t *source = zip_source_buffer_create(bytes, length, 0, &error);
        if (source != NULL) {
            (*out)->archive = zip_open_from_source(source, ZIP_RDONLY, &error);
        }
        if ((*out)->archive == NULL) {
            zip_source_free(source);
            status = fail_open(ctx, name, &error);
        }
        zip_error_fini(&error);
    }
    return finish_open(out, status);
}

void mb_zip_close(mb_zip *zip) {
    if (zip == NULL) {
        return;
    }
    if (zip->archive != NULL) {
        zip_discard(zip->archive);
    }
    mb_names_clear(&zip->members);
    mb_release(zip->ctx, zip->about);
    mb_release(zip->ctx, zip->name);
    mb_release(zip->ctx, zip);
}

size_t mb_zip_n_members(const mb_zip *zip) {
    return zip->members.n;
}

const char *mb_zip_name(const mb_zip *zip, size_t member) {
    return zip->members.name[member];
}

size_t mb_zip_find(const mb_zip *zip, const char *name) {
    for (size_t i = 0; i < zip->members.n; i++) {
        if (strcmp(zip->members.name[i], name) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

uint64_t mb_zip_size(const mb_zip *zip, size_t member) {
    return zip->about[member].size;
}

static mb_status fail_member(const mb_zip *zip, size_t member, const char *reason) {
    return mb_fail(zip->ctx, MB_ERR_FORMAT, "%s: member '%s': %s; the file is damaged", zip->name,
        mb_zip_name(zip, member), reason);
}

mb_status mb_zip_read_start(
    mb_zip *zip, size_t member, void *bytes, size_t length, size_t *n_read) {
    *n_read = 0;
    zip_file_t *file = zip_fopen_index(zip->archive, member, 0);
    if (file == NULL) {
        return fail_member(zip, member, zip_strerror(zip->archive));
    }
    mb_status status = MB_OK;
    while (*n_read < length) {
        const zip_int64_t n = zip_fread(file, (char *)bytes + *n_read, length - *n_read);
        if (n < 0) {
            status = fail_member(zip, member, zip_file_strerror(file));
        }
        if (n <= 0) {
            break;
        }
        *n_read += (size_t)n;
    }
    (void)zip_fclose(file);
    return status;
}

mb_status mb_zip_read(mb_zip *zip, size_t member, char **bytes, size_t *length) {
    *bytes = NULL;
    *length = 0;
    const uint64_t size = mb_zip_size(zip, member);
    const uint64_t most = mb_context_limits(zip->ctx)->bytes;
    if (size > most || size > SIZE_MAX / 2) {
        return mb_fail(zip->ctx, MB_ERR_LIMIT,
            "%s: member '%s' holds %llu bytes, more than the limit of %llu; raise the limit",
            zip->name, mb_zip_name(zip, member), (unsigned long long)size,
            (unsigned long long)most);
    }
    // Asking for one byte more than claimed makes libzip reach the end, where it checks the sum.
    char *all = mb_allocate(zip->ctx, (size_t)size + 1, 1);
    if (all == NULL) {
        return MB_ERR_MEMORY;
    }
    size_t n_read = 0;
    mb_status status = mb_zip_read_start(zip, member, all, (size_t)size + 1, &n_read);
    if (status == MB_OK && n_read != size) {
        status = fail_member(zip, member, "not as long as it claims");
    }
    if (status != MB_OK) {
        mb_release(zip->ctx, all);
        return status;
    }
    all[n_read] = '\0';
    *bytes = all;
    *length = n_read;
    return MB_OK;
}
