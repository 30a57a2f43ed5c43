// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/ecal/files.h"

static const char *const set_names[] = {"train", "validation", "test"};

static mb_status add_file(
    mb_ecal_files *files, mb_context *ctx, const char *path, int class_index) {
    for (size_t i = 0; i < files->n; i++) {
        if (strcmp(files->file[i].path, path) == 0) {
            return mb_fail(ctx, MB_ERR_FORMAT, "%s: named twice; name every file once", path);
        }
    }
    MB_TRY(mb_grow(ctx, &files->file, &files->capacity, files->n + 1, sizeof *files->file));
    const char *copy = mb_arena_text(&files->arena, ctx, path);
    if (copy == NULL) {
        return MB_ERR_MEMORY;
    }
    files->file[files->n++] = (mb_ecal_file){.path = copy, .class_index = class_index};
    return MB_OK;
}

static mb_status add_pattern(mb_ecal_files *files, mb_context *ctx, const char *directory,
    const char *pattern, int class_index) {
    mb_names names = {0};
    mb_status status = mb_names_of_pattern(&names, ctx, directory, pattern);
    for (size_t i = 0; i < names.n && status == MB_OK; i++) {
        // Labels of an .npy lie beside it and are no images.
        const size_t length = strlen(names.name[i]);
        const bool is_labels = length > 6 && strcmp(names.name[i] + length - 6, "_y.npy") == 0;
        if (!is_labels || names.n == 1) {
            status = add_file(files, ctx, names.name[i], class_index);
        }
    }
    mb_names_clear(&names);
    return status;
}

typedef struct file_group {
    const mb_texts *patterns;
    const char *key;
    int class_index;
} file_group;

static size_t groups_of(const mb_ecal_settings *settings, file_group out[2]) {
    if (settings->file.n > 0) {
        out[0] = (file_group){&settings->file, "file", MB_ECAL_BOTH};
        return 1;
    }
    out[0] = (file_group){&settings->photons, "photons", MB_ECAL_PHOTON};
    out[1] = (file_group){&settings->electrons, "electrons", MB_ECAL_ELECTRON};
    return 2;
}

static mb_status fail_none(
    mb_context *ctx, const mb_detector_request *request, const file_group *group) {
    const bool is_here = request->directory == NULL || request->directory[0] == '\0';
    const char *place = is_here ? "." : request->directory;
    if (!mb_path_is_directory(place)) {
        return mb_fail(ctx, MB_ERR_IO, "%s: no such directory; set data.dir", place);
    }
    return mb_fail(ctx, MB_ERR_IO,
        "%s: no file '%s'; set data.dir or data.%s, or make toy files "
        "with minbias simulate ecal",
        place, group->patterns->value[0], group->key);
}

static mb_status add_group(mb_ecal_files *files, mb_context *ctx,
    const mb_detector_request *request, const file_group *group) {
    const size_t before = files->n;
    for (size_t i = 0; i < group->patterns->n; i++) {
        MB_TRY(add_pattern(
            files, ctx, request->directory, group->patterns->value[i], group->class_index));
    }
    return files->n > before ? MB_OK : fail_none(ctx, request, group);
}

static mb_status look_at(mb_context *ctx, const mb_ecal_settings *settings, mb_ecal_file *file) {
    mb_ecal_source source;
    mb_status status = mb_ecal_source_open(ctx, file->path, &source);
    file->n_rows = source.n_rows;
    file->has_labels = source.labels.data != NULL;
    mb_ecal_source_close(&source);
    MB_TRY(status);
    const bool is_trusted = file->class_index == MB_ECAL_UNKNOWN ||
                            (settings->trust_file && file->class_index != MB_ECAL_BOTH);
    if (!file->has_labels && !is_trusted) {
        return mb_fail(ctx, MB_ERR_FORMAT,
            "%s: there are no labels y (of NAME.npy: in NAME_y.npy); %s", file->path,
            file->class_index == MB_ECAL_BOTH
                ? "add them, or name the classes' files in data.photons and data.electrons"
                : "add them, or set data.trust_file: true");
    }
    return MB_OK;
}

static size_t count_class(const mb_ecal_files *files, int class_index) {
    size_t n = 0;
    for (size_t i = 0; i < files->n; i++) {
        n += files->file[i].class_index == class_index;
    }
    return n;
}

// Of several files those that cannot be used may be left out; of one that would be all.
static mb_status look_at_all(
    mb_context *ctx, const mb_ecal_settings *settings, mb_ecal_files *files) {
    size_t kept = 0;
    const size_t n = files->n;
    for (size_t i = 0; i < n; i++) {
        mb_ecal_file file = files->file[i];
        const mb_status status = look_at(ctx, settings, &file);
        const bool may_drop = settings->on_bad == MB_ECAL_ON_BAD_DROP &&
                              count_class(files, file.class_index) > 1 && status != MB_ERR_MEMORY;
        if (status != MB_OK && !may_drop) {
            return status;
        }
        if (status != MB_OK) {
            mb_notice(
                ctx, MB_NOTICE_WARNING, file.path, "left out: %s", mb_context_error_text(ctx));
            mb_buffer_format(&files->left_out, "left out: %s\n", mb_context_error_text(ctx));
            mb_context_clear(ctx);
            files->file[i].class_index = -1;
            continue;
        }
        files->file[i] = file;
    }
    for (size_t i = 0; i < n; i++) {
        if (files->file[i].class_index >= 0) {
            files->file[kept++] = files->file[i];
        }
    }
    files->n = kept;
    return files->left_out.status;
}

