// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_MODULE_MODELS_H
#define STUDY_MODULE_MODELS_H

#include "study/study.h"

// Autoencoders of a module's charges: an encoder of few numbers for the concentrator chip and a
// decoder that restores the image. Written as {autoencoder: {...}} or by the names of a dictionary,
// they become layers: and train: of a study.

// The names of the dictionary, NULL at its end.
const char *mb_module_model_name(size_t index);
// Whether a name is one of the dictionary.
bool mb_module_model_is_known(const char *name);
// The entry {autoencoder: {...}} of a name, as a node of the document; NULL on failure.
mb_status mb_module_model_read(
    mb_context *ctx, mb_document *document, const char *name, mb_node **out) MB_MUST_CHECK;
// From the value of autoencoder: to a model map {layers, train, target}.
mb_status mb_module_model_expand(
    mb_context *ctx, mb_document *document, const mb_node *keys, mb_node **out) MB_MUST_CHECK;
extern const mb_option mb_module_model_table[]; // keys of autoencoder:

// Adds columns of the shapes that models of modules take, without rows: enough to build a model.
mb_status mb_module_add_shapes(mb_context *ctx, mb_dataset *dataset) MB_MUST_CHECK;
// Adds the columns image_ARRANGEMENT that the study's models take to a dataset of modules.
mb_status mb_module_add_images(
    mb_context *ctx, const mb_study *study, mb_dataset *dataset) MB_MUST_CHECK;

#endif
