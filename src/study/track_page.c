// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/page.h"

#include <math.h>

// The scores of tracks on a run's page.

// The best row of a split: whichever space wins.
static const mb_node *find_best(const mb_node *scores, const char *split) {
    const mb_node *best = NULL;
    for (const mb_node *row = scores->first; row != NULL; row = row->next) {
        const double score = mb_node_number(row, "score");
        if (strcmp(mb_node_words(row, "split"), split) == 0 && isfinite(score) &&
            (best == NULL || score > mb_node_number(best, "score"))) {
            best = row;
        }
    }
    return best;
}

static void add_table(const mb_page *p, const mb_node *scores, const char *split) {
    static const char *const head[] = {"space", "eps", "is", "particles", "tracks", "noise hits",
        "efficiency", "fake rate", "hit purity", "hit efficiency", "TrackML", "ARI", "V"};
    static const struct {
        const char *key, *format;
    } figures[] = {{"particles", "%.1f"}, {"tracks", "%.1f"}, {"noise", "%.1f"},
        {"efficiency", "%.3f"}, {"fake_rate", "%.3f"}, {"hit_purity", "%.3f"},
        {"hit_efficiency", "%.3f"}, {"score", "%.3f"}, {"adjusted_rand", "%.3f"},
        {"v_measure", "%.3f"}};
    const char **cells =
        mb_arena_allocate(p->arena, p->ctx, scores->n_children * MB_COUNT_OF(head), sizeof *cells);
    size_t n = 0;
    for (const mb_node *row = scores->first; row != NULL && cells != NULL; row = row->next) {
        if (strcmp(mb_node_words(row, "split"), split) != 0) {
            continue;
        }
        const char **cell = &cells[MB_COUNT_OF(head) * n++];
        *cell++ = mb_node_words(row, "space");
        *cell++ = mb_page_number(p, mb_node_number(row, "eps"), "%.4g");
        *cell++ = mb_node_words(row, "choice");
        for (size_t k = 0; k < MB_COUNT_OF(figures); k++) {
            *cell++ = mb_page_number(p, mb_node_number(row, figures[k].key), figures[k].format);
        }
    }
    if (n > 0) {
        const char *caption = mb_arena_format(p->arena, p->ctx,
            "Means over the %s samples. The radius is chosen on the training samples, or the "
            "study's own.",
            split);
        mb_report_table(p->report, caption, head, MB_COUNT_OF(head), cells, n);
    }
}

// The best of radii that all find nothing is no choice: the smallest stands for it.
static void add_hopeless(const mb_page *p, const mb_node *scores) {
    for (const mb_node *row = scores->first; row != NULL; row = row->next) {
        if (strcmp(mb_node_words(row, "split"), "train") == 0 &&
            strcmp(mb_node_words(row, "choice"), "chosen") == 0 &&
            !(mb_node_number(row, "score") > 0)) {
            mb_report_paragraph(p->report,
                "No radius that was tried finds a track in the space %s: of equal ones, %.4g is "
                "but the smallest.",
                mb_node_words(row, "space"), mb_node_number(row, "eps"));
        }
    }
}

void mb_page_add_tracks(const mb_page *p) {
    const mb_node *tracks = mb_node_find(p->metrics, "tracks");
    const mb_node *scores = mb_node_find(tracks, "scores");
    if (scores == NULL || scores->n_children == 0) {
        return;
    }
    const char *quoted = mb_node_words(tracks, "quoted_on");
    const mb_node *best = find_best(scores, quoted);
    mb_report_heading(p->report, 2, "Tracks");
    if (best != NULL) {
        mb_report_paragraph(p->report,
            "Of all spaces and radii, clusters of %s at eps %.4g are nearest to the particles: "
            "TrackML score %.3f on the %s samples%s.",
            mb_node_words(best, "space"), mb_node_number(best, "eps"),
            mb_node_number(best, "score"), quoted,
            strcmp(quoted, "train") == 0 ? ", as no others are clustered" : "");
    }
    add_table(p, scores, quoted);
    if (strcmp(quoted, "train") != 0) {
        add_table(p, scores, "train");
    }
    add_hopeless(p, scores);
    if (strcmp(mb_node_words(tracks, "per"), "batch") == 0) {
        mb_report_paragraph(p->report,
            "Samples of a batch were clustered together, as the original does: hits of different "
            "samples may share a cluster.");
    }
    if (strcmp(mb_node_words(tracks, "weights"), "equal") == 0) {
        mb_report_paragraph(p->report,
            "The data has neither weights of hits nor pt: hits of particles with at least four "
            "hits count alike.");
    }
}
