// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/output.h"
#include "files/csv.h"
#include "files/npy.h"
#include "study/track_run.h"

#include <math.h>

// What a run on tracks writes and tells.

static const char *const eps_names[MB_TRACK_N_EPS] = {"chosen", "fixed"};
static const char *const split_names[] = {"train", "validation", "test"};

static const mb_track_space *learned_of(const mb_track_evaluation *e) {
    for (size_t i = 0; i < e->n_spaces; i++) {
        if (strcmp(e->space[i].name, "learned") == 0) {
            return &e->space[i];
        }
    }
    return NULL;
}

static void put_particle(mb_buffer *table, const mb_column *column, size_t node) {
    if (column == NULL) {
        mb_csv_put_text(table, false, "");
    } else if (column->dense.dtype == MB_U64) {
        mb_buffer_format(
            table, ",%llu", (unsigned long long)((const uint64_t *)column->dense.data)[node]);
    } else {
        mb_csv_put_int64(table, false, ((const int64_t *)column->dense.data)[node]);
    }
}

mb_status mb_track_write_clusters(const mb_track_evaluation *e, const char *path, bool has_file) {
    const mb_track_space *learned = learned_of(e);
    const mb_column *particle = mb_dataset_find(e->dataset, "particle");
    const mb_column *hit_id = has_file ? mb_dataset_find(e->dataset, "hit_id") : NULL;
    mb_buffer table;
    mb_buffer_init(&table, e->ctx);
    mb_buffer_format(&table, "%ssample,hit,%sparticle_id,cluster", has_file ? "file," : "",
        hit_id != NULL ? "hit_id," : "");
    for (size_t c = 0; c < e->width; c++) {
        mb_buffer_format(&table, ",e%zu", c);
    }
    mb_buffer_text(&table, ",cluster_best\n");
    for (size_t i = 0; i < e->n_samples && table.status == MB_OK; i++) {
        const size_t first = (size_t)e->offset[i];
        for (size_t node = first; node < e->offset[i + 1]; node++) {
            if (has_file) {
                mb_csv_put_text(&table, true, e->dataset->file_names[e->dataset->file[i]]);
            }
            mb_csv_put_int64(&table, !has_file, e->dataset->event[i]);
            mb_csv_put_int64(&table, false, (int64_t)(node - first));
            if (hit_id != NULL) {
                mb_csv_put_int64(&table, false, ((const int64_t *)hit_id->dense.data)[node]);
            }
            put_particle(&table, particle, node);
            mb_csv_put_int64(
                &table, false, learned != NULL ? learned->label[MB_TRACK_FIXED][node] : -1);
            for (size_t c = 0; c < e->width; c++) {
                mb_csv_put_float(&table, false, e->embedding[node * e->width + c]);
            }
            mb_csv_put_int64(
                &table, false, learned != NULL ? learned->label[MB_TRACK_CHOSEN][node] : -1);
            mb_csv_end_row(&table);
        }
    }
    return mb_write_buffer(&table, path);
}

// Hits are named as their files name them, or numbered from 1, as TrackML's are.
static mb_status write_submission(const mb_track_evaluation *e, const char *path) {
    const mb_column *hit_id = mb_dataset_find(e->dataset, "hit_id");
    const int64_t *id = hit_id != NULL ? hit_id->dense.data : NULL;
    const mb_track_space *space = learned_of(e);
    space = space != NULL ? space : &e->space[0];
    mb_buffer table;
    mb_buffer_init(&table, e->ctx);
    mb_buffer_text(&table, "event_id,hit_id,track_id\n");
    for (size_t i = 0; i < e->n_samples && e->n_spaces > 0; i++) {
        const size_t first = (size_t)e->offset[i];
        for (size_t node = first; node < e->offset[i + 1]; node++) {
            mb_csv_put_int64(&table, true, e->dataset->event[i]);
            mb_csv_put_int64(&table, false, id != NULL ? id[node] : (int64_t)(node - first) + 1);
            mb_csv_put_int64(&table, false, space->label[MB_TRACK_CHOSEN][node]);
            mb_csv_end_row(&table);
        }
    }
    return mb_write_buffer(&table, path);
}

