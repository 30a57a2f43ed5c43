// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef FILES_SAVED_MODEL_H
#define FILES_SAVED_MODEL_H

#include "files/tensor_bundle.h"

// A folder in TensorFlow's SavedModel format as Keras 2 writes it: saved_model.pb (the computation,
// not read), keras_metadata.pb (configurations), variables/ (a bundle of tensors with the graph of
// objects that own them).

typedef struct mb_saved_model mb_saved_model;

enum { MB_SAVED_ROOT = 0 };
#define MB_SAVED_NONE SIZE_MAX

// Whether a path is a folder with a saved_model.pb.
bool mb_saved_model_is_path(const char *path);

// The caller closes *out; on failure it is NULL. Fails with IO, FORMAT, LIMIT, and UNSUPPORTED when
// the folder holds no Keras model (a plain TensorFlow export), which the message says.
mb_status mb_saved_model_open(
    mb_context *ctx, const char *folder, mb_saved_model **out) MB_MUST_CHECK;
// The same from memory, with one shard; the bytes must outlive the model. name stands in messages.
typedef struct mb_saved_model_bytes {
    const void *metadata, *index, *shard;
    size_t metadata_length, index_length, shard_length;
} mb_saved_model_bytes;
mb_status mb_saved_model_open_bytes(mb_context *ctx, const char *name,
    const mb_saved_model_bytes *bytes, mb_saved_model **out) MB_MUST_CHECK;
void mb_saved_model_close(mb_saved_model *model);

// JSON of the object at a path ("root", "root.layer-0"); borrowed; NULL when there is none.
const char *mb_saved_model_metadata(const mb_saved_model *model, const char *path);
// An object's child by name ("layer-0", "kernel"), or MB_SAVED_NONE.
size_t mb_saved_model_child(const mb_saved_model *model, size_t object, const char *name);
// The object's variable whose full name ends in "/" and name, among all of its and its parts':
// MB_SAVED_NONE when there is none or more than one.
size_t mb_saved_model_variable(const mb_saved_model *model, size_t object, const char *name);
// The key under which an object's own value is in the tensors; borrowed; NULL: it is no variable.
const char *mb_saved_model_key(const mb_saved_model *model, size_t object);
mb_tensor_bundle *mb_saved_model_tensors(const mb_saved_model *model);

#endif
