// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/arena.h"
#include "base/numbers.h"
#include "base/runtime.h"

static void *allocate_bytes(mb_context *ctx, size_t bytes) {
    mb_runtime *runtime = ctx->runtime;
    atomic_fetch_add(&runtime->n_allocations, 1);
    void *memory = runtime->allocator.allocate(runtime->allocator.user, mb_max_size(bytes, 1));
    if (memory == NULL) {
        mb_fail(ctx, MB_ERR_MEMORY,
            "memory: %zu bytes could not be had; free some or use fewer events at a time", bytes);
    }
    return memory;
}

void *mb_allocate(mb_context *ctx, size_t count, size_t size) {
    if (size != 0 && count > (SIZE_MAX - 64) / size) {
        mb_fail(ctx, MB_ERR_MEMORY,
            "memory: %zu items of %zu bytes are more than can be addressed; ask for less", count,
            size);
        return NULL;
    }
    return allocate_bytes(ctx, count * size);
}

void *mb_allocate_zeroed(mb_context *ctx, size_t count, size_t size) {
    void *memory = mb_allocate(ctx, count, size);
    if (memory != NULL) {
        memset(memory, 0, count * size);
    }
    return memory;
}

void mb_runtime_release(mb_runtime *runtime, void *memory) {
    if (memory != NULL) {
        runtime->allocator.release(runtime->allocator.user, memory);
    }
}

void mb_release(mb_context *ctx, void *memory) {
    mb_runtime_release(ctx->runtime, memory);
}

mb_status mb_grow(mb_context *ctx, void *memory, size_t *capacity, size_t count, size_t size) {
    if (count <= *capacity) {
        return MB_OK;
    }
    const size_t wanted =
        mb_max_size(count, mb_max_size(*capacity > SIZE_MAX / 4 ? count : *capacity * 2, 16));
    void *old;
    memcpy(&old, memory, sizeof old);
    void *bigger = mb_allocate(ctx, wanted, size);
    if (bigger == NULL) {
        return MB_ERR_MEMORY;
    }
    if (old != NULL) {
        memcpy(bigger, old, *capacity * size);
        mb_release(ctx, old);
    }
    memcpy(memory, &bigger, sizeof bigger);
    *capacity = wanted;
    return MB_OK;
}

char *mb_copy_text(mb_context *ctx, const char *text) {
    const size_t length = strlen(text);
    char *copy = mb_allocate(ctx, length + 1, 1);
    if (copy != NULL) {
        memcpy(copy, text, length + 1);
    }
    return copy;
}

struct mb_arena_block {
    mb_arena_block *older;
    size_t padding; // keeps what follows aligned to 16 bytes
};

enum { ARENA_BLOCK = 16384, ARENA_ALIGNMENT = 16 };

void mb_arena_init(mb_arena *arena, mb_context *ctx) {
    memset(arena, 0, sizeof *arena);
    arena->runtime = ctx->runtime;
}

void *mb_arena_allocate(mb_arena *arena, mb_context *ctx, size_t count, size_t size) {
    if (size != 0 && count > (SIZE_MAX / 2) / size) {
        mb_fail(ctx, MB_ERR_MEMORY,
            "memory: %zu items of %zu bytes are more than can be addressed; ask for less", count,
            size);
        return NULL;
    }
    const size_t bytes = mb_round_up(mb_max_size(count * size, 1), ARENA_ALIGNMENT);
    if (arena->blocks == NULL || arena->capacity - arena->used < bytes) {
        const size_t capacity = mb_max_size(bytes, ARENA_BLOCK);
        mb_arena_block *block = mb_allocate(ctx, sizeof *block + capacity, 1);
        if (block == NULL) {
            return NULL;
        }
        arena->runtime = ctx->runtime;
        block->older = arena->blocks;
        arena->blocks = block;
        arena->capacity = capacity;
        arena->used = 0;
    }
    char *memory = (char *)(arena->blocks + 1) + arena->used;
    arena->used += bytes;
    arena->total += bytes;
    memset(memory, 0, bytes);
    return memory;
}

char *mb_arena_text_of(mb_arena *arena, mb_context *ctx, const char *bytes, size_t length) {
    char *copy = mb_arena_allocate(arena, ctx, length + 1, 1);
    if (copy != NULL && length > 0) {
        memcpy(copy, bytes, length);
    }
    return copy;
}

char *mb_arena_text(mb_arena *arena, mb_context *ctx, const char *text) {
    return mb_arena_text_of(arena, ctx, text, strlen(text));
}

char *mb_arena_format_list(mb_arena *arena, mb_context *ctx, const char *format, va_list list) {
    va_list again;
    va_copy(again, list);
    const int length = mb_format_list(NULL, 0, format, list);
    char *text = length < 0 ? NULL : mb_arena_allocate(arena, ctx, (size_t)length + 1, 1);
    if (text != NULL) {
        mb_format_list(text, (size_t)length + 1, format, again);
    }
    va_end(again);
    return text;
}

char *mb_arena_format(mb_arena *arena, mb_context *ctx, const char *format, ...) {
    va_list list;
    va_start(list, format);
    char *text = mb_arena_format_list(arena, ctx, format, list);
    va_end(list);
    return text;
}

void mb_arena_clear(mb_arena *arena) {
    mb_arena_block *block = arena->blocks;
    while (block != NULL) {
        mb_arena_block *older = block->older;
        mb_runtime_release(arena->runtime, block);
        block = older;
    }
    arena->blocks = NULL;
    arena->used = arena->capacity = 0;
    arena->total = 0;
}
