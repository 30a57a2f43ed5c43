// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "fuzz.h"

#include "files/npy.h"

#include <stdlib.h>

// An array that was read must be the same after it is written and read again.
static void check_round_trip(mb_context *ctx, const mb_array *array) {
    mb_buffer buffer;
    mb_array back;
    mb_buffer_init(&buffer, ctx);
    mb_npy_append(&buffer, array);
    if (mb_npy_parse(ctx, "back", buffer.data, buffer.length, &back) != MB_OK ||
        back.rank != array->rank || mb_array_bytes(&back) != mb_array_bytes(array) ||
        memcmp(back.data, array->data, mb_array_bytes(array)) != 0) {
        abort();
    }
    mb_array_clear(&back);
    mb_buffer_clear(&buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    mb_runtime *runtime = NULL;
    mb_context *ctx = NULL;
    if (mb_runtime_create(NULL, &runtime) == MB_OK && mb_context_create(runtime, &ctx) == MB_OK) {
        mb_array array;
        if (mb_npy_parse(ctx, "fuzz", data, size, &array) == MB_OK) {
            check_round_trip(ctx, &array);
        } else if (mb_context_error_text(ctx)[0] == '\0' || array.data != NULL) {
            abort();
        }
        mb_array_clear(&array);
    }
    mb_context_destroy(ctx);
    mb_runtime_destroy(runtime);
    return 0;
}
