// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "draw/gallery.h"

#include "base/numbers.h"
#include "base/output.h"
#include "draw/gnuplot.h"
#include "draw/parts.h"

#include <unistd.h>

enum { LONGEST_PATH = 4096 };

static const double default_timeout_seconds = 60;
static const char caption_mark[] = "# caption: ";

typedef struct item {
    mb_gallery_entry entry;
    bool is_waiting; // added, not drawn yet
} item;

struct mb_gallery {
    mb_context *ctx;
    mb_arena arena;
    const char *directory, *gnuplot;
    double timeout_seconds;
    item *items;
    size_t n, capacity;
};

mb_status mb_gallery_open(
    mb_context *ctx, const char *directory, const mb_gallery_settings *settings, mb_gallery **out) {
    *out = NULL;
    MB_TRY(mb_make_directory(ctx, directory));
    mb_gallery *gallery = mb_allocate_zeroed(ctx, 1, sizeof *gallery);
    if (gallery == NULL) {
        return MB_ERR_MEMORY;
    }
    gallery->ctx = ctx;
    mb_arena_init(&gallery->arena, ctx);
    const bool has_program = settings != NULL && settings->gnuplot != NULL;
    const bool has_timeout = settings != NULL && settings->timeout_seconds > 0;
    gallery->timeout_seconds = has_timeout ? settings->timeout_seconds : default_timeout_seconds;
    gallery->directory = mb_arena_text(&gallery->arena, ctx, directory);
    gallery->gnuplot =
        mb_arena_text(&gallery->arena, ctx, has_program ? settings->gnuplot : "gnuplot");
    if (gallery->directory == NULL || gallery->gnuplot == NULL) {
        mb_gallery_destroy(gallery);
        return MB_ERR_MEMORY;
    }
    *out = gallery;
    return MB_OK;
}

void mb_gallery_destroy(mb_gallery *gallery) {
    if (gallery != NULL) {
        mb_release(gallery->ctx, gallery->items);
        mb_arena_clear(&gallery->arena);
        mb_release(gallery->ctx, gallery);
    }
}

static item *find_item(const mb_gallery *gallery, const char *name) {
    for (size_t i = 0; i < gallery->n; i++) {
        if (strcmp(gallery->items[i].entry.name, name) == 0) {
            return &gallery->items[i];
        }
    }
    return NULL;
}

static const char *path_of(
    mb_gallery *gallery, mb_context *ctx, const char *name, const char *suffix) {
    return mb_arena_format(&gallery->arena, ctx, "%s/%s.%s", gallery->directory, name, suffix);
}

// Finds or makes the place of a figure.
static mb_status place(
    mb_gallery *gallery, mb_context *ctx, const char *name, const char *caption, item **out) {
    *out = find_item(gallery, name);
    if (*out == NULL) {
        MB_TRY(mb_grow(
            ctx, &gallery->items, &gallery->capacity, gallery->n + 1, sizeof *gallery->items));
        *out = &gallery->items[gallery->n];
        **out = (item){.entry = {.name = mb_arena_text(&gallery->arena, ctx, name),
                           .svg = path_of(gallery, ctx, name, "svg"),
                           .png = path_of(gallery, ctx, name, "png"),
                           .gif = path_of(gallery, ctx, name, "gif")}};
        const mb_gallery_entry *made = &(*out)->entry;
        if (made->name == NULL || made->svg == NULL || made->png == NULL || made->gif == NULL) {
            return MB_ERR_MEMORY;
        }
    }
    const char *copy = mb_arena_text(&gallery->arena, ctx, caption);
    if (copy == NULL) {
        return MB_ERR_MEMORY;
    }
    (*out)->entry.caption = copy;
    if (*out == &gallery->items[gallery->n]) {
        gallery->n++;
    }
    return MB_OK;
}

static mb_status write_figure(mb_gallery *gallery, mb_context *ctx, const mb_figure *figure) {
    mb_buffer script;
    mb_buffer csv;
    mb_buffer_init(&script, ctx);
    mb_buffer_init(&csv, ctx);
    mb_script_write(figure, &script, &csv);
    const char *script_path = path_of(gallery, ctx, figure->name, "gp");
    const char *csv_path = path_of(gallery, ctx, figure->name, "csv");
    mb_status status = script_path != NULL && csv_path != NULL ? MB_OK : MB_ERR_MEMORY;
    if (status == MB_OK) {
        status = mb_write_buffer(&csv, csv_path);
    }
    if (status == MB_OK) {
        status = mb_write_buffer(&script, script_path);
    }
    mb_buffer_clear(&script);
    mb_buffer_clear(&csv);
    return status;
}

static void remove_pictures(const mb_gallery *gallery, const mb_gallery_entry *entry) {
    unlink(entry->svg);
    unlink(entry->png);
    unlink(entry->gif);
    char frame[LONGEST_PATH];
    for (size_t i = 0; mb_format(frame, sizeof frame, "%s/%s_%02zu.png", gallery->directory,
                           entry->name, i) < (int)sizeof frame &&
                       unlink(frame) == 0;
         i++) {
    }
}

static mb_status add(mb_gallery *gallery, mb_context *ctx, const mb_figure *figure) {
    MB_TRY(write_figure(gallery, ctx, figure));
    item *added;
    MB_TRY(place(gallery, ctx, figure->name, figure->caption, &added));
    // Pictures of an earlier run would contradict the data beside them.
    remove_pictures(gallery, &added->entry);
    added->entry.is_drawn = false;
    added->entry.is_animated = false;
    added->is_waiting = true;
    return MB_OK;
}

