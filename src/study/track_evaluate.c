// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/track_run.h"

#include "base/math.h"
#include "base/threads.h"
#include "data/feeder.h"
#include "measure/dbscan.h"

#include <math.h>

#define FIELD(name) offsetof(mb_track_options, name)

static const char *const per_names[] = {"event", "batch", NULL};
static const char *const space_names[] = {"learned", "emb", "xyz", NULL};

const mb_option mb_track_cluster_table[] = {
    {"eps", MB_OPTION_REAL, FIELD(eps), "0.1", 0, 1e150, NULL, NULL,
        "DBSCAN: distance of neighbours; mm in xyz. One that suits each space is chosen beside it"},
    {"min_samples", MB_OPTION_SIZE, FIELD(min_samples), "3", 1, 1e9, NULL, NULL,
        "DBSCAN: neighbours of a core point, itself included"},
    {"of", MB_OPTION_TEXTS, FIELD(of), "[learned, emb, xyz]", 0, 0, NULL, NULL,
        "what is clustered: the network's embedding (learned), arrays of the hits (emb, xyz)"},
    {"per", MB_OPTION_CHOICE, FIELD(per), "event", 0, 0, per_names, NULL,
        "event: each sample alone; batch: samples of a batch together, as the original"},
    MB_OPTIONS_END,
};

const mb_option mb_track_tracks_table[] = {
    {"min_hits", MB_OPTION_SIZE, FIELD(min_hits), "3", 1, 1e9, NULL, NULL,
        "hits that a particle must have to count as reconstructable"},
    MB_OPTIONS_END,
};

bool mb_track_is_study(const mb_study *study) {
    return study->detector != NULL && strcmp(study->detector->name, "tracks") == 0;
}

static mb_status check_spaces(mb_context *ctx, const mb_study *study, const mb_node *node) {
    const mb_texts *of = &study->evaluate.track.of;
    for (size_t i = 0; i < of->n; i++) {
        size_t k = 0;
        while (space_names[k] != NULL && strcmp(space_names[k], of->value[i]) != 0) {
            k++;
        }
        if (space_names[k] == NULL) {
            return mb_fail_at(ctx, &study->document, node,
                "cluster: of names '%.60s'; write some of learned, emb, xyz", of->value[i]);
        }
        for (k = 0; k < i; k++) {
            if (strcmp(of->value[k], of->value[i]) == 0) {
                return mb_fail_at(
                    ctx, &study->document, node, "cluster: of names '%s' twice", of->value[i]);
            }
        }
    }
    return of->n > 0 ? MB_OK
                     : mb_fail_at(ctx, &study->document, node,
                           "cluster: of is empty; name a space, such as learned");
}

mb_status mb_track_read_evaluate(mb_context *ctx, mb_study *study) {
    const mb_node *cluster = study->evaluate.cluster;
    const mb_node *tracks = study->evaluate.tracks;
    mb_track_options *options = &study->evaluate.track;
    if (!mb_track_is_study(study)) {
        return cluster == NULL && tracks == NULL
                   ? MB_OK
                   : mb_fail_at(ctx, &study->document, cluster != NULL ? cluster : tracks,
                         "evaluate: %s is for samples of tracks; remove it",
                         cluster != NULL ? "cluster" : "tracks");
    }
    MB_TRY(mb_options_parse(
        ctx, &study->document, mb_track_cluster_table, cluster, "cluster", NULL, options));
    MB_TRY(mb_options_parse(
        ctx, &study->document, mb_track_tracks_table, tracks, "tracks", NULL, options));
    if (mb_compat_has(&study->compat, "batch_cluster") && mb_node_find(cluster, "per") == NULL) {
        options->per = MB_TRACK_PER_BATCH;
    }
    if (!(options->eps >= 1e-150)) {
        return mb_fail_at(ctx, &study->document, cluster,
            "cluster: eps is %g; write a distance above 0", options->eps);
    }
    return check_spaces(ctx, study, cluster);
}

static const float *floats_of(const mb_dataset *dataset, const char *name, size_t *width) {
    const mb_column *column = mb_dataset_find(dataset, name);
    const bool is_there = column != NULL && column->axis != NULL &&
                          strcmp(column->axis, "nodes") == 0 && column->dense.dtype == MB_F32;
    *width = is_there ? column->size : 0;
    return is_there ? column->dense.data : NULL;
}