static void put_score(const mb_track_evaluation *e, const mb_track_space *space, size_t which,
    size_t sample, mb_buffer *table) {
    const mb_track_score *s = &space->score[which][sample];
    mb_csv_put_text(table, true, space->name);
    mb_csv_put_text(table, false, eps_names[which]);
    mb_csv_put_double(table, false, space->eps[which]);
    mb_csv_put_text(table, false, e->split[sample] < 3 ? split_names[e->split[sample]] : "none");
    mb_csv_put_int64(table, false, e->dataset->event[sample]);
    mb_csv_put_int64(table, false, (int64_t)s->n_hits);
    mb_csv_put_int64(table, false, (int64_t)s->n_particles);
    mb_csv_put_int64(table, false, (int64_t)s->n_tracks);
    mb_csv_put_int64(table, false, (int64_t)s->n_unassigned);
    const double figures[] = {s->efficiency, s->fake_rate, s->hit_purity, s->hit_efficiency,
        s->score, s->adjusted_rand, s->v_measure};
    for (size_t k = 0; k < MB_COUNT_OF(figures); k++) {
        mb_csv_put_finite(table, false, figures[k]);
    }
    mb_csv_end_row(table);
}

static mb_status write_scores(const mb_track_evaluation *e, const char *path) {
    mb_buffer table;
    mb_buffer_init(&table, e->ctx);
    mb_buffer_text(&table,
        "space,choice,eps,split,sample,hits,particles,tracks,noise,efficiency,fake_rate,hit_purity,"
        "hit_efficiency,score,adjusted_rand,v_measure\n");
    for (size_t k = 0; k < e->n_spaces; k++) {
        for (size_t which = 0; which < MB_TRACK_N_EPS; which++) {
            for (size_t i = 0; i < e->n_samples; i++) {
                if (e->is_clustered[i]) {
                    put_score(e, &e->space[k], which, i, &table);
                }
            }
        }
    }
    return mb_write_buffer(&table, path);
}

static mb_status write_embeddings(const mb_track_evaluation *e, const char *folder) {
    mb_status status = mb_make_directory(e->ctx, folder);
    for (size_t i = 0; i < e->n_samples && status == MB_OK; i++) {
        const size_t first = (size_t)e->offset[i];
        const mb_array array = {.dtype = MB_F32,
            .rank = 2,
            .shape = {(size_t)e->offset[i + 1] - first, e->width},
            .data = e->embedding + first * e->width,
            .runtime = mb_context_runtime(e->ctx)};
        char name[48];
        mb_format(name, sizeof name, "sample_%05lld.npy", (long long)e->dataset->event[i]);
        char *path = mb_path_join(e->ctx, folder, name);
        status = path == NULL ? MB_ERR_MEMORY : mb_npy_write(e->ctx, path, &array);
        mb_release(e->ctx, path);
    }
    return status;
}

mb_status mb_track_write(const mb_track_evaluation *e, const char *directory) {
    mb_arena arena;
    mb_arena_init(&arena, e->ctx);
    const char *clusters = mb_run_file(e->ctx, &arena, directory, "clusters.csv");
    const char *submission = mb_run_file(e->ctx, &arena, directory, "submission.csv");
    const char *scores = mb_run_file(e->ctx, &arena, directory, "track_scores.csv");
    const char *embeddings = mb_run_file(e->ctx, &arena, directory, "embeddings");
    mb_status status =
        clusters == NULL || submission == NULL || scores == NULL || embeddings == NULL
            ? MB_ERR_MEMORY
            : mb_track_write_clusters(e, clusters, false);
    if (status == MB_OK) {
        status = write_submission(e, submission);
    }
    if (status == MB_OK) {
        status = write_scores(e, scores);
    }
    if (status == MB_OK) {
        status = write_embeddings(e, embeddings);
    }
    mb_arena_clear(&arena);
    return status;
}

mb_status mb_track_tell_labels(const mb_track_evaluation *e, mb_journal *journal) {
    enum { LINE = 72 };
    const mb_track_space *learned = learned_of(e);
    if (learned == NULL || e->n_order == 0) {
        return MB_OK;
    }
    mb_buffer text;
    mb_buffer_init(&text, e->ctx);
    mb_buffer_text(&text, "[");
    size_t line = 0;
    for (size_t i = 0; i < mb_min_size(e->group, e->n_order); i++) {
        const uint32_t sample = e->order[i];
        for (size_t node = (size_t)e->offset[sample]; node < e->offset[sample + 1]; node++) {
            if (text.length - line > LINE) {
                mb_buffer_text(&text, "\n");
                line = text.length;
            }
            mb_buffer_format(&text, " %2lld", (long long)learned->label[MB_TRACK_FIXED][node]);
        }
    }
    mb_buffer_text(&text, "]\n");
    mb_status status = text.status;
    if (status == MB_OK) {
        mb_journal_line(journal, "Clusters of sample %lld%s (learned, eps %g):",
            (long long)e->dataset->event[e->order[0]],
            e->group > 1 ? " and the others of its batch" : "", learned->eps[MB_TRACK_FIXED]);
        mb_journal_text(journal, text.data);
    }
    mb_buffer_clear(&text);
    return status;
}

