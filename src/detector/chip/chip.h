// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_CHIP_CHIP_H
#define DETECTOR_CHIP_CHIP_H

#include "kernels/chip_codes.h"

// The concentrator chip of a module, bit by bit: 12 links of 28 bits bring 48 charges each
// crossing; a multiplexer, a calibration and one of several algorithms follow; a formatter, a
// buffer and 1 to 13 links of 32 bits take the result away.

enum {
    MB_CHIP_CELLS = 48,
    MB_CHIP_PORTS = 12,
    MB_CHIP_PORT_CELLS = 4,
    MB_CHIP_PORT_MOST = (1 << 28) - 1,
    MB_CHIP_OUTPUTS = 16, // of the encoder
    MB_CHIP_MOST_LINKS = 13,
    MB_CHIP_MOST_WORDS = 26,             // of 16 bits, of a frame
    MB_CHIP_ORBIT = 3564,                // crossings
    MB_CHIP_SYNC_WORD = 0x333,           // 11 bits, behind the crossing counter
    MB_CHIP_RESET_CROSSINGS = 256,       // that a link reset lasts
    MB_CHIP_CHARGE_MOST = (1 << 22) - 1, // of a charge, and of a module's sum
    MB_CHIP_CALIBRATION_MOST = (1 << 12) - 1,
    MB_CHIP_CALIBRATION_ONE = 2048,
};

typedef struct mb_chip_settings {
    unsigned n_links;     // 1 .. MB_CHIP_MOST_LINKS
    unsigned drop;        // low bits that charge codes leave out: 1 low density, 3 high density
    uint32_t calibration; // charge = floor(value * calibration / 2048); round(2048 / cosh(eta))
    uint32_t threshold;   // least charge that the threshold sum sends
    bool is_rest;         // module sums are of the cells not sent, else of all
    bool is_first;        // of equal cells of a group the first is named, else the last
    unsigned header_bits; // of the autoencoder's frames: 5 or 4
    uint16_t keep[MB_CHIP_OUTPUTS]; // the bits of each of its outputs that are sent
} mb_chip_settings;

// Low density, calibration 1, threshold 47, 5 header bits, and the uppermost bits that n_links
// carry.
void mb_chip_settings_init(mb_chip_settings *settings, unsigned n_links);

// What an algorithm says of a crossing.
typedef struct mb_chip_content {
    unsigned header;                // crossing counter, as many bits as the frame has
    unsigned type;                  // of a threshold sum
    uint32_t sum;                   // code; 0 where the frame has none
    unsigned n;                     // numbers that follow
    uint8_t address[MB_CHIP_CELLS]; // cells, or places in groups; 0 where there are none
    uint16_t code[MB_CHIP_CELLS];   // charges, sums of groups, or outputs
} mb_chip_content;

// The types of a threshold sum.
enum { MB_CHIP_NONE = 0, MB_CHIP_FEW = 2, MB_CHIP_MANY = 4, MB_CHIP_TRUNCATED = 6 };

// A formatted crossing: words of 16 bits, the first bit uppermost.
typedef struct mb_chip_frame {
    unsigned n_words;
    uint16_t word[MB_CHIP_MOST_WORDS];
} mb_chip_frame;

// Groups of consecutive cells, summed.
typedef struct mb_chip_groups {
    unsigned size, address_bits; // cells of a group; bits that name its largest (0: not said)
    mb_float_format format;      // of sums
    unsigned count[5];           // groups that 1 .. 5 links and more carry
} mb_chip_groups;

typedef struct mb_chip_algorithm mb_chip_algorithm;
struct mb_chip_algorithm {
    const char *name, *help;
    unsigned header_bits; // of its frames (the autoencoder: the settings')
    unsigned least_links;
    const mb_chip_groups *groups;
    // What to say of 48 charges; all but the header. NULL: a network says it.
    void (*work)(const mb_chip_algorithm *algorithm, const mb_chip_settings *settings,
        const uint32_t *charges, mb_chip_content *out);
    void (*pack)(const mb_chip_algorithm *algorithm, const mb_chip_settings *settings,
        const mb_chip_content *content, mb_chip_frame *out);
    // false: this is no frame of the kind.
    bool (*unpack)(const mb_chip_algorithm *algorithm, const mb_chip_settings *settings,
        const mb_chip_frame *frame, mb_chip_content *out);
};

