// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/output.h"
#include "draw/figures.h"
#include "study/scan.h"

#include <math.h>

// What the scan came to in words, and its learning curve.

static bool is_good(const mb_trial *t) {
    return t->state == MB_TRIAL_DONE;
}

static void put_best(const mb_scan_state *scan, mb_answer *answer, const size_t *order, size_t n) {
    enum { N_BEST = 5 };
    mb_node *list = mb_answer_put_list(answer, NULL, "best");
    for (size_t i = 0; i < n && i < N_BEST; i++) {
        const mb_trial *t = &scan->trials[order[i]];
        mb_node *map = mb_answer_add_map(answer, list);
        if (map == NULL) {
            return;
        }
        mb_answer_put_int(answer, map, "trial", (int64_t)order[i]);
        for (size_t j = 0; j < scan->n_figures; j++) {
            mb_answer_put_real(answer, map, scan->figures[j], t->figure[j]);
        }
        for (size_t k = 0; k < scan->n_keys; k++) {
            const mb_scan_key *key = &scan->keys[k];
            mb_answer_put_copy(answer, map, key->name, mb_node_at(key->values, t->choice[k]));
        }
    }
}

static mb_status tell_counts(const mb_scan_state *scan, mb_answer *answer) {
    size_t *order = NULL;
    size_t n = 0;
    MB_TRY(mb_scan_order(scan, &order, &n));
    size_t counts[MB_TRIAL_STOPPED + 1] = {0};
    for (size_t i = 0; i < scan->n_trials; i++) {
        counts[scan->trials[i].state]++;
    }
    mb_answer_line(answer,
        "%zu trials of %zu combinations: %zu trained, %zu stopped, %zu failed, "
        "%zu left out, %zu not done; the first by %s:",
        scan->n_trials, scan->n_combinations, counts[MB_TRIAL_DONE], counts[MB_TRIAL_STOPPED],
        counts[MB_TRIAL_FAILED], counts[MB_TRIAL_LEFT_OUT], counts[MB_TRIAL_OPEN],
        scan->options.sort);
    put_best(scan, answer, order, n);
    mb_answer_put_int(answer, NULL, "combinations", (int64_t)scan->n_combinations);
    mb_answer_put_int(answer, NULL, "trials", (int64_t)scan->n_trials);
    mb_answer_put_int(answer, NULL, "trained", (int64_t)counts[MB_TRIAL_DONE]);
    mb_answer_put_int(answer, NULL, "stopped", (int64_t)counts[MB_TRIAL_STOPPED]);
    mb_answer_put_int(answer, NULL, "failed", (int64_t)counts[MB_TRIAL_FAILED]);
    mb_answer_put_int(answer, NULL, "left_out", (int64_t)counts[MB_TRIAL_LEFT_OUT]);
    mb_answer_put_int(answer, NULL, "not_done", (int64_t)counts[MB_TRIAL_OPEN]);
    mb_release(scan->ctx, order);
    return MB_OK;
}

// Mean of a figure over the trials with one value of a key.
static double mean_with(const mb_scan_state *scan, size_t key, size_t value, size_t figure) {
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < scan->n_trials; i++) {
        const mb_trial *t = &scan->trials[i];
        if (is_good(t) && t->choice[key] == value && isfinite(t->figure[figure])) {
            sum += t->figure[figure];
            n++;
        }
    }
    return n > 0 ? sum / (double)n : (double)NAN;
}

// How much repeated trainings differ: the root of the mean variance.
static double pooled_spread(const mb_scan_state *scan, size_t figure) {
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < scan->n_trials; i++) {
        const mb_trial *t = &scan->trials[i];
        if (is_good(t) && isfinite(t->spread[figure])) {
            sum += t->spread[figure] * t->spread[figure];
            n++;
        }
    }
    return n > 0 ? sqrt(sum / (double)n) : (double)NAN;
}

static void conclude_key(const mb_scan_state *scan, mb_answer *answer, mb_node *list, size_t key,
    size_t figure, double spread) {
    const bool is_higher = scan->is_better_higher[figure];
    double least = INFINITY;
    double most = -INFINITY;
    size_t best = 0;
    for (size_t v = 0; v < scan->keys[key].values->n_children; v++) {
        const double mean = mean_with(scan, key, v, figure);
        if (isfinite(mean)) {
            best = (is_higher ? mean > most : mean < least) ? v : best;
            least = fmin(least, mean);
            most = fmax(most, mean);
        }
    }
    if (!(least <= most)) {
        return;
    }
    const double change = most - least;
    const char *verdict = !isfinite(spread) ? "there are no repeats to tell a spread from"
                          : change > spread ? "more than the spread of repeated trainings"
                                            : "within the spread of repeated trainings";
    mb_answer_line(answer, "%s changes the mean %s by %.4f (best at %s): %s", scan->keys[key].name,
        scan->figures[figure], change, scan->keys[key].texts[best], verdict);
    mb_node *map = mb_answer_add_map(answer, list);
    if (map != NULL) {
        mb_answer_put_text(answer, map, "key", scan->keys[key].name);
        mb_answer_put_real(answer, map, "change", change);
        mb_answer_put_real(answer, map, "spread", spread);
        mb_answer_put_text(answer, map, "best_at", scan->keys[key].texts[best]);
        mb_answer_put_bool(answer, map, "beyond_spread", isfinite(spread) && change > spread);
    }
}

