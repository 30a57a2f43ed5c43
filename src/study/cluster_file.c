// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "minbias/cluster.h"

#include "measure/dbscan.h"
#include "study/answer.h"
#include "study/array_files.h"
#include "study/study.h"

static mb_status cluster(mb_context *ctx, const char *where, const mb_array *points,
    const mb_dbscan_settings *settings, mb_array *labels, mb_dbscan_counts *counts) {
    if (points->rank != 2) {
        char shape[128];
        return mb_fail(ctx, MB_ERR_SHAPE, "%s: has shape %s; give one row a point, (n, d)", where,
            mb_array_shape_text(points, shape, sizeof shape));
    }
    MB_TRY(mb_array_init(labels, ctx, MB_I64, 1, points->shape));
    return mb_dbscan(ctx, where, mb_values_of(points), points->shape[0], points->shape[1], settings,
        labels->data, counts);
}

static void put_counts(
    mb_answer *answer, const char *path, const mb_array *labels, const mb_dbscan_counts *counts) {
    const size_t n = labels->shape[0];
    mb_answer_put_int(answer, NULL, "points", (int64_t)n);
    mb_answer_put_int(answer, NULL, "clusters", (int64_t)counts->n_clusters);
    mb_answer_put_int(answer, NULL, "core", (int64_t)counts->n_core);
    mb_answer_put_int(answer, NULL, "noise", (int64_t)counts->n_noise);
    mb_answer_put_text(answer, NULL, "labels", path);
    mb_answer_line(answer, "%zu points: %zu clusters, %zu noise (%zu core, %zu border points)", n,
        counts->n_clusters, counts->n_noise, counts->n_core, n - counts->n_core - counts->n_noise);
    mb_answer_line(answer, "%s: int64 (%zu,)", path, n);
}

mb_status mb_cluster_of_file(mb_context *ctx, const char *where, const char *eps,
    uint64_t min_samples, const char *path, bool is_forced, mb_answer **out) {
    if (out != NULL) {
        *out = NULL;
    }
    mb_dbscan_settings settings = {.min_samples = min_samples};
    if (!mb_text_to_double(eps, &settings.eps)) {
        return mb_fail(ctx, MB_ERR_ARG, "eps: '%s' is no number; give a distance such as 0.1", eps);
    }
    MB_TRY(mb_dbscan_check(ctx, &settings));
    MB_TRY(mb_array_file_check(ctx, path));
    MB_TRY(mb_check_absent(ctx, path, is_forced));
    mb_array points = {0};
    mb_array labels = {0};
    mb_dbscan_counts counts = {0};
    mb_answer *answer = NULL;
    MB_TRY(mb_answer_create(ctx, &answer));
    mb_status status = mb_array_file_read(ctx, where, &points);
    if (status == MB_OK) {
        status = cluster(ctx, where, &points, &settings, &labels, &counts);
    }
    if (status == MB_OK) {
        status = mb_array_file_write(ctx, path, "labels", &labels);
    }
    if (status == MB_OK) {
        put_counts(answer, path, &labels, &counts);
    }
    mb_array_clear(&points);
    mb_array_clear(&labels);
    return mb_answer_finish(answer, status, out);
}
