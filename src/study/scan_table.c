// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/output.h"
#include "draw/figures.h"
#include "files/csv.h"
#include "study/scan.h"

#include <math.h>

// trials.csv, the learning curve, and what the scan came to in words.

enum { N_BEST = 5 };

static void put_number(mb_buffer *table, double value) {
    if (isfinite(value)) {
        mb_csv_put_double(table, false, value);
    } else {
        mb_csv_put_text(table, false, "");
    }
}

// Keys in the order of their names, as the original's table has them.
static void sort_keys(const mb_scan_state *scan, size_t order[MB_SCAN_MOST_KEYS]) {
    for (size_t i = 0; i < scan->n_keys; i++) {
        size_t at = i;
        for (; at > 0 && strcmp(scan->keys[order[at - 1]].name, scan->keys[i].name) > 0; at--) {
            order[at] = order[at - 1];
        }
        order[at] = i;
    }
}

static void put_head(const mb_scan_state *scan, mb_buffer *table, const size_t *order) {
    mb_buffer_text(table, "start,end,duration,round_epochs");
    for (size_t i = 0; i < scan->n_figures; i++) {
        mb_csv_put_text(table, false, scan->figures[i]);
    }
    for (size_t k = 0; k < scan->n_keys; k++) {
        mb_csv_put_text(table, false, scan->keys[order[k]].name);
    }
    for (size_t i = 0; i < scan->n_figures; i++) {
        mb_buffer_format(table, ",best_%s", scan->figures[i]);
    }
    for (size_t i = 0; scan->options.repeats > 1 && i < scan->n_figures; i++) {
        mb_buffer_format(table, ",%s_std", scan->figures[i]);
    }
    mb_buffer_text(table, ",final_auc,final_val_auc,train_events,error\n");
}

static mb_status write_table(const mb_scan_state *scan) {
    size_t order[MB_SCAN_MOST_KEYS];
    sort_keys(scan, order);
    mb_buffer table;
    mb_buffer_init(&table, scan->ctx);
    put_head(scan, &table, order);
    for (size_t i = 0; i < scan->n_trials; i++) {
        const mb_trial *t = &scan->trials[i];
        mb_csv_put_text(&table, true, t->start);
        mb_csv_put_text(&table, false, t->end);
        put_number(&table, t->duration);
        mb_csv_put_int64(&table, false, (int64_t)t->epochs);
        for (size_t j = 0; j < scan->n_figures; j++) {
            put_number(&table, t->figure[j]);
        }
        for (size_t k = 0; k < scan->n_keys; k++) {
            mb_csv_put_text(&table, false, scan->keys[order[k]].texts[t->choice[order[k]]]);
        }
        for (size_t j = 0; j < scan->n_figures; j++) {
            put_number(&table, t->best[j]);
        }
        for (size_t j = 0; scan->options.repeats > 1 && j < scan->n_figures; j++) {
            put_number(&table, t->spread[j]);
        }
        put_number(&table, t->auc);
        put_number(&table, t->val_auc);
        mb_csv_put_int64(&table, false, (int64_t)t->n_train);
        mb_csv_put_text(&table, false, t->error);
        mb_csv_end_row(&table);
    }
    char *path = mb_path_join(scan->ctx, scan->directory, "trials.csv");
    if (path == NULL) {
        mb_buffer_clear(&table);
        return MB_ERR_MEMORY;
    }
    const mb_status status = mb_write_buffer(&table, path);
    mb_release(scan->ctx, path);
    return status;
}

static bool is_good(const mb_trial *t) {
    return t->is_done && !t->is_failed && !t->is_left_out;
}

static void tell_trial(
    const mb_scan_state *scan, mb_answer *answer, mb_node *list, size_t number, size_t figure) {
    const mb_trial *t = &scan->trials[number];
    char text[512];
    size_t used = (size_t)mb_format(
        text, sizeof text, "  trial %zu: %s %.6f", number, scan->options.sort, t->figure[figure]);
    if (scan->options.repeats > 1) {
        used +=
            (size_t)mb_format(text + used, sizeof text - used, " (spread %.2g)", t->spread[figure]);
    }
    mb_node *map = mb_answer_add_map(answer, list);
    if (map == NULL) {
        return;
    }
    mb_answer_put_int(answer, map, "trial", (int64_t)number);
    for (size_t i = 0; i < scan->n_figures; i++) {
        mb_answer_put_real(answer, map, scan->figures[i], t->figure[i]);
    }
    for (size_t k = 0; k < scan->n_keys && used + 80 < sizeof text; k++) {
        const mb_scan_key *key = &scan->keys[k];
        mb_answer_put_text(answer, map, key->name, key->texts[t->choice[k]]);
        used += (size_t)mb_format(
            text + used, sizeof text - used, ", %.30s %.30s", key->name, key->texts[t->choice[k]]);
    }
    mb_answer_line(answer, "%s", text);
}

