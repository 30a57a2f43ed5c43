// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/base.h"

// Many small things with one lifetime. Zero-initialise with a context, allocate, clear all at once.
typedef struct mb_arena_block mb_arena_block;
typedef struct mb_arena {
    mb_runtime *runtime;
    mb_arena_block *blocks; // newest first
    size_t used, capacity;  // of the newest block
    uint64_t total;         // bytes handed out
} mb_arena;

void mb_arena_init(mb_arena *arena, mb_context *ctx);
// Zeroed memory aligned to 16 bytes, NULL on failure (recorded in ctx).
void *mb_arena_allocate(mb_arena *arena, mb_context *ctx, size_t count, size_t size);
char *mb_arena_text(mb_arena *arena, mb_context *ctx, const char *text);
char *mb_arena_text_of(mb_arena *arena, mb_context *ctx, const char *bytes, size_t length);
char *mb_arena_format(mb_arena *arena, mb_context *ctx, const char *format, ...) MB_PRINTF(3, 4);
char *mb_arena_format_list(mb_arena *arena, mb_context *ctx, const char *format, va_list list);
void mb_arena_clear(mb_arena *arena);

#endif