static const int64_t *particles_of(const mb_dataset *dataset) {
    const mb_column *column = mb_dataset_find(dataset, "particle");
    return column != NULL ? column->dense.data : NULL;
}

static mb_status embed(mb_track_evaluation *e, const mb_model *model) {
    const mb_value_type *type = &model->values[model->outputs[0]].type;
    const size_t n_nodes = mb_dataset_axis_rows(e->dataset, "nodes");
    if (model->n_outputs != 1 || strcmp(model->axes[type->axis].name, "nodes") != 0) {
        return mb_fail(e->ctx, MB_ERR_SHAPE,
            "model %s: does not end in one embedding of the nodes; clusters need such",
            model->name);
    }
    e->width = mb_value_size(type);
    e->embedding = mb_allocate(e->ctx, n_nodes, e->width * sizeof *e->embedding);
    uint32_t *rows = mb_allocate(e->ctx, e->n_samples, sizeof *rows);
    mb_status status = e->embedding == NULL || rows == NULL ? MB_ERR_MEMORY : MB_OK;
    for (size_t i = 0; i < e->n_samples && status == MB_OK; i++) {
        rows[i] = (uint32_t)i;
    }
    if (status == MB_OK) {
        status = mb_predict_dataset(
            e->ctx, model, model->parameters, e->dataset, rows, e->n_samples, &e->embedding);
    }
    mb_release(e->ctx, rows);
    return status;
}

// Which samples are clustered together. Under shuffled_eval those that the original's loader gives.
static mb_status make_groups(mb_track_evaluation *e) {
    const size_t batch = e->study->n_fits > 0 ? e->study->fits[0].train.options.batch : 1;
    e->group = e->options->per == MB_TRACK_PER_BATCH ? batch : 1;
    e->order = mb_allocate(e->ctx, e->n_samples, sizeof *e->order);
    e->is_clustered = mb_allocate_zeroed(e->ctx, e->n_samples, sizeof *e->is_clustered);
    uint32_t *rows = mb_allocate(e->ctx, e->n_samples, sizeof *rows);
    if (e->order == NULL || e->is_clustered == NULL || rows == NULL) {
        mb_release(e->ctx, rows);
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < e->n_samples; i++) {
        rows[i] = e->order[i] = (uint32_t)i;
    }
    e->n_order = e->n_samples;
    if (mb_compat_has(&e->study->compat, "shuffled_eval")) {
        mb_feeder_shuffle(rows, e->n_samples, e->study->seed, 0, e->order);
        e->n_order -= e->n_samples % batch;
    }
    for (size_t i = 0; i < e->n_order; i++) {
        e->is_clustered[e->order[i]] = true;
    }
    mb_release(e->ctx, rows);
    return MB_OK;
}

// One space clustered with some radii, group by group.
typedef struct job {
    const mb_track_evaluation *e;
    const mb_track_space *space;
    const double *eps;
    size_t n_eps;
    bool trains_only;       // groups without a training sample are left out
    mb_track_score *scores; // (samples, n_eps); NULL: no truth
    int64_t *label;         // (nodes), of one eps; NULL: not wanted
} job;

typedef struct stack {
    size_t n;
    float *points;
    int64_t *label, *own; // of the group; of a sample, counted anew
    size_t n_scorers;
    mb_track_scorer **scorer; // of each sample
} stack;

static void clear_stack(mb_context *ctx, stack *s) {
    mb_release(ctx, s->points);
    mb_release(ctx, s->label);
    mb_release(ctx, s->own);
    for (size_t i = 0; i < s->n_scorers; i++) {
        mb_track_scorer_destroy(s->scorer[i]);
    }
    mb_release(ctx, s->scorer);
}

// The scorer of a sample serves all radii.
static mb_status open_scorer(const job *j, mb_context *ctx, size_t sample, mb_track_scorer **out) {
    const size_t first = (size_t)j->e->offset[sample];
    const size_t n = (size_t)j->e->offset[sample + 1] - first;
    size_t width;
    const float *weight = floats_of(j->e->dataset, "weight", &width);
    return mb_track_scorer_create(
        ctx, particles_of(j->e->dataset) + first, weight != NULL ? weight + first : NULL, n, out);
}