// The number that a trial has for a key, or 0.
static double value_of(const mb_scan_state *scan, const mb_trial *t, const char *name) {
    for (size_t k = 0; k < scan->n_keys; k++) {
        double value = 0;
        if (strcmp(scan->keys[k].name, name) == 0 &&
            mb_text_to_double(scan->keys[k].texts[t->choice[k]], &value)) {
            return value;
        }
    }
    return 0;
}

static double figure_or_nan(const mb_scan_state *scan, const mb_trial *t, const char *name) {
    const size_t at = mb_scan_figure(scan, name);
    return at != SIZE_MAX ? t->figure[at] : (double)NAN;
}

static mb_status draw_curve(const mb_scan_state *scan) {
    mb_learning_point *points = mb_allocate(scan->ctx, scan->n_trials, sizeof *points);
    char *folder = mb_path_join(scan->ctx, scan->directory, "plots");
    mb_gallery *gallery = NULL;
    size_t n = 0;
    mb_status status = points == NULL || folder == NULL ? MB_ERR_MEMORY : MB_OK;
    for (size_t i = 0; i < scan->n_trials && status == MB_OK; i++) {
        const mb_trial *t = &scan->trials[i];
        if (is_good(t)) {
            points[n++] = (mb_learning_point){.events = (double)t->n_train,
                .bins = (int)value_of(scan, t, "bins"),
                .depth = (int)value_of(scan, t, "depth"),
                .loss = figure_or_nan(scan, t, "loss"),
                .accuracy = figure_or_nan(scan, t, "accuracy"),
                .auc = t->auc,
                .val_loss = figure_or_nan(scan, t, "val_loss"),
                .val_accuracy = figure_or_nan(scan, t, "val_accuracy"),
                .val_auc = t->val_auc};
        }
    }
    if (status == MB_OK) {
        status = mb_gallery_open(scan->ctx, folder, NULL, &gallery);
    }
    if (status == MB_OK) {
        status = mb_draw_learning_curve(gallery, scan->ctx, points, n);
    }
    if (status == MB_OK) {
        status = mb_gallery_draw(gallery, scan->ctx);
    }
    mb_gallery_destroy(gallery);
    mb_release(scan->ctx, folder);
    mb_release(scan->ctx, points);
    return status;
}

// Points at several numbers of events make a curve.
static bool has_curve(const mb_scan_state *scan) {
    const mb_trial *first = NULL;
    for (size_t i = 0; i < scan->n_trials; i++) {
        const mb_trial *t = &scan->trials[i];
        if (is_good(t) && first != NULL && t->n_train != first->n_train) {
            return true;
        }
        first = is_good(t) ? t : first;
    }
    return false;
}

static void tell_others(const mb_scan_state *scan, mb_answer *answer) {
    enum { MOST_TOLD = 10 };
    size_t n = 0;
    for (size_t i = 0; i < scan->n_trials; i++) {
        const mb_trial *t = &scan->trials[i];
        const bool is_told = t->state == MB_TRIAL_FAILED || t->state == MB_TRIAL_LEFT_OUT;
        if (is_told && n++ < MOST_TOLD) {
            mb_answer_line(answer, "trial %zu %s: %s", i,
                t->state == MB_TRIAL_FAILED ? "failed" : "was left out", t->error);
        }
    }
    if (n > MOST_TOLD) {
        mb_answer_line(
            answer, "and %zu more; the column error of trials.csv has all reasons", n - MOST_TOLD);
    }
    if (scan->is_out_of_time) {
        mb_answer_line(answer,
            "the time limit of %s was reached: which trials were done by then depends on the "
            "machine; --resume does the others",
            scan->options.time_limit);
    }
}

static mb_status tell_all(mb_scan_state *scan, mb_answer *answer) {
    MB_TRY(tell_counts(scan, answer));
    MB_TRY(mb_scan_tell_table(scan, answer));
    const double spread = pooled_spread(scan, scan->sort);
    mb_node *list = mb_answer_put_list(answer, NULL, "conclusion");
    for (size_t k = 0; k < scan->n_keys; k++) {
        conclude_key(scan, answer, list, k, scan->sort, spread);
    }
    tell_others(scan, answer);
    if (scan->best != MB_SCAN_NO_TRIAL) {
        mb_answer_put_int(answer, NULL, "best_trial", scan->best);
        mb_answer_line(answer, "the model of trial %lld is %s/best/model.h5", (long long)scan->best,
            scan->directory);
    }
    return MB_OK;
}

mb_status mb_scan_conclude(mb_scan_state *scan, mb_answer *answer) {
    MB_TRY(mb_scan_write_table(scan));
    MB_TRY(tell_all(scan, answer));
    MB_TRY(mb_scan_tidy(scan));
    char *path = mb_path_join(scan->ctx, scan->directory, "conclusion.txt");
    if (path == NULL) {
        return MB_ERR_MEMORY;
    }
    const char *text = mb_answer_text(answer);
    const mb_status status = mb_write_file(scan->ctx, path, text, strlen(text));
    mb_release(scan->ctx, path);
    MB_TRY(status);
    mb_answer_put_text(answer, NULL, "directory", scan->directory);
    if (has_curve(scan)) {
        MB_TRY(draw_curve(scan));
    }
    const char *page = NULL;
    MB_TRY(mb_scan_make_report(scan->ctx, &scan->arena, scan->directory, NULL, &page));
    mb_answer_put_text(answer, NULL, "report", page);
    mb_answer_line(answer, "%s: the report", page);
    return MB_OK;
}
