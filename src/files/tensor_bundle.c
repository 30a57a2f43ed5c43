// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/tensor_bundle.h"

#include "base/output.h"
#include "files/protobuf.h"
#include "files/raw.h"
#include "files/sorted_table.h"

#include <checkpoint.pb-c.h>

#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

enum { MOST_SHARDS = 100000, TYPE_TEXT = 7 };

struct mb_tensor_bundle {
    mb_context *ctx;
    char *prefix;
    char *file;  // the table's, for messages
    char *index; // its bytes, when they were read here
    mb_crc32c crc;
    mb_sorted_table table;
    int32_t n_shards;
    const char *shard; // from memory: stands for all; NULL: from files
    size_t shard_length;
};

typedef struct tensor_type {
    int32_t code; // TensorFlow's DataType
    const char *name;
    mb_raw_type raw; // size 0: no numbers that are read
} tensor_type;

static const tensor_type types[] = {
    {1, "float32", {MB_F32, 4, false}},
    {2, "float64", {MB_F64, 8, false}},
    {3, "int32", {MB_I32, 4, false}},
    {4, "uint8", {MB_U8, 1, false}},
    {5, "int16", {MB_I16, 2, false}},
    {6, "int8", {MB_I8, 1, false}},
    {TYPE_TEXT, "texts", {MB_U8, 0, false}},
    {8, "complex64", {MB_F32, 0, false}},
    {9, "int64", {MB_I64, 8, false}},
    {10, "bool", {MB_BOOL, 1, false}},
    {14, "bfloat16", {MB_F32, 0, false}},
    {17, "uint16", {MB_U16, 2, false}},
    {18, "complex128", {MB_F64, 0, false}},
    {19, "float16", {MB_F32, 2, false}},
    {22, "uint32", {MB_U32, 4, false}},
    {23, "uint64", {MB_U64, 8, false}},
};

static const tensor_type *find_type(int32_t code) {
    for (size_t i = 0; i < MB_COUNT_OF(types); i++) {
        if (types[i].code == code) {
            return &types[i];
        }
    }
    return NULL;
}

static mb_status fail_tensor(
    const mb_tensor_bundle *bundle, mb_status status, const char *key, const char *what) {
    return mb_fail(bundle->ctx, status, "%s: tensor %.200s: %s", bundle->file, key, what);
}

static mb_status read_header(mb_tensor_bundle *bundle) {
    const mb_table_entry *entry = mb_sorted_table_find(&bundle->table, "");
    mb_context *ctx = bundle->ctx;
    if (entry == NULL) {
        return mb_fail(ctx, MB_ERR_FORMAT,
            "%s: is no table of tensors: it has no header; save the model again", bundle->file);
    }
    mb_protobuf protobuf;
    mb_status status = mb_protobuf_unpack(&protobuf, ctx, bundle->file, "a table of tensors",
        &mb__tensors_header__descriptor, entry->value, entry->value_length);
    if (status == MB_OK) {
        const Mb__TensorsHeader *header = (const Mb__TensorsHeader *)protobuf.message;
        bundle->n_shards = header->num_shards;
        if (header->endianness != 0) {
            status = mb_fail(ctx, MB_ERR_UNSUPPORTED,
                "%s: was written on a big-endian machine; load the model there and save it as .h5",
                bundle->file);
        } else if (header->num_shards < 1 || header->num_shards > MOST_SHARDS) {
            status = mb_fail(ctx, MB_ERR_FORMAT,
                "%s: is damaged: it counts %" PRId32 " shards; copy or save the model again",
                bundle->file, header->num_shards);
        }
    }
    mb_protobuf_clear(&protobuf);
    return status;
}

static mb_status make(mb_context *ctx, const char *name, mb_tensor_bundle **out) {
    mb_tensor_bundle *bundle = mb_allocate_zeroed(ctx, 1, sizeof *bundle);
    *out = bundle;
    if (bundle == NULL) {
        return MB_ERR_MEMORY;
    }
    bundle->ctx = ctx;
    mb_crc32c_init(&bundle->crc);
    bundle->prefix = mb_copy_text(ctx, name);
    return bundle->prefix == NULL ? MB_ERR_MEMORY : MB_OK;
}

