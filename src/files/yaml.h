// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef FILES_YAML_H
#define FILES_YAML_H

#include "base/node.h"

// YAML 1.2 as studies use it: one document, scalars by the core schema, anchors, aliases and merge
// keys (<<). Refused: tags, repeated keys, .inf and .nan, numbers that do not fit, zero bytes.
// Failures are FORMAT or LIMIT with "NAME:LINE:COLUMN: what; what to do".

// Reads a file. The caller clears *out; on failure it is empty and safe to clear.
mb_status mb_yaml_read(mb_context *ctx, const char *path, mb_document *out) MB_MUST_CHECK;
// The same from memory; name is what errors quote. An empty text gives a NULL node.
mb_status mb_yaml_parse(mb_context *ctx, const char *name, const char *text, size_t length,
    mb_document *out) MB_MUST_CHECK;
// Reads one more tree into a document, without making it its root. name may differ from the
// document's.
mb_status mb_yaml_parse_node(mb_context *ctx, mb_document *document, const char *name,
    const char *text, size_t length, mb_node **out) MB_MUST_CHECK;
// Sets what a dotted path names to a value, read as YAML: ("train.epochs", "3"). A step is a map's
// key; in a list it is the `name:` of a member, a member's only key, or an index. A map with
// `layers:` is looked through: "model.conv0.filters" reaches the options of the layer named conv0.
// Missing keys are made, with maps on the way to them: who reads the tree knows which there may be.
// A missing layer or member of a list fails with the nearest name.
mb_status mb_yaml_set(
    mb_context *ctx, mb_document *document, const char *path, const char *value) MB_MUST_CHECK;

#endif