static void put_mean(const mb_track_evaluation *e, const mb_track_space *space, size_t which,
    int split, mb_answer *answer, mb_node *list) {
    mb_track_mean m;
    mb_track_mean_of(e, space, which, split, &m);
    if (m.n_samples == 0) {
        return;
    }
    const struct {
        const char *key;
        double value;
    } figures[] = {{"hits", m.hits}, {"particles", m.particles}, {"tracks", m.tracks},
        {"noise", m.noise}, {"efficiency", m.efficiency}, {"fake_rate", m.fake_rate},
        {"hit_purity", m.hit_purity}, {"hit_efficiency", m.hit_efficiency}, {"score", m.score},
        {"adjusted_rand", m.adjusted_rand}, {"v_measure", m.v_measure}};
    mb_node *map = mb_answer_add_map(answer, list);
    mb_answer_put_text(answer, map, "space", space->name);
    mb_answer_put_text(answer, map, "choice", eps_names[which]);
    mb_answer_put_real(answer, map, "eps", space->eps[which]);
    mb_answer_put_text(answer, map, "split", split_names[split]);
    mb_answer_put_int(answer, map, "samples", (int64_t)m.n_samples);
    for (size_t k = 0; k < MB_COUNT_OF(figures); k++) {
        mb_answer_put_real(answer, map, figures[k].key, figures[k].value);
    }
}

static mb_status put_edges(const mb_track_evaluation *e, mb_answer *answer, mb_node *tracks) {
    const mb_dataset_axis *pred = mb_dataset_find_axis(e->dataset, "edges.pred");
    const mb_dataset_axis *truth = mb_dataset_find_axis(e->dataset, "edges.true");
    mb_edge_score sum = {0};
    for (size_t i = 0; i < e->n_samples && pred != NULL && truth != NULL; i++) {
        if (e->split[i] != e->quoted) {
            continue;
        }
        const mb_edge_list of_pred = {pred->source + pred->offset[i],
            pred->destination + pred->offset[i], (size_t)(pred->offset[i + 1] - pred->offset[i])};
        const mb_edge_list of_truth = {truth->source + truth->offset[i],
            truth->destination + truth->offset[i],
            (size_t)(truth->offset[i + 1] - truth->offset[i])};
        mb_edge_score score;
        MB_TRY(mb_edge_score_make(e->ctx, &of_pred, &of_truth, &score));
        sum.n_true += score.n_true;
        sum.n_true_found += score.n_true_found;
        sum.n_pred += score.n_pred;
        sum.n_pred_true += score.n_pred_true;
    }
    if (sum.n_true > 0) {
        mb_answer_put_real(
            answer, tracks, "edge_efficiency", (double)sum.n_true_found / (double)sum.n_true);
    }
    if (sum.n_pred > 0) {
        mb_answer_put_real(
            answer, tracks, "edge_purity", (double)sum.n_pred_true / (double)sum.n_pred);
    }
    return MB_OK;
}

mb_status mb_track_put(const mb_track_evaluation *e, mb_answer *answer) {
    static const char *const rules[] = {"given", "TrackML rule", "equal"};
    mb_node *tracks = mb_answer_put_map(answer, NULL, "tracks");
    mb_answer_put_text(answer, tracks, "quoted_on", split_names[e->quoted]);
    mb_answer_put_text(answer, tracks, "per", e->group > 1 ? "batch" : "event");
    mb_answer_put_int(answer, tracks, "min_hits", (int64_t)e->options->min_hits);
    const mb_array *rule = mb_bundle_array(&e->dataset->facts, "weight_rule");
    if (rule != NULL && mb_array_count(rule) == 1) {
        const size_t i = (size_t)mb_array_get(rule, 0);
        mb_answer_put_text(answer, tracks, "weights", i < 3 ? rules[i] : "?");
    }
    MB_TRY(put_edges(e, answer, tracks));
    mb_node *eps = mb_answer_put_map(answer, tracks, "eps");
    for (size_t k = 0; k < e->n_spaces; k++) {
        mb_answer_put_real(answer, eps, e->space[k].name, e->space[k].eps[MB_TRACK_CHOSEN]);
    }
    mb_node *list = mb_answer_put_list(answer, tracks, "scores");
    for (int split = 0; split < 3 && e->has_truth; split++) {
        for (size_t k = 0; k < e->n_spaces; k++) {
            for (size_t which = 0; which < MB_TRACK_N_EPS; which++) {
                put_mean(e, &e->space[k], which, split, answer, list);
            }
        }
    }
    return MB_OK;
}

