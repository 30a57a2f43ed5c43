// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/hdf5_inside.h"

#include "base/numbers.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

// The one global of the library: HDF5's own state is global too.
static pthread_mutex_t hdf5_lock = PTHREAD_MUTEX_INITIALIZER;

void mb_h5_enter(mb_h5_guard *guard) {
    pthread_mutex_lock(&hdf5_lock);
    (void)H5open();
    *guard = (mb_h5_guard){NULL, NULL, 0};
    (void)H5Eget_auto2(H5E_DEFAULT, &guard->report, &guard->report_user);
    (void)H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    (void)H5PLget_loading_state(&guard->plugins);
    (void)H5PLset_loading_state(0);
}

void mb_h5_leave(const mb_h5_guard *guard) {
    (void)H5Eclear2(H5E_DEFAULT);
    (void)H5PLset_loading_state(guard->plugins);
    (void)H5Eset_auto2(H5E_DEFAULT, guard->report, guard->report_user);
    pthread_mutex_unlock(&hdf5_lock);
}

void mb_h5_close_id(hid_t id) {
    if (id >= 0) {
        (void)H5Idec_ref(id);
    }
}

void mb_h5_memory_name(const void *owner, char *name, size_t size) {
    (void)mb_format(name, size, "/dev/null/minbias-%p", owner);
}

static mb_status fail_damaged(mb_h5_file *file) {
    const uint64_t wanted = mb_h5_source_wanted(&file->source);
    if (wanted > file->file_size) {
        return mb_fail(file->ctx, MB_ERR_FORMAT,
            "%s: byte %llu: the file ends, but it says that it has %llu bytes; copy or write it "
            "again",
            file->name, (unsigned long long)file->file_size, (unsigned long long)wanted);
    }
    return mb_fail(file->ctx, MB_ERR_FORMAT, "%s: a damaged HDF5 file; write it again", file->name);
}

static mb_status open_library(mb_h5_file *file) {
    char name[64];
    mb_h5_memory_name(file, name, sizeof name);
    mb_h5_guard guard;
    mb_h5_enter(&guard);
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    if (H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) >= 0 &&
        mb_h5_source_set(&file->source, access)) {
        file->file = H5Fopen(name, H5F_ACC_RDONLY, access);
    }
    const hid_t creation = file->file < 0 ? -1 : H5Fget_create_plist(file->file);
    hsize_t base = 0;
    if (creation >= 0 && H5Pget_userblock(creation, &base) >= 0) {
        file->base = base;
    }
    mb_h5_close_id(creation);
    mb_h5_close_id(access);
    mb_h5_leave(&guard);
    return file->file >= 0 ? MB_OK : fail_damaged(file);
}

// Every path starts at the root, which no link leads to.
static mb_status check_root(mb_h5_file *file) {
    mb_h5_guard guard;
    mb_h5_enter(&guard);
    H5O_info_t info;
    const bool is_found = H5Oget_info2(file->file, &info, H5O_INFO_BASIC) >= 0;
    const mb_status status = is_found ? mb_h5_check_object(file, "/", info.addr)
                                      : mb_fail(file->ctx, MB_ERR_FORMAT,
                                            "%s: no root group; the file is damaged", file->name);
    mb_h5_leave(&guard);
    return status;
}

static mb_status open_file(mb_h5_file *file) {
    file->file_size = file->source.length;
    if (!mb_h5_source_is_known(&file->source)) {
        return mb_fail(file->ctx, MB_ERR_FORMAT,
            "%s: not an HDF5 file, or a cut one; write it again", file->name);
    }
    MB_TRY(open_library(file));
    return check_root(file);
}

static mb_status open_path(mb_h5_file *file) {
    struct stat info;
    file->source.descriptor = open(file->name, O_RDONLY | O_CLOEXEC);
    if (file->source.descriptor < 0 || fstat(file->source.descriptor, &info) != 0) {
        char reason[MB_REASON_SIZE];
        return mb_fail(file->ctx, MB_ERR_IO, "%s: %s; check the name and its rights", file->name,
            mb_system_reason(errno, reason));
    }
    if (!S_ISREG(info.st_mode)) {
        return mb_fail(
            file->ctx, MB_ERR_IO, "%s: not a regular file; name an HDF5 file", file->name);
    }
    file->source.length = (uint64_t)info.st_size;
    return open_file(file);
}