mb_status mb_ecal_files_find(mb_context *ctx, const mb_detector_request *request,
    const mb_ecal_settings *settings, mb_ecal_files *out) {
    *out = (mb_ecal_files){0};
    mb_arena_init(&out->arena, ctx);
    mb_buffer_init(&out->left_out, ctx);
    for (size_t i = 0; i < request->n_files; i++) {
        MB_TRY(add_file(out, ctx, request->files[i], MB_ECAL_UNKNOWN));
    }
    file_group groups[2];
    const size_t n = request->n_files > 0 ? 0 : groups_of(settings, groups);
    for (size_t i = 0; i < n; i++) {
        MB_TRY(add_group(out, ctx, request, &groups[i]));
    }
    return look_at_all(ctx, settings, out);
}

void mb_ecal_files_clear(mb_ecal_files *files, mb_context *ctx) {
    mb_release(ctx, files->file);
    mb_buffer_clear(&files->left_out);
    mb_arena_clear(&files->arena);
}

mb_status mb_ecal_has_files(mb_context *ctx, const mb_detector_request *request,
    const mb_ecal_settings *settings, bool *out) {
    file_group groups[2];
    const size_t n = groups_of(settings, groups);
    *out = false;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < groups[i].patterns->n && !*out; k++) {
            mb_names names = {0};
            const mb_status status =
                mb_names_of_pattern(&names, ctx, request->directory, groups[i].patterns->value[k]);
            *out = names.n > 0;
            mb_names_clear(&names);
            MB_TRY(status);
        }
    }
    return MB_OK;
}

// One range of every file, for one set.
static mb_status add_range(mb_context *ctx, const mb_ecal_files *files, mb_row_range range,
    uint8_t set, mb_ecal_pieces *out) {
    size_t n_rows = 0;
    size_t n_most = 0;
    for (size_t i = 0; i < files->n; i++) {
        const size_t last = mb_min_size(range.last, files->file[i].n_rows);
        const size_t first = mb_min_size(range.first, last);
        if (last < range.last) {
            mb_notice(ctx, MB_NOTICE_WARNING, files->file[i].path,
                "rows [%zu, %zu] were asked for (%s) but it has %zu: [%zu, %zu] are taken",
                range.first, range.last, set_names[set], files->file[i].n_rows, first, last);
        }
        MB_TRY(mb_grow(ctx, &out->piece, &out->capacity, out->n + 1, sizeof *out->piece));
        out->piece[out->n++] = (mb_ecal_piece){.file = i, .first = first, .last = last, .set = set};
        n_rows += last - first;
        n_most = mb_max_size(n_most, files->file[i].n_rows);
    }
    return n_rows > 0
               ? MB_OK
               : mb_fail(ctx, MB_ERR_RANGE,
                     "data.rows: the range [%zu, %zu] for %s takes no row of files of %zu rows; "
                     "write another range, or leave the set out",
                     range.first, range.last, set_names[set], n_most);
}

mb_status mb_ecal_pieces_make(mb_context *ctx, const mb_detector_request *request,
    const mb_ecal_files *files, mb_ecal_pieces *out) {
    *out = (mb_ecal_pieces){0};
    const bool takes_all = request->n_files > 0;
    const mb_node *rows = takes_all ? NULL : mb_node_find(request->data, "rows");
    MB_TRY(mb_split_read(
        ctx, request->document, mb_node_find(request->data, "split"), rows, &out->split));
    if (!out->split.has_rows) {
        size_t longest = 0;
        for (size_t i = 0; i < files->n; i++) {
            const mb_ecal_file *file = &files->file[i];
            longest = mb_max_size(longest, file->n_rows);
            MB_TRY(mb_grow(ctx, &out->piece, &out->capacity, out->n + 1, sizeof *out->piece));
            out->piece[out->n++] = (mb_ecal_piece){.file = i, .last = file->n_rows};
        }
        return longest > 0 ? MB_OK
                           : mb_fail(ctx, MB_ERR_RANGE, "%s: holds no events; give another file",
                                 files->file[0].path);
    }
    for (uint8_t set = 0; set < MB_COUNT_OF(set_names); set++) {
        const bool is_given = out->split.is_bare ? set == MB_SPLIT_TRAIN
                                                 : rows->kind == MB_NODE_MAP &&
                                                       mb_node_find(rows, set_names[set]) != NULL;
        if (is_given) {
            MB_TRY(add_range(ctx, files, out->split.rows[set], set, out));
        }
    }
    return out->n > 0 ? MB_OK
                      : mb_fail_at(ctx, request->document, rows,
                            "data.rows: names no set; write {train: [0, 1000], ...}");
}
