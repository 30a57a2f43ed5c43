// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_OPEN_H
#define STUDY_OPEN_H

#include "study/alternate.h"
#include "study/study.h"

// Built-in models (model: {builtin: NAME}) written out as their layers.
mb_status mb_study_expand_models(mb_context *ctx, mb_study *study) MB_MUST_CHECK;
// model: and models: checked, paths made absolute.
mb_status mb_study_take_models(mb_context *ctx, mb_study *study) MB_MUST_CHECK;
// One of models: by name, or with name NULL the only one. at: for the line of an error.
mb_status mb_study_find_model(mb_context *ctx, mb_study *study, const mb_node *at, const char *name,
    mb_node **out) MB_MUST_CHECK;
// Part of mb_study_open: model:, models:, fits: and train: into study->fits, checked and written
// out. Leaves no fit where there is no model.
mb_status mb_study_read_fits(mb_context *ctx, mb_study *study) MB_MUST_CHECK;
// Another part: evaluate:, which may be NULL, into study->evaluate, checked and written out.
mb_status mb_study_read_evaluate(
    mb_context *ctx, mb_study *study, const mb_node *evaluate) MB_MUST_CHECK;

#endif