mb_status mb_gallery_add(mb_gallery *gallery, mb_context *ctx, mb_figure *figure) {
    if (figure == NULL) {
        return MB_ERR_MEMORY;
    }
    const mb_status status = figure->status != MB_OK ? figure->status : add(gallery, ctx, figure);
    mb_figure_destroy(figure);
    return status;
}

mb_status mb_gallery_finish(
    mb_gallery *gallery, mb_context *ctx, mb_figure *figure, mb_status status) {
    if (status != MB_OK) {
        mb_figure_destroy(figure);
        return status;
    }
    return mb_gallery_add(gallery, ctx, figure);
}

void mb_gallery_leave_out(mb_context *ctx, const char *figure, const char *array) {
    mb_notice(ctx, MB_NOTICE_INFO, "plots", "%s is left out: there is no %s", figure, array);
}

static void take_result(
    const mb_gallery *gallery, mb_context *ctx, item *drawn, const mb_gnuplot_job *job) {
    drawn->entry.is_drawn = job->is_done;
    drawn->entry.is_animated = job->is_done && mb_path_exists(drawn->entry.gif);
    if (!job->is_done) {
        remove_pictures(gallery, &drawn->entry);
        mb_notice(ctx, MB_NOTICE_WARNING, "plots",
            "gnuplot did not draw %s: %s; its script and data are there", job->name, job->message);
    }
}

static mb_status draw_waiting(
    mb_gallery *gallery, mb_context *ctx, const char *program, size_t n_waiting) {
    mb_gnuplot_job *jobs = mb_allocate_zeroed(ctx, n_waiting, sizeof *jobs);
    if (jobs == NULL) {
        return MB_ERR_MEMORY;
    }
    size_t n = 0;
    for (size_t i = 0; i < gallery->n; i++) {
        if (gallery->items[i].is_waiting) {
            jobs[n++].name = gallery->items[i].entry.name;
        }
    }
    mb_gnuplot_run(program, gallery->directory, jobs, n,
        mb_runtime_threads(mb_context_runtime(ctx)), gallery->timeout_seconds);
    n = 0;
    for (size_t i = 0; i < gallery->n; i++) {
        if (gallery->items[i].is_waiting) {
            take_result(gallery, ctx, &gallery->items[i], &jobs[n++]);
            gallery->items[i].is_waiting = false;
        }
    }
    mb_release(ctx, jobs);
    return MB_OK;
}

mb_status mb_gallery_draw(mb_gallery *gallery, mb_context *ctx) {
    size_t n_waiting = 0;
    for (size_t i = 0; i < gallery->n; i++) {
        n_waiting += gallery->items[i].is_waiting ? 1 : 0;
    }
    if (n_waiting == 0) {
        return MB_OK;
    }
    char *program;
    MB_TRY(mb_gnuplot_find(ctx, gallery->gnuplot, &program));
    if (program == NULL) {
        mb_notice(ctx, MB_NOTICE_WARNING, "plots",
            "%s is not installed: %zu figures stay scripts and data in %s; install gnuplot, then "
            "draw them with: gnuplot NAME.gp",
            gallery->gnuplot, n_waiting, gallery->directory);
        return MB_OK;
    }
    const mb_status status = draw_waiting(gallery, ctx, program, n_waiting);
    mb_release(ctx, program);
    return status;
}

static mb_status load_one(mb_gallery *gallery, mb_context *ctx, const char *name) {
    const char *path = path_of(gallery, ctx, name, "gp");
    char *text;
    size_t length;
    if (path == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_read_file(ctx, path, &text, &length));
    const size_t mark = sizeof caption_mark - 1;
    char *caption = strncmp(text, caption_mark, mark) == 0 ? text + mark : text + length;
    caption[strcspn(caption, "\n")] = '\0';
    item *loaded;
    const mb_status status = place(gallery, ctx, name, caption, &loaded);
    mb_release(ctx, text);
    MB_TRY(status);
    loaded->entry.is_drawn = mb_path_exists(loaded->entry.svg);
    loaded->entry.is_animated = loaded->entry.is_drawn && mb_path_exists(loaded->entry.gif);
    return MB_OK;
}

static mb_status load_all(mb_gallery *gallery, mb_context *ctx) {
    mb_names names = {.ctx = ctx};
    mb_status status = mb_names_of_directory(&names, ctx, gallery->directory);
    for (size_t i = 0; status == MB_OK && i < names.n; i++) {
        const size_t length = strlen(names.name[i]);
        if (length > 3 && strcmp(names.name[i] + length - 3, ".gp") == 0) {
            names.name[i][length - 3] = '\0';
            status = load_one(gallery, ctx, names.name[i]);
        }
    }
    mb_names_clear(&names);
    return status;
}

mb_status mb_gallery_load(mb_context *ctx, const char *directory, mb_gallery **out) {
    *out = NULL;
    if (!mb_path_is_directory(directory)) {
        return mb_fail(
            ctx, MB_ERR_IO, "%s: no folder of figures; run `minbias evaluate` first", directory);
    }
    MB_TRY(mb_gallery_open(ctx, directory, NULL, out));
    const mb_status status = load_all(*out, ctx);
    if (status != MB_OK) {
        mb_gallery_destroy(*out);
        *out = NULL;
    }
    return status;
}

size_t mb_gallery_count(const mb_gallery *gallery) {
    return gallery->n;
}

const mb_gallery_entry *mb_gallery_entry_at(const mb_gallery *gallery, size_t i) {
    return i < gallery->n ? &gallery->items[i].entry : NULL;
}

const mb_gallery_entry *mb_gallery_find(const mb_gallery *gallery, const char *name) {
    const item *found = find_item(gallery, name);
    return found != NULL ? &found->entry : NULL;
}