static mb_status open_copy(mb_h5_file *file, const void *bytes, size_t length) {
    file->copy = mb_allocate(file->ctx, length, 1);
    if (file->copy == NULL) {
        return MB_ERR_MEMORY;
    }
    if (length > 0) {
        memcpy(file->copy, bytes, length);
    }
    file->source.bytes = file->copy;
    file->source.length = length;
    return open_file(file);
}

static mb_status make(mb_context *ctx, const char *name, mb_h5_file **out) {
    *out = mb_allocate_zeroed(ctx, 1, sizeof **out);
    if (*out == NULL) {
        return MB_ERR_MEMORY;
    }
    (*out)->ctx = ctx;
    (*out)->file = (*out)->source.driver = -1;
    (*out)->source.descriptor = -1;
    (*out)->source.room = SIZE_MAX;
    (*out)->name = mb_copy_text(ctx, name);
    return (*out)->name == NULL ? MB_ERR_MEMORY : MB_OK;
}

static mb_status close_failed(mb_h5_file **out, mb_status status) {
    if (status != MB_OK) {
        mb_h5_close(*out);
        *out = NULL;
    }
    return status;
}

mb_status mb_h5_open(mb_context *ctx, const char *path, mb_h5_file **out) {
    const mb_status status = make(ctx, path, out);
    return close_failed(out, status == MB_OK ? open_path(*out) : status);
}

mb_status mb_h5_open_bytes(
    mb_context *ctx, const char *name, const void *bytes, size_t length, mb_h5_file **out) {
    const mb_status status = make(ctx, name, out);
    return close_failed(out, status == MB_OK ? open_copy(*out, bytes, length) : status);
}

void mb_h5_close(mb_h5_file *file) {
    if (file == NULL) {
        return;
    }
    mb_h5_guard guard;
    mb_h5_enter(&guard);
    if (file->file >= 0) {
        (void)H5Fclose(file->file);
    }
    mb_h5_source_forget(&file->source);
    mb_h5_leave(&guard);
    if (file->source.descriptor >= 0) {
        (void)close(file->source.descriptor);
    }
    mb_release(file->ctx, file->copy);
    mb_release(file->ctx, file->name);
    mb_release(file->ctx, file);
}

enum { MOST_NAME = 1024 };

// Takes the next part of a path. Returns its length; 0 at the end.
static size_t next_part(const char **path, char *part) {
    while (**path == '/') {
        (*path)++;
    }
    const size_t length = strcspn(*path, "/");
    if (length >= MOST_NAME) {
        return length;
    }
    memcpy(part, *path, length);
    part[length] = '\0';
    *path += length;
    return length;
}

mb_status mb_h5_open_object(mb_h5_file *file, const char *path, hid_t *object) {
    char part[MOST_NAME];
    const char *at = path;
    hid_t here = H5Gopen2(file->file, "/", H5P_DEFAULT);
    mb_status status = MB_OK;
    *object = -1;
    if (here < 0) {
        status =
            mb_fail(file->ctx, MB_ERR_FORMAT, "%s: no root group; the file is damaged", file->name);
    }
    uint32_t depth = 0;
    for (size_t n = 1; status == MB_OK && (n = next_part(&at, part)) > 0;) {
        H5L_info_t link;
        hid_t next = -1;
        if (n >= MOST_NAME || ++depth > mb_context_limits(file->ctx)->depth) {
            status = mb_fail(file->ctx, MB_ERR_LIMIT,
                "%s: %.200s: a name too long or too deep; shorten it", file->name, path);
        } else if (H5Iget_type(here) != H5I_GROUP ||
                   H5Lget_info(here, part, &link, H5P_DEFAULT) < 0) {
            status = mb_fail(file->ctx, MB_ERR_FORMAT,
                "%s: no %s in it; `minbias inspect` lists what there is", file->name, path);
        } else if (link.type != H5L_TYPE_HARD) {
            status = mb_fail(file->ctx, MB_ERR_UNSUPPORTED,
                "%s: %s leads through a soft or external link, which is refused; copy the data in",
                file->name, path);
        } else {
            status = mb_h5_check_object(file, path, link.u.address);
        }
        if (status == MB_OK && (next = H5Oopen(here, part, H5P_DEFAULT)) < 0) {
            status = mb_fail(file->ctx, MB_ERR_FORMAT,
                "%s: %s cannot be opened; the file is damaged", file->name, path);
        }
        mb_h5_close_id(here);
        here = next;
    }
    if (status != MB_OK) {
        mb_h5_close_id(here);
        return status;
    }
    *object = here;
    return MB_OK;
}

