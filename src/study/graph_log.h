// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_GRAPH_LOG_H
#define STUDY_GRAPH_LOG_H

#include "study/run.h"

// What a training over graphs says, in the original's form.

// The model as a tree, as PyTorch prints it: layers that a short form stands for are one branch.
void mb_graph_log_tree(mb_journal *journal, const mb_model *model);

// What was said last.
typedef struct mb_graph_log {
    size_t told_epoch; // counted from 1; 0: none
} mb_graph_log;

// A step of a training, said where its turn is. is_original: as the original's own print, which
// counts whole batches and leaves a last odd one out.
void mb_graph_log_step(mb_graph_log *log, mb_journal *journal, const char *prefix,
    const mb_fit_progress *progress, bool is_original);
// Figures of validation at an epoch's end, where there are some.
void mb_graph_log_epoch(mb_journal *journal, const char *prefix, const mb_fit_progress *progress);

#endif
