// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef KERNELS_TEXT_H
#define KERNELS_TEXT_H

#include "base/base.h"

// 64 bytes of text as bit masks, bit i for byte i: which of them are of each kind. A byte of no
// kind is in none.
typedef struct mb_text_masks {
    uint64_t digit, comma, blank, open, close, point, minus, feed; // 0-9 , space [ ] . - \n
} mb_text_masks;

// Masks of n times 64 bytes.
typedef void (*mb_text_masks_fn)(const char *text, size_t n, mb_text_masks *out);

// The fastest for a set of instruction sets (MB_CPU_ bits).
mb_text_masks_fn mb_text_masks_for(uint32_t cpu);

void mb_text_masks_c(const char *text, size_t n, mb_text_masks *out);
#if defined(MB_HAVE_X86)
void mb_text_masks_sse2(const char *text, size_t n, mb_text_masks *out);
void mb_text_masks_avx2(const char *text, size_t n, mb_text_masks *out);
#endif

#endif
