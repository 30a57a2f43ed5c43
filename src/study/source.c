// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/study.h"

#include "base/numbers.h"
#include "base/output.h"
#include "data/arrays_source.h"
#include "study/alternate.h"
#include "study/module_models.h"

#include <stdio.h>
#include <unistd.h>

mb_detector_request mb_study_detector_request(const mb_study *study) {
    // The detector parses into the document's arena, which is memory, not meaning.
    return (mb_detector_request){.document = (mb_document *)(uintptr_t)&study->document,
        .data = study->source_data,
        .compat = &study->compat,
        .directory = study->data_directory,
        .seed = study->seed,
        .validation = &study->validation};
}

mb_status mb_detector_simulate(mb_context *ctx, const mb_detector_ops *detector,
    mb_document *document, const mb_node *options, uint64_t seed, const char *directory) {
    void *record = mb_arena_allocate(
        &document->arena, ctx, 1, mb_max_size(detector->simulate_options_size, 1));
    if (record == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_options_parse(
        ctx, document, detector->simulate_options, options, "simulate", NULL, record));
    size_t n_made = 0;
    mb_status status = mb_make_directories(ctx, directory, &n_made);
    if (status == MB_OK) {
        status = detector->simulate(ctx, record, seed, directory);
    }
    if (status != MB_OK && n_made > 0) {
        mb_empty_directory(directory);
        mb_unmake_directories(directory, n_made);
    }
    return status;
}

// Toy events are made in a folder of their own, one a process, and moved in when all are there:
// several may simulate the same at a time. While they are moved, a mark says that they are not all
// there: events of a simulation that was killed must not pass for all of it. The text beside them,
// written before the first of them comes, says that they are no data, and what settings made them:
// those of other settings are no remains that these may replace.
static const char done_name[] = "simulated.txt", begun_name[] = "simulated.part";

// The text beside toy events, and the line of it that their settings give.
typedef struct toy_mark {
    mb_buffer text, line;
    bool has_kind, has_line; // events of this source are there; made with these settings
} toy_mark;

static void clear_mark(toy_mark *mark) {
    mb_buffer_clear(&mark->text);
    mb_buffer_clear(&mark->line);
}

