// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "calo_study.h"

#include "files/hdf5.h"

#include <stdio.h>

void calo_study_open(detector_study *study, mb_context *ctx, const char *data,
    const char *const *compat, const char *directory) {
    detector_study_open(study, ctx, directory, data, compat);
    study->request.seed = 42;
}

double calo_value(size_t sample, size_t event, size_t region) {
    if (region == 0) {
        return (double)(event % 1024);
    }
    return (double)((region * 7 + event * 3 + sample * 11) % 120);
}

static void fill(mb_array *array, const calo_content *content) {
    for (size_t i = 0; i < content->n * MB_CALO_N_REGIONS; i++) {
        const double value =
            content->values != NULL
                ? content->values[i]
                : calo_value(content->sample, i / MB_CALO_N_REGIONS, i % MB_CALO_N_REGIONS);
        ((double *)array->data)[i] = value;
    }
}

static void write_regions(
    mb_context *ctx, mb_h5_writer *writer, const calo_form *form, const calo_content *content) {
    const size_t shapes[3][4] = {{content->n, MB_CALO_N_REGIONS},
        {content->n, MB_CALO_N_PHI, MB_CALO_N_ETA}, {content->n, MB_CALO_N_PHI, MB_CALO_N_ETA, 1}};
    const size_t *shape = shapes[form->rank - 2];
    const char *name = form->dataset != NULL ? form->dataset : "CaloRegions";
    mb_array array;
    assert_ok(ctx, mb_array_init(&array, ctx, MB_F64, form->rank, shape));
    fill(&array, content);
    assert_ok(ctx, mb_array_convert(&array, ctx, form->dtype));
    if (form->chunk_rows == 0) {
        assert_ok(ctx, mb_h5_write_array(writer, name, &array));
    } else {
        mb_h5_rows *rows;
        assert_ok(ctx, mb_h5_create_growing_rows(writer, name, form->dtype, form->rank, shape,
                           form->chunk_rows, form->deflate, &rows));
        assert_ok(ctx, mb_h5_write_rows(rows, array.data, content->n));
    }
    mb_array_clear(&array);
}

void calo_write(mb_context *ctx, const char *directory, const char *name, const calo_form *form,
    const calo_content *content) {
    char path[4200];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    mb_h5_writer *writer;
    assert_ok(ctx, mb_h5_create(ctx, path, MB_H5_IN_MEMORY, &writer));
    write_regions(ctx, writer, form, content);
    if (content->accepted != NULL || content->n_accepted == 0) {
        mb_array flags;
        assert_ok(ctx, mb_array_init(&flags, ctx, MB_U8, 1, &content->n_accepted));
        if (content->n_accepted > 0) {
            memcpy(flags.data, content->accepted, content->n_accepted);
        }
        assert_ok(ctx, mb_array_convert(&flags, ctx, content->flag_dtype));
        assert_ok(ctx, mb_h5_write_array(writer, "AcceptanceFlag", &flags));
        mb_array_clear(&flags);
    }
    assert_ok(ctx, mb_h5_commit(writer));
}

void calo_write_events(
    mb_context *ctx, const char *directory, const char *name, size_t sample, size_t n) {
    const calo_content content = {.n = n, .sample = sample, .n_accepted = SIZE_MAX};
    calo_write(ctx, directory, name, &CALO_FORM, &content);
}

mb_status calo_load(mb_context *ctx, const char *data, const char *const *compat,
    const char *directory, size_t set_aside, mb_dataset *out, mb_buffer *report) {
    detector_study study;
    calo_study_open(&study, ctx, data, compat, directory);
    study.request.set_aside = set_aside;
    const mb_status status = detector_named("calo")->load(ctx, &study.request, out, report);
    detector_study_close(&study);
    return status;
}

float calo_region(const mb_dataset *dataset, size_t row, size_t region) {
    return ((const float *)mb_dataset_find(dataset, "regions")
                ->dense.data)[row * MB_CALO_N_REGIONS + region];
}

int64_t calo_extra(const mb_dataset *dataset, const char *name, size_t row) {
    const mb_column *column = mb_dataset_find(dataset, name);
    assert_non_null(column);
    return (int64_t)mb_array_get(&column->dense, row);
}
