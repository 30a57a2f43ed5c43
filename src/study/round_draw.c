// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/output.h"
#include "draw/figures.h"
#include "draw/figures_calo.h"
#include "draw/figures_ecal.h"
#include "draw/figures_econt.h"
#include "draw/figures_training.h"
#include "study/history.h"
#include "study/scored.h"
#include "study/track_run.h"

// The pictures that belong to one detector, and how its field draws what all have.
typedef struct detector_pictures {
    const char *detector;
    mb_status (*draw)(mb_gallery *gallery, mb_context *ctx, const mb_bundle *pictures);
    const mb_history_words *cross_entropy_words; // of a history of that loss; NULL: the usual ones
    bool has_roc_alone;                          // one curve, its AUC in the title
} detector_pictures;

static const mb_history_words ecal_words = {
    "Binary Cross Entropy Loss", "Accuracy", "Epochs", "Training", "Validation"};

static const detector_pictures pictures_of[] = {
    {"barrel", mb_draw_barrel, NULL, false},
    {"calo", mb_draw_calo, NULL, false},
    {"concentrator", mb_draw_concentrator, NULL, false},
    {"ecal", mb_draw_ecal, &ecal_words, true},
};

static const detector_pictures *find_pictures(const mb_study *study) {
    static const detector_pictures none = {NULL, NULL, NULL, false};
    for (size_t i = 0; study->detector != NULL && i < MB_COUNT_OF(pictures_of); i++) {
        if (strcmp(pictures_of[i].detector, study->detector->name) == 0) {
            return &pictures_of[i];
        }
    }
    return &none;
}

static mb_status draw_history(
    mb_gallery *gallery, mb_run *run, mb_context *ctx, const mb_round *round) {
    mb_history history;
    mb_status status = mb_history_read(&history, ctx, round->directory);
    if (status == MB_OK) {
        const bool is_cross_entropy = round->fit->train.loss.ops == &mb_loss_binary_crossentropy;
        const mb_history_columns columns = {.epoch = history.epoch,
            .loss = history.loss,
            .accuracy = history.accuracy,
            .val_loss = history.val_loss,
            .val_accuracy = history.val_accuracy,
            .words = is_cross_entropy ? find_pictures(run->study)->cross_entropy_words : NULL};
        status = mb_draw_history(gallery, ctx, &columns);
    }
    mb_history_clear(&history);
    return status;
}

// Of many trainings that are judged together: loss and accuracy on two axes, and no more.
static mb_status draw_training(mb_gallery *gallery, mb_context *ctx, const mb_round *round) {
    mb_history history;
    mb_document record = {0};
    mb_status status = mb_history_read(&history, ctx, round->directory);
    if (status == MB_OK) {
        status = mb_run_read_json(ctx, round->directory, "training.json", &record);
    }
    if (status == MB_OK && history.n > 0) {
        const mb_training_columns columns = {.title = round->name,
            .epoch = history.epoch,
            .loss = history.loss,
            .val_loss = history.val_loss,
            .val_accuracy = history.val_accuracy,
            .best_epoch = mb_node_number(record.root, "best_epoch")};
        status = mb_draw_training(gallery, ctx, "history", &columns);
    }
    mb_document_clear(&record);
    mb_history_clear(&history);
    return status;
}

// The curve of one split; nothing where it has one class or no events.
static mb_status add_curve(mb_context *ctx, const mb_scored *scored, int split, mb_roc *roc,
    mb_roc_curve *curves, size_t *n) {
    static const char *const labels[] = {"training", "validation", "test", "", "all events"};
    mb_scored_part part;
    mb_status status = mb_scored_part_make(&part, ctx, scored, split);
    if (status == MB_OK && part.n_signal > 0 && part.n_signal < part.n) {
        status = mb_roc_make(
            roc, ctx, mb_values_f32(part.score, part.n), mb_values_f32(part.label, part.n));
        if (status == MB_OK) {
            curves[(*n)++] = (mb_roc_curve){labels[split], roc};
        }
    }
    mb_scored_part_clear(&part);
    return status;
}

static mb_status draw_roc(
    mb_gallery *gallery, mb_run *run, mb_context *ctx, const mb_scored *scored, int split) {
    const mb_evaluate_options *evaluate = &run->study->evaluate;
    const bool is_alone = find_pictures(run->study)->has_roc_alone;
    mb_roc rocs[2] = {0};
    mb_roc_curve curves[2];
    size_t n = 0;
    double input = 0;
    MB_TRY(mb_rate_parse(ctx, evaluate->input_rate, &input));
    mb_status status = add_curve(ctx, scored, split, &rocs[0], curves, &n);
    if (status == MB_OK && is_alone && n > 0) {
        status = mb_draw_roc_alone(gallery, ctx, "roc", curves[0].roc);
        n = 0;
    }
    if (status == MB_OK && !is_alone && split != MB_SPLIT_TRAIN && split != MB_EVALUATE_ALL) {
        status = add_curve(ctx, scored, MB_SPLIT_TRAIN, &rocs[1], curves, &n);
    }
    if (status == MB_OK && n > 0) {
        status = mb_draw_roc(gallery, ctx, "roc", curves, n, evaluate->at.n > 0 ? input : 0);
    }
    mb_roc_clear(&rocs[0]);
    mb_roc_clear(&rocs[1]);
    return status;
}

