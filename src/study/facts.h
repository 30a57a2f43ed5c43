// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_FACTS_H
#define STUDY_FACTS_H

#include "base/bundle.h"

// Facts of a dataset, kept in a run as facts.npz: what a source fitted on the training rows is what
// predictions of new files take.

// Without any, no file is left.
mb_status mb_facts_write(
    mb_context *ctx, const mb_bundle *facts, const char *directory) MB_MUST_CHECK;
// Of the folder that study lies in; empty without facts.npz. The caller clears *out, also after a
// failure.
mb_status mb_facts_read(mb_context *ctx, const char *study, mb_bundle *out) MB_MUST_CHECK;

#endif
