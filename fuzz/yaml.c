// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "fuzz.h"

#include "files/yaml.h"

#include <stdlib.h>

// A tree that was read must survive being written and read again.
static void check_round_trip(mb_context *ctx, const mb_node *root) {
    mb_buffer first, second, text;
    mb_document again;
    mb_buffer_init(&first, ctx);
    mb_buffer_init(&second, ctx);
    mb_buffer_init(&text, ctx);
    mb_node_write_json(&first, root, -1);
    mb_node_write_yaml(&text, root);
    if (mb_yaml_parse(ctx, "again", text.data, text.length, &again) != MB_OK) {
        abort();
    }
    mb_node_write_json(&second, again.root, -1);
    if (first.length != second.length || memcmp(first.data, second.data, first.length) != 0) {
        abort();
    }
    mb_document_clear(&again);
    mb_buffer_clear(&first);
    mb_buffer_clear(&second);
    mb_buffer_clear(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    mb_runtime *runtime = NULL;
    mb_context *ctx = NULL;
    if (mb_runtime_create(NULL, &runtime) == MB_OK && mb_context_create(runtime, &ctx) == MB_OK) {
        mb_document document;
        const mb_status status = mb_yaml_parse(ctx, "fuzz", (const char *)data, size, &document);
        if (status == MB_OK) {
            check_round_trip(ctx, document.root);
            if (mb_yaml_set(ctx, &document, "model.conv0.filters", "[1, {a: 2}]") != MB_OK) {
                mb_context_clear(ctx);
            }
        } else if (mb_context_error_text(ctx)[0] == '\0' || document.root != NULL) {
            abort();
        }
        mb_document_clear(&document);
    }
    mb_context_destroy(ctx);
    mb_runtime_destroy(runtime);
    return 0;
}