static mb_status open_index(mb_tensor_bundle *bundle, const void *index, size_t length) {
    MB_TRY(mb_sorted_table_parse(
        &bundle->table, bundle->ctx, bundle->file, &bundle->crc, index, length));
    return read_header(bundle);
}

static mb_status end(mb_tensor_bundle **out, mb_status status) {
    if (status != MB_OK) {
        mb_tensor_bundle_close(*out);
        *out = NULL;
    }
    return status;
}

static mb_status open_files(mb_tensor_bundle *bundle) {
    mb_buffer path;
    mb_buffer_init(&path, bundle->ctx);
    mb_buffer_format(&path, "%s.index", bundle->prefix);
    mb_status status = path.status;
    size_t length = 0;
    if (status == MB_OK) {
        bundle->file = mb_copy_text(bundle->ctx, path.data);
        status = bundle->file == NULL
                     ? MB_ERR_MEMORY
                     : mb_read_file(bundle->ctx, path.data, &bundle->index, &length);
    }
    mb_buffer_clear(&path);
    return status == MB_OK ? open_index(bundle, bundle->index, length) : status;
}

mb_status mb_tensor_bundle_open(mb_context *ctx, const char *prefix, mb_tensor_bundle **out) {
    mb_status status = make(ctx, prefix, out);
    if (status == MB_OK) {
        status = open_files(*out);
    }
    return end(out, status);
}

mb_status mb_tensor_bundle_open_bytes(mb_context *ctx, const char *name, const void *index,
    size_t index_length, const void *shard, size_t shard_length, mb_tensor_bundle **out) {
    mb_status status = make(ctx, name, out);
    if (status == MB_OK) {
        (*out)->file = mb_copy_text(ctx, name);
        (*out)->shard = shard != NULL ? shard : "";
        (*out)->shard_length = shard_length;
        status = (*out)->file == NULL ? MB_ERR_MEMORY : open_index(*out, index, index_length);
    }
    return end(out, status);
}

void mb_tensor_bundle_close(mb_tensor_bundle *bundle) {
    if (bundle == NULL) {
        return;
    }
    mb_sorted_table_clear(&bundle->table, bundle->ctx);
    mb_release(bundle->ctx, bundle->index);
    mb_release(bundle->ctx, bundle->file);
    mb_release(bundle->ctx, bundle->prefix);
    mb_release(bundle->ctx, bundle);
}

static mb_status fail_shard(const mb_tensor_bundle *bundle, const char *key, const char *shard) {
    return mb_fail(bundle->ctx, MB_ERR_FORMAT,
        "%s: ends before tensor %.200s does; copy or save the model again", shard, key);
}

static char *shard_path(const mb_tensor_bundle *bundle, const Mb__TensorEntry *entry) {
    mb_buffer path;
    mb_buffer_init(&path, bundle->ctx);
    mb_buffer_format(&path, "%s.data-%05" PRId32 "-of-%05" PRId32, bundle->prefix, entry->shard_id,
        bundle->n_shards);
    if (path.status != MB_OK) {
        mb_buffer_clear(&path);
        return NULL;
    }
    return path.data;
}

// Before any memory is taken for it: a tensor must lie within its shard.
static mb_status check_place(
    const mb_tensor_bundle *bundle, const char *key, const Mb__TensorEntry *entry) {
    uint64_t length = bundle->shard_length;
    char *path = NULL;
    mb_status status = MB_OK;
    if (bundle->shard == NULL) {
        struct stat info;
        path = shard_path(bundle, entry);
        if (path == NULL) {
            return MB_ERR_MEMORY;
        }
        if (stat(path, &info) != 0) {
            status = mb_fail(bundle->ctx, MB_ERR_IO,
                "%s: is missing; tensor %.200s is in it, copy all files of the model", path, key);
        } else {
            length = (uint64_t)info.st_size;
        }
    }
    if (status == MB_OK && ((uint64_t)entry->offset > length ||
                               (uint64_t)entry->size > length - (uint64_t)entry->offset)) {
        status = fail_shard(bundle, key, path == NULL ? bundle->file : path);
    }
    mb_release(bundle->ctx, path);
    return status;
}

