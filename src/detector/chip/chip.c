// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/chip/bits.h"

void mb_chip_settings_init(mb_chip_settings *settings, unsigned n_links) {
    *settings = (mb_chip_settings){.n_links = n_links,
        .drop = 1,
        .calibration = MB_CHIP_CALIBRATION_ONE,
        .threshold = 47,
        .header_bits = 5};
    const uint32_t keep = mb_output_cut(MB_OUTPUT_MOST, mb_output_bits(n_links));
    for (size_t i = 0; i < MB_CHIP_OUTPUTS; i++) {
        settings->keep[i] = (uint16_t)keep;
    }
}

unsigned mb_chip_header(unsigned bucket, unsigned bits) {
    const unsigned full = bucket == 0 ? 31 : bucket % 16;
    return bits == 5 ? full : bits == 4 ? (full >> 4) << 3 | (full & 7U) : 0;
}

unsigned mb_chip_best_cells(unsigned n_links) {
    static const uint8_t cells[MB_CHIP_MOST_LINKS + 1] = {
        0, 1, 4, 6, 9, 14, 18, 23, 28, 32, 37, 41, 46, 48};
    return cells[n_links];
}

// Batcher's merge exchange (Knuth, Algorithm 5.2.2M), largest first.
void mb_chip_sort(const uint32_t *values, uint8_t *order) {
    uint32_t v[MB_CHIP_CELLS];
    for (unsigned i = 0; i < MB_CHIP_CELLS; i++) {
        v[i] = values[i];
        order[i] = (uint8_t)i;
    }
    for (unsigned p = 32; p > 0; p /= 2) {
        unsigned r = 0;
        unsigned d = p;
        for (unsigned q = 32;; q /= 2) {
            for (unsigned i = 0; i + d < MB_CHIP_CELLS; i++) {
                if ((i & p) == r && v[i] < v[i + d]) {
                    const uint32_t value = v[i];
                    const uint8_t cell = order[i];
                    v[i] = v[i + d];
                    order[i] = order[i + d];
                    v[i + d] = value;
                    order[i + d] = cell;
                }
            }
            if (q == p) {
                break;
            }
            d = q - p;
            r = p;
        }
    }
}

void mb_chip_ports_unpack(const uint32_t *words, uint8_t *codes) {
    for (unsigned i = 0; i < MB_CHIP_CELLS; i++) {
        codes[i] = words[i / MB_CHIP_PORT_CELLS] >> (7 * (i % MB_CHIP_PORT_CELLS)) & 0x7fU;
    }
}

void mb_chip_ports_pack(const uint8_t *codes, uint32_t *words) {
    for (unsigned p = 0; p < MB_CHIP_PORTS; p++) {
        words[p] = 0;
        for (unsigned j = 0; j < MB_CHIP_PORT_CELLS; j++) {
            words[p] |= (uint32_t)codes[MB_CHIP_PORT_CELLS * p + j] << (7 * j);
        }
    }
}

void mb_chip_calibrate(const mb_chip_settings *settings, const uint8_t *codes, uint32_t *charges) {
    const mb_float_format format = mb_float_4e3m(settings->drop);
    for (unsigned i = 0; i < MB_CHIP_CELLS; i++) {
        const uint64_t value = mb_float_decode(format, codes[i]);
        charges[i] = (uint32_t)(value * settings->calibration / MB_CHIP_CALIBRATION_ONE);
    }
}

void mb_chip_frame_cut(const mb_chip_frame *frame, mb_chip_frame *out) {
    out->n_words = 2;
    out->word[0] = (uint16_t)((frame->word[0] & 0xf8ffU) | MB_CHIP_TRUNCATED << 8);
    out->word[1] = 0;
}

uint16_t mb_chip_idle_word(unsigned bucket) {
    return (uint16_t)(mb_chip_header(bucket, 5) << 11 | MB_CHIP_SYNC_WORD);
}

void mb_chip_frame_sync(unsigned n_links, unsigned bucket, mb_chip_frame *out) {
    out->n_words = 2 * n_links;
    for (unsigned i = 0; i < out->n_words; i++) {
        out->word[i] = mb_chip_idle_word(bucket);
    }
}

void mb_chip_buffer_init(mb_chip_buffer *buffer, unsigned n_links) {
    const int t1 = 24 * (int)n_links;
    // A threshold below nothing would cut every frame of a single link.
    *buffer = (mb_chip_buffer){.t1 = t1, .t2 = t1 > 25 ? t1 - 25 : 0, .t3 = 25, .n_links = n_links};
}

static void append(mb_chip_buffer *buffer, const mb_chip_frame *frame) {
    memcpy(buffer->word + buffer->n, frame->word, frame->n_words * sizeof *frame->word);
    buffer->n += frame->n_words;
}

// Room is never short: beyond t1, which is 24 words a link, only cut frames enter, and each
// crossing takes out as many words as these have or more.
static unsigned enter(mb_chip_buffer *buffer, const mb_chip_frame *frame) {
    const int before = (int)buffer->n;
    const int words = (int)frame->n_words;
    const bool is_over = before + words > buffer->t1;
    const bool is_late = before > buffer->t2;
    if (is_over || (is_late && words <= buffer->t3)) {
        mb_chip_frame cut;
        mb_chip_frame_cut(frame, &cut);
        append(buffer, &cut);
        return is_over ? 1 : 2;
    }
    append(buffer, frame);
    return is_late ? 3 : 4;
}

unsigned mb_chip_buffer_step(
    mb_chip_buffer *buffer, const mb_chip_frame *frame, unsigned bucket, uint32_t *links) {
    const unsigned condition = frame != NULL ? enter(buffer, frame) : 4;
    const unsigned n_out = 2 * buffer->n_links;
    uint16_t out[MB_CHIP_MOST_WORDS];
    for (unsigned i = 0; i < n_out; i++) {
        out[i] = i < buffer->n ? buffer->word[i] : mb_chip_idle_word(bucket);
    }
    for (unsigned i = 0; i < buffer->n_links; i++) {
        links[i] = (uint32_t)out[2 * i] << 16 | out[2 * i + 1];
    }
    buffer->n = buffer->n > n_out ? buffer->n - n_out : 0;
    memmove(buffer->word, buffer->word + n_out, buffer->n * sizeof *buffer->word);
    return condition;
}
