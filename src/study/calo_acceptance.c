// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "minbias/calo.h"

#include "base/output.h"
#include "detector/calo/region_stream.h"
#include "files/csv.h"
#include "measure/efficiency.h"
#include "study/answer.h"
#include "study/score_files.h"
#include "study/study.h"

static mb_status count(mb_context *ctx, const char *path, mb_efficiency *out) {
    mb_calo_stream *stream = NULL;
    MB_TRY(mb_calo_stream_open(ctx, path, &stream));
    *out = mb_efficiency_of(mb_calo_stream_accepted(stream), mb_calo_stream_events(stream));
    mb_calo_stream_close(stream);
    return MB_OK;
}

static void add_row(mb_answer *answer, mb_node *list, mb_buffer *csv, const char *file,
    const char *label, const mb_efficiency *share) {
    mb_node *map = mb_answer_add_map(answer, list);
    mb_answer_put_text(answer, map, "sample", label);
    mb_answer_put_text(answer, map, "file", file);
    mb_answer_put_int(answer, map, "events", (int64_t)share->n);
    mb_answer_put_int(answer, map, "accepted", (int64_t)share->k);
    mb_answer_put_real(answer, map, "share", share->value);
    mb_answer_put_real(answer, map, "error", share->error);
    mb_answer_line(answer, "| %s | %llu | %llu | %.4f | %.4f |", label,
        (unsigned long long)share->n, (unsigned long long)share->k, share->value, share->error);
    mb_csv_put_text(csv, true, label);
    mb_csv_put_text(csv, false, file);
    mb_csv_put_int64(csv, false, (int64_t)share->n);
    mb_csv_put_int64(csv, false, (int64_t)share->k);
    mb_csv_put_double(csv, false, share->value);
    mb_csv_put_double(csv, false, share->error);
    mb_csv_end_row(csv);
}

static mb_status make_rows(mb_context *ctx, const char *const *files, size_t n, char *const *labels,
    mb_answer *answer, mb_buffer *csv) {
    mb_buffer_text(csv, "sample,file,events,accepted,share,error\n");
    mb_answer_line(answer, "| sample | events | accepted | share | error |");
    mb_answer_line(answer, "|---|---:|---:|---:|---:|");
    mb_node *list = mb_answer_put_list(answer, NULL, "samples");
    for (size_t i = 0; i < n; i++) {
        mb_efficiency share;
        MB_TRY(count(ctx, files[i], &share));
        add_row(answer, list, csv, files[i], labels[i], &share);
    }
    return answer->status;
}

mb_status mb_calo_acceptance(mb_context *ctx, const char *const *files, size_t n,
    const char *output, bool is_forced, mb_answer **out) {
    *out = NULL;
    if (output != NULL) {
        if (!mb_path_has_suffix(output, ".md") && !mb_path_has_suffix(output, ".csv")) {
            return mb_fail(
                ctx, MB_ERR_ARG, "%s: the suffix says no format; write .md or .csv", output);
        }
        MB_TRY(mb_check_absent(ctx, output, is_forced));
    }
    mb_answer *answer = NULL;
    MB_TRY(mb_answer_create(ctx, &answer));
    mb_buffer csv;
    mb_buffer_init(&csv, ctx);
    char **labels = mb_allocate_zeroed(ctx, n, sizeof *labels);
    mb_status status = labels != NULL ? mb_score_file_labels(ctx, files, n, labels) : MB_ERR_MEMORY;
    if (status == MB_OK) {
        status = make_rows(ctx, files, n, labels, answer, &csv);
    }
    if (status == MB_OK && output != NULL) {
        status = mb_path_has_suffix(output, ".csv")
                     ? mb_write_buffer(&csv, output)
                     : mb_write_file(ctx, output, answer->text.data, answer->text.length);
    }
    for (size_t i = 0; labels != NULL && i < n; i++) {
        mb_release(ctx, labels[i]);
    }
    mb_release(ctx, (void *)labels);
    mb_buffer_clear(&csv);
    return mb_answer_finish(answer, status, out);
}