extern const mb_chip_algorithm *const mb_chip_algorithms[]; // NULL-terminated
// Fails with ARG, naming the known ones.
mb_status mb_chip_algorithm_find(
    mb_context *ctx, const char *name, const mb_chip_algorithm **out) MB_MUST_CHECK;
// Whether the settings are within their ranges and the algorithm's frames fit the links. Fails with
// ARG.
mb_status mb_chip_settings_check(mb_context *ctx, const mb_chip_algorithm *algorithm,
    const mb_chip_settings *settings) MB_MUST_CHECK;
// How many numbers a content may have, and whether they have addresses.
unsigned mb_chip_most_codes(const mb_chip_algorithm *algorithm, const mb_chip_settings *settings);
bool mb_chip_has_addresses(const mb_chip_algorithm *algorithm);
bool mb_chip_has_sum(const mb_chip_algorithm *algorithm);
bool mb_chip_has_type(const mb_chip_algorithm *algorithm); // and a number of cells of its own
// Bits of a code: of charges 7, sums of groups 7 or 9, outputs 9.
unsigned mb_chip_code_bits(const mb_chip_algorithm *algorithm);
// Whether every field fits its frame. Fails with RANGE; the text begins with the field.
mb_status mb_chip_content_check(mb_context *ctx, const mb_chip_algorithm *algorithm,
    const mb_chip_settings *settings, const mb_chip_content *content) MB_MUST_CHECK;

// The crossing counter of a bucket, 0 .. 3563: bucket modulo 16, but 31 at bucket 0; in 4 bits its
// uppermost and three lowest bits.
unsigned mb_chip_header(unsigned bucket, unsigned bits);

// Cells of the best choice for 0 .. 13 links.
unsigned mb_chip_best_cells(unsigned n_links);
// The chip's sorter, Batcher's odd-even merge exchange over 48: order[0] names the largest. Equal
// values are left as the network has them.
void mb_chip_sort(const uint32_t *values, uint8_t *order);

// Twelve words to 48 codes and back: input 4 p + j is bits 7 j + 6 .. 7 j of word p.
void mb_chip_ports_unpack(const uint32_t *words, uint8_t *codes);
void mb_chip_ports_pack(const uint8_t *codes, uint32_t *words);
// Codes to calibrated charges.
void mb_chip_calibrate(const mb_chip_settings *settings, const uint8_t *codes, uint32_t *charges);

// The frame a full buffer leaves of another: counter, type and sum of a threshold sum, in two
// words.
void mb_chip_frame_cut(const mb_chip_frame *frame, mb_chip_frame *out);
// A crossing of a link reset: as many sync words as the links carry.
void mb_chip_frame_sync(unsigned n_links, unsigned bucket, mb_chip_frame *out);
uint16_t mb_chip_idle_word(unsigned bucket);

// The buffer before the links.
enum { MB_CHIP_BUFFER_WORDS = 400 };
typedef struct mb_chip_buffer {
    uint16_t word[MB_CHIP_BUFFER_WORDS];
    unsigned n;
    int t1, t2, t3; // words: 24 n_links, t1 - 25 (at least 0), 25
    unsigned n_links;
} mb_chip_buffer;
void mb_chip_buffer_init(mb_chip_buffer *buffer, unsigned n_links);
// Takes a frame in, cut to two words where the buffer is too full, and gives one crossing's words
// of 32 bits, one a link, filled up with idle words of the bucket. frame NULL: nothing comes.
// Returns which condition held: 1 n + words > t1, cut; 2 else n > t2 and words <= t3, cut; 3 else
// n > t2; 4 else.
unsigned mb_chip_buffer_step(
    mb_chip_buffer *buffer, const mb_chip_frame *frame, unsigned bucket, uint32_t *links);

#endif
