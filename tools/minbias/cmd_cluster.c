// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "command.h"

#include "minbias/cluster.h"

static mb_status run(mb_session *session) {
    const char *output = option_text(session, "output", NULL);
    const char *eps = option_text(session, "eps", NULL);
    if (output == NULL) {
        return usage_fail(session, "cluster: -o LABELS is missing; name the file of the labels");
    }
    if (eps == NULL || !option_is_given(session, "min-samples")) {
        return usage_fail(session,
            "cluster: %s is missing; say what makes points neighbours and neighbours a cluster",
            eps == NULL ? "--eps E" : "--min-samples M");
    }
    mb_answer *answer = NULL;
    const mb_status status = mb_cluster_of_file(session->ctx, session->arguments.operands[0], eps,
        option_count(session, "min-samples", 0), output, session->is_forced, &answer);
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    return status;
}

static const option options[] = {{"eps", 0, OPTION_NEEDED_TEXT, "E",
                                     "distance up to which points are neighbours, in their unit"},
    {"min-samples", 0, OPTION_NEEDED_COUNT, "M",
        "neighbours, itself included, that make a point the core of a cluster"},
    {"output", 'o', OPTION_NEEDED_TEXT, "LABELS",
        "the labels, one int64 a point: .npy (or .npz, .h5, .csv)"},
    {NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {
    {"POINTS", false, false, "one row a point: .npy, .npz or .h5, a member as FILE:NAME"},
    {NULL, false, false, NULL}};

const mb_command command_cluster = {.name = "cluster",
    .summary = "clusters of points by density (DBSCAN)",
    .details = "Gives each point the label that scikit-learn's DBSCAN gives it: clusters count "
               "from 0 in the order of their first core points, noise is -1. Points may have any "
               "number of columns; memory grows with the number of points, never with its square.",
    .options = options,
    .operands = operands,
    .example = "minbias cluster embeddings.npy --eps 0.1 --min-samples 3 -o labels.npy",
    .run = run};
