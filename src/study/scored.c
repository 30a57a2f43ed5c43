// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/scored.h"

#include "files/npy.h"

// The label of a row of the target: one number, or the larger of two.
static bool read_label(const float *target, size_t size, float *out) {
    if (size == 1) {
        *out = *target;
        return *target == 0.0F || *target == 1.0F;
    }
    *out = target[1] > target[0] ? 1.0F : 0.0F;
    return size == 2;
}

mb_status mb_labels_of(
    mb_context *ctx, const mb_dataset *dataset, const uint32_t *rows, size_t n_rows, float **out) {
    enum { BLOCK = 1024 };
    const mb_column *target = mb_dataset_target(dataset);
    *out = NULL;
    if (target == NULL || target->size > 2 || target->size == 0) {
        return MB_OK;
    }
    float *labels = mb_allocate(ctx, n_rows, sizeof *labels);
    if (labels == NULL) {
        return MB_ERR_MEMORY;
    }
    float values[2 * BLOCK];
    bool is_binary = true;
    mb_status status = MB_OK;
    for (size_t first = 0; first < n_rows && is_binary && status == MB_OK; first += BLOCK) {
        const size_t n = mb_min_size(BLOCK, n_rows - first);
        status = mb_column_gather(target, ctx, rows + first, n, values);
        for (size_t i = 0; i < n && status == MB_OK; i++) {
            is_binary = is_binary &&
                        read_label(&values[i * target->size], target->size, &labels[first + i]);
        }
    }
    if (status != MB_OK || !is_binary) {
        mb_release(ctx, labels);
        return status;
    }
    *out = labels;
    return MB_OK;
}

static mb_status predict(
    mb_scored *out, mb_context *ctx, const mb_model *model, const mb_dataset *dataset) {
    const size_t n_outputs = model->n_outputs;
    float **outputs = mb_allocate_zeroed(ctx, n_outputs, sizeof *outputs);
    mb_status status = outputs == NULL ? MB_ERR_MEMORY : MB_OK;
    for (size_t i = 0; i < n_outputs && status == MB_OK; i++) {
        const size_t size = mb_value_size(&model->values[model->outputs[i]].type);
        outputs[i] = mb_allocate(ctx, out->n, size * sizeof(float));
        status = outputs[i] == NULL ? MB_ERR_MEMORY : MB_OK;
    }
    if (status == MB_OK) {
        status =
            mb_predict_dataset(ctx, model, model->parameters, dataset, out->row, out->n, outputs);
    }
    // The first output is what is judged.
    for (size_t i = 1; outputs != NULL && i < n_outputs; i++) {
        mb_release(ctx, outputs[i]);
    }
    out->output = outputs != NULL ? outputs[0] : NULL;
    mb_release(ctx, outputs);
    return status;
}

mb_status mb_scored_make(mb_scored *out, mb_context *ctx, const mb_model *model,
    const mb_dataset *dataset, const uint8_t *split, const uint32_t *rows, size_t n) {
    *out = (mb_scored){.runtime = mb_context_runtime(ctx), .n = n};
    out->row = mb_allocate(ctx, n, sizeof *out->row);
    out->split = mb_allocate(ctx, n, 1);
    if (out->row == NULL || out->split == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < n; i++) {
        out->row[i] = rows[i];
        out->split[i] = split[rows[i]];
    }
    out->width = mb_value_size(&model->values[model->outputs[0]].type);
    MB_TRY(predict(out, ctx, model, dataset));
    if (out->width > 2) {
        return MB_OK;
    }
    out->score = mb_allocate(ctx, out->n, sizeof *out->score);
    if (out->score == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < out->n; i++) {
        out->score[i] = out->output[i * out->width + out->width - 1];
    }
    return mb_labels_of(ctx, dataset, out->row, out->n, &out->label);
}

void mb_scored_clear(mb_scored *scored) {
    if (scored->runtime != NULL) {
        mb_runtime_release(scored->runtime, scored->output);
        mb_runtime_release(scored->runtime, scored->score);
        mb_runtime_release(scored->runtime, scored->label);
        mb_runtime_release(scored->runtime, scored->row);
        mb_runtime_release(scored->runtime, scored->split);
        *scored = (mb_scored){0};
    }
}

