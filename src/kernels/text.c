// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "kernels/text.h"

static mb_text_masks masks_of(const char text[64]) {
    mb_text_masks m = {0};
    for (unsigned i = 0; i < 64; i++) {
        const char c = text[i];
        m.digit |= (uint64_t)(c >= '0' && c <= '9') << i;
        m.comma |= (uint64_t)(c == ',') << i;
        m.blank |= (uint64_t)(c == ' ') << i;
        m.open |= (uint64_t)(c == '[') << i;
        m.close |= (uint64_t)(c == ']') << i;
        m.point |= (uint64_t)(c == '.') << i;
        m.minus |= (uint64_t)(c == '-') << i;
        m.feed |= (uint64_t)(c == '\n') << i;
    }
    return m;
}

void mb_text_masks_c(const char *text, size_t n, mb_text_masks *out) {
    for (size_t i = 0; i < n; i++) {
        out[i] = masks_of(text + 64 * i);
    }
}

mb_text_masks_fn mb_text_masks_for(uint32_t cpu) {
#if defined(MB_HAVE_X86)
    // Every x86-64 processor has SSE2.
    return (cpu & MB_CPU_AVX2) != 0 ? mb_text_masks_avx2 : mb_text_masks_sse2;
#else
    (void)cpu;
    return mb_text_masks_c;
#endif
}
