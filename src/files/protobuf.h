// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef FILES_PROTOBUF_H
#define FILES_PROTOBUF_H

#include "base/base.h"

#include <protobuf-c/protobuf-c.h>

// A message of protocol buffers, unpacked with our memory within the limits.
typedef struct mb_protobuf {
    mb_context *ctx;
    uint64_t left; // bytes that may still be taken
    bool is_over;
    ProtobufCMessage *message;
} mb_protobuf;

// Unpacks length bytes; the caller casts out->message and clears *out, also after a failure. name
// stands in messages, what says what the bytes should be ("a table of tensors"). Fails with FORMAT,
// LIMIT, MEMORY.
mb_status mb_protobuf_unpack(mb_protobuf *out, mb_context *ctx, const char *name, const char *what,
    const ProtobufCMessageDescriptor *type, const void *bytes, size_t length) MB_MUST_CHECK;
void mb_protobuf_clear(mb_protobuf *protobuf);

#endif
