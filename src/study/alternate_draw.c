// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "draw/figures.h"
#include "draw/figures_compare.h"
#include "draw/figures_matrix.h"
#include "draw/figures_training.h"
#include "study/alternate_run.h"
#include "study/history.h"

// plots/ of a teacher and of its students.

typedef struct drawing {
    mb_run *run;
    mb_context *ctx;
    mb_gallery *gallery;
    const mb_alternate_scores *scores;
    const mb_alternate_groups *groups;
    const char *folder; // of the model
    size_t k;           // of the model
} drawing;

static const char *what_is_learnt(const drawing *d) {
    static const char *const names[] = {"32 ln(MSE)", "MSE", "ln(MSE + 1)"};
    return names[d->run->study->alternate->target];
}

static mb_status draw_training(const drawing *d) {
    mb_history history;
    mb_document record = {0};
    mb_status status = mb_history_read(&history, d->ctx, d->folder);
    if (status == MB_OK && history.n > 0) {
        status = mb_run_read_json(d->ctx, d->folder, "training.json", &record);
    }
    if (status == MB_OK && history.n > 0) {
        const mb_training_columns fit = {.title = d->scores->name[d->k],
            .epoch = history.epoch,
            .loss = history.loss,
            .val_loss = history.val_loss,
            .best_epoch = mb_node_number(record.root, "best_epoch")};
        status = mb_draw_training(d->gallery, d->ctx, "training", &fit);
    }
    mb_document_clear(&record);
    mb_history_clear(&history);
    return status;
}

// Of the events of a group; freed with mb_release.
static float *pack(mb_context *ctx, const mb_alternate_group *group, const float *values) {
    float *packed = mb_allocate(ctx, group->n, sizeof *packed);
    for (size_t i = 0; packed != NULL && i < group->n; i++) {
        packed[i] = values[group->index[i]];
    }
    return packed;
}

// Teacher and students on one scale: that of what the students learn.
static const float *shown_scores(const drawing *d) {
    return d->k == 0 ? d->scores->target : d->scores->score[d->k];
}

static bool is_shown(const drawing *d, size_t g) {
    return d->groups->group[g].is_signal || g == d->groups->judged;
}

static mb_status draw_scores(const drawing *d) {
    enum { MOST = 16, BINS = 100 };
    mb_histogram_set sets[MOST];
    float *packed[MOST] = {NULL};
    size_t n = 0;
    mb_status status = MB_OK;
    for (size_t g = 0; g < d->groups->n && n < MOST && status == MB_OK; g++) {
        const mb_alternate_group *group = &d->groups->group[g];
        if (!is_shown(d, g)) {
            continue;
        }
        packed[n] = pack(d->ctx, group, shown_scores(d));
        status = packed[n] == NULL ? MB_ERR_MEMORY : MB_OK;
        sets[n].label = group->is_signal ? mb_sample_title(group->name, NULL) : "background";
        sets[n].values = mb_values_f32(packed[n], group->n);
        n++;
    }
    const bool is_log = d->run->study->alternate->target == MB_ALTERNATE_LOG_MSE;
    mb_buffer caption;
    mb_buffer_init(&caption, d->ctx);
    mb_buffer_format(&caption, "%s of %s for the %s events of the background%s.",
        d->k == 0 ? what_is_learnt(d) : "Scores", d->scores->name[d->k],
        d->groups->group[d->groups->judged].name, n > 1 ? " and of each signal" : "");
    if (status == MB_OK && caption.status == MB_OK) {
        const mb_histogram_settings settings = {.name = "scores",
            .x_label = d->k == 0 ? what_is_learnt(d) : "Score",
            .y_label = "Fraction of events / bin width",
            .caption = caption.data,
            .n_bins = BINS,
            .low = 0,
            .high = is_log ? 256 : 0,
            .is_log = true,
            .is_density = true};
        status = mb_draw_histograms(d->gallery, d->ctx, &settings, sets, n);
    }
    status = status != MB_OK ? status : caption.status;
    mb_buffer_clear(&caption);
    for (size_t i = 0; i < n; i++) {
        mb_release(d->ctx, packed[i]);
    }
    return status;
}

static mb_status draw_against_teacher(const drawing *d) {
    const mb_alternate_group *group = &d->groups->group[d->groups->judged];
    float *target = pack(d->ctx, group, d->scores->target);
    float *score = pack(d->ctx, group, d->scores->score[d->k]);
    mb_status status = target == NULL || score == NULL ? MB_ERR_MEMORY : MB_OK;
    if (status == MB_OK) {
        mb_buffer label;
        mb_buffer_init(&label, d->ctx);
        mb_buffer_format(&label, "Teacher: %s", what_is_learnt(d));
        const mb_pairs pairs = {.name = "against_teacher",
            .title = d->scores->name[d->k],
            .caption = "What the student gives against what its teacher says, for background "
                       "events that neither was trained on where there are such.",
            .x_label = label.data != NULL ? label.data : "Teacher",
            .y_label = "Score of the student",
            .difference_label = "Teacher - student",
            .x = mb_values_f32(target, group->n),
            .y = mb_values_f32(score, group->n)};
        status = label.status != MB_OK ? label.status : mb_draw_pairs(d->gallery, d->ctx, &pairs);
        mb_buffer_clear(&label);
    }
    mb_release(d->ctx, target);
    mb_release(d->ctx, score);
    return status;
}

static mb_status draw_model(drawing *d, mb_arena *arena) {
    d->folder = mb_alternate_directory(d->ctx, arena, d->run->directory, d->scores->name[d->k]);
    const char *plots = d->folder != NULL ? mb_run_file(d->ctx, arena, d->folder, "plots") : NULL;
    if (plots == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_gallery_open(d->ctx, plots, NULL, &d->gallery));
    mb_status status = draw_training(d);
    status = status != MB_OK ? status : draw_scores(d);
    if (status == MB_OK && d->k > 0) {
        status = draw_against_teacher(d);
    }
    if (status == MB_OK) {
        status = mb_gallery_draw(d->gallery, d->ctx);
    }
    mb_gallery_destroy(d->gallery);
    return status;
}

mb_status mb_alternate_draw(
    mb_run *run, const mb_alternate_scores *scores, const mb_alternate_groups *groups) {
    mb_arena arena;
    mb_arena_init(&arena, run->ctx);
    const double start = mb_seconds_now();
    mb_status status = MB_OK;
    for (size_t k = 0; k < scores->n_models && status == MB_OK; k++) {
        drawing d = {.run = run, .ctx = run->ctx, .scores = scores, .groups = groups, .k = k};
        status = draw_model(&d, &arena);
    }
    if (status == MB_OK) {
        mb_journal_line(&run->journal, "Drew the figures of %zu models in %.2f s", scores->n_models,
            mb_seconds_now() - start);
    }
    mb_arena_clear(&arena);
    return status;
}
