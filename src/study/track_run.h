// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_TRACK_RUN_H
#define STUDY_TRACK_RUN_H

#include "measure/track_score.h"
#include "network/model.h"
#include "study/scored.h"

// The judgement of a run on track graphs: hits are embedded, clustered in several spaces, and the
// clusters scored against the particles.

enum { MB_TRACK_CHOSEN, MB_TRACK_FIXED, MB_TRACK_N_EPS };
enum { MB_TRACK_MOST_SPACES = 3, MB_TRACK_N_SCAN = 32 };

// Whether the study's events are samples of tracks.
bool mb_track_is_study(const mb_study *study);
// evaluate.cluster and evaluate.tracks, checked; refused where events are no tracks.
mb_status mb_track_read_evaluate(mb_context *ctx, mb_study *study) MB_MUST_CHECK;
extern const mb_option mb_track_cluster_table[], mb_track_tracks_table[];

// Points that are clustered: the embedding, or an array of the hits.
typedef struct mb_track_space {
    const char *name; // "learned", "emb", "xyz"
    size_t width;
    const float *points;                   // (nodes, width)
    double eps[MB_TRACK_N_EPS];            // chosen on the training samples; the study's
    double scan_eps[MB_TRACK_N_SCAN];      // that were tried
    double scan_score[MB_TRACK_N_SCAN];    // mean TrackML score of the training samples
    int64_t *label[MB_TRACK_N_EPS];        // (nodes) cluster in the sample, -1: none
    mb_track_score *score[MB_TRACK_N_EPS]; // (samples)
} mb_track_space;

struct mb_track_evaluation {
    mb_context *ctx;
    const mb_study *study;
    const mb_dataset *dataset;
    const uint8_t *split; // per sample
    const mb_track_options *options;
    size_t n_samples;
    const uint64_t *offset; // of the nodes of each sample
    bool has_truth;
    int quoted; // split that figures are quoted on: test, validation, or train
    float *embedding;
    size_t width;
    mb_track_space space[MB_TRACK_MOST_SPACES];
    size_t n_spaces;
    uint32_t *order;       // samples that are clustered, in the order of their groups
    size_t n_order, group; // samples clustered together
    bool *is_clustered;    // per sample
};

// Fails with RANGE, naming file and sample, where the hits of a sample have no weight at all, for
// then it has no TrackML score; where data.on_bad is drop a notice counts these.
mb_status mb_track_check_weights(
    mb_context *ctx, const mb_study *study, const mb_dataset *dataset) MB_MUST_CHECK;
// Embeds all nodes of a dataset with a model. eps: chosen radii of a run by space, or NULL: choose
// them on the training samples. The caller closes *out, also after a failure. Without truth, and
// without eps, the study's radius is taken for both.
mb_status mb_track_open(mb_track_evaluation *out, mb_context *ctx, const mb_study *study,
    const mb_model *model, const mb_dataset *dataset, const uint8_t *split,
    const mb_node *eps) MB_MUST_CHECK;
void mb_track_close(mb_track_evaluation *e);

// Mean of a figure over the samples of a split that have it, and how many these are.
typedef struct mb_track_mean {
    size_t n_samples;
    double hits, particles, tracks, noise, efficiency, fake_rate, hit_purity, hit_efficiency, score,
        adjusted_rand, v_measure;
} mb_track_mean;
void mb_track_mean_of(const mb_track_evaluation *e, const mb_track_space *space, size_t which,
    int split, mb_track_mean *out);

// Edges of edges.loss as scored events: label the truth, score 1 - distance.
mb_status mb_track_score_edges(const mb_track_evaluation *e, mb_scored *out) MB_MUST_CHECK;
// clusters.csv, submission.csv, track_scores.csv, embeddings/.
mb_status mb_track_write(const mb_track_evaluation *e, const char *directory) MB_MUST_CHECK;
// Rows of clusters.csv. has_file: of files that are predicted; their name, and hit_id where they
// have it.
mb_status mb_track_write_clusters(
    const mb_track_evaluation *e, const char *path, bool has_file) MB_MUST_CHECK;
// The labels of the first sample (of the first batch, where batches are clustered) as a vector.
mb_status mb_track_tell_labels(const mb_track_evaluation *e, mb_journal *journal) MB_MUST_CHECK;
// Into metrics.json: "tracks".
mb_status mb_track_put(const mb_track_evaluation *e, mb_answer *answer) MB_MUST_CHECK;
// The table that a run ends with, from a round's metrics.json; nothing where it has none.
void mb_track_tell(mb_answer *answer, const mb_node *metrics);
// Clusters of one sample of several that were clustered together, numbered as they are met.
mb_status mb_track_number_anew(
    mb_context *ctx, const int64_t *label, size_t n, int64_t *out) MB_MUST_CHECK;
// Pictures of a sample, of the choice of eps, and of efficiencies.
mb_status mb_track_draw(const mb_track_evaluation *e, mb_gallery *gallery) MB_MUST_CHECK;

#endif
