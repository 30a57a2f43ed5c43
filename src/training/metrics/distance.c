// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "training/metric.h"

const mb_metric_ops mb_metric_distance_accuracy = {
    .name = "distance_accuracy",
    .column = "accuracy",
    .help = "of pairs of nodes: fraction whose distance, rounded to a whole number, is 0 for the "
            "same and not 0 for others",
    .is_better_higher = true,
    .is_of_pairs = true,
};
