// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_BUILDER_GROUPS_H
#define STUDY_BUILDER_GROUPS_H

#include "network/model.h"

// Layers called "encoder/..." are a nested model of that name. Records each such model, before the
// model of outputs (values) is finished. A name with a second "/" nests once only.
mb_status mb_study_add_groups(
    mb_context *ctx, mb_model *model, const size_t *outputs, size_t n_outputs) MB_MUST_CHECK;

#endif