static mb_status fill_stack(
    const job *j, mb_context *ctx, const uint32_t *sample, size_t n, stack *s) {
    const uint64_t *offset = j->e->offset;
    const size_t width = j->space->width;
    *s = (stack){.n = 0};
    for (size_t i = 0; i < n; i++) {
        s->n += (size_t)(offset[sample[i] + 1] - offset[sample[i]]);
    }
    s->points = mb_allocate(ctx, s->n, width * sizeof *s->points);
    s->label = mb_allocate(ctx, s->n, sizeof *s->label);
    s->own = mb_allocate(ctx, s->n, sizeof *s->own);
    s->scorer = mb_allocate(ctx, n, sizeof *s->scorer);
    if (s->points == NULL || s->label == NULL || s->own == NULL || s->scorer == NULL) {
        return MB_ERR_MEMORY;
    }
    float *to = s->points;
    for (size_t i = 0; i < n; i++) {
        const size_t first = (size_t)offset[sample[i]] * width;
        const size_t count = (size_t)offset[sample[i] + 1] * width - first;
        memcpy(to, j->space->points + first, count * sizeof *to);
        to += count;
    }
    for (; j->scores != NULL && s->n_scorers < n; s->n_scorers++) {
        MB_TRY(open_scorer(j, ctx, sample[s->n_scorers], &s->scorer[s->n_scorers]));
    }
    return MB_OK;
}

mb_status mb_track_number_anew(mb_context *ctx, const int64_t *label, size_t n, int64_t *out) {
    int64_t most = -1;
    int64_t next = 0;
    for (size_t i = 0; i < n; i++) {
        most = label[i] > most ? label[i] : most;
    }
    int64_t *number = mb_allocate(ctx, (size_t)(most + 1), sizeof *number);
    if (number == NULL) {
        return MB_ERR_MEMORY;
    }
    for (int64_t k = 0; k <= most; k++) {
        number[k] = -1;
    }
    for (size_t i = 0; i < n; i++) {
        if (label[i] >= 0 && number[label[i]] < 0) {
            number[label[i]] = next++;
        }
        out[i] = label[i] < 0 ? -1 : number[label[i]];
    }
    mb_release(ctx, number);
    return MB_OK;
}

static mb_status cluster_once(
    const job *j, mb_context *ctx, const uint32_t *sample, size_t n, size_t which, stack *s) {
    const mb_dbscan_settings settings = {j->eps[which], j->e->options->min_samples};
    mb_dbscan_counts counts;
    MB_TRY(mb_dbscan(ctx, j->space->name, mb_values_f32(s->points, s->n * j->space->width), s->n,
        j->space->width, &settings, s->label, &counts));
    size_t first = 0;
    for (size_t i = 0; i < n; i++) {
        const size_t begin = (size_t)j->e->offset[sample[i]];
        const size_t n_hits = (size_t)j->e->offset[sample[i] + 1] - begin;
        if (n > 1) {
            MB_TRY(mb_track_number_anew(ctx, s->label + first, n_hits, s->own));
        }
        if (j->scores != NULL) {
            MB_TRY(mb_track_scorer_run(s->scorer[i], ctx, n > 1 ? s->own : s->label,
                j->e->options->min_hits, &j->scores[sample[i] * j->n_eps + which]));
        }
        if (j->label != NULL && n_hits > 0) {
            memcpy(j->label + begin, s->label + first, n_hits * sizeof *s->label);
        }
        first += n_hits;
    }
    return MB_OK;
}

static mb_status cluster_group(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)worker;
    const job *j = user;
    const mb_track_evaluation *e = j->e;
    const uint32_t *sample = e->order + task * e->group;
    const size_t n = mb_min_size(e->group, e->n_order - task * e->group);
    bool trains = !j->trains_only;
    for (size_t i = 0; i < n; i++) {
        trains = trains || e->split[sample[i]] == MB_SPLIT_TRAIN;
    }
    if (!trains) {
        return MB_OK;
    }
    stack s;
    mb_status status = fill_stack(j, ctx, sample, n, &s);
    for (size_t k = 0; k < j->n_eps && status == MB_OK; k++) {
        status = cluster_once(j, ctx, sample, n, k, &s);
    }
    clear_stack(ctx, &s);
    return status;
}

static mb_status cluster_all(job *j) {
    const mb_track_evaluation *e = j->e;
    return mb_parallel(e->ctx, (e->n_order + e->group - 1) / e->group, cluster_group, j);
}

