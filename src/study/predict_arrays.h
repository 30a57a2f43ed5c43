// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_PREDICT_ARRAYS_H
#define STUDY_PREDICT_ARRAYS_H

#include "data/dataset.h"
#include "network/model.h"
#include "study/answer.h"

// Runs a model over all rows of a dataset, and writes an array named after each output to an .npy
// (of an only output), .npz or .h5, whether or not it is there. Fails with ARG for another suffix.
mb_status mb_predict_to_arrays(mb_context *ctx, const mb_model *model, const mb_dataset *dataset,
    const char *output, mb_answer *answer) MB_MUST_CHECK;

#endif
