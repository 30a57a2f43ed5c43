// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/calo/links.h"

#include "detector/calo/calo.h"
#include "detector/calo/link_lines.h"

mb_calo_field mb_calo_field_unpack(uint16_t bits) {
    return (mb_calo_field){.et = bits & 0x3ffU,
        .eg_veto = (uint8_t)(bits >> 10 & 1U),
        .tau_veto = (uint8_t)(bits >> 11 & 1U),
        .local_phi = (uint8_t)(bits >> 12 & 3U),
        .local_eta = (uint8_t)(bits >> 14 & 3U)};
}

uint16_t mb_calo_field_pack(mb_calo_field field) {
    return (uint16_t)((field.et & 0x3ffU) | (field.eg_veto & 1U) << 10 |
                      (field.tau_veto & 1U) << 11 | (field.local_phi & 3U) << 12 |
                      (field.local_eta & 3U) << 14);
}

void mb_calo_link_unpack(
    const uint32_t word[MB_CALO_LINK_WORDS], uint16_t bits[MB_CALO_LINK_REGIONS]) {
    const uint64_t low = word[0] | (uint64_t)word[1] << 32;
    const uint64_t high = word[2] | (uint64_t)word[3] << 32;
    for (unsigned r = 0; r < 3; r++) {
        bits[r] = (uint16_t)(low >> (8 + 16 * r));
        bits[r + 4] = (uint16_t)(high >> (8 + 16 * r));
    }
    bits[3] = (uint16_t)(low >> 56 | high << 8);
}

void mb_calo_link_pack(
    const uint16_t bits[MB_CALO_LINK_REGIONS], uint32_t word[MB_CALO_LINK_WORDS]) {
    uint64_t low = (uint64_t)bits[3] << 56;
    uint64_t high = (uint64_t)bits[3] >> 8;
    for (unsigned r = 0; r < 3; r++) {
        low |= (uint64_t)bits[r] << (8 + 16 * r);
        high |= (uint64_t)bits[r + 4] << (8 + 16 * r);
    }
    word[0] = (uint32_t)low;
    word[1] = (uint32_t)(low >> 32);
    word[2] = (uint32_t)high;
    word[3] = (uint32_t)(high >> 32);
}

static mb_status add_event(mb_calo_links *out, uint32_t (*rows)[MB_CALO_LINE_MOST_LINKS]) {
    MB_TRY(mb_grow(out->ctx, &out->bits, &out->capacity, (out->n_events + 1) * MB_CALO_N_REGIONS,
        sizeof *out->bits));
    uint16_t *bits = out->bits + out->n_events * MB_CALO_N_REGIONS;
    for (size_t link = 0; link < MB_CALO_N_LINKS; link++) {
        uint32_t word[MB_CALO_LINK_WORDS];
        for (size_t i = 0; i < MB_CALO_LINK_WORDS; i++) {
            word[i] = rows[i][link];
        }
        mb_calo_link_unpack(word, bits + link * MB_CALO_LINK_REGIONS);
        out->n_stray += (word[0] & 0xffU) != 0 || word[3] >> 24 != 0;
    }
    out->n_events++;
    return MB_OK;
}

static mb_status read_events(mb_calo_links *out, mb_calo_link_lines *lines) {
    uint32_t rows[MB_CALO_LINK_WORDS][MB_CALO_LINE_MOST_LINKS];
    MB_TRY(mb_calo_link_lines_begin(lines, MB_CALO_N_LINKS, MB_CALO_LINK_WORDS));
    for (;;) {
        size_t n = 0;
        MB_TRY(mb_calo_link_lines_next(lines, rows, &n));
        if (n == 0) {
            return MB_OK;
        }
        MB_TRY(add_event(out, rows));
    }
}

static mb_status finish(mb_calo_links *out, mb_calo_link_lines *lines, mb_status opened) {
    const mb_status status = opened == MB_OK ? read_events(out, lines) : opened;
    mb_lines_close(&lines->lines);
    return status;
}

mb_status mb_calo_links_read(mb_calo_links *out, mb_context *ctx, const char *path) {
    *out = (mb_calo_links){.ctx = ctx};
    mb_calo_link_lines lines = {.counter = 0};
    const mb_status status = mb_lines_open(&lines.lines, ctx, path);
    return finish(out, &lines, status);
}

mb_status mb_calo_links_parse(
    mb_calo_links *out, mb_context *ctx, const char *name, const char *text, size_t length) {
    *out = (mb_calo_links){.ctx = ctx};
    mb_calo_link_lines lines = {.counter = 0};
    const mb_status status = mb_lines_open_text(&lines.lines, ctx, name, text, length);
    return finish(out, &lines, status);
}

void mb_calo_links_clear(mb_calo_links *links) {
    if (links->ctx != NULL) {
        mb_release(links->ctx, links->bits);
    }
    *links = (mb_calo_links){.ctx = NULL};
}

void mb_calo_links_write(mb_buffer *text, const uint16_t *bits, size_t n_events) {
    for (size_t i = 0; i < 8 + 11 * MB_CALO_N_LINKS; i++) {
        mb_buffer_text(text, "=");
    }
    mb_buffer_text(text, "\nWordCnt ");
    for (int link = 0; link < MB_CALO_N_LINKS; link++) {
        mb_buffer_format(text, "   LINK_%02d ", link);
    }
    mb_buffer_text(text, "\n#BeginData\n");
    for (size_t i = 0; i < n_events; i++) {
        uint32_t word[MB_CALO_N_LINKS][MB_CALO_LINK_WORDS];
        for (size_t link = 0; link < MB_CALO_N_LINKS; link++) {
            mb_calo_link_pack(
                bits + i * MB_CALO_N_REGIONS + link * MB_CALO_LINK_REGIONS, word[link]);
        }
        for (size_t row = 0; row < MB_CALO_LINK_WORDS; row++) {
            mb_buffer_format(
                text, "0x%04llx  ", (unsigned long long)(i * MB_CALO_LINK_WORDS + row));
            for (size_t link = 0; link < MB_CALO_N_LINKS; link++) {
                mb_buffer_format(text, "  %08x", word[link][row]);
            }
            mb_buffer_text(text, "\n");
        }
    }
}