// An extra column of the events of a split as doubles, packed. NULL where the data has none.
static mb_status pack_extra(mb_context *ctx, const mb_dataset *dataset, const mb_scored *scored,
    int split, const char *name, float **out) {
    const mb_column *column = mb_dataset_find(dataset, name);
    *out = NULL;
    if (column == NULL || column->size != 1) {
        return MB_OK;
    }
    float *values = mb_allocate(ctx, scored->n, sizeof *values);
    uint32_t *rows = mb_allocate(ctx, scored->n, sizeof *rows);
    mb_status status = values == NULL || rows == NULL ? MB_ERR_MEMORY : MB_OK;
    if (status == MB_OK) {
        size_t n = 0;
        for (size_t i = 0; i < scored->n; i++) {
            if (split == MB_EVALUATE_ALL || scored->split[i] == split) {
                rows[n++] = scored->row[i];
            }
        }
        status = mb_column_gather(column, ctx, rows, n, values);
    }
    mb_release(ctx, rows);
    if (status != MB_OK) {
        mb_release(ctx, values);
        return status;
    }
    *out = values;
    return MB_OK;
}

static mb_status draw_turn_on(mb_gallery *gallery, mb_run *run, mb_context *ctx,
    const mb_scored *scored, int split, const mb_scored_part *part) {
    float *pt = NULL;
    float *tracks = NULL;
    mb_status status = pack_extra(ctx, &run->dataset, scored, split, "third_track_pt", &pt);
    if (status == MB_OK) {
        status = pack_extra(ctx, &run->dataset, scored, split, "n_tracks", &tracks);
    }
    if (status == MB_OK && pt != NULL && tracks != NULL) {
        const mb_node *label = mb_node_find(run->study->data, "label");
        const double cut_pt = mb_node_number(label, "pt");
        const double cut_tracks = mb_node_number(label, "tracks");
        const double cut_layers = mb_node_number(label, "layers");
        const mb_turn_on_columns columns = {.scores = mb_values_f32(part->score, part->n),
            .third_track_pt = mb_values_f32(pt, part->n),
            .n_tracks = mb_values_f32(tracks, part->n),
            .threshold = run->study->evaluate.threshold,
            .cut_pt = cut_pt > 0 ? cut_pt : 2.0,
            .cut_tracks = cut_tracks > 0 ? (int)cut_tracks : 3,
            .cut_layers = cut_layers > 0 ? (int)cut_layers : 7};
        status = mb_draw_turn_on(gallery, ctx, &columns);
    }
    mb_release(ctx, pt);
    mb_release(ctx, tracks);
    return status;
}

static mb_status draw_scores(
    mb_gallery *gallery, mb_run *run, mb_context *ctx, const mb_scored *scored, int split) {
    mb_scored_part part;
    mb_status status = mb_scored_part_make(&part, ctx, scored, split);
    if (status == MB_OK && part.n > 0) {
        status = mb_draw_scores(gallery, ctx, mb_track_is_study(run->study),
            mb_values_f32(part.score, part.n), mb_values_f32(part.label, part.n),
            run->study->evaluate.threshold);
    }
    if (status == MB_OK && part.n > 0) {
        status = draw_turn_on(gallery, run, ctx, scored, split, &part);
    }
    mb_scored_part_clear(&part);
    return status;
}

mb_status mb_run_draw_detector(mb_run *run, mb_context *ctx, mb_gallery *gallery) {
    const mb_detector_ops *detector = run->study->detector;
    const detector_pictures *of = find_pictures(run->study);
    if (of->draw == NULL || detector->pictures == NULL) {
        return MB_OK;
    }
    mb_bundle pictures;
    mb_bundle_init(&pictures, ctx);
    const mb_detector_request request = mb_study_detector_request(run->study);
    mb_status status = detector->pictures(ctx, &request, &pictures);
    if (status == MB_OK) {
        status = of->draw(gallery, ctx, &pictures);
    }
    mb_bundle_clear(&pictures);
    return status;
}

mb_status mb_round_draw(
    mb_run *run, mb_context *ctx, const mb_round *round, const mb_scored *scored, int split) {
    char *folder = mb_path_join(ctx, round->directory, "plots");
    mb_gallery *gallery = NULL;
    mb_status status =
        folder == NULL ? MB_ERR_MEMORY : mb_gallery_open(ctx, folder, NULL, &gallery);
    const bool is_one_of_many = run->study->evaluate.on.n > 0;
    if (status == MB_OK) {
        status = is_one_of_many ? draw_training(gallery, ctx, round)
                                : draw_history(gallery, run, ctx, round);
    }
    if (status == MB_OK && scored->label != NULL && run->study->evaluate.roc && !is_one_of_many) {
        status = draw_roc(gallery, run, ctx, scored, split);
    }
    if (status == MB_OK && scored->label != NULL && !is_one_of_many) {
        status = draw_scores(gallery, run, ctx, scored, split);
    }
    if (status == MB_OK && scored->tracks != NULL) {
        status = mb_track_draw(scored->tracks, gallery);
    }
    // The detector's pictures are the same for every round.
    if (status == MB_OK && !is_one_of_many && round->index == 0 &&
        round->fit == &run->study->fits[0]) {
        status = mb_run_draw_detector(run, ctx, gallery);
    }
    if (status == MB_OK) {
        const double start = mb_seconds_now();
        status = mb_gallery_draw(gallery, ctx);
        mb_journal_line(&run->journal, "%s%sDrew %zu figures in %.2f s", round->name,
            round->name[0] != '\0' ? ": " : "", mb_gallery_count(gallery),
            mb_seconds_now() - start);
    }
    mb_gallery_destroy(gallery);
    mb_release(ctx, folder);
    return status;
}
