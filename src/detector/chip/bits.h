// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_CHIP_BITS_H
#define DETECTOR_CHIP_BITS_H

#include "detector/chip/chip.h"

// Fields of a frame, one behind the other, the first bit uppermost. A field has up to 16 bits.

typedef struct mb_chip_writer {
    mb_chip_frame *frame;
    uint32_t held; // bits not yet in a word
    unsigned n_held;
} mb_chip_writer;

static inline void mb_chip_put(mb_chip_writer *writer, uint32_t value, unsigned bits) {
    writer->held = writer->held << bits | value;
    writer->n_held += bits;
    if (writer->n_held >= 16) {
        writer->n_held -= 16;
        writer->frame->word[writer->frame->n_words++] = (uint16_t)(writer->held >> writer->n_held);
    }
}

// Fills up with zeros to whole units of so many words.
static inline void mb_chip_put_end(mb_chip_writer *writer, unsigned unit) {
    if (writer->n_held > 0) {
        mb_chip_put(writer, 0, 16 - writer->n_held);
    }
    while (writer->frame->n_words % unit != 0) {
        writer->frame->word[writer->frame->n_words++] = 0;
    }
}

typedef struct mb_chip_reader {
    const mb_chip_frame *frame;
    uint64_t held;
    unsigned n_held, next;
    bool is_over; // more was asked for than there is
} mb_chip_reader;

static inline uint32_t mb_chip_take(mb_chip_reader *reader, unsigned bits) {
    while (reader->n_held < bits) {
        const bool is_over = reader->next >= reader->frame->n_words;
        reader->is_over = reader->is_over || is_over;
        reader->held = reader->held << 16 | (is_over ? 0U : reader->frame->word[reader->next]);
        reader->next++;
        reader->n_held += 16;
    }
    reader->n_held -= bits;
    return (uint32_t)(reader->held >> reader->n_held) & ((1U << bits) - 1);
}

// Whether the frame held what was taken, and zeros up to its end in whole units of words.
static inline bool mb_chip_take_end(mb_chip_reader *reader, unsigned unit) {
    bool is_zero = (reader->held & ((UINT64_C(1) << reader->n_held) - 1)) == 0;
    const unsigned end = (unsigned)mb_round_up(reader->next, unit);
    for (; reader->next < reader->frame->n_words; reader->next++) {
        is_zero = is_zero && reader->frame->word[reader->next] == 0;
    }
    return !reader->is_over && is_zero && end == reader->frame->n_words;
}

#endif
