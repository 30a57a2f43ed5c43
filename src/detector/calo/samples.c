// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/calo/samples.h"

static mb_status list_files(
    mb_context *ctx, const char *directory, const mb_texts *patterns, mb_names *out) {
    out->ctx = ctx;
    for (size_t i = 0; i < patterns->n; i++) {
        mb_names found = {0};
        MB_TRY(mb_names_of_pattern(&found, ctx, directory, patterns->value[i]));
        const mb_status status =
            mb_grow(ctx, &out->name, &out->capacity, out->n + found.n, sizeof *out->name);
        for (size_t k = 0; status == MB_OK && k < found.n; k++) {
            out->name[out->n++] = found.name[k];
            found.name[k] = NULL;
        }
        mb_names_clear(&found);
        MB_TRY(status);
    }
    return MB_OK;
}

static mb_status fail_none(mb_context *ctx, const mb_detector_request *request,
    const mb_calo_source *source, bool is_signal) {
    const char *place =
        request->directory == NULL || request->directory[0] == '\0' ? "." : request->directory;
    if (!mb_path_is_directory(place)) {
        return mb_fail(ctx, MB_ERR_IO, "%s: no such directory; set data.dir", place);
    }
    return mb_fail(ctx, MB_ERR_IO, "%s: no file '%s'; set data.dir or data.%s%s.file", place,
        source->files.value[0], is_signal ? "signals." : "",
        is_signal ? source->name : "background");
}

// A file named twice would have its events in training and test.
static mb_status check_repeats(mb_context *ctx, const mb_names *names) {
    for (size_t i = 1; i < names->n; i++) {
        for (size_t k = 0; k < i; k++) {
            if (strcmp(names->name[i], names->name[k]) == 0) {
                return mb_fail(ctx, MB_ERR_FORMAT,
                    "%s: named twice for one sample; name every file once", names->name[i]);
            }
        }
    }
    return MB_OK;
}

static mb_status open_files(mb_context *ctx, mb_calo_sample_files *sample) {
    MB_TRY(check_repeats(ctx, &sample->paths));
    sample->files = mb_allocate_zeroed(ctx, sample->paths.n, sizeof *sample->files);
    if (sample->files == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < sample->paths.n; i++) {
        MB_TRY(mb_calo_file_open(ctx, sample->paths.name[i], &sample->files[i]));
        sample->n_events += sample->files[i].n_events;
        sample->n_accepted += sample->files[i].n_accepted;
    }
    return sample->n_accepted > 0
               ? MB_OK
               : mb_fail(ctx, MB_ERR_FORMAT,
                     "%s: AcceptanceFlag: none of %zu events is accepted; give another file",
                     sample->paths.name[0], sample->n_events);
}

static mb_status open_given(
    mb_context *ctx, const mb_detector_request *request, mb_calo_samples *out) {
    mb_calo_sample_files *sample = &out->sample[0];
    sample->paths.ctx = ctx;
    out->n = 1;
    MB_TRY(mb_grow(ctx, &sample->paths.name, &sample->paths.capacity, request->n_files,
        sizeof *sample->paths.name));
    for (size_t i = 0; i < request->n_files; i++) {
        sample->paths.name[i] = mb_copy_text(ctx, request->files[i]);
        if (sample->paths.name[i] == NULL) {
            return MB_ERR_MEMORY;
        }
        sample->paths.n++;
    }
    sample->name = "files";
    return open_files(ctx, sample);
}

static const mb_calo_source *source_of(const mb_calo_settings *settings, size_t i) {
    return i == 0 ? &settings->background : &settings->signals[i - 1];
}

mb_status mb_calo_samples_open(mb_context *ctx, const mb_detector_request *request,
    const mb_calo_settings *settings, mb_calo_samples *out) {
    *out = (mb_calo_samples){0};
    if (request->files != NULL && request->n_files > 0) {
        return open_given(ctx, request, out);
    }
    for (size_t i = 0; i <= settings->n_signals; i++) {
        const mb_calo_source *source = source_of(settings, i);
        mb_calo_sample_files *sample = &out->sample[out->n++];
        sample->name = source->name;
        MB_TRY(list_files(ctx, request->directory, &source->files, &sample->paths));
        if (sample->paths.n == 0) {
            return fail_none(ctx, request, source, i > 0);
        }
        MB_TRY(open_files(ctx, sample));
    }
    return MB_OK;
}

void mb_calo_samples_clear(mb_calo_samples *samples, mb_context *ctx) {
    for (size_t i = 0; i < samples->n; i++) {
        mb_calo_sample_files *sample = &samples->sample[i];
        for (size_t k = 0; sample->files != NULL && k < sample->paths.n; k++) {
            mb_calo_file_clear(&sample->files[k], ctx);
        }
        mb_release(ctx, sample->files);
        mb_names_clear(&sample->paths);
    }
    samples->n = 0;
}

mb_status mb_calo_has_files(mb_context *ctx, const mb_detector_request *request,
    const mb_calo_settings *settings, bool *out) {
    *out = false;
    for (size_t i = 0; i <= settings->n_signals && !*out; i++) {
        mb_names names = {0};
        const mb_status status =
            list_files(ctx, request->directory, &source_of(settings, i)->files, &names);
        *out = names.n > 0;
        mb_names_clear(&names);
        MB_TRY(status);
    }
    return MB_OK;
}

mb_status mb_calo_sample_read(mb_context *ctx, const mb_calo_sample_files *sample, int on_bad,
    size_t n_wanted, uint32_t first_file, float *regions, int64_t *event, uint32_t *file, size_t *n,
    mb_calo_tally *tally) {
    *n = 0;
    for (size_t i = 0; i < sample->paths.n && *n < n_wanted; i++) {
        size_t n_new = 0;
        MB_TRY(mb_calo_file_read(ctx, &sample->files[i], on_bad, n_wanted - *n,
            regions + *n * MB_CALO_N_REGIONS, event + *n, &n_new, tally));
        for (size_t k = 0; k < n_new; k++) {
            file[*n + k] = first_file + (uint32_t)i;
        }
        *n += n_new;
    }
    return MB_OK;
}