// Mean over the training samples; those without weight have no score.
static double mean_score(const mb_track_evaluation *e, const mb_track_score *scores, size_t which) {
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < e->n_samples; i++) {
        const double score = scores[i * MB_TRACK_N_SCAN + which].score;
        if (e->is_clustered[i] && e->split[i] == MB_SPLIT_TRAIN && isfinite(score)) {
            sum += score;
            n++;
        }
    }
    return n > 0 ? sum / (double)n : 0;
}

static mb_status choose_eps(const mb_track_evaluation *e, mb_track_space *space) {
    const bool is_position = strcmp(space->name, "xyz") == 0;
    const double low = is_position ? 2 : 0.02;
    for (size_t k = 0; k < MB_TRACK_N_SCAN; k++) {
        space->scan_eps[k] = low * mb_pow(100, (double)k / (MB_TRACK_N_SCAN - 1));
    }
    job j = {.e = e,
        .space = space,
        .eps = space->scan_eps,
        .n_eps = MB_TRACK_N_SCAN,
        .trains_only = true};
    j.scores = mb_allocate_zeroed(e->ctx, e->n_samples * MB_TRACK_N_SCAN, sizeof *j.scores);
    if (j.scores == NULL) {
        return MB_ERR_MEMORY;
    }
    const mb_status status = cluster_all(&j);
    size_t best = 0;
    for (size_t k = 0; k < MB_TRACK_N_SCAN && status == MB_OK; k++) {
        space->scan_score[k] = mean_score(e, j.scores, k);
        best = space->scan_score[k] > space->scan_score[best] ? k : best;
    }
    space->eps[MB_TRACK_CHOSEN] = space->scan_eps[best];
    mb_release(e->ctx, j.scores);
    return status;
}

static mb_status cluster_space(mb_track_evaluation *e, mb_track_space *space, const mb_node *eps) {
    const size_t n_nodes = mb_dataset_axis_rows(e->dataset, "nodes");
    const mb_node *stored = mb_node_find(eps, space->name);
    space->eps[MB_TRACK_FIXED] = space->eps[MB_TRACK_CHOSEN] = e->options->eps;
    const bool is_number =
        stored != NULL && (stored->kind == MB_NODE_REAL || stored->kind == MB_NODE_INT);
    if (is_number && stored->real > 0) {
        space->eps[MB_TRACK_CHOSEN] = stored->real;
    } else if (e->has_truth) {
        MB_TRY(choose_eps(e, space));
    }
    for (size_t k = 0; k < MB_TRACK_N_EPS; k++) {
        space->label[k] = mb_allocate(e->ctx, n_nodes, sizeof *space->label[k]);
        space->score[k] = mb_allocate_zeroed(e->ctx, e->n_samples, sizeof *space->score[k]);
        if (space->label[k] == NULL || space->score[k] == NULL) {
            return MB_ERR_MEMORY;
        }
        for (size_t i = 0; i < n_nodes; i++) {
            space->label[k][i] = -1;
        }
        job j = {.e = e,
            .space = space,
            .eps = &space->eps[k],
            .n_eps = 1,
            .scores = e->has_truth ? space->score[k] : NULL,
            .label = space->label[k]};
        MB_TRY(cluster_all(&j));
    }
    return MB_OK;
}

// Of the samples that are clustered: shuffled_eval may leave out all of a split.
static int quoted_split(const mb_track_evaluation *e) {
    bool has[3] = {false, false, false};
    for (size_t i = 0; i < e->n_samples; i++) {
        if (e->split[i] < 3 && e->is_clustered[i]) {
            has[e->split[i]] = true;
        }
    }
    return has[MB_SPLIT_TEST]         ? MB_SPLIT_TEST
           : has[MB_SPLIT_VALIDATION] ? MB_SPLIT_VALIDATION
                                      : MB_SPLIT_TRAIN;
}

