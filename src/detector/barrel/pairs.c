// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/barrel/pairs.h"

#include "base/buffer.h"

#include <stdlib.h>

static const char *base_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static int compare_by_name(const void *a, const void *b) {
    const char *left = *(char *const *)a, *right = *(char *const *)b;
    const int order = strcmp(base_of(left), base_of(right));
    return order != 0 ? order : strcmp(left, right);
}

// Length of the digits at text and, without leading zeros, their start.
static size_t number_of(const char *name, const char **digits) {
    const char *p = name + strcspn(name, "0123456789");
    p += strspn(p, "0");
    *digits = p;
    return strspn(p, "0123456789");
}

static int compare_by_number(const void *a, const void *b) {
    const char *left, *right;
    const size_t n_left = number_of(base_of(*(char *const *)a), &left);
    const size_t n_right = number_of(base_of(*(char *const *)b), &right);
    if (n_left != n_right) {
        return n_left < n_right ? -1 : 1;
    }
    const int order = strncmp(left, right, n_left);
    return order != 0 ? order : compare_by_name(a, b);
}

static mb_status add_copy(mb_names *names, mb_context *ctx, const char *text) {
    char *copy = mb_copy_text(ctx, text);
    if (copy == NULL) {
        return MB_ERR_MEMORY;
    }
    const mb_status status =
        mb_grow(ctx, &names->name, &names->capacity, names->n + 1, sizeof *names->name);
    if (status != MB_OK) {
        mb_release(ctx, copy);
        return status;
    }
    names->name[names->n++] = copy;
    return MB_OK;
}

static void remove_repeats(mb_names *names) {
    size_t n = 0;
    for (size_t i = 0; i < names->n; i++) {
        if (n > 0 && strcmp(names->name[n - 1], names->name[i]) == 0) {
            mb_release(names->ctx, names->name[i]);
        } else {
            names->name[n++] = names->name[i];
        }
    }
    names->n = n;
}

static void keep_first(mb_names *names, size_t n) {
    while (n > 0 && names->n > n) {
        mb_release(names->ctx, names->name[--names->n]);
    }
}

// All files that the patterns name, in the order of the study.
static mb_status list_files(mb_context *ctx, const char *directory, const mb_texts *patterns,
    const mb_barrel_settings *settings, mb_names *out) {
    out->ctx = ctx;
    for (size_t i = 0; i < patterns->n; i++) {
        mb_names found = {0};
        mb_status status = mb_names_of_pattern(&found, ctx, directory, patterns->value[i]);
        for (size_t k = 0; status == MB_OK && k < found.n; k++) {
            status = add_copy(out, ctx, found.name[k]);
        }
        mb_names_clear(&found);
        MB_TRY(status);
    }
    if (out->n > 1) {
        qsort(out->name, out->n, sizeof *out->name,
            settings->order == MB_BARREL_ORDER_NUMERIC ? compare_by_number : compare_by_name);
    }
    remove_repeats(out);
    keep_first(out, settings->n_files);
    return MB_OK;
}

static mb_status fail_none(
    mb_context *ctx, const char *directory, const char *key, const mb_texts *patterns) {
    const char *place = directory == NULL || directory[0] == '\0' ? "." : directory;
    if (!mb_path_is_directory(place)) {
        return mb_fail(ctx, MB_ERR_IO, "%s: no such directory; set data.dir", place);
    }
    return mb_fail(ctx, MB_ERR_IO, "%s: no file '%s'; set data.dir or data.%s", place,
        patterns->n > 0 ? patterns->value[0] : "", key);
}

// What pairs two names: the text behind the leading letters, without .gz.
static const char *pair_key(const char *path, size_t *length) {
    const char *key = base_of(path);
    while ((*key >= 'a' && *key <= 'z') || (*key >= 'A' && *key <= 'Z')) {
        key++;
    }
    *length = strlen(key);
    if (*length >= 3 && strcmp(key + *length - 3, ".gz") == 0) {
        *length -= 3;
    }
    return key;
}

static void describe(mb_buffer *text, const mb_names *names) {
    enum { SHOWN = 4 };
    for (size_t i = 0; i < names->n && i < SHOWN; i++) {
        mb_buffer_format(text, "%s%.100s", i > 0 ? ", " : "", base_of(names->name[i]));
    }
    if (names->n > SHOWN) {
        mb_buffer_format(text, " ... (%zu)", names->n);
    }
}

static mb_status take_unpaired(
    mb_context *ctx, const mb_barrel_settings *settings, mb_barrel_pairs *pairs, const char *path) {
    if (settings->on_bad == MB_BARREL_ON_BAD_DROP) {
        return add_copy(&pairs->dropped, ctx, path);
    }
    mb_buffer text;
    mb_buffer_init(&text, ctx);
    mb_buffer_format(&text, "%s: no partner among hits (", path);
    describe(&text, &pairs->hits);
    mb_buffer_text(&text, ") and particles (");
    describe(&text, &pairs->particles);
    mb_buffer_text(&text, "); add it, or leave the file out with data.on_bad: drop");
    const mb_status status =
        text.status != MB_OK ? text.status : mb_fail(ctx, MB_ERR_IO, "%s", text.data);
    mb_buffer_clear(&text);
    return status;
}

static size_t find_partner(const mb_names *names, const bool *is_taken, const char *path) {
    size_t length, other_length;
    const char *key = pair_key(path, &length);
    for (size_t i = 0; i < names->n; i++) {
        const char *other = pair_key(names->name[i], &other_length);
        if (!is_taken[i] && length == other_length && memcmp(key, other, length) == 0) {
            return i;
        }
    }
    return names->n;
}

