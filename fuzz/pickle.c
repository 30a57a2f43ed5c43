// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "fuzz.h"

#include "files/pickle.h"

#include <stdlib.h>

// Touches every byte of a tree as a user of it would: memory tools see what does not belong to it.
static uint64_t sum_of(const mb_pickle_value *value);

static uint64_t sum_of_items(const mb_pickle_items *items) {
    uint64_t sum = items->n;
    size_t n_integers = items->integers != NULL ? items->n : 0;
    if (items->row_end != NULL) {
        n_integers = items->row_end[items->n - 1];
    }
    for (size_t i = 0; i < n_integers; i++) {
        sum += (uint64_t)items->integers[i];
    }
    for (size_t i = 0; i < items->n && items->integers == NULL; i++) {
        sum += sum_of(&items->items[i]);
    }
    return sum;
}

static uint64_t sum_of_bytes(const void *bytes, size_t length) {
    const unsigned char *at = bytes;
    uint64_t sum = 0;
    for (size_t i = 0; i < length; i++) {
        sum += at[i];
    }
    return sum;
}

static uint64_t sum_of(const mb_pickle_value *value) {
    switch (value->kind) {
    case MB_PICKLE_TEXT:
    case MB_PICKLE_BYTES:
        return sum_of_bytes(value->as.text->bytes, value->as.text->length + 1);
    case MB_PICKLE_LIST:
    case MB_PICKLE_TUPLE:
    case MB_PICKLE_SET:
    case MB_PICKLE_DICT:
        return sum_of_items(value->as.items);
    case MB_PICKLE_ARRAY:
        return sum_of_items(&value->as.array->items) +
               sum_of_bytes(
                   value->as.array->numbers.data, mb_array_bytes(&value->as.array->numbers));
    case MB_PICKLE_NONE:
    case MB_PICKLE_BOOL:
    case MB_PICKLE_INT:
    case MB_PICKLE_FLOAT:
        return 1;
    }
    abort();
}

typedef mb_status (*parse_fn)(
    mb_context *ctx, const char *name, const void *bytes, size_t length, mb_pickle *out);

static void read(mb_context *ctx, parse_fn parse, const uint8_t *data, size_t size) {
    mb_pickle pickle;
    if (parse(ctx, "fuzz", data, size, &pickle) == MB_OK) {
        volatile uint64_t sum = sum_of(&pickle.root);
        (void)sum;
    } else if (mb_context_error_text(ctx)[0] == '\0' || pickle.arena.blocks != NULL) {
        abort();
    }
    mb_pickle_clear(&pickle);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    mb_runtime *runtime = NULL;
    mb_context *ctx = NULL;
    // Small limits, so that a few shared lists of lists reach them.
    const mb_runtime_settings settings = {
        .limits = {.bytes = 1 << 24, .objects = 100000}, .n_threads = 1};
    if (mb_runtime_create(&settings, &runtime) == MB_OK &&
        mb_context_create(runtime, &ctx) == MB_OK) {
        read(ctx, mb_pickle_parse, data, size);
        mb_context_clear(ctx);
        read(ctx, mb_pickle_parse_packed, data, size);
    }
    mb_context_destroy(ctx);
    mb_runtime_destroy(runtime);
    return 0;
}