// The bytes of a tensor, entry->size of them.
static mb_status read_bytes(
    mb_tensor_bundle *bundle, const char *key, const Mb__TensorEntry *entry, void *bytes) {
    const size_t size = (size_t)entry->size;
    if (bundle->shard != NULL) {
        memcpy(bytes, bundle->shard + entry->offset, size);
        return MB_OK;
    }
    char *path = shard_path(bundle, entry);
    if (path == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_status status = MB_OK;
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        status =
            mb_fail(bundle->ctx, MB_ERR_IO, "%s: cannot be opened; check its permissions", path);
    } else {
        if (fseeko(file, (off_t)entry->offset, SEEK_SET) != 0 ||
            fread(bytes, 1, size, file) != size) {
            status = fail_shard(bundle, key, path);
        }
        fclose(file);
    }
    mb_release(bundle->ctx, path);
    return status;
}

static mb_status check_entry(
    const mb_tensor_bundle *bundle, const char *key, const Mb__TensorEntry *entry) {
    if (entry->n_slices > 0) {
        return fail_tensor(bundle, MB_ERR_UNSUPPORTED, key,
            "is stored in slices; load the model in TensorFlow and save it as .h5");
    }
    if (entry->shard_id < 0 || entry->shard_id >= bundle->n_shards || entry->offset < 0 ||
        entry->size < 0) {
        return fail_tensor(bundle, MB_ERR_FORMAT, key,
            "its place in the shards is damaged; copy or save the model again");
    }
    if ((uint64_t)entry->size > mb_context_limits(bundle->ctx)->bytes) {
        return fail_tensor(bundle, MB_ERR_LIMIT, key,
            "is larger than the limit; raise the limit if the file is trusted");
    }
    return check_place(bundle, key, entry);
}

static mb_status open_entry(
    mb_tensor_bundle *bundle, const char *key, mb_protobuf *protobuf, const Mb__TensorEntry **out) {
    *protobuf = (mb_protobuf){.ctx = bundle->ctx};
    const mb_table_entry *entry = mb_sorted_table_find(&bundle->table, key);
    if (entry == NULL) {
        return fail_tensor(bundle, MB_ERR_FORMAT, key, "is not there; save the model again");
    }
    MB_TRY(mb_protobuf_unpack(protobuf, bundle->ctx, bundle->file, "a table of tensors",
        &mb__tensor_entry__descriptor, entry->value, entry->value_length));
    *out = (const Mb__TensorEntry *)protobuf->message;
    return check_entry(bundle, key, *out);
}

static mb_status read_shape(const mb_tensor_bundle *bundle, const char *key,
    const Mb__TensorEntry *entry, unsigned *rank, size_t *shape) {
    const Mb__TensorShape *of_file = entry->shape;
    *rank = 0;
    if (of_file == NULL) {
        return MB_OK;
    }
    if (of_file->unknown_rank || of_file->n_dim > MB_MAX_RANK) {
        return fail_tensor(bundle, MB_ERR_UNSUPPORTED, key,
            "has no rank of at most 8; load the model in TensorFlow and save it as .h5");
    }
    for (size_t i = 0; i < of_file->n_dim; i++) {
        const int64_t size = of_file->dim[i]->size;
        if (size < 0 || (uint64_t)size > PTRDIFF_MAX) {
            return fail_tensor(
                bundle, MB_ERR_FORMAT, key, "its shape is damaged; copy or save the model again");
        }
        shape[(*rank)++] = (size_t)size;
    }
    return MB_OK;
}