static mb_status pair_up(
    mb_context *ctx, const mb_barrel_settings *settings, mb_barrel_pairs *out, bool *is_taken) {
    for (size_t i = 0; i < out->hits.n; i++) {
        const size_t partner = settings->pair_by_position
                                   ? mb_min_size(i, out->particles.n)
                                   : find_partner(&out->particles, is_taken, out->hits.name[i]);
        if (partner == out->particles.n) {
            MB_TRY(take_unpaired(ctx, settings, out, out->hits.name[i]));
            continue;
        }
        is_taken[partner] = true;
        out->pair[out->n++] = (mb_barrel_pair){out->hits.name[i], out->particles.name[partner]};
    }
    for (size_t i = 0; i < out->particles.n; i++) {
        if (!is_taken[i]) {
            MB_TRY(take_unpaired(ctx, settings, out, out->particles.name[i]));
        }
    }
    return MB_OK;
}

// The name with its prefix clusters replaced, if that file is there; else NULL.
static mb_status partner_beside(mb_context *ctx, const char *hits, char **out) {
    *out = NULL;
    const char *base = base_of(hits);
    const size_t n_folder = (size_t)(base - hits);
    const size_t n_prefix = strlen("clusters");
    if (strncmp(base, "clusters", n_prefix) != 0 && strncmp(base, "Clusters", n_prefix) != 0) {
        return MB_OK;
    }
    mb_buffer path;
    mb_buffer_init(&path, ctx);
    mb_buffer_append(&path, hits, n_folder);
    mb_buffer_text(&path, *base == 'C' ? "Particles" : "particles");
    mb_buffer_text(&path, base + n_prefix);
    mb_status status = path.status;
    if (status == MB_OK && mb_path_exists(path.data)) {
        *out = mb_copy_text(ctx, path.data);
        status = *out != NULL ? MB_OK : MB_ERR_MEMORY;
    }
    mb_buffer_clear(&path);
    return status;
}

// Files named one by one: truth is used when every one of them has a partner beside it.
static mb_status take_given(
    mb_context *ctx, const mb_detector_request *request, mb_barrel_pairs *out) {
    out->hits.ctx = out->particles.ctx = ctx;
    for (size_t i = 0; i < request->n_files; i++) {
        MB_TRY(add_copy(&out->hits, ctx, request->files[i]));
        char *partner;
        MB_TRY(partner_beside(ctx, request->files[i], &partner));
        if (partner != NULL && out->particles.n == i) {
            const mb_status status = add_copy(&out->particles, ctx, partner);
            mb_release(ctx, partner);
            MB_TRY(status);
        } else {
            mb_release(ctx, partner);
        }
    }
    out->has_truth = out->particles.n == out->hits.n;
    return MB_OK;
}

static mb_status find_pairs(mb_context *ctx, const mb_detector_request *request,
    const mb_barrel_settings *settings, mb_barrel_pairs *out) {
    const bool is_given = request->files != NULL && request->n_files > 0;
    if (is_given) {
        MB_TRY(take_given(ctx, request, out));
    } else {
        MB_TRY(list_files(ctx, request->directory, &settings->hits, settings, &out->hits));
        MB_TRY(
            list_files(ctx, request->directory, &settings->particles, settings, &out->particles));
        out->has_truth = settings->particles.n > 0;
        if (out->hits.n == 0) {
            return fail_none(ctx, request->directory, "hits", &settings->hits);
        }
        if (out->has_truth && out->particles.n == 0) {
            return fail_none(ctx, request->directory, "particles", &settings->particles);
        }
    }
    out->pair = mb_allocate_zeroed(ctx, out->hits.n, sizeof *out->pair);
    if (out->pair == NULL) {
        return MB_ERR_MEMORY;
    }
    if (is_given || !out->has_truth) {
        for (; out->n < out->hits.n; out->n++) {
            out->pair[out->n] = (mb_barrel_pair){
                out->hits.name[out->n], out->has_truth ? out->particles.name[out->n] : NULL};
        }
        return MB_OK;
    }
    bool *is_taken = mb_allocate_zeroed(ctx, out->particles.n, sizeof *is_taken);
    const mb_status status =
        is_taken != NULL ? pair_up(ctx, settings, out, is_taken) : MB_ERR_MEMORY;
    mb_release(ctx, is_taken);
    return status;
}

mb_status mb_barrel_pairs_find(mb_context *ctx, const mb_detector_request *request,
    const mb_barrel_settings *settings, mb_barrel_pairs *out) {
    *out = (mb_barrel_pairs){.dropped = {.ctx = ctx}};
    const mb_status status = find_pairs(ctx, request, settings, out);
    if (status != MB_OK) {
        mb_barrel_pairs_clear(out, ctx);
    }
    return status;
}

void mb_barrel_pairs_clear(mb_barrel_pairs *pairs, mb_context *ctx) {
    mb_names_clear(&pairs->hits);
    mb_names_clear(&pairs->particles);
    mb_names_clear(&pairs->dropped);
    mb_release(ctx, pairs->pair);
    *pairs = (mb_barrel_pairs){0};
}

mb_status mb_barrel_has_hits(mb_context *ctx, const mb_detector_request *request,
    const mb_barrel_settings *settings, bool *out) {
    mb_names names = {0};
    const mb_status status = list_files(ctx, request->directory, &settings->hits, settings, &names);
    *out = names.n > 0;
    mb_names_clear(&names);
    return status;
}
