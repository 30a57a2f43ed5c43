// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "training/loss.h"

typedef struct hinge_options {
    const char *edges;
    double margin;
} hinge_options;

static const mb_option option_table[] = {
    {"edges", MB_OPTION_TEXT, offsetof(hinge_options, edges), "loss", 0, 0, NULL, NULL,
        "the pairs: those that the data has under edges.NAME, with the target 1 for the same"},
    {"margin", MB_OPTION_REAL, offsetof(hinge_options, margin), "1", 0, 1e30, NULL, NULL,
        "distance from which on pairs of target 0 cost nothing"},
    MB_OPTIONS_END,
};

static mb_pairs_of_loss pairs(const void *options) {
    const hinge_options *hinge = options;
    return (mb_pairs_of_loss){hinge->edges, (float)hinge->margin};
}

const mb_loss_ops mb_loss_hinge_embedding = {
    .name = "hinge_embedding",
    .class_name = "HingeEmbedding",
    .help = "mean over pairs of nodes: their distance where they are the same, else what it lacks "
            "of the margin",
    .options = option_table,
    .options_size = sizeof(hinge_options),
    .target = MB_TARGET_PAIRS,
    .pairs = pairs,
};