mb_status mb_track_check_weights(
    mb_context *ctx, const mb_study *study, const mb_dataset *dataset) {
    const mb_dataset_axis *nodes = mb_dataset_find_axis(dataset, "nodes");
    size_t width, n_without = 0;
    const float *weight = floats_of(dataset, "weight", &width);
    const mb_node *on_bad = mb_node_find(study->data, "on_bad");
    const char *way = on_bad != NULL ? mb_node_text(on_bad) : NULL;
    const bool may_drop = way != NULL && strcmp(way, "drop") == 0;
    for (size_t i = 0; weight != NULL && nodes != NULL && i < dataset->n_rows; i++) {
        bool has_any = nodes->offset[i] == nodes->offset[i + 1];
        for (uint64_t hit = nodes->offset[i]; hit < nodes->offset[i + 1] && !has_any; hit++) {
            has_any = weight[hit] != 0;
        }
        if (!has_any && !may_drop) {
            return mb_fail(ctx, MB_ERR_RANGE,
                "%s: sample %lld: no hit has any weight (particles of fewer than 4 hits have "
                "none), so there is no TrackML score; leave the sample out, or set data.on_bad: "
                "drop",
                dataset->file_names[dataset->file[i]], (long long)dataset->event[i]);
        }
        n_without += !has_any;
    }
    if (n_without > 0) {
        mb_notice(ctx, MB_NOTICE_WARNING, "data",
            "%zu samples have no hit of any weight: they have no TrackML score", n_without);
    }
    return MB_OK;
}

mb_status mb_track_open(mb_track_evaluation *e, mb_context *ctx, const mb_study *study,
    const mb_model *model, const mb_dataset *dataset, const uint8_t *split, const mb_node *eps) {
    *e = (mb_track_evaluation){.ctx = ctx,
        .study = study,
        .dataset = dataset,
        .split = split,
        .options = &study->evaluate.track,
        .n_samples = dataset->n_rows,
        .has_truth = particles_of(dataset) != NULL};
    const mb_dataset_axis *nodes = mb_dataset_find_axis(dataset, "nodes");
    if (nodes == NULL) {
        return mb_fail(ctx, MB_ERR_SHAPE, "data: its events have no nodes to cluster");
    }
    e->offset = nodes->offset;
    MB_TRY(embed(e, model));
    MB_TRY(make_groups(e));
    e->quoted = quoted_split(e);
    for (size_t i = 0; i < e->options->of.n; i++) {
        mb_track_space space = {.name = e->options->of.value[i]};
        if (strcmp(space.name, "learned") == 0) {
            space.points = e->embedding;
            space.width = e->width;
        } else {
            space.points = floats_of(dataset, space.name, &space.width);
        }
        if (space.points != NULL) {
            e->space[e->n_spaces++] = space;
            MB_TRY(cluster_space(e, &e->space[e->n_spaces - 1], eps));
        }
    }
    return MB_OK;
}

void mb_track_close(mb_track_evaluation *e) {
    if (e->ctx == NULL) {
        return;
    }
    for (size_t i = 0; i < e->n_spaces; i++) {
        for (size_t k = 0; k < MB_TRACK_N_EPS; k++) {
            mb_release(e->ctx, e->space[i].label[k]);
            mb_release(e->ctx, e->space[i].score[k]);
        }
    }
    mb_release(e->ctx, e->embedding);
    mb_release(e->ctx, e->order);
    mb_release(e->ctx, e->is_clustered);
    *e = (mb_track_evaluation){.ctx = NULL};
}

// Adds a figure of one sample to a mean, where it has it.
static void add_to(double *sum, size_t *n, double value) {
    if (isfinite(value)) {
        *sum += value;
        (*n)++;
    }
}

void mb_track_mean_of(const mb_track_evaluation *e, const mb_track_space *space, size_t which,
    int split, mb_track_mean *out) {
    *out = (mb_track_mean){.n_samples = 0};
    double *const sums[] = {&out->hits, &out->particles, &out->tracks, &out->noise,
        &out->efficiency, &out->fake_rate, &out->hit_purity, &out->hit_efficiency, &out->score,
        &out->adjusted_rand, &out->v_measure};
    size_t n[MB_COUNT_OF(sums)] = {0};
    for (size_t i = 0; i < e->n_samples; i++) {
        if (e->split[i] != split || !e->is_clustered[i]) {
            continue;
        }
        const mb_track_score *s = &space->score[which][i];
        const double values[] = {(double)s->n_hits, (double)s->n_particles, (double)s->n_tracks,
            (double)s->n_unassigned, s->efficiency, s->fake_rate, s->hit_purity, s->hit_efficiency,
            s->score, s->adjusted_rand, s->v_measure};
        out->n_samples++;
        for (size_t k = 0; k < MB_COUNT_OF(sums); k++) {
            add_to(sums[k], &n[k], values[k]);
        }
    }
    for (size_t k = 0; k < MB_COUNT_OF(sums); k++) {
        *sums[k] = n[k] > 0 ? *sums[k] / (double)n[k] : (double)NAN;
    }
}
