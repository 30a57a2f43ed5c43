// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "fuzz.h"

#include "network/quantizer.h"

#include <stdlib.h>

// A quantiser that was read must survive being written and read again, and be a function.
static void check_quantizer(
    mb_context *ctx, mb_document *document, const mb_quantizer *quantizer, mb_quantizer_use use) {
    const float x[6] = {0, -0.5F, 0.25F, 1e-30F, 3e38F, -1000.3F};
    const size_t dim[2] = {3, 2};
    const mb_quantizer_shape shape = mb_quantizer_shape_of(2, dim);
    float first[6];
    float second[6];
    mb_quantizer again;
    mb_buffer text;
    mb_buffer_init(&text, ctx);
    if (mb_quantizer_text(ctx, quantizer, &text) != MB_OK) {
        abort();
    }
    const mb_node *node = mb_node_make_text(document, ctx, text.data);
    if (mb_quantizer_read(ctx, document, node, use, "again", &again) != MB_OK ||
        again.ops != quantizer->ops) {
        abort();
    }
    mb_quantizer_apply(quantizer, &shape, x, first);
    mb_quantizer_apply(&again, &shape, x, second);
    if (memcmp(first, second, sizeof first) != 0) {
        abort();
    }
    mb_buffer_clear(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    mb_runtime *runtime = NULL;
    mb_context *ctx = NULL;
    char *text = malloc(size + 1);
    if (text != NULL && mb_runtime_create(NULL, &runtime) == MB_OK &&
        mb_context_create(runtime, &ctx) == MB_OK) {
        memcpy(text, data, size);
        text[size] = '\0';
        for (int use = MB_QUANTIZER_KERNEL; use <= MB_QUANTIZER_ACTIVATION; use++) {
            mb_document document;
            mb_quantizer quantizer;
            mb_document_init(&document, ctx, "fuzz");
            const mb_node *node = mb_node_make_text(&document, ctx, text);
            if (mb_quantizer_read(
                    ctx, &document, node, (mb_quantizer_use)use, "text", &quantizer) != MB_OK) {
                if (mb_context_error_text(ctx)[0] == '\0' || quantizer.ops != NULL) {
                    abort();
                }
            } else if (quantizer.ops != NULL) {
                check_quantizer(ctx, &document, &quantizer, (mb_quantizer_use)use);
            }
            mb_document_clear(&document);
        }
    }
    free(text);
    mb_context_destroy(ctx);
    mb_runtime_destroy(runtime);
    return 0;
}
