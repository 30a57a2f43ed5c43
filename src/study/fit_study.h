// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_FIT_STUDY_H
#define STUDY_FIT_STUDY_H

#include "study/run.h"

// The folder of one of several trainings says by itself what it is of: study.yaml with this
// training alone, and facts.npz where the data has some, so that `predict` takes the folder
// wherever it lies. The folder is there already.
mb_status mb_fit_study_write(
    mb_context *ctx, const mb_run *run, const mb_round *round) MB_MUST_CHECK;
// What is said of the training goes into a log.txt of its folder, too; begins: in place of one that
// is there.
mb_status mb_fit_study_share_log(
    mb_context *ctx, mb_run *run, const mb_round *round, bool begins) MB_MUST_CHECK;
// Whether a folder is that of one of several trainings, below fits/ of a run.
bool mb_fit_study_is_part(const char *directory);
// Fails with ARG for such a folder, naming the run: what to do with the whole of it alone.
mb_status mb_fit_study_refuse_part(mb_context *ctx, const char *directory) MB_MUST_CHECK;

#endif
