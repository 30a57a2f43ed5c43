// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef FILES_JSON_H
#define FILES_JSON_H

#include "base/node.h"

// JSON (RFC 8259), one value. Integers are exact within 64 bits; repeated keys, larger integers,
// reals beyond double and \u0000 are refused. Nodes have no lines; failures of syntax are
// "NAME:LINE:COLUMN: what; what to do", FORMAT or LIMIT.

// Reads a file. The caller clears *out; on failure it is empty and safe to clear.
mb_status mb_json_read(mb_context *ctx, const char *path, mb_document *out) MB_MUST_CHECK;
// The same from memory; name is what errors quote.
mb_status mb_json_parse(mb_context *ctx, const char *name, const char *text, size_t length,
    mb_document *out) MB_MUST_CHECK;

#endif
