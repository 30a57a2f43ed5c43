// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "minbias/calo.h"

#include "base/output.h"
#include "detector/calo/calo.h"
#include "detector/calo/field_files.h"
#include "detector/calo/regions_text.h"
#include "files/npy.h"
#include "study/answer.h"
#include "study/array_files.h"
#include "study/study.h"

enum { N = MB_CALO_N_REGIONS };

static mb_status write_npy(mb_context *ctx, const char *path, const mb_calo_links *links) {
    mb_array array = {.data = NULL};
    MB_TRY(mb_array_init(&array, ctx, MB_U16, 2, (const size_t[]){links->n_events, N}));
    uint16_t *et = array.data;
    for (size_t i = 0; i < links->n_events * N; i++) {
        et[i] = mb_calo_field_unpack(links->bits[i]).et;
    }
    const mb_status status = mb_npy_write(ctx, path, &array);
    mb_array_clear(&array);
    return status;
}

static mb_status write_table(mb_context *ctx, const char *path, const mb_calo_links *links) {
    float *et = mb_allocate(ctx, links->n_events * N, sizeof *et);
    if (et == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < links->n_events * N; i++) {
        et[i] = mb_calo_field_unpack(links->bits[i]).et;
    }
    mb_buffer text;
    mb_buffer_init(&text, ctx);
    mb_calo_table_write(&text, et, links->n_events);
    mb_release(ctx, et);
    return mb_write_buffer(&text, path);
}

static mb_status write_decoded(
    mb_context *ctx, const char *path, bool has_fields, const mb_calo_links *links) {
    if (mb_path_has_suffix(path, ".npy")) {
        return write_npy(ctx, path, links);
    }
    if (mb_path_has_suffix(path, ".h5")) {
        return mb_calo_fields_write_hdf5(ctx, path, links->bits, links->n_events);
    }
    return has_fields ? mb_calo_fields_write_csv(ctx, path, links->bits, links->n_events)
                      : write_table(ctx, path, links);
}

static void tell(mb_answer *answer, const char *path, const mb_calo_links *links) {
    size_t n_eg = 0;
    size_t n_tau = 0;
    size_t n_filled = 0;
    for (size_t i = 0; i < links->n_events * N; i++) {
        const mb_calo_field field = mb_calo_field_unpack(links->bits[i]);
        n_eg += field.eg_veto;
        n_tau += field.tau_veto;
        n_filled += field.et > 0;
    }
    mb_answer_put_int(answer, NULL, "events", (int64_t)links->n_events);
    mb_answer_put_int(answer, NULL, "regions_with_et", (int64_t)n_filled);
    mb_answer_put_int(answer, NULL, "eg_vetoes", (int64_t)n_eg);
    mb_answer_put_int(answer, NULL, "tau_vetoes", (int64_t)n_tau);
    mb_answer_put_text(answer, NULL, "file", path);
    mb_answer_line(answer,
        "%s: %zu events, %zu regions with energy, %zu with e/gamma veto, %zu with tau veto", path,
        links->n_events, n_filled, n_eg, n_tau);
}

mb_status mb_calo_link_decode(mb_context *ctx, const char *path, bool has_fields,
    const char *output, bool is_forced, mb_answer **out) {
    *out = NULL;
    const bool is_csv = mb_path_has_suffix(output, ".csv");
    if (!is_csv && !mb_path_has_suffix(output, ".npy") && !mb_path_has_suffix(output, ".h5")) {
        return mb_fail(
            ctx, MB_ERR_ARG, "%s: the suffix says no format; write .csv, .npy or .h5", output);
    }
    if (has_fields && !is_csv) {
        return mb_fail(ctx, MB_ERR_ARG,
            "%s: a table of fields is a .csv; an .h5 has the veto bits without asking", output);
    }
    MB_TRY(mb_check_absent(ctx, output, is_forced));
    mb_answer *answer = NULL;
    MB_TRY(mb_answer_create(ctx, &answer));
    mb_calo_links links;
    mb_status status = mb_calo_links_read(&links, ctx, path);
    if (status == MB_OK && links.n_events == 0) {
        status = mb_fail(
            ctx, MB_ERR_FORMAT, "%s: no event; give lines of words behind #BeginData", path);
    }
    if (status == MB_OK && links.n_stray > 0) {
        mb_notice(ctx, MB_NOTICE_WARNING, path,
            "%llu times a link carries bits outside its regions (7..0, 127..120); they are left "
            "out",
            (unsigned long long)links.n_stray);
    }
    if (status == MB_OK) {
        status = write_decoded(ctx, output, has_fields, &links);
    }
    if (status == MB_OK) {
        tell(answer, output, &links);
    }
    mb_calo_links_clear(&links);
    return mb_answer_finish(answer, status, out);
}

mb_status mb_calo_link_encode(
    mb_context *ctx, const char *regions, const char *output, bool is_forced, mb_answer **out) {
    *out = NULL;
    MB_TRY(mb_check_absent(ctx, output, is_forced));
    mb_answer *answer = NULL;
    MB_TRY(mb_answer_create(ctx, &answer));
    mb_calo_links links;
    mb_status status = mb_calo_fields_read(&links, ctx, regions);
    if (status == MB_OK) {
        mb_buffer text;
        mb_buffer_init(&text, ctx);
        mb_calo_links_write(&text, links.bits, links.n_events);
        status = mb_write_buffer(&text, output);
    }
    if (status == MB_OK) {
        tell(answer, output, &links);
    }
    mb_calo_links_clear(&links);
    return mb_answer_finish(answer, status, out);
}

mb_status mb_calo_link_scores(mb_context *ctx, const char *path, size_t link, const char *output,
    bool is_forced, mb_answer **out) {
    *out = NULL;
    MB_TRY(mb_array_file_check(ctx, output));
    MB_TRY(mb_check_absent(ctx, output, is_forced));
    mb_answer *answer = NULL;
    MB_TRY(mb_answer_create(ctx, &answer));
    double *scores = NULL;
    size_t n = 0;
    mb_array array = {.data = NULL};
    mb_status status = mb_calo_scores_read(ctx, path, link, &scores, &n);
    if (status == MB_OK) {
        status = mb_array_init(&array, ctx, MB_F64, 1, &n);
    }
    if (status == MB_OK) {
        memcpy(array.data, scores, n * sizeof *scores);
        status = mb_array_file_write(ctx, output, "score", &array);
    }
    if (status == MB_OK) {
        mb_answer_put_int(answer, NULL, "events", (int64_t)n);
        mb_answer_put_real(answer, NULL, "first", scores[0]);
        mb_answer_put_text(answer, NULL, "file", output);
        mb_answer_line(answer, "%s: %zu scores, the first %.8f", output, n, scores[0]);
    }
    mb_array_clear(&array);
    mb_release(ctx, scores);
    return mb_answer_finish(answer, status, out);
}
