// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_KERAS_FOLDER_H
#define STUDY_KERAS_FOLDER_H

#include "minbias/answer.h"

// A model of Keras as a SavedModel folder, with the history.pkl of its training beside its files.

// Whether a folder is one, and not the folder of a run.
bool mb_keras_folder_is(const char *path);
// A page of the history and the layers at path (NULL: report.html in the folder); the figure goes
// to plots/ in the folder. A folder without history.pkl gets a page of its layers.
mb_status mb_keras_folder_report(mb_context *ctx, const char *folder, const char *path,
    bool is_forced, mb_answer **out) MB_MUST_CHECK;

#endif
