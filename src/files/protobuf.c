// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/protobuf.h"

// Every field of a message costs a piece of memory, however short.
enum { LEAST_COST = 64 };

static void *allocate(void *user, size_t size) {
    mb_protobuf *protobuf = user;
    const size_t cost = mb_max_size(size, LEAST_COST);
    if (cost > protobuf->left) {
        protobuf->is_over = true;
        return NULL;
    }
    protobuf->left -= cost;
    return mb_allocate(protobuf->ctx, size, 1);
}

static void release(void *user, void *memory) {
    const mb_protobuf *protobuf = user;
    mb_release(protobuf->ctx, memory);
}

mb_status mb_protobuf_unpack(mb_protobuf *out, mb_context *ctx, const char *name, const char *what,
    const ProtobufCMessageDescriptor *type, const void *bytes, size_t length) {
    const uint64_t most = mb_context_limits(ctx)->bytes;
    *out = (mb_protobuf){.ctx = ctx, .left = most};
    ProtobufCAllocator allocator = {allocate, release, out};
    out->message = protobuf_c_message_unpack(type, &allocator, length, bytes);
    if (out->message != NULL) {
        return MB_OK;
    }
    if (out->is_over) {
        return mb_fail(ctx, MB_ERR_LIMIT,
            "%s: needs more than the %llu bytes allowed; raise the limit if the file is trusted",
            name, (unsigned long long)most);
    }
    if (mb_context_status(ctx) == MB_ERR_MEMORY) {
        return MB_ERR_MEMORY;
    }
    return mb_fail(ctx, MB_ERR_FORMAT,
        "%s: is damaged or cut off, not %s; copy or save the model again", name, what);
}

void mb_protobuf_clear(mb_protobuf *protobuf) {
    if (protobuf->message != NULL) {
        ProtobufCAllocator allocator = {allocate, release, protobuf};
        protobuf_c_message_free_unpacked(protobuf->message, &allocator);
    }
    *protobuf = (mb_protobuf){.ctx = NULL};
}