mb_status mb_h5_question_begin(mb_h5_question *question, mb_h5_file *file) {
    *question = (mb_h5_question){.asked = file, .view = *file};
    if (mb_context_create(mb_context_runtime(file->ctx), &question->view.ctx) != MB_OK) {
        return mb_fail(file->ctx, MB_ERR_MEMORY,
            "%s: no memory to look into it; free some or use "
            "fewer events at a time",
            file->name);
    }
    return MB_OK;
}

void mb_h5_question_end(mb_h5_question *question) {
    mb_context *quiet = question->view.ctx;
    if (mb_context_status(quiet) == MB_ERR_MEMORY) {
        mb_fail_from(question->asked->ctx, quiet);
    }
    mb_context_destroy(quiet);
}

static H5I_type_t look(mb_h5_file *file, const char *path) {
    mb_h5_question question;
    if (mb_h5_question_begin(&question, file) != MB_OK) {
        return H5I_BADID;
    }
    hid_t object = -1;
    mb_h5_guard guard;
    mb_h5_enter(&guard);
    const H5I_type_t type =
        mb_h5_open_object(&question.view, path, &object) == MB_OK ? H5Iget_type(object) : H5I_BADID;
    mb_h5_close_id(object);
    mb_h5_leave(&guard);
    mb_h5_question_end(&question);
    return type;
}

bool mb_h5_exists(mb_h5_file *file, const char *path) {
    return look(file, path) != H5I_BADID;
}

bool mb_h5_is_group(mb_h5_file *file, const char *path) {
    return look(file, path) == H5I_GROUP;
}

bool mb_h5_is_listed(mb_h5_file *file, const char *name) {
    mb_h5_guard guard;
    mb_h5_enter(&guard);
    const bool is_listed = H5Lexists(file->file, name, H5P_DEFAULT) > 0;
    mb_h5_leave(&guard);
    return is_listed;
}

typedef struct listing {
    mb_h5_file *file;
    const char *path;
    mb_names *names;
    mb_status status;
} listing;

static herr_t add_link(hid_t group, const char *name, const H5L_info_t *link, void *user) {
    (void)group;
    (void)link;
    listing *list = user;
    if (list->names->n >= mb_context_limits(list->file->ctx)->objects) {
        list->status = mb_fail(list->file->ctx, MB_ERR_LIMIT,
            "%s: %s holds more objects than the limit allows; raise the limit", list->file->name,
            list->path);
    } else {
        list->status = mb_names_add(list->names, name, strlen(name));
    }
    return list->status == MB_OK ? 0 : -1;
}

mb_status mb_h5_list(mb_h5_file *file, const char *path, mb_names *names) {
    *names = (mb_names){.ctx = file->ctx};
    listing list = {file, path, names, MB_OK};
    hid_t object = -1;
    mb_h5_guard guard;
    mb_h5_enter(&guard);
    mb_status status = mb_h5_open_object(file, path, &object);
    if (status == MB_OK && H5Iget_type(object) != H5I_GROUP) {
        status =
            mb_fail(file->ctx, MB_ERR_FORMAT, "%s: %s is no group; name a group", file->name, path);
    }
    if (status == MB_OK &&
        H5Literate(object, H5_INDEX_NAME, H5_ITER_INC, NULL, add_link, &list) < 0) {
        status = list.status != MB_OK
                     ? list.status
                     : mb_fail(file->ctx, MB_ERR_FORMAT,
                           "%s: group %s is damaged; write the file again", file->name, path);
    }
    mb_h5_close_id(object);
    mb_h5_leave(&guard);
    mb_names_sort(names);
    return status;
}