// Losses get better downwards, all else upwards.
static bool is_before(const mb_scan_state *scan, size_t a, size_t b, size_t figure, bool is_loss) {
    const double x = scan->trials[a].figure[figure];
    const double y = scan->trials[b].figure[figure];
    return is_loss ? x < y : x > y;
}

static mb_status tell_best(const mb_scan_state *scan, mb_answer *answer) {
    const size_t figure = mb_scan_figure(scan, scan->options.sort);
    const bool is_loss =
        strstr(scan->options.sort, "accuracy") == NULL && strstr(scan->options.sort, "auc") == NULL;
    size_t *order = mb_allocate(scan->ctx, scan->n_trials, sizeof *order);
    if (order == NULL) {
        return MB_ERR_MEMORY;
    }
    size_t n = 0;
    for (size_t i = 0; i < scan->n_trials; i++) {
        if (!is_good(&scan->trials[i]) || !isfinite(scan->trials[i].figure[figure])) {
            continue;
        }
        size_t at = n++;
        for (; at > 0 && is_before(scan, i, order[at - 1], figure, is_loss); at--) {
            order[at] = order[at - 1];
        }
        order[at] = i;
    }
    mb_answer_line(
        answer, "%zu trials, %zu trained; the best by %s:", scan->n_trials, n, scan->options.sort);
    mb_node *list = mb_answer_put_list(answer, NULL, "best");
    for (size_t i = 0; i < n && i < N_BEST; i++) {
        tell_trial(scan, answer, list, order[i], figure);
    }
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
    double least = INFINITY;
    double most = -INFINITY;
    size_t best = 0;
    for (size_t v = 0; v < scan->keys[key].values->n_children; v++) {
        const double mean = mean_with(scan, key, v, figure);
        if (isfinite(mean)) {
            best = mean < least ? v : best;
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
    mb_answer_line(answer, "%s changes the mean %s by %.4f (lowest at %s): %s",
        scan->keys[key].name, scan->figures[figure], change, scan->keys[key].texts[best], verdict);
    mb_node *map = mb_answer_add_map(answer, list);
    if (map != NULL) {
        mb_answer_put_text(answer, map, "key", scan->keys[key].name);
        mb_answer_put_real(answer, map, "change", change);
        mb_answer_put_real(answer, map, "spread", spread);
        mb_answer_put_text(answer, map, "lowest_at", scan->keys[key].texts[best]);
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

mb_status mb_scan_conclude(mb_scan_state *scan, mb_answer *answer) {
    MB_TRY(write_table(scan));
    MB_TRY(tell_best(scan, answer));
    const size_t val_loss = mb_scan_figure(scan, "val_loss");
    const double spread = pooled_spread(scan, val_loss);
    mb_node *list = mb_answer_put_list(answer, NULL, "conclusion");
    for (size_t k = 0; k < scan->n_keys; k++) {
        conclude_key(scan, answer, list, k, val_loss, spread);
    }
    for (size_t i = 0; i < scan->n_trials; i++) {
        const mb_trial *t = &scan->trials[i];
        if (t->is_failed || t->is_left_out) {
            mb_answer_line(
                answer, "trial %zu %s: %s", i, t->is_failed ? "failed" : "was left out", t->error);
        }
    }
    char *path = mb_path_join(scan->ctx, scan->directory, "conclusion.txt");
    if (path == NULL) {
        return MB_ERR_MEMORY;
    }
    const char *text = mb_answer_text(answer);
    const mb_status status = mb_write_file(scan->ctx, path, text, strlen(text));
    mb_release(scan->ctx, path);
    MB_TRY(status);
    mb_answer_put_int(answer, NULL, "trials", (int64_t)scan->n_trials);
    mb_answer_put_text(answer, NULL, "directory", scan->directory);
    return draw_curve(scan);
}