static mb_status read_numbers(
    mb_tensor_bundle *bundle, const char *key, const Mb__TensorEntry *entry, mb_array *out) {
    const tensor_type *type = find_type(entry->dtype);
    if (type == NULL || type->raw.size == 0) {
        return mb_fail(bundle->ctx, MB_ERR_UNSUPPORTED,
            "%s: tensor %.200s: holds %s, not numbers that are read here; load the model in "
            "TensorFlow and save it as .h5",
            bundle->file, key, type == NULL ? "an unknown type" : type->name);
    }
    unsigned rank = 0;
    size_t shape[MB_MAX_RANK] = {0};
    size_t count = 0;
    MB_TRY(read_shape(bundle, key, entry, &rank, shape));
    if (!mb_raw_count(&type->raw, rank, shape, &count) ||
        (uint64_t)count * type->raw.size != (uint64_t)entry->size) {
        return fail_tensor(bundle, MB_ERR_FORMAT, key,
            "its shape does not fit its size in the shard; copy or save the model again");
    }
    MB_TRY(mb_array_init(out, bundle->ctx, type->raw.dtype, rank, shape));
    unsigned char *bytes = mb_raw_place(&type->raw, out->data, count);
    MB_TRY(read_bytes(bundle, key, entry, bytes));
    const uint32_t check = mb_crc32c_extend(&bundle->crc, 0, bytes, (size_t)entry->size);
    if (mb_crc32c_mask(check) != entry->crc32c) {
        return fail_tensor(bundle, MB_ERR_FORMAT, key,
            "is damaged: its checksum does not match; copy or save the model again");
    }
    mb_raw_finish(&type->raw, out->data, count);
    return MB_OK;
}

mb_status mb_tensor_bundle_read(mb_tensor_bundle *bundle, const char *key, mb_array *out) {
    *out = (mb_array){.data = NULL};
    mb_protobuf protobuf;
    const Mb__TensorEntry *entry = NULL;
    mb_status status = open_entry(bundle, key, &protobuf, &entry);
    if (status == MB_OK) {
        status = read_numbers(bundle, key, entry, out);
    }
    if (status != MB_OK) {
        mb_array_clear(out);
    }
    mb_protobuf_clear(&protobuf);
    return status;
}

// A text is stored as its length, a check of the length, and its bytes; the tensor's check covers
// the length as a number of four (or, when it is too long, eight) bytes and the rest as it stands.
static bool take_text(
    const mb_tensor_bundle *bundle, const Mb__TensorEntry *entry, char *bytes, size_t *length) {
    const unsigned char *at = (const unsigned char *)bytes;
    const unsigned char *const end = at + entry->size;
    uint64_t size = 0;
    if (!mb_read_varint(&at, end, &size) || end - at < 4 || size != (uint64_t)(end - at - 4)) {
        return false;
    }
    const size_t width = size <= UINT32_MAX ? 4 : 8;
    uint32_t check = mb_crc32c_extend(&bundle->crc, 0, &size, width);
    const uint32_t masked = mb_crc32c_mask(check);
    if (memcmp(at, &masked, sizeof masked) != 0) {
        return false;
    }
    check = mb_crc32c_extend(&bundle->crc, check, at, 4 + (size_t)size);
    memmove(bytes, at + 4, (size_t)size);
    bytes[size] = '\0';
    *length = (size_t)size;
    return mb_crc32c_mask(check) == entry->crc32c;
}

mb_status mb_tensor_bundle_read_text(
    mb_tensor_bundle *bundle, const char *key, char **out, size_t *length) {
    mb_protobuf protobuf;
    const Mb__TensorEntry *entry = NULL;
    char *bytes = NULL;
    *out = NULL;
    *length = 0;
    mb_status status = open_entry(bundle, key, &protobuf, &entry);
    if (status == MB_OK &&
        (entry->dtype != TYPE_TEXT || (entry->shape != NULL && entry->shape->n_dim > 0))) {
        status = fail_tensor(bundle, MB_ERR_FORMAT, key, "is not one text; save the model again");
    }
    if (status == MB_OK) {
        bytes = mb_allocate(bundle->ctx, (size_t)entry->size + 1, 1);
        status = bytes == NULL ? MB_ERR_MEMORY : read_bytes(bundle, key, entry, bytes);
    }
    if (status == MB_OK && !take_text(bundle, entry, bytes, length)) {
        status = fail_tensor(bundle, MB_ERR_FORMAT, key,
            "is damaged: its checksum does not match; copy or save the model again");
    }
    if (status == MB_OK) {
        *out = bytes;
        bytes = NULL;
    }
    mb_release(bundle->ctx, bytes);
    mb_protobuf_clear(&protobuf);
    return status;
}