mb_status mb_scored_part_make(
    mb_scored_part *out, mb_context *ctx, const mb_scored *scored, int split) {
    *out = (mb_scored_part){.runtime = mb_context_runtime(ctx)};
    out->score = mb_allocate(ctx, scored->n, sizeof *out->score);
    out->label = mb_allocate(ctx, scored->n, sizeof *out->label);
    if (out->score == NULL || out->label == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < scored->n; i++) {
        if (split == MB_EVALUATE_ALL || scored->split[i] == split) {
            out->score[out->n] = scored->score[i];
            out->label[out->n] = scored->label[i];
            out->n_signal += scored->label[i] > 0.5F;
            out->n++;
        }
    }
    return MB_OK;
}

void mb_scored_part_clear(mb_scored_part *part) {
    if (part->runtime != NULL) {
        mb_runtime_release(part->runtime, part->score);
        mb_runtime_release(part->runtime, part->label);
        *part = (mb_scored_part){0};
    }
}

int mb_scored_choose(const mb_scored *scored, int wanted) {
    if (wanted != MB_EVALUATE_AUTO) {
        return wanted;
    }
    bool has[3] = {false, false, false};
    for (size_t i = 0; i < scored->n; i++) {
        if (scored->split[i] < 3) {
            has[scored->split[i]] = true;
        }
    }
    return has[MB_SPLIT_TEST]         ? MB_SPLIT_TEST
           : has[MB_SPLIT_VALIDATION] ? MB_SPLIT_VALIDATION
                                      : MB_SPLIT_TRAIN;
}

mb_status mb_stored_scores_read(mb_stored_scores *out, mb_context *ctx, const char *path) {
    *out = (mb_stored_scores){0};
    mb_names names;
    MB_TRY(mb_npz_list(ctx, path, &names));
    for (size_t i = 0; i < names.n; i++) {
        out->has_label = out->has_label || strcmp(names.name[i], "label") == 0;
    }
    mb_names_clear(&names);
    MB_TRY(mb_npz_read(ctx, path, "score", &out->score));
    MB_TRY(mb_npz_read(ctx, path, "split", &out->split));
    MB_TRY(mb_npz_read(ctx, path, "event", &out->event));
    MB_TRY(mb_npz_read(ctx, path, "file", &out->file));
    if (out->has_label) {
        MB_TRY(mb_npz_read(ctx, path, "label", &out->label));
    }
    const size_t n = mb_array_count(&out->split);
    if (out->score.rank == 0 || out->score.shape[0] != n || mb_array_count(&out->event) != n ||
        mb_array_count(&out->file) != n || (out->has_label && mb_array_count(&out->label) != n) ||
        out->split.dtype != MB_U8) {
        return mb_fail(ctx, MB_ERR_FORMAT,
            "%s: its arrays do not fit together; make it again with 'minbias evaluate'", path);
    }
    return MB_OK;
}

mb_status mb_stored_scores_part(
    mb_scored_part *out, mb_context *ctx, const mb_stored_scores *stored, int split) {
    const size_t n = mb_array_count(&stored->split);
    const size_t width = mb_array_count(&stored->score) / mb_max_size(n, 1);
    const uint8_t *splits = stored->split.data;
    *out = (mb_scored_part){.runtime = mb_context_runtime(ctx)};
    out->score = mb_allocate(ctx, n, sizeof *out->score);
    out->label = mb_allocate(ctx, n, sizeof *out->label);
    if (out->score == NULL || out->label == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < n; i++) {
        if (split == MB_EVALUATE_ALL || splits[i] == split) {
            out->score[out->n] = (float)mb_array_get(&stored->score, i * width + width - 1);
            out->label[out->n] = (float)mb_array_get(&stored->label, i);
            out->n_signal += out->label[out->n] > 0.5F;
            out->n++;
        }
    }
    return MB_OK;
}

void mb_stored_scores_clear(mb_stored_scores *stored) {
    mb_array_clear(&stored->score);
    mb_array_clear(&stored->label);
    mb_array_clear(&stored->split);
    mb_array_clear(&stored->event);
    mb_array_clear(&stored->file);
}