static mb_status put_line(
    mb_context *ctx, const mb_study *study, mb_document *document, mb_buffer *out) {
    const mb_detector_ops *detector = study->detector;
    void *record = mb_arena_allocate(
        &document->arena, ctx, 1, mb_max_size(detector->simulate_options_size, 1));
    if (record == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_options_parse(
        ctx, document, detector->simulate_options, study->simulate, "simulate", NULL, record));
    const mb_node *settings =
        mb_options_to_node(ctx, document, detector->simulate_options, record, true);
    if (settings == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_buffer_format(out, "%s: seed %llu, ", detector->name, (unsigned long long)study->seed);
    mb_node_write_json(out, settings, -1);
    mb_buffer_text(out, "\n");
    return out->status;
}

static mb_status read_text(mb_context *ctx, const mb_study *study, toy_mark *mark) {
    char *path = mb_path_join(ctx, study->data_directory, done_name);
    char *text = NULL;
    size_t length = 0;
    mb_status status = path == NULL           ? MB_ERR_MEMORY
                       : mb_path_exists(path) ? mb_read_file(ctx, path, &text, &length)
                                              : MB_OK;
    if (status == MB_OK && text != NULL) {
        mb_buffer_text(&mark->text, text);
        status = mark->text.status;
    }
    mb_release(ctx, text);
    mb_release(ctx, path);
    return status;
}

// The caller clears, also after a failure.
static mb_status read_mark(mb_context *ctx, const mb_study *study, toy_mark *out) {
    mb_document document;
    char kind[64];
    *out = (toy_mark){.has_kind = false};
    mb_buffer_init(&out->text, ctx);
    mb_buffer_init(&out->line, ctx);
    mb_document_init(&document, ctx, "simulate");
    mb_status status = put_line(ctx, study, &document, &out->line);
    mb_document_clear(&document);
    status = status != MB_OK ? status : read_text(ctx, study, out);
    if (status == MB_OK && out->text.length > 0) {
        mb_format(kind, sizeof kind, "\n%s: seed ", study->detector->name);
        out->has_kind = strstr(out->text.data, kind) != NULL;
        out->has_line = strstr(out->text.data, out->line.data) != NULL;
    }
    return status;
}

static mb_status write_mark(mb_context *ctx, const mb_study *study, const char *path) {
    toy_mark mark;
    mb_status status = read_mark(ctx, study, &mark);
    if (status == MB_OK && mark.text.length == 0) {
        mb_buffer_format(&mark.text,
            "The events in this folder are toy events: minbias %s simulated them for the study %s, "
            "because there were no data files. Reports say so as long as this file is here: remove "
            "it with them.\n",
            mb_version(), study->name);
    }
    if (status == MB_OK && !mark.has_line) {
        mb_buffer_text(&mark.text, mark.line.data);
    }
    if (status == MB_OK) {
        status = mark.text.status != MB_OK
                     ? mark.text.status
                     : mb_write_file(ctx, path, mark.text.data, mark.text.length);
    }
    clear_mark(&mark);
    return status;
}

static bool has_mark(mb_context *ctx, const mb_study *study, const char *name) {
    char *path =
        study->data_directory != NULL ? mb_path_join(ctx, study->data_directory, name) : NULL;
    const bool is_there = path != NULL && mb_path_exists(path);
    mb_release(ctx, path);
    return is_there;
}

bool mb_study_is_simulated(mb_context *ctx, const mb_study *study) {
    return study->detector != NULL && has_mark(ctx, study, done_name);
}

// What is done with a file of one folder and its place in the other.
typedef mb_status (*file_work)(mb_context *ctx, const char *from, const char *to);

static mb_status for_each_file(
    mb_context *ctx, const char *from, const char *to, file_work do_work) {
    mb_names names;
    MB_TRY(mb_names_of_directory(&names, ctx, from));
    mb_status status = MB_OK;
    for (size_t i = 0; i < names.n && status == MB_OK; i++) {
        char *source = mb_path_join(ctx, from, names.name[i]);
        char *target = mb_path_join(ctx, to, names.name[i]);
        status = source == NULL || target == NULL ? MB_ERR_MEMORY
                 : mb_path_is_directory(source)   ? for_each_file(ctx, source, target, do_work)
                                                  : do_work(ctx, source, target);
        mb_release(ctx, source);
        mb_release(ctx, target);
    }
    mb_names_clear(&names);
    return status;
}

// A mistyped name in the study must not cost the user's own files.
static mb_status forbid_other(mb_context *ctx, const char *from, const char *to) {
    (void)from;
    return !mb_path_exists(to)
               ? MB_OK
               : mb_fail(ctx, MB_ERR_IO,
                     "%s: exists, though not all data files that the study names do; toy events do "
                     "not take its place: correct the names under data:, or set data.dir to a "
                     "folder of its own",
                     to);
}

// Nor must another simulate: cost the toy events of an earlier one.
static mb_status forbid_toys(mb_context *ctx, const char *from, const char *to) {
    (void)from;
    return !mb_path_exists(to)
               ? MB_OK
               : mb_fail(ctx, MB_ERR_IO,
                     "%s: is of toy events that another simulate: or seed made (%s beside it says "
                     "which); they are kept: set data.dir to a folder of its own, or remove them",
                     to, done_name);
}

static mb_status move(mb_context *ctx, const char *from, const char *to) {
    char *folder = mb_copy_text(ctx, to);
    if (folder == NULL) {
        return MB_ERR_MEMORY;
    }
    *strrchr(folder, '/') = '\0';
    mb_status status = mb_make_directory(ctx, folder);
    mb_release(ctx, folder);
    if (status == MB_OK && rename(from, to) != 0) {
        status = mb_fail(
            ctx, MB_ERR_IO, "%s: cannot be moved to %s; check the permissions of both", from, to);
    }
    return status;
}

// What another process has moved in meanwhile is ours as well: its mark came first.
static mb_status check_free(mb_context *ctx, const mb_study *study, const char *part) {
    toy_mark mark;
    mb_status status = read_mark(ctx, study, &mark);
    if (status == MB_OK && !mark.has_line) {
        const file_work forbid = mark.has_kind ? forbid_toys : forbid_other;
        status = for_each_file(ctx, part, study->data_directory, forbid);
    }
    clear_mark(&mark);
    if (status != MB_ERR_IO) {
        return status;
    }
    // Between the look at the mark and that at the files it may have come.
    toy_mark again;
    mb_context *quiet = NULL;
    MB_TRY(mb_context_create(mb_context_runtime(ctx), &quiet));
    const bool is_ours = read_mark(quiet, study, &again) == MB_OK && again.has_line;
    clear_mark(&again);
    mb_context_destroy(quiet);
    if (is_ours) {
        mb_context_clear(ctx);
    }
    return is_ours ? MB_OK : status;
}

typedef struct toy_paths {
    char *part, *begun, *done;
} toy_paths;

static mb_status simulate_into(mb_context *ctx, const mb_study *study,
    const mb_detector_request *request, const toy_paths *paths) {
    // One that was killed may have had the same number, and left some.
    mb_empty_directory(paths->part);
    MB_TRY(mb_detector_simulate(
        ctx, study->detector, request->document, study->simulate, study->seed, paths->part));
    MB_TRY(check_free(ctx, study, paths->part));
    MB_TRY(write_mark(ctx, study, paths->begun));
    MB_TRY(write_mark(ctx, study, paths->done));
    return for_each_file(ctx, paths->part, study->data_directory, move);
}

static mb_status simulate_marked(
    mb_context *ctx, const mb_study *study, const mb_detector_request *request) {
    char name[64];
    mb_format(name, sizeof name, "%s-%ld", begun_name, (long)getpid());
    toy_paths paths = {.part = mb_path_join(ctx, study->data_directory, name),
        .begun = mb_path_join(ctx, study->data_directory, begun_name),
        .done = mb_path_join(ctx, study->data_directory, done_name)};
    mb_status status = paths.part == NULL || paths.begun == NULL || paths.done == NULL
                           ? MB_ERR_MEMORY
                           : simulate_into(ctx, study, request, &paths);
    if (paths.part != NULL) {
        mb_empty_directory(paths.part);
        remove(paths.part);
    }
    if (status == MB_OK) {
        remove(paths.begun);
    }
    mb_release(ctx, paths.part);
    mb_release(ctx, paths.begun);
    mb_release(ctx, paths.done);
    return status;
}

// Toy events that are there already are taken as they are, though the study may have changed.
static mb_status tell_other_toys(mb_context *ctx, const mb_study *study) {
    toy_mark mark;
    const mb_status status = read_mark(ctx, study, &mark);
    if (status == MB_OK && mark.has_kind && !mark.has_line) {
        mb_notice(ctx, MB_NOTICE_WARNING, study->data_directory,
            "the toy events there were made with another simulate: or seed (%s says which), and "
            "are taken as they are; remove them, or set data.dir to a folder of its own, to "
            "simulate anew",
            done_name);
    }
    clear_mark(&mark);
    return status;
}

// Toy events in place of data that is not there: said, never silent.
static mb_status simulate_absent(
    mb_context *ctx, const mb_study *study, const mb_detector_request *request) {
    bool is_there = false;
    MB_TRY(study->detector->has_files(ctx, request, &is_there));
    if (study->simulate == NULL) {
        return MB_OK;
    }
    if (is_there && !has_mark(ctx, study, begun_name)) {
        return tell_other_toys(ctx, study);
    }
    // Who names a folder has data in mind, and may have mistyped it.
    mb_notice(ctx, study->is_directory_set ? MB_NOTICE_WARNING : MB_NOTICE_INFO,
        study->data_directory,
        "the data files are absent: toy events are simulated (simulate: in the study)");
    return simulate_marked(ctx, study, request);
}

mb_status mb_study_load(mb_context *ctx, const mb_study *study, const mb_source_request *request,
    mb_dataset *out, mb_buffer *report) {
    mb_dataset_init(out, ctx);
    if (study->data == NULL) {
        return mb_fail(ctx, MB_ERR_FORMAT, "%s: there is no data:; add it", study->path);
    }
    if (study->detector == NULL) {
        mb_document *document = (mb_document *)(uintptr_t)&study->document;
        if (request->n_files > 1) {
            return mb_fail(ctx, MB_ERR_UNSUPPORTED,
                "%s: one file of arrays is read at a time; leave it out, and name it alone",
                request->files[1]);
        }
        return request->n_files == 1 ? mb_arrays_source_load_file(ctx, document, study->source_data,
                                           request->files[0], out)
                                     : mb_arrays_source_load(ctx, document, study->source_data,
                                           study->data_directory, request->wants_label, out);
    }
    mb_detector_request detector = mb_study_detector_request(study);
    detector.wants_label = request->wants_label;
    detector.set_aside = study->alternate != NULL ? study->alternate->events : 0;
    detector.files = request->files;
    detector.n_files = request->n_files;
    detector.facts = request->facts;
    if (request->n_files == 0) {
        MB_TRY(simulate_absent(ctx, study, &detector));
    }
    MB_TRY(study->detector->load(ctx, &detector, out, report));
    return request->for_models ? mb_module_add_images(ctx, study, out) : MB_OK;
}