// A figure that is not there, such as the fake rate of no tracks, is a dash.
static const char *figure_text(
    const mb_node *row, const char *key, const char *format, char *out, size_t size) {
    const double value = mb_node_number(row, key);
    mb_format(out, size, isfinite(value) ? format : "-", value);
    return out;
}

static void tell_row(mb_answer *answer, const mb_node *row) {
    static const struct {
        const char *key, *format;
        int width;
    } columns[] = {{"eps", "%.4g", 8}, {"particles", "%.1f", 7}, {"tracks", "%.1f", 7},
        {"noise", "%.1f", 7}, {"efficiency", "%.3f", 10}, {"fake_rate", "%.3f", 9},
        {"score", "%.3f", 9}, {"adjusted_rand", "%.3f", 7}, {"v_measure", "%.3f", 7}};
    char line[160];
    size_t used = (size_t)mb_format(line, sizeof line, "  %-8s %-7s", mb_node_words(row, "space"),
        mb_node_words(row, "choice"));
    for (size_t k = 0; k < MB_COUNT_OF(columns) && used < sizeof line; k++) {
        char text[32];
        used += (size_t)mb_format(line + used, sizeof line - used, " %*s", columns[k].width,
            figure_text(row, columns[k].key, columns[k].format, text, sizeof text));
    }
    mb_answer_line(answer, "%s", line);
}

void mb_track_tell(mb_answer *answer, const mb_node *metrics) {
    const mb_node *tracks = mb_node_find(metrics, "tracks");
    const mb_node *scores = mb_node_find(tracks, "scores");
    const char *quoted = mb_node_words(tracks, "quoted_on");
    if (scores == NULL || scores->first == NULL) {
        return;
    }
    const double efficiency = mb_node_number(tracks, "edge_efficiency");
    const double purity = mb_node_number(tracks, "edge_purity");
    if (isfinite(efficiency) && isfinite(purity)) {
        mb_answer_line(
            answer, "  %-20s efficiency %.4f, purity %.4f", "edges of pred", efficiency, purity);
    }
    mb_answer_line(answer, "tracks, means over the %s samples%s%s%s", quoted,
        strcmp(quoted, "train") == 0 ? " (no others are clustered)" : "",
        strcmp(mb_node_words(tracks, "per"), "batch") == 0 ? ", clustered by batch" : "",
        strcmp(mb_node_words(tracks, "weights"), "equal") == 0 ? ", weights of hits equal" : "");
    mb_answer_line(answer, "  %-8s %-7s %8s %7s %7s %7s %10s %9s %9s %7s %7s", "space", "choice",
        "eps", "partic.", "tracks", "noise", "efficiency", "fake rate", "TrackML", "ARI", "V");
    for (const mb_node *row = scores->first; row != NULL; row = row->next) {
        if (strcmp(mb_node_words(row, "split"), quoted) == 0) {
            tell_row(answer, row);
        }
    }
}

mb_status mb_track_score_edges(const mb_track_evaluation *e, mb_scored *out) {
    const mb_dataset_axis *loss = mb_dataset_find_axis(e->dataset, "edges.loss");
    const mb_column *target = mb_dataset_find(e->dataset, "target");
    const size_t n = loss != NULL ? (size_t)loss->offset[e->n_samples] : 0;
    *out = (mb_scored){.runtime = mb_context_runtime(e->ctx), .n = n, .width = 1};
    out->output = mb_allocate(e->ctx, n, sizeof *out->output);
    out->score = mb_allocate(e->ctx, n, sizeof *out->score);
    out->row = mb_allocate(e->ctx, n, sizeof *out->row);
    out->split = mb_allocate(e->ctx, n, 1);
    out->label = target != NULL ? mb_allocate(e->ctx, n, sizeof *out->label) : NULL;
    if (out->output == NULL || out->score == NULL || out->row == NULL || out->split == NULL ||
        (target != NULL && out->label == NULL)) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; loss != NULL && i < e->n_samples; i++) {
        const float *points = e->embedding + (size_t)e->offset[i] * e->width;
        for (size_t edge = (size_t)loss->offset[i]; edge < loss->offset[i + 1]; edge++) {
            const float *a = points + (size_t)loss->source[edge] * e->width;
            const float *b = points + (size_t)loss->destination[edge] * e->width;
            float sum = 0;
            for (size_t c = 0; c < e->width; c++) {
                // As the loss has it.
                const float d = a[c] - b[c] + 1e-6F;
                sum += d * d;
            }
            out->output[edge] = out->score[edge] = 1 - sqrtf(sum);
            out->row[edge] = (uint32_t)i;
            out->split[edge] = e->split[i];
        }
    }
    if (out->label != NULL && n > 0) {
        memcpy(out->label, target->dense.data, n * sizeof *out->label);
    }
    return MB_OK;
}
